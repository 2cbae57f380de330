// SPDX-License-Identifier: MIT
/*
 * accel-float: the tasks of "accel run", on float models and their own
 * runtimes. What the same decoders give from ONNX Runtime's or TensorFlow
 * Lite's numbers is the truth that quantized models are measured against.
 *
 *	accel-float face | ocr ...	as "accel run face" and "accel run ocr"
 *	accel-float detect MODEL THRESHOLD PICTURE...
 *	accel-float classify MODEL MEAN SCALE PICTURE...  values are (byte - MEAN) * SCALE
 *	accel-float anchors WIDTH HEIGHT	EfficientDet's: y, x, height, width
 *
 * A MODEL is FILE.onnx, FILE.tflite of floats, or FILE.enpu, which runs on
 * $ACCEL_DEVICE, so that one task can have models of both kinds.
 * "FILE.onnx@1x3x48x320" fixes the shape of the input. The runtimes are in the
 * cache of scripts/get-models. With $SAVE_INPUTS each model's inputs are written
 * to that directory as .npy files, which accel compile --calibrate takes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <accel/accel.h>

#include "cli.h"
#include "json.h"
#include "nets.h"
#include "nets_float.h"
#include "picture.h"

int net_failed(struct accel_error *err, const char *what, const char *reason)
{
	err->code = -EINVAL;
	snprintf(err->text, sizeof(err->text), "%s: %s", what, reason);
	return -EINVAL;
}

/* The value, or NULL if it is empty: which is how make hands on what is not set */
static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

static const char *in_cache(const char *name, char *path, size_t size)
{
	const char *cache = variable("ENPU_CACHE"), *home = variable("XDG_CACHE_HOME");

	if (cache)
		snprintf(path, size, "%s/%s", cache, name);
	else if (home)
		snprintf(path, size, "%s/enpu/%s", home, name);
	else
		snprintf(path, size, "%s/.cache/enpu/%s", getenv("HOME"), name);
	return path;
}

/* Cuts "@1x3x48x320" off; the rank, 0 if there is none */
static uint32_t cut_shape(char *path, uint32_t *dims)
{
	char *at = strrchr(path, '@');
	uint32_t rank = 0;

	if (!at)
		return 0;
	*at = '\0';
	do
		dims[rank++] = (uint32_t)strtoul(at + 1, &at, 10);
	while (*at == 'x' && rank < ACCEL_MAX_RANK);
	return rank;
}

static int open_compiled(struct nets *nets, const char *file, struct accel_net **net,
			 struct accel_error *err)
{
	struct accel_model *model;
	int ret = 0;

	if (!nets->dev)
		ret = accel_device_open(nets->device, &nets->dev, err);
	if (!ret)
		ret = accel_model_load(file, &model, err);
	if (ret)
		return ret;
	ret = accel_net_create(model, nets->dev, net, err);
	accel_model_release(model);
	return ret;
}

/* In place of the one of the accel program. The name lives as long as the program. */
int nets_open(struct nets *nets, const char *path, struct accel_net **net)
{
	char library[4096], *file = strdup(path);
	uint32_t dims[ACCEL_MAX_RANK], rank = cut_shape(file, dims);
	const char *end = strrchr(file, '.');
	const char *save = getenv("SAVE_INPUTS");
	struct accel_error err = { .text = "" };
	int ret;

	if (end && strcmp(end, ".enpu") == 0)
		ret = open_compiled(nets, file, net, &err);
	else if (end && strcmp(end, ".tflite") == 0)
		ret = tflite_net_open(file, in_cache("oracle/tflite/lib/libtensorflowlite_c.so",
						     library, sizeof(library)),
				      dims, rank, net, &err);
	else
		ret = ort_net_open(file, in_cache("oracle/onnxruntime/lib/libonnxruntime.so.1",
						  library, sizeof(library)),
				   dims, rank, net, &err);
	if (!ret && save)
		ret = save_net_wrap(save, file, net, &err);
	if (ret)
		return cli_error("%s", err.text);
	nets->open[nets->count++] = *net;
	return CLI_OK;
}

static struct json json;

static void print_objects(const struct accel_object *objects, size_t count,
			  const struct accel_picture *view)
{
	float w = (float)view->width, h = (float)view->height;

	json_open(&json, "detections", '[');
	for (size_t i = 0; i < count; i++) {
		json_open(&json, NULL, '{');
		json_unsigned(&json, "class", objects[i].class_index);
		json_double(&json, "score", (double)objects[i].score);
		json_double(&json, "left", (double)(objects[i].box.left / w));
		json_double(&json, "top", (double)(objects[i].box.top / h));
		json_double(&json, "right", (double)(objects[i].box.right / w));
		json_double(&json, "bottom", (double)(objects[i].box.bottom / h));
		json_close(&json, '}');
	}
	json_close(&json, ']');
}

static int detect(struct accel_net *net, const struct accel_picture *view, char **numbers)
{
	float threshold = strtof(numbers[0], NULL);
	const struct accel_pixels *pixels;
	enum accel_detector kind;
	struct accel_object *objects;
	uint32_t width, height;
	struct accel_map map;
	struct accel_error err;
	size_t count;

	if (accel_input_size(&net->input, &width, &height, &err))
		return cli_error("%s", err.text);
	kind = accel_detector_kind(net->outputs, net->num_outputs, width, height);
	pixels = accel_detector_pixels(kind);
	if (!pixels)
		return cli_error("%s: not a float detector", net->name);
	accel_detector_map(kind, view, width, height, &map);
	if (accel_net_show(net, view, &map, pixels, &err) ||
	    accel_detect(net->outputs, net->num_outputs, width, height, threshold, &objects,
			 &count, &err))
		return cli_error("%s", err.text);
	for (size_t i = 0; i < count; i++)
		objects[i].box = accel_map_box(&map, &objects[i].box);
	print_objects(objects, count, view);
	free(objects);
	return CLI_OK;
}

static int classify(struct accel_net *net, const struct accel_picture *view, char **numbers)
{
	float mean = strtof(numbers[0], NULL), scale = strtof(numbers[1], NULL);
	const struct accel_pixels pixels = { { mean, mean, mean }, { scale, scale, scale }, 0, 0 };
	struct accel_class top[5];
	uint32_t width, height;
	struct accel_map map;
	struct accel_error err;
	size_t count;

	if (accel_input_size(&net->input, &width, &height, &err))
		return cli_error("%s", err.text);
	accel_map_stretch(&map, view, width, height);
	if (accel_net_show(net, view, &map, &pixels, &err))
		return cli_error("%s", err.text);
	count = accel_top(net->outputs[0].data, net->outputs[0].count, top, 5);
	json_open(&json, "top", '[');
	for (size_t i = 0; i < count; i++) {
		json_open(&json, NULL, '{');
		json_unsigned(&json, "index", top[i].index);
		json_double(&json, "probability", (double)top[i].score);
		json_close(&json, '}');
	}
	json_close(&json, ']');
	return CLI_OK;
}

/* What takes a model, numbers and pictures */
struct task {
	const char *name;
	int numbers;
	int (*run)(struct accel_net *net, const struct accel_picture *view, char **numbers);
};

static const struct task tasks[] = {
	{ "detect", 1, detect },
	{ "classify", 2, classify },
};

static int do_picture(const struct task *task, struct accel_net *net, char **numbers,
		      const char *path)
{
	struct picture picture;
	struct accel_picture view;
	int ret;

	if (picture_load(path, &picture))
		return CLI_FAILED;
	view = (struct accel_picture){ picture.width, picture.height, picture.rgb };
	json_open(&json, NULL, '{');
	json_string(&json, "picture", path);
	ret = task->run(net, &view, numbers);
	json_close(&json, '}');
	free(picture.rgb);
	return ret;
}

static int do_pictures(const struct task *task, int argc, char **argv)
{
	struct nets nets = { 0 };
	struct accel_net *net;
	int ret = nets_open(&nets, argv[2], &net);

	json_open(&json, NULL, '{');
	json_open(&json, "pictures", '[');
	for (int i = 3 + task->numbers; i < argc && !ret; i++)
		ret = do_picture(task, net, argv + 3, argv[i]);
	json_close(&json, ']');
	json_close(&json, '}');
	nets_close(&nets);
	return ret;
}

static int print_anchors(char **size)
{
	size_t count = 0;
	struct accel_anchor *anchors =
		accel_anchors_efficientdet((uint32_t)strtoul(size[0], NULL, 10),
					   (uint32_t)strtoul(size[1], NULL, 10), &count);

	for (size_t i = 0; i < count; i++)
		printf("%.9g %.9g %.9g %.9g\n", (double)anchors[i].y, (double)anchors[i].x,
		       (double)anchors[i].height, (double)anchors[i].width);
	free(anchors);
	return count ? CLI_OK : CLI_FAILED;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	json.to = stdout;
	if (strcmp(name, "face") == 0)
		return run_face_command.run(argc - 1, argv + 1);
	if (strcmp(name, "ocr") == 0)
		return run_ocr_command.run(argc - 1, argv + 1);
	if (strcmp(name, "anchors") == 0 && argc == 4)
		return print_anchors(argv + 2);
	for (size_t i = 0; i < sizeof(tasks) / sizeof(tasks[0]); i++)
		if (strcmp(name, tasks[i].name) == 0 && argc > 3 + tasks[i].numbers)
			return do_pictures(&tasks[i], argc, argv);
	fputs("usage: accel-float face | ocr | detect | classify | anchors ...\n", stderr);
	return CLI_USAGE;
}
