// SPDX-License-Identifier: MIT
/* The search for ranges finds what trying all of them bin by bin finds, bit by bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "quant/range.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define STEPS		64
#define VALUES		5000

static double squared_error(const struct histogram *h, struct interval r)
{
	struct scaling s = scaling_of(r);
	double scale = s.scale, zero = s.zero_point, sum = 0;

	for (unsigned int i = 0; i < HISTOGRAM_BINS; i++) {
		double x = histogram_value(h, i), q = rint(x / scale) + zero;

		q = q < -128 ? -128 : q > 127 ? 127 : q;
		q = (q - zero) * scale - x;
		sum += q * q * (double)h->bins[i];
	}
	return sum;
}

static int level_of(double at, struct interval r)
{
	double step = ((double)r.max - (double)r.min) / 256;
	double level = floor((at - (double)r.min) / step);

	return level < 0 ? 0 : level > 255 ? 255 : (int)level;
}

static double divergence(const struct histogram *h, struct interval r)
{
	double inside[256] = { 0 }, used[256] = { 0 }, total = 0, lost[2] = { 0 }, sum = 0;
	int first = -1, last = -1;

	for (int i = 0; i < HISTOGRAM_BINS; i++) {
		double at = histogram_value(h, (unsigned int)i), n = (double)h->bins[i];

		if (!h->bins[i] || i == HISTOGRAM_SIDE)
			continue;
		if (at < (double)r.min || at > (double)r.max) {
			lost[at > 0] += n;
			continue;
		}
		first = first < 0 ? i : first;
		last = i;
		inside[level_of(at, r)] += n;
		used[level_of(at, r)]++;
		total += n;
	}
	for (int i = first; i >= 0 && i <= last; i++) {
		int level = level_of(histogram_value(h, (unsigned int)i), r);
		double p = (double)h->bins[i];

		if (!h->bins[i] || i == HISTOGRAM_SIDE)
			continue;
		p += (i == first ? lost[0] : 0) + (i == last ? lost[1] : 0);
		p /= total + lost[0] + lost[1];
		sum += p * log(p / (inside[level] / used[level] / total));
	}
	return first < 0 ? DBL_MAX : sum;
}

static float longer(struct interval r)
{
	return fmaxf(-r.min, r.max);
}

static struct interval symmetric(struct interval whole, int part)
{
	float most = longer(whole) * ((float)part / STEPS);

	return (struct interval){ fmaxf(whole.min, -most), fminf(whole.max, most) };
}

static struct interval all_by_kl(const struct histogram *h)
{
	struct interval whole = range_minmax(h), best = whole;
	double least = DBL_MAX;

	for (int part = STEPS; part > 0; part--) {
		double cost = divergence(h, symmetric(whole, part));

		if (cost < least)
			best = symmetric(whole, part);
		least = fmin(least, cost);
	}
	return best;
}

static struct interval all_by_mse(const struct histogram *h)
{
	struct interval whole = range_minmax(h), best = whole;
	double least = squared_error(h, whole);

	for (int pass = 0; pass < 3; pass++) {
		struct interval start = best;

		for (int part = STEPS - 1; part > 0; part--) {
			const struct interval tried[] = {
				symmetric(whole, part),
				{ start.min * ((float)part / STEPS), start.max },
				{ start.min, start.max * ((float)part / STEPS) },
			};
			double cost = squared_error(h, tried[pass]);

			if (cost < least)
				best = tried[pass];
			least = fmin(least, cost);
		}
	}
	return best;
}

/* 0 to 1, the same numbers every time. */
static double chance(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (double)(*state >> 11) / 0x1p53;
}

static double normal(uint64_t *state)
{
	double sum = -6;

	for (int i = 0; i < 12; i++)
		sum += chance(state);
	return sum;
}

enum shape { EVEN, NORMAL, RELU, HEAVY, OUTLIER, TWO_VALUES, ONE_VALUE, GRID, TINY, LARGE,
	     ZERO, SHAPES };

static double draw(enum shape shape, int i, uint64_t *state)
{
	double n = normal(state);

	switch (shape) {
	case EVEN:
		return 3 * chance(state) - 1;
	case NORMAL:
		return n / 4;
	case RELU:
		return n > 0 ? n : 0;
	case HEAVY:
		return n * n * n * exp(n);
	case OUTLIER:
		return i ? n / 30 : 100;
	case TWO_VALUES:
		return i % 3 ? 0.3 : -0.7;
	case ONE_VALUE:
		return 0.1;
	case GRID:
		return floor(n * 4) / 4;
	case TINY:
		return n * 0x1p-110;
	case LARGE:
		return n * 1e37;
	default:
		return 0;
	}
}

static void check(const struct histogram *h, int shape, uint64_t number)
{
	const struct interval mse = range_mse(h), all_mse = all_by_mse(h);
	const struct interval kl = range_kl(h), all_kl = all_by_kl(h);

	if (memcmp(&mse, &all_mse, sizeof(mse)))
		fail_msg("shape %d, %u: mse %.9g %.9g, all %.9g %.9g", shape, (unsigned int)number,
			 (double)mse.min, (double)mse.max, (double)all_mse.min,
			 (double)all_mse.max);
	if (memcmp(&kl, &all_kl, sizeof(kl)))
		fail_msg("shape %d, %u: kl %.9g %.9g, all %.9g %.9g", shape, (unsigned int)number,
			 (double)kl.min, (double)kl.max, (double)all_kl.min, (double)all_kl.max);
}

static void test_as_all(void **state)
{
	struct histogram *h = test_malloc(sizeof(*h));

	for (int shape = 0; shape < SHAPES; shape++) {
		for (uint64_t number = 0; number < 3; number++) {
			uint64_t random = number;

			memset(h, 0, sizeof(*h));
			for (int i = 0; i < VALUES; i++) {
				float value = (float)draw(shape, i, &random);

				histogram_add(h, &value, 1);
			}
			check(h, shape, number);
		}
	}
	test_free(h);
}

/* Of more than 2^32 values sums could be too large: the way round is taken. */
static void test_many(void **state)
{
	struct histogram *h = test_calloc(1, sizeof(*h));
	uint64_t random = 1;

	for (int i = 0; i < VALUES; i++) {
		float value = (float)normal(&random);

		histogram_add(h, &value, 1);
	}
	for (int i = 0; i < HISTOGRAM_BINS; i++)
		h->bins[i] <<= 30;
	h->count <<= 30;
	check(h, NORMAL, 1);
	test_free(h);
}

/* Nearly as many as sums can hold, at the very end. */
static void test_most(void **state)
{
	struct histogram *h = test_calloc(1, sizeof(*h));
	const float ends[] = { -0.99999f, 0.99999f };

	histogram_add(h, ends, 2);
	h->bins[0] = UINT64_C(1) << 31;
	h->bins[HISTOGRAM_BINS - 1] = (UINT64_C(1) << 31) - 1;
	h->count = (UINT64_C(1) << 32) - 1;
	check(h, TWO_VALUES, 2);
	test_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_all),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
