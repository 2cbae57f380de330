// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Purgeable BOs
 *
 * Who says by BO_MADVISE that a BO's contents don't matter lets the kernel take its
 * pages when memory is short. BOs that have pages and were given up so are on a list,
 * oldest first, which a shrinker goes through.
 *
 * A purge asks nobody. Jobs name no BOs, so nobody knows whether one that runs uses
 * it: it faults if it does, as when its owner had unmapped the BO. What a purge does
 * guarantee is its order: translations are cleared in all address spaces and the
 * device has forgotten them, then CPU mappings are cut, then the pages are given back.
 * All mappings stay known; accesses by them are faults of the device and SIGBUS of the
 * CPU. A purged BO gets no new pages.
 *
 * A BO that is or was shared as a dma-buf is never purgeable: others can't be told.
 *
 * Locks
 * -----
 *
 * Reclaim can come from any allocation, and so with an address space and BOs locked.
 * What is purged has its reservation locked, by a trylock: who has it may be waiting
 * for this very memory. It keeps mappings of the BO from coming and going. Waited for
 * are only the bo_lock, &enpu_mmu.lock and &enpu_device.hw_lock, under which nobody
 * allocates; lockdep is told so when they are made. On the other side no fence is
 * waited for, so what signals fences may take part in all this.
 *
 * No references are taken: a BO on the list is not freed before it has left it, under
 * the bo_lock. A last reference that is dropped here would have to lock a reservation.
 *
 * drm_gem_lru was not taken for that reason. The shrinker doesn't know memory
 * cgroups, as those of other drivers: a limit of one doesn't purge.
 */

#include <linux/sched/mm.h>
#include <linux/shrinker.h>

#include <drm/drm_managed.h>

#include "enpu_gem.h"
#include "enpu_vm.h"

static unsigned long enpu_shrinker_pages(struct enpu_bo *bo)
{
	return bo->shmem.base.size >> PAGE_SHIFT;
}

static struct enpu_device *enpu_shrinker_device(struct enpu_bo *bo)
{
	return to_enpu_device(bo->shmem.base.dev);
}

/**
 * enpu_shrinker_forget_locked() - a BO must not be purged any more
 * @bo: the BO, under the bo_lock
 */
void enpu_shrinker_forget_locked(struct enpu_bo *bo)
{
	struct enpu_device *enpu = enpu_shrinker_device(bo);

	lockdep_assert_held(&enpu->bo_lock);

	if (list_empty(&bo->purgeable))
		return;

	list_del_init(&bo->purgeable);
	WRITE_ONCE(enpu->purgeable_pages, enpu->purgeable_pages - enpu_shrinker_pages(bo));
}

/**
 * enpu_shrinker_update() - a BO got pages, or its contents another worth
 * @bo: the BO, its reservation locked
 */
void enpu_shrinker_update(struct enpu_bo *bo)
{
	struct enpu_device *enpu = enpu_shrinker_device(bo);

	dma_resv_assert_held(bo->shmem.base.resv);

	guard(mutex)(&enpu->bo_lock);

	enpu_shrinker_forget_locked(bo);
	if (bo->shmem.madv <= 0 || !bo->pinned)
		return;

	list_add_tail(&bo->purgeable, &enpu->purgeable);
	WRITE_ONCE(enpu->purgeable_pages, enpu->purgeable_pages + enpu_shrinker_pages(bo));
}

static unsigned long enpu_shrinker_count(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct enpu_device *enpu = shrinker->private_data;

	return READ_ONCE(enpu->purgeable_pages) ?: SHRINK_EMPTY;
}

static bool enpu_shrinker_purge_locked(struct enpu_bo *bo)
{
	struct drm_gem_object *obj = &bo->shmem.base;

	if (!dma_resv_trylock(obj->resv))
		return false;

	bo->shmem.madv = -1;
	enpu_vm_revoke(obj);
	enpu_gem_drop_pages(bo);
	/* Counted until now, so that others in need wait for it. */
	enpu_shrinker_forget_locked(bo);
	dma_resv_unlock(obj->resv);

	return true;
}

static unsigned long enpu_shrinker_scan(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct enpu_device *enpu = shrinker->private_data;
	unsigned long freed = 0, scanned = 0;
	LIST_HEAD(busy);

	/* Who has the lock may be at the same: give up, and it comes to an OOM meanwhile. */
	mutex_lock(&enpu->bo_lock);
	while (scanned < sc->nr_to_scan && !list_empty(&enpu->purgeable)) {
		struct enpu_bo *bo = list_first_entry(&enpu->purgeable, struct enpu_bo, purgeable);

		scanned += enpu_shrinker_pages(bo);
		if (enpu_shrinker_purge_locked(bo))
			freed += enpu_shrinker_pages(bo);
		else
			list_move_tail(&bo->purgeable, &busy);
	}
	list_splice_tail(&busy, &enpu->purgeable);
	mutex_unlock(&enpu->bo_lock);

	sc->nr_scanned = scanned;

	return freed ?: SHRINK_STOP;
}

static void enpu_shrinker_fini(struct drm_device *drm, void *shrinker)
{
	shrinker_free(shrinker);
}

/**
 * enpu_shrinker_init() - have memory given back when it is short
 * @enpu: the device
 *
 * Return: 0 or -ENOMEM.
 */
int enpu_shrinker_init(struct enpu_device *enpu)
{
	/* Tell lockdep, so that it needs no shortage to find who allocates under it. */
	fs_reclaim_acquire(GFP_KERNEL);
	might_lock(&enpu->bo_lock);
	might_lock(&enpu->hw_lock);
	fs_reclaim_release(GFP_KERNEL);

	enpu->shrinker = shrinker_alloc(0, "enpu-bo:%s", dev_name(enpu->drm.dev));
	if (!enpu->shrinker)
		return -ENOMEM;

	enpu->shrinker->count_objects = enpu_shrinker_count;
	enpu->shrinker->scan_objects = enpu_shrinker_scan;
	enpu->shrinker->private_data = enpu;
	shrinker_register(enpu->shrinker);

	return drmm_add_action_or_reset(&enpu->drm, enpu_shrinker_fini, enpu->shrinker);
}

/**
 * enpu_ioctl_bo_madvise() - say whether a BO's contents matter
 * @drm: the device
 * @data: struct drm_enpu_bo_madvise
 * @file: the caller
 *
 * Return: 0 or a negative errno.
 */
int enpu_ioctl_bo_madvise(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_enpu_bo_madvise *args = data;
	struct drm_gem_object *obj;
	struct enpu_bo *bo;
	int ret;

	if (args->pad || args->advice > DRM_ENPU_MADV_DONTNEED)
		return -EINVAL;

	obj = drm_gem_object_lookup(file, args->handle);
	if (!obj)
		return -ENOENT;

	bo = to_enpu_bo(obj);
	ret = dma_resv_lock_interruptible(obj->resv, NULL);
	if (ret)
		goto out;

	if (obj->import_attach || bo->shared) {
		ret = -EBUSY;
	} else {
		if (bo->shmem.madv >= 0)
			bo->shmem.madv = args->advice == DRM_ENPU_MADV_DONTNEED;
		args->retained = bo->shmem.madv >= 0;
		enpu_shrinker_update(bo);
	}
	dma_resv_unlock(obj->resv);
out:
	drm_gem_object_put(obj);
	return ret;
}
