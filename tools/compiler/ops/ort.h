/* SPDX-License-Identifier: MIT */
/*
 * The arithmetic of ONNX Runtime's integer kernels on x86-64, to the bit: factors that
 * commands get as binary32, and functions of one value. See "Quantized ONNX models" in
 * Documentation/compiler.rst.
 */
#ifndef ENPU_ORT_H
#define ENPU_ORT_H

#include <enpu/cmd.h>

#include "operator.h"

bool follows_ort(const struct op *op);
/* How the operator's commands requantize. */
enum enpu_requant device_requant(const struct op *op);

/* A binary32 multiplier as commands want it; its check: NULL when it is one. */
struct enpu_scale ort_scale(float factor);
const char *check_ort_factor(struct graph *g, float factor);

/* From accumulator to output: of channel @c of a convolution or a matrix product. */
float ort_channel_factor(const struct op *op, uint32_t c);
/* Of a product of both inputs. */
float ort_product_factor(const struct op *op);
/* Of a sum of @n values. */
float ort_mean_factor(const struct op *op, int64_t n);

/* A sum is a * factor a + b * factor b + addend, raw values in and out. */
struct ort_sum {
	float a, b, addend;
};
struct ort_sum ort_sum_factors(const struct op *op);

/* The table of a softmax over @n values and the factor to the output's scale. */
void ort_softmax_table(const struct op *op, int32_t n, float table[256]);
float ort_softmax_factor(const struct op *op);

/* Real value of quantized @q, and back: rounded half to even and clamped. */
float ort_dequantize(const struct tensor *t, int32_t q);
int32_t ort_quantize(const struct tensor *t, float value);
/* A function of one value that TFLite computes in integers, or otherwise. */
bool ort_has_function(enum op_kind kind);
float ort_function(const struct op *op, float x);

#endif
