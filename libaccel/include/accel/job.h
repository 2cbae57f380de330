/* SPDX-License-Identifier: MIT */
/* A job: one inference that was submitted. */
#ifndef ACCEL_JOB_H
#define ACCEL_JOB_H

#include <stdint.h>

#include <accel/error.h>
#include <accel/version.h>

#ifdef __cplusplus
extern "C" {
#endif

struct accel_job;

#define ACCEL_FOREVER	INT64_C(-1)

/*
 * accel_job_wait() - wait until the job is complete
 * @timeout_ns: ACCEL_FOREVER: no limit
 *
 * 0: complete; -ETIME: not within @timeout_ns. Else it failed: -EFAULT: the
 * device refused an access or a command, accel_job_fault() has the particulars;
 * -ETIMEDOUT: it ran longer than the queue's timeout; -ECANCELED: abandoned;
 * -ENODEV: the device is gone; -EIO: the device was reset; -EINVAL: a step on
 * the CPU refused its input. May be called again, and then says the same.
 */
ACCEL_API int accel_job_wait(struct accel_job *job, int64_t timeout_ns, struct accel_error *err);
/* The same without waiting: 0, -ETIME, or why it failed */
ACCEL_API int accel_job_poll(struct accel_job *job, struct accel_error *err);

/*
 * A file descriptor that polls readable (POLLIN) from when the job is complete
 * or has failed. Then accel_job_poll() says which. The caller closes it, and
 * doesn't read from it: all descriptors of a job may be one file.
 */
ACCEL_API int accel_job_fence_fd(struct accel_job *job, struct accel_error *err);

/* What stopped a job that ended with -EFAULT or -ETIMEDOUT. May grow at the end */
struct accel_fault {
	const char *cause;		/* e.g. "unmapped address"; static */
	const char *queue;		/* label of the instance */
	const char *step;		/* of the model; NULL: unknown */
	const char *layer;		/* operator of the source model, by name; NULL: unknown */
	const char *layer_type;
	uint32_t command;		/* index in the step's stream; UINT32_MAX: none */
	uint32_t opcode;
	uint64_t addr;			/* device address, by cause */
};

/* NULL: it did not fail, or not in the device. Valid while the job and its instance are held */
ACCEL_API const struct accel_fault *accel_job_fault(const struct accel_job *job);

/* Names of enum enpu_fault_cause and enum enpu_opcode, for people; static, never NULL */
ACCEL_API const char *accel_fault_cause_text(uint32_t cause);
ACCEL_API const char *accel_opcode_name(uint32_t opcode);

#define ACCEL_NUM_ENGINES	4

/* What a job cost, the sum over its NPU steps. May grow at the end */
struct accel_profile {
	uint64_t device_ns;		/* device clock, spent in the steps */
	uint64_t cycles;		/* of the NPU; simulated ones if it is a model */
	uint64_t engine_cycles[ACCEL_NUM_ENGINES];	/* DMA 0, DMA 1, MAC, vector: busy */
	uint64_t macs;
	uint64_t dram_read;		/* bytes */
	uint64_t dram_written;
	uint64_t sram_read;
	uint64_t sram_written;
	uint64_t commands;
	uint64_t cpu_ns;		/* wall time of the steps on the CPU */
};

/* NULL: not asked for by ACCEL_SUBMIT_PROFILE, or not complete. Valid while the job is held */
ACCEL_API const struct accel_profile *accel_job_profile(const struct accel_job *job);

/* A job that is still running runs on. */
ACCEL_API void accel_job_release(struct accel_job *job);

#ifdef __cplusplus
}
#endif

#endif
