// SPDX-License-Identifier: GPL-2.0-only
/* A job that faults: its owner learns why, nobody else notices. */
#include "enpu_test.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

FIXTURE(fault)
{
	struct ctx ctx;
};

FIXTURE_SETUP(fault)
{
	ASSERT_EQ(0, ctx_init(&self->ctx, 0));
}

FIXTURE_TEARDOWN(fault)
{
	ctx_fini(&self->ctx);
}

/* Runs the stream that must fail and checks what is reported of it. */
static int expect_fault(struct ctx *ctx, uint32_t cause, uint32_t command, uint64_t addr)
{
	struct drm_enpu_queue_query query;
	int ret;

	ret = ctx_submit(ctx);
	if (!ret)
		ret = ctx_wait(ctx);
	if (ret != -EFAULT)
		return -1;
	if (queue_query(ctx->fd, ctx->queue, &query) || query.state != DRM_ENPU_QUEUE_BANNED ||
	    query.error != EFAULT)
		return -2;
	if (query.fault_cause != cause || query.fault_command != command ||
	    query.fault_addr != addr) {
		ksft_print_msg("cause %u command %u address 0x%llx\n", query.fault_cause,
			       query.fault_command, (unsigned long long)query.fault_addr);
		return -3;
	}
	return ctx_submit(ctx) == -EIO ? 0 : -4;
}

TEST_F(fault, unmapped)
{
	struct drm_enpu_queue_query query;
	struct ctx *ctx = &self->ctx;
	struct enpu_cmd_dma *dma;

	ASSERT_EQ(0, ctx_check_copy(ctx, 1));
	ASSERT_EQ(0, ctx_check_copy(ctx, 2));
	ctx_restart(ctx);
	stream_fill(&ctx->stream, REGION_DST, 0, 0x12, 16);
	stream_fill(&ctx->stream, REGION_UNMAPPED, 4096, 0x34, 16);
	dma = (struct enpu_cmd_dma *)ctx->stream.start + 1;
	dma->cmd.layer = 42;
	EXPECT_EQ(0, expect_fault(ctx, ENPU_FAULT_UNMAPPED, 1, UNMAPPED_VA + 4096));
	ASSERT_EQ(0, queue_query(ctx->fd, ctx->queue, &query));
	EXPECT_EQ(3, query.fault_job);
	EXPECT_EQ(42, query.fault_layer);
	EXPECT_EQ(ENPU_OP_DMA_FILL, query.fault_opcode);
	EXPECT_EQ(3, query.submitted);
	EXPECT_EQ(2, query.completed);
	/* the command before the bad one has been done */
	EXPECT_EQ(0x12, ctx->mem[CTX_DST]);
}

TEST_F(fault, outside_region)
{
	stream_fill(&self->ctx.stream, REGION_DST, CTX_AREA - 8, 0x12, 16);
	EXPECT_EQ(0, expect_fault(&self->ctx, ENPU_FAULT_REGION, 0,
				  (uint64_t)REGION_DST << 56 | CTX_AREA));
	EXPECT_EQ(0, self->ctx.mem[CTX_DST + CTX_AREA - 8]);
}

TEST_F(fault, unknown_opcode)
{
	stream_nop(&self->ctx.stream);
	self->ctx.stream.start[0] = 63;
	EXPECT_EQ(0, expect_fault(&self->ctx, ENPU_FAULT_OPCODE, 0, 63));
}

TEST_F(fault, stream_unmapped)
{
	struct ctx *ctx = &self->ctx;
	struct drm_enpu_command command = { .stream_va = UNMAPPED_VA, .stream_size = 24 };
	struct drm_enpu_sync sync = { ctx->syncobj, DRM_ENPU_SYNC_SIGNAL, 0 };
	struct drm_enpu_queue_query query;

	ASSERT_EQ(0, submit(ctx->fd, ctx->queue, &command, 1, &sync, 1));
	EXPECT_EQ(-EFAULT, ctx_wait(ctx));
	ASSERT_EQ(0, queue_query(ctx->fd, ctx->queue, &query));
	EXPECT_EQ(ENPU_FAULT_UNMAPPED, query.fault_cause);
	EXPECT_EQ(UNMAPPED_VA, query.fault_addr);
}

/* The host refuses an access, here by injection. */
TEST_F(fault, bus)
{
	struct drm_enpu_queue_query query;
	struct ctx *ctx = &self->ctx;

	ASSERT_EQ(0, control("fault-dma 1"));
	EXPECT_EQ(-EFAULT, ctx_check_copy(ctx, 1));
	ASSERT_EQ(0, queue_query(ctx->fd, ctx->queue, &query));
	EXPECT_EQ(ENPU_FAULT_BUS, query.fault_cause);
}

/* What is behind the guilty job is cancelled, in submissions and in the ring. */
TEST_F(fault, followers)
{
	struct ctx *ctx = &self->ctx;
	struct drm_enpu_command commands[3];
	uint32_t syncobjs[4];
	unsigned int i;

	stream_nop(&ctx->stream);
	commands[0] = commands[2] = ctx_command(ctx);
	/* the bad one gives the others time to follow it into the ring */
	ctx->stream = (struct stream){ .start = ctx->stream.start + ctx->stream.size };
	for (i = 0; i < 30; i++)
		stream_busy(&ctx->stream, REGION_DST);
	stream_fill(&ctx->stream, REGION_UNMAPPED, 0, 1, 1);
	commands[1] = ctx_command(ctx);
	commands[1].stream_va += ctx->stream.start - ctx->mem;
	for (i = 0; i < COUNT(syncobjs); i++) {
		struct drm_enpu_sync sync = { .flags = DRM_ENPU_SYNC_SIGNAL };

		ASSERT_EQ(0, syncobj_create(ctx->fd, &syncobjs[i]));
		sync.handle = syncobjs[i];
		/* good; bad in its middle; good twice */
		ASSERT_EQ(0, submit(ctx->fd, ctx->queue, commands, i == 1 ? 3 : 1, &sync, 1));
		if (!i)
			ASSERT_EQ(0, ctx_wait_for(ctx, syncobjs[0]));
	}
	EXPECT_EQ(-EFAULT, ctx_wait_for(ctx, syncobjs[1]));
	EXPECT_EQ(-ECANCELED, ctx_wait_for(ctx, syncobjs[2]));
	EXPECT_EQ(-ECANCELED, ctx_wait_for(ctx, syncobjs[3]));
	EXPECT_EQ(-EIO, submit(ctx->fd, ctx->queue, commands, 1, NULL, 0));
	EXPECT_EQ(-EIO, submit(ctx->fd, ctx->queue, NULL, 0, NULL, 0));

	/* a new queue of the same client is as good as new */
	ASSERT_EQ(0, queue_destroy(ctx->fd, ctx->queue));
	ASSERT_EQ(0, queue_create(ctx->fd, ctx->vm, 0, &ctx->queue));
	EXPECT_EQ(0, ctx_check_copy(ctx, 4));
}

/* One process faults again and again, the other's results stay right. */
TEST_F(fault, other_process)
{
	unsigned int i;
	int status;
	pid_t pid;

	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		struct ctx ctx;

		for (i = 0; i < 20; i++) {
			if (ctx_init(&ctx, 0))
				_exit(1);
			stream_fill(&ctx.stream, REGION_UNMAPPED, 0, 1, 1);
			if (ctx_submit(&ctx) || ctx_wait(&ctx) != -EFAULT)
				_exit(2);
			ctx_fini(&ctx);
		}
		_exit(0);
	}
	for (i = 0; i < 200; i++)
		ASSERT_EQ(0, ctx_check_copy(&self->ctx, i));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(self->ctx.resets, enpu_info(self->ctx.fd).reset_count);
}

/* Banned queues take no place in the hardware. */
TEST_F(fault, many_banned)
{
	struct ctx *ctx = &self->ctx;
	unsigned int i;

	stream_fill(&ctx->stream, REGION_UNMAPPED, 0, 1, 1);
	for (i = 0; i < 80; i++) {
		uint32_t queue;

		ASSERT_EQ(0, queue_create(ctx->fd, ctx->vm, 0, &queue));
		ASSERT_EQ(0, ctx_submit_to(ctx, queue, ctx->syncobj));
		ASSERT_EQ(-EFAULT, ctx_wait(ctx));
	}
	EXPECT_EQ(0, ctx_check_copy(ctx, 4));
}

TEST_HARNESS_MAIN
