// SPDX-License-Identifier: MIT
/*
 * DIV of 8-bit tensors that broadcast. For uint8 TensorFlow Lite has a kernel, whose
 * fixed-point arithmetic is followed; int8 is the quotient of the real values. Over 0
 * both are as large as can be, or 0 if that is what is divided.
 */
#include "broadcast.h"
#include "cpu.h"
#include "fixed.h"
#include "values.h"

/* TFLite's quotient, of values from which the zero points were taken. */
static int32_t fixed_quotient(int32_t a, int32_t b, struct fixed_factor factor)
{
	struct fixed_factor inverse;
	int32_t quotient;
	int headroom;

	if (b < 0) {
		a = -a;
		b = -b;
	}
	if (!a)
		return 0;
	inverse = fixed_reciprocal(b);
	headroom = __builtin_clrsb(a);
	quotient = fixed_doubling_high_mul((int32_t)((uint32_t)a << headroom), inverse.value);
	factor.shift += inverse.shift - headroom;
	/* too small for any shift, of which TFLite's has no defined result */
	return factor.shift < -31 ? 0 : fixed_multiply(quotient, factor);
}

/* In float, as TFLite has it. */
static float real_factor(const struct accel_model_step *step)
{
	return step->inputs[0]->tensor.scale /
	       (step->inputs[1]->tensor.scale * step->outputs[0]->tensor.scale);
}

static void divide(const struct accel_model_step *step, const void *a_data, size_t i,
		   const void *b_data, size_t k, void *to, size_t at, struct fixed_factor factor)
{
	const struct accel_tensor *a = &step->inputs[0]->tensor, *b = &step->inputs[1]->tensor;
	const struct accel_tensor *out = &step->outputs[0]->tensor;
	int32_t divisor = quantized_value(b, b_data, k) - b->zero_point;

	if (out->dtype == ACCEL_U8 && divisor)
		put_quantized(out, to, at, (int64_t)out->zero_point +
			 fixed_quotient(quantized_value(a, a_data, i) - a->zero_point, divisor,
					factor));
	else
		put_real(out, to, at, real_value(a, a_data, i) / real_value(b, b_data, k));
}

static const char *run(const struct accel_model_step *step, const void *const *inputs,
		       void *const *outputs)
{
	const struct accel_tensor *out = &step->outputs[0]->tensor;
	struct fixed_factor factor = fixed_from_real((double)real_factor(step));
	struct pair_walk w = walk_pair(&step->inputs[0]->tensor, &step->inputs[1]->tensor, out);

	for (size_t n = 0; n < out->elements; n++, walk_on(&w))
		divide(step, inputs[0], w.at[0], inputs[1], w.at[1], outputs[0], n, factor);
	return NULL;
}

static const char *check(const struct accel_model_step *step)
{
	const struct accel_tensor *out;

	if (step->num_inputs != 2 || step->num_outputs != 1 || step->params_size)
		return "division: expected two inputs, one output and no parameters";
	out = &step->outputs[0]->tensor;
	for (uint32_t i = 0; i < 2; i++) {
		const struct accel_tensor *in = &step->inputs[i]->tensor;

		if (!is_8bit(in) || !is_quantized(in) || !is_quantized(out) ||
		    in->dtype != out->dtype)
			return "division: expected quantized tensors of one 8-bit type";
		if (!broadcasts(in, out))
			return "division: the inputs do not broadcast to the output";
	}
	if (!(real_factor(step) < 1 << 30))
		return "division: the scales give no usable factor";
	return NULL;
}

const struct accel_cpu_op accel_div_op = {
	.name = "DIV",
	.check = check,
	.run = run,
};
