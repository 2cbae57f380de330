// SPDX-License-Identifier: MIT
/*
 * The NPU as a PCI function: how configuration space, registers, memory and
 * interrupts depend on each other. The test acts as the client (regions) and as
 * the core (host operations).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "../../../tools/device/vfio-user/dma.h"
#include "../../../tools/device/vfio-user/function.h"
#include "../../../tools/device/vfio-user/irq.h"
#include "../../../tools/device/vfio-user/session.h"
#include "client.h"
#include "enpu/regs.h"
#include "fake_core.h"

#define PAGE		4096ull
#define CONFIG		VFIO_PCI_CONFIG_REGION_INDEX
/* Where the capabilities lie: test_pci.c finds them by walking the list. */
#define PM_CTRL		(0x40 + PCI_PM_CTRL)
#define DEVCTL		(0x50 + PCI_EXP_DEVCTL)
#define MSIX_FLAGS	(0x90 + PCI_MSIX_FLAGS)

struct fixture {
	struct enpu_function *function;
	const struct vu_device *device;
	struct enpu_device *core;
	int event;	/* ours; vector 3 has a duplicate of it */
};

static uint64_t rd(struct fixture *f, unsigned int region, uint64_t offset, uint32_t size)
{
	uint64_t value = 0;

	assert_int_equal(f->device->region_read(f->device->opaque, region, offset, &value,
						size), 0);
	return value;
}

static void wr(struct fixture *f, unsigned int region, uint64_t offset, uint64_t value,
	       uint32_t size)
{
	assert_int_equal(f->device->region_write(f->device->opaque, region, offset, &value,
						 size), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int memory = sealed_memory(PAGE);

	f->function = enpu_function_new(enpu_config_at(0));
	f->device = enpu_function_device(f->function);
	f->core = enpu_function_core(f->function);
	f->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	vu_irqs_bind(f->device->irqs, 3, dup(f->event));
	assert_int_equal(vu_dma_map(f->device->dma, 0, PAGE, memory, 0, true), 0);
	close(memory);
	*state = f;
	return 0;
}

/* As a driver leaves it: memory, bus master and MSI-X on */
static int started(void **state)
{
	setup(state);
	wr(*state, CONFIG, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
	wr(*state, CONFIG, MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, 2);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	enpu_function_free(f->function);
	close(f->event);
	free(f);
	return 0;
}

static bool dma_works(struct fixture *f)
{
	uint64_t length = 8;
	bool works;

	f->core->ops->dma_begin(f->core->host);
	works = f->core->ops->dma_ptr(f->core->host, 16, &length, true);
	f->core->ops->dma_end(f->core->host);
	return works;
}

static uint64_t signals(struct fixture *f)
{
	uint64_t n = 0;

	if (read(f->event, &n, sizeof(n)) < 0)
		assert_int_equal(errno, EAGAIN);
	return n;
}

static void raise_irq(struct fixture *f)
{
	f->core->ops->irq(f->core->host, 3);
}

static void test_regions(void **state)
{
	struct fixture *f = *state;
	const struct vu_region *regions = f->device->regions;
	unsigned int i;

	assert_int_equal(f->device->num_regions, VFIO_PCI_NUM_REGIONS);
	for (i = 0; i < f->device->num_regions; i++) {
		bool there = i == ENPU_BAR_REGS || i == ENPU_BAR_MSIX || i == CONFIG;

		assert_int_equal(!!regions[i].size, there);
		/* One that can be mapped would turn posted writes off. */
		assert_false(regions[i].flags & VFIO_REGION_INFO_FLAG_MMAP);
	}
	assert_int_equal(regions[ENPU_BAR_REGS].size, ENPU_BAR_REGS_SIZE);
	assert_int_equal(regions[CONFIG].size, 4096);
	assert_int_equal(vu_irqs_count(f->device->irqs), ENPU_MSIX_VECTORS);
}

static void test_registers(void **state)
{
	struct fixture *f = *state;

	wr(f, ENPU_BAR_REGS, 8, 0x11223344, 4);
	assert_int_equal(f->core->registers[2], 0x11223344);
	assert_int_equal(rd(f, ENPU_BAR_REGS, 8, 4), 0x11223344);
	/* Only aligned 32-bit accesses */
	wr(f, ENPU_BAR_REGS, 8, 0, 8);
	wr(f, ENPU_BAR_REGS, 8, 0, 2);
	wr(f, ENPU_BAR_REGS, 8, 0, 1);
	wr(f, ENPU_BAR_REGS, 9, 0, 4);
	assert_int_equal(f->core->registers[2], 0x11223344);
	assert_int_equal(rd(f, ENPU_BAR_REGS, 8, 8), 0);
	assert_int_equal(rd(f, ENPU_BAR_REGS, 8, 2), 0);
	assert_int_equal(rd(f, ENPU_BAR_REGS, 6, 4), 0);
	assert_int_equal(rd(f, ENPU_BAR_REGS, ENPU_BAR_REGS_SIZE - 4, 4), 0);
}

static void test_memory_decode(void **state)
{
	struct fixture *f = *state;

	wr(f, ENPU_BAR_REGS, 8, 5, 4);
	wr(f, CONFIG, PCI_COMMAND, PCI_COMMAND_MASTER, 2);
	wr(f, ENPU_BAR_REGS, 8, 6, 4);
	assert_int_equal(rd(f, ENPU_BAR_REGS, 8, 4), 0xffffffff);
	assert_int_equal(rd(f, ENPU_BAR_MSIX, 0, 4), 0xffffffff);
	wr(f, CONFIG, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	assert_int_equal(rd(f, ENPU_BAR_REGS, 8, 4), 5);
}

static void test_bus_master(void **state)
{
	struct fixture *f = *state;

	assert_true(dma_works(f));
	wr(f, CONFIG, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	assert_false(dma_works(f));
	/* Interrupts are memory writes: they wait. */
	raise_irq(f);
	assert_int_equal(signals(f), 0);
	assert_int_equal(rd(f, ENPU_BAR_MSIX, 0x800, 4), 1u << 3);
	wr(f, CONFIG, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
	assert_true(dma_works(f));
	assert_int_equal(signals(f), 1);
	assert_int_equal(rd(f, ENPU_BAR_MSIX, 0x800, 8), 0);
}

static void test_msix_enable(void **state)
{
	struct fixture *f = *state;

	raise_irq(f);
	assert_int_equal(signals(f), 1);
	wr(f, CONFIG, MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL, 2);
	raise_irq(f);
	assert_int_equal(signals(f), 0);
	wr(f, CONFIG, MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, 2);
	assert_int_equal(signals(f), 1);
	wr(f, CONFIG, MSIX_FLAGS, 0, 2);
	raise_irq(f);
	wr(f, CONFIG, MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, 2);
	assert_int_equal(signals(f), 0);
}

static void test_msix_table(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(rd(f, ENPU_BAR_MSIX, 31 * 16 + PCI_MSIX_ENTRY_VECTOR_CTRL, 4), 1);
	wr(f, ENPU_BAR_MSIX, 31 * 16, 0xfee0000012345678, 8);
	assert_int_equal(rd(f, ENPU_BAR_MSIX, 31 * 16, 8), 0xfee0000012345678);
	/* Across the table's end, and past it: nothing there */
	wr(f, ENPU_BAR_MSIX, 31 * 16 + 12, ~0ull, 8);
	assert_int_equal(rd(f, ENPU_BAR_MSIX, 31 * 16 + 12, 8), 0xffffffff);
	wr(f, ENPU_BAR_MSIX, 0x800, ~0ull, 8);
	assert_int_equal(rd(f, ENPU_BAR_MSIX, 0x800, 8), 0);
	assert_int_equal(rd(f, ENPU_BAR_MSIX, 0xff8, 8), 0);
}

/* The driver sets up again what a reset takes; the client's eventfds it cannot. */
static void assert_reset(struct fixture *f, unsigned int resets)
{
	assert_int_equal(f->core->resets, resets);
	assert_int_equal(rd(f, CONFIG, PCI_COMMAND, 2), 0);
	assert_false(dma_works(f));
	raise_irq(f);
	assert_int_equal(signals(f), 0);
	wr(f, CONFIG, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
	wr(f, CONFIG, MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, 2);
	assert_true(dma_works(f));
	assert_int_equal(rd(f, ENPU_BAR_REGS, 8, 4), 0);
	raise_irq(f);
	assert_int_equal(signals(f), 1);
	wr(f, ENPU_BAR_REGS, 8, 1, 4);
}

static void test_resets(void **state)
{
	struct fixture *f = *state;

	wr(f, ENPU_BAR_REGS, 8, 1, 4);
	f->device->reset(f->device->opaque);
	assert_reset(f, 1);
	wr(f, CONFIG, DEVCTL, PCI_EXP_DEVCTL_BCR_FLR, 2);
	assert_reset(f, 2);
	wr(f, CONFIG, PM_CTRL, 3, 2);
	assert_int_equal(f->core->resets, 2);
	assert_false(dma_works(f));
	assert_int_equal(rd(f, ENPU_BAR_REGS, 8, 4), 0xffffffff);
	wr(f, CONFIG, PM_CTRL, 0, 2);
	assert_reset(f, 3);
}

#define AT_START(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define STARTED(f) cmocka_unit_test_setup_teardown(f, started, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		AT_START(test_regions),
		STARTED(test_registers),
		STARTED(test_memory_decode),
		STARTED(test_bus_master),
		STARTED(test_msix_enable),
		STARTED(test_msix_table),
		STARTED(test_resets),
	};

	return cmocka_run_group_tests_name("vfio-user: function", tests, NULL, NULL);
}
