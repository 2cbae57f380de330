/* SPDX-License-Identifier: MIT */
/*
 * Counts guest instructions, exactly and repeatably, under QEMU's -icount.
 *
 * With `-icount shift=0,sleep=off` each executed instruction takes one virtual
 * nanosecond and the TSC counts those, so a TSC difference is the number of
 * instructions in between, kernel and interrupts included. While all is idle
 * the clock would jump to the next timer instead; so on the only CPU a thread
 * of the idle class executes counted instructions whenever nothing else runs,
 * and its time is taken off. Not thread-safe: one measuring thread.
 */
#ifndef INSN_CLOCK_H
#define INSN_CLOCK_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t insn_now(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return (uint64_t)hi << 32 | lo;
}

/* What the idle thread has seen */
struct insn_idle {
	uint64_t total;		/* instructions it executed */
	uint64_t last;		/* when it ran last */
	uint64_t breaks;	/* times that something else ran in between */
};

/* Starts the idle thread. 0, or -1: the clock does not count instructions, stderr says why. */
int insn_clock_start(void);

struct insn_idle insn_idle_now(void);

/* Sorts counts, and prints NAME MIN MEDIAN MAX. */
void insn_print(const char *name, uint64_t *counts, size_t n);

#endif
