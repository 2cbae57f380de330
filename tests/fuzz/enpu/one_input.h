/* SPDX-License-Identifier: MIT */
/* What must hold for every .enpu file, however broken. */
#ifndef FUZZ_ENPU_ONE_INPUT_H
#define FUZZ_ENPU_ONE_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include <accel/accel.h>

enum outcome {
	OUTCOME_REFUSED,	/* by the loader, or as not for this device; with a reason */
	OUTCOME_FAILED,		/* loaded; the device or a CPU step reported a failure */
	OUTCOME_RAN,
	OUTCOME_WRONG,		/* a failure without a reason */
	NUM_OUTCOMES
};

/* Load, and run on @dev; NULL: load only. @why: the reason, unless it ran */
enum outcome run_one(struct accel_device *dev, const uint8_t *data, size_t size,
		     struct accel_error *why);

#endif
