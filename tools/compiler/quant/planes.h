/* SPDX-License-Identifier: MIT */
/*
 * Weights rounded one after another, each to what is best for those that were rounded
 * before it. With e the errors and C = R^T R the covariance of the inputs, R triangular, the
 * output's squared error is |R e|^2: row i of R knows e_i and the later ones only. So from the
 * last one on each e_i is chosen to make its row's sum smallest. That is Babai's nearest plane
 * (1986); Frantar et al. came to the same for weights ("GPTQ", 2022).
 */
#ifndef ENPU_PLANES_H
#define ENPU_PLANES_H

#include <stdint.h>

#include "../arena.h"

struct planes {
	int32_t taps;			/* 0: there is no factor */
	int32_t room;
	int32_t *order;			/* the tap of each row of R: of least power first */
	float *rows;			/* malloc()ed */
	float *error;			/* of a channel, in that order */
};

/* Of @taps inputs; none if there are too many to factor in reasonable time. */
void planes_open(struct planes *p, struct arena *arena, int32_t taps);
/* @covariance: [taps][taps]. */
void planes_factor(struct planes *p, const float *covariance);
/* @real in units of the scale, @level from -@most to @most. Without a factor nothing changes. */
void planes_round(const struct planes *p, const float *real, int8_t *level, int most);
void planes_close(struct planes *p);

#endif
