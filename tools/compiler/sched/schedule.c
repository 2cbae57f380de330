// SPDX-License-Identifier: MIT
/* All steps of a program, and what they move. */
#include <errno.h>

#include "step.h"

static uint64_t operand_bytes(const union command *c, const struct operand_slot *slot,
			      unsigned int index)
{
	const struct enpu_tile *t = (const void *)((const char *)c + slot->at);
	const __u32 *n = c->dma.count;

	if (slot->is_tile)
		return (uint64_t)t->height * t->width * t->channels;
	if (c->head.opcode == ENPU_OP_DMA_COPY || c->head.opcode == ENPU_OP_DMA_FILL)
		return (uint64_t)n[0] * n[1] * n[2] * n[3] * c->dma.length;
	return ref_bytes(c, index);
}

void add_traffic(struct traffic *sum, const struct schedule *s, const struct task *t)
{
	const struct operand_slots *slots = operand_slots(t->cmd.head.opcode);

	for (unsigned int n = 0; n < slots->count; n++) {
		const struct operand_slot *slot = &slots->slot[n];
		const struct object *object = t->objects[n];
		uint64_t bytes;

		if (!object || object->region == ENPU_REGION_SRAM)
			continue;
		bytes = operand_bytes(&t->cmd, slot, n);
		*(slot->is_written ? &sum->written : &sum->read) += bytes;
		if (s->regions[object->region].role == ENPU_ROLE_CONSTANT)
			sum->constants += bytes;
	}
}

struct traffic schedule_traffic(const struct schedule *s)
{
	struct traffic sum = { 0 };

	for (size_t i = 0; i < s->n_steps; i++)
		for (size_t k = 0; k < s->steps[i].n_tasks; k++)
			add_traffic(&sum, s, &s->steps[i].tasks[k]);
	return sum;
}

/* For places in DRAM: what needs none, and what is alive at the same time. */
static void note_places(const struct builder *b)
{
	struct schedule *s = b->s;

	for (size_t i = 0; i < s->program->n_buffers; i++)
		s->in_sram[i] |= b->plan.resident[i];
	for (size_t i = b->step->first_layer; i < b->step->end_layer; i++)
		s->layer_cycles[i] = b->layer_cycles[i - b->step->first_layer];
	for (size_t i = 0; i < b->plan.n_segments; i++) {
		const struct segment *seg = &b->plan.segments[i];

		for (size_t l = seg->first; l < seg->end; l++)
			s->spans[l] = (struct layer_span) { seg->first, seg->end - 1 };
		for (unsigned int w = 0; b->cascades[i] && w < b->cascades[i]->n_windows; w++)
			s->in_sram[b->cascades[i]->windows[w].buffer->index] = true;
	}
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/*
 * Units one after the other. Loads follow each other on the DRAM port, from the start
 * of the unit that issues them; a unit waits for its own. Weights that no load brings
 * are read by the unit itself.
 */
static uint64_t estimate_cycles(struct builder *b)
{
	uint64_t dram = 0, end = 0;

	for (size_t i = 0; i < b->n_units; i++) {
		struct unit *u = &b->units[i];
		uint64_t own = u->dram_cycles;

		u->start = end;
		u->ready = end;
		for (size_t k = u->first_load; k < u->end_load; k++) {
			struct load *load = &b->loads[k];
			uint64_t cycles = dram_cycles(b->s->machine, load->piece.object.bytes);

			if (!load->piece.placed) {
				own += cycles;
				continue;
			}
			/* issued in this unit: nothing before has started since */
			load->begin = later(dram, b->units[load->piece.first].start);
			load->end = load->begin + cycles;
			dram = load->end;
			u->ready = later(u->ready, dram);
		}
		u->dram_begin = later(dram, u->ready);
		dram = u->dram_begin + own;
		u->dram_end = dram;
		end = later(u->ready + u->cycles, dram);
		u->end = end;
	}
	return end;
}

static void dump_piece(const struct piece *piece, const char *what, const char *name, FILE *out)
{
	fprintf(out, "  SRAM %8lld + %-7lld units %zu-%zu: %s %s\n",
		(long long)piece->object.offset, (long long)piece->object.bytes, piece->first,
		piece->last, what, name);
}

static void dump_step(const struct builder *b, FILE *out)
{
	for (size_t i = 0; i < b->n_units; i++) {
		const struct unit *u = &b->units[i];
		const struct segment *seg = &b->plan.segments[u->segment];

		fprintf(out, "unit %zu: layers %zu-%zu", i, seg->first, seg->end - 1);
		if (seg->strip)
			fprintf(out, " in strips of %u rows", seg->strip);
		else
			fprintf(out, ", channels %u-%u", u->part.channel,
				u->part.channel + u->part.channels - 1);
		fprintf(out, ", about %llu cycles\n", (unsigned long long)u->cycles);
	}
	for (size_t i = 0; i < b->s->program->n_buffers; i++)
		if (b->plan.resident[i])
			dump_piece(&b->residents[i], "feature map",
				   b->s->program->buffers[i]->name, out);
	for (size_t i = 0; i < b->n_loads; i++)
		if (b->loads[i].piece.placed)
			dump_piece(&b->loads[i].piece, "load of", b->loads[i].buffer->name, out);
}

/* Models with more layers take the first plan that fits, not the best of many. */
#define MAX_LAYERS_TUNED	1000

/* Shares of the SRAM to plan with, in percent: fragments may leave less than all of it. */
static const unsigned int budgets[] = { 100, 94, 88, 80, 70, 60, 50, 35, 20, 0 };
static const unsigned int traffic_shares[] = { 8, 1 };
static const unsigned int input_shares[] = { 4, 2, 8 };

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

/* From a plan to units with places; false: it does not fit. */
static bool build_units(struct builder *b)
{
	make_units(b);
	if (!place_all(b))
		return false;
	b->cycles = estimate_cycles(b);
	return true;
}

struct choice {
	struct tuning tuning;
	uint64_t cycles;
	bool found;
};

/* A plan with every share of input reading. Only what is best is remembered, not how it looks. */
static void try_plan(const struct builder *planned, struct choice *best)
{
	struct arena *arena = planned->s->program->arena;

	for (size_t i = 0; i < COUNT(input_shares); i++) {
		const struct arena_mark mark = arena_mark(arena);
		struct builder b = *planned;

		b.tuning.input_share = input_shares[i];
		if (build_units(&b) && (!best->found || b.cycles < best->cycles))
			*best = (struct choice) { b.tuning, b.cycles, true };
		arena_release(arena, mark);
	}
}

static struct tuning choose_tuning(struct schedule *s, struct step *step)
{
	bool tuned = step->end_layer - step->first_layer <= MAX_LAYERS_TUNED;
	struct choice best = { .found = false };

	/* the last budget always has room: it is for loads alone, and they can be left out */
	for (size_t i = 0; i < COUNT(budgets) && (tuned || !best.found); i++) {
		for (size_t k = 0; k < COUNT(traffic_shares) && (tuned || !best.found); k++) {
			const struct arena_mark mark = arena_mark(s->program->arena);
			struct builder b = { .s = s, .step = step,
					     .tuning = { budgets[i], traffic_shares[k] } };

			plan_step(s, step, &b.tuning, &b.plan);
			try_plan(&b, &best);
			arena_release(s->program->arena, mark);
		}
	}
	return best.tuning;
}

static void schedule_step(struct schedule *s, struct step *step)
{
	struct builder *b = arena_new(s->program->arena, struct builder, 1);

	*b = (struct builder) { .s = s, .step = step, .tuning = choose_tuning(s, step) };
	plan_step(s, step, &b->tuning, &b->plan);
	build_units(b);
	generate_tasks(b);
	note_places(b);
	step->cycles = b->cycles;
	step->built = b;
	if (s->dump)
		dump_step(b, s->dump);
}

void schedule_program(struct schedule *s)
{
	const struct program *p = s->program;
	size_t layer = 0;

	s->homes = arena_new(p->arena, struct object, p->n_buffers);
	s->in_sram = arena_new(p->arena, bool, p->n_buffers);
	s->spans = arena_new(p->arena, struct layer_span, p->n_layers);
	s->layer_cycles = arena_new(p->arena, uint64_t, p->n_layers);
	s->n_steps = p->n_cpu_steps + 1;
	s->steps = arena_new(p->arena, struct step, s->n_steps);
	for (size_t i = 0; i < s->n_steps; i++) {
		s->steps[i].first_layer = layer;
		layer = i < p->n_cpu_steps ? p->cpu_steps[i].first_layer : p->n_layers;
		s->steps[i].end_layer = layer;
		schedule_step(s, &s->steps[i]);
	}
}
