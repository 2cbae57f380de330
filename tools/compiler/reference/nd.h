/* SPDX-License-Identifier: MIT */
/*
 * Arrays of any rank that are walked together: the same dimensions, each array with its
 * own strides. What broadcasts has strides of 0, what is reversed negative ones.
 */
#ifndef ENPU_REFERENCE_ND_H
#define ENPU_REFERENCE_ND_H

#include <stddef.h>
#include <stdint.h>

#include "../ir/graph.h"

#define ND_RANK		8
#define ND_ARRAYS	4

struct nd {
	int rank, arrays;
	int64_t dims[ND_RANK];
	int64_t strides[ND_ARRAYS][ND_RANK];	/* in elements */
};

/*
 * Calls @row for every row of the last dimension, of @n elements: @at says where each
 * array's row starts and @step how far its elements are apart. Dimensions that can be one
 * are, so that rows are long.
 */
typedef void (*nd_row)(void *arg, int64_t n, const int64_t *at, const int64_t *step);
void nd_walk(const struct nd *nd, nd_row row, void *arg);

/* Strides of dense arrays. */
void nd_dense(int rank, const int32_t *dims, int64_t *strides);
/* Of @t seen as an array with @rank dimensions @dims: 0 where it broadcasts. */
void nd_broadcast(const struct tensor *t, int rank, const int32_t *dims, int64_t *strides);
bool nd_broadcasts(const struct tensor *t, int rank, const int32_t *dims);

/* Elements of @size bytes from array 1 to array 0, which start at @from and @to. */
void nd_copy(const struct nd *nd, void *to, const void *from, size_t size);
/* @rank dimensions @dims for arrays 0 and 1. */
struct nd nd_pair(int rank, const int32_t *dims, const int64_t *to, const int64_t *from);

#endif
