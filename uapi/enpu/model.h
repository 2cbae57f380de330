/* SPDX-License-Identifier: MIT */
/*
 * The compiled model, .enpu: an ELF64 little-endian file with private section
 * types. The contract between the compiler and libaccel.
 *
 * A loader skips sections and notes that it does not know, and refuses a
 * model by format range, architecture and capability bits, never by an exact
 * version. All offsets in tables are in bytes; strings are offsets in the
 * section of type SHT_STRTAB named ENPU_SECTION_STRINGS.
 */
#ifndef _ENPU_MODEL_H
#define _ENPU_MODEL_H

#include <linux/types.h>

#define ENPU_ELF_TYPE		0xfe4e	/* e_type, of the OS range */
#define ENPU_ELF_MACHINE	0x4e50	/* e_machine, unassigned */

/* Section types, of the range for applications */
#define ENPU_SHT_STREAM		0x80004e01	/* streams of all NPU steps, 8-byte aligned */
#define ENPU_SHT_DATA		0x80004e02	/* content of region sh_info, 4 KiB aligned */
#define ENPU_SHT_REGIONS	0x80004e03	/* struct enpu_model_region[], one */
#define ENPU_SHT_TENSORS	0x80004e04	/* struct enpu_model_tensor[], one */
#define ENPU_SHT_STEPS		0x80004e05	/* struct enpu_model_step[], one, in order */
#define ENPU_SHT_PARAMS		0x80004e06	/* parameters of CPU steps, 8-byte aligned each */
#define ENPU_SHT_LAYERS		0x80004e07	/* struct enpu_model_layer[], for reports */

#define ENPU_SECTION_STRINGS	".enpu.strings"

/* SHT_NOTE, name "ENPU", type ENPU_NOTE_INFO: struct enpu_model_info */
#define ENPU_NOTE_NAME		"ENPU"
#define ENPU_NOTE_INFO		1

/*
 * What this header describes. Format 2 has the CPU steps from ENPU_CPU_QUANTIZE_EVEN on,
 * format 3 has ENPU_ROLE_STATE and those from ENPU_CPU_F32_MAP on; a model without them still
 * says that a loader of format 1 can use it.
 */
#define ENPU_MODEL_FORMAT	3

struct enpu_model_info {
	__u32 format;			/* the format written */
	__u32 format_min;		/* a loader of this format or newer can use it */
	__u32 arch_version;		/* lowest ENPU_REG_VERSION; the major must match */
	__u32 caps;			/* ENPU_CAP_* needed */
	__u64 opcodes;			/* bit n: opcode n is used */
	__u32 sram_bytes;		/* SRAM needed */
	__u32 preset;			/* string: configuration scheduled for */
	__u32 compiler;			/* string: name and version */
	__u32 source;			/* string: file name of the source model */
	__u8  source_sha256[32];
	__u64 estimated_cycles;		/* by the compiler's estimate; 0: none */
};

enum enpu_region_role {
	ENPU_ROLE_CONSTANT,		/* weights, tables: from ENPU_SHT_DATA, read only */
	ENPU_ROLE_SCRATCH,		/* per instance, contents undefined at start */
	ENPU_ROLE_INPUT,		/* holds the input tensors that name it */
	ENPU_ROLE_OUTPUT,
	ENPU_ROLE_STATE,		/* per instance, from ENPU_SHT_DATA, kept from job to job */
};

/* Index in the table is the region index of commands and of struct enpu_region */
struct enpu_model_region {
	__u32 role;			/* enum enpu_region_role */
	__u32 reserved;
	__u64 size;			/* bytes, not 0 */
};

enum enpu_tensor_role {
	ENPU_TENSOR_INPUT,
	ENPU_TENSOR_OUTPUT,
	ENPU_TENSOR_INTERMEDIATE,	/* between steps */
};

#define ENPU_MAX_RANK		6

/*
 * A tensor that the host sees, dense, row major, in the source model's shape
 * (batch included). Real value = scale * (q - zero_point); scale 0: not quantized.
 */
struct enpu_model_tensor {
	__u32 name;			/* string */
	__u8  dtype;			/* enum enpu_dtype */
	__u8  role;			/* enum enpu_tensor_role */
	__u8  rank;			/* 0 to ENPU_MAX_RANK */
	__u8  reserved0;
	__u32 dims[ENPU_MAX_RANK];	/* unused ones 1 */
	float scale;
	__s32 zero_point;
	__u32 region;
	__u32 reserved1;
	__u64 offset;			/* in the region */
	__u64 size;			/* bytes */
};

enum enpu_step_kind {
	ENPU_STEP_NPU,
	ENPU_STEP_CPU,
};

enum enpu_cpu_op {
	ENPU_CPU_DETECTION_POSTPROCESS,	/* params: struct enpu_detection_params */
	ENPU_CPU_DEQUANTIZE,		/* one 8-bit tensor to F32 of the same shape; no params */
	ENPU_CPU_QUANTIZE,		/* one F32 tensor to 8 bits of the same shape; no params */
	ENPU_CPU_QUANTIZE_EVEN,		/* the same, halves to even: ONNX's QuantizeLinear */
	ENPU_CPU_DIV,			/* two 8-bit tensors that broadcast; no params */
	ENPU_CPU_LAYER_NORM,		/* params: struct enpu_norm_params */
	ENPU_CPU_INSTANCE_NORM,		/* params: struct enpu_norm_params */
	ENPU_CPU_L2_NORMALIZATION,	/* along the last dimension; no params */
	ENPU_CPU_TOPK,			/* last dimension: values, S32 or S64 indices; no params */
	ENPU_CPU_CUMSUM,		/* params: struct enpu_cumsum_params */
	ENPU_CPU_CONCATENATION,		/* F32 tensors; params: struct enpu_concatenation_params */
	ENPU_CPU_F32_MAP,		/* F32 tensors, broadcast; params: struct enpu_f32_params */
	ENPU_CPU_F32_MEAN,		/* params: struct enpu_mean_params */
	ENPU_CPU_F32_TRANSPOSE,		/* params: struct enpu_transpose_params */
	ENPU_CPU_F32_MAX_POOL,		/* params: struct enpu_pool_params */
	ENPU_CPU_F32_SOFTMAX,		/* last dimension; params: struct enpu_softmax_params */
	ENPU_CPU_LOG_SOFTMAX,		/* of 8 bits, last dimension; no params */
	ENPU_CPU_CAST,			/* numbers of any type to another; no params */
	ENPU_CPU_OPS
};

#define ENPU_STEP_MAX_TENSORS	8

struct enpu_model_step {
	__u32 kind;			/* enum enpu_step_kind */
	__u32 name;			/* string */
	__u32 op;			/* CPU: enum enpu_cpu_op */
	__u32 reserved;
	__u64 offset;			/* NPU: in STREAM; CPU: in PARAMS */
	__u64 size;
	__u32 num_inputs;		/* CPU: tensor indices */
	__u32 num_outputs;
	__u32 inputs[ENPU_STEP_MAX_TENSORS];
	__u32 outputs[ENPU_STEP_MAX_TENSORS];
};

/* Operator of the source model behind enpu_cmd.layer */
struct enpu_model_layer {
	__u32 name;			/* string: output tensor's name */
	__u32 type;			/* string: operator type */
	__u32 source_index;		/* of the operator in the source model */
	__u32 reserved;
	__u64 macs;
	__u64 estimated_cycles;
};

/* The inputs, one after another along a dimension, are the output. */
struct enpu_concatenation_params {
	__u32 axis;
	__u32 reserved;
};

/*
 * TFLite_Detection_PostProcess. Inputs: box encodings [1, anchors, 4], class
 * scores [1, anchors, classes + 1]; outputs, F32: boxes [1, N, 4] (ymin, xmin,
 * ymax, xmax), classes [1, N], scores [1, N], count [1].
 */
struct enpu_detection_params {
	__u32 max_detections;
	__u32 max_classes_per_detection;
	__u32 detections_per_class;	/* regular NMS only */
	__u32 num_classes;		/* without background */
	__u32 use_regular_nms;
	__u32 num_anchors;
	float score_threshold;
	float iou_threshold;
	float y_scale;
	float x_scale;
	float h_scale;
	float w_scale;
	__extension__ float anchors[][4];	/* y center, x center, h, w */
};

/*
 * LAYER_NORM, INSTANCE_NORM: an 8-bit tensor, seen as [outer][length][inner], to one of
 * the same shape: (x - mean) / sqrt(variance + epsilon) * scale + bias, both over length.
 * The factors are those of the index in length (LAYER_NORM) or in inner (INSTANCE_NORM).
 */
struct enpu_norm_params {
	__u32 outer;
	__u32 length;
	__u32 inner;			/* LAYER_NORM: 1 */
	float epsilon;			/* at least 0 */
	__extension__ float factors[][2];	/* scale, bias */
};

/* CUMSUM: of an 8-bit tensor to one of the same shape. */
struct enpu_cumsum_params {
	__u32 axis;
	__u32 exclusive;		/* 1: without the element itself */
	__u32 reverse;			/* 1: from the end */
	__u32 reserved;
};

/* Functions of F32 tensors, element by element; the first ones of two */
enum enpu_f32_function {
	ENPU_F32_ADD,
	ENPU_F32_SUB,
	ENPU_F32_MUL,
	ENPU_F32_DIV,
	ENPU_F32_MAX,
	ENPU_F32_MIN,
	ENPU_F32_POW,
	ENPU_F32_ABS,
	ENPU_F32_NEG,
	ENPU_F32_SQRT,
	ENPU_F32_EXP,
	ENPU_F32_LOG,
	ENPU_F32_ERF,
	ENPU_F32_TANH,
	ENPU_F32_LOGISTIC,
	ENPU_F32_CLIP,			/* from alpha to beta */
	ENPU_F32_LEAKY_RELU,		/* alpha: of what is negative */
	ENPU_F32_HARD_SIGMOID,		/* alpha * x + beta, from 0 to 1 */
	ENPU_F32_HARD_SWISH,
	ENPU_F32_RECIPROCAL,
	ENPU_F32_SQUARE,
	ENPU_F32_FUNCTIONS
};

struct enpu_f32_params {
	__u32 function;			/* enum enpu_f32_function */
	float alpha;
	float beta;
	__u32 reserved;
};

/* The mean over length of a tensor seen as [outer][length][inner] */
struct enpu_mean_params {
	__u32 outer;
	__u32 length;
	__u32 inner;
	__u32 reserved;
};

/* Windows over height and width of an NHWC tensor; what lies outside does not count. */
struct enpu_pool_params {
	__u32 filter_h;
	__u32 filter_w;
	__u32 stride_h;
	__u32 stride_w;
	__u32 pad_top;
	__u32 pad_left;
};

/* exp(beta * x), as parts of their sum; with logarithm (beta is 1) the log of that */
struct enpu_softmax_params {
	float beta;
	__u32 logarithm;		/* 0 or 1 */
};

/* Dimension d of the result is perm[d] of the input; the output may have another shape */
struct enpu_transpose_params {
	__u32 perm[ENPU_MAX_RANK];
};

#endif
