// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Submission
 *
 * SUBMIT is all or nothing. Everything that can fail comes first: copying and
 * checking, finding what to wait for, allocating what will be signalled. Then,
 * under the queue's submit_lock, the jobs enter the ring, or, if there is something
 * to wait for, the scheduler (see "The short way" in enpu_sched.c), and their fence
 * is put into the syncobjs; nothing of that fails or allocates. (An armed job
 * must be pushed: a dependency that can't be added after that is a fence that
 * never signals.)
 *
 * A submission of the common size, a job and a syncobj or two, that needs not
 * wait allocates its fence and the syncobj's chain node and nothing else.
 *
 * No reservation is locked and no BO is named: what jobs use is the business of
 * who maps it.
 */

#include <linux/dma-fence-chain.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_syncobj.h>

#include "enpu_compat.h"
#include "enpu_pm.h"
#include "enpu_queue.h"
#include "enpu_sched.h"
#include "enpu_submit.h"
#include "enpu_test.h"
#include "enpu_trace.h"
#include "enpu_uapi.h"

#define ENPU_MAX_SYNCS		1024
/* What needs no array of its own */
#define ENPU_FEW		2

/* One syncobj to signal */
struct enpu_signal {
	struct drm_syncobj *syncobj;
	struct dma_fence_chain *chain;
	u64 point;
};

/* A SUBMIT under way */
struct enpu_submit {
	struct enpu_queue *queue;
	struct drm_file *file;
	/* NULL once it is behind the jobs */
	struct enpu_fence *fence;
	/* NULL as long as it looks as if there were nothing to wait for */
	struct enpu_submission *submission;
	struct enpu_job *jobs;
	struct enpu_signal *signals;
	u32 num_jobs;
	u32 num_signals;
	struct enpu_job few_jobs[ENPU_FEW];
	struct enpu_signal few_signals[ENPU_FEW];
};

VISIBLE_IF_KUNIT int enpu_submit_check_command(struct enpu_device *enpu,
					       const struct drm_enpu_command *cmd)
{
	if (cmd->flags || cmd->pad || cmd->num_regions > ENPU_MAX_REGIONS)
		return -EINVAL;
	if (!IS_ALIGNED(cmd->stream_va | cmd->stream_size | cmd->regions_va | cmd->profile_va, 8))
		return -EINVAL;
	if (cmd->profile_va && !(enpu->info.caps & ENPU_CAP_PROFILE))
		return -EINVAL;

	return 0;
}

static int enpu_submit_copy_commands(struct enpu_submit *submit,
				     const struct drm_enpu_array *commands)
{
	u32 i;

	for (i = 0; i < submit->num_jobs; i++) {
		struct drm_enpu_command cmd;
		int ret;

		ret = enpu_copy_element(&cmd, sizeof(cmd), commands, i);
		if (!ret)
			ret = enpu_submit_check_command(submit->queue->enpu, &cmd);
		if (ret)
			return ret;

		submit->jobs[i] = (struct enpu_job) {
			.stream_va = cmd.stream_va,
			.stream_size = cmd.stream_size,
			.flags = cmd.profile_va ? ENPU_JOB_PROFILE : 0,
			.regions_va = cmd.regions_va,
			.num_regions = cmd.num_regions,
			.profile_va = cmd.profile_va,
			.cookie = cmd.cookie,
		};
	}
	/* The fence is behind the last one. */
	if (submit->num_jobs)
		submit->jobs[submit->num_jobs - 1].flags |= ENPU_JOB_IRQ;

	return 0;
}

/* There is something to wait for. */
static int enpu_submit_use_scheduler(struct enpu_submit *submit)
{
	struct enpu_submission *submission;

	submission = enpu_submission_create(submit->queue, submit->jobs, submit->num_jobs,
					    submit->fence, submit->file);
	if (IS_ERR(submission))
		return PTR_ERR(submission);

	submit->submission = submission;
	submit->fence = NULL;

	return 0;
}

static int enpu_submit_add_wait(struct enpu_submit *submit, const struct drm_enpu_sync *sync)
{
	struct dma_fence *fence;
	int ret;

	ret = drm_syncobj_find_fence(submit->file, sync->handle, sync->point, 0, &fence);
	if (ret)
		return ret;

	if (!dma_fence_is_signaled(fence) && !submit->submission)
		ret = enpu_submit_use_scheduler(submit);
	if (ret || !submit->submission) {
		dma_fence_put(fence);
		return ret;
	}

	return drm_sched_job_add_dependency(&submit->submission->base, fence);
}

static int enpu_submit_add_signal(struct enpu_submit *submit, const struct drm_enpu_sync *sync)
{
	struct enpu_signal *signal = &submit->signals[submit->num_signals];

	signal->syncobj = drm_syncobj_find(submit->file, sync->handle);
	if (!signal->syncobj)
		return -ENOENT;

	submit->num_signals++;
	signal->chain = NULL;
	signal->point = sync->point;
	if (sync->point) {
		signal->chain = dma_fence_chain_alloc();
		if (!signal->chain)
			return -ENOMEM;
	}

	return 0;
}

static int enpu_submit_copy_syncs(struct enpu_submit *submit, const struct drm_enpu_array *syncs)
{
	u32 i;

	for (i = 0; i < syncs->count; i++) {
		struct drm_enpu_sync sync;
		int ret;

		ret = enpu_copy_element(&sync, sizeof(sync), syncs, i);
		if (ret)
			return ret;
		if (sync.flags & ~DRM_ENPU_SYNC_SIGNAL)
			return -EINVAL;

		if (sync.flags & DRM_ENPU_SYNC_SIGNAL)
			ret = enpu_submit_add_signal(submit, &sync);
		else
			ret = enpu_submit_add_wait(submit, &sync);
		if (ret)
			return ret;
	}

	return 0;
}

static void enpu_submit_signal(struct enpu_submit *submit, struct dma_fence *fence)
{
	u32 i;

	for (i = 0; i < submit->num_signals; i++) {
		struct enpu_signal *signal = &submit->signals[i];

		if (!signal->chain) {
			drm_syncobj_replace_fence(signal->syncobj, fence);
			continue;
		}
		drm_syncobj_add_point(signal->syncobj, signal->chain, fence, signal->point);
		signal->chain = NULL;
	}
}

/* The short way, if it is open: -EAGAIN says that it is not. */
static int enpu_submit_enter(struct enpu_submit *submit)
{
	struct enpu_queue *queue = submit->queue;
	struct enpu_fence *fence = submit->fence;
	bool wake = !READ_ONCE(queue->awake);
	bool cookie;
	int ret;

	ret = wake ? enpu_pm_get(queue->enpu) : 0;
	if (ret)
		return ret;

	mutex_lock(&queue->submit_lock);
	cookie = dma_fence_begin_signalling();
	ret = enpu_sched_enter(queue, submit->jobs, submit->num_jobs, fence, wake);
	if (!ret) {
		submit->fence = NULL;
		enpu_submit_signal(submit, &fence->base);
		dma_fence_put(&fence->base);
	}
	dma_fence_end_signalling(cookie);
	mutex_unlock(&queue->submit_lock);
	if (wake)
		enpu_pm_put(queue->enpu);

	return ret;
}

/* From here on it is done, or refused because the queue has failed. */
static int enpu_submit_push(struct enpu_submit *submit)
{
	struct enpu_submission *submission = submit->submission;
	struct enpu_queue *queue = submit->queue;
	bool cookie;
	int ret;

	guard(mutex)(&queue->submit_lock);

	ret = enpu_sched_reserve(submission);
	if (ret)
		return ret;

	submit->submission = NULL;
	cookie = dma_fence_begin_signalling();
	drm_sched_job_arm(&submission->base);
	trace_enpu_job_submit(queue, submission->number, submission->count,
			      &submission->base.s_fence->finished);
	enpu_submit_signal(submit, &submission->base.s_fence->finished);
	drm_sched_entity_push_job(&submission->base);
	dma_fence_end_signalling(cookie);

	return 0;
}

static int enpu_submit_commit(struct enpu_submit *submit)
{
	int ret;

	if (submit->submission)
		return enpu_submit_push(submit);

	ret = enpu_submit_enter(submit);
	if (ret != -EAGAIN)
		return ret;

	ret = enpu_submit_use_scheduler(submit);

	return ret ?: enpu_submit_push(submit);
}

static int enpu_submit_init(struct enpu_submit *submit, const struct drm_enpu_submit *args)
{
	submit->fence = enpu_fence_alloc();
	submit->submission = NULL;
	submit->jobs = submit->few_jobs;
	submit->signals = submit->few_signals;
	submit->num_jobs = args->commands.count;
	submit->num_signals = 0;
	if (submit->num_jobs > ENPU_FEW)
		submit->jobs = kvmalloc_array(submit->num_jobs, sizeof(*submit->jobs),
					      GFP_KERNEL_ACCOUNT);
	if (args->syncs.count > ENPU_FEW)
		submit->signals = kvmalloc_array(args->syncs.count, sizeof(*submit->signals),
						 GFP_KERNEL_ACCOUNT);

	return submit->fence && submit->jobs && submit->signals ? 0 : -ENOMEM;
}

static void enpu_submit_fini(struct enpu_submit *submit)
{
	u32 i;

	for (i = 0; i < submit->num_signals; i++) {
		if (submit->signals[i].chain)
			dma_fence_chain_free(submit->signals[i].chain);
		drm_syncobj_put(submit->signals[i].syncobj);
	}
	if (submit->signals != submit->few_signals)
		kvfree(submit->signals);
	if (submit->jobs != submit->few_jobs)
		kvfree(submit->jobs);
	if (submit->submission)
		enpu_submission_free(submit->submission);
	if (submit->fence)
		enpu_fence_free(submit->fence);
}

static int enpu_submit(struct enpu_queue *queue, const struct drm_enpu_submit *args,
		       struct drm_file *file)
{
	struct enpu_submit submit;
	int ret;

	submit.queue = queue;
	submit.file = file;
	ret = enpu_submit_init(&submit, args);
	if (!ret)
		ret = enpu_submit_copy_commands(&submit, &args->commands);
	if (!ret)
		ret = enpu_submit_copy_syncs(&submit, &args->syncs);
	if (!ret)
		ret = enpu_submit_commit(&submit);
	enpu_submit_fini(&submit);

	return ret;
}

/**
 * enpu_ioctl_submit() - submit jobs
 * @drm: the device
 * @data: struct drm_enpu_submit
 * @file: the caller
 *
 * Return: 0 or a negative errno.
 */
int enpu_ioctl_submit(struct drm_device *drm, void *data, struct drm_file *file)
{
	const struct drm_enpu_submit *args = data;
	struct enpu_queue *queue;
	int ret, idx;

	if (args->flags)
		return -EINVAL;
	if (!drm_dev_enter(drm, &idx))
		return -ENODEV;

	queue = enpu_queue_lookup(file->driver_priv, args->queue_id);
	if (!queue) {
		ret = -ENOENT;
		goto out_exit;
	}
	if (queue->user) {
		ret = -EINVAL;
		goto out_put;
	}

	ret = enpu_check_array(&args->commands, sizeof(struct drm_enpu_command),
			       BIT(queue->ring_order));
	if (!ret)
		ret = enpu_check_array(&args->syncs, sizeof(struct drm_enpu_sync), ENPU_MAX_SYNCS);
	if (!ret)
		ret = enpu_submit(queue, args, file);
out_put:
	enpu_queue_put(queue);
out_exit:
	drm_dev_exit(idx);

	return ret;
}
