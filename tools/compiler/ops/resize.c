// SPDX-License-Identifier: MIT
/*
 * RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR: where each output row and column
 * comes from, in the precision of TFLite's kernels: float for uint8, 1/1024 for int8. ONNX
 * Runtime's are float between conversions, and 1/1024 where there are none.
 */
#include <math.h>
#include <string.h>

#include "operator.h"
#include "ort.h"

#define FRACTION_ONE	1024

/* The modes differ in what fractions are, and in how what is mixed is rounded. */
static enum enpu_resize mode_of(const struct op *op)
{
	if (op->kind == OP_RESIZE_NEAREST_NEIGHBOR)
		return ENPU_RESIZE_FIXED;
	switch (op->attrs.numerics) {
	case NUMERICS_ORT:
		return ENPU_RESIZE_FP32;
	case NUMERICS_ORT_RAW:
		return ENPU_RESIZE_TRUNCATED;
	default:
		return op->inputs[0]->type == DTYPE_U8 ? ENPU_RESIZE_FLOAT : ENPU_RESIZE_FIXED;
	}
}

const char *check_resize(struct graph *g, struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	const char *reason = check_8_or_16bit(g, in, "input");
	int32_t dims[4];

	if (!reason)
		reason = check_8_or_16bit(g, out, "output");
	if (!reason && mode_of(op) == ENPU_RESIZE_FP32)
		reason = in->type == out->type ? NULL : "input and output have different types";
	else if (!reason)
		reason = check_same_quant(g, in, out);
	if (!reason)
		reason = check_constant_ints(g, op->inputs[1], "the size", 2);
	if (reason)
		return reason;
	if (in->rank != 4)
		return "the input must have 4 dimensions";
	if (op->attrs.align_corners && op->attrs.half_pixel_centers)
		return "align_corners and half_pixel_centers exclude each other";
	memcpy(dims, in->dims, sizeof(dims));
	for (int i = 0; i < 2; i++) {
		int64_t size = tensor_int(op->inputs[1], i);

		if (size < 1 || size > UINT16_MAX || in->dims[1 + i] > UINT16_MAX)
			return arena_printf(g->arena, "a size of %lld from %d: 1 to %d is supported",
					    (long long)size, in->dims[1 + i], UINT16_MAX);
		dims[1 + i] = size;
	}
	return check_shape(g, out, 4, dims);
}

static float float_scale(int32_t in, int32_t out, bool align_corners)
{
	if (align_corners && out > 1)
		return (float)(in - 1) / (float)(out - 1);
	return (float)in / (float)out;
}

static int32_t at_least(int32_t x, int32_t least)
{
	return x < least ? least : x;
}

static int32_t at_most(int32_t x, int32_t most)
{
	return x > most ? most : x;
}

static struct enpu_resize_tap nearest_tap(int32_t i, int32_t in, int32_t out,
					  const struct op_attrs *a)
{
	float position = (float)i;
	int32_t from;

	if (a->half_pixel_centers)
		position += 0.5f;
	position *= float_scale(in, out, a->align_corners);
	from = a->align_corners ? (int32_t)roundf(position) : (int32_t)floorf(position);
	from = at_least(at_most(from, in - 1), 0);
	return (struct enpu_resize_tap) { .lo = from, .hi = from };
}

static struct enpu_resize_tap float_tap(int32_t i, int32_t in, int32_t out,
					const struct op_attrs *a)
{
	float scale = float_scale(in, out, a->align_corners), position, fraction;
	struct enpu_resize_tap tap;

	if (a->half_pixel_centers) {
		position = ((float)i + 0.5f) * scale;
		position -= 0.5f;
	} else {
		position = (float)i * scale;
	}
	tap.lo = at_least((int32_t)floorf(position), 0);
	tap.hi = at_most((int32_t)ceilf(position), in - 1);
	fraction = position - (float)tap.lo;
	memcpy(&tap.frac, &fraction, sizeof(tap.frac));
	return tap;
}

static struct enpu_resize_tap fixed_tap(int32_t i, int32_t in, int32_t out,
					const struct op_attrs *a)
{
	int32_t scale = a->align_corners && out > 1 ?
			(FRACTION_ONE * (in - 1) + (out - 1) / 2) / (out - 1) :
			(FRACTION_ONE * in + out / 2) / out;
	int64_t position = (int64_t)i * scale;
	struct enpu_resize_tap tap;

	if (a->half_pixel_centers)
		position += scale / 2 - FRACTION_ONE / 2;
	tap.lo = at_least(position / FRACTION_ONE, 0);
	tap.hi = at_most((position + FRACTION_ONE - 1) / FRACTION_ONE, in - 1);
	tap.frac = position - (int64_t)FRACTION_ONE * tap.lo;
	return tap;
}

/* Where ONNX Runtime's output @i is. Its scale is the inverse of TFLite's. */
static float ort_position(int32_t i, int32_t in, int32_t out, const struct op_attrs *a)
{
	float scale = (float)out / (float)in, position, last = (float)(in - 1);

	if (in == out)
		position = (float)i;
	else if (a->align_corners)
		position = out == 1 ? 0 : (float)i * last / (float)(out - 1);
	else if (a->half_pixel_centers)
		position = ((float)i + 0.5f) / scale - 0.5f;
	else
		position = (float)i / scale;
	return position < 0 ? 0 : position > last ? last : position;
}

/* Between the last and itself is half way. */
static struct enpu_resize_tap ort_tap(int32_t i, int32_t in, int32_t out,
				      const struct op_attrs *a, bool fixed)
{
	float position = ort_position(i, in, out, a), fraction;
	struct enpu_resize_tap tap;

	tap.lo = (int32_t)position;
	tap.hi = at_most(tap.lo + 1, in - 1);
	fraction = tap.lo == tap.hi ? 0.5f : position - (float)tap.lo;
	if (fixed)
		tap.frac = (int32_t)(fraction * FRACTION_ONE);
	else
		memcpy(&tap.frac, &fraction, sizeof(tap.frac));
	return tap;
}

static struct enpu_resize_tap tap_of(int32_t i, int32_t in, int32_t out, const struct op *op)
{
	enum enpu_resize mode = mode_of(op);

	if (op->kind == OP_RESIZE_NEAREST_NEIGHBOR)
		return nearest_tap(i, in, out, &op->attrs);
	if (mode == ENPU_RESIZE_FLOAT)
		return float_tap(i, in, out, &op->attrs);
	if (mode == ENPU_RESIZE_FIXED)
		return fixed_tap(i, in, out, &op->attrs);
	return ort_tap(i, in, out, &op->attrs, mode == ENPU_RESIZE_TRUNCATED);
}

static struct buffer *taps(struct program *p, const struct op *op, int dim)
{
	const struct tensor *t = op->inputs[0];
	int32_t in = t->dims[dim], out = op->outputs[0]->dims[dim];
	struct enpu_resize_tap *tap = arena_new(p->arena, struct enpu_resize_tap, out);

	for (int32_t i = 0; i < out; i++)
		tap[i] = tap_of(i, in, out, op);
	return program_constant(p, tap, (int64_t)out * sizeof(*tap), "resize taps");
}

void lower_resize(struct program *p, const struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	struct buffer *rows = taps(p, op, 1), *cols = taps(p, op, 2);

	for (int32_t n = 0; n < in->dims[0]; n++) {
		struct layer *l = program_layer(p, LAYER_RESIZE, op);

		l->in[0] = image_fm(p, in, n);
		l->out = image_fm(p, out, n);
		l->rows = rows;
		l->cols = cols;
		l->operation = mode_of(op);
		if (mode_of(op) == ENPU_RESIZE_FP32) {
			l->in_scale = in->quant.scale[0];
			l->out_scale = out->quant.scale[0];
		}
	}
}
