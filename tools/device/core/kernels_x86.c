// SPDX-License-Identifier: MIT
/*
 * mac: the MAC array's inner loop with vectors as the weights lie: one holds four
 * values of K for each of some output channels. Four values of a patch, broadcast,
 * meet them in an instruction that adds products in pairs; what is left at the end
 * is to add two neighbours for each channel. Several patches at a time share the
 * loads of weights.
 *
 * Sums wrap at 32 bits, as they must: neither instruction saturates.
 *
 * requant: products of 64 bits exist for every other lane only; the odd lanes are
 * multiplied apart, and bits 31 to 62 of both come together again.
 */
#ifdef __x86_64__

#include <immintrin.h>
#include <string.h>

#include "kernels_x86.h"

#define INLINE		static inline __attribute__((always_inline))
#define AVX2		__attribute__((target("avx2")))
#define AVX512		__attribute__((target("avx512f,avx512bw")))
#define AVX512_VNNI	__attribute__((target("avx512f,avx512bw,avx512vnni")))

INLINE long long four(const int16_t *x)
{
	long long values;

	memcpy(&values, x, sizeof(values));
	return values;
}

/* patches: a constant, so that the accumulators stay in registers */
#define MAC_512(name, target, dot)							\
target INLINE void name(int32_t *acc, const int16_t *x, const int16_t *w, size_t k,	\
			size_t patches)							\
{											\
	const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22,\
					       24, 26, 28, 30);				\
	const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));		\
	__m512i lo[8], hi[8];								\
											\
	for (size_t p = 0; p < patches; p++)						\
		lo[p] = hi[p] = _mm512_setzero_si512();					\
	for (size_t j = 0; j < k; j += ENPU_BLOCK_K, w += ENPU_BLOCK) {			\
		__m512i w_lo = _mm512_loadu_si512(w);					\
		__m512i w_hi = _mm512_loadu_si512(w + ENPU_BLOCK / 2);			\
											\
		for (size_t p = 0; p < patches; p++) {					\
			__m512i v = _mm512_set1_epi64(four(x + p * k + j));		\
											\
			lo[p] = dot(lo[p], v, w_lo);					\
			hi[p] = dot(hi[p], v, w_hi);					\
		}									\
	}										\
	for (size_t p = 0; p < patches; p++)						\
		_mm512_storeu_si512(acc + p * ENPU_BLOCK_O, _mm512_add_epi32(		\
			_mm512_permutex2var_epi32(lo[p], even, hi[p]),			\
			_mm512_permutex2var_epi32(lo[p], odd, hi[p])));			\
}

#define MADD_512(sum, a, b)	_mm512_add_epi32(sum, _mm512_madd_epi16(a, b))

MAC_512(mac_512, AVX512, MADD_512)
MAC_512(mac_512_vnni, AVX512_VNNI, _mm512_dpwssd_epi32)

AVX2 INLINE void mac_256(int32_t *acc, const int16_t *x, const int16_t *w, size_t k,
			 size_t patches)
{
	__m256i sum[2][4];

	for (size_t p = 0; p < patches; p++)
		for (size_t q = 0; q < 4; q++)
			sum[p][q] = _mm256_setzero_si256();
	for (size_t j = 0; j < k; j += ENPU_BLOCK_K, w += ENPU_BLOCK) {
		for (size_t q = 0; q < 4; q++) {
			__m256i wq = _mm256_loadu_si256((const __m256i *)(w + q * ENPU_BLOCK / 4));

			for (size_t p = 0; p < patches; p++) {
				__m256i v = _mm256_set1_epi64x(four(x + p * k + j));

				sum[p][q] = _mm256_add_epi32(sum[p][q],
							     _mm256_madd_epi16(v, wq));
			}
		}
	}
	for (size_t p = 0; p < patches; p++) {
		for (size_t q = 0; q < 4; q += 2) {
			/* Channels 0 1 4 5 2 3 6 7 */
			__m256i pairs = _mm256_hadd_epi32(sum[p][q], sum[p][q + 1]);

			_mm256_storeu_si256((__m256i *)(acc + p * ENPU_BLOCK_O + q * 4),
					    _mm256_permute4x64_epi64(pairs, 0xd8));
		}
	}
}

/* All patches: as many at a time as registers allow, then one by one */
#define MAC(name, target, body, at_once)						\
target void name(int32_t *acc, const int16_t *x, const int16_t *w, size_t n, size_t k)	\
{											\
	size_t i = 0;									\
											\
	for (; i + (at_once) <= n; i += (at_once))					\
		body(acc + i * ENPU_BLOCK_O, x + i * k, w, k, at_once);			\
	for (; i < n; i++)								\
		body(acc + i * ENPU_BLOCK_O, x + i * k, w, k, 1);			\
}

MAC(enpu_mac_avx2, AVX2, mac_256, 2)
MAC(enpu_mac_avx512, AVX512, mac_512, 8)
MAC(enpu_mac_avx512_vnni, AVX512_VNNI, mac_512_vnni, 8)

/* enpu_srdhm() of each lane */
AVX512 INLINE __m512i srdhm(__m512i a, __m512i b, __mmask16 b_lowest)
{
	const __m512i lowest = _mm512_set1_epi32(INT32_MIN), half = _mm512_set1_epi64(1 << 30);
	__m512i even = _mm512_add_epi64(_mm512_mul_epi32(a, b), half);
	__m512i odd = _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(a, 32),
							_mm512_srli_epi64(b, 32)), half);
	__m512i high = _mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(even, 31),
					       _mm512_slli_epi64(odd, 1));

	/* The only product that is too large */
	return _mm512_mask_mov_epi32(high, _mm512_mask_cmpeq_epi32_mask(b_lowest, a, lowest),
				     _mm512_set1_epi32(INT32_MAX));
}

AVX512 void enpu_requant_double_avx512(int32_t *acc, size_t step, size_t n,
				       const struct enpu_channel_block *ch,
				       const struct enpu_output_stage *out)
{
	__m256i low = _mm512_cvtepi64_epi32(_mm512_loadu_si512(ch->bias));
	__m256i high = _mm512_cvtepi64_epi32(_mm512_loadu_si512(ch->bias + 8));
	__m512i bias = _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
	__m512i multiplier = _mm512_loadu_si512(ch->multiplier);
	__mmask16 lowest = _mm512_cmpeq_epi32_mask(multiplier, _mm512_set1_epi32(INT32_MIN));
	__m512i left = _mm512_loadu_si512(ch->left), right = _mm512_loadu_si512(ch->right);
	__m512i one = _mm512_set1_epi32(1);
	__m512i mask = _mm512_sub_epi32(_mm512_sllv_epi32(one, right), one);
	__m512i threshold = _mm512_srli_epi32(mask, 1);
	/* Clamped before the zero point is added, which then can't overflow */
	__m512i min = _mm512_set1_epi32(out->min - out->zero_point);
	__m512i max = _mm512_set1_epi32(out->max - out->zero_point);
	__m512i zero_point = _mm512_set1_epi32(out->zero_point);

	for (size_t i = 0; i < n; i++, acc += step) {
		__m512i v = _mm512_add_epi32(_mm512_loadu_si512(acc), bias);
		__m512i limit;

		v = srdhm(_mm512_sllv_epi32(v, left), multiplier, lowest);
		limit = _mm512_add_epi32(threshold, _mm512_srli_epi32(v, 31));
		v = _mm512_mask_add_epi32(_mm512_srav_epi32(v, right),
					  _mm512_cmpgt_epi32_mask(_mm512_and_si512(v, mask),
								  limit),
					  _mm512_srav_epi32(v, right), one);
		v = _mm512_min_epi32(_mm512_max_epi32(v, min), max);
		_mm512_storeu_si512(acc, _mm512_add_epi32(v, zero_point));
	}
}

#endif
