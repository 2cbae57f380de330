// SPDX-License-Identifier: MIT
/*
 * System calls on the device's file and its mappings that are not ioctls, and what
 * prepares jobs. Each returns 0, what it makes, or a negative errno.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/udmabuf.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <drm/enpu_accel.h>
#include <enpu/cmd.h>
#include <enpu/regs.h>

#include "calls.h"
#include "execute.h"

#define DROP_CACHES	"/proc/sys/vm/drop_caches"

static int drop_caches = -1;
static __thread sigjmp_buf escape;
static __thread volatile sig_atomic_t armed;

static void on_fault(int number)
{
	if (armed)
		siglongjmp(escape, number);
	_exit(128 + number);
}

void actions_init(void)
{
	struct sigaction action = { .sa_handler = on_fault, .sa_flags = SA_NODEFER };

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	/* as long as there are the privileges to do so */
	drop_caches = open(DROP_CACHES, O_WRONLY | O_CLOEXEC);
	/* no line in the log for each time */
	if (drop_caches >= 0 && write(drop_caches, "4", 1) != 1)
		perror(DROP_CACHES);
}

/* Where to map a BO */
static long mmap_offset(struct run *run, const struct call *call, uint32_t handle)
{
	struct drm_enpu_bo_mmap_offset args = { .handle = handle };

	if (ioctl(run->files[call->file], DRM_IOCTL_ENPU_BO_MMAP_OFFSET, &args))
		return -errno;
	return args.offset;
}

static const struct slot *slot_of(const struct run *run, const struct call *call)
{
	return call->num_refs ? &run->program->slots[call->refs[0].slot] : NULL;
}

ACTION(mmap)
{
	const struct action_map *map = args;
	const struct slot *bo = slot_of(run, call);
	long offset = mmap_offset(run, call, map->bo);
	uint64_t length = map->length ? map->length : bo ? bo->size : PAGE;
	void *at;

	if (offset < 0)
		return offset;
	at = mmap(NULL, length, map->flags & 1 ? PROT_READ : PROT_READ | PROT_WRITE,
		  (map->flags & 4 ? MAP_PRIVATE : MAP_SHARED) | (map->flags & 2 ? MAP_POPULATE : 0),
		  run->files[call->file], offset + map->offset);
	/* a mapping of another length than planned is of no use later */
	if (at != MAP_FAILED && call->broken[0])
		munmap(at, length);
	return at == MAP_FAILED ? -errno : (long)at;
}

/* The whole of a mapping, or nothing if it is not one of ours */
static bool mapping(const struct run *run, const struct call *call, uint8_t **at, size_t *size)
{
	const struct slot *slot = slot_of(run, call);

	if (!slot || slot->kind != O_MAP || !slot->live)
		return false;
	*at = (uint8_t *)(uintptr_t)__atomic_load_n(&slot->value, __ATOMIC_ACQUIRE);
	*size = slot->size;
	return *at;
}

ACTION(munmap)
{
	struct slot *slot;
	uint8_t *at;
	size_t size;

	if (!mapping(run, call, &at, &size))
		return -EINVAL;
	/* the other thread may do the same, and the address be somebody else's by then */
	slot = (struct slot *)slot_of(run, call);
	at = (uint8_t *)(uintptr_t)__atomic_exchange_n(&slot->value, 0, __ATOMIC_ACQ_REL);
	return !at ? -EINVAL : munmap(at, size) ? -errno : 0;
}

/* Reads and writes a mapping, after something was done to it. */
ACTION(touch)
{
	static const int advice[] = {
		MADV_NORMAL, MADV_DONTNEED, MADV_WILLNEED, MADV_DONTFORK, MADV_HUGEPAGE, MADV_FREE,
		MADV_REMOVE, MADV_COLD,
	};
	const struct action_touch *touch = args;
	uint8_t *at;
	size_t size, offset;

	if (!mapping(run, call, &at, &size))
		return -EINVAL;
	if (touch->advice)
		madvise(at, size, advice[touch->advice % COUNT(advice)]);
	/* the other thread may unmap it, and a read-only one faults */
	if (!sigsetjmp(escape, 1)) {
		armed = 1;
		for (offset = touch->offset % size; offset < size; offset += 64 * PAGE) {
			uint8_t value = *(volatile uint8_t *)(at + offset);

			*(volatile uint8_t *)(at + offset) = value;
		}
	}
	armed = 0;
	return 0;
}

/* Command streams: good and bad ones; the region table says where the BO is. */
static void write_stream(uint8_t *at, uint32_t what, uint64_t va)
{
	struct enpu_region *regions = (struct enpu_region *)(at + STREAM_REGIONS);
	size_t offset;
	unsigned int i;

	memset(at, 0, STREAM_SIZE);
	for (i = 0; i < 4; i++)
		regions[i] = (struct enpu_region){ va + 3072, i == 3 ? 0 : 512 };
	for (offset = 0, i = 0; what < 4 && offset + sizeof(struct enpu_cmd) <= STREAM_SIZE;
	     offset += sizeof(struct enpu_cmd), i++) {
		struct enpu_cmd *cmd = (struct enpu_cmd *)(at + offset);

		cmd->opcode = ENPU_OP_NOP;
		cmd->engine = i % ENPU_NUM_ENGINES;
		cmd->size = sizeof(*cmd);
		if (what == 1)			/* waits for what was not issued */
			cmd->wait[0] = i == 7 ? 1000 : 0;
	}
	if (what == 2 || what == 3) {
		struct enpu_cmd_dma *dma = (struct enpu_cmd_dma *)at;

		memset(dma, 0, sizeof(*dma));
		dma->cmd = (struct enpu_cmd){ .opcode = ENPU_OP_DMA_FILL, .size = sizeof(*dma) };
		dma->src.region = ENPU_REGION_NONE;
		dma->dst.region = what == 2 ? 0 : 3;
		dma->length = 256;
		dma->count[0] = dma->count[1] = dma->count[2] = dma->count[3] = 1;
		dma->fill_size = 1;
	}
	if (what == 5)
		memset(at, 0xa5, STREAM_SIZE);
}

ACTION(stream)
{
	const struct action_stream *stream = args;
	long offset = mmap_offset(run, call, stream->bo);
	uint8_t *at;

	if (offset < 0)
		return offset;
	at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, run->files[call->file], offset);
	if (at == MAP_FAILED)
		return -errno;
	if (!sigsetjmp(escape, 1)) {
		armed = 1;
		write_stream(at, stream->what, stream->va);
	}
	armed = 0;
	munmap(at, PAGE);
	return 0;
}

/* How jobs() goes about it */
enum {
	JOBS_FOREIGN	= 1 << 0,	/* the other file maps it */
	JOBS_UNMAP	= 1 << 1,	/* and unmap it after */
	JOBS_BAD	= 1 << 2,	/* what is in the ring is no job */
	JOBS_FAR	= 1 << 3,	/* the doorbell is far off */
	JOBS_WRONG	= 1 << 4,	/* maps more, and with more rights, than is there */
};

/* Ring, status page and doorbell of a USER queue */
static bool map_queue(const struct run *run, const struct call *call, struct slot *queue,
		      uint32_t how)
{
	static const int rights[] = { PROT_READ | PROT_WRITE, PROT_READ, PROT_WRITE };
	int fd = run->files[how & JOBS_FOREIGN ? !call->file : call->file];
	unsigned int i;

	for (i = 0; i < 3; i++) {
		size_t size = i ? PAGE : (queue->entries * sizeof(struct enpu_job) + PAGE - 1) &
			      ~(PAGE - 1ul);
		void *at;

		if (queue->parts[i])
			continue;
		if (how & JOBS_WRONG)
			at = mmap(NULL, size + PAGE * i, PROT_READ | PROT_WRITE | PROT_EXEC,
				  MAP_SHARED, fd, queue->offsets[i]);
		else
			at = mmap(NULL, size, rights[i], MAP_SHARED, fd, queue->offsets[i]);
		if (at == MAP_FAILED)
			return false;
		queue->parts[i] = at;
	}
	return true;
}

static void write_jobs(const struct slot *queue, const struct action_jobs *jobs)
{
	volatile struct enpu_queue_status *status = (void *)queue->parts[1];
	struct enpu_job *ring = (void *)queue->parts[0];
	uint32_t next = status->completed, count = jobs->doorbell % (queue->entries + 1), i;

	for (i = 0; i < count; i++) {
		struct enpu_job *job = &ring[(next + i) % queue->entries];

		*job = (struct enpu_job){
			.stream_va = jobs->va, .stream_size = i & 1 ? STREAM_SIZE : 0,
			.regions_va = jobs->va + STREAM_REGIONS, .num_regions = 4,
			.flags = ENPU_JOB_IRQ,
		};
		if (jobs->how & JOBS_BAD)
			memset(job, 0xa5, sizeof(*job));
	}
	__atomic_thread_fence(__ATOMIC_RELEASE);
	*(volatile uint32_t *)queue->parts[2] = next + (jobs->how & JOBS_FAR ? jobs->va : count);
}

/* Submits to a USER queue, which may have gone; its mappings may be there still. */
ACTION(jobs)
{
	const struct action_jobs *jobs = args;
	struct slot *queue = (struct slot *)slot_of(run, call);
	unsigned int i;

	if (!queue || queue->kind != O_USER_QUEUE || !queue->entries)
		return -EINVAL;
	if (!map_queue(run, call, queue, jobs->how))
		return 0;
	if (!sigsetjmp(escape, 1)) {
		armed = 1;
		write_jobs(queue, jobs);
	}
	armed = 0;
	/* once: the other thread may be at the same, and the place be somebody else's then */
	for (i = 0; i < 3 && jobs->how & JOBS_UNMAP; i++) {
		void *part = __atomic_exchange_n(&queue->parts[i], NULL, __ATOMIC_ACQ_REL);

		if (part)
			munmap(part, PAGE);
	}
	return 0;
}

/* A child has the same files and mappings, and goes in one way or another. */
ACTION(fork)
{
	const struct action_number *how = args;
	struct drm_enpu_bo_create create = { .size = PAGE };
	pid_t child = fork();
	int status;

	if (child < 0)
		return -errno;
	run->untracked |= O_BO;
	if (!child) {
		if (how->number & 1)
			ioctl(run->files[0], DRM_IOCTL_ENPU_BO_CREATE, &create);
		if (how->number & 2)
			close(run->files[call->file]);
		if (how->number & 4)
			raise(SIGKILL);
		_exit(0);
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return 0;
}

/* The file under another descriptor; the old one is closed. */
ACTION(dup)
{
	int fd = dup(run->files[call->file]), old;

	if (fd < 0)
		return -errno;
	/* in the same place, as the other thread may be using it */
	old = dup2(fd, run->files[call->file]);
	close(fd);
	return old < 0 ? -errno : 0;
}

ACTION(close)
{
	const struct action_number *fd = args;

	if (!call->num_refs || call->broken[0])
		return -EBADF;
	return close(fd->number) ? -errno : 0;
}

/* A dma-buf of somebody else: four pages of a memfd */
ACTION(udmabuf)
{
	struct udmabuf_create create = { .flags = UDMABUF_FLAGS_CLOEXEC, .size = 4 * PAGE };
	int maker = open("/dev/udmabuf", O_RDWR | O_CLOEXEC), fd = -1;
	int memory = memfd_create("fuzz", MFD_ALLOW_SEALING | MFD_CLOEXEC);

	if (maker >= 0 && memory >= 0 && !ftruncate(memory, 4 * PAGE) &&
	    !fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK)) {
		create.memfd = memory;
		fd = ioctl(maker, UDMABUF_CREATE, &create);
	}
	if (maker >= 0)
		close(maker);
	if (memory >= 0)
		close(memory);
	return fd < 0 ? -ENOENT : fd;
}

/* The kernel takes back what it can, in purgeable BOs too. */
ACTION(reclaim)
{
	return write(drop_caches, "2", 1) == 1 ? 0 : -errno;
}

/* What else can be done to a file */
ACTION(file_ops)
{
	const struct action_number *which = args;
	int fd = run->files[call->file];
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN | POLLOUT };
	char path[64], text[2048] = "";
	int info = 1;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	switch (which->number % 8) {
	case 0:
		poll(&poll_fd, 1, 0);
		break;
	case 1:
		(void)!read(fd, text, sizeof(text));
		break;
	case 2:
		(void)!write(fd, text, 16);
		break;
	case 3:
		lseek(fd, 1ll << 40, SEEK_SET);
		break;
	case 4:
		fcntl(fd, F_SETFL, O_NONBLOCK | O_ASYNC);
		break;
	case 5:
		ioctl(fd, FIONBIO, &info);
		break;
	default:
		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
		info = open(path, O_RDONLY | O_CLOEXEC);
		if (info >= 0) {
			(void)!read(info, text, sizeof(text));
			close(info);
		}
		break;
	}
	return 0;
}
