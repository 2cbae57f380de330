/* SPDX-License-Identifier: MIT */
/* What the convolutions of all kinds share: see conv.c. */
#ifndef ENPU_CONV_H
#define ENPU_CONV_H

#include "operator.h"

/* The operands; the bias is NULL where it is left out. */
const struct tensor *conv_input(const struct op *op);
const struct tensor *conv_weights(const struct op *op);
const struct tensor *conv_bias(const struct op *op);

/* @channel_axis: dimension of the weights that is the output channel. */
const char *check_weights(struct graph *g, const struct op *op, int channel_axis);
const char *check_bias(struct graph *g, const struct op *op, int32_t channels);

/* [O/16][K/4][16 o][4 k] from [O][K], output channels from @first on */
struct buffer *block_weights(struct program *p, const struct tensor *w, uint32_t first,
			     uint32_t outputs, uint32_t k_count);
/* Bias, multiplier and zero point of output channels from @first on. */
struct buffer *channel_params(struct program *p, const struct op *op, uint32_t first,
			      uint32_t outputs);

#endif
