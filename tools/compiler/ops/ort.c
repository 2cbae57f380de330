// SPDX-License-Identifier: MIT
/* The arithmetic of ONNX Runtime's integer kernels: see ort.h. */
#include "ort.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "conv.h"
#include "quantize.h"

bool follows_ort(const struct op *op)
{
	return op->attrs.numerics != NUMERICS_TFLITE;
}

enum enpu_requant device_requant(const struct op *op)
{
	return follows_ort(op) ? ENPU_REQUANT_FP32 : ENPU_REQUANT_DOUBLE;
}

struct enpu_scale ort_scale(float factor)
{
	struct enpu_scale scale = { 0 };

	memcpy(&scale.multiplier, &factor, sizeof(factor));
	return scale;
}

const char *check_ort_factor(struct graph *g, float factor)
{
	if (isfinite(factor))
		return NULL;
	return arena_printf(g->arena, "the scales give the factor %g", factor);
}

static float scale_of(const struct tensor *t)
{
	return t->quant.scale[0];
}

float ort_channel_factor(const struct op *op, uint32_t c)
{
	const struct quant *w = &op->inputs[1]->quant;

	return scale_of(conv_input(op)) * w->scale[w->count > 1 ? c : 0] / scale_of(op->outputs[0]);
}

float ort_product_factor(const struct op *op)
{
	return scale_of(op->inputs[0]) * scale_of(op->inputs[1]) / scale_of(op->outputs[0]);
}

float ort_mean_factor(const struct op *op, int64_t n)
{
	return scale_of(op->inputs[0]) / (scale_of(op->outputs[0]) * (float)n);
}

/* The zero points are taken out at the end, all at once. */
struct ort_sum ort_sum_factors(const struct op *op)
{
	const struct tensor *a = op->inputs[0], *b = op->inputs[1], *out = op->outputs[0];
	struct ort_sum s = { scale_of(a) / scale_of(out), scale_of(b) / scale_of(out), 0 };
	float zero_a = (float)a->quant.zero_point[0], zero_b = (float)b->quant.zero_point[0];

	if (op->kind == OP_SUB)
		zero_b = -zero_b;
	s.addend = (float)out->quant.zero_point[0] - fmaf(s.a, zero_a, s.b * zero_b);
	return s;
}

/*
 * The exponentials are as large as a sum of @n of them can be in binary32, with a reserve,
 * so that the smallest still count.
 */
void ort_softmax_table(const struct op *op, int32_t n, float table[256])
{
	const double reserve = 5;
	double scale = (double)scale_of(op->inputs[0]);
	double most = log((double)(FLT_MAX / (float)n)) - reserve;

	most = (most > 0 ? most : 0) / scale;
	for (int i = 0; i < 256; i++)
		table[i] = (float)exp((most - i) * scale);
}

float ort_softmax_factor(const struct op *op)
{
	return floorf(1.f / scale_of(op->outputs[0]));
}

float ort_dequantize(const struct tensor *t, int32_t q)
{
	return scale_of(t) * (float)(q - (int32_t)t->quant.zero_point[0]);
}

int32_t ort_quantize(const struct tensor *t, float value)
{
	struct range r = dtype_range(t->type);
	int32_t zero_point = (int32_t)t->quant.zero_point[0];
	float least = (float)(r.min - zero_point), most = (float)(r.max - zero_point);
	float v = value / scale_of(t);

	/* no number counts as the least value */
	v = v > least ? v : least;
	v = v < most ? v : most;
	return (int32_t)rintf(v) + zero_point;
}

static float polynomial(const float *coefficients, unsigned int n, float x)
{
	float sum = coefficients[0];

	for (unsigned int i = 1; i < n; i++)
		sum = fmaf(sum, x, coefficients[i]);
	return sum;
}

/* A quotient of polynomials in x squared, which is what the vector kernels compute. */
static float logistic(float x)
{
	static const float above[] = {
		4.37031012579801e-11f, 1.15627324459942e-07f, 6.08574864600143e-05f,
		8.51377133304701e-03f, 2.48287947061529e-01f,
	};
	static const float below[] = {
		6.10247389755681e-13f, 5.76102136993427e-09f, 6.29106785017040e-06f,
		1.70198817374094e-03f, 1.16817656904453e-01f, 9.93151921023180e-01f,
	};
	float square, y;

	x = x < -18.f ? -18.f : x > 18.f ? 18.f : x;
	square = x * x;
	y = polynomial(above, 5, square) * x / polynomial(below, 6, square) + 0.5f;
	return y < 0 ? 0 : y > 1 ? 1 : y;
}

static const bool has_function[OP_KINDS] = {
	[OP_ABS] = true, [OP_HARD_SWISH] = true, [OP_LEAKY_RELU] = true, [OP_LOGISTIC] = true,
	[OP_QUANTIZE] = true, [OP_RELU] = true, [OP_RELU6] = true, [OP_RELU_N1_TO_1] = true,
};

bool ort_has_function(enum op_kind kind)
{
	return has_function[kind];
}

static float bounded(float x, float least, float most)
{
	return x < least ? least : x > most ? most : x;
}

float ort_function(const struct op *op, float x)
{
	switch (op->kind) {
	case OP_ABS:
		return fabsf(x);
	case OP_HARD_SWISH:
		return x * bounded(x * (1.f / 6) + 0.5f, 0, 1);
	case OP_LEAKY_RELU:
		return x >= 0 ? x : op->attrs.alpha * x;
	case OP_LOGISTIC:
		return logistic(x);
	case OP_RELU:
		return x > 0 ? x : 0;
	case OP_RELU6:
		return bounded(x, 0, 6);
	case OP_RELU_N1_TO_1:
		return bounded(x, -1, 1);
	default:
		return x;
	}
}
