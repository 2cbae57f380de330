/* SPDX-License-Identifier: MIT */
/* How close two versions of a tensor are, over samples. */
#ifndef ENPU_QUANT_ACCURACY_H
#define ENPU_QUANT_ACCURACY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Start from all zeroes. */
struct closeness {
	double signal, noise;		/* sums of squares, of all samples */
	double cosines, least_cosine;
	uint32_t samples, agreed;	/* agreed: the largest element is the same one */
};

void closeness_add(struct closeness *c, const float *truth, const float *value, size_t n);

/* 10 log10(signal / noise), at most 200 */
double closeness_sqnr_db(const struct closeness *c);
double closeness_cosine(const struct closeness *c);

/* The largest element, of equals the first. */
size_t largest_element(const float *values, size_t n);

#endif
