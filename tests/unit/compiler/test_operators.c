// SPDX-License-Identifier: MIT
/*
 * Operators: the arithmetic of quantization, worked by hand, and refusals, which
 * must name every operator that cannot run, its index, the reason and the shapes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../tools/compiler/ops/ort.h"
#include "../../../tools/compiler/ops/quantize.h"
#include "compiled.h"

static void multipliers(void **state)
{
	struct multiplier m = quantize_multiplier(1.0);

	/* 1 = 0.5 * 2^1, and 0.5 in Q31 is 2^30 */
	assert_int_equal(m.value, 1 << 30);
	assert_int_equal(m.shift, 1);
	/* 0.75 = 0.75 * 2^0; 0.75 * 2^31 = 1610612736 */
	m = quantize_multiplier(0.75);
	assert_int_equal(m.value, 1610612736);
	assert_int_equal(m.shift, 0);
	/* just below 1: the fraction rounds up to 2^31, which is halved again */
	m = quantize_multiplier(1.0 - 1e-12);
	assert_int_equal(m.value, 1 << 30);
	assert_int_equal(m.shift, 1);
	m = quantize_multiplier(0);
	assert_int_equal(m.value, 0);
	/* too small for any shift */
	m = quantize_multiplier(1e-20);
	assert_int_equal(m.value, 0);
	assert_int_equal(m.shift, 0);
}

static void two_roundings(void **state)
{
	/* 3 * 0.5 = 1.5: the product rounds half up to 2, then nothing is left to shift */
	assert_int_equal(multiply_by_multiplier(3, quantize_multiplier(0.5)), 2);
	/* -1.5: the high half rounds to -1 (truncation after the nudge) */
	assert_int_equal(multiply_by_multiplier(-3, quantize_multiplier(0.5)), -1);
	/* 5 * 0.25: 5 * 0.5 = 2.5 -> 3, then 1.5 -> 2, where one rounding of 1.25 gives 1 */
	assert_int_equal(multiply_by_multiplier(5, quantize_multiplier(0.25)), 2);
	assert_int_equal(rounding_divide_by_pot(-3, 1), -2);	/* halves go away from zero */
	assert_int_equal(rounding_divide_by_pot(3, 1), 2);
	assert_int_equal(saturating_doubling_high_mul(INT32_MIN, INT32_MIN), INT32_MAX);
}

/* ONNX Runtime's: halves go to even, and a sum's zero points are one addend */
static void ort_arithmetic(void **state)
{
	float quarter = 0.25f, half = 0.5f;
	int64_t ten = 10, minus_four = -4, three = 3;
	struct tensor a = { .type = DTYPE_U8, .quant = { 1, 0, &quarter, &ten } };
	struct tensor b = { .type = DTYPE_U8, .quant = { 1, 0, &half, &three } };
	struct tensor out = { .type = DTYPE_I8, .quant = { 1, 0, &half, &minus_four } };
	struct tensor *inputs[] = { &a, &b }, *outputs[] = { &out };
	struct op op = { .kind = OP_ADD, .inputs = inputs, .outputs = outputs, .n_inputs = 2,
			 .n_outputs = 1, .attrs.numerics = NUMERICS_ORT };
	struct ort_sum sum = ort_sum_factors(&op);

	assert_true(ort_dequantize(&a, 14) == 1);
	/* 1.25 / 0.5 = 2.5 is 2, 1.75 / 0.5 = 3.5 is 4 */
	assert_int_equal(ort_quantize(&out, 1.25f), 2 - 4);
	assert_int_equal(ort_quantize(&out, 1.75f), 4 - 4);
	assert_int_equal(ort_quantize(&out, 1e30f), 127);
	assert_int_equal(ort_quantize(&out, -1e30f), -128);
	/* (a - 10) / 2 + (b - 3) - 4 */
	assert_true(sum.a == 0.5f && sum.b == 1 && sum.addend == -12);
	assert_true(ort_product_factor(&op) == 0.25f);
	assert_true(ort_mean_factor(&op, 8) == 0.0625f);
	op.kind = OP_LOGISTIC;
	assert_true(ort_function(&op, 0) == 0.5f && ort_function(&op, 100) == 1);
	op.kind = OP_LEAKY_RELU;
	op.attrs.alpha = 0.5f;
	assert_true(ort_function(&op, -3) == -1.5f && ort_function(&op, 3) == 3);
}

static void activation_ranges(void **state)
{
	float scale = 0.05f;
	int64_t zero_point = 10;
	struct tensor t = { .type = DTYPE_U8,
			    .quant = { .count = 1, .scale = &scale, .zero_point = &zero_point } };
	struct range r = activation_range(&t, ACT_RELU6);

	assert_int_equal(r.min, 10);
	assert_int_equal(r.max, 130);		/* 10 + 6 / 0.05 */
	r = activation_range(&t, ACT_RELU_N1_TO_1);
	assert_int_equal(r.min, 0);		/* 10 - 20 is below the type */
	assert_int_equal(r.max, 30);
	scale = 1e-30f;				/* 6 / scale is beyond int32 */
	r = activation_range(&t, ACT_RELU6);
	assert_int_equal(r.max, 255);
}

/* input -> CONV_2D -> L2_POOL_2D -> CONV_2D of float weights -> output */
static void every_offender_is_named(void **state)
{
	struct compiled c;
	struct test_model m;
	int a, b, d, e;

	tm_init(&m);
	a = tm_nhwc(&m, "first", 0.5f, 0, 8, 8, 4);
	b = tm_nhwc(&m, "second", 0.5f, 0, 8, 8, 4);
	d = tm_nhwc(&m, "third", 0.5f, 0, 8, 8, 4);
	e = tm_nhwc(&m, "fourth", 0.5f, 0, 8, 8, 4);
	tm_conv(&m, a, b, 1, 1, 0, 0);
	tm_unary(&m, TM_L2_POOL_2D, b, d);
	tm_conv(&m, d, e, 1, 1, 0, 0);
	m.ops[2].fields[3].bits = 4;		/* fused TANH */
	m.n_inputs = 1;
	m.inputs[0] = a;
	m.n_outputs = 1;
	m.outputs[0] = e;
	compile_refused(&c, &m);
	assert_int_equal(c.diag.count, 2);
	assert_string_equal(c.diag.messages[0].text,
			    "test.tflite: operator 1 (L2_POOL_2D): the NPU has no such operator: "
			    "(second uint8[1,8,8,4]) -> (third uint8[1,8,8,4])");
	assert_int_equal(c.diag.messages[0].op_index, 1);
	assert_non_null(strstr(c.diag.messages[1].text,
			       "operator 2 (CONV_2D): fused activation TANH is not supported: "
			       "(third uint8[1,8,8,4], weights uint8[4,1,1,4], bias int32[4])"));
	compiled_free(&c);
	tm_free(&m);
}

/* One convolution that a case spoils; the message must hold the words. */
static void expect_reason(void (*spoil)(struct test_model *m, struct tm_op *op), const char *words)
{
	struct compiled c;
	struct test_model m;
	int in, out;

	tm_init(&m);
	in = tm_nhwc(&m, "in", 0.5f, 3, 8, 8, 4);
	out = tm_nhwc(&m, "out", 0.5f, 3, 8, 8, 20);
	tm_conv(&m, in, out, 3, 1, 0, 0);
	m.n_inputs = 1;
	m.inputs[0] = in;
	m.n_outputs = 1;
	m.outputs[0] = out;
	spoil(&m, &m.ops[0]);
	compile_refused(&c, &m);
	if (!strstr(c.diag.messages[0].text, words) ||
	    !strstr(c.diag.messages[0].text, "operator 0 (CONV_2D): "))
		fail_msg("'%s' lacks '%s'", c.diag.messages[0].text, words);
	compiled_free(&c);
	tm_free(&m);
}

static void float_input(struct test_model *m, struct tm_op *op)
{
	m->tensors[op->in[0]].type = TM_F32;
}

static void no_scale(struct test_model *m, struct tm_op *op)
{
	m->tensors[op->out[0]].scale = 0;
}

static void wrong_shape(struct test_model *m, struct tm_op *op)
{
	m->tensors[op->out[0]].dims[1] = 7;
}

static void variable_weights(struct test_model *m, struct tm_op *op)
{
	m->tensors[op->in[1]].data = NULL;
}

static void wide_stride(struct test_model *m, struct tm_op *op)
{
	op->fields[1].bits = 1000;
}

static void mixed_types(struct test_model *m, struct tm_op *op)
{
	m->tensors[op->in[1]].type = TM_I8;
}

static void no_operands(struct test_model *m, struct tm_op *op)
{
	op->n_in = 1;
}

static void huge_factor(struct test_model *m, struct tm_op *op)
{
	m->tensors[op->in[0]].scale = 1e20f;
	m->tensors[op->out[0]].scale = 1e-8f;
}

static void far_zero_point(struct test_model *m, struct tm_op *op)
{
	m->tensors[op->in[0]].zero_point = 300;
}

static void reasons(void **state)
{
	expect_reason(float_input, "the input is float32: uint8 or int8 is needed (quantize");
	expect_reason(no_scale, "the output has 0 scales");
	expect_reason(wrong_shape, "has the shape [1,7,8,20], the operator makes [1,8,8,20]");
	expect_reason(variable_weights, "input 1 (weights) is neither constant nor written before");
	expect_reason(wide_stride, "stride 1000");
	expect_reason(mixed_types, "the weights are int8, the input uint8");
	expect_reason(no_operands, "1 inputs, 2 to 3 are needed");
	expect_reason(huge_factor, "at most 2^30 fits");
	expect_reason(far_zero_point, "zero point 300");
}

static void the_table_is_complete(void **state)
{
	struct enpu_operator_info info;
	unsigned int n = 0;

	while (enpu_supported_operator(n, &info)) {
		assert_non_null(info.name);
		assert_non_null(info.types);
		assert_non_null(info.restrictions);
		assert_true(!strcmp(info.runs_on, "NPU") || !strcmp(info.runs_on, "CPU") ||
			    !strcmp(info.runs_on, "NPU or CPU") ||
			    !strcmp(info.runs_on, "compiler"));
		n++;
	}
	assert_true(n > 25);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(multipliers),
		cmocka_unit_test(two_roundings),
		cmocka_unit_test(ort_arithmetic),
		cmocka_unit_test(activation_ranges),
		cmocka_unit_test(every_offender_is_named),
		cmocka_unit_test(reasons),
		cmocka_unit_test(the_table_is_complete),
	};

	return cmocka_run_group_tests_name("compiler: operators", tests, NULL, NULL);
}
