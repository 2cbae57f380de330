// SPDX-License-Identifier: MIT
/*
 * CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED: checks, padding, multipliers,
 * and the order in which the MAC array reads weights. A fully connected layer is
 * a 1x1 convolution over a column of positions, one for each row of the batch.
 */
#include <stdlib.h>
#include <string.h>

#include "operator.h"
#include "quantize.h"

enum { INPUT, WEIGHTS, BIAS };

/* Multiplier from accumulator to output of channel @c. */
static double real_multiplier(const struct op *op, uint32_t c)
{
	const struct tensor *in = op->inputs[INPUT], *w = op->inputs[WEIGHTS];
	double out_scale = op->outputs[0]->quant.scale[0];
	float product;

	/* TFLite widens after the product for uint8 and fully connected, before it else */
	if (in->type == DTYPE_U8 || op->kind == OP_FULLY_CONNECTED) {
		product = in->quant.scale[0] * w->quant.scale[0];
		return (double)product / out_scale;
	}
	return (double)in->quant.scale[0] *
	       (double)w->quant.scale[w->quant.count > 1 ? c : 0] / out_scale;
}

static const char *check_weights(struct graph *g, const struct op *op, int channel_axis)
{
	const struct tensor *in = op->inputs[INPUT], *w = op->inputs[WEIGHTS];
	struct range r;
	const char *reason;

	if (!w || !w->data)
		return "the weights must be constant";
	if (w->type != in->type)
		return arena_printf(g->arena, "the weights are %s, the input %s: both must be alike",
				    dtype_name(w->type), dtype_name(in->type));
	if (!w->quant.count)
		return "the weights are not quantized";
	if (w->quant.count > 1 && (op->kind == OP_FULLY_CONNECTED || in->type != DTYPE_I8))
		return "the weights are quantized per channel";
	if (w->quant.count > 1 && w->quant.axis != channel_axis)
		return arena_printf(g->arena, "the weights are quantized along dimension %d, not %d",
				    w->quant.axis, channel_axis);
	r = dtype_range(w->type);
	for (uint32_t i = 0; i < w->quant.count; i++) {
		int64_t zp = w->quant.zero_point[i];

		if (zp < r.min || zp > r.max)
			return arena_printf(g->arena, "the weights have zero point %lld",
					    (long long)zp);
		if (in->type == DTYPE_I8 && op->kind != OP_FULLY_CONNECTED && zp)
			return arena_printf(g->arena, "int8 weights have zero point %lld, not 0",
					    (long long)zp);
		reason = check_multiplier(g, real_multiplier(op, i));
		if (reason)
			return reason;
	}
	return NULL;
}

static const char *check_bias(struct graph *g, const struct op *op, int32_t channels)
{
	const struct tensor *bias = op->n_inputs > BIAS ? op->inputs[BIAS] : NULL;

	if (!bias)
		return NULL;
	if (!bias->data)
		return "the bias must be constant";
	if (bias->type != DTYPE_I32)
		return arena_printf(g->arena, "the bias is %s: int32 is needed",
				    dtype_name(bias->type));
	if (tensor_elements(bias) != channels)
		return arena_printf(g->arena, "the bias has %lld elements for %d channels",
				    (long long)tensor_elements(bias), channels);
	return NULL;
}

const char *check_window(struct graph *g, int32_t kernel, int32_t stride, int32_t dilation)
{
	if (stride < 1 || stride > 255)
		return arena_printf(g->arena, "stride %d: 1 to 255 is supported", stride);
	if (dilation < 1 || dilation > 255)
		return arena_printf(g->arena, "dilation %d: 1 to 255 is supported", dilation);
	if (kernel < 1 || kernel > 255)
		return arena_printf(g->arena, "window of %d: 1 to 255 is supported", kernel);
	return NULL;
}

int32_t window_output(int32_t in, int32_t kernel, int32_t stride, int32_t dilation,
		      enum padding padding, int32_t *pad_before)
{
	int32_t span = (kernel - 1) * dilation + 1, out, total;

	*pad_before = 0;
	if (padding == PADDING_VALID)
		return (in - span + stride) / stride;
	out = (in + stride - 1) / stride;
	total = (out - 1) * stride + span - in;
	if (total > 0)
		*pad_before = total / 2;
	return out;
}

/* What CONV_2D and DEPTHWISE_CONV_2D have in common; @channels: of the output. */
static const char *check_convolution(struct graph *g, struct op *op, int32_t channels,
				     int channel_axis)
{
	const struct tensor *in = op->inputs[INPUT], *w = op->inputs[WEIGHTS];
	const struct op_attrs *a = &op->attrs;
	int32_t dims[4] = { in->dims[0], 0, 0, channels }, pad;
	const char *reason = check_window(g, w->dims[1], a->stride_h, a->dilation_h);

	if (!reason)
		reason = check_window(g, w->dims[2], a->stride_w, a->dilation_w);
	if (!reason)
		reason = check_8bit(g, op->outputs[0], "output");
	if (reason)
		return reason;
	if (op->outputs[0]->type != in->type)
		return "input and output have different types";
	dims[1] = window_output(in->dims[1], w->dims[1], a->stride_h, a->dilation_h, a->padding,
				&pad);
	dims[2] = window_output(in->dims[2], w->dims[2], a->stride_w, a->dilation_w, a->padding,
				&pad);
	reason = check_shape(g, op->outputs[0], 4, dims);
	if (!reason)
		reason = check_weights(g, op, channel_axis);
	if (!reason)
		reason = check_bias(g, op, channels);
	return reason ? reason : check_activation(g, op);
}

static const char *check_ranks(struct graph *g, struct op *op)
{
	const char *reason = check_8bit(g, op->inputs[INPUT], "input");

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

	if (reason)
		return reason;
	if (op->inputs[WEIGHTS]->dims[3] != op->inputs[INPUT]->dims[3])
		return arena_printf(g->arena, "filters over %d of %d channels (grouped convolution) are not supported",
				    op->inputs[WEIGHTS]->dims[3], op->inputs[INPUT]->dims[3]);
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
	const char *reason = check_8bit(g, in, "input");

	if (!reason)
		reason = check_8bit(g, out, "output");
	if (reason)
		return reason;
	if (out->type != in->type)
		return "input and output have different types";
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

/* [O/16][K/4][16 o][4 k] from [O][K] */
static struct buffer *block_weights(struct program *p, const struct tensor *w, uint32_t outputs,
				    uint32_t k_count)
{
	uint32_t k_padded = round_up(k_count, 4);
	int64_t bytes = (int64_t)round_up(outputs, 16) * k_padded;
	uint8_t *blocks = arena_new(p->arena, uint8_t, bytes);

	for (uint32_t o = 0; o < outputs; o++) {
		uint8_t *row = blocks + (int64_t)(o / 16) * 16 * k_padded + o % 16 * 4;
		const uint8_t *from = w->data + (int64_t)o * k_count;

		for (uint32_t k = 0; k < k_count; k++)
			row[k / 4 * 64 + k % 4] = from[k];
	}
	return program_constant(p, blocks, bytes, w->name);
}

/* [O/16][taps][16 o] from [taps][O] */
static struct buffer *block_depthwise_weights(struct program *p, const struct tensor *w,
					      uint32_t outputs, uint32_t taps)
{
	int64_t bytes = (int64_t)round_up(outputs, 16) * taps;
	uint8_t *blocks = arena_new(p->arena, uint8_t, bytes);

	for (uint32_t o = 0; o < outputs; o++)
		for (uint32_t tap = 0; tap < taps; tap++)
			blocks[(int64_t)(o / 16) * 16 * taps + tap * 16 + o % 16] =
				w->data[(int64_t)tap * outputs + o];
	return program_constant(p, blocks, bytes, w->name);
}

static struct buffer *channel_params(struct program *p, const struct op *op, uint32_t outputs)
{
	const struct tensor *bias = op->n_inputs > BIAS ? op->inputs[BIAS] : NULL;
	const struct quant *q = &op->inputs[WEIGHTS]->quant;
	struct enpu_channel *c = arena_new(p->arena, struct enpu_channel, outputs);

	for (uint32_t o = 0; o < outputs; o++) {
		struct multiplier m = quantize_multiplier(real_multiplier(op, o));

		c[o].bias = bias ? tensor_int(bias, o) : 0;
		c[o].multiplier = m.value;
		c[o].shift = m.shift;
		c[o].weight_zero_point = q->zero_point[q->count > 1 ? o : 0];
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

void lower_conv(struct program *p, const struct op *op)
{
	const struct tensor *padded = op->inputs[INPUT], *w = op->inputs[WEIGHTS];
	const struct tensor *out = op->outputs[0], *in;
	const struct op_attrs *a = &op->attrs;
	bool depthwise = op->kind == OP_DEPTHWISE_CONV_2D;
	uint32_t outputs = out->dims[3], taps = w->dims[1] * w->dims[2];
	uint32_t macs_per_output = depthwise ? taps : taps * w->dims[3];
	struct buffer *weights, *params;
	int32_t pads[2], pad_top, pad_left;

	in = unpadded_input(p, op, pads);
	window_output(padded->dims[1], w->dims[1], a->stride_h, a->dilation_h, a->padding,
		      &pad_top);
	window_output(padded->dims[2], w->dims[2], a->stride_w, a->dilation_w, a->padding,
		      &pad_left);
	weights = depthwise ? block_depthwise_weights(p, w, outputs, taps)
			    : block_weights(p, w, outputs, macs_per_output);
	params = channel_params(p, op, outputs);
	for (int32_t n = 0; n < in->dims[0]; n++) {
		struct layer *l = program_layer(p, depthwise ? LAYER_DEPTHWISE : LAYER_CONV, op);

		l->in[0] = image_fm(p, in, n);
		l->out = image_fm(p, out, n);
		l->weights = weights;
		l->weights_dtype = device_dtype(w->type);
		l->params = params;
		l->clamp = device_clamp(out, a->activation);
		l->macs = (uint64_t)out->dims[1] * out->dims[2] * outputs * macs_per_output;
		l->window = (struct enpu_window) {
			.kernel_h = w->dims[1], .kernel_w = w->dims[2],
			.stride_h = a->stride_h, .stride_w = a->stride_w,
			.dilation_h = a->dilation_h, .dilation_w = a->dilation_w,
			.pad_top = pad_top + pads[0], .pad_left = pad_left + pads[1],
		};
	}
}

void lower_fully_connected(struct program *p, const struct op *op)
{
	const struct tensor *w = op->inputs[WEIGHTS], *in = op->inputs[INPUT];
	const struct tensor *out = op->outputs[0];
	uint32_t inputs = w->dims[1], outputs = w->dims[0], rows = tensor_elements(in) / inputs;
	struct buffer *weights = block_weights(p, w, outputs, inputs);
	struct buffer *params = channel_params(p, op, outputs);
	struct layer *l = program_layer(p, LAYER_CONV, op);

	l->in[0] = flat_fm(p, in, rows, inputs);
	l->out = flat_fm(p, out, rows, outputs);
	l->weights = weights;
	l->weights_dtype = device_dtype(w->type);
	l->params = params;
	l->clamp = device_clamp(out, op->attrs.activation);
	l->macs = (uint64_t)rows * inputs * outputs;
	l->window = (struct enpu_window) { 1, 1, 1, 1, 1, 1, 0, 0 };
}
