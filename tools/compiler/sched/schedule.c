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

/* Shares of the SRAM to plan with, in percent: fragments may leave less than all of it. */
static const unsigned int budgets[] = { 100, 94, 88, 80, 70, 60, 50, 35, 20, 0 };

static void schedule_step(struct schedule *s, struct step *step)
{
	for (size_t i = 0; i < sizeof(budgets) / sizeof(budgets[0]); i++) {
		struct builder b = { .s = s, .step = step };

		plan_step(s, step, (int64_t)s->sram_bytes * budgets[i] / 100, &b.plan);
		make_units(&b);
		if (!place_all(&b))
			continue;
		generate_tasks(&b);
		return;
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
