// SPDX-License-Identifier: MIT
/* Faces: boxes and points back in the picture, alignment, embeddings, shapes that lie. */
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

#define SIDE	16

static void near(float a, float b, float off)
{
	if (!(fabsf(a - b) <= off))
		fail_msg("%g is not %g", (double)a, (double)b);
}

/* Finds what is white, as one face: scores and corners */
static void find_white(struct fake_net *fake)
{
	float *score = fake->data[0], *box = fake->data[1];
	float left = SIDE, top = SIDE, right = 0, bottom = 0;

	for (int y = 0; y < SIDE; y++) {
		for (int x = 0; x < SIDE; x++) {
			if (fake->input[3 * (SIDE * y + x)] < 0.5f)
				continue;
			left = fminf(left, (float)x);
			right = fmaxf(right, (float)x + 1);
			top = fminf(top, (float)y);
			bottom = fmaxf(bottom, (float)y + 1);
		}
	}
	score[2 * 3 + 1] = right > left ? 0.9f : 0;
	box[4 * 3] = left / SIDE;
	box[4 * 3 + 1] = top / SIDE;
	box[4 * 3 + 2] = right / SIDE;
	box[4 * 3 + 3] = bottom / SIDE;
}

static void white_finder(struct fake_net *fake)
{
	const uint32_t in[] = { 1, SIDE, SIDE, 3 }, scores[] = { 1, 5, 2 }, boxes[] = { 1, 5, 4 };

	fake_init(fake, in);
	fake_output(fake, 3, scores);
	fake_output(fake, 3, boxes);
	fake->compute = find_white;
}

/* 64 x 32, black, with a white square from (@x, @y) */
static struct accel_picture scene(uint8_t *rgb, int x, int y, int size)
{
	memset(rgb, 0, 3 * 64 * 32);
	for (int row = y; row < y + size; row++)
		memset(rgb + 3 * (64 * row + x), 255, 3 * (size_t)size);
	return (struct accel_picture){ 64, 32, rgb };
}

static void test_find(void **state)
{
	uint8_t rgb[3 * 64 * 32];
	struct accel_picture picture = scene(rgb, 40, 8, 8);
	struct accel_face *faces;
	struct accel_error err;
	struct fake_net fake;
	size_t count;

	white_finder(&fake);
	assert_int_equal(accel_faces_find(&fake.net, &picture, 0.5f, 1, &faces, &count, &err), 0);
	assert_int_equal(count, 1);
	assert_int_equal(fake.runs, 1);
	assert_int_equal(faces[0].known, 0);
	near(faces[0].box.left, 40, 1e-3f);
	near(faces[0].box.top, 8, 1e-3f);
	near(faces[0].box.right, 48, 1e-3f);
	near(faces[0].box.bottom, 16, 1e-3f);
	free(faces);
	/* The whole and four parts, where it is found again: still one, at its place */
	assert_int_equal(accel_faces_find(&fake.net, &picture, 0.5f, 2, &faces, &count, &err), 0);
	assert_int_equal(count, 1);
	assert_int_equal(fake.runs, 1 + 5);
	near(faces[0].box.left, 40, 1.5f);
	near(faces[0].box.bottom, 16, 1.5f);
	free(faces);
	/* Two columns that the whole is not sampled at: found in the part from column 27 */
	picture = scene(rgb, 43, 8, 2);
	assert_int_equal(accel_faces_find(&fake.net, &picture, 0.5f, 1, &faces, &count, &err), 0);
	assert_int_equal(count, 0);
	free(faces);
	assert_int_equal(accel_faces_find(&fake.net, &picture, 0.5f, 2, &faces, &count, &err), 0);
	assert_int_equal(count, 1);
	near(faces[0].box.left, 27 + 7 * 37 / 16.0f, 1e-3f);
	near(faces[0].box.right, 27 + 8 * 37 / 16.0f, 1e-3f);
	free(faces);
	assert_int_equal(accel_faces_find(&fake.net, &picture, 0.95f, 1, &faces, &count, &err), 0);
	assert_int_equal(count, 0);
	free(faces);
	assert_int_equal(accel_faces_find(&fake.net, &picture, 0.5f, 0, &faces, &count, &err),
			 -EINVAL);
	assert_int_equal(accel_faces_find(&fake.net, &picture, 0.5f, 17, &faces, &count, &err),
			 -EINVAL);
	fake.fails = 1;
	assert_int_equal(accel_faces_find(&fake.net, &picture, 0.5f, 1, &faces, &count, &err),
			 -EIO);
	assert_string_equal(err.text, "broken");
	fake_free(&fake);
}

static void test_no_numbers(void **state)
{
	uint8_t rgb[3 * 64 * 32];
	struct accel_picture picture = scene(rgb, 40, 8, 8);
	struct accel_face *faces;
	struct accel_error err;
	struct fake_net fake;
	size_t count;

	white_finder(&fake);
	fake.compute = NULL;
	for (int i = 0; i < 5; i++)
		fake.data[0][2 * i + 1] = 0.9f;
	fake.data[0][1] = NAN;
	fake.data[0][3] = INFINITY;
	fake.data[1][8] = NAN;
	fake.data[1][12] = -INFINITY;
	fake.data[1][13 + 1] = INFINITY;
	assert_int_equal(accel_faces_find(&fake.net, &picture, 0.5f, 1, &faces, &count, &err), 0);
	assert_int_equal(count, 0);
	free(faces);
	fake_free(&fake);
}

/* MediaPipe, short range: place 1 of cell (2, 1) of the fine grid, 64 x 32 in 128 x 128 */
static void test_mediapipe(void **state)
{
	const uint32_t in[] = { 1, 128, 128, 3 };
	const uint32_t regressors[] = { 1, 896, 16 }, logits[] = { 1, 896, 1 };
	const float numbers[16] = { 4, 0, 20, 30, -5, -6, 5, -6, 0, 1, 0, 8 };
	uint8_t rgb[3 * 64 * 32];
	struct accel_picture picture = scene(rgb, 40, 8, 8);
	struct accel_face *faces;
	struct accel_error err;
	struct fake_net fake;
	size_t count, at = 2 * (16 * 1 + 2) + 1;

	fake_init(&fake, in);
	memcpy(fake_output(&fake, 3, regressors) + 16 * at, numbers, sizeof(numbers));
	fake_output(&fake, 3, logits);
	for (size_t i = 0; i < 896; i++)
		fake.data[1][i] = -200;
	fake.data[1][at] = 2;
	/* The last place: of the coarse grid's last cell, at (120, 120) */
	fake.data[1][895] = 1;
	fake.data[0][16 * 895 + 2] = 8;
	fake.data[0][16 * 895 + 3] = 8;
	assert_int_equal(accel_faces_find(&fake.net, &picture, 0.5f, 1, &faces, &count, &err), 0);
	assert_int_equal(count, 2);
	near(faces[1].box.left, (120 - 4) / 2.0f, 1e-3f);
	near(faces[1].box.top, (120 - 4) / 2.0f - 16, 1e-3f);
	near(faces[0].score, 1 / (1 + expf(-2)), 1e-5f);
	/* The anchor is at (20, 12); half a pixel of the picture each, less 16 rows */
	near(faces[0].box.left, (24 - 10) / 2.0f, 1e-3f);
	near(faces[0].box.right, (24 + 10) / 2.0f, 1e-3f);
	near(faces[0].box.top, (12 - 15) / 2.0f - 16, 1e-3f);
	near(faces[0].points[ACCEL_LEFT_EYE].x, 15 / 2.0f, 1e-3f);
	near(faces[0].points[ACCEL_RIGHT_EYE].x, 25 / 2.0f, 1e-3f);
	near(faces[0].points[ACCEL_MOUTH].y, 20 / 2.0f - 16, 1e-3f);
	assert_int_equal(faces[0].known, 1 << ACCEL_LEFT_EYE | 1 << ACCEL_RIGHT_EYE |
			 1 << ACCEL_NOSE | 1 << ACCEL_MOUTH);
	free(faces);
	fake_free(&fake);
}

static void test_not_a_detector(void **state)
{
	const uint32_t in[] = { 1, 128, 128, 3 }, a[] = { 1, 896, 16 }, b[] = { 1, 895, 1 };
	uint8_t rgb[3 * 64 * 32];
	struct accel_picture picture = scene(rgb, 0, 0, 1);
	struct accel_face *faces;
	struct accel_error err;
	struct fake_net fake;
	size_t count;

	fake_init(&fake, in);
	assert_int_equal(accel_faces_find(&fake.net, &picture, 0.5f, 1, &faces, &count, &err),
			 -EINVAL);
	fake_output(&fake, 3, a);
	fake_output(&fake, 3, b);
	assert_int_equal(accel_faces_find(&fake.net, &picture, 0.5f, 1, &faces, &count, &err),
			 -EINVAL);
	assert_non_null(strstr(err.text,
			       "fake: not a face detector: outputs [1, 896, 16], [1, 895, 1]"));
	fake_free(&fake);
}

static void test_landmarks(void **state)
{
	const uint32_t in[] = { 1, 1, 64, 64 }, out[] = { 1, 136 };
	uint8_t rgb[3 * 64 * 32];
	struct accel_picture picture = scene(rgb, 0, 0, 1);
	struct accel_face face = { .box = { 10, 10, 20, 30 } };
	struct accel_error err;
	struct fake_net fake;
	float *v;

	fake_init(&fake, in);
	v = fake_output(&fake, 2, out);
	/* The square around (15, 20) of 20 x 20 begins at (5, 10). Lids: mean (0.25, 0.5) */
	for (int i = 37; i <= 41; i++) {
		v[2 * i] = i < 39 ? 0.2f : 0.3f;
		v[2 * i + 1] = 0.5f;
	}
	v[2 * 39] = 9;					/* a corner of the eye: not of the lids */
	v[2 * 40] = 0.3f;
	v[2 * 48] = 0.1f;
	v[2 * 60] = 0.3f;				/* corner of the mouth: mean 0.2 */
	v[2 * 30] = 0.5f;
	v[2 * 30 + 1] = 0.5f;
	assert_int_equal(accel_face_landmarks(&fake.net, &picture, &face, &err), 0);
	near(face.points[ACCEL_LEFT_EYE].x, 5 + 0.25f * 20, 1e-3f);
	near(face.points[ACCEL_LEFT_EYE].y, 10 + 0.5f * 20, 1e-3f);
	near(face.points[ACCEL_NOSE].x, 15, 1e-3f);
	near(face.points[ACCEL_MOUTH_LEFT].x, 5 + 0.2f * 20, 1e-3f);
	assert_int_equal(face.known, 0x1f);
	fake.net.outputs[0].count = 135;
	assert_int_equal(accel_face_landmarks(&fake.net, &picture, &face, &err), -EINVAL);
	fake_free(&fake);
}

/* A face whose points lie as in the template, at twice the size and moved by (7, 9) */
static void test_alignment(void **state)
{
	struct accel_face face = { .box = { 0, 0, 10, 10 }, .known = 0x1f };
	const float at[5][2] = { { 38.2946f, 51.6963f }, { 73.5318f, 51.5014f },
				 { 56.0252f, 71.7366f }, { 41.5493f, 92.3655f },
				 { 70.7299f, 92.2041f } };
	struct accel_point p;
	struct accel_map map;

	for (int i = 0; i < 5; i++)
		face.points[i] = (struct accel_point){ 2 * at[i][0] + 7, 2 * at[i][1] + 9 };
	assert_int_equal(accel_face_map(&face, 112, 112, &map), 0);
	p = accel_map_point(&map, (struct accel_point){ 0, 0 });
	near(p.x, 7, 1e-2f);
	near(p.y, 9, 1e-2f);
	p = accel_map_point(&map, (struct accel_point){ 112, 112 });
	near(p.x, 231, 1e-2f);
	/* Without points: the box, a tenth wider */
	face.known = 0;
	assert_int_equal(accel_face_map(&face, 112, 112, &map), 0);
	p = accel_map_point(&map, (struct accel_point){ 0, 112 });
	near(p.x, -0.5f, 1e-2f);
	near(p.y, 10.5f, 1e-2f);
}

static void test_embedding(void **state)
{
	const uint32_t in[] = { 2, 4, 4, 3 }, out[] = { 2, 2 };
	uint8_t rgb[3 * 64 * 32];
	struct accel_picture picture = scene(rgb, 0, 0, 1);
	struct accel_face face = { .box = { 0, 0, 10, 10 } };
	struct accel_error err;
	struct fake_net fake;
	float *values, *embedding;
	size_t count;

	fake_init(&fake, in);
	values = fake_output(&fake, 2, out);
	memcpy(values, ((float[]){ 3, -4, 100, 100 }), 16);
	assert_int_equal(accel_face_embed(&fake.net, &picture, &face, &embedding, &count, &err), 0);
	assert_int_equal(count, 2);
	near(embedding[0], 0.6f, 1e-6f);
	near(embedding[1], -0.8f, 1e-6f);
	near(accel_cosine(embedding, (float[]){ -0.8f, -0.6f }, 2), 0, 1e-6f);
	near(accel_cosine(embedding, (float[]){ 6, -8 }, 2), 1, 1e-6f);
	near(accel_cosine(embedding, (float[]){ 0, 0 }, 2), 0, 0);
	free(embedding);
	values[0] = 0;
	values[1] = 0;
	assert_int_equal(accel_face_embed(&fake.net, &picture, &face, &embedding, &count, &err),
			 -EINVAL);
	values[1] = NAN;
	assert_int_equal(accel_face_embed(&fake.net, &picture, &face, &embedding, &count, &err),
			 -EINVAL);
	fake.net.outputs[0].dims[0] = 1;
	assert_int_equal(accel_face_embed(&fake.net, &picture, &face, &embedding, &count, &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, "expected [2, length]"));
	fake_free(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_no_numbers),
		cmocka_unit_test(test_mediapipe),
		cmocka_unit_test(test_not_a_detector),
		cmocka_unit_test(test_landmarks),
		cmocka_unit_test(test_alignment),
		cmocka_unit_test(test_embedding),
	};

	return cmocka_run_group_tests_name("tasks-faces", tests, NULL, NULL);
}
