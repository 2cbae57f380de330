// SPDX-License-Identifier: MIT
/* A progress bar: see progress.h. */
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define WIDTH	30

void progress_show(void *arg, const char *what, uint32_t done, uint32_t total)
{
	static const char full[] = "##############################";
	int filled = total ? (int)((uint64_t)done * WIDTH / total) : WIDTH;

	if (!isatty(STDERR_FILENO))
		return;
	if (done >= total)
		fputs("\r\033[K", stderr);
	else
		fprintf(stderr, "\r%-20s [%-*.*s] %" PRIu32 "/%" PRIu32 "\033[K", what, WIDTH,
			filled, full, done, total);
	fflush(stderr);
}
