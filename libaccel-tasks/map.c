// SPDX-License-Identifier: MIT
/* Maps from an input's pixels to places in a picture, and looking through them. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include <accel/tasks.h>

static void scale_and_move(struct accel_map *map, double sx, double sy, double dx, double dy)
{
	*map = (struct accel_map){ { sx, 0, dx, 0, sy, dy, 0, 0, 1 } };
}

void accel_map_stretch(struct accel_map *map, const struct accel_picture *picture,
		       uint32_t width, uint32_t height)
{
	scale_and_move(map, (double)picture->width / width, (double)picture->height / height, 0, 0);
}

void accel_map_letterbox(struct accel_map *map, const struct accel_picture *picture,
			 uint32_t width, uint32_t height, enum accel_gravity gravity)
{
	double sx = (double)picture->width / width, sy = (double)picture->height / height;
	double scale = sx > sy ? sx : sy;
	double dx = 0, dy = 0;

	if (gravity == ACCEL_CENTRE) {
		dx = (picture->width - scale * width) / 2;
		dy = (picture->height - scale * height) / 2;
	}
	scale_and_move(map, scale, scale, dx, dy);
}

void accel_map_crop(struct accel_map *map, const struct accel_box *box, uint32_t width,
		    uint32_t height)
{
	scale_and_move(map, ((double)box->right - (double)box->left) / width,
		       ((double)box->bottom - (double)box->top) / height, (double)box->left,
		       (double)box->top);
}

static void centre(const struct accel_point *points, unsigned int count, double *x, double *y)
{
	*x = 0;
	*y = 0;
	for (unsigned int i = 0; i < count; i++) {
		*x += (double)points[i].x / count;
		*y += (double)points[i].y / count;
	}
}

/*
 * With points as complex numbers less their centres, turning and scaling is
 * one factor: the sum of conj(target) * point over that of |target|^2.
 */
int accel_map_align(struct accel_map *map, const struct accel_point *points,
		    const struct accel_point *targets, unsigned int count)
{
	double px, py, tx, ty, re = 0, im = 0, square = 0;

	centre(points, count, &px, &py);
	centre(targets, count, &tx, &ty);
	for (unsigned int i = 0; i < count; i++) {
		double a = (double)targets[i].x - tx, b = (double)targets[i].y - ty;
		double c = (double)points[i].x - px, d = (double)points[i].y - py;

		re += a * c + b * d;
		im += a * d - b * c;
		square += a * a + b * b;
	}
	if (!(square > 0))
		return -EINVAL;
	re /= square;
	im /= square;
	*map = (struct accel_map){ { re, -im, px - re * tx + im * ty,
				     im, re, py - im * tx - re * ty, 0, 0, 1 } };
	return 0;
}

static double turn(const struct accel_point *a, const struct accel_point *b,
		   const struct accel_point *c)
{
	return ((double)b->x - (double)a->x) * ((double)c->y - (double)b->y) -
	       ((double)b->y - (double)a->y) * ((double)c->x - (double)b->x);
}

/* The unit square to the corners, as Heckbert derives it; then the input to the unit square */
int accel_map_quad(struct accel_map *map, const struct accel_point corners[4], uint32_t width,
		   uint32_t height)
{
	const struct accel_point *c = corners;
	double x0 = (double)c[0].x, y0 = (double)c[0].y;
	double dx1 = (double)c[1].x - (double)c[2].x, dy1 = (double)c[1].y - (double)c[2].y;
	double dx2 = (double)c[3].x - (double)c[2].x, dy2 = (double)c[3].y - (double)c[2].y;
	double sx = x0 - (double)c[1].x + (double)c[2].x - (double)c[3].x;
	double sy = y0 - (double)c[1].y + (double)c[2].y - (double)c[3].y;
	double det = dx1 * dy2 - dx2 * dy1, g, h, *m = map->m;

	for (unsigned int i = 0; i < 4; i++)
		if (!(turn(&c[i], &c[(i + 1) % 4], &c[(i + 2) % 4]) > 0))
			return -EINVAL;
	g = (sx * dy2 - sy * dx2) / det;
	h = (dx1 * sy - dy1 * sx) / det;
	m[0] = ((double)c[1].x - x0 + g * (double)c[1].x) / width;
	m[1] = ((double)c[3].x - x0 + h * (double)c[3].x) / height;
	m[2] = x0;
	m[3] = ((double)c[1].y - y0 + g * (double)c[1].y) / width;
	m[4] = ((double)c[3].y - y0 + h * (double)c[3].y) / height;
	m[5] = y0;
	m[6] = g / width;
	m[7] = h / height;
	m[8] = 1;
	return 0;
}

static void apply(const double *m, double x, double y, double *to_x, double *to_y)
{
	double w = m[6] * x + m[7] * y + m[8];

	*to_x = (m[0] * x + m[1] * y + m[2]) / w;
	*to_y = (m[3] * x + m[4] * y + m[5]) / w;
}

struct accel_point accel_map_point(const struct accel_map *map, struct accel_point at)
{
	double x, y;

	apply(map->m, (double)at.x, (double)at.y, &x, &y);
	return (struct accel_point){ (float)x, (float)y };
}

struct accel_box accel_map_box(const struct accel_map *map, const struct accel_box *box)
{
	struct accel_point from = accel_map_point(map, (struct accel_point){ box->left, box->top });
	struct accel_point to = accel_map_point(map, (struct accel_point){ box->right,
									   box->bottom });

	return (struct accel_box){ from.x, from.y, to.x, to.y };
}

struct tap {
	uint32_t low, high;
	double weight;			/* of high */
};

/* @at: between 0 and @size */
static struct tap tap(double at, uint32_t size)
{
	double low = floor(at - 0.5);
	struct tap tap = { .weight = at - 0.5 - low };

	tap.low = low < 0 ? 0 : (uint32_t)low;
	tap.high = low < 0 ? 0 : tap.low + 1;
	if (tap.low >= size)
		tap.low = size - 1;
	if (tap.high >= size)
		tap.high = size - 1;
	return tap;
}

static void sample(const struct accel_picture *picture, double at_x, double at_y, uint8_t *to)
{
	struct tap x = tap(at_x, picture->width), y = tap(at_y, picture->height);
	const uint8_t *low = picture->rgb + 3 * (size_t)y.low * picture->width;
	const uint8_t *high = picture->rgb + 3 * (size_t)y.high * picture->width;

	for (unsigned int c = 0; c < 3; c++) {
		double above = low[3 * (size_t)x.low + c] * (1 - x.weight) +
			       low[3 * (size_t)x.high + c] * x.weight;
		double below = high[3 * (size_t)x.low + c] * (1 - x.weight) +
			       high[3 * (size_t)x.high + c] * x.weight;

		to[c] = (uint8_t)(above * (1 - y.weight) + below * y.weight + 0.5);
	}
}

void accel_map_sample(const struct accel_map *map, const struct accel_picture *picture,
		      uint32_t width, uint32_t height, uint8_t fill, uint8_t *rgb)
{
	for (uint32_t row = 0; row < height; row++) {
		for (uint32_t col = 0; col < width; col++, rgb += 3) {
			double x, y;

			apply(map->m, col + 0.5, row + 0.5, &x, &y);
			if (x >= 0 && x <= picture->width && y >= 0 && y <= picture->height)
				sample(picture, x, y, rgb);
			else
				memset(rgb, fill, 3);
		}
	}
}
