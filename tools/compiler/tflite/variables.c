// SPDX-License-Identifier: MIT
/*
 * Variables: what a model keeps from run to run. In the file VAR_HANDLE names one, CALL_ONCE
 * runs a subgraph before the first run that assigns constants to them, READ_VARIABLE and
 * ASSIGN_VARIABLE are operators among others. In the graph a variable is a tensor with an
 * initial value; who reads it after an assignment reads what was assigned, and what it was
 * assigned last is assigned once more, when all is done.
 */
#include <string.h>

#include "../ir/builder.h"
#include "import.h"

struct variable {
	const char *container, *name;
	struct tensor *before;		/* the run */
	struct tensor *now;		/* as far as operators have been read */
	const struct op *assigned;	/* by this one; NULL: not yet */
};

struct variables {
	struct fb *fb;
	struct builder *b;
	struct arena *arena;
	struct variable *list;
	size_t count;
};

static void refuse(struct variables *v, const struct op *op, const char *reason)
{
	fb_fail(v->fb, "%s: %s: %s", op_text(v->arena, op), reason, op_shapes_text(v->arena, op));
}

/* The variable that input 0 of @op handles, or NULL. */
static struct variable *find(struct variables *v, const struct op *op)
{
	const struct op *handle = op->n_inputs && op->inputs[0] ? op->inputs[0]->producer : NULL;

	if (!handle || handle->kind != OP_VAR_HANDLE)
		return NULL;
	for (size_t i = 0; i < v->count; i++)
		if (!strcmp(v->list[i].name, handle->attrs.variable) &&
		    !strcmp(v->list[i].container, handle->attrs.container))
			return &v->list[i];
	return NULL;
}

/* An assignment of the subgraph that CALL_ONCE runs. */
static void initialize(struct variables *v, const struct op *op)
{
	const struct tensor *value = op->n_inputs == 2 ? op->inputs[1] : NULL;
	const struct op *handle = op->n_inputs && op->inputs[0] ? op->inputs[0]->producer : NULL;
	struct tensor *t;

	if (!handle || handle->kind != OP_VAR_HANDLE || !value || !value->data) {
		refuse(v, op, "a variable begins with a constant");
		return;
	}
	if (find(v, op)) {
		refuse(v, op, "the variable has a first value already");
		return;
	}
	t = builder_tensor(v->b, handle->attrs.variable, value->type, value->rank, value->dims);
	t->quant = value->quant;
	t->initial = value->data;
	*arena_push(v->arena, v->list, v->count) = (struct variable) {
		.container = handle->attrs.container, .name = handle->attrs.variable,
		.before = t, .now = t,
	};
}

static void initialize_all(struct variables *v, const struct graph *init)
{
	for (unsigned int i = 0; i < init->n_ops && !fb_failed(v->fb); i++) {
		const struct op *op = &init->ops[i];

		if (op->kind == OP_ASSIGN_VARIABLE)
			initialize(v, op);
		else if (op->kind != OP_VAR_HANDLE)
			refuse(v, op, "only assignments of constants are known in what runs once");
	}
}

static bool same_kind(const struct tensor *a, const struct tensor *b)
{
	return a->type == b->type && same_shape(a, b) && a->quant.count == b->quant.count &&
	       (!a->quant.count || (a->quant.scale[0] == b->quant.scale[0] &&
				    a->quant.zero_point[0] == b->quant.zero_point[0]));
}

static bool is_strange(struct variables *v, const struct op *op, const struct variable *var,
		       const struct tensor *t)
{
	if (!var)
		refuse(v, op, "the variable has no first value");
	else if (!t || !same_kind(var->before, t))
		refuse(v, op, "the variable has another type, shape or quantization");
	return fb_failed(v->fb);
}

/* What is read and an output of the model too needs a place of its own. */
static void expose(struct variables *v, struct variable *var, struct tensor *out,
		   const struct op *reader)
{
	struct op *op = builder_op(v->b, OP_RESHAPE, reader->name, 2, 1);

	op->source = reader->source;
	op->inputs[0] = var->now;
	op->inputs[1] = builder_ints(v->b, var->name, out->rank, out->dims);
	op->outputs[0] = out;
}

static void read_variable(struct variables *v, struct op *op)
{
	struct tensor *out = op->n_outputs == 1 ? op->outputs[0] : NULL;
	struct variable *var = find(v, op);

	if (is_strange(v, op, var, out))
		return;
	op->n_outputs = 0;
	if (out->is_output)
		expose(v, var, out, op);
	else
		builder_replace(v->b, out, var->now);
}

static void assign(struct variables *v, struct op *op)
{
	struct tensor *value = op->n_inputs == 2 ? op->inputs[1] : NULL;
	struct variable *var = find(v, op);

	if (is_strange(v, op, var, value))
		return;
	if (value->initial && value != var->before) {
		refuse(v, op, "the value is another variable as it is");
		return;
	}
	var->now = value;
	var->assigned = op;
	op->kind = OP_UNKNOWN;		/* the one at the end takes its place */
}

static void assign_last(struct variables *v, const struct variable *var)
{
	struct op *op = builder_op(v->b, OP_ASSIGN_VARIABLE, var->assigned->name, 2, 1);
	struct tensor *next = builder_tensor(v->b, var->name, var->before->type,
					     var->before->rank, var->before->dims);

	next->quant = var->before->quant;
	op->source = var->assigned->source;
	op->inputs[0] = var->before;
	op->inputs[1] = var->now;
	op->outputs[0] = next;
}

int tflite_link_variables(struct fb *fb, struct graph *g, const struct graph *init)
{
	struct builder b;
	struct variables v = { .fb = fb, .b = &b, .arena = g->arena };
	size_t n;

	builder_open(&b, g);
	initialize_all(&v, init);
	n = b.n_ops;
	for (size_t i = 0; i < n && !fb_failed(fb); i++) {
		if (b.ops[i]->kind == OP_READ_VARIABLE)
			read_variable(&v, b.ops[i]);
		else if (b.ops[i]->kind == OP_ASSIGN_VARIABLE)
			assign(&v, b.ops[i]);
	}
	for (size_t i = 0; i < v.count && !fb_failed(fb); i++)
		if (v.list[i].now != v.list[i].before)
			assign_last(&v, &v.list[i]);
	return fb_failed(fb) ? -1 : builder_finish(&b, g);
}
