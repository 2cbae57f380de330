/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The device: registers, interrupt vectors, reset, and what every other file
 * hangs on it.
 */
#ifndef ENPU_DEVICE_H
#define ENPU_DEVICE_H

#include <linux/bitmap.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include <drm/drm_device.h>
#include <drm/drm_file.h>
#include <drm/drm_vma_manager.h>

#include <drm/enpu_accel.h>
#include <enpu/regs.h>

#include "enpu_account.h"

#ifdef __BIG_ENDIAN
#error "The structs that the device reads are accessed as they are: little endian only"
#endif

struct enpu_coredump;
struct enpu_device;
struct enpu_queue;
struct enpu_vm;

/**
 * struct enpu_vector - what an interrupt handler gets
 */
struct enpu_vector {
	/** @enpu: the device */
	struct enpu_device *enpu;
	/** @index: of the MSI-X vector */
	unsigned int index;
	/** @irq: Linux's number for it */
	int irq;
};

/**
 * struct enpu_device - one ENPU
 */
struct enpu_device {
	/** @drm: base; its lifetime is that of the last file or queue */
	struct drm_device drm;
	/** @pdev: the PCI function */
	struct pci_dev *pdev;
	/** @regs: BAR 0; valid while @hw_on */
	void __iomem *regs;
	/** @info: what DEV_QUERY tells; constant after probe but for reset_count */
	struct drm_enpu_dev_info info;
	/** @doorbell_offset: of queue 0's doorbell in BAR 0 */
	u32 doorbell_offset;
	/** @doorbell_stride: to the next queue's */
	u32 doorbell_stride;
	/** @num_vectors: that we got */
	unsigned int num_vectors;
	/** @vectors: one for each handler */
	struct enpu_vector vectors[ENPU_MSIX_VECTORS];

	/**
	 * @hw_lock: who may change what the machine does: its queue slots, roots,
	 * TLB and reset. Recovery takes it, with fences waiting behind: no memory is
	 * allocated and no reservation is locked under it.
	 */
	struct mutex hw_lock;
	/**
	 * @hw_on: the machine may be touched, and may access memory; by @hw_lock. While
	 * it sleeps it is not on and knows nothing: what is in @slots and @vms is told
	 * to it when it wakes.
	 */
	bool hw_on;
	/** @hw_gone: it will not be on again; by @hw_lock */
	bool hw_gone;
	/** @away: others are resetting the PCI function; not on until it is back; by @hw_lock */
	bool away;
	/** @pci_state: of the configuration space, for when a reset made it forget that */
	struct pci_saved_state *pci_state;
	/** @resets: how often the machine has forgotten everything, by @hw_lock */
	u32 resets;
	/** @tlb_asked: invalidations asked for since the last reset, by @hw_lock */
	u32 tlb_asked;
	/** @slots: who has which hardware queue; written under @hw_lock, RCU to read */
	struct enpu_queue __rcu *slots[ENPU_MAX_QUEUES];
	/** @doorbells_given: slots whose doorbell a process may have; by @hw_lock */
	DECLARE_BITMAP(doorbells_given, ENPU_MAX_QUEUES);
	/** @vms_lock: taken before @hw_lock by who changes @vms */
	struct mutex vms_lock;
	/** @vms: who has which root register; written under both locks, read under one */
	struct enpu_vm *vms[ENPU_MAX_VMS];

	/** @accounts: who has used it how much */
	struct enpu_accounts accounts;

	/**
	 * @bo_lock: guards @bos and @purgeable; memory is reclaimed under it, so none
	 * is allocated
	 */
	struct mutex bo_lock;
	/** @bos: BOs that are mapped for DMA */
	struct list_head bos;
	/** @huge_mnt: where large BOs have their files; NULL: where DRM puts them */
	struct vfsmount *huge_mnt;
	/** @purgeable: BOs with pages that nobody needs, in the order in which that was said */
	struct list_head purgeable;
	/** @purgeable_pages: how many pages they have; changed by @bo_lock */
	unsigned long purgeable_pages;
	/** @shrinker: gives those back when memory is short */
	struct shrinker *shrinker;

	/** @user_offsets: where in the device file USER queues are */
	struct drm_vma_offset_manager user_offsets;

	/** @next_boost: before that, CLOCK_MONOTONIC ns, no deadline makes a queue HIGH */
	atomic64_t next_boost;

	/** @submit_wq: where drm_sched runs and frees jobs; ordered */
	struct workqueue_struct *submit_wq;
	/** @recovery_wq: where watchdogs and resets run */
	struct workqueue_struct *recovery_wq;
	/** @reset_work: a device-wide reset that an interrupt asked for */
	struct work_struct reset_work;
	/** @wedged_work: tells userspace of a reset */
	struct work_struct wedged_work;
	/** @coredump: where a failure is noted */
	struct enpu_coredump *coredump;
	/** @away_work: gives up a device that does not come back */
	struct delayed_work away_work;
	/** @gone_work: takes the node away when the device has died */
	struct work_struct gone_work;
	/** @unplug_once: bit 0: unplugged, by gone_work or by remove */
	unsigned long unplug_once;
};

static inline struct enpu_device *to_enpu_device(struct drm_device *drm)
{
	return container_of(drm, struct enpu_device, drm);
}

/**
 * struct enpu_file - one open of the device
 */
struct enpu_file {
	/** @enpu: the device */
	struct enpu_device *enpu;
	/** @vms: by id */
	struct xarray vms;
	/** @queues: by id */
	struct xarray queues;
	/** @quota: of who opened it */
	struct enpu_quota *quota;
	/** @past_lock: guards @past */
	spinlock_t past_lock;
	/** @past: use by queues that are no more */
	struct enpu_usage past;
};

static inline u32 enpu_read(struct enpu_device *enpu, u32 reg)
{
	return readl(enpu->regs + reg);
}

static inline void enpu_write(struct enpu_device *enpu, u32 reg, u32 value)
{
	writel(value, enpu->regs + reg);
}

/* Who has a hardware queue, if anybody */
static inline struct enpu_queue *enpu_device_queue_locked(struct enpu_device *enpu,
							  unsigned int slot)
{
	return rcu_dereference_protected(enpu->slots[slot], lockdep_is_held(&enpu->hw_lock));
}

int enpu_device_init(struct enpu_device *enpu);
void enpu_device_off(struct enpu_device *enpu);
void enpu_device_unplug(struct enpu_device *enpu);

int enpu_device_timestamp(struct enpu_device *enpu, struct drm_enpu_dev_timestamp *timestamp);
bool enpu_device_alive(struct enpu_device *enpu);
void enpu_device_restore_locked(struct enpu_device *enpu);

int enpu_device_poll(struct enpu_device *enpu, u32 reg, u32 mask, u32 value,
		     unsigned int timeout_ms);
void enpu_device_set_root_locked(struct enpu_device *enpu, unsigned int vm,
				 dma_addr_t root);
void enpu_device_flush_tlb(struct enpu_device *enpu, unsigned int vm);

#endif
