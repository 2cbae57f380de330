/* SPDX-License-Identifier: MIT */
/*
 * Random mutations of model files for the compiler: what a format brings, what
 * random.c gives it, and what asks for them: mutations.c or libfuzzer.c.
 */
#ifndef FUZZ_MUTATIONS_H
#define FUZZ_MUTATIONS_H

#include <stddef.h>
#include <stdint.h>

struct file {
	const char *path;
	uint8_t *data;
	size_t size;
};

struct mutator {
	/* one in @large_share mutations is of a file that is larger than that */
	size_t large_bytes, large_share;
	/*
	 * A broken copy of @file, perhaps with parts of @other: to be freed, and exactly as
	 * large as its memory, so that a read beyond it is seen. NULL: @file is not of the
	 * format.
	 */
	uint8_t *(*mutate)(const struct file *file, const struct file *other, size_t *size);
};

extern const struct mutator tflite_mutator, onnx_mutator;
/* That of compile_one()'s inputs */
extern const struct mutator *const mutator;

void seed_random(uint64_t seed);
uint64_t next_random(void);
/* 0 to n - 1; or 0 */
size_t below(size_t n);

#endif
