// SPDX-License-Identifier: MIT
/*
 * Places in DRAM: one region for constants, one for variables, one for scratch, one for
 * each input and output of the model. In the scratch region buffers share bytes when their
 * lives, counted in layers, do not meet.
 */
#include <errno.h>
#include <stdlib.h>

#include <enpu/regs.h>

#include "schedule.h"

#define ALIGNMENT	64

struct life {
	const struct buffer *buffer;
	size_t first, last;		/* layers; both inclusive, cascades as a whole */
	int64_t offset;
};

static int64_t align_up(int64_t n)
{
	return (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static void touch(struct life *lives, const struct buffer *b, struct layer_span span)
{
	struct life *life;

	if (!b)
		return;
	life = &lives[b->index];
	if (!life->buffer || span.first < life->first)
		life->first = span.first;
	life->buffer = b;
	if (span.last > life->last)
		life->last = span.last;
}

static struct life *find_lives(const struct schedule *s)
{
	const struct program *p = s->program;
	const struct layer_span end = { p->n_layers, p->n_layers };
	struct life *lives = arena_new(p->arena, struct life, p->n_buffers);

	for (size_t i = 0; i < p->n_layers; i++) {
		const struct layer *l = &p->layers[i];
		const struct buffer *const used[] = {
			l->in[0].buffer, l->in[1].buffer, l->out.buffer, l->weights, l->params,
			l->table, l->rows, l->cols,
		};

		for (size_t k = 0; k < sizeof(used) / sizeof(used[0]); k++)
			touch(lives, used[k], s->spans[i]);
	}
	/* what the host writes lives from then on, what it reads until the end */
	for (size_t i = 0; i < p->n_cpu_steps; i++) {
		const struct cpu_step *step = &p->cpu_steps[i];
		const struct layer_span span = { step->first_layer, p->n_layers };

		for (unsigned int k = 0; k < step->op->n_outputs; k++)
			touch(lives, p->views[step->op->outputs[k]->index].buffer, span);
		for (unsigned int k = 0; k < step->n_inputs; k++)
			if (step->op->inputs[k]->data)
				touch(lives, p->views[step->op->inputs[k]->index].buffer, span);
	}
	for (size_t i = 0; i < p->n_buffers; i++)
		if (p->buffers[i]->home == HOME_HOST)
			touch(lives, p->buffers[i], end);
	return lives;
}

static unsigned int add_region(struct schedule *s, enum enpu_region_role role, int64_t bytes)
{
	struct enpu_model_region *r = arena_push(s->program->arena, s->regions, s->n_regions);

	*r = (struct enpu_model_region) { .role = role, .size = bytes };
	return s->n_regions - 1;
}

static void set_home(struct schedule *s, const struct buffer *b, unsigned int region,
		     int64_t offset)
{
	s->homes[b->index] = (struct object) { region, offset, b->bytes };
}

/* In order of first use, as DMA reads them. */
static void place_constants(struct schedule *s, const struct life *lives)
{
	const struct program *p = s->program;
	int64_t offset = 0;

	for (size_t i = 0; i < p->n_buffers; i++)
		if (p->buffers[i]->home == HOME_CONSTANT && lives[i].buffer)
			offset = align_up(offset) + p->buffers[i]->bytes;
	s->constant_bytes = offset;
	if (!offset)
		return;
	add_region(s, ENPU_ROLE_CONSTANT, offset);
	offset = 0;
	for (size_t i = 0; i < p->n_buffers; i++) {
		if (p->buffers[i]->home != HOME_CONSTANT || !lives[i].buffer)
			continue;
		offset = align_up(offset);
		set_home(s, p->buffers[i], s->n_regions - 1, offset);
		offset += p->buffers[i]->bytes;
	}
}

static bool meet(const struct life *a, const struct life *b)
{
	return a->first <= b->last && b->first <= a->last;
}

/* The lowest offset that is free for the whole life; @placed is sorted by offset. */
static int64_t lowest_fit(const struct life *life, struct life *const *placed, size_t n)
{
	int64_t offset = 0;

	for (size_t i = 0; i < n; i++) {
		if (!meet(life, placed[i]))
			continue;
		if (offset + life->buffer->bytes <= placed[i]->offset)
			break;
		if (placed[i]->offset + placed[i]->buffer->bytes > offset)
			offset = align_up(placed[i]->offset + placed[i]->buffer->bytes);
	}
	return offset;
}

static int by_size(const void *a, const void *b)
{
	const struct life *x = *(struct life *const *)a, *y = *(struct life *const *)b;

	if (x->buffer->bytes != y->buffer->bytes)
		return x->buffer->bytes > y->buffer->bytes ? -1 : 1;
	return x->buffer->index < y->buffer->index ? -1 : 1;
}

static void place_scratch(struct schedule *s, struct life *lives)
{
	const struct program *p = s->program;
	struct life **todo = arena_new(p->arena, struct life *, p->n_buffers);
	struct life **placed = arena_new(p->arena, struct life *, p->n_buffers);
	size_t n_todo = 0, region;

	for (size_t i = 0; i < p->n_buffers; i++) {
		enum buffer_home home = p->buffers[i]->home;

		if (lives[i].buffer && !s->in_sram[i] &&
		    (home == HOME_SCRATCH || home == HOME_HOST))
			todo[n_todo++] = &lives[i];
	}
	if (!n_todo)
		return;
	qsort(todo, n_todo, sizeof(*todo), by_size);
	for (size_t n = 0; n < n_todo; n++) {
		struct life *life = todo[n];
		size_t at = n;

		life->offset = lowest_fit(life, placed, n);
		while (at && placed[at - 1]->offset > life->offset) {
			placed[at] = placed[at - 1];
			at--;
		}
		placed[at] = life;
		if (life->offset + life->buffer->bytes > s->scratch_bytes)
			s->scratch_bytes = life->offset + life->buffer->bytes;
	}
	region = add_region(s, ENPU_ROLE_SCRATCH, s->scratch_bytes);
	for (size_t n = 0; n < n_todo; n++)
		set_home(s, todo[n]->buffer, region, todo[n]->offset);
}

/* Each at a place of its own, with what it holds before the first run. */
static void place_variables(struct schedule *s)
{
	const struct program *p = s->program;

	s->state_bytes = 0;
	for (size_t i = 0; i < p->n_buffers; i++) {
		if (p->buffers[i]->home != HOME_STATE)
			continue;
		s->state_bytes = align_up(s->state_bytes);
		set_home(s, p->buffers[i], s->n_regions, s->state_bytes);
		s->state_bytes += p->buffers[i]->bytes;
	}
	if (s->state_bytes)
		s->state_region = add_region(s, ENPU_ROLE_STATE, s->state_bytes);
}

static void place_ends(struct schedule *s, enum buffer_home home, enum enpu_region_role role)
{
	const struct program *p = s->program;

	for (size_t i = 0; i < p->n_buffers; i++)
		if (p->buffers[i]->home == home)
			set_home(s, p->buffers[i], add_region(s, role, p->buffers[i]->bytes), 0);
}

int place_in_dram(struct schedule *s)
{
	const struct program *p = s->program;
	struct life *lives = find_lives(s);

	place_constants(s, lives);
	place_scratch(s, lives);
	place_variables(s);
	if (p->graph->n_inputs + p->graph->n_outputs + s->n_regions > ENPU_MAX_REGIONS) {
		diag_error(p->diag, "%s: %u inputs and %u outputs: at most %u in all",
			   p->graph->file, p->graph->n_inputs, p->graph->n_outputs,
			   ENPU_MAX_REGIONS - s->n_regions);
		return -EFBIG;
	}
	place_ends(s, HOME_INPUT, ENPU_ROLE_INPUT);
	place_ends(s, HOME_OUTPUT, ENPU_ROLE_OUTPUT);
	return 0;
}
