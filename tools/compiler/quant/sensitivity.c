// SPDX-License-Identifier: MIT
/* What changes do to the results: see sensitivity.h. */
#include "sensitivity.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <string.h>

#define TRIALS		4		/* samples that a change is judged by */
#define STEPS		64		/* the same of a model with variables */

static void list_results(struct sensitivity *s)
{
	const struct graph *g = s->q->g;
	struct arena *arena = s->q->arena;

	for (unsigned int i = 0; i < g->n_outputs; i++) {
		const struct tensor *t = g->outputs[i];
		const struct op *op = t->producer;
		bool parts = op && op->kind == OP_CONCATENATION && s->q->on_floats[op->index];

		for (unsigned int k = 0; parts && k < op->n_inputs; k++)
			*arena_push(arena, s->results, s->n_results) = op->inputs[k];
		if (!parts && is_float_activation(t))
			*arena_push(arena, s->results, s->n_results) = t;
	}
}

static void keep_truth(void *arg, const struct tensor *t, void *data)
{
	struct sensitivity *s = arg;

	for (size_t i = 0; i < s->n_results; i++)
		if (s->results[i] == t)
			memcpy(s->truth[s->trial][i], data, tensor_bytes(t));
}

int sensitivity_open(struct sensitivity *s, struct quantizer *q)
{
	int err = 0;

	*s = (struct sensitivity) { .q = q };
	list_results(s);
	s->trials = q->in_sequence ? STEPS : TRIALS;
	if (s->trials > q->num_samples)
		s->trials = q->num_samples;
	s->truth = arena_new(q->arena, float **, s->trials);
	for (s->trial = 0; s->trial < s->trials && !err; s->trial++) {
		float **truth = arena_new(q->arena, float *, s->n_results);

		for (size_t i = 0; i < s->n_results; i++)
			truth[i] = arena_new(q->arena, float, tensor_elements(s->results[i]));
		s->truth[s->trial] = truth;
		err = run_sample(q, s->trial, keep_truth, s);
	}
	return err;
}

static double relative_error(const float *truth, const float *value, int64_t n)
{
	double noise = 0, signal = 0;

	for (int64_t i = 0; i < n; i++) {
		double d = (double)value[i] - (double)truth[i];

		noise += d * d;
		signal += (double)truth[i] * (double)truth[i];
	}
	return noise / (signal + DBL_MIN);
}

static void watch(void *arg, const struct tensor *t, void *data)
{
	struct sensitivity *s = arg;

	if (s->change && is_float_activation(t))
		s->change(s->arg, t, data);
	for (size_t i = 0; i < s->n_results; i++)
		if (s->results[i] == t)
			s->error += relative_error(s->truth[s->trial][i], data,
						   tensor_elements(t));
}

int sensitivity_measure(struct sensitivity *s,
			void (*change)(void *arg, const struct tensor *t, float *values), void *arg,
			double *error)
{
	int err = 0;

	s->change = change;
	s->arg = arg;
	s->error = 0;
	for (s->trial = 0; s->trial < s->trials && !err; s->trial++)
		err = run_sample(s->q, s->trial, watch, s);
	*error = s->error;
	return err;
}

/* The weights of @op at the nearest of their levels. */
static float *rounded_weights(struct quantizer *q, const struct op *op, int most)
{
	const struct tensor *w = constant_weights(op);
	int64_t n = tensor_elements(w);
	float *rounded = arena_new(q->arena, float, n);
	struct filter f = { .channels = w->dims[channel_axis(op->kind)] };

	f.taps = (int32_t)(n / f.channels);
	for (int32_t c = 0; c < f.channels; c++) {
		float scale = largest_weight(w, &f, op->kind, c) / (float)most;

		for (int32_t k = 0; k < f.taps; k++) {
			size_t i = weight_index(&f, op->kind, c, k);

			rounded[i] = scale > 0 ? roundf(float_at(w, i) / scale) * scale : 0;
		}
	}
	return rounded;
}

/* With a reference of its own, as it prepares weights once. */
int sensitivity_weights(struct sensitivity *s, struct op *op, int most, double *error)
{
	struct quantizer *q = s->q;
	struct tensor *w = op->inputs[weights_input(op->kind)];
	struct reference *whole = q->reference;
	struct arena_mark mark = arena_mark(q->arena);
	const uint8_t *weights = w->data;
	int err = -EOPNOTSUPP;

	w->data = (const uint8_t *)rounded_weights(q, op, most);
	q->reference = reference_new(q->g);
	if (q->reference) {
		err = sensitivity_measure(s, NULL, NULL, error);
		reference_free(q->reference);
	}
	q->reference = whole;
	w->data = weights;
	arena_release(q->arena, mark);
	return err;
}
