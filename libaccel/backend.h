/* SPDX-License-Identifier: MIT */
/* Finding backends: drm is built in, the others are plug-ins. */
#ifndef LIBACCEL_BACKEND_H
#define LIBACCEL_BACKEND_H

#include <accel/backend.h>
#include <accel/error.h>

/* Built in: NPUs behind the kernel driver */
extern const struct accel_backend_ops accel_drm_ops;

struct accel_backend {
	const struct accel_backend_ops *ops;
	void *handle;			/* of dlopen(), NULL: built in */
};

int accel_backend_load(const char *name, struct accel_backend *backend, struct accel_error *err);
void accel_backend_unload(struct accel_backend *backend);

/* Calls @fn for each backend that can be loaded, drm first, until it returns not 0. */
int accel_backend_foreach(int (*fn)(const struct accel_backend_ops *ops, void *arg), void *arg);

#endif
