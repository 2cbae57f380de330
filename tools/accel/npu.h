/* SPDX-License-Identifier: MIT */
/* Runs compiled models for the compiler's verification: through libaccel. */
#ifndef ACCEL_CLI_NPU_H
#define ACCEL_CLI_NPU_H

#include <accel/accel.h>
#include <enpu-compiler.h>

struct enpu_runner npu_runner(struct accel_device *dev);

#endif
