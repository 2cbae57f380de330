/* SPDX-License-Identifier: MIT */
/*
 * The graph of a model as the source file states it: tensors and operators in
 * execution order, with names, types, shapes and quantization. An importer
 * makes it; passes over graphs and the quantizer make a new one of it (builder.h);
 * the checkers of ops/ judge it; lowering reads it and never changes it.
 *
 * All importers speak the same language: shapes are NHWC, weights lie as in TensorFlow
 * Lite (CONV_2D and TRANSPOSE_CONV OHWI, DEPTHWISE_CONV_2D 1HWO, FULLY_CONNECTED
 * OI), a CONV_2D whose weights have fewer input channels than its input has groups. A
 * float32 graph is for the reference and for the quantizer; only operators on quantized
 * tensors can be lowered.
 */
#ifndef ENPU_GRAPH_H
#define ENPU_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../arena.h"
#include "../diag.h"

#define MAX_RANK	6

enum dtype {
	DTYPE_F32, DTYPE_F16, DTYPE_I32, DTYPE_U8, DTYPE_I64, DTYPE_STRING, DTYPE_BOOL,
	DTYPE_I16, DTYPE_C64, DTYPE_I8, DTYPE_F64, DTYPE_C128, DTYPE_U64, DTYPE_RESOURCE,
	DTYPE_VARIANT, DTYPE_U32, DTYPE_U16, DTYPE_I4,
	DTYPE_COUNT
};

const char *dtype_name(enum dtype type);
unsigned int dtype_bits(enum dtype type);	/* 0: no fixed size */

struct quant {
	uint32_t count;			/* 0: not quantized; 1: per tensor; else per channel */
	int32_t axis;			/* the channel's dimension */
	const float *scale;
	const int64_t *zero_point;
};

struct op;

struct tensor {
	int index;			/* in graph->tensors */
	const char *name;
	enum dtype type;
	int rank;
	int32_t dims[MAX_RANK];
	struct quant quant;
	const uint8_t *data;		/* constant's little-endian bytes, else NULL */
	size_t data_bytes;
	/* of a float constant: what it was dequantized from, with its quantization, or NULL */
	const struct tensor *integers;
	const uint8_t *initial;		/* of a variable: what it holds before the first run */
	struct op *producer;		/* NULL: a constant, a variable or an input of the model */
	unsigned int consumers;
	bool is_input, is_output;	/* of the model */
	bool was_nchw;			/* an input that the source has as NCHW; here it is NHWC */
	bool precise;			/* of floats: quantized, it has 16 bits */
};

/*
 * The operators of all formats, by their names in TensorFlow Lite where it has them;
 * those after OP_TFLITE_END come from other formats. ops/table.c says which of them
 * the NPU or libaccel runs, reference/table.c which the float reference does.
 */
enum op_kind {
	OP_ABS, OP_ADD, OP_ARG_MAX, OP_ARG_MIN, OP_ASSIGN_VARIABLE, OP_AVERAGE_POOL_2D,
	OP_BATCH_MATMUL, OP_BATCH_TO_SPACE_ND, OP_CALL_ONCE, OP_CAST, OP_CEIL,
	OP_CONCATENATION, OP_CONV_2D, OP_COS, OP_CUMSUM, OP_DEPTHWISE_CONV_2D,
	OP_DEPTH_TO_SPACE, OP_DEQUANTIZE,
	OP_DETECTION_POSTPROCESS, OP_DIV, OP_ELU, OP_EQUAL, OP_EXP, OP_EXPAND_DIMS, OP_FLOOR,
	OP_FULLY_CONNECTED, OP_GATHER, OP_GELU, OP_GREATER, OP_GREATER_EQUAL, OP_HARD_SWISH,
	OP_L2_NORMALIZATION, OP_LEAKY_RELU, OP_LESS, OP_LESS_EQUAL, OP_LOG, OP_LOGICAL_AND,
	OP_LOGICAL_NOT, OP_LOGICAL_OR, OP_LOGISTIC, OP_LOG_SOFTMAX, OP_MAXIMUM, OP_MAX_POOL_2D,
	OP_MEAN, OP_MINIMUM, OP_MIRROR_PAD, OP_MUL, OP_NEG, OP_NOT_EQUAL, OP_PACK, OP_PAD,
	OP_PADV2, OP_POW, OP_PRELU, OP_QUANTIZE, OP_READ_VARIABLE, OP_REDUCE_MAX,
	OP_REDUCE_MIN, OP_REDUCE_PROD,
	OP_RELU, OP_RELU6, OP_RELU_N1_TO_1, OP_RESHAPE, OP_RESIZE_BILINEAR,
	OP_RESIZE_NEAREST_NEIGHBOR, OP_REVERSE_V2, OP_ROUND, OP_RSQRT, OP_SELECT_V2, OP_SIGN,
	OP_SIN, OP_SLICE, OP_SOFTMAX, OP_SPACE_TO_BATCH_ND, OP_SPACE_TO_DEPTH, OP_SPLIT,
	OP_SPLIT_V, OP_SQRT, OP_SQUARE, OP_SQUARED_DIFFERENCE, OP_SQUEEZE, OP_STRIDED_SLICE,
	OP_SUB, OP_SUM, OP_TANH, OP_TILE, OP_TOPK_V2, OP_TRANSPOSE, OP_TRANSPOSE_CONV,
	OP_UNPACK, OP_VAR_HANDLE,
	OP_TFLITE_END,

	OP_CLIP = OP_TFLITE_END, OP_ERF, OP_HARD_SIGMOID, OP_INSTANCE_NORM, OP_LAYER_NORM,
	OP_LRN, OP_LSTM, OP_MISH, OP_RECIPROCAL, OP_SELU, OP_SILU, OP_SOFTPLUS, OP_SOFTSIGN,
	OP_UNKNOWN,
	OP_KINDS
};

enum padding {
	PADDING_SAME,
	PADDING_VALID,
	PADDING_EXPLICIT,		/* op_attrs.pads */
};

/*
 * Operands of kinds that TensorFlow Lite does not have, or not so:
 *
 * ASSIGN_VARIABLE	the variable, its next value; to a tensor that nobody reads and that lies
 *			where the variable does. The last operators of a graph. Variables keep
 *			their value from run to run; readers have the one before the run.
 * INSTANCE_NORM	x, scale, bias: of each channel, over all but batch and channels
 * LAYER_NORM		x, scale, bias (may be left out): over as many of the last dimensions
 *			as scale has elements
 * LRN			x / (epsilon + alpha * s) ^ beta, s: the squares of filter_w channels
 *			around x (the odd one, if filter_w is even, after it)
 * LSTM			as in ONNX, layout 0: X, W, R, then what may be left out: B, lengths,
 *			initial h and c, P; to Y, Y_h, Y_c. The usual activations.
 * TOPK_V2		of the last dimension, the largest; indices int32 or int64
 */

/* Whose rules an operator on quantized tensors follows, to the bit. */
enum numerics {
	NUMERICS_TFLITE,		/* fixed point, Documentation/hardware.rst */
	NUMERICS_ORT,			/* a binary32 factor, rounded half to even */
	NUMERICS_ORT_RAW,		/* ONNX Runtime's, with no conversion around the operator */
};

enum activation {
	ACT_NONE, ACT_RELU, ACT_RELU_N1_TO_1, ACT_RELU6, ACT_TANH, ACT_SIGN_BIT,
	ACT_COUNT
};

const char *activation_name(enum activation act);

/* Parameters of TFLite_Detection_PostProcess. */
struct detection_attrs {
	int32_t max_detections, max_classes_per_detection, detections_per_class, num_classes;
	bool use_regular_nms;
	float score_threshold, iou_threshold;
	float scale_y, scale_x, scale_h, scale_w;
};

/* What the source file says beside the tensors; which fields count depends on the kind. */
struct op_attrs {
	enum padding padding;
	enum numerics numerics;
	int32_t pads[4];		/* top, left, bottom, right, if PADDING_EXPLICIT */
	enum activation activation;
	int32_t stride_h, stride_w;
	int32_t dilation_h, dilation_w;
	int32_t filter_h, filter_w;
	int32_t depth_multiplier;
	int32_t axis;
	int32_t num_splits;
	int32_t block_size, batch_dims;
	int32_t begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask;
	float alpha, beta;		/* CLIP: least and greatest value */
	float epsilon;
	bool count_pads;		/* AVERAGE_POOL_2D: its zeroes too */
	bool adj_x, adj_y;		/* BATCH_MATMUL: this operand is transposed */
	bool keep_dims;
	bool align_corners, half_pixel_centers;
	bool shuffled_weights;
	bool approximate;		/* GELU by tanh */
	bool interpolated;		/* a function of int16: by lines between table entries */
	bool exclusive, reverse;	/* CUMSUM; LSTM of one direction: from the end */
	bool symmetric;			/* MIRROR_PAD: the edge is mirrored as well */
	const char *container, *variable;	/* VAR_HANDLE: these name it */
	int32_t subgraph;		/* CALL_ONCE */
	struct detection_attrs detection;
};

struct op {
	int index;			/* in graph->ops */
	enum op_kind kind;
	const char *name;		/* the operator's name in the source format */
	const char *label;		/* what the source calls this one, or NULL */
	int source;			/* its number in the source; -1: a pass made it */
	struct tensor **inputs;		/* an entry is NULL where an optional input is left out */
	struct tensor **outputs;
	unsigned int n_inputs, n_outputs;
	struct op_attrs attrs;
};

struct graph {
	struct arena *arena;
	struct enpu_diag *diag;
	const char *file;		/* for messages */
	const char *name;
	struct tensor *tensors;
	struct op *ops;
	struct tensor **inputs, **outputs;
	unsigned int n_tensors, n_ops, n_inputs, n_outputs;
};

int64_t tensor_elements(const struct tensor *t);
int64_t tensor_bytes(const struct tensor *t);
bool same_shape(const struct tensor *a, const struct tensor *b);
/* "f1/relu uint8[1,112,112,32]" */
const char *tensor_text(struct arena *arena, const struct tensor *t);
/* "operator 12 (CONV_2D)": where it is in the source model. */
const char *op_text(struct arena *arena, const struct op *op);
/* Its inputs and outputs: what the user needs to find an operator in the model. */
const char *op_shapes_text(struct arena *arena, const struct op *op);
/* A constant of type int32 (or int64): element @i. */
int64_t tensor_int(const struct tensor *t, int64_t i);

/*
 * A graph of the same tensors and operators, less what no output needs, that stays as it is
 * when those of @g change. 0 or -EINVAL as builder_finish(), which makes it.
 */
int graph_copy(struct graph *g, struct graph *copy);

#endif
