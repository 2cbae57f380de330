// SPDX-License-Identifier: MIT
/* Sliding windows: what sizes they have, and what lies around the input. */
#include "operator.h"

#define MAX_WINDOW	255

static const char *check_side(struct graph *g, const char *what, int32_t value, int32_t least)
{
	if (value >= least && value <= MAX_WINDOW)
		return NULL;
	return arena_printf(g->arena, "%s %d: %d to %d is supported", what, value, least,
			    MAX_WINDOW);
}

const char *check_window(struct graph *g, const struct op_attrs *a, int32_t kernel_h,
			 int32_t kernel_w)
{
	const struct {
		const char *what;
		int32_t value;
	} sides[] = {
		{ "stride", a->stride_h }, { "stride", a->stride_w },
		{ "dilation", a->dilation_h }, { "dilation", a->dilation_w },
		{ "window side", kernel_h }, { "window side", kernel_w },
	};
	const char *reason = NULL;

	for (size_t i = 0; i < sizeof(sides) / sizeof(sides[0]) && !reason; i++)
		reason = check_side(g, sides[i].what, sides[i].value, 1);
	for (int i = 0; i < 4 && !reason && a->padding == PADDING_EXPLICIT; i++)
		reason = check_side(g, "padding", a->pads[i], 0);
	return reason;
}

static int32_t extent(int32_t in, int32_t span, int32_t stride, enum padding padding,
		      int32_t before, int32_t after, int32_t *pad)
{
	int32_t out, total;

	*pad = 0;
	if (padding == PADDING_SAME) {
		out = (in + stride - 1) / stride;
		total = (out - 1) * stride + span - in;
		if (total > 0)
			*pad = total / 2;
		return out;
	}
	if (padding == PADDING_EXPLICIT) {
		*pad = before;
		in += before + after;
	}
	return (in - span + stride) / stride;
}

struct window_place window_place(const struct tensor *in, const struct op_attrs *a,
				 int32_t kernel_h, int32_t kernel_w)
{
	int32_t span_h = (kernel_h - 1) * a->dilation_h + 1;
	int32_t span_w = (kernel_w - 1) * a->dilation_w + 1;
	struct window_place p;

	p.height = extent(in->dims[1], span_h, a->stride_h, a->padding, a->pads[0], a->pads[2],
			  &p.pad_top);
	p.width = extent(in->dims[2], span_w, a->stride_w, a->padding, a->pads[1], a->pads[3],
			 &p.pad_left);
	return p;
}
