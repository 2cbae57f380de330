// SPDX-License-Identifier: GPL-2.0-only
/*
 * Systematic fault injection. Each operation is done again and again; the first
 * time its first allocation (or access to user memory) fails, then its second,
 * and so on until it gets through undisturbed. (Where the same loop runs for each of many
 * vectors, not each of its rounds fails.) Each failure must be a clean error
 * that changed nothing, and the operation must work right after it.
 *
 * Needs a kernel with failslab, fail_page_alloc, fail_usercopy and fail-nth, see
 * tests/kernel-config. What leaks is for kmemleak to find, afterwards.
 */
#include "enpu_test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/udmabuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest.h"

#define DEBUGFS		"/sys/kernel/debug/"
#define SHMEM_HUGE	"/sys/kernel/mm/transparent_hugepage/shmem_enabled"
#define MAX_FAULTS	20000
/* of the repetitive: each of the first ones, then each seventh */
#define FIRST_FAULTS	100
#define FAULT_STEP	7
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

/* What one attempt works with: a client, and what the operation makes */
struct attempt {
	struct ctx ctx;
	uint32_t bo;
	uint32_t other_bo;
	uint32_t id;
	uint32_t timeline;
	uint64_t offset;
	int fd;
	uint8_t *map;
	struct user user;
	/* of the node or of the PCI function */
	char path[PATH_MAX];
};

/*
 * @setup and @act return 0 or a negative errno, @failed and @done whether things
 * are as they should be after a failure (NULL: nothing to see) and after success.
 */
struct operation {
	const char *name;
	int (*setup)(struct attempt *attempt);
	int (*act)(struct attempt *attempt);
	bool (*failed)(struct attempt *attempt);
	bool (*done)(struct attempt *attempt);
	void (*cleanup)(struct attempt *attempt);
	/* no client: the operation is about the device itself */
	bool bare;
	/* what it takes away is gone even if the answer was lost: not done again */
	bool once;
	/* may need no memory at all */
	bool easy;
	/* the same few allocations for each of many vectors: not each of them, in the end */
	bool repetitive;
	/* what else the kernel says for a lack of memory */
	int also[4];
};

static int fail_nth_file;

static void arm(unsigned int n)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", n);

	/* fails only if a fault that is still armed strikes here, and then it is spent */
	if (pwrite(fail_nth_file, text, length, 0) != length &&
	    pwrite(fail_nth_file, text, length, 0) != length)
		ksft_exit_fail_msg("fail-nth: %s\n", strerror(errno));
}

/* Returns whether the fault has struck. */
static bool disarm(void)
{
	char text[16] = "";
	ssize_t length = pread(fail_nth_file, text, sizeof(text) - 1, 0);

	arm(0);
	return length > 0 && !atoi(text);
}

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

static int probe_act(struct attempt *attempt)
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

static const struct operation operations[] = {
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
	/* PCI: EBUSY, EINVAL: no BAR 0, ENOSPC: no interrupts; ENODEV: sysfs, the node's */
	{ "probe", probe_setup, probe_act, NULL, probe_done, .bare = true,
	  .repetitive = true, .also = { -EBUSY, -EINVAL, -ENODEV, -ENOSPC } },
	{ "remove", remove_setup, remove_act, NULL, remove_done, .bare = true,
	  .repetitive = true },
};

/* What an operation may answer when memory is short or the caller's is bad */
static bool is_clean(const struct operation *operation, int error)
{
	bool clean = !error || error == -ENOMEM || error == -EFAULT;
	unsigned int i;

	for (i = 0; i < COUNT(operation->also); i++)
		clean |= error == operation->also[i];
	return clean;
}

static bool finish(const struct operation *operation, struct attempt *attempt, bool ok)
{
	if (operation->cleanup)
		operation->cleanup(attempt);
	if (!operation->bare)
		ctx_fini(&attempt->ctx);
	else if (!ok)
		probe_act(attempt);	/* for those after us */
	return ok;
}

struct tally {
	unsigned int faults, errors, survived;
};

/*
 * One attempt, in which the nth possible fault happens. Returns whether it went as
 * it should; *struck: whether there were as many.
 */
static bool try_nth(const struct operation *operation, unsigned int n, bool *struck,
		    struct tally *tally)
{
	struct attempt attempt = { .fd = -1 };
	int ret;

	*struck = false;
	ret = operation->bare ? 0 : ctx_init(&attempt.ctx, 0);
	if (!ret && operation->setup)
		ret = operation->setup(&attempt);
	if (ret) {
		ksft_print_msg("%s: cannot be prepared (%d) for fault %u\n", operation->name,
			       ret, n);
		return false;
	}

	arm(n);
	ret = operation->act(&attempt);
	*struck = disarm();
	tally->faults += *struck;
	tally->errors += *struck && ret;
	tally->survived += *struck && !ret;

	if (*struck ? !is_clean(operation, ret) : ret) {
		ksft_print_msg("%s: fault %u: unexpected answer %d\n", operation->name, n, ret);
		return finish(operation, &attempt, false);
	}
	/* EFAULT may be about the answer: then the operation itself was done */
	if (ret == -ENOMEM && operation->failed && !operation->failed(&attempt)) {
		ksft_print_msg("%s: fault %u: it failed, and left traces\n", operation->name, n);
		return finish(operation, &attempt, false);
	}
	if (ret && operation->once)
		return finish(operation, &attempt, true);
	if (ret) {
		ret = operation->act(&attempt);
		if (ret) {
			ksft_print_msg("%s: fault %u: then it does not work: %d\n",
				       operation->name, n, ret);
			return finish(operation, &attempt, false);
		}
	}
	if (operation->done && !operation->done(&attempt)) {
		ksft_print_msg("%s: fault %u: then the result is wrong\n", operation->name, n);
		return finish(operation, &attempt, false);
	}
	return finish(operation, &attempt, true);
}

static bool sweep(const struct operation *operation)
{
	struct tally tally = {};
	bool ok = true, struck = true;
	unsigned int n;

	for (n = 1; ok && struck && n < MAX_FAULTS;
	     n += operation->repetitive && n >= FIRST_FAULTS ? FAULT_STEP : 1)
		ok = try_nth(operation, n, &struck, &tally);
	ksft_print_msg("%s: %u faults: %u errors, %u survived\n", operation->name, tally.faults,
		       tally.errors, tally.survived);
	return ok && !struck && (tally.faults || operation->easy);
}

/* Whatever an address space or queue needs of the device has come back. */
static bool all_is_there(void)
{
	int fd = enpu_open();
	struct drm_enpu_dev_info info = enpu_info(fd);
	uint32_t i, vm = 0, queue;
	bool ok = info.num_vms > 0;

	for (i = 0; ok && i < info.num_vms; i++)
		ok = !vm_create(fd, &vm);
	for (i = 0; ok && i < info.num_queues; i++)
		ok = !queue_create(fd, vm, 0, &queue);
	close(fd);
	return ok;
}

/*
 * No faults within drm_minor_alloc(): when the allocation of a minor's device fails,
 * DRM (6.12) passes the error pointer to put_device(). That is nothing of ours.
 */
static void spare_minors(void)
{
	static const char *const attributes[] = { "failslab", "fail_page_alloc", "fail_usercopy" };
	unsigned long address, start = 0, end = ULONG_MAX;
	char line[256], name[128], path[128];
	FILE *symbols = fopen("/proc/kallsyms", "re");
	unsigned int i;

	while (symbols && fgets(line, sizeof(line), symbols)) {
		if (sscanf(line, "%lx %*c %127s", &address, name) == 2 &&
		    !strcmp(name, "drm_minor_alloc"))
			start = address;
	}
	if (!start)
		ksft_exit_fail_msg("no address of drm_minor_alloc()\n");
	rewind(symbols);
	while (fgets(line, sizeof(line), symbols)) {
		if (sscanf(line, "%lx", &address) == 1 && address > start && address < end)
			end = address;
	}
	fclose(symbols);

	for (i = 0; i < COUNT(attributes); i++) {
		snprintf(path, sizeof(path), DEBUGFS "%s/reject-start", attributes[i]);
		snprintf(line, sizeof(line), "0x%lx", start);
		if (!write_file(path, line)) {
			snprintf(path, sizeof(path), DEBUGFS "%s/reject-end", attributes[i]);
			snprintf(line, sizeof(line), "0x%lx", end);
			if (!write_file(path, line))
				continue;
		}
		ksft_exit_fail_msg("cannot write to %s\n", path);
	}
}

static void set_up(void)
{
	static const char *const settings[][2] = {
		{ DEBUGFS "failslab/ignore-gfp-wait", "N" },
		{ DEBUGFS "fail_page_alloc/ignore-gfp-wait", "N" },
		{ DEBUGFS "fail_page_alloc/ignore-gfp-highmem", "N" },
		{ DEBUGFS "fail_page_alloc/min-order", "0" },
		{ DEBUGFS "failslab/verbose", "0" },
		{ DEBUGFS "fail_page_alloc/verbose", "0" },
		{ DEBUGFS "fail_usercopy/verbose", "0" },
		/* so that there are blocks of 2 MiB */
		{ SHMEM_HUGE, "force" },
	};
	unsigned int i;

	fail_nth_file = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (fail_nth_file < 0)
		ksft_exit_skip("this kernel has no fault injection\n");
	for (i = 0; i < COUNT(settings); i++)
		if (write_file(settings[i][0], settings[i][1]))
			ksft_exit_fail_msg("cannot write to %s\n", settings[i][0]);
	spare_minors();
}

static bool chosen(const char *name, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], name); i++)
		;
	return argc == 1 || i < argc;
}

int main(int argc, char **argv)
{
	unsigned int i;

	ksft_print_header();
	set_up();
	ksft_set_plan(COUNT(operations) + 1);
	for (i = 0; i < COUNT(operations); i++) {
		if (chosen(operations[i].name, argc, argv))
			ksft_test_result(sweep(&operations[i]), "fail_nth.%s\n",
					 operations[i].name);
		else
			ksft_test_result_skip("fail_nth.%s\n", operations[i].name);
	}
	ksft_test_result(all_is_there(), "fail_nth.nothing_is_lost\n");
	write_file(SHMEM_HUGE, "never");
	ksft_finished();
}
