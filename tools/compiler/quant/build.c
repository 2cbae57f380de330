// SPDX-License-Identifier: MIT
/*
 * The int8 graph: every float tensor becomes int8, or int16, with the scale that was
 * chosen, every float constant is quantized for the operator that reads it, activations go
 * into the operators before them, and where scales or widths must be equal but are not, a
 * QUANTIZE goes between.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "../ir/builder.h"
#include "rules.h"

struct build {
	struct quantizer *q;
	struct builder b;
	bool *is_float;			/* by tensor: stays float */
};

static const struct observed *activation_of(const struct build *x, const struct tensor *t)
{
	return &x->q->activations[t->index];
}

static bool same_scaling(struct scaling a, struct scaling b)
{
	return a.scale == b.scale && a.zero_point == b.zero_point && a.wide == b.wide;
}

static struct quant one_scale(struct arena *arena, struct scaling s)
{
	float *scale = arena_new(arena, float, 1);
	int64_t *zero_point = arena_new(arena, int64_t, 1);

	*scale = s.scale;
	*zero_point = s.zero_point;
	return (struct quant) { .count = 1, .scale = scale, .zero_point = zero_point };
}

static enum dtype type_of(struct scaling s)
{
	return s.wide ? DTYPE_I16 : DTYPE_I8;
}

/* @bytes: floats, anywhere, as many as @t has elements */
static void *quantized(struct build *x, const struct tensor *t, const uint8_t *bytes,
		       struct scaling s)
{
	int64_t n = tensor_elements(t);
	void *data = arena_alloc(x->b.arena, n, dtype_bits(type_of(s)) / 8);

	for (int64_t i = 0; i < n; i++) {
		float value;
		int32_t q;

		memcpy(&value, bytes + i * sizeof(value), sizeof(value));
		q = quantize_value(value, s);
		if (s.wide)
			((int16_t *)data)[i] = (int16_t)q;
		else
			((int8_t *)data)[i] = (int8_t)q;
	}
	return data;
}

static struct tensor *quantized_constant(struct build *x, const struct tensor *t, struct scaling s)
{
	static const int32_t one = 1;
	void *data = quantized(x, t, t->data, s);
	struct tensor *made;

	/* quantized operators want dimensions, and a single number broadcasts with one as well */
	made = builder_constant(&x->b, t->name, type_of(s), t->rank ? t->rank : 1,
				t->rank ? t->dims : &one, data);
	made->quant = one_scale(x->b.arena, s);
	return made;
}

static struct scaling constant_scaling(const struct tensor *t, bool wide)
{
	struct interval r = { 0, 0 };

	for (int64_t i = 0; i < tensor_elements(t); i++) {
		r.min = fminf(r.min, float_at(t, i));
		r.max = fmaxf(r.max, float_at(t, i));
	}
	return wide ? wide_scaling_of(r) : scaling_of(r);
}

/* The same values at the scale @s. */
static struct tensor *requantized(struct build *x, struct tensor *t, struct scaling s)
{
	struct tensor *made = builder_tensor(&x->b, arena_printf(x->b.arena, "%s (requantized)",
								  t->name),
					     type_of(s), t->rank, t->dims);

	made->quant = one_scale(x->b.arena, s);
	builder_unary(&x->b, OP_QUANTIZE, "QUANTIZE", t, made);
	return made;
}

static struct tensor *dequantized(struct build *x, struct tensor *t)
{
	struct tensor *made = builder_tensor(&x->b, t->name, DTYPE_F32, t->rank, t->dims);

	builder_unary(&x->b, OP_DEQUANTIZE, "DEQUANTIZE", t, made);
	return made;
}

/* Two to a byte, the first one in the low nibble. */
static uint8_t *packed(struct build *x, const struct filter *f)
{
	size_t n = (size_t)f->channels * f->taps;
	uint8_t *bytes = arena_new(x->b.arena, uint8_t, (n + 1) / 2);

	for (size_t i = 0; i < n; i++)
		bytes[i / 2] |= (uint8_t)((f->weights[i] & 0xf) << (i % 2 ? 4 : 0));
	return bytes;
}

static struct tensor *filter_weights(struct build *x, const struct op *op)
{
	const struct filter *f = &x->q->filters[op->index];
	const struct tensor *w = constant_weights(op);
	bool nibbles = f->most == NIBBLE_MAX;
	struct tensor *made = builder_constant(&x->b, w->name, nibbles ? DTYPE_I4 : DTYPE_I8,
					       w->rank, w->dims,
					       nibbles ? (const void *)packed(x, f) : f->weights);

	made->quant = (struct quant) {
		.count = f->channels, .axis = channel_axis(op->kind), .scale = f->scale,
		.zero_point = arena_new(x->b.arena, int64_t, f->channels),
	};
	return made;
}

static struct tensor *filter_bias(struct build *x, const struct op *op)
{
	const struct filter *f = &x->q->filters[op->index];
	bool wide = activation_of(x, op->inputs[data_input(op->kind)])->scaling.wide;
	void *bias = arena_alloc(x->b.arena, f->channels, wide ? sizeof(int64_t) : sizeof(int32_t));

	for (int32_t c = 0; c < f->channels; c++) {
		if (wide)
			((int64_t *)bias)[c] = quantized_bias(x->q, op, c);
		else
			((int32_t *)bias)[c] = (int32_t)quantized_bias(x->q, op, c);
	}
	return builder_constant(&x->b, arena_printf(x->b.arena, "%s (bias)",
						    op->outputs[0]->name),
				wide ? DTYPE_I64 : DTYPE_I32, 1, &f->channels, bias);
}

static void convert_filter(struct build *x, struct op *op)
{
	unsigned int bias = bias_input(op->kind);
	struct tensor *weights = filter_weights(x, op);

	if (op->n_inputs <= bias) {
		struct tensor **inputs = arena_new(x->b.arena, struct tensor *, bias + 1);

		memcpy(inputs, op->inputs, op->n_inputs * sizeof(*inputs));
		op->inputs = inputs;
		op->n_inputs = bias + 1;
	}
	op->inputs[bias] = filter_bias(x, op);
	op->inputs[weights_input(op->kind)] = weights;
}

/* What @op, which makes tensors of scale @out, wants of its input @t. */
static struct scaling wanted(const struct build *x, const struct op *op, const struct tensor *t,
			     struct scaling out)
{
	const struct observed *a = activation_of(x, t);

	if (rule_of(op->kind) == RULE_SAME)
		return out;
	switch (widths_of(x->q, op)) {
	case WIDTHS_ANY:
		return a->scaling;
	case WIDTHS_UNIFORM:
		return out.wide ? a->wide : a->narrow;
	default:
		return a->narrow;
	}
}

static void convert_input(struct build *x, struct op *op, unsigned int i)
{
	struct tensor *t = op->inputs[i];
	struct scaling out, s;

	if (!t || t->type != DTYPE_F32 || x->is_float[op->outputs[0]->index]) {
		if (t && is_float_activation(t) && !x->is_float[t->index])
			op->inputs[i] = dequantized(x, t);
		return;
	}
	/* factors of norms go to the CPU as they are */
	if (t->data && (op->kind == OP_LAYER_NORM || op->kind == OP_INSTANCE_NORM))
		return;
	out = activation_of(x, op->outputs[0])->scaling;
	if (t->data) {
		s = rule_of(op->kind) == RULE_SAME ? out : constant_scaling(t, out.wide);
		op->inputs[i] = quantized_constant(x, t, s);
		return;
	}
	s = wanted(x, op, t, out);
	if (!same_scaling(activation_of(x, t)->scaling, s))
		op->inputs[i] = requantized(x, t, s);
}

/* What RELU, RELU6, RELU_N1_TO_1 and CLIP leave of the numbers. */
static bool limits_of(const struct op *op, struct interval *limits)
{
	switch (op->kind) {
	case OP_RELU:
		*limits = (struct interval) { 0, INFINITY };
		return true;
	case OP_RELU6:
		*limits = (struct interval) { 0, 6 };
		return true;
	case OP_RELU_N1_TO_1:
		*limits = (struct interval) { -1, 1 };
		return true;
	case OP_CLIP:
		*limits = (struct interval) { op->attrs.alpha, op->attrs.beta };
		return limits->min <= 0 && limits->max >= 0;
	default:
		return false;
	}
}

/* Of kinds whose activation TensorFlow Lite fuses. */
static bool has_activation(enum op_kind kind)
{
	return kind == OP_CONV_2D || kind == OP_DEPTHWISE_CONV_2D || kind == OP_ADD ||
	       kind == OP_SUB || kind == OP_MUL;
}

static enum activation activation_for(struct interval limits)
{
	if (limits.min == -1 && limits.max == 1)
		return ACT_RELU_N1_TO_1;
	if (limits.min != 0)
		return ACT_NONE;
	return limits.max == 6 ? ACT_RELU6 : isinf(limits.max) ? ACT_RELU : ACT_NONE;
}

/* A tensor of scale @s saturates where @limits are, to within half a level. */
static bool saturates(struct scaling s, struct interval limits)
{
	int32_t min = s.wide ? INT16_MIN : INT8_MIN, max = s.wide ? INT16_MAX : INT8_MAX;

	return dequantize_value(min, s) >= limits.min - s.scale / 2 &&
	       dequantize_value(max, s) <= limits.max + s.scale / 2;
}

/*
 * An activation after an operator that rounds its result: the operator does it itself,
 * by its fused activation or because it saturates.
 */
static void absorb_activation(struct build *x, struct op *op)
{
	struct op *before = op->inputs[0] ? op->inputs[0]->producer : NULL;
	struct tensor *out = op->outputs[0];
	struct interval limits;
	enum activation act;

	if (!before || !limits_of(op, &limits) || op->inputs[0]->consumers != 1 ||
	    op->inputs[0]->is_output || before->n_outputs != 1 ||
	    rule_of(before->kind) != RULE_FREE || before->attrs.activation != ACT_NONE ||
	    x->is_float[out->index])
		return;
	act = has_activation(before->kind) ? activation_for(limits) : ACT_NONE;
	if (act == ACT_NONE && !saturates(activation_of(x, out)->scaling, limits))
		return;
	before->attrs.activation = act;
	op->outputs[0] = op->inputs[0];		/* nobody reads that: it goes */
	op->inputs[0] = out;
	before->outputs[0] = out;
	out->producer = before;
}

static void convert(struct build *x, struct op *op)
{
	if (x->q->filters[op->index].channels)
		convert_filter(x, op);
	else
		for (unsigned int i = 0; i < op->n_inputs; i++)
			convert_input(x, op, i);
	op->attrs.interpolated = true;
}

static void convert_tensor(struct build *x, struct tensor *t)
{
	if (!is_float_activation(t) || x->is_float[t->index])
		return;
	if (t->initial)
		t->initial = quantized(x, t, t->initial, activation_of(x, t)->scaling);
	t->type = type_of(activation_of(x, t)->scaling);
	t->quant = one_scale(x->b.arena, activation_of(x, t)->scaling);
}

int quantizer_build(struct quantizer *q)
{
	struct graph *g = q->g;
	struct build x = { .q = q, .is_float = arena_new(q->arena, bool, g->n_tensors) };

	builder_open(&x.b, g);
	for (unsigned int i = 0; i < g->n_ops; i++)
		for (unsigned int k = 0; k < g->ops[i].n_outputs; k++)
			x.is_float[g->ops[i].outputs[k]->index] = q->on_floats[i];
	for (unsigned int i = 0; i < g->n_ops; i++)
		absorb_activation(&x, &g->ops[i]);
	for (unsigned int i = 0; i < g->n_ops; i++)
		convert(&x, &g->ops[i]);
	for (unsigned int i = 0; i < g->n_tensors; i++)
		convert_tensor(&x, &g->tensors[i]);
	return builder_finish(&x.b, g);
}
