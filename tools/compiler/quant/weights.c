// SPDX-License-Identifier: MIT
/*
 * Constant weights: a symmetric scale for each output channel, so that the zero point is
 * 0 as TensorFlow Lite's int8 kernels want it; biases in units of an accumulator.
 */
#include <math.h>
#include <string.h>

#include "quantizer.h"

/* Keeps multipliers within what their shifts reach, also for channels of tiny weights. */
#define LEAST_MULTIPLIER	0x1p-24f
/* Of a bias in units of an accumulator: leaves room for the sum that is added. */
#define MOST_BIAS		0x1p30f
#define MOST_WIDE_BIAS		0x1p46

static const struct {
	bool has_weights;
	int data, weights, bias, axis;
} layouts[OP_KINDS] = {
	[OP_CONV_2D] = { true, 0, 1, 2, 0 },
	[OP_DEPTHWISE_CONV_2D] = { true, 0, 1, 2, 3 },
	[OP_TRANSPOSE_CONV] = { true, 2, 1, 3, 0 },
};

int weights_input(enum op_kind kind)
{
	return layouts[kind].has_weights ? layouts[kind].weights : -1;
}

int bias_input(enum op_kind kind)
{
	return layouts[kind].bias;
}

int data_input(enum op_kind kind)
{
	return layouts[kind].data;
}

int channel_axis(enum op_kind kind)
{
	return layouts[kind].axis;
}

size_t weight_index(const struct filter *f, enum op_kind kind, int32_t c, int32_t k)
{
	return kind == OP_DEPTHWISE_CONV_2D ? (size_t)k * f->channels + c :
					      (size_t)c * f->taps + k;
}

const struct tensor *constant_weights(const struct op *op)
{
	int i = weights_input(op->kind);

	if (i < 0 || (unsigned int)i >= op->n_inputs || !op->inputs[i] || !op->inputs[i]->data ||
	    op->inputs[i]->type != DTYPE_F32 || op->inputs[i]->rank != 4)
		return NULL;
	return op->inputs[i];
}

float float_at(const struct tensor *t, size_t i)
{
	float value;

	memcpy(&value, t->data + i * sizeof(value), sizeof(value));
	return value;
}

float largest_weight(const struct tensor *w, const struct filter *f, enum op_kind kind, int32_t c)
{
	float largest = 0;

	for (int32_t k = 0; k < f->taps; k++)
		largest = fmaxf(largest, fabsf(float_at(w, weight_index(f, kind, c, k))));
	return largest;
}

static void read_bias(const struct op *op, struct filter *f)
{
	unsigned int i = bias_input(op->kind);
	const struct tensor *bias = i < op->n_inputs ? op->inputs[i] : NULL;

	for (int32_t c = 0; c < f->channels; c++)
		f->bias[c] = bias && bias->data && tensor_elements(bias) == f->channels ?
				     (double)float_at(bias, c) : 0;
}

static void choose_scales(const struct quantizer *q, const struct op *op, struct filter *f)
{
	const struct tensor *w = constant_weights(op), *in = op->inputs[data_input(op->kind)];
	float in_scale = q->activations[in->index].scaling.scale;
	float out_scale = q->activations[op->outputs[0]->index].scaling.scale;
	bool wide = q->activations[in->index].scaling.wide;

	for (int32_t c = 0; c < f->channels; c++) {
		float scale = largest_weight(w, f, op->kind, c) / (float)f->most;

		scale = fmaxf(scale, LEAST_MULTIPLIER * out_scale / in_scale);
		if (!wide)
			scale = fmaxf(scale, (float)fabs(f->bias[c]) / MOST_BIAS / in_scale);
		f->scale[c] = scale;
	}
}

static void round_weights(const struct op *op, struct filter *f)
{
	const struct tensor *w = constant_weights(op);

	for (int32_t c = 0; c < f->channels; c++) {
		for (int32_t k = 0; k < f->taps; k++) {
			size_t i = weight_index(f, op->kind, c, k);
			float level = roundf(float_at(w, i) / f->scale[c]);

			f->weights[i] = (int8_t)fminf(fmaxf(level, (float)-f->most),
						      (float)f->most);
		}
	}
}

void quantizer_weights(struct quantizer *q)
{
	for (unsigned int i = 0; i < q->g->n_ops; i++) {
		const struct op *op = &q->g->ops[i];
		const struct tensor *w = constant_weights(op);
		struct filter *f = &q->filters[i];

		if (!w || !is_float_activation(op->inputs[data_input(op->kind)]))
			continue;
		f->most = q->nibbles[i] ? NIBBLE_MAX : BYTE_MAX;
		f->channels = w->dims[channel_axis(op->kind)];
		f->taps = (int32_t)(tensor_elements(w) / f->channels);
		f->scale = arena_new(q->arena, float, f->channels);
		f->bias = arena_new(q->arena, double, f->channels);
		f->weights = arena_new(q->arena, int8_t, tensor_elements(w));
		read_bias(op, f);
		choose_scales(q, op, f);
		round_weights(op, f);
	}
}

int64_t quantized_bias(const struct quantizer *q, const struct op *op, int32_t c)
{
	const struct filter *f = &q->filters[op->index];
	const struct tensor *in = op->inputs[data_input(op->kind)];
	struct scaling s = q->activations[in->index].scaling;
	double level = round(f->bias[c] / ((double)s.scale * (double)f->scale[c]));
	double most = s.wide ? MOST_WIDE_BIAS : INT32_MAX;

	return (int64_t)fmin(fmax(level, -most), most);
}
