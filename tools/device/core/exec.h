/* SPDX-License-Identifier: MIT */
/*
 * A job context: executes one command stream, one command a step.
 *
 * The context has its own image of the SRAM, so that several can be in the
 * middle of a job and a scheduler may switch between them at command
 * boundaries. It computes in the thread that calls it and is used by one
 * thread at a time. Whatever the stream says, it ends with a result: every
 * access is checked, memory use is bounded, and poll() is called often enough
 * to abandon any command within milliseconds.
 */
#ifndef ENPU_DEVICE_EXEC_H
#define ENPU_DEVICE_EXEC_H

#include <stdbool.h>
#include <stdint.h>

#include <enpu/cmd.h>
#include <enpu/regs.h>

#include "enpu_device.h"
#include "space.h"

/* The limits of hardware.rst: beyond them a command is refused with ENPU_FAULT_OPERAND. */
#define ENPU_MAX_EXTENT		65536u		/* height, width, channels of a tile */
#define ENPU_MAX_ELEMENTS	(1ull << 32)	/* of a tile; bytes of a DMA command */
#define ENPU_MAX_MACS		(1ull << 40)	/* of a command */
#define ENPU_MAX_KERNEL		256u		/* kernel, stride and dilation, either axis */
#define ENPU_MAX_TAPS		(1u << 18)	/* kernel_h * kernel_w * channels of weights */

/* The optional features, as ENPU_REG_CAPS has them */
#define ENPU_EXEC_CAPS	(ENPU_CAP_INT4_WEIGHTS | ENPU_CAP_INT16 | ENPU_CAP_PREEMPTION | \
			 ENPU_CAP_PROFILE)

enum enpu_step {
	ENPU_STEP_MORE,			/* one command is complete, others follow */
	ENPU_STEP_DONE,			/* the stream is at its end */
	ENPU_STEP_FAULT,		/* enpu_exec_fault() tells */
	ENPU_STEP_ABANDONED,		/* a hook asked for it */
};

/* What the owner of a context does while it runs; arg is enpu_exec_start()'s */
struct enpu_exec_hooks {
	/* Before each command. False: abandon. */
	bool (*command)(void *arg);
	/* Within commands, every few ms at most, no memory being accessed. False: abandon. */
	bool (*poll)(void *arg);
};

/* A fault in the words of struct enpu_queue_status */
struct enpu_exec_fault {
	uint32_t cause;
	uint32_t command;
	uint64_t addr;
	uint32_t layer;
	uint32_t opcode;
};

struct enpu_exec;

/*
 * Begin a job in a context (see contexts.h), reading its region table through
 * space, which must live until the job is over. ENPU_STEP_MORE, or FAULT.
 */
enum enpu_step enpu_exec_start(struct enpu_exec *x, struct enpu_space *space,
			       const struct enpu_job *job, const struct enpu_exec_hooks *hooks,
			       void *arg);
enum enpu_step enpu_exec_step(struct enpu_exec *x);
/* No command is left: the next step is DONE */
bool enpu_exec_at_end(const struct enpu_exec *x);
/*
 * After ENPU_STEP_DONE: write the profile record if the job wants one, with
 * these times of the device clock. ENPU_STEP_DONE or FAULT.
 */
enum enpu_step enpu_exec_finish(struct enpu_exec *x, uint64_t start_ns, uint64_t end_ns);

/* Valid after ENPU_STEP_FAULT until the next start */
const struct enpu_exec_fault *enpu_exec_fault(const struct enpu_exec *x);
/* What the job has cost so far; the times and the cookie are not filled in */
const struct enpu_profile *enpu_exec_profile(const struct enpu_exec *x);

/* The opcodes that are implemented, a bit each */
uint64_t enpu_exec_opcodes(void);

#endif
