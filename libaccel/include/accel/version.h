/* SPDX-License-Identifier: MIT */
/* The version of libaccel, and how its functions are declared. */
#ifndef ACCEL_VERSION_H
#define ACCEL_VERSION_H

#define ACCEL_VERSION_MAJOR	1
#define ACCEL_VERSION_MINOR	0
#define ACCEL_VERSION_PATCH	0

#define ACCEL_API		__attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

/* "1.0.0": of the library that runs, not of the headers; static */
ACCEL_API const char *accel_version(void);

#ifdef __cplusplus
}
#endif

#endif
