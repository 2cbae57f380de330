// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Quotas
 *
 * A user, that is a user id, has so many queues, doorbells, waiting submissions, bytes
 * of BOs and bytes of mappings at most, in all files and on all devices together: a limit
 * of a file would be none, as another open is for free. Who opened the file is the one who
 * pays, and goes on paying for what outlives it. The limits are module parameters, which
 * root may change at any time; what is there above a new limit stays.
 *
 * BOs are charged when they are created, with or without pages, and pages to the
 * memory cgroup when they come. RLIMIT_MEMLOCK is not looked at: shmem pages are memory
 * of a cgroup like any other, pinned or not, while that limit is for memory that
 * escapes such accounting.
 *
 * Imported BOs are their exporter's. Mappings cost page tables, which are charged to the
 * memory cgroup as well.
 */

#include <linux/atomic.h>
#include <linux/cred.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uidgid.h>

#include "enpu_quota.h"
#include "enpu_test.h"

/* Bytes in MiB; 0: any number */
VISIBLE_IF_KUNIT uint enpu_quota_limits[ENPU_NUM_QUOTAS] = {
	[ENPU_QUOTA_QUEUES] = 1024,
	[ENPU_QUOTA_DOORBELLS] = 64,
	[ENPU_QUOTA_WAITING] = 65536,
};

module_param_named(max_queues, enpu_quota_limits[ENPU_QUOTA_QUEUES], uint, 0644);
MODULE_PARM_DESC(max_queues, "queues of a user; 0: any number");
module_param_named(max_doorbells, enpu_quota_limits[ENPU_QUOTA_DOORBELLS], uint, 0644);
MODULE_PARM_DESC(max_doorbells, "USER queues of a user; 0: any number");
module_param_named(max_waiting, enpu_quota_limits[ENPU_QUOTA_WAITING], uint, 0644);
MODULE_PARM_DESC(max_waiting, "submissions of a user that wait in the kernel; 0: any number");
module_param_named(max_bo_mib, enpu_quota_limits[ENPU_QUOTA_BO_BYTES], uint, 0644);
MODULE_PARM_DESC(max_bo_mib, "size of all buffer objects of a user in MiB; 0: any");
module_param_named(max_va_mib, enpu_quota_limits[ENPU_QUOTA_VA_BYTES], uint, 0644);
MODULE_PARM_DESC(max_va_mib, "what a user maps in all address spaces in MiB; 0: any");

/**
 * struct enpu_quota - what a user has
 */
struct enpu_quota {
	/** @ref: of files, and of what is charged */
	struct kref ref;
	/** @node: in the list of all users */
	struct list_head node;
	/** @uid: the user */
	kuid_t uid;
	/** @used: of each kind */
	atomic64_t used[ENPU_NUM_QUOTAS];
};

static LIST_HEAD(enpu_quotas);
static DEFINE_MUTEX(enpu_quotas_lock);

static u64 enpu_quota_limit(enum enpu_quota_kind kind)
{
	u64 limit = READ_ONCE(enpu_quota_limits[kind]);

	return kind == ENPU_QUOTA_BO_BYTES || kind == ENPU_QUOTA_VA_BYTES ? limit << 20 : limit;
}

/**
 * enpu_quota_open() - the current user's quota
 *
 * Return: a reference, or NULL without memory.
 */
struct enpu_quota *enpu_quota_open(void)
{
	struct enpu_quota *quota;

	guard(mutex)(&enpu_quotas_lock);

	list_for_each_entry(quota, &enpu_quotas, node)
		if (uid_eq(quota->uid, current_uid()))
			return enpu_quota_get(quota);

	quota = kzalloc(sizeof(*quota), GFP_KERNEL_ACCOUNT);
	if (!quota)
		return NULL;
	kref_init(&quota->ref);
	quota->uid = current_uid();
	list_add(&quota->node, &enpu_quotas);

	return quota;
}

/**
 * enpu_quota_get() - take a reference
 * @quota: the quota
 *
 * Return: @quota.
 */
struct enpu_quota *enpu_quota_get(struct enpu_quota *quota)
{
	kref_get(&quota->ref);
	return quota;
}

static void enpu_quota_release(struct kref *ref)
{
	struct enpu_quota *quota = container_of(ref, struct enpu_quota, ref);

	list_del(&quota->node);
	mutex_unlock(&enpu_quotas_lock);
	kfree(quota);
}

/**
 * enpu_quota_put() - drop a reference
 * @quota: the quota
 */
void enpu_quota_put(struct enpu_quota *quota)
{
	kref_put_mutex(&quota->ref, enpu_quota_release, &enpu_quotas_lock);
}

/**
 * enpu_quota_charge() - take a share
 * @quota: the quota
 * @kind: of what
 * @amount: how much
 *
 * Return: 0 or -ENOSPC.
 */
int enpu_quota_charge(struct enpu_quota *quota, enum enpu_quota_kind kind, u64 amount)
{
	u64 limit = enpu_quota_limit(kind);
	s64 used = atomic64_read(&quota->used[kind]);

	do {
		if (limit && used + amount > limit)
			return -ENOSPC;
	} while (!atomic64_try_cmpxchg(&quota->used[kind], &used, used + amount));

	return 0;
}

/**
 * enpu_quota_uncharge() - give a share back
 * @quota: the quota
 * @kind: of what
 * @amount: how much
 */
void enpu_quota_uncharge(struct enpu_quota *quota, enum enpu_quota_kind kind, u64 amount)
{
	atomic64_sub(amount, &quota->used[kind]);
}
