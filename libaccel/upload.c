// SPDX-License-Identifier: MIT
/*
 * Uploads: found by device in the model's list. The model's lock is held while
 * one is made, so that two instances made at once share it.
 */
#include "upload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

#define PAGE	(UINT64_C(1) << ENPU_MMU_PAGE_SHIFT)

static uint64_t place(uint64_t *end, uint64_t size)
{
	uint64_t at = *end;

	*end = (at + size + PAGE - 1) & ~(PAGE - 1);
	return at;
}

static void fill(const struct accel_model *model, const struct accel_upload *upload)
{
	char *memory = upload->mem.map;

	if (model->stream_size)
		memcpy(memory + upload->stream, model->stream, model->stream_size);
	for (uint32_t i = 0; i < model->num_regions; i++)
		if (model->regions[i].role == ENPU_ROLE_CONSTANT && model->regions[i].data_size)
			memcpy(memory + upload->regions[i], model->regions[i].data,
			       model->regions[i].data_size);
}

static int create(struct accel_model *model, struct accel_device *dev,
		  struct accel_upload **out, struct accel_error *err)
{
	struct accel_upload *upload = calloc(1, sizeof(*upload));
	uint64_t size = 0;
	int ret;

	if (!upload)
		return accel_fail(err, -ENOMEM, "out of memory");
	upload->refs = 1;
	upload->dev = dev;
	upload->stream = place(&size, model->stream_size);
	for (uint32_t i = 0; i < model->num_regions; i++)
		if (model->regions[i].role == ENPU_ROLE_CONSTANT)
			upload->regions[i] = place(&size, model->regions[i].size);
	/* A model of CPU steps alone has nothing to upload; a page keeps it simple. */
	ret = accel_memory_create(dev, size ? size : PAGE, ACCEL_BACKEND_BIND_READ_ONLY,
				  "weights and commands", &upload->mem, err);
	if (ret) {
		free(upload);
		return ret;
	}
	fill(model, upload);
	upload->next = model->uploads;
	model->uploads = upload;
	*out = upload;
	return 0;
}

int accel_upload_get(struct accel_model *model, struct accel_device *dev,
		     struct accel_upload **out, struct accel_error *err)
{
	struct accel_upload *upload;
	int ret = 0;

	pthread_mutex_lock(&model->lock);
	for (upload = model->uploads; upload && upload->dev != dev; upload = upload->next)
		;
	if (upload) {
		upload->refs++;
		*out = upload;
	} else {
		ret = create(model, dev, out, err);
	}
	pthread_mutex_unlock(&model->lock);
	return ret;
}

void accel_upload_put(struct accel_model *model, struct accel_upload *upload)
{
	struct accel_upload **at = &model->uploads;

	pthread_mutex_lock(&model->lock);
	if (--upload->refs == 0) {
		while (*at != upload)
			at = &(*at)->next;
		*at = upload->next;
		accel_memory_destroy(&upload->mem);
		free(upload);
	}
	pthread_mutex_unlock(&model->lock);
}
