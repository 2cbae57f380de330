// SPDX-License-Identifier: MIT
/*
 * Resize and Upsample. What RESIZE_NEAREST_NEIGHBOR or RESIZE_BILINEAR say exactly becomes
 * these; every other way to sample is a matrix, known here, over one dimension after the
 * other.
 */
#include "importer.h"

#include <math.h>
#include <string.h>

struct sampling {
	const char *mode, *coordinates, *nearest;
	float cubic_a;
	bool exclude_outside, antialias;
	float extrapolation;
};

struct axis_scale {
	int32_t in, out;
	float scale;
	float roi_start, roi_end;
};

/* Where position @x of the output lies in the input. */
static float source_position(const struct sampling *s, const struct axis_scale *a, int32_t x)
{
	float out = a->out, in = a->in, length = out;

	if (!strcmp(s->coordinates, "asymmetric"))
		return x / a->scale;
	if (!strcmp(s->coordinates, "align_corners"))
		return a->out == 1 ? 0 : x * (in - 1) / (a->scale * in - 1);
	if (!strcmp(s->coordinates, "tf_half_pixel_for_nn"))
		return (x + 0.5f) / a->scale;
	if (!strcmp(s->coordinates, "tf_crop_and_resize"))
		return a->out == 1 ? (a->roi_start + a->roi_end) * (in - 1) / 2
				   : a->roi_start * (in - 1) +
				     x * (a->roi_end - a->roi_start) * (in - 1) / (out - 1);
	if (!strcmp(s->coordinates, "pytorch_half_pixel") && a->out == 1)
		return 0;
	if (!strcmp(s->coordinates, "half_pixel_symmetric")) {
		length = a->scale * in;
		return in / 2 * (1 - out / length) + (x + 0.5f) / a->scale - 0.5f;
	}
	return (x + 0.5f) / a->scale - 0.5f;
}

static int32_t nearest_index(const struct sampling *s, float x, int32_t size)
{
	float at;

	if (!strcmp(s->nearest, "floor"))
		at = floorf(x);
	else if (!strcmp(s->nearest, "ceil"))
		at = ceilf(x);
	else if (!strcmp(s->nearest, "round_prefer_ceil"))
		at = floorf(x + 0.5f);
	else
		at = ceilf(x - 0.5f);
	return at < 0 ? 0 : at >= size ? size - 1 : (int32_t)at;
}

static float cubic(float a, float x)
{
	x = fabsf(x);
	if (x <= 1)
		return ((a + 2) * x - (a + 3)) * x * x + 1;
	return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

/* One row of the matrix: what input positions count for an output position. */
static void sample_row(const struct sampling *s, const struct axis_scale *a, float x, float *row)
{
	bool linear = !strcmp(s->mode, "linear");
	/* to shrink with antialias is to widen the kernel */
	float squeeze = s->antialias && a->scale < 1 ? a->scale : 1, sum = 0;
	int32_t reach = (int32_t)ceilf((linear ? 1 : 2) / squeeze), first;

	if (!strcmp(s->mode, "nearest")) {
		row[nearest_index(s, x, a->in)] = 1;
		return;
	}
	first = (int32_t)floorf(x) - reach;
	for (int32_t i = first; i <= first + 2 * reach + 1; i++) {
		float distance = ((float)i - x) * squeeze, weight;
		int32_t at = i < 0 ? 0 : i >= a->in ? a->in - 1 : i;

		weight = linear ? fmaxf(0, 1 - fabsf(distance)) : cubic(s->cubic_a, distance);
		if (at != i && (s->exclude_outside || s->antialias))
			continue;
		row[at] += weight;
		sum += weight;
	}
	for (int32_t i = 0; i < a->in && sum != 0; i++)
		row[i] /= sum;
}

/* @in along @axis by a matrix; outside the input is s->extrapolation. */
static struct tensor *resample(struct node *n, struct tensor *in, int axis,
			       const struct sampling *s, const struct axis_scale *a)
{
	bool crops = !strcmp(s->coordinates, "tf_crop_and_resize"), bias_is_needed = false;
	struct op_attrs attrs = { .keep_dims = true };
	struct tensor *inputs[3], *t;
	int32_t perm[MAX_RANK], dims[MAX_RANK], shape[] = { a->out, a->in };
	float *matrix, *bias;

	if ((int64_t)a->in * a->out > ONNX_MAX_ELEMENTS / 64)
		node_fail(n, "from %d to %d positions in this way is not supported", a->in, a->out);
	matrix = arena_new(n->im->graph->arena, float, (int64_t)a->in * a->out);
	bias = arena_new(n->im->graph->arena, float, a->out);
	for (int32_t i = 0; i < a->out; i++) {
		float x = source_position(s, a, i);

		if (crops && (x < 0 || x > (float)(a->in - 1))) {
			bias[i] = s->extrapolation;
			bias_is_needed |= bias[i] != 0;
		} else if (fabsf(x) < 1e9f) {
			sample_row(s, a, x, matrix + (int64_t)i * a->in);
		}
	}
	for (int i = 0; i < in->rank; i++)
		perm[i] = i == axis ? in->rank - 1 : i == in->rank - 1 ? axis : i;
	inputs[0] = emit_transpose(n, in, perm);
	inputs[1] = builder_constant(&n->im->b, "sampling", DTYPE_F32, 2, shape, matrix);
	inputs[2] = builder_constant(&n->im->b, "outside", DTYPE_F32, 1, shape, bias);
	memcpy(dims, inputs[0]->dims, sizeof(dims));
	dims[in->rank - 1] = a->out;
	t = emit(n, OP_FULLY_CONNECTED, bias_is_needed ? 3 : 2, inputs, in->type, in->rank, dims,
		 &attrs);
	return emit_transpose(n, t, perm);
}

/* Whether RESIZE_NEAREST_NEIGHBOR takes the same elements, with @align and @half. */
static bool same_nearest(const struct sampling *s, const struct axis_scale *a, bool align,
			 bool half)
{
	float step = align && a->out > 1 ? (float)(a->in - 1) / (a->out - 1)
					 : (float)a->in / a->out;

	for (int32_t i = 0; i < a->out; i++) {
		float x = half ? (i + 0.5f) * step : i * step;
		int32_t at = (int32_t)(align ? roundf(x) : floorf(x));

		if (at > a->in - 1)
			at = a->in - 1;
		if (at != nearest_index(s, source_position(s, a, i), a->in))
			return false;
	}
	return true;
}

/* The same for RESIZE_BILINEAR, whose positions are computed from the sizes alone. */
static bool same_linear(const struct sampling *s, const struct axis_scale *a, bool align,
			bool half)
{
	float step = align && a->out > 1 ? (float)(a->in - 1) / (a->out - 1)
					 : (float)a->in / a->out;

	if (s->antialias && a->scale < 1)
		return false;
	for (int32_t i = 0; i < a->out; i++) {
		float x = half ? (i + 0.5f) * step - 0.5f : i * step;
		float wanted = source_position(s, a, i), last = a->in - 1;

		x = fminf(fmaxf(x, 0), last);
		wanted = fminf(fmaxf(wanted, 0), last);
		if (fabsf(x - wanted) > 1e-5f * a->in)
			return false;
	}
	return true;
}

/* Height and width of an image by the operator that exists for it. NULL: not the same. */
static struct tensor *resize_image(struct node *n, struct tensor *in, const struct sampling *s,
				   const struct axis_scale *a)
{
	static const bool ways[][2] = { { false, true }, { false, false }, { true, false } };
	bool nearest = !strcmp(s->mode, "nearest");
	struct op_attrs attrs = { 0 };
	struct tensor *inputs[2], *t;
	unsigned int i;

	if (in->rank != 4 || a[0].in != a[0].out || a[1].in != a[1].out ||
	    !strcmp(s->mode, "cubic") || !strcmp(s->coordinates, "tf_crop_and_resize"))
		return NULL;
	for (i = 0; i < 3; i++) {
		bool same = true;

		for (int d = 2; d < 4; d++)
			same &= nearest ? same_nearest(s, &a[d], ways[i][0], ways[i][1])
					: same_linear(s, &a[d], ways[i][0], ways[i][1]);
		if (same)
			break;
	}
	if (i == 3)
		return NULL;
	attrs.align_corners = ways[i][0];
	attrs.half_pixel_centers = ways[i][1];
	inputs[0] = emit_to_nhwc(n, in);
	inputs[1] = emit_ints(n, 2, (int32_t[]){ a[2].out, a[3].out });
	t = emit(n, nearest ? OP_RESIZE_NEAREST_NEIGHBOR : OP_RESIZE_BILINEAR, 2, inputs, in->type,
		 4, (int32_t[]){ in->dims[0], a[2].out, a[3].out, in->dims[1] }, &attrs);
	return emit_from_nhwc(n, t, 4);
}

static void resize(struct node *n, const struct sampling *s, const struct axis_scale *a)
{
	struct tensor *in = node_need(n, 0), *out = resize_image(n, in, s, a);

	if (!out) {
		if (in->type != DTYPE_F32)
			node_fail(n, "this way to resize %s is not supported",
				  dtype_name(in->type));
		out = in;
		for (int i = 0; i < in->rank; i++)
			if (a[i].in != a[i].out || a[i].scale != 1 ||
			    !strcmp(s->coordinates, "tf_crop_and_resize"))
				out = resample(n, out, i, s, &a[i]);
	}
	node_output(n, 0, out);
}

/* Input @i if it holds something, known. */
static struct tensor *optional_list(struct node *n, unsigned int i, const char *what)
{
	struct tensor *t = node_input(n, i);

	if (!t)
		return NULL;
	node_constant(n, i, what);
	return tensor_elements(t) ? t : NULL;
}

static void set_scale(struct node *n, struct axis_scale *a, double scale)
{
	double out = floor(a->in * scale);

	if (!(scale > 0) || !(out >= 1 && out < INT32_MAX))
		node_fail(n, "a scale of %g for a dimension of %d", scale, a->in);
	a->scale = scale;
	a->out = out;
}

/* keep_aspect_ratio_policy: one scale for all dimensions that are named. */
static void keep_aspect(struct node *n, struct axis_scale *a, const int *axis, int count)
{
	const char *policy = node_string(n, "keep_aspect_ratio_policy", "stretch");
	bool larger = !strcmp(policy, "not_smaller");
	float scale = a[axis[0]].scale;

	if (!strcmp(policy, "stretch"))
		return;
	for (int i = 1; i < count; i++)
		scale = larger ? fmaxf(scale, a[axis[i]].scale) : fminf(scale, a[axis[i]].scale);
	for (int i = 0; i < count; i++) {
		a[axis[i]].scale = scale;
		a[axis[i]].out = (int32_t)roundf(scale * a[axis[i]].in);
	}
}

static void read_sizes(struct node *n, const struct tensor *in, const struct sampling *s,
		       struct axis_scale *a)
{
	bool old = n->im->opset < 11;
	struct tensor *roi = old ? NULL : optional_list(n, 1, "roi");
	struct tensor *scales = optional_list(n, old ? 1 : 2, "scales");
	struct tensor *sizes = old ? NULL : optional_list(n, 3, "sizes");
	struct int_list axes = node_ints(n, "axes");
	struct tensor *given = sizes ? sizes : scales;
	int count = axes.given ? axes.n : in->rank, axis[MAX_RANK];

	if (!given || count > in->rank || tensor_elements(given) != count)
		node_fail(n, "scales or sizes for %d dimensions are needed", count);
	for (int i = 0; i < count; i++) {
		struct axis_scale *to;

		axis[i] = axes.given ? node_axis(n, axes.v[i], in->rank) : i;
		to = &a[axis[i]];
		if (sizes)
			set_scale(n, to, constant_number(sizes, i) / to->in);
		else
			set_scale(n, to, constant_number(scales, i));
		if (sizes)
			to->out = constant_int(sizes, i);
		if (roi && tensor_elements(roi) == 2 * count) {
			to->roi_start = constant_number(roi, i);
			to->roi_end = constant_number(roi, count + i);
		}
	}
	if (sizes)
		keep_aspect(n, a, axis, count);
	if (!strcmp(s->coordinates, "tf_crop_and_resize") && !roi)
		node_fail(n, "tf_crop_and_resize needs a roi");
	for (int i = 0; i < in->rank; i++)
		if (a[i].out < 1)
			node_fail(n, "a size of %d", a[i].out);
}

static void start_scales(const struct tensor *in, struct axis_scale *a)
{
	for (int i = 0; i < in->rank; i++)
		a[i] = (struct axis_scale){ in->dims[i], in->dims[i], 1, 0, 1 };
}

void translate_resize(struct node *n)
{
	bool old = n->im->opset < 11;
	struct sampling s = {
		.mode = node_string(n, "mode", "nearest"),
		.coordinates = node_string(n, "coordinate_transformation_mode",
					   old ? "asymmetric" : "half_pixel"),
		.nearest = node_string(n, "nearest_mode", old ? "floor" : "round_prefer_floor"),
		.cubic_a = node_float(n, "cubic_coeff_a", -0.75f),
		.exclude_outside = node_int(n, "exclude_outside", 0),
		.antialias = node_int(n, "antialias", 0),
		.extrapolation = node_float(n, "extrapolation_value", 0),
	};
	struct axis_scale a[MAX_RANK];
	struct tensor *in = node_need(n, 0);

	if (strcmp(s.mode, "nearest") && strcmp(s.mode, "linear") && strcmp(s.mode, "cubic"))
		node_fail(n, "mode %.40s is not supported", s.mode);
	start_scales(in, a);
	read_sizes(n, in, &s, a);
	resize(n, &s, a);
}

void translate_upsample(struct node *n)
{
	const Onnx__AttributeProto *attr = node_attr(n, "scales");
	struct sampling s = {
		.mode = node_string(n, "mode", "nearest"), .coordinates = "asymmetric",
		.nearest = "floor",
	};
	struct axis_scale a[MAX_RANK];
	struct tensor *in = node_need(n, 0), *scales = attr ? NULL : node_constant(n, 1, "scales");
	int64_t count = attr ? (int64_t)attr->n_floats : tensor_elements(scales);

	if (count != in->rank || (strcmp(s.mode, "nearest") && strcmp(s.mode, "linear")))
		node_fail(n, "mode nearest or linear and a scale for each dimension are needed");
	start_scales(in, a);
	for (int i = 0; i < in->rank; i++)
		set_scale(n, &a[i], attr ? attr->floats[i] : constant_number(scales, i));
	resize(n, &s, a);
}
