// SPDX-License-Identifier: MIT
/*
 * What must hold for every ONNX model, however broken: ../judge.h says it.
 *
 * A vector of a single operator has its shape or axes as inputs, which the compiler
 * refuses early; so each model is compiled once as it is, and once with all its integer
 * inputs given.
 */
#include "../judge.h"

#include "../mutations.h"
#include "onnx/importer.h"

#define MAX_VALUES	8
#define MAX_COUNT	64

const struct mutator *const mutator = &onnx_mutator;

struct values {
	struct enpu_input_value list[MAX_VALUES];
	double numbers[MAX_VALUES][MAX_COUNT];
	unsigned int n;
};

/* Small numbers that depend on nothing but the model. */
static void give(struct values *v, const char *name, int64_t count, uint32_t seed)
{
	struct enpu_input_value *value = &v->list[v->n];

	for (int64_t i = 0; i < count; i++) {
		seed = seed * 1664525u + 1013904223u;
		v->numbers[v->n][i] = (int)(seed >> 28) - (seed >> 27 & 1 ? 4 : 0);
	}
	*value = (struct enpu_input_value){ name, count, v->numbers[v->n] };
	v->n++;
}

static void give_integers(struct values *v, const Onnx__GraphProto *g, uint32_t seed)
{
	for (size_t i = 0; i < g->n_input && v->n < MAX_VALUES; i++) {
		const Onnx__ValueInfoProto *info = g->input[i];
		const Onnx__TypeProto__Tensor *type;
		int64_t count = 1;

		if (!info->name || !info->type ||
		    info->type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE)
			continue;
		type = info->type->tensor_type;
		if (type->elem_type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT || !type->shape)
			continue;
		for (size_t d = 0; d < type->shape->n_dim; d++)
			count = count < 0 || count > MAX_COUNT ? -1
				: count * (int32_t)type->shape->dim[d]->dim_value;
		if (count >= 0 && count <= MAX_COUNT)
			give(v, info->name, count, seed + i);
	}
}

static enum outcome compile_with(const uint8_t *data, size_t size,
				 const struct enpu_compile_options *opts, char why[300])
{
	struct enpu_diag diag = { 0 };
	struct enpu_blob blob = { 0 };
	int err = enpu_compile_memory("input.onnx", data, size, opts, &blob, NULL, &diag);

	return judge(err, &blob, &diag, why);
}

enum outcome compile_one(const uint8_t *data, size_t size, char why[300])
{
	enum outcome outcome = compile_with(data, size, NULL, why);
	struct enpu_compile_options opts = { 0 };
	struct arena arena = { .limit = 64 << 20 };
	struct graph g = { .arena = &arena, .file = "input.onnx" };
	struct values values = { .n = 0 };
	const Onnx__ModelProto *model;

	if (outcome == OUTCOME_WRONG || setjmp(arena.oom)) {
		arena_free(&arena);
		return outcome;
	}
	model = onnx_parse(&g, data, size);
	if (model)
		give_integers(&values, model->graph, size ? data[size / 2] : 0);
	opts.input_values = values.list;
	opts.n_input_values = values.n;
	if (values.n && compile_with(data, size, &opts, why) == OUTCOME_WRONG)
		outcome = OUTCOME_WRONG;
	arena_free(&arena);
	return outcome;
}
