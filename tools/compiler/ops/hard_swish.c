// SPDX-License-Identifier: MIT
/*
 * HARD_SWISH, x * relu6(x + 3) / 6, in the 16-bit arithmetic of TFLite's reference
 * kernel: the input at 128 times its resolution, times a "reluish" of it that goes
 * from 0 to 1 as x goes from -3 to 3.
 */
#include <math.h>

#include "quantize.h"
#include "unary.h"

#define HIRES_BITS	7		/* of the input beyond its 8 */

/* A multiplier of 16 bits. */
struct multiplier16 {
	int16_t value;
	int shift;
};

struct hard_swish {
	struct multiplier16 output, reluish;
};

static int16_t saturate16(int32_t x)
{
	return x < INT16_MIN ? INT16_MIN : x > INT16_MAX ? INT16_MAX : x;
}

static struct multiplier16 narrow(double real)
{
	struct multiplier m = quantize_multiplier(real);
	const int32_t half = 1 << 15;

	return (struct multiplier16) {
		m.value >= INT32_MAX - half ? INT16_MAX : (m.value + half) >> 16, m.shift,
	};
}

static struct hard_swish constants(const struct op *op)
{
	float hires = (1.0f / 128.0f) * op->inputs[0]->quant.scale[0];

	return (struct hard_swish) {
		.output = narrow((double)(hires / op->outputs[0]->quant.scale[0])),
		.reluish = narrow((double)(hires / (3.0f / 32768.0f))),
	};
}

static int16_t doubling_high_mul(int16_t a, int16_t b, int32_t nudge)
{
	int32_t product = (int32_t)a * b;

	if (a == INT16_MIN && b == INT16_MIN)
		return INT16_MAX;
	return (product + (product >= 0 || !nudge ? nudge : 1 - nudge)) / (1 << 15);
}

static int16_t shift_left(int16_t x, int bits)
{
	return saturate16((int32_t)x * (1 << bits));
}

/* 0 for x <= -3, 2^15 - 1 for x >= 3 */
static int16_t reluish(int16_t hires, struct multiplier16 m)
{
	int16_t x = hires;

	if (m.shift > 0)
		x = shift_left(x, m.shift - 1);
	x = doubling_high_mul(x, m.value, 1 << 14);
	if (m.shift > 0)
		x = shift_left(x, 1);
	if (m.shift < 0)
		x = rounding_divide_by_pot(x, -m.shift);
	return (x + (1 << 15)) >> 1;
}

/* Shifts outside of these have no meaning in 16 bits. */
const char *check_hard_swish(struct graph *g, const struct op *op)
{
	struct hard_swish c = constants(op);

	if (c.output.shift > 0 || c.output.shift < -15 || c.reluish.shift > 15 ||
	    c.reluish.shift < -15)
		return arena_printf(g->arena, "the scales %g and %g are too far from one another",
				    op->inputs[0]->quant.scale[0], op->outputs[0]->quant.scale[0]);
	return NULL;
}

int32_t hard_swish(const struct op *op, int32_t value)
{
	struct hard_swish c = constants(op);
	int16_t hires = (int16_t)(value * (1 << HIRES_BITS));
	int16_t preshift = doubling_high_mul(hires, c.output.value, 1 << 14);
	int16_t product = doubling_high_mul(reluish(hires, c.reluish), preshift, 0);

	return (int32_t)op->outputs[0]->quant.zero_point[0] +
	       rounding_divide_by_pot(product, -c.output.shift);
}
