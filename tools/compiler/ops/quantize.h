/* SPDX-License-Identifier: MIT */
/*
 * The arithmetic of TensorFlow Lite's quantization, to the bit: multipliers,
 * activation ranges, and the fixed-point primitives that tables are made with.
 */
#ifndef ENPU_QUANTIZE_H
#define ENPU_QUANTIZE_H

#include "../ir/graph.h"

struct multiplier {
	int32_t value;			/* Q31 */
	int shift;			/* positive: left */
};

struct range {
	int32_t min, max;
};

/* A real multiplier as value * 2^(shift - 31), as TFLite's QuantizeMultiplier. */
struct multiplier quantize_multiplier(double real);

int32_t saturating_doubling_high_mul(int32_t a, int32_t b);
int32_t rounding_divide_by_pot(int32_t x, int exponent);
/* x * m with two roundings, as TFLite's MultiplyByQuantizedMultiplier. */
int32_t multiply_by_multiplier(int32_t x, struct multiplier m);

/* What values of a type can be. */
struct range dtype_range(enum dtype type);
/* The clamp of a fused activation, in units of the quantized tensor @out. */
struct range activation_range(const struct tensor *out, enum activation act);

static inline int32_t clamp_to(int32_t x, struct range r)
{
	return x < r.min ? r.min : x > r.max ? r.max : x;
}

#endif
