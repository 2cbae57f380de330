// SPDX-License-Identifier: MIT
/*
 * The vector unit's commands, with cases worked by hand and the specification's
 * formulas over random tiles.
 */
#include <math.h>

#include "fixture.h"

enum { IN, B, TABLE, OUT };

static struct fixture *f;

static int setup(void **state)
{
	f = fixture_new("enpu-512");
	return 0;
}

static int teardown(void **state)
{
	fixture_free(f);
	return 0;
}

static int64_t clamp(int64_t v, const struct enpu_clamp *c)
{
	return v < c->min ? c->min : v > c->max ? c->max : v;
}

static struct enpu_clamp full(unsigned int dtype)
{
	return (struct enpu_clamp) { type_min(dtype), type_max(dtype) };
}

/* POOL */

static struct enpu_cmd_pool pool(unsigned int op, unsigned int dtype, uint32_t h, uint32_t w,
				 uint32_t c, uint32_t oh, uint32_t ow, struct enpu_window win)
{
	return (struct enpu_cmd_pool) {
		.cmd = header(ENPU_OP_POOL, ENPU_ENGINE_VECTOR, sizeof(struct enpu_cmd_pool)),
		.ifm = dense_tile(IN, dtype, h, w, c, 0),
		.ofm = dense_tile(OUT, dtype, oh, ow, c, 0),
		.window = win,
		.clamp = full(dtype),
		.op = (uint8_t)op,
	};
}

static void test_pool_by_hand(void **state)
{
	/* 2x2 windows with stride 2 and one row and column of padding around 3x3 */
	const struct enpu_window win = { 2, 2, 2, 2, 1, 1, 1, 1 };
	const int8_t in[] = { 1, 2, 4, -3, -4, -4, 7, -5, -8 };
	const int8_t average[] = { 1, 3, 2, -5 };	/* 1; 6/2; 4/2; -21/4 = -5.25 */
	const int8_t largest[] = { 1, 4, 7, -4 };
	struct enpu_cmd_pool cmd = pool(ENPU_POOL_AVERAGE, ENPU_S8, 3, 3, 1, 2, 2, win);

	memcpy(region(f, IN), in, sizeof(in));
	run_ok(f, &cmd, sizeof(cmd));
	assert_memory_equal(region(f, OUT), average, 4);
	cmd.op = ENPU_POOL_MAX;
	run_ok(f, &cmd, sizeof(cmd));
	assert_memory_equal(region(f, OUT), largest, 4);
}

static void test_average_rounds(void **state)
{
	const struct enpu_window win = { 1, 2, 1, 1, 1, 1, 0, 0 };
	const int8_t in[] = { -1, -2 };
	struct enpu_cmd_pool cmd = pool(ENPU_POOL_AVERAGE, ENPU_S8, 1, 2, 1, 1, 1, win);

	/* -1.5 goes away from zero, to -2; in U8 254.5 goes to 255 */
	memcpy(region(f, IN), in, sizeof(in));
	run_ok(f, &cmd, sizeof(cmd));
	assert_int_equal(*(int8_t *)region(f, OUT), -2);
	cmd = pool(ENPU_POOL_AVERAGE, ENPU_U8, 1, 2, 1, 1, 1, win);
	run_ok(f, &cmd, sizeof(cmd));
	assert_int_equal(*(uint8_t *)region(f, OUT), 255);
}

/* Sums of rounded products, one after the other; the zero point comes before the rounding */
static int64_t expected_average_fp32(const struct enpu_cmd_pool *cmd, const int32_t *q,
				     unsigned int n)
{
	float in, out, sum = 0, v;

	memcpy(&in, &cmd->ifm.scale, sizeof(in));
	memcpy(&out, &cmd->ofm.scale, sizeof(out));
	for (unsigned int i = 0; i < n; i++) {
		v = in * (float)(q[i] - cmd->ifm.zero_point);
		sum += v;
	}
	if (cmd->flags & ENPU_POOL_COUNT_PADS)
		n = (unsigned int)cmd->window.kernel_h * cmd->window.kernel_w;
	v = sum / (float)n;
	v /= out;
	return llrintf(v + (float)cmd->ofm.zero_point);
}

static void check_pool(const struct enpu_cmd_pool *cmd, size_t i)
{
	const struct enpu_window *win = &cmd->window;
	int32_t taps[16];
	int64_t c = (int64_t)(i % cmd->ofm.channels), n = 0, sum = 0, max = INT64_MIN, want;
	int64_t x = (int64_t)(i / cmd->ofm.channels % cmd->ofm.width);
	int64_t y = (int64_t)(i / cmd->ofm.channels / cmd->ofm.width);

	for (int64_t ky = 0; ky < win->kernel_h; ky++) {
		for (int64_t kx = 0; kx < win->kernel_w; kx++) {
			int64_t iy = y * win->stride_h + ky - win->pad_top;
			int64_t ix = x * win->stride_w + kx - win->pad_left, v;

			if (iy < 0 || ix < 0 || iy >= cmd->ifm.height || ix >= cmd->ifm.width)
				continue;
			v = element(region(f, IN), cmd->ifm.dtype,
				    (size_t)((iy * cmd->ifm.width + ix) * cmd->ifm.channels + c));
			taps[n] = (int32_t)v;
			sum += v;
			max = v > max ? v : max;
			n++;
		}
	}
	if (cmd->op == ENPU_POOL_MAX)
		want = max;
	else if (cmd->op == ENPU_POOL_AVERAGE_FP32)
		want = expected_average_fp32(cmd, taps, (unsigned int)n);
	else if (cmd->ifm.dtype == ENPU_U8 || sum > 0)
		want = (sum + n / 2) / n;
	else
		want = (sum - n / 2) / n;
	assert_int_equal(element(region(f, OUT), cmd->ofm.dtype, i), clamp(want, &cmd->clamp));
}

static void test_pool_random(void **state)
{
	static const unsigned int types[] = { ENPU_U8, ENPU_S8, ENPU_S16 };
	uint64_t seed = 21;

	for (unsigned int i = 0; i < 60; i++) {
		uint32_t k = (uint32_t)rnd_range(&seed, 1, 4), h = (uint32_t)rnd_range(&seed, 4, 9);
		uint32_t s = (uint32_t)rnd_range(&seed, 1, 2);
		uint32_t c = (uint32_t)rnd_range(&seed, 1, 20);
		struct enpu_window win = { (uint16_t)k, (uint16_t)k, (uint16_t)s, (uint16_t)s, 1, 1,
					   (int16_t)(k / 2), (int16_t)(k / 2) };
		uint32_t o = (h + s - 1) / s;
		unsigned int type = types[rnd(&seed) % 3];
		struct enpu_cmd_pool cmd = pool(rnd(&seed) % 3, type, h, h, c, o, o, win);
		float scale = 0.0271f;

		if (cmd.op == ENPU_POOL_AVERAGE_FP32) {
			memcpy(&cmd.ifm.scale, &scale, sizeof(scale));
			scale = rnd(&seed) % 2 ? scale : 0.0193f;
			memcpy(&cmd.ofm.scale, &scale, sizeof(scale));
			cmd.ifm.zero_point = 3;
			cmd.ofm.zero_point = 10;
			cmd.flags = rnd(&seed) % 2 ? ENPU_POOL_COUNT_PADS : 0;
		}
		cmd.clamp.max = 100;
		rnd_fill(&seed, region(f, IN), h * h * c * 2);
		run_ok(f, &cmd, sizeof(cmd));
		for (size_t at = 0; at < (size_t)o * o * c; at++)
			check_pool(&cmd, at);
	}
}

/* Scales are positive numbers, and only where they mean something */
static void test_pool_scales(void **state)
{
	static const float scales[] = { 0, -1, INFINITY };
	const struct enpu_window win = { 2, 2, 2, 2, 1, 1, 0, 0 };
	struct enpu_cmd_pool cmd = pool(ENPU_POOL_AVERAGE_FP32, ENPU_U8, 4, 4, 1, 2, 2, win);
	const float one = 1;

	memcpy(&cmd.ofm.scale, &one, sizeof(one));
	for (unsigned int i = 0; i < 3; i++) {
		memcpy(&cmd.ifm.scale, &scales[i], sizeof(one));
		emit(f, &cmd, sizeof(cmd));
		assert_int_equal(run(f), ENPU_STEP_FAULT);
	}
	memcpy(&cmd.ifm.scale, &one, sizeof(one));
	run_ok(f, &cmd, sizeof(cmd));
	cmd.op = ENPU_POOL_AVERAGE;
	emit(f, &cmd, sizeof(cmd));
	assert_int_equal(run(f), ENPU_STEP_FAULT);
	assert_int_equal(enpu_exec_fault(f->exec)->cause, ENPU_FAULT_OPERAND);
}

/* A window that meets no input has no average: refused */
static void test_pool_outside(void **state)
{
	const struct enpu_window win = { 2, 2, 2, 2, 1, 1, 2, 0 };
	struct enpu_cmd_pool cmd = pool(ENPU_POOL_AVERAGE, ENPU_U8, 4, 4, 1, 2, 2, win);

	emit(f, &cmd, sizeof(cmd));
	assert_int_equal(run(f), ENPU_STEP_FAULT);
	assert_int_equal(enpu_exec_fault(f->exec)->cause, ENPU_FAULT_OPERAND);
	cmd.window.pad_top = 0;
	cmd.ofm.height = 3;
	emit(f, &cmd, sizeof(cmd));
	assert_int_equal(run(f), ENPU_STEP_FAULT);
}

/* ELEMENTWISE */

static float as_float(int32_t bits)
{
	float v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

static int32_t as_bits(float v)
{
	int32_t bits;

	memcpy(&bits, &v, sizeof(bits));
	return bits;
}

/* Sums are fused; a product has the output's zero point before it is rounded */
static int64_t expected_fp32(const struct enpu_cmd_elementwise *cmd, int32_t a, int32_t b)
{
	float ma = as_float(cmd->scale_a.multiplier), mb = as_float(cmd->scale_b.multiplier);
	float mo = as_float(cmd->scale_out.multiplier);
	int32_t zo = cmd->ofm.zero_point;
	float v;

	a -= cmd->a.zero_point;
	b -= cmd->b.zero_point;
	if (cmd->op == ENPU_ELEMENTWISE_MUL) {
		v = (float)(a * b) * mo;
		return clamp(llrintf(v + (float)zo), &cmd->clamp);
	}
	v = fmaf((float)b, cmd->op == ENPU_ELEMENTWISE_ADD ? mb : -mb, mo);
	return clamp(llrintf(fmaf((float)a, ma, v)) + zo, &cmd->clamp);
}

static int64_t expected_elementwise(const struct enpu_cmd_elementwise *cmd, int32_t a, int32_t b)
{
	int32_t za = cmd->a.zero_point, zb = cmd->b.zero_point;
	int64_t left = 1ll << cmd->left_shift, v, w;

	if (cmd->requant == ENPU_REQUANT_FP32 && cmd->op <= ENPU_ELEMENTWISE_MUL)
		return expected_fp32(cmd, a, b);
	switch (cmd->op) {
	case ENPU_ELEMENTWISE_MIN:
		return clamp(a < b ? a : b, &cmd->clamp);
	case ENPU_ELEMENTWISE_MAX:
		return clamp(a > b ? a : b, &cmd->clamp);
	case ENPU_ELEMENTWISE_MUL:
		v = spec_requant((a - za) * (b - zb), cmd->scale_out.multiplier,
				 cmd->scale_out.shift, cmd->requant, 0);
		break;
	default:
		v = spec_requant((a - za) * left, cmd->scale_a.multiplier,
				 cmd->scale_a.shift, cmd->requant, 0);
		w = spec_requant((b - zb) * left, cmd->scale_b.multiplier,
				 cmd->scale_b.shift, cmd->requant, 0);
		v = spec_requant(cmd->op == ENPU_ELEMENTWISE_ADD ? v + w : v - w,
				 cmd->scale_out.multiplier, cmd->scale_out.shift, cmd->requant, 0);
	}
	return clamp(v + cmd->ofm.zero_point, &cmd->clamp);
}

static struct enpu_scale random_scale(uint64_t *seed, int min, int max)
{
	return (struct enpu_scale) {
		.multiplier = rnd_range(seed, 1 << 30, INT32_MAX),
		.shift = (int8_t)rnd_range(seed, min, max),
	};
}

static void check_elementwise(uint64_t *seed)
{
	static const unsigned int types[] = { ENPU_U8, ENPU_S8 };
	unsigned int type = types[rnd(seed) % 2];
	int32_t mid = type == ENPU_U8 ? 128 : 0;
	uint32_t h = (uint32_t)rnd_range(seed, 1, 5), w = (uint32_t)rnd_range(seed, 1, 5);
	uint32_t c = (uint32_t)rnd_range(seed, 1, 20);
	uint32_t bh = rnd(seed) % 3 ? h : 1, bw = rnd(seed) % 3 ? w : 1, bc = rnd(seed) % 3 ? c : 1;
	unsigned int op = rnd(seed) % 5;
	struct enpu_cmd_elementwise cmd = {
		.cmd = header(ENPU_OP_ELEMENTWISE, ENPU_ENGINE_VECTOR, sizeof(cmd)),
		.a = dense_tile(IN, type, h, w, c, mid + 3),
		.b = dense_tile(B, type, bh, bw, bc, mid - 7),
		.ofm = dense_tile(OUT, type, h, w, c, mid),
		.scale_a = random_scale(seed, -3, 0),
		.scale_b = random_scale(seed, -3, 0),
		.scale_out = random_scale(seed, op == ENPU_ELEMENTWISE_MUL ? -8 : -20,
					  op == ENPU_ELEMENTWISE_MUL ? -5 : -17),
		.clamp = full(type),
		.op = (uint8_t)op,
		.left_shift = 20,
		.requant = rnd(seed) % 3,
	};
	size_t n = 0;

	if (cmd.requant == ENPU_REQUANT_FP32) {
		/* quarters, so that halves come up, or anything */
		bool exact = rnd(seed) % 2;

		cmd.scale_a.multiplier = as_bits(exact ? 0.25f : 0.3123f);
		cmd.scale_b.multiplier = as_bits(exact ? 0.5f : 0.7231f);
		cmd.scale_out.multiplier = as_bits(exact ? 0.25f : 0.0103f);
	}

	/* The same, written with strides of 0 instead of extents of 1 */
	if (rnd(seed) % 2) {
		if (bh == 1)
			cmd.b.row_stride = 0;
		if (bw == 1)
			cmd.b.col_stride = 0;
		cmd.b.height = h;
		cmd.b.width = w;
	}
	rnd_fill(seed, region(f, IN), h * w * c);
	rnd_fill(seed, region(f, B), h * w * c);
	run_ok(f, &cmd, sizeof(cmd));
	for (uint32_t y = 0; y < h; y++)
		for (uint32_t x = 0; x < w; x++)
			for (uint32_t i = 0; i < c; i++, n++) {
				size_t at = ((bh == 1 ? 0 : y) * bw + (bw == 1 ? 0 : x)) * bc +
					    (bc == 1 ? 0 : i);

				assert_int_equal(element(region(f, OUT), type, n),
						 expected_elementwise(&cmd,
							element(region(f, IN), type, n),
							element(region(f, B), type, at)));
			}
}

static void test_elementwise(void **state)
{
	uint64_t seed = 22;

	for (unsigned int i = 0; i < 200; i++)
		check_elementwise(&seed);
}

/* Equal scales: (5 - 1) + (9 - 2) = 11, by way of 2^20 and a scale of 2^-19 over halves */
static void test_add_by_hand(void **state)
{
	struct enpu_cmd_elementwise cmd = {
		.cmd = header(ENPU_OP_ELEMENTWISE, ENPU_ENGINE_VECTOR, sizeof(cmd)),
		.a = dense_tile(IN, ENPU_U8, 1, 1, 1, 1),
		.b = dense_tile(B, ENPU_U8, 1, 1, 1, 2),
		.ofm = dense_tile(OUT, ENPU_U8, 1, 1, 1, 3),
		.scale_a = { .multiplier = 1 << 30 },
		.scale_b = { .multiplier = 1 << 30 },
		.scale_out = { .multiplier = 1 << 30, .shift = -18 },
		.clamp = { 0, 255 },
		.left_shift = 20,
	};

	*(uint8_t *)region(f, IN) = 5;
	*(uint8_t *)region(f, B) = 9;
	run_ok(f, &cmd, sizeof(cmd));
	assert_int_equal(*(uint8_t *)region(f, OUT), 11 + 3);
	cmd.op = ENPU_ELEMENTWISE_SUB;
	run_ok(f, &cmd, sizeof(cmd));
	assert_int_equal(*(uint8_t *)region(f, OUT), 0);
	cmd.ofm.zero_point = 128;
	run_ok(f, &cmd, sizeof(cmd));
	assert_int_equal(*(uint8_t *)region(f, OUT), 128 - 3);
}

static void test_elementwise_fp32(void **state)
{
	struct enpu_cmd_elementwise cmd = {
		.cmd = header(ENPU_OP_ELEMENTWISE, ENPU_ENGINE_VECTOR, sizeof(cmd)),
		.a = dense_tile(IN, ENPU_S8, 1, 1, 2, 0),
		.b = dense_tile(B, ENPU_S8, 1, 1, 2, 0),
		.ofm = dense_tile(OUT, ENPU_S8, 1, 1, 2, 1),
		.scale_a = { .multiplier = as_bits(0.25f) },
		.scale_b = { .multiplier = as_bits(0.125f) },
		.clamp = { -128, 127 },
		.requant = ENPU_REQUANT_FP32,
	};
	const int8_t a[] = { 5, 7 }, b[] = { 2, 6 };
	int8_t *out = region(f, OUT);

	memcpy(region(f, IN), a, 2);
	memcpy(region(f, B), b, 2);
	run_ok(f, &cmd, sizeof(cmd));
	/* 1.25 + 0.25 = 1.5 is 2; 1.75 + 0.75 = 2.5 is 2; and the zero point */
	assert_int_equal(out[0], 3);
	assert_int_equal(out[1], 3);
	/* an addend of 1 makes them 2.5 and 3.5 */
	cmd.scale_out.multiplier = as_bits(1);
	run_ok(f, &cmd, sizeof(cmd));
	assert_int_equal(out[0], 3);
	assert_int_equal(out[1], 5);
	/* 10 * 0.25 + 1 = 3.5 is 4; 42 * 0.25 + 1 = 11.5 is 12: rounded with the zero point */
	cmd.op = ENPU_ELEMENTWISE_MUL;
	cmd.scale_out.multiplier = as_bits(0.25f);
	run_ok(f, &cmd, sizeof(cmd));
	assert_int_equal(out[0], 4);
	assert_int_equal(out[1], 12);
}

/* 4998185 * (1 + 2^-12) - 4999404 = 1.26, but 1.5 when the product is rounded before */
static void test_add_fp32_is_fused(void **state)
{
	const float m = 1 + 1.f / 4096;
	struct enpu_cmd_elementwise cmd = {
		.cmd = header(ENPU_OP_ELEMENTWISE, ENPU_ENGINE_VECTOR, sizeof(cmd)),
		.a = dense_tile(IN, ENPU_S32, 1, 1, 1, 0),
		.b = dense_tile(B, ENPU_S8, 1, 1, 1, 0),
		.ofm = dense_tile(OUT, ENPU_S8, 1, 1, 1, 0),
		.scale_a = { .multiplier = as_bits(m) },
		.scale_out = { .multiplier = as_bits(-4999404) },
		.clamp = { -128, 127 },
		.requant = ENPU_REQUANT_FP32,
	};

	*(int32_t *)region(f, IN) = 4998185;
	*(int8_t *)region(f, B) = 0;
	run_ok(f, &cmd, sizeof(cmd));
	assert_int_equal(*(int8_t *)region(f, OUT), 1);
}

/* LUT */

static void test_lut(void **state)
{
	struct enpu_cmd_lut cmd = {
		.cmd = header(ENPU_OP_LUT, ENPU_ENGINE_VECTOR, sizeof(cmd)),
		.ifm = dense_tile(IN, ENPU_S8, 3, 5, 7, 0),
		.ofm = dense_tile(OUT, ENPU_S16, 3, 5, 7, 0),
		.table = ref(TABLE, ENPU_S16, 32),
	};
	int16_t *table = (int16_t *)((uint8_t *)region(f, TABLE) + 32);
	uint64_t seed = 23;

	rnd_fill(&seed, region(f, IN), 105);
	rnd_fill(&seed, table, 512);
	run_ok(f, &cmd, sizeof(cmd));
	for (size_t i = 0; i < 105; i++)
		assert_int_equal(((int16_t *)region(f, OUT))[i],
				 table[((int8_t *)region(f, IN))[i] + 128]);
}

static void test_lut_16(void **state)
{
	struct enpu_cmd_lut cmd = {
		.cmd = header(ENPU_OP_LUT, ENPU_ENGINE_VECTOR, sizeof(cmd)),
		.ifm = dense_tile(IN, ENPU_S16, 1, 1, 5, 0),
		.ofm = dense_tile(OUT, ENPU_S16, 1, 1, 5, 0),
		.table = ref(TABLE, ENPU_S16, 0),
	};
	const int16_t in[] = { -32768, 0, 32767, 64, -1 };
	int16_t *table = region(f, TABLE), *out = region(f, OUT);

	memset(table, 0, 513 * 2);
	table[0] = 5;
	table[256] = 100;
	table[257] = 201;
	table[511] = -4;
	table[512] = 124;
	memcpy(region(f, IN), in, sizeof(in));
	run_ok(f, &cmd, sizeof(cmd));
	assert_int_equal(out[0], 5);
	assert_int_equal(out[1], 100);
	assert_int_equal(out[2], -4 + ((128 * 127 + 64) >> 7));
	assert_int_equal(out[3], 100 + ((101 * 64 + 64) >> 7));		/* half way up */
	assert_int_equal(out[4], (100 * 127 + 64) >> 7);
}

/* SOFTMAX */

/* FIXED for an input scale: multiplier, shift and diff_min as TFLite prepares them, beta 1 */
static struct enpu_cmd_softmax softmax(unsigned int dtype, uint32_t positions, uint32_t channels,
				       double scale)
{
	struct enpu_cmd_softmax cmd = {
		.cmd = header(ENPU_OP_SOFTMAX, ENPU_ENGINE_VECTOR, sizeof(cmd)),
		.ifm = dense_tile(IN, dtype, 1, positions, channels, 0),
		.ofm = dense_tile(OUT, dtype, 1, positions, channels, 0),
		.table = no_ref(),
	};
	int shift;
	double q = frexp(scale * (1 << 26), &shift);

	cmd.multiplier = (int32_t)llround(q * 2147483648.0);
	cmd.left_shift = (uint8_t)shift;
	cmd.diff_min = (int32_t)-floor(31.0 * (1 << 26) / (double)(1ll << shift));
	return cmd;
}

static void test_softmax_by_hand(void **state)
{
	/* Four alike: a quarter each. One far above: all of it, 255 being the most. */
	const uint8_t in[] = { 9, 9, 9, 9, 255, 0, 0, 0 };
	const uint8_t want[] = { 64, 64, 64, 64, 255, 0, 0, 0 };
	struct enpu_cmd_softmax cmd = softmax(ENPU_U8, 2, 4, 0.1);

	memcpy(region(f, IN), in, sizeof(in));
	run_ok(f, &cmd, sizeof(cmd));
	assert_memory_equal(region(f, OUT), want, sizeof(want));
}

/* To the bit, as computed apart from this model from gemmlowp's definitions */
static void test_softmax_exactly(void **state)
{
	static const uint8_t in[2][16] = {
		{ 219, 125, 249, 151, 236, 249, 226, 195, 67, 179, 123, 226, 73, 100, 88, 155 },
		{ 130, 115, 124, 134, 106, 136, 115, 100, 113, 126, 117, 111, 124, 110, 104, 108 },
	};
	static const uint8_t want[2][16] = {
		{ 20, 1, 64, 1, 39, 64, 26, 8, 0, 4, 0, 26, 0, 0, 0, 2 },
		{ 24, 14, 19, 28, 10, 31, 14, 8, 13, 21, 15, 12, 19, 11, 9, 10 },
	};
	/* Where one Newton step less gives 125 */
	static const uint8_t close[] = { 123, 124 }, close_want[] = { 126, 130 };
	/* With a scale of 4 what is more than 3 below counts as nothing, else it would wrap */
	static const uint8_t steep[] = { 255, 0, 254, 127 }, steep_want[] = { 251, 0, 5, 0 };
	struct enpu_cmd_softmax cmd = softmax(ENPU_U8, 2, 16, 0.0390625);

	assert_int_equal(cmd.diff_min, -496);
	memcpy(region(f, IN), in, sizeof(in));
	run_ok(f, &cmd, sizeof(cmd));
	assert_memory_equal(region(f, OUT), want, sizeof(want));

	cmd = softmax(ENPU_U8, 1, 2, 0.0390625);
	memcpy(region(f, IN), close, sizeof(close));
	run_ok(f, &cmd, sizeof(cmd));
	assert_memory_equal(region(f, OUT), close_want, sizeof(close_want));

	cmd = softmax(ENPU_U8, 1, 4, 4.0);
	assert_int_equal(cmd.diff_min, -3);
	memcpy(region(f, IN), steep, sizeof(steep));
	run_ok(f, &cmd, sizeof(cmd));
	assert_memory_equal(region(f, OUT), steep_want, sizeof(steep_want));
}

static void test_softmax_is_softmax(void **state)
{
	struct enpu_cmd_softmax cmd = softmax(ENPU_S8, 30, 11, 0.07);
	uint64_t seed = 24;

	rnd_fill(&seed, region(f, IN), 330);
	run_ok(f, &cmd, sizeof(cmd));
	for (unsigned int p = 0; p < 30; p++) {
		const int8_t *in = (int8_t *)region(f, IN) + p * 11;
		const int8_t *out = (int8_t *)region(f, OUT) + p * 11;
		double sum = 0;

		for (unsigned int c = 0; c < 11; c++)
			sum += exp(0.07 * in[c]);
		for (unsigned int c = 0; c < 11; c++)
			assert_true(fabs(256 * exp(0.07 * in[c]) / sum - (out[c] + 128)) < 1.01);
	}
}

static void test_softmax_table(void **state)
{
	const float factor = 256;
	struct enpu_cmd_softmax cmd = softmax(ENPU_U8, 1, 3, 1);
	float *table = region(f, TABLE);
	const uint8_t in[] = { 10, 9, 10 };
	uint8_t *out = region(f, OUT);

	cmd.mode = ENPU_SOFTMAX_TABLE;
	cmd.multiplier = 0;
	cmd.left_shift = 0;
	cmd.diff_min = 0;
	cmd.table = ref(TABLE, ENPU_F32, 0);
	memcpy(&cmd.output_factor, &factor, 4);
	memset(table, 0, 1024);
	table[0] = 1;
	table[1] = 0.5f;
	memcpy(region(f, IN), in, sizeof(in));
	run_ok(f, &cmd, sizeof(cmd));
	assert_int_equal(out[0], 102);		/* 256 / 2.5 = 102.4 */
	assert_int_equal(out[1], 51);
	assert_int_equal(out[2], 102);
}

/* REDUCE */

static int32_t reduce(unsigned int op, unsigned int axes, unsigned int out_type, uint32_t h,
		      uint32_t w, uint32_t c)
{
	struct enpu_cmd_reduce cmd = {
		.cmd = header(ENPU_OP_REDUCE, ENPU_ENGINE_VECTOR, sizeof(cmd)),
		.ifm = dense_tile(IN, ENPU_S8, 2, 3, 4, 1),
		.ofm = dense_tile(OUT, out_type, h, w, c, 2),
		.scale = { .multiplier = 1 << 30 },
		.clamp = full(out_type),
		.bias = 4,
		.op = (uint8_t)op,
		.axes = (uint8_t)axes,
	};

	run_ok(f, &cmd, sizeof(cmd));
	return element(region(f, OUT), out_type, (size_t)h * w * c - 1);
}

static void test_reduce(void **state)
{
	int8_t *in = region(f, IN);

	/* 0 to 23 in order, and a second largest among the last position's channels */
	for (int8_t i = 0; i < 24; i++)
		in[i] = i;
	in[21] = 23;
	/* Columns: (12 + 16 + 20) - 3 * 1 + 4, halved up, + 2; its last channel 15 + 19 + 23 */
	assert_int_equal(reduce(ENPU_REDUCE_SUM, ENPU_AXIS_W, ENPU_S16, 2, 1, 4), 29 + 2);
	assert_int_equal(element(region(f, OUT), ENPU_S16, 4), 25 + 2);
	/* Rows of the last column, last channel: 11 + 23 - 2 + 4 = 36 */
	assert_int_equal(reduce(ENPU_REDUCE_SUM, ENPU_AXIS_H, ENPU_S8, 1, 3, 4), 18 + 2);
	/* Everything: 276 + 2 - 24 + 4 = 258 */
	assert_int_equal(reduce(ENPU_REDUCE_SUM, ENPU_AXIS_H | ENPU_AXIS_W | ENPU_AXIS_C,
				ENPU_S32, 1, 1, 1), 129 + 2);
	assert_int_equal(reduce(ENPU_REDUCE_MAX, ENPU_AXIS_C, ENPU_S8, 2, 3, 1), 23);
	assert_int_equal(reduce(ENPU_REDUCE_MIN, ENPU_AXIS_H | ENPU_AXIS_W, ENPU_S8, 1, 1, 4), 3);
	/* The first of equals */
	assert_int_equal(reduce(ENPU_REDUCE_ARGMAX, ENPU_AXIS_C, ENPU_S32, 2, 3, 1), 1);
	assert_int_equal(element(region(f, OUT), ENPU_S32, 0), 3);
}

/* RESIZE */

static struct enpu_cmd_resize resize(unsigned int dtype, unsigned int mode)
{
	return (struct enpu_cmd_resize) {
		.cmd = header(ENPU_OP_RESIZE, ENPU_ENGINE_VECTOR, sizeof(struct enpu_cmd_resize)),
		.ifm = dense_tile(IN, dtype, 2, 2, 1, 0),
		.ofm = dense_tile(OUT, dtype, 1, 2, 1, 0),
		.rows = ref(TABLE, 0, 0),
		.cols = ref(TABLE, 0, 64),
		.mode = (uint8_t)mode,
	};
}

static void set_tap(size_t offset, uint16_t lo, uint16_t hi, int32_t frac)
{
	const struct enpu_resize_tap tap = { lo, hi, frac };

	memcpy((uint8_t *)region(f, TABLE) + offset, &tap, sizeof(tap));
}

static void test_resize_fixed(void **state)
{
	const int8_t in[] = { 10, 20, 50, -100 };
	struct enpu_cmd_resize cmd = resize(ENPU_S8, ENPU_RESIZE_FIXED);

	memcpy(region(f, IN), in, sizeof(in));
	set_tap(0, 0, 1, 256);			/* a quarter down: 20, -10 */
	set_tap(64, 0, 1, 512);			/* half way: 5 */
	set_tap(72, 0, 1, 1536);		/* half a step beyond: -25 */
	run_ok(f, &cmd, sizeof(cmd));
	assert_int_equal(((int8_t *)region(f, OUT))[0], 5);
	assert_int_equal(((int8_t *)region(f, OUT))[1], -25);

	set_tap(72, 0, 2, 0);			/* outside */
	emit(f, &cmd, sizeof(cmd));
	assert_int_equal(run(f), ENPU_STEP_FAULT);
	assert_int_equal(enpu_exec_fault(f->exec)->cause, ENPU_FAULT_OPERAND);
}

static void test_resize_float(void **state)
{
	const uint8_t in[] = { 10, 21, 50, 100 };
	const float half = 0.5f;
	struct enpu_cmd_resize cmd = resize(ENPU_U8, ENPU_RESIZE_FLOAT);
	int32_t bits;

	memcpy(&bits, &half, sizeof(bits));
	memcpy(region(f, IN), in, sizeof(in));
	set_tap(0, 0, 1, 0);
	set_tap(64, 0, 1, bits);		/* 15.5 + 0.5 */
	set_tap(72, 1, 1, 0);
	run_ok(f, &cmd, sizeof(cmd));
	assert_int_equal(((uint8_t *)region(f, OUT))[0], 16);
	assert_int_equal(((uint8_t *)region(f, OUT))[1], 21);
}

static void test_resize_truncated(void **state)
{
	const int8_t in[] = { 10, 20, 50, -100 };
	struct enpu_cmd_resize cmd = resize(ENPU_S8, ENPU_RESIZE_TRUNCATED);

	memcpy(region(f, IN), in, sizeof(in));
	set_tap(0, 1, 1, 512);			/* between the last row and itself */
	set_tap(64, 0, 1, 256);			/* 12.5 */
	set_tap(72, 0, 1, 510);			/* -24.7 */
	run_ok(f, &cmd, sizeof(cmd));
	assert_int_equal(((int8_t *)region(f, OUT))[0], 12);
	assert_int_equal(((int8_t *)region(f, OUT))[1], -24);
}

static void test_resize_fp32(void **state)
{
	const uint8_t in[] = { 10, 21, 50, 104 };
	const float half = 0.5f, in_scale = 0.25f, out_scale = 0.5f;
	struct enpu_cmd_resize cmd = resize(ENPU_U8, ENPU_RESIZE_FP32);
	int32_t bits;

	memcpy(&bits, &half, sizeof(bits));
	memcpy(&cmd.ifm.scale, &in_scale, sizeof(in_scale));
	memcpy(&cmd.ofm.scale, &out_scale, sizeof(out_scale));
	cmd.ifm.zero_point = 8;
	cmd.ofm.zero_point = 3;
	memcpy(region(f, IN), in, sizeof(in));
	set_tap(0, 0, 0, 0);
	set_tap(64, 0, 1, bits);		/* 7.5 quarters: 3.75 halves, and 3 */
	set_tap(72, 0, 0, bits);		/* 2 quarters: 1 half, and 3 */
	run_ok(f, &cmd, sizeof(cmd));
	assert_int_equal(((uint8_t *)region(f, OUT))[0], 7);
	assert_int_equal(((uint8_t *)region(f, OUT))[1], 4);

	set_tap(64, 1, 1, 0);			/* 6.5 halves: to even, before the zero point */
	run_ok(f, &cmd, sizeof(cmd));
	assert_int_equal(((uint8_t *)region(f, OUT))[0], 9);

	cmd.ofm.scale = 0;			/* not positive */
	emit(f, &cmd, sizeof(cmd));
	assert_int_equal(run(f), ENPU_STEP_FAULT);
	assert_int_equal(enpu_exec_fault(f->exec)->cause, ENPU_FAULT_OPERAND);
}

/* RESCALE */

static void test_rescale(void **state)
{
	static const unsigned int types[] = { ENPU_U8, ENPU_S8, ENPU_S16, ENPU_S32 };
	uint64_t seed = 25;

	for (unsigned int i = 0; i < 64; i++) {
		unsigned int in = types[i % 4], out = types[i / 4 % 4];
		struct enpu_cmd_rescale cmd = {
			.cmd = header(ENPU_OP_RESCALE, ENPU_ENGINE_VECTOR, sizeof(cmd)),
			.ifm = dense_tile(IN, in, 3, 2, 9, 7),
			.ofm = dense_tile(OUT, out, 3, 2, 9, 5),
			.scale = random_scale(&seed, in == ENPU_S32 ? -24 : -3, 0),
			.clamp = full(out),
			.requant = rnd(&seed) % 2,
		};

		rnd_fill(&seed, region(f, IN), 54 * 4);
		run_ok(f, &cmd, sizeof(cmd));
		for (size_t e = 0; e < 54; e++) {
			int64_t d = (int32_t)((uint32_t)element(region(f, IN), in, e) - 7);
			int64_t v = spec_requant(d, cmd.scale.multiplier, cmd.scale.shift,
						 cmd.requant, 0);

			assert_int_equal(element(region(f, OUT), out, e), clamp(v + 5, &cmd.clamp));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pool_by_hand),
		cmocka_unit_test(test_average_rounds),
		cmocka_unit_test(test_pool_random),
		cmocka_unit_test(test_pool_scales),
		cmocka_unit_test(test_pool_outside),
		cmocka_unit_test(test_elementwise),
		cmocka_unit_test(test_add_by_hand),
		cmocka_unit_test(test_elementwise_fp32),
		cmocka_unit_test(test_add_fp32_is_fused),
		cmocka_unit_test(test_lut),
		cmocka_unit_test(test_lut_16),
		cmocka_unit_test(test_softmax_by_hand),
		cmocka_unit_test(test_softmax_exactly),
		cmocka_unit_test(test_softmax_is_softmax),
		cmocka_unit_test(test_softmax_table),
		cmocka_unit_test(test_reduce),
		cmocka_unit_test(test_resize_fixed),
		cmocka_unit_test(test_resize_float),
		cmocka_unit_test(test_resize_truncated),
		cmocka_unit_test(test_resize_fp32),
		cmocka_unit_test(test_rescale),
	};

	return cmocka_run_group_tests_name("device: vector unit", tests, setup, teardown);
}
