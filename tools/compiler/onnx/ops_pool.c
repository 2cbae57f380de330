// SPDX-License-Identifier: MIT
/* Pooling windows. */
#include "importer.h"

#include <string.h>

struct pool {
	int32_t kernel[2], stride[2], dilation[2], pads[4], out[2];
	bool clipped;			/* a window reaches beyond the pads */
};

static void same_pads(struct pool *p, int i, int32_t in, bool upper)
{
	int64_t total;

	p->out[i] = ((int64_t)in + p->stride[i] - 1) / p->stride[i];
	total = (int64_t)(p->out[i] - 1) * p->stride[i] +
		(int64_t)(p->kernel[i] - 1) * p->dilation[i] + 1 - in;
	total = total < 0 ? 0 : total;
	p->pads[i] = upper ? total / 2 : total - total / 2;
	p->pads[2 + i] = total - p->pads[i];
}

/* ceil_mode: one more window, as long as it begins before the end of the image. */
static void explicit_pads(struct node *n, struct pool *p, int i, int32_t in, bool ceil_mode)
{
	int64_t span = (int64_t)in + p->pads[i] + p->pads[2 + i] -
		       (int64_t)(p->kernel[i] - 1) * p->dilation[i] - 1;
	int64_t out, used;

	if (span < 0 || span > INT32_MAX)
		node_fail(n, "its window is larger than its input");
	out = span / p->stride[i] + 1;
	if (ceil_mode && span % p->stride[i] && out * p->stride[i] < (int64_t)in + p->pads[i]) {
		out++;
		p->clipped = true;
	}
	p->out[i] = out;
	used = (out - 1) * p->stride[i] + (int64_t)(p->kernel[i] - 1) * p->dilation[i] + 1 -
	       p->pads[i] - in;
	p->pads[2 + i] = used < 0 ? 0 : used;
}

static void read_pool(struct node *n, const struct tensor *in, struct pool *p)
{
	const char *how = node_string(n, "auto_pad", "NOTSET");
	bool same = !strncmp(how, "SAME_", 5), ceil_mode = node_int(n, "ceil_mode", 0);
	int spatial = in->rank - 2, skip = 2 - spatial;
	int32_t values[4];

	*p = (struct pool){ { 1, 1 }, { 1, 1 }, { 1, 1 } };
	if (spatial < 1 || spatial > 2)
		node_fail(n, "%d dimensions: only images (4) and rows (3) are supported", in->rank);
	node_small_ints(n, "kernel_shape", spatial, 0, &p->kernel[skip]);
	node_small_ints(n, "strides", spatial, 1, &p->stride[skip]);
	node_small_ints(n, "dilations", spatial, 1, &p->dilation[skip]);
	node_small_ints(n, "pads", 2 * spatial, 0, values);
	for (int i = 0; i < spatial && !strcmp(how, "NOTSET"); i++) {
		p->pads[skip + i] = values[i];
		p->pads[2 + skip + i] = values[spatial + i];
	}
	for (int i = 0; i < 2; i++) {
		int32_t size = i < skip ? 1 : in->dims[2 + i - skip];

		if (p->kernel[i] < 1 || p->stride[i] < 1 || p->dilation[i] < 1 || p->pads[i] < 0 ||
		    p->pads[2 + i] < 0)
			node_fail(n, "kernel_shape, strides and dilations must be positive");
		if (same)
			same_pads(p, i, size, !strcmp(how, "SAME_UPPER"));
		else
			explicit_pads(n, p, i, size, ceil_mode);
	}
}

void translate_pool(struct node *n)
{
	struct tensor *in = node_need(n, 0), *out;
	struct op_attrs attrs = { .padding = PADDING_EXPLICIT };
	struct pool p;

	if (node_has_output(n, 1))
		node_fail(n, "its second output (the indices) is not supported");
	if (node_int(n, "storage_order", 0))
		node_fail(n, "column-major storage is not supported");
	read_pool(n, in, &p);
	attrs.count_pads = node_int(n, "count_include_pad", 0);
	if (attrs.count_pads && p.clipped)
		node_fail(n, "ceil_mode with count_include_pad is not supported");
	memcpy(attrs.pads, p.pads, sizeof(attrs.pads));
	attrs.filter_h = p.kernel[0];
	attrs.filter_w = p.kernel[1];
	attrs.stride_h = p.stride[0];
	attrs.stride_w = p.stride[1];
	attrs.dilation_h = p.dilation[0];
	attrs.dilation_w = p.dilation[1];
	out = emit_to_nhwc(n, in);
	out = emit(n, n->type->kind, 1, &out, in->type, 4,
		   (int32_t[]){ in->dims[0], p.out[0], p.out[1], in->dims[1] }, &attrs);
	node_output(n, 0, emit_from_nhwc(n, out, in->rank));
}

void translate_global_pool(struct node *n)
{
	struct tensor *in = node_need(n, 0);
	uint32_t axes = 0;

	for (int i = 2; i < in->rank; i++)
		axes |= 1u << i;
	node_output(n, 0, axes ? emit_reduce(n, n->type->kind, in, axes, true) : in);
}
