/* SPDX-License-Identifier: MIT */
/*
 * An instance: a model ready to run on a device, with inputs, outputs and
 * scratch memory of its own and a queue of the device. All instances of a
 * model on one device share its weights and commands.
 *
 * An instance runs one inference at a time; for more in flight at once, make
 * more instances.
 */
#ifndef ACCEL_INSTANCE_H
#define ACCEL_INSTANCE_H

#include <stddef.h>
#include <stdint.h>

#include <accel/buffer.h>
#include <accel/device.h>
#include <accel/error.h>
#include <accel/job.h>
#include <accel/model.h>
#include <accel/version.h>

#ifdef __cplusplus
extern "C" {
#endif

struct accel_instance;

enum accel_priority {
	ACCEL_PRIORITY_NORMAL,
	ACCEL_PRIORITY_LOW,
	ACCEL_PRIORITY_HIGH,		/* drm: needs CAP_SYS_NICE */
	ACCEL_PRIORITY_REALTIME,	/* drm: needs CAP_SYS_NICE */
};

struct accel_instance_options {
	size_t size;			/* sizeof(struct accel_instance_options) */
	enum accel_priority priority;
	uint32_t timeout_ms;		/* for each NPU step; 0: the device's default */
	const char *label;		/* shown in accounting; NULL: the source model's name */
};

/*
 * accel_instance_create() - make @model ready to run on @dev
 * @opts: NULL or all zero but size: the defaults
 *
 * -ENOTSUP: the device lacks what the model needs; -ENOSPC: all queues of the
 * device are in use; -ENOMEM.
 */
ACCEL_API int accel_instance_create(struct accel_model *model, struct accel_device *dev,
				    const struct accel_instance_options *opts,
				    struct accel_instance **inst, struct accel_error *err);
/* A job still running is abandoned: it ends with -ECANCELED. */
ACCEL_API void accel_instance_release(struct accel_instance *inst);

/*
 * Memory of an input or output, of the tensor's size and aligned for its type;
 * NULL past the last. Valid until release or another bind. Inputs keep what
 * was written. While a job runs, inputs must not be written, and outputs are
 * undefined.
 */
ACCEL_API void *accel_instance_input(struct accel_instance *inst, unsigned int index);
ACCEL_API const void *accel_instance_output(struct accel_instance *inst, unsigned int index);

/*
 * Use @size bytes at @offset of @buf, of the same device, as an input or
 * output; @offset is a multiple of ACCEL_BUFFER_ALIGN. The instance holds the
 * buffer until it is bound to another, or to NULL: back to its own memory.
 * -EBUSY: a job is running; -ENOTSUP: the tensor shares its region with others.
 */
ACCEL_API int accel_instance_bind_input(struct accel_instance *inst, unsigned int index,
					struct accel_buffer *buf, size_t offset,
					struct accel_error *err);
ACCEL_API int accel_instance_bind_output(struct accel_instance *inst, unsigned int index,
					 struct accel_buffer *buf, size_t offset,
					 struct accel_error *err);

/*
 * accel_instance_reset() - give the model's variables their first values again
 *
 * Some models keep state from run to run, as those that hear one piece of sound after
 * another (accel_model_info.state_bytes). After a job that failed, variables may be those
 * of before or after it, or some of each. -EBUSY: a job is running.
 */
ACCEL_API int accel_instance_reset(struct accel_instance *inst, struct accel_error *err);

/* Run, and wait for the result. Errors as accel_job_wait(). */
ACCEL_API int accel_instance_run(struct accel_instance *inst, struct accel_error *err);

#define ACCEL_SUBMIT_PROFILE	(1u << 0)	/* record a profile; -ENOTSUP if the device can't */

/*
 * accel_instance_submit() - start to run, and return at once
 * @flags: ACCEL_SUBMIT_*
 * @job: to be released by the caller
 *
 * A model whose steps are all for the NPU is handed to the device as a whole.
 * If the CPU has a part in it, a thread of the instance, made by the first such
 * submit, carries the job from step to step.
 * After a job that failed, the next submit starts afresh with a new queue.
 * -EBUSY: the job before is not complete.
 */
ACCEL_API int accel_instance_submit(struct accel_instance *inst, uint32_t flags,
				    struct accel_job **job, struct accel_error *err);

#ifdef __cplusplus
}
#endif

#endif
