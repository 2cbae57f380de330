// SPDX-License-Identifier: MIT
/*
 * The float graph in the shape that quantizes well. TensorFlow Lite's fully connected
 * layers have one scale for all weights; as a 1x1 convolution over a row of positions,
 * which on the NPU is the same command, each output has its own. A division by a constant
 * is a multiplication. Where an output is a transposed concatenation, the parts are
 * transposed first, so that they can have scales of their own to the end.
 */
#include <errno.h>
#include <math.h>

#include "../ir/builder.h"
#include "quantizer.h"

enum { INPUT, WEIGHTS, BIAS };

static bool is_plain(const struct op *op)
{
	const struct tensor *w = op->n_inputs > WEIGHTS ? op->inputs[WEIGHTS] : NULL;

	return op->kind == OP_FULLY_CONNECTED && op->inputs[INPUT] && w && w->data &&
	       w->type == DTYPE_F32 && w->rank == 2 && w->dims[1] > 0 &&
	       tensor_elements(op->inputs[INPUT]) % w->dims[1] == 0;
}

static void reshape(struct builder *b, struct tensor *from, struct tensor *to)
{
	struct op *op = builder_op(b, OP_RESHAPE, "RESHAPE", 2, 1);

	op->inputs[0] = from;
	op->inputs[1] = builder_ints(b, to->name, to->rank, to->dims);
	op->outputs[0] = to;
}

static void make_convolution(struct builder *b, struct op *op)
{
	struct tensor *in = op->inputs[INPUT], *w = op->inputs[WEIGHTS], *out = op->outputs[0];
	int32_t inputs = w->dims[1], outputs = w->dims[0];
	int32_t rows = (int32_t)(tensor_elements(in) / inputs);
	int32_t in_dims[] = { 1, 1, rows, inputs }, out_dims[] = { 1, 1, rows, outputs };
	int32_t w_dims[] = { outputs, 1, 1, inputs };
	struct tensor *row, *result;

	row = builder_tensor(b, arena_printf(b->arena, "%s (row)", in->name), DTYPE_F32, 4,
			     in_dims);
	result = builder_tensor(b, arena_printf(b->arena, "%s (row)", out->name), DTYPE_F32, 4,
				out_dims);
	reshape(b, in, row);
	reshape(b, result, out);
	op->kind = OP_CONV_2D;
	op->inputs[INPUT] = row;
	op->inputs[WEIGHTS] = builder_constant(b, w->name, DTYPE_F32, 4, w_dims, w->data);
	op->outputs[0] = result;
	op->attrs.padding = PADDING_VALID;
	op->attrs.stride_h = 1;
	op->attrs.stride_w = 1;
	op->attrs.dilation_h = 1;
	op->attrs.dilation_w = 1;
}

static void make_multiplication(struct builder *b, struct op *op)
{
	const struct tensor *divisor = op->inputs[1];
	int64_t n = tensor_elements(divisor);
	float *factors = arena_new(b->arena, float, n);

	for (int64_t i = 0; i < n; i++)
		factors[i] = 1 / float_at(divisor, i);
	op->kind = OP_MUL;
	op->inputs[1] = builder_constant(b, divisor->name, DTYPE_F32, divisor->rank,
					 divisor->dims, factors);
}

static bool divides_by_constant(const struct op *op)
{
	const struct tensor *divisor = op->n_inputs == 2 ? op->inputs[1] : NULL;

	if (op->kind != OP_DIV || !divisor || !divisor->data || divisor->type != DTYPE_F32)
		return false;
	for (int64_t i = 0; i < tensor_elements(divisor); i++)
		if (!isnormal(float_at(divisor, i)))
			return false;
	return true;
}

static bool is_transposed_concatenation(const struct op *op)
{
	const struct op *before;

	if (op->kind != OP_TRANSPOSE || !op->outputs[0]->is_output || op->outputs[0]->consumers ||
	    !op->inputs[0] || !op->inputs[1] || !op->inputs[1]->data)
		return false;
	before = op->inputs[0]->producer;
	return before && before->kind == OP_CONCATENATION && op->inputs[0]->consumers == 1 &&
	       !op->inputs[0]->is_output && before->attrs.activation == ACT_NONE;
}

static struct tensor *transposed(struct builder *b, struct tensor *from, struct tensor *order)
{
	int32_t dims[MAX_RANK];
	struct tensor *to;
	struct op *op;

	for (int d = 0; d < from->rank; d++)
		dims[d] = from->dims[tensor_int(order, d)];
	to = builder_tensor(b, arena_printf(b->arena, "%s (transposed)", from->name), from->type,
			    from->rank, dims);
	op = builder_op(b, OP_TRANSPOSE, "TRANSPOSE", 2, 1);
	op->inputs[0] = from;
	op->inputs[1] = order;
	op->outputs[0] = to;
	return to;
}

/* The concatenation writes the output; @op is left without a reader, and goes. */
static void transpose_parts(struct builder *b, struct op *op)
{
	struct op *whole = op->inputs[0]->producer;
	struct tensor *order = op->inputs[1], *out = op->outputs[0], *before = op->inputs[0];
	int axis = whole->attrs.axis < 0 ? whole->attrs.axis + out->rank : whole->attrs.axis;

	for (unsigned int i = 0; i < whole->n_inputs; i++)
		whole->inputs[i] = transposed(b, whole->inputs[i], order);
	for (int d = 0; d < out->rank; d++)
		if (tensor_int(order, d) == axis)
			whole->attrs.axis = d;
	whole->outputs[0] = out;
	op->inputs[0] = out;
	op->outputs[0] = before;
}

static int check_float(const struct graph *g)
{
	for (unsigned int i = 0; i < g->n_tensors; i++) {
		const struct tensor *t = &g->tensors[i];

		if (t->data || !t->quant.count || (t->type != DTYPE_I8 && t->type != DTYPE_U8))
			continue;
		diag_error(g->diag, "%s: the model is quantized already (tensor %.80s is %s): compile it without calibration",
			   g->file, t->name, dtype_name(t->type));
		return -EINVAL;
	}
	return 0;
}

int quantizer_prepare(struct graph *g)
{
	struct builder b;
	size_t count;
	int err = check_float(g);

	if (err)
		return err;
	builder_open(&b, g);
	count = b.n_ops;
	for (size_t i = 0; i < count; i++) {
		if (is_plain(b.ops[i]))
			make_convolution(&b, b.ops[i]);
		else if (divides_by_constant(b.ops[i]))
			make_multiplication(&b, b.ops[i]);
		else if (is_transposed_concatenation(b.ops[i]))
			transpose_parts(&b, b.ops[i]);
	}
	return builder_finish(&b, g);
}
