/* SPDX-License-Identifier: MIT */
/*
 * One step on its way from plan to tasks: what the parts of the scheduler share.
 *
 * The plan's segments become units, in order: a cascade, a layer, or a part of a
 * layer's output channels, so that weights can be on their way while others
 * compute. A load brings weights of one unit to SRAM.
 */
#ifndef ENPU_STEP_H
#define ENPU_STEP_H

#include "plan.h"
#include "sram.h"

struct load {
	struct piece piece;		/* from the unit of issue to the one that needs it */
	const struct buffer *buffer;	/* constant */
	int64_t offset;			/* in the buffer */
	size_t layer;
	bool is_params;			/* channel parameters, else weights */
	bool essential;			/* of a cascade: it cannot do without */
	uint64_t begin, end;		/* on the DRAM port, if placed: estimate, in cycles */
};

struct unit {
	size_t segment;
	struct part part;		/* of a layer that is no cascade */
	size_t first_load, end_load;
	uint64_t cycles;		/* on its engine */
	uint64_t dram_cycles;		/* of the DRAM port, for itself */
	/* Estimate, in cycles of the step: it may start, its loads are there, it is done. */
	uint64_t start, ready, end;
	uint64_t dram_begin, dram_end;	/* its own traffic */
};

struct builder {
	struct schedule *s;
	struct step *step;
	struct tuning tuning;
	struct plan plan;
	struct sram sram;
	struct piece *residents;	/* by buffer index */
	struct unit *units;
	size_t n_units;
	struct load *loads;
	size_t n_loads;
	struct cascade **cascades;	/* by segment; NULL: one layer */
	uint64_t cycles;		/* estimate */
	uint64_t *layer_cycles;		/* of each layer of the step */
	struct cost *layer_costs;	/* the same apart; without the loads */
};

/* units.c: segments to units with loads; nothing is placed yet. */
void make_units(struct builder *b);
/* loads.c: buffers and windows to SRAM, then loads. False: it does not fit. */
bool place_all(struct builder *b);
/* generate.c: the tasks of all units. */
void generate_tasks(struct builder *b);

static inline const struct layer *layer_at(const struct builder *b, size_t i)
{
	return &b->s->program->layers[i];
}

#endif
