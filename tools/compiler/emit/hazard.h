/* SPDX-License-Identifier: MIT */
/*
 * Who touched which bytes last: the source of wait tokens.
 *
 * Memory is seen in granules; of each the map knows the last command that wrote
 * it and the last one of each engine that has read it since. Granules make the
 * order stricter than bytes would, never laxer.
 */
#ifndef ENPU_HAZARD_H
#define ENPU_HAZARD_H

#include <stdint.h>

#include <enpu/cmd.h>

#include "../arena.h"

struct hazard_granule {
	uint32_t written;		/* number of the command of @writer that wrote; 0: none */
	uint32_t read[ENPU_NUM_ENGINES];	/* the same for readers since */
	uint8_t writer;
};

struct hazard_map {
	struct hazard_granule *granules;
	uint64_t count, granule_bytes;
};

void hazard_init(struct hazard_map *map, struct arena *arena, uint64_t bytes);

/* The engine's command number @ordinal (from 1) reads [start, end): raises @wait. */
void hazard_read(struct hazard_map *map, uint64_t start, uint64_t end, unsigned int engine,
		 uint32_t ordinal, __u32 wait[ENPU_NUM_ENGINES]);
void hazard_write(struct hazard_map *map, uint64_t start, uint64_t end, unsigned int engine,
		  uint32_t ordinal, __u32 wait[ENPU_NUM_ENGINES]);

#endif
