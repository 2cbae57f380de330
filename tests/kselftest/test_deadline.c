// SPDX-License-Identifier: GPL-2.0-only
/*
 * Deadlines of fences. A queue of LOW priority gets the device after all jobs of a
 * NORMAL one; with a deadline that is near, it gets it in turn with them. A NORMAL
 * queue becomes HIGH for a deadline, for a tenth of the time at most: that is seen in
 * what the driver traces.
 */
#include "enpu_test.h"

#include <drm.h>
#include <errno.h>
#include <linux/sync_file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest_harness.h"

#define HOG_JOBS	60

/* These are younger than the headers of some distributions. */
struct set_deadline {
	uint64_t deadline_ns;
	uint64_t pad;
};

#define SET_DEADLINE	_IOW(SYNC_IOC_MAGIC, 5, struct set_deadline)

struct timeline_wait {
	uint64_t handles;
	uint64_t points;
	int64_t timeout_nsec;
	uint32_t count_handles;
	uint32_t flags;
	uint32_t first_signaled;
	uint32_t pad;
	uint64_t deadline_nsec;
};

#define WAIT_DEADLINE	(1u << 3)
#define TIMELINE_WAIT	DRM_IOWR(0xca, struct timeline_wait)

FIXTURE(deadline)
{
	struct ctx hog;		/* NORMAL, with a long row of jobs */
	struct ctx late;	/* whose own queue is not used */
	uint32_t queue;		/* of late's file */
};

static int create_queue(struct ctx *ctx, uint32_t priority, uint32_t *queue)
{
	struct drm_enpu_queue_create args = {
		.vm_id = ctx->vm,
		.priority = priority,
		.label = "deadline",
	};
	int ret = enpu_ioctl(ctx->fd, DRM_IOCTL_ENPU_QUEUE_CREATE, &args);

	*queue = args.id;
	return ret;
}

static int set_deadline(int sync_file, uint64_t deadline)
{
	struct set_deadline args = { .deadline_ns = deadline };

	return ioctl(sync_file, SET_DEADLINE, &args) ? -errno : 0;
}

/* Work for longer than anything else here takes */
static int hog(struct ctx *ctx)
{
	struct drm_enpu_command jobs[HOG_JOBS];
	struct drm_enpu_sync sync = { .handle = ctx->syncobj, .flags = DRM_ENPU_SYNC_SIGNAL };
	unsigned int i;

	ctx_restart(ctx);
	stream_busy(&ctx->stream, REGION_DST);
	for (i = 0; i < HOG_JOBS; i++)
		jobs[i] = ctx_command(ctx);
	return submit(ctx->fd, ctx->queue, jobs, HOG_JOBS, &sync, 1);
}

/* How many of its jobs wait still; negative errno */
static int hog_left(struct ctx *ctx)
{
	struct drm_enpu_queue_query query;
	int ret = queue_query(ctx->fd, ctx->queue, &query);

	return ret ? ret : (int)(query.submitted - query.completed);
}

FIXTURE_SETUP(deadline)
{
	ASSERT_EQ(0, ctx_init(&self->hog, 0));
	ASSERT_EQ(0, ctx_init(&self->late, 0));
	ASSERT_EQ(0, create_queue(&self->late, DRM_ENPU_PRIORITY_LOW, &self->queue));
	stream_copy(&self->late.stream, REGION_DST, 0, REGION_SRC, 0, 16);
	ASSERT_EQ(0, hog(&self->hog));
	ASSERT_EQ(0, ctx_submit_to(&self->late, self->queue, self->late.syncobj));
}

FIXTURE_TEARDOWN(deadline)
{
	ctx_fini(&self->hog);
	ctx_fini(&self->late);
}

/* One that is far away changes nothing: the job is the last. */
TEST_F_TIMEOUT(deadline, far, 300)
{
	int sync_file = syncobj_export_sync_file(self->late.fd, self->late.syncobj);

	ASSERT_GE(sync_file, 0);
	ASSERT_EQ(0, set_deadline(sync_file, now_ns() + 2 * LONG));
	ASSERT_EQ(0, ctx_wait(&self->late));
	EXPECT_EQ(0, hog_left(&self->hog));
	close(sync_file);
}

TEST_F_TIMEOUT(deadline, near, 300)
{
	int sync_file = syncobj_export_sync_file(self->late.fd, self->late.syncobj);

	ASSERT_GE(sync_file, 0);
	ASSERT_GT(hog_left(&self->hog), 0);
	ASSERT_EQ(0, set_deadline(sync_file, now_ns() + 2 * LONG));
	/* the earliest counts */
	ASSERT_EQ(0, set_deadline(sync_file, now_ns()));
	ASSERT_EQ(0, set_deadline(sync_file, now_ns() + LONG));
	ASSERT_EQ(0, ctx_wait(&self->late));
	EXPECT_GT(hog_left(&self->hog), 0);
	close(sync_file);
}

/* It becomes near while everybody waits. */
TEST_F_TIMEOUT(deadline, comes_near, 300)
{
	int sync_file = syncobj_export_sync_file(self->late.fd, self->late.syncobj);

	ASSERT_GE(sync_file, 0);
	ASSERT_EQ(0, set_deadline(sync_file, now_ns() + SECOND / 20));
	ASSERT_EQ(0, ctx_wait(&self->late));
	EXPECT_GT(hog_left(&self->hog), 0);
	close(sync_file);
}

/* By a wait for a timeline point, which has the fence in a chain */
TEST_F_TIMEOUT(deadline, wait, 300)
{
	struct ctx *late = &self->late;
	struct drm_enpu_command job = ctx_command(late);
	struct drm_enpu_sync sync = { .flags = DRM_ENPU_SYNC_SIGNAL, .point = 7 };
	uint64_t point = 7;
	struct timeline_wait args;

	ASSERT_EQ(0, syncobj_create(late->fd, &sync.handle));
	ASSERT_EQ(0, submit(late->fd, self->queue, &job, 1, &sync, 1));
	args = (struct timeline_wait){
		.handles = (uintptr_t)&sync.handle,
		.points = (uintptr_t)&point,
		.timeout_nsec = now_ns() + LONG,
		.count_handles = 1,
		.flags = WAIT_DEADLINE,
		.deadline_nsec = now_ns(),
	};
	ASSERT_EQ(0, enpu_ioctl(late->fd, TIMELINE_WAIT, &args));
	EXPECT_GT(hog_left(&self->hog), 0);
}

/* Set while the job waits for another one's fence, it counts from when it waits no more. */
TEST_F_TIMEOUT(deadline, before_it_runs, 300)
{
	struct ctx *late = &self->late, other;
	struct drm_enpu_command job = ctx_command(late);
	struct drm_syncobj_handle export;
	struct drm_enpu_sync syncs[2] = {};
	int sync_file;

	ASSERT_EQ(0, ctx_init(&other, 0));
	stream_busy(&other.stream, REGION_DST);
	ASSERT_EQ(0, ctx_submit(&other));
	export = (struct drm_syncobj_handle){ .handle = other.syncobj, .fd = -1 };
	ASSERT_EQ(0, enpu_ioctl(other.fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &export));
	ASSERT_EQ(0, enpu_ioctl(late->fd, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &export));
	close(export.fd);
	syncs[0].handle = export.handle;
	ASSERT_EQ(0, syncobj_create(late->fd, &syncs[1].handle));
	syncs[1].flags = DRM_ENPU_SYNC_SIGNAL;
	ASSERT_EQ(0, submit(late->fd, self->queue, &job, 1, syncs, 2));
	sync_file = syncobj_export_sync_file(late->fd, syncs[1].handle);
	ASSERT_GE(sync_file, 0);
	ASSERT_EQ(0, set_deadline(sync_file, now_ns()));
	ASSERT_EQ(0, ctx_wait_for(late, syncs[1].handle));
	EXPECT_GT(hog_left(&self->hog), 0);
	close(sync_file);
	ctx_fini(&other);
}

/* Urgent queues end in every way. */
TEST_F_TIMEOUT(deadline, destroyed, 300)
{
	int sync_file = syncobj_export_sync_file(self->late.fd, self->late.syncobj);

	ASSERT_GE(sync_file, 0);
	ASSERT_EQ(0, set_deadline(sync_file, now_ns() + SECOND / 50));
	ASSERT_EQ(0, queue_destroy(self->late.fd, self->queue));
	ASSERT_EQ(0, ctx_wait_for(&self->hog, self->hog.syncobj));
	/* a fence that has signalled has no queue */
	set_deadline(sync_file, now_ns());
	close(sync_file);
}

#define TRACEFS		"/sys/kernel/tracing"
#define INSTANCE	TRACEFS "/instances/enpu-deadline"

FIXTURE(boost)
{
	bool traced;
	struct ctx ctx;
};

FIXTURE_SETUP(boost)
{
	if (access(TRACEFS "/instances", F_OK))
		mount("tracefs", TRACEFS, "tracefs", 0, NULL);
	if (access(TRACEFS "/events/enpu/enpu_queue_priority", F_OK))
		SKIP(return, "no tracefs, or the kernel has no tracepoints");
	ASSERT_TRUE(!mkdir(INSTANCE, 0700) || errno == EEXIST);
	self->traced = true;
	ASSERT_EQ(0, write_file(INSTANCE "/trace_clock", "mono"));
	ASSERT_EQ(0, write_file(INSTANCE "/events/enpu/enpu_queue_priority/enable", "1"));
	ASSERT_EQ(0, ctx_init(&self->ctx, 0));
	stream_busy(&self->ctx.stream, REGION_DST);
}

FIXTURE_TEARDOWN(boost)
{
	if (!self->traced)
		return;
	ctx_fini(&self->ctx);
	write_file(INSTANCE "/events/enpu/enpu_queue_priority/enable", "0");
	rmdir(INSTANCE);
}

/*
 * Jobs one after another, each with a deadline that is over. *ended: jobs that may
 * have ended before they got it.
 */
static int run_with_deadlines(struct ctx *ctx, uint32_t priority, unsigned int jobs,
			      unsigned int *ended)
{
	int sync_file, ret;
	uint32_t queue;

	ret = create_queue(ctx, priority, &queue);
	while (!ret && jobs--) {
		ret = ctx_submit_to(ctx, queue, ctx->syncobj);
		if (ret)
			break;
		sync_file = syncobj_export_sync_file(ctx->fd, ctx->syncobj);
		ret = set_deadline(sync_file, 0);
		close(sync_file);
		*ended += !syncobj_wait(ctx->fd, ctx->syncobj, 0, 0, 0);
		if (!ret)
			ret = ctx_wait(ctx);
	}
	return ret ? ret : queue_destroy(ctx->fd, queue);
}

/* Boosts that the trace tells of, and the seconds that they took; priority of the boosted */
static int read_boosts(double *seconds, int expected)
{
	FILE *file = fopen(INSTANCE "/trace", "re");
	char line[512], *at;
	double begun = 0, now;
	int n = 0, priority;

	*seconds = 0;
	while (file && fgets(line, sizeof(line), file)) {
		at = strstr(line, ": enpu_queue_priority:");
		if (!at)
			continue;
		*at = 0;
		now = atof(strrchr(line, ' '));
		priority = atoi(strstr(at + 1, "priority=") + strlen("priority="));
		if (priority != expected && priority != expected - 1) {
			n = -1;
			break;
		}
		n += priority == expected;
		*seconds += priority == expected ? 0 : now - begun;
		begun = priority == expected ? now : 0;
	}
	if (file)
		fclose(file);
	/* each has ended */
	return begun ? -1 : n;
}

TEST_F_TIMEOUT(boost, low, 300)
{
	unsigned int ended = 0;
	double seconds;
	int boosts;

	ASSERT_EQ(0, run_with_deadlines(&self->ctx, DRM_ENPU_PRIORITY_LOW, 10, &ended));
	boosts = read_boosts(&seconds, DRM_ENPU_PRIORITY_NORMAL);
	EXPECT_LE(boosts, 10);
	EXPECT_GE(boosts, 10 - (int)ended);
}

/* A tenth of the time, with something for what tracing takes */
TEST_F_TIMEOUT(boost, normal, 300)
{
	int64_t start = now_ns();
	unsigned int ended = 0;
	double seconds, all;

	while (now_ns() < start + 2 * SECOND)
		ASSERT_EQ(0, run_with_deadlines(&self->ctx, DRM_ENPU_PRIORITY_NORMAL, 10,
						    &ended));
	all = (double)(now_ns() - start) / SECOND;
	EXPECT_GE(read_boosts(&seconds, DRM_ENPU_PRIORITY_HIGH), 2);
	EXPECT_LT(seconds, 0.15 * all + 0.1);
	EXPECT_GT(seconds, 0);
}

TEST_F_TIMEOUT(boost, high, 300)
{
	unsigned int ended = 0;
	double seconds;

	ASSERT_EQ(0, run_with_deadlines(&self->ctx, DRM_ENPU_PRIORITY_HIGH, 5, &ended));
	ASSERT_EQ(0, run_with_deadlines(&self->ctx, DRM_ENPU_PRIORITY_REALTIME, 5, &ended));
	EXPECT_EQ(0, read_boosts(&seconds, DRM_ENPU_PRIORITY_REALTIME));
}

TEST_HARNESS_MAIN
