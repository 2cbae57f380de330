// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: USER queues
 *
 * A process maps ring, status page and doorbell of its queue, and submits without
 * a system call. There are no fences: nobody but the process waits, be it for the
 * count in the status page or in QUEUE_WAIT.
 *
 * Memory
 * ------
 *
 * Ring, status page and a dummy page are one block that belongs to the software part
 * of the queue: the device's mapping of it ends when the queue is retired, the block
 * itself with the last mapping of the process. The driver reads nothing of the ring.
 * The status page it trusts, since the process can't write it.
 *
 * Doorbell
 * --------
 *
 * The process has the doorbell, a page of BAR 0, only as long as it is *active*. Its
 * first store faults; the fault handler activates the queue, which may sleep,
 * and inserts the page. The watchdog looks after an active queue, and when it finds
 * that all is done, takes the page away and looks once more: the store may have
 * come in between. From then on the queue costs nothing, and what the device needs
 * to run can be let go. A queue that was retired has the dummy page instead: stores
 * go nowhere, without a signal.
 *
 * Retiring happens where fences wait, under the hw_lock, where mappings can't be
 * taken away: that calls MMU notifiers. So it is left to the watchdog, and the hardware
 * queue is given to nobody else until the old doorbell is gone. (A stopped queue
 * ignores it.) When the device is unplugged, DRM takes all mappings away, and from
 * then on faults get the dummy page.
 *
 * What is not done: to map the doorbell for good. A process could then wake
 * a device that sleeps, or reach a hardware queue that has become another's.
 */

#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_gem.h>
#include <drm/drm_managed.h>
#include <drm/drm_utils.h>

#include "enpu_pm.h"
#include "enpu_queue.h"
#include "enpu_reset.h"
#include "enpu_trace.h"
#include "enpu_user.h"

/* Above all GEM objects, and within what 32-bit processes can name */
#define ENPU_USER_OFFSET	BIT_ULL(43)
#define ENPU_USER_PAGES		(ENPU_USER_OFFSET >> PAGE_SHIFT)

#define ENPU_USER_RETRY_US	5000

static void enpu_user_fini_device(struct drm_device *drm, void *offsets)
{
	drm_vma_offset_manager_destroy(offsets);
}

/**
 * enpu_user_init_device() - what USER queues of a device share
 * @enpu: the device
 *
 * Return: 0 or a negative errno.
 */
int enpu_user_init_device(struct enpu_device *enpu)
{
	drm_vma_offset_manager_init(&enpu->user_offsets, ENPU_USER_PAGES, ENPU_USER_PAGES);

	return drmm_add_action_or_reset(&enpu->drm, enpu_user_fini_device, &enpu->user_offsets);
}

/* Order of pages, in memory and in the device file: ring, status, doorbell or dummy */
static unsigned long enpu_user_status_page(struct enpu_queue *queue)
{
	return PFN_UP(sizeof(struct enpu_job) << queue->ring_order);
}

static unsigned long enpu_user_doorbell_page(struct enpu_queue *queue)
{
	return enpu_user_status_page(queue) + 1;
}

static unsigned long enpu_user_num_pages(struct enpu_queue *queue)
{
	return enpu_user_doorbell_page(queue) + 1;
}

static struct page *enpu_user_page(struct enpu_queue *queue, unsigned long number)
{
	return virt_to_page((void *)queue->ring + number * PAGE_SIZE);
}

/* What the device sees: not the dummy page */
static size_t enpu_user_dma_size(struct enpu_queue *queue)
{
	return enpu_user_doorbell_page(queue) * PAGE_SIZE;
}

/**
 * enpu_user_init() - make a queue a USER queue
 * @queue: the queue, new
 * @owner: the file that may map it
 *
 * Allocates ring and status page.
 *
 * Return: 0 or a negative errno.
 */
int enpu_user_init(struct enpu_queue *queue, struct drm_file *owner)
{
	struct enpu_device *enpu = queue->enpu;
	struct device *dev = enpu->drm.dev;
	struct enpu_user *user;
	int ret = -ENOMEM;

	user = kzalloc(sizeof(*user), GFP_KERNEL_ACCOUNT);
	if (!user)
		return -ENOMEM;

	user->queue = queue;
	user->owner = owner;
	user->slot = -1;
	init_waitqueue_head(&user->waiters);
	drm_vma_node_reset(&user->node);
	mutex_init(&user->lock);

	queue->ring = alloc_pages_exact(enpu_user_num_pages(queue) * PAGE_SIZE,
					GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN);
	if (!queue->ring)
		goto err_free;
	queue->status = (void *)queue->ring + enpu_user_status_page(queue) * PAGE_SIZE;

	queue->ring_dma = dma_map_single(dev, queue->ring, enpu_user_dma_size(queue),
					 DMA_BIDIRECTIONAL);
	if (dma_mapping_error(dev, queue->ring_dma))
		goto err_ring;
	queue->status_dma = queue->ring_dma + enpu_user_status_page(queue) * PAGE_SIZE;

	ret = drm_vma_offset_add(&enpu->user_offsets, &user->node, enpu_user_num_pages(queue));
	if (ret)
		goto err_dma;
	ret = drm_vma_node_allow(&user->node, owner);
	if (ret)
		goto err_node;
	queue->user = user;

	return 0;

err_node:
	drm_vma_offset_remove(&enpu->user_offsets, &user->node);
err_dma:
	enpu_user_unmap_dma(queue);
err_ring:
	free_pages_exact(queue->ring, enpu_user_num_pages(queue) * PAGE_SIZE);
err_free:
	mutex_destroy(&user->lock);
	kfree(user);
	return ret;
}

/**
 * enpu_user_fini() - free what enpu_user_init() has allocated
 * @queue: the queue, no longer mapped by anyone
 */
void enpu_user_fini(struct enpu_queue *queue)
{
	struct enpu_user *user = queue->user;

	drm_vma_node_revoke(&user->node, user->owner);
	drm_vma_offset_remove(&queue->enpu->user_offsets, &user->node);
	free_pages_exact(queue->ring, enpu_user_num_pages(queue) * PAGE_SIZE);
	mutex_destroy(&user->lock);
	kfree(user);
}

/**
 * enpu_user_unmap_dma() - take ring and status page from the device
 * @queue: the queue, whose hardware is off
 */
void enpu_user_unmap_dma(struct enpu_queue *queue)
{
	dma_unmap_single(queue->enpu->drm.dev, queue->ring_dma, enpu_user_dma_size(queue),
			 DMA_BIDIRECTIONAL);
}

/**
 * enpu_user_offsets() - tell where to mmap() a queue
 * @queue: the queue
 * @args: gets the offsets
 */
void enpu_user_offsets(struct enpu_queue *queue, struct drm_enpu_queue_create *args)
{
	u64 start = drm_vma_node_offset_addr(&queue->user->node);

	args->ring_offset = start;
	args->status_offset = start + enpu_user_status_page(queue) * PAGE_SIZE;
	args->doorbell_offset = start + enpu_user_doorbell_page(queue) * PAGE_SIZE;
}

/**
 * enpu_user_all_done_locked() - has a queue completed all that it was given?
 * @queue: the queue, under the hw_lock, not retired
 *
 * Return: whether it has, as far as the doorbell has come.
 */
bool enpu_user_all_done_locked(struct enpu_queue *queue)
{
	u64 completed = READ_ONCE(queue->status->completed);
	u32 ahead;

	lockdep_assert_held(&queue->enpu->hw_lock);

	/* What a sleeping machine was told was noted when it fell asleep. */
	if (!queue->enpu->hw_on)
		return queue->producer == completed;
	ahead = enpu_read(queue->enpu, enpu_queue_reg(queue, ENPU_QUEUE_PRODUCER)) -
		lower_32_bits(completed);

	/* More than the ring holds is no count of jobs; the device halts the queue. */
	spin_lock_irq(&queue->lock);
	if (ahead <= BIT(queue->ring_order))
		queue->producer = completed + ahead;
	spin_unlock_irq(&queue->lock);

	return !ahead;
}

/**
 * enpu_user_submitted() - how many jobs a queue was given
 * @queue: the queue
 *
 * Return: the number, or that of completed jobs where it can't be known.
 */
u64 enpu_user_submitted(struct enpu_queue *queue)
{
	guard(mutex)(&queue->user->lock);
	guard(mutex)(&queue->enpu->hw_lock);

	if (queue->slot >= 0 && queue->user->active)
		enpu_user_all_done_locked(queue);

	return max(queue->producer, READ_ONCE(queue->status->completed));
}

/* The process is about to ring: the machine has to be awake then. May sleep. */
static bool enpu_user_activate(struct enpu_queue *queue)
{
	lockdep_assert_held(&queue->user->lock);

	if (enpu_pm_get(queue->enpu))
		return false;

	scoped_guard(spinlock_irq, &queue->lock) {
		if (queue->running) {
			enpu_reset_watch(queue);
			queue->user->active = true;
			return true;
		}
	}
	enpu_pm_put(queue->enpu);

	return false;
}

/* The process can't ring, and nothing is to be done: as before. May sleep. */
static void enpu_user_idle(struct enpu_queue *queue)
{
	lockdep_assert_held(&queue->user->lock);

	queue->user->active = false;
	enpu_pm_put(queue->enpu);
}

static void enpu_user_zap(struct enpu_queue *queue)
{
	struct enpu_device *enpu = queue->enpu;
	loff_t start = drm_vma_node_offset_addr(&queue->user->node) +
		       enpu_user_doorbell_page(queue) * PAGE_SIZE;

	lockdep_assert_held(&queue->user->lock);
	unmap_mapping_range(enpu->drm.anon_inode->i_mapping, start, PAGE_SIZE, 1);
}

/**
 * enpu_user_zap_all() - take all doorbells from frozen processes
 * @enpu: the device
 *
 * And rings and status pages, which come back by themselves at the next access, as
 * the doorbells do: their queues stay active.
 */
void enpu_user_zap_all(struct enpu_device *enpu)
{
	unmap_mapping_range(enpu->drm.anon_inode->i_mapping, ENPU_USER_OFFSET, 0, 1);
}

/* Whether nothing is left to be done, now that the process can't ring */
static bool enpu_user_has_ended(struct enpu_queue *queue)
{
	struct enpu_user *user = queue->user;
	struct enpu_device *enpu = queue->enpu;

	guard(mutex)(&enpu->hw_lock);

	if (queue->slot < 0) {
		if (user->slot >= 0)
			__clear_bit(user->slot, enpu->doorbells_given);
		user->slot = -1;
		return true;
	}
	/* It may have rung until then. */
	if (enpu_user_all_done_locked(queue))
		return true;

	guard(spinlock_irq)(&queue->lock);
	enpu_reset_watch(queue);

	return false;
}

/* Takes the doorbell away. */
static void enpu_user_disarm(struct enpu_queue *queue)
{
	guard(mutex)(&queue->user->lock);

	enpu_user_zap(queue);
	if (enpu_user_has_ended(queue) && queue->user->active)
		enpu_user_idle(queue);
}

/**
 * enpu_user_watchdog() - the watchdog of USER queues
 * @work: &enpu_queue.watchdog
 *
 * Not where fences wait, unlike that of KERNEL queues.
 */
void enpu_user_watchdog(struct work_struct *work)
{
	struct enpu_queue *queue = container_of(to_delayed_work(work), struct enpu_queue, watchdog);
	bool idle;

	mutex_lock(&queue->enpu->hw_lock);
	if (queue->slot >= 0)
		enpu_reset_check_locked(queue);
	idle = queue->slot < 0 || !queue->watched;
	mutex_unlock(&queue->enpu->hw_lock);

	/* The interrupt may have been lost, or not been asked for. */
	wake_up_all(&queue->user->waiters);
	if (idle)
		enpu_user_disarm(queue);
}

/**
 * enpu_user_retire_locked() - what has to be done when a USER queue was retired
 * @queue: the queue, under the hw_lock, its hardware off
 */
void enpu_user_retire_locked(struct enpu_queue *queue)
{
	lockdep_assert_held(&queue->enpu->hw_lock);

	enpu_user_unmap_dma(queue);
	WRITE_ONCE(queue->status->state, ENPU_QUEUE_HALTED);
	wake_up_all(&queue->user->waiters);
	mod_delayed_work(queue->watch_wq, &queue->watchdog, 0);
}

/**
 * enpu_user_revoke() - take a queue from its process
 * @queue: the queue, retired, its watchdog cancelled
 *
 * Mappings stay, but can't be made any more; the doorbell has no effect.
 */
void enpu_user_revoke(struct enpu_queue *queue)
{
	drm_vma_node_revoke(&queue->user->node, queue->user->owner);
	enpu_user_disarm(queue);
}

static vm_fault_t enpu_user_fault_memory(struct vm_fault *vmf)
{
	struct enpu_queue *queue = vmf->vma->vm_private_data;

	vmf->page = enpu_user_page(queue, vmf->pgoff - drm_vma_node_start(&queue->user->node));
	get_page(vmf->page);

	return 0;
}

/* Would the machine notice the doorbell? It knows the queue from before this is true. */
static bool enpu_user_can_ring(struct enpu_queue *queue)
{
	guard(spinlock_irq)(&queue->lock);

	return queue->running && !queue->parked;
}

/*
 * Who retires the queue, and takes the doorbell away then, has to wait until it is
 * inserted: we have the lock. 0: there is none.
 */
static vm_fault_t enpu_user_insert_doorbell(struct enpu_queue *queue, struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	phys_addr_t doorbell = pci_resource_start(queue->enpu->pdev, ENPU_BAR_REGS) +
			       queue->doorbell;

	if (!READ_ONCE(queue->running))
		return 0;
	/* It does not wake, or is reset. Don't lose the store: the process tries again. */
	if ((!queue->user->active && !enpu_user_activate(queue)) || !enpu_user_can_ring(queue)) {
		fsleep(ENPU_USER_RETRY_US);
		return VM_FAULT_NOPAGE;
	}

	return vmf_insert_pfn_prot(vma, vmf->address, PHYS_PFN(doorbell),
				   pgprot_device(vma->vm_page_prot));
}

static vm_fault_t enpu_user_fault_doorbell(struct vm_fault *vmf)
{
	struct enpu_queue *queue = vmf->vma->vm_private_data;
	struct page *dummy = enpu_user_page(queue, enpu_user_doorbell_page(queue));
	vm_fault_t ret = 0;
	int idx;

	guard(mutex)(&queue->user->lock);

	if (drm_dev_enter(&queue->enpu->drm, &idx)) {
		ret = enpu_user_insert_doorbell(queue, vmf);
		drm_dev_exit(idx);
	}

	trace_enpu_doorbell_fault(queue, ret);

	return ret ?: vmf_insert_pfn(vmf->vma, vmf->address, page_to_pfn(dummy));
}

static void enpu_user_vm_open(struct vm_area_struct *vma)
{
	struct enpu_queue *queue = vma->vm_private_data;

	kref_get(&queue->ref);
}

static void enpu_user_vm_close(struct vm_area_struct *vma)
{
	enpu_queue_put(vma->vm_private_data);
}

static const struct vm_operations_struct enpu_user_memory_ops = {
	.open = enpu_user_vm_open,
	.close = enpu_user_vm_close,
	.fault = enpu_user_fault_memory,
};

static const struct vm_operations_struct enpu_user_doorbell_ops = {
	.open = enpu_user_vm_open,
	.close = enpu_user_vm_close,
	.fault = enpu_user_fault_doorbell,
};

static int enpu_user_mmap_queue(struct enpu_queue *queue, struct vm_area_struct *vma)
{
	const unsigned long status = enpu_user_status_page(queue);
	const struct {
		unsigned long page, pages;
		vm_flags_t refused, flags;
		const struct vm_operations_struct *ops;
	} parts[] = {
		{ 0, status, 0, 0, &enpu_user_memory_ops },
		{ status, 1, VM_WRITE, 0, &enpu_user_memory_ops },
		{ status + 1, 1, VM_READ, VM_IO | VM_PFNMAP, &enpu_user_doorbell_ops },
	}, *part = parts;
	unsigned long page = vma->vm_pgoff - drm_vma_node_start(&queue->user->node);

	while (part->page != page)
		if (++part == parts + ARRAY_SIZE(parts))
			return -EINVAL;
	if (vma_pages(vma) != part->pages || !(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	if (vma->vm_flags & part->refused)
		return -EACCES;

	/* VM_READ, VM_WRITE: neither now nor by mprotect() */
	BUILD_BUG_ON(VM_READ << 4 != VM_MAYREAD || VM_WRITE << 4 != VM_MAYWRITE);
	vm_flags_clear(vma, part->refused << 4);
	vm_flags_set(vma, part->flags | VM_DONTEXPAND | VM_DONTCOPY | VM_DONTDUMP);
	vma->vm_ops = part->ops;
	vma->vm_private_data = queue;

	return 0;
}

static struct enpu_queue *enpu_user_lookup(struct enpu_device *enpu, struct vm_area_struct *vma)
{
	struct drm_vma_offset_manager *offsets = &enpu->user_offsets;
	struct drm_vma_offset_node *node;
	struct enpu_queue *queue = NULL;

	drm_vma_offset_lock_lookup(offsets);
	node = drm_vma_offset_lookup_locked(offsets, vma->vm_pgoff, vma_pages(vma));
	if (node)
		queue = container_of(node, struct enpu_user, node)->queue;
	if (queue && !kref_get_unless_zero(&queue->ref))
		queue = NULL;
	drm_vma_offset_unlock_lookup(offsets);

	return queue;
}

/**
 * enpu_user_mmap() - &file_operations.mmap: USER queues, and BOs
 * @filp: the file
 * @vma: the mapping
 *
 * Return: 0 or a negative errno.
 */
int enpu_user_mmap(struct file *filp, struct vm_area_struct *vma)
{
	struct drm_file *file = filp->private_data;
	struct drm_device *drm = file->minor->dev;
	struct enpu_queue *queue;
	int ret;

	if (vma->vm_pgoff < ENPU_USER_PAGES)
		return drm_gem_mmap(filp, vma);
	if (drm_dev_is_unplugged(drm))
		return -ENODEV;

	queue = enpu_user_lookup(to_enpu_device(drm), vma);
	if (!queue)
		return -EINVAL;
	if (drm_vma_node_is_allowed(&queue->user->node, file))
		ret = enpu_user_mmap_queue(queue, vma);
	else
		ret = -EACCES;
	/* Else the mapping has the reference. */
	if (ret)
		enpu_queue_put(queue);

	return ret;
}

/* -ETIME: not yet */
static int enpu_user_poll(struct enpu_queue *queue, u64 completed)
{
	guard(spinlock_irq)(&queue->lock);

	/* Pairs with the device: what it wrote before the count is visible. */
	if (smp_load_acquire(&queue->status->completed) >= completed)
		return 0;
	if (queue->state == DRM_ENPU_QUEUE_ACTIVE)
		return -ETIME;

	return queue->error == ENODEV ? -ENODEV : -EIO;
}

static int enpu_user_wait(struct enpu_queue *queue, u64 completed, s64 timeout_ns)
{
	long left = drm_timeout_abs_to_jiffies(timeout_ns);
	int ret;

	/* A restarted call finds the same, absolute, time-out. */
	left = wait_event_interruptible_timeout(queue->user->waiters,
						(ret = enpu_user_poll(queue, completed)) != -ETIME,
						left);

	return left < 0 ? left : ret;
}

/**
 * enpu_ioctl_queue_wait() - wait until a USER queue has completed some jobs
 * @drm: the device
 * @data: struct drm_enpu_queue_wait
 * @file: the caller
 *
 * Not within drm_dev_enter(): who takes the device away would wait for us.
 *
 * Return: 0 or a negative errno.
 */
int enpu_ioctl_queue_wait(struct drm_device *drm, void *data, struct drm_file *file)
{
	const struct drm_enpu_queue_wait *args = data;
	struct enpu_queue *queue;
	int ret;

	if (args->flags)
		return -EINVAL;
	queue = enpu_queue_lookup(file->driver_priv, args->id);
	if (!queue)
		return -ENOENT;

	ret = queue->user ? enpu_user_wait(queue, args->completed, args->timeout_ns) : -EINVAL;
	enpu_queue_put(queue);

	return ret;
}
