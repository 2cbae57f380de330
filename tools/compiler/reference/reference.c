// SPDX-License-Identifier: MIT
/* The float reference: operators in order, tensors that live from writer to last reader. */
#include "reference.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"

#define ALIGNMENT	64

struct step {
	const struct kernel *kernel;
	void *state;
};

struct reference {
	const struct graph *g;
	struct dnn *dnn;
	struct step *steps;		/* by operator */
	/*
	 * By tensor. Memory is its own where @owned says so; a constant's is the graph's,
	 * if it lies well for its type. Variables' stays from run to run.
	 */
	const void **data;
	void **owned;
	unsigned int *readers;		/* in the graph: those of the model's outputs too */
	unsigned int *left;		/* that have not run yet */
	const void **in;		/* of the operator that runs */
	void **out;
};

static const char *check_sources(const struct graph *g, const struct op *op)
{
	for (unsigned int i = 0; i < op->n_inputs; i++) {
		const struct tensor *t = op->inputs[i];

		if (t && !t->data && !t->is_input && !t->initial &&
		    (!t->producer || t->producer->index >= op->index))
			return arena_printf(g->arena, "input %u (%.80s) is neither constant nor written before",
					    i, t->name);
	}
	return NULL;
}

static const char *check_counts(const struct graph *g, const struct kernel *k,
				const struct op *op)
{
	if (op->n_inputs < k->min_inputs || op->n_inputs > k->max_inputs)
		return arena_printf(g->arena, "%u inputs, %u to %u are needed", op->n_inputs,
				    k->min_inputs, k->max_inputs);
	if (op->n_outputs < k->min_outputs || op->n_outputs > k->max_outputs)
		return arena_printf(g->arena, "%u outputs, %u to %u are needed", op->n_outputs,
				    k->min_outputs, k->max_outputs);
	for (unsigned int i = 0; i < k->min_inputs; i++)
		if (!op->inputs[i])
			return arena_printf(g->arena, "input %u is left out", i);
	return NULL;
}

static const char *check_tensor(const struct graph *g, const struct tensor *t)
{
	if (!t)
		return NULL;
	if (dtype_bits(t->type) < 8 || (t->data && (int64_t)t->data_bytes != tensor_bytes(t)))
		return arena_printf(g->arena, "%.80s is of type %s", t->name,
				    dtype_name(t->type));
	/* a list of axes may be empty */
	if (!tensor_elements(t) && !(t->data && t->rank == 1))
		return arena_printf(g->arena, "%.80s has no elements", t->name);
	return NULL;
}

static const char *check(const struct graph *g, const struct op *op)
{
	const struct kernel *kernel = find_kernel(op->kind);
	const char *reason;

	if (!kernel)
		return "the float reference has no such operator";
	reason = check_counts(g, kernel, op);
	if (!reason)
		reason = check_sources(g, op);
	for (unsigned int i = 0; i < op->n_inputs && !reason; i++)
		reason = check_tensor(g, op->inputs[i]);
	for (unsigned int i = 0; i < op->n_outputs && !reason; i++)
		reason = check_tensor(g, op->outputs[i]);
	return reason ? reason : kernel->check(op);
}

static void refuse(const struct graph *g, const struct op *op, const char *reason)
{
	diag_add(g->diag, ENPU_ERROR, op->source, "%s: %s: %s: %s", g->file,
		 op_text(g->arena, op), reason, op_shapes_text(g->arena, op));
}

static int check_all(const struct graph *g)
{
	int err = 0;

	for (unsigned int i = 0; i < g->n_ops; i++) {
		const char *reason = check(g, &g->ops[i]);

		if (!reason)
			continue;
		refuse(g, &g->ops[i], reason);
		err = -EOPNOTSUPP;
	}
	return err;
}

static void *allocate(const struct tensor *t)
{
	size_t bytes = tensor_bytes(t);

	return aligned_alloc(ALIGNMENT, bytes ? (bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1)
					      : ALIGNMENT);
}

/* Constants in a file may lie at any byte: @copy is one that lies well, or NULL. */
static int take_constant(const struct tensor *t, const void **data, void **copy)
{
	size_t size = dtype_bits(t->type) / 8;

	*copy = NULL;
	*data = t->data;
	if (!size || (uintptr_t)t->data % size == 0)
		return 0;
	*copy = allocate(t);
	if (!*copy)
		return -ENOMEM;
	memcpy(*copy, t->data, t->data_bytes);
	*data = *copy;
	return 0;
}

static int take_constants(struct reference *r)
{
	const struct graph *g = r->g;

	for (unsigned int i = 0; i < g->n_tensors; i++)
		if (g->tensors[i].data &&
		    take_constant(&g->tensors[i], &r->data[i], &r->owned[i]))
			return -ENOMEM;
	return 0;
}

static int make_variables(struct reference *r)
{
	const struct graph *g = r->g;

	for (unsigned int i = 0; i < g->n_tensors; i++) {
		if (!g->tensors[i].initial)
			continue;
		r->owned[i] = allocate(&g->tensors[i]);
		if (!r->owned[i])
			return -ENOMEM;
		r->data[i] = r->owned[i];
	}
	reference_reset(r);
	return 0;
}

void reference_reset(struct reference *r)
{
	for (unsigned int i = 0; i < r->g->n_tensors; i++) {
		const struct tensor *t = &r->g->tensors[i];

		if (t->initial)
			memcpy(r->owned[i], t->initial, tensor_bytes(t));
	}
}

static void count_readers(struct reference *r)
{
	const struct graph *g = r->g;

	for (unsigned int i = 0; i < g->n_ops; i++)
		for (unsigned int k = 0; k < g->ops[i].n_inputs; k++)
			if (g->ops[i].inputs[k])
				r->readers[g->ops[i].inputs[k]->index]++;
	for (unsigned int i = 0; i < g->n_outputs; i++)
		r->readers[g->outputs[i]->index]++;
}

static unsigned int most_operands(const struct graph *g)
{
	unsigned int most = 1;

	for (unsigned int i = 0; i < g->n_ops; i++) {
		if (g->ops[i].n_inputs > most)
			most = g->ops[i].n_inputs;
		if (g->ops[i].n_outputs > most)
			most = g->ops[i].n_outputs;
	}
	return most;
}

static int set_up(struct reference *r)
{
	const struct graph *g = r->g;
	unsigned int operands = most_operands(g);

	r->steps = calloc(g->n_ops + 1, sizeof(*r->steps));
	r->data = calloc(g->n_tensors + 1, sizeof(*r->data));
	r->owned = calloc(g->n_tensors + 1, sizeof(*r->owned));
	r->readers = calloc(g->n_tensors + 1, sizeof(*r->readers));
	r->left = calloc(g->n_tensors + 1, sizeof(*r->left));
	r->in = calloc(operands, sizeof(*r->in));
	r->out = calloc(operands, sizeof(*r->out));
	r->dnn = dnn_new();
	if (!r->steps || !r->data || !r->owned || !r->readers || !r->left || !r->in || !r->out ||
	    !r->dnn)
		return -ENOMEM;
	count_readers(r);
	return take_constants(r) ? -ENOMEM : make_variables(r);
}

static int prepare(struct reference *r)
{
	const struct graph *g = r->g;

	for (unsigned int i = 0; i < g->n_ops; i++) {
		struct step *step = &r->steps[i];
		const struct op *op = &g->ops[i];
		int err;

		step->kernel = find_kernel(op->kind);
		if (!step->kernel->prepare)
			continue;
		err = step->kernel->prepare(r->dnn, op, &step->state);
		if (err == -EOPNOTSUPP)
			refuse(g, op, "oneDNN has no implementation of it");
		if (err)
			return err;
	}
	return 0;
}

struct reference *reference_new(const struct graph *g)
{
	struct reference *r;
	int err = check_all(g);

	if (err)
		return NULL;
	r = calloc(1, sizeof(*r));
	if (!r) {
		diag_error(g->diag, "%s: out of memory", g->file);
		return NULL;
	}
	r->g = g;
	err = set_up(r);
	if (!err)
		err = prepare(r);
	if (!err)
		return r;
	if (err == -ENOMEM)
		diag_error(g->diag, "%s: the float reference needs more memory than there is",
			   g->file);
	reference_free(r);
	return NULL;
}

/* Unless it stays. */
static void drop(struct reference *r, const struct tensor *t)
{
	if (t->data || t->initial)
		return;
	free(r->owned[t->index]);
	r->owned[t->index] = NULL;
	r->data[t->index] = NULL;
}

/* What the last run left: its outputs, or all that was there when it failed. */
static void drop_results(struct reference *r)
{
	for (unsigned int i = 0; i < r->g->n_tensors; i++)
		drop(r, &r->g->tensors[i]);
}

static void drop_read(struct reference *r, const struct op *op)
{
	for (unsigned int i = 0; i < op->n_inputs; i++) {
		const struct tensor *t = op->inputs[i];

		if (t && !--r->left[t->index])
			drop(r, t);
	}
	for (unsigned int i = 0; i < op->n_outputs; i++)
		if (!r->left[op->outputs[i]->index])
			drop(r, op->outputs[i]);
}

static int run_op(struct reference *r, const struct op *op)
{
	const struct step *step = &r->steps[op->index];
	struct call call = {
		.op = op, .in = r->in, .out = r->out, .state = step->state, .dnn = r->dnn,
	};

	for (unsigned int i = 0; i < op->n_inputs; i++)
		r->in[i] = op->inputs[i] ? r->data[op->inputs[i]->index] : NULL;
	for (unsigned int i = 0; i < op->n_outputs; i++) {
		const struct tensor *t = op->outputs[i];

		r->owned[t->index] = allocate(t);
		if (!r->owned[t->index])
			return -ENOMEM;
		r->data[t->index] = r->owned[t->index];
		r->out[i] = r->owned[t->index];
	}
	return step->kernel->run(&call);
}

/* Copies: they may lie at any byte, and may be outputs as well. */
static int take_inputs(struct reference *r, const void *const *inputs)
{
	for (unsigned int i = 0; i < r->g->n_inputs; i++) {
		const struct tensor *t = r->g->inputs[i];

		r->owned[t->index] = allocate(t);
		if (!r->owned[t->index])
			return -ENOMEM;
		memcpy(r->owned[t->index], inputs[i], tensor_bytes(t));
		r->data[t->index] = r->owned[t->index];
	}
	return 0;
}

static void show_variables(struct reference *r, reference_watch watch, void *arg)
{
	for (unsigned int i = 0; i < r->g->n_tensors; i++)
		if (r->g->tensors[i].initial)
			watch(arg, &r->g->tensors[i], r->owned[i]);
}

/* Assignments are the last operators: nobody reads the variable after them. */
static void assign(struct reference *r, const struct op *op)
{
	const struct tensor *variable = op->inputs[0];

	memcpy(r->owned[variable->index], r->out[0], tensor_bytes(variable));
}

int reference_run(struct reference *r, const void *const *inputs, reference_watch watch, void *arg)
{
	const struct graph *g = r->g;
	int err;

	drop_results(r);
	memcpy(r->left, r->readers, g->n_tensors * sizeof(*r->left));
	err = take_inputs(r, inputs);
	if (!err && watch)
		show_variables(r, watch, arg);
	for (unsigned int i = 0; i < g->n_ops && !err; i++) {
		const struct op *op = &g->ops[i];

		err = run_op(r, op);
		for (unsigned int k = 0; k < op->n_outputs && !err && watch; k++)
			watch(arg, op->outputs[k], r->out[k]);
		if (!err && op->kind == OP_ASSIGN_VARIABLE)
			assign(r, op);
		if (!err)
			drop_read(r, op);
	}
	return err;
}

const void *reference_output(const struct reference *r, unsigned int i)
{
	return r->data[r->g->outputs[i]->index];
}

void reference_free(struct reference *r)
{
	if (!r)
		return;
	for (unsigned int i = 0; r->steps && i < r->g->n_ops; i++)
		if (r->steps[i].state)
			r->steps[i].kernel->release(r->steps[i].state);
	for (unsigned int i = 0; r->owned && i < r->g->n_tensors; i++)
		free(r->owned[i]);
	dnn_free(r->dnn);
	free(r->steps);
	free(r->data);
	free(r->owned);
	free(r->readers);
	free(r->left);
	free(r->in);
	free(r->out);
	free(r);
}

bool reference_has_operands(const struct op *op)
{
	const struct kernel *k = find_kernel(op->kind);

	if (!k)
		return true;
	if (op->n_inputs < k->min_inputs || op->n_inputs > k->max_inputs ||
	    op->n_outputs < k->min_outputs || op->n_outputs > k->max_outputs)
		return false;
	for (unsigned int i = 0; i < k->min_inputs; i++)
		if (!op->inputs[i])
			return false;
	return true;
}

bool reference_can_run(const struct graph *g, const struct op *op)
{
	return !check(g, op);
}

static int evaluate(const struct op *op, struct call *call)
{
	const struct kernel *kernel = find_kernel(op->kind);
	int err = 0;

	call->dnn = dnn_new();
	if (!call->dnn)
		return -ENOMEM;
	if (kernel->prepare)
		err = kernel->prepare(call->dnn, op, &call->state);
	if (!err)
		err = kernel->run(call);
	if (call->state)
		kernel->release(call->state);
	dnn_free(call->dnn);
	return err;
}

int reference_evaluate(const struct op *op, void *const *out)
{
	const void **in = calloc(op->n_inputs + 1, sizeof(*in));
	void **copies = calloc(op->n_inputs + 1, sizeof(*copies));
	struct call call = { .op = op, .in = in, .out = out };
	int err = in && copies ? 0 : -ENOMEM;

	for (unsigned int i = 0; i < op->n_inputs && !err; i++)
		if (op->inputs[i])
			err = take_constant(op->inputs[i], &in[i], &copies[i]);
	if (!err)
		err = evaluate(op, &call);
	for (unsigned int i = 0; copies && i < op->n_inputs; i++)
		free(copies[i]);
	free(copies);
	free(in);
	return err;
}
