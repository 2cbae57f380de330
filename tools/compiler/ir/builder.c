// SPDX-License-Identifier: MIT
/* Making graphs: see builder.h. */
#include "builder.h"

#include <errno.h>
#include <string.h>

void builder_open(struct builder *b, struct graph *g)
{
	*b = (struct builder){ .arena = g->arena };
	for (unsigned int i = 0; i < g->n_tensors; i++)
		*arena_push(b->arena, b->tensors, b->n_tensors) = &g->tensors[i];
	for (unsigned int i = 0; i < g->n_ops; i++)
		*arena_push(b->arena, b->ops, b->n_ops) = &g->ops[i];
	for (unsigned int i = 0; i < g->n_inputs; i++)
		*arena_push(b->arena, b->inputs, b->n_inputs) = g->inputs[i];
	for (unsigned int i = 0; i < g->n_outputs; i++)
		*arena_push(b->arena, b->outputs, b->n_outputs) = g->outputs[i];
}

struct tensor *builder_tensor(struct builder *b, const char *name, enum dtype type, int rank,
			      const int32_t *dims)
{
	struct tensor *t = arena_new(b->arena, struct tensor, 1);

	t->name = name;
	t->type = type;
	t->rank = rank;
	if (rank)
		memcpy(t->dims, dims, rank * sizeof(*dims));
	*arena_push(b->arena, b->tensors, b->n_tensors) = t;
	return t;
}

struct tensor *builder_constant(struct builder *b, const char *name, enum dtype type, int rank,
				const int32_t *dims, const void *data)
{
	struct tensor *t = builder_tensor(b, name, type, rank, dims);

	t->data = data;
	t->data_bytes = tensor_bytes(t);
	return t;
}

struct tensor *builder_ints(struct builder *b, const char *name, int32_t count,
			    const int32_t *values)
{
	int32_t *copy = arena_new(b->arena, int32_t, count);

	memcpy(copy, values, count * sizeof(*copy));
	return builder_constant(b, name, DTYPE_I32, 1, &count, copy);
}

struct op *builder_op(struct builder *b, enum op_kind kind, const char *name,
		      unsigned int n_inputs, unsigned int n_outputs)
{
	struct op *op = arena_new(b->arena, struct op, 1);

	op->kind = kind;
	op->name = name;
	op->source = -1;
	op->inputs = arena_new(b->arena, struct tensor *, n_inputs);
	op->outputs = arena_new(b->arena, struct tensor *, n_outputs);
	op->n_inputs = n_inputs;
	op->n_outputs = n_outputs;
	*arena_push(b->arena, b->ops, b->n_ops) = op;
	return op;
}

struct op *builder_unary(struct builder *b, enum op_kind kind, const char *name,
			 struct tensor *in, struct tensor *out)
{
	struct op *op = builder_op(b, kind, name, 1, 1);

	op->inputs[0] = in;
	op->outputs[0] = out;
	return op;
}

static void replace_in(struct tensor **list, size_t n, const struct tensor *from,
		       struct tensor *to)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == from)
			list[i] = to;
}

void builder_replace(struct builder *b, const struct tensor *from, struct tensor *to)
{
	for (size_t i = 0; i < b->n_ops; i++)
		replace_in(b->ops[i]->inputs, b->ops[i]->n_inputs, from, to);
	replace_in(b->outputs, b->n_outputs, from, to);
}

/* Links of the builder's own objects: each tensor's producer; indices are positions. */
static int link_all(struct builder *b, struct graph *g)
{
	for (size_t i = 0; i < b->n_tensors; i++) {
		struct tensor *t = b->tensors[i];

		t->index = i;
		t->producer = NULL;
		t->consumers = 0;
		t->is_input = false;
		t->is_output = false;
	}
	for (size_t i = 0; i < b->n_inputs; i++)
		b->inputs[i]->is_input = true;
	for (size_t i = 0; i < b->n_outputs; i++)
		b->outputs[i]->is_output = true;
	for (size_t i = 0; i < b->n_ops; i++) {
		struct op *op = b->ops[i];

		op->index = i;
		for (unsigned int k = 0; k < op->n_outputs; k++) {
			struct tensor *t = op->outputs[k];

			if (t->producer || t->data || t->is_input) {
				diag_error(g->diag, "%s: operator %s writes tensor %.80s, which has "
					   "a source already", g->file, op->name, t->name);
				return -EINVAL;
			}
			t->producer = op;
		}
	}
	return 0;
}

/*
 * Operators in the order in which they were added, but each after those that it reads.
 * A walk in depth without recursion: graphs can be deep.
 */
struct walk {
	enum { UNNEEDED, NEW, OPEN, DONE } *state;	/* of operators */
	struct op **order;			/* that are done */
	size_t n_order;
	struct op **stack;
	size_t depth;
};

static void push_producers(struct builder *b, struct walk *w, const struct op *op)
{
	for (unsigned int i = 0; i < op->n_inputs; i++)
		if (op->inputs[i] && op->inputs[i]->producer)
			*arena_push(b->arena, w->stack, w->depth) = op->inputs[i]->producer;
}

/* What the outputs and the next run need. */
static void mark_needed(struct builder *b, struct walk *w)
{
	for (size_t i = 0; i < b->n_ops; i++)
		if (b->ops[i]->kind == OP_ASSIGN_VARIABLE)
			*arena_push(b->arena, w->stack, w->depth) = b->ops[i];
	for (size_t i = 0; i < b->n_outputs; i++)
		if (b->outputs[i]->producer)
			*arena_push(b->arena, w->stack, w->depth) = b->outputs[i]->producer;
	while (w->depth) {
		struct op *op = w->stack[--w->depth];

		if (w->state[op->index] != UNNEEDED)
			continue;
		w->state[op->index] = NEW;
		push_producers(b, w, op);
	}
}

/* @op and all that must come before it. False: it needs its own result. */
static bool append(struct builder *b, struct walk *w, struct op *op)
{
	*arena_push(b->arena, w->stack, w->depth) = op;
	while (w->depth) {
		size_t depth = w->depth;

		op = w->stack[depth - 1];
		if (w->state[op->index] == NEW) {
			w->state[op->index] = OPEN;
			push_producers(b, w, op);
			for (size_t i = depth; i < w->depth; i++)
				if (w->state[w->stack[i]->index] == OPEN)
					return false;
			continue;
		}
		w->depth--;
		if (w->state[op->index] == OPEN) {
			w->state[op->index] = DONE;
			w->order[w->n_order++] = op;
		}
	}
	return true;
}

static int append_all(struct builder *b, struct walk *w, struct graph *g, bool assignments)
{
	for (size_t i = 0; i < b->n_ops; i++) {
		if ((b->ops[i]->kind == OP_ASSIGN_VARIABLE) != assignments || w->state[i] != NEW ||
		    append(b, w, b->ops[i]))
			continue;
		diag_error(g->diag, "%s: operator %s needs its own result: %s", g->file,
			   b->ops[i]->name, op_shapes_text(b->arena, b->ops[i]));
		return -EINVAL;
	}
	return 0;
}

/* Variables change when everybody has read them. */
static int sort(struct builder *b, struct walk *w, struct graph *g)
{
	int err;

	w->state = arena_alloc(b->arena, b->n_ops, sizeof(*w->state));
	w->order = arena_new(b->arena, struct op *, b->n_ops);
	mark_needed(b, w);
	err = append_all(b, w, g, false);
	return err ? err : append_all(b, w, g, true);
}

/* Counts readers: those that have none are left out, but for the model's own. */
static void count_consumers(const struct walk *w)
{
	for (size_t i = 0; i < w->n_order; i++)
		for (unsigned int k = 0; k < w->order[i]->n_inputs; k++)
			if (w->order[i]->inputs[k])
				w->order[i]->inputs[k]->consumers++;
}

static bool is_kept(const struct walk *w, const struct tensor *t)
{
	return t->consumers || t->is_input || t->is_output ||
	       (t->producer && w->state[t->producer->index] == DONE);
}

static struct tensor **remap(struct graph *g, struct tensor *const *list, size_t n)
{
	struct tensor **copy = arena_new(g->arena, struct tensor *, n);

	for (size_t i = 0; i < n; i++)
		copy[i] = list[i] ? &g->tensors[list[i]->index] : NULL;
	return copy;
}

static void copy_tensors(struct builder *b, const struct walk *w, struct graph *g)
{
	g->n_tensors = 0;
	g->tensors = arena_new(g->arena, struct tensor, b->n_tensors);
	for (size_t i = 0; i < b->n_tensors; i++) {
		if (!is_kept(w, b->tensors[i]))
			continue;
		b->tensors[i]->index = g->n_tensors;
		g->tensors[g->n_tensors++] = *b->tensors[i];
	}
}

static void copy_ops(const struct walk *w, struct graph *g)
{
	g->n_ops = w->n_order;
	g->ops = arena_new(g->arena, struct op, w->n_order);
	for (size_t i = 0; i < w->n_order; i++) {
		struct op *op = &g->ops[i];

		*op = *w->order[i];
		op->index = i;
		op->inputs = remap(g, w->order[i]->inputs, op->n_inputs);
		op->outputs = remap(g, w->order[i]->outputs, op->n_outputs);
		for (unsigned int k = 0; k < op->n_outputs; k++)
			op->outputs[k]->producer = op;
	}
}

int builder_finish(struct builder *b, struct graph *g)
{
	struct walk w = {};
	int err = link_all(b, g);

	if (!err)
		err = sort(b, &w, g);
	if (err)
		return err;
	count_consumers(&w);
	copy_tensors(b, &w, g);
	copy_ops(&w, g);
	g->inputs = remap(g, b->inputs, b->n_inputs);
	g->outputs = remap(g, b->outputs, b->n_outputs);
	g->n_inputs = b->n_inputs;
	g->n_outputs = b->n_outputs;
	return 0;
}

int graph_copy(struct graph *g, struct graph *copy)
{
	struct builder b;

	*copy = *g;
	builder_open(&b, g);
	return builder_finish(&b, copy);
}
