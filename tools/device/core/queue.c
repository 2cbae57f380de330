// SPDX-License-Identifier: MIT
/*
 * Queues and the worker that runs their jobs.
 *
 * The worker takes the next job of the queue whose turn it is, executes it
 * command by command without the lock, and publishes how it ended: profile
 * record, status page, interrupt. What may interrupt a job (stop, reset, TLB
 * invalidation) sets dev->attention, which the job's hooks look at.
 */
#include <stdlib.h>
#include <string.h>

#include "device.h"

/* Count an injection down; true if it strikes now */
static bool strikes(_Atomic uint64_t *in)
{
	return atomic_load_explicit(in, memory_order_relaxed) && atomic_fetch_sub(in, 1) == 1;
}

/* Takes doorbells */
static bool queue_on(const struct enpu_queue *queue)
{
	return queue->state == ENPU_QUEUE_IDLE || queue->state == ENPU_QUEUE_RUNNING ||
	       queue->state == ENPU_QUEUE_PAUSED;
}

static void enable(struct enpu_queue *queue)
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
	queue->progress = 0;
	queue->busy_ns = 0;
	queue->busy_cycles = 0;
	queue->state = ENPU_QUEUE_IDLE;
}

static void stop(struct enpu_device *dev, unsigned int q)
{
	struct enpu_queue *queue = &dev->queues[q];

	if (queue->state == ENPU_QUEUE_OFF || queue->stuck)
		return;
	queue->stuck = strikes(&dev->stuck_in);
	if (dev->current != q && !queue->stuck) {
		queue->state = ENPU_QUEUE_OFF;
		return;
	}
	queue->state = ENPU_QUEUE_STOPPING;
	atomic_store(&dev->attention, true);
	pthread_cond_signal(&dev->wake);
}

static void pause_or_go_on(struct enpu_device *dev, struct enpu_queue *queue, bool pause)
{
	queue->pause = pause;
	if (pause && queue->state == ENPU_QUEUE_IDLE) {
		queue->state = ENPU_QUEUE_PAUSED;
	} else if (!pause && queue->state == ENPU_QUEUE_PAUSED) {
		queue->state = ENPU_QUEUE_IDLE;
		pthread_cond_signal(&dev->wake);
	}
}

void enpu_queue_control(struct enpu_device *dev, unsigned int q, uint32_t ctrl)
{
	if (!(ctrl & ENPU_QUEUE_CTRL_ENABLE)) {
		stop(dev, q);
		return;
	}
	enable(&dev->queues[q]);
	pause_or_go_on(dev, &dev->queues[q], ctrl & ENPU_QUEUE_CTRL_PAUSE);
}

void enpu_queue_doorbell(struct enpu_device *dev, unsigned int q, uint32_t producer)
{
	if (!queue_on(&dev->queues[q]))
		return;
	dev->queues[q].producer = producer;
	pthread_cond_signal(&dev->wake);
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

static void count_profile(struct enpu_device *dev, const struct enpu_profile *profile)
{
	dev->counters[ENPU_COUNTER_COMMANDS] += profile->commands;
	dev->counters[ENPU_COUNTER_CYCLES] += profile->cycles;
	dev->counters[ENPU_COUNTER_MAC_CYCLES] += profile->engine_cycles[ENPU_ENGINE_MAC];
	dev->counters[ENPU_COUNTER_DRAM_READ] += profile->dram_read;
	dev->counters[ENPU_COUNTER_DRAM_WRITTEN] += profile->dram_written;
	dev->stats.commands += profile->commands;
}

/* Execute a job to its end. The profile record is written if it is DONE. */
static enum enpu_step execute(struct enpu_device *dev, struct enpu_queue *queue,
			      const struct enpu_job *job, uint64_t start_ns)
{
	enum enpu_step step;

	dev->mmu.vm = queue->vm;
	step = enpu_exec_start(dev->exec, &dev->mmu.space, job, &hooks, dev);
	while (step == ENPU_STEP_MORE) {
		step = enpu_exec_step(dev->exec);
		if (step != ENPU_STEP_MORE)
			break;
		queue->progress++;
		write_status(dev, queue, ENPU_QUEUE_RUNNING, NULL);
	}
	if (step == ENPU_STEP_DONE)
		step = enpu_exec_finish(dev->exec, start_ns, enpu_device_now(dev));
	queue->busy_ns += enpu_device_now(dev) - start_ns;
	queue->busy_cycles += enpu_exec_profile(dev->exec)->cycles;
	return step;
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

static void complete(struct enpu_device *dev, struct enpu_queue *queue, bool irq)
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
	if (irq)
		enpu_device_irq(dev, queue->vector);
}

static void run_job(struct enpu_device *dev, struct enpu_queue *queue)
{
	uint32_t entries = 1u << queue->ring_order;
	uint64_t start_ns = enpu_device_now(dev);
	struct enpu_exec_fault fault;
	enum enpu_step step;
	struct enpu_job job;
	bool read;

	if (queue->producer - (uint32_t)queue->completed > entries) {
		fault = job_fault(ENPU_FAULT_JOB, queue->completed & (entries - 1));
		halt(dev, queue, &fault);
		return;
	}
	queue->consumer++;
	pthread_mutex_unlock(&dev->lock);

	read = read_job(dev, queue, &job);
	step = read ? execute(dev, queue, &job, start_ns) : ENPU_STEP_FAULT;

	pthread_mutex_lock(&dev->lock);
	if (read)
		count_profile(dev, enpu_exec_profile(dev->exec));
	if (step == ENPU_STEP_ABANDONED)
		return;
	if (step == ENPU_STEP_DONE) {
		complete(dev, queue, job.flags & ENPU_JOB_IRQ);
		return;
	}
	fault = read ? *enpu_exec_fault(dev->exec) :
		       job_fault(ENPU_FAULT_BUS, queue->ring + (queue->completed & (entries - 1)) *
							       sizeof(job));
	if (fault.cause == ENPU_FAULT_JOB)
		fault.addr = queue->completed & (entries - 1);
	halt(dev, queue, &fault);
}

static bool has_job(const struct enpu_queue *queue)
{
	return queue_on(queue) && !queue->pause && queue->producer != queue->consumer;
}

/* Highest priority first, in turn among equals */
static unsigned int pick(const struct enpu_device *dev)
{
	unsigned int best = ENPU_NO_QUEUE;

	if (dev->fatal)
		return best;
	for (unsigned int i = 1; i <= ENPU_NUM_QUEUES; i++) {
		unsigned int q = (dev->last + i) % ENPU_NUM_QUEUES;

		if (has_job(&dev->queues[q]) &&
		    (best == ENPU_NO_QUEUE ||
		     dev->queues[q].priority > dev->queues[best].priority))
			best = q;
	}
	return best;
}

static void serve(struct enpu_device *dev, unsigned int q)
{
	struct enpu_queue *queue = &dev->queues[q];

	dev->current = q;
	dev->last = q;
	queue->state = ENPU_QUEUE_RUNNING;
	run_job(dev, queue);
	dev->current = ENPU_NO_QUEUE;
	if (queue->state == ENPU_QUEUE_STOPPING && !queue->stuck)
		queue->state = ENPU_QUEUE_OFF;
	else if (queue->state == ENPU_QUEUE_RUNNING)
		queue->state = queue->pause ? ENPU_QUEUE_PAUSED : ENPU_QUEUE_IDLE;
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
