// SPDX-License-Identifier: GPL-2.0-only
/* Queues: create, query, destroy. */
#include "enpu_test.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

FIXTURE(queues)
{
	struct ctx ctx;
};

FIXTURE_SETUP(queues)
{
	ASSERT_EQ(0, ctx_init(&self->ctx, 0));
}

FIXTURE_TEARDOWN(queues)
{
	ctx_fini(&self->ctx);
}

static int create(int fd, struct drm_enpu_queue_create args)
{
	return enpu_ioctl(fd, DRM_IOCTL_ENPU_QUEUE_CREATE, &args);
}

TEST_F(queues, create_errors)
{
	struct drm_enpu_dev_info info = enpu_info(self->ctx.fd);
	struct drm_enpu_queue_create good = { .vm_id = self->ctx.vm, .label = "good" }, bad;
	int fd = self->ctx.fd;

	EXPECT_EQ(0, create(fd, good));
#define TRY(error, field, value) \
	do { \
		bad = good; \
		bad.field = value; \
		EXPECT_EQ(error, create(fd, bad)) \
			TH_LOG(#field " = " #value); \
	} while (0)
	TRY(-ENOENT, vm_id, 77);
	TRY(-EINVAL, mode, 2);
	TRY(-EINVAL, priority, DRM_ENPU_PRIORITY_REALTIME + 1);
	TRY(-EINVAL, ring_order, 1);
	TRY(-EINVAL, ring_order, info.max_ring_order + 1);
	TRY(-EINVAL, ring_order, 32);
	TRY(-EINVAL, timeout_ms, info.max_timeout_ms + 1);
	TRY(-EINVAL, flags, 1);
	TRY(-EINVAL, pad, 1);
	TRY(0, ring_order, info.max_ring_order);
	TRY(0, timeout_ms, info.max_timeout_ms);
#undef TRY
	bad = good;
	memset(bad.label, 'x', sizeof(bad.label));
	EXPECT_EQ(-EINVAL, create(fd, bad));
}

TEST_F(queues, priorities)
{
	struct drm_enpu_queue_create args = { .vm_id = self->ctx.vm };
	int status;
	pid_t pid;

	for (args.priority = 0; args.priority <= DRM_ENPU_PRIORITY_REALTIME; args.priority++)
		EXPECT_EQ(0, create(self->ctx.fd, args));

	/* without CAP_SYS_NICE */
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		int ok = !setresuid(1000, 1000, 1000);

		for (args.priority = 0; args.priority <= DRM_ENPU_PRIORITY_REALTIME;
		     args.priority++)
			ok &= create(self->ctx.fd, args) ==
			      (args.priority > DRM_ENPU_PRIORITY_NORMAL ? -EACCES : 0);
		_exit(!ok);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(queues, exhaustion)
{
	uint32_t num = enpu_info(self->ctx.fd).num_queues;
	uint32_t ids[ENPU_MAX_QUEUES], syncobjs[ENPU_MAX_QUEUES], i, n = 0;
	int ret;

	while (n < COUNT(ids) && !(ret = queue_create(self->ctx.fd, self->ctx.vm, 0, &ids[n])))
		n++;
	EXPECT_EQ(-ENOSPC, ret);
	EXPECT_EQ(num - 1, n);		/* the fixture has one */

	/* all of them work, at once */
	stream_nop(&self->ctx.stream);
	for (i = 0; i < n; i++) {
		ASSERT_EQ(0, syncobj_create(self->ctx.fd, &syncobjs[i]));
		ASSERT_EQ(0, ctx_submit_to(&self->ctx, ids[i], syncobjs[i]));
	}
	for (i = 0; i < n; i++)
		EXPECT_EQ(0, ctx_wait_for(&self->ctx, syncobjs[i]));

	ASSERT_EQ(0, queue_destroy(self->ctx.fd, ids[n / 2]));
	EXPECT_EQ(0, queue_create(self->ctx.fd, self->ctx.vm, 0, &ids[n / 2]));
	for (i = 0; i < n; i++)
		EXPECT_EQ(0, queue_destroy(self->ctx.fd, ids[i]));
	EXPECT_EQ(0, ctx_check_copy(&self->ctx, 1));
}

TEST_F(queues, query)
{
	struct drm_enpu_queue_query query = { .id = self->ctx.queue, .pad = 1 };
	struct ctx *ctx = &self->ctx;

	EXPECT_EQ(-EINVAL, enpu_ioctl(ctx->fd, DRM_IOCTL_ENPU_QUEUE_QUERY, &query));
	EXPECT_EQ(-ENOENT, queue_query(ctx->fd, 99, &query));
	EXPECT_EQ(-ENOENT, queue_query(ctx->fd, 0, &query));

	ASSERT_EQ(0, queue_query(ctx->fd, ctx->queue, &query));
	EXPECT_EQ(ctx->queue, query.id);
	EXPECT_EQ(DRM_ENPU_QUEUE_ACTIVE, query.state);
	EXPECT_EQ(0, query.error);
	EXPECT_EQ(0, query.submitted);
	EXPECT_EQ(0, query.completed);

	ASSERT_EQ(0, ctx_check_copy(ctx, 1));
	ASSERT_EQ(0, ctx_check_copy(ctx, 2));
	ASSERT_EQ(0, queue_query(ctx->fd, ctx->queue, &query));
	EXPECT_EQ(2, query.submitted);
	EXPECT_EQ(2, query.completed);
	EXPECT_GT(query.busy_ns, 0);
	EXPECT_GT(query.busy_cycles, 0);
	EXPECT_EQ(0, query.error);
}

TEST_F(queues, destroy)
{
	struct drm_enpu_queue_destroy args = { .id = self->ctx.queue, .pad = 1 };
	struct drm_enpu_queue_query query;
	struct ctx *ctx = &self->ctx;

	EXPECT_EQ(-EINVAL, enpu_ioctl(ctx->fd, DRM_IOCTL_ENPU_QUEUE_DESTROY, &args));
	ASSERT_EQ(0, queue_destroy(ctx->fd, ctx->queue));
	EXPECT_EQ(-ENOENT, queue_destroy(ctx->fd, ctx->queue));
	EXPECT_EQ(-ENOENT, queue_query(ctx->fd, ctx->queue, &query));
	EXPECT_EQ(-ENOENT, ctx_submit(ctx));
	EXPECT_EQ(-ENOENT, queue_destroy(ctx->fd, 0));
}

/* Destroying a queue ends its jobs: the running one and those behind it. */
TEST_F(queues, destroy_busy)
{
	struct ctx *ctx = &self->ctx;
	uint32_t syncobjs[4];
	unsigned int i;

	stream_nop(&ctx->stream);
	ASSERT_EQ(0, control("hang 1"));
	for (i = 0; i < COUNT(syncobjs); i++) {
		ASSERT_EQ(0, syncobj_create(ctx->fd, &syncobjs[i]));
		ASSERT_EQ(0, ctx_submit_to(ctx, ctx->queue, syncobjs[i]));
	}
	EXPECT_EQ(-ETIME, syncobj_wait(ctx->fd, syncobjs[0], 0, SECOND / 5, 0));
	ASSERT_EQ(0, queue_destroy(ctx->fd, ctx->queue));
	for (i = 0; i < COUNT(syncobjs); i++)
		EXPECT_EQ(-ECANCELED, ctx_wait_for(ctx, syncobjs[i]));
	/* On a slow host the queue may be gone before its job has begun. */
	ASSERT_EQ(0, control("hang 0"));

	ASSERT_EQ(0, queue_create(ctx->fd, ctx->vm, 0, &ctx->queue));
	EXPECT_EQ(0, ctx_check_copy(ctx, 3));
}

/* Create, use and destroy, many times: nothing runs out. */
TEST_F(queues, recycle)
{
	struct ctx *ctx = &self->ctx;
	unsigned int i;

	for (i = 0; i < 200; i++) {
		uint32_t queue;

		ASSERT_EQ(0, queue_create(ctx->fd, ctx->vm, 0, &queue));
		ctx_restart(ctx);
		stream_nop(&ctx->stream);
		ASSERT_EQ(0, ctx_submit_to(ctx, queue, ctx->syncobj));
		if (i & 1)
			ASSERT_EQ(0, ctx_wait(ctx));
		ASSERT_EQ(0, queue_destroy(ctx->fd, queue));
		if (!(i & 1))
			ASSERT_NE(-ETIME, ctx_wait(ctx));
	}
}

TEST_HARNESS_MAIN
