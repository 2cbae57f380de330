// SPDX-License-Identifier: MIT
/*
 * The smallest rectangle around points: one of its sides lies along a side of
 * their convex hull.
 */
#include "rectangle.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_place(const void *a, const void *b)
{
	const struct accel_point *p = a, *q = b;

	if (p->x != q->x)
		return p->x < q->x ? -1 : 1;
	return (p->y > q->y) - (p->y < q->y);
}

static double turn(struct accel_point a, struct accel_point b, struct accel_point c)
{
	return ((double)b.x - (double)a.x) * ((double)c.y - (double)a.y) -
	       ((double)b.y - (double)a.y) * ((double)c.x - (double)a.x);
}

/* Andrew's chains: the lower and the upper half, each from sorted points */
static size_t convex_hull(struct accel_point *points, size_t count, struct accel_point *hull)
{
	size_t n = 0, lower;

	qsort(points, count, sizeof(*points), by_place);
	for (size_t i = 0; i < count; i++) {
		while (n >= 2 && turn(hull[n - 2], hull[n - 1], points[i]) <= 0)
			n--;
		hull[n++] = points[i];
	}
	lower = n;
	for (size_t i = count - 1; i-- > 0;) {
		while (n > lower && turn(hull[n - 2], hull[n - 1], points[i]) <= 0)
			n--;
		hull[n++] = points[i];
	}
	return n > 1 ? n - 1 : n;
}

struct span {
	double low, high;
};

static struct span along(const struct accel_point *hull, size_t count, double dx, double dy)
{
	struct span span = { INFINITY, -INFINITY };

	for (size_t i = 0; i < count; i++) {
		double at = (double)hull[i].x * dx + (double)hull[i].y * dy;

		span.low = fmin(span.low, at);
		span.high = fmax(span.high, at);
	}
	return span;
}

static struct rectangle around(const struct accel_point *hull, size_t count, double dx, double dy)
{
	struct span u = along(hull, count, dx, dy), v = along(hull, count, -dy, dx);
	double cu = (u.low + u.high) / 2, cv = (v.low + v.high) / 2;

	return (struct rectangle){
		.x = cu * dx - cv * dy,
		.y = cu * dy + cv * dx,
		.dx = dx,
		.dy = dy,
		.width = u.high - u.low,
		.height = v.high - v.low,
	};
}

struct rectangle rectangle_around(struct accel_point *points, size_t count,
				  struct accel_point *hull)
{
	size_t n = convex_hull(points, count, hull);
	struct rectangle best = around(hull, n, 1, 0);

	for (size_t i = 0; i < n; i++) {
		struct accel_point from = hull[i], to = hull[(i + 1) % n];
		double dx = (double)to.x - (double)from.x, dy = (double)to.y - (double)from.y;
		double length = hypot(dx, dy);
		struct rectangle next;

		if (!(length > 0))
			continue;
		next = around(hull, n, dx / length, dy / length);
		if (next.width * next.height < best.width * best.height)
			best = next;
	}
	return best;
}

static void swap(struct accel_point *a, struct accel_point *b)
{
	struct accel_point keep = *a;

	*a = *b;
	*b = keep;
}

void rectangle_corners(const struct rectangle *r, struct accel_point corners[4])
{
	double ux = r->dx * r->width / 2, uy = r->dy * r->width / 2;
	double vx = -r->dy * r->height / 2, vy = r->dx * r->height / 2;
	struct accel_point sorted[4] = {
		{ (float)(r->x - ux - vx), (float)(r->y - uy - vy) },
		{ (float)(r->x + ux - vx), (float)(r->y + uy - vy) },
		{ (float)(r->x + ux + vx), (float)(r->y + uy + vy) },
		{ (float)(r->x - ux + vx), (float)(r->y - uy + vy) },
	};

	qsort(sorted, 4, sizeof(sorted[0]), by_place);
	if (sorted[0].y > sorted[1].y)
		swap(&sorted[0], &sorted[1]);
	if (sorted[2].y > sorted[3].y)
		swap(&sorted[2], &sorted[3]);
	corners[0] = sorted[0];
	corners[1] = sorted[2];
	corners[2] = sorted[3];
	corners[3] = sorted[1];
}
