// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Buffer objects
 *
 * Shmem pages, by the DRM helpers. A BO gets its pages when it is first mapped, for
 * the CPU or for the device, and keeps them until it is freed, as the device cannot
 * take a page fault; or until it is purged (enpu_shrinker.c). For that to give the
 * memory back, the pages are the BO's: CPU mappings hold no references to them, as they
 * would with the helpers' vm_ops.
 *
 * Cached on the CPU's side, or write-combined if asked for; the device's accesses are
 * coherent with both. There is no uncached mode: nothing would gain by it.
 *
 * The pages are huge ones where they fit and can be had: the device then has blocks of
 * 2 MiB in its tables. Where its address isn't aligned as the memory is, or memory is
 * fragmented, it has pages of 4 KiB and nobody sees a difference but by the time.
 *
 * BOs that are mapped for DMA are on a list, because the mappings must go when
 * the driver is unbound, while the BOs and their pages live as long as somebody
 * has a handle, a dma-buf or an mmap().
 */

#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/shmem_fs.h>
#include <linux/sizes.h>

#include <drm/drm_drv.h>
#include <drm/drm_managed.h>
#include <drm/drm_print.h>
#include <drm/drm_vma_manager.h>

#include "enpu_compat.h"
#include "enpu_gem.h"
#include "enpu_quota.h"

/* Under the device's bo_lock */
static void enpu_gem_unmap_dma(struct enpu_bo *bo)
{
	if (!bo->sgt)
		return;

	list_del_init(&bo->node);
	dma_unmap_sgtable(bo->shmem.base.dev->dev, bo->sgt, DMA_BIDIRECTIONAL, 0);
	sg_free_table(bo->sgt);
	kfree(bo->sgt);
	bo->sgt = NULL;
}

static void enpu_gem_free(struct drm_gem_object *obj)
{
	struct enpu_device *enpu = to_enpu_device(obj->dev);
	struct enpu_bo *bo = to_enpu_bo(obj);

	mutex_lock(&enpu->bo_lock);
	enpu_shrinker_forget_locked(bo);
	enpu_gem_unmap_dma(bo);
	mutex_unlock(&enpu->bo_lock);

	if (bo->pinned) {
		dma_resv_lock(obj->resv, NULL);
		drm_gem_shmem_unpin_locked(&bo->shmem);
		dma_resv_unlock(obj->resv);
	}
	if (bo->quota) {
		enpu_quota_uncharge(bo->quota, ENPU_QUOTA_BO_BYTES, obj->size);
		enpu_quota_put(bo->quota);
	}
	drm_gem_shmem_free(&bo->shmem);
}

static enum drm_gem_object_status enpu_gem_status(struct drm_gem_object *obj)
{
	struct drm_gem_shmem_object *shmem = to_drm_gem_shmem_obj(obj);
	enum drm_gem_object_status status = 0;

	if (shmem->pages || obj->import_attach)
		status |= DRM_GEM_OBJECT_RESIDENT;
	if (shmem->madv > 0)
		status |= DRM_GEM_OBJECT_PURGEABLE;

	return status;
}

static int enpu_gem_pin_locked(struct enpu_bo *bo)
{
	int ret;

	if (bo->shmem.madv < 0)
		return -ESTALE;
	if (bo->pinned)
		return 0;

	ret = drm_gem_shmem_pin_locked(&bo->shmem);
	if (ret) {
		/*
		 * Those pages that it did get stay in the page cache, and in the caller's
		 * memory cgroup: full as that is then, its next fault would be an OOM kill.
		 */
		if (!bo->shared)
			shmem_truncate_range(file_inode(bo->shmem.base.filp), 0, (loff_t)-1);
		return ret;
	}
	bo->pinned = true;
	enpu_shrinker_update(bo);

	return 0;
}

/**
 * enpu_gem_drop_pages() - give a BO's memory back
 * @bo: the BO, which the device can't reach; its reservation and the bo_lock are held
 *
 * In memory reclaim. CPU mappings stay, as mappings of nothing.
 */
void enpu_gem_drop_pages(struct enpu_bo *bo)
{
	struct drm_gem_object *obj = &bo->shmem.base;
	struct inode *inode = file_inode(obj->filp);

	enpu_gem_unmap_dma(bo);
	drm_vma_node_unmap(&obj->vma_node, obj->dev->anon_inode->i_mapping);
	/* Not the other way round: DRM looks at huge pages again while it unpins them. */
	drm_gem_shmem_unpin_locked(&bo->shmem);
	bo->pinned = false;
	shmem_truncate_range(inode, 0, (loff_t)-1);
}

/* Once it was exported, nobody knows who uses it. */
static struct dma_buf *enpu_gem_export(struct drm_gem_object *obj, int flags)
{
	struct enpu_bo *bo = to_enpu_bo(obj);
	int madv;

	dma_resv_lock(obj->resv, NULL);
	madv = bo->shmem.madv;
	bo->shared = !madv;
	dma_resv_unlock(obj->resv);
	if (madv)
		return ERR_PTR(madv < 0 ? -ESTALE : -EBUSY);

	return drm_gem_prime_export(obj, flags);
}

static vm_fault_t enpu_gem_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct drm_gem_object *obj = vma->vm_private_data;
	struct enpu_bo *bo = to_enpu_bo(obj);
	pgoff_t page = vmf->pgoff - drm_vma_node_start(&obj->vma_node);
	vm_fault_t ret = VM_FAULT_SIGBUS;

	dma_resv_lock(obj->resv, NULL);
	if (bo->pinned && page < obj->size >> PAGE_SHIFT)
		ret = vmf_insert_pfn(vma, vmf->address, page_to_pfn(bo->shmem.pages[page]));
	dma_resv_unlock(obj->resv);

	return ret;
}

static const struct vm_operations_struct enpu_gem_vm_ops = {
	.fault = enpu_gem_fault,
	.open = drm_gem_vm_open,
	.close = drm_gem_vm_close,
};

static int enpu_gem_mmap(struct drm_gem_object *obj, struct vm_area_struct *vma)
{
	struct enpu_bo *bo = to_enpu_bo(obj);
	int ret;

	/* the exporter's business */
	if (obj->import_attach)
		return drm_gem_shmem_object_mmap(obj, vma);
	if ((vma->vm_flags & (VM_SHARED | VM_MAYWRITE)) == VM_MAYWRITE)
		return -EINVAL;

	dma_resv_lock(obj->resv, NULL);
	ret = enpu_gem_pin_locked(bo);
	dma_resv_unlock(obj->resv);
	if (ret)
		return ret;

	vm_flags_set(vma, VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_page_prot = vm_get_page_prot(vma->vm_flags);
	if (bo->shmem.map_wc)
		vma->vm_page_prot = pgprot_writecombine(vma->vm_page_prot);

	return 0;
}

static const struct drm_gem_object_funcs enpu_gem_funcs = {
	.free = enpu_gem_free,
	.print_info = drm_gem_shmem_object_print_info,
	.pin = drm_gem_shmem_object_pin,
	.unpin = drm_gem_shmem_object_unpin,
	.get_sg_table = drm_gem_shmem_object_get_sg_table,
	.vmap = drm_gem_shmem_object_vmap,
	.vunmap = drm_gem_shmem_object_vunmap,
	.mmap = enpu_gem_mmap,
	.export = enpu_gem_export,
	.status = enpu_gem_status,
	.vm_ops = &enpu_gem_vm_ops,
};

static void enpu_gem_fini(struct drm_device *drm, void *mnt)
{
	enpu_huge_mnt_destroy(mnt);
}

/**
 * enpu_gem_init() - have memory for BOs
 * @enpu: the device
 *
 * Return: 0 or -ENOMEM.
 */
int enpu_gem_init(struct enpu_device *enpu)
{
	int ret = enpu_huge_mnt_create(&enpu->drm, &enpu->huge_mnt);

	/* say, as the kernel has none */
	if (ret)
		drm_info(&enpu->drm, "no huge pages (%d)\n", ret);

	return drmm_add_action_or_reset(&enpu->drm, enpu_gem_fini, enpu->huge_mnt);
}

/**
 * enpu_gem_create_object() - &drm_driver.gem_create_object
 * @drm: the device
 * @size: of the BO
 *
 * Return: the object for the shmem helpers to fill in, or an ERR_PTR.
 */
struct drm_gem_object *enpu_gem_create_object(struct drm_device *drm, size_t size)
{
	struct enpu_bo *bo = kzalloc(sizeof(*bo), GFP_KERNEL_ACCOUNT);

	if (!bo)
		return ERR_PTR(-ENOMEM);

	INIT_LIST_HEAD(&bo->node);
	INIT_LIST_HEAD(&bo->purgeable);
	bo->shmem.base.funcs = &enpu_gem_funcs;

	return &bo->shmem.base;
}

/**
 * enpu_gem_get_sgt() - pin a BO's pages and map them for DMA
 * @obj: the BO, its reservation locked; within drm_dev_enter()
 *
 * Return: the pages' bus addresses, owned by the BO, or an ERR_PTR.
 */
struct sg_table *enpu_gem_get_sgt(struct drm_gem_object *obj)
{
	struct enpu_device *enpu = to_enpu_device(obj->dev);
	struct enpu_bo *bo = to_enpu_bo(obj);
	struct sg_table *sgt;
	int ret;

	dma_resv_assert_held(obj->resv);

	if (obj->import_attach)
		return bo->shmem.sgt;
	if (bo->sgt)
		return bo->sgt;

	ret = enpu_gem_pin_locked(bo);
	if (ret)
		return ERR_PTR(ret);

	sgt = drm_gem_shmem_get_sg_table(&bo->shmem);
	if (IS_ERR(sgt))
		return sgt;
	ret = dma_map_sgtable(obj->dev->dev, sgt, DMA_BIDIRECTIONAL, 0);
	if (ret) {
		sg_free_table(sgt);
		kfree(sgt);
		return ERR_PTR(ret);
	}

	guard(mutex)(&enpu->bo_lock);
	bo->sgt = sgt;
	list_add_tail(&bo->node, &enpu->bos);

	return sgt;
}

/**
 * enpu_gem_resident() - memory that the device works with
 * @enpu: the device
 *
 * Return: bytes of all BOs that are mapped for DMA; imported ones are somebody
 * else's.
 */
u64 enpu_gem_resident(struct enpu_device *enpu)
{
	struct enpu_bo *bo;
	u64 size = 0;

	guard(mutex)(&enpu->bo_lock);

	list_for_each_entry(bo, &enpu->bos, node)
		size += bo->shmem.base.size;

	return size;
}

/**
 * enpu_gem_unplug_all() - undo all DMA mappings
 * @enpu: the device, unplugged and off
 *
 * The exporter of an imported BO is not ours to command: its attachment goes
 * with the BO, and with the attachment what most exporters have mapped for it
 * (cache_sgt_mapping), as DRM has it for all drivers. DMA-API debugging complains.
 */
void enpu_gem_unplug_all(struct enpu_device *enpu)
{
	struct enpu_bo *bo, *next;

	guard(mutex)(&enpu->bo_lock);

	list_for_each_entry_safe(bo, next, &enpu->bos, node)
		enpu_gem_unmap_dma(bo);
}

/**
 * enpu_ioctl_bo_create() - create a BO
 * @drm: the device
 * @data: struct drm_enpu_bo_create
 * @file: the caller
 *
 * Return: 0 or a negative errno.
 */
int enpu_ioctl_bo_create(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct enpu_device *enpu = to_enpu_device(drm);
	struct enpu_file *efile = file->driver_priv;
	struct drm_enpu_bo_create *args = data;
	struct drm_gem_shmem_object *shmem;
	int ret;

	if (args->flags & ~DRM_ENPU_BO_WRITE_COMBINE)
		return -EINVAL;
	if (!args->size || args->size > enpu->info.va_end - enpu->info.va_start)
		return -EINVAL;
	/* All of it has to be resident at once. */
	if (args->size >> PAGE_SHIFT >= totalram_pages())
		return -ENOMEM;

	shmem = drm_gem_shmem_create(drm, args->size);
	if (IS_ERR(shmem))
		return PTR_ERR(shmem);

	shmem->map_wc = args->flags & DRM_ENPU_BO_WRITE_COMBINE;
	args->size = shmem->base.size;
	ret = enpu_quota_charge(efile->quota, ENPU_QUOTA_BO_BYTES, args->size);
	if (ret)
		goto out;
	to_enpu_bo(&shmem->base)->quota = enpu_quota_get(efile->quota);
	ret = args->size < SZ_2M ? 0 : enpu_huge_mnt_use(enpu->huge_mnt, &shmem->base);
	if (!ret)
		ret = drm_gem_handle_create(file, &shmem->base, &args->handle);
out:
	drm_gem_object_put(&shmem->base);

	return ret;
}

/**
 * enpu_ioctl_bo_mmap_offset() - where to mmap() a BO
 * @drm: the device
 * @data: struct drm_enpu_bo_mmap_offset
 * @file: the caller
 *
 * Return: 0 or a negative errno.
 */
int enpu_ioctl_bo_mmap_offset(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_enpu_bo_mmap_offset *args = data;
	struct drm_gem_object *obj;
	int ret = -EINVAL;

	if (args->pad)
		return -EINVAL;

	obj = drm_gem_object_lookup(file, args->handle);
	if (!obj)
		return -ENOENT;

	if (!obj->import_attach) {
		ret = drm_gem_create_mmap_offset(obj);
		args->offset = drm_vma_node_offset_addr(&obj->vma_node);
	}
	drm_gem_object_put(obj);

	return ret;
}
