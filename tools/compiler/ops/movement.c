// SPDX-License-Identifier: MIT
/*
 * Operators that only move values: RESHAPE and its kin, CONCATENATION, PAD, SLICE,
 * STRIDED_SLICE, SPLIT, TRANSPOSE. Most become views (see passes/views.c); what is
 * left is moved by DMA, or by a table where a concatenation requantizes.
 */
#include <string.h>

#include "operator.h"
#include "ort.h"
#include "quantize.h"
#include "unary.h"

const char *check_reshape(struct graph *g, struct op *op)
{
	const char *reason = check_8_or_16bit(g, op->inputs[0], "input");

	if (!reason)
		reason = check_8_or_16bit(g, op->outputs[0], "output");
	if (!reason)
		reason = check_same_quant(g, op->inputs[0], op->outputs[0]);
	if (reason)
		return reason;
	if (tensor_elements(op->inputs[0]) != tensor_elements(op->outputs[0]))
		return "input and output differ in their number of elements";
	return NULL;
}

void lower_reshape(struct program *p, const struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	struct view from = p->views[in->index], to = p->views[out->index];
	int32_t elements = tensor_elements(in);

	/* views of reshaped tensors are dense where they are not shared */
	from.strides[0] = from.element;
	to.strides[0] = to.element;
	lower_move(p, op, &from, &to, 1, &elements);
}

int concatenation_axis(const struct op *op)
{
	int axis = op->attrs.axis;

	return axis < 0 ? axis + op->outputs[0]->rank : axis;
}

/* On the host, where one scale does not fit all parts. */
static const char *check_float_part(struct graph *g, const struct op *op, const struct tensor *in)
{
	if (!in || in->type != DTYPE_F32 || in->data)
		return "the output is float32: so must all inputs be, and not constant";
	if (op->n_inputs > ENPU_STEP_MAX_TENSORS)
		return arena_printf(g->arena, "%u inputs: at most %d are supported on the CPU",
				    op->n_inputs, ENPU_STEP_MAX_TENSORS);
	return NULL;
}

static const char *check_part(struct graph *g, const struct op *op, const struct tensor *in)
{
	const struct tensor *out = op->outputs[0];
	const char *reason = check_8_or_16bit(g, in, "input");

	if (reason)
		return reason;
	if (in->type != out->type)
		return "inputs and output have different types";
	if (in->type != DTYPE_U8 && !follows_ort(op) && !same_quant(in, out))
		return "signed inputs and output are quantized differently";
	return NULL;
}

const char *check_concatenation(struct graph *g, struct op *op)
{
	const struct tensor *out = op->outputs[0];
	bool on_cpu = runs_on_cpu(op);
	const char *reason = on_cpu ? NULL : check_8_or_16bit(g, out, "output");
	int32_t dims[MAX_RANK];
	int axis;

	if (reason)
		return reason;
	axis = concatenation_axis(op);
	if (axis < 0 || axis >= out->rank)
		return arena_printf(g->arena, "there is no dimension %d", op->attrs.axis);
	if (op->attrs.activation != ACT_NONE)
		return "a fused activation is not supported";
	memcpy(dims, out->dims, sizeof(dims));
	dims[axis] = 0;
	for (unsigned int i = 0; i < op->n_inputs; i++) {
		const struct tensor *in = op->inputs[i];
		int32_t part[MAX_RANK];

		reason = on_cpu ? check_float_part(g, op, in) : check_part(g, op, in);
		if (reason)
			return reason;
		memcpy(part, out->dims, sizeof(part));
		if (in->rank == out->rank)
			part[axis] = in->dims[axis];
		reason = check_shape(g, in, out->rank, part);
		if (reason)
			return reason;
		dims[axis] += in->dims[axis];
		if (dims[axis] > out->dims[axis])
			break;
	}
	return check_shape(g, out, out->rank, dims);
}

static void lower_on_cpu(struct program *p, const struct op *op)
{
	struct enpu_concatenation_params *params =
		arena_new(p->arena, struct enpu_concatenation_params, 1);

	params->axis = concatenation_axis(op);
	*arena_push(p->arena, p->cpu_steps, p->n_cpu_steps) = (struct cpu_step) {
		.kind = ENPU_CPU_CONCATENATION, .op = op, .n_inputs = op->n_inputs,
		.first_layer = p->n_layers, .params = params, .params_bytes = sizeof(*params),
	};
}

void lower_concatenation(struct program *p, const struct op *op)
{
	const struct tensor *sum = op->outputs[0];
	int32_t begin[MAX_RANK] = { 0 };
	int axis = concatenation_axis(op);

	if (runs_on_cpu(op)) {
		lower_on_cpu(p, op);
		return;
	}
	for (unsigned int i = 0; i < op->n_inputs; i++) {
		const struct tensor *in = op->inputs[i], *out;
		struct table table;
		struct view to;

		concatenation_table(op, in, &table);
		out = apply_followers(p, op, &table);
		to = sub_view(&p->views[out->index], out->rank, begin);
		if (out == sum && same_quant(in, sum))
			lower_move(p, op, &p->views[in->index], &to, in->rank, in->dims);
		else
			lower_lookup(p, op, &table, in, out, &to);
		begin[axis] += in->dims[axis];
	}
}

/* PADV2 brings the value; it is quantized as the input. */
static const char *check_pad_value(struct graph *g, const struct op *op)
{
	const struct tensor *value = op->inputs[2];

	if (!value || !value->data || tensor_elements(value) != 1)
		return "the value must be one constant";
	if (value->type == DTYPE_I16)
		return "the value is int16: uint8 or int8 is needed";
	return check_same_quant(g, value, op->outputs[0]);
}

/* A byte: of int16 it is 0. */
static uint8_t pad_value(const struct op *op)
{
	return op->kind == OP_PADV2 ? op->inputs[2]->data[0] :
				      (uint8_t)op->outputs[0]->quant.zero_point[0];
}

const char *check_pad(struct graph *g, struct op *op)
{
	const struct tensor *in = op->inputs[0], *pads = op->inputs[1], *out = op->outputs[0];
	const char *reason = check_8_or_16bit(g, in, "input");
	int32_t dims[MAX_RANK];

	if (!reason)
		reason = check_8_or_16bit(g, out, "output");
	if (!reason)
		reason = check_same_quant(g, in, out);
	if (!reason)
		reason = check_constant_ints(g, pads, "the paddings", 2 * in->rank);
	if (!reason && op->kind == OP_PADV2)
		reason = check_pad_value(g, op);
	if (reason)
		return reason;
	for (int d = 0; d < in->rank; d++) {
		int64_t before = tensor_int(pads, 2 * d), after = tensor_int(pads, 2 * d + 1);

		if (before < 0 || after < 0 || before > 32767 || after > 32767)
			return arena_printf(g->arena, "paddings %lld and %lld: 0 to 32767 is supported",
					    (long long)before, (long long)after);
		dims[d] = in->dims[d] + before + after;
	}
	return check_shape(g, out, in->rank, dims);
}

void lower_padded(struct program *p, const struct op *op, const struct view *from,
		  const struct view *whole, int rank, const int32_t *inner, const int32_t *before,
		  const int32_t *outer, uint8_t value)
{
	int32_t begin[MAX_RANK] = { 0 }, dims[MAX_RANK];
	struct view to = sub_view(whole, rank, before);

	lower_move(p, op, from, &to, rank, inner);
	/* slabs before and after: inside of outer dimensions, all along inner ones */
	memcpy(dims, outer, rank * sizeof(*dims));
	for (int d = 0; d < rank; d++) {
		int32_t end = before[d] + inner[d];

		dims[d] = before[d];
		to = sub_view(whole, rank, begin);
		lower_fill(p, op, value, &to, rank, dims);
		begin[d] = end;
		dims[d] = outer[d] - end;
		to = sub_view(whole, rank, begin);
		lower_fill(p, op, value, &to, rank, dims);
		begin[d] = before[d];
		dims[d] = inner[d];
	}
}

void lower_pad(struct program *p, const struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	int32_t before[MAX_RANK];

	if (p->folded[op->index])
		return;
	for (int d = 0; d < in->rank; d++)
		before[d] = tensor_int(op->inputs[1], 2 * d);
	lower_padded(p, op, &p->views[in->index], &p->views[out->index], in->rank, in->dims,
		     before, out->dims, pad_value(op));
}

static const char *read_plain_slice(struct graph *g, const struct op *op, struct slice *s)
{
	const struct tensor *in = op->inputs[0];
	const char *reason = check_constant_ints(g, op->inputs[1], "begin", in->rank);

	if (!reason)
		reason = check_constant_ints(g, op->inputs[2], "size", in->rank);
	if (reason)
		return reason;
	for (int d = 0; d < in->rank; d++) {
		int64_t begin = tensor_int(op->inputs[1], d), size = tensor_int(op->inputs[2], d);

		if (size == -1)
			size = in->dims[d] - begin;
		if (begin < 0 || size < 1 || begin > in->dims[d] || size > in->dims[d] - begin)
			return arena_printf(g->arena, "dimension %d: %lld elements from %lld of %d",
					    d, (long long)size, (long long)begin, in->dims[d]);
		s->begin[d] = begin;
		s->size[d] = size;
		s->stride[d] = 1;
	}
	return NULL;
}

static int64_t clamp_index(int64_t i, int64_t n)
{
	if (i < 0)
		i += n;
	return i < 0 ? 0 : i > n ? n : i;
}

static const char *read_strided_slice(struct graph *g, const struct op *op, struct slice *s)
{
	static const char *const names[] = { "", "begin", "end", "the strides" };
	const struct tensor *in = op->inputs[0];
	const struct op_attrs *a = &op->attrs;

	if (a->ellipsis_mask || a->new_axis_mask)
		return "ellipsis and new axes are not supported";
	for (int i = 1; i <= 3; i++) {
		const char *reason = check_constant_ints(g, op->inputs[i], names[i], in->rank);

		if (reason)
			return reason;
	}
	for (int d = 0; d < in->rank; d++) {
		int64_t n = in->dims[d], stride = tensor_int(op->inputs[3], d);
		int64_t begin = clamp_index(tensor_int(op->inputs[1], d), n);
		int64_t end = clamp_index(tensor_int(op->inputs[2], d), n);

		if (stride < 1 || stride > n)
			stride = stride < 1 ? 0 : n;
		if (!stride)
			return arena_printf(g->arena, "dimension %d has a stride that is not positive",
					    d);
		if (a->begin_mask & 1 << d)
			begin = 0;
		if (a->end_mask & 1 << d)
			end = n;
		s->dropped[d] = a->shrink_axis_mask & 1 << d;
		if (s->dropped[d])
			end = begin + 1;
		if (begin >= n || end <= begin)
			return arena_printf(g->arena, "nothing is left of dimension %d", d);
		s->begin[d] = begin;
		s->stride[d] = stride;
		s->size[d] = (end - begin + stride - 1) / stride;
	}
	return NULL;
}

const char *read_slice(struct graph *g, const struct op *op, struct slice *s)
{
	memset(s, 0, sizeof(*s));
	s->rank = op->inputs[0]->rank;
	return op->kind == OP_SLICE ? read_plain_slice(g, op, s) : read_strided_slice(g, op, s);
}

static const char *check_any_slice(struct graph *g, struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	const char *reason = check_8_or_16bit(g, in, "input");
	int32_t dims[MAX_RANK];
	struct slice s;
	int rank = 0;

	if (!reason)
		reason = check_8_or_16bit(g, out, "output");
	if (!reason)
		reason = check_same_quant(g, in, out);
	if (!reason)
		reason = read_slice(g, op, &s);
	if (reason)
		return reason;
	for (int d = 0; d < s.rank; d++)
		if (!s.dropped[d])
			dims[rank++] = s.size[d];
	return check_shape(g, out, rank, dims);
}

const char *check_slice(struct graph *g, struct op *op)
{
	return check_any_slice(g, op);
}

const char *check_strided_slice(struct graph *g, struct op *op)
{
	return check_any_slice(g, op);
}

void slice_view(const struct view *in, const struct slice *s, struct view *part)
{
	*part = sub_view(in, s->rank, s->begin);
	for (int d = 0; d < s->rank; d++)
		part->strides[d] = in->strides[d] * s->stride[d];
}

/* Steps over rows and columns: a window of one position that keeps what it meets. */
static bool is_subsampling(const struct slice *s)
{
	for (int d = 0; d < s->rank; d++)
		if (s->dropped[d])
			return false;
	return s->rank == 4 && s->stride[0] == 1 && s->stride[3] == 1 &&
	       (s->stride[1] > 1 || s->stride[2] > 1) && s->stride[1] < 256 && s->stride[2] < 256;
}

static void lower_subsampling(struct program *p, const struct op *op, const struct slice *s)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	const struct view *view = &p->views[in->index];

	for (int32_t n = 0; n < s->size[0]; n++) {
		struct layer *l = program_layer(p, LAYER_POOL, op);

		l->in[0] = image_fm(p, in, s->begin[0] + n);
		l->in[0].offset += s->begin[1] * view->strides[1] + s->begin[2] * view->strides[2] +
				   s->begin[3];
		l->in[0].height = (s->size[1] - 1) * s->stride[1] + 1;
		l->in[0].width = (s->size[2] - 1) * s->stride[2] + 1;
		l->in[0].channels = s->size[3];
		l->out = image_fm(p, out, n);
		l->operation = ENPU_POOL_MAX;
		l->clamp = device_clamp(out, ACT_NONE);
		l->window = (struct enpu_window) {
			.kernel_h = 1, .kernel_w = 1, .stride_h = s->stride[1],
			.stride_w = s->stride[2], .dilation_h = 1, .dilation_w = 1,
		};
	}
}

void lower_slice(struct program *p, const struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	const struct view *own = &p->views[out->index];
	struct view from, to = *own;
	struct slice s;
	int rank = 0;

	read_slice(NULL, op, &s);
	slice_view(&p->views[in->index], &s, &from);
	if (is_subsampling(&s)) {
		if (!same_place(&from, own, s.rank, s.size))
			lower_subsampling(p, op, &s);
		return;
	}
	/* the output seen with the input's dimensions */
	for (int d = 0; d < s.rank; d++)
		to.strides[d] = s.dropped[d] ? 0 : own->strides[rank++];
	lower_move(p, op, &from, &to, s.rank, s.size);
}

int split_axis(const struct op *op)
{
	int64_t axis = tensor_int(op->inputs[0], 0);

	return axis < 0 ? axis + op->inputs[1]->rank : axis;
}

const char *check_split(struct graph *g, struct op *op)
{
	const struct tensor *in = op->inputs[1];
	const char *reason = check_constant_ints(g, op->inputs[0], "the axis", 1);
	int32_t dims[MAX_RANK];
	int64_t axis;

	if (!reason)
		reason = check_8_or_16bit(g, in, "input");
	if (reason)
		return reason;
	axis = tensor_int(op->inputs[0], 0);
	if (axis < -in->rank || axis >= in->rank)
		return arena_printf(g->arena, "there is no dimension %lld", (long long)axis);
	axis = split_axis(op);
	if (in->dims[axis] % op->n_outputs)
		return arena_printf(g->arena, "%d elements do not split into %u parts",
				    in->dims[axis], op->n_outputs);
	memcpy(dims, in->dims, sizeof(dims));
	dims[axis] /= op->n_outputs;
	for (unsigned int i = 0; i < op->n_outputs; i++) {
		reason = check_8_or_16bit(g, op->outputs[i], "output");
		if (!reason)
			reason = check_same_quant(g, in, op->outputs[i]);
		if (!reason)
			reason = check_shape(g, op->outputs[i], in->rank, dims);
		if (reason)
			return reason;
	}
	return NULL;
}

void lower_split(struct program *p, const struct op *op)
{
	const struct tensor *in = op->inputs[1];
	int32_t begin[MAX_RANK] = { 0 };
	int axis = split_axis(op);

	for (unsigned int i = 0; i < op->n_outputs; i++) {
		const struct tensor *out = op->outputs[i];
		struct view from = sub_view(&p->views[in->index], in->rank, begin);

		lower_move(p, op, &from, &p->views[out->index], out->rank, out->dims);
		begin[axis] += out->dims[axis];
	}
}

const char *check_transpose(struct graph *g, struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	const char *reason = check_8_or_16bit(g, in, "input");
	int32_t dims[MAX_RANK];
	unsigned int seen = 0;

	if (!reason)
		reason = check_8_or_16bit(g, out, "output");
	if (!reason)
		reason = check_same_quant(g, in, out);
	if (!reason)
		reason = check_constant_ints(g, op->inputs[1], "the permutation", in->rank);
	if (reason)
		return reason;
	for (int d = 0; d < in->rank; d++) {
		int64_t from = tensor_int(op->inputs[1], d);

		if (from < 0 || from >= in->rank || seen & 1u << from)
			return "the permutation is none";
		seen |= 1u << from;
		dims[d] = in->dims[from];
	}
	return check_shape(g, out, in->rank, dims);
}

void lower_transpose(struct program *p, const struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	const struct view *own = &p->views[in->index];
	struct view from = *own;

	for (int d = 0; d < in->rank; d++)
		from.strides[d] = own->strides[tensor_int(op->inputs[1], d)];
	lower_move(p, op, &from, &p->views[out->index], out->rank, out->dims);
}
