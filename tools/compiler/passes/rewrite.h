/* SPDX-License-Identifier: MIT */
/* Passes that make a simpler graph of a graph, before anything judges it. */
#ifndef ENPU_REWRITE_H
#define ENPU_REWRITE_H

#include "../ir/graph.h"

/* All return 0 or -errno with a message. */

/* Integer operators where the model has them: see quantized.c. 0 or -errno with a message. */
int merge_quantization(struct graph *g);

/* Removes TRANSPOSEs: see layout.c. */
int simplify_layout(struct graph *g);

/* Operators on constants become constants: float16 weights behind DEQUANTIZE, shapes ... */
int fold_constants(struct graph *g);

/* Windows wider than the NPU's, by whole steps of theirs: see strides.c. */
int fold_strides(struct graph *g);

/* Factors and summands of channels (a BatchNorm's) go into weights and bias before them. */
int fold_affine(struct graph *g);

/* Functions written as several operators become one: HARD_SWISH, SILU, GELU, LAYER_NORM ... */
int fold_patterns(struct graph *g);

/*
 * evaluate.c: gives the output of an operator, all of whose inputs are constants, its
 * data. False if the operator is none that is computed at import.
 */
bool fold_constant(struct arena *arena, const struct op *op);
/* Element @i of a constant of any type. */
double constant_number(const struct tensor *t, int64_t i);
int64_t constant_int(const struct tensor *t, int64_t i);

#endif
