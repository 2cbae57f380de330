// SPDX-License-Identifier: MIT
/*
 * The presets: which machines the model can be.
 *
 * enpu-256 and enpu-512 have the memory of Vela's "Ethos-U65 high end"
 * configuration, so that cycles can be compared on the same machine size.
 */
#include <string.h>

#include "enpu_device.h"

/* A bandwidth in the registers' unit, bytes per 1024 cycles */
#define BYTES_PER_CYCLE(n)	((uint32_t)((n) * 1024))

static const struct enpu_config presets[] = {
	{
		.name = "enpu-256",
		.macs = 256,
		.sram_bytes = 384 << 10,
		.sram_bandwidth = BYTES_PER_CYCLE(16),
		.dram_bandwidth = BYTES_PER_CYCLE(3.75),
		.clock_khz = 1000000,
	}, {
		.name = "enpu-512",
		.macs = 512,
		.sram_bytes = 384 << 10,
		.sram_bandwidth = BYTES_PER_CYCLE(16),
		.dram_bandwidth = BYTES_PER_CYCLE(3.75),
		.clock_khz = 1000000,
	}, {
		.name = "enpu-2048",
		.macs = 2048,
		.sram_bytes = 1 << 20,
		.sram_bandwidth = BYTES_PER_CYCLE(64),
		.dram_bandwidth = BYTES_PER_CYCLE(20),
		.clock_khz = 1000000,
	},
};

#define NUM_PRESETS	(sizeof(presets) / sizeof(presets[0]))

const struct enpu_config *enpu_config_at(unsigned int index)
{
	return index < NUM_PRESETS ? &presets[index] : NULL;
}

const struct enpu_config *enpu_config_find(const char *name)
{
	for (size_t i = 0; i < NUM_PRESETS; i++)
		if (!strcmp(presets[i].name, name))
			return &presets[i];
	return NULL;
}
