/* SPDX-License-Identifier: MIT */
/*
 * The MMU: an address space of the engines over three-level tables on the bus.
 *
 * Used by the one thread that executes; only roots and fail_access may be
 * written by others.
 */
#ifndef ENPU_DEVICE_MMU_H
#define ENPU_DEVICE_MMU_H

#include <stdatomic.h>

#include <enpu/regs.h>

#include "enpu_device.h"
#include "space.h"

#define ENPU_TLB_PAGES		64
#define ENPU_TLB_BLOCKS		16

struct enpu_tlb_entry {
	uint64_t page;			/* VA >> shift */
	uint64_t bus;
	unsigned int vm;
	bool valid;
	bool write;
};

struct enpu_mmu {
	struct enpu_space space;
	const struct enpu_host_ops *ops;
	void *host;
	_Atomic uint64_t roots[ENPU_MAX_VMS];
	_Atomic uint64_t fail_access;	/* 1: the next access fails; 0: none will */
	unsigned int vm;		/* whose accesses these are */
	struct enpu_tlb_entry pages[ENPU_TLB_PAGES];
	struct enpu_tlb_entry blocks[ENPU_TLB_BLOCKS];
};

void enpu_mmu_init(struct enpu_mmu *mmu, const struct enpu_host_ops *ops, void *host);
void enpu_mmu_flush(struct enpu_mmu *mmu);

#endif
