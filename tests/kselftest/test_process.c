// SPDX-License-Identifier: GPL-2.0-only
/* Processes that work side by side, and that die at any moment. */
#include "enpu_test.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

/* Leaks of a kernel show as memory that does not come back; in KiB */
#define SLACK	2048

FIXTURE(process)
{
	struct ctx ctx;
};

FIXTURE_SETUP(process)
{
	ASSERT_EQ(0, ctx_init(&self->ctx, 0));
}

FIXTURE_TEARDOWN(process)
{
	ctx_fini(&self->ctx);
}

/* Works without end. */
static void work_forever(void)
{
	struct ctx ctx;
	uint8_t seed = 0;

	if (ctx_init(&ctx, 0))
		_exit(1);
	for (;;) {
		struct drm_enpu_command command;
		unsigned int i;

		ctx_restart(&ctx);
		stream_fill(&ctx.stream, REGION_DST, 0, seed++, CTX_AREA);
		command = ctx_command(&ctx);
		for (i = 0; i < 8; i++)
			if (submit(ctx.fd, ctx.queue, &command, 1, NULL, 0))
				_exit(1);
		if (ctx_submit(&ctx) || ctx_wait(&ctx))
			_exit(1);
	}
}

static pid_t start(void (*function)(void))
{
	pid_t pid = fork();

	if (!pid) {
		function();
		_exit(0);
	}
	return pid;
}

static int kill_and_reap(pid_t pid)
{
	int status;

	if (kill(pid, SIGKILL) || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? 0 : -1;
}

TEST_F(process, two_clients)
{
	unsigned int i;
	int status;
	pid_t pid = fork();

	ASSERT_GE(pid, 0);
	if (!pid) {
		struct ctx ctx;

		if (ctx_init(&ctx, 0))
			_exit(1);
		for (i = 0; i < 300; i++)
			if (ctx_check_copy(&ctx, 3 * i))
				_exit(2);
		_exit(0);
	}
	for (i = 0; i < 300; i++)
		ASSERT_EQ(0, ctx_check_copy(&self->ctx, i));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F_TIMEOUT(process, killed_at_work, 120)
{
	unsigned int i;
	long before;

	/* the first round warms up caches */
	ASSERT_EQ(0, kill_and_reap(start(work_forever)));
	before = mem_available();
	for (i = 0; i < 25; i++) {
		pid_t pids[2] = { start(work_forever), start(work_forever) };

		usleep(rand() % 40000);
		EXPECT_EQ(0, kill_and_reap(pids[0]));
		EXPECT_EQ(0, ctx_check_copy(&self->ctx, i));
		EXPECT_EQ(0, kill_and_reap(pids[1]));
	}
	EXPECT_EQ(0, ctx_check_copy(&self->ctx, 1));
	EXPECT_TRUE(mem_is_back(before, SLACK));
}

/* By which a child says that its job is submitted */
static int submitted[2];

static void hang(void)
{
	struct ctx ctx;

	if (ctx_init(&ctx, 0))
		_exit(1);
	stream_fill(&ctx.stream, REGION_DST, 0, 1, CTX_AREA);
	if (control("hang 1") || ctx_submit(&ctx) || write(submitted[1], "", 1) != 1)
		_exit(1);
	ctx_wait(&ctx);
	_exit(2);
}

TEST_F_TIMEOUT(process, killed_in_hang, 120)
{
	unsigned int i;
	char byte;

	ASSERT_EQ(0, pipe(submitted));
	for (i = 0; i < 5; i++) {
		pid_t pid = start(hang);
		int64_t begin;

		/* killed earlier, it would leave the hang to the next job of anybody */
		ASSERT_EQ(1, read(submitted[0], &byte, 1));
		sleep_ms(100);
		begin = now_ns();
		EXPECT_EQ(0, kill_and_reap(pid));
		/* long before the default timeout */
		EXPECT_LT(now_ns() - begin, 5 * SECOND);
		ASSERT_EQ(0, control("hang 0"));
		EXPECT_EQ(0, ctx_check_copy(&self->ctx, i));
	}
	close(submitted[0]);
	close(submitted[1]);
	EXPECT_EQ(self->ctx.resets, enpu_info(self->ctx.fd).reset_count);
}

/*
 * Pages of who was killed go to others at once; if the device still wrote to
 * them, others would see it.
 */
TEST_F_TIMEOUT(process, pages_are_not_written_after_death, 120)
{
	const size_t size = MIB(32);
	unsigned int round;
	size_t i;

	for (round = 0; round < 10; round++) {
		pid_t pid = start(work_forever);
		uint8_t *mem;

		usleep(20000 + rand() % 20000);
		ASSERT_EQ(0, kill_and_reap(pid));
		mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
		ASSERT_NE(MAP_FAILED, mem);
		sleep_ms(20);
		for (i = 0; i < size; i += 64)
			ASSERT_EQ(0, mem[i]);
		munmap(mem, size);
	}
}

/* A child has the file of its parent: the work goes on until both are gone. */
TEST_F(process, forked_file)
{
	pid_t pid;
	int status;

	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid)
		_exit(ctx_check_copy(&self->ctx, 5) ? 1 : 0);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, ctx_check_copy(&self->ctx, 6));
}

/* Memory of clients that come and go, with everything left open */
TEST_F_TIMEOUT(process, gives_memory_back, 120)
{
	unsigned int i;
	long before = 0;

	for (i = 0; i < 60; i++) {
		uint32_t handle, vm;
		struct ctx ctx;

		if (i == 10)
			before = mem_available();
		ASSERT_EQ(0, ctx_init(&ctx, 0));
		ASSERT_EQ(0, vm_create(ctx.fd, &vm));
		ASSERT_EQ(0, bo_create(ctx.fd, MIB(4), 0, &handle));
		ASSERT_EQ(0, vm_map(ctx.fd, vm, handle, 0, GIB(1), MIB(4), 0));
		ASSERT_EQ(0, vm_map(ctx.fd, ctx.vm, handle, 0, GIB(99), MIB(4), 0));
		ASSERT_EQ(0, ctx_check_copy(&ctx, i));
		ctx_fini(&ctx);
	}
	EXPECT_TRUE(mem_is_back(before, SLACK));
}

TEST_HARNESS_MAIN
