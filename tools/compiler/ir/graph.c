// SPDX-License-Identifier: MIT
/* The graph of a model: see graph.h. */
#include "graph.h"

#include <string.h>

static const struct {
	const char *name;
	unsigned int bits;
} dtypes[DTYPE_COUNT] = {
	[DTYPE_F32] = { "float32", 32 },	[DTYPE_F16] = { "float16", 16 },
	[DTYPE_I32] = { "int32", 32 },		[DTYPE_U8] = { "uint8", 8 },
	[DTYPE_I64] = { "int64", 64 },		[DTYPE_STRING] = { "string", 0 },
	[DTYPE_BOOL] = { "bool", 8 },		[DTYPE_I16] = { "int16", 16 },
	[DTYPE_C64] = { "complex64", 64 },	[DTYPE_I8] = { "int8", 8 },
	[DTYPE_F64] = { "float64", 64 },	[DTYPE_C128] = { "complex128", 128 },
	[DTYPE_U64] = { "uint64", 64 },		[DTYPE_RESOURCE] = { "resource", 0 },
	[DTYPE_VARIANT] = { "variant", 0 },	[DTYPE_U32] = { "uint32", 32 },
	[DTYPE_U16] = { "uint16", 16 },		[DTYPE_I4] = { "int4", 4 },
};

const char *dtype_name(enum dtype type)
{
	return dtypes[type].name;
}

unsigned int dtype_bits(enum dtype type)
{
	return dtypes[type].bits;
}

const char *activation_name(enum activation act)
{
	static const char *const names[ACT_COUNT] = {
		"NONE", "RELU", "RELU_N1_TO_1", "RELU6", "TANH", "SIGN_BIT",
	};

	return names[act];
}

int64_t tensor_elements(const struct tensor *t)
{
	int64_t n = 1;

	for (int i = 0; i < t->rank; i++)
		n *= t->dims[i];
	return n;
}

int64_t tensor_bytes(const struct tensor *t)
{
	return (tensor_elements(t) * dtype_bits(t->type) + 7) / 8;
}

bool same_shape(const struct tensor *a, const struct tensor *b)
{
	return a->rank == b->rank && !memcmp(a->dims, b->dims, a->rank * sizeof(a->dims[0]));
}

const char *tensor_text(struct arena *arena, const struct tensor *t)
{
	const char *text;

	if (!t)
		return "(left out)";
	text = arena_printf(arena, "%.80s %s[", t->name, dtype_name(t->type));
	for (int i = 0; i < t->rank; i++)
		text = arena_printf(arena, "%s%s%d", text, i ? "," : "", t->dims[i]);
	return arena_printf(arena, "%s]", text);
}

#define MAX_LISTED	8	/* tensors named in one message */

static const char *list_text(struct arena *arena, struct tensor *const *list, unsigned int n)
{
	const char *text = "";

	for (unsigned int i = 0; i < n && i < MAX_LISTED; i++)
		text = arena_printf(arena, "%s%s%s", text, i ? ", " : "",
				    tensor_text(arena, list[i]));
	return n > MAX_LISTED ? arena_printf(arena, "%s, ...", text) : text;
}

const char *op_shapes_text(struct arena *arena, const struct op *op)
{
	return arena_printf(arena, "(%s) -> (%s)", list_text(arena, op->inputs, op->n_inputs),
			    list_text(arena, op->outputs, op->n_outputs));
}

const char *op_text(struct arena *arena, const struct op *op)
{
	const char *label = op->label ? op->label : "", *gap = *label ? " " : "";

	if (op->source < 0)
		return arena_printf(arena, "operator (%.80s%s%.80s)", op->name, gap, label);
	return arena_printf(arena, "operator %d (%.80s%s%.80s)", op->source, op->name, gap, label);
}

int64_t tensor_int(const struct tensor *t, int64_t i)
{
	int32_t narrow;
	int64_t wide;

	if (t->type == DTYPE_I64) {
		memcpy(&wide, t->data + i * 8, sizeof(wide));
		return wide;
	}
	memcpy(&narrow, t->data + i * 4, sizeof(narrow));
	return narrow;
}
