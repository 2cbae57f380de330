// SPDX-License-Identifier: MIT
/* Mutations of the quantizer's inputs: of the options, the model or the calibration file. */
#include <stdlib.h>
#include <string.h>

#include "../mutations.h"
#include "container.h"

#define HEAD_BYTES	160		/* of a calibration file: where its header is */

static uint8_t *join(const uint8_t *header, const uint8_t *model, size_t model_size,
		     const uint8_t *file, size_t file_size, size_t *size)
{
	uint8_t *data;

	*size = CONTAINER_HEADER + model_size + file_size;
	data = malloc(*size);
	memcpy(data, header, CONTAINER_MODEL_BYTES);
	for (int i = 0; i < 4; i++)
		data[CONTAINER_MODEL_BYTES + i] = (uint8_t)(model_size >> 8 * i);
	memcpy(data + CONTAINER_HEADER, model, model_size);
	if (file_size)
		memcpy(data + CONTAINER_HEADER + model_size, file, file_size);
	return data;
}

static void change_file(uint8_t *file, size_t *size)
{
	if (!*size)
		return;
	if (!below(4)) {
		*size = below(*size);
		return;
	}
	for (size_t n = 1 + below(4); n; n--)
		file[below(below(2) && *size > HEAD_BYTES ? HEAD_BYTES : *size)] = next_random();
}

/* What is in the model and in the calibration file, put together anew. */
static uint8_t *with_model(const struct container *c, const struct container *other, size_t *size)
{
	struct file model = { "model", (uint8_t *)c->model, c->model_size };
	struct file donor = { "model", (uint8_t *)other->model, other->model_size };
	const struct mutator *of = c->model_size >= 8 && !memcmp(c->model + 4, "TFL3", 4) ?
				   &tflite_mutator : &onnx_mutator;
	size_t made_size = 0;
	uint8_t *made, *out;

	if (!model.size)
		return NULL;
	made = of->mutate(&model, donor.size ? &donor : &model, &made_size);
	if (!made)
		return NULL;
	out = join(c->header, made, made_size, c->file, c->file_size, size);
	free(made);
	return out;
}

static uint8_t *mutated(const struct file *f, const struct file *other, size_t *size)
{
	struct container c, with;
	uint8_t *out;

	if (container_open(&c, f->data, f->size) || container_open(&with, other->data, other->size))
		return NULL;
	switch (below(8)) {
	case 0:
	case 1:
		out = join(c.header, c.model, c.model_size, c.file, c.file_size, size);
		out[below(CONTAINER_MODEL_BYTES)] = next_random();
		return out;
	case 2:
		return join(with.header, c.model, c.model_size, with.file, with.file_size, size);
	case 3:
		out = join(c.header, c.model, c.model_size, c.file, c.file_size, size);
		change_file(out + CONTAINER_HEADER + c.model_size, &c.file_size);
		*size = CONTAINER_HEADER + c.model_size + c.file_size;
		return out;
	default:
		return with_model(&c, &with, size);
	}
}

static const struct mutator quantize_mutator = { .mutate = mutated };
const struct mutator *const mutator = &quantize_mutator;
