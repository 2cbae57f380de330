// SPDX-License-Identifier: MIT
/*
 * Detection post-processing against cases worked by hand. The order among
 * equal scores was taken from libstdc++'s std::partial_sort, which TensorFlow
 * Lite's kernel uses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "cpu.h"
#include "model.h"

#define MAX_ANCHORS	8
#define MAX_CLASSES	9
#define MAX_SLOTS	16

struct detect {
	struct {
		struct enpu_detection_params head;
		float anchors[MAX_ANCHORS][4];
	} params;
	struct accel_model_tensor tensors[6];
	struct accel_model_step step;
	union {
		float f32[MAX_ANCHORS * 4];
		uint8_t u8[MAX_ANCHORS * 4];
	} boxes;
	union {
		float f32[MAX_ANCHORS * MAX_CLASSES];
		uint8_t u8[MAX_ANCHORS * MAX_CLASSES];
	} scores;
	float out_boxes[MAX_SLOTS][4];
	float classes[MAX_SLOTS];
	float out_scores[MAX_SLOTS];
	float count;
};

static void shape(struct accel_tensor *tensor, enum accel_dtype dtype, uint32_t d1, uint32_t d2)
{
	*tensor = (struct accel_tensor){
		.dtype = dtype, .rank = 3, .dims = { 1, d1, d2, 1, 1, 1 },
		.elements = (size_t)d1 * d2,
		.size = (size_t)d1 * d2 * accel_dtype_size(dtype),
	};
}

/* Unit boxes at anchors that don't touch each other; scores with a background column */
static void start(struct detect *d, uint32_t anchors, uint32_t classes, uint32_t max,
		  uint32_t per_anchor)
{
	uint32_t slots = max * per_anchor;

	memset(d, 0, sizeof(*d));
	d->params.head = (struct enpu_detection_params){
		.max_detections = max, .max_classes_per_detection = per_anchor,
		.detections_per_class = 100, .num_classes = classes, .num_anchors = anchors,
		.score_threshold = 0.1f, .iou_threshold = 0.5f,
		.y_scale = 10, .x_scale = 10, .h_scale = 5, .w_scale = 5,
	};
	for (uint32_t i = 0; i < anchors; i++) {
		d->params.anchors[i][0] = (float)(2 * i);
		d->params.anchors[i][2] = d->params.anchors[i][3] = 1;
	}
	shape(&d->tensors[0].tensor, ACCEL_F32, anchors, 4);
	shape(&d->tensors[1].tensor, ACCEL_F32, anchors, classes + 1);
	shape(&d->tensors[2].tensor, ACCEL_F32, slots, 4);
	shape(&d->tensors[3].tensor, ACCEL_F32, slots, 1);
	shape(&d->tensors[4].tensor, ACCEL_F32, slots, 1);
	shape(&d->tensors[5].tensor, ACCEL_F32, 1, 1);
	d->step.params = &d->params;
	d->step.params_size = sizeof(d->params.head) + 16 * anchors;
	d->step.num_inputs = 2;
	d->step.num_outputs = 4;
	for (uint32_t i = 0; i < 2; i++)
		d->step.inputs[i] = &d->tensors[i];
	for (uint32_t i = 0; i < 4; i++)
		d->step.outputs[i] = &d->tensors[2 + i];
	memset(d->out_boxes, 0x55, sizeof(d->out_boxes));
	memset(d->classes, 0x55, sizeof(d->classes));
	memset(d->out_scores, 0x55, sizeof(d->out_scores));
}

static const char *detect(struct detect *d)
{
	const void *inputs[] = { &d->boxes, &d->scores };
	void *outputs[] = { d->out_boxes, d->classes, d->out_scores, &d->count };

	assert_null(accel_detection_op.check(&d->step));
	return accel_detection_op.run(&d->step, inputs, outputs);
}

static void check_slot(const struct detect *d, unsigned int slot, float class, float score,
		       float ymin)
{
	if (d->classes[slot] != class || d->out_scores[slot] != score ||
	    d->out_boxes[slot][0] != ymin)
		fail_msg("slot %u: class %g, score %g, ymin %g", slot, (double)d->classes[slot],
			 (double)d->out_scores[slot], (double)d->out_boxes[slot][0]);
}

static void test_decode(void **state)
{
	struct detect d;

	start(&d, 1, 1, 1, 1);
	d.params.anchors[0][0] = 0.5f;
	d.params.anchors[0][1] = 0.25f;
	d.params.anchors[0][2] = 0.5f;
	d.params.anchors[0][3] = 0.125f;
	d.boxes.f32[0] = 5;			/* y: 5 / 10 * 0.5 + 0.5 = 0.75 */
	d.boxes.f32[1] = -10;			/* x: -1 * 0.125 + 0.25 = 0.125 */
	d.boxes.f32[2] = 5;			/* half height: 0.5 * e * 0.5 */
	d.scores.f32[1] = 0.9f;
	assert_null(detect(&d));
	assert_true(d.count == 1);
	assert_true(d.out_boxes[0][0] == 0.75f - (float)(0.5 * exp(1) * 0.5));
	assert_true(d.out_boxes[0][1] == 0.125f - 0.0625f);
	assert_true(d.out_boxes[0][2] == 0.75f + (float)(0.5 * exp(1) * 0.5));
	assert_true(d.out_boxes[0][3] == 0.125f + 0.0625f);
	check_slot(&d, 0, 0, 0.9f, d.out_boxes[0][0]);
}

/* exp() of a double: in single precision the last bit would be another */
static void test_precision(void **state)
{
	struct detect d;

	start(&d, 1, 1, 1, 1);
	d.params.anchors[0][2] = 0.7f;
	d.boxes.f32[2] = 3;
	d.scores.f32[1] = 0.9f;
	assert_null(detect(&d));
	assert_true(d.out_boxes[0][2] == 0.637741566f);
}

static void test_quantized(void **state)
{
	struct detect d;

	start(&d, 2, 1, 2, 1);
	shape(&d.tensors[0].tensor, ACCEL_U8, 2, 4);
	shape(&d.tensors[1].tensor, ACCEL_U8, 2, 2);
	d.tensors[0].tensor.scale = 0.1f;
	d.tensors[0].tensor.zero_point = 100;
	d.tensors[1].tensor.scale = 1 / 256.0f;
	memset(d.boxes.u8, 100, sizeof(d.boxes.u8));
	d.boxes.u8[0] = 103;
	d.scores.u8[1] = 64;
	d.scores.u8[3] = 128;
	assert_null(detect(&d));
	assert_true(d.count == 2);
	check_slot(&d, 0, 0, 0.5f, 1.5f);
	check_slot(&d, 1, 0, 0.25f, (float)((double)((103.0f - 100.0f) * 0.1f) / 10) - 0.5f);
}

static void set_score(struct detect *d, uint32_t anchor, uint32_t class, float score)
{
	d->scores.f32[anchor * d->tensors[1].tensor.dims[2] + class + 1] = score;
}

static void test_order_and_threshold(void **state)
{
	struct detect d;

	start(&d, 5, 1, 5, 1);
	set_score(&d, 0, 0, 0.3f);
	set_score(&d, 1, 0, 0.5f);
	set_score(&d, 2, 0, 0.3f);
	set_score(&d, 3, 0, 0.1f);		/* the threshold itself is in */
	set_score(&d, 4, 0, 0.09f);
	assert_null(detect(&d));
	assert_true(d.count == 4);
	check_slot(&d, 0, 0, 0.5f, 1.5f);
	check_slot(&d, 1, 0, 0.3f, -0.5f);	/* of equals the first */
	check_slot(&d, 2, 0, 0.3f, 3.5f);
	check_slot(&d, 3, 0, 0.1f, 5.5f);
	check_slot(&d, 4, 0, 0, 0);
}

static void test_suppression(void **state)
{
	struct detect d;

	start(&d, 4, 2, 4, 1);
	d.params.head.iou_threshold = 1 / 3.0f;
	d.params.anchors[0][0] = 0;
	d.params.anchors[1][0] = 0.5f;		/* intersection over union with 0: exactly 1/3 */
	d.params.anchors[2][0] = 0.25f;		/* with 0: 0.6 */
	d.params.anchors[3][2] = 0;		/* no area: overlaps nothing */
	set_score(&d, 0, 1, 0.9f);
	set_score(&d, 1, 0, 0.8f);
	set_score(&d, 2, 0, 0.7f);
	set_score(&d, 3, 0, 0.6f);
	d.params.anchors[3][0] = 0;
	assert_null(detect(&d));
	assert_true(d.count == 3);
	check_slot(&d, 0, 1, 0.9f, -0.5f);
	check_slot(&d, 1, 0, 0.8f, 0);
	check_slot(&d, 2, 0, 0.6f, 0);
}

static void test_max_detections(void **state)
{
	struct detect d;

	start(&d, 4, 1, 2, 1);
	for (uint32_t i = 0; i < 4; i++)
		set_score(&d, i, 0, 0.2f + (float)i / 10);
	assert_null(detect(&d));
	assert_true(d.count == 2);
	check_slot(&d, 0, 0, 0.2f + 3.0f / 10, 5.5f);
	check_slot(&d, 1, 0, 0.2f + 2.0f / 10, 3.5f);
}

/* Which of equal classes comes first follows from the heap of partial_sort */
static void test_classes_of_an_anchor(void **state)
{
	static const float scores[] = { 3, 1, 3, 2, 3, 2, 1, 2 };
	static const float order[] = { 4, 0, 2, 5, 3 };
	struct detect d;

	start(&d, 2, 8, 2, 5);
	for (uint32_t c = 0; c < 8; c++)
		set_score(&d, 1, c, scores[c] / 4);
	assert_null(detect(&d));
	assert_true(d.count == 1);
	for (unsigned int i = 0; i < 5; i++)
		check_slot(&d, i, order[i], i < 3 ? 0.75f : 0.5f, 1.5f);
	check_slot(&d, 5, 0, 0, 0);
}

/* More slots for classes than there are classes: those left over are 0 */
static void test_fewer_classes_than_slots(void **state)
{
	struct detect d;

	start(&d, 2, 2, 2, 3);
	set_score(&d, 0, 1, 0.5f);
	set_score(&d, 1, 0, 0.75f);
	assert_null(detect(&d));
	assert_true(d.count == 2);
	check_slot(&d, 0, 0, 0.75f, 1.5f);
	check_slot(&d, 1, 1, 0, 1.5f);
	check_slot(&d, 2, 0, 0, 0);
	check_slot(&d, 3, 1, 0.5f, -0.5f);
}

static void test_no_background(void **state)
{
	struct detect d;

	start(&d, 1, 2, 1, 1);
	shape(&d.tensors[1].tensor, ACCEL_F32, 1, 2);
	d.scores.f32[0] = 0.25f;
	d.scores.f32[1] = 0.5f;
	assert_null(detect(&d));
	check_slot(&d, 0, 1, 0.5f, -0.5f);
}

static void test_regular(void **state)
{
	struct detect d;

	start(&d, 3, 2, 4, 1);
	d.params.head.use_regular_nms = 1;
	d.params.anchors[1][0] = 0.125f;	/* overlaps 0 */
	set_score(&d, 0, 0, 0.5f);
	set_score(&d, 1, 0, 0.6f);		/* suppresses anchor 0 in class 0 */
	set_score(&d, 0, 1, 0.7f);		/* but not in class 1 */
	set_score(&d, 2, 1, 0.2f);
	assert_null(detect(&d));
	assert_true(d.count == 3);
	check_slot(&d, 0, 1, 0.7f, -0.5f);
	check_slot(&d, 1, 0, 0.6f, -0.375f);
	check_slot(&d, 2, 1, 0.2f, 3.5f);
	check_slot(&d, 3, 0, 0, 0);
}

static void test_regular_limits(void **state)
{
	struct detect d;

	start(&d, 3, 2, 2, 1);
	d.params.head.use_regular_nms = 1;
	d.params.head.detections_per_class = 1;
	set_score(&d, 0, 0, 0.5f);
	set_score(&d, 1, 0, 0.6f);
	set_score(&d, 2, 1, 0.55f);
	assert_null(detect(&d));
	assert_true(d.count == 2);
	check_slot(&d, 0, 0, 0.6f, 1.5f);
	check_slot(&d, 1, 1, 0.55f, 3.5f);
}

static void test_not_numbers(void **state)
{
	struct detect d;

	start(&d, 4, 2, 4, 1);
	d.boxes.f32[0] = NAN;
	d.boxes.f32[6] = INFINITY;
	set_score(&d, 0, 0, 0.5f);
	set_score(&d, 1, 0, INFINITY);
	set_score(&d, 2, 1, NAN);
	set_score(&d, 3, 1, 0.3f);
	assert_null(detect(&d));
	assert_true(d.count >= 2 && d.count <= 4);
	d.params.head.use_regular_nms = 1;
	assert_null(detect(&d));
}

static void test_inside_out(void **state)
{
	struct detect d;

	start(&d, 1, 1, 1, 1);
	d.params.anchors[0][3] = -1;
	assert_string_equal(detect(&d), "a box has its end before its start");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_precision),
		cmocka_unit_test(test_quantized),
		cmocka_unit_test(test_order_and_threshold),
		cmocka_unit_test(test_suppression),
		cmocka_unit_test(test_max_detections),
		cmocka_unit_test(test_classes_of_an_anchor),
		cmocka_unit_test(test_fewer_classes_than_slots),
		cmocka_unit_test(test_no_background),
		cmocka_unit_test(test_regular),
		cmocka_unit_test(test_regular_limits),
		cmocka_unit_test(test_not_numbers),
		cmocka_unit_test(test_inside_out),
	};

	return cmocka_run_group_tests_name("libaccel detection", tests, NULL, NULL);
}
