// SPDX-License-Identifier: MIT
/*
 * Broken float models in the importer, the passes that fold, and the float reference: what
 * is refused has a reason, and what is not runs to its end, inside of its tensors.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../judge.h"
#include "../mutations.h"
#include "import.h"
#include "reference/reference.h"

#define MEMORY_LIMIT	((size_t)1 << 30)
#define MOST_ELEMENTS	((int64_t)1 << 22)
#define MOST_PRODUCTS	((int64_t)1 << 30)

const struct mutator *const mutator = &tflite_mutator;

struct run {
	struct arena arena;
	struct enpu_diag diag;
	struct graph graph;
	struct reference *reference;
	void **inputs;
};

/* The inputs are made of the file's bytes: numbers of all kinds, indices that lie outside. */
static bool make_inputs(struct run *r, const uint8_t *data, size_t size)
{
	const struct graph *g = &r->graph;

	r->inputs = calloc(g->n_inputs, sizeof(*r->inputs));
	for (unsigned int i = 0; r->inputs && i < g->n_inputs; i++) {
		int64_t bytes = tensor_bytes(g->inputs[i]);
		uint8_t *to = malloc(bytes + 1);

		r->inputs[i] = to;
		for (int64_t at = 0; to && at < bytes; at++)
			to[at] = data[at % size];
		if (!to)
			return false;
	}
	return r->inputs;
}

static enum outcome run_it(struct run *r, const uint8_t *data, size_t size, char why[300])
{
	unsigned int sum = 0;
	int err;

	if (!make_inputs(r, data, size))
		return OUTCOME_REFUSED;
	err = reference_run(r->reference, (const void *const *)r->inputs, NULL, NULL);
	if (err) {
		snprintf(why, 300, "the run fails: %s", strerror(-err));
		return err == -ERANGE || err == -ENOMEM ? OUTCOME_REFUSED : OUTCOME_WRONG;
	}
	for (unsigned int i = 0; i < r->graph.n_outputs; i++) {
		const uint8_t *out = reference_output(r->reference, i);

		for (int64_t at = 0; at < tensor_bytes(r->graph.outputs[i]); at++)
			sum += out[at];
	}
	/* reading all is what counts: the sanitizers see what was never allocated */
	return sum == (unsigned int)-1 ? OUTCOME_REFUSED : OUTCOME_COMPILED;
}

static enum outcome judge_run(struct run *r, const uint8_t *data, size_t size, char why[300])
{
	if (setjmp(r->arena.oom))
		return OUTCOME_REFUSED;
	if (import_model(&r->graph, data, size, NULL, NULL))
		return judge_refusal(&r->diag, why);
	if (!worth_running(&r->graph, MOST_ELEMENTS, MOST_PRODUCTS))
		return OUTCOME_REFUSED;
	r->reference = reference_new(&r->graph);
	return r->reference ? run_it(r, data, size, why) : judge_refusal(&r->diag, why);
}

enum outcome compile_one(const uint8_t *data, size_t size, char why[300])
{
	struct run r = { .arena.limit = MEMORY_LIMIT };
	enum outcome outcome;

	r.graph = (struct graph){ .arena = &r.arena, .diag = &r.diag, .file = "input" };
	outcome = judge_run(&r, data, size, why);
	reference_free(r.reference);
	for (unsigned int i = 0; r.inputs && i < r.graph.n_inputs; i++)
		free(r.inputs[i]);
	free(r.inputs);
	enpu_diag_free(&r.diag);
	arena_free(&r.arena);
	return outcome;
}
