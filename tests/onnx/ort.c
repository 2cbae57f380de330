// SPDX-License-Identifier: MIT
/* See ort.h. */
#include "ort.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <onnxruntime_c_api.h>

struct ort {
	void *library;
	const OrtApi *api;
	OrtEnv *env;
	OrtSession *session;
	OrtMemoryInfo *memory;
	OrtAllocator *allocator;
	size_t n_outputs;
	char *names[ORT_MAX_TENSORS];
	OrtValue *results[ORT_MAX_TENSORS];
};

static bool failed(const struct ort *o, OrtStatus *status, const char *what)
{
	if (!status)
		return false;
	fprintf(stderr, "ONNX Runtime: %s: %s\n", what, o->api->GetErrorMessage(status));
	o->api->ReleaseStatus(status);
	return true;
}

static const OrtApi *load(const char *path, void **library)
{
	const OrtApiBase *(*base)(void);
	void *symbol;

	*library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	symbol = *library ? dlsym(*library, "OrtGetApiBase") : NULL;
	if (!symbol) {
		fprintf(stderr, "%s: %s\n", path, dlerror());
		return NULL;
	}
	memcpy(&base, &symbol, sizeof(base));
	return base()->GetApi(ORT_API_VERSION);
}

static bool open_session(struct ort *o, const char *model)
{
	OrtSessionOptions *options;
	bool bad;

	if (failed(o, o->api->CreateEnv(ORT_LOGGING_LEVEL_FATAL, "oracle", &o->env),
		   "environment") ||
	    failed(o, o->api->CreateSessionOptions(&options), "options"))
		return false;
	bad = failed(o, o->api->SetIntraOpNumThreads(options, 1), "threads") ||
	      failed(o, o->api->SetSessionGraphOptimizationLevel(options, ORT_ENABLE_BASIC),
		     "optimization") ||
	      failed(o, o->api->CreateSession(o->env, model, options, &o->session), model) ||
	      failed(o, o->api->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault,
						    &o->memory), "memory") ||
	      failed(o, o->api->GetAllocatorWithDefaultOptions(&o->allocator), "allocator") ||
	      failed(o, o->api->SessionGetOutputCount(o->session, &o->n_outputs), "outputs");
	o->api->ReleaseSessionOptions(options);
	if (bad || o->n_outputs > ORT_MAX_TENSORS)
		return false;
	for (size_t i = 0; i < o->n_outputs; i++)
		if (failed(o, o->api->SessionGetOutputName(o->session, i, o->allocator,
							   &o->names[i]), "output"))
			return false;
	return true;
}

struct ort *ort_open(const char *library, const char *model)
{
	struct ort *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->api = load(library, &o->library);
	if (o->api && open_session(o, model))
		return o;
	ort_close(o);
	return NULL;
}

static void release_results(struct ort *o)
{
	for (size_t i = 0; i < o->n_outputs; i++) {
		o->api->ReleaseValue(o->results[i]);
		o->results[i] = NULL;
	}
}

static bool read_result(struct ort *o, OrtValue *value, struct ort_tensor *t)
{
	ONNXTensorElementDataType type;
	OrtTensorTypeAndShapeInfo *info;
	bool bad;

	if (failed(o, o->api->GetTensorTypeAndShape(value, &info), "output"))
		return false;
	bad = failed(o, o->api->GetTensorElementType(info, &type), "output") ||
	      failed(o, o->api->GetDimensionsCount(info, &t->rank), "output") ||
	      t->rank > ORT_MAX_RANK ||
	      failed(o, o->api->GetDimensions(info, t->dims, t->rank), "output") ||
	      failed(o, o->api->GetTensorMutableData(value, &t->data), "output");
	o->api->ReleaseTensorTypeAndShapeInfo(info);
	t->type = type;
	return !bad;
}

int ort_run(struct ort *o, const struct ort_tensor *inputs, size_t n_inputs,
	    struct ort_tensor *outputs)
{
	const char *names[ORT_MAX_TENSORS];
	OrtValue *values[ORT_MAX_TENSORS] = { 0 };
	bool bad = n_inputs > ORT_MAX_TENSORS;

	release_results(o);
	for (size_t i = 0; i < n_inputs && !bad; i++) {
		const struct ort_tensor *t = &inputs[i];

		names[i] = t->name;
		bad = failed(o, o->api->CreateTensorWithDataAsOrtValue(o->memory, t->data, t->bytes,
								       t->dims, t->rank, t->type,
								       &values[i]), t->name);
	}
	bad = bad || failed(o, o->api->Run(o->session, NULL, names,
					   (const OrtValue *const *)values, n_inputs,
					   (const char *const *)o->names, o->n_outputs, o->results),
			    "run");
	for (size_t i = 0; i < o->n_outputs && !bad; i++) {
		outputs[i] = (struct ort_tensor){ .name = o->names[i] };
		bad = !read_result(o, o->results[i], &outputs[i]);
	}
	for (size_t i = 0; i < n_inputs && i < ORT_MAX_TENSORS; i++)
		o->api->ReleaseValue(values[i]);
	return bad ? -1 : (int)o->n_outputs;
}

void ort_close(struct ort *o)
{
	if (o->session) {
		release_results(o);
		o->api->ReleaseSession(o->session);
		o->api->ReleaseMemoryInfo(o->memory);
	}
	if (o->env)
		o->api->ReleaseEnv(o->env);
	/* the runtime itself stays: it has threads */
	free(o);
}
