/* SPDX-License-Identifier: MIT */
/*
 * The program that a graph is lowered to: layers over feature maps.
 *
 * A feature map is a strided view of a buffer; several tensors may share one
 * (reshapes, concatenations in place, slices), so data movement is mostly a
 * matter of views. A layer is one operation that the NPU has a command for, over
 * whole feature maps, with everything quantized to the device's terms. The
 * scheduler cuts layers into tiles and gives buffers their places.
 */
#ifndef ENPU_PROGRAM_H
#define ENPU_PROGRAM_H

#include <enpu/cmd.h>
#include <enpu/model.h>

#include "graph.h"

enum buffer_home {
	HOME_SCRATCH,			/* intermediate: wherever the scheduler likes */
	HOME_INPUT,			/* of the model: filled by the host */
	HOME_OUTPUT,			/* of the model: read by the host */
	HOME_HOST,			/* intermediate that a CPU step reads: DRAM */
	HOME_STATE,			/* a variable of the model: kept from run to run */
	HOME_CONSTANT,			/* content known: weights, tables */
};

struct buffer {
	unsigned int index;		/* in program->buffers */
	enum buffer_home home;
	int64_t bytes;
	const uint8_t *content;		/* HOME_CONSTANT; HOME_STATE: before the first run */
	unsigned int region;		/* where it lies in DRAM, once placed */
	int64_t offset;
	const char *name;		/* for dumps */
};

/* A tensor's place: element (i0, i1, ...) lies at offset + sum(i * stride), in bytes. */
struct view {
	struct buffer *buffer;		/* NULL: not assigned */
	int64_t offset;
	int64_t strides[MAX_RANK];
	unsigned int element;		/* bytes of one */
};

/* A feature map as commands see it: height x width x channels, channels contiguous. */
struct fm {
	struct buffer *buffer;		/* NULL: no such operand */
	int64_t offset;
	int64_t row_stride, col_stride;	/* bytes */
	uint32_t height, width, channels;
	uint8_t dtype;			/* enum enpu_dtype */
	int32_t zero_point;
};

/* Bytes of an element of an enum enpu_dtype */
unsigned int device_dtype_bytes(uint8_t dtype);
/* Entries of the table that looks up inputs of this type */
unsigned int lut_entries(uint8_t dtype);

#define LUT_ENTRIES		256
#define LUT_ENTRIES_S16		513	/* every 128th value, and what follows the last */

#define ENPU_MAX_SIDE	65536		/* height, width and channels of a command's tile */

enum layer_kind {
	LAYER_CONV,
	LAYER_DEPTHWISE,
	LAYER_TRANSPOSE_CONV,
	LAYER_MATMUL,
	LAYER_POOL,
	LAYER_ELEMENTWISE,
	LAYER_LUT,
	LAYER_SOFTMAX,
	LAYER_REDUCE,
	LAYER_RESIZE,
	LAYER_RESCALE,
	LAYER_COPY,
	LAYER_FILL,
	LAYER_KINDS
};

/* A block of bytes to move: what a DMA command can walk. */
struct block {
	uint32_t length;		/* contiguous bytes */
	uint32_t count[4];		/* outermost first */
	int64_t src_stride[4], dst_stride[4];
};

struct layer {
	enum layer_kind kind;
	const struct op *op;		/* of the source model */
	unsigned int step;		/* NPU step it belongs to */
	struct fm in[2], out;		/* COPY, FILL: in and out name buffer and offset alone */
	struct enpu_window window;
	struct enpu_clamp clamp;
	uint8_t operation;		/* of the kind: enum enpu_pool, ..., MATMUL's flags */
	uint8_t requant;		/* enum enpu_requant */
	uint64_t macs;
	struct buffer *weights;		/* of convolutions: blocked */
	uint8_t weights_dtype;
	struct buffer *params;		/* of convolutions: struct enpu_channel[] */
	struct buffer *table;		/* LUT; SOFTMAX, or NULL: in fixed point */
	struct buffer *rows, *cols;	/* RESIZE */
	struct enpu_scale scale_a, scale_b, scale_out;
	uint8_t left_shift;		/* ELEMENTWISE, SOFTMAX */
	int32_t softmax_multiplier, softmax_diff_min;
	float softmax_factor;		/* SOFTMAX with a table */
	float in_scale, out_scale;	/* POOL, RESIZE in binary32; else 0 */
	uint8_t pool_flags;
	uint8_t reduce_axes;
	int32_t reduce_bias;
	struct block block;		/* COPY, FILL */
	uint8_t fill;			/* FILL: the byte */
};

/* A step that the host executes. */
struct cpu_step {
	enum enpu_cpu_op kind;
	const struct op *op;
	unsigned int n_inputs;		/* of the operator, that are tensors of the step */
	unsigned int first_layer;	/* runs before this layer of program->layers */
	const void *params;		/* as uapi/enpu/model.h has them for the kind */
	size_t params_bytes;
};

struct program {
	struct arena *arena;
	struct enpu_diag *diag;
	const struct graph *graph;
	struct view *views;		/* of the graph's tensors, by index */
	bool *folded;			/* operators that need no layer of their own, by index */
	const struct op **folded_into;	/* one that does their work, by index */
	const struct op **follower;	/* the folded operator whose table comes next, by index */
	struct layer *layers;
	size_t n_layers;
	struct buffer **buffers;
	size_t n_buffers;
	struct cpu_step *cpu_steps;
	size_t n_cpu_steps;
};

struct buffer *program_buffer(struct program *p, enum buffer_home home, int64_t bytes,
			      const char *name);
/* A constant; @content lives as long as the arena. */
struct buffer *program_constant(struct program *p, const void *content, int64_t bytes,
				const char *name);
/* A zeroed layer that is appended to the program. */
struct layer *program_layer(struct program *p, enum layer_kind kind, const struct op *op);

const char *layer_kind_name(enum layer_kind kind);
/* The MAC array's layers; others are the vector engine's or moves. */
bool layer_multiplies(enum layer_kind kind);
void program_dump(const struct program *p, FILE *out);

#endif
