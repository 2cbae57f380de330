/* SPDX-License-Identifier: MIT */
/*
 * The ENPU device model as a library: what a front gives it and calls.
 *
 * The core knows registers, MMU, queues and engines, and nothing of its host:
 * a front (the vfio-user server) gives it a way to reach bus addresses and to
 * raise interrupts. Register accesses only enqueue and never block on
 * computation; the core's own worker thread runs jobs.
 */
#ifndef ENPU_DEVICE_H
#define ENPU_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One configuration of the machine, with the units of uapi/enpu/regs.h */
struct enpu_config {
	const char *name;		/* "enpu-256" … */
	uint32_t macs;
	uint32_t sram_bytes;
	uint32_t sram_bandwidth;
	uint32_t dram_bandwidth;
	uint32_t clock_khz;
};

/* The preset of that name; NULL: none. Index past the last: NULL. */
const struct enpu_config *enpu_config_find(const char *name);
const struct enpu_config *enpu_config_at(unsigned int index);

/* What the front does for the core; called from the core's threads. */
struct enpu_host_ops {
	/* Pointers from dma_ptr() stay valid between begin and end. May nest per thread: no. */
	void (*dma_begin)(void *host);
	void (*dma_end)(void *host);
	/*
	 * Host memory of bus address addr; *len is cut to what is contiguous there.
	 * NULL: no memory, no permission, or bus mastering is off.
	 */
	void *(*dma_ptr)(void *host, uint64_t addr, uint64_t *len, bool write);
	/* Raise MSI-X vector; must not block */
	void (*irq)(void *host, unsigned int vector);
};

struct enpu_device;

/* NULL: errno. ops must outlive the device. */
struct enpu_device *enpu_device_new(const struct enpu_config *config,
				    const struct enpu_host_ops *ops, void *host);
/* Stops the worker (the command in flight is abandoned) and frees everything. */
void enpu_device_free(struct enpu_device *dev);

/* 32-bit aligned access to BAR 0; other offsets read as 0 and ignore writes. */
uint32_t enpu_device_read(struct enpu_device *dev, uint64_t offset);
void enpu_device_write(struct enpu_device *dev, uint64_t offset, uint32_t value);

/*
 * Reset as by ENPU_REG_RESET, FLR or the bus. Returns when no access is in
 * flight and all registers have their reset values.
 */
void enpu_device_reset(struct enpu_device *dev);

/* Faults that a test asks for; n counts from 1, the next one being 1. */
enum enpu_injection {
	ENPU_INJECT_HANG,		/* n-th next command never completes until stop or reset */
	ENPU_INJECT_LOSE_IRQ,		/* n next interrupts are not raised */
	ENPU_INJECT_FAULT_DMA,		/* n-th next DMA access of a job fails with FAULT_BUS */
	ENPU_INJECT_DIE,		/* the process exits at the n-th next command */
	ENPU_INJECT_FATAL,		/* enpu_device_fail() at the n-th next command */
	ENPU_INJECT_STUCK_QUEUE,	/* n-th next stop of a queue never ends but by a reset */
};
void enpu_device_inject(struct enpu_device *dev, enum enpu_injection what, uint64_t n);

/* Have the device say ENPU_STATUS_FATAL and do nothing any more until it is reset */
void enpu_device_fail(struct enpu_device *dev);

/* For status output; values since creation */
struct enpu_device_stats {
	uint64_t jobs, commands, faults, resets, interrupts;
	unsigned int queues_enabled;
};
void enpu_device_get_stats(struct enpu_device *dev, struct enpu_device_stats *stats);

#endif
