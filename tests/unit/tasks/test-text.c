// SPDX-License-Identifier: MIT
/* Text: regions of maps worked by hand, spelling, and lines that are cut, turned, or not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake_net.h"
#include "rectangle.h"

static void near(double a, double b)
{
	if (!(fabs(a - b) < 1e-3))
		fail_msg("%g is not %g", a, b);
}

static void at(const struct accel_point *point, double x, double y)
{
	near((double)point->x, x);
	near((double)point->y, y);
}

static void test_rectangle(void **state)
{
	/* A square on its corner, and points inside */
	struct accel_point points[] = { { 5, 0 }, { 10, 5 }, { 5, 10 }, { 0, 5 }, { 5, 5 },
					{ 4, 4 }, { 5, 0 } };
	struct accel_point same[] = { { 3, 4 }, { 3, 4 } };
	struct accel_point row[] = { { 1, 2 }, { 5, 2 }, { 3, 2 } };
	struct accel_point hull[8], corners[4];
	struct rectangle r = rectangle_around(points, 7, hull);

	near(r.width * r.height, 50);
	near(r.x, 5);
	near(r.y, 5);
	r = rectangle_around(same, 2, hull);
	near(r.width, 0);
	near(r.x, 3);
	r = rectangle_around(row, 3, hull);
	near(fmax(r.width, r.height), 4);
	near(fmin(r.width, r.height), 0);
	r = (struct rectangle){ 10, 20, 1, 0, 8, 4 };
	rectangle_corners(&r, corners);
	at(&corners[0], 6, 18);
	at(&corners[1], 14, 18);
	at(&corners[2], 14, 22);
	at(&corners[3], 6, 22);
	/* Turned a little: the order stays */
	r = (struct rectangle){ 10, 20, -0.8, 0.6, 10, 5 };
	rectangle_corners(&r, corners);
	at(&corners[0], 4.5, 21);
	at(&corners[1], 12.5, 15);
	at(&corners[2], 15.5, 19);
	at(&corners[3], 7.5, 25);
}

#define MAP_WIDTH	40
#define MAP_HEIGHT	24

static void paint(float *map, int left, int top, int right, int bottom, float value)
{
	for (int y = top; y < bottom; y++)
		for (int x = left; x < right; x++)
			map[y * MAP_WIDTH + x] = value;
}

static size_t boxes(const float *map, struct accel_text **texts)
{
	struct accel_error err;
	size_t count;

	assert_int_equal(accel_text_boxes(map, MAP_WIDTH, MAP_HEIGHT, texts, &count, &err), 0);
	return count;
}

static void test_boxes(void **state)
{
	float map[MAP_WIDTH * MAP_HEIGHT] = { 0 };
	struct accel_text *texts;

	assert_int_equal(boxes(map, &texts), 0);
	free(texts);
	/* 21 x 5 pixels: 20 x 4 between centres; out by 20 * 4 * 1.5 / 48 = 2.5 */
	paint(map, 5, 6, 26, 11, 0.9f);
	paint(map, 30, 6, 38, 11, 0.5f);	/* not sure enough */
	paint(map, 5, 16, 26, 18, 0.9f);	/* too thin */
	map[20 * MAP_WIDTH + 39] = 1;		/* a speck in the corner */
	assert_int_equal(boxes(map, &texts), 1);
	near((double)texts[0].score, 0.9);
	assert_null(texts[0].text);
	at(&texts[0].corners[0], 5.5 - 2.5, 6.5 - 2.5);
	at(&texts[0].corners[2], 25.5 + 2.5, 10.5 + 2.5);
	free(texts);
	/* A corner's touch makes them one */
	paint(map, 26, 11, 36, 16, 0.9f);
	assert_int_equal(boxes(map, &texts), 1);
	free(texts);
	for (int i = 0; i < MAP_WIDTH * MAP_HEIGHT; i++)
		map[i] = NAN;
	assert_int_equal(boxes(map, &texts), 0);
	free(texts);
	paint(map, 0, 0, MAP_WIDTH, MAP_HEIGHT, 1);
	assert_int_equal(boxes(map, &texts), 1);
	free(texts);
}

/* As many regions as can be: the list ends, the program goes on */
static void test_many_boxes(void **state)
{
	enum { SIDE = 400 };
	float *map = calloc(SIDE * SIDE, sizeof(*map));
	struct accel_text *texts;
	struct accel_error err;
	size_t count;

	for (int y = 0; y < SIDE; y++)
		for (int x = 0; x < SIDE; x++)
			map[y * SIDE + x] = x % 8 < 7 && y % 8 < 7 ? 1 : 0;
	assert_int_equal(accel_text_boxes(map, SIDE, SIDE, &texts, &count, &err), 0);
	assert_int_equal(count, 1000);
	free(texts);
	free(map);
	assert_int_equal(accel_text_boxes(NULL, 0, 0, &texts, &count, &err), 0);
	assert_int_equal(count, 0);
	free(texts);
}

static struct accel_keys *load_keys(const char *content, size_t size, int expected)
{
	char path[] = "/tmp/tasks-keys-XXXXXX";
	struct accel_keys *keys = NULL;
	struct accel_error err;
	int fd = mkstemp(path);

	assert_int_equal(write(fd, content, size), size);
	close(fd);
	assert_int_equal(accel_keys_load(path, &keys, &err), expected);
	unlink(path);
	return keys;
}

static void decodes(const int *classes, size_t steps, size_t num_classes,
		    const struct accel_keys *keys, const char *expected)
{
	float *scores = calloc(steps * num_classes + 1, sizeof(*scores)), score;
	struct accel_error err;
	char *text;

	for (size_t i = 0; i < steps; i++)
		scores[i * num_classes + (size_t)classes[i]] = 0.75f;
	assert_int_equal(accel_text_decode(scores, steps, num_classes, keys, &text, &score, &err),
			 0);
	assert_string_equal(text, expected);
	near((double)score, expected[0] ? 0.75 : 0);
	free(text);
	free(scores);
}

static void test_decode(void **state)
{
	struct accel_keys *keys = load_keys("a\r\nb\n\xc3\xa9", 7, 0);
	struct accel_error err;
	float score, zeros[40] = { 0 };
	char *text;

	decodes((int[]){ 1, 1, 0, 1, 2, 2, 0, 3, 4, 1 }, 10, 5, keys, "aab\xc3\xa9 a");
	decodes((int[]){ 0, 0, 0 }, 3, 5, keys, "");
	decodes((int[]){ 3 }, 1, 4, keys, "\xc3\xa9");		/* a recognizer without a space */
	decodes(NULL, 0, 5, keys, "");
	assert_int_equal(accel_text_decode(zeros, 2, 6, keys, &text, &score, &err), -EINVAL);
	assert_non_null(strstr(err.text, "6 classes with 3 keys"));
	assert_int_equal(accel_text_decode(zeros, 2, 3, keys, &text, &score, &err), -EINVAL);
	zeros[0] = NAN;
	zeros[1] = NAN;
	assert_int_equal(accel_text_decode(zeros, 1, 4, keys, &text, &score, &err), 0);
	free(text);
	accel_keys_free(keys);
	assert_null(load_keys("", 0, -EINVAL));
	assert_null(load_keys("a\0b\n", 4, -EINVAL));
	assert_int_equal(accel_keys_load("/nowhere", &keys, &err), -ENOENT);
	accel_keys_free(NULL);
}

/*
 * A recognizer of 4 x 16 pixels in 8 steps: bright columns are "a", others "no
 * character". The input's values are -1 to 1.
 */
#define LINE_HEIGHT	4
#define LINE_WIDTH	16
#define STEPS		8

static void read_bright(struct fake_net *fake)
{
	for (int i = 0; i < STEPS; i++) {
		float value = fake->input[LINE_WIDTH * 2 + 2 * i];
		int bright = value > 0.5f;

		fake->data[0][3 * i] = bright ? 0.1f : 0.9f;
		fake->data[0][3 * i + 1] = bright ? 0.8f : 0.05f;
	}
}

/* Upside down: what has its bright end at the left */
static void tell_direction(struct fake_net *fake)
{
	fake->data[0][1] = fake->input[LINE_WIDTH * 2] > 0.5f;
}

static void reader(struct fake_net *fake)
{
	const uint32_t in[] = { 1, 3, LINE_HEIGHT, LINE_WIDTH }, out[] = { 1, STEPS, 3 };

	fake_init(fake, in);
	fake_output(fake, 3, out);
	fake->compute = read_bright;
}

static void corners_of(struct accel_text *text, float right, float bottom)
{
	text->corners[0] = (struct accel_point){ 0, 0 };
	text->corners[1] = (struct accel_point){ right, 0 };
	text->corners[2] = (struct accel_point){ right, bottom };
	text->corners[3] = (struct accel_point){ 0, bottom };
}

static void reads(struct fake_net *fake, struct accel_net *direction, const uint8_t *rgb,
		  uint32_t width, uint32_t height, const char *expected, unsigned int runs)
{
	struct accel_keys *keys = load_keys("a\n", 2, 0);
	struct accel_picture picture = { width, height, rgb };
	struct accel_text text = { .score = 0 };
	struct accel_error err;

	corners_of(&text, (float)width, (float)height);
	fake->runs = 0;
	assert_int_equal(accel_text_read(&fake->net, direction, keys, &picture, &text, &err), 0);
	assert_string_equal(text.text, expected);
	assert_int_equal(fake->runs, runs);
	free(text.text);
	accel_keys_free(keys);
}

static unsigned int read_width(struct fake_net *fake, const uint8_t *rgb, float width)
{
	struct accel_keys *keys = load_keys("a\n", 2, 0);
	struct accel_picture picture = { 4, 4, rgb };
	struct accel_text text = { .score = 0 };
	struct accel_error err;

	corners_of(&text, width, 4);
	fake->runs = 0;
	assert_int_equal(accel_text_read(&fake->net, NULL, keys, &picture, &text, &err), 0);
	free(text.text);
	accel_keys_free(keys);
	return fake->runs;
}

static void test_read(void **state)
{
	struct fake_net fake, direction;
	const uint32_t in[] = { 1, 3, LINE_HEIGHT, LINE_WIDTH }, two[] = { 1, 2 };
	uint8_t rgb[3 * 60 * 60] = { 0 };

	reader(&fake);
	/* 8 x 4: at the left of the input; the rest is grey */
	memset(rgb + 3 * (8 * 2 + 2), 255, 6);
	for (int y = 0; y < 4; y++)
		memset(rgb + 3 * (8 * y + 4), 255, 6);
	reads(&fake, NULL, rgb, 8, 4, "a", 1);
	/* Nothing there: no text, and no harm */
	memset(rgb, 0, sizeof(rgb));
	reads(&fake, NULL, rgb, 8, 4, "", 1);
	/* 40 x 4: three times the input's width, in parts with spaces between */
	for (int y = 0; y < 4; y++)
		for (int x = 0; x < 40; x++)
			memset(rgb + 3 * (40 * y + x), x % 8 == 2 || x % 8 == 3 ? 255 : 0, 3);
	{
		struct accel_keys *keys = load_keys("a\n", 2, 0);
		struct accel_picture picture = { 40, 4, rgb };
		struct accel_text text = { .score = 0 };
		struct accel_error err;
		size_t letters = 0;

		corners_of(&text, 40, 4);
		fake.runs = 0;
		assert_int_equal(accel_text_read(&fake.net, NULL, keys, &picture, &text, &err), 0);
		for (const char *c = text.text; *c; c++)
			letters += *c == 'a';
		assert_int_equal(letters, 5);
		assert_true(fake.runs >= 3 && fake.runs <= 6);
		near((double)text.score, 0.8);
		free(text.text);
		accel_keys_free(keys);
	}
	/* What may be upside down is read both ways */
	fake_init(&direction, in);
	fake_output(&direction, 2, two);
	direction.compute = tell_direction;
	memset(rgb, 0, sizeof(rgb));
	for (int y = 0; y < 4; y++)
		memset(rgb + 3 * 16 * y, 255, 6);
	reads(&fake, &direction.net, rgb, 16, 4, "a", 2);
	fake_free(&direction);
	/* 4 x 12, downwards: laid on its side */
	memset(rgb, 0, sizeof(rgb));
	memset(rgb + 3 * 4 * 4, 255, 3 * 4 * 2);
	reads(&fake, NULL, rgb, 4, 12, "a", 1);
	/* Wider than any line: shown narrower, in no more parts than there may be */
	assert_true(read_width(&fake, rgb, 1e9f) <= 16);
	fake_free(&fake);
}

static void refused(struct fake_net *fake, const struct accel_text *corners, int code)
{
	struct accel_keys *keys = load_keys("a\n", 2, 0);
	uint8_t rgb[3 * 8 * 8] = { 0 };
	struct accel_picture picture = { 8, 8, rgb };
	struct accel_text text = *corners;
	struct accel_error err = { 0 };

	assert_int_equal(accel_text_read(&fake->net, NULL, keys, &picture, &text, &err), code);
	assert_true(err.text[0]);
	assert_null(text.text);
	accel_keys_free(keys);
}

static void test_refused(void **state)
{
	const uint32_t in[] = { 1, 3, LINE_HEIGHT, LINE_WIDTH }, flat[] = { 8, 3 };
	struct accel_text text = { .score = 0 }, none = { .score = 0 };
	struct fake_net fake;

	corners_of(&text, 8, 4);
	reader(&fake);
	refused(&fake, &none, -EINVAL);			/* corners all alike */
	none.corners[0].x = NAN;
	refused(&fake, &none, -EINVAL);
	fake.fails = 1;
	refused(&fake, &text, -EIO);
	fake_free(&fake);
	fake_init(&fake, in);
	refused(&fake, &text, -EINVAL);
	fake_output(&fake, 2, flat);
	refused(&fake, &text, -EINVAL);
	fake_free(&fake);
}

/* Two lines, the lower one in two pieces that the map has from right to left */
static void mark_lines(struct fake_net *fake)
{
	paint(fake->data[0], 20, 14, 36, 19, 0.9f);
	paint(fake->data[0], 3, 15, 16, 20, 0.9f);
	paint(fake->data[0], 5, 3, 30, 8, 0.9f);
}

static void test_find(void **state)
{
	const uint32_t in[] = { 1, 3, MAP_HEIGHT, MAP_WIDTH };
	const uint32_t out[] = { 1, 1, MAP_HEIGHT, MAP_WIDTH };
	static uint8_t rgb[3 * 80 * 48];
	struct accel_picture picture = { 80, 48, rgb };
	struct accel_text *texts;
	struct accel_error err;
	struct fake_net fake;
	size_t count;

	fake_init(&fake, in);
	fake_output(&fake, 4, out);
	fake.compute = mark_lines;
	/* Twice the map's size; each side goes out by 1.5 or more of the map's pixels */
	assert_int_equal(accel_text_find(&fake.net, &picture, &texts, &count, &err), 0);
	assert_int_equal(count, 3);
	assert_true(texts[0].corners[0].y < texts[1].corners[0].y);
	assert_true(texts[1].corners[0].x < texts[2].corners[0].x);
	near((double)texts[0].corners[0].x, 2 * (5.5 - 24 * 4 * 1.5 / 56));
	near((double)texts[0].corners[2].y, 2 * (7.5 + 24 * 4 * 1.5 / 56));
	accel_text_free(texts, count);
	/* The lower half of the input is beyond the picture: no text is there */
	picture.height = 24;
	assert_int_equal(accel_text_find(&fake.net, &picture, &texts, &count, &err), 0);
	assert_int_equal(count, 1);
	accel_text_free(texts, count);
	fake.net.outputs[0].count--;
	assert_int_equal(accel_text_find(&fake.net, &picture, &texts, &count, &err), -EINVAL);
	assert_non_null(strstr(err.text, "fake: not a detector of text"));
	fake_free(&fake);
	accel_text_free(NULL, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rectangle),
		cmocka_unit_test(test_boxes),
		cmocka_unit_test(test_many_boxes),
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_find),
	};

	return cmocka_run_group_tests_name("tasks-text", tests, NULL, NULL);
}
