// SPDX-License-Identifier: MIT
/*
 * reference-run: what the compiler's float reference computes, as bytes.
 *
 *   reference-run MODEL OUTPUT-DIR INPUT-FILE...
 *
 * Writes the model's outputs to OUTPUT-DIR/output0.bin, ..., dense, in their types.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import.h"
#include "import.h"
#include "reference/reference.h"

#define MEMORY_LIMIT	((size_t)3 << 30)

struct run {
	struct arena arena;
	struct enpu_diag diag;
	struct graph graph;
	struct reference *reference;
	void *model;
	void **inputs;
};

static int fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int fail(const char *format, ...)
{
	va_list args;

	fputs("reference-run: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return 1;
}

static void *read_file(const char *path, size_t *size)
{
	FILE *f = fopen(path, "rb");
	long length = -1;
	char *data = NULL;

	if (f && !fseek(f, 0, SEEK_END))
		length = ftell(f);
	if (length >= 0 && !fseek(f, 0, SEEK_SET))
		data = malloc((size_t)length + 1);
	if (data && fread(data, 1, (size_t)length, f) != (size_t)length) {
		free(data);
		data = NULL;
	}
	if (!data)
		fail("%s: %s", path, errno ? strerror(errno) : "can't be read");
	if (f)
		fclose(f);
	*size = (size_t)length;
	return data;
}

static int read_inputs(struct run *r, char **paths, unsigned int n)
{
	const struct graph *g = &r->graph;

	if (n != g->n_inputs)
		return fail("%s: %u inputs are given, the model has %u", g->file, n, g->n_inputs);
	r->inputs = calloc(n + 1, sizeof(*r->inputs));
	for (unsigned int i = 0; r->inputs && i < n; i++) {
		size_t want = tensor_bytes(g->inputs[i]), size;

		r->inputs[i] = read_file(paths[i], &size);
		if (!r->inputs[i])
			return 1;
		if (size != want)
			return fail("%s: %zu bytes, the model's input %u has %zu", paths[i], size,
				    i, want);
	}
	return r->inputs ? 0 : fail("out of memory");
}

static int write_outputs(const struct run *r, const char *dir)
{
	const struct graph *g = &r->graph;

	for (unsigned int i = 0; i < g->n_outputs; i++) {
		size_t size = tensor_bytes(g->outputs[i]);
		char path[4096];
		FILE *f;

		snprintf(path, sizeof(path), "%s/output%u.bin", dir, i);
		f = fopen(path, "wb");
		if (!f || fwrite(reference_output(r->reference, i), 1, size, f) != size ||
		    fclose(f))
			return fail("%s: %s", path, strerror(errno));
	}
	return 0;
}

static int work(struct run *r, const char *path, const char *dir, char **inputs, unsigned int n)
{
	size_t size;
	int err;

	r->model = read_file(path, &size);
	if (!r->model)
		return 1;
	if (setjmp(r->arena.oom))
		return fail("%s: out of memory", path);
	if (import_model(&r->graph, r->model, size, NULL, NULL))
		return 1;
	r->reference = reference_new(&r->graph);
	if (!r->reference || read_inputs(r, inputs, n))
		return 1;
	err = reference_run(r->reference, (const void *const *)r->inputs, NULL, NULL);
	return err ? fail("%s: %s", path, strerror(-err)) : write_outputs(r, dir);
}

int main(int argc, char **argv)
{
	struct run r = { .arena.limit = MEMORY_LIMIT };
	int ret;

	if (argc < 3) {
		fputs("usage: reference-run MODEL OUTPUT-DIR INPUT-FILE...\n", stderr);
		return 2;
	}
	r.graph = (struct graph){ .arena = &r.arena, .diag = &r.diag, .file = argv[1] };
	ret = work(&r, argv[1], argv[2], argv + 3, argc - 3);
	for (size_t i = 0; i < r.diag.count; i++)
		fail("%s", r.diag.messages[i].text);
	reference_free(r.reference);
	for (unsigned int i = 0; r.inputs && i < r.graph.n_inputs; i++)
		free(r.inputs[i]);
	free(r.inputs);
	free(r.model);
	enpu_diag_free(&r.diag);
	arena_free(&r.arena);
	return ret;
}
