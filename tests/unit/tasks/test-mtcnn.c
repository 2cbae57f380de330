// SPDX-License-Identifier: MIT
/* An MTCNN's steps with nets that see white: where boxes and points must come out, by hand. */
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

#define WIDTH	120
#define HEIGHT	90
#define CANVAS_X 60			/* the first side of the first net's input */
#define CANVAS_Y 40
#define OUT_X	((CANVAS_X - 10) / 2)
#define OUT_Y	((CANVAS_Y - 10) / 2)

struct cascade {
	struct fake_net p, r, o;
	struct accel_net *nets[3];
	uint8_t rgb[3 * WIDTH * HEIGHT];
	struct accel_picture picture;
};

static void near(float a, float b, float off)
{
	if (!(fabsf(a - b) <= off))
		fail_msg("%g is not %g", (double)a, (double)b);
}

/* Share of white in a square of the input, whose first side is x */
static float white(const struct fake_net *net, uint32_t x, uint32_t y, uint32_t side)
{
	float sum = 0;

	for (uint32_t i = 0; i < side * side; i++) {
		size_t pixel = (size_t)(x + i / side) * net->net.input.dims[2] + y + i % side;

		sum += net->input[3 * pixel] / 2 + 0.5f;
	}
	return sum / (float)(side * side);
}

/* Only where nearly all of the window is white */
static void propose(struct fake_net *net)
{
	for (uint32_t x = 0; x < OUT_X; x++)
		for (uint32_t y = 0; y < OUT_Y; y++)
			net->data[0][2 * (x * OUT_Y + y) + 1] = white(net, 2 * x, 2 * y, 12) - 0.1f;
}

/* The box is to grow by a quarter of its width to the left, by an eighth downwards. */
static void grow(struct fake_net *net)
{
	net->data[0][1] = white(net, 0, 0, 24);
	net->data[1][0] = -0.25f;
	net->data[1][3] = 0.125f;
}

/* Its points are at tenths: x at 1, 2, ..., y at 9, 8, ... */
static void point(struct fake_net *net)
{
	net->data[0][1] = white(net, 0, 0, 48);
	for (int i = 0; i < 5; i++) {
		net->data[2][i] = (float)(i + 1) / 10;
		net->data[2][5 + i] = (float)(9 - i) / 10;
	}
}

static void draw(struct cascade *c, int left, int top, int side)
{
	for (int y = top; y < top + side; y++)
		memset(c->rgb + 3 * (WIDTH * y + left), 255, 3 * (size_t)side);
}

static int setup(void **state)
{
	const uint32_t p_in[] = { 1, CANVAS_X, CANVAS_Y, 3 }, scores[] = { 1, OUT_X, OUT_Y, 2 };
	const uint32_t shifts[] = { 1, OUT_X, OUT_Y, 4 };
	const uint32_t r_in[] = { 1, 24, 24, 3 }, o_in[] = { 1, 48, 48, 3 };
	const uint32_t two[] = { 1, 2 }, four[] = { 1, 4 }, ten[] = { 1, 10 };
	struct cascade *c = test_calloc(1, sizeof(*c));

	fake_init(&c->p, p_in);
	fake_output(&c->p, 4, scores);
	fake_output(&c->p, 4, shifts);
	fake_init(&c->r, r_in);
	fake_output(&c->r, 2, two);
	fake_output(&c->r, 2, four);
	fake_init(&c->o, o_in);
	fake_output(&c->o, 2, two);
	fake_output(&c->o, 2, four);
	fake_output(&c->o, 2, ten);
	c->p.compute = propose;
	c->r.compute = grow;
	c->o.compute = point;
	c->nets[0] = &c->p.net;
	c->nets[1] = &c->r.net;
	c->nets[2] = &c->o.net;
	c->picture = (struct accel_picture){ WIDTH, HEIGHT, c->rgb };
	*state = c;
	return 0;
}

static int teardown(void **state)
{
	struct cascade *c = *state;

	fake_free(&c->p);
	fake_free(&c->r);
	fake_free(&c->o);
	test_free(c);
	return 0;
}

/*
 * 20 x 20 pixels are 12 x 12 in the first size, and 8 in the next. The second net wants the box 25
 * wide from 5 to the left on, and 22.5 high: the third sees a square of 25, of which 400 / 625 are
 * white. The first net sees each fourth pixel of the picture, more or less: that is what is off.
 */
static void check_face(const struct accel_face *face, float left, float top)
{
	float side = face->box.right - face->box.left;

	near(face->box.left, left - 5, 2);
	near(face->box.right, left + 20, 2);
	near(face->box.top, top - 1.25f, 2);
	near(face->box.bottom, top + 23.75f, 2);
	near(face->score, 400.0f / 625, 0.1f);
	assert_int_equal(face->known, 0x1f);
	near(face->points[ACCEL_LEFT_EYE].x, face->box.left + side / 10, 1e-3f);
	near(face->points[ACCEL_LEFT_EYE].y, face->box.top + side * 9 / 10, 1e-3f);
	near(face->points[ACCEL_MOUTH_RIGHT].x, face->box.left + side / 2, 1e-3f);
	near(face->points[ACCEL_MOUTH_RIGHT].y, face->box.top + side / 2, 1e-3f);
}

/* Larger sizes go into the net's input in parts: one square is in the first, one in the last. */
static void test_find(void **state)
{
	struct cascade *c = *state;
	struct accel_error err;
	struct accel_face *faces;
	int first;
	size_t count;

	draw(c, 10, 5, 20);
	draw(c, 95, 65, 20);
	assert_int_equal(accel_faces_mtcnn(c->nets, &c->picture, 0.5f, &faces, &count, &err), 0);
	assert_int_equal(count, 2);
	first = faces[0].box.left > faces[1].box.left;
	check_face(&faces[first], 10, 5);
	check_face(&faces[!first], 95, 65);
	free(faces);
}

static void test_none(void **state)
{
	struct cascade *c = *state;
	struct accel_error err;
	struct accel_face *faces;
	size_t count;

	assert_int_equal(accel_faces_mtcnn(c->nets, &c->picture, 0.5f, &faces, &count, &err), 0);
	assert_int_equal(count, 0);
	assert_null(faces);
	assert_true(c->p.runs > 1);		/* 72 x 54 pixels do not fit into 60 x 40 */
	assert_int_equal(c->r.runs, 0);
	/* smaller than the window of the first net in its largest size */
	c->picture.width = 8;
	c->picture.height = 8;
	assert_int_equal(accel_faces_mtcnn(c->nets, &c->picture, 0.5f, &faces, &count, &err), 0);
	assert_int_equal(count, 0);
}

static void test_refused(void **state)
{
	struct cascade *c = *state;
	struct accel_net *order[] = { c->nets[0], c->nets[2], c->nets[1] };
	struct accel_error err;
	struct accel_face *faces;
	size_t count;

	assert_int_equal(accel_faces_mtcnn(order, &c->picture, 0.5f, &faces, &count, &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, "net R"));
	assert_non_null(strstr(err.text, "[1, 48, 48, 3]"));
	order[0] = c->nets[1];
	assert_int_equal(accel_faces_mtcnn(order, &c->picture, 0.5f, &faces, &count, &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, "net P"));
	c->p.fails = 1;
	assert_int_equal(accel_faces_mtcnn(c->nets, &c->picture, 0.5f, &faces, &count, &err), -EIO);
	c->p.fails = 0;
	c->o.fails = 1;
	draw(c, 70, 50, 20);
	assert_int_equal(accel_faces_mtcnn(c->nets, &c->picture, 0.5f, &faces, &count, &err), -EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_find, setup, teardown),
		cmocka_unit_test_setup_teardown(test_none, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
