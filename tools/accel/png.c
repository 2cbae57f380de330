// SPDX-License-Identifier: MIT
/* Reading and writing PNG files by libpng. */
#include "picture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "cli.h"

static void fail(png_structp png, png_const_charp text)
{
	cli_error("%s: PNG: %s", (const char *)png_get_error_ptr(png), text);
	longjmp(png_jmpbuf(png), 1);
}

static void ignore(png_structp png, png_const_charp text)
{
}

/* Whatever the file has becomes 8-bit RGB, by expansion only: no gamma. */
static int read_rows(png_structp png, png_infop info, const char *path, struct picture *picture)
{
	int passes;

	png_read_info(png, info);
	picture->width = png_get_image_width(png, info);
	picture->height = png_get_image_height(png, info);
	if (picture_alloc(picture, path))
		return -1;
	png_set_expand(png);
	png_set_scale_16(png);
	png_set_strip_alpha(png);
	png_set_gray_to_rgb(png);
	passes = png_set_interlace_handling(png);
	png_read_update_info(png, info);
	if (png_get_rowbytes(png, info) != 3 * (size_t)picture->width) {
		cli_error("%s: PNG: not convertible to RGB", path);
		return -1;
	}
	while (passes--)
		for (uint32_t y = 0; y < picture->height; y++)
			png_read_row(png, picture->rgb + 3 * (size_t)y * picture->width, NULL);
	png_read_end(png, NULL);
	return 0;
}

int picture_read_png(FILE *file, const char *path, struct picture *picture)
{
	png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, (void *)path, fail,
						 ignore);
	png_infop info = png ? png_create_info_struct(png) : NULL;
	volatile int ret = -1;

	if (!info) {
		png_destroy_read_struct(&png, NULL, NULL);
		cli_error("%s: out of memory", path);
		return -1;
	}
	png_set_user_limits(png, PICTURE_MAX_SIDE, PICTURE_MAX_SIDE);
	if (setjmp(png_jmpbuf(png)) == 0) {
		png_init_io(png, file);
		ret = read_rows(png, info, path, picture);
	}
	png_destroy_read_struct(&png, &info, NULL);
	return ret;
}

int picture_write_png(const char *path, const struct picture *picture)
{
	png_image image = {
		.version = PNG_IMAGE_VERSION,
		.width = picture->width,
		.height = picture->height,
		.format = PNG_FORMAT_RGB,
	};

	if (png_image_write_to_file(&image, path, 0, picture->rgb, 0, NULL))
		return 0;
	cli_error("%s: writing PNG: %s", path, image.message);
	return -1;
}
