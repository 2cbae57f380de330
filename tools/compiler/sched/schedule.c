// SPDX-License-Identifier: MIT
/* Layers in order, each whole, with all operands where they live in DRAM. */
#include <errno.h>

#include "schedule.h"

static struct place home_place(const struct schedule *s, const struct fm *fm)
{
	if (!fm->buffer)
		return (struct place) { 0 };
	return (struct place) {
		.object = &s->homes[fm->buffer->index], .offset = fm->offset,
		.row_stride = fm->row_stride, .col_stride = fm->col_stride,
	};
}

static const struct object *home_of(const struct schedule *s, const struct buffer *b)
{
	return b ? &s->homes[b->index] : NULL;
}

static struct operands home_operands(const struct schedule *s, const struct layer *l)
{
	return (struct operands) {
		.in = { home_place(s, &l->in[0]), home_place(s, &l->in[1]) },
		.out = home_place(s, &l->out),
		.weights = home_of(s, l->weights), .params = home_of(s, l->params),
		.table = home_of(s, l->table),
		.rows = home_of(s, l->rows), .cols = home_of(s, l->cols),
	};
}

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

void schedule_traffic(const struct schedule *s, uint64_t *read, uint64_t *written)
{
	*read = 0;
	*written = 0;
	for (size_t i = 0; i < s->n_steps; i++) {
		for (size_t k = 0; k < s->steps[i].n_tasks; k++) {
			const struct task *t = &s->steps[i].tasks[k];
			const struct operand_slots *slots = operand_slots(t->cmd.head.opcode);

			for (unsigned int n = 0; n < slots->count; n++) {
				const struct operand_slot *slot = &slots->slot[n];

				if (t->objects[n] && t->objects[n]->region != ENPU_REGION_SRAM)
					*(slot->is_written ? written : read) +=
						operand_bytes(&t->cmd, slot, n);
			}
		}
	}
}

static void schedule_step(struct schedule *s, struct step *step)
{
	for (size_t i = step->first_layer; i < step->end_layer; i++) {
		const struct layer *l = &s->program->layers[i];
		struct operands o = home_operands(s, l);

		*arena_push(s->program->arena, step->tasks, step->n_tasks) =
			layer_task(l, i, &o, whole_output(l));
	}
}

int schedule_program(struct schedule *s)
{
	const struct program *p = s->program;
	size_t layer = 0;

	s->n_steps = p->n_cpu_steps + 1;
	s->steps = arena_new(p->arena, struct step, s->n_steps);
	for (size_t i = 0; i < s->n_steps; i++) {
		s->steps[i].first_layer = layer;
		layer = i < p->n_cpu_steps ? p->cpu_steps[i].first_layer : p->n_layers;
		s->steps[i].end_layer = layer;
		schedule_step(s, &s->steps[i]);
	}
	return 0;
}
