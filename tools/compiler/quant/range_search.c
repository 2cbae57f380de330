// SPDX-License-Identifier: MIT
/*
 * Ranges that cost least, of some dozens that are tried: see range.h. Sources: Migacz 2017
 * (divergence), Banner et al. 2019 (squared error; here the histogram takes the place of a
 * model distribution).
 *
 * What a range costs is a sum over 8192 bins. From running sums over the bins it can be told
 * by one term for each of the 256 levels, but for rounding in floating point; so all ranges
 * are judged like that first, and only those that may be the best, as far as rounding lets
 * one know, are summed up bin by bin. The result is the one of summing up all of them.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "range.h"

#define LEVELS		256
#define STEPS		64	/* ranges that are tried, from 1/STEPS of the whole to all of it */
#define QMIN		(-128)
#define QMAX		127

/*
 * The middle of bin i is odd(i) = 2i - 8191 half widths: integers, so that nothing rounds in
 * sums over bins, and nothing is lost in differences of them. MOST_VALUES keeps the squares
 * (14 bits of distance, twice, and a product of both) within 64 bits.
 */
#define MOST_VALUES	(UINT64_C(1) << 32)

struct sums {
	const struct histogram *h;
	double width;			/* of a bin */
	/* Of the bins before i: values, odd(i) and its square for each of them */
	int64_t count[HISTOGRAM_BINS + 1], odd[HISTOGRAM_BINS + 1], square[HISTOGRAM_BINS + 1];
	/* The same without the bin of zero: values, v log(v), bins that have any */
	int64_t others[HISTOGRAM_BINS + 1], used[HISTOGRAM_BINS + 1];
	double entropy[HISTOGRAM_BINS + 1];
};

/* What a range costs: @quick is as good as @exact, but for @margin of the least and @slack. */
struct cost {
	double (*exact)(const struct histogram *h, struct interval r);
	double (*quick)(const struct sums *s, struct interval r);
	double margin, slack;
};

/* NULL: no memory, or too many values. free() */
static struct sums *sum_up(const struct histogram *h)
{
	struct sums *s = h->count < MOST_VALUES ? malloc(sizeof(*s)) : NULL;

	if (!s)
		return NULL;
	s->h = h;
	s->width = histogram_bin_width(h);
	s->count[0] = 0;
	s->odd[0] = 0;
	s->square[0] = 0;
	s->others[0] = 0;
	s->used[0] = 0;
	s->entropy[0] = 0;
	for (int i = 0; i < HISTOGRAM_BINS; i++) {
		int64_t n = (int64_t)h->bins[i], odd = 2 * i + 1 - HISTOGRAM_BINS;
		int64_t other = i == HISTOGRAM_SIDE ? 0 : n;

		s->count[i + 1] = s->count[i] + n;
		s->odd[i + 1] = s->odd[i] + n * odd;
		s->square[i + 1] = s->square[i] + n * odd * odd;
		s->others[i + 1] = s->others[i] + other;
		s->used[i + 1] = s->used[i] + !!other;
		s->entropy[i + 1] = s->entropy[i] + (other ? (double)n * log((double)n) : 0);
	}
	return s;
}

static double middle(const struct sums *s, int bin)
{
	return (bin - HISTOGRAM_SIDE + 0.5) * s->width;
}

/* A bin near @at, perhaps one beyond either end. */
static int bin_near(const struct sums *s, double at)
{
	double bin = at / s->width + HISTOGRAM_SIDE;

	return bin < 0 ? 0 : bin > HISTOGRAM_BINS ? HISTOGRAM_BINS : (int)bin;
}

/* @part of STEPS of @end, which may be the largest number. */
static float shorter(float end, int part)
{
	return end * ((float)part / STEPS);
}

/* What is left of @whole when no side may be longer than @part of STEPS of the longer one. */
static struct interval cut(struct interval whole, int part)
{
	float most = shorter(fmaxf(-whole.min, whole.max), part);

	return (struct interval) { fmaxf(whole.min, -most), fminf(whole.max, most) };
}

/* ---- divergence ---- */

/* Where level 0 of LEVELS would begin, and how far it is to the next. */
struct raster {
	double from, step;
};

static struct raster raster_of(struct interval r)
{
	return (struct raster) { r.min, ((double)r.max - (double)r.min) / LEVELS };
}

/* Level of what is at @at, saturated. */
static int level(struct raster raster, double at)
{
	int l = (int)floor((at - raster.from) / raster.step);

	return l < 0 ? 0 : l >= LEVELS ? LEVELS - 1 : l;
}

/*
 * P is the histogram with all that lies outside in the outermost bins inside; Q has, for
 * the bins of one level that P has anything in, their mean. What P lost to saturation is
 * seen because Q knows only what was inside. The bin of zero does not count: zero has a
 * level of its own in every range, and behind a RELU it would outweigh all others.
 */
static double divergence(const struct histogram *h, struct interval r)
{
	double inside[LEVELS] = { 0 }, total = 0, lost[2] = { 0 }, sum = 0;
	uint32_t used[LEVELS] = { 0 };
	struct raster raster = raster_of(r);
	int first = HISTOGRAM_BINS, last = -1;

	for (int i = 0; i < HISTOGRAM_BINS; i++) {
		double at = histogram_value(h, i);

		if (!h->bins[i] || i == HISTOGRAM_SIDE)
			continue;
		if (at < (double)r.min || at > (double)r.max) {
			lost[at > 0] += (double)h->bins[i];
			continue;
		}
		first = i < first ? i : first;
		last = i;
		inside[level(raster, at)] += (double)h->bins[i];
		used[level(raster, at)]++;
		total += (double)h->bins[i];
	}
	if (last < 0)
		return DBL_MAX;
	for (int i = first; i <= last; i++) {
		double p = (double)h->bins[i], q;
		int l = level(raster, histogram_value(h, i));

		if (!h->bins[i] || i == HISTOGRAM_SIDE)
			continue;
		p += (i == first ? lost[0] : 0) + (i == last ? lost[1] : 0);
		p /= total + lost[0] + lost[1];
		q = inside[l] / used[l] / total;
		sum += p * log(p / q);
	}
	return sum;
}

/* The first bin at @at or above. */
static int first_from(const struct sums *s, double at)
{
	int bin = bin_near(s, at);

	while (bin > 0 && middle(s, bin - 1) >= at)
		bin--;
	while (bin < HISTOGRAM_BINS && middle(s, bin) < at)
		bin++;
	return bin;
}

/* The first bin of @l or higher levels, from @first on. */
static int first_of_level(const struct sums *s, struct raster raster, int l, int first)
{
	int bin = bin_near(s, raster.from + l * raster.step);

	while (bin > first && level(raster, middle(s, bin - 1)) >= l)
		bin--;
	while (bin < HISTOGRAM_BINS && level(raster, middle(s, bin)) < l)
		bin++;
	return bin < first ? first : bin;
}

/* What a bin at the end costs, where @lost of @all values came to its own @n. */
static double with_lost(double n, double lost, double q, double all)
{
	double p = (n + lost) / all;

	return p * log(p / q) - n / all * log(n / all / q);
}

/*
 * The sum of p log(p / q) = sum of n log(n) / all - sum of n (log(q) + log(all)) / all, where
 * q is one number for all bins of a level.
 */
static double quick_divergence(const struct sums *s, struct interval r)
{
	int begin = first_from(s, (double)r.min), end = first_from(s, (double)r.max), first, last;
	struct raster raster = raster_of(r);
	double all = (double)s->others[HISTOGRAM_BINS], lost[2], total, sum;

	if (end < HISTOGRAM_BINS && middle(s, end) <= (double)r.max)
		end++;
	if (begin >= end || s->used[begin] == s->used[end])
		return DBL_MAX;
	for (first = begin; s->used[first + 1] == s->used[begin]; first++)
		;
	for (last = end - 1; s->used[last] == s->used[end]; last--)
		;
	if (first == last)		/* all is there, and is expected there */
		return 0;
	lost[0] = (double)s->others[begin];
	lost[1] = all - (double)s->others[end];
	total = (double)(s->others[end] - s->others[begin]);
	sum = (s->entropy[end] - s->entropy[begin]) / all;
	for (int l = 0, from = begin; l < LEVELS; l++) {
		int to = l == LEVELS - 1 ? end : first_of_level(s, raster, l + 1, from);
		double n, q;

		to = to > end ? end : to;
		n = (double)(s->others[to] - s->others[from]);
		if (n > 0) {
			q = n / (double)(s->used[to] - s->used[from]) / total;
			sum -= n / all * (log(q) + log(all));
			if (first >= from && first < to)
				sum += with_lost((double)s->h->bins[first], lost[0], q, all);
			if (last >= from && last < to)
				sum += with_lost((double)s->h->bins[last], lost[1], q, all);
		}
		from = to;
	}
	return sum;
}

/* ---- squared error ---- */

static double squared_error(const struct histogram *h, struct interval r)
{
	struct scaling s = scaling_of(r);
	double scale = s.scale, zero = s.zero_point, sum = 0;

	for (int i = 0; i < HISTOGRAM_BINS; i++) {
		double x, q;

		if (!h->bins[i])
			continue;
		x = histogram_value(h, i);
		q = rint(x / scale) + zero;
		q = q < QMIN ? QMIN : q > QMAX ? QMAX : q;
		q = (q - zero) * scale - x;
		sum += q * q * (double)h->bins[i];
	}
	return sum;
}

/* The first bin from @first on that rounds to @q steps of @scale, or more. */
static int first_rounded(const struct sums *s, double scale, double q, int first)
{
	int bin = bin_near(s, (q - 0.5) * scale);

	while (bin > first && rint(middle(s, bin - 1) / scale) >= q)
		bin--;
	while (bin < HISTOGRAM_BINS && rint(middle(s, bin) / scale) < q)
		bin++;
	return bin < first ? first : bin;
}

/* What bins @from to @to lose when all get @at, which is in half widths, as the result's root. */
static double error_at(const struct sums *s, int from, int to, double at)
{
	int64_t n = s->count[to] - s->count[from], near, first, second;
	double rest;

	if (!n)
		return 0;
	/* around the integer beside it there is nothing to round */
	near = (int64_t)rint(at);
	rest = at - (double)near;
	first = s->odd[to] - s->odd[from] - near * n;
	second = s->square[to] - s->square[from] - 2 * near * (s->odd[to] - s->odd[from]) +
		 near * near * n;
	return (double)second - 2 * rest * (double)first + rest * rest * (double)n;
}

static double quick_error(const struct sums *s, struct interval r)
{
	struct scaling scaling = scaling_of(r);
	double scale = scaling.scale, half = s->width / 2, sum = 0;
	int from = 0;

	for (int q = QMIN; q <= QMAX; q++) {
		double steps = (double)q - scaling.zero_point;
		int to = q == QMAX ? HISTOGRAM_BINS : first_rounded(s, scale, steps + 1, from);

		sum += error_at(s, from, to, steps * scale / half);
		from = to;
	}
	return sum * half * half;
}

/* ---- the search ---- */

/* Of @count ranges the first of those that cost least. @s: NULL: there are none. */
static struct interval cheapest(const struct histogram *h, const struct sums *s,
				const struct cost *cost, const struct interval *tried, int count)
{
	double quick[STEPS + 1] = { 0 }, limit = DBL_MAX, least = DBL_MAX;
	struct interval best = tried[0];

	for (int i = 0; i < count && s; i++) {
		quick[i] = cost->quick(s, tried[i]);
		limit = fmin(limit, quick[i]);
	}
	limit += fabs(limit) * cost->margin + cost->slack;
	for (int i = 0; i < count; i++) {
		double exact;

		if (quick[i] > limit)
			continue;
		exact = cost->exact(h, tried[i]);
		if (exact < least) {
			least = exact;
			best = tried[i];
		}
	}
	return best;
}

/*
 * 8192 terms of at most 40 in magnitude, with weights that add up to 1, are wrong by 1e-10 at
 * most, quick or not.
 */
struct interval range_kl(const struct histogram *h)
{
	static const struct cost cost = {
		.exact = divergence, .quick = quick_divergence, .slack = 1e-8,
	};
	struct interval whole = range_minmax(h), best, tried[STEPS];
	struct sums *s = sum_up(h);

	tried[0] = whole;
	for (int i = 1; i < STEPS; i++)
		tried[i] = cut(whole, STEPS - i);
	best = cheapest(h, s, &cost, tried, STEPS);
	free(s);
	return best;
}

/*
 * Both sides together, then each by itself.
 *
 * What sums of squares round is 1e-12 of them. The distance of a bin from its level is off by
 * what the level rounds, 1e-16 of itself: by the triangle inequality the root of the error is
 * off by no more than 1e-15 of the root of the sum of squares of all values. That makes
 * (a + b)^2 <= a^2 (1 + 1e-6) + b^2 (1 + 1e6): 1e-6 of the error, and 1e-23 of the sum.
 */
struct interval range_mse(const struct histogram *h)
{
	struct cost cost = { .exact = squared_error, .quick = quick_error, .margin = 1e-5 };
	struct interval whole = range_minmax(h), best = whole, tried[STEPS];
	struct sums *s = sum_up(h);

	if (s)
		cost.slack = 1e-20 * (double)s->square[HISTOGRAM_BINS] * s->width * s->width;
	for (int pass = 0; pass < 3; pass++) {
		struct interval start = best;

		tried[0] = start;
		for (int i = 1; i < STEPS; i++) {
			tried[i] = pass ? start : cut(whole, STEPS - i);
			if (pass == 1)
				tried[i].min = shorter(start.min, STEPS - i);
			else if (pass == 2)
				tried[i].max = shorter(start.max, STEPS - i);
		}
		best = cheapest(h, s, &cost, tried, STEPS);
	}
	free(s);
	return best;
}
