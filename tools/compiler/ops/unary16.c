// SPDX-License-Identifier: MIT
/*
 * Functions of one value where 16 bits are involved. A new scale, and the RELUs, are the
 * RESCALE command, with TFLite's arithmetic. Smooth functions are a table of 513 values
 * with straight lines between them; every entry gives half of what its line is off in the
 * middle. TFLite does that for EXP, but its entries lie 65535/512 apart and not 128, and it has
 * other kernels for most functions: so models that come with 16 bits are not taken, only
 * what is quantized here is (op_attrs.interpolated).
 */
#include <math.h>
#include <string.h>

#include "quantize.h"
#include "unary.h"

#define STEP		128	/* between entries, of the input's values */

static double logistic(double x)
{
	return 1 / (1 + exp(-x));
}

static double gelu(const struct op *op, double x)
{
	if (op->attrs.approximate)
		return x * (1 + tanh(M_2_SQRTPI * M_SQRT1_2 * (x + 0.044715 * x * x * x))) / 2;
	return x * erfc(-x * M_SQRT1_2) / 2;
}

static double hard_swish_real(double x)
{
	return x * fmin(fmax(x + 3, 0), 6) / 6;
}

bool is_smooth(enum op_kind kind)
{
	static const bool smooth[OP_KINDS] = {
		[OP_ABS] = true, [OP_CLIP] = true, [OP_ELU] = true, [OP_ERF] = true,
		[OP_EXP] = true, [OP_GELU] = true, [OP_HARD_SIGMOID] = true, [OP_HARD_SWISH] = true,
		[OP_LEAKY_RELU] = true, [OP_LOGISTIC] = true, [OP_MISH] = true, [OP_NEG] = true,
		[OP_SELU] = true, [OP_SILU] = true, [OP_SOFTPLUS] = true, [OP_SOFTSIGN] = true,
		[OP_TANH] = true,
	};

	return smooth[kind];
}

static double real_value(const struct op *op, double x)
{
	switch (op->kind) {
	case OP_GELU:
		return gelu(op, x);
	case OP_HARD_SWISH:
		return hard_swish_real(x);
	case OP_LEAKY_RELU:
		return x < 0 ? x * (double)op->attrs.alpha : x;
	case OP_LOGISTIC:
		return logistic(x);
	case OP_TANH:
		return tanh(x);
	default:
		return function_value(op, x);
	}
}

/* Changes the scale, and clamps. */
static bool rescales(enum op_kind kind)
{
	return kind == OP_QUANTIZE || kind == OP_RELU || kind == OP_RELU6 ||
	       kind == OP_RELU_N1_TO_1;
}

bool has_16_bits(const struct op *op)
{
	return op->inputs[0]->type == DTYPE_I16 || op->outputs[0]->type == DTYPE_I16;
}

static double scale_ratio(const struct op *op)
{
	return (double)op->inputs[0]->quant.scale[0] / (double)op->outputs[0]->quant.scale[0];
}

const char *check_unary16(struct graph *g, struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	const char *reason = check_8_or_16bit(g, in, "input");

	if (!reason)
		reason = check_8_or_16bit(g, out, "output");
	if (!reason)
		reason = check_types(g, op, in, out);
	if (!reason)
		reason = check_shape(g, out, in->rank, in->dims);
	if (reason)
		return reason;
	if (rescales(op->kind))
		return check_multiplier(g, scale_ratio(op));
	if (in->type != out->type)
		return "input and output have different types";
	if (!is_smooth(op->kind))
		return "int16 is not supported";
	return op->attrs.interpolated ? NULL : "int16 is not supported with TFLite's arithmetic";
}

static double sample(const struct op *op, double x)
{
	return round(real_value(op, x) / (double)op->outputs[0]->quant.scale[0]);
}

static void make_table(const struct op *op, int16_t *table)
{
	double scale = (double)op->inputs[0]->quant.scale[0];

	for (int i = 0; i < LUT_ENTRIES_S16; i++) {
		double x = (INT16_MIN + i * STEP) * scale, y = sample(op, x), off = 0;

		if (i + 1 < LUT_ENTRIES_S16)
			off = round((sample(op, x + STEP * scale) + y) / 2) -
			      sample(op, x + STEP / 2 * scale);
		y = fmin(fmax(y - round(off / 2), INT16_MIN), INT16_MAX);
		table[i] = (int16_t)y;
	}
}

struct emission {
	struct program *p;
	struct layer layer;		/* all but operands */
};

static void emit(void *arg, const struct fm *fm)
{
	struct emission *x = arg;
	struct layer *l = program_layer(x->p, x->layer.kind, x->layer.op);

	*l = x->layer;
	l->in[0] = fm[0];
	l->out = fm[1];
}

static void emit_all(struct emission *x, const struct tensor *in, const struct view *from,
		     const struct tensor *out, const struct view *to)
{
	struct fm_set set = { .rank = in->rank };

	memcpy(set.dims, in->dims, sizeof(set.dims));
	fm_set_add(&set, in, from);
	fm_set_add(&set, out, to);
	fm_for_each(&set, emit, x);
}

void lower_rescale(struct program *p, const struct op *op, double factor, struct enpu_clamp clamp,
		   const struct tensor *in, const struct view *from, const struct tensor *out,
		   const struct view *to)
{
	struct multiplier m = quantize_multiplier(factor);
	struct emission x = {
		.p = p, .layer = {
			.kind = LAYER_RESCALE, .op = op, .clamp = clamp,
			.scale_out = { .multiplier = m.value, .shift = m.shift },
		},
	};

	emit_all(&x, in, from, out, to);
}

static void lower_table(struct program *p, const struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	int16_t *table = arena_new(p->arena, int16_t, LUT_ENTRIES_S16);
	struct emission x = { .p = p, .layer = { .kind = LAYER_LUT, .op = op } };

	make_table(op, table);
	x.layer.table = program_constant(p, table, LUT_ENTRIES_S16 * sizeof(*table), "table");
	emit_all(&x, in, &p->views[in->index], out, &p->views[out->index]);
}

void lower_unary16(struct program *p, const struct op *op)
{
	static const enum activation activations[OP_KINDS] = {
		[OP_RELU] = ACT_RELU, [OP_RELU6] = ACT_RELU6,
		[OP_RELU_N1_TO_1] = ACT_RELU_N1_TO_1,
	};
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];

	if (rescales(op->kind))
		lower_rescale(p, op, scale_ratio(op), device_clamp(out, activations[op->kind]),
			      in, &p->views[in->index], out, &p->views[out->index]);
	else
		lower_table(p, op);
}
