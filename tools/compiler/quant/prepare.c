// SPDX-License-Identifier: MIT
/*
 * The float graph in the shape that quantizes well. TensorFlow Lite's fully connected
 * layers have one scale for all weights; as a 1x1 convolution over a row of positions,
 * which on the NPU is the same command, each output has its own.
 */
#include <errno.h>

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

	row = builder_tensor(b, arena_printf(b->arena, "%s (row)", in->name), DTYPE_F32, 4, in_dims);
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
	for (size_t i = 0; i < count; i++)
		if (is_plain(b.ops[i]))
			make_convolution(&b, b.ops[i]);
	return builder_finish(&b, g);
}
