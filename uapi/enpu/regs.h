/* SPDX-License-Identifier: MIT */
/*
 * ENPU architecture 1: PCI identity, registers, queues, MMU.
 *
 * The contract between the driver and the device. Every field is little
 * endian; registers are 32 bits wide and take aligned 32-bit accesses only.
 * 64-bit quantities are a LO/HI pair. Documentation/hardware.rst has the
 * behaviour behind the names.
 */
#ifndef _ENPU_REGS_H
#define _ENPU_REGS_H

#include <linux/types.h>

/* PCI identity. The IDs are unassigned ones; MAGIC tells a true ENPU. */
#define ENPU_PCI_VENDOR_ID		0x1234
#define ENPU_PCI_DEVICE_ID		0x4e50
#define ENPU_PCI_REVISION		0x01
#define ENPU_PCI_CLASS			0x120000	/* processing accelerator */
#define ENPU_BAR_REGS			0		/* 64-bit, not prefetchable */
#define ENPU_BAR_REGS_SIZE		0x800000
#define ENPU_BAR_MSIX			4
#define ENPU_MSIX_VECTORS		32

/* Identity and discovery (read only, constant after reset) */
#define ENPU_REG_MAGIC			0x000
#define  ENPU_MAGIC			0x55504e45	/* "ENPU" */
#define ENPU_REG_VERSION		0x004		/* major << 16 | minor */
#define  ENPU_VERSION_1_0		0x00010000
#define ENPU_REG_IMPLEMENTATION		0x008		/* implementer's own revision */
#define ENPU_REG_CAPS			0x00c
#define  ENPU_CAP_INT4_WEIGHTS		(1u << 0)
#define  ENPU_CAP_INT16			(1u << 1)	/* int16 activations */
#define  ENPU_CAP_PREEMPTION		(1u << 2)	/* at command boundaries */
#define  ENPU_CAP_PROFILE		(1u << 3)	/* per-job profile record */
#define ENPU_REG_OPCODES_LO		0x010		/* bit n: opcode n is implemented */
#define ENPU_REG_OPCODES_HI		0x014
#define ENPU_REG_NUM_QUEUES		0x018		/* 1 to ENPU_MAX_QUEUES */
#define ENPU_REG_NUM_VMS		0x01c		/* 1 to ENPU_MAX_VMS */
#define ENPU_REG_NUM_VECTORS		0x020
#define ENPU_REG_VA_BITS		0x024		/* 39 in version 1 */
#define ENPU_REG_MAX_RING_ORDER		0x028		/* log2 of entries */
#define ENPU_REG_DOORBELL_OFFSET	0x02c		/* of queue 0's page in BAR 0 */
#define ENPU_REG_DOORBELL_STRIDE	0x030		/* between queues' pages */
#define ENPU_REG_MACS			0x034		/* multiply-accumulates a cycle */
#define ENPU_REG_SRAM_BYTES		0x038
#define ENPU_REG_SRAM_BANDWIDTH		0x03c		/* bytes per 1024 cycles */
#define ENPU_REG_DRAM_BANDWIDTH		0x040		/* bytes per 1024 cycles */
#define ENPU_REG_CLOCK_KHZ		0x044

#define ENPU_MAX_QUEUES			64
#define ENPU_MAX_VMS			64
#define ENPU_VA_BITS			39

/* Control */
#define ENPU_REG_STATUS			0x080		/* read only */
#define  ENPU_STATUS_READY		(1u << 0)
#define  ENPU_STATUS_RESETTING		(1u << 1)
#define  ENPU_STATUS_FATAL		(1u << 2)	/* needs a reset */
#define ENPU_REG_RESET			0x084		/* write ENPU_RESET_KEY */
#define  ENPU_RESET_KEY			0x52455345
#define ENPU_REG_EVENTS			0x088		/* write 1 to clear */
#define  ENPU_EVENT_RESET_DONE		(1u << 0)
#define  ENPU_EVENT_FATAL		(1u << 1)
#define ENPU_REG_EVENT_ENABLE		0x08c		/* enabled events raise vector 0 */
#define ENPU_REG_TIME_LO		0x090		/* device clock, ns; LO latches HI */
#define ENPU_REG_TIME_HI		0x094

/*
 * TLB invalidation. A write asks for one; DONE counts (mod 2^32) those that
 * are complete: from then on no access made through the old tables is in
 * flight. Invalidations complete in the order of the writes.
 */
#define ENPU_REG_TLB_INVALIDATE		0x0a0		/* write: VM number, or ALL */
#define  ENPU_TLB_ALL			0xffffffff
#define ENPU_REG_TLB_DONE		0x0a4

/*
 * With ENPU_CAP_PREEMPTION: how long a job may run, in microseconds of the
 * device clock, while one of equal priority waits. 0: until it is complete.
 */
#define ENPU_REG_TIME_SLICE		0x0a8
#define  ENPU_TIME_SLICE_DEFAULT	1000

/* Device-wide counters since reset, 64 bits each; reading LO latches HI */
#define ENPU_REG_COUNTER(n)		(0x100 + 8 * (n))
enum enpu_counter {
	ENPU_COUNTER_JOBS,		/* completed */
	ENPU_COUNTER_COMMANDS,		/* completed */
	ENPU_COUNTER_CYCLES,		/* simulated, while a job was running */
	ENPU_COUNTER_MAC_CYCLES,
	ENPU_COUNTER_DRAM_READ,		/* bytes */
	ENPU_COUNTER_DRAM_WRITTEN,	/* bytes */
	ENPU_COUNTER_FAULTS,
	ENPU_COUNTER_INTERRUPTS,
	ENPU_NUM_COUNTERS
};

/* Address spaces: one root a VM. Write HI first; writing LO takes effect. */
#define ENPU_REG_VM_ROOT_LO(vm)		(0x1000 + 8 * (vm))
#define  ENPU_VM_ROOT_VALID		(1u << 0)
#define ENPU_REG_VM_ROOT_HI(vm)		(0x1004 + 8 * (vm))

/*
 * Queue registers. Set up while OFF; CTRL_ENABLE latches them and starts the
 * queue with producer, consumer and completed count at START. Clearing ENABLE
 * stops it: the command in flight is abandoned, then STATE reads OFF and the
 * device makes no further access for this queue. PAUSE lets a job that was
 * begun complete and starts no other: then STATE reads PAUSED, until PAUSE is
 * cleared. PRIORITY alone may be written at any time and counts at once.
 */
#define ENPU_REG_QUEUE(q)		(0x10000 + 0x100 * (q))
#define ENPU_QUEUE_CTRL			0x00
#define  ENPU_QUEUE_CTRL_ENABLE		(1u << 0)
#define  ENPU_QUEUE_CTRL_PAUSE		(1u << 1)
#define ENPU_QUEUE_STATE		0x04		/* enum enpu_queue_state */
#define ENPU_QUEUE_RING_LO		0x08		/* bus address, 4 KiB aligned */
#define ENPU_QUEUE_RING_HI		0x0c
#define ENPU_QUEUE_RING_ORDER		0x10		/* log2 of entries */
#define ENPU_QUEUE_STATUS_LO		0x14		/* bus address, 4 KiB aligned */
#define ENPU_QUEUE_STATUS_HI		0x18
#define ENPU_QUEUE_VM			0x1c
#define ENPU_QUEUE_PRIORITY		0x20		/* enum enpu_priority */
#define ENPU_QUEUE_VECTOR		0x24		/* MSI-X vector of this queue */
#define ENPU_QUEUE_CONSUMER		0x28		/* read only: next job to start */
#define ENPU_QUEUE_PRODUCER		0x2c		/* read only: last doorbell value */
#define ENPU_QUEUE_START_LO		0x30		/* 64-bit count of jobs to start from */
#define ENPU_QUEUE_START_HI		0x34

enum enpu_queue_state {
	ENPU_QUEUE_OFF,
	ENPU_QUEUE_IDLE,
	ENPU_QUEUE_RUNNING,
	ENPU_QUEUE_HALTED,		/* by a fault; only a stop leaves it */
	ENPU_QUEUE_STOPPING,
	ENPU_QUEUE_PAUSED,
};

enum enpu_priority {
	ENPU_PRIORITY_LOW,
	ENPU_PRIORITY_NORMAL,
	ENPU_PRIORITY_HIGH,
	ENPU_PRIORITY_REALTIME,
};

/*
 * Doorbell: a 32-bit write at offset 0 of the queue's page gives the new
 * producer index: free running, the ring slot is index mod entries. The page
 * is the only thing in it that does anything, so a process may be given it.
 */
#define ENPU_DOORBELL_OFFSET		0x400000
#define ENPU_DOORBELL_STRIDE		0x10000

#define ENPU_MIN_RING_ORDER		2
#define ENPU_MAX_RING_ORDER		12

/* One ring entry. The addresses are of the queue's VM. */
struct enpu_job {
	__u64 stream_va;		/* 8-byte aligned */
	__u32 stream_size;		/* bytes; 0: no work, completes in order */
	__u32 flags;
#define ENPU_JOB_IRQ		(1u << 0)	/* interrupt when complete */
#define ENPU_JOB_PROFILE	(1u << 1)	/* write a profile record */
	__u64 regions_va;		/* struct enpu_region[num_regions], 8-byte aligned */
	__u32 num_regions;		/* at most ENPU_MAX_REGIONS */
	__u32 reserved0;		/* 0 */
	__u64 profile_va;		/* struct enpu_profile, 8-byte aligned */
	__u64 cookie;			/* copied to the profile record */
	__u64 reserved1[2];		/* 0 */
};

#define ENPU_MAX_REGIONS		64

/* What commands name their operands in. Size in bytes; 0: no access. */
struct enpu_region {
	__u64 va;
	__u64 size;
};

enum enpu_fault_cause {
	ENPU_FAULT_NONE,
	ENPU_FAULT_UNMAPPED,		/* no valid translation at addr */
	ENPU_FAULT_READ_ONLY,		/* write to a page without W */
	ENPU_FAULT_BUS,			/* the host refused the access to a bus address */
	ENPU_FAULT_REGION,		/* outside its region; addr: region << 56 | offset */
	ENPU_FAULT_OPCODE,		/* unknown or not implemented */
	ENPU_FAULT_OPERAND,		/* field out of range or combination undefined */
	ENPU_FAULT_TOKEN,		/* waits for a command that was not issued before */
	ENPU_FAULT_STREAM,		/* truncated command, bad size or alignment */
	ENPU_FAULT_JOB,			/* ring entry or region table invalid */
	ENPU_NUM_FAULT_CAUSES
};

#define ENPU_FAULT_NO_COMMAND		0xffffffff

/*
 * Status page: the device writes it, in this order: the record, then
 * completed or state (release), then the interrupt.
 */
struct enpu_queue_status {
	__u64 completed;		/* jobs completed, counted from START */
	__u32 state;			/* enum enpu_queue_state, IDLE and RUNNING may lag */
	__u32 reserved0;
	__u64 progress;			/* commands completed since enable: tells slow from hung */
	__u64 busy_ns;			/* device clock, spent on this queue's jobs */
	__u64 busy_cycles;		/* simulated cycles of this queue's jobs */
	/* valid while HALTED */
	__u32 fault_cause;		/* enum enpu_fault_cause */
	__u32 fault_command;		/* index in the stream, or ENPU_FAULT_NO_COMMAND */
	__u64 fault_addr;		/* VA, bus address or region << 56 | offset, by cause */
	__u64 fault_job;		/* index, counted from START */
	__u32 fault_layer;		/* enpu_cmd.layer of that command */
	__u32 fault_opcode;
	__u64 reserved1[7];
};

/* Profile record of one job, written before its completion */
struct enpu_profile {
	__u64 cookie;
	__u64 start_ns;			/* device clock */
	__u64 end_ns;
	__u64 cycles;			/* simulated, first command's start to last one's end */
	__u64 engine_cycles[4];		/* busy, by enum enpu_engine */
	__u64 macs;			/* multiply-accumulates done */
	__u64 dram_read;		/* bytes */
	__u64 dram_written;		/* bytes */
	__u64 sram_read;		/* bytes */
	__u64 sram_written;		/* bytes */
	__u64 commands;
	__u64 reserved[2];
};

/*
 * MMU: three levels of 512 eight-byte entries (VA bits 38:30, 29:21, 20:12),
 * each table a 4 KiB page at a bus address. An entry at the second level may
 * be a 2 MiB block. VALID without WRITE is read only.
 */
#define ENPU_MMU_LEVELS			3
#define ENPU_MMU_ENTRIES		512
#define ENPU_MMU_PAGE_SHIFT		12
#define ENPU_MMU_BLOCK_SHIFT		21
#define ENPU_PTE_VALID			(1ull << 0)
#define ENPU_PTE_WRITE			(1ull << 1)	/* leaf entries */
#define ENPU_PTE_BLOCK			(1ull << 2)	/* second level: 2 MiB leaf */
#define ENPU_PTE_ADDR			0x000ffffffffff000ull

#endif
