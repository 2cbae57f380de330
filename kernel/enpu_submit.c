// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Submission
 *
 * SUBMIT is all or nothing. Everything that can fail comes first: copying and
 * checking, finding what to wait for, allocating what will be signalled. Then,
 * under the queue's submit_lock, the job is armed, its fence is put into the
 * syncobjs, and it is pushed; nothing of that fails or allocates. (An armed job
 * must be pushed: a dependency that can't be added after that is a fence that
 * never signals.)
 *
 * No reservation is locked and no BO is named: what jobs use is the business of
 * who maps it.
 */

#include <linux/dma-fence-chain.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_syncobj.h>

#include "enpu_compat.h"
#include "enpu_queue.h"
#include "enpu_sched.h"
#include "enpu_submit.h"
#include "enpu_trace.h"
#include "enpu_uapi.h"

#define ENPU_MAX_SYNCS		1024

/* One syncobj to signal */
struct enpu_signal {
	struct drm_syncobj *syncobj;
	struct dma_fence_chain *chain;
	u64 point;
};

struct enpu_signals {
	unsigned int count;
	struct enpu_signal signals[];
};

static int enpu_submit_check_command(struct enpu_device *enpu, const struct drm_enpu_command *cmd)
{
	if (cmd->flags || cmd->pad || cmd->num_regions > ENPU_MAX_REGIONS)
		return -EINVAL;
	if (!IS_ALIGNED(cmd->stream_va | cmd->stream_size | cmd->regions_va | cmd->profile_va, 8))
		return -EINVAL;
	if (cmd->profile_va && !(enpu->info.caps & ENPU_CAP_PROFILE))
		return -EINVAL;

	return 0;
}

static int enpu_submit_copy_commands(struct enpu_submission *submission,
				     const struct drm_enpu_array *commands)
{
	u32 i;

	for (i = 0; i < submission->count; i++) {
		struct enpu_job *job = &submission->jobs[i];
		struct drm_enpu_command cmd;
		int ret;

		ret = enpu_copy_element(&cmd, sizeof(cmd), commands, i);
		if (!ret)
			ret = enpu_submit_check_command(submission->queue->enpu, &cmd);
		if (ret)
			return ret;

		*job = (struct enpu_job) {
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
	if (submission->count)
		submission->jobs[submission->count - 1].flags |= ENPU_JOB_IRQ;

	return 0;
}

static int enpu_submit_add_wait(struct enpu_submission *submission, struct drm_file *file,
				const struct drm_enpu_sync *sync)
{
	struct dma_fence *fence;
	int ret;

	ret = drm_syncobj_find_fence(file, sync->handle, sync->point, 0, &fence);
	if (ret)
		return ret;

	return drm_sched_job_add_dependency(&submission->base, fence);
}

static int enpu_submit_add_signal(struct enpu_signals *signals, struct drm_file *file,
				  const struct drm_enpu_sync *sync)
{
	struct enpu_signal *signal = &signals->signals[signals->count];

	signal->syncobj = drm_syncobj_find(file, sync->handle);
	if (!signal->syncobj)
		return -ENOENT;

	signals->count++;
	signal->point = sync->point;
	if (sync->point) {
		signal->chain = dma_fence_chain_alloc();
		if (!signal->chain)
			return -ENOMEM;
	}

	return 0;
}

static int enpu_submit_copy_syncs(struct enpu_submission *submission, struct enpu_signals *signals,
				  const struct drm_enpu_array *syncs, struct drm_file *file)
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
			ret = enpu_submit_add_signal(signals, file, &sync);
		else
			ret = enpu_submit_add_wait(submission, file, &sync);
		if (ret)
			return ret;
	}

	return 0;
}

static void enpu_submit_free_signals(struct enpu_signals *signals)
{
	unsigned int i;

	for (i = 0; i < signals->count; i++) {
		dma_fence_chain_free(signals->signals[i].chain);
		drm_syncobj_put(signals->signals[i].syncobj);
	}
	kvfree(signals);
}

static void enpu_submit_signal(struct enpu_signals *signals, struct dma_fence *fence)
{
	unsigned int i;

	for (i = 0; i < signals->count; i++) {
		struct enpu_signal *signal = &signals->signals[i];

		if (!signal->chain) {
			drm_syncobj_replace_fence(signal->syncobj, fence);
			continue;
		}
		drm_syncobj_add_point(signal->syncobj, signal->chain, fence, signal->point);
		signal->chain = NULL;
	}
}

/* From here on it is done, or refused because the queue has failed. */
static int enpu_submit_push(struct enpu_submission *submission, struct enpu_signals *signals)
{
	struct enpu_queue *queue = submission->queue;
	bool cookie;

	guard(mutex)(&queue->submit_lock);

	if (READ_ONCE(queue->state) != DRM_ENPU_QUEUE_ACTIVE)
		return -EIO;

	cookie = dma_fence_begin_signalling();
	queue->submitted += submission->count;
	submission->number = queue->submitted;
	drm_sched_job_arm(&submission->base);
	trace_enpu_job_submit(submission, &submission->base.s_fence->finished);
	enpu_submit_signal(signals, &submission->base.s_fence->finished);
	drm_sched_entity_push_job(&submission->base);
	dma_fence_end_signalling(cookie);

	return 0;
}

static int enpu_submit(struct enpu_queue *queue, const struct drm_enpu_submit *args,
		       struct drm_file *file)
{
	struct enpu_submission *submission;
	struct enpu_signals *signals;
	int ret;

	signals = kvzalloc(struct_size(signals, signals, args->syncs.count), GFP_KERNEL_ACCOUNT);
	if (!signals)
		return -ENOMEM;

	submission = enpu_submission_create(queue, args->commands.count, file);
	if (IS_ERR(submission)) {
		ret = PTR_ERR(submission);
		goto out;
	}

	ret = enpu_submit_copy_commands(submission, &args->commands);
	if (!ret)
		ret = enpu_submit_copy_syncs(submission, signals, &args->syncs, file);
	if (!ret)
		ret = enpu_submit_push(submission, signals);
	if (ret)
		enpu_submission_free(submission);
out:
	enpu_submit_free_signals(signals);
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
		goto out;
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
out:
	drm_dev_exit(idx);
	return ret;
}
