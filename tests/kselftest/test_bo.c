// SPDX-License-Identifier: GPL-2.0-only
/* Buffer objects: create, map for the CPU, share. */
#include "enpu_test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/udmabuf.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#define SIZE	KIB(64)

FIXTURE(buffers)
{
	int fd;
};

FIXTURE_SETUP(buffers)
{
	self->fd = enpu_open();
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN(buffers)
{
	close(self->fd);
}

static bool is_filled(const uint8_t *mem, size_t size, uint8_t value)
{
	size_t i;

	for (i = 0; i < size; i++)
		if (mem[i] != value)
			return false;
	return true;
}

TEST_F(buffers, create)
{
	struct drm_enpu_bo_create args = { .size = 5000 };
	uint32_t first;

	ASSERT_EQ(0, enpu_ioctl(self->fd, DRM_IOCTL_ENPU_BO_CREATE, &args));
	EXPECT_EQ(8192, args.size);
	EXPECT_NE(0, args.handle);
	first = args.handle;
	ASSERT_EQ(0, enpu_ioctl(self->fd, DRM_IOCTL_ENPU_BO_CREATE, &args));
	EXPECT_NE(first, args.handle);
	EXPECT_EQ(0, bo_close(self->fd, first));
	EXPECT_EQ(-EINVAL, bo_close(self->fd, first));
}

TEST_F(buffers, create_errors)
{
	uint32_t handle;

	EXPECT_EQ(-EINVAL, bo_create(self->fd, 0, 0, &handle));
	EXPECT_EQ(-EINVAL, bo_create(self->fd, 4096, 1u << 1, &handle));
	EXPECT_EQ(-EINVAL, bo_create(self->fd, 4096, 1u << 31, &handle));
	EXPECT_EQ(-EINVAL, bo_create(self->fd, UINT64_MAX, 0, &handle));
	EXPECT_EQ(-EINVAL, bo_create(self->fd, 1ull << 63, 0, &handle));
	EXPECT_EQ(-ENOMEM, bo_create(self->fd, GIB(256), 0, &handle));
}

TEST_F(buffers, mmap_cache_modes)
{
	const uint32_t modes[] = { 0, DRM_ENPU_BO_WRITE_COMBINE };
	unsigned int i;

	for (i = 0; i < COUNT(modes); i++) {
		uint8_t *first, *second;
		uint32_t handle;

		ASSERT_EQ(0, bo_create(self->fd, SIZE, modes[i], &handle));
		first = bo_map(self->fd, handle, SIZE);
		ASSERT_NE(NULL, first);
		EXPECT_TRUE(is_filled(first, SIZE, 0));
		memset(first, 0x5a + i, SIZE);
		second = bo_map(self->fd, handle, SIZE);
		ASSERT_NE(NULL, second);
		EXPECT_TRUE(is_filled(second, SIZE, 0x5a + i));
		munmap(first, SIZE);
		/* the mapping keeps the pages when the handle goes */
		EXPECT_EQ(0, bo_close(self->fd, handle));
		EXPECT_TRUE(is_filled(second, SIZE, 0x5a + i));
		munmap(second, SIZE);
	}
}

TEST_F(buffers, mmap_errors)
{
	struct drm_enpu_bo_mmap_offset args = { .handle = 1234 };
	uint32_t handle;
	int other;

	EXPECT_EQ(-ENOENT, enpu_ioctl(self->fd, DRM_IOCTL_ENPU_BO_MMAP_OFFSET, &args));
	ASSERT_EQ(0, bo_create(self->fd, SIZE, 0, &handle));
	args.handle = handle;
	args.pad = 1;
	EXPECT_EQ(-EINVAL, enpu_ioctl(self->fd, DRM_IOCTL_ENPU_BO_MMAP_OFFSET, &args));
	args.pad = 0;
	ASSERT_EQ(0, enpu_ioctl(self->fd, DRM_IOCTL_ENPU_BO_MMAP_OFFSET, &args));

	/* beyond the end, and private */
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 2 * SIZE, PROT_READ, MAP_SHARED, self->fd, args.offset));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, self->fd,
				   args.offset));

	/* who has no handle has no access */
	other = enpu_open();
	ASSERT_GE(other, 0);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, SIZE, PROT_READ, MAP_SHARED, other, args.offset));
	EXPECT_EQ(EACCES, errno);
	close(other);
}

/* A mapping may stay when the file is closed. */
TEST_F(buffers, mmap_outlives_file)
{
	int fd = enpu_open();
	uint32_t handle;
	uint8_t *mem;

	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, bo_create(fd, SIZE, 0, &handle));
	mem = bo_map(fd, handle, SIZE);
	ASSERT_NE(NULL, mem);
	memset(mem, 0x33, SIZE);
	close(fd);
	EXPECT_TRUE(is_filled(mem, SIZE, 0x33));
	munmap(mem, SIZE);
}

TEST_F(buffers, share_with_process)
{
	uint32_t handle;
	uint8_t *mem;
	int dmabuf, status;
	pid_t pid;

	ASSERT_EQ(0, bo_create(self->fd, SIZE, 0, &handle));
	mem = bo_map(self->fd, handle, SIZE);
	ASSERT_NE(NULL, mem);
	memset(mem, 0x11, SIZE);
	dmabuf = bo_export(self->fd, handle);
	ASSERT_GE(dmabuf, 0);

	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		uint32_t imported;
		uint8_t *theirs;
		int fd = enpu_open();

		if (fd < 0 || bo_import(fd, dmabuf, &imported))
			_exit(1);
		theirs = bo_map(fd, imported, SIZE);
		if (!theirs || !is_filled(theirs, SIZE, 0x11))
			_exit(2);
		memset(theirs, 0x22, SIZE);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_TRUE(is_filled(mem, SIZE, 0x22));
	close(dmabuf);
	munmap(mem, SIZE);
}

TEST_F(buffers, dmabuf_mmap_outlives_all)
{
	uint32_t handle;
	uint8_t *mem;
	int dmabuf, fd = enpu_open();

	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, bo_create(fd, SIZE, 0, &handle));
	dmabuf = bo_export(fd, handle);
	ASSERT_GE(dmabuf, 0);
	close(fd);
	mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0);
	ASSERT_NE(MAP_FAILED, mem);
	close(dmabuf);
	EXPECT_TRUE(is_filled(mem, SIZE, 0));
	memset(mem, 0x44, SIZE);
	munmap(mem, SIZE);
}

/* A buffer of somebody else, here of memfd pages: the device reads and writes it. */
TEST_F(buffers, import_foreign)
{
	struct drm_enpu_bo_mmap_offset offset = {};
	struct udmabuf_create create = { .size = CTX_AREA };
	struct ctx ctx;
	int udmabuf, memfd, dmabuf;
	uint8_t *mem;

	udmabuf = open("/dev/udmabuf", O_RDWR);
	if (udmabuf < 0)
		SKIP(return, "no /dev/udmabuf");
	memfd = memfd_create("enpu", MFD_ALLOW_SEALING);
	ASSERT_GE(memfd, 0);
	ASSERT_EQ(0, ftruncate(memfd, CTX_AREA));
	ASSERT_EQ(0, fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK));
	create.memfd = memfd;
	dmabuf = ioctl(udmabuf, UDMABUF_CREATE, &create);
	ASSERT_GE(dmabuf, 0);
	mem = mmap(NULL, CTX_AREA, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	ASSERT_NE(MAP_FAILED, mem);

	ASSERT_EQ(0, ctx_init(&ctx, 0));
	ASSERT_EQ(0, bo_import(ctx.fd, dmabuf, &offset.handle));
	EXPECT_EQ(-EINVAL, enpu_ioctl(ctx.fd, DRM_IOCTL_ENPU_BO_MMAP_OFFSET, &offset));
	ASSERT_EQ(0, vm_map(ctx.fd, ctx.vm, offset.handle, 0, GIB(4), CTX_AREA, 0));
	ctx.regions[REGION_DST].va = GIB(4);
	stream_fill(&ctx.stream, REGION_DST, 0, 0x77, CTX_AREA);
	ASSERT_EQ(0, ctx_submit(&ctx));
	ASSERT_EQ(0, ctx_wait(&ctx));
	EXPECT_TRUE(is_filled(mem, CTX_AREA, 0x77));
	ctx_fini(&ctx);
	munmap(mem, CTX_AREA);
	close(dmabuf);
	close(memfd);
	close(udmabuf);
}

TEST_F(buffers, import_errors)
{
	struct drm_prime_handle prime = { .handle = 999 };
	uint32_t handle;

	EXPECT_EQ(-ENOENT, enpu_ioctl(self->fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime));
	EXPECT_EQ(-EINVAL, bo_import(self->fd, STDERR_FILENO, &handle));
	EXPECT_EQ(-EBADF, bo_import(self->fd, 999, &handle));
}

/* Puts this process into a memory cgroup; false: there are none. */
static bool limit_memory(const char *limit)
{
	const char *dir = "/tmp/enpu-cgroup";

	mkdir(dir, 0700);
	if (mount("cgroup", dir, "cgroup2", 0, NULL) && errno != EBUSY)
		return false;
	write_file("/tmp/enpu-cgroup/cgroup.subtree_control", "+memory");
	mkdir("/tmp/enpu-cgroup/bo", 0700);
	return !write_file("/tmp/enpu-cgroup/bo/memory.max", limit) &&
	       !write_file("/tmp/enpu-cgroup/bo/cgroup.procs", "0");
}

static long charged_memory(void)
{
	char text[32] = "";
	int fd = open("/tmp/enpu-cgroup/bo/memory.current", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		text[0] = '\0';
	if (fd >= 0)
		close(fd);

	return text[0] ? atol(text) : -1;
}

/*
 * More than there is, for this process: ENOMEM, not an OOM kill; and all is given
 * back, what the failed call had got at once. (Without the limit other processes
 * would meet the end of memory as well.)
 */
TEST_F(buffers, exhaustion)
{
	const uint64_t size = MIB(96);
	uint32_t vm, handle;
	long before;

	if (!limit_memory("48M"))
		SKIP(return, "no memory cgroups");
	before = mem_available();
	ASSERT_EQ(0, vm_create(self->fd, &vm));
	ASSERT_EQ(0, bo_create(self->fd, size, 0, &handle));
	EXPECT_EQ(-ENOMEM, vm_map(self->fd, vm, handle, 0, GIB(1), size, 0));
	EXPECT_LE(0, charged_memory());
	EXPECT_GT((long)MIB(16), charged_memory());
	EXPECT_EQ(NULL, bo_map(self->fd, handle, size));
	EXPECT_GT((long)MIB(16), charged_memory());
	ASSERT_EQ(0, bo_close(self->fd, handle));

	EXPECT_TRUE(mem_is_back(before, KIB(8)));
	ASSERT_EQ(0, bo_create(self->fd, MIB(4), 0, &handle));
	EXPECT_EQ(0, vm_map(self->fd, vm, handle, 0, GIB(1), MIB(4), 0));
}

TEST_HARNESS_MAIN
