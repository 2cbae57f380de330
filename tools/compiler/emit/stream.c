// SPDX-License-Identifier: MIT
/* Tasks to the bytes of a command stream: addresses and tokens. */
#include <string.h>

#include "emit.h"
#include "hazard.h"

struct stream {
	struct schedule *s;
	struct hazard_map sram;
	struct hazard_map *regions;	/* by index; constants have none */
	uint32_t issued[ENPU_NUM_ENGINES];
};

static struct hazard_map *map_of(struct stream *st, unsigned int region)
{
	struct hazard_map *map = region == ENPU_REGION_SRAM ? &st->sram : &st->regions[region];

	return map->granules ? map : NULL;
}

typedef void (*touch_fn)(struct hazard_map *map, uint64_t start, uint64_t end,
			 unsigned int engine, uint32_t ordinal, __u32 *wait);

struct access {
	struct hazard_map *map;
	touch_fn touch;
	struct enpu_cmd *head;
	uint32_t ordinal;
};

static void touch_bytes(const struct access *a, uint64_t start, uint64_t bytes)
{
	a->touch(a->map, start, start + bytes, a->head->engine, a->ordinal, a->head->wait);
}

/* Exact for each row where columns follow each other closely, else for each column. */
static void touch_tile(const struct access *a, const struct enpu_tile *t)
{
	uint64_t run = (uint64_t)t->channels * device_dtype_bytes(t->dtype);
	bool close = t->col_stride < run + a->map->granule_bytes;
	uint64_t row_bytes = (uint64_t)(t->width - 1) * t->col_stride + run;

	if (close && t->row_stride <= row_bytes) {
		touch_bytes(a, t->offset, (uint64_t)(t->height - 1) * t->row_stride + row_bytes);
		return;
	}
	for (uint32_t y = 0; y < t->height; y++) {
		uint64_t row = t->offset + (uint64_t)y * t->row_stride;

		if (close) {
			touch_bytes(a, row, row_bytes);
			continue;
		}
		for (uint32_t x = 0; x < t->width; x++)
			touch_bytes(a, row + (uint64_t)x * t->col_stride, run);
	}
}

/* The two outer dimensions one by one, the inner ones as a whole. */
static void touch_block(const struct access *a, uint64_t offset, const __u32 *count,
			const __u32 *stride, uint32_t length)
{
	uint64_t inner = (uint64_t)(count[2] - 1) * stride[2] +
			 (uint64_t)(count[3] - 1) * stride[3] + length;

	for (uint32_t i = 0; i < count[0]; i++)
		for (uint32_t j = 0; j < count[1]; j++)
			touch_bytes(a, offset + (uint64_t)i * stride[0] + (uint64_t)j * stride[1],
				    inner);
}

static void touch_operand(struct stream *st, union command *c, const struct operand_slot *slot,
			  unsigned int index, uint32_t ordinal)
{
	void *operand = (char *)c + slot->at;
	const struct enpu_tile *tile = operand;
	const struct enpu_ref *ref = operand;
	const struct enpu_cmd_dma *d = &c->dma;
	struct access a = {
		.map = map_of(st, tile->region),
		.touch = slot->is_written ? hazard_write : hazard_read,
		.head = &c->head, .ordinal = ordinal,
	};

	if (!a.map)
		return;
	if (slot->is_tile)
		touch_tile(&a, tile);
	else if (c->head.opcode == ENPU_OP_DMA_COPY || c->head.opcode == ENPU_OP_DMA_FILL)
		touch_block(&a, ref->offset, d->count,
			    slot->is_written ? d->dst_stride : d->src_stride, d->length);
	else
		touch_bytes(&a, ref->offset, ref_bytes(c, index));
}

static void emit_task(struct stream *st, const struct task *task, union command *c)
{
	const struct operand_slots *slots = operand_slots(task->cmd.head.opcode);
	uint32_t ordinal = st->issued[task->cmd.head.engine] + 1;

	*c = task->cmd;
	for (unsigned int i = 0; i < slots->count; i++) {
		const struct object *object = task->objects[i];
		struct enpu_ref *ref = (struct enpu_ref *)((char *)c + slots->slot[i].at);

		/* tiles and references start alike: region, type */
		if (object) {
			ref->region = object->region;
			if (slots->slot[i].is_tile)
				((struct enpu_tile *)ref)->offset += object->offset;
			else
				ref->offset += object->offset;
		}
	}
	/* reads first: a command that writes what it reads waits for others, not for itself */
	for (unsigned int written = 0; written < 2; written++)
		for (unsigned int i = 0; i < slots->count; i++)
			if (task->objects[i] && slots->slot[i].is_written == written)
				touch_operand(st, c, &slots->slot[i], i, ordinal);
	st->issued[c->head.engine] = ordinal;
}

struct bytes emit_stream(struct schedule *s, const struct step *step)
{
	struct arena *arena = s->program->arena;
	struct stream st = { .s = s, .regions = arena_new(arena, struct hazard_map, s->n_regions) };
	struct bytes out = { 0 };

	hazard_init(&st.sram, arena, s->sram_bytes);
	for (unsigned int i = 0; i < s->n_regions; i++)
		if (s->regions[i].role != ENPU_ROLE_CONSTANT)
			hazard_init(&st.regions[i], arena, s->regions[i].size);
	for (size_t i = 0; i < step->n_tasks; i++)
		out.size += step->tasks[i].cmd.head.size;
	out.data = arena_alloc(arena, out.size, 1);
	out.size = 0;
	for (size_t i = 0; i < step->n_tasks; i++) {
		union command c;

		emit_task(&st, &step->tasks[i], &c);
		memcpy(out.data + out.size, &c, c.head.size);
		out.size += c.head.size;
	}
	return out;
}
