// SPDX-License-Identifier: MIT
/*
 * SUM, MEAN, REDUCE_MAX and REDUCE_MIN. A mean is a sum whose scale has 1/n folded in, as
 * TFLite's kernels do it. Neighbouring dimensions of the same fate are one, until height,
 * width and channels are left; where that is not enough, outer dimensions are taken one
 * by one, or what is reduced is moved to the end first.
 */
#include <string.h>

#include "operator.h"
#include "ort.h"
#include "quantize.h"

#define SIDES	3		/* height, width, channels */
#define MOST_LAYERS	64	/* one by one; beyond that moving is cheaper */

/* Bit d: dimension d of the input is reduced. */
static const char *reduced_dims(struct graph *g, const struct op *op, unsigned int *reduced)
{
	const struct tensor *in = op->inputs[0], *axes = op->inputs[1];
	const char *reason;
	int64_t count;

	*reduced = 0;
	count = axes ? tensor_elements(axes) : 0;
	reason = check_constant_ints(g, axes, "the axes", count);
	if (reason)
		return reason;
	for (int64_t i = 0; i < count; i++) {
		int64_t axis = tensor_int(axes, i);

		if (axis < -in->rank || axis >= in->rank)
			return arena_printf(g->arena, "there is no dimension %lld",
					    (long long)axis);
		*reduced |= 1u << (axis < 0 ? axis + in->rank : axis);
	}
	return *reduced ? NULL : "it reduces no dimension";
}

static int64_t reduced_count(const struct tensor *in, unsigned int reduced)
{
	int64_t n = 1;

	for (int d = 0; d < in->rank; d++)
		if (reduced & 1u << d)
			n *= in->dims[d];
	return n;
}

static double scale_ratio(const struct op *op)
{
	return (double)op->inputs[0]->quant.scale[0] / (double)op->outputs[0]->quant.scale[0];
}

/* The ratio of the scales over @n, with as many bits as fit. */
static struct multiplier mean_multiplier(const struct op *op, int64_t n)
{
	struct multiplier m = quantize_multiplier(scale_ratio(op));
	int shift = 63 - __builtin_clzll(n);

	shift = shift > 32 ? 32 : shift;
	shift = shift > 31 + m.shift ? 31 + m.shift : shift;
	m.value = (int32_t)(((int64_t)m.value << shift) / n);
	m.shift -= shift;
	return m;
}

/* Of a sum over @n elements, or of their mean. */
static struct enpu_scale sum_scale(const struct op *op, int64_t n)
{
	struct multiplier m;

	if (follows_ort(op))
		return ort_scale(ort_mean_factor(op, op->kind == OP_MEAN ? n : 1));
	m = op->kind == OP_MEAN ? mean_multiplier(op, n) : quantize_multiplier(scale_ratio(op));
	return (struct enpu_scale) { .multiplier = m.value, .shift = m.shift };
}

static const char *check_scales(struct graph *g, const struct op *op)
{
	const char *reason;

	if (op->kind != OP_MEAN && op->kind != OP_SUM)
		return check_same_quant(g, op->inputs[0], op->outputs[0]);
	if (follows_ort(op))
		return check_ort_factor(g, ort_mean_factor(op, 1));
	reason = check_multiplier(g, scale_ratio(op));
	if (!reason && quantize_multiplier(scale_ratio(op)).shift < -31)
		reason = "the scales give no usable factor";
	return reason;
}

const char *check_reduce(struct graph *g, struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	const char *reason = check_8_or_16bit(g, in, "input");
	unsigned int reduced;
	int32_t dims[MAX_RANK];
	int rank = 0;

	if (!reason)
		reason = check_8_or_16bit(g, out, "output");
	if (!reason)
		reason = check_scales(g, op);
	if (!reason)
		reason = reduced_dims(g, op, &reduced);
	if (reason)
		return reason;
	if (in->type != out->type)
		return "input and output have different types";
	for (int d = 0; d < in->rank; d++)
		if (!(reduced & 1u << d))
			dims[rank++] = in->dims[d];
		else if (op->attrs.keep_dims)
			dims[rank++] = 1;
	return check_shape(g, out, rank, dims);
}

static uint8_t operation(enum op_kind kind)
{
	return kind == OP_REDUCE_MAX ? ENPU_REDUCE_MAX :
	       kind == OP_REDUCE_MIN ? ENPU_REDUCE_MIN : ENPU_REDUCE_SUM;
}

/* Dimensions of a dense tensor, and which of them are reduced. */
struct extents {
	int rank;
	int32_t dims[MAX_RANK];
	bool reduced[MAX_RANK];
};

static void drop(struct extents *e, int d)
{
	e->rank--;
	for (int i = d; i < e->rank; i++) {
		e->dims[i] = e->dims[i + 1];
		e->reduced[i] = e->reduced[i + 1];
	}
}

static struct extents simplify(const struct tensor *in, unsigned int reduced)
{
	struct extents e = { 0 };

	for (int d = 0; d < in->rank; d++) {
		if (in->dims[d] == 1)
			continue;
		e.dims[e.rank] = in->dims[d];
		e.reduced[e.rank++] = reduced & 1u << d;
	}
	for (int d = 0; d + 1 < e.rank && e.rank > SIDES;) {
		int64_t both = (int64_t)e.dims[d] * e.dims[d + 1];

		if (e.reduced[d] != e.reduced[d + 1] || both > ENPU_MAX_SIDE) {
			d++;
			continue;
		}
		e.dims[d + 1] = both;
		drop(&e, d);
	}
	for (; e.rank < SIDES; e.rank++) {
		memmove(e.dims + 1, e.dims, e.rank * sizeof(*e.dims));
		memmove(e.reduced + 1, e.reduced, e.rank * sizeof(*e.reduced));
		e.dims[0] = 1;
		e.reduced[0] = false;
	}
	return e;
}

/* What is reduced has but one element: that is a dimension all the same, as commands need one. */
static void need_axis(struct extents *e)
{
	for (int d = 0; d < e->rank; d++)
		if (e->reduced[d])
			return;
	/* nothing kept the others from becoming one: there is room */
	e->dims[e->rank] = 1;
	e->reduced[e->rank++] = true;
}

/* Outer dimensions that are reduced, or too many that are kept, must be moved away. */
static bool must_move(const struct extents *e)
{
	int64_t layers = 1;

	for (int d = 0; d < e->rank - SIDES; d++) {
		if (e->reduced[d])
			return true;
		layers *= e->dims[d];
	}
	return layers > MOST_LAYERS;
}

/* @in's bytes in a place of their own, what is kept before what is reduced. */
static struct view move_reduced(struct program *p, const struct op *op, unsigned int reduced,
				struct extents *e)
{
	const struct tensor *in = op->inputs[0];
	const struct view *own = &p->views[in->index];
	struct view from = *own, to;
	int32_t dims[MAX_RANK], kept = 1, rest = 1;
	int rank = 0;

	for (unsigned int fate = 0; fate < 2; fate++)
		for (int d = 0; d < in->rank; d++) {
			if ((reduced >> d & 1) != fate)
				continue;
			from.strides[rank] = own->strides[d];
			dims[rank++] = in->dims[d];
			*(fate ? &rest : &kept) *= in->dims[d];
		}
	to = scratch_view(p, in->name, rank, dims, from.element);
	lower_move(p, op, &from, &to, rank, dims);
	*e = (struct extents) { SIDES, { 1, kept, rest }, { false, false, true } };
	return to;
}

struct reduction {
	struct program *p;
	const struct op *op;
	struct extents extents;
	struct enpu_scale scale;
	struct fm in, out;
};

static void emit_reduction(const struct reduction *r)
{
	const int32_t *dims = r->extents.dims + r->extents.rank - SIDES;
	const bool *reduced = r->extents.reduced + r->extents.rank - SIDES;
	struct layer *l = program_layer(r->p, LAYER_REDUCE, r->op);

	l->in[0] = r->in;
	l->in[0].height = dims[0];
	l->in[0].width = dims[1];
	l->in[0].channels = dims[2];
	l->in[0].col_stride = (int64_t)dims[2] * device_dtype_bytes(l->in[0].dtype);
	l->in[0].row_stride = dims[1] * l->in[0].col_stride;
	l->out = r->out;
	l->out.height = reduced[0] ? 1 : dims[0];
	l->out.width = reduced[1] ? 1 : dims[1];
	l->out.channels = reduced[2] ? 1 : dims[2];
	l->out.col_stride = (int64_t)l->out.channels * device_dtype_bytes(l->out.dtype);
	l->out.row_stride = l->out.width * l->out.col_stride;
	l->operation = operation(r->op->kind);
	for (int d = 0; d < SIDES; d++)
		if (reduced[d])
			l->reduce_axes |= 1u << d;
	l->scale_out = r->scale;
	l->requant = device_requant(r->op);
	l->clamp = device_clamp(r->op->outputs[0], ACT_NONE);
}

/* All of the outer dimensions; both sides are dense. */
static void emit_reductions(struct reduction *r)
{
	int64_t in_bytes = device_dtype_bytes(r->in.dtype), count = 1;
	int64_t out_bytes = device_dtype_bytes(r->out.dtype);

	for (int d = 0; d < r->extents.rank; d++) {
		if (d < r->extents.rank - SIDES) {
			count *= r->extents.dims[d];
			continue;
		}
		in_bytes *= r->extents.dims[d];
		out_bytes *= r->extents.reduced[d] ? 1 : r->extents.dims[d];
	}
	for (int64_t n = 0; n < count; n++) {
		emit_reduction(r);
		r->in.offset += in_bytes;
		r->out.offset += out_bytes;
	}
}

void lower_reduce(struct program *p, const struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	struct reduction r = { p, op, .out = flat_fm(p, out, 1, 1) };
	unsigned int reduced;
	struct view moved;

	reduced_dims(NULL, op, &reduced);
	if (op->kind == OP_MEAN || op->kind == OP_SUM)
		r.scale = sum_scale(op, reduced_count(in, reduced));
	r.in = flat_fm(p, in, 1, 1);
	r.extents = simplify(in, reduced);
	need_axis(&r.extents);
	if (must_move(&r.extents)) {
		moved = move_reduced(p, op, reduced, &r.extents);
		r.in.buffer = moved.buffer;
		r.in.offset = moved.offset;
	}
	emit_reductions(&r);
}
