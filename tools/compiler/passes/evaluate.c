// SPDX-License-Identifier: MIT
/*
 * Elements of constants, and operators on known values as importers and passes meet them:
 * what exporters emit around shapes, and what is done to weights. The float reference
 * computes; integers stay integers all the way.
 */
#include "rewrite.h"

#include <math.h>
#include <string.h>

#include "../reference/reference.h"

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

/* What becomes a constant at import; other kinds have a place in the model first. */
static bool is_folded(enum op_kind kind)
{
	static const bool folded[OP_KINDS] = {
		[OP_ABS] = true, [OP_NEG] = true, [OP_CEIL] = true, [OP_FLOOR] = true,
		[OP_ROUND] = true, [OP_SQRT] = true, [OP_EXP] = true, [OP_LOG] = true,
		[OP_SIN] = true, [OP_COS] = true, [OP_TANH] = true, [OP_LOGISTIC] = true,
		[OP_RECIPROCAL] = true, [OP_RELU] = true, [OP_SQUARE] = true, [OP_SIGN] = true,
		[OP_LOGICAL_NOT] = true, [OP_CAST] = true, [OP_ADD] = true, [OP_SUB] = true,
		[OP_MUL] = true, [OP_DIV] = true, [OP_POW] = true, [OP_MAXIMUM] = true,
		[OP_MINIMUM] = true, [OP_EQUAL] = true, [OP_NOT_EQUAL] = true, [OP_LESS] = true,
		[OP_LESS_EQUAL] = true, [OP_GREATER] = true, [OP_GREATER_EQUAL] = true,
		[OP_LOGICAL_AND] = true, [OP_LOGICAL_OR] = true, [OP_SELECT_V2] = true,
		[OP_TRANSPOSE] = true, [OP_SLICE] = true, [OP_STRIDED_SLICE] = true,
		[OP_TILE] = true, [OP_RESHAPE] = true, [OP_CONCATENATION] = true,
		[OP_GATHER] = true, [OP_SUM] = true, [OP_MEAN] = true, [OP_REDUCE_MAX] = true,
		[OP_REDUCE_MIN] = true, [OP_REDUCE_PROD] = true,
	};

	return folded[kind];
}

static bool evaluate(struct arena *arena, const struct op *op)
{
	struct graph g = { .arena = arena };
	struct tensor *out = op->outputs[0];
	void *data;

	if (!reference_can_run(&g, op))
		return false;
	data = arena_alloc(arena, tensor_bytes(out) + 1, 8);
	if (reference_evaluate(op, &data))
		return false;
	out->data = data;
	out->data_bytes = tensor_bytes(out);
	return true;
}

static struct tensor *converted(struct arena *arena, struct tensor *from, struct tensor *to)
{
	struct op cast = {
		.kind = OP_CAST, .inputs = &from, .outputs = &to, .n_inputs = 1, .n_outputs = 1,
	};

	return evaluate(arena, &cast) ? to : NULL;
}

static struct tensor *of_type(struct arena *arena, struct tensor *t, enum dtype type)
{
	struct tensor *same = arena_new(arena, struct tensor, 1);

	if (t->type == type)
		return t;
	*same = *t;
	same->type = type;
	same->data = NULL;
	return converted(arena, t, same);
}

/* Of the kinds above, those whose second input is an operand too. */
static unsigned int operands(const struct op *op)
{
	switch (op->kind) {
	case OP_SUM:
	case OP_MEAN:
	case OP_REDUCE_MAX:
	case OP_REDUCE_MIN:
	case OP_REDUCE_PROD:
		return 1;
	default:
		return op->n_inputs < 2 ? op->n_inputs : 2;
	}
}

/* Types that the reference has no kernels of, by way of a wider one that it has. */
static bool evaluate_wide(struct arena *arena, const struct op *op)
{
	enum dtype type = op->inputs[0]->type;
	enum dtype wide = is_float(type) ? DTYPE_F32 : DTYPE_I64;
	struct tensor *out = op->outputs[0], *result = arena_new(arena, struct tensor, 1);
	struct op again = *op;

	again.inputs = arena_new(arena, struct tensor *, op->n_inputs);
	for (unsigned int i = 0; i < op->n_inputs; i++) {
		again.inputs[i] = i < operands(op) ? of_type(arena, op->inputs[i], wide) :
						     op->inputs[i];
		if (!again.inputs[i])
			return false;
	}
	*result = *out;
	if (out->type == type)
		result->type = wide;
	again.outputs = &result;
	if (!evaluate(arena, &again))
		return false;
	if (result->type != out->type)
		return converted(arena, result, out);
	out->data = result->data;
	out->data_bytes = result->data_bytes;
	return true;
}

bool fold_constant(struct arena *arena, const struct op *op)
{
	struct tensor *out = op->outputs[0];

	if (!is_folded(op->kind) || dtype_bits(out->type) < 8 ||
	    tensor_bytes(out) > MAX_FOLDED_BYTES)
		return false;
	for (unsigned int i = 0; i < op->n_inputs; i++)
		if (!op->inputs[i])
			return false;
	if (!tensor_elements(out)) {
		out->data = arena_alloc(arena, 1, 1);
		out->data_bytes = 0;
		return true;
	}
	return evaluate(arena, op) || evaluate_wide(arena, op);
}
