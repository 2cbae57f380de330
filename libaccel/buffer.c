// SPDX-License-Identifier: MIT
/* Buffers: memory of a device that the caller owns. */
#include "buffer.h"

#include <errno.h>
#include <stdlib.h>

#include "error.h"

int accel_buffer_create(struct accel_device *dev, size_t size, struct accel_buffer **out,
			struct accel_error *err)
{
	struct accel_buffer *buf = calloc(1, sizeof(*buf));
	int ret;

	if (!buf)
		return accel_fail(err, -ENOMEM, "out of memory");
	ret = accel_memory_create(dev, size, 0, "buffer", &buf->mem, err);
	if (ret) {
		free(buf);
		return ret;
	}
	buf->refs = 1;
	buf->dev = accel_device_ref(dev);
	buf->size = size;
	*out = buf;
	return 0;
}

struct accel_buffer *accel_buffer_ref(struct accel_buffer *buf)
{
	atomic_fetch_add(&buf->refs, 1);
	return buf;
}

void accel_buffer_release(struct accel_buffer *buf)
{
	if (!buf || atomic_fetch_sub(&buf->refs, 1) != 1)
		return;
	accel_memory_destroy(&buf->mem);
	accel_device_release(buf->dev);
	free(buf);
}

void *accel_buffer_data(const struct accel_buffer *buf)
{
	return buf->mem.map;
}

size_t accel_buffer_size(const struct accel_buffer *buf)
{
	return buf->size;
}
