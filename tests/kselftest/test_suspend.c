// SPDX-License-Identifier: GPL-2.0-only
/*
 * The whole machine sleeps with jobs in flight; nothing is lost. By the PM core's
 * own test mode, which goes all the way but for the platform's last step.
 */
#include "enpu_test.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#define TEST_MODE	"/sys/power/pm_test"
#define CONSOLE_DRIVER	"/sys/bus/virtio/drivers/virtio_console"
#define TEST_DELAY	"/sys/module/suspend/parameters/pm_test_delay"

/*
 * The guest speaks to its host by virtio_console. In 7.3 that does not learn after
 * sleep that the host listens (host_connected stays 0), so it gets no part in it.
 */
static bool console_forgets_host(void)
{
	struct utsname name;

	return !uname(&name) && atoi(name.release) >= 7;
}

/* Where that is so, the driver lets go of the console's device, whose name is then known. */
static int console_leave(char *device, size_t size)
{
	glob_t found;
	int ret = -ENODEV;

	if (!console_forgets_host())
		return 0;
	if (!glob(CONSOLE_DRIVER "/virtio*", 0, NULL, &found)) {
		snprintf(device, size, "%s", strrchr(found.gl_pathv[0], '/') + 1);
		ret = write_file(CONSOLE_DRIVER "/unbind", device);
	}
	globfree(&found);
	return ret;
}

/* The driver has it again, and the model's control port answers. */
static int console_return(const char *device)
{
	int64_t end = now_ns() + 5 * SECOND;
	int ret = write_file(CONSOLE_DRIVER "/bind", device);

	while (!ret && control("status") == -ENODEV && now_ns() < end)
		sleep_ms(10);
	return ret;
}

static int system_sleep(void)
{
	return write_file("/sys/power/state", "freeze");
}

FIXTURE(sleep)
{
	char console[32];	/* empty: the driver has it */
	struct ctx ctxs[4];
};

FIXTURE_SETUP(sleep)
{
	unsigned int i;

	if (write_file(TEST_MODE, "platform"))
		SKIP(return, "this kernel can't test system sleep");
	ASSERT_EQ(0, write_file(TEST_DELAY, "0"));
	for (i = 0; i < COUNT(self->ctxs); i++)
		ASSERT_EQ(0, ctx_init(&self->ctxs[i], 1000));
}

FIXTURE_TEARDOWN(sleep)
{
	unsigned int i;

	if (self->console[0])
		EXPECT_EQ(0, console_return(self->console));
	for (i = 0; i < COUNT(self->ctxs); i++)
		ctx_fini(&self->ctxs[i]);
	EXPECT_EQ(0, write_file(TEST_MODE, "none"));
}

static uint64_t queue_completed(const struct ctx *ctx)
{
	struct drm_enpu_queue_query query;

	return queue_query(ctx->fd, ctx->queue, &query) ? 0 : query.completed;
}

/*
 * Jobs, some of them slow, each of which copies to the next byte what the one before it has left
 * there: one that is left out, or comes too early, has a 0 copied from there on.
 */
static int submit_chain(struct ctx *ctx, uint8_t seed, unsigned int jobs)
{
	uint8_t *start = ctx->mem + CTX_STREAM;
	unsigned int i;
	int ret = 0;

	memset(ctx->mem + CTX_DST, 0, jobs + 1);
	memset(ctx->mem + CTX_SRC, 0, jobs + 1);
	ctx->mem[CTX_SRC] = seed;
	for (i = 0; i < jobs && !ret; i++) {
		struct drm_enpu_sync sync = { ctx->syncobj, DRM_ENPU_SYNC_SIGNAL, 0 };
		struct stream stream = { .start = start };
		struct drm_enpu_command command;

		if (i % 8 == 0)
			stream_busy(&stream, REGION_DST);
		stream_copy(&stream, REGION_SRC, i + 1, REGION_SRC, i, 1);
		command = ctx_command(ctx);
		command.stream_va += start - ctx->mem - CTX_STREAM;
		command.stream_size = stream.size;
		start += stream.size;
		ret = submit(ctx->fd, ctx->queue, &command, 1, &sync, 1);
	}
	return ret;
}

static int check_chain(struct ctx *ctx, uint8_t seed, unsigned int jobs)
{
	unsigned int i;
	int ret = ctx_wait(ctx);

	for (i = 0; i <= jobs && !ret; i++)
		if (ctx->mem[CTX_SRC + i] != seed)
			ret = -EBADMSG;
	return ret;
}

TEST_F_TIMEOUT(sleep, jobs_in_flight, 120)
{
	/* more than a ring holds */
	const unsigned int jobs = 80;
	struct drm_enpu_queue_query before, after;
	unsigned int i, round;
	uint64_t done = 0;

	ASSERT_EQ(0, console_leave(self->console, sizeof(self->console)));
	for (i = 0; i < COUNT(self->ctxs); i++)
		ASSERT_EQ(0, submit_chain(&self->ctxs[i], 0x40 + i, jobs));
	for (round = 0; round < 3; round++) {
		ASSERT_EQ(0, queue_query(self->ctxs[0].fd, self->ctxs[0].queue, &before));
		ASSERT_EQ(0, system_sleep());
		ASSERT_EQ(0, queue_query(self->ctxs[0].fd, self->ctxs[0].queue, &after));
		EXPECT_LE(before.completed, after.completed);
		EXPECT_LE(before.busy_ns, after.busy_ns);
		EXPECT_LE(before.busy_cycles, after.busy_cycles);
	}
	for (i = 0; i < COUNT(self->ctxs); i++)
		done += queue_completed(&self->ctxs[i]);
	if (done == COUNT(self->ctxs) * jobs)
		ksft_print_msg("the device is too fast: all were complete\n");
	for (i = 0; i < COUNT(self->ctxs); i++) {
		EXPECT_EQ(0, check_chain(&self->ctxs[i], 0x40 + i, jobs));
		EXPECT_EQ(jobs, queue_completed(&self->ctxs[i]));
	}
	EXPECT_EQ(self->ctxs[0].resets, enpu_info(self->ctxs[0].fd).reset_count);
}

/* A process that is at it all the time is frozen somewhere in the middle. */
static void work(void)
{
	int64_t end = now_ns() + 2 * SECOND;
	unsigned int i;
	struct ctx ctx;
	int ret;

	ret = ctx_init(&ctx, 0);
	for (i = 0; !ret && now_ns() < end; i++)
		ret = ctx_check_copy(&ctx, i);
	if (!ret)
		ctx_fini(&ctx);
	_exit(-ret);
}

TEST_F(sleep, at_work)
{
	unsigned int i;
	pid_t pids[3];
	int status;

	ASSERT_EQ(0, console_leave(self->console, sizeof(self->console)));
	for (i = 0; i < COUNT(pids); i++) {
		pids[i] = fork();
		ASSERT_GE(pids[i], 0);
		if (!pids[i])
			work();
	}
	for (i = 0; i < 3; i++) {
		sleep_ms(150);
		EXPECT_EQ(0, system_sleep());
	}
	for (i = 0; i < COUNT(pids); i++) {
		ASSERT_EQ(pids[i], waitpid(pids[i], &status, 0));
		EXPECT_EQ(0, status);
	}
}

/* What a process has put into its ring is there afterwards, and the doorbell too. */
TEST_F(sleep, user_queue)
{
	struct ctx *ctx = &self->ctxs[0];
	unsigned int round, i;
	struct enpu_job job;
	struct user user;

	ASSERT_EQ(0, user_create(&user, ctx->fd, ctx->vm, 0, 0));
	ASSERT_EQ(0, console_leave(self->console, sizeof(self->console)));
	stream_busy(&ctx->stream, REGION_DST);
	job = ctx_job(ctx, ENPU_JOB_IRQ);
	for (round = 1; round <= 3; round++) {
		for (i = 0; i < 20; i++)
			user_put(&user, &job);
		user_ring_doorbell(&user, user.producer);
		ASSERT_EQ(0, system_sleep());
		user_put(&user, &job);
		user_ring_doorbell(&user, user.producer);
		EXPECT_EQ(0, user_wait(&user));
		EXPECT_EQ(21 * round, user_completed(&user));
	}
	EXPECT_EQ(0, user_check_fill(&user, ctx, 7));
	user_unmap(&user);
}

/* What hangs is banned, as ever; what is behind it in other queues runs. */
TEST_F_TIMEOUT(sleep, hung_job, 120)
{
	struct ctx *ctx = &self->ctxs[0];

	stream_nop(&ctx->stream);
	ASSERT_EQ(0, control("hang 1"));
	ASSERT_EQ(0, console_leave(self->console, sizeof(self->console)));
	ASSERT_EQ(0, ctx_submit(ctx));
	sleep_ms(50);
	ASSERT_EQ(0, submit_chain(&self->ctxs[1], 1, 20));
	EXPECT_EQ(0, system_sleep());
	EXPECT_EQ(-ETIME, ctx_wait(ctx));
	EXPECT_EQ(0, check_chain(&self->ctxs[1], 1, 20));
	EXPECT_EQ(0, ctx_check_copy(&self->ctxs[2], 2));
}

/* What does not end in time is let be: the machine stays awake. */
TEST_F_TIMEOUT(sleep, refused, 120)
{
	struct ctx *ctx = &self->ctxs[0], *other = &self->ctxs[1];

	ASSERT_EQ(0, queue_destroy(ctx->fd, ctx->queue));
	ASSERT_EQ(0, queue_create(ctx->fd, ctx->vm, 60000, &ctx->queue));
	stream_nop(&ctx->stream);
	ASSERT_EQ(0, control("hang 1"));
	ASSERT_EQ(0, console_leave(self->console, sizeof(self->console)));
	ASSERT_EQ(0, ctx_submit(ctx));
	sleep_ms(50);
	ASSERT_EQ(0, submit_chain(other, 1, 10));
	EXPECT_EQ(-EBUSY, system_sleep());
	/* that was no one's fault */
	ASSERT_EQ(0, queue_destroy(ctx->fd, ctx->queue));
	EXPECT_EQ(-ECANCELED, ctx_wait(ctx));
	EXPECT_EQ(0, check_chain(other, 1, 10));
	EXPECT_EQ(0, system_sleep());
	EXPECT_EQ(0, ctx_check_copy(other, 2));
}

TEST_F(sleep, idle)
{
	struct ctx *ctx = &self->ctxs[0];
	unsigned int i;

	ASSERT_EQ(0, console_leave(self->console, sizeof(self->console)));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, ctx_check_copy(ctx, i));
		EXPECT_EQ(0, system_sleep());
	}
	EXPECT_EQ(0, ctx_check_copy(ctx, i));
	EXPECT_EQ(4, queue_completed(ctx));
}

TEST_HARNESS_MAIN
