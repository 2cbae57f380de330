/* SPDX-License-Identifier: MIT */
/* A device inside the library: a backend's device with its one address space. */
#ifndef LIBACCEL_DEVICE_H
#define LIBACCEL_DEVICE_H

#include <pthread.h>
#include <stdatomic.h>

#include <accel/device.h>

#include "backend.h"
#include "va.h"

struct accel_device {
	atomic_uint refs;
	struct accel_device_info info;
	struct accel_backend backend;
	const struct accel_backend_ops *ops;
	struct accel_backend_device *dev;
	/* Creation and destruction of whatever belongs to the device or its VM */
	pthread_mutex_t lock;
	struct accel_backend_vm *vm;
	struct accel_va va;
};

/* Open device @index of a backend, which then belongs to the device, even on failure. */
int accel_device_open_backend(struct accel_backend backend, unsigned int index,
			      struct accel_device **dev, struct accel_error *err);

/* Memory of a device: mapped for the CPU and in the device's address space */
struct accel_memory {
	struct accel_device *dev;	/* not held: the owner does */
	struct accel_backend_bo *bo;
	void *map;
	uint64_t va;
	uint64_t size;			/* of the mapping: whole pages */
};

/* @flags: ACCEL_BACKEND_BIND_*; @what: for errors */
int accel_memory_create(struct accel_device *dev, uint64_t size, uint32_t flags, const char *what,
			struct accel_memory *mem, struct accel_error *err);
/* The device must not use it any more. All zero: nothing to do */
void accel_memory_destroy(struct accel_memory *mem);

#endif
