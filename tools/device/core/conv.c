// SPDX-License-Identifier: MIT
/*
 * CONV and TRANSPOSE_CONV.
 *
 * Both gather, for a number of output positions at a time, the inputs that
 * each position's window meets into patches of K values (zero points
 * subtracted, zeros outside), and multiply them by blocks of 16 output
 * channels. They differ in which input a tap meets.
 */
#include <string.h>

#include "mac.h"

/* Some of a row's output positions, and the input columns one tap brings to them */
struct tap {
	uint32_t out;			/* first position that has an input */
	uint32_t out_step;
	uint32_t in;			/* first input column */
	uint32_t in_step;
	uint32_t count;
};

struct plan {
	const struct enpu_cmd_conv *cmd;
	uint32_t k;			/* values of a patch */
	uint32_t k_padded;
	uint32_t positions;		/* at a time */
	int16_t *patches;
	int16_t *weights;		/* of one block, widened */
	void *acc;
};

/* Input row of output row y under kernel row ky; false: none */
static bool tap_row(const struct plan *plan, uint32_t y, uint32_t ky, uint32_t *row)
{
	const struct enpu_window *win = &plan->cmd->window;
	int64_t at;

	if (plan->cmd->cmd.opcode == ENPU_OP_CONV) {
		at = (int64_t)y * win->stride_h + ky * win->dilation_h - win->pad_top;
	} else {
		at = (int64_t)y + win->pad_top - ky * win->dilation_h;
		if (at < 0 || at % win->stride_h)
			return false;
		at /= win->stride_h;
	}
	*row = (uint32_t)at;
	return at >= 0 && at < plan->cmd->ifm.height;
}

/* Columns for the output columns [col, col + count) under kernel column kx */
static struct tap tap_cols(const struct plan *plan, uint32_t col, uint32_t count, uint32_t kx)
{
	const struct enpu_window *win = &plan->cmd->window;
	uint32_t width = plan->cmd->ifm.width, first, skip, n;
	struct tap tap = { 0 };
	int64_t at;

	if (plan->cmd->cmd.opcode == ENPU_OP_CONV) {
		at = (int64_t)col * win->stride_w + kx * win->dilation_w - win->pad_left;
		tap.count = enpu_inside(at, win->stride_w, count, width, &first);
		tap.out = first;
		tap.out_step = 1;
		tap.in = (uint32_t)(at + (int64_t)first * win->stride_w);
		tap.in_step = win->stride_w;
		return tap;
	}

	/* Every stride-th output column meets an input column */
	at = (int64_t)col + win->pad_left - kx * win->dilation_w;
	skip = (uint32_t)((win->stride_w - at % win->stride_w) % win->stride_w);
	if (skip >= count)
		return tap;
	n = (uint32_t)enpu_div_up(count - skip, win->stride_w);
	at = (at + skip) / win->stride_w;
	tap.count = enpu_inside(at, 1, n, width, &first);
	tap.out = skip + first * win->stride_w;
	tap.out_step = win->stride_w;
	tap.in = (uint32_t)(at + first);
	tap.in_step = 1;
	return tap;
}

static int gather_tap(struct enpu_exec *x, const struct plan *plan, uint32_t row,
		      const struct tap *tap, int16_t *patch)
{
	const struct enpu_tile *ifm = &plan->cmd->ifm;
	size_t run = (size_t)ifm->channels * enpu_types[ifm->dtype].size;
	int err = 0;
	const uint8_t *raw = enpu_cols(x, ifm, row, tap->in, tap->in_step, tap->count, &err);

	if (!raw)
		return err;
	patch += (size_t)tap->out * plan->k_padded;
	if (ifm->channels == plan->k_padded && tap->out_step == 1) {
		enpu_widen(x, ifm, patch, raw, (size_t)tap->count * ifm->channels);
		return 0;
	}
	for (uint32_t i = 0; i < tap->count; i++) {
		enpu_widen(x, ifm, patch, raw + i * run, ifm->channels);
		patch += (size_t)tap->out_step * plan->k_padded;
	}
	return 0;
}

/* Patches of the output columns [col, col + count) of row y; they are all zeros before */
static int gather_row(struct enpu_exec *x, const struct plan *plan, uint32_t y, uint32_t col,
		      uint32_t count, int16_t *patch)
{
	const struct enpu_window *win = &plan->cmd->window;
	uint32_t channels = plan->cmd->ifm.channels, row;

	for (uint32_t ky = 0; ky < win->kernel_h; ky++) {
		if (!tap_row(plan, y, ky, &row))
			continue;
		for (uint32_t kx = 0; kx < win->kernel_w; kx++) {
			struct tap tap = tap_cols(plan, col, count, kx);
			uint32_t k = (ky * win->kernel_w + kx) * channels;
			int err;

			if (!tap.count)
				continue;
			err = gather_tap(x, plan, row, &tap, patch + k);
			if (err)
				return err;
		}
	}
	return enpu_exec_poll(x);
}

/* One row's share of the positions [first, first + n) of the output */
struct segment {
	uint32_t row;
	uint32_t col;
	uint32_t count;
};

static struct segment segment_at(const struct enpu_tile *ofm, uint64_t first, uint64_t n)
{
	struct segment seg = {
		.row = (uint32_t)(first / ofm->width),
		.col = (uint32_t)(first % ofm->width),
	};

	seg.count = ofm->width - seg.col;
	if (seg.count > n)
		seg.count = (uint32_t)n;
	return seg;
}

static int gather(struct enpu_exec *x, const struct plan *plan, uint64_t first, uint32_t n)
{
	memset(plan->patches, 0, (size_t)n * plan->k_padded * sizeof(*plan->patches));
	for (uint32_t done = 0; done < n;) {
		struct segment seg = segment_at(&plan->cmd->ofm, first + done, n - done);
		int err = gather_row(x, plan, seg.row, seg.col, seg.count,
				     plan->patches + (size_t)done * plan->k_padded);

		if (err)
			return err;
		done += seg.count;
	}
	return 0;
}

static int put(struct enpu_exec *x, const struct plan *plan, const struct enpu_mac_out *out,
	       uint64_t first, uint32_t n)
{
	const struct enpu_tile *ofm = &plan->cmd->ofm;
	size_t size = (size_t)ofm->channels * enpu_types[ofm->dtype].size;

	for (uint32_t done = 0; done < n;) {
		struct segment seg = segment_at(ofm, first + done, n - done);
		int err = enpu_put_cols(x, ofm, seg.row, seg.col, seg.count,
					(uint8_t *)out->buf + done * size);

		if (err)
			return err;
		done += seg.count;
	}
	return 0;
}

/* The weights of a block, zero points subtracted. Past K they meet zeros, and may be anything. */
static int load_weights(struct enpu_exec *x, const struct plan *plan, uint32_t block,
			const struct enpu_channel_block *ch)
{
	size_t count = (size_t)plan->k_padded * ENPU_BLOCK_O;
	int err = enpu_mac_weights(x, &plan->cmd->weights, block * count, count, plan->weights);
	int16_t zero_points[ENPU_BLOCK];
	bool all_zero = true;

	for (size_t i = 0; i < ENPU_BLOCK; i++) {
		zero_points[i] = (int16_t)ch->weight_zero_point[i / ENPU_BLOCK_K];
		all_zero &= !zero_points[i];
	}
	if (err || all_zero)
		return err;
	for (int16_t *w = plan->weights; w < plan->weights + count; w += ENPU_BLOCK)
		for (size_t i = 0; i < ENPU_BLOCK; i++)
			w[i] = (int16_t)(w[i] - zero_points[i]);
	return 0;
}

static int multiply(struct enpu_exec *x, const struct plan *plan, const struct enpu_mac_out *out,
		    uint32_t n)
{
	const struct enpu_channel_block *ch = enpu_mac_channels(x);
	uint32_t blocks = (uint32_t)enpu_div_up(out->channels, ENPU_BLOCK_O);

	for (uint32_t b = 0; b < blocks; b++) {
		int err = load_weights(x, plan, b, &ch[b]);

		if (err)
			return err;
		if (out->wide)
			x->kernels->mac_wide(plan->acc, plan->patches, plan->weights, n,
					     plan->k_padded);
		else
			x->kernels->mac(plan->acc, plan->patches, plan->weights, n,
					plan->k_padded);
		err = enpu_mac_finish(x, out, plan->acc, ENPU_BLOCK_O, n, &ch[b],
				      b * ENPU_BLOCK_O);
		if (!err)
			err = enpu_exec_poll(x);
		if (err)
			return err;
	}
	return 0;
}

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static int plan_init(struct enpu_exec *x, struct plan *plan)
{
	const struct enpu_cmd_conv *cmd = &x->cmd.conv;

	plan->cmd = cmd;
	plan->k = cmd->window.kernel_h * cmd->window.kernel_w * cmd->ifm.channels;
	plan->k_padded = (uint32_t)enpu_round_up(plan->k, ENPU_BLOCK_K);
	plan->positions = min_u32(ENPU_PATCH_ELEMENTS / plan->k_padded,
				  min_u32(ENPU_OUT_ELEMENTS / cmd->ofm.channels,
					  ENPU_MAX_POSITIONS));
	if (!plan->positions)
		plan->positions = 1;
	plan->patches = enpu_scratch(x, ENPU_SCRATCH_INPUT, (size_t)plan->positions *
				     plan->k_padded * sizeof(*plan->patches));
	plan->weights = enpu_scratch(x, ENPU_SCRATCH_WEIGHTS, (size_t)ENPU_BLOCK_O *
				     plan->k_padded * sizeof(*plan->weights));
	plan->acc = enpu_scratch(x, ENPU_SCRATCH_ACC,
				 (size_t)plan->positions * ENPU_BLOCK_O * sizeof(int64_t));
	return plan->patches && plan->weights && plan->acc ? 0 : -EFAULT;
}

static int execute(struct enpu_exec *x)
{
	const struct enpu_cmd_conv *cmd = &x->cmd.conv;
	uint64_t positions = (uint64_t)cmd->ofm.height * cmd->ofm.width;
	struct enpu_mac_out out;
	struct plan plan;
	int err = plan_init(x, &plan);

	if (!err)
		err = enpu_mac_out_init(x, &out, &cmd->ifm, &cmd->ofm, cmd->requant, &cmd->clamp,
					plan.positions);
	for (uint64_t first = 0; first < positions && !err; first += plan.positions) {
		uint32_t n = positions - first < plan.positions ? (uint32_t)(positions - first) :
								  plan.positions;

		err = gather(x, &plan, first, n);
		if (!err)
			err = multiply(x, &plan, &out, n);
		if (!err)
			err = put(x, &plan, &out, first, n);
	}
	return err;
}

static uint64_t taps_of(const struct enpu_cmd_conv *cmd)
{
	return (uint64_t)cmd->window.kernel_h * cmd->window.kernel_w * cmd->ifm.channels;
}

static uint64_t weights_of(const struct enpu_cmd_conv *cmd)
{
	return enpu_round_up(cmd->ofm.channels, ENPU_BLOCK_O) *
	       enpu_round_up(taps_of(cmd), ENPU_COST_BLOCK_K);
}

static int validate(struct enpu_exec *x)
{
	return enpu_mac_check(x, taps_of(&x->cmd.conv), weights_of(&x->cmd.conv));
}

static void cost_conv(const struct enpu_exec *x, struct enpu_cost *cost)
{
	const struct enpu_cmd_conv *cmd = &x->cmd.conv;
	uint64_t taps = taps_of(cmd);

	cost->macs = (uint64_t)cmd->ofm.height * cmd->ofm.width * cmd->ofm.channels * taps;
	cost->compute = enpu_mac_cycles(x, &cmd->ifm, &cmd->ofm,
					enpu_div_up(taps, ENPU_COST_BLOCK_K));
	enpu_mac_cost_traffic(cost, cmd, weights_of(cmd));
}

/* Of a window's taps only those that fall on an input take time */
static void cost_transpose(const struct enpu_exec *x, struct enpu_cost *cost)
{
	const struct enpu_cmd_conv *cmd = &x->cmd.conv;
	uint64_t taps = enpu_div_up(cmd->window.kernel_h, cmd->window.stride_h) *
			enpu_div_up(cmd->window.kernel_w, cmd->window.stride_w) *
			cmd->ifm.channels;

	cost->macs = (uint64_t)cmd->ofm.height * cmd->ofm.width * cmd->ofm.channels * taps;
	cost->compute = enpu_mac_cycles(x, &cmd->ifm, &cmd->ofm,
					enpu_div_up(taps, ENPU_COST_BLOCK_K));
	enpu_mac_cost_traffic(cost, cmd, weights_of(cmd));
}

const struct enpu_operation enpu_op_conv = {
	.engines = ENPU_ENGINES_MAC,
	.size = sizeof(struct enpu_cmd_conv),
	.validate = validate,
	.execute = execute,
	.cost = cost_conv,
};

const struct enpu_operation enpu_op_transpose_conv = {
	.engines = ENPU_ENGINES_MAC,
	.size = sizeof(struct enpu_cmd_conv),
	.validate = validate,
	.execute = execute,
	.cost = cost_transpose,
};
