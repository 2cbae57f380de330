// SPDX-License-Identifier: MIT
/* Histograms, ranges, scales, rounding and closeness, on cases worked by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "quant/accuracy.h"
#include "quant/range.h"
#include "quant/planes.h"
#include "quant/rounding.h"

#include <math.h>
#include <string.h>

static void close_to(double value, double truth, double within)
{
	if (fabs(value - truth) > within)
		fail_msg("%.9g is not within %g of %.9g", value, within, truth);
}

static int setup(void **state)
{
	*state = test_calloc(1, sizeof(struct histogram));
	return 0;
}

static int teardown(void **state)
{
	test_free(*state);
	return 0;
}

static uint64_t total(const struct histogram *h)
{
	uint64_t sum = 0;

	for (int i = 0; i < HISTOGRAM_BINS; i++)
		sum += h->bins[i];
	return sum;
}

/* Bins reach to the next power of two, and merge in pairs when that is too little. */
static void test_histogram_grows(void **state)
{
	const float first[] = { 0.75f, -0.5f, 0 }, second[] = { 3, NAN, INFINITY };
	struct histogram *h = *state;

	histogram_add(h, first, 3);
	assert_int_equal(h->exponent, 0);
	close_to(histogram_bin_width(h), 1.0 / 4096, 0);
	assert_int_equal(h->bins[4096 + 3072], 1);
	assert_int_equal(h->bins[4096 - 2048], 1);
	assert_int_equal(h->bins[4096], 1);
	histogram_add(h, second, 3);
	assert_int_equal(h->exponent, 2);
	assert_int_equal(h->bins[4096 + 768], 1);	/* 0.75, two doublings later */
	assert_int_equal(h->bins[4096 - 512], 1);
	assert_int_equal(h->bins[4096 + 3072], 1);	/* 3 of 4 */
	assert_int_equal(total(h), 4);
	assert_int_equal(h->count, 4);
	assert_int_equal(h->odd, 2);
	close_to(h->min, -0.5, 0);
	close_to(h->max, 3, 0);
	close_to(h->sum, 3.25, 0);
}

static void test_histograms_merge(void **state)
{
	const float small[] = { 0.25f, -0.25f }, large[] = { 100, 101 };
	struct histogram *h = *state, *other = test_calloc(1, sizeof(*other));

	histogram_add(h, large, 2);
	histogram_add(other, small, 2);
	histogram_merge(h, other);
	assert_int_equal(h->count, 4);
	assert_int_equal(total(h), 4);
	close_to(h->min, -0.25, 0);
	close_to(h->max, 101, 0);
	histogram_merge(other, h);
	assert_int_equal(other->count, 6);
	assert_int_equal(other->exponent, 7);
	test_free(other);
}

/* scale = (max - min) / 255; the zero point is where the smaller side ends, rounded. */
static void test_scaling(void **state)
{
	struct scaling s = scaling_of((struct interval){ 0, 6 });

	close_to(s.scale, 6.0 / 255, 1e-9);
	assert_int_equal(s.zero_point, -128);
	s = scaling_of((struct interval){ -1, 1 });
	close_to(s.scale, 2.0 / 255, 1e-9);
	assert_int_equal(s.zero_point, -1);		/* 127 - 127.5 = -0.5, away from zero */
	s = scaling_of((struct interval){ -3, 0 });
	assert_int_equal(s.zero_point, 127);
	s = scaling_of((struct interval){ -1, 3 });	/* -128 + 63.75 = -64.25 */
	close_to(s.scale, 4.0 / 255, 1e-9);
	assert_int_equal(s.zero_point, -64);
	s = scaling_of((struct interval){ 0, 0 });
	assert_true(s.scale > 0);
	assert_int_equal(s.zero_point, 0);
}

static void test_levels(void **state)
{
	struct scaling s = { 0.5f, 10 };

	assert_int_equal(quantize_value(0, s), 10);
	assert_int_equal(quantize_value(0.25f, s), 11);		/* halves away from zero */
	assert_int_equal(quantize_value(-0.25f, s), 9);
	assert_int_equal(quantize_value(1000, s), 127);
	assert_int_equal(quantize_value(-1000, s), -128);
	assert_int_equal(quantize_value(NAN, s), -128);
	close_to(dequantize_value(12, s), 1, 0);
}

static void add_many(struct histogram *h, float value, int times)
{
	for (int i = 0; i < times; i++)
		histogram_add(h, &value, 1);
}

static void test_minmax_and_percentile(void **state)
{
	struct histogram *h = *state;
	struct interval r;

	for (int i = 0; i < 1000; i++)
		add_many(h, (float)i / 1000, 1);
	add_many(h, 8, 1);
	r = range_minmax(h);
	close_to(r.min, 0, 0);
	close_to(r.max, 8, 0);
	/* 1% of 1001 values: five on each side, so the outlier and four more */
	r = range_percentile(h, 99);
	close_to(r.min, 0, 0);				/* zero is always within */
	close_to(r.max, 0.996, 2 * histogram_bin_width(h));
	r = range_percentile(h, 100);
	close_to(r.max, 8, histogram_bin_width(h));
}

/*
 * 100,000 values spread evenly over [0, 1) and one at 16. To keep the one costs the
 * others 16^2/255^2/12 each; to lose it costs (16 - m)^2 once, and 1/255^2/12 for each: the
 * first is 100000 * 3.3e-4 = 33, the second 225 + 0.1. With ten times as many values the
 * first is 328: then the outlier has to go.
 */
static void test_mse(void **state)
{
	struct histogram *h = *state;
	struct interval r;

	for (int i = 0; i < 100000; i++) {
		float value = (float)i / 100000;

		histogram_add(h, &value, 1);
	}
	add_many(h, 16, 1);
	r = range_mse(h);
	assert_true(r.max > 8);
	for (int i = 0; i < 1400000; i++) {
		float value = (float)(i % 100000) / 100000;

		histogram_add(h, &value, 1);
	}
	r = range_mse(h);
	assert_true(r.max < 12);
	close_to(r.min, 0, 0);
}

/*
 * Two hundred values in [0, 1) in blocks that 256 levels of the whole cannot tell from one
 * another, and nothing lost by a range that can: the divergence must fall to the latter.
 */
static void test_kl(void **state)
{
	struct histogram *h = *state;
	struct interval r;

	/* every second bin of 1/128: with levels of 1/16 they would be mixed with empty ones */
	for (int i = 0; i < 64; i++)
		add_many(h, (float)i / 64 + 1.0f / 512, i % 7 + 1);
	add_many(h, 15.99f, 1);
	r = range_kl(h);
	assert_true(r.max < 8);
	assert_true(r.max >= 0.9f);
	/* what a RELU cut off does not change that */
	add_many(h, 0, 1000000);
	assert_true(range_kl(h).max == r.max);
	r = range_choose(h, ENPU_RANGES_MINMAX, 0);
	close_to(r.max, 15.99, 1e-5);
}

/*
 * Two inputs that are always equal: what counts is the sum of their errors. 0.4 and 0.4
 * round to 0 and 0, which is 0.8 too little; one of them up leaves 0.2 too much.
 */
static void test_rounding(void **state)
{
	const float equal[] = { 1, 1, 1, 1 }, apart[] = { 1, 0, 0, 1 };
	const float real[] = { 0.4f, 0.4f }, top[] = { 127.4f, 126.6f };
	int8_t level[] = { 0, 0 }, most[] = { 127, 127 };
	float pull[2];

	round_channel(real, level, 127, equal, 2, pull);
	assert_int_equal(level[0] + level[1], 1);
	memset(level, 0, sizeof(level));
	round_channel(real, level, 127, apart, 2, pull);
	assert_int_equal(level[0] + level[1], 0);
	/* 127 is the end */
	round_channel(top, most, 127, equal, 2, pull);
	assert_int_equal(most[0], 127);
}

/*
 * The input of more power is rounded first, to 0: 0.4 too little. The other one makes up
 * for 2 / 1.1 of it: 0.4 + 0.73 is 1. By hand, the error is 0.076 instead of 1.456.
 */
static void test_planes(void **state)
{
	const float unlike[] = { 4, 2, 2, 1.1f }, apart[] = { 1, 0, 0, 1 }, none[] = { 1, 1, 1, 1 };
	const float real[] = { 0.4f, 0.4f }, top[] = { 9.0f, -9.0f };
	struct arena arena = { .limit = 1 << 20 };
	int8_t level[] = { 0, 0 };
	struct planes p;

	planes_open(&p, &arena, 2);
	planes_factor(&p, unlike);
	planes_round(&p, real, level, 127);
	assert_int_equal(level[0], 0);
	assert_int_equal(level[1], 1);
	planes_factor(&p, apart);
	planes_round(&p, real, level, 127);
	assert_int_equal(level[0], 0);
	assert_int_equal(level[1], 0);
	planes_round(&p, top, level, 7);
	assert_int_equal(level[0], 7);
	assert_int_equal(level[1], -7);
	/* inputs that are always equal have no factor: nothing moves */
	planes_factor(&p, none);
	planes_round(&p, real, level, 127);
	assert_int_equal(level[0], 7);
	planes_close(&p);
	arena_free(&arena);
}

static void test_closeness(void **state)
{
	const float truth[] = { 3, 4 }, value[] = { 3, 3 }, other[] = { 4, 3 };
	struct closeness c = { 0 };

	closeness_add(&c, truth, truth, 2);
	close_to(closeness_sqnr_db(&c), 200, 0);
	closeness_add(&c, truth, value, 2);
	/* signal 25 + 25, noise 1; cosine 21 / (5 * sqrt(18)) */
	close_to(closeness_sqnr_db(&c), 10 * log10(50), 1e-9);
	close_to(closeness_cosine(&c), (1 + 21 / (5 * sqrt(18))) / 2, 1e-9);
	assert_int_equal(c.agreed, 1);			/* of equals the first */
	closeness_add(&c, truth, other, 2);
	assert_int_equal(c.agreed, 1);
	assert_int_equal(c.samples, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_histogram_grows, setup, teardown),
		cmocka_unit_test_setup_teardown(test_histograms_merge, setup, teardown),
		cmocka_unit_test(test_scaling),
		cmocka_unit_test(test_levels),
		cmocka_unit_test_setup_teardown(test_minmax_and_percentile, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mse, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kl, setup, teardown),
		cmocka_unit_test(test_rounding),
		cmocka_unit_test(test_planes),
		cmocka_unit_test(test_closeness),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
