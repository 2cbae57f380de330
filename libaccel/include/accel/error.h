/* SPDX-License-Identifier: MIT */
/* Why a call failed, in words. */
#ifndef ACCEL_ERROR_H
#define ACCEL_ERROR_H

/*
 * Filled in by a function that fails; untouched by one that succeeds. Every
 * function takes NULL for "don't tell me".
 */
struct accel_error {
	int code;		/* negative errno, what the function returned */
	char text[508];		/* one line without control characters */
};

#endif
