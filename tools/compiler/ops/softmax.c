// SPDX-License-Identifier: MIT
/* SOFTMAX, as TFLite's fixed-point reference kernel or ONNX Runtime's table computes it. */
#include <math.h>
#include <string.h>

#include "operator.h"
#include "ort.h"
#include "quantize.h"

#define INTEGER_BITS	5	/* of the scaled difference to the largest input: Q5.26 */

static double real_multiplier(const struct op *op)
{
	double d = (double)op->attrs.beta * (double)op->inputs[0]->quant.scale[0] *
		   (double)(1 << (31 - INTEGER_BITS));
	double most = (double)((1ll << 31) - 1);

	return d < most ? d : most;
}

static const char *check_ort(const struct op *op)
{
	const struct tensor *in = op->inputs[0];
	float table[256];

	ort_softmax_table(op, in->dims[in->rank - 1], table);
	if (op->attrs.beta != 1)
		return "only a beta of 1 is supported";
	if (!isfinite(table[0] * ort_softmax_factor(op)) || !(table[0] > 0))
		return "the scales give no usable exponentials";
	return NULL;
}

const char *check_softmax(struct graph *g, struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	const char *reason = check_8bit(g, in, "input");

	if (!reason)
		reason = check_8bit(g, out, "output");
	if (!reason)
		reason = check_shape(g, out, in->rank, in->dims);
	if (reason)
		return reason;
	if (in->type != out->type)
		return "input and output have different types";
	if (follows_ort(op))
		return check_ort(op);
	if (out->quant.scale[0] != 1.f / 256 ||
	    out->quant.zero_point[0] != dtype_range(out->type).min)
		return "the output must have scale 1/256 and the type's lowest value as zero point";
	if (!(real_multiplier(op) > 1))
		return arena_printf(g->arena, "beta %g with input scale %g is too small",
				    op->attrs.beta, in->quant.scale[0]);
	return NULL;
}

static void set_ort(struct program *p, struct layer *l, const struct op *op)
{
	float *table = arena_new(p->arena, float, 256);

	ort_softmax_table(op, l->in[0].channels, table);
	l->table = program_constant(p, table, 256 * sizeof(*table), "exponentials");
	l->softmax_factor = ort_softmax_factor(op);
}

/* Each row is one position: a dense tensor has them in one line. */
void lower_softmax(struct program *p, const struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	uint32_t channels = in->dims[in->rank - 1], rows = tensor_elements(in) / channels;
	struct layer *l = program_layer(p, LAYER_SOFTMAX, op);
	struct multiplier m = quantize_multiplier(real_multiplier(op));
	double radius = (double)((1 << INTEGER_BITS) - 1) * (1ll << (31 - INTEGER_BITS)) /
			(double)(1ll << m.shift);

	l->in[0] = flat_fm(p, in, rows, channels);
	l->out = flat_fm(p, out, rows, channels);
	if (follows_ort(op)) {
		set_ort(p, l, op);
		return;
	}
	l->softmax_multiplier = m.value;
	l->left_shift = m.shift;
	l->softmax_diff_min = -(int32_t)floor(radius);
}
