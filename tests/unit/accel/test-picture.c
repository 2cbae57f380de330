// SPDX-License-Identifier: MIT
/*
 * Pictures of the command-line tool: resizing by hand-worked cases, what the
 * decoders make of each kind of file, and that no damaged file crashes them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jpeglib.h>
#include <png.h>

#include "cli.h"
#include "draw.h"
#include "input.h"
#include "picture.h"

static char dir[] = "/tmp/accel-picture-XXXXXX";
static char file[64];

/* In the tool it prints: here it is kept, to be looked at. */
static char message[512];

int cli_error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	return CLI_FAILED;
}

static void check_refused(const char *path, const char *reason)
{
	struct picture picture;

	message[0] = '\0';
	assert_int_equal(picture_load(path, &picture), -1);
	assert_null(picture.rgb);
	if (strncmp(message, path, strlen(path)) || !strstr(message, reason))
		fail_msg("'%s', expected '%s'", message, reason);
}

static int make_dir(void **state)
{
	assert_non_null(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/p", dir);
	return 0;
}

static int remove_dir(void **state)
{
	unlink(file);
	return rmdir(dir);
}

static void write_file(const void *data, size_t size)
{
	FILE *out = fopen(file, "wb");

	assert_int_equal(fwrite(data, 1, size, out), size);
	fclose(out);
}

static unsigned char *read_file(size_t *size)
{
	unsigned char *data = malloc(1 << 20);
	FILE *in = fopen(file, "rb");

	*size = fread(data, 1, 1 << 20, in);
	fclose(in);
	return data;
}

/* A grey picture of one row */
static struct picture row(const unsigned char *values, uint32_t width)
{
	struct picture picture = { .width = width, .height = 1, .rgb = malloc(3 * width) };

	for (uint32_t x = 0; x < width; x++)
		memset(picture.rgb + 3 * x, values[x], 3);
	return picture;
}

static void check_resize(const unsigned char *from, uint32_t width, const unsigned char *to,
			 uint32_t new_width)
{
	struct picture source = row(from, width);
	struct picture scaled = { .width = new_width, .height = 2 };

	assert_int_equal(picture_resize(&source, &scaled), 0);
	for (uint32_t i = 0; i < 2 * new_width; i++)
		for (int c = 0; c < 3; c++)
			assert_int_equal(scaled.rgb[3 * i + c], to[i % new_width]);
	free(source.rgb);
	free(scaled.rgb);
}

static void test_resize(void **state)
{
	/* positions -1/4, 1/4, 3/4, 5/4: beyond the edge the edge */
	check_resize((const unsigned char[]){ 0, 100 }, 2,
		     (const unsigned char[]){ 0, 25, 75, 100 }, 4);
	/* positions 1/2, 5/2 */
	check_resize((const unsigned char[]){ 0, 100, 50, 60 }, 4,
		     (const unsigned char[]){ 50, 55 }, 2);
	/* positions 1, 4, without antialiasing */
	check_resize((const unsigned char[]){ 9, 20, 9, 9, 30, 9 }, 6,
		     (const unsigned char[]){ 20, 30 }, 2);
	check_resize((const unsigned char[]){ 7 }, 1, (const unsigned char[]){ 7, 7, 7 }, 3);
	check_resize((const unsigned char[]){ 1, 2, 3 }, 3, (const unsigned char[]){ 1, 2, 3 }, 3);
	/* position 1/2 of 0 and 1: half up */
	check_resize((const unsigned char[]){ 0, 1 }, 2, (const unsigned char[]){ 1 }, 1);
}

static struct accel_tensor tensor(enum accel_dtype dtype, uint32_t channels)
{
	return (struct accel_tensor){
		.name = "t", .dtype = dtype, .rank = 4, .dims = { 1, 2, 2, channels, 1, 1 },
		.size = 4 * (size_t)channels, .elements = 4 * (size_t)channels,
	};
}

static void test_input(void **state)
{
	unsigned char rgb[] = { 10, 20, 30 };
	struct picture picture = { .width = 1, .height = 1, .rgb = rgb };
	struct accel_tensor input = tensor(ACCEL_U8, 3);
	unsigned char data[12];
	struct view bytes = { 0 };

	assert_int_equal(input_from_picture(&picture, "p", &bytes, &input, data), 0);
	for (int i = 0; i < 12; i++)
		assert_int_equal(data[i], 10 + 10 * (i % 3));
	input = tensor(ACCEL_S8, 3);
	assert_int_equal(input_from_picture(&picture, "p", &bytes, &input, data), 0);
	assert_int_equal((int8_t)data[1], 20 - 128);
	input = tensor(ACCEL_U8, 1);
	assert_int_equal(input_from_picture(&picture, "p", &bytes, &input, data), 0);
	assert_int_equal(data[3], 18);		/* 0.299 * 10 + 0.587 * 20 + 0.114 * 30 = 18.15 */
	input = tensor(ACCEL_F32, 3);
	assert_int_equal(input_from_picture(&picture, "p", &bytes, &input, data), -1);
	input = tensor(ACCEL_U8, 2);
	assert_int_equal(input_from_picture(&picture, "p", &bytes, &input, data), -1);
}

static void write_png(const void *pixels, png_uint_32 format, uint32_t width, uint32_t height)
{
	png_image image = {
		.version = PNG_IMAGE_VERSION, .width = width, .height = height, .format = format,
	};

	assert_true(png_image_write_to_file(&image, file, 0, pixels, 0, NULL));
}

static void check_pixel(const unsigned char *rgb, unsigned char r, unsigned char g,
			unsigned char b)
{
	assert_int_equal(rgb[0], r);
	assert_int_equal(rgb[1], g);
	assert_int_equal(rgb[2], b);
}

static void test_png(void **state)
{
	const unsigned char grey[] = { 1, 200 }, rgba[] = { 1, 2, 3, 0, 4, 5, 6, 255 };
	struct picture picture;

	write_png(grey, PNG_FORMAT_GRAY, 2, 1);
	assert_int_equal(picture_load(file, &picture), 0);
	assert_int_equal(picture.width, 2);
	assert_int_equal(picture.height, 1);
	check_pixel(picture.rgb + 3, 200, 200, 200);
	free(picture.rgb);
	write_png(rgba, PNG_FORMAT_RGBA, 1, 2);
	assert_int_equal(picture_load(file, &picture), 0);
	check_pixel(picture.rgb, 1, 2, 3);
	check_pixel(picture.rgb + 3, 4, 5, 6);
	assert_int_equal(picture_write_png(file, &picture), 0);
	free(picture.rgb);
	assert_int_equal(picture_load(file, &picture), 0);
	check_pixel(picture.rgb + 3, 4, 5, 6);
	free(picture.rgb);
}

static void write_jpeg(int components, J_COLOR_SPACE space, unsigned char value,
		       uint32_t width, uint32_t height)
{
	struct jpeg_compress_struct jpeg;
	struct jpeg_error_mgr errors;
	unsigned char *line = malloc((size_t)components * width);
	FILE *out = fopen(file, "wb");

	memset(line, value, (size_t)components * width);
	jpeg.err = jpeg_std_error(&errors);
	jpeg_create_compress(&jpeg);
	jpeg_stdio_dest(&jpeg, out);
	jpeg.image_width = width;
	jpeg.image_height = height;
	jpeg.input_components = components;
	jpeg.in_color_space = space;
	jpeg_set_defaults(&jpeg);
	jpeg_simple_progression(&jpeg);
	jpeg_start_compress(&jpeg, TRUE);
	for (uint32_t y = 0; y < height; y++)
		jpeg_write_scanlines(&jpeg, &line, 1);
	jpeg_finish_compress(&jpeg);
	jpeg_destroy_compress(&jpeg);
	fclose(out);
	free(line);
}

static void test_jpeg(void **state)
{
	struct picture picture;

	write_jpeg(3, JCS_RGB, 128, 20, 10);
	assert_int_equal(picture_load(file, &picture), 0);
	assert_int_equal(picture.width, 20);
	assert_int_equal(picture.height, 10);
	check_pixel(picture.rgb + 3 * 199, 128, 128, 128);
	free(picture.rgb);
	write_jpeg(1, JCS_GRAYSCALE, 77, 8, 8);
	assert_int_equal(picture_load(file, &picture), 0);
	check_pixel(picture.rgb, 77, 77, 77);
	free(picture.rgb);
	write_jpeg(4, JCS_CMYK, 77, 8, 8);
	check_refused(file, "JPEG: Unsupported color conversion");
}

static void test_refused(void **state)
{
	/* a header that asks for 2^31 - 1 by 2^31 - 1 pixels */
	static const unsigned char huge[] = {
		0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n', 0, 0, 0, 13, 'I', 'H', 'D', 'R',
		0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 8, 2, 0, 0, 0, 0, 0, 0, 0,
	};
	struct picture picture = { .width = PICTURE_MAX_SIDE, .height = PICTURE_MAX_SIDE };

	assert_int_equal(picture_alloc(&picture, "p"), -1);
	picture.height = 0;
	assert_int_equal(picture_alloc(&picture, "p"), -1);
	write_file(huge, sizeof(huge));
	check_refused(file, "PNG: ");
	write_file("GIF89a", 6);
	check_refused(file, "not a JPEG or PNG file");
	write_file("", 0);
	check_refused(file, "not a JPEG or PNG file");
	check_refused("/nonexistent/p.png", "No such file");
	check_refused(dir, "Is a directory");
}

/* Truncated: refused at every length; the end of a file may hold nothing of use. */
static void check_truncations(void)
{
	size_t size;
	unsigned char *data = read_file(&size);

	for (size_t length = 0; length < size - 16; length += 1 + length / 16) {
		write_file(data, length);
		check_refused(file, "");
	}
	free(data);
}

static void check_mutations(unsigned int count)
{
	struct picture picture;
	size_t size;
	unsigned char *data = read_file(&size);

	srand(1);
	for (unsigned int i = 0; i < count; i++) {
		unsigned char *copy = malloc(size);

		memcpy(copy, data, size);
		for (int n = 1 + rand() % 4; n > 0; n--)
			copy[(size_t)rand() % size] = (unsigned char)rand();
		write_file(copy, size);
		if (picture_load(file, &picture) == 0)
			free(picture.rgb);
		free(copy);
	}
	free(data);
}

static void test_damaged(void **state)
{
	unsigned char pixels[3 * 32 * 32];

	for (size_t i = 0; i < sizeof(pixels); i++)
		pixels[i] = (unsigned char)(i * i);
	write_png(pixels, PNG_FORMAT_RGB, 32, 32);
	check_truncations();
	write_png(pixels, PNG_FORMAT_RGB, 32, 32);
	check_mutations(1000);
	write_jpeg(3, JCS_RGB, 99, 64, 64);
	check_truncations();
	write_jpeg(3, JCS_RGB, 99, 64, 64);
	check_mutations(1000);
}

static void test_draw(void **state)
{
	struct picture picture = { .width = 40, .height = 30, .rgb = calloc(3, 40 * 30) };

	draw_box(&picture, (struct box){ 5, 15, 30, 25 }, 0, "a");
	check_pixel(picture.rgb + 3 * (15 * 40 + 20), 255, 64, 64);	/* the frame */
	check_pixel(picture.rgb + 3 * (20 * 40 + 20), 0, 0, 0);		/* its inside */
	check_pixel(picture.rgb + 3 * (6 * 40 + 5), 255, 64, 64);	/* the label's ground */
	check_pixel(picture.rgb + 3 * (7 * 40 + 7), 0, 0, 0);		/* the top of the A */
	/* wherever a box is, nothing outside the picture is touched */
	draw_box(&picture, (struct box){ -1000, -1000, 5000, 5000 }, 1, "long label here");
	draw_box(&picture, (struct box){ 39, 29, 40, 30 }, 99, "\xff~ %");
	draw_box(&picture, (struct box){ 30, 20, 10, 5 }, 2, "");
	free(picture.rgb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_resize),
		cmocka_unit_test(test_input),
		cmocka_unit_test(test_png),
		cmocka_unit_test(test_jpeg),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_draw),
	};

	return cmocka_run_group_tests_name("accel pictures", tests, make_dir, remove_dir);
}
