// SPDX-License-Identifier: MIT
/*
 * The register file, reset, and the device's life.
 *
 * Register accesses take a short lock and only note what is to be done; the
 * worker of queue.c does it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "device.h"

#define IMPLEMENTATION_REVISION	1
#define QUEUE_REGS	0x100u
#define DOORBELLS_END	(ENPU_DOORBELL_OFFSET + ENPU_NUM_QUEUES * ENPU_DOORBELL_STRIDE)

static uint64_t monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

uint64_t enpu_device_now(const struct enpu_device *dev)
{
	return monotonic_ns() - dev->epoch_ns;
}

static bool loses_irq(struct enpu_device *dev)
{
	uint64_t left = atomic_load(&dev->lose_irqs);

	if (!left)
		return false;
	atomic_store(&dev->lose_irqs, left - 1);
	return true;
}

void enpu_device_irq(struct enpu_device *dev, unsigned int vector)
{
	if (loses_irq(dev))
		return;
	dev->counters[ENPU_COUNTER_INTERRUPTS]++;
	dev->stats.interrupts++;
	pthread_mutex_unlock(&dev->lock);
	dev->ops->irq(dev->host, vector);
	pthread_mutex_lock(&dev->lock);
}

void enpu_device_event(struct enpu_device *dev, uint32_t event)
{
	dev->events |= event;
	if (dev->event_enable & event)
		enpu_device_irq(dev, 0);
}

void enpu_device_clear(struct enpu_device *dev)
{
	for (unsigned int q = 0; q < ENPU_NUM_QUEUES; q++)
		enpu_queue_drop_job(dev, &dev->queues[q]);
	memset(dev->queues, 0, sizeof(dev->queues));
	memset(dev->counters, 0, sizeof(dev->counters));
	memset(dev->counter_latch, 0, sizeof(dev->counter_latch));
	memset(dev->root_hi, 0, sizeof(dev->root_hi));
	for (unsigned int vm = 0; vm < ENPU_NUM_VMS; vm++)
		atomic_store(&dev->mmu.roots[vm], 0);
	enpu_mmu_flush(&dev->mmu);
	dev->invalidations = 0;
	dev->invalidated = 0;
	dev->failing = false;
	dev->fatal = false;
	dev->events = 0;
	dev->event_enable = 0;
	dev->turns = 0;
	atomic_store(&dev->time_slice, ENPU_TIME_SLICE_DEFAULT);
}

struct enpu_device *enpu_device_new(const struct enpu_config *config,
				    const struct enpu_host_ops *ops, void *host)
{
	struct enpu_device *dev = calloc(1, sizeof(*dev));
	int err;

	if (!dev)
		return NULL;
	dev->config = config;
	dev->ops = ops;
	dev->host = host;
	dev->epoch_ns = monotonic_ns();
	dev->current = ENPU_NO_QUEUE;
	dev->contexts = enpu_contexts_new(config);
	if (!dev->contexts) {
		free(dev);
		return NULL;
	}
	pthread_mutex_init(&dev->lock, NULL);
	pthread_cond_init(&dev->wake, NULL);
	pthread_cond_init(&dev->reset_done, NULL);
	enpu_mmu_init(&dev->mmu, ops, host);
	enpu_device_clear(dev);
	err = pthread_create(&dev->worker, NULL, enpu_queue_worker, dev);
	if (err) {
		enpu_contexts_free(dev->contexts);
		free(dev);
		errno = err;
		return NULL;
	}
	return dev;
}

void enpu_device_free(struct enpu_device *dev)
{
	pthread_mutex_lock(&dev->lock);
	dev->quit = true;
	atomic_store(&dev->attention, true);
	pthread_cond_signal(&dev->wake);
	pthread_mutex_unlock(&dev->lock);
	pthread_join(dev->worker, NULL);
	pthread_cond_destroy(&dev->reset_done);
	pthread_cond_destroy(&dev->wake);
	pthread_mutex_destroy(&dev->lock);
	for (unsigned int q = 0; q < ENPU_NUM_QUEUES; q++)
		enpu_queue_drop_job(dev, &dev->queues[q]);
	enpu_contexts_free(dev->contexts);
	free(dev);
}

static void ask_reset(struct enpu_device *dev)
{
	dev->resetting = true;
	atomic_store(&dev->attention, true);
	pthread_cond_signal(&dev->wake);
}

void enpu_device_reset(struct enpu_device *dev)
{
	pthread_mutex_lock(&dev->lock);
	ask_reset(dev);
	while (dev->resetting)
		pthread_cond_wait(&dev->reset_done, &dev->lock);
	pthread_mutex_unlock(&dev->lock);
}

void enpu_device_fail(struct enpu_device *dev)
{
	pthread_mutex_lock(&dev->lock);
	dev->failing = true;
	atomic_store(&dev->attention, true);
	pthread_cond_signal(&dev->wake);
	pthread_mutex_unlock(&dev->lock);
}

/* Registers that never change */
static bool read_constant(const struct enpu_device *dev, uint64_t offset, uint32_t *value)
{
	const struct enpu_config *config = dev->config;
	const struct {
		uint32_t offset;
		uint32_t value;
	} regs[] = {
		{ ENPU_REG_MAGIC, ENPU_MAGIC },
		{ ENPU_REG_VERSION, ENPU_VERSION_1_0 },
		{ ENPU_REG_IMPLEMENTATION, IMPLEMENTATION_REVISION },
		{ ENPU_REG_CAPS, ENPU_EXEC_CAPS },
		{ ENPU_REG_OPCODES_LO, (uint32_t)enpu_exec_opcodes() },
		{ ENPU_REG_OPCODES_HI, (uint32_t)(enpu_exec_opcodes() >> 32) },
		{ ENPU_REG_NUM_QUEUES, ENPU_NUM_QUEUES },
		{ ENPU_REG_NUM_VMS, ENPU_NUM_VMS },
		{ ENPU_REG_NUM_VECTORS, ENPU_MSIX_VECTORS },
		{ ENPU_REG_VA_BITS, ENPU_VA_BITS },
		{ ENPU_REG_MAX_RING_ORDER, ENPU_MAX_RING_ORDER },
		{ ENPU_REG_DOORBELL_OFFSET, ENPU_DOORBELL_OFFSET },
		{ ENPU_REG_DOORBELL_STRIDE, ENPU_DOORBELL_STRIDE },
		{ ENPU_REG_MACS, config->macs },
		{ ENPU_REG_SRAM_BYTES, config->sram_bytes },
		{ ENPU_REG_SRAM_BANDWIDTH, config->sram_bandwidth },
		{ ENPU_REG_DRAM_BANDWIDTH, config->dram_bandwidth },
		{ ENPU_REG_CLOCK_KHZ, config->clock_khz },
	};

	for (size_t i = 0; i < sizeof(regs) / sizeof(regs[0]); i++) {
		if (regs[i].offset == offset) {
			*value = regs[i].value;
			return true;
		}
	}
	return false;
}

static uint32_t read_status(const struct enpu_device *dev)
{
	if (dev->resetting)
		return ENPU_STATUS_RESETTING;
	return dev->fatal ? ENPU_STATUS_FATAL : ENPU_STATUS_READY;
}

static uint32_t read_time(struct enpu_device *dev)
{
	uint64_t now = enpu_device_now(dev);

	dev->time_latch = (uint32_t)(now >> 32);
	return (uint32_t)now;
}

static uint32_t read_counter(struct enpu_device *dev, uint64_t offset)
{
	unsigned int n = (unsigned int)(offset - ENPU_REG_COUNTER(0)) / 8;

	if (offset % 8)
		return dev->counter_latch[n];
	dev->counter_latch[n] = (uint32_t)(dev->counters[n] >> 32);
	return (uint32_t)dev->counters[n];
}

static uint32_t read_root(struct enpu_device *dev, uint64_t offset)
{
	unsigned int vm = (unsigned int)(offset - ENPU_REG_VM_ROOT_LO(0)) / 8;

	return offset % 8 ? dev->root_hi[vm] : (uint32_t)atomic_load(&dev->mmu.roots[vm]);
}

static uint32_t read_queue(const struct enpu_queue *queue, uint64_t reg)
{
	switch (reg) {
	case ENPU_QUEUE_CTRL:
		if (queue->state == ENPU_QUEUE_OFF || queue->state == ENPU_QUEUE_STOPPING)
			return 0;
		return ENPU_QUEUE_CTRL_ENABLE | (queue->pause ? ENPU_QUEUE_CTRL_PAUSE : 0);
	case ENPU_QUEUE_STATE:
		return queue->state;
	case ENPU_QUEUE_RING_LO:
		return (uint32_t)queue->ring;
	case ENPU_QUEUE_RING_HI:
		return (uint32_t)(queue->ring >> 32);
	case ENPU_QUEUE_RING_ORDER:
		return queue->ring_order;
	case ENPU_QUEUE_STATUS_LO:
		return (uint32_t)queue->status;
	case ENPU_QUEUE_STATUS_HI:
		return (uint32_t)(queue->status >> 32);
	case ENPU_QUEUE_VM:
		return queue->vm;
	case ENPU_QUEUE_PRIORITY:
		return queue->priority;
	case ENPU_QUEUE_VECTOR:
		return queue->vector;
	case ENPU_QUEUE_CONSUMER:
		return queue->consumer;
	case ENPU_QUEUE_PRODUCER:
		return queue->producer;
	case ENPU_QUEUE_START_LO:
		return (uint32_t)queue->start;
	case ENPU_QUEUE_START_HI:
		return (uint32_t)(queue->start >> 32);
	default:
		return 0;
	}
}

/* offset lies among items of size bytes each, the first at base */
static bool within(uint64_t offset, uint64_t base, uint64_t items, uint64_t size)
{
	return offset >= base && offset - base < items * size;
}

static uint32_t read_variable(struct enpu_device *dev, uint64_t offset)
{
	if (within(offset, ENPU_REG_QUEUE(0), ENPU_NUM_QUEUES, QUEUE_REGS))
		return read_queue(&dev->queues[(offset - ENPU_REG_QUEUE(0)) / QUEUE_REGS],
				  offset % QUEUE_REGS);
	if (within(offset, ENPU_REG_VM_ROOT_LO(0), ENPU_NUM_VMS, 8))
		return read_root(dev, offset);
	if (within(offset, ENPU_REG_COUNTER(0), ENPU_NUM_COUNTERS, 8))
		return read_counter(dev, offset);

	switch (offset) {
	case ENPU_REG_STATUS:
		return read_status(dev);
	case ENPU_REG_EVENTS:
		return dev->events;
	case ENPU_REG_EVENT_ENABLE:
		return dev->event_enable;
	case ENPU_REG_TIME_LO:
		return read_time(dev);
	case ENPU_REG_TIME_HI:
		return dev->time_latch;
	case ENPU_REG_TLB_DONE:
		return dev->invalidated;
	case ENPU_REG_TIME_SLICE:
		return atomic_load(&dev->time_slice);
	default:
		return 0;
	}
}

uint32_t enpu_device_read(struct enpu_device *dev, uint64_t offset)
{
	uint32_t value;

	if (offset % 4)
		return 0;
	if (read_constant(dev, offset, &value))
		return value;
	pthread_mutex_lock(&dev->lock);
	value = read_variable(dev, offset);
	pthread_mutex_unlock(&dev->lock);
	return value;
}

static void set_lo(uint64_t *reg, uint32_t value)
{
	*reg = (*reg & ~0xffffffffull) | value;
}

static void set_hi(uint64_t *reg, uint32_t value)
{
	*reg = (*reg & 0xffffffffull) | (uint64_t)value << 32;
}

static void write_setup(struct enpu_queue *queue, uint64_t reg, uint32_t value)
{
	switch (reg) {
	case ENPU_QUEUE_RING_LO:
		set_lo(&queue->ring, value);
		break;
	case ENPU_QUEUE_RING_HI:
		set_hi(&queue->ring, value);
		break;
	case ENPU_QUEUE_RING_ORDER:
		queue->ring_order = value;
		break;
	case ENPU_QUEUE_STATUS_LO:
		set_lo(&queue->status, value);
		break;
	case ENPU_QUEUE_STATUS_HI:
		set_hi(&queue->status, value);
		break;
	case ENPU_QUEUE_VM:
		queue->vm = value;
		break;
	case ENPU_QUEUE_PRIORITY:
		queue->priority = value;
		break;
	case ENPU_QUEUE_VECTOR:
		queue->vector = value;
		break;
	case ENPU_QUEUE_START_LO:
		set_lo(&queue->start, value);
		break;
	case ENPU_QUEUE_START_HI:
		set_hi(&queue->start, value);
		break;
	}
}

static void write_queue(struct enpu_device *dev, unsigned int q, uint64_t reg, uint32_t value)
{
	struct enpu_queue *queue = &dev->queues[q];

	if (reg == ENPU_QUEUE_CTRL)
		enpu_queue_control(dev, q, value);
	else if (queue->state == ENPU_QUEUE_OFF)
		write_setup(queue, reg, value);
	else if (reg == ENPU_QUEUE_PRIORITY)
		enpu_queue_set_priority(dev, q, value);
}

static void write_root(struct enpu_device *dev, uint64_t offset, uint32_t value)
{
	unsigned int vm = (unsigned int)(offset - ENPU_REG_VM_ROOT_LO(0)) / 8;

	if (offset % 8)
		dev->root_hi[vm] = value;
	else
		atomic_store(&dev->mmu.roots[vm], (uint64_t)dev->root_hi[vm] << 32 | value);
}

static void write_reg(struct enpu_device *dev, uint64_t offset, uint32_t value)
{
	if (within(offset, ENPU_REG_QUEUE(0), ENPU_NUM_QUEUES, QUEUE_REGS)) {
		write_queue(dev, (unsigned int)((offset - ENPU_REG_QUEUE(0)) / QUEUE_REGS),
			    offset % QUEUE_REGS, value);
		return;
	}
	if (within(offset, ENPU_REG_VM_ROOT_LO(0), ENPU_NUM_VMS, 8)) {
		write_root(dev, offset, value);
		return;
	}

	switch (offset) {
	case ENPU_REG_RESET:
		if (value == ENPU_RESET_KEY)
			ask_reset(dev);
		break;
	case ENPU_REG_EVENTS:
		dev->events &= ~value;
		break;
	case ENPU_REG_EVENT_ENABLE:
		dev->event_enable = value & (ENPU_EVENT_RESET_DONE | ENPU_EVENT_FATAL);
		if (dev->event_enable & dev->events)
			enpu_device_irq(dev, 0);
		break;
	case ENPU_REG_TLB_INVALIDATE:
		enpu_queue_invalidate(dev);
		break;
	case ENPU_REG_TIME_SLICE:
		atomic_store(&dev->time_slice, value);
		break;
	}
}

void enpu_device_write(struct enpu_device *dev, uint64_t offset, uint32_t value)
{
	bool doorbell = offset >= ENPU_DOORBELL_OFFSET && offset < DOORBELLS_END;

	if (offset % 4 || (doorbell && offset % ENPU_DOORBELL_STRIDE))
		return;
	pthread_mutex_lock(&dev->lock);
	/* What is written while a reset is under way would be lost anyway */
	if (dev->resetting)
		;
	else if (doorbell)
		enpu_queue_doorbell(dev, (unsigned int)((offset - ENPU_DOORBELL_OFFSET) /
							ENPU_DOORBELL_STRIDE), value);
	else
		write_reg(dev, offset, value);
	pthread_mutex_unlock(&dev->lock);
}

void enpu_device_inject(struct enpu_device *dev, enum enpu_injection what, uint64_t n)
{
	_Atomic uint64_t *counts[] = {
		[ENPU_INJECT_HANG] = &dev->hang_in,
		[ENPU_INJECT_LOSE_IRQ] = &dev->lose_irqs,
		[ENPU_INJECT_FAULT_DMA] = &dev->mmu.fail_access,
		[ENPU_INJECT_DIE] = &dev->die_in,
		[ENPU_INJECT_FATAL] = &dev->fatal_in,
		[ENPU_INJECT_STUCK_QUEUE] = &dev->stuck_in,
	};

	if ((size_t)what < sizeof(counts) / sizeof(counts[0]))
		atomic_store(counts[what], n);
}

void enpu_device_get_stats(struct enpu_device *dev, struct enpu_device_stats *stats)
{
	pthread_mutex_lock(&dev->lock);
	*stats = dev->stats;
	stats->queues_enabled = 0;
	for (unsigned int q = 0; q < ENPU_NUM_QUEUES; q++)
		if (dev->queues[q].state != ENPU_QUEUE_OFF)
			stats->queues_enabled++;
	pthread_mutex_unlock(&dev->lock);
}
