// SPDX-License-Identifier: MIT
/*
 * Fixed-point arithmetic of CPU steps that must give TensorFlow Lite's bytes: products
 * with two roundings, and Newton's method for 1 / sqrt(x) in Q3.28 and 1 / (1 + x) in
 * Q2.29. Documentation/hardware.rst has the primitives' formulas.
 */
#include "fixed.h"

#include <math.h>

#define HALF_SQRT_2	1518500250	/* Q0.31 */

int32_t fixed_doubling_high_mul(int32_t a, int32_t b)
{
	int64_t product = (int64_t)a * b;
	int64_t nudge = product >= 0 ? 1 << 30 : 1 - (1 << 30);

	if (a == INT32_MIN && b == INT32_MIN)
		return INT32_MAX;
	return (int32_t)((product + nudge) / ((int64_t)1 << 31));
}

int32_t fixed_divide_by_pot(int32_t x, int exponent)
{
	int32_t mask = (int32_t)(((int64_t)1 << exponent) - 1);

	return (x >> exponent) + ((x & mask) > (mask >> 1) + (x < 0));
}

int32_t fixed_multiply(int32_t x, struct fixed_factor factor)
{
	int left = factor.shift > 0 ? factor.shift : 0;
	int right = factor.shift < 0 ? -factor.shift : 0;
	int32_t shifted = (int32_t)((uint32_t)x << left);

	return fixed_divide_by_pot(fixed_doubling_high_mul(shifted, factor.value), right);
}

struct fixed_factor fixed_from_real(double real)
{
	struct fixed_factor f;
	int64_t q = (int64_t)round(frexp(real, &f.shift) * 2147483648.0);

	if (q == (int64_t)1 << 31) {
		q /= 2;
		f.shift++;
	}
	f.value = (int32_t)q;
	if (f.shift < -31)
		f = (struct fixed_factor){ 0, 0 };
	return f;
}

static int32_t saturate(int64_t x)
{
	return x < INT32_MIN ? INT32_MIN : x > INT32_MAX ? INT32_MAX : (int32_t)x;
}

struct fixed_factor fixed_inverse_sqrt(int32_t x)
{
	const int32_t half_three = (1 << 28) + (1 << 27);
	struct fixed_factor f = { INT32_MAX, 0 };
	int32_t y = 1 << 28, half;
	int shift = 11, pairs;

	if (x <= 1)
		return f;
	for (; x >= 1 << 29; x /= 4)
		shift++;
	pairs = (__builtin_clz((uint32_t)x) - 1) / 2 - 1;
	shift -= pairs;
	half = fixed_divide_by_pot((x << 2 * pairs) >> 1, 1);
	for (int i = 0; i < 5; i++) {
		int32_t cube = fixed_doubling_high_mul(fixed_doubling_high_mul(y, y), y);

		/* three factors of Q3.28 give Q9.22, two give Q6.25 */
		cube = saturate((int64_t)cube * 64);
		y = saturate(8 * (int64_t)(fixed_doubling_high_mul(half_three, y) -
					   fixed_doubling_high_mul(half, cube)));
	}
	f.value = fixed_doubling_high_mul(y, HALF_SQRT_2);
	if (shift < 0) {
		f.value = (int32_t)((uint32_t)f.value << -shift);
		shift = 0;
	}
	f.shift = -shift;
	return f;
}

/* 1 / (1 + x) for x in [0, 1), Q0.31 */
static int32_t one_over_one_plus(int32_t x)
{
	int64_t sum = (int64_t)x + INT32_MAX;
	int32_t half = (int32_t)((sum + (sum >= 0 ? 1 : -1)) / 2);
	int32_t y = 1515870810 + fixed_doubling_high_mul(half, -1010580540);

	for (int i = 0; i < 3; i++) {
		int32_t error = (1 << 29) - fixed_doubling_high_mul(half, y);

		y += saturate(4 * (int64_t)fixed_doubling_high_mul(y, error));
	}
	return saturate(2 * (int64_t)y);
}

struct fixed_factor fixed_reciprocal(int32_t x)
{
	int headroom = __builtin_clz((uint32_t)x) + 1;
	uint32_t fraction = (uint32_t)((uint64_t)(uint32_t)x << (headroom - 1)) - (1u << 31);

	return (struct fixed_factor){ one_over_one_plus((int32_t)fraction), headroom - 32 };
}
