// SPDX-License-Identifier: MIT
/*
 * A stand-in for the device core: see fake_core.h.
 */
#include "fake_core.h"

#include <stdlib.h>
#include <string.h>

static const struct enpu_config configs[] = {
	{ .name = "enpu-fake" },
};

const struct enpu_config *enpu_config_at(unsigned int index)
{
	return index < sizeof(configs) / sizeof(configs[0]) ? &configs[index] : NULL;
}

const struct enpu_config *enpu_config_find(const char *name)
{
	return strcmp(name, configs[0].name) ? NULL : &configs[0];
}

struct enpu_device *enpu_device_new(const struct enpu_config *config,
				    const struct enpu_host_ops *ops, void *host)
{
	struct enpu_device *dev = calloc(1, sizeof(*dev));

	if (dev) {
		dev->ops = ops;
		dev->host = host;
	}
	return dev;
}

void enpu_device_free(struct enpu_device *dev)
{
	free(dev);
}

uint32_t enpu_device_read(struct enpu_device *dev, uint64_t offset)
{
	return offset / 4 < FAKE_REGISTERS ? dev->registers[offset / 4] : 0;
}

void enpu_device_write(struct enpu_device *dev, uint64_t offset, uint32_t value)
{
	if (offset / 4 < FAKE_REGISTERS)
		dev->registers[offset / 4] = value;
}

void enpu_device_reset(struct enpu_device *dev)
{
	memset(dev->registers, 0, sizeof(dev->registers));
	dev->resets++;
}

void enpu_device_inject(struct enpu_device *dev, enum enpu_injection what, uint64_t n)
{
	dev->injected = what;
	dev->injected_n = n;
}

void enpu_device_fail(struct enpu_device *dev)
{
	dev->failed = true;
}

void enpu_device_get_stats(struct enpu_device *dev, struct enpu_device_stats *stats)
{
	*stats = (struct enpu_device_stats){
		.jobs = 1,
		.commands = 2,
		.faults = 3,
		.resets = dev->resets,
		.interrupts = 5,
		.queues_enabled = 6,
	};
}
