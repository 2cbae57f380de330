// SPDX-License-Identifier: MIT
/*
 * Which layers' weights get 16 bits. The array takes weights of 8, so such a layer becomes
 * two: one with the weights' upper halves, at the nearest of the 8-bit levels, one with what
 * these are off, at levels 1/254 as large or smaller, and a sum. What the two make has 16
 * bits. Each layer is tried by itself: the float reference runs with its weights rounded to 8
 * bits, and what that changes in the results is its error. Layers are taken by error for
 * work, the largest first, as long as the share of multiply-accumulates that may be
 * done twice lasts.
 *
 * The float graph computes the same as before. So the stages after this one need not know of it.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../ir/builder.h"
#include "sensitivity.h"

struct layer_choice {
	struct op *op;
	double error, work;
};

/* Makes two of the weights of @op, each as floats. */
static void halve(const struct op *op, float *upper, float *lower)
{
	const struct tensor *w = constant_weights(op);
	struct filter f = { .channels = w->dims[channel_axis(op->kind)] };

	f.taps = (int32_t)(tensor_elements(w) / f.channels);
	for (int32_t c = 0; c < f.channels; c++) {
		float scale = largest_weight(w, &f, op->kind, c) / BYTE_MAX;

		for (int32_t k = 0; k < f.taps; k++) {
			size_t i = weight_index(&f, op->kind, c, k);
			float value = float_at(w, i);

			upper[i] = scale > 0 ? roundf(value / scale) * scale : 0;
			lower[i] = value - upper[i];
		}
	}
}

static struct tensor *part(struct builder *b, const struct tensor *of, const char *which)
{
	struct tensor *t = builder_tensor(b, arena_printf(b->arena, "%s (%s)", of->name, which),
					  DTYPE_F32, of->rank, of->dims);

	t->precise = true;
	return t;
}

static struct tensor *part_weights(struct builder *b, const struct tensor *w, const char *which,
				   const float *values)
{
	return builder_constant(b, arena_printf(b->arena, "%s (%s)", w->name, which), DTYPE_F32,
				w->rank, w->dims, values);
}

/* Of @op, which keeps the upper halves and the bias. */
static void split(struct builder *b, struct op *op)
{
	unsigned int at = (unsigned int)weights_input(op->kind);
	const struct tensor *w = constant_weights(op);
	int64_t n = tensor_elements(w);
	float *upper = arena_new(b->arena, float, n), *lower = arena_new(b->arena, float, n);
	struct op *rest = builder_op(b, op->kind, op->name, op->n_inputs, 1);
	struct op *sum = builder_op(b, OP_ADD, "ADD", 2, 1);

	halve(op, upper, lower);
	memcpy(rest->inputs, op->inputs, op->n_inputs * sizeof(*op->inputs));
	if (op->n_inputs > (unsigned int)bias_input(op->kind))
		rest->inputs[bias_input(op->kind)] = NULL;
	rest->inputs[at] = part_weights(b, w, "lower", lower);
	op->inputs[at] = part_weights(b, w, "upper", upper);
	sum->attrs.activation = op->attrs.activation;
	op->attrs.activation = ACT_NONE;
	rest->attrs = op->attrs;
	sum->outputs[0] = op->outputs[0];
	op->outputs[0] = part(b, sum->outputs[0], "upper");
	rest->outputs[0] = part(b, sum->outputs[0], "lower");
	sum->inputs[0] = op->outputs[0];
	sum->inputs[1] = rest->outputs[0];
}

static int by_worth(const void *a, const void *b)
{
	const struct layer_choice *x = a, *y = b;
	double p = x->error * y->work, q = y->error * x->work;

	return p > q ? -1 : p < q ? 1 : x->op->index - y->op->index;
}

static int judge_all(struct quantizer *q, struct layer_choice *layers, size_t count)
{
	struct sensitivity s;
	int err = sensitivity_open(&s, q);

	for (size_t i = 0; i < count && !err; i++) {
		report_progress(q->opts, "trying 8-bit weights", i, count);
		err = sensitivity_weights(&s, layers[i].op, BYTE_MAX, &layers[i].error);
	}
	if (!err)
		report_progress(q->opts, "trying 8-bit weights", count, count);
	return err;
}

int quantizer_halves(struct quantizer *q)
{
	double share = q->how->wide_weights_percent / 100, budget = 0;
	struct layer_choice *layers = NULL;
	struct builder b;
	size_t count = 0;
	int err = 0;

	for (unsigned int i = 0; i < q->g->n_ops; i++) {
		struct op *op = &q->g->ops[i];

		if (!constant_weights(op) || !is_float_activation(op->inputs[data_input(op->kind)]))
			continue;
		*arena_push(q->arena, layers, count) = (struct layer_choice) {
			op, 0, layer_work(op),
		};
		budget += share * layer_work(op);
	}
	/* with room for all there is nothing to choose */
	if (share < 1)
		err = judge_all(q, layers, count);
	/* changing the graph ends what runs it */
	reference_free(q->reference);
	q->reference = NULL;
	if (err || !count)
		return err;
	qsort(layers, count, sizeof(*layers), by_worth);
	builder_open(&b, q->g);
	for (size_t i = 0; i < count; i++) {
		if (layers[i].work > budget * (1 + 1e-9))
			continue;
		budget -= layers[i].work;
		split(&b, b.ops[layers[i].op->index]);
	}
	return builder_finish(&b, q->g);
}
