// SPDX-License-Identifier: MIT
/*
 * AVERAGE_POOL_2D and MAX_POOL_2D. An average that counts its padding is one without
 * padding, over the input with zero points around it.
 */
#include <string.h>

#include "operator.h"
#include "ort.h"

/* Dequantized, averaged and quantized again, where TFLite averages the quantized values. */
static bool averages_floats(const struct op *op)
{
	return op->kind == OP_AVERAGE_POOL_2D && follows_ort(op);
}

static const char *check_quantization(struct graph *g, const struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];

	if (!averages_floats(op))
		return check_same_quant(g, in, out);
	if (in->type != out->type)
		return "input and output have different types";
	if (!(in->quant.scale[0] > 0 && out->quant.scale[0] > 0))
		return "the scales must be positive";
	return NULL;
}

static struct window_place pool_place(const struct op *op)
{
	return window_place(op->inputs[0], &op->attrs, op->attrs.filter_h, op->attrs.filter_w);
}

/* Each window meets the input, else there is nothing to take an average of. */
static const char *check_meets(struct graph *g, int32_t in, int32_t out, int32_t window,
			       int32_t stride, int32_t pad)
{
	if (out < 1 || (window > pad && (int64_t)(out - 1) * stride - pad < in))
		return NULL;
	return arena_printf(g->arena, "a window of %d with stride %d and padding %d lies outside of the input's %d",
			    window, stride, pad, in);
}

static bool counts_pads(const struct op *op)
{
	return op->kind == OP_AVERAGE_POOL_2D && op->attrs.count_pads && !averages_floats(op);
}

const char *check_pool(struct graph *g, struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	const struct op_attrs *a = &op->attrs;
	const char *reason = check_8_or_16bit(g, in, "input");
	struct window_place place;

	if (!reason)
		reason = check_8_or_16bit(g, out, "output");
	if (!reason)
		reason = check_quantization(g, op);
	if (!reason)
		reason = check_window(g, a, a->filter_h, a->filter_w);
	if (reason)
		return reason;
	if (a->dilation_h != 1 || a->dilation_w != 1)
		return "dilated windows are not supported";
	if (in->rank != 4)
		return "the input must have 4 dimensions";
	place = pool_place(op);
	reason = check_shape(g, out, 4, (int32_t[]) { in->dims[0], place.height, place.width,
						      in->dims[3] });
	if (!reason && !counts_pads(op))
		reason = check_meets(g, in->dims[1], place.height, a->filter_h, a->stride_h,
				     place.pad_top);
	if (!reason && !counts_pads(op))
		reason = check_meets(g, in->dims[2], place.width, a->filter_w, a->stride_w,
				     place.pad_left);
	return reason ? reason : check_activation(g, op);
}

/* The input with all that windows reach around it. */
static struct view padded_input(struct program *p, const struct op *op, int32_t *dims)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	const struct op_attrs *a = &op->attrs;
	struct window_place place = pool_place(op);
	int32_t before[4] = { 0, place.pad_top, place.pad_left };
	struct view view;

	memcpy(dims, in->dims, 4 * sizeof(*dims));
	dims[1] = (out->dims[1] - 1) * a->stride_h + a->filter_h;
	dims[2] = (out->dims[2] - 1) * a->stride_w + a->filter_w;
	for (int d = 1; d < 3; d++)
		if (dims[d] < before[d] + in->dims[d])
			dims[d] = before[d] + in->dims[d];
	view = scratch_view(p, in->name, 4, dims, dtype_bits(in->type) / 8);
	lower_padded(p, op, &p->views[in->index], &view, 4, in->dims, before, dims,
		     (uint8_t)in->quant.zero_point[0]);
	return view;
}

static uint8_t operation(const struct op *op)
{
	if (op->kind == OP_MAX_POOL_2D)
		return ENPU_POOL_MAX;
	return averages_floats(op) ? ENPU_POOL_AVERAGE_FP32 : ENPU_POOL_AVERAGE;
}

void lower_pool(struct program *p, const struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	const struct op_attrs *a = &op->attrs;
	struct window_place place = pool_place(op);
	struct view from = p->views[in->index];
	int32_t dims[4];

	memcpy(dims, in->dims, sizeof(dims));
	if (counts_pads(op)) {
		from = padded_input(p, op, dims);
		place.pad_top = 0;
		place.pad_left = 0;
	}
	for (int32_t n = 0; n < dims[0]; n++) {
		struct layer *l = program_layer(p, LAYER_POOL, op);

		l->in[0] = view_fm(in, &from, dims, n);
		l->out = image_fm(p, out, n);
		l->operation = operation(op);
		if (averages_floats(op)) {
			l->in_scale = in->quant.scale[0];
			l->out_scale = out->quant.scale[0];
			l->pool_flags = a->count_pads ? ENPU_POOL_COUNT_PADS : 0;
		}
		l->clamp = device_clamp(out, a->activation);
		l->window = (struct enpu_window) {
			.kernel_h = a->filter_h, .kernel_w = a->filter_w,
			.stride_h = a->stride_h, .stride_w = a->stride_w,
			.dilation_h = 1, .dilation_w = 1,
			.pad_top = place.pad_top, .pad_left = place.pad_left,
		};
	}
}
