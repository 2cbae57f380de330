// SPDX-License-Identifier: MIT
/* Comparing tensors: see accuracy.h. */
#include "accuracy.h"

#include <math.h>

#define MOST_DB	200

size_t largest_element(const float *values, size_t n)
{
	size_t largest = 0;

	for (size_t i = 1; i < n; i++)
		if (values[i] > values[largest])
			largest = i;
	return largest;
}

/* Zero against zero is alike, against anything else it is not. */
static double cosine(double truth, double value, double product)
{
	if (truth == 0 || value == 0)
		return truth == value;
	return product / sqrt(truth) / sqrt(value);
}

void closeness_add(struct closeness *c, const float *truth, const float *value, size_t n)
{
	double xx = 0, yy = 0, xy = 0, noise = 0, cos;

	for (size_t i = 0; i < n; i++) {
		double x = (double)truth[i], y = (double)value[i];

		xx += x * x;
		yy += y * y;
		xy += x * y;
		noise += (x - y) * (x - y);
	}
	cos = cosine(xx, yy, xy);
	c->signal += xx;
	c->noise += noise;
	c->cosines += cos;
	if (!c->samples || cos < c->least_cosine)
		c->least_cosine = cos;
	c->samples++;
	c->agreed += largest_element(truth, n) == largest_element(value, n);
}

double closeness_sqnr_db(const struct closeness *c)
{
	double db;

	if (c->noise == 0)
		return MOST_DB;
	db = 10 * log10(c->signal / c->noise);
	return db < -MOST_DB ? -MOST_DB : db > MOST_DB ? MOST_DB : db;
}

double closeness_cosine(const struct closeness *c)
{
	return c->samples ? c->cosines / c->samples : 0;
}
