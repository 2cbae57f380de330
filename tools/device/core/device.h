/* SPDX-License-Identifier: MIT */
/*
 * The device behind the registers: its state, shared by the register file
 * (device.c), the queues and the worker (queue.c).
 *
 * lock guards everything but what is said to be the worker's. The worker never
 * holds it while it computes or reaches host memory, so that a register access
 * never waits for either.
 */
#ifndef ENPU_DEVICE_DEVICE_H
#define ENPU_DEVICE_DEVICE_H

#include <pthread.h>
#include <stdatomic.h>

#include "contexts.h"
#include "mmu.h"

#define ENPU_NUM_QUEUES		ENPU_MAX_QUEUES
#define ENPU_NUM_VMS		ENPU_MAX_VMS
#define ENPU_NO_QUEUE		ENPU_NUM_QUEUES

struct enpu_queue {
	/* Set-up registers, written while OFF */
	uint64_t ring;
	uint64_t status;
	uint64_t start;
	uint32_t ring_order;
	uint32_t vm;
	uint32_t priority;		/* at any time */
	uint32_t vector;

	bool pause;			/* begin no job */
	bool stuck;			/* STOPPING until a reset */
	enum enpu_queue_state state;
	uint32_t producer;
	uint32_t consumer;		/* next job to start */
	uint64_t turn;			/* when it got the engines last: higher is later */
	struct enpu_exec *exec;		/* of the job that was begun and is not over; NULL: none */
	/* The worker's, while the queue is RUNNING */
	uint64_t begun_ns;
	bool irq;			/* wanted by that job */
	uint64_t completed;
	uint64_t progress;
	uint64_t busy_ns;
	uint64_t busy_cycles;
};

struct enpu_device {
	const struct enpu_config *config;
	const struct enpu_host_ops *ops;
	void *host;
	uint64_t epoch_ns;

	pthread_mutex_t lock;
	pthread_cond_t wake;		/* there may be something for the worker */
	pthread_cond_t reset_done;
	pthread_t worker;

	bool quit;
	bool resetting;
	bool failing;			/* to be fatal as soon as no job runs */
	bool fatal;
	unsigned int current;		/* queue whose job runs, or ENPU_NO_QUEUE */
	uint64_t turns;			/* given to queues so far */
	atomic_bool attention;		/* the running job must look at what the lock guards */
	atomic_bool contested;		/* another queue may have a better claim to the engines */
	_Atomic uint32_t time_slice;	/* in us */

	uint32_t events;
	uint32_t event_enable;
	uint32_t time_latch;
	uint32_t counter_latch[ENPU_NUM_COUNTERS];
	uint64_t counters[ENPU_NUM_COUNTERS];
	uint32_t root_hi[ENPU_NUM_VMS];
	uint32_t invalidations;		/* asked for */
	uint32_t invalidated;		/* complete */
	struct enpu_queue queues[ENPU_NUM_QUEUES];
	struct enpu_device_stats stats;

	/* The worker's; the TLB is anybody's with the lock while no job runs */
	struct enpu_mmu mmu;
	struct enpu_contexts *contexts;	/* with the lock */

	/* Injections: n counts down to the command that it strikes; 0: none */
	_Atomic uint64_t hang_in;
	_Atomic uint64_t die_in;
	_Atomic uint64_t fatal_in;
	_Atomic uint64_t stuck_in;
	_Atomic uint64_t lose_irqs;
};

uint64_t enpu_device_now(const struct enpu_device *dev);
/* Note an event and raise its vector if it is enabled; the lock as with enpu_device_irq() */
void enpu_device_event(struct enpu_device *dev, uint32_t event);
/* Raise a vector; the lock is held and is released meanwhile */
void enpu_device_irq(struct enpu_device *dev, unsigned int vector);

/* queue.c; the lock is held */
/* Writes to CTRL and, while the queue is on, to PRIORITY */
void enpu_queue_control(struct enpu_device *dev, unsigned int q, uint32_t ctrl);
void enpu_queue_set_priority(struct enpu_device *dev, unsigned int q, uint32_t priority);
void enpu_queue_doorbell(struct enpu_device *dev, unsigned int q, uint32_t producer);
void enpu_queue_invalidate(struct enpu_device *dev);
/* Forget a job that was begun, if there is one that does not have the engines */
void enpu_queue_drop_job(struct enpu_device *dev, struct enpu_queue *queue);
/* The worker's thread; arg is the device */
void *enpu_queue_worker(void *arg);

/* device.c: back to the reset values; the lock is held, no job runs */
void enpu_device_clear(struct enpu_device *dev);

#endif
