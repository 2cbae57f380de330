// SPDX-License-Identifier: MIT
/*
 * Ranges: see range.h. The formulas are in Documentation/quantization.rst with their
 * sources: Jacob et al. 2018 (scale and zero point), Migacz 2017 (divergence), Banner et
 * al. 2019 (squared error; here the histogram takes the place of a model distribution).
 */
#include "range.h"

#include <float.h>
#include <math.h>

#define LEVELS		256
#define STEPS		64	/* ranges that are tried, from 1/STEPS of the whole to all of it */
#define QMIN		(-128)
#define QMAX		127
#define WIDE_MAX	32767

struct interval range_minmax(const struct histogram *h)
{
	return (struct interval) {
		h->count && h->min < 0 ? h->min : 0, h->count && h->max > 0 ? h->max : 0,
	};
}

struct interval range_percentile(const struct histogram *h, double percent)
{
	struct interval whole = range_minmax(h), r = whole;
	double outside = (double)h->count * (100 - percent) / 200, seen = 0;
	double half = histogram_bin_width(h) / 2;

	for (int i = 0; i < HISTOGRAM_BINS; i++) {
		seen += h->bins[i];
		if (seen > outside) {
			r.min = histogram_value(h, i) - half;
			break;
		}
	}
	seen = 0;
	for (int i = HISTOGRAM_BINS - 1; i >= 0; i--) {
		seen += h->bins[i];
		if (seen > outside) {
			r.max = histogram_value(h, i) + half;
			break;
		}
	}
	/* a bin may reach beyond what was seen */
	r.min = fmaxf(fminf(r.min, 0), whole.min);
	r.max = fminf(fmaxf(r.max, 0), whole.max);
	return r;
}

/* What is left of @whole when no side may be longer than @most. */
static struct interval cut(struct interval whole, float most)
{
	return (struct interval) { fmaxf(whole.min, -most), fminf(whole.max, most) };
}

static float longer_side(struct interval r)
{
	return fmaxf(-r.min, r.max);
}

/* Level of a bin's middle when @r has LEVELS of them, saturated. */
static int level(const struct histogram *h, int bin, struct interval r)
{
	double step = ((double)r.max - (double)r.min) / LEVELS;
	int at = (int)floor((histogram_value(h, bin) - (double)r.min) / step);

	return at < 0 ? 0 : at >= LEVELS ? LEVELS - 1 : at;
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
		inside[level(h, i, r)] += (double)h->bins[i];
		used[level(h, i, r)]++;
		total += (double)h->bins[i];
	}
	if (last < 0)
		return DBL_MAX;
	for (int i = first; i <= last; i++) {
		double p = (double)h->bins[i], q;
		int l = level(h, i, r);

		if (!h->bins[i] || i == HISTOGRAM_SIDE)
			continue;
		p += (i == first ? lost[0] : 0) + (i == last ? lost[1] : 0);
		p /= total + lost[0] + lost[1];
		q = inside[l] / used[l] / total;
		sum += p * log(p / q);
	}
	return sum;
}

struct interval range_kl(const struct histogram *h)
{
	struct interval whole = range_minmax(h), best = whole;
	double least = DBL_MAX;

	for (int i = STEPS; i > 0; i--) {
		struct interval r = cut(whole, longer_side(whole) * i / STEPS);
		double d = divergence(h, r);

		if (d < least) {
			least = d;
			best = r;
		}
	}
	return best;
}

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

/* Both sides together, then each by itself. */
struct interval range_mse(const struct histogram *h)
{
	struct interval whole = range_minmax(h), best = whole;
	double least = squared_error(h, whole);

	for (int pass = 0; pass < 3; pass++) {
		struct interval start = best;

		for (int i = STEPS - 1; i > 0; i--) {
			struct interval r = cut(whole, longer_side(whole) * i / STEPS);
			double error;

			if (pass == 1)
				r = (struct interval) { start.min * i / STEPS, start.max };
			else if (pass == 2)
				r = (struct interval) { start.min, start.max * i / STEPS };
			error = squared_error(h, r);
			if (error < least) {
				least = error;
				best = r;
			}
		}
	}
	return best;
}

struct interval range_choose(const struct histogram *h, enum enpu_ranges method, double percent)
{
	switch (method) {
	case ENPU_RANGES_PERCENTILE:
		return range_percentile(h, percent);
	case ENPU_RANGES_KL:
		return range_kl(h);
	case ENPU_RANGES_MSE:
		return range_mse(h);
	default:
		return range_minmax(h);
	}
}

struct scaling scaling_of(struct interval range)
{
	double min = range.min, max = range.max;
	double scale = (max - min) / (QMAX - QMIN), from_min, from_max, zero;

	/* also where nothing but zeroes was seen */
	if (!((float)scale > FLT_MIN))
		return (struct scaling) { 1.0f / LEVELS, 0, false };
	from_min = QMIN - min / scale;
	from_max = QMAX - max / scale;
	zero = fabs(min) < fabs(max) ? from_min : from_max;
	zero = zero < QMIN ? QMIN : zero > QMAX ? QMAX : round(zero);
	return (struct scaling) { (float)scale, (int32_t)zero, false };
}

struct scaling wide_scaling_of(struct interval range)
{
	float scale = longer_side(range) / WIDE_MAX;

	return (struct scaling) { scale > FLT_MIN ? scale : 1.0f / WIDE_MAX, 0, true };
}

int32_t quantize_value(float x, struct scaling s)
{
	float q = roundf(x / s.scale) + (float)s.zero_point;
	int32_t min = s.wide ? -WIDE_MAX : QMIN, max = s.wide ? WIDE_MAX : QMAX;

	return !(q > (float)min) ? min : q > (float)max ? max : (int32_t)q;
}

float dequantize_value(int32_t q, struct scaling s)
{
	return s.scale * (float)(q - s.zero_point);
}
