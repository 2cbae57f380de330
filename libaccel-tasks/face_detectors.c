// SPDX-License-Identifier: MIT
/* Face detectors: those whose graph ends in corners of boxes, and MediaPipe's two. */
#include <math.h>

#include "error.h"
#include "faces.h"

/* ---- scores [1, n, 2] and corners [1, n, 4], fractions of the input ---- */

static int fits_corners(const struct accel_net *net)
{
	static const uint32_t scores[] = { 1, 0, 2 }, boxes[] = { 1, 0, 4 };

	return net->num_outputs == 2 && shape_is(&net->outputs[0], 3, scores) &&
	       shape_is(&net->outputs[1], 3, boxes) &&
	       net->outputs[0].dims[1] == net->outputs[1].dims[1];
}

static int read_corners(const struct accel_net *net, uint32_t width, uint32_t height,
			float threshold, struct face_list *faces)
{
	const float *score = net->outputs[0].data, *box = net->outputs[1].data;
	float w = (float)width, h = (float)height;

	for (uint32_t i = 0; i < net->outputs[0].dims[1]; i++, score += 2, box += 4) {
		struct accel_face face = {
			.box = { box[0] * w, box[1] * h, box[2] * w, box[3] * h },
			.score = score[1],
		};

		if (face.score >= threshold && faces_add(faces, &face))
			return -1;
	}
	return 0;
}

const struct face_detector faces_by_corners = {
	.name = "corners",
	.pixels = { { 127, 127, 127 }, { 1 / 128.0f, 1 / 128.0f, 1 / 128.0f }, 0, 127 },
	.stretched = 1,
	.overlap = 0.4f,
	.fits = fits_corners,
	.read = read_corners,
};

/* ---- MediaPipe: [1, n, 16] box and six points in pixels from the anchor, [1, n, 1] logits ---- */

/* Grids of anchors, one size for all: only their centres count. */
struct grid {
	uint32_t cells;			/* a side */
	uint32_t per_cell;
};

enum { REGRESSORS, LOGITS };

/* Numbers of an anchor: centre and size of the box, then x and y of each point */
enum { CENTRE_X, CENTRE_Y, WIDTH, HEIGHT, POINTS, NUM_NUMBERS = 16 };

static int fits_grids(const struct accel_net *net, uint32_t side, uint32_t anchors)
{
	const uint32_t regressors[] = { 1, anchors, NUM_NUMBERS }, logits[] = { 1, anchors, 1 };
	uint32_t width, height;

	return net->num_outputs == 2 && shape_is(&net->outputs[REGRESSORS], 3, regressors) &&
	       shape_is(&net->outputs[LOGITS], 3, logits) &&
	       !accel_input_size(&net->input, &width, &height, NULL) && width == side &&
	       height == side;
}

/* The order of the model's points, which names sides as the person does: ears come last */
static void read_points(const float *numbers, float x, float y, struct accel_face *face)
{
	static const enum accel_face_point order[] = {
		ACCEL_LEFT_EYE, ACCEL_RIGHT_EYE, ACCEL_NOSE, ACCEL_MOUTH,
	};

	for (unsigned int i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		face->points[order[i]] = (struct accel_point){ x + numbers[2 * i],
							       y + numbers[2 * i + 1] };
		face->known |= 1u << order[i];
	}
}

static struct accel_face read_anchor(const float *numbers, float x, float y)
{
	float w = numbers[WIDTH] / 2, h = numbers[HEIGHT] / 2;
	float cx = x + numbers[CENTRE_X], cy = y + numbers[CENTRE_Y];
	struct accel_face face = { .box = { cx - w, cy - h, cx + w, cy + h } };

	read_points(numbers + POINTS, x, y, &face);
	return face;
}

static int read_grid(const struct accel_net *net, struct grid grid, size_t first, float side,
		     float threshold, struct face_list *faces)
{
	uint32_t count = grid.cells * grid.cells * grid.per_cell;
	float stride = side / (float)grid.cells;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t cell = i / grid.per_cell;
		float logit = net->outputs[LOGITS].data[first + i];
		float score = 1 / (1 + expf(-logit));
		struct accel_face face;

		if (!(score >= threshold))
			continue;
		face = read_anchor(net->outputs[REGRESSORS].data + NUM_NUMBERS * (first + i),
				   ((float)(cell % grid.cells) + 0.5f) * stride,
				   ((float)(cell / grid.cells) + 0.5f) * stride);
		face.score = score;
		if (faces_add(faces, &face))
			return -1;
	}
	return 0;
}

static int fits_short_range(const struct accel_net *net)
{
	return fits_grids(net, 128, 896);
}

static int read_short_range(const struct accel_net *net, uint32_t width, uint32_t height,
			    float threshold, struct face_list *faces)
{
	static const struct grid fine = { 16, 2 }, coarse = { 8, 6 };

	return read_grid(net, fine, 0, (float)width, threshold, faces) ||
	       read_grid(net, coarse, 16 * 16 * 2, (float)width, threshold, faces) ? -1 : 0;
}

static int fits_full_range(const struct accel_net *net)
{
	return fits_grids(net, 192, 2304);
}

static int read_full_range(const struct accel_net *net, uint32_t width, uint32_t height,
			   float threshold, struct face_list *faces)
{
	static const struct grid all = { 48, 1 };

	return read_grid(net, all, 0, (float)width, threshold, faces);
}

#define MEDIAPIPE_PIXELS \
	{ { 127.5f, 127.5f, 127.5f }, { 1 / 127.5f, 1 / 127.5f, 1 / 127.5f }, 0, 0 }

const struct face_detector faces_short_range = {
	.name = "MediaPipe short range",
	.pixels = MEDIAPIPE_PIXELS,
	.overlap = 0.3f,
	.fits = fits_short_range,
	.read = read_short_range,
};

const struct face_detector faces_full_range = {
	.name = "MediaPipe full range",
	.pixels = MEDIAPIPE_PIXELS,
	.overlap = 0.3f,
	.fits = fits_full_range,
	.read = read_full_range,
};
