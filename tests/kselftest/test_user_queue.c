// SPDX-License-Identifier: GPL-2.0-only
/*
 * USER queues: jobs by a store to the doorbell, the mappings and what becomes of
 * them, QUEUE_WAIT.
 */
#include "enpu_test.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#define PAGE		4096
#define TIMEOUT_MS	500

/* A USER queue and its mappings */
struct user {
	int fd;
	uint32_t id;
	uint32_t entries;
	uint32_t producer;
	struct enpu_job *ring;
	struct enpu_queue_status *status;
	uint32_t *doorbell;
	struct drm_enpu_queue_create args;
};

static size_t ring_size(const struct user *user)
{
	size_t size = user->entries * sizeof(struct enpu_job);

	return (size + PAGE - 1) / PAGE * PAGE;
}

static int user_create(struct user *user, int fd, uint32_t vm, uint32_t timeout_ms,
		       uint32_t ring_order)
{
	int ret;

	*user = (struct user){ .fd = fd };
	user->args = (struct drm_enpu_queue_create){
		.vm_id = vm,
		.mode = DRM_ENPU_QUEUE_USER,
		.priority = DRM_ENPU_PRIORITY_NORMAL,
		.ring_order = ring_order,
		.timeout_ms = timeout_ms,
		.label = "user",
	};
	ret = enpu_ioctl(fd, DRM_IOCTL_ENPU_QUEUE_CREATE, &user->args);
	if (ret)
		return ret;
	user->id = user->args.id;
	user->entries = user->args.ring_entries;

	user->ring = mmap(NULL, ring_size(user), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			  user->args.ring_offset);
	user->status = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, user->args.status_offset);
	user->doorbell = mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, fd,
			      user->args.doorbell_offset);
	return user->ring == MAP_FAILED || user->status == MAP_FAILED ||
	       user->doorbell == MAP_FAILED ? -errno : 0;
}

static void user_unmap(struct user *user)
{
	munmap(user->ring, ring_size(user));
	munmap(user->status, PAGE);
	munmap(user->doorbell, PAGE);
}

static uint64_t completed(const struct user *user)
{
	return __atomic_load_n(&user->status->completed, __ATOMIC_ACQUIRE);
}

static uint32_t state(const struct user *user)
{
	return __atomic_load_n(&user->status->state, __ATOMIC_ACQUIRE);
}

/* Into the ring; not yet told to the device */
static void put_job(struct user *user, const struct enpu_job *job)
{
	user->ring[user->producer++ & (user->entries - 1)] = *job;
}

static void ring_doorbell(const struct user *user, uint32_t producer)
{
#if defined(__aarch64__)
	__asm__ volatile("dmb oshst" : : : "memory");
#endif
	__atomic_store_n(user->doorbell, producer, __ATOMIC_RELEASE);
}

static int queue_wait(int fd, uint32_t id, uint64_t count, int64_t timeout)
{
	struct drm_enpu_queue_wait args = {
		.id = id, .completed = count, .timeout_ns = timeout,
	};

	return enpu_ioctl(fd, DRM_IOCTL_ENPU_QUEUE_WAIT, &args);
}

/* For all that was told to the device */
static int user_wait(const struct user *user)
{
	return queue_wait(user->fd, user->id, user->producer, now_ns() + LONG);
}

/* The stream of a context as a job */
static struct enpu_job ctx_job(struct ctx *ctx, uint32_t flags)
{
	return (struct enpu_job){
		.stream_va = CTX_VA + CTX_STREAM,
		.stream_size = ctx->stream.size,
		.flags = flags,
		.regions_va = CTX_VA + CTX_REGIONS,
		.num_regions = CTX_NUM_REGIONS,
	};
}

static int user_run(struct user *user, const struct enpu_job *job)
{
	put_job(user, job);
	ring_doorbell(user, user->producer);
	return user_wait(user);
}

/* The device fills some bytes with what it was told, and those only */
static int user_check_fill(struct user *user, struct ctx *ctx, uint8_t value)
{
	const size_t first = 100, length = 5000;
	struct enpu_job job;
	size_t i;
	int ret;

	memset(ctx->mem + CTX_DST, ~value, 2 * length);
	ctx_restart(ctx);
	stream_fill(&ctx->stream, REGION_DST, first, value, length);
	job = ctx_job(ctx, ENPU_JOB_IRQ);
	ret = user_run(user, &job);
	if (ret)
		return ret;
	for (i = 0; i < 2 * length; i++) {
		bool filled = i >= first && i < first + length;

		if (ctx->mem[CTX_DST + i] != (filled ? value : (uint8_t)~value))
			return -EBADMSG;
	}
	return 0;
}

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

TEST_F(user, fill)
{
	struct drm_enpu_queue_query query;
	struct user *user = &self->user;
	unsigned int i;

	EXPECT_EQ(64, user->entries);
	EXPECT_EQ(0, completed(user));
	for (i = 1; i <= 10; i++) {
		ASSERT_EQ(0, user_check_fill(user, &self->ctx, 0x30 + i));
		EXPECT_EQ(i, completed(user));
		EXPECT_EQ(i, user->status->progress);
	}
	EXPECT_GT(user->status->busy_ns, 0);
	ASSERT_EQ(0, queue_query(user->fd, user->id, &query));
	EXPECT_EQ(DRM_ENPU_QUEUE_ACTIVE, query.state);
	EXPECT_EQ(10, query.submitted);
	EXPECT_EQ(10, query.completed);
	EXPECT_EQ(user->status->busy_cycles, query.busy_cycles);
}

TEST_F(user, query_errors)
{
	struct drm_enpu_queue_create bad = self->user.args;
	struct user *user = &self->user;

	bad.pad2 = 1;
	EXPECT_EQ(-EINVAL, enpu_ioctl(user->fd, DRM_IOCTL_ENPU_QUEUE_CREATE, &bad));
	bad.pad2 = 0;
	bad.mode = 2;
	EXPECT_EQ(-EINVAL, enpu_ioctl(user->fd, DRM_IOCTL_ENPU_QUEUE_CREATE, &bad));
	EXPECT_EQ(-EINVAL, ctx_submit_to(&self->ctx, user->id, self->ctx.syncobj));
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
		struct enpu_job job;

		ctx_restart(ctx);
		ctx->mem[CTX_DST] = 0;
		stream_fill(&ctx->stream, REGION_DST, 0, batch, 1);
		for (n = 0; n < 1 + batch % small.entries; n++, jobs++) {
			job = ctx_job(ctx, n == batch % small.entries ? ENPU_JOB_IRQ : 0);
			put_job(&small, &job);
		}
		ring_doorbell(&small, small.producer);
		ASSERT_EQ(0, user_wait(&small));
		EXPECT_EQ(batch, ctx->mem[CTX_DST]);
		EXPECT_EQ(jobs, completed(&small));
	}
	EXPECT_GT(jobs, 5 * small.entries);
	user_unmap(&small);
}

TEST_F(user, garbage_doorbell)
{
	struct user *user = &self->user, other;
	struct drm_enpu_queue_query query;

	ASSERT_EQ(0, user_create(&other, self->ctx.fd, self->ctx.vm, TIMEOUT_MS, 0));
	ASSERT_EQ(0, user_check_fill(user, &self->ctx, 1));
	ring_doorbell(user, 0x12345678);
	EXPECT_EQ(-EIO, queue_wait(user->fd, user->id, 2, now_ns() + LONG));
	EXPECT_EQ(ENPU_QUEUE_HALTED, state(user));
	ASSERT_EQ(0, queue_query(user->fd, user->id, &query));
	EXPECT_EQ(DRM_ENPU_QUEUE_BANNED, query.state);
	EXPECT_EQ(EFAULT, query.error);
	EXPECT_EQ(ENPU_FAULT_JOB, query.fault_cause);
	EXPECT_EQ(1, query.submitted);
	EXPECT_EQ(1, query.completed);
	/* without effect, and without a signal */
	ring_doorbell(user, 2);
	EXPECT_EQ(0, user_check_fill(&other, &self->ctx, 2));
	user_unmap(&other);
}

TEST_F(user, hang)
{
	struct drm_enpu_queue_query query;
	struct user *user = &self->user;
	struct enpu_job job;
	uint32_t resets = enpu_info(user->fd).reset_count;
	int64_t start = now_ns();

	stream_nop(&self->ctx.stream);
	job = ctx_job(&self->ctx, ENPU_JOB_IRQ);
	ASSERT_EQ(0, control("hang 1"));
	EXPECT_EQ(-EIO, user_run(user, &job));
	EXPECT_GE(now_ns() - start, TIMEOUT_MS * 1000000ll);
	EXPECT_EQ(ENPU_QUEUE_HALTED, state(user));
	ASSERT_EQ(0, queue_query(user->fd, user->id, &query));
	EXPECT_EQ(DRM_ENPU_QUEUE_BANNED, query.state);
	EXPECT_EQ(ETIME, query.error);
	EXPECT_EQ(1, query.submitted);
	EXPECT_EQ(0, query.completed);
	EXPECT_EQ(1, query.fault_job);
	EXPECT_EQ(resets, enpu_info(user->fd).reset_count);
	ring_doorbell(user, 2);
	EXPECT_EQ(0, ctx_check_copy(&self->ctx, 1));
}

TEST_F(user, mappings)
{
	struct user *user = &self->user;
	int fd = user->fd, other;
	const struct {
		const char *what;
		int error;
		uint64_t offset;
		size_t size;
		int prot, flags;
	} refused[] = {
		{ "private ring", EINVAL, user->args.ring_offset, PAGE, PROT_READ, MAP_PRIVATE },
		{ "private status", EINVAL, user->args.status_offset, PAGE, PROT_READ,
		  MAP_PRIVATE },
		{ "private doorbell", EINVAL, user->args.doorbell_offset, PAGE, PROT_WRITE,
		  MAP_PRIVATE },
		{ "status to write", EACCES, user->args.status_offset, PAGE,
		  PROT_READ | PROT_WRITE, MAP_SHARED },
		{ "doorbell to read", EACCES, user->args.doorbell_offset, PAGE,
		  PROT_READ | PROT_WRITE, MAP_SHARED },
		{ "ring and status", EINVAL, user->args.ring_offset, 2 * PAGE, PROT_READ,
		  MAP_SHARED },
		{ "status and doorbell", EINVAL, user->args.status_offset, 2 * PAGE, PROT_READ,
		  MAP_SHARED },
		{ "what is behind", EINVAL, user->args.doorbell_offset + PAGE, PAGE, PROT_READ,
		  MAP_SHARED },
		{ "doorbell and more", EINVAL, user->args.doorbell_offset, 2 * PAGE, PROT_WRITE,
		  MAP_SHARED },
	};
	unsigned int i;

	for (i = 0; i < COUNT(refused); i++) {
		errno = 0;
		EXPECT_EQ(MAP_FAILED, mmap(NULL, refused[i].size, refused[i].prot,
					   refused[i].flags, fd, refused[i].offset));
		EXPECT_EQ(refused[i].error, errno) TH_LOG("%s", refused[i].what);
	}

	/* to 32-bit processes offsets are numbers of pages */
	EXPECT_GT(1ull << 44, user->args.doorbell_offset + PAGE);

	other = enpu_open();
	ASSERT_GE(other, 0);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, other,
				   user->args.status_offset));
	EXPECT_EQ(EACCES, errno);
	close(other);

	EXPECT_NE(0, mprotect(user->status, PAGE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
	EXPECT_NE(0, mprotect(user->doorbell, PAGE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(MAP_FAILED, mremap(user->status, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(0, user_check_fill(user, &self->ctx, 3));
}

TEST_HARNESS_MAIN
