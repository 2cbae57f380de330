// SPDX-License-Identifier: MIT
/* Operators to layers and CPU steps, within the limits of commands. */
#include <errno.h>
#include <string.h>

#include "../ops/operator.h"
#include "passes.h"

#define MAX_LAYERS	65536

static bool fits(const struct fm *fm)
{
	return fm->height <= ENPU_MAX_SIDE && fm->width <= ENPU_MAX_SIDE &&
	       fm->channels <= ENPU_MAX_SIDE;
}

static int check_limits(const struct program *p, const struct layer *l)
{
	bool fine = fits(&l->in[0]) && fits(&l->in[1]) && fits(&l->out);

	if (fine)
		return 0;
	diag_add(p->diag, ENPU_ERROR, l->op->source,
		 "%s: %s: sides of feature maps are limited to %d: %s", p->graph->file,
		 op_text(p->arena, l->op), ENPU_MAX_SIDE, op_shapes_text(p->arena, l->op));
	return -EOPNOTSUPP;
}

static bool writes_to(const struct layer *l, const struct buffer *b)
{
	return b && l->out.buffer == b;
}

/*
 * Parts of concatenations are made as soon as their input is there, not when the
 * last one is: that frees the input, and the vector engine works beside the others.
 * Every byte is written once, so a layer may go wherever its inputs are complete.
 */
static void hoist_layer(struct program *p, size_t first, size_t from)
{
	struct layer moved = p->layers[from];
	size_t to = from;

	while (to > first && !writes_to(&p->layers[to - 1], moved.in[0].buffer) &&
	       !writes_to(&p->layers[to - 1], moved.in[1].buffer))
		to--;
	memmove(&p->layers[to + 1], &p->layers[to], (from - to) * sizeof(moved));
	p->layers[to] = moved;
}

static void hoist_parts(struct program *p)
{
	size_t first = 0;

	for (size_t i = 0; i < p->n_layers; i++) {
		const struct layer *l = &p->layers[i];

		if (i && l->step != p->layers[i - 1].step)
			first = i;
		if (l->op->kind == OP_CONCATENATION)
			hoist_layer(p, first, i);
	}
}

int lower_operators(struct program *p)
{
	const struct graph *g = p->graph;
	int err = 0;

	for (unsigned int i = 0; i < g->n_ops; i++) {
		size_t first = p->n_layers, step = p->n_cpu_steps;

		if (p->folded[i])
			continue;
		if (is_real(&g->ops[i]))
			lower_real(p, &g->ops[i]);
		else
			operator_type(g->ops[i].kind)->lower(p, &g->ops[i]);
		for (size_t l = first; l < p->n_layers; l++) {
			p->layers[l].step = step;	/* before its own CPU step, if any */
			if (check_limits(p, &p->layers[l])) {
				err = -EOPNOTSUPP;
				break;
			}
		}
		if (p->n_layers > MAX_LAYERS) {
			diag_error(p->diag, "%s: the model needs more than %d layers", g->file,
				   MAX_LAYERS);
			return -EFBIG;
		}
	}
	hoist_parts(p);
	return err;
}
