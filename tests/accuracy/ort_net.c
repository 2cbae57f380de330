// SPDX-License-Identifier: MIT
/* A net that runs on ONNX Runtime, which is loaded at run time. */
#include "nets_float.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <onnxruntime_c_api.h>

struct ort_net {
	struct accel_net net;		/* first */
	const OrtApi *ort;
	OrtEnv *env;
	OrtSession *session;
	OrtAllocator *allocator;
	OrtMemoryInfo *memory;
	char *input_name;
	char *output_names[ACCEL_NET_OUTPUTS];
	OrtValue *results[ACCEL_NET_OUTPUTS];
};

static int failed(const struct ort_net *n, OrtStatus *status, struct accel_error *err)
{
	if (!status)
		return 0;
	err->code = -EINVAL;
	snprintf(err->text, sizeof(err->text), "%s: ONNX Runtime: %s", n->net.name,
		 n->ort->GetErrorMessage(status));
	n->ort->ReleaseStatus(status);
	return -EINVAL;
}

/* -1 for what isn't fixed */
static int read_shape(struct ort_net *n, OrtTypeInfo *info, struct accel_values *values,
		      struct accel_error *err)
{
	const OrtTensorTypeAndShapeInfo *shape;
	int64_t dims[ACCEL_MAX_RANK];
	size_t rank;

	if (failed(n, n->ort->CastTypeInfoToTensorInfo(info, &shape), err) ||
	    failed(n, n->ort->GetDimensionsCount(shape, &rank), err))
		return -EINVAL;
	if (rank > ACCEL_MAX_RANK)
		return net_failed(err, n->net.name, "too many dimensions");
	if (failed(n, n->ort->GetDimensions(shape, dims, rank), err))
		return -EINVAL;
	values->rank = (uint32_t)rank;
	values->count = 1;
	for (size_t i = 0; i < rank; i++) {
		values->dims[i] = dims[i] < 1 ? 1 : (uint32_t)dims[i];
		values->count *= values->dims[i];
	}
	return 0;
}

static void drop_results(struct ort_net *n)
{
	for (unsigned int i = 0; i < n->net.num_outputs; i++) {
		if (n->results[i])
			n->ort->ReleaseValue(n->results[i]);
		n->results[i] = NULL;
	}
}

static int take_result(struct ort_net *n, unsigned int i, struct accel_error *err)
{
	struct accel_values *out = &n->net.outputs[i];
	OrtTensorTypeAndShapeInfo *info;
	int64_t dims[ACCEL_MAX_RANK];
	size_t rank;
	void *data;

	if (failed(n, n->ort->GetTensorMutableData(n->results[i], &data), err) ||
	    failed(n, n->ort->GetTensorTypeAndShape(n->results[i], &info), err) ||
	    failed(n, n->ort->GetDimensionsCount(info, &rank), err))
		return -EINVAL;
	if (rank > ACCEL_MAX_RANK)
		return net_failed(err, n->net.name, "too many dimensions");
	if (failed(n, n->ort->GetDimensions(info, dims, rank), err))
		return -EINVAL;
	n->ort->ReleaseTensorTypeAndShapeInfo(info);
	out->data = data;
	out->rank = (uint32_t)rank;
	out->count = 1;
	for (size_t d = 0; d < rank; d++) {
		out->dims[d] = (uint32_t)dims[d];
		out->count *= out->dims[d];
	}
	return 0;
}

static int run(struct accel_net *net, const float *input, struct accel_error *err)
{
	struct ort_net *n = (struct ort_net *)net;
	int64_t dims[ACCEL_MAX_RANK];
	OrtValue *value;
	OrtStatus *status;
	int ret = 0;

	for (uint32_t i = 0; i < net->input.rank; i++)
		dims[i] = net->input.dims[i];
	status = n->ort->CreateTensorWithDataAsOrtValue(n->memory, (void *)(uintptr_t)input,
							net->input.count * sizeof(float), dims,
							net->input.rank,
							ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT,
							&value);
	if (failed(n, status, err))
		return -EINVAL;
	drop_results(n);
	status = n->ort->Run(n->session, NULL, (const char *const *)&n->input_name,
			     (const OrtValue *const *)&value, 1,
			     (const char *const *)n->output_names, net->num_outputs, n->results);
	n->ort->ReleaseValue(value);
	if (failed(n, status, err))
		return -EINVAL;
	for (unsigned int i = 0; i < net->num_outputs && !ret; i++)
		ret = take_result(n, i, err);
	return ret;
}

static void release(struct accel_net *net)
{
	struct ort_net *n = (struct ort_net *)net;

	if (n->session) {
		drop_results(n);
		n->ort->ReleaseSession(n->session);
		n->ort->ReleaseMemoryInfo(n->memory);
		n->ort->ReleaseEnv(n->env);
	}
	free(n);
}

static int load_library(struct ort_net *n, const char *library, struct accel_error *err)
{
	void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	const OrtApiBase *(*base)(void);
	void *symbol = handle ? dlsym(handle, "OrtGetApiBase") : NULL;

	if (!symbol)
		return net_failed(err, library, "not ONNX Runtime's library");
	memcpy(&base, &symbol, sizeof(base));
	n->ort = base()->GetApi(ORT_API_VERSION);
	return n->ort ? 0 : net_failed(err, library, "too old for the headers");
}

static int open_session(struct ort_net *n, const char *path, struct accel_error *err)
{
	OrtSessionOptions *options;

	if (failed(n, n->ort->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "float", &n->env), err) ||
	    failed(n, n->ort->CreateSessionOptions(&options), err) ||
	    failed(n, n->ort->SetIntraOpNumThreads(options, 1), err) ||
	    failed(n, n->ort->SetInterOpNumThreads(options, 1), err) ||
	    failed(n, n->ort->AddSessionConfigEntry(options, "session.set_denormal_as_zero", "1"),
		   err) ||
	    failed(n, n->ort->CreateSession(n->env, path, options, &n->session), err))
		return -EINVAL;
	n->ort->ReleaseSessionOptions(options);
	if (failed(n, n->ort->GetAllocatorWithDefaultOptions(&n->allocator), err) ||
	    failed(n, n->ort->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &n->memory),
		   err))
		return -EINVAL;
	return 0;
}

static int describe(struct ort_net *n, struct accel_error *err)
{
	struct accel_net *net = &n->net;
	OrtTypeInfo *info;
	size_t outputs;

	if (failed(n, n->ort->SessionGetInputName(n->session, 0, n->allocator, &n->input_name),
		   err) ||
	    failed(n, n->ort->SessionGetInputTypeInfo(n->session, 0, &info), err))
		return -EINVAL;
	if (read_shape(n, info, &net->input, err))
		return -EINVAL;
	n->ort->ReleaseTypeInfo(info);
	net->input.name = n->input_name;
	if (failed(n, n->ort->SessionGetOutputCount(n->session, &outputs), err))
		return -EINVAL;
	if (outputs > ACCEL_NET_OUTPUTS)
		return net_failed(err, net->name, "too many outputs");
	net->num_outputs = (unsigned int)outputs;
	for (unsigned int i = 0; i < outputs; i++) {
		if (failed(n, n->ort->SessionGetOutputName(n->session, i, n->allocator,
							   &n->output_names[i]), err) ||
		    failed(n, n->ort->SessionGetOutputTypeInfo(n->session, i, &info), err))
			return -EINVAL;
		if (read_shape(n, info, &net->outputs[i], err))
			return -EINVAL;
		n->ort->ReleaseTypeInfo(info);
		net->outputs[i].name = n->output_names[i];
	}
	return 0;
}

/* Shapes that aren't fixed show what they are once it runs. */
static int settle(struct ort_net *n, const uint32_t *dims, uint32_t rank, struct accel_error *err)
{
	struct accel_values *input = &n->net.input;
	float *zeros;
	int ret;

	if (rank && rank != input->rank)
		return net_failed(err, n->net.name, "the shape given has another rank");
	if (rank)
		memcpy(input->dims, dims, rank * sizeof(*dims));
	input->count = 1;
	for (uint32_t i = 0; i < input->rank; i++)
		input->count *= input->dims[i];
	zeros = calloc(input->count, sizeof(*zeros));
	ret = zeros ? run(&n->net, zeros, err) : -ENOMEM;
	free(zeros);
	return ret;
}

int ort_net_open(const char *path, const char *library, const uint32_t *dims, uint32_t rank,
		 struct accel_net **net, struct accel_error *err)
{
	struct ort_net *n = calloc(1, sizeof(*n));
	int ret;

	if (!n)
		return net_failed(err, path, "out of memory");
	n->net = (struct accel_net){ .name = path, .run = run, .release = release };
	ret = load_library(n, library, err);
	if (!ret)
		ret = open_session(n, path, err);
	if (!ret)
		ret = describe(n, err);
	if (!ret)
		ret = settle(n, dims, rank, err);
	if (ret)
		release(&n->net);
	else
		*net = &n->net;
	return ret;
}
