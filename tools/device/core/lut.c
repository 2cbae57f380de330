// SPDX-License-Identifier: MIT
/*
 * LUT: a table look-up for 8-bit inputs, an interpolated one for 16 bits.
 */
#include "vector.h"

#define ENTRIES_8	256
#define ENTRIES_16	513

struct lut {
	const struct enpu_cmd_lut *cmd;
	const int32_t *table;
	int32_t *values;
};

static uint32_t entries(const struct enpu_cmd_lut *cmd)
{
	return cmd->ifm.dtype == ENPU_S16 ? ENTRIES_16 : ENTRIES_8;
}

static int32_t look_up_16(const int32_t *table, int32_t q)
{
	int32_t i = (q + 32768) >> 7, f = q & 127;

	return table[i] + (((table[i + 1] - table[i]) * f + 64) >> 7);
}

static int piece(struct enpu_exec *x, void *arg, uint32_t row, uint32_t col, uint32_t count)
{
	const struct lut *lut = arg;
	const struct enpu_tile *ifm = &lut->cmd->ifm;
	size_t n = (size_t)count * ifm->channels;
	int32_t lowest = enpu_types[ifm->dtype].min;
	int err = enpu_get_values(x, ifm, row, col, 1, count, lut->values);

	if (err)
		return err;
	for (size_t i = 0; i < n; i++) {
		int32_t q = lut->values[i];

		lut->values[i] = ifm->dtype == ENPU_S16 ? look_up_16(lut->table, q) :
							  lut->table[q - lowest];
	}
	return enpu_put_values(x, &lut->cmd->ofm, row, col, count, lut->values);
}

/* The table as 32-bit values: to its own type's tile, a row */
static int read_table(struct enpu_exec *x, const struct enpu_cmd_lut *cmd, int32_t *table)
{
	struct enpu_tile row = {
		.region = cmd->table.region,
		.dtype = cmd->table.dtype,
		.offset = cmd->table.offset,
		.height = 1,
		.width = 1,
		.channels = entries(cmd),
	};

	return enpu_get_values(x, &row, 0, 0, 1, 1, table);
}

static int execute(struct enpu_exec *x)
{
	int32_t table[ENTRIES_16];
	struct lut lut = {
		.cmd = &x->cmd.lut,
		.table = table,
		.values = enpu_piece_values(x, ENPU_SCRATCH_VALUES),
	};
	int err = lut.values ? read_table(x, lut.cmd, table) : -EFAULT;

	return err ? err : enpu_for_pieces(x, &lut.cmd->ofm, piece, &lut);
}

static int validate(struct enpu_exec *x)
{
	const struct enpu_cmd_lut *cmd = &x->cmd.lut;
	int err = enpu_check_tile(x, &cmd->ifm, ENPU_TYPES_8_16, ENPU_TILE_INPUT);

	if (!err)
		err = enpu_check_tile(x, &cmd->ofm, ENPU_TYPES_8_16, ENPU_TILE_OUTPUT);
	if (!err)
		err = enpu_check_same_shape(x, &cmd->ifm, &cmd->ofm);
	if (!err && (cmd->table.dtype != cmd->ofm.dtype ||
		     (cmd->ifm.dtype == ENPU_S16 && cmd->ofm.dtype != ENPU_S16)))
		err = enpu_exec_bad_operand(x);
	if (!err)
		err = enpu_check_ref(x, &cmd->table,
				     (uint64_t)entries(cmd) * enpu_types[cmd->ofm.dtype].size,
				     enpu_types[cmd->ofm.dtype].size);
	return err;
}

static void cost(const struct enpu_exec *x, struct enpu_cost *cost)
{
	const struct enpu_cmd_lut *cmd = &x->cmd.lut;

	cost->compute = enpu_vector_cycles(x, &cmd->ofm, enpu_tile_elements(&cmd->ofm));
	enpu_cost_tile(cost, &cmd->ifm, 1, false);
	enpu_cost_tile(cost, &cmd->ofm, 1, true);
	enpu_cost_access(cost, cmd->table.region, 1,
			 (uint64_t)entries(cmd) * enpu_types[cmd->ofm.dtype].size, false);
}

const struct enpu_operation enpu_op_lut = {
	.engines = ENPU_ENGINES_VECTOR,
	.size = sizeof(struct enpu_cmd_lut),
	.validate = validate,
	.execute = execute,
	.cost = cost,
};
