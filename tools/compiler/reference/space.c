// SPDX-License-Identifier: MIT
/* Moves between batch, rows, columns and channels; tiles, reversed and mirrored tensors. */
#include <string.h>

#include "kernel.h"
#include "nd.h"

static size_t element_size(const struct tensor *t)
{
	return dtype_bits(t->type) / 8;
}

static const char *check_kinds(const struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];

	if (in->type != out->type)
		return "input and output are of different types";
	return in->rank == out->rank ? NULL : "input and output have different ranks";
}

/* DEPTH_TO_SPACE and SPACE_TO_DEPTH: @small has the channels, @large the rows and columns. */
static const char *check_blocks(const struct tensor *small, const struct tensor *large,
				int64_t block)
{
	if (small->rank != 4)
		return "input and output must have 4 dimensions";
	if (block < 1 || block > 65536 || large->dims[0] != small->dims[0] ||
	    large->dims[1] != small->dims[1] * block || large->dims[2] != small->dims[2] * block ||
	    small->dims[3] != large->dims[3] * block * block)
		return "the shapes do not fit the blocks";
	return NULL;
}

const char *check_depth_space(const struct op *op)
{
	bool deepens = op->kind == OP_SPACE_TO_DEPTH;
	const char *reason = check_kinds(op);

	return reason ? reason : check_blocks(deepens ? op->outputs[0] : op->inputs[0],
					      deepens ? op->inputs[0] : op->outputs[0],
					      op->attrs.block_size);
}

int run_depth_space(const struct call *c)
{
	bool deepens = c->op->kind == OP_SPACE_TO_DEPTH;
	const struct tensor *small = deepens ? c->op->outputs[0] : c->op->inputs[0];
	const struct tensor *large = deepens ? c->op->inputs[0] : c->op->outputs[0];
	int32_t b = c->op->attrs.block_size;
	/* rows, rows in a block, columns, columns in a block, channels */
	int32_t dims[] = { small->dims[0] * small->dims[1], b, small->dims[2], b, large->dims[3] };
	int64_t row = (int64_t)large->dims[2] * large->dims[3];
	int64_t small_strides[] = { (int64_t)small->dims[2] * small->dims[3],
				    (int64_t)b * large->dims[3], small->dims[3], large->dims[3],
				    1 };
	int64_t large_strides[] = { b * row, row, (int64_t)b * large->dims[3], large->dims[3], 1 };
	struct nd nd = nd_pair(5, dims, deepens ? small_strides : large_strides,
			       deepens ? large_strides : small_strides);

	nd_copy(&nd, c->out[0], c->in[0], element_size(small));
	return 0;
}

/*
 * SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND: @space has the large rows and columns, without the
 * paddings or crops around them; @batch has the blocks in its batch.
 */
struct blocks {
	const struct tensor *space, *batch;
	int n;				/* dimensions with blocks: 1 to n */
	int64_t block[MAX_RANK], before[MAX_RANK];
};

static const char *plan_blocks(const struct op *op, struct blocks *b)
{
	bool to_batch = op->kind == OP_SPACE_TO_BATCH_ND;
	const char *reason = check_kinds(op);
	int64_t blocks = 1;

	if (reason)
		return reason;
	b->space = to_batch ? op->inputs[0] : op->outputs[0];
	b->batch = to_batch ? op->outputs[0] : op->inputs[0];
	b->n = op->inputs[1]->rank == 1 ? op->inputs[1]->dims[0] : 0;
	if (b->n < 1 || b->n >= b->space->rank)
		return "there must be a block for each dimension between batch and channels";
	reason = check_ints(op, 1, b->n);
	if (!reason)
		reason = check_ints(op, 2, 2 * b->n);
	for (int i = 0; i < b->n && !reason; i++) {
		int64_t after = tensor_int(op->inputs[2], 2 * i + 1);

		b->block[i] = tensor_int(op->inputs[1], i);
		b->before[i] = tensor_int(op->inputs[2], 2 * i);
		if (b->block[i] < 1 || b->block[i] > 65536 || b->before[i] < 0 || after < 0 ||
		    b->before[i] > INT32_MAX || after > INT32_MAX ||
		    b->space->dims[1 + i] + b->before[i] + after !=
		    b->batch->dims[1 + i] * b->block[i])
			reason = "the shapes do not fit the blocks";
		blocks *= b->block[i];
		if (blocks > INT32_MAX)
			reason = "the blocks are too large";
	}
	for (int d = b->n + 1; d < b->space->rank && !reason; d++)
		if (b->space->dims[d] != b->batch->dims[d])
			reason = "the shapes do not fit the blocks";
	if (!reason && b->batch->dims[0] != b->space->dims[0] * blocks)
		reason = "the shapes do not fit the blocks";
	return reason;
}

const char *check_batch_space(const struct op *op)
{
	struct blocks b;

	return plan_blocks(op, &b);
}

/* One place in the blocks: every block-th element of the space, from @offset on. */
static void move_place(const struct call *c, const struct blocks *b, const int64_t *offset,
		       int64_t place)
{
	int64_t space[MAX_RANK], batch[MAX_RANK], space_at = 0, batch_at;
	bool to_batch = c->op->kind == OP_SPACE_TO_BATCH_ND;
	int64_t size = (int64_t)element_size(b->space);
	int32_t dims[MAX_RANK];
	struct nd nd;

	nd_dense(b->space->rank, b->space->dims, space);
	nd_dense(b->batch->rank, b->batch->dims, batch);
	memcpy(dims, b->space->dims, sizeof(dims));
	batch_at = place * b->space->dims[0] * batch[0];
	for (int i = 0; i < b->n; i++) {
		/* the first element of this place that is no padding, and how many there are */
		int64_t first = offset[i] >= b->before[i] ? 0 :
				(b->before[i] - offset[i] + b->block[i] - 1) / b->block[i];
		int64_t at = first * b->block[i] + offset[i] - b->before[i];
		int64_t n = (b->space->dims[1 + i] - at + b->block[i] - 1) / b->block[i];

		if (at >= b->space->dims[1 + i])
			return;
		dims[1 + i] = n;
		space_at += at * space[1 + i];
		batch_at += first * batch[1 + i];
		space[1 + i] *= b->block[i];
	}
	nd = nd_pair(b->space->rank, dims, to_batch ? batch : space, to_batch ? space : batch);
	nd_copy(&nd, (char *)c->out[0] + (to_batch ? batch_at : space_at) * size,
		(const char *)c->in[0] + (to_batch ? space_at : batch_at) * size, size);
}

int run_batch_space(const struct call *c)
{
	int64_t offset[MAX_RANK] = { 0 }, place = 0;
	struct blocks b;
	int i;

	plan_blocks(c->op, &b);
	memset(c->out[0], 0, tensor_bytes(c->op->outputs[0]));
	do {
		move_place(c, &b, offset, place++);
		for (i = b.n - 1; i >= 0 && ++offset[i] == b.block[i]; i--)
			offset[i] = 0;
	} while (i >= 0);
	return 0;
}

const char *check_tiled(const struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	const char *reason = check_kinds(op);

	if (!reason)
		reason = check_ints(op, 1, in->rank);
	for (int d = 0; d < in->rank && !reason; d++) {
		int64_t times = tensor_int(op->inputs[1], d);

		if (times < 0 || times > INT32_MAX || in->dims[d] * times != out->dims[d])
			reason = "the output has another shape than the multiples give";
	}
	return reason;
}

/* From the last dimension on, what is there is repeated: the output grows in its place. */
int run_tiled(const struct call *c)
{
	const struct tensor *in = c->op->inputs[0], *out = c->op->outputs[0];
	int64_t inner = (int64_t)element_size(in), rows = tensor_elements(in);
	char *to = c->out[0];

	if (!tensor_elements(out))
		return 0;
	memcpy(to, c->in[0], tensor_bytes(in));
	for (int d = in->rank - 1; d >= 0; d--) {
		int64_t times = tensor_int(c->op->inputs[1], d);

		inner *= in->dims[d];
		rows /= in->dims[d];
		for (int64_t row = rows; row-- > 0;)
			for (int64_t i = times; i-- > 0;)
				memmove(to + (row * times + i) * inner, to + row * inner, inner);
		inner *= times;
	}
	return 0;
}

const char *check_reversed(const struct op *op)
{
	const struct tensor *axes = op->inputs[1];
	const char *reason = check_ints(op, 1, tensor_elements(axes));

	if (!reason)
		reason = check_like_input(op);
	for (int64_t i = 0; !reason && i < tensor_elements(axes); i++)
		if (find_axis(tensor_int(axes, i), op->inputs[0]->rank) < 0)
			reason = "there is no such axis";
	return reason;
}

int run_reversed(const struct call *c)
{
	const struct tensor *in = c->op->inputs[0], *axes = c->op->inputs[1];
	int64_t dense[MAX_RANK], at = 0, size = (int64_t)element_size(in);
	bool reversed[MAX_RANK] = { false };
	struct nd nd;

	if (!tensor_elements(in))
		return 0;
	nd_dense(in->rank, in->dims, dense);
	nd = nd_pair(in->rank, in->dims, dense, dense);
	for (int64_t i = 0; i < tensor_elements(axes); i++)
		reversed[find_axis(tensor_int(axes, i), in->rank)] = true;
	for (int d = 0; d < in->rank; d++) {
		if (!reversed[d])
			continue;
		at += (in->dims[d] - 1) * dense[d];
		nd.strides[1][d] = -dense[d];
	}
	nd_copy(&nd, c->out[0], (const char *)c->in[0] + at * size, size);
	return 0;
}

const char *check_mirrored(const struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	const char *reason = check_kinds(op);

	if (!reason)
		reason = check_ints(op, 1, 2 * in->rank);
	for (int d = 0; d < in->rank && !reason; d++) {
		int64_t before = tensor_int(op->inputs[1], 2 * d);
		int64_t after = tensor_int(op->inputs[1], 2 * d + 1);
		int64_t most = op->attrs.symmetric ? in->dims[d] : in->dims[d] - 1;

		if (before < 0 || before > most || after < 0 || after > most)
			reason = "a padding is larger than what it mirrors";
		else if (in->dims[d] + before + after != out->dims[d])
			reason = "the output has another shape than the paddings give";
	}
	return reason;
}

/* The input's position behind position @i of the output. */
static int64_t mirror(int64_t i, int64_t before, int64_t size, bool symmetric)
{
	i -= before;
	if (i < 0)
		return -i - symmetric;
	return i < size ? i : 2 * size - 2 - i + symmetric;
}

int run_mirrored(const struct call *c)
{
	const struct tensor *in = c->op->inputs[0], *out = c->op->outputs[0];
	int64_t n = tensor_elements(out), size = (int64_t)element_size(in), dense[MAX_RANK];

	nd_dense(in->rank, in->dims, dense);
	for (int64_t i = 0; i < n; i++) {
		int64_t left = i, from = 0;

		for (int d = out->rank - 1; d >= 0; d--) {
			from += dense[d] * mirror(left % out->dims[d],
						  tensor_int(c->op->inputs[1], 2 * d),
						  in->dims[d], c->op->attrs.symmetric);
			left /= out->dims[d];
		}
		memcpy((char *)c->out[0] + i * size, (const char *)c->in[0] + from * size, size);
	}
	return 0;
}
