/* SPDX-License-Identifier: MIT */
/*
 * What the ONNX importer's families of operators share. To add an operator: one
 * function that takes a node's inputs and emits operators of the IR, one line in
 * table.c. A node that can't be translated ends in node_fail(), which doesn't return.
 *
 * ONNX's values are the IR's tensors, in ONNX's layout; a value that is known has data,
 * and an operator emitted on nothing but known values is computed at once (passes/evaluate.c). So
 * the translation of Shape, Gather, Concat ... that compute a shape needs no second way.
 */
#ifndef ENPU_ONNX_IMPORTER_H
#define ENPU_ONNX_IMPORTER_H

#include <setjmp.h>

#include <onnx.pb-c.h>

#include "../ir/builder.h"
#include "../passes/rewrite.h"
#include "import.h"

/* Beyond these a model is not sound, or nothing for an NPU. */
#define ONNX_MAX_ELEMENTS	((int64_t)1 << 30)
#define ONNX_MAX_NODES		65536
#define ONNX_MAX_DEPTH		4	/* of If in If */

#define ONNX_OPSET_MIN	7
#define ONNX_OPSET_MAX	20

struct value {
	const char *name;
	struct tensor *tensor;
};

struct importer {
	struct graph *graph;
	struct builder b;
	const struct onnx_options *opts;
	int64_t opset;			/* of ONNX's own operators */
	struct value *values;		/* by name: open addressing */
	size_t n_values, n_slots;
	int n_nodes;			/* seen so far: the index in messages */
	int depth;			/* of subgraphs */
	jmp_buf failed;			/* after a message */
	int err;
};

struct node {
	struct importer *im;
	const Onnx__NodeProto *proto;
	const struct onnx_operator *type;
	int index;
};

struct onnx_operator {
	const char *name;
	int since;			/* operator set that the row holds from */
	void (*translate)(struct node *n);
	enum op_kind kind;		/* for functions that several rows share */
	const char *restrictions;
	const char *domain;		/* NULL: ONNX's own */
};

/* NULL: unknown. */
const struct onnx_operator *onnx_find_operator(const char *domain, const char *name);

/* A message that names the node; ends the import. */
void node_fail(struct node *n, const char *format, ...)
	__attribute__((noreturn, format(printf, 2, 3)));
void import_fail(struct importer *im, int err, const char *format, ...)
	__attribute__((noreturn, format(printf, 3, 4)));

/* import.c */
void import_nodes(struct importer *im, const Onnx__GraphProto *g);
/* A name's tensor, or NULL. */
struct tensor *import_lookup(struct importer *im, const char *name);
void import_bind(struct importer *im, const char *name, struct tensor *t);
void import_initializers(struct importer *im, const Onnx__GraphProto *g);

/* tensor.c */
enum dtype onnx_dtype(int32_t type);	/* DTYPE_COUNT: not in the IR */
struct tensor *import_tensor(struct importer *im, const Onnx__TensorProto *proto,
			     const char *name);
/* -1: fits nothing; else what the dimensions multiply to. */
int64_t checked_elements(int rank, const int32_t *dims);

/* parse.c: the message, in the arena, or NULL after a message. */
Onnx__ModelProto *onnx_parse(struct graph *g, const void *data, size_t size);

/* protobuf-c's memory is the arena's, too: nothing is given back. */
ProtobufCAllocator onnx_allocator(struct arena *arena);

/* node.c: inputs, outputs and attributes. An input that is left out or too many is NULL. */
struct tensor *node_input(struct node *n, unsigned int i);
struct tensor *node_need(struct node *n, unsigned int i);
struct tensor *node_need_float(struct node *n, unsigned int i);
/* A known one, whose elements are needed now; @what for the message. */
struct tensor *node_constant(struct node *n, unsigned int i, const char *what);
unsigned int node_inputs(const struct node *n);
unsigned int node_outputs(const struct node *n);
bool node_has_output(const struct node *n, unsigned int i);
void node_output(struct node *n, unsigned int i, struct tensor *t);

const Onnx__AttributeProto *node_attr(struct node *n, const char *name);
int64_t node_int(struct node *n, const char *name, int64_t def);
float node_float(struct node *n, const char *name, float def);
const char *node_string(struct node *n, const char *name, const char *def);

/* A list of integers: the attribute, or else the constant input @i, or else nothing. */
#define NODE_MAX_INTS	(4 * MAX_RANK)
struct int_list {
	bool given;
	int n;
	int64_t v[NODE_MAX_INTS];
};
struct int_list node_ints(struct node *n, const char *name);
struct int_list node_ints_or_input(struct node *n, const char *name, unsigned int i);
/* @n entries of int32, or the default @def for all. */
void node_small_ints(struct node *n, const char *name, int count, int32_t def, int32_t *values);
/* A dimension, from -rank up. */
int node_axis(struct node *n, int64_t axis, int rank);

/* emit.c */
struct tensor *emit(struct node *n, enum op_kind kind, unsigned int n_inputs,
		    struct tensor *const *inputs, enum dtype type, int rank, const int32_t *dims,
		    const struct op_attrs *attrs);
/* With an output like its input. */
struct tensor *emit_unary(struct node *n, enum op_kind kind, struct tensor *in,
			  const struct op_attrs *attrs);
/* The output has the inputs' common shape; a comparison's type is bool. */
struct tensor *emit_binary(struct node *n, enum op_kind kind, struct tensor *a, struct tensor *b);
struct tensor *emit_transpose(struct node *n, struct tensor *in, const int32_t *perm);
struct tensor *emit_reshape(struct node *n, struct tensor *in, int rank, const int32_t *dims);
struct tensor *emit_slice(struct node *n, struct tensor *in, const int32_t *begin,
			  const int32_t *size);
struct tensor *emit_reduce(struct node *n, enum op_kind kind, struct tensor *in, uint32_t axes,
			   bool keep_dims);
struct tensor *emit_cast(struct node *n, struct tensor *in, enum dtype type);
struct tensor *emit_concat(struct node *n, unsigned int count, struct tensor *const *parts,
			   int axis);
/* [N, C, spatial...] to NHWC and back: one spatial dimension becomes [N, 1, W, C]. */
struct tensor *emit_to_nhwc(struct node *n, struct tensor *in);
struct tensor *emit_from_nhwc(struct node *n, struct tensor *in, int rank);
/* Constants. */
struct tensor *emit_float(struct node *n, float value);
struct tensor *emit_ints(struct node *n, int32_t count, const int32_t *values);
struct tensor *emit_like(struct node *n, const struct tensor *like, double value);
/* The shape that both broadcast to. */
void broadcast_shape(struct node *n, const struct tensor *a, const struct tensor *b, int *rank,
		     int32_t *dims);

/* ops_quantize.c: a moved constant takes its integers along. */
void carry_integers(struct node *n, const struct op *op);

#define TRANSLATE(name)	void translate_##name(struct node *n)

/* ops_conv.c */
TRANSLATE(conv);
TRANSLATE(conv_transpose);
TRANSLATE(gemm);
TRANSLATE(matmul);
/* ops_pool.c */
TRANSLATE(pool);
TRANSLATE(global_pool);
/* ops_elementwise.c */
TRANSLATE(unary);
TRANSLATE(alpha_unary);
TRANSLATE(hard_sigmoid);
TRANSLATE(celu);
TRANSLATE(selu);
TRANSLATE(gelu);
TRANSLATE(thresholded_relu);
TRANSLATE(clip);
TRANSLATE(binary);
TRANSLATE(variadic);
TRANSLATE(mean);
TRANSLATE(pow);
TRANSLATE(mod);
TRANSLATE(prelu);
TRANSLATE(where);
TRANSLATE(cast);
TRANSLATE(cast_like);
/* ops_norm.c */
TRANSLATE(batch_norm);
TRANSLATE(instance_norm);
TRANSLATE(layer_norm);
TRANSLATE(group_norm);
TRANSLATE(mean_variance_norm);
TRANSLATE(lp_norm);
TRANSLATE(lrn);
TRANSLATE(softmax);
/* ops_reduce.c */
TRANSLATE(reduce);
TRANSLATE(reduce_l1);
TRANSLATE(reduce_l2);
TRANSLATE(reduce_log_sum);
TRANSLATE(reduce_log_sum_exp);
TRANSLATE(reduce_sum_square);
TRANSLATE(arg_reduce);
TRANSLATE(cumsum);
TRANSLATE(topk);
/* ops_movement.c */
TRANSLATE(identity);
TRANSLATE(reshape);
TRANSLATE(flatten);
TRANSLATE(squeeze);
TRANSLATE(unsqueeze);
TRANSLATE(transpose);
TRANSLATE(concat);
TRANSLATE(split);
TRANSLATE(slice);
TRANSLATE(gather);
TRANSLATE(expand);
TRANSLATE(tile);
TRANSLATE(pad);
TRANSLATE(depth_to_space);
TRANSLATE(space_to_depth);
TRANSLATE(trilu);
/* ops_resize.c */
TRANSLATE(resize);
TRANSLATE(upsample);
/* ops_quantize.c */
TRANSLATE(quantize_linear);
TRANSLATE(dequantize_linear);
TRANSLATE(qlinear);
TRANSLATE(qlinear_concat);
/* ops_constant.c */
TRANSLATE(constant);
TRANSLATE(constant_of_shape);
TRANSLATE(shape);
TRANSLATE(size);
TRANSLATE(range);
TRANSLATE(eye_like);
TRANSLATE(if);
/* ops_recurrent.c */
TRANSLATE(lstm);

#endif
