// SPDX-License-Identifier: MIT
/* SLICE and STRIDED_SLICE: a part of a tensor, with any steps. */
#include "kernel.h"
#include "nd.h"

/* In the input's dimensions. */
struct part {
	int32_t dims[MAX_RANK];
	int64_t begin[MAX_RANK], step[MAX_RANK];
};

static const char *plan_slice(const struct op *op, struct part *p)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	const char *reason = check_ints(op, 1, in->rank);

	if (!reason)
		reason = check_ints(op, 2, in->rank);
	if (!reason && (in->type != out->type || in->rank != out->rank))
		reason = "input and output differ in type or rank";
	for (int d = 0; d < in->rank && !reason; d++) {
		int64_t begin = tensor_int(op->inputs[1], d), size = tensor_int(op->inputs[2], d);

		if (begin < 0 || begin > in->dims[d] || size < -1 || size > in->dims[d] - begin)
			return "the slice lies outside of the input";
		p->begin[d] = begin;
		p->step[d] = 1;
		p->dims[d] = size < 0 ? in->dims[d] - begin : size;
		if (p->dims[d] != out->dims[d])
			reason = "the output has another shape than the slice";
	}
	return reason;
}

const char *check_part(const struct op *op)
{
	struct part p;

	return plan_slice(op, &p);
}

static void copy_part(const struct call *c, const struct part *p)
{
	const struct tensor *in = c->op->inputs[0];
	size_t size = dtype_bits(in->type) / 8;
	int64_t dense[MAX_RANK], to[MAX_RANK], at = 0;
	struct nd nd;

	nd_dense(in->rank, p->dims, to);
	nd_dense(in->rank, in->dims, dense);
	nd = nd_pair(in->rank, p->dims, to, dense);
	for (int d = 0; d < in->rank; d++) {
		at += p->begin[d] * dense[d];
		nd.strides[1][d] = p->step[d] * dense[d];
	}
	nd_copy(&nd, c->out[0], (const char *)c->in[0] + at * (int64_t)size, size);
}

int run_part(const struct call *c)
{
	struct part p;

	plan_slice(c->op, &p);
	copy_part(c, &p);
	return 0;
}

static int64_t limit(int64_t x, int64_t min, int64_t max)
{
	return x < min ? min : x > max ? max : x;
}

/* Dimension @d of the input as entry @i of the parameters asks for it. */
static const char *plan_range(const struct op *op, int i, int d, struct part *p)
{
	const struct op_attrs *a = &op->attrs;
	int64_t size = op->inputs[0]->dims[d], step = tensor_int(op->inputs[3], i);
	int64_t begin = tensor_int(op->inputs[1], i), end = tensor_int(op->inputs[2], i);
	int64_t first = step > 0 ? 0 : -1, past = step > 0 ? size : size - 1;

	if (!step || step < -INT32_MAX || step > INT32_MAX)
		return "a step is 0 or too large";
	if (a->shrink_axis_mask >> i & 1) {
		begin += begin < 0 ? size : 0;
		if (begin < 0 || begin >= size)
			return "the slice lies outside of the input";
		end = begin + 1;
		step = 1;
	} else {
		begin = limit(begin < 0 && begin >= -size ? begin + size :
			      begin < 0 ? first : begin, first, past);
		end = limit(end < 0 && end >= -size ? end + size : end < 0 ? first : end, first,
			    past);
		if (a->begin_mask >> i & 1)
			begin = step > 0 ? 0 : size - 1;
		if (a->end_mask >> i & 1)
			end = step > 0 ? size : -1;
	}
	p->begin[d] = begin;
	p->step[d] = step;
	/* rounded up */
	size = (end - begin + step + (step < 0 ? 1 : -1)) / step;
	p->dims[d] = size < 0 ? 0 : size;
	return NULL;
}

static void whole_range(const struct tensor *in, int d, struct part *p)
{
	p->begin[d] = 0;
	p->step[d] = 1;
	p->dims[d] = in->dims[d];
}

/* How many of the @n entries make dimensions that the input does not have. */
static int new_dimensions(const struct op_attrs *a, int n)
{
	int count = 0;

	for (int i = 0; i < n; i++)
		if (a->new_axis_mask >> i & 1 && !(a->ellipsis_mask >> i & 1))
			count++;
	return count;
}

static const char *plan_strided(const struct op *op, struct part *p)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	const struct op_attrs *a = &op->attrs;
	int n = op->inputs[1]->rank ? op->inputs[1]->dims[0] : 0, d = 0, rank = 0, skip;
	const char *reason = n > 2 * MAX_RANK ? "too many parameters" : NULL;
	int32_t dims[4 * MAX_RANK];

	for (unsigned int i = 1; i < 4 && !reason; i++)
		reason = check_ints(op, i, n);
	if (reason)
		return reason;
	if (in->type != out->type)
		return "input and output are of different types";
	skip = in->rank - (n - new_dimensions(a, n));
	for (int i = 0; i < n && !reason; i++) {
		if (a->ellipsis_mask >> i & 1) {
			for (int k = 0; k <= skip && d < in->rank; k++, d++) {
				whole_range(in, d, p);
				dims[rank++] = in->dims[d];
			}
		} else if (a->new_axis_mask >> i & 1) {
			dims[rank++] = 1;
		} else if (d == in->rank) {
			reason = "more parameters than dimensions";
		} else {
			reason = plan_range(op, i, d, p);
			if (!(a->shrink_axis_mask >> i & 1) && !reason)
				dims[rank++] = p->dims[d];
			d++;
		}
	}
	for (; d < in->rank && !reason; d++) {
		whole_range(in, d, p);
		dims[rank++] = in->dims[d];
	}
	if (reason)
		return reason;
	if (rank != out->rank)
		return "the output has another rank than the slice";
	for (int i = 0; i < rank; i++)
		if (dims[i] != out->dims[i])
			return "the output has another shape than the slice";
	return NULL;
}

const char *check_strided_part(const struct op *op)
{
	struct part p;

	return plan_strided(op, &p);
}

int run_strided_part(const struct call *c)
{
	struct part p;

	plan_strided(c->op, &p);
	copy_part(c, &p);
	return 0;
}
