// SPDX-License-Identifier: MIT
/*
 * Transposes removed. Importers of formats whose images are NCHW put TRANSPOSEs around
 * every operator that the IR has in NHWC. Here no transpose is executed where it stands: a
 * tensor is known by what lies in memory and in which order, an operator that can work in
 * that order does (layout_ops.c), and only one that can't, or an output of the model, gets
 * its input in the order that it needs, once for all that need it so. A transpose that moves
 * only dimensions of 1 is a RESHAPE; of a constant it is done here.
 *
 * An input of the model that is an image and read as NHWC becomes NHWC (tensor.was_nchw).
 */
#include "layout.h"

#include <string.h>

struct view *view_of(struct layout *l, const struct tensor *t)
{
	return &l->views[t->index];
}

struct order order_identity(int rank)
{
	struct order o = { .rank = rank };

	for (int i = 0; i < rank; i++)
		o.d[i] = i;
	return o;
}

bool order_equal(const struct order *a, const struct order *b)
{
	return a->rank == b->rank && !memcmp(a->d, b->d, a->rank * sizeof(a->d[0]));
}

bool order_is_identity(const struct order *o)
{
	struct order identity = order_identity(o->rank);

	return order_equal(o, &identity);
}

int order_find(const struct order *o, int d)
{
	int k = 0;

	while (o->d[k] != d)
		k++;
	return k;
}

struct order order_last_last(const struct order *o)
{
	struct order out = { .rank = o->rank };
	int n = 0;

	for (int k = 0; k < o->rank; k++)
		if (o->d[k] != o->rank - 1)
			out.d[n++] = o->d[k];
	if (o->rank)
		out.d[n] = o->rank - 1;
	return out;
}

void layout_push(struct layout *l, struct op *op)
{
	for (unsigned int i = 0; i < op->n_outputs; i++)
		op->outputs[i]->producer = op;
	*arena_push(l->b.arena, l->b.ops, l->b.n_ops) = op;
}

struct tensor *layout_ints(struct layout *l, const char *name, int32_t n, const int32_t *v)
{
	return builder_ints(&l->b, name, n, v);
}

static struct tensor *like(struct layout *l, const struct tensor *t, int rank, const int32_t *dims)
{
	struct tensor *out = builder_tensor(&l->b, t->name, t->type, rank, dims);

	out->quant = t->quant;
	return out;
}

/* An operator of two inputs, the second a list of integers; computed here for constants. */
static void push_or_fold(struct layout *l, enum op_kind kind, const char *name, const struct op *of,
			 struct tensor *in, struct tensor *out, int32_t n, const int32_t *list)
{
	struct op *op = arena_new(l->b.arena, struct op, 1);

	op->kind = kind;
	op->name = name;
	op->label = of ? of->label : NULL;
	op->inputs = arena_new(l->b.arena, struct tensor *, 2);
	op->outputs = arena_new(l->b.arena, struct tensor *, 1);
	op->n_inputs = 2;
	op->n_outputs = 1;
	op->inputs[0] = in;
	op->inputs[1] = layout_ints(l, out->name, n, list);
	op->outputs[0] = out;
	if (!in->data || out->is_output || !fold_constant(l->b.arena, op))
		layout_push(l, op);
}

static bool same_dims(const struct tensor *t, int rank, const int32_t *dims)
{
	return t->rank == rank && !memcmp(t->dims, dims, rank * sizeof(*dims));
}

/* A reshape of a reshape is one. */
static struct tensor *before_reshape(struct tensor *t)
{
	while (t->producer && t->producer->kind == OP_RESHAPE)
		t = t->producer->inputs[0];
	return t;
}

struct tensor *layout_reshape(struct layout *l, const struct op *op, struct tensor *t, int rank,
			      const int32_t *dims)
{
	struct tensor *out;

	if (same_dims(t, rank, dims))
		return t;
	t = before_reshape(t);
	if (same_dims(t, rank, dims))
		return t;
	out = like(l, t, rank, dims);
	push_or_fold(l, OP_RESHAPE, "Reshape", op, t, out, rank, dims);
	return out;
}

/* What takes @from to @to, and whether it moves dimensions of 1 only. */
static bool only_ones_move(const struct tensor *real, const struct order *from,
			   const struct order *to, int32_t *perm)
{
	int last = -1;
	bool ones = true;

	for (int k = 0; k < to->rank; k++) {
		perm[k] = order_find(from, to->d[k]);
		if (real->dims[perm[k]] == 1)
			continue;
		ones &= perm[k] > last;
		last = perm[k];
	}
	return ones;
}

/* The real tensor in another order, as a new tensor or as @out. */
static struct tensor *reorder(struct layout *l, const struct op *op, const struct view *v,
			      const struct order *want, struct tensor *out)
{
	struct tensor *real = v->real;
	int32_t perm[MAX_RANK], dims[MAX_RANK];
	bool ones = only_ones_move(real, &v->order, want, perm);

	for (int k = 0; k < want->rank; k++)
		dims[k] = real->dims[perm[k]];
	if (ones && !out)
		return layout_reshape(l, op, real, want->rank, dims);
	if (!out)
		out = like(l, real, want->rank, dims);
	if (out->quant.count > 1)
		out->quant.axis = order_find(want, v->order.d[real->quant.axis]);
	if (ones)
		push_or_fold(l, OP_RESHAPE, "Reshape", op, before_reshape(real), out, want->rank,
			     dims);
	else
		push_or_fold(l, OP_TRANSPOSE, "Transpose", op, real, out, want->rank, perm);
	return out;
}

struct tensor *layout_get(struct layout *l, const struct op *op, struct tensor *t,
			  const struct order *want)
{
	return layout_see(l, op, view_of(l, t), want);
}

struct tensor *layout_see(struct layout *l, const struct op *op, struct view *v,
			  const struct order *want)
{
	struct copy *copy = v->copies;

	if (order_equal(&v->order, want))
		return v->real;
	while (copy && !order_equal(&copy->order, want))
		copy = copy->next;
	if (copy)
		return copy->tensor;
	copy = arena_new(l->b.arena, struct copy, 1);
	copy->next = v->copies;
	copy->order = *want;
	copy->tensor = reorder(l, op, v, want, NULL);
	v->copies = copy;
	return copy->tensor;
}

void layout_put(struct layout *l, struct op *op, unsigned int i, const struct order *o)
{
	struct tensor *t = op->outputs[i], *real = t;
	struct view *v = view_of(l, t);
	int32_t dims[MAX_RANK];

	for (int k = 0; k < o->rank; k++)
		dims[k] = v->dims[o->d[k]];
	if (t->is_output && !order_is_identity(o)) {
		real = like(l, t, o->rank, dims);
		op->outputs[i] = real;
	}
	memcpy(real->dims, dims, o->rank * sizeof(*dims));
	if (real->quant.count > 1)
		real->quant.axis = order_find(o, t->quant.axis);
	v->real = real;
	v->order = *o;
}

static bool is_to_nhwc(const struct op *op)
{
	static const int32_t nhwc[] = { 0, 2, 3, 1 };

	if (op->kind != OP_TRANSPOSE || op->inputs[0]->rank != 4 || !op->inputs[1]->data)
		return false;
	for (int i = 0; i < 4; i++)
		if (tensor_int(op->inputs[1], i) != nhwc[i])
			return false;
	return true;
}

/* From the input on: does anybody want NHWC before somebody wants something else? */
static bool wants_nhwc(struct layout *l, const struct graph *g, const struct tensor *input)
{
	bool *reached = arena_new(l->b.arena, bool, g->n_tensors), wanted = false;

	if (input->rank != 4)
		return false;
	reached[input->index] = true;
	for (unsigned int i = 0; i < g->n_ops; i++) {
		const struct op *op = &g->ops[i];
		bool reads = false;

		for (unsigned int k = 0; k < op->n_inputs; k++)
			reads |= op->inputs[k] && reached[op->inputs[k]->index];
		if (!reads)
			continue;
		if (is_to_nhwc(op))
			wanted = true;
		else if (layout_is_transparent(op->kind) && op->outputs[0]->rank == 4)
			reached[op->outputs[0]->index] = true;
		else
			return false;
	}
	return wanted;
}

static void start_views(struct layout *l, struct graph *g)
{
	static const struct order nhwc = { 4, { 0, 2, 3, 1 } };

	l->views = arena_new(g->arena, struct view, g->n_tensors);
	for (unsigned int i = 0; i < g->n_tensors; i++) {
		struct tensor *t = &g->tensors[i];
		struct view *v = &l->views[i];

		v->real = t;
		v->order = order_identity(t->rank);
		memcpy(v->dims, t->dims, sizeof(v->dims));
		t->producer = NULL;
		if (!t->is_input || t->is_output || !wants_nhwc(l, g, t))
			continue;
		v->order = nhwc;
		t->was_nchw = true;
		for (int k = 0; k < 4; k++)
			t->dims[k] = v->dims[nhwc.d[k]];
	}
}

/* The model's outputs are as they were. */
static void finish_outputs(struct layout *l, struct graph *g)
{
	for (unsigned int i = 0; i < g->n_outputs; i++) {
		struct tensor *t = g->outputs[i];
		struct view *v = view_of(l, t);
		struct order identity = order_identity(t->rank);

		if (v->real != t)
			reorder(l, NULL, v, &identity, t);
	}
}

int simplify_layout(struct graph *g)
{
	struct layout l = { .old = g };

	builder_open(&l.b, g);
	l.b.n_ops = 0;
	l.b.ops = NULL;
	start_views(&l, g);
	for (unsigned int i = 0; i < g->n_ops; i++)
		layout_op(&l, &g->ops[i]);
	finish_outputs(&l, g);
	return builder_finish(&l.b, g);
}
