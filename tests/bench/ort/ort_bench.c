// SPDX-License-Identifier: MIT
/*
 * ort-bench: how long ONNX Runtime takes for a model, natively, on one thread.
 *
 * The peer in our benchmarks. The runtime is loaded at run time; inputs are
 * seeded bytes (floats in [0, 1)); the median of the runs goes to standard
 * output in milliseconds. Denormals count as zero, as in a fair comparison.
 */
#include <dlfcn.h>
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <onnxruntime_c_api.h>

#define MAX_TENSORS 16
#define MAX_RANK 8

struct session {
	const OrtApi *ort;
	OrtEnv *env;
	OrtSession *session;
	OrtAllocator *allocator;
	size_t inputs, outputs;
	char *input_names[MAX_TENSORS];
	char *output_names[MAX_TENSORS];
	OrtValue *values[MAX_TENSORS];
};

static void fail(const char *what, const char *reason)
{
	fprintf(stderr, "ort-bench: %s: %s\n", what, reason);
	exit(1);
}

static void check(const struct session *s, OrtStatus *status, const char *what)
{
	if (status)
		fail(what, s->ort->GetErrorMessage(status));
}

static void load(struct session *s, const char *library)
{
	void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	const OrtApiBase *(*base)(void);
	void *symbol;

	if (!handle)
		fail(library, dlerror());
	symbol = dlsym(handle, "OrtGetApiBase");
	if (!symbol)
		fail(library, "not ONNX Runtime");
	memcpy(&base, &symbol, sizeof(base));
	s->ort = base()->GetApi(ORT_API_VERSION);
	if (!s->ort)
		fail(library, "too old for the headers");
}

static void open_model(struct session *s, const char *model)
{
	OrtSessionOptions *options;
	const OrtApi *ort = s->ort;

	check(s, ort->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "bench", &s->env), "environment");
	check(s, ort->CreateSessionOptions(&options), "options");
	check(s, ort->SetIntraOpNumThreads(options, 1), "threads");
	check(s, ort->SetInterOpNumThreads(options, 1), "threads");
	check(s, ort->SetSessionGraphOptimizationLevel(options, ORT_ENABLE_ALL), "optimization");
	check(s, ort->AddSessionConfigEntry(options, "session.set_denormal_as_zero", "1"), "denormals");
	check(s, ort->CreateSession(s->env, model, options, &s->session), model);
	ort->ReleaseSessionOptions(options);
	check(s, ort->GetAllocatorWithDefaultOptions(&s->allocator), "allocator");
}

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static void fill(void *data, ONNXTensorElementDataType type, size_t count, uint32_t *state)
{
	for (size_t i = 0; i < count; i++)
		if (type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT)
			((float *)data)[i] = (float)next_random(state) / (float)(1 << 24);
		else
			((uint8_t *)data)[i] = (uint8_t)next_random(state);
}

static void make_input(struct session *s, size_t index, uint32_t *state)
{
	const OrtApi *ort = s->ort;
	OrtTypeInfo *info;
	const OrtTensorTypeAndShapeInfo *shape;
	ONNXTensorElementDataType type;
	int64_t dims[MAX_RANK];
	size_t rank, count = 1;
	void *data;

	check(s, ort->SessionGetInputTypeInfo(s->session, index, &info), "input");
	check(s, ort->CastTypeInfoToTensorInfo(info, &shape), "input");
	check(s, ort->GetTensorElementType(shape, &type), "input");
	check(s, ort->GetDimensionsCount(shape, &rank), "input");
	if (rank > MAX_RANK)
		fail(s->input_names[index], "too many dimensions");
	if (type != ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT &&
	    type != ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8)
		fail(s->input_names[index], "neither float nor uint8");
	check(s, ort->GetDimensions(shape, dims, rank), "input");
	for (size_t i = 0; i < rank; i++) {
		if (dims[i] < 1)
			fail(s->input_names[index], "a dimension is not fixed");
		count *= (size_t)dims[i];
	}
	check(s, ort->CreateTensorAsOrtValue(s->allocator, dims, rank, type, &s->values[index]),
	      "input");
	check(s, ort->GetTensorMutableData(s->values[index], &data), "input");
	fill(data, type, count, state);
	ort->ReleaseTypeInfo(info);
}

static void prepare(struct session *s)
{
	uint32_t state = 1;

	check(s, s->ort->SessionGetInputCount(s->session, &s->inputs), "inputs");
	check(s, s->ort->SessionGetOutputCount(s->session, &s->outputs), "outputs");
	if (s->inputs > MAX_TENSORS || s->outputs > MAX_TENSORS)
		fail("model", "too many inputs or outputs");
	for (size_t i = 0; i < s->outputs; i++)
		check(s, s->ort->SessionGetOutputName(s->session, i, s->allocator,
						      &s->output_names[i]), "output name");
	for (size_t i = 0; i < s->inputs; i++) {
		check(s, s->ort->SessionGetInputName(s->session, i, s->allocator,
						     &s->input_names[i]), "input name");
		make_input(s, i, &state);
	}
}

static double milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

static double run_once(struct session *s)
{
	OrtValue *results[MAX_TENSORS] = { 0 };
	double start = milliseconds();

	check(s, s->ort->Run(s->session, NULL, (const char * const *)s->input_names,
			     (const OrtValue * const *)s->values, s->inputs,
			     (const char * const *)s->output_names, s->outputs, results), "run");
	start = milliseconds() - start;
	for (size_t i = 0; i < s->outputs; i++)
		s->ort->ReleaseValue(results[i]);
	return start;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(struct session *s, int runs)
{
	double *times = calloc((size_t)runs, sizeof(*times));
	double result;

	if (!times)
		fail("runs", "out of memory");
	for (int i = 0; i < 3; i++)
		run_once(s);
	for (int i = 0; i < runs; i++)
		times[i] = run_once(s);
	qsort(times, (size_t)runs, sizeof(*times), compare);
	result = times[runs / 2];
	free(times);
	return result;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "library", required_argument, NULL, 'l' },
		{ "runs", required_argument, NULL, 'n' },
		{ 0 },
	};
	const char *library = "libonnxruntime.so.1";
	struct session s = { 0 };
	int runs = 51, c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'l')
			library = optarg;
		else if (c == 'n')
			runs = atoi(optarg);
		else
			return 2;
	}
	if (optind + 1 != argc || runs < 1) {
		fputs("usage: ort-bench [--library LIB.so] [--runs N] MODEL.onnx\n", stderr);
		return 2;
	}
	load(&s, library);
	open_model(&s, argv[optind]);
	prepare(&s);
	printf("%.3f\n", median(&s, runs));
	return 0;
}
