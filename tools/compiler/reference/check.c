// SPDX-License-Identifier: MIT
/* What the reference's operators share: checks, and fused activations. */
#include <math.h>

#include "kernel.h"

const char *check_floats(const struct op *op)
{
	for (unsigned int i = 0; i < op->n_inputs; i++)
		if (op->inputs[i] && op->inputs[i]->type != DTYPE_F32)
			return "all tensors must be float32";
	for (unsigned int i = 0; i < op->n_outputs; i++)
		if (op->outputs[i]->type != DTYPE_F32)
			return "all tensors must be float32";
	return NULL;
}

const char *check_like_input(const struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];

	if (in->type != out->type)
		return "input and output are of different types";
	return same_shape(in, out) ? NULL : "input and output have different shapes";
}

bool whole_number(const struct tensor *t)
{
	return t->type == DTYPE_I32 || t->type == DTYPE_I64;
}

const char *check_ints(const struct op *op, unsigned int input, int64_t count)
{
	const struct tensor *t = op->inputs[input];

	if (!t->data || !whole_number(t))
		return "its parameters must be constant, int32 or int64";
	if (tensor_elements(t) != count)
		return "a parameter has the wrong number of elements";
	return NULL;
}

bool has_input(const struct op *op, unsigned int i)
{
	return i < op->n_inputs && op->inputs[i];
}

int find_axis(int64_t axis, int rank)
{
	if (axis < 0)
		axis += rank;
	return axis >= 0 && axis < rank ? (int)axis : -1;
}

void activate(enum activation act, float *data, int64_t n)
{
	static const struct {
		float min, max;
	} limits[ACT_COUNT] = {
		[ACT_RELU] = { 0, INFINITY }, [ACT_RELU6] = { 0, 6 },
		[ACT_RELU_N1_TO_1] = { -1, 1 },
	};
	float min = limits[act].min, max = limits[act].max;

	if (act == ACT_TANH)
		for (int64_t i = 0; i < n; i++)
			data[i] = tanhf(data[i]);
	if (!max)
		return;
	for (int64_t i = 0; i < n; i++) {
		float x = data[i] < min ? min : data[i];

		data[i] = x > max ? max : x;
	}
}
