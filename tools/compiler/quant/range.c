// SPDX-License-Identifier: MIT
/*
 * Ranges and scales: see range.h. The formulas are in Documentation/quantization.rst with
 * their sources: Jacob et al. 2018 (scale and zero point). The ranges that are searched for
 * are in range_search.c.
 */
#include "range.h"

#include <float.h>
#include <math.h>

#define LEVELS		256
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
	float scale = fmaxf(-range.min, range.max) / WIDE_MAX;

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
