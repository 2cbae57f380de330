/* SPDX-License-Identifier: MIT */
/*
 * What the commands of the vector unit have in common: rows as 32-bit values
 * in pieces, and the cost of its lanes.
 */
#ifndef ENPU_DEVICE_VECTOR_H
#define ENPU_DEVICE_VECTOR_H

#include "command.h"

/* Cycles for work element operations; an element of n bytes takes n lanes */
static inline uint64_t enpu_vector_cycles(const struct enpu_exec *x, const struct enpu_tile *tile,
					  uint64_t work)
{
	return enpu_div_up(work * enpu_types[tile->dtype].size,
			   enpu_cost_vector_lanes(x->config));
}

/*
 * Call piece for all pieces of tile's rows, polling between them; arg is its own.
 * count columns of a row from col on.
 */
int enpu_for_pieces(struct enpu_exec *x, const struct enpu_tile *tile,
		    int (*piece)(struct enpu_exec *x, void *arg, uint32_t row, uint32_t col,
				 uint32_t count), void *arg);

/* Buffers for a piece's values; NULL: no memory */
int32_t *enpu_piece_values(struct enpu_exec *x, enum enpu_scratch which);

#endif
