// SPDX-License-Identifier: MIT
/*
 * Equalization across layers (Nagel et al., "Data-free quantization", 2019): where nothing
 * but operators f with f(x / s) = f(x) / s lies between convolutions, a channel may be divided
 * by any s and the next layers' weights for it multiplied by the same. A tensor has one scale
 * for all its channels: divided by their sizes, as samples show them, they all use its 256
 * levels. Tensors that are added together form a group with the same factors.
 *
 * What it costs: the next layers' weights, whose inputs share a scale, get unlike. So the
 * factors are a power of the sizes between 0 and 1 (Xiao et al., "SmoothQuant", 2022), the
 * one that an estimate of both noises is least for. A depthwise layer's weights have a scale
 * for each channel, and don't suffer.
 */
#include <errno.h>
#include <math.h>

#include "quantizer.h"

#define MOST_SAMPLES	64		/* that the sizes of channels are taken from */
#define LEAST_SIZE	(1.0f / 64)	/* that counts, of the largest channel's */
#define HEADROOM	1.25f		/* for what samples did not show */
#define POWERS		8		/* that are tried, besides 0 */
#define LEVELS		255
#define WEIGHT_LEVELS	127

/* The channels of a tensor. */
struct channels {
	int group;			/* the tensor that stands for all with the same factors */
	bool stuck;			/* of that one: no factor goes through */
	float *least, *most;
	double *power;
	uint64_t places;
};

struct equalizer {
	struct quantizer *q;
	struct channels *of;		/* by tensor */
	float *factors, *sizes;		/* of the group in work */
};

static int channel_count(const struct tensor *t)
{
	return t->rank ? t->dims[t->rank - 1] : 1;
}

static int find(struct equalizer *e, const struct tensor *t)
{
	int i = t->index;

	while (e->of[i].group != i)
		i = e->of[i].group;
	return i;
}

static void stick(struct equalizer *e, const struct tensor *t)
{
	if (t)
		e->of[find(e, t)].stuck = true;
}

static void join(struct equalizer *e, const struct tensor *x, const struct tensor *y)
{
	int a = find(e, x), b = find(e, y);

	if (channel_count(x) != channel_count(y) || x->rank != 4 || y->rank != 4)
		e->of[a].stuck = true;
	e->of[a].stuck |= e->of[b].stuck;
	e->of[b].group = a;
}

static bool is_layer(const struct op *op)
{
	const struct tensor *w = constant_weights(op), *bias;

	if (!w || w->consumers != 1 ||
	    (op->kind != OP_CONV_2D && op->kind != OP_DEPTHWISE_CONV_2D))
		return false;
	bias = op->n_inputs > 2 ? op->inputs[2] : NULL;
	return !bias || (bias->data && bias->consumers == 1);
}

static bool reads_all_channels(const struct op *op)
{
	return op->kind == OP_DEPTHWISE_CONV_2D ||
	       op->inputs[1]->dims[3] == op->inputs[0]->dims[3];
}

/*
 * RELU6 counts: no channel gets larger than the largest was, so that what is cut at 6 now
 * is what samples did not show.
 */
static bool keeps_factors(const struct op *op)
{
	return op->attrs.activation == ACT_NONE || op->attrs.activation == ACT_RELU ||
	       op->attrs.activation == ACT_RELU6;
}

/* f(x / s) = f(x) / s for every positive s, channel by channel. */
static bool is_homogeneous(const struct op *op)
{
	switch (op->kind) {
	case OP_RELU:
	case OP_RELU6:
	case OP_LEAKY_RELU:
	case OP_MAX_POOL_2D:
	case OP_AVERAGE_POOL_2D:
		return keeps_factors(op);
	case OP_PRELU:
		return op->inputs[1] && op->inputs[1]->data;
	case OP_ADD:
		return keeps_factors(op) && same_shape(op->inputs[0], op->inputs[1]) &&
		       !op->inputs[0]->data && !op->inputs[1]->data;
	default:
		return false;
	}
}

static void join_operands(struct equalizer *e, const struct op *op)
{
	for (unsigned int i = 0; i < op->n_inputs; i++)
		if (op->inputs[i] && !op->inputs[i]->data)
			join(e, op->outputs[0], op->inputs[i]);
}

static void look_at(struct equalizer *e, const struct op *op)
{
	if (is_layer(op)) {
		if (!keeps_factors(op))
			stick(e, op->outputs[0]);
		if (!reads_all_channels(op))
			stick(e, op->inputs[0]);
	} else if (is_homogeneous(op)) {
		join_operands(e, op);
	} else {
		for (unsigned int i = 0; i < op->n_inputs; i++)
			stick(e, op->inputs[i]);
		for (unsigned int i = 0; i < op->n_outputs; i++)
			stick(e, op->outputs[i]);
	}
}

static void find_groups(struct equalizer *e)
{
	const struct graph *g = e->q->g;

	for (unsigned int i = 0; i < g->n_tensors; i++) {
		const struct tensor *t = &g->tensors[i];

		e->of[i].group = (int)i;
		e->of[i].stuck = !is_float_activation(t) || t->rank != 4 || t->is_input ||
				 t->is_output || !t->producer;
	}
	for (unsigned int i = 0; i < g->n_ops; i++)
		look_at(e, &g->ops[i]);
	for (unsigned int i = 0; i < g->n_tensors; i++) {
		const struct tensor *t = &g->tensors[i];
		struct channels *of = &e->of[i];

		if (e->of[find(e, t)].stuck)
			continue;
		of->least = arena_new(e->q->arena, float, channel_count(t));
		of->most = arena_new(e->q->arena, float, channel_count(t));
		of->power = arena_new(e->q->arena, double, channel_count(t));
	}
}

static void watch(void *arg, const struct tensor *t, void *data)
{
	struct equalizer *e = arg;
	struct channels *of = &e->of[t->index];
	const float *values = data;
	int count = channel_count(t);

	if (!of->power)
		return;
	for (int64_t i = 0; i < tensor_elements(t); i += count) {
		for (int c = 0; c < count; c++) {
			float x = values[i + c];

			of->least[c] = fminf(of->least[c], x);
			of->most[c] = fmaxf(of->most[c], x);
			of->power[c] += (double)x * (double)x;
		}
		of->places++;
	}
}

/* Which channel of its input weight @i of @op meets. */
static int32_t input_channel(const struct op *op, int64_t i)
{
	const struct tensor *w = op->inputs[1];

	if (op->kind == OP_CONV_2D)
		return (int32_t)(i % w->dims[3]);
	return (int32_t)(i % w->dims[3] / (w->dims[3] / op->inputs[0]->dims[3]));
}

static int32_t output_channel(const struct op *op, int64_t i)
{
	const struct tensor *w = op->inputs[1];

	if (op->kind == OP_CONV_2D)
		return (int32_t)(i / (tensor_elements(w) / w->dims[0]));
	return (int32_t)(i % w->dims[3]);
}

static bool in_group(struct equalizer *e, const struct tensor *t, int group)
{
	return is_float_activation(t) && find(e, t) == group;
}

/* How much of the range of its tensor each channel takes, in the tensor it takes most of. */
static void size_channels(struct equalizer *e, int group)
{
	const struct graph *g = e->q->g;
	int count = channel_count(&g->tensors[group]);

	for (int c = 0; c < count; c++)
		e->sizes[c] = LEAST_SIZE;
	for (unsigned int i = 0; i < g->n_tensors; i++) {
		const struct channels *of = &e->of[i];
		float largest = 0;

		if (!of->power || !in_group(e, &g->tensors[i], group))
			continue;
		for (int c = 0; c < count; c++)
			largest = fmaxf(largest, fmaxf(-of->least[c], of->most[c]));
		for (int c = 0; c < count && largest > 0; c++)
			e->sizes[c] = fmaxf(e->sizes[c], HEADROOM / largest *
					    fmaxf(-of->least[c], of->most[c]));
	}
	for (int c = 0; c < count; c++)
		e->sizes[c] = fminf(e->sizes[c], 1);
}

static void choose_factors(struct equalizer *e, int count, double power)
{
	for (int c = 0; c < count; c++)
		e->factors[c] = (float)pow((double)e->sizes[c], power);
}

/* The square of a level of @t, all channels divided by their factors. */
static double level_squared(const struct equalizer *e, const struct tensor *t)
{
	const struct channels *of = &e->of[t->index];
	float least = 0, most = 0;
	double level;

	for (int c = 0; c < channel_count(t); c++) {
		least = fminf(least, of->least[c] / e->factors[c]);
		most = fmaxf(most, of->most[c] / e->factors[c]);
	}
	level = (double)(most - least) / LEVELS;
	return level * level;
}

/*
 * Noise of the output of @op as a share of the signal, but for a constant factor: that of
 * its input's levels and that of its weights' levels. Channels are taken for independent.
 */
static double noise(const struct equalizer *e, const struct op *op)
{
	const struct tensor *w = op->inputs[1], *in = op->inputs[0];
	const struct channels *of = &e->of[in->index];
	double level = level_squared(e, in), places = (double)of->places;
	double from_levels = 0, signal = 0, from_weights = 0, inputs = 0;
	int64_t taps = op->kind == OP_CONV_2D ? tensor_elements(w) / w->dims[0] : 0;

	for (int64_t i = 0; i < tensor_elements(w); i++) {
		int32_t c = input_channel(op, i);
		double square = (double)float_at(w, i) * (double)float_at(w, i);

		from_levels += square * level * (double)(e->factors[c] * e->factors[c]);
		signal += square * of->power[c] / places;
	}
	for (int64_t k = 0; k < taps; k++) {
		int32_t c = input_channel(op, k);

		inputs += of->power[c] / places / (double)(e->factors[c] * e->factors[c]);
	}
	for (int64_t o = 0; taps && o < w->dims[0]; o++) {
		double largest = 0;

		for (int64_t k = 0; k < taps; k++)
			largest = fmax(largest, fabs((double)float_at(w, o * taps + k)) *
						(double)e->factors[input_channel(op, k)]);
		from_weights += largest / WEIGHT_LEVELS * largest / WEIGHT_LEVELS * inputs;
	}
	return signal > 0 ? (from_levels + from_weights) / signal : 0;
}

static bool reads(struct equalizer *e, const struct op *op, int group)
{
	return is_layer(op) && in_group(e, op->inputs[0], group);
}

static double group_noise(struct equalizer *e, int group)
{
	const struct graph *g = e->q->g;
	double sum = 0;

	for (unsigned int i = 0; i < g->n_ops; i++)
		if (reads(e, &g->ops[i], group))
			sum += noise(e, &g->ops[i]);
	return sum;
}

static void scale_constant(struct equalizer *e, struct tensor *t, const struct op *op,
			   int32_t (*channel)(const struct op *op, int64_t i), bool divide)
{
	float *data = arena_new(e->q->arena, float, tensor_elements(t));

	for (int64_t i = 0; i < tensor_elements(t); i++) {
		float factor = e->factors[channel ? channel(op, i) : i];

		data[i] = divide ? float_at(t, i) / factor : float_at(t, i) * factor;
	}
	t->data = (const uint8_t *)data;
}

static void apply(struct equalizer *e, int group)
{
	const struct graph *g = e->q->g;

	for (unsigned int i = 0; i < g->n_ops; i++) {
		struct op *op = &g->ops[i];

		if (reads(e, op, group))
			scale_constant(e, op->inputs[1], op, input_channel, false);
		if (!is_layer(op) || !in_group(e, op->outputs[0], group))
			continue;
		scale_constant(e, op->inputs[1], op, output_channel, true);
		if (op->n_inputs > 2 && op->inputs[2])
			scale_constant(e, op->inputs[2], op, NULL, true);
	}
}

static void equalize(struct equalizer *e, int group)
{
	int count = channel_count(&e->q->g->tensors[group]), best = 0;
	double least;

	e->factors = arena_new(e->q->arena, float, count);
	e->sizes = arena_new(e->q->arena, float, count);
	size_channels(e, group);
	choose_factors(e, count, 0);
	least = group_noise(e, group);
	for (int i = 1; i <= POWERS; i++) {
		double now;

		choose_factors(e, count, (double)i / POWERS);
		now = group_noise(e, group);
		if (now < least) {
			least = now;
			best = i;
		}
	}
	choose_factors(e, count, (double)best / POWERS);
	if (best)
		apply(e, group);
}

int quantizer_equalize(struct quantizer *q)
{
	uint32_t count = q->num_samples < MOST_SAMPLES ? q->num_samples : MOST_SAMPLES;
	struct equalizer e = { .q = q };

	e.of = arena_new(q->arena, struct channels, q->g->n_tensors);
	find_groups(&e);
	q->reference = reference_new(q->g);
	if (!q->reference)
		return -EOPNOTSUPP;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t sample = q->in_sequence ? i : (uint64_t)i * q->num_samples / count;
		int err;

		report_progress(q->opts, "sizing channels", i, count);
		err = run_sample(q, (uint32_t)sample, watch, &e);
		if (err)
			return err;
	}
	report_progress(q->opts, "sizing channels", count, count);
	reference_free(q->reference);
	q->reference = NULL;
	for (unsigned int i = 0; i < q->g->n_tensors; i++)
		if (e.of[i].power && find(&e, &q->g->tensors[i]) == (int)i)
			equalize(&e, (int)i);
	return 0;
}
