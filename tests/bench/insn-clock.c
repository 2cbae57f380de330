// SPDX-License-Identifier: MIT
/*
 * The instruction clock's idle thread, and the proof that the clock counts.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "insn-clock.h"

/* Instructions of one turn of the idle thread's loop are fewer, of any interruption more. */
#define IDLE_TURN_MAX	64

static volatile struct insn_idle idle;

static void *idle_loop(void *arg)
{
	uint64_t now, before = insn_now();

	for (;;) {
		now = insn_now();
		if (now - before < IDLE_TURN_MAX)
			idle.total += now - before;
		else
			idle.breaks++;
		idle.last = now;
		before = now;
	}
	return arg;
}

/* What the clock says of n turns of a loop of two instructions; the least of a few */
static uint64_t time_loop(uint64_t n)
{
	uint64_t least = UINT64_MAX;
	int i;

	for (i = 0; i < 16; i++) {
		uint64_t left = n, start = insn_now(), took;

		__asm__ volatile("1: dec %0; jnz 1b" : "+r"(left));
		took = insn_now() - start;
		if (took < least)
			least = took;
	}
	return least;
}

int insn_clock_start(void)
{
	const uint64_t n = 1000, more = 100000;
	uint64_t counted = time_loop(n + more) - time_loop(n);
	struct sched_param param = { 0 };
	pthread_t thread;
	int ret;

	if (counted != 2 * more) {
		fprintf(stderr, "insn-clock: %llu instructions read as %llu: not under -icount shift=0\n",
			(unsigned long long)(2 * more), (unsigned long long)counted);
		return -1;
	}
	if (sysconf(_SC_NPROCESSORS_ONLN) != 1) {
		fprintf(stderr, "insn-clock: the machine must have one CPU\n");
		return -1;
	}
	ret = pthread_create(&thread, NULL, idle_loop, NULL);
	if (!ret)
		ret = pthread_setschedparam(thread, SCHED_IDLE, &param);
	if (!ret)
		ret = pthread_detach(thread);
	if (ret) {
		fprintf(stderr, "insn-clock: cannot start the idle thread: %s\n", strerror(ret));
		return -1;
	}
	return 0;
}

struct insn_idle insn_idle_now(void)
{
	return idle;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

void insn_print(const char *name, uint64_t *counts, size_t n)
{
	qsort(counts, n, sizeof(*counts), by_value);
	printf("%-8s %8llu %8llu %8llu\n", name, (unsigned long long)counts[0],
	       (unsigned long long)counts[n / 2], (unsigned long long)counts[n - 1]);
}
