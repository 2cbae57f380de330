// SPDX-License-Identifier: MIT
/*
 * libFuzzer's entries: one input; and in every second mutation, the format's own, which
 * keeps what libFuzzer's would break at first sight. What went wrong is said on stdout:
 * the input's own noise on stderr can then be shut off.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mutations.h"
#include "one_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *data, size_t size, const uint8_t *other,
				 size_t other_size, uint8_t *out, size_t max_size,
				 unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char why[300];

	if (compile_one(data, size, why) == OUTCOME_WRONG) {
		printf("%s\n", why);
		fflush(stdout);
		abort();
	}
	return 0;
}

/* 0: that cannot be done. */
static size_t mutate(const struct file *file, const struct file *other, uint8_t *out,
		     size_t max_size, unsigned int seed)
{
	size_t size = 0;
	uint8_t *made;

	seed_random(seed);
	if (!file->size || !other->size || below(2))
		return 0;
	made = mutator->mutate(file, other, &size);
	if (!made)
		return 0;
	if (size > max_size)
		size = 0;
	memcpy(out, made, size);
	free(made);
	return size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	struct file file = { "input", data, size };
	size_t made = mutate(&file, &file, data, max_size, seed);

	return made ? made : LLVMFuzzerMutate(data, size, max_size);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *data, size_t size, const uint8_t *other,
				 size_t other_size, uint8_t *out, size_t max_size,
				 unsigned int seed)
{
	struct file file = { "input", (uint8_t *)data, size };
	struct file with = { "other", (uint8_t *)other, other_size };

	return mutate(&file, &with, out, max_size, seed);
}
