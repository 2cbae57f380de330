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
	/** @shmem: base; its madv is 0, or 1: purgeable, or negative: purged; by the reservation */
	struct drm_gem_shmem_object shmem;
	/** @pinned: @shmem's pages are here until it is freed or purged; by the reservation */
	bool pinned;
	/** @quota: that it is charged to; NULL: none, it is imported */
	struct enpu_quota *quota;
	/** @shared: it was exported once; by the reservation */
	bool shared;
	/** @sgt: bus addresses of its pages while mapped for DMA; by the bo_lock */
	struct sg_table *sgt;
	/** @node: in &enpu_device.bos while mapped for DMA; by the bo_lock */
	struct list_head node;
	/** @purgeable: in &enpu_device.purgeable; by the bo_lock */
	struct list_head purgeable;
};

static inline struct enpu_bo *to_enpu_bo(struct drm_gem_object *obj)
{
	return container_of(to_drm_gem_shmem_obj(obj), struct enpu_bo, shmem);
}

int enpu_gem_init(struct enpu_device *enpu);
struct drm_gem_object *enpu_gem_create_object(struct drm_device *drm, size_t size);
struct sg_table *enpu_gem_get_sgt(struct drm_gem_object *obj);
u64 enpu_gem_resident(struct enpu_device *enpu);
void enpu_gem_drop_pages(struct enpu_bo *bo);
void enpu_gem_unplug_all(struct enpu_device *enpu);

/* In enpu_shrinker.c */
int enpu_shrinker_init(struct enpu_device *enpu);
void enpu_shrinker_update(struct enpu_bo *bo);
void enpu_shrinker_forget_locked(struct enpu_bo *bo);
int enpu_ioctl_bo_madvise(struct drm_device *drm, void *data, struct drm_file *file);

int enpu_ioctl_bo_create(struct drm_device *drm, void *data, struct drm_file *file);
int enpu_ioctl_bo_mmap_offset(struct drm_device *drm, void *data, struct drm_file *file);

#endif
