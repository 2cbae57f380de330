/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Address spaces.
 */
#ifndef ENPU_VM_H
#define ENPU_VM_H

#include <linux/kref.h>
#include <linux/mutex.h>

#include <drm/drm_gpuvm.h>

#include "enpu_device.h"
#include "enpu_mmu.h"

/**
 * struct enpu_vm - an address space
 */
struct enpu_vm {
	/** @gpuvm: what is mapped where; each mapping holds a reference to it */
	struct drm_gpuvm gpuvm;
	/** @ref: of the file's id and of queues; the last one ends the mappings */
	struct kref ref;
	/** @enpu: the device */
	struct enpu_device *enpu;
	/** @quota: that its mappings are charged to */
	struct enpu_quota *quota;
	/** @lock: guards the mappings, @mapped and @mmu */
	struct mutex lock;
	/** @mapped: bytes of all mappings */
	u64 mapped;
	/** @mmu: its page tables; freed when its number is given back */
	struct enpu_mmu mmu;
	/** @number: of its root register */
	unsigned int number;
};

struct enpu_vm *enpu_vm_lookup(struct enpu_file *file, u32 id);
void enpu_vm_put(struct enpu_vm *vm);
void enpu_vm_unplug_all(struct enpu_device *enpu);
void enpu_vm_revoke(struct drm_gem_object *obj);

static inline struct enpu_vm *enpu_vm_get(struct enpu_vm *vm)
{
	kref_get(&vm->ref);
	return vm;
}

static inline dma_addr_t enpu_vm_root(struct enpu_vm *vm)
{
	return vm->mmu.root->dma;
}

void enpu_vm_close(struct enpu_file *file);
int enpu_ioctl_vm_create(struct drm_device *drm, void *data, struct drm_file *file);
int enpu_ioctl_vm_destroy(struct drm_device *drm, void *data, struct drm_file *file);
int enpu_ioctl_vm_bind(struct drm_device *drm, void *data, struct drm_file *file);

#endif
