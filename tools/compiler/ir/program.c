// SPDX-License-Identifier: MIT
/* The program that a graph is lowered to: see program.h. */
#include "program.h"

#include <inttypes.h>

unsigned int device_dtype_bytes(uint8_t dtype)
{
	return dtype == ENPU_S16 ? 2 : dtype == ENPU_S32 ? 4 : 1;
}

unsigned int lut_entries(uint8_t dtype)
{
	return dtype == ENPU_S16 ? LUT_ENTRIES_S16 : LUT_ENTRIES;
}

struct buffer *program_buffer(struct program *p, enum buffer_home home, int64_t bytes,
			      const char *name)
{
	struct buffer *b = arena_new(p->arena, struct buffer, 1);

	b->index = p->n_buffers;
	b->home = home;
	b->bytes = bytes;
	b->name = name;
	*arena_push(p->arena, p->buffers, p->n_buffers) = b;
	return b;
}

struct buffer *program_constant(struct program *p, const void *content, int64_t bytes,
				const char *name)
{
	struct buffer *b = program_buffer(p, HOME_CONSTANT, bytes, name);

	b->content = content;
	return b;
}

struct layer *program_layer(struct program *p, enum layer_kind kind, const struct op *op)
{
	struct layer *layer = arena_push(p->arena, p->layers, p->n_layers);

	*layer = (struct layer) { .kind = kind, .op = op };
	return layer;
}

const char *layer_kind_name(enum layer_kind kind)
{
	static const char *const names[LAYER_KINDS] = {
		"CONV", "DEPTHWISE", "TRANSPOSE_CONV", "MATMUL", "POOL", "ELEMENTWISE", "LUT",
		"SOFTMAX", "REDUCE", "RESIZE", "RESCALE", "COPY", "FILL",
	};

	return names[kind];
}

bool layer_multiplies(enum layer_kind kind)
{
	return kind <= LAYER_MATMUL;
}

static void dump_fm(const struct fm *fm, FILE *out)
{
	if (!fm->buffer)
		return;
	fprintf(out, " %%%u", fm->buffer->index);
	if (fm->offset)
		fprintf(out, "+%" PRId64, fm->offset);
	if (fm->channels)
		fprintf(out, "[%ux%ux%u]", fm->height, fm->width, fm->channels);
}

void program_dump(const struct program *p, FILE *out)
{
	for (size_t i = 0; i < p->n_layers; i++) {
		const struct layer *l = &p->layers[i];

		fprintf(out, "layer %zu: %s", i, layer_kind_name(l->kind));
		dump_fm(&l->in[0], out);
		dump_fm(&l->in[1], out);
		fprintf(out, " ->");
		dump_fm(&l->out, out);
		fprintf(out, "  # operator %d (%s)\n", l->op->index, l->op->name);
	}
}
