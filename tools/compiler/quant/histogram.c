// SPDX-License-Identifier: MIT
/* Histograms: see histogram.h. */
#include "histogram.h"

#include <math.h>
#include <string.h>

#define LEAST_EXPONENT	(-100)		/* what is smaller is zero to any quantization */
#define BLOCK		4096		/* values whose extremes are sought in one go */

double histogram_bin_width(const struct histogram *h)
{
	return ldexp(1.0 / HISTOGRAM_SIDE, h->exponent);
}

double histogram_value(const struct histogram *h, unsigned int bin)
{
	return ((double)bin - HISTOGRAM_SIDE + 0.5) * histogram_bin_width(h);
}

/* Bins of twice the width: pairs, counted from zero outwards, become one. */
static void double_width(struct histogram *h)
{
	for (unsigned int i = 0; i < HISTOGRAM_SIDE; i++) {
		uint64_t *up = h->bins + HISTOGRAM_SIDE, *down = up - 1;
		bool merged = i < HISTOGRAM_SIDE / 2;

		up[i] = merged ? up[2 * i] + up[2 * i + 1] : 0;
		down[-(int)i] = merged ? down[-2 * (int)i] + down[-2 * (int)i - 1] : 0;
	}
	h->exponent++;
}

static void reach(struct histogram *h, float magnitude)
{
	int exponent;

	frexpf(magnitude, &exponent);		/* magnitude < 2^exponent */
	if (magnitude == 0 || exponent < LEAST_EXPONENT)
		exponent = LEAST_EXPONENT;
	if (!h->count)
		h->exponent = exponent;
	while (h->exponent < exponent)
		double_width(h);
}

static void count(struct histogram *h, float value, double scale)
{
	/* no value lies beyond the bins, but for those that round up to their end */
	int bin = HISTOGRAM_SIDE + (int)floor(value * scale);

	bin = bin < 0 ? 0 : bin >= HISTOGRAM_BINS ? HISTOGRAM_BINS - 1 : bin;
	h->bins[bin]++;
	h->sum += value;
	h->count++;
}

static void add_block(struct histogram *h, const float *values, size_t n)
{
	float min = INFINITY, max = -INFINITY;
	double scale;

	for (size_t i = 0; i < n; i++) {
		if (!isfinite(values[i]))
			continue;
		min = values[i] < min ? values[i] : min;
		max = values[i] > max ? values[i] : max;
	}
	if (min > max) {
		h->odd += n;
		return;
	}
	reach(h, fmaxf(fabsf(min), fabsf(max)));
	h->min = !h->count || min < h->min ? min : h->min;
	h->max = !h->count || max > h->max ? max : h->max;
	scale = 1 / histogram_bin_width(h);
	for (size_t i = 0; i < n; i++) {
		if (isfinite(values[i]))
			count(h, values[i], scale);
		else
			h->odd++;
	}
}

void histogram_add(struct histogram *h, const float *values, size_t n)
{
	for (size_t i = 0; i < n; i += BLOCK)
		add_block(h, values + i, n - i < BLOCK ? n - i : BLOCK);
}

void histogram_merge(struct histogram *h, const struct histogram *from)
{
	struct histogram other = *from;

	h->odd += other.odd;
	if (!other.count)
		return;
	if (!h->count) {
		other.odd = h->odd;
		*h = other;
		return;
	}
	while (h->exponent < other.exponent)
		double_width(h);
	while (other.exponent < h->exponent)
		double_width(&other);
	for (unsigned int i = 0; i < HISTOGRAM_BINS; i++)
		h->bins[i] += other.bins[i];
	h->min = other.min < h->min ? other.min : h->min;
	h->max = other.max > h->max ? other.max : h->max;
	h->sum += other.sum;
	h->count += other.count;
}
