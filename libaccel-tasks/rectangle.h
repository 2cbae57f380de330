/* SPDX-License-Identifier: MIT */
#ifndef TASKS_RECTANGLE_H
#define TASKS_RECTANGLE_H

#include <accel/tasks.h>

/* A rectangle that lies any way: centre, direction of its width (length 1), sides */
struct rectangle {
	double x, y;
	double dx, dy;
	double width, height;
};

/*
 * The smallest one around @count points, count >= 1. Sorts and reorders
 * @points; @hull has room for @count + 1.
 */
struct rectangle rectangle_around(struct accel_point *points, size_t count,
				  struct accel_point *hull);
/* Clockwise from the top left: the upper of the two leftmost */
void rectangle_corners(const struct rectangle *r, struct accel_point corners[4]);

#endif
