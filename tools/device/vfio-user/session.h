/* SPDX-License-Identifier: MIT */
/*
 * One connection of a vfio-user client: takes messages off the socket, checks them
 * and has the device carry them out. It knows nothing of what the device is.
 *
 * A bad message gets an error reply; a stream that can no longer be followed (a bad
 * header, too many descriptors) is closed. Messages are handled one by one, in order.
 */
#ifndef VU_SESSION_H
#define VU_SESSION_H

#include <stdbool.h>
#include <stdint.h>

struct vu_dma;
struct vu_irqs;

struct vu_region {
	uint64_t size;		/* 0: the device has no such region */
	uint32_t flags;		/* VFIO_REGION_INFO_FLAG_* */
};

/* A device as its client sees it. The index is that of vfio-pci (VFIO_PCI_*_INDEX). */
struct vu_device {
	const struct vu_region *regions;
	unsigned int num_regions;
	unsigned int num_irqs;
	unsigned int irq_index;		/* the one kind of interrupt there is */
	struct vu_irqs *irqs;
	struct vu_dma *dma;
	void *opaque;
	/*
	 * [offset, offset + count) lies in the region, count is 1 to VU_MAX_TRANSFER.
	 * 0 or an errno. They must return soon: the client's processor waits.
	 */
	int (*region_read)(void *opaque, unsigned int region, uint64_t offset, void *data,
			   uint32_t count);
	int (*region_write)(void *opaque, unsigned int region, uint64_t offset, const void *data,
			    uint32_t count);
	/* By the client's wish, and when it has gone: afterwards no DMA is in flight. */
	void (*reset)(void *opaque);
};

/*
 * Serve the connected stream socket @fd until either side closes it; the caller
 * still has to close it. When it returns, nothing of the client is left: the
 * device is reset, its memory unmapped, its interrupts unbound. True: a client
 * was there (the version exchange went well).
 */
bool vu_session_run(const struct vu_device *device, int fd);

#endif
