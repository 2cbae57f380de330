// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Power
 *
 * The machine is awake or it sleeps, in D3hot or with no power at all. Asleep it makes
 * no access to memory and knows nothing: what it would have to know is in
 * &enpu_device.slots and &enpu_device.vms, and when it wakes it is reset and told all
 * of it, each queue with the count of jobs that it has completed, and its doorbell is
 * rung with what the ring holds. Nobody sees a difference but by the time it takes.
 *
 * So most things need not wake it. Address spaces and queues are made, changed and
 * destroyed in its sleep; an invalidation is complete before it was asked for. This
 * is more than thrift: a shrinker may unmap, and must not wait for PCI to resume.
 * What wakes it is a job, a doorbell and its clock: whoever needs one of them holds
 * enpu_pm_get().
 *
 * A queue holds the machine awake from its first job until its watchdog finds it
 * without work, half a second later at most: so a job costs nothing here
 * as long as others are near. A submission in the scheduler holds it awake too, from
 * SUBMIT until it is freed: run_job() could not wake it, as that may allocate and
 * fences wait for run_job(). The price is that a job which waits for somebody
 * else's fence keeps the machine awake meanwhile.
 *
 * System sleep finds the processes frozen, but not their jobs. Every queue is paused:
 * jobs that have begun are waited for, as nobody can tell what half of one has done,
 * those behind them stay in their rings and run after the sleep. A job that hangs
 * meanwhile is banned at its queue's timeout as ever, and holds up nobody any more. If
 * one is not complete after ENPU_PM_PAUSE_TIMEOUT_MS, be it slow or its timeout long,
 * the queues go on and system sleep fails with EBUSY.
 *
 * &enpu_device.hw_on is whether the machine is awake, and changes under
 * &enpu_device.hw_lock; whoever has the lock looks at it before he touches a
 * register. A machine that does not wake is gone, as if it had died awake.
 */

#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/pm_runtime.h>

#include <drm/drm_print.h>

#include "enpu_device.h"
#include "enpu_pm.h"
#include "enpu_queue.h"
#include "enpu_reset.h"
#include "enpu_user.h"

/* Who closes the lid may wait that long */
#define ENPU_PM_PAUSE_TIMEOUT_MS	5000

static int enpu_autosuspend_ms = 500;
module_param_named(autosuspend_ms, enpu_autosuspend_ms, int, 0444);
MODULE_PARM_DESC(autosuspend_ms,
		 "after how long without work the device sleeps, in ms, until power/autosuspend_delay_ms says otherwise; negative: never");

/**
 * enpu_pm_get() - wake the machine and keep it awake
 * @enpu: the device, within drm_dev_enter()
 *
 * May sleep, and allocate: not on a fence's signalling path.
 *
 * Return: 0 or a negative errno.
 */
int enpu_pm_get(struct enpu_device *enpu)
{
	return pm_runtime_resume_and_get(enpu->drm.dev);
}

/**
 * enpu_pm_keep() - keep the machine awake, which somebody else holds awake now
 * @enpu: the device
 *
 * In any context. It needs an enpu_pm_put() of its own.
 */
void enpu_pm_keep(struct enpu_device *enpu)
{
	pm_runtime_get_noresume(enpu->drm.dev);
}

/**
 * enpu_pm_put() - the machine may sleep as far as the caller is concerned
 * @enpu: the device
 *
 * In any context; later than unplug, too.
 */
void enpu_pm_put(struct enpu_device *enpu)
{
	pm_runtime_mark_last_busy(enpu->drm.dev);
	pm_runtime_put_autosuspend(enpu->drm.dev);
}

/* Puts it to sleep. No queue has a job that has begun. */
static void enpu_pm_off_locked(struct enpu_device *enpu)
{
	unsigned int i;

	for (i = 0; i < enpu->info.num_queues; i++) {
		struct enpu_queue *queue = enpu_device_queue_locked(enpu, i);

		if (queue)
			enpu_queue_park_locked(queue);
	}

	if (enpu_reset_hw(enpu)) {
		enpu_reset_gone_locked(enpu);
		return;
	}
	pci_clear_master(enpu->pdev);
	enpu->hw_on = false;

	/* Handlers that are late would read registers. */
	for (i = 0; i < enpu->num_vectors; i++)
		synchronize_irq(enpu->vectors[i].irq);
}

/**
 * enpu_pm_on_locked() - turn the machine on
 * @enpu: the device, off: it was asleep, or reset by others
 */
void enpu_pm_on_locked(struct enpu_device *enpu)
{
	unsigned int i;

	lockdep_assert_held(&enpu->hw_lock);

	if (enpu->hw_gone || enpu->away)
		return;

	/* What it did in D3 is unspecified; after system sleep it may be another state yet. */
	if (enpu_reset_hw(enpu)) {
		enpu_reset_gone_locked(enpu);
		return;
	}
	pci_set_master(enpu->pdev);
	enpu->hw_on = true;
	enpu_device_restore_locked(enpu);

	for (i = 0; i < enpu->info.num_queues; i++) {
		struct enpu_queue *queue = enpu_device_queue_locked(enpu, i);

		if (queue)
			enpu_queue_start_locked(queue);
	}
}

static int enpu_pm_runtime_suspend(struct device *dev)
{
	struct enpu_device *enpu = dev_get_drvdata(dev);

	guard(mutex)(&enpu->hw_lock);

	/* There is nothing to save: don't have the PCI core try. */
	if (enpu->hw_gone || enpu->away)
		return -EBUSY;

	enpu_pm_off_locked(enpu);

	return 0;
}

/* Never fails: that the device is gone is learned by other ways than the PM core's. */
static int enpu_pm_resume(struct device *dev)
{
	struct enpu_device *enpu = dev_get_drvdata(dev);

	guard(mutex)(&enpu->hw_lock);

	enpu_pm_on_locked(enpu);

	return 0;
}

static void enpu_pm_pause_locked(struct enpu_device *enpu, bool pause)
{
	u32 ctrl = ENPU_QUEUE_CTRL_ENABLE | (pause ? ENPU_QUEUE_CTRL_PAUSE : 0);
	unsigned int i;

	for (i = 0; i < enpu->info.num_queues; i++) {
		struct enpu_queue *queue = enpu_device_queue_locked(enpu, i);

		if (queue)
			enpu_write(enpu, enpu_queue_reg(queue, ENPU_QUEUE_CTRL), ctrl);
	}
}

/* A queue that has not come to rest, or NULL */
static struct enpu_queue *enpu_pm_find_busy_locked(struct enpu_device *enpu)
{
	unsigned int i;

	for (i = 0; i < enpu->info.num_queues; i++) {
		struct enpu_queue *queue = enpu_device_queue_locked(enpu, i);
		u32 state;

		if (!queue)
			continue;
		state = enpu_read(enpu, enpu_queue_reg(queue, ENPU_QUEUE_STATE));
		if (state == ENPU_QUEUE_IDLE || state == ENPU_QUEUE_RUNNING)
			return queue;
	}

	return NULL;
}

/* The lock is not held while it waits, so that the watchdogs can do their part. */
static int enpu_pm_suspend(struct device *dev)
{
	ktime_t end = ktime_add_ms(ktime_get(), ENPU_PM_PAUSE_TIMEOUT_MS);
	struct enpu_device *enpu = dev_get_drvdata(dev);
	struct enpu_queue *queue;
	int ret = 0;

	enpu_user_zap_all(enpu);

	mutex_lock(&enpu->hw_lock);
	if (enpu->hw_on)
		enpu_pm_pause_locked(enpu, true);
	while (enpu->hw_on && (queue = enpu_pm_find_busy_locked(enpu))) {
		if (ktime_after(ktime_get(), end)) {
			drm_warn(&enpu->drm, "no sleep: a job of queue '%s' goes on and on\n",
				 queue->label);
			enpu_pm_pause_locked(enpu, false);
			ret = -EBUSY;
			break;
		}
		mutex_unlock(&enpu->hw_lock);
		usleep_range(1000, 5000);
		mutex_lock(&enpu->hw_lock);
	}
	if (enpu->hw_on && !ret)
		enpu_pm_off_locked(enpu);
	mutex_unlock(&enpu->hw_lock);

	return ret;
}

/* What the PM core calls; the PCI core does the function's own part. */
const struct dev_pm_ops enpu_pm_ops = {
	SYSTEM_SLEEP_PM_OPS(enpu_pm_suspend, enpu_pm_resume)
	RUNTIME_PM_OPS(enpu_pm_runtime_suspend, enpu_pm_resume, NULL)
};

/**
 * enpu_pm_init() - let the machine sleep from now on
 * @enpu: the device, at the end of probe
 *
 * The PCI core has it awake while it probes, and until somebody allows runtime PM:
 * that is us, as it is known to work.
 */
void enpu_pm_init(struct enpu_device *enpu)
{
	struct device *dev = enpu->drm.dev;

	pm_runtime_set_autosuspend_delay(dev, enpu_autosuspend_ms);
	pm_runtime_use_autosuspend(dev);
	pm_runtime_allow(dev);
	enpu_pm_put(enpu);
}

/**
 * enpu_pm_fini() - wake it for the last time
 * @enpu: the device, about to be removed
 *
 * The PCI core will drop the reference that enpu_pm_init() has dropped.
 */
void enpu_pm_fini(struct enpu_device *enpu)
{
	struct device *dev = enpu->drm.dev;

	pm_runtime_get_noresume(dev);
	pm_runtime_forbid(dev);
	pm_runtime_dont_use_autosuspend(dev);
}
