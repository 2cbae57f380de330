// SPDX-License-Identifier: MIT
/*
 * Configuration space: what a bus driver finds, sizes and sets, and what resets it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <linux/pci_regs.h>

#include "../../../tools/device/vfio-user/pci.h"
#include "enpu/regs.h"

static struct pci_config config;

static int setup(void **state)
{
	pci_config_init(&config);
	return 0;
}

static uint32_t rd(uint32_t offset, uint32_t size)
{
	uint32_t value = 0;

	pci_config_read(&config, offset, &value, size);
	return value;
}

static unsigned int wr(uint32_t offset, uint32_t value, uint32_t size)
{
	return pci_config_write(&config, offset, &value, size);
}

/* Where the capability lies, walking the list as a bus driver does */
static uint32_t capability(uint8_t id)
{
	uint32_t at = rd(PCI_CAPABILITY_LIST, 1);
	unsigned int hops;

	for (hops = 0; at && hops < 48; hops++) {
		assert_true(at >= PCI_STD_HEADER_SIZEOF && at % 4 == 0);
		if (rd(at, 1) == id)
			return at;
		at = rd(at + 1, 1);
	}
	fail_msg("list lacks %#x", id);
	return 0;
}

static void test_identity(void **state)
{
	assert_int_equal(rd(PCI_VENDOR_ID, 2), ENPU_PCI_VENDOR_ID);
	assert_int_equal(rd(PCI_DEVICE_ID, 2), ENPU_PCI_DEVICE_ID);
	assert_int_equal(rd(PCI_CLASS_REVISION, 4), 0x12000001);
	assert_int_equal(rd(PCI_HEADER_TYPE, 1), PCI_HEADER_TYPE_NORMAL);
	assert_int_equal(rd(PCI_INTERRUPT_PIN, 1), 0);
	assert_int_equal(rd(PCI_STATUS, 2), PCI_STATUS_CAP_LIST);
	/* Read only */
	wr(PCI_VENDOR_ID, 0xffffffff, 4);
	assert_int_equal(rd(PCI_VENDOR_ID, 4), ENPU_PCI_DEVICE_ID << 16 | ENPU_PCI_VENDOR_ID);
}

static void test_bars(void **state)
{
	wr(PCI_BASE_ADDRESS_0, 0xffffffff, 4);
	wr(PCI_BASE_ADDRESS_1, 0xffffffff, 4);
	assert_int_equal(rd(PCI_BASE_ADDRESS_0, 4), 0xff800000 | PCI_BASE_ADDRESS_MEM_TYPE_64);
	assert_int_equal(rd(PCI_BASE_ADDRESS_1, 4), 0xffffffff);
	wr(PCI_BASE_ADDRESS_0, 0xfe123456, 4);
	assert_int_equal(rd(PCI_BASE_ADDRESS_0, 4), 0xfe000000 | PCI_BASE_ADDRESS_MEM_TYPE_64);
	wr(PCI_BASE_ADDRESS_4, 0xffffffff, 4);
	assert_int_equal(rd(PCI_BASE_ADDRESS_4, 4), 0xfffff000);
	wr(PCI_BASE_ADDRESS_2, 0xffffffff, 4);
	wr(PCI_BASE_ADDRESS_3, 0xffffffff, 4);
	wr(PCI_BASE_ADDRESS_5, 0xffffffff, 4);
	wr(PCI_ROM_ADDRESS, 0xffffffff, 4);
	assert_int_equal(rd(PCI_BASE_ADDRESS_2, 4), 0);
	assert_int_equal(rd(PCI_BASE_ADDRESS_3, 4), 0);
	assert_int_equal(rd(PCI_BASE_ADDRESS_5, 4), 0);
	assert_int_equal(rd(PCI_ROM_ADDRESS, 4), 0);
}

static void test_command(void **state)
{
	assert_false(pci_bus_master(&config));
	assert_false(pci_memory_decode(&config));
	assert_int_equal(wr(PCI_COMMAND, PCI_COMMAND_MASTER, 2), PCI_EVENT_CONTROL);
	assert_true(pci_bus_master(&config));
	assert_false(pci_memory_decode(&config));
	wr(PCI_COMMAND, 0xff, 1);
	assert_true(pci_memory_decode(&config));
	assert_int_equal(rd(PCI_COMMAND, 2),
			 PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY);
	/* One byte alone leaves the others. */
	wr(PCI_COMMAND + 1, PCI_COMMAND_INTX_DISABLE >> 8, 1);
	assert_true(pci_bus_master(&config));
	assert_true(rd(PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE);
}

static void test_msix(void **state)
{
	uint32_t cap = capability(PCI_CAP_ID_MSIX);

	assert_int_equal(rd(cap + PCI_MSIX_FLAGS, 2) & PCI_MSIX_FLAGS_QSIZE, ENPU_MSIX_VECTORS - 1);
	assert_int_equal(rd(cap + PCI_MSIX_TABLE, 4), ENPU_BAR_MSIX);
	assert_int_equal(rd(cap + PCI_MSIX_PBA, 4), 0x800 | ENPU_BAR_MSIX);
	assert_false(pci_msix_enabled(&config));
	wr(cap + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL, 2);
	assert_true(pci_msix_enabled(&config));
	assert_true(pci_msix_masked(&config));
	wr(cap + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, 2);
	assert_false(pci_msix_masked(&config));
}

static void test_function_level_reset(void **state)
{
	uint32_t cap = capability(PCI_CAP_ID_EXP);
	uint32_t devctl;

	assert_int_equal(rd(cap + PCI_EXP_FLAGS, 2), 0x0002);
	assert_true(rd(cap + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR);
	wr(PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
	wr(PCI_BASE_ADDRESS_0, 0xfe000000, 4);
	wr(cap + PCI_EXP_LNKCTL, PCI_EXP_LNKCTL_CCC, 2);
	devctl = rd(cap + PCI_EXP_DEVCTL, 2) | PCI_EXP_DEVCTL_PAYLOAD_256B | PCI_EXP_DEVCTL_CERE;
	assert_int_equal(wr(cap + PCI_EXP_DEVCTL, devctl, 2), PCI_EVENT_CONTROL);

	assert_true(wr(cap + PCI_EXP_DEVCTL, devctl | PCI_EXP_DEVCTL_BCR_FLR, 2) & PCI_EVENT_RESET);
	assert_int_equal(rd(PCI_COMMAND, 2), 0);
	assert_int_equal(rd(PCI_BASE_ADDRESS_0, 4), PCI_BASE_ADDRESS_MEM_TYPE_64);
	/* What belongs to the link stays, and the bit itself reads as zero. */
	assert_int_equal(rd(cap + PCI_EXP_LNKCTL, 2), PCI_EXP_LNKCTL_CCC);
	assert_int_equal(rd(cap + PCI_EXP_DEVCTL, 2), 0x2810 | PCI_EXP_DEVCTL_PAYLOAD_256B);
}

static void test_power_states(void **state)
{
	uint32_t cap = capability(PCI_CAP_ID_PM);

	wr(PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
	/* D1 and D2 are not there. */
	wr(cap + PCI_PM_CTRL, 1, 2);
	assert_int_equal(rd(cap + PCI_PM_CTRL, 2), 0);
	assert_int_equal(wr(cap + PCI_PM_CTRL, 3, 2), PCI_EVENT_CONTROL);
	assert_int_equal(rd(cap + PCI_PM_CTRL, 2), 3);
	assert_false(pci_bus_master(&config));
	assert_false(pci_memory_decode(&config));
	wr(cap + PCI_PM_CTRL, 2, 2);
	assert_int_equal(rd(cap + PCI_PM_CTRL, 2), 3);
	assert_true(wr(cap + PCI_PM_CTRL, 0, 2) & PCI_EVENT_RESET);
	assert_int_equal(rd(PCI_COMMAND, 2), 0);
}

static void test_error_reporting(void **state)
{
	const uint32_t cap = PCI_CFG_SPACE_SIZE;
	uint32_t severity = rd(cap + PCI_ERR_UNCOR_SEVER, 4);

	/* The only extended capability: AER, version 2 */
	assert_int_equal(rd(cap, 4), PCI_EXT_CAP_ID_ERR | 2 << 16);
	/* Masks and severities take what is written, but for bits that mean nothing here */
	assert_int_equal(rd(cap + PCI_ERR_UNCOR_MASK, 4), PCI_ERR_UNC_INTN);
	wr(cap + PCI_ERR_UNCOR_MASK, 0xffffffff, 4);
	assert_true(rd(cap + PCI_ERR_UNCOR_MASK, 4) & PCI_ERR_UNC_COMP_TIME);
	assert_false(rd(cap + PCI_ERR_UNCOR_MASK, 4) & 1);
	wr(cap + PCI_ERR_UNCOR_MASK, PCI_ERR_UNC_UNSUP, 4);
	assert_int_equal(rd(cap + PCI_ERR_UNCOR_MASK, 4), PCI_ERR_UNC_UNSUP);
	wr(cap + PCI_ERR_UNCOR_SEVER, severity ^ PCI_ERR_UNC_COMP_ABORT, 4);
	wr(cap + PCI_ERR_COR_MASK, 0, 4);
	assert_int_equal(rd(cap + PCI_ERR_COR_MASK, 4), 0);

	/* Status: writing 1 clears, and nothing sets it from here */
	wr(cap + PCI_ERR_UNCOR_STATUS, 0xffffffff, 4);
	assert_int_equal(rd(cap + PCI_ERR_UNCOR_STATUS, 4), 0);
	config.data[cap + PCI_ERR_COR_STATUS] = PCI_ERR_COR_RCVR | PCI_ERR_COR_BAD_TLP;
	wr(cap + PCI_ERR_COR_STATUS, PCI_ERR_COR_BAD_TLP, 4);
	assert_int_equal(rd(cap + PCI_ERR_COR_STATUS, 4), PCI_ERR_COR_RCVR);
	/* Not a root port: no registers behind the header log */
	wr(cap + PCI_ERR_ROOT_COMMAND, 7, 4);
	assert_int_equal(rd(cap + PCI_ERR_ROOT_COMMAND, 4), 0);

	/* What was found and how it is to be told survives the reset that it leads to */
	wr(capability(PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR, 2);
	assert_int_equal(rd(cap + PCI_ERR_UNCOR_MASK, 4), PCI_ERR_UNC_UNSUP);
	assert_int_equal(rd(cap + PCI_ERR_UNCOR_SEVER, 4), severity ^ PCI_ERR_UNC_COMP_ABORT);
	assert_int_equal(rd(cap + PCI_ERR_COR_STATUS, 4), PCI_ERR_COR_RCVR);
}

/* All of it at once, with what changes most */
static void test_whole_space(void **state)
{
	uint8_t ones[PCI_CONFIG_SIZE], before[PCI_CONFIG_SIZE];
	uint32_t cap;

	memset(ones, 0xff, sizeof(ones));
	memcpy(before, config.data, sizeof(before));
	assert_true(pci_config_write(&config, 0, ones, sizeof(ones)) & PCI_EVENT_RESET);
	/* Sticky fields alone may differ. */
	cap = capability(PCI_CAP_ID_EXP);
	memset(config.data + cap + PCI_EXP_LNKCTL, 0, 2);
	config.data[cap + PCI_EXP_LNKCTL2] = 4;
	config.data[cap + PCI_EXP_DEVCTL] &= (uint8_t)~PCI_EXP_DEVCTL_PAYLOAD;
	memcpy(config.data + PCI_CFG_SPACE_SIZE, before + PCI_CFG_SPACE_SIZE, 0x2c);
	assert_memory_equal(config.data, before, sizeof(before));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_identity, setup),
		cmocka_unit_test_setup(test_bars, setup),
		cmocka_unit_test_setup(test_command, setup),
		cmocka_unit_test_setup(test_msix, setup),
		cmocka_unit_test_setup(test_function_level_reset, setup),
		cmocka_unit_test_setup(test_power_states, setup),
		cmocka_unit_test_setup(test_error_reporting, setup),
		cmocka_unit_test_setup(test_whole_space, setup),
	};

	return cmocka_run_group_tests_name("vfio-user: pci", tests, NULL, NULL);
}
