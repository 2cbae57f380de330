/* SPDX-License-Identifier: MIT */
/*
 * ENPU architecture 1: the command stream.
 *
 * The contract between the compiler and the device. A stream is a sequence of
 * commands, each a struct that starts with struct enpu_cmd. A command is one
 * operator over one tile. Four engines each run their commands in stream
 * order and, between engines, only as ordered by wait[]: wait[e] = n means
 * that the first n commands of engine e in this stream must be complete. n
 * may count earlier commands of the stream only, so a stream cannot deadlock,
 * and program order is always a valid schedule.
 *
 * An operand is (region, offset): an index into the job's region table, or
 * ENPU_REGION_SRAM. A job has the SRAM for itself; its contents are undefined
 * when the job starts. All fields are little endian; reserved ones are 0.
 *
 * Numerics are to the bit; Documentation/hardware.rst has the formulas.
 */
#ifndef _ENPU_CMD_H
#define _ENPU_CMD_H

#include <linux/types.h>

#define ENPU_REGION_SRAM	0xfe
#define ENPU_REGION_NONE	0xff	/* operand not present */

enum enpu_engine {
	ENPU_ENGINE_DMA0,
	ENPU_ENGINE_DMA1,
	ENPU_ENGINE_MAC,
	ENPU_ENGINE_VECTOR,
	ENPU_NUM_ENGINES
};

enum enpu_opcode {
	ENPU_OP_NOP		= 0,	/* any engine; struct enpu_cmd alone */
	ENPU_OP_DMA_COPY	= 1,	/* DMA0, DMA1 */
	ENPU_OP_DMA_FILL	= 2,	/* DMA0, DMA1 */
	ENPU_OP_CONV		= 8,	/* MAC */
	ENPU_OP_DEPTHWISE	= 9,	/* MAC */
	ENPU_OP_TRANSPOSE_CONV	= 10,	/* MAC */
	ENPU_OP_MATMUL		= 11,	/* MAC */
	ENPU_OP_POOL		= 16,	/* VECTOR */
	ENPU_OP_ELEMENTWISE	= 17,	/* VECTOR */
	ENPU_OP_LUT		= 18,	/* VECTOR */
	ENPU_OP_SOFTMAX		= 19,	/* VECTOR */
	ENPU_OP_REDUCE		= 20,	/* VECTOR */
	ENPU_OP_RESIZE		= 21,	/* VECTOR */
	ENPU_OP_RESCALE		= 22,	/* VECTOR */
};

enum enpu_dtype {
	ENPU_U8,
	ENPU_S8,
	ENPU_S16,
	ENPU_S32,
	ENPU_F32,	/* tables and host tensors; no command computes on F32 tiles */
	ENPU_S4,	/* weights only: two a byte, the lower k in the low nibble */
	ENPU_S64,	/* host tensors only */
	ENPU_NUM_DTYPES
};

/* Every command starts with this. */
struct enpu_cmd {
	__u8  opcode;			/* enum enpu_opcode */
	__u8  engine;			/* enum enpu_engine */
	__u16 size;			/* of the whole command in bytes, multiple of 8 */
	__u32 layer;			/* index in the model's layer map; for reports only */
	__u32 wait[ENPU_NUM_ENGINES];	/* commands of each engine that must be complete */
};

/* A place in a region, for weights, tables and DMA */
struct enpu_ref {
	__u8  region;
	__u8  dtype;			/* enum enpu_dtype, where it matters */
	__u16 reserved0;
	__u32 reserved1;
	__u64 offset;			/* bytes */
};

/*
 * A feature-map tile: height x width x channels, channels contiguous. Element
 * (y, x, c) lies at offset + y * row_stride + x * col_stride + c * sizeof(dtype).
 * Inputs of ELEMENTWISE may have a stride of 0, and channels of 1, to broadcast.
 */
struct enpu_tile {
	__u8  region;
	__u8  dtype;
	__u16 reserved0;
	__s32 zero_point;
	__u64 offset;			/* bytes; a multiple of the element's size */
	__u32 height;
	__u32 width;
	__u32 channels;
	__u32 row_stride;		/* bytes */
	__u32 col_stride;		/* bytes */
	__u32 scale;			/* fp32 bits, where a command wants it; else 0 */
};

/* How a 32-bit accumulator becomes an output value: see "Requantization" */
enum enpu_requant {
	ENPU_REQUANT_DOUBLE,		/* TFLite, two roundings (gemmlowp) */
	ENPU_REQUANT_SINGLE,		/* TFLite, one rounding */
	ENPU_REQUANT_FP32,		/* multiplier is an fp32 bit pattern; round half even */
};

/* Scale: value * multiplier * 2^(shift - 31) in DOUBLE and SINGLE */
struct enpu_scale {
	__s32 multiplier;		/* Q31, or fp32 bits */
	__s8  shift;			/* positive: left. -31 to 30 */
	__u8  reserved[3];
};

/* Per output channel parameters of the MAC array, indexed by output channel */
struct enpu_channel {
	__s64 bias;			/* of the accumulator; within int32 for 8-bit inputs */
	__s32 multiplier;
	__s8  shift;
	__u8  reserved;
	__s16 weight_zero_point;
};

/* What a value is clamped to after the output zero point was added */
struct enpu_clamp {
	__s32 min;
	__s32 max;
};

/*
 * DMA_COPY: for all i: length bytes from src + sum(i * src_stride) to
 * dst + sum(i * dst_stride). Source and destination must not overlap.
 * DMA_FILL: the same with the low fill_size bytes of value, repeated.
 */
struct enpu_cmd_dma {
	struct enpu_cmd cmd;
	struct enpu_ref src;		/* FILL: region is ENPU_REGION_NONE */
	struct enpu_ref dst;
	__u32 length;			/* contiguous bytes, not 0 */
	__u32 count[4];			/* outermost first, each at least 1 */
	__u32 src_stride[4];		/* bytes */
	__u32 dst_stride[4];		/* bytes */
	__u32 value;			/* FILL */
	__u8  fill_size;		/* FILL: 1, 2 or 4; length is a multiple of it. COPY: 0 */
	__u8  reserved[7];
};

/* Sliding window. Input rows and columns outside the tile read as its zero point. */
struct enpu_window {
	__u16 kernel_h;
	__u16 kernel_w;
	__u16 stride_h;
	__u16 stride_w;
	__u16 dilation_h;
	__u16 dilation_w;
	__s16 pad_top;			/* input row of output row 0's first tap is -pad_top */
	__s16 pad_left;
};

/*
 * CONV, DEPTHWISE, TRANSPOSE_CONV.
 *
 * CONV weights, O output channels, K = kernel_h * kernel_w * ifm.channels in
 * the order (ky, kx, c): blocks [O/16][K/4][16 o][4 k], both counts rounded
 * up; what is past O or K has no influence on the result.
 * DEPTHWISE weights: blocks [O/16][kernel_h * kernel_w][16 o]; output channel
 * o reads input channel o / (ofm.channels / ifm.channels).
 * weights.dtype is U8, S8 or S4 (in S4 the element order is the same).
 */
struct enpu_cmd_conv {
	struct enpu_cmd cmd;
	struct enpu_tile ifm;
	struct enpu_tile ofm;
	struct enpu_ref weights;
	struct enpu_ref params;		/* struct enpu_channel[ofm.channels] */
	struct enpu_window window;
	struct enpu_clamp clamp;
	__u8 requant;			/* enum enpu_requant */
	__u8 reserved[7];
};

/*
 * MATMUL: ofm[b][m][n] = sum over k of a[b][m][k] * b[b][k][n]. In the tiles
 * height is b, width m, channels k or n. With B_TRANSPOSED b is [b][n][k].
 */
struct enpu_cmd_matmul {
	struct enpu_cmd cmd;
	struct enpu_tile a;
	struct enpu_tile b;
	struct enpu_tile ofm;
	struct enpu_scale scale;
	struct enpu_clamp clamp;
	__u8 requant;
	__u8 flags;
#define ENPU_MATMUL_B_TRANSPOSED	(1u << 0)
	__u8 reserved[6];
};

enum enpu_pool {
	ENPU_POOL_MAX,
	ENPU_POOL_AVERAGE,		/* of the positions inside the tile */
	ENPU_POOL_AVERAGE_FP32,		/* in binary32, with both tiles' scales and zero points */
};

struct enpu_cmd_pool {
	struct enpu_cmd cmd;
	struct enpu_tile ifm;		/* MAX, AVERAGE: zero points play no part */
	struct enpu_tile ofm;
	struct enpu_window window;	/* dilation 1 */
	struct enpu_clamp clamp;
	__u8 op;			/* enum enpu_pool */
	__u8 flags;			/* AVERAGE_FP32; else 0 */
#define ENPU_POOL_COUNT_PADS		(1u << 0)	/* always divide by the window's size */
	__u8 reserved[6];
};

enum enpu_elementwise {
	ENPU_ELEMENTWISE_ADD,
	ENPU_ELEMENTWISE_SUB,
	ENPU_ELEMENTWISE_MUL,
	ENPU_ELEMENTWISE_MIN,		/* raw values; scales and zero points play no part */
	ENPU_ELEMENTWISE_MAX,
};

struct enpu_cmd_elementwise {
	struct enpu_cmd cmd;
	struct enpu_tile a;
	struct enpu_tile b;
	struct enpu_tile ofm;
	struct enpu_scale scale_a;	/* ADD, SUB */
	struct enpu_scale scale_b;	/* ADD, SUB */
	struct enpu_scale scale_out;	/* ADD, SUB, MUL; an addend of ADD and SUB in FP32 */
	struct enpu_clamp clamp;
	__u8 op;			/* enum enpu_elementwise */
	__u8 left_shift;		/* ADD, SUB: 0 to 22 */
	__u8 requant;
	__u8 reserved[5];
};

/*
 * LUT: 8-bit input: ofm = table[q - lowest value of ifm's type], 256 entries
 * of ofm's type. S16 input: 513 S16 entries, interpolated.
 */
struct enpu_cmd_lut {
	struct enpu_cmd cmd;
	struct enpu_tile ifm;
	struct enpu_tile ofm;
	struct enpu_ref table;
};

enum enpu_softmax {
	ENPU_SOFTMAX_FIXED,		/* Q5.26 fixed point, as TFLite's reference kernel */
	ENPU_SOFTMAX_TABLE,		/* binary32 with a table of exponentials */
};

/*
 * SOFTMAX over the channels of each position; see "Softmax". FIXED: an input i
 * below the position's largest counts as exp(-i * multiplier * 2^(left_shift - 31))
 * if -i >= diff_min, else as 0; the output's scale is 1/256, its zero point the
 * lowest value. TABLE: F32[256], entry i is that exponential, times any factor;
 * output_factor (1 / output scale) and ofm.zero_point make the output value.
 */
struct enpu_cmd_softmax {
	struct enpu_cmd cmd;
	struct enpu_tile ifm;		/* U8 or S8 */
	struct enpu_tile ofm;		/* the same type as ifm */
	struct enpu_ref table;		/* FIXED: region is ENPU_REGION_NONE */
	__u32 output_factor;		/* TABLE: fp32 bits; FIXED: 0 */
	__s32 multiplier;		/* FIXED: Q31 */
	__s32 diff_min;			/* FIXED: inputs further below count as 0; at most 0 */
	__u8  left_shift;		/* FIXED: 0 to 31 */
	__u8  mode;			/* enum enpu_softmax */
	__u16 reserved;
};

enum enpu_reduce {
	ENPU_REDUCE_SUM,		/* sum of (q - zero point), then scale */
	ENPU_REDUCE_MAX,		/* raw values */
	ENPU_REDUCE_MIN,
	ENPU_REDUCE_ARGMAX,		/* over channels only; first of equals; ofm S32 */
};

struct enpu_cmd_reduce {
	struct enpu_cmd cmd;
	struct enpu_tile ifm;
	struct enpu_tile ofm;		/* reduced axes have extent 1 */
	struct enpu_scale scale;	/* SUM: the mean's 1/n is folded in */
	struct enpu_clamp clamp;
	__s32 bias;			/* SUM: added to the sum before scaling */
	__u8 op;			/* enum enpu_reduce */
	__u8 axes;
#define ENPU_AXIS_H	(1u << 0)
#define ENPU_AXIS_W	(1u << 1)
#define ENPU_AXIS_C	(1u << 2)
	__u8 requant;
	__u8 reserved;
};

enum enpu_resize {
	ENPU_RESIZE_FIXED,		/* frac in 1/1024 */
	ENPU_RESIZE_FLOAT,		/* frac is an fp32 bit pattern; TFLite's uint8 kernel */
	ENPU_RESIZE_TRUNCATED,		/* as FIXED, but rounded toward zero */
	ENPU_RESIZE_FP32,		/* as FLOAT, with both tiles' scales and zero points */
};

/* Where an output row (or column) comes from: lo + frac * (hi - lo), frac may lie outside 0..1 */
struct enpu_resize_tap {
	__u16 lo;
	__u16 hi;
	__s32 frac;
};

/*
 * RESIZE: bilinear with taps from tables; nearest is frac 0. Same type in and out. Scales and
 * zero points play a part in FP32 only.
 */
struct enpu_cmd_resize {
	struct enpu_cmd cmd;
	struct enpu_tile ifm;
	struct enpu_tile ofm;
	struct enpu_ref rows;		/* struct enpu_resize_tap[ofm.height] */
	struct enpu_ref cols;		/* struct enpu_resize_tap[ofm.width] */
	__u8 mode;			/* enum enpu_resize */
	__u8 reserved[7];
};

/* RESCALE: ofm = clamp(scale(q - ifm zero point) + ofm zero point), any integer types */
struct enpu_cmd_rescale {
	struct enpu_cmd cmd;
	struct enpu_tile ifm;
	struct enpu_tile ofm;
	struct enpu_scale scale;
	struct enpu_clamp clamp;
	__u8 requant;
	__u8 reserved[7];
};

#endif
