// SPDX-License-Identifier: MIT
/*
 * MEAN, REDUCE_MAX and REDUCE_MIN. A mean is a sum whose scale has 1/n folded in, as
 * TFLite's kernels do it. Tensors are seen as batch x height x width x channels, with
 * leading dimensions of 1.
 */
#include <string.h>

#include "operator.h"
#include "ort.h"
#include "quantize.h"

#define DIMS	4

/* Bit d: dimension d of the input is reduced. */
static const char *reduced_dims(struct graph *g, const struct op *op, unsigned int *reduced)
{
	const struct tensor *in = op->inputs[0], *axes = op->inputs[1];
	const char *reason;
	int64_t count;

	*reduced = 0;
	count = axes ? tensor_elements(axes) : 0;
	reason = check_constant_ints(g, axes, "the axes", count);
	if (reason)
		return reason;
	for (int64_t i = 0; i < count; i++) {
		int64_t axis = tensor_int(axes, i);

		if (axis < -in->rank || axis >= in->rank)
			return arena_printf(g->arena, "there is no dimension %lld",
					    (long long)axis);
		*reduced |= 1u << (axis < 0 ? axis + in->rank : axis);
	}
	return *reduced ? NULL : "it reduces no dimension";
}

static int64_t reduced_count(const struct tensor *in, unsigned int reduced)
{
	int64_t n = 1;

	for (int d = 0; d < in->rank; d++)
		if (reduced & 1u << d)
			n *= in->dims[d];
	return n;
}

static double scale_ratio(const struct op *op)
{
	return (double)op->inputs[0]->quant.scale[0] / (double)op->outputs[0]->quant.scale[0];
}

/* The ratio of the scales over @n, with as many bits as fit. */
static struct multiplier mean_multiplier(const struct op *op, int64_t n)
{
	struct multiplier m = quantize_multiplier(scale_ratio(op));
	int shift = 63 - __builtin_clzll(n);

	shift = shift > 32 ? 32 : shift;
	shift = shift > 31 + m.shift ? 31 + m.shift : shift;
	m.value = (int32_t)(((int64_t)m.value << shift) / n);
	m.shift -= shift;
	return m;
}

static struct enpu_scale mean_scale(const struct op *op, int64_t n)
{
	struct multiplier m;

	if (follows_ort(op))
		return ort_scale(ort_mean_factor(op, n));
	m = mean_multiplier(op, n);
	return (struct enpu_scale) { .multiplier = m.value, .shift = m.shift };
}

static const char *check_scales(struct graph *g, const struct op *op)
{
	const char *reason;

	if (op->kind != OP_MEAN)
		return check_same_quant(g, op->inputs[0], op->outputs[0]);
	if (follows_ort(op))
		return check_ort_factor(g, ort_mean_factor(op, 1));
	reason = check_multiplier(g, scale_ratio(op));
	if (!reason && quantize_multiplier(scale_ratio(op)).shift < -31)
		reason = "the scales give no usable factor";
	return reason;
}

const char *check_reduce(struct graph *g, struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	const char *reason = check_8bit(g, in, "input");
	unsigned int reduced;
	int32_t dims[MAX_RANK];
	int rank = 0;

	if (!reason)
		reason = check_8bit(g, out, "output");
	if (!reason)
		reason = check_scales(g, op);
	if (!reason)
		reason = reduced_dims(g, op, &reduced);
	if (reason)
		return reason;
	if (in->type != out->type)
		return "input and output have different types";
	if (in->rank > DIMS)
		return "at most 4 dimensions are supported";
	if (in->rank == DIMS && reduced & 1)
		return "the batch can't be reduced";
	for (int d = 0; d < in->rank; d++)
		if (!(reduced & 1u << d))
			dims[rank++] = in->dims[d];
		else if (op->attrs.keep_dims)
			dims[rank++] = 1;
	return check_shape(g, out, rank, dims);
}

static uint8_t operation(enum op_kind kind)
{
	return kind == OP_REDUCE_MAX ? ENPU_REDUCE_MAX :
	       kind == OP_REDUCE_MIN ? ENPU_REDUCE_MIN : ENPU_REDUCE_SUM;
}

void lower_reduce(struct program *p, const struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	int32_t dims[DIMS] = { 1, 1, 1, 1 }, kept[DIMS];
	int lead = DIMS - in->rank;
	unsigned int reduced;
	struct enpu_scale scale = { 0 };

	reduced_dims(NULL, op, &reduced);
	if (op->kind == OP_MEAN)
		scale = mean_scale(op, reduced_count(in, reduced));
	memcpy(dims + lead, in->dims, in->rank * sizeof(*dims));
	reduced <<= lead;
	for (int d = 0; d < DIMS; d++)
		kept[d] = reduced & 1u << d ? 1 : dims[d];
	for (int32_t n = 0; n < dims[0]; n++) {
		struct layer *l = program_layer(p, LAYER_REDUCE, op);

		/* both sides are dense */
		l->in[0] = flat_fm(p, in, dims[2], dims[3]);
		l->in[0].height = dims[1];
		l->in[0].offset += (int64_t)n * dims[1] * dims[2] * dims[3];
		l->out = flat_fm(p, out, kept[2], kept[3]);
		l->out.height = kept[1];
		l->out.offset += (int64_t)n * kept[1] * kept[2] * kept[3];
		l->operation = operation(op->kind);
		/* axes H, W, C are bits 0, 1, 2; dimension 1 is H */
		l->reduce_axes = reduced >> 1;
		l->scale_out = scale;
		l->requant = device_requant(op);
		l->clamp = device_clamp(out, ACT_NONE);
	}
}
