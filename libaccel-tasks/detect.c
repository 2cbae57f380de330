// SPDX-License-Identifier: MIT
/* Detectors: telling them apart by their outputs, and reading these. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "objects.h"

#define YOLO_OVERLAP	0.45f

enum { BOXES, CLASSES, SCORES, COUNT, NUM_SSD };

static int is_ssd(const struct accel_values *out, unsigned int count)
{
	return count == NUM_SSD && out[BOXES].rank == 3 && out[BOXES].dims[2] == 4 &&
	       out[CLASSES].count == out[BOXES].count / 4 &&
	       out[SCORES].count == out[CLASSES].count && out[COUNT].count == 1;
}

static int is_table(const struct accel_values *values)
{
	static const uint32_t table[] = { 1, 0, 0 };

	return shape_is(values, 3, table);
}

/* A place for each cell of three grids, of strides 8, 16 and 32 */
static int is_places(uint32_t count, uint32_t width, uint32_t height)
{
	return width && height && width % 32 == 0 && height % 32 == 0 &&
	       count == (uint64_t)width * height / 1024 * 21;
}

static int is_yolo(const struct accel_values *out, unsigned int count)
{
	return count == 1 && is_table(out) && out->dims[1] > 4;
}

/* Which of two is the boxes; -1: neither */
static int yolo_boxes(const struct accel_values *out)
{
	for (int i = 0; i < 2; i++)
		if (out[i].dims[1] == 4)
			return i;
	return -1;
}

static int is_yolo_split(const struct accel_values *out, unsigned int count)
{
	return count == 2 && is_table(&out[0]) && is_table(&out[1]) &&
	       out[0].dims[2] == out[1].dims[2] && yolo_boxes(out) >= 0;
}

enum accel_detector accel_detector_kind(const struct accel_values *outputs, unsigned int count,
					uint32_t width, uint32_t height)
{
	if (is_ssd(outputs, count))
		return ACCEL_DETECTOR_SSD;
	if (count == 0 || !is_places(outputs->dims[2], width, height))
		return ACCEL_DETECTOR_NONE;
	if (is_yolo(outputs, count))
		return ACCEL_DETECTOR_YOLO;
	if (is_yolo_split(outputs, count))
		return ACCEL_DETECTOR_YOLO_SPLIT;
	return ACCEL_DETECTOR_NONE;
}

const struct accel_pixels *accel_detector_pixels(enum accel_detector kind)
{
	static const struct accel_pixels yolo = {
		.scale = { 1 / 255.0f, 1 / 255.0f, 1 / 255.0f },
		.fill = 114,
	};

	return kind == ACCEL_DETECTOR_YOLO || kind == ACCEL_DETECTOR_YOLO_SPLIT ? &yolo : NULL;
}

void accel_detector_map(enum accel_detector kind, const struct accel_picture *picture,
			uint32_t width, uint32_t height, struct accel_map *map)
{
	if (accel_detector_pixels(kind))
		accel_map_letterbox(map, picture, width, height, ACCEL_CENTRE);
	else
		accel_map_stretch(map, picture, width, height);
}

static int read_ssd(const struct accel_values *out, uint32_t width, uint32_t height,
		    float threshold, struct object_list *list)
{
	const float *box = out[BOXES].data;
	float w = (float)width, h = (float)height;

	for (size_t i = 0; i < out[SCORES].count && (float)i < out[COUNT].data[0]; i++, box += 4) {
		float class = out[CLASSES].data[i];
		struct accel_object object = { .score = out[SCORES].data[i] };

		if (!(object.score >= threshold) || !(class >= 0 && class < 65536))
			continue;
		object.box = (struct accel_box){ box[1] * w, box[0] * h, box[3] * w, box[2] * h };
		object.class_index = (size_t)class;
		if (objects_add(list, &object))
			return -ENOMEM;
	}
	return 0;
}

/* @boxes: [4][n] centres and sizes; @scores: [classes][n] */
static int read_yolo(const float *boxes, const float *scores, size_t classes, size_t n,
		     float threshold, struct object_list *list)
{
	for (size_t i = 0; i < n; i++) {
		struct accel_object object = { .score = -1 };
		float x = boxes[i], y = boxes[n + i];
		float w = boxes[2 * n + i] / 2, h = boxes[3 * n + i] / 2;

		for (size_t c = 0; c < classes; c++) {
			if (scores[c * n + i] > object.score) {
				object.score = scores[c * n + i];
				object.class_index = c;
			}
		}
		if (!(object.score >= threshold))
			continue;
		object.box = (struct accel_box){ x - w, y - h, x + w, y + h };
		if (objects_add(list, &object))
			return -ENOMEM;
	}
	list->count = accel_nms(list->list, list->count, YOLO_OVERLAP);
	return 0;
}

static int read_any(const struct accel_values *outputs, enum accel_detector kind, uint32_t width,
		    uint32_t height, float threshold, struct object_list *list)
{
	const struct accel_values *boxes = outputs, *scores = outputs;
	size_t n = outputs->dims[2];

	switch (kind) {
	case ACCEL_DETECTOR_SSD:
		return read_ssd(outputs, width, height, threshold, list);
	case ACCEL_DETECTOR_YOLO:
		return read_yolo(boxes->data, scores->data + 4 * n, scores->dims[1] - 4, n,
				 threshold, list);
	case ACCEL_DETECTOR_YOLO_SPLIT:
		boxes += yolo_boxes(outputs);
		scores += !yolo_boxes(outputs);
		return read_yolo(boxes->data, scores->data, scores->dims[1], n, threshold, list);
	default:
		return -EINVAL;
	}
}

static int not_a_detector(const struct accel_values *outputs, unsigned int count,
			  struct accel_error *err)
{
	char shapes[256];

	return task_error(err, -EINVAL, "not the outputs of a detector: %s; expected boxes [1, n, 4], classes, scores and a count, or [1, 4 + classes, n], or [1, 4, n] and [1, classes, n], where n is width * height * 21 / 1024",
			  shapes_text(outputs, count, shapes, sizeof(shapes)));
}

int accel_detect(const struct accel_values *outputs, unsigned int num_outputs, uint32_t width,
		 uint32_t height, float threshold, struct accel_object **objects, size_t *count,
		 struct accel_error *err)
{
	enum accel_detector kind = accel_detector_kind(outputs, num_outputs, width, height);
	struct object_list list = { 0 };

	if (kind == ACCEL_DETECTOR_NONE)
		return not_a_detector(outputs, num_outputs, err);
	if (read_any(outputs, kind, width, height, threshold, &list)) {
		free(list.list);
		return task_no_memory(err);
	}
	*objects = list.list;
	*count = list.count;
	return 0;
}
