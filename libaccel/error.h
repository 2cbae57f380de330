/* SPDX-License-Identifier: MIT */
/* How the library reports a failure: always through accel_fail(). */
#ifndef LIBACCEL_ERROR_H
#define LIBACCEL_ERROR_H

#include <accel/error.h>

/*
 * Fill in @err, which may be NULL, and return @code, a negative errno. What
 * came from a file may be in the arguments: control characters become '?'.
 */
int accel_fail(struct accel_error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
