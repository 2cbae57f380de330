// SPDX-License-Identifier: MIT
/*
 * The drm backend: NPUs behind the kernel driver "enpu", at /dev/accel/accelN.
 *
 * The interface of a backend is the driver's, so that nearly each function is
 * an ioctl. A queue has one timeline syncobj; a job's point on it is its
 * number. A job failed if the queue did and has not completed that many jobs.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>
#include <xf86drm.h>

#include <drm/enpu_accel.h>
#include <enpu/regs.h>

#include "backend.h"

#define DRIVER		"enpu"
#define NODES		"/dev/accel"
#define SYSFS		"/sys/class/accel"
#define NODE_PREFIX	"accel"

struct accel_backend_device {
	int fd;
	unsigned int minor;
};

struct accel_backend_bo {
	struct accel_backend_device *dev;
	uint32_t handle;
	uint64_t size;
	void *map;
};

struct accel_backend_vm {
	struct accel_backend_device *dev;
	uint32_t id;
};

struct accel_backend_queue {
	struct accel_backend_device *dev;
	uint32_t id;
	uint32_t syncobj;
	uint64_t submitted;
};

static int enpu_ioctl(const struct accel_backend_device *dev, unsigned long request, void *arg)
{
	return drmIoctl(dev->fd, request, arg) ? -errno : 0;
}

/* What /sys/class/accel/accelN/@link points to: its last component; "" if unknown */
static void device_link(unsigned int node, const char *link, char name[NAME_MAX + 1])
{
	char path[sizeof(SYSFS) + NAME_MAX];
	char target[PATH_MAX];
	const char *slash;
	ssize_t len;

	name[0] = '\0';
	snprintf(path, sizeof(path), SYSFS "/" NODE_PREFIX "%u/%s", node, link);
	len = readlink(path, target, sizeof(target) - 1);
	if (len <= 0)
		return;
	target[len] = '\0';
	slash = strrchr(target, '/');
	snprintf(name, NAME_MAX + 1, "%.255s", slash ? slash + 1 : target);
}

static int is_enpu(const struct dirent *entry)
{
	char driver[NAME_MAX + 1];
	const char *digits = entry->d_name + sizeof(NODE_PREFIX) - 1;
	char *end;
	unsigned long node;

	if (strncmp(entry->d_name, NODE_PREFIX, sizeof(NODE_PREFIX) - 1) ||
	    !isdigit((unsigned char)*digits))
		return 0;
	node = strtoul(digits, &end, 10);
	if (*end || node > INT_MAX)
		return 0;
	device_link((unsigned int)node, "device/driver", driver);
	return strcmp(driver, DRIVER) == 0;
}

/* The @index-th node of the driver; returns how many there are */
static int find_node(unsigned int index, unsigned int *node)
{
	struct dirent **entries;
	int count = scandir(SYSFS, &entries, is_enpu, versionsort);

	if (count < 0)
		return 0;
	for (int i = 0; i < count; i++) {
		if ((unsigned int)i == index)
			*node = (unsigned int)strtoul(entries[i]->d_name +
						      sizeof(NODE_PREFIX) - 1, NULL, 10);
		free(entries[i]);
	}
	free(entries);
	return count;
}

static int drm_count(void)
{
	unsigned int node;

	return find_node(UINT_MAX, &node);
}

__attribute__((format(printf, 3, 4)))
static int drm_fail(struct accel_backend_error *err, int code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	return code;
}

static int open_node(const char *path, struct accel_backend_error *err)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0 && errno == EACCES)
		return drm_fail(err, -EACCES,
				"%s: permission denied: the node's group (usually render) may use it",
				path);
	/* it was listed a moment ago */
	if (fd < 0 && (errno == ENOENT || errno == ENXIO))
		return drm_fail(err, -ENODEV, "%s: the device has just gone", path);
	if (fd < 0)
		return drm_fail(err, -errno, "%s: %s", path, strerror(errno));
	return fd;
}

static int check_driver(int fd, const char *path, struct accel_backend_error *err)
{
	drmVersionPtr version = drmGetVersion(fd);
	int ours = version && strcmp(version->name, DRIVER) == 0;

	drmFreeVersion(version);
	if (!ours)
		return drm_fail(err, -ENODEV, "%s: not a device of driver '" DRIVER "'", path);
	return 0;
}

static int drm_open(unsigned int index, struct accel_backend_device **out,
		    struct accel_backend_error *err)
{
	struct accel_backend_error unheard;
	struct accel_backend_device *dev;
	unsigned int node = 0;
	int count = find_node(index, &node);
	char path[64];
	int fd, ret;

	err = err ? err : &unheard;
	if (index >= (unsigned int)count)
		return drm_fail(err, -ENODEV,
				"no such device: driver '" DRIVER "' has %d; is enpu.ko loaded?",
				count);
	snprintf(path, sizeof(path), NODES "/" NODE_PREFIX "%u", node);
	fd = open_node(path, err);
	if (fd < 0)
		return fd;
	ret = check_driver(fd, path, err);
	dev = ret ? NULL : calloc(1, sizeof(*dev));
	if (!dev) {
		close(fd);
		return ret ? ret : drm_fail(err, -ENOMEM, "out of memory");
	}
	dev->fd = fd;
	dev->minor = node;
	*out = dev;
	return 0;
}

static void drm_close(struct accel_backend_device *dev)
{
	close(dev->fd);
	free(dev);
}

static int drm_query(struct accel_backend_device *dev, struct accel_backend_info *info)
{
	struct drm_enpu_dev_info raw = { 0 };
	struct drm_enpu_dev_query query = {
		.type = DRM_ENPU_DEV_QUERY_INFO,
		.size = sizeof(raw),
		.pointer = (uintptr_t)&raw,
	};
	drmVersionPtr version = drmGetVersion(dev->fd);
	char bus[NAME_MAX + 1];
	int ret;

	if (!version)
		return -ENODEV;
	snprintf(info->driver, sizeof(info->driver), "%.16s %d.%d", version->name,
		 version->version_major, version->version_minor);
	drmFreeVersion(version);
	ret = enpu_ioctl(dev, DRM_IOCTL_ENPU_DEV_QUERY, &query);
	if (ret)
		return ret;
	device_link(dev->minor, "device", bus);
	snprintf(info->name, sizeof(info->name), "ENPU %.32s", bus);
	info->arch_version = raw.arch_version;
	info->caps = raw.caps;
	info->opcodes = raw.opcodes;
	info->macs = raw.macs;
	info->sram_bytes = raw.sram_bytes;
	info->sram_bandwidth = raw.sram_bandwidth;
	info->dram_bandwidth = raw.dram_bandwidth;
	info->clock_khz = raw.clock_khz;
	info->num_queues = raw.num_queues;
	info->va_start = raw.va_start;
	info->va_end = raw.va_end;
	return 0;
}

static int drm_bo_create(struct accel_backend_device *dev, uint64_t size,
			 struct accel_backend_bo **out)
{
	struct drm_enpu_bo_create create = { .size = size };
	struct accel_backend_bo *bo = calloc(1, sizeof(*bo));
	int ret;

	if (!bo)
		return -ENOMEM;
	ret = enpu_ioctl(dev, DRM_IOCTL_ENPU_BO_CREATE, &create);
	if (ret) {
		free(bo);
		return ret;
	}
	bo->dev = dev;
	bo->handle = create.handle;
	bo->size = create.size;
	*out = bo;
	return 0;
}

static void drm_bo_destroy(struct accel_backend_bo *bo)
{
	if (bo->map)
		munmap(bo->map, bo->size);
	drmCloseBufferHandle(bo->dev->fd, bo->handle);
	free(bo);
}

static void *drm_bo_map(struct accel_backend_bo *bo)
{
	struct drm_enpu_bo_mmap_offset where = { .handle = bo->handle };
	void *map;
	int ret;

	if (bo->map)
		return bo->map;
	ret = enpu_ioctl(bo->dev, DRM_IOCTL_ENPU_BO_MMAP_OFFSET, &where);
	if (ret) {
		errno = -ret;
		return NULL;
	}
	map = mmap(NULL, bo->size, PROT_READ | PROT_WRITE, MAP_SHARED, bo->dev->fd,
		   (off_t)where.offset);
	if (map == MAP_FAILED)
		return NULL;
	bo->map = map;
	return map;
}

static int drm_vm_create(struct accel_backend_device *dev, struct accel_backend_vm **out)
{
	struct drm_enpu_vm_create create = { 0 };
	struct accel_backend_vm *vm = calloc(1, sizeof(*vm));
	int ret;

	if (!vm)
		return -ENOMEM;
	ret = enpu_ioctl(dev, DRM_IOCTL_ENPU_VM_CREATE, &create);
	if (ret) {
		free(vm);
		return ret;
	}
	vm->dev = dev;
	vm->id = create.id;
	*out = vm;
	return 0;
}

static void drm_vm_destroy(struct accel_backend_vm *vm)
{
	struct drm_enpu_vm_destroy destroy = { .id = vm->id };

	enpu_ioctl(vm->dev, DRM_IOCTL_ENPU_VM_DESTROY, &destroy);
	free(vm);
}

static int change_vm(struct accel_backend_vm *vm, struct drm_enpu_vm_bind_op *op)
{
	struct drm_enpu_vm_bind bind = {
		.vm_id = vm->id,
		.ops = { .stride = sizeof(*op), .count = 1, .array = (uintptr_t)op },
	};

	return enpu_ioctl(vm->dev, DRM_IOCTL_ENPU_VM_BIND, &bind);
}

static int drm_vm_bind(struct accel_backend_vm *vm, uint64_t va, struct accel_backend_bo *bo,
		       uint64_t offset, uint64_t size, uint32_t flags)
{
	struct drm_enpu_vm_bind_op op = {
		.type = DRM_ENPU_VM_BIND_MAP,
		.flags = flags & ACCEL_BACKEND_BIND_READ_ONLY ? DRM_ENPU_VM_BIND_READ_ONLY : 0,
		.bo_handle = bo->handle,
		.bo_offset = offset,
		.va = va,
		.size = size,
	};

	return change_vm(vm, &op);
}

static int drm_vm_unbind(struct accel_backend_vm *vm, uint64_t va, uint64_t size)
{
	struct drm_enpu_vm_bind_op op = {
		.type = DRM_ENPU_VM_BIND_UNMAP,
		.va = va,
		.size = size,
	};

	return change_vm(vm, &op);
}

static const uint32_t priorities[] = {
	[ENPU_PRIORITY_LOW] = DRM_ENPU_PRIORITY_LOW,
	[ENPU_PRIORITY_NORMAL] = DRM_ENPU_PRIORITY_NORMAL,
	[ENPU_PRIORITY_HIGH] = DRM_ENPU_PRIORITY_HIGH,
	[ENPU_PRIORITY_REALTIME] = DRM_ENPU_PRIORITY_REALTIME,
};

static int create_queue(struct accel_backend_queue *queue, uint32_t vm_id,
			const struct accel_backend_queue_attrs *attrs)
{
	struct drm_enpu_queue_create create = {
		.vm_id = vm_id,
		.mode = DRM_ENPU_QUEUE_KERNEL,
		.priority = priorities[attrs->priority],
		.timeout_ms = attrs->timeout_ms,
	};
	int ret;

	snprintf(create.label, sizeof(create.label), "%s", attrs->label);
	ret = enpu_ioctl(queue->dev, DRM_IOCTL_ENPU_QUEUE_CREATE, &create);
	queue->id = create.id;
	return ret;
}

static int drm_queue_create(struct accel_backend_vm *vm,
			    const struct accel_backend_queue_attrs *attrs,
			    struct accel_backend_queue **out)
{
	struct accel_backend_queue *queue;
	int ret;

	if (attrs->priority > ENPU_PRIORITY_REALTIME)
		return -EINVAL;
	queue = calloc(1, sizeof(*queue));
	if (!queue)
		return -ENOMEM;
	queue->dev = vm->dev;
	ret = drmSyncobjCreate(vm->dev->fd, 0, &queue->syncobj) ? -errno : 0;
	if (!ret) {
		ret = create_queue(queue, vm->id, attrs);
		if (ret)
			drmSyncobjDestroy(vm->dev->fd, queue->syncobj);
	}
	if (ret)
		free(queue);
	else
		*out = queue;
	return ret;
}

static void drm_queue_destroy(struct accel_backend_queue *queue)
{
	struct drm_enpu_queue_destroy destroy = { .id = queue->id };

	enpu_ioctl(queue->dev, DRM_IOCTL_ENPU_QUEUE_DESTROY, &destroy);
	drmSyncobjDestroy(queue->dev->fd, queue->syncobj);
	free(queue);
}

static int drm_submit(struct accel_backend_queue *queue, const struct accel_backend_job *job,
		      uint64_t *point)
{
	struct drm_enpu_command command = {
		.stream_va = job->stream_va,
		.stream_size = job->stream_size,
		.num_regions = job->num_regions,
		.regions_va = job->regions_va,
		.profile_va = job->profile_va,
		.cookie = queue->submitted + 1,
	};
	struct drm_enpu_sync sync = {
		.handle = queue->syncobj,
		.flags = DRM_ENPU_SYNC_SIGNAL,
		.point = queue->submitted + 1,
	};
	struct drm_enpu_submit submit = {
		.queue_id = queue->id,
		.commands = {
			.stride = sizeof(command), .count = 1, .array = (uintptr_t)&command,
		},
		.syncs = { .stride = sizeof(sync), .count = 1, .array = (uintptr_t)&sync },
	};
	int ret = enpu_ioctl(queue->dev, DRM_IOCTL_ENPU_SUBMIT, &submit);

	if (!ret)
		*point = ++queue->submitted;
	return ret;
}

/* The moment @timeout_ns from now on the clock of syncobjs */
static int64_t deadline(int64_t timeout_ns)
{
	struct timespec now;
	int64_t ns;

	if (timeout_ns < 0)
		return INT64_MAX;
	if (timeout_ns == 0)
		return 0;
	clock_gettime(CLOCK_MONOTONIC, &now);
	ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	return timeout_ns > INT64_MAX - ns ? INT64_MAX : ns + timeout_ns;
}

static int query_queue(struct accel_backend_queue *queue, struct drm_enpu_queue_query *query)
{
	*query = (struct drm_enpu_queue_query){ .id = queue->id };
	return enpu_ioctl(queue->dev, DRM_IOCTL_ENPU_QUEUE_QUERY, query);
}

static int drm_wait(struct accel_backend_queue *queue, uint64_t point, int64_t timeout_ns)
{
	struct drm_enpu_queue_query query;
	int ret = drmSyncobjTimelineWait(queue->dev->fd, &queue->syncobj, &point, 1,
					 deadline(timeout_ns), DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL,
					 NULL);

	if (ret)
		return ret;
	ret = query_queue(queue, &query);
	if (ret)
		return ret;
	if (query.state == DRM_ENPU_QUEUE_ACTIVE || point <= query.completed)
		return 0;
	if (query.error == ETIME)	/* which says "not yet" to our caller */
		return -ETIMEDOUT;
	return query.error ? -(int)query.error : -EIO;
}

static int export_point(int fd, uint32_t timeline, uint32_t binary, uint64_t point)
{
	int sync_file;

	if (drmSyncobjTransfer(fd, binary, 0, timeline, point, 0))
		return -errno;
	if (drmSyncobjExportSyncFile(fd, binary, &sync_file))
		return -errno;
	return sync_file;
}

static int drm_fence_fd(struct accel_backend_queue *queue, uint64_t point)
{
	int fd = queue->dev->fd;
	uint32_t binary;
	int ret;

	if (drmSyncobjCreate(fd, 0, &binary))
		return -errno;
	ret = export_point(fd, queue->syncobj, binary, point);
	drmSyncobjDestroy(fd, binary);
	return ret;
}

static int drm_queue_fault(struct accel_backend_queue *queue, struct accel_backend_fault *fault)
{
	struct drm_enpu_queue_query query;
	int ret = query_queue(queue, &query);

	if (ret)
		return ret;
	*fault = (struct accel_backend_fault){
		.cause = query.fault_cause,
		.error = (int32_t)query.error,
		.command = query.fault_command,
		.layer = query.fault_layer,
		.opcode = query.fault_opcode,
		.addr = query.fault_addr,
		.job = query.fault_job,
	};
	return 0;
}

const struct accel_backend_ops accel_drm_ops = {
	.abi = ACCEL_BACKEND_ABI,
	.size = sizeof(struct accel_backend_ops),
	.name = "drm",
	.count = drm_count,
	.open = drm_open,
	.close = drm_close,
	.query = drm_query,
	.bo_create = drm_bo_create,
	.bo_destroy = drm_bo_destroy,
	.bo_map = drm_bo_map,
	.vm_create = drm_vm_create,
	.vm_destroy = drm_vm_destroy,
	.vm_bind = drm_vm_bind,
	.vm_unbind = drm_vm_unbind,
	.queue_create = drm_queue_create,
	.queue_destroy = drm_queue_destroy,
	.submit = drm_submit,
	.wait = drm_wait,
	.fence_fd = drm_fence_fd,
	.queue_fault = drm_queue_fault,
};
