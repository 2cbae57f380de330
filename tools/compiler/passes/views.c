// SPDX-License-Identifier: MIT
/*
 * Where tensors lie. Each tensor gets a view: a buffer of its own, or a part of
 * another tensor's, so that reshapes, concatenations, paddings, slices and splits
 * cost nothing where it can be helped.
 *
 * Backwards through the operators, a tensor takes its place inside the result
 * that it is a part of; then, forwards, what is still free becomes a part of what
 * it is taken from. Lowering moves only what ended up in two places.
 */
#include <string.h>

#include "../ops/operator.h"
#include "passes.h"

struct views {
	struct program *p;
	bool *dense;			/* by tensor: must be dense, some reader relies on it */
};

static bool assigned(const struct views *v, const struct tensor *t)
{
	return v->p->views[t->index].buffer;
}

static void dense_view(struct view *view, const struct tensor *t, struct buffer *b)
{
	int64_t stride = dtype_bits(t->type) / 8;

	view->buffer = b;
	view->offset = 0;
	view->element = stride;
	for (int d = t->rank - 1; d >= 0; d--) {
		view->strides[d] = stride;
		stride *= t->dims[d];
	}
}

static bool is_dense(const struct view *view, const struct tensor *t)
{
	int64_t stride = dtype_bits(t->type) / 8;

	for (int d = t->rank - 1; d >= 0; d--) {
		if (t->dims[d] > 1 && view->strides[d] != stride)
			return false;
		stride *= t->dims[d];
	}
	return true;
}

static void own_buffer(struct views *v, const struct tensor *t, enum buffer_home home)
{
	struct buffer *b = program_buffer(v->p, home, tensor_bytes(t), t->name);

	dense_view(&v->p->views[t->index], t, b);
}

/* Channels must stay neighbours: commands rely on it. */
static bool acceptable(const struct views *v, const struct tensor *t, const struct view *view)
{
	if (v->dense[t->index] && !is_dense(view, t))
		return false;
	return view->strides[t->rank - 1] == view->element;
}

/* @t takes @view, unless it has a place already or cannot live there: variables change. */
static bool offer(struct views *v, const struct tensor *t, const struct view *view)
{
	if (assigned(v, t) || t->data || view->buffer->home == HOME_STATE ||
	    !acceptable(v, t, view))
		return false;
	v->p->views[t->index] = *view;
	return true;
}

static bool is_reshape(const struct op *op)
{
	return op->kind == OP_RESHAPE || op->kind == OP_SQUEEZE || op->kind == OP_EXPAND_DIMS;
}

/* @to seen with @t's shape, if both are dense. */
static bool reshaped_view(const struct view *from, const struct tensor *of,
			  const struct tensor *t, struct view *view)
{
	if (!is_dense(from, of))
		return false;
	dense_view(view, t, from->buffer);
	view->offset = from->offset;
	return true;
}

static void offer_concatenation(struct views *v, const struct op *op)
{
	const struct tensor *out = op->outputs[0];
	int32_t begin[MAX_RANK] = { 0 };
	int axis = concatenation_axis(op);

	if (v->p->follower[op->index])
		return;
	if (!assigned(v, out))
		own_buffer(v, out, HOME_SCRATCH);
	for (unsigned int i = 0; i < op->n_inputs; i++) {
		const struct tensor *in = op->inputs[i];
		struct view part = sub_view(&v->p->views[out->index], out->rank, begin);

		if (same_quant(in, out))
			offer(v, in, &part);
		begin[axis] += in->dims[axis];
	}
}

static void offer_padding(struct views *v, const struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	int32_t interior[MAX_RANK];
	struct view part;

	if (v->p->folded[op->index])
		return;
	if (!assigned(v, out))
		own_buffer(v, out, HOME_SCRATCH);
	for (int d = 0; d < in->rank; d++)
		interior[d] = tensor_int(op->inputs[1], 2 * d);
	part = sub_view(&v->p->views[out->index], in->rank, interior);
	offer(v, in, &part);
}

static void backwards(struct views *v, const struct op *op)
{
	struct view view;

	if (runs_on_cpu(op))
		return;
	if (op->kind == OP_CONCATENATION) {
		offer_concatenation(v, op);
	} else if (op->kind == OP_PAD || op->kind == OP_PADV2) {
		offer_padding(v, op);
	} else if (is_reshape(op) && assigned(v, op->outputs[0])) {
		if (reshaped_view(&v->p->views[op->outputs[0]->index], op->outputs[0],
				  op->inputs[0], &view))
			offer(v, op->inputs[0], &view);
	}
}

static void offer_slice(struct views *v, const struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	struct view part, view;
	struct slice s;
	int rank = 0;

	read_slice(NULL, op, &s);
	slice_view(&v->p->views[in->index], &s, &part);
	view = part;
	for (int d = 0; d < s.rank; d++)
		if (!s.dropped[d])
			view.strides[rank++] = part.strides[d];
	offer(v, out, &view);
}

static void offer_split(struct views *v, const struct op *op)
{
	const struct tensor *in = op->inputs[1];
	int32_t begin[MAX_RANK] = { 0 };
	int axis = split_axis(op);

	for (unsigned int i = 0; i < op->n_outputs; i++) {
		struct view part = sub_view(&v->p->views[in->index], in->rank, begin);

		offer(v, op->outputs[i], &part);
		begin[axis] += op->outputs[i]->dims[axis];
	}
}

static void forwards(struct views *v, const struct op *op)
{
	struct view view;

	if (is_reshape(op)) {
		if (reshaped_view(&v->p->views[op->inputs[0]->index], op->inputs[0],
				  op->outputs[0], &view))
			offer(v, op->outputs[0], &view);
	} else if (op->kind == OP_SLICE || op->kind == OP_STRIDED_SLICE) {
		offer_slice(v, op);
	} else if (op->kind == OP_SPLIT) {
		offer_split(v, op);
	}
	for (unsigned int i = 0; i < op->n_outputs; i++)
		if (!assigned(v, op->outputs[i]) && dtype_bits(op->outputs[i]->type))
			own_buffer(v, op->outputs[i], HOME_SCRATCH);
}

static void place_variables(struct views *v)
{
	const struct graph *g = v->p->graph;

	for (unsigned int i = 0; i < g->n_tensors; i++) {
		const struct tensor *t = &g->tensors[i];

		if (!t->initial)
			continue;
		own_buffer(v, t, HOME_STATE);
		v->p->views[i].buffer->content = t->initial;
	}
	for (unsigned int i = 0; i < g->n_ops; i++)
		if (g->ops[i].kind == OP_ASSIGN_VARIABLE)
			v->p->views[g->ops[i].outputs[0]->index] =
				v->p->views[g->ops[i].inputs[0]->index];
}

/* Tensors whose place is not free to choose, and readers that want them dense. */
static void fixed_places(struct views *v)
{
	const struct graph *g = v->p->graph;

	place_variables(v);

	for (unsigned int i = 0; i < g->n_inputs; i++)
		own_buffer(v, g->inputs[i], HOME_INPUT);
	for (unsigned int i = 0; i < g->n_outputs; i++)
		own_buffer(v, g->outputs[i], HOME_OUTPUT);
	for (unsigned int i = 0; i < g->n_ops; i++) {
		const struct op *op = &g->ops[i];
		bool cpu = runs_on_cpu(op);
		bool flat = op->kind == OP_FULLY_CONNECTED || op->kind == OP_SOFTMAX ||
			    operator_type(op->kind)->lower == lower_reduce ||
			    operator_type(op->kind)->lower == lower_arg || is_reshape(op);

		for (unsigned int k = 0; k < op->n_inputs; k++) {
			const struct tensor *t = op->inputs[k];

			if (!t || t->data)
				continue;
			v->dense[t->index] |= cpu || flat;
			if (cpu && !assigned(v, t))
				own_buffer(v, t, HOME_HOST);
		}
		for (unsigned int k = 0; k < op->n_outputs; k++) {
			const struct tensor *t = op->outputs[k];

			v->dense[t->index] |= cpu || flat;
			if (cpu && !assigned(v, t))
				own_buffer(v, t, HOME_HOST);
		}
	}
}

/* Constants that commands read as tensors. */
static void place_constants(struct views *v)
{
	const struct graph *g = v->p->graph;

	for (unsigned int i = 0; i < g->n_tensors; i++) {
		const struct tensor *t = &g->tensors[i];

		if (t->data && t->consumers && !assigned(v, t))
			dense_view(&v->p->views[i], t,
				   program_constant(v->p, t->data, t->data_bytes, t->name));
	}
}

void assign_views(struct program *p)
{
	const struct graph *g = p->graph;
	struct views v = { .p = p, .dense = arena_new(p->arena, bool, g->n_tensors) };

	p->views = arena_new(p->arena, struct view, g->n_tensors);
	fixed_places(&v);
	place_constants(&v);
	for (unsigned int i = g->n_ops; i-- > 0;)
		backwards(&v, &g->ops[i]);
	for (unsigned int i = 0; i < g->n_ops; i++)
		forwards(&v, &g->ops[i]);
}
