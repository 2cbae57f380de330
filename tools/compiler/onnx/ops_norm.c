// SPDX-License-Identifier: MIT
/* Normalizations and softmax. */
#include "importer.h"

#include <string.h>

/* [C] as [C, 1, 1 ...], for an input of @rank dimensions. */
static struct tensor *per_channel(struct node *n, struct tensor *t, const struct tensor *in)
{
	int32_t dims[MAX_RANK];

	if (tensor_elements(t) != in->dims[1])
		node_fail(n, "%lld parameters for %d channels", (long long)tensor_elements(t),
			  in->dims[1]);
	dims[0] = in->dims[1];
	for (int i = 1; i < in->rank - 1; i++)
		dims[i] = 1;
	return emit_reshape(n, t, in->rank - 1, dims);
}

static struct tensor *need_channels(struct node *n, unsigned int i)
{
	struct tensor *in = node_need_float(n, i);

	if (in->rank < 2)
		node_fail(n, "its input has no channels");
	return in;
}

/* A multiplication and an addition, which become part of a convolution before them. */
void translate_batch_norm(struct node *n)
{
	struct tensor *in = need_channels(n, 0);
	struct tensor *scale = node_need_float(n, 1), *bias = node_need_float(n, 2);
	struct tensor *mean = node_need_float(n, 3), *variance = node_need_float(n, 4);
	struct tensor *deviation;

	if (node_int(n, "training_mode", 0) || node_has_output(n, 1))
		node_fail(n, "it is set to training");
	if (!node_int(n, "spatial", 1))
		node_fail(n, "parameters of their own for each position are not supported");
	variance = emit_binary(n, OP_ADD, variance, emit_float(n, node_float(n, "epsilon", 1e-5f)));
	/* in ONNX Runtime's order: where it stays float its bits count */
	deviation = emit_unary(n, OP_SQRT, variance, NULL);
	scale = emit_binary(n, OP_MUL, emit_unary(n, OP_RECIPROCAL, deviation, NULL), scale);
	bias = emit_binary(n, OP_SUB, bias, emit_binary(n, OP_MUL, mean, scale));
	in = emit_binary(n, OP_MUL, in, per_channel(n, scale, in));
	node_output(n, 0, emit_binary(n, OP_ADD, in, per_channel(n, bias, in)));
}

void translate_instance_norm(struct node *n)
{
	struct tensor *in = need_channels(n, 0), *out, *inputs[3];
	struct op_attrs attrs = { .epsilon = node_float(n, "epsilon", 1e-5f) };

	for (unsigned int i = 1; i < 3; i++) {
		inputs[i] = node_need_float(n, i);
		if (tensor_elements(inputs[i]) != in->dims[1])
			node_fail(n, "parameters don't fit %d channels", in->dims[1]);
	}
	inputs[0] = emit_to_nhwc(n, in);
	out = emit(n, OP_INSTANCE_NORM, 3, inputs, DTYPE_F32, 4, inputs[0]->dims, &attrs);
	node_output(n, 0, emit_from_nhwc(n, out, in->rank));
}

/* Over the last dimension; @bias may be NULL. */
static struct tensor *normalize(struct node *n, struct tensor *in, struct tensor *scale,
				struct tensor *bias, float epsilon)
{
	struct op_attrs attrs = { .epsilon = epsilon };
	struct tensor *inputs[] = { in, scale, bias };

	return emit(n, OP_LAYER_NORM, bias ? 3 : 2, inputs, DTYPE_F32, in->rank, in->dims, &attrs);
}

/* Mean and inverse deviation, for who wants them. */
static void layer_statistics(struct node *n, struct tensor *in, int axis, float epsilon)
{
	uint32_t axes = (1u << in->rank) - (1u << axis);
	struct tensor *mean = emit_reduce(n, OP_MEAN, in, axes, true), *t;

	t = emit_unary(n, OP_SQUARE, emit_binary(n, OP_SUB, in, mean), NULL);
	t = emit_binary(n, OP_ADD, emit_reduce(n, OP_MEAN, t, axes, true), emit_float(n, epsilon));
	t = emit_unary(n, OP_RECIPROCAL, emit_unary(n, OP_SQRT, t, NULL), NULL);
	node_output(n, 1, mean);
	node_output(n, 2, t);
}

void translate_layer_norm(struct node *n)
{
	struct tensor *in = node_need_float(n, 0), *parameters[2], *t;
	int axis = node_axis(n, node_int(n, "axis", -1), in->rank);
	float epsilon = node_float(n, "epsilon", 1e-5f);
	int32_t dims[MAX_RANK], size = 1;

	for (int i = axis; i < in->rank; i++)
		size *= in->dims[i];
	for (unsigned int i = 0; i < 2; i++) {
		t = i ? node_input(n, 2) : node_need_float(n, 1);
		if (t && (tensor_elements(t) != size || t->type != DTYPE_F32))
			node_fail(n, "its parameters don't have %d elements", size);
		parameters[i] = t ? emit_reshape(n, t, 1, &size) : NULL;
	}
	memcpy(dims, in->dims, sizeof(dims));
	dims[axis] = size;
	t = emit_reshape(n, in, axis + 1, dims);
	t = normalize(n, t, parameters[0], parameters[1], epsilon);
	node_output(n, 0, emit_reshape(n, t, in->rank, in->dims));
	if (node_has_output(n, 1) || node_has_output(n, 2))
		layer_statistics(n, in, axis, epsilon);
}

/* [C] from [groups], each for all of its channels. */
static struct tensor *spread(struct node *n, struct tensor *t, int32_t groups, int32_t channels)
{
	int32_t apart[] = { groups, 1 }, times[] = { 1, channels / groups };
	struct tensor *inputs[2];

	if (tensor_elements(t) == channels || tensor_elements(t) != groups)
		return t;
	inputs[0] = emit_reshape(n, t, 2, apart);
	inputs[1] = emit_ints(n, 2, times);
	t = emit(n, OP_TILE, 2, inputs, DTYPE_F32, 2, (int32_t[]){ groups, times[1] }, NULL);
	return emit_reshape(n, t, 1, &channels);
}

void translate_group_norm(struct node *n)
{
	struct tensor *in = need_channels(n, 0), *t, *ones;
	struct tensor *scale = node_need_float(n, 1), *bias = node_need_float(n, 2);
	int64_t groups = node_int(n, "num_groups", 0);
	int32_t dims[3];
	float *data;

	if (groups < 1 || groups > in->dims[1] || in->dims[1] % groups)
		node_fail(n, "%d channels in %lld groups", in->dims[1], (long long)groups);
	dims[0] = in->dims[0];
	dims[1] = groups;
	dims[2] = tensor_elements(in) / dims[0] / dims[1];
	t = emit_reshape(n, in, 3, dims);
	data = arena_new(n->im->graph->arena, float, dims[2]);
	for (int32_t i = 0; i < dims[2]; i++)
		data[i] = 1;
	ones = builder_constant(&n->im->b, "ones", DTYPE_F32, 1, &dims[2], data);
	t = normalize(n, t, ones, NULL, node_float(n, "epsilon", 1e-5f));
	t = emit_reshape(n, t, in->rank, in->dims);
	scale = per_channel(n, spread(n, scale, groups, in->dims[1]), in);
	bias = per_channel(n, spread(n, bias, groups, in->dims[1]), in);
	t = emit_binary(n, OP_MUL, t, scale);
	node_output(n, 0, emit_binary(n, OP_ADD, t, bias));
}

void translate_mean_variance_norm(struct node *n)
{
	struct tensor *in = node_need_float(n, 0), *centred, *deviation;
	struct int_list axes = node_ints(n, "axes");
	uint32_t bits = axes.given ? 0 : 1 << 0 | 1 << 2 | 1 << 3;

	if (!axes.given && in->rank != 4)
		node_fail(n, "axes are needed for %d dimensions", in->rank);
	for (int i = 0; i < axes.n; i++)
		bits |= 1u << node_axis(n, axes.v[i], in->rank);
	centred = emit_binary(n, OP_SUB, in, emit_reduce(n, OP_MEAN, in, bits, true));
	deviation = emit_unary(n, OP_SQUARE, centred, NULL);
	deviation = emit_unary(n, OP_SQRT, emit_reduce(n, OP_MEAN, deviation, bits, true), NULL);
	deviation = emit_binary(n, OP_ADD, deviation, emit_float(n, 1e-9f));
	node_output(n, 0, emit_binary(n, OP_DIV, centred, deviation));
}

void translate_lp_norm(struct node *n)
{
	struct tensor *in = node_need_float(n, 0), *norm;
	uint32_t axis = 1u << node_axis(n, node_int(n, "axis", -1), in->rank);
	int64_t p = node_int(n, "p", 2);

	if (p != 1 && p != 2)
		node_fail(n, "p is %lld", (long long)p);
	norm = emit_unary(n, p == 1 ? OP_ABS : OP_SQUARE, in, NULL);
	norm = emit_reduce(n, OP_SUM, norm, axis, true);
	if (p == 2)
		norm = emit_unary(n, OP_SQRT, norm, NULL);
	node_output(n, 0, emit_binary(n, OP_DIV, in, norm));
}

/*
 * x / (bias + alpha / size * sum of squares of neighbours) ^ beta: the sum is a pooling
 * over channels, which stand where a row's positions are.
 */
void translate_lrn(struct node *n)
{
	struct tensor *in = need_channels(n, 0), *t;
	int64_t size = node_int(n, "size", 0);
	float alpha = node_float(n, "alpha", 1e-4f), beta = node_float(n, "beta", 0.75f);
	struct op_attrs attrs = {
		.padding = PADDING_EXPLICIT, .stride_h = 1, .stride_w = 1, .dilation_h = 1,
		.dilation_w = 1, .filter_h = size, .filter_w = 1, .count_pads = true,
	};
	int32_t dims[] = { in->dims[0], in->dims[1], 1, 1 };

	if (size < 1 || size > in->dims[1])
		node_fail(n, "a size of %lld for %d channels", (long long)size, in->dims[1]);
	for (int i = 2; i < in->rank; i++)
		dims[3] *= in->dims[i];
	attrs.pads[0] = (size - 1) / 2;
	attrs.pads[2] = size - 1 - attrs.pads[0];
	t = emit_reshape(n, emit_unary(n, OP_SQUARE, in, NULL), 4, dims);
	t = emit(n, OP_AVERAGE_POOL_2D, 1, &t, DTYPE_F32, 4, dims, &attrs);
	t = emit_binary(n, OP_MUL, t, emit_float(n, alpha));
	t = emit_binary(n, OP_ADD, t, emit_float(n, node_float(n, "bias", 1)));
	t = emit_binary(n, OP_POW, t, emit_float(n, beta));
	node_output(n, 0, emit_binary(n, OP_DIV, in, emit_reshape(n, t, in->rank, in->dims)));
}

/* Over the last dimension, where the IR has it. */
static struct tensor *softmax_last(struct node *n, struct tensor *in)
{
	struct op_attrs attrs = { .beta = 1 };

	return emit_unary(n, n->type->kind, in, &attrs);
}

/* Until operator set 13 all dimensions from the axis on were one. */
static void softmax_flat(struct node *n, struct tensor *in, int axis)
{
	int32_t dims[] = { 1, 1 };

	for (int i = 0; i < in->rank; i++)
		dims[i >= axis] *= in->dims[i];
	node_output(n, 0, emit_reshape(n, softmax_last(n, emit_reshape(n, in, 2, dims)), in->rank,
				       in->dims));
}

void translate_softmax(struct node *n)
{
	struct tensor *in = node_need_float(n, 0), *t;
	bool flat = n->im->opset < 13;
	int axis = node_axis(n, node_int(n, "axis", flat ? 1 : -1), in->rank);
	int32_t perm[MAX_RANK];
	int64_t behind = 1;

	for (int i = axis + 1; i < in->rank; i++)
		behind *= in->dims[i];
	if (flat && behind > 1) {
		softmax_flat(n, in, axis);
		return;
	}
	/* the axis and the last dimension change places, and back again */
	for (int i = 0; i < in->rank; i++)
		perm[i] = i == axis ? in->rank - 1 : i == in->rank - 1 ? axis : i;
	t = softmax_last(n, emit_transpose(n, in, perm));
	node_output(n, 0, emit_transpose(n, t, perm));
}
