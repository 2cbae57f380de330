// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Recovery
 *
 * What is done when a job, a queue or the device fails, from the smallest means to
 * the largest.
 *
 * The watchdog. While a queue has fences, a delayed work looks at it now and then;
 * the interrupt handler calls it at once when the queue has halted. It does, in
 * this order: signal what is complete (the interrupt may have been lost); ban a
 * halted queue; see whether the device is alive; and ban a queue whose job has made
 * no progress, in completed commands, for the queue's timeout. A queue that has to
 * wait because another one has the core, or because the machine is paused or
 * sleeps, does not age. A USER queue has no fences: it is looked after from the
 * doorbell on until all is done (enpu_user.c).
 *
 * A ban stops the one queue. The job that was running gets its error, those behind
 * it ECANCELED, the owner is refused from then on; nobody else is concerned.
 *
 * A queue that won't stop has the whole device reset. All queues are lost (EIO), as
 * nobody can tell what the engines had done; address spaces stay. So does a device
 * that reports a state it can't leave (FATAL).
 *
 * A device that won't be reset, or whose registers read all ones, is gone: it is
 * kept from memory, everything fails with ENODEV, and its node is taken away.
 *
 * PCI errors and resets from outside (a function level reset by sysfs, AER) have the
 * device *away* for a while: all queues are lost (EIO), and until it has been reset
 * it is as if it slept (enpu_pm.c); queues that are made meanwhile start when it is
 * back. A non-fatal error has no milder treatment: which job's data it concerned is
 * not known, so none can be said to be right. Hence there is no mmio_enabled().
 *
 * The outside is told by the uevent that DRM defines for wedged devices: WEDGED=none
 * after a reset, WEDGED=bus-reset when the device is gone. It is sent here and not by
 * drm_dev_wedged_event(): that one looks for the primary node, and crashes, as
 * accel devices have none.
 *
 * What is not done: to resubmit after a failure. The jobs behind the guilty one
 * were made for its results.
 *
 * All of it runs with fences waiting behind: under &enpu_device.hw_lock, without
 * allocating memory or locking reservations.
 */

#include <linux/dma-fence.h>
#include <linux/kobject.h>
#include <linux/pm_runtime.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_print.h>

#include "enpu_compat.h"
#include "enpu_coredump.h"
#include "enpu_pm.h"
#include "enpu_queue.h"
#include "enpu_reset.h"
#include "enpu_sched.h"
#include "enpu_trace.h"
#include "enpu_user.h"
#include "enpu_vm.h"

/* The device has to abandon a command, on a host that may be busy */
#define ENPU_RESET_TIMEOUT_MS		5000
#define ENPU_QUEUE_STOP_TIMEOUT_MS	2000
/* The PCI core waits up to a minute for a device after a reset */
#define ENPU_AWAY_TIMEOUT_MS		90000

/**
 * enpu_reset_hw() - reset the machine, no more
 * @enpu: the device
 *
 * Return: 0, -ETIMEDOUT, or -ENODEV if the device is gone.
 */
int enpu_reset_hw(struct enpu_device *enpu)
{
	enpu_write(enpu, ENPU_REG_RESET, ENPU_RESET_KEY);

	return enpu_device_poll(enpu, ENPU_REG_STATUS,
				ENPU_STATUS_READY | ENPU_STATUS_RESETTING | ENPU_STATUS_FATAL,
				ENPU_STATUS_READY, ENPU_RESET_TIMEOUT_MS);
}

/**
 * enpu_reset_fail_queues_locked() - end all queues of a machine that is off
 * @enpu: the device
 * @error: negative errno for their jobs
 */
void enpu_reset_fail_queues_locked(struct enpu_device *enpu, int error)
{
	unsigned int i;

	for (i = 0; i < enpu->info.num_queues; i++) {
		struct enpu_queue *queue = enpu_device_queue_locked(enpu, i);

		if (queue)
			enpu_queue_retire_locked(queue, DRM_ENPU_QUEUE_LOST, error, error, false);
	}
}

/**
 * enpu_reset_gone_locked() - give the device up
 * @enpu: the device
 *
 * It no longer answers or won't be reset. Makes sure that it can't reach memory,
 * fails what was pending, and has the node taken away.
 */
void enpu_reset_gone_locked(struct enpu_device *enpu)
{
	lockdep_assert_held(&enpu->hw_lock);

	if (enpu->hw_gone)
		return;

	drm_err(&enpu->drm, "the device is gone\n");
	trace_enpu_device_gone(enpu);
	pci_clear_master(enpu->pdev);
	enpu->hw_on = false;
	enpu->hw_gone = true;
	enpu_reset_fail_queues_locked(enpu, -ENODEV);
	queue_work(system_dfl_wq, &enpu->gone_work);
}

static void enpu_reset_count_locked(struct enpu_device *enpu)
{
	drm_warn(&enpu->drm, "the device was reset\n");
	WRITE_ONCE(enpu->info.reset_count, enpu->info.reset_count + 1);
	trace_enpu_device_reset(enpu);
	queue_work(system_dfl_wq, &enpu->wedged_work);
}

/**
 * enpu_reset_device_locked() - reset the whole device
 * @enpu: the device
 *
 * Every queue is lost (-EIO); address spaces stay. A device that can't be reset
 * is given up.
 */
void enpu_reset_device_locked(struct enpu_device *enpu)
{
	lockdep_assert_held(&enpu->hw_lock);

	if (!enpu->hw_on)
		return;

	if (enpu_reset_hw(enpu)) {
		enpu_reset_gone_locked(enpu);
		return;
	}

	enpu_reset_fail_queues_locked(enpu, -EIO);
	enpu_device_restore_locked(enpu);
	enpu_reset_count_locked(enpu);
}

static void enpu_reset_work(struct work_struct *work)
{
	struct enpu_device *enpu = container_of(work, struct enpu_device, reset_work);
	bool cookie = dma_fence_begin_signalling();

	mutex_lock(&enpu->hw_lock);
	if (enpu->hw_on)
		enpu_coredump_take_locked(enpu, NULL, ENPU_COREDUMP_FATAL, 0);
	enpu_reset_device_locked(enpu);
	mutex_unlock(&enpu->hw_lock);
	dma_fence_end_signalling(cookie);
}

/* Tells userspace, while the node is there that it is about. */
static void enpu_reset_tell(struct enpu_device *enpu, char *event)
{
	char *environment[2] = { event };
	int idx;

	if (!drm_dev_enter(&enpu->drm, &idx))
		return;
	kobject_uevent_env(&enpu->drm.accel->kdev->kobj, KOBJ_CHANGE, environment);
	drm_dev_exit(idx);
}

static void enpu_reset_wedged_work(struct work_struct *work)
{
	enpu_reset_tell(container_of(work, struct enpu_device, wedged_work), "WEDGED=none");
}

/* Fences wait: when PCI error recovery gives up, older kernels don't tell. */
static void enpu_reset_away_work(struct work_struct *work)
{
	struct enpu_device *enpu = container_of(to_delayed_work(work), struct enpu_device,
						away_work);
	bool cookie = dma_fence_begin_signalling();

	mutex_lock(&enpu->hw_lock);
	if (enpu->away)
		enpu_reset_gone_locked(enpu);
	mutex_unlock(&enpu->hw_lock);
	dma_fence_end_signalling(cookie);
}

static void enpu_reset_gone_work(struct work_struct *work)
{
	struct enpu_device *enpu = container_of(work, struct enpu_device, gone_work);

	enpu_reset_tell(enpu, "WEDGED=bus-reset");
	enpu_device_unplug(enpu);
}

/**
 * enpu_reset_init() - prepare for the worst
 * @enpu: the device
 */
void enpu_reset_init(struct enpu_device *enpu)
{
	INIT_WORK(&enpu->reset_work, enpu_reset_work);
	INIT_WORK(&enpu->gone_work, enpu_reset_gone_work);
	INIT_WORK(&enpu->wedged_work, enpu_reset_wedged_work);
	INIT_DELAYED_WORK(&enpu->away_work, enpu_reset_away_work);
}

/**
 * enpu_reset_fini() - nothing more will happen
 * @enpu: the device, unplugged
 */
void enpu_reset_fini(struct enpu_device *enpu)
{
	/* Since the machine is off, nothing queues these any more. */
	cancel_delayed_work_sync(&enpu->away_work);
	cancel_work_sync(&enpu->gone_work);
	cancel_work_sync(&enpu->reset_work);
	cancel_work_sync(&enpu->wedged_work);
	enpu_coredump_fini(enpu);
}

/**
 * enpu_reset_stop_queue_locked() - have the device let go of a queue
 * @queue: the queue
 *
 * Of its ring, status page and address space. If it won't, the device is reset.
 *
 * Return: 0, or -ENODEV if the device is gone.
 */
int enpu_reset_stop_queue_locked(struct enpu_queue *queue)
{
	struct enpu_device *enpu = queue->enpu;
	int ret;

	lockdep_assert_held(&enpu->hw_lock);

	enpu_write(enpu, enpu_queue_reg(queue, ENPU_QUEUE_CTRL), 0);
	ret = enpu_device_poll(enpu, enpu_queue_reg(queue, ENPU_QUEUE_STATE), U32_MAX,
			       ENPU_QUEUE_OFF, ENPU_QUEUE_STOP_TIMEOUT_MS);
	if (ret == -ENODEV) {
		enpu_reset_gone_locked(enpu);
	} else if (ret) {
		drm_err(&enpu->drm, "queue %d does not stop\n", queue->slot);
		enpu_coredump_take_locked(enpu, queue, ENPU_COREDUMP_STUCK, -ETIMEDOUT);
		enpu_reset_device_locked(enpu);
	}

	return enpu->hw_on ? 0 : -ENODEV;
}

static unsigned long enpu_reset_watch_period(struct enpu_queue *queue)
{
	return clamp(queue->timeout / 4, 1, HZ / 2);
}

/**
 * enpu_reset_watch() - have the watchdog look after the fences
 * @queue: the queue, locked and running
 */
void enpu_reset_watch(struct enpu_queue *queue)
{
	lockdep_assert_held(&queue->lock);

	if (queue->watched)
		return;

	queue->watched = true;
	queue->seen_at = jiffies;
	queue_delayed_work(queue->watch_wq, &queue->watchdog,
			   enpu_reset_watch_period(queue));
}

/**
 * enpu_reset_halted() - call the watchdog: the device says that a job has failed
 * @queue: the queue, locked and running
 */
void enpu_reset_halted(struct enpu_queue *queue)
{
	lockdep_assert_held(&queue->lock);

	queue->watched = true;
	mod_delayed_work(queue->watch_wq, &queue->watchdog, 0);
}

static u32 enpu_reset_queue_state(struct enpu_queue *queue)
{
	return enpu_read(queue->enpu, enpu_queue_reg(queue, ENPU_QUEUE_STATE));
}

/* Does the machine sleep, or is the queue paused, or is it another one that uses the core? */
static bool enpu_reset_must_wait(struct enpu_queue *queue)
{
	struct enpu_device *enpu = queue->enpu;
	unsigned int i;
	u32 state;

	if (!enpu->hw_on)
		return true;
	state = enpu_reset_queue_state(queue);
	if (state == ENPU_QUEUE_RUNNING || state == ENPU_QUEUE_PAUSED)
		return state == ENPU_QUEUE_PAUSED;

	for (i = 0; i < enpu->info.num_queues; i++) {
		struct enpu_queue *other = enpu_device_queue_locked(enpu, i);

		if (other && other != queue &&
		    enpu_reset_queue_state(other) == ENPU_QUEUE_RUNNING)
			return true;
	}

	return false;
}

static void enpu_reset_ban(struct enpu_queue *queue, int error)
{
	trace_enpu_queue_ban(queue, queue->status, error);
	enpu_coredump_take_locked(queue->enpu, queue, error == -EFAULT ? ENPU_COREDUMP_FAULT :
				  ENPU_COREDUMP_HANG, error);
	enpu_queue_retire_locked(queue, DRM_ENPU_QUEUE_BANNED, error, -ECANCELED, true);
	drm_dbg(&queue->enpu->drm, "%s: banned (%d): job %llu, cause %u, address 0x%llx\n",
		queue->label, error, queue->last.fault_job, queue->last.fault_cause,
		queue->last.fault_addr);
}

/**
 * enpu_reset_check_locked() - what a watchdog does
 * @queue: the queue, not retired
 */
void enpu_reset_check_locked(struct enpu_queue *queue)
{
	bool halted, idle;
	u64 progress;

	idle = !queue->user || enpu_user_all_done_locked(queue);
	spin_lock_irq(&queue->lock);
	enpu_sched_complete(queue);
	progress = READ_ONCE(queue->status->progress) + READ_ONCE(queue->status->completed);
	halted = READ_ONCE(queue->status->state) == ENPU_QUEUE_HALTED;
	idle = idle && list_empty(&queue->fences);
	queue->watched = !idle;
	if (idle)
		enpu_sched_let_sleep(queue);
	spin_unlock_irq(&queue->lock);

	if (halted) {
		enpu_reset_ban(queue, -EFAULT);
		return;
	}
	if (idle)
		return;

	if (queue->enpu->hw_on && !enpu_device_alive(queue->enpu)) {
		enpu_reset_gone_locked(queue->enpu);
		return;
	}

	if (progress != queue->seen || enpu_reset_must_wait(queue)) {
		queue->seen = progress;
		queue->seen_at = jiffies;
	} else if (time_after(jiffies, queue->seen_at + queue->timeout)) {
		enpu_reset_ban(queue, -ETIME);
		return;
	}

	queue_delayed_work(queue->watch_wq, &queue->watchdog,
			   enpu_reset_watch_period(queue));
}

/**
 * enpu_reset_watchdog() - look after a KERNEL queue
 * @work: its watchdog
 */
void enpu_reset_watchdog(struct work_struct *work)
{
	struct enpu_queue *queue = container_of(to_delayed_work(work), struct enpu_queue, watchdog);
	bool cookie = dma_fence_begin_signalling();

	mutex_lock(&queue->enpu->hw_lock);
	if (queue->slot >= 0)
		enpu_reset_check_locked(queue);
	mutex_unlock(&queue->enpu->hw_lock);
	dma_fence_end_signalling(cookie);
}

/* Somebody else will reset the device. */
static void enpu_reset_away(struct enpu_device *enpu, bool reachable)
{
	bool cookie = dma_fence_begin_signalling();

	mutex_lock(&enpu->hw_lock);
	if (!enpu->hw_gone && !enpu->away) {
		enpu->away = true;
		/* It doesn't fall asleep until it is back. */
		pm_runtime_get_noresume(enpu->drm.dev);
		/* If that fails: without bus mastering it makes no access either. */
		if (enpu->hw_on && reachable)
			enpu_reset_hw(enpu);
		pci_clear_master(enpu->pdev);
		enpu->hw_on = false;
		enpu_reset_fail_queues_locked(enpu, -EIO);
		queue_delayed_work(enpu->recovery_wq, &enpu->away_work,
				   msecs_to_jiffies(ENPU_AWAY_TIMEOUT_MS));
	}
	mutex_unlock(&enpu->hw_lock);
	dma_fence_end_signalling(cookie);
}

static void enpu_reset_back(struct enpu_device *enpu)
{
	bool cookie = dma_fence_begin_signalling();

	mutex_lock(&enpu->hw_lock);
	if (enpu->away) {
		enpu->away = false;
		cancel_delayed_work(&enpu->away_work);
		/* It may have been asleep when it began. */
		if (!pm_runtime_suspended(enpu->drm.dev))
			enpu_pm_on_locked(enpu);
		if (!enpu->hw_gone)
			enpu_reset_count_locked(enpu);
		enpu_pm_put(enpu);
	}
	mutex_unlock(&enpu->hw_lock);
	dma_fence_end_signalling(cookie);
}

static void enpu_reset_pci_prepare(struct pci_dev *pdev)
{
	enpu_reset_away(pci_get_drvdata(pdev), true);
}

static void enpu_reset_pci_done(struct pci_dev *pdev)
{
	enpu_reset_back(pci_get_drvdata(pdev));
}

static pci_ers_result_t enpu_reset_pci_detected(struct pci_dev *pdev, pci_channel_state_t state)
{
	struct enpu_device *enpu = pci_get_drvdata(pdev);

	drm_err(&enpu->drm, "PCI error (%s)\n", state == pci_channel_io_normal ? "non-fatal" :
		state == pci_channel_io_frozen ? "fatal" : "permanent");
	enpu_reset_away(enpu, state == pci_channel_io_normal);
	if (state != pci_channel_io_perm_failure)
		return PCI_ERS_RESULT_NEED_RESET;

	mutex_lock(&enpu->hw_lock);
	enpu_reset_gone_locked(enpu);
	mutex_unlock(&enpu->hw_lock);

	return PCI_ERS_RESULT_DISCONNECT;
}

static pci_ers_result_t enpu_reset_pci_slot_reset(struct pci_dev *pdev)
{
	struct enpu_device *enpu = pci_get_drvdata(pdev);

	pci_load_saved_state(pdev, enpu->pci_state);
	pci_restore_state(pdev);
	if (enpu_device_alive(enpu))
		return PCI_ERS_RESULT_RECOVERED;

	mutex_lock(&enpu->hw_lock);
	enpu_reset_gone_locked(enpu);
	mutex_unlock(&enpu->hw_lock);

	return PCI_ERS_RESULT_DISCONNECT;
}

static void enpu_reset_pci_resume(struct pci_dev *pdev)
{
	enpu_reset_back(pci_get_drvdata(pdev));
}

const struct pci_error_handlers enpu_reset_pci_handlers = {
	.error_detected = enpu_reset_pci_detected,
	.slot_reset = enpu_reset_pci_slot_reset,
	.resume = enpu_reset_pci_resume,
	.reset_prepare = enpu_reset_pci_prepare,
	.reset_done = enpu_reset_pci_done,
};
