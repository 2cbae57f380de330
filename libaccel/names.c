// SPDX-License-Identifier: MIT
/* What the numbers of the architecture are called, for messages. */
#include <accel/job.h>

#include <stddef.h>

#include <enpu/cmd.h>
#include <enpu/regs.h>

const char *accel_fault_cause_text(uint32_t cause)
{
	static const char *const texts[ENPU_NUM_FAULT_CAUSES] = {
		[ENPU_FAULT_NONE] = "no fault",
		[ENPU_FAULT_UNMAPPED] = "unmapped address",
		[ENPU_FAULT_READ_ONLY] = "write to read-only memory",
		[ENPU_FAULT_BUS] = "the host refused the access",
		[ENPU_FAULT_REGION] = "operand outside its region",
		[ENPU_FAULT_OPCODE] = "command not implemented",
		[ENPU_FAULT_OPERAND] = "operand out of range",
		[ENPU_FAULT_TOKEN] = "wait for a command that was not issued",
		[ENPU_FAULT_STREAM] = "malformed command stream",
		[ENPU_FAULT_JOB] = "invalid job or region table",
	};

	return cause < ENPU_NUM_FAULT_CAUSES ? texts[cause] : "unknown cause";
}

const char *accel_opcode_name(uint32_t opcode)
{
	static const char *const names[] = {
		[ENPU_OP_NOP] = "NOP",
		[ENPU_OP_DMA_COPY] = "DMA_COPY",
		[ENPU_OP_DMA_FILL] = "DMA_FILL",
		[ENPU_OP_CONV] = "CONV",
		[ENPU_OP_DEPTHWISE] = "DEPTHWISE",
		[ENPU_OP_TRANSPOSE_CONV] = "TRANSPOSE_CONV",
		[ENPU_OP_MATMUL] = "MATMUL",
		[ENPU_OP_POOL] = "POOL",
		[ENPU_OP_ELEMENTWISE] = "ELEMENTWISE",
		[ENPU_OP_LUT] = "LUT",
		[ENPU_OP_SOFTMAX] = "SOFTMAX",
		[ENPU_OP_REDUCE] = "REDUCE",
		[ENPU_OP_RESIZE] = "RESIZE",
		[ENPU_OP_RESCALE] = "RESCALE",
	};
	const char *name = opcode < sizeof(names) / sizeof(names[0]) ? names[opcode] : NULL;

	return name ? name : "unknown";
}
