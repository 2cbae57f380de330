// SPDX-License-Identifier: GPL-2.0-only
/*
 * Preemption: one job of seconds does not keep others from the device. They get it
 * between two of its commands, at once if their priority is higher, else when its
 * time slice is over; and it is right all the same. A hang is not preempted, and who
 * waits behind one is not blamed, however urgent.
 */
#include "enpu_test.h"

#include <errno.h>
#include <string.h>

#include "kselftest_harness.h"

#define BUSY_COMMANDS	40

FIXTURE(preemption)
{
	struct ctx hog;			/* one long job */
	struct ctx ctx;
};

static int create_urgent(struct ctx *ctx, uint32_t timeout_ms)
{
	struct drm_enpu_queue_create args = {
		.vm_id = ctx->vm,
		.priority = DRM_ENPU_PRIORITY_HIGH,
		.timeout_ms = timeout_ms,
	};
	int ret = queue_destroy(ctx->fd, ctx->queue);

	if (!ret)
		ret = enpu_ioctl(ctx->fd, DRM_IOCTL_ENPU_QUEUE_CREATE, &args);
	ctx->queue = args.id;
	return ret;
}

FIXTURE_SETUP(preemption)
{
	unsigned int i;

	ASSERT_EQ(0, ctx_init(&self->hog, 0));
	ASSERT_EQ(0, ctx_init(&self->ctx, 0));
	if (!(enpu_info(self->ctx.fd).caps & ENPU_CAP_PREEMPTION))
		SKIP(return, "the device does not preempt");

	memset(self->hog.mem + CTX_DST, 0, CTX_AREA);
	for (i = 0; i < BUSY_COMMANDS; i++)
		stream_busy(&self->hog.stream, REGION_DST);
	stream_fill(&self->hog.stream, REGION_DST, 0, 0x3c, 1);
}

FIXTURE_TEARDOWN(preemption)
{
	ctx_fini(&self->ctx);
	ctx_fini(&self->hog);
}

/* Submits the long job and waits until it has begun: 1, or 0 if it is complete, or an error */
static int begin(struct ctx *hog)
{
	struct drm_enpu_queue_query query;
	int ret = ctx_submit(hog);

	do {
		if (!ret)
			ret = queue_query(hog->fd, hog->queue, &query);
	} while (!ret && !query.busy_ns && !query.completed);
	return ret ? ret : !query.completed;
}

/* 1: the long job goes on; 0: it is complete, but was not that long; or an error */
static int goes_on(struct ctx *hog)
{
	struct drm_enpu_queue_query query;
	int ret = queue_query(hog->fd, hog->queue, &query);

	if (ret || !query.completed)
		return ret ? ret : 1;
	return query.busy_ns < SECOND / 10 ? 0 : -ETIME;
}

static bool hog_is_right(struct ctx *hog)
{
	return !ctx_wait(hog) && hog->mem[CTX_DST] == 0x3c && hog->mem[CTX_DST + 1] == 0xb5 &&
	       hog->mem[CTX_DST + CTX_AREA - 1] == 0xb5;
}

/* Jobs get the device while the long one has it, and all give what they should. */
static void pass_by(struct __test_metadata *_metadata, struct ctx *hog, struct ctx *ctx)
{
	int ret;

	ASSERT_LE(0, begin(hog));
	EXPECT_EQ(0, ctx_check_copy(ctx, 1));
	ret = goes_on(hog);
	ASSERT_LE(0, ret);
	if (!ret)
		SKIP(return, "the device is too fast for this test");
	EXPECT_EQ(0, ctx_check_copy(ctx, 2));
	EXPECT_TRUE(hog_is_right(hog));
}

TEST_F_TIMEOUT(preemption, higher_priority, 180)
{
	ASSERT_EQ(0, create_urgent(&self->ctx, 0));
	pass_by(_metadata, &self->hog, &self->ctx);
}

TEST_F_TIMEOUT(preemption, equals, 180)
{
	pass_by(_metadata, &self->hog, &self->ctx);
}

/* What is destroyed while it waits for the device is gone at once. */
TEST_F_TIMEOUT(preemption, destroy, 180)
{
	struct ctx *hog = &self->hog, *ctx = &self->ctx;

	ASSERT_LE(0, begin(hog));
	EXPECT_EQ(0, ctx_check_copy(ctx, 1));
	ASSERT_EQ(0, queue_destroy(hog->fd, hog->queue));
	EXPECT_NE(-ETIME, ctx_wait(hog));
	ASSERT_EQ(0, queue_create(hog->fd, hog->vm, 0, &hog->queue));
	EXPECT_EQ(0, ctx_check_copy(hog, 2));
	EXPECT_EQ(0, ctx_check_copy(ctx, 3));
}

/* An urgent queue with a short timeout, behind one that hangs for longer */
TEST_F_TIMEOUT(preemption, hang, 180)
{
	struct ctx *hog = &self->hog, *ctx = &self->ctx;

	ASSERT_EQ(0, create_urgent(ctx, 300));
	ASSERT_EQ(0, queue_destroy(hog->fd, hog->queue));
	ASSERT_EQ(0, queue_create(hog->fd, hog->vm, 1500, &hog->queue));
	ASSERT_EQ(0, control("hang 1"));
	ASSERT_EQ(0, ctx_submit(hog));
	sleep_ms(200);
	EXPECT_EQ(0, ctx_check_copy(ctx, 1));
	EXPECT_EQ(-ETIME, ctx_wait(hog));
	EXPECT_EQ(ctx->resets, enpu_info(ctx->fd).reset_count);
}

TEST_HARNESS_MAIN
