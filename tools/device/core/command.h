/* SPDX-License-Identifier: MIT */
/*
 * Between the job context and its engines: checks, operand access, dispatch.
 *
 * Functions return 0, -EFAULT with the context's fault filled in, or
 * -ECANCELED when the command is to be abandoned.
 */
#ifndef ENPU_DEVICE_COMMAND_H
#define ENPU_DEVICE_COMMAND_H

#include <errno.h>
#include <stddef.h>

#include "exec.h"
#include "kernels.h"
#include "timing.h"

/* Buffers of the engines, of no use between commands: each grows to what one needs and is kept */
enum enpu_scratch {
	ENPU_SCRATCH_ROW,		/* a row of an input as it lies in memory */
	ENPU_SCRATCH_INPUT,		/* inputs widened */
	ENPU_SCRATCH_INPUT_B,
	ENPU_SCRATCH_WEIGHTS_RAW,	/* weights as they lie in memory */
	ENPU_SCRATCH_WEIGHTS,		/* weights widened */
	ENPU_SCRATCH_PARAMS,		/* parameters and tables that validate read and checked */
	ENPU_SCRATCH_ACC,
	ENPU_SCRATCH_VALUES,		/* outputs before they are narrowed */
	ENPU_SCRATCH_OUT,		/* a piece of an output as it lies in memory */
	ENPU_NUM_SCRATCH
};

struct enpu_buffers {
	struct {
		void *buf;
		size_t size;
	} scratch[ENPU_NUM_SCRATCH];
};

/* The largest command struct, as it was read from the stream */
union enpu_any_cmd {
	struct enpu_cmd cmd;
	struct enpu_cmd_dma dma;
	struct enpu_cmd_conv conv;
	struct enpu_cmd_matmul matmul;
	struct enpu_cmd_pool pool;
	struct enpu_cmd_elementwise elementwise;
	struct enpu_cmd_lut lut;
	struct enpu_cmd_softmax softmax;
	struct enpu_cmd_reduce reduce;
	struct enpu_cmd_resize resize;
	struct enpu_cmd_rescale rescale;
};

struct enpu_exec {
	const struct enpu_config *config;
	const struct enpu_kernels *kernels;
	struct enpu_buffers *buffers;
	uint8_t *sram;
	uint64_t sram_filled;			/* bytes from its start that are defined */
	struct enpu_space *space;
	const struct enpu_exec_hooks *hooks;
	void *arg;
	struct enpu_job job;
	struct enpu_region regions[ENPU_MAX_REGIONS];
	uint32_t position;			/* in the stream, bytes */
	uint32_t issued[ENPU_NUM_ENGINES];
	union enpu_any_cmd cmd;			/* the one in flight */
	struct enpu_exec_fault fault;
	struct enpu_profile profile;
	struct enpu_timing timing;
};

/* One opcode. validate has seen to it that execute and cost need no checks of shape. */
struct enpu_operation {
	uint8_t engines;		/* bit mask of enum enpu_engine */
	uint16_t size;			/* of the command's struct; 0: not implemented */
	int (*validate)(struct enpu_exec *x);
	int (*execute)(struct enpu_exec *x);
	void (*cost)(const struct enpu_exec *x, struct enpu_cost *cost);
};

#define ENPU_ENGINES_DMA	(1u << ENPU_ENGINE_DMA0 | 1u << ENPU_ENGINE_DMA1)
#define ENPU_ENGINES_MAC	(1u << ENPU_ENGINE_MAC)
#define ENPU_ENGINES_VECTOR	(1u << ENPU_ENGINE_VECTOR)

extern const struct enpu_operation enpu_op_dma_copy;
extern const struct enpu_operation enpu_op_dma_fill;
extern const struct enpu_operation enpu_op_conv;
extern const struct enpu_operation enpu_op_depthwise;
extern const struct enpu_operation enpu_op_transpose_conv;
extern const struct enpu_operation enpu_op_matmul;
extern const struct enpu_operation enpu_op_pool;
extern const struct enpu_operation enpu_op_elementwise;
extern const struct enpu_operation enpu_op_lut;
extern const struct enpu_operation enpu_op_softmax;
extern const struct enpu_operation enpu_op_reduce;
extern const struct enpu_operation enpu_op_resize;
extern const struct enpu_operation enpu_op_rescale;

/* exec.c */
/* Record a fault of the command in flight; -EFAULT */
int enpu_exec_fail(struct enpu_exec *x, uint32_t cause, uint64_t addr);
int enpu_exec_bad_operand(struct enpu_exec *x);
int enpu_exec_poll(struct enpu_exec *x);
/* At least size bytes, contents undefined; NULL: no memory, the fault is recorded */
void *enpu_scratch(struct enpu_exec *x, enum enpu_scratch which, size_t size);

/* Types, and sets of them */
#define ENPU_TYPE(t)		(1u << (t))
#define ENPU_TYPES_8		(ENPU_TYPE(ENPU_U8) | ENPU_TYPE(ENPU_S8))
#define ENPU_TYPES_8_16		(ENPU_TYPES_8 | ENPU_TYPE(ENPU_S16))
#define ENPU_TYPES_INT		(ENPU_TYPES_8_16 | ENPU_TYPE(ENPU_S32))

struct enpu_type {
	uint8_t size;			/* bytes of an element */
	int32_t min;
	int32_t max;
};

/* Of the types above only */
extern const struct enpu_type enpu_types[ENPU_NUM_DTYPES];

/* check.c: operands and fields */
enum enpu_tile_use {
	ENPU_TILE_INPUT,
	ENPU_TILE_BROADCAST,		/* an input that may have strides of 0 */
	ENPU_TILE_OUTPUT,
};

int enpu_check_zero(struct enpu_exec *x, const void *field, size_t size);
int enpu_check_tile(struct enpu_exec *x, const struct enpu_tile *tile, unsigned int types,
		    enum enpu_tile_use use);
/* The same of a tile that must have a scale; any other must have none */
int enpu_check_scaled_tile(struct enpu_exec *x, const struct enpu_tile *tile, unsigned int types,
			   enum enpu_tile_use use);
/* size bytes at the reference, its offset being a multiple of align */
int enpu_check_ref(struct enpu_exec *x, const struct enpu_ref *ref, uint64_t size, uint64_t align);
/* The reference is absent */
int enpu_check_no_ref(struct enpu_exec *x, const struct enpu_ref *ref);
/* [offset, offset + size) lies in the region; size is not 0 */
int enpu_check_range(struct enpu_exec *x, unsigned int region, uint64_t offset, uint64_t size);
int enpu_check_requant(struct enpu_exec *x, unsigned int mode);
/* max_shift: 30, or 14 for 64-bit accumulators */
int enpu_check_multiplier(struct enpu_exec *x, int32_t multiplier, int shift, unsigned int mode,
			  int max_shift);
int enpu_check_scale(struct enpu_exec *x, const struct enpu_scale *scale, unsigned int mode);
/* min <= max, both values of dtype */
int enpu_check_clamp(struct enpu_exec *x, const struct enpu_clamp *clamp, unsigned int dtype);
int enpu_check_window(struct enpu_exec *x, const struct enpu_window *window);
/* positions * depth multiply-accumulates are not too many */
int enpu_check_work(struct enpu_exec *x, const struct enpu_tile *ofm, uint64_t depth);
/* The tiles have the same height, width and channels */
int enpu_check_same_shape(struct enpu_exec *x, const struct enpu_tile *a,
			  const struct enpu_tile *b);

/* operand.c: access; ranges were checked before */
/* Pieces of a row that row-wise engines work on have at most this many elements */
#define ENPU_PIECE	65536u

/* How many columns of c channels are worked on at a time */
uint32_t enpu_piece_cols(uint32_t channels);
/* runs->va is an offset in the region */
int enpu_read(struct enpu_exec *x, unsigned int region, const struct enpu_runs *runs, void *buf);
int enpu_write(struct enpu_exec *x, unsigned int region, const struct enpu_runs *runs,
	       const void *buf);
/* size bytes, skip bytes behind the reference */
int enpu_read_ref(struct enpu_exec *x, const struct enpu_ref *ref, uint64_t skip, void *buf,
		  uint64_t size);
/*
 * count columns of a row from col on, step apart, as dense elements: the SRAM
 * itself where they lie so in it, else a copy in ENPU_SCRATCH_ROW that the next
 * call overwrites. NULL: an error, in *err.
 */
const void *enpu_cols(struct enpu_exec *x, const struct enpu_tile *tile, uint32_t row,
		      uint32_t col, uint32_t step, uint32_t count, int *err);
int enpu_put_cols(struct enpu_exec *x, const struct enpu_tile *tile, uint32_t row, uint32_t col,
		  uint32_t count, const void *buf);
/* The same with 32-bit values, dense; those to be put must be values of the tile's type */
int enpu_get_values(struct enpu_exec *x, const struct enpu_tile *tile, uint32_t row, uint32_t col,
		    uint32_t step, uint32_t count, int32_t *values);
int enpu_put_values(struct enpu_exec *x, const struct enpu_tile *tile, uint32_t row, uint32_t col,
		    uint32_t count, const int32_t *values);
/* Values to elements of a type that holds them */
void enpu_narrow(void *dst, unsigned int dtype, const int32_t *values, size_t n);
/* n elements of a tile's type (8 bits or S16) to value - zero point, which must fit 16 bits */
void enpu_widen(struct enpu_exec *x, const struct enpu_tile *tile, int16_t *dst, const void *src,
		size_t n);

/*
 * Which of count positions, step apart from start on, are inside [0, extent):
 * those from *first on, the number is returned.
 */
uint32_t enpu_inside(int64_t start, uint32_t step, uint32_t count, uint32_t extent,
		     uint32_t *first);

static inline uint64_t enpu_tile_elements(const struct enpu_tile *tile)
{
	return (uint64_t)tile->height * tile->width * tile->channels;
}

static inline uint64_t enpu_div_up(uint64_t a, uint64_t b)
{
	return (a + b - 1) / b;
}

static inline uint64_t enpu_round_up(uint64_t a, uint64_t to)
{
	return enpu_div_up(a, to) * to;
}

#endif
