/* SPDX-License-Identifier: MIT */
/*
 * The simulated clock: what commands cost, and when they start and end.
 * Documentation/cost-model.rst publishes the equations.
 */
#ifndef ENPU_DEVICE_TIMING_H
#define ENPU_DEVICE_TIMING_H

#include <stdint.h>

#include <enpu/cmd.h>
#include <enpu/regs.h>

#include "enpu_device.h"

/* Cycles between a command's issue and its first work */
#define ENPU_COST_ISSUE		16
/* From the last byte requested to its use; not counted against the engine */
#define ENPU_COST_DRAM_LATENCY	500
#define ENPU_COST_SRAM_LATENCY	32
/* What a port moves at least at a time, in bytes */
#define ENPU_COST_DRAM_BURST	64
#define ENPU_COST_SRAM_BURST	16
/* MAC array: positions x 16 output channels x 4 inputs; its accumulators and input buffer */
#define ENPU_COST_BLOCK_K	4
#define ENPU_COST_BLOCK_O	16
#define ENPU_COST_POSITIONS	512
#define ENPU_COST_INPUT_BUFFER	65536

/* What one command asks of the machine. Port bytes are rounded up to bursts. */
struct enpu_cost {
	uint64_t compute;		/* cycles of the engine itself */
	uint64_t macs;
	uint64_t dram_read;		/* bytes */
	uint64_t dram_written;
	uint64_t sram_read;
	uint64_t sram_written;
};

/* runs runs of bytes each, in SRAM or in memory as region says */
void enpu_cost_access(struct enpu_cost *cost, unsigned int region, uint64_t runs, uint64_t bytes,
		      bool write);
/* The whole of a tile, times times */
void enpu_cost_tile(struct enpu_cost *cost, const struct enpu_tile *tile, uint64_t times,
		    bool write);

/* Array shape of a configuration */
uint64_t enpu_cost_array_positions(const struct enpu_config *config);
uint64_t enpu_cost_vector_lanes(const struct enpu_config *config);

/* A port's busy intervals, in order, disjoint: transfers fill the gaps between them */
#define ENPU_PORT_INTERVALS	64

struct enpu_port {
	struct {
		uint64_t start;
		uint64_t end;
	} busy[ENPU_PORT_INTERVALS];
	unsigned int count;
};

/* Completion times of an engine's latest commands; older ones read as the oldest kept */
#define ENPU_TIMING_HISTORY	1024

struct enpu_timeline {
	uint64_t free;			/* when the next command may start */
	uint64_t issued;
	uint64_t done[ENPU_TIMING_HISTORY];
};

struct enpu_timing {
	const struct enpu_config *config;
	struct enpu_timeline engines[ENPU_NUM_ENGINES];
	struct enpu_port dram;
	struct enpu_port sram;
};

void enpu_timing_start(struct enpu_timing *timing, const struct enpu_config *config);
/*
 * Place a command on the clock and add what it costs to the profile, whose
 * cycles become the latest end of all commands. Tokens have been checked.
 */
void enpu_timing_issue(struct enpu_timing *timing, const struct enpu_cmd *cmd,
		       const struct enpu_cost *cost, struct enpu_profile *profile);

#endif
