// SPDX-License-Identifier: MIT
/*
 * The quantizer's stages on graphs whose int8 versions can be worked out by hand, and
 * equalization, which must not change what the float graph computes.
 */
#include "../compiler/graph_fixture.h"

#include "quant/quantizer.h"

#include <math.h>
#include <string.h>

/* Samples one after another, each of as many floats as the input has. */
struct list {
	const float *values;
	uint32_t count;
	uint32_t begins;		/* bit i: sample i begins a sequence; 0: each does */
};

static int list_open(void *arg, const struct enpu_input_info *inputs, uint32_t num_inputs,
		     bool in_sequence, char *error, size_t error_size)
{
	const struct list *list = arg;

	return (int)list->count;
}

static int list_read(void *arg, uint32_t index, const struct enpu_input_info *inputs,
		     uint32_t num_inputs, void *const *data, char *error, size_t error_size)
{
	const struct list *list = arg;

	memcpy(data[0], (const char *)list->values + index * inputs[0].bytes, inputs[0].bytes);
	return 0;
}

static bool list_begins(void *arg, uint32_t index)
{
	const struct list *list = arg;

	return list->begins >> index & 1;
}

static struct enpu_samples samples_of(struct list *list)
{
	return (struct enpu_samples){
		.arg = list, .open = list_open, .read = list_read,
		.begins = list->begins ? list_begins : NULL,
	};
}

/* Ranges are what was seen, so that scales are known. */
static void quantize_list(struct made *m, struct list list, struct enpu_quantize_options how)
{
	struct enpu_samples samples = samples_of(&list);
	struct enpu_compile_options opts = { .quantize = &how };
	struct graph teacher;

	how.samples = &samples;
	how.ranges = ENPU_RANGES_MINMAX;
	if (quantize_graph(&m->graph, &opts, &teacher))
		fail_msg("%s", m->diag.count ? m->diag.messages[0].text : "no reason");
}

static void quantize(struct made *m, const float *values, uint32_t count,
		     struct enpu_quantize_options how)
{
	quantize_list(m, (struct list){ values, count }, how);
}

static const struct op *only(const struct made *m, enum op_kind kind)
{
	const struct op *found = NULL;

	for (unsigned int i = 0; i < m->graph.n_ops; i++) {
		if (m->graph.ops[i].kind != kind)
			continue;
		assert_null(found);
		found = &m->graph.ops[i];
	}
	assert_non_null(found);
	return found;
}

static void assert_near(double value, double truth)
{
	if (fabs(value - truth) > 1e-6 * fabs(truth))
		fail_msg("%.9g should be %.9g", value, truth);
}

static int32_t level(const struct tensor *t, int i)
{
	assert_int_equal(t->type, DTYPE_I8);
	return ((const int8_t *)t->data)[i];
}

static int32_t bias(const struct op *op, int i)
{
	assert_int_equal(op->inputs[2]->type, DTYPE_I32);
	return (int32_t)tensor_int(op->inputs[2], i);
}

/* A 1x1 convolution of one row of @places, from @from channels to @to. */
static struct tensor *convolution(struct made *m, struct tensor *x, const char *name, int from,
				  int to, const float *weights, const float *biases)
{
	struct tensor *y = tensor(m, name, DIMS(1, 1, x->dims[2], to));

	OPERATOR(m, OP_CONV_2D, y, x, constant(m, "weights", DIMS(to, 1, 1, from), weights),
		 constant(m, "biases", DIMS(to), biases));
	return y;
}

/*
 * The input is from -1 to 1: a scale of 2/255. Weights of a channel have 127 levels up to
 * the largest: 0.01 and 0.005. Biases count in products of both: 0.5 / (2/255 * 0.01) is
 * 6375, -1 / (2/255 * 0.005) is -25500. The RELU is the convolution's.
 */
static void test_build(void **state)
{
	static const float samples[] = { -1, 1, 0.5f, -0.25f };
	struct made *m = *state;
	struct tensor *x = input(m, tensor(m, "x", DIMS(1, 1, 2, 2))), *y, *z;
	const struct op *conv;

	y = convolution(m, x, "y", 2, 2, FLOATS(1.27f, 0, 0.3175f, -0.635f), FLOATS(0.5f, -1));
	z = tensor(m, "z", DIMS(1, 1, 2, 2));
	OPERATOR(m, OP_RELU, z, y);
	output(m, z);
	finish(m);
	quantize(m, samples, 1, (struct enpu_quantize_options){
		.rounding = ENPU_ROUNDING_NEAREST, .keep_bias = true,
	});
	assert_int_equal(m->graph.n_ops, 1);
	conv = only(m, OP_CONV_2D);
	assert_int_equal(conv->attrs.activation, ACT_RELU);
	assert_int_equal(conv->inputs[0]->type, DTYPE_I8);
	assert_near((double)conv->inputs[0]->quant.scale[0], 2.0 / 255);
	assert_int_equal(conv->inputs[0]->quant.zero_point[0], -1);
	assert_int_equal(conv->inputs[1]->quant.count, 2);
	assert_near((double)conv->inputs[1]->quant.scale[0], 0.01);
	assert_near((double)conv->inputs[1]->quant.scale[1], 0.005);
	assert_int_equal(level(conv->inputs[1], 0), 127);
	assert_int_equal(level(conv->inputs[1], 1), 0);
	assert_int_equal(level(conv->inputs[1], 2), 64);	/* 63.5, away from zero */
	assert_int_equal(level(conv->inputs[1], 3), -127);
	assert_int_equal(bias(conv, 0), 6375);
	assert_int_equal(bias(conv, 1), -25500);
	/* 1.27 * 0.5 + 0.5 is the largest result, and the RELU leaves nothing below 0 */
	assert_string_equal(conv->outputs[0]->name, "z");
	assert_near((double)conv->outputs[0]->quant.scale[0], 1.135 / 255);
	assert_int_equal(conv->outputs[0]->quant.zero_point[0], -128);
}

/*
 * 0.004 is 0.4 of a level and goes; its input is 1 on average, so the output lacks 0.004,
 * which is 102 of the bias's units of 1/255 * 0.01.
 */
static void test_bias_correction(void **state)
{
	static const float samples[] = { 0, 1, 1, 1 };
	struct enpu_quantize_options how = { .rounding = ENPU_ROUNDING_NEAREST };

	for (int keep = 0; keep < 2; keep++) {
		struct made *m;
		struct tensor *x;

		made_setup((void **)&m);
		x = input(m, tensor(m, "x", DIMS(1, 1, 2, 2)));
		output(m, convolution(m, x, "y", 2, 1, FLOATS(1.27f, 0.004f), FLOATS(0)));
		finish(m);
		how.keep_bias = keep;
		quantize(m, samples, 1, how);
		assert_int_equal(level(only(m, OP_CONV_2D)->inputs[1], 1), 0);
		assert_int_equal(bias(only(m, OP_CONV_2D), 0), keep ? 0 : 102);
		made_teardown((void **)&m);
	}
}

/*
 * Two inputs that are always equal, with weights of 0.4 levels each: to nearest both
 * vanish, by the second moments of the inputs one of them goes up.
 */
static void test_adaptive_rounding(void **state)
{
	static const float samples[] = { 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0 };

	for (int adaptive = 0; adaptive < 2; adaptive++) {
		const struct tensor *w;
		struct made *m;
		struct tensor *x;

		made_setup((void **)&m);
		x = input(m, tensor(m, "x", DIMS(1, 1, 2, 3)));
		output(m, convolution(m, x, "y", 3, 1, FLOATS(1.27f, 0.004f, 0.004f), FLOATS(0)));
		finish(m);
		quantize(m, samples, 2, (struct enpu_quantize_options){
			.rounding = adaptive ? ENPU_ROUNDING_ADAPTIVE : ENPU_ROUNDING_NEAREST,
			.keep_bias = true,
		});
		w = only(m, OP_CONV_2D)->inputs[1];
		assert_int_equal(level(w, 0), 127);
		assert_int_equal(level(w, 1) + level(w, 2), adaptive);
		made_teardown((void **)&m);
	}
}

/* Channels of 1, 10 and 100 behind the first layer. */
static void test_equalization(void **state)
{
	static const float samples[] = { 1, -1, 0.5f, 0.25f, -0.75f, 1 };
	struct enpu_quantize_options how = { .equalize = true };
	struct enpu_compile_options opts = { .quantize = &how };
	struct list list = { samples, 1 };
	struct enpu_samples source = samples_of(&list);
	struct made *m = *state;
	struct tensor *x = input(m, tensor(m, "x", DIMS(1, 1, 3, 2))), *y, *z;
	struct quantizer q = {
		.arena = &m->arena, .opts = &opts, .how = &how, .num_samples = 1,
	};
	const float *before;
	float first;

	y = convolution(m, x, "y", 2, 3, FLOATS(1, 0.5f, 10, -5, 30, 70), FLOATS(0.5f, -1, 2));
	z = tensor(m, "z", DIMS(1, 1, 3, 3));
	OPERATOR(m, OP_RELU, z, y);
	output(m, convolution(m, z, "out", 3, 2, FLOATS(1, -0.5f, 0.25f, 0.125f, 2, -1),
			      FLOATS(3, -4)));
	finish(m);
	before = run_reference(m, samples);
	q.g = &m->graph;
	how.samples = &source;
	describe_inputs(&m->arena, q.g, &q.inputs, &q.sample);
	first = float_at(m->graph.ops[0].inputs[1], 0);
	assert_int_equal(quantizer_equalize(&q), 0);
	/* the smallest channel grows, and what is computed stays */
	assert_true(float_at(m->graph.ops[0].inputs[1], 0) > 1.5f * first);
	for (int i = 0; i < 6; i++)
		assert_true(fabsf(before[i]) > 1e-3f);
	for (int i = 0; i < 6; i++)
		assert_true(fabsf(run_reference(m, samples)[i] - before[i]) <=
			    1e-5f * fabsf(before[i]));
}

/* Parts of an output that are 100 times as large stay apart; those alike share a scale. */
static void test_mixture(void **state)
{
	static const float samples[] = { -1, 0.5f, 0.25f, 1 };

	for (int apart = 0; apart < 2; apart++) {
		const struct op *joined;
		struct made *m;
		struct tensor *x, *a, *b, *y;

		made_setup((void **)&m);
		x = input(m, tensor(m, "x", DIMS(1, 4)));
		a = tensor(m, "a", DIMS(1, 4));
		b = tensor(m, "b", DIMS(1, 4));
		y = tensor(m, "y", DIMS(1, 8));
		OPERATOR(m, OP_ABS, a, x);
		OPERATOR(m, OP_MUL, b, x, constant(m, "c", DIMS(1), FLOATS(apart ? 100 : 0.75f)));
		OPERATOR(m, OP_CONCATENATION, y, a, b)->attrs.axis = 1;
		output(m, y);
		finish(m);
		quantize(m, samples, 1, (struct enpu_quantize_options){ .keep_bias = true });
		joined = only(m, OP_CONCATENATION);
		assert_int_equal(joined->outputs[0]->type, apart ? DTYPE_F32 : DTYPE_I8);
		for (int i = 0; i < 2; i++) {
			const struct tensor *in = joined->inputs[i];

			assert_int_equal(in->type, joined->outputs[0]->type);
			if (apart)
				assert_int_equal(in->producer->kind, OP_DEQUANTIZE);
			else
				assert_near((double)in->quant.scale[0],
					    (double)joined->outputs[0]->quant.scale[0]);
		}
		/* 1 and 200 are what the two take, in 255 steps */
		if (apart) {
			assert_near((double)joined->inputs[0]->producer->inputs[0]->quant.scale[0],
				    1.0 / 255);
			assert_near((double)joined->inputs[1]->producer->inputs[0]->quant.scale[0],
				    200.0 / 255);
		}
		made_teardown((void **)&m);
	}
}

/* The operator that makes the tensor @name. */
static const struct op *maker(const struct made *m, const char *name)
{
	for (unsigned int i = 0; i < m->graph.n_ops; i++)
		if (!strcmp(m->graph.ops[i].outputs[0]->name, name))
			return &m->graph.ops[i];
	fail_msg("nothing makes %s", name);
	return NULL;
}

/*
 * Of y only the small channel counts for z, and with 8 bits the large one leaves nothing of
 * it: 16 bits are worth most there. y costs its 4 values and the 4 products that read it;
 * z costs 2 values; of 22 in all, with the input's 4 values and its 8 products, which get 16
 * bits last.
 */
static void test_int16(void **state)
{
	static const float samples[] = { -1, 1, 0.5f, -0.25f };
	static const struct {
		double percent;
		enum dtype x, y, z;
	} cases[] = {
		{ 0, DTYPE_I8, DTYPE_I8, DTYPE_I8 }, { 10, DTYPE_I8, DTYPE_I8, DTYPE_I16 },
		{ 40, DTYPE_I8, DTYPE_I16, DTYPE_I8 }, { 100, DTYPE_I16, DTYPE_I16, DTYPE_I16 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct op *first, *second;
		struct tensor *x, *y;
		struct made *m;
		bool wide;

		made_setup((void **)&m);
		x = input(m, tensor(m, "x", DIMS(1, 1, 2, 2)));
		y = convolution(m, x, "y", 2, 2, FLOATS(100, 0, 0, 0.1f), FLOATS(0, 0.05f));
		output(m, convolution(m, y, "z", 2, 1, FLOATS(0, 1), FLOATS(1)));
		finish(m);
		quantize(m, samples, 1, (struct enpu_quantize_options){
			.keep_bias = true, .int16_percent = cases[i].percent,
		});
		first = maker(m, "y");
		second = maker(m, "z");
		assert_int_equal(first->outputs[0]->type, cases[i].y);
		assert_int_equal(second->outputs[0]->type, cases[i].z);
		assert_int_equal(first->inputs[0]->type, cases[i].x);
		/* biases have 64 bits behind inputs of 16 */
		wide = cases[i].x == DTYPE_I16;
		assert_int_equal(first->inputs[2]->type, wide ? DTYPE_I64 : DTYPE_I32);
		wide = cases[i].y == DTYPE_I16;
		assert_int_equal(second->inputs[2]->type, wide ? DTYPE_I64 : DTYPE_I32);
		if (wide) {
			assert_near((double)first->outputs[0]->quant.scale[0], 100.0 / 32767);
			assert_int_equal(first->outputs[0]->quant.zero_point[0], 0);
			/* 1 / (100/32767 * 1/127) */
			assert_int_equal(tensor_int(second->inputs[2], 0), 41614);
		}
		made_teardown((void **)&m);
	}
}

/*
 * The first layer's weights are whole 8-bit numbers times a scale, the second's are not: of
 * 40 and 81 levels and a quarter the quarters are left over, at levels of a 254th.
 */
static void test_halves(void **state)
{
	static const float samples[] = { -1, 1, 0.5f, -0.25f };
	struct made *m = *state;
	struct tensor *x = input(m, tensor(m, "x", DIMS(1, 1, 2, 2))), *y, *z, *out;
	const struct op *upper, *lower, *sum;

	y = convolution(m, x, "y", 2, 2, FLOATS(1.27f, 0.3f, -0.4f, 1.27f), FLOATS(0, 0));
	z = convolution(m, y, "z", 2, 2, FLOATS(1.27f, 0.4025f, 1.27f, 0.8125f), FLOATS(0.5f, 1));
	out = tensor(m, "out", DIMS(1, 1, 2, 2));
	OPERATOR(m, OP_RELU, out, z);
	output(m, out);
	finish(m);
	quantize(m, samples, 1, (struct enpu_quantize_options){
		.keep_bias = true, .wide_weights_percent = 50,
	});
	assert_int_equal(m->graph.n_ops, 4);
	assert_int_equal(maker(m, "y")->outputs[0]->type, DTYPE_I8);
	upper = maker(m, "z (upper)");
	lower = maker(m, "z (lower)");
	sum = only(m, OP_ADD);
	assert_int_equal(level(upper->inputs[1], 0), 127);
	assert_int_equal(level(upper->inputs[1], 1), 40);
	assert_int_equal(level(upper->inputs[1], 3), 81);
	assert_near((double)upper->inputs[1]->quant.scale[0], 0.01);
	assert_int_equal(level(lower->inputs[1], 0), 0);
	assert_int_equal(level(lower->inputs[1], 1), 127);
	if (fabs((double)lower->inputs[1]->quant.scale[0] * 127 - 0.0025) > 1e-6)
		fail_msg("the scale of what is left is %g", lower->inputs[1]->quant.scale[0]);
	/* the bias is added once */
	assert_true(bias(upper, 0) > 0 && bias(upper, 1) > 0);
	assert_int_equal(bias(lower, 0), 0);
	assert_int_equal(bias(lower, 1), 0);
	assert_int_equal(upper->outputs[0]->type, DTYPE_I16);
	assert_int_equal(lower->outputs[0]->type, DTYPE_I16);
	assert_ptr_equal(sum->inputs[0], upper->outputs[0]);
	assert_ptr_equal(sum->inputs[1], lower->outputs[0]);
	assert_string_equal(sum->outputs[0]->name, "out");
	assert_int_equal(sum->outputs[0]->type, DTYPE_I8);
	assert_int_equal(sum->attrs.activation, ACT_RELU);
}

/* With 16 bits before it the softmax at the end stays a float one. */
static void test_scores(void **state)
{
	static const float samples[] = { -1, 1, 0.5f, -0.25f };

	for (int wide = 0; wide < 2; wide++) {
		const struct op *softmax;
		struct made *m;
		struct tensor *x, *y, *z;

		made_setup((void **)&m);
		x = input(m, tensor(m, "x", DIMS(1, 1, 2, 2)));
		y = convolution(m, x, "y", 2, 2, FLOATS(10, 0, 0, 5), FLOATS(0, 0));
		z = tensor(m, "z", DIMS(1, 1, 2, 2));
		OPERATOR(m, OP_SOFTMAX, z, y)->attrs.beta = 1;
		output(m, z);
		finish(m);
		quantize(m, samples, 1, (struct enpu_quantize_options){
			.keep_bias = true, .int16_percent = wide * 100,
		});
		softmax = only(m, OP_SOFTMAX);
		assert_int_equal(softmax->inputs[0]->type, wide ? DTYPE_F32 : DTYPE_I8);
		assert_int_equal(softmax->outputs[0]->type, wide ? DTYPE_F32 : DTYPE_I8);
		if (wide)
			assert_int_equal(only(m, OP_DEQUANTIZE)->inputs[0]->type, DTYPE_I16);
		made_teardown((void **)&m);
	}
}

/* The first layer's weights are whole 4-bit numbers times a scale, the second's are not. */
static void test_int4(void **state)
{
	static const float samples[] = { -1, 1, 0.5f, -0.25f };
	struct made *m = *state;
	struct tensor *x = input(m, tensor(m, "x", DIMS(1, 1, 2, 2))), *y;
	const struct tensor *w;

	y = convolution(m, x, "y", 2, 2, FLOATS(0.7f, 0.3f, -1.4f, 0.2f), FLOATS(0, 0));
	output(m, convolution(m, y, "z", 2, 2, FLOATS(1, 0.4f, 0.3f, 1), FLOATS(0, 0)));
	finish(m);
	quantize(m, samples, 1, (struct enpu_quantize_options){
		.rounding = ENPU_ROUNDING_NEAREST, .keep_bias = true, .int4_percent = 50,
	});
	w = maker(m, "y")->inputs[1];
	assert_int_equal(w->type, DTYPE_I4);
	assert_near((double)w->quant.scale[0], 0.1);
	assert_near((double)w->quant.scale[1], 0.2);
	/* 7, 3 and -7, 1: the first one in the low nibble */
	assert_int_equal(w->data[0], 0x37);
	assert_int_equal(w->data[1], 0x19);
	assert_int_equal(maker(m, "z")->inputs[1]->type, DTYPE_I8);
}

/* A variable that adds up: 1 at first, then the input is added in each run. */
static void sums(struct made *m, uint32_t begins, float most)
{
	static const float samples[] = { 1, 1, 1, 2 }, one = 1;
	struct tensor *x = input(m, tensor(m, "x", DIMS(1, 1, 1, 1)));
	struct tensor *s = tensor(m, "s", DIMS(1, 1, 1, 1)), *y = tensor(m, "y", DIMS(1, 1, 1, 1));
	struct tensor *next = tensor(m, "next", DIMS(1, 1, 1, 1));
	struct list list = { samples, 4, begins };
	const struct op *assign;

	s->initial = (const uint8_t *)&one;
	OPERATOR(m, OP_ADD, y, s, x);
	OPERATOR(m, OP_ASSIGN_VARIABLE, next, s, y);
	output(m, y);
	finish(m);
	quantize_list(m, list, (struct enpu_quantize_options){ .int16_percent = 100 });
	assign = only(m, OP_ASSIGN_VARIABLE);
	assert_int_equal(assign->index, m->graph.n_ops - 1);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(assign->inputs[i]->type, DTYPE_I8);
		assert_near(assign->inputs[i]->quant.scale[0], most / 255);
		assert_int_equal(assign->inputs[i]->quant.zero_point[0], -128);
	}
	assert_int_equal((int8_t)assign->inputs[0]->initial[0], lround(255 / most) - 128);
}

/* From 1: 2, 3, 4; then again from 1: 3. */
static void test_sequences(void **state)
{
	sums(*state, 1 << 0 | 1 << 3, 4);
}

/* 2, 3, 4, 6 */
static void test_one_sequence(void **state)
{
	sums(*state, 1 << 0, 6);
}

/* Each sample for itself: 2, 2, 2, 3 */
static void test_no_sequence(void **state)
{
	sums(*state, 0, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_build, made_setup, made_teardown),
		cmocka_unit_test(test_bias_correction),
		cmocka_unit_test(test_adaptive_rounding),
		cmocka_unit_test_setup_teardown(test_equalization, made_setup, made_teardown),
		cmocka_unit_test(test_mixture),
		cmocka_unit_test(test_int16),
		cmocka_unit_test_setup_teardown(test_halves, made_setup, made_teardown),
		cmocka_unit_test(test_scores),
		cmocka_unit_test_setup_teardown(test_int4, made_setup, made_teardown),
		cmocka_unit_test_setup_teardown(test_sequences, made_setup, made_teardown),
		cmocka_unit_test_setup_teardown(test_one_sequence, made_setup, made_teardown),
		cmocka_unit_test_setup_teardown(test_no_sequence, made_setup, made_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
