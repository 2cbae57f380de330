/* SPDX-License-Identifier: MIT */
/*
 * The guest memory that the device may reach: ranges of bus addresses, backed by
 * file descriptors that the client shares (DMA_MAP), until it takes them back
 * (DMA_UNMAP) or the guest turns bus mastering off.
 *
 * Readers (the device's workers) and the one writer (the session's thread) never
 * block each other for longer than a reader stays inside: the set of ranges is an
 * immutable table. vu_dma_enter() pins the current one, and what it translates
 * stays mapped until vu_dma_leave(). A change publishes a new table; taking memory
 * away then waits for readers of older tables.
 */
#ifndef VU_DMA_H
#define VU_DMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VU_DMA_MAX_RANGES 65535u

struct vu_dma;
struct vu_dma_table;

/* Both are the owner's: no reader may be inside in vu_dma_free(). NULL without memory. */
struct vu_dma *vu_dma_new(void);
void vu_dma_free(struct vu_dma *dma);

/*
 * Add [address, address + size), which is [offset, offset + size) of fd. The
 * descriptor stays the caller's. fd < 0: the range exists, but every access to it
 * is refused. Page-aligned values only.
 *
 * 0 or an errno: EINVAL (shape, file too short, flags), EEXIST (overlap), ENOSPC
 * (too many), EPERM (not a memfd that is writable and sealed against shrinking),
 * ENOMEM, or mmap's.
 */
int vu_dma_map(struct vu_dma *dma, uint64_t address, uint64_t size, int fd, uint64_t offset,
	       bool writable);

/*
 * Remove every range that lies in [address, address + size), and wait until no
 * reader can touch them. There may be none: behind a virtual IOMMU, QEMU takes back
 * whole spans of addresses whatever is in them. 0, or EINVAL: an odd span, or one
 * with a border inside a range; nothing is removed.
 */
int vu_dma_unmap(struct vu_dma *dma, uint64_t address, uint64_t size);
void vu_dma_unmap_all(struct vu_dma *dma);

/* Bus mastering: while off (the initial state) every translation fails. Waits as unmap does. */
void vu_dma_enable(struct vu_dma *dma, bool on);

/* Any thread. Pins may nest and must be given back by the thread or its heirs. */
const struct vu_dma_table *vu_dma_enter(struct vu_dma *dma);
void vu_dma_leave(struct vu_dma *dma, const struct vu_dma_table *table);

/*
 * The host's pointer to guest address @address, and in *length (in: bytes wanted,
 * at least 1) how many of them follow contiguously. NULL: not mapped, read-only and
 * @write, or bus mastering is off.
 */
void *vu_dma_translate(const struct vu_dma_table *table, uint64_t address, uint64_t *length,
		       bool write);

#endif
