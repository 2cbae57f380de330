// SPDX-License-Identifier: MIT
/*
 * Everything over time, by the estimate that the scheduler chose the plan with: what
 * the engines do, what moves through the DRAM port, and what lies in the SRAM.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "report.h"

#define NAMED_TENSORS	6		/* in one line of text */
#define TICKS		4

/* A piece of SRAM with what a reader wants to know of it. */
struct tenant {
	const struct piece *piece;
	const char *class, *what, *name;
};

struct timeline {
	struct enpu_report *r;
	const struct schedule *s;
	struct layer_facts *facts;
	const struct builder *b;	/* of the step at hand */
	uint64_t base, total;		/* cycles before the step, in all */
	struct report_box *engines, *macs, *dram, *sram, *cpu;
	size_t n_engines, n_macs, n_dram, n_sram, n_cpu;
	struct report_unit *units;
	size_t n_units;
	struct tenant *tenants;		/* of the step at hand */
	size_t n_tenants;
};

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * part / whole : 0;
}

/* The time from @begin to @end of the step, as a box of the full height. */
static struct report_box box(const struct timeline *t, uint64_t begin, uint64_t end)
{
	return (struct report_box) {
		.x = percent(t->base + begin, t->total),
		.width = percent(end > begin ? end - begin : 0, t->total),
		.height = 100,
	};
}

static const char *cycles_text(struct timeline *t, uint64_t begin, uint64_t end)
{
	return arena_printf(&t->r->arena, "cycles %" PRIu64 " to %" PRIu64 " (%" PRIu64 ")",
			    t->base + begin, t->base + end, end - begin);
}

static const char *layer_name(struct timeline *t, size_t layer)
{
	const struct op *op = layer_at(t->b, layer)->op;

	return arena_printf(&t->r->arena, "#%d %s", op->index,
			    shown_text(&t->r->arena, op->name));
}

static const char *unit_name(struct timeline *t, const struct unit *u)
{
	const struct segment *seg = &t->b->plan.segments[u->segment];
	const char *first = layer_name(t, seg->first);

	if (seg->strip)
		return arena_printf(&t->r->arena, "cascade of %zu layers, %s to %s, in strips of "
				    "%u rows", seg->end - seg->first, first,
				    layer_name(t, seg->end - 1), seg->strip);
	if (u->part.channels && u->part.channels < layer_at(t->b, seg->first)->out.channels)
		return arena_printf(&t->r->arena, "%s, channels %u to %u", first, u->part.channel,
				    u->part.channel + u->part.channels - 1);
	return first;
}

/* MACs of a unit that is a part of a layer, or a cascade. */
static uint64_t unit_macs(const struct timeline *t, const struct unit *u)
{
	const struct segment *seg = &t->b->plan.segments[u->segment];
	const struct layer *l = layer_at(t->b, seg->first);
	uint64_t macs = 0;

	if (!seg->strip)
		return u->part.channels && l->out.channels ?
		       (double)l->macs * u->part.channels / l->out.channels : l->macs;
	for (size_t i = seg->first; i < seg->end; i++)
		macs += layer_at(t->b, i)->macs;
	return macs;
}

static void draw_unit(struct timeline *t, const struct unit *u)
{
	uint64_t possible = (u->end - u->start) * t->s->machine->macs, macs = unit_macs(t, u);
	struct arena *arena = &t->r->arena;
	struct report_box b = box(t, u->ready, u->end);

	b.class = macs ? "mac" : "vector";
	b.text = arena_printf(arena, "%s: %s, %.0f %% of the MAC array", unit_name(t, u),
			      cycles_text(t, u->start, u->end), percent(macs, possible));
	*arena_push(arena, t->engines, t->n_engines) = b;
	if (macs) {
		b.height = percent(macs, possible) < 100 ? percent(macs, possible) : 100;
		b.y = 100 - b.height;
		*arena_push(arena, t->macs, t->n_macs) = b;
	}
	if (u->dram_end <= u->dram_begin)
		return;
	b = box(t, u->dram_begin, u->dram_end);
	b.class = "map";
	b.text = arena_printf(arena, "operands of %s: %s", unit_name(t, u),
			      cycles_text(t, u->dram_begin, u->dram_end));
	*arena_push(arena, t->dram, t->n_dram) = b;
}

static void draw_load(struct timeline *t, const struct load *load)
{
	struct report_box b = box(t, load->begin, load->end);

	b.class = "weights";
	b.text = arena_printf(&t->r->arena, "%s of %s, %" PRId64 " bytes: %s",
			      load->is_params ? "parameters" : "weights",
			      layer_name(t, load->layer), load->piece.object.bytes,
			      cycles_text(t, load->begin, load->end));
	*arena_push(&t->r->arena, t->dram, t->n_dram) = b;
}

static void add_tenant(struct timeline *t, const struct piece *piece, const char *class,
		       const char *what, const char *name)
{
	*arena_push(&t->r->arena, t->tenants, t->n_tenants) =
		(struct tenant) { piece, class, what, shown_text(&t->r->arena, name) };
}

static void find_tenants(struct timeline *t)
{
	const struct builder *b = t->b;
	const struct program *p = t->s->program;

	t->tenants = NULL;
	t->n_tenants = 0;
	for (size_t i = 0; i < p->n_buffers; i++)
		if (b->plan.resident[i])
			add_tenant(t, &b->residents[i], "map", "feature map",
				   p->buffers[i]->name);
	for (size_t u = 0; u < b->n_units; u++) {
		const struct cascade *c = b->cascades[b->units[u].segment];

		for (unsigned int i = 0; c && i < c->n_windows; i++)
			add_tenant(t, (const struct piece *)c->windows[i].object, "window",
				   "rows of", c->windows[i].buffer->name);
	}
	for (size_t i = 0; i < b->n_loads; i++)
		if (b->loads[i].piece.placed)
			add_tenant(t, &b->loads[i].piece, "weights",
				   b->loads[i].is_params ? "parameters of" : "weights of",
				   layer_name(t, b->loads[i].layer));
}

static void draw_tenant(struct timeline *t, const struct tenant *tenant)
{
	const struct piece *piece = tenant->piece;
	const struct unit *units = t->b->units;
	uint64_t begin = units[piece->first].start, end = units[piece->last].end;
	struct report_box b = box(t, begin, end);

	b.height = percent(piece->object.bytes, t->r->sram_bytes);
	b.y = 100 - b.height - percent(piece->object.offset, t->r->sram_bytes);
	b.class = tenant->class;
	b.text = arena_printf(&t->r->arena, "%s %s: %" PRId64 " bytes at %" PRId64 ", %s",
			      tenant->what, tenant->name, piece->object.bytes,
			      piece->object.offset, cycles_text(t, begin, end));
	*arena_push(&t->r->arena, t->sram, t->n_sram) = b;
}

static int by_first(const void *x, const void *y)
{
	const struct tenant *a = x, *b = y;

	if (a->piece->first != b->piece->first)
		return a->piece->first < b->piece->first ? -1 : 1;
	return a->piece->object.offset < b->piece->object.offset ? -1 : 1;
}

/* Who lives in the SRAM during each unit; @tenants are in the order of their first units. */
static void list_units(struct timeline *t)
{
	size_t n = t->b->n_units, next = 0, n_alive = 0, left;
	struct arena *arena = &t->r->arena;
	const struct tenant **alive = arena_new(arena, const struct tenant *, t->n_tenants);
	int64_t *change = arena_new(arena, int64_t, n + 1), occupied = 0, *more;

	more = arena_new(arena, int64_t, n + 1);
	for (size_t i = 0; i < t->n_tenants; i++) {
		const struct piece *piece = t->tenants[i].piece;

		change[piece->first] += piece->object.bytes;
		change[piece->last + 1] -= piece->object.bytes;
		more[piece->first]++;
		more[piece->last + 1]--;
	}
	left = 0;
	for (size_t u = 0; u < n; u++) {
		struct report_unit *row = arena_push(arena, t->units, t->n_units);
		const char *live = arena_printf(arena, "%s", "");
		size_t named = 0;

		while (next < t->n_tenants && t->tenants[next].piece->first <= u)
			alive[n_alive++] = &t->tenants[next++];
		for (size_t i = n_alive; i-- > 0 && named < NAMED_TENSORS;) {
			if (alive[i]->piece->last < u) {
				alive[i] = alive[--n_alive];
				continue;
			}
			live = arena_printf(arena, "%s%s%s %s", live, named ? ", " : "",
					    alive[i]->what, alive[i]->name);
			named++;
		}
		occupied += change[u];
		left += more[u];
		if (left > named)
			live = arena_printf(arena, "%s and %zu more", live, left - named);
		*row = (struct report_unit) {
			.index = t->n_units - 1, .what = unit_name(t, &t->b->units[u]),
			.live = live, .start = t->base + t->b->units[u].start,
			.end = t->base + t->b->units[u].end, .occupied = occupied,
			.occupancy = percent(occupied, t->r->sram_bytes),
		};
	}
}

/*
 * A unit's time, from the end of the one before to its own, belongs to its layer; that
 * of a cascade to its layers, in proportion to their commands.
 */
static void share_time(struct timeline *t, const struct unit *u)
{
	const struct segment *seg = &t->b->plan.segments[u->segment];
	const uint64_t *busy = t->b->layer_cycles - t->b->step->first_layer;
	uint64_t time = u->end - u->start, left = time, all = 0;

	for (size_t i = seg->first; i < seg->end; i++)
		all += busy[i];
	for (size_t i = seg->first; i < seg->end; i++) {
		uint64_t part = i + 1 == seg->end || !all ? left : (double)time * busy[i] / all;

		if (part > left)
			part = left;
		t->facts[i].time += part;
		left -= part;
	}
}

static void note_facts(struct timeline *t)
{
	const struct builder *b = t->b;

	for (size_t u = 0; u < b->n_units; u++) {
		const struct segment *seg = &b->plan.segments[b->units[u].segment];

		share_time(t, &b->units[u]);
		for (size_t i = seg->first; i < seg->end; i++) {
			t->facts[i].segment = seg;
			t->facts[i].units++;
			t->facts[i].cost = b->layer_costs[i - b->step->first_layer];
		}
	}
	for (size_t i = 0; i < b->n_loads; i++) {
		const struct load *load = &b->loads[i];

		if (load->piece.placed)
			t->facts[load->layer].loaded += load->piece.object.bytes;
		else if (!load->is_params)
			t->facts[load->layer].reads_weights = true;
	}
}

static void draw_step(struct timeline *t, const struct builder *b)
{
	t->b = b;
	note_facts(t);
	find_tenants(t);
	for (size_t u = 0; u < b->n_units; u++)
		draw_unit(t, &b->units[u]);
	for (size_t i = 0; i < b->n_loads; i++)
		if (b->loads[i].piece.placed)
			draw_load(t, &b->loads[i]);
	if (t->n_tenants)
		qsort(t->tenants, t->n_tenants, sizeof(*t->tenants), by_first);
	for (size_t i = 0; i < t->n_tenants; i++)
		draw_tenant(t, &t->tenants[i]);
	list_units(t);
}

static void mark_cpu_step(struct timeline *t, const struct cpu_step *step)
{
	struct report_box mark = box(t, 0, 0);

	mark.text = arena_printf(&t->r->arena, "#%d %s, on the CPU", step->op->index,
				 shown_text(&t->r->arena, step->op->name));
	*arena_push(&t->r->arena, t->cpu, t->n_cpu) = mark;
}

static struct rows ticks(struct timeline *t)
{
	struct report_tick *list = arena_new(&t->r->arena, struct report_tick, TICKS);

	for (int i = 0; i < TICKS; i++)
		list[i] = (struct report_tick) { 100.0 * i / TICKS,
						 (double)t->total * i / TICKS };
	return (struct rows) { list, TICKS };
}

struct layer_facts *draw_timeline(struct enpu_report *r, const struct schedule *s)
{
	struct timeline t = { .r = r, .s = s, .total = r->stats.estimated_cycles };
	const struct program *p = s->program;

	t.facts = arena_new(&r->arena, struct layer_facts, p->n_layers);
	for (size_t i = 0; i < s->n_steps; i++) {
		draw_step(&t, s->steps[i].built);
		t.base += s->steps[i].cycles;
		if (i < p->n_cpu_steps)
			mark_cpu_step(&t, &p->cpu_steps[i]);
	}
	r->engine_boxes = (struct rows) { t.engines, t.n_engines };
	r->mac_boxes = (struct rows) { t.macs, t.n_macs };
	r->dram_boxes = (struct rows) { t.dram, t.n_dram };
	r->sram_boxes = (struct rows) { t.sram, t.n_sram };
	r->cpu_marks = (struct rows) { t.cpu, t.n_cpu };
	r->units = (struct rows) { t.units, t.n_units };
	r->ticks = ticks(&t);
	return t.facts;
}
