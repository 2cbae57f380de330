/* SPDX-License-Identifier: MIT */
/* Boxes with labels on a picture. */
#ifndef ACCEL_CLI_DRAW_H
#define ACCEL_CLI_DRAW_H

#include "picture.h"

#define FONT_WIDTH	5
#define FONT_HEIGHT	7

const unsigned char *font_glyph(char c);

/* Pixels; clipped to the picture */
struct box {
	int left, top, right, bottom;
};

/* @color: picks one of a palette */
void draw_box(struct picture *picture, struct box box, unsigned int color, const char *label);

#endif
