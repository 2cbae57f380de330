/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Accounting: who has used the device how much.
 */
#ifndef ENPU_ACCOUNT_H
#define ENPU_ACCOUNT_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include <drm/enpu_accel.h>

struct enpu_device;
struct enpu_queue;
struct seq_file;

/**
 * struct enpu_usage - what was done for somebody
 */
struct enpu_usage {
	/** @jobs: completed without an error */
	u64 jobs;
	/** @busy_ns: device time */
	u64 busy_ns;
	/** @busy_cycles: device cycles */
	u64 busy_cycles;
};

/**
 * struct enpu_label - what queues of one label have used
 */
struct enpu_label {
	/** @node: in &enpu_accounts.labels */
	struct list_head node;
	/** @name: the label */
	char name[DRM_ENPU_QUEUE_LABEL_LEN];
	/** @queues: how many have it and are not retired */
	unsigned int queues;
	/** @past: use of those that are */
	struct enpu_usage past;
};

/**
 * struct enpu_accounts - the accounts of a device
 */
struct enpu_accounts {
	/** @lock: guards all of it; taken under the hw_lock, and before a queue's lock */
	spinlock_t lock;
	/** @labels: those that got a queue last are at the end */
	struct list_head labels;
	/** @count: how many */
	unsigned int count;
	/** @others: of labels that had to make room */
	struct enpu_usage others;
};

int enpu_account_init(struct enpu_device *enpu);

struct enpu_label *enpu_account_open(struct enpu_device *enpu, const char *name);
void enpu_account_cancel(struct enpu_device *enpu, struct enpu_label *label);
void enpu_account_close_locked(struct enpu_queue *queue);

unsigned int enpu_account_total(struct enpu_device *enpu, struct enpu_usage *usage);
void enpu_account_show(struct enpu_device *enpu, struct seq_file *m);

#endif
