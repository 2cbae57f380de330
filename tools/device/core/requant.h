/* SPDX-License-Identifier: MIT */
/*
 * Requantization: how an accumulator becomes an output value, to the bit.
 *
 * Signed arithmetic here wraps: files that include this are compiled with
 * -fwrapv. Formulas: "Requantization" in Documentation/hardware.rst.
 */
#ifndef ENPU_DEVICE_REQUANT_H
#define ENPU_DEVICE_REQUANT_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include <enpu/cmd.h>

static inline int32_t enpu_saturate(int64_t v)
{
	return v < INT32_MIN ? INT32_MIN : v > INT32_MAX ? INT32_MAX : (int32_t)v;
}

/*
 * Saturating rounding doubling high multiply. gemmlowp adds a nudge of the
 * product's sign and divides towards zero; that is the same as rounding half up.
 */
static inline int32_t enpu_srdhm(int32_t a, int32_t b)
{
	int64_t high = ((int64_t)a * b + (1 << 30)) >> 31;

	return high > INT32_MAX ? INT32_MAX : (int32_t)high;
}

/* x / 2^exponent, rounding half away from zero; exponent 0 to 31 */
static inline int32_t enpu_rdbpot(int32_t x, int exponent)
{
	int32_t mask = (int32_t)((1u << exponent) - 1);
	int32_t threshold = (mask >> 1) + (x < 0);

	return (x >> exponent) + ((x & mask) > threshold);
}

static inline int32_t enpu_scale_double(int32_t x, int32_t multiplier, int left, int right)
{
	return enpu_rdbpot(enpu_srdhm((int32_t)((uint32_t)x << left), multiplier), right);
}

static inline int32_t enpu_scale_single(int32_t x, int32_t multiplier, int shift)
{
	int total = 31 - shift;

	return enpu_saturate(((int64_t)x * multiplier + (1ll << (total - 1))) >> total);
}

/* 64-bit accumulators of 16-bit inputs: the multiplier loses 16 bits; shift at most 14 */
static inline int32_t enpu_scale_wide(int64_t x, int32_t multiplier, int shift)
{
	int64_t reduced = multiplier < 0x7fff0000 ? (multiplier + (1 << 15)) >> 16 : 0x7fff;
	int total = 15 - shift;

	return enpu_saturate((x * reduced + (1ll << (total - 1))) >> total);
}

static inline float enpu_float(uint32_t bits)
{
	float f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

/* Half to even; beyond the range, and for NaN, the nearest fp32 bound or the lower one */
static inline int32_t enpu_round_even(float v)
{
	v = v > -2147483648.0f ? v : -2147483648.0f;
	v = v < 2147483520.0f ? v : 2147483520.0f;
	return (int32_t)rintf(v);
}

static inline int32_t enpu_clamp(int64_t v, int32_t min, int32_t max)
{
	return v < min ? min : v > max ? max : (int32_t)v;
}

/* One 32-bit value by one scale in any mode, before zero point and clamp */
static inline int32_t enpu_rescale(int32_t x, const struct enpu_scale *scale, unsigned int mode)
{
	int shift = scale->shift;

	switch (mode) {
	case ENPU_REQUANT_DOUBLE:
		return enpu_scale_double(x, scale->multiplier, shift > 0 ? shift : 0,
					 shift < 0 ? -shift : 0);
	case ENPU_REQUANT_SINGLE:
		return enpu_scale_single(x, scale->multiplier, shift);
	default:
		return enpu_round_even((float)x * enpu_float((uint32_t)scale->multiplier));
	}
}

#endif
