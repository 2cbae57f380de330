/* SPDX-License-Identifier: MIT */
/* Tensors that repeat along dimensions of a larger one, element by element. */
#ifndef LIBACCEL_BROADCAST_H
#define LIBACCEL_BROADCAST_H

#include "model.h"

static inline int broadcasts(const struct accel_tensor *in, const struct accel_tensor *out)
{
	uint32_t lead = out->rank - in->rank;

	if (in->rank > out->rank)
		return 0;
	for (uint32_t d = 0; d < in->rank; d++)
		if (in->dims[d] != 1 && in->dims[d] != out->dims[d + lead])
			return 0;
	return 1;
}

/* Where element number n of the whole is found in two tensors that broadcast to it */
struct pair_walk {
	const struct accel_tensor *out;
	size_t steps[2][ENPU_MAX_RANK];
	uint32_t index[ENPU_MAX_RANK];
	size_t at[2];
};

/* From one element of @in to the next along each dimension of @out, 0 where it has but one. */
static inline void broadcast_steps(const struct accel_tensor *in, const struct accel_tensor *out,
				   size_t *steps)
{
	uint32_t lead = out->rank - in->rank;
	size_t step = 1;

	for (uint32_t d = out->rank; d-- > 0;) {
		uint32_t size = d < lead ? 1 : in->dims[d - lead];

		steps[d] = size == 1 ? 0 : step;
		step *= size;
	}
}

static inline struct pair_walk walk_pair(const struct accel_tensor *a, const struct accel_tensor *b,
					 const struct accel_tensor *out)
{
	struct pair_walk w = { .out = out };

	broadcast_steps(a, out, w.steps[0]);
	broadcast_steps(b, out, w.steps[1]);
	return w;
}

static inline void walk_on(struct pair_walk *w)
{
	for (uint32_t d = w->out->rank; d-- > 0;) {
		w->at[0] += w->steps[0][d];
		w->at[1] += w->steps[1][d];
		if (++w->index[d] < w->out->dims[d])
			return;
		w->at[0] -= w->steps[0][d] * w->out->dims[d];
		w->at[1] -= w->steps[1][d] * w->out->dims[d];
		w->index[d] = 0;
	}
}

#endif
