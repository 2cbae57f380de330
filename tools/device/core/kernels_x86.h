/* SPDX-License-Identifier: MIT */
/*
 * Inner loops in x86's own instructions, where a compiler does not find them: mac
 * of struct enpu_kernels, and its requant for ENPU_REQUANT_DOUBLE. The caller has
 * seen to it that the CPU has what a name says; avx512: F and BW.
 */
#ifndef ENPU_DEVICE_KERNELS_X86_H
#define ENPU_DEVICE_KERNELS_X86_H

#include <stddef.h>
#include <stdint.h>

#include "kernels.h"

void enpu_mac_avx2(int32_t *acc, const int16_t *x, const int16_t *w, size_t n, size_t k);
void enpu_mac_avx512(int32_t *acc, const int16_t *x, const int16_t *w, size_t n, size_t k);
void enpu_mac_avx512_vnni(int32_t *acc, const int16_t *x, const int16_t *w, size_t n, size_t k);
void enpu_requant_double_avx512(int32_t *acc, size_t step, size_t n,
				const struct enpu_channel_block *ch,
				const struct enpu_output_stage *out);

#endif
