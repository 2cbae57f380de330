/* SPDX-License-Identifier: MIT */
/*
 * The vfio-user wire format: message header, commands and payloads, as in QEMU's
 * docs/interop/vfio-user.rst. Everything is in the byte order of the host; flag
 * values come from <linux/vfio.h>, whose ioctls the messages stand for.
 *
 * A payload follows the header directly; its length is header.size minus the
 * header. Every structure here has no padding (checked below).
 */
#ifndef VU_PROTOCOL_H
#define VU_PROTOCOL_H

#include <assert.h>
#include <stdint.h>

enum vu_command {
	VU_VERSION		= 1,
	VU_DMA_MAP		= 2,
	VU_DMA_UNMAP		= 3,
	VU_GET_INFO		= 4,
	VU_GET_REGION_INFO	= 5,
	VU_GET_REGION_IO_FDS	= 6,
	VU_GET_IRQ_INFO		= 7,
	VU_SET_IRQS		= 8,
	VU_REGION_READ		= 9,
	VU_REGION_WRITE		= 10,
	VU_DMA_READ		= 11,
	VU_DMA_WRITE		= 12,
	VU_RESET		= 13,
};

#define VU_TYPE_MASK	0x0fu
#define VU_TYPE_COMMAND	0x00u
#define VU_TYPE_REPLY	0x01u
#define VU_NO_REPLY	0x10u
#define VU_ERROR	0x20u

struct vu_header {
	uint16_t id;
	uint16_t command;
	uint32_t size;		/* bytes, this header included */
	uint32_t flags;
	uint32_t error;		/* errno, in a reply with VU_ERROR */
};

struct vu_version {
	uint16_t major;
	uint16_t minor;
	/* then, optionally, NUL-terminated JSON */
};

struct vu_dma_map {
	uint32_t argsz;
	uint32_t flags;		/* VFIO_DMA_MAP_FLAG_* */
	uint64_t offset;	/* in the file descriptor that comes along */
	uint64_t address;
	uint64_t size;
};

struct vu_dma_unmap {
	uint32_t argsz;
	uint32_t flags;		/* VFIO_DMA_UNMAP_FLAG_ALL */
	uint64_t address;
	uint64_t size;
};

struct vu_device_info {
	uint32_t argsz;
	uint32_t flags;
	uint32_t num_regions;
	uint32_t num_irqs;
};

struct vu_region_info {
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t cap_offset;
	uint64_t size;
	uint64_t offset;
};

struct vu_irq_info {
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t count;
};

struct vu_irq_set {
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t start;
	uint32_t count;
	/* then count bytes, with VFIO_IRQ_SET_DATA_BOOL */
};

struct vu_region_access {
	uint64_t offset;
	uint32_t region;
	uint32_t count;
	/* then count bytes of data, in a write and in the reply to a read */
};

static_assert(sizeof(struct vu_header) == 16, "wire format");
static_assert(sizeof(struct vu_version) == 4, "wire format");
static_assert(sizeof(struct vu_dma_map) == 32, "wire format");
static_assert(sizeof(struct vu_dma_unmap) == 24, "wire format");
static_assert(sizeof(struct vu_device_info) == 16, "wire format");
static_assert(sizeof(struct vu_region_info) == 32, "wire format");
static_assert(sizeof(struct vu_irq_info) == 16, "wire format");
static_assert(sizeof(struct vu_irq_set) == 20, "wire format");
static_assert(sizeof(struct vu_region_access) == 16, "wire format");

/*
 * What this server takes. The largest region access a client makes is to read
 * the whole configuration space; file descriptors come with SET_IRQS, and
 * clients send at most 8 a message unless told otherwise.
 */
#define VU_MAX_TRANSFER	4096u
#define VU_MAX_PAYLOAD	(sizeof(struct vu_region_access) + VU_MAX_TRANSFER)
#define VU_MAX_FDS	8u

#endif
