// SPDX-License-Identifier: MIT
/* Places in SRAM: see sram.h. */
#include "sram.h"

#define ALIGNMENT	64

static int64_t align_up(int64_t n)
{
	return (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static bool meet(const struct piece *a, const struct piece *b)
{
	return a->first <= b->last && b->first <= a->last;
}

static void insert(struct sram *sram, struct piece *piece)
{
	size_t at;

	arena_push(sram->arena, sram->placed, sram->n_placed);
	for (at = sram->n_placed - 1; at; at--) {
		if (sram->placed[at - 1]->object.offset <= piece->object.offset)
			break;
		sram->placed[at] = sram->placed[at - 1];
	}
	sram->placed[at] = piece;
}

bool sram_place(struct sram *sram, struct piece *piece)
{
	int64_t offset = 0, end;

	for (size_t i = 0; i < sram->n_placed; i++) {
		const struct piece *other = sram->placed[i];

		if (!meet(piece, other))
			continue;
		if (offset + piece->object.bytes <= other->object.offset)
			break;
		end = align_up(other->object.offset + other->object.bytes);
		if (end > offset)
			offset = end;
	}
	if (offset + piece->object.bytes > sram->bytes)
		return false;
	piece->object.region = ENPU_REGION_SRAM;
	piece->object.offset = offset;
	piece->placed = true;
	insert(sram, piece);
	if (offset + piece->object.bytes > sram->peak)
		sram->peak = offset + piece->object.bytes;
	return true;
}
