// SPDX-License-Identifier: MIT
/*
 * onnx-compare: a float model on the compiler's reference, after all passes over its graph,
 * and on ONNX Runtime. Same seeded inputs; each output's largest difference, relative to
 * the largest value that the output has. One TAP line per output.
 *
 *   onnx-compare LIBONNXRUNTIME LIMIT MODEL [NAME=1x3x64x64 | NAME=:VALUE]...
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "given.h"
#include "import.h"
#include "ort.h"
#include "reference/reference.h"

/* A probability that is nowhere larger is compared as if it were. */
#define SMALL		0.01
#define MEMORY_LIMIT	((size_t)3 << 30)

struct comparison {
	struct arena arena;
	struct enpu_diag diag;
	struct graph graph;
	struct reference *reference;
	struct ort *ort;
	struct file file;
	const char *model;
	struct given given;
	void *inputs[ORT_MAX_TENSORS];		/* ours */
	struct ort_tensor theirs[ORT_MAX_TENSORS];
	int64_t values[MAX_GIVEN];
	double limit;
};

static float next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return (float)(*state >> 8) / (1 << 24);
}

/* Theirs is NCHW, ours perhaps NHWC. */
static int fill_input(struct comparison *c, unsigned int i, uint32_t *state)
{
	const struct tensor *t = c->graph.inputs[i];
	struct ort_tensor *o = &c->theirs[i];
	int64_t n = tensor_elements(t), channels = t->rank == 4 ? t->dims[3] : 1;
	int64_t plane = t->rank == 4 ? (int64_t)t->dims[1] * t->dims[2] : n;
	float *ours = calloc(n, sizeof(*ours)), *data = calloc(n, sizeof(*data));

	c->inputs[i] = ours;
	o->name = t->name;
	o->type = 1;
	o->data = data;
	o->bytes = n * sizeof(*data);
	o->rank = t->rank;
	for (int d = 0; d < t->rank; d++)
		o->dims[d] = t->dims[d];
	if (!ours || !data || t->type != DTYPE_F32)
		return 1;
	for (int64_t k = 0; k < n; k++)
		data[k] = next_random(state);
	memcpy(ours, data, n * sizeof(*data));
	if (!t->was_nchw)
		return 0;
	o->dims[1] = t->dims[3];
	o->dims[2] = t->dims[1];
	o->dims[3] = t->dims[2];
	for (int64_t k = 0; k < n; k++) {
		int64_t image = k / (plane * channels), in = k % (plane * channels);

		ours[image * plane * channels + in % plane * channels + in / plane] = data[k];
	}
	return 0;
}

static int fill_inputs(struct comparison *c)
{
	uint32_t state = 1;
	unsigned int n = c->graph.n_inputs;

	if (n + c->given.n_values > ORT_MAX_TENSORS)
		return 1;
	for (unsigned int i = 0; i < n; i++)
		if (fill_input(c, i, &state))
			return 1;
	for (unsigned int i = 0; i < c->given.n_values; i++) {
		c->values[i] = (int64_t)c->given.numbers[i];
		c->theirs[n + i] = (struct ort_tensor){
			.name = c->given.values[i].name, .type = 7, .data = &c->values[i],
			.bytes = 8,
		};
	}
	return 0;
}

static int compare_output(const struct comparison *c, int i, const struct ort_tensor *want)
{
	const struct tensor *t = c->graph.outputs[i];
	const float *ours = reference_output(c->reference, i), *theirs = want->data;
	double worst = 0, largest = 0, noise = 0, power = 0;
	bool same = t->rank == (int)want->rank && t->type == DTYPE_F32 && want->type == 1;

	for (int d = 0; d < t->rank && same; d++)
		same = t->dims[d] == want->dims[d];
	for (int64_t k = 0; k < tensor_elements(t) && same; k++) {
		double d = fabs((double)ours[k] - theirs[k]);

		worst = d > worst || isnan(d) ? d : worst;
		largest = fmax(largest, fabs(theirs[k]));
		noise += d * d;
		power += (double)theirs[k] * theirs[k];
	}
	largest = fmax(largest, SMALL);
	worst /= largest;
	same = same && worst <= c->limit;
	printf("%s %d - %s %s: largest difference %.2g of the largest value (%.3g), %.0f dB\n",
	       same ? "ok" : "not ok", i + 1, c->model, t->name, worst, largest,
	       noise > 0 ? 10 * log10(power / noise) : 999);
	return !same;
}

static int compare(struct comparison *c)
{
	struct enpu_compile_options opts = { 0 };
	struct ort_tensor outputs[ORT_MAX_TENSORS];
	int n, wrong = 0;

	given_set(&c->given, &opts);
	if (import_model(&c->graph, c->file.data, c->file.size, ".", &opts))
		return 1;
	c->reference = reference_new(&c->graph);
	if (!c->reference || fill_inputs(c) ||
	    reference_run(c->reference, (const void *const *)c->inputs, NULL, NULL))
		return 1;
	n = ort_run(c->ort, c->theirs, c->graph.n_inputs + c->given.n_values, outputs);
	if (n != (int)c->graph.n_outputs)
		return 1;
	for (int i = 0; i < n; i++)
		wrong += compare_output(c, i, &outputs[i]);
	printf("1..%d\n", n);
	return wrong;
}

static int run(struct comparison *c)
{
	return setjmp(c->arena.oom) ? 1 : compare(c);
}

int main(int argc, char **argv)
{
	struct comparison c = { .arena.limit = MEMORY_LIMIT };
	int ret = 1;

	if (argc < 4 || file_read(argv[3], &c.file) || given_parse(&c.given, argc - 4, argv + 4)) {
		fputs("usage: onnx-compare LIBONNXRUNTIME LIMIT MODEL [NAME=SHAPE]...\n", stderr);
		return 2;
	}
	c.limit = atof(argv[2]);
	c.model = strrchr(argv[3], '/') ? strrchr(argv[3], '/') + 1 : argv[3];
	c.graph = (struct graph){ .arena = &c.arena, .diag = &c.diag, .file = c.model };
	c.ort = ort_open(argv[1], argv[3]);
	if (c.ort)
		ret = run(&c);
	for (size_t i = 0; i < c.diag.count; i++)
		fprintf(stderr, "%s\n", c.diag.messages[i].text);
	reference_free(c.reference);
	for (unsigned int i = 0; i < c.graph.n_inputs; i++) {
		free(c.inputs[i]);
		free(c.theirs[i].data);
	}
	if (c.ort)
		ort_close(c.ort);
	enpu_diag_free(&c.diag);
	arena_free(&c.arena);
	free(c.file.data);
	return ret != 0;
}
