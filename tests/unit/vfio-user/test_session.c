// SPDX-License-Identifier: MIT
/*
 * The protocol: every message in its good and its bad forms, over a socket pair,
 * against a device that is a block of memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/vfio.h>

#include "../../../tools/device/vfio-user/dma.h"
#include "../../../tools/device/vfio-user/irq.h"
#include "../../../tools/device/vfio-user/log.h"
#include "../../../tools/device/vfio-user/session.h"
#include "client.h"

#define PAGE	4096ull
#define MEMORY	1	/* region with memory */
#define CONST	2	/* region that is read only */
#define NUM_REGIONS 4
#define SIZE	8192u
#define READ_WRITE (VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE)

struct fixture {
	struct vu_device device;
	pthread_t thread;
	int server;
	int fd;			/* the client's end */
	bool greeted;		/* what the session returned */
	bool joined;
	atomic_uint resets;
	uint8_t memory[SIZE];
};

static const struct vu_region regions[NUM_REGIONS] = {
	[MEMORY] = { SIZE, READ_WRITE },
	[CONST] = { 16, VFIO_REGION_INFO_FLAG_READ },
};

static int region_read(void *opaque, unsigned int region, uint64_t offset, void *data,
		       uint32_t count)
{
	struct fixture *f = opaque;

	memcpy(data, f->memory + offset, count);
	return 0;
}

static int region_write(void *opaque, unsigned int region, uint64_t offset, const void *data,
			uint32_t count)
{
	struct fixture *f = opaque;

	memcpy(f->memory + offset, data, count);
	return 0;
}

static void reset(void *opaque)
{
	struct fixture *f = opaque;

	f->resets++;
}

static void *server_thread(void *opaque)
{
	struct fixture *f = opaque;

	f->greeted = vu_session_run(&f->device, f->server);
	close(f->server);
	return NULL;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	f->fd = ends[0];
	f->server = ends[1];
	f->device = (struct vu_device){
		.regions = regions,
		.num_regions = NUM_REGIONS,
		.num_irqs = 3,
		.irq_index = VFIO_PCI_MSIX_IRQ_INDEX,
		.irqs = vu_irqs_new(32),
		.dma = vu_dma_new(),
		.opaque = f,
		.region_read = region_read,
		.region_write = region_write,
		.reset = reset,
	};
	vu_irqs_control(f->device.irqs, true, false);
	vu_dma_enable(f->device.dma, true);
	*state = f;
	return pthread_create(&f->thread, NULL, server_thread, f);
}

static void finish(struct fixture *f)
{
	if (!f->joined)
		pthread_join(f->thread, NULL);
	f->joined = true;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	close(f->fd);
	finish(f);
	vu_irqs_free(f->device.irqs);
	vu_dma_free(f->device.dma);
	free(f);
	return 0;
}

static int greeted(void **state)
{
	struct message m = message_version();
	struct fixture *f;

	if (setup(state))
		return -1;
	f = *state;
	return client_call(f->fd, &m, NULL);
}

static int call(struct fixture *f, struct message m)
{
	return client_call(f->fd, &m, NULL);
}

static bool hung_up(struct fixture *f)
{
	struct message reply;

	return !client_receive(f->fd, &reply);
}

static void test_version(void **state)
{
	struct fixture *f = *state;
	struct message m = message_version(), reply;
	struct vu_version version;

	assert_int_equal(client_call(f->fd, &m, &reply), 0);
	/* QEMU drops the connection over a reply that is longer than its request. */
	assert_in_range(reply.length, sizeof(version) + 1, m.length);
	memcpy(&version, reply.payload, sizeof(version));
	assert_int_equal(version.major, 0);
	assert_int_equal(version.minor, 0);
	assert_int_equal(reply.payload[reply.length - 1], 0);
	assert_non_null(strstr((char *)reply.payload + sizeof(version), "\"max_msg_fds\":8"));
	/* Only once */
	assert_int_equal(call(f, m), EINVAL);
	assert_true(hung_up(f));
	finish(f);
	assert_true(f->greeted);
	assert_int_equal(f->resets, 1);
}

static void test_version_without_data(void **state)
{
	struct fixture *f = *state;
	struct vu_version version = { 0, 7 };
	struct message m = message_new(VU_VERSION, &version, sizeof(version)), reply;

	assert_int_equal(client_call(f->fd, &m, &reply), 0);
	assert_int_equal(reply.length, sizeof(version));
	memcpy(&version, reply.payload, sizeof(version));
	assert_int_equal(version.minor, 0);
}

static void test_version_refused(void **state)
{
	struct fixture *f = *state;
	struct vu_version version = { 1, 0 };

	assert_int_equal(call(f, message_new(VU_VERSION, &version, sizeof(version))), EINVAL);
	assert_true(hung_up(f));
	finish(f);
	assert_false(f->greeted);
}

static void test_version_without_end(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(call(f, message_new(VU_VERSION, "\0\0\0\0{}", 6)), EINVAL);
	assert_true(hung_up(f));
}

static void test_version_comes_first(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(call(f, message_new(VU_RESET, NULL, 0)), EINVAL);
	assert_true(hung_up(f));
	finish(f);
	assert_false(f->greeted);
}

static void test_framing(void **state)
{
	static const struct {
		uint32_t size, flags;
	} bad[] = {
		{ 0, 0 }, { 15, 0 }, { 16 + VU_MAX_PAYLOAD + 1, 0 }, { 0xffffffff, 0 },
		{ 16, VU_TYPE_REPLY }, { 16, 7 },
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct message m = message_new(VU_RESET, NULL, 0);
		void *own;

		assert_int_equal(greeted(&own), 0);
		m.header.size = bad[i].size;
		m.header.flags = bad[i].flags;
		client_send(((struct fixture *)own)->fd, &m);
		assert_true(hung_up(own));
		teardown(&own);
	}
}

/* A message in single bytes, and one that never ends */
static void test_partial_messages(void **state)
{
	struct fixture *f = *state;
	struct message m = message_read(CONST, 0, 4), reply;
	uint8_t bytes[sizeof(m.header) + sizeof(struct vu_region_access)];
	size_t i;

	memcpy(bytes, &m.header, sizeof(m.header));
	memcpy(bytes + sizeof(m.header), m.payload, m.length);
	for (i = 0; i < sizeof(bytes); i++)
		assert_int_equal(send(f->fd, bytes + i, 1, MSG_NOSIGNAL), 1);
	assert_true(client_receive(f->fd, &reply));
	assert_int_equal(reply.header.flags, VU_TYPE_REPLY);
	assert_int_equal(send(f->fd, bytes, 20, MSG_NOSIGNAL), 20);
	shutdown(f->fd, SHUT_WR);
	assert_true(hung_up(f));
}

static void test_unknown_commands(void **state)
{
	static const uint16_t unknown[] = {
		0, VU_GET_REGION_IO_FDS, VU_DMA_READ, VU_DMA_WRITE, 14, 15, 16, 18, 19, 0xffff,
	};
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		assert_int_equal(call(f, message_new(unknown[i], "12345678", 8)), ENOSYS);
}

static void test_payload_sizes(void **state)
{
	static const struct {
		uint16_t command;
		uint32_t size;
	} exact[] = {
		{ VU_DMA_MAP, 32 }, { VU_DMA_UNMAP, 24 }, { VU_GET_INFO, 16 },
		{ VU_GET_REGION_INFO, 32 }, { VU_GET_IRQ_INFO, 16 }, { VU_REGION_READ, 16 },
	};
	uint8_t nothing[64] = { 0 };
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < sizeof(exact) / sizeof(exact[0]); i++) {
		assert_int_equal(call(f, message_new(exact[i].command, nothing, 0)), EINVAL);
		assert_int_equal(call(f, message_new(exact[i].command, nothing,
						     exact[i].size - 1)), EINVAL);
		assert_int_equal(call(f, message_new(exact[i].command, nothing,
						     exact[i].size + 1)), EINVAL);
	}
	assert_int_equal(call(f, message_new(VU_RESET, nothing, 1)), EINVAL);
	assert_int_equal(call(f, message_new(VU_SET_IRQS, nothing, 19)), EINVAL);
	assert_int_equal(call(f, message_new(VU_REGION_WRITE, nothing, 15)), EINVAL);
}

static void test_device_info(void **state)
{
	struct fixture *f = *state;
	struct vu_device_info info = { .argsz = sizeof(info) };
	struct message m = message_new(VU_GET_INFO, &info, sizeof(info)), reply;

	assert_int_equal(client_call(f->fd, &m, &reply), 0);
	assert_int_equal(reply.length, sizeof(info));
	memcpy(&info, reply.payload, sizeof(info));
	assert_int_equal(info.argsz, sizeof(info));
	assert_int_equal(info.flags, VFIO_DEVICE_FLAGS_RESET | VFIO_DEVICE_FLAGS_PCI);
	assert_int_equal(info.num_regions, NUM_REGIONS);
	assert_int_equal(info.num_irqs, 3);
	info.argsz = 15;
	assert_int_equal(call(f, message_new(VU_GET_INFO, &info, sizeof(info))), EINVAL);
}

static void test_region_info(void **state)
{
	struct fixture *f = *state;
	uint32_t i;

	for (i = 0; i < NUM_REGIONS; i++) {
		struct vu_region_info info = { .argsz = sizeof(info), .index = i };
		struct message m = message_new(VU_GET_REGION_INFO, &info, sizeof(info)), reply;

		assert_int_equal(client_call(f->fd, &m, &reply), 0);
		memcpy(&info, reply.payload, sizeof(info));
		assert_int_equal(info.index, i);
		assert_int_equal(info.size, regions[i].size);
		assert_int_equal(info.flags, regions[i].flags);
		info.argsz = 31;
		m = message_new(VU_GET_REGION_INFO, &info, sizeof(info));
		assert_int_equal(call(f, m), EINVAL);
	}
	assert_int_equal(call(f, message_new(VU_GET_REGION_INFO, &(struct vu_region_info){
			 .argsz = 32, .index = NUM_REGIONS }, 32)), EINVAL);
	assert_int_equal(call(f, message_new(VU_GET_REGION_INFO, &(struct vu_region_info){
			 .argsz = 32, .index = ~0u }, 32)), EINVAL);
}

static void test_irq_info(void **state)
{
	struct fixture *f = *state;
	uint32_t i;

	for (i = 0; i < 5; i++) {
		struct vu_irq_info info = { .argsz = sizeof(info), .index = i };
		struct message m = message_new(VU_GET_IRQ_INFO, &info, sizeof(info)), reply;

		if (i >= 3) {
			assert_int_equal(client_call(f->fd, &m, &reply), EINVAL);
			continue;
		}
		assert_int_equal(client_call(f->fd, &m, &reply), 0);
		memcpy(&info, reply.payload, sizeof(info));
		assert_int_equal(info.index, i);
		assert_int_equal(info.count, i == VFIO_PCI_MSIX_IRQ_INDEX ? 32 : 0);
		assert_int_equal(!!(info.flags & VFIO_IRQ_INFO_EVENTFD),
				 i == VFIO_PCI_MSIX_IRQ_INDEX);
	}
}

static void test_region_access(void **state)
{
	struct fixture *f = *state;
	struct vu_region_access access;
	struct message m, reply;
	uint8_t big[VU_MAX_TRANSFER + 1] = { 0xa5, 0x5a };

	m = message_write(MEMORY, 40, "sixteen bytes...", 16);
	assert_int_equal(client_call(f->fd, &m, &reply), 0);
	assert_int_equal(reply.length, sizeof(access));
	assert_memory_equal(f->memory + 40, "sixteen bytes...", 16);
	m = message_read(MEMORY, 44, 4);
	assert_int_equal(client_call(f->fd, &m, &reply), 0);
	assert_int_equal(reply.length, sizeof(access) + 4);
	memcpy(&access, reply.payload, sizeof(access));
	assert_int_equal(access.offset, 44);
	assert_int_equal(access.region, MEMORY);
	assert_int_equal(access.count, 4);
	assert_memory_equal(reply.payload + sizeof(access), "een ", 4);

	m = message_write(MEMORY, SIZE - VU_MAX_TRANSFER, big, VU_MAX_TRANSFER);
	assert_int_equal(call(f, m), 0);
	assert_int_equal(f->memory[SIZE - VU_MAX_TRANSFER + 1], 0x5a);
	assert_int_equal(call(f, message_read(MEMORY, 0, VU_MAX_TRANSFER)), 0);
	assert_int_equal(call(f, message_read(CONST, 12, 4)), 0);

	assert_int_equal(call(f, message_read(MEMORY, 0, 0)), EINVAL);
	assert_int_equal(call(f, message_read(MEMORY, 0, VU_MAX_TRANSFER + 1)), EINVAL);
	assert_int_equal(call(f, message_read(MEMORY, 0, ~0u)), EINVAL);
	assert_int_equal(call(f, message_read(MEMORY, SIZE, 1)), EINVAL);
	assert_int_equal(call(f, message_read(MEMORY, SIZE - 3, 4)), EINVAL);
	assert_int_equal(call(f, message_read(MEMORY, ~0ull, 4)), EINVAL);
	assert_int_equal(call(f, message_read(MEMORY, ~0ull - 3, 4)), EINVAL);
	assert_int_equal(call(f, message_read(0, 0, 4)), EINVAL);
	assert_int_equal(call(f, message_read(NUM_REGIONS, 0, 4)), EINVAL);
	assert_int_equal(call(f, message_read(~0u, 0, 4)), EINVAL);
	assert_int_equal(call(f, message_write(CONST, 0, big, 4)), EINVAL);
	assert_int_equal(call(f, message_write(MEMORY, 0, big, 0)), EINVAL);
	/* A count that the message does not have */
	m = message_write(MEMORY, 0, big, 4);
	access = (struct vu_region_access){ 0, MEMORY, 8 };
	memcpy(m.payload, &access, sizeof(access));
	assert_int_equal(call(f, m), EINVAL);
}

/* Posted writes: nothing comes back, whether they work or not. */
static void test_no_reply(void **state)
{
	struct fixture *f = *state;
	struct message m = message_write(MEMORY, 8, "posted", 6), reply;

	m.header.flags |= VU_NO_REPLY;
	client_send(f->fd, &m);
	m = message_write(CONST, 8, "posted", 6);
	m.header.flags |= VU_NO_REPLY;
	client_send(f->fd, &m);
	m = message_new(77, NULL, 0);
	m.header.flags |= VU_NO_REPLY;
	client_send(f->fd, &m);
	m = message_read(MEMORY, 8, 6);
	assert_int_equal(client_call(f->fd, &m, &reply), 0);
	assert_memory_equal(reply.payload + sizeof(struct vu_region_access), "posted", 6);
}

static void test_dma(void **state)
{
	const uint32_t rw = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE;
	struct fixture *f = *state;
	int fd = sealed_memory(4 * PAGE);
	const struct vu_dma_table *table;
	struct message m, reply;
	uint64_t length = 8;

	assert_int_equal(call(f, message_map(0, 4 * PAGE, 0, rw, fd)), 0);
	table = vu_dma_enter(f->device.dma);
	assert_non_null(vu_dma_translate(table, PAGE, &length, true));
	vu_dma_leave(f->device.dma, table);
	assert_int_equal(call(f, message_map(0, PAGE, 0, rw, fd)), EEXIST);
	assert_int_equal(call(f, message_map(4 * PAGE, PAGE, 0, 0, fd)), EINVAL);
	m = message_map(4 * PAGE, PAGE, 0, VFIO_DMA_MAP_FLAG_WRITE, fd);
	assert_int_equal(call(f, m), EINVAL);
	assert_int_equal(call(f, message_map(4 * PAGE, PAGE, 0, rw | 8, fd)), EINVAL);
	assert_int_equal(call(f, message_map(4 * PAGE, PAGE, PAGE * 4, rw, fd)), EINVAL);
	/* Not shared: RAM is refused, ROM is taken but cannot be reached. */
	assert_int_equal(call(f, message_map(4 * PAGE, PAGE, 0, rw, -1)), EPERM);
	assert_int_equal(call(f, message_map(4 * PAGE, PAGE, 0, VFIO_DMA_MAP_FLAG_READ, -1)), 0);
	m = message_map(8 * PAGE, PAGE, 0, rw, fd);
	m.fds[m.num_fds++] = fd;
	assert_int_equal(call(f, m), EINVAL);
	m = message_map(8 * PAGE, PAGE, 0, rw, fd);
	m.payload[0] = 31;
	assert_int_equal(call(f, m), EINVAL);

	m = message_unmap(0, 4 * PAGE, 0);
	assert_int_equal(client_call(f->fd, &m, &reply), 0);
	assert_int_equal(reply.length, m.length);
	assert_memory_equal(reply.payload, m.payload, m.length);
	table = vu_dma_enter(f->device.dma);
	assert_null(vu_dma_translate(table, PAGE, &length, false));
	vu_dma_leave(f->device.dma, table);
	/* Behind a virtual IOMMU clients take back what they never gave. */
	assert_int_equal(call(f, message_unmap(0, 4 * PAGE, 0)), 0);
	assert_int_equal(call(f, message_unmap(3 * PAGE + 1, PAGE, 0)), EINVAL);
	assert_int_equal(call(f, message_unmap(0, 4 * PAGE, 1)), EINVAL);
	assert_int_equal(call(f, message_unmap(0, PAGE, VFIO_DMA_UNMAP_FLAG_ALL)), EINVAL);
	assert_int_equal(call(f, message_unmap(0, 0, VFIO_DMA_UNMAP_FLAG_ALL)), 0);
	assert_int_equal(call(f, message_map(4 * PAGE, PAGE, 0, rw, fd)), 0);
	close(fd);
}

static uint64_t signals(int fd)
{
	uint64_t n = 0;

	if (read(fd, &n, sizeof(n)) < 0)
		assert_int_equal(errno, EAGAIN);
	return n;
}

static void test_irqs(void **state)
{
	const uint32_t msix = VFIO_PCI_MSIX_IRQ_INDEX;
	const uint32_t bind = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
	const uint32_t mask = VFIO_IRQ_SET_ACTION_MASK, unmask = VFIO_IRQ_SET_ACTION_UNMASK;
	const uint32_t trigger = VFIO_IRQ_SET_ACTION_TRIGGER;
	const uint32_t none = VFIO_IRQ_SET_DATA_NONE, boolean = VFIO_IRQ_SET_DATA_BOOL;
	struct fixture *f = *state;
	struct message m;
	int a = eventfd(0, EFD_NONBLOCK), b = eventfd(0, EFD_NONBLOCK);

	m = message_irqs(bind, msix, 30, 2);
	m.fds[m.num_fds++] = a;
	m.fds[m.num_fds++] = b;
	assert_int_equal(call(f, m), 0);
	vu_irqs_raise(f->device.irqs, 31);
	assert_int_equal(signals(a), 0);
	assert_int_equal(signals(b), 1);
	assert_int_equal(call(f, message_irqs(none | trigger, msix, 30, 2)), 0);
	assert_int_equal(signals(a), 1);
	assert_int_equal(signals(b), 1);

	m = message_irqs(boolean | mask, msix, 30, 2);
	m.payload[m.length++] = 0;
	m.payload[m.length++] = 1;
	m.header.size += 2;
	assert_int_equal(call(f, m), 0);
	vu_irqs_raise(f->device.irqs, 30);
	vu_irqs_raise(f->device.irqs, 31);
	assert_int_equal(signals(a), 1);
	assert_int_equal(signals(b), 0);
	assert_int_equal(call(f, message_irqs(none | unmask, msix, 31, 1)), 0);
	assert_int_equal(signals(b), 1);

	/* Fewer descriptors than vectors, more, none where some are, out of range, odd flags */
	m = message_irqs(bind, msix, 0, 2);
	m.fds[m.num_fds++] = a;
	assert_int_equal(call(f, m), EINVAL);
	m = message_irqs(bind, msix, 0, 1);
	m.fds[m.num_fds++] = a;
	m.fds[m.num_fds++] = b;
	assert_int_equal(call(f, m), EINVAL);
	m = message_irqs(none | trigger, msix, 0, 1);
	m.fds[m.num_fds++] = a;
	assert_int_equal(call(f, m), EINVAL);
	assert_int_equal(call(f, message_irqs(none | trigger, msix, 32, 1)), EINVAL);
	assert_int_equal(call(f, message_irqs(none | trigger, msix, 1, 32)), EINVAL);
	assert_int_equal(call(f, message_irqs(none | trigger, msix, ~0u, 2)), EINVAL);
	assert_int_equal(call(f, message_irqs(none | trigger, msix, 1, ~0u)), EINVAL);
	assert_int_equal(call(f, message_irqs(none | mask, msix, 0, 0)), EINVAL);
	assert_int_equal(call(f, message_irqs(boolean | mask, msix, 0, 1)), EINVAL);
	assert_int_equal(call(f, message_irqs(none | trigger, 0, 0, 1)), EINVAL);
	assert_int_equal(call(f, message_irqs(none | trigger, 3, 0, 0)), EINVAL);
	assert_int_equal(call(f, message_irqs(none | mask | unmask, msix, 0, 1)), EINVAL);
	assert_int_equal(call(f, message_irqs(none | boolean | mask, msix, 0, 1)), EINVAL);
	assert_int_equal(call(f, message_irqs(none, msix, 0, 1)), EINVAL);
	assert_int_equal(call(f, message_irqs(trigger, msix, 0, 1)), EINVAL);
	assert_int_equal(call(f, message_irqs(none | trigger | 64, msix, 0, 1)), EINVAL);
	m = message_irqs(VFIO_IRQ_SET_DATA_EVENTFD | mask, msix, 0, 1);
	m.fds[m.num_fds++] = a;
	assert_int_equal(call(f, m), ENOTSUP);

	/* Taken away: one, then all */
	assert_int_equal(call(f, message_irqs(bind, msix, 30, 1)), 0);
	vu_irqs_raise(f->device.irqs, 30);
	vu_irqs_raise(f->device.irqs, 31);
	assert_int_equal(signals(a), 0);
	assert_int_equal(signals(b), 1);
	assert_int_equal(call(f, message_irqs(none | trigger, msix, 0, 0)), 0);
	vu_irqs_raise(f->device.irqs, 31);
	assert_int_equal(signals(b), 0);
	assert_int_equal(call(f, message_irqs(none | trigger, VFIO_PCI_INTX_IRQ_INDEX, 0, 0)), 0);
	close(a);
	close(b);
}

static unsigned int open_descriptors(void)
{
	unsigned int n = 0;
	int fd;

	for (fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* Descriptors that nobody asked for are closed; too many of them end the connection. */
static void test_stray_descriptors(void **state)
{
	struct fixture *f = *state;
	unsigned int before = open_descriptors(), i;
	struct message m;
	int fd = eventfd(0, 0);

	for (i = 0; i < 8; i++) {
		m = message_new(VU_RESET, NULL, 0);
		m.fds[m.num_fds++] = fd;
		assert_int_equal(call(f, m), EINVAL);
	}
	m = message_new(99, NULL, 0);
	for (i = 0; i < VU_MAX_FDS; i++)
		m.fds[m.num_fds++] = fd;
	assert_int_equal(call(f, m), ENOSYS);
	assert_int_equal(open_descriptors(), before + 1);
	m = message_irqs(VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
			 VFIO_PCI_MSIX_IRQ_INDEX, 0, 9);
	for (i = 0; i < 9; i++)
		m.fds[m.num_fds++] = fd;
	client_send(f->fd, &m);
	assert_true(hung_up(f));
	finish(f);
	assert_int_equal(open_descriptors(), before);	/* fd came, the server's end went */
	close(fd);
}

static void test_reset(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(call(f, message_new(VU_RESET, NULL, 0)), 0);
	assert_int_equal(f->resets, 1);
}

/* Nothing of a client outlives it. */
static void test_client_goes(void **state)
{
	struct fixture *f = *state;
	const struct vu_dma_table *table;
	uint64_t length = 1;
	int fd = sealed_memory(PAGE), event = eventfd(0, EFD_NONBLOCK);
	struct message m = message_irqs(VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
					VFIO_PCI_MSIX_IRQ_INDEX, 0, 1);

	m.fds[m.num_fds++] = event;
	assert_int_equal(call(f, m), 0);
	assert_int_equal(call(f, message_map(0, PAGE, 0, VFIO_DMA_MAP_FLAG_READ, fd)), 0);
	shutdown(f->fd, SHUT_RDWR);
	finish(f);
	assert_true(f->greeted);
	assert_int_equal(f->resets, 1);
	vu_irqs_raise(f->device.irqs, 0);
	assert_int_equal(signals(event), 0);
	table = vu_dma_enter(f->device.dma);
	assert_null(vu_dma_translate(table, 0, &length, false));
	vu_dma_leave(f->device.dma, table);
	close(fd);
	close(event);
}

#define AT_START(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define GREETED(f) cmocka_unit_test_setup_teardown(f, greeted, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		AT_START(test_version),
		AT_START(test_version_without_data),
		AT_START(test_version_refused),
		AT_START(test_version_without_end),
		AT_START(test_version_comes_first),
		cmocka_unit_test(test_framing),
		GREETED(test_partial_messages),
		GREETED(test_unknown_commands),
		GREETED(test_payload_sizes),
		GREETED(test_device_info),
		GREETED(test_region_info),
		GREETED(test_irq_info),
		GREETED(test_region_access),
		GREETED(test_no_reply),
		GREETED(test_dma),
		GREETED(test_irqs),
		GREETED(test_stray_descriptors),
		GREETED(test_reset),
		GREETED(test_client_goes),
	};

	alarm(120);
	log_set_level(LOG_NONE);	/* complaints are expected */
	return cmocka_run_group_tests_name("vfio-user: session", tests, NULL, NULL);
}
