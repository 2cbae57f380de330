// SPDX-License-Identifier: MIT
/*
 * SOFTMAX over the channels of each position: in fixed point as TFLite's
 * reference kernel, or in binary32 with a table of exponentials.
 *
 * A row of up to 65536 channels is worked on at a time, so the pieces hold it.
 */
#include "requant.h"
#include "vector.h"

#define ENTRIES		256

struct softmax {
	const struct enpu_cmd_softmax *cmd;
	int32_t *values;
	int32_t *exps;			/* FIXED: e_c, or -1 where it counts as 0 */
	float table[ENTRIES];
};

/* exp(a) for a <= 0 in Q5.26, as Q0.31 */
static int32_t exp_fixed(int32_t a)
{
	static const int32_t factors[] = {
		1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242,
	};
	int32_t a_mod = (a & ((1 << 24) - 1)) - (1 << 24);
	int32_t rem = a_mod - a;
	int32_t x = (int32_t)((uint32_t)a_mod << 5) + (1 << 28);
	int32_t x2 = enpu_srdhm(x, x), x3 = enpu_srdhm(x2, x), x4 = enpu_srdhm(x2, x2);
	int32_t t = enpu_rdbpot(enpu_srdhm(enpu_rdbpot(x4, 2) + x3, 715827883) + x2, 1);
	int32_t r = 1895147668 + enpu_srdhm(1895147668, x + t);

	for (unsigned int i = 0; i < sizeof(factors) / sizeof(factors[0]); i++)
		if (rem & (1 << (24 + i)))
			r = enpu_srdhm(r, factors[i]);
	return a ? r : INT32_MAX;
}

/* 1 / (1 + x) in Q0.31, x in Q0.31 */
static int32_t reciprocal(int32_t x)
{
	int64_t sum = (int64_t)x + INT32_MAX;
	int32_t h = (int32_t)((sum + (sum >= 0 ? 1 : -1)) / 2);
	int32_t y = 1515870810 + enpu_srdhm(h, -1010580540);

	for (unsigned int i = 0; i < 3; i++)
		y += enpu_saturate((int64_t)enpu_srdhm(y, (1 << 29) - enpu_srdhm(h, y)) * 4);
	return enpu_saturate((int64_t)y * 2);
}

static int32_t largest(const int32_t *q, uint32_t n)
{
	int32_t max = q[0];

	for (uint32_t i = 1; i < n; i++)
		max = q[i] > max ? q[i] : max;
	return max;
}

static void position_fixed(const struct softmax *s, int32_t *q, uint32_t n)
{
	const struct enpu_cmd_softmax *cmd = s->cmd;
	const struct enpu_type *type = &enpu_types[cmd->ofm.dtype];
	int32_t max = largest(q, n), scale;
	uint32_t sum = 0;
	int zeros, shift;

	for (uint32_t i = 0; i < n; i++) {
		int32_t d = q[i] - max;

		s->exps[i] = -1;
		if (d < cmd->diff_min)
			continue;
		s->exps[i] = exp_fixed(enpu_srdhm((int32_t)((uint32_t)d << cmd->left_shift),
						  cmd->multiplier));
		sum += (uint32_t)enpu_rdbpot(s->exps[i], 12);
	}

	zeros = sum ? __builtin_clz(sum) : 31;
	scale = reciprocal((int32_t)((sum << zeros) - (1u << 31)));
	shift = 31 + 12 - zeros - 8;
	for (uint32_t i = 0; i < n; i++) {
		int32_t out = 0;

		/* What would be shifted by more than 31 is below a half */
		if (s->exps[i] != -1 && shift <= 31)
			out = enpu_rdbpot(enpu_srdhm(scale, s->exps[i]), shift);
		q[i] = enpu_clamp((int64_t)out + type->min, type->min, type->max);
	}
}

static void position_table(const struct softmax *s, int32_t *q, uint32_t n)
{
	const struct enpu_cmd_softmax *cmd = s->cmd;
	const struct enpu_type *type = &enpu_types[cmd->ofm.dtype];
	float sum = 0, factor = enpu_float(cmd->output_factor);
	int32_t max = largest(q, n);

	for (uint32_t i = 0; i < n; i++)
		sum += s->table[max - q[i]];
	for (uint32_t i = 0; i < n; i++)
		q[i] = enpu_clamp((int64_t)enpu_round_even(s->table[max - q[i]] * factor / sum) +
				  cmd->ofm.zero_point, type->min, type->max);
}

static int piece(struct enpu_exec *x, void *arg, uint32_t row, uint32_t col, uint32_t count)
{
	const struct softmax *s = arg;
	const struct enpu_cmd_softmax *cmd = s->cmd;
	uint32_t channels = cmd->ifm.channels;
	int err = enpu_get_values(x, &cmd->ifm, row, col, 1, count, s->values);

	if (err)
		return err;
	for (uint32_t i = 0; i < count; i++) {
		if (cmd->mode == ENPU_SOFTMAX_FIXED)
			position_fixed(s, s->values + i * channels, channels);
		else
			position_table(s, s->values + i * channels, channels);
	}
	return enpu_put_values(x, &cmd->ofm, row, col, count, s->values);
}

static int execute(struct enpu_exec *x)
{
	struct softmax s = {
		.cmd = &x->cmd.softmax,
		.values = enpu_piece_values(x, ENPU_SCRATCH_VALUES),
		.exps = enpu_piece_values(x, ENPU_SCRATCH_ACC),
	};
	int err = s.values && s.exps ? 0 : -EFAULT;

	if (!err && s.cmd->mode == ENPU_SOFTMAX_TABLE)
		err = enpu_read_ref(x, &s.cmd->table, 0, s.table, sizeof(s.table));
	return err ? err : enpu_for_pieces(x, &s.cmd->ofm, piece, &s);
}

static int validate_fixed(struct enpu_exec *x, const struct enpu_cmd_softmax *cmd)
{
	if (cmd->output_factor || cmd->diff_min > 0 || cmd->left_shift > 31)
		return enpu_exec_bad_operand(x);
	return enpu_check_no_ref(x, &cmd->table);
}

static int validate_table(struct enpu_exec *x, const struct enpu_cmd_softmax *cmd)
{
	if (cmd->multiplier || cmd->diff_min || cmd->left_shift || cmd->table.dtype != ENPU_F32)
		return enpu_exec_bad_operand(x);
	return enpu_check_ref(x, &cmd->table, ENTRIES * sizeof(float), sizeof(float));
}

static int validate(struct enpu_exec *x)
{
	const struct enpu_cmd_softmax *cmd = &x->cmd.softmax;
	int err = enpu_check_tile(x, &cmd->ifm, ENPU_TYPES_8, ENPU_TILE_INPUT);

	if (!err)
		err = enpu_check_tile(x, &cmd->ofm, ENPU_TYPES_8, ENPU_TILE_OUTPUT);
	if (!err)
		err = enpu_check_same_shape(x, &cmd->ifm, &cmd->ofm);
	if (!err && (cmd->ifm.dtype != cmd->ofm.dtype || cmd->reserved ||
		     cmd->mode > ENPU_SOFTMAX_TABLE))
		err = enpu_exec_bad_operand(x);
	if (err)
		return err;
	return cmd->mode == ENPU_SOFTMAX_FIXED ? validate_fixed(x, cmd) : validate_table(x, cmd);
}

/* Three passes: largest, exponentials and their sum, outputs */
static void cost(const struct enpu_exec *x, struct enpu_cost *cost)
{
	const struct enpu_cmd_softmax *cmd = &x->cmd.softmax;

	cost->compute = enpu_vector_cycles(x, &cmd->ofm, 3 * enpu_tile_elements(&cmd->ofm));
	enpu_cost_tile(cost, &cmd->ifm, 3, false);
	enpu_cost_tile(cost, &cmd->ofm, 1, true);
	if (cmd->mode == ENPU_SOFTMAX_TABLE)
		enpu_cost_access(cost, cmd->table.region, 1, ENTRIES * sizeof(float), false);
}

const struct enpu_operation enpu_op_softmax = {
	.engines = ENPU_ENGINES_VECTOR,
	.size = sizeof(struct enpu_cmd_softmax),
	.validate = validate,
	.execute = execute,
	.cost = cost,
};
