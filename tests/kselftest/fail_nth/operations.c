// SPDX-License-Identifier: GPL-2.0-only
/*
 * The operations that fail: each with what it needs, the call itself, what must still
 * hold after a failure, and what after success.
 */
#include "operations.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/udmabuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE		4096ull
/* across the border of two tables of the upper level */
#define BORDER_VA	(GIB(8) - PAGE)
/* a block of its own */
#define BLOCK_VA	GIB(16)
#define BLOCK_SIZE	MIB(2)
#define TIMELINE_POINT	7
/* where nothing is, not even a page table */
#define MAP_ADDRESS	((void *)(GIB(1024)))
#define OLD		0x5a
#define NEW		0xa5

/* Has the device read a byte: the byte, or a negative errno. */
static int peek(struct ctx *ctx, uint64_t va)
{
	int ret;

	ctx_restart(ctx);
	ctx->regions[REGION_SRC] = (struct enpu_region){ va, 1 };
	stream_copy(&ctx->stream, REGION_DST, 0, REGION_SRC, 0, 1);
	ret = ctx_submit(ctx);
	if (!ret)
		ret = ctx_wait(ctx);
	return ret ? ret : ctx->mem[CTX_DST];
}

static int filled_bo(struct ctx *ctx, uint64_t size, uint8_t value, uint32_t *handle)
{
	int ret = bo_create(ctx->fd, size, 0, handle);
	uint8_t *map;

	if (ret)
		return ret;
	map = bo_map(ctx->fd, *handle, size);
	if (!map)
		return -ENOMEM;
	memset(map, value, size);
	munmap(map, size);
	return 0;
}

static int open_setup(struct attempt *attempt)
{
	char link[64];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", attempt->ctx.fd);
	return readlink(link, attempt->path, sizeof(attempt->path) - 1) < 0 ? -errno : 0;
}

static int open_act(struct attempt *attempt)
{
	attempt->fd = open(attempt->path, O_RDWR | O_CLOEXEC);
	return attempt->fd < 0 ? -errno : 0;
}

static bool open_done(struct attempt *attempt)
{
	return enpu_info(attempt->fd).num_queues > 0;
}

static void close_fd(struct attempt *attempt)
{
	close(attempt->fd);
}

static int query_act(struct attempt *attempt)
{
	struct drm_enpu_dev_info info;
	struct drm_enpu_dev_query query = {
		.type = DRM_ENPU_DEV_QUERY_INFO,
		.size = sizeof(info),
		.pointer = (uintptr_t)&info,
	};

	return enpu_ioctl(attempt->ctx.fd, DRM_IOCTL_ENPU_DEV_QUERY, &query);
}

static int bo_create_act(struct attempt *attempt)
{
	return bo_create(attempt->ctx.fd, KIB(64), 0, &attempt->bo);
}

static bool bo_done(struct attempt *attempt)
{
	uint8_t *map = bo_map(attempt->ctx.fd, attempt->bo, KIB(64));
	bool zeroed = map && !map[0];

	if (map)
		munmap(map, KIB(64));
	return zeroed;
}

static int mmap_offset_act(struct attempt *attempt)
{
	struct drm_enpu_bo_mmap_offset args = { .handle = attempt->bo };
	int ret = enpu_ioctl(attempt->ctx.fd, DRM_IOCTL_ENPU_BO_MMAP_OFFSET, &args);

	attempt->offset = args.offset;
	return ret;
}

static int mmap_setup(struct attempt *attempt)
{
	int ret = bo_create_act(attempt);

	return ret ? ret : mmap_offset_act(attempt);
}

static int mmap_act(struct attempt *attempt)
{
	void *map = mmap(MAP_ADDRESS, KIB(64), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED_NOREPLACE, attempt->ctx.fd, attempt->offset);

	attempt->map = map == MAP_FAILED ? NULL : map;
	return attempt->map ? 0 : -errno;
}

static void mmap_cleanup(struct attempt *attempt)
{
	if (attempt->map)
		munmap(attempt->map, KIB(64));
}

static int touch_setup(struct attempt *attempt)
{
	int ret = mmap_setup(attempt);

	return ret ? ret : mmap_act(attempt);
}

/* The kernel repeats a page fault that lacked memory. */
static int touch_act(struct attempt *attempt)
{
	memset(attempt->map, NEW, KIB(64));
	return 0;
}

static bool touch_done(struct attempt *attempt)
{
	return attempt->map[0] == NEW && attempt->map[KIB(64) - 1] == NEW;
}

static int udmabuf_setup(struct attempt *attempt)
{
	struct udmabuf_create create = { .size = 4 * PAGE };
	int device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);

	create.memfd = memfd_create("fail-nth", MFD_ALLOW_SEALING);
	if (device < 0 || (int)create.memfd < 0 || ftruncate(create.memfd, create.size) ||
	    fcntl(create.memfd, F_ADD_SEALS, F_SEAL_SHRINK))
		return -errno;
	attempt->fd = ioctl(device, UDMABUF_CREATE, &create);
	close(create.memfd);
	close(device);
	return attempt->fd < 0 ? -errno : 0;
}

static int import_act(struct attempt *attempt)
{
	struct drm_prime_handle args = { .fd = attempt->fd };
	int ret = enpu_ioctl(attempt->ctx.fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &args);

	attempt->bo = args.handle;
	return ret;
}

static int import_map_setup(struct attempt *attempt)
{
	int ret = udmabuf_setup(attempt);

	return ret ? ret : import_act(attempt);
}

static int import_map_act(struct attempt *attempt)
{
	return vm_map(attempt->ctx.fd, attempt->ctx.vm, attempt->bo, 0, BORDER_VA, 4 * PAGE, 0);
}

static bool import_map_done(struct attempt *attempt)
{
	return peek(&attempt->ctx, BORDER_VA + 2 * PAGE) == 0;
}

static bool import_done(struct attempt *attempt)
{
	return !import_map_act(attempt) && import_map_done(attempt);
}

static int export_act(struct attempt *attempt)
{
	struct drm_prime_handle args = { .handle = attempt->ctx.bo, .flags = DRM_CLOEXEC };
	int ret = enpu_ioctl(attempt->ctx.fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &args);

	attempt->fd = args.fd;
	return ret;
}

static bool export_done(struct attempt *attempt)
{
	return lseek(attempt->fd, 0, SEEK_END) == CTX_SIZE;
}

static int vm_create_act(struct attempt *attempt)
{
	return vm_create(attempt->ctx.fd, &attempt->id);
}

static bool vm_create_done(struct attempt *attempt)
{
	return !vm_map(attempt->ctx.fd, attempt->id, attempt->ctx.bo, 0, BORDER_VA, 2 * PAGE, 0);
}

static int vm_destroy_setup(struct attempt *attempt)
{
	return vm_create_act(attempt) || !vm_create_done(attempt) ? -EIO : 0;
}

static int vm_destroy_act(struct attempt *attempt)
{
	return vm_destroy(attempt->ctx.fd, attempt->id);
}

static int map_setup(struct attempt *attempt)
{
	return bo_create(attempt->ctx.fd, 2 * PAGE, 0, &attempt->bo);
}

static int map_act(struct attempt *attempt)
{
	return vm_map(attempt->ctx.fd, attempt->ctx.vm, attempt->bo, 0, BORDER_VA, 2 * PAGE, 0);
}

static bool map_done(struct attempt *attempt)
{
	return peek(&attempt->ctx, BORDER_VA + PAGE) == 0;
}

static int block_setup(struct attempt *attempt)
{
	int ret = filled_bo(&attempt->ctx, BLOCK_SIZE, OLD, &attempt->bo);

	return ret ? ret : filled_bo(&attempt->ctx, 2 * PAGE, NEW, &attempt->other_bo);
}

static int block_act(struct attempt *attempt)
{
	return vm_map(attempt->ctx.fd, attempt->ctx.vm, attempt->bo, 0, BLOCK_VA, BLOCK_SIZE, 0);
}

static bool block_is_whole(struct attempt *attempt)
{
	return peek(&attempt->ctx, BLOCK_VA) == OLD &&
	       peek(&attempt->ctx, BLOCK_VA + 2 * PAGE) == OLD &&
	       peek(&attempt->ctx, BLOCK_VA + BLOCK_SIZE - 1) == OLD;
}

static int mapped_block_setup(struct attempt *attempt)
{
	int ret = block_setup(attempt);

	return ret ? ret : block_act(attempt);
}

static int replace_act(struct attempt *attempt)
{
	return vm_map(attempt->ctx.fd, attempt->ctx.vm, attempt->other_bo, 0, BLOCK_VA + 2 * PAGE,
		      2 * PAGE, 0);
}

static bool replace_done(struct attempt *attempt)
{
	return peek(&attempt->ctx, BLOCK_VA) == OLD &&
	       peek(&attempt->ctx, BLOCK_VA + 2 * PAGE) == NEW &&
	       peek(&attempt->ctx, BLOCK_VA + 3 * PAGE) == NEW &&
	       peek(&attempt->ctx, BLOCK_VA + 4 * PAGE) == OLD;
}

static int unmap_act(struct attempt *attempt)
{
	return vm_unmap(attempt->ctx.fd, attempt->ctx.vm, BLOCK_VA + 2 * PAGE, 2 * PAGE);
}

/* The read of what is no longer there bans the queue, so it comes last. */
static bool unmap_done(struct attempt *attempt)
{
	return peek(&attempt->ctx, BLOCK_VA + 2 * PAGE - 1) == OLD &&
	       peek(&attempt->ctx, BLOCK_VA + 4 * PAGE) == OLD &&
	       peek(&attempt->ctx, BLOCK_VA + 3 * PAGE) == -EFAULT;
}

static int queue_create_act(struct attempt *attempt)
{
	return queue_create(attempt->ctx.fd, attempt->ctx.vm, 0, &attempt->id);
}

static bool queue_create_done(struct attempt *attempt)
{
	struct ctx *ctx = &attempt->ctx;

	ctx_restart(ctx);
	stream_nop(&ctx->stream);
	return !ctx_submit_to(ctx, attempt->id, ctx->syncobj) && !ctx_wait(ctx);
}

static int queue_destroy_setup(struct attempt *attempt)
{
	return queue_create_act(attempt) || !queue_create_done(attempt) ? -EIO : 0;
}

static int queue_destroy_act(struct attempt *attempt)
{
	return queue_destroy(attempt->ctx.fd, attempt->id);
}

static bool no_queue(struct attempt *attempt)
{
	struct drm_enpu_queue_query query;

	return queue_query(attempt->ctx.fd, attempt->id, &query) == -ENOENT;
}

/* With its mappings; those that there were before keep their file open. */
static int user_queue_act(struct attempt *attempt)
{
	user_unmap(&attempt->user);
	return user_create(&attempt->user, attempt->ctx.fd, attempt->ctx.vm, 0, 0);
}

static bool user_queue_done(struct attempt *attempt)
{
	return !user_check_fill(&attempt->user, &attempt->ctx, NEW);
}

/* The page fault that brings the doorbell is repeated too. */
static int doorbell_act(struct attempt *attempt)
{
	user_put(&attempt->user, &(struct enpu_job){ .flags = ENPU_JOB_IRQ });
	user_ring_doorbell(&attempt->user, attempt->user.producer);
	return 0;
}

static bool doorbell_done(struct attempt *attempt)
{
	return !user_wait(&attempt->user) && user_completed(&attempt->user) == 1;
}

static void user_cleanup(struct attempt *attempt)
{
	user_unmap(&attempt->user);
}

static uint64_t submitted(struct attempt *attempt)
{
	struct drm_enpu_queue_query query;

	return queue_query(attempt->ctx.fd, attempt->ctx.queue, &query) ? UINT64_MAX :
									   query.submitted;
}

static uint64_t point_reached(struct attempt *attempt)
{
	uint64_t point = UINT64_MAX;
	struct drm_syncobj_timeline_array args = {
		.handles = (uintptr_t)&attempt->timeline,
		.points = (uintptr_t)&point,
		.count_handles = 1,
	};

	return enpu_ioctl(attempt->ctx.fd, DRM_IOCTL_SYNCOBJ_QUERY, &args) ? UINT64_MAX : point;
}

/* A timeline with a point that the job waits for */
static int submit_setup(struct attempt *attempt)
{
	int ret = syncobj_create(attempt->ctx.fd, &attempt->timeline);
	uint64_t point = TIMELINE_POINT - 1;
	struct drm_syncobj_timeline_array args = {
		.handles = (uintptr_t)&attempt->timeline,
		.points = (uintptr_t)&point,
		.count_handles = 1,
	};

	if (!ret)
		ret = enpu_ioctl(attempt->ctx.fd, DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &args);
	ctx_restart(&attempt->ctx);
	stream_fill(&attempt->ctx.stream, REGION_DST, 0, NEW, 64);
	return ret;
}

static int submit_act(struct attempt *attempt)
{
	struct drm_enpu_command commands[] = {
		ctx_command(&attempt->ctx), ctx_command(&attempt->ctx),
	};
	struct drm_enpu_sync syncs[] = {
		{ .handle = attempt->timeline, .point = TIMELINE_POINT - 1 },
		{ attempt->timeline, DRM_ENPU_SYNC_SIGNAL, TIMELINE_POINT },
		{ attempt->ctx.syncobj, DRM_ENPU_SYNC_SIGNAL },
	};

	return submit(attempt->ctx.fd, attempt->ctx.queue, commands, COUNT(commands), syncs,
		      COUNT(syncs));
}

static bool submit_failed(struct attempt *attempt)
{
	return submitted(attempt) == 0 && point_reached(attempt) == TIMELINE_POINT - 1 &&
	       syncobj_wait(attempt->ctx.fd, attempt->ctx.syncobj, 0, 0, 0) == -EINVAL;
}

static bool submit_done(struct attempt *attempt)
{
	return !ctx_wait(&attempt->ctx) && point_reached(attempt) == TIMELINE_POINT &&
	       attempt->ctx.mem[CTX_DST + 63] == NEW;
}

static int sync_point_act(struct attempt *attempt)
{
	struct drm_enpu_sync sync = { attempt->ctx.syncobj, DRM_ENPU_SYNC_SIGNAL, 0 };

	return submit(attempt->ctx.fd, attempt->ctx.queue, NULL, 0, &sync, 1);
}

static bool sync_point_done(struct attempt *attempt)
{
	return !ctx_wait(&attempt->ctx);
}

static int wait_setup(struct attempt *attempt)
{
	int ret = submit_setup(attempt);

	return ret ? ret : submit_act(attempt);
}

static int wait_act(struct attempt *attempt)
{
	return syncobj_wait(attempt->ctx.fd, attempt->timeline, TIMELINE_POINT, LONG, 0);
}

static int fdinfo_act(struct attempt *attempt)
{
	char path[64], text[4096];
	int ret = 0, fd;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", attempt->ctx.fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (read(fd, text, sizeof(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

/* Two files share a BO; the one with a job under way is closed. */
static int close_setup(struct attempt *attempt)
{
	struct ctx other;
	int ret = ctx_init(&other, 0);

	if (ret)
		return ret;
	stream_fill(&other.stream, REGION_DST, 0, NEW, CTX_AREA);
	ret = ctx_submit(&other);
	munmap(other.mem, CTX_SIZE);
	attempt->fd = other.fd;
	return ret;
}

static int close_act(struct attempt *attempt)
{
	return close(attempt->fd) ? -errno : 0;
}

static int remove_setup(struct attempt *attempt)
{
	return pci_path(attempt->path, sizeof(attempt->path));
}

static int remove_act(struct attempt *attempt)
{
	return write_file("/sys/bus/pci/drivers/enpu/unbind", strrchr(attempt->path, '/') + 1);
}

static int probe_setup(struct attempt *attempt)
{
	int ret = remove_setup(attempt);

	return ret ? ret : remove_act(attempt);
}

int probe_act(struct attempt *attempt)
{
	return write_file("/sys/bus/pci/drivers/enpu/bind", strrchr(attempt->path, '/') + 1);
}

static bool probe_done(struct attempt *attempt)
{
	struct ctx ctx;
	int ret;

	close(enpu_open_wait());
	if (ctx_init(&ctx, 0))
		return false;
	ret = ctx_check_copy(&ctx, 1);
	ctx_fini(&ctx);
	return !ret;
}

static bool remove_done(struct attempt *attempt)
{
	return enpu_open() < 0 && !probe_act(attempt) && probe_done(attempt);
}

const struct operation operations[] = {
	{ "open", open_setup, open_act, NULL, open_done, close_fd },
	{ "dev_query", NULL, query_act },
	/* ENOSPC: shmem has no inode */
	{ "bo_create", NULL, bo_create_act, NULL, bo_done, .also = { -ENOSPC } },
	{ "bo_mmap_offset", bo_create_act, mmap_offset_act },
	{ "mmap", mmap_setup, mmap_act, NULL, NULL, mmap_cleanup },
	{ "page_fault", touch_setup, touch_act, NULL, touch_done, mmap_cleanup },
	{ "export", NULL, export_act, NULL, export_done, close_fd },
	{ "import", udmabuf_setup, import_act, NULL, import_done, close_fd },
	{ "map_import", import_map_setup, import_map_act, NULL, import_map_done, close_fd },
	{ "vm_create", NULL, vm_create_act, NULL, vm_create_done },
	{ "vm_destroy", vm_destroy_setup, vm_destroy_act, .once = true },
	{ "map", map_setup, map_act, NULL, map_done },
	{ "map_block", block_setup, block_act, NULL, block_is_whole },
	{ "map_over_block", mapped_block_setup, replace_act, block_is_whole, replace_done },
	{ "unmap_in_block", mapped_block_setup, unmap_act, block_is_whole, unmap_done },
	{ "queue_create", NULL, queue_create_act, NULL, queue_create_done },
	{ "queue_destroy", queue_destroy_setup, queue_destroy_act, NULL, no_queue, .once = true },
	{ "user_queue", NULL, user_queue_act, NULL, user_queue_done, user_cleanup },
	/* a page table may be there already, and nothing else is needed */
	{ "doorbell", user_queue_act, doorbell_act, NULL, doorbell_done, user_cleanup,
	  .easy = true },
	{ "submit", submit_setup, submit_act, submit_failed, submit_done },
	{ "sync_point", NULL, sync_point_act, NULL, sync_point_done },
	{ "syncobj_wait", wait_setup, wait_act, NULL, submit_done },
	{ "fdinfo", NULL, fdinfo_act },
	{ "close", close_setup, close_act, .once = true, .easy = true },
	/*
	 * When the allocation of a minor's device fails, DRM (6.12) passes the error pointer to
	 * put_device(); when a file of an interrupt in /proc cannot be made, the kernel ignores
	 * that, and warns later that there is none to remove; nor does it mind that there is
	 * no node in /dev. That is nothing of ours.
	 */
	{ "probe_alloc", probe_setup, probe_act, NULL, probe_done, .bare = true,
	  .within = "__devm_drm_dev_alloc", .spared = "drm_minor_alloc" },
	/* PCI: EBUSY, EINVAL: no BAR 0, ENODEV, ENOSPC: no interrupts */
	{ "probe_init", probe_setup, probe_act, NULL, probe_done, .bare = true,
	  .within = "enpu_device_init", .spared = "register_irq_proc", .repetitive = true,
	  .also = { -EBUSY, -EINVAL, -ENODEV, -ENOSPC } },
	/* ENODEV: sysfs, the node's */
	{ "probe_register", probe_setup, probe_act, NULL, probe_done, .bare = true,
	  .within = "drm_dev_register", .spared = "devtmpfs_create_node", .also = { -ENODEV } },
	{ "remove", remove_setup, remove_act, NULL, remove_done, .bare = true,
	  .repetitive = true },
};

const unsigned int num_operations = COUNT(operations);
