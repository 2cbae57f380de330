// SPDX-License-Identifier: MIT
/*
 * A vfio-user client for tests: see client.h.
 */
#include "client.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/vfio.h>

struct message message_new(uint16_t command, const void *payload, uint32_t length)
{
	static uint16_t id;
	struct message m = { .length = length };

	assert_true(length <= sizeof(m.payload));
	id++;
	m.header = (struct vu_header){
		.id = id,
		.command = command,
		.size = (uint32_t)sizeof(m.header) + length,
	};
	if (length)
		memcpy(m.payload, payload, length);
	return m;
}

struct message message_version(void)
{
	/* As long as QEMU's, so that the reply has room for capabilities */
	static const char json[] =
		"{\"capabilities\": {\"migration\": {\"max_bitmap_size\": 268435456, "
		"\"pgsize\": 4096}, \"max_msg_fds\": 16, \"max_data_xfer_size\": 1048576, "
		"\"pgsizes\": 4096, \"max_dma_maps\": 65535, \"write_multiple\": true}}";
	uint8_t payload[sizeof(struct vu_version) + sizeof(json)] = { 0 };

	memcpy(payload + sizeof(struct vu_version), json, sizeof(json));
	return message_new(VU_VERSION, payload, sizeof(payload));
}

struct message message_map(uint64_t address, uint64_t size, uint64_t offset, uint32_t flags,
			   int fd)
{
	struct vu_dma_map map = {
		.argsz = sizeof(map),
		.flags = flags,
		.offset = offset,
		.address = address,
		.size = size,
	};
	struct message m = message_new(VU_DMA_MAP, &map, sizeof(map));

	if (fd >= 0)
		m.fds[m.num_fds++] = fd;
	return m;
}

struct message message_unmap(uint64_t address, uint64_t size, uint32_t flags)
{
	struct vu_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.flags = flags,
		.address = address,
		.size = size,
	};

	return message_new(VU_DMA_UNMAP, &unmap, sizeof(unmap));
}

struct message message_read(uint32_t region, uint64_t offset, uint32_t count)
{
	struct vu_region_access access = { offset, region, count };

	return message_new(VU_REGION_READ, &access, sizeof(access));
}

struct message message_write(uint32_t region, uint64_t offset, const void *data, uint32_t count)
{
	struct vu_region_access access = { offset, region, count };
	struct message m = message_new(VU_REGION_WRITE, &access, sizeof(access));

	memcpy(m.payload + m.length, data, count);
	m.length += count;
	m.header.size += count;
	return m;
}

struct message message_irqs(uint32_t flags, uint32_t index, uint32_t start, uint32_t count)
{
	struct vu_irq_set set = {
		.argsz = sizeof(set),
		.flags = flags,
		.index = index,
		.start = start,
		.count = count,
	};

	return message_new(VU_SET_IRQS, &set, sizeof(set));
}

void client_send(int fd, const struct message *m)
{
	char control[CMSG_SPACE(sizeof(m->fds))] __attribute__((aligned(8)));
	uint8_t bytes[sizeof(m->header) + sizeof(m->payload)];
	struct iovec iov = { bytes, sizeof(m->header) + m->length };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	memcpy(bytes, &m->header, sizeof(m->header));
	memcpy(bytes + sizeof(m->header), m->payload, m->length);
	if (m->num_fds) {
		struct cmsghdr *cmsg;

		memset(control, 0, sizeof(control));
		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(m->num_fds * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(m->num_fds * sizeof(int));
		memcpy(CMSG_DATA(cmsg), m->fds, m->num_fds * sizeof(int));
	}
	/* A server that has hung up already is for the receiver to notice. */
	if (sendmsg(fd, &msg, MSG_NOSIGNAL) < 0)
		return;
}

static bool receive_all(int fd, void *data, size_t length)
{
	return !length || recv(fd, data, length, MSG_WAITALL) == (ssize_t)length;
}

bool client_receive(int fd, struct message *reply)
{
	memset(reply, 0, sizeof(*reply));
	if (!receive_all(fd, &reply->header, sizeof(reply->header)))
		return false;
	assert_int_equal(reply->header.flags & VU_TYPE_MASK, VU_TYPE_REPLY);
	assert_in_range(reply->header.size, sizeof(reply->header),
			sizeof(reply->header) + sizeof(reply->payload));
	reply->length = reply->header.size - (uint32_t)sizeof(reply->header);
	return receive_all(fd, reply->payload, reply->length);
}

int client_call(int fd, const struct message *m, struct message *reply)
{
	struct message own = { 0 };

	if (!reply)
		reply = &own;
	client_send(fd, m);
	assert_true(client_receive(fd, reply));
	assert_int_equal(reply->header.id, m->header.id);
	assert_int_equal(reply->header.command, m->header.command);
	if (!(reply->header.flags & VU_ERROR))
		return 0;
	assert_int_equal(reply->length, 0);
	assert_int_not_equal(reply->header.error, 0);
	return (int)reply->header.error;
}

int sealed_memory(uint64_t size)
{
	int fd = memfd_create("guest", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
	return fd;
}
