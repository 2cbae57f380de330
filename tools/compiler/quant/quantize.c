// SPDX-License-Identifier: MIT
/* The quantizer's stages in order: see quantizer.h. */
#include <errno.h>

#include "../ir/builder.h"
#include "patches.h"

static void release(void *arg)
{
	struct quantizer *q = arg;

	patches_free(q);
	reference_free(q->reference);
	q->reference = NULL;
}

/* Samples run through the graph as it is now. */
static int look_at_values(struct quantizer *q)
{
	int err;

	q->activations = arena_new(q->arena, struct observed, q->g->n_tensors);
	q->filters = arena_new(q->arena, struct filter, q->g->n_ops);
	q->on_floats = arena_new(q->arena, bool, q->g->n_ops);
	q->reference = reference_new(q->g);
	if (!q->reference)
		return -EOPNOTSUPP;
	err = quantizer_observe(q);
	if (!err)
		quantizer_scale(q);
	return err;
}

/* With room for all layers there is nothing to choose, and nothing to look at for that. */
static int choose_halves(struct quantizer *q)
{
	int err = q->how->wide_weights_percent < 100 ? look_at_values(q) : 0;

	return err ? err : quantizer_halves(q);
}

static int run_stages(void *arg)
{
	struct quantizer *q = arg;
	int err = quantizer_prepare(q->g);

	if (err)
		return err;
	q->in_sequence = has_variables(q->g);
	describe_inputs(q->arena, q->g, &q->inputs, &q->sample);
	err = open_samples(q->g, q->how->samples, q->inputs, &q->num_samples);
	if (!err && q->how->equalize)
		err = quantizer_equalize(q);
	if (!err && q->how->wide_weights_percent > 0)
		err = choose_halves(q);
	if (!err)
		err = look_at_values(q);
	if (!err)
		err = quantizer_widen(q);
	if (!err)
		err = quantizer_nibbles(q);
	if (err)
		return err;
	quantizer_weights(q);
	err = quantizer_round(q);
	/* building changes the graph that the reference runs */
	release(q);
	if (!err)
		err = graph_copy(q->g, q->teacher);
	return err ? err : quantizer_build(q);
}

int quantize_graph(struct graph *g, const struct enpu_compile_options *opts,
		   struct graph *teacher)
{
	struct quantizer q = {
		.g = g, .arena = g->arena, .opts = opts, .how = opts->quantize, .teacher = teacher,
	};

	if (!q.how->samples) {
		diag_error(g->diag, "%s: there is nothing to calibrate with", g->file);
		return -EINVAL;
	}
	return arena_guard(g->arena, run_stages, release, &q);
}
