// SPDX-License-Identifier: MIT
/* libFuzzer's entry into the loader of compiled models. */
#include <stdio.h>
#include <stdlib.h>

#include "one_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct accel_error why;

	if (run_one(NULL, data, size, &why) == OUTCOME_WRONG) {
		fprintf(stderr, "code %d, '%s'\n", why.code, why.text);
		abort();
	}
	return 0;
}
