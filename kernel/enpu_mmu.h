/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page tables of one address space.
 */
#ifndef ENPU_MMU_H
#define ENPU_MMU_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/scatterlist.h>
#include <linux/types.h>

struct device;

/**
 * struct enpu_table - one page of a page table, and what hangs below
 */
struct enpu_table {
	/** @entries: what the device reads */
	u64 *entries;
	/** @dma: where it reads that */
	dma_addr_t dma;
	/** @used: valid entries */
	unsigned int used;
	/** @node: in a list of tables to be freed */
	struct list_head node;
	/** @children: tables that entries point to, by index; not at the last level */
	struct enpu_table *children[];
};

/**
 * struct enpu_mmu - the page tables of one address space
 *
 * Its address space is locked by who maps and unmaps. Who revokes has @lock alone.
 */
struct enpu_mmu {
	/** @dev: who reads the tables */
	struct device *dev;
	/**
	 * @lock: guards the tables' contents, and @root; memory is reclaimed under it,
	 * so none is allocated
	 */
	struct mutex lock;
	/** @root: NULL after enpu_mmu_fini() */
	struct enpu_table *root;
	/** @retired: tables that are out of use, to be freed after a TLB flush */
	struct list_head retired;
};

int enpu_mmu_init(struct enpu_mmu *mmu, struct device *dev);
void enpu_mmu_fini(struct enpu_mmu *mmu);

int enpu_mmu_prepare_map(struct enpu_mmu *mmu, u64 va, u64 size,
			 struct sg_table *sgt, u64 offset);
bool enpu_mmu_map(struct enpu_mmu *mmu, u64 va, u64 size,
		  struct sg_table *sgt, u64 offset, bool writable);
int enpu_mmu_prepare_unmap(struct enpu_mmu *mmu, u64 va, u64 size);
bool enpu_mmu_unmap(struct enpu_mmu *mmu, u64 va, u64 size);
bool enpu_mmu_revoke(struct enpu_mmu *mmu, u64 va, u64 size);
u64 enpu_mmu_lookup(struct enpu_mmu *mmu, u64 va);
void enpu_mmu_free_retired(struct enpu_mmu *mmu);

void enpu_mmu_walk(struct enpu_mmu *mmu, void (*visit)(void *priv, u64 va, u64 size, u64 entry),
		   void *priv);

#endif
