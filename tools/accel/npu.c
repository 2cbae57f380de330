// SPDX-License-Identifier: MIT
/* Compiled models on a device: see npu.h. */
#include "npu.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct npu {
	struct accel_model *model;
	struct accel_instance *instance;
};

static void unload(void *instance)
{
	struct npu *npu = instance;

	accel_instance_release(npu->instance);
	accel_model_release(npu->model);
	free(npu);
}

static int load(void *arg, const struct enpu_blob *model, void **instance, char *error,
		size_t error_size)
{
	struct npu *npu = calloc(1, sizeof(*npu));
	struct accel_error err = { 0 };
	int ret;

	if (!npu)
		return -ENOMEM;
	ret = accel_model_load_memory("compiled model", model->data, model->size, &npu->model,
				      &err);
	if (!ret)
		ret = accel_instance_create(npu->model, arg, NULL, &npu->instance, &err);
	if (ret) {
		snprintf(error, error_size, "%s", err.text);
		unload(npu);
		return ret;
	}
	*instance = npu;
	return 0;
}

static int run(void *instance, const void *const *inputs, void *const *outputs, char *error,
	       size_t error_size)
{
	struct npu *npu = instance;
	const struct accel_tensor *tensor;
	struct accel_error err = { 0 };
	int ret;

	for (unsigned int i = 0; (tensor = accel_model_input(npu->model, i)); i++)
		memcpy(accel_instance_input(npu->instance, i), inputs[i], tensor->size);
	ret = accel_instance_run(npu->instance, &err);
	if (ret) {
		snprintf(error, error_size, "%s", err.text);
		return ret;
	}
	for (unsigned int i = 0; (tensor = accel_model_output(npu->model, i)); i++)
		memcpy(outputs[i], accel_instance_output(npu->instance, i), tensor->size);
	return 0;
}

struct enpu_runner npu_runner(struct accel_device *dev)
{
	return (struct enpu_runner){ .arg = dev, .load = load, .run = run, .unload = unload };
}
