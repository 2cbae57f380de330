// SPDX-License-Identifier: MIT
/*
 * The library's entry points to reports. What verification found is added to a copy, so that
 * a report can be written again.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <sha256.h>

#include "fields.h"
#include "page.h"

#define MEMORY_LIMIT	((size_t)1 << 30)
#define WORST		5		/* operators in the list of those with the largest errors */

static int by_tensor(const void *x, const void *y)
{
	const struct enpu_tensor_accuracy *a = x, *b = y;

	return strcmp(a->name, b->name);
}

/* The worst of an operator's outputs counts. */
static void take_error(struct report_op *row, const struct enpu_tensor_accuracy *t)
{
	if (!t || (row->has_error && !(t->sqnr_db < row->sqnr) && !isnan(t->sqnr_db)))
		return;
	row->has_error = true;
	row->sqnr = t->sqnr_db;
	row->cosine = t->cosine;
	row->least_cosine = t->least_cosine;
}

/* What is no number is worst, what has none is best. */
static double order_of(const struct report_op *row)
{
	return !row->has_error ? INFINITY : isnan(row->sqnr) ? -INFINITY : row->sqnr;
}

static int by_error(const void *x, const void *y)
{
	const struct report_op *a = x, *b = y;

	if (order_of(a) != order_of(b))
		return order_of(a) < order_of(b) ? -1 : 1;
	if (a->has_error != b->has_error)
		return a->has_error ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

static struct rows worst_of(struct arena *arena, const struct report_op *rows, size_t count)
{
	struct report_op *sorted = arena_new(arena, struct report_op, count);
	size_t n = 0;

	memcpy(sorted, rows, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), by_error);
	while (n < count && n < WORST && sorted[n].has_error)
		n++;
	return (struct rows) { sorted, n };
}

static void add_layers(struct enpu_report *r, const struct enpu_accuracy *accuracy)
{
	size_t n = accuracy->num_layers;
	struct enpu_tensor_accuracy *sorted;
	struct report_op *rows;

	if (!n || !r->ops.count)
		return;
	sorted = arena_new(&r->arena, struct enpu_tensor_accuracy, n);
	rows = arena_new(&r->arena, struct report_op, r->ops.count);
	memcpy(sorted, accuracy->layers, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_tensor);
	memcpy(rows, r->ops.items, r->ops.count * sizeof(*rows));
	for (size_t i = 0; i < r->ops.count; i++) {
		for (unsigned int k = 0; k < rows[i].n_tensors; k++) {
			const struct enpu_tensor_accuracy key = {
				.name = (char *)rows[i].tensors[k],
			};

			take_error(&rows[i], bsearch(&key, sorted, n, sizeof(key), by_tensor));
		}
		r->has_errors |= rows[i].has_error;
	}
	r->ops.items = rows;
	r->worst = worst_of(&r->arena, rows, r->ops.count);
}

static void add_outputs(struct enpu_report *r, const struct enpu_accuracy *accuracy)
{
	size_t n = accuracy->num_outputs;
	struct report_result *results = arena_new(&r->arena, struct report_result, n);

	for (size_t i = 0; i < n; i++) {
		const struct enpu_tensor_accuracy *t = &accuracy->outputs[i];

		results[i] = (struct report_result) {
			.name = shown_text(&r->arena, t->name), .sqnr = t->sqnr_db,
			.cosine = t->cosine, .least_cosine = t->least_cosine,
			.has_classes = t->agreement >= 0, .agreement = 100 * t->agreement,
		};
	}
	r->results = (struct rows) { results, n };
	r->is_verified = n;
	r->samples = accuracy->samples;
	r->labelled = accuracy->labelled;
	if (!accuracy->labelled)
		return;
	r->float_correct = 100.0 * accuracy->float_correct / accuracy->labelled;
	r->npu_correct = 100.0 * accuracy->npu_correct / accuracy->labelled;
}

/* For the page's content security policy: nothing but its own script runs. */
static const char *script_hash(struct arena *arena)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t hash[SHA256_DIGEST_LENGTH + 1] = { 0 };
	char *text = arena_new(arena, char, 45);
	SHA2_CTX sha;

	SHA256Init(&sha);
	SHA256Update(&sha, (const uint8_t *)report_page_js, strlen(report_page_js));
	SHA256Final(hash, &sha);
	for (size_t i = 0, n = 0; i < SHA256_DIGEST_LENGTH; i += 3) {
		uint32_t bits = hash[i] << 16 | hash[i + 1] << 8 |
				(i + 2 < SHA256_DIGEST_LENGTH ? hash[i + 2] : 0);

		for (int shift = 18; shift >= 0; shift -= 6)
			text[n++] = digits[bits >> shift & 63];
	}
	text[43] = '=';
	return text;
}

static int write_page(struct enpu_report *r, const struct enpu_accuracy *accuracy, FILE *out)
{
	static const struct built_in files[] = {
		{ "css", report_page_css }, { "js", report_page_js }, { 0 },
	};
	const struct template page = { .text = report_page_html, .files = files, .out = out };

	if (accuracy) {
		add_layers(r, accuracy);
		add_outputs(r, accuracy);
	}
	r->script_hash = script_hash(&r->arena);
	if (template_write(&page, &report_record, r))
		return -EINVAL;
	return fflush(out) || ferror(out) ? -EIO : 0;
}

int enpu_report_write(const struct enpu_report *report, const struct enpu_accuracy *accuracy,
		      FILE *out)
{
	struct enpu_report copy = *report;
	int err;

	copy.arena = (struct arena) { .limit = MEMORY_LIMIT };
	if (setjmp(copy.arena.oom)) {
		arena_free(&copy.arena);
		return -ENOMEM;
	}
	err = write_page(&copy, accuracy, out);
	arena_free(&copy.arena);
	return err;
}

void enpu_report_free(struct enpu_report *report)
{
	if (!report)
		return;
	arena_free(&report->arena);
	free(report);
}
