// SPDX-License-Identifier: MIT
/*
 * accel-float: the tasks of "accel run", on float models and their own
 * runtimes. What the same decoders give from ONNX Runtime's or TensorFlow
 * Lite's numbers is the truth that quantized models are measured against.
 *
 *	accel-float face | ocr ...	as "accel run face" and "accel run ocr"
 *	accel-float detect MODEL PICTURE [THRESHOLD]
 *	accel-float classify MODEL PICTURE MEAN SCALE	values are (byte - MEAN) * SCALE
 *
 * A MODEL is FILE.onnx or FILE.tflite; "FILE.onnx@1x3x48x320" fixes the shape
 * of its input. The cache of scripts/get-models has the runtimes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static const char *in_cache(const char *name, char *path, size_t size)
{
	const char *cache = getenv("ENPU_CACHE"), *home = getenv("XDG_CACHE_HOME");

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

/* In place of the one of the accel program. The name lives as long as the program. */
int nets_open(struct nets *nets, const char *path, struct accel_net **net)
{
	char library[4096], *file = strdup(path);
	uint32_t dims[ACCEL_MAX_RANK], rank = cut_shape(file, dims);
	const char *end = strrchr(file, '.');
	struct accel_error err = { .text = "" };
	int ret;

	if (end && strcmp(end, ".tflite") == 0)
		ret = tflite_net_open(file, in_cache("oracle/tflite/lib/libtensorflowlite_c.so",
						     library, sizeof(library)),
				      dims, rank, net, &err);
	else
		ret = ort_net_open(file, in_cache("oracle/onnxruntime/lib/libonnxruntime.so.1",
						  library, sizeof(library)),
				   dims, rank, net, &err);
	if (ret)
		return cli_error("%s", err.text);
	nets->open[nets->count++] = *net;
	return CLI_OK;
}

int nets_open_if(struct nets *nets, const char *path, struct accel_net **net)
{
	*net = NULL;
	return path ? nets_open(nets, path, net) : CLI_OK;
}

void nets_close(struct nets *nets)
{
	while (nets->count)
		accel_net_release(nets->open[--nets->count]);
}

static void print_objects(const char *picture, const struct accel_object *objects, size_t count,
			  const struct accel_picture *view)
{
	struct json json = { .to = stdout };

	json_open(&json, NULL, '{');
	json_string(&json, "image", picture);
	json_open(&json, "detections", '[');
	for (size_t i = 0; i < count; i++) {
		json_open(&json, NULL, '{');
		json_unsigned(&json, "class", objects[i].class_index);
		json_double(&json, "score", (double)objects[i].score);
		json_double(&json, "ymin", (double)(objects[i].box.top / (float)view->height));
		json_double(&json, "xmin", (double)(objects[i].box.left / (float)view->width));
		json_double(&json, "ymax", (double)(objects[i].box.bottom / (float)view->height));
		json_double(&json, "xmax", (double)(objects[i].box.right / (float)view->width));
		json_close(&json, '}');
	}
	json_close(&json, ']');
	json_close(&json, '}');
}

static int detect(struct accel_net *net, const char *path, const struct accel_picture *view,
		  float threshold)
{
	enum accel_detector kind;
	struct accel_object *objects;
	uint32_t width, height;
	struct accel_map map;
	struct accel_error err;
	size_t count;

	if (accel_input_size(&net->input, &width, &height, &err))
		return cli_error("%s", err.text);
	kind = accel_detector_kind(net->outputs, net->num_outputs, width, height);
	accel_detector_map(kind, view, width, height, &map);
	if (!accel_detector_pixels(kind))
		return cli_error("%s: not a float detector", net->name);
	if (accel_net_show(net, view, &map, accel_detector_pixels(kind), &err) ||
	    accel_detect(net->outputs, net->num_outputs, width, height, threshold, &objects,
			 &count, &err))
		return cli_error("%s", err.text);
	for (size_t i = 0; i < count; i++)
		objects[i].box = accel_map_box(&map, &objects[i].box);
	print_objects(path, objects, count, view);
	free(objects);
	return CLI_OK;
}

static int classify(struct accel_net *net, const struct accel_picture *view, float mean, float scale)
{
	const struct accel_pixels pixels = { { mean, mean, mean }, { scale, scale, scale }, 0, 0 };
	struct json json = { .to = stdout };
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
	json_open(&json, NULL, '{');
	json_open(&json, "top", '[');
	for (size_t i = 0; i < count; i++) {
		json_open(&json, NULL, '{');
		json_unsigned(&json, "index", top[i].index);
		json_double(&json, "probability", (double)top[i].score);
		json_close(&json, '}');
	}
	json_close(&json, ']');
	json_close(&json, '}');
	return CLI_OK;
}

static int with_model(int argc, char **argv)
{
	struct nets nets = { 0 };
	struct picture picture;
	struct accel_picture view;
	struct accel_net *net;
	int ret;

	if (picture_load(argv[3], &picture))
		return CLI_FAILED;
	view = (struct accel_picture){ picture.width, picture.height, picture.rgb };
	ret = nets_open(&nets, argv[2], &net);
	if (!ret && strcmp(argv[1], "detect") == 0)
		ret = detect(net, argv[3], &view, argc > 4 ? strtof(argv[4], NULL) : 0.25f);
	else if (!ret)
		ret = classify(net, &view, strtof(argv[4], NULL), strtof(argv[5], NULL));
	nets_close(&nets);
	free(picture.rgb);
	return ret;
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "face") == 0)
		return run_face_command.run(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "ocr") == 0)
		return run_ocr_command.run(argc - 1, argv + 1);
	if (argc > 3 && strcmp(argv[1], "detect") == 0)
		return with_model(argc, argv);
	if (argc == 6 && strcmp(argv[1], "classify") == 0)
		return with_model(argc, argv);
	fputs("usage: accel-float face | ocr | detect | classify ...\n", stderr);
	return CLI_USAGE;
}
