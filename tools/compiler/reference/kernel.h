/* SPDX-License-Identifier: MIT */
/*
 * The operators of the float reference, one file per family; table.c lists them. A check
 * leaves nothing to find for what comes after it: types, ranks, shapes that fit each
 * other, constants that are there. To add one: check and run here, a line in table.c.
 */
#ifndef ENPU_REFERENCE_KERNEL_H
#define ENPU_REFERENCE_KERNEL_H

#include "../ir/graph.h"
#include "dnn.h"

/* One execution of an operator. Data is dense and aligned for its type. */
struct call {
	const struct op *op;
	const void *const *in;		/* an entry is NULL where an input is left out */
	void *const *out;
	void *state;			/* what prepare() made */
	struct dnn *dnn;
};

struct kernel {
	unsigned int min_inputs, max_inputs, min_outputs, max_outputs;
	/* NULL: fine; else why the operator cannot run. The inputs that must be are there. */
	const char *(*check)(const struct op *op);
	/* 0, -ENOMEM, or -ERANGE when an index points outside */
	int (*run)(const struct call *c);
	/* What to do once, NULL: nothing. 0 or -ENOMEM, -EOPNOTSUPP. */
	int (*prepare)(struct dnn *dnn, const struct op *op, void **state);
	void (*release)(void *state);
};

/* NULL: the reference has no such operator. */
const struct kernel *find_kernel(enum op_kind kind);

/* Helpers of checks: NULL or the reason. */
const char *check_floats(const struct op *op);		/* all tensors are float32 */
const char *check_like_input(const struct op *op);	/* output: type and shape of input 0 */
/* A constant int32 or int64 vector with @count elements. */
const char *check_ints(const struct op *op, unsigned int input, int64_t count);
bool whole_number(const struct tensor *t);		/* int32 or int64 */
bool has_input(const struct op *op, unsigned int i);
/* @axis of @rank dimensions, negative from the end; -1: there is none. */
int find_axis(int64_t axis, int rank);

/* The fused activation over @n results. */
void activate(enum activation act, float *data, int64_t n);

const char *check_window_conv(const struct op *op);
const char *check_window_transposed(const struct op *op);
int prepare_conv(struct dnn *dnn, const struct op *op, void **state);
int prepare_transposed(struct dnn *dnn, const struct op *op, void **state);
int run_conv(const struct call *c);
const char *check_window_pool(const struct op *op);
int prepare_pool(struct dnn *dnn, const struct op *op, void **state);
int run_pool(const struct call *c);
const char *check_dense(const struct op *op);
int prepare_dense(struct dnn *dnn, const struct op *op, void **state);
int run_dense(const struct call *c);
const char *check_matmul(const struct op *op);
int prepare_matmul(struct dnn *dnn, const struct op *op, void **state);
int run_matmul(const struct call *c);
void release_dnn(void *state);

const char *check_binary(const struct op *op);
int run_binary(const struct call *c);
const char *check_function(const struct op *op);
int run_function(const struct call *c);
const char *check_parametric_relu(const struct op *op);
int run_parametric_relu(const struct call *c);

const char *check_copy(const struct op *op);
int run_copy(const struct call *c);
const char *check_assigned(const struct op *op);
int run_assigned(const struct call *c);
const char *check_permute(const struct op *op);
int run_permute(const struct call *c);
const char *check_join(const struct op *op);
int run_join(const struct call *c);
const char *check_parts(const struct op *op);
int run_parts(const struct call *c);
const char *check_padded(const struct op *op);
int run_padded(const struct call *c);
const char *check_part(const struct op *op);
int run_part(const struct call *c);
const char *check_strided_part(const struct op *op);
int run_strided_part(const struct call *c);

const char *check_depth_space(const struct op *op);
int run_depth_space(const struct call *c);
const char *check_batch_space(const struct op *op);
int run_batch_space(const struct call *c);
const char *check_tiled(const struct op *op);
int run_tiled(const struct call *c);
const char *check_reversed(const struct op *op);
int run_reversed(const struct call *c);
const char *check_mirrored(const struct op *op);
int run_mirrored(const struct call *c);

const char *check_gathered(const struct op *op);
int run_gathered(const struct call *c);
const char *check_selected(const struct op *op);
int run_selected(const struct call *c);
const char *check_extreme(const struct op *op);
int run_extreme(const struct call *c);
const char *check_largest(const struct op *op);
int run_largest(const struct call *c);
const char *check_accumulated(const struct op *op);
int run_accumulated(const struct call *c);

const char *check_cast(const struct op *op);
int run_cast(const struct call *c);
const char *check_quantized(const struct op *op);
int run_quantized(const struct call *c);
const char *check_dequantized(const struct op *op);
int run_dequantized(const struct call *c);
const char *check_not(const struct op *op);
int run_not(const struct call *c);

const char *check_instance_norm(const struct op *op);
int run_instance_norm(const struct call *c);
const char *check_layer_norm(const struct op *op);
int run_layer_norm(const struct call *c);
const char *check_lrn(const struct op *op);
int run_lrn(const struct call *c);
const char *check_lstm(const struct op *op);
int run_lstm(const struct call *c);

const char *check_normalized(const struct op *op);
int run_normalized(const struct call *c);
const char *check_reduction(const struct op *op);
int run_reduction(const struct call *c);
const char *check_resized(const struct op *op);
int run_bilinear(const struct call *c);
int run_nearest(const struct call *c);

#endif
