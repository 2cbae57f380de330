// SPDX-License-Identifier: MIT
/* What the checkers of all operators share, and the loop that runs them. */
#include <errno.h>
#include <string.h>

#include "operator.h"
#include "quantize.h"

#define MOST_SHIFT_S16	14

bool same_quant(const struct tensor *a, const struct tensor *b)
{
	return a->type == b->type && a->quant.count == 1 && b->quant.count == 1 &&
	       a->quant.scale[0] == b->quant.scale[0] &&
	       a->quant.zero_point[0] == b->quant.zero_point[0];
}

const char *check_8bit(struct graph *g, const struct tensor *t, const char *what)
{
	struct range r;

	if (!t)
		return arena_printf(g->arena, "the %s is left out", what);
	if (t->type != DTYPE_U8 && t->type != DTYPE_I8)
		return arena_printf(g->arena, "the %s is %s: uint8 or int8 is needed%s", what,
				    dtype_name(t->type), t->type == DTYPE_F32 ?
				    " (quantize the model first)" : "");
	/* a constant may be a single number; else there was no shape in the file */
	if (!t->rank && !t->data)
		return arena_printf(g->arena, "the %s has no shape", what);
	if (t->quant.count != 1)
		return arena_printf(g->arena, "the %s has %u scales: one is needed", what,
				    t->quant.count);
	r = dtype_range(t->type);
	if (t->quant.zero_point[0] < r.min || t->quant.zero_point[0] > r.max)
		return arena_printf(g->arena, "the %s has zero point %lld, outside of %s", what,
				    (long long)t->quant.zero_point[0], dtype_name(t->type));
	return NULL;
}

const char *check_8_or_16bit(struct graph *g, const struct tensor *t, const char *what)
{
	if (!t || t->type != DTYPE_I16)
		return check_8bit(g, t, what);
	if (!t->rank && !t->data)
		return arena_printf(g->arena, "the %s has no shape", what);
	if (t->quant.count != 1)
		return arena_printf(g->arena, "the %s has %u scales: one is needed", what,
				    t->quant.count);
	if (t->quant.zero_point[0])
		return arena_printf(g->arena, "the int16 %s has zero point %lld, not 0", what,
				    (long long)t->quant.zero_point[0]);
	return NULL;
}

static bool is_signed(const struct tensor *t)
{
	return t->type == DTYPE_I8 || t->type == DTYPE_I16;
}

const char *check_types(struct graph *g, const struct op *op, const struct tensor *in,
			const struct tensor *out)
{
	bool mix = op->attrs.numerics == NUMERICS_TFLITE && is_signed(in) && is_signed(out);

	if (in->type == out->type && (in->type != DTYPE_I16 || mix))
		return NULL;
	return mix ? NULL : arena_printf(g->arena, "the types %s and %s don't go together",
					 dtype_name(in->type), dtype_name(out->type));
}

const char *check_same_quant(struct graph *g, const struct tensor *a, const struct tensor *b)
{
	if (a->type != b->type)
		return arena_printf(g->arena, "the types %s and %s differ", dtype_name(a->type),
				    dtype_name(b->type));
	if (!same_quant(a, b))
		return "input and output are quantized differently";
	return NULL;
}

static const char *shape_text(struct graph *g, int rank, const int32_t *dims)
{
	const char *text = "[";

	for (int i = 0; i < rank; i++)
		text = arena_printf(g->arena, "%s%s%d", text, i ? "," : "", dims[i]);
	return arena_printf(g->arena, "%s]", text);
}

const char *check_shape(struct graph *g, const struct tensor *t, int rank, const int32_t *dims)
{
	if (t->rank == rank && !memcmp(t->dims, dims, rank * sizeof(*dims)))
		return NULL;
	return arena_printf(g->arena, "tensor %.80s has the shape %s, the operator makes %s",
			    t->name, shape_text(g, t->rank, t->dims), shape_text(g, rank, dims));
}

const char *check_activation(struct graph *g, const struct op *op)
{
	if (op->attrs.activation <= ACT_RELU6)
		return NULL;
	return arena_printf(g->arena, "fused activation %s is not supported",
			    activation_name(op->attrs.activation));
}

const char *check_constant_ints(struct graph *g, const struct tensor *t, const char *what,
				int64_t count)
{
	if (!t || !t->data)
		return arena_printf(g->arena, "%s must be constant", what);
	if (t->type != DTYPE_I32 && t->type != DTYPE_I64)
		return arena_printf(g->arena, "%s is %s: int32 or int64 is needed", what,
				    dtype_name(t->type));
	if (tensor_elements(t) != count)
		return arena_printf(g->arena, "%s has %lld elements, %lld are needed", what,
				    (long long)tensor_elements(t), (long long)count);
	return NULL;
}

const char *check_multiplier(struct graph *g, double real)
{
	struct multiplier m;

	/* frexp() of numbers that are none says nothing about the shift */
	if (!(real >= 0 && real < 1e30))
		return "the scales give no usable factor";
	m = quantize_multiplier(real);
	if (m.shift > 30)
		return arena_printf(g->arena, "the scales give the factor %g, at most 2^30 fits",
				    real);
	return NULL;
}

const char *check_sum_multiplier(struct graph *g, const struct tensor *in, double real)
{
	const char *reason = check_multiplier(g, real);

	if (reason || in->type != DTYPE_I16 || quantize_multiplier(real).shift <= MOST_SHIFT_S16)
		return reason;
	return arena_printf(g->arena, "the scales give the factor %g, at most 2^%d fits int16",
			    real, MOST_SHIFT_S16);
}

static const char *check_counts(struct graph *g, const struct operator_type *type,
				const struct op *op)
{
	if (op->n_inputs < type->min_inputs || op->n_inputs > type->max_inputs)
		return arena_printf(g->arena, "%u inputs, %u to %u are needed", op->n_inputs,
				    type->min_inputs, type->max_inputs);
	if (op->n_outputs < type->min_outputs || op->n_outputs > type->max_outputs)
		return arena_printf(g->arena, "%u outputs, %u to %u are needed", op->n_outputs,
				    type->min_outputs, type->max_outputs);
	return NULL;
}

/* Operators stand after what they read. */
static const char *check_sources(struct graph *g, const struct op *op)
{
	for (unsigned int i = 0; i < op->n_inputs; i++) {
		const struct tensor *t = op->inputs[i];

		if (t && !t->data && !t->is_input && !t->initial &&
		    (!t->producer || t->producer->index >= op->index))
			return arena_printf(g->arena, "input %u (%.80s) is neither constant nor written before",
					    i, t->name);
	}
	return NULL;
}

/* Some of it is quantized: what is float is meant so. */
static bool has_quantized_parts(const struct graph *g)
{
	for (unsigned int i = 0; i < g->n_ops; i++)
		if (g->ops[i].kind == OP_QUANTIZE || g->ops[i].kind == OP_DEQUANTIZE)
			return true;
	return false;
}

static const char *check_operator(struct graph *g, struct op *op, bool mixed)
{
	const struct operator_type *type = operator_type(op->kind);
	const char *reason;

	if (!type)
		return "the NPU has no such operator";
	reason = check_counts(g, type, op);
	if (!reason)
		reason = check_sources(g, op);
	if (reason)
		return reason;
	return mixed && is_real(op) ? check_real(g, op) : type->check(g, op);
}

int check_operators(struct graph *g)
{
	bool mixed = has_quantized_parts(g);
	int err = 0;

	for (unsigned int i = 0; i < g->n_ops; i++) {
		struct op *op = &g->ops[i];
		const char *reason = check_operator(g, op, mixed);

		if (!reason)
			continue;
		diag_add(g->diag, ENPU_ERROR, op->source, "%s: %s: %s: %s", g->file,
			 op_text(g->arena, op), reason, op_shapes_text(g->arena, op));
		err = -EOPNOTSUPP;
	}
	return err;
}
