/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Queues: a hardware queue and its jobs.
 */
#ifndef ENPU_QUEUE_H
#define ENPU_QUEUE_H

#include <linux/hrtimer.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <drm/gpu_scheduler.h>

#include "enpu_device.h"

#define ENPU_QUEUE_MAX_TIMEOUT_MS	120000

struct enpu_user;

/**
 * struct enpu_queue - a queue
 *
 * Alive as long as its file has it, or its scheduler has jobs, or it has mappings.
 */
struct enpu_queue {
	/** @ref: of the file's id, and of each job of @entity and each mapping */
	struct kref ref;
	/** @enpu: the device; holds a reference */
	struct enpu_device *enpu;
	/** @quota: that it and its waiting submissions are charged to */
	struct enpu_quota *quota;
	/** @vm: address space of its jobs; NULL once it was destroyed */
	struct enpu_vm *vm;
	/** @label: for accounting */
	char label[DRM_ENPU_QUEUE_LABEL_LEN];
	/** @account: that of @label, until it is retired; by the hw_lock */
	struct enpu_label *account;
	/** @timeout: without progress, in jiffies */
	unsigned long timeout;
	/** @ring_order: log2 of the ring's entries */
	u32 ring_order;
	/** @priority: enum enpu_priority */
	u32 priority;
	/** @user: what a USER queue has; NULL: a KERNEL queue */
	struct enpu_user *user;

	/** @submit_lock: makes the order of jobs that of their fences; guards @submitted */
	struct mutex submit_lock;
	/** @submitted: jobs taken from the user */
	u64 submitted;
	/** @sched: brings jobs from @entity to the ring when their time has come */
	struct drm_gpu_scheduler sched;
	/** @entity: jobs that wait */
	struct drm_sched_entity entity;
	/** @fence_context: of the hardware fences */
	u64 fence_context;
	/** @jobs: of @entity, not yet freed */
	atomic_t jobs;
	/** @drained: woken when there are no more @jobs */
	wait_queue_head_t drained;

	/** @slot: the hardware queue that it has, -1 when retired; by the hw_lock */
	int slot;
	/** @ring: where the device reads jobs; of a KERNEL queue gone when retired */
	struct enpu_job *ring;
	/** @ring_dma: its bus address */
	dma_addr_t ring_dma;
	/** @status: where the device writes; of a KERNEL queue gone when retired */
	struct enpu_queue_status *status;
	/** @status_dma: its bus address */
	dma_addr_t status_dma;

	/** @doorbell: its register */
	u32 doorbell;

	/** @lock: guards what follows; taken in hard IRQ */
	spinlock_t lock;
	/** @running: the hardware takes jobs, and @ring and @status are there */
	bool running;
	/** @parked: no doorbells: the machine sleeps; it is told @producer when it wakes */
	bool parked;
	/** @awake: keeps the machine awake, from the first job until there is no more work */
	bool awake;
	/** @producer: entries put into the ring; of a USER queue as seen last */
	u64 producer;
	/** @waiting: submissions that @entity has and the ring not yet */
	unsigned int waiting;
	/** @fences: of what is in the ring, in order */
	struct list_head fences;
	/** @num_fences: how many */
	unsigned int num_fences;
	/** @fence_seqno: of the last of them */
	u64 fence_seqno;
	/** @deadline: the earliest of them, CLOCK_MONOTONIC; KTIME_MAX: none has one */
	ktime_t deadline;
	/** @urgent: for the deadline's sake the machine was told a higher priority */
	bool urgent;
	/** @urgent_since: when that was */
	ktime_t urgent_since;
	/** @state: enum drm_enpu_queue_state */
	u32 state;
	/** @error: positive errno of the failure; 0: none */
	int error;
	/** @last: the status page as it was when the queue was retired */
	struct enpu_queue_status last;
	/** @past_ns: busy time before the machine slept last; since then: in the status page */
	u64 past_ns;
	/** @past_cycles: likewise, device cycles */
	u64 past_cycles;

	/** @deadline_timer: when to see to @deadline again */
	struct hrtimer deadline_timer;
	/** @watchdog: looks after @fences while there are some, or after a USER queue */
	struct delayed_work watchdog;
	/** @watch_wq: where it runs */
	struct workqueue_struct *watch_wq;
	/** @watched: @watchdog is armed */
	bool watched;
	/** @seen: the progress that the watchdog saw last; its own */
	u64 seen;
	/** @seen_at: when that was */
	unsigned long seen_at;

	/** @release_work: for the last put, which may come from the scheduler itself */
	struct work_struct release_work;
	/** @rcu: interrupt handlers and look-ups may still see it */
	struct rcu_head rcu;
};

int enpu_queue_init_module(void);
void enpu_queue_exit_module(void);
u32 enpu_queue_default_timeout(void);

struct enpu_queue *enpu_queue_lookup(struct enpu_file *file, u32 id);
void enpu_queue_put(struct enpu_queue *queue);
void enpu_queue_close(struct enpu_file *file);
void enpu_queue_add_usage(struct enpu_queue *queue, struct enpu_usage *usage);

void enpu_queue_start_locked(struct enpu_queue *queue);
void enpu_queue_park_locked(struct enpu_queue *queue);
bool enpu_queue_irq(struct enpu_queue *queue);
void enpu_queue_retire_locked(struct enpu_queue *queue, u32 state, int first_error,
			      int error, bool stop);

int enpu_ioctl_queue_create(struct drm_device *drm, void *data, struct drm_file *file);
int enpu_ioctl_queue_destroy(struct drm_device *drm, void *data, struct drm_file *file);
int enpu_ioctl_queue_query(struct drm_device *drm, void *data, struct drm_file *file);

/* Under the hw_lock, while it has a slot */
static inline u32 enpu_queue_reg(struct enpu_queue *queue, u32 reg)
{
	return ENPU_REG_QUEUE(queue->slot) + reg;
}

static inline void enpu_queue_ring_doorbell(struct enpu_queue *queue)
{
	lockdep_assert_held(&queue->lock);
	if (!queue->parked)
		enpu_write(queue->enpu, queue->doorbell, lower_32_bits(queue->producer));
}

#endif
