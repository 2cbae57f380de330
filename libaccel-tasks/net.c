// SPDX-License-Identifier: MIT
/* Nets over libaccel's instances, and showing them pictures. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <accel/accel.h>

#include "error.h"

struct instance_net {
	struct accel_net net;		/* first: what the caller has is this */
	struct accel_model *model;
	struct accel_instance *inst;
	float *values[ACCEL_NET_OUTPUTS];
};

static int run_instance(struct accel_net *net, const float *input, struct accel_error *err)
{
	struct instance_net *n = (struct instance_net *)net;
	int ret;

	accel_quantize(accel_model_input(n->model, 0), input, accel_instance_input(n->inst, 0));
	ret = accel_instance_run(n->inst, err);
	if (ret)
		return ret;
	for (unsigned int i = 0; i < net->num_outputs; i++)
		accel_dequantize(accel_model_output(n->model, i),
				 accel_instance_output(n->inst, i), n->values[i]);
	return 0;
}

static void release_instance(struct accel_net *net)
{
	struct instance_net *n = (struct instance_net *)net;

	for (unsigned int i = 0; i < ACCEL_NET_OUTPUTS; i++)
		free(n->values[i]);
	accel_instance_release(n->inst);
	accel_model_release(n->model);
	free(n);
}

static int set_up(struct instance_net *n, struct accel_device *dev, struct accel_error *err)
{
	struct accel_net *net = &n->net;

	net->input = accel_shape_of(accel_model_input(n->model, 0));
	for (unsigned int i = 0; i < net->num_outputs; i++) {
		net->outputs[i] = accel_shape_of(accel_model_output(n->model, i));
		n->values[i] = calloc(net->outputs[i].count, sizeof(float));
		net->outputs[i].data = n->values[i];
		if (!n->values[i])
			return task_no_memory(err);
	}
	return accel_instance_create(n->model, dev, NULL, &n->inst, err);
}

int accel_net_create(struct accel_model *model, struct accel_device *dev, struct accel_net **net,
		     struct accel_error *err)
{
	const struct accel_model_info *info = accel_model_info(model);
	struct instance_net *n;
	int ret;

	if (info->num_inputs != 1 || info->num_outputs > ACCEL_NET_OUTPUTS)
		return task_error(err, -EINVAL, "%s: %u inputs and %u outputs, expected 1 and at most %d",
				  info->file, info->num_inputs, info->num_outputs,
				  ACCEL_NET_OUTPUTS);
	n = calloc(1, sizeof(*n));
	if (!n)
		return task_no_memory(err);
	n->model = accel_model_ref(model);
	n->net = (struct accel_net){
		.name = info->file,
		.num_outputs = info->num_outputs,
		.run = run_instance,
		.release = release_instance,
	};
	ret = set_up(n, dev, err);
	if (ret) {
		release_instance(&n->net);
		return ret;
	}
	*net = &n->net;
	return 0;
}

void accel_net_release(struct accel_net *net)
{
	if (net)
		net->release(net);
}

int accel_net_show(struct accel_net *net, const struct accel_picture *picture,
		   const struct accel_map *map, const struct accel_pixels *pixels,
		   struct accel_error *err)
{
	uint32_t width, height;
	uint8_t *rgb;
	float *values;
	int ret = accel_input_size(&net->input, &width, &height, err);

	if (ret)
		return ret;
	rgb = malloc(3 * (size_t)width * height);
	values = malloc(net->input.count * sizeof(*values));
	if (rgb && values) {
		accel_map_sample(map, picture, width, height, pixels->fill, rgb);
		ret = accel_pixels_place(pixels, &net->input, rgb, values, err);
	} else {
		ret = task_no_memory(err);
	}
	if (!ret)
		ret = net->run(net, values, err);
	free(values);
	free(rgb);
	return ret;
}
