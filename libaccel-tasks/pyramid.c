// SPDX-License-Identifier: MIT
/* Each level is made of the one before, so that none leaves out pixels. See pyramid.h. */
#include "pyramid.h"

#include <math.h>
#include <stdlib.h>

static int add(struct pyramid *p, double scale)
{
	struct level *more = realloc(p->levels, (p->count + 1) * sizeof(*more));
	const struct accel_picture *whole, *last;
	struct accel_picture picture = { 0 };
	struct accel_map map;
	uint8_t *rgb;

	if (!more)
		return -1;
	p->levels = more;
	whole = &more[0].picture;
	last = &more[p->count - 1].picture;
	picture.width = (uint32_t)ceil(whole->width * scale);
	picture.height = (uint32_t)ceil(whole->height * scale);
	rgb = malloc(3 * (size_t)picture.width * picture.height);
	if (!rgb)
		return -1;
	accel_map_stretch(&map, last, picture.width, picture.height);
	accel_map_sample(&map, last, picture.width, picture.height, 0, rgb);
	picture.rgb = rgb;
	more[p->count++] = (struct level){ picture, (double)picture.width / whole->width,
					   (double)picture.height / whole->height };
	return 0;
}

int pyramid_build(struct pyramid *p, const struct accel_picture *picture, double first,
		  double factor, uint32_t least)
{
	double side = picture->width < picture->height ? picture->width : picture->height;
	int ret = 0;

	p->count = 0;
	p->levels = malloc(sizeof(*p->levels));
	if (!p->levels)
		return -1;
	p->levels[p->count++] = (struct level){ *picture, 1, 1 };
	for (double scale = first; side * scale >= least && !ret; scale *= factor)
		ret = add(p, scale);
	return ret;
}

void pyramid_free(struct pyramid *p)
{
	for (size_t i = 1; i < p->count; i++)
		free((void *)p->levels[i].picture.rgb);
	free(p->levels);
	p->levels = NULL;
	p->count = 0;
}

const struct level *pyramid_level(const struct pyramid *p, double length, double pixels)
{
	size_t i = p->count - 1;

	while (i > 0 && length * p->levels[i].scale_x < pixels)
		i--;
	return &p->levels[i];
}
