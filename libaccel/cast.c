// SPDX-License-Identifier: MIT
/*
 * CAST: numbers as they are stored, whatever scale a tensor has, to another type. As in C, but
 * defined everywhere: integers wrap round; floats lose their fraction, what is beyond the
 * type becomes its bound, and what is not a number 0.
 */
#include "cpu.h"

#include <math.h>

#include "values.h"

#define TYPES	(ACCEL_S64 + 1)

static const struct {
	int64_t least, most;
	int known;
} integers[TYPES] = {
	[ACCEL_U8] = { 0, UINT8_MAX, 1 }, [ACCEL_S8] = { INT8_MIN, INT8_MAX, 1 },
	[ACCEL_S16] = { INT16_MIN, INT16_MAX, 1 }, [ACCEL_S32] = { INT32_MIN, INT32_MAX, 1 },
	[ACCEL_S64] = { INT64_MIN, INT64_MAX, 1 },
};

static int64_t integer_at(enum accel_dtype type, const void *data, size_t i)
{
	switch (type) {
	case ACCEL_S8:
		return ((const int8_t *)data)[i];
	case ACCEL_S16:
		return ((const int16_t *)data)[i];
	case ACCEL_S32:
		return ((const int32_t *)data)[i];
	case ACCEL_S64:
		return ((const int64_t *)data)[i];
	default:
		return ((const uint8_t *)data)[i];
	}
}

static void put_integer(enum accel_dtype type, void *data, size_t i, int64_t x)
{
	switch (type) {
	case ACCEL_S16:
		((uint16_t *)data)[i] = (uint16_t)x;
		break;
	case ACCEL_S32:
		((uint32_t *)data)[i] = (uint32_t)x;
		break;
	case ACCEL_S64:
		((int64_t *)data)[i] = x;
		break;
	default:
		((uint8_t *)data)[i] = (uint8_t)x;
		break;
	}
}

static int64_t whole(enum accel_dtype type, float x)
{
	if (isnan(x))
		return 0;
	if (x <= (float)integers[type].least)
		return integers[type].least;
	if (x >= (float)integers[type].most)
		return integers[type].most;
	return (int64_t)x;
}

static const char *run(const struct accel_model_step *step, const void *const *inputs,
		       void *const *outputs)
{
	enum accel_dtype from = step->inputs[0]->tensor.dtype, to = step->outputs[0]->tensor.dtype;
	const float *real = inputs[0];

	for (size_t i = 0; i < step->outputs[0]->tensor.elements; i++) {
		if (to == ACCEL_F32)
			((float *)outputs[0])[i] = from == ACCEL_F32 ? real[i] :
						   (float)integer_at(from, inputs[0], i);
		else
			put_integer(to, outputs[0], i, from == ACCEL_F32 ? whole(to, real[i]) :
						       integer_at(from, inputs[0], i));
	}
	return NULL;
}

static int is_known(const struct accel_tensor *t)
{
	return t->dtype == ACCEL_F32 || (t->dtype < TYPES && integers[t->dtype].known);
}

static const char *check(const struct accel_model_step *step)
{
	if (step->num_inputs != 1 || step->num_outputs != 1 || step->params_size)
		return "cast: expected one input, one output and no parameters";
	if (!is_known(&step->inputs[0]->tensor) || !is_known(&step->outputs[0]->tensor))
		return "cast: a type is not known";
	if (!have_same_shape(&step->inputs[0]->tensor, &step->outputs[0]->tensor))
		return "cast: the shapes differ";
	return NULL;
}

const struct accel_cpu_op accel_cast_op = {
	.name = "CAST", .check = check, .run = run,
};
