// SPDX-License-Identifier: MIT
/*
 * The accel program as its user sees it: exit codes, messages, and results on
 * the simulator, from a model built by hand. Labels and JSON, too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../libaccel/image.h"
#include "json.h"
#include "labels.h"

static char dir[] = "/tmp/accel-cli-XXXXXX";
static char build[PATH_MAX];
static char output[1 << 16];

static void write_file(const char *name, const void *data, size_t size)
{
	char path[PATH_MAX];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	out = fopen(path, "wb");
	assert_int_equal(fwrite(data, 1, size, out), size);
	fclose(out);
}

static void write_text(const char *name, const char *text)
{
	write_file(name, text, strlen(text));
}

static void write_model(const char *name, void (*make)(struct image *))
{
	struct image image;

	make(&image);
	image_build(&image);
	write_file(name, image.file, image.size);
	image_free(&image);
}

/* One grey pixel */
static const unsigned char dot_png[] = {
	0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n', 0, 0, 0, 13, 'I', 'H', 'D', 'R',
	0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0, 0x3a, 0x7e, 0x9b, 0x55,
	0, 0, 0, 10, 'I', 'D', 'A', 'T', 0x78, 0x9c, 0x63, 0x68, 0, 0, 0, 0x82, 0, 0x81,
	0x77, 0xcd, 0x72, 0xb6, 0, 0, 0, 0, 'I', 'E', 'N', 'D', 0xae, 0x42, 0x60, 0x82,
};

static int set_up(void **state)
{
	unsigned char pixels[COPY_SIZE];
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

	assert_true(len > 0);
	path[len] = '\0';
	*strrchr(path, '/') = '\0';
	*strrchr(path, '/') = '\0';
	snprintf(build, sizeof(build), "%s", path);
	assert_non_null(mkdtemp(dir));
	write_model("copy.enpu", image_copy);
	write_model("detect.enpu", image_detect);
	for (int i = 0; i < COPY_SIZE; i++)
		pixels[i] = (unsigned char)i;
	write_file("pixels", pixels, sizeof(pixels));
	write_file("short", pixels, 10);
	write_text("text", "hello\n");
	write_file("dot.png", dot_png, sizeof(dot_png));
	return 0;
}

static int tear_down(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

/* accel ARGS in the directory; all that it prints is in output. Returns the exit code */
static int accel(const char *args)
{
	char command[2 * PATH_MAX];
	FILE *pipe;
	size_t size;
	int status;

	snprintf(command, sizeof(command), "cd %s && { %.3000s/bin/accel %s; } 2>&1", dir, build,
		 args);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	size = fread(output, 1, sizeof(output) - 1, pipe);
	output[size] = '\0';
	status = pclose(pipe);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void check(const char *args, int code, const char *text)
{
	int got = accel(args);

	if (got != code || !strstr(output, text))
		fail_msg("accel %s: exit code %d, output: %s", args, got, output);
}

static void test_usage(void **state)
{
	check("", 2, "usage: accel COMMAND");
	check("--version", 0, "accel 1.0.0");
	check("--help", 0, "compile");
	check("help run", 0, "usage: accel run MODEL");
	check("run --help", 0, "usage: accel run MODEL");
	check("run x --json -h", 0, "usage: accel run MODEL");
	check("frobnicate", 2, "accel: no command 'frobnicate'; see 'accel help'");
	check("help frobnicate", 2, "no command");
	check("run", 2, "expected one model, got 0; see 'accel help run'");
	check("run a b", 2, "expected one model, got 2");
	check("run a", 2, "no input");
	check("run a --wrong", 2, "unknown option --wrong");
	check("run a --image", 2, "no value for --image");
	check("run a -i b -k 0", 2, "--top: expected a number");
	check("run a -i b -k 5x", 2, "--top: expected a number");
	check("run a -i b --threshold 2", 2, "--threshold: expected 0 to 1");
	check("run a -i b -k 1 -b c", 2, "--top or --boxes");
	check("run a --input-raw 0=x -b c", 2, "--boxes needs --image");
	check("run a -i b --mean 1,2", 2, "--mean: expected one number or R,G,B, got '1,2'");
	check("run a -i b --std 1,0,1", 2, "--std: expected more than 0");
	check("run face", 2, "run face: no picture; see 'accel help run face'");
	check("help run face", 0, "usage: accel run face PICTURE");
	check("run face --help", 0, "usage: accel run face PICTURE");
	check("run face a", 2, "no --detector");
	check("run face a --compare --detector b", 2, "expected two pictures to compare, got 1");
	check("run face a b --compare --detector c", 2, "--compare needs --embedder");
	check("run face a b --boxes c --detector d", 2, "--boxes takes one picture, got 2");
	check("run face a --detector b --tiles 0", 2, "--tiles: expected 1 to 16");
	check("run face a --detector b --threshold x", 2, "run face: --threshold: expected 0 to 1");
	check("run ocr a --keys b", 2, "run ocr: no --recognizer");
	check("run ocr a --recognizer b", 2, "run ocr: no --keys");
	check("run ocr --help", 0, "usage: accel run ocr PICTURE");
	check("compile", 2, "expected one model");
	check("info a b", 2, "more than one model");
	check("info a -d sim", 2, "not both");
}

static void test_failures(void **state)
{
	check("info nothing.enpu", 1, "accel: nothing.enpu: No such file or directory");
	check("info text", 1, "accel: text: not a compiled model: not an ELF file");
	check("info -d nosuch", 1, "accel: no backend 'nosuch'");
	check("run copy.enpu -d sim -i text", 1, "accel: text: not a JPEG or PNG file");
	check("run copy.enpu -d sim -i nothing.png", 1, "accel: nothing.png: No such file");
	check("run text -d sim --input-raw 0=pixels", 1, "accel: text: not a compiled model");
	check("run copy.enpu -d sim --input-raw 0=short", 1,
	      "accel: short: 10 bytes, but input pixels takes 64");
	check("run copy.enpu -d sim --input-raw 1=pixels", 1, "the model has no such input; it has 1");
	check("run copy.enpu -d sim --input-raw pixels", 1, "expected NAME_OR_INDEX=FILE");
	check("run detect.enpu -d sim --input-raw 0=pixels", 1,
	      "accel: input 1 (scores) is not given");
	check("run copy.enpu -d sim --input-raw 0=pixels -l text", 1,
	      "accel: text: 1 labels for 64 classes");
	check("run detect.enpu -d sim -k 3 --input-raw 0=pixels --input-raw 1=ones", 1,
	      "accel: ones: No such file");
	check("run face text -d sim --detector text", 1, "accel: text: not a compiled model");
	check("run face text -d sim --detector copy.enpu", 1, "accel: text: not a JPEG or PNG file");
	check("run face dot.png -d sim --detector copy.enpu", 1,
	      "accel: copy.enpu: not a face detector: outputs [1, 64]; expected");
	check("run face dot.png -d sim --detector detect.enpu", 1,
	      "accel: detect.enpu: 2 inputs and 4 outputs, expected 1 and at most 16");
	check("run ocr dot.png -d sim --recognizer copy.enpu --keys nothing", 1,
	      "accel: nothing: No such file");
	check("run ocr dot.png -d sim --recognizer copy.enpu --keys text", 1,
	      "accel: input pixels is [1, 64]");
	check("compile text -o x.enpu", 1, "accel: text: ");
	check("compile nothing.tflite", 1, "nothing.tflite");
	check("info copy.enpu >/dev/full", 1, "accel: writing the output: No space left");
}

static void test_info(void **state)
{
	check("info copy.enpu", 0, "input 0: pixels, uint8 [1, 64], scale 0.5, zero point 3");
	check("info copy.enpu", 0, "step 0: npu, on the NPU");
	check("info --json copy.enpu", 0, "\"type\": \"CONV_2D\"");
	check("info detect.enpu", 0, "step 1: postprocess, on the CPU");
	check("info --device sim", 0, "sim:0: ");
	check("info -j", 0, "\"id\": \"sim:0\"");
}

static void test_run(void **state)
{
	unsigned char out[COPY_SIZE + 1];
	char path[PATH_MAX];
	FILE *in;

	check("run --input-raw pixels=pixels copy.enpu --output-raw out --device sim --top 2", 0,
	      "64.000000    63");		/* (131 - 3) * 0.5 */
	assert_non_null(strstr(output, "63.500000    62"));
	assert_null(strstr(output, "63.000000"));
	assert_non_null(strstr(output, "simulated cycles"));
	snprintf(path, sizeof(path), "%s/out/output0.bin", dir);
	in = fopen(path, "rb");
	assert_int_equal(fread(out, 1, sizeof(out), in), COPY_SIZE);
	fclose(in);
	for (int i = 0; i < 32; i++) {
		assert_int_equal(out[i], i);
		assert_int_equal(out[32 + i], 100 + i);
	}
	check("run copy.enpu -d sim --input-raw 0=pixels -n 3", 0, "median of 3 runs");
	check("run copy.enpu -d sim --input-raw 0=pixels -j", 0, "\"probability\": 64");
	check("run copy.enpu -d sim --input-raw 0=pixels --save-input saved", 0, "");
	snprintf(path, sizeof(path), "cmp %s/pixels %s/saved", dir, dir);
	assert_int_equal(system(path), 0);
}

static void test_detections(void **state)
{
	static const float boxes[DETECT_ANCHORS][4] = { { 0.5f, 0.5f } };
	static const float scores[DETECT_ANCHORS][3] = { { 0, 0.25f, 0.75f } };

	write_file("boxes", boxes, sizeof(boxes));
	write_file("scores", scores, sizeof(scores));
	write_text("labels", "???\none\ntwo\n");
	check("run detect.enpu -d sim --input-raw 0=boxes --input-raw 1=scores -l labels", 0,
	      "  0.750000  two                   (0.0000, 0.0000) to (1.0000, 1.0000)\n");
	check("run detect.enpu -d sim --input-raw 0=boxes --input-raw 1=scores --threshold 0.8", 0,
	      "nothing found");
	check("run detect.enpu -d sim --input-raw 0=boxes --input-raw 1=scores -j", 0,
	      "\"class\": 1");
	check("run detect.enpu -d sim --input-raw 0=boxes --input-raw 1=scores -k 1", 1,
	      "--top: the model has no single vector");
}

static void test_labels(void **state)
{
	char path[PATH_MAX];
	struct labels labels;

	snprintf(path, sizeof(path), "%s/l", dir);
	write_text("l", "cat\r\ndog\x1b[0m\nbird");
	assert_int_equal(labels_load(path, &labels), 0);
	assert_int_equal(labels.count, 3);
	assert_string_equal(labels.lines[0], "cat");
	assert_string_equal(labels.lines[1], "dog [0m");
	assert_string_equal(labels_of_class(&labels, 2, 3), "bird");
	assert_null(labels_of_class(&labels, 3, 3));
	assert_string_equal(labels_of_class(&labels, 0, 4), "background");
	assert_string_equal(labels_of_class(&labels, 1, 4), "cat");
	assert_string_equal(labels_of_detection(&labels, 0), "cat");
	assert_null(labels_of_detection(&labels, 3));
	assert_int_equal(labels_check(&labels, path, 3), 0);
	assert_int_equal(labels_check(&labels, path, 4), 0);
	labels_free(&labels);
	write_text("l", "Background\ncat\n");
	assert_int_equal(labels_load(path, &labels), 0);
	assert_int_equal(labels.count, 2);
	assert_string_equal(labels_of_detection(&labels, 0), "cat");
	labels_free(&labels);
	write_text("l", "");
	assert_int_equal(labels_load(path, &labels), 0);
	assert_null(labels_of_class(&labels, 0, 1));
	labels_free(&labels);
}

static void test_json(void **state)
{
	char text[256] = "";
	FILE *to = fmemopen(text, sizeof(text), "w");
	struct json json = { .to = to };

	json_open(&json, NULL, '{');
	json_string(&json, "a\"b", "x\n\\\x7f");
	json_string(&json, "n", NULL);
	json_open(&json, "e", '[');
	json_close(&json, ']');
	json_open(&json, "l", '[');
	json_double(&json, NULL, 0.5);
	json_double(&json, NULL, NAN);
	json_close(&json, ']');
	json_signed(&json, "s", -3);
	json_bool(&json, "t", 1);
	json_close(&json, '}');
	fclose(to);
	assert_string_equal(text,
			    "{\n  \"a\\\"b\": \"x\\u000a\\\\\\u007f\",\n  \"n\": null,\n  \"e\": [],\n"
			    "  \"l\": [\n    0.5,\n    null\n  ],\n  \"s\": -3,\n  \"t\": true\n}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_usage),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_info),
		cmocka_unit_test(test_run),
		cmocka_unit_test(test_detections),
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests_name("accel", tests, set_up, tear_down);
}
