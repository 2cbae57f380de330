/* SPDX-License-Identifier: MIT */
/*
 * ENPU device coredump, version 1: what the driver leaves when a job or the
 * device has failed, /sys/class/devcoredump/devcdN/data.
 *
 * The contract between the driver and tools. A header, then sections, each a
 * struct enpu_coredump_section followed by its data and zeros up to a multiple
 * of 8 bytes. Readers skip sections whose type they don't know, and take it
 * that a section may be absent, or longer than their struct. All fields are
 * little endian; reserved ones are 0.
 *
 * What a dump holds of a process's memory is the failed job's command stream and
 * region table. Only root can read it.
 */
#ifndef _ENPU_COREDUMP_H
#define _ENPU_COREDUMP_H

#include <linux/types.h>

#define ENPU_COREDUMP_MAGIC		0x504d554455504e45ull	/* "ENPUDUMP" */
#define ENPU_COREDUMP_VERSION		1

struct enpu_coredump_header {
	__u64 magic;
	__u32 version;
	__u32 header_size;		/* where the first section is */
	__u64 size;			/* of the whole dump */
	__u64 reserved;
};

enum enpu_coredump_type {
	ENPU_COREDUMP_INFO = 1,		/* struct enpu_coredump_info */
	ENPU_COREDUMP_REGISTERS,	/* struct enpu_coredump_register[] */
	ENPU_COREDUMP_QUEUE,		/* struct enpu_coredump_queue: of the failed job */
	ENPU_COREDUMP_STATUS,		/* struct enpu_queue_status: its status page */
	ENPU_COREDUMP_RING,		/* struct enpu_coredump_ring, struct enpu_job[] */
	ENPU_COREDUMP_STREAM,		/* struct enpu_coredump_memory, bytes: the job's stream */
	ENPU_COREDUMP_REGIONS,		/* the same: its struct enpu_region[] */
	ENPU_COREDUMP_VM,		/* struct enpu_coredump_mapping[]: its address space */
};

struct enpu_coredump_section {
	__u32 type;			/* enum enpu_coredump_type */
	__u32 reserved;
	__u64 size;			/* of the data, without what it is filled up with */
};

enum enpu_coredump_reason {
	ENPU_COREDUMP_FAULT = 1,	/* a job's command failed; see the status page */
	ENPU_COREDUMP_HANG,		/* a job made no progress for its queue's timeout */
	ENPU_COREDUMP_STUCK,		/* a queue did not stop: the device was reset */
	ENPU_COREDUMP_FATAL,		/* the device said that only a reset helps */
	ENPU_COREDUMP_TLB,		/* an invalidation did not complete: likewise */
};

struct enpu_coredump_info {
	__u32 reason;			/* enum enpu_coredump_reason */
	__u32 error;			/* positive errno that the job got; 0: none */
	__u64 real_ns;			/* when: CLOCK_REALTIME */
	__u64 boot_ns;			/* the same moment: CLOCK_BOOTTIME */
	__u32 reset_count;		/* device resets before it */
	__u32 alive;			/* 1: the device answered, there are registers */
	char device[32];		/* PCI address; NUL-terminated, like the next */
	char kernel[64];		/* its release */
};

struct enpu_coredump_register {
	__u32 offset;			/* ENPU_REG_* */
	__u32 value;
};

struct enpu_coredump_queue {
	char label[32];			/* NUL-terminated */
	__u32 slot;			/* the hardware queue */
	__u32 mode;			/* enum drm_enpu_queue_mode */
	__u32 priority;			/* enum enpu_priority */
	__u32 vm;
	__u32 ring_order;
	__u32 timeout_ms;
	__u64 producer;			/* jobs put into the ring, as far as the driver knew */
	__u64 job;			/* index of the one that failed, counted from 0 */
};

struct enpu_coredump_ring {
	__u64 first;			/* index of the first job that follows */
	__u64 count;
};

struct enpu_coredump_memory {
	__u64 va;
	__u64 size;			/* what there is at va; maybe more than follows */
};

struct enpu_coredump_mapping {
	__u64 va;
	__u64 size;
	__u64 bo_offset;
	__u64 bo_size;
	__u32 bo;			/* its inode: the same number, the same buffer object */
	__u32 flags;
#define ENPU_COREDUMP_WRITE	(1u << 0)	/* the device may write */
#define ENPU_COREDUMP_IMPORTED	(1u << 1)	/* a dma-buf of somebody else's */
};

#endif
