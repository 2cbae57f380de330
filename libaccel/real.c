// SPDX-License-Identifier: MIT
/*
 * What a quantized model leaves in float32 between its quantized parts: functions of one or
 * two values, means, transposes, and the largest in a window. Such models are ONNX's: where
 * ONNX Runtime computes a function by an approximation of its own, so do we. Its logistic
 * function and hyperbolic tangent are Eigen's quotients of polynomials, and so are the
 * coefficients here.
 */
#include "broadcast.h"
#include "cpu.h"

#include <math.h>
#include <string.h>

#include <enpu/model.h>

#include "model.h"

static float between(float x, float least, float most)
{
	return x < least ? least : x > most ? most : x;
}

static float polynomial(const float *coefficients, unsigned int n, float x)
{
	float sum = coefficients[0];

	for (unsigned int i = 1; i < n; i++)
		sum = fmaf(sum, x, coefficients[i]);
	return sum;
}

static float logistic(float x)
{
	static const float above[] = {
		4.37031012579801e-11f, 1.15627324459942e-07f, 6.08574864600143e-05f,
		8.51377133304701e-03f, 2.48287947061529e-01f,
	};
	static const float below[] = {
		6.10247389755681e-13f, 5.76102136993427e-09f, 6.29106785017040e-06f,
		1.70198817374094e-03f, 1.16817656904453e-01f, 9.93151921023180e-01f,
	};
	float square, y;

	x = between(x, -18, 18);
	square = x * x;
	y = polynomial(above, 5, square) * x / polynomial(below, 6, square) + 0.5f;
	return between(y, 0, 1);
}

static float hyperbolic_tangent(float x)
{
	static const float above[] = {
		-2.76076847742355e-16f, 2.00018790482477e-13f, -8.60467152213735e-11f,
		5.12229709037114e-08f, 1.48572235717979e-05f, 6.37261928875436e-04f,
		4.89352455891786e-03f,
	};
	static const float below[] = {
		1.19825839466702e-06f, 1.18534705686654e-04f, 2.26843463243900e-03f,
		4.89352518554385e-03f,
	};
	float square;

	x = between(x, -9, 9);
	square = x * x;
	return polynomial(above, 7, square) * x / polynomial(below, 4, square);
}

static float value_of(const struct enpu_f32_params *p, float a, float b)
{
	switch ((enum enpu_f32_function)p->function) {
	case ENPU_F32_ADD:
		return a + b;
	case ENPU_F32_SUB:
		return a - b;
	case ENPU_F32_MUL:
		return a * b;
	case ENPU_F32_DIV:
		return a / b;
	case ENPU_F32_MAX:
		return a > b ? a : b;
	case ENPU_F32_MIN:
		return a < b ? a : b;
	case ENPU_F32_POW:
		return b == 2 ? a * a : powf(a, b);
	case ENPU_F32_ABS:
		return fabsf(a);
	case ENPU_F32_NEG:
		return -a;
	case ENPU_F32_SQRT:
		return sqrtf(a);
	case ENPU_F32_EXP:
		return expf(a);
	case ENPU_F32_LOG:
		return logf(a);
	case ENPU_F32_ERF:
		return erff(a);
	case ENPU_F32_TANH:
		return hyperbolic_tangent(a);
	case ENPU_F32_LOGISTIC:
		return logistic(a);
	case ENPU_F32_CLIP:
		return between(a, p->alpha, p->beta);
	case ENPU_F32_LEAKY_RELU:
		return a >= 0 ? a : p->alpha * a;
	case ENPU_F32_HARD_SIGMOID:
		return between(p->alpha * a + p->beta, 0, 1);
	case ENPU_F32_HARD_SWISH:
		return a * between(a * (1.f / 6) + 0.5f, 0, 1);
	case ENPU_F32_RECIPROCAL:
		return 1 / a;
	case ENPU_F32_SQUARE:
		return a * a;
	case ENPU_F32_FUNCTIONS:
		break;
	}
	return 0;
}

/* All tensors are floats, one of them is the output. */
static int are_floats(const struct accel_model_step *step, size_t params_size)
{
	if (!step->num_inputs || step->num_outputs != 1 || step->params_size != params_size ||
	    step->outputs[0]->tensor.dtype != ACCEL_F32)
		return 0;
	for (uint32_t i = 0; i < step->num_inputs; i++)
		if (step->inputs[i]->tensor.dtype != ACCEL_F32)
			return 0;
	return 1;
}

static const char *check_map(const struct accel_model_step *step)
{
	const struct enpu_f32_params *params = step->params;

	if (!are_floats(step, sizeof(*params)))
		return "function: expected float tensors, one output, and its parameters";
	if (params->function >= ENPU_F32_FUNCTIONS)
		return "function: not one that this libaccel knows";
	if (step->num_inputs != (params->function <= ENPU_F32_POW ? 2 : 1))
		return "function: it takes another number of inputs";
	for (uint32_t i = 0; i < step->num_inputs; i++)
		if (!broadcasts(&step->inputs[i]->tensor, &step->outputs[0]->tensor))
			return "function: the inputs do not broadcast to the output";
	return NULL;
}

static const char *run_map(const struct accel_model_step *step, const void *const *inputs,
			   void *const *outputs)
{
	const struct enpu_f32_params *params = step->params;
	const struct accel_tensor *out = &step->outputs[0]->tensor;
	uint32_t last = step->num_inputs - 1;
	struct pair_walk w = walk_pair(&step->inputs[0]->tensor, &step->inputs[last]->tensor, out);
	const float *a = inputs[0], *b = inputs[last];
	float *to = outputs[0];

	for (size_t n = 0; n < out->elements; n++, walk_on(&w))
		to[n] = value_of(params, a[w.at[0]], b[w.at[1]]);
	return NULL;
}

/* The mean over an axis: the tensor as [outer][length][inner]. */
static const char *check_mean(const struct accel_model_step *step)
{
	const struct enpu_mean_params *p = step->params;
	uint64_t around, elements;

	if (!are_floats(step, sizeof(*p)) || step->num_inputs != 1)
		return "mean: expected a float tensor, one output, and its parameters";
	around = (uint64_t)p->outer * p->inner;
	if (!p->length || __builtin_mul_overflow(around, p->length, &elements) ||
	    elements != step->inputs[0]->tensor.elements ||
	    elements / p->length != step->outputs[0]->tensor.elements)
		return "mean: the extents are not those of the tensors";
	return NULL;
}

static const char *run_mean(const struct accel_model_step *step, const void *const *inputs,
			    void *const *outputs)
{
	const struct enpu_mean_params *p = step->params;
	const float *from = inputs[0];
	float *to = outputs[0];

	for (size_t o = 0; o < p->outer; o++)
		for (size_t i = 0; i < p->inner; i++) {
			const float *first = from + o * p->length * p->inner + i;
			double sum = 0;

			for (size_t k = 0; k < p->length; k++)
				sum += (double)first[k * p->inner];
			to[o * p->inner + i] = (float)(sum / p->length);
		}
	return NULL;
}

/* Dimension d of what comes out, before another shape is given to it, is perm[d]. */
static const char *check_transpose(const struct accel_model_step *step)
{
	const struct enpu_transpose_params *p = step->params;
	const struct accel_tensor *in;
	uint32_t seen = 0;

	if (!are_floats(step, sizeof(*p)) || step->num_inputs != 1)
		return "transpose: expected a float tensor, one output, and a permutation";
	in = &step->inputs[0]->tensor;
	if (in->elements != step->outputs[0]->tensor.elements)
		return "transpose: the tensors differ in their number of elements";
	for (uint32_t d = 0; d < in->rank; d++) {
		if (p->perm[d] >= in->rank || seen & (1u << p->perm[d]))
			return "transpose: not a permutation";
		seen |= 1u << p->perm[d];
	}
	return NULL;
}

static const char *run_transpose(const struct accel_model_step *step, const void *const *inputs,
				 void *const *outputs)
{
	const struct enpu_transpose_params *p = step->params;
	const struct accel_tensor *in = &step->inputs[0]->tensor;
	size_t strides[ENPU_MAX_RANK], at = 0;
	uint32_t index[ENPU_MAX_RANK] = { 0 };
	const float *from = inputs[0];
	float *to = outputs[0];

	for (uint32_t d = 0; d < in->rank; d++) {
		strides[d] = 1;
		for (uint32_t k = p->perm[d] + 1; k < in->rank; k++)
			strides[d] *= in->dims[k];
	}
	for (size_t n = 0; n < in->elements; n++) {
		to[n] = from[at];
		for (uint32_t d = in->rank; d-- > 0;) {
			at += strides[d];
			if (++index[d] < in->dims[p->perm[d]])
				break;
			at -= strides[d] * in->dims[p->perm[d]];
			index[d] = 0;
		}
	}
	return NULL;
}

/* Each window has something of the input. */
static int windows_fit(uint32_t in, uint32_t out, uint32_t filter, uint32_t stride, uint32_t pad)
{
	return stride && pad < filter && (uint64_t)(out - 1) * stride < (uint64_t)in + pad;
}

static const char *check_max_pool(const struct accel_model_step *step)
{
	const struct enpu_pool_params *p = step->params;
	const struct accel_tensor *in, *out;

	if (!are_floats(step, sizeof(*p)) || step->num_inputs != 1)
		return "max pool: expected a float tensor, one output, and its parameters";
	in = &step->inputs[0]->tensor;
	out = &step->outputs[0]->tensor;
	if (in->rank != 4 || out->rank != 4 || in->dims[0] != out->dims[0] ||
	    in->dims[3] != out->dims[3])
		return "max pool: expected four dimensions, batch and channels alike";
	if (!windows_fit(in->dims[1], out->dims[1], p->filter_h, p->stride_h, p->pad_top) ||
	    !windows_fit(in->dims[2], out->dims[2], p->filter_w, p->stride_w, p->pad_left))
		return "max pool: a window lies outside the input";
	return NULL;
}

/* The input's part of a window along one dimension */
static void window(uint32_t at, uint32_t stride, uint32_t pad, uint32_t filter, uint32_t size,
		   uint32_t *first, uint32_t *end)
{
	uint64_t start = (uint64_t)at * stride;

	*first = (uint32_t)(start > pad ? start - pad : 0);
	*end = (uint32_t)(start + filter - pad < size ? start + filter - pad : size);
}

static float largest(const struct accel_tensor *in, const float *from, const uint32_t *first,
		     const uint32_t *end)
{
	float most = -INFINITY;

	for (uint32_t y = first[0]; y < end[0]; y++)
		for (uint32_t x = first[1]; x < end[1]; x++) {
			float value = from[((size_t)y * in->dims[2] + x) * in->dims[3]];

			most = value > most ? value : most;
		}
	return most;
}

static const char *run_max_pool(const struct accel_model_step *step, const void *const *inputs,
				void *const *outputs)
{
	const struct enpu_pool_params *p = step->params;
	const struct accel_tensor *in = &step->inputs[0]->tensor, *out = &step->outputs[0]->tensor;
	size_t image = in->elements / in->dims[0], places = out->elements / out->dims[3];
	uint32_t first[2], end[2];
	float *to = outputs[0];

	for (size_t i = 0; i < places; i++) {
		uint32_t x = (uint32_t)(i % out->dims[2]), y = (uint32_t)(i / out->dims[2]);
		const float *from = (const float *)inputs[0] + y / out->dims[1] * image;

		y %= out->dims[1];
		window(y, p->stride_h, p->pad_top, p->filter_h, in->dims[1], &first[0], &end[0]);
		window(x, p->stride_w, p->pad_left, p->filter_w, in->dims[2], &first[1], &end[1]);
		for (uint32_t c = 0; c < out->dims[3]; c++)
			*to++ = largest(in, from + c, first, end);
	}
	return NULL;
}

const struct accel_cpu_op accel_f32_map_op = {
	.name = "FUNCTION", .check = check_map, .run = run_map,
};

const struct accel_cpu_op accel_f32_mean_op = {
	.name = "MEAN", .check = check_mean, .run = run_mean,
};

const struct accel_cpu_op accel_f32_transpose_op = {
	.name = "TRANSPOSE", .check = check_transpose, .run = run_transpose,
};

const struct accel_cpu_op accel_f32_max_pool_op = {
	.name = "MAX_POOL_2D", .check = check_max_pool, .run = run_max_pool,
};
