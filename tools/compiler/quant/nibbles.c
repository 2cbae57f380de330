// SPDX-License-Identifier: MIT
/*
 * Which layers' weights get 4 bits. Each layer is tried by itself: the float reference runs
 * with its weights rounded to 15 levels for each channel, and what that changes in the
 * results is its error. Layers are taken by error for weight, the smallest first, until the
 * share of the model's weights that was asked for has 4 bits. Rounding itself, later, does
 * better than the nearest level that they are judged by, for all of them.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "sensitivity.h"

struct layer_choice {
	struct op *op;
	double error, weights;
};

/* The weights of @op as 4 bits have them. */
static float *rounded_weights(struct quantizer *q, const struct op *op)
{
	const struct tensor *w = constant_weights(op);
	int64_t n = tensor_elements(w);
	float *rounded = arena_new(q->arena, float, n);
	struct filter f = { .channels = w->dims[channel_axis(op->kind)] };

	f.taps = (int32_t)(n / f.channels);
	for (int32_t c = 0; c < f.channels; c++) {
		float scale = largest_weight(w, &f, op->kind, c) / NIBBLE_MAX;

		for (int32_t k = 0; k < f.taps; k++) {
			size_t i = weight_index(&f, op->kind, c, k);

			rounded[i] = scale > 0 ? roundf(float_at(w, i) / scale) * scale : 0;
		}
	}
	return rounded;
}

/* With a reference of its own, as it prepares weights once. */
static int judge(struct sensitivity *s, struct layer_choice *layer)
{
	struct quantizer *q = s->q;
	struct tensor *w = layer->op->inputs[weights_input(layer->op->kind)];
	struct reference *whole = q->reference;
	struct arena_mark mark = arena_mark(q->arena);
	const uint8_t *weights = w->data;
	int err = -EOPNOTSUPP;

	w->data = (const uint8_t *)rounded_weights(q, layer->op);
	q->reference = reference_new(q->g);
	if (q->reference) {
		err = sensitivity_measure(s, NULL, NULL, &layer->error);
		reference_free(q->reference);
	}
	q->reference = whole;
	w->data = weights;
	arena_release(q->arena, mark);
	return err;
}

static int by_harm(const void *a, const void *b)
{
	const struct layer_choice *x = a, *y = b;
	double p = x->error * y->weights, q = y->error * x->weights;

	return p < q ? -1 : p > q ? 1 : x->op->index - y->op->index;
}

static int judge_all(struct quantizer *q, struct layer_choice *layers, size_t count)
{
	struct sensitivity s;
	int err = sensitivity_open(&s, q);

	for (size_t i = 0; i < count && !err; i++) {
		report_progress(q->opts, "trying 4 bits", i, count);
		err = judge(&s, &layers[i]);
	}
	if (!err)
		report_progress(q->opts, "trying 4 bits", count, count);
	return err;
}

int quantizer_nibbles(struct quantizer *q)
{
	double share = q->how->int4_percent / 100, budget = 0;
	struct layer_choice *layers = NULL;
	size_t count = 0;
	int err = 0;

	q->nibbles = arena_new(q->arena, bool, q->g->n_ops);
	if (!(share > 0))
		return 0;
	for (unsigned int i = 0; i < q->g->n_ops; i++) {
		const struct tensor *w = constant_weights(&q->g->ops[i]);

		if (!w)
			continue;
		*arena_push(q->arena, layers, count) = (struct layer_choice) {
			&q->g->ops[i], 0, (double)tensor_elements(w),
		};
		budget += share * (double)tensor_elements(w);
	}
	/* with room for all there is nothing to choose */
	if (share < 1)
		err = judge_all(q, layers, count);
	if (err || !count)
		return err;
	qsort(layers, count, sizeof(*layers), by_harm);
	for (size_t i = 0; i < count; i++) {
		if (layers[i].weights > budget * (1 + 1e-9))
			continue;
		budget -= layers[i].weights;
		q->nibbles[layers[i].op->index] = true;
	}
	return 0;
}
