// SPDX-License-Identifier: MIT
/* Rounding to the nearest plane: see planes.h. */
#include "planes.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#define MOST_TAPS	2560

void planes_open(struct planes *p, struct arena *arena, int32_t taps)
{
	*p = (struct planes) { .room = taps <= MOST_TAPS ? taps : 0 };
	if (!p->room)
		return;
	p->order = arena_new(arena, int32_t, p->room);
	p->error = arena_new(arena, float, p->room);
	p->rows = malloc((size_t)p->room * p->room * sizeof(*p->rows));
}

void planes_close(struct planes *p)
{
	free(p->rows);
	p->rows = NULL;
}

static void sort_by_power(struct planes *p, const float *covariance)
{
	size_t taps = p->taps;

	for (int32_t i = 0; i < p->taps; i++) {
		int32_t at = i;

		for (; at && covariance[(size_t)p->order[at - 1] * (taps + 1)] >
			     covariance[(size_t)i * (taps + 1)]; at--)
			p->order[at] = p->order[at - 1];
		p->order[at] = i;
	}
}

/* Cholesky's, row by row. False: the covariance has no such factor. */
static bool factor(struct planes *p, const float *covariance)
{
	size_t taps = p->taps;

	sort_by_power(p, covariance);
	for (size_t i = 0; i < taps; i++)
		for (size_t k = i; k < taps; k++)
			p->rows[i * taps + k] = covariance[p->order[i] * taps + p->order[k]];
	for (size_t i = 0; i < taps; i++) {
		float *row = p->rows + i * taps, pivot = sqrtf(row[i]);

		if (!(pivot > 0) || !isfinite(pivot))
			return false;
		for (size_t k = i; k < taps; k++)
			row[k] /= pivot;
		for (size_t j = i + 1; j < taps; j++) {
			float *below = p->rows + j * taps, share = row[j];

			for (size_t k = j; k < taps; k++)
				below[k] -= share * row[k];
		}
	}
	return true;
}

void planes_factor(struct planes *p, const float *covariance)
{
	p->taps = p->rows ? p->room : 0;
	if (p->taps && !factor(p, covariance))
		p->taps = 0;
}

void planes_round(const struct planes *p, const float *real, int8_t *level, int most)
{
	for (int32_t i = p->taps - 1; i >= 0; i--) {
		const float *row = p->rows + (size_t)i * p->taps;
		int32_t tap = p->order[i];
		float sum = 0, best;

		for (int32_t k = i + 1; k < p->taps; k++)
			sum += row[k] * p->error[k];
		best = rintf(real[tap] - sum / row[i]);
		level[tap] = (int8_t)fminf(fmaxf(best, (float)-most), (float)most);
		p->error[i] = (float)level[tap] - real[tap];
	}
}
