// SPDX-License-Identifier: MIT
/*
 * The quantizer on broken float models, options and calibration files: what is refused has
 * a reason, what is not becomes a sound compiled model.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../judge.h"
#include "container.h"
#include "import.h"
#include "runner.h"
#include "samples.h"

#define MEMORY_LIMIT	((size_t)256 << 20)
#define SAMPLES		3
#define LAYER_SAMPLES	2
/* Of a graph that is quantized and, an operator at a time, verified a hundred thousand times. */
#define MOST_ELEMENTS	((int64_t)1 << 16)
#define MOST_PRODUCTS	((int64_t)1 << 22)

static int open_bytes(void *arg, const struct enpu_input_info *inputs, uint32_t num_inputs,
		      bool in_sequence, char *error, size_t error_size)
{
	return SAMPLES;
}

static int read_bytes(void *arg, uint32_t index, const struct enpu_input_info *inputs,
		      uint32_t num_inputs, void *const *data, char *error, size_t error_size)
{
	const struct container *c = arg;
	int kind = c->header[CONTAINER_SAMPLES] % SAMPLES_KINDS;

	if (kind == SAMPLES_FAIL && index) {
		snprintf(error, error_size, "the sample is gone");
		return -EIO;
	}
	for (uint32_t i = 0; i < num_inputs; i++) {
		uint8_t *to = data[i];

		for (size_t at = 0; at < inputs[i].bytes; at++)
			to[at] = c->file_size ? c->file[(at + 7 * index) % c->file_size] :
						(uint8_t)(at + index);
		for (size_t at = 0; kind == SAMPLES_TAME && !strcmp(inputs[i].type, "float32") &&
		     at < inputs[i].bytes / 4; at++)
			((float *)data[i])[at] = (float)(int8_t)to[4 * at] / 32;
	}
	return 0;
}

/* Every second one goes on after the one before. */
static bool begins(void *arg, uint32_t index)
{
	return index % 2 == 0;
}

static int32_t label_of(void *arg, uint32_t index)
{
	return (int32_t)index - 1;
}

/* A folder with the file; it stays for the next input. NULL: there is none. */
static const char *folder_with(const struct container *c)
{
	static char dir[64], path[80];
	const char *name = c->file_size && c->file[0] == 0x93 ? "sample.npy" : "sample.png";
	FILE *file;
	size_t written;

	if (!*dir) {
		snprintf(dir, sizeof(dir), "%.40s/samplesXXXXXX",
			 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
		if (!mkdtemp(dir))
			return NULL;
	}
	if (*path)
		unlink(path);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "wb");
	if (!file)
		return NULL;
	written = fwrite(c->file, 1, c->file_size, file);
	return !fclose(file) && written == c->file_size ? dir : NULL;
}

/* In per cent */
static double share(uint8_t flags, int shift)
{
	return 100 * (double)(flags >> shift & CONTAINER_SHARES) / CONTAINER_SHARES;
}

static struct enpu_quantize_options options_of(const struct container *c,
					       const struct enpu_samples *samples)
{
	uint8_t flags = c->header[CONTAINER_FLAGS], percent = c->header[CONTAINER_PERCENTILE];

	return (struct enpu_quantize_options){
		.samples = samples,
		.ranges = c->header[CONTAINER_RANGES] % (ENPU_RANGES_KL + 1),
		.percentile = percent ? 50 + percent * 50.0 / 255 : 0,
		.rounding = flags & CONTAINER_NEAREST ? ENPU_ROUNDING_NEAREST :
							ENPU_ROUNDING_ADAPTIVE,
		.keep_bias = flags & CONTAINER_KEEP_BIAS,
		.equalize = flags & CONTAINER_EQUALIZE,
		.int16_percent = share(flags, CONTAINER_INT16_SHIFT),
		.wide_weights_percent = share(c->header[CONTAINER_RANGES],
					      CONTAINER_WEIGHTS_SHIFT),
		.int4_percent = share(flags, CONTAINER_INT4_SHIFT),
	};
}

static enum outcome quantize(const struct container *c, const struct enpu_samples *samples,
			     char why[300])
{
	struct enpu_quantize_options how = options_of(c, samples);
	struct enpu_runner runner = bytes_runner(c);
	struct enpu_verify_options exam = { samples, &runner, LAYER_SAMPLES };
	struct enpu_accuracy accuracy = { 0 };
	struct enpu_compile_options opts = {
		.quantize = &how,
		.verify = c->header[CONTAINER_FLAGS] & CONTAINER_VERIFY ? &exam : NULL,
		.accuracy = &accuracy,
	};
	struct enpu_diag diag = { 0 };
	struct enpu_blob blob = { 0 };
	int err = enpu_compile_memory("input", c->model, c->model_size, &opts, &blob, NULL, &diag);

	enpu_accuracy_free(&accuracy);
	return judge(err, &blob, &diag, why);
}

/* Imports it alone, to see what it would cost. */
static bool is_cheap(const struct container *c)
{
	struct arena arena = { .limit = MEMORY_LIMIT };
	struct graph g = { .arena = &arena, .file = "input" };
	bool cheap = false;

	if (!setjmp(arena.oom))
		cheap = !import_model(&g, c->model, c->model_size, NULL, NULL) &&
			worth_running(&g, MOST_ELEMENTS, MOST_PRODUCTS);
	arena_free(&arena);
	return cheap;
}

enum outcome compile_one(const uint8_t *data, size_t size, char why[300])
{
	struct samples folder = { .preprocess = PREPROCESS_DEFAULT };
	struct enpu_samples samples = {
		.open = open_bytes, .read = read_bytes, .begins = begins,
		.label = label_of,
	};
	struct container c;
	enum outcome outcome;

	if (container_open(&c, data, size) || !is_cheap(&c))
		return OUTCOME_REFUSED;
	samples.arg = &c;
	if (c.header[CONTAINER_SAMPLES] % SAMPLES_KINDS == SAMPLES_FILE) {
		folder.dir = folder_with(&c);
		if (!folder.dir) {
			snprintf(why, 300, "the calibration file cannot be written: %s",
				 strerror(errno));
			return OUTCOME_WRONG;
		}
		samples = samples_source(&folder);
	}
	outcome = quantize(&c, &samples, why);
	samples_free(&folder);
	return outcome;
}
