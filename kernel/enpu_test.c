// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: KUnit
 *
 * What can be tested without a device: page tables (enpu_mmu_test.c), quotas
 * (enpu_quota_test.c), and here counting of jobs, accounts, and what the uapi refuses. Part
 * of the module if it is built with ENPU_KUNIT=y for a kernel that has KUnit; the suites run
 * when it is loaded, before the first user.
 */

#include <linux/dma-fence.h>
#include <linux/mman.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include <kunit/test.h>

#include <enpu/regs.h>

#include "enpu_account.h"
#include "enpu_device.h"
#include "enpu_queue.h"
#include "enpu_sched.h"
#include "enpu_test.h"
#include "enpu_uapi.h"
#include "enpu_vm.h"

/* --- counting of jobs --- */

static struct enpu_device *fake_device(struct kunit *test)
{
	struct enpu_device *enpu = kunit_kzalloc(test, sizeof(*enpu), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, enpu);
	spin_lock_init(&enpu->accounts.lock);
	INIT_LIST_HEAD(&enpu->accounts.labels);
	enpu->info.max_ring_order = 10;
	enpu->info.max_timeout_ms = 1000;
	enpu->info.va_start = SZ_1M;
	enpu->info.va_end = BIT_ULL(ENPU_VA_BITS);

	return enpu;
}

/* A queue with a small ring and a status page, without a machine behind it */
static struct enpu_queue *fake_queue(struct kunit *test, u64 producer)
{
	struct enpu_queue *queue = kunit_kzalloc(test, sizeof(*queue), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, queue);
	queue->enpu = fake_device(test);
	queue->ring_order = 2;
	queue->ring = kunit_kcalloc(test, 4, sizeof(*queue->ring), GFP_KERNEL);
	queue->status = kunit_kzalloc(test, sizeof(*queue->status), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, queue->ring);
	KUNIT_ASSERT_NOT_NULL(test, queue->status);
	queue->producer = producer;
	queue->status->completed = producer;
	queue->deadline = KTIME_MAX;
	queue->fence_context = dma_fence_context_alloc(1);
	spin_lock_init(&queue->lock);
	INIT_LIST_HEAD(&queue->fences);

	return queue;
}

/* Puts so many jobs into the ring, with their numbers as cookies; a reference to the fence. */
static struct dma_fence *fill(struct kunit *test, struct enpu_queue *queue, u32 count)
{
	struct enpu_fence *fence = enpu_fence_alloc();
	struct enpu_job jobs[4] = {};
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, fence);
	for (i = 0; i < count; i++)
		jobs[i].cookie = queue->producer + i;
	spin_lock_irq(&queue->lock);
	enpu_sched_fill_ring(queue, jobs, count, fence);
	spin_unlock_irq(&queue->lock);

	return &fence->base;
}

/* Returns a mask of those that have signalled. */
static unsigned int set_completed(struct enpu_queue *queue, u64 completed,
				  struct dma_fence **fences, unsigned int count)
{
	unsigned int i, done = 0;

	spin_lock_irq(&queue->lock);
	queue->status->completed = completed;
	enpu_sched_complete(queue);
	spin_unlock_irq(&queue->lock);
	for (i = 0; i < count; i++)
		done |= dma_fence_is_signaled(fences[i]) << i;

	return done;
}

/* The doorbell has 32 bits, the count has 64. */
static void enpu_jobs_wrap(struct kunit *test)
{
	const u64 base = U32_MAX - 1ull;
	struct enpu_queue *queue = fake_queue(test, base);
	struct dma_fence *fences[4];
	unsigned int i;

	KUNIT_EXPECT_TRUE(test, enpu_sched_has_room(queue, 4));
	KUNIT_EXPECT_FALSE(test, enpu_sched_has_room(queue, 5));
	fences[0] = fill(test, queue, 1);
	fences[1] = fill(test, queue, 2);
	/* a sync point has the count of the job before it, and no entry */
	fences[2] = fill(test, queue, 0);
	fences[3] = fill(test, queue, 1);
	KUNIT_EXPECT_EQ(test, queue->producer, base + 4);
	KUNIT_EXPECT_EQ(test, lower_32_bits(queue->producer), 2);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, queue->ring[(base + i) % 4].cookie, base + i);
	KUNIT_EXPECT_FALSE(test, enpu_sched_has_room(queue, 1));
	KUNIT_EXPECT_TRUE(test, enpu_sched_has_room(queue, 0));

	/* what the low half alone would say: */
	KUNIT_EXPECT_EQ(test, set_completed(queue, 5, fences, 4), 0x0);
	KUNIT_EXPECT_EQ(test, set_completed(queue, base, fences, 4), 0x0);
	KUNIT_EXPECT_EQ(test, set_completed(queue, base + 1, fences, 4), 0x1);
	KUNIT_EXPECT_TRUE(test, enpu_sched_has_room(queue, 1));
	KUNIT_EXPECT_FALSE(test, enpu_sched_has_room(queue, 2));
	KUNIT_EXPECT_EQ(test, set_completed(queue, base + 2, fences, 4), 0x1);
	KUNIT_EXPECT_EQ(test, set_completed(queue, base + 3, fences, 4), 0x7);
	KUNIT_EXPECT_EQ(test, set_completed(queue, base + 4, fences, 4), 0xf);
	KUNIT_EXPECT_TRUE(test, enpu_sched_has_room(queue, 4));
	KUNIT_EXPECT_TRUE(test, list_empty(&queue->fences));
	for (i = 0; i < ARRAY_SIZE(fences); i++) {
		KUNIT_EXPECT_EQ(test, fences[i]->seqno, i + 1);
		KUNIT_EXPECT_EQ(test, dma_fence_get_status(fences[i]), 1);
		dma_fence_put(fences[i]);
	}
}

static void enpu_jobs_fail(struct kunit *test)
{
	struct enpu_queue *queue = fake_queue(test, 0);
	struct dma_fence *fences[3];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fences); i++)
		fences[i] = fill(test, queue, 1);
	KUNIT_EXPECT_EQ(test, set_completed(queue, 1, fences, 3), 0x1);
	spin_lock_irq(&queue->lock);
	enpu_sched_fail(queue, -EFAULT, -ECANCELED);
	/* there is nobody left */
	enpu_sched_fail(queue, -EIO, -EIO);
	spin_unlock_irq(&queue->lock);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(fences[0]), 1);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(fences[1]), -EFAULT);
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(fences[2]), -ECANCELED);
	for (i = 0; i < ARRAY_SIZE(fences); i++)
		dma_fence_put(fences[i]);
}

static struct kunit_case enpu_jobs_cases[] = {
	KUNIT_CASE(enpu_jobs_wrap),
	KUNIT_CASE(enpu_jobs_fail),
	{}
};

static struct kunit_suite enpu_jobs_suite = {
	.name = "enpu_jobs",
	.test_cases = enpu_jobs_cases,
};

/* --- accounts --- */

static void free_accounts(struct enpu_device *enpu)
{
	struct enpu_label *label, *next;

	list_for_each_entry_safe(label, next, &enpu->accounts.labels, node)
		kfree(label);
}

static void enpu_account_by_name(struct kunit *test)
{
	struct enpu_device *enpu = fake_device(test);
	struct enpu_label *a = enpu_account_open(enpu, "a"), *b = enpu_account_open(enpu, "b");

	KUNIT_ASSERT_NOT_NULL(test, a);
	KUNIT_ASSERT_NOT_NULL(test, b);
	KUNIT_EXPECT_PTR_NE(test, a, b);
	KUNIT_EXPECT_PTR_EQ(test, a, enpu_account_open(enpu, "a"));
	KUNIT_EXPECT_EQ(test, a->queues, 2);
	enpu_account_cancel(enpu, a);
	KUNIT_EXPECT_EQ(test, a->queues, 1);
	/* no label is a label */
	KUNIT_EXPECT_STREQ(test, enpu_account_open(enpu, "")->name, "");
	KUNIT_EXPECT_EQ(test, enpu->accounts.count, 3);
	free_accounts(enpu);
}

static void enpu_account_bounded(struct kunit *test)
{
	struct enpu_device *enpu = fake_device(test);
	struct enpu_label *alive = enpu_account_open(enpu, "alive");
	unsigned int i;
	char name[16];

	KUNIT_ASSERT_NOT_NULL(test, alive);
	for (i = 0; i < 1000; i++) {
		struct enpu_label *label;

		snprintf(name, sizeof(name), "%u", i);
		label = enpu_account_open(enpu, name);
		KUNIT_ASSERT_NOT_NULL(test, label);
		KUNIT_ASSERT_EQ(test, label->past.jobs, 0);
		label->past = (struct enpu_usage){ 1, 10, 100 };
		enpu_account_cancel(enpu, label);
	}
	KUNIT_EXPECT_EQ(test, enpu->accounts.count, 256);
	/* what had to make room is not lost, and who has a queue did not have to */
	KUNIT_EXPECT_EQ(test, enpu->accounts.others.jobs, 1000 - 255);
	KUNIT_EXPECT_EQ(test, enpu->accounts.others.busy_ns, 10 * (1000 - 255));
	KUNIT_EXPECT_EQ(test, enpu->accounts.others.busy_cycles, 100 * (1000 - 255));
	KUNIT_EXPECT_PTR_EQ(test, alive, enpu_account_open(enpu, "alive"));
	KUNIT_EXPECT_EQ(test, enpu_account_open(enpu, "999")->past.jobs, 1);
	free_accounts(enpu);
}

static struct kunit_case enpu_account_cases[] = {
	KUNIT_CASE(enpu_account_by_name),
	KUNIT_CASE(enpu_account_bounded),
	{}
};

static struct kunit_suite enpu_account_suite = {
	.name = "enpu_account",
	.test_cases = enpu_account_cases,
};

/* --- what the uapi refuses --- */

/* A good struct with one field changed, and what the check says of that */
#define EXPECT_CHECK(test, error, check, subject, good, field, value)	\
	do {								\
		typeof(good) bad_ = (good);				\
									\
		bad_.field = (value);					\
		KUNIT_EXPECT_EQ_MSG(test, (error), check(subject, &bad_), \
				    #field " = " #value);		\
	} while (0)

static void enpu_uapi_arrays(struct kunit *test)
{
	struct drm_enpu_array good = { .stride = 24, .count = 10 };

	KUNIT_EXPECT_EQ(test, 0, enpu_check_array(&good, 24, 10));
	KUNIT_EXPECT_EQ(test, 0, enpu_check_array(&good, 16, 10));
	KUNIT_EXPECT_EQ(test, -EINVAL, enpu_check_array(&good, 25, 10));
	KUNIT_EXPECT_EQ(test, -EINVAL, enpu_check_array(&good, 24, 9));
#define TRY(error, field, value) do {						\
		struct drm_enpu_array bad = good;				\
		bad.field = value;						\
		KUNIT_EXPECT_EQ_MSG(test, error, enpu_check_array(&bad, 24, 10),	\
				    #field " = " #value);			\
	} while (0)
	TRY(-EINVAL, stride, 0);
	TRY(0, stride, PAGE_SIZE);
	TRY(-EINVAL, stride, PAGE_SIZE + 1);
	TRY(-EINVAL, stride, U32_MAX);
	TRY(-EINVAL, count, 11);
	TRY(-EINVAL, count, U32_MAX);
	/* without elements nothing else matters */
	TRY(0, count, 0);
#undef TRY
}

static void enpu_uapi_elements(struct kunit *test)
{
	struct drm_enpu_array array = { .count = 2 };
	struct { u64 a, b, c; } old = {}, now = {};
	unsigned long user;
	u64 data[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

	user = kunit_vm_mmap(test, NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
			     MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_ASSERT_NE(test, user, 0);
	KUNIT_ASSERT_EQ(test, 0, copy_to_user((void __user *)user, data, sizeof(data)));
	array.array = user;

	/* as it is known */
	array.stride = sizeof(now);
	KUNIT_EXPECT_EQ(test, 0, enpu_copy_element(&now, sizeof(now), &array, 1));
	KUNIT_EXPECT_EQ(test, now.a, 4);
	KUNIT_EXPECT_EQ(test, now.c, 6);
	/* of an older program, that does not know c */
	old.c = 99;
	array.stride = 16;
	KUNIT_EXPECT_EQ(test, 0, enpu_copy_element(&old, sizeof(old), &array, 1));
	KUNIT_EXPECT_EQ(test, old.a, 3);
	KUNIT_EXPECT_EQ(test, old.b, 4);
	KUNIT_EXPECT_EQ(test, old.c, 0);
	/* of a newer one: fine, if it does not use what we don't know */
	array.stride = 32;
	KUNIT_EXPECT_EQ(test, -EINVAL, enpu_copy_element(&now, sizeof(now), &array, 0));
	data[3] = 0;
	KUNIT_ASSERT_EQ(test, 0, copy_to_user((void __user *)user, data, sizeof(data)));
	KUNIT_EXPECT_EQ(test, 0, enpu_copy_element(&now, sizeof(now), &array, 0));
	KUNIT_EXPECT_EQ(test, now.c, 3);
	/* across the end of what is mapped, and far away */
	array.array = user + PAGE_SIZE - 16;
	KUNIT_EXPECT_EQ(test, -EFAULT, enpu_copy_element(&now, sizeof(now), &array, 1));
	array.array = U64_MAX - 7;
	KUNIT_EXPECT_EQ(test, -EFAULT, enpu_copy_element(&now, sizeof(now), &array, 0));
}

static void enpu_uapi_vm_bind(struct kunit *test)
{
	struct enpu_vm *vm = kunit_kzalloc(test, sizeof(*vm), GFP_KERNEL);
	struct drm_enpu_vm_bind_op map = {
		.type = DRM_ENPU_VM_BIND_MAP, .bo_handle = 1, .va = SZ_1M, .size = SZ_4K,
	};
	struct drm_enpu_vm_bind_op unmap = {
		.type = DRM_ENPU_VM_BIND_UNMAP, .va = SZ_1M, .size = SZ_4K,
	};
	u64 end = BIT_ULL(ENPU_VA_BITS);

	KUNIT_ASSERT_NOT_NULL(test, vm);
	vm->enpu = fake_device(test);
	KUNIT_EXPECT_EQ(test, 0, enpu_vm_check_op(vm, &unmap));
#define TRY(error, field, value) EXPECT_CHECK(test, error, enpu_vm_check_op, vm, map, field, value)
	TRY(0, flags, 0);
	TRY(0, flags, DRM_ENPU_VM_BIND_READ_ONLY);
	TRY(-EINVAL, flags, DRM_ENPU_VM_BIND_READ_ONLY << 1);
	TRY(-EINVAL, flags, BIT(31));
	TRY(-EINVAL, type, 2);
	TRY(-EINVAL, type, U32_MAX);
	TRY(-EINVAL, pad, 1);
	TRY(-EINVAL, size, 0);
	TRY(-EINVAL, size, SZ_4K + 1);
	TRY(0, size, end - SZ_1M);
	TRY(-EINVAL, size, end - SZ_1M + SZ_4K);
	TRY(-EINVAL, size, U64_MAX & ~(SZ_4K - 1ull));
	TRY(-EINVAL, va, SZ_1M - SZ_4K);
	TRY(-EINVAL, va, SZ_1M + 8);
	TRY(0, va, end - SZ_4K);
	TRY(-EINVAL, va, end);
	TRY(-EINVAL, va, U64_MAX & ~(SZ_4K - 1ull));
	TRY(-EINVAL, bo_offset, 1);
	TRY(0, bo_offset, SZ_64K);
#undef TRY
#define TRY(field) EXPECT_CHECK(test, -EINVAL, enpu_vm_check_op, vm, unmap, field, 1)
	TRY(flags);
	TRY(bo_handle);
	TRY(pad);
#undef TRY
	EXPECT_CHECK(test, -EINVAL, enpu_vm_check_op, vm, unmap, bo_offset, SZ_4K);
}

static void enpu_uapi_queue_create(struct kunit *test)
{
	struct enpu_device *enpu = fake_device(test);
	struct drm_enpu_queue_create good = {
		.vm_id = 1, .priority = DRM_ENPU_PRIORITY_NORMAL, .label = "good",
	};
	struct drm_enpu_queue_create bad = good;

#define TRY(error, field, value) \
	EXPECT_CHECK(test, error, enpu_queue_check_args, enpu, good, field, value)
	TRY(0, flags, 0);
	TRY(-EINVAL, flags, 1);
	TRY(0, mode, DRM_ENPU_QUEUE_USER);
	TRY(-EINVAL, mode, DRM_ENPU_QUEUE_USER + 1);
	TRY(0, priority, DRM_ENPU_PRIORITY_LOW);
	/* who loads a module may have it */
	TRY(0, priority, DRM_ENPU_PRIORITY_REALTIME);
	TRY(-EINVAL, priority, DRM_ENPU_PRIORITY_REALTIME + 1);
	TRY(-EINVAL, ring_order, ENPU_MIN_RING_ORDER - 1);
	TRY(0, ring_order, ENPU_MIN_RING_ORDER);
	TRY(0, ring_order, 10);
	TRY(-EINVAL, ring_order, 11);
	TRY(-EINVAL, ring_order, U32_MAX);
	TRY(0, timeout_ms, 1000);
	TRY(-EINVAL, timeout_ms, 1001);
	TRY(-EINVAL, pad, 1);
	TRY(-EINVAL, pad2, 1);
#undef TRY
	memset(bad.label, 'x', sizeof(bad.label));
	KUNIT_EXPECT_EQ(test, -EINVAL, enpu_queue_check_args(enpu, &bad));
	bad.label[sizeof(bad.label) - 1] = 0;
	KUNIT_EXPECT_EQ(test, 0, enpu_queue_check_args(enpu, &bad));
}

static void enpu_uapi_submit(struct kunit *test)
{
	struct enpu_device *enpu = fake_device(test);
	struct drm_enpu_command good = {
		.stream_va = SZ_1M, .stream_size = 64, .regions_va = SZ_2M, .num_regions = 2,
	};

#define TRY(error, field, value) \
	EXPECT_CHECK(test, error, enpu_submit_check_command, enpu, good, field, value)
	TRY(0, cookie, U64_MAX);
	TRY(-EINVAL, flags, 1);
	TRY(-EINVAL, pad, 1);
	TRY(0, num_regions, ENPU_MAX_REGIONS);
	TRY(-EINVAL, num_regions, ENPU_MAX_REGIONS + 1);
	TRY(-EINVAL, stream_va, SZ_1M + 4);
	TRY(-EINVAL, stream_size, 65);
	TRY(0, stream_size, 0);
	TRY(-EINVAL, regions_va, SZ_2M + 1);
	/* only where the device has it */
	TRY(-EINVAL, profile_va, SZ_4M);
	enpu->info.caps |= ENPU_CAP_PROFILE;
	TRY(0, profile_va, SZ_4M);
	TRY(-EINVAL, profile_va, SZ_4M + 4);
#undef TRY
}

static struct kunit_case enpu_uapi_cases[] = {
	KUNIT_CASE(enpu_uapi_arrays),
	KUNIT_CASE(enpu_uapi_elements),
	KUNIT_CASE(enpu_uapi_vm_bind),
	KUNIT_CASE(enpu_uapi_queue_create),
	KUNIT_CASE(enpu_uapi_submit),
	{}
};

static struct kunit_suite enpu_uapi_suite = {
	.name = "enpu_uapi",
	.test_cases = enpu_uapi_cases,
};

kunit_test_suites(&enpu_jobs_suite, &enpu_account_suite, &enpu_uapi_suite);
