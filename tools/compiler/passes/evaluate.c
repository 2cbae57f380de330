// SPDX-License-Identifier: MIT
/*
 * Operators on known values, computed by the compiler: what exporters emit around
 * shapes, and arithmetic on weights. Numbers are int64 or double in between.
 */
#include "rewrite.h"

#include <math.h>
#include <string.h>

#define MAX_FOLDED_BYTES	((int64_t)1 << 28)

static bool is_float(enum dtype type)
{
	return type == DTYPE_F32 || type == DTYPE_F64;
}

int64_t constant_int(const struct tensor *t, int64_t i)
{
	union {
		int64_t i64;
		int32_t i32;
		uint32_t u32;
		int16_t i16;
		uint16_t u16;
		int8_t i8;
		uint8_t u8;
		uint64_t u64;
	} v = { 0 };
	unsigned int width = dtype_bits(t->type) / 8;
	double number;

	if (is_float(t->type)) {
		number = constant_number(t, i);
		if (number >= 0x1p63)
			return INT64_MAX;
		if (number < -0x1p63)
			return INT64_MIN;
		return isnan(number) ? 0 : (int64_t)number;
	}
	memcpy(&v, t->data + i * width, width);
	switch (t->type) {
	case DTYPE_I64:
	case DTYPE_U64:
		return v.i64;
	case DTYPE_I32:
		return v.i32;
	case DTYPE_U32:
		return v.u32;
	case DTYPE_I16:
		return v.i16;
	case DTYPE_U16:
		return v.u16;
	case DTYPE_I8:
		return v.i8;
	default:
		return v.u8;
	}
}

double constant_number(const struct tensor *t, int64_t i)
{
	double wide;
	float narrow;

	if (t->type == DTYPE_F64) {
		memcpy(&wide, t->data + 8 * i, sizeof(wide));
		return wide;
	}
	if (t->type == DTYPE_F32) {
		memcpy(&narrow, t->data + 4 * i, sizeof(narrow));
		return narrow;
	}
	return (double)constant_int(t, i);
}

static void store_int(uint8_t *data, enum dtype type, int64_t i, int64_t value)
{
	unsigned int width = dtype_bits(type) / 8;

	if (type == DTYPE_BOOL)
		value = value != 0;
	memcpy(data + i * width, &value, width);
}

static void store_number(uint8_t *data, enum dtype type, int64_t i, double value)
{
	float narrow = (float)value;

	if (type == DTYPE_F64)
		memcpy(data + 8 * i, &value, 8);
	else
		memcpy(data + 4 * i, &narrow, 4);
}

/* Every element of an output, and where its inputs are. */
struct walk {
	int rank;
	int32_t dims[MAX_RANK], at[MAX_RANK];
	int64_t stride[3][MAX_RANK], offset[3];
	int64_t left;
};

static void walk_start(struct walk *w, int rank, const int32_t *dims)
{
	memset(w, 0, sizeof(*w));
	w->rank = rank;
	w->left = 1;
	for (int i = 0; i < rank; i++) {
		w->dims[i] = dims[i];
		w->left *= dims[i];
	}
}

static void dense_strides(const struct tensor *t, int64_t *stride)
{
	int64_t step = 1;

	for (int i = t->rank - 1; i >= 0; i--) {
		stride[i] = step;
		step *= t->dims[i];
	}
}

/* Input @k has broadcast dimensions. */
static void walk_broadcast(struct walk *w, int k, const struct tensor *t)
{
	int64_t stride[MAX_RANK];

	dense_strides(t, stride);
	for (int i = 0; i < t->rank; i++)
		if (t->dims[i] != 1)
			w->stride[k][w->rank - t->rank + i] = stride[i];
}

static void walk_next(struct walk *w)
{
	w->left--;
	for (int d = w->rank - 1; d >= 0; d--) {
		for (int k = 0; k < 3; k++)
			w->offset[k] += w->stride[k][d];
		if (++w->at[d] < w->dims[d])
			return;
		for (int k = 0; k < 3; k++)
			w->offset[k] -= w->stride[k][d] * w->dims[d];
		w->at[d] = 0;
	}
}

static bool number_of(enum op_kind kind, double x, double *y)
{
	switch (kind) {
	case OP_ABS:
		*y = fabs(x);
		break;
	case OP_NEG:
		*y = -x;
		break;
	case OP_CEIL:
		*y = ceil(x);
		break;
	case OP_FLOOR:
		*y = floor(x);
		break;
	case OP_ROUND:
		*y = nearbyint(x);
		break;
	case OP_SQRT:
		*y = sqrt(x);
		break;
	case OP_EXP:
		*y = exp(x);
		break;
	case OP_LOG:
		*y = log(x);
		break;
	case OP_SIN:
		*y = sin(x);
		break;
	case OP_COS:
		*y = cos(x);
		break;
	case OP_TANH:
		*y = tanh(x);
		break;
	case OP_LOGISTIC:
		*y = 1 / (1 + exp(-x));
		break;
	case OP_RECIPROCAL:
		*y = 1 / x;
		break;
	case OP_RELU:
		*y = x > 0 ? x : 0;
		break;
	case OP_SQUARE:
		*y = x * x;
		break;
	case OP_SIGN:
		*y = (x > 0) - (x < 0);
		break;
	default:
		return false;
	}
	return true;
}

static bool fold_unary(const struct op *op, uint8_t *data)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	int64_t n = tensor_elements(out);
	double y;

	for (int64_t i = 0; i < n; i++) {
		if (op->kind == OP_LOGICAL_NOT) {
			store_int(data, out->type, i, !constant_int(in, i));
			continue;
		}
		if (!number_of(op->kind, constant_number(in, i), &y))
			return false;
		if (is_float(out->type))
			store_number(data, out->type, i, y);
		else if (fabs(y) <= 0x1p53)
			store_int(data, out->type, i, (int64_t)y);
		else
			return false;
	}
	return true;
}

static bool fold_cast(const struct op *op, uint8_t *data)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	int64_t n = tensor_elements(out);

	for (int64_t i = 0; i < n; i++) {
		if (is_float(out->type))
			store_number(data, out->type, i, constant_number(in, i));
		else if (out->type == DTYPE_BOOL && is_float(in->type))
			store_int(data, out->type, i, constant_number(in, i) != 0);
		else
			store_int(data, out->type, i, constant_int(in, i));
	}
	return true;
}

static bool numbers_of(enum op_kind kind, double x, double y, double *z)
{
	switch (kind) {
	case OP_ADD:
		*z = x + y;
		break;
	case OP_SUB:
		*z = x - y;
		break;
	case OP_MUL:
		*z = x * y;
		break;
	case OP_DIV:
		*z = x / y;
		break;
	case OP_POW:
		*z = pow(x, y);
		break;
	case OP_MAXIMUM:
		*z = x > y ? x : y;
		break;
	case OP_MINIMUM:
		*z = x < y ? x : y;
		break;
	case OP_EQUAL:
		*z = x == y;
		break;
	case OP_NOT_EQUAL:
		*z = x != y;
		break;
	case OP_LESS:
		*z = x < y;
		break;
	case OP_LESS_EQUAL:
		*z = x <= y;
		break;
	case OP_GREATER:
		*z = x > y;
		break;
	case OP_GREATER_EQUAL:
		*z = x >= y;
		break;
	default:
		return false;
	}
	return true;
}

/* Wraps around as two's complement does. */
static bool ints_of(enum op_kind kind, int64_t x, int64_t y, int64_t *z)
{
	switch (kind) {
	case OP_ADD:
		*z = (int64_t)((uint64_t)x + (uint64_t)y);
		break;
	case OP_SUB:
		*z = (int64_t)((uint64_t)x - (uint64_t)y);
		break;
	case OP_MUL:
		*z = (int64_t)((uint64_t)x * (uint64_t)y);
		break;
	case OP_DIV:
		if (!y || (x == INT64_MIN && y == -1))
			return false;
		*z = x / y;
		break;
	case OP_POW:
		*z = 1;
		if (y < 0 || y > 63)
			return false;
		while (y--)
			*z = (int64_t)((uint64_t)*z * (uint64_t)x);
		break;
	case OP_MAXIMUM:
		*z = x > y ? x : y;
		break;
	case OP_MINIMUM:
		*z = x < y ? x : y;
		break;
	case OP_EQUAL:
		*z = x == y;
		break;
	case OP_NOT_EQUAL:
		*z = x != y;
		break;
	case OP_LESS:
		*z = x < y;
		break;
	case OP_LESS_EQUAL:
		*z = x <= y;
		break;
	case OP_GREATER:
		*z = x > y;
		break;
	case OP_GREATER_EQUAL:
		*z = x >= y;
		break;
	case OP_LOGICAL_AND:
		*z = x && y;
		break;
	case OP_LOGICAL_OR:
		*z = x || y;
		break;
	default:
		return false;
	}
	return true;
}

static bool fold_binary(const struct op *op, uint8_t *data)
{
	const struct tensor *a = op->inputs[0], *b = op->inputs[1], *out = op->outputs[0];
	struct walk w;
	double number;
	int64_t whole;

	walk_start(&w, out->rank, out->dims);
	walk_broadcast(&w, 0, a);
	walk_broadcast(&w, 1, b);
	for (int64_t i = 0; w.left > 0; i++, walk_next(&w)) {
		if (!is_float(a->type)) {
			if (!ints_of(op->kind, constant_int(a, w.offset[0]),
				     constant_int(b, w.offset[1]), &whole))
				return false;
			store_int(data, out->type, i, whole);
			continue;
		}
		if (!numbers_of(op->kind, constant_number(a, w.offset[0]),
				constant_number(b, w.offset[1]), &number))
			return false;
		if (is_float(out->type))
			store_number(data, out->type, i, number);
		else
			store_int(data, out->type, i, (int64_t)number);
	}
	return true;
}

static bool fold_select(const struct op *op, uint8_t *data)
{
	const struct tensor *out = op->outputs[0];
	unsigned int width = dtype_bits(out->type) / 8;
	struct walk w;

	walk_start(&w, out->rank, out->dims);
	for (int k = 0; k < 3; k++)
		walk_broadcast(&w, k, op->inputs[k]);
	for (; w.left > 0; walk_next(&w)) {
		int k = constant_int(op->inputs[0], w.offset[0]) ? 1 : 2;

		memcpy(data, op->inputs[k]->data + w.offset[k] * width, width);
		data += width;
	}
	return true;
}

/* The output's elements are some of the input's, in steps. */
static bool fold_strided(const struct op *op, uint8_t *data, int64_t start, const int64_t *step)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	unsigned int width = dtype_bits(in->type) / 8;
	struct walk w;

	walk_start(&w, out->rank, out->dims);
	memcpy(w.stride[0], step, sizeof(w.stride[0]));
	for (; w.left > 0; walk_next(&w)) {
		memcpy(data, in->data + (start + w.offset[0]) * width, width);
		data += width;
	}
	return true;
}

static bool fold_transpose(const struct op *op, uint8_t *data)
{
	int64_t stride[MAX_RANK] = { 0 }, step[MAX_RANK] = { 0 };

	dense_strides(op->inputs[0], stride);
	for (int i = 0; i < op->outputs[0]->rank; i++)
		step[i] = stride[tensor_int(op->inputs[1], i)];
	return fold_strided(op, data, 0, step);
}

static bool fold_slice(const struct op *op, uint8_t *data)
{
	int64_t step[MAX_RANK] = { 0 }, start = 0;

	dense_strides(op->inputs[0], step);
	for (int i = 0; i < op->inputs[0]->rank; i++) {
		start += step[i] * tensor_int(op->inputs[1], i);
		if (op->kind == OP_STRIDED_SLICE)
			step[i] *= tensor_int(op->inputs[3], i);
	}
	return fold_strided(op, data, start, step);
}

static bool fold_tile(const struct op *op, uint8_t *data)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	unsigned int width = dtype_bits(in->type) / 8;
	int64_t stride[MAX_RANK] = { 0 };
	struct walk w;

	dense_strides(in, stride);
	walk_start(&w, out->rank, out->dims);
	for (; w.left > 0; walk_next(&w)) {
		int64_t from = 0;

		for (int d = 0; d < out->rank; d++)
			from += stride[d] * (w.at[d] % in->dims[d]);
		memcpy(data, in->data + from * width, width);
		data += width;
	}
	return true;
}

static bool fold_copy(const struct op *op, uint8_t *data)
{
	memcpy(data, op->inputs[0]->data, tensor_bytes(op->outputs[0]));
	return true;
}

/* Elements before and after dimension @axis. */
static void around(const struct tensor *t, int axis, int64_t *outer, int64_t *inner)
{
	*outer = *inner = 1;
	for (int i = 0; i < axis; i++)
		*outer *= t->dims[i];
	for (int i = axis + 1; i < t->rank; i++)
		*inner *= t->dims[i];
}

static bool fold_concat(const struct op *op, uint8_t *data)
{
	const struct tensor *out = op->outputs[0];
	unsigned int width = dtype_bits(out->type) / 8;
	int64_t outer, inner;

	around(out, op->attrs.axis, &outer, &inner);
	for (int64_t o = 0; o < outer; o++) {
		for (unsigned int i = 0; i < op->n_inputs; i++) {
			int64_t run = op->inputs[i]->dims[op->attrs.axis] * inner * width;

			memcpy(data, op->inputs[i]->data + o * run, run);
			data += run;
		}
	}
	return true;
}

static bool fold_gather(const struct op *op, uint8_t *data)
{
	const struct tensor *in = op->inputs[0], *indices = op->inputs[1];
	int64_t outer, inner, n = tensor_elements(indices), size = in->dims[op->attrs.axis];
	unsigned int width = dtype_bits(in->type) / 8;

	around(in, op->attrs.axis, &outer, &inner);
	inner *= width;
	for (int64_t o = 0; o < outer; o++) {
		for (int64_t i = 0; i < n; i++) {
			int64_t at = constant_int(indices, i);

			memcpy(data, in->data + (o * size + at) * inner, inner);
			data += inner;
		}
	}
	return true;
}

static void reduce_one(enum op_kind kind, double value, bool first, double *sum)
{
	if (first)
		*sum = value;
	else if (kind == OP_REDUCE_PROD)
		*sum *= value;
	else if (kind == OP_REDUCE_MAX)
		*sum = value > *sum ? value : *sum;
	else if (kind == OP_REDUCE_MIN)
		*sum = value < *sum ? value : *sum;
	else
		*sum += value;
}

/* Two walks: over what remains, and over what is reduced. */
static bool fold_reduce(const struct op *op, uint8_t *data)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	int32_t kept[MAX_RANK] = { 0 }, reduced[MAX_RANK] = { 0 };
	int64_t stride[MAX_RANK] = { 0 }, count;
	struct walk outer;

	dense_strides(in, stride);
	for (int i = 0; i < in->rank; i++) {
		kept[i] = in->dims[i];
		reduced[i] = 1;
	}
	for (int64_t i = 0; i < tensor_elements(op->inputs[1]); i++) {
		int64_t axis = tensor_int(op->inputs[1], i);

		reduced[axis] = in->dims[axis];
		kept[axis] = 1;
	}
	walk_start(&outer, in->rank, kept);
	memcpy(outer.stride[0], stride, sizeof(stride));
	for (int64_t o = 0; outer.left > 0; o++, walk_next(&outer)) {
		struct walk inner;
		double sum = 0;

		walk_start(&inner, in->rank, reduced);
		memcpy(inner.stride[0], stride, sizeof(stride));
		count = inner.left;
		for (int64_t i = 0; inner.left > 0; i++, walk_next(&inner))
			reduce_one(op->kind, constant_number(in, outer.offset[0] +
							     inner.offset[0]), !i, &sum);
		if (op->kind == OP_MEAN)
			sum /= (double)count;
		if (is_float(out->type))
			store_number(data, out->type, o, sum);
		else if (fabs(sum) <= 0x1p53)
			store_int(data, out->type, o, (int64_t)sum);
		else
			return false;
	}
	return true;
}

static bool (*fold_of(enum op_kind kind))(const struct op *op, uint8_t *data)
{
	static bool (*const folds[OP_KINDS])(const struct op *op, uint8_t *data) = {
		[OP_ABS] = fold_unary, [OP_NEG] = fold_unary, [OP_CEIL] = fold_unary,
		[OP_FLOOR] = fold_unary, [OP_ROUND] = fold_unary, [OP_SQRT] = fold_unary,
		[OP_EXP] = fold_unary, [OP_LOG] = fold_unary, [OP_SIN] = fold_unary,
		[OP_COS] = fold_unary, [OP_TANH] = fold_unary, [OP_LOGISTIC] = fold_unary,
		[OP_RECIPROCAL] = fold_unary, [OP_RELU] = fold_unary, [OP_SQUARE] = fold_unary,
		[OP_SIGN] = fold_unary, [OP_LOGICAL_NOT] = fold_unary,
		[OP_CAST] = fold_cast,
		[OP_ADD] = fold_binary, [OP_SUB] = fold_binary, [OP_MUL] = fold_binary,
		[OP_DIV] = fold_binary, [OP_POW] = fold_binary, [OP_MAXIMUM] = fold_binary,
		[OP_MINIMUM] = fold_binary, [OP_EQUAL] = fold_binary,
		[OP_NOT_EQUAL] = fold_binary, [OP_LESS] = fold_binary,
		[OP_LESS_EQUAL] = fold_binary, [OP_GREATER] = fold_binary,
		[OP_GREATER_EQUAL] = fold_binary, [OP_LOGICAL_AND] = fold_binary,
		[OP_LOGICAL_OR] = fold_binary,
		[OP_SELECT_V2] = fold_select, [OP_TRANSPOSE] = fold_transpose,
		[OP_SLICE] = fold_slice, [OP_STRIDED_SLICE] = fold_slice, [OP_TILE] = fold_tile,
		[OP_RESHAPE] = fold_copy, [OP_CONCATENATION] = fold_concat,
		[OP_GATHER] = fold_gather,
		[OP_SUM] = fold_reduce, [OP_MEAN] = fold_reduce, [OP_REDUCE_MAX] = fold_reduce,
		[OP_REDUCE_MIN] = fold_reduce, [OP_REDUCE_PROD] = fold_reduce,
	};

	return folds[kind];
}

bool fold_constant(struct arena *arena, const struct op *op)
{
	bool (*fold)(const struct op *op, uint8_t *data) = fold_of(op->kind);
	struct tensor *out = op->outputs[0];
	uint8_t *data;

	if (!fold || dtype_bits(out->type) < 8 || tensor_bytes(out) > MAX_FOLDED_BYTES)
		return false;
	data = arena_alloc(arena, tensor_bytes(out) + 1, 1);
	if (!fold(op, data))
		return false;
	out->data = data;
	out->data_bytes = tensor_bytes(out);
	return true;
}
