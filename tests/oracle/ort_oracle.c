// SPDX-License-Identifier: MIT
/*
 * ort-oracle: what ONNX Runtime computes, as bytes.
 *
 * Loads the runtime at run time, runs one model once on the bytes of given files and
 * writes every output as OUTPUT_DIR/outputN.bin. The session is an ordinary one:
 * all graph optimizations, on the CPU; --config KEY=VALUE sets an entry of its
 * configuration. With --optimized FILE the graph that it really runs is kept, to
 * see which integer kernels a model has become.
 */
#include <dlfcn.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <onnxruntime_c_api.h>

#define MAX_TENSORS	64
#define MAX_RANK	16
#define MAX_ENTRIES	8

struct oracle {
	const OrtApi *ort;
	OrtEnv *env;
	OrtSession *session;
	OrtAllocator *allocator;
	const char *library, *model, *output_dir, *optimized;
	const char *files[MAX_TENSORS];
	char *entries[MAX_ENTRIES];
	size_t n_entries;
	size_t n_files, n_inputs, n_outputs;
	char *input_names[MAX_TENSORS], *output_names[MAX_TENSORS];
	OrtValue *inputs[MAX_TENSORS], *outputs[MAX_TENSORS];
};

__attribute__((format(printf, 1, 2))) static void fail(const char *format, ...)
{
	va_list args;

	fputs("ort-oracle: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

static void check(const struct oracle *o, OrtStatus *status, const char *what)
{
	if (status)
		fail("%s: %s", what, o->ort->GetErrorMessage(status));
}

static void load(struct oracle *o)
{
	void *handle = dlopen(o->library, RTLD_NOW | RTLD_LOCAL), *symbol;
	const OrtApiBase *(*base)(void);

	if (!handle)
		fail("%s", dlerror());
	symbol = dlsym(handle, "OrtGetApiBase");
	if (!symbol)
		fail("%s: not ONNX Runtime", o->library);
	memcpy(&base, &symbol, sizeof(base));
	o->ort = base()->GetApi(ORT_API_VERSION);
	if (!o->ort)
		fail("%s: too old for the headers", o->library);
}

/* KEY=VALUE; the text is cut in two. */
static void configure(const struct oracle *o, OrtSessionOptions *options, char *entry)
{
	char *value = strchr(entry, '=');

	if (!value)
		fail("%s: not KEY=VALUE", entry);
	*value++ = '\0';
	check(o, o->ort->AddSessionConfigEntry(options, entry, value), entry);
}

static void open_model(struct oracle *o)
{
	const OrtApi *ort = o->ort;
	OrtSessionOptions *options;

	check(o, ort->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "oracle", &o->env), "environment");
	check(o, ort->CreateSessionOptions(&options), "options");
	check(o, ort->SetIntraOpNumThreads(options, 1), "threads");
	check(o, ort->SetSessionGraphOptimizationLevel(options, ORT_ENABLE_ALL), "optimization");
	for (size_t i = 0; i < o->n_entries; i++)
		configure(o, options, o->entries[i]);
	if (o->optimized)
		check(o, ort->SetOptimizedModelFilePath(options, o->optimized), o->optimized);
	check(o, ort->CreateSession(o->env, o->model, options, &o->session), o->model);
	ort->ReleaseSessionOptions(options);
	check(o, ort->GetAllocatorWithDefaultOptions(&o->allocator), "allocator");
	check(o, ort->SessionGetInputCount(o->session, &o->n_inputs), "inputs");
	check(o, ort->SessionGetOutputCount(o->session, &o->n_outputs), "outputs");
	if (o->n_inputs > MAX_TENSORS || o->n_outputs > MAX_TENSORS)
		fail("%s: more than %d inputs or outputs", o->model, MAX_TENSORS);
	if (o->n_inputs != o->n_files)
		fail("%s: %zu inputs, %zu files are given", o->model, o->n_inputs, o->n_files);
}

static size_t type_bytes(ONNXTensorElementDataType type)
{
	static const size_t bytes[] = {
		[ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT] = 4,
		[ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8] = 1,
		[ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8] = 1,
		[ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT16] = 2,
		[ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16] = 2,
		[ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32] = 4,
		[ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64] = 8,
		[ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL] = 1,
		[ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16] = 2,
		[ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE] = 8,
	};

	if (type < 0 || (size_t)type >= sizeof(bytes) / sizeof(bytes[0]) || !bytes[type])
		fail("a tensor has the element type %d", type);
	return bytes[type];
}

static void read_input(struct oracle *o, size_t index)
{
	const OrtApi *ort = o->ort;
	const OrtTensorTypeAndShapeInfo *shape;
	ONNXTensorElementDataType type;
	int64_t dims[MAX_RANK];
	OrtTypeInfo *info;
	size_t rank, bytes;
	void *data;
	FILE *f;

	check(o, ort->SessionGetInputName(o->session, index, o->allocator, &o->input_names[index]),
	      "input");
	check(o, ort->SessionGetInputTypeInfo(o->session, index, &info), "input");
	check(o, ort->CastTypeInfoToTensorInfo(info, &shape), "input");
	check(o, ort->GetTensorElementType(shape, &type), "input");
	check(o, ort->GetDimensionsCount(shape, &rank), "input");
	if (rank > MAX_RANK)
		fail("%s: %zu dimensions", o->input_names[index], rank);
	check(o, ort->GetDimensions(shape, dims, rank), "input");
	bytes = type_bytes(type);
	for (size_t i = 0; i < rank; i++) {
		dims[i] = dims[i] < 1 ? 1 : dims[i];
		bytes *= (size_t)dims[i];
	}
	check(o, ort->CreateTensorAsOrtValue(o->allocator, dims, rank, type, &o->inputs[index]),
	      "input");
	check(o, ort->GetTensorMutableData(o->inputs[index], &data), "input");
	f = fopen(o->files[index], "rb");
	if (!f)
		fail("%s: %s", o->files[index], strerror(errno));
	if (fread(data, 1, bytes, f) != bytes || fgetc(f) != EOF)
		fail("%s: %s wants %zu bytes", o->files[index], o->input_names[index], bytes);
	fclose(f);
	ort->ReleaseTypeInfo(info);
}

static void write_output(struct oracle *o, size_t index)
{
	const OrtApi *ort = o->ort;
	OrtTensorTypeAndShapeInfo *shape;
	ONNXTensorElementDataType type;
	char path[4096];
	size_t count;
	void *data;
	FILE *f;

	check(o, ort->GetTensorTypeAndShape(o->outputs[index], &shape), "output");
	check(o, ort->GetTensorElementType(shape, &type), "output");
	check(o, ort->GetTensorShapeElementCount(shape, &count), "output");
	check(o, ort->GetTensorMutableData(o->outputs[index], &data), "output");
	snprintf(path, sizeof(path), "%s/output%zu.bin", o->output_dir, index);
	f = fopen(path, "wb");
	if (!f || fwrite(data, type_bytes(type), count, f) != count || fclose(f))
		fail("%s: %s", path, strerror(errno));
	ort->ReleaseTensorTypeAndShapeInfo(shape);
}

static void run(struct oracle *o)
{
	for (size_t i = 0; i < o->n_inputs; i++)
		read_input(o, i);
	for (size_t i = 0; i < o->n_outputs; i++)
		check(o, o->ort->SessionGetOutputName(o->session, i, o->allocator,
						      &o->output_names[i]), "output");
	check(o, o->ort->Run(o->session, NULL, (const char * const *)o->input_names,
			     (const OrtValue * const *)o->inputs, o->n_inputs,
			     (const char * const *)o->output_names, o->n_outputs, o->outputs),
	      "run");
	for (size_t i = 0; o->output_dir && i < o->n_outputs; i++)
		write_output(o, i);
}

static void usage(void)
{
	fputs("usage: ort-oracle --library LIB.so [--input FILE]... [--output-dir DIR]\n"
	      "                  [--config KEY=VALUE]... [--optimized FILE] MODEL.onnx\n", stderr);
	exit(2);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "library", required_argument, NULL, 'l' },
		{ "input", required_argument, NULL, 'i' },
		{ "output-dir", required_argument, NULL, 'o' },
		{ "optimized", required_argument, NULL, 'z' },
		{ "config", required_argument, NULL, 'c' },
		{ 0 },
	};
	struct oracle o = { .library = "libonnxruntime.so.1" };
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'l')
			o.library = optarg;
		else if (c == 'i' && o.n_files < MAX_TENSORS)
			o.files[o.n_files++] = optarg;
		else if (c == 'o')
			o.output_dir = optarg;
		else if (c == 'z')
			o.optimized = optarg;
		else if (c == 'c' && o.n_entries < MAX_ENTRIES)
			o.entries[o.n_entries++] = optarg;
		else
			usage();
	}
	if (optind + 1 != argc)
		usage();
	o.model = argv[optind];
	load(&o);
	open_model(&o);
	run(&o);
	return 0;
}
