// SPDX-License-Identifier: GPL-2.0-only
/*
 * What monitors read: fdinfo, read as Documentation/gpu/drm-usage-stats.rst of the
 * kernel says, and the two clocks.
 */
#include "enpu_test.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"

#define MAX_KEYS	64

struct fdinfo {
	char text[8192];
	struct {
		const char *key;
		const char *value;
	} lines[MAX_KEYS];
	unsigned int count;
	const char *error;
};

FIXTURE(fdinfo)
{
	struct ctx ctx;
	struct fdinfo a, b;
};

FIXTURE_SETUP(fdinfo)
{
	ASSERT_EQ(0, ctx_init(&self->ctx, 0));
}

FIXTURE_TEARDOWN(fdinfo)
{
	ctx_fini(&self->ctx);
}

/* One pair in a line, delimited by a colon, no whitespace in keys, each key once */
static void parse(struct fdinfo *info)
{
	char *line, *rest, *colon;
	unsigned int i;

	for (line = strtok_r(info->text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		colon = strchr(line, ':');
		if (!colon || info->count == MAX_KEYS) {
			info->error = colon ? "too many keys" : line;
			return;
		}
		*colon++ = 0;
		if (strpbrk(line, " \t"))
			info->error = line;
		for (i = 0; i < info->count; i++)
			if (!strcmp(info->lines[i].key, line))
				info->error = line;
		info->lines[info->count].key = line;
		info->lines[info->count++].value = colon + strspn(colon, " \t");
	}
}

static int load(int fd, struct fdinfo *info)
{
	char path[64];
	size_t used = 0;
	ssize_t n = 1;
	int file;

	memset(info, 0, sizeof(*info));
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return -errno;
	while (n > 0 && used < sizeof(info->text) - 1) {
		n = read(file, info->text + used, sizeof(info->text) - 1 - used);
		used += n > 0 ? n : 0;
	}
	close(file);
	parse(info);
	return info->error ? -EINVAL : 0;
}

static const char *get(const struct fdinfo *info, const char *key)
{
	unsigned int i;

	for (i = 0; i < info->count; i++)
		if (!strcmp(info->lines[i].key, key))
			return info->lines[i].value;
	return NULL;
}

/* <uint> [unit]; of the units one may be "" for none. -1: not there or not like that */
static long long number(const struct fdinfo *info, const char *key, const char *units)
{
	static const struct { const char *name; long long factor; } known[] = {
		{ "", 1 }, { "ns", 1 }, { "Hz", 1 }, { "KiB", 1 << 10 }, { "MiB", 1 << 20 },
	};
	const char *value = get(info, key);
	long long result;
	size_t i;
	char *end;

	if (!value || !isdigit((unsigned char)*value))
		return -1;
	result = strtoll(value, &end, 10);
	if (*end == ' ')
		end++;
	for (i = 0; i < COUNT(known); i++)
		if (!strcmp(end, known[i].name) && strstr(units, *end ? end : "-"))
			return result * known[i].factor;
	return -1;
}

#define BYTES(info, key)	number(info, key, "- KiB MiB")

TEST_F(fdinfo, mandatory_keys)
{
	char path[256], same[64];
	struct fdinfo *a = &self->a, *b = &self->b;
	long long id;
	int other, copy;

	ASSERT_EQ(0, load(self->ctx.fd, a)) {
		TH_LOG("%s", a->error);
	}
	ASSERT_NE(NULL, get(a, "drm-driver"));
	EXPECT_STREQ("enpu", get(a, "drm-driver"));
	ASSERT_NE(NULL, get(a, "drm-pdev"));
	ASSERT_EQ(0, pci_path(path, sizeof(path)));
	EXPECT_STREQ(strrchr(path, '/') + 1, get(a, "drm-pdev"));
	id = number(a, "drm-client-id", "-");
	EXPECT_GT(id, 0);

	/* another open is another client, another descriptor is not */
	other = enpu_open();
	ASSERT_GE(other, 0);
	ASSERT_EQ(0, load(other, b));
	EXPECT_NE(id, number(b, "drm-client-id", "-"));
	close(other);
	copy = dup(self->ctx.fd);
	ASSERT_EQ(0, load(copy, b));
	snprintf(same, sizeof(same), "%lld", id);
	EXPECT_STREQ(same, get(b, "drm-client-id"));
	close(copy);
}

TEST_F(fdinfo, keys_are_prefixed)
{
	static const char *const files[] = { "pos", "flags", "mnt_id", "ino" };
	unsigned int i, j;

	ASSERT_EQ(0, load(self->ctx.fd, &self->a));
	for (i = 0; i < self->a.count; i++) {
		const char *key = self->a.lines[i].key;
		bool good = !strncmp(key, "drm-", 4) || !strncmp(key, "enpu-", 5);

		/* those that every file has */
		for (j = 0; j < COUNT(files); j++)
			good |= !strcmp(key, files[j]);
		EXPECT_TRUE(good) {
			TH_LOG("%s", key);
		}
	}
}

TEST_F(fdinfo, engine)
{
	struct drm_enpu_queue_query query;
	struct fdinfo *a = &self->a, *b = &self->b;
	long long busy, cycles, last = 0;
	int64_t wall = now_ns();
	int i;

	ASSERT_EQ(0, load(self->ctx.fd, a));
	EXPECT_EQ(0, number(a, "drm-engine-npu", "ns"));
	EXPECT_EQ(0, number(a, "drm-cycles-npu", "-"));
	EXPECT_EQ(enpu_info(self->ctx.fd).clock_khz * 1000ll,
		  number(a, "drm-maxfreq-npu", "Hz"));
	/* one engine: a capacity of one is what its absence says */
	EXPECT_EQ(NULL, get(a, "drm-engine-capacity-npu"));

	for (i = 0; i < 3; i++) {
		ctx_restart(&self->ctx);
		stream_busy(&self->ctx.stream, REGION_DST);
		ASSERT_EQ(0, ctx_submit(&self->ctx));
		ASSERT_EQ(0, ctx_wait(&self->ctx));
		ASSERT_EQ(0, load(self->ctx.fd, b));
		EXPECT_GT(number(b, "drm-engine-npu", "ns"), last);
		last = number(b, "drm-engine-npu", "ns");
	}
	wall = now_ns() - wall;
	busy = number(b, "drm-engine-npu", "ns");
	cycles = number(b, "drm-cycles-npu", "-");
	EXPECT_LE(busy, wall);
	ASSERT_EQ(0, queue_query(self->ctx.fd, self->ctx.queue, &query));
	EXPECT_EQ((long long)query.busy_ns, busy);
	EXPECT_EQ((long long)query.busy_cycles, cycles);

	/* a queue that goes takes nothing with it */
	ASSERT_EQ(0, queue_destroy(self->ctx.fd, self->ctx.queue));
	ASSERT_EQ(0, load(self->ctx.fd, b));
	EXPECT_EQ(busy, number(b, "drm-engine-npu", "ns"));
	EXPECT_EQ(cycles, number(b, "drm-cycles-npu", "-"));
}

/* Another client's work is not ours. */
TEST_F(fdinfo, by_client)
{
	struct ctx other;

	ASSERT_EQ(0, ctx_init(&other, 0));
	ASSERT_EQ(0, ctx_check_copy(&other, 1));
	ASSERT_EQ(0, load(self->ctx.fd, &self->a));
	ASSERT_EQ(0, load(other.fd, &self->b));
	EXPECT_EQ(0, number(&self->a, "drm-engine-npu", "ns"));
	EXPECT_GT(number(&self->b, "drm-engine-npu", "ns"), 0);
	ctx_fini(&other);
}

TEST_F(fdinfo, queues)
{
	struct drm_enpu_queue_create args = {
		.vm_id = self->ctx.vm, .label = "two words: and\na line",
	};
	unsigned long long busy, jobs;
	char key[32], label[64];

	ASSERT_EQ(0, enpu_ioctl(self->ctx.fd, DRM_IOCTL_ENPU_QUEUE_CREATE, &args));
	stream_nop(&self->ctx.stream);
	ASSERT_EQ(0, ctx_submit_to(&self->ctx, args.id, self->ctx.syncobj));
	ASSERT_EQ(0, ctx_wait(&self->ctx));
	ASSERT_EQ(0, load(self->ctx.fd, &self->a));
	snprintf(key, sizeof(key), "enpu-queue-%u", args.id);
	ASSERT_NE(NULL, get(&self->a, key));
	ASSERT_EQ(3, sscanf(get(&self->a, key), "%llu ns %llu jobs %63[^\n]", &busy, &jobs, label));
	EXPECT_EQ(1, jobs);
	EXPECT_STREQ("two words: and?a line", label);
	EXPECT_LE((long long)busy, number(&self->a, "drm-engine-npu", "ns"));
}

TEST_F(fdinfo, memory)
{
	struct fdinfo *a = &self->a, *b = &self->b;
	long long total, resident, shared;
	struct drm_prime_handle prime = { .flags = DRM_RDWR };
	uint32_t bo;
	void *map;
	int other;

	ASSERT_EQ(0, load(self->ctx.fd, a));
	total = BYTES(a, "drm-total-memory");
	resident = BYTES(a, "drm-resident-memory");
	shared = BYTES(a, "drm-shared-memory");
	EXPECT_EQ((long long)CTX_SIZE, total);
	EXPECT_EQ((long long)CTX_SIZE, resident);
	EXPECT_EQ(0, shared);
	/* newer kernels leave it out when nothing is */
	EXPECT_LE(BYTES(a, "drm-purgeable-memory"), 0);

	/* a BO has no pages before somebody uses it */
	ASSERT_EQ(0, bo_create(self->ctx.fd, MIB(1) + KIB(4), 0, &bo));
	ASSERT_EQ(0, load(self->ctx.fd, b));
	EXPECT_EQ(total + (long long)(MIB(1) + KIB(4)), BYTES(b, "drm-total-memory"));
	EXPECT_EQ(resident, BYTES(b, "drm-resident-memory"));
	map = bo_map(self->ctx.fd, bo, MIB(1) + KIB(4));
	ASSERT_NE(NULL, map);
	*(volatile char *)map = 1;
	ASSERT_EQ(0, load(self->ctx.fd, b));
	EXPECT_EQ(resident + (long long)(MIB(1) + KIB(4)), BYTES(b, "drm-resident-memory"));

	/* shared with another file, as both see it */
	prime.handle = bo;
	ASSERT_EQ(0, enpu_ioctl(self->ctx.fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime));
	other = enpu_open();
	ASSERT_GE(other, 0);
	ASSERT_EQ(0, enpu_ioctl(other, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime));
	ASSERT_EQ(0, load(self->ctx.fd, a));
	ASSERT_EQ(0, load(other, b));
	EXPECT_EQ((long long)(MIB(1) + KIB(4)), BYTES(a, "drm-shared-memory"));
	EXPECT_EQ((long long)(MIB(1) + KIB(4)), BYTES(b, "drm-shared-memory"));
	EXPECT_EQ((long long)(MIB(1) + KIB(4)), BYTES(b, "drm-total-memory"));
	close(other);
	close(prime.fd);

	munmap(map, MIB(1) + KIB(4));
	ASSERT_EQ(0, bo_close(self->ctx.fd, bo));
	ASSERT_EQ(0, load(self->ctx.fd, b));
	EXPECT_EQ(total, BYTES(b, "drm-total-memory"));
}

static int timestamp(int fd, struct drm_enpu_dev_timestamp *now)
{
	struct drm_enpu_dev_query query = {
		.type = DRM_ENPU_DEV_QUERY_TIMESTAMP,
		.size = sizeof(*now),
		.pointer = (uintptr_t)now,
	};

	return enpu_ioctl(fd, DRM_IOCTL_ENPU_DEV_QUERY, &query);
}

TEST_F(fdinfo, clocks_go_together)
{
	struct drm_enpu_dev_timestamp last = {}, now, first;
	int64_t before, after, device, cpu;
	int i;

	ASSERT_EQ(0, timestamp(self->ctx.fd, &first));
	for (i = 0; i < 50; i++) {
		before = now_ns();
		ASSERT_EQ(0, timestamp(self->ctx.fd, &now));
		after = now_ns();
		/* ours lies within, with its uncertainty; it is rounded down */
		EXPECT_GE((int64_t)(now.cpu_ns - now.uncertainty_ns), before);
		EXPECT_LE((int64_t)(now.cpu_ns + now.uncertainty_ns), after);
		EXPECT_GE(now.device_ns, last.device_ns);
		EXPECT_GT(now.cpu_ns, last.cpu_ns);
		last = now;
	}
	sleep_ms(100);
	ASSERT_EQ(0, timestamp(self->ctx.fd, &now));
	/*
	 * Both count ns. By how much they drift says more of the machine that emulates
	 * both than of the driver: this is about units.
	 */
	device = now.device_ns - first.device_ns;
	cpu = now.cpu_ns - first.cpu_ns;
	EXPECT_GT(device, cpu / 10);
	EXPECT_LT(device, cpu * 10);
}

TEST_F(fdinfo, profile_lies_between_timestamps)
{
	struct enpu_profile *profile = (void *)(self->ctx.mem + CTX_PROFILE);
	struct drm_enpu_dev_timestamp before, after;
	struct drm_enpu_sync sync = {
		.handle = self->ctx.syncobj, .flags = DRM_ENPU_SYNC_SIGNAL,
	};
	struct drm_enpu_command command;

	if (!(enpu_info(self->ctx.fd).caps & ENPU_CAP_PROFILE))
		SKIP(return, "the device writes no profiles");
	stream_busy(&self->ctx.stream, REGION_DST);
	command = ctx_command(&self->ctx);
	command.profile_va = CTX_VA + CTX_PROFILE;
	command.cookie = 0xc00c1e;
	ASSERT_EQ(0, timestamp(self->ctx.fd, &before));
	ASSERT_EQ(0, submit(self->ctx.fd, self->ctx.queue, &command, 1, &sync, 1));
	ASSERT_EQ(0, ctx_wait(&self->ctx));
	ASSERT_EQ(0, timestamp(self->ctx.fd, &after));

	EXPECT_EQ(0xc00c1e, profile->cookie);
	EXPECT_GE(profile->start_ns, before.device_ns);
	EXPECT_GT(profile->end_ns, profile->start_ns);
	EXPECT_LE(profile->end_ns, after.device_ns);
	/* what it cost is what the client is charged */
	ASSERT_EQ(0, load(self->ctx.fd, &self->a));
	EXPECT_LE(number(&self->a, "drm-engine-npu", "ns"),
		  (long long)(after.device_ns - before.device_ns));
	EXPECT_GE(number(&self->a, "drm-engine-npu", "ns"),
		  (long long)(profile->end_ns - profile->start_ns) / 2);
}

TEST_HARNESS_MAIN
