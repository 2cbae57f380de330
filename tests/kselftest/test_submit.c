// SPDX-License-Identifier: GPL-2.0-only
/* SUBMIT: jobs do what they say, in order; what is wrong is refused whole. */
#include "enpu_test.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"

FIXTURE(submit)
{
	struct ctx ctx;
};

FIXTURE_SETUP(submit)
{
	ASSERT_EQ(0, ctx_init(&self->ctx, 0));
}

FIXTURE_TEARDOWN(submit)
{
	ctx_fini(&self->ctx);
}

TEST_F(submit, nop)
{
	stream_nop(&self->ctx.stream);
	ASSERT_EQ(0, ctx_submit(&self->ctx));
	EXPECT_EQ(0, ctx_wait(&self->ctx));
}

TEST_F(submit, copy)
{
	EXPECT_EQ(0, ctx_check_copy(&self->ctx, 1));
	EXPECT_EQ(0, ctx_check_copy(&self->ctx, 200));
}

TEST_F(submit, long_stream)
{
	struct ctx *ctx = &self->ctx;
	unsigned int i;

	for (i = 0; i < 200; i++)
		stream_fill(&ctx->stream, REGION_SRC, i, i, 1);
	stream_copy(&ctx->stream, REGION_DST, 0, REGION_SRC, 0, 200);
	ASSERT_EQ(0, ctx_submit(ctx));
	ASSERT_EQ(0, ctx_wait(ctx));
	for (i = 0; i < 200; i++)
		ASSERT_EQ(i, ctx->mem[CTX_DST + i]);
}

/* A job without work and a job without a stream complete in order. */
TEST_F(submit, empty_job)
{
	struct drm_enpu_command command = {};
	struct drm_enpu_sync sync = { .handle = self->ctx.syncobj,
				      .flags = DRM_ENPU_SYNC_SIGNAL };

	ASSERT_EQ(0, submit(self->ctx.fd, self->ctx.queue, &command, 1, &sync, 1));
	EXPECT_EQ(0, ctx_wait(&self->ctx));
}

/* Many jobs, one submission each, more than the ring holds */
TEST_F(submit, ring_wraps)
{
	struct drm_enpu_queue_create create = { .vm_id = self->ctx.vm, .ring_order = 2 };
	struct drm_enpu_queue_query query;
	struct ctx *ctx = &self->ctx;
	unsigned int i;

	ASSERT_EQ(0, enpu_ioctl(ctx->fd, DRM_IOCTL_ENPU_QUEUE_CREATE, &create));
	for (i = 0; i < 300; i++) {
		struct drm_enpu_command command;

		ctx->stream.start += ctx->stream.size;
		ctx->stream.size = 0;
		memset(ctx->stream.issued, 0, sizeof(ctx->stream.issued));
		stream_fill(&ctx->stream, REGION_DST, i, i, 1);
		command = ctx_command(ctx);
		command.stream_va += ctx->stream.start - ctx->mem;
		ASSERT_EQ(0, submit(ctx->fd, create.id, &command, 1, NULL, 0));
	}
	/* a sync point is behind everything before it */
	ASSERT_EQ(0, submit(ctx->fd, create.id, NULL, 0,
			    &(struct drm_enpu_sync){ .handle = ctx->syncobj,
						     .flags = DRM_ENPU_SYNC_SIGNAL }, 1));
	ASSERT_EQ(0, ctx_wait(ctx));
	for (i = 0; i < 300; i++)
		ASSERT_EQ(i & 0xff, ctx->mem[CTX_DST + i]);
	ASSERT_EQ(0, queue_query(ctx->fd, create.id, &query));
	EXPECT_EQ(300, query.submitted);
	EXPECT_EQ(300, query.completed);
}

/* Several jobs in one submission run one after another. */
TEST_F(submit, batch)
{
	struct drm_enpu_command commands[64];
	struct drm_enpu_sync sync = { .handle = self->ctx.syncobj,
				      .flags = DRM_ENPU_SYNC_SIGNAL };
	struct ctx *ctx = &self->ctx;
	unsigned int i;

	for (i = 0; i < COUNT(commands); i++) {
		ctx->stream.start += ctx->stream.size;
		ctx->stream.size = 0;
		memset(ctx->stream.issued, 0, sizeof(ctx->stream.issued));
		/* each copies what the one before has written */
		if (!i)
			stream_fill(&ctx->stream, REGION_DST, 0, 0xee, 4);
		else
			stream_copy(&ctx->stream, REGION_DST, 4 * i, REGION_DST, 4 * i - 4, 4);
		commands[i] = ctx_command(ctx);
		commands[i].stream_va += ctx->stream.start - ctx->mem;
	}
	ASSERT_EQ(0, submit(ctx->fd, ctx->queue, commands, COUNT(commands), &sync, 1));
	ASSERT_EQ(0, ctx_wait(ctx));
	for (i = 0; i < 4 * COUNT(commands); i++)
		ASSERT_EQ(0xee, ctx->mem[CTX_DST + i]);
}

TEST_F(submit, profile)
{
	struct drm_enpu_command command;
	struct enpu_profile *profile;
	struct ctx *ctx = &self->ctx;
	struct drm_enpu_sync sync = { .handle = ctx->syncobj, .flags = DRM_ENPU_SYNC_SIGNAL };

	if (!(enpu_info(ctx->fd).caps & ENPU_CAP_PROFILE))
		SKIP(return, "no profile records");
	stream_copy(&ctx->stream, REGION_DST, 0, REGION_SRC, 0, 4096);
	stream_nop(&ctx->stream);
	command = ctx_command(ctx);
	command.profile_va = CTX_VA + CTX_PROFILE;
	command.cookie = 0x1122334455667788;
	ASSERT_EQ(0, submit(ctx->fd, ctx->queue, &command, 1, &sync, 1));
	ASSERT_EQ(0, ctx_wait(ctx));
	profile = (struct enpu_profile *)(ctx->mem + CTX_PROFILE);
	EXPECT_EQ(0x1122334455667788, profile->cookie);
	EXPECT_EQ(2, profile->commands);
	EXPECT_GE(profile->end_ns, profile->start_ns);
	EXPECT_GT(profile->cycles, 0);
	EXPECT_EQ(4096, profile->dram_written);
}

TEST_F(submit, errors)
{
	struct ctx *ctx = &self->ctx;
	struct drm_enpu_command good, bad;
	struct drm_enpu_sync sync;
	struct drm_enpu_queue_query query;
	struct drm_enpu_submit args;

	stream_nop(&ctx->stream);
	good = ctx_command(ctx);
#define TRY(error, field, value) \
	do { \
		bad = good; \
		bad.field = value; \
		EXPECT_EQ(error, submit(ctx->fd, ctx->queue, &bad, 1, NULL, 0)) \
			TH_LOG(#field " = " #value); \
	} while (0)
	TRY(-EINVAL, stream_va, good.stream_va + 4);
	TRY(-EINVAL, stream_size, 12);
	TRY(-EINVAL, num_regions, ENPU_MAX_REGIONS + 1);
	TRY(-EINVAL, regions_va, good.regions_va + 1);
	TRY(-EINVAL, profile_va, 4);
	TRY(-EINVAL, flags, 1);
	TRY(-EINVAL, pad, 1);
#undef TRY
	sync = (struct drm_enpu_sync){ .handle = ctx->syncobj, .flags = 2 };
	EXPECT_EQ(-EINVAL, submit(ctx->fd, ctx->queue, &good, 1, &sync, 1));
	sync = (struct drm_enpu_sync){ .handle = 999, .flags = DRM_ENPU_SYNC_SIGNAL };
	EXPECT_EQ(-ENOENT, submit(ctx->fd, ctx->queue, &good, 1, &sync, 1));
	sync.flags = 0;
	EXPECT_EQ(-ENOENT, submit(ctx->fd, ctx->queue, &good, 1, &sync, 1));
	EXPECT_EQ(-ENOENT, submit(ctx->fd, 99, &good, 1, NULL, 0));

	args = (struct drm_enpu_submit){ .queue_id = ctx->queue, .flags = 1 };
	EXPECT_EQ(-EINVAL, enpu_ioctl(ctx->fd, DRM_IOCTL_ENPU_SUBMIT, &args));
	args.flags = 0;
	args.commands = (struct drm_enpu_array){ sizeof(good) - 8, 1, (uintptr_t)&good };
	EXPECT_EQ(-EINVAL, enpu_ioctl(ctx->fd, DRM_IOCTL_ENPU_SUBMIT, &args));
	args.commands = (struct drm_enpu_array){ sizeof(good), 1, 16 };
	EXPECT_EQ(-EFAULT, enpu_ioctl(ctx->fd, DRM_IOCTL_ENPU_SUBMIT, &args));
	/* more than the ring holds */
	args.commands = (struct drm_enpu_array){ sizeof(good), 65, (uintptr_t)&good };
	EXPECT_EQ(-EINVAL, enpu_ioctl(ctx->fd, DRM_IOCTL_ENPU_SUBMIT, &args));
	args.commands.count = UINT32_MAX;
	EXPECT_EQ(-EINVAL, enpu_ioctl(ctx->fd, DRM_IOCTL_ENPU_SUBMIT, &args));
	args.commands = (struct drm_enpu_array){};
	args.syncs = (struct drm_enpu_array){ sizeof(sync), UINT32_MAX, (uintptr_t)&sync };
	EXPECT_EQ(-EINVAL, enpu_ioctl(ctx->fd, DRM_IOCTL_ENPU_SUBMIT, &args));
	args.syncs = (struct drm_enpu_array){ sizeof(sync), 1, 16 };
	EXPECT_EQ(-EFAULT, enpu_ioctl(ctx->fd, DRM_IOCTL_ENPU_SUBMIT, &args));

	ASSERT_EQ(0, queue_query(ctx->fd, ctx->queue, &query));
	EXPECT_EQ(0, query.submitted);
	EXPECT_EQ(0, ctx_check_copy(ctx, 1));
}

/* An error in the last sync: nothing runs, no syncobj changes. */
TEST_F(submit, all_or_nothing)
{
	struct ctx *ctx = &self->ctx;
	struct drm_enpu_command commands[2];
	struct drm_enpu_sync syncs[] = {
		{ .handle = ctx->syncobj, .flags = DRM_ENPU_SYNC_SIGNAL },
		{ .handle = ctx->syncobj, .flags = DRM_ENPU_SYNC_SIGNAL, .point = 5 },
		{ .handle = 999, .flags = DRM_ENPU_SYNC_SIGNAL },
	};

	stream_fill(&ctx->stream, REGION_DST, 0, 0xff, 1);
	commands[0] = commands[1] = ctx_command(ctx);
	EXPECT_EQ(-ENOENT, submit(ctx->fd, ctx->queue, commands, 1, syncs, COUNT(syncs)));
	commands[1].pad = 1;
	EXPECT_EQ(-EINVAL, submit(ctx->fd, ctx->queue, commands, 2, syncs, 1));

	/* a syncobj without a fence can't be waited for */
	EXPECT_EQ(-EINVAL, syncobj_wait(ctx->fd, ctx->syncobj, 0, 0, 0));
	EXPECT_EQ(0, submit(ctx->fd, ctx->queue, NULL, 0, syncs, 1));
	EXPECT_EQ(0, ctx_wait(ctx));
	EXPECT_EQ(0, ctx->mem[CTX_DST]);
}

TEST_HARNESS_MAIN
