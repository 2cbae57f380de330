// SPDX-License-Identifier: MIT
/* Pictures: telling the formats apart, limits, resizing. */
#include "picture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

#define SHIFT	11
#define ONE	(1u << SHIFT)

int picture_alloc(struct picture *picture, const char *path)
{
	uint64_t pixels = (uint64_t)picture->width * picture->height;

	if (pixels == 0 || picture->width > PICTURE_MAX_SIDE ||
	    picture->height > PICTURE_MAX_SIDE || pixels > PICTURE_MAX_PIXELS) {
		cli_error("%s: %u x %u pixels: more than %u a side or %u million in all", path,
			  picture->width, picture->height, PICTURE_MAX_SIDE,
			  PICTURE_MAX_PIXELS >> 20);
		return -1;
	}
	picture->rgb = malloc(3 * pixels);
	if (!picture->rgb) {
		cli_error("%s: out of memory", path);
		return -1;
	}
	return 0;
}

static int load_open(FILE *file, const char *path, struct picture *picture)
{
	static const unsigned char jpeg[] = { 0xff, 0xd8, 0xff };
	static const unsigned char png[] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };
	unsigned char magic[8] = { 0 };
	size_t got = fread(magic, 1, sizeof(magic), file);

	if (ferror(file) || fseek(file, 0, SEEK_SET)) {
		cli_error("%s: reading: %s", path, strerror(errno));
		return -1;
	}
	if (got >= sizeof(jpeg) && memcmp(magic, jpeg, sizeof(jpeg)) == 0)
		return picture_read_jpeg(file, path, picture);
	if (got == sizeof(png) && memcmp(magic, png, sizeof(png)) == 0)
		return picture_read_png(file, path, picture);
	cli_error("%s: not a JPEG or PNG file", path);
	return -1;
}

int picture_load(const char *path, struct picture *picture)
{
	FILE *file = fopen(path, "rbe");
	int ret;

	*picture = (struct picture){ 0 };
	if (!file) {
		cli_error("%s: %s", path, strerror(errno));
		return -1;
	}
	ret = load_open(file, path, picture);
	fclose(file);
	if (ret) {
		free(picture->rgb);
		picture->rgb = NULL;
	}
	return ret;
}

/* Where an output coordinate lies between two input ones */
struct tap {
	uint32_t low;
	uint32_t high;
	uint32_t weight;		/* of high, of ONE */
};

/* The position is (at + 1/2) * in / out - 1/2: as a fraction, over 2 * out */
static struct tap tap(uint32_t at, uint32_t in, uint32_t out)
{
	int64_t whole = 2 * (int64_t)out;
	int64_t position = (2 * (int64_t)at + 1) * in - out;
	struct tap tap;

	if (position < 0)
		position = 0;
	tap.low = (uint32_t)(position / whole);
	tap.weight = (uint32_t)((position % whole * ONE + out) / whole);
	if (tap.low >= in - 1) {
		tap.low = in - 1;
		tap.weight = 0;
	}
	tap.high = tap.low + (tap.low < in - 1);
	return tap;
}

static unsigned char blend(const unsigned char *low, const unsigned char *high, struct tap x,
			   uint32_t weight_y, unsigned int channel)
{
	uint32_t above = low[3 * x.low + channel] * (ONE - x.weight) +
			 low[3 * x.high + channel] * x.weight;
	uint32_t below = high[3 * x.low + channel] * (ONE - x.weight) +
			 high[3 * x.high + channel] * x.weight;

	return (unsigned char)((above * (ONE - weight_y) + below * weight_y +
				(1u << (2 * SHIFT - 1))) >> (2 * SHIFT));
}

int picture_resize(const struct picture *from, struct picture *to)
{
	if (picture_alloc(to, "resized picture"))
		return -1;
	for (uint32_t y = 0; y < to->height; y++) {
		struct tap ty = tap(y, from->height, to->height);
		const unsigned char *low = from->rgb + 3 * (size_t)ty.low * from->width;
		const unsigned char *high = from->rgb + 3 * (size_t)ty.high * from->width;
		unsigned char *row = to->rgb + 3 * (size_t)y * to->width;

		for (uint32_t x = 0; x < to->width; x++) {
			struct tap tx = tap(x, from->width, to->width);

			for (unsigned int c = 0; c < 3; c++)
				row[3 * x + c] = blend(low, high, tx, ty.weight, c);
		}
	}
	return 0;
}
