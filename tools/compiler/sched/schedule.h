/* SPDX-License-Identifier: MIT */
/*
 * The schedule: commands in program order, over objects in memory.
 *
 * An object is a piece of SRAM or of a region. A task is a command whose
 * operands are still relative to objects. The scheduler makes tasks and decides
 * where objects lie; the emitter fills in addresses and derives the tokens that
 * order the engines from which bytes each task touches.
 */
#ifndef ENPU_SCHEDULE_H
#define ENPU_SCHEDULE_H

#include "../ir/program.h"

/* What the compiler must know of a machine; see Documentation/cost-model.rst. */
struct machine {
	const char *name;
	uint32_t macs;			/* per cycle */
	uint32_t sram_bytes;
	uint32_t sram_bandwidth;	/* bytes per 1024 cycles */
	uint32_t dram_bandwidth;	/* bytes per 1024 cycles */
};

/* NULL: there is no preset of that name. */
const struct machine *machine_find(const char *name);
const char *machine_names(void);

struct object {
	uint8_t region;			/* ENPU_REGION_SRAM or an index */
	int64_t offset;
	int64_t bytes;
};

union command {
	struct enpu_cmd head;
	struct enpu_cmd_dma dma;
	struct enpu_cmd_conv conv;
	struct enpu_cmd_matmul matmul;
	struct enpu_cmd_pool pool;
	struct enpu_cmd_elementwise elementwise;
	struct enpu_cmd_lut lut;
	struct enpu_cmd_softmax softmax;
	struct enpu_cmd_reduce reduce;
	struct enpu_cmd_resize resize;
	struct enpu_cmd_rescale rescale;
};

#define MAX_OPERANDS	5

/* Operands in the order in which operand_slots() lists them; NULL: not present. */
struct task {
	union command cmd;
	const struct object *objects[MAX_OPERANDS];
};

/* Where a command keeps an operand, and what it does with it. */
struct operand_slot {
	uint16_t at;			/* of struct enpu_tile or enpu_ref in the command */
	bool is_tile, is_written;
};

struct operand_slots {
	unsigned int count;
	struct operand_slot slot[MAX_OPERANDS];
};

const struct operand_slots *operand_slots(uint8_t opcode);
/* Bytes behind the reference in slot @slot of a command that is no DMA. */
uint64_t ref_bytes(const union command *c, unsigned int slot);

/* Layers that are executed together with a layer, it included. */
struct layer_span {
	size_t first, last;
};

struct builder;

/* One NPU step. */
struct step {
	struct task *tasks;
	size_t n_tasks;
	size_t first_layer, end_layer;
	int64_t sram_peak;
	uint64_t cycles;		/* estimate */
	struct builder *built;		/* how it came about: step.h */
};

struct schedule {
	struct program *program;
	const struct machine *machine;
	uint32_t sram_bytes;
	struct object *homes;		/* in DRAM, by buffer index; bytes 0: none */
	bool *in_sram;			/* by buffer index: it never is in DRAM */
	struct layer_span *spans;	/* by layer */
	uint64_t *layer_cycles;		/* by layer: estimate of its commands' time */
	struct enpu_model_region *regions;
	unsigned int n_regions;
	struct step *steps;
	size_t n_steps;
	int64_t constant_bytes, scratch_bytes, state_bytes;
	unsigned int state_region;	/* if there is any state */
	FILE *dump;			/* the schedule as text; NULL: none */
};

/* Cut layers into tasks, whose objects in DRAM have no place yet. */
void schedule_program(struct schedule *s);

/*
 * Lay out regions: every buffer that some task or the host needs gets its home in
 * DRAM. 0 or -errno with a message.
 */
int place_in_dram(struct schedule *s);

/* Bytes to and from DRAM; an operand counts once a command. */
struct traffic {
	uint64_t constants;		/* a part of what is read */
	uint64_t read, written;
};

/* Adds those of one task, once regions are laid out. */
void add_traffic(struct traffic *sum, const struct schedule *s, const struct task *t);
struct traffic schedule_traffic(const struct schedule *s);

/* tasks.c: a feature map, or rows of it, at a place. */
struct place {
	const struct object *object;
	int64_t offset;			/* of row @first_row, in the object */
	int64_t row_stride, col_stride;
	uint32_t first_row;
};

/* Where the operands of a layer's task lie. */
struct operands {
	struct place in[2], out;
	const struct object *weights, *params, *table, *rows, *cols;
	int64_t weights_offset, params_offset;	/* of the first output channel of the task */
};

/* A part of a layer's output; multiples of 16 channels, where not all. */
struct part {
	uint32_t row, rows;
	uint32_t channel, channels;
};

struct part whole_output(const struct layer *l);
/* Rows of input @i that rows of the output need; false: input @i has no rows. */
bool input_rows(const struct layer *l, int i, uint32_t row, uint32_t rows,
		uint32_t *first, uint32_t *count);
struct task layer_task(const struct layer *l, uint32_t layer_index, const struct operands *o,
		       struct part part);
struct task copy_task(uint32_t layer_index, unsigned int engine, const struct object *from,
		      int64_t from_offset, const struct object *to, int64_t to_offset,
		      const struct block *block);
/* Bytes of a weight block's output channel group of 16. */
int64_t weight_group_bytes(const struct layer *l);

#endif
