// SPDX-License-Identifier: MIT
/*
 * ADD, SUB, MUL, MINIMUM, MAXIMUM and SQUARED_DIFFERENCE, with NumPy's broadcasting. The
 * last takes two layers: a difference of 16 bits, and its product with itself.
 */
#include <math.h>
#include <string.h>

#include "operator.h"
#include "ort.h"
#include "quantize.h"

/* Of both inputs of a sum, before they are scaled */
#define LEFT_SHIFT	20
#define LEFT_SHIFT_16	15
#define SQUARE_SHIFT	7	/* of a difference that is squared */

struct factors {
	double a, b, out;
};

static bool any_16_bits(const struct op *op)
{
	return op->inputs[0]->type == DTYPE_I16 || op->inputs[1]->type == DTYPE_I16 ||
	       op->outputs[0]->type == DTYPE_I16;
}

static int left_shift(const struct op *op)
{
	return any_16_bits(op) ? LEFT_SHIFT_16 : LEFT_SHIFT;
}

/* What TFLite computes, in the precision in which it does. */
static struct factors real_factors(const struct op *op)
{
	float a = op->inputs[0]->quant.scale[0], b = op->inputs[1]->quant.scale[0];
	float out = op->outputs[0]->quant.scale[0];
	float twice_max = 2 * (a > b ? a : b), shifted_out = (1 << left_shift(op)) * out;
	float product;

	if (op->kind == OP_MUL) {
		product = a * b;
		product = product / out;
		return (struct factors) { 1, 1, product };
	}
	if (op->kind == OP_SQUARED_DIFFERENCE)
		return (struct factors) {
			(double)a / (double)twice_max, (double)b / (double)twice_max,
			(double)twice_max * (double)twice_max /
				((double)(1 << 2 * SQUARE_SHIFT) * (double)out),
		};
	return (struct factors) {
		(double)a / (double)twice_max, (double)b / (double)twice_max,
		(double)twice_max / (double)shifted_out,
	};
}

/* Compares what is there: no scale plays a part. */
static bool compares(const struct op *op)
{
	return op->kind == OP_MINIMUM || op->kind == OP_MAXIMUM;
}

/* Dimension @d of @t when it is seen with @rank dimensions. */
static int32_t broadcast_dim(const struct tensor *t, int rank, int d)
{
	int own = d - (rank - t->rank);

	return own < 0 ? 1 : t->dims[own];
}

static const char *check_ort_factors(struct graph *g, const struct op *op)
{
	struct ort_sum s;
	const char *reason;

	if (op->kind == OP_MUL)
		return check_ort_factor(g, ort_product_factor(op));
	s = ort_sum_factors(op);
	reason = check_ort_factor(g, s.a);
	if (!reason)
		reason = check_ort_factor(g, s.b);
	return reason ? reason : check_ort_factor(g, s.addend);
}

static bool is_power_of_two(const struct tensor *t)
{
	int exponent;

	return frexpf(t->quant.scale[0], &exponent) == 0.5f;
}

/* There TFLite has a kernel that shifts. */
static bool shifts_16_bits(const struct op *op)
{
	return (op->kind == OP_ADD || op->kind == OP_SUB) && any_16_bits(op) &&
	       is_power_of_two(op->inputs[0]) && is_power_of_two(op->inputs[1]) &&
	       is_power_of_two(op->outputs[0]);
}

static const char *check_tflite_factors(struct graph *g, const struct op *op)
{
	struct factors f = real_factors(op);
	const char *reason = check_multiplier(g, f.out);

	if (shifts_16_bits(op))
		return "int16 and all scales are powers of two";
	if (!reason && (op->kind == OP_ADD || op->kind == OP_SUB) && f.out >= 1)
		reason = "the output's scale is too small for the inputs'";
	return reason;
}

const char *check_broadcast(struct graph *g, const struct op *op, unsigned int n)
{
	const struct tensor *out = op->outputs[0];
	int32_t dims[MAX_RANK];
	int rank = 0;

	for (unsigned int i = 0; i < n; i++)
		rank = op->inputs[i]->rank > rank ? op->inputs[i]->rank : rank;
	for (int d = 0; d < rank; d++) {
		dims[d] = 1;
		for (unsigned int i = 0; i < n; i++) {
			int32_t size = broadcast_dim(op->inputs[i], rank, d);

			if (size != 1 && dims[d] != 1 && size != dims[d])
				return "the shapes do not broadcast";
			dims[d] = size > dims[d] ? size : dims[d];
		}
	}
	return check_shape(g, out, rank, dims);
}

const char *check_arithmetic(struct graph *g, struct op *op)
{
	const struct tensor *a = op->inputs[0], *b = op->inputs[1], *out = op->outputs[0];
	const char *reason = check_8_or_16bit(g, a, "first input");

	if (!reason)
		reason = check_8_or_16bit(g, b, "second input");
	if (!reason)
		reason = check_8_or_16bit(g, out, "output");
	if (reason)
		return reason;
	reason = check_types(g, op, a, out);
	if (!reason)
		reason = check_types(g, op, b, out);
	if (!reason && op->kind == OP_SQUARED_DIFFERENCE && any_16_bits(op))
		reason = "int16 is not supported";
	if (!reason)
		reason = check_broadcast(g, op, 2);
	if (reason)
		return reason;
	if (compares(op))
		return same_quant(a, out) && same_quant(b, out) ? NULL :
		       "inputs and output are quantized differently";
	reason = follows_ort(op) ? check_ort_factors(g, op) : check_tflite_factors(g, op);
	return reason ? reason : check_activation(g, op);
}

struct view broadcast_view(const struct program *p, const struct tensor *t,
			   const struct tensor *out)
{
	struct view own = p->views[t->index], view = own;

	memset(view.strides, 0, sizeof(view.strides));
	for (int d = 0; d < t->rank; d++)
		if (t->dims[d] > 1)
			view.strides[d + out->rank - t->rank] = own.strides[d];
	return view;
}

static struct enpu_scale device_scale(double real)
{
	struct multiplier m = quantize_multiplier(real);

	return (struct enpu_scale) { .multiplier = m.value, .shift = m.shift };
}

/* Sums take raw values: the zero points are in the addend. */
static void set_ort_scales(struct layer *l, const struct op *op)
{
	struct ort_sum s;

	l->requant = ENPU_REQUANT_FP32;
	if (op->kind == OP_MUL) {
		l->scale_out = ort_scale(ort_product_factor(op));
		return;
	}
	s = ort_sum_factors(op);
	l->scale_a = ort_scale(s.a);
	l->scale_b = ort_scale(s.b);
	l->scale_out = ort_scale(s.addend);
	l->in[0].zero_point = 0;
	l->in[1].zero_point = 0;
	l->out.zero_point = 0;
}

static void set_tflite_scales(struct layer *l, const struct op *op)
{
	struct factors f = real_factors(op);

	l->scale_out = device_scale(f.out);
	if (op->kind == OP_MUL)
		return;
	l->scale_a = device_scale(f.a);
	l->scale_b = device_scale(f.b);
	l->left_shift = left_shift(op);
}

struct arithmetic {
	struct program *p;
	const struct op *op;
};

static void emit_arithmetic(void *arg, const struct fm *fm)
{
	static const uint8_t operations[OP_KINDS] = {
		[OP_ADD] = ENPU_ELEMENTWISE_ADD, [OP_SUB] = ENPU_ELEMENTWISE_SUB,
		[OP_MUL] = ENPU_ELEMENTWISE_MUL, [OP_MINIMUM] = ENPU_ELEMENTWISE_MIN,
		[OP_MAXIMUM] = ENPU_ELEMENTWISE_MAX,
	};
	struct arithmetic *x = arg;
	struct layer *l = program_layer(x->p, LAYER_ELEMENTWISE, x->op);

	l->in[0] = fm[0];
	l->in[1] = fm[1];
	l->out = fm[2];
	l->operation = operations[x->op->kind];
	l->clamp = device_clamp(x->op->outputs[0], x->op->attrs.activation);
	if (compares(x->op))
		return;
	if (follows_ort(x->op))
		set_ort_scales(l, x->op);
	else
		set_tflite_scales(l, x->op);
}

void lower_arithmetic(struct program *p, const struct op *op)
{
	const struct tensor *out = op->outputs[0];
	struct view a = broadcast_view(p, op->inputs[0], out);
	struct view b = broadcast_view(p, op->inputs[1], out);
	struct arithmetic x = { p, op };
	struct fm_set set = { .rank = out->rank };

	memcpy(set.dims, out->dims, sizeof(set.dims));
	fm_set_add(&set, op->inputs[0], &a);
	fm_set_add(&set, op->inputs[1], &b);
	fm_set_add(&set, out, &p->views[out->index]);
	fm_for_each(&set, emit_arithmetic, &x);
}

static void emit_difference(void *arg, const struct fm *fm)
{
	static const struct enpu_scale one = { .multiplier = 1 << 30, .shift = 1 };
	struct arithmetic *x = arg;
	struct layer *l = program_layer(x->p, LAYER_ELEMENTWISE, x->op);
	struct factors f = real_factors(x->op);

	l->in[0] = fm[0];
	l->in[1] = fm[1];
	l->out = fm[2];
	l->out.dtype = ENPU_S16;
	l->out.zero_point = 0;
	l->operation = ENPU_ELEMENTWISE_SUB;
	l->clamp = (struct enpu_clamp) { INT16_MIN, INT16_MAX };
	l->scale_a = device_scale(f.a);
	l->scale_b = device_scale(f.b);
	l->scale_out = one;
	l->left_shift = SQUARE_SHIFT;
}

static void emit_square(void *arg, const struct fm *fm)
{
	struct arithmetic *x = arg;
	struct layer *l = program_layer(x->p, LAYER_ELEMENTWISE, x->op);

	l->in[0] = fm[0];
	l->in[0].dtype = ENPU_S16;
	l->in[0].zero_point = 0;
	l->in[1] = l->in[0];
	l->out = fm[1];
	l->operation = ENPU_ELEMENTWISE_MUL;
	l->clamp = device_clamp(x->op->outputs[0], ACT_NONE);
	l->scale_out = device_scale(real_factors(x->op).out);
}

/* Differences are at most 255 << 7: 16 bits hold them. */
void lower_squared_difference(struct program *p, const struct op *op)
{
	const struct tensor *out = op->outputs[0];
	struct view a = broadcast_view(p, op->inputs[0], out);
	struct view b = broadcast_view(p, op->inputs[1], out);
	struct view difference = scratch_view(p, out->name, out->rank, out->dims, 2);
	struct arithmetic x = { p, op };
	struct fm_set first = { .rank = out->rank }, second = { .rank = out->rank };

	memcpy(first.dims, out->dims, sizeof(first.dims));
	fm_set_add(&first, op->inputs[0], &a);
	fm_set_add(&first, op->inputs[1], &b);
	fm_set_add(&first, out, &difference);
	fm_for_each(&first, emit_difference, &x);

	memcpy(second.dims, out->dims, sizeof(second.dims));
	fm_set_add(&second, out, &difference);
	fm_set_add(&second, out, &p->views[out->index]);
	fm_for_each(&second, emit_square, &x);
}
