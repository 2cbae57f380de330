// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Queues
 *
 * A queue is a hardware queue with a ring and a status page, and in front of it a
 * scheduler (enpu_sched.c), or the process itself (enpu_user.c). The two have
 * different lives. The hardware part ends when the queue is *retired*: because its
 * owner destroys it, because a job failed (it is banned then), or because the device
 * was reset or is gone. Retiring stops
 * the hardware queue, signals every fence, and gives slot and ring back. The
 * software part stays as long as there are jobs, be it one that waits for the
 * fence of somebody else: it is refused when its turn comes.
 *
 * Behind every fence is the queue's watchdog (enpu_reset.c).
 */

#include <linux/capability.h>
#include <linux/ctype.h>
#include <linux/dma-mapping.h>
#include <linux/module.h>

#include <drm/drm_drv.h>
#include <drm/drm_print.h>

#include "enpu_compat.h"
#include "enpu_deadline.h"
#include "enpu_queue.h"
#include "enpu_quota.h"
#include "enpu_reset.h"
#include "enpu_sched.h"
#include "enpu_test.h"
#include "enpu_trace.h"
#include "enpu_user.h"
#include "enpu_vm.h"

#define ENPU_QUEUE_DEFAULT_ORDER	6
#define ENPU_QUEUE_DRAIN_TIMEOUT_MS	500
/* Banned queues have no slot: there may be more queues than slots. */
#define ENPU_MAX_QUEUES_PER_FILE	256

static uint enpu_timeout_ms = 10000;
module_param_named(timeout_ms, enpu_timeout_ms, uint, 0444);
MODULE_PARM_DESC(timeout_ms, "default time without progress after which a job is a hang, in ms");

static struct workqueue_struct *enpu_release_wq;

/**
 * enpu_queue_init_module() - what queues of all devices share
 *
 * Return: 0 or -ENOMEM.
 */
int enpu_queue_init_module(void)
{
	enpu_release_wq = alloc_workqueue("enpu-release", WQ_UNBOUND, 0);

	return enpu_release_wq ? 0 : -ENOMEM;
}

/**
 * enpu_queue_exit_module() - wait until the last queue is gone
 */
void enpu_queue_exit_module(void)
{
	destroy_workqueue(enpu_release_wq);
}

/**
 * enpu_queue_default_timeout() - timeout of queues that don't name one
 *
 * Return: in ms.
 */
u32 enpu_queue_default_timeout(void)
{
	return clamp(enpu_timeout_ms, 1u, (uint)ENPU_QUEUE_MAX_TIMEOUT_MS);
}

/* What stands before the hardware */
static void enpu_queue_fini_front(struct enpu_queue *queue)
{
	if (queue->user) {
		enpu_user_fini(queue);
		return;
	}
	drm_sched_entity_fini(&queue->entity);
	drm_sched_fini(&queue->sched);
}

/*
 * In a workqueue of the module's, because the last put may come from the very
 * scheduler that is to be freed. Each submission in the scheduler holds a reference to
 * the module until after it has put the queue; so when the module is unloaded, this
 * is at least queued, and drm_sched_fini() waits until the scheduler has returned
 * from the module.
 */
static void enpu_queue_release(struct work_struct *work)
{
	struct enpu_queue *queue = container_of(work, struct enpu_queue, release_work);
	struct enpu_device *enpu = queue->enpu;

	enpu_deadline_fini(queue);
	enpu_queue_fini_front(queue);
	enpu_quota_put(queue->quota);
	mutex_destroy(&queue->submit_lock);
	kfree_rcu(queue, rcu);
	drm_dev_put(&enpu->drm);
}

static void enpu_queue_queue_release(struct kref *ref)
{
	struct enpu_queue *queue = container_of(ref, struct enpu_queue, ref);

	queue_work(enpu_release_wq, &queue->release_work);
}

/**
 * enpu_queue_put() - drop a reference
 * @queue: the queue
 */
void enpu_queue_put(struct enpu_queue *queue)
{
	kref_put(&queue->ref, enpu_queue_queue_release);
}

/**
 * enpu_queue_lookup() - find a file's queue
 * @file: the file
 * @id: of the queue
 *
 * Return: a new reference, or NULL.
 */
struct enpu_queue *enpu_queue_lookup(struct enpu_file *file, u32 id)
{
	struct enpu_queue *queue;

	rcu_read_lock();
	queue = xa_load(&file->queues, id);
	if (queue && !kref_get_unless_zero(&queue->ref))
		queue = NULL;
	rcu_read_unlock();

	return queue;
}

/* The status page, or what it was in the end; with what the device has forgotten */
static struct enpu_queue_status enpu_queue_status(struct enpu_queue *queue)
{
	struct enpu_queue_status status;

	lockdep_assert_held(&queue->lock);

	status = queue->running ? *queue->status : queue->last;
	status.busy_ns += queue->past_ns;
	status.busy_cycles += queue->past_cycles;

	return status;
}

/**
 * enpu_queue_add_usage() - how much a queue has used the device
 * @queue: the queue
 * @usage: to be added to
 */
void enpu_queue_add_usage(struct enpu_queue *queue, struct enpu_usage *usage)
{
	struct enpu_queue_status status;
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	status = enpu_queue_status(queue);
	spin_unlock_irqrestore(&queue->lock, flags);

	usage->jobs += status.completed;
	usage->busy_ns += status.busy_ns;
	usage->busy_cycles += status.busy_cycles;
}

static unsigned int enpu_queue_vector(struct enpu_queue *queue)
{
	unsigned int num_vectors = queue->enpu->num_vectors;

	return num_vectors > 1 ? 1 + queue->slot % (num_vectors - 1) : 0;
}

static void enpu_queue_start_hw(struct enpu_queue *queue, u64 completed)
{
	const struct { u32 reg, value; } setup[] = {
		{ ENPU_QUEUE_RING_LO, lower_32_bits(queue->ring_dma) },
		{ ENPU_QUEUE_RING_HI, upper_32_bits(queue->ring_dma) },
		{ ENPU_QUEUE_RING_ORDER, queue->ring_order },
		{ ENPU_QUEUE_STATUS_LO, lower_32_bits(queue->status_dma) },
		{ ENPU_QUEUE_STATUS_HI, upper_32_bits(queue->status_dma) },
		{ ENPU_QUEUE_VM, queue->vm->number },
		{ ENPU_QUEUE_PRIORITY, enpu_deadline_priority(queue) },
		{ ENPU_QUEUE_VECTOR, enpu_queue_vector(queue) },
		{ ENPU_QUEUE_START_LO, lower_32_bits(completed) },
		{ ENPU_QUEUE_START_HI, upper_32_bits(completed) },
		{ ENPU_QUEUE_CTRL, ENPU_QUEUE_CTRL_ENABLE },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(setup); i++)
		enpu_write(queue->enpu, enpu_queue_reg(queue, setup[i].reg), setup[i].value);
}

/**
 * enpu_queue_start_locked() - have the machine take up the queue where it stands
 * @queue: the queue, which the machine does not know
 *
 * Its ring stays as it is, and what is in it follows. The count of completed jobs
 * goes on, as fences and processes compare with it; the device's other counters begin
 * anew. A queue that halted before the machine slept is left to the watchdog.
 */
void enpu_queue_start_locked(struct enpu_queue *queue)
{
	struct enpu_queue_status *status = queue->status;
	unsigned long flags;

	lockdep_assert_held(&queue->enpu->hw_lock);

	spin_lock_irqsave(&queue->lock, flags);
	if (READ_ONCE(status->state) == ENPU_QUEUE_HALTED) {
		enpu_reset_halted(queue);
		goto out;
	}

	queue->past_ns += status->busy_ns;
	queue->past_cycles += status->busy_cycles;
	WRITE_ONCE(status->busy_ns, 0);
	WRITE_ONCE(status->busy_cycles, 0);
	WRITE_ONCE(status->progress, 0);
	WRITE_ONCE(status->state, ENPU_QUEUE_OFF);

	enpu_queue_start_hw(queue, status->completed);
	queue->parked = false;
	if (queue->producer != status->completed)
		enpu_queue_ring_doorbell(queue);
out:
	spin_unlock_irqrestore(&queue->lock, flags);
}

/**
 * enpu_queue_park_locked() - leave the machine alone until the queue is started again
 * @queue: the queue
 */
void enpu_queue_park_locked(struct enpu_queue *queue)
{
	unsigned long flags;

	lockdep_assert_held(&queue->enpu->hw_lock);

	/* has the doorbell noted, which the machine will forget */
	if (queue->user)
		enpu_user_all_done_locked(queue);

	spin_lock_irqsave(&queue->lock, flags);
	queue->parked = true;
	spin_unlock_irqrestore(&queue->lock, flags);
}

/* Takes a slot of the hardware. */
static int enpu_queue_enlist(struct enpu_queue *queue)
{
	struct enpu_device *enpu = queue->enpu;
	unsigned int i;

	guard(mutex)(&enpu->hw_lock);

	if (enpu->hw_gone)
		return -ENODEV;
	for (i = 0; i < enpu->info.num_queues; i++)
		if (!rcu_access_pointer(enpu->slots[i]) && !test_bit(i, enpu->doorbells_given))
			break;
	if (i == enpu->info.num_queues)
		return -ENOSPC;

	queue->slot = i;
	queue->doorbell = enpu->doorbell_offset + i * enpu->doorbell_stride;
	queue->running = true;
	queue->parked = true;
	if (queue->user) {
		queue->user->slot = i;
		__set_bit(i, enpu->doorbells_given);
	}
	rcu_assign_pointer(enpu->slots[i], queue);
	if (enpu->hw_on)
		enpu_queue_start_locked(queue);

	return 0;
}

static size_t enpu_queue_ring_size(struct enpu_queue *queue)
{
	return PAGE_ALIGN(sizeof(struct enpu_job) << queue->ring_order);
}

static void enpu_queue_free_ring(struct enpu_queue *queue)
{
	struct device *dev = queue->enpu->drm.dev;

	if (queue->status)
		dma_free_coherent(dev, PAGE_SIZE, queue->status, queue->status_dma);
	if (queue->ring)
		dma_free_coherent(dev, enpu_queue_ring_size(queue), queue->ring, queue->ring_dma);
	queue->status = NULL;
	queue->ring = NULL;
}

static int enpu_queue_alloc_ring(struct enpu_queue *queue)
{
	struct device *dev = queue->enpu->drm.dev;

	queue->ring = dma_alloc_coherent(dev, enpu_queue_ring_size(queue), &queue->ring_dma,
					 GFP_KERNEL_ACCOUNT);
	queue->status = dma_alloc_coherent(dev, PAGE_SIZE, &queue->status_dma,
					   GFP_KERNEL_ACCOUNT);
	if (queue->ring && queue->status)
		return 0;

	enpu_queue_free_ring(queue);

	return -ENOMEM;
}

static void enpu_queue_set_end(struct enpu_queue *queue, u32 state, int error)
{
	lockdep_assert_held(&queue->lock);

	WRITE_ONCE(queue->state, state);
	queue->error = -error;
	queue->last = *queue->status;
}

/**
 * enpu_queue_retire_locked() - end the hardware's part of a queue
 * @queue: the queue, its device's hw_lock held
 * @state: what it is from now on, enum drm_enpu_queue_state
 * @first_error: negative errno for the job that is running
 * @error: negative errno for the jobs behind it
 * @stop: the hardware has to be stopped; else it is already known to be off
 */
void enpu_queue_retire_locked(struct enpu_queue *queue, u32 state, int first_error,
			      int error, bool stop)
{
	struct enpu_device *enpu = queue->enpu;
	unsigned long flags;

	lockdep_assert_held(&enpu->hw_lock);

	if (queue->slot < 0)
		return;

	/* Out of the way of a device reset, which may happen on the next lines */
	RCU_INIT_POINTER(enpu->slots[queue->slot], NULL);
	/* No doorbell after this. Who comes now is refused, though fences are still open. */
	spin_lock_irqsave(&queue->lock, flags);
	WRITE_ONCE(queue->running, false);
	enpu_queue_set_end(queue, state, first_error);
	spin_unlock_irqrestore(&queue->lock, flags);

	if (stop && enpu->hw_on && enpu_reset_stop_queue_locked(queue)) {
		state = DRM_ENPU_QUEUE_LOST;
		first_error = -ENODEV;
		error = -ENODEV;
	}
	queue->slot = -1;

	spin_lock_irqsave(&queue->lock, flags);
	enpu_sched_complete(queue);
	enpu_queue_set_end(queue, state, first_error);
	enpu_sched_fail(queue, first_error, error);
	enpu_sched_let_sleep(queue);
	trace_enpu_queue_retire(queue, state, first_error);
	spin_unlock_irqrestore(&queue->lock, flags);

	enpu_account_close_locked(queue);
	if (queue->user)
		enpu_user_retire_locked(queue);
	else
		enpu_queue_free_ring(queue);
}

/**
 * enpu_queue_irq() - the device says that something happened
 * @queue: the queue
 *
 * In hard IRQ, under rcu_read_lock().
 *
 * Return: whether that can be.
 */
bool enpu_queue_irq(struct enpu_queue *queue)
{
	unsigned long flags;
	bool running;

	spin_lock_irqsave(&queue->lock, flags);
	running = queue->running;
	if (running)
		enpu_sched_complete(queue);
	if (running && queue->user)
		wake_up_all(&queue->user->waiters);
	if (running && READ_ONCE(queue->status->state) == ENPU_QUEUE_HALTED)
		enpu_reset_halted(queue);
	spin_unlock_irqrestore(&queue->lock, flags);

	return running;
}

static void enpu_queue_uncharge(struct enpu_file *file, u32 mode)
{
	if (mode == DRM_ENPU_QUEUE_USER)
		enpu_quota_uncharge(file->quota, ENPU_QUOTA_DOORBELLS, 1);
	enpu_quota_uncharge(file->quota, ENPU_QUOTA_QUEUES, 1);
}

static int enpu_queue_charge(struct enpu_file *file, u32 mode)
{
	int ret = enpu_quota_charge(file->quota, ENPU_QUOTA_QUEUES, 1);

	if (ret || mode != DRM_ENPU_QUEUE_USER)
		return ret;
	ret = enpu_quota_charge(file->quota, ENPU_QUOTA_DOORBELLS, 1);
	if (ret)
		enpu_quota_uncharge(file->quota, ENPU_QUOTA_QUEUES, 1);

	return ret;
}

/* Ends a queue that its file no longer has. */
static void enpu_queue_destroy(struct enpu_file *file, struct enpu_queue *queue)
{
	struct enpu_device *enpu = queue->enpu;

	mutex_lock(&enpu->hw_lock);
	enpu_queue_retire_locked(queue, DRM_ENPU_QUEUE_LOST, -ECANCELED, -ECANCELED, true);
	mutex_unlock(&enpu->hw_lock);
	cancel_delayed_work_sync(&queue->watchdog);
	if (queue->user)
		enpu_user_revoke(queue);

	spin_lock(&file->past_lock);
	enpu_queue_add_usage(queue, &file->past);
	spin_unlock(&file->past_lock);

	enpu_vm_put(queue->vm);
	queue->vm = NULL;
	enpu_queue_uncharge(file, queue->user ? DRM_ENPU_QUEUE_USER : DRM_ENPU_QUEUE_KERNEL);
}

/**
 * enpu_queue_close() - destroy all queues of a file
 * @file: the file, which nobody uses any more
 *
 * Jobs that wait for somebody else's fence stay until it signals. The others are
 * done with in a moment: wait for that, so that who closes the last file can
 * expect memory and module to be free.
 */
void enpu_queue_close(struct enpu_file *file)
{
	struct enpu_queue *queue;
	unsigned long id;

	xa_for_each(&file->queues, id, queue)
		enpu_queue_destroy(file, queue);
	xa_for_each(&file->queues, id, queue) {
		wait_event_timeout(queue->drained, !atomic_read(&queue->jobs),
				   msecs_to_jiffies(ENPU_QUEUE_DRAIN_TIMEOUT_MS));
		enpu_queue_put(queue);
	}
	xa_destroy(&file->queues);
}

static int enpu_queue_init_sched(struct enpu_queue *queue)
{
	struct drm_gpu_scheduler *sched = &queue->sched;
	int ret;

	ret = enpu_sched_init_one(sched, &enpu_sched_ops, queue->enpu->submit_wq,
				  BIT(queue->ring_order), queue->enpu->drm.dev);
	if (ret)
		return ret;

	ret = drm_sched_entity_init(&queue->entity, DRM_SCHED_PRIORITY_KERNEL, &sched, 1, NULL);
	if (ret)
		drm_sched_fini(sched);

	return ret;
}

static int enpu_queue_init_front(struct enpu_queue *queue, u32 mode, struct drm_file *file)
{
	int ret;

	if (mode == DRM_ENPU_QUEUE_USER) {
		queue->watch_wq = system_dfl_wq;
		INIT_DELAYED_WORK(&queue->watchdog, enpu_user_watchdog);
		return enpu_user_init(queue, file);
	}

	queue->watch_wq = queue->enpu->recovery_wq;
	INIT_DELAYED_WORK(&queue->watchdog, enpu_reset_watchdog);
	ret = enpu_queue_alloc_ring(queue);
	if (ret)
		return ret;
	ret = enpu_queue_init_sched(queue);
	if (ret)
		enpu_queue_free_ring(queue);

	return ret;
}

/* It will be part of lines that are read by programs: no control characters. */
static void enpu_queue_set_label(struct enpu_queue *queue, const char *label)
{
	char *c;

	strscpy(queue->label, label, sizeof(queue->label));
	for (c = queue->label; *c; c++)
		if (iscntrl(*c))
			*c = '?';
}

static struct enpu_queue *enpu_queue_create(struct enpu_device *enpu, struct enpu_vm *vm,
					    const struct drm_enpu_queue_create *args,
					    struct drm_file *file)
{
	struct enpu_queue *queue;
	int ret;

	queue = kzalloc(sizeof(*queue), GFP_KERNEL_ACCOUNT);
	if (!queue)
		return ERR_PTR(-ENOMEM);

	kref_init(&queue->ref);
	queue->enpu = enpu;
	queue->vm = vm;
	queue->slot = -1;
	queue->priority = args->priority;
	queue->ring_order = args->ring_order ?: min(ENPU_QUEUE_DEFAULT_ORDER,
						    enpu->info.max_ring_order);
	queue->timeout = msecs_to_jiffies(args->timeout_ms ?: enpu->info.default_timeout_ms);
	enpu_queue_set_label(queue, args->label);
	queue->fence_context = dma_fence_context_alloc(1);
	spin_lock_init(&queue->lock);
	INIT_LIST_HEAD(&queue->fences);
	enpu_deadline_init(queue);
	init_waitqueue_head(&queue->drained);
	INIT_WORK(&queue->release_work, enpu_queue_release);
	mutex_init(&queue->submit_lock);

	queue->account = enpu_account_open(enpu, queue->label);
	if (!queue->account) {
		ret = -ENOMEM;
		goto err_free;
	}
	ret = enpu_queue_init_front(queue, args->mode, file);
	if (ret)
		goto err_account;
	ret = enpu_queue_enlist(queue);
	if (ret)
		goto err_front;

	drm_dev_get(&enpu->drm);
	enpu_vm_get(vm);
	trace_enpu_queue_create(queue);

	return queue;

err_front:
	if (queue->user)
		enpu_user_unmap_dma(queue);
	else
		enpu_queue_free_ring(queue);
	enpu_queue_fini_front(queue);
err_account:
	enpu_account_cancel(enpu, queue->account);
err_free:
	mutex_destroy(&queue->submit_lock);
	kfree(queue);
	return ERR_PTR(ret);
}

VISIBLE_IF_KUNIT int enpu_queue_check_args(struct enpu_device *enpu,
					   const struct drm_enpu_queue_create *args)
{
	if (args->mode > DRM_ENPU_QUEUE_USER || args->flags || args->pad || args->pad2)
		return -EINVAL;
	if (args->ring_order && (args->ring_order < ENPU_MIN_RING_ORDER ||
				 args->ring_order > enpu->info.max_ring_order))
		return -EINVAL;
	if (args->timeout_ms > enpu->info.max_timeout_ms ||
	    args->priority > DRM_ENPU_PRIORITY_REALTIME)
		return -EINVAL;
	if (strnlen(args->label, sizeof(args->label)) == sizeof(args->label))
		return -EINVAL;
	if (args->priority > DRM_ENPU_PRIORITY_NORMAL && !capable(CAP_SYS_NICE))
		return -EACCES;

	return 0;
}

static void enpu_queue_fill_create(struct enpu_queue *queue, struct drm_enpu_queue_create *args)
{
	args->ring_entries = BIT(queue->ring_order);
	args->ring_offset = 0;
	args->status_offset = 0;
	args->doorbell_offset = 0;
	if (queue->user)
		enpu_user_offsets(queue, args);
}

/**
 * enpu_ioctl_queue_create() - create a queue
 * @drm: the device
 * @data: struct drm_enpu_queue_create
 * @file: the caller
 *
 * Return: 0 or a negative errno.
 */
int enpu_ioctl_queue_create(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct enpu_device *enpu = to_enpu_device(drm);
	struct enpu_file *efile = file->driver_priv;
	struct drm_enpu_queue_create *args = data;
	struct enpu_queue *queue;
	struct enpu_vm *vm;
	int ret, idx;

	ret = enpu_queue_check_args(enpu, args);
	if (ret)
		return ret;
	if (!drm_dev_enter(drm, &idx))
		return -ENODEV;

	vm = enpu_vm_lookup(efile, args->vm_id);
	if (!vm) {
		ret = -ENOENT;
		goto out_exit;
	}

	ret = enpu_queue_charge(efile, args->mode);
	if (ret)
		goto out_vm;
	queue = enpu_queue_create(enpu, vm, args, file);
	if (IS_ERR(queue)) {
		enpu_queue_uncharge(efile, args->mode);
		ret = PTR_ERR(queue);
		goto out_vm;
	}
	queue->quota = enpu_quota_get(efile->quota);
	enpu_queue_fill_create(queue, args);
	ret = xa_alloc(&efile->queues, &args->id, queue, XA_LIMIT(1, ENPU_MAX_QUEUES_PER_FILE),
		       GFP_KERNEL_ACCOUNT);
	if (ret) {
		enpu_queue_destroy(efile, queue);
		enpu_queue_put(queue);
	}
out_vm:
	enpu_vm_put(vm);
out_exit:
	drm_dev_exit(idx);
	return ret == -EBUSY ? -ENOSPC : ret;
}

/**
 * enpu_ioctl_queue_destroy() - destroy a queue
 * @drm: the device
 * @data: struct drm_enpu_queue_destroy
 * @file: the caller
 *
 * Return: 0 or a negative errno.
 */
int enpu_ioctl_queue_destroy(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct enpu_file *efile = file->driver_priv;
	struct drm_enpu_queue_destroy *args = data;
	struct enpu_queue *queue;

	if (args->pad)
		return -EINVAL;

	queue = xa_erase(&efile->queues, args->id);
	if (!queue)
		return -ENOENT;
	enpu_queue_destroy(efile, queue);
	enpu_queue_put(queue);

	return 0;
}

static void enpu_queue_fill_fault(struct drm_enpu_queue_query *args,
				  const struct enpu_queue_status *status)
{
	/* A hang leaves no record but where the queue stood. */
	args->fault_job = status->completed + 1;
	args->fault_command = ENPU_FAULT_NO_COMMAND;
	if (args->error != EFAULT)
		return;

	args->fault_cause = status->fault_cause;
	args->fault_command = status->fault_command;
	args->fault_addr = status->fault_addr;
	args->fault_job = status->fault_job + 1;
	args->fault_layer = status->fault_layer;
	args->fault_opcode = status->fault_opcode;
}

/**
 * enpu_ioctl_queue_query() - how a queue fares
 * @drm: the device
 * @data: struct drm_enpu_queue_query
 * @file: the caller
 *
 * Return: 0 or a negative errno.
 */
int enpu_ioctl_queue_query(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_enpu_queue_query *args = data;
	struct enpu_queue_status status;
	struct enpu_queue *queue;
	u32 id = args->id;

	if (args->pad)
		return -EINVAL;
	queue = enpu_queue_lookup(file->driver_priv, id);
	if (!queue)
		return -ENOENT;

	memset(args, 0, sizeof(*args));
	args->id = id;

	if (queue->user) {
		args->submitted = enpu_user_submitted(queue);
	} else {
		mutex_lock(&queue->submit_lock);
		args->submitted = queue->submitted;
		mutex_unlock(&queue->submit_lock);
	}

	spin_lock_irq(&queue->lock);
	status = enpu_queue_status(queue);
	args->state = queue->state;
	args->error = queue->error;
	spin_unlock_irq(&queue->lock);

	args->completed = status.completed;
	args->busy_ns = status.busy_ns;
	args->busy_cycles = status.busy_cycles;
	if (args->state == DRM_ENPU_QUEUE_BANNED)
		enpu_queue_fill_fault(args, &status);
	enpu_queue_put(queue);

	return 0;
}
