// SPDX-License-Identifier: GPL-2.0-only
/* Quotas: exactly as many as the limit says, of a user and not of a file, and all come back. */
#include "enpu_test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#define PARAMETER	"/sys/module/enpu/parameters/"

static const char *const names[] = { "max_queues", "max_doorbells", "max_waiting", "max_bo_mib",
				     "max_va_mib" };

FIXTURE(quota)
{
	char before[COUNT(names)][16];
	int fd;
	uint32_t vm;
};

static int set(const char *name, const char *value)
{
	char path[64];

	snprintf(path, sizeof(path), PARAMETER "%s", name);
	return write_file(path, value);
}

FIXTURE_SETUP(quota)
{
	unsigned int i;

	for (i = 0; i < COUNT(names); i++) {
		char path[64];
		FILE *file;

		snprintf(path, sizeof(path), PARAMETER "%s", names[i]);
		file = fopen(path, "re");
		ASSERT_NE(NULL, file);
		ASSERT_NE(NULL, fgets(self->before[i], sizeof(self->before[i]), file));
		fclose(file);
	}
	self->fd = enpu_open();
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, vm_create(self->fd, &self->vm));
}

FIXTURE_TEARDOWN(quota)
{
	unsigned int i;

	for (i = 0; i < COUNT(names); i++)
		set(names[i], self->before[i]);
	close(self->fd);
}

TEST_F(quota, bytes)
{
	uint32_t first, second, handle;
	int other = enpu_open();

	ASSERT_GE(other, 0);
	ASSERT_EQ(0, set("max_bo_mib", "2"));
	EXPECT_EQ(-ENOSPC, bo_create(self->fd, MIB(2) + 1, 0, &handle));
	ASSERT_EQ(0, bo_create(self->fd, MIB(1), 0, &first));
	ASSERT_EQ(0, bo_create(other, MIB(1), 0, &second));
	EXPECT_EQ(-ENOSPC, bo_create(self->fd, 1, 0, &handle));
	EXPECT_EQ(-ENOSPC, bo_create(other, 1, 0, &handle));
	ASSERT_EQ(0, bo_close(self->fd, first));
	ASSERT_EQ(0, bo_create(other, MIB(1), 0, &handle));
	EXPECT_EQ(-ENOSPC, bo_create(self->fd, 4096, 0, &first));

	/* what a file had comes back with it, and with no limit there is none */
	close(other);
	ASSERT_EQ(0, bo_create(self->fd, MIB(2), 0, &first));
	EXPECT_EQ(-ENOSPC, bo_create(self->fd, 4096, 0, &handle));
	ASSERT_EQ(0, set("max_bo_mib", "0"));
	EXPECT_EQ(0, bo_create(self->fd, MIB(2), 0, &handle));
}

TEST_F(quota, bytes_of_another_user)
{
	uint32_t handle;
	int status;
	pid_t pid;

	ASSERT_EQ(0, set("max_bo_mib", "1"));
	ASSERT_EQ(0, bo_create(self->fd, MIB(1), 0, &handle));
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		/* who it is, not what it may */
		if (setreuid(4711, -1))
			_exit(1);
		self->fd = enpu_open();
		_exit(bo_create(self->fd, MIB(1), 0, &handle) ? 2 :
		      bo_create(self->fd, 1, 0, &handle) != -ENOSPC);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* Exactly what is mapped counts, whatever is mapped over or unmapped in the middle. */
TEST_F(quota, mappings)
{
	const uint64_t va = GIB(1);
	uint32_t bo, other;

	ASSERT_EQ(0, bo_create(self->fd, MIB(8), 0, &bo));
	ASSERT_EQ(0, set("max_va_mib", "4"));
	EXPECT_EQ(-ENOSPC, vm_map(self->fd, self->vm, bo, 0, va, MIB(4) + 4096, 0));
	ASSERT_EQ(0, vm_map(self->fd, self->vm, bo, 0, va, MIB(2), 0));
	ASSERT_EQ(0, vm_create(self->fd, &other));
	ASSERT_EQ(0, vm_map(self->fd, other, bo, 0, va, MIB(2), 0));
	EXPECT_EQ(-ENOSPC, vm_map(self->fd, other, bo, 0, GIB(2), 4096, 0));

	/* a hole in the middle, and the same again */
	ASSERT_EQ(0, vm_unmap(self->fd, self->vm, va + MIB(1), 8192));
	ASSERT_EQ(0, vm_map(self->fd, other, bo, 0, GIB(2), 4096, 0));
	ASSERT_EQ(0, vm_map(self->fd, other, bo, 4096, GIB(2), 4096, 0));
	EXPECT_EQ(-ENOSPC, vm_map(self->fd, other, bo, 0, GIB(2) + 4096, 8192, 0));

	/* what a VM had comes back with it */
	ASSERT_EQ(0, vm_destroy(self->fd, other));
	ASSERT_EQ(0, vm_map(self->fd, self->vm, bo, 0, GIB(2), MIB(2), 0));
	ASSERT_EQ(0, vm_map(self->fd, self->vm, bo, 0, GIB(3), 8192, 0));
	EXPECT_EQ(-ENOSPC, vm_map(self->fd, self->vm, bo, 0, GIB(4), 4096, 0));
	ASSERT_EQ(0, set("max_va_mib", "0"));
	EXPECT_EQ(0, vm_map(self->fd, self->vm, bo, 0, GIB(4), MIB(4), 0));
}

TEST_F(quota, queues)
{
	struct drm_enpu_queue_create user = {
		.vm_id = self->vm, .mode = DRM_ENPU_QUEUE_USER,
		.priority = DRM_ENPU_PRIORITY_NORMAL,
	};
	uint32_t ids[3];

	ASSERT_EQ(0, set("max_queues", "2"));
	ASSERT_EQ(0, set("max_doorbells", "1"));
	ASSERT_EQ(0, enpu_ioctl(self->fd, DRM_IOCTL_ENPU_QUEUE_CREATE, &user));
	EXPECT_EQ(-ENOSPC, enpu_ioctl(self->fd, DRM_IOCTL_ENPU_QUEUE_CREATE, &user));
	ASSERT_EQ(0, queue_create(self->fd, self->vm, 0, &ids[0]));
	EXPECT_EQ(-ENOSPC, queue_create(self->fd, self->vm, 0, &ids[1]));
	ASSERT_EQ(0, queue_destroy(self->fd, ids[0]));
	ASSERT_EQ(0, queue_create(self->fd, self->vm, 0, &ids[0]));
	/* what fails for another reason costs nothing */
	ASSERT_EQ(0, queue_destroy(self->fd, ids[0]));
	EXPECT_EQ(-ENOENT, queue_create(self->fd, 999, 0, &ids[1]));
	ASSERT_EQ(0, queue_create(self->fd, self->vm, 0, &ids[0]));
}

/* Submissions that wait for somebody else's fence */
TEST_F(quota, waiting)
{
	struct drm_enpu_sync sync = {};
	uint32_t queue, gate, i;
	struct ctx ctx;

	ASSERT_EQ(0, ctx_init(&ctx, 0));
	ASSERT_EQ(0, queue_create(ctx.fd, ctx.vm, 0, &queue));
	ASSERT_EQ(0, syncobj_create(ctx.fd, &gate));
	ASSERT_EQ(0, set("max_waiting", "3"));
	for (i = 0; i < 200; i++)
		stream_busy(&ctx.stream, REGION_DST);
	ASSERT_EQ(0, ctx_submit_to(&ctx, ctx.queue, gate));
	sync.handle = gate;
	for (i = 0; i < 4; i++) {
		int ret = submit(ctx.fd, queue, NULL, 0, &sync, 1);

		if (ret) {
			EXPECT_EQ(-ENOSPC, ret);
			break;
		}
	}
	/* the first one may be on the short way, which waits for nothing */
	EXPECT_GE(i, 2);
	EXPECT_LE(i, 3);
	ASSERT_EQ(0, ctx_wait_for(&ctx, gate));
	sleep_ms(100);
	EXPECT_EQ(0, submit(ctx.fd, queue, NULL, 0, &sync, 1));
	ctx_fini(&ctx);
}

TEST_HARNESS_MAIN
