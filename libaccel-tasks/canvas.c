// SPDX-License-Identifier: MIT
/* Pieces go in rows, from the left, under the tallest of the row above. See canvas.h. */
#include "canvas.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"

int canvas_open(struct canvas *c, struct accel_error *err)
{
	/* what the net takes for rows are the canvas' columns */
	int ret = accel_input_size(&c->net->input, &c->height, &c->width, err);

	c->rgb = NULL;
	c->values = NULL;
	c->count = 0;
	c->x = 0;
	c->y = 0;
	c->row_height = 0;
	if (ret)
		return ret;
	c->rgb = calloc((size_t)c->width * c->height, 3);
	c->values = malloc(c->net->input.count * sizeof(*c->values));
	return c->rgb && c->values ? 0 : task_no_memory(err);
}

void canvas_close(struct canvas *c)
{
	free(c->rgb);
	free(c->values);
}

int canvas_finish(struct canvas *c, struct accel_error *err)
{
	int ret;

	if (!c->count)
		return 0;
	ret = accel_pixels_place(c->pixels, &c->net->input, c->rgb, c->values, err);
	if (!ret)
		ret = c->net->run(c->net, c->values, err);
	for (size_t i = 0; i < c->count && !ret; i++)
		ret = c->look(c->arg, &c->pieces[i], err);
	c->count = 0;
	c->x = 0;
	c->y = 0;
	c->row_height = 0;
	memset(c->rgb, 0, 3 * (size_t)c->width * c->height);
	return ret;
}

/* Outputs lie on a raster, which pieces have to keep. */
static uint32_t on_raster(const struct canvas *c, uint32_t at)
{
	return (at + c->stride - 1) / c->stride * c->stride;
}

static int has_room(struct canvas *c, const struct piece *p)
{
	if (c->count == CANVAS_PIECES)
		return 0;
	if (c->x + p->width > c->width) {
		c->x = 0;
		c->y = on_raster(c, c->y + c->row_height);
		c->row_height = 0;
	}
	return c->y + p->height <= c->height;
}

static void draw(struct canvas *c, const struct piece *p)
{
	const struct accel_picture *from = &p->level->picture;

	for (uint32_t x = 0; x < p->width; x++) {
		uint8_t *to = c->rgb + 3 * ((size_t)(p->at_x + x) * c->height + p->at_y);

		for (uint32_t y = 0; y < p->height; y++, to += 3)
			memcpy(to, from->rgb + 3 * ((size_t)(p->y + y) * from->width + p->x + x),
			       3);
	}
}

static int add(struct canvas *c, struct piece p, struct accel_error *err)
{
	int ret = has_room(c, &p) ? 0 : canvas_finish(c, err);

	if (ret)
		return ret;
	p.at_x = c->x;
	p.at_y = c->y;
	draw(c, &p);
	c->pieces[c->count++] = p;
	c->x = on_raster(c, c->x + p.width);
	if (p.height > c->row_height)
		c->row_height = p.height;
	return 0;
}

/* How much of @size is shown from @from on, at most @most */
static uint32_t span(uint32_t size, uint32_t from, uint32_t most)
{
	return size - from < most ? size - from : most;
}

/* Where the part after the one at @from begins: no window may fall between them */
static uint32_t next_part(const struct canvas *c, uint32_t from, uint32_t most)
{
	return from + (most - c->window) / c->stride * c->stride + c->stride;
}

int canvas_show(struct canvas *c, const struct level *level, struct accel_error *err)
{
	const struct accel_picture *whole = &level->picture;
	int ret = 0;

	for (uint32_t y = 0; y + c->window <= whole->height && !ret;
	     y = next_part(c, y, c->height)) {
		for (uint32_t x = 0; x + c->window <= whole->width && !ret;
		     x = next_part(c, x, c->width)) {
			struct piece p = {
				.level = level, .x = x, .y = y,
				.width = span(whole->width, x, c->width),
				.height = span(whole->height, y, c->height),
			};

			ret = add(c, p, err);
		}
	}
	return ret;
}
