/* SPDX-License-Identifier: MIT */
/* Float models on other runtimes, as nets of libaccel-tasks. */
#ifndef TESTS_NETS_FLOAT_H
#define TESTS_NETS_FLOAT_H

#include <accel/tasks.h>

/* @rank: 0: the shape that the model has. 0, or -EINVAL with @err filled in */
int ort_net_open(const char *path, const char *library, const uint32_t *dims, uint32_t rank,
		 struct accel_net **net, struct accel_error *err);
int tflite_net_open(const char *path, const char *library, const uint32_t *dims, uint32_t rank,
		    struct accel_net **net, struct accel_error *err);

/* In place of *@net one that also writes its inputs to @directory/NAME-0000.npy, ... */
int save_net_wrap(const char *directory, const char *path, struct accel_net **net,
		  struct accel_error *err);

/* Fills in @err; returns -EINVAL */
int net_failed(struct accel_error *err, const char *what, const char *reason);

#endif
