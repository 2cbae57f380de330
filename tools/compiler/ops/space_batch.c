// SPDX-License-Identifier: MIT
/*
 * SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND of images: image (y * bw + x) * n + i of the
 * batch has the rows y, y + bh, ... and the columns x, x + bw, ... of the padded image i.
 */
#include <string.h>

#include "operator.h"

enum { IMAGE, BLOCKS, MARGINS };

struct blocking {
	int32_t block[2];		/* rows, columns */
	int32_t before[2], after[2];	/* margins */
};

/* @wide: the images, @deep: the larger batch of smaller ones */
static const char *read_blocking(struct graph *g, const struct op *op, const struct tensor *wide,
				 const struct tensor *deep, struct blocking *b)
{
	const char *reason = check_8bit(g, wide, "input");

	if (!reason)
		reason = check_8bit(g, deep, "output");
	if (!reason)
		reason = check_same_quant(g, wide, deep);
	if (!reason)
		reason = check_constant_ints(g, op->inputs[BLOCKS], "the blocks", 2);
	if (!reason)
		reason = check_constant_ints(g, op->inputs[MARGINS], "the paddings", 4);
	if (reason)
		return reason;
	if (wide->rank != 4 || deep->rank != 4)
		return "input and output must have 4 dimensions";
	for (int d = 0; d < 2; d++) {
		int64_t block = tensor_int(op->inputs[BLOCKS], d);
		int64_t before = tensor_int(op->inputs[MARGINS], 2 * d);
		int64_t after = tensor_int(op->inputs[MARGINS], 2 * d + 1);

		if (block < 1 || block > 64)
			return arena_printf(g->arena, "a block of %lld: 1 to 64 is supported",
					    (long long)block);
		if (before < 0 || after < 0 || before > 32767 || after > 32767)
			return arena_printf(g->arena, "paddings %lld and %lld: 0 to 32767 is supported",
					    (long long)before, (long long)after);
		if (wide->dims[1 + d] + before + after != deep->dims[1 + d] * block)
			return "the shapes do not fit blocks and paddings";
		b->block[d] = block;
		b->before[d] = before;
		b->after[d] = after;
	}
	if (deep->dims[0] != (int64_t)wide->dims[0] * b->block[0] * b->block[1] ||
	    deep->dims[3] != wide->dims[3])
		return "the shapes do not fit the blocks";
	return NULL;
}

const char *check_space_to_batch(struct graph *g, struct op *op)
{
	struct blocking b;

	return read_blocking(g, op, op->inputs[IMAGE], op->outputs[0], &b);
}

const char *check_batch_to_space(struct graph *g, struct op *op)
{
	struct blocking b;

	return read_blocking(g, op, op->outputs[0], op->inputs[IMAGE], &b);
}

/* The part of a small image that comes from, or goes to, the large one. */
struct part {
	struct view wide, deep;		/* of the first of them, and of all of the small image */
	int32_t dims[MAX_RANK], before[MAX_RANK], outer[MAX_RANK];
	bool empty;
};

static struct part find_part(const struct program *p, const struct tensor *wide,
			     const struct tensor *deep, const struct blocking *b,
			     const int32_t *phase)
{
	struct part part = { .wide = p->views[wide->index], .deep = p->views[deep->index] };

	memcpy(part.outer, deep->dims, sizeof(part.outer));
	memcpy(part.dims, deep->dims, sizeof(part.dims));
	part.outer[0] = wide->dims[0];
	part.dims[0] = wide->dims[0];
	part.deep.offset += part.deep.strides[0] * wide->dims[0] *
			    (phase[0] * b->block[1] + phase[1]);
	for (int d = 0; d < 2; d++) {
		int32_t block = b->block[d], shift = b->before[d] - phase[d];
		int32_t first = shift > 0 ? (shift + block - 1) / block : 0;
		int32_t last = wide->dims[1 + d] - 1 + shift;

		part.before[1 + d] = first;
		part.dims[1 + d] = last < first * block ? 0 : last / block - first + 1;
		part.empty |= !part.dims[1 + d];
		part.wide.offset += part.wide.strides[1 + d] * (first * block - shift);
		part.wide.strides[1 + d] *= block;
	}
	return part;
}

static void lower_small(struct program *p, const struct op *op, const struct part *part)
{
	uint8_t value = (uint8_t)op->outputs[0]->quant.zero_point[0];

	if (part->empty)
		lower_fill(p, op, value, &part->deep, 4, part->outer);
	else
		lower_padded(p, op, &part->wide, &part->deep, 4, part->dims, part->before,
			     part->outer, value);
}

static void lower_large(struct program *p, const struct op *op, const struct part *part)
{
	struct view from = sub_view(&part->deep, 4, part->before);

	if (!part->empty)
		lower_move(p, op, &from, &part->wide, 4, part->dims);
}

static void lower_parts(struct program *p, const struct op *op, const struct tensor *wide,
			const struct tensor *deep, bool to_small)
{
	struct blocking b;

	read_blocking(NULL, op, wide, deep, &b);
	for (int32_t i = 0; i < b.block[0] * b.block[1]; i++) {
		const int32_t phase[2] = { i / b.block[1], i % b.block[1] };
		struct part part = find_part(p, wide, deep, &b, phase);

		if (to_small)
			lower_small(p, op, &part);
		else
			lower_large(p, op, &part);
	}
}

void lower_space_to_batch(struct program *p, const struct op *op)
{
	lower_parts(p, op, op->inputs[IMAGE], op->outputs[0], true);
}

void lower_batch_to_space(struct program *p, const struct op *op)
{
	lower_parts(p, op, op->outputs[0], op->inputs[IMAGE], false);
}
