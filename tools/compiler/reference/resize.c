// SPDX-License-Identifier: MIT
/* RESIZE_BILINEAR and RESIZE_NEAREST_NEIGHBOR, as TensorFlow Lite places pixels. */
#include <math.h>
#include <string.h>

#include "kernel.h"

const char *check_resized(const struct op *op)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	const char *reason = check_ints(op, 1, 2);

	if (reason)
		return reason;
	if (in->rank != 4 || out->rank != 4 || in->dims[0] != out->dims[0] ||
	    in->dims[3] != out->dims[3])
		return "input and output must have 4 dimensions, and the same batch and channels";
	if (in->type != out->type ||
	    (in->type != DTYPE_F32 && op->kind == OP_RESIZE_BILINEAR))
		return "input and output must be float32";
	for (int i = 0; i < 2; i++)
		if (tensor_int(op->inputs[1], i) != out->dims[1 + i] || in->dims[1 + i] < 1)
			return "the output has another size than is asked for";
	return NULL;
}

static float resize_scale(const struct op_attrs *a, int32_t in, int32_t out)
{
	if (a->align_corners && out > 1)
		return (float)(in - 1) / (float)(out - 1);
	return (float)in / (float)out;
}

/* Where output position @i lies between two positions of the input. */
struct between {
	int32_t low, high;
	float share;			/* of the higher one */
};

static struct between find_between(const struct op_attrs *a, int32_t i, int32_t in, int32_t out)
{
	float scale = resize_scale(a, in, out);
	float at = a->half_pixel_centers ? ((float)i + 0.5f) * scale - 0.5f : (float)i * scale;
	float floor_at = floorf(at);
	struct between b = { .low = (int32_t)floor_at, .high = (int32_t)ceilf(at) };

	b.low = b.low < 0 ? 0 : b.low >= in ? in - 1 : b.low;
	b.high = b.high < 0 ? 0 : b.high >= in ? in - 1 : b.high;
	b.share = at - (float)b.low;
	return b;
}

static void blend_row(const struct tensor *in, const float *image, const struct between *y,
		      const struct tensor *out, const struct op_attrs *a, float *to)
{
	int64_t channels = in->dims[3], row = in->dims[2] * channels;
	const float *top = image + y->low * row, *bottom = image + y->high * row;

	for (int32_t x = 0; x < out->dims[2]; x++, to += channels) {
		struct between b = find_between(a, x, in->dims[2], out->dims[2]);
		float w00 = (1 - y->share) * (1 - b.share), w01 = (1 - y->share) * b.share;
		float w10 = y->share * (1 - b.share), w11 = y->share * b.share;
		int64_t low = b.low * channels, high = b.high * channels;

		for (int64_t c = 0; c < channels; c++)
			to[c] = top[low + c] * w00 + bottom[low + c] * w10 + top[high + c] * w01 +
				bottom[high + c] * w11;
	}
}

int run_bilinear(const struct call *c)
{
	const struct tensor *in = c->op->inputs[0], *out = c->op->outputs[0];
	int64_t image = tensor_elements(in) / in->dims[0];
	int64_t row = (int64_t)out->dims[2] * out->dims[3];
	const float *from = c->in[0];
	float *to = c->out[0];

	for (int32_t n = 0; n < in->dims[0]; n++, from += image)
		for (int32_t y = 0; y < out->dims[1]; y++, to += row) {
			struct between b = find_between(&c->op->attrs, y, in->dims[1],
							out->dims[1]);

			blend_row(in, from, &b, out, &c->op->attrs, to);
		}
	return 0;
}

static int32_t nearest(const struct op_attrs *a, int32_t i, int32_t in, int32_t out)
{
	float scale = resize_scale(a, in, out);
	float at = ((float)i + (a->half_pixel_centers ? 0.5f : 0)) * scale;
	int32_t n = (int32_t)(a->align_corners ? roundf(at) : floorf(at));

	return n < 0 ? 0 : n >= in ? in - 1 : n;
}

int run_nearest(const struct call *c)
{
	const struct tensor *in = c->op->inputs[0], *out = c->op->outputs[0];
	const struct op_attrs *a = &c->op->attrs;
	size_t pixel = (size_t)in->dims[3] * (dtype_bits(in->type) / 8);
	char *to = c->out[0];

	for (int32_t n = 0; n < in->dims[0]; n++)
		for (int32_t y = 0; y < out->dims[1]; y++) {
			int64_t row = (int64_t)n * in->dims[1] +
				      nearest(a, y, in->dims[1], out->dims[1]);
			const char *from = (const char *)c->in[0] +
					   row * in->dims[2] * (int64_t)pixel;

			for (int32_t x = 0; x < out->dims[2]; x++, to += pixel)
				memcpy(to, from + nearest(a, x, in->dims[2], out->dims[2]) *
					   (int64_t)pixel, pixel);
		}
	return 0;
}
