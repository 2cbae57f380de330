// SPDX-License-Identifier: MIT
/* Operators whose inputs are all constant, computed by the float reference: see rewrite.h. */
#include "../ir/builder.h"
#include "../reference/reference.h"
#include "rewrite.h"

/* What is larger is left to run time: a tile of a constant can be any size. */
#define MAX_FOLDED_BYTES	((int64_t)1 << 26)

/*
 * The reference computes with reals: of operators on quantized tensors only those to and
 * from reals are what they are.
 */
static bool means_reals(const struct op *op)
{
	for (unsigned int i = 0; i < op->n_inputs; i++)
		if (op->inputs[i] && op->inputs[i]->quant.count && op->kind != OP_DEQUANTIZE)
			return false;
	for (unsigned int i = 0; i < op->n_outputs; i++)
		if (op->outputs[i]->quant.count && op->kind != OP_QUANTIZE)
			return false;
	return true;
}

/* No model has a reason for these on constants, and they may take any time. */
static bool is_heavy(enum op_kind kind)
{
	static const bool heavy[OP_KINDS] = {
		[OP_AVERAGE_POOL_2D] = true, [OP_BATCH_MATMUL] = true, [OP_CONV_2D] = true,
		[OP_DEPTHWISE_CONV_2D] = true, [OP_FULLY_CONNECTED] = true, [OP_LRN] = true,
		[OP_LSTM] = true, [OP_MAX_POOL_2D] = true, [OP_TRANSPOSE_CONV] = true,
	};

	return heavy[kind];
}

static bool can_fold(const struct op *op)
{
	if (!op->n_inputs || is_heavy(op->kind) || !means_reals(op))
		return false;
	for (unsigned int i = 0; i < op->n_inputs; i++)
		if (op->inputs[i] && !op->inputs[i]->data)
			return false;
	/* an output of the model stays an operator's */
	for (unsigned int i = 0; i < op->n_outputs; i++)
		if (op->outputs[i]->is_output || tensor_bytes(op->outputs[i]) > MAX_FOLDED_BYTES)
			return false;
	return true;
}

/* False: the reference cannot run it, which its checker will say better. */
static bool fold(struct graph *g, struct op *op)
{
	void **out;

	if (!reference_can_run(g, op))
		return false;
	out = arena_new(g->arena, void *, op->n_outputs);
	for (unsigned int i = 0; i < op->n_outputs; i++)
		out[i] = arena_alloc(g->arena, tensor_bytes(op->outputs[i]), 1);
	if (reference_evaluate(op, out))
		return false;
	for (unsigned int i = 0; i < op->n_outputs; i++) {
		struct tensor *t = op->outputs[i];

		t->data = out[i];
		t->data_bytes = tensor_bytes(t);
		t->producer = NULL;
	}
	return true;
}

int fold_constants(struct graph *g)
{
	struct builder b;
	size_t left = 0;

	builder_open(&b, g);
	for (size_t i = 0; i < b.n_ops; i++)
		if (!can_fold(b.ops[i]) || !fold(g, b.ops[i]))
			b.ops[left++] = b.ops[i];
	if (left == b.n_ops)
		return 0;
	b.n_ops = left;
	return builder_finish(&b, g);
}
