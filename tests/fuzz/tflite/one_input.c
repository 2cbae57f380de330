// SPDX-License-Identifier: MIT
/* A TensorFlow Lite file through the compiler. */
#include "../judge.h"
#include "../mutations.h"

const struct mutator *const mutator = &tflite_mutator;

enum outcome compile_one(const uint8_t *data, size_t size, char why[300])
{
	struct enpu_diag diag = { 0 };
	struct enpu_blob blob = { 0 };
	int err = enpu_compile_memory("input.tflite", data, size, NULL, &blob, NULL, &diag);

	return judge(err, &blob, &diag, why);
}
