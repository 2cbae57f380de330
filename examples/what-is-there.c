// SPDX-License-Identifier: MIT
/*
 * what-is-there: the objects in a photo.
 *
 *	what-is-there DETECTOR.enpu PHOTO.png [NAMES.txt]
 *
 * NAMES.txt has the names of the classes, the first line that of class 0. Any
 * detector that libaccel-tasks knows will do: SSD, EfficientDet-Lite, YOLOv8. Runs
 * on $ACCEL_DEVICE, else on the first NPU. libpng reads the photo, libaccel
 * runs the model, libaccel-tasks does what lies between.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include <accel/accel.h>
#include <accel/tasks.h>

/* What SSD and EfficientDet models take; YOLO models say themselves what they want */
static const struct accel_pixels minus_one_to_one = {
	.mean = { 128, 128, 128 },
	.scale = { 1 / 128.0f, 1 / 128.0f, 1 / 128.0f },
};

static void fail(const char *text)
{
	fprintf(stderr, "what-is-there: %s\n", text);
	exit(1);
}

static struct accel_picture load(const char *path)
{
	png_image png = { .version = PNG_IMAGE_VERSION };
	uint8_t *rgb;

	if (!png_image_begin_read_from_file(&png, path))
		fail(png.message);
	png.format = PNG_FORMAT_RGB;
	rgb = malloc(PNG_IMAGE_SIZE(png));
	if (!rgb || !png_image_finish_read(&png, NULL, rgb, 0, NULL))
		fail(png.message);
	return (struct accel_picture){ png.width, png.height, rgb };
}

static struct accel_net *open_net(const char *path)
{
	struct accel_device *dev;
	struct accel_model *model;
	struct accel_net *net;
	struct accel_error err;

	if (accel_device_open(NULL, &dev, &err) || accel_model_load(path, &model, &err) ||
	    accel_net_create(model, dev, &net, &err))
		fail(err.text);
	accel_model_release(model);	/* the net holds both */
	accel_device_release(dev);
	return net;
}

/* Line @index of a file of names, or its number */
static const char *name_of(FILE *labels, size_t index)
{
	static char line[128];

	snprintf(line, sizeof(line), "class %zu", index);
	if (labels)
		rewind(labels);
	for (size_t i = 0; labels && i <= index; i++)
		if (!fgets(line, sizeof(line), labels))
			break;
	line[strcspn(line, "\r\n")] = '\0';
	return line;
}

int main(int argc, char **argv)
{
	FILE *labels = argc > 3 ? fopen(argv[3], "r") : NULL;
	const struct accel_pixels *pixels;
	enum accel_detector kind;
	struct accel_object *objects;
	struct accel_picture photo;
	struct accel_error err;
	struct accel_net *net;
	struct accel_map map;
	uint32_t width, height;
	size_t count;

	if (argc < 3)
		fail("usage: what-is-there DETECTOR.enpu PHOTO.png [NAMES.txt]");
	net = open_net(argv[1]);
	photo = load(argv[2]);
	if (accel_input_size(&net->input, &width, &height, &err))
		fail(err.text);
	kind = accel_detector_kind(net->outputs, net->num_outputs, width, height);
	pixels = accel_detector_pixels(kind);
	accel_detector_map(kind, &photo, width, height, &map);
	if (accel_net_show(net, &photo, &map, pixels ? pixels : &minus_one_to_one, &err) ||
	    accel_detect(net->outputs, net->num_outputs, width, height, 0.5f, &objects, &count,
			 &err))
		fail(err.text);
	for (size_t i = 0; i < count; i++) {
		struct accel_box box = accel_map_box(&map, &objects[i].box);

		printf("%3.0f%%  %-16s (%.0f, %.0f) to (%.0f, %.0f)\n",
		       100 * (double)objects[i].score, name_of(labels, objects[i].class_index),
		       (double)box.left, (double)box.top, (double)box.right, (double)box.bottom);
	}
	free(objects);
	free((void *)(uintptr_t)photo.rgb);
	accel_net_release(net);
	if (labels)
		fclose(labels);
	return 0;
}
