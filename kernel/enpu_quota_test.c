// SPDX-License-Identifier: GPL-2.0-only
/* KUnit: quotas, counted by one and by many at once. */

#include <linux/sizes.h>
#include <linux/workqueue.h>

#include <kunit/test.h>

#include "enpu_compat.h"
#include "enpu_quota.h"
#include "enpu_test.h"

/* Nobody has a file yet: what is charged here is all that there is. */
static int enpu_quota_test_init(struct kunit *test)
{
	test->priv = enpu_quota_open();
	return test->priv ? 0 : -ENOMEM;
}

static void enpu_quota_test_exit(struct kunit *test)
{
	if (test->priv)
		enpu_quota_put(test->priv);
}

static void enpu_quota_counts(struct kunit *test)
{
	struct enpu_quota *quota = test->priv;
	uint before = enpu_quota_limits[ENPU_QUOTA_QUEUES];

	enpu_quota_limits[ENPU_QUOTA_QUEUES] = 3;
	KUNIT_EXPECT_EQ(test, 0, enpu_quota_charge(quota, ENPU_QUOTA_QUEUES, 2));
	KUNIT_EXPECT_EQ(test, -ENOSPC, enpu_quota_charge(quota, ENPU_QUOTA_QUEUES, 2));
	KUNIT_EXPECT_EQ(test, 0, enpu_quota_charge(quota, ENPU_QUOTA_QUEUES, 1));
	KUNIT_EXPECT_EQ(test, -ENOSPC, enpu_quota_charge(quota, ENPU_QUOTA_QUEUES, 1));
	/* another kind is another matter, and no limit is none */
	KUNIT_EXPECT_EQ(test, 0, enpu_quota_charge(quota, ENPU_QUOTA_DOORBELLS, 1));
	enpu_quota_uncharge(quota, ENPU_QUOTA_DOORBELLS, 1);
	enpu_quota_limits[ENPU_QUOTA_QUEUES] = 0;
	KUNIT_EXPECT_EQ(test, 0, enpu_quota_charge(quota, ENPU_QUOTA_QUEUES, 1000));
	/* a lower limit takes nothing away, and gives nothing */
	enpu_quota_limits[ENPU_QUOTA_QUEUES] = 3;
	enpu_quota_uncharge(quota, ENPU_QUOTA_QUEUES, 1000);
	KUNIT_EXPECT_EQ(test, -ENOSPC, enpu_quota_charge(quota, ENPU_QUOTA_QUEUES, 1));
	enpu_quota_uncharge(quota, ENPU_QUOTA_QUEUES, 1);
	KUNIT_EXPECT_EQ(test, 0, enpu_quota_charge(quota, ENPU_QUOTA_QUEUES, 1));
	enpu_quota_uncharge(quota, ENPU_QUOTA_QUEUES, 3);
	enpu_quota_limits[ENPU_QUOTA_QUEUES] = before;
}

/* MiB, beyond 32 bits of bytes */
static void enpu_quota_bytes(struct kunit *test)
{
	struct enpu_quota *quota = test->priv;
	uint before = enpu_quota_limits[ENPU_QUOTA_BO_BYTES];

	enpu_quota_limits[ENPU_QUOTA_BO_BYTES] = 5000;
	KUNIT_EXPECT_EQ(test, 0, enpu_quota_charge(quota, ENPU_QUOTA_BO_BYTES, 5000ull * SZ_1M));
	KUNIT_EXPECT_EQ(test, -ENOSPC, enpu_quota_charge(quota, ENPU_QUOTA_BO_BYTES, 1));
	enpu_quota_uncharge(quota, ENPU_QUOTA_BO_BYTES, 1);
	KUNIT_EXPECT_EQ(test, 0, enpu_quota_charge(quota, ENPU_QUOTA_BO_BYTES, 1));
	enpu_quota_uncharge(quota, ENPU_QUOTA_BO_BYTES, 5000ull * SZ_1M);
	enpu_quota_limits[ENPU_QUOTA_BO_BYTES] = before;
}

/* One user is one quota, as long as somebody holds it. */
static void enpu_quota_of_a_user(struct kunit *test)
{
	struct enpu_quota *again = enpu_quota_open();

	KUNIT_EXPECT_PTR_EQ(test, again, (struct enpu_quota *)test->priv);
	if (again)
		enpu_quota_put(again);
}

struct charger {
	struct work_struct work;
	struct enpu_quota *quota;
	unsigned int got;
};

static void charge_many(struct work_struct *work)
{
	struct charger *charger = container_of(work, struct charger, work);
	unsigned int i;

	for (i = 0; i < 10000; i++)
		charger->got += !enpu_quota_charge(charger->quota, ENPU_QUOTA_WAITING, 1);
}

/* Many at once get exactly as many as there are. */
static void enpu_quota_race(struct kunit *test)
{
	uint before = enpu_quota_limits[ENPU_QUOTA_WAITING];
	struct charger *chargers;
	unsigned int i, got = 0;

	chargers = kunit_kcalloc(test, 4, sizeof(*chargers), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, chargers);
	enpu_quota_limits[ENPU_QUOTA_WAITING] = 30001;
	for (i = 0; i < 4; i++) {
		chargers[i].quota = test->priv;
		INIT_WORK(&chargers[i].work, charge_many);
		queue_work(system_dfl_wq, &chargers[i].work);
	}
	for (i = 0; i < 4; i++) {
		flush_work(&chargers[i].work);
		got += chargers[i].got;
	}
	KUNIT_EXPECT_EQ(test, 30001, got);
	enpu_quota_uncharge(test->priv, ENPU_QUOTA_WAITING, got);
	enpu_quota_limits[ENPU_QUOTA_WAITING] = before;
}

static struct kunit_case enpu_quota_cases[] = {
	KUNIT_CASE(enpu_quota_counts),
	KUNIT_CASE(enpu_quota_bytes),
	KUNIT_CASE(enpu_quota_of_a_user),
	KUNIT_CASE(enpu_quota_race),
	{}
};

static struct kunit_suite enpu_quota_suite = {
	.name = "enpu_quota",
	.init = enpu_quota_test_init,
	.exit = enpu_quota_test_exit,
	.test_cases = enpu_quota_cases,
};

kunit_test_suite(enpu_quota_suite);
