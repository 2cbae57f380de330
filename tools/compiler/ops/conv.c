// SPDX-License-Identifier: MIT
/*
 * CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED: checks, padding, multipliers,
 * and the order in which the MAC array reads weights. A fully connected layer is
 * a 1x1 convolution over a column of positions, one for each row of the batch.
 */
#include <stdlib.h>
#include <string.h>

#include "conv.h"
#include "ort.h"
#include "quantize.h"

enum { INPUT, WEIGHTS, BIAS };
/* TRANSPOSE_CONV: the output's shape comes first. */
enum { TRANSPOSED_INPUT = 2, TRANSPOSED_BIAS };

const struct tensor *conv_input(const struct op *op)
{
	return op->inputs[op->kind == OP_TRANSPOSE_CONV ? TRANSPOSED_INPUT : INPUT];
}

const struct tensor *conv_weights(const struct op *op)
{
	return op->inputs[WEIGHTS];
}

const struct tensor *conv_bias(const struct op *op)
{
	unsigned int i = op->kind == OP_TRANSPOSE_CONV ? TRANSPOSED_BIAS : BIAS;

	return op->n_inputs > i ? op->inputs[i] : NULL;
}

/* Multiplier from accumulator to output of channel @c. */
static double real_multiplier(const struct op *op, uint32_t c)
{
	const struct tensor *in = conv_input(op), *w = op->inputs[WEIGHTS];
	double out_scale = op->outputs[0]->quant.scale[0];
	float product;

	/* TFLite widens after the product for uint8 and fully connected, before it else */
	if (in->type == DTYPE_U8 || (op->kind == OP_FULLY_CONNECTED && w->quant.count == 1)) {
		product = in->quant.scale[0] * w->quant.scale[0];
		return (double)product / out_scale;
	}
	return (double)in->quant.scale[0] *
	       (double)w->quant.scale[w->quant.count > 1 ? c : 0] / out_scale;
}

/* What TFLite's kernels take. */
static const char *check_tflite_weights(struct graph *g, const struct op *op)
{
	const struct tensor *in = conv_input(op), *w = op->inputs[WEIGHTS];
	bool zero = in->type == DTYPE_I16 ||
		    (in->type == DTYPE_I8 &&
		     (op->kind != OP_FULLY_CONNECTED || w->quant.count > 1));

	if (in->type == DTYPE_U8 ? w->type != DTYPE_U8 :
				   w->type != DTYPE_I8 && w->type != DTYPE_I4)
		return arena_printf(g->arena, "the weights are %s, the input %s: uint8 goes with uint8, int8 and int16 with int8 and int4",
				    dtype_name(w->type), dtype_name(in->type));
	if (w->quant.count > 1 && in->type == DTYPE_U8)
		return "the weights are quantized per channel: int8 is needed";
	for (uint32_t i = 0; i < w->quant.count; i++)
		if (zero && w->quant.zero_point[i])
			return arena_printf(g->arena, "int8 weights have zero point %lld, not 0",
					    (long long)w->quant.zero_point[i]);
	return NULL;
}

static const char *check_ort_weights(struct graph *g, const struct op *op)
{
	const struct tensor *in = conv_input(op), *w = op->inputs[WEIGHTS];

	if (w->type == DTYPE_I8 || (w->type == DTYPE_U8 && in->type == DTYPE_U8))
		return NULL;
	return arena_printf(g->arena, "the weights are %s, the input %s: int8 weights are needed",
			    dtype_name(w->type), dtype_name(in->type));
}

static const char *check_factor(struct graph *g, const struct op *op, uint32_t c)
{
	return follows_ort(op) ? check_ort_factor(g, ort_channel_factor(op, c)) :
				 check_sum_multiplier(g, conv_input(op), real_multiplier(op, c));
}

const char *check_weights(struct graph *g, const struct op *op, int channel_axis)
{
	const struct tensor *w = op->inputs[WEIGHTS];
	const char *reason;
	struct range r;

	if (!w || !w->data)
		return "the weights must be constant";
	if (!w->quant.count)
		return "the weights are not quantized";
	reason = follows_ort(op) ? check_ort_weights(g, op) : check_tflite_weights(g, op);
	if (reason)
		return reason;
	if (w->quant.count > 1 && w->quant.axis != channel_axis)
		return arena_printf(g->arena, "the weights are quantized along dimension %d, not %d",
				    w->quant.axis, channel_axis);
	r = dtype_range(w->type);
	for (uint32_t i = 0; i < w->quant.count; i++) {
		int64_t zp = w->quant.zero_point[i];

		if (zp < r.min || zp > r.max)
			return arena_printf(g->arena, "the weights have zero point %lld",
					    (long long)zp);
		reason = check_factor(g, op, i);
		if (reason)
			return reason;
	}
	return NULL;
}

const char *check_bias(struct graph *g, const struct op *op, int32_t channels)
{
	const struct tensor *bias = conv_bias(op);

	if (!bias)
		return NULL;
	if (!bias->data)
		return "the bias must be constant";
	if (bias->type != DTYPE_I32 &&
	    (bias->type != DTYPE_I64 || conv_input(op)->type != DTYPE_I16))
		return arena_printf(g->arena, "the bias is %s: int32 is needed (int64 for int16)",
				    dtype_name(bias->type));
	if (tensor_elements(bias) != channels)
		return arena_printf(g->arena, "the bias has %lld elements for %d channels",
				    (long long)tensor_elements(bias), channels);
	return NULL;
}

/* What CONV_2D and DEPTHWISE_CONV_2D have in common; @channels: of the output. */
static const char *check_convolution(struct graph *g, struct op *op, int32_t channels,
				     int channel_axis)
{
	const struct tensor *in = op->inputs[INPUT], *w = op->inputs[WEIGHTS];
	const char *reason = check_window(g, &op->attrs, w->dims[1], w->dims[2]);
	struct window_place place;

	if (!reason)
		reason = check_8_or_16bit(g, op->outputs[0], "output");
	if (!reason)
		reason = check_types(g, op, in, op->outputs[0]);
	if (reason)
		return reason;
	place = window_place(in, &op->attrs, w->dims[1], w->dims[2]);
	reason = check_shape(g, op->outputs[0], 4,
			     (int32_t[]) { in->dims[0], place.height, place.width, channels });
	if (!reason)
		reason = check_weights(g, op, channel_axis);
	if (!reason)
		reason = check_bias(g, op, channels);
	return reason ? reason : check_activation(g, op);
}

static const char *check_ranks(struct graph *g, struct op *op)
{
	const char *reason = check_8_or_16bit(g, op->inputs[INPUT], "input");

	if (reason)
		return reason;
	if (op->inputs[INPUT]->rank != 4)
		return "the input must have 4 dimensions";
	if (!op->inputs[WEIGHTS] || op->inputs[WEIGHTS]->rank != 4)
		return "the weights must have 4 dimensions";
	return NULL;
}

const char *check_conv(struct graph *g, struct op *op)
{
	const char *reason = check_ranks(g, op);
	int32_t channels, group;

	if (reason)
		return reason;
	channels = op->inputs[INPUT]->dims[3];
	group = op->inputs[WEIGHTS]->dims[3];
	if (channels % group || op->inputs[WEIGHTS]->dims[0] % (channels / group))
		return arena_printf(g->arena, "%d filters over %d of %d channels form no groups",
				    op->inputs[WEIGHTS]->dims[0], group, channels);
	return check_convolution(g, op, op->inputs[WEIGHTS]->dims[0], 0);
}

const char *check_depthwise(struct graph *g, struct op *op)
{
	const char *reason = check_ranks(g, op);
	int32_t channels;

	if (reason)
		return reason;
	channels = op->inputs[WEIGHTS]->dims[3];
	if (op->inputs[WEIGHTS]->dims[0] != 1 || channels % op->inputs[INPUT]->dims[3])
		return "the weights' shape does not fit the input's channels";
	/* the options' depth_multiplier is redundant, and TFLite derives it as well */
	return check_convolution(g, op, channels, 3);
}

const char *check_fully_connected(struct graph *g, struct op *op)
{
	const struct tensor *in = op->inputs[INPUT], *w = op->inputs[WEIGHTS];
	const struct tensor *out = op->outputs[0];
	const char *reason = check_8_or_16bit(g, in, "input");

	if (!reason)
		reason = check_8_or_16bit(g, out, "output");
	if (!reason)
		reason = check_types(g, op, in, out);
	if (reason)
		return reason;
	if (op->attrs.shuffled_weights)
		return "shuffled weights are not supported";
	if (!w || w->rank != 2)
		return "the weights must have 2 dimensions";
	if (tensor_elements(in) % w->dims[1] ||
	    tensor_elements(out) != tensor_elements(in) / w->dims[1] * w->dims[0])
		return "the shapes of input, weights and output do not fit";
	reason = check_weights(g, op, 0);
	if (!reason)
		reason = check_bias(g, op, w->dims[0]);
	return reason ? reason : check_activation(g, op);
}

static uint32_t round_up(uint32_t n, uint32_t unit)
{
	return (n + unit - 1) / unit * unit;
}

/* Of int4 two are in a byte, the first one in the low nibble, here as on the device. */
static void copy_weight(const struct tensor *w, int64_t from, uint8_t *blocks, int64_t to)
{
	if (w->type == DTYPE_I4)
		blocks[to / 2] |= (w->data[from / 2] >> (from % 2 ? 4 : 0) & 0xf) <<
				  (to % 2 ? 4 : 0);
	else
		blocks[to] = w->data[from];
}

static int64_t weight_bytes(const struct tensor *w, int64_t count)
{
	return w->type == DTYPE_I4 ? count / 2 : count;
}

struct buffer *block_weights(struct program *p, const struct tensor *w, uint32_t first,
			     uint32_t outputs, uint32_t k_count)
{
	uint32_t k_padded = round_up(k_count, 4);
	int64_t bytes = weight_bytes(w, (int64_t)round_up(outputs, 16) * k_padded);
	uint8_t *blocks = arena_new(p->arena, uint8_t, bytes);

	for (uint32_t o = 0; o < outputs; o++) {
		int64_t row = (int64_t)(o / 16) * 16 * k_padded + o % 16 * 4;
		int64_t from = (int64_t)(first + o) * k_count;

		for (uint32_t k = 0; k < k_count; k++)
			copy_weight(w, from + k, blocks, row + k / 4 * 64 + k % 4);
	}
	return program_constant(p, blocks, bytes, w->name);
}

/* [O/16][taps][16 o] from [taps][O], or from [O][taps] of a convolution */
static struct buffer *block_depthwise_weights(struct program *p, const struct op *op,
					      uint32_t outputs, uint32_t taps)
{
	const struct tensor *w = op->inputs[WEIGHTS];
	bool by_output = op->kind == OP_CONV_2D;
	uint32_t tap_step = by_output ? 1 : outputs, output_step = by_output ? taps : 1;
	int64_t bytes = weight_bytes(w, (int64_t)round_up(outputs, 16) * taps);
	uint8_t *blocks = arena_new(p->arena, uint8_t, bytes);

	for (uint32_t o = 0; o < outputs; o++)
		for (uint32_t tap = 0; tap < taps; tap++)
			copy_weight(w, (int64_t)tap * tap_step + (int64_t)o * output_step, blocks,
				    (int64_t)(o / 16) * 16 * taps + tap * 16 + o % 16);
	return program_constant(p, blocks, bytes, w->name);
}

static struct enpu_scale channel_scale(const struct op *op, uint32_t c)
{
	struct multiplier m;

	if (follows_ort(op))
		return ort_scale(ort_channel_factor(op, c));
	m = quantize_multiplier(real_multiplier(op, c));
	return (struct enpu_scale) { .multiplier = m.value, .shift = m.shift };
}

struct buffer *channel_params(struct program *p, const struct op *op, uint32_t first,
			      uint32_t outputs)
{
	const struct tensor *bias = conv_bias(op);
	const struct quant *q = &op->inputs[WEIGHTS]->quant;
	struct enpu_channel *c = arena_new(p->arena, struct enpu_channel, outputs);

	for (uint32_t i = 0; i < outputs; i++) {
		uint32_t o = first + i;
		struct enpu_scale scale = channel_scale(op, o);

		c[i].bias = bias ? tensor_int(bias, o) : 0;
		c[i].multiplier = scale.multiplier;
		c[i].shift = scale.shift;
		c[i].weight_zero_point = q->zero_point[q->count > 1 ? o : 0];
	}
	return program_constant(p, c, (int64_t)outputs * sizeof(*c),
				arena_printf(p->arena, "%s (channel parameters)",
					     op->inputs[WEIGHTS]->name));
}

/* The tensor to read, which a folded PAD leaves larger by @pads. */
static const struct tensor *unpadded_input(const struct program *p, const struct op *op,
					   int32_t pads[2])
{
	const struct tensor *in = op->inputs[INPUT];
	const struct op *pad = in->producer;

	pads[0] = 0;
	pads[1] = 0;
	if (!pad || pad->kind != OP_PAD || !p->folded[pad->index])
		return in;
	pads[0] = tensor_int(pad->inputs[1], 2);	/* rows before */
	pads[1] = tensor_int(pad->inputs[1], 4);	/* columns before */
	return pad->inputs[0];
}

/* One group of a convolution's channels: a part of the input's and of the output's. */
struct group {
	uint32_t index, inputs, outputs, macs_per_output;
	struct buffer *weights, *params;
};

static void add_conv_layer(struct program *p, const struct op *op, const struct layer *whole,
			   const struct group *group)
{
	struct layer *l = program_layer(p, whole->kind, op);

	*l = *whole;
	l->in[0].offset += (int64_t)group->index * group->inputs *
			   device_dtype_bytes(l->in[0].dtype);
	l->in[0].channels = group->inputs;
	l->out.offset += (int64_t)group->index * group->outputs *
			 device_dtype_bytes(l->out.dtype);
	l->out.channels = group->outputs;
	l->weights = group->weights;
	l->params = group->params;
	l->macs = (uint64_t)l->out.height * l->out.width * group->outputs *
		  group->macs_per_output;
}

/* A filter for each input channel alone is a depthwise convolution. */
static bool is_depthwise(const struct op *op)
{
	return op->kind == OP_DEPTHWISE_CONV_2D ||
	       (op->inputs[WEIGHTS]->dims[3] == 1 && op->inputs[INPUT]->dims[3] > 1);
}

static struct group *make_groups(struct program *p, const struct op *op, uint32_t *count)
{
	const struct tensor *w = op->inputs[WEIGHTS];
	uint32_t inputs = op->inputs[INPUT]->dims[3], outputs = op->outputs[0]->dims[3];
	uint32_t taps = w->dims[1] * w->dims[2], group_inputs = w->dims[3];
	bool depthwise = is_depthwise(op);
	struct group *groups;

	*count = depthwise ? 1 : inputs / group_inputs;
	groups = arena_new(p->arena, struct group, *count);
	for (uint32_t i = 0; i < *count; i++) {
		struct group *g = &groups[i];

		g->index = i;
		g->inputs = inputs / *count;
		g->outputs = outputs / *count;
		g->macs_per_output = depthwise ? taps : taps * group_inputs;
		g->weights = depthwise ? block_depthwise_weights(p, op, outputs, taps) :
				 block_weights(p, w, i * g->outputs, g->outputs,
					       g->macs_per_output);
		g->params = channel_params(p, op, i * g->outputs, g->outputs);
	}
	return groups;
}

void lower_conv(struct program *p, const struct op *op)
{
	const struct tensor *w = op->inputs[WEIGHTS], *out = op->outputs[0], *in;
	const struct op_attrs *a = &op->attrs;
	struct window_place place = window_place(op->inputs[INPUT], a, w->dims[1], w->dims[2]);
	struct group *groups;
	uint32_t n_groups;
	int32_t pads[2];

	in = unpadded_input(p, op, pads);
	groups = make_groups(p, op, &n_groups);
	for (int32_t n = 0; n < in->dims[0]; n++) {
		struct layer whole = {
			.kind = is_depthwise(op) ? LAYER_DEPTHWISE : LAYER_CONV,
			.op = op,
			.in = { image_fm(p, in, n) },
			.out = image_fm(p, out, n),
			.weights_dtype = device_dtype(w->type),
			.requant = device_requant(op),
			.clamp = device_clamp(out, a->activation),
			.window = {
				.kernel_h = w->dims[1], .kernel_w = w->dims[2],
				.stride_h = a->stride_h, .stride_w = a->stride_w,
				.dilation_h = a->dilation_h, .dilation_w = a->dilation_w,
				.pad_top = place.pad_top + pads[0],
				.pad_left = place.pad_left + pads[1],
			},
		};

		for (uint32_t i = 0; i < n_groups; i++)
			add_conv_layer(p, op, &whole, &groups[i]);
	}
}

void lower_fully_connected(struct program *p, const struct op *op)
{
	const struct tensor *w = op->inputs[WEIGHTS], *in = op->inputs[INPUT];
	const struct tensor *out = op->outputs[0];
	uint32_t inputs = w->dims[1], outputs = w->dims[0], rows = tensor_elements(in) / inputs;
	struct buffer *weights = block_weights(p, w, 0, outputs, inputs);
	struct buffer *params = channel_params(p, op, 0, outputs);
	struct layer *l = program_layer(p, LAYER_CONV, op);

	l->in[0] = flat_fm(p, in, rows, inputs);
	l->out = flat_fm(p, out, rows, outputs);
	l->weights = weights;
	l->weights_dtype = device_dtype(w->type);
	l->params = params;
	l->requant = device_requant(op);
	l->clamp = device_clamp(out, op->attrs.activation);
	l->macs = (uint64_t)rows * inputs * outputs;
	l->window = (struct enpu_window) { 1, 1, 1, 1, 1, 1, 0, 0 };
}
