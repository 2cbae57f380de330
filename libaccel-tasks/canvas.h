/* SPDX-License-Identifier: MIT */
/*
 * A net that looks at every place of its input alike, and whose input is of one size, shown
 * pictures of all sizes: small ones side by side, large ones in parts that overlap.
 */
#ifndef TASKS_CANVAS_H
#define TASKS_CANVAS_H

#include "pyramid.h"

#define CANVAS_PIECES	64

/* A part of a level, and where on the canvas it is */
struct piece {
	const struct level *level;
	uint32_t x, y;			/* in the level */
	uint32_t at_x, at_y;		/* on the canvas */
	uint32_t width, height;
};

struct canvas {
	struct accel_net *net;
	const struct accel_pixels *pixels;
	uint32_t window, stride;	/* what an output sees, and how far the next one is */
	/* Looks at a piece after the net has run. 0 or a negative errno */
	int (*look)(void *arg, const struct piece *piece, struct accel_error *err);
	void *arg;
	/* The rest is the canvas' own */
	uint32_t width, height;
	uint8_t *rgb;			/* as the net has it: a row for each x */
	float *values;
	struct piece pieces[CANVAS_PIECES];
	size_t count;
	uint32_t x, y, row_height;	/* where the next piece goes */
};

/* All 0 or a negative errno; after canvas_open(), whatever it gave, canvas_close() */
int canvas_open(struct canvas *c, struct accel_error *err);
int canvas_show(struct canvas *c, const struct level *level, struct accel_error *err);
/* Runs what has not run yet. */
int canvas_finish(struct canvas *c, struct accel_error *err);
void canvas_close(struct canvas *c);

#endif
