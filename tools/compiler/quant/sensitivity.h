/* SPDX-License-Identifier: MIT */
/*
 * What a change inside of the float graph does to its results: some samples run through a
 * reference, unchanged once, and then with each change that is to be judged. Results are
 * the model's outputs; but what is joined of parts of different scales is looked at part by
 * part, as the large ones would hide the small.
 */
#ifndef ENPU_SENSITIVITY_H
#define ENPU_SENSITIVITY_H

#include "quantizer.h"

struct sensitivity {
	struct quantizer *q;
	const struct tensor **results;
	size_t n_results;
	float ***truth;			/* by trial and result */
	uint32_t trial, trials;
	/* Sees all tensors on their way, and may change their values; or NULL */
	void (*change)(void *arg, const struct tensor *t, float *values);
	void *arg;
	double error;			/* relative, squared, of all results and trials */
};

/* Finds out what the results are when nothing is changed. 0 or a negative errno. */
int sensitivity_open(struct sensitivity *s, struct quantizer *q);

/*
 * What q->reference gives with the change; @error is the sum over results and trials of noise
 * over signal. 0 or a negative errno.
 */
int sensitivity_measure(struct sensitivity *s,
			void (*change)(void *arg, const struct tensor *t, float *values), void *arg,
			double *error);
/* The same for the weights of @op at the nearest of 2 @most + 1 levels for each channel. */
int sensitivity_weights(struct sensitivity *s, struct op *op, int most, double *error);

#endif
