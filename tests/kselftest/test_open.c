// SPDX-License-Identifier: GPL-2.0-only
/* Opening the device, and what it says of itself. */
#include "enpu_test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "kselftest_harness.h"

FIXTURE(open)
{
	int fd;
};

FIXTURE_SETUP(open)
{
	self->fd = enpu_open();
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN(open)
{
	close(self->fd);
}

TEST_F(open, is_enpu)
{
	char name[16] = "";
	struct drm_version version = { .name = name, .name_len = sizeof(name) };
	struct stat st;

	ASSERT_EQ(0, fstat(self->fd, &st));
	EXPECT_TRUE(S_ISCHR(st.st_mode));
	ASSERT_EQ(0, enpu_ioctl(self->fd, DRM_IOCTL_VERSION, &version));
	EXPECT_STREQ("enpu", name);
	EXPECT_EQ(1, version.version_major);
}

TEST_F(open, many_times)
{
	int fds[128];
	unsigned int i;

	for (i = 0; i < COUNT(fds); i++) {
		fds[i] = enpu_open();
		ASSERT_GE(fds[i], 0);
	}
	for (i = 0; i < COUNT(fds); i++) {
		EXPECT_EQ(ENPU_VERSION_1_0, enpu_info(fds[i]).arch_version);
		close(fds[i]);
	}
}

TEST_F(open, capabilities)
{
	struct drm_get_cap cap = { .capability = DRM_CAP_SYNCOBJ_TIMELINE };

	ASSERT_EQ(0, enpu_ioctl(self->fd, DRM_IOCTL_GET_CAP, &cap));
	EXPECT_EQ(1, cap.value);
	cap.capability = DRM_CAP_PRIME;
	ASSERT_EQ(0, enpu_ioctl(self->fd, DRM_IOCTL_GET_CAP, &cap));
	EXPECT_EQ(DRM_PRIME_CAP_IMPORT | DRM_PRIME_CAP_EXPORT, cap.value);
}

TEST_F(open, info)
{
	struct drm_enpu_dev_info info = enpu_info(self->fd);

	EXPECT_EQ(ENPU_VERSION_1_0 >> 16, info.arch_version >> 16);
	EXPECT_GE(info.num_queues, 1);
	EXPECT_LE(info.num_queues, ENPU_MAX_QUEUES);
	EXPECT_GE(info.num_vms, 1);
	EXPECT_GT(info.macs, 0);
	EXPECT_GT(info.clock_khz, 0);
	EXPECT_TRUE(info.opcodes & (1ull << ENPU_OP_DMA_COPY));
	EXPECT_GT(info.va_start, 0);
	EXPECT_EQ(1ull << ENPU_VA_BITS, info.va_end);
	EXPECT_GT(info.default_timeout_ms, 0);
	EXPECT_LE(info.default_timeout_ms, info.max_timeout_ms);
}

TEST_F(open, query_size)
{
	struct drm_enpu_dev_info info;
	struct drm_enpu_dev_query query = { .type = DRM_ENPU_DEV_QUERY_INFO };

	/* without a buffer: how large it should be */
	ASSERT_EQ(0, enpu_ioctl(self->fd, DRM_IOCTL_ENPU_DEV_QUERY, &query));
	EXPECT_EQ(sizeof(info), query.size);

	/* a smaller one, of an older program */
	memset(&info, 0xaa, sizeof(info));
	query.pointer = (uintptr_t)&info;
	query.size = 4;
	ASSERT_EQ(0, enpu_ioctl(self->fd, DRM_IOCTL_ENPU_DEV_QUERY, &query));
	EXPECT_EQ(4, query.size);
	EXPECT_EQ(ENPU_VERSION_1_0, info.arch_version);
	EXPECT_EQ(0xaaaaaaaa, info.implementation);

	/* a larger one, of a newer program */
	query.size = 4096;
	ASSERT_EQ(0, enpu_ioctl(self->fd, DRM_IOCTL_ENPU_DEV_QUERY, &query));
	EXPECT_EQ(sizeof(info), query.size);
}

TEST_F(open, query_errors)
{
	struct drm_enpu_dev_info info;
	struct drm_enpu_dev_query query = { .type = 99, .size = sizeof(info),
					    .pointer = (uintptr_t)&info };

	EXPECT_EQ(-EINVAL, enpu_ioctl(self->fd, DRM_IOCTL_ENPU_DEV_QUERY, &query));
	query.type = DRM_ENPU_DEV_QUERY_INFO;
	query.pointer = 16;
	EXPECT_EQ(-EFAULT, enpu_ioctl(self->fd, DRM_IOCTL_ENPU_DEV_QUERY, &query));
	EXPECT_EQ(-EFAULT, enpu_ioctl(self->fd, DRM_IOCTL_ENPU_DEV_QUERY, (void *)16));
	EXPECT_EQ(-EINVAL, enpu_ioctl(self->fd, DRM_IO(DRM_COMMAND_END - 1), NULL));
}

TEST_F(open, timestamp)
{
	struct drm_enpu_dev_timestamp times[2];
	struct drm_enpu_dev_query query = {
		.type = DRM_ENPU_DEV_QUERY_TIMESTAMP,
		.size = sizeof(times[0]),
	};
	int64_t before = now_ns();
	unsigned int i;

	for (i = 0; i < COUNT(times); i++) {
		query.pointer = (uintptr_t)&times[i];
		ASSERT_EQ(0, enpu_ioctl(self->fd, DRM_IOCTL_ENPU_DEV_QUERY, &query));
	}
	EXPECT_GE(times[1].device_ns, times[0].device_ns);
	EXPECT_GE(times[0].cpu_ns, before);
	EXPECT_GE(times[1].cpu_ns, times[0].cpu_ns);
	EXPECT_LE(times[1].cpu_ns, now_ns());
}

TEST_F(open, fdinfo)
{
	const char *keys[] = {
		"drm-driver:\tenpu\n", "drm-pdev:\t", "drm-client-id:\t", "drm-engine-npu:\t",
		"drm-cycles-npu:\t", "drm-maxfreq-npu:\t", "drm-total-memory:\t",
	};
	char path[64], text[2048];
	unsigned int i;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", self->fd);
	fd = open(path, O_RDONLY);
	ASSERT_GE(fd, 0);
	n = read(fd, text, sizeof(text) - 1);
	ASSERT_GT(n, 0);
	text[n] = '\0';
	close(fd);
	for (i = 0; i < COUNT(keys); i++) {
		bool found = strstr(text, keys[i]);

		EXPECT_TRUE(found) TH_LOG("no %s in:\n%s", keys[i], text);
	}
}

TEST_HARNESS_MAIN
