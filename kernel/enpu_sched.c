// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Scheduling and fences
 *
 * Each queue has a scheduler of its own with one entity: the device schedules
 * between queues, drm_sched orders a queue's jobs after what they wait for.
 *
 * The short way
 * -------------
 *
 * Most submissions wait for nothing: what they waited for is signalled, the ring
 * has room, and nothing of their queue waits. SUBMIT puts such jobs into the ring
 * itself and rings the doorbell, without a job of drm_sched, its two fences and its
 * workers; what the caller gets is the fence behind the jobs itself. Anything else
 * goes through the scheduler, and so does all that comes after, until the last
 * of it is in the ring (&enpu_queue.waiting). Thus jobs enter the ring in the order of
 * submission, whichever way, and their fences signal in that order.
 *
 * Since the short way passes by the scheduler's credits, these can't keep the ring
 * from overflowing. prepare_job() does: it has a submission wait for the fence
 * behind which there is room for it. Nor may fences become any number, which
 * sync points could make them without a ring entry: an interrupt may have to signal
 * them all. The short way is open to as many as the ring has entries.
 *
 * Fences
 * ------
 *
 * A submission's jobs enter the ring together, and the fence behind them says at
 * which count of completed jobs it is done. The device counts in the status page;
 * the interrupt handler compares and signals. On that way nothing is allocated,
 * no register is read, and no lock is taken but the queue's own: fences are
 * allocated by SUBMIT. A sync point has no entry in the ring; its fence waits for
 * the same count as what was before it.
 *
 * drm_sched's timeout is not used. It looks at one job of one queue, while here a
 * job may wait for the one core through no fault of its own, and a lost interrupt
 * is no reason to stop a scheduler. The queue's watchdog (enpu_reset.c) is behind
 * every fence instead, and signals them with an error where it must; to drm_sched
 * that is a job that completes.
 *
 * A fence refers to code of this module for as long as anybody holds it, say by a
 * sync file. So each of them holds a reference to the module.
 */

#include <linux/module.h>
#include <linux/slab.h>

#include "enpu_compat.h"
#include "enpu_deadline.h"
#include "enpu_pm.h"
#include "enpu_queue.h"
#include "enpu_quota.h"
#include "enpu_reset.h"
#include "enpu_sched.h"
#include "enpu_test.h"
#include "enpu_trace.h"

static const char *enpu_fence_driver_name(struct dma_fence *fence)
{
	return "enpu";
}

static const char *enpu_fence_timeline_name(struct dma_fence *fence)
{
	return "enpu-queue";
}

/**
 * enpu_fence_free() - free a fence that nobody has seen
 * @fence: the fence
 */
void enpu_fence_free(struct enpu_fence *fence)
{
	kfree_rcu(fence, base.rcu);
	module_put(THIS_MODULE);
}

static void enpu_fence_release(struct dma_fence *base)
{
	enpu_fence_free(container_of(base, struct enpu_fence, base));
}

static void enpu_fence_set_deadline(struct dma_fence *base, ktime_t deadline)
{
	struct enpu_fence *fence = container_of(base, struct enpu_fence, base);
	struct enpu_queue *queue;

	rcu_read_lock();
	queue = rcu_dereference(fence->queue);
	if (queue)
		enpu_deadline_set(queue, fence, deadline);
	rcu_read_unlock();
}

static const struct dma_fence_ops enpu_fence_ops = {
	.get_driver_name = enpu_fence_driver_name,
	.get_timeline_name = enpu_fence_timeline_name,
	.release = enpu_fence_release,
	.set_deadline = enpu_fence_set_deadline,
};

/**
 * enpu_fence_alloc() - a fence for jobs that are to enter the ring
 *
 * Return: the fence, not yet initialized, or NULL.
 */
struct enpu_fence *enpu_fence_alloc(void)
{
	struct enpu_fence *fence = kzalloc(sizeof(*fence), GFP_KERNEL_ACCOUNT);

	if (fence) {
		spin_lock_init(&fence->lock);
		__module_get(THIS_MODULE);
	}

	return fence;
}

/**
 * enpu_submission_create() - prepare a submission for the scheduler
 * @queue: the queue
 * @jobs: its jobs
 * @count: how many, at most what the ring holds
 * @fence: to be behind them; taken over on success
 * @file: whose it is
 *
 * It keeps the machine awake until it is freed: who brings its jobs to the ring is on
 * the way to a fence and can't wake anything.
 *
 * Return: a submission for the scheduler or for enpu_submission_free(), or an
 * ERR_PTR.
 */
struct enpu_submission *enpu_submission_create(struct enpu_queue *queue,
					       const struct enpu_job *jobs, u32 count,
					       struct enpu_fence *fence, struct drm_file *file)
{
	struct enpu_submission *submission;
	int ret;

	submission = kvzalloc(struct_size(submission, jobs, count), GFP_KERNEL_ACCOUNT);
	if (!submission)
		return ERR_PTR(-ENOMEM);

	ret = enpu_quota_charge(queue->quota, ENPU_QUOTA_WAITING, 1);
	if (ret)
		goto err_free;
	ret = enpu_pm_get(queue->enpu);
	if (ret)
		goto err_quota;

	ret = enpu_sched_job_init(&submission->base, &queue->entity, max(count, 1u), file,
				  file->client_id);
	if (ret)
		goto err_pm;

	submission->count = count;
	memcpy(submission->jobs, jobs, array_size(count, sizeof(*jobs)));
	submission->fence = fence;
	kref_get(&queue->ref);
	atomic_inc(&queue->jobs);
	submission->queue = queue;
	__module_get(THIS_MODULE);

	return submission;

err_pm:
	enpu_pm_put(queue->enpu);
err_quota:
	enpu_quota_uncharge(queue->quota, ENPU_QUOTA_WAITING, 1);
err_free:
	kvfree(submission);
	return ERR_PTR(ret);
}

/**
 * enpu_submission_free() - free a submission
 * @submission: the submission, which the scheduler never had or is done with
 */
void enpu_submission_free(struct enpu_submission *submission)
{
	struct enpu_queue *queue = submission->queue;

	drm_sched_job_cleanup(&submission->base);
	enpu_pm_put(queue->enpu);
	enpu_quota_uncharge(queue->quota, ENPU_QUOTA_WAITING, 1);
	if (atomic_dec_and_test(&queue->jobs))
		wake_up_all(&queue->drained);
	enpu_queue_put(queue);
	if (submission->fence)
		enpu_fence_free(submission->fence);
	kvfree(submission);
	/* the last thing: see enpu_queue_release() */
	module_put(THIS_MODULE);
}

/* The count of completed jobs at which the ring has room for so many more */
static s64 enpu_sched_room_at(struct enpu_queue *queue, u32 count)
{
	return queue->producer + count - BIT(queue->ring_order);
}

VISIBLE_IF_KUNIT bool enpu_sched_has_room(struct enpu_queue *queue, u32 count)
{
	return enpu_sched_room_at(queue, count) <= (s64)READ_ONCE(queue->status->completed);
}

/* The fence is initialized then, with a reference for the caller. */
VISIBLE_IF_KUNIT void enpu_sched_fill_ring(struct enpu_queue *queue, const struct enpu_job *jobs,
					   u32 count, struct enpu_fence *fence)
{
	u32 mask = BIT(queue->ring_order) - 1;
	u32 i;

	lockdep_assert_held(&queue->lock);

	for (i = 0; i < count; i++)
		queue->ring[queue->producer++ & mask] = jobs[i];

	dma_fence_init(&fence->base, &enpu_fence_ops, &fence->lock, queue->fence_context,
		       ++queue->fence_seqno);
	fence->target = queue->producer;
	fence->deadline = KTIME_MAX;
	rcu_assign_pointer(fence->queue, queue);
	list_add_tail(&fence->node, &queue->fences);
	queue->num_fences++;
	dma_fence_get(&fence->base);
}

/* The machine is awake, and stays so until the watchdog finds the queue without work. */
static void enpu_sched_start(struct enpu_queue *queue, struct enpu_fence *fence, u32 count)
{
	trace_enpu_job_dispatch(queue, fence);
	if (!queue->awake) {
		queue->awake = true;
		enpu_pm_keep(queue->enpu);
	}
	if (count)
		enpu_queue_ring_doorbell(queue);
	else
		enpu_sched_complete(queue);
	enpu_reset_watch(queue);
}

/**
 * enpu_sched_let_sleep() - the queue has no work: the machine may sleep
 * @queue: the queue, locked
 */
void enpu_sched_let_sleep(struct enpu_queue *queue)
{
	lockdep_assert_held(&queue->lock);

	if (queue->awake)
		enpu_pm_put(queue->enpu);
	queue->awake = false;
}

/* What SUBMIT says to a queue that has failed */
static int enpu_sched_refusal(struct enpu_queue *queue)
{
	lockdep_assert_held(&queue->lock);

	if (queue->state == DRM_ENPU_QUEUE_ACTIVE)
		return 0;

	return queue->error == ENODEV ? -ENODEV : -EIO;
}

/**
 * enpu_sched_enter() - put jobs into the ring, past the scheduler
 * @queue: the queue, its submit_lock held
 * @jobs: the jobs
 * @count: how many
 * @fence: initialized on success, with a reference for the caller
 * @awake: the caller keeps the machine awake
 *
 * Return: 0, -EAGAIN if the jobs have to wait, -EIO or -ENODEV if the queue has failed.
 */
int enpu_sched_enter(struct enpu_queue *queue, const struct enpu_job *jobs, u32 count,
		     struct enpu_fence *fence, bool awake)
{
	int ret;

	lockdep_assert_held(&queue->submit_lock);
	guard(spinlock_irq)(&queue->lock);

	ret = enpu_sched_refusal(queue);
	if (ret)
		return ret;
	if (!queue->running || queue->waiting || !(awake || queue->awake) ||
	    !enpu_sched_has_room(queue, count) ||
	    queue->num_fences >= BIT(queue->ring_order))
		return -EAGAIN;

	queue->submitted += count;
	enpu_sched_fill_ring(queue, jobs, count, fence);
	trace_enpu_job_submit(queue, queue->submitted, count, &fence->base);
	enpu_sched_start(queue, fence, count);

	return 0;
}

/**
 * enpu_sched_reserve() - give a submission its place among the queue's
 * @submission: the submission
 *
 * Under the queue's submit_lock, which is held until it has been armed and pushed.
 * What comes after waits for it.
 *
 * Return: 0, or -EIO or -ENODEV if the queue has failed.
 */
int enpu_sched_reserve(struct enpu_submission *submission)
{
	struct enpu_queue *queue = submission->queue;
	int ret;

	lockdep_assert_held(&queue->submit_lock);
	guard(spinlock_irq)(&queue->lock);

	ret = enpu_sched_refusal(queue);
	if (ret)
		return ret;

	queue->waiting++;
	queue->submitted += submission->count;
	submission->number = queue->submitted;

	return 0;
}

/*
 * What the submission has to wait for when it has waited for everything else. The
 * answer holds until it enters the ring: while it waits, nobody passes it by.
 */
static struct dma_fence *enpu_sched_prepare_job(struct drm_sched_job *job,
						struct drm_sched_entity *entity)
{
	struct enpu_submission *submission = container_of(job, struct enpu_submission, base);
	struct enpu_queue *queue = submission->queue;
	struct enpu_fence *fence;

	guard(spinlock_irqsave)(&queue->lock);

	if (!queue->running || enpu_sched_has_room(queue, submission->count))
		return NULL;

	list_for_each_entry(fence, &queue->fences, node)
		if ((s64)fence->target >= enpu_sched_room_at(queue, submission->count))
			return dma_fence_get(&fence->base);

	return NULL;
}

static struct dma_fence *enpu_sched_run_job(struct drm_sched_job *job)
{
	struct enpu_submission *submission = container_of(job, struct enpu_submission, base);
	struct enpu_queue *queue = submission->queue;
	struct enpu_fence *fence = submission->fence;
	bool cookie = dma_fence_begin_signalling();
	struct dma_fence *ret;
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	queue->waiting--;
	if (queue->running) {
		submission->fence = NULL;
		enpu_sched_fill_ring(queue, submission->jobs, submission->count, fence);
		enpu_sched_start(queue, fence, submission->count);
		ret = &fence->base;
	} else {
		ret = ERR_PTR(queue->state == DRM_ENPU_QUEUE_BANNED ? -ECANCELED : -queue->error);
		trace_enpu_job_fail(queue, submission->number, 0, PTR_ERR(ret));
	}
	spin_unlock_irqrestore(&queue->lock, flags);
	dma_fence_end_signalling(cookie);

	return ret;
}

static void enpu_sched_free_job(struct drm_sched_job *job)
{
	enpu_submission_free(container_of(job, struct enpu_submission, base));
}

const struct drm_sched_backend_ops enpu_sched_ops = {
	.prepare_job = enpu_sched_prepare_job,
	.run_job = enpu_sched_run_job,
	.free_job = enpu_sched_free_job,
};

static void enpu_fence_finish(struct enpu_queue *queue, struct enpu_fence *fence, int error)
{
	list_del(&fence->node);
	queue->num_fences--;
	RCU_INIT_POINTER(fence->queue, NULL);
	if (error) {
		trace_enpu_job_fail(queue, fence->target, fence->base.seqno, error);
		dma_fence_set_error(&fence->base, error);
	} else {
		trace_enpu_job_complete(queue, fence);
	}
	dma_fence_signal(&fence->base);
	dma_fence_put(&fence->base);
}

/**
 * enpu_sched_complete() - signal the fences of what is complete
 * @queue: the queue, locked and with its status page
 */
void enpu_sched_complete(struct enpu_queue *queue)
{
	/* Pairs with the device: what it wrote before the count is visible. */
	u64 completed = smp_load_acquire(&queue->status->completed);
	struct enpu_fence *fence, *next;
	bool deadline = false;

	lockdep_assert_held(&queue->lock);

	list_for_each_entry_safe(fence, next, &queue->fences, node) {
		if (fence->target > completed)
			break;
		deadline |= fence->deadline != KTIME_MAX;
		enpu_fence_finish(queue, fence, 0);
	}
	if (deadline)
		enpu_deadline_over(queue);
}

/**
 * enpu_sched_fail() - signal all fences with an error
 * @queue: the queue, locked
 * @first_error: negative errno for the first of them
 * @error: negative errno for the others
 */
void enpu_sched_fail(struct enpu_queue *queue, int first_error, int error)
{
	struct enpu_fence *fence, *next;

	lockdep_assert_held(&queue->lock);

	list_for_each_entry_safe(fence, next, &queue->fences, node) {
		enpu_fence_finish(queue, fence, first_error);
		first_error = error;
	}
	enpu_deadline_over(queue);
}
