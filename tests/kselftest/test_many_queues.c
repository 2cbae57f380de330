// SPDX-License-Identifier: GPL-2.0-only
/*
 * All queues of the device at once: 64 of 16 processes, half of them KERNEL queues,
 * half USER queues. Each has two parts of its process's memory for itself, and each of its
 * jobs copies one to the other. Every byte is compared, with values that no other job of
 * any queue has at that place.
 */
#include "enpu_test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#define PROCESSES	16
#define KERNEL_QUEUES	2
#define USER_QUEUES	2
#define QUEUES		(KERNEL_QUEUES + USER_QUEUES)
#define ROUNDS		6
#define JOBS		4	/* of a queue in flight */
#define AREA		(CTX_AREA / QUEUES)
#define PART		(AREA / JOBS)

/* Between all processes */
struct shared {
	int ready;
	int go;
	/* of each, when its jobs began and ended */
	int64_t start[PROCESSES];
	int64_t end[PROCESSES];
};

struct client {
	unsigned int number;
	struct ctx ctx;
	uint32_t kernel[KERNEL_QUEUES];
	uint32_t syncobjs[KERNEL_QUEUES];
	struct user user[USER_QUEUES];
	size_t stream_sizes[QUEUES * JOBS];
};

/* Differs between processes, queues, rounds, and neighbours in memory */
static uint8_t value(const struct client *client, unsigned int queue, unsigned int round,
		     size_t offset)
{
	uint32_t x = offset * 2654435761u + ((client->number * QUEUES + queue) * ROUNDS + round) *
		     40503u;

	return x >> 13;
}

/* One stream for each job that a queue has in flight: a copy of its part of the area */
static void make_streams(struct client *client)
{
	struct ctx *ctx = &client->ctx;
	unsigned int i;

	for (i = 0; i < QUEUES * JOBS; i++) {
		ctx->stream = (struct stream){ .start = ctx->mem + CTX_STREAM + i * 1024 };
		stream_copy(&ctx->stream, REGION_DST, i * PART, REGION_SRC, i * PART, PART);
		client->stream_sizes[i] = ctx->stream.size;
	}
}

static int open_client(struct client *client)
{
	struct ctx *ctx = &client->ctx;
	unsigned int i;
	int ret;

	ret = ctx_init(ctx, 0);
	if (ret)
		return ret;
	client->kernel[0] = ctx->queue;
	client->syncobjs[0] = ctx->syncobj;
	for (i = 1; !ret && i < KERNEL_QUEUES; i++) {
		ret = queue_create(ctx->fd, ctx->vm, 0, &client->kernel[i]);
		if (!ret)
			ret = syncobj_create(ctx->fd, &client->syncobjs[i]);
	}
	for (i = 0; !ret && i < USER_QUEUES; i++)
		ret = user_create(&client->user[i], ctx->fd, ctx->vm, 0, 0);
	make_streams(client);
	return ret;
}

/* The jobs of a KERNEL queue: first alone, last alone, the others together */
static int submit_kernel(struct client *client, unsigned int queue)
{
	struct drm_enpu_sync sync = {
		.handle = client->syncobjs[queue],
		.flags = DRM_ENPU_SYNC_SIGNAL,
	};
	struct drm_enpu_command jobs[JOBS];
	unsigned int i;
	int ret;

	for (i = 0; i < JOBS; i++) {
		jobs[i] = ctx_command(&client->ctx);
		jobs[i].stream_va += (queue * JOBS + i) * 1024;
		jobs[i].stream_size = client->stream_sizes[queue * JOBS + i];
	}
	ret = submit(client->ctx.fd, client->kernel[queue], jobs, 1, NULL, 0);
	if (!ret)
		ret = submit(client->ctx.fd, client->kernel[queue], jobs + 1, JOBS - 2, NULL, 0);
	if (!ret)
		ret = submit(client->ctx.fd, client->kernel[queue], jobs + JOBS - 1, 1, &sync, 1);
	return ret;
}

static void submit_user(struct client *client, unsigned int queue)
{
	struct user *user = &client->user[queue - KERNEL_QUEUES];
	unsigned int i;

	for (i = 0; i < JOBS; i++) {
		struct enpu_job job = ctx_job(&client->ctx, i == JOBS - 1 ? ENPU_JOB_IRQ : 0);

		job.stream_va += (queue * JOBS + i) * 1024;
		job.stream_size = client->stream_sizes[queue * JOBS + i];
		user_put(user, &job);
	}
	user_ring_doorbell(user, user->producer);
}

static int wait_queue(struct client *client, unsigned int queue)
{
	if (queue < KERNEL_QUEUES)
		return ctx_wait_for(&client->ctx, client->syncobjs[queue]);
	return user_wait(&client->user[queue - KERNEL_QUEUES]);
}

static int run_round(struct client *client, unsigned int round)
{
	uint8_t *src = client->ctx.mem + CTX_SRC, *dst = client->ctx.mem + CTX_DST;
	unsigned int queue;
	int ret = 0;
	size_t i;

	for (i = 0; i < CTX_AREA; i++) {
		src[i] = value(client, i / AREA, round, i);
		dst[i] = ~src[i];
	}
	for (queue = 0; !ret && queue < QUEUES; queue++) {
		if (queue < KERNEL_QUEUES)
			ret = submit_kernel(client, queue);
		else
			submit_user(client, queue);
	}
	for (queue = 0; !ret && queue < QUEUES; queue++) {
		ret = wait_queue(client, queue);
		for (i = queue * AREA; !ret && i < (queue + 1) * AREA; i++)
			if (dst[i] != value(client, queue, round, i))
				ret = -EBADMSG;
	}
	return ret;
}

static int check_counts(struct client *client)
{
	unsigned int queue;

	for (queue = 0; queue < QUEUES; queue++) {
		uint32_t id = queue < KERNEL_QUEUES ? client->kernel[queue] :
						      client->user[queue - KERNEL_QUEUES].id;
		struct drm_enpu_queue_query query;
		int ret = queue_query(client->ctx.fd, id, &query);

		if (ret)
			return ret;
		if (query.state != DRM_ENPU_QUEUE_ACTIVE || query.submitted != ROUNDS * JOBS ||
		    query.completed != ROUNDS * JOBS)
			return -ERANGE;
	}
	return 0;
}

/* A process. Its exit code is an errno, or 0. */
static void run_client(struct shared *shared, unsigned int number)
{
	struct client client = { .number = number };
	unsigned int round;
	int ret = open_client(&client);

	__atomic_add_fetch(&shared->ready, 1, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&shared->go, __ATOMIC_SEQ_CST))
		sleep_ms(1);

	shared->start[number] = now_ns();
	for (round = 0; !ret && round < ROUNDS; round++)
		ret = run_round(&client, round);
	shared->end[number] = now_ns();
	if (!ret)
		ret = check_counts(&client);
	_exit(-ret);
}

FIXTURE(many)
{
	struct shared *shared;
};

FIXTURE_SETUP(many)
{
	self->shared = mmap(NULL, sizeof(*self->shared), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)self->shared);
}

FIXTURE_TEARDOWN(many)
{
	munmap(self->shared, sizeof(*self->shared));
}

TEST_F_TIMEOUT(many, all_queues_at_once, 300)
{
	struct shared *shared = self->shared;
	struct drm_enpu_dev_info info;
	pid_t pids[PROCESSES];
	int64_t last_start = 0, first_end = INT64_MAX;
	unsigned int i;
	int fd, status;

	fd = enpu_open_wait();
	ASSERT_GE(fd, 0);
	info = enpu_info(fd);
	close(fd);
	if (info.num_queues < PROCESSES * QUEUES || info.num_vms < PROCESSES)
		SKIP(return, "the device has not so many queues");

	for (i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		ASSERT_GE(pids[i], 0);
		if (!pids[i])
			run_client(shared, i);
	}
	/* each has its queues, so they are all there at once */
	while (__atomic_load_n(&shared->ready, __ATOMIC_SEQ_CST) < PROCESSES)
		sleep_ms(1);
	__atomic_store_n(&shared->go, 1, __ATOMIC_SEQ_CST);
	for (i = 0; i < PROCESSES; i++) {
		ASSERT_EQ(pids[i], waitpid(pids[i], &status, 0));
		EXPECT_EQ(0, status) TH_LOG("process %u: %s", i,
					    WIFEXITED(status) ? strerror(WEXITSTATUS(status)) :
								"killed");
		if (shared->start[i] > last_start)
			last_start = shared->start[i];
		if (shared->end[i] < first_end)
			first_end = shared->end[i];
	}
	TH_LOG("%u jobs; all processes worked together for %lld ms",
	       PROCESSES * QUEUES * ROUNDS * JOBS, (long long)(first_end - last_start) / 1000000);
}

TEST_HARNESS_MAIN
