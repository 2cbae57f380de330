// SPDX-License-Identifier: MIT
/*
 * TRANSPOSE_CONV: each input position adds its window to the output. Padding is what
 * the convolution in the other direction would have.
 */
#include "conv.h"
#include "ort.h"

/* Extents of the convolution from the output back to the input. */
static struct window_place backwards(const struct op *op)
{
	const struct tensor *w = conv_weights(op);

	return window_place(op->outputs[0], &op->attrs, w->dims[1], w->dims[2]);
}

const char *check_transpose_conv(struct graph *g, struct op *op)
{
	const struct tensor *in = conv_input(op), *w = conv_weights(op), *out = op->outputs[0];
	const char *reason = check_8_or_16bit(g, in, "input");
	struct window_place place;

	if (!reason)
		reason = check_8_or_16bit(g, out, "output");
	if (!reason)
		reason = check_types(g, op, in, out);
	if (reason)
		return reason;
	if (in->rank != 4 || out->rank != 4 || !w || w->rank != 4)
		return "input, weights and output must have 4 dimensions";
	if (w->dims[3] != in->dims[3])
		return arena_printf(g->arena, "filters over %d of %d channels (groups) are not supported",
				    w->dims[3], in->dims[3]);
	reason = check_window(g, &op->attrs, w->dims[1], w->dims[2]);
	if (reason)
		return reason;
	place = backwards(op);
	if (in->dims[0] != out->dims[0] || out->dims[3] != w->dims[0] ||
	    in->dims[1] != place.height || in->dims[2] != place.width)
		return arena_printf(g->arena, "an output of %dx%dx%dx%d does not fit the input, the weights and the strides",
				    out->dims[0], out->dims[1], out->dims[2], out->dims[3]);
	reason = check_weights(g, op, 0);
	if (!reason)
		reason = check_bias(g, op, out->dims[3]);
	return reason ? reason : check_activation(g, op);
}

void lower_transpose_conv(struct program *p, const struct op *op)
{
	const struct tensor *in = conv_input(op), *w = conv_weights(op), *out = op->outputs[0];
	const struct op_attrs *a = &op->attrs;
	uint32_t outputs = w->dims[0], k = w->dims[1] * w->dims[2] * w->dims[3];
	struct window_place place = backwards(op);
	struct buffer *weights = block_weights(p, w, 0, outputs, k);
	struct buffer *params = channel_params(p, op, 0, outputs);

	for (int32_t n = 0; n < in->dims[0]; n++) {
		struct layer *l = program_layer(p, LAYER_TRANSPOSE_CONV, op);

		l->in[0] = image_fm(p, in, n);
		l->out = image_fm(p, out, n);
		l->weights = weights;
		l->weights_dtype = device_dtype(w->type);
		l->params = params;
		l->requant = device_requant(op);
		l->clamp = device_clamp(out, a->activation);
		l->macs = (uint64_t)in->dims[1] * in->dims[2] * outputs * k;
		l->window = (struct enpu_window) {
			.kernel_h = w->dims[1], .kernel_w = w->dims[2],
			.stride_h = a->stride_h, .stride_w = a->stride_w,
			.dilation_h = a->dilation_h, .dilation_w = a->dilation_w,
			.pad_top = place.pad_top, .pad_left = place.pad_left,
		};
	}
}
