// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Deadlines
 *
 * Who waits for a fence may say by when he needs it. While the earliest deadline of
 * a queue's fences is near or over, the queue is *urgent*: its PRIORITY register is one
 * above what it was created with. The jobs before the one with the deadline are part
 * of that, since it can't run before them. When the fence has signalled,
 * the next deadline counts, or none.
 *
 * A deadline is a hint from anybody: a sync file goes from hand to hand, and a process
 * can give each of its jobs the deadline 0. So an urgent queue must not be able to do
 * much to others:
 *
 *  - One level, and none above HIGH: a REALTIME queue remains alone with its kind.
 *  - LOW becomes NORMAL for as long as the deadline wants. Everybody may have NORMAL.
 *  - NORMAL becomes HIGH, for which a process would need CAP_SYS_NICE, only for
 *    a tenth of the time, and this tenth is that of the whole device: a boost ends
 *    after ENPU_BOOST_MS, and the next one, of whatever queue, begins
 *    no earlier than nine times as long after as it took. Short boosts are cheap: jobs
 *    of a millisecond can have one every ten. Who spends the tenth takes it from
 *    others with deadlines; those without lose no more than it.
 *
 * What is not done: to change the order of a queue's jobs, or that in drm_sched. It
 * passes a deadline on once the job is in the ring. USER queues have no fences and
 * so no deadlines.
 *
 * What was not chosen: a limit for each queue or process. There may be many of these,
 * and ten queues with a tenth each are HIGH all the time.
 */

#include <linux/hrtimer.h>

#include "enpu_compat.h"
#include "enpu_deadline.h"
#include "enpu_queue.h"
#include "enpu_sched.h"
#include "enpu_trace.h"

/* Before a deadline it may take a queue so long to get the engines and be done */
#define ENPU_DEADLINE_NEAR_MS	20
/* A boost from NORMAL to HIGH at most, and the part of all time that boosts may take */
#define ENPU_BOOST_MS		20
#define ENPU_BOOST_SHARE	10

/* Only these have to ask for their share. */
static bool enpu_deadline_is_limited(struct enpu_queue *queue)
{
	return queue->priority == DRM_ENPU_PRIORITY_NORMAL;
}

/**
 * enpu_deadline_priority() - what the PRIORITY register of a queue shall say
 * @queue: the queue, locked
 *
 * Return: enum enpu_priority.
 */
u32 enpu_deadline_priority(struct enpu_queue *queue)
{
	lockdep_assert_held(&queue->lock);

	return queue->priority + queue->urgent;
}

static void enpu_deadline_set_urgent(struct enpu_queue *queue, bool urgent)
{
	queue->urgent = urgent;
	trace_enpu_queue_priority(queue, enpu_deadline_priority(queue));
	/* Else it is told when it starts, or there is nobody to tell. */
	if (queue->running && !queue->parked)
		enpu_write(queue->enpu, enpu_queue_reg(queue, ENPU_QUEUE_PRIORITY),
			   enpu_deadline_priority(queue));
}

/* Is it one's turn? Then it is nobody else's until this boost must be over. */
static bool enpu_deadline_begin(struct enpu_queue *queue, s64 now)
{
	s64 next = atomic64_read(&queue->enpu->next_boost);

	if (!enpu_deadline_is_limited(queue))
		return true;

	return next <= now &&
	       atomic64_try_cmpxchg(&queue->enpu->next_boost, &next,
				    now + ENPU_BOOST_MS * NSEC_PER_MSEC * ENPU_BOOST_SHARE);
}

static void enpu_deadline_end(struct enpu_queue *queue, s64 now)
{
	enpu_deadline_set_urgent(queue, false);
	if (enpu_deadline_is_limited(queue))
		atomic64_set(&queue->enpu->next_boost,
			     queue->urgent_since + (now - queue->urgent_since) * ENPU_BOOST_SHARE);
}

/* Does what is to be done now. Returns when to look again. */
static s64 enpu_deadline_step(struct enpu_queue *queue, s64 now)
{
	s64 due = queue->deadline - ENPU_DEADLINE_NEAR_MS * NSEC_PER_MSEC;
	s64 end = queue->urgent_since + ENPU_BOOST_MS * NSEC_PER_MSEC;

	if (queue->deadline == KTIME_MAX || now < due) {
		if (queue->urgent)
			enpu_deadline_end(queue, now);
		return queue->deadline == KTIME_MAX ? KTIME_MAX : due;
	}

	if (!queue->urgent) {
		if (queue->priority >= DRM_ENPU_PRIORITY_HIGH)
			return KTIME_MAX;
		if (!enpu_deadline_begin(queue, now))
			return atomic64_read(&queue->enpu->next_boost);
		queue->urgent_since = now;
		enpu_deadline_set_urgent(queue, true);
		end = now + ENPU_BOOST_MS * NSEC_PER_MSEC;
	}
	if (!enpu_deadline_is_limited(queue))
		return KTIME_MAX;
	if (now < end)
		return end;

	enpu_deadline_end(queue, now);

	return atomic64_read(&queue->enpu->next_boost);
}

static void enpu_deadline_look(struct enpu_queue *queue)
{
	s64 next;

	lockdep_assert_held(&queue->lock);

	next = enpu_deadline_step(queue, ktime_get());
	if (next != KTIME_MAX)
		hrtimer_start(&queue->deadline_timer, next, HRTIMER_MODE_ABS);
}

static enum hrtimer_restart enpu_deadline_timer(struct hrtimer *timer)
{
	struct enpu_queue *queue = container_of(timer, struct enpu_queue, deadline_timer);
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	enpu_deadline_look(queue);
	spin_unlock_irqrestore(&queue->lock, flags);

	return HRTIMER_NORESTART;
}

/**
 * enpu_deadline_set() - somebody wants a fence by a certain time
 * @queue: the fence's queue, under rcu_read_lock()
 * @fence: the fence
 * @deadline: when
 *
 * In any context.
 */
void enpu_deadline_set(struct enpu_queue *queue, struct enpu_fence *fence, ktime_t deadline)
{
	guard(spinlock_irqsave)(&queue->lock);

	if (!rcu_access_pointer(fence->queue) || deadline >= fence->deadline)
		return;

	fence->deadline = deadline;
	if (deadline < queue->deadline) {
		queue->deadline = deadline;
		enpu_deadline_look(queue);
	}
}

/**
 * enpu_deadline_over() - a fence that had a deadline is no longer among the queue's
 * @queue: the queue, locked
 */
void enpu_deadline_over(struct enpu_queue *queue)
{
	struct enpu_fence *fence;

	lockdep_assert_held(&queue->lock);

	queue->deadline = KTIME_MAX;
	list_for_each_entry(fence, &queue->fences, node)
		queue->deadline = min(queue->deadline, fence->deadline);
	enpu_deadline_look(queue);
}

/**
 * enpu_deadline_init() - prepare a queue
 * @queue: the queue
 */
void enpu_deadline_init(struct enpu_queue *queue)
{
	queue->deadline = KTIME_MAX;
	hrtimer_setup(&queue->deadline_timer, enpu_deadline_timer, CLOCK_MONOTONIC,
		      HRTIMER_MODE_ABS);
}

/**
 * enpu_deadline_fini() - nothing of a queue's is urgent any more
 * @queue: the queue, retired
 */
void enpu_deadline_fini(struct enpu_queue *queue)
{
	hrtimer_cancel(&queue->deadline_timer);
}
