// SPDX-License-Identifier: MIT
/*
 * Guest instructions from submission to doorbell of a USER queue:
 *
 *	user-job [/dev/accel/accelN [jobs]]
 *
 * Prints a line "user MIN MEDIAN MAX": a job is put into the ring, and the doorbell
 * is rung. Any system call in between would be the end of this program: the kernel is
 * told to dispatch them to us (PR_SET_SYSCALL_USER_DISPATCH), and nobody takes the
 * signal. That this works is tried first. To be run as described in insn-clock.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <xf86drm.h>

#include "drm/enpu_accel.h"
#include "enpu/regs.h"
#include "insn-clock.h"

#define WARM_UP		64
#define SECOND		1000000000ll

struct queue {
	int fd;
	uint32_t id;
	uint32_t mask;
	uint32_t producer;
	struct enpu_job *ring;
	volatile uint32_t *doorbell;
};

static volatile char selector = SYSCALL_DISPATCH_FILTER_ALLOW;

static void die(const char *what)
{
	fprintf(stderr, "user-job: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* From here on, system calls while selector says so are SIGSYS */
static void watch_syscalls(void)
{
	int status;
	pid_t pid;

	pid = fork();
	if (pid < 0)
		die("fork");
	if (prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, 0, &selector))
		die("PR_SET_SYSCALL_USER_DISPATCH");
	if (!pid) {
		selector = SYSCALL_DISPATCH_FILTER_BLOCK;
		getppid();
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS) {
		fprintf(stderr, "user-job: a system call was not noticed\n");
		exit(1);
	}
}

static void *map(int fd, size_t size, int prot, uint64_t offset)
{
	void *address = mmap(NULL, size, prot, MAP_SHARED, fd, (off_t)offset);

	if (address == MAP_FAILED)
		die("mmap");
	return address;
}

static void open_queue(struct queue *queue, const char *node)
{
	struct drm_enpu_vm_create vm = { 0 };
	struct drm_enpu_queue_create create = {
		.mode = DRM_ENPU_QUEUE_USER,
		.priority = DRM_ENPU_PRIORITY_NORMAL,
		.label = "user-job",
	};
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	queue->fd = open(node, O_RDWR | O_CLOEXEC);
	if (queue->fd < 0)
		die(node);
	if (drmIoctl(queue->fd, DRM_IOCTL_ENPU_VM_CREATE, &vm))
		die("VM_CREATE");
	create.vm_id = vm.id;
	if (drmIoctl(queue->fd, DRM_IOCTL_ENPU_QUEUE_CREATE, &create))
		die("QUEUE_CREATE");
	queue->id = create.id;
	queue->mask = create.ring_entries - 1;
	queue->producer = 0;
	queue->ring = map(queue->fd, create.ring_entries * sizeof(struct enpu_job),
			  PROT_READ | PROT_WRITE, create.ring_offset);
	queue->doorbell = map(queue->fd, page, PROT_WRITE, create.doorbell_offset);
}

static void submit(struct queue *queue, const struct enpu_job *job)
{
	queue->ring[queue->producer++ & queue->mask] = *job;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	*queue->doorbell = queue->producer;
}

static uint64_t run_job(struct queue *queue)
{
	const struct enpu_job job = { .flags = ENPU_JOB_IRQ };
	struct drm_enpu_queue_wait wait = { .id = queue->id };
	struct timespec now;
	uint64_t start, count;

	selector = SYSCALL_DISPATCH_FILTER_BLOCK;
	start = insn_now();
	submit(queue, &job);
	count = insn_now() - start;
	selector = SYSCALL_DISPATCH_FILTER_ALLOW;

	clock_gettime(CLOCK_MONOTONIC, &now);
	wait.completed = queue->producer;
	wait.timeout_ns = (now.tv_sec + 60) * SECOND;
	if (drmIoctl(queue->fd, DRM_IOCTL_ENPU_QUEUE_WAIT, &wait))
		die("QUEUE_WAIT");
	return count;
}

int main(int argc, char **argv)
{
	const char *node = argc > 1 ? argv[1] : "/dev/accel/accel0";
	size_t i, jobs = argc > 2 ? strtoul(argv[2], NULL, 0) : 1000;
	struct queue queue;
	uint64_t *counts;

	if (!jobs || argc > 3) {
		fprintf(stderr, "usage: user-job [NODE [JOBS]]\n");
		return 2;
	}
	counts = calloc(jobs, sizeof(*counts));
	if (!counts)
		die("no memory for the counts");
	watch_syscalls();
	if (insn_clock_start())
		return 1;
	open_queue(&queue, node);
	for (i = 0; i < WARM_UP; i++)
		run_job(&queue);
	for (i = 0; i < jobs; i++)
		counts[i] = run_job(&queue);
	insn_print("user", counts, jobs);
	free(counts);
	drmClose(queue.fd);
	return 0;
}
