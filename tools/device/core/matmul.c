// SPDX-License-Identifier: MIT
/*
 * MATMUL: the product of two tiles, on the MAC array.
 *
 * Rows of a are the patches, 16 columns of b the weight block.
 */
#include <string.h>

#include "mac.h"

struct plan {
	const struct enpu_cmd_matmul *cmd;
	uint32_t k;
	uint32_t k_padded;
	uint32_t rows;			/* of a, at a time */
	int16_t *patches;
	int16_t *weights;		/* a block */
	int16_t *columns;		/* b's columns as they come, [k][16] or [16][k_padded] */
	void *acc;
	struct enpu_channel_block scale;
};

static uint32_t columns_of(const struct enpu_cmd_matmul *cmd)
{
	return cmd->flags & ENPU_MATMUL_B_TRANSPOSED ? cmd->b.width : cmd->b.channels;
}

static uint32_t depth_of(const struct enpu_cmd_matmul *cmd)
{
	return cmd->flags & ENPU_MATMUL_B_TRANSPOSED ? cmd->b.channels : cmd->b.width;
}

/* Rows [row, row + count) of a tile, padded to k_padded with zeros */
static int load_rows(struct enpu_exec *x, const struct plan *plan, const struct enpu_tile *tile,
		     uint32_t batch, uint32_t row, uint32_t count, int16_t *dst)
{
	size_t run = (size_t)plan->k * enpu_types[tile->dtype].size;
	int err = 0;
	const uint8_t *raw = enpu_cols(x, tile, batch, row, 1, count, &err);

	if (!raw)
		return err;
	for (uint32_t i = 0; i < count; i++, dst += plan->k_padded) {
		enpu_widen(x, tile, dst, raw + i * run, plan->k);
		memset(dst + plan->k, 0, (plan->k_padded - plan->k) * sizeof(*dst));
	}
	return 0;
}

/* Put count columns of K values into the block, with steps between them and between their values */
static void fill_block(const struct plan *plan, uint32_t count, size_t column_step, size_t k_step)
{
	memset(plan->weights, 0, (size_t)ENPU_BLOCK_O * plan->k_padded * sizeof(int16_t));
	for (uint32_t k = 0; k < plan->k; k++) {
		int16_t *dst = plan->weights + (size_t)k / ENPU_BLOCK_K * ENPU_BLOCK +
			       k % ENPU_BLOCK_K;

		for (uint32_t o = 0; o < count; o++)
			dst[o * ENPU_BLOCK_K] = plan->columns[o * column_step + k * k_step];
	}
}

/* count columns of b from first on */
static int load_columns(struct enpu_exec *x, const struct plan *plan, uint32_t batch,
			uint32_t first, uint32_t count)
{
	struct enpu_tile cols = plan->cmd->b;
	const void *raw;
	int err = 0;

	cols.offset += (uint64_t)first * enpu_types[cols.dtype].size;
	cols.channels = count;
	raw = enpu_cols(x, &cols, batch, 0, 1, plan->k, &err);
	if (!raw)
		return err;
	enpu_widen(x, &cols, plan->columns, raw, (size_t)plan->k * count);
	fill_block(plan, count, 1, count);
	return 0;
}

static int load_block(struct enpu_exec *x, const struct plan *plan, uint32_t batch,
		      uint32_t first)
{
	uint32_t left = plan->cmd->ofm.channels - first;
	uint32_t count = left < ENPU_BLOCK_O ? left : ENPU_BLOCK_O;
	int err;

	if (!(plan->cmd->flags & ENPU_MATMUL_B_TRANSPOSED))
		return load_columns(x, plan, batch, first, count);
	err = load_rows(x, plan, &plan->cmd->b, batch, first, count, plan->columns);
	if (!err)
		fill_block(plan, count, plan->k_padded, 1);
	return err;
}

static int multiply(struct enpu_exec *x, const struct plan *plan, const struct enpu_mac_out *out,
		    uint32_t batch, uint32_t row, uint32_t n)
{
	int err = load_rows(x, plan, &plan->cmd->a, batch, row, n, plan->patches);

	for (uint32_t first = 0; first < out->channels && !err; first += ENPU_BLOCK_O) {
		err = load_block(x, plan, batch, first);
		if (err)
			break;
		if (out->wide)
			x->kernels->mac_wide(plan->acc, plan->patches, plan->weights, n,
					     plan->k_padded);
		else
			x->kernels->mac(plan->acc, plan->patches, plan->weights, n,
					plan->k_padded);
		err = enpu_mac_finish(x, out, plan->acc, ENPU_BLOCK_O, n, &plan->scale, first);
		if (!err)
			err = enpu_exec_poll(x);
	}
	return err ? err : enpu_put_cols(x, &plan->cmd->ofm, batch, row, n, out->buf);
}

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static int plan_init(struct enpu_exec *x, struct plan *plan)
{
	const struct enpu_cmd_matmul *cmd = &x->cmd.matmul;
	int shift = cmd->scale.shift;

	plan->cmd = cmd;
	plan->k = depth_of(cmd);
	plan->k_padded = (uint32_t)enpu_round_up(plan->k, ENPU_BLOCK_K);
	plan->rows = min_u32(ENPU_PATCH_ELEMENTS / plan->k_padded,
			     min_u32(ENPU_OUT_ELEMENTS / cmd->ofm.channels, ENPU_MAX_POSITIONS));
	for (unsigned int o = 0; o < ENPU_BLOCK_O; o++) {
		plan->scale.bias[o] = 0;
		plan->scale.multiplier[o] = cmd->scale.multiplier;
		plan->scale.shift[o] = shift;
		plan->scale.left[o] = shift > 0 ? shift : 0;
		plan->scale.right[o] = shift < 0 ? -shift : 0;
		plan->scale.weight_zero_point[o] = 0;
	}
	plan->patches = enpu_scratch(x, ENPU_SCRATCH_INPUT,
				     (size_t)plan->rows * plan->k_padded * sizeof(int16_t));
	plan->weights = enpu_scratch(x, ENPU_SCRATCH_WEIGHTS,
				     (size_t)ENPU_BLOCK_O * plan->k_padded * sizeof(int16_t));
	plan->columns = enpu_scratch(x, ENPU_SCRATCH_INPUT_B,
				     (size_t)ENPU_BLOCK_O * plan->k_padded * sizeof(int16_t));
	plan->acc = enpu_scratch(x, ENPU_SCRATCH_ACC,
				 (size_t)plan->rows * ENPU_BLOCK_O * sizeof(int64_t));
	return plan->patches && plan->weights && plan->columns && plan->acc ? 0 : -EFAULT;
}

static int execute(struct enpu_exec *x)
{
	const struct enpu_cmd_matmul *cmd = &x->cmd.matmul;
	const struct enpu_tile *wide = cmd->a.dtype == ENPU_S16 ? &cmd->a : &cmd->b;
	struct enpu_mac_out out;
	struct plan plan;
	int err = plan_init(x, &plan);

	if (!err)
		err = enpu_mac_out_init(x, &out, wide, &cmd->ofm, cmd->requant, &cmd->clamp,
					plan.rows);
	for (uint32_t batch = 0; batch < cmd->ofm.height && !err; batch++) {
		for (uint32_t row = 0; row < cmd->ofm.width && !err; row += plan.rows)
			err = multiply(x, &plan, &out, batch, row,
				       min_u32(cmd->ofm.width - row, plan.rows));
	}
	return err;
}

static bool shapes_ok(const struct enpu_cmd_matmul *cmd)
{
	return cmd->a.height == cmd->ofm.height && cmd->b.height == cmd->ofm.height &&
	       cmd->a.width == cmd->ofm.width && cmd->a.channels == depth_of(cmd) &&
	       columns_of(cmd) == cmd->ofm.channels;
}

static int validate(struct enpu_exec *x)
{
	const struct enpu_cmd_matmul *cmd = &x->cmd.matmul;
	bool wide = cmd->a.dtype == ENPU_S16 || cmd->b.dtype == ENPU_S16;
	int err = enpu_check_zero(x, cmd->reserved, sizeof(cmd->reserved));

	if (!err)
		err = enpu_check_tile(x, &cmd->a, ENPU_TYPES_8_16, ENPU_TILE_INPUT);
	if (!err)
		err = enpu_check_tile(x, &cmd->b, ENPU_TYPES_8_16, ENPU_TILE_INPUT);
	if (!err)
		err = enpu_check_tile(x, &cmd->ofm, ENPU_TYPES_INT, ENPU_TILE_OUTPUT);
	if (!err && (cmd->flags & ~ENPU_MATMUL_B_TRANSPOSED || !shapes_ok(cmd)))
		err = enpu_exec_bad_operand(x);
	if (!err)
		err = enpu_mac_check_output(x, &cmd->a, &cmd->ofm, cmd->requant, &cmd->clamp);
	if (!err)
		err = enpu_mac_check_output(x, &cmd->b, &cmd->ofm, cmd->requant, &cmd->clamp);
	if (!err)
		err = enpu_check_zero(x, cmd->scale.reserved, sizeof(cmd->scale.reserved));
	if (!err)
		err = enpu_check_multiplier(x, cmd->scale.multiplier, cmd->scale.shift,
					    cmd->requant, wide ? 14 : 30);
	return err ? err : enpu_check_work(x, &cmd->ofm, depth_of(cmd));
}

static void cost(const struct enpu_exec *x, struct enpu_cost *cost)
{
	const struct enpu_cmd_matmul *cmd = &x->cmd.matmul;
	const struct enpu_tile *wide = cmd->a.dtype == ENPU_S16 ? &cmd->a : &cmd->b;

	cost->macs = enpu_tile_elements(&cmd->ofm) * depth_of(cmd);
	cost->compute = enpu_mac_cycles(x, wide, &cmd->ofm,
					enpu_div_up(depth_of(cmd), ENPU_COST_BLOCK_K));
	enpu_cost_tile(cost, &cmd->a, 1, false);
	enpu_cost_tile(cost, &cmd->b, enpu_div_up(cmd->a.width, ENPU_COST_POSITIONS), false);
	enpu_cost_tile(cost, &cmd->ofm, 1, true);
}

const struct enpu_operation enpu_op_matmul = {
	.engines = ENPU_ENGINES_MAC,
	.size = sizeof(struct enpu_cmd_matmul),
	.validate = validate,
	.execute = execute,
	.cost = cost,
};
