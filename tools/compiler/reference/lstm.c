// SPDX-License-Identifier: MIT
/*
 * LSTM as ONNX has it (layout 0, the usual activations): gates in the order input, output,
 * forget, cell.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"

enum { X, W, R, B, LENGTHS, INITIAL_H, INITIAL_C, PEEPHOLES, LSTM_INPUTS };
enum { Y, LAST_H, LAST_C };
enum { GATE_I, GATE_O, GATE_F, GATE_C, GATES };

static bool has_shape(const struct tensor *t, int rank, const int64_t *dims)
{
	if (t->rank != rank)
		return false;
	for (int d = 0; d < rank; d++)
		if (t->dims[d] != dims[d])
			return false;
	return true;
}

const char *check_lstm(const struct op *op)
{
	const struct tensor *x = op->inputs[X], *r = op->inputs[R];
	int64_t steps, batch, width, ways, size;

	if (x->rank != 3 || r->rank != 3)
		return "X, W and R must have 3 dimensions";
	steps = x->dims[0];
	batch = x->dims[1];
	width = x->dims[2];
	ways = r->dims[0];
	size = r->dims[2];
	const int64_t shapes[LSTM_INPUTS][3] = {
		[X] = { steps, batch, width }, [W] = { ways, GATES * size, width },
		[R] = { ways, GATES * size, size }, [B] = { ways, 2 * GATES * size },
		[LENGTHS] = { batch }, [INITIAL_H] = { ways, batch, size },
		[INITIAL_C] = { ways, batch, size }, [PEEPHOLES] = { ways, 3 * size },
	};
	static const int ranks[LSTM_INPUTS] = { 3, 3, 3, 2, 1, 3, 3, 2 };
	const int64_t y[] = { steps, ways, batch, size };

	if (ways < 1 || ways > 2)
		return "there must be one direction or two";
	for (unsigned int i = 0; i < op->n_inputs; i++) {
		if (!op->inputs[i])
			continue;
		if (op->inputs[i]->type != (i == LENGTHS ? DTYPE_I32 : DTYPE_F32))
			return "its tensors must be float32, lengths int32";
		if (!has_shape(op->inputs[i], ranks[i], shapes[i]))
			return "the shapes do not fit each other";
	}
	for (unsigned int i = 0; i < op->n_outputs; i++)
		if (op->outputs[i]->type != DTYPE_F32 ||
		    !has_shape(op->outputs[i], i ? 3 : 4, i ? y + 1 : y))
			return "the outputs have other shapes than the inputs give";
	return NULL;
}

static float sigmoid(float x)
{
	return 1 / (1 + expf(-x));
}

/* One direction of one sequence. */
struct lstm {
	const struct call *c;
	int64_t way, b, steps, batch, width, ways, size;
	float *h, *cell, *gates;	/* state and room for one step */
};

static float dot(const float *a, const float *b, int64_t n)
{
	float sum = 0;

	for (int64_t i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

/* All gates before their activations. */
static void sum_gates(const struct lstm *l, int64_t t)
{
	int64_t rows = GATES * l->size;
	const float *x = (const float *)l->c->in[X] + (t * l->batch + l->b) * l->width;
	const float *w = (const float *)l->c->in[W] + l->way * rows * l->width;
	const float *r = (const float *)l->c->in[R] + l->way * rows * l->size;
	const float *bias = has_input(l->c->op, B) ?
			    (const float *)l->c->in[B] + l->way * 2 * rows : NULL;

	for (int64_t i = 0; i < rows; i++) {
		l->gates[i] = dot(x, w + i * l->width, l->width) +
			      dot(l->h, r + i * l->size, l->size);
		if (bias)
			l->gates[i] += bias[i] + bias[rows + i];
	}
}

static void step(const struct lstm *l, int64_t t)
{
	int64_t n = l->size;
	const float *p = has_input(l->c->op, PEEPHOLES) ?
			 (const float *)l->c->in[PEEPHOLES] + l->way * 3 * n : NULL;

	sum_gates(l, t);
	for (int64_t i = 0; i < n; i++) {
		float in = l->gates[GATE_I * n + i] + (p ? p[i] * l->cell[i] : 0);
		float forget = l->gates[GATE_F * n + i] + (p ? p[2 * n + i] * l->cell[i] : 0);
		float out = l->gates[GATE_O * n + i];

		l->cell[i] = sigmoid(forget) * l->cell[i] +
			     sigmoid(in) * tanhf(l->gates[GATE_C * n + i]);
		out += p ? p[n + i] * l->cell[i] : 0;
		l->h[i] = sigmoid(out) * tanhf(l->cell[i]);
	}
}

static void initial(const struct lstm *l, unsigned int input, float *state)
{
	if (has_input(l->c->op, input))
		memcpy(state, (const float *)l->c->in[input] + (l->way * l->batch + l->b) * l->size,
		       l->size * sizeof(*state));
	else
		memset(state, 0, l->size * sizeof(*state));
}

static void last(const struct lstm *l, unsigned int output, const float *state)
{
	if (output < l->c->op->n_outputs)
		memcpy((float *)l->c->out[output] + (l->way * l->batch + l->b) * l->size, state,
		       l->size * sizeof(*state));
}

static void run_sequence(const struct lstm *l)
{
	int64_t length = has_input(l->c->op, LENGTHS) ?
			 ((const int32_t *)l->c->in[LENGTHS])[l->b] : l->steps;
	bool backwards = l->way || l->c->op->attrs.reverse;

	length = length < 0 ? 0 : length > l->steps ? l->steps : length;
	initial(l, INITIAL_H, l->h);
	initial(l, INITIAL_C, l->cell);
	for (int64_t i = 0; i < length; i++) {
		int64_t t = backwards ? length - 1 - i : i;

		step(l, t);
		memcpy((float *)l->c->out[Y] + ((t * l->ways + l->way) * l->batch + l->b) * l->size,
		       l->h, l->size * sizeof(*l->h));
	}
	last(l, LAST_H, l->h);
	last(l, LAST_C, l->cell);
}

int run_lstm(const struct call *c)
{
	const struct tensor *x = c->op->inputs[X], *r = c->op->inputs[R];
	struct lstm l = {
		.c = c, .steps = x->dims[0], .batch = x->dims[1], .width = x->dims[2],
		.ways = r->dims[0], .size = r->dims[2],
	};
	float *room = malloc((2 + GATES) * l.size * sizeof(*room) + 1);

	if (!room)
		return -ENOMEM;
	l.h = room;
	l.cell = room + l.size;
	l.gates = room + 2 * l.size;
	memset(c->out[Y], 0, tensor_bytes(c->op->outputs[Y]));
	for (l.way = 0; l.way < l.ways; l.way++)
		for (l.b = 0; l.b < l.batch; l.b++)
			run_sequence(&l);
	free(room);
	return 0;
}
