/* SPDX-License-Identifier: MIT */
/* A model inside the library: what the loader checked, as pointers and sizes. */
#ifndef LIBACCEL_MODEL_H
#define LIBACCEL_MODEL_H

#include <pthread.h>
#include <stdatomic.h>

#include <accel/model.h>
#include <enpu/model.h>
#include <enpu/regs.h>

struct accel_cpu_op;
struct accel_upload;

struct accel_region {
	enum enpu_region_role role;
	uint64_t size;
	const void *data;		/* CONSTANT, STATE: first content; past data_size 0 */
	uint64_t data_size;
};

struct accel_model_tensor {
	struct accel_tensor tensor;	/* first: what users see */
	enum enpu_tensor_role role;
	uint32_t region;
	uint64_t offset;		/* offset + tensor.size <= the region's size */
	int alone;			/* in its region, at offset 0 */
};

struct accel_model_step {
	struct accel_step step;		/* first: what users see */
	const struct accel_cpu_op *op;	/* CPU only */
	uint64_t stream_offset;		/* NPU: in the stream */
	uint32_t stream_size;
	const void *params;		/* CPU */
	uint64_t params_size;
	uint32_t num_inputs;
	uint32_t num_outputs;
	const struct accel_model_tensor *inputs[ENPU_STEP_MAX_TENSORS];
	const struct accel_model_tensor *outputs[ENPU_STEP_MAX_TENSORS];
};

struct accel_model {
	atomic_uint refs;
	struct accel_model_info info;
	char *file;
	void *image;			/* the file; strings and data point into it */
	const unsigned char *stream;
	uint64_t stream_size;
	struct accel_region regions[ENPU_MAX_REGIONS];
	uint32_t num_regions;
	struct accel_model_tensor *tensors;
	uint32_t num_tensors;
	const struct accel_model_tensor **inputs;	/* info.num_inputs */
	const struct accel_model_tensor **outputs;	/* info.num_outputs */
	struct accel_model_step *steps;
	struct accel_layer *layers;
	uint32_t num_npu_steps;

	pthread_mutex_t lock;		/* of uploads */
	struct accel_upload *uploads;	/* one per device that has instances */
};

/*
 * Fill in a zeroed model from the file @image, which it keeps pointing into.
 * What a failed load has allocated is released with the model.
 */
int accel_model_parse(struct accel_model *model, const void *image, size_t size,
		      struct accel_error *err);

#endif
