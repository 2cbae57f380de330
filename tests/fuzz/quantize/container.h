/* SPDX-License-Identifier: MIT */
/*
 * An input of the quantizer's fuzzer: how to quantize, a float model, and a file to
 * calibrate with. What is missing at the end is empty; every value means something.
 */
#ifndef FUZZ_CONTAINER_H
#define FUZZ_CONTAINER_H

#include <stddef.h>
#include <stdint.h>

enum {
	CONTAINER_RANGES,		/* enum enpu_ranges, and a share: see below */
	CONTAINER_PERCENTILE,		/* 0: the default; to 255: 50 to 100 */
	CONTAINER_FLAGS,
	CONTAINER_SAMPLES,		/* enum container_samples */
	CONTAINER_MODEL_BYTES,		/* little-endian, 32 bits */
	CONTAINER_HEADER = 8,
};

/*
 * Of the flags, and of the byte of the ranges, which has the share of 16-bit weights. Shares
 * are thirds: none, some, most, all.
 */
enum {
	CONTAINER_NEAREST = 1,
	CONTAINER_KEEP_BIAS = 2,
	CONTAINER_EQUALIZE = 4,
	CONTAINER_VERIFY = 8,
	CONTAINER_INT16_SHIFT = 4,
	CONTAINER_INT4_SHIFT = 6,
	CONTAINER_WEIGHTS_SHIFT = 2,
	CONTAINER_SHARES = 3,
};

enum container_samples {
	SAMPLES_FILE,			/* .npy or a picture, through the CLI's reader */
	SAMPLES_TAME,			/* numbers from -4 to 4, made of the file's bytes */
	SAMPLES_WILD,			/* its bytes: infinite ones, numbers that are none */
	SAMPLES_FAIL,			/* the second one cannot be read */
	SAMPLES_KINDS
};

struct container {
	const uint8_t *header, *model, *file;
	size_t model_size, file_size;
};

static inline int container_open(struct container *c, const uint8_t *data, size_t size)
{
	if (size < CONTAINER_HEADER)
		return -1;
	c->header = data;
	c->model = data + CONTAINER_HEADER;
	c->model_size = data[4] | (size_t)data[5] << 8 | (size_t)data[6] << 16 |
			(size_t)data[7] << 24;
	if (c->model_size > size - CONTAINER_HEADER)
		c->model_size = size - CONTAINER_HEADER;
	c->file = c->model + c->model_size;
	c->file_size = size - CONTAINER_HEADER - c->model_size;
	return 0;
}

#endif
