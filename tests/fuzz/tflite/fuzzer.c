// SPDX-License-Identifier: MIT
/* libFuzzer's entry into the compiler. */
#include <stdio.h>
#include <stdlib.h>

#include "one_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char why[300];

	if (compile_one(data, size, why) == OUTCOME_WRONG) {
		fprintf(stderr, "%s\n", why);
		abort();
	}
	return 0;
}
