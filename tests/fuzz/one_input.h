/* SPDX-License-Identifier: MIT */
/* What must hold for every input of the compiler, however broken. */
#ifndef FUZZ_ONE_INPUT_H
#define FUZZ_ONE_INPUT_H

#include <stddef.h>
#include <stdint.h>

enum outcome {
	OUTCOME_COMPILED,
	OUTCOME_REFUSED,
	OUTCOME_WRONG,		/* @why says what the compiler did wrong */
};

/*
 * Compile; a refusal must come with a reason, and what is accepted must be a sound
 * compiled model. Small ones are verified byte by byte.
 */
enum outcome compile_one(const uint8_t *data, size_t size, char why[300]);

#endif
