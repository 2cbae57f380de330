// SPDX-License-Identifier: MIT
/* Operators that go through a dimension in order: TOPK_V2 and CUMSUM. */
#include "cpu.h"
#include "values.h"

static void put_index(const struct accel_tensor *tensor, void *data, size_t i, uint32_t index)
{
	if (tensor->dtype == ACCEL_S64)
		((int64_t *)data)[i] = index;
	else
		((int32_t *)data)[i] = (int32_t)index;
}

/*
 * The largest values of a row, the first of equals first: counted for each of the 256
 * values from the largest down, which takes no memory and is bounded.
 */
static void take_largest(const struct accel_model_step *step, const void *data, size_t first,
			 void *const *outputs, size_t to)
{
	const struct accel_tensor *in = &step->inputs[0]->tensor;
	const struct accel_tensor *values = &step->outputs[0]->tensor;
	uint32_t count = in->dims[in->rank - 1], wanted = values->dims[values->rank - 1];
	size_t next[256] = { 0 }, before = 0;
	int32_t lowest = in->dtype == ACCEL_S8 ? -128 : 0;

	for (uint32_t i = 0; i < count; i++)
		next[quantized_value(in, data, first + i) - lowest]++;
	for (int v = 255; v >= 0; v--) {
		size_t n = next[v];

		next[v] = before;
		before += n;
	}
	for (uint32_t i = 0; i < count; i++) {
		int32_t q = quantized_value(in, data, first + i);
		size_t rank = next[q - lowest]++;

		if (rank >= wanted)
			continue;
		put_quantized(values, outputs[0], to + rank, q);
		put_index(&step->outputs[1]->tensor, outputs[1], to + rank, i);
	}
}

static const char *run_topk(const struct accel_model_step *step, const void *const *inputs,
			    void *const *outputs)
{
	const struct accel_tensor *in = &step->inputs[0]->tensor;
	const struct accel_tensor *values = &step->outputs[0]->tensor;
	uint32_t count = in->dims[in->rank - 1], wanted = values->dims[values->rank - 1];
	size_t to = 0;

	for (size_t first = 0; first < in->elements; first += count, to += wanted)
		take_largest(step, inputs[0], first, outputs, to);
	return NULL;
}

static const char *check_topk(const struct accel_model_step *step)
{
	const struct accel_tensor *in, *values, *indices;

	if (step->num_inputs != 1 || step->num_outputs != 2 || step->params_size)
		return "top k: expected one input, two outputs and no parameters";
	in = &step->inputs[0]->tensor;
	values = &step->outputs[0]->tensor;
	indices = &step->outputs[1]->tensor;
	if (!is_8bit(in) || values->dtype != in->dtype)
		return "top k: expected values of one 8-bit type";
	if (indices->dtype != ACCEL_S32 && indices->dtype != ACCEL_S64)
		return "top k: expected indices of 32 or 64 bits";
	if (!in->rank || values->rank != in->rank || !have_same_shape(values, indices))
		return "top k: the shapes do not fit";
	for (uint32_t d = 0; d + 1 < in->rank; d++)
		if (values->dims[d] != in->dims[d])
			return "top k: the shapes do not fit";
	if (values->dims[in->rank - 1] > in->dims[in->rank - 1])
		return "top k: more are wanted than there are";
	return NULL;
}

/* All along one line: @count elements, @stride apart. */
static void accumulate(const struct accel_model_step *step, const void *data, void *to,
		       size_t first, uint32_t count, size_t stride)
{
	const struct accel_tensor *in = &step->inputs[0]->tensor, *out = &step->outputs[0]->tensor;
	const struct enpu_cumsum_params *p = step->params;
	int64_t sum = 0;

	for (uint32_t i = 0; i < count; i++) {
		size_t at = first + (p->reverse ? count - 1 - i : i) * stride;
		int64_t with = sum + quantized_value(in, data, at) - in->zero_point;

		put_real(out, to, at, (double)in->scale * (double)(p->exclusive ? sum : with));
		sum = with;
	}
}

static const char *run_cumsum(const struct accel_model_step *step, const void *const *inputs,
			      void *const *outputs)
{
	const struct accel_tensor *in = &step->inputs[0]->tensor;
	const struct enpu_cumsum_params *p = step->params;
	uint32_t count = in->dims[p->axis];
	size_t stride = 1;

	for (uint32_t d = p->axis + 1; d < in->rank; d++)
		stride *= in->dims[d];
	for (size_t outer = 0; outer < in->elements; outer += count * stride)
		for (size_t inner = 0; inner < stride; inner++)
			accumulate(step, inputs[0], outputs[0], outer + inner, count, stride);
	return NULL;
}

static const char *check_cumsum(const struct accel_model_step *step)
{
	const struct enpu_cumsum_params *p = step->params;

	if (!is_map_8bit(step))
		return "sum: expected quantized tensors of one 8-bit type and shape";
	if (step->params_size != sizeof(*p))
		return "sum: size: not that of the parameters";
	if (p->axis >= step->inputs[0]->tensor.rank)
		return "sum: axis: the tensor has no such dimension";
	if (p->exclusive > 1 || p->reverse > 1 || p->reserved)
		return "sum: flags: not known";
	return NULL;
}

const struct accel_cpu_op accel_topk_op = {
	.name = "TOPK_V2",
	.check = check_topk,
	.run = run_topk,
};

const struct accel_cpu_op accel_cumsum_op = {
	.name = "CUMSUM",
	.check = check_cumsum,
	.run = run_cumsum,
};
