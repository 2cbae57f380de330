// SPDX-License-Identifier: MIT
/*
 * LOG_SOFTMAX of 8-bit tensors, in binary32 with a table of exponentials as TensorFlow Lite
 * computes it, and SOFTMAX and LOG_SOFTMAX of floats, in the order of its reference kernels.
 */
#include "cpu.h"

#include <math.h>

#include "values.h"

#define ENTRIES	256

/* Entry i is that of i below the largest. */
static void exponentials(const struct accel_tensor *in, float table[ENTRIES])
{
	for (int i = 0; i < ENTRIES; i++)
		table[i] = expf(-in->scale * (float)i);
}

static void log_row(const struct accel_model_step *step, const float table[ENTRIES],
		    const void *data, void *to, size_t first, uint32_t count)
{
	const struct accel_tensor *in = &step->inputs[0]->tensor, *out = &step->outputs[0]->tensor;
	int32_t most = INT32_MIN;
	float scale = in->scale / out->scale, sum, before;

	for (uint32_t i = 0; i < count; i++) {
		int32_t q = quantized_value(in, data, first + i);

		most = q > most ? q : most;
	}
	sum = table[most - quantized_value(in, data, first)];
	for (uint32_t i = 1; i < count; i++)
		sum += table[most - quantized_value(in, data, first + i)];
	before = (in->scale * (float)most + logf(sum)) / out->scale;
	for (uint32_t i = 0; i < count; i++) {
		float q = rintf(scale * (float)quantized_value(in, data, first + i) - before);

		/* beyond any value all is clamped alike; what is not a number is the lowest */
		q = q > -65536 ? q : -65536;
		q = q < 65536 ? q : 65536;
		put_quantized(out, to, first + i, (int64_t)q + out->zero_point);
	}
}

static const char *run_log_softmax(const struct accel_model_step *step, const void *const *inputs,
				   void *const *outputs)
{
	const struct accel_tensor *in = &step->inputs[0]->tensor;
	uint32_t count = in->dims[in->rank - 1];
	float table[ENTRIES];

	exponentials(in, table);
	for (size_t first = 0; first < in->elements; first += count)
		log_row(step, table, inputs[0], outputs[0], first, count);
	return NULL;
}

static const char *check_log_softmax(const struct accel_model_step *step)
{
	if (!is_map_8bit(step) || step->params_size || !step->inputs[0]->tensor.rank)
		return "log softmax: expected 8-bit tensors of one type and shape, no parameters";
	return NULL;
}

static void float_row(const struct enpu_softmax_params *p, const float *in, float *out,
		      uint32_t count)
{
	float most = in[0], sum = 0;

	for (uint32_t i = 1; i < count; i++)
		most = in[i] > most ? in[i] : most;
	for (uint32_t i = 0; i < count; i++) {
		out[i] = expf((in[i] - most) * p->beta);
		sum += out[i];
	}
	if (p->logarithm)
		sum = logf(sum);
	for (uint32_t i = 0; i < count; i++)
		out[i] = p->logarithm ? in[i] - most - sum : out[i] / sum;
}

static const char *run_f32_softmax(const struct accel_model_step *step, const void *const *inputs,
				   void *const *outputs)
{
	const struct accel_tensor *in = &step->inputs[0]->tensor;
	uint32_t count = in->dims[in->rank - 1];

	for (size_t first = 0; first < in->elements; first += count)
		float_row(step->params, (const float *)inputs[0] + first,
			  (float *)outputs[0] + first, count);
	return NULL;
}

static const char *check_f32_softmax(const struct accel_model_step *step)
{
	const struct enpu_softmax_params *p = step->params;
	const struct accel_tensor *in, *out;

	if (step->num_inputs != 1 || step->num_outputs != 1 || step->params_size != sizeof(*p))
		return "softmax: expected one input, one output, and its parameters";
	in = &step->inputs[0]->tensor;
	out = &step->outputs[0]->tensor;
	if (in->dtype != ACCEL_F32 || out->dtype != ACCEL_F32 || !in->rank ||
	    !have_same_shape(in, out))
		return "softmax: expected float tensors of one shape";
	if (p->logarithm > 1 || (p->logarithm && p->beta != 1))
		return "softmax: parameters that are not known";
	return NULL;
}

const struct accel_cpu_op accel_log_softmax_op = {
	.name = "LOG_SOFTMAX", .check = check_log_softmax, .run = run_log_softmax,
};

const struct accel_cpu_op accel_f32_softmax_op = {
	.name = "SOFTMAX", .check = check_f32_softmax, .run = run_f32_softmax,
};
