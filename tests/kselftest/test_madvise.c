// SPDX-License-Identifier: GPL-2.0-only
/* Purgeable BOs: contents that nobody needs, and memory that comes back. */
#include "enpu_test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#define SIZE	MIB(32)
#define VA	GIB(4)

FIXTURE(madvise)
{
	struct ctx ctx;
	uint32_t bo;
	uint8_t *mem;
};

/* A BO with contents, mapped for both sides */
FIXTURE_SETUP(madvise)
{
	struct ctx *ctx = &self->ctx;

	ASSERT_EQ(0, ctx_init(ctx, 0));
	ASSERT_EQ(0, bo_create(ctx->fd, SIZE, 0, &self->bo));
	self->mem = bo_map(ctx->fd, self->bo, SIZE);
	ASSERT_NE(NULL, self->mem);
	memset(self->mem, 0x5a, SIZE);
	ASSERT_EQ(0, vm_map(ctx->fd, ctx->vm, self->bo, 0, VA, SIZE, 0));
}

FIXTURE_TEARDOWN(madvise)
{
	munmap(self->mem, SIZE);
	ctx_fini(&self->ctx);
}

/* 1: contents retained, 0: purged, or a negative errno */
static int advise(int fd, uint32_t handle, uint32_t advice)
{
	struct drm_enpu_bo_madvise args = { .handle = handle, .advice = advice, .retained = 77 };
	int ret = enpu_ioctl(fd, DRM_IOCTL_ENPU_BO_MADVISE, &args);

	return ret ? ret : args.retained;
}

static int dontneed(int fd, uint32_t handle)
{
	return advise(fd, handle, DRM_ENPU_MADV_DONTNEED);
}

static int willneed(int fd, uint32_t handle)
{
	return advise(fd, handle, DRM_ENPU_MADV_WILLNEED);
}

static void drop_slabs(void)
{
	write_file("/proc/sys/vm/drop_caches", "2");
}

/* Drops a BO that nobody needs; somebody else may be in the shrinker at that moment. */
static bool purge(int fd, uint32_t handle)
{
	int tries;

	for (tries = 0; tries < 50; tries++) {
		drop_slabs();
		if (!dontneed(fd, handle))
			return true;
		sleep_ms(20);
	}
	return false;
}

static sigjmp_buf at_sigbus;

static void on_sigbus(int signo)
{
	siglongjmp(at_sigbus, signo);
}

static bool is_sigbus(const volatile uint8_t *mem)
{
	struct sigaction action = { .sa_handler = on_sigbus }, old;
	volatile bool ret = true;

	sigaction(SIGBUS, &action, &old);
	if (!sigsetjmp(at_sigbus, 1)) {
		(void)*mem;
		ret = false;
	}
	sigaction(SIGBUS, &old, NULL);
	return ret;
}

static int export(int fd, uint32_t handle)
{
	struct drm_prime_handle prime = { .handle = handle, .flags = DRM_CLOEXEC | DRM_RDWR };
	int ret = enpu_ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime);

	return ret ? ret : prime.fd;
}

/* Has the device copy 16 bytes from an address. 0, -EFAULT, or another error */
static int device_read(struct ctx *ctx, uint32_t queue, uint64_t va)
{
	int ret;

	ctx->regions[REGION_SRC].va = va;
	ctx_restart(ctx);
	stream_copy(&ctx->stream, REGION_DST, 0, REGION_SRC, 0, 16);
	ret = ctx_submit_to(ctx, queue, ctx->syncobj);
	return ret ? ret : ctx_wait(ctx);
}

/* KiB of this file's BOs that fdinfo says of a key; nothing is 0 */
static long fdinfo(int fd, const char *key)
{
	char path[64], line[128];
	long value = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		char unit[4] = "";
		long number;

		if (strncmp(line, key, strlen(key)) || line[strlen(key)] != ':')
			continue;
		if (sscanf(line + strlen(key) + 1, "%ld %3s", &number, unit) < 1)
			continue;
		value = !strcmp(unit, "MiB") ? number * 1024 :
			!strcmp(unit, "KiB") ? number : number / 1024;
	}
	if (file)
		fclose(file);
	return value;
}

TEST_F(madvise, errors)
{
	struct drm_enpu_bo_madvise args = { .handle = self->bo };
	struct ctx *ctx = &self->ctx;

	EXPECT_EQ(-ENOENT, dontneed(ctx->fd, 9999));
	EXPECT_EQ(-EINVAL, advise(ctx->fd, self->bo, 2));
	EXPECT_EQ(-EINVAL, advise(ctx->fd, self->bo, UINT32_MAX));
	args.pad = 1;
	EXPECT_EQ(-EINVAL, enpu_ioctl(ctx->fd, DRM_IOCTL_ENPU_BO_MADVISE, &args));
}

/* Others can't be told: what was shared once stays. */
TEST_F(madvise, shared)
{
	struct drm_prime_handle prime = {};
	struct ctx *ctx = &self->ctx;
	int other;

	EXPECT_EQ(1, dontneed(ctx->fd, self->bo));
	EXPECT_EQ(-EBUSY, export(ctx->fd, self->bo));
	EXPECT_EQ(1, willneed(ctx->fd, self->bo));

	prime.fd = export(ctx->fd, self->bo);
	ASSERT_GE(prime.fd, 0);
	EXPECT_EQ(-EBUSY, dontneed(ctx->fd, self->bo));
	EXPECT_EQ(-EBUSY, willneed(ctx->fd, self->bo));
	other = enpu_open();
	ASSERT_GE(other, 0);
	ASSERT_EQ(0, enpu_ioctl(other, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime));
	EXPECT_EQ(-EBUSY, dontneed(other, prime.handle));
	close(prime.fd);
	close(other);
	EXPECT_EQ(-EBUSY, dontneed(ctx->fd, self->bo));
	drop_slabs();
	EXPECT_EQ(0x5a, self->mem[SIZE - 1]);
}

/* A change of mind before memory is short */
TEST_F(madvise, retained)
{
	struct ctx *ctx = &self->ctx;

	EXPECT_EQ(1, willneed(ctx->fd, self->bo));
	EXPECT_EQ(1, dontneed(ctx->fd, self->bo));
	EXPECT_EQ(1, dontneed(ctx->fd, self->bo));
	EXPECT_EQ(1, willneed(ctx->fd, self->bo));
	drop_slabs();
	EXPECT_EQ(1, willneed(ctx->fd, self->bo));
	EXPECT_EQ(0x5a, self->mem[0]);
	EXPECT_EQ(0x5a, self->mem[SIZE - 1]);
	EXPECT_EQ(0, device_read(ctx, ctx->queue, VA + SIZE - 16));
	EXPECT_EQ(0x5a, ctx->mem[CTX_DST]);
}

/* Though it is mapped for CPU and device, the memory comes back; and it is gone for good. */
TEST_F(madvise, purged)
{
	struct ctx *ctx = &self->ctx;
	uint8_t *half = self->mem + SIZE / 2;
	long before;

	write_file("/proc/sys/vm/drop_caches", "3");
	before = mem_available();
	EXPECT_EQ(1, dontneed(ctx->fd, self->bo));
	ASSERT_TRUE(purge(ctx->fd, self->bo));
	/* most of it: other memory comes and goes */
	EXPECT_TRUE(mem_is_back(before + SIZE / 1024, SIZE / 1024 / 4));

	EXPECT_EQ(0, willneed(ctx->fd, self->bo));
	EXPECT_EQ(0, dontneed(ctx->fd, self->bo));
	EXPECT_TRUE(is_sigbus(self->mem));
	EXPECT_TRUE(is_sigbus(self->mem + SIZE - 1));
	EXPECT_EQ(NULL, bo_map(ctx->fd, self->bo, SIZE));
	EXPECT_EQ(ESTALE, errno);
	EXPECT_EQ(-ESTALE, export(ctx->fd, self->bo));
	EXPECT_EQ(-ESTALE, vm_map(ctx->fd, ctx->vm, self->bo, 0, VA + SIZE, SIZE, 0));

	/* what is there of its mappings can be replaced, taken away in parts, and outlives it */
	EXPECT_EQ(0, vm_map(ctx->fd, ctx->vm, ctx->bo, 0, VA + KIB(64), CTX_SIZE, 0));
	EXPECT_EQ(0, device_read(ctx, ctx->queue, VA + KIB(64)));
	EXPECT_EQ(0, vm_unmap(ctx->fd, ctx->vm, VA + MIB(5), MIB(3)));
	EXPECT_EQ(0, munmap(half, SIZE / 2));
	EXPECT_EQ(0, bo_close(ctx->fd, self->bo));
	EXPECT_TRUE(is_sigbus(half - 1));
	ctx->regions[REGION_SRC].va = CTX_VA + CTX_SRC;
	EXPECT_EQ(0, ctx_check_copy(ctx, 3));
}

/* Whoever uses it on the device gets a fault that says so, in every address space. */
TEST_F(madvise, device_faults)
{
	const uint64_t vas[] = { VA, GIB(8), GIB(8) + SIZE };
	struct ctx *ctx = &self->ctx;
	uint32_t vm, queues[3];
	unsigned int i;

	ASSERT_EQ(0, vm_create(ctx->fd, &vm));
	ASSERT_EQ(0, vm_map(ctx->fd, vm, ctx->bo, 0, CTX_VA, CTX_SIZE, 0));
	for (i = 1; i < 3; i++)
		ASSERT_EQ(0, vm_map(ctx->fd, vm, self->bo, 0, vas[i], SIZE,
				    DRM_ENPU_VM_BIND_READ_ONLY));
	/* so that the device has them all in its TLB */
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, queue_create(ctx->fd, i ? vm : ctx->vm, 0, &queues[i]));
		ASSERT_EQ(0, device_read(ctx, queues[i], vas[i] + KIB(20)));
		ASSERT_EQ(0x5a, ctx->mem[CTX_DST]);
	}

	ASSERT_EQ(1, dontneed(ctx->fd, self->bo));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, device_read(ctx, queues[i], vas[i] + KIB(20)));
	ASSERT_TRUE(purge(ctx->fd, self->bo));
	for (i = 0; i < 3; i++) {
		struct drm_enpu_queue_query query;

		EXPECT_EQ(-EFAULT, device_read(ctx, queues[i], vas[i] + KIB(20)));
		ASSERT_EQ(0, queue_query(ctx->fd, queues[i], &query));
		EXPECT_EQ(ENPU_FAULT_UNMAPPED, query.fault_cause);
		EXPECT_EQ(vas[i] + KIB(20), query.fault_addr);
	}
	ctx->regions[REGION_SRC].va = CTX_VA + CTX_SRC;
	EXPECT_EQ(0, ctx_check_copy(ctx, 5));
}

/* No fence is waited for: the job that runs faults, another one doesn't. */
TEST_F(madvise, in_use)
{
	struct ctx other, *ctx = &self->ctx;
	unsigned int i;

	ASSERT_EQ(0, ctx_init(&other, 0));
	ctx->regions[REGION_DST] = (struct enpu_region){ VA, CTX_AREA };
	for (i = 0; i < 200; i++)
		stream_busy(&ctx->stream, REGION_DST);
	ASSERT_EQ(0, ctx_submit(ctx));
	sleep_ms(20);
	ASSERT_EQ(1, dontneed(ctx->fd, self->bo));
	ASSERT_TRUE(purge(ctx->fd, self->bo));
	EXPECT_EQ(-EFAULT, ctx_wait(ctx));
	EXPECT_EQ(0, ctx_check_copy(&other, 7));
	ctx_fini(&other);
}

/* Without pages there is nothing to give back, until it gets some. */
TEST_F(madvise, no_pages_yet)
{
	struct ctx *ctx = &self->ctx;
	uint32_t bo;
	uint8_t *mem;

	ASSERT_EQ(0, bo_create(ctx->fd, KIB(64), DRM_ENPU_BO_WRITE_COMBINE, &bo));
	EXPECT_EQ(1, dontneed(ctx->fd, bo));
	drop_slabs();
	EXPECT_EQ(1, dontneed(ctx->fd, bo));
	mem = bo_map(ctx->fd, bo, KIB(64));
	ASSERT_NE(NULL, mem);
	mem[KIB(64) - 1] = 1;
	EXPECT_TRUE(purge(ctx->fd, bo));
	EXPECT_TRUE(is_sigbus(mem));
	munmap(mem, KIB(64));
}

TEST_F(madvise, fdinfo)
{
	struct ctx *ctx = &self->ctx;
	long total = fdinfo(ctx->fd, "drm-resident-memory");

	EXPECT_GE(total, (long)(SIZE / 1024));
	EXPECT_EQ(0, fdinfo(ctx->fd, "drm-purgeable-memory"));
	ASSERT_EQ(1, dontneed(ctx->fd, self->bo));
	EXPECT_EQ(SIZE / 1024, fdinfo(ctx->fd, "drm-purgeable-memory"));
	EXPECT_EQ(total, fdinfo(ctx->fd, "drm-resident-memory"));
	ASSERT_TRUE(purge(ctx->fd, self->bo));
	EXPECT_EQ(0, fdinfo(ctx->fd, "drm-purgeable-memory"));
	EXPECT_EQ(total - (long)(SIZE / 1024), fdinfo(ctx->fd, "drm-resident-memory"));
}

/* Not on request but in need: with it, there is memory enough for another process. */
TEST_F_TIMEOUT(madvise, pressure, 300)
{
	const uint64_t size = MIB(128);
	struct ctx *ctx = &self->ctx;
	size_t i, hunger;
	uint32_t bo;
	int status;
	pid_t pid;

	if (mem_available() > (long)MIB(1))
		SKIP(return, "too much memory to fill");
	ASSERT_EQ(0, bo_create(ctx->fd, size, 0, &bo));
	ASSERT_EQ(0, vm_map(ctx->fd, ctx->vm, bo, 0, GIB(8), size, 0));
	ASSERT_EQ(1, dontneed(ctx->fd, bo));
	hunger = mem_available() * 1024 + size / 4;

	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		uint8_t *food = mmap(NULL, hunger, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (food == MAP_FAILED || write_file("/proc/self/oom_score_adj", "1000"))
			_exit(1);
		for (i = 0; i < hunger; i += 4096)
			food[i] = 1;
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, willneed(ctx->fd, bo));
	EXPECT_EQ(0x5a, self->mem[SIZE - 1]);
}

struct race {
	int fd;
	uint32_t vm;
	volatile bool stop;
	int error;
};

static void *race_purge(void *data)
{
	struct race *race = data;

	while (!race->stop)
		drop_slabs();
	return NULL;
}

/* Lives of BOs in an address space that is purged all the time: what is needed stays. */
static void *race_bind(void *data)
{
	struct race *race = data;
	uint32_t bo;
	int ret = 0;

	while (!race->stop && !ret) {
		uint8_t *mem = NULL;

		ret = bo_create(race->fd, MIB(1), 0, &bo);
		if (!ret)
			ret = vm_map(race->fd, race->vm, bo, 0, GIB(16), MIB(1), 0);
		if (!ret)
			mem = bo_map(race->fd, bo, MIB(1));
		if (mem) {
			memset(mem, 0x77, MIB(1));
			if (dontneed(race->fd, bo) == 1 && willneed(race->fd, bo) == 1 &&
			    (mem[0] != 0x77 || mem[MIB(1) - 1] != 0x77))
				ret = -EBADMSG;
			dontneed(race->fd, bo);
			munmap(mem, MIB(1));
		}
		if (!ret && rand() & 1)
			ret = vm_unmap(race->fd, race->vm, GIB(16) + KIB(64), KIB(256));
		bo_close(race->fd, bo);
	}
	race->error = ret;
	return NULL;
}

TEST_F(madvise, race)
{
	struct ctx *ctx = &self->ctx;
	struct race race = { .fd = ctx->fd, .vm = ctx->vm };
	pthread_t purger, binder;
	int64_t end = now_ns() + 2 * SECOND;
	unsigned int i;

	ASSERT_EQ(0, pthread_create(&purger, NULL, race_purge, &race));
	ASSERT_EQ(0, pthread_create(&binder, NULL, race_bind, &race));
	for (i = 0; now_ns() < end; i++)
		if (ctx_check_copy(ctx, i))
			break;
	EXPECT_GE(now_ns(), end);
	race.stop = true;
	pthread_join(purger, NULL);
	pthread_join(binder, NULL);
	EXPECT_EQ(0, race.error);
	EXPECT_EQ(0x5a, self->mem[SIZE / 2]);
}

TEST_HARNESS_MAIN
