/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Backend of the DRM scheduler: from a submission whose time has come to a
 * signalled fence.
 */
#ifndef ENPU_SCHED_H
#define ENPU_SCHED_H

#include <linux/dma-fence.h>

#include <drm/gpu_scheduler.h>

#include "enpu_device.h"

struct enpu_queue;

/**
 * struct enpu_fence - signals when a queue has completed so many jobs
 */
struct enpu_fence {
	/** @base: the fence; initialized when the jobs enter the ring */
	struct dma_fence base;
	/** @lock: of @base, which may outlive its queue */
	spinlock_t lock;
	/** @node: in &enpu_queue.fences */
	struct list_head node;
	/** @target: the count at which it signals */
	u64 target;
	/** @queue: NULL once it has signalled; changes under &enpu_queue.lock */
	struct enpu_queue __rcu *queue;
	/** @deadline: CLOCK_MONOTONIC; KTIME_MAX: nobody has set one */
	ktime_t deadline;
};

/**
 * struct enpu_submission - jobs of one SUBMIT that have to wait in the scheduler
 */
struct enpu_submission {
	/** @base: the scheduler's job */
	struct drm_sched_job base;
	/** @queue: where it runs; a reference */
	struct enpu_queue *queue;
	/** @fence: allocated beforehand; NULL once it is behind the jobs in the ring */
	struct enpu_fence *fence;
	/** @number: that of the last job in the queue, counted from 1 */
	u64 number;
	/** @count: how many @jobs; 0: a sync point */
	u32 count;
	/** @jobs: ring entries */
	struct enpu_job jobs[] __counted_by(count);
};

extern const struct drm_sched_backend_ops enpu_sched_ops;

struct enpu_fence *enpu_fence_alloc(void);
void enpu_fence_free(struct enpu_fence *fence);

struct enpu_submission *enpu_submission_create(struct enpu_queue *queue,
					       const struct enpu_job *jobs, u32 count,
					       struct enpu_fence *fence, struct drm_file *file);
void enpu_submission_free(struct enpu_submission *submission);

int enpu_sched_enter(struct enpu_queue *queue, const struct enpu_job *jobs, u32 count,
		     struct enpu_fence *fence, bool awake);
int enpu_sched_reserve(struct enpu_submission *submission);
void enpu_sched_let_sleep(struct enpu_queue *queue);
void enpu_sched_complete(struct enpu_queue *queue);
void enpu_sched_fail(struct enpu_queue *queue, int first_error, int error);

#endif
