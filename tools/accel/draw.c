// SPDX-License-Identifier: MIT
/* Frames and text, in sizes that grow with the picture. */
#include "draw.h"

#include <string.h>

struct rgb {
	unsigned char channel[3];
};

static const struct rgb palette[] = {
	{ { 255, 64, 64 } }, { { 64, 200, 64 } }, { { 80, 140, 255 } }, { { 255, 200, 0 } },
	{ { 255, 80, 220 } }, { { 0, 210, 210 } }, { { 255, 140, 0 } }, { { 170, 110, 255 } },
};

static const struct rgb black = { { 0, 0, 0 } };

/* The pixels [left, right) x [top, bottom), as far as they are in the picture */
static void fill(struct picture *picture, struct box box, struct rgb color)
{
	int width = (int)picture->width, height = (int)picture->height;

	for (int y = box.top < 0 ? 0 : box.top; y < box.bottom && y < height; y++)
		for (int x = box.left < 0 ? 0 : box.left; x < box.right && x < width; x++)
			memcpy(picture->rgb + 3 * ((size_t)y * picture->width + (size_t)x),
			       color.channel, 3);
}

static void frame(struct picture *picture, struct box b, int thick, struct rgb color)
{
	fill(picture, (struct box){ b.left, b.top, b.right, b.top + thick }, color);
	fill(picture, (struct box){ b.left, b.bottom - thick, b.right, b.bottom }, color);
	fill(picture, (struct box){ b.left, b.top, b.left + thick, b.bottom }, color);
	fill(picture, (struct box){ b.right - thick, b.top, b.right, b.bottom }, color);
}

static void glyph(struct picture *picture, int x, int y, int scale, char c)
{
	const unsigned char *rows = font_glyph(c);

	for (int row = 0; row < FONT_HEIGHT; row++)
		for (int col = 0; col < FONT_WIDTH; col++)
			if (rows[row] & (1 << (FONT_WIDTH - 1 - col)))
				fill(picture, (struct box){ x + col * scale, y + row * scale,
							    x + (col + 1) * scale,
							    y + (row + 1) * scale }, black);
}

static void text(struct picture *picture, int x, int y, int scale, struct rgb color,
		 const char *label)
{
	int cell = (FONT_WIDTH + 1) * scale;
	int length = (int)strlen(label);

	fill(picture, (struct box){ x, y, x + length * cell + scale,
				    y + (FONT_HEIGHT + 2) * scale }, color);
	for (int i = 0; i < length; i++)
		glyph(picture, x + scale + i * cell, y + scale, scale, label[i]);
}

void draw_box(struct picture *picture, struct box box, unsigned int color, const char *label)
{
	struct rgb rgb = palette[color % (sizeof(palette) / sizeof(palette[0]))];
	uint32_t shorter = picture->width < picture->height ? picture->width : picture->height;
	int scale = 1 + (int)(shorter / 400);
	int height = (FONT_HEIGHT + 2) * scale;

	frame(picture, box, 1 + scale, rgb);
	text(picture, box.left < 0 ? 0 : box.left, box.top >= height ? box.top - height :
	     box.top < 0 ? 0 : box.top, scale, rgb, label);
}
