/* SPDX-License-Identifier: MIT */
/*
 * From what a tensor takes to what it can hold: the range of real values that its 256
 * levels cover, and the scale and zero point that this makes. Values outside of a range
 * saturate; a narrower range gives finer levels to all others.
 */
#ifndef ENPU_RANGE_H
#define ENPU_RANGE_H

#include "../include/enpu-compiler.h"
#include "histogram.h"

struct interval {
	float min, max;			/* min <= 0 <= max: zero is always representable */
};

struct scaling {
	float scale;
	int32_t zero_point;
	bool wide;			/* int16, else int8 */
};

/* The whole of what was seen, with zero. */
struct interval range_minmax(const struct histogram *h);
/* All but the share (100 - @percent) / 100 of the values, half of it on each side. */
struct interval range_percentile(const struct histogram *h, double percent);
/* The least information lost: Kullback and Leibler's divergence. */
struct interval range_kl(const struct histogram *h);
/* The least mean squared error. */
struct interval range_mse(const struct histogram *h);

struct interval range_choose(const struct histogram *h, enum enpu_ranges method, double percent);

/* int8, as TensorFlow Lite's converter chooses it: zero has a level of its own. */
struct scaling scaling_of(struct interval range);
/* int16, symmetric: the zero point is 0. */
struct scaling wide_scaling_of(struct interval range);
/* The level of @x. */
int32_t quantize_value(float x, struct scaling s);
float dequantize_value(int32_t q, struct scaling s);

#endif
