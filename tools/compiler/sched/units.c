// SPDX-License-Identifier: MIT
/* Segments of the plan to units with loads: see step.h. */
#include "step.h"

#define CHANNEL_BLOCK		16
#define SMALLEST_PART_BYTES	16384
/* Of the SRAM, for the weights of one part. */
#define LARGEST_PART_SHARE	4

static void add_load(struct builder *b, size_t layer, const struct buffer *buffer,
		     int64_t offset, int64_t bytes, bool is_params, bool essential)
{
	struct load *load = arena_push(b->s->program->arena, b->loads, b->n_loads);

	*load = (struct load) {
		.buffer = buffer, .offset = offset, .layer = layer, .is_params = is_params,
		.essential = essential,
		.piece = { .object = { .bytes = bytes }, .last = b->n_units - 1 },
	};
	b->units[b->n_units - 1].end_load = b->n_loads;
}

static struct unit *add_unit(struct builder *b, size_t segment, struct part part)
{
	struct unit *u = arena_push(b->s->program->arena, b->units, b->n_units);

	*u = (struct unit) { .segment = segment, .part = part, .first_load = b->n_loads,
			     .end_load = b->n_loads };
	return u;
}

static void add_cost(struct builder *b, struct unit *u, size_t layer, struct cost cost)
{
	struct cost *sum = &b->layer_costs[layer - b->step->first_layer];
	uint64_t cycles = cost_cycles(b->s->machine, cost);

	u->cycles += cycles;
	b->layer_cycles[layer - b->step->first_layer] += cycles;
	sum->compute += cost.compute;
	sum->sram += cost.sram;
	sum->dram += cost.dram;
	u->dram_cycles += dram_cycles(b->s->machine, cost.dram);
}

struct estimate {
	struct builder *b;
	struct cascade *cascade;
	struct unit *unit;
};

static void estimate_compute(void *arg, size_t layer, struct part part)
{
	struct estimate *e = arg;
	const struct layer *l = layer_at(e->b, layer);
	struct locations where = layer_locations(&e->b->plan, l);

	for (int i = 0; i < 2; i++)
		where.in[i] |= cascade_has(e->cascade, l->in[i].buffer);
	where.out |= cascade_has(e->cascade, l->out.buffer);
	where.weights = true;
	add_cost(e->b, e->unit, layer, part_cost(e->b->s->machine, l, part, where));
}

static void ignore_move(void *arg, const struct window *w, uint32_t from, uint32_t count)
{
}

static void add_cascade(struct builder *b, size_t segment)
{
	const struct segment *seg = &b->plan.segments[segment];
	struct cascade *c = arena_new(b->s->program->arena, struct cascade, 1);
	struct estimate e = { b, c };
	const struct cascade_sink sink = { estimate_compute, ignore_move, &e };

	cascade_init(c, b->s->program, b->plan.readers, b->plan.writers, seg->first, seg->end);
	c->strip = seg->strip;
	cascade_size(c);
	b->cascades[segment] = c;
	e.unit = add_unit(b, segment, (struct part) { 0 });
	cascade_run(c, &sink);
	for (size_t i = seg->first; i < seg->end; i++) {
		const struct layer *l = layer_at(b, i);

		if (!l->weights)
			continue;
		add_load(b, i, l->weights, 0, l->weights->bytes, false, true);
		add_load(b, i, l->params, 0, l->params->bytes, true, true);
	}
}

static struct cost channels_cost(const struct builder *b, const struct layer *l,
				 struct part part)
{
	struct locations where = layer_locations(&b->plan, l);

	where.weights = true;
	return part_cost(b->s->machine, l, part, where);
}

/* Cycles that reading the whole input takes. */
static uint64_t input_cycles(const struct builder *b, const struct layer *l)
{
	struct cost c = { 0 };
	uint64_t bytes = (uint64_t)l->in[0].height * l->in[0].width *
			 l->in[0].channels * device_dtype_bytes(l->in[0].dtype);

	*(layer_locations(&b->plan, l).in[0] ? &c.sram : &c.dram) = bytes;
	return cost_cycles(b->s->machine, c);
}

/* How many output channels at a time: enough to be worth it, few enough to overlap. */
static uint32_t part_channels(const struct builder *b, const struct layer *l)
{
	int64_t most = b->s->sram_bytes / LARGEST_PART_SHARE;
	uint64_t again = l->kind == LAYER_DEPTHWISE ? 0 : input_cycles(b, l);
	uint32_t channels = CHANNEL_BLOCK, parts;

	for (; channels < l->out.channels; channels += CHANNEL_BLOCK) {
		int64_t bytes = channels / CHANNEL_BLOCK * weight_group_bytes(l);
		struct part part = { 0, l->out.height, 0, channels };
		uint64_t cycles = cost_cycles(b->s->machine, channels_cost(b, l, part));
		uint64_t loading = dram_cycles(b->s->machine, bytes);

		if (bytes + weight_group_bytes(l) > most ||
		    (bytes >= SMALLEST_PART_BYTES &&
		     again * b->tuning.input_share <= (cycles > loading ? cycles : loading)))
			break;
	}
	/* parts of one size: a small rest would not be worth a command */
	parts = (l->out.channels + channels - 1) / channels;
	channels = (l->out.channels + parts - 1) / parts;
	return (channels + CHANNEL_BLOCK - 1) / CHANNEL_BLOCK * CHANNEL_BLOCK;
}

static void add_parts(struct builder *b, size_t segment)
{
	size_t layer = b->plan.segments[segment].first;
	const struct layer *l = layer_at(b, layer);
	uint32_t step = part_channels(b, l);

	for (uint32_t c = 0; c < l->out.channels; c += step) {
		uint32_t left = l->out.channels - c, channels = left < step ? left : step;
		uint32_t groups = (channels + CHANNEL_BLOCK - 1) / CHANNEL_BLOCK;
		struct part part = { 0, l->out.height, c, channels };
		struct unit *u = add_unit(b, segment, part);

		add_cost(b, u, layer, channels_cost(b, l, part));
		add_load(b, layer, l->weights, c / CHANNEL_BLOCK * weight_group_bytes(l),
			 groups * weight_group_bytes(l), false, false);
		add_load(b, layer, l->params, (int64_t)c * sizeof(struct enpu_channel),
			 (int64_t)channels * sizeof(struct enpu_channel), true, false);
	}
}

void make_units(struct builder *b)
{
	size_t layers = b->step->end_layer - b->step->first_layer;

	b->layer_cycles = arena_new(b->s->program->arena, uint64_t, layers);
	b->layer_costs = arena_new(b->s->program->arena, struct cost, layers);
	b->cascades = arena_new(b->s->program->arena, struct cascade *, b->plan.n_segments);
	for (size_t i = 0; i < b->plan.n_segments; i++) {
		const struct segment *seg = &b->plan.segments[i];
		const struct layer *l = layer_at(b, seg->first);

		if (seg->strip)
			add_cascade(b, i);
		else if (l->weights)
			add_parts(b, i);
		else
			add_cost(b, add_unit(b, i, whole_output(l)), seg->first,
				 channels_cost(b, l, whole_output(l)));
	}
}
