/* SPDX-License-Identifier: MIT */
/*
 * The quantizer: makes an int8 graph with TensorFlow Lite's arithmetic of a float32 one.
 * One file for each stage, in this order:
 *
 *	prepare.c	the float graph in the shape that quantizes well
 *	equalize.c	channels of neighbouring layers get alike
 *	halves.c	which layers' weights get 16 bits, as two layers
 *	observe.c	what values every tensor takes, from samples through the reference
 *	rules.c		which tensors must have one scale, and which have a fixed one
 *	widths.c	which tensors get 16 bits, by what 8 cost at the outputs
 *	nibbles.c	which layers' weights get 4 bits, by what that costs at the outputs
 *	weights.c	scales per channel, rounding to nearest, int32 biases
 *	patches.c	what the inputs of layers look like: second moments
 *	rounding.c	rounding up or down, and biases, by the error of the layer's output
 *	build.c		the int8 graph
 */
#ifndef ENPU_QUANTIZER_H
#define ENPU_QUANTIZER_H

#include "../ir/graph.h"
#include "../reference/reference.h"
#include "histogram.h"
#include "range.h"

/* What is known of a float tensor that changes from inference to inference. */
struct observed {
	struct histogram *seen;		/* NULL: not a float, or a constant */
	int group;			/* the tensor that stands for all with the same scale */
	bool fixed;			/* the operator that makes it prescribes the scale */
	struct scaling narrow, wide;	/* what it, or what is requantized of it, can have */
	bool narrow_only;
	struct scaling scaling;		/* one of them */
};

/* The quantized weights of an operator that has constant ones. */
struct filter {
	int32_t channels;		/* of the output; 0: no such operator */
	int32_t taps;			/* weights of one channel */
	float *scale;			/* by channel */
	int most;			/* the largest weight */
	int8_t *weights;		/* as the source has them */
	double *bias;			/* by channel, real */
};

struct quantizer {
	struct graph *g;
	struct arena *arena;
	const struct enpu_compile_options *opts;
	const struct enpu_quantize_options *how;
	struct graph *teacher;
	struct reference *reference;
	struct observed *activations;	/* by tensor */
	struct filter *filters;		/* by operator */
	bool *nibbles;			/* by operator: its weights have 4 bits */
	bool *on_floats;		/* by operator: it stays as it is, for the CPU */
	struct enpu_input_info *inputs;
	void **sample;			/* data of each input */
	uint32_t num_samples;
	bool in_sequence;		/* the model has variables: see begins_sequence() */
	struct moments *moments;	/* of the layers in work, malloc()ed; see patches.h */
	size_t num_moments;
};

#define BYTE_MAX	127		/* of weights: symmetric */
#define NIBBLE_MAX	7

/* Stages return 0 or a negative errno after a message. */

/*
 * Makes an int8 graph of @g, in place. @opts->quantize is there. @teacher becomes the float
 * graph whose tensors the int8 ones, by their names, are the quantized versions of.
 */
int quantize_graph(struct graph *g, const struct enpu_compile_options *opts,
		   struct graph *teacher);

int quantizer_prepare(struct graph *g);
int quantizer_equalize(struct quantizer *q);
int quantizer_halves(struct quantizer *q);
int quantizer_observe(struct quantizer *q);
void quantizer_scale(struct quantizer *q);
int quantizer_widen(struct quantizer *q);
int quantizer_nibbles(struct quantizer *q);
void quantizer_weights(struct quantizer *q);
int quantizer_round(struct quantizer *q);
int quantizer_build(struct quantizer *q);

/* Helpers. */
void describe_inputs(struct arena *arena, const struct graph *g, struct enpu_input_info **infos,
		     void ***data);
/* Reads sample @i into @data. */
int read_sample(const struct graph *g, const struct enpu_samples *samples, uint32_t i,
		const struct enpu_input_info *infos, void *const *data);
/* How many samples there are, at least one. */
int open_samples(const struct graph *g, const struct enpu_samples *samples,
		 const struct enpu_input_info *infos, uint32_t *count);
/* Whether something is kept from run to run. */
bool has_variables(const struct graph *g);
/* Whether variables have their first values before sample @i; else what sample @i - 1 left. */
bool begins_sequence(const struct enpu_samples *samples, uint32_t i);
/*
 * Reads sample @i and runs the reference on it; if the model has variables, it has to be the first
 * one, or the one after the last.
 */
int run_sample(struct quantizer *q, uint32_t i, reference_watch watch, void *arg);
void report_progress(const struct enpu_compile_options *opts, const char *what, uint32_t done,
		     uint32_t total);
bool is_float_activation(const struct tensor *t);

/* The weights of CONV_2D, DEPTHWISE_CONV_2D and TRANSPOSE_CONV: which input they are. */
int weights_input(enum op_kind kind);		/* -1: none */
int bias_input(enum op_kind kind);
int data_input(enum op_kind kind);
/* The dimension of the weights that output channels lie along. */
int channel_axis(enum op_kind kind);
/* Weight @k of channel @c, in the source's order. */
size_t weight_index(const struct filter *f, enum op_kind kind, int32_t c, int32_t k);
/* NULL: it has no constant float weights. */
const struct tensor *constant_weights(const struct op *op);
/* The largest magnitude of channel @c; of @f channels and taps are needed. */
float largest_weight(const struct tensor *w, const struct filter *f, enum op_kind kind, int32_t c);
/* Multiply-accumulates of @op, which has weights. */
double layer_work(const struct op *op);
/* Element @i of a float constant, which may lie anywhere. */
float float_at(const struct tensor *t, size_t i);
/* Bias of channel @c, in units of an accumulator */
int64_t quantized_bias(const struct quantizer *q, const struct op *op, int32_t c);

#endif
