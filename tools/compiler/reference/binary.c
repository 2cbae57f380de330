// SPDX-License-Identifier: MIT
/* Operators of two operands that broadcast: arithmetic, comparisons, logic. */
#include <math.h>

#include "kernel.h"
#include "nd.h"

/* @n results of operands that are @as and @bs elements apart. */
typedef void (*binary_row)(void *out, const void *a, int64_t as, const void *b, int64_t bs,
			   int64_t n);

/* The two ways that matter for speed are rows of both, and a row with one value. */
#define ROW(name, type, result, expr)						\
static void name(void *out, const void *in1, int64_t as, const void *in2, int64_t bs, int64_t n) \
{										\
	const type *p = in1, *q = in2;						\
	result to = out;							\
										\
	if (as == 1 && bs == 1) {						\
		for (int64_t i = 0; i < n; i++) {				\
			type a = p[i], b = q[i];				\
			to[i] = (expr);						\
		}								\
	} else if (as == 1 && !bs) {						\
		for (int64_t i = 0; i < n; i++) {				\
			type a = p[i], b = *q;					\
			to[i] = (expr);						\
		}								\
	} else {								\
		for (int64_t i = 0; i < n; i++) {				\
			type a = p[i * as], b = q[i * bs];			\
			to[i] = (expr);						\
		}								\
	}									\
}

/* Sums and products of integers wrap around; what C leaves open is 0. */
#define WRAP(type, utype, operation)	((type)((utype)a operation (utype)b))
#define SQUARED(type, utype)		((type)(((utype)a - (utype)b) * ((utype)a - (utype)b)))
#define DIVIDE(type, utype)		(!b ? 0 : b == -1 ? (type)(0 - (utype)a) : a / b)

static int64_t integer_power(int64_t base, int64_t exponent)
{
	uint64_t square = base, result = 1;

	if (exponent < 0)
		return base == 1 ? 1 : base == -1 ? (exponent % 2 ? -1 : 1) : 0;
	for (; exponent; exponent >>= 1, square *= square)
		if (exponent & 1)
			result *= square;
	return (int64_t)result;
}

/* A minimum or maximum with NaN is NaN. */
ROW(add_f32, float, float *, a + b)
ROW(sub_f32, float, float *, a - b)
ROW(mul_f32, float, float *, a * b)
ROW(div_f32, float, float *, a / b)
ROW(min_f32, float, float *, a < b || a != a ? a : b)
ROW(max_f32, float, float *, a > b || a != a ? a : b)
ROW(pow_f32, float, float *, powf(a, b))
ROW(squared_f32, float, float *, (a - b) * (a - b))
ROW(add_f64, double, double *, a + b)
ROW(sub_f64, double, double *, a - b)
ROW(mul_f64, double, double *, a * b)
ROW(div_f64, double, double *, a / b)
ROW(min_f64, double, double *, a < b || a != a ? a : b)
ROW(max_f64, double, double *, a > b || a != a ? a : b)
ROW(pow_f64, double, double *, pow(a, b))
ROW(squared_f64, double, double *, (a - b) * (a - b))
ROW(add_i32, int32_t, int32_t *, WRAP(int32_t, uint32_t, +))
ROW(sub_i32, int32_t, int32_t *, WRAP(int32_t, uint32_t, -))
ROW(mul_i32, int32_t, int32_t *, WRAP(int32_t, uint32_t, *))
ROW(div_i32, int32_t, int32_t *, DIVIDE(int32_t, uint32_t))
ROW(min_i32, int32_t, int32_t *, a < b ? a : b)
ROW(max_i32, int32_t, int32_t *, a > b ? a : b)
ROW(pow_i32, int32_t, int32_t *, (int32_t)integer_power(a, b))
ROW(squared_i32, int32_t, int32_t *, SQUARED(int32_t, uint32_t))
ROW(add_i64, int64_t, int64_t *, WRAP(int64_t, uint64_t, +))
ROW(sub_i64, int64_t, int64_t *, WRAP(int64_t, uint64_t, -))
ROW(mul_i64, int64_t, int64_t *, WRAP(int64_t, uint64_t, *))
ROW(div_i64, int64_t, int64_t *, DIVIDE(int64_t, uint64_t))
ROW(min_i64, int64_t, int64_t *, a < b ? a : b)
ROW(max_i64, int64_t, int64_t *, a > b ? a : b)
ROW(pow_i64, int64_t, int64_t *, integer_power(a, b))
ROW(squared_i64, int64_t, int64_t *, SQUARED(int64_t, uint64_t))

ROW(equal_f32, float, uint8_t *, a == b)
ROW(not_equal_f32, float, uint8_t *, a != b)
ROW(less_f32, float, uint8_t *, a < b)
ROW(less_equal_f32, float, uint8_t *, a <= b)
ROW(greater_f32, float, uint8_t *, a > b)
ROW(greater_equal_f32, float, uint8_t *, a >= b)
ROW(equal_f64, double, uint8_t *, a == b)
ROW(not_equal_f64, double, uint8_t *, a != b)
ROW(less_f64, double, uint8_t *, a < b)
ROW(less_equal_f64, double, uint8_t *, a <= b)
ROW(greater_f64, double, uint8_t *, a > b)
ROW(greater_equal_f64, double, uint8_t *, a >= b)
ROW(equal_i32, int32_t, uint8_t *, a == b)
ROW(not_equal_i32, int32_t, uint8_t *, a != b)
ROW(less_i32, int32_t, uint8_t *, a < b)
ROW(less_equal_i32, int32_t, uint8_t *, a <= b)
ROW(greater_i32, int32_t, uint8_t *, a > b)
ROW(greater_equal_i32, int32_t, uint8_t *, a >= b)
ROW(equal_i64, int64_t, uint8_t *, a == b)
ROW(not_equal_i64, int64_t, uint8_t *, a != b)
ROW(less_i64, int64_t, uint8_t *, a < b)
ROW(less_equal_i64, int64_t, uint8_t *, a <= b)
ROW(greater_i64, int64_t, uint8_t *, a > b)
ROW(greater_equal_i64, int64_t, uint8_t *, a >= b)
ROW(equal_bool, uint8_t, uint8_t *, !a == !b)
ROW(not_equal_bool, uint8_t, uint8_t *, !a != !b)
ROW(and_bool, uint8_t, uint8_t *, a && b)
ROW(or_bool, uint8_t, uint8_t *, a || b)

/* NULL: not of that type. */
static const struct binary {
	binary_row f32, f64, i32, i64, logic;
	bool decides;			/* the result is bool */
} binaries[OP_KINDS] = {
	[OP_ADD] = { add_f32, add_f64, add_i32, add_i64 },
	[OP_SUB] = { sub_f32, sub_f64, sub_i32, sub_i64 },
	[OP_MUL] = { mul_f32, mul_f64, mul_i32, mul_i64 },
	[OP_DIV] = { div_f32, div_f64, div_i32, div_i64 },
	[OP_MINIMUM] = { min_f32, min_f64, min_i32, min_i64 },
	[OP_MAXIMUM] = { max_f32, max_f64, max_i32, max_i64 },
	[OP_POW] = { pow_f32, pow_f64, pow_i32, pow_i64 },
	[OP_SQUARED_DIFFERENCE] = { squared_f32, squared_f64, squared_i32, squared_i64 },
	[OP_EQUAL] = { equal_f32, equal_f64, equal_i32, equal_i64, equal_bool, true },
	[OP_NOT_EQUAL] = { not_equal_f32, not_equal_f64, not_equal_i32, not_equal_i64,
				not_equal_bool, true },
	[OP_LESS] = { less_f32, less_f64, less_i32, less_i64, NULL, true },
	[OP_LESS_EQUAL] = { less_equal_f32, less_equal_f64, less_equal_i32, less_equal_i64,
			    NULL, true },
	[OP_GREATER] = { greater_f32, greater_f64, greater_i32, greater_i64, NULL, true },
	[OP_GREATER_EQUAL] = { greater_equal_f32, greater_equal_f64, greater_equal_i32,
			       greater_equal_i64, NULL, true },
	[OP_LOGICAL_AND] = { NULL, NULL, NULL, NULL, and_bool, true },
	[OP_LOGICAL_OR] = { NULL, NULL, NULL, NULL, or_bool, true },
};

static binary_row find_row(const struct op *op)
{
	const struct binary *b = &binaries[op->kind];

	switch (op->inputs[0]->type) {
	case DTYPE_F32:
		return b->f32;
	case DTYPE_F64:
		return b->f64;
	case DTYPE_I32:
		return b->i32;
	case DTYPE_I64:
		return b->i64;
	case DTYPE_BOOL:
		return b->logic;
	default:
		return NULL;
	}
}

/* Both operands broadcast to the output, and the output is no larger than they ask for. */
static const char *check_broadcast(const struct op *op)
{
	const struct tensor *a = op->inputs[0], *b = op->inputs[1], *out = op->outputs[0];

	if (!nd_broadcasts(a, out->rank, out->dims) || !nd_broadcasts(b, out->rank, out->dims))
		return "the operands do not broadcast to the output's shape";
	for (int d = 0; d < out->rank; d++) {
		int da = d - (out->rank - a->rank), db = d - (out->rank - b->rank);

		if (out->dims[d] != 1 && (da < 0 || a->dims[da] == 1) &&
		    (db < 0 || b->dims[db] == 1))
			return "the output is larger than the operands";
	}
	return NULL;
}

const char *check_binary(const struct op *op)
{
	const struct tensor *a = op->inputs[0], *b = op->inputs[1], *out = op->outputs[0];

	if (a->type != b->type)
		return "the operands are of different types";
	if (!find_row(op))
		return "not for operands of this type";
	if (out->type != (binaries[op->kind].decides ? DTYPE_BOOL : a->type))
		return "the output is of another type than the operator makes";
	return check_broadcast(op);
}

struct binary_call {
	binary_row row;
	const char *a, *b;
	char *out;
	size_t size, out_size;		/* of elements */
};

static void run_row(void *arg, int64_t n, const int64_t *at, const int64_t *step)
{
	const struct binary_call *c = arg;

	c->row(c->out + at[0] * (int64_t)c->out_size, c->a + at[1] * (int64_t)c->size, step[1],
	       c->b + at[2] * (int64_t)c->size, step[2], n);
}

int run_binary(const struct call *c)
{
	const struct tensor *a = c->op->inputs[0], *out = c->op->outputs[0];
	struct binary_call call = {
		find_row(c->op), c->in[0], c->in[1], c->out[0], dtype_bits(a->type) / 8,
		dtype_bits(out->type) / 8,
	};
	struct nd nd = { .rank = out->rank, .arrays = 3 };

	for (int d = 0; d < out->rank; d++)
		nd.dims[d] = out->dims[d];
	nd_dense(out->rank, out->dims, nd.strides[0]);
	nd_broadcast(a, out->rank, out->dims, nd.strides[1]);
	nd_broadcast(c->op->inputs[1], out->rank, out->dims, nd.strides[2]);
	nd_walk(&nd, run_row, &call);
	if (out->type == DTYPE_F32)
		activate(c->op->attrs.activation, c->out[0], tensor_elements(out));
	return 0;
}
