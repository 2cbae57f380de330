// SPDX-License-Identifier: MIT
/*
 * The inner loops in plain C, shaped so that a compiler vectorizes them, and
 * compiled for several levels of the instruction set. The one that most of the
 * time goes to, a compiler does not find the best form of: see kernels_x86.c.
 *
 * Compiled with -fwrapv: accumulators are 32 bits wide and wrap.
 */
#include "kernels.h"
#include "kernels_x86.h"
#include "requant.h"

#define INLINE static inline __attribute__((always_inline))

#define MAC_BODY(name, type)								\
INLINE void name(type *restrict acc, const int16_t *restrict x,			\
		 const int16_t *restrict w, size_t n, size_t k)				\
{											\
	for (size_t i = 0; i < n; i++, acc += ENPU_BLOCK_O, x += k) {			\
		type sum[ENPU_BLOCK_O] = { 0 };						\
		const int16_t *ws = w;							\
											\
		for (size_t j = 0; j < k; j += ENPU_BLOCK_K, ws += ENPU_BLOCK)		\
			for (size_t o = 0; o < ENPU_BLOCK_O; o++)			\
				for (size_t b = 0; b < ENPU_BLOCK_K; b++)		\
					sum[o] += x[j + b] * ws[o * ENPU_BLOCK_K + b];	\
		for (size_t o = 0; o < ENPU_BLOCK_O; o++)				\
			acc[o] = sum[o];						\
	}										\
}
MAC_BODY(mac_body, int32_t)
MAC_BODY(mac_wide_body, int64_t)

#define TAP_BODY(name, type)								\
INLINE void name(type *restrict acc, size_t acc_step, const int16_t *restrict x,	\
		 size_t x_step, const int16_t *restrict w, size_t n, size_t channels,	\
		 size_t multiplier)							\
{											\
	for (size_t i = 0; i < n; i++, acc += acc_step, x += x_step) {			\
		if (multiplier == 1) {							\
			for (size_t c = 0; c < channels; c++)				\
				acc[c] += x[c] * w[c];					\
			continue;							\
		}									\
		for (size_t c = 0; c < channels; c++)					\
			for (size_t m = 0; m < multiplier; m++)				\
				acc[c * multiplier + m] += x[c] * w[c * multiplier + m];\
	}										\
}
TAP_BODY(tap_body, int32_t)
TAP_BODY(tap_wide_body, int64_t)

INLINE void widen_u8_body(int16_t *restrict dst, const uint8_t *restrict src, size_t n,
			  int zero_point)
{
	for (size_t i = 0; i < n; i++)
		dst[i] = (int16_t)(src[i] - zero_point);
}

INLINE void widen_s8_body(int16_t *restrict dst, const int8_t *restrict src, size_t n,
			  int zero_point)
{
	for (size_t i = 0; i < n; i++)
		dst[i] = (int16_t)(src[i] - zero_point);
}

INLINE void narrow8_body(uint8_t *restrict dst, size_t dst_step,
			 const int32_t *restrict values, size_t step, size_t n, size_t count)
{
	for (size_t i = 0; i < n; i++, dst += dst_step, values += step) {
		if (count == ENPU_BLOCK_O) {
			for (size_t o = 0; o < ENPU_BLOCK_O; o++)
				dst[o] = (uint8_t)values[o];
			continue;
		}
		for (size_t o = 0; o < count; o++)
			dst[o] = (uint8_t)values[o];
	}
}

INLINE int32_t finish(int32_t v, const struct enpu_output_stage *out)
{
	return enpu_clamp((int64_t)v + out->zero_point, out->min, out->max);
}

INLINE void requant_body(int32_t *acc, size_t step, size_t n,
			 const struct enpu_channel_block *ch, const struct enpu_output_stage *out)
{
	int32_t bias[ENPU_BLOCK_O];

	for (size_t o = 0; o < ENPU_BLOCK_O; o++)
		bias[o] = (int32_t)ch->bias[o];

	for (size_t i = 0; i < n; i++, acc += step) {
		switch (out->requant) {
		case ENPU_REQUANT_DOUBLE:
			for (size_t o = 0; o < ENPU_BLOCK_O; o++)
				acc[o] = finish(enpu_scale_double(acc[o] + bias[o],
								  ch->multiplier[o], ch->left[o],
								  ch->right[o]), out);
			break;
		case ENPU_REQUANT_SINGLE:
			for (size_t o = 0; o < ENPU_BLOCK_O; o++)
				acc[o] = finish(enpu_scale_single(acc[o] + bias[o],
								  ch->multiplier[o],
								  ch->shift[o]), out);
			break;
		default:
			for (size_t o = 0; o < ENPU_BLOCK_O; o++) {
				float m = enpu_float((uint32_t)ch->multiplier[o]);

				acc[o] = finish(enpu_round_even((float)(acc[o] + bias[o]) * m),
						out);
			}
		}
	}
}

INLINE void requant_wide_body(int32_t *values, const int64_t *acc, size_t step, size_t n,
			      const struct enpu_channel_block *ch,
			      const struct enpu_output_stage *out)
{
	for (size_t i = 0; i < n; i++, acc += step, values += ENPU_BLOCK_O) {
		for (size_t o = 0; o < ENPU_BLOCK_O; o++) {
			int64_t v = acc[o] + ch->bias[o];
			float m;

			if (out->requant != ENPU_REQUANT_FP32) {
				values[o] = finish(enpu_scale_wide(v, ch->multiplier[o],
								   ch->shift[o]), out);
				continue;
			}
			m = enpu_float((uint32_t)ch->multiplier[o]);
			values[o] = finish(enpu_round_even((float)v * m), out);
		}
	}
}

INLINE void add_fp32_body(int32_t *restrict a, const int32_t *restrict b, size_t n,
			  const struct enpu_fp32_stage *s)
{
	const struct enpu_fp32_stage st = *s;

	for (size_t i = 0; i < n; i++) {
		float v = fmaf((float)(b[i] - st.zb), st.mb, st.mo);

		v = fmaf((float)(a[i] - st.za), st.ma, v);
		a[i] = enpu_clamp((int64_t)enpu_round_even(v) + st.zo, st.min, st.max);
	}
}

INLINE void mul_fp32_body(int32_t *restrict a, const int32_t *restrict b, size_t n,
			  const struct enpu_fp32_stage *s)
{
	const struct enpu_fp32_stage st = *s;

	for (size_t i = 0; i < n; i++) {
		float v = (float)((a[i] - st.za) * (b[i] - st.zb)) * st.mo;

		a[i] = enpu_clamp(enpu_round_even(v + (float)st.zo), st.min, st.max);
	}
}

static void mac_c(int32_t *acc, const int16_t *x, const int16_t *w, size_t n, size_t k)
{
	mac_body(acc, x, w, n, k);
}

/* One variant of everything else, compiled with the attribute */
#define VARIANT(suffix, attribute)							\
attribute static void mac_wide_##suffix(int64_t *acc, const int16_t *x,		\
					const int16_t *w, size_t n, size_t k)		\
{											\
	mac_wide_body(acc, x, w, n, k);							\
}											\
attribute static void tap_##suffix(int32_t *acc, size_t acc_step, const int16_t *x,	\
				   size_t x_step, const int16_t *w, size_t n,		\
				   size_t channels, size_t multiplier)			\
{											\
	tap_body(acc, acc_step, x, x_step, w, n, channels, multiplier);			\
}											\
attribute static void tap_wide_##suffix(int64_t *acc, size_t acc_step, const int16_t *x,\
					size_t x_step, const int16_t *w, size_t n,	\
					size_t channels, size_t multiplier)		\
{											\
	tap_wide_body(acc, acc_step, x, x_step, w, n, channels, multiplier);		\
}											\
attribute static void widen_u8_##suffix(int16_t *dst, const uint8_t *src, size_t n,	\
					int zero_point)					\
{											\
	widen_u8_body(dst, src, n, zero_point);						\
}											\
attribute static void widen_s8_##suffix(int16_t *dst, const int8_t *src, size_t n,	\
					int zero_point)					\
{											\
	widen_s8_body(dst, src, n, zero_point);						\
}											\
attribute static void narrow8_##suffix(uint8_t *dst, size_t dst_step,			\
				       const int32_t *values, size_t step, size_t n,	\
				       size_t count)					\
{											\
	narrow8_body(dst, dst_step, values, step, n, count);				\
}											\
attribute static void requant_##suffix(int32_t *acc, size_t step, size_t n,		\
				       const struct enpu_channel_block *ch,		\
				       const struct enpu_output_stage *out)		\
{											\
	requant_body(acc, step, n, ch, out);						\
}											\
attribute static void requant_wide_##suffix(int32_t *values, const int64_t *acc,	\
					    size_t step, size_t n,			\
					    const struct enpu_channel_block *ch,	\
					    const struct enpu_output_stage *out)	\
{											\
	requant_wide_body(values, acc, step, n, ch, out);				\
}											\
attribute static void add_fp32_##suffix(int32_t *a, const int32_t *b, size_t n,		\
					const struct enpu_fp32_stage *stage)		\
{											\
	add_fp32_body(a, b, n, stage);							\
}											\
attribute static void mul_fp32_##suffix(int32_t *a, const int32_t *b, size_t n,		\
					const struct enpu_fp32_stage *stage)		\
{											\
	mul_fp32_body(a, b, n, stage);							\
}

#define ENTRY(title, suffix, mac_function, requant_function) {				\
	.name = title,									\
	.mac = mac_function,								\
	.mac_wide = mac_wide_##suffix,							\
	.tap = tap_##suffix,								\
	.tap_wide = tap_wide_##suffix,							\
	.narrow8 = narrow8_##suffix,							\
	.widen_u8 = widen_u8_##suffix,							\
	.widen_s8 = widen_s8_##suffix,							\
	.requant = requant_function,							\
	.requant_wide = requant_wide_##suffix,						\
	.add_fp32 = add_fp32_##suffix,							\
	.mul_fp32 = mul_fp32_##suffix,							\
}

VARIANT(c, )
#ifdef __x86_64__
VARIANT(avx2, __attribute__((target("avx2,fma"))))
VARIANT(avx512, __attribute__((target("fma,avx512f,avx512bw,avx512dq,avx512vl"))))
#endif

#ifdef __x86_64__
static void requant_x86(int32_t *acc, size_t step, size_t n, const struct enpu_channel_block *ch,
			const struct enpu_output_stage *out)
{
	if (out->requant == ENPU_REQUANT_DOUBLE)
		enpu_requant_double_avx512(acc, step, n, ch, out);
	else
		requant_avx512(acc, step, n, ch, out);
}
#endif

static const struct enpu_kernels variants[] = {
	ENTRY("c", c, mac_c, requant_c),
#ifdef __x86_64__
	ENTRY("avx2", avx2, enpu_mac_avx2, requant_avx2),
	ENTRY("avx512", avx512, enpu_mac_avx512, requant_x86),
	ENTRY("avx512-vnni", avx512, enpu_mac_avx512_vnni, requant_x86),
#endif
};

/* How many of the variants, from the first, this CPU can run */
static unsigned int usable(void)
{
	unsigned int n = 1;

#ifdef __x86_64__
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
		n++;
		if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
		    __builtin_cpu_supports("avx512vl")) {
			n++;
			if (__builtin_cpu_supports("avx512vnni"))
				n++;
		}
	}
#endif
	return n;
}

const struct enpu_kernels *enpu_kernels_at(unsigned int index)
{
	return index < usable() ? &variants[index] : NULL;
}

const struct enpu_kernels *enpu_kernels_get(void)
{
	return &variants[usable() - 1];
}
