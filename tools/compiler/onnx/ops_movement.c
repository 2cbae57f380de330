// SPDX-License-Identifier: MIT
/* What moves, repeats and cuts data and computes nothing. */
#include "importer.h"

#include <string.h>

static struct tensor *repeat(struct node *n, struct tensor *in, const int32_t *times)
{
	struct tensor *inputs[] = { in, emit_ints(n, in->rank, times) };
	int32_t dims[MAX_RANK];
	bool once = true;

	for (int i = 0; i < in->rank; i++) {
		int64_t size = (int64_t)in->dims[i] * times[i];

		dims[i] = size > INT32_MAX ? -1 : size;
		once &= times[i] == 1;
	}
	if (once)
		return in;
	return emit(n, OP_TILE, 2, inputs, in->type, in->rank, dims, NULL);
}

void translate_identity(struct node *n)
{
	static const int32_t ones[MAX_RANK] = { 1, 1, 1, 1, 1, 1 };
	struct tensor *in = node_need(n, 0), *mask;
	int32_t times[MAX_RANK];

	if (node_input(n, 2) && constant_int(node_constant(n, 2, "mode"), 0))
		node_fail(n, "it is set to training");
	node_output(n, 0, in);
	if (!node_has_output(n, 1))
		return;
	/* Dropout's mask: all stay */
	for (int i = 0; i < in->rank; i++)
		times[i] = in->dims[i];
	mask = emit_reshape(n, emit_cast(n, emit_float(n, 1), DTYPE_BOOL), in->rank, ones);
	node_output(n, 1, repeat(n, mask, times));
}

void translate_reshape(struct node *n)
{
	struct tensor *in = node_need(n, 0);
	struct int_list shape = node_ints_or_input(n, "shape", 1);
	bool zero_is_zero = node_int(n, "allowzero", 0);
	int64_t known = 1, total = tensor_elements(in);
	int32_t dims[MAX_RANK];
	int open = -1;

	if (!shape.given || shape.n > MAX_RANK)
		node_fail(n, "a shape of at most %d dimensions is needed", MAX_RANK);
	for (int i = 0; i < shape.n; i++) {
		int64_t d = shape.v[i];

		if (!d && !zero_is_zero)
			d = i < in->rank ? in->dims[i] : -2;
		if (d < -1 || d > INT32_MAX || (d == -1 && open >= 0))
			node_fail(n, "its new shape makes no sense at dimension %d", i);
		dims[i] = d;
		if (d == -1)
			open = i;
		else if (known && d > ONNX_MAX_ELEMENTS / known)
			node_fail(n, "its new shape is too large");
		else
			known *= d;
	}
	if (open >= 0) {
		if (!known || total % known || total / known > INT32_MAX)
			node_fail(n, "%lld elements don't divide by %lld", (long long)total,
				  (long long)known);
		dims[open] = total / known;
	}
	node_output(n, 0, emit_reshape(n, in, shape.n, dims));
}

void translate_flatten(struct node *n)
{
	struct tensor *in = node_need(n, 0);
	int64_t axis = node_int(n, "axis", 1);
	int32_t dims[] = { 1, 1 };

	if (axis < -in->rank || axis > in->rank)
		node_fail(n, "it names dimension %lld of %d", (long long)axis, in->rank);
	if (axis < 0)
		axis += in->rank;
	for (int i = 0; i < in->rank; i++)
		dims[i >= axis] *= in->dims[i];
	node_output(n, 0, emit_reshape(n, in, 2, dims));
}

/* The named dimensions, of @rank, as bits. */
static uint32_t axes_bits(struct node *n, const struct int_list *axes, int rank)
{
	uint32_t bits = 0;

	for (int i = 0; i < axes->n; i++)
		bits |= 1u << node_axis(n, axes->v[i], rank);
	return bits;
}

void translate_squeeze(struct node *n)
{
	struct tensor *in = node_need(n, 0);
	struct int_list axes = node_ints_or_input(n, "axes", 1);
	uint32_t bits = axes_bits(n, &axes, in->rank);
	int32_t dims[MAX_RANK];
	int rank = 0;

	for (int i = 0; i < in->rank; i++) {
		if (axes.given ? !(bits & 1u << i) : in->dims[i] != 1)
			dims[rank++] = in->dims[i];
		else if (in->dims[i] != 1)
			node_fail(n, "dimension %d is %d, not 1", i, in->dims[i]);
	}
	node_output(n, 0, emit_reshape(n, in, rank, dims));
}

void translate_unsqueeze(struct node *n)
{
	struct tensor *in = node_need(n, 0);
	struct int_list axes = node_ints_or_input(n, "axes", 1);
	int32_t dims[MAX_RANK];
	int rank = in->rank + axes.n, from = 0;
	uint32_t bits;

	if (rank > MAX_RANK)
		node_fail(n, "%d dimensions: at most %d are known", rank, MAX_RANK);
	bits = axes_bits(n, &axes, rank);
	if (__builtin_popcount(bits) != axes.n)
		node_fail(n, "it names a dimension twice");
	for (int i = 0; i < rank; i++)
		dims[i] = bits & 1u << i ? 1 : in->dims[from++];
	node_output(n, 0, emit_reshape(n, in, rank, dims));
}

void translate_transpose(struct node *n)
{
	struct tensor *in = node_need(n, 0);
	struct int_list list = node_ints(n, "perm");
	int32_t perm[MAX_RANK];
	uint32_t seen = 0;

	if (list.given && list.n != in->rank)
		node_fail(n, "perm has %d entries for %d dimensions", list.n, in->rank);
	for (int i = 0; i < in->rank; i++) {
		perm[i] = list.given ? node_axis(n, list.v[i], in->rank) : in->rank - 1 - i;
		seen |= 1u << perm[i];
	}
	if (__builtin_popcount(seen) != in->rank)
		node_fail(n, "perm is no permutation");
	node_output(n, 0, emit_transpose(n, in, perm));
}

void translate_concat(struct node *n)
{
	struct tensor **parts = arena_new(n->im->graph->arena, struct tensor *, node_inputs(n));
	unsigned int count = 0;

	for (unsigned int i = 0; i < node_inputs(n); i++) {
		struct tensor *t = node_need(n, i);

		if (t->data && !tensor_elements(t))
			continue;	/* nothing */
		parts[count++] = t;
	}
	if (!count)
		parts[count++] = node_need(n, 0);
	node_output(n, 0, emit_concat(n, count, parts,
				      node_axis(n, node_int(n, "axis", 1), parts[0]->rank)));
}

void translate_split(struct node *n)
{
	struct tensor *in = node_need(n, 0);
	int axis = node_axis(n, node_int(n, "axis", 0), in->rank);
	struct int_list sizes = node_ints_or_input(n, "split", 1);
	unsigned int count = node_outputs(n);
	int32_t begin[MAX_RANK] = { 0 }, size[MAX_RANK];
	int64_t each;

	if (!count || (sizes.given && sizes.n != (int)count))
		node_fail(n, "%u outputs, but %d sizes", count, sizes.n);
	each = ((int64_t)in->dims[axis] + count - 1) / count;
	memcpy(size, in->dims, sizeof(size));
	for (unsigned int i = 0; i < count; i++) {
		int64_t left = in->dims[axis] - begin[axis];
		int64_t part = sizes.given ? sizes.v[i] : each < left ? each : left;

		if (part < 1 || part > left)
			node_fail(n, "its parts don't fit a dimension of %d", in->dims[axis]);
		size[axis] = part;
		node_output(n, i, emit_slice(n, in, begin, size));
		begin[axis] += part;
	}
}

struct range {
	int64_t begin, end, step, count;
};

/* numpy's rules: from the end, and cut off at the ends. */
static struct range clamp_range(struct node *n, int64_t begin, int64_t end, int64_t step,
				int32_t size)
{
	int64_t low = step < 0 ? -1 : 0, high = step < 0 ? size - 1 : size;
	struct range r = { .step = step };

	if (!step || step < -INT32_MAX || step > INT32_MAX)
		node_fail(n, "a step of %lld", (long long)step);
	if (begin < 0)
		begin = begin < -size ? low : begin + size;
	if (end < 0)
		end = end < -size ? low : end + size;
	r.begin = begin < 0 ? 0 : begin > high ? high : begin;
	r.end = end < low ? low : end > high + (step < 0) ? high + (step < 0) : end;
	r.count = step > 0 ? (r.end - r.begin + step - 1) / step
			   : (r.begin - r.end - step - 1) / -step;
	if (r.count < 0)
		r.count = 0;
	return r;
}

static struct tensor *reverse(struct node *n, struct tensor *in, int32_t axis)
{
	struct tensor *inputs[] = { in, emit_ints(n, 1, &axis) };

	return emit(n, OP_REVERSE_V2, 2, inputs, in->type, in->rank, in->dims, NULL);
}

void translate_slice(struct node *n)
{
	struct tensor *in = node_need(n, 0), *inputs[4];
	struct int_list starts = node_ints_or_input(n, "starts", 1);
	struct int_list ends = node_ints_or_input(n, "ends", 2);
	struct int_list axes = node_ints_or_input(n, "axes", 3);
	struct int_list steps = node_ints_or_input(n, "steps", 4);
	int32_t begin[MAX_RANK] = { 0 }, end[MAX_RANK], step[MAX_RANK], size[MAX_RANK];
	bool steps_are_one = true;

	if (starts.n != ends.n || (axes.given && axes.n != starts.n) ||
	    (steps.given && steps.n != starts.n) || starts.n > in->rank)
		node_fail(n, "starts, ends, axes and steps don't fit each other");
	memcpy(end, in->dims, sizeof(end));
	memcpy(size, in->dims, sizeof(size));
	for (int i = 0; i < MAX_RANK; i++)
		step[i] = 1;
	for (int i = 0; i < starts.n; i++) {
		int axis = node_axis(n, axes.given ? axes.v[i] : i, in->rank);
		struct range r = clamp_range(n, starts.v[i], ends.v[i],
					     steps.given ? steps.v[i] : 1, in->dims[axis]);

		if (r.step < 0) {
			in = reverse(n, in, axis);
			r = (struct range){ in->dims[axis] - 1 - r.begin, 0, -r.step, r.count };
		}
		begin[axis] = r.begin;
		step[axis] = r.step;
		size[axis] = r.count;
		end[axis] = r.count ? r.begin + (r.count - 1) * r.step + 1 : r.begin;
		steps_are_one &= r.step == 1;
	}
	if (steps_are_one) {
		node_output(n, 0, emit_slice(n, in, begin, size));
		return;
	}
	inputs[0] = in;
	inputs[1] = emit_ints(n, in->rank, begin);
	inputs[2] = emit_ints(n, in->rank, end);
	inputs[3] = emit_ints(n, in->rank, step);
	node_output(n, 0, emit(n, OP_STRIDED_SLICE, 4, inputs, in->type, in->rank, size, NULL));
}

/* Indices from the end become those from the start. */
static struct tensor *sound_indices(struct node *n, struct tensor *t, int32_t size)
{
	int64_t count = tensor_elements(t);
	int32_t *data;

	if (t->type != DTYPE_I64 && t->type != DTYPE_I32)
		node_fail(n, "its indices are %s", dtype_name(t->type));
	if (!t->data)
		return t;
	data = arena_new(n->im->graph->arena, int32_t, count + 1);
	for (int64_t i = 0; i < count; i++) {
		int64_t at = tensor_int(t, i);

		if (at < -size || at >= size)
			node_fail(n, "index %lld of %d", (long long)at, size);
		data[i] = at < 0 ? at + size : at;
	}
	return builder_constant(&n->im->b, t->name, DTYPE_I32, t->rank, t->dims, data);
}

void translate_gather(struct node *n)
{
	struct tensor *inputs[] = { node_need(n, 0), node_need(n, 1) };
	struct op_attrs attrs = { 0 };
	int32_t dims[2 * MAX_RANK];
	int rank = 0;

	attrs.axis = node_axis(n, node_int(n, "axis", 0), inputs[0]->rank);
	inputs[1] = sound_indices(n, inputs[1], inputs[0]->dims[attrs.axis]);
	for (int i = 0; i < inputs[0]->rank; i++) {
		if (i != attrs.axis) {
			dims[rank++] = inputs[0]->dims[i];
			continue;
		}
		for (int k = 0; k < inputs[1]->rank; k++)
			dims[rank++] = inputs[1]->dims[k];
	}
	node_output(n, 0, emit(n, OP_GATHER, 2, inputs, inputs[0]->type, rank, dims, &attrs));
}

void translate_expand(struct node *n)
{
	struct int_list shape = node_ints_or_input(n, "shape", 1);
	struct tensor *in = node_need(n, 0), target = { .rank = shape.n };
	int32_t dims[MAX_RANK], times[MAX_RANK], wide[MAX_RANK];
	int rank;

	if (!shape.given || shape.n > MAX_RANK)
		node_fail(n, "a shape of at most %d dimensions is needed", MAX_RANK);
	for (int i = 0; i < shape.n; i++)
		target.dims[i] = shape.v[i] < 0 || shape.v[i] > INT32_MAX ? -1 : shape.v[i];
	broadcast_shape(n, in, &target, &rank, dims);
	for (int i = 0; i < rank; i++) {
		int from = i - (rank - in->rank);

		wide[i] = from < 0 ? 1 : in->dims[from];
		times[i] = wide[i] == dims[i] ? 1 : dims[i];
	}
	node_output(n, 0, repeat(n, emit_reshape(n, in, rank, wide), times));
}

void translate_tile(struct node *n)
{
	struct int_list repeats = node_ints_or_input(n, "repeats", 1);
	struct tensor *in = node_need(n, 0);
	int32_t times[MAX_RANK];

	if (repeats.n != in->rank)
		node_fail(n, "%d repeats for %d dimensions", repeats.n, in->rank);
	for (int i = 0; i < repeats.n; i++) {
		if (repeats.v[i] < 1 || repeats.v[i] > INT32_MAX)
			node_fail(n, "it repeats dimension %d %lld times", i,
				  (long long)repeats.v[i]);
		times[i] = repeats.v[i];
	}
	node_output(n, 0, repeat(n, in, times));
}

/* A part of @in along @axis. */
static struct tensor *part_of(struct node *n, struct tensor *in, int axis, int32_t begin,
			      int32_t count)
{
	int32_t first[MAX_RANK] = { 0 }, size[MAX_RANK];

	memcpy(size, in->dims, sizeof(size));
	first[axis] = begin;
	size[axis] = count;
	return emit_slice(n, in, first, size);
}

/* edge: the border repeated; wrap: the other end */
static struct tensor *pad_by_copies(struct node *n, struct tensor *in, const int32_t *pads,
				    bool wrap)
{
	for (int axis = 0; axis < in->rank; axis++) {
		struct tensor *parts[3];
		int32_t size = in->dims[axis], times[MAX_RANK];
		unsigned int count = 0;

		for (int side = 0; side < 2; side++) {
			int32_t extra = pads[2 * axis + side], at = side ? size - 1 : 0;

			if (side)
				parts[count++] = in;
			if (extra < 1)
				continue;
			if (wrap && extra > size)
				node_fail(n, "it wraps around more than once");
			if (wrap) {
				parts[count++] = part_of(n, in, axis, side ? 0 : size - extra,
							 extra);
				continue;
			}
			for (int i = 0; i < in->rank; i++)
				times[i] = i == axis ? extra : 1;
			parts[count++] = repeat(n, part_of(n, in, axis, at, 1), times);
		}
		in = emit_concat(n, count, parts, axis);
	}
	return in;
}

/* Pairs (before, after) of all dimensions. */
static void read_pads(struct node *n, const struct tensor *in, int32_t *pads)
{
	struct int_list list = node_ints_or_input(n, "pads", 1);
	struct int_list axes = node_ints_or_input(n, "axes", 3);
	int count = axes.given ? axes.n : in->rank;

	if (list.n != 2 * count)
		node_fail(n, "%d pads for %d dimensions", list.n, count);
	memset(pads, 0, 2 * MAX_RANK * sizeof(*pads));
	for (int i = 0; i < 2 * count; i++) {
		int axis = axes.given ? node_axis(n, axes.v[i % count], in->rank) : i % count;

		if (list.v[i] < -INT32_MAX || list.v[i] > INT32_MAX)
			node_fail(n, "a pad of %lld", (long long)list.v[i]);
		pads[2 * axis + (i >= count)] = list.v[i];
	}
}

/* Negative pads cut off; what is left are positive ones. */
static struct tensor *cut_negative(struct node *n, struct tensor *in, int32_t *pads)
{
	for (int i = 0; i < in->rank; i++) {
		int32_t before = pads[2 * i] < 0 ? -pads[2 * i] : 0;
		int32_t after = pads[2 * i + 1] < 0 ? -pads[2 * i + 1] : 0;

		if ((int64_t)before + after >= in->dims[i])
			node_fail(n, "its negative pads leave nothing");
		in = part_of(n, in, i, before, in->dims[i] - before - after);
		pads[2 * i] += before;
		pads[2 * i + 1] += after;
	}
	return in;
}

/* The value to pad with, or NULL for zero. */
static struct tensor *pad_value(struct node *n, const struct tensor *in)
{
	struct tensor *t = node_input(n, 2);
	double value;

	if (t) {
		node_constant(n, 2, "value");
		if (tensor_elements(t) != 1 || t->type != in->type)
			node_fail(n, "its value must be one %s", dtype_name(in->type));
		value = constant_number(t, 0);
	} else {
		value = node_float(n, "value", 0);
	}
	return value == 0 ? NULL : t && !t->rank ? t : emit_like(n, in, value);
}

void translate_pad(struct node *n)
{
	const char *mode = node_string(n, "mode", "constant");
	struct tensor *in = node_need(n, 0), *inputs[3] = { 0 };
	int32_t pads[2 * MAX_RANK], dims[MAX_RANK], shape[] = { in->rank, 2 }, *copy;
	enum op_kind kind = OP_PAD;
	bool any = false;

	read_pads(n, in, pads);
	in = cut_negative(n, in, pads);
	for (int i = 0; i < in->rank; i++) {
		int64_t size = (int64_t)in->dims[i] + pads[2 * i] + pads[2 * i + 1];

		dims[i] = size > INT32_MAX ? -1 : size;
		any |= pads[2 * i] || pads[2 * i + 1];
		if (!strcmp(mode, "reflect") &&
		    (pads[2 * i] >= in->dims[i] || pads[2 * i + 1] >= in->dims[i]))
			node_fail(n, "it reflects more than dimension %d has", i);
	}
	if (!any) {
		node_output(n, 0, in);
		return;
	}
	if (!strcmp(mode, "edge") || !strcmp(mode, "wrap")) {
		node_output(n, 0, pad_by_copies(n, in, pads, *mode == 'w'));
		return;
	}
	if (!strcmp(mode, "reflect"))
		kind = OP_MIRROR_PAD;
	else if (strcmp(mode, "constant"))
		node_fail(n, "mode %.40s is not supported", mode);
	copy = arena_new(n->im->graph->arena, int32_t, 2 * MAX_RANK);
	memcpy(copy, pads, sizeof(pads));
	inputs[0] = in;
	inputs[1] = builder_constant(&n->im->b, "pads", DTYPE_I32, 2, shape, copy);
	if (kind == OP_PAD)
		inputs[2] = pad_value(n, in);
	if (inputs[2])
		kind = OP_PADV2;
	node_output(n, 0, emit(n, kind, inputs[2] ? 3 : 2, inputs, in->type, in->rank, dims, NULL));
}

static int32_t block_size(struct node *n, const struct tensor *in)
{
	int64_t block = node_int(n, "blocksize", 0);

	if (in->rank != 4 || block < 1 || block > 4096)
		node_fail(n, "an image (4 dimensions) and a sound block size are needed");
	return block;
}

/* CRD: channels before blocks, which is no single operator. */
static struct tensor *depth_to_space_crd(struct node *n, struct tensor *in, int32_t block)
{
	static const int32_t perm[] = { 0, 1, 4, 2, 5, 3 };
	int32_t channels = in->dims[1] / (block * block);
	int32_t apart[] = { in->dims[0], channels, block, block, in->dims[2], in->dims[3] };
	int32_t joined[] = { in->dims[0], channels, in->dims[2] * block, in->dims[3] * block };

	in = emit_transpose(n, emit_reshape(n, in, 6, apart), perm);
	return emit_reshape(n, in, 4, joined);
}

void translate_depth_to_space(struct node *n)
{
	struct tensor *in = node_need(n, 0), *out;
	int32_t block = block_size(n, in);
	struct op_attrs attrs = { .block_size = block };
	int64_t high = (int64_t)in->dims[2] * block, wide = (int64_t)in->dims[3] * block;

	if (in->dims[1] % (block * block) || high > INT32_MAX || wide > INT32_MAX)
		node_fail(n, "%d channels don't make blocks of %d", in->dims[1], block);
	if (!strcmp(node_string(n, "mode", "DCR"), "CRD")) {
		node_output(n, 0, depth_to_space_crd(n, in, block));
		return;
	}
	out = emit_to_nhwc(n, in);
	out = emit(n, OP_DEPTH_TO_SPACE, 1, &out, in->type, 4,
		   (int32_t[]){ in->dims[0], high, wide, in->dims[1] / (block * block) }, &attrs);
	node_output(n, 0, emit_from_nhwc(n, out, 4));
}

void translate_space_to_depth(struct node *n)
{
	struct tensor *in = node_need(n, 0), *out;
	int32_t block = block_size(n, in);
	struct op_attrs attrs = { .block_size = block };
	int64_t channels = (int64_t)in->dims[1] * block * block;

	if (in->dims[2] % block || in->dims[3] % block || channels > INT32_MAX)
		node_fail(n, "an image of %dx%d doesn't make blocks of %d", in->dims[2],
			  in->dims[3], block);
	out = emit_to_nhwc(n, in);
	out = emit(n, OP_SPACE_TO_DEPTH, 1, &out, in->type, 4,
		   (int32_t[]){ in->dims[0], in->dims[2] / block, in->dims[3] / block, channels },
		   &attrs);
	node_output(n, 0, emit_from_nhwc(n, out, 4));
}

/* The upper or lower triangle of matrices; the rest is zero. */
void translate_trilu(struct node *n)
{
	struct tensor *in = node_need(n, 0), *inputs[3];
	bool upper = node_int(n, "upper", 1);
	int64_t k = node_input(n, 1) ? constant_int(node_constant(n, 1, "k"), 0) : 0, count;
	const int32_t *dims;
	uint8_t *mask;

	if (in->rank < 2)
		node_fail(n, "a matrix is needed");
	dims = &in->dims[in->rank - 2];
	count = (int64_t)dims[0] * dims[1];
	mask = arena_new(n->im->graph->arena, uint8_t, count + 1);
	for (int64_t i = 0; i < count; i++) {
		int64_t beyond = i % dims[1] - i / dims[1];

		mask[i] = upper ? beyond >= k : beyond <= k;
	}
	inputs[0] = builder_constant(&n->im->b, "triangle", DTYPE_BOOL, 2, dims, mask);
	inputs[1] = in;
	inputs[2] = emit_like(n, in, 0);
	node_output(n, 0, emit(n, OP_SELECT_V2, 3, inputs, in->type, in->rank, in->dims, NULL));
}
