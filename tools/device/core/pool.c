// SPDX-License-Identifier: MIT
/*
 * POOL: maximum or average over the window positions inside the input tile.
 */
#include "requant.h"
#include "vector.h"

struct pool {
	const struct enpu_cmd_pool *cmd;
	int32_t *acc;			/* [positions of the piece][channels] */
	float *sums;			/* the same, for AVERAGE_FP32 */
	int32_t *input;
	int32_t *taps;			/* inside the tile, of each position of the piece */
};

static void add_tap(const struct pool *pool, uint32_t first, uint32_t count)
{
	uint32_t channels = pool->cmd->ifm.channels;
	size_t n = (size_t)count * channels;
	int32_t *acc = pool->acc + (size_t)first * channels;
	float *sums = pool->sums + (size_t)first * channels;
	const struct enpu_tile *ifm = &pool->cmd->ifm;
	const int32_t *in = pool->input;

	switch (pool->cmd->op) {
	case ENPU_POOL_MAX:
		for (size_t i = 0; i < n; i++)
			acc[i] = in[i] > acc[i] ? in[i] : acc[i];
		break;
	case ENPU_POOL_AVERAGE:
		for (size_t i = 0; i < n; i++)
			acc[i] += in[i];
		break;
	default:
		for (size_t i = 0; i < n; i++)
			sums[i] += enpu_float(ifm->scale) * (float)(in[i] - ifm->zero_point);
	}
	for (uint32_t i = 0; i < count; i++)
		pool->taps[first + i]++;
}

static int add_row(struct enpu_exec *x, const struct pool *pool, uint32_t iy, uint32_t col,
		   uint32_t n)
{
	const struct enpu_window *win = &pool->cmd->window;
	const struct enpu_tile *ifm = &pool->cmd->ifm;

	for (uint32_t kx = 0; kx < win->kernel_w; kx++) {
		int64_t at = (int64_t)col * win->stride_w + kx - win->pad_left;
		uint32_t first;
		uint32_t count = enpu_inside(at, win->stride_w, n, ifm->width, &first);
		int err;

		if (!count)
			continue;
		err = enpu_get_values(x, ifm, iy, (uint32_t)(at + (int64_t)first * win->stride_w),
				      win->stride_w, count, pool->input);
		if (err)
			return err;
		add_tap(pool, first, count);
	}
	return enpu_exec_poll(x);
}

/* Half away from zero; for unsigned types the same as adding n / 2 always */
static int32_t average(int32_t sum, int32_t n)
{
	return (sum > 0 ? sum + n / 2 : sum - n / 2) / n;
}

/* The zero point is added before the one rounding to an integer */
static int32_t average_fp32(const struct enpu_cmd_pool *cmd, float sum, int32_t n)
{
	const struct enpu_window *win = &cmd->window;

	if (cmd->flags & ENPU_POOL_COUNT_PADS)
		n = (int32_t)win->kernel_h * win->kernel_w;
	return enpu_round_even(sum / (float)n / enpu_float(cmd->ofm.scale) +
			       (float)cmd->ofm.zero_point);
}

static void finish(const struct pool *pool, uint32_t n)
{
	const struct enpu_cmd_pool *cmd = pool->cmd;
	const float *sum = pool->sums;
	int32_t *acc = pool->acc;

	for (uint32_t i = 0; i < n; i++) {
		for (uint32_t c = 0; c < cmd->ifm.channels; c++, acc++, sum++) {
			if (cmd->op == ENPU_POOL_AVERAGE)
				*acc = average(*acc, pool->taps[i]);
			else if (cmd->op == ENPU_POOL_AVERAGE_FP32)
				*acc = average_fp32(cmd, *sum, pool->taps[i]);
			*acc = enpu_clamp(*acc, cmd->clamp.min, cmd->clamp.max);
		}
	}
}

static int piece(struct enpu_exec *x, void *arg, uint32_t row, uint32_t col, uint32_t count)
{
	const struct pool *pool = arg;
	const struct enpu_cmd_pool *cmd = pool->cmd;
	size_t n = (size_t)count * cmd->ifm.channels;
	int32_t start = cmd->op == ENPU_POOL_MAX ? INT32_MIN : 0;
	int err = 0;

	for (size_t i = 0; i < n; i++) {
		pool->acc[i] = start;
		pool->sums[i] = 0;
	}
	for (uint32_t i = 0; i < count; i++)
		pool->taps[i] = 0;
	for (uint32_t ky = 0; ky < cmd->window.kernel_h && !err; ky++) {
		int64_t iy = (int64_t)row * cmd->window.stride_h + ky - cmd->window.pad_top;

		if (iy >= 0 && iy < cmd->ifm.height)
			err = add_row(x, pool, (uint32_t)iy, col, count);
	}
	if (err)
		return err;
	finish(pool, count);
	return enpu_put_values(x, &cmd->ofm, row, col, count, pool->acc);
}

static int execute(struct enpu_exec *x)
{
	struct pool pool = {
		.cmd = &x->cmd.pool,
		.acc = enpu_piece_values(x, ENPU_SCRATCH_ACC),
		.sums = (void *)enpu_piece_values(x, ENPU_SCRATCH_INPUT_B),
		.input = enpu_piece_values(x, ENPU_SCRATCH_INPUT),
		.taps = enpu_piece_values(x, ENPU_SCRATCH_VALUES),
	};

	if (!pool.acc || !pool.sums || !pool.input || !pool.taps)
		return -EFAULT;
	return enpu_for_pieces(x, &pool.cmd->ofm, piece, &pool);
}

/*
 * Every output meets at least one input along this axis: the first window ends
 * behind the tile's start, and the last begins before its end.
 */
static bool windows_meet(uint32_t outputs, uint32_t inputs, uint32_t kernel, uint32_t stride,
			 int32_t pad)
{
	return (int64_t)kernel > pad && (int64_t)(outputs - 1) * stride - pad < inputs;
}

static int validate(struct enpu_exec *x)
{
	const struct enpu_cmd_pool *cmd = &x->cmd.pool;
	const struct enpu_window *win = &cmd->window;
	bool fp32 = cmd->op == ENPU_POOL_AVERAGE_FP32;
	int (*check_tile)(struct enpu_exec *x, const struct enpu_tile *tile, unsigned int types,
			  enum enpu_tile_use use) = fp32 ? enpu_check_scaled_tile : enpu_check_tile;
	int err = enpu_check_zero(x, cmd->reserved, sizeof(cmd->reserved));

	if (!err)
		err = enpu_check_window(x, win);
	if (!err)
		err = check_tile(x, &cmd->ifm, ENPU_TYPES_8_16, ENPU_TILE_INPUT);
	if (!err)
		err = check_tile(x, &cmd->ofm, ENPU_TYPES_8_16, ENPU_TILE_OUTPUT);
	if (!err)
		err = enpu_check_clamp(x, &cmd->clamp, cmd->ofm.dtype);
	if (!err && (cmd->op > ENPU_POOL_AVERAGE_FP32 ||
		     cmd->flags & ~(fp32 ? ENPU_POOL_COUNT_PADS : 0u) ||
		     cmd->ifm.dtype != cmd->ofm.dtype ||
		     cmd->ifm.channels != cmd->ofm.channels ||
		     win->dilation_h != 1 || win->dilation_w != 1 ||
		     !windows_meet(cmd->ofm.height, cmd->ifm.height, win->kernel_h,
				   win->stride_h, win->pad_top) ||
		     !windows_meet(cmd->ofm.width, cmd->ifm.width, win->kernel_w,
				   win->stride_w, win->pad_left)))
		err = enpu_exec_bad_operand(x);
	return err ? err : enpu_check_work(x, &cmd->ofm, (uint64_t)win->kernel_h * win->kernel_w);
}

static void cost(const struct enpu_exec *x, struct enpu_cost *cost)
{
	const struct enpu_cmd_pool *cmd = &x->cmd.pool;
	uint64_t taps = (uint64_t)cmd->window.kernel_h * cmd->window.kernel_w;

	cost->compute = enpu_vector_cycles(x, &cmd->ofm, enpu_tile_elements(&cmd->ofm) * taps);
	enpu_cost_tile(cost, &cmd->ifm, 1, false);
	enpu_cost_tile(cost, &cmd->ofm, 1, true);
}

const struct enpu_operation enpu_op_pool = {
	.engines = ENPU_ENGINES_VECTOR,
	.size = sizeof(struct enpu_cmd_pool),
	.validate = validate,
	.execute = execute,
	.cost = cost,
};
