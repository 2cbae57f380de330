// SPDX-License-Identifier: GPL-2.0-only
/* USER queues: jobs by a store to the doorbell, QUEUE_WAIT, and what fails. */
#include "enpu_test.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "kselftest_harness.h"

#define TIMEOUT_MS	500

FIXTURE(user)
{
	struct ctx ctx;
	struct user user;
};

FIXTURE_SETUP(user)
{
	ASSERT_EQ(0, ctx_init(&self->ctx, 0));
	ASSERT_EQ(0, user_create(&self->user, self->ctx.fd, self->ctx.vm, TIMEOUT_MS, 0));
}

FIXTURE_TEARDOWN(user)
{
	user_unmap(&self->user);
	ctx_fini(&self->ctx);
}

static struct enpu_job nop_job(struct ctx *ctx, uint32_t flags)
{
	ctx_restart(ctx);
	stream_nop(&ctx->stream);
	return ctx_job(ctx, flags);
}

TEST_F(user, fill)
{
	struct drm_enpu_queue_query query;
	struct user *user = &self->user;
	unsigned int i;

	EXPECT_EQ(64, user->entries);
	EXPECT_EQ(0, user_completed(user));
	for (i = 1; i <= 10; i++) {
		ASSERT_EQ(0, user_check_fill(user, &self->ctx, 0x30 + i));
		EXPECT_EQ(i, user_completed(user));
	}
	/* counts again from 0 whenever the device has slept */
	EXPECT_GE(user->status->progress, 1);
	EXPECT_GT(user->status->busy_ns, 0);
	ASSERT_EQ(0, queue_query(user->fd, user->id, &query));
	EXPECT_EQ(DRM_ENPU_QUEUE_ACTIVE, query.state);
	EXPECT_EQ(10, query.submitted);
	EXPECT_EQ(10, query.completed);
	EXPECT_GE(query.busy_cycles, user->status->busy_cycles);
}

TEST_F(user, create_errors)
{
	struct drm_enpu_queue_create args = self->user.args;
	struct user *user = &self->user;

	args.pad2 = 1;
	EXPECT_EQ(-EINVAL, enpu_ioctl(user->fd, DRM_IOCTL_ENPU_QUEUE_CREATE, &args));
	args.pad2 = 0;
	args.mode = DRM_ENPU_QUEUE_USER + 1;
	EXPECT_EQ(-EINVAL, enpu_ioctl(user->fd, DRM_IOCTL_ENPU_QUEUE_CREATE, &args));
	args.mode = DRM_ENPU_QUEUE_KERNEL;
	EXPECT_EQ(0, enpu_ioctl(user->fd, DRM_IOCTL_ENPU_QUEUE_CREATE, &args));
	EXPECT_EQ(0, args.ring_offset | args.status_offset | args.doorbell_offset);
	EXPECT_EQ(-EINVAL, ctx_submit_to(&self->ctx, user->id, self->ctx.syncobj));
}

TEST_F(user, exhaustion)
{
	uint32_t num = enpu_info(self->ctx.fd).num_queues;
	struct user users[ENPU_MAX_QUEUES], *last;
	uint32_t i, n = 0, round;
	int ret;

	for (round = 0; round < 2; round++) {
		for (n = 0; n < COUNT(users); n++) {
			ret = user_create(&users[n], self->ctx.fd, self->ctx.vm, 0, 2);
			if (ret)
				break;
		}
		EXPECT_EQ(-ENOSPC, ret);
		EXPECT_EQ(num - 2, n);		/* the fixture has two */
		last = &users[n - 1];
		EXPECT_EQ(0, user_check_fill(last, &self->ctx, 1 + round));
		for (i = 0; i < n; i++) {
			EXPECT_EQ(0, queue_destroy(self->ctx.fd, users[i].id));
			user_unmap(&users[i]);
		}
	}
}

/* The ring is used several times over, in batches of all sizes. */
TEST_F(user, wrap_around)
{
	struct ctx *ctx = &self->ctx;
	uint32_t batch, n, jobs = 0;
	struct user small;

	ASSERT_EQ(0, user_create(&small, ctx->fd, ctx->vm, TIMEOUT_MS, 2));
	ASSERT_EQ(4, small.entries);
	for (batch = 1; batch <= 40; batch++) {
		uint32_t last = batch % small.entries;

		ctx_restart(ctx);
		ctx->mem[CTX_DST] = 0;
		stream_fill(&ctx->stream, REGION_DST, 0, batch, 1);
		for (n = 0; n <= last; n++, jobs++) {
			struct enpu_job job = ctx_job(ctx, n == last ? ENPU_JOB_IRQ : 0);

			user_put(&small, &job);
		}
		user_ring_doorbell(&small, small.producer);
		ASSERT_EQ(0, user_wait(&small));
		EXPECT_EQ(batch, ctx->mem[CTX_DST]);
		EXPECT_EQ(jobs, user_completed(&small));
	}
	EXPECT_GT(jobs, 5 * small.entries);
	user_unmap(&small);
}

/* Each with a thread of its own, each job another part of memory */
#define THREADS		16
#define THREAD_JOBS	50
#define THREAD_BYTES	1000

struct worker {
	struct ctx ctx;
	struct user user;
	pthread_t thread;
	int ret;
};

static void *work(void *arg)
{
	struct worker *worker = arg;
	struct ctx *ctx = &worker->ctx;
	unsigned int i, b;

	for (i = 0; i < THREAD_JOBS && !worker->ret; i++) {
		uint8_t *result = ctx->mem + CTX_DST + i * THREAD_BYTES;
		struct enpu_job job;

		ctx_restart(ctx);
		stream_fill(&ctx->stream, REGION_DST, i * THREAD_BYTES, i + 1, THREAD_BYTES);
		job = ctx_job(ctx, i % 3 ? ENPU_JOB_IRQ : 0);
		user_put(&worker->user, &job);
		user_ring_doorbell(&worker->user, worker->user.producer);
		/* some wait by the status page */
		if (i % 3)
			worker->ret = user_wait(&worker->user);
		else
			while (user_completed(&worker->user) != worker->user.producer)
				usleep(100);
		for (b = 0; b < THREAD_BYTES && !worker->ret; b++)
			if (result[b] != i + 1)
				worker->ret = -EBADMSG;
	}
	return NULL;
}

TEST_F_TIMEOUT(user, many_at_once, 120)
{
	struct worker *workers = calloc(THREADS, sizeof(*workers));
	unsigned int i;

	ASSERT_NE(NULL, workers);
	for (i = 0; i < THREADS; i++) {
		struct worker *worker = &workers[i];

		ASSERT_EQ(0, ctx_init(&worker->ctx, 0));
		ASSERT_EQ(0, user_create(&worker->user, worker->ctx.fd, worker->ctx.vm, 0, 3));
	}
	for (i = 0; i < THREADS; i++)
		ASSERT_EQ(0, pthread_create(&workers[i].thread, NULL, work, &workers[i]));
	for (i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		EXPECT_EQ(0, workers[i].ret);
		EXPECT_EQ(THREAD_JOBS, user_completed(&workers[i].user));
		user_unmap(&workers[i].user);
		ctx_fini(&workers[i].ctx);
	}
	free(workers);
}

TEST_F(user, garbage_doorbell)
{
	struct user *user = &self->user, other;
	struct drm_enpu_queue_query query;

	ASSERT_EQ(0, user_create(&other, self->ctx.fd, self->ctx.vm, TIMEOUT_MS, 0));
	ASSERT_EQ(0, user_check_fill(user, &self->ctx, 1));
	user_ring_doorbell(user, 0x12345678);
	EXPECT_EQ(-EIO, queue_wait(user->fd, user->id, 2, now_ns() + LONG));
	EXPECT_EQ(ENPU_QUEUE_HALTED, user_state(user));
	ASSERT_EQ(0, queue_query(user->fd, user->id, &query));
	EXPECT_EQ(DRM_ENPU_QUEUE_BANNED, query.state);
	EXPECT_EQ(EFAULT, query.error);
	EXPECT_EQ(ENPU_FAULT_JOB, query.fault_cause);
	EXPECT_EQ(1, query.submitted);
	EXPECT_EQ(1, query.completed);
	/* what was complete is */
	EXPECT_EQ(0, queue_wait(user->fd, user->id, 1, 0));
	/* without effect, and without a signal */
	user_ring_doorbell(user, 2);
	EXPECT_EQ(0, user_check_fill(&other, &self->ctx, 2));
	EXPECT_EQ(1, user_completed(user));
	user_unmap(&other);
}

TEST_F(user, fault)
{
	struct drm_enpu_queue_query query;
	struct user *user = &self->user;
	struct enpu_job job;

	stream_nop(&self->ctx.stream);
	stream_fill(&self->ctx.stream, REGION_UNMAPPED, 64, 1, 1);
	job = ctx_job(&self->ctx, 0);
	EXPECT_EQ(-EIO, user_run(user, &job));
	ASSERT_EQ(0, queue_query(user->fd, user->id, &query));
	EXPECT_EQ(DRM_ENPU_QUEUE_BANNED, query.state);
	EXPECT_EQ(EFAULT, query.error);
	EXPECT_EQ(ENPU_FAULT_UNMAPPED, query.fault_cause);
	EXPECT_EQ(UNMAPPED_VA + 64, query.fault_addr);
	EXPECT_EQ(1, query.fault_command);
	EXPECT_EQ(1, query.fault_job);
	EXPECT_EQ(1, query.submitted);
	EXPECT_EQ(0, query.completed);
	/* the process can read it too */
	EXPECT_EQ(ENPU_QUEUE_HALTED, user_state(user));
	EXPECT_EQ(ENPU_FAULT_UNMAPPED, user->status->fault_cause);
	EXPECT_EQ(UNMAPPED_VA + 64, user->status->fault_addr);
}

TEST_F(user, hang)
{
	struct drm_enpu_queue_query query;
	struct user *user = &self->user;
	struct enpu_job job;
	uint32_t resets = enpu_info(user->fd).reset_count;
	int64_t start = now_ns();

	job = nop_job(&self->ctx, ENPU_JOB_IRQ);
	ASSERT_EQ(0, control("hang 1"));
	EXPECT_EQ(-EIO, user_run(user, &job));
	EXPECT_GE(now_ns() - start, TIMEOUT_MS * 1000000ll);
	EXPECT_EQ(ENPU_QUEUE_HALTED, user_state(user));
	ASSERT_EQ(0, queue_query(user->fd, user->id, &query));
	EXPECT_EQ(DRM_ENPU_QUEUE_BANNED, query.state);
	EXPECT_EQ(ETIME, query.error);
	EXPECT_EQ(1, query.submitted);
	EXPECT_EQ(0, query.completed);
	EXPECT_EQ(1, query.fault_job);
	EXPECT_EQ(resets, enpu_info(user->fd).reset_count);
	user_ring_doorbell(user, 2);
	EXPECT_EQ(0, ctx_check_copy(&self->ctx, 1));
}

/* A job that gets on is let be, however long it takes. */
TEST_F_TIMEOUT(user, slow_is_no_hang, 120)
{
	struct user *user = &self->user;
	struct ctx *ctx = &self->ctx;
	struct enpu_job job;
	unsigned int i, times;
	uint64_t before;
	int64_t took = 0;

	for (times = 1; took < 3 * TIMEOUT_MS / 2 * 1000000ll; times *= 2) {
		ASSERT_LE(times, MOST_BUSY);
		ctx_restart(ctx);
		for (i = 0; i < 100; i++)
			stream_busier(&ctx->stream, REGION_DST, times);
		job = ctx_job(ctx, ENPU_JOB_IRQ);
		before = user->status->progress;
		took = -now_ns();
		ASSERT_EQ(0, user_run(user, &job));
		took += now_ns();
		EXPECT_EQ(before + 100, user->status->progress);
		ksft_print_msg("took %lld ms\n", (long long)took / 1000000);
	}
}

TEST_F(user, lost_interrupts)
{
	struct enpu_job job;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, control("lose-irq 1"));
		EXPECT_EQ(0, user_check_fill(&self->user, &self->ctx, 1 + i));
	}
	ctx_restart(&self->ctx);
	stream_fill(&self->ctx.stream, REGION_UNMAPPED, 0, 1, 1);
	job = ctx_job(&self->ctx, ENPU_JOB_IRQ);
	ASSERT_EQ(0, control("lose-irq 1"));
	EXPECT_EQ(-EIO, user_run(&self->user, &job));
}

/* Who waits for a job that raises no interrupt is woken all the same. */
TEST_F(user, no_interrupt)
{
	struct enpu_job job = nop_job(&self->ctx, 0);

	EXPECT_EQ(0, user_run(&self->user, &job));
}

static long minor_faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt;
}

/* The doorbell of an idle queue is taken away, and comes back; so does the watchdog. */
TEST_F_TIMEOUT(user, idle, 120)
{
	struct user *user = &self->user;
	struct enpu_job job = nop_job(&self->ctx, ENPU_JOB_IRQ);
	int64_t end = now_ns() + LONG;
	long before, after;
	unsigned int i;

	ASSERT_EQ(0, user_run(user, &job));
	for (i = 0; i < 3; i++) {
		/* while it is in use it costs no fault; by chance it was idle just then */
		do {
			ASSERT_LT(now_ns(), end);
			ASSERT_EQ(0, user_run(user, &job));
			user_put(user, &job);
			before = minor_faults();
			user_ring_doorbell(user, user->producer);
			after = minor_faults();
			ASSERT_EQ(0, user_wait(user));
		} while (after != before);

		do {
			ASSERT_LT(now_ns(), end);
			sleep_ms(TIMEOUT_MS);
			user_put(user, &job);
			before = minor_faults();
			user_ring_doorbell(user, user->producer);
			after = minor_faults();
			ASSERT_EQ(0, user_wait(user));
		} while (after == before);
	}
	sleep_ms(TIMEOUT_MS);
	ASSERT_EQ(0, control("hang 1"));
	EXPECT_EQ(-EIO, user_run(user, &job));
}

/* A hung USER queue does not make another one's jobs hang, and the other way round. */
TEST_F(user, others_wait)
{
	struct enpu_job job = nop_job(&self->ctx, ENPU_JOB_IRQ);
	uint32_t resets = enpu_info(self->ctx.fd).reset_count;
	struct user slow;

	ASSERT_EQ(0, user_create(&slow, self->ctx.fd, self->ctx.vm, 4 * TIMEOUT_MS, 0));
	ASSERT_EQ(0, control("hang 1"));
	user_put(&slow, &job);
	user_ring_doorbell(&slow, slow.producer);
	sleep_ms(50);
	EXPECT_EQ(0, user_run(&self->user, &job));
	EXPECT_EQ(-EIO, user_wait(&slow));
	EXPECT_EQ(resets, enpu_info(self->ctx.fd).reset_count);
	user_unmap(&slow);
}

TEST_F(user, wait_errors)
{
	struct drm_enpu_queue_wait args = { .id = self->user.id, .flags = 1 };
	struct user *user = &self->user;
	int fd = user->fd;
	int64_t start;

	EXPECT_EQ(-EINVAL, enpu_ioctl(fd, DRM_IOCTL_ENPU_QUEUE_WAIT, &args));
	EXPECT_EQ(-EINVAL, queue_wait(fd, self->ctx.queue, 0, 0));
	EXPECT_EQ(-ENOENT, queue_wait(fd, 99, 0, 0));

	EXPECT_EQ(0, queue_wait(fd, user->id, 0, 0));
	EXPECT_EQ(-ETIME, queue_wait(fd, user->id, 1, 0));
	EXPECT_EQ(-ETIME, queue_wait(fd, user->id, 1, now_ns() - 1));
	EXPECT_EQ(-ETIME, queue_wait(fd, user->id, 1, -1));
	EXPECT_EQ(-ETIME, queue_wait(fd, user->id, 1, INT64_MIN));
	start = now_ns();
	EXPECT_EQ(-ETIME, queue_wait(fd, user->id, UINT64_MAX, start + SECOND / 3));
	EXPECT_GE(now_ns() - start, SECOND / 3);

	EXPECT_EQ(0, user_check_fill(user, &self->ctx, 1));
	EXPECT_EQ(0, queue_wait(fd, user->id, 1, 0));
	EXPECT_EQ(0, queue_wait(fd, user->id, 1, INT64_MAX));
	EXPECT_EQ(-ETIME, queue_wait(fd, user->id, 2, 0));
}

static void on_alarm(int signal)
{
}

static void alarm_in(unsigned int ms, int flags)
{
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = flags };
	struct itimerval timer = { .it_value.tv_usec = ms * 1000 };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

/* A signal interrupts, or it does not: then the time-out is what it was. */
TEST_F(user, wait_signals)
{
	struct drm_enpu_queue_wait args = {
		.id = self->user.id, .completed = 1, .timeout_ns = now_ns() + LONG,
	};
	int64_t start = now_ns();

	alarm_in(100, 0);
	EXPECT_EQ(-1, ioctl(self->user.fd, DRM_IOCTL_ENPU_QUEUE_WAIT, &args));
	EXPECT_EQ(EINTR, errno);
	EXPECT_GE(now_ns() - start, SECOND / 10);

	start = now_ns();
	args.timeout_ns = start + SECOND / 2;
	alarm_in(400, SA_RESTART);
	EXPECT_EQ(-1, ioctl(self->user.fd, DRM_IOCTL_ENPU_QUEUE_WAIT, &args));
	EXPECT_EQ(ETIME, errno);
	EXPECT_GE(now_ns() - start, SECOND / 2);
}

struct waiter {
	struct user *user;
	uint64_t completed;
	int ret;
};

static void *wait_in_thread(void *arg)
{
	struct waiter *waiter = arg;

	waiter->ret = queue_wait(waiter->user->fd, waiter->user->id, waiter->completed,
				 now_ns() + LONG);
	return NULL;
}

/* Several wait, each for its own count; and then for a queue that goes. */
TEST_F(user, wait_destroy)
{
	struct enpu_job job = nop_job(&self->ctx, ENPU_JOB_IRQ);
	struct user *user = &self->user;
	struct waiter waiters[4];
	pthread_t threads[4];
	unsigned int i;

	for (i = 0; i < COUNT(threads); i++) {
		waiters[i] = (struct waiter){ .user = user, .completed = 1 + i };
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, wait_in_thread, &waiters[i]));
	}
	sleep_ms(50);
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(0, user_run(user, &job));
		pthread_join(threads[i], NULL);
		EXPECT_EQ(0, waiters[i].ret);
	}
	ASSERT_EQ(0, queue_destroy(user->fd, user->id));
	for (; i < COUNT(threads); i++) {
		pthread_join(threads[i], NULL);
		EXPECT_EQ(-EIO, waiters[i].ret);
	}
	EXPECT_EQ(-ENOENT, queue_wait(user->fd, user->id, 1, 0));
}

TEST_HARNESS_MAIN
