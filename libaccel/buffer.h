/* SPDX-License-Identifier: MIT */
/* A buffer inside the library. */
#ifndef LIBACCEL_BUFFER_H
#define LIBACCEL_BUFFER_H

#include <stdatomic.h>

#include <accel/buffer.h>

#include "device.h"

struct accel_buffer {
	atomic_uint refs;
	struct accel_device *dev;
	struct accel_memory mem;
	size_t size;
};

#endif
