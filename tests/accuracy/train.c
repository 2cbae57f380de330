// SPDX-License-Identifier: MIT
/*
 * Trains one of the small nets below, the same one in every run, by stochastic gradient
 * descent on the cross entropy of single samples. Writes the weights as floats, one layer
 * after another: weights [inputs][outputs], biases. Between layers is a ReLU.
 *
 *	mnist	28x28 pixels; two convolutions of 5x5 with stride 2, 8 and 16 channels, and
 *		one layer of 10
 *	letters	16 numbers; layers of 96 and 26
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_INPUTS	784
#define KERNEL	5
#define PAD	2

struct layer {
	int in_side, in_channels, out_side, out_channels, kernel;	/* kernel 0: all inputs */
	int taps;
	float *weights, *bias, *values, *slopes;	/* of outputs */
};

static struct layer mnist_layers[] = {
	{ 28, 1, 14, 8, KERNEL }, { 14, 8, 7, 16, KERNEL }, { 7, 16, 1, 10, 0 },
};

static struct layer letters_layers[] = {
	{ 1, 16, 1, 96, 0 }, { 1, 96, 1, 26, 0 },
};

static const struct net {
	const char *name;
	struct layer *layers;
	int count, inputs, samples, epochs;
	float rate;			/* a fifth of it in the last half */
} nets[] = {
	{ "mnist", mnist_layers, 3, 784, 60000, 2, 0.01f },
	{ "letters", letters_layers, 2, 16, 16000, 40, 0.02f },
};

static uint64_t lot = 1;

static double draw(void)
{
	lot = lot * 6364136223846793005ull + 1442695040888963407ull;
	return (double)(lot >> 11) / 9007199254740992.0;
}

static void *room(size_t count)
{
	void *p = calloc(count, sizeof(float));

	if (!p)
		exit(1);
	return p;
}

static void set_up(struct layer *l)
{
	int outputs = l->out_side * l->out_side * l->out_channels;
	int inputs = l->in_side * l->in_side * l->in_channels;

	l->taps = l->kernel ? l->kernel * l->kernel * l->in_channels : inputs;
	l->weights = room((size_t)l->taps * l->out_channels);
	l->bias = room(l->out_channels);
	l->values = room(outputs);
	l->slopes = room(outputs);
	for (int i = 0; i < l->taps * l->out_channels; i++)
		l->weights[i] = (float)((draw() - 0.5) * 2 * sqrt(3.0 / l->taps));
}

/* Calls @visit for every input under the kernel at output (@y, @x): its index and tap. */
#define FOR_TAPS(l, y, x, at, tap) \
	for (int ky = 0; ky < ((l)->kernel ? (l)->kernel : (l)->in_side); ky++) \
		for (int kx = 0; kx < ((l)->kernel ? (l)->kernel : (l)->in_side); kx++) \
			for (int c = 0, at, tap; \
			     (tap = (ky * ((l)->kernel ? (l)->kernel : (l)->in_side) + kx) * \
				    (l)->in_channels + c, \
			      at = input_index(l, y, x, ky, kx, c)), c < (l)->in_channels; c++) \
				if (at >= 0)

static int input_index(const struct layer *l, int y, int x, int ky, int kx, int c)
{
	int row = l->kernel ? 2 * y + ky - PAD : ky, col = l->kernel ? 2 * x + kx - PAD : kx;

	if (row < 0 || col < 0 || row >= l->in_side || col >= l->in_side)
		return -1;
	return (row * l->in_side + col) * l->in_channels + c;
}

static void forward(struct layer *l, const float *in, int relu)
{
	for (int p = 0; p < l->out_side * l->out_side; p++) {
		float *out = l->values + p * l->out_channels;
		int y = p / l->out_side, x = p % l->out_side;

		memcpy(out, l->bias, l->out_channels * sizeof(float));
		FOR_TAPS(l, y, x, at, tap)
			for (int o = 0; o < l->out_channels; o++)
				out[o] += in[at] * l->weights[tap * l->out_channels + o];
		for (int o = 0; relu && o < l->out_channels; o++)
			out[o] = out[o] > 0 ? out[o] : 0;
	}
}

/* Slopes of the inputs, if wanted, and one step down for the weights. */
static void backward(struct layer *l, const float *in, float *in_slopes, float rate)
{
	if (in_slopes)
		memset(in_slopes, 0, l->in_side * l->in_side * l->in_channels * sizeof(float));
	for (int p = 0; p < l->out_side * l->out_side; p++) {
		const float *slope = l->slopes + p * l->out_channels;
		int y = p / l->out_side, x = p % l->out_side;

		FOR_TAPS(l, y, x, at, tap) {
			float *w = l->weights + tap * l->out_channels, sum = 0;

			for (int o = 0; o < l->out_channels; o++) {
				sum += w[o] * slope[o];
				w[o] -= rate * in[at] * slope[o];
			}
			if (in_slopes)
				in_slopes[at] += sum;
		}
		for (int o = 0; o < l->out_channels; o++)
			l->bias[o] -= rate * slope[o];
	}
}

static void learn(const struct net *net, const uint8_t *bytes, int label, float rate)
{
	struct layer *layers = net->layers, *last = &layers[net->count - 1];
	float input[MOST_INPUTS], most, sum = 0;
	int classes = last->out_channels;

	for (int i = 0; i < net->inputs; i++)
		input[i] = (float)bytes[i] / 255;
	for (int i = 0; i < net->count; i++)
		forward(&layers[i], i ? layers[i - 1].values : input, i < net->count - 1);
	most = last->values[0];
	for (int o = 1; o < classes; o++)
		most = fmaxf(most, last->values[o]);
	for (int o = 0; o < classes; o++)
		sum += expf(last->values[o] - most);
	for (int o = 0; o < classes; o++)
		last->slopes[o] = expf(last->values[o] - most) / sum - (o == label);
	for (int i = net->count - 1; i >= 0; i--) {
		struct layer *before = i ? &layers[i - 1] : NULL;
		int n = before ? before->out_side * before->out_side * before->out_channels : 0;

		backward(&layers[i], before ? before->values : input,
			 before ? before->slopes : NULL, rate);
		for (int k = 0; k < n; k++)
			if (before->values[k] <= 0)
				before->slopes[k] = 0;
	}
}

static uint8_t *read_all(const char *path, size_t bytes)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = malloc(bytes);

	if (!file || !data || fread(data, 1, bytes, file) != bytes) {
		fprintf(stderr, "train: %s: cannot read it\n", path);
		exit(1);
	}
	fclose(file);
	return data;
}

static void train(const struct net *net, const uint8_t *inputs, const uint8_t *labels)
{
	int steps = net->epochs * net->samples;

	for (int i = 0; i < net->count; i++)
		set_up(&net->layers[i]);
	for (int n = 0; n < steps; n++) {
		int i = (int)(draw() * net->samples);

		learn(net, inputs + (size_t)i * net->inputs, labels[i],
		      n < steps / 2 ? net->rate : net->rate / 5);
	}
}

static int save(const struct net *net, const char *path)
{
	FILE *out = fopen(path, "wb");

	for (int i = 0; out && i < net->count; i++) {
		const struct layer *l = &net->layers[i];

		fwrite(l->weights, sizeof(float), (size_t)l->taps * l->out_channels, out);
		fwrite(l->bias, sizeof(float), l->out_channels, out);
	}
	return out && !fclose(out) ? 0 : 1;
}

/* INPUTS: bytes, of which the net gets the 255th part; LABELS: one byte each */
int main(int argc, char **argv)
{
	const struct net *net = NULL;
	uint8_t *inputs, *labels;

	for (size_t i = 0; argc == 5 && i < sizeof(nets) / sizeof(nets[0]); i++)
		if (strcmp(argv[1], nets[i].name) == 0)
			net = &nets[i];
	if (!net) {
		fprintf(stderr, "usage: train mnist | letters INPUTS LABELS OUT\n");
		return 2;
	}
	inputs = read_all(argv[2], (size_t)net->samples * net->inputs);
	labels = read_all(argv[3], net->samples);
	train(net, inputs, labels);
	free(inputs);
	free(labels);
	return save(net, argv[4]);
}
