// SPDX-License-Identifier: MIT
/* The machines that the compiler schedules for. */
#include <string.h>

#include "schedule.h"

#define BYTES_PER_CYCLE(n)	((uint32_t)((n) * 1024))

static const struct machine machines[] = {
	{ "enpu-256", 256, 384 << 10, BYTES_PER_CYCLE(16), BYTES_PER_CYCLE(3.75) },
	{ "enpu-512", 512, 384 << 10, BYTES_PER_CYCLE(16), BYTES_PER_CYCLE(3.75) },
	{ "enpu-2048", 2048, 1 << 20, BYTES_PER_CYCLE(64), BYTES_PER_CYCLE(20) },
};

const struct machine *machine_find(const char *name)
{
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		if (!strcmp(machines[i].name, name))
			return &machines[i];
	return NULL;
}

const char *machine_names(void)
{
	return "enpu-256, enpu-512, enpu-2048";
}
