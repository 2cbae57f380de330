// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Page tables
 *
 * Three levels of 512 entries; see uapi/enpu/regs.h. Each table is a page that the
 * device reads, with a shadow for the CPU: which tables hang below, and how many
 * entries are in use.
 *
 * A change has two steps. "Prepare" does everything that can fail: it adds empty
 * tables, and splits 2 MiB blocks of which only a part is concerned; neither
 * changes any translation. "Map" and "unmap" then only write entries, and say
 * whether the device may know of something that is no more. Tables that became
 * empty are set aside, and freed once the device has forgotten them.
 *
 * Entries that were not valid need no invalidation: the device keeps valid
 * translations only.
 *
 * "Revoke" is for memory reclaim, which can't wait for who has an address space
 * locked and allocates tables for it. It clears entries of a BO that nobody else
 * changes meanwhile, as that takes the BO's reservation, and leaves all tables in
 * place; the mutex of the tables keeps the two apart, and is never held for long.
 */

#include <linux/dma-mapping.h>
#include <linux/sched/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include <enpu/regs.h>

#include "enpu_mmu.h"

#define ENPU_BLOCK_SIZE		BIT_ULL(ENPU_MMU_BLOCK_SHIFT)
#define ENPU_MMU_PAGE_SIZE	BIT_ULL(ENPU_MMU_PAGE_SHIFT)
#define ENPU_TABLE_SIZE		(ENPU_MMU_ENTRIES * sizeof(u64))

/* Levels as in the specification: 2 is the root, 0 has pages */
enum { ENPU_LEAF, ENPU_MID, ENPU_ROOT };

static unsigned int enpu_mmu_index(u64 va, unsigned int level)
{
	return va >> (ENPU_MMU_PAGE_SHIFT + 9 * level) & (ENPU_MMU_ENTRIES - 1);
}

/* First address after what one entry of a level covers */
static u64 enpu_mmu_next(u64 va, unsigned int level)
{
	u64 span = BIT_ULL(ENPU_MMU_PAGE_SHIFT + 9 * level);

	return (va & ~(span - 1)) + span;
}

static struct enpu_table *enpu_table_alloc(struct enpu_mmu *mmu, unsigned int level)
{
	struct enpu_table *table;

	table = kzalloc(struct_size(table, children, level == ENPU_LEAF ? 0 : ENPU_MMU_ENTRIES),
			GFP_KERNEL_ACCOUNT);
	if (!table)
		return NULL;

	table->entries = dma_alloc_coherent(mmu->dev, ENPU_TABLE_SIZE, &table->dma,
					    GFP_KERNEL_ACCOUNT);
	if (!table->entries) {
		kfree(table);
		return NULL;
	}

	return table;
}

static void enpu_table_free(struct enpu_mmu *mmu, struct enpu_table *table)
{
	dma_free_coherent(mmu->dev, ENPU_TABLE_SIZE, table->entries, table->dma);
	kfree(table);
}

static void enpu_table_free_all(struct enpu_mmu *mmu, struct enpu_table *table,
				unsigned int level)
{
	unsigned int i;

	for (i = 0; level != ENPU_LEAF && i < ENPU_MMU_ENTRIES; i++)
		if (table->children[i])
			enpu_table_free_all(mmu, table->children[i], level - 1);
	enpu_table_free(mmu, table);
}

/* Writes an entry; returns whether it had been valid. */
static bool enpu_table_set(struct enpu_table *table, unsigned int index, u64 entry)
{
	bool was_valid = table->entries[index] & ENPU_PTE_VALID;

	table->used += !!(entry & ENPU_PTE_VALID) - was_valid;
	WRITE_ONCE(table->entries[index], entry);

	return was_valid;
}

static void enpu_table_retire(struct enpu_mmu *mmu, struct enpu_table *parent,
			      unsigned int index)
{
	list_add_tail(&parent->children[index]->node, &mmu->retired);
	parent->children[index] = NULL;
}

/**
 * enpu_mmu_init() - set up empty tables
 * @mmu: the tables
 * @dev: who will read them
 *
 * Return: 0 or -ENOMEM.
 */
int enpu_mmu_init(struct enpu_mmu *mmu, struct device *dev)
{
	mmu->dev = dev;
	mutex_init(&mmu->lock);
	fs_reclaim_acquire(GFP_KERNEL);
	might_lock(&mmu->lock);
	fs_reclaim_release(GFP_KERNEL);
	INIT_LIST_HEAD(&mmu->retired);
	mmu->root = enpu_table_alloc(mmu, ENPU_ROOT);

	return mmu->root ? 0 : -ENOMEM;
}

/**
 * enpu_mmu_fini() - free all tables
 * @mmu: the tables, which the device no longer reads
 */
void enpu_mmu_fini(struct enpu_mmu *mmu)
{
	struct enpu_table *root = NULL;

	enpu_mmu_free_retired(mmu);

	mutex_lock(&mmu->lock);
	swap(root, mmu->root);
	mutex_unlock(&mmu->lock);
	if (root)
		enpu_table_free_all(mmu, root, ENPU_ROOT);
}

/**
 * enpu_mmu_free_retired() - free tables that are out of use
 * @mmu: the tables, after a TLB flush
 */
void enpu_mmu_free_retired(struct enpu_mmu *mmu)
{
	struct enpu_table *table, *next;

	list_for_each_entry_safe(table, next, &mmu->retired, node) {
		list_del(&table->node);
		enpu_table_free(mmu, table);
	}
}

static struct enpu_table *enpu_mmu_mid(struct enpu_mmu *mmu, u64 va)
{
	return mmu->root->children[enpu_mmu_index(va, ENPU_ROOT)];
}

static struct enpu_table *enpu_mmu_ensure_mid(struct enpu_mmu *mmu, u64 va)
{
	unsigned int index = enpu_mmu_index(va, ENPU_ROOT);
	struct enpu_table *mid = mmu->root->children[index];

	if (mid)
		return mid;

	mid = enpu_table_alloc(mmu, ENPU_MID);
	if (!mid)
		return NULL;

	guard(mutex)(&mmu->lock);
	mmu->root->children[index] = mid;
	/* the device must not find what was in the page before */
	dma_wmb();
	enpu_table_set(mmu->root, index, mid->dma | ENPU_PTE_VALID);

	return mid;
}

/* The last-level table of an address, made if need be, from its block if there is one */
static struct enpu_table *enpu_mmu_ensure_leaf(struct enpu_mmu *mmu, u64 va)
{
	struct enpu_table *mid = enpu_mmu_ensure_mid(mmu, va);
	unsigned int index = enpu_mmu_index(va, ENPU_MID);
	struct enpu_table *leaf;
	u64 block, i;

	if (!mid)
		return NULL;
	if (mid->children[index])
		return mid->children[index];

	leaf = enpu_table_alloc(mmu, ENPU_LEAF);
	if (!leaf)
		return NULL;

	guard(mutex)(&mmu->lock);
	block = mid->entries[index];
	if (block & ENPU_PTE_VALID)
		for (i = 0; i < ENPU_MMU_ENTRIES; i++)
			enpu_table_set(leaf, i, (block & ~ENPU_PTE_BLOCK) +
				       (i << ENPU_MMU_PAGE_SHIFT));

	mid->children[index] = leaf;
	dma_wmb();
	enpu_table_set(mid, index, leaf->dma | ENPU_PTE_VALID);

	return leaf;
}

/* Walks the bus addresses of a BO in pieces that one entry can map */
struct enpu_cursor {
	struct scatterlist *sg;
	u64 skip;
	unsigned int left;
};

static void enpu_cursor_settle(struct enpu_cursor *cursor)
{
	while (cursor->left && cursor->skip >= sg_dma_len(cursor->sg)) {
		cursor->skip -= sg_dma_len(cursor->sg);
		cursor->sg = sg_next(cursor->sg);
		cursor->left--;
	}
}

static void enpu_cursor_start(struct enpu_cursor *cursor, struct sg_table *sgt, u64 offset)
{
	cursor->sg = sgt->sgl;
	cursor->left = sgt->nents;
	cursor->skip = offset;
	enpu_cursor_settle(cursor);
}

/* Size of the next piece, which is to be mapped at va; 0: none that can be */
static u64 enpu_cursor_next(struct enpu_cursor *cursor, u64 va, u64 size, dma_addr_t *dma)
{
	u64 avail, piece = ENPU_BLOCK_SIZE;

	if (!cursor->left)
		return 0;

	*dma = sg_dma_address(cursor->sg) + cursor->skip;
	avail = min(size, sg_dma_len(cursor->sg) - cursor->skip);
	if (avail < ENPU_BLOCK_SIZE || !IS_ALIGNED(va | *dma, ENPU_BLOCK_SIZE))
		piece = ENPU_MMU_PAGE_SIZE;
	if (avail < piece || !IS_ALIGNED(*dma, ENPU_MMU_PAGE_SIZE))
		return 0;

	cursor->skip += piece;
	enpu_cursor_settle(cursor);

	return piece;
}

/**
 * enpu_mmu_prepare_map() - do what can fail of a mapping
 * @mmu: the tables
 * @va: device address
 * @size: bytes
 * @sgt: bus addresses of the BO
 * @offset: first byte of it
 *
 * Return: 0, -ENOMEM, or -EINVAL for bus addresses that can't be mapped.
 */
int enpu_mmu_prepare_map(struct enpu_mmu *mmu, u64 va, u64 size,
			 struct sg_table *sgt, u64 offset)
{
	struct enpu_cursor cursor;
	u64 end = va + size;
	dma_addr_t dma;
	u64 piece;

	enpu_cursor_start(&cursor, sgt, offset);
	for (; va < end; va += piece) {
		piece = enpu_cursor_next(&cursor, va, end - va, &dma);
		if (!piece)
			return -EINVAL;
		if (piece == ENPU_BLOCK_SIZE ? !enpu_mmu_ensure_mid(mmu, va) :
					       !enpu_mmu_ensure_leaf(mmu, va))
			return -ENOMEM;
	}

	return 0;
}

/**
 * enpu_mmu_map() - map a part of a BO, replacing what is there
 * @mmu: the tables, prepared for just that
 * @va: device address
 * @size: bytes
 * @sgt: bus addresses of the BO
 * @offset: first byte of it
 * @writable: may the device write?
 *
 * Return: whether a TLB flush is needed.
 */
bool enpu_mmu_map(struct enpu_mmu *mmu, u64 va, u64 size,
		  struct sg_table *sgt, u64 offset, bool writable)
{
	u64 flags = ENPU_PTE_VALID | (writable ? ENPU_PTE_WRITE : 0);
	struct enpu_cursor cursor;
	u64 end = va + size;
	bool flush = false;
	dma_addr_t dma;
	u64 piece;

	guard(mutex)(&mmu->lock);

	enpu_cursor_start(&cursor, sgt, offset);
	for (; va < end; va += piece) {
		struct enpu_table *mid = enpu_mmu_mid(mmu, va);
		unsigned int index = enpu_mmu_index(va, ENPU_MID);

		piece = enpu_cursor_next(&cursor, va, end - va, &dma);
		if (piece == ENPU_BLOCK_SIZE) {
			flush |= enpu_table_set(mid, index, dma | flags | ENPU_PTE_BLOCK);
			if (mid->children[index])
				enpu_table_retire(mmu, mid, index);
		} else {
			flush |= enpu_table_set(mid->children[index],
						enpu_mmu_index(va, ENPU_LEAF), dma | flags);
		}
	}

	return flush;
}

/**
 * enpu_mmu_prepare_unmap() - do what can fail of an unmapping
 * @mmu: the tables
 * @va: device address
 * @size: bytes
 *
 * Return: 0 or -ENOMEM.
 */
int enpu_mmu_prepare_unmap(struct enpu_mmu *mmu, u64 va, u64 size)
{
	const u64 ends[] = { va, va + size };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		struct enpu_table *mid;

		if (IS_ALIGNED(ends[i], ENPU_BLOCK_SIZE))
			continue;
		mid = enpu_mmu_mid(mmu, ends[i]);
		if (!mid || !(mid->entries[enpu_mmu_index(ends[i], ENPU_MID)] & ENPU_PTE_BLOCK))
			continue;
		if (!enpu_mmu_ensure_leaf(mmu, ends[i]))
			return -ENOMEM;
	}

	return 0;
}

static bool enpu_mmu_unmap_leaf(struct enpu_table *leaf, u64 va, u64 end)
{
	bool flush = false;

	for (; va < end; va += ENPU_MMU_PAGE_SIZE)
		flush |= enpu_table_set(leaf, enpu_mmu_index(va, ENPU_LEAF), 0);

	return flush;
}

static bool enpu_mmu_unmap_mid(struct enpu_mmu *mmu, struct enpu_table *mid, u64 va, u64 end)
{
	bool flush = false;
	u64 next;

	for (; va < end; va = next) {
		unsigned int index = enpu_mmu_index(va, ENPU_MID);
		struct enpu_table *leaf = mid->children[index];

		next = min(end, enpu_mmu_next(va, ENPU_MID));
		if (!leaf) {
			flush |= enpu_table_set(mid, index, 0);
			continue;
		}
		flush |= enpu_mmu_unmap_leaf(leaf, va, next);
		if (leaf->used)
			continue;
		flush |= enpu_table_set(mid, index, 0);
		enpu_table_retire(mmu, mid, index);
	}

	return flush;
}

/**
 * enpu_mmu_unmap() - unmap whatever is in a range
 * @mmu: the tables, prepared for just that
 * @va: device address
 * @size: bytes
 *
 * Return: whether a TLB flush is needed.
 */
bool enpu_mmu_unmap(struct enpu_mmu *mmu, u64 va, u64 size)
{
	u64 next, end = va + size;
	bool flush = false;

	guard(mutex)(&mmu->lock);

	for (; va < end; va = next) {
		unsigned int index = enpu_mmu_index(va, ENPU_ROOT);
		struct enpu_table *mid = mmu->root->children[index];

		next = min(end, enpu_mmu_next(va, ENPU_ROOT));
		if (!mid)
			continue;
		flush |= enpu_mmu_unmap_mid(mmu, mid, va, next);
		if (mid->used)
			continue;
		flush |= enpu_table_set(mmu->root, index, 0);
		enpu_table_retire(mmu, mmu->root, index);
	}

	return flush;
}

/**
 * enpu_mmu_revoke() - clear the entries of a mapping
 * @mmu: the tables
 * @va: device address
 * @size: bytes, all mapped at once to a BO whose reservation is held
 *
 * Return: whether a TLB flush is needed.
 */
bool enpu_mmu_revoke(struct enpu_mmu *mmu, u64 va, u64 size)
{
	u64 next, end = va + size;
	bool flush = false;

	guard(mutex)(&mmu->lock);

	for (; mmu->root && va < end; va = next) {
		struct enpu_table *mid = enpu_mmu_mid(mmu, va);
		unsigned int index = enpu_mmu_index(va, ENPU_MID);

		next = min(end, enpu_mmu_next(va, mid ? ENPU_MID : ENPU_ROOT));
		if (mid && mid->children[index])
			flush |= enpu_mmu_unmap_leaf(mid->children[index], va, next);
		else if (mid)
			flush |= enpu_table_set(mid, index, 0);
	}

	return flush;
}

static void enpu_table_walk(struct enpu_table *table, unsigned int level, u64 va,
			    void (*visit)(void *priv, u64 va, u64 size, u64 entry), void *priv)
{
	u64 span = BIT_ULL(ENPU_MMU_PAGE_SHIFT + 9 * level);
	unsigned int i;

	visit(priv, va, 0, table->dma);
	for (i = 0; i < ENPU_MMU_ENTRIES; i++, va += span) {
		u64 entry = table->entries[i];

		if (!(entry & ENPU_PTE_VALID))
			continue;
		if (level == ENPU_LEAF || entry & ENPU_PTE_BLOCK)
			visit(priv, va, span, entry);
		else
			enpu_table_walk(table->children[i], level - 1, va, visit, priv);
	}
}

/**
 * enpu_mmu_walk() - look at all that is mapped
 * @mmu: the tables
 * @visit: called with each table's first address, 0 and bus address, and then with each
 *	page's and block's address, size and entry, in the order of addresses
 * @priv: for @visit
 */
void enpu_mmu_walk(struct enpu_mmu *mmu, void (*visit)(void *priv, u64 va, u64 size, u64 entry),
		   void *priv)
{
	guard(mutex)(&mmu->lock);

	if (mmu->root)
		enpu_table_walk(mmu->root, ENPU_ROOT, 0, visit, priv);
}

/**
 * enpu_mmu_lookup() - what the device finds for an address
 * @mmu: the tables
 * @va: the address
 *
 * Return: the entry of the page or block, or 0.
 */
u64 enpu_mmu_lookup(struct enpu_mmu *mmu, u64 va)
{
	struct enpu_table *mid, *leaf;

	mid = mmu->root ? enpu_mmu_mid(mmu, va) : NULL;
	if (!mid)
		return 0;
	leaf = mid->children[enpu_mmu_index(va, ENPU_MID)];

	return leaf ? leaf->entries[enpu_mmu_index(va, ENPU_LEAF)] :
		      mid->entries[enpu_mmu_index(va, ENPU_MID)];
}
