// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: The device
 *
 * Everything that concerns the machine as a whole: finding it sane, interrupt
 * vectors, TLB invalidation, and the ways in which it ends. Its reset is part of
 * recovery (enpu_reset.c).
 *
 * The machine is touched under &enpu_device.hw_lock while &enpu_device.hw_on,
 * except for the doorbell (under the queue's own lock, while the queue runs and is
 * not parked). When @hw_on falls, under the lock, the machine can no longer reach
 * memory: what it used can be freed. Either it sleeps and is told everything anew
 * when it wakes (enpu_pm.c), or it is gone, and the queues have been failed.
 *
 * A machine ends in one of three ways, all by the same road. Driver unbind: the
 * device is unplugged from DRM, then reset and turned off. Death: a register reads
 * all ones, or a reset fails; bus mastering is turned off, the queues are failed
 * with ENODEV at once, and a work item unplugs. Both: unbind after death finds
 * everything done.
 *
 * MMIO reads are slow (11 us under emulation), writes are not: there is no read
 * on the way of a job, neither down nor up.
 */

#include <linux/delay.h>
#include <linux/iopoll.h>
#include <linux/ktime.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_managed.h>
#include <drm/drm_print.h>

#include "enpu_coredump.h"
#include "enpu_device.h"
#include "enpu_gem.h"
#include "enpu_pm.h"
#include "enpu_queue.h"
#include "enpu_reset.h"
#include "enpu_trace.h"
#include "enpu_user.h"
#include "enpu_vm.h"

#define ENPU_TLB_TIMEOUT_MS	5000

/* Addresses below catch pointers that are nearly null */
#define ENPU_VA_START		0x100000ull

static u64 enpu_read64(struct enpu_device *enpu, u32 reg)
{
	u64 lo = enpu_read(enpu, reg);

	return lo | (u64)enpu_read(enpu, reg + 4) << 32;
}

/**
 * enpu_device_timestamp() - read the device's clock, and ours before and after
 * @enpu: the device, within drm_dev_enter()
 * @timestamp: gets what DRM_ENPU_DEV_QUERY_TIMESTAMP gives
 *
 * Wakes the device.
 *
 * Return: 0, -EIO while the device is being reset from outside, -ENODEV if it is
 * gone, or another negative errno.
 */
int enpu_device_timestamp(struct enpu_device *enpu, struct drm_enpu_dev_timestamp *timestamp)
{
	u64 before, device = 0, half = 0;
	int ret;

	ret = enpu_pm_get(enpu);
	if (ret)
		return ret;

	/* Also makes one of reading a latched register pair. */
	mutex_lock(&enpu->hw_lock);
	before = ktime_get_ns();
	if (enpu->hw_on) {
		device = enpu_read64(enpu, ENPU_REG_TIME_LO);
		half = (ktime_get_ns() - before) / 2;
	} else {
		ret = enpu->hw_gone ? -ENODEV : -EIO;
	}
	mutex_unlock(&enpu->hw_lock);
	enpu_pm_put(enpu);

	*timestamp = (struct drm_enpu_dev_timestamp) {
		.device_ns = device,
		.cpu_ns = before + half,
		.uncertainty_ns = half,
	};

	return ret;
}

/**
 * enpu_device_alive() - does the device still answer?
 * @enpu: the device, under its hw_lock and on
 *
 * Return: whether a register that can't change reads as it should.
 */
bool enpu_device_alive(struct enpu_device *enpu)
{
	return enpu_read(enpu, ENPU_REG_MAGIC) == ENPU_MAGIC;
}

/**
 * enpu_device_poll() - wait until a register has a value
 * @enpu: the device, under its hw_lock and on
 * @reg: register
 * @mask: which bits
 * @value: what they shall be
 * @timeout_ms: how long to wait
 *
 * Sleeps ever longer between two looks.
 *
 * Return: 0, -ETIMEDOUT, or -ENODEV if the device is gone.
 */
int enpu_device_poll(struct enpu_device *enpu, u32 reg, u32 mask, u32 value,
		     unsigned int timeout_ms)
{
	ktime_t end = ktime_add_ms(ktime_get(), timeout_ms);
	unsigned int us = 20;
	bool late;

	for (;;) {
		u32 now;

		late = ktime_after(ktime_get(), end);
		now = enpu_read(enpu, reg);
		if (now == U32_MAX && !enpu_device_alive(enpu))
			return -ENODEV;
		if ((now & mask) == value)
			return 0;
		if (late)
			return -ETIMEDOUT;
		usleep_range(us, 2 * us);
		us = min(2 * us, 2000u);
	}
}

static void enpu_device_enable_events(struct enpu_device *enpu)
{
	enpu_write(enpu, ENPU_REG_EVENTS, U32_MAX);
	enpu_write(enpu, ENPU_REG_EVENT_ENABLE, ENPU_EVENT_FATAL);
}

/**
 * enpu_device_set_root_locked() - give an address space its tables
 * @enpu: the device
 * @vm: number of the address space
 * @root: bus address of its root table; 0: none
 */
void enpu_device_set_root_locked(struct enpu_device *enpu, unsigned int vm, dma_addr_t root)
{
	lockdep_assert_held(&enpu->hw_lock);

	if (!enpu->hw_on)
		return;

	enpu_write(enpu, ENPU_REG_VM_ROOT_HI(vm), upper_32_bits(root));
	enpu_write(enpu, ENPU_REG_VM_ROOT_LO(vm),
		   root ? lower_32_bits(root) | ENPU_VM_ROOT_VALID : 0);
}

/**
 * enpu_device_restore_locked() - tell the machine what a reset made it forget
 * @enpu: the device, reset and on
 */
void enpu_device_restore_locked(struct enpu_device *enpu)
{
	unsigned int i;

	lockdep_assert_held(&enpu->hw_lock);

	enpu->resets++;
	enpu->tlb_asked = 0;
	for (i = 0; i < enpu->info.num_vms; i++)
		if (enpu->vms[i])
			enpu_device_set_root_locked(enpu, i, enpu_vm_root(enpu->vms[i]));
	enpu_device_enable_events(enpu);
}

/**
 * enpu_device_flush_tlb() - make the device forget old translations
 * @enpu: the device
 * @vm: number of the address space
 *
 * When it returns, the device makes no more accesses by what was in the tables
 * before. That holds whatever happens: a device that doesn't comply is reset.
 * The lock is not held while it waits, so that recovery can help.
 */
void enpu_device_flush_tlb(struct enpu_device *enpu, unsigned int vm)
{
	ktime_t began = ktime_get();
	ktime_t end = ktime_add_ms(began, ENPU_TLB_TIMEOUT_MS);
	unsigned int us = 20;
	u32 resets, number;

	mutex_lock(&enpu->hw_lock);
	resets = enpu->resets;
	number = ++enpu->tlb_asked;
	if (enpu->hw_on)
		enpu_write(enpu, ENPU_REG_TLB_INVALIDATE, vm);

	while (enpu->hw_on && enpu->resets == resets) {
		bool late = ktime_after(ktime_get(), end);
		u32 done = enpu_read(enpu, ENPU_REG_TLB_DONE);

		if (done == U32_MAX && !enpu_device_alive(enpu)) {
			enpu_reset_gone_locked(enpu);
			break;
		}
		if ((s32)(done - number) >= 0)
			break;
		if (late) {
			drm_err(&enpu->drm, "TLB invalidation does not complete\n");
			enpu_coredump_take_locked(enpu, NULL, ENPU_COREDUMP_TLB, 0);
			enpu_reset_device_locked(enpu);
			break;
		}
		mutex_unlock(&enpu->hw_lock);
		usleep_range(us, 2 * us);
		us = min(2 * us, 2000u);
		mutex_lock(&enpu->hw_lock);
	}
	mutex_unlock(&enpu->hw_lock);
	trace_enpu_tlb_flush(enpu, vm, began);
}

static irqreturn_t enpu_device_events(struct enpu_device *enpu)
{
	u32 events = enpu_read(enpu, ENPU_REG_EVENTS);

	if (!events || events == U32_MAX)
		return IRQ_NONE;

	enpu_write(enpu, ENPU_REG_EVENTS, events);
	if (events & ENPU_EVENT_FATAL)
		queue_work(enpu->recovery_wq, &enpu->reset_work);

	return IRQ_HANDLED;
}

/* Vector 0 has events, the others queues in turn; a lone vector has both. */
static irqreturn_t enpu_device_irq(int irq, void *data)
{
	const struct enpu_vector *vector = data;
	struct enpu_device *enpu = vector->enpu;
	unsigned int step = max(enpu->num_vectors - 1, 1u);
	unsigned int i = vector->index ? vector->index - 1 : 0;
	irqreturn_t ret = IRQ_NONE;

	if (!vector->index)
		ret = enpu_device_events(enpu);
	if (!vector->index && enpu->num_vectors > 1)
		return ret;

	rcu_read_lock();
	for (; i < enpu->info.num_queues; i += step) {
		struct enpu_queue *queue = rcu_dereference(enpu->slots[i]);

		if (queue && enpu_queue_irq(queue))
			ret = IRQ_HANDLED;
	}
	rcu_read_unlock();

	return ret;
}

static int enpu_device_init_irqs(struct enpu_device *enpu)
{
	unsigned int wanted = min3(enpu_read(enpu, ENPU_REG_NUM_VECTORS),
				   enpu->info.num_queues + 1, (u32)ENPU_MSIX_VECTORS);
	struct pci_dev *pdev = enpu->pdev;
	unsigned int i;
	int ret;

	ret = pci_alloc_irq_vectors(pdev, 1, wanted, PCI_IRQ_MSIX);
	if (ret < 0)
		return dev_err_probe(&pdev->dev, ret, "no MSI-X vector\n");

	enpu->num_vectors = ret;
	for (i = 0; i < enpu->num_vectors; i++) {
		struct enpu_vector *vector = &enpu->vectors[i];

		vector->enpu = enpu;
		vector->index = i;
		vector->irq = pci_irq_vector(pdev, i);
		ret = devm_request_irq(&pdev->dev, vector->irq, enpu_device_irq, 0, "enpu",
				       vector);
		if (ret)
			return dev_err_probe(&pdev->dev, ret, "vector %u\n", i);
	}

	return 0;
}

/* What the registers say must fit what the driver was written for. */
static int enpu_device_discover(struct enpu_device *enpu)
{
	struct drm_enpu_dev_info *info = &enpu->info;
	struct device *dev = &enpu->pdev->dev;
	u32 magic = enpu_read(enpu, ENPU_REG_MAGIC);
	u64 doorbells_end;

	if (magic != ENPU_MAGIC)
		return dev_err_probe(dev, -ENODEV, "not an ENPU: magic is 0x%08x\n", magic);

	info->arch_version = enpu_read(enpu, ENPU_REG_VERSION);
	if (info->arch_version >> 16 != ENPU_VERSION_1_0 >> 16)
		return dev_err_probe(dev, -ENODEV, "architecture %u.%u is not known\n",
				     info->arch_version >> 16, info->arch_version & 0xffff);
	if (enpu_read(enpu, ENPU_REG_VA_BITS) != ENPU_VA_BITS)
		return dev_err_probe(dev, -ENODEV, "size of address spaces is not known\n");

	info->implementation = enpu_read(enpu, ENPU_REG_IMPLEMENTATION);
	info->caps = enpu_read(enpu, ENPU_REG_CAPS);
	info->opcodes = enpu_read64(enpu, ENPU_REG_OPCODES_LO);
	info->num_queues = clamp(enpu_read(enpu, ENPU_REG_NUM_QUEUES), 1, ENPU_MAX_QUEUES);
	info->num_vms = clamp(enpu_read(enpu, ENPU_REG_NUM_VMS), 1, ENPU_MAX_VMS);
	info->macs = enpu_read(enpu, ENPU_REG_MACS);
	info->sram_bytes = enpu_read(enpu, ENPU_REG_SRAM_BYTES);
	info->sram_bandwidth = enpu_read(enpu, ENPU_REG_SRAM_BANDWIDTH);
	info->dram_bandwidth = enpu_read(enpu, ENPU_REG_DRAM_BANDWIDTH);
	info->clock_khz = enpu_read(enpu, ENPU_REG_CLOCK_KHZ);
	info->max_ring_order = clamp(enpu_read(enpu, ENPU_REG_MAX_RING_ORDER),
				     ENPU_MIN_RING_ORDER, ENPU_MAX_RING_ORDER);
	info->va_start = ENPU_VA_START;
	info->va_end = 1ull << ENPU_VA_BITS;
	info->default_timeout_ms = enpu_queue_default_timeout();
	info->max_timeout_ms = ENPU_QUEUE_MAX_TIMEOUT_MS;

	enpu->doorbell_offset = enpu_read(enpu, ENPU_REG_DOORBELL_OFFSET);
	enpu->doorbell_stride = enpu_read(enpu, ENPU_REG_DOORBELL_STRIDE);
	doorbells_end = enpu->doorbell_offset + (u64)enpu->doorbell_stride * info->num_queues;
	if (doorbells_end > ENPU_BAR_REGS_SIZE)
		return dev_err_probe(dev, -ENODEV, "doorbells are outside of BAR 0\n");
	if (!PAGE_ALIGNED(enpu->doorbell_offset | enpu->doorbell_stride))
		return dev_err_probe(dev, -ENODEV, "doorbells share a page\n");

	return 0;
}

static void enpu_device_destroy_wq(struct drm_device *drm, void *wq)
{
	destroy_workqueue(wq);
}

static void enpu_device_free_pci_state(void *state)
{
	kfree(state);
}

/* pci_save_state() has but one copy, and power management uses it up. */
static int enpu_device_save_pci_state(struct enpu_device *enpu)
{
	struct pci_dev *pdev = enpu->pdev;

	pci_save_state(pdev);
	enpu->pci_state = pci_store_saved_state(pdev);
	if (!enpu->pci_state)
		return -ENOMEM;

	return devm_add_action_or_reset(&pdev->dev, enpu_device_free_pci_state, enpu->pci_state);
}

static int enpu_device_init_software(struct enpu_device *enpu)
{
	struct drm_device *drm = &enpu->drm;
	int ret;

	INIT_LIST_HEAD(&enpu->bos);
	INIT_LIST_HEAD(&enpu->purgeable);
	enpu_reset_init(enpu);
	ret = enpu_coredump_init(enpu);
	if (ret)
		return ret;

	ret = drmm_mutex_init(drm, &enpu->hw_lock);
	if (ret)
		return ret;
	ret = drmm_mutex_init(drm, &enpu->vms_lock);
	if (ret)
		return ret;
	ret = drmm_mutex_init(drm, &enpu->bo_lock);
	if (ret)
		return ret;
	ret = enpu_gem_init(enpu);
	if (ret)
		return ret;
	ret = enpu_shrinker_init(enpu);
	if (ret)
		return ret;
	ret = enpu_account_init(enpu);
	if (ret)
		return ret;

	ret = enpu_user_init_device(enpu);
	if (ret)
		return ret;

	enpu->submit_wq = alloc_ordered_workqueue("enpu-submit", WQ_MEM_RECLAIM);
	if (!enpu->submit_wq)
		return -ENOMEM;
	ret = drmm_add_action_or_reset(drm, enpu_device_destroy_wq, enpu->submit_wq);
	if (ret)
		return ret;

	enpu->recovery_wq = alloc_workqueue("enpu-recovery", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!enpu->recovery_wq)
		return -ENOMEM;

	return drmm_add_action_or_reset(drm, enpu_device_destroy_wq, enpu->recovery_wq);
}

/**
 * enpu_device_init() - bring the device up
 * @enpu: the device; drm and pdev are set
 *
 * Return: 0 or a negative errno.
 */
int enpu_device_init(struct enpu_device *enpu)
{
	struct pci_dev *pdev = enpu->pdev;
	int ret;

	ret = enpu_device_init_software(enpu);
	if (ret)
		return ret;

	ret = pcim_enable_device(pdev);
	if (ret)
		return dev_err_probe(&pdev->dev, ret, "cannot be enabled\n");
	if (pci_resource_len(pdev, ENPU_BAR_REGS) < ENPU_BAR_REGS_SIZE)
		return dev_err_probe(&pdev->dev, -ENODEV, "BAR 0 is too small\n");
	enpu->regs = pcim_iomap_region(pdev, ENPU_BAR_REGS, "enpu");
	if (IS_ERR(enpu->regs))
		return dev_err_probe(&pdev->dev, PTR_ERR(enpu->regs), "BAR 0\n");
	ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(52));
	if (ret)
		return dev_err_probe(&pdev->dev, ret, "DMA mask\n");
	dma_set_max_seg_size(&pdev->dev, UINT_MAX);

	ret = enpu_device_discover(enpu);
	if (ret)
		return ret;
	/* Whatever a former driver left, it makes no access from here on. */
	ret = enpu_reset_hw(enpu);
	if (ret)
		return dev_err_probe(&pdev->dev, ret, "reset does not complete\n");
	pci_set_master(pdev);
	ret = enpu_device_init_irqs(enpu);
	if (ret)
		goto err_master;
	ret = enpu_device_save_pci_state(enpu);
	if (ret)
		goto err_master;

	enpu->hw_on = true;
	enpu_device_enable_events(enpu);

	return 0;

err_master:
	pci_clear_master(pdev);
	return ret;
}

/**
 * enpu_device_off() - turn the machine off for good
 * @enpu: the device
 *
 * Fails what is pending. When it returns, the machine does not access memory.
 */
void enpu_device_off(struct enpu_device *enpu)
{
	guard(mutex)(&enpu->hw_lock);

	if (enpu->hw_gone)
		return;

	if (enpu->hw_on && enpu_reset_hw(enpu))
		drm_err(&enpu->drm, "reset does not complete\n");
	pci_clear_master(enpu->pdev);
	enpu->hw_on = false;
	enpu->hw_gone = true;
	enpu_reset_fail_queues_locked(enpu, -ENODEV);
}

/**
 * enpu_device_unplug() - take the device away from its users
 * @enpu: the device
 *
 * They keep their files and mappings; everything else answers ENODEV. Nothing
 * remains mapped for DMA.
 */
void enpu_device_unplug(struct enpu_device *enpu)
{
	if (test_and_set_bit(0, &enpu->unplug_once))
		return;

	drm_dev_unplug(&enpu->drm);
	enpu_device_off(enpu);
	enpu_vm_unplug_all(enpu);
	enpu_gem_unplug_all(enpu);
}
