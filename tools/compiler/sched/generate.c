// SPDX-License-Identifier: MIT
/* The tasks of all units, in program order: see step.h. */
#include "step.h"

#define LOAD_ENGINE	ENPU_ENGINE_DMA0
#define MOVE_ENGINE	ENPU_ENGINE_DMA1

static void add_task(struct builder *b, struct task task)
{
	*arena_push(b->s->program->arena, b->step->tasks, b->step->n_tasks) = task;
}

static struct block line(int64_t bytes)
{
	return (struct block) { .length = bytes, .count = { 1, 1, 1, 1 } };
}

static void issue_load(struct builder *b, const struct load *load)
{
	struct block block = line(load->piece.object.bytes);

	add_task(b, copy_task(load->layer, LOAD_ENGINE, &b->s->homes[load->buffer->index],
			      load->offset, &load->piece.object, 0, &block));
}

static const struct object *object_of(const struct builder *b, const struct buffer *buffer)
{
	if (!buffer)
		return NULL;
	return b->plan.resident[buffer->index] ? &b->residents[buffer->index].object :
						 &b->s->homes[buffer->index];
}

static struct place place_of(const struct builder *b, const struct fm *fm)
{
	return (struct place) {
		.object = object_of(b, fm->buffer), .offset = fm->offset,
		.row_stride = fm->row_stride, .col_stride = fm->col_stride,
	};
}

/* Weights or parameters of a layer in this unit: loaded, or where they are at home. */
static const struct object *constant_of(const struct builder *b, const struct unit *u,
					size_t layer, bool params, int64_t home_offset,
					int64_t *offset)
{
	const struct layer *l = layer_at(b, layer);

	*offset = 0;
	for (size_t i = u->first_load; i < u->end_load; i++) {
		const struct load *load = &b->loads[i];

		if (load->layer == layer && load->is_params == params && load->piece.placed)
			return &load->piece.object;
	}
	*offset = home_offset;
	return object_of(b, params ? l->params : l->weights);
}

static struct operands operands_of(const struct builder *b, const struct unit *u, size_t layer,
				   struct part part)
{
	const struct layer *l = layer_at(b, layer);
	struct operands o = {
		.in = { place_of(b, &l->in[0]), place_of(b, &l->in[1]) },
		.out = place_of(b, &l->out),
		.table = object_of(b, l->table),
		.rows = object_of(b, l->rows), .cols = object_of(b, l->cols),
	};

	if (!l->weights)
		return o;
	o.weights = constant_of(b, u, layer, false, part.channel / 16 * weight_group_bytes(l),
				&o.weights_offset);
	o.params = constant_of(b, u, layer, true, part.channel * sizeof(struct enpu_channel),
			       &o.params_offset);
	return o;
}

struct generator {
	struct builder *b;
	const struct unit *unit;
	struct cascade *cascade;
};

static void window_place(const struct cascade *c, const struct buffer *buffer, struct place *place)
{
	for (unsigned int i = 0; i < c->n_windows; i++) {
		const struct window *w = &c->windows[i];

		if (w->buffer != buffer)
			continue;
		place->object = w->object;
		place->first_row = w->base;
	}
}

static void generate_compute(void *arg, size_t layer, struct part part)
{
	struct generator *g = arg;
	const struct layer *l = layer_at(g->b, layer);
	struct operands o = operands_of(g->b, g->unit, layer, part);

	for (int i = 0; i < 2; i++)
		window_place(g->cascade, l->in[i].buffer, &o.in[i]);
	window_place(g->cascade, l->out.buffer, &o.out);
	add_task(g->b, layer_task(l, layer, &o, part));
}

static void generate_move(void *arg, const struct window *w, uint32_t from, uint32_t count)
{
	struct generator *g = arg;
	struct block block = line(count * w->row_bytes);

	add_task(g->b, copy_task(w->first_writer, MOVE_ENGINE, w->object,
				 (from - w->base) * w->row_bytes, w->object, 0, &block));
}

static void generate_unit(struct builder *b, const struct unit *u)
{
	const struct segment *seg = &b->plan.segments[u->segment];
	struct generator g = { b, u, b->cascades[u->segment] };
	const struct cascade_sink sink = { generate_compute, generate_move, &g };
	struct operands o;

	if (seg->strip) {
		cascade_run(g.cascade, &sink);
		return;
	}
	o = operands_of(b, u, seg->first, u->part);
	add_task(b, layer_task(layer_at(b, seg->first), seg->first, &o, u->part));
}

void generate_tasks(struct builder *b)
{
	size_t next = 0;

	b->step->sram_peak = b->sram.peak;
	for (size_t i = 0; i < b->n_units; i++) {
		/* loads are issued in the order in which they are needed */
		for (; next < b->n_loads; next++) {
			const struct load *load = &b->loads[next];

			if (load->piece.placed && load->piece.first > i)
				break;
			if (load->piece.placed)
				issue_load(b, load);
		}
		generate_unit(b, &b->units[i]);
	}
}
