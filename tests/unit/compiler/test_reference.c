// SPDX-License-Identifier: MIT
/*
 * The float reference on what TensorFlow Lite has no operators for (tests/reference has the
 * others), by hand; how it runs graphs; what it refuses; and the folds that rest on it.
 */
#include "graph_fixture.h"

#include "passes/rewrite.h"
#include "reference/reference.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static void test_function(struct made *m, enum op_kind kind, struct op_attrs attrs,
			  const float *should)
{
	static const float in[] = { -4, -0.5f, 0, 3.5f };
	struct tensor *x = input(m, tensor(m, "x", DIMS(4))), *y = tensor(m, "y", DIMS(4));

	OPERATOR(m, kind, y, x)->attrs = attrs;
	output(m, y);
	finish(m);
	expect(m, in, should);
	m->builder = (struct builder){ .arena = &m->arena };
}

static void test_functions(void **state)
{
	const struct op_attrs none = { 0 };
	const struct op_attrs slope = { .alpha = 0.2f, .beta = 0.5f };
	const struct op_attrs limits = { .alpha = -1, .beta = 2 };

	test_function(*state, OP_CLIP, limits, FLOATS(-1, -0.5f, 0, 2));
	test_function(*state, OP_HARD_SIGMOID, slope, FLOATS(0, 0.4f, 0.5f, 1));
	test_function(*state, OP_ERF, none, FLOATS(-0.99999998f, -0.52049988f, 0, 0.99999926f));
	test_function(*state, OP_SILU, none, FLOATS(-0.07194484f, -0.18877033f, 0, 3.3974072f));
	test_function(*state, OP_MISH, none, FLOATS(-0.07259174f, -0.22074377f, 0, 3.4939907f));
	test_function(*state, OP_SELU, none, FLOATS(-1.7258986f, -0.69175819f, 0, 3.6774535f));
	test_function(*state, OP_SOFTPLUS, none, FLOATS(0.018149928f, 0.47407698f, 0.69314718f,
							3.5297503f));
	test_function(*state, OP_SOFTSIGN, none, FLOATS(-0.8f, -0.33333333f, 0, 0.77777778f));
	test_function(*state, OP_SIGN, none, FLOATS(-1, -1, 0, 1));
	test_function(*state, OP_ROUND, none, FLOATS(-4, 0, 0, 4));
	test_function(*state, OP_ELU, (struct op_attrs){ .alpha = 2 },
		      FLOATS(-1.9633687f, -0.78693868f, 0, 3.5f));
}

/* 3x3 of a 3x3 image, with a row above and a column right of it. */
static void test_explicit_padding(void **state)
{
	struct made *m = *state;
	struct tensor *x = input(m, tensor(m, "x", DIMS(1, 3, 3, 1)));
	struct tensor *y = tensor(m, "y", DIMS(1, 2, 2, 1));
	struct tensor *w = constant(m, "w", DIMS(1, 3, 3, 1), FLOATS(1, 2, 3, 4, 5, 6, 7, 8, 9));
	struct op *op = OPERATOR(m, OP_CONV_2D, y, x, w);

	op->attrs.padding = PADDING_EXPLICIT;
	op->attrs.pads[0] = op->attrs.pads[3] = 1;
	output(m, y);
	finish(m);
	expect(m, FLOATS(1, 2, 3, 4, 5, 6, 7, 8, 9), FLOATS(154, 106, 285, 186));
}

static void test_padded_average(void **state)
{
	static const float in[] = { 2, 4, 6, 8 };
	struct made *m = *state;
	struct tensor *x = input(m, tensor(m, "x", DIMS(1, 2, 2, 1)));
	struct tensor *y = tensor(m, "y", DIMS(1, 2, 2, 1)), *z = tensor(m, "z", DIMS(1, 2, 2, 1));
	struct tensor *both = tensor(m, "both", DIMS(1, 4, 2, 1));

	for (int counted = 0; counted < 2; counted++) {
		struct op *op = OPERATOR(m, OP_AVERAGE_POOL_2D, counted ? z : y, x);

		op->attrs.filter_h = op->attrs.filter_w = 2;
		op->attrs.padding = PADDING_EXPLICIT;
		op->attrs.pads[0] = op->attrs.pads[1] = 1;
		op->attrs.count_pads = counted;
	}
	OPERATOR(m, OP_CONCATENATION, both, y, z)->attrs.axis = 1;
	output(m, both);
	finish(m);
	expect(m, in, FLOATS(2, 3, 4, 5, 0.5f, 1.5f, 2, 5));
}

static void test_dilated_pool(void **state)
{
	struct made *m = *state;
	struct tensor *x = input(m, tensor(m, "x", DIMS(1, 1, 5, 1)));
	struct tensor *y = tensor(m, "y", DIMS(1, 1, 3, 1));
	struct op *op = OPERATOR(m, OP_MAX_POOL_2D, y, x);

	op->attrs.filter_h = 1;
	op->attrs.filter_w = 2;
	op->attrs.dilation_w = 2;
	output(m, y);
	finish(m);
	expect(m, FLOATS(5, 9, -1, 2, -3), FLOATS(5, 9, -1));
}

/* Two groups of two channels; the second pads with an output row more. */
static void test_transposed_groups(void **state)
{
	struct made *m = *state;
	struct tensor *x = input(m, tensor(m, "x", DIMS(1, 1, 2, 2)));
	struct tensor *y = tensor(m, "y", DIMS(1, 1, 4, 2));
	struct tensor *w = constant(m, "w", DIMS(2, 1, 2, 1), FLOATS(1, 10, 2, 20));
	struct tensor *shape = builder_ints(&m->builder, "shape", 4, (int32_t[]){ 1, 1, 4, 2 });
	struct op *op = OPERATOR(m, OP_TRANSPOSE_CONV, y, shape, w, x);

	op->attrs.stride_w = 2;
	output(m, y);
	finish(m);
	expect(m, FLOATS(1, 3, 2, 4), FLOATS(1, 6, 10, 60, 2, 8, 20, 80));
}

static void test_norms(void **state)
{
	static const float in[] = { 1, 10, 3, 30, 5, 50, 7, 70 };	/* two channels */
	/* mean 4 and 40, deviation sqrt(5) and sqrt(500), epsilon 4 and 4 */
	static const float should[] = {
		-3 / 3.0f * 2 + 1, -30 / 22.449944f + 5, -1 / 3.0f * 2 + 1, -10 / 22.449944f + 5,
		1 / 3.0f * 2 + 1, 10 / 22.449944f + 5, 3 / 3.0f * 2 + 1, 30 / 22.449944f + 5,
	};
	struct made *m = *state;
	struct tensor *x = input(m, tensor(m, "x", DIMS(1, 2, 2, 2)));
	struct tensor *y = tensor(m, "y", DIMS(1, 2, 2, 2));
	struct tensor *scale = constant(m, "scale", DIMS(2), FLOATS(2, 1));
	struct tensor *bias = constant(m, "bias", DIMS(2), FLOATS(1, 5));

	OPERATOR(m, OP_INSTANCE_NORM, y, x, scale, bias)->attrs.epsilon = 4;
	output(m, y);
	finish(m);
	expect(m, in, should);
}

static void test_layer_norm(void **state)
{
	struct made *m = *state;
	struct tensor *x = input(m, tensor(m, "x", DIMS(2, 2, 2)));
	struct tensor *y = tensor(m, "y", DIMS(2, 2, 2));
	struct tensor *scale = constant(m, "scale", DIMS(2, 2), FLOATS(3, 3, 3, 6));

	OPERATOR(m, OP_LAYER_NORM, y, x, scale)->attrs.epsilon = 4;
	output(m, y);
	finish(m);
	expect(m, FLOATS(1, 3, 5, 7, 2, 2, 2, 2), FLOATS(-3, -1, 1, 6, 0, 0, 0, 0));
}

static void test_lrn(void **state)
{
	struct made *m = *state;
	struct tensor *x = input(m, tensor(m, "x", DIMS(1, 4))), *y = tensor(m, "y", DIMS(1, 4));
	struct op *op = OPERATOR(m, OP_LRN, y, x);

	op->attrs.filter_w = 2;		/* a channel and the one after it */
	op->attrs.alpha = 2;
	op->attrs.beta = 0.5f;
	op->attrs.epsilon = 1;
	output(m, y);
	finish(m);
	expect(m, FLOATS(1, 2, 3, 4), FLOATS(1 / sqrtf(11), 2 / sqrtf(27), 3 / sqrtf(51),
					     4 / sqrtf(33)));
}

/* One cell; weights of 0 leave the gates to the biases, so that each step is worked by hand. */
static void test_lstm(void **state)
{
	struct made *m = *state;
	struct tensor *x = input(m, tensor(m, "x", DIMS(2, 1, 1)));
	struct tensor *y = tensor(m, "y", DIMS(2, 1, 1, 1));
	struct tensor *w = constant(m, "w", DIMS(1, 4, 1), FLOATS(0, 0, 0, 1));
	struct tensor *r = constant(m, "r", DIMS(1, 4, 1), FLOATS(0, 0, 0, 0.5f));
	struct tensor *b = constant(m, "b", DIMS(1, 8), FLOATS(1, 2, 0, 0, 0, 1, 3, 0));
	struct op *op = OPERATOR(m, OP_LSTM, y, x, w, r, b);
	double i = 1 / (1 + exp(-1)), o = 1 / (1 + exp(-3)), f = 1 / (1 + exp(-3)), c, h0, h1;

	/* from the end: the second value comes first */
	op->attrs.reverse = true;
	output(m, y);
	finish(m);
	c = i * tanh(-1);
	h1 = o * tanh(c);
	c = f * c + i * tanh(0.75 + 0.5 * h1);
	h0 = o * tanh(c);
	expect(m, FLOATS(0.75f, -1), FLOATS((float)h0, (float)h1));
}

struct seen {
	unsigned int n;
	const char *names[8];
	float first[8];
};

static void watch(void *arg, const struct tensor *t, void *data)
{
	struct seen *seen = arg;

	seen->names[seen->n] = t->name;
	seen->first[seen->n++] = *(const float *)data;
}

/* y = -x; z = y + x; outputs z and the input itself. */
static void test_runs(void **state)
{
	struct made *m = *state;
	struct tensor *x = input(m, tensor(m, "x", DIMS(2))), *y = tensor(m, "y", DIMS(2));
	struct tensor *z = tensor(m, "z", DIMS(2));
	const float first[] = { 1, 2 }, second[] = { 3, 4 };
	const void *inputs[] = { first };
	struct seen seen = { 0 };
	struct reference *r;

	OPERATOR(m, OP_NEG, y, x);
	OPERATOR(m, OP_SUB, z, y, x);
	output(m, z);
	output(m, x);
	finish(m);
	r = reference_new(&m->graph);
	assert_non_null(r);
	assert_int_equal(reference_run(r, inputs, watch, &seen), 0);
	assert_int_equal(seen.n, 2);
	assert_string_equal(seen.names[0], "y");
	assert_string_equal(seen.names[1], "z");
	assert_true(seen.first[0] == -1 && seen.first[1] == -2);
	assert_floats(reference_output(r, 0), FLOATS(-2, -4), 2);
	assert_floats(reference_output(r, 1), first, 2);
	inputs[0] = second;
	assert_int_equal(reference_run(r, inputs, NULL, NULL), 0);
	assert_floats(reference_output(r, 0), FLOATS(-6, -8), 2);
	assert_floats(reference_output(r, 1), second, 2);
	reference_free(r);
}

static void test_index_outside(void **state)
{
	struct made *m = *state;
	struct tensor *x = input(m, typed(m, "x", DTYPE_I32, DIMS(1)));
	struct tensor *y = tensor(m, "y", DIMS(1));
	struct tensor *table = constant(m, "table", DIMS(3), FLOATS(5, 6, 7));
	const int32_t good = -1, bad = 3;
	const void *inputs[] = { &good };
	struct reference *r;

	OPERATOR(m, OP_GATHER, y, table, x);
	output(m, y);
	finish(m);
	r = reference_new(&m->graph);
	assert_non_null(r);
	assert_int_equal(reference_run(r, inputs, NULL, NULL), 0);
	assert_floats(reference_output(r, 0), FLOATS(7), 1);
	inputs[0] = &bad;
	assert_int_equal(reference_run(r, inputs, NULL, NULL), -ERANGE);
	inputs[0] = &good;
	assert_int_equal(reference_run(r, inputs, NULL, NULL), 0);
	reference_free(r);
}

/* All that can't run is named, with the reason. */
static void test_refusals(void **state)
{
	static const char *const reasons[] = {
		"operator 0 (OPERATOR): the float reference has no such operator: (x float32[1,4]) -> (a float32[1,4])",
		"operator 1 (OPERATOR): the operands do not broadcast to the output's shape",
		"operator 2 (OPERATOR): 1 inputs, 2 to 3 are needed",
	};
	struct made *m = *state;
	struct tensor *x = input(m, tensor(m, "x", DIMS(1, 4)));
	struct tensor *a = tensor(m, "a", DIMS(1, 4)), *b = tensor(m, "b", DIMS(1, 5));
	struct tensor *c = tensor(m, "c", DIMS(1, 4));

	OPERATOR(m, OP_UNKNOWN, a, x);
	OPERATOR(m, OP_ADD, b, x, x);
	OPERATOR(m, OP_FULLY_CONNECTED, c, x);
	output(m, a);
	output(m, b);
	output(m, c);
	finish(m);
	assert_null(reference_new(&m->graph));
	assert_int_equal(m->diag.count, 3);
	for (size_t i = 0; i < 3; i++)
		assert_non_null(strstr(m->diag.messages[i].text, reasons[i]));
}

/* float16 weights behind DEQUANTIZE, a transpose of them, then both are gone. */
static void test_fold_constants(void **state)
{
	/* 1, -2, the least normal and the least subnormal number, a third, infinity */
	static const uint16_t halves[] = { 0x3c00, 0xc000, 0x0400, 0x0001, 0x3555, 0x7c00 };
	static const float should[] = { 1, 0x1p-24f, -2, 0.333251953125f, 0x1p-14f, INFINITY };
	struct made *m = *state;
	struct tensor *w = builder_constant(&m->builder, "w", DTYPE_F16, DIMS(2, 3), halves);
	struct tensor *f = tensor(m, "f", DIMS(2, 3)), *t = tensor(m, "t", DIMS(3, 2));
	struct tensor *perm = builder_ints(&m->builder, "perm", 2, (int32_t[]){ 1, 0 });
	struct tensor *x = input(m, tensor(m, "x", DIMS(3, 2))), *y = tensor(m, "y", DIMS(3, 2));
	const struct op *op;

	OPERATOR(m, OP_DEQUANTIZE, f, w);
	OPERATOR(m, OP_TRANSPOSE, t, f, perm);
	OPERATOR(m, OP_MAXIMUM, y, x, t);
	output(m, y);
	finish(m);
	assert_int_equal(fold_constants(&m->graph), 0);
	assert_int_equal(m->graph.n_ops, 1);
	op = &m->graph.ops[0];
	assert_int_equal(op->kind, OP_MAXIMUM);
	assert_string_equal(op->inputs[1]->name, "t");
	assert_memory_equal(op->inputs[1]->data, should, sizeof(should));
}

/* What is not of reals is not for the reference to compute: int8 zeroes are no zeroes. */
static void test_fold_leaves_quantized(void **state)
{
	static const int8_t values[] = { 1, 2 };
	static const float scale = 0.5f;
	static const int64_t zero_point = 3;
	const struct quant quant = { 1, 0, &scale, &zero_point };
	struct made *m = *state;
	struct tensor *c = builder_constant(&m->builder, "c", DTYPE_I8, DIMS(2), values);
	struct tensor *pads = builder_constant(&m->builder, "pads", DTYPE_I32, DIMS(1, 2),
					       (int32_t[]){ 1, 0 });
	struct tensor *padded = typed(m, "padded", DTYPE_I8, DIMS(3));
	struct tensor *x = input(m, typed(m, "x", DTYPE_I8, DIMS(3)));
	struct tensor *y = typed(m, "y", DTYPE_I8, DIMS(3));

	c->quant = padded->quant = x->quant = y->quant = quant;
	OPERATOR(m, OP_PAD, padded, c, pads);
	OPERATOR(m, OP_ADD, y, x, padded);
	output(m, y);
	finish(m);
	assert_int_equal(fold_constants(&m->graph), 0);
	assert_int_equal(m->graph.n_ops, 2);
}

/* A layer of each kind, followed by a factor and a summand of channels and an activation. */
static void batch_norm(struct made *m, struct tensor *from, int rank, const int32_t *dims)
{
	struct tensor *scaled = tensor(m, "scaled", rank, dims), *y = tensor(m, "y", rank, dims);
	struct tensor *factor = constant(m, "factor", DIMS(2), FLOATS(2, -4));
	struct tensor *summand = constant(m, "summand", DIMS(1, 2), FLOATS(0.5f, 3));

	OPERATOR(m, OP_MUL, scaled, from, factor);
	OPERATOR(m, OP_ADD, y, summand, scaled)->attrs.activation = ACT_RELU;
	output(m, y);
	finish(m);
}

static void expect_folded(struct made *m, const void *in, const float *should)
{
	expect(m, in, should);
	assert_int_equal(fold_affine(&m->graph), 0);
	assert_int_equal(m->graph.n_ops, 1);
	assert_int_equal(m->graph.ops[0].attrs.activation, ACT_RELU);
	assert_string_equal(m->graph.ops[0].outputs[0]->name, "y");
	expect(m, in, should);
}

static void test_fold_conv(void **state)
{
	struct made *m = *state;
	struct tensor *x = input(m, tensor(m, "x", DIMS(1, 1, 2, 2)));
	struct tensor *conv = tensor(m, "conv", DIMS(1, 1, 2, 2));
	struct tensor *w = constant(m, "w", DIMS(2, 1, 1, 2), FLOATS(1, 2, 3, 4));
	struct tensor *b = constant(m, "b", DIMS(2), FLOATS(10, -20));

	OPERATOR(m, OP_CONV_2D, conv, x, w, b);
	batch_norm(m, conv, DIMS(1, 1, 2, 2));
	/* 1 2: 15, -9; 3 -4: 5, -27 */
	expect_folded(m, FLOATS(1, 2, 3, -4), FLOATS(30.5f, 39, 10.5f, 111));
}

static void test_fold_depthwise(void **state)
{
	struct made *m = *state;
	struct tensor *x = input(m, tensor(m, "x", DIMS(1, 1, 2, 2)));
	struct tensor *conv = tensor(m, "conv", DIMS(1, 1, 1, 2));
	struct tensor *w = constant(m, "w", DIMS(1, 1, 2, 2), FLOATS(1, 2, 3, 4));

	OPERATOR(m, OP_DEPTHWISE_CONV_2D, conv, x, w)->attrs.depth_multiplier = 1;
	batch_norm(m, conv, DIMS(1, 1, 1, 2));
	/* 1 + 9 and 4 - 16 */
	expect_folded(m, FLOATS(1, 2, 3, -4), FLOATS(20.5f, 51));
}

static void test_fold_dense(void **state)
{
	struct made *m = *state;
	struct tensor *x = input(m, tensor(m, "x", DIMS(1, 3)));
	struct tensor *dense = tensor(m, "dense", DIMS(1, 2));
	struct tensor *w = constant(m, "w", DIMS(2, 3), FLOATS(1, 2, 3, 4, 5, 6));

	OPERATOR(m, OP_FULLY_CONNECTED, dense, x, w);
	batch_norm(m, dense, DIMS(1, 2));
	expect_folded(m, FLOATS(1, -1, -2), FLOATS(0, 55));
}

/* A second reader needs what the convolution itself makes. */
static void test_fold_needs_one_reader(void **state)
{
	struct made *m = *state;
	struct tensor *x = input(m, tensor(m, "x", DIMS(1, 3)));
	struct tensor *dense = tensor(m, "dense", DIMS(1, 2));
	struct tensor *w = constant(m, "w", DIMS(2, 3), FLOATS(1, 2, 3, 4, 5, 6));
	struct tensor *also = tensor(m, "also", DIMS(1, 2));

	OPERATOR(m, OP_FULLY_CONNECTED, dense, x, w);
	OPERATOR(m, OP_NEG, also, dense);
	output(m, also);
	batch_norm(m, dense, DIMS(1, 2));
	assert_int_equal(fold_affine(&m->graph), 0);
	assert_int_equal(m->graph.n_ops, 4);
}

/* What doubles can't tell apart, and types that have no kernels of their own. */
static void test_exact_integers(void **state)
{
	static const int64_t large[] = { (1LL << 62) + 1, -(1LL << 62) - 1 }, three = 3;
	static const uint8_t bytes[] = { 200, 7 }, hundred = 100;
	struct made *m = *state;
	struct tensor *a = typed(m, "a", DTYPE_I64, DIMS(2));
	struct tensor *b = typed(m, "b", DTYPE_I64, 0, NULL);
	struct tensor *sum = typed(m, "sum", DTYPE_I64, DIMS(2));
	struct tensor *minus = typed(m, "minus", DTYPE_I64, DIMS(2));
	struct tensor *u = typed(m, "u", DTYPE_U8, DIMS(2)), *v = typed(m, "v", DTYPE_U8, DIMS(1));
	struct tensor *difference = typed(m, "difference", DTYPE_U8, DIMS(2));

	a->data = (const uint8_t *)large;
	a->data_bytes = sizeof(large);
	b->data = (const uint8_t *)&three;
	b->data_bytes = sizeof(three);
	u->data = bytes;
	u->data_bytes = sizeof(bytes);
	v->data = &hundred;
	v->data_bytes = 1;
	assert_true(fold_constant(&m->arena, OPERATOR(m, OP_ADD, sum, a, b)));
	assert_true(constant_int(sum, 0) == (1LL << 62) + 4);
	assert_true(constant_int(sum, 1) == -(1LL << 62) + 2);
	assert_true(fold_constant(&m->arena, OPERATOR(m, OP_NEG, minus, a)));
	assert_true(constant_int(minus, 0) == -(1LL << 62) - 1);
	/* of 8 bits: it wraps around */
	assert_true(fold_constant(&m->arena, OPERATOR(m, OP_SUB, difference, u, v)));
	assert_int_equal(constant_int(difference, 0), 100);
	assert_int_equal(constant_int(difference, 1), 163);
}

int main(void)
{
#define TEST(name)	cmocka_unit_test_setup_teardown(test_##name, made_setup, made_teardown)
	const struct CMUnitTest tests[] = {
		TEST(functions), TEST(explicit_padding), TEST(padded_average), TEST(dilated_pool),
		TEST(transposed_groups), TEST(norms), TEST(layer_norm), TEST(lrn), TEST(lstm),
		TEST(runs), TEST(index_outside), TEST(refusals), TEST(fold_constants),
		TEST(fold_leaves_quantized), TEST(fold_conv), TEST(fold_depthwise),
		TEST(fold_dense), TEST(fold_needs_one_reader),
		cmocka_unit_test_setup_teardown(test_exact_integers, made_setup, made_teardown),
	};

	return cmocka_run_group_tests_name("reference", tests, NULL, NULL);
}
