/* SPDX-License-Identifier: MIT */
/* What a model's outputs mean: the likeliest classes, or boxes. */
#ifndef ACCEL_CLI_RESULT_H
#define ACCEL_CLI_RESULT_H

#include <accel/accel.h>
#include <accel/tasks.h>

#include "json.h"
#include "labels.h"
#include "picture.h"

/* Whether output 0 is a vector of class scores */
int result_is_classes(const struct accel_model *model);
/* The @count best classes of output 0, best first, of equals the first; @count <= elements */
int result_top(struct accel_instance *inst, const struct accel_model *model, size_t count,
	       struct accel_class *top);

/* Boxes are fractions of the picture */
struct detections {
	struct accel_object *list;	/* free() */
	size_t count;
};

/* By the outputs' shapes and the size of the first input that takes a picture */
enum accel_detector result_detector(const struct accel_model *model);
/*
 * Those with a score of at least @threshold, best first. @map: from the input's
 * pixels to those of @picture; NULL: the input is the picture. 0, or -1 after
 * a message.
 */
int result_detections(struct accel_instance *inst, const struct accel_model *model,
		      const struct accel_map *map, const struct picture *picture,
		      double threshold, struct detections *detections);

/* Draw on a copy of @picture, and write that to @path. 0, or -1 after a message */
int result_draw(const struct detections *detections, const struct labels *labels,
		const struct picture *picture, const char *path);

void result_print_top(const struct accel_class *top, size_t count, size_t classes,
		      const struct labels *labels);
void result_json_top(struct json *json, const struct accel_class *top, size_t count,
		     size_t classes, const struct labels *labels);
/* @picture: coordinates in its pixels; rgb NULL: fractions */
void result_print_detections(const struct detections *detections, const struct labels *labels,
			     const struct picture *picture);
void result_json_detections(struct json *json, const struct detections *detections,
			    const struct labels *labels);

#endif
