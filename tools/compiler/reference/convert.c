// SPDX-License-Identifier: MIT
/* Between types: CAST, QUANTIZE, DEQUANTIZE; and LOGICAL_NOT. */
#include <math.h>
#include <string.h>

#include "kernel.h"

/* A number of any type: floats are exact as doubles, integers as int64. */
struct number {
	bool real;
	double f;
	int64_t i;
};

static float half_to_float(uint16_t half)
{
	uint32_t exponent = half >> 10 & 0x1f, fraction = half & 0x3ff;
	float value;

	if (exponent == 0x1f)
		value = fraction ? NAN : INFINITY;
	else if (exponent)
		value = ldexpf((float)(fraction | 0x400), (int)exponent - 25);
	else
		value = ldexpf((float)fraction, -24);
	return half & 0x8000 ? -value : value;
}

/* Rounded to the nearest, halves to even. */
static uint16_t float_to_half(float value)
{
	uint16_t sign = signbit(value) ? 0x8000 : 0;
	float scaled;
	int exponent;

	if (isnan(value))
		return sign | 0x7e00;
	value = fabsf(value);
	if (value >= 65520)
		return sign | 0x7c00;
	frexpf(value, &exponent);
	if (exponent < -13)
		exponent = -13;
	/* the fraction's last bit becomes the unit */
	scaled = nearbyintf(ldexpf(value, 11 - exponent));
	return sign | (uint16_t)((uint32_t)(exponent + 13) * 0x400 + (uint32_t)scaled);
}

static struct number load(enum dtype type, const void *data, int64_t i)
{
	switch (type) {
	case DTYPE_F32:
		return (struct number){ .real = true, .f = ((const float *)data)[i] };
	case DTYPE_F64:
		return (struct number){ .real = true, .f = ((const double *)data)[i] };
	case DTYPE_F16:
		return (struct number){ .real = true,
					.f = half_to_float(((const uint16_t *)data)[i]) };
	case DTYPE_I64:
	case DTYPE_U64:
		return (struct number){ .i = ((const int64_t *)data)[i] };
	case DTYPE_I32:
		return (struct number){ .i = ((const int32_t *)data)[i] };
	case DTYPE_U32:
		return (struct number){ .i = ((const uint32_t *)data)[i] };
	case DTYPE_I16:
		return (struct number){ .i = ((const int16_t *)data)[i] };
	case DTYPE_U16:
		return (struct number){ .i = ((const uint16_t *)data)[i] };
	case DTYPE_I8:
		return (struct number){ .i = ((const int8_t *)data)[i] };
	case DTYPE_BOOL:
		return (struct number){ .i = !!((const uint8_t *)data)[i] };
	default:
		return (struct number){ .i = ((const uint8_t *)data)[i] };
	}
}

/* What C leaves open is 0 or the nearest that there is. */
static int64_t truncate_real(double x)
{
	if (isnan(x))
		return 0;
	return x <= -0x1p63 ? INT64_MIN : x >= 0x1p63 ? INT64_MAX : (int64_t)x;
}

static void store(enum dtype type, void *data, int64_t i, struct number x)
{
	double f = x.real ? x.f : (double)x.i;
	int64_t n = x.real ? truncate_real(x.f) : x.i;

	switch (type) {
	case DTYPE_F32:
		((float *)data)[i] = x.real ? (float)f : (float)x.i;
		break;
	case DTYPE_F64:
		((double *)data)[i] = f;
		break;
	case DTYPE_F16:
		((uint16_t *)data)[i] = float_to_half((float)f);
		break;
	case DTYPE_I64:
	case DTYPE_U64:
		((int64_t *)data)[i] = n;
		break;
	case DTYPE_I32:
	case DTYPE_U32:
		((uint32_t *)data)[i] = (uint32_t)n;
		break;
	case DTYPE_I16:
	case DTYPE_U16:
		((uint16_t *)data)[i] = (uint16_t)n;
		break;
	case DTYPE_BOOL:
		((uint8_t *)data)[i] = x.real ? x.f != 0 : x.i != 0;
		break;
	default:
		((uint8_t *)data)[i] = (uint8_t)n;
		break;
	}
}

static bool is_number(enum dtype type)
{
	static const bool numbers[DTYPE_COUNT] = {
		[DTYPE_F32] = true, [DTYPE_F16] = true, [DTYPE_F64] = true, [DTYPE_I64] = true,
		[DTYPE_I32] = true, [DTYPE_U32] = true, [DTYPE_I16] = true, [DTYPE_U16] = true,
		[DTYPE_U64] = true, [DTYPE_I8] = true, [DTYPE_U8] = true, [DTYPE_BOOL] = true,
	};

	return numbers[type];
}

const char *check_cast(const struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];

	if (!is_number(in->type) || !is_number(out->type))
		return "not between these types";
	return same_shape(in, out) ? NULL : "input and output have different shapes";
}

int run_cast(const struct call *c)
{
	const struct tensor *in = c->op->inputs[0], *out = c->op->outputs[0];
	int64_t n = tensor_elements(in);

	for (int64_t i = 0; i < n; i++)
		store(out->type, c->out[0], i, load(in->type, c->in[0], i));
	return 0;
}

static bool quantized_type(enum dtype type)
{
	return type == DTYPE_I8 || type == DTYPE_U8 || type == DTYPE_I16 || type == DTYPE_U16 ||
	       type == DTYPE_I32;
}

static const char *check_scales(const struct tensor *t)
{
	const struct quant *q = &t->quant;

	if (!q->count)
		return "the quantized tensor has no scale";
	if (q->count > 1 && (q->axis < 0 || q->axis >= t->rank ||
			     (uint32_t)t->dims[q->axis] != q->count))
		return "the scales do not fit the tensor";
	return NULL;
}

/* Elements that share a scale before the next one comes. */
static int64_t scale_run(const struct tensor *t)
{
	int64_t n = 1;

	for (int d = t->rank - 1; d > t->quant.axis; d--)
		n *= t->dims[d];
	return n;
}

const char *check_dequantized(const struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];

	if (out->type != DTYPE_F32)
		return "the output must be float32";
	if (!same_shape(in, out))
		return "input and output have different shapes";
	if (in->type == DTYPE_F16)
		return NULL;
	return quantized_type(in->type) ? check_scales(in) : "not from this type";
}

int run_dequantized(const struct call *c)
{
	const struct tensor *in = c->op->inputs[0];
	int64_t n = tensor_elements(in), run = scale_run(in);
	const struct quant *q = &in->quant;
	float *out = c->out[0];

	for (int64_t i = 0; i < n; i++) {
		struct number x = load(in->type, c->in[0], i);
		uint32_t k = q->count > 1 ? i / run % q->count : 0;

		out[i] = in->type == DTYPE_F16 ? (float)x.f :
			 q->scale[k] * (float)(x.i - q->zero_point[k]);
	}
	return 0;
}

const char *check_quantized(const struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];

	if (in->type != DTYPE_F32 || !quantized_type(out->type))
		return "only from float32 to a quantized type";
	return same_shape(in, out) ? check_scales(out) : "input and output have different shapes";
}

int run_quantized(const struct call *c)
{
	const struct tensor *out = c->op->outputs[0];
	int64_t n = tensor_elements(out), run = scale_run(out);
	bool is_signed = out->type == DTYPE_I8 || out->type == DTYPE_I16 || out->type == DTYPE_I32;
	unsigned int bits = dtype_bits(out->type);
	double min = is_signed ? -ldexp(1, (int)bits - 1) : 0;
	double max = ldexp(1, (int)bits - is_signed) - 1;
	const struct quant *q = &out->quant;
	const float *in = c->in[0];

	for (int64_t i = 0; i < n; i++) {
		uint32_t k = q->count > 1 ? i / run % q->count : 0;
		float scaled = in[i] / q->scale[k];
		double x = c->op->attrs.numerics == NUMERICS_ORT ? nearbyintf(scaled)
								: roundf(scaled);

		x += (double)q->zero_point[k];
		x = x > min ? x : min;
		store(out->type, c->out[0], i,
		      (struct number){ .i = (int64_t)(x < max ? x : max) });
	}
	return 0;
}

const char *check_not(const struct op *op)
{
	if (op->inputs[0]->type != DTYPE_BOOL)
		return "the input must be bool";
	return check_like_input(op);
}

int run_not(const struct call *c)
{
	int64_t n = tensor_elements(c->op->inputs[0]);

	for (int64_t i = 0; i < n; i++)
		((uint8_t *)c->out[0])[i] = !((const uint8_t *)c->in[0])[i];
	return 0;
}
