/* SPDX-License-Identifier: MIT */
/*
 * Making a graph piece by piece, or a new one from an old one. Tensors and operators
 * are added in any order and may be changed freely; builder_finish() brings operators
 * into execution order, drops what no output needs, numbers all and links producers.
 * Pointers into the builder are not pointers into the finished graph.
 *
 * All memory is the arena's, which lives longer than builder and graph.
 */
#ifndef ENPU_BUILDER_H
#define ENPU_BUILDER_H

#include "graph.h"

struct builder {
	struct arena *arena;
	struct tensor **tensors;
	size_t n_tensors;
	struct op **ops;
	size_t n_ops;
	struct tensor **inputs, **outputs;
	size_t n_inputs, n_outputs;
};

/*
 * Everything of @g: same tensors, same operators, whose index still says where they are
 * in @g. They may be changed, and @g should not be used after that.
 */
void builder_open(struct builder *b, struct graph *g);

struct tensor *builder_tensor(struct builder *b, const char *name, enum dtype type, int rank,
			      const int32_t *dims);
/* @data must live as long as the arena. */
struct tensor *builder_constant(struct builder *b, const char *name, enum dtype type, int rank,
				const int32_t *dims, const void *data);
/* An int32 vector; copied. */
struct tensor *builder_ints(struct builder *b, const char *name, int32_t count,
			    const int32_t *values);
/* With @n_inputs and @n_outputs empty slots. */
struct op *builder_op(struct builder *b, enum op_kind kind, const char *name,
		      unsigned int n_inputs, unsigned int n_outputs);
/* One more operator of the kind that most are. */
struct op *builder_unary(struct builder *b, enum op_kind kind, const char *name,
			 struct tensor *in, struct tensor *out);
/* All that read @from, and the model's outputs, have @to instead. */
void builder_replace(struct builder *b, const struct tensor *from, struct tensor *to);

/*
 * The graph: arrays and links of @g are new, its other fields stay. Returns 0, or
 * -EINVAL after a message when a tensor has two producers or operators form a cycle.
 */
int builder_finish(struct builder *b, struct graph *g);

#endif
