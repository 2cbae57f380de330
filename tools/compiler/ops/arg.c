// SPDX-License-Identifier: MIT
/*
 * ARG_MAX and ARG_MIN: the first of the largest along the channels; for the smallest the
 * order of values is turned round by a table first, another dimension is moved to the end.
 */
#include <string.h>

#include "quantize.h"
#include "unary.h"

static int arg_axis(const struct op *op)
{
	int64_t axis = tensor_int(op->inputs[1], 0);

	return axis < 0 ? axis + op->inputs[0]->rank : axis;
}

const char *check_arg(struct graph *g, struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	const char *reason = check_8bit(g, in, "input");
	int32_t dims[MAX_RANK];
	int axis, rank = 0;

	if (!reason)
		reason = check_constant_ints(g, op->inputs[1], "the axis", 1);
	if (reason)
		return reason;
	axis = arg_axis(op);
	if (axis < 0 || axis >= in->rank)
		return arena_printf(g->arena, "there is no dimension %lld",
				    (long long)tensor_int(op->inputs[1], 0));
	if (out->type != DTYPE_I32 && out->type != DTYPE_I64)
		return arena_printf(g->arena, "the output is %s: int32 or int64 is needed",
				    dtype_name(out->type));
	if (!out->consumers && !out->is_output)
		return "nobody reads the result";
	for (int d = 0; d < in->rank; d++)
		if (d != axis)
			dims[rank++] = in->dims[d];
		else if (op->attrs.keep_dims)
			dims[rank++] = 1;
	return check_shape(g, out, rank, dims);
}

/* The input with its axis at the end, dense. */
static struct view axis_last(struct program *p, const struct op *op, int32_t *dims)
{
	const struct tensor *in = op->inputs[0];
	const struct view *own = &p->views[in->index];
	struct view from = *own, to;
	int axis = arg_axis(op), last = in->rank - 1;

	memcpy(dims, in->dims, sizeof(in->dims));
	if (axis == last)
		return from;
	for (int d = axis; d < last; d++) {
		dims[d] = in->dims[d + 1];
		from.strides[d] = own->strides[d + 1];
	}
	dims[last] = in->dims[axis];
	from.strides[last] = own->strides[axis];
	to = scratch_view(p, in->name, in->rank, dims, 1);
	lower_move(p, op, &from, &to, in->rank, dims);
	return to;
}

/* Values in the opposite order. */
static struct view turned_round(struct program *p, const struct op *op, const struct view *from,
				const int32_t *dims)
{
	const struct tensor *in = op->inputs[0];
	struct view to = scratch_view(p, in->name, in->rank, dims, 1);
	struct range r = dtype_range(in->type);
	struct table table;

	for (int i = 0; i < 256; i++)
		table.entry[i] = r.max - i;
	lower_lookup_view(p, op, &table, in, from, in, &to, dims);
	return to;
}

/* An int64 is an int32 with zeroes behind it. */
static void widen(struct program *p, const struct op *op, const struct view *from, int32_t count)
{
	const int32_t dims[] = { count, sizeof(int32_t) };
	struct view low = p->views[op->outputs[0]->index], high, source = *from;

	/* byte by byte */
	low.strides[0] = sizeof(int64_t);
	low.strides[1] = 1;
	low.element = 1;
	high = low;
	high.offset += sizeof(int32_t);
	source.strides[0] = sizeof(int32_t);
	source.strides[1] = 1;
	lower_move(p, op, &source, &low, 2, dims);
	lower_fill(p, op, 0, &high, 2, dims);
}

void lower_arg(struct program *p, const struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	int32_t dims[MAX_RANK], channels, rows;
	struct view from = axis_last(p, op, dims), to = p->views[out->index];
	struct layer *l;

	channels = dims[in->rank - 1];
	rows = tensor_elements(in) / channels;
	if (op->kind == OP_ARG_MIN)
		from = turned_round(p, op, &from, dims);
	if (out->type == DTYPE_I64)
		to = scratch_view(p, out->name, 1, &rows, sizeof(int32_t));
	l = program_layer(p, LAYER_REDUCE, op);
	l->in[0] = (struct fm) {
		.buffer = from.buffer, .offset = from.offset, .dtype = device_dtype(in->type),
		.height = 1, .width = rows, .channels = channels,
		.row_stride = (int64_t)rows * channels, .col_stride = channels,
	};
	l->out = (struct fm) {
		.buffer = to.buffer, .offset = to.offset, .dtype = ENPU_S32,
		.height = 1, .width = rows, .channels = 1,
		.row_stride = (int64_t)rows * sizeof(int32_t), .col_stride = sizeof(int32_t),
	};
	l->operation = ENPU_REDUCE_ARGMAX;
	l->reduce_axes = ENPU_AXIS_C;
	l->clamp = (struct enpu_clamp) { INT32_MIN, INT32_MAX };
	if (out->type == DTYPE_I64)
		widen(p, op, &to, rows);
}
