// SPDX-License-Identifier: MIT
/*
 * Copies between device addresses and the engines' own buffers.
 *
 * Engines never keep a pointer into host memory: they compute on copies, so
 * that mappings can go away between any two copies.
 */
#include <errno.h>
#include <string.h>

#include "space.h"

/* What the last translation gave, so that short runs side by side need one */
struct window {
	uint64_t va;
	uint64_t len;
	uint8_t *ptr;
};

static int copy_run(struct enpu_space *space, struct window *win, uint64_t va, uint64_t len,
		    uint8_t *buf, bool write, struct enpu_access_fault *fault)
{
	while (len) {
		uint64_t skip = va - win->va, part;

		if (skip >= win->len) {
			win->va = va;
			win->len = UINT64_MAX - va;
			skip = 0;
			if (win->len < len)
				win->len = len;
			win->ptr = space->ops->ptr(space, va, &win->len, write, fault);
			if (!win->ptr)
				return -EFAULT;
		}
		part = win->len - skip < len ? win->len - skip : len;
		if (write)
			memcpy(win->ptr + skip, buf, part);
		else
			memcpy(buf, win->ptr + skip, part);
		va += part;
		buf += part;
		len -= part;
	}
	return 0;
}

static int copy_runs(struct enpu_space *space, const struct enpu_runs *runs, uint8_t *buf,
		     bool write, struct enpu_access_fault *fault)
{
	struct window win = { 0 };
	uint64_t len = runs->len, count = runs->count;
	int err = 0;

	if (runs->stride == len) {
		len *= count;
		count = 1;
	}
	space->ops->begin(space);
	for (uint64_t i = 0; i < count && !err; i++)
		err = copy_run(space, &win, runs->va + i * runs->stride, len, buf + i * len,
			       write, fault);
	space->ops->end(space);
	return err;
}

int enpu_space_read(struct enpu_space *space, const struct enpu_runs *runs, void *buf,
		    struct enpu_access_fault *fault)
{
	return copy_runs(space, runs, buf, false, fault);
}

int enpu_space_write(struct enpu_space *space, const struct enpu_runs *runs, const void *buf,
		     struct enpu_access_fault *fault)
{
	return copy_runs(space, runs, (uint8_t *)buf, true, fault);
}
