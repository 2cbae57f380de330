// SPDX-License-Identifier: MIT
/*
 * Messages of the server process: see log.h. One write(2) a line, so that lines
 * of different threads and processes never mix.
 */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static enum log_level log_level = LOG_ERROR;

void log_set_level(enum log_level level)
{
	log_level = level;
}

void log_print(enum log_level level, const char *format, ...)
{
	static const char prefix[] = "enpu-device: ";
	char line[512];
	size_t used = sizeof(prefix) - 1;
	va_list args;
	int n;

	if (level > log_level)
		return;
	n = snprintf(line, sizeof(line), "%s", prefix);
	va_start(args, format);
	n = vsnprintf(line + used, sizeof(line) - used, format, args);
	va_end(args);
	if (n < 0)
		return;
	used += (size_t)n < sizeof(line) - used - 1 ? (size_t)n : sizeof(line) - used - 1;
	line[used < sizeof(line) - 1 ? used++ : used] = '\n';
	if (write(STDERR_FILENO, line, used) < 0)
		return;		/* nowhere left to complain */
}
