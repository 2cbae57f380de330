// SPDX-License-Identifier: MIT
/* Functions of one value, and operators that broadcast. */
#include "importer.h"

#include <float.h>
#include <math.h>
#include <string.h>

void translate_unary(struct node *n)
{
	node_output(n, 0, emit_unary(n, n->type->kind, node_need(n, 0), NULL));
}

/* LeakyRelu and Elu: one parameter, each with its own default. */
void translate_alpha_unary(struct node *n)
{
	float def = n->type->kind == OP_LEAKY_RELU ? 0.01f : 1.0f;
	struct op_attrs attrs = { .alpha = node_float(n, "alpha", def) };

	node_output(n, 0, emit_unary(n, n->type->kind, node_need_float(n, 0), &attrs));
}

void translate_hard_sigmoid(struct node *n)
{
	struct op_attrs attrs = {
		.alpha = node_float(n, "alpha", 0.2f), .beta = node_float(n, "beta", 0.5f),
	};

	node_output(n, 0, emit_unary(n, OP_HARD_SIGMOID, node_need_float(n, 0), &attrs));
}

/* Selu's own constants are the operator's; others are an Elu's, times a factor. */
void translate_selu(struct node *n)
{
	const float known[] = { 1.67326319217681884765625f, 1.05070102214813232421875f };
	struct op_attrs attrs = { .alpha = node_float(n, "alpha", known[0]) };
	float gamma = node_float(n, "gamma", known[1]);
	struct tensor *t = node_need_float(n, 0);

	if (attrs.alpha == known[0] && gamma == known[1]) {
		node_output(n, 0, emit_unary(n, OP_SELU, t, NULL));
		return;
	}
	t = emit_unary(n, OP_ELU, t, &attrs);
	node_output(n, 0, emit_binary(n, OP_MUL, t, emit_float(n, gamma)));
}

/* max(0, x) + min(0, a * (exp(x / a) - 1)) = a * elu(x / a) for positive a */
void translate_celu(struct node *n)
{
	float alpha = node_float(n, "alpha", 1.0f);
	struct op_attrs attrs = { .alpha = 1.0f };
	struct tensor *t = node_need_float(n, 0);

	if (!(alpha > 0))
		node_fail(n, "alpha is %g: only a positive one is supported", alpha);
	if (alpha != 1.0f)
		t = emit_binary(n, OP_DIV, t, emit_float(n, alpha));
	t = emit_unary(n, OP_ELU, t, &attrs);
	if (alpha != 1.0f)
		t = emit_binary(n, OP_MUL, t, emit_float(n, alpha));
	node_output(n, 0, t);
}

void translate_gelu(struct node *n)
{
	const char *how = node_string(n, "approximate", "none");
	struct op_attrs attrs = { .approximate = !strcmp(how, "tanh") };

	node_output(n, 0, emit_unary(n, OP_GELU, node_need_float(n, 0), &attrs));
}

/* x where x > alpha, else 0 */
void translate_thresholded_relu(struct node *n)
{
	struct tensor *x = node_need_float(n, 0);
	struct tensor *alpha = emit_float(n, node_float(n, "alpha", 1.0f));
	struct tensor *inputs[] = { emit_binary(n, OP_GREATER, x, alpha), x, emit_float(n, 0) };

	node_output(n, 0, emit(n, OP_SELECT_V2, 3, inputs, x->type, x->rank, x->dims, NULL));
}

static float clip_bound(struct node *n, const char *name, unsigned int i, float def)
{
	struct tensor *t;

	if (node_attr(n, name))
		return node_float(n, name, def);
	if (!node_input(n, i))
		return def;
	t = node_constant(n, i, name);
	if (tensor_elements(t) != 1)
		node_fail(n, "its %s has %lld elements", name, (long long)tensor_elements(t));
	return constant_number(t, 0);
}

void translate_clip(struct node *n)
{
	struct tensor *in = node_need(n, 0);
	struct op_attrs attrs = {
		.alpha = clip_bound(n, "min", 1, -FLT_MAX),
		.beta = clip_bound(n, "max", 2, FLT_MAX),
	};
	enum op_kind kind = OP_CLIP;

	if (in->type != DTYPE_F32) {
		if (node_input(n, 1))
			in = emit_binary(n, OP_MAXIMUM, in, node_input(n, 1));
		if (node_input(n, 2))
			in = emit_binary(n, OP_MINIMUM, in, node_input(n, 2));
		node_output(n, 0, in);
		return;
	}
	if (attrs.alpha == 0 && attrs.beta == 6)
		kind = OP_RELU6;
	else if (attrs.alpha == 0 && attrs.beta == FLT_MAX)
		kind = OP_RELU;
	else if (attrs.alpha == -1 && attrs.beta == 1)
		kind = OP_RELU_N1_TO_1;
	node_output(n, 0, emit_unary(n, kind, in, kind == OP_CLIP ? &attrs : NULL));
}

void translate_binary(struct node *n)
{
	node_output(n, 0, emit_binary(n, n->type->kind, node_need(n, 0), node_need(n, 1)));
}

static struct tensor *accumulate(struct node *n, enum op_kind kind)
{
	struct tensor *t = node_need(n, 0);

	for (unsigned int i = 1; i < node_inputs(n); i++)
		t = emit_binary(n, kind, t, node_need(n, i));
	return t;
}

void translate_variadic(struct node *n)
{
	node_output(n, 0, accumulate(n, n->type->kind));
}

void translate_mean(struct node *n)
{
	struct tensor *t = accumulate(n, OP_ADD);

	node_need_float(n, 0);
	if (node_inputs(n) > 1)
		t = emit_binary(n, OP_MUL, t, emit_float(n, 1.0f / node_inputs(n)));
	node_output(n, 0, t);
}

/* Small powers are simpler operators. */
void translate_pow(struct node *n)
{
	struct tensor *x = node_need(n, 0), *y = node_need(n, 1);
	double power = y->data && tensor_elements(y) == 1 ? constant_number(y, 0) : 0;

	if (x->type != y->type)
		y = emit_cast(n, y, x->type);
	if (x->type == DTYPE_F32 && y->rank <= x->rank && (power == 2 || power == 0.5))
		node_output(n, 0, emit_unary(n, power == 2 ? OP_SQUARE : OP_SQRT, x, NULL));
	else
		node_output(n, 0, emit_binary(n, OP_POW, x, y));
}

/* fmod: 0, of integers: the sign is the divisor's: x - floor(x / y) * y */
static int64_t modulo(int64_t x, int64_t y, bool c_like)
{
	int64_t rest = y == -1 ? 0 : x % y;

	return rest && !c_like && (rest < 0) != (y < 0) ? rest + y : rest;
}

void translate_mod(struct node *n)
{
	struct tensor *x = node_constant(n, 0, "operand"), *y = node_constant(n, 1, "divisor");
	bool c_like = node_int(n, "fmod", 0);
	int64_t *data, count = tensor_elements(x), divisors = tensor_elements(y);
	struct tensor *t;

	if (x->type != DTYPE_I64 || y->type != DTYPE_I64 ||
	    (divisors != 1 && divisors != count))
		node_fail(n, "only int64 by one number, or number by number, is supported");
	data = arena_new(n->im->graph->arena, int64_t, count);
	for (int64_t i = 0; i < count; i++) {
		int64_t divisor = constant_int(y, divisors == 1 ? 0 : i);

		if (!divisor)
			node_fail(n, "it divides by zero");
		data[i] = modulo(constant_int(x, i), divisor, c_like);
	}
	t = builder_constant(&n->im->b, "mod", DTYPE_I64, x->rank, x->dims, data);
	node_output(n, 0, t);
}

/* The slope broadcasts to the input, as others do. */
void translate_prelu(struct node *n)
{
	struct tensor *inputs[] = { node_need_float(n, 0), node_need_float(n, 1) };
	int32_t dims[MAX_RANK];
	int rank;

	broadcast_shape(n, inputs[0], inputs[1], &rank, dims);
	if (rank != inputs[0]->rank || memcmp(dims, inputs[0]->dims, rank * sizeof(*dims)))
		node_fail(n, "its slope is larger than its input");
	node_output(n, 0, emit(n, OP_PRELU, 2, inputs, DTYPE_F32, rank, dims, NULL));
}

void translate_where(struct node *n)
{
	struct tensor *inputs[] = { node_need(n, 0), node_need(n, 1), node_need(n, 2) };
	struct tensor wide = { 0 };
	int32_t dims[MAX_RANK];
	int rank;

	if (inputs[0]->type != DTYPE_BOOL || inputs[1]->type != inputs[2]->type)
		node_fail(n, "a condition and two values of one type are needed");
	broadcast_shape(n, inputs[0], inputs[1], &wide.rank, wide.dims);
	broadcast_shape(n, &wide, inputs[2], &rank, dims);
	node_output(n, 0, emit(n, OP_SELECT_V2, 3, inputs, inputs[1]->type, rank, dims, NULL));
}

void translate_cast(struct node *n)
{
	int64_t to = node_int(n, "to", 0);
	enum dtype type = to > 0 && to < 100 ? onnx_dtype(to) : DTYPE_COUNT;
	struct tensor *in = node_need(n, 0);

	if (type == DTYPE_COUNT || type == DTYPE_F16)
		node_fail(n, "to ONNX's type %lld: not supported", (long long)to);
	node_output(n, 0, emit_cast(n, in, type));
}

void translate_cast_like(struct node *n)
{
	node_output(n, 0, emit_cast(n, node_need(n, 0), node_need(n, 1)->type));
}
