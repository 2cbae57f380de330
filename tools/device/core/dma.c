// SPDX-License-Identifier: MIT
/*
 * DMA_COPY and DMA_FILL: strided byte moves between regions and SRAM.
 */
#include <string.h>

#include "command.h"

/* Bytes that are moved at a time */
#define PIECE_BYTES	(256u << 10)
/* Runs that are moved at a time, however short */
#define PIECE_RUNS	16384u

static bool is_fill(const struct enpu_cmd_dma *cmd)
{
	return cmd->cmd.opcode == ENPU_OP_DMA_FILL;
}

/* Number of runs; false: the command is too large */
static bool total_runs(const struct enpu_cmd_dma *cmd, uint64_t *runs)
{
	uint64_t n = 1;

	for (unsigned int i = 0; i < 4; i++) {
		if (!cmd->count[i] || __builtin_mul_overflow(n, cmd->count[i], &n) ||
		    n > ENPU_MAX_ELEMENTS)
			return false;
	}
	*runs = n;
	return cmd->length && n <= ENPU_MAX_ELEMENTS / cmd->length;
}

/* From the first byte that a side touches to the last; counts are limited by total_runs() */
static uint64_t span(const struct enpu_cmd_dma *cmd, const uint32_t stride[4])
{
	uint64_t last = 0;

	for (unsigned int i = 0; i < 4; i++)
		if (__builtin_add_overflow(last, (uint64_t)(cmd->count[i] - 1) * stride[i], &last))
			return UINT64_MAX;
	if (__builtin_add_overflow(last, cmd->length, &last))
		return UINT64_MAX;
	return last;
}

static int validate(struct enpu_exec *x)
{
	const struct enpu_cmd_dma *cmd = &x->cmd.dma;
	uint64_t runs;
	int err = enpu_check_zero(x, cmd->reserved, sizeof(cmd->reserved));

	if (err)
		return err;
	if (!total_runs(cmd, &runs) || cmd->src.dtype || cmd->dst.dtype)
		return enpu_exec_bad_operand(x);

	if (is_fill(cmd)) {
		if ((cmd->fill_size != 1 && cmd->fill_size != 2 && cmd->fill_size != 4) ||
		    cmd->length % cmd->fill_size)
			return enpu_exec_bad_operand(x);
		err = enpu_check_no_ref(x, &cmd->src);
		if (!err)
			err = enpu_check_zero(x, cmd->src_stride, sizeof(cmd->src_stride));
	} else {
		if (cmd->fill_size || cmd->value)
			return enpu_exec_bad_operand(x);
		err = enpu_check_ref(x, &cmd->src, span(cmd, cmd->src_stride), 1);
	}
	return err ? err : enpu_check_ref(x, &cmd->dst, span(cmd, cmd->dst_stride), 1);
}

static void fill_pattern(const struct enpu_cmd_dma *cmd, uint8_t *buf, size_t size)
{
	uint8_t value[4];

	memcpy(value, &cmd->value, sizeof(value));
	for (size_t i = 0; i < size; i++)
		buf[i] = value[i % cmd->fill_size];
}

/* count runs of len bytes from src to dst, both offsets in their regions */
static int move(struct enpu_exec *x, const struct enpu_cmd_dma *cmd, uint64_t src, uint64_t dst,
		uint32_t len, uint32_t count, uint8_t *buf)
{
	struct enpu_runs from = { src, cmd->src_stride[3], len, count };
	struct enpu_runs to = { dst, cmd->dst_stride[3], len, count };
	int err = 0;

	if (!is_fill(cmd))
		err = enpu_read(x, cmd->src.region, &from, buf);
	if (!err)
		err = enpu_write(x, cmd->dst.region, &to, buf);
	return err ? err : enpu_exec_poll(x);
}

/* The innermost count[3] runs, in pieces of whole runs, or of a run where it is long */
static int move_runs(struct enpu_exec *x, const struct enpu_cmd_dma *cmd, uint64_t src,
		     uint64_t dst, uint8_t *buf)
{
	uint32_t at_once = PIECE_BYTES / cmd->length;

	if (at_once > PIECE_RUNS)
		at_once = PIECE_RUNS;
	if (!at_once)
		at_once = 1;
	for (uint32_t i = 0; i < cmd->count[3];) {
		uint32_t n = cmd->count[3] - i < at_once ? cmd->count[3] - i : at_once;
		uint64_t run_src = src + (uint64_t)i * cmd->src_stride[3];
		uint64_t run_dst = dst + (uint64_t)i * cmd->dst_stride[3];

		for (uint32_t skip = 0; skip < cmd->length;) {
			uint32_t left = cmd->length - skip;
			uint32_t len = left < PIECE_BYTES ? left : PIECE_BYTES;
			int err = move(x, cmd, run_src + skip, run_dst + skip, len, n, buf);

			if (err)
				return err;
			skip += len;
		}
		i += n;
	}
	return 0;
}

static int execute(struct enpu_exec *x)
{
	const struct enpu_cmd_dma *cmd = &x->cmd.dma;
	uint64_t outer = (uint64_t)cmd->count[0] * cmd->count[1] * cmd->count[2];
	uint8_t *buf = enpu_scratch(x, ENPU_SCRATCH_ROW, PIECE_BYTES);

	if (!buf)
		return -EFAULT;
	if (is_fill(cmd))
		fill_pattern(cmd, buf, PIECE_BYTES);

	for (uint64_t i = 0; i < outer; i++) {
		uint64_t index[3] = {
			i / cmd->count[2] / cmd->count[1],
			i / cmd->count[2] % cmd->count[1],
			i % cmd->count[2],
		};
		uint64_t src = cmd->src.offset, dst = cmd->dst.offset;
		int err;

		for (unsigned int d = 0; d < 3; d++) {
			src += index[d] * cmd->src_stride[d];
			dst += index[d] * cmd->dst_stride[d];
		}
		err = move_runs(x, cmd, src, dst, buf);
		if (err)
			return err;
	}
	return 0;
}

/* Traffic of one side: runs that touch count as one */
static void cost_side(struct enpu_cost *cost, const struct enpu_cmd_dma *cmd,
		      const struct enpu_ref *ref, const uint32_t stride[4], bool write)
{
	uint64_t len = cmd->length, runs = 1;
	int d = 3;

	for (; d >= 0 && (cmd->count[d] == 1 || stride[d] == len); d--)
		len *= cmd->count[d];
	for (; d >= 0; d--)
		runs *= cmd->count[d];
	enpu_cost_access(cost, ref->region, runs, len, write);
}

static void cost(const struct enpu_exec *x, struct enpu_cost *cost)
{
	const struct enpu_cmd_dma *cmd = &x->cmd.dma;

	if (!is_fill(cmd))
		cost_side(cost, cmd, &cmd->src, cmd->src_stride, false);
	cost_side(cost, cmd, &cmd->dst, cmd->dst_stride, true);
}

const struct enpu_operation enpu_op_dma_copy = {
	.engines = ENPU_ENGINES_DMA,
	.size = sizeof(struct enpu_cmd_dma),
	.validate = validate,
	.execute = execute,
	.cost = cost,
};

const struct enpu_operation enpu_op_dma_fill = {
	.engines = ENPU_ENGINES_DMA,
	.size = sizeof(struct enpu_cmd_dma),
	.validate = validate,
	.execute = execute,
	.cost = cost,
};
