/* SPDX-License-Identifier: MIT */
/*
 * A backend that does what a test tells it to: hold jobs back, fail any
 * function, report faults. Its device runs DMA_COPY commands with count 1, and
 * checks addresses, so that models of image.h give results.
 */
#ifndef TEST_FAKE_H
#define TEST_FAKE_H

#include <stdint.h>

#include <accel/accel.h>
#include <accel/backend.h>

enum fake_call {
	FAKE_OPEN, FAKE_QUERY, FAKE_BO_CREATE, FAKE_BO_MAP, FAKE_VM_CREATE, FAKE_VM_BIND,
	FAKE_QUEUE_CREATE, FAKE_SUBMIT, FAKE_WAIT, FAKE_FENCE_FD, FAKE_CALLS
};

/* All zero again; what exists must have been released. Default: one device like an enpu-512 */
void fake_reset(void);
/* The @n-th next call (1: the next) returns @error, negative */
void fake_fail(enum fake_call call, unsigned int n, int error);
/* Jobs wait for fake_continue() before they run */
void fake_hold(void);
void fake_continue(void);
/* The @n-th next job ends with that fault; fault.job is filled in */
void fake_fault(unsigned int n, const struct accel_backend_fault *fault);

extern struct accel_backend_info fake_info;

/* What exists */
struct fake_counts {
	unsigned int devices, bos, vms, binds, queues;
	unsigned int read_only_binds;
	unsigned int jobs, fences;		/* submitted, and asked for, since the reset */
	uint64_t bytes;				/* of BOs */
	uint64_t last_va;			/* of the bind made last */
	struct accel_backend_queue_attrs attrs;	/* of the queue made last */
};
struct fake_counts fake_counts(void);

int fake_open(struct accel_device **dev, struct accel_error *err);

#endif
