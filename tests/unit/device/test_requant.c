// SPDX-License-Identifier: MIT
/*
 * Requantization to the bit: cases worked by hand, and the literal formulas
 * over random and extreme values.
 */
#include "fixture.h"

#include "../../../tools/device/core/requant.h"

/* Half of 2^31: times 0.5 */
#define HALF	(1 << 30)

static int32_t requant(int32_t x, int32_t multiplier, int shift, unsigned int mode)
{
	const struct enpu_scale scale = { .multiplier = multiplier, .shift = (int8_t)shift };

	return enpu_rescale(x, &scale, mode);
}

static void test_high_multiply(void **state)
{
	assert_int_equal(enpu_srdhm(INT32_MIN, INT32_MIN), INT32_MAX);
	assert_int_equal(enpu_srdhm(INT32_MAX, INT32_MAX), INT32_MAX - 1);
	/* 3 / 2 and -3 / 2: a half is rounded up */
	assert_int_equal(enpu_srdhm(3, HALF), 2);
	assert_int_equal(enpu_srdhm(-3, HALF), -1);
	assert_int_equal(enpu_srdhm(1, HALF), 1);
	assert_int_equal(enpu_srdhm(-1, HALF), 0);
}

static void test_rounding_shift(void **state)
{
	/* A half goes away from zero */
	assert_int_equal(enpu_rdbpot(5, 1), 3);
	assert_int_equal(enpu_rdbpot(-5, 1), -3);
	assert_int_equal(enpu_rdbpot(6, 2), 2);
	assert_int_equal(enpu_rdbpot(-6, 2), -2);
	assert_int_equal(enpu_rdbpot(5, 2), 1);
	assert_int_equal(enpu_rdbpot(-5, 2), -1);
	assert_int_equal(enpu_rdbpot(7, 0), 7);
	assert_int_equal(enpu_rdbpot(INT32_MAX, 31), 1);
	assert_int_equal(enpu_rdbpot(INT32_MIN, 31), -1);
}

/*
 * Where two roundings differ from one: 5 * 0.5 / 2 = 1.25. At once that is 1;
 * in two steps 2.5 becomes 3 and 1.5 becomes 2. Likewise -6 * 0.5 / 2 = -1.5,
 * where one rounding goes up and two end away from zero.
 */
static void test_double_and_single(void **state)
{
	assert_int_equal(requant(5, HALF, -1, ENPU_REQUANT_DOUBLE), 2);
	assert_int_equal(requant(5, HALF, -1, ENPU_REQUANT_SINGLE), 1);
	assert_int_equal(requant(-6, HALF, -1, ENPU_REQUANT_DOUBLE), -2);
	assert_int_equal(requant(-6, HALF, -1, ENPU_REQUANT_SINGLE), -1);
	assert_int_equal(requant(6, HALF, -1, ENPU_REQUANT_DOUBLE), 2);
	assert_int_equal(requant(6, HALF, -1, ENPU_REQUANT_SINGLE), 2);
	/* A left shift comes before the multiplication, and wraps */
	assert_int_equal(requant(3, HALF, 2, ENPU_REQUANT_DOUBLE), 6);
	assert_int_equal(requant(1 << 30, HALF, 1, ENPU_REQUANT_DOUBLE), -(1 << 30));
	assert_int_equal(requant(INT32_MAX, INT32_MAX, 30, ENPU_REQUANT_SINGLE), INT32_MAX);
}

static void test_fp32(void **state)
{
	const float half = 0.5f, huge = 1e30f;
	int32_t h, m;

	memcpy(&h, &half, sizeof(h));
	memcpy(&m, &huge, sizeof(m));
	/* Half to even */
	assert_int_equal(requant(1, h, 0, ENPU_REQUANT_FP32), 0);
	assert_int_equal(requant(3, h, 0, ENPU_REQUANT_FP32), 2);
	assert_int_equal(requant(5, h, 0, ENPU_REQUANT_FP32), 2);
	assert_int_equal(requant(-3, h, 0, ENPU_REQUANT_FP32), -2);
	assert_int_equal(requant(-5, h, 0, ENPU_REQUANT_FP32), -2);
	assert_int_equal(requant(1, m, 0, ENPU_REQUANT_FP32), 2147483520);
	assert_int_equal(requant(-1, m, 0, ENPU_REQUANT_FP32), INT32_MIN);
	/* The accumulator itself is rounded to 24 bits first */
	assert_int_equal(requant(16777217, h, 0, ENPU_REQUANT_FP32), 8388608);
}

static void test_wide(void **state)
{
	/* 0.5 has the reduced multiplier 2^14: (10 * 2^14 + 2^14) >> 15 = 5 */
	assert_int_equal(enpu_scale_wide(10, HALF, 0), 5);
	assert_int_equal(enpu_scale_wide(11, HALF, 0), 6);
	assert_int_equal(enpu_scale_wide(-11, HALF, 0), -5);
	assert_int_equal(enpu_scale_wide(1ll << 40, HALF, -20), 1 << 19);
	assert_int_equal(enpu_scale_wide(1ll << 40, HALF, 0), INT32_MAX);
	assert_int_equal(enpu_scale_wide(1000, INT32_MAX, 0), 1000);
}

static void test_against_formulas(void **state)
{
	static const int32_t edges[] = {
		0, 1, -1, 2, -2, INT32_MIN, INT32_MAX, 1 << 30, -(1 << 30), 1 << 29, 255, -256,
	};
	uint64_t seed = 11;

	for (unsigned int i = 0; i < 300000; i++) {
		int32_t x = i % 8 ? (int32_t)rnd(&seed) >> rnd(&seed) % 32 :
				    edges[rnd(&seed) % 12];
		int32_t m = i % 5 ? rnd_range(&seed, HALF, INT32_MAX) : edges[rnd(&seed) % 12];
		int shift = rnd_range(&seed, -31, 30);
		int64_t wide = (int64_t)((uint64_t)rnd(&seed) << 32 | rnd(&seed)) >>
			       (17 + rnd(&seed) % 40), want;

		assert_int_equal(enpu_srdhm(x, m), spec_srdhm(x, m));
		assert_int_equal(enpu_rdbpot(x, i % 32), spec_rdbpot(x, i % 32));
		for (unsigned int mode = 0; mode < 2; mode++)
			assert_int_equal(requant(x, m, shift, mode),
					 spec_requant(x, m, shift, mode, 0));
		shift = rnd_range(&seed, -31, 14);
		want = spec_requant(wide, m, shift, ENPU_REQUANT_DOUBLE, 1);
		want = want > INT32_MAX ? INT32_MAX : want < INT32_MIN ? INT32_MIN : want;
		assert_int_equal(enpu_scale_wide(wide, m, shift), want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_high_multiply),
		cmocka_unit_test(test_rounding_shift),
		cmocka_unit_test(test_double_and_single),
		cmocka_unit_test(test_fp32),
		cmocka_unit_test(test_wide),
		cmocka_unit_test(test_against_formulas),
	};

	return cmocka_run_group_tests_name("device: requantization", tests, NULL, NULL);
}
