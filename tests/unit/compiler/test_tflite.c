// SPDX-License-Identifier: MIT
/* The TensorFlow Lite reader: what it reads, and what it refuses and with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../tools/compiler/tflite/flexbuffer.h"
#include "../../../tools/compiler/tflite/import.h"
#include "tflite_model.h"

/* input -> CONV_2D -> RELU -> output */
static void small_model(struct test_model *m)
{
	int in, mid, out;

	tm_init(m);
	in = tm_nhwc(m, "in", 0.5f, 128, 8, 6, 3);
	mid = tm_nhwc(m, "mid", 0.25f, 7, 4, 3, 20);
	out = tm_nhwc(m, "out", 0.25f, 7, 4, 3, 20);
	tm_conv(m, in, mid, 3, 2, 0, 3);
	tm_unary(m, TM_RELU, mid, out);
	m->n_inputs = 1;
	m->inputs[0] = in;
	m->n_outputs = 1;
	m->outputs[0] = out;
}

struct imported {
	struct arena arena;
	struct enpu_diag diag;
	struct graph g;
	uint8_t *data;
	size_t size;
};

static int import(struct imported *im)
{
	im->arena.limit = 64 << 20;
	im->g = (struct graph) { .arena = &im->arena, .diag = &im->diag, .file = "test.tflite" };
	if (setjmp(im->arena.oom))
		return -1;
	return tflite_import(&im->g, im->data, im->size);
}

static int import_model(struct imported *im, struct test_model *m)
{
	memset(im, 0, sizeof(*im));
	im->data = tm_write(m, &im->size);
	tm_free(m);
	return import(im);
}

static void release(struct imported *im)
{
	arena_free(&im->arena);
	enpu_diag_free(&im->diag);
	free(im->data);
}

static void reads_a_model(void **state)
{
	struct imported im;
	struct test_model m;

	small_model(&m);
	assert_int_equal(import_model(&im, &m), 0);
	assert_int_equal(im.g.n_ops, 2);
	assert_int_equal(im.g.ops[0].kind, OP_CONV_2D);
	assert_string_equal(im.g.ops[0].name, "CONV_2D");
	assert_int_equal(im.g.ops[0].attrs.stride_h, 2);
	assert_int_equal(im.g.ops[0].attrs.activation, ACT_RELU6);
	assert_int_equal(im.g.ops[0].attrs.padding, PADDING_SAME);
	assert_int_equal(im.g.ops[1].kind, OP_RELU);
	assert_ptr_equal(im.g.ops[1].inputs[0]->producer, &im.g.ops[0]);
	assert_string_equal(im.g.inputs[0]->name, "in");
	assert_int_equal(im.g.inputs[0]->dims[1], 8);
	assert_true(im.g.inputs[0]->quant.scale[0] == 0.5f);
	assert_int_equal(im.g.inputs[0]->quant.zero_point[0], 128);
	assert_int_equal(im.g.ops[0].inputs[1]->data_bytes, 20 * 3 * 3 * 3);
	release(&im);
}

/* Every model that a case breaks must be refused with a text that holds its words. */
static void expect_refusal(struct test_model *m, const char *words)
{
	struct imported im;

	assert_int_not_equal(import_model(&im, m), 0);
	assert_int_equal(im.diag.count, 1);
	assert_int_equal(im.diag.messages[0].severity, ENPU_ERROR);
	assert_non_null(strstr(im.diag.messages[0].text, "test.tflite: "));
	if (!strstr(im.diag.messages[0].text, words))
		fail_msg("'%s' lacks '%s'", im.diag.messages[0].text, words);
	release(&im);
}

static void refuses_bad_indices(void **state)
{
	struct test_model m;

	small_model(&m);
	m.ops[0].in[1] = 99;
	expect_refusal(&m, "operator inputs names tensor 99 of");
	small_model(&m);
	m.outputs[0] = -1;
	expect_refusal(&m, "output 0 of the model is left out");
	small_model(&m);
	m.ops[1].out[0] = m.ops[0].out[0];
	expect_refusal(&m, "has a source already");
	small_model(&m);
	m.n_inputs = 0;
	expect_refusal(&m, "no inputs");
}

static void refuses_bad_tensors(void **state)
{
	struct test_model m;

	small_model(&m);
	m.tensors[0].dims[2] = -5;
	expect_refusal(&m, "dimension 2 is -5");
	small_model(&m);
	m.tensors[0].dims[1] = 1 << 20;
	m.tensors[0].dims[2] = 1 << 20;
	expect_refusal(&m, "more than");
	small_model(&m);
	m.tensors[0].rank = 7;
	expect_refusal(&m, "7 dimensions");
	small_model(&m);
	m.tensors[0].type = 77;
	expect_refusal(&m, "unknown type 77");
	small_model(&m);
	m.tensors[3].bytes--;
	expect_refusal(&m, "needs 540 bytes");
	small_model(&m);
	m.tensors[0].scale = -1;
	expect_refusal(&m, "scale 0 is -1");
}

static void refuses_foreign_options(void **state)
{
	struct test_model m;

	small_model(&m);
	m.ops[0].options_type = 5;
	expect_refusal(&m, "options of type 5");
	small_model(&m);
	m.ops[0].fields[3].bits = 200;
	expect_refusal(&m, "fused activation 200");
}

/* Cut off anywhere, a model is refused; never more is read than there is (ASan watches). */
static void refuses_every_truncation(void **state)
{
	struct imported im = { 0 };
	struct test_model m;
	uint8_t *whole;
	size_t size;

	small_model(&m);
	whole = tm_write(&m, &size);
	tm_free(&m);
	for (size_t n = 0; n < size - 8; n++) {
		memset(&im, 0, sizeof(im));
		im.data = malloc(n ? n : 1);
		memcpy(im.data, whole, n);
		im.size = n;
		assert_int_not_equal(import(&im), 0);
		assert_int_equal(im.diag.count, 1);
		release(&im);
	}
	free(whole);
}

/* Every single byte set to its complement: read or refused, but never beyond the file. */
static void survives_every_flip(void **state)
{
	struct imported im;
	struct test_model m;
	uint8_t *whole;
	size_t size;

	small_model(&m);
	whole = tm_write(&m, &size);
	tm_free(&m);
	for (size_t i = 0; i < size; i++) {
		memset(&im, 0, sizeof(im));
		im.data = malloc(size);
		memcpy(im.data, whole, size);
		im.data[i] ^= 0xff;
		im.size = size;
		if (import(&im))
			assert_true(im.diag.count == 1);
		release(&im);
	}
	free(whole);
}

/* {"a": 1.5, "n": 300} */
static void flex_maps_are_bounded(void **state)
{
	/*
	 * keys at 0 "a", 2 "n"; key vector (1-byte entries) with length 2 at 4: entries at 5
	 * and 6, 5 and 4 back; map with 4-byte values: distance to the keys at 8, key width
	 * at 12, length at 16, values at 20 and 24, types at 28 and 29; root: offset 10 back
	 * to 20, type map of 4 bytes, width 1
	 */
	uint8_t map[] = {
		'a', 0, 'n', 0, 2, 5, 4, 0,
		3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0,
		0, 0, 0xc0, 0x3f, 44, 1, 0, 0, 3 << 2 | 2, 1 << 2 | 2,
		10, 9 << 2 | 2, 1,
	};
	struct flex_map m;
	double value;

	assert_int_equal(flex_map_open(&m, map, sizeof(map)), 0);
	assert_true(flex_map_number(&m, "a", &value) && value == 1.5);
	assert_true(flex_map_number(&m, "n", &value) && value == 300);
	assert_false(flex_map_number(&m, "x", &value));
	for (size_t i = 0; i < sizeof(map); i++) {
		for (int bit = 0; bit < 8; bit++) {
			uint8_t *copy = malloc(sizeof(map));

			memcpy(copy, map, sizeof(map));
			copy[i] ^= 1 << bit;
			if (!flex_map_open(&m, copy, sizeof(map)))
				flex_map_number(&m, "n", &value);
			free(copy);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_model),
		cmocka_unit_test(refuses_bad_indices),
		cmocka_unit_test(refuses_bad_tensors),
		cmocka_unit_test(refuses_foreign_options),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(survives_every_flip),
		cmocka_unit_test(flex_maps_are_bounded),
	};

	return cmocka_run_group_tests_name("compiler: TensorFlow Lite files", tests, NULL, NULL);
}
