/* SPDX-License-Identifier: MIT */
/*
 * What a task will cost, by the equations of Documentation/cost-model.rst. Only
 * an estimate to compare schedules with: results never depend on it.
 */
#ifndef ENPU_COST_H
#define ENPU_COST_H

#include "schedule.h"

#define ISSUE_CYCLES		16	/* of any command */

/* Cycles of the engine itself, and bytes through the two ports. */
struct cost {
	uint64_t compute, sram, dram;
};

/* Which operands of a layer lie in SRAM. */
struct locations {
	bool in[2], out, weights;
};

struct cost part_cost(const struct machine *m, const struct layer *l, struct part part,
		      struct locations where);
/* A command's time on its engine. */
uint64_t cost_cycles(const struct machine *m, struct cost c);
uint64_t dram_cycles(const struct machine *m, uint64_t bytes);
uint64_t sram_cycles(const struct machine *m, uint64_t bytes);
/* Times that the weights are read when the part is computed by one command. */
uint64_t weight_passes(const struct layer *l, struct part part);

/* Bytes of a layer's weights and channel parameters. */
int64_t weight_bytes(const struct layer *l);

#endif
