// SPDX-License-Identifier: MIT
/*
 * CONCATENATION of floats: for outputs that hold things of different kinds, boxes and
 * scores, which on the NPU could not have one scale.
 */
#include "cpu.h"

#include <string.h>

#include <enpu/model.h>

#include "model.h"

static uint32_t axis_of(const struct accel_model_step *step)
{
	const struct enpu_concatenation_params *params = step->params;

	return params->axis;
}

static const char *check(const struct accel_model_step *step)
{
	const struct accel_tensor *out;
	uint64_t along = 0;
	uint32_t axis;

	if (!step->num_inputs || step->num_outputs != 1 ||
	    step->params_size != sizeof(struct enpu_concatenation_params))
		return "concatenation: expected inputs, one output and an axis";
	out = &step->outputs[0]->tensor;
	axis = axis_of(step);
	if (out->dtype != ACCEL_F32 || axis >= out->rank)
		return "concatenation: expected a float output that has the axis";
	for (uint32_t i = 0; i < step->num_inputs; i++) {
		const struct accel_tensor *in = &step->inputs[i]->tensor;

		if (in->dtype != ACCEL_F32 || in->rank != out->rank)
			return "concatenation: expected inputs like the output";
		for (uint32_t d = 0; d < out->rank; d++)
			if (d != axis && in->dims[d] != out->dims[d])
				return "concatenation: an input's shape doesn't fit the output's";
		along += in->dims[axis];
	}
	return along == out->dims[axis] ? NULL : "concatenation: the inputs don't fill the output";
}

static const char *run(const struct accel_model_step *step, const void *const *inputs,
		       void *const *outputs)
{
	const struct accel_tensor *out = &step->outputs[0]->tensor;
	uint32_t axis = axis_of(step);
	size_t outer = 1, row = out->elements, at = 0;

	for (uint32_t d = 0; d < axis; d++)
		outer *= out->dims[d];
	row /= outer;
	for (uint32_t i = 0; i < step->num_inputs; i++) {
		size_t part = step->inputs[i]->tensor.elements / outer;
		const float *from = inputs[i];
		float *to = (float *)outputs[0] + at;

		for (size_t n = 0; n < outer; n++)
			memcpy(to + n * row, from + n * part, part * sizeof(*to));
		at += part;
	}
	return NULL;
}

const struct accel_cpu_op accel_concatenation_op = {
	.name = "CONCATENATION",
	.check = check,
	.run = run,
};
