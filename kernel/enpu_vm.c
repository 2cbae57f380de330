// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Address spaces
 *
 * drm_gpuvm knows what is mapped where, the page tables (enpu_mmu.c) are made to
 * say the same. VM_BIND is synchronous: it locks the BOs concerned, does all that
 * may fail, changes both, has the device forget what is no more, and only then
 * lets go of BOs. Fences play no part in it; unmapping what a job uses is that
 * job's fault, in both senses.
 *
 * An address space has a root register (its number) from creation until the last
 * of its users, the file's id and queues, has let go, or until the device is
 * unplugged. Its pages are given back only after that register was cleared and
 * the TLB flushed: a process may die at any time, and the device must be off its
 * pages before they have a new owner.
 */

#include <drm/drm_drv.h>
#include <drm/drm_exec.h>
#include <drm/drm_gem.h>
#include <drm/drm_print.h>

#include "enpu_compat.h"
#include "enpu_gem.h"
#include "enpu_quota.h"
#include "enpu_test.h"
#include "enpu_trace.h"
#include "enpu_uapi.h"
#include "enpu_vm.h"

#define ENPU_MAX_VMS_PER_FILE	ENPU_MAX_VMS
#define ENPU_BIND_ALIGN		BIT_ULL(ENPU_MMU_PAGE_SHIFT)

/* One mapping of at least a part of a BO */
struct enpu_mapping {
	struct drm_gpuva va;
	struct list_head node;
};

/*
 * State of one operation, for gpuvm's callbacks. A change of mappings needs at
 * most three new ones: what is mapped, and what is left of others on both sides.
 * Those that end keep their BO until no reservation is locked any more: freeing one
 * locks its own.
 */
struct enpu_bind {
	struct enpu_mapping *spare[3];
	struct enpu_vm *vm;
	struct drm_gpuvm_bo *vm_bo;
	struct list_head ended;
};

static struct enpu_mapping *enpu_bind_take_spare(struct enpu_bind *bind)
{
	struct enpu_mapping *mapping = NULL;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bind->spare) && !mapping; i++)
		swap(mapping, bind->spare[i]);

	return mapping;
}

static void enpu_bind_begin_mapping(struct enpu_bind *bind, struct drm_gpuva *va,
				    struct drm_gpuvm_bo *vm_bo)
{
	bind->vm->mapped += va->va.range;
	drm_gpuva_link(va, vm_bo);
}

static void enpu_bind_end_mapping(struct enpu_bind *bind, struct drm_gpuva *va)
{
	struct enpu_mapping *mapping = container_of(va, struct enpu_mapping, va);

	bind->vm->mapped -= va->va.range;
	drm_gem_object_get(va->gem.obj);
	drm_gpuva_unlink(va);
	list_add_tail(&mapping->node, &bind->ended);
}

static void enpu_bind_free_ended(struct enpu_bind *bind)
{
	struct enpu_mapping *mapping, *next;

	list_for_each_entry_safe(mapping, next, &bind->ended, node) {
		drm_gem_object_put(mapping->va.gem.obj);
		kfree(mapping);
	}
}

static int enpu_vm_step_map(struct drm_gpuva_op *op, void *priv)
{
	struct enpu_bind *bind = priv;
	struct enpu_mapping *mapping = enpu_bind_take_spare(bind);

	drm_gpuva_map(bind->vm_bo->vm, &mapping->va, &op->map);
	enpu_bind_begin_mapping(bind, &mapping->va, bind->vm_bo);

	return 0;
}

static int enpu_vm_step_remap(struct drm_gpuva_op *op, void *priv)
{
	struct drm_gpuva *old = op->remap.unmap->va;
	struct drm_gpuva *prev = NULL, *next = NULL;
	struct enpu_bind *bind = priv;

	if (op->remap.prev)
		prev = &enpu_bind_take_spare(bind)->va;
	if (op->remap.next)
		next = &enpu_bind_take_spare(bind)->va;

	drm_gpuva_remap(prev, next, &op->remap);
	if (prev)
		enpu_bind_begin_mapping(bind, prev, old->vm_bo);
	if (next)
		enpu_bind_begin_mapping(bind, next, old->vm_bo);
	enpu_bind_end_mapping(bind, old);

	return 0;
}

static int enpu_vm_step_unmap(struct drm_gpuva_op *op, void *priv)
{
	drm_gpuva_unmap(&op->unmap);
	enpu_bind_end_mapping(priv, op->unmap.va);

	return 0;
}

static void enpu_vm_free(struct drm_gpuvm *gpuvm)
{
	struct enpu_vm *vm = container_of(gpuvm, struct enpu_vm, gpuvm);

	enpu_quota_put(vm->quota);
	mutex_destroy(&vm->lock);
	kfree(vm);
}

static const struct drm_gpuvm_ops enpu_gpuvm_ops = {
	.vm_free = enpu_vm_free,
	.sm_step_map = enpu_vm_step_map,
	.sm_step_remap = enpu_vm_step_remap,
	.sm_step_unmap = enpu_vm_step_unmap,
};

/* Gives a VM the first free number. */
static int enpu_vm_on(struct enpu_vm *vm)
{
	struct enpu_device *enpu = vm->enpu;
	unsigned int i;

	guard(mutex)(&enpu->vms_lock);

	for (i = 0; i < enpu->info.num_vms && enpu->vms[i]; i++)
		;
	if (i == enpu->info.num_vms)
		return -ENOSPC;

	guard(mutex)(&enpu->hw_lock);
	vm->number = i;
	enpu->vms[i] = vm;
	enpu_device_set_root_locked(enpu, i, enpu_vm_root(vm));

	return 0;
}

/* Gives its number back, and the tables that the device has then forgotten. */
static void enpu_vm_off_locked(struct enpu_vm *vm)
{
	struct enpu_device *enpu = vm->enpu;

	lockdep_assert_held(&enpu->vms_lock);

	if (enpu->vms[vm->number] != vm)
		return;

	/* Who restores the roots in the meantime is not to find it. */
	mutex_lock(&enpu->hw_lock);
	enpu->vms[vm->number] = NULL;
	enpu_device_set_root_locked(enpu, vm->number, 0);
	mutex_unlock(&enpu->hw_lock);
	enpu_device_flush_tlb(enpu, vm->number);
	enpu_mmu_fini(&vm->mmu);
}

/**
 * enpu_vm_unplug_all() - free all page tables
 * @enpu: the device, unplugged and off
 */
void enpu_vm_unplug_all(struct enpu_device *enpu)
{
	unsigned int i;

	guard(mutex)(&enpu->vms_lock);

	for (i = 0; i < enpu->info.num_vms; i++)
		if (enpu->vms[i])
			enpu_vm_off_locked(enpu->vms[i]);
}

/**
 * enpu_vm_revoke() - take a BO away from the device
 * @obj: the BO, its reservation locked
 *
 * In memory reclaim. When it returns, no job can reach the BO's pages. The
 * mappings stay known, as mappings of nothing, until they are unmapped.
 */
void enpu_vm_revoke(struct drm_gem_object *obj)
{
	struct drm_gpuvm_bo *vm_bo;
	struct drm_gpuva *va;

	drm_gem_for_each_gpuvm_bo(vm_bo, obj) {
		struct enpu_vm *vm = container_of(vm_bo->vm, struct enpu_vm, gpuvm);
		bool flush = false;

		drm_gpuvm_bo_for_each_va(va, vm_bo)
			flush |= enpu_mmu_revoke(&vm->mmu, va->va.addr, va->va.range);
		if (flush)
			enpu_device_flush_tlb(vm->enpu, vm->number);
	}
}

static struct enpu_vm *enpu_vm_create(struct enpu_device *enpu, struct enpu_quota *quota)
{
	struct drm_gem_object *resv;
	struct enpu_vm *vm;
	int ret;

	vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	if (!vm)
		return ERR_PTR(-ENOMEM);

	vm->enpu = enpu;
	vm->quota = enpu_quota_get(quota);
	kref_init(&vm->ref);
	mutex_init(&vm->lock);

	ret = enpu_mmu_init(&vm->mmu, enpu->drm.dev);
	if (ret)
		goto err_free;

	resv = drm_gpuvm_resv_object_alloc(&enpu->drm);
	if (!resv) {
		ret = -ENOMEM;
		goto err_mmu;
	}

	drm_gpuvm_init(&vm->gpuvm, "enpu", 0, &enpu->drm, resv, 0, enpu->info.va_end, 0, 0,
		       &enpu_gpuvm_ops);
	drm_gem_object_put(resv);

	/* from now on others see it */
	ret = enpu_vm_on(vm);
	if (ret) {
		enpu_mmu_fini(&vm->mmu);
		drm_gpuvm_put(&vm->gpuvm);
		return ERR_PTR(ret);
	}

	return vm;

err_mmu:
	enpu_mmu_fini(&vm->mmu);
err_free:
	enpu_vm_free(&vm->gpuvm);
	return ERR_PTR(ret);
}

static void enpu_vm_release(struct kref *ref)
{
	struct enpu_vm *vm = container_of(ref, struct enpu_vm, ref);
	struct drm_gpuva *va, *next;

	mutex_lock(&vm->enpu->vms_lock);
	enpu_vm_off_locked(vm);
	mutex_unlock(&vm->enpu->vms_lock);

	drm_gpuvm_for_each_va_safe(va, next, &vm->gpuvm) {
		struct drm_gem_object *obj = va->gem.obj;

		drm_gem_object_get(obj);
		dma_resv_lock(obj->resv, NULL);
		drm_gpuva_remove(va);
		drm_gpuva_unlink(va);
		kfree(container_of(va, struct enpu_mapping, va));
		dma_resv_unlock(obj->resv);
		drm_gem_object_put(obj);
	}
	enpu_quota_uncharge(vm->quota, ENPU_QUOTA_VA_BYTES, vm->mapped);
	drm_gpuvm_put(&vm->gpuvm);
}

/**
 * enpu_vm_put() - drop a reference
 * @vm: the VM
 *
 * May sleep until the device is off its pages.
 */
void enpu_vm_put(struct enpu_vm *vm)
{
	kref_put(&vm->ref, enpu_vm_release);
}

/**
 * enpu_vm_lookup() - find a file's VM
 * @file: the file
 * @id: of the VM
 *
 * Return: a new reference, or NULL.
 */
struct enpu_vm *enpu_vm_lookup(struct enpu_file *file, u32 id)
{
	struct enpu_vm *vm;

	xa_lock(&file->vms);
	vm = xa_load(&file->vms, id);
	if (vm)
		enpu_vm_get(vm);
	xa_unlock(&file->vms);

	return vm;
}

/**
 * enpu_vm_close() - drop all VMs of a file
 * @file: the file, which nobody uses any more
 */
void enpu_vm_close(struct enpu_file *file)
{
	struct enpu_vm *vm;
	unsigned long id;

	xa_for_each(&file->vms, id, vm)
		enpu_vm_put(vm);
	xa_destroy(&file->vms);
}

/**
 * enpu_ioctl_vm_create() - create an address space
 * @drm: the device
 * @data: struct drm_enpu_vm_create
 * @file: the caller
 *
 * Return: 0 or a negative errno.
 */
int enpu_ioctl_vm_create(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct enpu_file *efile = file->driver_priv;
	struct drm_enpu_vm_create *args = data;
	struct enpu_vm *vm;
	int ret, idx;

	if (args->flags)
		return -EINVAL;
	if (!drm_dev_enter(drm, &idx))
		return -ENODEV;

	vm = enpu_vm_create(to_enpu_device(drm), efile->quota);
	if (IS_ERR(vm)) {
		ret = PTR_ERR(vm);
		goto out;
	}
	ret = xa_alloc(&efile->vms, &args->id, vm, XA_LIMIT(1, ENPU_MAX_VMS_PER_FILE),
		       GFP_KERNEL_ACCOUNT);
	if (ret)
		enpu_vm_put(vm);
out:
	drm_dev_exit(idx);
	return ret == -EBUSY ? -ENOSPC : ret;
}

/**
 * enpu_ioctl_vm_destroy() - drop an address space
 * @drm: the device
 * @data: struct drm_enpu_vm_destroy
 * @file: the caller
 *
 * Return: 0 or a negative errno.
 */
int enpu_ioctl_vm_destroy(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct enpu_file *efile = file->driver_priv;
	struct drm_enpu_vm_destroy *args = data;
	struct enpu_vm *vm;

	if (args->pad)
		return -EINVAL;

	vm = xa_erase(&efile->vms, args->id);
	if (!vm)
		return -ENOENT;
	enpu_vm_put(vm);

	return 0;
}

VISIBLE_IF_KUNIT int enpu_vm_check_op(struct enpu_vm *vm, const struct drm_enpu_vm_bind_op *op)
{
	const struct drm_enpu_dev_info *info = &vm->enpu->info;

	if (op->pad || !op->size || !IS_ALIGNED(op->va | op->size | op->bo_offset, ENPU_BIND_ALIGN))
		return -EINVAL;
	if (op->va < info->va_start || op->va >= info->va_end ||
	    op->size > info->va_end - op->va)
		return -EINVAL;

	switch (op->type) {
	case DRM_ENPU_VM_BIND_MAP:
		return op->flags & ~DRM_ENPU_VM_BIND_READ_ONLY ? -EINVAL : 0;
	case DRM_ENPU_VM_BIND_UNMAP:
		return op->flags || op->bo_handle || op->bo_offset ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}

/* The BOs are locked. Returns whether a TLB flush is needed, or an error. */
static int enpu_vm_map_locked(struct enpu_vm *vm, const struct drm_enpu_vm_bind_op *op,
			      struct drm_gem_object *obj, struct enpu_bind *bind)
{
	struct sg_table *sgt = enpu_gem_get_sgt(obj);
	int ret;

	if (IS_ERR(sgt))
		return PTR_ERR(sgt);

	ret = enpu_mmu_prepare_map(&vm->mmu, op->va, op->size, sgt, op->bo_offset);
	if (ret)
		return ret;

	bind->vm_bo = drm_gpuvm_bo_obtain_locked(&vm->gpuvm, obj);
	if (IS_ERR(bind->vm_bo))
		return PTR_ERR(bind->vm_bo);

	ret = enpu_gpuvm_sm_map(&vm->gpuvm, bind, op->va, op->size, obj, op->bo_offset);
	if (!ret)
		ret = enpu_mmu_map(&vm->mmu, op->va, op->size, sgt, op->bo_offset,
				   !(op->flags & DRM_ENPU_VM_BIND_READ_ONLY));
	drm_gpuvm_bo_put(bind->vm_bo);

	return ret;
}

static int enpu_vm_unmap_locked(struct enpu_vm *vm, const struct drm_enpu_vm_bind_op *op,
				struct enpu_bind *bind)
{
	int ret;

	ret = enpu_mmu_prepare_unmap(&vm->mmu, op->va, op->size);
	if (ret)
		return ret;

	ret = drm_gpuvm_sm_unmap(&vm->gpuvm, bind, op->va, op->size);
	if (ret)
		return ret;

	return enpu_mmu_unmap(&vm->mmu, op->va, op->size);
}

static int enpu_vm_bind_op(struct enpu_vm *vm, const struct drm_enpu_vm_bind_op *op,
			   struct drm_gem_object *obj, struct enpu_bind *bind)
{
	u64 charged = obj ? op->size : 0;
	struct drm_exec exec;
	int ret;

	/* as if it replaced nothing: what it did replace, and a failure, are given back */
	ret = enpu_quota_charge(vm->quota, ENPU_QUOTA_VA_BYTES, charged);
	if (ret)
		return ret;

	mutex_lock(&vm->lock);
	charged += vm->mapped;
	drm_exec_init(&exec, DRM_EXEC_IGNORE_DUPLICATES, 0);
	drm_exec_until_all_locked(&exec) {
		/* only a lock clears contention: without one, there is nothing to retry */
		ret = 0;
		if (obj) {
			ret = drm_exec_lock_obj(&exec, obj);
			drm_exec_retry_on_contention(&exec);
		}
		if (!ret)
			ret = drm_gpuvm_prepare_range(&vm->gpuvm, &exec, op->va, op->size, 0);
		drm_exec_retry_on_contention(&exec);
		if (ret)
			goto out;
	}

	if (obj) {
		ret = enpu_vm_map_locked(vm, op, obj, bind);
		trace_enpu_vm_map(vm, op, ret);
	} else {
		ret = enpu_vm_unmap_locked(vm, op, bind);
		trace_enpu_vm_unmap(vm, op, ret);
	}

	if (ret > 0 || !list_empty(&vm->mmu.retired)) {
		enpu_device_flush_tlb(vm->enpu, vm->number);
		enpu_mmu_free_retired(&vm->mmu);
	}
out:
	drm_exec_fini(&exec);
	enpu_quota_uncharge(vm->quota, ENPU_QUOTA_VA_BYTES, charged - vm->mapped);
	mutex_unlock(&vm->lock);
	/* BOs that are no longer mapped may die here: after the flush */
	enpu_bind_free_ended(bind);

	return min(ret, 0);
}

static int enpu_vm_bind_one(struct enpu_vm *vm, const struct drm_enpu_vm_bind_op *op,
			    struct drm_file *file)
{
	struct drm_gem_object *obj = NULL;
	struct enpu_bind bind = { .vm = vm, .ended = LIST_HEAD_INIT(bind.ended) };
	unsigned int i;
	int ret;

	ret = enpu_vm_check_op(vm, op);
	if (ret)
		return ret;

	if (op->type == DRM_ENPU_VM_BIND_MAP) {
		obj = drm_gem_object_lookup(file, op->bo_handle);
		if (!obj)
			return -ENOENT;
		if (op->bo_offset >= obj->size || op->size > obj->size - op->bo_offset) {
			ret = -EINVAL;
			goto out;
		}
	}

	for (i = 0; i < ARRAY_SIZE(bind.spare); i++) {
		bind.spare[i] = kzalloc(sizeof(*bind.spare[i]), GFP_KERNEL_ACCOUNT);
		if (!bind.spare[i]) {
			ret = -ENOMEM;
			goto out;
		}
	}

	ret = enpu_vm_bind_op(vm, op, obj, &bind);
out:
	for (i = 0; i < ARRAY_SIZE(bind.spare); i++)
		kfree(bind.spare[i]);
	if (obj)
		drm_gem_object_put(obj);

	return ret;
}

/**
 * enpu_ioctl_vm_bind() - change an address space
 * @drm: the device
 * @data: struct drm_enpu_vm_bind
 * @file: the caller
 *
 * Return: 0 or a negative errno; never one that has the caller retry, as the
 * count of operations has been overwritten.
 */
int enpu_ioctl_vm_bind(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_enpu_vm_bind *args = data;
	const struct drm_enpu_array ops = args->ops;
	struct enpu_vm *vm;
	int ret, idx;

	args->ops.count = 0;
	if (args->flags)
		return -EINVAL;
	ret = enpu_check_array(&ops, sizeof(struct drm_enpu_vm_bind_op), U32_MAX);
	if (ret)
		return ret;
	if (!drm_dev_enter(drm, &idx))
		return -ENODEV;

	vm = enpu_vm_lookup(file->driver_priv, args->vm_id);
	if (!vm) {
		drm_dev_exit(idx);
		return -ENOENT;
	}

	while (args->ops.count < ops.count) {
		struct drm_enpu_vm_bind_op op;

		ret = enpu_copy_element(&op, sizeof(op), &ops, args->ops.count);
		if (!ret)
			ret = enpu_vm_bind_one(vm, &op, file);
		/* there may be billions: whoever wants us to stop comes first */
		if (!ret && (fatal_signal_pending(current) || drm_dev_is_unplugged(drm)))
			ret = -ENODEV;
		if (ret)
			break;
		args->ops.count++;
		cond_resched();
	}

	enpu_vm_put(vm);
	drm_dev_exit(idx);

	return ret;
}
