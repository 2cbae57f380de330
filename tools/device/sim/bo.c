// SPDX-License-Identifier: MIT
/*
 * Buffers: anonymous memory, zeroed by the kernel, shared with the worker by
 * being in the same process.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "sim.h"

int sim_bo_create(struct accel_backend_device *dev, uint64_t size, struct accel_backend_bo **out)
{
	struct accel_backend_bo *bo;

	if (!size || size > SIM_VA_END)
		return -EINVAL;
	bo = calloc(1, sizeof(*bo));
	if (!bo)
		return -ENOMEM;
	atomic_store(&bo->refs, 1);
	bo->size = (size + SIM_PAGE - 1) & ~(SIM_PAGE - 1);
	bo->map = mmap(NULL, bo->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (bo->map == MAP_FAILED) {
		free(bo);
		return -ENOMEM;
	}
	*out = bo;
	return 0;
}

void sim_bo_ref(struct accel_backend_bo *bo)
{
	atomic_fetch_add(&bo->refs, 1);
}

void sim_bo_put(struct accel_backend_bo *bo)
{
	if (atomic_fetch_sub(&bo->refs, 1) != 1)
		return;
	munmap(bo->map, bo->size);
	free(bo);
}

void *sim_bo_map(struct accel_backend_bo *bo)
{
	return bo->map;
}
