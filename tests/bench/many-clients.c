// SPDX-License-Identifier: MIT
/*
 * How clients share the device:
 *
 *	many-clients CLIENTS LONGER SECONDS [/dev/accel/accelN]
 *
 * Each client is a process with a KERNEL queue of normal priority, which has always
 * some jobs in the ring. Jobs of every other client are LONGER times as long (1: all
 * alike). Prints for each client "JOBS COMMANDS CYCLES": what was completed in SECONDS in
 * which all of them were at work, and the device's cycles for that.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <xf86drm.h>

#include "drm/enpu_accel.h"
#include "enpu/cmd.h"
#include "enpu/regs.h"

#define MAX_CLIENTS	64
#define MAX_LONGER	64
#define IN_FLIGHT	4
/* A job of the shorter kind: so many commands, each of which fills so much */
#define COMMANDS	16
#define FILL_BYTES	(1u << 16)

struct result {
	uint64_t jobs, commands, cycles;
};

/* Between all processes */
struct shared {
	unsigned int ready;
	unsigned int go;
	struct result results[MAX_CLIENTS];
};

struct client {
	int fd;
	uint32_t queue;
	uint32_t vm;
	uint32_t syncobj;
	uint32_t commands;
	struct drm_enpu_command job;
};

static void die(const char *what)
{
	fprintf(stderr, "many-clients: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* What the device reads is at the start of the buffer, what it writes behind that. */
static void make_job(struct client *client, uint64_t va)
{
	const uint64_t stream = client->commands * sizeof(struct enpu_cmd_dma);
	const uint64_t head = (stream + sizeof(struct enpu_region) + 4095) & ~UINT64_C(4095);
	struct drm_enpu_bo_create bo = { .size = head + FILL_BYTES };
	struct drm_enpu_bo_mmap_offset map = { 0 };
	struct drm_enpu_vm_bind_op op = {
		.type = DRM_ENPU_VM_BIND_MAP, .va = va, .size = head + FILL_BYTES,
	};
	struct drm_enpu_vm_bind bind = {
		.vm_id = client->vm, .ops = { sizeof(op), 1, (uintptr_t)&op },
	};
	struct enpu_region *region;
	struct enpu_cmd_dma *fill;
	uint8_t *mem;
	uint32_t i;

	if (drmIoctl(client->fd, DRM_IOCTL_ENPU_BO_CREATE, &bo))
		die("BO_CREATE");
	map.handle = op.bo_handle = bo.handle;
	if (drmIoctl(client->fd, DRM_IOCTL_ENPU_BO_MMAP_OFFSET, &map) ||
	    drmIoctl(client->fd, DRM_IOCTL_ENPU_VM_BIND, &bind))
		die("cannot map a buffer");
	mem = mmap(NULL, head, PROT_READ | PROT_WRITE, MAP_SHARED, client->fd, (off_t)map.offset);
	if (mem == MAP_FAILED)
		die("mmap");
	fill = (struct enpu_cmd_dma *)mem;
	for (i = 0; i < client->commands; i++)
		fill[i] = (struct enpu_cmd_dma){
			.cmd = {
				.opcode = ENPU_OP_DMA_FILL, .engine = ENPU_ENGINE_DMA0,
				.size = sizeof(*fill), .wait = { [ENPU_ENGINE_DMA0] = i },
			},
			.src.region = ENPU_REGION_NONE,
			.length = FILL_BYTES,
			.count = { 1, 1, 1, 1 },
			.fill_size = 4,
		};
	region = (struct enpu_region *)(mem + stream);
	*region = (struct enpu_region){ va + head, FILL_BYTES };
	munmap(mem, head);
	client->job = (struct drm_enpu_command){
		.stream_va = va, .stream_size = (uint32_t)stream,
		.regions_va = va + stream, .num_regions = 1,
	};
}

static void open_client(struct client *client, const char *node)
{
	struct drm_enpu_vm_create vm = { 0 };
	struct drm_enpu_queue_create create = {
		.mode = DRM_ENPU_QUEUE_KERNEL,
		.priority = DRM_ENPU_PRIORITY_NORMAL,
		.label = "many-clients",
	};
	struct drm_enpu_dev_info info = { 0 };
	struct drm_enpu_dev_query query = {
		.type = DRM_ENPU_DEV_QUERY_INFO, .size = sizeof(info), .pointer = (uintptr_t)&info,
	};

	client->fd = open(node, O_RDWR | O_CLOEXEC);
	if (client->fd < 0)
		die(node);
	if (drmIoctl(client->fd, DRM_IOCTL_ENPU_DEV_QUERY, &query))
		die("DEV_QUERY");
	if (drmIoctl(client->fd, DRM_IOCTL_ENPU_VM_CREATE, &vm))
		die("VM_CREATE");
	client->vm = create.vm_id = vm.id;
	if (drmIoctl(client->fd, DRM_IOCTL_ENPU_QUEUE_CREATE, &create))
		die("QUEUE_CREATE");
	client->queue = create.id;
	if (drmSyncobjCreate(client->fd, 0, &client->syncobj))
		die("cannot create a syncobj");
	make_job(client, info.va_start);
}

static void submit_job(struct client *client, uint64_t point)
{
	struct drm_enpu_sync sync = {
		.handle = client->syncobj, .flags = DRM_ENPU_SYNC_SIGNAL, .point = point,
	};
	struct drm_enpu_submit submit = {
		.queue_id = client->queue,
		.commands = { sizeof(client->job), 1, (uintptr_t)&client->job },
		.syncs = { sizeof(sync), 1, (uintptr_t)&sync },
	};

	if (drmIoctl(client->fd, DRM_IOCTL_ENPU_SUBMIT, &submit))
		die("SUBMIT");
}

static void wait_job(struct client *client, uint64_t point)
{
	if (drmSyncobjTimelineWait(client->fd, &client->syncobj, &point, 1, INT64_MAX, 0, NULL))
		die("cannot wait for the syncobj");
}

static struct drm_enpu_queue_query query_queue(struct client *client)
{
	struct drm_enpu_queue_query query = { .id = client->queue };

	if (drmIoctl(client->fd, DRM_IOCTL_ENPU_QUEUE_QUERY, &query))
		die("QUEUE_QUERY");
	return query;
}

static void run_client(struct shared *shared, unsigned int number, uint32_t commands,
		       int64_t ns, const char *node)
{
	struct client client = { .commands = commands };
	struct drm_enpu_queue_query before, after;
	uint64_t submitted = 0, done = 0;
	int64_t end;

	open_client(&client, node);
	while (submitted < IN_FLIGHT)
		submit_job(&client, ++submitted);
	__atomic_add_fetch(&shared->ready, 1, __ATOMIC_SEQ_CST);
	/* At work until all others are, too */
	for (end = 0; !end || now_ns() < end;) {
		wait_job(&client, ++done);
		submit_job(&client, ++submitted);
		if (!end && __atomic_load_n(&shared->go, __ATOMIC_SEQ_CST)) {
			before = query_queue(&client);
			end = now_ns() + ns;
		}
	}
	after = query_queue(&client);
	shared->results[number] = (struct result){
		.jobs = after.completed - before.completed,
		.commands = (after.completed - before.completed) * commands,
		.cycles = after.busy_cycles - before.busy_cycles,
	};
	/* The others' time may not be over. */
	__atomic_sub_fetch(&shared->ready, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&shared->ready, __ATOMIC_SEQ_CST)) {
		wait_job(&client, ++done);
		submit_job(&client, ++submitted);
	}
	exit(0);
}

int main(int argc, char **argv)
{
	unsigned int clients = argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 0) : 0;
	unsigned int longer = argc > 2 ? (unsigned int)strtoul(argv[2], NULL, 0) : 0;
	double seconds = argc > 3 ? strtod(argv[3], NULL) : 0;
	const char *node = argc > 4 ? argv[4] : "/dev/accel/accel0";
	struct shared *shared;
	int status, ret = 0;
	unsigned int i;

	if (!clients || clients > MAX_CLIENTS || !longer || longer > MAX_LONGER ||
	    seconds <= 0 || argc > 5) {
		fprintf(stderr, "usage: many-clients CLIENTS LONGER SECONDS [NODE]\n");
		return 2;
	}
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (shared == MAP_FAILED)
		die("mmap");
	for (i = 0; i < clients; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (!pid)
			run_client(shared, i, COMMANDS * (i % 2 ? longer : 1),
				   (int64_t)(seconds * 1e9), node);
	}
	while (__atomic_load_n(&shared->ready, __ATOMIC_SEQ_CST) < clients)
		usleep(1000);
	__atomic_store_n(&shared->go, 1, __ATOMIC_SEQ_CST);
	for (i = 0; i < clients; i++)
		if (wait(&status) < 0 || status)
			ret = 1;
	for (i = 0; !ret && i < clients; i++)
		printf("%llu %llu %llu\n", (unsigned long long)shared->results[i].jobs,
		       (unsigned long long)shared->results[i].commands,
		       (unsigned long long)shared->results[i].cycles);
	return ret;
}
