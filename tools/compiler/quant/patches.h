/* SPDX-License-Identifier: MIT */
/*
 * What the inputs of a layer look like to its weights: for places drawn by lot from the
 * samples, the values under the kernel. Of these the means and the second moments are
 * kept; they tell the error of the layer's output for any error of its weights.
 */
#ifndef ENPU_PATCHES_H
#define ENPU_PATCHES_H

#include "quantizer.h"

struct moments {
	const struct op *op;
	int32_t groups, taps;		/* each group of channels has its own inputs */
	uint64_t count;			/* of places */
	uint32_t per_sample;
	uint64_t lot;			/* state of the generator */
	/* By group and tap: of real values, of values as the quantized layer sees them */
	double *mean, *seen_mean;
	float *second;			/* by group, tap, tap: of the latter; NULL: not kept */
	float *patches;			/* of one sample */
};

/* Which group of @m the output channel @c belongs to. */
int32_t moments_group(const struct quantizer *q, const struct moments *m, int32_t c);

/*
 * Gathers for layers from @first on, as many as memory allows, and leaves the first one
 * that was not reached in *@next. @second: second moments, too.
 */
int patches_gather(struct quantizer *q, unsigned int first, bool second, unsigned int *next);
void patches_free(struct quantizer *q);

#endif
