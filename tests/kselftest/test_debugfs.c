// SPDX-License-Identifier: GPL-2.0-only
/* debugfs: queues, address spaces, page tables, accounts of labels. */
#include "enpu_test.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#define FILES	"/sys/kernel/debug/accel/*/"

FIXTURE(debugfs)
{
	struct ctx ctx;
	bool have_ctx;
	char text[65536];
};

/* Reads the file of the only device. */
static int read_debugfs(const char *name, char *text, size_t size)
{
	char pattern[64];
	size_t used = 0;
	ssize_t n = 1;
	glob_t found;
	int fd;

	text[0] = 0;
	snprintf(pattern, sizeof(pattern), FILES "%s", name);
	if (glob(pattern, 0, NULL, &found))
		return -ENOENT;
	fd = open(found.gl_pathv[0], O_RDONLY | O_CLOEXEC);
	globfree(&found);
	if (fd < 0)
		return -errno;
	while (n > 0 && used < size - 1) {
		n = read(fd, text + used, size - 1 - used);
		if (n < 0) {
			n = -errno;
			close(fd);
			return n;
		}
		used += n;
	}
	text[used] = 0;
	close(fd);
	return 0;
}

#define READ(name)	read_debugfs(name, self->text, sizeof(self->text))

FIXTURE_SETUP(debugfs)
{
	if (access("/sys/kernel/debug/accel", F_OK))
		SKIP(return, "no debugfs at /sys/kernel/debug");
	ASSERT_EQ(0, ctx_init(&self->ctx, 0));
	self->have_ctx = true;
}

FIXTURE_TEARDOWN(debugfs)
{
	if (self->have_ctx)
		ctx_fini(&self->ctx);
}

static int create_labelled(struct ctx *ctx, const char *label, uint32_t *id)
{
	struct drm_enpu_queue_create args = {
		.vm_id = ctx->vm,
		.priority = DRM_ENPU_PRIORITY_NORMAL,
	};
	int ret;

	snprintf(args.label, sizeof(args.label), "%s", label);
	ret = enpu_ioctl(ctx->fd, DRM_IOCTL_ENPU_QUEUE_CREATE, &args);
	*id = args.id;
	return ret;
}

/* The line that ends with a label; NULL: none */
static char *label_line(char *text, const char *label)
{
	char end[48], *at, *line;

	snprintf(end, sizeof(end), "  %s\n", label);
	at = strstr(text, end);
	if (!at)
		return NULL;
	for (line = at; line > text && line[-1] != '\n'; line--)
		;
	return line;
}

struct row {
	unsigned long long jobs, busy_ns, cycles;
	unsigned int queues;
};

/* The account of a label; all zero: none */
static struct row account(char *text, const char *label)
{
	char *line = label_line(text, label);
	struct row row = {};

	if (line)
		sscanf(line, "%llu %llu %llu %u", &row.jobs, &row.busy_ns, &row.cycles,
		       &row.queues);
	return row;
}

TEST_F(debugfs, queues)
{
	char state[16], mode[16], comm[32], name[64], *line;
	unsigned long long client, context, submitted, producer, completed, busy;
	unsigned int id, priority;
	int slot, error;
	uint32_t queue;

	ASSERT_EQ(0, create_labelled(&self->ctx, "seen by debugfs", &queue));
	stream_nop(&self->ctx.stream);
	ASSERT_EQ(0, ctx_submit_to(&self->ctx, queue, self->ctx.syncobj));
	ASSERT_EQ(0, ctx_wait(&self->ctx));
	ASSERT_EQ(0, READ("queues"));
	line = label_line(self->text, "seen by debugfs");
	ASSERT_NE(NULL, line);
	ASSERT_EQ(12, sscanf(line, "%llu %u %llu %d %15s %d %15s %u %llu %llu %llu %llu", &client,
			     &id, &context, &slot, state, &error, mode, &priority, &submitted,
			     &producer, &completed, &busy));
	EXPECT_EQ(queue, id);
	EXPECT_GE(slot, 0);
	EXPECT_STREQ("active", state);
	EXPECT_EQ(0, error);
	EXPECT_STREQ("kern", mode);
	EXPECT_EQ(DRM_ENPU_PRIORITY_NORMAL, priority);
	EXPECT_EQ(1, submitted);
	EXPECT_EQ(1, producer);
	EXPECT_EQ(1, completed);

	/* whose it is */
	snprintf(name, sizeof(name), "client %llu: pid %d, ", client, getpid());
	line = strstr(self->text, name);
	ASSERT_NE(NULL, line);
	ASSERT_EQ(1, sscanf(line + strlen(name), "%31s", comm));
	EXPECT_STREQ("test_debugfs", comm);

	/* a banned one has no slot */
	ctx_restart(&self->ctx);
	stream_fill(&self->ctx.stream, REGION_UNMAPPED, 0, 1, 64);
	ASSERT_EQ(0, ctx_submit_to(&self->ctx, queue, self->ctx.syncobj));
	ASSERT_EQ(-EFAULT, ctx_wait(&self->ctx));
	ASSERT_EQ(0, READ("queues"));
	line = label_line(self->text, "seen by debugfs");
	ASSERT_NE(NULL, line);
	ASSERT_EQ(6, sscanf(line, "%llu %u %llu %d %15s %d", &client, &id, &context, &slot, state,
			    &error));
	EXPECT_EQ(-1, slot);
	EXPECT_STREQ("banned", state);
	EXPECT_EQ(EFAULT, error);

	ASSERT_EQ(0, queue_destroy(self->ctx.fd, queue));
	ASSERT_EQ(0, READ("queues"));
	EXPECT_EQ(NULL, label_line(self->text, "seen by debugfs"));
}

TEST_F(debugfs, address_space)
{
	unsigned long long pages = 0, blocks = 0, tables = 0, mapped = 0, walked = 0, count;
	unsigned long long start, end, offset;
	char flags[4], unit[16], *line, *next;
	unsigned int number;
	uint32_t bo;

	ASSERT_EQ(0, bo_create(self->ctx.fd, MIB(4), 0, &bo));
	ASSERT_EQ(0, vm_map(self->ctx.fd, self->ctx.vm, bo, 0, MIB(512), MIB(4),
			    DRM_ENPU_VM_BIND_READ_ONLY));
	ASSERT_EQ(0, vm_unmap(self->ctx.fd, self->ctx.vm, MIB(514), KIB(4)));

	/* mappings as drm_gpuvm has them, and a count of what the tables have */
	ASSERT_EQ(0, READ("vms"));
	line = strstr(self->text, "vm ");
	ASSERT_NE(NULL, line);
	ASSERT_EQ(4, sscanf(line, "vm %u: %llu pages of 4 KiB, %llu blocks of 2 MiB, %llu tables",
			    &number, &pages, &blocks, &tables));
	for (line = strchr(line, '\n') + 1; *line; line = next + 1) {
		next = strchr(line, '\n');
		ASSERT_EQ(3, sscanf(line, " %llx-%llx offset %llx", &start, &end, &offset));
		mapped += end + 1 - start;
	}
	EXPECT_NE(NULL, strstr(self->text,
			       "0x0020000000-0x00201fffff offset 0x0 of 4194304 bytes\n"));
	EXPECT_NE(NULL, strstr(self->text,
			       "0x0020201000-0x00203fffff offset 0x201000 of 4194304 bytes\n"));
	EXPECT_EQ(CTX_SIZE + MIB(4) - KIB(4), mapped);
	EXPECT_EQ(mapped, pages * KIB(4) + blocks * MIB(2));
	/* a root, the middle ones for the first GiB, leaves for what is not blocks */
	EXPECT_GE(tables, 3);
	EXPECT_LE(tables, 5);

	/* line by line what the tables say */
	ASSERT_EQ(0, READ("page_tables"));
	line = strchr(self->text, '\n') + 1;
	for (; *line; line = next + 1) {
		next = strchr(line, '\n');
		ASSERT_EQ(5, sscanf(line, " %llx-%llx %3s %llu %15s", &start, &end, flags, &count,
				    unit));
		EXPECT_STREQ(start >= MIB(512) ? "r-" : "rw", flags);
		EXPECT_EQ(end + 1 - start, count * (strcmp(unit, "pages") ? MIB(2) : KIB(4)));
		EXPECT_FALSE(start <= MIB(514) && end >= MIB(514));
		walked += end + 1 - start;
	}
	EXPECT_EQ(mapped, walked);
}

TEST_F(debugfs, labels)
{
	struct row before, after;
	int status, i;
	pid_t pid;

	ASSERT_EQ(0, READ("labels"));
	before = account(self->text, "mobile net");
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		struct ctx ctx;
		uint32_t queue;
		int ret = ctx_init(&ctx, 0);

		if (!ret)
			ret = create_labelled(&ctx, "mobile net", &queue);
		for (i = 0; i < 3 && !ret; i++) {
			ctx_restart(&ctx);
			stream_busy(&ctx.stream, REGION_DST);
			ret = ctx_submit_to(&ctx, queue, ctx.syncobj);
			if (!ret)
				ret = ctx_wait(&ctx);
			if (!ret && i == 1)
				ret = queue_destroy(ctx.fd, queue) ?:
				      create_labelled(&ctx, "mobile net", &queue);
		}
		_exit(!!ret);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);

	/* the process is gone, what it has used is known */
	ASSERT_EQ(0, READ("labels"));
	after = account(self->text, "mobile net");
	EXPECT_EQ(before.jobs + 3, after.jobs);
	EXPECT_GT(after.busy_ns, before.busy_ns);
	EXPECT_GT(after.cycles, before.cycles);
	EXPECT_EQ(0, after.queues);
}

TEST_F(debugfs, labels_of_the_living)
{
	struct drm_enpu_queue_query query;
	uint32_t queue, twin;
	struct row row;

	ASSERT_EQ(0, create_labelled(&self->ctx, "alive", &queue));
	ASSERT_EQ(0, create_labelled(&self->ctx, "alive", &twin));
	stream_busy(&self->ctx.stream, REGION_DST);
	ASSERT_EQ(0, ctx_submit_to(&self->ctx, queue, self->ctx.syncobj));
	ASSERT_EQ(0, ctx_wait(&self->ctx));
	ASSERT_EQ(0, queue_query(self->ctx.fd, queue, &query));
	ASSERT_EQ(0, READ("labels"));
	row = account(self->text, "alive");
	EXPECT_EQ(2, row.queues);
	EXPECT_EQ(1, row.jobs);
	EXPECT_EQ(query.busy_ns, row.busy_ns);
	EXPECT_EQ(query.busy_cycles, row.cycles);
}

TEST_F(debugfs, labels_are_bounded)
{
	unsigned int i, lines = 0;
	unsigned long long jobs;
	char label[32], *line;
	uint32_t queue;

	/* the table is full of others, and who was first had to make room */
	ASSERT_EQ(0, READ("labels"));
	jobs = account(self->text, "(others)").jobs;
	ASSERT_EQ(0, create_labelled(&self->ctx, "the first", &queue));
	stream_nop(&self->ctx.stream);
	ASSERT_EQ(0, ctx_submit_to(&self->ctx, queue, self->ctx.syncobj));
	ASSERT_EQ(0, ctx_wait(&self->ctx));
	ASSERT_EQ(0, queue_destroy(self->ctx.fd, queue));
	for (i = 0; i < 300; i++) {
		snprintf(label, sizeof(label), "label %u", i);
		ASSERT_EQ(0, create_labelled(&self->ctx, label, &queue));
		ASSERT_EQ(0, queue_destroy(self->ctx.fd, queue));
	}
	ASSERT_EQ(0, READ("labels"));
	for (line = self->text; (line = strchr(line, '\n')); line++)
		lines++;
	EXPECT_EQ(1 + 256 + 1, lines);
	EXPECT_EQ(NULL, label_line(self->text, "the first"));
	EXPECT_EQ(NULL, label_line(self->text, "label 0"));
	EXPECT_NE(NULL, label_line(self->text, "label 299"));
	EXPECT_GE(account(self->text, "(others)").jobs, jobs + 1);
	/* which has had a queue all the time */
	EXPECT_EQ(1, account(self->text, "kselftest").queues);
}

TEST_F(debugfs, label_is_one_word_of_a_line)
{
	uint32_t queue;

	ASSERT_EQ(0, create_labelled(&self->ctx, "a\nb\tc\033d", &queue));
	ASSERT_EQ(0, READ("labels"));
	EXPECT_NE(NULL, label_line(self->text, "a?b?c?d"));
	/* not ASCII, but no reason to change it */
	ASSERT_EQ(0, create_labelled(&self->ctx, "mod\xc3\xa8le", &queue));
	ASSERT_EQ(0, READ("labels"));
	EXPECT_NE(NULL, label_line(self->text, "mod\xc3\xa8le"));
}

TEST_F(debugfs, clocks)
{
	struct drm_enpu_dev_info info = enpu_info(self->ctx.fd);
	unsigned long long device, cpu, uncertainty, khz;
	int64_t before = now_ns();

	ASSERT_EQ(0, READ("clocks"));
	ASSERT_EQ(4, sscanf(self->text,
			    "device_ns %llu cpu_ns %llu uncertainty_ns %llu clock_khz %llu",
			    &device, &cpu, &uncertainty, &khz));
	EXPECT_GE((int64_t)cpu, before);
	EXPECT_LE((int64_t)cpu, now_ns());
	EXPECT_GT(device, 0);
	EXPECT_EQ(info.clock_khz, khz);
}

static void *read_all(void *stop)
{
	static const char *const names[] = { "queues", "vms", "page_tables", "labels", "clocks" };
	static char text[65536];
	unsigned int i;

	for (i = 0; !__atomic_load_n((bool *)stop, __ATOMIC_RELAXED); i++)
		read_debugfs(names[i % COUNT(names)], text, sizeof(text));
	return NULL;
}

TEST_F(debugfs, device_goes)
{
	char pci[256], path[300];
	bool stop = false;
	pthread_t reader;
	int i, fd;

	ASSERT_EQ(0, pci_path(pci, sizeof(pci)));
	snprintf(path, sizeof(path), "%s/remove", pci);
	ASSERT_EQ(0, pthread_create(&reader, NULL, read_all, &stop));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, ctx_check_copy(&self->ctx, i));
		ASSERT_EQ(0, write_file(path, "1"));
		EXPECT_EQ(-ENOENT, READ("queues"));
		ctx_fini(&self->ctx);
		self->have_ctx = false;
		ASSERT_EQ(0, write_file("/sys/bus/pci/rescan", "1"));
		fd = enpu_open_wait();
		ASSERT_GE(fd, 0);
		close(fd);
		ASSERT_EQ(0, ctx_init(&self->ctx, 0));
		self->have_ctx = true;
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(reader, NULL);
	EXPECT_EQ(0, READ("queues"));
}

TEST_HARNESS_MAIN
