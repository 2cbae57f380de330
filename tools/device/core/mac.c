// SPDX-License-Identifier: MIT
/*
 * The MAC array's shared parts: channel parameters, weights, output stage.
 */
#include "mac.h"
#include "requant.h"

int enpu_mac_check_output(struct enpu_exec *x, const struct enpu_tile *ifm,
			  const struct enpu_tile *ofm, unsigned int requant,
			  const struct enpu_clamp *clamp)
{
	int err = enpu_check_requant(x, requant);

	/* x - zero point is computed in 16 bits */
	if (!err && ifm->dtype == ENPU_S16 && ifm->zero_point)
		err = enpu_exec_bad_operand(x);
	return err ? err : enpu_check_clamp(x, clamp, ofm->dtype);
}

int enpu_mac_out_init(struct enpu_exec *x, struct enpu_mac_out *out, const struct enpu_tile *ifm,
		      const struct enpu_tile *ofm, unsigned int requant,
		      const struct enpu_clamp *clamp, uint32_t positions)
{
	*out = (struct enpu_mac_out) {
		.stage = {
			.requant = requant,
			.zero_point = ofm->zero_point,
			.min = clamp->min,
			.max = clamp->max,
		},
		.dtype = ofm->dtype,
		.wide = ifm->dtype == ENPU_S16,
		.raw = ofm->dtype == ENPU_S32,
		.channels = ofm->channels,
		.buf = enpu_scratch(x, ENPU_SCRATCH_OUT, (size_t)positions * ofm->channels *
							 enpu_types[ofm->dtype].size),
	};
	return out->buf ? 0 : -EFAULT;
}

static void raw_values(const struct enpu_mac_out *out, const void *acc, size_t step, size_t n,
		       const struct enpu_channel_block *ch, int32_t *values, size_t values_step)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t o = 0; o < ENPU_BLOCK_O; o++) {
			size_t at = i * step + o;

			values[i * values_step + o] = out->wide ?
				enpu_saturate(((const int64_t *)acc)[at] + ch->bias[o]) :
				((const int32_t *)acc)[at] + (int32_t)ch->bias[o];
		}
	}
}

int enpu_mac_finish(struct enpu_exec *x, const struct enpu_mac_out *out, void *acc, size_t step,
		    size_t n, const struct enpu_channel_block *ch, uint32_t first)
{
	size_t size = enpu_types[out->dtype].size, values_step = step;
	uint8_t *dst = (uint8_t *)out->buf + first * size;
	uint32_t count = out->channels - first;
	int32_t *values = acc;

	if (out->wide) {
		values = enpu_scratch(x, ENPU_SCRATCH_VALUES,
				      n * ENPU_BLOCK_O * sizeof(*values));
		if (!values)
			return -EFAULT;
		values_step = ENPU_BLOCK_O;
	}

	if (out->raw)
		raw_values(out, acc, step, n, ch, values, values_step);
	else if (out->wide)
		x->kernels->requant_wide(values, acc, step, n, ch, &out->stage);
	else
		x->kernels->requant(values, step, n, ch, &out->stage);

	if (count > ENPU_BLOCK_O)
		count = ENPU_BLOCK_O;
	if (size == 1)
		x->kernels->narrow8(dst, out->channels, values, values_step, n, count);
	for (size_t i = 0; i < n && size > 1; i++)
		enpu_narrow(dst + i * out->channels * size, out->dtype, values + i * values_step,
			    count);
	return 0;
}

/* Bytes of count weights, which is even */
static uint64_t weight_bytes(unsigned int dtype, uint64_t count)
{
	return dtype == ENPU_S4 ? count / 2 : count;
}

static bool zero_point_ok(unsigned int dtype, int zero_point)
{
	switch (dtype) {
	case ENPU_U8:
		return zero_point >= 0 && zero_point <= UINT8_MAX;
	case ENPU_S8:
		return zero_point >= INT8_MIN && zero_point <= INT8_MAX;
	default:
		return zero_point >= -8 && zero_point <= 7;
	}
}

static int check_channel(struct enpu_exec *x, const struct enpu_cmd_conv *cmd,
			 const struct enpu_channel *c)
{
	bool wide = cmd->ifm.dtype == ENPU_S16;

	if (c->reserved || !zero_point_ok(cmd->weights.dtype, c->weight_zero_point) ||
	    (!wide && (c->bias < INT32_MIN || c->bias > INT32_MAX)))
		return enpu_exec_bad_operand(x);
	return enpu_check_multiplier(x, c->multiplier, c->shift, cmd->requant, wide ? 14 : 30);
}

static void set_channel(struct enpu_channel_block *block, unsigned int o,
			const struct enpu_channel *c)
{
	block->bias[o] = c->bias;
	block->multiplier[o] = c->multiplier;
	block->shift[o] = c->shift;
	block->left[o] = c->shift > 0 ? c->shift : 0;
	block->right[o] = c->shift < 0 ? -c->shift : 0;
	block->weight_zero_point[o] = c->weight_zero_point;
}

/*
 * The parameters are read once, into the context: a host that changes them
 * while the command runs changes nothing.
 */
static int read_channels(struct enpu_exec *x, const struct enpu_cmd_conv *cmd)
{
	const struct enpu_channel none = { 0 };
	uint32_t count = cmd->ofm.channels;
	uint32_t blocks = (uint32_t)enpu_div_up(count, ENPU_BLOCK_O);
	struct enpu_channel_block *ch;

	ch = enpu_scratch(x, ENPU_SCRATCH_PARAMS, blocks * sizeof(*ch));
	if (!ch)
		return -EFAULT;
	for (uint32_t b = 0; b < blocks; b++) {
		struct enpu_channel raw[ENPU_BLOCK_O];
		uint32_t first = b * ENPU_BLOCK_O;
		uint32_t n = count - first < ENPU_BLOCK_O ? count - first : ENPU_BLOCK_O;
		int err = enpu_read_ref(x, &cmd->params, first * sizeof(*raw), raw,
					n * sizeof(*raw));

		for (uint32_t o = 0; o < n && !err; o++)
			err = check_channel(x, cmd, &raw[o]);
		if (err)
			return err;
		for (uint32_t o = 0; o < ENPU_BLOCK_O; o++)
			set_channel(&ch[b], o, o < n ? &raw[o] : &none);
	}
	return 0;
}

const struct enpu_channel_block *enpu_mac_channels(const struct enpu_exec *x)
{
	return x->buffers->scratch[ENPU_SCRATCH_PARAMS].buf;
}

int enpu_mac_check(struct enpu_exec *x, uint64_t taps, uint64_t weights)
{
	const struct enpu_cmd_conv *cmd = &x->cmd.conv;
	const unsigned int weight_types = ENPU_TYPES_8 | ENPU_TYPE(ENPU_S4);
	int err = enpu_check_zero(x, cmd->reserved, sizeof(cmd->reserved));

	if (!err)
		err = enpu_check_window(x, &cmd->window);
	if (!err && (taps > ENPU_MAX_TAPS || cmd->weights.dtype >= ENPU_NUM_DTYPES ||
		     !(weight_types & ENPU_TYPE(cmd->weights.dtype)) || cmd->params.dtype))
		err = enpu_exec_bad_operand(x);
	if (!err)
		err = enpu_check_tile(x, &cmd->ifm, ENPU_TYPES_8_16, ENPU_TILE_INPUT);
	if (!err)
		err = enpu_check_tile(x, &cmd->ofm, ENPU_TYPES_INT, ENPU_TILE_OUTPUT);
	if (!err)
		err = enpu_mac_check_output(x, &cmd->ifm, &cmd->ofm, cmd->requant, &cmd->clamp);
	if (!err)
		err = enpu_check_work(x, &cmd->ofm, taps);
	if (!err)
		err = enpu_check_ref(x, &cmd->weights, weight_bytes(cmd->weights.dtype, weights),
				     1);
	if (!err)
		err = enpu_check_ref(x, &cmd->params,
				     cmd->ofm.channels * sizeof(struct enpu_channel), 8);
	return err ? err : read_channels(x, cmd);
}

int enpu_mac_weights(struct enpu_exec *x, const struct enpu_ref *ref, uint64_t first,
		     uint64_t count, int16_t *dst)
{
	uint64_t bytes = weight_bytes(ref->dtype, count);
	uint8_t *raw = enpu_scratch(x, ENPU_SCRATCH_WEIGHTS_RAW, bytes);
	int err;

	if (!raw)
		return -EFAULT;
	err = enpu_read_ref(x, ref, weight_bytes(ref->dtype, first), raw, bytes);
	if (err)
		return err;

	switch (ref->dtype) {
	case ENPU_U8:
		x->kernels->widen_u8(dst, raw, count, 0);
		break;
	case ENPU_S8:
		x->kernels->widen_s8(dst, (const int8_t *)raw, count, 0);
		break;
	default:
		for (uint64_t i = 0; i < bytes; i++) {
			dst[2 * i] = (int16_t)((raw[i] & 0xf) ^ 8) - 8;
			dst[2 * i + 1] = (int16_t)((raw[i] >> 4) ^ 8) - 8;
		}
	}
	return 0;
}

uint64_t enpu_mac_cycles(const struct enpu_exec *x, const struct enpu_tile *ifm,
			 const struct enpu_tile *ofm, uint64_t steps)
{
	uint64_t positions = (uint64_t)ofm->height * ofm->width;
	uint64_t cycles = enpu_div_up(positions, enpu_cost_array_positions(x->config)) *
			  enpu_div_up(ofm->channels, ENPU_COST_BLOCK_O) * steps;

	return ifm->dtype == ENPU_S16 ? 2 * cycles : cycles;
}

void enpu_mac_cost_traffic(struct enpu_cost *cost, const struct enpu_cmd_conv *cmd,
			   uint64_t weights)
{
	uint64_t positions = (uint64_t)cmd->ofm.height * cmd->ofm.width;
	uint64_t input = (uint64_t)cmd->ifm.height * cmd->ifm.width * cmd->ifm.channels *
			 enpu_types[cmd->ifm.dtype].size;
	/* As many output positions at a time as have accumulators and room for their input */
	uint64_t piece = positions * ENPU_COST_INPUT_BUFFER / input;

	if (piece > ENPU_COST_POSITIONS)
		piece = ENPU_COST_POSITIONS;
	if (piece < 1)
		piece = 1;
	enpu_cost_tile(cost, &cmd->ifm, 1, false);
	enpu_cost_tile(cost, &cmd->ofm, 1, true);
	enpu_cost_access(cost, cmd->weights.region, enpu_div_up(positions, piece),
			 weight_bytes(cmd->weights.dtype, weights), false);
	enpu_cost_access(cost, cmd->params.region, 1,
			 cmd->ofm.channels * sizeof(struct enpu_channel), false);
}
