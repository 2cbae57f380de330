// SPDX-License-Identifier: MIT
/*
 * Which tensors get 16 bits. Tensors that must have one width, as they have one scale or
 * a table between them, form a candidate. Each candidate is tried by itself: the float
 * reference runs with nothing but its tensors rounded to 8 bits, and what that changes in
 * the results is its error. What it costs is the work that is then done on 16
 * bits: multiply-accumulates that read it, and values that are written. Candidates are taken
 * by error for cost, the largest first, as long as the budget lasts.
 *
 * Errors of candidates are taken as independent. Measuring pairs would see more, but there
 * are as many pairs as nobody waits for.
 */
#include <math.h>
#include <stdlib.h>

#include "../ops/operator.h"
#include "rules.h"
#include "sensitivity.h"

/* A softmax of more at the end stays on the NPU, with 8 bits: on the CPU it would take long. */
#define MOST_SCORES	65536

struct candidate {
	int leader;			/* a tensor that stands for all */
	bool narrow;			/* it can't be widened */
	double error;
	double cost;
};

struct widths_search {
	struct quantizer *q;
	int *leader;			/* by tensor; union-find */
	struct candidate *candidates, *tried;
	size_t n_candidates;
};

enum widths widths_of(const struct quantizer *q, const struct op *op)
{
	static const enum widths widths[OP_KINDS] = {
		[OP_ADD] = WIDTHS_ANY, [OP_SUB] = WIDTHS_ANY, [OP_MUL] = WIDTHS_ANY,
		[OP_CONV_2D] = WIDTHS_ANY, [OP_DEPTHWISE_CONV_2D] = WIDTHS_ANY,
		[OP_TRANSPOSE_CONV] = WIDTHS_ANY,
		[OP_AVERAGE_POOL_2D] = WIDTHS_UNIFORM, [OP_MAX_POOL_2D] = WIDTHS_UNIFORM,
		[OP_BATCH_MATMUL] = WIDTHS_UNIFORM, [OP_CONCATENATION] = WIDTHS_UNIFORM,
		[OP_EXPAND_DIMS] = WIDTHS_UNIFORM, [OP_INSTANCE_NORM] = WIDTHS_UNIFORM,
		[OP_LAYER_NORM] = WIDTHS_UNIFORM, [OP_MAXIMUM] = WIDTHS_UNIFORM,
		[OP_MEAN] = WIDTHS_UNIFORM, [OP_MINIMUM] = WIDTHS_UNIFORM,
		[OP_PAD] = WIDTHS_UNIFORM, [OP_PRELU] = WIDTHS_UNIFORM,
		[OP_REDUCE_MAX] = WIDTHS_UNIFORM, [OP_REDUCE_MIN] = WIDTHS_UNIFORM,
		[OP_RELU] = WIDTHS_UNIFORM, [OP_RELU6] = WIDTHS_UNIFORM,
		[OP_RELU_N1_TO_1] = WIDTHS_UNIFORM,
		[OP_RESHAPE] = WIDTHS_UNIFORM, [OP_RESIZE_BILINEAR] = WIDTHS_UNIFORM,
		[OP_RESIZE_NEAREST_NEIGHBOR] = WIDTHS_UNIFORM, [OP_SLICE] = WIDTHS_UNIFORM,
		[OP_SPLIT] = WIDTHS_UNIFORM, [OP_SQUEEZE] = WIDTHS_UNIFORM,
		[OP_STRIDED_SLICE] = WIDTHS_UNIFORM, [OP_SUM] = WIDTHS_UNIFORM,
		[OP_TRANSPOSE] = WIDTHS_UNIFORM,
	};

	if (q->on_floats[op->index])
		return WIDTHS_ANY;
	if (weights_input(op->kind) >= 0 && !constant_weights(op))
		return WIDTHS_NARROW;
	return is_smooth(op->kind) ? WIDTHS_UNIFORM : widths[op->kind];
}

static int find(struct widths_search *s, int tensor)
{
	while (s->leader[tensor] != tensor)
		tensor = s->leader[tensor];
	return tensor;
}

static void join(struct widths_search *s, const struct tensor *x, const struct tensor *y)
{
	if (x && y && is_float_activation(x) && is_float_activation(y))
		s->leader[find(s, y->index)] = find(s, x->index);
}

static bool has_fixed_scale(const struct quantizer *q, const struct tensor *t)
{
	return t && q->activations[t->index].fixed;
}

/* What only moves such values passes their scale on. */
static void join_all(struct widths_search *s, const struct op *op, const struct tensor *t)
{
	for (unsigned int i = 0; rule_of(op->kind) == RULE_SAME && i < op->n_outputs; i++)
		join(s, op->outputs[i], t);
}

/* Tensors of one scale, and the two sides of a function, for which there is one table. */
static void join_candidates(struct widths_search *s)
{
	struct quantizer *q = s->q;

	for (unsigned int i = 0; i < q->g->n_tensors; i++)
		s->leader[i] = q->activations[i].seen ? q->activations[i].group : (int)i;
	for (unsigned int i = 0; i < q->g->n_ops; i++) {
		const struct op *op = &q->g->ops[i];

		if (widths_of(q, op) == WIDTHS_UNIFORM && op->n_inputs == 1 &&
		    rule_of(op->kind) != RULE_SAME)
			join(s, op->outputs[0], op->inputs[0]);
		for (unsigned int k = 0; k < op->n_inputs; k++)
			if (has_fixed_scale(q, op->outputs[0]) &&
			    has_fixed_scale(q, op->inputs[k]))
				join_all(s, op, op->inputs[k]);
	}
}

static bool must_be_narrow(const struct quantizer *q, const struct tensor *t)
{
	/* who feeds the model expects bytes, unless all is to have 16 bits */
	if (!t->producer)
		return !t->is_input || q->how->int16_percent < 100;
	return q->activations[t->index].narrow_only || q->on_floats[t->producer->index] ||
	       widths_of(q, t->producer) == WIDTHS_NARROW;
}

static struct candidate *candidate_of(struct widths_search *s, const struct tensor *t)
{
	int leader = find(s, t->index);

	for (size_t i = 0; i < s->n_candidates; i++)
		if (s->candidates[i].leader == leader)
			return &s->candidates[i];
	*arena_push(s->q->arena, s->candidates, s->n_candidates) =
		(struct candidate) { .leader = leader };
	return &s->candidates[s->n_candidates - 1];
}

double layer_work(const struct op *op)
{
	const struct tensor *w = constant_weights(op);

	return (double)tensor_elements(op->outputs[0]) * (double)tensor_elements(w) /
	       w->dims[channel_axis(op->kind)];
}

/* Multiply-accumulates of @op, which are done in the width of its first operand. */
static double work(const struct op *op)
{
	const struct tensor *in = op->inputs[0];

	if (constant_weights(op))
		return layer_work(op);
	return op->kind == OP_BATCH_MATMUL ?
	       (double)tensor_elements(op->outputs[0]) *
	       in->dims[in->rank - (op->attrs.adj_x ? 2 : 1)] : 0;
}

/* Returns the cost of all. */
static double list_candidates(struct widths_search *s)
{
	const struct graph *g = s->q->g;
	double total = 0;

	for (unsigned int i = 0; i < g->n_tensors; i++) {
		const struct tensor *t = &g->tensors[i];
		struct candidate *c;

		if (!s->q->activations[i].seen || t->precise)
			continue;
		c = candidate_of(s, t);
		c->narrow |= must_be_narrow(s->q, t);
		c->cost += (double)tensor_elements(t);
		total += (double)tensor_elements(t);
	}
	for (unsigned int i = 0; i < g->n_ops; i++) {
		const struct op *op = &g->ops[i];
		double macs = work(op);

		if (!macs || !s->q->activations[op->inputs[data_input(op->kind)]->index].seen)
			continue;
		candidate_of(s, op->inputs[data_input(op->kind)])->cost += macs;
		total += macs;
	}
	return total;
}

/* Rounds the tensors of the candidate. */
static void round_tried(void *arg, const struct tensor *t, float *values)
{
	struct widths_search *s = arg;
	const struct scaling narrow = s->q->activations[t->index].narrow;

	if (!s->q->activations[t->index].seen || find(s, t->index) != s->tried->leader)
		return;
	for (int64_t i = 0; i < tensor_elements(t); i++)
		values[i] = dequantize_value(quantize_value(values[i], narrow), narrow);
}

static int by_worth(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	double p = x->error * y->cost, q = y->error * x->cost;

	return p > q ? -1 : p < q ? 1 : x->leader - y->leader;
}

static void widen(struct widths_search *s, double budget)
{
	for (size_t i = 0; i < s->n_candidates; i++) {
		const struct candidate *c = &s->candidates[i];

		if (c->narrow || c->cost > budget)
			continue;
		budget -= c->cost;
		for (unsigned int t = 0; t < s->q->g->n_tensors; t++)
			if (s->q->activations[t].seen && find(s, (int)t) == c->leader)
				s->q->activations[t].scaling = s->q->activations[t].wide;
	}
}

static int judge_all(struct widths_search *s)
{
	struct sensitivity results;
	int err = sensitivity_open(&results, s->q);

	for (size_t i = 0; i < s->n_candidates && !err; i++) {
		report_progress(s->q->opts, "trying 8 bits", i, s->n_candidates);
		s->tried = &s->candidates[i];
		if (!s->tried->narrow)
			err = sensitivity_measure(&results, round_tried, s, &s->tried->error);
	}
	if (!err)
		report_progress(s->q->opts, "trying 8 bits", s->n_candidates, s->n_candidates);
	return err;
}

/* Scores of classes: what 8 bits of them can't tell apart, 16 of what they are made of can. */
static void leave_scores(struct quantizer *q)
{
	for (unsigned int i = 0; i < q->g->n_ops; i++) {
		const struct op *op = &q->g->ops[i];
		const struct tensor *out = op->outputs[0];

		if (op->kind == OP_SOFTMAX && out->is_output && !out->consumers &&
		    tensor_elements(out) <= MOST_SCORES &&
		    q->activations[op->inputs[0]->index].scaling.wide)
			q->on_floats[i] = true;
	}
}

int quantizer_widen(struct quantizer *q)
{
	double share = q->how->int16_percent / 100, total;
	struct widths_search s = { .q = q };
	int err = 0;

	for (unsigned int i = 0; i < q->g->n_tensors; i++)
		if (q->g->tensors[i].precise)
			q->activations[i].scaling = q->activations[i].wide;
	if (!(share > 0))
		return 0;
	s.leader = arena_new(q->arena, int, q->g->n_tensors);
	join_candidates(&s);
	total = list_candidates(&s);
	/* with room for all there is nothing to choose */
	if (share < 1)
		err = judge_all(&s);
	if (err || !s.n_candidates)
		return err;
	qsort(s.candidates, s.n_candidates, sizeof(*s.candidates), by_worth);
	widen(&s, share < 1 ? share * total : INFINITY);
	leave_scores(q);
	return 0;
}
