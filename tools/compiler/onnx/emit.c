// SPDX-License-Identifier: MIT
/*
 * Operators of the IR for the node at hand. Each gives its output, already computed
 * where all its inputs are known.
 */
#include "importer.h"

#include <string.h>

static const char *label(struct node *n)
{
	if (n->proto->name && *n->proto->name)
		return n->proto->name;
	return n->proto->n_output ? n->proto->output[0] : "";
}

static struct tensor *new_tensor(struct node *n, enum dtype type, int rank, const int32_t *dims)
{
	struct tensor *t;

	if (rank > MAX_RANK)
		node_fail(n, "a tensor of it has %d dimensions, at most %d are known", rank,
			  MAX_RANK);
	if (checked_elements(rank, dims) < 0)
		node_fail(n, "a tensor of it has impossible dimensions");
	t = builder_tensor(&n->im->b, label(n), type, rank, dims);
	t->name = arena_printf(n->im->graph->arena, "%.80s:%zu", label(n), n->im->b.n_tensors);
	t->index = n->index + 1;	/* made by this node: see node_output() */
	return t;
}

/* All known: the operator disappears again. */
static bool folded(struct node *n, const struct op *op)
{
	for (unsigned int i = 0; i < op->n_inputs; i++)
		if (op->inputs[i] && !op->inputs[i]->data)
			return false;
	if (!fold_constant(n->im->graph->arena, op))
		return false;
	carry_integers(n, op);
	n->im->b.n_ops--;
	return true;
}

struct tensor *emit(struct node *n, enum op_kind kind, unsigned int n_inputs,
		    struct tensor *const *inputs, enum dtype type, int rank, const int32_t *dims,
		    const struct op_attrs *attrs)
{
	struct tensor *out = new_tensor(n, type, rank, dims);
	struct op *op = builder_op(&n->im->b, kind, n->proto->op_type, n_inputs, 1);

	for (unsigned int i = 0; i < n_inputs; i++)
		op->inputs[i] = inputs[i];
	op->outputs[0] = out;
	op->label = label(n);
	op->source = n->index;
	if (attrs)
		op->attrs = *attrs;
	if (!folded(n, op)) {
		if (checked_elements(rank, dims) < 1)
			node_fail(n, "its result is empty");
		/* a list that is a parameter may be */
		if (n_inputs && inputs[0] && inputs[0]->data && !tensor_elements(inputs[0]))
			node_fail(n, "its input is empty");
	}
	return out;
}

struct tensor *emit_unary(struct node *n, enum op_kind kind, struct tensor *in,
			  const struct op_attrs *attrs)
{
	return emit(n, kind, 1, &in, in->type, in->rank, in->dims, attrs);
}

void broadcast_shape(struct node *n, const struct tensor *a, const struct tensor *b, int *rank,
		     int32_t *dims)
{
	*rank = a->rank > b->rank ? a->rank : b->rank;
	for (int i = 1; i <= *rank; i++) {
		int32_t x = i <= a->rank ? a->dims[a->rank - i] : 1;
		int32_t y = i <= b->rank ? b->dims[b->rank - i] : 1;

		if (x != y && x != 1 && y != 1)
			node_fail(n, "shapes that don't broadcast: dimensions of %d and %d meet", x,
				  y);
		dims[*rank - i] = x == 1 ? y : x;
	}
}

static bool is_comparison(enum op_kind kind)
{
	return kind == OP_EQUAL || kind == OP_NOT_EQUAL || kind == OP_LESS ||
	       kind == OP_LESS_EQUAL || kind == OP_GREATER || kind == OP_GREATER_EQUAL;
}

struct tensor *emit_binary(struct node *n, enum op_kind kind, struct tensor *a, struct tensor *b)
{
	struct tensor *inputs[] = { a, b };
	int32_t dims[MAX_RANK];
	int rank;

	if (a->type != b->type)
		node_fail(n, "operands of different types, %s and %s", dtype_name(a->type),
			  dtype_name(b->type));
	broadcast_shape(n, a, b, &rank, dims);
	return emit(n, kind, 2, inputs, is_comparison(kind) ? DTYPE_BOOL : a->type, rank, dims,
		    NULL);
}

struct tensor *emit_ints(struct node *n, int32_t count, const int32_t *values)
{
	return builder_ints(&n->im->b, n->proto->n_output ? n->proto->output[0] : "", count,
			    values);
}

struct tensor *emit_float(struct node *n, float value)
{
	float *data = arena_new(n->im->graph->arena, float, 1);

	*data = value;
	return builder_constant(&n->im->b, n->proto->n_output ? n->proto->output[0] : "",
				DTYPE_F32, 0, NULL, data);
}

struct tensor *emit_like(struct node *n, const struct tensor *like, double value)
{
	struct tensor *t = emit_float(n, value);

	return like->type == DTYPE_F32 ? t : emit_cast(n, t, like->type);
}

struct tensor *emit_transpose(struct node *n, struct tensor *in, const int32_t *perm)
{
	struct tensor *inputs[] = { in, emit_ints(n, in->rank, perm) };
	int32_t dims[MAX_RANK];
	bool identity = true;

	for (int i = 0; i < in->rank; i++) {
		dims[i] = in->dims[perm[i]];
		identity &= perm[i] == i;
	}
	if (identity)
		return in;
	return emit(n, OP_TRANSPOSE, 2, inputs, in->type, in->rank, dims, NULL);
}

struct tensor *emit_reshape(struct node *n, struct tensor *in, int rank, const int32_t *dims)
{
	struct tensor *inputs[2] = { in };

	if (checked_elements(rank, dims) != tensor_elements(in))
		node_fail(n, "the new shape has %lld elements, the tensor %lld",
			  (long long)checked_elements(rank, dims), (long long)tensor_elements(in));
	if (rank == in->rank && !memcmp(dims, in->dims, rank * sizeof(*dims)))
		return in;
	inputs[1] = emit_ints(n, rank, dims);
	return emit(n, OP_RESHAPE, 2, inputs, in->type, rank, dims, NULL);
}

struct tensor *emit_slice(struct node *n, struct tensor *in, const int32_t *begin,
			  const int32_t *size)
{
	struct tensor *inputs[] = { in, emit_ints(n, in->rank, begin),
				    emit_ints(n, in->rank, size) };

	if (!memcmp(size, in->dims, in->rank * sizeof(*size)))
		return in;
	return emit(n, OP_SLICE, 3, inputs, in->type, in->rank, size, NULL);
}

struct tensor *emit_reduce(struct node *n, enum op_kind kind, struct tensor *in, uint32_t axes,
			   bool keep_dims)
{
	struct op_attrs attrs = { .keep_dims = keep_dims };
	int32_t list[MAX_RANK], dims[MAX_RANK];
	struct tensor *inputs[2] = { in };
	int count = 0, rank = 0;

	for (int i = 0; i < in->rank; i++) {
		if (axes & 1u << i)
			list[count++] = i;
		if (!(axes & 1u << i) || keep_dims)
			dims[rank++] = axes & 1u << i ? 1 : in->dims[i];
	}
	inputs[1] = emit_ints(n, count, list);
	return emit(n, kind, 2, inputs, in->type, rank, dims, &attrs);
}

struct tensor *emit_cast(struct node *n, struct tensor *in, enum dtype type)
{
	if (in->type == type)
		return in;
	return emit(n, OP_CAST, 1, &in, type, in->rank, in->dims, NULL);
}

struct tensor *emit_concat(struct node *n, unsigned int count, struct tensor *const *parts,
			   int axis)
{
	struct op_attrs attrs = { .axis = axis };
	int32_t dims[MAX_RANK];
	int64_t total = 0;

	memcpy(dims, parts[0]->dims, sizeof(dims));
	for (unsigned int i = 0; i < count; i++) {
		const struct tensor *t = parts[i];

		for (int d = 0; d < parts[0]->rank; d++)
			if (t->rank != parts[0]->rank ||
			    (d != axis && t->dims[d] != parts[0]->dims[d]))
				node_fail(n, "its input %u does not fit the others", i);
		if (t->type != parts[0]->type)
			node_fail(n, "its inputs have different types");
		total += t->dims[axis];
	}
	dims[axis] = total > INT32_MAX ? -1 : total;
	if (count == 1)
		return parts[0];
	return emit(n, OP_CONCATENATION, count, parts, parts[0]->type, parts[0]->rank, dims,
		    &attrs);
}

struct tensor *emit_to_nhwc(struct node *n, struct tensor *in)
{
	static const int32_t perm[] = { 0, 2, 3, 1 };
	int32_t dims[] = { in->dims[0], in->dims[1], 1, in->dims[2] };

	if (in->rank == 3)
		in = emit_reshape(n, in, 4, dims);
	if (in->rank != 4)
		node_fail(n, "%d dimensions: only images (4) and rows (3) are supported", in->rank);
	return emit_transpose(n, in, perm);
}

struct tensor *emit_from_nhwc(struct node *n, struct tensor *in, int rank)
{
	static const int32_t perm[] = { 0, 3, 1, 2 };
	int32_t dims[] = { in->dims[0], in->dims[3], in->dims[2] };
	struct tensor *out = emit_transpose(n, in, perm);

	return rank == 3 ? emit_reshape(n, out, 3, dims) : out;
}
