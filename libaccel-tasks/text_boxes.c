// SPDX-License-Identifier: MIT
/* Where text is: regions in a map of probabilities, as DB detectors give it. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "rectangle.h"

#define PIXEL_THRESHOLD	0.3f
#define BOX_THRESHOLD	0.6
#define UNCLIP		1.5
#define MIN_SIDE	3		/* of what was found; 2 more once widened */
#define MAX_REGIONS	1000

struct search {
	const float *map;
	uint32_t width, height;
	uint8_t *seen;			/* [height][width] */
	uint32_t *stack;		/* [height * width]: pixels whose neighbours are due */
	uint32_t *left, *right;		/* [height]: the region's ends in each row */
	uint32_t top, bottom;		/* its rows */
	double sum;			/* of its probabilities */
	size_t pixels;
	struct accel_point *points;	/* [2 * height] */
	struct accel_point *hull;	/* [2 * height + 1] */
	struct accel_text *texts;	/* [MAX_REGIONS] */
	size_t count;
};

static void push(struct search *s, uint32_t x, uint32_t y, size_t *depth)
{
	size_t at = (size_t)y * s->width + x;

	if (s->seen[at] || !(s->map[at] > PIXEL_THRESHOLD))
		return;
	s->seen[at] = 1;
	s->stack[(*depth)++] = (uint32_t)at;
	s->left[y] = x < s->left[y] ? x : s->left[y];
	s->right[y] = x > s->right[y] ? x : s->right[y];
	s->top = y < s->top ? y : s->top;
	s->bottom = y > s->bottom ? y : s->bottom;
	s->sum += (double)s->map[at];
	s->pixels++;
}

/* All that hangs together with a pixel, by any of its eight neighbours */
static void flood(struct search *s, uint32_t x, uint32_t y)
{
	size_t depth = 0;

	s->top = y;
	s->bottom = y;
	s->sum = 0;
	s->pixels = 0;
	push(s, x, y, &depth);
	while (depth) {
		uint32_t at = s->stack[--depth];
		uint32_t px = at % s->width, py = at / s->width;
		uint32_t to_x = px + 1 < s->width ? px + 1 : px;
		uint32_t to_y = py + 1 < s->height ? py + 1 : py;

		for (uint32_t ny = py ? py - 1 : 0; ny <= to_y; ny++)
			for (uint32_t nx = px ? px - 1 : 0; nx <= to_x; nx++)
				push(s, nx, ny, &depth);
	}
}

/* Each row's ends have the same hull as all of the pixels. Resets the rows */
static struct rectangle surround(struct search *s)
{
	size_t count = 0;

	for (uint32_t y = s->top; y <= s->bottom; y++) {
		s->points[count++] = (struct accel_point){ (float)s->left[y] + 0.5f,
							   (float)y + 0.5f };
		s->points[count++] = (struct accel_point){ (float)s->right[y] + 0.5f,
							   (float)y + 0.5f };
		s->left[y] = UINT32_MAX;
		s->right[y] = 0;
	}
	return rectangle_around(s->points, count, s->hull);
}

static void add_region(struct search *s)
{
	struct rectangle r = surround(s);
	double score = s->sum / (double)s->pixels, more;

	/* Of the pixels, not of the rectangle: lines on a curved page fill it badly. */
	if (fmin(r.width, r.height) < MIN_SIDE || !(score >= BOX_THRESHOLD))
		return;
	/* The text's edge was shrunk for training by as much: each side goes out again */
	more = r.width * r.height * UNCLIP / (2 * (r.width + r.height));
	r.width += 2 * more;
	r.height += 2 * more;
	if (fmin(r.width, r.height) < MIN_SIDE + 2)
		return;
	rectangle_corners(&r, s->texts[s->count].corners);
	s->texts[s->count++].score = (float)score;
}

static void search_map(struct search *s)
{
	for (uint32_t y = 0; y < s->height; y++) {
		s->left[y] = UINT32_MAX;
		s->right[y] = 0;
	}
	for (uint32_t y = 0; y < s->height; y++) {
		for (uint32_t x = 0; x < s->width && s->count < MAX_REGIONS; x++) {
			size_t at = (size_t)y * s->width + x;

			if (s->seen[at] || !(s->map[at] > PIXEL_THRESHOLD))
				continue;
			flood(s, x, y);
			add_region(s);
		}
	}
}

int accel_text_boxes(const float *map, uint32_t width, uint32_t height, struct accel_text **texts,
		     size_t *count, struct accel_error *err)
{
	size_t pixels = (size_t)width * height;
	struct search s = {
		.map = map,
		.width = width,
		.height = height,
		.seen = calloc(pixels + 1, 1),
		.stack = calloc(pixels + 1, sizeof(*s.stack)),
		.left = calloc((size_t)height + 1, sizeof(*s.left)),
		.right = calloc((size_t)height + 1, sizeof(*s.right)),
		.points = calloc(2 * (size_t)height + 1, sizeof(*s.points)),
		.hull = calloc(2 * (size_t)height + 2, sizeof(*s.hull)),
		.texts = calloc(MAX_REGIONS, sizeof(*s.texts)),
	};
	int ret = 0;

	if (s.seen && s.stack && s.left && s.right && s.points && s.hull && s.texts &&
	    pixels <= UINT32_MAX)
		search_map(&s);
	else
		ret = task_no_memory(err);
	free(s.seen);
	free(s.stack);
	free(s.left);
	free(s.right);
	free(s.points);
	free(s.hull);
	if (ret) {
		free(s.texts);
		return ret;
	}
	*texts = s.texts;
	*count = s.count;
	return 0;
}
