/* SPDX-License-Identifier: MIT */
/*
 * Memory of one compilation: everything lives in an arena and dies with it, so
 * no error path frees anything. When memory runs out, or the compilation grows
 * beyond the arena's limit, arena_alloc() jumps to @oom.
 */
#ifndef ENPU_ARENA_H
#define ENPU_ARENA_H

#include <setjmp.h>
#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *blocks;
	size_t used, limit;		/* bytes */
	jmp_buf oom;
};

/* Zeroed memory, aligned for any object. */
void *arena_alloc(struct arena *arena, size_t count, size_t size);
char *arena_printf(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void arena_free(struct arena *arena);

/* Give back everything that was allocated since the mark. */
struct arena_mark {
	struct arena_block *block;
	size_t used;
};

struct arena_mark arena_mark(const struct arena *arena);
void arena_release(struct arena *arena, struct arena_mark mark);

/*
 * run(arg) and then release(arg), which gives back what is not the arena's; also when
 * memory runs out in between, before that goes on to the outer @oom. What run() returned.
 */
int arena_guard(struct arena *arena, int (*run)(void *arg), void (*release)(void *arg), void *arg);

#define arena_new(arena, type, count) ((type *)arena_alloc(arena, count, sizeof(type)))

/*
 * Make room for one more element in the array @ptr with @count elements in use;
 * its capacity is implied (powers of two), so that a list is a pointer and a count.
 */
void *arena_grow(struct arena *arena, void *ptr, size_t count, size_t size);

#define arena_push(arena, ptr, count) \
	((ptr) = arena_grow(arena, ptr, count, sizeof(*(ptr))), &(ptr)[(count)++])

#endif
