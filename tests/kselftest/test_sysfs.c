// SPDX-License-Identifier: GPL-2.0-only
/* Attributes of the device, and the accounts of labels. */
#include "enpu_test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest_harness.h"

FIXTURE(sysfs)
{
	struct ctx ctx;
	char path[200];
};

/* A value of the PCI function; negative: not there, or not just a number */
static long long value(const char *path, const char *name)
{
	char file[256], text[64], *end;
	long long number;
	ssize_t n;
	int fd;

	snprintf(file, sizeof(file), "%s/%s", path, name);
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return -EIO;
	text[n] = 0;
	number = strtoll(text, &end, 10);
	return strcmp(end, "\n") ? -EINVAL : number;
}

#define VALUE(name)	value(self->path, name)

FIXTURE_SETUP(sysfs)
{
	ASSERT_EQ(0, pci_path(self->path, sizeof(self->path)));
	ASSERT_EQ(0, ctx_init(&self->ctx, 0));
}

FIXTURE_TEARDOWN(sysfs)
{
	ctx_fini(&self->ctx);
}

TEST_F(sysfs, read_only_for_all)
{
	static const char *const names[] = {
		"npu_busy_time_us", "npu_jobs", "npu_queues", "npu_memory_utilization",
		"npu_max_frequency_mhz", "npu_current_frequency_mhz", "npu_reset_count",
	};
	struct stat st;
	char file[256];
	size_t i;

	for (i = 0; i < COUNT(names); i++) {
		snprintf(file, sizeof(file), "%s/%s", self->path, names[i]);
		ASSERT_EQ(0, stat(file, &st)) {
			TH_LOG("%s", names[i]);
		}
		EXPECT_EQ(0444, st.st_mode & 07777);
		EXPECT_GE(VALUE(names[i]), 0);
	}
}

TEST_F(sysfs, frequency)
{
	struct drm_enpu_dev_info info = enpu_info(self->ctx.fd);

	EXPECT_EQ(info.clock_khz / 1000, VALUE("npu_max_frequency_mhz"));
	/* a job has just run: the device is awake */
	ASSERT_EQ(0, ctx_check_copy(&self->ctx, 1));
	EXPECT_EQ(info.clock_khz / 1000, VALUE("npu_current_frequency_mhz"));
}

TEST_F(sysfs, jobs_and_busy_time)
{
	long long busy = VALUE("npu_busy_time_us"), jobs = VALUE("npu_jobs"), now;
	struct drm_enpu_queue_query query;
	int64_t wall = now_ns();
	int i;

	for (i = 0; i < 3; i++) {
		ctx_restart(&self->ctx);
		stream_busy(&self->ctx.stream, REGION_DST);
		ASSERT_EQ(0, ctx_submit(&self->ctx));
		ASSERT_EQ(0, ctx_wait(&self->ctx));
	}
	ASSERT_EQ(0, queue_query(self->ctx.fd, self->ctx.queue, &query));
	wall = now_ns() - wall;

	/* the same by another way, and nobody else is there */
	now = VALUE("npu_busy_time_us");
	EXPECT_LE(now - busy, (long long)query.busy_ns / 1000 + 1);
	EXPECT_GE(now - busy, (long long)query.busy_ns / 1000 - 1);
	EXPECT_GT(now, busy);
	EXPECT_LE((now - busy) * 1000, wall);
	EXPECT_EQ(jobs + 3, VALUE("npu_jobs"));

	/* neither goes back when the queue goes */
	ASSERT_EQ(0, queue_destroy(self->ctx.fd, self->ctx.queue));
	EXPECT_EQ(now, VALUE("npu_busy_time_us"));
	EXPECT_EQ(jobs + 3, VALUE("npu_jobs"));
}

TEST_F(sysfs, queues)
{
	long long queues = VALUE("npu_queues");
	uint32_t more[3];
	int i;

	EXPECT_GE(queues, 1);
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, queue_create(self->ctx.fd, self->ctx.vm, 0, &more[i]));
	EXPECT_EQ(queues + 3, VALUE("npu_queues"));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, queue_destroy(self->ctx.fd, more[i]));
	EXPECT_EQ(queues, VALUE("npu_queues"));
}

TEST_F(sysfs, memory)
{
	long long before = VALUE("npu_memory_utilization");
	uint32_t bo;

	EXPECT_GE(before, (long long)CTX_SIZE);
	ASSERT_EQ(0, bo_create(self->ctx.fd, MIB(3), 0, &bo));
	EXPECT_EQ(before, VALUE("npu_memory_utilization"));
	/* twice the same pages */
	ASSERT_EQ(0, vm_map(self->ctx.fd, self->ctx.vm, bo, 0, MIB(512), MIB(3), 0));
	ASSERT_EQ(0, vm_map(self->ctx.fd, self->ctx.vm, bo, 0, MIB(768), MIB(2), 0));
	EXPECT_EQ(before + (long long)MIB(3), VALUE("npu_memory_utilization"));
	ASSERT_EQ(0, vm_unmap(self->ctx.fd, self->ctx.vm, MIB(512), MIB(512)));
	ASSERT_EQ(0, bo_close(self->ctx.fd, bo));
	EXPECT_EQ(before, VALUE("npu_memory_utilization"));
}

TEST_F(sysfs, resets)
{
	long long resets = VALUE("npu_reset_count");
	int64_t end = now_ns() + LONG;

	EXPECT_EQ(enpu_info(self->ctx.fd).reset_count, resets);
	/* awake, and in a state that only a reset ends */
	ASSERT_EQ(0, ctx_check_copy(&self->ctx, 1));
	ASSERT_EQ(0, control("fatal"));
	while (VALUE("npu_reset_count") == resets && now_ns() < end)
		sleep_ms(10);
	EXPECT_EQ(resets + 1, VALUE("npu_reset_count"));
	EXPECT_EQ(-EIO, ctx_check_copy(&self->ctx, 2));
	EXPECT_EQ(0, VALUE("npu_queues"));
}

TEST_HARNESS_MAIN
