/* SPDX-License-Identifier: MIT */
/* The quantized tensors of steps on the CPU, element by element. */
#ifndef LIBACCEL_VALUES_H
#define LIBACCEL_VALUES_H

#include <math.h>
#include <string.h>

#include "model.h"

static inline int is_8bit(const struct accel_tensor *tensor)
{
	return tensor->dtype == ACCEL_U8 || tensor->dtype == ACCEL_S8;
}

/* 8 or 16 bits */
static inline int is_narrow(const struct accel_tensor *tensor)
{
	return is_8bit(tensor) || tensor->dtype == ACCEL_S16;
}

static inline int32_t quantized_value(const struct accel_tensor *tensor, const void *data, size_t i)
{
	switch (tensor->dtype) {
	case ACCEL_S8:
		return ((const int8_t *)data)[i];
	case ACCEL_S16:
		return ((const int16_t *)data)[i];
	default:
		return ((const uint8_t *)data)[i];
	}
}

static inline double real_value(const struct accel_tensor *tensor, const void *data, size_t i)
{
	return (double)tensor->scale * (quantized_value(tensor, data, i) - tensor->zero_point);
}

static inline void put_quantized(const struct accel_tensor *tensor, void *data, size_t i, int64_t q)
{
	int64_t lowest = tensor->dtype == ACCEL_S16 ? INT16_MIN :
			 tensor->dtype == ACCEL_S8 ? INT8_MIN : 0;
	int64_t highest = lowest + (tensor->dtype == ACCEL_S16 ? UINT16_MAX : UINT8_MAX);

	q = q < lowest ? lowest : q > highest ? highest : q;
	if (tensor->dtype == ACCEL_S16)
		((int16_t *)data)[i] = (int16_t)q;
	else
		((uint8_t *)data)[i] = (uint8_t)q;
}

/* Rounded half away from zero; what is not a number becomes 0. */
static inline void put_real(const struct accel_tensor *tensor, void *data, size_t i, double x)
{
	double q = round(x / (double)tensor->scale);

	if (isnan(q))
		q = 0;
	else if (fabs(q) > 65536)
		q = q > 0 ? 65536 : -65536;
	put_quantized(tensor, data, i, (int64_t)q + tensor->zero_point);
}

static inline int is_quantized(const struct accel_tensor *tensor)
{
	return is_narrow(tensor) && tensor->scale > 0;
}

static inline int have_same_shape(const struct accel_tensor *a, const struct accel_tensor *b)
{
	return a->rank == b->rank && !memcmp(a->dims, b->dims, sizeof(a->dims));
}

/* One input and one output, quantized, of the same shape and type. */
static inline int is_map(const struct accel_model_step *step)
{
	const struct accel_tensor *in, *out;

	if (step->num_inputs != 1 || step->num_outputs != 1)
		return 0;
	in = &step->inputs[0]->tensor;
	out = &step->outputs[0]->tensor;
	return is_quantized(in) && is_quantized(out) && in->dtype == out->dtype &&
	       have_same_shape(in, out);
}

static inline int is_map_8bit(const struct accel_model_step *step)
{
	return is_map(step) && is_8bit(&step->inputs[0]->tensor);
}

#endif
