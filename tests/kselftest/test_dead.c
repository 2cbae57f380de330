// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device dies: its process exits, registers read all ones. It does not come
 * back, so this is the last test of a guest.
 */
#include "enpu_test.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

static void work(void)
{
	struct ctx ctx;
	int ret;

	if (ctx_init(&ctx, 0))
		_exit(1);
	do
		ret = ctx_check_copy(&ctx, 1);
	while (!ret);
	_exit(ret == -ENODEV ? 0 : 2);
}

TEST(dies_under_load)
{
	char path[PATH_MAX], remove[PATH_MAX + 16];
	struct drm_enpu_dev_query query = {};
	struct pollfd poll_fd = { .events = POLLIN };
	int64_t begin, end;
	unsigned int i;
	struct ctx ctx;
	uint32_t id;
	pid_t pids[3];
	int status;

	ASSERT_EQ(0, pci_path(path, sizeof(path)));
	ASSERT_EQ(0, ctx_init(&ctx, 0));
	ASSERT_EQ(0, ctx_check_copy(&ctx, 1));
	for (i = 0; i < COUNT(pids); i++) {
		pids[i] = fork();
		ASSERT_GE(pids[i], 0);
		if (!pids[i])
			work();
	}
	sleep_ms(200);

	begin = now_ns();
	/* the answer can't come */
	control("die");
	ctx_restart(&ctx);
	stream_nop(&ctx.stream);
	/* either is right: taken and failed, or refused */
	if (!ctx_submit(&ctx)) {
		poll_fd.fd = syncobj_export_sync_file(ctx.fd, ctx.syncobj);
		if (poll_fd.fd >= 0) {
			EXPECT_EQ(1, poll(&poll_fd, 1, 20000));
			EXPECT_EQ(-ENODEV, sync_file_status(poll_fd.fd));
			close(poll_fd.fd);
		}
	}
	for (i = 0; i < COUNT(pids); i++) {
		ASSERT_EQ(pids[i], waitpid(pids[i], &status, 0));
		EXPECT_EQ(0, status);
	}
	ksft_print_msg("noticed after %lld ms\n", (long long)(now_ns() - begin) / 1000000);
	EXPECT_LT(now_ns() - begin, 8 * SECOND);

	/* the node goes, files answer ENODEV */
	end = now_ns() + LONG;
	while (enpu_ioctl(ctx.fd, DRM_IOCTL_ENPU_DEV_QUERY, &query) != -ENODEV && now_ns() < end)
		sleep_ms(10);
	EXPECT_EQ(-ENODEV, enpu_ioctl(ctx.fd, DRM_IOCTL_ENPU_DEV_QUERY, &query));
	EXPECT_EQ(-ENODEV, bo_create(ctx.fd, 4096, 0, &id));
	EXPECT_GT(0, enpu_open());
	memset(ctx.mem, 0x5c, CTX_SIZE);
	ctx_fini(&ctx);

	/* and the rest of it can be taken away */
	snprintf(remove, sizeof(remove), "%s/remove", path);
	EXPECT_EQ(0, write_file(remove, "1"));
	EXPECT_EQ(0, run("rmmod enpu"));
	EXPECT_EQ(0, run("modprobe enpu"));
	EXPECT_EQ(0, run("rmmod enpu"));
}

TEST_HARNESS_MAIN
