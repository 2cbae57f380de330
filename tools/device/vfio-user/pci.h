/* SPDX-License-Identifier: MIT */
/*
 * The PCI Express configuration space of one function: bytes, which bits of them
 * can be written, and what a write means. It has no side effects of its own: a
 * write reports what happened as events, and the owner asks for the state and acts.
 *
 * Not thread-safe: one owner.
 */
#ifndef ENPU_PCI_H
#define ENPU_PCI_H

#include <stdbool.h>
#include <stdint.h>

#define PCI_CONFIG_SIZE		4096u

/* The MSI-X BAR: vector table, then pending bits */
#define MSIX_BAR_SIZE	0x1000u
#define MSIX_BAR_TABLE	0x000u
#define MSIX_BAR_PBA	0x800u

struct pci_config {
	uint8_t data[PCI_CONFIG_SIZE];
};

enum pci_event {
	PCI_EVENT_CONTROL = 1 << 0,	/* one of the four states below may have changed */
	PCI_EVENT_RESET   = 1 << 1,	/* function level reset, or D3hot to D0 */
};

void pci_config_init(struct pci_config *config);
/* As by function level reset: everything but what belongs to the link. */
void pci_config_reset(struct pci_config *config);

/* [offset, offset + count) lies inside the space. Any alignment, any size. */
void pci_config_read(const struct pci_config *config, uint32_t offset, void *data, uint32_t count);
/* Returns enum pci_event bits. With PCI_EVENT_RESET the space has been reset already. */
unsigned int pci_config_write(struct pci_config *config, uint32_t offset, const void *data,
			      uint32_t count);

bool pci_bus_master(const struct pci_config *config);	/* may issue requests: D0 and enabled */
bool pci_memory_decode(const struct pci_config *config);	/* answers to its BARs */
bool pci_msix_enabled(const struct pci_config *config);
bool pci_msix_masked(const struct pci_config *config);	/* the whole function */

#endif
