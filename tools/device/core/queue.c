// SPDX-License-Identifier: MIT
/*
 * Queues and the worker that runs their jobs.
 *
 * The worker takes the queue whose turn it is, executes the job that it has begun,
 * or the next one, command by command without the lock, and publishes how it
 * ended: profile record, status page, interrupt. Between two commands it looks
 * whether another queue is to go first; then the job keeps its context and waits.
 * What may interrupt a command (stop, reset, TLB invalidation) sets dev->attention,
 * which the job's hooks look at.
 *
 * A hang is one of the engines: a job that hangs keeps them until it is stopped.
 */
#include <stdlib.h>
#include <string.h>

#include "device.h"

/* Count an injection down; true if it strikes now */
static bool strikes(_Atomic uint64_t *in)
{
	return atomic_load_explicit(in, memory_order_relaxed) && atomic_fetch_sub(in, 1) == 1;
}

static void count_profile(struct enpu_device *dev, const struct enpu_profile *profile)
{
	dev->counters[ENPU_COUNTER_COMMANDS] += profile->commands;
	dev->counters[ENPU_COUNTER_CYCLES] += profile->cycles;
	dev->counters[ENPU_COUNTER_MAC_CYCLES] += profile->engine_cycles[ENPU_ENGINE_MAC];
	dev->counters[ENPU_COUNTER_DRAM_READ] += profile->dram_read;
	dev->counters[ENPU_COUNTER_DRAM_WRITTEN] += profile->dram_written;
	dev->stats.commands += profile->commands;
}

void enpu_queue_drop_job(struct enpu_device *dev, struct enpu_queue *queue)
{
	if (!queue->exec)
		return;
	count_profile(dev, enpu_exec_profile(queue->exec));
	enpu_contexts_put(dev->contexts, queue->exec);
	queue->exec = NULL;
}

/* Takes doorbells */
static bool queue_on(const struct enpu_queue *queue)
{
	return queue->state == ENPU_QUEUE_IDLE || queue->state == ENPU_QUEUE_RUNNING ||
	       queue->state == ENPU_QUEUE_PAUSED;
}

static void enable(struct enpu_device *dev, struct enpu_queue *queue)
{
	const uint64_t page = (1ull << ENPU_MMU_PAGE_SHIFT) - 1;

	if (queue->state != ENPU_QUEUE_OFF)
		return;
	if (queue->vm >= ENPU_NUM_VMS || queue->priority > ENPU_PRIORITY_REALTIME ||
	    queue->vector >= ENPU_MSIX_VECTORS || queue->ring_order < ENPU_MIN_RING_ORDER ||
	    queue->ring_order > ENPU_MAX_RING_ORDER || (queue->ring | queue->status) & page)
		return;
	queue->producer = (uint32_t)queue->start;
	queue->consumer = (uint32_t)queue->start;
	queue->completed = queue->start;
	queue->turn = ++dev->turns;
	queue->progress = 0;
	queue->busy_ns = 0;
	queue->busy_cycles = 0;
	queue->state = ENPU_QUEUE_IDLE;
}

/* The queue that has the engines, if one has, may not be the right one any more */
static void choose_anew(struct enpu_device *dev)
{
	atomic_store(&dev->contested, true);
	pthread_cond_signal(&dev->wake);
}

static void stop(struct enpu_device *dev, unsigned int q)
{
	struct enpu_queue *queue = &dev->queues[q];

	if (queue->state == ENPU_QUEUE_OFF || queue->stuck)
		return;
	queue->stuck = strikes(&dev->stuck_in);
	if (dev->current != q) {
		enpu_queue_drop_job(dev, queue);
		queue->state = queue->stuck ? ENPU_QUEUE_STOPPING : ENPU_QUEUE_OFF;
		return;
	}
	queue->state = ENPU_QUEUE_STOPPING;
	atomic_store(&dev->attention, true);
	pthread_cond_signal(&dev->wake);
}

static void pause_or_go_on(struct enpu_device *dev, struct enpu_queue *queue, bool pause)
{
	queue->pause = pause;
	if (pause && queue->state == ENPU_QUEUE_IDLE && !queue->exec) {
		queue->state = ENPU_QUEUE_PAUSED;
	} else if (!pause && queue->state == ENPU_QUEUE_PAUSED) {
		queue->state = ENPU_QUEUE_IDLE;
		choose_anew(dev);
	}
}

void enpu_queue_control(struct enpu_device *dev, unsigned int q, uint32_t ctrl)
{
	if (!(ctrl & ENPU_QUEUE_CTRL_ENABLE)) {
		stop(dev, q);
		return;
	}
	enable(dev, &dev->queues[q]);
	pause_or_go_on(dev, &dev->queues[q], ctrl & ENPU_QUEUE_CTRL_PAUSE);
}

void enpu_queue_doorbell(struct enpu_device *dev, unsigned int q, uint32_t producer)
{
	if (!queue_on(&dev->queues[q]))
		return;
	dev->queues[q].producer = producer;
	choose_anew(dev);
}

void enpu_queue_set_priority(struct enpu_device *dev, unsigned int q, uint32_t priority)
{
	if (priority > ENPU_PRIORITY_REALTIME)
		return;
	dev->queues[q].priority = priority;
	choose_anew(dev);
}

static void complete_invalidations(struct enpu_device *dev)
{
	if (dev->invalidated == dev->invalidations)
		return;
	enpu_mmu_flush(&dev->mmu);
	dev->invalidated = dev->invalidations;
}

void enpu_queue_invalidate(struct enpu_device *dev)
{
	dev->invalidations++;
	if (dev->current == ENPU_NO_QUEUE) {
		complete_invalidations(dev);
		return;
	}
	atomic_store(&dev->attention, true);
	pthread_cond_signal(&dev->wake);
}

/* The running job is to be given up; the lock is held */
static bool abandoned(const struct enpu_device *dev)
{
	return dev->quit || dev->resetting || dev->failing ||
	       dev->queues[dev->current].state == ENPU_QUEUE_STOPPING;
}

static bool hook_poll(void *arg)
{
	struct enpu_device *dev = arg;
	bool go_on;

	if (!atomic_load_explicit(&dev->attention, memory_order_acquire))
		return true;
	pthread_mutex_lock(&dev->lock);
	atomic_store(&dev->attention, false);
	complete_invalidations(dev);
	go_on = !abandoned(dev);
	pthread_mutex_unlock(&dev->lock);
	return go_on;
}

static void hang(struct enpu_device *dev)
{
	pthread_mutex_lock(&dev->lock);
	while (!abandoned(dev)) {
		complete_invalidations(dev);
		pthread_cond_wait(&dev->wake, &dev->lock);
	}
	pthread_mutex_unlock(&dev->lock);
}

static bool hook_command(void *arg)
{
	struct enpu_device *dev = arg;

	if (strikes(&dev->die_in))
		_Exit(1);
	if (strikes(&dev->hang_in)) {
		hang(dev);
		return false;
	}
	if (strikes(&dev->fatal_in))
		enpu_device_fail(dev);
	return hook_poll(dev);
}

static const struct enpu_exec_hooks hooks = {
	.command = hook_command,
	.poll = hook_poll,
};

/* Host memory of size bytes at a bus address, between begin and end; NULL: not reachable */
static void *bus_ptr(struct enpu_device *dev, uint64_t addr, uint64_t size, bool write)
{
	uint64_t len = size;
	void *ptr = dev->ops->dma_ptr(dev->host, addr, &len, write);

	return ptr && len >= size ? ptr : NULL;
}

static bool read_job(struct enpu_device *dev, const struct enpu_queue *queue,
		     struct enpu_job *job)
{
	uint64_t slot = queue->completed & ((1ull << queue->ring_order) - 1);
	const void *entry;

	dev->ops->dma_begin(dev->host);
	entry = bus_ptr(dev, queue->ring + slot * sizeof(*job), sizeof(*job), false);
	if (entry)
		memcpy(job, entry, sizeof(*job));
	dev->ops->dma_end(dev->host);
	return entry;
}

#define PUBLISH(field, value)	__atomic_store_n(&(field), value, __ATOMIC_RELAXED)

/*
 * Bring the status page up to date: what belongs to them first, then state and
 * completed. The host looks on meanwhile. False: not reachable.
 */
static bool write_status(struct enpu_device *dev, const struct enpu_queue *queue,
			 enum enpu_queue_state state, const struct enpu_exec_fault *fault)
{
	struct enpu_queue_status *page;

	dev->ops->dma_begin(dev->host);
	page = bus_ptr(dev, queue->status, sizeof(*page), true);
	if (page) {
		PUBLISH(page->progress, queue->progress);
		PUBLISH(page->busy_ns, queue->busy_ns);
		PUBLISH(page->busy_cycles, queue->busy_cycles);
		if (fault) {
			PUBLISH(page->fault_cause, fault->cause);
			PUBLISH(page->fault_command, fault->command);
			PUBLISH(page->fault_addr, fault->addr);
			PUBLISH(page->fault_job, queue->completed);
			PUBLISH(page->fault_layer, fault->layer);
			PUBLISH(page->fault_opcode, fault->opcode);
		}
		__atomic_store_n(&page->state, state, __ATOMIC_RELEASE);
		__atomic_store_n(&page->completed, queue->completed, __ATOMIC_RELEASE);
	}
	dev->ops->dma_end(dev->host);
	return page;
}

/* A fault outside of the commands */
static struct enpu_exec_fault job_fault(uint32_t cause, uint64_t addr)
{
	return (struct enpu_exec_fault) {
		.cause = cause,
		.command = ENPU_FAULT_NO_COMMAND,
		.addr = addr,
	};
}

/* The lock is held from here on, but while the host is spoken to */

static void halt(struct enpu_device *dev, struct enpu_queue *queue,
		 const struct enpu_exec_fault *fault)
{
	pthread_mutex_unlock(&dev->lock);
	write_status(dev, queue, ENPU_QUEUE_HALTED, fault);
	pthread_mutex_lock(&dev->lock);
	dev->counters[ENPU_COUNTER_FAULTS]++;
	dev->stats.faults++;
	if (queue->state == ENPU_QUEUE_RUNNING)
		queue->state = ENPU_QUEUE_HALTED;
	enpu_device_irq(dev, queue->vector);
}

static void complete(struct enpu_device *dev, struct enpu_queue *queue)
{
	bool more = queue->producer != queue->consumer, reached;

	queue->completed++;
	pthread_mutex_unlock(&dev->lock);
	reached = write_status(dev, queue, more ? ENPU_QUEUE_RUNNING : ENPU_QUEUE_IDLE, NULL);
	pthread_mutex_lock(&dev->lock);
	if (!reached) {
		struct enpu_exec_fault fault = job_fault(ENPU_FAULT_BUS, queue->status);

		halt(dev, queue, &fault);
		return;
	}
	dev->counters[ENPU_COUNTER_JOBS]++;
	dev->stats.jobs++;
	if (queue->irq)
		enpu_device_irq(dev, queue->vector);
}

static bool has_job(const struct enpu_queue *queue)
{
	return queue_on(queue) &&
	       (queue->exec || (!queue->pause && queue->producer != queue->consumer));
}

/* Highest priority first; among equals the one that has waited longest since its turn */
static unsigned int pick(const struct enpu_device *dev)
{
	unsigned int best = ENPU_NO_QUEUE;

	if (dev->fatal)
		return best;
	for (unsigned int q = 0; q < ENPU_NUM_QUEUES; q++) {
		const struct enpu_queue *queue = &dev->queues[q], *other = &dev->queues[best];

		if (has_job(queue) &&
		    (best == ENPU_NO_QUEUE || queue->priority > other->priority ||
		     (queue->priority == other->priority && queue->turn < other->turn)))
			best = q;
	}
	return best;
}

/* The job has had the engines since then, and a command is complete: is another one to go on? */
static bool must_yield(struct enpu_device *dev, uint64_t since_ns)
{
	uint64_t slice_ns = 1000ull * atomic_load(&dev->time_slice);
	bool expired = slice_ns && enpu_device_now(dev) - since_ns >= slice_ns, yield;
	unsigned int best;

	/* Without this, commands would wait for register accesses, and these for them */
	if (!atomic_exchange(&dev->contested, false) && !expired)
		return false;
	pthread_mutex_lock(&dev->lock);
	best = pick(dev);
	yield = best != ENPU_NO_QUEUE && best != dev->current &&
		(expired || dev->queues[best].priority > dev->queues[dev->current].priority);
	pthread_mutex_unlock(&dev->lock);
	return yield;
}
/*
 * Begin the next job. The lock is held, but while memory is read. MORE: its
 * context is the queue's; or FAULT.
 */
static enum enpu_step begin(struct enpu_device *dev, struct enpu_queue *queue, uint64_t now_ns,
			    struct enpu_exec_fault *fault)
{
	uint32_t entries = 1u << queue->ring_order;
	uint64_t slot = queue->completed & (entries - 1);
	enum enpu_step step = ENPU_STEP_FAULT;
	struct enpu_job job;

	*fault = job_fault(ENPU_FAULT_JOB, slot);
	if (queue->producer - (uint32_t)queue->completed > entries)
		return ENPU_STEP_FAULT;
	queue->consumer++;
	queue->begun_ns = now_ns;
	*fault = job_fault(ENPU_FAULT_BUS, 0);
	queue->exec = enpu_contexts_get(dev->contexts);
	if (!queue->exec)
		return ENPU_STEP_FAULT;
	pthread_mutex_unlock(&dev->lock);

	dev->mmu.vm = queue->vm;
	*fault = job_fault(ENPU_FAULT_BUS, queue->ring + slot * sizeof(job));
	if (read_job(dev, queue, &job)) {
		queue->irq = job.flags & ENPU_JOB_IRQ;
		step = enpu_exec_start(queue->exec, &dev->mmu.space, &job, &hooks, dev);
		*fault = *enpu_exec_fault(queue->exec);
		if (fault->cause == ENPU_FAULT_JOB)
			fault->addr = slot;
	}
	pthread_mutex_lock(&dev->lock);
	return step;
}

/*
 * Let the job that was begun go on, to its end or until it must yield (MORE). The
 * profile record is written if it is DONE.
 */
static enum enpu_step execute(struct enpu_device *dev, struct enpu_queue *queue, uint64_t since_ns)
{
	struct enpu_exec *x = queue->exec;
	uint64_t busy_ns = queue->busy_ns;
	enum enpu_step step;

	dev->mmu.vm = queue->vm;
	do {
		step = enpu_exec_step(x);
		queue->busy_ns = busy_ns + enpu_device_now(dev) - since_ns;
		if (step == ENPU_STEP_MORE) {
			queue->progress++;
			write_status(dev, queue, ENPU_QUEUE_RUNNING, NULL);
		}
	} while (step == ENPU_STEP_MORE && (enpu_exec_at_end(x) || !must_yield(dev, since_ns)));

	if (step == ENPU_STEP_DONE)
		step = enpu_exec_finish(x, queue->begun_ns, enpu_device_now(dev));
	if (step != ENPU_STEP_MORE)
		queue->busy_cycles += enpu_exec_profile(x)->cycles;
	return step;
}

/* A queue's turn, from the moment that it gets the engines until it leaves them */
static void serve(struct enpu_device *dev, unsigned int q)
{
	struct enpu_queue *queue = &dev->queues[q];
	uint64_t now_ns = enpu_device_now(dev);
	enum enpu_step step = ENPU_STEP_MORE;
	struct enpu_exec_fault fault;

	dev->current = q;
	queue->turn = ++dev->turns;
	queue->state = ENPU_QUEUE_RUNNING;
	if (!queue->exec)
		step = begin(dev, queue, now_ns, &fault);
	if (step == ENPU_STEP_MORE) {
		pthread_mutex_unlock(&dev->lock);
		step = execute(dev, queue, now_ns);
		pthread_mutex_lock(&dev->lock);
		fault = *enpu_exec_fault(queue->exec);
	}
	if (step != ENPU_STEP_MORE || queue->state == ENPU_QUEUE_STOPPING)
		enpu_queue_drop_job(dev, queue);
	if (step == ENPU_STEP_DONE)
		complete(dev, queue);
	else if (step == ENPU_STEP_FAULT)
		halt(dev, queue, &fault);

	dev->current = ENPU_NO_QUEUE;
	if (queue->state == ENPU_QUEUE_STOPPING && !queue->stuck)
		queue->state = ENPU_QUEUE_OFF;
	else if (queue->state == ENPU_QUEUE_RUNNING && step != ENPU_STEP_ABANDONED)
		queue->state = queue->pause && !queue->exec ? ENPU_QUEUE_PAUSED : ENPU_QUEUE_IDLE;
	complete_invalidations(dev);
}

static void reset(struct enpu_device *dev)
{
	enpu_device_clear(dev);
	dev->resetting = false;
	dev->stats.resets++;
	dev->events |= ENPU_EVENT_RESET_DONE;
	pthread_cond_broadcast(&dev->reset_done);
}

static void become_fatal(struct enpu_device *dev)
{
	dev->failing = false;
	dev->fatal = true;
	enpu_device_event(dev, ENPU_EVENT_FATAL);
}

void *enpu_queue_worker(void *arg)
{
	struct enpu_device *dev = arg;

	pthread_mutex_lock(&dev->lock);
	while (!dev->quit) {
		unsigned int q;

		if (dev->resetting) {
			reset(dev);
			continue;
		}
		if (dev->failing) {
			become_fatal(dev);
			continue;
		}
		q = pick(dev);
		if (q == ENPU_NO_QUEUE)
			pthread_cond_wait(&dev->wake, &dev->lock);
		else
			serve(dev, q);
	}
	pthread_mutex_unlock(&dev->lock);
	return NULL;
}
