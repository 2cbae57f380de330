// SPDX-License-Identifier: MIT
/*
 * BATCH_MATMUL: products of two tensors' last two dimensions. One command multiplies all
 * that lies one behind the other; where batches broadcast there is one for each product. A
 * first operand that is transposed is moved, the second is read as it lies.
 */
#include <string.h>

#include "operator.h"
#include "ort.h"
#include "quantize.h"

struct operand {
	struct view view;
	int32_t dims[MAX_RANK];		/* with the output's rank, as they are multiplied */
};

static double real_multiplier(const struct op *op)
{
	float product = op->inputs[0]->quant.scale[0] * op->inputs[1]->quant.scale[0];

	return (double)product / (double)op->outputs[0]->quant.scale[0];
}

static struct enpu_scale scale_of(const struct op *op)
{
	struct multiplier m;

	if (follows_ort(op))
		return ort_scale(ort_product_factor(op));
	m = quantize_multiplier(real_multiplier(op));
	return (struct enpu_scale) { .multiplier = m.value, .shift = m.shift };
}

/* Dimensions of an operand with the output's rank, transposed if @adj. */
static void operand_dims(const struct tensor *t, int rank, bool adj, int32_t *dims)
{
	int lead = rank - t->rank;

	for (int d = 0; d < rank; d++)
		dims[d] = d < lead ? 1 : t->dims[d - lead];
	if (adj) {
		dims[rank - 1] = t->dims[t->rank - 2];
		dims[rank - 2] = t->dims[t->rank - 1];
	}
}

const char *check_batch_matmul(struct graph *g, struct op *op)
{
	const struct tensor *a = op->inputs[0], *b = op->inputs[1], *out = op->outputs[0];
	const char *reason = check_8_or_16bit(g, a, "first input");
	int32_t da[MAX_RANK], db[MAX_RANK], dims[MAX_RANK];
	int rank;

	if (!reason)
		reason = check_8_or_16bit(g, b, "second input");
	if (!reason)
		reason = check_8_or_16bit(g, out, "output");
	if (reason)
		return reason;
	if (a->type != b->type || a->type != out->type)
		return "inputs and output have different types";
	if (a->rank < 2 || b->rank < 2)
		return "both inputs must have 2 dimensions or more";
	rank = a->rank > b->rank ? a->rank : b->rank;
	operand_dims(a, rank, op->attrs.adj_x, da);
	operand_dims(b, rank, op->attrs.adj_y, db);
	if (da[rank - 1] != db[rank - 2])
		return arena_printf(g->arena, "rows of %d and columns of %d do not multiply",
				    da[rank - 1], db[rank - 2]);
	for (int d = 0; d < rank - 2; d++) {
		if (da[d] != db[d] && da[d] != 1 && db[d] != 1)
			return "the batches do not broadcast";
		/* here TFLite's kernel does not give the product */
		if (da[d] != db[d] && op->attrs.adj_x)
			return "the first operand is transposed: batches must not broadcast";
		dims[d] = da[d] > db[d] ? da[d] : db[d];
	}
	dims[rank - 2] = da[rank - 2];
	dims[rank - 1] = db[rank - 1];
	reason = check_shape(g, out, rank, dims);
	if (!reason && follows_ort(op))
		return check_ort_factor(g, ort_product_factor(op));
	return reason ? reason : check_sum_multiplier(g, a, real_multiplier(op));
}

/* A view with the rank of the output; batches that broadcast have a stride of 0. */
static struct operand place_operand(const struct program *p, const struct tensor *t, int rank)
{
	const struct view *own = &p->views[t->index];
	int lead = rank - t->rank;
	struct operand o = { .view = *own };

	for (int d = 0; d < rank; d++) {
		o.dims[d] = d < lead ? 1 : t->dims[d - lead];
		o.view.strides[d] = d < rank - 2 && o.dims[d] == 1 ? 0 : own->strides[d - lead];
	}
	return o;
}

/* Rows and columns exchanged, in a place of its own. */
static void transpose(struct program *p, const struct op *op, struct operand *o, int rank)
{
	struct view from = o->view, to;
	int32_t dims[MAX_RANK];
	int64_t stride = from.strides[rank - 1];

	memcpy(dims, o->dims, sizeof(dims));
	dims[rank - 1] = o->dims[rank - 2];
	dims[rank - 2] = o->dims[rank - 1];
	from.strides[rank - 1] = from.strides[rank - 2];
	from.strides[rank - 2] = stride;
	to = scratch_view(p, "transposed", rank, dims, from.element);
	lower_move(p, op, &from, &to, rank, dims);
	for (int d = 0; d < rank - 2; d++)
		if (dims[d] == 1)
			to.strides[d] = 0;
	o->view = to;
	memcpy(o->dims, dims, sizeof(dims));
}

static struct fm operand_fm(const struct tensor *t, const struct view *view, const int32_t *dims,
			    int rank, int32_t batches)
{
	struct fm fm = {
		.buffer = view->buffer, .offset = view->offset, .dtype = device_dtype(t->type),
		.zero_point = t->quant.zero_point[0], .height = batches, .width = dims[rank - 2],
		.channels = dims[rank - 1], .col_stride = view->strides[rank - 2],
	};

	fm.row_stride = rank > 2 && batches > 1 ? view->strides[rank - 3] :
						  fm.col_stride * fm.width;
	return fm;
}

struct product {
	struct program *p;
	const struct op *op;
	const struct operand *a, *b;
	int rank;
	int32_t batches;		/* in one command */
};

static void emit_product(const struct product *x, struct view a, struct view b, struct view out)
{
	const struct op *op = x->op;
	struct layer *l = program_layer(x->p, LAYER_MATMUL, op);

	l->in[0] = operand_fm(op->inputs[0], &a, x->a->dims, x->rank, x->batches);
	l->in[1] = operand_fm(op->inputs[1], &b, x->b->dims, x->rank, x->batches);
	l->out = operand_fm(op->outputs[0], &out, op->outputs[0]->dims, x->rank, x->batches);
	l->operation = op->attrs.adj_y ? ENPU_MATMUL_B_TRANSPOSED : 0;
	l->scale_out = scale_of(op);
	l->requant = device_requant(op);
	l->clamp = device_clamp(op->outputs[0], ACT_NONE);
	l->macs = (uint64_t)l->out.height * l->out.width * l->out.channels * l->in[0].channels;
}

/* Every batch, but those that one command multiplies. */
static void emit_batches(const struct product *x, int d, struct view a, struct view b,
			 struct view out)
{
	int last = x->rank - 2 - (x->batches > 1);

	if (d >= last) {
		emit_product(x, a, b, out);
		return;
	}
	for (int32_t i = 0; i < x->op->outputs[0]->dims[d]; i++) {
		emit_batches(x, d + 1, a, b, out);
		a.offset += a.strides[d];
		b.offset += b.strides[d];
		out.offset += out.strides[d];
	}
}

void lower_batch_matmul(struct program *p, const struct op *op)
{
	const struct tensor *out = op->outputs[0];
	int rank = out->rank, inner = rank - 3;
	struct operand a = place_operand(p, op->inputs[0], rank);
	struct operand b = place_operand(p, op->inputs[1], rank);
	struct product x = { p, op, &a, &b, rank, 1 };

	if (op->attrs.adj_x)
		transpose(p, op, &a, rank);
	if (inner >= 0 && a.dims[inner] == b.dims[inner])
		x.batches = out->dims[inner];
	emit_batches(&x, 0, a.view, b.view, p->views[out->index]);
}
