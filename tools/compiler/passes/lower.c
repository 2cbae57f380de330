// SPDX-License-Identifier: MIT
/* Operators to layers and CPU steps, within the limits of commands. */
#include <errno.h>

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
	diag_add(p->diag, ENPU_ERROR, l->op->index,
		 "%s: operator %d (%s): sides of feature maps are limited to %d: %s",
		 p->graph->file, l->op->index, l->op->name, ENPU_MAX_SIDE,
		 op_shapes_text(p->arena, l->op));
	return -EOPNOTSUPP;
}

int lower_operators(struct program *p)
{
	const struct graph *g = p->graph;
	int err = 0;

	for (unsigned int i = 0; i < g->n_ops; i++) {
		size_t first = p->n_layers;

		if (p->folded[i])
			continue;
		operator_type(g->ops[i].kind)->lower(p, &g->ops[i]);
		for (size_t l = first; l < p->n_layers; l++) {
			p->layers[l].step = p->n_cpu_steps;
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
	return err;
}
