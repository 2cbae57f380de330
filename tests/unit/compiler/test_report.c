// SPDX-License-Identifier: MIT
/*
 * The report's interface: errors of tensors get to the operators that make them. And what
 * it stands on: texts of models made fit to be shown, and the template language.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <enpu-compiler.h>

#include "../../../tools/compiler/report/report.h"
#include "../../../tools/compiler/report/template.h"
#include "tflite_model.h"

/* in -> conv "hidden" -> relu "shown" (a clamp of the convolution) -> conv "out" */
static struct enpu_report *make_report(void)
{
	struct enpu_report *report = NULL;
	struct enpu_compile_options opts = { .report = &report };
	struct enpu_blob blob = { 0 };
	int in, hidden, shown, out;
	struct test_model m;
	uint8_t *data;
	size_t size;

	tm_init(&m);
	in = tm_nhwc(&m, "in", 0.5f, 0, 8, 8, 4);
	hidden = tm_nhwc(&m, "hidden", 0.25f, 9, 8, 8, 16);
	shown = tm_nhwc(&m, "shown", 0.25f, 9, 8, 8, 16);
	out = tm_nhwc(&m, "out", 0.5f, 0, 8, 8, 4);
	tm_conv(&m, in, hidden, 1, 1, 0, 0);
	tm_unary(&m, TM_RELU, hidden, shown);
	tm_conv(&m, shown, out, 3, 1, 0, 0);
	m.n_inputs = 1;
	m.inputs[0] = in;
	m.n_outputs = 1;
	m.outputs[0] = out;
	data = tm_write(&m, &size);
	assert_int_equal(0, enpu_compile_memory("a/b/test.tflite", data, size, &opts, &blob, NULL,
						NULL));
	free(data);
	tm_free(&m);
	enpu_blob_free(&blob);
	return report;
}

static char *page_of(const struct enpu_report *report, const struct enpu_accuracy *accuracy)
{
	char *page = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&page, &size);

	assert_int_equal(enpu_report_write(report, accuracy, out), 0);
	fclose(out);
	return page;
}

/* The table's row of an operator, without what comes after it. */
static const char *row_of(char *page, const char *id)
{
	char *row = strstr(page, id), *end = row ? strstr(row, "</tr>") : NULL;

	assert_non_null(end);
	*end = '\0';
	return row;
}

static void without_errors_no_columns(void **state)
{
	struct enpu_report *report = make_report();
	struct enpu_tensor_accuracy other = { "no such tensor", "ADD", 30, 1, 1, -1 };
	const struct enpu_accuracy accuracy = { .layers = &other, .num_layers = 1 };
	char *page = page_of(report, NULL), *again = page_of(report, &accuracy);

	assert_null(strstr(page, "SQNR"));
	assert_non_null(strstr(page, "<bdi>test.tflite</bdi>"));
	assert_string_equal(page, again);
	free(page);
	free(again);
	enpu_report_free(report);
}

static void errors_get_to_operators(void **state)
{
	struct enpu_tensor_accuracy layers[] = {
		{ "out", "CONV_2D", INFINITY, 1, 1, -1 }, { "in", "", 5, 0.5, 0.5, -1 },
		{ "shown", "RELU", 31.25, 0.99875, 0.9, -1 },
	};
	struct enpu_tensor_accuracy output = { "<out>", "CONV_2D", 12.5, 0.75, 0.5, 0.875 };
	const struct enpu_accuracy accuracy = {
		.layers = layers, .outputs = &output, .num_layers = 3, .num_outputs = 1,
		.samples = 8, .labelled = 4, .float_correct = 4, .npu_correct = 3,
	};
	struct enpu_report *report = make_report();
	char *page = page_of(report, &accuracy), *again = page_of(report, &accuracy);

	assert_string_equal(page, again);
	assert_non_null(strstr(page, "SQNR dB"));
	/* the largest error first */
	assert_non_null(strstr(page, "<ol class=\"worst\">\n<li><a href=\"#op0\">"));
	assert_non_null(strstr(page, "<bdi>&lt;out&gt;</bdi></td><td class=\"number\">12.5</td>"));
	assert_non_null(strstr(page, ">87.5 %</td>"));
	assert_non_null(strstr(page, "on 8 samples"));
	assert_non_null(strstr(page, "<b>100.0 %</b> right, the compiled one <b>75.0 %</b>"));
	/* the convolution makes what the activation that was folded into it made */
	assert_non_null(strstr(row_of(page, "id=\"row0\""), "data-v=\"31.25\">31.2<"));
	assert_non_null(strstr(row_of(again, "id=\"row2\""), "data-v=\"inf\">\xe2\x88\x9e<"));
	free(page);
	free(again);
	enpu_report_free(report);
}

static void places_are_told(void **state)
{
	struct enpu_report *report = make_report();
	char *page = page_of(report, NULL);

	assert_non_null(strstr(page, "done by #0 (CONV_2D): its clamp"));
	assert_null(strstr(page, "id=\"row1\""));
	free(page);
	enpu_report_free(report);
}

static void a_full_disk_is_noticed(void **state)
{
	struct enpu_report *report = make_report();
	FILE *full = fopen("/dev/full", "w");

	assert_non_null(full);
	assert_int_equal(enpu_report_write(report, NULL, full), -EIO);
	fclose(full);
	enpu_report_free(report);
}

#define CUT	"\xe2\x80\xa6"
#define BAD	"\xef\xbf\xbd"

static void texts_are_cleaned(void **state)
{
	static const struct {
		const char *text, *clean;
	} cases[] = {
		{ "", "" },
		{ "a <b> & \"c\"", "a <b> & \"c\"" },
		{ "\xc3\xbc \xe6\xbc\xa2 \xf0\x9f\x99\x82",
		  "\xc3\xbc \xe6\xbc\xa2 \xf0\x9f\x99\x82" },
		{ "\x01\n\x7f\xc2\x9b", BAD BAD BAD BAD },
		{ "\x80\xff\xc0\xaf", BAD BAD BAD BAD },
		{ "\xed\xa0\x80", BAD BAD BAD },
		{ "\xf4\x90\x80\x80", BAD BAD BAD BAD },
		{ "\xe2\x82", BAD BAD },
		{ "\xe2\x80\xaex\xef\xbb\xbf", BAD "x" BAD },
		{ "\xef\xbf\xbe", BAD },
		{ "123456789012345678", "123456789012345678" },
		{ "1234567890123456789", "123456789012345678" CUT },
		{ "12345678901234567\xc3\xbc", "12345678901234567" CUT },
	};
	struct arena arena = { .limit = 1 << 20 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(clean_text(&arena, cases[i].text, 18), cases[i].clean);
	assert_string_equal(clean_text(&arena, NULL, 18), "");
	arena_free(&arena);
}

struct thing {
	const char *text;
	bool yes;
	uint64_t count;
	double real;
	struct rows rows;
};

static const struct record thing_record;

static const struct field thing_fields[] = {
	{ "text", FIELD_TEXT, offsetof(struct thing, text), NULL },
	{ "yes", FIELD_BOOL, offsetof(struct thing, yes), NULL },
	{ "count", FIELD_U64, offsetof(struct thing, count), NULL },
	{ "bytes", FIELD_BYTES, offsetof(struct thing, count), NULL },
	{ "real", FIELD_FIXED, offsetof(struct thing, real), NULL },
	{ "rows", FIELD_ROWS, offsetof(struct thing, rows), &thing_record },
};

static const struct record thing_record = {
	thing_fields, sizeof(thing_fields) / sizeof(thing_fields[0]), sizeof(struct thing),
};

static void expand(const char *text, int err, const char *expected)
{
	static const struct thing rows[] = {
		{ .text = "one", .count = 1 }, { .text = "two", .yes = true, .real = NAN },
	};
	static const struct thing thing = {
		.text = "<a href='\"&{{text}}", .yes = true, .count = 1234567, .real = -2.25,
		.rows = { rows, 2 },
	};
	static const struct built_in files[] = { { "part", "<raw {{text}}>" }, { 0 } };
	char *page = NULL;
	size_t size = 0;
	struct template t = { .text = text, .files = files, .out = open_memstream(&page, &size) };

	assert_int_equal(template_write(&t, &thing_record, &thing), err);
	fclose(t.out);
	if (!err)
		assert_string_equal(page, expected);
	free(page);
}

static void templates_expand(void **state)
{
	expand("plain", 0, "plain");
	expand("{{text}}", 0, "&lt;a href=&#39;&quot;&amp;{{text}}");
	expand("{{text:raw}}", 0, "&lt;a href=&#39;&quot;&amp;{{text}}");
	expand("{{count}} {{count:raw}} {{bytes}} {{real}}", 0, "1,234,567 1234567 1.2 MiB -2.2");
	expand("{{>part}}", 0, "<raw {{text}}>");
	expand("{{#rows}}[{{text}}{{#yes}} yes{{/yes}}{{^yes}} no{{/yes}}]{{/rows}}", 0,
	       "[one no][two yes]");
	expand("{{#rows}}{{#rows}}never{{/rows}}{{^rows}}.{{/rows}}{{real}}{{/rows}}", 0,
	       ".0.0.\xe2\x80\x93");
	expand("{{#count}}a{{/count}}{{^count}}b{{/count}}", 0, "a");
	expand("{{none}}", -EINVAL, NULL);
	expand("{{>none}}", -EINVAL, NULL);
	expand("{{#rows}}", -EINVAL, NULL);
	expand("{{#rows}}{{/yes}}", -EINVAL, NULL);
	expand("{{/rows}}", -EINVAL, NULL);
	expand("{{text", 0, "{{text");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_errors_no_columns),
		cmocka_unit_test(errors_get_to_operators),
		cmocka_unit_test(places_are_told),
		cmocka_unit_test(a_full_disk_is_noticed),
		cmocka_unit_test(texts_are_cleaned),
		cmocka_unit_test(templates_expand),
	};

	return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
