// SPDX-License-Identifier: MIT
/* Making graphs: order, what is left out, and what is refused. */
#include "graph_fixture.h"

#include <errno.h>
#include <string.h>

static struct tensor *vector(struct made *m, const char *name)
{
	return tensor(m, name, DIMS(1, 4));
}

static void binary(struct made *m, struct tensor *a, struct tensor *b, struct tensor *out)
{
	struct op *op = builder_op(&m->builder, OP_ADD, "ADD", 2, 1);

	op->inputs[0] = a;
	op->inputs[1] = b;
	op->outputs[0] = out;
}

/* A diamond that was added upside down, with a branch that leads nowhere. */
static void test_order(void **state)
{
	struct made *m = *state;
	struct tensor *in = vector(m, "in"), *left = vector(m, "left"), *right = vector(m, "right");
	struct tensor *out = vector(m, "out"), *dead = vector(m, "dead");

	input(m, in);
	output(m, out);
	binary(m, left, right, out);
	binary(m, left, in, right);
	builder_unary(&m->builder, OP_EXP, "EXP", in, dead);
	builder_unary(&m->builder, OP_ABS, "ABS", in, left);
	assert_int_equal(builder_finish(&m->builder, &m->graph), 0);

	assert_int_equal(m->graph.n_ops, 3);
	assert_int_equal(m->graph.ops[0].kind, OP_ABS);
	assert_string_equal(m->graph.ops[1].outputs[0]->name, "right");
	assert_string_equal(m->graph.ops[2].outputs[0]->name, "out");
	assert_int_equal(m->graph.n_tensors, 4);
	for (unsigned int i = 0; i < m->graph.n_tensors; i++) {
		assert_int_equal(m->graph.tensors[i].index, i);
		assert_string_not_equal(m->graph.tensors[i].name, "dead");
	}
	assert_ptr_equal(m->graph.ops[2].inputs[1]->producer, &m->graph.ops[1]);
	assert_int_equal(m->graph.ops[0].outputs[0]->consumers, 2);
	assert_true(m->graph.inputs[0]->is_input && m->graph.outputs[0]->is_output);
}

static void test_cycle(void **state)
{
	struct made *m = *state;
	struct tensor *in = vector(m, "in"), *a = vector(m, "a"), *b = vector(m, "b");

	input(m, in);
	output(m, b);
	binary(m, in, b, a);
	builder_unary(&m->builder, OP_ABS, "ABS", a, b);
	assert_int_equal(builder_finish(&m->builder, &m->graph), -EINVAL);
	assert_non_null(strstr(m->diag.messages[0].text, "its own result"));
}

static void test_two_sources(void **state)
{
	struct made *m = *state;
	struct tensor *in = vector(m, "in"), *out = vector(m, "out");

	input(m, in);
	output(m, out);
	builder_unary(&m->builder, OP_ABS, "ABS", in, out);
	builder_unary(&m->builder, OP_EXP, "EXP", in, out);
	assert_int_equal(builder_finish(&m->builder, &m->graph), -EINVAL);
	assert_non_null(strstr(m->diag.messages[0].text, "tensor out"));
}

/* A graph is taken apart, an operator goes, and the rest comes together again. */
static void test_rewrite(void **state)
{
	struct made *m = *state;
	struct tensor *in = vector(m, "in"), *middle = vector(m, "middle");
	struct tensor *out = vector(m, "out");
	struct builder again;

	input(m, in);
	output(m, out);
	builder_unary(&m->builder, OP_ABS, "ABS", in, middle);
	builder_unary(&m->builder, OP_EXP, "EXP", middle, out);
	assert_int_equal(builder_finish(&m->builder, &m->graph), 0);

	builder_open(&again, &m->graph);
	builder_replace(&again, m->graph.ops[0].outputs[0], m->graph.inputs[0]);
	assert_int_equal(builder_finish(&again, &m->graph), 0);
	assert_int_equal(m->graph.n_ops, 1);
	assert_int_equal(m->graph.n_tensors, 2);
	assert_ptr_equal(m->graph.ops[0].inputs[0], m->graph.inputs[0]);
	assert_ptr_equal(m->graph.outputs[0]->producer, &m->graph.ops[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order, made_setup, made_teardown),
		cmocka_unit_test_setup_teardown(test_cycle, made_setup, made_teardown),
		cmocka_unit_test_setup_teardown(test_two_sources, made_setup, made_teardown),
		cmocka_unit_test_setup_teardown(test_rewrite, made_setup, made_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
