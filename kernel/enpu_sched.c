// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Scheduling and fences
 *
 * Each queue has a scheduler of its own with one entity: the device schedules
 * between queues, drm_sched orders a queue's jobs after what they wait for. Its
 * credits are the entries of the ring, so the ring can't overflow.
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
#include "enpu_pm.h"
#include "enpu_queue.h"
#include "enpu_reset.h"
#include "enpu_sched.h"
#include "enpu_trace.h"

static const char *enpu_fence_driver_name(struct dma_fence *fence)
{
	return "enpu";
}

static const char *enpu_fence_timeline_name(struct dma_fence *fence)
{
	return "enpu-queue";
}

static void enpu_fence_free(struct enpu_fence *fence)
{
	kfree_rcu(fence, base.rcu);
	module_put(THIS_MODULE);
}

static void enpu_fence_release(struct dma_fence *base)
{
	enpu_fence_free(container_of(base, struct enpu_fence, base));
}

static const struct dma_fence_ops enpu_fence_ops = {
	.get_driver_name = enpu_fence_driver_name,
	.get_timeline_name = enpu_fence_timeline_name,
	.release = enpu_fence_release,
};

static struct enpu_fence *enpu_fence_alloc(void)
{
	struct enpu_fence *fence = kzalloc(sizeof(*fence), GFP_KERNEL_ACCOUNT);

	if (fence) {
		spin_lock_init(&fence->lock);
		__module_get(THIS_MODULE);
	}

	return fence;
}

/**
 * enpu_submission_create() - prepare a submission
 * @queue: the queue
 * @count: number of jobs, at most what its ring holds
 * @file: whose it is
 *
 * It keeps the machine awake until it is freed: who brings its jobs to the ring is on
 * the way to a fence and can't wake anything.
 *
 * Return: a submission for the scheduler or for enpu_submission_free(), or an
 * ERR_PTR.
 */
struct enpu_submission *enpu_submission_create(struct enpu_queue *queue, u32 count,
					       struct drm_file *file)
{
	struct enpu_submission *submission;
	int ret;

	submission = kvzalloc(struct_size(submission, jobs, count), GFP_KERNEL_ACCOUNT);
	if (!submission)
		return ERR_PTR(-ENOMEM);

	submission->count = count;
	submission->fence = enpu_fence_alloc();
	if (!submission->fence) {
		ret = -ENOMEM;
		goto err_free;
	}

	ret = enpu_pm_get(queue->enpu);
	if (ret)
		goto err_fence;

	ret = enpu_sched_job_init(&submission->base, &queue->entity, max(count, 1u), file,
				  file->client_id);
	if (ret)
		goto err_pm;

	kref_get(&queue->ref);
	atomic_inc(&queue->jobs);
	submission->queue = queue;

	return submission;

err_pm:
	enpu_pm_put(queue->enpu);
err_fence:
	enpu_fence_free(submission->fence);
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
	if (atomic_dec_and_test(&queue->jobs))
		wake_up_all(&queue->drained);
	/* before the reference to the module: see enpu_queue_release() */
	enpu_queue_put(queue);
	if (submission->fence)
		enpu_fence_free(submission->fence);
	kvfree(submission);
}

static void enpu_sched_write_ring(struct enpu_queue *queue, struct enpu_submission *submission)
{
	u32 mask = BIT(queue->ring_order) - 1;
	u32 i;

	for (i = 0; i < submission->count; i++)
		queue->ring[queue->producer++ & mask] = submission->jobs[i];
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
	if (!queue->running) {
		ret = ERR_PTR(queue->state == DRM_ENPU_QUEUE_BANNED ? -ECANCELED : -queue->error);
		trace_enpu_job_fail(queue, submission->number, 0, PTR_ERR(ret));
		goto out;
	}

	submission->fence = NULL;
	dma_fence_init(&fence->base, &enpu_fence_ops, &fence->lock, queue->fence_context,
		       ++queue->fence_seqno);
	enpu_sched_write_ring(queue, submission);
	fence->target = queue->producer;
	list_add_tail(&fence->node, &queue->fences);
	ret = dma_fence_get(&fence->base);
	trace_enpu_job_dispatch(queue, fence);

	if (submission->count)
		enpu_queue_ring_doorbell(queue);
	else
		enpu_sched_complete(queue);
	enpu_reset_watch(queue);
out:
	spin_unlock_irqrestore(&queue->lock, flags);
	dma_fence_end_signalling(cookie);

	return ret;
}

static void enpu_sched_free_job(struct drm_sched_job *job)
{
	enpu_submission_free(container_of(job, struct enpu_submission, base));
}

const struct drm_sched_backend_ops enpu_sched_ops = {
	.run_job = enpu_sched_run_job,
	.free_job = enpu_sched_free_job,
};

static void enpu_fence_finish(struct enpu_queue *queue, struct enpu_fence *fence, int error)
{
	list_del(&fence->node);
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

	lockdep_assert_held(&queue->lock);

	list_for_each_entry_safe(fence, next, &queue->fences, node) {
		if (fence->target > completed)
			break;
		enpu_fence_finish(queue, fence, 0);
	}
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
}
