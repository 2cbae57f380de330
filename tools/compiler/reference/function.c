// SPDX-License-Identifier: MIT
/* Functions of one value, and PRELU. */
#include <math.h>

#include "kernel.h"
#include "nd.h"

#define SQRT_HALF	0.70710678118654752440f
#define SELU_ALPHA	1.67326319217681884765625f
#define SELU_GAMMA	1.05070102214813232421875f

typedef void (*function_row)(float *out, const float *in, int64_t n, const struct op_attrs *a);

#define FUNCTION(name, expr)							\
static void name(float *out, const float *in, int64_t n, const struct op_attrs *a) \
{										\
	for (int64_t i = 0; i < n; i++) {					\
		float x = in[i];						\
										\
		out[i] = (expr);						\
	}									\
}

static float clamp(float x, float min, float max)
{
	return x < min ? min : x > max ? max : x;
}

static float sigmoid(float x)
{
	return 1 / (1 + expf(-x));
}

static float softplus(float x)
{
	return x > 0 ? x + log1pf(expf(-x)) : log1pf(expf(x));
}

/* As TensorFlow Lite and ONNX have it: to the even neighbour. */
static float round_even(float x)
{
	return nearbyintf(x);
}

static float gelu(float x, bool approximate)
{
	if (approximate)
		return 0.5f * x * (1 + tanhf(0.797884560802865f * (x + 0.044715f * x * x * x)));
	return 0.5f * x * (1 + erff(x * SQRT_HALF));
}

FUNCTION(do_abs, fabsf(x))
FUNCTION(do_ceil, ceilf(x))
FUNCTION(do_clip, clamp(x, a->alpha, a->beta))
FUNCTION(do_cos, cosf(x))
FUNCTION(do_elu, x < 0 ? (a->alpha) * expm1f(x) : x)
FUNCTION(do_erf, erff(x))
FUNCTION(do_exp, expf(x))
FUNCTION(do_floor, floorf(x))
FUNCTION(do_gelu, gelu(x, a->approximate))
FUNCTION(do_hard_sigmoid, clamp(a->alpha * x + a->beta, 0, 1))
FUNCTION(do_hard_swish, x * clamp(x + 3, 0, 6) / 6)
FUNCTION(do_leaky_relu, x < 0 ? x * a->alpha : x)
FUNCTION(do_log, logf(x))
FUNCTION(do_logistic, sigmoid(x))
FUNCTION(do_mish, x * tanhf(softplus(x)))
FUNCTION(do_neg, -x)
FUNCTION(do_reciprocal, 1 / x)
FUNCTION(do_relu, x < 0 ? 0 : x)
FUNCTION(do_relu6, clamp(x, 0, 6))
FUNCTION(do_relu_n1_to_1, clamp(x, -1, 1))
FUNCTION(do_round, round_even(x))
FUNCTION(do_rsqrt, 1 / sqrtf(x))
FUNCTION(do_selu, SELU_GAMMA * (x < 0 ? SELU_ALPHA * expm1f(x) : x))
FUNCTION(do_sign, (float)((x > 0) - (x < 0)))
FUNCTION(do_silu, x * sigmoid(x))
FUNCTION(do_sin, sinf(x))
FUNCTION(do_softplus, softplus(x))
FUNCTION(do_softsign, x / (1 + fabsf(x)))
FUNCTION(do_sqrt, sqrtf(x))
FUNCTION(do_square, x * x)
FUNCTION(do_tanh, tanhf(x))

static const function_row functions[OP_KINDS] = {
	[OP_ABS] = do_abs, [OP_CEIL] = do_ceil, [OP_CLIP] = do_clip, [OP_COS] = do_cos,
	[OP_ELU] = do_elu, [OP_ERF] = do_erf, [OP_EXP] = do_exp, [OP_FLOOR] = do_floor,
	[OP_GELU] = do_gelu, [OP_HARD_SIGMOID] = do_hard_sigmoid,
	[OP_HARD_SWISH] = do_hard_swish, [OP_LEAKY_RELU] = do_leaky_relu, [OP_LOG] = do_log,
	[OP_LOGISTIC] = do_logistic, [OP_MISH] = do_mish, [OP_NEG] = do_neg,
	[OP_RECIPROCAL] = do_reciprocal, [OP_RELU] = do_relu, [OP_RELU6] = do_relu6,
	[OP_RELU_N1_TO_1] = do_relu_n1_to_1, [OP_ROUND] = do_round, [OP_RSQRT] = do_rsqrt,
	[OP_SELU] = do_selu, [OP_SIGN] = do_sign, [OP_SILU] = do_silu, [OP_SIN] = do_sin,
	[OP_SOFTPLUS] = do_softplus, [OP_SOFTSIGN] = do_softsign, [OP_SQRT] = do_sqrt,
	[OP_SQUARE] = do_square, [OP_TANH] = do_tanh,
};

/* Those that stay whole numbers; what is too large wraps around. */
static int64_t whole_function(enum op_kind kind, int64_t x)
{
	uint64_t u = (uint64_t)x;

	switch (kind) {
	case OP_ABS:
		return x < 0 ? (int64_t)(0 - u) : x;
	case OP_NEG:
		return (int64_t)(0 - u);
	case OP_RELU:
		return x < 0 ? 0 : x;
	case OP_SQUARE:
		return (int64_t)(u * u);
	default:
		return (x > 0) - (x < 0);
	}
}

static bool stays_whole(const struct op *op)
{
	return op->inputs[0]->type == DTYPE_I64 &&
	       (op->kind == OP_ABS || op->kind == OP_NEG || op->kind == OP_RELU ||
		op->kind == OP_SQUARE || op->kind == OP_SIGN);
}

const char *check_function(const struct op *op)
{
	const char *reason = stays_whole(op) ? NULL : check_floats(op);

	return reason ? reason : check_like_input(op);
}

int run_function(const struct call *c)
{
	const int64_t *in = c->in[0];
	int64_t *out = c->out[0];

	for (int64_t i = 0; stays_whole(c->op) && i < tensor_elements(c->op->inputs[0]); i++)
		out[i] = whole_function(c->op->kind, in[i]);
	if (stays_whole(c->op))
		return 0;
	functions[c->op->kind](c->out[0], c->in[0], tensor_elements(c->op->inputs[0]),
			       &c->op->attrs);
	return 0;
}

const char *check_parametric_relu(const struct op *op)
{
	const struct tensor *out = op->outputs[0];
	const char *reason = check_function(op);

	if (reason)
		return reason;
	return nd_broadcasts(op->inputs[1], out->rank, out->dims) ? NULL :
	       "the slopes do not broadcast to the input";
}

struct prelu {
	const float *in, *slope;
	float *out;
};

static void prelu_row(void *arg, int64_t n, const int64_t *at, const int64_t *step)
{
	const struct prelu *p = arg;
	const float *in = p->in + at[0], *slope = p->slope + at[1];
	float *out = p->out + at[0];

	for (int64_t i = 0; i < n; i++) {
		float x = in[i * step[0]];

		out[i * step[0]] = x < 0 ? x * slope[i * step[1]] : x;
	}
}

int run_parametric_relu(const struct call *c)
{
	const struct tensor *out = c->op->outputs[0];
	struct prelu p = { c->in[0], c->in[1], c->out[0] };
	int64_t dense[MAX_RANK], slope[MAX_RANK];
	struct nd nd;

	nd_dense(out->rank, out->dims, dense);
	nd_broadcast(c->op->inputs[1], out->rank, out->dims, slope);
	nd = nd_pair(out->rank, out->dims, dense, slope);
	nd_walk(&nd, prelu_row, &p);
	return 0;
}
