// SPDX-License-Identifier: MIT
/*
 * The server with the real core, driven as a guest's driver would, through nothing
 * but messages and shared memory: identity, a job with its interrupt, a job whose
 * memory was taken away, and a hung job under reset and under a client that leaves.
 */
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "../../../tools/device/core/enpu_device.h"
#include "../../../tools/device/vfio-user/function.h"
#include "../../../tools/device/vfio-user/session.h"
#include "client.h"
#include "enpu/cmd.h"
#include "enpu/regs.h"

#define PAGE		4096ull
#define CONFIG		VFIO_PCI_CONFIG_REGION_INDEX
#define MSIX_FLAGS	(0x90 + PCI_MSIX_FLAGS)
#define DEVCTL		(0x50 + PCI_EXP_DEVCTL)
#define QUEUE		5u
#define VECTOR		7u
#define RING_ORDER	2u
#define TIMEOUT_MS	20000

/* Guest pages, at their own bus address; the last two are a DMA range of their own. */
enum page { ROOT, TABLE, LEAF, RING, STATUS, JOB, SOURCE, TARGET, NUM_PAGES };

#define DATA_START	(SOURCE * PAGE)
#define REGIONS_OFFSET	1024	/* of the region table in JOB */
#define VA(page)	((page) * PAGE)

struct fixture {
	struct enpu_function *function;
	pthread_t thread;
	int server, fd, event;
	bool connected;
	uint32_t producer;
	uint8_t *memory;
	int memory_fd;
};

static void *server_thread(void *opaque)
{
	struct fixture *f = opaque;

	vu_session_run(enpu_function_device(f->function), f->server);
	close(f->server);
	return NULL;
}

static void call(struct fixture *f, struct message m)
{
	assert_int_equal(client_call(f->fd, &m, NULL), 0);
}

static void wr(struct fixture *f, uint32_t region, uint64_t offset, uint32_t value, uint32_t size)
{
	call(f, message_write(region, offset, &value, size));
}

static uint32_t rd(struct fixture *f, uint64_t offset)
{
	struct message m = message_read(ENPU_BAR_REGS, offset, 4), reply;
	uint32_t value;

	assert_int_equal(client_call(f->fd, &m, &reply), 0);
	memcpy(&value, reply.payload + sizeof(struct vu_region_access), sizeof(value));
	return value;
}

static void map_memory(struct fixture *f)
{
	const uint32_t rw = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE;

	call(f, message_map(0, DATA_START, 0, rw, f->memory_fd));
	call(f, message_map(DATA_START, 2 * PAGE, DATA_START, rw, f->memory_fd));
}

/* What a driver does when it probes */
static void start_function(struct fixture *f)
{
	wr(f, CONFIG, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
	wr(f, CONFIG, MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, 2);
	assert_int_equal(rd(f, ENPU_REG_MAGIC), ENPU_MAGIC);
	assert_int_equal(rd(f, ENPU_REG_STATUS), ENPU_STATUS_READY);
}

static void attach(struct fixture *f)
{
	struct message m;
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	f->fd = ends[0];
	f->server = ends[1];
	assert_int_equal(pthread_create(&f->thread, NULL, server_thread, f), 0);
	f->connected = true;
	call(f, message_version());
	map_memory(f);
	m = message_irqs(VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
			 VFIO_PCI_MSIX_IRQ_INDEX, VECTOR, 1);
	m.fds[m.num_fds++] = f->event;
	call(f, m);
	start_function(f);
}

static void detach(struct fixture *f)
{
	close(f->fd);
	pthread_join(f->thread, NULL);
	f->connected = false;
}

static uint64_t *entries(struct fixture *f, enum page page)
{
	return (uint64_t *)(f->memory + page * PAGE);
}

/* One leaf table: virtual addresses are bus addresses. */
static void start_queue(struct fixture *f)
{
	uint32_t base = ENPU_REG_QUEUE(QUEUE);
	unsigned int i;

	memset(f->memory, 0, NUM_PAGES * PAGE);
	entries(f, ROOT)[0] = TABLE * PAGE | ENPU_PTE_VALID;
	entries(f, TABLE)[0] = LEAF * PAGE | ENPU_PTE_VALID;
	for (i = JOB; i < NUM_PAGES; i++)
		entries(f, LEAF)[i] = i * PAGE | ENPU_PTE_VALID | ENPU_PTE_WRITE;
	f->producer = 0;

	wr(f, ENPU_BAR_REGS, ENPU_REG_VM_ROOT_HI(1), 0, 4);
	wr(f, ENPU_BAR_REGS, ENPU_REG_VM_ROOT_LO(1), ROOT * PAGE | ENPU_VM_ROOT_VALID, 4);
	wr(f, ENPU_BAR_REGS, base + ENPU_QUEUE_RING_LO, RING * PAGE, 4);
	wr(f, ENPU_BAR_REGS, base + ENPU_QUEUE_RING_ORDER, RING_ORDER, 4);
	wr(f, ENPU_BAR_REGS, base + ENPU_QUEUE_STATUS_LO, STATUS * PAGE, 4);
	wr(f, ENPU_BAR_REGS, base + ENPU_QUEUE_VM, 1, 4);
	wr(f, ENPU_BAR_REGS, base + ENPU_QUEUE_PRIORITY, ENPU_PRIORITY_NORMAL, 4);
	wr(f, ENPU_BAR_REGS, base + ENPU_QUEUE_VECTOR, VECTOR, 4);
	wr(f, ENPU_BAR_REGS, base + ENPU_QUEUE_CTRL, ENPU_QUEUE_CTRL_ENABLE, 4);
}

/* Copy 64 bytes from SOURCE to TARGET; the doorbell is posted, as a guest's is. */
static void submit(struct fixture *f)
{
	struct enpu_cmd_dma copy = {
		.cmd = {
			.opcode = ENPU_OP_DMA_COPY,
			.engine = ENPU_ENGINE_DMA0,
			.size = sizeof(copy),
		},
		.src = { .region = 0 },
		.dst = { .region = 1 },
		.length = 64,
		.count = { 1, 1, 1, 1 },
	};
	struct enpu_region regions[2] = { { VA(SOURCE), PAGE }, { VA(TARGET), PAGE } };
	struct enpu_job job = {
		.stream_va = VA(JOB),
		.stream_size = sizeof(copy),
		.flags = ENPU_JOB_IRQ,
		.regions_va = VA(JOB) + REGIONS_OFFSET,
		.num_regions = 2,
	};
	struct message m;

	memset(f->memory + SOURCE * PAGE, 0xa5, 64);
	memset(f->memory + TARGET * PAGE, 0, 64);
	memcpy(f->memory + JOB * PAGE, &copy, sizeof(copy));
	memcpy(f->memory + JOB * PAGE + REGIONS_OFFSET, regions, sizeof(regions));
	memcpy(f->memory + RING * PAGE + (f->producer % (1u << RING_ORDER)) * sizeof(job), &job,
	       sizeof(job));
	f->producer++;
	m = message_write(ENPU_BAR_REGS, ENPU_DOORBELL_OFFSET + QUEUE * ENPU_DOORBELL_STRIDE,
			  &f->producer, 4);
	m.header.flags |= VU_NO_REPLY;
	client_send(f->fd, &m);
}

static bool interrupted(struct fixture *f, int timeout_ms)
{
	struct pollfd pfd = { .fd = f->event, .events = POLLIN };
	eventfd_t n;

	return poll(&pfd, 1, timeout_ms) == 1 && eventfd_read(f->event, &n) == 0;
}

static const struct enpu_queue_status *status(struct fixture *f)
{
	atomic_thread_fence(memory_order_acquire);
	return (const struct enpu_queue_status *)(f->memory + STATUS * PAGE);
}

static void assert_job_runs(struct fixture *f)
{
	uint64_t before = status(f)->completed;

	submit(f);
	assert_true(interrupted(f, TIMEOUT_MS));
	assert_int_equal(status(f)->completed, before + 1);
	assert_memory_equal(f->memory + TARGET * PAGE, f->memory + SOURCE * PAGE, 64);
}

static void wait_for_state(struct fixture *f, enum enpu_queue_state state)
{
	int ms;

	for (ms = 0; ms < TIMEOUT_MS; ms++) {
		if (rd(f, ENPU_REG_QUEUE(QUEUE) + ENPU_QUEUE_STATE) == state)
			return;
		usleep(1000);
	}
	fail_msg("queue does not reach state %d", state);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->function = enpu_function_new(enpu_config_at(0));
	f->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	f->memory_fd = sealed_memory(NUM_PAGES * PAGE);
	f->memory = mmap(NULL, NUM_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, f->memory_fd,
			 0);
	*state = f;
	if (!f->function || f->memory == MAP_FAILED)
		return -1;
	attach(f);
	start_queue(f);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (f->connected)
		detach(f);
	enpu_function_free(f->function);
	munmap(f->memory, NUM_PAGES * PAGE);
	close(f->memory_fd);
	close(f->event);
	free(f);
	return 0;
}

static void test_jobs(void **state)
{
	unsigned int i;

	for (i = 0; i < 20; i++)
		assert_job_runs(*state);
}

static void test_memory_taken_away(void **state)
{
	struct fixture *f = *state;

	assert_job_runs(f);
	call(f, message_unmap(DATA_START, 2 * PAGE, 0));
	submit(f);
	wait_for_state(f, ENPU_QUEUE_HALTED);
	assert_int_equal(status(f)->state, ENPU_QUEUE_HALTED);
	assert_int_equal(status(f)->fault_cause, ENPU_FAULT_BUS);
	assert_int_equal(status(f)->fault_addr, SOURCE * PAGE);
	assert_int_equal(status(f)->completed, 1);
}

static void test_bus_master_off(void **state)
{
	struct fixture *f = *state;

	assert_job_runs(f);
	wr(f, CONFIG, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	submit(f);
	wait_for_state(f, ENPU_QUEUE_HALTED);
	assert_int_equal(f->memory[TARGET * PAGE], 0);
	assert_int_equal(status(f)->completed, 1);
	assert_false(interrupted(f, 0));
}

static void test_hang_and_function_level_reset(void **state)
{
	struct fixture *f = *state;

	enpu_device_inject(enpu_function_core(f->function), ENPU_INJECT_HANG, 1);
	submit(f);
	wait_for_state(f, ENPU_QUEUE_RUNNING);
	assert_false(interrupted(f, 50));
	/* Memory can be taken from a hung job. */
	call(f, message_unmap(DATA_START, 2 * PAGE, 0));
	wr(f, CONFIG, DEVCTL, PCI_EXP_DEVCTL_BCR_FLR, 2);
	call(f, message_unmap(0, 0, VFIO_DMA_UNMAP_FLAG_ALL));
	map_memory(f);
	start_function(f);
	start_queue(f);
	assert_job_runs(f);
}

static void test_hang_and_client_goes(void **state)
{
	struct fixture *f = *state;

	enpu_device_inject(enpu_function_core(f->function), ENPU_INJECT_HANG, 1);
	submit(f);
	wait_for_state(f, ENPU_QUEUE_RUNNING);
	detach(f);
	attach(f);
	start_queue(f);
	assert_job_runs(f);
}

/* A client that goes with work in flight: nothing touches its memory any more. */
static void test_client_goes_while_working(void **state)
{
	struct fixture *f = *state;
	unsigned int i;

	for (i = 0; i < 50; i++) {
		submit(f);
		detach(f);
		memset(f->memory, 0, NUM_PAGES * PAGE);
		attach(f);
		interrupted(f, 0);
		start_queue(f);
		assert_job_runs(f);
	}
}

#define DEVICE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DEVICE_TEST(test_jobs),
		DEVICE_TEST(test_memory_taken_away),
		DEVICE_TEST(test_bus_master_off),
		DEVICE_TEST(test_hang_and_function_level_reset),
		DEVICE_TEST(test_hang_and_client_goes),
		DEVICE_TEST(test_client_goes_while_working),
	};

	alarm(300);
	return cmocka_run_group_tests_name("vfio-user: device", tests, NULL, NULL);
}
