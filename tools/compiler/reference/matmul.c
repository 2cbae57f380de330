// SPDX-License-Identifier: MIT
/* FULLY_CONNECTED and BATCH_MATMUL. */
#include "kernel.h"

const char *check_dense(const struct op *op)
{
	const struct tensor *in = op->inputs[0], *w = op->inputs[1], *out = op->outputs[0];
	const char *reason = check_floats(op);
	int64_t rows;

	if (reason)
		return reason;
	if (op->attrs.shuffled_weights)
		return "shuffled weights are not supported";
	if (w->rank != 2 || w->dims[0] < 1 || w->dims[1] < 1)
		return "the weights must have 2 dimensions";
	if (tensor_elements(in) % w->dims[1])
		return "the input does not divide into rows of the weights' length";
	rows = tensor_elements(in) / w->dims[1];
	if (!out->rank || tensor_elements(out) != rows * w->dims[0] ||
	    out->dims[out->rank - 1] != w->dims[0])
		return "the output has another shape than input and weights give";
	if (has_input(op, 2) && tensor_elements(op->inputs[2]) != w->dims[0])
		return "the bias must have an element for each output channel";
	return NULL;
}

int prepare_dense(struct dnn *dnn, const struct op *op, void **state)
{
	const struct tensor *w = op->inputs[1];
	int64_t depth = w->dims[1], channels = w->dims[0];
	int64_t rows = tensor_elements(op->inputs[0]) / depth;
	struct dnn_matmul m = {
		.rank = 2, .bias = has_input(op, 2),
		.a = { rows, depth }, .a_strides = { depth, 1 },
		.b = { depth, channels }, .b_strides = { 1, depth },
		.c = { rows, channels },
	};
	struct dnn_op *matmul;
	int err = dnn_matmul(dnn, &m, &matmul);

	*state = matmul;
	return err;
}

int run_dense(const struct call *c)
{
	int err = dnn_run(c->dnn, c->state, c->in[0], c->in[1],
			  has_input(c->op, 2) ? c->in[2] : NULL, c->out[0]);

	activate(c->op->attrs.activation, c->out[0], tensor_elements(c->op->outputs[0]));
	return err;
}

/* The dimensions of @t as an operand of @rank, transposed if @adj. */
static void place_operand(const struct tensor *t, int rank, bool adj, int64_t *dims,
			  int64_t *strides)
{
	int64_t stride = 1, swap;

	for (int d = 0; d < rank; d++) {
		int own = d - (rank - t->rank);

		dims[d] = own < 0 ? 1 : t->dims[own];
	}
	for (int d = rank - 1; d >= 0; d--) {
		strides[d] = stride;
		stride *= dims[d];
	}
	if (!adj)
		return;
	swap = dims[rank - 1];
	dims[rank - 1] = dims[rank - 2];
	dims[rank - 2] = swap;
	swap = strides[rank - 1];
	strides[rank - 1] = strides[rank - 2];
	strides[rank - 2] = swap;
}

static const char *plan_matmul(const struct op *op, struct dnn_matmul *m)
{
	const struct tensor *a = op->inputs[0], *b = op->inputs[1], *out = op->outputs[0];
	const char *reason = check_floats(op);
	int rank = out->rank;

	if (reason)
		return reason;
	if (a->rank < 2 || b->rank < 2 || a->rank > rank || b->rank > rank)
		return "operands must have 2 dimensions or more, the output as many";
	m->rank = rank;
	place_operand(a, rank, op->attrs.adj_x, m->a, m->a_strides);
	place_operand(b, rank, op->attrs.adj_y, m->b, m->b_strides);
	for (int d = 0; d < rank; d++)
		m->c[d] = out->dims[d];
	if (m->a[rank - 1] != m->b[rank - 2] || m->c[rank - 2] != m->a[rank - 2] ||
	    m->c[rank - 1] != m->b[rank - 1])
		return "rows and columns do not fit";
	for (int d = 0; d < rank - 2; d++)
		if ((m->a[d] != 1 && m->b[d] != 1 && m->a[d] != m->b[d]) ||
		    m->c[d] != (m->a[d] > m->b[d] ? m->a[d] : m->b[d]))
			return "the batches do not fit";
	return NULL;
}

const char *check_matmul(const struct op *op)
{
	struct dnn_matmul m = { 0 };

	return plan_matmul(op, &m);
}

int prepare_matmul(struct dnn *dnn, const struct op *op, void **state)
{
	struct dnn_matmul m = { 0 };
	struct dnn_op *matmul;
	int err;

	plan_matmul(op, &m);
	err = dnn_matmul(dnn, &m, &matmul);
	*state = matmul;
	return err;
}

int run_matmul(const struct call *c)
{
	return dnn_run(c->dnn, c->state, c->in[0], c->in[1], NULL, c->out[0]);
}
