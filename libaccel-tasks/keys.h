/* SPDX-License-Identifier: MIT */
#ifndef TASKS_KEYS_H
#define TASKS_KEYS_H

#include <stddef.h>

struct accel_keys {
	char *text;			/* the file; lines point into it */
	const char **lines;
	size_t count;
};

#endif
