/* SPDX-License-Identifier: MIT */
/*
 * What values a tensor takes, in memory that does not grow: the least and the greatest
 * value, and a histogram whose bins double in width when a value lies beyond it. Edges of
 * bins are multiples of a power of two, so that doubling merges whole bins.
 */
#ifndef ENPU_HISTOGRAM_H
#define ENPU_HISTOGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_SIDE	4096	/* bins on each side of zero */
#define HISTOGRAM_BINS	(2 * HISTOGRAM_SIDE)

/* Start from all zeroes. */
struct histogram {
	uint64_t count;			/* of values that are numbers */
	uint64_t odd;			/* that are none, or infinite */
	float min, max;
	double sum;
	int exponent;			/* the bins reach from -2^exponent to 2^exponent */
	uint64_t bins[HISTOGRAM_BINS];
};

void histogram_add(struct histogram *h, const float *values, size_t n);
/* What @from saw, too. */
void histogram_merge(struct histogram *h, const struct histogram *from);

double histogram_bin_width(const struct histogram *h);
/* The middle of a bin. */
double histogram_value(const struct histogram *h, unsigned int bin);

#endif
