// SPDX-License-Identifier: MIT
/*
 * ENPU's configuration space: a type 0 header, the power management, PCI Express
 * and MSI-X capabilities, and advanced error reporting. One table says for each field
 * its reset value, the bits that software may write and the bits that writing 1
 * clears; the rest of the space is zero and read only.
 */
#include "pci.h"

#include <string.h>

#include <linux/pci_regs.h>

#include "enpu/regs.h"

#define CAP_PM		0x40
#define CAP_EXP		0x50
#define CAP_MSIX	0x90
#define CAP_AER		0x100		/* the first one of the extended space */

/* What there is to report, to mask and to call fatal, though the model makes no such error */
#define UNCORRECTABLE	(PCI_ERR_UNC_DLP | PCI_ERR_UNC_POISON_TLP | PCI_ERR_UNC_COMP_TIME | \
			 PCI_ERR_UNC_COMP_ABORT | PCI_ERR_UNC_UNX_COMP | PCI_ERR_UNC_RX_OVER | \
			 PCI_ERR_UNC_MALF_TLP | PCI_ERR_UNC_UNSUP | PCI_ERR_UNC_INTN)
#define CORRECTABLE	(PCI_ERR_COR_RCVR | PCI_ERR_COR_BAD_TLP | PCI_ERR_COR_BAD_DLLP | \
			 PCI_ERR_COR_REP_ROLL | PCI_ERR_COR_REP_TIMER | PCI_ERR_COR_ADV_NFAT | \
			 PCI_ERR_COR_INTERNAL)

/* A Gen4 x8 link to match: what stock root ports train to */
#define LINK_SPEED	PCI_EXP_LNKCAP_SLS_16_0GB
#define LINK_WIDTH	8

struct field {
	uint16_t offset;
	uint8_t size;		/* 1, 2 or 4 bytes */
	bool sticky;		/* kept in a function level reset, and from D3hot to D0 */
	uint32_t value;		/* after reset */
	uint32_t write;		/* bits that take what is written */
	uint32_t clear;		/* bits that writing 1 clears */
};

static const struct field fields[] = {
	{ PCI_VENDOR_ID, 2, .value = ENPU_PCI_VENDOR_ID },
	{ PCI_DEVICE_ID, 2, .value = ENPU_PCI_DEVICE_ID },
	{ PCI_COMMAND, 2, .write = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY |
				   PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE },
	{ PCI_STATUS, 2, .value = PCI_STATUS_CAP_LIST,
	  .clear = PCI_STATUS_PARITY | PCI_STATUS_SIG_TARGET_ABORT | PCI_STATUS_REC_TARGET_ABORT |
		   PCI_STATUS_REC_MASTER_ABORT | PCI_STATUS_SIG_SYSTEM_ERROR |
		   PCI_STATUS_DETECTED_PARITY },
	{ PCI_CLASS_REVISION, 4, .value = ENPU_PCI_CLASS << 8 | ENPU_PCI_REVISION },
	{ PCI_CACHE_LINE_SIZE, 1, .write = 0xff },
	{ PCI_BASE_ADDRESS_0, 4, .value = PCI_BASE_ADDRESS_MEM_TYPE_64,
	  .write = ~(ENPU_BAR_REGS_SIZE - 1u) },
	{ PCI_BASE_ADDRESS_1, 4, .write = ~0u },
	{ PCI_BASE_ADDRESS_4, 4, .write = ~(MSIX_BAR_SIZE - 1u) },
	{ PCI_SUBSYSTEM_VENDOR_ID, 2, .value = ENPU_PCI_VENDOR_ID },
	{ PCI_SUBSYSTEM_ID, 2, .value = ENPU_PCI_DEVICE_ID },
	{ PCI_CAPABILITY_LIST, 1, .value = CAP_PM },
	{ PCI_INTERRUPT_LINE, 1, .write = 0xff },

	{ CAP_PM + PCI_CAP_LIST_ID, 2, .value = CAP_EXP << 8 | PCI_CAP_ID_PM },
	{ CAP_PM + PCI_PM_PMC, 2, .value = 3 },
	{ CAP_PM + PCI_PM_CTRL, 2, .write = PCI_PM_CTRL_STATE_MASK },

	{ CAP_EXP + PCI_CAP_LIST_ID, 2, .value = CAP_MSIX << 8 | PCI_CAP_ID_EXP },
	{ CAP_EXP + PCI_EXP_FLAGS, 2, .value = 2 | PCI_EXP_TYPE_ENDPOINT << 4 },
	{ CAP_EXP + PCI_EXP_DEVCAP, 4,
	  .value = 1 /* 256 byte payloads */ | PCI_EXP_DEVCAP_EXT_TAG | PCI_EXP_DEVCAP_RBER |
		   PCI_EXP_DEVCAP_FLR },
	{ CAP_EXP + PCI_EXP_DEVCTL, 2,
	  .value = PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_NOSNOOP_EN | PCI_EXP_DEVCTL_READRQ_512B,
	  .write = PCI_EXP_DEVCTL_CERE | PCI_EXP_DEVCTL_NFERE | PCI_EXP_DEVCTL_FERE |
		   PCI_EXP_DEVCTL_URRE | PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_PAYLOAD |
		   PCI_EXP_DEVCTL_EXT_TAG | PCI_EXP_DEVCTL_NOSNOOP_EN | PCI_EXP_DEVCTL_READRQ },
	{ CAP_EXP + PCI_EXP_DEVSTA, 2, .clear = PCI_EXP_DEVSTA_CED | PCI_EXP_DEVSTA_NFED |
						PCI_EXP_DEVSTA_FED | PCI_EXP_DEVSTA_URD },
	{ CAP_EXP + PCI_EXP_LNKCAP, 4, .value = LINK_SPEED | LINK_WIDTH << 4 },
	{ CAP_EXP + PCI_EXP_LNKCTL, 2, .sticky = true,
	  .write = PCI_EXP_LNKCTL_ASPMC | PCI_EXP_LNKCTL_RCB | PCI_EXP_LNKCTL_CCC |
		   PCI_EXP_LNKCTL_ES },
	{ CAP_EXP + PCI_EXP_LNKSTA, 2, .value = LINK_SPEED | LINK_WIDTH << 4 },
	{ CAP_EXP + PCI_EXP_DEVCAP2, 4, .value = PCI_EXP_DEVCAP2_COMP_TMOUT_DIS },
	{ CAP_EXP + PCI_EXP_DEVCTL2, 2, .write = PCI_EXP_DEVCTL2_COMP_TMOUT_DIS },
	{ CAP_EXP + PCI_EXP_LNKCAP2, 4,
	  .value = PCI_EXP_LNKCAP2_SLS_2_5GB | PCI_EXP_LNKCAP2_SLS_5_0GB |
		   PCI_EXP_LNKCAP2_SLS_8_0GB | PCI_EXP_LNKCAP2_SLS_16_0GB },
	{ CAP_EXP + PCI_EXP_LNKCTL2, 2, .sticky = true, .value = LINK_SPEED,
	  .write = PCI_EXP_LNKCTL2_TLS },

	{ CAP_MSIX + PCI_CAP_LIST_ID, 2, .value = PCI_CAP_ID_MSIX },
	{ CAP_MSIX + PCI_MSIX_FLAGS, 2, .value = ENPU_MSIX_VECTORS - 1,
	  .write = PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL },
	{ CAP_MSIX + PCI_MSIX_TABLE, 4, .value = MSIX_BAR_TABLE | ENPU_BAR_MSIX },
	{ CAP_MSIX + PCI_MSIX_PBA, 4, .value = MSIX_BAR_PBA | ENPU_BAR_MSIX },

	{ CAP_AER, 4, .value = PCI_EXT_CAP_ID_ERR | 2 << 16 /* version */ },
	{ CAP_AER + PCI_ERR_UNCOR_STATUS, 4, .sticky = true, .clear = UNCORRECTABLE },
	{ CAP_AER + PCI_ERR_UNCOR_MASK, 4, .sticky = true, .value = PCI_ERR_UNC_INTN,
	  .write = UNCORRECTABLE },
	{ CAP_AER + PCI_ERR_UNCOR_SEVER, 4, .sticky = true,
	  .value = PCI_ERR_UNC_DLP | PCI_ERR_UNC_RX_OVER | PCI_ERR_UNC_MALF_TLP | PCI_ERR_UNC_INTN,
	  .write = UNCORRECTABLE },
	{ CAP_AER + PCI_ERR_COR_STATUS, 4, .sticky = true, .clear = CORRECTABLE },
	{ CAP_AER + PCI_ERR_COR_MASK, 4, .sticky = true,
	  .value = PCI_ERR_COR_ADV_NFAT | PCI_ERR_COR_INTERNAL, .write = CORRECTABLE },
};

#define NUM_FIELDS (sizeof(fields) / sizeof(fields[0]))

static uint32_t get(const struct pci_config *config, const struct field *f)
{
	uint32_t value = 0;
	unsigned int i;

	for (i = 0; i < f->size; i++)
		value |= (uint32_t)config->data[f->offset + i] << (8 * i);
	return value;
}

static void set(struct pci_config *config, const struct field *f, uint32_t value)
{
	unsigned int i;

	for (i = 0; i < f->size; i++)
		config->data[f->offset + i] = (uint8_t)(value >> (8 * i));
}

static uint16_t word(const struct pci_config *config, uint32_t offset)
{
	return (uint16_t)(config->data[offset] | config->data[offset + 1] << 8);
}

static unsigned int power_state(const struct pci_config *config)
{
	return word(config, CAP_PM + PCI_PM_CTRL) & PCI_PM_CTRL_STATE_MASK;
}

void pci_config_init(struct pci_config *config)
{
	unsigned int i;

	memset(config, 0, sizeof(*config));
	for (i = 0; i < NUM_FIELDS; i++)
		set(config, &fields[i], fields[i].value);
}

void pci_config_reset(struct pci_config *config)
{
	/* The payload size is agreed with the root port, and outlives the reset with the link. */
	uint16_t payload = word(config, CAP_EXP + PCI_EXP_DEVCTL) & PCI_EXP_DEVCTL_PAYLOAD;
	unsigned int i;

	for (i = 0; i < NUM_FIELDS; i++)
		if (!fields[i].sticky)
			set(config, &fields[i], fields[i].value);
	config->data[CAP_EXP + PCI_EXP_DEVCTL] |= (uint8_t)payload;
}

void pci_config_read(const struct pci_config *config, uint32_t offset, void *data, uint32_t count)
{
	memcpy(data, &config->data[offset], count);
}

/* What a write of @bytes at @offset puts in the field, as value and mask of bytes written. */
static uint32_t written(const struct field *f, uint32_t offset, const uint8_t *bytes,
			uint32_t count, uint32_t *lanes)
{
	uint32_t value = 0;
	unsigned int i;

	*lanes = 0;
	for (i = 0; i < f->size; i++) {
		uint32_t at = f->offset + i;

		if (at < offset || at - offset >= count)
			continue;
		value |= (uint32_t)bytes[at - offset] << (8 * i);
		*lanes |= 0xffu << (8 * i);
	}
	return value;
}

unsigned int pci_config_write(struct pci_config *config, uint32_t offset, const void *data,
			      uint32_t count)
{
	unsigned int before = power_state(config);
	bool reset = false;
	unsigned int i;

	for (i = 0; i < NUM_FIELDS; i++) {
		const struct field *f = &fields[i];
		uint32_t lanes, value = written(f, offset, data, count, &lanes);
		uint32_t write = f->write & lanes;

		if (!lanes)
			continue;
		/* D1 and D2 do not exist: asking for them changes nothing. */
		if (f->offset == CAP_PM + PCI_PM_CTRL && (value & PCI_PM_CTRL_STATE_MASK) != 0 &&
		    (value & PCI_PM_CTRL_STATE_MASK) != 3)
			write &= ~(uint32_t)PCI_PM_CTRL_STATE_MASK;
		if (f->offset == CAP_EXP + PCI_EXP_DEVCTL && (value & PCI_EXP_DEVCTL_BCR_FLR))
			reset = true;
		set(config, f, (get(config, f) & ~write & ~(value & f->clear)) | (value & write));
	}
	if (before == 3 && power_state(config) == 0)
		reset = true;
	if (reset)
		pci_config_reset(config);
	return PCI_EVENT_CONTROL | (reset ? PCI_EVENT_RESET : 0);
}

bool pci_bus_master(const struct pci_config *config)
{
	return (word(config, PCI_COMMAND) & PCI_COMMAND_MASTER) && power_state(config) == 0;
}

bool pci_memory_decode(const struct pci_config *config)
{
	return (word(config, PCI_COMMAND) & PCI_COMMAND_MEMORY) && power_state(config) == 0;
}

bool pci_msix_enabled(const struct pci_config *config)
{
	return word(config, CAP_MSIX + PCI_MSIX_FLAGS) & PCI_MSIX_FLAGS_ENABLE;
}

bool pci_msix_masked(const struct pci_config *config)
{
	return word(config, CAP_MSIX + PCI_MSIX_FLAGS) & PCI_MSIX_FLAGS_MASKALL;
}
