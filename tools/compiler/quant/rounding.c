// SPDX-License-Identifier: MIT
/*
 * Rounding by the layer's output: see rounding.h. With e the errors of a channel's weights
 * and C the covariance of its inputs, the output's squared error is e^T C e on average
 * (its mean is the bias's business). Weights are rounded one after another, each to what is
 * best for those before it (planes.h). Then, as changing one weight by d changes the error by
 * 2 d (C e)_k + d^2 C_kk, coordinates are tried one by one, cheaply, until none helps. The
 * idea to choose between up and down so is Nagel et al.'s (AdaRound, 2020), who descend on a
 * relaxation.
 */
#include "rounding.h"

#include <errno.h>
#include <math.h>
#include <oneapi/dnnl/dnnl.h>

#include "patches.h"
#include "planes.h"

#define MOST_SWEEPS	16
/* Share of the inputs' mean power that every weight is charged with: else those of inputs
 * that samples did not excite would round freely.
 */
#define RIDGE		0.01f

/* The other neighbour of @real. */
static int other(float real, int level, int most)
{
	int moved = (float)level > real ? level - 1 : level + 1;

	return moved < -most || moved > most ? level : moved;
}

static void start_pull(const float *real, const int8_t *level, const float *covariance,
		       int32_t taps, float *pull)
{
	for (int32_t i = 0; i < taps; i++)
		pull[i] = 0;
	for (int32_t k = 0; k < taps; k++) {
		float e = (float)level[k] - real[k];

		for (int32_t i = 0; i < taps; i++)
			pull[i] += e * covariance[(size_t)k * taps + i];
	}
}

void round_channel(const float *real, int8_t *level, int most, const float *covariance,
		   int32_t taps, float *pull)
{
	bool moved = true;

	start_pull(real, level, covariance, taps, pull);
	for (int sweep = 0; moved && sweep < MOST_SWEEPS; sweep++) {
		moved = false;
		for (int32_t k = 0; k < taps; k++) {
			const float *row = covariance + (size_t)k * taps;
			int to = other(real[k], level[k], most);
			float d = (float)(to - level[k]);

			if (!(2 * d * pull[k] + d * d * row[k] < 0))
				continue;
			for (int32_t i = 0; i < taps; i++)
				pull[i] += d * row[i];
			level[k] = (int8_t)to;
			moved = true;
		}
	}
}

/* Second moments become a covariance; see RIDGE. */
static void centre(struct moments *m, int32_t group)
{
	float *c = m->second + (size_t)group * m->taps * m->taps;
	const double *mean = m->seen_mean + (size_t)group * m->taps;
	float power = 0;

	for (int32_t i = 0; i < m->taps; i++) {
		power += c[(size_t)i * m->taps + i];
		for (int32_t k = 0; k < m->taps; k++)
			c[(size_t)i * m->taps + k] -= (float)(mean[i] * mean[k]);
	}
	for (int32_t i = 0; i < m->taps; i++)
		c[(size_t)i * m->taps + i] += RIDGE * power / (float)m->taps;
}

struct channel {
	float *real, *pull;
	int8_t *level;
};

/* What the rounded channel adds to the output on average goes out of the bias. */
static void correct_bias(struct quantizer *q, const struct moments *m, int32_t c,
			 const struct channel *x)
{
	struct filter *f = &q->filters[m->op->index];
	size_t at = (size_t)moments_group(q, m, c) * m->taps;
	double sum = 0;

	for (int32_t k = 0; k < m->taps; k++)
		sum += (double)x->real[k] * m->mean[at + k] -
		       (double)x->level[k] * m->seen_mean[at + k];
	f->bias[c] += sum * (double)f->scale[c];
}

static void round_layer_channel(struct quantizer *q, const struct moments *m, int32_t c,
				const struct planes *p, const struct channel *x)
{
	struct filter *f = &q->filters[m->op->index];
	const struct tensor *w = constant_weights(m->op);

	for (int32_t k = 0; k < m->taps; k++) {
		size_t i = weight_index(f, m->op->kind, c, k);

		x->real[k] = float_at(w, i) / f->scale[c];
		x->level[k] = f->weights[i];
	}
	planes_round(p, x->real, x->level, f->most);
	if (m->second)
		round_channel(x->real, x->level, f->most,
			      m->second + (size_t)moments_group(q, m, c) * m->taps * m->taps,
			      m->taps, x->pull);
	for (int32_t k = 0; k < m->taps; k++)
		f->weights[weight_index(f, m->op->kind, c, k)] = x->level[k];
	if (!q->how->keep_bias)
		correct_bias(q, m, c, x);
}

/* The covariance of @group, and its factor. */
static void prepare_group(struct planes *p, struct moments *m, int32_t group)
{
	centre(m, group);
	planes_factor(p, m->second + (size_t)group * m->taps * m->taps);
}

static void round_layer(struct quantizer *q, struct moments *m)
{
	struct channel x = {
		arena_new(q->arena, float, m->taps), arena_new(q->arena, float, m->taps),
		arena_new(q->arena, int8_t, m->taps),
	};
	struct planes planes;
	int32_t ready = -1;

	planes_open(&planes, q->arena, m->second ? m->taps : 0);
	for (int32_t c = 0; c < q->filters[m->op->index].channels; c++) {
		int32_t group = moments_group(q, m, c);

		if (m->second && group != ready)
			prepare_group(&planes, m, group);
		ready = group;
		round_layer_channel(q, m, c, &planes, &x);
	}
	planes_close(&planes);
}

int quantizer_round(struct quantizer *q)
{
	bool adaptive = q->how->rounding == ENPU_ROUNDING_ADAPTIVE;
	unsigned int next = 0;

	if (!adaptive && q->how->keep_bias)
		return 0;
	while (next < q->g->n_ops) {
		int err = patches_gather(q, next, adaptive, &next);

		for (size_t i = 0; !err && i < q->num_moments; i++) {
			report_progress(q->opts, "rounding weights", i, q->num_moments);
			round_layer(q, &q->moments[i]);
		}
		if (!err && q->num_moments)
			report_progress(q->opts, "rounding weights", q->num_moments,
					q->num_moments);
		patches_free(q);
		if (err)
			return err;
	}
	return 0;
}
