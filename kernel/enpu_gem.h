/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Buffer objects.
 */
#ifndef ENPU_GEM_H
#define ENPU_GEM_H

#include <drm/drm_gem_shmem_helper.h>

#include "enpu_device.h"

/**
 * struct enpu_bo - a buffer object
 */
struct enpu_bo {
	/** @shmem: base */
	struct drm_gem_shmem_object shmem;
	/** @pinned: @shmem's pages are here to stay; by the reservation */
	bool pinned;
	/** @sgt: bus addresses of its pages while mapped for DMA; by the bo_lock */
	struct sg_table *sgt;
	/** @node: in &enpu_device.bos while mapped for DMA; by the bo_lock */
	struct list_head node;
};

static inline struct enpu_bo *to_enpu_bo(struct drm_gem_object *obj)
{
	return container_of(to_drm_gem_shmem_obj(obj), struct enpu_bo, shmem);
}

struct drm_gem_object *enpu_gem_create_object(struct drm_device *drm, size_t size);
struct sg_table *enpu_gem_get_sgt(struct drm_gem_object *obj);
u64 enpu_gem_resident(struct enpu_device *enpu);
void enpu_gem_unplug_all(struct enpu_device *enpu);

int enpu_ioctl_bo_create(struct drm_device *drm, void *data, struct drm_file *file);
int enpu_ioctl_bo_mmap_offset(struct drm_device *drm, void *data, struct drm_file *file);

#endif
