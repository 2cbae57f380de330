/* SPDX-License-Identifier: MIT */
/* A device coredump (uapi/enpu/coredump.h), told to people. */
#ifndef ACCEL_DUMP_H
#define ACCEL_DUMP_H

#include <stddef.h>
#include <stdio.h>

/*
 * Prints what a dump says, as far as it can be read. Returns NULL, or why it is no
 * dump or where it is damaged.
 */
const char *dump_print(const void *data, size_t size, FILE *to);

#endif
