// SPDX-License-Identifier: MIT
/*
 * The sim plug-in through its table of functions, as libaccel uses it.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <accel/backend.h>

#include "fixture.h"

#define VA		0x100000ull
#define BO_SIZE		0x4000u
#define STREAM		0x1000u		/* offsets in the BO */
#define REGIONS		0x2000u
#define PROFILE		0x3000u

static const struct accel_backend_ops *ops;

struct env {
	struct accel_backend_device *dev;
	struct accel_backend_bo *bo;
	struct accel_backend_vm *vm;
	struct accel_backend_queue *queue;
	uint8_t *map;
};

static int setup(void **state)
{
	const struct accel_backend_queue_attrs attrs = { .priority = ENPU_PRIORITY_NORMAL };
	struct env *env = calloc(1, sizeof(*env));
	struct enpu_region *regions;

	ops = accel_backend_entry();
	assert_int_equal(ops->abi, ACCEL_BACKEND_ABI);
	assert_int_equal(ops->open(0, &env->dev, NULL), 0);
	assert_int_equal(ops->bo_create(env->dev, BO_SIZE, &env->bo), 0);
	env->map = ops->bo_map(env->bo);
	assert_int_equal(ops->vm_create(env->dev, &env->vm), 0);
	assert_int_equal(ops->vm_bind(env->vm, VA, env->bo, 0, BO_SIZE, 0), 0);
	assert_int_equal(ops->queue_create(env->vm, &attrs, &env->queue), 0);
	regions = (struct enpu_region *)(env->map + REGIONS);
	regions[0] = (struct enpu_region) { VA, 0x1000 };
	regions[1] = (struct enpu_region) { VA + 0x10000, 0x1000 };
	*state = env;
	return 0;
}

static int teardown(void **state)
{
	struct env *env = *state;

	if (env->queue)
		ops->queue_destroy(env->queue);
	ops->vm_destroy(env->vm);
	ops->bo_destroy(env->bo);
	ops->close(env->dev);
	free(env);
	return 0;
}

/* A job that copies length bytes from region 0 to a region, count times over */
static struct accel_backend_job copy_job(struct env *env, unsigned int to, uint32_t length,
					 uint32_t count)
{
	struct enpu_cmd_dma cmd = {
		.cmd = header(ENPU_OP_DMA_COPY, ENPU_ENGINE_DMA0, sizeof(cmd)),
		.src = ref(0, 0, 0),
		.dst = ref(to, 0, 0x800),
		.length = length,
		.count = { 1, count, 1, 1 },
	};

	cmd.cmd.layer = 7;
	memcpy(env->map + STREAM, &cmd, sizeof(cmd));
	return (struct accel_backend_job) {
		.stream_va = VA + STREAM,
		.stream_size = sizeof(cmd),
		.num_regions = 2,
		.regions_va = VA + REGIONS,
	};
}

static void test_open(void **state)
{
	struct accel_backend_device *dev;
	struct accel_backend_error err = { "" };
	struct accel_backend_info info;
	struct env *env = *state;

	assert_int_equal(ops->count(), 1);
	assert_int_equal(ops->open(1, &dev, &err), -ENODEV);
	assert_int_equal(ops->query(env->dev, &info), 0);
	assert_int_equal(info.macs, 512);
	assert_int_equal(info.arch_version, ENPU_VERSION_1_0);
	assert_int_equal(info.va_end, 1ull << 39);

	setenv("ACCEL_SIM_CONFIG", "enpu-7", 1);
	assert_int_equal(ops->open(0, &dev, &err), -EINVAL);
	assert_non_null(strstr(err.text, "enpu-7"));
	assert_non_null(strstr(err.text, "enpu-2048"));
	setenv("ACCEL_SIM_CONFIG", "enpu-2048", 1);
	assert_int_equal(ops->open(0, &dev, &err), 0);
	assert_int_equal(ops->query(dev, &info), 0);
	assert_int_equal(info.macs, 2048);
	ops->close(dev);
	unsetenv("ACCEL_SIM_CONFIG");
}

static void test_run(void **state)
{
	struct env *env = *state;
	struct enpu_profile *profile = (struct enpu_profile *)(env->map + PROFILE);
	struct accel_backend_job job = copy_job(env, 0, 16, 1);
	uint64_t point = 0;

	for (unsigned int i = 0; i < BO_SIZE - PROFILE; i++)
		assert_int_equal(env->map[PROFILE + i], 0);
	memset(env->map, 0x42, 16);
	job.profile_va = VA + PROFILE;
	assert_int_equal(ops->submit(env->queue, &job, &point), 0);
	assert_int_equal(point, 1);
	assert_int_equal(ops->wait(env->queue, point, -1), 0);
	assert_int_equal(env->map[0x80f], 0x42);
	assert_int_equal(env->map[0x810], 0);
	assert_int_equal(profile->commands, 1);
	assert_int_equal(ops->wait(env->queue, point, 0), 0);
	assert_int_equal(ops->wait(env->queue, 2, 0), -EINVAL);
	assert_int_equal(ops->wait(env->queue, 0, 0), -EINVAL);
}

static void test_fault(void **state)
{
	struct env *env = *state;
	struct accel_backend_job good = copy_job(env, 0, 16, 1), bad;
	struct accel_backend_fault fault;
	uint64_t point;

	assert_int_equal(ops->submit(env->queue, &good, &point), 0);
	assert_int_equal(ops->wait(env->queue, point, -1), 0);
	bad = copy_job(env, 1, 16, 1);
	assert_int_equal(ops->submit(env->queue, &bad, &point), 0);
	assert_int_equal(ops->wait(env->queue, point, -1), -EFAULT);
	assert_int_equal(ops->queue_fault(env->queue, &fault), 0);
	assert_int_equal(fault.cause, ENPU_FAULT_UNMAPPED);
	assert_int_equal(fault.addr, VA + 0x10800);
	assert_int_equal(fault.error, EFAULT);
	assert_int_equal(fault.command, 0);
	assert_int_equal(fault.layer, 7);
	assert_int_equal(fault.job, 2);
	/* What had completed still has; there is no more */
	assert_int_equal(ops->wait(env->queue, 1, 0), 0);
	assert_int_equal(ops->submit(env->queue, &good, &point), -EIO);
}

static void test_bind(void **state)
{
	struct env *env = *state;
	struct accel_backend_fault fault;
	struct accel_backend_job job;
	uint64_t point;

	assert_int_equal(ops->vm_bind(env->vm, VA + 1, env->bo, 0, 4096, 0), -EINVAL);
	assert_int_equal(ops->vm_bind(env->vm, VA, env->bo, 0x3000, 0x2000, 0), -EINVAL);
	assert_int_equal(ops->vm_bind(env->vm, 1ull << 39, env->bo, 0, 4096, 0), -EINVAL);
	assert_int_equal(ops->vm_bind(env->vm, 0, env->bo, 0, 4096, 0), -EINVAL);

	/* Read only over a part of what is mapped: the rest stays as it was */
	assert_int_equal(ops->vm_bind(env->vm, VA + 0x10000, env->bo, 0, BO_SIZE, 0), 0);
	assert_int_equal(ops->vm_bind(env->vm, VA + 0x11000, env->bo, 0x3000, 0x1000,
				      ACCEL_BACKEND_BIND_READ_ONLY), 0);
	job = copy_job(env, 1, 16, 1);
	memset(env->map, 0x11, 16);
	assert_int_equal(ops->submit(env->queue, &job, &point), 0);
	assert_int_equal(ops->wait(env->queue, point, -1), 0);
	assert_int_equal(env->map[0x800], 0x11);

	((struct enpu_region *)(env->map + REGIONS))[1].va = VA + 0x11000;
	assert_int_equal(ops->submit(env->queue, &job, &point), 0);
	assert_int_equal(ops->wait(env->queue, point, -1), -EFAULT);
	assert_int_equal(ops->queue_fault(env->queue, &fault), 0);
	assert_int_equal(fault.cause, ENPU_FAULT_READ_ONLY);
	assert_int_equal(fault.addr, VA + 0x11800);
	assert_int_equal(ops->vm_unbind(env->vm, VA + 0x10000, 0x10000), 0);
}

static void test_unbind_splits(void **state)
{
	struct env *env = *state;
	struct accel_backend_job job = copy_job(env, 0, 16, 1);
	struct accel_backend_fault fault;
	uint64_t point;

	/* Of four pages the one of the region table goes */
	assert_int_equal(ops->vm_unbind(env->vm, VA + REGIONS, 0x1000), 0);
	job.profile_va = VA + PROFILE;
	assert_int_equal(ops->submit(env->queue, &job, &point), 0);
	assert_int_equal(ops->wait(env->queue, point, -1), -EFAULT);
	assert_int_equal(ops->queue_fault(env->queue, &fault), 0);
	assert_int_equal(fault.addr, VA + REGIONS);
	assert_int_equal(fault.command, ENPU_FAULT_NO_COMMAND);
}

static int poll_fd(int fd, int timeout_ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, timeout_ms);
}

static void test_fence(void **state)
{
	struct env *env = *state;
	/* Long enough to be seen running: 2^32 bytes */
	struct accel_backend_job slow = copy_job(env, 0, 1 << 10, 1 << 22);
	uint64_t point;
	int fd;

	assert_int_equal(ops->fence_fd(env->queue, 1), -EINVAL);
	assert_int_equal(ops->submit(env->queue, &slow, &point), 0);
	fd = ops->fence_fd(env->queue, point);
	assert_true(fd >= 0);
	assert_int_equal(poll_fd(fd, 0), 0);
	assert_int_equal(ops->wait(env->queue, point, 0), -ETIME);
	assert_int_equal(ops->wait(env->queue, point, 1000000), -ETIME);

	/* Destroying the queue abandons the job and signals the fence */
	ops->queue_destroy(env->queue);
	env->queue = NULL;
	assert_int_equal(poll_fd(fd, 0), 1);
	close(fd);
}

static void test_fence_of_done(void **state)
{
	struct env *env = *state;
	struct accel_backend_job job = copy_job(env, 0, 16, 1);
	uint64_t point;
	int fd;

	assert_int_equal(ops->submit(env->queue, &job, &point), 0);
	fd = ops->fence_fd(env->queue, point);
	assert_true(fd >= 0);
	assert_int_equal(poll_fd(fd, 20000), 1);
	close(fd);
	fd = ops->fence_fd(env->queue, point);
	assert_int_equal(poll_fd(fd, 0), 1);
	close(fd);
}

static void test_timeout(void **state)
{
	const struct accel_backend_queue_attrs attrs = { .timeout_ms = 5 };
	struct env *env = *state;
	struct accel_backend_job slow = copy_job(env, 0, 1 << 10, 1 << 22);
	struct accel_backend_queue *queue;
	struct accel_backend_fault fault;
	uint64_t point, other;

	assert_int_equal(ops->queue_create(env->vm, &attrs, &queue), 0);
	assert_int_equal(ops->submit(queue, &slow, &point), 0);
	assert_int_equal(ops->wait(queue, point, -1), -ETIMEDOUT);
	assert_int_equal(ops->queue_fault(queue, &fault), 0);
	assert_int_equal(fault.cause, ENPU_FAULT_NONE);
	assert_int_equal(fault.error, ETIME);
	assert_int_equal(fault.layer, 7);

	/* The device is there for others */
	slow = copy_job(env, 0, 16, 1);
	assert_int_equal(ops->submit(env->queue, &slow, &other), 0);
	assert_int_equal(ops->wait(env->queue, other, -1), 0);
	ops->queue_destroy(queue);
}

/* Many commands of some ms each: through SRAM, so that what it held must not be lost */
static struct accel_backend_job long_job(struct env *env)
{
	struct enpu_cmd_dma *cmds = (struct enpu_cmd_dma *)(env->map + STREAM);
	struct accel_backend_job job = copy_job(env, ENPU_REGION_SRAM, 1 << 10, 40000);
	const size_t n = 30;

	for (size_t i = 1; i < n; i++)
		cmds[i] = cmds[0];
	cmds[0].count[1] = 1;
	for (size_t i = 1; i < n; i++) {
		cmds[i].src = ref(ENPU_REGION_SRAM, 0, 0x800);
		cmds[i].dst = ref(i + 1 < n ? ENPU_REGION_SRAM : 0, 0, i + 1 < n ? 0x1000 : 0x800);
	}
	job.stream_size = (uint32_t)(n * sizeof(cmds[0]));
	return job;
}

static void test_preemption(void **state)
{
	const struct accel_backend_queue_attrs high = { .priority = ENPU_PRIORITY_HIGH };
	const struct accel_backend_queue_attrs equal = { .priority = ENPU_PRIORITY_NORMAL };
	struct env *env = *state;
	struct accel_backend_job job = long_job(env), fast = { 0 };
	struct accel_backend_queue *urgent, *other;
	uint64_t point, fast_point, other_point;

	assert_int_equal(ops->queue_create(env->vm, &high, &urgent), 0);
	assert_int_equal(ops->queue_create(env->vm, &equal, &other), 0);
	memset(env->map, 0x42, 1 << 10);
	assert_int_equal(ops->submit(env->queue, &job, &point), 0);
	assert_int_equal(ops->submit(other, &job, &other_point), 0);
	/* Both have begun, and neither is complete, when the urgent one is */
	assert_int_equal(ops->wait(env->queue, point, 20000000), -ETIME);
	assert_int_equal(ops->submit(urgent, &fast, &fast_point), 0);
	assert_int_equal(ops->wait(urgent, fast_point, -1), 0);
	assert_int_equal(ops->wait(env->queue, point, 0), -ETIME);
	assert_int_equal(ops->wait(other, other_point, 0), -ETIME);
	/* One is given up in its midst, the other has its SRAM still */
	ops->queue_destroy(other);
	assert_int_equal(ops->wait(env->queue, point, -1), 0);
	assert_int_equal(env->map[0x800], 0x42);
	assert_int_equal(env->map[0xbff], 0x42);
	ops->queue_destroy(urgent);
}

static void *hammer(void *arg)
{
	struct env *env = arg;
	const struct accel_backend_queue_attrs attrs = { .priority = ENPU_PRIORITY_LOW };
	struct accel_backend_job job = {
		.stream_va = VA + STREAM,
		.stream_size = sizeof(struct enpu_cmd_dma),
		.num_regions = 2,
		.regions_va = VA + REGIONS,
	};
	struct accel_backend_queue *queue;
	uint64_t point = 0, failures = 0;

	if (ops->queue_create(env->vm, &attrs, &queue))
		return (void *)1;
	for (unsigned int i = 0; i < 200; i++) {
		failures += ops->submit(queue, &job, &point) != 0;
		if (i % 16 == 0)
			failures += ops->wait(queue, point, -1) != 0;
	}
	failures += ops->wait(queue, point, -1) != 0;
	failures += point != 200;
	ops->queue_destroy(queue);
	return (void *)(uintptr_t)failures;
}

static void test_threads(void **state)
{
	struct env *env = *state;
	pthread_t threads[4];

	copy_job(env, 0, 16, 1);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hammer, env), 0);
	for (unsigned int i = 0; i < 4; i++) {
		void *failures;

		pthread_join(threads[i], &failures);
		assert_null(failures);
	}
}

static void test_any_order(void **state)
{
	struct accel_backend_device *dev;
	struct accel_backend_bo *bo;
	struct accel_backend_vm *vm;

	assert_int_equal(ops->open(0, &dev, NULL), 0);
	assert_int_equal(ops->bo_create(dev, 1, &bo), 0);
	assert_int_equal(ops->vm_create(dev, &vm), 0);
	assert_int_equal(ops->vm_bind(vm, VA, bo, 0, 4096, 0), 0);
	ops->close(dev);
	ops->bo_destroy(bo);
	ops->vm_destroy(vm);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_open),
		TEST(test_run),
		TEST(test_fault),
		TEST(test_bind),
		TEST(test_unbind_splits),
		TEST(test_fence),
		TEST(test_fence_of_done),
		TEST(test_timeout),
		TEST(test_preemption),
		TEST(test_threads),
		TEST(test_any_order),
	};

	return cmocka_run_group_tests_name("device: sim plug-in", tests, NULL, NULL);
}
