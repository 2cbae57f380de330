// SPDX-License-Identifier: GPL-2.0-only
/* Syncobjs before and behind jobs: order between queues, timelines, sync files. */
#include "enpu_test.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"

#define WAIT_FOR_SUBMIT	DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT

FIXTURE(syncs)
{
	struct ctx ctx;
	uint32_t timeline;
};

FIXTURE_SETUP(syncs)
{
	ASSERT_EQ(0, ctx_init(&self->ctx, 0));
	ASSERT_EQ(0, syncobj_create(self->ctx.fd, &self->timeline));
}

FIXTURE_TEARDOWN(syncs)
{
	ctx_fini(&self->ctx);
}

static uint64_t timeline_value(int fd, uint32_t handle)
{
	uint64_t point = 0;
	struct drm_syncobj_timeline_array args = {
		.handles = (uintptr_t)&handle,
		.points = (uintptr_t)&point,
		.count_handles = 1,
	};

	enpu_ioctl(fd, DRM_IOCTL_SYNCOBJ_QUERY, &args);
	return point;
}

static int timeline_signal(int fd, uint32_t handle, uint64_t point)
{
	struct drm_syncobj_timeline_array args = {
		.handles = (uintptr_t)&handle,
		.points = (uintptr_t)&point,
		.count_handles = 1,
	};

	return enpu_ioctl(fd, DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &args);
}

TEST_F(syncs, timeline_out)
{
	struct ctx *ctx = &self->ctx;
	struct drm_enpu_command command;
	uint64_t point;

	stream_nop(&ctx->stream);
	command = ctx_command(ctx);
	for (point = 10; point <= 50; point += 10) {
		struct drm_enpu_sync sync = { self->timeline, DRM_ENPU_SYNC_SIGNAL, point };

		ASSERT_EQ(0, submit(ctx->fd, ctx->queue, &command, 1, &sync, 1));
	}
	EXPECT_EQ(0, syncobj_wait(ctx->fd, self->timeline, 50, LONG, 0));
	EXPECT_EQ(50, timeline_value(ctx->fd, self->timeline));
	/* points in between are there too */
	EXPECT_EQ(0, syncobj_wait(ctx->fd, self->timeline, 35, 0, 0));
}

/* A job waits for a point that the CPU signals. */
TEST_F(syncs, timeline_in)
{
	struct ctx *ctx = &self->ctx;
	struct drm_enpu_command command;
	struct drm_enpu_sync syncs[] = {
		{ self->timeline, 0, 7 },
		{ ctx->syncobj, DRM_ENPU_SYNC_SIGNAL, 0 },
	};

	stream_fill(&ctx->stream, REGION_DST, 0, 0x99, 1);
	command = ctx_command(ctx);
	/* the kernel does not wait for what nobody has submitted */
	EXPECT_EQ(-EINVAL, submit(ctx->fd, ctx->queue, &command, 1, syncs, 2));
	ASSERT_EQ(0, timeline_signal(ctx->fd, self->timeline, 7));
	ASSERT_EQ(0, submit(ctx->fd, ctx->queue, &command, 1, syncs, 2));
	EXPECT_EQ(0, ctx_wait(ctx));
	EXPECT_EQ(0x99, ctx->mem[CTX_DST]);
}

/* A chain through two queues; each job reads what the one before has written. */
TEST_F(syncs, chain_between_queues)
{
	enum { LINKS = 40 };
	struct ctx *ctx = &self->ctx;
	uint32_t queues[2] = { ctx->queue };
	unsigned int i;

	ASSERT_EQ(0, queue_create(ctx->fd, ctx->vm, 0, &queues[1]));
	ctx->mem[CTX_DST] = 0x3c;
	for (i = 0; i < LINKS; i++) {
		struct drm_enpu_sync syncs[] = {
			{ self->timeline, DRM_ENPU_SYNC_SIGNAL, i + 1 },
			{ self->timeline, 0, i },
		};
		struct drm_enpu_command command;

		ctx->stream.start += ctx->stream.size;
		ctx->stream.size = 0;
		memset(ctx->stream.issued, 0, sizeof(ctx->stream.issued));
		stream_copy(&ctx->stream, REGION_DST, i + 1, REGION_DST, i, 1);
		command = ctx_command(ctx);
		command.stream_va += ctx->stream.start - ctx->mem;
		ASSERT_EQ(0, submit(ctx->fd, queues[i & 1], &command, 1, syncs, i ? 2 : 1));
	}
	ASSERT_EQ(0, syncobj_wait(ctx->fd, self->timeline, LINKS, LONG, 0));
	for (i = 0; i <= LINKS; i++)
		ASSERT_EQ(0x3c, ctx->mem[CTX_DST + i]);
}

/* Several syncs before and behind one job */
TEST_F(syncs, many)
{
	struct ctx *ctx = &self->ctx;
	struct drm_enpu_sync syncs[32];
	struct drm_enpu_command command;
	uint32_t handles[32];
	unsigned int i;

	stream_nop(&ctx->stream);
	command = ctx_command(ctx);
	for (i = 0; i < 32; i++) {
		ASSERT_EQ(0, syncobj_create(ctx->fd, &handles[i]));
		syncs[i] = (struct drm_enpu_sync){ handles[i], DRM_ENPU_SYNC_SIGNAL, i % 2 };
	}
	ASSERT_EQ(0, submit(ctx->fd, ctx->queue, &command, 1, syncs, 32));
	for (i = 0; i < 32; i++)
		syncs[i].flags = 0;
	syncs[31] = (struct drm_enpu_sync){ ctx->syncobj, DRM_ENPU_SYNC_SIGNAL, 0 };
	ASSERT_EQ(0, submit(ctx->fd, ctx->queue, &command, 1, syncs, 32));
	ASSERT_EQ(0, ctx_wait(ctx));
	for (i = 0; i < 32; i++)
		EXPECT_EQ(0, syncobj_wait(ctx->fd, handles[i], i % 2, 0, 0));
}

struct waiter {
	int fd;
	uint32_t handle;
	int ret;
};

static void *wait_before_signal(void *arg)
{
	struct waiter *waiter = arg;

	waiter->ret = syncobj_wait(waiter->fd, waiter->handle, 3, LONG, WAIT_FOR_SUBMIT);
	return NULL;
}

/* A thread waits for a point that is not yet submitted. */
TEST_F(syncs, wait_before_signal)
{
	struct ctx *ctx = &self->ctx;
	struct waiter waiter = { ctx->fd, self->timeline, -1 };
	struct drm_enpu_sync sync = { self->timeline, DRM_ENPU_SYNC_SIGNAL, 3 };
	struct drm_enpu_command command;
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, wait_before_signal, &waiter));
	sleep_ms(50);
	stream_nop(&ctx->stream);
	command = ctx_command(ctx);
	ASSERT_EQ(0, submit(ctx->fd, ctx->queue, &command, 1, &sync, 1));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, waiter.ret);
}

TEST_F(syncs, sync_file)
{
	struct ctx *ctx = &self->ctx;
	struct pollfd poll_fd = { .events = POLLIN };
	struct drm_syncobj_handle import;
	struct drm_enpu_sync sync;
	uint32_t handle;

	ASSERT_EQ(0, control("hang 1"));
	stream_nop(&ctx->stream);
	ASSERT_EQ(0, ctx_submit(ctx));
	poll_fd.fd = syncobj_export_sync_file(ctx->fd, ctx->syncobj);
	ASSERT_GE(poll_fd.fd, 0);
	EXPECT_EQ(0, poll(&poll_fd, 1, 50));
	EXPECT_EQ(0, sync_file_status(poll_fd.fd));

	/* another queue waits for it, by an imported sync file */
	ASSERT_EQ(0, syncobj_create(ctx->fd, &handle));
	import = (struct drm_syncobj_handle){
		.handle = handle,
		.fd = poll_fd.fd,
		.flags = DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE,
	};
	ASSERT_EQ(0, enpu_ioctl(ctx->fd, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &import));
	sync = (struct drm_enpu_sync){ .handle = handle };
	ASSERT_EQ(0, submit(ctx->fd, ctx->queue, NULL, 0, &sync, 1));

	ASSERT_EQ(0, queue_destroy(ctx->fd, ctx->queue));
	ASSERT_EQ(0, control("hang 0"));
	EXPECT_EQ(1, poll(&poll_fd, 1, LONG / 1000000));
	EXPECT_EQ(-ECANCELED, sync_file_status(poll_fd.fd));
	close(poll_fd.fd);
}

/* The device is closed; who holds the sync file learns the end. */
TEST_F(syncs, sync_file_outlives_file)
{
	struct pollfd poll_fd = { .events = POLLIN };
	struct ctx ctx;

	ASSERT_EQ(0, ctx_init(&ctx, 0));
	ASSERT_EQ(0, control("hang 1"));
	stream_nop(&ctx.stream);
	ASSERT_EQ(0, ctx_submit(&ctx));
	poll_fd.fd = syncobj_export_sync_file(ctx.fd, ctx.syncobj);
	ASSERT_GE(poll_fd.fd, 0);
	ctx_fini(&ctx);
	/* the job may not have begun */
	ASSERT_EQ(0, control("hang 0"));
	EXPECT_EQ(1, poll(&poll_fd, 1, LONG / 1000000));
	EXPECT_EQ(-ECANCELED, sync_file_status(poll_fd.fd));
	close(poll_fd.fd);
}

TEST_HARNESS_MAIN
