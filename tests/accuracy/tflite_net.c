// SPDX-License-Identifier: MIT
/* A net that runs on TensorFlow Lite's C library, which is loaded at run time. */
#include "nets_float.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tensorflow/lite/c/c_api.h>

/* The functions that are used, by name */
#define FUNCTIONS(X) \
	X(TfLiteModelCreateFromFile) X(TfLiteModelDelete) X(TfLiteInterpreterOptionsCreate) \
	X(TfLiteInterpreterOptionsDelete) X(TfLiteInterpreterOptionsSetNumThreads) \
	X(TfLiteInterpreterCreate) X(TfLiteInterpreterDelete) X(TfLiteInterpreterResizeInputTensor) \
	X(TfLiteInterpreterAllocateTensors) X(TfLiteInterpreterInvoke) \
	X(TfLiteInterpreterGetInputTensor) X(TfLiteInterpreterGetOutputTensor) \
	X(TfLiteInterpreterGetOutputTensorCount) X(TfLiteTensorCopyFromBuffer) \
	X(TfLiteTensorType) X(TfLiteTensorNumDims) X(TfLiteTensorDim) X(TfLiteTensorData) \
	X(TfLiteTensorName)

struct tflite {
#define MEMBER(name) __typeof__(&name) name;
	FUNCTIONS(MEMBER)
#undef MEMBER
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
#define LOAD(name) \
	symbol = dlsym(handle, #name); \
	if (!symbol) \
		return net_failed(err, library, "no " #name); \
	memcpy(&api->name, &symbol, sizeof(symbol));
	FUNCTIONS(LOAD)
#undef LOAD
	return 0;
}

static int shape_of(const struct tflite_net *n, const TfLiteTensor *tensor,
		    struct accel_values *values, struct accel_error *err)
{
	int rank = n->api.TfLiteTensorNumDims(tensor);

	if (n->api.TfLiteTensorType(tensor) != kTfLiteFloat32 || rank > ACCEL_MAX_RANK)
		return net_failed(err, n->net.name, "a tensor that isn't float");
	*values = (struct accel_values){ .name = n->api.TfLiteTensorName(tensor),
					 .rank = (uint32_t)rank, .count = 1 };
	for (int i = 0; i < rank; i++) {
		values->dims[i] = (uint32_t)n->api.TfLiteTensorDim(tensor, i);
		values->count *= values->dims[i];
	}
	values->data = n->api.TfLiteTensorData(tensor);
	return 0;
}

static int read_outputs(struct tflite_net *n, struct accel_error *err)
{
	int ret = 0;

	for (unsigned int i = 0; i < n->net.num_outputs && !ret; i++)
		ret = shape_of(n, n->api.TfLiteInterpreterGetOutputTensor(n->interpreter, (int)i),
			       &n->net.outputs[i], err);
	return ret;
}

static int run(struct accel_net *net, const float *input, struct accel_error *err)
{
	struct tflite_net *n = (struct tflite_net *)net;

	if (n->api.TfLiteTensorCopyFromBuffer(
			n->api.TfLiteInterpreterGetInputTensor(n->interpreter, 0), input,
			net->input.count * sizeof(*input)) ||
	    n->api.TfLiteInterpreterInvoke(n->interpreter))
		return net_failed(err, net->name, "TensorFlow Lite can't run it");
	return read_outputs(n, err);
}

static void release(struct accel_net *net)
{
	struct tflite_net *n = (struct tflite_net *)net;

	if (n->interpreter)
		n->api.TfLiteInterpreterDelete(n->interpreter);
	if (n->model)
		n->api.TfLiteModelDelete(n->model);
	free(n);
}

static int set_up(struct tflite_net *n, const char *path, const uint32_t *dims, uint32_t rank,
		  struct accel_error *err)
{
	TfLiteInterpreterOptions *options;
	int shape[ACCEL_MAX_RANK];

	n->model = n->api.TfLiteModelCreateFromFile(path);
	if (!n->model)
		return net_failed(err, path, "not a TensorFlow Lite model");
	options = n->api.TfLiteInterpreterOptionsCreate();
	n->api.TfLiteInterpreterOptionsSetNumThreads(options, 1);
	n->interpreter = n->api.TfLiteInterpreterCreate(n->model, options);
	n->api.TfLiteInterpreterOptionsDelete(options);
	for (uint32_t i = 0; i < rank; i++)
		shape[i] = (int)dims[i];
	if (!n->interpreter ||
	    (rank && n->api.TfLiteInterpreterResizeInputTensor(n->interpreter, 0, shape,
							       (int)rank)) ||
	    n->api.TfLiteInterpreterAllocateTensors(n->interpreter))
		return net_failed(err, path, "TensorFlow Lite can't prepare it");
	n->net.num_outputs =
		(unsigned int)n->api.TfLiteInterpreterGetOutputTensorCount(n->interpreter);
	if (n->net.num_outputs > ACCEL_NET_OUTPUTS)
		return net_failed(err, path, "too many outputs");
	if (shape_of(n, n->api.TfLiteInterpreterGetInputTensor(n->interpreter, 0), &n->net.input,
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
