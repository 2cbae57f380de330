// SPDX-License-Identifier: MIT
/* One file through libaccel: see one_input.h. Sanitizers watch the rest. */
#include "one_input.h"

#include <string.h>

/* A stream may well ask for more work than anyone wants to wait for. */
#define TIMEOUT_MS	200
/* Memory that a broken file may ask for before it is not worth running */
#define MAX_BYTES	(64u << 20)

static enum outcome judge(const struct accel_error *why, int code, enum outcome outcome)
{
	return why->code == code && code < 0 && why->text[0] ? outcome : OUTCOME_WRONG;
}

static size_t touch_tensors(const struct accel_model *model)
{
	const struct accel_tensor *tensor;
	size_t sum = 0;

	for (unsigned int i = 0; (tensor = accel_model_input(model, i)); i++)
		sum += strlen(tensor->name) + tensor->size;
	for (unsigned int i = 0; (tensor = accel_model_output(model, i)); i++)
		sum += strlen(tensor->name) + tensor->size;
	return sum;
}

static enum outcome run_model(struct accel_model *model, struct accel_device *dev,
			      struct accel_error *why)
{
	const struct accel_instance_options opts = {
		.size = sizeof(opts), .timeout_ms = TIMEOUT_MS,
	};
	struct accel_instance *inst;
	int ret = accel_instance_create(model, dev, &opts, &inst, why);

	if (ret)
		return judge(why, ret, OUTCOME_REFUSED);
	ret = accel_instance_run(inst, why);
	accel_instance_release(inst);
	return ret ? judge(why, ret, OUTCOME_FAILED) : OUTCOME_RAN;
}

enum outcome run_one(struct accel_device *dev, const uint8_t *data, size_t size,
		     struct accel_error *why)
{
	const struct accel_model_info *info;
	struct accel_model *model;
	enum outcome outcome = OUTCOME_RAN;
	int ret;

	memset(why, 0, sizeof(*why));
	ret = accel_model_load_memory("fuzz", data, size, &model, why);
	if (ret)
		return judge(why, ret, OUTCOME_REFUSED);
	info = accel_model_info(model);
	if (dev && touch_tensors(model) < MAX_BYTES && info->scratch_bytes < MAX_BYTES &&
	    info->constant_bytes < MAX_BYTES)
		outcome = run_model(model, dev, why);
	accel_model_release(model);
	return outcome;
}
