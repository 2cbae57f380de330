// SPDX-License-Identifier: MIT
/*
 * What must hold for reports, whatever is in a model: see ../one_input.h. Half of
 * the inputs have their texts replaced by what pages are attacked with, at first.
 */
#include "../one_input.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <enpu-compiler.h>

#include "../mutations.h"
#include "page_check.h"

const struct mutator *const mutator = &tflite_mutator;

#define LEAST_TEXT	6	/* bytes; shorter ones could be anything */

static uint64_t hash(const uint8_t *data, size_t size)
{
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < size; i++)
		h = (h ^ data[i]) * 0x100000001b3;
	return h ^ h >> 29;
}

static bool printable(uint8_t c)
{
	return c > ' ' && c < 0x7f;
}

static void attack_texts(uint8_t *data, size_t size, uint64_t h)
{
	static const char *const attacks[] = {
		"<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'onload='x()",
		"</title><svg onload=x>", "&#60;b&#62;&lt", "\xff\xfe\xc0\xaf\xed\xa0\x80",
		"\xe2\x80\xae\xe2\x81\xa6gpj", "\x01\x1b[2J\x7f\xc2\x85", "{{file}}{{#ops}}",
		"--><!--</style></script>", "\xf4\x90\x80\x80\xf0\x9f", "javascript:x()//",
	};

	for (size_t i = 0, n; i < size; i += n) {
		const char *attack;

		for (n = 0; i + n < size && printable(data[i + n]); n++)
			;
		if (n < LEAST_TEXT || !memcmp(data + i, "TFL3", 4)) {
			n += !n;
			continue;
		}
		h = h * 6364136223846793005 + 1442695040888963407;
		attack = attacks[(h >> 33) % (sizeof(attacks) / sizeof(attacks[0]))];
		memcpy(data + i, attack, strlen(attack) < n ? strlen(attack) : n);
	}
}

/* Of a tensor that may be there, one that is not, and numbers that are none. */
static struct enpu_tensor_accuracy layers[] = {
	{ "<script>alert(1)</script>", "CONV_2D", 31.5, 0.9999, 0.9, -1 },
	{ "tensor0", "ADD", 1.0 / 0.0, 1, 1, -1 },
	{ "tensor1", "ADD", 0.0 / 0.0, -1.0 / 0.0, 0, -1 },
	{ "no such tensor", "\xff", 1, 0, 0, 1 },
	{ "", "", -12, 0.5, 0.5, 0 },
};

static const struct enpu_accuracy accuracy = {
	.layers = layers, .outputs = layers, .samples = 7, .labelled = 3, .float_correct = 3,
	.num_layers = sizeof(layers) / sizeof(layers[0]),
	.num_outputs = sizeof(layers) / sizeof(layers[0]),
};

static enum outcome judge_report(const struct enpu_report *report, uint64_t h, char why[300])
{
	const char *wrong;
	size_t size = 0;
	char *page = NULL;
	FILE *out = open_memstream(&page, &size);
	int err = enpu_report_write(report, h % 3 ? &accuracy : NULL, out);

	fclose(out);
	wrong = err ? strerror(-err) : page_check(page, size);
	free(page);
	if (!wrong)
		return OUTCOME_COMPILED;
	snprintf(why, 300, "the report: %.250s", wrong);
	return OUTCOME_WRONG;
}

enum outcome compile_one(const uint8_t *data, size_t size, char why[300])
{
	uint8_t *copy = malloc(size ? size : 1);
	uint64_t h = hash(data, size);
	struct enpu_report *report = NULL;
	struct enpu_compile_options opts = { .report = &report };
	enum outcome outcome = OUTCOME_REFUSED;
	struct enpu_diag diag = { 0 };
	struct enpu_blob blob = { 0 };

	memcpy(copy, data, size);
	if (h & 1)
		attack_texts(copy, size, h);
	if (!enpu_compile_memory(h & 2 ? "<b>\"'.tflite" : "input.tflite", copy, size, &opts, &blob,
				 NULL, &diag))
		outcome = judge_report(report, h >> 2, why);
	enpu_report_free(report);
	enpu_blob_free(&blob);
	enpu_diag_free(&diag);
	free(copy);
	return outcome;
}
