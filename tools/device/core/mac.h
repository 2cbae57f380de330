/* SPDX-License-Identifier: MIT */
/*
 * What the commands of the MAC array have in common: channel parameters,
 * weights, the output stage, the cost of the array.
 */
#ifndef ENPU_DEVICE_MAC_H
#define ENPU_DEVICE_MAC_H

#include "command.h"

/* How much is worked on at a time: inputs gathered, outputs, positions */
#define ENPU_PATCH_ELEMENTS	(1u << 17)
#define ENPU_OUT_ELEMENTS	(1u << 18)
#define ENPU_MAX_POSITIONS	1024u

/* A piece of the output on its way out */
struct enpu_mac_out {
	struct enpu_output_stage stage;
	unsigned int dtype;
	bool wide;			/* accumulators are int64_t, else int32_t */
	bool raw;			/* S32 output: accumulators as they are */
	uint32_t channels;
	void *buf;			/* [positions][channels] of dtype */
};

/* Types and requantization of a MAC command, its clamp */
int enpu_mac_check_output(struct enpu_exec *x, const struct enpu_tile *ifm,
			  const struct enpu_tile *ofm, unsigned int requant,
			  const struct enpu_clamp *clamp);
/* buf for up to positions; -EFAULT: no memory */
int enpu_mac_out_init(struct enpu_exec *x, struct enpu_mac_out *out, const struct enpu_tile *ifm,
		      const struct enpu_tile *ofm, unsigned int requant,
		      const struct enpu_clamp *clamp, uint32_t positions);
/*
 * Accumulators of n positions, step elements apart, for the block of channels
 * from first on, to out->buf. Destroys the accumulators.
 */
int enpu_mac_finish(struct enpu_exec *x, const struct enpu_mac_out *out, void *acc, size_t step,
		    size_t n, const struct enpu_channel_block *ch, uint32_t first);

/*
 * The checks of CONV, DEPTHWISE and TRANSPOSE_CONV. taps: kernel_h * kernel_w
 * * the channels of the weights; weights: their number, padding included.
 * Reads and checks the channel parameters.
 */
int enpu_mac_check(struct enpu_exec *x, uint64_t taps, uint64_t weights);
/* The parameters that it left, a block for 16 output channels */
const struct enpu_channel_block *enpu_mac_channels(const struct enpu_exec *x);

/* count weights from number first on, widened; first and count are even */
int enpu_mac_weights(struct enpu_exec *x, const struct enpu_ref *ref, uint64_t first,
		     uint64_t count, int16_t *dst);

/* The array's cycles for that many operand steps, with operands of ifm's type */
uint64_t enpu_mac_cycles(const struct enpu_exec *x, const struct enpu_tile *ifm,
			 const struct enpu_tile *ofm, uint64_t steps);
/* Traffic of the tiles, weights and parameters */
void enpu_mac_cost_traffic(struct enpu_cost *cost, const struct enpu_cmd_conv *cmd,
			   uint64_t weights);

#endif
