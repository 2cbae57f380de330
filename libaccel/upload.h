/* SPDX-License-Identifier: MIT */
/*
 * A model on a device: its commands and constants, once, read only for the
 * device, shared by all instances of the model there.
 */
#ifndef LIBACCEL_UPLOAD_H
#define LIBACCEL_UPLOAD_H

#include "device.h"
#include "model.h"

struct accel_upload {
	struct accel_upload *next;	/* under the model's lock, as refs */
	unsigned int refs;
	struct accel_device *dev;	/* not held: the instances do */
	struct accel_memory mem;
	uint64_t stream;		/* offsets in mem */
	uint64_t regions[ENPU_MAX_REGIONS];	/* of CONSTANT regions */
};

/* The upload of @model to @dev, made if it isn't there */
int accel_upload_get(struct accel_model *model, struct accel_device *dev,
		     struct accel_upload **upload, struct accel_error *err);
void accel_upload_put(struct accel_model *model, struct accel_upload *upload);

#endif
