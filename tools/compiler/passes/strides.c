// SPDX-License-Identifier: MIT
/*
 * Convolutions whose windows are wider than the NPU's, as those that take a spectrum of sound
 * are: where window and input are multiples of the window's step, the values of one step are as
 * well the channels of one place. The sums stay the same, and the MAC array likes it better.
 */
#include <string.h>

#include "../ir/builder.h"
#include "rewrite.h"

#define WIDEST	255

static bool is_valid(const struct op_attrs *a)
{
	return a->padding == PADDING_VALID ||
	       (a->padding == PADDING_EXPLICIT && !a->pads[1] && !a->pads[3]);
}

/* Without groups, and with nothing around the input. */
static bool folds(const struct op *op)
{
	const struct tensor *in = op->inputs[0], *weights = op->inputs[1];
	const struct op_attrs *a = &op->attrs;

	return op->kind == OP_CONV_2D && op->n_inputs >= 2 && in && weights && in->rank == 4 &&
	       weights->rank == 4 && weights->data && weights->dims[2] > WIDEST &&
	       weights->dims[3] == in->dims[3] && a->stride_w > 1 && a->dilation_w == 1 &&
	       weights->dims[2] % a->stride_w == 0 && in->dims[2] % a->stride_w == 0 &&
	       is_valid(a) && (weights->quant.count < 2 || !weights->quant.axis);
}

/* [.., width, channels] with @step places in one. */
static void join(const struct tensor *t, int32_t step, int32_t dims[4])
{
	memcpy(dims, t->dims, 4 * sizeof(*dims));
	dims[2] /= step;
	dims[3] *= step;
}

static void fold(struct builder *b, struct op *op)
{
	struct tensor *in = op->inputs[0], *weights = op->inputs[1], *joined, *kernel;
	int32_t dims[4], step = op->attrs.stride_w;
	struct tensor **inputs = arena_new(b->arena, struct tensor *, op->n_inputs);
	struct op *reshape;

	join(in, step, dims);
	joined = builder_tensor(b, in->name, in->type, 4, dims);
	joined->quant = in->quant;
	reshape = builder_op(b, OP_RESHAPE, op->name, 2, 1);
	reshape->source = op->source;
	reshape->label = op->label;
	reshape->inputs[0] = in;
	reshape->inputs[1] = builder_ints(b, in->name, 4, dims);
	reshape->outputs[0] = joined;
	join(weights, step, dims);
	kernel = builder_constant(b, weights->name, weights->type, 4, dims, weights->data);
	kernel->quant = weights->quant;
	memcpy(inputs, op->inputs, op->n_inputs * sizeof(*inputs));
	inputs[0] = joined;
	inputs[1] = kernel;
	op->inputs = inputs;
	op->attrs.stride_w = 1;
}

int fold_strides(struct graph *g)
{
	struct builder b;
	bool any = false;
	size_t n;

	builder_open(&b, g);
	n = b.n_ops;
	for (size_t i = 0; i < n; i++) {
		if (!folds(b.ops[i]))
			continue;
		fold(&b, b.ops[i]);
		any = true;
	}
	return any ? builder_finish(&b, g) : 0;
}
