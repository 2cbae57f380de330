// SPDX-License-Identifier: GPL-2.0-only
/* dma-bufs with peers: another process, memfd pages (udmabuf), another DRM driver (vgem). */
#include "enpu_test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/udmabuf.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#define SIZE	CTX_AREA
#define VA	GIB(4)

FIXTURE(dmabuf)
{
	struct ctx ctx;
};

FIXTURE_SETUP(dmabuf)
{
	ASSERT_EQ(0, ctx_init(&self->ctx, 0));
}

FIXTURE_TEARDOWN(dmabuf)
{
	ctx_fini(&self->ctx);
}

static int sync_cpu(int dmabuf, uint64_t flags)
{
	struct dma_buf_sync sync = { .flags = flags };

	return ioctl(dmabuf, DMA_BUF_IOCTL_SYNC, &sync) ? -errno : 0;
}

static void fill(uint8_t *mem, uint8_t seed)
{
	unsigned int i;

	for (i = 0; i < SIZE; i++)
		mem[i] = i * 13 + (i >> 8) + seed;
}

static bool is_filled(const uint8_t *mem, uint8_t seed)
{
	unsigned int i;

	for (i = 0; i < SIZE; i++)
		if (mem[i] != (uint8_t)(i * 13 + (i >> 8) + seed))
			return false;
	return true;
}

/* The device copies all of a buffer that is mapped at VA to the context's own memory, or back. */
static int device_copy(struct ctx *ctx, bool back)
{
	int ret;

	ctx->regions[REGION_SRC].va = VA;
	ctx_restart(ctx);
	stream_copy(&ctx->stream, back ? REGION_SRC : REGION_DST, 0,
		    back ? REGION_DST : REGION_SRC, 0, SIZE);
	ret = ctx_submit(ctx);
	if (!ret)
		ret = ctx_wait(ctx);
	ctx->regions[REGION_SRC].va = CTX_VA + CTX_SRC;
	return ret;
}

/*
 * Imports a buffer that somebody filled, reads it by the device, and writes it anew.
 * All syncs are for both directions: udmabuf maps its pages for that of the first
 * and then syncs for that of each, which DMA-API debugging complains of.
 */
static int device_use(struct ctx *ctx, int dmabuf, uint8_t *mem, uint8_t seed)
{
	uint32_t handle;
	int ret;

	ret = bo_import(ctx->fd, dmabuf, &handle);
	if (!ret)
		ret = vm_map(ctx->fd, ctx->vm, handle, 0, VA, SIZE, 0);
	if (!ret)
		ret = sync_cpu(dmabuf, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW);
	if (ret)
		return ret;
	fill(mem, seed);
	ret = sync_cpu(dmabuf, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW);
	if (!ret)
		ret = device_copy(ctx, false);
	if (!ret && !is_filled(ctx->mem + CTX_DST, seed))
		ret = -EBADMSG;
	if (ret)
		return ret;

	fill(ctx->mem + CTX_DST, seed + 1);
	ret = device_copy(ctx, true);
	if (!ret)
		ret = sync_cpu(dmabuf, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW);
	if (!ret && !is_filled(mem, seed + 1))
		ret = -EBADMSG;
	if (!ret)
		ret = sync_cpu(dmabuf, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW);
	return ret;
}

static int send_fd(int sock, int fd)
{
	char control[CMSG_SPACE(sizeof(fd))] = {}, byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	return sendmsg(sock, &msg, 0) == 1 ? 0 : -errno;
}

static int receive_fd(int sock)
{
	char control[CMSG_SPACE(sizeof(int))] = {}, byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	int fd = -1;

	if (recvmsg(sock, &msg, 0) == 1 && CMSG_FIRSTHDR(&msg))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

/* In a process that has nothing of the exporter but what comes by the socket */
static int importer(int sock)
{
	struct ctx ctx;
	uint32_t handle;
	int dmabuf = receive_fd(sock);
	char byte;
	int ret;

	if (dmabuf < 0)
		return 1;
	/* until the exporter is closed */
	if (read(sock, &byte, 1) != 1)
		return 2;
	if (ctx_init(&ctx, 0) || bo_import(ctx.fd, dmabuf, &handle))
		return 3;
	close(dmabuf);
	if (vm_map(ctx.fd, ctx.vm, handle, 0, VA, SIZE, 0))
		return 4;
	ret = device_copy(&ctx, false);
	if (!ret && !is_filled(ctx.mem + CTX_DST, 0x21))
		ret = 5;
	ctx_fini(&ctx);
	return ret < 0 ? -ret : ret;
}

TEST(process_by_socket)
{
	int socks[2], status, dmabuf;
	struct ctx ctx;
	uint32_t handle;
	uint8_t *mem;
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, socks));
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		close(socks[0]);
		_exit(importer(socks[1]));
	}
	close(socks[1]);

	ASSERT_EQ(0, ctx_init(&ctx, 0));
	ASSERT_EQ(0, bo_create(ctx.fd, SIZE, 0, &handle));
	mem = bo_map(ctx.fd, handle, SIZE);
	ASSERT_NE(NULL, mem);
	fill(mem, 0x21);
	dmabuf = bo_export(ctx.fd, handle);
	ASSERT_GE(dmabuf, 0);
	ASSERT_EQ(0, send_fd(socks[0], dmabuf));
	close(dmabuf);
	munmap(mem, SIZE);
	ctx_fini(&ctx);
	ASSERT_EQ(1, write(socks[0], "", 1));

	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	close(socks[0]);
}

/* What comes back is the same object: one handle in a file, one memory among files. */
TEST_F(dmabuf, self_import)
{
	struct ctx *ctx = &self->ctx;
	uint32_t handle, again;
	struct ctx other;
	int dmabuf;

	dmabuf = bo_export(ctx->fd, ctx->bo);
	ASSERT_GE(dmabuf, 0);
	ASSERT_EQ(0, bo_import(ctx->fd, dmabuf, &handle));
	EXPECT_EQ(ctx->bo, handle);

	ASSERT_EQ(0, ctx_init(&other, 0));
	ASSERT_EQ(0, bo_import(other.fd, dmabuf, &handle));
	ASSERT_EQ(0, bo_import(other.fd, dmabuf, &again));
	EXPECT_EQ(handle, again);
	ASSERT_EQ(0, vm_map(other.fd, other.vm, handle, CTX_SRC, VA, SIZE, 0));
	fill(ctx->mem + CTX_SRC, 0x31);
	EXPECT_EQ(0, device_copy(&other, false));
	EXPECT_TRUE(is_filled(other.mem + CTX_DST, 0x31));
	ctx_fini(&other);
	close(dmabuf);
}

static int udmabuf_create(uint8_t **mem)
{
	struct udmabuf_create create = { .size = SIZE };
	int udmabuf, dmabuf;

	udmabuf = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	if (udmabuf < 0)
		return -ENODEV;
	create.memfd = memfd_create("enpu", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	if (ftruncate(create.memfd, SIZE) || fcntl(create.memfd, F_ADD_SEALS, F_SEAL_SHRINK))
		return -errno;
	dmabuf = ioctl(udmabuf, UDMABUF_CREATE, &create);
	*mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, create.memfd, 0);
	close(create.memfd);
	close(udmabuf);
	return dmabuf;
}

TEST_F(dmabuf, udmabuf)
{
	uint8_t *mem;
	int dmabuf;

	dmabuf = udmabuf_create(&mem);
	if (dmabuf == -ENODEV)
		SKIP(return, "no /dev/udmabuf");
	ASSERT_GE(dmabuf, 0);
	ASSERT_NE(MAP_FAILED, mem);
	EXPECT_EQ(0, device_use(&self->ctx, dmabuf, mem, 0x41));

	/* who has it mapped keeps it */
	close(dmabuf);
	fill(mem, 0x43);
	munmap(mem, SIZE);
	EXPECT_EQ(0, device_copy(&self->ctx, false));
	EXPECT_TRUE(is_filled(self->ctx.mem + CTX_DST, 0x43));
}

static int vgem_open(void)
{
	char name[16] = "", path[32];
	unsigned int i;

	run("modprobe vgem 2>/dev/null");
	for (i = 0; i < 8; i++) {
		struct drm_version version = { .name_len = sizeof(name) - 1, .name = name };
		int fd;

		snprintf(path, sizeof(path), "/dev/dri/card%u", i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (!enpu_ioctl(fd, DRM_IOCTL_VERSION, &version) && !strcmp(name, "vgem"))
			return fd;
		close(fd);
	}
	return -ENODEV;
}

TEST_F(dmabuf, vgem)
{
	struct drm_mode_create_dumb dumb = { .width = 256, .height = SIZE / 1024, .bpp = 32 };
	struct drm_mode_map_dumb map = {};
	struct ctx *ctx = &self->ctx;
	int vgem = vgem_open();
	uint32_t handle;
	uint8_t *mem;
	int dmabuf;

	if (vgem < 0)
		SKIP(return, "no vgem");
	ASSERT_EQ(0, enpu_ioctl(vgem, DRM_IOCTL_MODE_CREATE_DUMB, &dumb));
	ASSERT_EQ(SIZE, dumb.size);
	map.handle = dumb.handle;
	ASSERT_EQ(0, enpu_ioctl(vgem, DRM_IOCTL_MODE_MAP_DUMB, &map));
	mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, vgem, map.offset);
	ASSERT_NE(MAP_FAILED, mem);
	dmabuf = bo_export(vgem, dumb.handle);
	ASSERT_GE(dmabuf, 0);
	EXPECT_EQ(0, device_use(ctx, dmabuf, mem, 0x51));
	close(dmabuf);

	/* and the other way: it keeps ours */
	dmabuf = bo_export(ctx->fd, ctx->bo);
	ASSERT_GE(dmabuf, 0);
	ASSERT_EQ(0, bo_import(vgem, dmabuf, &handle));
	close(dmabuf);
	EXPECT_EQ(0, bo_close(ctx->fd, ctx->bo));
	EXPECT_EQ(0, ctx_check_copy(ctx, 9));
	close(vgem);
	munmap(mem, SIZE);
}

/* The device goes while both have the other's memory: what remains is memory. */
TEST(unbind)
{
	char pci[256], path[280];
	uint8_t *theirs, *ours;
	int foreign, dmabuf;
	struct ctx ctx;

	/* see enpu_gem_unplug_all() */
	if (!access("/sys/kernel/debug/dma-api", F_OK))
		SKIP(return, "DMA-API debugging takes a cached import for a leak");
	foreign = udmabuf_create(&theirs);
	if (foreign == -ENODEV)
		SKIP(return, "no /dev/udmabuf");
	ASSERT_GE(foreign, 0);
	ASSERT_EQ(0, pci_path(pci, sizeof(pci)));
	ASSERT_EQ(0, ctx_init(&ctx, 0));
	ASSERT_EQ(0, device_use(&ctx, foreign, theirs, 0x61));
	dmabuf = bo_export(ctx.fd, ctx.bo);
	ASSERT_GE(dmabuf, 0);

	snprintf(path, sizeof(path), "%s/remove", pci);
	ASSERT_EQ(0, write_file(path, "1"));
	ours = mmap(NULL, CTX_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0);
	ASSERT_NE(MAP_FAILED, ours);
	EXPECT_TRUE(is_filled(ours + CTX_DST, 0x62));
	EXPECT_TRUE(is_filled(theirs, 0x62));
	ctx_fini(&ctx);
	EXPECT_TRUE(is_filled(ours + CTX_DST, 0x62));
	munmap(ours, CTX_SIZE);
	munmap(theirs, SIZE);
	close(dmabuf);
	close(foreign);

	ASSERT_EQ(0, write_file("/sys/bus/pci/rescan", "1"));
	ctx.fd = enpu_open_wait();
	ASSERT_GE(ctx.fd, 0);
	close(ctx.fd);
	ASSERT_EQ(0, ctx_init(&ctx, 0));
	EXPECT_EQ(0, ctx_check_copy(&ctx, 4));
	ctx_fini(&ctx);
}

TEST_HARNESS_MAIN
