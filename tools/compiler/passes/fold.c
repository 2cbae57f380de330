// SPDX-License-Identifier: MIT
/*
 * Folding: operators that need no command of their own become a part of their
 * neighbours. Each fold keeps every output byte: see the reason at each.
 */
#include "../ops/operator.h"
#include "passes.h"

/* The operator before @op may take over its work: nobody else sees what is between. */
static struct op *sole_producer(const struct op *op)
{
	struct tensor *t = op->inputs[0];

	return t->producer && t->consumers == 1 && !t->is_output ? t->producer : NULL;
}

static bool clamps(enum op_kind kind)
{
	switch (kind) {
	case OP_CONV_2D:
	case OP_DEPTHWISE_CONV_2D:
	case OP_FULLY_CONNECTED:
	case OP_ADD:
	case OP_SUB:
	case OP_MUL:
	case OP_AVERAGE_POOL_2D:
	case OP_MAX_POOL_2D:
		return true;
	default:
		return false;
	}
}

static void fold_into(struct program *p, const struct op *op, const struct op *neighbour)
{
	p->folded[op->index] = true;
	p->folded_into[op->index] = neighbour;
}

/* With the same scale and zero point on both sides an activation is but a clamp. */
static void fold_activation(struct program *p, struct op *op)
{
	static const enum activation activations[OP_KINDS] = {
		[OP_RELU] = ACT_RELU, [OP_RELU6] = ACT_RELU6,
		[OP_RELU_N1_TO_1] = ACT_RELU_N1_TO_1,
	};
	struct op *before = sole_producer(op);

	if (activations[op->kind] == ACT_NONE || !before || !clamps(before->kind) ||
	    before->attrs.activation != ACT_NONE || !same_quant(op->inputs[0], op->outputs[0]))
		return;
	before->attrs.activation = activations[op->kind];
	before->outputs[0] = op->outputs[0];
	before->outputs[0]->producer = before;
	fold_into(p, op, before);
}

/* A table of a table is a table; so is one after a concatenation that requantizes. */
static void fold_table(struct program *p, struct op *op)
{
	struct op *before = sole_producer(op);
	bool requantizes = false;

	if (p->folded[op->index] || !is_lookup(op) || !before)
		return;
	if (is_lookup(before)) {
		p->follower[before->index] = op;
		fold_into(p, op, before);
		return;
	}
	if (before->kind != OP_CONCATENATION)
		return;
	for (unsigned int i = 0; i < before->n_inputs; i++)
		requantizes |= !same_quant(before->inputs[i], before->outputs[0]);
	if (!requantizes)
		return;
	p->follower[before->index] = op;
	fold_into(p, op, before);
}

#define MAX_FOLDED_PADDING	255	/* stays far inside the range of a window's padding */

static bool small_padding(const struct op *op)
{
	for (int i = 0; i < 8; i++)
		if (tensor_int(op->inputs[1], i) > MAX_FOLDED_PADDING)
			return false;
	return true;
}

static bool is_convolution(const struct op *op)
{
	return op->kind == OP_CONV_2D || op->kind == OP_DEPTHWISE_CONV_2D;
}

/*
 * Padding of rows and columns with the zero point is what the windows of
 * convolutions do by themselves, if only convolutions read the result.
 */
static void fold_padding(struct program *p, struct graph *g, struct op *op)
{
	struct tensor *in = op->inputs[0], *out = op->outputs[0];
	const struct op *reader = NULL;
	unsigned int readers = 0;

	if (op->kind != OP_PAD || in->rank != 4 || out->is_output || in->data ||
	    in->dims[0] != out->dims[0] || in->dims[3] != out->dims[3] || !small_padding(op))
		return;
	for (unsigned int i = 0; i < g->n_ops; i++)
		for (unsigned int k = 0; k < g->ops[i].n_inputs; k++)
			if (g->ops[i].inputs[k] == out && is_convolution(&g->ops[i]) && !k) {
				reader = &g->ops[i];
				readers++;
			}
	if (reader && readers == out->consumers)
		fold_into(p, op, reader);
}

void fold_operators(struct program *p, struct graph *g)
{
	p->folded = arena_new(p->arena, bool, g->n_ops);
	p->folded_into = arena_new(p->arena, const struct op *, g->n_ops);
	p->follower = arena_new(p->arena, const struct op *, g->n_ops);
	for (unsigned int i = 0; i < g->n_ops; i++) {
		fold_activation(p, &g->ops[i]);
		fold_table(p, &g->ops[i]);
		fold_padding(p, g, &g->ops[i]);
	}
}
