// SPDX-License-Identifier: MIT
/* Steps on float32 tensors by themselves: what they refuse to load, and results worked by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "made.h"

#define MOST	48

static void shape(struct made *m, int i, uint32_t rank, const uint32_t *dims)
{
	struct accel_tensor *t = &m->tensors[i].tensor;

	*t = (struct accel_tensor){ .dtype = ACCEL_F32, .rank = rank, .elements = 1 };
	for (uint32_t d = 0; d < ACCEL_MAX_RANK; d++)
		t->dims[d] = d < rank ? dims[d] : 1;
	for (uint32_t d = 0; d < rank; d++)
		t->elements *= dims[d];
}

#define SHAPE(m, i, ...)							\
	shape(m, i, sizeof((uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t),	\
	      (uint32_t[]){ __VA_ARGS__ })

static void make(struct made *m, uint32_t inputs, size_t params)
{
	made_init(m, inputs, 1, params);
}

static void make_map(struct made *m, uint32_t function)
{
	make(m, function <= ENPU_F32_POW ? 2 : 1, sizeof(m->params.function));
	m->params.function.function = function;
	for (int i = 0; i < 3; i++)
		SHAPE(m, i, 2, 3);
}

static void make_unary(struct made *m)
{
	make_map(m, ENPU_F32_ABS);
}

/* [2][3][2] along its middle */
static void make_mean(struct made *m)
{
	make(m, 1, sizeof(m->params.mean));
	SHAPE(m, 0, 2, 3, 2);
	SHAPE(m, 2, 2, 2);
	m->params.mean = (struct enpu_mean_params){ 2, 3, 2, 0 };
}

/* [2][3][2] to [3][2][2] */
static void make_transpose(struct made *m)
{
	make(m, 1, sizeof(m->params.transpose));
	SHAPE(m, 0, 2, 3, 2);
	SHAPE(m, 2, 3, 2, 2);
	m->params.transpose = (struct enpu_transpose_params){ .perm = { 1, 2, 0 } };
}

/* 3 x 3 windows, every second place, one row and column around the input */
static void make_pool(struct made *m)
{
	make(m, 1, sizeof(m->params.pool));
	SHAPE(m, 0, 2, 3, 4, 1);
	SHAPE(m, 2, 2, 2, 2, 1);
	m->params.pool = (struct enpu_pool_params){
		.filter_h = 3, .filter_w = 3, .stride_h = 2, .stride_w = 2, .pad_top = 1,
		.pad_left = 1,
	};
}

static void make_softmax(struct made *m)
{
	make(m, 1, sizeof(m->params.softmax));
	SHAPE(m, 0, 2, 3);
	SHAPE(m, 2, 2, 3);
	m->params.softmax.beta = 1;
}

static const struct made_op ops[] = {
	{ ENPU_CPU_F32_MAP, make_unary }, { ENPU_CPU_F32_MEAN, make_mean },
	{ ENPU_CPU_F32_TRANSPOSE, make_transpose }, { ENPU_CPU_F32_MAX_POOL, make_pool },
	{ ENPU_CPU_F32_SOFTMAX, make_softmax },
};

static void no_inputs(struct made *m)
{
	m->step.num_inputs = 0;
}

static void more_outputs(struct made *m)
{
	m->step.num_outputs = 2;
}

static void short_params(struct made *m)
{
	m->step.params_size -= 4;
}

static void narrow_input(struct made *m)
{
	m->tensors[0].tensor.dtype = ACCEL_S8;
}

static void narrow_output(struct made *m)
{
	m->tensors[2].tensor.dtype = ACCEL_U8;
}

/* Of everything one more: no step gives that. */
static void other_output(struct made *m)
{
	struct accel_tensor *t = &m->tensors[2].tensor;

	SHAPE(m, 2, t->dims[0] + 6, t->dims[1] + 6, t->dims[2] + 6, t->dims[3] + 6);
}

static void test_refused_by_all(void **state)
{
	static spoil *const spoils[] = {
		more_inputs, no_inputs, no_outputs, more_outputs, short_params, narrow_input,
		narrow_output, other_output,
	};

	made_is_refused(ops, sizeof(ops) / sizeof(ops[0]), spoils,
			sizeof(spoils) / sizeof(spoils[0]));
}

static void strange_function(struct made *m)
{
	m->params.function.function = ENPU_F32_FUNCTIONS;
}

static void second_operand(struct made *m)
{
	m->params.function.function = ENPU_F32_ADD;
}

static void no_length(struct made *m)
{
	m->params.mean.length = 0;
}

static void huge_extents(struct made *m)
{
	m->params.mean = (struct enpu_mean_params){ UINT32_MAX, UINT32_MAX, UINT32_MAX, 0 };
}

static void other_extents(struct made *m)
{
	m->params.mean = (struct enpu_mean_params){ 2, 2, 3, 0 };
}

static void same_twice(struct made *m)
{
	m->params.transpose.perm[2] = 1;
}

static void far_dimension(struct made *m)
{
	m->params.transpose.perm[0] = 3;
}

static void no_stride(struct made *m)
{
	m->params.pool.stride_w = 0;
}

static void wide_padding(struct made *m)
{
	m->params.pool.pad_top = 3;
}

static void far_window(struct made *m)
{
	m->params.pool.stride_h = 4;	/* the second begins where the input ends */
}

static void three_dimensions(struct made *m)
{
	SHAPE(m, 0, 2, 3, 4);
}

static void scalar(struct made *m)
{
	m->tensors[0].tensor.rank = 0;
	m->tensors[2].tensor.rank = 0;
}

static void odd_flag(struct made *m)
{
	m->params.softmax.logarithm = 2;
}

static void sharp_logarithm(struct made *m)
{
	m->params.softmax = (struct enpu_softmax_params){ 2, 1 };
}

static void test_refused_by_one(void **state)
{
	static const struct {
		unsigned int op;		/* in ops */
		void (*spoil)(struct made *m);
		const char *reason;
	} cases[] = {
		{ 0, strange_function, "not one that" }, { 0, second_operand, "number of inputs" },
		{ 1, no_length, "extents" }, { 1, huge_extents, "extents" },
		{ 1, other_extents, "extents" }, { 2, same_twice, "not a permutation" },
		{ 2, far_dimension, "not a permutation" }, { 3, no_stride, "outside" },
		{ 3, wide_padding, "outside" }, { 3, far_window, "outside" },
		{ 3, three_dimensions, "four dimensions" }, { 4, scalar, "of one shape" },
		{ 4, odd_flag, "not known" }, { 4, sharp_logarithm, "not known" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *reason;
		struct made m;

		ops[cases[i].op].make(&m);
		cases[i].spoil(&m);
		reason = accel_cpu_op(ops[cases[i].op].op)->check(&m.step);
		if (!reason || !strstr(reason, cases[i].reason))
			fail_msg("case %zu: '%s' lacks '%s'", i, reason ? reason : "fine",
				 cases[i].reason);
	}
}

static void expect(const struct made *m, enum enpu_cpu_op kind, const float *a, const float *b,
		   const float *should)
{
	const struct accel_cpu_op *op = accel_cpu_op(kind);
	const void *const in[] = { a, b };
	float out[MOST];
	void *const to[] = { out };
	size_t n = m->step.outputs[0]->tensor.elements;

	assert_true(n <= MOST);
	if (op->check(&m->step))
		fail_msg("%s: %s", op->name, op->check(&m->step));
	assert_null(op->run(&m->step, in, to));
	for (size_t i = 0; i < n; i++)
		if (!(fabsf(out[i] - should[i]) <= 2e-6f * (1 + fabsf(should[i]))))
			fail_msg("%s: element %zu is %.9g, should be %.9g", op->name, i,
				 (double)out[i], (double)should[i]);
}

static void test_functions_of_one(void **state)
{
	static const float x[] = { -4, -1, 0, 0.5f, 1, 4 }, above[] = { 0.25f, 1, 2, 4, 9, 16 };
	static const struct {
		enum enpu_f32_function function;
		float alpha, beta;
		const float *of;
		float should[6];
	} cases[] = {
		{ ENPU_F32_ABS, 0, 0, x, { 4, 1, 0, 0.5f, 1, 4 } },
		{ ENPU_F32_NEG, 0, 0, x, { 4, 1, 0, -0.5f, -1, -4 } },
		{ ENPU_F32_SQRT, 0, 0, above, { 0.5f, 1, 1.41421356f, 2, 3, 4 } },
		{ ENPU_F32_EXP, 0, 0, x,
		  { 0.0183156389f, 0.367879441f, 1, 1.64872127f, 2.71828183f, 54.5981500f } },
		{ ENPU_F32_LOG, 0, 0, above,
		  { -1.38629436f, 0, 0.693147181f, 1.38629436f, 2.19722458f, 2.77258872f } },
		{ ENPU_F32_ERF, 0, 0, x,
		  { -0.999999985f, -0.842700793f, 0, 0.520499878f, 0.842700793f, 0.999999985f } },
		{ ENPU_F32_TANH, 0, 0, x,
		  { -0.999329300f, -0.761594156f, 0, 0.462117157f, 0.761594156f, 0.999329300f } },
		{ ENPU_F32_LOGISTIC, 0, 0, x,
		  { 0.0179862100f, 0.268941421f, 0.5f, 0.622459331f, 0.731058579f, 0.982013790f } },
		{ ENPU_F32_CLIP, -1.5f, 0.75f, x, { -1.5f, -1, 0, 0.5f, 0.75f, 0.75f } },
		{ ENPU_F32_LEAKY_RELU, 0.25f, 0, x, { -1, -0.25f, 0, 0.5f, 1, 4 } },
		{ ENPU_F32_HARD_SIGMOID, 0.25f, 0.5f, x, { 0, 0.25f, 0.5f, 0.625f, 0.75f, 1 } },
		{ ENPU_F32_HARD_SWISH, 0, 0, x,
		  { 0, -0.333333333f, 0, 0.291666667f, 0.666666667f, 4 } },
		{ ENPU_F32_RECIPROCAL, 0, 0, above, { 4, 1, 0.5f, 0.25f, 0.111111111f, 0.0625f } },
		{ ENPU_F32_SQUARE, 0, 0, x, { 16, 1, 0, 0.25f, 1, 16 } },
	};

	/* none is forgotten */
	assert_int_equal(sizeof(cases) / sizeof(cases[0]), ENPU_F32_FUNCTIONS - ENPU_F32_ABS);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct made m;

		make_map(&m, cases[i].function);
		m.params.function.alpha = cases[i].alpha;
		m.params.function.beta = cases[i].beta;
		expect(&m, ENPU_CPU_F32_MAP, cases[i].of, NULL, cases[i].should);
	}
}

/* A table against one row, and against one column. */
static void test_functions_of_two(void **state)
{
	static const float a[] = { 1, 2, 3, 4, 5, 6 }, row[] = { 2, -1, 0.5f }, column[] = { 3, 2 };
	static const struct {
		enum enpu_f32_function function;
		float with_row[6], with_column[6];
	} cases[] = {
		{ ENPU_F32_ADD, { 3, 1, 3.5f, 6, 4, 6.5f }, { 4, 5, 6, 6, 7, 8 } },
		{ ENPU_F32_SUB, { -1, 3, 2.5f, 2, 6, 5.5f }, { -2, -1, 0, 2, 3, 4 } },
		{ ENPU_F32_MUL, { 2, -2, 1.5f, 8, -5, 3 }, { 3, 6, 9, 8, 10, 12 } },
		{ ENPU_F32_DIV, { 0.5f, -2, 6, 2, -5, 12 },
		  { 0.333333333f, 0.666666667f, 1, 2, 2.5f, 3 } },
		{ ENPU_F32_MAX, { 2, 2, 3, 4, 5, 6 }, { 3, 3, 3, 4, 5, 6 } },
		{ ENPU_F32_MIN, { 1, -1, 0.5f, 2, -1, 0.5f }, { 1, 2, 3, 2, 2, 2 } },
		{ ENPU_F32_POW, { 1, 0.5f, 1.73205081f, 16, 0.2f, 2.44948974f },
		  { 1, 8, 27, 16, 25, 36 } },
	};

	assert_int_equal(sizeof(cases) / sizeof(cases[0]), ENPU_F32_ABS);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct made m;

		make_map(&m, cases[i].function);
		SHAPE(&m, 1, 3);
		expect(&m, ENPU_CPU_F32_MAP, a, row, cases[i].with_row);
		SHAPE(&m, 1, 2, 1);
		expect(&m, ENPU_CPU_F32_MAP, a, column, cases[i].with_column);
	}
}

static void test_mean(void **state)
{
	static const float a[] = { 1, 10, 2, 20, 6, 60, -1, 0, -1, 0.5f, -1, 1 };
	static const float should[] = { 3, 30, -1, 0.5f };
	struct made m;

	make_mean(&m);
	expect(&m, ENPU_CPU_F32_MEAN, a, NULL, should);
}

static void test_transpose(void **state)
{
	static const float a[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 };
	static const float should[] = { 0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11 };
	struct made m;

	make_transpose(&m);
	expect(&m, ENPU_CPU_F32_TRANSPOSE, a, NULL, should);
	/* nothing is moved, and the shape is another one */
	m.params.transpose = (struct enpu_transpose_params){ .perm = { 0, 1, 2 } };
	SHAPE(&m, 2, 12);
	expect(&m, ENPU_CPU_F32_TRANSPOSE, a, NULL, a);
}

/* The second image is below zero everywhere: what lies around it does not count. */
static void test_max_pool(void **state)
{
	static const float a[] = {
		1, 2, 3, 4,	8, 7, 6, 5,	9, 0, 2, 1,
		-5, -6, -1, -9,	-2, -7, -8, -9,	-3, -4, -9, -8,
	};
	static const float should[] = { 8, 7, 9, 7, -2, -1, -2, -4 };
	struct made m;

	make_pool(&m);
	expect(&m, ENPU_CPU_F32_MAX_POOL, a, NULL, should);
}

/* Rows of log 1, log 2, log 5 and of what would overflow by itself. */
static void test_softmax(void **state)
{
	static const float a[] = { 0, 0.693147181f, 1.60943791f, 200, 200, 200 };
	static const float parts[] = { 0.125f, 0.25f, 0.625f, 1.f / 3, 1.f / 3, 1.f / 3 };
	static const float sharp[] = { 1.f / 30, 4.f / 30, 25.f / 30, 1.f / 3, 1.f / 3, 1.f / 3 };
	static const float logs[] = { -2.07944154f, -1.38629436f, -0.470003629f, -1.09861229f,
				      -1.09861229f, -1.09861229f };
	struct made m;

	make_softmax(&m);
	expect(&m, ENPU_CPU_F32_SOFTMAX, a, NULL, parts);
	m.params.softmax.beta = 2;
	expect(&m, ENPU_CPU_F32_SOFTMAX, a, NULL, sharp);
	m.params.softmax = (struct enpu_softmax_params){ 1, 1 };
	expect(&m, ENPU_CPU_F32_SOFTMAX, a, NULL, logs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused_by_all),
		cmocka_unit_test(test_refused_by_one),
		cmocka_unit_test(test_functions_of_one),
		cmocka_unit_test(test_functions_of_two),
		cmocka_unit_test(test_mean),
		cmocka_unit_test(test_transpose),
		cmocka_unit_test(test_max_pool),
		cmocka_unit_test(test_softmax),
	};

	return cmocka_run_group_tests_name("libaccel: steps in float32", tests, NULL, NULL);
}
