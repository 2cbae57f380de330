/* SPDX-License-Identifier: MIT */
/*
 * The plan of a step: which layers run together as cascades, which one by one,
 * and which buffers live in SRAM as a whole.
 */
#ifndef ENPU_PLAN_H
#define ENPU_PLAN_H

#include "cascade.h"
#include "cost.h"

/* Layers [first, end): a cascade with strips of @strip rows, or one layer (strip 0). */
struct segment {
	size_t first, end;
	uint32_t strip;
};

/* Who uses a buffer, in layers of one step. */
struct use {
	size_t first, last;		/* layers */
	bool elsewhere;			/* another step uses it too */
};

/* What plans are made with; several are tried. */
struct tuning {
	unsigned int budget;		/* percent of the SRAM */
	unsigned int traffic_share;	/* of its time, for DRAM traffic while the port is free */
	unsigned int input_share;	/* of a part's time, for reading the input anew */
};

struct plan {
	struct segment *segments;
	size_t n_segments;
	bool *resident;			/* by buffer index: whole, in SRAM */
	struct use *uses;		/* by buffer index */
	unsigned int *readers, *writers;	/* operands of layers, by buffer index */
};

/* The best plan found that needs at most its budget of SRAM at any time. */
void plan_step(const struct schedule *s, const struct step *step, const struct tuning *tuning,
	       struct plan *plan);

struct locations layer_locations(const struct plan *plan, const struct layer *l);

#endif
