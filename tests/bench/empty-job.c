// SPDX-License-Identifier: MIT
/*
 * Guest instructions per empty job, through the driver's own interface:
 *
 *	empty-job [/dev/accel/accelN [jobs]]
 *
 * A job goes through a KERNEL queue with a timeline syncobj out, and the caller
 * sleeps until it is signalled. What the job does costs the guest nothing, so what
 * is counted is the path itself, the same on every machine. Prints, in
 * instructions, lines of PART MIN MEDIAN MAX:
 *
 *	total		all of it
 *	submit		the SUBMIT ioctl, from user space to user space
 *	dispatch	the caller goes to sleep, and workers do what SUBMIT left to them
 *	complete	from the interrupt until the caller runs in user space
 *	ioctl		of the SUBMIT ioctl what any DRM ioctl takes: one that is refused
 *	signal		from the interrupt until the job's fence signals
 *
 * Two things make it repeat: the job keeps the device busy until all of the guest
 * is idle (one without commands would be over at any moment before), and
 * the caller has a real-time priority, so that workers run when it waits.
 * To be run as described in insn-clock.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sync_file.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <xf86drm.h>

#include "drm/enpu_accel.h"
#include "enpu/cmd.h"
#include "enpu/regs.h"
#include "insn-clock.h"

#define WARM_UP		64
#define TRIES		16	/* jobs run for each one that counts, at most */

/* What keeps the device busy: filling memory FILL_TIMES over */
#define FILL_BYTES	(1u << 20)
#define FILL_TIMES	8

enum part { TOTAL, SUBMIT, DISPATCH, COMPLETE, IOCTL, SIGNAL, NUM_PARTS };

static const char *const part_names[NUM_PARTS] = {
	"total", "submit", "dispatch", "complete", "ioctl", "signal",
};

struct queue {
	int fd;
	uint32_t id;
	uint32_t vm_id;
	uint32_t syncobj;
	uint64_t point;
	uint32_t binary;	/* a syncobj without a timeline */
};

/* One moment by both clocks: that of instructions and the kernel's */
struct moment {
	uint64_t insn;
	uint64_t ns;
};

/* What the device reads of the job, at the start of its buffer */
struct stream {
	struct enpu_cmd_dma fill;
	struct enpu_region region;
};

static void die(const char *what)
{
	fprintf(stderr, "empty-job: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void open_queue(struct queue *queue, const char *node)
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
	queue->vm_id = create.vm_id = vm.id;
	if (drmIoctl(queue->fd, DRM_IOCTL_ENPU_QUEUE_CREATE, &create))
		die("QUEUE_CREATE");
	queue->id = create.id;
	if (drmSyncobjCreate(queue->fd, 0, &queue->syncobj) ||
	    drmSyncobjCreate(queue->fd, 0, &queue->binary))
		die("cannot create a syncobj");
	queue->point = 0;
}

/* The job; its buffer lives as long as the file */
static struct drm_enpu_command make_job(struct queue *queue, uint64_t va)
{
	const uint64_t size = FILL_BYTES + 4096;
	struct drm_enpu_bo_create bo = { .size = size };
	struct drm_enpu_bo_mmap_offset map = { 0 };
	struct drm_enpu_vm_bind_op op = {
		.type = DRM_ENPU_VM_BIND_MAP, .va = va, .size = size,
	};
	struct drm_enpu_vm_bind bind = {
		.vm_id = queue->vm_id, .ops = { sizeof(op), 1, (uintptr_t)&op },
	};
	struct stream *stream;

	if (drmIoctl(queue->fd, DRM_IOCTL_ENPU_BO_CREATE, &bo))
		die("BO_CREATE");
	map.handle = op.bo_handle = bo.handle;
	if (drmIoctl(queue->fd, DRM_IOCTL_ENPU_BO_MMAP_OFFSET, &map) ||
	    drmIoctl(queue->fd, DRM_IOCTL_ENPU_VM_BIND, &bind))
		die("cannot map a buffer");
	stream = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, queue->fd,
		      (off_t)map.offset);
	if (stream == MAP_FAILED)
		die("mmap");
	*stream = (struct stream){
		.fill = {
			.cmd = {
				.opcode = ENPU_OP_DMA_FILL, .engine = ENPU_ENGINE_DMA0,
				.size = sizeof(stream->fill),
			},
			.src.region = ENPU_REGION_NONE,
			.length = FILL_BYTES,
			.count = { 1, 1, 1, FILL_TIMES },
			.fill_size = 4,
		},
		.region = { va + 4096, FILL_BYTES },
	};
	munmap(stream, size);
	return (struct drm_enpu_command){
		.stream_va = va, .stream_size = sizeof(stream->fill),
		.regions_va = va + offsetof(struct stream, region), .num_regions = 1,
	};
}

/*
 * Instructions of one job by part. False: they are not to be counted, because the caller
 * never slept, or a timer interrupted the idle guest while the device was busy.
 */
static bool run_job(struct queue *queue, const struct drm_enpu_command *job,
		    uint64_t counts[NUM_PARTS])
{
	struct drm_enpu_sync sync = {
		.handle = queue->syncobj,
		.flags = DRM_ENPU_SYNC_SIGNAL,
		.point = ++queue->point,
	};
	struct drm_enpu_submit submit = {
		.queue_id = queue->id,
		.commands = { sizeof(*job), 1, (uintptr_t)job },
		.syncs = { sizeof(sync), 1, (uintptr_t)&sync },
	};
	struct drm_enpu_submit refused = { .queue_id = queue->id, .flags = UINT32_MAX };
	struct insn_idle idle_before, idle_after;
	uint64_t start, submitted, woken;

	start = insn_now();
	if (!drmIoctl(queue->fd, DRM_IOCTL_ENPU_SUBMIT, &refused))
		die("SUBMIT takes any flags");
	counts[IOCTL] = insn_now() - start;

	idle_before = insn_idle_now();
	start = insn_now();
	if (drmIoctl(queue->fd, DRM_IOCTL_ENPU_SUBMIT, &submit))
		die("SUBMIT");
	submitted = insn_now();
	if (drmSyncobjTimelineWait(queue->fd, &queue->syncobj, &queue->point, 1, INT64_MAX, 0,
				   NULL))
		die("cannot wait for the syncobj");
	woken = insn_now();
	idle_after = insn_idle_now();

	counts[TOTAL] = woken - start - (idle_after.total - idle_before.total);
	counts[SUBMIT] = submitted - start;
	counts[COMPLETE] = woken - idle_after.last;
	counts[DISPATCH] = counts[TOTAL] - counts[SUBMIT] - counts[COMPLETE];
	return idle_after.breaks - idle_before.breaks == 1 && idle_after.last > submitted;
}

static struct moment moment_now(void)
{
	struct timespec ts;
	struct moment now;

	now.insn = insn_now();
	clock_gettime(CLOCK_MONOTONIC, &ts);
	now.ns = (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
	return now;
}

/* When the kernel says that the fence of a sync file signalled; closes it */
static uint64_t signalled_at(int sync_file)
{
	struct sync_fence_info fence = { 0 };
	struct sync_file_info info = { .num_fences = 1, .sync_fence_info = (uintptr_t)&fence };

	if (ioctl(sync_file, SYNC_IOC_FILE_INFO, &info))
		die("SYNC_IOC_FILE_INFO");
	close(sync_file);
	return fence.timestamp_ns;
}

/*
 * Instructions from the interrupt to the signal: fences have the time at which they
 * signalled, by a clock that goes like ours between two moments. False as above.
 */
static bool run_signal(struct queue *queue, const struct drm_enpu_command *job, uint64_t *count)
{
	struct drm_enpu_sync sync = { .handle = queue->binary, .flags = DRM_ENPU_SYNC_SIGNAL };
	struct drm_enpu_submit submit = {
		.queue_id = queue->id,
		.commands = { sizeof(*job), 1, (uintptr_t)job },
		.syncs = { sizeof(sync), 1, (uintptr_t)&sync },
	};
	struct insn_idle idle_before, idle_after;
	struct moment before, after;
	uint64_t submitted;
	double insn_per_ns;
	int sync_file;

	idle_before = insn_idle_now();
	before = moment_now();
	if (drmIoctl(queue->fd, DRM_IOCTL_ENPU_SUBMIT, &submit))
		die("SUBMIT");
	if (drmSyncobjExportSyncFile(queue->fd, queue->binary, &sync_file))
		die("cannot export a sync file");
	submitted = insn_now();
	if (drmSyncobjWait(queue->fd, &queue->binary, 1, INT64_MAX, 0, NULL))
		die("cannot wait for the syncobj");
	after = moment_now();
	idle_after = insn_idle_now();

	insn_per_ns = (double)(after.insn - before.insn) / (double)(after.ns - before.ns);
	*count = before.insn - idle_after.last +
		 (uint64_t)((double)(signalled_at(sync_file) - before.ns) * insn_per_ns);
	return idle_after.breaks - idle_before.breaks == 1 && idle_after.last > submitted;
}

/* Runs jobs and prints the parts */
static void measure(struct queue *queue, const struct drm_enpu_command *job, size_t jobs)
{
	uint64_t *counts = calloc(jobs, sizeof(*counts) * NUM_PARTS), one[NUM_PARTS];
	size_t i, p, n = 0;

	if (!counts)
		die("no memory for the counts");
	for (i = 0; i < WARM_UP; i++)
		run_job(queue, job, one);
	for (i = 0; n < jobs && i < TRIES * jobs; i++) {
		if (!run_job(queue, job, one) || !run_signal(queue, job, &one[SIGNAL]))
			continue;
		for (p = 0; p < NUM_PARTS; p++)
			counts[p * jobs + n] = one[p];
		n++;
	}
	if (n < jobs) {
		fprintf(stderr, "empty-job: only %zu of %zu jobs ran undisturbed\n", n, i);
		exit(1);
	}
	for (p = 0; p < NUM_PARTS; p++)
		insn_print(part_names[p], counts + p * jobs, n);
	free(counts);
}

int main(int argc, char **argv)
{
	const char *node = argc > 1 ? argv[1] : "/dev/accel/accel0";
	size_t jobs = argc > 2 ? strtoul(argv[2], NULL, 0) : 1000;
	struct sched_param param = { .sched_priority = 1 };
	struct drm_enpu_command job;
	struct drm_enpu_dev_info info = { 0 };
	struct drm_enpu_dev_query query = {
		.type = DRM_ENPU_DEV_QUERY_INFO, .size = sizeof(info), .pointer = (uintptr_t)&info,
	};
	struct queue queue;

	if (!jobs || argc > 3) {
		fprintf(stderr, "usage: empty-job [NODE [JOBS]]\n");
		return 2;
	}
	if (insn_clock_start())
		return 1;
	open_queue(&queue, node);
	if (drmIoctl(queue.fd, DRM_IOCTL_ENPU_DEV_QUERY, &query))
		die("DEV_QUERY");
	job = make_job(&queue, info.va_start);
	if (sched_setscheduler(0, SCHED_FIFO, &param))
		die("SCHED_FIFO");
	measure(&queue, &job, jobs);
	drmClose(queue.fd);
	return 0;
}
