// SPDX-License-Identifier: MIT
/*
 * DEQUANTIZE and QUANTIZE: between the NPU's tensors of 8 or 16 bits and the floats
 * that some models begin or end with, to the bit as TensorFlow Lite's reference
 * kernels do it: the first multiplies in binary64, the second divides in
 * binary32 and rounds halves away from zero; ONNX's rounds them to even.
 */
#include "cpu.h"

#include <math.h>

#include "model.h"
#include "values.h"

static const char *run_dequantize(const struct accel_model_step *step, const void *const *inputs,
				  void *const *outputs)
{
	const struct accel_tensor *in = &step->inputs[0]->tensor;
	double scale = (double)in->scale;
	float *out = outputs[0];

	for (size_t i = 0; i < in->elements; i++)
		out[i] = (float)(scale * (quantized_value(in, inputs[0], i) - in->zero_point));
	return NULL;
}

static const char *quantize(const struct accel_model_step *step, const void *const *inputs,
			    void *const *outputs, float (*round)(float))
{
	const struct accel_tensor *to = &step->outputs[0]->tensor;
	const float *in = inputs[0];

	for (size_t i = 0; i < to->elements; i++) {
		float q = round(in[i] / to->scale) + (float)to->zero_point;

		/* beyond any value all is clamped alike; what is not a number is the lowest */
		if (!(q > -65536))
			q = -65536;
		else if (q > 65536)
			q = 65536;
		put_quantized(to, outputs[0], i, (int64_t)q);
	}
	return NULL;
}

static const char *run_quantize(const struct accel_model_step *step, const void *const *inputs,
				void *const *outputs)
{
	return quantize(step, inputs, outputs, roundf);
}

static const char *run_quantize_even(const struct accel_model_step *step,
				     const void *const *inputs, void *const *outputs)
{
	return quantize(step, inputs, outputs, rintf);
}

static const char *check(const struct accel_model_step *step, int from_narrow)
{
	const struct accel_tensor *narrow, *wide;

	if (step->num_inputs != 1 || step->num_outputs != 1 || step->params_size)
		return "conversion: expected one input, one output and no parameters";
	narrow = from_narrow ? &step->inputs[0]->tensor : &step->outputs[0]->tensor;
	wide = from_narrow ? &step->outputs[0]->tensor : &step->inputs[0]->tensor;
	if (!is_narrow(narrow) || wide->dtype != ACCEL_F32 || narrow->elements != wide->elements)
		return "conversion: expected as many elements of 8 or 16 bits as of float";
	if (!(narrow->scale > 0))
		return "conversion: the quantized tensor has no scale";
	return NULL;
}

static const char *check_dequantize(const struct accel_model_step *step)
{
	return check(step, 1);
}

static const char *check_quantize(const struct accel_model_step *step)
{
	return check(step, 0);
}

const struct accel_cpu_op accel_dequantize_op = {
	.name = "DEQUANTIZE",
	.check = check_dequantize,
	.run = run_dequantize,
};

const struct accel_cpu_op accel_quantize_op = {
	.name = "QUANTIZE",
	.check = check_quantize,
	.run = run_quantize,
};

const struct accel_cpu_op accel_quantize_even_op = {
	.name = "QUANTIZE",
	.check = check_quantize,
	.run = run_quantize_even,
};
