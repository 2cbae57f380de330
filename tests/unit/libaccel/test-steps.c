// SPDX-License-Identifier: MIT
/* Steps on the CPU by themselves: what they refuse to load, and results worked by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "made.h"

static void set_tensor(struct accel_tensor *t, enum accel_dtype dtype, uint32_t rows, uint32_t cols)
{
	*t = (struct accel_tensor){
		.dtype = dtype, .rank = 2, .dims = { rows, cols, 1, 1, 1, 1 }, .scale = 0.5f,
		.elements = (size_t)rows * cols,
	};
}

/* int8 tensors of 2 x 3 */
static void make(struct made *m, uint32_t inputs, uint32_t outputs, size_t params)
{
	made_init(m, inputs, outputs, params);
	for (int i = 0; i < 4; i++)
		set_tensor(&m->tensors[i].tensor, ACCEL_S8, 2, 3);
}

#define NORM_SIZE	(sizeof(struct enpu_norm_params) + 3 * 2 * sizeof(float))

static void make_div(struct made *m)
{
	make(m, 2, 1, 0);
	set_tensor(&m->tensors[1].tensor, ACCEL_S8, 1, 3);
}

static void make_layer_norm(struct made *m)
{
	make(m, 1, 1, NORM_SIZE);
	m->params.norm = (struct enpu_norm_params){ 2, 3, 1, 0.25f };
}

static void make_instance_norm(struct made *m)
{
	make(m, 1, 1, NORM_SIZE);
	m->params.norm = (struct enpu_norm_params){ 1, 2, 3, 0.25f };
}

static void make_l2(struct made *m)
{
	make(m, 1, 1, 0);
}

static void make_log_softmax(struct made *m)
{
	make(m, 1, 1, 0);
	m->tensors[2].tensor.scale = 1.0f / 16;
	m->tensors[2].tensor.zero_point = 127;
}

static void make_topk(struct made *m)
{
	make(m, 1, 2, 0);
	set_tensor(&m->tensors[2].tensor, ACCEL_S8, 2, 2);
	set_tensor(&m->tensors[3].tensor, ACCEL_S32, 2, 2);
}

static void make_cumsum(struct made *m)
{
	make(m, 1, 1, sizeof(struct enpu_cumsum_params));
	m->params.cumsum.axis = 1;
}

static const struct made_op ops[] = {
	{ ENPU_CPU_DIV, make_div }, { ENPU_CPU_LAYER_NORM, make_layer_norm },
	{ ENPU_CPU_INSTANCE_NORM, make_instance_norm },
	{ ENPU_CPU_L2_NORMALIZATION, make_l2 }, { ENPU_CPU_TOPK, make_topk },
	{ ENPU_CPU_CUMSUM, make_cumsum }, { ENPU_CPU_LOG_SOFTMAX, make_log_softmax },
};

static void more_params(struct made *m)
{
	m->step.params = &m->params;
	m->step.params_size += 8;
}

static void other_type(struct made *m)
{
	m->tensors[2].tensor.dtype = ACCEL_U8;
}

static void wide_type(struct made *m)
{
	m->tensors[0].tensor.dtype = ACCEL_S16;
}

static void other_shape(struct made *m)
{
	m->tensors[2].tensor.dims[0] = 7;
}

static void test_refused_by_all(void **state)
{
	static spoil *const spoils[] = {
		more_inputs, no_outputs, more_params, other_type, wide_type, other_shape,
	};

	made_is_refused(ops, sizeof(ops) / sizeof(ops[0]), spoils,
			sizeof(spoils) / sizeof(spoils[0]));
	assert_null(accel_cpu_op(ENPU_CPU_OPS));
}

static void no_scale(struct made *m)
{
	m->tensors[0].tensor.scale = 0;
}

static void tiny_divisor(struct made *m)
{
	m->tensors[1].tensor.scale = 1e-30f;
}

static void odd_divisor(struct made *m)
{
	set_tensor(&m->tensors[1].tensor, ACCEL_S8, 1, 2);
}

static void deep_divisor(struct made *m)
{
	m->tensors[1].tensor.rank = 3;
}

static void wrong_extents(struct made *m)
{
	m->params.norm.outer = 3;
}

static void huge_extents(struct made *m)
{
	m->params.norm = (struct enpu_norm_params){ UINT32_MAX, UINT32_MAX, UINT32_MAX, 0 };
}

static void negative_epsilon(struct made *m)
{
	m->params.norm.epsilon = -1;
}

static void no_epsilon(struct made *m)
{
	m->params.norm.epsilon = __builtin_nanf("");
}

static void inner_layers(struct made *m)
{
	m->params.norm = (struct enpu_norm_params){ 1, 3, 2, 0 };
}

static void short_params(struct made *m)
{
	m->step.params_size = 4;
}

static void no_dimension(struct made *m)
{
	m->tensors[0].tensor.rank = 0;
	m->tensors[2].tensor.rank = 0;
}

static void too_many(struct made *m)
{
	set_tensor(&m->tensors[2].tensor, ACCEL_S8, 2, 4);
	set_tensor(&m->tensors[3].tensor, ACCEL_S32, 2, 4);
}

static void narrow_indices(struct made *m)
{
	m->tensors[3].tensor.dtype = ACCEL_U8;
}

static void far_axis(struct made *m)
{
	m->params.cumsum.axis = 2;
}

static void odd_flag(struct made *m)
{
	m->params.cumsum.reverse = 2;
}

static void test_refused_by_one(void **state)
{
	static const struct {
		enum enpu_cpu_op op;
		void (*make)(struct made *m);
		void (*spoil)(struct made *m);
		const char *reason;
	} cases[] = {
		{ ENPU_CPU_DIV, make_div, no_scale, "division: expected quantized" },
		{ ENPU_CPU_DIV, make_div, tiny_divisor, "usable factor" },
		{ ENPU_CPU_DIV, make_div, odd_divisor, "do not broadcast" },
		{ ENPU_CPU_DIV, make_div, deep_divisor, "do not broadcast" },
		{ ENPU_CPU_LAYER_NORM, make_layer_norm, wrong_extents, "not the tensor's" },
		{ ENPU_CPU_LAYER_NORM, make_layer_norm, huge_extents, "not the tensor's" },
		{ ENPU_CPU_LAYER_NORM, make_layer_norm, inner_layers, "not the tensor's" },
		{ ENPU_CPU_LAYER_NORM, make_layer_norm, negative_epsilon, "epsilon" },
		{ ENPU_CPU_LAYER_NORM, make_layer_norm, no_epsilon, "epsilon" },
		{ ENPU_CPU_INSTANCE_NORM, make_instance_norm, short_params, "norm: size" },
		{ ENPU_CPU_L2_NORMALIZATION, make_l2, no_dimension, "last dimension" },
		{ ENPU_CPU_TOPK, make_topk, too_many, "more are wanted" },
		{ ENPU_CPU_TOPK, make_topk, narrow_indices, "indices of 32 or 64" },
		{ ENPU_CPU_TOPK, make_topk, no_dimension, "shapes do not fit" },
		{ ENPU_CPU_LOG_SOFTMAX, make_log_softmax, no_dimension, "log softmax" },
		{ ENPU_CPU_CUMSUM, make_cumsum, far_axis, "no such dimension" },
		{ ENPU_CPU_CUMSUM, make_cumsum, odd_flag, "flags" },
		{ ENPU_CPU_CUMSUM, make_cumsum, short_params, "size" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *reason;
		struct made m;

		cases[i].make(&m);
		cases[i].spoil(&m);
		reason = accel_cpu_op(cases[i].op)->check(&m.step);
		if (!reason || !strstr(reason, cases[i].reason))
			fail_msg("case %zu: '%s' lacks '%s'", i, reason ? reason : "fine",
				 cases[i].reason);
	}
}

/* Values are halves: 4 stands for 2. */
static void test_division(void **state)
{
	static const int8_t a[] = { 4, -4, 0, 9, -9, 100 }, b[] = { 4, 0, 0 };
	static const int8_t expected[] = { 2, -128, 0, 5, -128, 127 };
	const void *const in[] = { a, b };
	struct made m;
	int8_t out[6];
	void *const to[] = { out };

	make_div(&m);
	assert_null(accel_cpu_op(ENPU_CPU_DIV)->run(&m.step, in, to));
	assert_memory_equal(out, expected, sizeof(out));
}

static void test_largest(void **state)
{
	static const int8_t a[] = { 5, -7, 5, -1, -1, -1 }, expected[] = { 5, 5, -1, -1 };
	static const int32_t places[] = { 0, 2, 0, 1 };	/* of equals the first one first */
	const void *const in[] = { a };
	struct made m;
	int32_t indices[4];
	int8_t values[4];
	void *const to[] = { values, indices };

	make_topk(&m);
	assert_null(accel_cpu_op(ENPU_CPU_TOPK)->run(&m.step, in, to));
	assert_memory_equal(values, expected, sizeof(values));
	assert_memory_equal(indices, places, sizeof(places));
}

static void test_sums(void **state)
{
	static const int8_t a[] = { 1, 2, 3, 100, 100, -100 };
	static const int8_t forth[] = { 1, 3, 6, 100, 127, 100 };	/* 200 does not fit */
	static const int8_t back[] = { 5, 3, 0, 0, -100, 0 };	/* from the end, without itself */
	const void *const in[] = { a };
	struct made m;
	int8_t out[6];
	void *const to[] = { out };

	make_cumsum(&m);
	accel_cpu_op(ENPU_CPU_CUMSUM)->run(&m.step, in, to);
	assert_memory_equal(out, forth, sizeof(out));
	m.params.cumsum.exclusive = 1;
	m.params.cumsum.reverse = 1;
	accel_cpu_op(ENPU_CPU_CUMSUM)->run(&m.step, in, to);
	assert_memory_equal(out, back, sizeof(out));
}

/* log(1/3) is -17.58 sixteenths; behind 127 halves all others weigh nothing. */
static void test_log_softmax(void **state)
{
	static const int8_t a[] = { 9, 9, 9, 127, -127, 113 };
	static const int8_t expected[] = { 109, 109, 109, 127, -128, 15 };
	const void *const in[] = { a };
	struct made m;
	int8_t out[6];
	void *const to[] = { out };

	make_log_softmax(&m);
	accel_cpu_op(ENPU_CPU_LOG_SOFTMAX)->run(&m.step, in, to);
	assert_memory_equal(out, expected, sizeof(out));
}

static const char *cast(enum accel_dtype from, enum accel_dtype to, const void *in, void *out)
{
	const void *const inputs[] = { in };
	void *const outputs[] = { out };
	const char *reason;
	struct made m;

	make(&m, 1, 1, 0);
	m.tensors[0].tensor.dtype = from;
	m.tensors[2].tensor.dtype = to;
	reason = accel_cpu_op(ENPU_CPU_CAST)->check(&m.step);
	return reason ? reason : accel_cpu_op(ENPU_CPU_CAST)->run(&m.step, inputs, outputs);
}

/* Integers wrap round, floats lose their fraction and stop at the type's bounds. */
static void test_casts(void **state)
{
	static const float reals[] = { -1.75f, 1.75f, 300, -1e30f, 0.5f, __builtin_inff() };
	static const int8_t narrow[] = { -1, 1, 127, -128, 0, 127 };
	static const int64_t wide[] = { -1, 300, 1ll << 40, -129, 127, INT64_MIN };
	static const int8_t wrapped[] = { -1, 44, 0, 127, 127, 0 };
	static const float back[] = { -1, 300, 0x1p40f, -129, 127, -0x1p63f };
	static const int64_t far[] = { -1, 1, 300, INT64_MIN, 0, INT64_MAX };
	const float none = __builtin_nanf("");
	float nothing[6] = { none, none, none, none, none, none };
	int16_t zeros[6];
	float floats[6];
	int64_t out64[6];
	int8_t out[6];

	assert_null(cast(ACCEL_F32, ACCEL_S8, reals, out));
	assert_memory_equal(out, narrow, sizeof(out));
	assert_null(cast(ACCEL_F32, ACCEL_S64, reals, out64));
	assert_memory_equal(out64, far, sizeof(out64));
	assert_null(cast(ACCEL_S64, ACCEL_S8, wide, out));
	assert_memory_equal(out, wrapped, sizeof(out));
	assert_null(cast(ACCEL_S64, ACCEL_F32, wide, floats));
	assert_memory_equal(floats, back, sizeof(floats));
	assert_null(cast(ACCEL_F32, ACCEL_S16, nothing, zeros));
	for (int i = 0; i < 6; i++)
		assert_int_equal(zeros[i], 0);
	assert_non_null(cast(5, ACCEL_F32, wide, floats));
	assert_non_null(cast(ACCEL_S8, ACCEL_S64 + 1, out, out64));
}

/* Rows of -2, 0, 2: the mean is 0, the variance 8/3; with 4/3 more its root is 2. */
static void test_layer_norm(void **state)
{
	static const int8_t a[] = { -4, 0, 4, 4, 0, -4 }, expected[] = { -1, 2, 6, 3, 2, -2 };
	const void *const in[] = { a };
	struct made m;
	int8_t out[6];
	void *const to[] = { out };
	float (*factors)[2];

	make_layer_norm(&m);
	m.params.norm.epsilon = 4.0f / 3;
	factors = (void *)(m.params.bytes + sizeof(m.params.norm));
	factors[0][0] = 1;
	factors[0][1] = 0.5f;		/* (-1 * 1 + 0.5) / 0.5 = -1, (1 + 0.5) / 0.5 = 3 */
	factors[1][0] = 7;
	factors[1][1] = 1;		/* (0 * 7 + 1) / 0.5 = 2 */
	factors[2][0] = 2;
	factors[2][1] = 1;		/* (1 * 2 + 1) / 0.5 = 6, (-2 + 1) / 0.5 = -2 */
	accel_cpu_op(ENPU_CPU_LAYER_NORM)->run(&m.step, in, to);
	assert_memory_equal(out, expected, sizeof(out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused_by_all),
		cmocka_unit_test(test_refused_by_one),
		cmocka_unit_test(test_division),
		cmocka_unit_test(test_largest),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_layer_norm),
		cmocka_unit_test(test_log_softmax),
		cmocka_unit_test(test_casts),
	};

	return cmocka_run_group_tests_name("libaccel: steps on the CPU", tests, NULL, NULL);
}
