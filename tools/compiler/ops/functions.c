// SPDX-License-Identifier: MIT
/*
 * Functions of one value that TFLite has no 8-bit kernel for: of the real value, in
 * binary64, rounded half away from zero and clamped. What is not a number becomes 0.
 */
#include <math.h>
#include <string.h>

#include "quantize.h"
#include "unary.h"

static double clip(const struct op_attrs *a, double x)
{
	return x < a->alpha ? a->alpha : x > a->beta ? a->beta : x;
}

static double elu(const struct op_attrs *a, double x)
{
	return x < 0 ? a->alpha * expm1(x) : x;
}

static double hard_sigmoid(const struct op_attrs *a, double x)
{
	double y = a->alpha * x + a->beta;

	return y < 0 ? 0 : y > 1 ? 1 : y;
}

static double softplus(const struct op_attrs *a, double x)
{
	return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

static double mish(const struct op_attrs *a, double x)
{
	return x * tanh(softplus(a, x));
}

/* Klambauer and others' constants, as binary32 */
static double selu(const struct op_attrs *a, double x)
{
	return (double)1.0507009873554804934f *
	       (x < 0 ? (double)1.6732632423543772848f * expm1(x) : x);
}

static double sign(const struct op_attrs *a, double x)
{
	return (x > 0) - (x < 0);
}

static double silu(const struct op_attrs *a, double x)
{
	return x / (1 + exp(-x));
}

static double softsign(const struct op_attrs *a, double x)
{
	return x / (1 + fabs(x));
}

static double square(const struct op_attrs *a, double x)
{
	return x * x;
}

static double reciprocal(const struct op_attrs *a, double x)
{
	return 1 / x;
}

static double rsqrt(const struct op_attrs *a, double x)
{
	return 1 / sqrt(x);
}

static double negate(const struct op_attrs *a, double x)
{
	return -x;
}

/* Functions of the C library; ROUND goes to even, as TFLite's and ONNX's do. */
#define MATH(name)						\
static double math_##name(const struct op_attrs *a, double x)	\
{								\
	return name(x);						\
}
MATH(ceil)
MATH(cos)
MATH(erf)
MATH(exp)
MATH(fabs)
MATH(floor)
MATH(log)
MATH(nearbyint)
MATH(sin)
MATH(sqrt)
#undef MATH

typedef double (*function)(const struct op_attrs *a, double x);

static function function_of(const struct op *op)
{
	static const function functions[OP_KINDS] = {
		[OP_ABS] = math_fabs, [OP_CEIL] = math_ceil, [OP_CLIP] = clip, [OP_COS] = math_cos,
		[OP_ELU] = elu, [OP_ERF] = math_erf, [OP_EXP] = math_exp, [OP_FLOOR] = math_floor,
		[OP_HARD_SIGMOID] = hard_sigmoid, [OP_LOG] = math_log, [OP_MISH] = mish,
		[OP_NEG] = negate, [OP_RECIPROCAL] = reciprocal, [OP_ROUND] = math_nearbyint,
		[OP_RSQRT] = rsqrt, [OP_SELU] = selu, [OP_SIGN] = sign, [OP_SILU] = silu,
		[OP_SIN] = math_sin, [OP_SOFTPLUS] = softplus, [OP_SOFTSIGN] = softsign,
		[OP_SQRT] = math_sqrt, [OP_SQUARE] = square,
	};

	return functions[op->kind];
}

bool has_function(const struct op *op)
{
	return function_of(op) || op->kind == OP_POW || op->kind == OP_DIV;
}

double real_constant(const struct tensor *t, int64_t i)
{
	float f;
	int64_t q;

	if (t->type == DTYPE_F32) {
		memcpy(&f, t->data + 4 * i, sizeof(f));
		return f;
	}
	q = t->type == DTYPE_U8 ? t->data[i] : t->type == DTYPE_I8 ? (int8_t)t->data[i] :
								       tensor_int(t, i);
	if (!t->quant.count)
		return q;
	return (double)t->quant.scale[0] * (double)(q - t->quant.zero_point[0]);
}

const char *check_real_constant(struct graph *g, const struct tensor *t, const char *what)
{
	if (!t || !t->data || tensor_elements(t) != 1)
		return arena_printf(g->arena, "%s must be one constant value", what);
	if (t->type == DTYPE_F32 || t->type == DTYPE_I32 || t->type == DTYPE_I64)
		return NULL;
	if ((t->type == DTYPE_U8 || t->type == DTYPE_I8) && t->quant.count == 1)
		return NULL;
	return arena_printf(g->arena, "%s is %s: float32, int32 or quantized to 8 bits is needed",
			    what, dtype_name(t->type));
}

double function_value(const struct op *op, double x)
{
	switch (op->kind) {
	case OP_POW:
		return pow(x, real_constant(op->inputs[1], 0));
	case OP_DIV:
		return x / real_constant(op->inputs[1], 0);
	default:
		return function_of(op)(&op->attrs, x);
	}
}

int32_t quantized_real(const struct tensor *out, double y)
{
	double q = round(y / (double)out->quant.scale[0]);

	/* beyond any 8-bit value all is clamped alike */
	if (isnan(q))
		q = 0;
	else if (fabs(q) > 65536)
		q = q > 0 ? 65536 : -65536;
	return (int32_t)q + (int32_t)out->quant.zero_point[0];
}

int32_t apply_function(const struct op *op, int32_t q)
{
	const struct quant *from = &op->inputs[0]->quant;
	double x = (double)from->scale[0] * (double)(q - from->zero_point[0]);

	return quantized_real(op->outputs[0], function_value(op, x));
}
