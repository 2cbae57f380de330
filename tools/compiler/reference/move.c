// SPDX-License-Identifier: MIT
/* Operators that put elements elsewhere: whole tensors, joined, taken apart, padded. */
#include <string.h>

#include "kernel.h"
#include "nd.h"

static size_t element_size(const struct tensor *t)
{
	return dtype_bits(t->type) / 8;
}

static const char *check_types(const struct op *op, unsigned int first, unsigned int last)
{
	for (unsigned int i = first; i < last; i++)
		if (!op->inputs[i] || op->inputs[i]->type != op->outputs[0]->type)
			return "input and output are of different types";
	for (unsigned int i = 1; i < op->n_outputs; i++)
		if (op->outputs[i]->type != op->outputs[0]->type)
			return "the outputs are of different types";
	return NULL;
}

const char *check_copy(const struct op *op)
{
	const char *reason = check_types(op, 0, 1);

	if (reason)
		return reason;
	return tensor_elements(op->inputs[0]) == tensor_elements(op->outputs[0]) ? NULL :
	       "input and output have different numbers of elements";
}

int run_copy(const struct call *c)
{
	memcpy(c->out[0], c->in[0], tensor_bytes(c->op->outputs[0]));
	return 0;
}

/* The value becomes the variable's in the next run: see reference.c. */
const char *check_assigned(const struct op *op)
{
	const struct tensor *variable = op->inputs[0], *value = op->inputs[1];
	const char *reason = check_types(op, 0, 1);

	if (reason)
		return reason;
	return variable->initial && value->type == variable->type && same_shape(variable, value) &&
	       same_shape(variable, op->outputs[0]) ? NULL :
	       "variable and value have different types or shapes";
}

int run_assigned(const struct call *c)
{
	memcpy(c->out[0], c->in[1], tensor_bytes(c->op->outputs[0]));
	return 0;
}

const char *check_permute(const struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	const char *reason = check_types(op, 0, 1);
	bool seen[MAX_RANK] = { false };

	if (!reason)
		reason = check_ints(op, 1, in->rank);
	if (!reason && in->rank != out->rank)
		reason = "input and output have different ranks";
	for (int d = 0; d < in->rank && !reason; d++) {
		int64_t from = tensor_int(op->inputs[1], d);

		if (from < 0 || from >= in->rank || seen[from])
			reason = "the permutation is none";
		else if (out->dims[d] != in->dims[from])
			reason = "the output has another shape than the permutation gives";
		else
			seen[from] = true;
	}
	return reason;
}

int run_permute(const struct call *c)
{
	const struct tensor *in = c->op->inputs[0], *out = c->op->outputs[0];
	int64_t dense[MAX_RANK], to[MAX_RANK], from[MAX_RANK];
	struct nd nd;

	nd_dense(in->rank, in->dims, dense);
	nd_dense(out->rank, out->dims, to);
	for (int d = 0; d < in->rank; d++)
		from[d] = dense[tensor_int(c->op->inputs[1], d)];
	nd = nd_pair(out->rank, out->dims, to, from);
	nd_copy(&nd, c->out[0], c->in[0], element_size(out));
	return 0;
}

/*
 * A whole and its parts along one dimension: CONCATENATION and PACK join, SPLIT, SPLIT_V
 * and UNPACK take apart. Seen from that dimension there are @outer rows, and a part has so
 * many bytes of each.
 */
static int64_t outer_rows(const struct tensor *whole, int axis)
{
	int64_t rows = 1;

	for (int d = 0; d < axis; d++)
		rows *= whole->dims[d];
	return rows;
}

/* @part is @whole with another size in @axis, or without that dimension. */
static const char *check_piece(const struct tensor *whole, const struct tensor *part, int axis,
			       bool dropped, int64_t *sum)
{
	if (part->rank != whole->rank - dropped)
		return "a part has another rank";
	for (int d = 0; d < part->rank; d++)
		if ((dropped || d != axis) &&
		    part->dims[d] != whole->dims[d + (dropped && d >= axis)])
			return "a part has another shape";
	*sum += dropped ? 1 : part->dims[axis];
	return NULL;
}

static const char *check_pieces(const struct tensor *whole, struct tensor *const *parts,
				unsigned int n, int axis, bool dropped)
{
	const char *reason = axis < 0 ? "there is no such axis" : NULL;
	int64_t sum = 0;

	for (unsigned int i = 0; i < n && !reason; i++)
		reason = check_piece(whole, parts[i], axis, dropped, &sum);
	if (reason)
		return reason;
	return sum == whole->dims[axis] ? NULL : "the parts do not add up to the whole";
}

static int join_axis(const struct op *op)
{
	return find_axis(op->attrs.axis, op->outputs[0]->rank);
}

const char *check_join(const struct op *op)
{
	const char *reason = check_types(op, 0, op->n_inputs);

	if (reason)
		return reason;
	if (op->kind == OP_CONCATENATION && op->attrs.activation &&
	    op->outputs[0]->type != DTYPE_F32)
		return "an activation needs float32";
	return check_pieces(op->outputs[0], op->inputs, op->n_inputs, join_axis(op),
			    op->kind == OP_PACK);
}

int run_join(const struct call *c)
{
	const struct tensor *whole = c->op->outputs[0];
	int64_t rows = outer_rows(whole, join_axis(c->op));
	int64_t stride = tensor_bytes(whole) / rows;
	char *to = c->out[0];

	for (unsigned int i = 0; i < c->op->n_inputs; i++) {
		int64_t bytes = tensor_bytes(c->op->inputs[i]) / rows;
		const char *from = c->in[i];

		for (int64_t row = 0; row < rows; row++)
			memcpy(to + row * stride, from + row * bytes, bytes);
		to += bytes;
	}
	if (c->op->kind == OP_CONCATENATION)
		activate(c->op->attrs.activation, c->out[0], tensor_elements(whole));
	return 0;
}

/* SPLIT: axis, whole. SPLIT_V: whole, sizes, axis. UNPACK: whole. */
static const struct tensor *split_whole(const struct op *op)
{
	return op->inputs[op->kind == OP_SPLIT];
}

static int split_axis_of(const struct op *op)
{
	const struct tensor *whole = split_whole(op);

	if (op->kind == OP_UNPACK)
		return find_axis(op->attrs.axis, whole->rank);
	return find_axis(tensor_int(op->inputs[op->kind == OP_SPLIT ? 0 : 2], 0), whole->rank);
}

const char *check_parts(const struct op *op)
{
	unsigned int from = op->kind == OP_SPLIT;
	const char *reason = check_types(op, from, from + 1);

	if (!reason && op->kind != OP_UNPACK)
		reason = check_ints(op, op->kind == OP_SPLIT ? 0 : 2, 1);
	if (reason)
		return reason;
	return check_pieces(split_whole(op), op->outputs, op->n_outputs, split_axis_of(op),
			    op->kind == OP_UNPACK);
}

int run_parts(const struct call *c)
{
	const struct tensor *whole = split_whole(c->op);
	int64_t rows = outer_rows(whole, split_axis_of(c->op));
	int64_t stride = tensor_bytes(whole) / rows;
	const char *from = c->in[c->op->kind == OP_SPLIT];

	for (unsigned int i = 0; i < c->op->n_outputs; i++) {
		int64_t bytes = tensor_bytes(c->op->outputs[i]) / rows;
		char *to = c->out[i];

		for (int64_t row = 0; row < rows; row++)
			memcpy(to + row * bytes, from + row * stride, bytes);
		from += bytes;
	}
	return 0;
}

/* What lies before and after in dimension @d. */
static int64_t pad_of(const struct op *op, int d, bool after)
{
	return tensor_int(op->inputs[1], 2 * d + after);
}

const char *check_padded(const struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	const char *reason = check_types(op, 0, 1);

	if (!reason)
		reason = check_ints(op, 1, 2 * in->rank);
	if (!reason && in->rank != out->rank)
		reason = "input and output have different ranks";
	if (!reason && has_input(op, 2) &&
	    (op->inputs[2]->type != in->type || tensor_elements(op->inputs[2]) != 1))
		reason = "the value must be one element of the input's type";
	for (int d = 0; d < in->rank && !reason; d++) {
		int64_t before = pad_of(op, d, false), after = pad_of(op, d, true);

		if (before < -INT32_MAX || before > INT32_MAX || after < -INT32_MAX ||
		    after > INT32_MAX || in->dims[d] + before + after != out->dims[d])
			reason = "the output has another shape than the paddings give";
	}
	return reason;
}

static void fill(void *to, const void *value, size_t size, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		memcpy((char *)to + i * (int64_t)size, value, size);
}

/* Paddings below zero cut off. */
int run_padded(const struct call *c)
{
	const struct tensor *in = c->op->inputs[0], *out = c->op->outputs[0];
	size_t size = element_size(out);
	const uint64_t zero = 0;
	int64_t to[MAX_RANK], from[MAX_RANK], to_at = 0, from_at = 0;
	int32_t dims[MAX_RANK];
	struct nd nd;

	fill(c->out[0], has_input(c->op, 2) ? c->in[2] : &zero, size, tensor_elements(out));
	nd_dense(out->rank, out->dims, to);
	nd_dense(in->rank, in->dims, from);
	for (int d = 0; d < in->rank; d++) {
		int64_t before = pad_of(c->op, d, false), after = pad_of(c->op, d, true);
		int64_t left = in->dims[d] + (before < 0 ? before : 0) + (after < 0 ? after : 0);

		if (left <= 0)
			return 0;
		dims[d] = left;
		if (before < 0)
			from_at -= before * from[d];
		else
			to_at += before * to[d];
	}
	nd = nd_pair(in->rank, dims, to, from);
	nd_copy(&nd, (char *)c->out[0] + to_at * (int64_t)size,
		(const char *)c->in[0] + from_at * (int64_t)size, size);
	return 0;
}
