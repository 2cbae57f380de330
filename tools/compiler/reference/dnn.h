/* SPDX-License-Identifier: MIT */
/*
 * What the reference uses of oneDNN, in the terms of both its C APIs (2.x and 3.x).
 * Feature maps are float32 NHWC.
 */
#ifndef ENPU_REFERENCE_DNN_H
#define ENPU_REFERENCE_DNN_H

#include <stdbool.h>
#include <stdint.h>

#define DNN_MAX_RANK	8

struct dnn;
struct dnn_op;

struct dnn *dnn_new(void);
void dnn_free(struct dnn *dnn);

/* A window that slides over height and width. */
struct dnn_window {
	int32_t kernel[2], stride[2], dilation[2], before[2], after[2];
};

/* Shapes of feature maps: batch, height, width, channels. */
struct dnn_conv {
	int32_t in[4], out[4];
	struct dnn_window window;
	int32_t groups;
	/*
	 * Distance of the weights' elements: between output channels and input channels of
	 * a group, rows, columns
	 */
	int64_t stride_o, stride_i, stride_h, stride_w;
	bool bias, transposed;
};

enum dnn_pool { DNN_POOL_MAX, DNN_POOL_AVERAGE, DNN_POOL_AVERAGE_PADDED };

/* C = A B with any strides; dimensions of 1 in A and B broadcast. */
struct dnn_matmul {
	int rank;
	int64_t a[DNN_MAX_RANK], b[DNN_MAX_RANK], c[DNN_MAX_RANK];
	int64_t a_strides[DNN_MAX_RANK], b_strides[DNN_MAX_RANK];
	bool bias;			/* a row of C's last dimension */
};

/* 0; -ENOMEM; -EOPNOTSUPP when oneDNN has no implementation. */
int dnn_convolution(struct dnn *dnn, const struct dnn_conv *conv, struct dnn_op **op);
int dnn_pooling(struct dnn *dnn, enum dnn_pool kind, const int32_t *in, const int32_t *out,
		const struct dnn_window *window, struct dnn_op **op);
int dnn_matmul(struct dnn *dnn, const struct dnn_matmul *matmul, struct dnn_op **op);

/* Puts weights into the order that the operation wants. 0 or -ENOMEM. */
int dnn_set_weights(struct dnn *dnn, struct dnn_op *op, const float *weights);
/* @weights: NULL: those that were set. */
int dnn_run(struct dnn *dnn, struct dnn_op *op, const float *in, const float *weights,
	    const float *bias, float *out);
void dnn_op_free(struct dnn_op *op);

#endif
