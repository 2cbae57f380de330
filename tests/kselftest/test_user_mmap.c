// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mappings of USER queues: what is refused, and what becomes of them when queue,
 * file, process or device goes. Whatever happens, the status page can be read, and
 * stores to the doorbell have no effect.
 */
#include "enpu_test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#define TIMEOUT_MS	500

static size_t page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

FIXTURE(user_mmap)
{
	struct ctx ctx;
	struct user user;
};

FIXTURE_SETUP(user_mmap)
{
	int fd = enpu_open_wait();

	ASSERT_GE(fd, 0);
	close(fd);
	ASSERT_EQ(0, ctx_init(&self->ctx, 0));
	ASSERT_EQ(0, user_create(&self->user, self->ctx.fd, self->ctx.vm, TIMEOUT_MS, 0));
}

FIXTURE_TEARDOWN(user_mmap)
{
	user_unmap(&self->user);
	ctx_fini(&self->ctx);
}

/* All that a process can do with what it has mapped, the queue being no more */
static void use_in_vain(struct __test_metadata *_metadata, struct user *user)
{
	uint64_t completed = user_completed(user);
	unsigned int i;

	EXPECT_EQ(ENPU_QUEUE_HALTED, user_state(user));
	for (i = 0; i < 100; i++) {
		struct enpu_job job = { .flags = ENPU_JOB_IRQ };

		user_put(user, &job);
		user_ring_doorbell(user, user->producer);
	}
	user_ring_doorbell(user, 0xdeadbeef);
	sleep_ms(10);
	EXPECT_EQ(completed, user_completed(user));
}

TEST_F(user_mmap, refused)
{
	struct user *user = &self->user;
	const struct drm_enpu_queue_create *at = &user->args;
	const size_t page = page_size();
	int fd = user->fd, other;
	const struct {
		const char *what;
		int error;
		uint64_t offset;
		size_t size;
		int prot, flags;
	} refused[] = {
		{ "private ring", EINVAL, at->ring_offset, page, PROT_READ, MAP_PRIVATE },
		{ "private status", EINVAL, at->status_offset, page, PROT_READ, MAP_PRIVATE },
		{ "private doorbell", EINVAL, at->doorbell_offset, page, PROT_WRITE, MAP_PRIVATE },
		{ "status to write", EACCES, at->status_offset, page, PROT_READ | PROT_WRITE,
		  MAP_SHARED },
		{ "doorbell to read", EACCES, at->doorbell_offset, page, PROT_READ | PROT_WRITE,
		  MAP_SHARED },
		{ "ring and status", EINVAL, at->ring_offset, 2 * page, PROT_READ, MAP_SHARED },
		{ "status and doorbell", EINVAL, at->status_offset, 2 * page, PROT_READ,
		  MAP_SHARED },
		{ "doorbell and more", EINVAL, at->doorbell_offset, 2 * page, PROT_WRITE,
		  MAP_SHARED },
		{ "what is behind", EINVAL, at->doorbell_offset + page, page, PROT_READ,
		  MAP_SHARED },
		{ "what is before", EINVAL, at->ring_offset - page, page, PROT_READ, MAP_SHARED },
		{ "BOs that are not there", EINVAL, 1ull << 40, page, PROT_READ, MAP_SHARED },
	};
	struct user large;
	unsigned int i;

	for (i = 0; i < COUNT(refused); i++) {
		errno = 0;
		EXPECT_EQ(MAP_FAILED, mmap(NULL, refused[i].size, refused[i].prot,
					   refused[i].flags, fd, refused[i].offset));
		EXPECT_EQ(refused[i].error, errno) TH_LOG("%s", refused[i].what);
	}

	/* a part of a ring */
	ASSERT_EQ(0, user_create(&large, fd, self->ctx.vm, 0, enpu_info(fd).max_ring_order));
	EXPECT_EQ(4096, large.entries);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, page, PROT_READ, MAP_SHARED, fd, large.args.ring_offset));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, page, PROT_READ, MAP_SHARED, fd,
				   large.args.ring_offset + page));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0, user_check_fill(&large, &self->ctx, 1));
	user_unmap(&large);

	/* a file that it does not belong to */
	other = enpu_open();
	ASSERT_GE(other, 0);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, page, PROT_READ, MAP_SHARED, other, at->status_offset));
	EXPECT_EQ(EACCES, errno);
	close(other);
}

/* What mmap() has refused, other calls don't give either. */
TEST_F(user_mmap, stays_as_it_is)
{
	struct user *user = &self->user;
	const size_t page = page_size();
	int memory;

	EXPECT_EQ(-1, mprotect(user->status, page, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(-1, mprotect(user->doorbell, page, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(MAP_FAILED, mremap(user->status, page, 2 * page, MREMAP_MAYMOVE));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(MAP_FAILED, mremap(user->doorbell, page, 2 * page, MREMAP_MAYMOVE));
	EXPECT_EQ(EFAULT, errno);

	/* not by force either */
	memory = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	ASSERT_GE(memory, 0);
	EXPECT_EQ(-1, pwrite(memory, "x", 1, (uintptr_t)user->status));
	EXPECT_EQ(-1, pwrite(memory, "abcd", 4, (uintptr_t)user->doorbell));
	close(memory);

	/* thrown away, it is there again */
	EXPECT_EQ(0, user_check_fill(user, &self->ctx, 1));
	EXPECT_EQ(0, madvise(user->status, page, MADV_DONTNEED));
	EXPECT_EQ(0, madvise(user->ring, page, MADV_DONTNEED));
	EXPECT_EQ(1, user_completed(user));
	EXPECT_EQ(ENPU_JOB_IRQ, user->ring[0].flags);
	EXPECT_EQ(0, user_check_fill(user, &self->ctx, 2));
}

/* Moved elsewhere, it works from there. */
TEST_F(user_mmap, moved)
{
	struct user *user = &self->user;
	const size_t page = page_size();
	uint8_t *room = mmap(NULL, 3 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, room);
	EXPECT_EQ(0, user_check_fill(user, &self->ctx, 1));
	user->ring = mremap(user->ring, page, page, MREMAP_MAYMOVE | MREMAP_FIXED, room);
	user->status = mremap(user->status, page, page, MREMAP_MAYMOVE | MREMAP_FIXED,
			      room + page);
	user->doorbell = mremap(user->doorbell, page, page, MREMAP_MAYMOVE | MREMAP_FIXED,
				room + 2 * page);
	ASSERT_EQ(room, (uint8_t *)user->ring);
	ASSERT_EQ(room + page, (uint8_t *)user->status);
	ASSERT_EQ(room + 2 * page, (uint8_t *)user->doorbell);
	EXPECT_EQ(0, user_check_fill(user, &self->ctx, 2));
}

#define EXIT_BY_SIGNAL	128

/* The kernel's log is for what is not expected. */
static void exit_by_signal(int number)
{
	_exit(EXIT_BY_SIGNAL + number);
}

#ifdef __x86_64__
/* mmap() as 32-bit programs call it */
static void *mmap_of_32_bits(size_t size, int prot, int fd, uint64_t offset)
{
	int address;

	__asm__ volatile("leaq -128(%%rsp), %%rsp; pushq %%rbp; movl %[page], %%ebp; int $0x80;"
			 "popq %%rbp; leaq 128(%%rsp), %%rsp"
			 : "=a"(address)
			 : "a"(192), "b"(0), "c"(size), "d"(prot), "S"(MAP_SHARED), "D"(fd),
			   [page] "r"((uint32_t)(offset / 4096))
			 : "memory", "r8", "r9", "r10", "r11");
	return (void *)(uintptr_t)(uint32_t)address;
}

TEST_F(user_mmap, program_of_32_bits)
{
	struct user *user = &self->user;
	int status;
	pid_t pid;

	EXPECT_EQ(0, user_check_fill(user, &self->ctx, 1));
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		const struct enpu_queue_status *page;

		/* what a kernel without them does */
		signal(SIGSEGV, exit_by_signal);
		page = mmap_of_32_bits(4096, PROT_READ, user->fd, user->args.status_offset);
		_exit((uintptr_t)page > -4096u ? -(int)(uintptr_t)page : page->completed != 1);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFEXITED(status));
	if (WEXITSTATUS(status) == EXIT_BY_SIGNAL + SIGSEGV)
		SKIP(return, "no system calls of 32-bit programs");
	EXPECT_EQ(0, WEXITSTATUS(status));
}
#endif

/* A child does not have them, and the parent's are as they were. */
TEST_F(user_mmap, fork)
{
	void *const pages[] = { self->user.ring, self->user.status, self->user.doorbell };
	unsigned int i;

	EXPECT_EQ(0, user_check_fill(&self->user, &self->ctx, 1));
	for (i = 0; i < COUNT(pages); i++) {
		int status;
		pid_t pid = fork();

		ASSERT_GE(pid, 0);
		if (!pid) {
			signal(SIGSEGV, exit_by_signal);
			*(volatile uint32_t *)pages[i];
			_exit(0);
		}
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_TRUE(WIFEXITED(status));
		EXPECT_EQ(EXIT_BY_SIGNAL + SIGSEGV, WEXITSTATUS(status));
	}
	EXPECT_EQ(0, user_check_fill(&self->user, &self->ctx, 2));
}

/* Without the file descriptor it goes on; the queue goes with the last mapping. */
TEST_F(user_mmap, close_file)
{
	static const unsigned int orders[][3] = {
		{ 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 },
	};
	struct enpu_job job = { .flags = ENPU_JOB_IRQ };
	const size_t page = page_size();
	unsigned int i, k;

	for (i = 0; i < COUNT(orders); i++) {
		int64_t end = now_ns() + LONG;
		void *pages[3];
		struct user user;
		uint32_t vm;
		int fd = enpu_open();

		ASSERT_GE(fd, 0);
		ASSERT_EQ(0, vm_create(fd, &vm));
		ASSERT_EQ(0, user_create(&user, fd, vm, 0, 0));
		close(fd);
		user_put(&user, &job);
		user_ring_doorbell(&user, user.producer);
		while (!user_completed(&user) && now_ns() < end)
			usleep(100);
		EXPECT_EQ(1, user_completed(&user));
		pages[0] = user.ring;
		pages[1] = user.status;
		pages[2] = user.doorbell;
		/* one of them is still busy */
		user_put(&user, &job);
		user_ring_doorbell(&user, user.producer);
		for (k = 0; k < 3; k++)
			EXPECT_EQ(0, munmap(pages[orders[i][k]], page));
	}
}

TEST_F(user_mmap, destroy)
{
	struct user *user = &self->user, next;
	const size_t page = page_size();

	EXPECT_EQ(0, user_check_fill(user, &self->ctx, 1));
	ASSERT_EQ(0, queue_destroy(user->fd, user->id));
	use_in_vain(_metadata, user);
	EXPECT_EQ(1, user_completed(user));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, page, PROT_READ, MAP_SHARED, user->fd,
				   user->args.status_offset));
	EXPECT_EQ(EACCES, errno);

	/* who gets the hardware queue next is not concerned */
	ASSERT_EQ(0, user_create(&next, user->fd, self->ctx.vm, TIMEOUT_MS, 0));
	EXPECT_NE(next.args.doorbell_offset, user->args.doorbell_offset);
	use_in_vain(_metadata, user);
	EXPECT_EQ(0, user_check_fill(&next, &self->ctx, 2));
	EXPECT_EQ(1, user_completed(&next));
	user_unmap(&next);
}

TEST_F(user_mmap, destroy_busy)
{
	struct enpu_job job;

	stream_nop(&self->ctx.stream);
	job = ctx_job(&self->ctx, ENPU_JOB_IRQ);
	ASSERT_EQ(0, control("hang 1"));
	user_put(&self->user, &job);
	user_ring_doorbell(&self->user, self->user.producer);
	sleep_ms(20);
	ASSERT_EQ(0, queue_destroy(self->user.fd, self->user.id));
	use_in_vain(_metadata, &self->user);
	EXPECT_EQ(0, user_completed(&self->user));
	EXPECT_EQ(0, ctx_check_copy(&self->ctx, 1));
}

/* The device fails at a job, and is reset. */
TEST_F(user_mmap, reset)
{
	struct user *user = &self->user, next;
	struct drm_enpu_queue_query query;
	uint32_t resets = enpu_info(user->fd).reset_count;
	int64_t end = now_ns() + LONG;
	struct enpu_job job;

	EXPECT_EQ(0, user_check_fill(user, &self->ctx, 1));
	job = ctx_job(&self->ctx, ENPU_JOB_IRQ);
	ASSERT_EQ(0, control("fatal 1"));
	EXPECT_EQ(-EIO, user_run(user, &job));
	while (enpu_info(user->fd).reset_count == resets && now_ns() < end)
		sleep_ms(1);
	EXPECT_EQ(resets + 1, enpu_info(user->fd).reset_count);
	ASSERT_EQ(0, queue_query(user->fd, user->id, &query));
	EXPECT_EQ(DRM_ENPU_QUEUE_LOST, query.state);
	EXPECT_EQ(EIO, query.error);
	EXPECT_EQ(1, query.completed);
	use_in_vain(_metadata, user);
	ASSERT_EQ(0, user_create(&next, user->fd, self->ctx.vm, TIMEOUT_MS, 0));
	use_in_vain(_metadata, user);
	EXPECT_EQ(0, user_check_fill(&next, &self->ctx, 2));
	user_unmap(&next);
}

#define FUNCTION_RESETS		5

struct resets {
	char path[PATH_MAX + 8];
	bool over;
	int ret;
};

static void *reset_function(void *arg)
{
	struct resets *resets = arg;
	unsigned int i;

	for (i = 0; i < FUNCTION_RESETS && !resets->ret; i++) {
		resets->ret = write_file(resets->path, "1");
		sleep_ms(50);
	}
	__atomic_store_n(&resets->over, true, __ATOMIC_RELEASE);
	return NULL;
}

/*
 * While the function is reset, again and again: a job runs or its queue is lost, but no
 * store to a doorbell is, be the queue made before or meanwhile.
 */
TEST_F_TIMEOUT(user_mmap, function_reset, 120)
{
	unsigned int done = 0, lost = 0;
	struct ctx *ctx = &self->ctx;
	struct resets resets = {};
	pthread_t thread;

	ASSERT_EQ(0, pci_path(resets.path, PATH_MAX));
	strcat(resets.path, "/reset");
	ASSERT_EQ(0, pthread_create(&thread, NULL, reset_function, &resets));
	while (!__atomic_load_n(&resets.over, __ATOMIC_ACQUIRE)) {
		struct user user;
		unsigned int i;
		int ret = 0;

		ASSERT_EQ(0, user_create(&user, ctx->fd, ctx->vm, 0, 0));
		for (i = 0; i < 10 && !ret; i++, done++)
			ret = user_check_fill(&user, ctx, i);
		ASSERT_TRUE(!ret || ret == -EIO) TH_LOG("%d", ret);
		lost += ret == -EIO;
		ASSERT_EQ(0, queue_destroy(user.fd, user.id));
		user_unmap(&user);
	}
	pthread_join(thread, NULL);
	EXPECT_EQ(0, resets.ret);
	ksft_print_msg("%u jobs, %u queues lost\n", done, lost);
	EXPECT_GT(lost, 0);
}

static void *wait_long(void *arg)
{
	struct user *user = arg;

	return (void *)(intptr_t)queue_wait(user->fd, user->id, UINT64_MAX, now_ns() + LONG);
}

/* Rings all the time, whatever becomes of the device */
static void *ring_for_ever(void *arg)
{
	struct user *user = arg;
	struct enpu_job job = { .flags = ENPU_JOB_IRQ };

	for (;;) {
		user_put(user, &job);
		user_ring_doorbell(user, user->producer);
		while (user_state(user) != ENPU_QUEUE_HALTED &&
		       user_completed(user) != user->producer)
			usleep(10);
		pthread_testcancel();
	}
	return NULL;
}

static void go_and_come(struct __test_metadata *_metadata, struct user *user, const char *go,
			const char *come)
{
	pthread_t waiter, ringer;
	int64_t begin;
	void *ret;

	ASSERT_EQ(0, pthread_create(&waiter, NULL, wait_long, user));
	ASSERT_EQ(0, pthread_create(&ringer, NULL, ring_for_ever, user));
	/* in the midst of it */
	EXPECT_EQ(0, queue_wait(user->fd, user->id, 100, now_ns() + LONG));
	begin = now_ns();
	ASSERT_EQ(0, run(go));
	pthread_join(waiter, &ret);
	EXPECT_EQ(-ENODEV, (intptr_t)ret);
	EXPECT_LT(now_ns() - begin, LONG / 2);
	sleep_ms(50);
	pthread_cancel(ringer);
	pthread_join(ringer, NULL);

	EXPECT_EQ(-ENODEV, queue_wait(user->fd, user->id, 0, 0));
	use_in_vain(_metadata, user);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, page_size(), PROT_READ, MAP_SHARED, user->fd,
				   user->args.status_offset));
	EXPECT_EQ(ENODEV, errno);
	ASSERT_EQ(0, run(come));
	use_in_vain(_metadata, user);
}

TEST_F(user_mmap, unbind)
{
	char pci[PATH_MAX], go[PATH_MAX], come[PATH_MAX];

	ASSERT_EQ(0, pci_path(pci, sizeof(pci)));
	snprintf(go, sizeof(go), "echo %s >/sys/bus/pci/drivers/enpu/unbind",
		 strrchr(pci, '/') + 1);
	snprintf(come, sizeof(come), "echo %s >/sys/bus/pci/drivers/enpu/bind",
		 strrchr(pci, '/') + 1);
	go_and_come(_metadata, &self->user, go, come);
}

TEST_F(user_mmap, remove)
{
	char pci[PATH_MAX], go[PATH_MAX + 16];

	ASSERT_EQ(0, pci_path(pci, sizeof(pci)));
	snprintf(go, sizeof(go), "echo 1 >%s/remove", pci);
	go_and_come(_metadata, &self->user, go, "echo 1 >/sys/bus/pci/rescan");
}

TEST_HARNESS_MAIN
