/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one user may have at most.
 */
#ifndef ENPU_QUOTA_H
#define ENPU_QUOTA_H

#include <linux/types.h>

enum enpu_quota_kind {
	ENPU_QUOTA_QUEUES,
	ENPU_QUOTA_DOORBELLS,
	ENPU_QUOTA_WAITING,
	ENPU_QUOTA_BO_BYTES,
	ENPU_QUOTA_VA_BYTES,
	ENPU_NUM_QUOTAS
};

struct enpu_quota;

struct enpu_quota *enpu_quota_open(void);
struct enpu_quota *enpu_quota_get(struct enpu_quota *quota);
void enpu_quota_put(struct enpu_quota *quota);
int enpu_quota_charge(struct enpu_quota *quota, enum enpu_quota_kind kind, u64 amount);
void enpu_quota_uncharge(struct enpu_quota *quota, enum enpu_quota_kind kind, u64 amount);

#endif
