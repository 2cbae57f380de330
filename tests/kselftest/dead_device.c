// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device dies: its process exits, registers read all ones. It does not come
 * back, so this is the last test of a guest.
 */
#include "enpu_test.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

/* Has jobs in the ring and behind it, and waits for the last. */
static void wait_for_jobs(void)
{
	struct ctx ctx;
	unsigned int i;
	int ret;

	if (ctx_init(&ctx, 0))
		_exit(1);
	stream_nop(&ctx.stream);
	for (i = 0; i < 100; i++)
		if (ctx_submit(&ctx))
			_exit(2);
	ret = ctx_wait(&ctx);
	_exit(ret == -ENODEV ? 0 : 3);
}

TEST(dies_at_work)
{
	char path[PATH_MAX], remove[PATH_MAX + 16];
	struct drm_enpu_dev_query query = {};
	int64_t begin, end;
	unsigned int i;
	struct ctx ctx;
	uint32_t id;
	pid_t pids[2];
	int status, uevents;

	ASSERT_EQ(0, pci_path(path, sizeof(path)));
	uevents = uevent_open();
	ASSERT_GE(uevents, 0);
	ASSERT_EQ(0, ctx_init(&ctx, 0));
	ASSERT_EQ(0, ctx_check_copy(&ctx, 1));
	ASSERT_EQ(0, control("hang 1"));
	for (i = 0; i < COUNT(pids); i++) {
		pids[i] = fork();
		ASSERT_GE(pids[i], 0);
		if (!pids[i])
			wait_for_jobs();
	}
	sleep_ms(300);

	begin = now_ns();
	/* the answer can't come */
	control("die");
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
	EXPECT_EQ(0, uevent_wait(uevents, "WEDGED=bus-reset"));
	close(uevents);
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
