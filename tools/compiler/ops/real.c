// SPDX-License-Identifier: MIT
/*
 * Operators that a quantized model leaves in float32, between DEQUANTIZE and QUANTIZE or at
 * its end: steps in libaccel. A model that has no quantized part is to be quantized instead.
 */
#include <math.h>
#include <string.h>

#include "operator.h"

static const struct real {
	bool known;
	enum enpu_cpu_op step;
	unsigned int n_inputs;		/* of the step; others say how */
	enum enpu_f32_function function;
} reals[OP_KINDS] = {
#define MAP(kind, n, f)						\
	[OP_##kind] = { true, ENPU_CPU_F32_MAP, n, ENPU_F32_##f }
	MAP(ADD, 2, ADD), MAP(SUB, 2, SUB), MAP(MUL, 2, MUL), MAP(DIV, 2, DIV),
	MAP(MAXIMUM, 2, MAX), MAP(MINIMUM, 2, MIN), MAP(POW, 2, POW),
	MAP(ABS, 1, ABS), MAP(NEG, 1, NEG), MAP(SQRT, 1, SQRT), MAP(EXP, 1, EXP),
	MAP(LOG, 1, LOG), MAP(ERF, 1, ERF), MAP(TANH, 1, TANH), MAP(LOGISTIC, 1, LOGISTIC),
	MAP(RELU, 1, CLIP), MAP(RELU6, 1, CLIP), MAP(RELU_N1_TO_1, 1, CLIP), MAP(CLIP, 1, CLIP),
	MAP(LEAKY_RELU, 1, LEAKY_RELU), MAP(HARD_SIGMOID, 1, HARD_SIGMOID),
	MAP(HARD_SWISH, 1, HARD_SWISH), MAP(RECIPROCAL, 1, RECIPROCAL),
	MAP(SQUARE, 1, SQUARE),
#undef MAP
	[OP_MAX_POOL_2D] = { true, ENPU_CPU_F32_MAX_POOL, 1, 0 },
	[OP_MEAN] = { true, ENPU_CPU_F32_MEAN, 1, 0 },
	[OP_SOFTMAX] = { true, ENPU_CPU_F32_SOFTMAX, 1, 0 },
	[OP_LOG_SOFTMAX] = { true, ENPU_CPU_F32_SOFTMAX, 1, 0 },
	[OP_TRANSPOSE] = { true, ENPU_CPU_F32_TRANSPOSE, 1, 0 },
	[OP_RESHAPE] = { true, ENPU_CPU_F32_TRANSPOSE, 1, 0 },
	[OP_SQUEEZE] = { true, ENPU_CPU_F32_TRANSPOSE, 1, 0 },
	[OP_EXPAND_DIMS] = { true, ENPU_CPU_F32_TRANSPOSE, 1, 0 },
};

bool is_real(const struct op *op)
{
	return reals[op->kind].known && op->n_outputs == 1 && op->outputs[0] &&
	       op->outputs[0]->type == DTYPE_F32;
}

bool runs_real(enum op_kind kind)
{
	return kind < OP_KINDS && reals[kind].known;
}

static const char *check_input(struct graph *g, const struct tensor *t)
{
	if (!t)
		return "an input is left out";
	if (t->type != DTYPE_F32)
		return arena_printf(g->arena, "an input is %s, the output float32",
				    dtype_name(t->type));
	return NULL;
}

/* The axes are one block of dimensions: outer, length, inner. */
static const char *mean_extents(struct graph *g, const struct op *op, struct enpu_mean_params *p)
{
	const struct tensor *in = op->inputs[0], *axes = op->inputs[1];
	const char *reason;
	uint32_t mask = 0;
	int first, last;

	reason = check_constant_ints(g, axes, "the axes", axes ? tensor_elements(axes) : 0);
	if (reason)
		return reason;
	for (int64_t i = 0; i < tensor_elements(axes); i++) {
		int64_t axis = tensor_int(axes, i);

		axis += axis < 0 ? in->rank : 0;
		if (axis < 0 || axis >= in->rank)
			return "there is no such axis";
		mask |= 1u << axis;
	}
	*p = (struct enpu_mean_params) { .outer = 1, .length = 1, .inner = 1 };
	first = mask ? __builtin_ctz(mask) : in->rank;
	last = mask ? 31 - __builtin_clz(mask) : in->rank;
	for (int d = 0; d < in->rank; d++) {
		if (d > first && d < last && !(mask >> d & 1) && in->dims[d] > 1)
			return "the axes are not neighbours";
		*(d < first ? &p->outer : d > last ? &p->inner : &p->length) *= in->dims[d];
	}
	return NULL;
}

static const char *permutation(struct graph *g, const struct op *op,
			       struct enpu_transpose_params *p)
{
	const struct tensor *in = op->inputs[0];
	const char *reason = NULL;
	uint32_t seen = 0;

	memset(p, 0, sizeof(*p));
	if (op->kind == OP_TRANSPOSE)
		reason = check_constant_ints(g, op->inputs[1], "the permutation", in->rank);
	for (int d = 0; d < in->rank && !reason; d++) {
		int64_t from = op->kind == OP_TRANSPOSE ? tensor_int(op->inputs[1], d) : d;

		if (from < 0 || from >= in->rank || seen & (1u << from))
			return "not a permutation";
		seen |= 1u << from;
		p->perm[d] = from;
	}
	return reason;
}

/* Where windows lie; the shapes are those that come out of it. */
static const char *check_max_pool(struct graph *g, const struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	const struct op_attrs *a = &op->attrs;
	struct window_place place;
	int32_t dims[4];
	const char *reason;

	if (in->rank != 4)
		return arena_printf(g->arena, "%d dimensions, 4 are needed", in->rank);
	reason = check_window(g, a, a->filter_h, a->filter_w);
	if (reason)
		return reason;
	if (a->dilation_h != 1 || a->dilation_w != 1)
		return "windows with gaps are not supported in float32";
	place = window_place(in, a, a->filter_h, a->filter_w);
	memcpy(dims, (const int32_t []) { in->dims[0], place.height, place.width, in->dims[3] },
	       sizeof(dims));
	if (place.pad_top >= a->filter_h || place.pad_left >= a->filter_w ||
	    (int64_t)(place.height - 1) * a->stride_h - place.pad_top >= in->dims[1] ||
	    (int64_t)(place.width - 1) * a->stride_w - place.pad_left >= in->dims[2])
		return "a window lies outside the input";
	return check_shape(g, out, 4, dims);
}

static struct enpu_pool_params pool_params(const struct op *op)
{
	const struct op_attrs *a = &op->attrs;
	struct window_place place = window_place(op->inputs[0], a, a->filter_h, a->filter_w);

	return (struct enpu_pool_params) {
		.filter_h = a->filter_h, .filter_w = a->filter_w, .stride_h = a->stride_h,
		.stride_w = a->stride_w, .pad_top = place.pad_top, .pad_left = place.pad_left,
	};
}

const char *check_real(struct graph *g, struct op *op)
{
	const struct real *r = &reals[op->kind];
	const struct tensor *out = op->outputs[0];
	struct enpu_transpose_params perm;
	struct enpu_mean_params extents;
	const char *reason = NULL;

	if (op->n_inputs < r->n_inputs)
		return "an input is missing";
	for (unsigned int i = 0; i < r->n_inputs && !reason; i++)
		reason = check_input(g, op->inputs[i]);
	if (!reason && op->attrs.activation)
		reason = "a fused activation is not supported in float32";
	if (reason)
		return reason;
	if (r->step == ENPU_CPU_F32_MAP)
		return check_broadcast(g, op, r->n_inputs);
	if (r->step == ENPU_CPU_F32_MAX_POOL)
		return check_max_pool(g, op);
	if (r->step == ENPU_CPU_F32_SOFTMAX)
		return op->inputs[0]->rank ? check_shape(g, out, op->inputs[0]->rank,
							 op->inputs[0]->dims) :
					     "the input has no dimension";
	reason = r->step == ENPU_CPU_F32_MEAN ? mean_extents(g, op, &extents) :
						permutation(g, op, &perm);
	if (reason)
		return reason;
	if (tensor_elements(out) != tensor_elements(op->inputs[0]) /
				    (r->step == ENPU_CPU_F32_MEAN ? extents.length : 1))
		return "the output has another number of elements";
	return NULL;
}

static struct enpu_f32_params function_params(const struct op *op)
{
	struct enpu_f32_params p = { .function = reals[op->kind].function,
				     .alpha = op->attrs.alpha, .beta = op->attrs.beta };

	switch (op->kind) {
	case OP_RELU:
		p.alpha = 0;
		p.beta = INFINITY;
		break;
	case OP_RELU6:
		p.alpha = 0;
		p.beta = 6;
		break;
	case OP_RELU_N1_TO_1:
		p.alpha = -1;
		p.beta = 1;
		break;
	default:
		break;
	}
	return p;
}

void lower_real(struct program *p, const struct op *op)
{
	const struct real *r = &reals[op->kind];
	union {
		struct enpu_f32_params function;
		struct enpu_mean_params mean;
		struct enpu_transpose_params transpose;
		struct enpu_pool_params pool;
		struct enpu_softmax_params softmax;
	} *params = arena_alloc(p->arena, 1, sizeof(*params));
	size_t bytes;

	switch (r->step) {
	case ENPU_CPU_F32_MAP:
		params->function = function_params(op);
		bytes = sizeof(params->function);
		break;
	case ENPU_CPU_F32_MEAN:
		mean_extents(NULL, op, &params->mean);
		bytes = sizeof(params->mean);
		break;
	case ENPU_CPU_F32_MAX_POOL:
		params->pool = pool_params(op);
		bytes = sizeof(params->pool);
		break;
	case ENPU_CPU_F32_SOFTMAX:
		params->softmax.logarithm = op->kind == OP_LOG_SOFTMAX;
		params->softmax.beta = params->softmax.logarithm ? 1 : op->attrs.beta;
		bytes = sizeof(params->softmax);
		break;
	default:
		permutation(NULL, op, &params->transpose);
		bytes = sizeof(params->transpose);
		break;
	}
	*arena_push(p->arena, p->cpu_steps, p->n_cpu_steps) = (struct cpu_step) {
		.kind = r->step, .op = op, .n_inputs = r->n_inputs, .first_layer = p->n_layers,
		.params = params, .params_bytes = bytes,
	};
}
