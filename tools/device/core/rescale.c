// SPDX-License-Identifier: MIT
/*
 * RESCALE: one tile to another scale, zero point or type.
 */
#include "requant.h"
#include "vector.h"

struct rescale {
	const struct enpu_cmd_rescale *cmd;
	int32_t *values;
};

static int piece(struct enpu_exec *x, void *arg, uint32_t row, uint32_t col, uint32_t count)
{
	const struct rescale *r = arg;
	const struct enpu_cmd_rescale *cmd = r->cmd;
	size_t n = (size_t)count * cmd->ifm.channels;
	int err = enpu_get_values(x, &cmd->ifm, row, col, 1, count, r->values);

	if (err)
		return err;
	for (size_t i = 0; i < n; i++) {
		int64_t v = enpu_rescale(r->values[i] - cmd->ifm.zero_point, &cmd->scale,
					 cmd->requant);

		r->values[i] = enpu_clamp(v + cmd->ofm.zero_point, cmd->clamp.min, cmd->clamp.max);
	}
	return enpu_put_values(x, &cmd->ofm, row, col, count, r->values);
}

static int execute(struct enpu_exec *x)
{
	struct rescale r = {
		.cmd = &x->cmd.rescale,
		.values = enpu_piece_values(x, ENPU_SCRATCH_VALUES),
	};

	return r.values ? enpu_for_pieces(x, &r.cmd->ofm, piece, &r) : -EFAULT;
}

static int validate(struct enpu_exec *x)
{
	const struct enpu_cmd_rescale *cmd = &x->cmd.rescale;
	int err = enpu_check_zero(x, cmd->reserved, sizeof(cmd->reserved));

	if (!err)
		err = enpu_check_requant(x, cmd->requant);
	if (!err)
		err = enpu_check_scale(x, &cmd->scale, cmd->requant);
	if (!err)
		err = enpu_check_tile(x, &cmd->ifm, ENPU_TYPES_INT, ENPU_TILE_INPUT);
	if (!err)
		err = enpu_check_tile(x, &cmd->ofm, ENPU_TYPES_INT, ENPU_TILE_OUTPUT);
	if (!err)
		err = enpu_check_same_shape(x, &cmd->ifm, &cmd->ofm);
	return err ? err : enpu_check_clamp(x, &cmd->clamp, cmd->ofm.dtype);
}

static void cost(const struct enpu_exec *x, struct enpu_cost *cost)
{
	const struct enpu_cmd_rescale *cmd = &x->cmd.rescale;

	cost->compute = enpu_vector_cycles(x, &cmd->ofm, enpu_tile_elements(&cmd->ofm));
	enpu_cost_tile(cost, &cmd->ifm, 1, false);
	enpu_cost_tile(cost, &cmd->ofm, 1, true);
}

const struct enpu_operation enpu_op_rescale = {
	.engines = ENPU_ENGINES_VECTOR,
	.size = sizeof(struct enpu_cmd_rescale),
	.validate = validate,
	.execute = execute,
	.cost = cost,
};
