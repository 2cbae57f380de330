// SPDX-License-Identifier: MIT
/* LSTM, which the IR has as ONNX has it. */
#include "importer.h"

#include <string.h>

enum { X, W, R, B, LENGTHS, INITIAL_H, INITIAL_C, PEEPHOLES, INPUTS };
enum { Y, LAST_H, LAST_C, OUTPUTS };

static void check_usual(struct node *n)
{
	static const char *const other[] = { "activation_alpha", "activation_beta", "clip" };
	static const char *const usual[] = { "Sigmoid", "Tanh", "Tanh" };
	const Onnx__AttributeProto *a = node_attr(n, "activations");

	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		if (node_attr(n, other[i]))
			node_fail(n, "%s is not supported", other[i]);
	if (node_int(n, "layout", 0) || node_int(n, "input_forget", 0))
		node_fail(n, "layout and input_forget are not supported");
	for (size_t i = 0; a && i < a->n_strings; i++)
		if (a->strings[i].len != strlen(usual[i % 3]) ||
		    memcmp(a->strings[i].data, usual[i % 3], a->strings[i].len))
			node_fail(n, "only Sigmoid, Tanh and Tanh are supported");
}

void translate_lstm(struct node *n)
{
	const char *direction = node_string(n, "direction", "forward");
	struct tensor *x = node_need_float(n, X), *r = node_need_float(n, R), *out[OUTPUTS];
	struct op *op;

	check_usual(n);
	node_need_float(n, W);
	if (x->rank != 3 || r->rank != 3 || r->dims[0] != 1 + !strcmp(direction, "bidirectional"))
		node_fail(n, "X, W and R don't have three dimensions, or another number of directions");
	for (int i = 0; i < OUTPUTS; i++) {
		int32_t dims[] = { x->dims[0], r->dims[0], x->dims[1], r->dims[2] };

		out[i] = builder_tensor(&n->im->b, n->proto->op_type, DTYPE_F32, i == Y ? 4 : 3,
					i == Y ? dims : dims + 1);
		out[i]->index = n->index + 1;	/* see node_output() */
	}
	op = builder_op(&n->im->b, OP_LSTM, n->proto->op_type, INPUTS, OUTPUTS);
	op->label = n->proto->name && *n->proto->name ? n->proto->name : n->proto->output[0];
	op->source = n->index;
	op->attrs.reverse = !strcmp(direction, "reverse");
	for (int i = 0; i < INPUTS; i++)
		op->inputs[i] = node_input(n, i);
	for (int i = 0; i < OUTPUTS; i++) {
		op->outputs[i] = out[i];
		node_output(n, i, out[i]);
	}
}
