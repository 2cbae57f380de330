/* SPDX-License-Identifier: MIT */
/*
 * Rounding weights up or down so that the layer's output, not each weight, comes closest
 * to the float one.
 */
#ifndef ENPU_ROUNDING_H
#define ENPU_ROUNDING_H

#include <stdint.h>

/*
 * One output channel: @real[k] are its weights in units of their scale, @level[k] their
 * rounded values, at first to nearest, from -@most to @most. @covariance is that of the inputs,
 * [taps][taps]; @pull is room for @taps floats. Levels move to the other neighbour of the real
 * weight as long as that lowers (level - real)^T covariance (level - real).
 */
void round_channel(const float *real, int8_t *level, int most, const float *covariance,
		   int32_t taps, float *pull);

#endif
