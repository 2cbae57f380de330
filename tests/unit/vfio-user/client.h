/* SPDX-License-Identifier: MIT */
/*
 * A vfio-user client for tests: builds messages, sends them with descriptors and
 * takes the replies. It trusts nothing: what it cannot make sense of fails the test.
 */
#ifndef TEST_CLIENT_H
#define TEST_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../../tools/device/vfio-user/protocol.h"

/* One message, as it goes over the wire, and its descriptors (the sender keeps them) */
struct message {
	struct vu_header header;
	uint8_t payload[VU_MAX_PAYLOAD + 64];
	uint32_t length;	/* of the payload; header.size follows it in message_new() */
	unsigned int num_fds;
	int fds[16];
};

struct message message_new(uint16_t command, const void *payload, uint32_t length);
struct message message_version(void);
struct message message_map(uint64_t address, uint64_t size, uint64_t offset, uint32_t flags,
			   int fd);
struct message message_unmap(uint64_t address, uint64_t size, uint32_t flags);
struct message message_read(uint32_t region, uint64_t offset, uint32_t count);
struct message message_write(uint32_t region, uint64_t offset, const void *data, uint32_t count);
struct message message_irqs(uint32_t flags, uint32_t index, uint32_t start, uint32_t count);

/* header.size bytes at most are sent; as many as the payload has. */
void client_send(int fd, const struct message *message);
/* False: the server has closed the connection. */
bool client_receive(int fd, struct message *reply);
/* Send and receive: the errno of an error reply, or 0. Fails the test if there is none. */
int client_call(int fd, const struct message *message, struct message *reply);

/* A sealed memfd of @size bytes, as QEMU makes them */
int sealed_memory(uint64_t size);

#endif
