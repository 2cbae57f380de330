/* SPDX-License-Identifier: MIT */
/* Fixed-point arithmetic as TensorFlow Lite's reference kernels have it: see fixed.c. */
#ifndef LIBACCEL_FIXED_H
#define LIBACCEL_FIXED_H

#include <stdint.h>

/* value * 2^(shift - 31) */
struct fixed_factor {
	int32_t value;
	int shift;
};

/* Of a positive number that is no more than 2^30. */
struct fixed_factor fixed_from_real(double real);
/* x^-1/2, of a whole number */
struct fixed_factor fixed_inverse_sqrt(int32_t x);
/* 1 / x, of a positive whole number: value * 2^-31 in (1/2, 1], times 2^shift */
struct fixed_factor fixed_reciprocal(int32_t x);

int32_t fixed_doubling_high_mul(int32_t a, int32_t b);
int32_t fixed_divide_by_pot(int32_t x, int exponent);
/* x * factor with two roundings */
int32_t fixed_multiply(int32_t x, struct fixed_factor factor);

#endif
