// SPDX-License-Identifier: MIT
/* Reading results out of a model's outputs, showing them, drawing them. */
#include "result.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "draw.h"

int result_is_classes(const struct accel_model *model)
{
	const struct accel_tensor *tensor = accel_model_output(model, 0);

	if (accel_model_output(model, 1) || tensor->elements < 2)
		return 0;
	for (uint32_t d = 0; d < tensor->rank; d++)
		if (tensor->dims[d] == tensor->elements)
			return 1;
	return 0;
}

int result_top(struct accel_instance *inst, const struct accel_model *model, size_t count,
	       struct accel_class *top)
{
	const struct accel_tensor *tensor = accel_model_output(model, 0);
	float *scores = malloc(tensor->elements * sizeof(*scores));

	if (!scores) {
		cli_error("out of memory");
		return -1;
	}
	accel_dequantize(tensor, accel_instance_output(inst, 0), scores);
	accel_top(scores, tensor->elements, top, count);
	free(scores);
	return 0;
}

void result_print_top(const struct accel_class *top, size_t count, size_t classes,
		      const struct labels *labels)
{
	for (size_t i = 0; i < count; i++) {
		const char *label = labels_of_class(labels, top[i].index, classes);

		printf("  %8.6f  %4zu%s%s\n", (double)top[i].score, top[i].index, label ? "  " : "",
		       label ? label : "");
	}
}

void result_json_top(struct json *json, const struct accel_class *top, size_t count,
		     size_t classes, const struct labels *labels)
{
	json_open(json, "top", '[');
	for (size_t i = 0; i < count; i++) {
		json_open(json, NULL, '{');
		json_unsigned(json, "index", top[i].index);
		json_string(json, "label", labels_of_class(labels, top[i].index, classes));
		json_double(json, "probability", (double)top[i].score);
		json_close(json, '}');
	}
	json_close(json, ']');
}

/* The size of the first input that takes a picture; 1 x 1 if none does */
static void input_size(const struct accel_model *model, uint32_t *width, uint32_t *height)
{
	const struct accel_tensor *tensor;

	for (unsigned int i = 0; (tensor = accel_model_input(model, i)); i++) {
		struct accel_values shape = accel_shape_of(tensor);

		if (!accel_input_size(&shape, width, height, NULL))
			return;
	}
	*width = 1;
	*height = 1;
}

/* @values: of ACCEL_NET_OUTPUTS; returns how many, 0 if there are more */
static unsigned int shapes(const struct accel_model *model, struct accel_values *values)
{
	unsigned int count = accel_model_info(model)->num_outputs;

	if (count > ACCEL_NET_OUTPUTS)
		return 0;
	for (unsigned int i = 0; i < count; i++)
		values[i] = accel_shape_of(accel_model_output(model, i));
	return count;
}

enum accel_detector result_detector(const struct accel_model *model)
{
	struct accel_values values[ACCEL_NET_OUTPUTS];
	unsigned int count = shapes(model, values);
	uint32_t width, height;

	input_size(model, &width, &height);
	return accel_detector_kind(values, count, width, height);
}

/* All outputs' values in one piece, which @values point into; free() */
static float *dequantize(struct accel_instance *inst, const struct accel_model *model,
			 struct accel_values *values, unsigned int count)
{
	size_t size = 0;
	float *data, *next;

	for (unsigned int i = 0; i < count; i++)
		size += values[i].count;
	data = malloc(size * sizeof(*data));
	next = data;
	for (unsigned int i = 0; data && i < count; i++) {
		accel_dequantize(accel_model_output(model, i), accel_instance_output(inst, i),
				 next);
		values[i].data = next;
		next += values[i].count;
	}
	return data;
}

static void to_fractions(struct detections *detections, const struct accel_map *map,
			 uint32_t width, uint32_t height)
{
	for (size_t i = 0; i < detections->count; i++) {
		struct accel_box *box = &detections->list[i].box;

		if (map)
			*box = accel_map_box(map, box);
		box->left /= (float)width;
		box->right /= (float)width;
		box->top /= (float)height;
		box->bottom /= (float)height;
	}
}

int result_detections(struct accel_instance *inst, const struct accel_model *model,
		      const struct accel_map *map, const struct picture *picture,
		      double threshold, struct detections *detections)
{
	struct accel_values values[ACCEL_NET_OUTPUTS];
	unsigned int count = shapes(model, values);
	float *data = dequantize(inst, model, values, count);
	uint32_t width, height;
	struct accel_error err;
	int ret;

	if (!data) {
		cli_error("out of memory");
		return -1;
	}
	input_size(model, &width, &height);
	ret = accel_detect(values, count, width, height, (float)threshold, &detections->list,
			   &detections->count, &err);
	free(data);
	if (ret) {
		cli_error("%s", err.text);
		return -1;
	}
	to_fractions(detections, map, map ? picture->width : width,
		     map ? picture->height : height);
	return 0;
}

static void name(const struct accel_object *detection, const struct labels *labels, char *text,
		 size_t size)
{
	const char *label = labels_of_detection(labels, detection->class_index);

	if (label)
		snprintf(text, size, "%s", label);
	else
		snprintf(text, size, "class %zu", detection->class_index);
}

/* A coordinate in pixels; a box may reach beyond the picture */
static int pixel(float fraction, uint32_t size)
{
	double at = floor((double)fraction * size + 0.5);

	return isnan(at) || at < 0 ? 0 : at > size ? (int)size : (int)at;
}

static struct box in_pixels(const struct accel_object *detection, const struct picture *picture)
{
	return (struct box){
		.left = pixel(detection->box.left, picture->width),
		.top = pixel(detection->box.top, picture->height),
		.right = pixel(detection->box.right, picture->width),
		.bottom = pixel(detection->box.bottom, picture->height),
	};
}

void result_print_detections(const struct detections *detections, const struct labels *labels,
			     const struct picture *picture)
{
	for (size_t i = 0; i < detections->count; i++) {
		const struct accel_object *d = &detections->list[i];
		char label[64];

		name(d, labels, label, sizeof(label));
		printf("  %8.6f  %-20s", (double)d->score, label);
		if (picture->rgb) {
			struct box box = in_pixels(d, picture);

			printf("  (%d, %d) to (%d, %d)\n", box.left, box.top, box.right,
			       box.bottom);
		} else {
			printf("  (%.4f, %.4f) to (%.4f, %.4f)\n", (double)d->box.left,
			       (double)d->box.top, (double)d->box.right, (double)d->box.bottom);
		}
	}
	if (detections->count == 0)
		printf("  nothing found\n");
}

void result_json_detections(struct json *json, const struct detections *detections,
			    const struct labels *labels)
{
	json_open(json, "detections", '[');
	for (size_t i = 0; i < detections->count; i++) {
		const struct accel_object *d = &detections->list[i];

		json_open(json, NULL, '{');
		json_unsigned(json, "class", d->class_index);
		json_string(json, "label", labels_of_detection(labels, d->class_index));
		json_double(json, "score", (double)d->score);
		json_double(json, "ymin", (double)d->box.top);
		json_double(json, "xmin", (double)d->box.left);
		json_double(json, "ymax", (double)d->box.bottom);
		json_double(json, "xmax", (double)d->box.right);
		json_close(json, '}');
	}
	json_close(json, ']');
}

int result_draw(const struct detections *detections, const struct labels *labels,
		const struct picture *picture, const char *path)
{
	struct picture copy = { .width = picture->width, .height = picture->height };
	char label[64], text[80];
	int ret;

	if (picture_alloc(&copy, path))
		return -1;
	memcpy(copy.rgb, picture->rgb, 3 * (size_t)copy.width * copy.height);
	/* The best one last, so that nothing covers it */
	for (size_t i = detections->count; i-- > 0;) {
		const struct accel_object *d = &detections->list[i];

		name(d, labels, label, sizeof(label));
		snprintf(text, sizeof(text), "%s %.0f%%", label, 100 * (double)d->score);
		draw_box(&copy, in_pixels(d, picture), (unsigned int)d->class_index, text);
	}
	ret = picture_write_png(path, &copy);
	free(copy.rgb);
	return ret;
}
