// SPDX-License-Identifier: MIT
/*
 * Which tensors share a scale: see rules.h. Tensors that operators only move or choose
 * from form groups (a union-find over tensors); a group sees what all its members saw.
 */
#include "rules.h"

#include <math.h>

/* Parts of an output whose ranges differ by more than this are kept apart, on the CPU. */
#define MIXTURE		4
#define MOST_PARTS	8		/* of a step on the CPU */

/* Prescribed by TensorFlow Lite's kernels. */
static const struct {
	enum rule rule;
	struct scaling fixed, wide;	/* wide: of scale 0 where there is none */
} rules[OP_KINDS] = {
	[OP_ASSIGN_VARIABLE] = { RULE_SAME },
	[OP_AVERAGE_POOL_2D] = { RULE_SAME },
	[OP_MAX_POOL_2D] = { RULE_SAME },
	[OP_BATCH_TO_SPACE_ND] = { RULE_SAME },
	[OP_SPACE_TO_BATCH_ND] = { RULE_SAME },
	[OP_CONCATENATION] = { RULE_SAME },
	[OP_DEPTH_TO_SPACE] = { RULE_SAME },
	[OP_SPACE_TO_DEPTH] = { RULE_SAME },
	[OP_EXPAND_DIMS] = { RULE_SAME },
	[OP_SQUEEZE] = { RULE_SAME },
	[OP_RESHAPE] = { RULE_SAME },
	[OP_GATHER] = { RULE_SAME },
	[OP_MAXIMUM] = { RULE_SAME },
	[OP_MINIMUM] = { RULE_SAME },
	[OP_MIRROR_PAD] = { RULE_SAME },
	[OP_PAD] = { RULE_SAME },
	[OP_PADV2] = { RULE_SAME },
	[OP_PACK] = { RULE_SAME },
	[OP_UNPACK] = { RULE_SAME },
	[OP_REDUCE_MAX] = { RULE_SAME },
	[OP_REDUCE_MIN] = { RULE_SAME },
	[OP_RESIZE_BILINEAR] = { RULE_SAME },
	[OP_RESIZE_NEAREST_NEIGHBOR] = { RULE_SAME },
	[OP_REVERSE_V2] = { RULE_SAME },
	[OP_SELECT_V2] = { RULE_SAME },
	[OP_SLICE] = { RULE_SAME },
	[OP_STRIDED_SLICE] = { RULE_SAME },
	[OP_SPLIT] = { RULE_SAME },
	[OP_SPLIT_V] = { RULE_SAME },
	[OP_TILE] = { RULE_SAME },
	[OP_TOPK_V2] = { RULE_SAME },
	[OP_TRANSPOSE] = { RULE_SAME },
	[OP_SOFTMAX] = { RULE_FIXED, { 1.0f / 256, -128 } },
	[OP_LOGISTIC] = { RULE_FIXED, { 1.0f / 256, -128 }, { 1.0f / 32768, 0, true } },
	[OP_TANH] = { RULE_FIXED, { 1.0f / 128, 0 }, { 1.0f / 32768, 0, true } },
	[OP_LOG_SOFTMAX] = { RULE_FIXED, { 16.0f / 256, 127 } },
	[OP_L2_NORMALIZATION] = { RULE_FIXED, { 1.0f / 128, 0 } },
	[OP_DETECTION_POSTPROCESS] = { RULE_FLOAT },
};

enum rule rule_of(enum op_kind kind)
{
	return rules[kind].rule;
}

static int find(struct quantizer *q, int tensor)
{
	struct observed *a = q->activations;

	while (a[tensor].group != tensor) {
		a[tensor].group = a[a[tensor].group].group;
		tensor = a[tensor].group;
	}
	return tensor;
}

/* Tensors of prescribed scale stay alone: their readers get them requantized. */
static void join(struct quantizer *q, const struct tensor *x, const struct tensor *y)
{
	int a, b;

	if (!x || !y || !is_float_activation(x) || !is_float_activation(y) ||
	    q->activations[x->index].fixed || q->activations[y->index].fixed)
		return;
	a = find(q, x->index);
	b = find(q, y->index);
	q->activations[b].group = a;
}

static void join_all(struct quantizer *q, const struct op *op)
{
	for (unsigned int i = 0; i < op->n_inputs; i++)
		join(q, op->outputs[0], op->inputs[i]);
	for (unsigned int i = 1; i < op->n_outputs; i++)
		join(q, op->outputs[0], op->outputs[i]);
}

/* The one float that @op moves the values of; NULL: there are more. */
static const struct tensor *only_source(const struct op *op)
{
	const struct tensor *source = NULL;

	for (unsigned int i = 0; i < op->n_inputs; i++) {
		if (!op->inputs[i] || op->inputs[i]->type != DTYPE_F32)
			continue;
		if (source || op->inputs[i]->data)
			return NULL;
		source = op->inputs[i];
	}
	return source;
}

/* A prescribed scale goes on through what only moves its values. */
static void pass_on(struct quantizer *q, const struct op *op)
{
	const struct tensor *source = only_source(op);

	if (rules[op->kind].rule != RULE_SAME || !source || !q->activations[source->index].fixed)
		return;
	for (unsigned int i = 0; i < op->n_outputs; i++) {
		struct observed *out = &q->activations[op->outputs[i]->index];

		out->fixed = true;
		out->narrow = q->activations[source->index].narrow;
		out->wide = q->activations[source->index].wide;
	}
}

static void fix(struct quantizer *q, const struct op *op)
{
	struct observed *out = &q->activations[op->outputs[0]->index];

	if (rules[op->kind].rule == RULE_FIXED) {
		out->fixed = true;
		out->narrow = rules[op->kind].fixed;
		out->wide = rules[op->kind].wide;
	} else {
		pass_on(q, op);
	}
}

static float span(struct interval r)
{
	return r.max - r.min;
}

/*
 * An output of the model that holds things of different kinds, as boxes and scores: with
 * one scale the small ones would vanish.
 */
static bool is_mixture(const struct quantizer *q, const struct op *op)
{
	float least = INFINITY, most = 0;

	if (op->kind != OP_CONCATENATION || !op->outputs[0]->is_output ||
	    op->outputs[0]->consumers || op->n_inputs > MOST_PARTS)
		return false;
	for (unsigned int i = 0; i < op->n_inputs; i++) {
		const struct tensor *in = op->inputs[i];
		float s;

		if (!is_float_activation(in))
			return false;
		s = span(range_minmax(q->activations[in->index].seen));
		least = s < least ? s : least;
		most = s > most ? s : most;
	}
	return most > MIXTURE * least;
}

void quantizer_scale(struct quantizer *q)
{
	const struct graph *g = q->g;
	double percentile = q->how->percentile ? q->how->percentile : 99.99;

	for (unsigned int i = 0; i < g->n_tensors; i++)
		q->activations[i].group = (int)i;
	for (unsigned int i = 0; i < g->n_ops; i++) {
		q->on_floats[i] = rules[g->ops[i].kind].rule == RULE_FLOAT ||
				  is_mixture(q, &g->ops[i]);
		if (!q->on_floats[i])
			fix(q, &g->ops[i]);
	}
	for (unsigned int i = 0; i < g->n_ops; i++)
		if (rules[g->ops[i].kind].rule == RULE_SAME && !q->on_floats[i])
			join_all(q, &g->ops[i]);
	for (unsigned int i = 0; i < g->n_tensors; i++) {
		struct observed *a = &q->activations[i];
		int leader = find(q, (int)i);

		if (a->seen && leader != (int)i)
			histogram_merge(q->activations[leader].seen, a->seen);
	}
	for (unsigned int i = 0; i < g->n_tensors; i++) {
		struct observed *a = &q->activations[i];

		if (!a->seen || a->fixed || find(q, (int)i) != (int)i)
			continue;
		a->narrow = scaling_of(range_choose(a->seen, q->how->ranges, percentile));
	}
	for (unsigned int i = 0; i < g->n_tensors; i++) {
		struct observed *a = &q->activations[i];

		if (!a->seen)
			continue;
		if (!a->fixed) {
			const struct observed *all = &q->activations[find(q, (int)i)];

			a->narrow = all->narrow;
			a->wide = wide_scaling_of(range_minmax(all->seen));
		} else if (!(a->wide.scale > 0)) {
			a->narrow_only = true;
			a->wide = wide_scaling_of(range_minmax(a->seen));
		}
		a->scaling = a->narrow;
	}
}
