// SPDX-License-Identifier: GPL-2.0-only
/* Blocks of 2 MiB: large BOs are mapped by them, and they come apart where they have to. */
#include "enpu_test.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"

#define SIZE	MIB(64)
#define BLOCK	MIB(2)
#define PAGE	KIB(4)
#define VA	GIB(4)

FIXTURE(blocks)
{
	struct ctx ctx;
	uint32_t bo;
	uint32_t *mem;
};

static uint32_t pattern(uint64_t offset)
{
	return offset * 2654435761u ^ 0xa5a5a5a5;
}

FIXTURE_SETUP(blocks)
{
	struct ctx *ctx = &self->ctx;

	ASSERT_EQ(0, ctx_init(ctx, 0));
	ASSERT_EQ(0, bo_create(ctx->fd, SIZE, 0, &self->bo));
	self->mem = bo_map(ctx->fd, self->bo, SIZE);
	ASSERT_NE(NULL, self->mem);
}

FIXTURE_TEARDOWN(blocks)
{
	munmap(self->mem, SIZE);
	ctx_fini(&self->ctx);
}

/* The word that the device reads at an address, or a negative errno */
static int64_t peek(struct ctx *ctx, uint64_t va)
{
	uint32_t word;
	int ret;

	ctx->regions[REGION_SRC].va = va;
	ctx_restart(ctx);
	stream_copy(&ctx->stream, REGION_DST, 0, REGION_SRC, 0, 4);
	ret = ctx_submit(ctx);
	if (!ret)
		ret = ctx_wait(ctx);
	memcpy(&word, ctx->mem + CTX_DST, sizeof(word));
	return ret ? ret : (int64_t)word;
}

/* Does the device find at an address what the CPU writes at an offset, different for each? */
static bool same(struct ctx *ctx, uint32_t *mem, uint64_t offset, uint64_t va)
{
	mem[offset / 4] = pattern(offset);
	return peek(ctx, va) == pattern(offset);
}

/* What debugfs says that the device's tables have, of all address spaces */
static bool count_entries(long *pages, long *blocks)
{
	char line[256];
	glob_t found;
	FILE *file;

	*pages = *blocks = 0;
	if (glob("/sys/kernel/debug/accel/*/vms", 0, NULL, &found))
		return false;
	file = fopen(found.gl_pathv[0], "re");
	globfree(&found);
	while (file && fgets(line, sizeof(line), file)) {
		long some_pages, some_blocks;

		if (sscanf(line, "vm %*u: %ld pages of 4 KiB, %ld blocks of 2 MiB", &some_pages,
			   &some_blocks) == 2) {
			*pages += some_pages;
			*blocks += some_blocks;
		}
	}
	if (file)
		fclose(file);
	return file;
}

TEST_F(blocks, contents)
{
	struct ctx *ctx = &self->ctx;
	uint64_t offset;

	ASSERT_EQ(0, vm_map(ctx->fd, ctx->vm, self->bo, 0, VA, SIZE, 0));
	for (offset = 0; offset < SIZE; offset += BLOCK) {
		ASSERT_TRUE(same(ctx, self->mem, offset, VA + offset));
		ASSERT_TRUE(same(ctx, self->mem, offset + BLOCK - 256, VA + offset + BLOCK - 256));
	}
}

/* Of the memory of a guest that has just booted, most can be had in large pages. */
TEST_F(blocks, used)
{
	long pages, blocks, pages_before, blocks_before;
	struct ctx *ctx = &self->ctx;

	if (!count_entries(&pages_before, &blocks_before))
		SKIP(return, "no debugfs");
	ASSERT_EQ(0, vm_map(ctx->fd, ctx->vm, self->bo, 0, VA, SIZE, 0));
	count_entries(&pages, &blocks);
	pages -= pages_before;
	blocks -= blocks_before;
	EXPECT_EQ((long)(SIZE / PAGE), pages + blocks * 512);
	EXPECT_GE(blocks, 16);

	/* where the address is not aligned there can be none */
	ASSERT_EQ(0, vm_map(ctx->fd, ctx->vm, self->bo, 0, VA + GIB(1) + PAGE, SIZE, 0));
	count_entries(&pages_before, &blocks_before);
	EXPECT_EQ(blocks, blocks_before);
	EXPECT_TRUE(same(ctx, self->mem, SIZE / 2, VA + GIB(1) + PAGE + SIZE / 2));
}

TEST_F(blocks, split_by_unmap)
{
	const uint64_t hole = SIZE / 2 + 7 * PAGE;
	struct ctx *ctx = &self->ctx;
	struct drm_enpu_queue_query query;

	ASSERT_EQ(0, vm_map(ctx->fd, ctx->vm, self->bo, 0, VA, SIZE, 0));
	ASSERT_TRUE(same(ctx, self->mem, hole, VA + hole));
	ASSERT_EQ(0, vm_unmap(ctx->fd, ctx->vm, VA + hole, 2 * PAGE));
	EXPECT_TRUE(same(ctx, self->mem, SIZE / 2, VA + SIZE / 2));
	EXPECT_TRUE(same(ctx, self->mem, hole - 256, VA + hole - 256));
	EXPECT_TRUE(same(ctx, self->mem, hole + 2 * PAGE, VA + hole + 2 * PAGE));
	EXPECT_TRUE(same(ctx, self->mem, SIZE / 2 + BLOCK - 256, VA + SIZE / 2 + BLOCK - 256));
	EXPECT_TRUE(same(ctx, self->mem, SIZE / 2 + BLOCK, VA + SIZE / 2 + BLOCK));
	EXPECT_EQ(-EFAULT, peek(ctx, VA + hole + PAGE));
	ASSERT_EQ(0, queue_query(ctx->fd, ctx->queue, &query));
	EXPECT_EQ(ENPU_FAULT_UNMAPPED, query.fault_cause);
	EXPECT_EQ(VA + hole + PAGE, query.fault_addr);
}

/* Another BO in the midst of a block, and then a block over all of it again */
TEST_F(blocks, split_by_map)
{
	const uint64_t at = BLOCK + 100 * PAGE;
	struct ctx *ctx = &self->ctx;

	memset(ctx->mem + CTX_SRC, 0x3c, PAGE);
	ASSERT_EQ(0, vm_map(ctx->fd, ctx->vm, self->bo, 0, VA, SIZE, 0));
	ASSERT_EQ(0, vm_map(ctx->fd, ctx->vm, ctx->bo, CTX_SRC, VA + at, PAGE, 0));
	EXPECT_EQ(0x3c3c3c3c, peek(ctx, VA + at));
	EXPECT_TRUE(same(ctx, self->mem, at - 256, VA + at - 256));
	EXPECT_TRUE(same(ctx, self->mem, at + PAGE, VA + at + PAGE));
	EXPECT_TRUE(same(ctx, self->mem, 2 * BLOCK, VA + 2 * BLOCK));
	ASSERT_EQ(0, vm_map(ctx->fd, ctx->vm, self->bo, 0, VA, SIZE, 0));
	EXPECT_TRUE(same(ctx, self->mem, at, VA + at));
}

TEST_HARNESS_MAIN
