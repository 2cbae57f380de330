// SPDX-License-Identifier: MIT
/* Memory of one compilation: see arena.h. */
#include "arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES	(256u << 10)
#define ALIGNMENT	16

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	_Alignas(ALIGNMENT) unsigned char data[];
};

static struct arena_block *new_block(struct arena *arena, size_t bytes)
{
	size_t size = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
	struct arena_block *block;

	if (size > arena->limit - arena->used)
		longjmp(arena->oom, 1);
	block = calloc(1, sizeof(*block) + size);
	if (!block)
		longjmp(arena->oom, 1);
	block->size = size;
	block->next = arena->blocks;
	arena->blocks = block;
	arena->used += size;
	return block;
}

void *arena_alloc(struct arena *arena, size_t count, size_t size)
{
	struct arena_block *block = arena->blocks;
	size_t bytes;
	void *ptr;

	if (size && count > (SIZE_MAX - ALIGNMENT) / size)
		longjmp(arena->oom, 1);
	bytes = (count * size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (!block || block->size - block->used < bytes)
		block = new_block(arena, bytes);
	ptr = block->data + block->used;
	block->used += bytes;
	return ptr;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0)
		longjmp(arena->oom, 1);
	text = arena_alloc(arena, (size_t)len + 1, 1);
	va_start(args, format);
	vsnprintf(text, (size_t)len + 1, format, args);
	va_end(args);
	return text;
}

void *arena_grow(struct arena *arena, void *ptr, size_t count, size_t size)
{
	void *bigger;

	if (count && (count & (count - 1)))
		return ptr;
	bigger = arena_alloc(arena, count ? 2 * count : 1, size);
	if (count)
		memcpy(bigger, ptr, count * size);
	return bigger;
}

struct arena_mark arena_mark(const struct arena *arena)
{
	return (struct arena_mark) { arena->blocks, arena->blocks ? arena->blocks->used : 0 };
}

void arena_release(struct arena *arena, struct arena_mark mark)
{
	while (arena->blocks != mark.block) {
		struct arena_block *block = arena->blocks;

		arena->blocks = block->next;
		arena->used -= block->size;
		free(block);
	}
	if (!mark.block)
		return;
	memset(mark.block->data + mark.used, 0, mark.block->used - mark.used);
	mark.block->used = mark.used;
}

void arena_free(struct arena *arena)
{
	while (arena->blocks) {
		struct arena_block *block = arena->blocks;

		arena->blocks = block->next;
		free(block);
	}
	arena->used = 0;
}

int arena_guard(struct arena *arena, int (*run)(void *arg), void (*release)(void *arg), void *arg)
{
	jmp_buf outer;
	int ret;

	memcpy(&outer, &arena->oom, sizeof(outer));
	if (setjmp(arena->oom)) {
		memcpy(&arena->oom, &outer, sizeof(outer));
		release(arg);
		longjmp(arena->oom, 1);
	}
	ret = run(arg);
	memcpy(&arena->oom, &outer, sizeof(outer));
	release(arg);
	return ret;
}
