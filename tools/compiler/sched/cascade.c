// SPDX-License-Identifier: MIT
/* Cascades of layers, strip by strip: see cascade.h. */
#include "cascade.h"

#include <string.h>

struct window *cascade_window(struct cascade *c, const struct buffer *b)
{
	for (unsigned int i = 0; i < c->n_windows; i++)
		if (c->windows[i].buffer == b)
			return &c->windows[i];
	return NULL;
}

bool cascade_has(struct cascade *c, const struct buffer *b)
{
	return cascade_window(c, b);
}

static bool works_on_strips(const struct layer *l)
{
	switch (l->kind) {
	case LAYER_CONV:
	case LAYER_DEPTHWISE:
	case LAYER_POOL:
	case LAYER_ELEMENTWISE:
	case LAYER_LUT:
	case LAYER_SOFTMAX:
	case LAYER_RESCALE:
		return true;
	default:
		return false;
	}
}

static bool on_vector_engine(const struct layer *l)
{
	return !layer_multiplies(l->kind);
}

/* The feature map has whole rows of the buffer's bytes, or a part of each row. */
static bool has_buffer_rows(const struct fm *fm)
{
	int64_t row_end = fm->offset + (int64_t)(fm->width - 1) * fm->col_stride +
			  (int64_t)fm->channels * device_dtype_bytes(fm->dtype);

	return fm->row_stride > 0 && fm->row_stride * fm->height == fm->buffer->bytes &&
	       row_end <= fm->row_stride;
}

static bool same_rows(const struct window *w, const struct fm *fm)
{
	return has_buffer_rows(fm) && fm->height == w->height && fm->row_stride == w->row_bytes;
}

/* A window for what the layer writes, if all its writers and readers are inside. */
static bool add_window(struct cascade *c, const unsigned int *readers, const unsigned int *writers,
		       size_t layer)
{
	const struct layer *l = &c->program->layers[layer];
	const struct buffer *b = l->out.buffer;
	struct window *w = &c->windows[c->n_windows];
	unsigned int inside_readers = 0, inside_writers = 0;

	if (cascade_window(c, b))
		return true;
	if (b->home != HOME_SCRATCH || !has_buffer_rows(&l->out))
		return false;
	c->n_windows++;
	*w = (struct window) { .buffer = b, .first_writer = layer, .height = l->out.height,
			       .row_bytes = l->out.row_stride };
	for (size_t i = layer; i < c->end; i++) {
		const struct layer *other = &c->program->layers[i];

		/* writers go on together only if nobody reads before the last of them */
		if (other->out.buffer == b) {
			if (inside_readers || !same_rows(w, &other->out))
				return false;
			inside_writers++;
		}
		for (int k = 0; k < 2; k++) {
			if (other->in[k].buffer != b)
				continue;
			if (other->out.buffer == b || !same_rows(w, &other->in[k]))
				return false;
			inside_readers++;
			w->pipelined |= on_vector_engine(l) != on_vector_engine(other);
		}
	}
	return inside_readers && inside_readers == readers[b->index] &&
	       inside_writers == writers[b->index];
}

bool cascade_init(struct cascade *c, const struct program *p, const unsigned int *readers,
		  const unsigned int *writers, size_t first, size_t end)
{
	memset(c, 0, sizeof(*c));
	c->program = p;
	c->first = first;
	c->end = end;
	if (end - first < 2 || end - first > MAX_CASCADE)
		return false;
	for (size_t i = first; i < end; i++)
		if (!works_on_strips(&p->layers[i]))
			return false;
	for (size_t i = first; i + 1 < end; i++)
		if (!add_window(c, readers, writers, i))
			return false;
	return true;
}

/* The first row of the window that some reader still has to see. */
static uint32_t first_needed(const struct cascade *c, const struct window *w)
{
	uint32_t needed = w->height, first, rows;

	for (size_t i = w->first_writer + 1; i < c->end; i++) {
		const struct layer *l = &c->program->layers[i];
		uint32_t done = c->done[i - c->first];

		if (done == l->out.height)
			continue;
		for (int k = 0; k < 2; k++)
			if (l->in[k].buffer == w->buffer &&
			    input_rows(l, k, done, 1, &first, &rows) && first < needed)
				needed = first;
	}
	return needed;
}

static uint32_t max_u32(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* Room for rows [done, upto) of the window. */
static void make_room(struct cascade *c, struct window *w, uint32_t done, uint32_t upto,
		      const struct cascade_sink *sink)
{
	uint32_t needed = first_needed(c, w);

	needed = needed < done ? needed : done;
	w->longest = max_u32(w->longest, upto - needed);
	w->kept = max_u32(w->kept, done - needed);
	if (!w->capacity || upto - w->base <= w->capacity)
		return;
	if (done > needed)
		sink->move(sink->arg, w, needed, done - needed);
	w->base = needed;
}

static void produce(struct cascade *c, size_t layer, uint32_t upto,
		    const struct cascade_sink *sink)
{
	const struct layer *l = &c->program->layers[layer];
	uint32_t *done = &c->done[layer - c->first], first, rows;
	struct window *w;

	if (*done >= upto)
		return;
	c->steps++;
	for (int k = 0; k < 2; k++) {
		w = cascade_window(c, l->in[k].buffer);
		if (!w || !input_rows(l, k, *done, upto - *done, &first, &rows))
			continue;
		for (size_t i = w->first_writer; i < layer; i++)
			if (c->program->layers[i].out.buffer == w->buffer)
				produce(c, i, first + rows, sink);
	}
	w = cascade_window(c, l->out.buffer);
	if (w)
		make_room(c, w, *done, upto, sink);
	sink->compute(sink->arg, layer,
		      (struct part) { *done, upto - *done, 0, l->out.channels });
	*done = upto;
}

void cascade_run(struct cascade *c, const struct cascade_sink *sink)
{
	uint32_t height = c->program->layers[c->end - 1].out.height;

	memset(c->done, 0, sizeof(c->done));
	for (unsigned int i = 0; i < c->n_windows; i++)
		c->windows[i].base = 0;
	for (uint32_t row = 0; row < height; row += c->strip)
		produce(c, c->end - 1, height - row < c->strip ? height : row + c->strip, sink);
}

static void ignore_compute(void *arg, size_t layer, struct part part)
{
}

/*
 * A window that moves while the writer goes on has room for its longest content
 * twice; one that nothing is kept of needs no moves at all.
 */
static uint32_t choose_capacity(const struct window *w)
{
	uint32_t rows = w->kept || w->pipelined ? 2 * w->longest : w->longest;

	return rows < w->height ? rows : w->height;
}

int64_t cascade_size(struct cascade *c)
{
	const struct cascade_sink sink = { .compute = ignore_compute };
	int64_t bytes = 0;

	for (unsigned int i = 0; i < c->n_windows; i++) {
		c->windows[i].capacity = 0;
		c->windows[i].longest = 0;
		c->windows[i].kept = 0;
	}
	cascade_run(c, &sink);
	for (unsigned int i = 0; i < c->n_windows; i++) {
		c->windows[i].capacity = choose_capacity(&c->windows[i]);
		bytes += (c->windows[i].capacity * c->windows[i].row_bytes + 63) / 64 * 64;
	}
	return bytes;
}
