// SPDX-License-Identifier: MIT
/*
 * REDUCE: sum, maximum or minimum over any axes, or the index of the largest
 * channel.
 *
 * For a piece of an output row, all inputs that lead to it are visited, in
 * pieces too; sums have 64 bits until they are complete.
 */
#include "requant.h"
#include "vector.h"

struct reduce {
	const struct enpu_cmd_reduce *cmd;
	int64_t *acc;			/* [columns of the output's piece][its channels] */
	int32_t *input;
	int32_t *output;
};

static int64_t join(unsigned int op, int64_t acc, int32_t q, int32_t zero_point)
{
	switch (op) {
	case ENPU_REDUCE_SUM:
		return acc + q - zero_point;
	case ENPU_REDUCE_MAX:
		return q > acc ? q : acc;
	default:
		return q < acc ? q : acc;
	}
}

static int64_t arg_max(const int32_t *q, uint32_t n)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i < n; i++)
		if (q[i] > q[best])
			best = i;
	return best;
}

/* Take in one column of inputs, which leads to column out of the piece */
static void join_column(const struct reduce *r, const int32_t *q, uint32_t out)
{
	const struct enpu_cmd_reduce *cmd = r->cmd;
	int64_t *acc = r->acc + (size_t)out * cmd->ofm.channels;
	bool all_channels = cmd->axes & ENPU_AXIS_C;

	if (cmd->op == ENPU_REDUCE_ARGMAX) {
		*acc = arg_max(q, cmd->ifm.channels);
		return;
	}
	for (uint32_t c = 0; c < cmd->ifm.channels; c++) {
		int64_t *a = &acc[all_channels ? 0 : c];

		*a = join(cmd->op, *a, q[c], cmd->ifm.zero_point);
	}
}

/* Take in the input columns [col, col + count) of a row */
static int join_row(struct enpu_exec *x, const struct reduce *r, uint32_t row, uint32_t col,
		    uint32_t count)
{
	const struct enpu_tile *ifm = &r->cmd->ifm;
	uint32_t at_once = enpu_piece_cols(ifm->channels);

	for (uint32_t done = 0; done < count;) {
		uint32_t n = count - done < at_once ? count - done : at_once;
		int err = enpu_get_values(x, ifm, row, col + done, 1, n, r->input);

		if (err)
			return err;
		for (uint32_t i = 0; i < n; i++)
			join_column(r, r->input + (size_t)i * ifm->channels,
				    r->cmd->axes & ENPU_AXIS_W ? 0 : done + i);
		err = enpu_exec_poll(x);
		if (err)
			return err;
		done += n;
	}
	return 0;
}

static int32_t finish(const struct enpu_cmd_reduce *cmd, int64_t acc)
{
	if (cmd->op == ENPU_REDUCE_ARGMAX)
		return (int32_t)acc;
	if (cmd->op == ENPU_REDUCE_SUM)
		acc = (int64_t)enpu_rescale((int32_t)(acc + cmd->bias), &cmd->scale,
					    cmd->requant) + cmd->ofm.zero_point;
	return enpu_clamp(acc, cmd->clamp.min, cmd->clamp.max);
}

static int piece(struct enpu_exec *x, void *arg, uint32_t row, uint32_t col, uint32_t count)
{
	const struct reduce *r = arg;
	const struct enpu_cmd_reduce *cmd = r->cmd;
	size_t n = (size_t)count * cmd->ofm.channels;
	uint32_t first = row, last = row;
	int64_t start = cmd->op == ENPU_REDUCE_MAX ? INT64_MIN :
			cmd->op == ENPU_REDUCE_MIN ? INT64_MAX : 0;

	if (cmd->axes & ENPU_AXIS_W) {
		col = 0;
		count = cmd->ifm.width;
	}
	if (cmd->axes & ENPU_AXIS_H) {
		first = 0;
		last = cmd->ifm.height - 1;
	}
	for (size_t i = 0; i < n; i++)
		r->acc[i] = start;
	for (uint32_t y = first; y <= last; y++) {
		int err = join_row(x, r, y, col, count);

		if (err)
			return err;
	}
	for (size_t i = 0; i < n; i++)
		r->output[i] = finish(cmd, r->acc[i]);
	return enpu_put_values(x, &cmd->ofm, row, col, (uint32_t)(n / cmd->ofm.channels),
			       r->output);
}

static int execute(struct enpu_exec *x)
{
	struct reduce r = {
		.cmd = &x->cmd.reduce,
		.acc = enpu_scratch(x, ENPU_SCRATCH_ACC, ENPU_PIECE * sizeof(*r.acc)),
		.input = enpu_piece_values(x, ENPU_SCRATCH_INPUT),
		.output = enpu_piece_values(x, ENPU_SCRATCH_VALUES),
	};

	if (!r.acc || !r.input || !r.output)
		return -EFAULT;
	return enpu_for_pieces(x, &r.cmd->ofm, piece, &r);
}

static bool shape_ok(const struct enpu_cmd_reduce *cmd)
{
	const struct enpu_tile *in = &cmd->ifm, *out = &cmd->ofm;

	return out->height == (cmd->axes & ENPU_AXIS_H ? 1 : in->height) &&
	       out->width == (cmd->axes & ENPU_AXIS_W ? 1 : in->width) &&
	       out->channels == (cmd->axes & ENPU_AXIS_C ? 1 : in->channels);
}

static bool types_ok(const struct enpu_cmd_reduce *cmd)
{
	switch (cmd->op) {
	case ENPU_REDUCE_SUM:
		return true;
	case ENPU_REDUCE_ARGMAX:
		return cmd->ofm.dtype == ENPU_S32 && cmd->axes == ENPU_AXIS_C;
	default:
		return cmd->ofm.dtype == cmd->ifm.dtype;
	}
}

static int validate(struct enpu_exec *x)
{
	const unsigned int axes = ENPU_AXIS_H | ENPU_AXIS_W | ENPU_AXIS_C;
	const struct enpu_cmd_reduce *cmd = &x->cmd.reduce;
	int err = enpu_check_tile(x, &cmd->ifm, ENPU_TYPES_INT, ENPU_TILE_INPUT);

	if (!err)
		err = enpu_check_tile(x, &cmd->ofm, ENPU_TYPES_INT, ENPU_TILE_OUTPUT);
	if (!err && (cmd->reserved || cmd->op > ENPU_REDUCE_ARGMAX || !cmd->axes ||
		     cmd->axes & ~axes || !shape_ok(cmd) || !types_ok(cmd)))
		err = enpu_exec_bad_operand(x);
	if (!err)
		err = enpu_check_requant(x, cmd->requant);
	if (!err && cmd->op == ENPU_REDUCE_SUM)
		err = enpu_check_scale(x, &cmd->scale, cmd->requant);
	return err ? err : enpu_check_clamp(x, &cmd->clamp, cmd->ofm.dtype);
}

static void cost(const struct enpu_exec *x, struct enpu_cost *cost)
{
	const struct enpu_cmd_reduce *cmd = &x->cmd.reduce;

	cost->compute = enpu_vector_cycles(x, &cmd->ifm, enpu_tile_elements(&cmd->ifm));
	enpu_cost_tile(cost, &cmd->ifm, 1, false);
	enpu_cost_tile(cost, &cmd->ofm, 1, true);
}

const struct enpu_operation enpu_op_reduce = {
	.engines = ENPU_ENGINES_VECTOR,
	.size = sizeof(struct enpu_cmd_reduce),
	.validate = validate,
	.execute = execute,
	.cost = cost,
};
