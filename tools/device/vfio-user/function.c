// SPDX-License-Identifier: MIT
/*
 * The NPU as a PCI function: see function.h. Regions are accessed by the session's
 * thread alone; the core's threads come in by the host operations, which need no
 * lock of their own.
 */
#include "function.h"
#include "dma.h"
#include "irq.h"
#include "log.h"
#include "pci.h"
#include "session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "../core/enpu_device.h"
#include "enpu/regs.h"

#define MSIX_TABLE_SIZE		(ENPU_MSIX_VECTORS * PCI_MSIX_ENTRY_SIZE)
#define READ_WRITE		(VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE)

struct enpu_function {
	struct vu_device device;
	struct pci_config config;
	struct vu_dma *dma;
	struct vu_irqs *irqs;
	struct enpu_device *core;
	/*
	 * What the client writes to the vector table, which it emulates itself: it
	 * never matters here where an interrupt goes.
	 */
	uint8_t msix_table[MSIX_TABLE_SIZE];
};

/* No region may be mapped: with one, QEMU turns posted writes off for all of them. */
static const struct vu_region regions[VFIO_PCI_NUM_REGIONS] = {
	[VFIO_PCI_BAR0_REGION_INDEX + ENPU_BAR_REGS] = { ENPU_BAR_REGS_SIZE, READ_WRITE },
	[VFIO_PCI_BAR0_REGION_INDEX + ENPU_BAR_MSIX] = { MSIX_BAR_SIZE, READ_WRITE },
	[VFIO_PCI_CONFIG_REGION_INDEX] = { PCI_CONFIG_SIZE, READ_WRITE },
};

/* The table that the calling thread of the core has pinned */
static _Thread_local const struct vu_dma_table *pinned;

static void host_dma_begin(void *host)
{
	struct enpu_function *f = host;

	pinned = vu_dma_enter(f->dma);
}

static void host_dma_end(void *host)
{
	struct enpu_function *f = host;

	vu_dma_leave(f->dma, pinned);
	pinned = NULL;
}

static void *host_dma_ptr(void *host, uint64_t addr, uint64_t *len, bool write)
{
	return vu_dma_translate(pinned, addr, len, write);
}

static void host_irq(void *host, unsigned int vector)
{
	struct enpu_function *f = host;

	vu_irqs_raise(f->irqs, vector);
}

static const struct enpu_host_ops host_ops = {
	.dma_begin = host_dma_begin,
	.dma_end = host_dma_end,
	.dma_ptr = host_dma_ptr,
	.irq = host_irq,
};

/* Bring memory and interrupts into line with the configuration space. */
static void apply_control(struct enpu_function *f)
{
	bool master = pci_bus_master(&f->config);

	vu_dma_enable(f->dma, master);
	/* A message is a memory write: without bus mastering it has to wait. */
	vu_irqs_control(f->irqs, pci_msix_enabled(&f->config),
			!master || pci_msix_masked(&f->config));
}

static void reset_msix_table(struct enpu_function *f)
{
	unsigned int i;

	memset(f->msix_table, 0, sizeof(f->msix_table));
	for (i = 0; i < ENPU_MSIX_VECTORS; i++)
		f->msix_table[i * PCI_MSIX_ENTRY_SIZE + PCI_MSIX_ENTRY_VECTOR_CTRL] =
			PCI_MSIX_ENTRY_CTRL_MASKBIT;
}

static void function_reset(void *opaque)
{
	struct enpu_function *f = opaque;

	/* The core first: it lets go of memory before bus mastering goes. */
	enpu_device_reset(f->core);
	pci_config_reset(&f->config);
	reset_msix_table(f);
	apply_control(f);
}

static void write_config(struct enpu_function *f, uint64_t offset, const void *data,
			 uint32_t count)
{
	unsigned int events = pci_config_write(&f->config, (uint32_t)offset, data, count);

	if (events & PCI_EVENT_RESET) {
		log_debug("reset by configuration space");
		function_reset(f);
	} else if (events & PCI_EVENT_CONTROL) {
		apply_control(f);
	}
}

/* Registers take aligned 32-bit accesses; anything else reads as 0 and has no effect. */
static bool is_register_access(uint64_t offset, uint32_t count)
{
	return count == 4 && offset % 4 == 0;
}

static void read_registers(struct enpu_function *f, uint64_t offset, void *data, uint32_t count)
{
	uint32_t value;

	if (!is_register_access(offset, count)) {
		memset(data, 0, count);
		return;
	}
	value = enpu_device_read(f->core, offset);
	memcpy(data, &value, sizeof(value));
}

static void write_registers(struct enpu_function *f, uint64_t offset, const void *data,
			    uint32_t count)
{
	uint32_t value;

	if (!is_register_access(offset, count))
		return;
	memcpy(&value, data, sizeof(value));
	enpu_device_write(f->core, offset, value);
}

static void read_msix(struct enpu_function *f, uint64_t offset, void *data, uint32_t count)
{
	uint8_t bar[MSIX_BAR_SIZE] = { 0 };
	uint32_t pending = vu_irqs_pending(f->irqs);

	memcpy(bar + MSIX_BAR_TABLE, f->msix_table, sizeof(f->msix_table));
	memcpy(bar + MSIX_BAR_PBA, &pending, sizeof(pending));
	memcpy(data, bar + offset, count);
}

static void write_msix(struct enpu_function *f, uint64_t offset, const void *data, uint32_t count)
{
	if (offset >= MSIX_TABLE_SIZE)
		return;
	if (count > MSIX_TABLE_SIZE - offset)
		count = (uint32_t)(MSIX_TABLE_SIZE - offset);
	memcpy(f->msix_table + offset, data, count);
}

static int region_read(void *opaque, unsigned int region, uint64_t offset, void *data,
		       uint32_t count)
{
	struct enpu_function *f = opaque;

	if (region == VFIO_PCI_CONFIG_REGION_INDEX)
		pci_config_read(&f->config, (uint32_t)offset, data, count);
	else if (!pci_memory_decode(&f->config))
		memset(data, 0xff, count);
	else if (region == ENPU_BAR_REGS)
		read_registers(f, offset, data, count);
	else
		read_msix(f, offset, data, count);
	return 0;
}

static int region_write(void *opaque, unsigned int region, uint64_t offset, const void *data,
			uint32_t count)
{
	struct enpu_function *f = opaque;

	if (region == VFIO_PCI_CONFIG_REGION_INDEX)
		write_config(f, offset, data, count);
	else if (!pci_memory_decode(&f->config))
		return 0;
	else if (region == ENPU_BAR_REGS)
		write_registers(f, offset, data, count);
	else
		write_msix(f, offset, data, count);
	return 0;
}

struct enpu_function *enpu_function_new(const struct enpu_config *config)
{
	struct enpu_function *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->dma = vu_dma_new();
	f->irqs = vu_irqs_new(ENPU_MSIX_VECTORS);
	if (!f->dma || !f->irqs) {
		enpu_function_free(f);
		errno = ENOMEM;
		return NULL;
	}
	pci_config_init(&f->config);
	reset_msix_table(f);
	f->core = enpu_device_new(config, &host_ops, f);
	if (!f->core) {
		int err = errno;

		enpu_function_free(f);
		errno = err;
		return NULL;
	}
	f->device = (struct vu_device){
		.regions = regions,
		.num_regions = VFIO_PCI_NUM_REGIONS,
		.num_irqs = VFIO_PCI_MSIX_IRQ_INDEX + 1,
		.irq_index = VFIO_PCI_MSIX_IRQ_INDEX,
		.irqs = f->irqs,
		.dma = f->dma,
		.opaque = f,
		.region_read = region_read,
		.region_write = region_write,
		.reset = function_reset,
	};
	return f;
}

void enpu_function_free(struct enpu_function *f)
{
	if (!f)
		return;
	if (f->core)
		enpu_device_free(f->core);
	vu_irqs_free(f->irqs);
	vu_dma_free(f->dma);
	free(f);
}

const struct vu_device *enpu_function_device(const struct enpu_function *f)
{
	return &f->device;
}

struct enpu_device *enpu_function_core(const struct enpu_function *f)
{
	return f->core;
}
