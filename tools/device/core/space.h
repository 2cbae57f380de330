/* SPDX-License-Identifier: MIT */
/*
 * An address space as the engines see it: device addresses that lead to host
 * memory, or to a fault. The MMU over a front's bus is one implementation,
 * the sim plug-in's range map another.
 */
#ifndef ENPU_DEVICE_SPACE_H
#define ENPU_DEVICE_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct enpu_space;

/* Why an access failed: enum enpu_fault_cause and the address that regs.h gives for it */
struct enpu_access_fault {
	uint32_t cause;
	uint64_t addr;
};

struct enpu_space_ops {
	/* Pointers from ptr() are valid between begin and end; these do not nest. */
	void (*begin)(struct enpu_space *space);
	void (*end)(struct enpu_space *space);
	/*
	 * Host memory of va; *len (not 0) is cut to what is contiguous there.
	 * NULL: fault was filled in.
	 */
	void *(*ptr)(struct enpu_space *space, uint64_t va, uint64_t *len, bool write,
		     struct enpu_access_fault *fault);
};

struct enpu_space {
	const struct enpu_space_ops *ops;
};

/* count runs of len bytes, stride bytes apart. va + (count - 1) * stride + len must not wrap. */
struct enpu_runs {
	uint64_t va;
	uint64_t stride;
	uint64_t len;
	uint64_t count;
};

/*
 * Copy between the runs and the dense buffer buf. 0, or -EFAULT with *fault
 * filled in; then any part may have been copied.
 */
int enpu_space_read(struct enpu_space *space, const struct enpu_runs *runs, void *buf,
		    struct enpu_access_fault *fault);
int enpu_space_write(struct enpu_space *space, const struct enpu_runs *runs, const void *buf,
		     struct enpu_access_fault *fault);

#endif
