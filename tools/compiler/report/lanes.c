// SPDX-License-Identifier: MIT
/*
 * The structure of the graph as lanes beside the list of operators, as tools for version
 * control draw branches: a tensor has a lane from the operator that makes it to the last
 * one that reads it. This takes time and space in proportion to the operators, whatever
 * the graph looks like.
 */
#include <stdlib.h>
#include <string.h>

#include "report.h"

#define ROW_HEIGHT	40
#define LANE_WIDTH	14
#define MAX_LANES	24		/* others are not drawn */

struct lanes {
	struct enpu_report *r;
	const struct program *p;
	const struct tensor *lane[MAX_LANES];	/* what flows there */
	int *lane_of;			/* by tensor; -1: none */
	unsigned int *readers;		/* still to come, by tensor */
	unsigned int most;
	char *path;			/* of the current row */
};

static double center(int lane)
{
	return LANE_WIDTH / 2.0 + LANE_WIDTH * lane;
}

static void line(struct lanes *l, double x0, double y0, double x1, double y1)
{
	double bend = (y0 + y1) / 2;

	if (x0 == x1)
		l->path = arena_printf(&l->r->arena, "%sM%g %gV%g", l->path, x0, y0, y1);
	else
		l->path = arena_printf(&l->r->arena, "%sM%g %gC%g %g %g %g %g %g", l->path, x0, y0,
				       x0, bend, x1, bend, x1, y1);
}

static int free_lane(const struct lanes *l)
{
	for (int i = 0; i < MAX_LANES; i++)
		if (!l->lane[i])
			return i;
	return -1;
}

static int take_lane(struct lanes *l, const struct tensor *t)
{
	int lane = free_lane(l);

	if (lane < 0) {
		l->r->lanes_cut = true;
		return -1;
	}
	l->lane[lane] = t;
	l->lane_of[t->index] = lane;
	if ((unsigned int)lane + 1 > l->most)
		l->most = lane + 1;
	return lane;
}

/* Where the operator's dot is: in a lane that ends here, or in a new one. */
static int dot_lane(const struct lanes *l, struct tensor *const *inputs, unsigned int n)
{
	int lane = -1;

	for (unsigned int i = 0; i < n; i++) {
		int from = inputs[i] ? l->lane_of[inputs[i]->index] : -1;

		if (from >= 0 && !l->readers[inputs[i]->index] && (lane < 0 || from < lane))
			lane = from;
	}
	if (lane < 0)
		lane = free_lane(l);
	return lane < 0 ? MAX_LANES - 1 : lane;
}

static void draw_row(struct lanes *l, struct report_op *row, struct tensor *const *inputs,
		     unsigned int n_inputs, struct tensor *const *outputs, unsigned int n_outputs)
{
	bool drawn[MAX_LANES] = { false };
	double x;
	int dot;

	l->path = arena_printf(&l->r->arena, "%s", "");
	for (unsigned int i = 0; i < n_inputs; i++)
		if (inputs[i] && l->readers[inputs[i]->index])
			l->readers[inputs[i]->index]--;
	dot = dot_lane(l, inputs, n_inputs);
	x = center(dot);
	if ((unsigned int)dot + 1 > l->most)
		l->most = dot + 1;
	for (unsigned int i = 0; i < n_inputs; i++) {
		int from = inputs[i] ? l->lane_of[inputs[i]->index] : -1;

		if (from >= 0 && !drawn[from])
			line(l, center(from), 0, x, ROW_HEIGHT / 2.0);
		if (from >= 0)
			drawn[from] = true;
	}
	for (int i = 0; i < MAX_LANES; i++) {
		if (l->lane[i] && !l->readers[l->lane[i]->index]) {
			l->lane_of[l->lane[i]->index] = -1;
			l->lane[i] = NULL;
		} else if (l->lane[i]) {
			line(l, center(i), 0, center(i), ROW_HEIGHT);
		}
	}
	for (unsigned int i = 0; i < n_outputs; i++) {
		bool own = !l->lane[dot];
		int lane;

		if (!l->readers[outputs[i]->index] || l->lane_of[outputs[i]->index] >= 0)
			continue;
		if (own) {
			l->lane[dot] = outputs[i];
			l->lane_of[outputs[i]->index] = dot;
		}
		lane = own ? dot : take_lane(l, outputs[i]);
		if (lane >= 0)
			line(l, x, ROW_HEIGHT / 2.0, center(lane), ROW_HEIGHT);
	}
	row->lines = l->path;
	row->dot = dot;
}

/*
 * An activation that became a clamp: by now its result is that of the operator before.
 * Gives what that one made at first, by operator.
 */
static struct tensor **made_before_folding(struct arena *arena, const struct program *p)
{
	const struct graph *g = p->graph;
	struct tensor **made = arena_new(arena, struct tensor *, g->n_ops);

	for (unsigned int i = 0; i < g->n_ops; i++) {
		const struct op *op = &g->ops[i], *into = p->folded_into[i];

		if (into && op->n_outputs && op->outputs[0] == into->outputs[0])
			made[into->index] = op->inputs[0];
	}
	return made;
}

void draw_lanes(struct enpu_report *r, const struct program *p, struct report_op *rows)
{
	const struct graph *g = p->graph;
	struct tensor **made = made_before_folding(&r->arena, p);
	size_t n = g->n_inputs + g->n_ops;
	struct report_op *next = rows;
	struct lanes l = { .r = r, .p = p, .lane_of = arena_new(&r->arena, int, g->n_tensors),
			   .readers = arena_new(&r->arena, unsigned int, g->n_tensors) };

	for (unsigned int i = 0; i < g->n_tensors; i++)
		l.lane_of[i] = -1;
	for (unsigned int i = 0; i < g->n_ops; i++)
		for (unsigned int k = 0; k < g->ops[i].n_inputs; k++)
			if (g->ops[i].inputs[k] && !g->ops[i].inputs[k]->data)
				l.readers[g->ops[i].inputs[k]->index]++;
	for (unsigned int i = 0; i < g->n_inputs; i++)
		draw_row(&l, next++, NULL, 0, &g->inputs[i], 1);
	for (unsigned int i = 0; i < g->n_ops; i++) {
		const struct op *op = &g->ops[i];

		draw_row(&l, next++, op->inputs, op->n_inputs, made[i] ? &made[i] : op->outputs,
			 made[i] ? 1 : op->n_outputs);
	}
	r->lanes_width = LANE_WIDTH * (l.most ? l.most : 1);
	for (size_t i = 0; i < n; i++)
		rows[i].dot = 100 * center(rows[i].dot) / r->lanes_width;
}
