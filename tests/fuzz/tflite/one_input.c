// SPDX-License-Identifier: MIT
/* What must hold for every input of the compiler: see one_input.h. */
#include "one_input.h"

#include <stdio.h>
#include <string.h>

#include <enpu-compiler.h>

#include "../../unit/compiler/verify.h"

/* Larger models would take too long to verify thousands of times. */
#define VERIFIED_BYTES	(512u << 10)

static bool worth_verifying(const struct model_file *m)
{
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < m->n_regions; i++)
		if (m->regions[i].role != ENPU_ROLE_CONSTANT)
			bytes += m->regions[i].size;
	return bytes <= VERIFIED_BYTES;
}

static enum outcome judge_model(const struct enpu_blob *blob, char why[300])
{
	struct verdict verdict;
	struct model_file m;
	const char *wrong = model_file_open(&m, blob->data, blob->size);

	if (wrong) {
		snprintf(why, 300, "the compiled model is damaged: %s", wrong);
		return OUTCOME_WRONG;
	}
	if (worth_verifying(&m) && verify_model(&m, &verdict)) {
		snprintf(why, 300, "the stream is not sound: %.250s", verdict.error);
		return OUTCOME_WRONG;
	}
	return OUTCOME_COMPILED;
}

static enum outcome judge_refusal(const struct enpu_diag *diag, char why[300])
{
	for (size_t i = 0; i < diag->count; i++)
		if (diag->messages[i].severity == ENPU_ERROR && strlen(diag->messages[i].text) > 10)
			return OUTCOME_REFUSED;
	snprintf(why, 300, "it was refused without a reason");
	return OUTCOME_WRONG;
}

enum outcome compile_one(const uint8_t *data, size_t size, char why[300])
{
	struct enpu_diag diag = { 0 };
	struct enpu_blob blob = { 0 };
	int err = enpu_compile_memory("input.tflite", data, size, NULL, &blob, NULL, &diag);
	enum outcome outcome = err ? judge_refusal(&diag, why) : judge_model(&blob, why);

	enpu_blob_free(&blob);
	enpu_diag_free(&diag);
	return outcome;
}
