// SPDX-License-Identifier: MIT
/* Reductions over constant axes. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "kernel.h"
#include "nd.h"

/* One more value for a result; sums of floats are doubles so that their order is no matter. */
typedef void (*reduce_float)(double *result, double x);
typedef void (*reduce_whole)(int64_t *result, int64_t x);

static void sum_f(double *result, double x)
{
	*result += x;
}

static void product_f(double *result, double x)
{
	*result *= x;
}

static void max_f(double *result, double x)
{
	*result = x > *result || isnan(x) ? x : *result;
}

static void min_f(double *result, double x)
{
	*result = x < *result || isnan(x) ? x : *result;
}

static void sum_i(int64_t *result, int64_t x)
{
	*result = (int64_t)((uint64_t)*result + (uint64_t)x);
}

static void product_i(int64_t *result, int64_t x)
{
	*result = (int64_t)((uint64_t)*result * (uint64_t)x);
}

static void max_i(int64_t *result, int64_t x)
{
	*result = x > *result ? x : *result;
}

static void min_i(int64_t *result, int64_t x)
{
	*result = x < *result ? x : *result;
}

static const struct reduction {
	reduce_float f;
	reduce_whole i;
	double first_f;
	int64_t first_i;
} reductions[OP_KINDS] = {
	[OP_MEAN] = { sum_f, sum_i, 0, 0 },
	[OP_SUM] = { sum_f, sum_i, 0, 0 },
	[OP_REDUCE_PROD] = { product_f, product_i, 1, 1 },
	[OP_REDUCE_MAX] = { max_f, max_i, -INFINITY, INT64_MIN },
	[OP_REDUCE_MIN] = { min_f, min_i, INFINITY, INT64_MAX },
};

/* Which of the input's dimensions go. */
static const char *find_reduced(const struct op *op, bool *reduced)
{
	const struct tensor *axes = op->inputs[1];
	int64_t n = tensor_elements(axes);
	const char *reason = check_ints(op, 1, n);

	for (int64_t i = 0; i < n && !reason; i++) {
		int axis = find_axis(tensor_int(axes, i), op->inputs[0]->rank);

		if (axis < 0)
			reason = "there is no such axis";
		else
			reduced[axis] = true;
	}
	return reason;
}

const char *check_reduction(const struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	bool reduced[MAX_RANK] = { false };
	const char *reason = find_reduced(op, reduced);
	int rank = 0;

	if (reason)
		return reason;
	if (!tensor_elements(in))
		return "the input is empty";
	if (in->type != out->type || (in->type != DTYPE_F32 && !whole_number(in)))
		return "input and output must be of one type, float32, int32 or int64";
	for (int d = 0; d < in->rank; d++) {
		if (reduced[d] && !op->attrs.keep_dims)
			continue;
		if (rank == out->rank || out->dims[rank++] != (reduced[d] ? 1 : in->dims[d]))
			return "the output has another shape than the axes give";
	}
	return rank == out->rank ? NULL : "the output has another shape than the axes give";
}

struct reduce_call {
	const struct reduction *how;
	const void *in;
	enum dtype type;
	double *f;			/* the results so far, of one type or the other */
	int64_t *i;
};

static int64_t whole_at(const struct reduce_call *r, int64_t i)
{
	return r->type == DTYPE_I64 ? ((const int64_t *)r->in)[i] : ((const int32_t *)r->in)[i];
}

static void reduce_row(void *arg, int64_t n, const int64_t *at, const int64_t *step)
{
	const struct reduce_call *r = arg;

	if (r->f)
		for (int64_t i = 0; i < n; i++)
			r->how->f(&r->f[at[0] + i * step[0]],
				  ((const float *)r->in)[at[1] + i * step[1]]);
	else
		for (int64_t i = 0; i < n; i++)
			r->how->i(&r->i[at[0] + i * step[0]], whole_at(r, at[1] + i * step[1]));
}

/* The results, of which each has seen @count values. */
static void finish(const struct reduce_call *r, void *out, int64_t n, int64_t count, bool mean)
{
	for (int64_t i = 0; i < n; i++) {
		if (r->type == DTYPE_F32)
			((float *)out)[i] = (float)(mean ? r->f[i] / (double)count : r->f[i]);
		else if (r->type == DTYPE_I64)
			((int64_t *)out)[i] = mean ? r->i[i] / count : r->i[i];
		else
			((int32_t *)out)[i] = (int32_t)(mean ? r->i[i] / count : r->i[i]);
	}
}

int run_reduction(const struct call *c)
{
	const struct tensor *in = c->op->inputs[0], *out = c->op->outputs[0];
	struct reduce_call r = { &reductions[c->op->kind], c->in[0], in->type };
	int64_t n = tensor_elements(out), to[MAX_RANK] = { 0 }, from[MAX_RANK], stride = 1;
	bool reduced[MAX_RANK] = { false };
	void *results = malloc(n * sizeof(double) + 1);
	struct nd nd;

	if (!results)
		return -ENOMEM;
	find_reduced(c->op, reduced);
	if (in->type == DTYPE_F32)
		r.f = results;
	else
		r.i = results;
	for (int64_t i = 0; i < n; i++) {
		if (r.f)
			r.f[i] = r.how->first_f;
		else
			r.i[i] = r.how->first_i;
	}
	nd_dense(in->rank, in->dims, from);
	for (int d = in->rank - 1; d >= 0; d--) {
		if (reduced[d])
			continue;
		to[d] = stride;
		stride *= in->dims[d];
	}
	nd = nd_pair(in->rank, in->dims, to, from);
	nd_walk(&nd, reduce_row, &r);
	finish(&r, c->out[0], n, tensor_elements(in) / n, c->op->kind == OP_MEAN);
	free(results);
	return 0;
}
