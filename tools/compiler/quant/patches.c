// SPDX-License-Identifier: MIT
/* Values under kernels, and their moments: see patches.h. */
#include "patches.h"

#include <errno.h>
#include <math.h>
#include <oneapi/dnnl/dnnl.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_PLACES	1024		/* that a layer is judged by */
#define MOST_PLACES	8192
#define MOST_BYTES	((size_t)512 << 20)	/* of moments at one time */
#define MOST_TAPS	8192		/* second moments of more are too many */

struct geometry {
	const struct tensor *in, *weights, *out;
	int32_t pad_top, pad_left;
	int32_t channels;		/* of the input, of one group */
};

static int32_t pad_before(int32_t in, int32_t out, int32_t kernel, int32_t stride,
			  int32_t dilation)
{
	int32_t total = (out - 1) * stride + (kernel - 1) * dilation + 1 - in;

	return total > 0 ? total / 2 : 0;
}

static struct geometry geometry_of(const struct op *op)
{
	const struct op_attrs *a = &op->attrs;
	struct geometry y = { op->inputs[0], op->inputs[1], op->outputs[0], 0, 0, 1 };

	if (op->kind == OP_CONV_2D)
		y.channels = y.weights->dims[3];
	if (a->padding == PADDING_EXPLICIT) {
		y.pad_top = a->pads[0];
		y.pad_left = a->pads[1];
	} else if (a->padding == PADDING_SAME) {
		y.pad_top = pad_before(y.in->dims[1], y.out->dims[1], y.weights->dims[1],
				       a->stride_h, a->dilation_h);
		y.pad_left = pad_before(y.in->dims[2], y.out->dims[2], y.weights->dims[2],
					a->stride_w, a->dilation_w);
	}
	return y;
}

int32_t moments_group(const struct quantizer *q, const struct moments *m, int32_t c)
{
	return (int32_t)((int64_t)c * m->groups / q->filters[m->op->index].channels);
}

/* The inputs of @group under the kernel at one place of the output. */
static void gather(const struct moments *m, const struct geometry *y, const float *data,
		   const int32_t at[3], int32_t group, float *values)
{
	const struct op_attrs *a = &m->op->attrs;
	const int32_t *dims = y->in->dims;

	for (int32_t ky = 0; ky < y->weights->dims[1]; ky++) {
		for (int32_t kx = 0; kx < y->weights->dims[2]; kx++) {
			int32_t row = at[1] * a->stride_h + ky * a->dilation_h - y->pad_top;
			int32_t col = at[2] * a->stride_w + kx * a->dilation_w - y->pad_left;
			size_t bytes = y->channels * sizeof(float);
			const float *from;

			if (row < 0 || col < 0 || row >= dims[1] || col >= dims[2]) {
				memset(values, 0, bytes);
			} else {
				from = data + (((size_t)at[0] * dims[1] + row) * dims[2] + col) *
					      dims[3];
				memcpy(values, from + (size_t)group * y->channels, bytes);
			}
			values += y->channels;
		}
	}
}

/* A number below @n; the same ones in every run. */
static uint32_t draw(struct moments *m, uint32_t n)
{
	m->lot = m->lot * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(((m->lot >> 32) * n) >> 32);
}

static void add_patch(struct moments *m, int32_t group, float *values, struct scaling s)
{
	double *mean = m->mean + (size_t)group * m->taps;
	double *seen = m->seen_mean + (size_t)group * m->taps;

	for (int32_t k = 0; k < m->taps; k++) {
		mean[k] += (double)values[k];
		values[k] = dequantize_value(quantize_value(values[k], s), s);
		seen[k] += (double)values[k];
	}
}

static void take(struct quantizer *q, struct moments *m, const float *data)
{
	struct geometry y = geometry_of(m->op);
	struct scaling s = q->activations[y.in->index].scaling;
	size_t taps = m->taps, of_group = taps * m->per_sample;

	for (uint32_t i = 0; i < m->per_sample; i++) {
		int32_t at[3];

		for (int d = 0; d < 3; d++)
			at[d] = (int32_t)draw(m, y.out->dims[d]);
		for (int32_t group = 0; group < m->groups; group++) {
			float *values = m->patches + group * of_group + i * taps;

			gather(m, &y, data, at, group, values);
			add_patch(m, group, values, s);
		}
	}
	m->count += m->per_sample;
	for (int32_t group = 0; m->second && group < m->groups; group++) {
		const float *x = m->patches + group * of_group;

		dnnl_sgemm('T', 'N', m->taps, m->taps, m->per_sample, 1, x, m->taps, x, m->taps,
			   1, m->second + group * taps * taps, m->taps);
	}
}

static void watch(void *arg, const struct tensor *t, void *data)
{
	struct quantizer *q = arg;

	for (size_t i = 0; i < q->num_moments; i++)
		if (q->moments[i].op->inputs[data_input(q->moments[i].op->kind)] == t)
			take(q, &q->moments[i], data);
}

static bool can_gather(const struct quantizer *q, const struct op *op)
{
	return q->filters[op->index].channels &&
	       (op->kind == OP_CONV_2D || op->kind == OP_DEPTHWISE_CONV_2D);
}

static size_t bytes_of(const struct moments *m, bool second)
{
	size_t taps = m->taps, groups = m->groups;

	return groups * taps * (2 * sizeof(double) + m->per_sample * sizeof(float) +
				(second ? taps * sizeof(float) : 0));
}

static struct moments describe(const struct quantizer *q, const struct op *op)
{
	struct geometry y = geometry_of(op);
	uint32_t samples = q->num_samples;
	struct moments m = { .op = op, .groups = y.in->dims[3] / y.channels,
			     .lot = (uint64_t)op->index };
	int64_t places = (int64_t)y.out->dims[0] * y.out->dims[1] * y.out->dims[2];
	int64_t wanted;

	m.taps = q->filters[op->index].taps;
	wanted = 2 * m.taps < LEAST_PLACES ? LEAST_PLACES :
		 2 * m.taps > MOST_PLACES ? MOST_PLACES : 2 * m.taps;
	wanted = (wanted + samples - 1) / samples;
	m.per_sample = (uint32_t)(wanted < places ? wanted : places);
	return m;
}

static int allocate(struct moments *m, bool second)
{
	size_t inputs = (size_t)m->groups * m->taps;

	m->mean = calloc(inputs, sizeof(*m->mean));
	m->seen_mean = calloc(inputs, sizeof(*m->seen_mean));
	m->patches = malloc(inputs * m->per_sample * sizeof(*m->patches));
	if (second)
		m->second = calloc(inputs * m->taps, sizeof(*m->second));
	return m->mean && m->seen_mean && m->patches && (m->second || !second) ? 0 : -ENOMEM;
}

void patches_free(struct quantizer *q)
{
	for (size_t i = 0; i < q->num_moments; i++) {
		free(q->moments[i].mean);
		free(q->moments[i].seen_mean);
		free(q->moments[i].second);
		free(q->moments[i].patches);
	}
	free(q->moments);
	q->moments = NULL;
	q->num_moments = 0;
}

static int choose_layers(struct quantizer *q, unsigned int first, bool second, unsigned int *next)
{
	size_t bytes = 0;

	q->moments = calloc(q->g->n_ops, sizeof(*q->moments));
	if (!q->moments)
		return -ENOMEM;
	for (*next = first; *next < q->g->n_ops; (*next)++) {
		const struct op *op = &q->g->ops[*next];
		bool with_second;
		struct moments m;
		int err;

		if (!can_gather(q, op))
			continue;
		m = describe(q, op);
		with_second = second && m.taps <= MOST_TAPS;
		bytes += bytes_of(&m, with_second);
		if (q->num_moments && bytes > MOST_BYTES)
			return 0;
		q->moments[q->num_moments] = m;
		err = allocate(&q->moments[q->num_moments++], with_second);
		if (err)
			return err;
	}
	return 0;
}

static void average(struct moments *m)
{
	size_t inputs = (size_t)m->groups * m->taps;

	for (size_t i = 0; i < inputs; i++) {
		m->mean[i] /= (double)m->count;
		m->seen_mean[i] /= (double)m->count;
	}
	for (size_t i = 0; m->second && i < inputs * m->taps; i++)
		m->second[i] /= (float)m->count;
}

int patches_gather(struct quantizer *q, unsigned int first, bool second, unsigned int *next)
{
	uint32_t count = q->num_samples;
	int err = choose_layers(q, first, second, next);

	if (err) {
		diag_error(q->g->diag, "%s: no memory for the inputs of layers", q->g->file);
		return err;
	}
	if (!q->num_moments)
		return 0;
	for (uint32_t i = 0; i < count && !err; i++) {
		report_progress(q->opts, "listening to layers", i, count);
		err = run_sample(q, i, watch, q);
	}
	if (err)
		return err;
	report_progress(q->opts, "listening to layers", count, count);
	for (size_t i = 0; i < q->num_moments; i++)
		average(&q->moments[i]);
	return 0;
}
