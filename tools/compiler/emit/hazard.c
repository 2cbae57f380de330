// SPDX-License-Identifier: MIT
/* Who touched which bytes last: see hazard.h. */
#include "hazard.h"

#include <string.h>

#define SMALLEST_GRANULE	64
#define MOST_GRANULES		32768

void hazard_init(struct hazard_map *map, struct arena *arena, uint64_t bytes)
{
	map->granule_bytes = SMALLEST_GRANULE;
	while (bytes / map->granule_bytes >= MOST_GRANULES)
		map->granule_bytes *= 2;
	map->count = bytes / map->granule_bytes + 1;
	map->granules = arena_new(arena, struct hazard_granule, map->count);
}

/* An engine executes its own commands in order: it needs no token for them. */
static void wait_for(__u32 *wait, unsigned int engine, unsigned int other, uint32_t ordinal)
{
	if (other != engine && ordinal > wait[other])
		wait[other] = ordinal;
}

void hazard_read(struct hazard_map *map, uint64_t start, uint64_t end, unsigned int engine,
		 uint32_t ordinal, __u32 wait[ENPU_NUM_ENGINES])
{
	for (uint64_t i = start / map->granule_bytes; i * map->granule_bytes < end; i++) {
		struct hazard_granule *g = &map->granules[i];

		wait_for(wait, engine, g->writer, g->written);
		g->read[engine] = ordinal;
	}
}

void hazard_write(struct hazard_map *map, uint64_t start, uint64_t end, unsigned int engine,
		  uint32_t ordinal, __u32 wait[ENPU_NUM_ENGINES])
{
	for (uint64_t i = start / map->granule_bytes; i * map->granule_bytes < end; i++) {
		struct hazard_granule *g = &map->granules[i];

		wait_for(wait, engine, g->writer, g->written);
		for (unsigned int e = 0; e < ENPU_NUM_ENGINES; e++)
			wait_for(wait, engine, e, g->read[e]);
		memset(g->read, 0, sizeof(g->read));
		g->writer = engine;
		g->written = ordinal;
	}
}
