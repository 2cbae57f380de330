// SPDX-License-Identifier: GPL-2.0-only
/* Hangs and lost interrupts; and what is slow but no hang. */
#include "enpu_test.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"

FIXTURE(hang)
{
	struct ctx ctx;
};

FIXTURE_SETUP(hang)
{
	ASSERT_EQ(0, ctx_init(&self->ctx, 500));
}

FIXTURE_TEARDOWN(hang)
{
	ctx_fini(&self->ctx);
}

TEST_F(hang, timeout)
{
	struct ctx *ctx = &self->ctx;
	struct drm_enpu_queue_query query;
	uint32_t follower;
	int64_t start;

	ASSERT_EQ(0, syncobj_create(ctx->fd, &follower));
	ASSERT_EQ(0, ctx_check_copy(ctx, 1));
	ctx_restart(ctx);
	stream_nop(&ctx->stream);
	start = now_ns();
	ASSERT_EQ(0, control("hang 1"));
	ASSERT_EQ(0, ctx_submit(ctx));
	ASSERT_EQ(0, ctx_submit_to(ctx, ctx->queue, follower));
	EXPECT_EQ(-ETIME, ctx_wait(ctx));
	EXPECT_GE(now_ns() - start, SECOND / 2);
	EXPECT_EQ(-ECANCELED, ctx_wait_for(ctx, follower));

	ASSERT_EQ(0, queue_query(ctx->fd, ctx->queue, &query));
	EXPECT_EQ(DRM_ENPU_QUEUE_BANNED, query.state);
	EXPECT_EQ(ETIME, query.error);
	EXPECT_EQ(ENPU_FAULT_NONE, query.fault_cause);
	EXPECT_EQ(2, query.fault_job);
	EXPECT_EQ(1, query.completed);
	EXPECT_EQ(3, query.submitted);
	EXPECT_EQ(-EIO, ctx_submit(ctx));

	ASSERT_EQ(0, queue_destroy(ctx->fd, ctx->queue));
	ASSERT_EQ(0, queue_create(ctx->fd, ctx->vm, 500, &ctx->queue));
	EXPECT_EQ(0, ctx_check_copy(ctx, 2));
}

/* Who waits for the core behind a hang is not the one that hangs. */
TEST_F(hang, others_wait)
{
	struct ctx *ctx = &self->ctx, other;

	/* the same short timeout, and one much longer in front of it */
	ASSERT_EQ(0, ctx_init(&other, 2500));
	stream_nop(&other.stream);
	ASSERT_EQ(0, control("hang 1"));
	ASSERT_EQ(0, ctx_submit(&other));
	sleep_ms(50);
	EXPECT_EQ(0, ctx_check_copy(ctx, 1));
	EXPECT_EQ(-ETIME, ctx_wait(&other));
	EXPECT_EQ(ctx->resets, enpu_info(ctx->fd).reset_count);
	ctx_fini(&other);
}

TEST_F(hang, lost_interrupts)
{
	unsigned int i;

	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, control("lose-irq 1"));
		EXPECT_EQ(0, ctx_check_copy(&self->ctx, i));
	}
}

TEST_F(hang, lost_interrupt_of_fault)
{
	stream_fill(&self->ctx.stream, REGION_UNMAPPED, 0, 1, 1);
	ASSERT_EQ(0, control("lose-irq 1"));
	ASSERT_EQ(0, ctx_submit(&self->ctx));
	EXPECT_EQ(-EFAULT, ctx_wait(&self->ctx));
}

/* A job that takes several times its timeout, but gets on, is let be. */
TEST_F_TIMEOUT(hang, slow_is_no_hang, 180)
{
	const uint32_t timeout_ms = 1000;
	struct ctx *ctx = &self->ctx;
	unsigned int i, times;
	int64_t took = 0;

	ASSERT_EQ(0, queue_destroy(ctx->fd, ctx->queue));
	ASSERT_EQ(0, queue_create(ctx->fd, ctx->vm, timeout_ms, &ctx->queue));
	for (times = 1; took < timeout_ms * 3 / 2 * 1000000ll; times *= 2) {
		ASSERT_LE(times, MOST_BUSY);
		ctx_restart(ctx);
		for (i = 0; i < 200; i++)
			stream_busier(&ctx->stream, REGION_DST, times);
		took = -now_ns();
		ASSERT_EQ(0, ctx_submit(ctx));
		ASSERT_EQ(0, ctx_wait(ctx));
		took += now_ns();
		ksft_print_msg("took %lld ms\n", (long long)took / 1000000);
	}
}

/* Killing hung jobs, many times over */
TEST_F(hang, again_and_again)
{
	struct ctx *ctx = &self->ctx;
	unsigned int i;

	stream_nop(&ctx->stream);
	for (i = 0; i < 5; i++) {
		uint32_t queue;

		ASSERT_EQ(0, queue_create(ctx->fd, ctx->vm, 100, &queue));
		ASSERT_EQ(0, control("hang 1"));
		ASSERT_EQ(0, ctx_submit_to(ctx, queue, ctx->syncobj));
		EXPECT_EQ(-ETIME, ctx_wait(ctx));
		ASSERT_EQ(0, queue_destroy(ctx->fd, queue));
	}
	EXPECT_EQ(0, ctx_check_copy(ctx, 1));
}

/* Unmapping under a hung job returns: an invalidation waits for no command. */
TEST_F(hang, unmap_under_hang)
{
	struct ctx *ctx = &self->ctx;
	int64_t start;

	ASSERT_EQ(0, vm_map(ctx->fd, ctx->vm, ctx->bo, 0, GIB(1), CTX_SIZE, 0));
	stream_nop(&ctx->stream);
	ASSERT_EQ(0, control("hang 1"));
	ASSERT_EQ(0, ctx_submit(ctx));
	sleep_ms(20);
	start = now_ns();
	EXPECT_EQ(0, vm_unmap(ctx->fd, ctx->vm, GIB(1), CTX_SIZE));
	EXPECT_LT(now_ns() - start, 4 * SECOND);
	EXPECT_EQ(-ETIME, ctx_wait(ctx));
	EXPECT_EQ(ctx->resets, enpu_info(ctx->fd).reset_count);
}

TEST_HARNESS_MAIN
