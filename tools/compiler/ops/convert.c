// SPDX-License-Identifier: MIT
/*
 * Conversions: QUANTIZE from 8 bits to 8 bits is a table on the NPU, with 16 bits a
 * rescaling. The NPU has no floats, so from float and back is a step for the host, at the
 * ends of a model or before an operator that runs on the host as well.
 */
#include "operator.h"
#include "ort.h"

bool runs_on_cpu(const struct op *op)
{
	if (is_real(op))
		return true;
	switch (op->kind) {
	case OP_CAST:
	case OP_DEQUANTIZE:
	case OP_DETECTION_POSTPROCESS:
	case OP_CUMSUM:
	case OP_INSTANCE_NORM:
	case OP_L2_NORMALIZATION:
	case OP_LAYER_NORM:
	case OP_LOG_SOFTMAX:
	case OP_TOPK_V2:
		return true;
	case OP_DIV:
		return !divides_by_constant(op);
	case OP_QUANTIZE:
		return op->inputs[0]->type == DTYPE_F32;
	case OP_CONCATENATION:
		return op->outputs[0]->type == DTYPE_F32;
	default:
		return false;
	}
}

static const char *check_narrow(struct graph *g, const struct tensor *t, const char *what)
{
	const char *reason = check_8_or_16bit(g, t, what);

	if (!reason && !(t->quant.scale[0] > 0))
		reason = arena_printf(g->arena, "the %s's scale must be positive", what);
	return reason;
}

static const char *check_wide(struct graph *g, const struct tensor *narrow,
			      const struct tensor *wide)
{
	if (wide->type != DTYPE_F32)
		return arena_printf(g->arena, "from %s to %s: one must be float32, the other quantized",
				    dtype_name(narrow->type), dtype_name(wide->type));
	return check_shape(g, wide, narrow->rank, narrow->dims);
}

const char *check_dequantize(struct graph *g, struct op *op)
{
	const char *reason = check_narrow(g, op->inputs[0], "input");

	if (!reason && op->inputs[0]->data)
		reason = "the input is constant";
	return reason ? reason : check_wide(g, op->inputs[0], op->outputs[0]);
}

const char *check_quantize(struct graph *g, struct op *op)
{
	const char *reason;

	if (!op->inputs[0] || !runs_on_cpu(op))
		return check_unary(g, op);
	reason = check_narrow(g, op->outputs[0], "output");
	if (!reason && op->inputs[0]->data)
		reason = "the input is constant";
	return reason ? reason : check_wide(g, op->outputs[0], op->inputs[0]);
}

static void lower_conversion(struct program *p, const struct op *op, enum enpu_cpu_op kind)
{
	*arena_push(p->arena, p->cpu_steps, p->n_cpu_steps) = (struct cpu_step) {
		.kind = kind, .op = op, .n_inputs = 1, .first_layer = p->n_layers,
	};
}

void lower_dequantize(struct program *p, const struct op *op)
{
	lower_conversion(p, op, ENPU_CPU_DEQUANTIZE);
}

void lower_quantize(struct program *p, const struct op *op)
{
	if (runs_on_cpu(op))
		lower_conversion(p, op, follows_ort(op) ? ENPU_CPU_QUANTIZE_EVEN :
							  ENPU_CPU_QUANTIZE);
	else
		lower_unary(p, op);
}
