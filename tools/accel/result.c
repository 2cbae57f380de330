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

static int better(const void *a, const void *b)
{
	const struct class_score *x = a, *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return x->index < y->index ? -1 : 1;
}

int result_top(struct accel_instance *inst, const struct accel_model *model, size_t count,
	       struct class_score *top)
{
	const struct accel_tensor *tensor = accel_model_output(model, 0);
	const void *data = accel_instance_output(inst, 0);
	struct class_score *all = malloc(tensor->elements * sizeof(*all));

	if (!all) {
		cli_error("out of memory");
		return -1;
	}
	for (size_t i = 0; i < tensor->elements; i++)
		all[i] = (struct class_score){ i, accel_tensor_value(tensor, data, i) };
	qsort(all, tensor->elements, sizeof(*all), better);
	memcpy(top, all, count * sizeof(*all));
	free(all);
	return 0;
}

void result_print_top(const struct class_score *top, size_t count, size_t classes,
		      const struct labels *labels)
{
	for (size_t i = 0; i < count; i++) {
		const char *label = labels_of_class(labels, top[i].index, classes);

		printf("  %8.6f  %4zu%s%s\n", top[i].score, top[i].index, label ? "  " : "",
		       label ? label : "");
	}
}

void result_json_top(struct json *json, const struct class_score *top, size_t count,
		     size_t classes, const struct labels *labels)
{
	json_open(json, "top", '[');
	for (size_t i = 0; i < count; i++) {
		json_open(json, NULL, '{');
		json_unsigned(json, "index", top[i].index);
		json_string(json, "label", labels_of_class(labels, top[i].index, classes));
		json_double(json, "probability", top[i].score);
		json_close(json, '}');
	}
	json_close(json, ']');
}

enum { BOXES, CLASSES, SCORES, COUNT, NUM_OUTPUTS };

int result_is_detections(const struct accel_model *model)
{
	const struct accel_tensor *out[NUM_OUTPUTS];

	if (accel_model_info(model)->num_outputs != NUM_OUTPUTS)
		return 0;
	for (unsigned int i = 0; i < NUM_OUTPUTS; i++) {
		out[i] = accel_model_output(model, i);
		if (out[i]->dtype != ACCEL_F32)
			return 0;
	}
	return out[BOXES]->rank == 3 && out[BOXES]->dims[2] == 4 &&
	       out[CLASSES]->elements == out[BOXES]->elements / 4 &&
	       out[SCORES]->elements == out[CLASSES]->elements && out[COUNT]->elements == 1;
}

int result_detections(struct accel_instance *inst, const struct accel_model *model,
		      double threshold, struct detections *detections)
{
	const float *boxes = accel_instance_output(inst, BOXES);
	const float *classes = accel_instance_output(inst, CLASSES);
	const float *scores = accel_instance_output(inst, SCORES);
	const float *count = accel_instance_output(inst, COUNT);
	size_t slots = accel_model_output(model, SCORES)->elements;

	*detections = (struct detections){ .list = calloc(slots, sizeof(*detections->list)) };
	if (!detections->list) {
		cli_error("out of memory");
		return -1;
	}
	for (size_t i = 0; i < slots && (float)i < *count; i++, boxes += 4) {
		struct detection *next = &detections->list[detections->count];

		if (!((double)scores[i] >= threshold) || !(classes[i] >= 0))
			continue;
		*next = (struct detection){ boxes[0], boxes[1], boxes[2], boxes[3],
					    (size_t)classes[i], scores[i] };
		detections->count++;
	}
	return 0;
}

static void name(const struct detection *detection, const struct labels *labels, char *text,
		 size_t size)
{
	const char *label = labels_of_detection(labels, detection->class);

	if (label)
		snprintf(text, size, "%s", label);
	else
		snprintf(text, size, "class %zu", detection->class);
}

/* A coordinate in pixels; a box may reach beyond the picture */
static int pixel(float fraction, uint32_t size)
{
	double at = floor((double)fraction * size + 0.5);

	return isnan(at) || at < 0 ? 0 : at > size ? (int)size : (int)at;
}

static struct box in_pixels(const struct detection *detection, const struct picture *picture)
{
	return (struct box){
		.left = pixel(detection->left, picture->width),
		.top = pixel(detection->top, picture->height),
		.right = pixel(detection->right, picture->width),
		.bottom = pixel(detection->bottom, picture->height),
	};
}

void result_print_detections(const struct detections *detections, const struct labels *labels,
			     const struct picture *picture)
{
	for (size_t i = 0; i < detections->count; i++) {
		const struct detection *d = &detections->list[i];
		char label[64];

		name(d, labels, label, sizeof(label));
		printf("  %8.6f  %-20s", (double)d->score, label);
		if (picture->rgb) {
			struct box box = in_pixels(d, picture);

			printf("  (%d, %d) to (%d, %d)\n", box.left, box.top, box.right,
			       box.bottom);
		} else {
			printf("  (%.4f, %.4f) to (%.4f, %.4f)\n", (double)d->left, (double)d->top,
			       (double)d->right, (double)d->bottom);
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
		const struct detection *d = &detections->list[i];

		json_open(json, NULL, '{');
		json_unsigned(json, "class", d->class);
		json_string(json, "label", labels_of_detection(labels, d->class));
		json_double(json, "score", (double)d->score);
		json_double(json, "ymin", (double)d->top);
		json_double(json, "xmin", (double)d->left);
		json_double(json, "ymax", (double)d->bottom);
		json_double(json, "xmax", (double)d->right);
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
		const struct detection *d = &detections->list[i];

		name(d, labels, label, sizeof(label));
		snprintf(text, sizeof(text), "%s %.0f%%", label, 100 * (double)d->score);
		draw_box(&copy, in_pixels(d, picture), (unsigned int)d->class, text);
	}
	ret = picture_write_png(path, &copy);
	free(copy.rgb);
	return ret;
}
