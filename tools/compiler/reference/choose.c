// SPDX-License-Identifier: MIT
/* Operators that pick elements: by index, by condition, by size. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"
#include "nd.h"

static int64_t integer_at(const struct tensor *t, const void *data, int64_t i)
{
	return t->type == DTYPE_I64 ? ((const int64_t *)data)[i] : ((const int32_t *)data)[i];
}

static void store_index(const struct tensor *t, void *data, int64_t i, int64_t value)
{
	if (t->type == DTYPE_I64)
		((int64_t *)data)[i] = value;
	else
		((int32_t *)data)[i] = (int32_t)value;
}

static bool same_dims(const int32_t *a, const int32_t *b, int n)
{
	return n <= 0 || !memcmp(a, b, n * sizeof(*a));
}

/* The output: dimensions before the axis, those of the indices without batch, those after. */
const char *check_gathered(const struct op *op)
{
	const struct tensor *in = op->inputs[0], *indices = op->inputs[1], *out = op->outputs[0];
	int axis = find_axis(op->attrs.axis, in->rank), batch = op->attrs.batch_dims;

	if (batch < 0)
		batch += indices->rank;
	if (axis < 0 || batch < 0 || batch > axis || batch > indices->rank)
		return "there is no such axis";
	if (!whole_number(indices) || in->type != out->type)
		return "the indices must be int32 or int64, input and output of one type";
	if (out->rank != in->rank - 1 + indices->rank - batch ||
	    !same_dims(out->dims, in->dims, axis) ||
	    !same_dims(indices->dims, in->dims, batch) ||
	    !same_dims(out->dims + axis, indices->dims + batch, indices->rank - batch) ||
	    !same_dims(out->dims + axis + indices->rank - batch, in->dims + axis + 1,
		       in->rank - axis - 1))
		return "the output has another shape than input and indices give";
	return NULL;
}

static int64_t product(const int32_t *dims, int n)
{
	int64_t result = 1;

	for (int i = 0; i < n; i++)
		result *= dims[i];
	return result;
}

int run_gathered(const struct call *c)
{
	const struct tensor *in = c->op->inputs[0], *indices = c->op->inputs[1];
	int axis = find_axis(c->op->attrs.axis, in->rank), batch = c->op->attrs.batch_dims;
	int64_t batches, outer, inner, each, size = in->dims[axis];
	const char *from = c->in[0];
	char *to = c->out[0];

	batch += batch < 0 ? indices->rank : 0;
	batches = product(in->dims, batch);
	outer = product(in->dims + batch, axis - batch);
	inner = product(in->dims + axis + 1, in->rank - axis - 1) * (dtype_bits(in->type) / 8);
	each = product(indices->dims + batch, indices->rank - batch);
	for (int64_t b = 0; b < batches; b++)
		for (int64_t o = 0; o < outer; o++, from += size * inner)
			for (int64_t i = 0; i < each; i++, to += inner) {
				int64_t index = integer_at(indices, c->in[1], b * each + i);

				index += index < 0 ? size : 0;
				if (index < 0 || index >= size)
					return -ERANGE;
				memcpy(to, from + index * inner, inner);
			}
	return 0;
}

const char *check_selected(const struct op *op)
{
	const struct tensor *out = op->outputs[0];

	if (op->inputs[0]->type != DTYPE_BOOL || op->inputs[1]->type != out->type ||
	    op->inputs[2]->type != out->type)
		return "the condition must be bool, the others of one type";
	for (unsigned int i = 0; i < 3; i++)
		if (!nd_broadcasts(op->inputs[i], out->rank, out->dims))
			return "the operands do not broadcast to the output's shape";
	return NULL;
}

struct selection {
	const uint8_t *condition;
	const char *yes, *no;
	char *out;
	int64_t size;
};

static void select_row(void *arg, int64_t n, const int64_t *at, const int64_t *step)
{
	const struct selection *s = arg;

	for (int64_t i = 0; i < n; i++) {
		const char *from = s->condition[at[1] + i * step[1]]
				 ? s->yes + (at[2] + i * step[2]) * s->size
				 : s->no + (at[3] + i * step[3]) * s->size;

		memcpy(s->out + (at[0] + i * step[0]) * s->size, from, s->size);
	}
}

int run_selected(const struct call *c)
{
	const struct tensor *out = c->op->outputs[0];
	struct selection s = { c->in[0], c->in[1], c->in[2], c->out[0], dtype_bits(out->type) / 8 };
	struct nd nd = { .rank = out->rank, .arrays = 4 };

	for (int d = 0; d < out->rank; d++)
		nd.dims[d] = out->dims[d];
	nd_dense(out->rank, out->dims, nd.strides[0]);
	for (unsigned int i = 0; i < 3; i++)
		nd_broadcast(c->op->inputs[i], out->rank, out->dims, nd.strides[1 + i]);
	nd_walk(&nd, select_row, &s);
	return 0;
}

static int extreme_axis(const struct op *op)
{
	return find_axis(tensor_int(op->inputs[1], 0), op->inputs[0]->rank);
}

static const char *check_comparable(const struct tensor *t)
{
	return t->type == DTYPE_F32 || whole_number(t) ? NULL :
	       "the input must be float32, int32 or int64";
}

const char *check_extreme(const struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	const char *reason = check_ints(op, 1, 1);
	int axis, rank = 0;

	if (!reason)
		reason = check_comparable(in);
	if (!reason && !whole_number(out))
		reason = "the output must be int32 or int64";
	if (reason)
		return reason;
	axis = extreme_axis(op);
	if (axis < 0 || !in->dims[axis])
		return "there is no such axis";
	for (int d = 0; d < in->rank; d++) {
		if (d == axis && !op->attrs.keep_dims)
			continue;
		if (rank == out->rank || out->dims[rank++] != (d == axis ? 1 : in->dims[d]))
			return "the output has another shape than the axis gives";
	}
	return rank == out->rank ? NULL : "the output has another shape than the axis gives";
}

/* Whether element @a of @t is larger than element @b. */
static bool larger(const struct tensor *t, const void *data, int64_t a, int64_t b)
{
	const float *f = data;

	if (t->type == DTYPE_F32)
		return f[a] > f[b] || (isnan(f[a]) && !isnan(f[b]));
	return integer_at(t, data, a) > integer_at(t, data, b);
}

int run_extreme(const struct call *c)
{
	const struct tensor *in = c->op->inputs[0];
	int axis = extreme_axis(c->op);
	bool least = c->op->kind == OP_ARG_MIN;
	int64_t outer = product(in->dims, axis), size = in->dims[axis];
	int64_t inner = product(in->dims + axis + 1, in->rank - axis - 1);

	for (int64_t o = 0; o < outer; o++)
		for (int64_t i = 0; i < inner; i++) {
			int64_t first = o * size * inner + i, best = 0;

			for (int64_t k = 1; k < size; k++) {
				int64_t a = first + k * inner, b = first + best * inner;

				if (least ? larger(in, c->in[0], b, a) : larger(in, c->in[0], a, b))
					best = k;
			}
			store_index(c->op->outputs[0], c->out[0], o * inner + i, best);
		}
	return 0;
}

const char *check_largest(const struct op *op)
{
	const struct tensor *in = op->inputs[0], *values = op->outputs[0];
	const struct tensor *indices = op->outputs[1];
	const char *reason = check_ints(op, 1, 1);
	int last = in->rank - 1;

	if (!reason)
		reason = check_comparable(in);
	if (reason)
		return reason;
	if (last < 0 || values->rank != in->rank || !same_shape(values, indices) ||
	    !same_dims(values->dims, in->dims, last) || values->dims[last] > in->dims[last] ||
	    values->dims[last] != tensor_int(op->inputs[1], 0))
		return "the outputs have another shape than the input and K give";
	if (values->type != in->type || !whole_number(indices))
		return "the values must be of the input's type, the indices int32 or int64";
	return NULL;
}

struct candidates {
	const struct tensor *t;
	const void *data;
	int64_t at;			/* of the row */
};

/* Larger ones first; of equal ones, that with the lower index. */
static int by_size(const void *a, const void *b, void *arg)
{
	const struct candidates *c = arg;
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	if (larger(c->t, c->data, c->at + x, c->at + y))
		return -1;
	if (larger(c->t, c->data, c->at + y, c->at + x))
		return 1;
	return (x > y) - (x < y);
}

int run_largest(const struct call *c)
{
	const struct tensor *in = c->op->inputs[0], *out = c->op->outputs[0];
	int64_t length = in->dims[in->rank - 1], k = out->dims[out->rank - 1];
	int64_t rows = product(in->dims, in->rank - 1), size = dtype_bits(in->type) / 8;
	struct candidates all = { in, c->in[0], 0 };
	int64_t *order = malloc(length * sizeof(*order) + 1);

	if (!order)
		return -ENOMEM;
	for (int64_t row = 0; row < rows; row++, all.at += length) {
		for (int64_t i = 0; i < length; i++)
			order[i] = i;
		qsort_r(order, length, sizeof(*order), by_size, &all);
		for (int64_t i = 0; i < k; i++) {
			memcpy((char *)c->out[0] + (row * k + i) * size,
			       (const char *)c->in[0] + (all.at + order[i]) * size, size);
			store_index(c->op->outputs[1], c->out[1], row * k + i, order[i]);
		}
	}
	free(order);
	return 0;
}

const char *check_accumulated(const struct op *op)
{
	const struct tensor *in = op->inputs[0];
	const char *reason = check_ints(op, 1, 1);

	if (!reason && in->type != DTYPE_F64)
		reason = check_comparable(in);
	if (!reason)
		reason = check_like_input(op);
	if (!reason && find_axis(tensor_int(op->inputs[1], 0), in->rank) < 0)
		reason = "there is no such axis";
	return reason;
}

/* One line along the axis, elements @step apart. */
static void accumulate(const struct call *c, int64_t first, int64_t n, int64_t step)
{
	const struct tensor *t = c->op->inputs[0];
	bool exclusive = c->op->attrs.exclusive;
	uint64_t whole = 0;
	double sum = 0;

	for (int64_t i = 0; i < n; i++) {
		int64_t at = first + i * step;
		double next_sum;

		if (t->type == DTYPE_F32) {
			next_sum = sum + ((const float *)c->in[0])[at];
			((float *)c->out[0])[at] = (float)(exclusive ? sum : next_sum);
			sum = next_sum;
		} else if (t->type == DTYPE_F64) {
			next_sum = sum + ((const double *)c->in[0])[at];
			((double *)c->out[0])[at] = exclusive ? sum : next_sum;
			sum = next_sum;
		} else {
			uint64_t next = whole + (uint64_t)integer_at(t, c->in[0], at);

			store_index(t, c->out[0], at, (int64_t)(exclusive ? whole : next));
			whole = next;
		}
	}
}

int run_accumulated(const struct call *c)
{
	const struct tensor *t = c->op->inputs[0];
	int axis = find_axis(tensor_int(c->op->inputs[1], 0), t->rank);
	int64_t outer = product(t->dims, axis), n = t->dims[axis];
	int64_t inner = product(t->dims + axis + 1, t->rank - axis - 1);

	for (int64_t o = 0; o < outer; o++)
		for (int64_t i = 0; i < inner; i++) {
			int64_t first = o * n * inner + i;

			if (c->op->attrs.reverse)
				accumulate(c, first + (n - 1) * inner, n, -inner);
			else
				accumulate(c, first, n, inner);
		}
	return 0;
}
