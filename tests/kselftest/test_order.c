// SPDX-License-Identifier: GPL-2.0-only
/*
 * The order of a queue's jobs. Some enter the ring from SUBMIT at once, others
 * wait in the scheduler for a fence or for room: whichever way each takes, they run
 * in the order of submission, and their fences signal in it. Each job copies what
 * the one before has written, so that a job that ran too early is seen in the result.
 */
#include "enpu_test.h"

#include <drm.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"

#define MAX_JOBS	400
#define CELL		8	/* what a job copies to the next cell */

FIXTURE(order)
{
	struct ctx ctx;
	struct drm_enpu_command jobs[MAX_JOBS];
	uint32_t num_jobs;
};

/* Puts a job at the end of the chain; the first keeps the device busy for a while. */
static void add_job(FIXTURE_DATA(order) *self)
{
	struct ctx *ctx = &self->ctx;
	uint32_t i = self->num_jobs++;

	ctx->stream.start += ctx->stream.size;
	ctx->stream.size = 0;
	memset(ctx->stream.issued, 0, sizeof(ctx->stream.issued));
	if (!i) {
		stream_busy(&ctx->stream, REGION_SRC);
		stream_fill(&ctx->stream, REGION_DST, 0, 0x5a, CELL);
	} else {
		stream_copy(&ctx->stream, REGION_DST, i * CELL, REGION_DST, (i - 1) * CELL, CELL);
	}
	self->jobs[i] = ctx_command(ctx);
	self->jobs[i].stream_va += ctx->stream.start - ctx->mem;
}

/* The next jobs, behind a syncobj (0: none); point n of ctx.syncobj comes with job n. */
static int submit_next(FIXTURE_DATA(order) *self, uint32_t count, uint32_t wait)
{
	struct ctx *ctx = &self->ctx;
	uint32_t first = self->num_jobs;
	struct drm_enpu_sync syncs[] = {
		{ .handle = ctx->syncobj, .flags = DRM_ENPU_SYNC_SIGNAL, .point = first + count },
		{ .handle = wait },
	};

	while (self->num_jobs < first + count)
		add_job(self);
	return submit(ctx->fd, ctx->queue, self->jobs + first, count, syncs, wait ? 2 : 1);
}

static uint64_t signalled_point(struct ctx *ctx)
{
	uint64_t point = 0;
	struct drm_syncobj_timeline_array args = {
		.handles = (uintptr_t)&ctx->syncobj,
		.points = (uintptr_t)&point,
		.count_handles = 1,
	};

	return enpu_ioctl(ctx->fd, DRM_IOCTL_SYNCOBJ_QUERY, &args) ? UINT64_MAX : point;
}

static uint32_t cells_written(FIXTURE_DATA(order) *self)
{
	const uint8_t *mem = self->ctx.mem + CTX_DST;
	uint32_t n = 0;

	while (n < MAX_JOBS * CELL && mem[n] == 0x5a)
		n++;
	return n / CELL;
}

static int wait_all(FIXTURE_DATA(order) *self)
{
	return syncobj_wait(self->ctx.fd, self->ctx.syncobj, self->num_jobs, LONG, 0);
}

static int signal_syncobj(int fd, uint32_t handle)
{
	struct drm_syncobj_array args = { .handles = (uintptr_t)&handle, .count_handles = 1 };

	return enpu_ioctl(fd, DRM_IOCTL_SYNCOBJ_SIGNAL, &args);
}

/* A second client's job that takes its time, and a syncobj that its fence is in */
static int slow_fence(struct ctx *other, uint32_t *syncobj, int fd)
{
	struct drm_syncobj_handle export = { .handle = other->syncobj, .fd = -1 };
	int ret;

	ctx_restart(other);
	stream_busy(&other->stream, REGION_DST);
	ret = ctx_submit(other);
	if (!ret)
		ret = enpu_ioctl(other->fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &export);
	if (ret)
		return ret;
	*syncobj = 0;
	export.handle = 0;
	ret = enpu_ioctl(fd, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &export);
	close(export.fd);
	*syncobj = export.handle;
	return ret;
}

FIXTURE_SETUP(order)
{
	ASSERT_EQ(0, ctx_init(&self->ctx, 0));
	self->num_jobs = 0;
}

FIXTURE_TEARDOWN(order)
{
	ctx_fini(&self->ctx);
}

/* Many more jobs than the ring has room for, while the first keeps the device busy */
TEST_F_TIMEOUT(order, full_ring, 300)
{
	uint32_t i;

	for (i = 0; i < 300; i++)
		ASSERT_EQ(0, submit_next(self, 1, 0));
	ASSERT_EQ(0, wait_all(self));
	EXPECT_EQ(300, cells_written(self));
}

TEST_F_TIMEOUT(order, full_ring_batches, 300)
{
	static const uint32_t counts[] = { 1, 64, 1, 63, 2, 5, 64, 30, 64, 7 };
	uint32_t i;

	for (i = 0; i < COUNT(counts); i++)
		ASSERT_EQ(0, submit_next(self, counts[i], 0));
	ASSERT_EQ(0, wait_all(self));
	EXPECT_EQ(self->num_jobs, cells_written(self));
}

/* Jobs that wait for nothing, behind one that waits for a fence of another client */
TEST_F_TIMEOUT(order, behind_a_wait, 300)
{
	struct ctx other;
	uint32_t i, slow;

	ASSERT_EQ(0, ctx_init(&other, 0));
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, submit_next(self, 1, 0));
		ASSERT_EQ(0, slow_fence(&other, &slow, self->ctx.fd));
		ASSERT_EQ(0, submit_next(self, 3, slow));
		ASSERT_EQ(0, submit_next(self, 1, 0));
		/* a sync point too */
		ASSERT_EQ(0, submit(self->ctx.fd, self->ctx.queue, NULL, 0, NULL, 0));
		ASSERT_EQ(0, submit_next(self, 4, 0));
		ASSERT_EQ(0, syncobj_destroy(self->ctx.fd, slow));
	}
	ASSERT_EQ(0, wait_all(self));
	EXPECT_EQ(self->num_jobs, cells_written(self));
	ctx_fini(&other);
}

/* Nothing of a queue moves while its first job waits for a queue that hangs, and then all does. */
TEST_F_TIMEOUT(order, held_back, 300)
{
	struct drm_enpu_queue_query query;
	struct ctx other;
	uint32_t slow;

	/* the hang's end is the ban of its queue */
	ASSERT_EQ(0, ctx_init(&other, 1000));
	ASSERT_EQ(0, control("hang 1"));
	ASSERT_EQ(0, slow_fence(&other, &slow, self->ctx.fd));
	ASSERT_EQ(0, submit_next(self, 1, slow));
	ASSERT_EQ(0, submit_next(self, 1, 0));
	ASSERT_EQ(0, submit_next(self, 2, 0));
	EXPECT_EQ(0, cells_written(self));
	EXPECT_EQ(0, signalled_point(&self->ctx));
	ASSERT_EQ(0, queue_query(self->ctx.fd, self->ctx.queue, &query));
	EXPECT_EQ(4, query.submitted);
	EXPECT_EQ(0, query.completed);
	ASSERT_EQ(0, wait_all(self));
	EXPECT_EQ(4, cells_written(self));
	EXPECT_EQ(4, signalled_point(&self->ctx));
	/* the way is free again */
	ASSERT_EQ(0, submit_next(self, 1, 0));
	ASSERT_EQ(0, wait_all(self));
	EXPECT_EQ(5, cells_written(self));
	ctx_fini(&other);
}

/* What has signalled is nothing to wait for, also among waits that have not. */
TEST_F_TIMEOUT(order, signalled_waits, 300)
{
	struct ctx other;
	uint32_t i, done, slow;

	ASSERT_EQ(0, ctx_init(&other, 0));
	ASSERT_EQ(0, syncobj_create(self->ctx.fd, &done));
	ASSERT_EQ(0, signal_syncobj(self->ctx.fd, done));
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, submit_next(self, 1, done));
		if (i % 5 == 3) {
			struct drm_enpu_sync syncs[] = { { .handle = done }, { .handle = 0 },
							 { .handle = done } };

			ASSERT_EQ(0, slow_fence(&other, &slow, self->ctx.fd));
			syncs[1].handle = slow;
			ASSERT_EQ(0, submit(self->ctx.fd, self->ctx.queue, NULL, 0, syncs,
					    COUNT(syncs)));
			ASSERT_EQ(0, syncobj_destroy(self->ctx.fd, slow));
		}
	}
	ASSERT_EQ(0, wait_all(self));
	EXPECT_EQ(20, cells_written(self));
	ctx_fini(&other);
}

/* Points of one timeline signal in order, however their jobs went. */
TEST_F_TIMEOUT(order, fences, 300)
{
	struct ctx other;
	uint64_t point, seen = 0;
	uint32_t i, slow;

	ASSERT_EQ(0, ctx_init(&other, 0));
	srand(1);
	for (i = 0; i < 40; i++) {
		slow = 0;
		if (rand() % 4 == 0)
			ASSERT_EQ(0, slow_fence(&other, &slow, self->ctx.fd));
		ASSERT_EQ(0, submit_next(self, 1 + rand() % 8, slow));
		if (slow)
			ASSERT_EQ(0, syncobj_destroy(self->ctx.fd, slow));
	}
	do {
		point = signalled_point(&self->ctx);
		ASSERT_LE(seen, point);
		ASSERT_LE(point, cells_written(self));
		seen = point;
	} while (point < self->num_jobs);
	EXPECT_EQ(self->num_jobs, cells_written(self));
	ctx_fini(&other);
}

/* A ban fails what is in the ring, refuses what waits before it and what comes after. */
TEST_F_TIMEOUT(order, ban, 300)
{
	struct ctx *ctx = &self->ctx;
	struct drm_enpu_command fault;
	struct ctx other;
	int in_ring, waiting;
	uint32_t slow, behind;

	ASSERT_EQ(0, ctx_init(&other, 0));
	ASSERT_EQ(0, syncobj_create(ctx->fd, &behind));
	ctx->stream.start += 4096;
	stream_fill(&ctx->stream, REGION_UNMAPPED, 0, 1, 1);
	fault = ctx_command(ctx);
	fault.stream_va += 4096;
	ASSERT_EQ(0, slow_fence(&other, &slow, ctx->fd));
	ASSERT_EQ(0, submit(ctx->fd, ctx->queue, &fault, 1,
			    &(struct drm_enpu_sync){ .handle = ctx->syncobj,
						     .flags = DRM_ENPU_SYNC_SIGNAL }, 1));
	ASSERT_EQ(0, submit(ctx->fd, ctx->queue, &fault, 1,
			    (struct drm_enpu_sync[]){ { .handle = slow },
						      { .handle = behind,
							.flags = DRM_ENPU_SYNC_SIGNAL } }, 2));
	in_ring = syncobj_export_sync_file(ctx->fd, ctx->syncobj);
	waiting = syncobj_export_sync_file(ctx->fd, behind);
	EXPECT_EQ(0, syncobj_wait(ctx->fd, behind, 0, LONG, 0));
	EXPECT_EQ(-EFAULT, sync_file_status(in_ring));
	EXPECT_EQ(-ECANCELED, sync_file_status(waiting));
	EXPECT_EQ(-EIO, submit(ctx->fd, ctx->queue, NULL, 0, NULL, 0));
	EXPECT_EQ(-EIO, submit(ctx->fd, ctx->queue, NULL, 0,
			       &(struct drm_enpu_sync){ .handle = slow }, 1));
	close(in_ring);
	close(waiting);
	ctx_fini(&other);
}

TEST_HARNESS_MAIN
