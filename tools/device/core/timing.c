// SPDX-License-Identifier: MIT
/*
 * The simulated clock.
 *
 * Commands arrive in program order, but run as the engines and tokens let
 * them: a command starts when its engine is free and its tokens are complete,
 * and takes as long as the slowest of its engine's own work and the ports. A
 * port is a calendar of busy intervals, so that a transfer that may start
 * early fills the gaps that commands before it in the program left.
 */
#include <stdbool.h>
#include <string.h>

#include "timing.h"

static uint64_t round_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

void enpu_cost_access(struct enpu_cost *cost, unsigned int region, uint64_t runs, uint64_t bytes,
		      bool write)
{
	bool sram = region == ENPU_REGION_SRAM;
	uint64_t total = runs * round_up(bytes, sram ? ENPU_COST_SRAM_BURST :
						       ENPU_COST_DRAM_BURST);

	if (sram)
		*(write ? &cost->sram_written : &cost->sram_read) += total;
	else
		*(write ? &cost->dram_written : &cost->dram_read) += total;
}

static uint64_t element_size(unsigned int dtype)
{
	return dtype == ENPU_S16 ? 2 : dtype == ENPU_S32 ? 4 : 1;
}

void enpu_cost_tile(struct enpu_cost *cost, const struct enpu_tile *tile, uint64_t times,
		    bool write)
{
	uint64_t run = tile->channels * element_size(tile->dtype);
	uint64_t cols = tile->width, rows = tile->height;

	/* What a stride of 0 repeats is read once */
	if (!tile->col_stride)
		cols = 1;
	if (!tile->row_stride)
		rows = 1;
	if (cols == 1 || tile->col_stride == run) {
		run *= cols;
		cols = 1;
		if (rows == 1 || tile->row_stride == run) {
			run *= rows;
			rows = 1;
		}
	}
	enpu_cost_access(cost, tile->region, times * rows * cols, run, write);
}

uint64_t enpu_cost_array_positions(const struct enpu_config *config)
{
	return max_u64(config->macs / (ENPU_COST_BLOCK_O * ENPU_COST_BLOCK_K), 1);
}

uint64_t enpu_cost_vector_lanes(const struct enpu_config *config)
{
	return max_u64(config->macs / 16, 1);
}

/* Cycles that bytes take at a bandwidth in bytes per 1024 cycles */
static uint64_t transfer_cycles(uint64_t bytes, uint32_t bandwidth)
{
	if (bytes > UINT64_MAX / 2048)
		return bytes / bandwidth * 1024;
	return (bytes * 1024 + bandwidth - 1) / bandwidth;
}

static void port_remove(struct enpu_port *port, unsigned int i)
{
	port->count--;
	memmove(&port->busy[i], &port->busy[i + 1], (port->count - i) * sizeof(port->busy[0]));
}

/* Mark [start, end), which is free, as busy; i is the first interval after it */
static void port_insert(struct enpu_port *port, unsigned int i, uint64_t start, uint64_t end)
{
	bool before = i > 0 && port->busy[i - 1].end == start;
	bool after = i < port->count && port->busy[i].start == end;

	if (before && after) {
		port->busy[i - 1].end = port->busy[i].end;
		port_remove(port, i);
	} else if (before) {
		port->busy[i - 1].end = end;
	} else if (after) {
		port->busy[i].start = start;
	} else {
		memmove(&port->busy[i + 1], &port->busy[i],
			(port->count - i) * sizeof(port->busy[0]));
		port->busy[i].start = start;
		port->busy[i].end = end;
		port->count++;
	}
	/* The calendar is full: its earliest gap is forgotten */
	if (port->count == ENPU_PORT_INTERVALS) {
		port->busy[1].start = port->busy[0].start;
		port_remove(port, 0);
	}
}

/* Take cycles of the port from start on, wherever it is free; when they are over */
static uint64_t port_reserve(struct enpu_port *port, uint64_t start, uint64_t cycles)
{
	unsigned int i = 0;

	while (i < port->count && port->busy[i].end <= start)
		i++;
	while (cycles) {
		uint64_t room, part;

		if (i < port->count && port->busy[i].start <= start) {
			start = max_u64(start, port->busy[i].end);
			i++;
			continue;
		}
		room = i < port->count ? port->busy[i].start - start : UINT64_MAX;
		part = cycles < room ? cycles : room;
		port_insert(port, i, start, start + part);
		start += part;
		cycles -= part;
		/* Intervals have merged: find the place again */
		i = 0;
		while (i < port->count && port->busy[i].end <= start)
			i++;
	}
	return start;
}

/* When the first n commands of an engine are complete */
static uint64_t token_time(const struct enpu_timeline *line, uint64_t n)
{
	if (!n)
		return 0;
	if (line->issued - n >= ENPU_TIMING_HISTORY)
		n = line->issued - ENPU_TIMING_HISTORY + 1;
	return line->done[(n - 1) % ENPU_TIMING_HISTORY];
}

void enpu_timing_start(struct enpu_timing *timing, const struct enpu_config *config)
{
	timing->config = config;
	for (unsigned int e = 0; e < ENPU_NUM_ENGINES; e++) {
		timing->engines[e].free = 0;
		timing->engines[e].issued = 0;
	}
	timing->dram.count = 0;
	timing->sram.count = 0;
}

void enpu_timing_issue(struct enpu_timing *timing, const struct enpu_cmd *cmd,
		       const struct enpu_cost *cost, struct enpu_profile *profile)
{
	const struct enpu_config *config = timing->config;
	struct enpu_timeline *line = &timing->engines[cmd->engine];
	uint64_t dram = cost->dram_read + cost->dram_written;
	uint64_t sram = cost->sram_read + cost->sram_written;
	uint64_t start = line->free, end, latency = 0;

	for (unsigned int e = 0; e < ENPU_NUM_ENGINES; e++)
		start = max_u64(start, token_time(&timing->engines[e], cmd->wait[e]));

	end = start + ENPU_COST_ISSUE + cost->compute;
	if (dram) {
		end = max_u64(end, port_reserve(&timing->dram, start + ENPU_COST_ISSUE,
						transfer_cycles(dram, config->dram_bandwidth)));
		latency = ENPU_COST_DRAM_LATENCY;
	}
	if (sram) {
		end = max_u64(end, port_reserve(&timing->sram, start + ENPU_COST_ISSUE,
						transfer_cycles(sram, config->sram_bandwidth)));
		latency = max_u64(latency, ENPU_COST_SRAM_LATENCY);
	}
	line->free = end;
	line->done[line->issued % ENPU_TIMING_HISTORY] =
		max_u64(end + latency, token_time(line, line->issued));
	line->issued++;

	profile->cycles = max_u64(profile->cycles, token_time(line, line->issued));
	profile->engine_cycles[cmd->engine] += end - start;
	profile->macs += cost->macs;
	profile->dram_read += cost->dram_read;
	profile->dram_written += cost->dram_written;
	profile->sram_read += cost->sram_read;
	profile->sram_written += cost->sram_written;
	profile->commands++;
}
