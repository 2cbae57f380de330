// SPDX-License-Identifier: MIT
/*
 * Guest instructions per empty job, through the driver's own interface:
 *
 *	empty-job [/dev/accel/accelN [jobs]]
 *
 * A job without work goes through a KERNEL queue with a timeline syncobj out,
 * and the caller sleeps until it is signalled: what remains is the path itself,
 * and its length is the same on every machine. Prints, in instructions, lines
 * of PART MIN MEDIAN MAX:
 *
 *	submit		the SUBMIT ioctl, from user space to user space
 *	dispatch	the caller goes to sleep, a worker rings the doorbell
 *	complete	from the interrupt until the caller runs in user space
 *	total		all of it
 *
 * To be run as described in insn-clock.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xf86drm.h>

#include "drm/enpu_accel.h"
#include "insn-clock.h"

#define WARM_UP		64

enum part { SUBMIT, DISPATCH, COMPLETE, TOTAL, NUM_PARTS };

static const char *const part_names[NUM_PARTS] = { "submit", "dispatch", "complete", "total" };

struct empty_queue {
	int fd;
	uint32_t id;
	uint32_t syncobj;
	uint64_t point;
};

static void die(const char *what)
{
	fprintf(stderr, "empty-job: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void open_queue(struct empty_queue *queue, const char *node)
{
	struct drm_enpu_vm_create vm = { 0 };
	struct drm_enpu_queue_create create = {
		.mode = DRM_ENPU_QUEUE_KERNEL,
		.priority = DRM_ENPU_PRIORITY_NORMAL,
		.label = "empty-job",
	};

	queue->fd = open(node, O_RDWR | O_CLOEXEC);
	if (queue->fd < 0)
		die(node);
	if (drmIoctl(queue->fd, DRM_IOCTL_ENPU_VM_CREATE, &vm))
		die("VM_CREATE");
	create.vm_id = vm.id;
	if (drmIoctl(queue->fd, DRM_IOCTL_ENPU_QUEUE_CREATE, &create))
		die("QUEUE_CREATE");
	queue->id = create.id;
	if (drmSyncobjCreate(queue->fd, 0, &queue->syncobj))
		die("cannot create a syncobj");
	queue->point = 0;
}

static void run_job(struct empty_queue *queue, uint64_t counts[NUM_PARTS])
{
	struct drm_enpu_command command = { 0 };
	struct drm_enpu_sync sync = {
		.handle = queue->syncobj,
		.flags = DRM_ENPU_SYNC_SIGNAL,
		.point = ++queue->point,
	};
	struct drm_enpu_submit submit = {
		.queue_id = queue->id,
		.commands = { sizeof(command), 1, (uintptr_t)&command },
		.syncs = { sizeof(sync), 1, (uintptr_t)&sync },
	};
	struct insn_idle idle_before, idle_after;
	uint64_t start, submitted, woken;

	idle_before = insn_idle_now();
	start = insn_now();
	if (drmIoctl(queue->fd, DRM_IOCTL_ENPU_SUBMIT, &submit))
		die("SUBMIT");
	submitted = insn_now();
	if (drmSyncobjTimelineWait(queue->fd, &queue->syncobj, &queue->point, 1, INT64_MAX, 0, NULL))
		die("cannot wait for the syncobj");
	woken = insn_now();
	idle_after = insn_idle_now();

	counts[TOTAL] = woken - start - (idle_after.total - idle_before.total);
	counts[SUBMIT] = submitted - start;
	/* A caller that never slept saw no interrupt of its own. */
	counts[COMPLETE] = idle_after.last > submitted ? woken - idle_after.last : 0;
	counts[DISPATCH] = counts[TOTAL] - counts[SUBMIT] - counts[COMPLETE];
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	const char *node = argc > 1 ? argv[1] : "/dev/accel/accel0";
	size_t i, p, jobs = argc > 2 ? strtoul(argv[2], NULL, 0) : 1000;
	uint64_t *counts[NUM_PARTS], one[NUM_PARTS];
	struct empty_queue queue;

	if (!jobs || argc > 3) {
		fprintf(stderr, "usage: empty-job [NODE [JOBS]]\n");
		return 2;
	}
	if (insn_clock_start())
		return 1;
	for (p = 0; p < NUM_PARTS; p++) {
		counts[p] = calloc(jobs, sizeof(*counts[p]));
		if (!counts[p])
			die("no memory for the counts");
	}

	open_queue(&queue, node);
	for (i = 0; i < WARM_UP; i++)
		run_job(&queue, one);
	for (i = 0; i < jobs; i++) {
		run_job(&queue, one);
		for (p = 0; p < NUM_PARTS; p++)
			counts[p][i] = one[p];
	}

	for (p = 0; p < NUM_PARTS; p++) {
		qsort(counts[p], jobs, sizeof(*counts[p]), by_value);
		printf("%-8s %8llu %8llu %8llu\n", part_names[p],
		       (unsigned long long)counts[p][0],
		       (unsigned long long)counts[p][jobs / 2],
		       (unsigned long long)counts[p][jobs - 1]);
		free(counts[p]);
	}
	drmClose(queue.fd);
	return 0;
}
