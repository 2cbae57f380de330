// SPDX-License-Identifier: MIT
/* A net that runs on TensorFlow Lite's C library, which is loaded at run time. */
#include "nets_float.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <tensorflow/lite/c/c_api.h>

/* The functions that are used */
struct tflite {
	__typeof__(&TfLiteModelCreateFromFile) model_create;
	__typeof__(&TfLiteModelDelete) model_delete;
	__typeof__(&TfLiteInterpreterOptionsCreate) options_create;
	__typeof__(&TfLiteInterpreterOptionsDelete) options_delete;
	__typeof__(&TfLiteInterpreterOptionsSetNumThreads) set_threads;
	__typeof__(&TfLiteInterpreterCreate) create;
	__typeof__(&TfLiteInterpreterDelete) delete;
	__typeof__(&TfLiteInterpreterResizeInputTensor) resize;
	__typeof__(&TfLiteInterpreterAllocateTensors) allocate;
	__typeof__(&TfLiteInterpreterInvoke) invoke;
	__typeof__(&TfLiteInterpreterGetInputTensor) input;
	__typeof__(&TfLiteInterpreterGetOutputTensor) output;
	__typeof__(&TfLiteInterpreterGetOutputTensorCount) num_outputs;
	__typeof__(&TfLiteTensorCopyFromBuffer) copy;
	__typeof__(&TfLiteTensorType) type;
	__typeof__(&TfLiteTensorNumDims) rank;
	__typeof__(&TfLiteTensorDim) dim;
	__typeof__(&TfLiteTensorData) data;
	__typeof__(&TfLiteTensorName) name;
};

static const struct {
	const char *name;
	size_t offset;
} functions[] = {
	{ "TfLiteModelCreateFromFile", offsetof(struct tflite, model_create) },
	{ "TfLiteModelDelete", offsetof(struct tflite, model_delete) },
	{ "TfLiteInterpreterOptionsCreate", offsetof(struct tflite, options_create) },
	{ "TfLiteInterpreterOptionsDelete", offsetof(struct tflite, options_delete) },
	{ "TfLiteInterpreterOptionsSetNumThreads", offsetof(struct tflite, set_threads) },
	{ "TfLiteInterpreterCreate", offsetof(struct tflite, create) },
	{ "TfLiteInterpreterDelete", offsetof(struct tflite, delete) },
	{ "TfLiteInterpreterResizeInputTensor", offsetof(struct tflite, resize) },
	{ "TfLiteInterpreterAllocateTensors", offsetof(struct tflite, allocate) },
	{ "TfLiteInterpreterInvoke", offsetof(struct tflite, invoke) },
	{ "TfLiteInterpreterGetInputTensor", offsetof(struct tflite, input) },
	{ "TfLiteInterpreterGetOutputTensor", offsetof(struct tflite, output) },
	{ "TfLiteInterpreterGetOutputTensorCount", offsetof(struct tflite, num_outputs) },
	{ "TfLiteTensorCopyFromBuffer", offsetof(struct tflite, copy) },
	{ "TfLiteTensorType", offsetof(struct tflite, type) },
	{ "TfLiteTensorNumDims", offsetof(struct tflite, rank) },
	{ "TfLiteTensorDim", offsetof(struct tflite, dim) },
	{ "TfLiteTensorData", offsetof(struct tflite, data) },
	{ "TfLiteTensorName", offsetof(struct tflite, name) },
};

struct tflite_net {
	struct accel_net net;		/* first */
	struct tflite api;
	TfLiteModel *model;
	TfLiteInterpreter *interpreter;
};

static int load_library(struct tflite *api, const char *library, struct accel_error *err)
{
	void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	void *symbol;

	if (!handle)
		return net_failed(err, library, dlerror());
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		symbol = dlsym(handle, functions[i].name);
		if (!symbol)
			return net_failed(err, library, functions[i].name);
		memcpy((char *)api + functions[i].offset, &symbol, sizeof(symbol));
	}
	return 0;
}

static int shape_of(const struct tflite_net *n, const TfLiteTensor *tensor,
		    struct accel_values *values, struct accel_error *err)
{
	int rank = n->api.rank(tensor);

	if (n->api.type(tensor) != kTfLiteFloat32 || rank > ACCEL_MAX_RANK)
		return net_failed(err, n->net.name, "a tensor that isn't float");
	*values = (struct accel_values){ .name = n->api.name(tensor),
					 .rank = (uint32_t)rank, .count = 1 };
	for (int i = 0; i < rank; i++) {
		values->dims[i] = (uint32_t)n->api.dim(tensor, i);
		values->count *= values->dims[i];
	}
	values->data = n->api.data(tensor);
	return 0;
}

static int read_outputs(struct tflite_net *n, struct accel_error *err)
{
	int ret = 0;

	for (unsigned int i = 0; i < n->net.num_outputs && !ret; i++)
		ret = shape_of(n, n->api.output(n->interpreter, (int)i),
			       &n->net.outputs[i], err);
	return ret;
}

static int run(struct accel_net *net, const float *input, struct accel_error *err)
{
	struct tflite_net *n = (struct tflite_net *)net;

	if (n->api.copy(n->api.input(n->interpreter, 0), input,
			net->input.count * sizeof(*input)) ||
	    n->api.invoke(n->interpreter))
		return net_failed(err, net->name, "TensorFlow Lite can't run it");
	return read_outputs(n, err);
}

static void release(struct accel_net *net)
{
	struct tflite_net *n = (struct tflite_net *)net;

	if (n->interpreter)
		n->api.delete(n->interpreter);
	if (n->model)
		n->api.model_delete(n->model);
	free(n);
}

static int set_up(struct tflite_net *n, const char *path, const uint32_t *dims, uint32_t rank,
		  struct accel_error *err)
{
	TfLiteInterpreterOptions *options;
	int shape[ACCEL_MAX_RANK];

	n->model = n->api.model_create(path);
	if (!n->model)
		return net_failed(err, path, "not a TensorFlow Lite model");
	options = n->api.options_create();
	n->api.set_threads(options, 1);
	n->interpreter = n->api.create(n->model, options);
	n->api.options_delete(options);
	for (uint32_t i = 0; i < rank; i++)
		shape[i] = (int)dims[i];
	if (!n->interpreter ||
	    (rank && n->api.resize(n->interpreter, 0, shape,
							       (int)rank)) ||
	    n->api.allocate(n->interpreter))
		return net_failed(err, path, "TensorFlow Lite can't prepare it");
	n->net.num_outputs =
		(unsigned int)n->api.num_outputs(n->interpreter);
	if (n->net.num_outputs > ACCEL_NET_OUTPUTS)
		return net_failed(err, path, "too many outputs");
	if (shape_of(n, n->api.input(n->interpreter, 0), &n->net.input,
		     err))
		return -EINVAL;
	return read_outputs(n, err);
}

int tflite_net_open(const char *path, const char *library, const uint32_t *dims, uint32_t rank,
		    struct accel_net **net, struct accel_error *err)
{
	struct tflite_net *n = calloc(1, sizeof(*n));
	int ret;

	if (!n)
		return net_failed(err, path, "out of memory");
	n->net = (struct accel_net){ .name = path, .run = run, .release = release };
	ret = load_library(&n->api, library, err);
	if (!ret)
		ret = set_up(n, path, dims, rank, err);
	if (ret)
		release(&n->net);
	else
		*net = &n->net;
	return ret;
}
