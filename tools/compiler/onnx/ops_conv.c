// SPDX-License-Identifier: MIT
/* Convolutions and matrix products. */
#include "importer.h"

#include <string.h>

struct window {
	int32_t kernel[2], stride[2], dilation[2], pads[4];	/* pads: top, left, bottom, right */
};

/* Attributes of a window over @spatial dimensions; a row is an image of height 1. */
static void read_window(struct node *n, const struct tensor *weights, int spatial,
			struct window *w)
{
	int32_t values[4];
	int skip = 2 - spatial;

	*w = (struct window){ { 1, 1 }, { 1, 1 }, { 1, 1 }, { 0 } };
	for (int i = 0; i < spatial; i++)
		w->kernel[skip + i] = weights->dims[2 + i];
	if (node_attr(n, "kernel_shape")) {
		node_small_ints(n, "kernel_shape", spatial, 1, values);
		if (memcmp(values, &w->kernel[skip], spatial * sizeof(*values)))
			node_fail(n, "kernel_shape is not the weights'");
	}
	node_small_ints(n, "strides", spatial, 1, &w->stride[skip]);
	node_small_ints(n, "dilations", spatial, 1, &w->dilation[skip]);
	node_small_ints(n, "pads", 2 * spatial, 0, values);
	for (int i = 0; i < spatial; i++) {
		w->pads[skip + i] = values[i];
		w->pads[2 + skip + i] = values[spatial + i];
	}
	for (int i = 0; i < 2; i++)
		if (w->stride[i] < 1 || w->dilation[i] < 1 || w->kernel[i] < 1 || w->pads[i] < 0 ||
		    w->pads[2 + i] < 0)
			node_fail(n, "strides, dilations and the kernel must be positive, pads not negative");
}

/* auto_pad, as pads. */
static void resolve_padding(struct node *n, const int32_t *in, struct window *w)
{
	const char *how = node_string(n, "auto_pad", "NOTSET");
	bool upper = !strcmp(how, "SAME_UPPER");

	if (!strcmp(how, "NOTSET"))
		return;
	memset(w->pads, 0, sizeof(w->pads));
	if (!strcmp(how, "VALID"))
		return;
	if (!upper && strcmp(how, "SAME_LOWER"))
		node_fail(n, "auto_pad is %.40s", how);
	for (int i = 0; i < 2; i++) {
		int64_t out = ((int64_t)in[i] + w->stride[i] - 1) / w->stride[i];
		int64_t total = (out - 1) * w->stride[i] +
				(int64_t)(w->kernel[i] - 1) * w->dilation[i] + 1 - in[i];

		total = total < 0 ? 0 : total > INT32_MAX ? INT32_MAX : total;
		w->pads[i] = upper ? total / 2 : total - total / 2;
		w->pads[2 + i] = total - w->pads[i];
	}
}

static void set_window(struct op_attrs *a, const struct window *w)
{
	a->padding = PADDING_EXPLICIT;
	memcpy(a->pads, w->pads, sizeof(a->pads));
	a->stride_h = w->stride[0];
	a->stride_w = w->stride[1];
	a->dilation_h = w->dilation[0];
	a->dilation_w = w->dilation[1];
}

static struct tensor *conv_bias(struct node *n, unsigned int i, int32_t channels)
{
	struct tensor *bias = node_input(n, i);

	if (!bias)
		return NULL;
	node_constant(n, i, "bias");
	if (tensor_elements(bias) != channels || bias->type != DTYPE_F32)
		node_fail(n, "its bias must be float32[%d]", channels);
	return emit_reshape(n, bias, 1, &channels);
}

/* [O, I, (H,) W] as OHWI; @perm of four dimensions. */
static struct tensor *weights_as(struct node *n, struct tensor *weights, const int32_t *perm)
{
	int32_t dims[] = { weights->dims[0], weights->dims[1], 1, weights->dims[2] };

	if (weights->rank == 3)
		weights = emit_reshape(n, weights, 4, dims);
	return emit_transpose(n, weights, perm);
}

static void check_conv_inputs(struct node *n, struct tensor **in, struct tensor **weights)
{
	*in = node_need_float(n, 0);
	*weights = node_constant(n, 1, "weights");
	if ((*weights)->type != DTYPE_F32)
		node_fail(n, "its weights are %s", dtype_name((*weights)->type));
	if ((*in)->rank != (*weights)->rank || (*in)->rank < 3 || (*in)->rank > 4)
		node_fail(n, "only images (4 dimensions) and rows (3) are supported");
	if (tensor_elements(*weights) < 1)
		node_fail(n, "its weights are empty");
}

void translate_conv(struct node *n)
{
	static const int32_t ohwi[] = { 0, 2, 3, 1 }, one_hwo[] = { 1, 2, 3, 0 };
	struct tensor *in, *weights, *out, *inputs[3];
	int64_t groups = node_int(n, "group", 1);
	struct op_attrs attrs = { 0 };
	int32_t dims[4], channels;
	enum op_kind kind = OP_CONV_2D;
	struct window w;
	int rank;

	check_conv_inputs(n, &in, &weights);
	rank = in->rank;
	channels = in->dims[1];
	if (groups < 1 || groups > channels || channels % groups || weights->dims[0] % groups ||
	    weights->dims[1] != channels / groups)
		node_fail(n, "%d channels in %lld groups don't fit weights of [%d,%d,...]",
			  channels, (long long)groups, weights->dims[0], weights->dims[1]);
	read_window(n, weights, rank - 2, &w);
	inputs[0] = emit_to_nhwc(n, in);
	resolve_padding(n, &inputs[0]->dims[1], &w);
	set_window(&attrs, &w);
	inputs[2] = conv_bias(n, 2, weights->dims[0]);
	dims[3] = weights->dims[0];
	if (groups == channels && groups > 1) {
		kind = OP_DEPTHWISE_CONV_2D;
		attrs.depth_multiplier = weights->dims[0] / channels;
	}
	inputs[1] = weights_as(n, weights, kind == OP_CONV_2D ? ohwi : one_hwo);
	dims[0] = in->dims[0];
	for (int i = 0; i < 2; i++) {
		int64_t span = (int64_t)inputs[0]->dims[1 + i] + w.pads[i] + w.pads[2 + i] -
			       (int64_t)(w.kernel[i] - 1) * w.dilation[i] - 1;

		if (span < 0 || span > INT32_MAX)
			node_fail(n, "its kernel is larger than its input");
		dims[1 + i] = span / w.stride[i] + 1;
	}
	out = emit(n, kind, inputs[2] ? 3 : 2, inputs, DTYPE_F32, 4, dims, &attrs);
	node_output(n, 0, emit_from_nhwc(n, out, rank));
}

/* Output size and pads, of which output_shape and auto_pad are other ways to speak. */
static void transposed_size(struct node *n, const int32_t *in, int spatial, struct window *w,
			    int32_t *out)
{
	const char *how = node_string(n, "auto_pad", "NOTSET");
	int32_t extra[2] = { 0 }, wanted[2];
	int skip = 2 - spatial;
	bool same = !strncmp(how, "SAME_", 5), shaped = node_attr(n, "output_shape");

	node_small_ints(n, "output_padding", spatial, 0, &extra[skip]);
	if (shaped)
		node_small_ints(n, "output_shape", spatial, 0, &wanted[skip]);
	for (int i = skip; i < 2; i++) {
		int64_t full = (int64_t)(in[i] - 1) * w->stride[i] + extra[i] +
			       (int64_t)(w->kernel[i] - 1) * w->dilation[i] + 1;
		int64_t target, total;

		if (!shaped && !same)
			continue;
		target = shaped ? wanted[i] : (int64_t)in[i] * w->stride[i];
		total = full - target;
		if (total < 0 || total > INT32_MAX)
			node_fail(n, "an output larger than its input gives is not supported");
		w->pads[i] = strcmp(how, "SAME_UPPER") ? total - total / 2 : total / 2;
		w->pads[2 + i] = total - w->pads[i];
	}
	for (int i = 0; i < 2; i++) {
		int64_t size = (int64_t)(in[i] - 1) * w->stride[i] + extra[i] +
			       (int64_t)(w->kernel[i] - 1) * w->dilation[i] + 1 - w->pads[i] -
			       w->pads[2 + i];

		if (size < 1 || size > INT32_MAX || extra[i] < 0)
			node_fail(n, "its pads leave nothing of its output");
		out[i] = size;
	}
}

void translate_conv_transpose(struct node *n)
{
	static const int32_t ohwi[] = { 1, 2, 3, 0 };
	struct tensor *in, *weights, *out, *inputs[4];
	struct op_attrs attrs = { 0 };
	int32_t dims[4];
	struct window w;
	int rank;

	check_conv_inputs(n, &in, &weights);
	rank = in->rank;
	if (node_int(n, "group", 1) != 1)
		node_fail(n, "only one group is supported");
	if (weights->dims[0] != in->dims[1])
		node_fail(n, "%d channels don't fit weights of [%d,...]", in->dims[1],
			  weights->dims[0]);
	read_window(n, weights, rank - 2, &w);
	if (w.dilation[0] != 1 || w.dilation[1] != 1)
		node_fail(n, "dilations are not supported");
	inputs[2] = emit_to_nhwc(n, in);
	dims[0] = in->dims[0];
	transposed_size(n, &inputs[2]->dims[1], rank - 2, &w, &dims[1]);
	dims[3] = weights->dims[1];
	set_window(&attrs, &w);
	inputs[0] = emit_ints(n, 4, dims);
	inputs[1] = weights_as(n, weights, ohwi);
	inputs[3] = conv_bias(n, 2, dims[3]);
	out = emit(n, OP_TRANSPOSE_CONV, inputs[3] ? 4 : 3, inputs, DTYPE_F32, 4, dims, &attrs);
	node_output(n, 0, emit_from_nhwc(n, out, rank));
}

/* [rows, I] by weights of [O, I]. */
static struct tensor *fully_connected(struct node *n, struct tensor *in, struct tensor *weights,
				      struct tensor *bias)
{
	struct op_attrs attrs = { .keep_dims = true };
	struct tensor *inputs[] = { in, weights, bias };
	int32_t dims[MAX_RANK];

	memcpy(dims, in->dims, sizeof(dims));
	dims[in->rank - 1] = weights->dims[0];
	return emit(n, OP_FULLY_CONNECTED, bias ? 3 : 2, inputs, DTYPE_F32, in->rank, dims, &attrs);
}

static struct tensor *scaled(struct node *n, struct tensor *t, float factor)
{
	return factor == 1 ? t : emit_binary(n, OP_MUL, t, emit_float(n, factor));
}

void translate_gemm(struct node *n)
{
	static const int32_t swap[] = { 1, 0 };
	struct tensor *a = node_need_float(n, 0), *b = node_need_float(n, 1), *out;
	struct tensor *c = node_input(n, 2);
	float alpha = node_float(n, "alpha", 1), beta = node_float(n, "beta", 1);
	int32_t outputs;

	if (a->rank != 2 || b->rank != 2)
		node_fail(n, "two matrices are needed");
	if (node_int(n, "transA", 0))
		a = emit_transpose(n, a, swap);
	if (!node_int(n, "transB", 0))
		b = emit_transpose(n, b, swap);
	if (a->dims[1] != b->dims[1])
		node_fail(n, "matrices of [%d,%d] and [%d,%d] don't fit", a->dims[0], a->dims[1],
			  b->dims[1], b->dims[0]);
	outputs = b->dims[0];
	if (c && c->type != DTYPE_F32)
		node_fail(n, "its bias is %s", dtype_name(c->type));
	if (c)
		c = scaled(n, c, beta);
	b = scaled(n, b, alpha);
	if (!b->data) {
		struct op_attrs attrs = { .adj_y = true };
		struct tensor *inputs[] = { a, b };
		int32_t dims[] = { a->dims[0], outputs };

		out = emit(n, OP_BATCH_MATMUL, 2, inputs, DTYPE_F32, 2, dims, &attrs);
	} else if (c && c->data && tensor_elements(c) == outputs &&
		   (c->rank == 1 || c->dims[c->rank - 1] == outputs)) {
		out = fully_connected(n, a, b, emit_reshape(n, c, 1, &outputs));
		c = NULL;
	} else {
		out = fully_connected(n, a, b, NULL);
	}
	if (c)
		out = emit_binary(n, OP_ADD, out, c);
	node_output(n, 0, out);
}

/* Vectors become matrices, as numpy has it; what was added is dropped from the result. */
void translate_matmul(struct node *n)
{
	static const int32_t swap[] = { 1, 0 };
	struct tensor *a = node_need_float(n, 0), *b = node_need_float(n, 1), *out;
	bool row = a->rank == 1, column = b->rank == 1;
	int32_t dims[MAX_RANK], last[2];
	int rank;

	if (!a->rank || !b->rank)
		node_fail(n, "a number is no matrix");
	if (row)
		a = emit_reshape(n, a, 2, (int32_t[]){ 1, a->dims[0] });
	if (column)
		b = emit_reshape(n, b, 2, (int32_t[]){ b->dims[0], 1 });
	last[0] = a->dims[a->rank - 2];
	last[1] = b->dims[b->rank - 1];
	if (a->dims[a->rank - 1] != b->dims[b->rank - 2])
		node_fail(n, "rows of %d don't fit columns of %d", a->dims[a->rank - 1],
			  b->dims[b->rank - 2]);
	if (b->data && b->rank == 2) {
		out = fully_connected(n, a, emit_transpose(n, b, swap), NULL);
	} else {
		struct tensor x = *a, y = *b, *inputs[] = { a, b };

		x.rank -= 2;
		y.rank -= 2;
		broadcast_shape(n, &x, &y, &rank, dims);
		memcpy(&dims[rank], last, sizeof(last));
		out = emit(n, OP_BATCH_MATMUL, 2, inputs, DTYPE_F32, rank + 2, dims, NULL);
	}
	memcpy(dims, out->dims, sizeof(dims));
	rank = out->rank;
	if (row) {
		dims[rank - 2] = dims[rank - 1];
		rank--;
	}
	if (column)
		rank--;
	node_output(n, 0, emit_reshape(n, out, rank, dims));
}
