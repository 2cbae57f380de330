/* SPDX-License-Identifier: MIT */
/*
 * ENPU driver interface: /dev/accel/accelN, driver name "enpu".
 *
 * The contract between libaccel and the kernel. Rules of this header: structs
 * are multiples of 8 bytes; reserved fields and unknown flags must be 0 and
 * are checked; arrays are {stride, count, pointer} so that their elements can
 * grow; ioctl numbers and struct members are only ever appended.
 *
 * Errors common to all: EINVAL for a field out of range or not zero, EFAULT
 * for a bad pointer, ENOENT for an unknown handle, ENOMEM, ENOSPC when a quota
 * is reached, ENODEV when the device is gone.
 */
#ifndef _UAPI_ENPU_ACCEL_H
#define _UAPI_ENPU_ACCEL_H

#include "drm.h"

#if defined(__cplusplus)
extern "C" {
#endif

enum drm_enpu_ioctl_id {
	DRM_ENPU_DEV_QUERY = 0,
	DRM_ENPU_BO_CREATE,
	DRM_ENPU_BO_MMAP_OFFSET,
	DRM_ENPU_VM_CREATE,
	DRM_ENPU_VM_DESTROY,
	DRM_ENPU_VM_BIND,
	DRM_ENPU_QUEUE_CREATE,
	DRM_ENPU_QUEUE_DESTROY,
	DRM_ENPU_QUEUE_QUERY,
	DRM_ENPU_SUBMIT,
	DRM_ENPU_QUEUE_WAIT,
	DRM_ENPU_BO_MADVISE,
};

/**
 * struct drm_enpu_array - an array in user memory
 */
struct drm_enpu_array {
	/** @stride: size of one element as the caller knows it */
	__u32 stride;
	/** @count: number of elements */
	__u32 count;
	/** @array: pointer to the first */
	__u64 array;
};

enum drm_enpu_dev_query_type {
	/** @DRM_ENPU_DEV_QUERY_INFO: struct drm_enpu_dev_info */
	DRM_ENPU_DEV_QUERY_INFO = 0,
	/** @DRM_ENPU_DEV_QUERY_TIMESTAMP: struct drm_enpu_dev_timestamp */
	DRM_ENPU_DEV_QUERY_TIMESTAMP,
};

/**
 * struct drm_enpu_dev_query - ask about the device
 *
 * With @pointer 0, @size is set to the size that the kernel knows. Else at
 * most @size bytes are written, and @size is set to how many were.
 */
struct drm_enpu_dev_query {
	/** @type: enum drm_enpu_dev_query_type */
	__u32 type;
	/** @size: of the buffer; out: written */
	__u32 size;
	/** @pointer: to the struct that @type names, or 0 */
	__u64 pointer;
};

/**
 * struct drm_enpu_dev_info - what the device is and has
 *
 * Up to @clock_khz these are registers of uapi/enpu/regs.h.
 */
struct drm_enpu_dev_info {
	/** @arch_version: ENPU_REG_VERSION: major << 16 | minor */
	__u32 arch_version;
	/** @implementation: the implementer's own revision */
	__u32 implementation;
	/** @caps: ENPU_CAP_* */
	__u32 caps;
	/** @num_queues: that can be active at once */
	__u32 num_queues;
	/** @opcodes: bit n: opcode n is implemented */
	__u64 opcodes;
	/** @num_vms: address spaces */
	__u32 num_vms;
	/** @macs: multiply-accumulates a cycle, for 8-bit operands */
	__u32 macs;
	/** @sram_bytes: size of the SRAM that each job finds */
	__u32 sram_bytes;
	/** @sram_bandwidth: bytes per 1024 cycles */
	__u32 sram_bandwidth;
	/** @dram_bandwidth: bytes per 1024 cycles */
	__u32 dram_bandwidth;
	/** @clock_khz: cycles a millisecond */
	__u32 clock_khz;
	/** @va_start: first device address that VM_BIND takes */
	__u64 va_start;
	/** @va_end: end of the range that VM_BIND takes */
	__u64 va_end;
	/** @max_ring_order: largest QUEUE_CREATE ring_order */
	__u32 max_ring_order;
	/** @reset_count: device resets since the driver was bound */
	__u32 reset_count;
	/** @default_timeout_ms: for QUEUE_CREATE timeout_ms 0 */
	__u32 default_timeout_ms;
	/** @max_timeout_ms: largest QUEUE_CREATE timeout_ms */
	__u32 max_timeout_ms;
};

/**
 * struct drm_enpu_dev_timestamp - the two clocks at nearly one moment
 *
 * EIO: the device is being reset from outside.
 */
struct drm_enpu_dev_timestamp {
	/** @device_ns: device clock */
	__u64 device_ns;
	/** @cpu_ns: CLOCK_MONOTONIC, mean of before and after the read */
	__u64 cpu_ns;
	/** @uncertainty_ns: half of the time between before and after */
	__u64 uncertainty_ns;
};

/**
 * struct drm_enpu_bo_create - create a buffer object of zeroed pages
 */
struct drm_enpu_bo_create {
	/** @size: in bytes; rounded up to pages; out: the real size */
	__u64 size;
	/** @flags: DRM_ENPU_BO_* */
	__u32 flags;
/** Map write-combined for the CPU, not cached */
#define DRM_ENPU_BO_WRITE_COMBINE	(1u << 0)
	/** @handle: out: GEM handle */
	__u32 handle;
};

/**
 * struct drm_enpu_bo_mmap_offset - where to mmap() a buffer object in the device file
 */
struct drm_enpu_bo_mmap_offset {
	/** @handle: GEM handle; not one of an imported dma-buf (EINVAL) */
	__u32 handle;
	/** @pad: must be zero */
	__u32 pad;
	/** @offset: out: for mmap() */
	__u64 offset;
};

/**
 * struct drm_enpu_vm_create - create an address space
 *
 * ENOSPC when the device has no more (dev_info.num_vms).
 */
struct drm_enpu_vm_create {
	/** @flags: must be zero */
	__u32 flags;
	/** @id: out: VM id of this file, not 0 */
	__u32 id;
};

/**
 * struct drm_enpu_vm_destroy - drop an address space
 *
 * Queues keep theirs alive until they are destroyed; the id is free at once.
 */
struct drm_enpu_vm_destroy {
	/** @id: VM id */
	__u32 id;
	/** @pad: must be zero */
	__u32 pad;
};

enum drm_enpu_vm_bind_op_type {
	/** @DRM_ENPU_VM_BIND_MAP: map a BO, replacing what was there */
	DRM_ENPU_VM_BIND_MAP = 0,
	/** @DRM_ENPU_VM_BIND_UNMAP: unmap whatever is in the range */
	DRM_ENPU_VM_BIND_UNMAP,
};

/**
 * struct drm_enpu_vm_bind_op - one change; addresses and sizes are multiples of 4 KiB
 */
struct drm_enpu_vm_bind_op {
	/** @type: enum drm_enpu_vm_bind_op_type */
	__u32 type;
	/** @flags: DRM_ENPU_VM_BIND_* */
	__u32 flags;
/** The device may only read */
#define DRM_ENPU_VM_BIND_READ_ONLY	(1u << 0)
	/** @bo_handle: MAP: GEM handle; UNMAP: 0 */
	__u32 bo_handle;
	/** @pad: must be zero */
	__u32 pad;
	/** @bo_offset: MAP: first byte of the BO; UNMAP: 0 */
	__u64 bo_offset;
	/** @va: device address */
	__u64 va;
	/** @size: bytes, not 0 */
	__u64 size;
};

/**
 * struct drm_enpu_vm_bind - change an address space
 *
 * Synchronous: when it returns, the device sees the change, and no longer
 * what was unmapped. Unmapping what a running job uses is a fault of that job.
 * The operations are done in order; on an error those before it stay done.
 */
struct drm_enpu_vm_bind {
	/** @vm_id: VM id */
	__u32 vm_id;
	/** @flags: must be zero */
	__u32 flags;
	/** @ops: array of struct drm_enpu_vm_bind_op; out: count is how many were done */
	struct drm_enpu_array ops;
};

enum drm_enpu_queue_mode {
	/** @DRM_ENPU_QUEUE_KERNEL: SUBMIT, syncobjs, fences */
	DRM_ENPU_QUEUE_KERNEL = 0,
	/**
	 * @DRM_ENPU_QUEUE_USER: the process writes ring and doorbell itself, and
	 * waits for the status page's count, or with QUEUE_WAIT; never a fence
	 */
	DRM_ENPU_QUEUE_USER,
};

enum drm_enpu_queue_priority {
	DRM_ENPU_PRIORITY_LOW = 0,
	DRM_ENPU_PRIORITY_NORMAL,
	/** @DRM_ENPU_PRIORITY_HIGH: needs CAP_SYS_NICE, else EACCES */
	DRM_ENPU_PRIORITY_HIGH,
	/** @DRM_ENPU_PRIORITY_REALTIME: needs CAP_SYS_NICE, else EACCES */
	DRM_ENPU_PRIORITY_REALTIME,
};

#define DRM_ENPU_QUEUE_LABEL_LEN	32

/**
 * struct drm_enpu_queue_create - create a queue
 *
 * ENOSPC when the device has no more (dev_info.num_queues).
 *
 * A USER queue has three pages or ranges to mmap() in the device file. Ring:
 * struct enpu_job[ring_entries], read and write. Status: struct
 * enpu_queue_status, read only. Doorbell: one page, write only; a 32-bit store
 * at its start gives the new producer index. The kernel may take the doorbell
 * away and give it back at the next access, unseen. When the queue has failed
 * or the device is gone, stores to it have no effect: the status page's state
 * is HALTED then, and QUEUE_WAIT and QUEUE_QUERY say why.
 */
struct drm_enpu_queue_create {
	/** @vm_id: address space of its jobs */
	__u32 vm_id;
	/** @mode: enum drm_enpu_queue_mode */
	__u32 mode;
	/** @priority: enum drm_enpu_queue_priority */
	__u32 priority;
	/** @ring_order: log2 of the number of jobs in flight; 0: the default */
	__u32 ring_order;
	/** @timeout_ms: per job; 0: the default */
	__u32 timeout_ms;
	/** @flags: must be zero */
	__u32 flags;
	/** @label: for accounting, e.g. the model's name; NUL-terminated */
	char label[DRM_ENPU_QUEUE_LABEL_LEN];
	/** @id: out: queue id of this file, not 0 */
	__u32 id;
	/** @pad: must be zero */
	__u32 pad;
	/** @ring_offset: out: USER: for mmap() of the ring */
	__u64 ring_offset;
	/** @status_offset: out: USER: for mmap() of the status page */
	__u64 status_offset;
	/** @doorbell_offset: out: USER: for mmap() of the doorbell page */
	__u64 doorbell_offset;
	/** @ring_entries: out: jobs that the ring holds */
	__u32 ring_entries;
	/** @pad2: must be zero */
	__u32 pad2;
};

/**
 * struct drm_enpu_queue_destroy - destroy a queue; its pending jobs fail with ECANCELED
 */
struct drm_enpu_queue_destroy {
	/** @id: queue id */
	__u32 id;
	/** @pad: must be zero */
	__u32 pad;
};

enum drm_enpu_queue_state {
	DRM_ENPU_QUEUE_ACTIVE = 0,
	/** @DRM_ENPU_QUEUE_BANNED: a job failed; it takes no more (SUBMIT: EIO) */
	DRM_ENPU_QUEUE_BANNED,
	/** @DRM_ENPU_QUEUE_LOST: the device was reset (SUBMIT: EIO) or is gone (ENODEV) */
	DRM_ENPU_QUEUE_LOST,
};

/**
 * struct drm_enpu_queue_query - how a queue fares, and why it failed
 */
struct drm_enpu_queue_query {
	/** @id: queue id */
	__u32 id;
	/** @pad: must be zero */
	__u32 pad;
	/** @state: out: enum drm_enpu_queue_state */
	__u32 state;
	/** @error: out: positive errno of the failure: EFAULT, ETIME, ENODEV, EIO; 0: none */
	__u32 error;
	/** @fault_cause: out: enum enpu_fault_cause */
	__u32 fault_cause;
	/** @fault_command: out: index in the command stream */
	__u32 fault_command;
	/** @fault_addr: out: by cause, see struct enpu_queue_status */
	__u64 fault_addr;
	/** @fault_job: out: number of the job, counted from 1 */
	__u64 fault_job;
	/** @fault_layer: out: layer of that command */
	__u32 fault_layer;
	/** @fault_opcode: out: opcode of that command */
	__u32 fault_opcode;
	/** @submitted: out: jobs taken by SUBMIT, or that the doorbell told of */
	__u64 submitted;
	/** @completed: out: jobs that completed without an error */
	__u64 completed;
	/** @busy_ns: out: time spent on its jobs, device clock */
	__u64 busy_ns;
	/** @busy_cycles: out: simulated or real device cycles spent on its jobs */
	__u64 busy_cycles;
};

/**
 * struct drm_enpu_command - one job
 *
 * Layouts in uapi/enpu/regs.h (struct enpu_job). The kernel doesn't read what
 * the addresses point to: the device checks every access.
 */
struct drm_enpu_command {
	/** @stream_va: 8-byte aligned */
	__u64 stream_va;
	/** @stream_size: bytes; 0: no work */
	__u32 stream_size;
	/** @num_regions: at most ENPU_MAX_REGIONS */
	__u32 num_regions;
	/** @regions_va: struct enpu_region[num_regions], 8-byte aligned */
	__u64 regions_va;
	/** @profile_va: struct enpu_profile to write, 8-byte aligned; 0: none */
	__u64 profile_va;
	/** @cookie: copied to the profile record */
	__u64 cookie;
	/** @flags: must be zero */
	__u32 flags;
	/** @pad: must be zero */
	__u32 pad;
};

/**
 * struct drm_enpu_sync - one syncobj to wait for or to signal
 */
struct drm_enpu_sync {
	/** @handle: syncobj */
	__u32 handle;
	/** @flags: DRM_ENPU_SYNC_* */
	__u32 flags;
/** Signal when all commands are complete; without it: wait before the first */
#define DRM_ENPU_SYNC_SIGNAL		(1u << 0)
	/** @point: timeline point; 0: a binary syncobj */
	__u64 point;
};

/**
 * struct drm_enpu_submit - submit jobs to a KERNEL queue
 *
 * All or nothing: on an error no job was queued and no syncobj changed. The
 * jobs run in order, after all waits. Without commands it is a sync point,
 * ordered like a job. EIO: the queue is banned.
 */
struct drm_enpu_submit {
	/** @queue_id: queue id */
	__u32 queue_id;
	/** @flags: must be zero */
	__u32 flags;
	/** @commands: array of struct drm_enpu_command; at most what the ring holds */
	struct drm_enpu_array commands;
	/** @syncs: array of struct drm_enpu_sync; at most 1024 */
	struct drm_enpu_array syncs;
};

/**
 * struct drm_enpu_queue_wait - wait until a USER queue has completed a number of jobs
 *
 * Jobs that somebody is to wait for carry ENPU_JOB_IRQ. ETIME: not by then;
 * EIO: the queue has failed, see QUEUE_QUERY; EINTR: a signal.
 */
struct drm_enpu_queue_wait {
	/** @id: queue id; EINVAL for a KERNEL queue */
	__u32 id;
	/** @flags: must be zero */
	__u32 flags;
	/** @completed: value of the status page's count to wait for */
	__u64 completed;
	/** @timeout_ns: absolute, CLOCK_MONOTONIC; 0: poll */
	__s64 timeout_ns;
};

enum drm_enpu_madvise {
	/** @DRM_ENPU_MADV_WILLNEED: contents matter */
	DRM_ENPU_MADV_WILLNEED = 0,
	/** @DRM_ENPU_MADV_DONTNEED: contents may be dropped when memory is short */
	DRM_ENPU_MADV_DONTNEED,
};

/**
 * struct drm_enpu_bo_madvise - say whether a buffer object's contents matter
 *
 * A BO that was purged can't be used any more (its pages read as gone: SIGBUS
 * for the CPU, a fault for the device; mapping or exporting it is ESTALE);
 * create another. EBUSY: imported, or exported at any time. Exporting a BO that
 * is not needed is EBUSY too.
 */
struct drm_enpu_bo_madvise {
	/** @handle: GEM handle */
	__u32 handle;
	/** @advice: enum drm_enpu_madvise */
	__u32 advice;
	/** @retained: out: 1 if the contents are still there, 0 if purged */
	__u32 retained;
	/** @pad: must be zero */
	__u32 pad;
};

#define DRM_IOCTL_ENPU(access, id, type) \
	DRM_IO ## access(DRM_COMMAND_BASE + DRM_ENPU_ ## id, struct drm_enpu_ ## type)

#define DRM_IOCTL_ENPU_DEV_QUERY	DRM_IOCTL_ENPU(WR, DEV_QUERY, dev_query)
#define DRM_IOCTL_ENPU_BO_CREATE	DRM_IOCTL_ENPU(WR, BO_CREATE, bo_create)
#define DRM_IOCTL_ENPU_BO_MMAP_OFFSET	DRM_IOCTL_ENPU(WR, BO_MMAP_OFFSET, bo_mmap_offset)
#define DRM_IOCTL_ENPU_VM_CREATE	DRM_IOCTL_ENPU(WR, VM_CREATE, vm_create)
#define DRM_IOCTL_ENPU_VM_DESTROY	DRM_IOCTL_ENPU(WR, VM_DESTROY, vm_destroy)
#define DRM_IOCTL_ENPU_VM_BIND		DRM_IOCTL_ENPU(WR, VM_BIND, vm_bind)
#define DRM_IOCTL_ENPU_QUEUE_CREATE	DRM_IOCTL_ENPU(WR, QUEUE_CREATE, queue_create)
#define DRM_IOCTL_ENPU_QUEUE_DESTROY	DRM_IOCTL_ENPU(WR, QUEUE_DESTROY, queue_destroy)
#define DRM_IOCTL_ENPU_QUEUE_QUERY	DRM_IOCTL_ENPU(WR, QUEUE_QUERY, queue_query)
#define DRM_IOCTL_ENPU_SUBMIT		DRM_IOCTL_ENPU(WR, SUBMIT, submit)
#define DRM_IOCTL_ENPU_QUEUE_WAIT	DRM_IOCTL_ENPU(WR, QUEUE_WAIT, queue_wait)
#define DRM_IOCTL_ENPU_BO_MADVISE	DRM_IOCTL_ENPU(WR, BO_MADVISE, bo_madvise)

#if defined(__cplusplus)
}
#endif

#endif
