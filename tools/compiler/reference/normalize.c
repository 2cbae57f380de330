// SPDX-License-Identifier: MIT
/* Operators over rows of the last dimension: SOFTMAX, LOG_SOFTMAX, L2_NORMALIZATION. */
#include <math.h>

#include "kernel.h"

#define LEAST_NORM	1e-6f		/* as TensorFlow Lite has it */

const char *check_normalized(const struct op *op)
{
	const char *reason = check_floats(op);

	if (!reason && !op->inputs[0]->rank)
		reason = "the input has no dimension";
	return reason ? reason : check_like_input(op);
}

static double exponentials(const float *in, float *out, int64_t n, float beta)
{
	float max = -INFINITY;
	double sum = 0;

	for (int64_t i = 0; i < n; i++)
		max = in[i] > max ? in[i] : max;
	for (int64_t i = 0; i < n; i++) {
		out[i] = expf((in[i] - max) * beta);
		sum += out[i];
	}
	return sum;
}

static void softmax(const struct op_attrs *a, const float *in, float *out, int64_t n)
{
	double sum = exponentials(in, out, n, a->beta);

	for (int64_t i = 0; i < n; i++)
		out[i] = (float)(out[i] / sum);
}

static void log_softmax(const struct op_attrs *a, const float *in, float *out, int64_t n)
{
	float max = -INFINITY;
	double sum = exponentials(in, out, n, 1);

	for (int64_t i = 0; i < n; i++)
		max = in[i] > max ? in[i] : max;
	for (int64_t i = 0; i < n; i++)
		out[i] = (float)(in[i] - max - log(sum));
}

static void l2_normalization(const struct op_attrs *a, const float *in, float *out, int64_t n)
{
	double sum = 0;
	float norm;

	for (int64_t i = 0; i < n; i++)
		sum += (double)in[i] * in[i];
	norm = fmaxf(sqrtf((float)sum), LEAST_NORM);
	for (int64_t i = 0; i < n; i++)
		out[i] = in[i] / norm;
}

static void (*const normalizations[OP_KINDS])(const struct op_attrs *a, const float *in,
					      float *out, int64_t n) = {
	[OP_SOFTMAX] = softmax, [OP_LOG_SOFTMAX] = log_softmax,
	[OP_L2_NORMALIZATION] = l2_normalization,
};

int run_normalized(const struct call *c)
{
	const struct tensor *t = c->op->inputs[0];
	int64_t length = t->dims[t->rank - 1], n = tensor_elements(t);

	for (int64_t i = 0; i < n; i += length)
		normalizations[c->op->kind](&c->op->attrs, (const float *)c->in[0] + i,
					    (float *)c->out[0] + i, length);
	activate(c->op->attrs.activation, c->out[0], n);
	return 0;
}
