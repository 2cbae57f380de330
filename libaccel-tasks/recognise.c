// SPDX-License-Identifier: MIT
/* Telling faces apart: landmarks, alignment, embeddings. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "error.h"

#define LANDMARKS	68

/* Where the points lie in an aligned face of 112 x 112, as recognizers are trained */
#define ALIGNED_SIDE	112.0f
static const struct accel_point aligned[ACCEL_FACE_POINTS] = {
	[ACCEL_LEFT_EYE] = { 38.2946f, 51.6963f },
	[ACCEL_RIGHT_EYE] = { 73.5318f, 51.5014f },
	[ACCEL_NOSE] = { 56.0252f, 71.7366f },
	[ACCEL_MOUTH_LEFT] = { 41.5493f, 92.3655f },
	[ACCEL_MOUTH_RIGHT] = { 70.7299f, 92.2041f },
	[ACCEL_MOUTH] = { 56.1396f, 92.2848f },
};

/* A square of @scale times the box's larger side, around its centre */
static struct accel_box square(const struct accel_box *box, float scale)
{
	float width = box->right - box->left, height = box->bottom - box->top;
	float half = (width > height ? width : height) * scale / 2;
	float x = (box->left + box->right) / 2, y = (box->top + box->bottom) / 2;

	return (struct accel_box){ x - half, y - half, x + half, y + half };
}

/* The mean of some of 68 landmarks: bit i of @mask for landmark @first + i */
static struct accel_point mean(const float *values, unsigned int first, unsigned int mask)
{
	struct accel_point sum = { 0, 0 };
	float count = 0;

	for (unsigned int i = 0; mask >> i; i++) {
		if (!((mask >> i) & 1))
			continue;
		sum.x += values[2 * (first + i)];
		sum.y += values[2 * (first + i) + 1];
		count++;
	}
	return (struct accel_point){ sum.x / count, sum.y / count };
}

/* Eyes: the lids' four points of six; corners of the mouth: outer and inner one */
static void points_of_landmarks(const float *values, struct accel_face *face)
{
	face->points[ACCEL_LEFT_EYE] = mean(values, 37, 0x1b);
	face->points[ACCEL_RIGHT_EYE] = mean(values, 43, 0x1b);
	face->points[ACCEL_NOSE] = mean(values, 30, 1);
	face->points[ACCEL_MOUTH_LEFT] = mean(values, 48, 0x1001);
	face->points[ACCEL_MOUTH_RIGHT] = mean(values, 54, 0x401);
	face->known = 1u << ACCEL_LEFT_EYE | 1u << ACCEL_RIGHT_EYE | 1u << ACCEL_NOSE |
		      1u << ACCEL_MOUTH_LEFT | 1u << ACCEL_MOUTH_RIGHT;
}

int accel_face_landmarks(struct accel_net *net, const struct accel_picture *picture,
			 struct accel_face *face, struct accel_error *err)
{
	static const struct accel_pixels pixels = { .scale = { 1 / 256.0f } };
	struct accel_box box = square(&face->box, 1);
	uint32_t width, height;
	struct accel_map map;
	char shape[SHAPE_TEXT];
	int ret = accel_input_size(&net->input, &width, &height, err);

	if (ret)
		return ret;
	if (net->num_outputs != 1 || net->outputs[0].count != 2 * LANDMARKS)
		return task_error(err, -EINVAL, "%s: not a net of landmarks: output %s, expected [1, 136]",
				  net->name, shape_text(&net->outputs[0], shape));
	accel_map_crop(&map, &box, width, height);
	ret = accel_net_show(net, picture, &map, &pixels, err);
	if (ret)
		return ret;
	points_of_landmarks(net->outputs[0].data, face);
	for (unsigned int i = 0; i < ACCEL_FACE_POINTS; i++) {
		struct accel_point at = { face->points[i].x * (float)width,
					  face->points[i].y * (float)height };

		if (face->known & (1u << i))
			face->points[i] = accel_map_point(&map, at);
	}
	return 0;
}

int accel_face_map(const struct accel_face *face, uint32_t width, uint32_t height,
		   struct accel_map *map)
{
	struct accel_point points[ACCEL_FACE_POINTS], targets[ACCEL_FACE_POINTS];
	struct accel_box box = square(&face->box, 1.1f);
	unsigned int count = 0;

	for (unsigned int i = 0; i < ACCEL_FACE_POINTS; i++) {
		if (!(face->known & (1u << i)))
			continue;
		points[count] = face->points[i];
		targets[count++] = (struct accel_point){
			aligned[i].x * (float)width / ALIGNED_SIDE,
			aligned[i].y * (float)height / ALIGNED_SIDE,
		};
	}
	if (count >= 2)
		return accel_map_align(map, points, targets, count);
	accel_map_crop(map, &box, width, height);
	return 0;
}

static double length(const float *values, size_t count)
{
	double sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += (double)values[i] * (double)values[i];
	return sqrt(sum);
}

/* The first of a batch, of length 1 */
static int copy_embedding(const struct accel_net *net, float **embedding, size_t *count,
			  struct accel_error *err)
{
	const struct accel_values *out = &net->outputs[0];
	size_t n = out->count / out->dims[0];
	double norm = length(out->data, n);
	float *copy;

	if (!(norm > 0) || !isfinite(norm))
		return task_error(err, -EINVAL, "%s: an embedding without length", net->name);
	copy = malloc(n * sizeof(*copy));
	if (!copy)
		return task_no_memory(err);
	for (size_t i = 0; i < n; i++)
		copy[i] = (float)((double)out->data[i] / norm);
	*embedding = copy;
	*count = n;
	return 0;
}

int accel_face_embed(struct accel_net *net, const struct accel_picture *picture,
		     const struct accel_face *face, float **embedding, size_t *count,
		     struct accel_error *err)
{
	static const struct accel_pixels pixels = {
		{ 127, 127, 127 }, { 1 / 128.0f, 1 / 128.0f, 1 / 128.0f }, 0, 127,
	};
	static const uint32_t any[2];
	uint32_t width, height;
	struct accel_map map;
	char shape[SHAPE_TEXT];
	int ret = accel_input_size(&net->input, &width, &height, err);

	if (ret)
		return ret;
	if (net->num_outputs != 1 || !shape_is(&net->outputs[0], 2, any) ||
	    net->outputs[0].dims[0] != net->input.dims[0])
		return task_error(err, -EINVAL, "%s: not a net of embeddings: %u outputs, the first %s; expected [%u, length]",
				  net->name, net->num_outputs,
				  shape_text(&net->outputs[0], shape), net->input.dims[0]);
	if (accel_face_map(face, width, height, &map))
		return task_error(err, -EINVAL, "a face whose points don't tell how it lies");
	ret = accel_net_show(net, picture, &map, &pixels, err);
	return ret ? ret : copy_embedding(net, embedding, count, err);
}

float accel_cosine(const float *a, const float *b, size_t count)
{
	double both = length(a, count) * length(b, count), dot = 0;

	for (size_t i = 0; i < count; i++)
		dot += (double)a[i] * (double)b[i];
	return both > 0 ? (float)(dot / both) : 0;
}
