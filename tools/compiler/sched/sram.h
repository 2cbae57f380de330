/* SPDX-License-Identifier: MIT */
/*
 * Places in SRAM. Time is counted in units of the schedule; a piece is a rectangle
 * of bytes and units, and no two rectangles may overlap.
 */
#ifndef ENPU_SRAM_H
#define ENPU_SRAM_H

#include "schedule.h"

struct piece {
	struct object object;
	size_t first, last;		/* units, inclusive */
	bool placed;
};

struct sram {
	struct arena *arena;
	int64_t bytes;
	struct piece **placed;		/* by offset */
	size_t n_placed;
	int64_t peak;
};

/* The lowest place that is free all the time; false: there is none. */
bool sram_place(struct sram *sram, struct piece *piece);

#endif
