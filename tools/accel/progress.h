/* SPDX-License-Identifier: MIT */
/* A bar on stderr for work that takes its time, if that is a terminal. */
#ifndef ACCEL_CLI_PROGRESS_H
#define ACCEL_CLI_PROGRESS_H

#include <stdint.h>

/* @done of @total: a bar; all of it: the bar goes. @arg is not used. */
void progress_show(void *arg, const char *what, uint32_t done, uint32_t total);

#endif
