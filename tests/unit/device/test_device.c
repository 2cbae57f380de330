// SPDX-License-Identifier: MIT
/*
 * Registers, address translation, queues, faults, stop and reset, as a driver
 * sees them.
 */
#include <time.h>

#include "bus.h"

static struct bus *bus;

static int setup(void **state)
{
	bus = bus_new();
	return 0;
}

static int teardown(void **state)
{
	bus_free(bus);
	return 0;
}

/* Run one copy on queue and VM 1, and return when it completes or halts */
static bool run_copy(const struct enpu_cmd_dma *cmd)
{
	struct enpu_job job = job_with(bus, 1, cmd, sizeof(*cmd));
	struct enpu_job nothing = { 0 };

	start_queue(bus, 1, ENPU_PRIORITY_NORMAL);
	submit(bus, 1, &job);
	submit(bus, 1, &nothing);
	while (status(bus, 1).completed < 2 && status(bus, 1).state != ENPU_QUEUE_HALTED)
		nap();
	if (status(bus, 1).completed == 2)
		return true;
	wait_state(bus, 1, ENPU_QUEUE_HALTED);
	return false;
}

static void test_identity(void **state)
{
	assert_int_equal(reg(bus, ENPU_REG_MAGIC), ENPU_MAGIC);
	assert_int_equal(reg(bus, ENPU_REG_VERSION), ENPU_VERSION_1_0);
	assert_int_equal(reg(bus, ENPU_REG_NUM_QUEUES), 64);
	assert_int_equal(reg(bus, ENPU_REG_NUM_VMS), 64);
	assert_int_equal(reg(bus, ENPU_REG_VA_BITS), 39);
	assert_int_equal(reg(bus, ENPU_REG_MACS), 256);
	assert_int_equal(reg(bus, ENPU_REG_SRAM_BYTES), 384 << 10);
	assert_int_equal(reg(bus, ENPU_REG_DRAM_BANDWIDTH), 3840);
	assert_int_equal(reg(bus, ENPU_REG_OPCODES_LO), 0x7f0f07);
	assert_int_equal(reg(bus, ENPU_REG_OPCODES_HI), 0);
	assert_int_equal(reg(bus, ENPU_REG_STATUS), ENPU_STATUS_READY);
	/* Read only, unlisted, unaligned, far away */
	set_reg(bus, ENPU_REG_MAGIC, 1);
	assert_int_equal(reg(bus, ENPU_REG_MAGIC), ENPU_MAGIC);
	assert_int_equal(reg(bus, 0x70), 0);
	assert_int_equal(reg(bus, 2), 0);
	assert_int_equal(reg(bus, ENPU_DOORBELL_OFFSET), 0);
	assert_int_equal(reg(bus, UINT64_MAX - 3), 0);
	set_reg(bus, UINT64_MAX - 3, 1);
}

static void test_time(void **state)
{
	uint64_t a, b;

	a = reg(bus, ENPU_REG_TIME_LO);
	a |= (uint64_t)reg(bus, ENPU_REG_TIME_HI) << 32;
	b = reg(bus, ENPU_REG_TIME_LO);
	b |= (uint64_t)reg(bus, ENPU_REG_TIME_HI) << 32;
	assert_true(b >= a);
}

static void test_queue_registers(void **state)
{
	uint64_t base = ENPU_REG_QUEUE(63);

	set_reg64(bus, base + ENPU_QUEUE_RING_LO, 0x123456000);
	assert_int_equal(reg(bus, base + ENPU_QUEUE_RING_LO), 0x23456000);
	assert_int_equal(reg(bus, base + ENPU_QUEUE_RING_HI), 1);
	/* A field out of range leaves it OFF */
	set_reg(bus, base + ENPU_QUEUE_RING_ORDER, ENPU_MAX_RING_ORDER + 1);
	set_reg(bus, base + ENPU_QUEUE_CTRL, ENPU_QUEUE_CTRL_ENABLE);
	assert_int_equal(reg(bus, base + ENPU_QUEUE_STATE), ENPU_QUEUE_OFF);
	set_reg(bus, base + ENPU_QUEUE_RING_ORDER, 4);
	set_reg(bus, base + ENPU_QUEUE_VECTOR, ENPU_MSIX_VECTORS);
	set_reg(bus, base + ENPU_QUEUE_CTRL, ENPU_QUEUE_CTRL_ENABLE);
	assert_int_equal(reg(bus, base + ENPU_QUEUE_STATE), ENPU_QUEUE_OFF);
	set_reg(bus, base + ENPU_QUEUE_VECTOR, 3);
	set_reg(bus, base + ENPU_QUEUE_CTRL, ENPU_QUEUE_CTRL_ENABLE);
	assert_int_equal(reg(bus, base + ENPU_QUEUE_STATE), ENPU_QUEUE_IDLE);
	assert_int_equal(reg(bus, base + ENPU_QUEUE_CTRL), ENPU_QUEUE_CTRL_ENABLE);
	/* Set-up registers hold still while it is on */
	set_reg(bus, base + ENPU_QUEUE_VECTOR, 5);
	assert_int_equal(reg(bus, base + ENPU_QUEUE_VECTOR), 3);
	/* but for the priority, which takes what is one */
	set_reg(bus, base + ENPU_QUEUE_PRIORITY, ENPU_PRIORITY_HIGH);
	assert_int_equal(reg(bus, base + ENPU_QUEUE_PRIORITY), ENPU_PRIORITY_HIGH);
	set_reg(bus, base + ENPU_QUEUE_PRIORITY, ENPU_PRIORITY_REALTIME + 1);
	assert_int_equal(reg(bus, base + ENPU_QUEUE_PRIORITY), ENPU_PRIORITY_HIGH);
}

static void test_copy(void **state)
{
	/* Across the page boundary; the pages are neighbours in the VM only */
	struct enpu_cmd_dma cmd = copy(0, 0xff0, 0, 0x1100, 32);

	make_vm(bus, 1);
	map_page(bus, 1, VA_DATA + 0x1000, PAGE(1, 6), ENPU_PTE_WRITE);
	for (unsigned int i = 0; i < 16; i++) {
		bus->memory[PAGE(1, 3) + 0xff0 + i] = (uint8_t)(i + 1);
		bus->memory[PAGE(1, 6) + i] = (uint8_t)(i + 17);
	}
	assert_true(run_copy(&cmd));
	for (unsigned int i = 0; i < 32; i++)
		assert_int_equal(bus->memory[PAGE(1, 6) + 0x100 + i], i + 1);
	wait_irqs(bus, 1, 1);
	assert_int_equal(atomic_load(&bus->irqs[1]), 1);
	assert_int_equal(status(bus, 1).progress, 1);
	wait_state(bus, 1, ENPU_QUEUE_IDLE);
}

static void test_block(void **state)
{
	struct enpu_cmd_dma cmd = copy(1, 0x12345, 1, (1 << 21) - 100, 100);

	make_vm(bus, 1);
	map_block(bus, 1, VA_BLOCK, DATA + 0x200000, ENPU_PTE_WRITE);
	memset(bus->memory + DATA + 0x200000 + 0x12345, 0x5a, 100);
	assert_true(run_copy(&cmd));
	assert_int_equal(bus->memory[DATA + 0x400000 - 101], 0);
	assert_int_equal(bus->memory[DATA + 0x400000 - 100], 0x5a);
	assert_int_equal(bus->memory[DATA + 0x400000 - 1], 0x5a);
}

static void test_unmapped(void **state)
{
	struct enpu_cmd_dma cmd = copy(0, 0, 0, 0xff8, 16);

	make_vm(bus, 1);
	*leaf(bus, 1, VA_DATA + 0x1000) = 0;
	assert_false(run_copy(&cmd));
	assert_fault(bus, 1, ENPU_FAULT_UNMAPPED, 0, VA_DATA + 0x1000);
	assert_int_equal(status(bus, 1).fault_opcode, ENPU_OP_DMA_COPY);
	assert_int_equal(status(bus, 1).fault_job, 0);
	assert_int_equal(status(bus, 1).completed, 0);
	wait_irqs(bus, 1, 1);
}

static void test_read_only(void **state)
{
	struct enpu_cmd_dma cmd = copy(0, 0, 2, 0x200, 8);

	make_vm(bus, 1);
	assert_false(run_copy(&cmd));
	assert_fault(bus, 1, ENPU_FAULT_READ_ONLY, 0, VA_STREAM + 0x200);
}

static void test_beyond_va(void **state)
{
	struct enpu_cmd_dma cmd = copy(3, 8, 0, 0, 8);

	make_vm(bus, 1);
	assert_false(run_copy(&cmd));
	assert_fault(bus, 1, ENPU_FAULT_UNMAPPED, 0, (1ull << 39) + VA_DATA + 8);
}

static void test_table_outside(void **state)
{
	struct enpu_cmd_dma cmd = copy(1, 0, 0, 0, 8);

	make_vm(bus, 1);
	/* Room for a table at the second level, but outside of the bus's memory */
	map_page(bus, 1, VA_BLOCK, 0, 0);
	map_block(bus, 1, VA_BLOCK, 0, 0);
	for (uint64_t *pte = (uint64_t *)(bus->memory + TABLES(1)), i = 0; i < 512; i++)
		if (i == VA_BLOCK >> 30)
			pte[i] = (BUS_SIZE + 0x5000) | ENPU_PTE_VALID;
	assert_false(run_copy(&cmd));
	assert_fault(bus, 1, ENPU_FAULT_BUS, 0, BUS_SIZE + 0x5000);
}

static void test_page_outside(void **state)
{
	struct enpu_cmd_dma cmd = copy(0, 4, 0, 0, 8);

	make_vm(bus, 1);
	map_page(bus, 1, VA_DATA, BUS_SIZE + 0x7000, ENPU_PTE_WRITE);
	assert_false(run_copy(&cmd));
	assert_fault(bus, 1, ENPU_FAULT_BUS, 0, BUS_SIZE + 0x7004);
}

static void test_invalid_entries(void **state)
{
	const uint64_t bad[] = {
		ENPU_PTE_BLOCK,			/* of a page */
		1ull << 3,			/* reserved */
		1ull << 63,
	};
	struct enpu_cmd_dma cmd = copy(0, 0, 0, 0x1000, 8);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		make_vm(bus, 1);
		map_page(bus, 1, VA_DATA, PAGE(1, 3), bad[i]);
		assert_false(run_copy(&cmd));
		assert_fault(bus, 1, ENPU_FAULT_UNMAPPED, 0, VA_DATA);
		stop_queue(bus, 1);
		set_reg(bus, ENPU_REG_TLB_INVALIDATE, 1);
	}
}

static void test_no_root(void **state)
{
	struct enpu_cmd_dma cmd = copy(0, 0, 0, 0x1000, 8);

	assert_false(run_copy(&cmd));
	assert_fault(bus, 1, ENPU_FAULT_UNMAPPED, ENPU_FAULT_NO_COMMAND, VA_REGIONS);
}

static void test_invalidation(void **state)
{
	struct enpu_cmd_dma cmd = copy(0, 0, 0, 0x1000, 8);
	struct enpu_job job;
	uint32_t done = reg(bus, ENPU_REG_TLB_DONE);

	make_vm(bus, 1);
	assert_true(run_copy(&cmd));
	*leaf(bus, 1, VA_DATA) = 0;
	set_reg(bus, ENPU_REG_TLB_INVALIDATE, 1);
	set_reg(bus, ENPU_REG_TLB_INVALIDATE, ENPU_TLB_ALL);
	wait_reg(bus, ENPU_REG_TLB_DONE, done + 2);
	job = job_with(bus, 1, &cmd, sizeof(cmd));
	submit(bus, 1, &job);
	wait_halted(bus, 1);
	assert_fault(bus, 1, ENPU_FAULT_UNMAPPED, 0, VA_DATA);
}

static void test_profile(void **state)
{
	struct enpu_cmd_dma cmd = copy(0, 0, 0, 0x1000, 64);
	struct enpu_profile *profile = (struct enpu_profile *)(bus->memory + PAGE(1, 2));
	struct enpu_job job;

	make_vm(bus, 1);
	start_queue(bus, 1, ENPU_PRIORITY_NORMAL);
	job = job_with(bus, 1, &cmd, sizeof(cmd));
	job.flags |= ENPU_JOB_PROFILE;
	job.profile_va = VA_PROFILE;
	job.cookie = 0x1122334455667788;
	submit(bus, 1, &job);
	wait_completed(bus, 1, 1);
	assert_int_equal(profile->cookie, job.cookie);
	assert_int_equal(profile->commands, 1);
	assert_int_equal(profile->dram_read, 64);
	assert_int_equal(profile->dram_written, 64);
	assert_true(profile->end_ns >= profile->start_ns);
	assert_int_equal(status(bus, 1).busy_cycles, profile->cycles);
	wait_state(bus, 1, ENPU_QUEUE_IDLE);
	assert_int_equal(reg(bus, ENPU_REG_COUNTER(ENPU_COUNTER_JOBS)), 1);
	assert_int_equal(reg(bus, ENPU_REG_COUNTER(ENPU_COUNTER_DRAM_READ)), 64);
	assert_int_equal(reg(bus, ENPU_REG_COUNTER(ENPU_COUNTER_CYCLES)), profile->cycles);

	/* A record that can't be written is a fault of the job */
	job.profile_va = VA_STREAM;
	submit(bus, 1, &job);
	wait_halted(bus, 1);
	assert_fault(bus, 1, ENPU_FAULT_READ_ONLY, ENPU_FAULT_NO_COMMAND, VA_STREAM);
}

static void test_wrap_around(void **state)
{
	struct enpu_job nothing = { 0 };

	start_queue(bus, 2, ENPU_PRIORITY_NORMAL);
	for (unsigned int round = 0; round < 10; round++) {
		for (unsigned int i = 0; i < (1u << RING_ORDER); i++)
			push(bus, 2, &nothing);
		ring_doorbell(bus, 2);
		wait_completed(bus, 2, (uint64_t)(round + 1) << RING_ORDER);
	}
	assert_int_equal(reg(bus, ENPU_REG_QUEUE(2) + ENPU_QUEUE_PRODUCER), 10u << RING_ORDER);
	assert_int_equal(reg(bus, ENPU_REG_QUEUE(2) + ENPU_QUEUE_CONSUMER), 10u << RING_ORDER);
	assert_int_equal(atomic_load(&bus->irqs[2]), 0);
}

static void test_order(void **state)
{
	/* Jobs of one queue see what those before them wrote */
	struct enpu_cmd_dma cmds[4];
	struct enpu_job jobs[4];

	make_vm(bus, 1);
	start_queue(bus, 1, ENPU_PRIORITY_NORMAL);
	for (unsigned int i = 0; i < 4; i++) {
		cmds[i] = copy(0, 8 * i, 0, 8 * (i + 1), 8);
		jobs[i] = job_with(bus, 1, cmds, sizeof(cmds));
		jobs[i].stream_va += i * sizeof(cmds[0]);
		jobs[i].stream_size = sizeof(cmds[0]);
		push(bus, 1, &jobs[i]);
	}
	memcpy(bus->memory + PAGE(1, 0), cmds, sizeof(cmds));
	memset(bus->memory + PAGE(1, 3), 0x77, 8);
	ring_doorbell(bus, 1);
	wait_completed(bus, 1, 4);
	assert_int_equal(bus->memory[PAGE(1, 3) + 39], 0x77);
	assert_int_equal(bus->memory[PAGE(1, 3) + 40], 0);
}

static void test_doorbell_too_far(void **state)
{
	start_queue(bus, 2, ENPU_PRIORITY_NORMAL);
	set_reg(bus, ENPU_DOORBELL_OFFSET + 2 * ENPU_DOORBELL_STRIDE, (1u << RING_ORDER) + 1);
	wait_halted(bus, 2);
	assert_fault(bus, 2, ENPU_FAULT_JOB, ENPU_FAULT_NO_COMMAND, 0);
	/* Only offset 0 of a doorbell page, and only of a queue that is on */
	stop_queue(bus, 2);
	start_queue(bus, 2, ENPU_PRIORITY_NORMAL);
	set_reg(bus, ENPU_DOORBELL_OFFSET + 2 * ENPU_DOORBELL_STRIDE + 4, 1);
	set_reg(bus, ENPU_DOORBELL_OFFSET + 3 * ENPU_DOORBELL_STRIDE, 1);
	assert_int_equal(reg(bus, ENPU_REG_QUEUE(2) + ENPU_QUEUE_PRODUCER), 0);
	assert_int_equal(reg(bus, ENPU_REG_QUEUE(3) + ENPU_QUEUE_PRODUCER), 0);
}

static void test_bad_jobs(void **state)
{
	const struct enpu_job bad[] = {
		{ .flags = 4 },
		{ .reserved0 = 1 },
		{ .stream_va = 4, .stream_size = 24 },
		{ .num_regions = ENPU_MAX_REGIONS + 1 },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		start_queue(bus, 2, ENPU_PRIORITY_NORMAL);
		submit(bus, 2, &bad[i]);
		wait_halted(bus, 2);
		assert_fault(bus, 2, ENPU_FAULT_JOB, ENPU_FAULT_NO_COMMAND, 0);
		stop_queue(bus, 2);
	}
}

static void test_fault_isolation(void **state)
{
	struct enpu_cmd_dma good = copy(0, 0, 0, 8, 8), bad = copy(0, 0x1ffc, 0, 0, 8);
	struct enpu_job nice = { 0 }, ugly;

	make_vm(bus, 1);
	make_vm(bus, 2);
	start_queue(bus, 1, ENPU_PRIORITY_NORMAL);
	start_queue(bus, 2, ENPU_PRIORITY_NORMAL);
	nice = job_with(bus, 1, &good, sizeof(good));
	ugly = job_with(bus, 2, &bad, sizeof(bad));
	push(bus, 1, &nice);
	push(bus, 1, &nice);
	push(bus, 2, &ugly);
	push(bus, 2, &ugly);
	ring_doorbell(bus, 2);
	ring_doorbell(bus, 1);
	wait_completed(bus, 1, 2);
	wait_halted(bus, 2);
	assert_fault(bus, 2, ENPU_FAULT_REGION, 0, 0x2000);
	assert_int_equal(status(bus, 2).completed, 0);
	assert_int_equal(reg(bus, ENPU_REG_COUNTER(ENPU_COUNTER_FAULTS)), 1);

	/* A stop and a start, and it works again */
	stop_queue(bus, 2);
	start_queue(bus, 2, ENPU_PRIORITY_NORMAL);
	ugly = job_with(bus, 2, &good, sizeof(good));
	submit(bus, 2, &ugly);
	wait_completed(bus, 2, 1);
}

static void test_unreachable_ring(void **state)
{
	struct enpu_job nothing = { 0 };

	start_queue(bus, 2, ENPU_PRIORITY_NORMAL);
	atomic_store(&bus->master, false);
	submit(bus, 2, &nothing);
	wait_state(bus, 2, ENPU_QUEUE_HALTED);
	assert_int_equal(status(bus, 2).state, ENPU_QUEUE_OFF);
	atomic_store(&bus->master, true);
	stop_queue(bus, 2);
}

/* A command that would take minutes: 2^32 bytes in runs of one */
static struct enpu_cmd_dma endless(void)
{
	struct enpu_cmd_dma cmd = copy(0, 0, 0, 0x1000, 1);

	cmd.count[0] = 1 << 16;
	cmd.count[1] = 1 << 16;
	return cmd;
}

static void test_stop_running(void **state)
{
	struct enpu_cmd_dma cmd = endless();
	struct enpu_job job, nothing = { 0 };
	struct timespec a, b;

	make_vm(bus, 1);
	start_queue(bus, 1, ENPU_PRIORITY_NORMAL);
	start_queue(bus, 2, ENPU_PRIORITY_LOW);
	job = job_with(bus, 1, &cmd, sizeof(cmd));
	submit(bus, 1, &job);
	wait_state(bus, 1, ENPU_QUEUE_RUNNING);
	submit(bus, 2, &nothing);
	clock_gettime(CLOCK_MONOTONIC, &a);
	stop_queue(bus, 1);
	clock_gettime(CLOCK_MONOTONIC, &b);
	assert_true((b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000 < 2000);
	assert_int_equal(status(bus, 1).completed, 0);
	wait_completed(bus, 2, 1);
}

static void test_hang(void **state)
{
	struct enpu_cmd_dma cmds[2] = { copy(0, 0, 0, 8, 8), copy(0, 0, 0, 16, 8) };
	uint32_t done = reg(bus, ENPU_REG_TLB_DONE);
	struct enpu_job job;

	make_vm(bus, 1);
	start_queue(bus, 1, ENPU_PRIORITY_NORMAL);
	enpu_device_inject(bus->dev, ENPU_INJECT_HANG, 2);
	job = job_with(bus, 1, cmds, sizeof(cmds));
	submit(bus, 1, &job);
	while (!status(bus, 1).progress)
		nap();
	/* Invalidations complete all the same */
	set_reg(bus, ENPU_REG_TLB_INVALIDATE, 1);
	wait_reg(bus, ENPU_REG_TLB_DONE, done + 1);
	assert_int_equal(reg(bus, ENPU_REG_QUEUE(1) + ENPU_QUEUE_STATE), ENPU_QUEUE_RUNNING);
	stop_queue(bus, 1);
	assert_int_equal(status(bus, 1).completed, 0);

	start_queue(bus, 1, ENPU_PRIORITY_NORMAL);
	submit(bus, 1, &job);
	wait_completed(bus, 1, 1);
}

static void test_reset_while_hung(void **state)
{
	struct enpu_cmd_dma cmd = copy(0, 0, 0, 8, 8);
	struct enpu_job job;

	make_vm(bus, 1);
	start_queue(bus, 1, ENPU_PRIORITY_NORMAL);
	enpu_device_inject(bus->dev, ENPU_INJECT_HANG, 1);
	job = job_with(bus, 1, &cmd, sizeof(cmd));
	submit(bus, 1, &job);
	wait_state(bus, 1, ENPU_QUEUE_RUNNING);
	set_reg(bus, ENPU_REG_RESET, 1);
	assert_int_equal(reg(bus, ENPU_REG_STATUS), ENPU_STATUS_READY);
	set_reg(bus, ENPU_REG_RESET, ENPU_RESET_KEY);
	wait_reg(bus, ENPU_REG_STATUS, ENPU_STATUS_READY);
	assert_int_equal(reg(bus, ENPU_REG_EVENTS), ENPU_EVENT_RESET_DONE);
	assert_int_equal(reg(bus, ENPU_REG_QUEUE(1) + ENPU_QUEUE_STATE), ENPU_QUEUE_OFF);
	assert_int_equal(reg(bus, ENPU_REG_QUEUE(1) + ENPU_QUEUE_RING_LO), 0);
	assert_int_equal(reg(bus, ENPU_REG_VM_ROOT_LO(1)), 0);
	assert_int_equal(reg(bus, ENPU_REG_COUNTER(ENPU_COUNTER_JOBS)), 0);
	assert_int_equal(status(bus, 1).completed, 0);

	/* The event raises vector 0 once it is enabled */
	set_reg(bus, ENPU_REG_EVENT_ENABLE, ENPU_EVENT_RESET_DONE);
	wait_irqs(bus, 0, 1);
	set_reg(bus, ENPU_REG_EVENTS, ENPU_EVENT_RESET_DONE);
	assert_int_equal(reg(bus, ENPU_REG_EVENTS), 0);

	/* The other way to reset, under load */
	make_vm(bus, 1);
	set_reg64(bus, ENPU_REG_VM_ROOT_LO(1), TABLES(1) | ENPU_VM_ROOT_VALID);
	start_queue(bus, 1, ENPU_PRIORITY_NORMAL);
	cmd = endless();
	job = job_with(bus, 1, &cmd, sizeof(cmd));
	submit(bus, 1, &job);
	wait_state(bus, 1, ENPU_QUEUE_RUNNING);
	enpu_device_reset(bus->dev);
	assert_int_equal(reg(bus, ENPU_REG_QUEUE(1) + ENPU_QUEUE_STATE), ENPU_QUEUE_OFF);
}

static void test_fatal(void **state)
{
	struct enpu_cmd_dma cmds[2] = { copy(0, 0, 0, 8, 8), copy(0, 0, 0, 16, 8) };
	uint32_t done = reg(bus, ENPU_REG_TLB_DONE);
	struct enpu_job job, nothing = { 0 };

	make_vm(bus, 1);
	memset(bus->memory + PAGE(1, 3), 0x5a, 8);
	start_queue(bus, 1, ENPU_PRIORITY_NORMAL);
	start_queue(bus, 2, ENPU_PRIORITY_NORMAL);
	set_reg(bus, ENPU_REG_EVENT_ENABLE, ENPU_EVENT_FATAL);
	enpu_device_inject(bus->dev, ENPU_INJECT_FATAL, 2);
	job = job_with(bus, 1, cmds, sizeof(cmds));
	submit(bus, 1, &job);
	wait_irqs(bus, 0, 1);
	assert_int_equal(reg(bus, ENPU_REG_STATUS), ENPU_STATUS_FATAL);
	assert_int_equal(reg(bus, ENPU_REG_EVENTS), ENPU_EVENT_FATAL);
	assert_int_equal(bus->memory[PAGE(1, 3) + 8], 0x5a);
	assert_int_equal(bus->memory[PAGE(1, 3) + 16], 0);

	/* Nothing runs, but what needs no engines is done */
	submit(bus, 2, &nothing);
	set_reg(bus, ENPU_REG_TLB_INVALIDATE, 1);
	wait_reg(bus, ENPU_REG_TLB_DONE, done + 1);
	stop_queue(bus, 1);
	for (unsigned int i = 0; i < 20; i++)
		nap();
	assert_int_equal(status(bus, 2).completed, 0);

	set_reg(bus, ENPU_REG_RESET, ENPU_RESET_KEY);
	wait_reg(bus, ENPU_REG_STATUS, ENPU_STATUS_READY);
	assert_int_equal(reg(bus, ENPU_REG_EVENTS), ENPU_EVENT_RESET_DONE);
	start_queue(bus, 2, ENPU_PRIORITY_NORMAL);
	submit(bus, 2, &nothing);
	wait_completed(bus, 2, 1);

	/* At once, with nobody listening */
	enpu_device_fail(bus->dev);
	wait_reg(bus, ENPU_REG_STATUS, ENPU_STATUS_FATAL);
	assert_int_equal(atomic_load(&bus->irqs[0]), 1);
	enpu_device_reset(bus->dev);
	assert_int_equal(reg(bus, ENPU_REG_STATUS), ENPU_STATUS_READY);
}

static void test_stuck_queue(void **state)
{
	struct enpu_cmd_dma cmd = endless();
	struct enpu_job job, nothing = { 0 };

	make_vm(bus, 1);
	start_queue(bus, 1, ENPU_PRIORITY_NORMAL);
	start_queue(bus, 2, ENPU_PRIORITY_NORMAL);
	start_queue(bus, 3, ENPU_PRIORITY_NORMAL);
	/* The second stop: of one that is off already does not count */
	set_reg(bus, ENPU_REG_QUEUE(5) + ENPU_QUEUE_CTRL, 0);
	enpu_device_inject(bus->dev, ENPU_INJECT_STUCK_QUEUE, 2);
	stop_queue(bus, 3);
	job = job_with(bus, 1, &cmd, sizeof(cmd));
	submit(bus, 1, &job);
	wait_state(bus, 1, ENPU_QUEUE_RUNNING);
	set_reg(bus, ENPU_REG_QUEUE(1) + ENPU_QUEUE_CTRL, 0);
	/* The engines are free again, but the queue is not off, however often it is asked */
	submit(bus, 2, &nothing);
	wait_completed(bus, 2, 1);
	wait_state(bus, 2, ENPU_QUEUE_IDLE);
	set_reg(bus, ENPU_REG_QUEUE(1) + ENPU_QUEUE_CTRL, 0);
	assert_int_equal(reg(bus, ENPU_REG_QUEUE(1) + ENPU_QUEUE_STATE), ENPU_QUEUE_STOPPING);

	enpu_device_reset(bus->dev);
	assert_int_equal(reg(bus, ENPU_REG_QUEUE(1) + ENPU_QUEUE_STATE), ENPU_QUEUE_OFF);
	/* One that has nothing to do sticks as well */
	start_queue(bus, 1, ENPU_PRIORITY_NORMAL);
	enpu_device_inject(bus->dev, ENPU_INJECT_STUCK_QUEUE, 1);
	set_reg(bus, ENPU_REG_QUEUE(1) + ENPU_QUEUE_CTRL, 0);
	assert_int_equal(reg(bus, ENPU_REG_QUEUE(1) + ENPU_QUEUE_STATE), ENPU_QUEUE_STOPPING);
}

static void test_injections(void **state)
{
	struct enpu_cmd_dma cmd = copy(0, 0, 0, 8, 8);
	struct enpu_device_stats stats;
	struct enpu_job job;

	make_vm(bus, 1);
	start_queue(bus, 1, ENPU_PRIORITY_NORMAL);
	job = job_with(bus, 1, &cmd, sizeof(cmd));
	enpu_device_inject(bus->dev, ENPU_INJECT_LOSE_IRQ, 1);
	submit(bus, 1, &job);
	wait_completed(bus, 1, 1);
	submit(bus, 1, &job);
	wait_irqs(bus, 1, 1);
	wait_state(bus, 1, ENPU_QUEUE_IDLE);
	assert_int_equal(atomic_load(&bus->irqs[1]), 1);

	/* Accesses: region table, command's header and body, source, destination */
	enpu_device_inject(bus->dev, ENPU_INJECT_FAULT_DMA, 5);
	submit(bus, 1, &job);
	wait_halted(bus, 1);
	assert_fault(bus, 1, ENPU_FAULT_BUS, 0, PAGE(1, 3) + 8);
	wait_state(bus, 1, ENPU_QUEUE_HALTED);

	enpu_device_get_stats(bus->dev, &stats);
	assert_int_equal(stats.jobs, 2);
	assert_int_equal(stats.faults, 1);
	assert_int_equal(stats.queues_enabled, 1);
}

static void test_priority(void **state)
{
	struct enpu_cmd_dma cmd = copy(0, 0, 0, 8, 8);
	struct enpu_job job, nothing = { 0 };

	/* While queue 1 hangs, 2 and 3 get work; the higher priority goes first */
	make_vm(bus, 1);
	start_queue(bus, 1, ENPU_PRIORITY_REALTIME);
	start_queue(bus, 2, ENPU_PRIORITY_LOW);
	start_queue(bus, 3, ENPU_PRIORITY_HIGH);
	enpu_device_inject(bus->dev, ENPU_INJECT_HANG, 1);
	job = job_with(bus, 1, &cmd, sizeof(cmd));
	submit(bus, 1, &job);
	wait_state(bus, 1, ENPU_QUEUE_RUNNING);
	make_vm(bus, 3);
	job = job_with(bus, 3, &cmd, sizeof(cmd));
	submit(bus, 2, &nothing);
	submit(bus, 3, &job);
	enpu_device_inject(bus->dev, ENPU_INJECT_HANG, 1);
	set_reg(bus, ENPU_REG_QUEUE(1) + ENPU_QUEUE_CTRL, 0);
	wait_state(bus, 3, ENPU_QUEUE_RUNNING);
	assert_int_equal(status(bus, 2).completed, 0);
	stop_queue(bus, 3);
	wait_completed(bus, 2, 1);
}

static void test_free_while_running(void **state)
{
	struct enpu_cmd_dma cmd = endless();
	struct enpu_job job;

	/* teardown frees the device */
	make_vm(bus, 1);
	start_queue(bus, 1, ENPU_PRIORITY_NORMAL);
	job = job_with(bus, 1, &cmd, sizeof(cmd));
	submit(bus, 1, &job);
	wait_state(bus, 1, ENPU_QUEUE_RUNNING);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_identity),
		TEST(test_time),
		TEST(test_queue_registers),
		TEST(test_copy),
		TEST(test_block),
		TEST(test_unmapped),
		TEST(test_read_only),
		TEST(test_beyond_va),
		TEST(test_table_outside),
		TEST(test_page_outside),
		TEST(test_invalid_entries),
		TEST(test_no_root),
		TEST(test_invalidation),
		TEST(test_profile),
		TEST(test_wrap_around),
		TEST(test_order),
		TEST(test_doorbell_too_far),
		TEST(test_bad_jobs),
		TEST(test_fault_isolation),
		TEST(test_unreachable_ring),
		TEST(test_stop_running),
		TEST(test_hang),
		TEST(test_reset_while_hung),
		TEST(test_fatal),
		TEST(test_stuck_queue),
		TEST(test_injections),
		TEST(test_priority),
		TEST(test_free_while_running),
	};

	return cmocka_run_group_tests_name("device: registers, MMU, queues", tests, NULL, NULL);
}
