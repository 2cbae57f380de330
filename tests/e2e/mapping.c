// SPDX-License-Identifier: MIT
/*
 * ioctl() as libdrm calls it, which remembers the largest mapping.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "drm/enpu_accel.h"
#include "mapping.h"

static struct mapping largest;

static void remember(int fd, const struct drm_enpu_vm_bind *bind)
{
	uint32_t i;

	for (i = 0; i < bind->ops.count; i++) {
		struct drm_enpu_vm_bind_op op = { 0 };

		memcpy(&op, (const char *)(uintptr_t)bind->ops.array + (size_t)i * bind->ops.stride,
		       bind->ops.stride < sizeof(op) ? bind->ops.stride : sizeof(op));
		if (op.type != DRM_ENPU_VM_BIND_MAP || op.size <= largest.size)
			continue;
		largest = (struct mapping){
			.fd = fd, .vm_id = bind->vm_id, .bo_handle = op.bo_handle,
			.flags = op.flags, .bo_offset = op.bo_offset, .va = op.va, .size = op.size,
		};
	}
}

/* Exported, so that libdrm's calls come here */
__attribute__((visibility("default")))
int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;
	long ret;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	ret = syscall(SYS_ioctl, fd, request, arg);
	if (!ret && request == DRM_IOCTL_ENPU_VM_BIND)
		remember(fd, arg);
	return ret;
}

static int bind_one(const struct mapping *mapping, const struct drm_enpu_vm_bind_op *op)
{
	struct drm_enpu_vm_bind bind = {
		.vm_id = mapping->vm_id,
		.ops = { sizeof(*op), 1, (uintptr_t)op },
	};

	return syscall(SYS_ioctl, mapping->fd, DRM_IOCTL_ENPU_VM_BIND, &bind) ? -1 : 0;
}

int mapping_take_away(struct mapping *mapping)
{
	const uint64_t quarter = largest.size / 4 & ~UINT64_C(4095);
	struct drm_enpu_vm_bind_op op = {
		.type = DRM_ENPU_VM_BIND_UNMAP,
		.va = largest.va + quarter,
		.size = 2 * quarter,
	};

	if (!quarter) {
		errno = ENOENT;
		return -1;
	}
	*mapping = largest;
	mapping->bo_offset += quarter;
	mapping->va = op.va;
	mapping->size = op.size;
	return bind_one(mapping, &op);
}

int mapping_put_back(const struct mapping *mapping)
{
	struct drm_enpu_vm_bind_op op = {
		.type = DRM_ENPU_VM_BIND_MAP,
		.flags = mapping->flags,
		.bo_handle = mapping->bo_handle,
		.bo_offset = mapping->bo_offset,
		.va = mapping->va,
		.size = mapping->size,
	};

	return bind_one(mapping, &op);
}
