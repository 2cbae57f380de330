// SPDX-License-Identifier: MIT
/*
 * Truth values, which are bytes of 0 and 1: comparisons, LOGICAL_AND, OR and NOT, and
 * SELECT_V2. A comparison is a difference that is clamped to what counts.
 */
#include <string.h>

#include "quantize.h"
#include "unary.h"

#define LEFT_SHIFT	8	/* of both sides of a comparison, before they are scaled */

static const struct enpu_scale one = { .multiplier = 1 << 30, .shift = 1 };

/*
 * How a comparison reads the difference d of its sides, or of them exchanged: @bias is
 * added to it, and what is 1 or more is true. EQUAL and NOT_EQUAL look up its sign.
 */
static const struct comparison {
	bool known, exchanged, looks_up;
	int32_t bias;
	bool truth[3];			/* of d < 0, d = 0, d > 0 */
} comparisons[OP_KINDS] = {
	[OP_GREATER] = { true },
	[OP_LESS] = { true, .exchanged = true },
	[OP_GREATER_EQUAL] = { true, .bias = 1 },
	[OP_LESS_EQUAL] = { true, .exchanged = true, .bias = 1 },
	[OP_EQUAL] = { true, .looks_up = true, .truth = { false, true, false } },
	[OP_NOT_EQUAL] = { true, .looks_up = true, .truth = { true, false, true } },
};

static const char *check_bool(struct graph *g, const struct tensor *t, const char *what)
{
	if (!t || t->type != DTYPE_BOOL)
		return arena_printf(g->arena, "the %s is %s: bool is needed", what,
				    t ? dtype_name(t->type) : "left out");
	return t->rank ? NULL : arena_printf(g->arena, "the %s has no shape", what);
}

const char *check_comparison(struct graph *g, struct op *op)
{
	const struct tensor *a = op->inputs[0], *b = op->inputs[1];
	const char *reason = check_8bit(g, a, "first input");

	if (!reason)
		reason = check_8bit(g, b, "second input");
	if (!reason)
		reason = check_bool(g, op->outputs[0], "output");
	if (reason)
		return reason;
	if (a->type != b->type)
		return "the inputs have different types";
	if (!(a->quant.scale[0] < 1 && b->quant.scale[0] < 1))
		return "the inputs' scales must be below 1";
	return check_broadcast(g, op, 2);
}

const char *check_logic(struct graph *g, struct op *op)
{
	const char *reason = check_bool(g, op->outputs[0], "output");

	for (unsigned int i = 0; i < op->n_inputs && !reason; i++)
		reason = check_bool(g, op->inputs[i], "input");
	return reason ? reason : check_broadcast(g, op, op->n_inputs);
}

const char *check_select(struct graph *g, struct op *op)
{
	const struct tensor *out = op->outputs[0];
	const char *reason = check_bool(g, op->inputs[0], "condition");

	if (!reason)
		reason = check_8bit(g, out, "output");
	for (unsigned int i = 1; i < 3 && !reason; i++) {
		reason = check_8bit(g, op->inputs[i], "input");
		if (!reason)
			reason = check_same_quant(g, op->inputs[i], out);
	}
	return reason ? reason : check_broadcast(g, op, 3);
}

/* A tensor, or an intermediate like it, as a command sees it. */
struct operand {
	const struct tensor *t;
	struct view view;		/* with the output's dimensions */
	uint8_t dtype;
	int32_t zero_point;
};

static struct operand operand_of(const struct program *p, const struct tensor *t,
				 const struct tensor *out, int32_t zero_point)
{
	return (struct operand) { t, broadcast_view(p, t, out), device_dtype(t->type), zero_point };
}

static struct operand intermediate(struct program *p, const struct tensor *out, uint8_t dtype,
				   int32_t zero_point)
{
	return (struct operand) {
		out, scratch_view(p, out->name, out->rank, out->dims, 1), dtype, zero_point,
	};
}

/* An elementwise operation on two operands, to the third. */
struct maker {
	struct program *p;
	const struct op *op;
	struct layer layer;		/* all but operands */
	const struct operand *operands[3];
};

static void fit(struct fm *to, const struct fm *from, const struct operand *o)
{
	*to = *from;
	to->dtype = o->dtype;
	to->zero_point = o->zero_point;
}

static void emit(void *arg, const struct fm *fm)
{
	struct maker *m = arg;
	struct layer *l = program_layer(m->p, LAYER_ELEMENTWISE, m->op);

	*l = m->layer;
	l->kind = LAYER_ELEMENTWISE;
	l->op = m->op;
	fit(&l->in[0], &fm[0], m->operands[0]);
	fit(&l->in[1], &fm[1], m->operands[1]);
	fit(&l->out, &fm[2], m->operands[2]);
}

static void emit_all(struct program *p, const struct op *op, const struct layer *layer,
		     const struct operand *a, const struct operand *b, const struct operand *to)
{
	struct maker m = { p, op, *layer, { a, b, to } };
	const struct tensor *out = op->outputs[0];
	struct fm_set set = { .rank = out->rank };

	memcpy(set.dims, out->dims, sizeof(set.dims));
	for (int i = 0; i < 3; i++)
		fm_set_add(&set, m.operands[i]->t, &m.operands[i]->view);
	fm_for_each(&set, emit, &m);
}

/* -1, 0 and 1 to truth values */
static void look_up_sign(struct program *p, const struct op *op, const struct view *signs)
{
	const struct tensor *out = op->outputs[0];
	struct tensor sign = *out;
	struct table table;

	sign.type = DTYPE_I8;
	for (int i = 0; i < 256; i++) {
		int q = i - 128;

		table.entry[i] = comparisons[op->kind].truth[(q > 0) - (q < 0) + 1];
	}
	lower_lookup_view(p, op, &table, &sign, signs, out, &p->views[out->index], out->dims);
}

static struct enpu_scale scale_of(const struct tensor *t)
{
	struct multiplier m = quantize_multiplier(t->quant.scale[0]);

	return (struct enpu_scale) { .multiplier = m.value, .shift = m.shift };
}

void lower_comparison(struct program *p, const struct op *op)
{
	const struct comparison *how = &comparisons[op->kind];
	const struct tensor *a = op->inputs[how->exchanged], *b = op->inputs[!how->exchanged];
	const struct tensor *out = op->outputs[0];
	struct operand first = operand_of(p, a, out, a->quant.zero_point[0]);
	struct operand second = operand_of(p, b, out, b->quant.zero_point[0]);
	struct operand to = operand_of(p, out, out, how->bias);
	struct layer difference = {
		.operation = ENPU_ELEMENTWISE_SUB, .left_shift = LEFT_SHIFT, .scale_a = scale_of(a),
		.scale_b = scale_of(b), .scale_out = one, .clamp = { 0, 1 },
	};

	if (how->looks_up) {
		to = intermediate(p, out, ENPU_S8, 0);
		difference.clamp.min = -1;
	}
	emit_all(p, op, &difference, &first, &second, &to);
	if (how->looks_up)
		look_up_sign(p, op, &to.view);
}

void lower_logic(struct program *p, const struct op *op)
{
	const struct tensor *out = op->outputs[0];
	struct operand to = operand_of(p, out, out, 0), a, b;
	struct table table = { { 1 } };		/* NOT: what is not 0 is 0 */
	struct layer layer = { .clamp = { 0, 1 } };

	if (op->kind == OP_LOGICAL_NOT) {
		lower_lookup(p, op, &table, op->inputs[0], out, &to.view);
		return;
	}
	a = operand_of(p, op->inputs[0], out, 0);
	b = operand_of(p, op->inputs[1], out, 0);
	layer.operation = op->kind == OP_LOGICAL_AND ? ENPU_ELEMENTWISE_MIN : ENPU_ELEMENTWISE_MAX;
	emit_all(p, op, &layer, &a, &b, &to);
}

/*
 * Both choices are counted from the lowest value and multiplied by the condition c: the
 * first by c, the second by c - 1, which gives its negative or nothing. Their difference
 * is the choice.
 */
void lower_select(struct program *p, const struct op *op)
{
	const struct tensor *out = op->outputs[0];
	struct range r = dtype_range(out->type);
	struct operand condition = operand_of(p, op->inputs[0], out, 0);
	struct operand first = operand_of(p, op->inputs[1], out, r.min);
	struct operand second = operand_of(p, op->inputs[2], out, r.min);
	struct operand yes = intermediate(p, out, device_dtype(out->type), r.min);
	struct operand no = intermediate(p, out, ENPU_U8, UINT8_MAX);
	struct operand to = operand_of(p, out, out, r.min);
	struct layer layer = {
		.operation = ENPU_ELEMENTWISE_MUL, .scale_a = one, .scale_b = one,
		.scale_out = one, .clamp = { r.min, r.max },
	};

	emit_all(p, op, &layer, &condition, &first, &yes);
	condition.zero_point = 1;
	layer.clamp = (struct enpu_clamp) { 0, UINT8_MAX };
	emit_all(p, op, &layer, &condition, &second, &no);
	layer.operation = ENPU_ELEMENTWISE_SUB;
	layer.clamp = (struct enpu_clamp) { r.min, r.max };
	emit_all(p, op, &layer, &yes, &no, &to);
}
