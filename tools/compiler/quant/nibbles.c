// SPDX-License-Identifier: MIT
/*
 * Which layers' weights get 4 bits. Each layer is tried by itself: the float reference runs
 * with its weights rounded to 15 levels for each channel, and what that changes in the
 * results is its error. Layers are taken by error for weight, the smallest first, until the
 * share of the model's weights that was asked for has 4 bits. Rounding itself, later, does
 * better than the nearest level that they are judged by, for all of them.
 */
#include <stdlib.h>

#include "sensitivity.h"

struct layer_choice {
	struct op *op;
	double error, weights;
};

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
		err = sensitivity_weights(&s, layers[i].op, NIBBLE_MAX, &layers[i].error);
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
