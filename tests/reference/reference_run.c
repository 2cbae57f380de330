// SPDX-License-Identifier: MIT
/*
 * reference-run: what the compiler's float reference computes, as bytes.
 *
 *   reference-run [-g NAME=1x3x64x64]... MODEL OUTPUT-DIR INPUT-FILE...
 *
 * Writes the model's outputs to OUTPUT-DIR/output0.bin, ..., dense, in their types.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "import.h"
#include "onnx/given.h"
#include "import.h"
#include "onnx/given.h"
#include "reference/reference.h"

#define MEMORY_LIMIT	((size_t)3 << 30)

struct run {
	struct arena arena;
	struct enpu_diag diag;
	struct graph graph;
	struct reference *reference;
	struct given given;
	struct file model;
	struct file *inputs;
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

static int read_inputs(struct run *r, char **paths, unsigned int n)
{
	const struct graph *g = &r->graph;

	if (n != g->n_inputs)
		return fail("%s: %u inputs are given, the model has %u", g->file, n, g->n_inputs);
	r->inputs = calloc(n + 1, sizeof(*r->inputs));
	for (unsigned int i = 0; r->inputs && i < n; i++) {
		size_t want = tensor_bytes(g->inputs[i]);

		if (file_read(paths[i], &r->inputs[i]))
			return 1;
		if (r->inputs[i].size != want)
			return fail("%s: %zu bytes, the model's input %u has %zu", paths[i],
				    r->inputs[i].size, i, want);
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

static int run(struct run *r)
{
	const void **data = calloc(r->graph.n_inputs + 1, sizeof(*data));
	int err = data ? 0 : -ENOMEM;

	for (unsigned int i = 0; !err && i < r->graph.n_inputs; i++)
		data[i] = r->inputs[i].data;
	if (!err)
		err = reference_run(r->reference, data, NULL, NULL);
	free(data);
	return err ? fail("%s: %s", r->graph.file, strerror(-err)) : 0;
}

static int work(struct run *r, const char *dir, char **inputs, unsigned int n)
{
	struct enpu_compile_options opts = { 0 };

	given_set(&r->given, &opts);
	if (file_read(r->graph.file, &r->model))
		return 1;
	if (setjmp(r->arena.oom))
		return fail("%s: out of memory", r->graph.file);
	if (import_model(&r->graph, r->model.data, r->model.size, NULL, &opts))
		return 1;
	r->reference = reference_new(&r->graph);
	if (!r->reference || read_inputs(r, inputs, n) || run(r))
		return 1;
	return write_outputs(r, dir);
}

static int usage(void)
{
	fputs("usage: reference-run [-g NAME=SHAPE]... MODEL OUTPUT-DIR INPUT-FILE...\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	struct run r = { .arena.limit = MEMORY_LIMIT };
	int ret, opt;

	while ((opt = getopt(argc, argv, "g:")) != -1)
		if (opt != 'g' || given_parse(&r.given, 1, &optarg))
			return usage();
	if (argc - optind < 2)
		return usage();
	r.graph = (struct graph){ .arena = &r.arena, .diag = &r.diag, .file = argv[optind] };
	ret = work(&r, argv[optind + 1], argv + optind + 2, argc - optind - 2);
	for (size_t i = 0; i < r.diag.count; i++)
		fail("%s", r.diag.messages[i].text);
	reference_free(r.reference);
	for (unsigned int i = 0; r.inputs && i < r.graph.n_inputs; i++)
		free(r.inputs[i].data);
	free(r.inputs);
	free(r.model.data);
	enpu_diag_free(&r.diag);
	arena_free(&r.arena);
	return ret;
}
