// SPDX-License-Identifier: GPL-2.0-only
/*
 * Resets of the whole device: by the driver, when a queue won't stop or the device
 * says that nothing else helps; by sysfs, under the driver; by AER. Jobs fail, new
 * queues work, address spaces stay, userspace is told.
 */
#include "enpu_test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

FIXTURE(reset)
{
	struct ctx ctx;
	char pci[PATH_MAX];
	uint32_t count;
	int uevents;
};

FIXTURE_SETUP(reset)
{
	int fd = enpu_open_wait();

	ASSERT_GE(fd, 0);
	close(fd);
	ASSERT_EQ(0, ctx_init(&self->ctx, 1000));
	ASSERT_EQ(0, pci_path(self->pci, sizeof(self->pci)));
	self->count = enpu_info(self->ctx.fd).reset_count;
	self->uevents = uevent_open();
	ASSERT_GE(self->uevents, 0);
}

FIXTURE_TEARDOWN(reset)
{
	EXPECT_EQ(0, control("hang 0"));
	EXPECT_EQ(0, control("stuck-queue 0"));
	close(self->uevents);
	ctx_fini(&self->ctx);
}

/* A new queue for the context, and the old address space works with it. */
static int works_again(struct ctx *ctx, uint32_t timeout_ms)
{
	int ret = queue_destroy(ctx->fd, ctx->queue);

	/* the job that was to hang may not have come so far */
	if (!ret)
		ret = control("hang 0");
	if (!ret)
		ret = queue_create(ctx->fd, ctx->vm, timeout_ms, &ctx->queue);
	return ret ?: ctx_check_copy(ctx, 42);
}

/* A job that hangs, and one behind it */
static int submit_hang(struct ctx *ctx, uint32_t *follower)
{
	int ret = syncobj_create(ctx->fd, follower);

	ctx_restart(ctx);
	stream_nop(&ctx->stream);
	if (!ret)
		ret = control("hang 1");
	if (!ret)
		ret = ctx_submit(ctx);
	return ret ?: ctx_submit_to(ctx, ctx->queue, *follower);
}

/* The queue that hangs is banned; the device is reset, as the queue does not stop. */
TEST_F(reset, queue_does_not_stop)
{
	struct ctx *ctx = &self->ctx, other;
	struct drm_enpu_queue_query query;
	uint32_t follower;

	ASSERT_EQ(0, ctx_init(&other, 30000));
	stream_nop(&other.stream);
	ASSERT_EQ(0, submit_hang(ctx, &follower));
	/* behind the one that hangs */
	sleep_ms(200);
	ASSERT_EQ(0, ctx_submit(&other));
	ASSERT_EQ(0, control("stuck-queue 1"));

	EXPECT_EQ(-ETIME, ctx_wait(ctx));
	EXPECT_EQ(-ECANCELED, ctx_wait_for(ctx, follower));
	EXPECT_EQ(self->count + 1, enpu_info(ctx->fd).reset_count);
	ASSERT_EQ(0, queue_query(ctx->fd, ctx->queue, &query));
	EXPECT_EQ(DRM_ENPU_QUEUE_BANNED, query.state);
	EXPECT_EQ(ETIME, query.error);
	EXPECT_EQ(-EIO, ctx_submit(ctx));

	/* whose job may have been through before the reset */
	if (ctx_wait(&other))
		EXPECT_EQ(-EIO, ctx_wait(&other));
	ASSERT_EQ(0, queue_query(other.fd, other.queue, &query));
	EXPECT_EQ(DRM_ENPU_QUEUE_LOST, query.state);
	EXPECT_EQ(EIO, query.error);
	EXPECT_EQ(-EIO, ctx_submit(&other));

	EXPECT_EQ(0, uevent_wait(self->uevents, "WEDGED=none"));
	EXPECT_EQ(0, works_again(ctx, 1000));
	EXPECT_EQ(0, works_again(&other, 1000));
	ctx_fini(&other);
}

/* The same when it is the owner who ends the queue */
TEST_F(reset, destroy_does_not_stop)
{
	struct ctx *ctx = &self->ctx;
	uint32_t follower;

	ASSERT_EQ(0, submit_hang(ctx, &follower));
	ASSERT_EQ(0, control("stuck-queue 1"));
	ASSERT_EQ(0, queue_destroy(ctx->fd, ctx->queue));
	EXPECT_EQ(-ECANCELED, ctx_wait(ctx));
	EXPECT_EQ(-ECANCELED, ctx_wait_for(ctx, follower));
	EXPECT_EQ(self->count + 1, enpu_info(ctx->fd).reset_count);
	ASSERT_EQ(0, control("hang 0"));
	ASSERT_EQ(0, queue_create(ctx->fd, ctx->vm, 1000, &ctx->queue));
	EXPECT_EQ(0, ctx_check_copy(ctx, 3));
}

static void expect_lost(struct __test_metadata *_metadata, struct ctx *ctx, uint32_t follower)
{
	struct drm_enpu_queue_query query;

	EXPECT_EQ(-EIO, ctx_wait(ctx));
	EXPECT_EQ(-EIO, ctx_wait_for(ctx, follower));
	ASSERT_EQ(0, queue_query(ctx->fd, ctx->queue, &query));
	EXPECT_EQ(DRM_ENPU_QUEUE_LOST, query.state);
	EXPECT_EQ(EIO, query.error);
	EXPECT_EQ(-EIO, ctx_submit(ctx));
}

TEST_F(reset, fatal)
{
	struct ctx *ctx = &self->ctx;
	uint32_t follower;

	ASSERT_EQ(0, submit_hang(ctx, &follower));
	ASSERT_EQ(0, control("fatal"));
	expect_lost(_metadata, ctx, follower);
	EXPECT_EQ(0, uevent_wait(self->uevents, "WEDGED=none"));
	EXPECT_EQ(self->count + 1, enpu_info(ctx->fd).reset_count);
	EXPECT_EQ(0, works_again(ctx, 1000));
}

static int sysfs_reset(const char *pci, const char *method)
{
	char path[PATH_MAX + 16];
	int ret;

	snprintf(path, sizeof(path), "%s/reset_method", pci);
	ret = write_file(path, method);
	if (ret)
		return ret;
	snprintf(path, sizeof(path), "%s/reset", pci);
	return write_file(path, "1");
}

/* Each way in which PCI can reset a function, the driver being bound and at work */
TEST_F_TIMEOUT(reset, sysfs, 60)
{
	static const char * const methods[] = { "flr", "bus" };
	struct ctx *ctx = &self->ctx;
	unsigned int i;

	for (i = 0; i < COUNT(methods); i++) {
		uint32_t follower;
		int ret;

		ASSERT_EQ(0, submit_hang(ctx, &follower));
		ret = sysfs_reset(self->pci, methods[i]);
		ASSERT_EQ(0, ret) TH_LOG("%s", methods[i]);
		expect_lost(_metadata, ctx, follower);
		EXPECT_EQ(0, uevent_wait(self->uevents, "WEDGED=none"));
		EXPECT_EQ(self->count + i + 1, enpu_info(ctx->fd).reset_count);
		EXPECT_EQ(0, works_again(ctx, 1000));
		ASSERT_EQ(0, syncobj_destroy(ctx->fd, follower));
	}
}

/*
 * Works, and begins again with a new queue when the device was reset, until it is
 * killed. Anything but a right result or EIO ends it with an error.
 */
static void load(void)
{
	struct ctx ctx;
	int ret = ctx_init(&ctx, 5000);

	while (!ret || ret == -EIO) {
		if (ret)
			ret = works_again(&ctx, 5000);
		else
			ret = ctx_check_copy(&ctx, 1);
	}
	_exit(-ret);
}

TEST_F_TIMEOUT(reset, sysfs_under_load, 120)
{
	pid_t pids[3];
	unsigned int i;

	for (i = 0; i < COUNT(pids); i++) {
		pids[i] = fork();
		ASSERT_GE(pids[i], 0);
		if (!pids[i])
			load();
	}
	for (i = 0; i < 5; i++) {
		sleep_ms(100 + 20 * i);
		EXPECT_EQ(0, sysfs_reset(self->pci, "flr"));
	}
	EXPECT_EQ(self->count + 5, enpu_info(self->ctx.fd).reset_count);
	sleep_ms(100);
	for (i = 0; i < COUNT(pids); i++) {
		int status;

		kill(pids[i], SIGKILL);
		ASSERT_EQ(pids[i], waitpid(pids[i], &status, 0));
		EXPECT_TRUE(WIFSIGNALED(status)) TH_LOG("load ended with %d", WEXITSTATUS(status));
	}
	EXPECT_EQ(0, works_again(&self->ctx, 1000));
}

static void wait_resets(int fd, uint32_t count)
{
	int64_t start = now_ns();

	while (enpu_info(fd).reset_count != count && now_ns() - start < 20 * SECOND)
		sleep_ms(10);
}

/*
 * The port that the device hangs on reports an error, and AER recovers what is below
 * it: error_detected, slot_reset and resume, with a job on its way.
 */
TEST_F_TIMEOUT(reset, aer, 90)
{
	static const char * const errors[] = { "COMP_TIME", "MALF_TLP" };
	struct ctx *ctx = &self->ctx;
	char path[PATH_MAX + 16];
	unsigned int i;

	snprintf(path, sizeof(path), "%s/aer_dev_fatal", self->pci);
	if (access(path, F_OK))
		SKIP(return, "the kernel does not do AER, or not read what is behind 0x100");

	/* the watchdog must not be faster than the host */
	ASSERT_EQ(0, works_again(ctx, 60000));
	for (i = 0; i < COUNT(errors); i++) {
		char command[64];
		uint32_t follower;

		ASSERT_EQ(0, submit_hang(ctx, &follower));
		snprintf(command, sizeof(command), "enpu-host \"pci-error 0 %s\"", errors[i]);
		ASSERT_EQ(0, run(command)) TH_LOG("%s", errors[i]);
		wait_resets(ctx->fd, self->count + i + 1);
		EXPECT_EQ(self->count + i + 1, enpu_info(ctx->fd).reset_count);
		expect_lost(_metadata, ctx, follower);
		EXPECT_EQ(0, uevent_wait(self->uevents, "WEDGED=none"));
		EXPECT_EQ(0, works_again(ctx, 60000));
		ASSERT_EQ(0, syncobj_destroy(ctx->fd, follower));
	}
}

TEST_HARNESS_MAIN
