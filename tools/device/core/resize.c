// SPDX-License-Identifier: MIT
/*
 * RESIZE: every output is made of four inputs, which tables of taps name.
 */
#include <math.h>

#include "requant.h"
#include "vector.h"

/* Columns are fetched one by one, which takes time */
#define POLL_COLUMNS	1024

struct resize {
	const struct enpu_cmd_resize *cmd;
	const struct enpu_resize_tap *rows;
	const struct enpu_resize_tap *cols;
	int32_t *corners;		/* [4][channels]; row, column: lo lo, hi lo, lo hi, hi hi */
	int32_t *output;
};

static int32_t mix_fixed(const int32_t p[4], int64_t fy, int64_t fx, int64_t half,
			 const struct enpu_type *type)
{
	int64_t v = p[0] * (1024 - fy) * (1024 - fx) + p[1] * fy * (1024 - fx) +
		    p[2] * (1024 - fy) * fx + p[3] * fy * fx;

	v = (v > 0 ? v + half : v - half) / (1 << 20);
	return enpu_clamp(v, type->min, type->max);
}

static int32_t mix_float(const int32_t p[4], float fy, float fx, const struct enpu_type *type)
{
	float v = (float)p[0] * (1 - fy) * (1 - fx) + (float)p[1] * fy * (1 - fx) +
		  (float)p[2] * (1 - fy) * fx + (float)p[3] * fy * fx + 0.5f;

	/* In this order NaN becomes the lowest value */
	v = v > (float)type->min ? v : (float)type->min;
	v = v < (float)type->max ? v : (float)type->max;
	return (int32_t)v;
}

/* Weights first, then row by row */
static int32_t mix_fp32(const struct enpu_cmd_resize *cmd, const int32_t p[4], float fy, float fx)
{
	const struct enpu_type *type = &enpu_types[cmd->ofm.dtype];
	float scale = enpu_float(cmd->ifm.scale), real[4], v;

	for (unsigned int i = 0; i < 4; i++)
		real[i] = scale * (float)((int64_t)p[i] - cmd->ifm.zero_point);
	v = (1 - fx) * (1 - fy) * real[0] + fx * (1 - fy) * real[2] +
	    (1 - fx) * fy * real[1] + fx * fy * real[3];
	return enpu_clamp((int64_t)enpu_round_even(v / enpu_float(cmd->ofm.scale)) +
			  cmd->ofm.zero_point, type->min, type->max);
}

static int32_t mix(const struct enpu_cmd_resize *cmd, const int32_t p[4], int32_t fy, int32_t fx)
{
	const struct enpu_type *type = &enpu_types[cmd->ifm.dtype];

	switch (cmd->mode) {
	case ENPU_RESIZE_FIXED:
		return mix_fixed(p, fy, fx, 1 << 19, type);
	case ENPU_RESIZE_TRUNCATED:
		return mix_fixed(p, fy, fx, 0, type);
	case ENPU_RESIZE_FLOAT:
		return mix_float(p, enpu_float((uint32_t)fy), enpu_float((uint32_t)fx), type);
	default:
		return mix_fp32(cmd, p, enpu_float((uint32_t)fy), enpu_float((uint32_t)fx));
	}
}

static int column(struct enpu_exec *x, const struct resize *r,
		  const struct enpu_resize_tap *row, const struct enpu_resize_tap *col,
		  int32_t *out)
{
	const struct enpu_tile *ifm = &r->cmd->ifm;
	uint32_t channels = ifm->channels;
	const uint16_t at[4][2] = {
		{ row->lo, col->lo }, { row->hi, col->lo }, { row->lo, col->hi },
		{ row->hi, col->hi },
	};

	for (unsigned int i = 0; i < 4; i++) {
		int err = enpu_get_values(x, ifm, at[i][0], at[i][1], 1, 1,
					  r->corners + i * channels);

		if (err)
			return err;
	}
	for (uint32_t c = 0; c < channels; c++) {
		const int32_t p[4] = {
			r->corners[c], r->corners[channels + c], r->corners[2 * channels + c],
			r->corners[3 * channels + c],
		};

		out[c] = mix(r->cmd, p, row->frac, col->frac);
	}
	return 0;
}

static int piece(struct enpu_exec *x, void *arg, uint32_t row, uint32_t col, uint32_t count)
{
	const struct resize *r = arg;

	for (uint32_t i = 0; i < count; i++) {
		int err = column(x, r, &r->rows[row], &r->cols[col + i],
				 r->output + (size_t)i * r->cmd->ofm.channels);

		if (!err && i % POLL_COLUMNS == POLL_COLUMNS - 1)
			err = enpu_exec_poll(x);
		if (err)
			return err;
	}
	return enpu_put_values(x, &r->cmd->ofm, row, col, count, r->output);
}

/* validate has left both tables, the rows' first */
static int execute(struct enpu_exec *x)
{
	const struct enpu_resize_tap *taps = x->buffers->scratch[ENPU_SCRATCH_PARAMS].buf;
	struct resize r = {
		.cmd = &x->cmd.resize,
		.rows = taps,
		.cols = taps + x->cmd.resize.ofm.height,
		.output = enpu_piece_values(x, ENPU_SCRATCH_VALUES),
		.corners = enpu_scratch(x, ENPU_SCRATCH_INPUT, 4 * sizeof(int32_t) *
					(size_t)x->cmd.resize.ifm.channels),
	};

	if (!r.output || !r.corners)
		return -EFAULT;
	return enpu_for_pieces(x, &r.cmd->ofm, piece, &r);
}

static bool tap_ok(const struct enpu_resize_tap *tap, uint32_t extent, unsigned int mode)
{
	if (tap->lo >= extent || tap->hi >= extent)
		return false;
	if (mode == ENPU_RESIZE_FIXED || mode == ENPU_RESIZE_TRUNCATED)
		return tap->frac >= -1024 && tap->frac <= 2048;
	return isfinite(enpu_float((uint32_t)tap->frac));
}

static int read_taps(struct enpu_exec *x, const struct enpu_ref *ref, uint32_t extent,
		     struct enpu_resize_tap *taps, uint32_t count)
{
	int err = enpu_read_ref(x, ref, 0, taps, count * sizeof(*taps));

	for (uint32_t i = 0; i < count && !err; i++)
		if (!tap_ok(&taps[i], extent, x->cmd.resize.mode))
			err = enpu_exec_bad_operand(x);
	return err;
}

static int validate(struct enpu_exec *x)
{
	const struct enpu_cmd_resize *cmd = &x->cmd.resize;
	const size_t size = sizeof(struct enpu_resize_tap);
	struct enpu_resize_tap *taps;
	int (*check_tile)(struct enpu_exec *x, const struct enpu_tile *tile, unsigned int types,
			  enum enpu_tile_use use) =
		cmd->mode == ENPU_RESIZE_FP32 ? enpu_check_scaled_tile : enpu_check_tile;
	int err = enpu_check_zero(x, cmd->reserved, sizeof(cmd->reserved));

	if (!err)
		err = check_tile(x, &cmd->ifm, ENPU_TYPES_8_16, ENPU_TILE_INPUT);
	if (!err)
		err = check_tile(x, &cmd->ofm, ENPU_TYPES_8_16, ENPU_TILE_OUTPUT);
	if (!err && (cmd->mode > ENPU_RESIZE_FP32 || cmd->ifm.dtype != cmd->ofm.dtype ||
		     cmd->ifm.channels != cmd->ofm.channels || cmd->rows.dtype ||
		     cmd->cols.dtype))
		err = enpu_exec_bad_operand(x);
	if (!err)
		err = enpu_check_ref(x, &cmd->rows, cmd->ofm.height * size, 4);
	if (!err)
		err = enpu_check_ref(x, &cmd->cols, cmd->ofm.width * size, 4);
	if (err)
		return err;

	taps = enpu_scratch(x, ENPU_SCRATCH_PARAMS,
			    ((size_t)cmd->ofm.height + cmd->ofm.width) * size);
	if (!taps)
		return -EFAULT;
	err = read_taps(x, &cmd->rows, cmd->ifm.height, taps, cmd->ofm.height);
	return err ? err : read_taps(x, &cmd->cols, cmd->ifm.width, taps + cmd->ofm.height,
				     cmd->ofm.width);
}

/* Four multiplications an output */
static void cost(const struct enpu_exec *x, struct enpu_cost *cost)
{
	const struct enpu_cmd_resize *cmd = &x->cmd.resize;

	cost->compute = enpu_vector_cycles(x, &cmd->ofm, 4 * enpu_tile_elements(&cmd->ofm));
	enpu_cost_tile(cost, &cmd->ifm, 1, false);
	enpu_cost_tile(cost, &cmd->ofm, 1, true);
	enpu_cost_access(cost, cmd->rows.region, 1,
			 cmd->ofm.height * sizeof(struct enpu_resize_tap), false);
	enpu_cost_access(cost, cmd->cols.region, 1,
			 cmd->ofm.width * sizeof(struct enpu_resize_tap), false);
}

const struct enpu_operation enpu_op_resize = {
	.engines = ENPU_ENGINES_VECTOR,
	.size = sizeof(struct enpu_cmd_resize),
	.validate = validate,
	.execute = execute,
	.cost = cost,
};
