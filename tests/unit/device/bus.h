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
#define BUS_IRQS	64			/* how many are remembered */

/* A page whose accesses are remembered, by their offset */
#define TRACE		0x90000ull
#define BUS_TRACE	128

/* Virtual addresses, the same in every VM; their pages don't share places in a TLB */
#define VA_STREAM	0x101000ull
#define VA_REGIONS	0x202000ull
#define VA_PROFILE	0x303000ull
#define VA_DATA		0x40010000ull
#define VA_BLOCK	0x80000000ull
/* Bus pages behind them, by VM */
#define PAGE(vm, n)	(DATA + 0x100000ull + 0x10000 * (vm) + 0x1000ull * (n))

struct bus {
	struct enpu_device *dev;
	uint8_t *memory;
	atomic_uint irqs[ENPU_MSIX_VECTORS];
	atomic_uint num_irqs;			/* of all vectors, and which came when */
	_Atomic uint8_t irq_order[BUS_IRQS];
	atomic_bool master;			/* bus mastering is on */
	atomic_int nested;			/* begins without end */
	atomic_uint num_traced;
	_Atomic uint16_t trace[BUS_TRACE];
	_Atomic uint64_t gate;			/* accesses to this address wait; 0: none does */
	_Atomic uint64_t at_gate;		/* where one has come last */
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
/* The trace is just this, as soon as it is that long */
void assert_trace(struct bus *bus, const uint16_t *offsets, unsigned int n);
/*
 * Have the device stop at its next access to that very bus address, wait until
 * it is there, let it go on
 */
void close_gate(struct bus *bus, uint64_t addr);
void wait_gate(struct bus *bus);
void open_gate(struct bus *bus);
/* Wait until the vectors were raised in just this order since the bus is there */
void assert_irq_order(struct bus *bus, const uint8_t *vectors, unsigned int n);
/* A millisecond's sleep between looks at something */
void nap(void);

/* VM vm with a stream page, a region table, a profile page and two data pages */
void make_vm(struct bus *bus, unsigned int vm);
struct enpu_cmd_dma copy(unsigned int from, uint64_t src, unsigned int to, uint64_t dst,
			 uint32_t length);
/* A job of that VM, its stream copied to the VM's stream page */
struct enpu_job job_with(struct bus *bus, unsigned int vm, const void *stream, size_t size);
/* Push one job and ring the doorbell */
void submit(struct bus *bus, unsigned int q, const struct enpu_job *job);
void assert_fault(struct bus *bus, unsigned int q, uint32_t cause, uint32_t command,
		  uint64_t addr);

#endif
