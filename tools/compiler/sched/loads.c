// SPDX-License-Identifier: MIT
/*
 * Places in SRAM, and when weights are loaded. Buffers that stay and windows of
 * cascades come first, large ones before small ones. Then loads, in the order in
 * which they are needed: each is issued as late as the DRAM port allows without
 * keeping its unit waiting, or later, when there is no place for it until then.
 */
#include <stdlib.h>

#include "step.h"

/* Of a load, beside the transfer itself. */
#define LOAD_OVERHEAD_CYCLES	64

/* The first and the last unit of every layer of the step. */
struct spans {
	size_t *first, *last;
};

static struct spans layer_spans(const struct builder *b)
{
	size_t base = b->step->first_layer, layers = b->step->end_layer - base;
	struct arena *arena = b->s->program->arena;
	struct spans spans = { arena_new(arena, size_t, layers), arena_new(arena, size_t, layers) };

	for (size_t i = 0; i < b->n_units; i++) {
		const struct segment *seg = &b->plan.segments[b->units[i].segment];

		for (size_t l = seg->first; l < seg->end; l++) {
			if (!i || b->units[i - 1].segment != b->units[i].segment)
				spans.first[l - base] = i;
			spans.last[l - base] = i;
		}
	}
	return spans;
}

static int by_size(const void *x, const void *y)
{
	const struct piece *a = *(struct piece *const *)x, *b = *(struct piece *const *)y;

	if (a->object.bytes != b->object.bytes)
		return a->object.bytes > b->object.bytes ? -1 : 1;
	return a->first != b->first ? (a->first < b->first ? -1 : 1) : 0;
}

struct piece_list {
	struct piece **pieces;
	size_t n;
};

static void collect_residents(struct builder *b, struct piece_list *list)
{
	const struct program *p = b->s->program;
	struct spans spans = layer_spans(b);
	size_t base = b->step->first_layer;

	b->residents = arena_new(p->arena, struct piece, p->n_buffers);
	for (size_t i = 0; i < p->n_buffers; i++) {
		const struct use *use = &b->plan.uses[i];

		if (!b->plan.resident[i])
			continue;
		b->residents[i] = (struct piece) {
			.object = { .bytes = p->buffers[i]->bytes },
			.first = spans.first[use->first - base],
			.last = spans.last[use->last - base],
		};
		*arena_push(p->arena, list->pieces, list->n) = &b->residents[i];
	}
}

static void collect_windows(struct builder *b, struct piece_list *list)
{
	struct arena *arena = b->s->program->arena;

	for (size_t u = 0; u < b->n_units; u++) {
		struct cascade *c = b->cascades[b->units[u].segment];

		for (unsigned int i = 0; c && i < c->n_windows; i++) {
			struct window *w = &c->windows[i];
			struct piece *piece = arena_new(arena, struct piece, 1);

			piece->object.bytes = w->capacity * w->row_bytes;
			piece->first = u;
			piece->last = u;
			w->object = &piece->object;
			*arena_push(arena, list->pieces, list->n) = piece;
		}
	}
}

static bool place_list(struct builder *b, struct piece_list *list)
{
	if (list->n)
		qsort(list->pieces, list->n, sizeof(*list->pieces), by_size);
	for (size_t i = 0; i < list->n; i++)
		if (!sram_place(&b->sram, list->pieces[i]))
			return false;
	return true;
}

static uint64_t load_cycles(const struct builder *b, const struct load *load)
{
	return dram_cycles(b->s->machine, load->piece.object.bytes) + LOAD_OVERHEAD_CYCLES;
}

/* Cycles that unit @i leaves the DRAM port free. */
static uint64_t free_cycles(const struct builder *b, size_t i)
{
	const struct unit *u = &b->units[i];

	return u->cycles > u->dram_cycles ? u->cycles - u->dram_cycles : 0;
}

/* Backwards in time: the latest unit to issue each load in, so that none has to wait. */
static void find_latest_issues(struct builder *b)
{
	size_t unit = b->n_units;	/* whose free cycles are given away; at first none's */
	uint64_t left = 0;

	for (size_t i = b->n_loads; i-- > 0;) {
		struct load *load = &b->loads[i];
		uint64_t need = load_cycles(b, load);

		if (unit >= load->piece.last) {
			unit = load->piece.last;
			left = 0;
		}
		while (need > left && unit) {
			need -= left;
			unit--;
			left = free_cycles(b, unit);
		}
		left -= need < left ? need : left;
		load->piece.first = unit;
	}
}

/*
 * The last unit in which issuing the load makes sense: in its own one it would keep
 * the command waiting, while a command that reads DRAM overlaps that with its work.
 */
static size_t last_issue(const struct builder *b, const struct load *load)
{
	size_t last = load->piece.last;
	uint64_t direct;

	if (load->essential)
		return last + 1;
	direct = weight_passes(layer_at(b, load->layer), b->units[last].part) *
		 dram_cycles(b->s->machine, load->piece.object.bytes);
	return direct <= b->units[last].cycles + load_cycles(b, load) ? last : last + 1;
}

static bool place_loads(struct builder *b)
{
	size_t earliest = 0;

	find_latest_issues(b);
	for (size_t i = 0; i < b->n_loads; i++) {
		struct load *load = &b->loads[i];
		size_t end = last_issue(b, load);

		if (load->piece.first < earliest)
			load->piece.first = earliest;
		while (load->piece.first < end && !sram_place(&b->sram, &load->piece))
			load->piece.first++;
		if (load->piece.placed)
			earliest = load->piece.first;
		else if (load->essential)
			return false;
	}
	return true;
}

bool place_all(struct builder *b)
{
	struct piece_list list = { 0 };

	b->sram = (struct sram) { .arena = b->s->program->arena, .bytes = b->s->sram_bytes };
	collect_residents(b, &list);
	collect_windows(b, &list);
	return place_list(b, &list) && place_loads(b);
}
