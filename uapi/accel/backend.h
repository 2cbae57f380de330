/* SPDX-License-Identifier: MIT */
/*
 * What libaccel asks of a backend: devices, buffers, address spaces, queues.
 *
 * The contract between libaccel and its backends. A backend is a table of
 * functions; a plug-in is a shared object libaccel-NAME.so that exports
 * accel_backend_entry(). It has the shape of the driver's interface, so that
 * the drm backend is thin and an in-process device fits as well.
 *
 * Unless stated otherwise functions return 0 or a negative errno, may be
 * called from any thread for different objects, and for one object from one
 * thread at a time; submit and wait may be called concurrently. On failure a
 * backend may leave a reason by accel_backend_error.text.
 */
#ifndef _ACCEL_BACKEND_H
#define _ACCEL_BACKEND_H

#include <stddef.h>
#include <stdint.h>

#define ACCEL_BACKEND_ABI	1

struct accel_backend_device;
struct accel_backend_bo;
struct accel_backend_vm;
struct accel_backend_queue;

/* A reason in words, filled in by functions that take one; may be NULL */
struct accel_backend_error {
	char text[256];
};

struct accel_backend_info {
	char name[64];			/* for people, e.g. "ENPU 0000:01:00.0" */
	char driver[32];		/* driver or plug-in name and version */
	uint32_t arch_version;		/* ENPU_REG_VERSION */
	uint32_t caps;			/* ENPU_CAP_* */
	uint64_t opcodes;
	uint32_t macs;			/* per cycle */
	uint32_t sram_bytes;
	uint32_t sram_bandwidth;	/* bytes per 1024 cycles */
	uint32_t dram_bandwidth;
	uint32_t clock_khz;
	uint32_t num_queues;
	uint64_t va_start;		/* usable device addresses: [va_start, va_end) */
	uint64_t va_end;
};

struct accel_backend_queue_attrs {
	uint32_t priority;		/* enum enpu_priority */
	uint32_t timeout_ms;		/* per job; 0: the default */
	char label[32];			/* who it is; for accounting */
};

struct accel_backend_job {
	uint64_t stream_va;
	uint32_t stream_size;
	uint32_t num_regions;
	uint64_t regions_va;		/* struct enpu_region[], in device memory */
	uint64_t profile_va;		/* struct enpu_profile, 0: none */
};

/* Why a queue failed; see enum enpu_fault_cause */
struct accel_backend_fault {
	uint32_t cause;			/* ENPU_FAULT_NONE: no fault; then error says */
	int32_t error;			/* errno of the queue's failure, 0: healthy */
	uint32_t command;
	uint32_t layer;
	uint32_t opcode;
	uint32_t reserved;
	uint64_t addr;
	uint64_t job;			/* point of the job that failed */
};

#define ACCEL_BACKEND_BIND_READ_ONLY	(1u << 0)

struct accel_backend_ops {
	uint32_t abi;			/* ACCEL_BACKEND_ABI */
	uint32_t size;			/* of this struct: later members are appended */
	const char *name;		/* "drm", "sim" */

	/* Number of devices, or -errno. A device's id is NAME:INDEX. */
	int (*count)(void);
	int (*open)(unsigned int index, struct accel_backend_device **dev,
		    struct accel_backend_error *err);
	void (*close)(struct accel_backend_device *dev);
	int (*query)(struct accel_backend_device *dev, struct accel_backend_info *info);

	/* Zeroed, page granular, coherent between CPU and device */
	int (*bo_create)(struct accel_backend_device *dev, uint64_t size,
			 struct accel_backend_bo **bo);
	void (*bo_destroy)(struct accel_backend_bo *bo);
	void *(*bo_map)(struct accel_backend_bo *bo);	/* valid until destroy; NULL: errno */

	int (*vm_create)(struct accel_backend_device *dev, struct accel_backend_vm **vm);
	void (*vm_destroy)(struct accel_backend_vm *vm);
	/* va, offset and size are multiples of 4 KiB. A mapping holds the BO alive. */
	int (*vm_bind)(struct accel_backend_vm *vm, uint64_t va, struct accel_backend_bo *bo,
		       uint64_t offset, uint64_t size, uint32_t flags);
	int (*vm_unbind)(struct accel_backend_vm *vm, uint64_t va, uint64_t size);

	int (*queue_create)(struct accel_backend_vm *vm,
			    const struct accel_backend_queue_attrs *attrs,
			    struct accel_backend_queue **queue);
	/* Jobs still pending are abandoned */
	void (*queue_destroy)(struct accel_backend_queue *queue);
	/* Points of a queue are 1, 2, 3 … in submission order, and complete in that order. */
	int (*submit)(struct accel_backend_queue *queue, const struct accel_backend_job *job,
		      uint64_t *point);
	/*
	 * timeout_ns < 0: no limit, 0: poll. 0 done, -ETIME not yet, other: the job
	 * failed; queue_fault() says why, and the queue takes no more jobs.
	 */
	int (*wait)(struct accel_backend_queue *queue, uint64_t point, int64_t timeout_ns);
	/* A file descriptor that polls readable when point is complete or failed; caller closes */
	int (*fence_fd)(struct accel_backend_queue *queue, uint64_t point);
	int (*queue_fault)(struct accel_backend_queue *queue, struct accel_backend_fault *fault);
};

/* A plug-in's one export. NULL if it can't work here. */
const struct accel_backend_ops *accel_backend_entry(void);

#endif
