// SPDX-License-Identifier: MIT
/*
 * The vfio-user protocol: see session.h. `commands` is the list of what a client
 * may ask, with the size each payload must have; a handler sees none of another
 * size. Whatever descriptors a handler leaves in the request are closed after it.
 */
#include "session.h"
#include "dma.h"
#include "irq.h"
#include "log.h"
#include "protocol.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vfio.h>

#define VERSION_MAJOR 0
#define VERSION_MINOR 0

/* A hostile client must not be able to fill the log. */
#define MAX_COMPLAINTS 16

struct session {
	const struct vu_device *device;
	int fd;
	bool greeted;			/* the version exchange is done */
	bool closing;			/* after the current reply */
	bool advised;			/* about how to share memory */
	unsigned int complaints;
};

struct request {
	struct vu_header header;
	uint32_t length;		/* of the payload */
	unsigned int num_fds;
	int fds[VU_MAX_FDS];
	uint8_t payload[VU_MAX_PAYLOAD];
};

struct reply {
	struct vu_header header;
	uint8_t payload[VU_MAX_PAYLOAD];
	uint32_t length;		/* of the payload; not sent itself */
};

/* Each handler: 0, or the errno of an error reply. */
typedef int (*handler)(struct session *s, struct request *request, struct reply *reply);

static void close_fds(struct request *request)
{
	unsigned int i;

	for (i = 0; i < request->num_fds; i++)
		if (request->fds[i] >= 0)
			close(request->fds[i]);
	request->num_fds = 0;
}

static int take_fd(struct request *request, unsigned int i)
{
	int fd = request->fds[i];

	request->fds[i] = -1;
	return fd;
}

static void put(struct reply *reply, const void *data, uint32_t length)
{
	memcpy(reply->payload + reply->length, data, length);
	reply->length += length;
}

static int do_version(struct session *s, struct request *request, struct reply *reply)
{
	static const char capabilities[] =
		"{\"capabilities\":{\"max_msg_fds\":8,\"max_data_xfer_size\":4096}}";
	struct vu_version version;

	static_assert(VU_MAX_FDS == 8 && VU_MAX_TRANSFER == 4096, "as told to the client");
	memcpy(&version, request->payload, sizeof(version));
	s->closing = true;
	if (s->greeted || version.major != VERSION_MAJOR)
		return EINVAL;
	if (request->length > sizeof(version) && request->payload[request->length - 1])
		return EINVAL;
	s->closing = false;
	s->greeted = true;
	/* The client's capabilities are limits that no reply of ours comes near. */
	version.minor = VERSION_MINOR;
	put(reply, &version, sizeof(version));
	/* QEMU takes a reply only into the space that its request took. */
	if (request->length >= sizeof(version) + sizeof(capabilities))
		put(reply, capabilities, sizeof(capabilities));
	return 0;
}

static int do_dma_map(struct session *s, struct request *request, struct reply *reply)
{
	int fd = request->num_fds ? request->fds[0] : -1;
	struct vu_dma_map map;
	bool writable;
	int err;

	memcpy(&map, request->payload, sizeof(map));
	if (map.argsz < sizeof(map) || !(map.flags & VFIO_DMA_MAP_FLAG_READ) ||
	    (map.flags & ~(VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE)))
		return EINVAL;
	writable = map.flags & VFIO_DMA_MAP_FLAG_WRITE;
	log_debug("DMA_MAP %#llx + %#llx%s%s", (unsigned long long)map.address,
		  (unsigned long long)map.size, writable ? "" : ", read only",
		  fd >= 0 ? "" : ", no descriptor: not accessible");
	/* Firmware in ROM has no descriptor and is nobody's DMA target; RAM must have one. */
	if (fd < 0 && writable)
		err = EPERM;
	else
		err = vu_dma_map(s->device->dma, map.address, map.size, fd, map.offset, writable);
	if (err == EPERM && !s->advised) {
		log_error("guest memory at %#llx is not shared as a sealed memfd; start QEMU with "
			  "-object memory-backend-memfd,share=on", (unsigned long long)map.address);
		s->advised = true;
	}
	return err;
}

static int do_dma_unmap(struct session *s, struct request *request, struct reply *reply)
{
	struct vu_dma_unmap unmap;
	int err = 0;

	memcpy(&unmap, request->payload, sizeof(unmap));
	if (unmap.argsz < sizeof(unmap) || (unmap.flags & ~VFIO_DMA_UNMAP_FLAG_ALL))
		return EINVAL;
	log_debug("DMA_UNMAP %#llx + %#llx, flags %u", (unsigned long long)unmap.address,
		  (unsigned long long)unmap.size, unmap.flags);
	if (!(unmap.flags & VFIO_DMA_UNMAP_FLAG_ALL))
		err = vu_dma_unmap(s->device->dma, unmap.address, unmap.size);
	else if (unmap.address || unmap.size)
		err = EINVAL;
	else
		vu_dma_unmap_all(s->device->dma);
	if (!err)
		put(reply, &unmap, sizeof(unmap));
	return err;
}

static int do_get_info(struct session *s, struct request *request, struct reply *reply)
{
	struct vu_device_info info;

	memcpy(&info, request->payload, sizeof(info));
	if (info.argsz < sizeof(info))
		return EINVAL;
	info = (struct vu_device_info){
		.argsz = sizeof(info),
		.flags = VFIO_DEVICE_FLAGS_RESET | VFIO_DEVICE_FLAGS_PCI,
		.num_regions = s->device->num_regions,
		.num_irqs = s->device->num_irqs,
	};
	put(reply, &info, sizeof(info));
	return 0;
}

static int do_get_region_info(struct session *s, struct request *request, struct reply *reply)
{
	struct vu_region_info info;

	memcpy(&info, request->payload, sizeof(info));
	if (info.argsz < sizeof(info) || info.index >= s->device->num_regions)
		return EINVAL;
	info = (struct vu_region_info){
		.argsz = sizeof(info),
		.flags = s->device->regions[info.index].flags,
		.index = info.index,
		.size = s->device->regions[info.index].size,
	};
	put(reply, &info, sizeof(info));
	return 0;
}

static int do_get_irq_info(struct session *s, struct request *request, struct reply *reply)
{
	struct vu_irq_info info;
	bool there;

	memcpy(&info, request->payload, sizeof(info));
	if (info.argsz < sizeof(info) || info.index >= s->device->num_irqs)
		return EINVAL;
	there = info.index == s->device->irq_index;
	info = (struct vu_irq_info){
		.argsz = sizeof(info),
		.flags = there ? VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_MASKABLE : 0,
		.index = info.index,
		.count = there ? vu_irqs_count(s->device->irqs) : 0,
	};
	put(reply, &info, sizeof(info));
	return 0;
}

/* Descriptors for each vector, or none to take theirs away. */
static int bind_irqs(struct vu_irqs *irqs, const struct vu_irq_set *set, struct request *request)
{
	uint32_t i;

	if (request->num_fds && request->num_fds != set->count)
		return EINVAL;
	for (i = 0; i < set->count; i++)
		vu_irqs_bind(irqs, set->start + i, request->num_fds ? take_fd(request, i) : -1);
	return 0;
}

static int do_set_irqs(struct session *s, struct request *request, struct reply *reply)
{
	const uint8_t *chosen = request->payload + sizeof(struct vu_irq_set);
	struct vu_irqs *irqs = s->device->irqs;
	struct vu_irq_set set;
	uint32_t data, action, count, i;

	memcpy(&set, request->payload, sizeof(set));
	log_debug("SET_IRQS index %u, vectors %u + %u, flags %#x, %u descriptors", set.index,
		  set.start, set.count, set.flags, request->num_fds);
	data = set.flags & VFIO_IRQ_SET_DATA_TYPE_MASK;
	action = set.flags & VFIO_IRQ_SET_ACTION_TYPE_MASK;
	if (set.argsz < sizeof(set) || set.flags != (data | action) ||
	    set.index >= s->device->num_irqs)
		return EINVAL;
	count = set.index == s->device->irq_index ? vu_irqs_count(irqs) : 0;
	if (set.start > count || set.count > count - set.start)
		return EINVAL;
	if (data != VFIO_IRQ_SET_DATA_EVENTFD && request->num_fds)
		return EINVAL;
	if (data == VFIO_IRQ_SET_DATA_NONE && action == VFIO_IRQ_SET_ACTION_TRIGGER &&
	    !set.start && !set.count) {
		if (count)
			vu_irqs_unbind_all(irqs);
		return 0;
	}
	if (!set.count)
		return EINVAL;
	if (data == VFIO_IRQ_SET_DATA_EVENTFD && action != VFIO_IRQ_SET_ACTION_TRIGGER)
		return ENOTSUP;
	if (data == VFIO_IRQ_SET_DATA_EVENTFD)
		return bind_irqs(irqs, &set, request);
	if (data == VFIO_IRQ_SET_DATA_BOOL ? request->length - sizeof(set) < set.count :
					     data != VFIO_IRQ_SET_DATA_NONE)
		return EINVAL;
	if (action != VFIO_IRQ_SET_ACTION_TRIGGER && action != VFIO_IRQ_SET_ACTION_MASK &&
	    action != VFIO_IRQ_SET_ACTION_UNMASK)
		return EINVAL;
	for (i = 0; i < set.count; i++) {
		if (data == VFIO_IRQ_SET_DATA_BOOL && !chosen[i])
			continue;
		if (action == VFIO_IRQ_SET_ACTION_TRIGGER)
			vu_irqs_raise(irqs, set.start + i);
		else
			vu_irqs_mask(irqs, set.start + i, action == VFIO_IRQ_SET_ACTION_MASK);
	}
	return 0;
}

/* The access lies in a region that allows it, and is not larger than a reply can be. */
static int check_access(struct session *s, const struct vu_region_access *access, uint32_t flag)
{
	const struct vu_region *region;

	if (access->region >= s->device->num_regions)
		return EINVAL;
	region = &s->device->regions[access->region];
	if (!(region->flags & flag) || !access->count || access->count > VU_MAX_TRANSFER ||
	    access->offset > region->size || access->count > region->size - access->offset)
		return EINVAL;
	return 0;
}

static int do_region_read(struct session *s, struct request *request, struct reply *reply)
{
	struct vu_region_access access;
	int err;

	memcpy(&access, request->payload, sizeof(access));
	err = check_access(s, &access, VFIO_REGION_INFO_FLAG_READ);
	if (err)
		return err;
	put(reply, &access, sizeof(access));
	err = s->device->region_read(s->device->opaque, access.region, access.offset,
				     reply->payload + reply->length, access.count);
	reply->length += access.count;
	return err;
}

static int do_region_write(struct session *s, struct request *request, struct reply *reply)
{
	struct vu_region_access access;
	int err;

	memcpy(&access, request->payload, sizeof(access));
	err = check_access(s, &access, VFIO_REGION_INFO_FLAG_WRITE);
	if (err)
		return err;
	if (access.count != request->length - sizeof(access))
		return EINVAL;
	put(reply, &access, sizeof(access));
	return s->device->region_write(s->device->opaque, access.region, access.offset,
				       request->payload + sizeof(access), access.count);
}

static int do_reset(struct session *s, struct request *request, struct reply *reply)
{
	log_debug("RESET");
	s->device->reset(s->device->opaque);
	return 0;
}

static const struct command {
	const char *name;
	handler run;
	uint32_t min;		/* bytes of payload */
	uint32_t more;		/* that may follow */
	uint32_t max_fds;
} commands[] = {
	[VU_VERSION]	     = { "VERSION", do_version, sizeof(struct vu_version),
				 VU_MAX_TRANSFER },
	[VU_DMA_MAP]	     = { "DMA_MAP", do_dma_map, sizeof(struct vu_dma_map), 0, 1 },
	[VU_DMA_UNMAP]	     = { "DMA_UNMAP", do_dma_unmap, sizeof(struct vu_dma_unmap) },
	[VU_GET_INFO]	     = { "GET_INFO", do_get_info, sizeof(struct vu_device_info) },
	[VU_GET_REGION_INFO] = { "GET_REGION_INFO", do_get_region_info,
				 sizeof(struct vu_region_info) },
	[VU_GET_IRQ_INFO]    = { "GET_IRQ_INFO", do_get_irq_info, sizeof(struct vu_irq_info) },
	[VU_SET_IRQS]	     = { "SET_IRQS", do_set_irqs, sizeof(struct vu_irq_set), VU_IRQ_MAX,
				 VU_MAX_FDS },
	[VU_REGION_READ]     = { "REGION_READ", do_region_read, sizeof(struct vu_region_access) },
	[VU_REGION_WRITE]    = { "REGION_WRITE", do_region_write, sizeof(struct vu_region_access),
				 VU_MAX_TRANSFER },
	[VU_RESET]	     = { "RESET", do_reset },
};

static const struct command *find_command(uint16_t number)
{
	if (number >= sizeof(commands) / sizeof(commands[0]) || !commands[number].run)
		return NULL;
	return &commands[number];
}

static void complain(struct session *s, const struct request *request, const char *what)
{
	const struct command *command = find_command(request->header.command);

	if (s->complaints++ < MAX_COMPLAINTS)
		log_info("client: %s (%u), size %u: %s", command ? command->name : "unknown",
			 request->header.command, request->header.size, what);
}

/* Take over the descriptors that came with @msg; false: more than a message may bring. */
static bool receive_fds(struct msghdr *msg, struct request *request)
{
	bool fits = !(msg->msg_flags & MSG_CTRUNC);
	struct cmsghdr *cmsg;
	size_t i, count;
	int fd;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(fd);
		for (i = 0; i < count; i++) {
			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(fd), sizeof(fd));
			if (request->num_fds < VU_MAX_FDS) {
				request->fds[request->num_fds++] = fd;
			} else {
				close(fd);
				fits = false;
			}
		}
	}
	return fits;
}

/*
 * Exactly @length bytes, or false: the peer has closed, or sends too many
 * descriptors. These are taken only where @request is given, else the kernel drops them.
 */
static bool receive(int fd, void *data, size_t length, struct request *request)
{
	char control[CMSG_SPACE(sizeof(int) * VU_MAX_FDS)] __attribute__((aligned(8)));
	size_t done = 0;

	while (done < length) {
		struct iovec iov = { (char *)data + done, length - done };
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
		ssize_t n;

		if (request) {
			msg.msg_control = control;
			msg.msg_controllen = sizeof(control);
		}
		n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || (request && !receive_fds(&msg, request)))
			return false;
		done += (size_t)n;
	}
	return true;
}

static bool send_reply(struct session *s, const struct request *request, struct reply *reply,
		       int err)
{
	const char *data = (const char *)reply;
	size_t left;

	reply->header = (struct vu_header){
		.id = request->header.id,
		.command = request->header.command,
		.size = (uint32_t)sizeof(reply->header) + (err ? 0 : reply->length),
		.flags = VU_TYPE_REPLY | (err ? VU_ERROR : 0),
		.error = (uint32_t)err,
	};
	static_assert(offsetof(struct reply, payload) == sizeof(reply->header), "one piece");
	for (left = reply->header.size; left;) {
		ssize_t n = send(s->fd, data, left, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		data += n;
		left -= (size_t)n;
	}
	return true;
}

/* False: the stream has ended, or cannot be followed any further. */
static bool receive_request(struct session *s, struct request *request)
{
	struct vu_header *header = &request->header;

	request->num_fds = 0;
	if (!receive(s->fd, header, sizeof(*header), request))
		return false;
	if ((header->flags & VU_TYPE_MASK) != VU_TYPE_COMMAND) {
		complain(s, request, "a reply to nothing; closing the connection");
		return false;
	}
	if (header->size < sizeof(*header) || header->size > sizeof(*header) + VU_MAX_PAYLOAD) {
		complain(s, request, "bad message size; closing the connection");
		return false;
	}
	request->length = header->size - (uint32_t)sizeof(*header);
	return receive(s->fd, request->payload, request->length, NULL);
}

static int dispatch(struct session *s, struct request *request, struct reply *reply)
{
	const struct command *command = find_command(request->header.command);

	if (!s->greeted && request->header.command != VU_VERSION) {
		s->closing = true;
		return EINVAL;
	}
	if (!command)
		return ENOSYS;
	if (request->length < command->min || request->length - command->min > command->more ||
	    request->num_fds > command->max_fds)
		return EINVAL;
	return command->run(s, request, reply);
}

static bool serve_one(struct session *s)
{
	struct request request;
	struct reply reply;
	bool alive;
	int err;

	alive = receive_request(s, &request);
	if (alive) {
		reply.length = 0;
		err = dispatch(s, &request, &reply);
		if (err)
			complain(s, &request, strerror(err));
		/* before the reply: whoever has that may count on it */
		close_fds(&request);
		if (!(request.header.flags & VU_NO_REPLY))
			alive = send_reply(s, &request, &reply, err);
	}
	close_fds(&request);
	return alive && !s->closing;
}

bool vu_session_run(const struct vu_device *device, int fd)
{
	struct session s = { .device = device, .fd = fd };

	while (serve_one(&s))
		;
	device->reset(device->opaque);
	vu_irqs_unbind_all(device->irqs);
	vu_dma_unmap_all(device->dma);
	return s.greeted;
}
