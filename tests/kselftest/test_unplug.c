// SPDX-License-Identifier: GPL-2.0-only
/* The device goes and comes by sysfs, the module by rmmod, under load and without. */
#include "enpu_test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

FIXTURE(unplug)
{
	char pci[PATH_MAX];
};

FIXTURE_SETUP(unplug)
{
	int fd = enpu_open_wait();

	ASSERT_GE(fd, 0);
	close(fd);
	ASSERT_EQ(0, pci_path(self->pci, sizeof(self->pci)));
}

FIXTURE_TEARDOWN(unplug)
{
	struct ctx ctx;
	int fd = enpu_open_wait();

	ASSERT_GE(fd, 0);
	close(fd);
	ASSERT_EQ(0, ctx_init(&ctx, 0));
	EXPECT_EQ(0, ctx_check_copy(&ctx, 77));
	ctx_fini(&ctx);
}

static int sysfs_remove(const char *pci)
{
	char path[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/remove", pci);
	return write_file(path, "1");
}

static int sysfs_driver(const char *pci, const char *action)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/enpu/%s", action);
	return write_file(path, strrchr(pci, '/') + 1);
}

static int rescan(void)
{
	return write_file("/sys/bus/pci/rescan", "1");
}

TEST_F(unplug, idle)
{
	ASSERT_EQ(0, sysfs_remove(self->pci));
	EXPECT_GT(0, enpu_open());
	ASSERT_EQ(0, rescan());
}

/* Everything that a client has, before and after the device goes */
TEST_F(unplug, open_files)
{
	struct drm_enpu_queue_query query;
	struct drm_enpu_dev_query dev_query = {};
	uint32_t id;
	struct ctx ctx;
	int sync_file;

	ASSERT_EQ(0, ctx_init(&ctx, 0));
	ASSERT_EQ(0, ctx_check_copy(&ctx, 1));
	ctx_restart(&ctx);
	stream_nop(&ctx.stream);
	ASSERT_EQ(0, control("hang 1"));
	ASSERT_EQ(0, ctx_submit(&ctx));
	sync_file = syncobj_export_sync_file(ctx.fd, ctx.syncobj);
	ASSERT_GE(sync_file, 0);

	ASSERT_EQ(0, sysfs_remove(self->pci));
	ASSERT_EQ(0, control("hang 0"));
	EXPECT_EQ(-ENODEV, sync_file_status(sync_file));
	EXPECT_EQ(-ENODEV, enpu_ioctl(ctx.fd, DRM_IOCTL_ENPU_DEV_QUERY, &dev_query));
	EXPECT_EQ(-ENODEV, bo_create(ctx.fd, 4096, 0, &id));
	EXPECT_EQ(-ENODEV, vm_create(ctx.fd, &id));
	EXPECT_EQ(-ENODEV, vm_map(ctx.fd, ctx.vm, ctx.bo, 0, GIB(1), 4096, 0));
	EXPECT_EQ(-ENODEV, queue_create(ctx.fd, ctx.vm, 0, &id));
	EXPECT_EQ(-ENODEV, queue_query(ctx.fd, ctx.queue, &query));
	EXPECT_EQ(-ENODEV, ctx_submit(&ctx));
	EXPECT_EQ(-ENODEV, queue_destroy(ctx.fd, ctx.queue));
	EXPECT_EQ(-ENODEV, vm_destroy(ctx.fd, ctx.vm));
	/* the mapping is still there */
	memset(ctx.mem, 0x5c, CTX_SIZE);
	EXPECT_EQ(0x5c, ctx.mem[CTX_SIZE - 1]);

	/* while the new one is in use, the old one's file is closed */
	ASSERT_EQ(0, rescan());
	ctx_fini(&ctx);
	close(sync_file);
}

/* Works until the device is gone; ENODEV is what must come then, from wherever. */
static void load(void)
{
	struct ctx ctx;
	int ret = ctx_init(&ctx, 0);

	while (!ret)
		ret = ctx_check_copy(&ctx, 1);
	/* it may have gone before we had it open */
	_exit(ret == -ENODEV || ret == -ENOENT ? 0 : -ret);
}

TEST_F_TIMEOUT(unplug, under_load, 180)
{
	unsigned int round, i;

	for (round = 0; round < 10; round++) {
		pid_t pids[4];

		for (i = 0; i < COUNT(pids); i++) {
			pids[i] = fork();
			ASSERT_GE(pids[i], 0);
			if (!pids[i])
				load();
		}
		sleep_ms(30 + 20 * round);
		ASSERT_EQ(0, sysfs_remove(self->pci));
		for (i = 0; i < COUNT(pids); i++) {
			int status;

			ASSERT_EQ(pids[i], waitpid(pids[i], &status, 0));
			EXPECT_EQ(0, status) TH_LOG("load ended with %d", WEXITSTATUS(status));
		}
		ASSERT_EQ(0, rescan());
	}
}

/* The driver alone goes and comes; a dma-buf and an mmap() stay. */
TEST_F(unplug, unbind)
{
	struct drm_prime_handle prime = { .flags = DRM_CLOEXEC | DRM_RDWR };
	struct ctx ctx;
	uint8_t *mem;

	ASSERT_EQ(0, ctx_init(&ctx, 0));
	prime.handle = ctx.bo;
	ASSERT_EQ(0, enpu_ioctl(ctx.fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime));
	ASSERT_EQ(0, sysfs_driver(self->pci, "unbind"));
	mem = mmap(NULL, CTX_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, prime.fd, 0);
	ASSERT_NE(MAP_FAILED, mem);
	mem[CTX_SIZE - 1] = 0x13;
	EXPECT_EQ(0x13, ctx.mem[CTX_SIZE - 1]);
	ASSERT_EQ(0, sysfs_driver(self->pci, "bind"));
	ctx_fini(&ctx);
	munmap(mem, CTX_SIZE);
	close(prime.fd);
}

/* Who has the device open keeps the module; nobody else does. */
TEST_F_TIMEOUT(unplug, module, 180)
{
	unsigned int round;

	for (round = 0; round < 10; round++) {
		struct ctx ctx;
		int fd, sync_file;

		fd = enpu_open_wait();
		ASSERT_GE(fd, 0);
		close(fd);
		ASSERT_EQ(0, ctx_init(&ctx, 0));
		ASSERT_EQ(0, ctx_check_copy(&ctx, round));
		EXPECT_NE(0, run("rmmod enpu 2>/dev/null"));
		sync_file = syncobj_export_sync_file(ctx.fd, ctx.syncobj);
		ASSERT_GE(sync_file, 0);
		if (round & 1)
			ASSERT_EQ(0, ctx_submit(&ctx));
		ctx_fini(&ctx);
		/* a fence is code of the module's too */
		EXPECT_NE(0, run("rmmod enpu 2>/dev/null"));
		close(sync_file);
		ASSERT_EQ(0, run("rmmod enpu"));
		EXPECT_GT(0, enpu_open());
		ASSERT_EQ(0, run("modprobe enpu"));
	}
}

TEST_HARNESS_MAIN
