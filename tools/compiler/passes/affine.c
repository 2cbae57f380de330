// SPDX-License-Identifier: MIT
/*
 * A product or a sum with constants of channels, right after a convolution, becomes part
 * of its weights and bias: see rewrite.h. What BatchNorm leaves in a graph is a product
 * and a sum.
 */
#include <string.h>

#include "../ir/builder.h"
#include "rewrite.h"

/* Where an operator with weights has what. */
static const struct layer_kind {
	unsigned int weights, bias;	/* inputs */
	int channels;			/* dimension of the weights */
} kinds[OP_KINDS] = {
	[OP_CONV_2D] = { 1, 2, 0 }, [OP_DEPTHWISE_CONV_2D] = { 1, 2, 3 },
	[OP_FULLY_CONNECTED] = { 1, 2, 0 }, [OP_TRANSPOSE_CONV] = { 1, 3, 0 },
};

static bool is_float_constant(const struct tensor *t)
{
	return t->data && t->type == DTYPE_F32;
}

static float element(const struct tensor *t, int64_t i)
{
	float x;

	memcpy(&x, t->data + 4 * i, sizeof(x));
	return x;
}

/* The operand of @op that is a constant; @x is the other. NULL: there is none. */
static const struct tensor *constant_operand(const struct op *op, struct tensor **x)
{
	bool commutes = op->kind == OP_ADD || op->kind == OP_MUL;
	unsigned int i;

	if (!commutes && op->kind != OP_SUB && op->kind != OP_DIV)
		return NULL;
	if (op->n_inputs != 2 || !op->inputs[0] || !op->inputs[1])
		return NULL;
	i = commutes && op->inputs[0]->data ? 0 : 1;
	*x = op->inputs[!i];
	return is_float_constant(op->inputs[i]) ? op->inputs[i] : NULL;
}

/* One for all, or one for each channel. */
static bool by_channel(const struct tensor *c, int64_t channels)
{
	int64_t n = tensor_elements(c);

	return n == 1 || (n == channels && c->dims[c->rank - 1] == channels);
}

static bool can_take(const struct op *layer, const struct tensor *c, const struct tensor *out)
{
	const struct layer_kind *kind = &kinds[layer->kind];
	const struct tensor *made = layer->outputs[0], *w, *bias;

	if (!kind->weights || layer->n_inputs <= kind->weights || layer->attrs.activation)
		return false;
	w = layer->inputs[kind->weights];
	bias = layer->n_inputs > kind->bias ? layer->inputs[kind->bias] : NULL;
	return made->consumers == 1 && !made->is_output && same_shape(made, out) && made->rank &&
	       w && is_float_constant(w) && w->rank > kind->channels &&
	       w->dims[kind->channels] == made->dims[made->rank - 1] &&
	       (!bias || (is_float_constant(bias) &&
			  tensor_elements(bias) == w->dims[kind->channels])) &&
	       by_channel(c, w->dims[kind->channels]);
}

/* The weights of channel c times @factor[c]. */
static struct tensor *scaled_weights(struct builder *b, const struct tensor *w, int axis,
				     const float *factor)
{
	float *data = arena_new(b->arena, float, tensor_elements(w));
	int64_t n = tensor_elements(w), inner = 1;

	for (int d = axis + 1; d < w->rank; d++)
		inner *= w->dims[d];
	for (int64_t i = 0; i < n; i++)
		data[i] = element(w, i) * factor[i / inner % w->dims[axis]];
	return builder_constant(b, w->name, DTYPE_F32, w->rank, w->dims, data);
}

static void set_bias(struct builder *b, struct op *layer, const float *values, int32_t channels,
		     const char *name)
{
	unsigned int input = kinds[layer->kind].bias;

	if (layer->n_inputs <= input) {
		struct tensor **inputs = arena_new(b->arena, struct tensor *, input + 1);

		memcpy(inputs, layer->inputs, layer->n_inputs * sizeof(*inputs));
		layer->inputs = inputs;
		layer->n_inputs = input + 1;
	}
	layer->inputs[input] = builder_constant(b, name, DTYPE_F32, 1, &channels, values);
}

/* @layer does what @op, with its constant @c, does to its result. */
static void take(struct builder *b, struct op *layer, const struct op *op, const struct tensor *c)
{
	const struct layer_kind *kind = &kinds[layer->kind];
	const struct tensor *w = layer->inputs[kind->weights];
	const struct tensor *bias = layer->n_inputs > kind->bias ? layer->inputs[kind->bias] : NULL;
	int32_t channels = w->dims[kind->channels];
	float *factor = arena_new(b->arena, float, channels);
	float *sum = arena_new(b->arena, float, channels);

	for (int32_t i = 0; i < channels; i++) {
		float x = element(c, tensor_elements(c) == 1 ? 0 : i);

		factor[i] = op->kind == OP_MUL ? x : op->kind == OP_DIV ? 1 / x : 1;
		sum[i] = (bias ? element(bias, i) : 0) * factor[i];
		sum[i] += op->kind == OP_ADD ? x : op->kind == OP_SUB ? -x : 0;
	}
	if (op->kind == OP_MUL || op->kind == OP_DIV)
		layer->inputs[kind->weights] = scaled_weights(b, w, kind->channels, factor);
	if (bias || op->kind == OP_ADD || op->kind == OP_SUB)
		set_bias(b, layer, sum, channels, bias ? bias->name : c->name);
	layer->attrs.activation = op->attrs.activation;
	layer->outputs[0] = op->outputs[0];
	op->outputs[0]->producer = layer;
}

int fold_affine(struct graph *g)
{
	struct builder b;
	size_t left = 0;

	builder_open(&b, g);
	for (size_t i = 0; i < b.n_ops; i++) {
		struct op *op = b.ops[i];
		struct tensor *x = NULL;
		const struct tensor *c = constant_operand(op, &x);

		if (c && x->producer && can_take(x->producer, c, op->outputs[0]))
			take(&b, x->producer, op, c);
		else
			b.ops[left++] = op;
	}
	if (left == b.n_ops)
		return 0;
	b.n_ops = left;
	return builder_finish(&b, g);
}
