// SPDX-License-Identifier: MIT
/*
 * Functions that exporters write as several operators, recognised: see rewrite.h. A
 * pattern begins at its last operator, which becomes the one that says it; what no one
 * else needs of the rest is dropped with the next builder_finish().
 */
#include <math.h>
#include <string.h>

#include "../ir/builder.h"
#include "rewrite.h"

#define CLOSE	1e-4	/* of constants: exporters round them differently */

/* The operator that makes @t, if it is of this kind and does nothing else. */
static struct op *made_by(const struct tensor *t, enum op_kind kind)
{
	struct op *op = t ? t->producer : NULL;

	return op && op->kind == kind && !op->attrs.activation && t->type == DTYPE_F32 ? op : NULL;
}

/* The input of a function of one value. */
static struct tensor *inside(const struct tensor *t, enum op_kind kind)
{
	const struct op *op = made_by(t, kind);

	return op ? op->inputs[0] : NULL;
}

static bool is_number(const struct tensor *t, double value)
{
	return t->data && t->type == DTYPE_F32 && tensor_elements(t) == 1 &&
	       fabs(constant_number(t, 0) - value) <= CLOSE * fabs(value);
}

/* @t = x + value or x * value (the kind says): x, or NULL. */
static struct tensor *with_number(const struct tensor *t, enum op_kind kind, double value)
{
	const struct op *op = made_by(t, kind);

	for (int i = 0; op && i < 2; i++)
		if (is_number(op->inputs[i], value) && same_shape(op->inputs[!i], t))
			return op->inputs[!i];
	return NULL;
}

/* @t = x / value, however it is written. */
static struct tensor *divided_by(const struct tensor *t, double value)
{
	const struct op *op = made_by(t, OP_DIV);

	if (op && is_number(op->inputs[1], value) && same_shape(op->inputs[0], t))
		return op->inputs[0];
	return with_number(t, OP_MUL, 1 / value);
}

/* @op, its kind and inputs; its output stays. */
static bool becomes(struct builder *b, struct op *op, enum op_kind kind, const char *name,
		    struct tensor *x)
{
	op->kind = kind;
	op->name = name;
	op->n_inputs = 1;
	op->inputs = arena_new(b->arena, struct tensor *, 1);
	op->inputs[0] = x;
	op->attrs = (struct op_attrs){ 0 };
	return true;
}

/* relu6(x + 3) */
static struct tensor *shifted_relu6(const struct tensor *t)
{
	return with_number(inside(t, OP_RELU6), OP_ADD, 3);
}

static bool hard_sigmoid(struct builder *b, struct op *op)
{
	struct tensor *x = shifted_relu6(divided_by(op->outputs[0], 6));

	if (!x)
		return false;
	becomes(b, op, OP_HARD_SIGMOID, "HardSigmoid", x);
	op->attrs.alpha = 1.0f / 6;
	op->attrs.beta = 0.5f;
	return true;
}

/* x * function(x), of which @function gives x. */
static struct tensor *times_itself(const struct op *op,
				   struct tensor *(*function)(const struct tensor *t))
{
	for (int i = 0; op && i < 2; i++)
		if (function(op->inputs[i]) == op->inputs[!i] && !op->inputs[!i]->data)
			return op->inputs[!i];
	return NULL;
}

static struct tensor *sixth_hard_sigmoid(const struct tensor *t)
{
	const struct op *op = made_by(t, OP_HARD_SIGMOID);

	return op && fabsf(op->attrs.alpha - 1.0f / 6) < CLOSE &&
	       fabsf(op->attrs.beta - 0.5f) < CLOSE ? op->inputs[0] : NULL;
}

/* x * relu6(x + 3) / 6, with the division at either place */
static bool hard_swish(struct builder *b, struct op *op)
{
	struct tensor *x = divided_by(op->outputs[0], 6);

	x = times_itself(made_by(x, OP_MUL), shifted_relu6);
	if (!x)
		x = times_itself(made_by(op->outputs[0], OP_MUL), sixth_hard_sigmoid);
	return x && becomes(b, op, OP_HARD_SWISH, "HardSwish", x);
}

static struct tensor *sigmoid(const struct tensor *t)
{
	return inside(t, OP_LOGISTIC);
}

static bool silu(struct builder *b, struct op *op)
{
	struct tensor *x = times_itself(made_by(op->outputs[0], OP_MUL), sigmoid);

	return x && becomes(b, op, OP_SILU, "Silu", x);
}

static struct tensor *tanh_softplus(const struct tensor *t)
{
	return inside(inside(t, OP_TANH), OP_SOFTPLUS);
}

static bool mish(struct builder *b, struct op *op)
{
	struct tensor *x = times_itself(made_by(op->outputs[0], OP_MUL), tanh_softplus);

	return x && becomes(b, op, OP_MISH, "Mish", x);
}

/* 1 + erf(x / sqrt(2)) */
static struct tensor *twice_normal(const struct tensor *t)
{
	return divided_by(inside(with_number(t, OP_ADD, 1), OP_ERF), sqrt(2));
}

static struct tensor *normal(const struct tensor *t)
{
	return twice_normal(with_number(t, OP_MUL, 0.5));
}

/* x / 2 * (1 + erf(x / sqrt(2))), with the factor at any of three places */
static bool gelu(struct builder *b, struct op *op)
{
	const struct op *product = made_by(op->outputs[0], OP_MUL);
	struct tensor *x = times_itself(made_by(with_number(op->outputs[0], OP_MUL, 0.5), OP_MUL),
					twice_normal);

	if (!x)
		x = times_itself(product, normal);
	for (int i = 0; !x && product && i < 2; i++) {
		struct tensor *half = with_number(product->inputs[i], OP_MUL, 0.5);

		if (half && twice_normal(product->inputs[!i]) == half)
			x = half;
	}
	return x && becomes(b, op, OP_GELU, "Gelu", x);
}

/* The mean of @t's last dimension, which stays as 1: of what. */
static struct tensor *mean_of_last(const struct tensor *t)
{
	const struct op *op = made_by(t, OP_MEAN);
	const struct tensor *in = op ? op->inputs[0] : NULL;

	if (!op || !op->attrs.keep_dims || !op->inputs[1]->data || !in->rank ||
	    tensor_elements(op->inputs[1]) != 1 ||
	    (tensor_int(op->inputs[1], 0) != in->rank - 1 && tensor_int(op->inputs[1], 0) != -1))
		return NULL;
	return op->inputs[0];
}

/* x - mean(x): x */
static struct tensor *centred(const struct tensor *t)
{
	const struct op *op = made_by(t, OP_SUB);

	return op && mean_of_last(op->inputs[1]) == op->inputs[0] ? op->inputs[0] : NULL;
}

static struct tensor *squared(const struct tensor *t)
{
	const struct op *product = made_by(t, OP_MUL);

	if (product && product->inputs[0] == product->inputs[1])
		return product->inputs[0];
	return inside(t, OP_SQUARE);
}

/* (x - mean(x)) / sqrt(mean((x - mean(x)) ^ 2) + epsilon) */
static bool layer_norm(struct builder *b, struct op *op)
{
	const struct op *division = made_by(op->outputs[0], OP_DIV), *sum;
	struct tensor *x, *x2, *scale;
	float *ones, epsilon;
	int32_t last;

	x = division ? centred(division->inputs[0]) : NULL;
	sum = x ? made_by(inside(division->inputs[1], OP_SQRT), OP_ADD) : NULL;
	if (!sum || !sum->inputs[1]->data || tensor_elements(sum->inputs[1]) != 1)
		return false;
	epsilon = (float)constant_number(sum->inputs[1], 0);
	x2 = squared(mean_of_last(sum->inputs[0]));
	if (!x2 || centred(x2) != x)
		return false;
	last = x->dims[x->rank - 1];
	ones = arena_new(b->arena, float, last);
	for (int32_t i = 0; i < last; i++)
		ones[i] = 1;
	scale = builder_constant(b, op->outputs[0]->name, DTYPE_F32, 1, &last, ones);
	becomes(b, op, OP_LAYER_NORM, "LayerNormalization", x);
	op->n_inputs = 2;
	op->inputs = arena_new(b->arena, struct tensor *, 2);
	op->inputs[0] = x;
	op->inputs[1] = scale;
	op->attrs.epsilon = epsilon;
	return true;
}

/* A vector for the last dimension of @t. */
static bool is_vector(const struct tensor *c, const struct tensor *t)
{
	return c->data && c->type == DTYPE_F32 && c->rank && t->rank &&
	       c->dims[c->rank - 1] == t->dims[t->rank - 1] &&
	       tensor_elements(c) == c->dims[c->rank - 1];
}

static struct tensor *as_vector(struct builder *b, const struct tensor *c)
{
	return builder_constant(b, c->name, DTYPE_F32, 1, &c->dims[c->rank - 1], c->data);
}

static bool all_ones(const struct tensor *t)
{
	for (int64_t i = 0; i < tensor_elements(t); i++)
		if (constant_number(t, i) != 1)
			return false;
	return true;
}

/* A product with, or a sum of, constants behind LAYER_NORM: its scale and bias. */
static bool layer_norm_affine(struct builder *b, struct op *op)
{
	bool product = op->kind == OP_MUL;

	for (int i = 0; i < 2; i++) {
		struct op *norm = made_by(op->inputs[!i], OP_LAYER_NORM);
		struct tensor *c = op->inputs[i];

		if (!norm || !is_vector(c, op->inputs[!i]) || op->inputs[!i]->is_output ||
		    op->inputs[!i]->consumers != 1 || norm->n_inputs > 2 ||
		    !same_shape(op->inputs[!i], op->outputs[0]) ||
		    (product && (!norm->inputs[1]->data || !all_ones(norm->inputs[1]))) ||
		    norm->inputs[1]->rank != 1)
			continue;
		op->inputs = arena_new(b->arena, struct tensor *, 3);
		op->inputs[0] = norm->inputs[0];
		op->inputs[1] = product ? as_vector(b, c) : norm->inputs[1];
		op->inputs[2] = product ? NULL : as_vector(b, c);
		op->n_inputs = product ? 2 : 3;
		op->kind = OP_LAYER_NORM;
		op->name = norm->name;
		op->attrs = norm->attrs;
		return true;
	}
	return false;
}

/* What changes nothing: x * 1, x / 1, x + 0, x - 0. */
static bool neutral(struct builder *b, struct op *op)
{
	bool factor = op->kind == OP_MUL || op->kind == OP_DIV;
	int first = op->kind == OP_MUL || op->kind == OP_ADD ? 0 : 1;	/* where a number may be */
	struct tensor *t = op->outputs[0];

	if (t->is_output || op->attrs.activation || t->type != DTYPE_F32)
		return false;
	for (int i = 1; i >= first; i--) {
		struct tensor *c = op->inputs[i], *x = op->inputs[!i];

		if (!c->data || tensor_elements(c) != 1 || constant_number(c, 0) != factor ||
		    !same_shape(x, t))
			continue;
		builder_replace(b, t, x);
		x->consumers += t->consumers;
		return true;
	}
	return false;
}

struct pattern {
	enum op_kind last;
	bool (*match)(struct builder *b, struct op *op);
};

static const struct pattern patterns[] = {
	{ OP_MUL, neutral }, { OP_DIV, neutral }, { OP_ADD, neutral }, { OP_SUB, neutral },
	{ OP_DIV, hard_sigmoid }, { OP_MUL, hard_sigmoid },
	{ OP_DIV, hard_swish }, { OP_MUL, hard_swish },
	{ OP_MUL, silu }, { OP_MUL, mish }, { OP_MUL, gelu },
	{ OP_DIV, layer_norm }, { OP_MUL, layer_norm_affine }, { OP_ADD, layer_norm_affine },
};

static bool match(struct builder *b, struct op *op)
{
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
		if (patterns[i].last == op->kind && patterns[i].match(b, op))
			return true;
	return false;
}

int fold_patterns(struct graph *g)
{
	struct builder b;
	bool any = false;

	builder_open(&b, g);
	for (size_t i = 0; i < b.n_ops; i++)
		any |= match(&b, b.ops[i]);
	return any ? builder_finish(&b, g) : 0;
}
