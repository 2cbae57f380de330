// SPDX-License-Identifier: MIT
/* Pictures to floats: see preprocess.h. */
#include "preprocess.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int preprocess_numbers(const char *text, float values[3])
{
	int count = 0;

	while (count < 3) {
		char *end;

		values[count] = strtof(text, &end);
		if (end == text || !isfinite(values[count]))
			return -1;
		count++;
		text = end + 1;
		if (!*end)
			break;
		if (*end != ',')
			return -1;
	}
	if (text[-1])
		return -1;
	if (count == 1) {
		values[1] = values[0];
		values[2] = values[0];
	}
	return count == 2 ? -1 : 0;
}

int preprocess_layout(const char *text, int *bgr)
{
	*bgr = strcmp(text, "bgr") == 0;
	return *bgr || strcmp(text, "rgb") == 0 ? 0 : -1;
}

int preprocess_fits(uint32_t rank, const int32_t *dims, int *planar)
{
	*planar = 0;
	if (rank != 4)
		return 0;
	if (dims[3] == 1 || dims[3] == 3)
		return 1;
	*planar = dims[1] == 1 || dims[1] == 3;
	return *planar;
}

/* ITU-R BT.601 */
static float luma(const unsigned char *rgb)
{
	return rintf(0.299f * rgb[0] + 0.587f * rgb[1] + 0.114f * rgb[2]);
}

int preprocess_picture(const struct preprocess *how, const struct picture *picture,
		       const int32_t *dims, float *values)
{
	struct picture scaled;
	size_t pixels, channels;
	int planar;

	preprocess_fits(4, dims, &planar);
	channels = (size_t)dims[planar ? 1 : 3];
	scaled.height = (uint32_t)dims[planar ? 2 : 1];
	scaled.width = (uint32_t)dims[planar ? 3 : 2];
	pixels = (size_t)scaled.width * scaled.height;
	if (picture_resize(picture, &scaled))
		return -1;
	for (size_t i = 0; i < pixels; i++) {
		for (size_t c = 0; c < channels; c++) {
			const unsigned char *rgb = scaled.rgb + 3 * i;
			float value = channels == 1 ? luma(rgb) : rgb[how->bgr ? 2 - c : c];

			values[planar ? c * pixels + i : channels * i + c] =
				(value - how->mean[c]) / how->std[c];
		}
	}
	free(scaled.rgb);
	for (int32_t i = 1; i < dims[0]; i++)
		memcpy(values + (size_t)i * pixels * channels, values,
		       pixels * channels * sizeof(*values));
	return 0;
}
