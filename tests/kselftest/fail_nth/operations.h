/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What fault injection is tried on: a table of operations, and what they work with. The
 * sweep through their faults is in test_fail_nth.c.
 */
#ifndef FAIL_NTH_OPERATIONS_H
#define FAIL_NTH_OPERATIONS_H

#include <limits.h>

#include "../enpu_test.h"

/* What one attempt works with: a client, and what the operation makes */
struct attempt {
	struct ctx ctx;
	uint32_t bo;
	uint32_t other_bo;
	uint32_t id;
	uint32_t timeline;
	uint64_t offset;
	int fd;
	uint8_t *map;
	struct user user;
	/* of the node or of the PCI function */
	char path[PATH_MAX];
};

/*
 * @setup and @act return 0 or a negative errno, @failed and @done whether things
 * are as they should be after a failure (NULL: nothing to see) and after success.
 */
struct operation {
	const char *name;
	int (*setup)(struct attempt *attempt);
	int (*act)(struct attempt *attempt);
	bool (*failed)(struct attempt *attempt);
	bool (*done)(struct attempt *attempt);
	void (*cleanup)(struct attempt *attempt);
	/* no client: the operation is about the device itself */
	bool bare;
	/* what it takes away is gone even if the answer was lost: not done again */
	bool once;
	/* may need no memory at all */
	bool easy;
	/* functions of the kernel: faults happen within @within only, and not within @spared */
	const char *within;
	const char *spared;
	/* the same few allocations for each of many vectors: not each of them, in the end */
	bool repetitive;
	/* what else the kernel says for a lack of memory */
	int also[4];
};

extern const struct operation operations[];
extern const unsigned int num_operations;

/* Binds the device to the driver, if it isn't: 0 or a negative errno. */
int probe_act(struct attempt *attempt);

#endif
