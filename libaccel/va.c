// SPDX-License-Identifier: MIT
/* Device address allocation: first fit in a sorted array of used ranges. */
#include "va.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <enpu/regs.h>

#define PAGE	(UINT64_C(1) << ENPU_MMU_PAGE_SHIFT)
#define BLOCK	(UINT64_C(1) << ENPU_MMU_BLOCK_SHIFT)

void accel_va_init(struct accel_va *va, uint64_t start, uint64_t end)
{
	*va = (struct accel_va){
		.start = (start + PAGE - 1) & ~(PAGE - 1),
		.end = end & ~(PAGE - 1),
	};
}

void accel_va_destroy(struct accel_va *va)
{
	free(va->used);
}

static int grow(struct accel_va *va)
{
	size_t room = va->room ? 2 * va->room : 16;
	struct accel_va_range *used;

	if (va->count < va->room)
		return 0;
	used = realloc(va->used, room * sizeof(*used));
	if (!used)
		return -ENOMEM;
	va->used = used;
	va->room = room;
	return 0;
}

int accel_va_alloc(struct accel_va *va, uint64_t size, uint64_t *addr)
{
	uint64_t align = size >= BLOCK ? BLOCK : PAGE;
	uint64_t start = (va->start + align - 1) & ~(align - 1);
	size_t at;

	if (!size || size % PAGE || size > va->end)
		return -ENOSPC;
	if (grow(va))
		return -ENOMEM;
	for (at = 0; at < va->count; at++) {
		if (start + size + PAGE <= va->used[at].start)
			break;
		start = (va->used[at].end + PAGE + align - 1) & ~(align - 1);
	}
	if (start > va->end || va->end - start < size)
		return -ENOSPC;
	memmove(va->used + at + 1, va->used + at, (va->count - at) * sizeof(*va->used));
	va->used[at] = (struct accel_va_range){ .start = start, .end = start + size };
	va->count++;
	*addr = start;
	return 0;
}

void accel_va_free(struct accel_va *va, uint64_t addr)
{
	for (size_t at = 0; at < va->count; at++) {
		if (va->used[at].start != addr)
			continue;
		va->count--;
		memmove(va->used + at, va->used + at + 1, (va->count - at) * sizeof(*va->used));
		return;
	}
}
