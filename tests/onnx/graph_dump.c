// SPDX-License-Identifier: MIT
/*
 * onnx-graph: what the importer makes of a model, as text: one line an operator, and a
 * line that counts them by kind. For people and for tests of counts.
 *
 *   onnx-graph MODEL [NAME=1x3x64x64 | NAME=:VALUE]...
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import.h"
#include "given.h"

#define MEMORY_LIMIT	((size_t)3 << 30)

static void print_graph(struct arena *arena, const struct graph *g)
{
	for (unsigned int i = 0; i < g->n_inputs; i++)
		printf("input %s\n", tensor_text(arena, g->inputs[i]));
	for (unsigned int i = 0; i < g->n_ops; i++)
		printf("%u %s (kind %d) %s %s\n", i, g->ops[i].name, g->ops[i].kind,
		       g->ops[i].label ? g->ops[i].label : "",
		       op_shapes_text(arena, &g->ops[i]));
	for (unsigned int i = 0; i < g->n_outputs; i++)
		printf("output %s\n", tensor_text(arena, g->outputs[i]));
}

static void print_counts(const struct graph *g)
{
	unsigned int transposes = 0;

	for (unsigned int i = 0; i < g->n_ops; i++)
		transposes += g->ops[i].kind == OP_TRANSPOSE;
	printf("%u operators, %u transposes\n", g->n_ops, transposes);
}

static int run(struct graph *g, const struct file *file, const struct enpu_compile_options *opts)
{
	if (setjmp(g->arena->oom)) {
		fprintf(stderr, "%s: out of memory\n", g->file);
		return 1;
	}
	if (import_model(g, file->data, file->size, ".", opts))
		return 1;
	print_graph(g->arena, g);
	print_counts(g);
	return 0;
}

int main(int argc, char **argv)
{
	struct arena arena = { .limit = MEMORY_LIMIT };
	struct enpu_compile_options opts = { 0 };
	struct enpu_diag diag = { 0 };
	struct graph g = { .arena = &arena, .diag = &diag };
	struct given given = { 0 };
	struct file file;
	int ret;

	if (argc < 2 || file_read(argv[1], &file) || given_parse(&given, argc - 2, argv + 2))
		return 2;
	g.file = argv[1];
	given_set(&given, &opts);
	ret = run(&g, &file, &opts);
	for (size_t i = 0; i < diag.count; i++)
		fprintf(stderr, "%s\n", diag.messages[i].text);
	enpu_diag_free(&diag);
	arena_free(&arena);
	free(file.data);
	return ret;
}
