// SPDX-License-Identifier: MIT
/*
 * Table walks and the TLB.
 */
#include <string.h>

#include "mmu.h"

#define INDEX_BITS	9
#define PAGE_SIZE_	(1ull << ENPU_MMU_PAGE_SHIFT)
#define BLOCK_SIZE_	(1ull << ENPU_MMU_BLOCK_SHIFT)

static void *fail(struct enpu_access_fault *fault, uint32_t cause, uint64_t addr)
{
	fault->cause = cause;
	fault->addr = addr;
	return NULL;
}

/* The entry of a table that va leads to; false: the host has no such memory */
static bool read_entry(struct enpu_mmu *mmu, uint64_t table, unsigned int level, uint64_t va,
		       uint64_t *pte)
{
	unsigned int shift = ENPU_MMU_PAGE_SHIFT + INDEX_BITS * level;
	uint64_t index = va >> shift & (ENPU_MMU_ENTRIES - 1), len = sizeof(*pte);
	const uint64_t *entry = mmu->ops->dma_ptr(mmu->host, table + index * sizeof(*pte), &len,
						  false);

	if (!entry || len < sizeof(*pte))
		return false;
	*pte = __atomic_load_n(entry, __ATOMIC_RELAXED);
	return true;
}

static bool entry_ok(uint64_t pte, unsigned int level)
{
	uint64_t known = ENPU_PTE_VALID | ENPU_PTE_WRITE | ENPU_PTE_ADDR;

	if (level == 1)
		known |= ENPU_PTE_BLOCK;
	if (!(pte & ENPU_PTE_VALID) || pte & ~known)
		return false;
	return !(pte & ENPU_PTE_BLOCK) || !(pte & ENPU_PTE_ADDR & (BLOCK_SIZE_ - 1));
}

static struct enpu_tlb_entry *page_slot(struct enpu_mmu *mmu, uint64_t va)
{
	return &mmu->pages[(va >> ENPU_MMU_PAGE_SHIFT) % ENPU_TLB_PAGES];
}

static struct enpu_tlb_entry *block_slot(struct enpu_mmu *mmu, uint64_t va)
{
	return &mmu->blocks[(va >> ENPU_MMU_BLOCK_SHIFT) % ENPU_TLB_BLOCKS];
}

static bool hit(const struct enpu_mmu *mmu, const struct enpu_tlb_entry *entry, uint64_t page)
{
	return entry->valid && entry->vm == mmu->vm && entry->page == page;
}

/* Walk the tables and remember what they say. NULL: fault */
static const struct enpu_tlb_entry *walk(struct enpu_mmu *mmu, uint64_t va,
					 struct enpu_access_fault *fault)
{
	uint64_t pte = atomic_load(&mmu->roots[mmu->vm]);
	struct enpu_tlb_entry *slot = page_slot(mmu, va);
	unsigned int shift = ENPU_MMU_PAGE_SHIFT;

	if (va >> ENPU_VA_BITS || !(pte & ENPU_VM_ROOT_VALID))
		return fail(fault, ENPU_FAULT_UNMAPPED, va);

	for (unsigned int level = ENPU_MMU_LEVELS; level-- > 0;) {
		uint64_t table = pte & ENPU_PTE_ADDR;

		if (!read_entry(mmu, table, level, va, &pte))
			return fail(fault, ENPU_FAULT_BUS, table);
		if (!entry_ok(pte, level))
			return fail(fault, ENPU_FAULT_UNMAPPED, va);
		if (pte & ENPU_PTE_BLOCK) {
			slot = block_slot(mmu, va);
			shift = ENPU_MMU_BLOCK_SHIFT;
			break;
		}
	}

	slot->page = va >> shift;
	slot->bus = pte & ENPU_PTE_ADDR;
	slot->vm = mmu->vm;
	slot->write = pte & ENPU_PTE_WRITE;
	slot->valid = true;
	return slot;
}

/* True when a count of accesses until a failure has run out with this one */
static bool fails_now(struct enpu_mmu *mmu)
{
	if (!atomic_load_explicit(&mmu->fail_access, memory_order_relaxed))
		return false;
	return atomic_fetch_sub(&mmu->fail_access, 1) == 1;
}

static void *mmu_ptr(struct enpu_space *space, uint64_t va, uint64_t *len, bool write,
		     struct enpu_access_fault *fault)
{
	struct enpu_mmu *mmu = (struct enpu_mmu *)space;
	const struct enpu_tlb_entry *entry = page_slot(mmu, va);
	uint64_t size, skip;
	void *ptr;

	if (!hit(mmu, entry, va >> ENPU_MMU_PAGE_SHIFT)) {
		entry = block_slot(mmu, va);
		if (!hit(mmu, entry, va >> ENPU_MMU_BLOCK_SHIFT))
			entry = walk(mmu, va, fault);
		if (!entry)
			return NULL;
	}
	if (write && !entry->write)
		return fail(fault, ENPU_FAULT_READ_ONLY, va);

	size = entry >= mmu->blocks && entry < mmu->blocks + ENPU_TLB_BLOCKS ? BLOCK_SIZE_ :
									       PAGE_SIZE_;
	skip = va & (size - 1);
	if (*len > size - skip)
		*len = size - skip;
	if (fails_now(mmu))
		return fail(fault, ENPU_FAULT_BUS, entry->bus + skip);
	ptr = mmu->ops->dma_ptr(mmu->host, entry->bus + skip, len, write);
	return ptr ? ptr : fail(fault, ENPU_FAULT_BUS, entry->bus + skip);
}

static void mmu_begin(struct enpu_space *space)
{
	struct enpu_mmu *mmu = (struct enpu_mmu *)space;

	mmu->ops->dma_begin(mmu->host);
}

static void mmu_end(struct enpu_space *space)
{
	struct enpu_mmu *mmu = (struct enpu_mmu *)space;

	mmu->ops->dma_end(mmu->host);
}

static const struct enpu_space_ops mmu_ops = {
	.begin = mmu_begin,
	.end = mmu_end,
	.ptr = mmu_ptr,
};

void enpu_mmu_init(struct enpu_mmu *mmu, const struct enpu_host_ops *ops, void *host)
{
	memset(mmu, 0, sizeof(*mmu));
	mmu->space.ops = &mmu_ops;
	mmu->ops = ops;
	mmu->host = host;
}

void enpu_mmu_flush(struct enpu_mmu *mmu)
{
	memset(mmu->pages, 0, sizeof(mmu->pages));
	memset(mmu->blocks, 0, sizeof(mmu->blocks));
}
