// SPDX-License-Identifier: MIT
/*
 * tflite-oracle: what TFLite itself computes, as bytes.
 *
 * Loads a TFLite shared library at run time, runs one model on given or seeded
 * inputs and writes every output tensor as raw bytes (of a model with variables: input
 * files may hold several inputs, outputs are then as many, one after another), with a JSON
 * description on standard output. With --kernels reference the operators come
 * from the library's own BuiltinRefOpResolver: the C API wants a function of
 * (object, operator, version), which is what that class's FindOp methods are
 * in the Itanium C++ ABI, so they are passed as they stand and no C++ is
 * needed here. A library without that class is refused, never replaced.
 */
#include <dlfcn.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "expose.h"

#define MAX_INPUTS 32
#define RESOLVER_BYTES 8192

enum kernels {
	KERNELS_REFERENCE,
	KERNELS_DEFAULT,
};

struct options {
	const char *model;
	const char *library;
	const char *output_dir;
	const char *inputs[MAX_INPUTS];
	int input_count;
	enum kernels kernels;
	bool dump_all;
	bool seeded;
	uint64_t seed;
};

/* The part of TFLite's C API that is used; the objects stay opaque. */
struct tflite {
	const char *(*version)(void);
	void *(*model_create)(const void *data, size_t size);
	void *(*options_create)(void);
	void (*set_threads)(void *options, int32_t threads);
	void (*set_resolver)(void *options, const void *find_builtin,
			     const void *find_custom, void *user_data);
	void *(*create)(const void *model, const void *options);
	int (*allocate)(void *interpreter);
	int (*invoke)(void *interpreter);
	int32_t (*input_count)(const void *interpreter);
	void *(*input)(const void *interpreter, int32_t index);
	int32_t (*output_count)(const void *interpreter);
	const void *(*output)(const void *interpreter, int32_t index);
	int (*type)(const void *tensor);
	int32_t (*rank)(const void *tensor);
	int32_t (*dim)(const void *tensor, int32_t index);
	size_t (*bytes)(const void *tensor);
	void *(*data)(const void *tensor);
	const char *(*name)(const void *tensor);
};

static void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

static void die(const char *format, ...)
{
	va_list args;

	fputs("tflite-oracle: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

static void *symbol(void *library, const char *path, const char *name)
{
	void *address = dlsym(library, name);

	if (!address)
		die("%s: no symbol %s", path, name);
	return address;
}

static void load_api(struct tflite *api, void *library, const char *path)
{
	const struct {
		void *slot;
		const char *name;
	} entries[] = {
		{ &api->version, "TfLiteVersion" },
		{ &api->model_create, "TfLiteModelCreate" },
		{ &api->options_create, "TfLiteInterpreterOptionsCreate" },
		{ &api->set_threads, "TfLiteInterpreterOptionsSetNumThreads" },
		{ &api->set_resolver, "TfLiteInterpreterOptionsSetOpResolver" },
		{ &api->create, "TfLiteInterpreterCreate" },
		{ &api->allocate, "TfLiteInterpreterAllocateTensors" },
		{ &api->invoke, "TfLiteInterpreterInvoke" },
		{ &api->input_count, "TfLiteInterpreterGetInputTensorCount" },
		{ &api->input, "TfLiteInterpreterGetInputTensor" },
		{ &api->output_count, "TfLiteInterpreterGetOutputTensorCount" },
		{ &api->output, "TfLiteInterpreterGetOutputTensor" },
		{ &api->type, "TfLiteTensorType" },
		{ &api->rank, "TfLiteTensorNumDims" },
		{ &api->dim, "TfLiteTensorDim" },
		{ &api->bytes, "TfLiteTensorByteSize" },
		{ &api->data, "TfLiteTensorData" },
		{ &api->name, "TfLiteTensorName" },
	};

	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		void *address = symbol(library, path, entries[i].name);

		memcpy(entries[i].slot, &address, sizeof(address));
	}
}

static void use_reference_kernels(const struct tflite *api, void *library,
				  const char *path, void *interpreter_options)
{
	static alignas(16) unsigned char resolver[RESOLVER_BYTES];
	void *construct = symbol(library, path,
		"_ZN6tflite3ops7builtin20BuiltinRefOpResolverC1Ev");
	void *find_builtin = symbol(library, path,
		"_ZNK6tflite3ops7builtin20BuiltinRefOpResolver6FindOpENS_15BuiltinOperatorEi");
	void *find_custom = symbol(library, path,
		"_ZNK6tflite3ops7builtin20BuiltinRefOpResolver6FindOpEPKci");
	void (*constructor)(void *);

	memcpy(&constructor, &construct, sizeof(constructor));
	constructor(resolver);
	api->set_resolver(interpreter_options, find_builtin, find_custom, resolver);
}

static unsigned char *read_file(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	unsigned char *bytes;
	long length = -1;

	if (!file)
		die("%s: %s", path, strerror(errno));
	if (!fseek(file, 0, SEEK_END))
		length = ftell(file);
	if (length < 0 || fseek(file, 0, SEEK_SET))
		die("%s: %s", path, strerror(errno));
	bytes = malloc(length ? (size_t)length : 1);
	if (!bytes)
		die("%s: out of memory", path);
	if (fread(bytes, 1, (size_t)length, file) != (size_t)length)
		die("%s: short read", path);
	fclose(file);
	*size = (size_t)length;
	return bytes;
}

static void write_file(const char *directory, const char *kind, int index, const char *mode,
		       const void *bytes, size_t size)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s%d.bin", directory, kind, index);
	file = fopen(path, mode);
	if (!file || fwrite(bytes, 1, size, file) != size || fclose(file))
		die("%s: %s", path, strerror(errno));
}

/* splitmix64: a seed gives the same input bytes on every machine. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static void fill_random(uint64_t *state, unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (unsigned char)(next_random(state) >> 56);
}

static const char *type_name(int type)
{
	static const char * const names[] = {
		[0] = "none", [1] = "float32", [2] = "int32", [3] = "uint8",
		[4] = "int64", [6] = "bool", [7] = "int16", [9] = "int8",
		[10] = "float16",
	};

	if (type < 0 || (size_t)type >= sizeof(names) / sizeof(names[0]) || !names[type])
		return "other";
	return names[type];
}

static void print_tensor(const struct tflite *api, const void *tensor, const char *kind,
			 int index)
{
	const char *name = api->name(tensor);

	printf("%s{\"file\":\"%s%d.bin\",\"name\":\"", index ? "," : "", kind, index);
	for (; name && *name; name++)
		if (*name == '"' || *name == '\\')
			printf("\\%c", *name);
		else if ((unsigned char)*name >= 0x20)
			putchar(*name);
	printf("\",\"type\":\"%s\",\"shape\":[", type_name(api->type(tensor)));
	for (int i = 0; i < api->rank(tensor); i++)
		printf("%s%" PRId32, i ? "," : "", api->dim(tensor, i));
	printf("],\"bytes\":%zu}", api->bytes(tensor));
}

/* Input number @run of each file; how many there are. */
static size_t set_inputs(const struct tflite *api, void *interpreter,
			 const struct options *options, size_t run)
{
	int count = api->input_count(interpreter);
	uint64_t state = options->seed;
	size_t runs = 1;

	if (!options->seeded && options->input_count != count)
		die("%s: the model has %d inputs, %d given", options->model, count,
		    options->input_count);
	if (!run)
		printf("\"inputs\":[");
	for (int i = 0; i < count; i++) {
		void *tensor = api->input(interpreter, i);
		size_t size = api->bytes(tensor);
		size_t given = size;
		unsigned char *bytes;

		if (options->seeded) {
			bytes = malloc(size ? size : 1);
			if (!bytes)
				die("out of memory");
			fill_random(&state, bytes, size);
			write_file(options->output_dir, "input", i, "wb", bytes, size);
		} else {
			bytes = read_file(options->inputs[i], &given);
		}
		if (!given || given % size || (i && given / size != runs))
			die("%s: input %d has %zu bytes, the model wants %zu",
			    options->inputs[i], i, given, size);
		runs = given / size;
		memcpy(api->data(tensor), bytes + run * size, size);
		free(bytes);
		if (!run)
			print_tensor(api, tensor, "input", i);
	}
	if (!run)
		printf("],");
	return runs;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void run(const struct options *options)
{
	void *library = dlopen(options->library, RTLD_NOW | RTLD_LOCAL);
	struct tflite api;
	unsigned char *model_bytes;
	size_t model_size;
	void *model, *interpreter_options, *interpreter;
	double start;

	if (!library)
		die("%s", dlerror());
	load_api(&api, library, options->library);
	model_bytes = read_file(options->model, &model_size);
	if (options->dump_all &&
	    expose_all_tensors(&model_bytes, &model_size))
		die("%s: cannot expose its inner tensors", options->model);
	model = api.model_create(model_bytes, model_size);
	if (!model)
		die("%s: not a TFLite model", options->model);
	interpreter_options = api.options_create();
	api.set_threads(interpreter_options, 1);
	if (options->kernels == KERNELS_REFERENCE)
		use_reference_kernels(&api, library, options->library, interpreter_options);
	interpreter = api.create(model, interpreter_options);
	if (!interpreter || api.allocate(interpreter))
		die("%s: TFLite refuses it", options->model);
	printf("{\"tflite\":\"%s\",\"kernels\":\"%s\",", api.version(),
	       options->kernels == KERNELS_REFERENCE ? "reference" : "default");
	start = seconds();
	for (size_t n = 0, runs = 1; n < runs; n++) {
		runs = set_inputs(&api, interpreter, options, n);
		if (api.invoke(interpreter))
			die("%s: TFLite fails to run it", options->model);
		for (int i = 0; i < api.output_count(interpreter); i++) {
			const void *tensor = api.output(interpreter, i);

			write_file(options->output_dir, "output", i, n ? "ab" : "wb",
				   api.data(tensor), api.bytes(tensor));
		}
	}
	printf("\"ms\":%.3f,\"outputs\":[", (seconds() - start) * 1e3);
	for (int i = 0; i < api.output_count(interpreter); i++)
		print_tensor(&api, api.output(interpreter, i), "output", i);
	printf("]}\n");
	if (fflush(stdout))
		die("standard output: %s", strerror(errno));
}

static void usage(void)
{
	fputs("usage: tflite-oracle MODEL.tflite --library LIB.so --output-dir DIR\n"
	      "                     (--input FILE ... | --seed N)\n"
	      "                     [--kernels reference|default] [--dump-all]\n", stderr);
	exit(2);
}

static void parse_kernels(struct options *options, const char *name)
{
	if (!strcmp(name, "reference"))
		options->kernels = KERNELS_REFERENCE;
	else if (!strcmp(name, "default"))
		options->kernels = KERNELS_DEFAULT;
	else
		die("no kernels called '%s'", name);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "library", required_argument, NULL, 'l' },
		{ "input", required_argument, NULL, 'i' },
		{ "output-dir", required_argument, NULL, 'o' },
		{ "seed", required_argument, NULL, 's' },
		{ "kernels", required_argument, NULL, 'k' },
		{ "dump-all", no_argument, NULL, 'a' },
		{ 0 },
	};
	struct options options = { 0 };
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'l':
			options.library = optarg;
			break;
		case 'i':
			if (options.input_count == MAX_INPUTS)
				die("more than %d inputs", MAX_INPUTS);
			options.inputs[options.input_count++] = optarg;
			break;
		case 'o':
			options.output_dir = optarg;
			break;
		case 's':
			options.seeded = true;
			options.seed = strtoull(optarg, NULL, 0);
			break;
		case 'k':
			parse_kernels(&options, optarg);
			break;
		case 'a':
			options.dump_all = true;
			break;
		default:
			usage();
		}
	}
	if (optind + 1 != argc || !options.library || !options.output_dir ||
	    options.seeded == (options.input_count > 0))
		usage();
	options.model = argv[optind];
	run(&options);
	return 0;
}
