// SPDX-License-Identifier: MIT
/* Windows wider than the NPU's, by whole steps: what becomes of them, and what stays as it is. */
#include "graph_fixture.h"

#include <string.h>

#include "passes/rewrite.h"

#define MEMORY	(1 << 22)
#define STEP	128
#define KERNEL	(2 * STEP)
#define WIDTH	(4 * STEP)
#define CHANNELS	2
#define OUTPUTS	2
#define PLACES	3		/* (WIDTH - KERNEL) / STEP + 1 */

/* A convolution over one row, of @width places, with windows of @kernel. */
static struct op *convolution(struct made *m, int32_t width, int32_t kernel, int32_t step)
{
	float *weights = arena_new(&m->arena, float, (int64_t)OUTPUTS * kernel * CHANNELS);
	struct tensor *in = input(m, tensor(m, "in", DIMS(1, 1, width, CHANNELS)));
	struct tensor *out = tensor(m, "out", DIMS(1, 1, (width - kernel) / step + 1, OUTPUTS));
	struct op *op;

	/* output 0: the window's first value, and twice its last one; 1: one of the middle */
	weights[0] = 1;
	weights[kernel * CHANNELS - 1] = 2;
	weights[kernel * CHANNELS + STEP * CHANNELS + 7] = 3;
	op = OPERATOR(m, OP_CONV_2D, out, in,
		      constant(m, "weights", DIMS(OUTPUTS, 1, kernel, CHANNELS), weights),
		      constant(m, "bias", DIMS(OUTPUTS), FLOATS(0.5f, -1)));
	op->attrs.stride_w = step;
	output(m, out);
	return op;
}

static void fold(struct made *m)
{
	finish(m);
	assert_int_equal(fold_strides(&m->graph), 0);
}

static void test_folded(void **state)
{
	struct made *m = *state;
	float in[WIDTH * CHANNELS], should[PLACES * OUTPUTS];
	const struct op *reshape, *conv;

	convolution(m, WIDTH, KERNEL, STEP);
	fold(m);
	assert_int_equal(m->graph.n_ops, 2);
	reshape = &m->graph.ops[0];
	conv = &m->graph.ops[1];
	assert_int_equal(reshape->kind, OP_RESHAPE);
	assert_memory_equal(reshape->outputs[0]->dims,
			    ((int32_t[]){ 1, 1, WIDTH / STEP, CHANNELS * STEP }), 16);
	assert_int_equal(conv->kind, OP_CONV_2D);
	assert_int_equal(conv->attrs.stride_w, 1);
	assert_ptr_equal(conv->inputs[0], reshape->outputs[0]);
	assert_memory_equal(conv->inputs[1]->dims,
			    ((int32_t[]){ OUTPUTS, 1, KERNEL / STEP, CHANNELS * STEP }), 16);
	assert_int_equal(conv->n_inputs, 3);
	assert_int_equal(conv->source, reshape->source);

	for (int i = 0; i < WIDTH * CHANNELS; i++)
		in[i] = (float)(i % 37);
	for (int p = 0; p < PLACES; p++) {
		const float *window = in + p * STEP * CHANNELS;

		should[2 * p] = window[0] + 2 * window[KERNEL * CHANNELS - 1] + 0.5f;
		should[2 * p + 1] = 3 * window[STEP * CHANNELS + 7] - 1;
	}
	expect(m, in, should);
}

/* Rows have their own step and padding, which stay. */
static void test_rows_stay(void **state)
{
	struct made *m = *state;
	struct op *op = convolution(m, WIDTH, KERNEL, STEP);

	op->attrs.padding = PADDING_EXPLICIT;
	op->attrs.pads[0] = 1;
	op->attrs.stride_h = 2;
	fold(m);
	assert_int_equal(m->graph.n_ops, 2);
	assert_int_equal(m->graph.ops[1].attrs.stride_h, 2);
	assert_int_equal(m->graph.ops[1].attrs.pads[0], 1);
}

/* Scales for each output channel stay with it; for each input channel they could not. */
static void test_scales(void **state)
{
	static const float scales[] = { 0.5f, 0.25f };
	static const int64_t zeros[2];

	for (int axis = 0; axis < 4; axis += 3) {
		struct made own = { 0 };
		struct op *op;

		made_init(&own, MEMORY);
		op = convolution(&own, WIDTH, KERNEL, STEP);
		op->inputs[1]->quant = (struct quant){ 2, axis, scales, zeros };
		fold(&own);
		assert_int_equal(own.graph.n_ops, axis ? 1 : 2);
		if (!axis)
			assert_int_equal(own.graph.ops[1].inputs[1]->quant.count, 2);
		made_free(&own);
	}
}

/* The input's width, the window's, its step, and something else that can't be. */
static void test_not_folded(void **state)
{
	static const struct {
		int32_t width, kernel, step;
		enum padding padding;
		int32_t right, dilation;
	} cases[] = {
		{ WIDTH, 254, 2, PADDING_VALID, 0, 1 },		/* the NPU has it */
		{ 900, 300, 1, PADDING_VALID, 0, 1 },		/* nothing to join */
		{ WIDTH, 260, 8, PADDING_VALID, 0, 1 },		/* not whole steps in a window */
		{ 518, KERNEL, 4, PADDING_VALID, 0, 1 },	/* nor in the input */
		{ WIDTH, KERNEL, STEP, PADDING_SAME, 0, 1 },
		{ WIDTH, KERNEL, STEP, PADDING_EXPLICIT, 1, 1 },
		{ WIDTH, KERNEL, STEP, PADDING_VALID, 0, 2 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct made own = { 0 };
		struct op *op;

		made_init(&own, MEMORY);
		op = convolution(&own, cases[i].width, cases[i].kernel, cases[i].step);
		op->attrs.padding = cases[i].padding;
		op->attrs.pads[3] = cases[i].right;
		op->attrs.dilation_w = cases[i].dilation;
		fold(&own);
		if (own.graph.n_ops != 1 || own.graph.ops[0].attrs.stride_w != cases[i].step)
			fail_msg("case %zu was folded", i);
		made_free(&own);
	}
}

/* Groups: each output sees a part of the channels only. */
static void test_groups(void **state)
{
	struct made *m = *state;
	struct op *op = convolution(m, WIDTH, KERNEL, STEP);

	op->inputs[1]->dims[3] = 1;
	fold(m);
	assert_int_equal(m->graph.n_ops, 1);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, made_setup, made_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_folded), TEST(test_rows_stay), TEST(test_scales), TEST(test_not_folded),
		TEST(test_groups),
	};

	return cmocka_run_group_tests_name("compiler: wide windows", tests, NULL, NULL);
}
