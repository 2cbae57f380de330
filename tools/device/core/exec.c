// SPDX-License-Identifier: MIT
/*
 * The job context: reads commands, checks them, lets the engines execute
 * them, and keeps the simulated clock.
 *
 * Execution is functional and in program order, which every token pattern
 * allows; when things would happen in the machine is timing.c's business.
 */
#include <stdlib.h>
#include <string.h>

#include "command.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "the model reads the machine's little-endian structs as they are");

#define ALL_ENGINES	((1u << ENPU_NUM_ENGINES) - 1)

static int nop_nothing(struct enpu_exec *x)
{
	return 0;
}

static void nop_cost(const struct enpu_exec *x, struct enpu_cost *cost)
{
}

static const struct enpu_operation op_nop = {
	.engines = ALL_ENGINES,
	.size = sizeof(struct enpu_cmd),
	.validate = nop_nothing,
	.execute = nop_nothing,
	.cost = nop_cost,
};

static const struct enpu_operation *const operations[] = {
	[ENPU_OP_NOP] = &op_nop,
	[ENPU_OP_DMA_COPY] = &enpu_op_dma_copy,
	[ENPU_OP_DMA_FILL] = &enpu_op_dma_fill,
	[ENPU_OP_CONV] = &enpu_op_conv,
	[ENPU_OP_DEPTHWISE] = &enpu_op_depthwise,
	[ENPU_OP_TRANSPOSE_CONV] = &enpu_op_transpose_conv,
	[ENPU_OP_MATMUL] = &enpu_op_matmul,
	[ENPU_OP_POOL] = &enpu_op_pool,
	[ENPU_OP_ELEMENTWISE] = &enpu_op_elementwise,
	[ENPU_OP_LUT] = &enpu_op_lut,
	[ENPU_OP_SOFTMAX] = &enpu_op_softmax,
	[ENPU_OP_REDUCE] = &enpu_op_reduce,
	[ENPU_OP_RESIZE] = &enpu_op_resize,
	[ENPU_OP_RESCALE] = &enpu_op_rescale,
};

#define NUM_OPERATIONS	(sizeof(operations) / sizeof(operations[0]))

uint64_t enpu_exec_opcodes(void)
{
	uint64_t mask = 0;

	for (unsigned int i = 0; i < NUM_OPERATIONS; i++)
		if (operations[i])
			mask |= 1ull << i;
	return mask;
}

void *enpu_scratch(struct enpu_exec *x, enum enpu_scratch which, size_t size)
{
	struct enpu_buffers *buffers = x->buffers;
	void *buf;

	if (size <= buffers->scratch[which].size)
		return buffers->scratch[which].buf;

	size = enpu_round_up(size, 4096);
	buf = aligned_alloc(64, size);
	if (!buf) {
		enpu_exec_fail(x, ENPU_FAULT_BUS, 0);
		return NULL;
	}
	free(buffers->scratch[which].buf);
	buffers->scratch[which].buf = buf;
	buffers->scratch[which].size = size;
	return buf;
}

int enpu_exec_fail(struct enpu_exec *x, uint32_t cause, uint64_t addr)
{
	x->fault.cause = cause;
	x->fault.addr = addr;
	return -EFAULT;
}

int enpu_exec_bad_operand(struct enpu_exec *x)
{
	return enpu_exec_fail(x, ENPU_FAULT_OPERAND, x->position);
}

int enpu_exec_poll(struct enpu_exec *x)
{
	return x->hooks->poll(x->arg) ? 0 : -ECANCELED;
}

const struct enpu_exec_fault *enpu_exec_fault(const struct enpu_exec *x)
{
	return &x->fault;
}

const struct enpu_profile *enpu_exec_profile(const struct enpu_exec *x)
{
	return &x->profile;
}

static int read_memory(struct enpu_exec *x, uint64_t va, void *buf, size_t size)
{
	struct enpu_runs run = { .va = va, .stride = size, .len = size, .count = 1 };
	struct enpu_access_fault fault;

	if (va + size < va)
		return enpu_exec_fail(x, ENPU_FAULT_UNMAPPED, va);
	if (enpu_space_read(x->space, &run, buf, &fault))
		return enpu_exec_fail(x, fault.cause, fault.addr);
	return 0;
}

static bool job_ok(const struct enpu_job *job)
{
	const uint32_t flags = ENPU_JOB_IRQ | ENPU_JOB_PROFILE;

	return !(job->flags & ~flags) && !job->reserved0 && !job->reserved1[0] &&
	       !job->reserved1[1] && job->num_regions <= ENPU_MAX_REGIONS &&
	       !(job->stream_va % 8) && !(job->regions_va % 8) &&
	       (!(job->flags & ENPU_JOB_PROFILE) || !(job->profile_va % 8));
}

static int start(struct enpu_exec *x)
{
	const struct enpu_job *job = &x->job;
	int err;

	if (!job_ok(job))
		return enpu_exec_fail(x, ENPU_FAULT_JOB, 0);
	if (job->stream_size % 8 || job->stream_va + job->stream_size < job->stream_va)
		return enpu_exec_fail(x, ENPU_FAULT_STREAM, 0);
	if (!job->stream_size)
		return 0;
	if (!job->num_regions)
		return 0;
	err = read_memory(x, job->regions_va, x->regions,
			  job->num_regions * sizeof(x->regions[0]));
	if (err)
		return err;
	for (uint32_t i = 0; i < job->num_regions; i++)
		if (x->regions[i].va + x->regions[i].size < x->regions[i].va)
			return enpu_exec_fail(x, ENPU_FAULT_JOB, 0);
	return 0;
}

enum enpu_step enpu_exec_start(struct enpu_exec *x, struct enpu_space *space,
			       const struct enpu_job *job, const struct enpu_exec_hooks *hooks,
			       void *arg)
{
	x->space = space;
	x->hooks = hooks;
	x->arg = arg;
	x->job = *job;
	x->position = 0;
	x->sram_filled = 0;
	memset(x->issued, 0, sizeof(x->issued));
	memset(&x->profile, 0, sizeof(x->profile));
	memset(&x->fault, 0, sizeof(x->fault));
	x->fault.command = ENPU_FAULT_NO_COMMAND;
	enpu_timing_start(&x->timing, x->config);
	return start(x) ? ENPU_STEP_FAULT : ENPU_STEP_MORE;
}

static int check_tokens(struct enpu_exec *x)
{
	const struct enpu_cmd *cmd = &x->cmd.cmd;

	for (unsigned int e = 0; e < ENPU_NUM_ENGINES; e++)
		if (cmd->wait[e] > x->issued[e])
			return enpu_exec_fail(x, ENPU_FAULT_TOKEN, x->position);
	return 0;
}

/* Read the command at the position and check what all commands have in common */
static int fetch(struct enpu_exec *x, const struct enpu_operation **op)
{
	struct enpu_cmd *cmd = &x->cmd.cmd;
	uint32_t left = x->job.stream_size - x->position;
	int err;

	if (left < sizeof(*cmd))
		return enpu_exec_fail(x, ENPU_FAULT_STREAM, x->position);
	err = read_memory(x, x->job.stream_va + x->position, cmd, sizeof(*cmd));
	if (err)
		return err;

	x->fault.layer = cmd->layer;
	x->fault.opcode = cmd->opcode;
	*op = cmd->opcode < NUM_OPERATIONS ? operations[cmd->opcode] : NULL;
	if (!*op)
		return enpu_exec_fail(x, ENPU_FAULT_OPCODE, cmd->opcode);
	if (cmd->size != (*op)->size || cmd->size > left)
		return enpu_exec_fail(x, ENPU_FAULT_STREAM, x->position);
	err = read_memory(x, x->job.stream_va + x->position + sizeof(*cmd), cmd + 1,
			  cmd->size - sizeof(*cmd));
	if (err)
		return err;
	if (cmd->engine >= ENPU_NUM_ENGINES || !((*op)->engines & 1u << cmd->engine))
		return enpu_exec_bad_operand(x);
	return check_tokens(x);
}

static int step(struct enpu_exec *x)
{
	const struct enpu_operation *op;
	struct enpu_cost cost = { 0 };
	int err = fetch(x, &op);

	if (!err)
		err = op->validate(x);
	if (!err && !x->hooks->command(x->arg))
		err = -ECANCELED;
	if (!err)
		err = op->execute(x);
	if (err)
		return err;

	op->cost(x, &cost);
	enpu_timing_issue(&x->timing, &x->cmd.cmd, &cost, &x->profile);
	x->issued[x->cmd.cmd.engine]++;
	x->position += x->cmd.cmd.size;
	return 0;
}

bool enpu_exec_at_end(const struct enpu_exec *x)
{
	return x->position == x->job.stream_size;
}

enum enpu_step enpu_exec_step(struct enpu_exec *x)
{
	int err;

	if (enpu_exec_at_end(x))
		return ENPU_STEP_DONE;

	x->fault.command = (uint32_t)x->profile.commands;
	x->fault.layer = 0;
	x->fault.opcode = 0;
	err = step(x);
	if (err == -ECANCELED)
		return ENPU_STEP_ABANDONED;
	return err ? ENPU_STEP_FAULT : ENPU_STEP_MORE;
}

enum enpu_step enpu_exec_finish(struct enpu_exec *x, uint64_t start_ns, uint64_t end_ns)
{
	struct enpu_runs run = {
		.va = x->job.profile_va,
		.stride = sizeof(x->profile),
		.len = sizeof(x->profile),
		.count = 1,
	};
	struct enpu_access_fault fault;

	if (!(x->job.flags & ENPU_JOB_PROFILE))
		return ENPU_STEP_DONE;

	x->profile.cookie = x->job.cookie;
	x->profile.start_ns = start_ns;
	x->profile.end_ns = end_ns;
	x->fault.command = ENPU_FAULT_NO_COMMAND;
	x->fault.layer = 0;
	x->fault.opcode = 0;
	if (run.va + run.len < run.va) {
		enpu_exec_fail(x, ENPU_FAULT_UNMAPPED, run.va);
		return ENPU_STEP_FAULT;
	}
	if (enpu_space_write(x->space, &run, &x->profile, &fault)) {
		enpu_exec_fail(x, fault.cause, fault.addr);
		return ENPU_STEP_FAULT;
	}
	return ENPU_STEP_DONE;
}
