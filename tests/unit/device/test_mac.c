// SPDX-License-Identifier: MIT
/*
 * CONV, DEPTHWISE, TRANSPOSE_CONV and MATMUL against the formulas of the
 * specification, evaluated element by element, over many random shapes.
 */
#include "fixture.h"

#include "../../../tools/device/core/kernels.h"

enum { IN, WEIGHTS, PARAMS, OUT, B };

static struct fixture *f;

struct shape {
	uint32_t h, w, c, oh, ow, oc;
	struct enpu_window win;
	unsigned int in_type, out_type, weight_type, requant;
};

static int32_t weight_at(const struct shape *s, size_t i)
{
	const uint8_t *w = region(f, WEIGHTS);

	if (s->weight_type == ENPU_S4) {
		int nibble = i % 2 ? w[i / 2] >> 4 : w[i / 2] & 15;

		return nibble >= 8 ? nibble - 16 : nibble;
	}
	return element(w, s->weight_type, i);
}

static int32_t conv_weight(const struct shape *s, uint32_t o, uint32_t k)
{
	size_t blocks = (s->win.kernel_h * s->win.kernel_w * s->c + 3) / 4;

	return weight_at(s, ((o / 16 * blocks + k / 4) * 16 + o % 16) * 4 + k % 4);
}

static int32_t depthwise_weight(const struct shape *s, uint32_t o, uint32_t tap)
{
	size_t taps = s->win.kernel_h * s->win.kernel_w;

	return weight_at(s, (o / 16 * taps + tap) * 16 + o % 16);
}

/* The multiplication that tap (ky, kx) of channel c brings to output (y, x, o) */
static int64_t product(const struct shape *s, const struct enpu_cmd_conv *cmd, int32_t y,
		       int32_t x, uint32_t o, uint32_t ky, uint32_t kx, uint32_t c)
{
	const struct enpu_channel *ch = region(f, PARAMS);
	const struct enpu_window *win = &s->win;
	int32_t iy = y * win->stride_h + (int32_t)ky * win->dilation_h - win->pad_top;
	int32_t ix = x * win->stride_w + (int32_t)kx * win->dilation_w - win->pad_left;
	uint32_t tap = ky * win->kernel_w + kx;
	int32_t weight;

	if (cmd->cmd.opcode == ENPU_OP_TRANSPOSE_CONV) {
		iy = y + win->pad_top - (int32_t)ky * win->dilation_h;
		ix = x + win->pad_left - (int32_t)kx * win->dilation_w;
		if (iy % win->stride_h || ix % win->stride_w)
			return 0;
		iy /= win->stride_h;
		ix /= win->stride_w;
	}
	if (iy < 0 || ix < 0 || iy >= (int32_t)s->h || ix >= (int32_t)s->w)
		return 0;
	weight = cmd->cmd.opcode == ENPU_OP_DEPTHWISE ? depthwise_weight(s, o, tap) :
							conv_weight(s, o, tap * s->c + c);
	return (int64_t)(element(region(f, IN), s->in_type,
				 ((size_t)iy * s->w + (size_t)ix) * s->c + c) -
			 cmd->ifm.zero_point) * (weight - ch[o].weight_zero_point);
}

static int32_t expected(const struct shape *s, const struct enpu_cmd_conv *cmd, uint32_t y,
			uint32_t x, uint32_t o)
{
	const struct enpu_channel *ch = region(f, PARAMS);
	bool depthwise = cmd->cmd.opcode == ENPU_OP_DEPTHWISE, wide = s->in_type == ENPU_S16;
	uint32_t only = depthwise ? o / (s->oc / s->c) : 0;
	int64_t acc = ch[o].bias, v;

	for (uint32_t ky = 0; ky < s->win.kernel_h; ky++)
		for (uint32_t kx = 0; kx < s->win.kernel_w; kx++)
			for (uint32_t c = only; c < (depthwise ? only + 1 : s->c); c++)
				acc += product(s, cmd, (int32_t)y, (int32_t)x, o, ky, kx, c);
	if (!wide)
		acc = (int32_t)acc;
	if (s->out_type == ENPU_S32)
		return (int32_t)(acc > INT32_MAX ? INT32_MAX : acc < INT32_MIN ? INT32_MIN : acc);
	v = spec_requant(acc, ch[o].multiplier, ch[o].shift, s->requant, wide) +
	    cmd->ofm.zero_point;
	return (int32_t)(v < cmd->clamp.min ? cmd->clamp.min :
			 v > cmd->clamp.max ? cmd->clamp.max : v);
}

static void random_params(const struct shape *s, uint64_t *seed)
{
	struct enpu_channel *ch = region(f, PARAMS);

	for (uint32_t o = 0; o < s->oc; o++) {
		float scale = (float)rnd_range(seed, 1, 1000) / 300000.0f;

		memset(&ch[o], 0, sizeof(ch[o]));
		ch[o].bias = rnd_range(seed, -20000, 20000);
		ch[o].shift = (int8_t)rnd_range(seed, s->in_type == ENPU_S16 ? -14 : -12, 1);
		ch[o].multiplier = rnd_range(seed, 1 << 30, INT32_MAX);
		if (s->requant == ENPU_REQUANT_FP32)
			memcpy(&ch[o].multiplier, &scale, sizeof(scale));
		ch[o].weight_zero_point = (int16_t)(s->weight_type == ENPU_U8 ?
			rnd_range(seed, 0, 255) : s->weight_type == ENPU_S4 ?
			rnd_range(seed, -8, 7) : rnd_range(seed, -128, 127));
	}
}

static void check_conv(const struct shape *s, unsigned int opcode, uint64_t *seed)
{
	struct enpu_cmd_conv cmd = {
		.cmd = header(opcode, ENPU_ENGINE_MAC, sizeof(cmd)),
		.ifm = dense_tile(IN, s->in_type, s->h, s->w, s->c,
				  s->in_type == ENPU_S16 ? 0 :
				  rnd_range(seed, type_min(s->in_type), type_max(s->in_type))),
		.ofm = dense_tile(OUT, s->out_type, s->oh, s->ow, s->oc,
				  rnd_range(seed, -3, 3) & type_max(s->out_type)),
		.weights = ref(WEIGHTS, s->weight_type, 0),
		.params = ref(PARAMS, 0, 0),
		.window = s->win,
		.clamp = { type_min(s->out_type) / 2, type_max(s->out_type) },
		.requant = (uint8_t)s->requant,
	};
	size_t n = 0;

	rnd_fill(seed, region(f, IN), REGION_SIZE / 4);
	rnd_fill(seed, region(f, WEIGHTS), REGION_SIZE / 4);
	random_params(s, seed);
	emit(f, &cmd, sizeof(cmd));
	if (run(f) != ENPU_STEP_DONE)
		fail_msg("opcode %u: fault %u", opcode, enpu_exec_fault(f->exec)->cause);

	for (uint32_t y = 0; y < s->oh; y++)
		for (uint32_t x = 0; x < s->ow; x++)
			for (uint32_t o = 0; o < s->oc; o++, n++) {
				int32_t want = expected(s, &cmd, y, x, o);
				int32_t got = element(region(f, OUT), s->out_type, n);

				if (got != want)
					fail_msg("opcode %u (%u %u %u): %d, not %d", opcode, y, x,
						 o, got, want);
			}
}

static struct shape random_shape(uint64_t *seed)
{
	static const unsigned int ins[] = { ENPU_U8, ENPU_S8, ENPU_U8, ENPU_S8, ENPU_S16 };
	static const unsigned int outs[] = { ENPU_U8, ENPU_S8, ENPU_S16, ENPU_S32 };
	static const unsigned int weights[] = { ENPU_U8, ENPU_S8, ENPU_S4 };

	return (struct shape) {
		.h = (uint32_t)rnd_range(seed, 1, 9),
		.w = (uint32_t)rnd_range(seed, 1, 11),
		.c = (uint32_t)rnd_range(seed, 1, 40),
		.oh = (uint32_t)rnd_range(seed, 1, 7),
		.ow = (uint32_t)rnd_range(seed, 1, 9),
		.oc = (uint32_t)rnd_range(seed, 1, 40),
		.win = {
			.kernel_h = (uint16_t)rnd_range(seed, 1, 4),
			.kernel_w = (uint16_t)rnd_range(seed, 1, 4),
			.stride_h = (uint16_t)rnd_range(seed, 1, 3),
			.stride_w = (uint16_t)rnd_range(seed, 1, 3),
			.dilation_h = (uint16_t)rnd_range(seed, 1, 2),
			.dilation_w = (uint16_t)rnd_range(seed, 1, 2),
			.pad_top = (int16_t)rnd_range(seed, -2, 4),
			.pad_left = (int16_t)rnd_range(seed, -2, 4),
		},
		.in_type = ins[rnd(seed) % 5],
		.out_type = outs[rnd(seed) % 4],
		.weight_type = weights[rnd(seed) % 3],
		.requant = rnd(seed) % 3,
	};
}

static void test_conv(void **state)
{
	uint64_t seed = 1;

	for (unsigned int i = 0; i < 200; i++) {
		struct shape s = random_shape(&seed);

		check_conv(&s, ENPU_OP_CONV, &seed);
	}
}

static void test_transpose_conv(void **state)
{
	uint64_t seed = 2;

	for (unsigned int i = 0; i < 100; i++) {
		struct shape s = random_shape(&seed);

		check_conv(&s, ENPU_OP_TRANSPOSE_CONV, &seed);
	}
}

static void test_depthwise(void **state)
{
	uint64_t seed = 3;

	for (unsigned int i = 0; i < 200; i++) {
		struct shape s = random_shape(&seed);

		s.oc = s.c * (uint32_t)(i % 4 ? 1 : rnd_range(&seed, 2, 4));
		check_conv(&s, ENPU_OP_DEPTHWISE, &seed);
	}
}

static void test_large_conv(void **state)
{
	struct shape s = {
		.h = 40, .w = 40, .c = 64, .oh = 40, .ow = 40, .oc = 20,
		.win = { 3, 3, 1, 1, 1, 1, 1, 1 },
		.in_type = ENPU_U8, .out_type = ENPU_U8, .weight_type = ENPU_U8,
	};
	uint64_t seed = 4;

	check_conv(&s, ENPU_OP_CONV, &seed);
}

static void test_hand_worked(void **state)
{
	/*
	 * 1x1, two channels: (10 - 2) * 3 + (4 - 2) * -5 + bias 2 = 16; times
	 * 0.75 (2^30 * 1.5 in Q31 is 0.75) shifted right by 1 is 6; plus 1 is 7.
	 */
	const uint8_t in[] = { 10, 4 };
	const int8_t weights[64] = { 3, -5 };
	const struct enpu_channel ch = { .bias = 2, .multiplier = 1610612736, .shift = -1 };
	struct enpu_cmd_conv cmd = {
		.cmd = header(ENPU_OP_CONV, ENPU_ENGINE_MAC, sizeof(cmd)),
		.ifm = dense_tile(IN, ENPU_U8, 1, 1, 2, 2),
		.ofm = dense_tile(OUT, ENPU_U8, 1, 1, 1, 1),
		.weights = ref(WEIGHTS, ENPU_S8, 0),
		.params = ref(PARAMS, 0, 0),
		.window = { 1, 1, 1, 1, 1, 1, 0, 0 },
		.clamp = { 0, 255 },
	};

	memcpy(region(f, IN), in, sizeof(in));
	memcpy(region(f, WEIGHTS), weights, sizeof(weights));
	memcpy(region(f, PARAMS), &ch, sizeof(ch));
	emit(f, &cmd, sizeof(cmd));
	assert_int_equal(run(f), ENPU_STEP_DONE);
	assert_int_equal(*(uint8_t *)region(f, OUT), 7);

	cmd.clamp.max = 5;
	emit(f, &cmd, sizeof(cmd));
	assert_int_equal(run(f), ENPU_STEP_DONE);
	assert_int_equal(*(uint8_t *)region(f, OUT), 5);
}

static void check_matmul(uint64_t *seed)
{
	static const unsigned int types[] = { ENPU_S8, ENPU_U8, ENPU_S16 };
	static const unsigned int outs[] = { ENPU_U8, ENPU_S8, ENPU_S16, ENPU_S32 };
	uint32_t b = (uint32_t)rnd_range(seed, 1, 3), m = (uint32_t)rnd_range(seed, 1, 40);
	uint32_t k = (uint32_t)rnd_range(seed, 1, 70), n = (uint32_t)rnd_range(seed, 1, 40);
	unsigned int at = types[rnd(seed) % 3], bt = types[rnd(seed) % 3], ot = outs[rnd(seed) % 4];
	bool turned = rnd(seed) % 2, wide = at == ENPU_S16 || bt == ENPU_S16;
	struct enpu_cmd_matmul cmd = {
		.cmd = header(ENPU_OP_MATMUL, ENPU_ENGINE_MAC, sizeof(cmd)),
		.a = dense_tile(IN, at, b, m, k, at == ENPU_S16 ? 0 : 5),
		.b = turned ? dense_tile(B, bt, b, n, k, bt == ENPU_S16 ? 0 : 7) :
			      dense_tile(B, bt, b, k, n, bt == ENPU_S16 ? 0 : 7),
		.ofm = dense_tile(OUT, ot, b, m, n, 3),
		.scale = { .multiplier = rnd_range(seed, 1 << 30, INT32_MAX),
			   .shift = (int8_t)rnd_range(seed, -12, -5) },
		.clamp = { type_min(ot), type_max(ot) },
		.requant = rnd(seed) % 2,
		.flags = turned ? ENPU_MATMUL_B_TRANSPOSED : 0,
	};

	rnd_fill(seed, region(f, IN), 1 << 17);
	rnd_fill(seed, region(f, B), 1 << 17);
	emit(f, &cmd, sizeof(cmd));
	assert_int_equal(run(f), ENPU_STEP_DONE);
	for (uint32_t i = 0; i < b * m * n; i++) {
		uint32_t bi = i / n / m, mi = i / n % m, ni = i % n;
		int64_t acc = 0, want;

		for (uint32_t ki = 0; ki < k; ki++)
			acc += (int64_t)(element(region(f, IN), at, (bi * m + mi) * k + ki) -
					 cmd.a.zero_point) *
			       (element(region(f, B), bt, turned ? (bi * n + ni) * k + ki :
								   (bi * k + ki) * n + ni) -
				cmd.b.zero_point);
		want = acc;
		if (ot != ENPU_S32) {
			want = spec_requant(acc, cmd.scale.multiplier, cmd.scale.shift,
					    cmd.requant, wide) + 3;
			want = want < type_min(ot) ? type_min(ot) : want > type_max(ot) ?
			       type_max(ot) : want;
		} else if (want > INT32_MAX || want < INT32_MIN) {
			want = want < 0 ? INT32_MIN : INT32_MAX;
		}
		assert_int_equal(element(region(f, OUT), ot, i), want);
	}
}

static void test_matmul(void **state)
{
	uint64_t seed = 5;

	for (unsigned int i = 0; i < 100; i++)
		check_matmul(&seed);
}

#define MAX_N	40
#define MAX_K	400

/* A value at random, every fourth one of those where things go wrong */
static int32_t edgy(uint64_t *seed, int32_t min, int32_t max)
{
	const int32_t edges[] = { min, min + 1, -1, 0, 1, max - 1, max };

	if (rnd(seed) % 4)
		return rnd_range(seed, min, max);
	return edges[rnd(seed) % 7];
}

static void edgy_channels(uint64_t *seed, struct enpu_channel_block *ch, unsigned int requant)
{
	for (unsigned int o = 0; o < ENPU_BLOCK_O; o++) {
		float scale = (float)rnd_range(seed, 1, 1 << 20) / (float)(1 << 26);

		ch->bias[o] = edgy(seed, INT32_MIN, INT32_MAX);
		ch->shift[o] = rnd_range(seed, -31, 30);
		ch->left[o] = ch->shift[o] > 0 ? ch->shift[o] : 0;
		ch->right[o] = ch->shift[o] < 0 ? -ch->shift[o] : 0;
		ch->multiplier[o] = edgy(seed, INT32_MIN, INT32_MAX);
		if (requant == ENPU_REQUANT_FP32)
			memcpy(&ch->multiplier[o], &scale, sizeof(scale));
	}
}

/*
 * Every variant of the inner loops gives the same as the plain one, whatever the
 * shape, and so with sums that wrap and products that saturate
 */
static void check_kernels(const struct enpu_kernels *k, uint64_t *seed)
{
	static const struct { int32_t min, max; } types[] = {
		{ 0, UINT8_MAX }, { INT8_MIN, INT8_MAX }, { INT16_MIN, INT16_MAX },
	};
	static int16_t x[MAX_N * MAX_K], w[ENPU_BLOCK_O * MAX_K];
	static int32_t want[MAX_N * ENPU_BLOCK_O + 1], got[MAX_N * ENPU_BLOCK_O + 1];
	const struct enpu_kernels *plain = enpu_kernels_at(0);
	size_t n = 1 + rnd(seed) % MAX_N, depth = 4 * (1 + rnd(seed) % (MAX_K / 4));
	unsigned int type = rnd(seed) % 3;
	struct enpu_output_stage stage = {
		.requant = rnd(seed) % 3,
		.zero_point = edgy(seed, types[type].min, types[type].max),
		.min = types[type].min,
		.max = types[type].max,
	};
	struct enpu_channel_block ch;

	for (size_t i = 0; i < n * depth; i++)
		x[i] = (int16_t)edgy(seed, INT16_MIN, INT16_MAX);
	for (size_t i = 0; i < ENPU_BLOCK_O * depth; i++)
		w[i] = (int16_t)edgy(seed, INT16_MIN, INT16_MAX);
	edgy_channels(seed, &ch, stage.requant);

	/* Nothing is written behind the end */
	want[n * ENPU_BLOCK_O] = got[n * ENPU_BLOCK_O] = 4711;
	plain->mac(want, x, w, n, depth);
	k->mac(got, x, w, n, depth);
	assert_memory_equal(want, got, (n * ENPU_BLOCK_O + 1) * sizeof(*want));
	for (size_t i = 0; i < n * ENPU_BLOCK_O; i++)
		if (rnd(seed) % 4)
			want[i] = got[i] = edgy(seed, INT32_MIN, INT32_MAX);
	plain->requant(want, ENPU_BLOCK_O, n, &ch, &stage);
	k->requant(got, ENPU_BLOCK_O, n, &ch, &stage);
	assert_memory_equal(want, got, (n * ENPU_BLOCK_O + 1) * sizeof(*want));
}

/* The other loops, which the compiler has made: a run of odd length, and rows of any width */
static void check_conversions(const struct enpu_kernels *k, uint64_t *seed)
{
	const struct enpu_kernels *plain = enpu_kernels_at(0);
	size_t n = 1 + rnd(seed) % MAX_N, count = 1 + rnd(seed) % ENPU_BLOCK_O;
	uint8_t bytes[333], want8[MAX_N * 20] = { 0 }, got8[MAX_N * 20] = { 0 };
	int16_t want[333] = { 0 }, got[333] = { 0 };
	int32_t values[MAX_N * ENPU_BLOCK_O];
	size_t length = rnd(seed) % 333;

	rnd_fill(seed, bytes, sizeof(bytes));
	plain->widen_u8(want, bytes, length, 77);
	k->widen_u8(got, bytes, length, 77);
	assert_memory_equal(want, got, sizeof(want));
	plain->widen_s8(want, (const int8_t *)bytes, length, -128);
	k->widen_s8(got, (const int8_t *)bytes, length, -128);
	assert_memory_equal(want, got, sizeof(want));

	for (size_t i = 0; i < n * ENPU_BLOCK_O; i++)
		values[i] = rnd_range(seed, 0, 255);
	plain->narrow8(want8, 19, values, ENPU_BLOCK_O, n, count);
	k->narrow8(got8, 19, values, ENPU_BLOCK_O, n, count);
	assert_memory_equal(want8, got8, sizeof(want8));
	for (size_t i = 0; i < n * 19; i++)
		assert_int_equal(got8[i], i % 19 < count ? values[i / 19 * 16 + i % 19] : 0);
}

static void test_kernels_agree(void **state)
{
	const struct enpu_kernels *k;
	uint64_t seed = 6;

	for (unsigned int v = 1; (k = enpu_kernels_at(v)); v++) {
		print_message("%s\n", k->name);
		for (unsigned int i = 0; i < 300; i++)
			check_kernels(k, &seed);
		for (unsigned int i = 0; i < 300; i++)
			check_conversions(k, &seed);
	}
}

/* The plain one by the definition */
static void test_plain_mac(void **state)
{
	int16_t x[2 * 12], w[ENPU_BLOCK_O * 12];
	int32_t acc[2 * ENPU_BLOCK_O];
	uint64_t seed = 8;

	for (size_t i = 0; i < 24; i++)
		x[i] = (int16_t)rnd_range(&seed, -255, 255);
	for (size_t i = 0; i < ENPU_BLOCK_O * 12; i++)
		w[i] = (int16_t)rnd_range(&seed, -255, 255);
	enpu_kernels_at(0)->mac(acc, x, w, 2, 12);
	for (size_t i = 0; i < 2; i++) {
		for (size_t o = 0; o < ENPU_BLOCK_O; o++) {
			int32_t sum = 0;

			for (size_t j = 0; j < 12; j++)
				sum += x[i * 12 + j] * w[j / 4 * 64 + o * 4 + j % 4];
			assert_int_equal(acc[i * ENPU_BLOCK_O + o], sum);
		}
	}
}

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

/* All variants of the inner loops, with a tail that no vector holds */
static void test_fp32_kernels(void **state)
{
	const struct enpu_fp32_stage stage = {
		.za = 3, .zb = -7, .zo = 5, .ma = 0.3123f, .mb = 0.7231f, .mo = 0.0103f,
		.min = -128, .max = 127,
	};
	const struct enpu_kernels *plain = enpu_kernels_at(0), *k;
	int32_t a[61], b[61], want[61], got[61];
	uint64_t seed = 29;

	for (unsigned int i = 0; i < 61; i++) {
		a[i] = rnd_range(&seed, -128, 127);
		b[i] = rnd_range(&seed, -128, 127);
	}
	for (unsigned int v = 1; (k = enpu_kernels_at(v)); v++) {
		memcpy(want, a, sizeof(a));
		memcpy(got, a, sizeof(a));
		plain->add_fp32(want, b, 61, &stage);
		k->add_fp32(got, b, 61, &stage);
		assert_memory_equal(got, want, sizeof(got));
		memcpy(want, a, sizeof(a));
		memcpy(got, a, sizeof(a));
		plain->mul_fp32(want, b, 61, &stage);
		k->mul_fp32(got, b, 61, &stage);
		assert_memory_equal(got, want, sizeof(got));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hand_worked),
		cmocka_unit_test(test_conv),
		cmocka_unit_test(test_transpose_conv),
		cmocka_unit_test(test_depthwise),
		cmocka_unit_test(test_large_conv),
		cmocka_unit_test(test_matmul),
		cmocka_unit_test(test_plain_mac),
		cmocka_unit_test(test_kernels_agree),
		cmocka_unit_test(test_fp32_kernels),
	};

	return cmocka_run_group_tests_name("device: MAC array", tests, setup, teardown);
}
