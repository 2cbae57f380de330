// SPDX-License-Identifier: MIT
/*
 * The plan of a step, by dynamic programming over cuts between layers: the cheapest
 * way to get past layer k, with the latest result in SRAM or in DRAM. A way takes
 * along which buffers it keeps in SRAM. See plan.h.
 */
#include "plan.h"

#include <string.h>

/* Of an operation's weights in SRAM while others are on their way. */
#define WEIGHT_SPACE	(64 << 10)
/* Steps of trial executions for one plan; beyond them layers run one by one. */
#define MAX_TRIAL_STEPS	1000000u
/* Commands of one cascade. */
#define MAX_STRIPS	1024u

static const uint32_t strips[] = { 1, 2, 4, 8, 16, 32 };

#define STRIPS	(sizeof(strips) / sizeof(strips[0]))

struct resident {
	const struct buffer *buffer;
	const struct resident *next;
};

struct way {
	bool valid;
	uint64_t cycles;
	const struct way *before;
	struct segment segment;		/* the last one */
	const struct resident *residents;
};

struct planner {
	const struct schedule *s;
	const struct step *step;
	struct plan *plan;
	int64_t budget;
	unsigned int traffic_share;
	struct way (*ways)[2];		/* by layer boundary; result in DRAM, in SRAM */
	uint32_t trial_steps;
};

static const struct layer *layer_at(const struct planner *pl, size_t i)
{
	return &pl->s->program->layers[i];
}

static int64_t align_up(int64_t n)
{
	return (n + 63) / 64 * 64;
}

static void note_use(struct plan *plan, const struct buffer *b, size_t layer)
{
	struct use *u = &plan->uses[b->index];

	if (layer < u->first)
		u->first = layer;
	if (layer > u->last)
		u->last = layer;
}

static void find_uses(const struct schedule *s, const struct step *step, struct plan *plan)
{
	const struct program *p = s->program;

	plan->uses = arena_new(p->arena, struct use, p->n_buffers);
	plan->readers = arena_new(p->arena, unsigned int, p->n_buffers);
	plan->writers = arena_new(p->arena, unsigned int, p->n_buffers);
	for (size_t i = 0; i < p->n_buffers; i++)
		plan->uses[i].first = p->n_layers;
	for (size_t i = 0; i < p->n_layers; i++) {
		const struct layer *l = &p->layers[i];
		const struct buffer *used[3] = { l->in[0].buffer, l->in[1].buffer, l->out.buffer };

		for (int k = 0; k < 3; k++) {
			if (!used[k])
				continue;
			note_use(plan, used[k], i);
			(k < 2 ? plan->readers : plan->writers)[used[k]->index]++;
			if (i < step->first_layer || i >= step->end_layer)
				plan->uses[used[k]->index].elsewhere = true;
		}
	}
}

static bool may_reside(const struct planner *pl, const struct buffer *b)
{
	return b->home == HOME_SCRATCH && !pl->plan->uses[b->index].elsewhere &&
	       b->bytes <= pl->budget;
}

static bool is_resident(const struct way *way, const struct buffer *b)
{
	for (const struct resident *r = way->residents; r; r = r->next)
		if (r->buffer == b)
			return true;
	return false;
}

static struct locations way_locations(const struct way *way, const struct layer *l)
{
	return (struct locations) {
		.in = { is_resident(way, l->in[0].buffer), is_resident(way, l->in[1].buffer) },
		.out = is_resident(way, l->out.buffer),
		.weights = true,
	};
}

struct locations layer_locations(const struct plan *plan, const struct layer *l)
{
	struct locations where = { .out = plan->resident[l->out.buffer->index] };

	for (int i = 0; i < 2; i++)
		where.in[i] = l->in[i].buffer && plan->resident[l->in[i].buffer->index];
	return where;
}

/* What stays in SRAM from before layer @k on. */
static int64_t live_bytes(const struct planner *pl, const struct resident *r, size_t k)
{
	int64_t bytes = 0;

	for (; r; r = r->next)
		if (pl->plan->uses[r->buffer->index].last >= k)
			bytes += align_up(r->buffer->bytes);
	return bytes;
}

/* A trial execution, to add up what its commands cost. */
struct trial {
	struct planner *pl;
	struct cascade *cascade;
	const struct way *way;
	uint64_t cycles;		/* of all commands */
	uint64_t dram_bytes;		/* of feature maps */
};

static void trial_compute(void *arg, size_t layer, struct part part)
{
	struct trial *t = arg;
	const struct layer *l = layer_at(t->pl, layer);
	struct locations where = way_locations(t->way, l);
	struct cost cost;

	for (int i = 0; i < 2; i++)
		where.in[i] |= cascade_has(t->cascade, l->in[i].buffer);
	where.out |= cascade_has(t->cascade, l->out.buffer);
	cost = part_cost(t->pl->s->machine, l, part, where);
	t->cycles += cost_cycles(t->pl->s->machine, cost);
	t->dram_bytes += cost.dram;
}

static void trial_move(void *arg, const struct window *w, uint32_t from, uint32_t count)
{
	struct trial *t = arg;

	t->cycles += cost_cycles(t->pl->s->machine,
				 (struct cost) { .sram = 2 * count * w->row_bytes }) / 2;
}

/*
 * Engines and the DRAM port work side by side, so the slower one counts; that of
 * two equal ways the one with less traffic is better, others will need the port.
 */
static uint64_t trial_cycles(const struct trial *t)
{
	const struct machine *m = t->pl->s->machine;
	uint64_t weights = 0, dram;

	for (size_t i = t->way->segment.first; i < t->way->segment.end; i++)
		weights += weight_bytes(layer_at(t->pl, i));
	dram = dram_cycles(m, t->dram_bytes + weights);
	return (t->cycles > dram ? t->cycles : dram) + dram_cycles(m, t->dram_bytes) /
							     t->pl->traffic_share;
}

/* Is the way to @way, over @segment, with the result in SRAM or not, worth keeping? */
static void offer_way(struct planner *pl, const struct way *before, struct way *way,
		      struct cascade *c, bool in_sram, int64_t extra_bytes)
{
	const struct layer *last = layer_at(pl, way->segment.end - 1);
	const struct buffer *out = last->out.buffer;
	bool decided = pl->plan->uses[out->index].first < way->segment.first;
	struct way *best = &pl->ways[way->segment.end - pl->step->first_layer][in_sram];
	struct trial t = { pl, c, way };
	struct resident *r;

	if (decided && is_resident(before, out) != in_sram)
		return;
	if (in_sram && !decided) {
		if (!may_reside(pl, out))
			return;
		r = arena_new(pl->s->program->arena, struct resident, 1);
		*r = (struct resident) { out, before->residents };
		way->residents = r;
	}
	if (live_bytes(pl, way->residents, way->segment.first) + extra_bytes > pl->budget)
		return;
	if (way->segment.strip) {
		struct cascade_sink sink = { trial_compute, trial_move, &t };

		cascade_run(c, &sink);
	} else {
		trial_compute(&t, way->segment.first, whole_output(last));
	}
	way->cycles = before->cycles + trial_cycles(&t);
	if (!best->valid || way->cycles < best->cycles)
		*best = *way;
}

/* Go on by a segment; @c: its cascade with known windows, empty for one layer. */
static void extend(struct planner *pl, const struct way *before, struct segment segment,
		   struct cascade *c, int64_t extra_bytes)
{
	for (int in_sram = 0; in_sram < 2; in_sram++) {
		struct way way = { .valid = true, .before = before, .segment = segment,
				   .residents = before->residents };

		offer_way(pl, before, &way, c, in_sram, extra_bytes);
	}
}

static void extend_cascades(struct planner *pl, const struct way *before, size_t first)
{
	int64_t weights = align_up(weight_bytes(layer_at(pl, first))), windows;
	size_t last_end = first + MAX_CASCADE;
	struct cascade c;

	if (last_end > pl->step->end_layer)
		last_end = pl->step->end_layer;
	for (size_t end = first + 2; end <= last_end; end++) {
		uint32_t height = layer_at(pl, end - 1)->out.height;

		weights += align_up(weight_bytes(layer_at(pl, end - 1)));
		/* a result that somebody reads beyond the cascade ends all longer ones */
		if (weights > pl->budget)
			return;
		if (!cascade_init(&c, pl->s->program, pl->plan->readers, pl->plan->writers, first,
				  end))
			continue;
		for (size_t i = 0; i < STRIPS && pl->trial_steps < MAX_TRIAL_STEPS; i++) {
			c.strip = strips[i];
			if (c.strip >= height)
				break;
			if (height / c.strip > MAX_STRIPS)
				continue;
			windows = cascade_size(&c);
			pl->trial_steps += c.steps;
			c.steps = 0;
			/* higher strips take more room, and so do longer cascades */
			if (windows + weights > pl->budget && !i)
				return;
			if (windows + weights > pl->budget)
				break;
			extend(pl, before, (struct segment) { first, end, c.strip }, &c,
			       windows + weights);
			pl->trial_steps += c.steps;
			c.steps = 0;
		}
	}
}

static void extend_all(struct planner *pl, size_t first)
{
	const struct layer *l = layer_at(pl, first);
	struct cascade none = { 0 };
	int64_t weights = weight_bytes(l) < WEIGHT_SPACE ? weight_bytes(l) : WEIGHT_SPACE;

	for (int in_sram = 0; in_sram < 2; in_sram++) {
		const struct way *before = &pl->ways[first - pl->step->first_layer][in_sram];

		if (!before->valid)
			continue;
		extend(pl, before, (struct segment) { first, first + 1, 0 }, &none,
		       align_up(weights));
		extend_cascades(pl, before, first);
	}
	/* where not even weights fit beside what stays, they can be read from DRAM */
	for (int in_sram = 0; in_sram < 2; in_sram++) {
		const struct way *before = &pl->ways[first - pl->step->first_layer][in_sram];
		const struct way *next = pl->ways[first + 1 - pl->step->first_layer];

		if (before->valid && !next[0].valid && !next[1].valid)
			extend(pl, before, (struct segment) { first, first + 1, 0 }, &none, 0);
	}
}

static void take_way(struct plan *plan, const struct way *way)
{
	size_t n = 0;

	for (const struct way *w = way; w->before; w = w->before)
		n++;
	plan->n_segments = n;
	for (const struct way *w = way; w->before; w = w->before)
		plan->segments[--n] = w->segment;
	for (const struct resident *r = way->residents; r; r = r->next)
		plan->resident[r->buffer->index] = true;
}

void plan_step(const struct schedule *s, const struct step *step, const struct tuning *tuning,
	       struct plan *plan)
{
	struct arena *arena = s->program->arena;
	size_t layers = step->end_layer - step->first_layer;
	struct planner pl = {
		.s = s, .step = step, .plan = plan, .traffic_share = tuning->traffic_share,
		.budget = (int64_t)s->sram_bytes * tuning->budget / 100,
	};
	const struct way *last;
	struct arena_mark mark;

	memset(plan, 0, sizeof(*plan));
	find_uses(s, step, plan);
	plan->resident = arena_new(arena, bool, s->program->n_buffers);
	plan->segments = arena_new(arena, struct segment, layers);
	mark = arena_mark(arena);
	pl.ways = arena_alloc(arena, layers + 1, sizeof(*pl.ways));
	pl.ways[0][0].valid = true;
	for (size_t i = step->first_layer; i < step->end_layer; i++)
		extend_all(&pl, i);
	last = pl.ways[layers];
	if (!last[0].valid || (last[1].valid && last[1].cycles < last[0].cycles))
		last = &last[1];
	take_way(plan, last);
	arena_release(arena, mark);
}
