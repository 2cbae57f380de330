/* SPDX-License-Identifier: MIT */
/*
 * A compiled model, read from an .enpu file and checked. Immutable: one model
 * serves any number of threads, devices and instances.
 */
#ifndef ACCEL_MODEL_H
#define ACCEL_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include <accel/device.h>
#include <accel/error.h>
#include <accel/tensor.h>
#include <accel/version.h>

#ifdef __cplusplus
extern "C" {
#endif

struct accel_model;

/*
 * accel_model_load() - read a compiled model from a file
 *
 * The file may come from anywhere: whatever is wrong with it is refused, with
 * a text that names the file, the section and the field. -ENOEXEC: not a
 * compiled model at all; -EBADMSG: a damaged one; -EPROTONOSUPPORT: a format
 * that this library does not know; else the errno of reading.
 */
ACCEL_API int accel_model_load(const char *path, struct accel_model **model,
			       struct accel_error *err);
/* The same from memory, which is copied. @name stands for the file's name in errors. */
ACCEL_API int accel_model_load_memory(const char *name, const void *data, size_t size,
				      struct accel_model **model, struct accel_error *err);
ACCEL_API struct accel_model *accel_model_ref(struct accel_model *model);
ACCEL_API void accel_model_release(struct accel_model *model);

/* Constant, valid while the model is held; may grow at the end */
struct accel_model_info {
	const char *file;		/* what it was loaded from */
	const char *source;		/* file name of the framework's model */
	const char *compiler;		/* name and version */
	const char *preset;		/* configuration that it was scheduled for */
	uint8_t source_sha256[32];
	uint32_t format;
	uint32_t arch_version;		/* needs at least, with the same major */
	uint32_t caps;			/* needs */
	uint64_t opcodes;		/* needs */
	uint32_t sram_bytes;		/* needs */
	uint32_t num_inputs;
	uint32_t num_outputs;
	uint32_t num_layers;
	uint32_t num_steps;
	uint32_t num_cpu_steps;		/* of num_steps */
	uint64_t constant_bytes;	/* weights and tables: once per device */
	uint64_t scratch_bytes;		/* per instance */
	uint64_t stream_bytes;		/* commands: once per device */
	uint64_t estimated_cycles;	/* by the compiler; 0: no estimate */
	uint64_t state_bytes;		/* per instance: variables, kept from run to run */
};

ACCEL_API const struct accel_model_info *accel_model_info(const struct accel_model *model);

/* NULL past the last */
ACCEL_API const struct accel_tensor *accel_model_input(const struct accel_model *model,
						       unsigned int index);
ACCEL_API const struct accel_tensor *accel_model_output(const struct accel_model *model,
							unsigned int index);

/* An operator of the source model, for reports. Constant, may grow at the end */
struct accel_layer {
	const char *name;		/* of its output tensor */
	const char *type;		/* operator type */
	uint32_t source_index;		/* of the operator in the source model */
	uint64_t macs;
	uint64_t estimated_cycles;
};

/* NULL past the last */
ACCEL_API const struct accel_layer *accel_model_layer(const struct accel_model *model,
						      unsigned int index);

/* A part of the model that runs in one go, in order. Constant, may grow at the end */
struct accel_step {
	const char *name;
	int on_cpu;			/* run by libaccel on the CPU */
};

/* NULL past the last */
ACCEL_API const struct accel_step *accel_model_step(const struct accel_model *model,
						    unsigned int index);

/* Whether @dev can run @model: 0, or -ENOTSUP and what is missing */
ACCEL_API int accel_model_check(const struct accel_model *model,
				const struct accel_device *dev, struct accel_error *err);

#ifdef __cplusplus
}
#endif

#endif
