// SPDX-License-Identifier: MIT
/* AVERAGE_POOL_2D and MAX_POOL_2D. */
#include "operator.h"

const char *check_pool(struct graph *g, struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	const struct op_attrs *a = &op->attrs;
	const char *reason = check_8bit(g, in, "input");
	int32_t dims[4], pad;

	if (!reason)
		reason = check_8bit(g, out, "output");
	if (!reason)
		reason = check_same_quant(g, in, out);
	if (!reason)
		reason = check_window(g, a->filter_h, a->stride_h, 1);
	if (!reason)
		reason = check_window(g, a->filter_w, a->stride_w, 1);
	if (reason)
		return reason;
	if (in->rank != 4)
		return "the input must have 4 dimensions";
	dims[0] = in->dims[0];
	dims[1] = window_output(in->dims[1], a->filter_h, a->stride_h, 1, a->padding, &pad);
	dims[2] = window_output(in->dims[2], a->filter_w, a->stride_w, 1, a->padding, &pad);
	dims[3] = in->dims[3];
	reason = check_shape(g, out, 4, dims);
	return reason ? reason : check_activation(g, op);
}

void lower_pool(struct program *p, const struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	const struct op_attrs *a = &op->attrs;
	int32_t pad_top, pad_left;

	window_output(in->dims[1], a->filter_h, a->stride_h, 1, a->padding, &pad_top);
	window_output(in->dims[2], a->filter_w, a->stride_w, 1, a->padding, &pad_left);
	for (int32_t n = 0; n < in->dims[0]; n++) {
		struct layer *l = program_layer(p, LAYER_POOL, op);

		l->in[0] = image_fm(p, in, n);
		l->out = image_fm(p, out, n);
		l->operation = op->kind == OP_MAX_POOL_2D ? ENPU_POOL_MAX : ENPU_POOL_AVERAGE;
		l->clamp = device_clamp(out, a->activation);
		l->window = (struct enpu_window) {
			.kernel_h = a->filter_h, .kernel_w = a->filter_w,
			.stride_h = a->stride_h, .stride_w = a->stride_w,
			.dilation_h = 1, .dilation_w = 1,
			.pad_top = pad_top, .pad_left = pad_left,
		};
	}
}
