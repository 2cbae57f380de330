/* SPDX-License-Identifier: MIT */
/* A picture in smaller and smaller sizes. */
#ifndef TASKS_PYRAMID_H
#define TASKS_PYRAMID_H

#include <accel/tasks.h>

struct level {
	struct accel_picture picture;
	double scale_x, scale_y;	/* pixels of it for one of the whole picture */
};

struct pyramid {
	struct level *levels;		/* the picture itself, then the largest first */
	size_t count;
};

/*
 * @first, then by @factor smaller and smaller as long as both sides have @least pixels. 0, or
 * -1: out of memory; either way pyramid_free()
 */
int pyramid_build(struct pyramid *p, const struct accel_picture *picture, double first,
		  double factor, uint32_t least);
void pyramid_free(struct pyramid *p);
/* The smallest in which @length of the picture's pixels are at least @pixels */
const struct level *pyramid_level(const struct pyramid *p, double length, double pixels);

#endif
