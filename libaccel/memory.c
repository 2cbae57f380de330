// SPDX-License-Identifier: MIT
/* Memory of a device: a buffer object, mapped for both sides. */
#include <errno.h>
#include <string.h>

#include <enpu/regs.h>

#include "device.h"
#include "error.h"

#define PAGE	(UINT64_C(1) << ENPU_MMU_PAGE_SHIFT)

static int map(struct accel_memory *mem)
{
	mem->map = mem->dev->ops->bo_map(mem->bo);
	if (mem->map)
		return 0;
	return errno ? -errno : -ENOMEM;
}

static int bind(struct accel_memory *mem, uint32_t flags)
{
	struct accel_device *dev = mem->dev;
	int ret = accel_va_alloc(&dev->va, mem->size, &mem->va);

	if (ret)
		return ret;
	ret = dev->ops->vm_bind(dev->vm, mem->va, mem->bo, 0, mem->size, flags);
	if (ret)
		accel_va_free(&dev->va, mem->va);
	return ret;
}

static int create_locked(struct accel_memory *mem, uint32_t flags, const char **doing)
{
	const struct accel_backend_ops *ops = mem->dev->ops;
	int ret;

	*doing = "allocating";
	ret = ops->bo_create(mem->dev->dev, mem->size, &mem->bo);
	if (ret)
		return ret;
	*doing = "mapping";
	ret = map(mem);
	if (!ret) {
		*doing = "binding";
		ret = bind(mem, flags);
	}
	if (ret)
		ops->bo_destroy(mem->bo);
	return ret;
}

int accel_memory_create(struct accel_device *dev, uint64_t size, uint32_t flags, const char *what,
			struct accel_memory *mem, struct accel_error *err)
{
	const char *doing;
	int ret;

	*mem = (struct accel_memory){ 0 };
	if (!size || size > UINT64_MAX - PAGE)
		return accel_fail(err, -EINVAL, "%s: %s: size of %llu bytes", dev->info.id, what,
				  (unsigned long long)size);
	mem->dev = dev;
	mem->size = (size + PAGE - 1) & ~(PAGE - 1);
	pthread_mutex_lock(&dev->lock);
	ret = create_locked(mem, flags, &doing);
	pthread_mutex_unlock(&dev->lock);
	if (ret) {
		*mem = (struct accel_memory){ 0 };
		return accel_fail(err, ret, "%s: %s: %s %llu bytes: %s", dev->info.id, what, doing,
				  (unsigned long long)size, strerror(-ret));
	}
	return 0;
}

void accel_memory_destroy(struct accel_memory *mem)
{
	struct accel_device *dev = mem->dev;

	if (!mem->bo)
		return;
	pthread_mutex_lock(&dev->lock);
	/* If it can't be unbound, its addresses must not be given out again. */
	if (dev->ops->vm_unbind(dev->vm, mem->va, mem->size) == 0)
		accel_va_free(&dev->va, mem->va);
	dev->ops->bo_destroy(mem->bo);
	pthread_mutex_unlock(&dev->lock);
	*mem = (struct accel_memory){ 0 };
}
