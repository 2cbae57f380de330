// SPDX-License-Identifier: MIT
/* Boxes relative to anchors, for models that end before their post-processing. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "error.h"
#include "objects.h"

#define FIRST_LEVEL	3
#define LAST_LEVEL	7
#define PER_CELL	9		/* 3 octaves of 3 aspects */
#define ANCHOR_SCALE	3		/* of the distance of cells */

static uint32_t cells(uint32_t size, unsigned int level)
{
	return (size + (1u << level) - 1) >> level;
}

/* @dx, @dy: distance of cells, and centre and size of the anchors, as fractions */
static struct accel_anchor *add_cell(struct accel_anchor *to, uint32_t col, uint32_t row, double dx,
				     double dy)
{
	static const double aspects[] = { 1, 2, 0.5 };

	for (unsigned int i = 0; i < PER_CELL; i++) {
		double size = ANCHOR_SCALE * pow(2, i / 3 / 3.0);
		double root = sqrt(aspects[i % 3]);

		*to++ = (struct accel_anchor){
			(float)((col + 0.5) * dx), (float)((row + 0.5) * dy),
			(float)(size * root * dx), (float)(size / root * dy),
		};
	}
	return to;
}

struct accel_anchor *accel_anchors_efficientdet(uint32_t width, uint32_t height, size_t *count)
{
	struct accel_anchor *anchors, *to;
	size_t n = 0;

	for (unsigned int level = FIRST_LEVEL; level <= LAST_LEVEL; level++)
		n += (size_t)cells(width, level) * cells(height, level) * PER_CELL;
	anchors = n ? calloc(n, sizeof(*anchors)) : NULL;
	if (!anchors)
		return NULL;
	to = anchors;
	for (unsigned int level = FIRST_LEVEL; level <= LAST_LEVEL; level++) {
		uint32_t rows = cells(height, level), columns = cells(width, level);

		for (uint32_t row = 0; row < rows; row++)
			for (uint32_t col = 0; col < columns; col++)
				to = add_cell(to, col, row, 1.0 / columns, 1.0 / rows);
	}
	*count = n;
	return anchors;
}

static struct accel_box decode(const struct accel_anchor *anchor, const float *code,
			       const float *scales, uint32_t width, uint32_t height)
{
	static const float ones[4] = { 1, 1, 1, 1 };
	const float *s = scales ? scales : ones;
	float y = code[0] / s[0] * anchor->height + anchor->y;
	float x = code[1] / s[1] * anchor->width + anchor->x;
	float h = expf(code[2] / s[2]) * anchor->height / 2;
	float w = expf(code[3] / s[3]) * anchor->width / 2;

	return (struct accel_box){ (x - w) * (float)width, (y - h) * (float)height,
				   (x + w) * (float)width, (y + h) * (float)height };
}

int accel_decode_anchors(const struct accel_anchor *anchors, size_t n, const float *boxes,
			 const float *scores, size_t classes, const float scales[4],
			 uint32_t width, uint32_t height, float threshold,
			 struct accel_object **objects, size_t *count, struct accel_error *err)
{
	struct object_list list = { 0 };

	for (size_t i = 0; i < n; i++) {
		struct accel_class best;
		struct accel_object object;

		if (!accel_top(scores + i * classes, classes, &best, 1) ||
		    !(best.score >= threshold))
			continue;
		object = (struct accel_object){
			.box = decode(&anchors[i], boxes + 4 * i, scales, width, height),
			.class_index = best.index,
			.score = best.score,
		};
		if (objects_add(&list, &object)) {
			free(list.list);
			return task_no_memory(err);
		}
	}
	*objects = list.list;
	*count = list.count;
	return 0;
}
