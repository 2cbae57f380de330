// SPDX-License-Identifier: MIT
/*
 * ELEMENTWISE: two tiles, the smaller extents of either broadcast, to one.
 */
#include "requant.h"
#include "vector.h"

struct elementwise {
	const struct enpu_cmd_elementwise *cmd;
	int32_t *a;
	int32_t *b;
};

/* The piece of an input that meets an output's; what is broadcast is repeated */
static int load(struct enpu_exec *x, const struct enpu_tile *in, const struct enpu_tile *ofm,
		uint32_t row, uint32_t col, uint32_t count, int32_t *values)
{
	bool one_col = in->width == 1, one_channel = in->channels == 1;
	int err = enpu_get_values(x, in, in->height == 1 ? 0 : row, one_col ? 0 : col, 1,
				  one_col ? 1 : count, values);

	if (err || (in->width == ofm->width && in->channels == ofm->channels))
		return err;
	/* In place from the end: sources lie before or at their destinations */
	for (uint32_t i = count; i-- > 0;) {
		const int32_t *src = values + (size_t)(one_col ? 0 : i) * in->channels;

		for (uint32_t c = ofm->channels; c-- > 0;)
			values[(size_t)i * ofm->channels + c] = src[one_channel ? 0 : c];
	}
	return 0;
}

static int32_t add(const struct enpu_cmd_elementwise *cmd, int32_t a, int32_t b)
{
	a = enpu_rescale((int32_t)((uint32_t)a << cmd->left_shift), &cmd->scale_a, cmd->requant);
	b = enpu_rescale((int32_t)((uint32_t)b << cmd->left_shift), &cmd->scale_b, cmd->requant);
	return enpu_rescale(cmd->op == ENPU_ELEMENTWISE_ADD ? a + b : a - b, &cmd->scale_out,
			    cmd->requant);
}

static int32_t combine(const struct enpu_cmd_elementwise *cmd, int32_t a, int32_t b)
{
	int64_t v;

	switch (cmd->op) {
	case ENPU_ELEMENTWISE_MIN:
		v = a < b ? a : b;
		break;
	case ENPU_ELEMENTWISE_MAX:
		v = a > b ? a : b;
		break;
	case ENPU_ELEMENTWISE_MUL:
		v = (int64_t)enpu_rescale((a - cmd->a.zero_point) * (b - cmd->b.zero_point),
					  &cmd->scale_out, cmd->requant) + cmd->ofm.zero_point;
		break;
	default:
		v = (int64_t)add(cmd, a - cmd->a.zero_point, b - cmd->b.zero_point) +
		    cmd->ofm.zero_point;
	}
	return enpu_clamp(v, cmd->clamp.min, cmd->clamp.max);
}

/* In place of a. Sums are fused, and a product has the zero point before it is rounded. */
static void combine_fp32(const struct enpu_exec *x, const struct elementwise *e, size_t n)
{
	const struct enpu_cmd_elementwise *cmd = e->cmd;
	struct enpu_fp32_stage stage = {
		.za = cmd->a.zero_point, .zb = cmd->b.zero_point, .zo = cmd->ofm.zero_point,
		.ma = enpu_float((uint32_t)cmd->scale_a.multiplier),
		.mb = enpu_float((uint32_t)cmd->scale_b.multiplier),
		.mo = enpu_float((uint32_t)cmd->scale_out.multiplier),
		.min = cmd->clamp.min, .max = cmd->clamp.max,
	};

	if (cmd->op == ENPU_ELEMENTWISE_SUB)
		stage.mb = -stage.mb;
	if (cmd->op == ENPU_ELEMENTWISE_MUL)
		x->kernels->mul_fp32(e->a, e->b, n, &stage);
	else
		x->kernels->add_fp32(e->a, e->b, n, &stage);
}

static int piece(struct enpu_exec *x, void *arg, uint32_t row, uint32_t col, uint32_t count)
{
	const struct elementwise *e = arg;
	const struct enpu_cmd_elementwise *cmd = e->cmd;
	size_t n = (size_t)count * cmd->ofm.channels;
	int err = load(x, &cmd->a, &cmd->ofm, row, col, count, e->a);

	if (!err)
		err = load(x, &cmd->b, &cmd->ofm, row, col, count, e->b);
	if (err)
		return err;
	if (cmd->requant == ENPU_REQUANT_FP32 && cmd->op <= ENPU_ELEMENTWISE_MUL)
		combine_fp32(x, e, n);
	else
		for (size_t i = 0; i < n; i++)
			e->a[i] = combine(cmd, e->a[i], e->b[i]);
	return enpu_put_values(x, &cmd->ofm, row, col, count, e->a);
}

static int execute(struct enpu_exec *x)
{
	struct elementwise e = {
		.cmd = &x->cmd.elementwise,
		.a = enpu_piece_values(x, ENPU_SCRATCH_INPUT),
		.b = enpu_piece_values(x, ENPU_SCRATCH_INPUT_B),
	};

	if (!e.a || !e.b)
		return -EFAULT;
	return enpu_for_pieces(x, &e.cmd->ofm, piece, &e);
}

static bool broadcasts(uint32_t in, uint32_t out)
{
	return in == out || in == 1;
}

static int check_input(struct enpu_exec *x, const struct enpu_tile *in,
		       const struct enpu_tile *ofm)
{
	int err = enpu_check_tile(x, in, ENPU_TYPES_INT, ENPU_TILE_BROADCAST);

	if (!err && (!broadcasts(in->height, ofm->height) || !broadcasts(in->width, ofm->width) ||
		     !broadcasts(in->channels, ofm->channels)))
		err = enpu_exec_bad_operand(x);
	return err;
}

static int check_scales(struct enpu_exec *x, const struct enpu_cmd_elementwise *cmd)
{
	bool adds = cmd->op == ENPU_ELEMENTWISE_ADD || cmd->op == ENPU_ELEMENTWISE_SUB;
	int err = enpu_check_requant(x, cmd->requant);

	if (!err && adds)
		err = enpu_check_scale(x, &cmd->scale_a, cmd->requant);
	if (!err && adds)
		err = enpu_check_scale(x, &cmd->scale_b, cmd->requant);
	if (!err && (adds || cmd->op == ENPU_ELEMENTWISE_MUL))
		err = enpu_check_scale(x, &cmd->scale_out, cmd->requant);
	return err;
}

static int validate(struct enpu_exec *x)
{
	const struct enpu_cmd_elementwise *cmd = &x->cmd.elementwise;
	int err = enpu_check_zero(x, cmd->reserved, sizeof(cmd->reserved));

	if (!err && (cmd->op > ENPU_ELEMENTWISE_MAX || cmd->left_shift > 22))
		err = enpu_exec_bad_operand(x);
	if (!err)
		err = enpu_check_tile(x, &cmd->ofm, ENPU_TYPES_INT, ENPU_TILE_OUTPUT);
	if (!err)
		err = check_input(x, &cmd->a, &cmd->ofm);
	if (!err)
		err = check_input(x, &cmd->b, &cmd->ofm);
	if (!err)
		err = check_scales(x, cmd);
	return err ? err : enpu_check_clamp(x, &cmd->clamp, cmd->ofm.dtype);
}

static void cost(const struct enpu_exec *x, struct enpu_cost *cost)
{
	const struct enpu_cmd_elementwise *cmd = &x->cmd.elementwise;

	cost->compute = enpu_vector_cycles(x, &cmd->ofm, enpu_tile_elements(&cmd->ofm));
	enpu_cost_tile(cost, &cmd->a, 1, false);
	enpu_cost_tile(cost, &cmd->b, 1, false);
	enpu_cost_tile(cost, &cmd->ofm, 1, true);
}

const struct enpu_operation enpu_op_elementwise = {
	.engines = ENPU_ENGINES_VECTOR,
	.size = sizeof(struct enpu_cmd_elementwise),
	.validate = validate,
	.execute = execute,
	.cost = cost,
};
