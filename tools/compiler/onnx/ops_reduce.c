// SPDX-License-Identifier: MIT
/* Reductions, running sums, the largest. */
#include "importer.h"

#include <string.h>

/* Which dimensions; false: none, the node is its input. */
static bool read_axes(struct node *n, const struct tensor *in, uint32_t *bits)
{
	struct int_list axes = node_ints_or_input(n, "axes", 1);

	*bits = 0;
	for (int i = 0; i < axes.n; i++)
		*bits |= 1u << node_axis(n, axes.v[i], in->rank);
	if (!axes.n) {
		if (node_int(n, "noop_with_empty_axes", 0))
			return false;
		*bits = (1u << in->rank) - 1;
	}
	return true;
}

static struct tensor *reduced(struct node *n, enum op_kind kind, struct tensor *in)
{
	uint32_t bits;

	if (!read_axes(n, in, &bits) || !bits)
		return in;
	return emit_reduce(n, kind, in, bits, node_int(n, "keepdims", 1));
}

void translate_reduce(struct node *n)
{
	node_output(n, 0, reduced(n, n->type->kind, node_need(n, 0)));
}

void translate_reduce_l1(struct node *n)
{
	node_output(n, 0, reduced(n, OP_SUM, emit_unary(n, OP_ABS, node_need(n, 0), NULL)));
}

void translate_reduce_sum_square(struct node *n)
{
	node_output(n, 0, reduced(n, OP_SUM, emit_unary(n, OP_SQUARE, node_need(n, 0), NULL)));
}

void translate_reduce_l2(struct node *n)
{
	struct tensor *t = emit_unary(n, OP_SQUARE, node_need_float(n, 0), NULL);

	node_output(n, 0, emit_unary(n, OP_SQRT, reduced(n, OP_SUM, t), NULL));
}

void translate_reduce_log_sum(struct node *n)
{
	struct tensor *t = reduced(n, OP_SUM, node_need_float(n, 0));

	node_output(n, 0, emit_unary(n, OP_LOG, t, NULL));
}

/* The largest is taken out, so that no exponential is infinite. */
void translate_reduce_log_sum_exp(struct node *n)
{
	struct tensor *in = node_need_float(n, 0), *largest, *t;
	bool keep = node_int(n, "keepdims", 1);
	uint32_t bits;

	if (!read_axes(n, in, &bits) || !bits) {
		node_output(n, 0, in);
		return;
	}
	largest = emit_reduce(n, OP_REDUCE_MAX, in, bits, true);
	t = emit_unary(n, OP_EXP, emit_binary(n, OP_SUB, in, largest), NULL);
	t = emit_unary(n, OP_LOG, emit_reduce(n, OP_SUM, t, bits, keep), NULL);
	node_output(n, 0, emit_binary(n, OP_ADD, t, emit_reshape(n, largest, t->rank, t->dims)));
}

static struct tensor *reverse(struct node *n, struct tensor *in, struct tensor *axis)
{
	struct tensor *inputs[] = { in, axis };

	return emit(n, OP_REVERSE_V2, 2, inputs, in->type, in->rank, in->dims, NULL);
}

/* The last of equals is the first from the end. */
void translate_arg_reduce(struct node *n)
{
	struct tensor *in = node_need(n, 0), *out, *inputs[2];
	int32_t axis = node_axis(n, node_int(n, "axis", 0), in->rank);
	bool last = node_int(n, "select_last_index", 0);
	int32_t dims[MAX_RANK];
	int rank = 0;

	for (int i = 0; i < in->rank; i++)
		if (i != axis)
			dims[rank++] = in->dims[i];
	inputs[1] = emit_ints(n, 1, &axis);
	inputs[0] = last ? reverse(n, in, inputs[1]) : in;
	out = emit(n, n->type->kind, 2, inputs, DTYPE_I64, rank, dims, NULL);
	if (last)
		out = emit_binary(n, OP_SUB, emit_like(n, out, in->dims[axis] - 1), out);
	if (node_int(n, "keepdims", 1)) {
		memcpy(dims, in->dims, sizeof(dims));
		dims[axis] = 1;
		out = emit_reshape(n, out, in->rank, dims);
	}
	node_output(n, 0, out);
}

/* From the end is the reverse of the reverse; exclusive is less by the element itself. */
void translate_cumsum(struct node *n)
{
	struct int_list list = node_ints_or_input(n, "axis", 1);
	struct tensor *in = node_need(n, 0), *out, *inputs[2];
	bool backwards = node_int(n, "reverse", 0);
	int32_t axis;

	if (list.n != 1)
		node_fail(n, "one dimension is needed");
	axis = node_axis(n, list.v[0], in->rank);
	inputs[1] = emit_ints(n, 1, &axis);
	inputs[0] = backwards ? reverse(n, in, inputs[1]) : in;
	out = emit(n, OP_CUMSUM, 2, inputs, in->type, in->rank, in->dims, NULL);
	if (node_int(n, "exclusive", 0))
		out = emit_binary(n, OP_SUB, out, inputs[0]);
	node_output(n, 0, backwards ? reverse(n, out, inputs[1]) : out);
}

/* Over the last dimension, with both results. */
void translate_topk(struct node *n)
{
	struct int_list k = node_ints_or_input(n, "k", 1);
	struct tensor *in = node_need_float(n, 0), *sorted, *values, *indices;
	int axis = node_axis(n, node_int(n, "axis", -1), in->rank);
	int32_t perm[MAX_RANK], dims[MAX_RANK];
	struct op *op;

	if (k.n != 1 || k.v[0] < 1 || k.v[0] > in->dims[axis])
		node_fail(n, "it asks for more than dimension %d has, or for nothing", axis);
	for (int i = 0; i < in->rank; i++)
		perm[i] = i == axis ? in->rank - 1 : i == in->rank - 1 ? axis : i;
	sorted = emit_transpose(n, in, perm);
	if (!node_int(n, "largest", 1))
		sorted = emit_unary(n, OP_NEG, sorted, NULL);
	memcpy(dims, sorted->dims, sizeof(dims));
	dims[in->rank - 1] = k.v[0];
	values = builder_tensor(&n->im->b, "values", DTYPE_F32, in->rank, dims);
	indices = builder_tensor(&n->im->b, "indices", DTYPE_I64, in->rank, dims);
	values->index = indices->index = n->index + 1;	/* see node_output() */
	op = builder_op(&n->im->b, OP_TOPK_V2, n->proto->op_type, 2, 2);
	op->label = n->proto->name;
	op->source = n->index;
	op->inputs[0] = sorted;
	op->inputs[1] = emit_ints(n, 1, (int32_t[]){ k.v[0] });
	op->outputs[0] = values;
	op->outputs[1] = indices;
	if (!node_int(n, "largest", 1))
		values = emit_unary(n, OP_NEG, values, NULL);
	node_output(n, 0, emit_transpose(n, values, perm));
	node_output(n, 1, emit_transpose(n, indices, perm));
}
