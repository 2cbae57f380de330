// SPDX-License-Identifier: MIT
/*
 * Integer operators from float ones that stand between DEQUANTIZE and QUANTIZE, as ONNX
 * Runtime makes its own: quantized ONNX models are written so.
 *
 * First each QUANTIZE goes up, before operators that only move or clamp values, to the one
 * that computes them. Then, from the inputs on, each DEQUANTIZE goes down behind operators
 * that only move values, and an operator that has nothing but dequantized inputs and a
 * quantized result becomes one on integers. None of this changes a value but the last
 * step, which takes ONNX Runtime's arithmetic. What is left over stays float.
 */
#include <math.h>
#include <string.h>

#include "../ir/builder.h"
#include "rewrite.h"

/* What stands between is the same before and after a quantization. */
enum role {
	COMPUTES, MOVES, CLAMPS, STRANGE
};

static enum role role_of(const struct op *op)
{
	static const enum role roles[OP_KINDS] = {
		[OP_RESHAPE] = MOVES, [OP_TRANSPOSE] = MOVES, [OP_SLICE] = MOVES,
		[OP_STRIDED_SLICE] = MOVES, [OP_SQUEEZE] = MOVES, [OP_EXPAND_DIMS] = MOVES,
		[OP_GATHER] = MOVES, [OP_TILE] = MOVES, [OP_REVERSE_V2] = MOVES, [OP_PAD] = MOVES,
		[OP_SPACE_TO_DEPTH] = MOVES, [OP_DEPTH_TO_SPACE] = MOVES,
		[OP_RESIZE_NEAREST_NEIGHBOR] = MOVES, [OP_MAX_POOL_2D] = MOVES,
		[OP_REDUCE_MAX] = MOVES, [OP_REDUCE_MIN] = MOVES,
		[OP_RELU] = CLAMPS, [OP_RELU6] = CLAMPS, [OP_RELU_N1_TO_1] = CLAMPS,
		[OP_CLIP] = CLAMPS,
		[OP_QUANTIZE] = STRANGE, [OP_DEQUANTIZE] = STRANGE, [OP_CAST] = STRANGE,
		[OP_LSTM] = STRANGE, [OP_LOG_SOFTMAX] = STRANGE,
	};

	return op->n_outputs == 1 ? roles[op->kind] : STRANGE;
}

static bool is_float(const struct tensor *t)
{
	return t && t->type == DTYPE_F32;
}

static struct tensor *quantized_like(struct builder *b, const struct tensor *shape,
				     const struct tensor *quant)
{
	struct tensor *t = builder_tensor(b, shape->name, quant->type, shape->rank, shape->dims);

	t->quant = quant->quant;
	return t;
}

/* The operator no longer writes anything: builder_finish() drops it. */
static void drop(struct op *op)
{
	op->n_inputs = 0;
	op->n_outputs = 0;
}

/* One step up for QUANTIZE @op, before what makes its input. */
static bool raise_quantize(struct builder *b, struct op *op)
{
	struct tensor *in = op->inputs[0], *out = op->outputs[0], *before, *between;
	struct op *maker = in->producer;
	enum role role = maker ? role_of(maker) : STRANGE;

	if ((role != MOVES && role != CLAMPS) || in->consumers != 1 || in->is_output ||
	    out->quant.count != 1)
		return false;
	before = maker->inputs[0];
	if (!is_float(before) || before->data)
		return false;
	between = quantized_like(b, before, out);
	between->producer = op;
	between->consumers = 1;
	op->inputs[0] = before;
	op->outputs[0] = between;
	maker->inputs[0] = between;
	maker->outputs[0] = out;
	maker->attrs.numerics = NUMERICS_ORT;
	out->producer = maker;
	return true;
}

/* The integers behind a float tensor, or NULL. */
static struct tensor *integers_of(const struct tensor *t)
{
	if (!is_float(t))
		return NULL;
	if (t->integers)
		return (struct tensor *)t->integers;
	if (t->producer && t->producer->kind == OP_DEQUANTIZE)
		return t->producer->inputs[0];
	return NULL;
}

/* A moving operator on integers, and its DEQUANTIZE behind it. */
static void sink_dequantize(struct builder *b, struct op *op)
{
	struct tensor *in = integers_of(op->inputs[0]), *out = op->outputs[0], *moved;

	if (!in || in->data || in->quant.count != 1 || !is_float(out))
		return;
	moved = quantized_like(b, out, in);
	moved->producer = op;
	op->inputs[0] = in;
	op->outputs[0] = moved;
	op->attrs.numerics = NUMERICS_ORT;
	out->producer = builder_unary(b, OP_DEQUANTIZE, "DequantizeLinear", moved, out);
	out->producer->label = op->label;
	out->producer->source = op->source;
}

/* Operands of a convolution or a matrix product with constant weights. */
struct operands {
	int input, weights, bias;
};

static const struct operands *operands_of(const struct op *op)
{
	static const struct operands usual = { 0, 1, 2 }, transposed = { 2, 1, 3 };

	switch (op->kind) {
	case OP_CONV_2D:
	case OP_DEPTHWISE_CONV_2D:
	case OP_FULLY_CONNECTED:
		return &usual;
	case OP_TRANSPOSE_CONV:
		return &transposed;
	default:
		return NULL;
	}
}

/* A bias that was left float, in units of the accumulator. */
static struct tensor *quantize_bias(struct builder *b, const struct tensor *bias,
				    const struct tensor *in, const struct tensor *weights)
{
	int64_t n = tensor_elements(bias);
	int32_t *data = arena_new(b->arena, int32_t, n);

	if (!bias->data)
		return NULL;
	for (int64_t i = 0; i < n; i++) {
		const struct quant *w = &weights->quant;
		float value, scale = in->quant.scale[0] * w->scale[w->count > 1 ? i % w->count : 0];

		memcpy(&value, bias->data + 4 * i, sizeof(value));
		value = rintf(value / scale);
		if (!(fabsf(value) < 0x1p31f))
			return NULL;
		data[i] = (int32_t)value;
	}
	return builder_constant(b, bias->name, DTYPE_I32, bias->rank, bias->dims, data);
}

/* A constant that an operator on integers takes as it is: see ops/functions.c and prelu.c. */
static bool takes_real(const struct op *op, unsigned int i)
{
	const struct tensor *t = op->inputs[i];

	if (i != 1 || !t->data || t->integers)
		return false;
	return op->kind == OP_PRELU ||
	       ((op->kind == OP_DIV || op->kind == OP_POW) && tensor_elements(t) == 1);
}

/* The tensors that an operator on integers has instead of its inputs; false: not all are known. */
static bool integer_inputs(struct builder *b, const struct op *op, struct tensor **inputs)
{
	const struct operands *o = operands_of(op);

	for (unsigned int i = 0; i < op->n_inputs; i++) {
		inputs[i] = op->inputs[i];
		if (!is_float(inputs[i]) || takes_real(op, i))
			continue;
		inputs[i] = integers_of(op->inputs[i]);
		if (!inputs[i] && o && (int)i == o->bias)
			inputs[i] = quantize_bias(b, op->inputs[i], inputs[o->input],
						  inputs[o->weights]);
		if (!inputs[i] || (inputs[i]->type == DTYPE_I32 && !(o && (int)i == o->bias)))
			return false;
		if (inputs[i]->quant.count > 1 && !(o && (int)i != o->input))
			return false;
	}
	return op->n_inputs > 0 && is_float(op->inputs[o ? o->input : 0]);
}

/* In the innermost dimension that is more than one element @t has but one. */
static bool repeats_innermost(const struct tensor *t, const struct tensor *out)
{
	for (int i = 1; i <= out->rank; i++)
		if (out->dims[out->rank - i] > 1)
			return i > t->rank || t->dims[t->rank - i] == 1;
	return false;
}

/* ONNX Runtime's sum begins with the operand that it repeats: the order is in the rounding. */
static void order_sum(struct op *op)
{
	struct tensor *first = op->inputs[0];

	if (op->kind != OP_ADD || !repeats_innermost(first, op->outputs[0]))
		return;
	op->inputs[0] = op->inputs[1];
	op->inputs[1] = first;
}

/* Constants of the IR are tensors of the graph; a number is a vector of one. */
static void adopt_constants(struct builder *b, struct tensor **inputs, unsigned int n)
{
	static const int32_t one = 1;

	for (unsigned int i = 0; i < n; i++) {
		struct tensor *t;

		if (!inputs[i] || !inputs[i]->data || !inputs[i]->quant.count)
			continue;
		t = builder_constant(b, inputs[i]->name, inputs[i]->type,
				     inputs[i]->rank ? inputs[i]->rank : 1,
				     inputs[i]->rank ? inputs[i]->dims : &one, inputs[i]->data);
		t->quant = inputs[i]->quant;
		inputs[i] = t;
	}
}

/* QUANTIZE @quantize and what computes its input become one operator, if that is all it feeds. */
static void merge(struct builder *b, struct op *quantize)
{
	struct tensor *value = quantize->inputs[0], *out = quantize->outputs[0], **inputs;
	struct op *op = value->producer;

	if (!op || role_of(op) == STRANGE || value->consumers != 1 || value->is_output ||
	    out->quant.count != 1)
		return;
	inputs = arena_new(b->arena, struct tensor *, op->n_inputs);
	if (!integer_inputs(b, op, inputs))
		return;
	adopt_constants(b, inputs, op->n_inputs);
	op->inputs = inputs;
	op->outputs[0] = out;
	op->attrs.numerics = NUMERICS_ORT;
	out->producer = op;
	drop(quantize);
	order_sum(op);
}

static bool same_values(const struct tensor *a, const struct tensor *b)
{
	return a->type == b->type && a->quant.scale[0] == b->quant.scale[0] &&
	       a->quant.zero_point[0] == b->quant.zero_point[0];
}

/* QUANTIZE of a dequantized tensor: a table, or nothing but another name. */
static void requantize(struct builder *b, struct op *op)
{
	struct tensor *in = integers_of(op->inputs[0]), *out = op->outputs[0];
	struct tensor **inputs;

	if (!in || in->data || in->quant.count != 1 || out->quant.count != 1)
		return;
	op->inputs[0] = in;
	if (!same_values(in, out))
		return;
	inputs = arena_new(b->arena, struct tensor *, 2);
	inputs[0] = in;
	inputs[1] = builder_ints(b, out->name, out->rank, out->dims);
	op->kind = OP_RESHAPE;
	op->inputs = inputs;
	op->n_inputs = 2;
}

/* An integer tensor that is only moved is quantized as what it is moved from or to. */
static void share_quant(struct op *op)
{
	struct tensor *in = op->inputs[0], *out = op->outputs[0];

	if (in->type != out->type || is_float(in))
		return;
	if (!out->quant.count)
		out->quant = in->quant;
	else if (!in->quant.count && !in->data)
		in->quant = out->quant;
}

static void share_quants(const struct builder *b)
{
	for (size_t i = b->n_ops; i-- > 0;)
		if (role_of(b->ops[i]) == MOVES)
			share_quant(b->ops[i]);
	for (size_t i = 0; i < b->n_ops; i++)
		if (role_of(b->ops[i]) == MOVES)
			share_quant(b->ops[i]);
}

/* What interpolates between integers, without conversions around it, is another kernel. */
static void mark_raw(const struct builder *b)
{
	for (size_t i = 0; i < b->n_ops; i++) {
		struct op *op = b->ops[i];

		if (op->kind == OP_RESIZE_BILINEAR && op->n_inputs && !is_float(op->inputs[0]) &&
		    op->attrs.numerics == NUMERICS_TFLITE)
			op->attrs.numerics = NUMERICS_ORT_RAW;
	}
}

/* Integers that no conversion gives a scale count as themselves. */
static void name_quants(const struct builder *b)
{
	static const float one = 1;
	static const int64_t zero;

	for (size_t i = 0; i < b->n_tensors; i++) {
		struct tensor *t = b->tensors[i];

		if ((t->type == DTYPE_U8 || t->type == DTYPE_I8) && !t->quant.count)
			t->quant = (struct quant){ 1, 0, &one, &zero };
	}
}

int merge_quantization(struct graph *g)
{
	struct builder b;
	size_t n;
	int err;

	builder_open(&b, g);
	n = b.n_ops;
	for (size_t i = n; i-- > 0;)
		while (b.ops[i]->kind == OP_QUANTIZE && raise_quantize(&b, b.ops[i]))
			;
	/* in the order of execution once more */
	err = builder_finish(&b, g);
	if (err)
		return err;
	builder_open(&b, g);
	n = b.n_ops;
	for (size_t i = 0; i < n; i++) {
		struct op *op = b.ops[i];

		if (role_of(op) == MOVES)
			sink_dequantize(&b, op);
		if (op->kind != OP_QUANTIZE)
			continue;
		if (integers_of(op->inputs[0]))
			requantize(&b, op);
		else
			merge(&b, op);
	}
	share_quants(&b);
	mark_raw(&b);
	name_quants(&b);
	return builder_finish(&b, g);
}
