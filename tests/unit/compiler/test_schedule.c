// SPDX-License-Identifier: MIT
/*
 * From graph to commands: what becomes a view costs no command, and whatever the
 * size of the SRAM makes of the schedule, the results are the same and the streams
 * are sound. A hand-made convolution tells whether they are right.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../tools/compiler/ops/quantize.h"
#include "compiled.h"

static void set_ends(struct test_model *m, int in, int out)
{
	m->n_inputs = 1;
	m->inputs[0] = in;
	m->n_outputs = 1;
	m->outputs[0] = out;
}

/* Two convolutions write into their concatenation; no byte is moved. */
static void concatenation_in_place(void **state)
{
	struct compiled c;
	struct test_model m;
	int in, a, b, sum, out;

	tm_init(&m);
	in = tm_nhwc(&m, "in", 0.5f, 0, 8, 8, 4);
	a = tm_nhwc(&m, "a", 0.25f, 9, 8, 8, 20);
	b = tm_nhwc(&m, "b", 0.25f, 9, 8, 8, 12);
	sum = tm_nhwc(&m, "sum", 0.25f, 9, 8, 8, 32);
	out = tm_nhwc(&m, "out", 0.5f, 0, 8, 8, 4);
	tm_conv(&m, in, a, 1, 1, 0, 0);
	tm_conv(&m, in, b, 3, 1, 0, 0);
	tm_concat(&m, 2, (int32_t[]) { a, b }, 3, sum);
	tm_conv(&m, sum, out, 1, 1, 0, 0);
	set_ends(&m, in, out);
	compile_model(&c, &m, 4096);
	assert_int_equal(count_commands(&c, ENPU_OP_LUT), 0);
	assert_true(count_commands(&c, ENPU_OP_CONV) >= 3);
	compiled_free(&c);
	tm_free(&m);
}

/* A part that is quantized differently goes through a table, the other is written in place. */
static void concatenation_requantizes(void **state)
{
	struct compiled c;
	struct test_model m;
	int in, a, b, sum;

	tm_init(&m);
	in = tm_nhwc(&m, "in", 0.5f, 0, 8, 8, 4);
	a = tm_nhwc(&m, "a", 0.25f, 9, 8, 8, 20);
	b = tm_nhwc(&m, "b", 0.5f, 100, 8, 8, 12);
	sum = tm_nhwc(&m, "sum", 0.25f, 9, 8, 8, 32);
	tm_conv(&m, in, a, 1, 1, 0, 0);
	tm_conv(&m, in, b, 3, 1, 0, 0);
	tm_concat(&m, 2, (int32_t[]) { a, b }, 3, sum);
	set_ends(&m, in, sum);
	compile_model(&c, &m, 0);
	assert_int_equal(count_commands(&c, ENPU_OP_LUT), 1);
	compiled_free(&c);
	tm_free(&m);
}

/* Reshapes vanish, and with the same scale on both sides so does a RELU; a PAD becomes a window. */
static void folding(void **state)
{
	struct compiled c;
	struct test_model m;
	int in, a, b, padded, flat, out, pads, shape;

	tm_init(&m);
	in = tm_nhwc(&m, "in", 0.5f, 0, 8, 8, 4);
	a = tm_nhwc(&m, "a", 0.25f, 9, 8, 8, 16);
	b = tm_nhwc(&m, "b", 0.25f, 9, 8, 8, 16);
	padded = tm_nhwc(&m, "padded", 0.25f, 9, 10, 10, 16);
	flat = tm_nhwc(&m, "c", 0.25f, 9, 8, 8, 4);
	out = tm_tensor(&m, "out", TM_U8, 0.25f, 9, 2, (int32_t[]) { 64, 4 });
	pads = tm_ints(&m, "pads", 8, (int32_t[]) { 0, 0, 1, 1, 1, 1, 0, 0 });
	m.tensors[pads].rank = 2;
	m.tensors[pads].dims[0] = 4;
	m.tensors[pads].dims[1] = 2;
	shape = tm_ints(&m, "shape", 2, (int32_t[]) { 64, 4 });
	tm_conv(&m, in, a, 1, 1, 0, 0);
	tm_unary(&m, TM_RELU, a, b);
	tm_op(&m, TM_PAD, 2, (int32_t[]) { b, pads }, padded);
	tm_conv(&m, padded, flat, 3, 1, 1, 0);
	tm_op(&m, TM_RESHAPE, 2, (int32_t[]) { flat, shape }, out);
	set_ends(&m, in, out);
	/* with no SRAM to speak of, nothing but the two convolutions is left */
	compile_model(&c, &m, 32);
	assert_int_equal(c.stats.commands, 2);
	assert_int_equal(count_commands(&c, ENPU_OP_CONV), 2);
	compiled_free(&c);
	tm_free(&m);
}

/* Depthwise and pointwise layers with a shortcut: large enough for cascades. */
static void separable_network(struct test_model *m)
{
	int in, a, b, d, e, f, g, h;

	tm_init(m);
	in = tm_nhwc(m, "in", 0.5f, 128, 64, 64, 3);
	a = tm_nhwc(m, "a", 0.2f, 10, 32, 32, 24);
	b = tm_nhwc(m, "b", 0.2f, 10, 32, 32, 24);
	d = tm_nhwc(m, "d", 0.2f, 10, 32, 32, 48);
	e = tm_nhwc(m, "e", 0.2f, 10, 16, 16, 48);
	f = tm_nhwc(m, "f", 0.2f, 10, 16, 16, 48);
	g = tm_nhwc(m, "g", 0.3f, 20, 16, 16, 48);
	h = tm_nhwc(m, "h", 0.3f, 20, 16, 16, 10);
	tm_conv(m, in, a, 3, 2, 0, 3);
	tm_depthwise(m, a, b, 3, 1, 0);
	tm_conv(m, b, d, 1, 1, 0, 1);
	tm_depthwise(m, d, e, 5, 2, 0);
	tm_conv(m, e, f, 3, 1, 0, 0);
	tm_add(m, e, f, g);
	tm_conv(m, g, h, 1, 1, 0, 0);
	set_ends(m, in, h);
}

static void sram_size_changes_no_result(void **state)
{
	static const uint32_t sizes[] = { 64, 4 << 10, 16 << 10, 32 << 10, 64 << 10, 128 << 10, 0 };
	uint8_t first[16 * 16 * 10], out[16 * 16 * 10];
	uint64_t first_traffic = 0;
	struct compiled c;
	struct test_model m;

	separable_network(&m);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		compile_model(&c, &m, sizes[i]);
		assert_true(c.file.info->sram_bytes <= (sizes[i] ? sizes[i] : 384 << 10));
		run_compiled(&c, 7, i ? out : first, sizeof(out));
		if (!i)
			first_traffic = c.stats.dram_read_bytes + c.stats.dram_write_bytes;
		else
			assert_memory_equal(first, out, sizeof(out));
		if (!sizes[i])
			assert_true(c.stats.dram_read_bytes + c.stats.dram_write_bytes <
				    first_traffic / 2);
		compiled_free(&c);
	}
	tm_free(&m);
}

/* TFLite's reference loops, over one uint8 convolution. */
static void plain_convolution(const struct test_model *m, const struct tm_op *op, const uint8_t *in,
			      uint8_t *out, int stride, int pad)
{
	const struct tm_tensor *ti = &m->tensors[op->in[0]], *tw = &m->tensors[op->in[1]];
	const struct tm_tensor *to = &m->tensors[op->out[0]];
	const int32_t *bias = m->tensors[op->in[2]].data;
	const uint8_t *w = tw->data;
	float product = ti->scale * tw->scale;
	struct multiplier mult = quantize_multiplier((double)product / to->scale);
	int kernel = tw->dims[1], ic = ti->dims[3];

	for (int y = 0; y < to->dims[1]; y++)
		for (int x = 0; x < to->dims[2]; x++)
			for (int o = 0; o < to->dims[3]; o++) {
				int32_t acc = bias[o];

				for (int k = 0; k < kernel * kernel * ic; k++) {
					int iy = y * stride - pad + k / ic / kernel;
					int ix = x * stride - pad + k / ic % kernel;

					if (iy < 0 || ix < 0 || iy >= ti->dims[1] ||
					    ix >= ti->dims[2])
						continue;
					acc += (in[(iy * ti->dims[2] + ix) * ic + k % ic] -
						(int32_t)ti->zero_point) *
					       (w[o * kernel * kernel * ic + k] -
						(int32_t)tw->zero_point);
				}
				acc = multiply_by_multiplier(acc, mult) + to->zero_point;
				*out++ = acc < 0 ? 0 : acc > 255 ? 255 : acc;
			}
}

static void a_convolution_is_right(void **state)
{
	uint8_t in[9 * 11 * 5], expected[5 * 6 * 37], out[5 * 6 * 37];
	struct compiled c;
	uint32_t seed = 99;
	struct test_model m;
	int i, o;

	tm_init(&m);
	i = tm_nhwc(&m, "in", 0.03f, 120, 9, 11, 5);
	o = tm_nhwc(&m, "out", 0.05f, 131, 5, 6, 37);
	tm_conv(&m, i, o, 3, 2, 0, 0);
	set_ends(&m, i, o);
	/* as run_compiled() fills it */
	for (size_t k = 0; k < sizeof(in); k++) {
		seed = seed * 1664525 + 1013904223;
		in[k] = seed >> 24;
	}
	plain_convolution(&m, &m.ops[0], in, expected, 2, 1);
	compile_model(&c, &m, 0);
	run_compiled(&c, 99, out, sizeof(out));
	assert_memory_equal(out, expected, sizeof(out));
	compiled_free(&c);
	tm_free(&m);
}

/* The verifier itself: without its tokens a stream is a race, with foreign ones it is broken. */
static void the_verifier_sees_races(void **state)
{
	struct verdict verdict;
	unsigned int found = 0, tokens = 0;
	struct compiled c;
	struct test_model m;

	separable_network(&m);
	compile_model(&c, &m, 128 << 10);
	for (uint64_t at = 0; at < c.file.stream_size;) {
		struct enpu_cmd *cmd = (struct enpu_cmd *)(c.file.stream + at);

		for (int e = 0; e < ENPU_NUM_ENGINES; e++) {
			uint32_t saved = cmd->wait[e];

			if (!saved)
				continue;
			tokens++;
			cmd->wait[e] = 0;
			found += verify_streams(&c.file, &verdict) != 0;
			cmd->wait[e] = 1u << 20;
			assert_int_not_equal(verify_streams(&c.file, &verdict), 0);
			cmd->wait[e] = saved;
			if (tokens == 20)
				goto done;
		}
		at += cmd->size;
	}
done:
	/* some tokens are implied by others, most are not */
	assert_true(tokens >= 10);
	assert_true(found * 2 > tokens);
	compiled_free(&c);
	tm_free(&m);
}

/*
 * Space to depth: every second row and column, four times, then a concatenation and two
 * convolutions. The slices are views or windows of one position, never moves byte by byte.
 */
static void strided_slices(void **state)
{
	uint8_t first[16 * 16 * 8], out[16 * 16 * 8];
	int in, part[4], sum, mid, last, steps;
	struct compiled c;
	struct test_model m;

	tm_init(&m);
	in = tm_nhwc(&m, "in", 0.5f, 9, 64, 64, 3);
	sum = tm_nhwc(&m, "sum", 0.5f, 9, 32, 32, 12);
	mid = tm_nhwc(&m, "mid", 0.2f, 9, 32, 32, 24);
	last = tm_nhwc(&m, "last", 0.2f, 9, 16, 16, 8);
	steps = tm_ints(&m, "steps", 4, (int32_t[]) { 1, 2, 2, 1 });
	for (int i = 0; i < 4; i++) {
		int begin = tm_ints(&m, "begin", 4, (int32_t[]) { 0, i & 1, i >> 1, 0 });
		int end = tm_ints(&m, "end", 4, (int32_t[]) { 1, 64, 64, 3 });

		part[i] = tm_nhwc(&m, "part", 0.5f, 9, 32, 32, 3);
		tm_op(&m, TM_STRIDED_SLICE, 4, (int32_t[]) { in, begin, end, steps }, part[i]);
	}
	tm_concat(&m, 4, part, 3, sum);
	tm_conv(&m, sum, mid, 3, 1, 0, 1);
	tm_conv(&m, mid, last, 3, 2, 0, 0);
	set_ends(&m, in, last);
	for (uint32_t sram = 32 << 10; sram >= 32; sram /= 32) {
		compile_model(&c, &m, sram);
		assert_int_equal(count_commands(&c, ENPU_OP_POOL) % 4, 0);
		assert_true(count_commands(&c, ENPU_OP_POOL) > 0);
		run_compiled(&c, 5, sram == 32 << 10 ? first : out, sizeof(out));
		if (sram != 32 << 10)
			assert_memory_equal(first, out, sizeof(out));
		compiled_free(&c);
	}
	tm_free(&m);
}

static void the_file_says_where_it_comes_from(void **state)
{
	struct compiled c;
	struct test_model m;

	separable_network(&m);
	compile_model(&c, &m, 0);
	assert_string_equal(c.file.strings + c.file.info->source, "test.tflite");
	assert_string_equal(c.file.strings + c.file.info->preset, "enpu-512");
	assert_int_equal(c.file.info->format, ENPU_MODEL_FORMAT);
	assert_true(c.file.info->opcodes & 1ull << ENPU_OP_CONV);
	assert_int_equal(c.file.n_layers, 7);
	assert_string_equal(c.file.strings + c.file.layers[3].type, "DEPTHWISE_CONV_2D");
	assert_string_equal(c.file.strings + c.file.layers[3].name, "e");
	assert_string_equal(c.file.strings + c.file.tensors[0].name, "in");
	assert_int_equal(c.file.tensors[0].rank, 4);
	assert_true(c.file.tensors[1].scale == 0.3f);
	assert_int_equal(c.stats.npu_ops, 7);
	compiled_free(&c);
	tm_free(&m);
}

static void options_are_checked(void **state)
{
	struct enpu_compile_options opts = { .preset = "enpu-9" };
	struct enpu_diag diag = { 0 };
	struct enpu_blob blob = { 0 };

	assert_int_not_equal(enpu_compile_memory("x", "", 0, &opts, &blob, NULL, &diag), 0);
	assert_non_null(strstr(diag.messages[0].text, "no configuration 'enpu-9'"));
	opts = (struct enpu_compile_options) { .sram_bytes = 1 << 30 };
	assert_int_not_equal(enpu_compile_memory("x", "", 0, &opts, &blob, NULL, &diag), 0);
	assert_int_not_equal(enpu_compile_file("/nowhere/x.tflite", NULL, &blob, NULL, &diag), 0);
	assert_non_null(strstr(diag.messages[2].text, "/nowhere/x.tflite: No such file"));
	/* messages may be dropped */
	assert_int_not_equal(enpu_compile_memory("x", "", 0, NULL, &blob, NULL, NULL), 0);
	enpu_diag_free(&diag);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(concatenation_in_place),
		cmocka_unit_test(concatenation_requantizes),
		cmocka_unit_test(folding),
		cmocka_unit_test(sram_size_changes_no_result),
		cmocka_unit_test(a_convolution_is_right),
		cmocka_unit_test(strided_slices),
		cmocka_unit_test(the_verifier_sees_races),
		cmocka_unit_test(the_file_says_where_it_comes_from),
		cmocka_unit_test(options_are_checked),
	};

	return cmocka_run_group_tests_name("compiler: schedules and files", tests, NULL, NULL);
}
