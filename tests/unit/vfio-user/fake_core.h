/* SPDX-License-Identifier: MIT */
/*
 * A stand-in for the device core: a few registers that hold what is written, and
 * a record of what its front asked of it. Linked in place of the real one, so
 * that the tests of the front depend on nothing else.
 */
#ifndef TEST_FAKE_CORE_H
#define TEST_FAKE_CORE_H

#include "../../../tools/device/core/enpu_device.h"

#define FAKE_REGISTERS 64

struct enpu_device {
	const struct enpu_host_ops *ops;
	void *host;
	uint32_t registers[FAKE_REGISTERS];
	unsigned int resets;
	enum enpu_injection injected;
	uint64_t injected_n;
	bool failed;
};

#endif
