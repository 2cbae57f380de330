// SPDX-License-Identifier: MIT
/*
 * Norms: LAYER_NORM and INSTANCE_NORM, of real values in binary64, and
 * L2_NORMALIZATION, in the fixed-point arithmetic of TensorFlow Lite's kernels.
 */
#include "cpu.h"
#include "fixed.h"
#include "values.h"

#define L2_SHIFT	7		/* of its result, whose scale is 1/128 */

/* One row: @count values, @stride apart, from @first on. */
struct row {
	const struct accel_tensor *in, *out;
	const void *data;
	void *to;
	size_t first, count, stride;
};

static void normalize(const struct row *r, double epsilon, const float (*factors)[2],
		      size_t factor_step)
{
	double sum = 0, squares = 0, mean, deviation;

	for (size_t i = 0; i < r->count; i++)
		sum += real_value(r->in, r->data, r->first + i * r->stride);
	mean = sum / (double)r->count;
	for (size_t i = 0; i < r->count; i++) {
		double d = real_value(r->in, r->data, r->first + i * r->stride) - mean;

		squares += d * d;
	}
	deviation = sqrt(squares / (double)r->count + epsilon);
	for (size_t i = 0; i < r->count; i++) {
		size_t at = r->first + i * r->stride;
		const float *f = factors[i * factor_step];

		put_real(r->out, r->to, at,
			 (real_value(r->in, r->data, at) - mean) / deviation * (double)f[0] +
				 (double)f[1]);
	}
}

static const char *run_norm(const struct accel_model_step *step, const void *const *inputs,
			    void *const *outputs, int by_inner)
{
	const struct enpu_norm_params *p = step->params;
	struct row r = {
		.in = &step->inputs[0]->tensor, .out = &step->outputs[0]->tensor,
		.data = inputs[0], .to = outputs[0], .count = p->length, .stride = p->inner,
	};

	for (uint32_t outer = 0; outer < p->outer; outer++)
		for (uint32_t inner = 0; inner < p->inner; inner++) {
			r.first = (size_t)outer * p->length * p->inner + inner;
			normalize(&r, (double)p->epsilon, p->factors + (by_inner ? inner : 0),
				  !by_inner);
		}
	return NULL;
}

static const char *run_layer_norm(const struct accel_model_step *step, const void *const *inputs,
				  void *const *outputs)
{
	return run_norm(step, inputs, outputs, 0);
}

static const char *run_instance_norm(const struct accel_model_step *step,
				     const void *const *inputs, void *const *outputs)
{
	return run_norm(step, inputs, outputs, 1);
}

static const char *check_norm(const struct accel_model_step *step, int by_inner)
{
	const struct enpu_norm_params *p = step->params;
	uint64_t factors, size;

	if (!is_map(step))
		return "norm: expected quantized tensors of one type and shape";
	if (step->params_size < sizeof(*p))
		return "norm: size: too small for the parameters";
	if (!p->outer || !p->length || !p->inner || (!by_inner && p->inner != 1) ||
	    __builtin_mul_overflow((uint64_t)p->outer * p->length, p->inner, &size) ||
	    size != step->inputs[0]->tensor.elements)
		return "norm: outer, length and inner are not the tensor's";
	factors = by_inner ? p->inner : p->length;
	if (step->params_size != sizeof(*p) + factors * sizeof(p->factors[0]))
		return "norm: size: not that of the factors";
	if (!(p->epsilon >= 0))
		return "norm: epsilon is negative";
	return NULL;
}

static const char *check_layer_norm(const struct accel_model_step *step)
{
	return check_norm(step, 0);
}

static const char *check_instance_norm(const struct accel_model_step *step)
{
	return check_norm(step, 1);
}

static int32_t limit(int32_t q)
{
	return q < -128 ? -128 : q > 127 ? 127 : q;
}

/* Both kernels divide by the root of the sum of squares; they round at different places. */
static void normalize_l2(const struct row *r)
{
	struct fixed_factor f;
	int32_t sum = 0;

	for (size_t i = 0; i < r->count; i++) {
		int32_t d = quantized_value(r->in, r->data, r->first + i) - r->in->zero_point;

		sum = (int32_t)((uint32_t)sum + (uint32_t)(d * d));
	}
	f = fixed_inverse_sqrt(sum);
	if (r->in->dtype == ACCEL_S8)
		f.shift += L2_SHIFT;
	for (size_t i = 0; i < r->count; i++) {
		int32_t d = quantized_value(r->in, r->data, r->first + i) - r->in->zero_point;

		if (r->in->dtype == ACCEL_S8)
			put_quantized(r->out, r->to, r->first + i, limit(fixed_multiply(d, f)));
		else
			put_quantized(r->out, r->to, r->first + i,
				 128 + fixed_multiply(d * (1 << L2_SHIFT), f));
	}
}

static const char *run_l2(const struct accel_model_step *step, const void *const *inputs,
			  void *const *outputs)
{
	const struct accel_tensor *in = &step->inputs[0]->tensor;
	struct row r = {
		.in = in, .out = &step->outputs[0]->tensor, .data = inputs[0], .to = outputs[0],
		.count = in->dims[in->rank - 1], .stride = 1,
	};

	for (; r.first < in->elements; r.first += r.count)
		normalize_l2(&r);
	return NULL;
}

static const char *check_l2(const struct accel_model_step *step)
{
	const struct accel_tensor *in;

	if (!is_map_8bit(step) || step->params_size)
		return "L2 norm: expected quantized tensors of one type and shape, no parameters";
	in = &step->inputs[0]->tensor;
	if (!in->rank || in->dims[in->rank - 1] > 32768)
		return "L2 norm: expected a last dimension of 1 to 32768";
	return NULL;
}

const struct accel_cpu_op accel_layer_norm_op = {
	.name = "LAYER_NORM",
	.check = check_layer_norm,
	.run = run_layer_norm,
};

const struct accel_cpu_op accel_instance_norm_op = {
	.name = "INSTANCE_NORM",
	.check = check_instance_norm,
	.run = run_instance_norm,
};

const struct accel_cpu_op accel_l2_normalization_op = {
	.name = "L2_NORMALIZATION",
	.check = check_l2,
	.run = run_l2,
};
