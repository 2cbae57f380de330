// SPDX-License-Identifier: GPL-2.0-only
/* Tracepoints: one job followed through its life, by queue and number. */
#include "enpu_test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest_harness.h"

#define TRACEFS		"/sys/kernel/tracing"
/* A buffer of its own: whoever else traces is not in the way. */
#define INSTANCE	TRACEFS "/instances/enpu-kselftest"

struct event {
	char *name;
	char *fields;
	double seconds;
};

FIXTURE(trace)
{
	struct ctx ctx;
	bool have_ctx;
	char *text;
	struct event *events;
	size_t count;
};

static int instance_write(const char *file, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), INSTANCE "/%s", file);
	return write_file(path, text);
}

static char *instance_read(const char *file)
{
	char path[128], *text = NULL;
	size_t size = 0;
	ssize_t n = 1;
	int fd;

	snprintf(path, sizeof(path), INSTANCE "/%s", file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	while (n > 0) {
		text = realloc(text, size + 65537);
		n = read(fd, text + size, 65536);
		size += n > 0 ? n : 0;
	}
	text[size] = 0;
	close(fd);
	return text;
}

/* "   comm-pid  [cpu] flags seconds: name: fields" */
static bool parse(char *line, struct event *event)
{
	char *name = strstr(line, ": enpu_"), *time, *end;

	if (line[0] == '#' || !name)
		return false;
	*name = 0;
	time = strrchr(line, ' ');
	event->name = name + 2;
	end = strchr(event->name, ':');
	if (!time || !end)
		return false;
	*end = 0;
	event->fields = end + 1;
	event->seconds = atof(time);
	return true;
}

FIXTURE_SETUP(trace)
{
	if (access(TRACEFS "/instances", F_OK))
		mount("tracefs", TRACEFS, "tracefs", 0, NULL);
	if (access(TRACEFS "/events/enpu", F_OK))
		SKIP(return, "no tracefs, or the kernel has no tracepoints");
	ASSERT_TRUE(!mkdir(INSTANCE, 0700) || errno == EEXIST);
	ASSERT_EQ(0, instance_write("trace_clock", "mono"));
	ASSERT_EQ(0, instance_write("events/enpu/enable", "1"));
	ASSERT_EQ(0, ctx_init(&self->ctx, 0));
	self->have_ctx = true;
}

FIXTURE_TEARDOWN(trace)
{
	if (self->have_ctx)
		ctx_fini(&self->ctx);
	instance_write("events/enpu/enable", "0");
	rmdir(INSTANCE);
	free(self->text);
	free(self->events);
}

#define load(self) \
	do { \
		char *line_, *rest_; \
		free((self)->text); \
		free((self)->events); \
		(self)->text = instance_read("trace"); \
		ASSERT_NE(NULL, (self)->text); \
		(self)->events = calloc(strlen((self)->text) / 20 + 1, sizeof(struct event)); \
		(self)->count = 0; \
		for (line_ = strtok_r((self)->text, "\n", &rest_); line_; \
		     line_ = strtok_r(NULL, "\n", &rest_)) \
			(self)->count += parse(line_, &(self)->events[(self)->count]); \
	} while (0)

/* The value of a field as a number; -1 if there is none */
static long long field(const struct event *event, const char *name)
{
	char key[32];
	const char *at;

	snprintf(key, sizeof(key), " %s=", name);
	at = event ? strstr(event->fields, key) : NULL;
	return at ? strtoll(at + strlen(key), NULL, 0) : -1;
}

static bool has(const struct event *event, const char *text)
{
	return event && strstr(event->fields, text);
}

/* The next event of a name from *at on, and of a queue and a job if they are not -1 */
static struct event *find(struct event *events, size_t count, size_t *at, const char *name,
			  long long queue, long long job)
{
	for (; *at < count; (*at)++) {
		struct event *event = &events[*at];

		if (!strcmp(event->name, name) && (queue < 0 || field(event, "queue") == queue) &&
		    (job < 0 || field(event, "job") == job))
			return &events[(*at)++];
	}
	return NULL;
}

#define FIND(at, name, queue, job)	find(self->events, self->count, at, name, queue, job)

TEST_F(trace, life_of_a_job)
{
	struct event *create, *submitted, *dispatched, *completed, *retired;
	double before, after;
	long long queue;
	char path[256];
	size_t at = 0;

	before = now_ns() / 1e9;
	ASSERT_EQ(0, ctx_check_copy(&self->ctx, 1));
	after = now_ns() / 1e9;
	ASSERT_EQ(0, ctx_check_copy(&self->ctx, 2));
	ASSERT_EQ(0, queue_destroy(self->ctx.fd, self->ctx.queue));
	load(self);

	create = FIND(&at, "enpu_queue_create", -1, -1);
	ASSERT_NE(NULL, create);
	EXPECT_TRUE(has(create, " label=kselftest"));
	queue = field(create, "queue");
	ASSERT_GT(queue, 0);

	submitted = FIND(&at, "enpu_job_submit", queue, 1);
	dispatched = FIND(&at, "enpu_job_dispatch", queue, 1);
	completed = FIND(&at, "enpu_job_complete", queue, 1);
	ASSERT_NE(NULL, submitted);
	ASSERT_NE(NULL, dispatched);
	ASSERT_NE(NULL, completed);
	EXPECT_EQ(1, field(submitted, "count"));
	EXPECT_TRUE(has(submitted, " label=kselftest"));
	/* the same fence: context:seqno */
	EXPECT_EQ(queue, field(dispatched, "fence"));
	EXPECT_EQ(queue, field(completed, "fence"));
	/* by another clock's account it was then: 1 us is what the text rounds to */
	EXPECT_LE(before - 1e-6, submitted->seconds);
	EXPECT_LE(submitted->seconds, dispatched->seconds);
	EXPECT_LE(dispatched->seconds, completed->seconds);
	EXPECT_LE(completed->seconds, after + 1e-6);

	/* the device as sysfs names it */
	ASSERT_EQ(0, pci_path(path, sizeof(path)));
	EXPECT_TRUE(has(completed, strrchr(path, '/') + 1));

	EXPECT_NE(NULL, FIND(&at, "enpu_job_submit", queue, 2));
	EXPECT_NE(NULL, FIND(&at, "enpu_job_dispatch", queue, 2));
	EXPECT_NE(NULL, FIND(&at, "enpu_job_complete", queue, 2));
	retired = FIND(&at, "enpu_queue_retire", queue, -1);
	ASSERT_NE(NULL, retired);
	EXPECT_EQ(2, field(retired, "completed"));
	EXPECT_TRUE(has(retired, " state=lost"));
	at = 0;
	EXPECT_EQ(NULL, FIND(&at, "enpu_job_fail", queue, -1));
}

TEST_F(trace, numbers_count_jobs)
{
	struct drm_enpu_command commands[3];
	struct drm_enpu_sync sync = {
		.handle = self->ctx.syncobj, .flags = DRM_ENPU_SYNC_SIGNAL,
	};
	struct event *event;
	long long queue;
	size_t at = 0;
	int i;

	stream_nop(&self->ctx.stream);
	for (i = 0; i < 3; i++)
		commands[i] = ctx_command(&self->ctx);
	ASSERT_EQ(0, submit(self->ctx.fd, self->ctx.queue, commands, 3, NULL, 0));
	/* a sync point is no job */
	ASSERT_EQ(0, submit(self->ctx.fd, self->ctx.queue, NULL, 0, NULL, 0));
	ASSERT_EQ(0, submit(self->ctx.fd, self->ctx.queue, commands, 2, &sync, 1));
	ASSERT_EQ(0, ctx_wait(&self->ctx));
	load(self);

	event = FIND(&at, "enpu_queue_create", -1, -1);
	queue = field(event, "queue");
	event = FIND(&at, "enpu_job_submit", queue, -1);
	EXPECT_EQ(3, field(event, "job"));
	EXPECT_EQ(3, field(event, "count"));
	/* the dispatch of the first may come before or after the next submission */
	event = FIND(&at, "enpu_job_submit", queue, -1);
	EXPECT_EQ(3, field(event, "job"));
	EXPECT_EQ(0, field(event, "count"));
	event = FIND(&at, "enpu_job_submit", queue, -1);
	EXPECT_EQ(5, field(event, "job"));
	EXPECT_EQ(2, field(event, "count"));
	EXPECT_NE(NULL, FIND(&at, "enpu_job_complete", queue, 5));
}

TEST_F(trace, failure)
{
	struct event *ban, *failed, *retired;
	long long queue;
	size_t at = 0;

	ASSERT_EQ(0, ctx_check_copy(&self->ctx, 1));
	ctx_restart(&self->ctx);
	stream_nop(&self->ctx.stream);
	stream_fill(&self->ctx.stream, REGION_UNMAPPED, 0, 1, 64);
	ASSERT_EQ(0, ctx_submit(&self->ctx));
	ASSERT_EQ(-EFAULT, ctx_wait(&self->ctx));
	ASSERT_EQ(0, queue_destroy(self->ctx.fd, self->ctx.queue));
	load(self);

	queue = field(FIND(&at, "enpu_queue_create", -1, -1), "queue");
	ban = FIND(&at, "enpu_queue_ban", queue, -1);
	ASSERT_NE(NULL, ban);
	EXPECT_EQ(-EFAULT, field(ban, "error"));
	EXPECT_EQ(1, field(ban, "completed"));
	EXPECT_EQ(ENPU_FAULT_UNMAPPED, field(ban, "cause"));
	EXPECT_EQ(1, field(ban, "command"));
	EXPECT_EQ(UNMAPPED_VA, field(ban, "address"));
	failed = FIND(&at, "enpu_job_fail", queue, 2);
	ASSERT_NE(NULL, failed);
	EXPECT_EQ(-EFAULT, field(failed, "error"));
	retired = FIND(&at, "enpu_queue_retire", queue, -1);
	ASSERT_NE(NULL, retired);
	EXPECT_TRUE(has(retired, " state=banned"));
	EXPECT_EQ(-EFAULT, field(retired, "error"));
	EXPECT_EQ(1, field(retired, "completed"));
	/* once: destroying what was retired does nothing */
	EXPECT_EQ(NULL, FIND(&at, "enpu_queue_retire", queue, -1));
}

TEST_F(trace, refused_before_the_ring)
{
	struct drm_enpu_sync syncs[2];
	struct drm_enpu_command command;
	uint32_t gate, done, other;
	struct event *submitted, *failed;
	long long queue;
	size_t at = 0;

	/* it waits for another queue's job, which hangs until the watchdog comes */
	stream_nop(&self->ctx.stream);
	command = ctx_command(&self->ctx);
	ASSERT_EQ(0, queue_create(self->ctx.fd, self->ctx.vm, 200, &other));
	ASSERT_EQ(0, syncobj_create(self->ctx.fd, &gate));
	ASSERT_EQ(0, syncobj_create(self->ctx.fd, &done));
	ASSERT_EQ(0, control("hang 1"));
	syncs[0] = (struct drm_enpu_sync){ .handle = gate, .flags = DRM_ENPU_SYNC_SIGNAL };
	ASSERT_EQ(0, submit(self->ctx.fd, other, &command, 1, syncs, 1));
	syncs[0] = (struct drm_enpu_sync){ .handle = gate };
	syncs[1] = (struct drm_enpu_sync){ .handle = done, .flags = DRM_ENPU_SYNC_SIGNAL };
	ASSERT_EQ(0, submit(self->ctx.fd, self->ctx.queue, &command, 1, syncs, 2));
	ASSERT_EQ(0, queue_destroy(self->ctx.fd, self->ctx.queue));
	ASSERT_EQ(-ETIME, ctx_wait_for(&self->ctx, gate));
	ASSERT_EQ(-ECANCELED, ctx_wait_for(&self->ctx, done));
	load(self);

	queue = field(FIND(&at, "enpu_queue_create", -1, -1), "queue");
	submitted = FIND(&at, "enpu_job_submit", queue, 1);
	ASSERT_NE(NULL, submitted);
	failed = FIND(&at, "enpu_job_fail", queue, 1);
	ASSERT_NE(NULL, failed);
	EXPECT_EQ(-ECANCELED, field(failed, "error"));
	EXPECT_TRUE(has(failed, ":0 "));
	at = 0;
	EXPECT_EQ(NULL, FIND(&at, "enpu_job_dispatch", queue, -1));
}

TEST_F(trace, address_space)
{
	struct event *event;
	long long vm;
	size_t at = 0;

	ASSERT_EQ(0, vm_map(self->ctx.fd, self->ctx.vm, self->ctx.bo, KIB(4), MIB(64), KIB(8),
			    DRM_ENPU_VM_BIND_READ_ONLY));
	ASSERT_EQ(0, vm_unmap(self->ctx.fd, self->ctx.vm, MIB(64), KIB(8)));
	load(self);

	event = FIND(&at, "enpu_vm_map", -1, -1);
	EXPECT_EQ(CTX_VA, field(event, "va"));
	EXPECT_EQ(CTX_SIZE, field(event, "size"));
	EXPECT_TRUE(has(event, " writable "));
	EXPECT_EQ(0, field(event, "error"));
	vm = field(event, "vm");

	event = FIND(&at, "enpu_vm_map", -1, -1);
	EXPECT_EQ(vm, field(event, "vm"));
	EXPECT_EQ(MIB(64), field(event, "va"));
	EXPECT_EQ(KIB(8), field(event, "size"));
	EXPECT_EQ(KIB(4), field(event, "offset"));
	EXPECT_EQ(self->ctx.bo, field(event, "bo"));
	EXPECT_TRUE(has(event, " read-only "));

	event = FIND(&at, "enpu_vm_unmap", -1, -1);
	EXPECT_EQ(vm, field(event, "vm"));
	EXPECT_EQ(MIB(64), field(event, "va"));
	EXPECT_EQ(KIB(8), field(event, "size"));
	/* what was mapped and is no more needs a flush, after the change */
	event = FIND(&at, "enpu_tlb_flush", -1, -1);
	EXPECT_EQ(vm, field(event, "vm"));
	EXPECT_GE(field(event, "us"), 0);
}

TEST_F(trace, doorbell)
{
	struct drm_enpu_queue_create args = {
		.vm_id = self->ctx.vm, .mode = DRM_ENPU_QUEUE_USER, .label = "rings itself",
	};
	size_t page = sysconf(_SC_PAGESIZE), at = 0;
	volatile uint32_t *doorbell;
	struct event *event;
	long long queue;

	ASSERT_EQ(0, enpu_ioctl(self->ctx.fd, DRM_IOCTL_ENPU_QUEUE_CREATE, &args));
	doorbell = mmap(NULL, page, PROT_WRITE, MAP_SHARED, self->ctx.fd, args.doorbell_offset);
	ASSERT_NE(MAP_FAILED, (void *)doorbell);
	/* the first store is seen; there is no job in it */
	*doorbell = 0;
	ASSERT_EQ(0, queue_destroy(self->ctx.fd, args.id));
	*doorbell = 0;
	munmap((void *)doorbell, page);
	load(self);

	do
		event = FIND(&at, "enpu_queue_create", -1, -1);
	while (event && !has(event, " label=rings itself"));
	ASSERT_NE(NULL, event);
	queue = field(event, "queue");
	EXPECT_EQ(1, field(FIND(&at, "enpu_doorbell_fault", queue, -1), "real"));
	EXPECT_NE(NULL, FIND(&at, "enpu_queue_retire", queue, -1));
	EXPECT_EQ(0, field(FIND(&at, "enpu_doorbell_fault", queue, -1), "real"));
}

TEST_F(trace, off)
{
	int fd;

	ASSERT_EQ(0, instance_write("events/enpu/enable", "0"));
	/* empties it */
	fd = open(INSTANCE "/trace", O_WRONLY | O_TRUNC | O_CLOEXEC);
	ASSERT_GE(fd, 0);
	close(fd);
	ASSERT_EQ(0, ctx_check_copy(&self->ctx, 3));
	load(self);
	EXPECT_EQ(0, self->count);
}

TEST_HARNESS_MAIN
