// SPDX-License-Identifier: MIT
/*
 * Queues that are paused, started anywhere and weighed anew: who gets the
 * engines, and when.
 */
#include "bus.h"

#define CTRL(q)		(ENPU_REG_QUEUE(q) + ENPU_QUEUE_CTRL)
#define PAUSED		(ENPU_QUEUE_CTRL_ENABLE | ENPU_QUEUE_CTRL_PAUSE)

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

static uint32_t state_of(unsigned int q)
{
	return reg(bus, ENPU_REG_QUEUE(q) + ENPU_QUEUE_STATE);
}

static void test_pause_idle(void **state)
{
	struct enpu_job nothing = { 0 };

	start_queue(bus, 1, ENPU_PRIORITY_NORMAL);
	start_queue(bus, 2, ENPU_PRIORITY_LOW);
	set_reg(bus, CTRL(1), PAUSED);
	assert_int_equal(state_of(1), ENPU_QUEUE_PAUSED);
	assert_int_equal(reg(bus, CTRL(1)), PAUSED);

	/* Its doorbell is noted; that of the other one, which comes behind it, is served */
	submit(bus, 1, &nothing);
	submit(bus, 2, &nothing);
	wait_completed(bus, 2, 1);
	assert_int_equal(status(bus, 1).completed, 0);
	assert_int_equal(state_of(1), ENPU_QUEUE_PAUSED);
	assert_int_equal(reg(bus, ENPU_REG_QUEUE(1) + ENPU_QUEUE_PRODUCER), 1);
	assert_int_equal(reg(bus, ENPU_REG_QUEUE(1) + ENPU_QUEUE_CONSUMER), 0);

	set_reg(bus, CTRL(1), ENPU_QUEUE_CTRL_ENABLE);
	wait_completed(bus, 1, 1);
	wait_state(bus, 1, ENPU_QUEUE_IDLE);
	assert_int_equal(reg(bus, CTRL(1)), ENPU_QUEUE_CTRL_ENABLE);
}

static void test_pause_running(void **state)
{
	struct enpu_cmd_dma cmds[2] = { copy(0, 0, 0, 8, 8), copy(0, 8, 0, 16, 8) };
	struct enpu_job job;

	make_vm(bus, 1);
	memset(bus->memory + PAGE(1, 3), 0x5a, 8);
	start_queue(bus, 1, ENPU_PRIORITY_NORMAL);
	job = job_with(bus, 1, cmds, sizeof(cmds));
	push(bus, 1, &job);
	push(bus, 1, &job);
	close_gate(bus, PAGE(1, 3) + 8);
	ring_doorbell(bus, 1);
	wait_gate(bus);

	/* What was begun is completed, nothing else begun */
	set_reg(bus, CTRL(1), PAUSED);
	assert_int_equal(state_of(1), ENPU_QUEUE_RUNNING);
	open_gate(bus);
	wait_state(bus, 1, ENPU_QUEUE_PAUSED);
	assert_int_equal(status(bus, 1).completed, 1);
	assert_int_equal(status(bus, 1).progress, 2);
	assert_int_equal(bus->memory[PAGE(1, 3) + 16], 0x5a);
	wait_irqs(bus, 1, 1);

	set_reg(bus, CTRL(1), ENPU_QUEUE_CTRL_ENABLE);
	wait_completed(bus, 1, 2);
}

static void test_pause_and_stop(void **state)
{
	struct enpu_cmd_dma bad = copy(0, 0x1ffc, 0, 0, 8);
	struct enpu_job job, nothing = { 0 };

	/* From paused to off, and from off to paused */
	start_queue(bus, 2, ENPU_PRIORITY_NORMAL);
	set_reg(bus, CTRL(2), PAUSED);
	submit(bus, 2, &nothing);
	set_reg(bus, CTRL(2), 0);
	assert_int_equal(state_of(2), ENPU_QUEUE_OFF);
	assert_int_equal(reg(bus, CTRL(2)), 0);
	set_reg(bus, CTRL(2), PAUSED);
	assert_int_equal(state_of(2), ENPU_QUEUE_PAUSED);
	set_reg(bus, CTRL(2), ENPU_QUEUE_CTRL_ENABLE);
	assert_int_equal(state_of(2), ENPU_QUEUE_IDLE);

	/* A fault counts more */
	make_vm(bus, 1);
	start_queue(bus, 1, ENPU_PRIORITY_NORMAL);
	job = job_with(bus, 1, &bad, sizeof(bad));
	close_gate(bus, RING(1));
	submit(bus, 1, &job);
	wait_gate(bus);
	set_reg(bus, CTRL(1), PAUSED);
	open_gate(bus);
	wait_state(bus, 1, ENPU_QUEUE_HALTED);
	assert_fault(bus, 1, ENPU_FAULT_REGION, 0, 0x2000);
	set_reg(bus, CTRL(1), ENPU_QUEUE_CTRL_ENABLE);
	assert_int_equal(state_of(1), ENPU_QUEUE_HALTED);
}

static void test_pause_and_reset(void **state)
{
	start_queue(bus, 2, ENPU_PRIORITY_NORMAL);
	set_reg64(bus, ENPU_REG_QUEUE(3) + ENPU_QUEUE_START_LO, 77);
	set_reg(bus, CTRL(2), PAUSED);
	enpu_device_reset(bus->dev);
	assert_int_equal(state_of(2), ENPU_QUEUE_OFF);
	assert_int_equal(reg(bus, ENPU_REG_QUEUE(3) + ENPU_QUEUE_START_LO), 0);
	start_queue(bus, 2, ENPU_PRIORITY_NORMAL);
}

static void test_start(void **state)
{
	const uint64_t from = 0x3fffffffeull;	/* the 32-bit indices wrap after two jobs */
	uint64_t base = ENPU_REG_QUEUE(2);
	struct enpu_job nothing = { 0 };

	set_reg64(bus, base + ENPU_QUEUE_START_LO, from);
	assert_int_equal(reg(bus, base + ENPU_QUEUE_START_LO), 0xfffffffe);
	assert_int_equal(reg(bus, base + ENPU_QUEUE_START_HI), 3);
	start_queue(bus, 2, ENPU_PRIORITY_NORMAL);
	assert_int_equal(reg(bus, base + ENPU_QUEUE_PRODUCER), 0xfffffffe);
	assert_int_equal(reg(bus, base + ENPU_QUEUE_CONSUMER), 0xfffffffe);
	/* A set-up register: it holds still */
	set_reg64(bus, base + ENPU_QUEUE_START_LO, 5);
	assert_int_equal(reg(bus, base + ENPU_QUEUE_START_LO), 0xfffffffe);

	bus->producer[2] = (uint32_t)from;
	for (unsigned int i = 0; i < 4; i++)
		push(bus, 2, &nothing);
	ring_doorbell(bus, 2);
	wait_completed(bus, 2, from + 4);
	assert_int_equal(reg(bus, base + ENPU_QUEUE_CONSUMER), 2);
	assert_int_equal(status(bus, 2).progress, 0);
}

/* A queue that is paused, stopped and set up again goes on where it was, in the same ring */
static void test_go_on(void **state)
{
	struct enpu_cmd_dma cmds[3];
	struct enpu_job jobs[3];

	make_vm(bus, 1);
	start_queue(bus, 1, ENPU_PRIORITY_NORMAL);
	for (unsigned int i = 0; i < 3; i++) {
		cmds[i] = copy(0, 8 * i, 0, 8 * (i + 1), 8);
		jobs[i] = job_with(bus, 1, cmds, sizeof(cmds));
		jobs[i].stream_va += i * sizeof(cmds[0]);
		jobs[i].stream_size = sizeof(cmds[0]);
		push(bus, 1, &jobs[i]);
	}
	job_with(bus, 1, cmds, sizeof(cmds));
	memset(bus->memory + PAGE(1, 3), 0x77, 8);
	close_gate(bus, PAGE(1, 3));
	ring_doorbell(bus, 1);
	wait_gate(bus);
	set_reg(bus, CTRL(1), PAUSED);
	open_gate(bus);
	wait_state(bus, 1, ENPU_QUEUE_PAUSED);
	stop_queue(bus, 1);
	assert_int_equal(status(bus, 1).completed, 1);
	enpu_device_reset(bus->dev);

	make_vm(bus, 1);
	set_reg64(bus, ENPU_REG_VM_ROOT_LO(1), TABLES(1) | ENPU_VM_ROOT_VALID);
	set_reg64(bus, ENPU_REG_QUEUE(1) + ENPU_QUEUE_START_LO, 1);
	start_queue(bus, 1, ENPU_PRIORITY_NORMAL);
	bus->producer[1] = 3;
	ring_doorbell(bus, 1);
	wait_completed(bus, 1, 3);
	assert_int_equal(bus->memory[PAGE(1, 3) + 31], 0x77);
	assert_int_equal(bus->memory[PAGE(1, 3) + 32], 0);
}

/* While the engines are taken, what comes next changes with the priorities */
static void test_priority_changes(void **state)
{
	struct enpu_cmd_dma cmd = copy(0, 0, 0, 8, 8);
	struct enpu_job job, nothing = { .flags = ENPU_JOB_IRQ };
	const uint8_t order[] = { 1, 3, 2 };

	make_vm(bus, 1);
	for (unsigned int q = 1; q <= 3; q++)
		start_queue(bus, q, ENPU_PRIORITY_REALTIME - q);
	job = job_with(bus, 1, &cmd, sizeof(cmd));
	close_gate(bus, PAGE(1, 3));
	submit(bus, 1, &job);
	wait_gate(bus);
	submit(bus, 2, &nothing);
	submit(bus, 3, &nothing);
	set_reg(bus, ENPU_REG_QUEUE(3) + ENPU_QUEUE_PRIORITY, ENPU_PRIORITY_HIGH);
	open_gate(bus);
	assert_irq_order(bus, order, 3);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_pause_idle),
		TEST(test_pause_running),
		TEST(test_pause_and_stop),
		TEST(test_pause_and_reset),
		TEST(test_start),
		TEST(test_go_on),
		TEST(test_priority_changes),
	};

	return cmocka_run_group_tests_name("device: pause, start, priority", tests, NULL, NULL);
}
