// SPDX-License-Identifier: MIT
/* RSQRT of int8, in the fixed-point arithmetic of TFLite's kernel: Newton's method in Q3.28. */
#include <math.h>

#include "quantize.h"
#include "unary.h"

#define KEPT_BITS	20		/* of 1 / sqrt, below its integer */
#define NEWTON_STEPS	5

static int32_t saturate(int64_t x)
{
	return x < INT32_MIN ? INT32_MIN : x > INT32_MAX ? INT32_MAX : (int32_t)x;
}

/* Q3.28 from a product of Q3.28s, of which there were @n. */
static int32_t back_to_q3(int32_t x, int n)
{
	return saturate((int64_t)x * (1 << 3 * (n - 1)));
}

/* x^-1/2, of a whole number, as value * 2^(shift - 31) */
static struct multiplier inverse_sqrt(int32_t x)
{
	const int32_t half_three = (1 << 28) + (1 << 27), half_sqrt_2 = 1518500250;
	struct multiplier m = { INT32_MAX, 0 };
	int32_t y = 1 << 28, half;
	int pairs, shift;

	if (x <= 1)
		return m;
	pairs = (__builtin_clz(x) - 1) / 2 - 1;
	shift = 11 - pairs;
	half = rounding_divide_by_pot((int32_t)((uint32_t)x << 2 * pairs) >> 1, 1);
	for (int i = 0; i < NEWTON_STEPS; i++) {
		int32_t square = saturating_doubling_high_mul(y, y);
		int32_t cube = back_to_q3(saturating_doubling_high_mul(square, y), 3);

		y = back_to_q3(saturating_doubling_high_mul(half_three, y) -
			       saturating_doubling_high_mul(half, cube), 2);
	}
	m.value = saturating_doubling_high_mul(y, half_sqrt_2);
	if (shift < 0) {
		m.value = (int32_t)((uint32_t)m.value << -shift);
		shift = 0;
	}
	m.shift = -shift;
	return m;
}

int32_t inverse_sqrt_table_entry(const struct op *op, int32_t value)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	double scale = 1. / (double)(sqrtf(in->quant.scale[0]) * out->quant.scale[0]);
	struct multiplier m = quantize_multiplier(scale), inverse;
	int32_t root;

	/* TFLite stops at what is negative; 0 gives the largest value, and so does that here */
	if (value <= 0)
		return dtype_range(out->type).max;
	inverse = inverse_sqrt(value);
	inverse.shift += KEPT_BITS;
	m.shift -= KEPT_BITS;
	root = multiply_by_multiplier(1, inverse);
	return multiply_by_multiplier(root, m) + (int32_t)out->quant.zero_point[0];
}
