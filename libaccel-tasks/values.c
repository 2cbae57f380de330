// SPDX-License-Identifier: MIT
/* Real values in and out of tensors, and pixels as values. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "error.h"

struct accel_values accel_shape_of(const struct accel_tensor *tensor)
{
	struct accel_values values = {
		.name = tensor->name,
		.rank = tensor->rank,
		.count = tensor->elements,
	};

	memcpy(values.dims, tensor->dims, sizeof(values.dims));
	return values;
}

struct range {
	double low, high;
};

static struct range range_of(enum accel_dtype dtype)
{
	switch (dtype) {
	case ACCEL_U8:
		return (struct range){ 0, 255 };
	case ACCEL_S8:
		return (struct range){ -128, 127 };
	case ACCEL_S16:
		return (struct range){ -32768, 32767 };
	default:
		return (struct range){ -2147483648.0, 2147483647.0 };
	}
}

static void put(enum accel_dtype dtype, void *data, size_t index, double value)
{
	switch (dtype) {
	case ACCEL_U8:
		((uint8_t *)data)[index] = (uint8_t)value;
		break;
	case ACCEL_S8:
		((int8_t *)data)[index] = (int8_t)value;
		break;
	case ACCEL_S16:
		((int16_t *)data)[index] = (int16_t)value;
		break;
	case ACCEL_S32:
		((int32_t *)data)[index] = (int32_t)value;
		break;
	default:
		((int64_t *)data)[index] = (int64_t)value;
		break;
	}
}

void accel_quantize(const struct accel_tensor *tensor, const float *values, void *data)
{
	struct range range = range_of(tensor->dtype);
	double scale = tensor->scale > 0 ? (double)tensor->scale : 1;

	if (tensor->dtype == ACCEL_F32) {
		memcpy(data, values, tensor->elements * sizeof(*values));
		return;
	}
	for (size_t i = 0; i < tensor->elements; i++) {
		double q = round((double)values[i] / scale) + tensor->zero_point;

		/* What is no number becomes the lowest one */
		q = q > range.high ? range.high : q > range.low ? q : range.low;
		put(tensor->dtype, data, i, q);
	}
}

void accel_dequantize(const struct accel_tensor *tensor, const void *data, float *values)
{
	if (tensor->dtype == ACCEL_F32) {
		memcpy(values, data, tensor->elements * sizeof(*values));
		return;
	}
	for (size_t i = 0; i < tensor->elements; i++)
		values[i] = (float)accel_tensor_value(tensor, data, i);
}

/* Where in an input the pixels are */
struct layout {
	uint32_t width, height, channels;
	size_t pixel, channel;		/* distance of neighbours, in values */
};

static int is_colour(uint32_t channels)
{
	return channels == 1 || channels == 3;
}

static int find_layout(const struct accel_values *input, struct layout *layout,
		       struct accel_error *err)
{
	static const uint32_t any[4];
	const uint32_t *d = input->dims;
	char shape[SHAPE_TEXT];

	if (!shape_is(input, 4, any) || (!is_colour(d[3]) && !is_colour(d[1])))
		return task_error(err, -EINVAL, "input %s is %s, expected [n, height, width, 3 or 1] or [n, 3 or 1, height, width] for a picture",
				  input->name, shape_text(input, shape));
	if (is_colour(d[3]))
		*layout = (struct layout){ d[2], d[1], d[3], d[3], 1 };
	else
		*layout = (struct layout){ d[3], d[2], d[1], 1, (size_t)d[2] * d[3] };
	return 0;
}

int accel_input_size(const struct accel_values *input, uint32_t *width, uint32_t *height,
		     struct accel_error *err)
{
	struct layout layout;
	int ret = find_layout(input, &layout, err);

	if (ret)
		return ret;
	*width = layout.width;
	*height = layout.height;
	return 0;
}

/* ITU-R BT.601, in 1/65536 */
static unsigned int luma(const uint8_t *rgb)
{
	return (19595u * rgb[0] + 38470u * rgb[1] + 7471u * rgb[2] + 32768) >> 16;
}

static void place_one(const struct accel_pixels *pixels, const struct layout *layout,
		      const uint8_t *rgb, float *values)
{
	size_t count = (size_t)layout->width * layout->height;

	for (size_t i = 0; i < count; i++, rgb += 3) {
		for (unsigned int c = 0; c < layout->channels; c++) {
			unsigned int byte = layout->channels == 1 ? luma(rgb) :
				rgb[pixels->bgr ? 2 - c : c];

			values[i * layout->pixel + c * layout->channel] =
				((float)byte - pixels->mean[c]) * pixels->scale[c];
		}
	}
}

int accel_pixels_place(const struct accel_pixels *pixels, const struct accel_values *shape,
		       const uint8_t *rgb, float *values, struct accel_error *err)
{
	struct layout layout;
	size_t size;
	int ret = find_layout(shape, &layout, err);

	if (ret)
		return ret;
	size = (size_t)layout.width * layout.height * layout.channels;
	for (uint32_t n = 0; n < shape->dims[0]; n++) {
		if (n == 0)
			place_one(pixels, &layout, rgb, values);
		else
			memcpy(values + n * size, values, size * sizeof(*values));
	}
	return 0;
}
