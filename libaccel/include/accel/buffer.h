/* SPDX-License-Identifier: MIT */
/*
 * Memory that CPU and device share, to be bound to inputs and outputs of
 * instances instead of their own memory, so that nothing need be copied.
 */
#ifndef ACCEL_BUFFER_H
#define ACCEL_BUFFER_H

#include <stddef.h>

#include <accel/device.h>
#include <accel/error.h>
#include <accel/version.h>

#ifdef __cplusplus
extern "C" {
#endif

struct accel_buffer;

/* What an offset in a buffer must be a multiple of where it is bound, in bytes */
#define ACCEL_BUFFER_ALIGN	64

/* Zeroed; @size in bytes, not 0. */
ACCEL_API int accel_buffer_create(struct accel_device *dev, size_t size,
				  struct accel_buffer **buf, struct accel_error *err);
ACCEL_API struct accel_buffer *accel_buffer_ref(struct accel_buffer *buf);
ACCEL_API void accel_buffer_release(struct accel_buffer *buf);

/* The memory; page aligned, valid while the buffer is held */
ACCEL_API void *accel_buffer_data(const struct accel_buffer *buf);
ACCEL_API size_t accel_buffer_size(const struct accel_buffer *buf);

#ifdef __cplusplus
}
#endif

#endif
