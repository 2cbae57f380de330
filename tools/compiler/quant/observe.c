// SPDX-License-Identifier: MIT
/* Calibration: samples run through the float reference, every tensor is looked at. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "quantizer.h"

bool is_float_activation(const struct tensor *t)
{
	return t->type == DTYPE_F32 && !t->data;
}

void report_progress(const struct enpu_compile_options *opts, const char *what, uint32_t done,
		     uint32_t total)
{
	if (opts->progress)
		opts->progress(opts->progress_arg, what, done, total);
}

void describe_inputs(struct arena *arena, const struct graph *g, struct enpu_input_info **infos,
		     void ***data)
{
	*infos = arena_new(arena, struct enpu_input_info, g->n_inputs);
	*data = arena_new(arena, void *, g->n_inputs);
	for (unsigned int i = 0; i < g->n_inputs; i++) {
		const struct tensor *t = g->inputs[i];
		struct enpu_input_info *info = &(*infos)[i];

		info->name = t->name;
		info->type = dtype_name(t->type);
		info->rank = t->rank;
		memcpy(info->dims, t->dims, sizeof(info->dims));
		info->bytes = tensor_bytes(t);
		(*data)[i] = arena_alloc(arena, info->bytes, 1);
	}
}

int open_samples(const struct graph *g, const struct enpu_samples *samples,
		 const struct enpu_input_info *infos, uint32_t *count)
{
	char error[512] = "there are none";
	int got = samples->open(samples->arg, infos, g->n_inputs, has_variables(g), error,
				sizeof(error));

	if (got > 0) {
		*count = (uint32_t)got;
		return 0;
	}
	diag_error(g->diag, "%s: samples: %s", g->file, error);
	return got ? got : -EINVAL;
}

int read_sample(const struct graph *g, const struct enpu_samples *samples, uint32_t i,
		const struct enpu_input_info *infos, void *const *data)
{
	char error[512] = "";
	int err = samples->read(samples->arg, i, infos, g->n_inputs, data, error, sizeof(error));

	if (err)
		diag_error(g->diag, "%s: sample %" PRIu32 ": %s", g->file, i,
			   *error ? error : strerror(-err));
	return err;
}

bool has_variables(const struct graph *g)
{
	for (unsigned int i = 0; i < g->n_tensors; i++)
		if (g->tensors[i].initial)
			return true;
	return false;
}

bool begins_sequence(const struct enpu_samples *samples, uint32_t i)
{
	return !i || !samples->begins || samples->begins(samples->arg, i);
}

int run_sample(struct quantizer *q, uint32_t i, reference_watch watch, void *arg)
{
	int err = read_sample(q->g, q->how->samples, i, q->inputs, q->sample);

	if (err)
		return err;
	if (q->in_sequence && begins_sequence(q->how->samples, i))
		reference_reset(q->reference);
	if (watch)
		for (unsigned int k = 0; k < q->g->n_inputs; k++)
			watch(arg, q->g->inputs[k], q->sample[k]);
	err = reference_run(q->reference, (const void *const *)q->sample, watch, arg);
	if (err)
		diag_error(q->g->diag, "%s: sample %" PRIu32 ": the float reference failed: %s",
			   q->g->file, i, strerror(-err));
	return err;
}

static void look(void *arg, const struct tensor *t, void *data)
{
	struct quantizer *q = arg;
	struct observed *a = &q->activations[t->index];

	if (a->seen)
		histogram_add(a->seen, data, tensor_elements(t));
}

static int check_seen(const struct quantizer *q)
{
	int err = 0;

	for (unsigned int i = 0; i < q->g->n_tensors; i++) {
		const struct histogram *h = q->activations[i].seen;

		if (!h || !h->odd)
			continue;
		diag_error(q->g->diag, "%s: tensor %.80s: %" PRIu64 " values of the calibration are infinite or no numbers",
			   q->g->file, q->g->tensors[i].name, h->odd);
		err = -EINVAL;
	}
	return err;
}

int quantizer_observe(struct quantizer *q)
{
	uint32_t count = q->num_samples;

	for (unsigned int i = 0; i < q->g->n_tensors; i++)
		if (is_float_activation(&q->g->tensors[i]))
			q->activations[i].seen = arena_new(q->arena, struct histogram, 1);
	for (uint32_t i = 0; i < count; i++) {
		int err;

		report_progress(q->opts, "calibrating", i, count);
		err = run_sample(q, i, look, q);
		if (err)
			return err;
	}
	report_progress(q->opts, "calibrating", count, count);
	return check_seen(q);
}
