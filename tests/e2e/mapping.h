/* SPDX-License-Identifier: MIT */
/*
 * Takes a device mapping away behind libaccel's back.
 *
 * libaccel maps all that a job needs, so a program that uses it cannot submit
 * a job with an unmapped address. This object stands between libaccel and the
 * driver (it defines ioctl()), remembers what VM_BIND mapped, and can unmap it.
 */
#ifndef E2E_MAPPING_H
#define E2E_MAPPING_H

#include <stdint.h>

struct mapping {
	int fd;
	uint32_t vm_id;
	uint32_t bo_handle;
	uint32_t flags;
	uint64_t bo_offset;
	uint64_t va;
	uint64_t size;
};

/*
 * Unmap the middle half of the largest mapping made so far, which is that of a
 * model's weights. 0 and what was unmapped, or -1: errno.
 */
int mapping_take_away(struct mapping *mapping);
int mapping_put_back(const struct mapping *mapping);

#endif
