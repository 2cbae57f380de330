// SPDX-License-Identifier: MIT
/*
 * DEPTHWISE: every output channel has one input channel of its own.
 *
 * Works tap by tap over a piece of an output row, all channels at once.
 */
#include <string.h>

#include "mac.h"

/* Accumulators of a piece stay in the first-level cache */
#define PIECE_ELEMENTS	8192u

struct plan {
	const struct enpu_cmd_conv *cmd;
	uint32_t step;			/* output channels, padded to whole blocks */
	uint32_t piece;			/* positions at a time */
	int16_t *weights;		/* [kernel_h * kernel_w][step] */
	int16_t *input;
	void *acc;			/* [piece][step] */
};

/* Weights [O/16][taps][16 o] to [taps][O], zero points subtracted */
static int load_weights(struct enpu_exec *x, const struct plan *plan)
{
	const struct enpu_channel_block *ch = enpu_mac_channels(x);
	uint32_t taps = plan->cmd->window.kernel_h * plan->cmd->window.kernel_w;
	int16_t *blocked = plan->weights + (size_t)taps * plan->step;
	int err = enpu_mac_weights(x, &plan->cmd->weights, 0, (uint64_t)taps * plan->step,
				   blocked);

	if (err)
		return err;
	for (uint32_t b = 0; b < plan->step / ENPU_BLOCK_O; b++) {
		for (uint32_t t = 0; t < taps; t++, blocked += ENPU_BLOCK_O) {
			int16_t *dst = plan->weights + t * plan->step + b * ENPU_BLOCK_O;

			for (uint32_t o = 0; o < ENPU_BLOCK_O; o++)
				dst[o] = (int16_t)(blocked[o] - ch[b].weight_zero_point[o]);
		}
	}
	return 0;
}

/* Add kernel row ky, which meets input row iy, to the accumulators of n positions */
static int add_row(struct enpu_exec *x, const struct plan *plan, uint32_t ky, uint32_t iy,
		   uint32_t col, uint32_t n)
{
	const struct enpu_cmd_conv *cmd = plan->cmd;
	const struct enpu_window *win = &cmd->window;
	uint32_t channels = cmd->ifm.channels, multiplier = cmd->ofm.channels / channels;

	for (uint32_t kx = 0; kx < win->kernel_w; kx++) {
		int64_t at = (int64_t)col * win->stride_w + kx * win->dilation_w - win->pad_left;
		const int16_t *w = plan->weights + (ky * win->kernel_w + kx) * plan->step;
		uint32_t first, count;
		const void *raw;
		int err = 0;

		count = enpu_inside(at, win->stride_w, n, cmd->ifm.width, &first);
		if (!count)
			continue;
		raw = enpu_cols(x, &cmd->ifm, iy, (uint32_t)(at + (int64_t)first * win->stride_w),
				win->stride_w, count, &err);
		if (!raw)
			return err;
		enpu_widen(x, &cmd->ifm, plan->input, raw, (size_t)count * channels);
		if (cmd->ifm.dtype == ENPU_S16)
			x->kernels->tap_wide((int64_t *)plan->acc + (size_t)first * plan->step,
					     plan->step, plan->input, channels, w, count,
					     channels, multiplier);
		else
			x->kernels->tap((int32_t *)plan->acc + (size_t)first * plan->step,
					plan->step, plan->input, channels, w, count, channels,
					multiplier);
	}
	return enpu_exec_poll(x);
}

static int piece(struct enpu_exec *x, const struct plan *plan, const struct enpu_mac_out *out,
		 uint32_t row, uint32_t col, uint32_t n)
{
	const struct enpu_cmd_conv *cmd = plan->cmd;
	const struct enpu_window *win = &cmd->window;
	const struct enpu_channel_block *ch = enpu_mac_channels(x);
	int err = 0;

	memset(plan->acc, 0, (size_t)n * plan->step *
	       (out->wide ? sizeof(int64_t) : sizeof(int32_t)));
	for (uint32_t ky = 0; ky < win->kernel_h && !err; ky++) {
		int64_t iy = (int64_t)row * win->stride_h + ky * win->dilation_h - win->pad_top;

		if (iy >= 0 && iy < cmd->ifm.height)
			err = add_row(x, plan, ky, (uint32_t)iy, col, n);
	}
	for (uint32_t first = 0; first < plan->step && !err; first += ENPU_BLOCK_O) {
		void *acc = out->wide ? (void *)((int64_t *)plan->acc + first) :
					(void *)((int32_t *)plan->acc + first);

		err = enpu_mac_finish(x, out, acc, plan->step, n, &ch[first / ENPU_BLOCK_O],
				      first);
	}
	return err ? err : enpu_put_cols(x, &cmd->ofm, row, col, n, out->buf);
}

static int plan_init(struct enpu_exec *x, struct plan *plan)
{
	const struct enpu_cmd_conv *cmd = &x->cmd.conv;
	uint32_t taps = cmd->window.kernel_h * cmd->window.kernel_w;

	plan->cmd = cmd;
	plan->step = (uint32_t)enpu_round_up(cmd->ofm.channels, ENPU_BLOCK_O);
	plan->piece = PIECE_ELEMENTS / plan->step;
	if (!plan->piece)
		plan->piece = 1;
	/* The weights as they are used, and behind them as they come */
	plan->weights = enpu_scratch(x, ENPU_SCRATCH_WEIGHTS,
				     (size_t)2 * taps * plan->step * sizeof(*plan->weights));
	plan->input = enpu_scratch(x, ENPU_SCRATCH_INPUT, (size_t)plan->piece *
				   cmd->ifm.channels * sizeof(*plan->input));
	plan->acc = enpu_scratch(x, ENPU_SCRATCH_ACC,
				 (size_t)plan->piece * plan->step * sizeof(int64_t));
	return plan->weights && plan->input && plan->acc ? 0 : -EFAULT;
}

static int execute(struct enpu_exec *x)
{
	const struct enpu_cmd_conv *cmd = &x->cmd.conv;
	uint32_t width = cmd->ofm.width;
	struct enpu_mac_out out;
	struct plan plan;
	int err = plan_init(x, &plan);

	if (!err)
		err = enpu_mac_out_init(x, &out, &cmd->ifm, &cmd->ofm, cmd->requant, &cmd->clamp,
					plan.piece);
	if (!err)
		err = load_weights(x, &plan);
	for (uint32_t row = 0; row < cmd->ofm.height && !err; row++) {
		for (uint32_t col = 0; col < width && !err; col += plan.piece) {
			uint32_t n = width - col < plan.piece ? width - col : plan.piece;

			err = piece(x, &plan, &out, row, col, n);
			if (!err)
				err = enpu_exec_poll(x);
		}
	}
	return err;
}

static uint64_t weights_of(const struct enpu_cmd_conv *cmd)
{
	return enpu_round_up(cmd->ofm.channels, ENPU_BLOCK_O) * cmd->window.kernel_h *
	       cmd->window.kernel_w;
}

static int validate(struct enpu_exec *x)
{
	const struct enpu_cmd_conv *cmd = &x->cmd.conv;

	if (!cmd->ifm.channels || cmd->ofm.channels % cmd->ifm.channels)
		return enpu_exec_bad_operand(x);
	return enpu_mac_check(x, (uint64_t)cmd->window.kernel_h * cmd->window.kernel_w *
				 cmd->ofm.channels, weights_of(cmd));
}

/* An output channel's own input can feed one of the array's four inputs only */
static void cost(const struct enpu_exec *x, struct enpu_cost *cost)
{
	const struct enpu_cmd_conv *cmd = &x->cmd.conv;
	uint64_t taps = (uint64_t)cmd->window.kernel_h * cmd->window.kernel_w;

	cost->macs = (uint64_t)cmd->ofm.height * cmd->ofm.width * cmd->ofm.channels * taps;
	cost->compute = enpu_mac_cycles(x, &cmd->ifm, &cmd->ofm, taps);
	enpu_mac_cost_traffic(cost, cmd, weights_of(cmd));
}

const struct enpu_operation enpu_op_depthwise = {
	.engines = ENPU_ENGINES_MAC,
	.size = sizeof(struct enpu_cmd_conv),
	.validate = validate,
	.execute = execute,
	.cost = cost,
};
