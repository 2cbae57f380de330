/* SPDX-License-Identifier: MIT */
/*
 * libaccel: run compiled models (.enpu) on an NPU.
 *
 * The one header to include. From open to result:
 *
 *	struct accel_error err;
 *	struct accel_device *dev;
 *	struct accel_model *model;
 *	struct accel_instance *inst;
 *
 *	accel_device_open(NULL, &dev, &err);
 *	accel_model_load("mobilenet.enpu", &model, &err);
 *	accel_instance_create(model, dev, NULL, &inst, &err);
 *	memcpy(accel_instance_input(inst, 0), pixels, accel_model_input(model, 0)->size);
 *	accel_instance_run(inst, &err);
 *	... accel_instance_output(inst, 0) ...
 *	accel_instance_release(inst);
 *	accel_model_release(model);
 *	accel_device_release(dev);
 *
 * Errors: functions return 0 (or a count, or a descriptor) or a negative
 * errno, and then fill in the struct accel_error that they were given, if any.
 *
 * Lifetime: what was created or opened is released by its _release() function,
 * in any order: an object holds what it needs alive. Release of NULL does nothing.
 *
 * Threads: devices and models may be used from any number of threads at once.
 * An instance with its jobs, or a buffer, is used by one thread at a time;
 * different ones are independent. The library has no global state.
 *
 * Compatibility: structs that the library hands out by pointer may grow at the
 * end; structs that the caller fills in start with their size.
 */
#ifndef ACCEL_ACCEL_H
#define ACCEL_ACCEL_H

#include <accel/buffer.h>
#include <accel/device.h>
#include <accel/error.h>
#include <accel/instance.h>
#include <accel/job.h>
#include <accel/model.h>
#include <accel/tensor.h>
#include <accel/version.h>

#endif
