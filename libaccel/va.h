/* SPDX-License-Identifier: MIT */
/* Which device addresses of an address space are in use. The caller locks. */
#ifndef LIBACCEL_VA_H
#define LIBACCEL_VA_H

#include <stddef.h>
#include <stdint.h>

struct accel_va_range {
	uint64_t start;
	uint64_t end;
};

struct accel_va {
	uint64_t start;
	uint64_t end;
	struct accel_va_range *used;	/* sorted, disjoint */
	size_t count;
	size_t room;
};

/* Usable addresses: [start, end) */
void accel_va_init(struct accel_va *va, uint64_t start, uint64_t end);
void accel_va_destroy(struct accel_va *va);

/*
 * The lowest free range of @size bytes, a multiple of 4 KiB: aligned to 2 MiB
 * if it is that large, so that it can be mapped by blocks, and followed by an
 * unused page, so that running past its end is a fault. -ENOSPC, -ENOMEM.
 */
int accel_va_alloc(struct accel_va *va, uint64_t size, uint64_t *addr);
void accel_va_free(struct accel_va *va, uint64_t addr);

#endif
