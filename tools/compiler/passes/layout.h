/* SPDX-License-Identifier: MIT */
/* How tensors lie while transposes are removed: see layout.c. */
#ifndef ENPU_LAYOUT_H
#define ENPU_LAYOUT_H

#include "../ir/builder.h"
#include "rewrite.h"

/* Position k of memory has dimension d[k] of the tensor as the old graph has it. */
struct order {
	int rank;
	int32_t d[MAX_RANK];
};

/* A tensor once more, in another order. */
struct copy {
	struct copy *next;
	struct order order;
	struct tensor *tensor;
};

/* What became of a tensor of the old graph. */
struct view {
	struct tensor *real;
	struct order order;
	int32_t dims[MAX_RANK];		/* as in the old graph */
	struct copy *copies;
};

struct layout {
	struct builder b;
	const struct graph *old;
	struct view *views;		/* by the old graph's index */
};

struct view *view_of(struct layout *l, const struct tensor *t);
struct order order_identity(int rank);
bool order_is_identity(const struct order *o);
bool order_equal(const struct order *a, const struct order *b);
/* Where dimension @d is. */
int order_find(const struct order *o, int d);
/* As @o, but with the last dimension last. */
struct order order_last_last(const struct order *o);

/* @t in the order @want: as it is, or transposed here, or by a new operator. */
struct tensor *layout_get(struct layout *l, const struct op *op, struct tensor *t,
			  const struct order *want);
struct tensor *layout_see(struct layout *l, const struct op *op, struct view *v,
			  const struct order *want);
/* Output @i of @op, which now makes it in the order @o. */
void layout_put(struct layout *l, struct op *op, unsigned int i, const struct order *o);
void layout_push(struct layout *l, struct op *op);
/* @t, which is real, with other dimensions. */
struct tensor *layout_reshape(struct layout *l, const struct op *op, struct tensor *t, int rank,
			      const int32_t *dims);
struct tensor *layout_ints(struct layout *l, const char *name, int32_t n, const int32_t *v);

/* layout_ops.c: @op of the old graph, for any order of its inputs. */
void layout_op(struct layout *l, struct op *op);
/* Works in any order: what a transpose may pass on its way. */
bool layout_is_transparent(enum op_kind kind);

#endif
