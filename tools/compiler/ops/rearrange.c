// SPDX-License-Identifier: MIT
/*
 * Operators that put values in another order, one DMA walk or a few of them: PACK and
 * UNPACK, SPLIT_V, GATHER, TILE, REVERSE_V2, SPACE_TO_DEPTH and DEPTH_TO_SPACE. What
 * they take from where is constant, so all of it is known here.
 */
#include <string.h>

#include "operator.h"

#define MAX_MOVES	4096	/* walks of one operator */

static const char *check_moved(struct graph *g, const struct tensor *in, const struct tensor *out)
{
	const char *reason = check_8bit(g, in, "input");

	if (!reason)
		reason = check_8bit(g, out, "output");
	return reason ? reason : check_same_quant(g, in, out);
}

/* @axis counted from the end if it is negative; -1: there is none such */
static int find_axis(int64_t axis, int rank)
{
	if (axis < 0)
		axis += rank;
	return axis >= 0 && axis < rank ? axis : -1;
}

static const char *no_axis(struct graph *g, int64_t axis)
{
	return arena_printf(g->arena, "there is no dimension %lld", (long long)axis);
}

/* @dims without dimension @axis */
static void drop_dim(int32_t *dims, int rank, int axis)
{
	memmove(dims + axis, dims + axis + 1, (rank - 1 - axis) * sizeof(*dims));
}

/* The slice of @view at @index of dimension @axis, which it then lacks. */
static struct view slice_at(const struct view *view, int rank, int axis, int32_t index)
{
	int32_t begin[MAX_RANK] = { 0 };
	struct view slice;

	begin[axis] = index;
	slice = sub_view(view, rank, begin);
	memmove(slice.strides + axis, slice.strides + axis + 1,
		(rank - 1 - axis) * sizeof(*slice.strides));
	return slice;
}

/* PACK stacks @parts along a new dimension of @whole, UNPACK is the way back. */
static const char *check_stack(struct graph *g, const struct op *op, const struct tensor *whole,
			       struct tensor *const *parts, unsigned int n)
{
	int32_t dims[MAX_RANK];
	int axis;

	if (!whole)
		return "the input is left out";
	axis = find_axis(op->attrs.axis, whole->rank);
	if (axis < 0)
		return no_axis(g, op->attrs.axis);
	if ((uint32_t)whole->dims[axis] != n)
		return arena_printf(g->arena, "dimension %d has %d elements for %u tensors", axis,
				    whole->dims[axis], n);
	memcpy(dims, whole->dims, sizeof(dims));
	drop_dim(dims, whole->rank, axis);
	for (unsigned int i = 0; i < n; i++) {
		const char *reason = check_moved(g, parts[i], whole);

		if (!reason)
			reason = check_shape(g, parts[i], whole->rank - 1, dims);
		if (reason)
			return reason;
	}
	return NULL;
}

const char *check_pack(struct graph *g, struct op *op)
{
	return check_stack(g, op, op->outputs[0], op->inputs, op->n_inputs);
}

const char *check_unpack(struct graph *g, struct op *op)
{
	return check_stack(g, op, op->inputs[0], op->outputs, op->n_outputs);
}

void lower_pack(struct program *p, const struct op *op)
{
	const struct tensor *out = op->outputs[0];
	int axis = find_axis(op->attrs.axis, out->rank);

	for (unsigned int i = 0; i < op->n_inputs; i++) {
		const struct tensor *in = op->inputs[i];
		struct view to = slice_at(&p->views[out->index], out->rank, axis, i);

		lower_move(p, op, &p->views[in->index], &to, in->rank, in->dims);
	}
}

void lower_unpack(struct program *p, const struct op *op)
{
	const struct tensor *in = op->inputs[0];
	int axis = find_axis(op->attrs.axis, in->rank);

	for (unsigned int i = 0; i < op->n_outputs; i++) {
		const struct tensor *out = op->outputs[i];
		struct view from = slice_at(&p->views[in->index], in->rank, axis, i);

		lower_move(p, op, &from, &p->views[out->index], out->rank, out->dims);
	}
}

enum { SPLIT_INPUT, SPLIT_SIZES, SPLIT_AXIS };

const char *check_split_v(struct graph *g, struct op *op)
{
	const struct tensor *in = op->inputs[SPLIT_INPUT];
	const char *reason = check_8bit(g, in, "input");
	int64_t sum = 0;
	int axis;

	if (!reason)
		reason = check_constant_ints(g, op->inputs[SPLIT_SIZES], "the sizes",
					     op->n_outputs);
	if (!reason)
		reason = check_constant_ints(g, op->inputs[SPLIT_AXIS], "the axis", 1);
	if (reason)
		return reason;
	axis = find_axis(tensor_int(op->inputs[SPLIT_AXIS], 0), in->rank);
	if (axis < 0)
		return no_axis(g, tensor_int(op->inputs[SPLIT_AXIS], 0));
	for (unsigned int i = 0; i < op->n_outputs; i++) {
		const struct tensor *out = op->outputs[i];
		int32_t dims[MAX_RANK];

		reason = check_moved(g, in, out);
		if (reason)
			return reason;
		memcpy(dims, in->dims, sizeof(dims));
		dims[axis] = out->rank == in->rank ? out->dims[axis] : 0;
		reason = check_shape(g, out, in->rank, dims);
		if (reason)
			return reason;
		sum += dims[axis];
	}
	return sum == in->dims[axis] ? NULL : "the parts are not the whole";
}

void lower_split_v(struct program *p, const struct op *op)
{
	const struct tensor *in = op->inputs[SPLIT_INPUT];
	int axis = find_axis(tensor_int(op->inputs[SPLIT_AXIS], 0), in->rank);
	int32_t begin[MAX_RANK] = { 0 };

	for (unsigned int i = 0; i < op->n_outputs; i++) {
		const struct tensor *out = op->outputs[i];
		struct view from = sub_view(&p->views[in->index], in->rank, begin);

		lower_move(p, op, &from, &p->views[out->index], out->rank, out->dims);
		begin[axis] += out->dims[axis];
	}
}

const char *check_gather(struct graph *g, struct op *op)
{
	const struct tensor *in = op->inputs[0], *indices = op->inputs[1], *out = op->outputs[0];
	const char *reason = check_moved(g, in, out);
	int32_t dims[MAX_RANK];
	int64_t count;
	int axis;

	if (reason)
		return reason;
	if (!indices || !indices->data || indices->rank > 1)
		return "the indices must be constant and have one dimension or none";
	count = tensor_elements(indices);
	reason = check_constant_ints(g, indices, "the indices", count);
	if (reason)
		return reason;
	axis = find_axis(op->attrs.axis, in->rank);
	if (axis < 0)
		return no_axis(g, op->attrs.axis);
	if (op->attrs.batch_dims)
		return "batch_dims must be 0";
	if (count < 1 || count > MAX_MOVES)
		return arena_printf(g->arena, "%lld indices: 1 to %d are supported",
				    (long long)count, MAX_MOVES);
	for (int64_t i = 0; i < count; i++) {
		int64_t index = tensor_int(indices, i);

		if (index < 0 || index >= in->dims[axis])
			return arena_printf(g->arena, "index %lld of dimension %d with %d elements",
					    (long long)index, axis, in->dims[axis]);
	}
	memcpy(dims, in->dims, sizeof(dims));
	dims[axis] = count;
	if (indices->rank)
		return check_shape(g, out, in->rank, dims);
	drop_dim(dims, in->rank, axis);
	return check_shape(g, out, in->rank - 1, dims);
}

void lower_gather(struct program *p, const struct op *op)
{
	const struct tensor *in = op->inputs[0], *indices = op->inputs[1], *out = op->outputs[0];
	int axis = find_axis(op->attrs.axis, in->rank);
	int64_t count = tensor_elements(indices);
	int32_t dims[MAX_RANK];

	memcpy(dims, in->dims, sizeof(dims));
	drop_dim(dims, in->rank, axis);
	for (int64_t i = 0; i < count; i++) {
		struct view from = slice_at(&p->views[in->index], in->rank, axis,
					    tensor_int(indices, i));
		struct view to = p->views[out->index];

		if (indices->rank)
			to = slice_at(&to, out->rank, axis, i);
		lower_move(p, op, &from, &to, in->rank - 1, dims);
	}
}

const char *check_tile(struct graph *g, struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	const char *reason = check_moved(g, in, out);
	int32_t dims[MAX_RANK];
	int64_t copies = 1;

	if (!reason)
		reason = check_constant_ints(g, op->inputs[1], "the multiples", in->rank);
	if (reason)
		return reason;
	for (int d = 0; d < in->rank; d++) {
		int64_t n = tensor_int(op->inputs[1], d);

		copies *= n > 0 && n <= MAX_MOVES ? n : MAX_MOVES + 1;
		if (copies > MAX_MOVES)
			return arena_printf(g->arena, "multiples: 1 to %d copies are supported",
					    MAX_MOVES);
		if (n * in->dims[d] > INT32_MAX)
			return arena_printf(g->arena, "dimension %d would have %lld elements", d,
					    (long long)(n * in->dims[d]));
		dims[d] = in->dims[d] * n;
	}
	return check_shape(g, out, in->rank, dims);
}

void lower_tile(struct program *p, const struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	int32_t begin[MAX_RANK] = { 0 };
	int d;

	do {
		struct view to = sub_view(&p->views[out->index], out->rank, begin);

		lower_move(p, op, &p->views[in->index], &to, in->rank, in->dims);
		for (d = in->rank - 1; d >= 0; d--) {
			begin[d] += in->dims[d];
			if (begin[d] < out->dims[d])
				break;
			begin[d] = 0;
		}
	} while (d >= 0);
}

const char *check_reverse(struct graph *g, struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	const char *reason = check_moved(g, in, out);
	int axis;

	if (!reason)
		reason = check_constant_ints(g, op->inputs[1], "the axis", 1);
	if (reason)
		return reason;
	axis = find_axis(tensor_int(op->inputs[1], 0), in->rank);
	if (axis < 0)
		return no_axis(g, tensor_int(op->inputs[1], 0));
	if (in->dims[axis] > MAX_MOVES)
		return arena_printf(g->arena, "dimension %d: at most %d elements are supported",
				    axis, MAX_MOVES);
	return check_shape(g, out, in->rank, in->dims);
}

void lower_reverse(struct program *p, const struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	int axis = find_axis(tensor_int(op->inputs[1], 0), in->rank);
	int32_t dims[MAX_RANK];

	memcpy(dims, in->dims, sizeof(dims));
	drop_dim(dims, in->rank, axis);
	for (int32_t i = 0; i < in->dims[axis]; i++) {
		struct view from = slice_at(&p->views[in->index], in->rank, axis, i);
		struct view to = slice_at(&p->views[out->index], in->rank, axis,
					  in->dims[axis] - 1 - i);

		lower_move(p, op, &from, &to, in->rank - 1, dims);
	}
}

/* Squares of @deep's channels are rows and columns of @wide. */
static const char *check_blocks(struct graph *g, const struct op *op, const struct tensor *wide,
				const struct tensor *deep)
{
	int64_t b = op->attrs.block_size;
	const char *reason = check_moved(g, wide, deep);

	if (reason)
		return reason;
	if (wide->rank != 4 || deep->rank != 4)
		return "input and output must have 4 dimensions";
	if (b < 1 || b > 256)
		return arena_printf(g->arena, "the block size is %lld: 1 to 256 is supported",
				    (long long)b);
	if (wide->dims[0] != deep->dims[0] || wide->dims[1] != deep->dims[1] * b ||
	    wide->dims[2] != deep->dims[2] * b || deep->dims[3] != wide->dims[3] * b * b)
		return arena_printf(g->arena, "the shapes do not fit blocks of %lld", (long long)b);
	return NULL;
}

const char *check_space_to_depth(struct graph *g, struct op *op)
{
	return check_blocks(g, op, op->inputs[0], op->outputs[0]);
}

const char *check_depth_to_space(struct graph *g, struct op *op)
{
	return check_blocks(g, op, op->outputs[0], op->inputs[0]);
}

/* Both tensors seen with the dimensions batch, row, column, row in block, column in block. */
static void lower_blocks(struct program *p, const struct op *op, const struct tensor *wide,
			 const struct tensor *deep, bool to_deep)
{
	int32_t b = op->attrs.block_size;
	const int32_t dims[MAX_RANK] = {
		deep->dims[0], deep->dims[1], deep->dims[2], b, b, wide->dims[3],
	};
	const struct view *w = &p->views[wide->index], *d = &p->views[deep->index];
	const int64_t channel = d->strides[3];
	struct view spread = {
		w->buffer, w->offset, { w->strides[0], w->strides[1] * b, w->strides[2] * b,
					w->strides[1], w->strides[2], w->strides[3] },
		w->element,
	};
	struct view stacked = {
		d->buffer, d->offset, { d->strides[0], d->strides[1], d->strides[2],
					channel * b * dims[5], channel * dims[5], channel },
		d->element,
	};

	lower_move(p, op, to_deep ? &spread : &stacked, to_deep ? &stacked : &spread, MAX_RANK,
		   dims);
}

void lower_space_to_depth(struct program *p, const struct op *op)
{
	lower_blocks(p, op, op->inputs[0], op->outputs[0], true);
}

void lower_depth_to_space(struct program *p, const struct op *op)
{
	lower_blocks(p, op, op->outputs[0], op->inputs[0], false);
}
