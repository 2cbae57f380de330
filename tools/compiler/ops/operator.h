/* SPDX-License-Identifier: MIT */
/*
 * The table of operators: for each what it takes, how it is checked and how it
 * is lowered. To add one: an op_kind in ir/graph.h, its options in
 * tflite/options.c, a check and a lower function here in ops/, one line in
 * table.c.
 */
#ifndef ENPU_OPERATOR_H
#define ENPU_OPERATOR_H

#include "../ir/program.h"

struct operator_type {
	const char *name;
	const char *runs_on;
	const char *types;
	const char *restrictions;
	unsigned int min_inputs, max_inputs, min_outputs, max_outputs;
	/* NULL: fine; else why not. May fill in shapes that the source leaves open. */
	const char *(*check)(struct graph *g, struct op *op);
	/* Of a checked operator: appends its layers. All views are assigned. */
	void (*lower)(struct program *p, const struct op *op);
};

/* A step for the host; of an operator whose inputs are all there. */
bool runs_on_cpu(const struct op *op);
/* A step in float32, in a model that has quantized parts as well: see real.c. */
bool is_real(const struct op *op);
bool runs_real(enum op_kind kind);
const char *check_real(struct graph *g, struct op *op);
void lower_real(struct program *p, const struct op *op);
/* Of DIV: by one value that is known, which is a table. */
bool divides_by_constant(const struct op *op);
/* A function of one 8-bit value that the NPU looks up, exactly. */
bool is_lookup(const struct op *op);

/* A function that straight lines between the entries of a table come close to. */
bool is_smooth(enum op_kind kind);

/* NULL for OP_UNKNOWN. */
const struct operator_type *operator_type(enum op_kind kind);

/* Judge every operator, report each that cannot run. 0 or -EOPNOTSUPP. */
int check_operators(struct graph *g);

/* Helpers of the checkers: NULL when fine, else the reason. */
const char *check_8bit(struct graph *g, const struct tensor *t, const char *what);
/* The same, or int16 with zero point 0. */
const char *check_8_or_16bit(struct graph *g, const struct tensor *t, const char *what);
/* Both quantized; of one type, or (TFLite's arithmetic) signed ones of 8 and 16 bits. */
const char *check_types(struct graph *g, const struct op *op, const struct tensor *in,
			const struct tensor *out);
const char *check_same_quant(struct graph *g, const struct tensor *a, const struct tensor *b);
const char *check_shape(struct graph *g, const struct tensor *t, int rank, const int32_t *dims);
/* The output's shape is that of the first @n inputs, broadcast. */
const char *check_broadcast(struct graph *g, const struct op *op, unsigned int n);
const char *check_activation(struct graph *g, const struct op *op);
const char *check_constant_ints(struct graph *g, const struct tensor *t, const char *what,
				int64_t count);
const char *check_multiplier(struct graph *g, double real);
/* Of a sum of products whose first factor is @in: it is shifted less far for 16 bits. */
const char *check_sum_multiplier(struct graph *g, const struct tensor *in, double real);
bool same_quant(const struct tensor *a, const struct tensor *b);

/* Helpers of lowering. */
uint8_t device_dtype(enum dtype type);
struct enpu_clamp device_clamp(const struct tensor *out, enum activation act);
/*
 * Feature maps of @n tensors of the same shape @dims (broadcast ones have strides
 * of 0): calls @emit for every height x width x channels slice of them.
 */
struct fm_set {
	unsigned int n;
	int rank;
	int32_t dims[MAX_RANK];
	struct fm fm[3];
	int64_t strides[3][MAX_RANK];
};
/* The tensor @t seen through @view, which has the set's shape (see above). */
void fm_set_add(struct fm_set *set, const struct tensor *t, const struct view *view);
void fm_for_each(struct fm_set *set, void (*emit)(void *arg, const struct fm *fm), void *arg);

/* @t's view with @out's dimensions; broadcast ones have a stride of 0. */
struct view broadcast_view(const struct program *p, const struct tensor *t,
			   const struct tensor *out);
/* The n-th image of a tensor with 4 dimensions. */
struct fm image_fm(const struct program *p, const struct tensor *t, int32_t n);
/* The same where it lies at @view and has these @dims. */
struct fm view_fm(const struct tensor *t, const struct view *view, const int32_t *dims, int32_t n);
/* An intermediate of one operator, dense, elements of @bytes. */
struct view scratch_view(struct program *p, const char *name, int rank, const int32_t *dims,
			 int bytes);
/* A dense tensor as one row of @width positions. */
struct fm flat_fm(const struct program *p, const struct tensor *t, uint32_t width,
		  uint32_t channels);

/* Both views show the same bytes. */
bool same_place(const struct view *a, const struct view *b, int rank, const int32_t *dims);
/* Bytes from one place to another, through as few DMA commands as it takes. */
void lower_move(struct program *p, const struct op *op, const struct view *from,
		const struct view *to, int rank, const int32_t *dims);
/* The same with one byte repeated. */
void lower_fill(struct program *p, const struct op *op, uint8_t value, const struct view *to,
		int rank, const int32_t *dims);
/*
 * @from goes into @whole, which has @outer elements, @before of them before it in each
 * dimension; @value fills what is around it.
 */
void lower_padded(struct program *p, const struct op *op, const struct view *from,
		  const struct view *whole, int rank, const int32_t *inner, const int32_t *before,
		  const int32_t *outer, uint8_t value);
/* A part of a view, from element @begin on. */
struct view sub_view(const struct view *view, int rank, const int32_t *begin);

/* Sliding windows. */
const char *check_window(struct graph *g, const struct op_attrs *a, int32_t kernel_h,
			 int32_t kernel_w);
/* Extent of the output; rows and columns of padding before the input. */
struct window_place {
	int32_t height, width, pad_top, pad_left;
};
struct window_place window_place(const struct tensor *in, const struct op_attrs *a,
				 int32_t kernel_h, int32_t kernel_w);

/*
 * A concatenation's inputs and a split's outputs: the first element of number @i in
 * the whole. Dimension of concatenation or split; of a checked operator.
 */
int concatenation_axis(const struct op *op);
int split_axis(const struct op *op);
/* First element and step of a SLICE or STRIDED_SLICE, in the input's dimensions. */
struct slice {
	int rank;			/* of the input */
	int32_t begin[MAX_RANK], stride[MAX_RANK], size[MAX_RANK];
	bool dropped[MAX_RANK];		/* dimension that the output lacks */
};
const char *read_slice(struct graph *g, const struct op *op, struct slice *s);
/* The part of @in that the slice takes, with the input's dimensions. */
void slice_view(const struct view *in, const struct slice *s, struct view *part);

/* The operators, one file per family. */
const char *check_conv(struct graph *g, struct op *op);
const char *check_depthwise(struct graph *g, struct op *op);
const char *check_fully_connected(struct graph *g, struct op *op);
const char *check_transpose_conv(struct graph *g, struct op *op);
const char *check_batch_matmul(struct graph *g, struct op *op);
const char *check_pool(struct graph *g, struct op *op);
const char *check_arithmetic(struct graph *g, struct op *op);
const char *check_comparison(struct graph *g, struct op *op);
const char *check_logic(struct graph *g, struct op *op);
const char *check_select(struct graph *g, struct op *op);
const char *check_unary(struct graph *g, struct op *op);
const char *check_concatenation(struct graph *g, struct op *op);
const char *check_pad(struct graph *g, struct op *op);
const char *check_reshape(struct graph *g, struct op *op);
const char *check_slice(struct graph *g, struct op *op);
const char *check_strided_slice(struct graph *g, struct op *op);
const char *check_split(struct graph *g, struct op *op);
const char *check_transpose(struct graph *g, struct op *op);
const char *check_softmax(struct graph *g, struct op *op);
const char *check_resize(struct graph *g, struct op *op);
const char *check_reduce(struct graph *g, struct op *op);
const char *check_arg(struct graph *g, struct op *op);
const char *check_mirror_pad(struct graph *g, struct op *op);
const char *check_space_to_batch(struct graph *g, struct op *op);
const char *check_batch_to_space(struct graph *g, struct op *op);
const char *check_prelu(struct graph *g, struct op *op);
const char *check_detection(struct graph *g, struct op *op);
const char *check_divide(struct graph *g, struct op *op);
const char *check_norm(struct graph *g, struct op *op);
const char *check_l2(struct graph *g, struct op *op);
const char *check_topk(struct graph *g, struct op *op);
const char *check_log_softmax(struct graph *g, struct op *op);
const char *check_number_cast(struct graph *g, struct op *op);
const char *check_cumsum(struct graph *g, struct op *op);
const char *check_quantize(struct graph *g, struct op *op);
const char *check_dequantize(struct graph *g, struct op *op);
const char *check_pack(struct graph *g, struct op *op);
const char *check_unpack(struct graph *g, struct op *op);
const char *check_split_v(struct graph *g, struct op *op);
const char *check_gather(struct graph *g, struct op *op);
const char *check_tile(struct graph *g, struct op *op);
const char *check_reverse(struct graph *g, struct op *op);
const char *check_space_to_depth(struct graph *g, struct op *op);
const char *check_depth_to_space(struct graph *g, struct op *op);
const char *check_assign(struct graph *g, struct op *op);
/* Of VAR_HANDLE and the like, which the importer has left: why. */
const char *check_variable(struct graph *g, struct op *op);

void lower_conv(struct program *p, const struct op *op);
void lower_fully_connected(struct program *p, const struct op *op);
void lower_transpose_conv(struct program *p, const struct op *op);
void lower_batch_matmul(struct program *p, const struct op *op);
void lower_pool(struct program *p, const struct op *op);
void lower_arithmetic(struct program *p, const struct op *op);
void lower_squared_difference(struct program *p, const struct op *op);
void lower_comparison(struct program *p, const struct op *op);
void lower_logic(struct program *p, const struct op *op);
void lower_select(struct program *p, const struct op *op);
void lower_unary(struct program *p, const struct op *op);
void lower_concatenation(struct program *p, const struct op *op);
void lower_pad(struct program *p, const struct op *op);
void lower_reshape(struct program *p, const struct op *op);
void lower_slice(struct program *p, const struct op *op);
void lower_split(struct program *p, const struct op *op);
void lower_transpose(struct program *p, const struct op *op);
void lower_softmax(struct program *p, const struct op *op);
void lower_resize(struct program *p, const struct op *op);
void lower_reduce(struct program *p, const struct op *op);
void lower_arg(struct program *p, const struct op *op);
void lower_mirror_pad(struct program *p, const struct op *op);
void lower_space_to_batch(struct program *p, const struct op *op);
void lower_batch_to_space(struct program *p, const struct op *op);
void lower_prelu(struct program *p, const struct op *op);
void lower_detection(struct program *p, const struct op *op);
void lower_divide(struct program *p, const struct op *op);
void lower_norm(struct program *p, const struct op *op);
void lower_log_softmax(struct program *p, const struct op *op);
void lower_number_cast(struct program *p, const struct op *op);
void lower_l2(struct program *p, const struct op *op);
void lower_topk(struct program *p, const struct op *op);
void lower_cumsum(struct program *p, const struct op *op);
void lower_quantize(struct program *p, const struct op *op);
void lower_dequantize(struct program *p, const struct op *op);
void lower_pack(struct program *p, const struct op *op);
void lower_unpack(struct program *p, const struct op *op);
void lower_split_v(struct program *p, const struct op *op);
void lower_gather(struct program *p, const struct op *op);
void lower_tile(struct program *p, const struct op *op);
void lower_reverse(struct program *p, const struct op *op);
void lower_space_to_depth(struct program *p, const struct op *op);
void lower_depth_to_space(struct program *p, const struct op *op);
void lower_assign(struct program *p, const struct op *op);

#endif
