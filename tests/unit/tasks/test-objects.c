// SPDX-License-Identifier: MIT
/* Classes, boxes and detectors: cases worked by hand, and shapes and numbers that lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fake_net.h"

static const uint32_t picture_input[] = { 1, 32, 32, 3 };

static void near(float a, float b)
{
	if (!(fabsf(a - b) < 1e-4f))
		fail_msg("%g is not %g", (double)a, (double)b);
}

static void test_top(void **state)
{
	const float scores[] = { 0.1f, 0.7f, NAN, 0.7f, 0.9f };
	struct accel_class top[8];

	assert_int_equal(accel_top(scores, 5, top, 3), 3);
	assert_int_equal(top[0].index, 4);
	assert_int_equal(top[1].index, 1);		/* of equals the first */
	assert_int_equal(top[2].index, 3);
	assert_int_equal(accel_top(scores, 5, top, 8), 5);
	assert_int_equal(top[4].index, 2);		/* no number: last */
	assert_int_equal(accel_top(scores, 0, top, 8), 0);
	assert_int_equal(accel_top(scores, 5, top, 0), 0);
}

static void test_overlap(void **state)
{
	const struct accel_box a = { 0, 0, 2, 2 }, b = { 1, 1, 3, 3 }, c = { 5, 5, 6, 6 };
	const struct accel_box inside_out = { 2, 2, 0, 0 };

	near(accel_box_overlap(&a, &a), 1);
	near(accel_box_overlap(&a, &b), 1 / 7.0f);
	near(accel_box_overlap(&a, &c), 0);
	near(accel_box_overlap(&a, &inside_out), 0);
	near(accel_box_overlap(&inside_out, &inside_out), 0);
}

static void test_nms(void **state)
{
	struct accel_object objects[] = {
		{ { 0, 0, 10, 10 }, 1, 0.8f },
		{ { 1, 1, 10, 10 }, 1, 0.9f },		/* better, and 81/100 of the first */
		{ { 0, 0, 10, 10 }, 2, 0.7f },		/* another class */
		{ { 20, 20, 30, 30 }, 1, 0.5f },
		{ { 0, 0, NAN, 10 }, 1, 0.99f },
		{ { 0, 0, 10, 10 }, 3, NAN },
		{ { 5, 5, 5, 9 }, 3, 0.9f },
		{ { 0, 0, INFINITY, 10 }, 1, 0.99f },
	};

	assert_int_equal(accel_nms(objects, 8, 0.5f), 3);
	near(objects[0].score, 0.9f);
	near(objects[1].score, 0.7f);
	near(objects[2].score, 0.5f);
	assert_int_equal(accel_nms(objects, 0, 0.5f), 0);
	assert_int_equal(accel_nms(NULL, 0, 0.5f), 0);
}

static enum accel_detector kind(const struct fake_net *fake)
{
	return accel_detector_kind(fake->net.outputs, fake->net.num_outputs, 32, 32);
}

static int detect(const struct fake_net *fake, float threshold, struct accel_object **objects,
		  size_t *count, struct accel_error *err)
{
	*objects = NULL;
	*count = 99;
	return accel_detect(fake->net.outputs, fake->net.num_outputs, 32, 32, threshold, objects,
			    count, err);
}

/* 32 x 32 has 4 * 4 + 2 * 2 + 1 = 21 places. Box of place 5: centre (10, 12), size 4 x 6 */
static void check_yolo(const struct fake_net *fake, float *boxes, float *scores)
{
	struct accel_object *objects;
	struct accel_error err;
	size_t count;

	for (int i = 5; i < 7; i++) {		/* place 6 is the same object, a little worse */
		boxes[i] = 10;
		boxes[21 + i] = 12;
		boxes[42 + i] = 4;
		boxes[63 + i] = 6;
		scores[21 + i] = 0.9f - 0.01f * (float)i;
	}
	scores[20] = 0.6f;			/* a box without area */
	assert_int_equal(detect(fake, 0.5f, &objects, &count, &err), 0);
	assert_int_equal(count, 1);
	assert_int_equal(objects[0].class_index, 1);
	near(objects[0].score, 0.85f);
	near(objects[0].box.left, 8);
	near(objects[0].box.top, 9);
	near(objects[0].box.right, 12);
	near(objects[0].box.bottom, 15);
	free(objects);
	assert_int_equal(detect(fake, 0.95f, &objects, &count, &err), 0);
	assert_int_equal(count, 0);
	free(objects);
}

static void test_yolo(void **state)
{
	const uint32_t one[] = { 1, 7, 21 }, boxes[] = { 1, 4, 21 }, scores[] = { 1, 3, 21 };
	struct fake_net fake;
	float *a, *b;

	fake_init(&fake, picture_input);
	a = fake_output(&fake, 3, one);
	assert_int_equal(kind(&fake), ACCEL_DETECTOR_YOLO);
	assert_int_equal(accel_detector_kind(fake.net.outputs, 1, 64, 32), ACCEL_DETECTOR_NONE);
	check_yolo(&fake, a, a + 4 * 21);
	fake_free(&fake);
	/* In two outputs, in any order */
	fake_init(&fake, picture_input);
	a = fake_output(&fake, 3, boxes);
	b = fake_output(&fake, 3, scores);
	assert_int_equal(kind(&fake), ACCEL_DETECTOR_YOLO_SPLIT);
	check_yolo(&fake, a, b);
	fake_free(&fake);
	fake_init(&fake, picture_input);
	b = fake_output(&fake, 3, scores);
	a = fake_output(&fake, 3, boxes);
	check_yolo(&fake, a, b);
	fake_free(&fake);
}

static void test_ssd(void **state)
{
	const uint32_t boxes[] = { 1, 3, 4 }, list[] = { 1, 3 }, one[] = { 1 };
	const float corners[] = { 0.25f, 0.5f, 0.5f, 1, 0, 0, 1, 1, 0, 0, 1, 1 };
	struct accel_object *objects;
	struct accel_error err;
	struct fake_net fake;
	float *out[4];
	size_t count;

	fake_init(&fake, picture_input);
	out[0] = fake_output(&fake, 3, boxes);
	out[1] = fake_output(&fake, 2, list);
	out[2] = fake_output(&fake, 2, list);
	out[3] = fake_output(&fake, 1, one);
	memcpy(out[0], corners, sizeof(corners));
	memcpy(out[1], ((float[]){ 17, -1, NAN }), 12);
	memcpy(out[2], ((float[]){ 0.9f, 0.9f, 0.9f }), 12);
	out[3][0] = 1e30f;				/* more than there are */
	assert_int_equal(kind(&fake), ACCEL_DETECTOR_SSD);
	assert_int_equal(detect(&fake, 0.5f, &objects, &count, &err), 0);
	assert_int_equal(count, 1);			/* the other classes are none */
	assert_int_equal(objects[0].class_index, 17);
	near(objects[0].box.left, 16);
	near(objects[0].box.top, 8);
	near(objects[0].box.right, 32);
	near(objects[0].box.bottom, 16);
	free(objects);
	out[3][0] = NAN;
	assert_int_equal(detect(&fake, 0.5f, &objects, &count, &err), 0);
	assert_int_equal(count, 0);
	free(objects);
	fake_free(&fake);
}

static void test_refused(void **state)
{
	static const struct {
		uint32_t rank, dims[4];
	} shapes[] = {
		{ 3, { 1, 84, 20 } },			/* not a place for each cell */
		{ 3, { 1, 4, 21 } },			/* no class */
		{ 3, { 2, 84, 21 } },
		{ 2, { 84, 21 } },
		{ 4, { 1, 84, 21, 1 } },
		{ 0, { 0 } },
	};
	struct accel_object *objects;
	struct accel_error err;
	struct fake_net fake;
	size_t count;

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		fake_init(&fake, picture_input);
		fake_output(&fake, shapes[i].rank, shapes[i].dims);
		assert_int_equal(kind(&fake), ACCEL_DETECTOR_NONE);
		assert_int_equal(detect(&fake, 0.5f, &objects, &count, &err), -EINVAL);
		assert_non_null(strstr(err.text, "not the outputs of a detector: ["));
		fake_free(&fake);
	}
	fake_init(&fake, picture_input);
	assert_int_equal(kind(&fake), ACCEL_DETECTOR_NONE);
	assert_int_equal(detect(&fake, 0.5f, &objects, &count, NULL), -EINVAL);
	fake_free(&fake);
}

static void test_anchors(void **state)
{
	struct accel_object *objects;
	struct accel_error err;
	struct accel_anchor *anchors;
	const float scales[] = { 10, 10, 5, 5 };
	float boxes[8] = { 1, -1, 0, 5 * logf(2), 0 }, scores[4] = { 0.1f, 0.8f, 0.3f, 0.2f };
	size_t count;

	/* 128 x 128: 16, 8, 4, 2, 1 cells a side, 9 each */
	anchors = accel_anchors_efficientdet(128, 128, &count);
	assert_int_equal(count, (256 + 64 + 16 + 4 + 1) * 9);
	near(anchors[0].x, 4 / 128.0f);
	near(anchors[0].width, 24 / 128.0f);
	near(anchors[1].width, 24 * sqrtf(2) / 128);
	near(anchors[1].height, 24 / sqrtf(2) / 128);
	near(anchors[3].width, 24 * powf(2, 1 / 3.0f) / 128);
	near(anchors[9].x, 12 / 128.0f);
	free(anchors);
	assert_null(accel_anchors_efficientdet(0, 128, &count));
	anchors = calloc(2, sizeof(*anchors));
	anchors[0] = (struct accel_anchor){ 0.5f, 0.5f, 0.2f, 0.4f };
	assert_int_equal(accel_decode_anchors(anchors, 2, boxes, scores, 2, scales, 100, 100, 0.5f,
					      &objects, &count, &err), 0);
	/* centre (50 - 2, 50 + 4), 20 * 2 wide, 40 high */
	assert_int_equal(count, 1);
	assert_int_equal(objects[0].class_index, 1);
	near(objects[0].box.left, 28);
	near(objects[0].box.top, 34);
	near(objects[0].box.right, 68);
	near(objects[0].box.bottom, 74);
	free(objects);
	free(anchors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_top),
		cmocka_unit_test(test_overlap),
		cmocka_unit_test(test_nms),
		cmocka_unit_test(test_yolo),
		cmocka_unit_test(test_ssd),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_anchors),
	};

	return cmocka_run_group_tests_name("tasks-objects", tests, NULL, NULL);
}
