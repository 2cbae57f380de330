// SPDX-License-Identifier: MIT
/*
 * onnx-vectors: ONNX's own test vectors of single operators, through the importer, the
 * passes over graphs and the float reference, to the tolerance of ONNX's backend tests.
 *
 *   onnx-vectors DIR [TEST...]
 *
 * DIR has a folder for each test: model.onnx, test_data_set_0/input_N.pb, output_N.pb. An
 * input that must be known when a model is compiled (a shape, axes) is made a constant. One
 * TAP line a test; what is refused is skipped, with the reason; the last lines count.
 */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "given.h"
#include "import.h"
#include "onnx/importer.h"
#include "reference/reference.h"

#define MEMORY_LIMIT	((size_t)1 << 30)
#define MAX_TENSORS	16
#define RELATIVE	1e-3
#define ABSOLUTE	1e-7

/* Which inputs become constants, tried in this order. */
enum fixing { FIX_NONE, FIX_INTEGERS, FIX_ALL_BUT_FIRST, FIX_ALL, FIXINGS };
enum outcome { PASSED, UNKNOWN_OPERATOR, RESTRICTED, FAILED, OUTCOMES };

struct vector {
	struct arena arena;
	struct enpu_diag diag;
	struct graph graph;
	const char *dir;		/* of all tests */
	const char *name;
	struct tensor *inputs[MAX_TENSORS], *outputs[MAX_TENSORS];
	const char *input_names[MAX_TENSORS];
	unsigned int n_inputs, n_outputs;
	char why[400];
};

static struct file read_part(struct vector *v, const char *part)
{
	char path[4096];
	struct file file = { 0 };
	void *copy;

	snprintf(path, sizeof(path), "%s/%s/%s", v->dir, v->name, part);
	if (!access(path, R_OK) && !file_read(path, &file)) {
		copy = arena_alloc(&v->arena, file.size + 1, 1);
		memcpy(copy, file.data, file.size);
		free(file.data);
		file.data = copy;
	}
	return file;
}

/* input_N.pb or output_N.pb; NULL: there is none, or it is no tensor that the IR has. */
static struct tensor *read_tensor(struct vector *v, const char *what, unsigned int i)
{
	struct graph g = { .arena = &v->arena, .diag = &v->diag, .file = v->name };
	ProtobufCAllocator allocator = onnx_allocator(&v->arena);
	struct onnx_options none = { 0 };
	struct importer *im = arena_new(&v->arena, struct importer, 1);
	Onnx__TensorProto *proto;
	struct file file;
	char part[100];

	snprintf(part, sizeof(part), "test_data_set_0/%s_%u.pb", what, i);
	file = read_part(v, part);
	proto = file.data ? onnx__tensor_proto__unpack(&allocator, file.size, file.data) : NULL;
	if (!proto)
		return NULL;
	im->graph = &g;
	im->opts = &none;
	im->b.arena = &v->arena;
	if (setjmp(im->failed))
		return NULL;
	return import_tensor(im, proto, proto->name);
}

static void read_data(struct vector *v)
{
	for (v->n_inputs = 0; v->n_inputs < MAX_TENSORS; v->n_inputs++) {
		v->inputs[v->n_inputs] = read_tensor(v, "input", v->n_inputs);
		if (!v->inputs[v->n_inputs])
			break;
	}
	for (v->n_outputs = 0; v->n_outputs < MAX_TENSORS; v->n_outputs++) {
		v->outputs[v->n_outputs] = read_tensor(v, "output", v->n_outputs);
		if (!v->outputs[v->n_outputs])
			break;
	}
}

static bool is_fixed(const struct tensor *t, unsigned int i, enum fixing fixing)
{
	switch (fixing) {
	case FIX_INTEGERS:
		return t->type == DTYPE_I64 || t->type == DTYPE_I32 || t->type == DTYPE_BOOL;
	case FIX_ALL_BUT_FIRST:
		return i > 0;
	default:
		return fixing == FIX_ALL;
	}
}

static void give_values(struct vector *v, enum fixing fixing, struct enpu_compile_options *opts)
{
	struct enpu_input_value *values;

	values = arena_new(&v->arena, struct enpu_input_value, MAX_TENSORS);
	opts->input_values = values;
	for (unsigned int i = 0; i < v->n_inputs; i++) {
		const struct tensor *t = v->inputs[i];
		int64_t n = tensor_elements(t);
		double *numbers = arena_new(&v->arena, double, n + 1);

		if (!is_fixed(t, i, fixing))
			continue;
		for (int64_t k = 0; k < n; k++)
			numbers[k] = constant_number(t, k);
		values[opts->n_input_values++] = (struct enpu_input_value){
			v->input_names[i], n, numbers,
		};
	}
}

/* The data files follow the order of the model's inputs. */
static void name_inputs(struct vector *v, const struct file *model)
{
	Onnx__ModelProto *m = onnx_parse(&v->graph, model->data, model->size);

	for (size_t i = 0; m && i < m->graph->n_input && i < v->n_inputs; i++)
		v->input_names[i] = m->graph->input[i]->name;
}

static bool close_enough(double ours, double theirs)
{
	if (isnan(theirs) || isinf(theirs))
		return isnan(theirs) ? isnan(ours) : ours == theirs;
	return fabs(ours - theirs) <= ABSOLUTE + RELATIVE * fabs(theirs);
}

static bool compare(struct vector *v, const struct tensor *t, const void *data,
		    const struct tensor *want)
{
	struct tensor ours = *t;

	ours.data = data;
	if (t->type != want->type || !same_shape(t, want)) {
		snprintf(v->why, sizeof(v->why), "%.100s, not %.100s", tensor_text(&v->arena, t),
			 tensor_text(&v->arena, want));
		return false;
	}
	for (int64_t i = 0; i < tensor_elements(t); i++) {
		double a = constant_number(&ours, i), b = constant_number(want, i);

		if (!close_enough(a, b)) {
			snprintf(v->why, sizeof(v->why), "element %lld of %.100s is %.9g, not %.9g",
				 (long long)i, t->name, a, b);
			return false;
		}
	}
	return true;
}

/* Data of input @t of the graph, in its order. */
static const void *input_data(struct vector *v, const struct tensor *t)
{
	for (unsigned int i = 0; i < v->n_inputs; i++) {
		struct tensor *in = v->inputs[i], *out;
		int32_t nhwc[] = { 0, 2, 3, 1 };
		struct builder b = { .arena = &v->arena };
		struct op *op;

		if (strcmp(v->input_names[i], t->name))
			continue;
		if (!t->was_nchw)
			return in->data;
		out = builder_tensor(&b, t->name, t->type, 4, t->dims);
		op = builder_op(&b, OP_TRANSPOSE, "", 2, 1);
		op->inputs[0] = in;
		op->inputs[1] = builder_ints(&b, "", 4, nhwc);
		op->outputs[0] = out;
		fold_constant(&v->arena, op);
		return out->data;
	}
	return NULL;
}

static bool run_reference(struct vector *v, struct reference *r)
{
	const void *inputs[MAX_TENSORS];

	for (unsigned int i = 0; i < v->graph.n_inputs; i++)
		inputs[i] = input_data(v, v->graph.inputs[i]);
	if (reference_run(r, inputs, NULL, NULL)) {
		snprintf(v->why, sizeof(v->why), "the reference fails");
		return false;
	}
	for (unsigned int i = 0; i < v->n_outputs; i++)
		if (!compare(v, v->graph.outputs[i], reference_output(r, i), v->outputs[i]))
			return false;
	return true;
}

static void first_message(struct vector *v)
{
	const char *text = v->diag.count ? v->diag.messages[v->diag.count - 1].text : "no reason";

	snprintf(v->why, sizeof(v->why), "%s", text);
}

/* One way to fix inputs. */
static enum outcome try(struct vector *v, const struct file *model, enum fixing fixing)
{
	struct enpu_compile_options opts = { 0 };
	struct reference *r;
	enum outcome outcome = FAILED;

	v->graph = (struct graph){ .arena = &v->arena, .diag = &v->diag, .file = "model.onnx" };
	give_values(v, fixing, &opts);
	if (import_model(&v->graph, model->data, model->size, NULL, &opts)) {
		first_message(v);
		return strstr(v->why, "is not supported") && strstr(v->why, "the operator ")
		       ? UNKNOWN_OPERATOR : RESTRICTED;
	}
	r = reference_new(&v->graph);
	if (!r) {
		first_message(v);
		return RESTRICTED;
	}
	if (v->n_outputs < v->graph.n_outputs)
		snprintf(v->why, sizeof(v->why), "%u outputs, not %u", v->graph.n_outputs,
			 v->n_outputs);
	else if (run_reference(v, r))
		outcome = PASSED;
	reference_free(r);
	return outcome;
}

static enum outcome test_all(struct vector *v)
{
	enum outcome outcome = RESTRICTED;
	struct file model;

	v->graph = (struct graph){ .arena = &v->arena, .diag = &v->diag, .file = "model.onnx" };
	model = read_part(v, "model.onnx");
	if (!model.data)
		return FAILED;
	read_data(v);
	name_inputs(v, &model);
	for (int fixing = FIX_NONE; fixing < FIXINGS && outcome == RESTRICTED; fixing++)
		outcome = try(v, &model, fixing);
	return outcome;
}

static enum outcome test(struct vector *v)
{
	if (!setjmp(v->arena.oom))
		return test_all(v);
	snprintf(v->why, sizeof(v->why), "out of memory");
	return FAILED;
}

static enum outcome run_vector(const char *dir, const char *name, int number)
{
	struct vector v = { .arena.limit = MEMORY_LIMIT, .dir = dir, .name = name };
	enum outcome outcome = test(&v);

	printf("%s %d - %s%s%s\n", outcome == FAILED ? "not ok" : "ok", number, name,
	       outcome == PASSED ? "" : outcome == FAILED ? ": " : " # SKIP ", v.why);
	enpu_diag_free(&v.diag);
	arena_free(&v.arena);
	return outcome;
}

static int is_test(const struct dirent *entry)
{
	return !strncmp(entry->d_name, "test_", 5);
}

int main(int argc, char **argv)
{
	unsigned int count[OUTCOMES] = { 0 };
	struct dirent **tests;
	int n = argc > 1 ? scandir(argv[1], &tests, is_test, alphasort) : -1, ran = 0;

	if (n < 0) {
		fputs("usage: onnx-vectors DIR [TEST...]\n", stderr);
		return 2;
	}
	for (int i = 0; i < n; i++) {
		bool chosen = argc == 2;

		for (int k = 2; k < argc; k++)
			chosen |= !strcmp(argv[k], tests[i]->d_name);
		if (chosen)
			count[run_vector(argv[1], tests[i]->d_name, ++ran)]++;
		free(tests[i]);
	}
	free(tests);
	printf("1..%d\n# %d vectors: %u passed, %u of operators that are not supported, %u refused for a restriction, %u failed\n",
	       ran, ran, count[PASSED], count[UNKNOWN_OPERATOR], count[RESTRICTED], count[FAILED]);
	return count[FAILED] || !count[PASSED];
}
