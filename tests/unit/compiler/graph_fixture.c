// SPDX-License-Identifier: MIT
/* Graphs made by tests: see graph_fixture.h. */
#include "graph_fixture.h"

#include <math.h>
#include <string.h>

#include "reference/reference.h"

#define MEMORY	(1 << 22)

void made_init(struct made *m, size_t memory)
{
	m->arena.limit = memory;
	m->graph = (struct graph){ .arena = &m->arena, .diag = &m->diag, .file = "test" };
	m->builder.arena = &m->arena;
}

void made_free(struct made *m)
{
	enpu_diag_free(&m->diag);
	arena_free(&m->arena);
}

int made_setup(void **state)
{
	struct made *m = test_calloc(1, sizeof(*m));

	made_init(m, MEMORY);
	*state = m;
	return 0;
}

int made_teardown(void **state)
{
	made_free(*state);
	test_free(*state);
	return 0;
}

struct tensor *typed(struct made *m, const char *name, enum dtype type, int rank,
		     const int32_t *dims)
{
	return builder_tensor(&m->builder, name, type, rank, dims);
}

struct tensor *tensor(struct made *m, const char *name, int rank, const int32_t *dims)
{
	return typed(m, name, DTYPE_F32, rank, dims);
}

struct tensor *constant(struct made *m, const char *name, int rank, const int32_t *dims,
			const float *values)
{
	struct tensor *t = tensor(m, name, rank, dims);
	uint8_t *data = arena_alloc(&m->arena, tensor_bytes(t) + 1, 1);

	/* constants of a file may lie anywhere */
	t->data = memcpy(data + 1, values, tensor_bytes(t));
	t->data_bytes = tensor_bytes(t);
	return t;
}

struct tensor *input(struct made *m, struct tensor *t)
{
	*arena_push(&m->arena, m->builder.inputs, m->builder.n_inputs) = t;
	return t;
}

void output(struct made *m, struct tensor *t)
{
	*arena_push(&m->arena, m->builder.outputs, m->builder.n_outputs) = t;
}

struct op *operator(struct made *m, enum op_kind kind, struct tensor *out, unsigned int n,
		    struct tensor *const *inputs)
{
	struct op *op = builder_op(&m->builder, kind, "OPERATOR", n, 1);

	memcpy(op->inputs, inputs, n * sizeof(*inputs));
	op->outputs[0] = out;
	op->source = (int)m->builder.n_ops - 1;
	op->attrs.stride_h = op->attrs.stride_w = 1;
	op->attrs.dilation_h = op->attrs.dilation_w = 1;
	op->attrs.padding = PADDING_VALID;
	return op;
}

void finish(struct made *m)
{
	assert_int_equal(builder_finish(&m->builder, &m->graph), 0);
}

void assert_floats(const float *is, const float *should, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!(fabsf(is[i] - should[i]) <= 1e-6f * (1 + fabsf(should[i]))))
			fail_msg("element %zu is %.9g, should be %.9g", i, is[i], should[i]);
}

const float *run_reference(struct made *m, const void *in)
{
	float *is = arena_new(&m->arena, float, tensor_elements(m->graph.outputs[0]));
	struct reference *r = reference_new(&m->graph);

	if (!r)
		fail_msg("%s", m->diag.messages[0].text);
	assert_int_equal(reference_run(r, &in, NULL, NULL), 0);
	memcpy(is, reference_output(r, 0), tensor_bytes(m->graph.outputs[0]));
	reference_free(r);
	return is;
}

void expect(struct made *m, const void *in, const float *should)
{
	assert_floats(run_reference(m, in), should, tensor_elements(m->graph.outputs[0]));
}
