// SPDX-License-Identifier: GPL-2.0-only
/* The device sleeps when it has nothing to do, and nobody can tell but by asking. */
#include "enpu_test.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

FIXTURE(runtime)
{
	char pci[PATH_MAX];
	char delay[32];
	struct ctx ctx;
};

/* A file of the PCI function in sysfs, without the newline */
static void attribute(const char *pci, const char *name, char *value, size_t size)
{
	char path[PATH_MAX + 64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", pci, name);
	value[0] = 0;
	file = fopen(path, "re");
	if (!file)
		return;
	if (fgets(value, size, file))
		value[strcspn(value, "\n")] = 0;
	fclose(file);
}

static int set_attribute(const char *pci, const char *name, const char *value)
{
	char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s", pci, name);
	return write_file(path, value);
}

static bool asleep(const char *pci)
{
	char status[32];

	attribute(pci, "power/runtime_status", status, sizeof(status));
	return !strcmp(status, "suspended");
}

static bool falls_asleep(const char *pci)
{
	int64_t end = now_ns() + LONG;

	while (!asleep(pci) && now_ns() < end)
		sleep_ms(5);
	return asleep(pci);
}

FIXTURE_SETUP(runtime)
{
	int fd = enpu_open_wait();

	ASSERT_GE(fd, 0);
	close(fd);
	ASSERT_EQ(0, pci_path(self->pci, sizeof(self->pci)));
	attribute(self->pci, "power/autosuspend_delay_ms", self->delay, sizeof(self->delay));
	ASSERT_EQ(0, set_attribute(self->pci, "power/autosuspend_delay_ms", "10"));
	/* the shorter the timeout, the sooner its watchdog finds that nothing is to be done */
	ASSERT_EQ(0, ctx_init(&self->ctx, 500));
}

FIXTURE_TEARDOWN(runtime)
{
	ctx_fini(&self->ctx);
	EXPECT_EQ(0, set_attribute(self->pci, "power/autosuspend_delay_ms", self->delay));
}

/* Again and again; counters go on where they were, over the end of the ring too. */
TEST_F(runtime, cycles)
{
	struct drm_enpu_queue_query now, before = {};
	struct ctx *ctx = &self->ctx;
	unsigned int i;

	for (i = 1; i <= 60; i++) {
		if (i % 4 == 0)
			ASSERT_TRUE(falls_asleep(self->pci));
		ASSERT_EQ(0, ctx_check_copy(ctx, i));
		ASSERT_EQ(0, queue_query(ctx->fd, ctx->queue, &now));
		EXPECT_EQ(i, now.submitted);
		EXPECT_EQ(i, now.completed);
		EXPECT_GT(now.busy_ns, before.busy_ns);
		EXPECT_GT(now.busy_cycles, before.busy_cycles);
		before = now;
	}
	ASSERT_TRUE(falls_asleep(self->pci));
	ASSERT_EQ(0, queue_query(ctx->fd, ctx->queue, &now));
	EXPECT_EQ(before.busy_ns, now.busy_ns);
	EXPECT_EQ(before.busy_cycles, now.busy_cycles);
	EXPECT_EQ(ctx->resets, enpu_info(ctx->fd).reset_count);
}

/* Address spaces and queues come, change and go without it. */
TEST_F(runtime, changes_do_not_wake)
{
	struct ctx *ctx = &self->ctx, other;
	unsigned int i;
	uint32_t queue;

	/* has translations of what will change */
	ASSERT_EQ(0, vm_map(ctx->fd, ctx->vm, ctx->bo, CTX_SRC, UNMAPPED_VA, CTX_AREA, 0));
	stream_fill(&ctx->stream, REGION_UNMAPPED, 0, 1, 16);
	ASSERT_EQ(0, ctx_submit(ctx));
	ASSERT_EQ(0, ctx_wait(ctx));
	EXPECT_EQ(1, ctx->mem[CTX_SRC]);
	ASSERT_EQ(0, ctx_check_copy(ctx, 1));
	ASSERT_TRUE(falls_asleep(self->pci));

	ASSERT_EQ(0, vm_map(ctx->fd, ctx->vm, ctx->bo, CTX_DST, UNMAPPED_VA, CTX_AREA, 0));
	ASSERT_EQ(0, ctx_init(&other, 0));
	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, queue_create(ctx->fd, ctx->vm, 0, &queue));
		ASSERT_EQ(0, queue_destroy(ctx->fd, queue));
	}
	ASSERT_EQ(0, queue_create(ctx->fd, ctx->vm, 0, &queue));
	EXPECT_TRUE(asleep(self->pci));

	/* it learns of all that */
	EXPECT_EQ(0, ctx_check_copy(&other, 2));
	ctx_restart(ctx);
	stream_fill(&ctx->stream, REGION_UNMAPPED, 0, 2, 16);
	ASSERT_EQ(0, ctx_submit_to(ctx, queue, ctx->syncobj));
	ASSERT_EQ(0, ctx_wait(ctx));
	EXPECT_EQ(2, ctx->mem[CTX_DST]);
	EXPECT_EQ(1, ctx->mem[CTX_SRC]);

	ASSERT_TRUE(falls_asleep(self->pci));
	ctx_fini(&other);
	ASSERT_EQ(0, vm_unmap(ctx->fd, ctx->vm, UNMAPPED_VA, CTX_AREA));
	EXPECT_TRUE(asleep(self->pci));
	ASSERT_EQ(0, ctx_submit_to(ctx, queue, ctx->syncobj));
	EXPECT_EQ(-EFAULT, ctx_wait(ctx));
	EXPECT_EQ(0, ctx_check_copy(ctx, 3));
}

TEST_F(runtime, clock)
{
	struct drm_enpu_dev_timestamp before = {}, now;
	struct drm_enpu_dev_query query = {
		.type = DRM_ENPU_DEV_QUERY_TIMESTAMP,
		.size = sizeof(now),
		.pointer = (uintptr_t)&now,
	};
	unsigned int i;

	for (i = 0; i < 5; i++) {
		ASSERT_TRUE(falls_asleep(self->pci));
		ASSERT_EQ(0, enpu_ioctl(self->ctx.fd, DRM_IOCTL_ENPU_DEV_QUERY, &query));
		/* what read all ones is no time */
		EXPECT_GT(now.device_ns, before.device_ns);
		EXPECT_LT(now.device_ns - before.device_ns, (uint64_t)INT64_MAX);
		before = now;
	}
}

/* It does not sleep over a job, be it one that waits. */
TEST_F(runtime, awake_at_work)
{
	struct ctx *ctx = &self->ctx, other;
	struct drm_enpu_command command;
	struct drm_enpu_sync syncs[2];

	ASSERT_EQ(0, ctx_init(&other, 500));
	stream_nop(&other.stream);
	stream_fill(&ctx->stream, REGION_DST, 0, 9, 64);
	ASSERT_EQ(0, control("hang 1"));
	ASSERT_EQ(0, ctx_submit(&other));

	/* by way of a sync file, behind the one that hangs */
	struct drm_syncobj_handle import = {
		.fd = syncobj_export_sync_file(other.fd, other.syncobj),
		.flags = DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE,
	};
	ASSERT_GE(import.fd, 0);
	ASSERT_EQ(0, syncobj_create(ctx->fd, &import.handle));
	ASSERT_EQ(0, enpu_ioctl(ctx->fd, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &import));
	close(import.fd);
	command = ctx_command(ctx);
	syncs[0] = (struct drm_enpu_sync){ .handle = import.handle };
	syncs[1] = (struct drm_enpu_sync){ .handle = ctx->syncobj,
					   .flags = DRM_ENPU_SYNC_SIGNAL };
	ASSERT_EQ(0, submit(ctx->fd, ctx->queue, &command, 1, syncs, 2));
	sleep_ms(100);
	EXPECT_FALSE(asleep(self->pci));
	EXPECT_EQ(-ETIME, ctx_wait(&other));
	EXPECT_EQ(0, ctx_wait(ctx));
	EXPECT_EQ(9, ctx->mem[CTX_DST + 63]);
	ctx_fini(&other);
	EXPECT_TRUE(falls_asleep(self->pci));
}

/* What failed is numbered rightly, and another queue works. */
TEST_F(runtime, failures_after_sleep)
{
	struct drm_enpu_queue_query query;
	struct ctx *ctx = &self->ctx;

	ASSERT_EQ(0, ctx_check_copy(ctx, 1));
	ASSERT_EQ(0, ctx_check_copy(ctx, 2));
	ASSERT_TRUE(falls_asleep(self->pci));
	ASSERT_EQ(0, ctx_check_copy(ctx, 3));
	stream_fill(&ctx->stream, REGION_UNMAPPED, 0, 1, 1);
	ASSERT_EQ(0, ctx_submit(ctx));
	EXPECT_EQ(-EFAULT, ctx_wait(ctx));
	ASSERT_TRUE(falls_asleep(self->pci));
	ASSERT_EQ(0, queue_query(ctx->fd, ctx->queue, &query));
	EXPECT_EQ(DRM_ENPU_QUEUE_BANNED, query.state);
	EXPECT_EQ(4, query.fault_job);
	EXPECT_EQ(3, query.completed);
	EXPECT_EQ(1, query.fault_command);
	EXPECT_EQ(UNMAPPED_VA, query.fault_addr);

	ASSERT_EQ(0, queue_destroy(ctx->fd, ctx->queue));
	ASSERT_EQ(0, queue_create(ctx->fd, ctx->vm, 200, &ctx->queue));
	ASSERT_EQ(0, control("hang 1"));
	ASSERT_EQ(0, ctx_submit(ctx));
	EXPECT_EQ(-ETIME, ctx_wait(ctx));
	ASSERT_EQ(0, queue_destroy(ctx->fd, ctx->queue));
	ASSERT_EQ(0, queue_create(ctx->fd, ctx->vm, 0, &ctx->queue));
	EXPECT_EQ(0, ctx_check_copy(ctx, 5));
}

/* A store to the doorbell wakes it; the process sees counts that only grow. */
TEST_F(runtime, user_queue)
{
	struct drm_enpu_queue_query now, before = {};
	struct ctx *ctx = &self->ctx;
	struct user user;
	unsigned int i;

	/* the shorter the timeout, the sooner the doorbell is taken away */
	ASSERT_EQ(0, user_create(&user, ctx->fd, ctx->vm, 400, 2));
	for (i = 1; i <= 15; i++) {
		if (i % 3)
			ASSERT_TRUE(falls_asleep(self->pci));
		EXPECT_EQ(i - 1, user_completed(&user));
		ASSERT_EQ(0, user_check_fill(&user, ctx, i));
		EXPECT_EQ(i, user_completed(&user));
		ASSERT_EQ(0, queue_query(ctx->fd, user.id, &now));
		EXPECT_EQ(i, now.submitted);
		EXPECT_EQ(i, now.completed);
		EXPECT_GT(now.busy_ns, before.busy_ns);
		EXPECT_GT(now.busy_cycles, before.busy_cycles);
		before = now;
	}

	/* jobs of another queue wake it too, and have the ring stay as it is */
	ASSERT_TRUE(falls_asleep(self->pci));
	EXPECT_EQ(0, ctx_check_copy(ctx, 1));
	EXPECT_EQ(15, user_completed(&user));
	EXPECT_EQ(0, user_check_fill(&user, ctx, 99));
	ASSERT_EQ(0, queue_destroy(ctx->fd, user.id));
	EXPECT_TRUE(falls_asleep(self->pci));
	user_ring_doorbell(&user, 17);
	EXPECT_TRUE(asleep(self->pci));
	user_unmap(&user);
}

/* A hang of a USER queue ends, and does not keep it awake. */
TEST_F(runtime, user_hang)
{
	struct ctx *ctx = &self->ctx;
	struct enpu_job job;
	struct user user;

	ASSERT_EQ(0, user_create(&user, ctx->fd, ctx->vm, 400, 0));
	ASSERT_EQ(0, user_check_fill(&user, ctx, 1));
	ASSERT_TRUE(falls_asleep(self->pci));
	ASSERT_EQ(0, control("hang 1"));
	job = ctx_job(ctx, ENPU_JOB_IRQ);
	EXPECT_EQ(-EIO, user_run(&user, &job));
	EXPECT_TRUE(falls_asleep(self->pci));
	user_ring_doorbell(&user, 3);
	EXPECT_TRUE(asleep(self->pci));
	EXPECT_EQ(0, ctx_check_copy(ctx, 2));
	user_unmap(&user);
}

/* Works with pauses of all lengths around the delay. */
static void work(unsigned int seed, int64_t end)
{
	struct ctx ctx;
	int ret;

	srandom(seed);
	ret = ctx_init(&ctx, 0);
	while (!ret && now_ns() < end) {
		ret = ctx_check_copy(&ctx, random());
		usleep(random() % 4 ? 0 : random() % 30000);
	}
	if (!ret)
		ctx_fini(&ctx);
	_exit(-ret);
}

TEST_F(runtime, under_load)
{
	static const char * const delays[] = { "0", "1", "5", "-1", "10" };
	pid_t pids[4];
	unsigned int i;
	int status;

	ASSERT_EQ(0, set_attribute(self->pci, "power/autosuspend_delay_ms", "0"));
	for (i = 0; i < COUNT(pids); i++) {
		pids[i] = fork();
		ASSERT_GE(pids[i], 0);
		if (!pids[i])
			work(i + 1, now_ns() + 3 * SECOND);
	}
	for (i = 0; i < 2 * COUNT(delays); i++) {
		sleep_ms(250);
		EXPECT_EQ(0, set_attribute(self->pci, "power/autosuspend_delay_ms",
					   delays[i % COUNT(delays)]));
		EXPECT_EQ(0, set_attribute(self->pci, "power/control", i & 1 ? "auto" : "on"));
	}
	for (i = 0; i < COUNT(pids); i++) {
		ASSERT_EQ(pids[i], waitpid(pids[i], &status, 0));
		EXPECT_EQ(0, status);
	}
	EXPECT_EQ(0, ctx_check_copy(&self->ctx, 1));
	EXPECT_TRUE(falls_asleep(self->pci));
}

/* The driver goes while it sleeps, and comes back. */
TEST_F(runtime, unbind)
{
	const char *name = strrchr(self->pci, '/') + 1;
	struct ctx *ctx = &self->ctx;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		struct drm_enpu_dev_query query = {};
		int fd;

		ASSERT_EQ(0, ctx_check_copy(ctx, i));
		ASSERT_TRUE(falls_asleep(self->pci));
		ASSERT_EQ(0, write_file("/sys/bus/pci/drivers/enpu/unbind", name));
		EXPECT_EQ(-ENODEV, enpu_ioctl(ctx->fd, DRM_IOCTL_ENPU_DEV_QUERY, &query));
		EXPECT_EQ(-ENODEV, ctx_submit(ctx));
		ASSERT_EQ(0, write_file("/sys/bus/pci/drivers/enpu/bind", name));
		ctx_fini(ctx);
		fd = enpu_open_wait();
		ASSERT_GE(fd, 0);
		close(fd);
		ASSERT_EQ(0, set_attribute(self->pci, "power/autosuspend_delay_ms", "10"));
		ASSERT_EQ(0, ctx_init(ctx, 500));
	}
	ASSERT_TRUE(falls_asleep(self->pci));
	ASSERT_EQ(0, set_attribute(self->pci, "remove", "1"));
	ctx_fini(ctx);
	ASSERT_EQ(0, write_file("/sys/bus/pci/rescan", "1"));
	close(enpu_open_wait());
	ASSERT_EQ(0, ctx_init(ctx, 500));
	EXPECT_EQ(0, ctx_check_copy(ctx, 9));
}

TEST_HARNESS_MAIN
