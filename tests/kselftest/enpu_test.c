// SPDX-License-Identifier: GPL-2.0-only
/* See enpu_test.h. */
#include "enpu_test.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/netlink.h>
#include <linux/sync_file.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CONTROL_PORT	"/dev/virtio-ports/enpu.control"
#define CONTROL_LOCK	"/run/enpu-control.lock"

int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * SECOND + ts.tv_nsec;
}

void sleep_ms(unsigned int ms)
{
	usleep(ms * 1000);
}

/*
 * The first that a pattern finds. A device that comes back while somebody has the
 * old one open gets another number than 0.
 */
static int find(const char *pattern, char *path, size_t size)
{
	glob_t found;
	int ret = glob(pattern, 0, NULL, &found);

	if (ret)
		return -ENOENT;
	snprintf(path, size, "%s", found.gl_pathv[0]);
	globfree(&found);
	return 0;
}

int enpu_open(void)
{
	char path[64];
	int fd = find("/dev/accel/accel*", path, sizeof(path));

	if (fd < 0)
		return fd;
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int enpu_open_wait(void)
{
	int64_t end = now_ns() + LONG;
	int fd;

	while ((fd = enpu_open()) < 0 && now_ns() < end)
		sleep_ms(10);
	return fd;
}

int enpu_ioctl(int fd, unsigned long request, void *arg)
{
	int ret;

	do
		ret = ioctl(fd, request, arg);
	while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : ret;
}

struct drm_enpu_dev_info enpu_info(int fd)
{
	struct drm_enpu_dev_info info = {};
	struct drm_enpu_dev_query query = {
		.type = DRM_ENPU_DEV_QUERY_INFO,
		.size = sizeof(info),
		.pointer = (uintptr_t)&info,
	};

	enpu_ioctl(fd, DRM_IOCTL_ENPU_DEV_QUERY, &query);
	return info;
}

int bo_create(int fd, uint64_t size, uint32_t flags, uint32_t *handle)
{
	struct drm_enpu_bo_create args = { .size = size, .flags = flags };
	int ret = enpu_ioctl(fd, DRM_IOCTL_ENPU_BO_CREATE, &args);

	*handle = args.handle;
	return ret;
}

void *bo_map(int fd, uint32_t handle, uint64_t size)
{
	struct drm_enpu_bo_mmap_offset args = { .handle = handle };
	void *map;

	if (enpu_ioctl(fd, DRM_IOCTL_ENPU_BO_MMAP_OFFSET, &args))
		return NULL;
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, args.offset);
	return map == MAP_FAILED ? NULL : map;
}

int bo_close(int fd, uint32_t handle)
{
	struct drm_gem_close args = { .handle = handle };

	return enpu_ioctl(fd, DRM_IOCTL_GEM_CLOSE, &args);
}

int bo_export(int fd, uint32_t handle)
{
	struct drm_prime_handle prime = { .handle = handle, .flags = DRM_CLOEXEC | DRM_RDWR };
	int ret = enpu_ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime);

	return ret ? ret : prime.fd;
}

int bo_import(int fd, int dmabuf, uint32_t *handle)
{
	struct drm_prime_handle prime = { .fd = dmabuf };
	int ret = enpu_ioctl(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime);

	*handle = prime.handle;
	return ret;
}

int vm_create(int fd, uint32_t *id)
{
	struct drm_enpu_vm_create args = {};
	int ret = enpu_ioctl(fd, DRM_IOCTL_ENPU_VM_CREATE, &args);

	*id = args.id;
	return ret;
}

int vm_destroy(int fd, uint32_t id)
{
	struct drm_enpu_vm_destroy args = { .id = id };

	return enpu_ioctl(fd, DRM_IOCTL_ENPU_VM_DESTROY, &args);
}

int vm_bind_op(int fd, uint32_t vm, const struct drm_enpu_vm_bind_op *op)
{
	struct drm_enpu_vm_bind args = {
		.vm_id = vm,
		.ops = { .stride = sizeof(*op), .count = 1, .array = (uintptr_t)op },
	};

	return enpu_ioctl(fd, DRM_IOCTL_ENPU_VM_BIND, &args);
}

int vm_map(int fd, uint32_t vm, uint32_t handle, uint64_t offset, uint64_t va, uint64_t size,
	   uint32_t flags)
{
	struct drm_enpu_vm_bind_op op = {
		.type = DRM_ENPU_VM_BIND_MAP,
		.flags = flags,
		.bo_handle = handle,
		.bo_offset = offset,
		.va = va,
		.size = size,
	};

	return vm_bind_op(fd, vm, &op);
}

int vm_unmap(int fd, uint32_t vm, uint64_t va, uint64_t size)
{
	struct drm_enpu_vm_bind_op op = {
		.type = DRM_ENPU_VM_BIND_UNMAP,
		.va = va,
		.size = size,
	};

	return vm_bind_op(fd, vm, &op);
}

int queue_create(int fd, uint32_t vm, uint32_t timeout_ms, uint32_t *id)
{
	struct drm_enpu_queue_create args = {
		.vm_id = vm,
		.priority = DRM_ENPU_PRIORITY_NORMAL,
		.timeout_ms = timeout_ms,
		.label = "kselftest",
	};
	int ret = enpu_ioctl(fd, DRM_IOCTL_ENPU_QUEUE_CREATE, &args);

	*id = args.id;
	return ret;
}

int queue_destroy(int fd, uint32_t id)
{
	struct drm_enpu_queue_destroy args = { .id = id };

	return enpu_ioctl(fd, DRM_IOCTL_ENPU_QUEUE_DESTROY, &args);
}

int queue_query(int fd, uint32_t id, struct drm_enpu_queue_query *query)
{
	*query = (struct drm_enpu_queue_query){ .id = id };
	return enpu_ioctl(fd, DRM_IOCTL_ENPU_QUEUE_QUERY, query);
}

int submit(int fd, uint32_t queue, const struct drm_enpu_command *commands, uint32_t num_commands,
	   const struct drm_enpu_sync *syncs, uint32_t num_syncs)
{
	struct drm_enpu_submit args = {
		.queue_id = queue,
		.commands = { sizeof(*commands), num_commands, (uintptr_t)commands },
		.syncs = { sizeof(*syncs), num_syncs, (uintptr_t)syncs },
	};

	return enpu_ioctl(fd, DRM_IOCTL_ENPU_SUBMIT, &args);
}

int syncobj_create(int fd, uint32_t *handle)
{
	struct drm_syncobj_create args = {};
	int ret = enpu_ioctl(fd, DRM_IOCTL_SYNCOBJ_CREATE, &args);

	*handle = args.handle;
	return ret;
}

int syncobj_destroy(int fd, uint32_t handle)
{
	struct drm_syncobj_destroy args = { .handle = handle };

	return enpu_ioctl(fd, DRM_IOCTL_SYNCOBJ_DESTROY, &args);
}

int syncobj_wait(int fd, uint32_t handle, uint64_t point, int64_t timeout, uint32_t flags)
{
	struct drm_syncobj_timeline_wait timeline = {
		.handles = (uintptr_t)&handle,
		.points = (uintptr_t)&point,
		.timeout_nsec = now_ns() + timeout,
		.count_handles = 1,
		.flags = flags,
	};
	struct drm_syncobj_wait binary = {
		.handles = (uintptr_t)&handle,
		.timeout_nsec = now_ns() + timeout,
		.count_handles = 1,
		.flags = flags,
	};

	return point ? enpu_ioctl(fd, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &timeline) :
		       enpu_ioctl(fd, DRM_IOCTL_SYNCOBJ_WAIT, &binary);
}

int syncobj_export_sync_file(int fd, uint32_t handle)
{
	struct drm_syncobj_handle args = {
		.handle = handle,
		.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
		.fd = -1,
	};
	int ret = enpu_ioctl(fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &args);

	return ret ? ret : args.fd;
}

int sync_file_status(int sync_file)
{
	struct sync_file_info info = {};

	return ioctl(sync_file, SYNC_IOC_FILE_INFO, &info) ? -errno : info.status;
}

/* Room for a command at the end of a stream, started and ordered behind all others */
static void *stream_add(struct stream *stream, uint8_t opcode, uint8_t engine, size_t size)
{
	struct enpu_cmd *cmd = (struct enpu_cmd *)(stream->start + stream->size);

	memset(cmd, 0, size);
	cmd->opcode = opcode;
	cmd->engine = engine;
	cmd->size = size;
	cmd->layer = stream->size / sizeof(struct enpu_cmd);
	memcpy(cmd->wait, stream->issued, sizeof(cmd->wait));
	stream->issued[engine]++;
	stream->size += size;
	return cmd;
}

void stream_nop(struct stream *stream)
{
	stream_add(stream, ENPU_OP_NOP, ENPU_ENGINE_DMA0, sizeof(struct enpu_cmd));
}

void stream_fill(struct stream *stream, uint8_t region, uint64_t offset, uint8_t value,
		 uint32_t length)
{
	struct enpu_cmd_dma *dma = stream_add(stream, ENPU_OP_DMA_FILL, ENPU_ENGINE_DMA0,
					      sizeof(*dma));

	dma->src.region = ENPU_REGION_NONE;
	dma->dst = (struct enpu_ref){ .region = region, .offset = offset };
	dma->length = length;
	dma->count[0] = dma->count[1] = dma->count[2] = dma->count[3] = 1;
	dma->value = value;
	dma->fill_size = 1;
}

void stream_busier(struct stream *stream, uint8_t region, unsigned int times)
{
	struct enpu_cmd_dma *dma = (void *)(stream->start + stream->size);

	stream_fill(stream, region, 0, 0xb5, CTX_AREA);
	/* by stride 0 over and over the same area: 128 MiB each time */
	dma->count[0] = 512;
	dma->count[1] = times;
}

void stream_busy(struct stream *stream, uint8_t region)
{
	stream_busier(stream, region, 1);
}

void stream_copy(struct stream *stream, uint8_t dst, uint64_t dst_offset, uint8_t src,
		 uint64_t src_offset, uint32_t length)
{
	struct enpu_cmd_dma *dma = stream_add(stream, ENPU_OP_DMA_COPY, ENPU_ENGINE_DMA1,
					      sizeof(*dma));

	dma->src = (struct enpu_ref){ .region = src, .offset = src_offset };
	dma->dst = (struct enpu_ref){ .region = dst, .offset = dst_offset };
	dma->length = length;
	dma->count[0] = dma->count[1] = dma->count[2] = dma->count[3] = 1;
}

void ctx_restart(struct ctx *ctx)
{
	ctx->stream = (struct stream){ .start = ctx->mem + CTX_STREAM };
}

int ctx_init(struct ctx *ctx, uint32_t timeout_ms)
{
	int ret;

	memset(ctx, 0, sizeof(*ctx));
	ctx->fd = enpu_open();
	if (ctx->fd < 0)
		return ctx->fd;

	ctx->resets = enpu_info(ctx->fd).reset_count;
	ret = vm_create(ctx->fd, &ctx->vm);
	if (!ret)
		ret = bo_create(ctx->fd, CTX_SIZE, 0, &ctx->bo);
	if (!ret)
		ret = vm_map(ctx->fd, ctx->vm, ctx->bo, 0, CTX_VA, CTX_SIZE, 0);
	if (!ret)
		ret = queue_create(ctx->fd, ctx->vm, timeout_ms, &ctx->queue);
	if (!ret)
		ret = syncobj_create(ctx->fd, &ctx->syncobj);
	if (ret) {
		close(ctx->fd);
		return ret;
	}

	ctx->mem = bo_map(ctx->fd, ctx->bo, CTX_SIZE);
	if (!ctx->mem) {
		ret = -errno;
		close(ctx->fd);
		return ret;
	}
	ctx->regions = (struct enpu_region *)(ctx->mem + CTX_REGIONS);
	ctx->regions[REGION_SRC] = (struct enpu_region){ CTX_VA + CTX_SRC, CTX_AREA };
	ctx->regions[REGION_DST] = (struct enpu_region){ CTX_VA + CTX_DST, CTX_AREA };
	ctx->regions[REGION_UNMAPPED] = (struct enpu_region){ UNMAPPED_VA, CTX_AREA };
	ctx_restart(ctx);

	return 0;
}

void ctx_fini(struct ctx *ctx)
{
	munmap(ctx->mem, CTX_SIZE);
	close(ctx->fd);
}

struct drm_enpu_command ctx_command(struct ctx *ctx)
{
	return (struct drm_enpu_command){
		.stream_va = CTX_VA + CTX_STREAM,
		.stream_size = ctx->stream.size,
		.num_regions = CTX_NUM_REGIONS,
		.regions_va = CTX_VA + CTX_REGIONS,
	};
}

int ctx_submit_to(struct ctx *ctx, uint32_t queue, uint32_t syncobj)
{
	struct drm_enpu_command command = ctx_command(ctx);
	struct drm_enpu_sync sync = { .handle = syncobj, .flags = DRM_ENPU_SYNC_SIGNAL };

	return submit(ctx->fd, queue, &command, 1, &sync, 1);
}

int ctx_submit(struct ctx *ctx)
{
	return ctx_submit_to(ctx, ctx->queue, ctx->syncobj);
}

int ctx_wait_for(struct ctx *ctx, uint32_t syncobj)
{
	int ret, sync_file;

	ret = syncobj_wait(ctx->fd, syncobj, 0, LONG, 0);
	if (ret < 0)
		return ret;
	sync_file = syncobj_export_sync_file(ctx->fd, syncobj);
	if (sync_file < 0)
		return sync_file;
	ret = sync_file_status(sync_file);
	close(sync_file);
	return ret > 0 ? 0 : ret ? ret : -EBUSY;
}

int ctx_wait(struct ctx *ctx)
{
	return ctx_wait_for(ctx, ctx->syncobj);
}

int ctx_check_copy(struct ctx *ctx, uint8_t seed)
{
	uint32_t i, length = KIB(16);
	int ret;

	for (i = 0; i < length; i++) {
		ctx->mem[CTX_SRC + i] = i * 7 + seed;
		ctx->mem[CTX_DST + i] = ~(i * 7 + seed);
	}
	ctx_restart(ctx);
	stream_copy(&ctx->stream, REGION_DST, 0, REGION_SRC, 0, length);
	ret = ctx_submit(ctx);
	if (!ret)
		ret = ctx_wait(ctx);
	if (ret)
		return ret;
	return memcmp(ctx->mem + CTX_DST, ctx->mem + CTX_SRC, length) ? -EBADMSG : 0;
}

size_t user_ring_size(const struct user *user)
{
	size_t page = sysconf(_SC_PAGESIZE);

	return (user->entries * sizeof(struct enpu_job) + page - 1) / page * page;
}

int user_create(struct user *user, int fd, uint32_t vm, uint32_t timeout_ms, uint32_t ring_order)
{
	size_t page = sysconf(_SC_PAGESIZE);
	int ret;

	*user = (struct user){
		.fd = fd,
		.args = {
			.vm_id = vm,
			.mode = DRM_ENPU_QUEUE_USER,
			.priority = DRM_ENPU_PRIORITY_NORMAL,
			.ring_order = ring_order,
			.timeout_ms = timeout_ms,
			.label = "kselftest",
		},
	};
	ret = enpu_ioctl(fd, DRM_IOCTL_ENPU_QUEUE_CREATE, &user->args);
	if (ret)
		return ret;
	user->id = user->args.id;
	user->entries = user->args.ring_entries;

	user->ring = mmap(NULL, user_ring_size(user), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			  user->args.ring_offset);
	user->status = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, user->args.status_offset);
	user->doorbell = mmap(NULL, page, PROT_WRITE, MAP_SHARED, fd,
			      user->args.doorbell_offset);
	return user->ring == MAP_FAILED || user->status == MAP_FAILED ||
	       user->doorbell == MAP_FAILED ? -errno : 0;
}

void user_unmap(struct user *user)
{
	size_t page = sysconf(_SC_PAGESIZE);

	munmap(user->ring, user_ring_size(user));
	munmap(user->status, page);
	munmap(user->doorbell, page);
}

uint64_t user_completed(const struct user *user)
{
	return __atomic_load_n(&user->status->completed, __ATOMIC_ACQUIRE);
}

uint32_t user_state(const struct user *user)
{
	return __atomic_load_n(&user->status->state, __ATOMIC_ACQUIRE);
}

struct enpu_job ctx_job(struct ctx *ctx, uint32_t flags)
{
	return (struct enpu_job){
		.stream_va = CTX_VA + CTX_STREAM,
		.stream_size = ctx->stream.size,
		.flags = flags,
		.regions_va = CTX_VA + CTX_REGIONS,
		.num_regions = CTX_NUM_REGIONS,
	};
}

void user_put(struct user *user, const struct enpu_job *job)
{
	user->ring[user->producer++ & (user->entries - 1)] = *job;
}

void user_ring_doorbell(const struct user *user, uint32_t value)
{
	/* What is in memory comes before what is in the device. */
#ifdef __aarch64__
	__asm__ volatile("dmb oshst" : : : "memory");
#endif
	__atomic_store_n(user->doorbell, value, __ATOMIC_RELEASE);
}

int queue_wait(int fd, uint32_t queue, uint64_t completed, int64_t timeout_ns)
{
	struct drm_enpu_queue_wait args = {
		.id = queue,
		.completed = completed,
		.timeout_ns = timeout_ns,
	};

	return enpu_ioctl(fd, DRM_IOCTL_ENPU_QUEUE_WAIT, &args);
}

int user_wait(const struct user *user)
{
	return queue_wait(user->fd, user->id, user->producer, now_ns() + LONG);
}

int user_run(struct user *user, const struct enpu_job *job)
{
	user_put(user, job);
	user_ring_doorbell(user, user->producer);
	return user_wait(user);
}

int user_check_fill(struct user *user, struct ctx *ctx, uint8_t value)
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

int control(const char *line)
{
	char answer[256] = "", text[64];
	int lock, port, ret = -EIO;
	size_t used = 0;
	ssize_t n;

	lock = open(CONTROL_LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (lock < 0 || flock(lock, LOCK_EX))
		return -errno;
	port = open(CONTROL_PORT, O_RDWR | O_CLOEXEC);
	if (port < 0) {
		close(lock);
		return -ENODEV;
	}
	snprintf(text, sizeof(text), "%s\n", line);
	if (write(port, text, strlen(text)) == (ssize_t)strlen(text)) {
		while (used < sizeof(answer) - 1 && !strchr(answer, '\n')) {
			n = read(port, answer + used, sizeof(answer) - 1 - used);
			if (n <= 0)
				break;
			used += n;
		}
		ret = strncmp(answer, "ok", 2) ? -EIO : 0;
	}
	close(port);
	close(lock);
	return ret;
}

int pci_path(char *path, size_t size)
{
	char link[64], *real;

	if (find("/sys/class/accel/accel*/device", link, sizeof(link)))
		return -ENOENT;
	real = realpath(link, NULL);
	if (!real)
		return -errno;
	snprintf(path, size, "%s", real);
	free(real);
	return 0;
}

int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

int run(const char *command)
{
	int ret = system(command);

	return ret < 0 || !WIFEXITED(ret) ? -ECHILD : WEXITSTATUS(ret);
}

long mem_available(void)
{
	char line[128];
	long kib = -1;
	FILE *file;

	file = fopen("/proc/meminfo", "re");
	while (file && kib < 0 && fgets(line, sizeof(line), file))
		sscanf(line, "MemAvailable: %ld", &kib);
	if (file)
		fclose(file);
	return kib;
}

bool mem_is_back(long before, long slack)
{
	/* KASAN keeps freed memory for a while */
	const char *more = getenv("ENPU_MEMORY_SLACK");
	int64_t end = now_ns() + 10 * SECOND;

	if (more && atol(more) > slack)
		slack = atol(more);

	while (mem_available() < before - slack && now_ns() < end)
		sleep_ms(200);
	return mem_available() >= before - slack;
}

int uevent_open(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)))
		return -errno;
	return fd;
}

/* Is there a variable in this uevent, "NAME=value" with a NUL behind each? */
static bool uevent_has(const char *event, size_t size, const char *variable)
{
	size_t at;

	for (at = 0; at < size; at += strlen(event + at) + 1)
		if (!strcmp(event + at, variable))
			return true;
	return false;
}

int uevent_wait(int fd, const char *variable)
{
	int64_t end = now_ns() + 10 * SECOND;
	struct pollfd poller = { .fd = fd, .events = POLLIN };
	char event[4096];

	while (now_ns() < end) {
		ssize_t size;

		if (poll(&poller, 1, 1000) <= 0)
			continue;
		size = recv(fd, event, sizeof(event) - 1, 0);
		if (size < 0)
			return -errno;
		event[size] = '\0';
		if (uevent_has(event, size, "SUBSYSTEM=accel") &&
		    uevent_has(event, size, "ACTION=change") && uevent_has(event, size, variable))
			return 0;
	}
	return -ETIME;
}
