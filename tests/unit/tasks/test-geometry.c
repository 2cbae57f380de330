// SPDX-License-Identifier: MIT
/* Maps, sampling, and pixels as values: cases worked by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <accel/tasks.h>

static void near(float a, float b)
{
	if (!(fabsf(a - b) < 1e-3f))
		fail_msg("%g is not %g", (double)a, (double)b);
}

static void maps(const struct accel_map *map, float x, float y, float to_x, float to_y)
{
	struct accel_point at = accel_map_point(map, (struct accel_point){ x, y });

	near(at.x, to_x);
	near(at.y, to_y);
}

static void test_stretch_and_letterbox(void **state)
{
	const struct accel_picture wide = { 200, 100, NULL };
	struct accel_map map;
	struct accel_box box = { 0, 12.5f, 50, 37.5f };

	accel_map_stretch(&map, &wide, 50, 50);
	maps(&map, 25, 25, 100, 50);
	maps(&map, 50, 50, 200, 100);
	/* 200 x 100 in 50 x 50: a quarter of the size, 12.5 rows above and below */
	accel_map_letterbox(&map, &wide, 50, 50, ACCEL_CENTRE);
	maps(&map, 0, 12.5f, 0, 0);
	maps(&map, 50, 37.5f, 200, 100);
	box = accel_map_box(&map, &box);
	near(box.right, 200);
	near(box.top, 0);
	accel_map_letterbox(&map, &wide, 50, 50, ACCEL_TOP_LEFT);
	maps(&map, 0, 0, 0, 0);
	maps(&map, 50, 25, 200, 100);
}

static void test_crop(void **state)
{
	const struct accel_box box = { -10, 20, 30, 40 };
	struct accel_map map;

	accel_map_crop(&map, &box, 20, 10);
	maps(&map, 0, 0, -10, 20);
	maps(&map, 20, 10, 30, 40);
}

/* A quarter turn, twice as large, moved: exact, as the points fit */
static void test_align(void **state)
{
	const struct accel_point targets[] = { { 1, 1 }, { 3, 1 }, { 2, 4 } };
	struct accel_point points[3];
	struct accel_map map;

	for (int i = 0; i < 3; i++)
		points[i] = (struct accel_point){ 10 - 2 * targets[i].y, 5 + 2 * targets[i].x };
	assert_int_equal(accel_map_align(&map, points, targets, 3), 0);
	maps(&map, 1, 1, 8, 7);
	maps(&map, 0, 0, 10, 5);
	maps(&map, 7, 9, -8, 19);
	assert_int_equal(accel_map_align(&map, points, (struct accel_point[3]){ { 0, 0 } }, 3),
			 -EINVAL);
	/* Two points don't agree with a third one: the error is spread, not dropped */
	points[2].x += 3;
	assert_int_equal(accel_map_align(&map, points, targets, 3), 0);
}

static void test_quad(void **state)
{
	const struct accel_point kite[4] = { { 10, 10 }, { 50, 20 }, { 60, 60 }, { 5, 40 } };
	const struct accel_point dent[4] = { { 0, 0 }, { 10, 0 }, { 2, 2 }, { 0, 10 } };
	const struct accel_point line[4] = { { 0, 0 }, { 10, 0 }, { 20, 0 }, { 30, 0 } };
	const struct accel_point back[4] = { { 0, 0 }, { 0, 10 }, { 10, 10 }, { 10, 0 } };
	const struct accel_point none[4] = { { 0, 0 }, { NAN, 0 }, { 10, 10 }, { 0, 10 } };
	struct accel_map map;

	assert_int_equal(accel_map_quad(&map, kite, 20, 10), 0);
	maps(&map, 0, 0, 10, 10);
	maps(&map, 20, 0, 50, 20);
	maps(&map, 20, 10, 60, 60);
	maps(&map, 0, 10, 5, 40);
	/* The middle goes where the diagonals cross: 10 + 50 t = 50 - 45 s = 20 + 20 s, s = 6/13 */
	maps(&map, 10, 5, 20 + 20 * 6 / 13.0f, 20 + 20 * 6 / 13.0f);
	assert_int_equal(accel_map_quad(&map, dent, 20, 10), -EINVAL);
	assert_int_equal(accel_map_quad(&map, line, 20, 10), -EINVAL);
	assert_int_equal(accel_map_quad(&map, back, 20, 10), -EINVAL);
	assert_int_equal(accel_map_quad(&map, none, 20, 10), -EINVAL);
}

static void test_sample(void **state)
{
	/* Columns 0, 100 in a row above 50, 150; red only */
	const uint8_t rgb[] = { 0, 7, 9, 100, 7, 9, 50, 7, 9, 150, 7, 9 };
	const struct accel_picture picture = { 2, 2, rgb };
	const struct accel_box beyond = { -2, 0, 2, 2 };
	struct accel_map map;
	uint8_t out[3 * 16];

	accel_map_stretch(&map, &picture, 2, 2);
	accel_map_sample(&map, &picture, 2, 2, 1, out);
	assert_memory_equal(out, rgb, sizeof(rgb));
	/* One pixel: between all four */
	accel_map_stretch(&map, &picture, 1, 1);
	accel_map_sample(&map, &picture, 1, 1, 1, out);
	assert_int_equal(out[0], 75);
	assert_int_equal(out[1], 7);
	/* Four columns: at 1/4, 3/4, 5/4, 7/4; the edge is repeated; row 0 is at 1/2 */
	accel_map_stretch(&map, &picture, 4, 2);
	accel_map_sample(&map, &picture, 4, 2, 1, out);
	assert_int_equal(out[0], 0);
	assert_int_equal(out[3], 25);
	assert_int_equal(out[6], 75);
	assert_int_equal(out[9], 100);
	accel_map_crop(&map, &beyond, 4, 2);
	accel_map_sample(&map, &picture, 4, 2, 33, out);
	assert_int_equal(out[0], 33);
	assert_int_equal(out[5], 33);
	assert_int_equal(out[6], 0);
	assert_int_equal(out[9], 100);
	/* A map to nowhere shows the fill, not memory */
	map = (struct accel_map){ { NAN, 0, 0, 0, NAN, 0, 0, 0, 1 } };
	accel_map_sample(&map, &picture, 1, 1, 44, out);
	assert_int_equal(out[0], 44);
	map = (struct accel_map){ { 1e300, 0, 0, 0, 1e300, 0, 0, 0, 1 } };
	accel_map_sample(&map, &picture, 1, 1, 45, out);
	assert_int_equal(out[0], 45);
}

static struct accel_values shape(uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
	return (struct accel_values){ .name = "in", .rank = 4, .dims = { a, b, c, d },
				      .count = (size_t)a * b * c * d };
}

static void test_place(void **state)
{
	const struct accel_pixels pixels = { { 10, 20, 30 }, { 1, 2, 3 }, 0, 0 };
	struct accel_pixels blue_first = pixels;
	const uint8_t rgb[] = { 11, 22, 33, 14, 25, 36 };
	struct accel_values nhwc = shape(1, 1, 2, 3), nchw = shape(2, 3, 1, 2);
	struct accel_values luma = shape(1, 1, 1, 2), wrong = shape(1, 2, 1, 2);
	struct accel_error err;
	float values[12];

	assert_int_equal(accel_pixels_place(&pixels, &nhwc, rgb, values, &err), 0);
	assert_memory_equal(values, ((float[]){ 1, 4, 9, 4, 10, 18 }), 6 * sizeof(float));
	assert_int_equal(accel_pixels_place(&pixels, &nchw, rgb, values, &err), 0);
	assert_memory_equal(values, ((float[]){ 1, 4, 4, 10, 9, 18, 1, 4, 4, 10, 9, 18 }),
			    sizeof(values));
	blue_first.bgr = 1;
	assert_int_equal(accel_pixels_place(&blue_first, &nhwc, rgb, values, &err), 0);
	assert_memory_equal(values, ((float[]){ 23, 4, -57 }), 3 * sizeof(float));
	/* 0.299 * 11 + 0.587 * 22 + 0.114 * 33 = 19.97: 20 */
	assert_int_equal(accel_pixels_place(&pixels, &luma, rgb, values, &err), 0);
	near(values[0], 10);
	assert_int_equal(accel_pixels_place(&pixels, &wrong, rgb, values, &err), -EINVAL);
	assert_string_equal(err.text, "input in is [1, 2, 1, 2], expected [n, height, width, 3 or 1] or [n, 3 or 1, height, width] for a picture");
	wrong.rank = 3;
	assert_int_equal(accel_pixels_place(&pixels, &wrong, rgb, values, NULL), -EINVAL);
	wrong = shape(1, 0, 4, 3);
	assert_int_equal(accel_pixels_place(&pixels, &wrong, rgb, values, NULL), -EINVAL);
}

static void test_quantize(void **state)
{
	struct accel_tensor tensor = { .dtype = ACCEL_S8, .scale = 0.5f, .zero_point = -3,
				       .elements = 6 };
	const float values[] = { 0, 1.24f, 1.26f, 1000, -1000, NAN };
	float back[6];
	int8_t s8[6];
	uint8_t u8[6];
	int16_t s16[6];

	accel_quantize(&tensor, values, s8);
	assert_memory_equal(s8, ((int8_t[]){ -3, -1, 0, 127, -128, -128 }), 6);
	accel_dequantize(&tensor, s8, back);
	near(back[1], 1);
	near(back[3], 65);
	tensor.dtype = ACCEL_U8;
	accel_quantize(&tensor, values, u8);
	assert_memory_equal(u8, ((uint8_t[]){ 0, 0, 0, 255, 0, 0 }), 6);
	tensor.dtype = ACCEL_S16;
	accel_quantize(&tensor, values, s16);
	assert_int_equal(s16[3], 1997);
	tensor.dtype = ACCEL_F32;
	accel_quantize(&tensor, values, back);
	assert_memory_equal(back, values, sizeof(back));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stretch_and_letterbox),
		cmocka_unit_test(test_crop),
		cmocka_unit_test(test_align),
		cmocka_unit_test(test_quad),
		cmocka_unit_test(test_sample),
		cmocka_unit_test(test_place),
		cmocka_unit_test(test_quantize),
	};

	return cmocka_run_group_tests_name("tasks-geometry", tests, NULL, NULL);
}
