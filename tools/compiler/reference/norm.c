// SPDX-License-Identifier: MIT
/* INSTANCE_NORM, LAYER_NORM and LRN: their operands are those of ir/graph.h. */
#include <math.h>

#include "kernel.h"

/* @n values, @step apart: how far to move them and by what to multiply them. */
static void statistics(const float *x, int64_t n, int64_t step, float epsilon, double *mean,
		       double *factor)
{
	double sum = 0, squares = 0;

	for (int64_t i = 0; i < n; i++)
		sum += x[i * step];
	*mean = sum / (double)n;
	for (int64_t i = 0; i < n; i++) {
		double d = x[i * step] - *mean;

		squares += d * d;
	}
	*factor = 1 / sqrt(squares / (double)n + epsilon);
}

const char *check_instance_norm(const struct op *op)
{
	const struct tensor *in = op->inputs[0];
	const char *reason = check_floats(op);

	if (!reason)
		reason = check_like_input(op);
	if (reason)
		return reason;
	if (in->rank < 3)
		return "the input must have 3 dimensions or more";
	if (tensor_elements(op->inputs[1]) != in->dims[in->rank - 1] ||
	    tensor_elements(op->inputs[2]) != in->dims[in->rank - 1])
		return "scale and bias must have an element for each channel";
	return NULL;
}

int run_instance_norm(const struct call *c)
{
	const struct tensor *in = c->op->inputs[0];
	int64_t channels = in->dims[in->rank - 1], size = 1;
	const float *scale = c->in[1], *bias = c->in[2];

	for (int d = 1; d < in->rank - 1; d++)
		size *= in->dims[d];
	for (int64_t n = 0; n < in->dims[0]; n++)
		for (int64_t k = 0; k < channels; k++) {
			const float *from = (const float *)c->in[0] + n * size * channels + k;
			float *to = (float *)c->out[0] + n * size * channels + k;
			double mean, factor;

			statistics(from, size, channels, c->op->attrs.epsilon, &mean, &factor);
			for (int64_t i = 0; i < size; i++)
				to[i * channels] = (float)((from[i * channels] - mean) * factor) *
						   scale[k] + bias[k];
		}
	return 0;
}

const char *check_layer_norm(const struct op *op)
{
	const struct tensor *in = op->inputs[0], *scale = op->inputs[1];
	const char *reason = check_floats(op);
	int64_t length = 1;

	if (!reason)
		reason = check_like_input(op);
	if (reason)
		return reason;
	for (int d = in->rank - 1; d >= 0 && length < tensor_elements(scale); d--)
		length *= in->dims[d];
	if (length < 1 || length != tensor_elements(scale))
		return "the scale must have as many elements as the last dimensions";
	if (has_input(op, 2) && tensor_elements(op->inputs[2]) != length)
		return "scale and bias have different shapes";
	return NULL;
}

int run_layer_norm(const struct call *c)
{
	int64_t n = tensor_elements(c->op->inputs[0]), length = tensor_elements(c->op->inputs[1]);
	const float *scale = c->in[1], *bias = has_input(c->op, 2) ? c->in[2] : NULL;

	for (int64_t at = 0; at < n; at += length) {
		const float *from = (const float *)c->in[0] + at;
		float *to = (float *)c->out[0] + at;
		double mean, factor;

		statistics(from, length, 1, c->op->attrs.epsilon, &mean, &factor);
		for (int64_t i = 0; i < length; i++)
			to[i] = (float)((from[i] - mean) * factor) * scale[i] +
				(bias ? bias[i] : 0);
	}
	return 0;
}

const char *check_lrn(const struct op *op)
{
	const char *reason = check_floats(op);

	if (!reason)
		reason = check_like_input(op);
	if (!reason && (!op->inputs[0]->rank || op->attrs.filter_w < 1))
		reason = "there must be channels, and a positive number of them in the sum";
	return reason;
}

int run_lrn(const struct call *c)
{
	const struct op_attrs *a = &c->op->attrs;
	const struct tensor *in = c->op->inputs[0];
	int64_t channels = in->dims[in->rank - 1], n = tensor_elements(in);
	int64_t before = (a->filter_w - 1) / 2, after = a->filter_w - 1 - before;

	for (int64_t at = 0; at < n; at += channels) {
		const float *from = (const float *)c->in[0] + at;

		for (int64_t k = 0; k < channels; k++) {
			int64_t first = k < before ? 0 : k - before;
			int64_t last = k + after < channels ? k + after : channels - 1;
			double sum = 0;

			for (int64_t i = first; i <= last; i++)
				sum += (double)from[i] * from[i];
			((float *)c->out[0])[at + k] =
				(float)(from[k] / pow(a->epsilon + a->alpha * sum, a->beta));
		}
	}
	return 0;
}
