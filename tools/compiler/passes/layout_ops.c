// SPDX-License-Identifier: MIT
/* What each operator does in another order of dimensions: see layout.c. */
#include "layout.h"

#include <string.h>

/* All in the order of the old graph. */
static void strict(struct layout *l, struct op *op)
{
	for (unsigned int i = 0; i < op->n_inputs; i++) {
		struct tensor *t = op->inputs[i];

		if (t) {
			struct order o = order_identity(view_of(l, t)->order.rank);

			op->inputs[i] = layout_get(l, op, t, &o);
		}
	}
	for (unsigned int i = 0; i < op->n_outputs; i++) {
		struct order o = order_identity(view_of(l, op->outputs[i])->order.rank);

		layout_put(l, op, i, &o);
	}
	layout_push(l, op);
}

/* What is made for @op alone has its name. */
static void keep_name(struct tensor *real, const struct op *op)
{
	if (real->producer && real->producer->label == op->label && !real->is_output)
		real->name = op->outputs[0]->name;
}

static void transpose(struct layout *l, struct op *op)
{
	struct view *in = view_of(l, op->inputs[0]), *out = view_of(l, op->outputs[0]);
	struct order perm = { .rank = in->order.rank };

	if (!op->inputs[1]->data || op->inputs[0]->data) {
		strict(l, op);
		return;
	}
	for (int i = 0; i < perm.rank; i++)
		perm.d[i] = tensor_int(op->inputs[1], i);
	out->real = in->real;
	for (int k = 0; k < perm.rank; k++)
		out->order.d[k] = order_find(&perm, in->order.d[k]);
	keep_name(out->real, op);
}

static int64_t elements_of(const struct view *v)
{
	int64_t n = 1;

	for (int i = 0; i < v->order.rank; i++)
		n *= v->dims[i];
	return n;
}

/* The order of the largest input that has one of its own, of those with @rank dimensions. */
static struct order chosen_order(struct layout *l, const struct op *op, int rank)
{
	struct order best = order_identity(rank);
	int64_t largest = 0;

	for (unsigned int i = 0; i < op->n_inputs; i++) {
		struct view *v = op->inputs[i] ? view_of(l, op->inputs[i]) : NULL;

		if (!v || op->inputs[i]->data || v->order.rank != rank ||
		    order_is_identity(&v->order) || elements_of(v) <= largest)
			continue;
		best = v->order;
		largest = elements_of(v);
	}
	return best;
}

/* An operand of fewer dimensions that broadcasts, for a result in the order @o. */
static struct tensor *broadcast_operand(struct layout *l, const struct op *op, struct tensor *t,
					const struct order *o)
{
	struct view *v = view_of(l, t);
	struct order identity = order_identity(v->order.rank);
	int skip = o->rank - identity.rank, ones = 0;

	if (elements_of(v) == 1 || order_is_identity(o))
		return layout_get(l, op, t, &identity);
	if (skip) {
		struct view wide = { .order = order_identity(o->rank) };

		for (int i = 0; i < o->rank; i++)
			wide.dims[i] = i < skip ? 1 : v->dims[i - skip];
		wide.real = layout_reshape(l, op, layout_get(l, op, t, &identity), o->rank,
					   wide.dims);
		t = layout_see(l, op, &wide, o);
	} else {
		t = layout_get(l, op, t, o);
	}
	/* a constant's leading ones say nothing */
	while (t->data && ones < t->rank - 1 && t->dims[ones] == 1)
		ones++;
	return ones ? layout_reshape(l, op, t, t->rank - ones, t->dims + ones) : t;
}

static void elementwise(struct layout *l, struct op *op)
{
	int rank = view_of(l, op->outputs[0])->order.rank;
	struct order o = chosen_order(l, op, rank);

	for (unsigned int i = 0; i < op->n_inputs; i++)
		if (op->inputs[i])
			op->inputs[i] = broadcast_operand(l, op, op->inputs[i], &o);
	layout_put(l, op, 0, &o);
	layout_push(l, op);
}

static void concatenation(struct layout *l, struct op *op)
{
	int rank = view_of(l, op->outputs[0])->order.rank;
	struct order o = chosen_order(l, op, rank);

	if (op->attrs.axis < 0)
		op->attrs.axis += rank;
	for (unsigned int i = 0; i < op->n_inputs; i++)
		op->inputs[i] = layout_get(l, op, op->inputs[i], &o);
	op->attrs.axis = order_find(&o, op->attrs.axis);
	layout_put(l, op, 0, &o);
	layout_push(l, op);
}

/* Over the last dimension, which must stay the last: softmax, fully connected ... */
static void over_last(struct layout *l, struct op *op)
{
	struct order o = order_last_last(&view_of(l, op->inputs[0])->order);

	op->inputs[0] = layout_get(l, op, op->inputs[0], &o);
	layout_put(l, op, 0, &o);
	layout_push(l, op);
}

static void fully_connected(struct layout *l, struct op *op)
{
	if (op->attrs.keep_dims && op->inputs[1]->data)
		over_last(l, op);
	else
		strict(l, op);
}

/* A kernel of one position is the same for rows and columns in any order. */
static void conv(struct layout *l, struct op *op)
{
	const struct op_attrs *a = &op->attrs;
	const struct tensor *w = op->inputs[1];
	bool point = w->dims[1] == 1 && w->dims[2] == 1 && a->stride_h == 1 && a->stride_w == 1;

	for (int i = 0; i < 4 && a->padding == PADDING_EXPLICIT; i++)
		point &= !a->pads[i];
	if (point && w->data)
		over_last(l, op);
	else
		strict(l, op);
}

/* LAYER_NORM may be over several dimensions. */
static void layer_norm(struct layout *l, struct op *op)
{
	const struct view *v = view_of(l, op->inputs[0]);

	if (v->order.rank && tensor_elements(op->inputs[1]) == v->dims[v->order.rank - 1] &&
	    op->inputs[1]->data)
		over_last(l, op);
	else
		strict(l, op);
}

/* The list of dimensions in input 1, in the order @o. */
static void move_axes(struct layout *l, struct op *op, const struct order *o)
{
	const struct tensor *t = op->inputs[1];
	int32_t axes[MAX_RANK], n = tensor_elements(t);

	for (int i = 0; i < n; i++) {
		int64_t axis = tensor_int(t, i);

		axes[i] = order_find(o, axis < 0 ? axis + o->rank : axis);
	}
	op->inputs[1] = layout_ints(l, t->name, n, axes);
}

static bool sound_axes(const struct op *op, int rank)
{
	const struct tensor *t = op->inputs[1];

	if (!t->data || tensor_elements(t) > MAX_RANK ||
	    (t->type != DTYPE_I32 && t->type != DTYPE_I64))
		return false;
	for (int i = 0; i < tensor_elements(t); i++)
		if (tensor_int(t, i) < -rank || tensor_int(t, i) >= rank)
			return false;
	return true;
}

/* @o without the dimensions that are set in @gone. */
static struct order without(const struct order *o, uint32_t gone)
{
	struct order out = { 0 };

	for (int k = 0; k < o->rank; k++) {
		int before = 0;

		if (gone & 1u << o->d[k])
			continue;
		for (int d = 0; d < o->d[k]; d++)
			before += !(gone & 1u << d);
		out.d[out.rank++] = before;
	}
	return out;
}

static void reduction(struct layout *l, struct op *op)
{
	struct order o = view_of(l, op->inputs[0])->order, out = o;
	bool drops = !op->attrs.keep_dims;
	uint32_t gone = 0;

	if (!sound_axes(op, o.rank)) {
		strict(l, op);
		return;
	}
	for (int i = 0; i < tensor_elements(op->inputs[1]); i++) {
		int64_t axis = tensor_int(op->inputs[1], i);

		gone |= 1u << (axis < 0 ? axis + o.rank : axis);
	}
	if (drops)
		out = without(&o, gone);
	op->inputs[0] = layout_get(l, op, op->inputs[0], &o);
	move_axes(l, op, &o);
	layout_put(l, op, 0, &out);
	layout_push(l, op);
}

/* CUMSUM, REVERSE_V2: along dimensions, with a result like the input. */
static void along_axes(struct layout *l, struct op *op)
{
	struct order o = view_of(l, op->inputs[0])->order;

	if (!sound_axes(op, o.rank)) {
		strict(l, op);
		return;
	}
	op->inputs[0] = layout_get(l, op, op->inputs[0], &o);
	move_axes(l, op, &o);
	layout_put(l, op, 0, &o);
	layout_push(l, op);
}

/* Lists with an entry (or @width) for each dimension, from input 1 on. */
static void per_dimension(struct layout *l, struct op *op, unsigned int lists, int width)
{
	struct order o = view_of(l, op->inputs[0])->order;
	int32_t values[2 * MAX_RANK];
	bool fine = true;

	for (unsigned int i = 1; i <= lists; i++)
		fine &= op->inputs[i]->data && tensor_elements(op->inputs[i]) == o.rank * width &&
			(op->inputs[i]->type == DTYPE_I32 || op->inputs[i]->type == DTYPE_I64);
	if (!fine) {
		strict(l, op);
		return;
	}
	op->inputs[0] = layout_get(l, op, op->inputs[0], &o);
	for (unsigned int i = 1; i <= lists; i++) {
		struct tensor *t = op->inputs[i], *list;

		for (int k = 0; k < o.rank * width; k++)
			values[k] = tensor_int(t, o.d[k / width] * width + k % width);
		list = layout_ints(l, t->name, o.rank * width, values);
		list->rank = t->rank;
		memcpy(list->dims, t->dims, sizeof(list->dims));
		op->inputs[i] = list;
	}
	layout_put(l, op, 0, &o);
	layout_push(l, op);
}

static void pad(struct layout *l, struct op *op)
{
	per_dimension(l, op, 1, 2);
}

static void slice(struct layout *l, struct op *op)
{
	per_dimension(l, op, 2, 1);
}

static void tile(struct layout *l, struct op *op)
{
	per_dimension(l, op, 1, 1);
}

static void strided_slice(struct layout *l, struct op *op)
{
	const struct op_attrs *a = &op->attrs;

	if (a->begin_mask || a->end_mask || a->ellipsis_mask || a->new_axis_mask ||
	    a->shrink_axis_mask)
		strict(l, op);
	else
		per_dimension(l, op, 3, 1);
}

/* One index drops the dimension, a list of them keeps it. */
static void gather(struct layout *l, struct op *op)
{
	struct order o = view_of(l, op->inputs[0])->order, out = o;

	if (op->inputs[0]->data || op->inputs[1]->rank > 1 || op->attrs.batch_dims ||
	    op->attrs.axis < 0) {
		strict(l, op);
		return;
	}
	if (!op->inputs[1]->rank)
		out = without(&o, 1u << op->attrs.axis);
	op->inputs[0] = layout_get(l, op, op->inputs[0], &o);
	op->attrs.axis = order_find(&o, op->attrs.axis);
	layout_put(l, op, 0, &out);
	layout_push(l, op);
}

/* Rows and columns that are exchanged are what adj_x and adj_y say. */
static struct tensor *matrix(struct layout *l, const struct op *op, struct tensor *t, bool *adj)
{
	const struct view *v = view_of(l, t);
	struct order identity = order_identity(v->order.rank), swapped = identity;

	if (identity.rank < 2)
		return layout_get(l, op, t, &identity);
	swapped.d[identity.rank - 1] = identity.rank - 2;
	swapped.d[identity.rank - 2] = identity.rank - 1;
	/* what is last in memory stays there, even if the rest must move */
	if (v->order.d[identity.rank - 1] != identity.rank - 2)
		return layout_get(l, op, t, &identity);
	*adj = !*adj;
	return layout_get(l, op, t, &swapped);
}

static void batch_matmul(struct layout *l, struct op *op)
{
	struct order o = order_identity(view_of(l, op->outputs[0])->order.rank);

	op->inputs[0] = matrix(l, op, op->inputs[0], &op->attrs.adj_x);
	op->inputs[1] = matrix(l, op, op->inputs[1], &op->attrs.adj_y);
	layout_put(l, op, 0, &o);
	layout_push(l, op);
}

/*
 * A reshape splits and merges dimensions that are neighbours: runs of them, from @in of the
 * old shape to @out of the new one; dimensions of 1 belong to no run.
 */
struct run {
	int32_t in[MAX_RANK], out[MAX_RANK];
	int n_in, n_out, place;
};

static int find_runs(const struct view *in, const struct view *out, struct run *runs)
{
	int i = 0, j = 0, n = 0;

	for (;;) {
		struct run *r = &runs[n];
		int64_t from = 1, to = 1;

		*r = (struct run){ 0 };
		do {
			if (from <= to) {
				while (i < in->order.rank && in->dims[i] == 1)
					i++;
				if (i == in->order.rank)
					return n;
				from *= in->dims[i];
				r->in[r->n_in++] = i++;
			} else {
				while (j < out->order.rank && out->dims[j] == 1)
					j++;
				if (j == out->order.rank)
					return n;
				to *= out->dims[j];
				r->out[r->n_out++] = j++;
			}
		} while (from != to || to == 1);
		n++;
	}
}

/*
 * The order of the input in which each run lies together, runs as they lie now: by where
 * the run's largest dimension is.
 */
static struct order gather_runs(const struct view *in, struct run *runs, int n)
{
	struct order o = { .rank = in->order.rank };
	int count = 0;

	for (int d = 0; d < o.rank; d++)
		if (in->dims[d] == 1)
			o.d[count++] = d;
	for (int r = 0; r < n; r++) {
		int32_t largest = 0;

		for (int i = 0; i < runs[r].n_in; i++) {
			int32_t d = runs[r].in[i];

			if (in->dims[d] > largest) {
				largest = in->dims[d];
				runs[r].place = order_find(&in->order, d);
			}
		}
	}
	for (int place = 0; place < o.rank; place++)
		for (int r = 0; r < n; r++)
			for (int i = 0; i < runs[r].n_in && runs[r].place == place; i++)
				o.d[count++] = runs[r].in[i];
	return o;
}

/* The new dimensions, run by run; one of 1 lies before the next that is none. */
static struct order spread_runs(const struct view *out, const struct run *runs, int n, int rank)
{
	struct order o = { .rank = out->order.rank };
	int count = 0, first = 0;

	while (first < o.rank && out->dims[first] == 1)
		o.d[count++] = first++;
	for (int place = 0; place < rank; place++)
		for (int r = 0; r < n; r++)
			for (int i = 0; i < runs[r].n_out && runs[r].place == place; i++) {
				int32_t d = runs[r].out[i], next;
				int32_t begin = d;

				while (begin > first && out->dims[begin - 1] == 1)
					begin--;
				for (next = begin; next <= d; next++)
					o.d[count++] = next;
				/* at the end: those behind it */
				for (next = d + 1; next < o.rank && out->dims[next] == 1;)
					next++;
				for (int32_t k = d + 1; next == o.rank && k < next; k++)
					o.d[count++] = k;
			}
	return o;
}

/* Those that are not 1 lie in the order of the graph. */
static bool lies_straight(const struct view *v, const struct order *o)
{
	int last = -1;

	for (int k = 0; k < o->rank; k++) {
		if (v->dims[o->d[k]] == 1)
			continue;
		if (o->d[k] < last)
			return false;
		last = o->d[k];
	}
	return true;
}

/* The reshaped tensor is made by a RESHAPE in the order of memory, or needs none. */
static void reshape_as(struct layout *l, struct op *op, struct tensor *in, const struct order *o)
{
	struct view *out = view_of(l, op->outputs[0]);
	int32_t dims[MAX_RANK];

	for (int k = 0; k < o->rank; k++)
		dims[k] = out->dims[o->d[k]];
	out->order = *o;
	out->real = layout_reshape(l, op, in, o->rank, dims);
	keep_name(out->real, op);
}

/* Every operator that reads @t multiplies it by constant weights, which can be sorted. */
static bool only_for_weights(const struct layout *l, const struct tensor *t)
{
	if (t->is_output || t->rank != 2)
		return false;
	for (unsigned int i = 0; i < l->old->n_ops; i++) {
		const struct op *op = &l->old->ops[i];

		for (unsigned int k = 0; k < op->n_inputs; k++) {
			if (op->inputs[k] != t)
				continue;
			if (k || op->kind != OP_FULLY_CONNECTED || !op->attrs.keep_dims ||
			    !op->inputs[1]->data || op->inputs[1]->rank != 2 ||
			    op->inputs[1]->dims[1] != t->dims[1] ||
			    dtype_bits(op->inputs[1]->type) < 8)
				return false;
		}
	}
	return true;
}

/* Weights [O, inputs], where inputs were the dimensions of @v from 1 on: in v's order. */
static struct tensor *sorted_weights(struct layout *l, struct tensor *weights, const struct view *v)
{
	int32_t dims[MAX_RANK], perm[MAX_RANK] = { 0 }, flat[2];
	struct tensor *apart, *sorted, *list;
	struct op op = { .kind = OP_TRANSPOSE, .n_inputs = 2, .n_outputs = 1 };
	int rank = v->order.rank;

	memcpy(flat, weights->dims, sizeof(flat));
	dims[0] = flat[0];
	memcpy(dims + 1, v->dims + 1, (rank - 1) * sizeof(*dims));
	apart = builder_constant(&l->b, weights->name, weights->type, rank, dims, weights->data);
	for (int k = 1; k < rank; k++) {
		perm[k] = v->order.d[k];
		dims[k] = v->dims[perm[k]];
	}
	list = layout_ints(l, weights->name, rank, perm);
	sorted = builder_tensor(&l->b, weights->name, weights->type, rank, dims);
	sorted->quant = weights->quant;
	op.inputs = (struct tensor *[]){ apart, list };
	op.outputs = &sorted;
	fold_constant(l->b.arena, &op);
	sorted->rank = 2;
	memcpy(sorted->dims, flat, sizeof(flat));
	return sorted;
}

/* An image flattened for layers whose weights can be sorted instead. */
static bool flatten_for_weights(struct layout *l, struct op *op)
{
	struct view *in = view_of(l, op->inputs[0]);
	struct tensor *t = op->outputs[0];
	struct order o = order_identity(2);

	if (in->order.rank < 2 || in->order.rank == MAX_RANK || in->order.d[0] != 0 ||
	    t->dims[0] != in->dims[0] || !only_for_weights(l, t))
		return false;
	for (unsigned int i = 0; i < l->old->n_ops; i++) {
		struct op *reader = &l->old->ops[i];

		/* fully_connected() takes its weights as they are */
		if (reader->kind == OP_FULLY_CONNECTED && reader->inputs[0] == t)
			reader->inputs[1] = sorted_weights(l, reader->inputs[1], in);
	}
	reshape_as(l, op, in->real, &o);
	return true;
}

static void reshape(struct layout *l, struct op *op)
{
	struct view *in = view_of(l, op->inputs[0]), *out = view_of(l, op->outputs[0]);
	struct run runs[MAX_RANK + 1];
	struct tensor *real = in->real;
	struct order o;
	int n;

	if (op->inputs[0]->data || op->inputs[0]->quant.count > 1) {
		strict(l, op);
		return;
	}
	if (!lies_straight(in, &in->order) && flatten_for_weights(l, op))
		return;
	if (lies_straight(in, &in->order)) {
		o = order_identity(out->order.rank);
	} else {
		n = find_runs(in, out, runs);
		o = gather_runs(in, runs, n);
		real = layout_get(l, op, op->inputs[0], &o);
		o = spread_runs(out, runs, n, in->order.rank);
	}
	reshape_as(l, op, real, &o);
}

static void (*handler_of(enum op_kind kind))(struct layout *l, struct op *op)
{
	static void (*const handlers[OP_KINDS])(struct layout *l, struct op *op) = {
		[OP_ABS] = elementwise, [OP_ADD] = elementwise, [OP_ARG_MAX] = reduction,
		[OP_ARG_MIN] = reduction, [OP_BATCH_MATMUL] = batch_matmul,
		[OP_CAST] = elementwise, [OP_CEIL] = elementwise, [OP_CLIP] = elementwise,
		[OP_CONCATENATION] = concatenation, [OP_CONV_2D] = conv, [OP_COS] = elementwise,
		[OP_CUMSUM] = along_axes, [OP_DEQUANTIZE] = elementwise, [OP_DIV] = elementwise,
		[OP_ELU] = elementwise, [OP_EQUAL] = elementwise, [OP_ERF] = elementwise,
		[OP_EXP] = elementwise, [OP_FLOOR] = elementwise,
		[OP_FULLY_CONNECTED] = fully_connected, [OP_GATHER] = gather,
		[OP_GELU] = elementwise, [OP_GREATER] = elementwise,
		[OP_GREATER_EQUAL] = elementwise, [OP_HARD_SIGMOID] = elementwise,
		[OP_HARD_SWISH] = elementwise, [OP_L2_NORMALIZATION] = over_last,
		[OP_LAYER_NORM] = layer_norm, [OP_LEAKY_RELU] = elementwise,
		[OP_LESS] = elementwise, [OP_LESS_EQUAL] = elementwise, [OP_LOG] = elementwise,
		[OP_LOGICAL_AND] = elementwise, [OP_LOGICAL_NOT] = elementwise,
		[OP_LOGICAL_OR] = elementwise, [OP_LOGISTIC] = elementwise,
		[OP_LOG_SOFTMAX] = over_last, [OP_MAXIMUM] = elementwise, [OP_MEAN] = reduction,
		[OP_MINIMUM] = elementwise, [OP_MIRROR_PAD] = pad, [OP_MISH] = elementwise,
		[OP_MUL] = elementwise, [OP_NEG] = elementwise, [OP_NOT_EQUAL] = elementwise,
		[OP_PAD] = pad, [OP_PADV2] = pad, [OP_POW] = elementwise,
		[OP_PRELU] = elementwise, [OP_QUANTIZE] = elementwise,
		[OP_RECIPROCAL] = elementwise, [OP_REDUCE_MAX] = reduction,
		[OP_REDUCE_MIN] = reduction, [OP_REDUCE_PROD] = reduction,
		[OP_RELU] = elementwise, [OP_RELU6] = elementwise,
		[OP_RELU_N1_TO_1] = elementwise, [OP_RESHAPE] = reshape,
		[OP_REVERSE_V2] = along_axes, [OP_ROUND] = elementwise, [OP_RSQRT] = elementwise,
		[OP_SELECT_V2] = elementwise, [OP_SELU] = elementwise, [OP_SIGN] = elementwise,
		[OP_SILU] = elementwise, [OP_SIN] = elementwise, [OP_SLICE] = slice,
		[OP_SOFTMAX] = over_last, [OP_SOFTPLUS] = elementwise,
		[OP_SOFTSIGN] = elementwise, [OP_SQRT] = elementwise, [OP_SQUARE] = elementwise,
		[OP_SQUARED_DIFFERENCE] = elementwise, [OP_STRIDED_SLICE] = strided_slice,
		[OP_SUB] = elementwise, [OP_SUM] = reduction, [OP_TANH] = elementwise,
		[OP_TILE] = tile, [OP_TRANSPOSE] = transpose,
	};

	return handlers[kind] ? handlers[kind] : strict;
}

bool layout_is_transparent(enum op_kind kind)
{
	void (*handler)(struct layout *l, struct op *op) = handler_of(kind);

	return handler == elementwise || handler == pad || handler == slice ||
	       handler == concatenation;
}

void layout_op(struct layout *l, struct op *op)
{
	handler_of(op->kind)(l, op);
}
