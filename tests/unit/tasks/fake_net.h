/* SPDX-License-Identifier: MIT */
/* A net whose outputs a test computes, or just states. */
#ifndef TESTS_FAKE_NET_H
#define TESTS_FAKE_NET_H

#include <accel/tasks.h>

struct fake_net {
	struct accel_net net;		/* first */
	const float *input;		/* of the run before */
	unsigned int runs;
	int fails;			/* the next run: -EIO */
	/* May be NULL: the outputs stay */
	void (*compute)(struct fake_net *fake);
	float *data[ACCEL_NET_OUTPUTS];	/* of the outputs */
	float *last;
};

/* @dims of the input, as {1, 3, 8, 8}; outputs are added by fake_output() */
void fake_init(struct fake_net *fake, const uint32_t dims[4]);
/* Zeroed data for another output */
float *fake_output(struct fake_net *fake, uint32_t rank, const uint32_t *dims);
void fake_free(struct fake_net *fake);

#endif
