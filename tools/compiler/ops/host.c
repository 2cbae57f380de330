// SPDX-License-Identifier: MIT
/*
 * Operators that the NPU has no commands for and that are steps in libaccel: DIV by
 * what is not constant, LAYER_NORM, INSTANCE_NORM, L2_NORMALIZATION, LOG_SOFTMAX, TOPK_V2,
 * CUMSUM, CAST.
 */
#include <math.h>
#include <string.h>

#include "ort.h"
#include "quantize.h"
#include "unary.h"

bool divides_by_constant(const struct op *op)
{
	const struct tensor *divisor = op->inputs[1];

	/* TFLite's uint8 kernel computes in fixed point: that is the step's */
	return divisor && divisor->data && tensor_elements(divisor) == 1 &&
	       op->inputs[0] && (op->inputs[0]->type == DTYPE_I8 || follows_ort(op));
}

static void add_step(struct program *p, const struct op *op, enum enpu_cpu_op kind,
		     unsigned int n_inputs, const void *params, size_t bytes)
{
	*arena_push(p->arena, p->cpu_steps, p->n_cpu_steps) = (struct cpu_step) {
		.kind = kind, .op = op, .n_inputs = n_inputs, .first_layer = p->n_layers,
		.params = params, .params_bytes = bytes,
	};
}

/* Of the same type and shape; the input is not constant. */
static const char *check_map(struct graph *g, const struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	const char *reason = check_8_or_16bit(g, in, "input");

	if (!reason)
		reason = check_8_or_16bit(g, out, "output");
	if (reason)
		return reason;
	if (in->data)
		return "the input is constant";
	if (in->type != out->type)
		return "input and output have different types";
	return check_shape(g, out, in->rank, in->dims);
}

const char *check_divide(struct graph *g, struct op *op)
{
	const struct tensor *a = op->inputs[0], *b = op->inputs[1], *out = op->outputs[0];
	const char *reason;

	if (divides_by_constant(op))
		reason = op->attrs.activation ? "a fused activation is not supported" : NULL;
	else
		reason = check_8bit(g, a, "first input");
	if (reason)
		return reason;
	if (divides_by_constant(op))
		return check_unary(g, op);
	reason = check_8bit(g, b, "second input");
	if (!reason)
		reason = check_8bit(g, out, "output");
	if (!reason && (a->type != b->type || a->type != out->type))
		reason = "inputs and output have different types";
	if (!reason && a->data && b->data)
		reason = "both inputs are constant";
	if (!reason && op->attrs.activation)
		reason = "a fused activation is not supported";
	if (!reason)
		reason = check_multiplier(g, (double)a->quant.scale[0] /
					     ((double)b->quant.scale[0] *
					      (double)out->quant.scale[0]));
	return reason ? reason : check_broadcast(g, op, 2);
}

/* A constant that the host reads lies where it can. */
static void bring_to_host(struct program *p, const struct op *op, const struct tensor *t)
{
	struct view *view = &p->views[t->index], host = *view;

	if (!t->data || view->buffer->home != HOME_CONSTANT)
		return;
	host.buffer = program_buffer(p, HOME_HOST, tensor_bytes(t), t->name);
	lower_move(p, op, view, &host, t->rank, t->dims);
	*view = host;
}

void lower_divide(struct program *p, const struct op *op)
{
	if (divides_by_constant(op)) {
		lower_unary(p, op);
		return;
	}
	for (unsigned int i = 0; i < 2; i++)
		bring_to_host(p, op, op->inputs[i]);
	add_step(p, op, ENPU_CPU_DIV, 2, NULL, 0);
}

/* Scale or bias: constants, one for each of @count places. */
static const char *check_factors(struct graph *g, const struct tensor *t, const char *what,
				 int64_t count)
{
	if (!t->data || tensor_elements(t) != count)
		return arena_printf(g->arena, "%s must be constant and have %lld elements", what,
				    (long long)count);
	if (t->type == DTYPE_F32)
		return NULL;
	if (t->quant.count != 1 ||
	    (t->type != DTYPE_I8 && t->type != DTYPE_U8 && t->type != DTYPE_I32))
		return arena_printf(g->arena, "%s is %s: float32 or quantized per tensor is needed",
				    what, dtype_name(t->type));
	return NULL;
}

enum { NORM_INPUT, NORM_SCALE, NORM_BIAS };

static const struct tensor *norm_bias(const struct op *op)
{
	return op->n_inputs > NORM_BIAS ? op->inputs[NORM_BIAS] : NULL;
}

/* The tensor as [outer][length][inner]; false: the scale fits no dimensions. */
static bool norm_extents(const struct op *op, struct enpu_norm_params *p)
{
	const struct tensor *in = op->inputs[NORM_INPUT];
	int64_t total = tensor_elements(in), wanted, length = 1;

	p->inner = 1;
	if (op->kind == OP_INSTANCE_NORM) {
		p->outer = in->dims[0];
		p->inner = in->dims[in->rank - 1];
		p->length = total / p->outer / p->inner;
		return in->rank > 1;
	}
	wanted = tensor_elements(op->inputs[NORM_SCALE]);
	for (int d = in->rank - 1; d >= 0 && length < wanted; d--)
		length *= in->dims[d];
	p->length = length;
	p->outer = total / length;
	return length == wanted;
}

const char *check_norm(struct graph *g, struct op *op)
{
	const char *reason = check_map(g, op);
	struct enpu_norm_params p;
	int64_t count;

	if (reason)
		return reason;
	if (!op->inputs[NORM_SCALE])
		return "the scale is left out";
	if (!norm_extents(op, &p))
		return "the scale fits no number of the last dimensions";
	count = op->kind == OP_INSTANCE_NORM ? p.inner : p.length;
	reason = check_factors(g, op->inputs[NORM_SCALE], "the scale", count);
	if (!reason && norm_bias(op))
		reason = check_factors(g, norm_bias(op), "the bias", count);
	if (!reason && !(op->attrs.epsilon >= 0 && isfinite(op->attrs.epsilon)))
		reason = arena_printf(g->arena, "epsilon is %g", op->attrs.epsilon);
	return reason;
}

void lower_norm(struct program *p, const struct op *op)
{
	bool instance = op->kind == OP_INSTANCE_NORM;
	struct enpu_norm_params extents = { .epsilon = op->attrs.epsilon }, *params;
	size_t count, bytes;

	norm_extents(op, &extents);
	count = instance ? extents.inner : extents.length;
	bytes = sizeof(*params) + count * sizeof(params->factors[0]);
	params = arena_alloc(p->arena, 1, bytes);
	*params = extents;
	for (size_t i = 0; i < count; i++) {
		params->factors[i][0] = real_constant(op->inputs[NORM_SCALE], i);
		params->factors[i][1] = norm_bias(op) ? real_constant(norm_bias(op), i) : 0;
	}
	add_step(p, op, instance ? ENPU_CPU_INSTANCE_NORM : ENPU_CPU_LAYER_NORM, 1, params, bytes);
}

/* 8 bits to 8 bits, and TensorFlow Lite prescribes scale and zero point of the output. */
static const char *check_prescribed(struct graph *g, struct op *op, float scale,
				    int32_t zero_point, const char *otherwise)
{
	const struct quant *q = &op->outputs[0]->quant;
	const char *reason = check_8bit(g, op->inputs[0], "input");

	if (!reason)
		reason = check_map(g, op);
	if (reason)
		return reason;
	return q->scale[0] == scale && q->zero_point[0] == zero_point ? NULL : otherwise;
}

const char *check_l2(struct graph *g, struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	const char *reason;

	reason = check_prescribed(g, op, 1.f / 128, dtype_range(out->type).min + 128,
				  "the output must have scale 1/128 and the zero point in the middle");
	if (reason)
		return reason;
	if (op->attrs.activation)
		return "a fused activation is not supported";
	if (in->dims[in->rank - 1] > 32768)
		return "more than 32768 channels";
	return NULL;
}

void lower_l2(struct program *p, const struct op *op)
{
	add_step(p, op, ENPU_CPU_L2_NORMALIZATION, 1, NULL, 0);
}

const char *check_log_softmax(struct graph *g, struct op *op)
{
	const char *reason;

	reason = check_prescribed(g, op, 16.f / 256, dtype_range(op->outputs[0]->type).max,
				  "the output must have scale 1/16 and the type's largest value as zero point");
	if (reason)
		return reason;
	return op->inputs[0]->rank ? NULL : "the input has no dimension";
}

void lower_log_softmax(struct program *p, const struct op *op)
{
	add_step(p, op, ENPU_CPU_LOG_SOFTMAX, 1, NULL, 0);
}

static bool is_number(enum dtype type)
{
	return type == DTYPE_F32 || type == DTYPE_U8 || type == DTYPE_I8 || type == DTYPE_I16 ||
	       type == DTYPE_I32 || type == DTYPE_I64;
}

/* Numbers as they are stored: no scale plays a part. */
const char *check_number_cast(struct graph *g, struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];

	if (!in)
		return "the input is left out";
	if (in->data)
		return "the input is constant";
	if (!is_number(out->type) || (!is_number(in->type) && in->type != DTYPE_BOOL))
		return arena_printf(g->arena, "from %s to %s is not supported",
				    dtype_name(in->type), dtype_name(out->type));
	return check_shape(g, out, in->rank, in->dims);
}

void lower_number_cast(struct program *p, const struct op *op)
{
	add_step(p, op, ENPU_CPU_CAST, 1, NULL, 0);
}

const char *check_topk(struct graph *g, struct op *op)
{
	const struct tensor *in = op->inputs[0], *values = op->outputs[0];
	const struct tensor *indices = op->outputs[1];
	const char *reason = check_8bit(g, in, "input");
	int32_t dims[MAX_RANK];
	int64_t k;

	if (!reason)
		reason = check_8bit(g, values, "output");
	if (!reason)
		reason = check_same_quant(g, in, values);
	if (!reason)
		reason = check_constant_ints(g, op->inputs[1], "k", 1);
	if (reason)
		return reason;
	if (in->data)
		return "the input is constant";
	if (indices->type != DTYPE_I32 && indices->type != DTYPE_I64)
		return arena_printf(g->arena, "the indices are %s: int32 or int64 is needed",
				    dtype_name(indices->type));
	if (indices->consumers)
		return "its indices must be an output of the model and nothing else";
	k = tensor_int(op->inputs[1], 0);
	if (k < 1 || k > in->dims[in->rank - 1])
		return arena_printf(g->arena, "the %lld largest of %d", (long long)k,
				    in->dims[in->rank - 1]);
	memcpy(dims, in->dims, sizeof(dims));
	dims[in->rank - 1] = k;
	reason = check_shape(g, values, in->rank, dims);
	return reason ? reason : check_shape(g, indices, in->rank, dims);
}

void lower_topk(struct program *p, const struct op *op)
{
	add_step(p, op, ENPU_CPU_TOPK, 1, NULL, 0);
}

static int64_t cumsum_axis(const struct op *op)
{
	int64_t axis = tensor_int(op->inputs[1], 0);

	return axis < 0 ? axis + op->inputs[0]->rank : axis;
}

const char *check_cumsum(struct graph *g, struct op *op)
{
	const char *reason = check_8bit(g, op->inputs[0], "input");

	if (!reason)
		reason = check_map(g, op);
	if (!reason)
		reason = check_constant_ints(g, op->inputs[1], "the axis", 1);
	if (!reason && (cumsum_axis(op) < 0 || cumsum_axis(op) >= op->inputs[0]->rank))
		reason = arena_printf(g->arena, "there is no dimension %lld",
				      (long long)tensor_int(op->inputs[1], 0));
	return reason;
}

void lower_cumsum(struct program *p, const struct op *op)
{
	struct enpu_cumsum_params *params = arena_new(p->arena, struct enpu_cumsum_params, 1);

	params->axis = cumsum_axis(op);
	params->exclusive = op->attrs.exclusive;
	params->reverse = op->attrs.reverse;
	add_step(p, op, ENPU_CPU_CUMSUM, 1, params, sizeof(*params));
}
