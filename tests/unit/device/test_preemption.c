// SPDX-License-Identifier: MIT
/*
 * Preemption at command boundaries: who goes on when, worked out by hand from
 * hardware.rst, and that nobody's results or costs show it.
 *
 * Command i of a queue's job reads the trace page at 0x10 times the queue plus i,
 * which tells the order of all commands. Where order depends on who came when, the
 * device is stopped at such an access until all have come.
 */
#include <time.h>

#include "bus.h"

#define COMMANDS	4		/* of a traced job */
#define ID(q, i)	(0x10 * (q) + (i))
#define CTRL(q)		(ENPU_REG_QUEUE(q) + ENPU_QUEUE_CTRL)
#define STATE(q)	(ENPU_REG_QUEUE(q) + ENPU_QUEUE_STATE)
#define MS		1000000ull	/* in ns */

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

/* A queue with a VM of its own in which region 1 is the trace page */
static void traced_queue(unsigned int q, unsigned int priority)
{
	make_vm(bus, q);
	map_page(bus, q, VA_BLOCK, TRACE, 0);
	start_queue(bus, q, priority);
}

/* Commands that take long enough for the shortest slice, 1 us: 4000 moves of a byte */
static struct enpu_job traced_job(unsigned int q)
{
	struct enpu_cmd_dma cmds[COMMANDS];

	for (unsigned int i = 0; i < COMMANDS; i++) {
		cmds[i] = copy(1, ID(q, i), 0, i, 1);
		cmds[i].count[3] = 4000;
	}
	return job_with(bus, q, cmds, sizeof(cmds));
}

static void submit_traced(unsigned int q)
{
	struct enpu_job job = traced_job(q);

	submit(bus, q, &job);
}

/* Have a queue begin its job, and stop in command i; what is stopped elsewhere goes on then */
static void stop_in(unsigned int q, unsigned int i)
{
	bool stopped = atomic_load(&bus->gate);

	if (!stopped)
		close_gate(bus, TRACE + ID(q, i));
	submit_traced(q);
	if (stopped)
		close_gate(bus, TRACE + ID(q, i));
	wait_gate(bus);
}

static void test_capability(void **state)
{
	assert_true(reg(bus, ENPU_REG_CAPS) & ENPU_CAP_PREEMPTION);
	assert_int_equal(reg(bus, ENPU_REG_TIME_SLICE), ENPU_TIME_SLICE_DEFAULT);
	set_reg(bus, ENPU_REG_TIME_SLICE, 77);
	assert_int_equal(reg(bus, ENPU_REG_TIME_SLICE), 77);
	enpu_device_reset(bus->dev);
	assert_int_equal(reg(bus, ENPU_REG_TIME_SLICE), ENPU_TIME_SLICE_DEFAULT);
}

static void test_higher_priority(void **state)
{
	const uint16_t trace[] = {
		ID(1, 0), ID(1, 1), ID(2, 0), ID(2, 1), ID(2, 2), ID(2, 3), ID(1, 2), ID(1, 3),
	};
	const uint8_t irqs[] = { 2, 1 };

	traced_queue(1, ENPU_PRIORITY_NORMAL);
	traced_queue(2, ENPU_PRIORITY_HIGH);
	stop_in(1, 1);
	stop_in(2, 0);
	/* The other one waits, in the middle of its job */
	assert_int_equal(reg(bus, STATE(1)), ENPU_QUEUE_IDLE);
	assert_int_equal(reg(bus, STATE(2)), ENPU_QUEUE_RUNNING);
	assert_int_equal(reg(bus, ENPU_REG_QUEUE(1) + ENPU_QUEUE_CONSUMER), 1);
	assert_int_equal(status(bus, 1).progress, 2);
	open_gate(bus);
	assert_irq_order(bus, irqs, 2);
	assert_trace(bus, trace, 8);
	assert_int_equal(status(bus, 1).completed, 1);
	assert_int_equal(status(bus, 1).progress, COMMANDS);
}

/* What has no command left is complete: nothing comes between */
static void test_last_command(void **state)
{
	const uint8_t irqs[] = { 1, 2 };

	traced_queue(1, ENPU_PRIORITY_NORMAL);
	traced_queue(2, ENPU_PRIORITY_HIGH);
	stop_in(1, COMMANDS - 1);
	submit_traced(2);
	open_gate(bus);
	assert_irq_order(bus, irqs, 2);
}

static void test_lower_priority(void **state)
{
	const uint16_t trace[] = {
		ID(1, 0), ID(1, 1), ID(1, 2), ID(1, 3), ID(2, 0), ID(2, 1), ID(2, 2), ID(2, 3),
	};

	/* However short the slice */
	set_reg(bus, ENPU_REG_TIME_SLICE, 1);
	traced_queue(1, ENPU_PRIORITY_NORMAL);
	traced_queue(2, ENPU_PRIORITY_LOW);
	stop_in(1, 0);
	submit_traced(2);
	open_gate(bus);
	assert_trace(bus, trace, 8);
}

/* Three begin in the order of their numbers, and have 1 us each time */
static void test_equals(void **state)
{
	const uint16_t trace[] = {
		ID(1, 0), ID(2, 0), ID(3, 0), ID(1, 1), ID(2, 1), ID(3, 1),
		ID(1, 2), ID(2, 2), ID(3, 2), ID(1, 3), ID(2, 3), ID(3, 3),
	};
	const uint8_t irqs[] = { 1, 2, 3 };

	set_reg(bus, ENPU_REG_TIME_SLICE, 1);
	for (unsigned int q = 1; q <= 3; q++)
		traced_queue(q, ENPU_PRIORITY_NORMAL);
	stop_in(1, 0);
	submit_traced(3);
	submit_traced(2);
	open_gate(bus);
	assert_irq_order(bus, irqs, 3);
	assert_trace(bus, trace, 12);
}

static void test_no_slices(void **state)
{
	const uint16_t trace[] = {
		ID(1, 0), ID(1, 1), ID(1, 2), ID(1, 3), ID(2, 0), ID(2, 1), ID(2, 2), ID(2, 3),
	};

	set_reg(bus, ENPU_REG_TIME_SLICE, 0);
	traced_queue(1, ENPU_PRIORITY_NORMAL);
	traced_queue(2, ENPU_PRIORITY_NORMAL);
	stop_in(1, 0);
	submit_traced(2);
	open_gate(bus);
	assert_trace(bus, trace, 8);
}

/* Who was interrupted by a higher one is at the end of the row of its equals */
static void test_end_of_the_row(void **state)
{
	const uint16_t trace[] = {
		ID(1, 0), ID(3, 0), ID(3, 1), ID(3, 2), ID(3, 3),
		ID(2, 0), ID(2, 1), ID(2, 2), ID(2, 3), ID(1, 1), ID(1, 2), ID(1, 3),
	};

	set_reg(bus, ENPU_REG_TIME_SLICE, 0);
	traced_queue(1, ENPU_PRIORITY_LOW);
	traced_queue(2, ENPU_PRIORITY_LOW);
	traced_queue(3, ENPU_PRIORITY_REALTIME);
	stop_in(1, 0);
	submit_traced(2);
	submit_traced(3);
	open_gate(bus);
	assert_trace(bus, trace, 12);
}

/* A queue that is there already overtakes when its priority rises, and falls back */
static void test_priority_changes(void **state)
{
	const uint16_t trace[] = {
		ID(1, 0), ID(2, 0), ID(2, 1), ID(1, 1), ID(1, 2), ID(1, 3), ID(2, 2), ID(2, 3),
	};

	set_reg(bus, ENPU_REG_TIME_SLICE, 0);
	traced_queue(1, ENPU_PRIORITY_NORMAL);
	traced_queue(2, ENPU_PRIORITY_NORMAL);
	stop_in(1, 0);
	submit_traced(2);
	set_reg(bus, ENPU_REG_QUEUE(2) + ENPU_QUEUE_PRIORITY, ENPU_PRIORITY_HIGH);
	close_gate(bus, TRACE + ID(2, 1));
	wait_gate(bus);
	set_reg(bus, ENPU_REG_QUEUE(2) + ENPU_QUEUE_PRIORITY, ENPU_PRIORITY_LOW);
	open_gate(bus);
	assert_trace(bus, trace, 8);
}

/* PAUSE holds nothing back that was begun */
static void test_pause_preempted(void **state)
{
	const uint16_t trace[] = {
		ID(1, 0), ID(2, 0), ID(2, 1), ID(2, 2), ID(2, 3), ID(1, 1), ID(1, 2), ID(1, 3),
	};

	traced_queue(1, ENPU_PRIORITY_LOW);
	traced_queue(2, ENPU_PRIORITY_HIGH);
	stop_in(1, 0);
	submit_traced(1);
	/* Be it told so while it has the engines, or later */
	set_reg(bus, CTRL(1), ENPU_QUEUE_CTRL_ENABLE | ENPU_QUEUE_CTRL_PAUSE);
	stop_in(2, 0);
	assert_int_equal(reg(bus, STATE(1)), ENPU_QUEUE_IDLE);
	set_reg(bus, CTRL(1), ENPU_QUEUE_CTRL_ENABLE | ENPU_QUEUE_CTRL_PAUSE);
	assert_int_equal(reg(bus, STATE(1)), ENPU_QUEUE_IDLE);
	open_gate(bus);
	wait_state(bus, 1, ENPU_QUEUE_PAUSED);
	assert_trace(bus, trace, 8);
	assert_int_equal(status(bus, 1).completed, 1);
	set_reg(bus, CTRL(1), ENPU_QUEUE_CTRL_ENABLE);
	wait_completed(bus, 1, 2);
}

static void test_stop_preempted(void **state)
{
	const uint16_t trace[] = {
		ID(1, 0), ID(2, 0), ID(2, 1), ID(2, 2), ID(2, 3),
		ID(1, 0), ID(1, 1), ID(1, 2), ID(1, 3),
	};

	traced_queue(1, ENPU_PRIORITY_LOW);
	traced_queue(2, ENPU_PRIORITY_HIGH);
	stop_in(1, 0);
	stop_in(2, 0);
	/* At once: it has nothing in flight */
	set_reg(bus, CTRL(1), 0);
	assert_int_equal(reg(bus, STATE(1)), ENPU_QUEUE_OFF);
	start_queue(bus, 1, ENPU_PRIORITY_LOW);
	submit_traced(1);
	open_gate(bus);
	wait_completed(bus, 1, 1);
	assert_trace(bus, trace, 9);
	assert_int_equal(status(bus, 1).progress, COMMANDS);
}

static void test_reset_preempted(void **state)
{
	traced_queue(1, ENPU_PRIORITY_LOW);
	traced_queue(2, ENPU_PRIORITY_HIGH);
	stop_in(1, 0);
	enpu_device_inject(bus->dev, ENPU_INJECT_HANG, 1);
	submit_traced(2);
	open_gate(bus);
	wait_state(bus, 2, ENPU_QUEUE_RUNNING);
	enpu_device_reset(bus->dev);
	assert_int_equal(reg(bus, STATE(1)), ENPU_QUEUE_OFF);
	assert_int_equal(reg(bus, STATE(2)), ENPU_QUEUE_OFF);
	assert_int_equal(status(bus, 1).completed, 0);

	set_reg64(bus, ENPU_REG_VM_ROOT_LO(1), TABLES(1) | ENPU_VM_ROOT_VALID);
	traced_queue(1, ENPU_PRIORITY_LOW);
	submit_traced(1);
	wait_completed(bus, 1, 1);
	/* And free a device that has a job waiting */
	traced_queue(2, ENPU_PRIORITY_HIGH);
	stop_in(1, 1);
	enpu_device_inject(bus->dev, ENPU_INJECT_HANG, 1);
	submit_traced(2);
	open_gate(bus);
	wait_state(bus, 2, ENPU_QUEUE_RUNNING);
}

/*
 * A hang is one of the engines: neither slices nor priorities help. Meanwhile the
 * table of the job that waits changes, which it must see.
 */
static void test_hang(void **state)
{
	uint32_t done = reg(bus, ENPU_REG_TLB_DONE);

	set_reg(bus, ENPU_REG_TIME_SLICE, 1);
	traced_queue(1, ENPU_PRIORITY_LOW);
	traced_queue(2, ENPU_PRIORITY_NORMAL);
	traced_queue(3, ENPU_PRIORITY_HIGH);
	stop_in(1, 0);
	enpu_device_inject(bus->dev, ENPU_INJECT_HANG, 1);
	submit_traced(2);
	open_gate(bus);
	wait_state(bus, 2, ENPU_QUEUE_RUNNING);
	submit_traced(3);
	*leaf(bus, 1, VA_BLOCK) = 0;
	set_reg(bus, ENPU_REG_TLB_INVALIDATE, 1);
	wait_reg(bus, ENPU_REG_TLB_DONE, done + 1);
	for (unsigned int i = 0; i < 20; i++)
		nap();
	assert_int_equal(reg(bus, STATE(1)), ENPU_QUEUE_IDLE);
	assert_int_equal(reg(bus, STATE(2)), ENPU_QUEUE_RUNNING);
	assert_int_equal(reg(bus, STATE(3)), ENPU_QUEUE_IDLE);
	assert_int_equal(status(bus, 3).progress, 0);

	stop_queue(bus, 2);
	wait_completed(bus, 3, 1);
	wait_halted(bus, 1);
	assert_fault(bus, 1, ENPU_FAULT_UNMAPPED, 1, VA_BLOCK + ID(1, 1));
	assert_int_equal(status(bus, 1).progress, 1);
}

static void test_fault_of_another(void **state)
{
	struct enpu_cmd_dma bad = copy(0, 0x1ffc, 0, 0, 8);
	struct enpu_job job;

	traced_queue(1, ENPU_PRIORITY_LOW);
	traced_queue(2, ENPU_PRIORITY_HIGH);
	stop_in(1, 0);
	job = job_with(bus, 2, &bad, sizeof(bad));
	submit(bus, 2, &job);
	open_gate(bus);
	wait_completed(bus, 1, 1);
	assert_fault(bus, 2, ENPU_FAULT_REGION, 0, 0x2000);
	assert_int_equal(status(bus, 1).progress, COMMANDS);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Busy is who has the engines; the record has when the job began and ended */
static void test_busy(void **state)
{
	struct enpu_profile *profile = (struct enpu_profile *)(bus->memory + PAGE(1, 2));
	struct enpu_job job;
	uint64_t waited;

	traced_queue(1, ENPU_PRIORITY_LOW);
	traced_queue(2, ENPU_PRIORITY_HIGH);
	job = traced_job(1);
	job.flags |= ENPU_JOB_PROFILE;
	job.profile_va = VA_PROFILE;
	close_gate(bus, TRACE + ID(1, 0));
	submit(bus, 1, &job);
	wait_gate(bus);
	stop_in(2, 0);
	waited = now_ns();
	while (now_ns() - waited < 20 * MS)
		nap();
	waited = now_ns() - waited;
	open_gate(bus);
	wait_completed(bus, 1, 1);
	wait_state(bus, 1, ENPU_QUEUE_IDLE);
	assert_true(profile->end_ns - profile->start_ns >= waited);
	assert_true(status(bus, 1).busy_ns <= profile->end_ns - profile->start_ns - waited + MS);
	assert_true(status(bus, 2).busy_ns >= waited);
}

#define QUEUES		31		/* as many as have a vector of their own */
#define STEPS		8

/* Copies within and between a job's data and SRAM, 3000 bytes of each, at random */
static struct enpu_job random_job(unsigned int q)
{
	struct enpu_cmd_dma cmds[STEPS];
	struct enpu_job job;
	uint64_t seed = 77 + q;

	for (unsigned int i = 0; i < STEPS; i++) {
		uint32_t from = rnd(&seed) % 2, to = i ? rnd(&seed) % 2 : 1;

		cmds[i] = copy(from ? ENPU_REGION_SRAM : 0, rnd(&seed) % 1000,
			       to ? ENPU_REGION_SRAM : 0, 2000 + rnd(&seed) % 1000,
			       1 + rnd(&seed) % 1000);
		/* Much the same again, so that a slice is over */
		cmds[i].count[2] = 300;
	}
	cmds[STEPS - 1] = copy(ENPU_REGION_SRAM, 0, 0, 0x1000, 0x1000);
	job = job_with(bus, q, cmds, sizeof(cmds));
	job.flags |= ENPU_JOB_PROFILE;
	job.profile_va = VA_PROFILE;
	return job;
}

struct outcome {
	uint8_t data[0x2000];
	struct enpu_profile profile;
};

/* Have all queues do their job, one after the other or at once */
static void run_all(struct outcome *outcomes, bool at_once)
{
	for (unsigned int q = 1; q <= QUEUES; q++) {
		uint64_t seed = q;

		make_vm(bus, q % QUEUES);
		rnd_fill(&seed, bus->memory + PAGE(q % QUEUES, 3), 0x2000);
		start_queue(bus, q % QUEUES, ENPU_PRIORITY_NORMAL);
	}
	for (unsigned int q = 0; q < QUEUES; q++) {
		struct enpu_job job = random_job(q);

		submit(bus, q, &job);
		if (!at_once)
			wait_completed(bus, q, 1);
	}
	for (unsigned int q = 0; q < QUEUES; q++) {
		wait_completed(bus, q, 1);
		memcpy(outcomes[q].data, bus->memory + PAGE(q, 3), 0x2000);
		memcpy(&outcomes[q].profile, bus->memory + PAGE(q, 2), sizeof(outcomes[q].profile));
		stop_queue(bus, q);
	}
}

/* 31 jobs in their midst at a time: same bytes, same cycles as one after the other */
static void test_results(void **state)
{
	struct outcome *alone = calloc(QUEUES, sizeof(*alone));
	struct outcome *together = calloc(QUEUES, sizeof(*together));
	unsigned int overlaps = 0;

	set_reg(bus, ENPU_REG_TIME_SLICE, 1);
	run_all(alone, false);
	run_all(together, true);
	for (unsigned int q = 0; q < QUEUES; q++) {
		assert_memory_equal(alone[q].data, together[q].data, sizeof(alone[q].data));
		assert_int_equal(alone[q].profile.cycles, together[q].profile.cycles);
		assert_int_equal(alone[q].profile.sram_written, together[q].profile.sram_written);
		assert_int_equal(together[q].profile.commands, STEPS);
		for (unsigned int p = 0; p < QUEUES; p++)
			overlaps += together[p].profile.start_ns < together[q].profile.end_ns &&
				    together[p].profile.end_ns > together[q].profile.start_ns;
	}
	/* The test is worth something only if most of them were under way with others */
	assert_true(overlaps > 3 * QUEUES);
	free(alone);
	free(together);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_capability),
		TEST(test_higher_priority),
		TEST(test_last_command),
		TEST(test_lower_priority),
		TEST(test_equals),
		TEST(test_no_slices),
		TEST(test_end_of_the_row),
		TEST(test_priority_changes),
		TEST(test_pause_preempted),
		TEST(test_stop_preempted),
		TEST(test_reset_preempted),
		TEST(test_hang),
		TEST(test_fault_of_another),
		TEST(test_busy),
		TEST(test_results),
	};

	return cmocka_run_group_tests_name("device: preemption", tests, NULL, NULL);
}
