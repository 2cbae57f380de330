// SPDX-License-Identifier: MIT
/*
 * Equalization across layers (Nagel et al., "Data-free quantization", 2019): between two
 * convolutions with nothing but a RELU or PRELU between them, a channel may be divided by any
 * factor and the next layer's weights for it multiplied by the same. Weights have a scale
 * for each channel here, so what gains is the tensor between, which has one for all: its
 * channels get alike, as samples show them, as far as the next layer's weights, whose inputs
 * share a scale, don't suffer more (Xiao et al., "SmoothQuant", 2022). A depthwise layer's
 * don't suffer at all.
 */
#include <errno.h>
#include <math.h>

#include "quantizer.h"

#define MOST_SAMPLES	16		/* that the sizes of channels are taken from */
#define MOST_FACTOR	64.0f

struct pair {
	struct op *first, *second;
	const struct tensor *between;	/* the second one's input */
	float *sizes;			/* by channel: the largest magnitude */
	struct pair *next;
};

struct pairs {
	struct quantizer *q;
	struct pair *list;
};

static bool is_layer(const struct op *op)
{
	const struct tensor *w = constant_weights(op);

	return w && w->consumers == 1 &&
	       (op->kind == OP_CONV_2D || op->kind == OP_DEPTHWISE_CONV_2D);
}

/* Dividing before it is dividing after it. */
static bool keeps_factors(const struct op *op)
{
	return op->attrs.activation == ACT_NONE || op->attrs.activation == ACT_RELU;
}

static bool inner(const struct tensor *t)
{
	return t->consumers == 1 && !t->is_output;
}

/* Activations f with f(x / s) = f(x) / s for every positive s. */
static bool is_homogeneous(const struct op *op)
{
	return op->kind == OP_RELU || op->kind == OP_LEAKY_RELU ||
	       (op->kind == OP_PRELU && op->inputs[1] && op->inputs[1]->data);
}

/* The layer that alone makes what @second reads. */
static struct op *layer_before(const struct op *second)
{
	const struct tensor *t = second->inputs[0];

	if (t->producer && inner(t) && is_homogeneous(t->producer))
		t = t->producer->inputs[0];
	if (!t->producer || !inner(t) || !is_layer(t->producer) || !keeps_factors(t->producer))
		return NULL;
	return t->producer;
}

static bool reads_all_channels(const struct op *op)
{
	return op->kind == OP_DEPTHWISE_CONV_2D ||
	       op->inputs[1]->dims[3] == op->inputs[0]->dims[3];
}

static void find_pairs(struct pairs *p)
{
	const struct graph *g = p->q->g;

	for (unsigned int i = 0; i < g->n_ops; i++) {
		struct op *op = &g->ops[i], *before;
		struct pair *pair;

		if (!is_layer(op) || !reads_all_channels(op))
			continue;
		before = layer_before(op);
		if (!before || (before->n_inputs > 2 && before->inputs[2] &&
				(!before->inputs[2]->data || before->inputs[2]->consumers != 1)))
			continue;
		pair = arena_new(p->q->arena, struct pair, 1);
		*pair = (struct pair) { before, op, op->inputs[0], NULL, p->list };
		pair->sizes = arena_new(p->q->arena, float, op->inputs[0]->dims[3]);
		p->list = pair;
	}
}

static void watch(void *arg, const struct tensor *t, void *data)
{
	const struct pairs *p = arg;
	const float *values = data;

	for (struct pair *pair = p->list; pair; pair = pair->next) {
		int32_t channels = pair->between->dims[3];

		if (pair->between != t)
			continue;
		for (int64_t i = 0; i < tensor_elements(t); i += channels)
			for (int32_t c = 0; c < channels; c++)
				pair->sizes[c] = fmaxf(pair->sizes[c], fabsf(values[i + c]));
	}
}

/* Which channel of its input weight @i of @op meets. */
static int32_t input_channel(const struct op *op, int64_t i)
{
	const struct tensor *w = op->inputs[1];

	if (op->kind == OP_CONV_2D)
		return (int32_t)(i % w->dims[3]);
	return (int32_t)(i % w->dims[3] / (w->dims[3] / op->inputs[0]->dims[3]));
}

static int32_t output_channel(const struct op *op, int64_t i)
{
	const struct tensor *w = op->inputs[1];

	if (op->kind == OP_CONV_2D)
		return (int32_t)(i / (tensor_elements(w) / w->dims[0]));
	return (int32_t)(i % w->dims[3]);
}

static void choose_factors(struct quantizer *q, const struct pair *pair, float *factors)
{
	const struct tensor *w = pair->second->inputs[1];
	int32_t channels = pair->between->dims[3], counted = 0;
	float *weights = arena_new(q->arena, float, channels);
	double logs = 0;

	for (int64_t i = 0; i < tensor_elements(w); i++) {
		int32_t c = input_channel(pair->second, i);

		weights[c] = fmaxf(weights[c], fabsf(float_at(w, i)));
	}
	for (int32_t c = 0; c < channels; c++) {
		factors[c] = 0;
		if (!isnormal(pair->sizes[c]) || !isnormal(weights[c]))
			continue;
		factors[c] = pair->second->kind == OP_DEPTHWISE_CONV_2D ? pair->sizes[c] :
			     sqrtf(pair->sizes[c] / weights[c]);
		logs += log((double)factors[c]);
		counted++;
	}
	/* around 1, so that neither layer's weights grow */
	for (int32_t c = 0; c < channels; c++) {
		float factor = factors[c] > 0 ?
			       (float)((double)factors[c] / exp(logs / counted)) : 1;

		factors[c] = fminf(fmaxf(factor, 1 / MOST_FACTOR), MOST_FACTOR);
	}
}

static void scale_constant(struct quantizer *q, struct tensor *t, const struct op *op,
			   int32_t (*channel)(const struct op *op, int64_t i),
			   const float *factors, bool divide)
{
	float *data = arena_new(q->arena, float, tensor_elements(t));

	for (int64_t i = 0; i < tensor_elements(t); i++) {
		float factor = factors[channel ? channel(op, i) : i];

		data[i] = divide ? float_at(t, i) / factor : float_at(t, i) * factor;
	}
	t->data = (const uint8_t *)data;
}

static void equalize(struct quantizer *q, const struct pair *pair)
{
	float *factors = arena_new(q->arena, float, pair->between->dims[3]);

	choose_factors(q, pair, factors);
	scale_constant(q, pair->first->inputs[1], pair->first, output_channel, factors, true);
	if (pair->first->n_inputs > 2 && pair->first->inputs[2])
		scale_constant(q, pair->first->inputs[2], pair->first, NULL, factors, true);
	scale_constant(q, pair->second->inputs[1], pair->second, input_channel, factors, false);
}

int quantizer_equalize(struct quantizer *q)
{
	uint32_t count = q->num_samples < MOST_SAMPLES ? q->num_samples : MOST_SAMPLES;
	struct pairs p = { .q = q };

	find_pairs(&p);
	if (!p.list)
		return 0;
	q->reference = reference_new(q->g);
	if (!q->reference)
		return -EOPNOTSUPP;
	for (uint32_t i = 0; i < count; i++) {
		int err;

		report_progress(q->opts, "sizing channels", i, count);
		err = run_sample(q, (uint32_t)((uint64_t)i * q->num_samples / count), watch, &p);
		if (err)
			return err;
	}
	report_progress(q->opts, "sizing channels", count, count);
	reference_free(q->reference);
	q->reference = NULL;
	for (const struct pair *pair = p.list; pair; pair = pair->next)
		equalize(q, pair);
	return 0;
}
