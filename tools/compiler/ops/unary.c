// SPDX-License-Identifier: MIT
/*
 * Functions of one 8-bit value: all are a table of 256 entries, made here with the
 * arithmetic of TFLite's kernels. Also the requantization of a concatenation's inputs.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "operator.h"
#include "ort.h"
#include "quantize.h"
#include "unary.h"

/* TFLite divides scales in float for activations, in double for QUANTIZE and ABS. */
static double scale_ratio(const struct op *op, float factor)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	float ratio = in->quant.scale[0] * factor / out->quant.scale[0];

	if (op->kind == OP_QUANTIZE || op->kind == OP_ABS)
		return (double)in->quant.scale[0] / (double)out->quant.scale[0];
	return ratio;
}

bool is_lookup(const struct op *op)
{
	const struct operator_type *type = operator_type(op->kind);

	return type && !has_16_bits(op) && !is_real(op) &&
	       (type->lower == lower_unary ||
		((type->lower == lower_quantize || type->lower == lower_divide) &&
		 !runs_on_cpu(op)));
}

static float logistic(float x)
{
	return 1.0f / (1.0f + expf(-x));
}

static float gelu(float x)
{
	return 0.5f * x * erfcf(x * (float)-M_SQRT1_2);
}

/* Hendrycks and Gimpel's */
static float gelu_tanh(float x)
{
	const float sqrt_2_pi = (float)(M_2_SQRTPI * M_SQRT1_2);

	return 0.5f * x * (1.0f + tanhf(sqrt_2_pi * (x + 0.044715f * x * x * x)));
}

static float elu(float x)
{
	return x < 0 ? expm1f(x) : x;
}

/* What TFLite computes in float, from and to real values. NULL: not so. */
static float (*real_function(const struct op *op))(float)
{
	static float (*const functions[OP_KINDS])(float) = {
		[OP_ELU] = elu, [OP_EXP] = expf, [OP_GELU] = gelu, [OP_LOGISTIC] = logistic,
		[OP_TANH] = tanhf,
	};

	if (op->kind == OP_ELU && op->attrs.alpha != 1)
		return NULL;
	return op->kind == OP_GELU && op->attrs.approximate ? gelu_tanh : functions[op->kind];
}

/* TFLite has kernels of these for int8 alone, of others in @has_function() none. */
static bool has_kernel(const struct op *op)
{
	bool int8_alone = op->kind == OP_ABS || op->kind == OP_ELU || op->kind == OP_EXP ||
			  op->kind == OP_RSQRT;

	if (!has_function(op))
		return true;
	return int8_alone && op->inputs[0]->type == DTYPE_I8 &&
	       (op->kind != OP_ELU || real_function(op));
}

static int32_t apply_real(const struct op *op, int32_t q)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	float x = in->quant.scale[0] * (float)(q - (int32_t)in->quant.zero_point[0]);
	float inverse = 1.0f / out->quant.scale[0];
	float y = roundf(real_function(op)(x) * inverse);

	/* beyond any 8-bit value all is clamped alike */
	if (fabsf(y) > 65536)
		y = y > 0 ? 65536 : -65536;
	return (int32_t)(y + (float)out->quant.zero_point[0]);
}

static int32_t apply_ort(const struct op *op, int32_t q)
{
	float x = ort_dequantize(op->inputs[0], q);

	if (ort_has_function(op->kind))
		x = ort_function(op, x);
	else if (has_function(op))
		x = (float)function_value(op, (double)x);
	else
		x = real_function(op)(x);
	return ort_quantize(op->outputs[0], x);
}

static int32_t apply(const struct op *op, int32_t q)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	int32_t shifted = q - (int32_t)in->quant.zero_point[0];
	float factor;

	if (follows_ort(op))
		return apply_ort(op, q);
	if (!has_kernel(op))
		return apply_function(op, q);
	if (real_function(op))
		return apply_real(op, q);
	if (op->kind == OP_RSQRT)
		return inverse_sqrt_table_entry(op, shifted);
	if (op->kind == OP_HARD_SWISH)
		return hard_swish(op, shifted);
	if (op->kind == OP_ABS)
		shifted = abs(shifted);
	factor = op->kind == OP_LEAKY_RELU && shifted < 0 ? op->attrs.alpha : 1;
	return (int32_t)out->quant.zero_point[0] +
	       multiply_by_multiplier(shifted, quantize_multiplier(scale_ratio(op, factor)));
}

const char *check_unary(struct graph *g, struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	const char *reason;

	if (in && has_16_bits(op))
		return check_unary16(g, op);
	reason = check_8bit(g, in, "input");
	if (!reason)
		reason = check_8bit(g, out, "output");
	if (!reason)
		reason = check_shape(g, out, in->rank, in->dims);
	if (!reason && op->n_inputs > 1)
		reason = check_real_constant(g, op->inputs[1], "the second operand");
	if (reason || follows_ort(op))
		return reason;
	if (has_kernel(op) && !real_function(op) && op->kind != OP_RSQRT)
		reason = check_multiplier(g, scale_ratio(op, 1));
	if (!reason && op->kind == OP_HARD_SWISH)
		reason = check_hard_swish(g, op);
	if (reason)
		return reason;
	if (op->kind == OP_LEAKY_RELU && !(fabsf(op->attrs.alpha) <= 1))
		return arena_printf(g->arena, "alpha is %g: -1 to 1 is supported", op->attrs.alpha);
	if (op->kind != OP_QUANTIZE && in->type != out->type)
		return "input and output have different types";
	return NULL;
}

static struct range unary_range(const struct op *op)
{
	static const enum activation activations[OP_KINDS] = {
		[OP_RELU] = ACT_RELU, [OP_RELU6] = ACT_RELU6,
		[OP_RELU_N1_TO_1] = ACT_RELU_N1_TO_1,
	};

	return activation_range(op->outputs[0], activations[op->kind]);
}

static void unary_table(const struct op *op, struct table *table)
{
	int32_t lowest = dtype_range(op->inputs[0]->type).min;
	struct range r = unary_range(op);

	for (int i = 0; i < 256; i++)
		table->entry[i] = clamp_to(apply(op, i + lowest), r);
}

static void identity_table(enum dtype type, struct table *table)
{
	int32_t lowest = dtype_range(type).min;

	for (int i = 0; i < 256; i++)
		table->entry[i] = i + lowest;
}

/* TFLite's uint8 concatenation: float, one multiplication and one addition. */
static int32_t requantize(const struct tensor *in, const struct tensor *out, int32_t q)
{
	float scale = in->quant.scale[0] * (1.f / out->quant.scale[0]);
	float bias = -(float)in->quant.zero_point[0] * scale;
	float y = (float)q * scale;

	y = roundf(y + bias);
	/* no number, where scales are infinitely far apart */
	y = y > 65536 ? 65536 : y > -65536 ? y : -65536;
	return (int32_t)y + (int32_t)out->quant.zero_point[0];
}

void concatenation_table(const struct op *op, const struct tensor *in, struct table *table)
{
	const struct tensor *out = op->outputs[0];
	struct range r = dtype_range(out->type);

	if (same_quant(in, out)) {
		identity_table(in->type, table);
		return;
	}
	for (int i = 0; i < 256; i++) {
		int32_t q = i + r.min;

		table->entry[i] = clamp_to(follows_ort(op) ?
					   ort_quantize(out, ort_dequantize(in, q)) :
					   requantize(in, out, q), r);
	}
}

/* @table becomes the table of @op applied to it. */
static void compose(struct table *table, const struct op *op)
{
	int32_t lowest = dtype_range(op->inputs[0]->type).min;
	struct table next;

	unary_table(op, &next);
	for (int i = 0; i < 256; i++)
		table->entry[i] = next.entry[table->entry[i] - lowest];
}

const struct tensor *apply_followers(const struct program *p, const struct op *op,
				     struct table *table)
{
	const struct tensor *out = op->outputs[0];

	for (op = p->follower[op->index]; op; op = p->follower[op->index]) {
		compose(table, op);
		out = op->outputs[0];
	}
	return out;
}

struct lookup {
	struct program *p;
	const struct op *op;
	struct buffer *table;
};

static void emit_lookup(void *arg, const struct fm *fm)
{
	struct lookup *x = arg;
	struct layer *l = program_layer(x->p, LAYER_LUT, x->op);

	l->in[0] = fm[0];
	l->out = fm[1];
	l->table = x->table;
}

void lower_lookup_view(struct program *p, const struct op *op, const struct table *table,
		       const struct tensor *in, const struct view *from, const struct tensor *out,
		       const struct view *to, const int32_t *dims)
{
	uint8_t *bytes = arena_new(p->arena, uint8_t, 256);
	struct lookup x = { p, op, NULL };
	struct fm_set set = { .rank = in->rank };

	for (int i = 0; i < 256; i++)
		bytes[i] = (uint8_t)table->entry[i];
	x.table = program_constant(p, bytes, 256, "table");
	memcpy(set.dims, dims, in->rank * sizeof(*dims));
	fm_set_add(&set, in, from);
	fm_set_add(&set, out, to);
	fm_for_each(&set, emit_lookup, &x);
}

void lower_lookup(struct program *p, const struct op *op, const struct table *table,
		  const struct tensor *in, const struct tensor *out, const struct view *to)
{
	lower_lookup_view(p, op, table, in, &p->views[in->index], out, to, in->dims);
}

void lower_unary(struct program *p, const struct op *op)
{
	const struct tensor *in = op->inputs[0], *out;
	struct table table;

	if (has_16_bits(op)) {
		lower_unary16(p, op);
		return;
	}
	identity_table(in->type, &table);
	compose(&table, op);
	out = apply_followers(p, op, &table);
	lower_lookup(p, op, &table, in, out, &p->views[out->index]);
}
