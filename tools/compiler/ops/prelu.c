// SPDX-License-Identifier: MIT
/*
 * PRELU: what is positive is rescaled, what is negative is multiplied by alpha. With
 * one alpha for all that is a table. Else two results are added, of which one is 0 for
 * every element: a table of the positive part, and the negative part times alpha. 16
 * bits, which TFLite does not have here, are rescaled instead of looked up.
 * ONNX Runtime has no such operator on integers; its float one is a table for each
 * channel.
 */
#include <string.h>

#include "ort.h"
#include "quantize.h"
#include "unary.h"

enum { VALUES, ALPHA };

/* As TFLite has it: in float. */
static float positive_factor(const struct op *op)
{
	return op->inputs[VALUES]->quant.scale[0] / op->outputs[0]->quant.scale[0];
}

static float negative_factor(const struct op *op)
{
	return op->inputs[VALUES]->quant.scale[0] * op->inputs[ALPHA]->quant.scale[0] /
	       op->outputs[0]->quant.scale[0];
}

static bool one_alpha(const struct op *op)
{
	return tensor_elements(op->inputs[ALPHA]) == 1;
}

static const char *check_alpha_shape(const struct op *op)
{
	const struct tensor *in = op->inputs[VALUES], *alpha = op->inputs[ALPHA];

	if (!alpha->data)
		return "alpha must be constant";
	if (!one_alpha(op) && (alpha->dims[alpha->rank - 1] != in->dims[in->rank - 1] ||
			       tensor_elements(alpha) != in->dims[in->rank - 1] ||
			       alpha->rank > in->rank))
		return "alpha must be one value, or one for each channel";
	return NULL;
}

/* A float alpha stays as it is. */
static bool computes_floats(const struct op *op)
{
	const struct tensor *alpha = op->inputs[ALPHA];

	return follows_ort(op) && alpha && alpha->type == DTYPE_F32;
}

static const char *check_ort_prelu(struct graph *g, const struct op *op)
{
	const struct tensor *in = op->inputs[VALUES], *out = op->outputs[0];
	const char *reason = check_8bit(g, in, "input");

	if (!reason)
		reason = check_8bit(g, out, "output");
	if (!reason)
		reason = check_shape(g, out, in->rank, in->dims);
	return reason ? reason : check_alpha_shape(op);
}

const char *check_prelu(struct graph *g, struct op *op)
{
	const struct tensor *in = op->inputs[VALUES], *alpha = op->inputs[ALPHA];
	const struct tensor *out = op->outputs[0];
	const char *reason;

	if (computes_floats(op))
		return check_ort_prelu(g, op);
	reason = check_8_or_16bit(g, in, "input");
	if (!reason)
		reason = check_8_or_16bit(g, alpha, "alpha");
	if (!reason)
		reason = check_8_or_16bit(g, out, "output");
	if (!reason)
		reason = check_shape(g, out, in->rank, in->dims);
	if (!reason)
		reason = check_multiplier(g, positive_factor(op));
	if (!reason)
		reason = check_multiplier(g, negative_factor(op));
	if (reason)
		return reason;
	if (in->type != alpha->type || in->type != out->type)
		return "inputs and output have different types";
	return check_alpha_shape(op);
}

static int32_t alpha_value(const struct op *op)
{
	const struct tensor *alpha = op->inputs[ALPHA];
	int32_t q = alpha->type == DTYPE_I8 ? (int8_t)alpha->data[0] : alpha->data[0];

	return q - (int32_t)alpha->quant.zero_point[0];
}

/* Of values that are negative @below. */
static int32_t scaled(const struct op *op, int32_t value, int32_t below)
{
	float factor = value < 0 ? negative_factor(op) : positive_factor(op);

	if (value < 0)
		value *= below;
	return (int32_t)op->outputs[0]->quant.zero_point[0] +
	       multiply_by_multiplier(value, quantize_multiplier(factor));
}

static void value_table(const struct op *op, int32_t below, struct table *table)
{
	int32_t lowest = dtype_range(op->inputs[VALUES]->type).min;
	int32_t zero = op->inputs[VALUES]->quant.zero_point[0];
	struct range r = dtype_range(op->outputs[0]->type);

	for (int i = 0; i < 256; i++)
		table->entry[i] = clamp_to(scaled(op, i + lowest - zero, below), r);
}

/* The input without what is positive. */
static void negative_table(const struct op *op, struct table *table)
{
	int32_t lowest = dtype_range(op->inputs[VALUES]->type).min;
	int32_t zero = op->inputs[VALUES]->quant.zero_point[0];

	for (int i = 0; i < 256; i++)
		table->entry[i] = i + lowest < zero ? i + lowest : zero;
}

struct parts {
	struct program *p;
	const struct op *op;
	uint8_t operation;
	struct enpu_scale scale_in, scale_out;
};

static void emit_parts(void *arg, const struct fm *fm)
{
	struct parts *x = arg;
	struct layer *l = program_layer(x->p, LAYER_ELEMENTWISE, x->op);

	l->in[0] = fm[0];
	l->in[1] = fm[1];
	l->out = fm[2];
	l->operation = x->operation;
	l->clamp = device_clamp(x->op->outputs[0], ACT_NONE);
	l->scale_a = x->scale_in;
	l->scale_b = x->scale_in;
	l->scale_out = x->scale_out;
}

/* What is positive in the output's scale, what is negative as it is; 0 instead of the other. */
static void split_signs(struct program *p, const struct op *op, const struct view *positive,
			const struct view *negative)
{
	static const struct enpu_clamp above = { 0, INT16_MAX }, below = { INT16_MIN, 0 };
	const struct tensor *in = op->inputs[VALUES], *out = op->outputs[0];
	const struct view *from = &p->views[in->index];
	struct table table;

	if (in->type == DTYPE_I16) {
		lower_rescale(p, op, positive_factor(op), above, in, from, out, positive);
		lower_rescale(p, op, 1, below, in, from, in, negative);
		return;
	}
	value_table(op, 0, &table);
	lower_lookup(p, op, &table, in, out, positive);
	negative_table(op, &table);
	lower_lookup(p, op, &table, in, in, negative);
}

static void lower_per_channel(struct program *p, const struct op *op)
{
	static const struct enpu_scale one = { .multiplier = 1 << 30, .shift = 1 };
	const struct tensor *in = op->inputs[VALUES], *alpha = op->inputs[ALPHA];
	const struct tensor *out = op->outputs[0];
	int bytes = dtype_bits(out->type) / 8;
	struct view positive = scratch_view(p, out->name, out->rank, out->dims, bytes);
	struct view product = scratch_view(p, out->name, out->rank, out->dims, bytes);
	struct view negative = scratch_view(p, in->name, in->rank, in->dims, bytes);
	struct view alphas = broadcast_view(p, alpha, out);
	struct multiplier m = quantize_multiplier(negative_factor(op));
	struct parts multiply = {
		.p = p, .op = op, .operation = ENPU_ELEMENTWISE_MUL,
		.scale_out = { .multiplier = m.value, .shift = m.shift },
	};
	struct parts add = {
		.p = p, .op = op, .operation = ENPU_ELEMENTWISE_ADD, .scale_in = one,
		.scale_out = one,
	};
	struct fm_set products = { .rank = out->rank }, sums = { .rank = out->rank };

	split_signs(p, op, &positive, &negative);
	memcpy(products.dims, out->dims, sizeof(products.dims));
	fm_set_add(&products, in, &negative);
	fm_set_add(&products, alpha, &alphas);
	fm_set_add(&products, out, &product);
	fm_for_each(&products, emit_parts, &multiply);

	memcpy(sums.dims, out->dims, sizeof(sums.dims));
	fm_set_add(&sums, out, &positive);
	fm_set_add(&sums, out, &product);
	fm_set_add(&sums, out, &p->views[out->index]);
	fm_for_each(&sums, emit_parts, &add);
}

static void lower_floats(struct program *p, const struct op *op)
{
	const struct tensor *in = op->inputs[VALUES], *out = op->outputs[0];
	const struct tensor *alpha = op->inputs[ALPHA];
	int32_t lowest = dtype_range(in->type).min, channels = tensor_elements(alpha);
	int32_t dims[MAX_RANK];

	memcpy(dims, in->dims, sizeof(dims));
	if (channels > 1)
		dims[in->rank - 1] = 1;
	for (int32_t c = 0; c < channels; c++) {
		struct view source = p->views[in->index], target = p->views[out->index];
		struct table table;
		float slope;

		memcpy(&slope, alpha->data + 4 * c, sizeof(slope));
		for (int i = 0; i < 256; i++) {
			float x = ort_dequantize(in, i + lowest);

			table.entry[i] = ort_quantize(out, x > 0 ? x : x * slope);
		}
		source.offset += c;
		target.offset += c;
		lower_lookup_view(p, op, &table, in, &source, out, &target, dims);
	}
}

void lower_prelu(struct program *p, const struct op *op)
{
	const struct tensor *in = op->inputs[VALUES], *out = op->outputs[0];
	struct table table;

	if (computes_floats(op)) {
		lower_floats(p, op);
		return;
	}
	if (!one_alpha(op) || in->type == DTYPE_I16) {
		lower_per_channel(p, op);
		return;
	}
	value_table(op, alpha_value(op), &table);
	lower_lookup(p, op, &table, in, out, &p->views[out->index]);
}
