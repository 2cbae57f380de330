/* SPDX-License-Identifier: MIT */
/*
 * A device on a small bus, driven by its registers: what the tests of queues,
 * MMU and reset share. The test plays the driver.
 *
 * Bus memory is [0, BUS_SIZE). VM v's tables lie at TABLES(v); queue q's ring
 * and status page at RING(q) and STATUS(q).
 */
#ifndef ENPU_TEST_BUS_H
#define ENPU_TEST_BUS_H

#include <stdatomic.h>

#include "fixture.h"

#define BUS_SIZE	(16ull << 20)
#define RING(q)		(0x10000ull + 0x2000 * (q))
#define STATUS(q)	(RING(q) + 0x1000)
#define TABLES(vm)	(0x100000ull + 0x10000 * (vm))
#define DATA		0x400000ull		/* 2 MiB aligned, for data */
#define RING_ORDER	4

struct bus {
	struct enpu_device *dev;
	uint8_t *memory;
	atomic_uint irqs[ENPU_MSIX_VECTORS];
	atomic_bool master;			/* bus mastering is on */
	atomic_int nested;			/* begins without end */
	unsigned int tables_used[ENPU_MAX_VMS];
	uint32_t producer[ENPU_MAX_QUEUES];
};

struct bus *bus_new(void);
void bus_free(struct bus *bus);

uint32_t reg(struct bus *bus, uint64_t offset);
void set_reg(struct bus *bus, uint64_t offset, uint32_t value);
void set_reg64(struct bus *bus, uint64_t lo, uint64_t value);	/* HI first */

/* Map a page, or a block, of a VM; flags of the leaf entry besides VALID */
void map_page(struct bus *bus, unsigned int vm, uint64_t va, uint64_t addr, uint64_t flags);
void map_block(struct bus *bus, unsigned int vm, uint64_t va, uint64_t addr, uint64_t flags);
/* The leaf entry of a mapped page */
uint64_t *leaf(struct bus *bus, unsigned int vm, uint64_t va);

/* Set up and enable; vector and VM are the queue's number */
void start_queue(struct bus *bus, unsigned int q, unsigned int priority);
void stop_queue(struct bus *bus, unsigned int q);
/* Put a job into the ring; the doorbell is rung by ring_doorbell() */
void push(struct bus *bus, unsigned int q, const struct enpu_job *job);
void ring_doorbell(struct bus *bus, unsigned int q);

/* What the status page says now */
struct enpu_queue_status status(struct bus *bus, unsigned int q);
/* Wait for these; fail the test after some seconds */
void wait_completed(struct bus *bus, unsigned int q, uint64_t completed);
void wait_halted(struct bus *bus, unsigned int q);
void wait_state(struct bus *bus, unsigned int q, uint32_t state);
void wait_reg(struct bus *bus, uint64_t offset, uint32_t value);
void wait_irqs(struct bus *bus, unsigned int vector, unsigned int n);
/* A millisecond's sleep between looks at something */
void nap(void);

#endif
