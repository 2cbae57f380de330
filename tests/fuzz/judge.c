// SPDX-License-Identifier: MIT
/* Compiled models and refusals: see judge.h. */
#include "judge.h"

#include <stdio.h>
#include <string.h>

#include "../unit/compiler/verify.h"
#include "ir/graph.h"

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
	if (worth_verifying(&m) && verify_streams(&m, &verdict)) {
		snprintf(why, 300, "the stream is not sound: %.250s", verdict.error);
		return OUTCOME_WRONG;
	}
	return OUTCOME_COMPILED;
}

enum outcome judge_refusal(const struct enpu_diag *diag, char why[300])
{
	for (size_t i = 0; i < diag->count; i++)
		if (diag->messages[i].severity == ENPU_ERROR && strlen(diag->messages[i].text) > 10)
			return OUTCOME_REFUSED;
	snprintf(why, 300, "it was refused without a reason");
	return OUTCOME_WRONG;
}

enum outcome judge(int err, struct enpu_blob *blob, struct enpu_diag *diag, char why[300])
{
	enum outcome outcome = err ? judge_refusal(diag, why) : judge_model(blob, why);

	enpu_blob_free(blob);
	enpu_diag_free(diag);
	return outcome;
}

bool worth_running(const struct graph *g, int64_t most_elements, int64_t most_products)
{
	int64_t elements = 0;

	for (unsigned int i = 0; i < g->n_tensors; i++)
		elements += tensor_elements(&g->tensors[i]);
	for (unsigned int i = 0; i < g->n_ops && elements <= most_elements; i++) {
		const struct op *op = &g->ops[i];
		const struct op_attrs *a = &op->attrs;
		int64_t window = (int64_t)a->filter_h * a->filter_w;
		int64_t made = op->n_outputs ? tensor_elements(op->outputs[0]) : 0;
		int64_t weights = op->n_inputs > 1 && op->inputs[1] ?
				  tensor_elements(op->inputs[1]) : 0;

		if (made * weights > most_products ||
		    (made && window / (most_products / made + 1)))
			return false;
	}
	return elements <= most_elements;
}
