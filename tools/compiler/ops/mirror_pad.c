// SPDX-License-Identifier: MIT
/*
 * MIRROR_PAD: every dimension falls into runs, of which the middle one lies as in the
 * input and the others are one element each, from the input's inside. What is copied is
 * the product of all dimensions' runs.
 */
#include <string.h>

#include "operator.h"

#define MAX_COPIES	4096

struct runs {
	int32_t before, middle, after;
	int32_t edge;			/* 1: the edge itself is not repeated */
};

static struct runs runs_of(const struct op *op, int d)
{
	return (struct runs) {
		tensor_int(op->inputs[1], 2 * d), op->inputs[0]->dims[d],
		tensor_int(op->inputs[1], 2 * d + 1), !op->attrs.symmetric,
	};
}

const char *check_mirror_pad(struct graph *g, struct op *op)
{
	const struct tensor *in = op->inputs[0], *pads = op->inputs[1], *out = op->outputs[0];
	const char *reason = check_8bit(g, in, "input");
	int64_t copies = 1;
	int32_t dims[MAX_RANK];

	if (!reason)
		reason = check_8bit(g, out, "output");
	if (!reason)
		reason = check_same_quant(g, in, out);
	if (!reason)
		reason = check_constant_ints(g, pads, "the paddings", 2 * in->rank);
	if (reason)
		return reason;
	for (int d = 0; d < in->rank; d++) {
		int64_t before = tensor_int(pads, 2 * d), after = tensor_int(pads, 2 * d + 1);
		int64_t most = in->dims[d] - !op->attrs.symmetric;

		if (before < 0 || after < 0 || before > most || after > most)
			return arena_printf(g->arena, "paddings %lld and %lld of dimension %d: 0 to %lld is supported",
					    (long long)before, (long long)after, d,
					    (long long)most);
		dims[d] = in->dims[d] + before + after;
		copies *= before + after + 1;
		if (copies > MAX_COPIES)
			return arena_printf(g->arena, "the paddings take more than %d copies",
					    MAX_COPIES);
	}
	return check_shape(g, out, in->rank, dims);
}

/* All runs of dimension @d, then of those within. */
static void copy_runs(struct program *p, const struct op *op, int d, struct view from,
		      struct view to, int32_t *dims)
{
	const struct tensor *in = op->inputs[0];
	struct runs r;

	if (d == in->rank) {
		lower_move(p, op, &from, &to, in->rank, dims);
		return;
	}
	r = runs_of(op, d);
	for (int32_t i = -r.before; i < r.middle + r.after;) {
		int32_t at = i < 0 ? -i - 1 + r.edge : i < r.middle ? 0 :
			     2 * r.middle - 1 - i - r.edge;
		struct view part = from, place = to;

		dims[d] = i ? 1 : r.middle;
		part.offset += at * from.strides[d];
		place.offset += (i + r.before) * to.strides[d];
		copy_runs(p, op, d + 1, part, place, dims);
		i += dims[d];
	}
}

void lower_mirror_pad(struct program *p, const struct op *op)
{
	int32_t dims[MAX_RANK];

	copy_runs(p, op, 0, p->views[op->inputs[0]->index], p->views[op->outputs[0]->index], dims);
}
