// SPDX-License-Identifier: MIT
/*
 * A hostile client: a session as QEMU and a driver hold it, with one to three
 * things broken in each run. Whatever comes, the server gives well-formed replies
 * or hangs up, keeps none of the descriptors, and serves the next client.
 *
 * VU_MUTATIONS and VU_SEED in the environment change number and seed; a failing
 * run is repeated by seed + run with a number of 1.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "../../../tools/device/vfio-user/function.h"
#include "../../../tools/device/vfio-user/log.h"
#include "../../../tools/device/vfio-user/session.h"
#include "client.h"
#include "enpu/regs.h"
#include "fake_core.h"

#define PAGE		4096ull
#define MEMORY		(64 * PAGE)
#define MAX_MESSAGES	64
#define CONFIG		VFIO_PCI_CONFIG_REGION_INDEX

struct session_text {
	struct message messages[MAX_MESSAGES];
	unsigned int count;
};

/* Descriptors to pass: what belongs there first, then what does not */
enum { FD_MEMORY, FD_EVENT, FD_UNSEALED, FD_PIPE, FD_FILE, NUM_FDS };

static int fds[NUM_FDS];
static struct session_text recorded;
static struct enpu_function *function;

/* xorshift64*: the same numbers everywhere */
static uint64_t random_state;

static uint32_t random_below(uint32_t limit)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)((random_state * 0x2545f4914f6cdd1dull >> 32) % limit);
}

static void add(struct message m)
{
	assert_true(recorded.count < MAX_MESSAGES);
	recorded.messages[recorded.count++] = m;
}

static void add_write(uint32_t region, uint64_t offset, uint32_t value, uint32_t size)
{
	add(message_write(region, offset, &value, size));
}

static void add_info(uint16_t command, uint32_t index)
{
	struct vu_region_info info = { .argsz = sizeof(info), .index = index };

	if (command == VU_GET_REGION_INFO) {
		add(message_new(command, &info, sizeof(info)));
		return;
	}
	info.argsz = 16;
	add(message_new(command, &info, 16));
}

static void record(void)
{
	const uint32_t rw = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE;
	const uint32_t bind = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
	const uint32_t msix = VFIO_PCI_MSIX_IRQ_INDEX;
	struct message m;
	uint32_t i;

	add(message_version());
	add(message_map(0, 16 * PAGE, 0, rw, fds[FD_MEMORY]));
	add(message_map(0xfffc0000, 64 * PAGE, 0, VFIO_DMA_MAP_FLAG_READ, -1));
	add_info(VU_GET_INFO, 0);
	for (i = 0; i < VFIO_PCI_NUM_REGIONS; i++)
		add_info(VU_GET_REGION_INFO, i);
	for (i = 0; i <= msix; i++)
		add_info(VU_GET_IRQ_INFO, i);
	add(message_read(CONFIG, 0, 4096));
	add(message_new(VU_RESET, NULL, 0));
	add_write(CONFIG, PCI_BASE_ADDRESS_0, 0xffffffff, 4);
	add(message_read(CONFIG, PCI_BASE_ADDRESS_0, 4));
	add_write(CONFIG, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
	add_write(CONFIG, 0x90 + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, 2);
	m = message_irqs(bind, msix, 0, 8);
	while (m.num_fds < 8)
		m.fds[m.num_fds++] = fds[FD_EVENT];
	add(m);
	add(message_irqs(bind, msix, 4, 2));
	add(message_irqs(VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_MASK, msix, 1, 2));
	add(message_irqs(VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_UNMASK, msix, 1, 1));
	add(message_irqs(VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER, msix, 0, 8));
	m = message_irqs(VFIO_IRQ_SET_DATA_BOOL | VFIO_IRQ_SET_ACTION_TRIGGER, msix, 0, 4);
	memcpy(m.payload + m.length, "\1\0\1\1", 4);
	m.length += 4;
	m.header.size += 4;
	add(m);
	add(message_map(32 * PAGE, 16 * PAGE, 16 * PAGE, VFIO_DMA_MAP_FLAG_READ, fds[FD_MEMORY]));
	for (i = 0; i < 4; i++) {
		m = message_write(ENPU_BAR_REGS, ENPU_DOORBELL_OFFSET + i * ENPU_DOORBELL_STRIDE,
				  &i, 4);
		m.header.flags |= VU_NO_REPLY;
		add(m);
	}
	add_write(ENPU_BAR_REGS, ENPU_REG_EVENT_ENABLE, 3, 4);
	add(message_read(ENPU_BAR_REGS, ENPU_REG_MAGIC, 4));
	add(message_read(ENPU_BAR_MSIX, 0x800, 8));
	add_write(ENPU_BAR_MSIX, 0, 0xfee00000, 4);
	add(message_unmap(32 * PAGE, 16 * PAGE, 0));
	add_write(CONFIG, 0x50 + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR, 2);
	add(message_irqs(VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER, msix, 0, 0));
	add(message_unmap(0, 0, VFIO_DMA_UNMAP_FLAG_ALL));
	add(message_new(VU_RESET, NULL, 0));
}

static uint64_t interesting(void)
{
	static const uint64_t values[] = {
		0, 1, 2, 3, 4, 7, 8, 15, 16, 17, 20, 31, 32, 33, 48, 255, 256, 4095, 4096, 4097,
		4128, 4129, 0x7fff, 0xffff, 0x10000, 0x7fffff, 0x800000, 0x7fffffff, 0x80000000,
		0xfffff000, 0xffffffff, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000,
		0xfffffffffffff000, 0xffffffffffffffff,
	};

	return values[random_below(sizeof(values) / sizeof(values[0]))];
}

/* Header or payload, as the bytes that go out */
static uint8_t *byte_of(struct message *m, uint32_t at)
{
	return at < sizeof(m->header) ? (uint8_t *)&m->header + at :
					m->payload + (at - sizeof(m->header));
}

static void mutate_field(struct message *m)
{
	static const uint32_t sizes[] = { 1, 2, 4, 4, 8 };
	uint32_t size = sizes[random_below(5)];
	uint32_t total = (uint32_t)sizeof(m->header) + m->length;
	uint32_t at = random_below(total) / size * size;
	uint64_t value = interesting();
	uint32_t i;

	for (i = 0; i < size && at + i < total; i++)
		*byte_of(m, at + i) = (uint8_t)(value >> (8 * i));
}

static void mutate_bit(struct message *m)
{
	uint32_t at = random_below((uint32_t)sizeof(m->header) + m->length);

	*byte_of(m, at) ^= (uint8_t)(1u << random_below(8));
}

/* Another length, that the header tells or not */
static void mutate_length(struct message *m)
{
	uint32_t length = random_below(2) ? random_below(m->length + 1) :
					    m->length + random_below(40);

	if (length > sizeof(m->payload))
		length = sizeof(m->payload);
	m->length = length;
	if (random_below(4))
		m->header.size = (uint32_t)sizeof(m->header) + length;
}

static void mutate_fds(struct message *m)
{
	unsigned int i;

	if (random_below(2))
		m->num_fds = random_below(17);
	for (i = 0; i < m->num_fds; i++)
		if (!m->fds[i] || random_below(2))
			m->fds[i] = fds[random_below(NUM_FDS)];
}

static void mutate_order(struct session_text *text)
{
	unsigned int a = random_below(text->count), b = random_below(text->count);
	struct message m = text->messages[a];

	if (random_below(2)) {
		text->messages[a] = text->messages[b];
		text->messages[b] = m;
	} else {
		memmove(&text->messages[a], &text->messages[a + 1],
			(text->count - a - 1) * sizeof(m));
		text->count--;
	}
}

static void mutate(struct session_text *text)
{
	static void (*const kinds[])(struct message *) = {
		mutate_field, mutate_field, mutate_field, mutate_bit, mutate_length, mutate_fds,
	};
	unsigned int n = 1 + random_below(3);

	while (n--) {
		struct message *m = &text->messages[random_below(text->count)];

		if (random_below(8))
			kinds[random_below(6)](m);
		else
			mutate_order(text);
	}
}

/* All of it at once, then the server, then its replies: number, and how many are errors. */
static unsigned int run_session(const struct session_text *text, unsigned int *errors)
{
	struct message reply;
	unsigned int replies = 0, i;
	int ends[2];

	*errors = 0;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	for (i = 0; i < text->count; i++)
		client_send(ends[0], &text->messages[i]);
	shutdown(ends[0], SHUT_WR);
	vu_session_run(enpu_function_device(function), ends[1]);
	close(ends[1]);
	while (client_receive(ends[0], &reply)) {
		replies++;
		*errors += !!(reply.header.flags & VU_ERROR);
	}
	close(ends[0]);
	return replies;
}

static void assert_good_session(void)
{
	unsigned int errors, expected = 0, i;

	for (i = 0; i < recorded.count; i++)
		expected += !(recorded.messages[i].header.flags & VU_NO_REPLY);
	assert_int_equal(run_session(&recorded, &errors), expected);
	assert_int_equal(errors, 0);
}

static unsigned int open_descriptors(void)
{
	unsigned int n = 0;
	int fd;

	for (fd = 0; fd < 128; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static uint64_t setting(const char *name, uint64_t fallback)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : fallback;
}

static int setup(void **state)
{
	int ends[2];

	fds[FD_MEMORY] = sealed_memory(MEMORY);
	fds[FD_EVENT] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	fds[FD_UNSEALED] = memfd_create("unsealed", MFD_CLOEXEC);
	fds[FD_FILE] = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (pipe(ends))
		return -1;
	fds[FD_PIPE] = ends[1];
	function = enpu_function_new(enpu_config_at(0));
	record();
	return 0;
}

static int teardown(void **state)
{
	enpu_function_free(function);
	return 0;
}

static void test_mutations(void **state)
{
	static struct session_text text;
	uint64_t seed = setting("VU_SEED", 20240229), count = setting("VU_MUTATIONS", 10000);
	unsigned int errors, before, broken = 0;
	uint64_t run;

	assert_good_session();
	before = open_descriptors();
	for (run = 0; run < count; run++) {
		random_state = (seed + run) * 0x9e3779b97f4a7c15ull | 1;
		memcpy(&text, &recorded, sizeof(text));
		mutate(&text);
		alarm(20);
		run_session(&text, &errors);
		broken += errors > 0;
		if (open_descriptors() != before)
			fail_msg("descriptors leak: VU_SEED=%" PRIu64 " VU_MUTATIONS=1",
				 seed + run);
		if (run % 500 == 0)
			assert_good_session();
	}
	alarm(20);
	assert_good_session();
	print_message("%" PRIu64 " sessions, %u with error replies\n", count, broken);
	/* The mutations must bite. */
	if (count >= 1000)
		assert_true(broken > count / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_mutations, setup, teardown),
	};

	log_set_level(LOG_NONE);	/* complaints are expected */
	return cmocka_run_group_tests_name("vfio-user: mutations", tests, NULL, NULL);
}
