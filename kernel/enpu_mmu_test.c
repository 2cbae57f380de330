// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit: page tables are compared with a model, an array that says for each page what it is
 * mapped to, changed by the same operations.
 */

#include <linux/dma-mapping.h>
#include <linux/sizes.h>

#include <kunit/device.h>
#include <kunit/test.h>

#include <enpu/regs.h>

#include "enpu_mmu.h"

/* Where the model begins, and how much it covers: three blocks, and a bit on both sides */
#define MODEL_VA	(SZ_1G - 2ull * SZ_2M)
#define MODEL_PAGES	(3 * 512 + 100)

struct enpu_mmu_test {
	struct enpu_mmu mmu;
	struct scatterlist sgl[4];
	struct sg_table sgt;
	/* by page: the entry that the walk shall find, without BLOCK; 0: none */
	u64 model[MODEL_PAGES];
	/* what the walk has found */
	u64 pages, blocks, tables, wrong;
};

static int enpu_mmu_test_init(struct kunit *test)
{
	struct enpu_mmu_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	struct device *dev = kunit_device_register(test, "enpu-mmu");

	KUNIT_ASSERT_NOT_NULL(test, t);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	dev->dma_mask = &dev->coherent_dma_mask;
	KUNIT_ASSERT_EQ(test, 0, dma_set_mask_and_coherent(dev, DMA_BIT_MASK(52)));
	t->sgt.sgl = t->sgl;
	test->priv = t;

	return enpu_mmu_init(&t->mmu, dev);
}

static void enpu_mmu_test_exit(struct kunit *test)
{
	struct enpu_mmu_test *t = test->priv;

	if (t && t->mmu.root)
		enpu_mmu_fini(&t->mmu);
}

/* A BO of so many pieces at these bus addresses */
static void set_bo(struct enpu_mmu_test *t, unsigned int count, const dma_addr_t *at,
		   const unsigned int *length)
{
	unsigned int i;

	sg_init_table(t->sgl, count);
	t->sgt.nents = count;
	t->sgt.orig_nents = count;
	for (i = 0; i < count; i++) {
		sg_dma_address(&t->sgl[i]) = at[i];
		sg_dma_len(&t->sgl[i]) = length[i];
	}
}

static void set_bo_one(struct enpu_mmu_test *t, dma_addr_t at, unsigned int length)
{
	set_bo(t, 1, &at, &length);
}

static void compare_visit(void *priv, u64 va, u64 size, u64 entry)
{
	struct enpu_mmu_test *t = priv;
	u64 i;

	if (!size) {
		t->tables++;
		return;
	}
	if (entry & ENPU_PTE_BLOCK)
		t->blocks++;
	else
		t->pages++;
	if (size != (entry & ENPU_PTE_BLOCK ? SZ_2M : SZ_4K) || !IS_ALIGNED(va, size))
		t->wrong++;

	for (i = 0; i < size; i += SZ_4K) {
		u64 page = (va + i - MODEL_VA) / SZ_4K;
		u64 found = (entry & ~ENPU_PTE_BLOCK) + i;

		if (va + i < MODEL_VA || page >= MODEL_PAGES || t->model[page] != found)
			t->wrong++;
	}
}

/* What the tables say is what the model says, no more and no less. */
static void compare(struct kunit *test)
{
	struct enpu_mmu_test *t = test->priv;
	unsigned int i;
	u64 want = 0;

	t->pages = 0;
	t->blocks = 0;
	t->tables = 0;
	t->wrong = 0;
	enpu_mmu_walk(&t->mmu, compare_visit, t);
	for (i = 0; i < MODEL_PAGES; i++)
		want += !!t->model[i];
	KUNIT_EXPECT_EQ(test, t->wrong, 0);
	KUNIT_EXPECT_EQ(test, t->pages + 512 * t->blocks, want);
}

/* Maps a part of the BO, which is one piece at bus address "at", for real and in the model. */
static bool map(struct kunit *test, u64 va, u64 size, dma_addr_t at, u64 offset, bool writable)
{
	struct enpu_mmu_test *t = test->priv;
	bool flush;
	u64 i;

	KUNIT_ASSERT_EQ(test, 0, enpu_mmu_prepare_map(&t->mmu, va, size, &t->sgt, offset));
	/* so far nothing has changed */
	compare(test);
	flush = enpu_mmu_map(&t->mmu, va, size, &t->sgt, offset, writable);
	for (i = 0; i < size; i += SZ_4K)
		t->model[(va + i - MODEL_VA) / SZ_4K] =
			(at + offset + i) | ENPU_PTE_VALID | (writable ? ENPU_PTE_WRITE : 0);
	compare(test);
	enpu_mmu_free_retired(&t->mmu);

	return flush;
}

static bool unmap(struct kunit *test, u64 va, u64 size)
{
	struct enpu_mmu_test *t = test->priv;
	bool flush;
	u64 i;

	KUNIT_ASSERT_EQ(test, 0, enpu_mmu_prepare_unmap(&t->mmu, va, size));
	compare(test);
	flush = enpu_mmu_unmap(&t->mmu, va, size);
	for (i = 0; i < size; i += SZ_4K)
		t->model[(va + i - MODEL_VA) / SZ_4K] = 0;
	compare(test);
	enpu_mmu_free_retired(&t->mmu);

	return flush;
}

static void enpu_mmu_pages(struct kunit *test)
{
	struct enpu_mmu_test *t = test->priv;

	set_bo_one(t, 0x12345000, SZ_64K);
	/* what was not valid needs no flush, what was does */
	KUNIT_EXPECT_FALSE(test, map(test, MODEL_VA, SZ_16K, 0x12345000, 0, true));
	KUNIT_EXPECT_EQ(test, t->pages, 4);
	KUNIT_EXPECT_EQ(test, t->tables, 3);
	KUNIT_EXPECT_TRUE(test, map(test, MODEL_VA + SZ_4K, SZ_4K, 0x12345000, SZ_32K, false));
	KUNIT_EXPECT_FALSE(test, unmap(test, MODEL_VA + SZ_1M, SZ_1M));
	KUNIT_EXPECT_TRUE(test, unmap(test, MODEL_VA, SZ_8K));
	KUNIT_EXPECT_TRUE(test, unmap(test, MODEL_VA, SZ_2M));
	/* tables that became empty went */
	KUNIT_EXPECT_EQ(test, t->tables, 1);
}

static void enpu_mmu_blocks(struct kunit *test)
{
	struct enpu_mmu_test *t = test->priv;

	set_bo_one(t, 0x40000000, 3 * SZ_2M);
	KUNIT_EXPECT_FALSE(test, map(test, MODEL_VA, 2 * SZ_2M, 0x40000000, 0, true));
	KUNIT_EXPECT_EQ(test, t->blocks, 2);
	KUNIT_EXPECT_EQ(test, t->pages, 0);
	KUNIT_EXPECT_EQ(test, t->tables, 2);
	KUNIT_EXPECT_TRUE(test, unmap(test, MODEL_VA, 2 * SZ_2M));
	KUNIT_EXPECT_EQ(test, t->tables, 1);

	/* address, bus address and size have to fit */
	map(test, MODEL_VA + SZ_4K, SZ_2M, 0x40000000, 0, true);
	KUNIT_EXPECT_EQ(test, t->blocks, 0);
	unmap(test, MODEL_VA, 2 * SZ_2M);
	map(test, MODEL_VA, SZ_2M, 0x40000000, SZ_4K, true);
	KUNIT_EXPECT_EQ(test, t->blocks, 0);
	unmap(test, MODEL_VA, SZ_2M);
	map(test, MODEL_VA, SZ_2M - SZ_4K, 0x40000000, 0, true);
	KUNIT_EXPECT_EQ(test, t->blocks, 0);
}

static void enpu_mmu_split(struct kunit *test)
{
	struct enpu_mmu_test *t = test->priv;

	set_bo_one(t, 0x40000000, 3 * SZ_2M);
	map(test, MODEL_VA, 3 * SZ_2M, 0x40000000, 0, false);
	KUNIT_EXPECT_EQ(test, t->blocks, 3);
	KUNIT_EXPECT_TRUE(test, unmap(test, MODEL_VA + SZ_2M + SZ_64K, SZ_4K));
	KUNIT_EXPECT_EQ(test, t->blocks, 2);
	KUNIT_EXPECT_EQ(test, t->pages, 511);

	/* both ends within blocks */
	KUNIT_EXPECT_TRUE(test, unmap(test, MODEL_VA + SZ_4K, 3 * SZ_2M - SZ_8K));
	KUNIT_EXPECT_EQ(test, t->blocks, 0);
	KUNIT_EXPECT_EQ(test, t->pages, 2);
}

static void enpu_mmu_block_replaces_pages(struct kunit *test)
{
	struct enpu_mmu_test *t = test->priv;

	set_bo_one(t, 0x40000000, SZ_2M);
	map(test, MODEL_VA + SZ_64K, SZ_64K, 0x40000000, 0, true);
	KUNIT_EXPECT_EQ(test, t->tables, 3);
	KUNIT_EXPECT_TRUE(test, map(test, MODEL_VA, SZ_2M, 0x40000000, 0, true));
	KUNIT_EXPECT_EQ(test, t->blocks, 1);
	KUNIT_EXPECT_EQ(test, t->tables, 2);
	/* and pages a part of a block */
	KUNIT_EXPECT_TRUE(test, map(test, MODEL_VA + SZ_4K, SZ_4K, 0x40000000, SZ_8K, false));
	KUNIT_EXPECT_EQ(test, t->pages, 512);
}

static void enpu_mmu_scattered(struct kunit *test)
{
	static const dma_addr_t at[] = { 0x7000, 0x40001000, 0x80000000 };
	static const unsigned int length[] = { SZ_4K, SZ_2M - SZ_4K, SZ_2M };
	struct enpu_mmu_test *t = test->priv;
	unsigned int i;

	set_bo(t, 3, at, length);
	KUNIT_ASSERT_EQ(test, 0, enpu_mmu_prepare_map(&t->mmu, MODEL_VA, 2 * SZ_2M, &t->sgt, 0));
	KUNIT_EXPECT_FALSE(test, enpu_mmu_map(&t->mmu, MODEL_VA, 2 * SZ_2M, &t->sgt, 0, false));
	t->model[0] = 0x7000 | ENPU_PTE_VALID;
	for (i = 0; i < 511; i++)
		t->model[1 + i] = (0x40001000 + i * SZ_4K) | ENPU_PTE_VALID;
	for (i = 0; i < 512; i++)
		t->model[512 + i] = (0x80000000u + i * SZ_4K) | ENPU_PTE_VALID;
	compare(test);
	KUNIT_EXPECT_EQ(test, t->pages, 512);
	KUNIT_EXPECT_EQ(test, t->blocks, 1);
}

static void enpu_mmu_refusals(struct kunit *test)
{
	struct enpu_mmu_test *t = test->priv;

	/* beyond the end of the BO */
	set_bo_one(t, 0x40000000, SZ_64K);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			enpu_mmu_prepare_map(&t->mmu, MODEL_VA, SZ_64K + SZ_4K, &t->sgt, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			enpu_mmu_prepare_map(&t->mmu, MODEL_VA, SZ_4K, &t->sgt, SZ_64K));
	/* not a page of ours */
	set_bo_one(t, 0x40000800, SZ_64K);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			enpu_mmu_prepare_map(&t->mmu, MODEL_VA, SZ_4K, &t->sgt, 0));
	compare(test);
}

/* In memory reclaim: entries go, tables stay, and mappings can be made anew. */
static void enpu_mmu_revoked(struct kunit *test)
{
	struct enpu_mmu_test *t = test->priv;

	set_bo_one(t, 0x40000000, 2 * SZ_2M);
	map(test, MODEL_VA, SZ_2M + SZ_64K, 0x40000000, 0, true);
	KUNIT_EXPECT_TRUE(test, enpu_mmu_revoke(&t->mmu, MODEL_VA, SZ_2M + SZ_64K));
	memset(t->model, 0, sizeof(t->model));
	compare(test);
	KUNIT_EXPECT_EQ(test, t->tables, 3);
	KUNIT_EXPECT_FALSE(test, enpu_mmu_revoke(&t->mmu, MODEL_VA, SZ_2M + SZ_64K));
	KUNIT_EXPECT_FALSE(test, map(test, MODEL_VA, SZ_2M + SZ_64K, 0x40000000, 0, false));
	KUNIT_EXPECT_EQ(test, t->blocks, 1);
	unmap(test, MODEL_VA, 2 * SZ_2M);
	KUNIT_EXPECT_EQ(test, t->tables, 1);
}

/* The first and the last page of an address space, and all between */
static void enpu_mmu_whole_space(struct kunit *test)
{
	struct enpu_mmu_test *t = test->priv;
	u64 end = BIT_ULL(ENPU_VA_BITS), va = end - SZ_4K;

	set_bo_one(t, 0x40000000, SZ_4K);
	KUNIT_EXPECT_FALSE(test, enpu_mmu_unmap(&t->mmu, 0, end));
	KUNIT_ASSERT_EQ(test, 0, enpu_mmu_prepare_map(&t->mmu, va, SZ_4K, &t->sgt, 0));
	KUNIT_EXPECT_FALSE(test, enpu_mmu_map(&t->mmu, va, SZ_4K, &t->sgt, 0, true));
	KUNIT_ASSERT_EQ(test, 0, enpu_mmu_prepare_map(&t->mmu, 0, SZ_4K, &t->sgt, 0));
	KUNIT_EXPECT_FALSE(test, enpu_mmu_map(&t->mmu, 0, SZ_4K, &t->sgt, 0, true));
	KUNIT_EXPECT_EQ(test, t->mmu.root->used, 2);
	KUNIT_EXPECT_EQ(test, 0, enpu_mmu_prepare_unmap(&t->mmu, 0, end));
	KUNIT_EXPECT_TRUE(test, enpu_mmu_unmap(&t->mmu, 0, end));
	enpu_mmu_free_retired(&t->mmu);
	compare(test);
	KUNIT_EXPECT_EQ(test, t->tables, 1);
}

static void enpu_mmu_random(struct kunit *test)
{
	struct enpu_mmu_test *t = test->priv;
	u32 state = 1, i;

	set_bo_one(t, 0x40000000, MODEL_PAGES * SZ_4K);
	for (i = 0; i < 100; i++) {
		u64 first, count, offset;

		/* half of them on block boundaries */
		state = state * 1664525 + 1013904223;
		first = (state >> 8) % MODEL_PAGES;
		if (state & BIT(30))
			first = round_down(first, 512);
		state = state * 1664525 + 1013904223;
		count = 1 + (state >> 8) % (MODEL_PAGES - first);
		if (state & BIT(30) && count >= 512)
			count = round_down(count, 512);
		offset = state & BIT(29) ? first : (state >> 4) % (MODEL_PAGES - count + 1);
		if (state & BIT(31))
			map(test, MODEL_VA + first * SZ_4K, count * SZ_4K, 0x40000000,
			    min(offset, MODEL_PAGES - count) * SZ_4K, state & BIT(28));
		else
			unmap(test, MODEL_VA + first * SZ_4K, count * SZ_4K);
	}
	unmap(test, MODEL_VA, MODEL_PAGES * SZ_4K);
	KUNIT_EXPECT_EQ(test, t->tables, 1);
}

static struct kunit_case enpu_mmu_cases[] = {
	KUNIT_CASE(enpu_mmu_pages),
	KUNIT_CASE(enpu_mmu_blocks),
	KUNIT_CASE(enpu_mmu_split),
	KUNIT_CASE(enpu_mmu_block_replaces_pages),
	KUNIT_CASE(enpu_mmu_scattered),
	KUNIT_CASE(enpu_mmu_refusals),
	KUNIT_CASE(enpu_mmu_revoked),
	KUNIT_CASE(enpu_mmu_whole_space),
	KUNIT_CASE(enpu_mmu_random),
	{}
};

static struct kunit_suite enpu_mmu_suite = {
	.name = "enpu_mmu",
	.init = enpu_mmu_test_init,
	.exit = enpu_mmu_test_exit,
	.test_cases = enpu_mmu_cases,
};

kunit_test_suite(enpu_mmu_suite);
