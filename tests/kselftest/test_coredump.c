// SPDX-License-Identifier: GPL-2.0-only
/* What failures leave in /sys/class/devcoredump, read as uapi/enpu/coredump.h says. */
#include "enpu_test.h"

#include <enpu/coredump.h>

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/udmabuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest_harness.h"

#define DUMPS		"/sys/class/devcoredump/devcd*/data"
#define MAX_DUMP	MIB(4)

FIXTURE(coredump)
{
	struct ctx ctx;
	uint8_t *dump;
	size_t size;
};

static void drop_dumps(void)
{
	glob_t found;
	size_t i;

	if (glob(DUMPS, 0, NULL, &found))
		return;
	for (i = 0; i < found.gl_pathc; i++)
		write_file(found.gl_pathv[i], "0");
	globfree(&found);
}

/* Waits for a dump and takes it. */
static ssize_t read_dump(uint8_t *dump)
{
	int64_t end = now_ns() + 10 * SECOND;
	ssize_t n, size = 0;
	glob_t found;
	int fd;

	while (glob(DUMPS, 0, NULL, &found)) {
		if (now_ns() > end)
			return -ENOENT;
		sleep_ms(10);
	}
	fd = open(found.gl_pathv[0], O_RDONLY | O_CLOEXEC);
	globfree(&found);
	if (fd < 0)
		return -errno;
	while ((n = read(fd, dump + size, MAX_DUMP - size)) > 0)
		size += n;
	close(fd);
	drop_dumps();
	return n < 0 ? -errno : size;
}

FIXTURE_SETUP(coredump)
{
	drop_dumps();
	ASSERT_EQ(0, ctx_init(&self->ctx, 500));
	self->dump = calloc(1, MAX_DUMP);
	ASSERT_NE(NULL, self->dump);
}

FIXTURE_TEARDOWN(coredump)
{
	free(self->dump);
	ctx_fini(&self->ctx);
	drop_dumps();
}

/* The data of a section; NULL: there is none, or it is smaller. */
static const void *section(const uint8_t *dump, size_t size, uint32_t type, size_t least,
			   size_t *length)
{
	const struct enpu_coredump_header *header = (const void *)dump;
	size_t at = header->header_size;

	while (at + sizeof(struct enpu_coredump_section) <= size) {
		const struct enpu_coredump_section *s = (const void *)(dump + at);

		at += sizeof(*s);
		if (s->size > size - at)
			return NULL;
		if (s->type == type) {
			if (length)
				*length = s->size;
			return s->size >= least ? dump + at : NULL;
		}
		at += (s->size + 7) / 8 * 8;
	}
	return NULL;
}

static void take_dump(struct __test_metadata *_metadata, FIXTURE_DATA(coredump) *self,
		      uint32_t reason, int error)
{
	const struct enpu_coredump_header *header = (const void *)self->dump;
	const struct enpu_coredump_info *info;
	ssize_t size = read_dump(self->dump);

	ASSERT_GT(size, (ssize_t)sizeof(*header));
	self->size = size;
	ASSERT_EQ(ENPU_COREDUMP_MAGIC, header->magic);
	ASSERT_EQ(ENPU_COREDUMP_VERSION, header->version);
	ASSERT_EQ(size, header->size);
	ASSERT_GE(header->header_size, sizeof(*header));

	info = section(self->dump, size, ENPU_COREDUMP_INFO, sizeof(*info), NULL);
	ASSERT_NE(NULL, info);
	EXPECT_EQ(reason, info->reason);
	EXPECT_EQ(error, info->error);
	EXPECT_EQ(1, info->alive);
	EXPECT_NE('\0', info->device[0]);
}

static uint32_t reg(FIXTURE_DATA(coredump) *self, uint32_t offset)
{
	const struct enpu_coredump_register *regs;
	size_t i, length;

	regs = section(self->dump, self->size, ENPU_COREDUMP_REGISTERS, 0, &length);
	for (i = 0; regs && i < length / sizeof(*regs); i++)
		if (regs[i].offset == offset)
			return regs[i].value;
	return ~0u;
}

TEST_F(coredump, fault)
{
	struct ctx *ctx = &self->ctx;
	struct drm_enpu_queue_create create = {
		.vm_id = ctx->vm,
		.priority = DRM_ENPU_PRIORITY_NORMAL,
		.label = "the guilty one",
	};
	const struct enpu_coredump_mapping *map;
	const struct enpu_coredump_memory *stream, *regions;
	const struct enpu_coredump_queue *queue;
	const struct enpu_coredump_ring *ring;
	const struct enpu_queue_status *status;
	const struct enpu_job *job;
	size_t i, length;

	ASSERT_EQ(0, queue_destroy(ctx->fd, ctx->queue));
	ASSERT_EQ(0, enpu_ioctl(ctx->fd, DRM_IOCTL_ENPU_QUEUE_CREATE, &create));
	ctx->queue = create.id;
	ASSERT_EQ(0, vm_map(ctx->fd, ctx->vm, ctx->bo, KIB(4), GIB(1), KIB(8),
			    DRM_ENPU_VM_BIND_READ_ONLY));
	ASSERT_EQ(0, ctx_check_copy(ctx, 1));
	ctx_restart(ctx);
	stream_nop(&ctx->stream);
	stream_fill(&ctx->stream, REGION_UNMAPPED, 0, 1, 1);
	ASSERT_EQ(0, ctx_submit(ctx));
	ASSERT_EQ(-EFAULT, ctx_wait(ctx));
	take_dump(_metadata, self, ENPU_COREDUMP_FAULT, EFAULT);

	queue = section(self->dump, self->size, ENPU_COREDUMP_QUEUE, sizeof(*queue), NULL);
	ASSERT_NE(NULL, queue);
	EXPECT_STREQ("the guilty one", queue->label);
	EXPECT_EQ(1, queue->job);
	EXPECT_EQ(2, queue->producer);
	EXPECT_EQ(DRM_ENPU_QUEUE_KERNEL, queue->mode);

	status = section(self->dump, self->size, ENPU_COREDUMP_STATUS, sizeof(*status), NULL);
	ASSERT_NE(NULL, status);
	EXPECT_EQ(ENPU_QUEUE_HALTED, status->state);
	EXPECT_EQ(ENPU_FAULT_UNMAPPED, status->fault_cause);
	EXPECT_EQ(UNMAPPED_VA, status->fault_addr);
	EXPECT_EQ(1, status->fault_command);
	EXPECT_EQ(ENPU_OP_DMA_FILL, status->fault_opcode);
	EXPECT_EQ(1, status->completed);

	ring = section(self->dump, self->size, ENPU_COREDUMP_RING, sizeof(*ring), &length);
	ASSERT_NE(NULL, ring);
	ASSERT_EQ(0, ring->first);
	ASSERT_EQ(2, ring->count);
	ASSERT_EQ(sizeof(*ring) + 2 * sizeof(*job), length);
	job = (const struct enpu_job *)(ring + 1) + 1;
	EXPECT_EQ(CTX_VA + CTX_STREAM, job->stream_va);
	EXPECT_EQ(ctx->stream.size, job->stream_size);

	stream = section(self->dump, self->size, ENPU_COREDUMP_STREAM,
			 sizeof(*stream) + ctx->stream.size, NULL);
	ASSERT_NE(NULL, stream);
	EXPECT_EQ(CTX_VA + CTX_STREAM, stream->va);
	EXPECT_EQ(ctx->stream.size, stream->size);
	EXPECT_EQ(0, memcmp(stream + 1, ctx->stream.start, ctx->stream.size));
	regions = section(self->dump, self->size, ENPU_COREDUMP_REGIONS,
			  sizeof(*regions) + CTX_NUM_REGIONS * sizeof(struct enpu_region), NULL);
	ASSERT_NE(NULL, regions);
	EXPECT_EQ(0, memcmp(regions + 1, ctx->regions,
			    CTX_NUM_REGIONS * sizeof(struct enpu_region)));

	map = section(self->dump, self->size, ENPU_COREDUMP_VM, 2 * sizeof(*map), &length);
	ASSERT_NE(NULL, map);
	ASSERT_EQ(2 * sizeof(*map), length);
	for (i = 0; i < 2; i++)
		EXPECT_EQ(CTX_SIZE, map[i].bo_size);
	EXPECT_EQ(map[0].bo, map[1].bo);
	EXPECT_NE(0, map[0].bo);
	EXPECT_EQ(CTX_VA, map[0].va);
	EXPECT_EQ(CTX_SIZE, map[0].size);
	EXPECT_EQ(ENPU_COREDUMP_WRITE, map[0].flags);
	EXPECT_EQ(GIB(1), map[1].va);
	EXPECT_EQ(KIB(8), map[1].size);
	EXPECT_EQ(KIB(4), map[1].bo_offset);
	EXPECT_EQ(0, map[1].flags);

	EXPECT_EQ(ENPU_QUEUE_HALTED, reg(self, ENPU_REG_QUEUE(queue->slot) + ENPU_QUEUE_STATE));
	EXPECT_EQ(2, reg(self, ENPU_REG_QUEUE(queue->slot) + ENPU_QUEUE_PRODUCER));
	EXPECT_EQ(ENPU_STATUS_READY, reg(self, ENPU_REG_STATUS));
}

TEST_F(coredump, hang)
{
	const struct enpu_coredump_queue *queue;

	stream_nop(&self->ctx.stream);
	ASSERT_EQ(0, control("hang 1"));
	ASSERT_EQ(0, ctx_submit(&self->ctx));
	ASSERT_EQ(-ETIME, ctx_wait(&self->ctx));
	take_dump(_metadata, self, ENPU_COREDUMP_HANG, ETIME);
	queue = section(self->dump, self->size, ENPU_COREDUMP_QUEUE, sizeof(*queue), NULL);
	ASSERT_NE(NULL, queue);
	EXPECT_EQ(0, queue->job);
	EXPECT_EQ(500, queue->timeout_ms);
	EXPECT_EQ(ENPU_QUEUE_RUNNING, reg(self, ENPU_REG_QUEUE(queue->slot) + ENPU_QUEUE_STATE));
}

static int udmabuf(void)
{
	struct udmabuf_create create = { .size = KIB(16) };
	int dev = open("/dev/udmabuf", O_RDWR | O_CLOEXEC), dmabuf;

	if (dev < 0)
		return -1;
	create.memfd = memfd_create("enpu", MFD_ALLOW_SEALING);
	dmabuf = ftruncate(create.memfd, create.size) ||
		 fcntl(create.memfd, F_ADD_SEALS, F_SEAL_SHRINK) ? -1 :
		 ioctl(dev, UDMABUF_CREATE, &create);
	close(create.memfd);
	close(dev);
	return dmabuf;
}

/* A mapping outlives handle and file of what is mapped, and is in the dump by its inode. */
TEST_F(coredump, mapping_alone)
{
	struct ctx *ctx = &self->ctx;
	const struct enpu_coredump_mapping *map;
	int dmabuf = udmabuf();
	struct stat stat;
	uint32_t handle;
	size_t length;

	if (dmabuf < 0)
		SKIP(return, "no /dev/udmabuf");
	ASSERT_EQ(0, fstat(dmabuf, &stat));
	ASSERT_EQ(0, bo_import(ctx->fd, dmabuf, &handle));
	ASSERT_EQ(0, vm_map(ctx->fd, ctx->vm, handle, 0, GIB(4), KIB(16), 0));
	ASSERT_EQ(0, bo_close(ctx->fd, handle));
	ASSERT_EQ(0, close(dmabuf));

	stream_fill(&ctx->stream, REGION_UNMAPPED, 0, 1, 1);
	ASSERT_EQ(0, ctx_submit(ctx));
	ASSERT_EQ(-EFAULT, ctx_wait(ctx));
	take_dump(_metadata, self, ENPU_COREDUMP_FAULT, EFAULT);
	map = section(self->dump, self->size, ENPU_COREDUMP_VM, 2 * sizeof(*map), &length);
	ASSERT_NE(NULL, map);
	ASSERT_EQ(2 * sizeof(*map), length);
	EXPECT_EQ(GIB(4), map[1].va);
	EXPECT_EQ(ENPU_COREDUMP_WRITE | ENPU_COREDUMP_IMPORTED, map[1].flags);
	EXPECT_EQ((uint32_t)stat.st_ino, map[1].bo);
}

/* A stream that nobody can read is left out; the rest is there. */
TEST_F(coredump, no_stream)
{
	struct ctx *ctx = &self->ctx;
	struct drm_enpu_command command;
	struct drm_enpu_sync sync = { .handle = ctx->syncobj, .flags = DRM_ENPU_SYNC_SIGNAL };
	const struct enpu_coredump_memory *stream;

	stream_nop(&ctx->stream);
	command = ctx_command(ctx);
	command.stream_va = UNMAPPED_VA;
	command.stream_size = ~7u;
	ASSERT_EQ(0, submit(ctx->fd, ctx->queue, &command, 1, &sync, 1));
	ASSERT_EQ(-EFAULT, ctx_wait(ctx));
	take_dump(_metadata, self, ENPU_COREDUMP_FAULT, EFAULT);
	stream = section(self->dump, self->size, ENPU_COREDUMP_STREAM, sizeof(*stream), NULL);
	ASSERT_NE(NULL, stream);
	EXPECT_EQ(~7u, stream->size);
	EXPECT_EQ(NULL, section(self->dump, self->size, ENPU_COREDUMP_STREAM, sizeof(*stream) + 1,
				NULL));
	EXPECT_NE(NULL, section(self->dump, self->size, ENPU_COREDUMP_VM, 1, NULL));
}

TEST_F(coredump, fatal)
{
	struct ctx *ctx = &self->ctx;

	/* a job that keeps the device from falling asleep, in which it notes nothing */
	ASSERT_EQ(0, queue_destroy(ctx->fd, ctx->queue));
	ASSERT_EQ(0, queue_create(ctx->fd, ctx->vm, 30000, &ctx->queue));
	stream_nop(&ctx->stream);
	ASSERT_EQ(0, control("hang 1"));
	ASSERT_EQ(0, ctx_submit(ctx));
	ASSERT_EQ(0, control("fatal"));
	EXPECT_EQ(-EIO, ctx_wait(ctx));
	ASSERT_EQ(0, control("hang 0"));
	take_dump(_metadata, self, ENPU_COREDUMP_FATAL, 0);
	EXPECT_EQ(ENPU_STATUS_FATAL, reg(self, ENPU_REG_STATUS));
	EXPECT_EQ(NULL, section(self->dump, self->size, ENPU_COREDUMP_QUEUE, 0, NULL));
}

/* The reset is what counts, not the hang before it. */
TEST_F(coredump, stuck)
{
	stream_nop(&self->ctx.stream);
	ASSERT_EQ(0, control("hang 1"));
	ASSERT_EQ(0, ctx_submit(&self->ctx));
	ASSERT_EQ(0, control("stuck-queue 1"));
	ASSERT_EQ(-ETIME, ctx_wait(&self->ctx));
	take_dump(_metadata, self, ENPU_COREDUMP_STUCK, ETIME);
}

/* Many failures, nobody who reads: no more than one dump, and no harm */
TEST_F(coredump, many)
{
	struct ctx *ctx = &self->ctx;
	unsigned int i;
	glob_t found;

	stream_fill(&ctx->stream, REGION_UNMAPPED, 0, 1, 1);
	for (i = 0; i < 50; i++) {
		uint32_t queue;

		ASSERT_EQ(0, queue_create(ctx->fd, ctx->vm, 0, &queue));
		ASSERT_EQ(0, ctx_submit_to(ctx, queue, ctx->syncobj));
		ASSERT_EQ(-EFAULT, ctx_wait(ctx));
		ASSERT_EQ(0, queue_destroy(ctx->fd, queue));
	}
	ASSERT_EQ(0, glob(DUMPS, 0, NULL, &found));
	EXPECT_EQ(1, found.gl_pathc);
	globfree(&found);
}

TEST_HARNESS_MAIN
