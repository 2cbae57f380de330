/* SPDX-License-Identifier: MIT */
/*
 * The inner loops, over dense local buffers, behind a table: what a faster
 * path replaces. All variants give the same bytes.
 */
#ifndef ENPU_DEVICE_KERNELS_H
#define ENPU_DEVICE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* Blocks of weights, as in memory: [K/4][16 output channels][4 of K]; patches' K is so padded */
#define ENPU_BLOCK_O	16
#define ENPU_BLOCK_K	4
#define ENPU_BLOCK	(ENPU_BLOCK_O * ENPU_BLOCK_K)

/* Parameters of a block of output channels, taken apart */
struct enpu_channel_block {
	int64_t bias[ENPU_BLOCK_O];
	int32_t multiplier[ENPU_BLOCK_O];
	int32_t shift[ENPU_BLOCK_O];
	int32_t left[ENPU_BLOCK_O];		/* max(shift, 0) */
	int32_t right[ENPU_BLOCK_O];		/* max(-shift, 0) */
	int32_t weight_zero_point[ENPU_BLOCK_O];
};

/* What a whole output shares */
struct enpu_output_stage {
	unsigned int requant;			/* enum enpu_requant */
	int32_t zero_point;
	int32_t min;
	int32_t max;
};

/* ELEMENTWISE in ENPU_REQUANT_FP32 */
struct enpu_fp32_stage {
	int32_t za, zb, zo;			/* zero points */
	float ma, mb, mo;
	int32_t min, max;
};

struct enpu_kernels {
	const char *name;
	/* acc[i][o] = sum over k of x[i][k] * w[k / 4][o][k % 4]; k is a multiple of 4 */
	void (*mac)(int32_t *acc, const int16_t *x, const int16_t *w, size_t n, size_t k);
	void (*mac_wide)(int64_t *acc, const int16_t *x, const int16_t *w, size_t n, size_t k);
	/*
	 * One depthwise tap: acc[i][c * multiplier + m] += x[i][c] * w[c * multiplier + m],
	 * rows of acc and x being acc_step and x_step elements apart.
	 */
	void (*tap)(int32_t *acc, size_t acc_step, const int16_t *x, size_t x_step,
		    const int16_t *w, size_t n, size_t channels, size_t multiplier);
	void (*tap_wide)(int64_t *acc, size_t acc_step, const int16_t *x, size_t x_step,
			 const int16_t *w, size_t n, size_t channels, size_t multiplier);
	/* n rows of count values, at most ENPU_BLOCK_O, to 8 bits, which hold them */
	void (*narrow8)(uint8_t *dst, size_t dst_step, const int32_t *values, size_t step,
			size_t n, size_t count);
	/* dst[i] = src[i] - zero_point; the differences fit */
	void (*widen_u8)(int16_t *dst, const uint8_t *src, size_t n, int zero_point);
	void (*widen_s8)(int16_t *dst, const int8_t *src, size_t n, int zero_point);
	/* Accumulators (bias not yet added) to output values, n rows of ENPU_BLOCK_O, step apart */
	void (*requant)(int32_t *acc, size_t step, size_t n, const struct enpu_channel_block *ch,
			const struct enpu_output_stage *out);
	/* The same from 64 bits; the results go to out_values[n][ENPU_BLOCK_O] */
	void (*requant_wide)(int32_t *out_values, const int64_t *acc, size_t step, size_t n,
			     const struct enpu_channel_block *ch,
			     const struct enpu_output_stage *out);
	/* a = clamp(round(fma(a - za, ma, fma(b - zb, mb, mo))) + zo) */
	void (*add_fp32)(int32_t *a, const int32_t *b, size_t n,
			 const struct enpu_fp32_stage *stage);
	/* a = clamp(round((a - za) * (b - zb) * mo + zo)) */
	void (*mul_fp32)(int32_t *a, const int32_t *b, size_t n,
			 const struct enpu_fp32_stage *stage);
};

/* The fastest that this CPU can run; never NULL */
const struct enpu_kernels *enpu_kernels_get(void);
/* For tests: all that this CPU can run; NULL past the last. Number 0 is plain C. */
const struct enpu_kernels *enpu_kernels_at(unsigned int index);

#endif
