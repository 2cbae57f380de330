// SPDX-License-Identifier: MIT
/* Arrays of any rank: see nd.h. */
#include "nd.h"

#include <string.h>

/* Without dimensions of 1, and with those merged that all arrays walk in one stride. */
static void merge(struct nd *to, const struct nd *from)
{
	to->rank = 0;
	to->arrays = from->arrays;
	for (int d = 0; d < from->rank; d++) {
		int last = to->rank - 1;
		bool one = last >= 0;

		if (from->dims[d] == 1)
			continue;
		for (int a = 0; a < from->arrays && one; a++)
			one = to->strides[a][last] == from->dims[d] * from->strides[a][d];
		if (!one)
			last = to->rank++;
		to->dims[last] = one ? to->dims[last] * from->dims[d] : from->dims[d];
		for (int a = 0; a < from->arrays; a++)
			to->strides[a][last] = from->strides[a][d];
	}
}

void nd_walk(const struct nd *source, nd_row row, void *arg)
{
	int64_t index[ND_RANK] = { 0 }, at[ND_ARRAYS] = { 0 }, step[ND_ARRAYS] = { 0 };
	struct nd nd;
	int d;

	for (d = 0; d < source->rank; d++)
		if (!source->dims[d])
			return;
	merge(&nd, source);
	if (!nd.rank) {
		row(arg, 1, at, step);
		return;
	}
	for (int a = 0; a < nd.arrays; a++)
		step[a] = nd.strides[a][nd.rank - 1];
	do {
		row(arg, nd.dims[nd.rank - 1], at, step);
		for (d = nd.rank - 2; d >= 0; d--) {
			index[d]++;
			for (int a = 0; a < nd.arrays; a++)
				at[a] += nd.strides[a][d];
			if (index[d] < nd.dims[d])
				break;
			for (int a = 0; a < nd.arrays; a++)
				at[a] -= nd.dims[d] * nd.strides[a][d];
			index[d] = 0;
		}
	} while (d >= 0);
}

void nd_dense(int rank, const int32_t *dims, int64_t *strides)
{
	int64_t stride = 1;

	for (int d = rank - 1; d >= 0; d--) {
		strides[d] = stride;
		stride *= dims[d];
	}
}

void nd_broadcast(const struct tensor *t, int rank, const int32_t *dims, int64_t *strides)
{
	int before = rank - t->rank;

	memset(strides, 0, rank * sizeof(*strides));
	nd_dense(t->rank, t->dims, strides + before);
	for (int d = 0; d < t->rank; d++)
		if (t->dims[d] == 1)
			strides[before + d] = 0;
}

bool nd_broadcasts(const struct tensor *t, int rank, const int32_t *dims)
{
	if (t->rank > rank)
		return false;
	for (int d = 0; d < t->rank; d++)
		if (t->dims[d] != 1 && t->dims[d] != dims[rank - t->rank + d])
			return false;
	return true;
}

struct copy {
	char *to;
	const char *from;
	size_t size;
};

#define COPY_ROW(type)							\
	do {								\
		for (int64_t i = 0; i < n; i++)				\
			((type *)to)[i * step[0]] = ((const type *)from)[i * step[1]]; \
	} while (0)

static void copy_row(void *arg, int64_t n, const int64_t *at, const int64_t *step)
{
	const struct copy *c = arg;
	char *to = c->to + at[0] * (int64_t)c->size;
	const char *from = c->from + at[1] * (int64_t)c->size;

	if (step[0] == 1 && step[1] == 1)
		memcpy(to, from, n * c->size);
	else if (c->size == 8)
		COPY_ROW(uint64_t);
	else if (c->size == 4)
		COPY_ROW(uint32_t);
	else if (c->size == 2)
		COPY_ROW(uint16_t);
	else
		COPY_ROW(uint8_t);
}

void nd_copy(const struct nd *nd, void *to, const void *from, size_t size)
{
	struct copy c = { to, from, size };

	nd_walk(nd, copy_row, &c);
}

struct nd nd_pair(int rank, const int32_t *dims, const int64_t *to, const int64_t *from)
{
	struct nd nd = { .rank = rank, .arrays = 2 };

	for (int d = 0; d < rank; d++) {
		nd.dims[d] = dims[d];
		nd.strides[0][d] = to[d];
		nd.strides[1][d] = from[d];
	}
	return nd;
}
