// SPDX-License-Identifier: MIT
/* The arithmetic of TensorFlow Lite's quantization: see quantize.h. */
#include "quantize.h"

#include <math.h>

struct multiplier quantize_multiplier(double real)
{
	struct multiplier m = { 0, 0 };
	int64_t q;

	if (real == 0)
		return m;
	q = (int64_t)round(frexp(real, &m.shift) * (double)(1ll << 31));
	if (q == 1ll << 31) {
		q /= 2;
		m.shift++;
	}
	if (m.shift < -31) {
		m.shift = 0;
		q = 0;
	}
	m.value = q;
	return m;
}

int32_t saturating_doubling_high_mul(int32_t a, int32_t b)
{
	int64_t product = (int64_t)a * b;
	int64_t nudge = product >= 0 ? 1 << 30 : 1 - (1 << 30);

	if (a == INT32_MIN && b == INT32_MIN)
		return INT32_MAX;
	return (int32_t)((product + nudge) / (1ll << 31));
}

int32_t rounding_divide_by_pot(int32_t x, int exponent)
{
	int32_t mask = (int32_t)((1ll << exponent) - 1);
	int32_t remainder = x & mask;
	int32_t threshold = (mask >> 1) + (x < 0);

	return (x >> exponent) + (remainder > threshold);
}

int32_t multiply_by_multiplier(int32_t x, struct multiplier m)
{
	int left = m.shift > 0 ? m.shift : 0;
	int right = m.shift < 0 ? -m.shift : 0;
	int32_t shifted = (int32_t)((uint32_t)x << left);

	return rounding_divide_by_pot(saturating_doubling_high_mul(shifted, m.value), right);
}

struct range dtype_range(enum dtype type)
{
	switch (type) {
	case DTYPE_U8:
		return (struct range) { 0, 255 };
	case DTYPE_I8:
		return (struct range) { -128, 127 };
	case DTYPE_I4:
		return (struct range) { -8, 7 };
	case DTYPE_I16:
		return (struct range) { INT16_MIN, INT16_MAX };
	default:
		return (struct range) { INT32_MIN, INT32_MAX };
	}
}

/* A real bound in quantized units. Far outside of any 8-bit range it saturates. */
static int32_t quantize_bound(const struct tensor *t, float bound)
{
	float q = roundf(bound / t->quant.scale[0]);

	if (fabsf(q) > 65536)
		return q > 0 ? 65536 : -65536;
	return (int32_t)t->quant.zero_point[0] + (int32_t)q;
}

struct range activation_range(const struct tensor *out, enum activation act)
{
	static const struct {
		bool has_min, has_max;
		float min, max;
	} bounds[ACT_COUNT] = {
		[ACT_RELU] = { true, false, 0, 0 },
		[ACT_RELU_N1_TO_1] = { true, true, -1, 1 },
		[ACT_RELU6] = { true, true, 0, 6 },
	};
	struct range r = dtype_range(out->type);
	int32_t bound;

	if (bounds[act].has_min) {
		bound = quantize_bound(out, bounds[act].min);
		r.min = bound > r.min ? bound : r.min;
	}
	if (bounds[act].has_max) {
		bound = quantize_bound(out, bounds[act].max);
		r.max = bound < r.max ? bound : r.max;
	}
	return r;
}
