// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Accounting
 *
 * A person wants to know which model has used the NPU how long, also of processes
 * that are gone. A runtime names its queues after their models, so there is an
 * account for each label of the device, across processes.
 *
 * The device counts by queue, in the status page, and nothing is done while jobs
 * run: an account is the use of queues that were retired, to which who asks adds
 * that of those that were not. Both are read under the hw_lock, under which queues
 * are retired, so that no use is seen twice or not at all and sums never go back.
 *
 * The table is bounded. When it is full, the label that has had no queue for
 * longest makes room, and its use is added to that of "others". Queues that are not
 * retired have slots of the hardware, of which there are fewer than places.
 *
 * What is not done: accounts by process and label. fdinfo has the queues of a
 * process, and it is the business of whoever watches it to remember those that went.
 */

#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <drm/drm_managed.h>

#include "enpu_account.h"
#include "enpu_device.h"
#include "enpu_queue.h"

#define ENPU_MAX_LABELS		256

static_assert(ENPU_MAX_LABELS > ENPU_MAX_QUEUES);

static void enpu_usage_add(struct enpu_usage *sum, const struct enpu_usage *usage)
{
	sum->jobs += usage->jobs;
	sum->busy_ns += usage->busy_ns;
	sum->busy_cycles += usage->busy_cycles;
}

static void enpu_account_fini(struct drm_device *drm, void *data)
{
	struct enpu_accounts *accounts = data;
	struct enpu_label *label, *next;

	list_for_each_entry_safe(label, next, &accounts->labels, node)
		kfree(label);
}

/**
 * enpu_account_init() - open the accounts
 * @enpu: the device
 *
 * Return: 0 or -ENOMEM.
 */
int enpu_account_init(struct enpu_device *enpu)
{
	struct enpu_accounts *accounts = &enpu->accounts;

	spin_lock_init(&accounts->lock);
	INIT_LIST_HEAD(&accounts->labels);

	return drmm_add_action_or_reset(&enpu->drm, enpu_account_fini, accounts);
}

static struct enpu_label *enpu_account_find(struct enpu_accounts *accounts, const char *name)
{
	struct enpu_label *label;

	lockdep_assert_held(&accounts->lock);

	list_for_each_entry(label, &accounts->labels, node)
		if (!strcmp(label->name, name))
			return label;

	return NULL;
}

/* Takes the label out that has had no queue for longest; the caller frees it. */
static struct enpu_label *enpu_account_make_room(struct enpu_accounts *accounts)
{
	struct enpu_label *label;

	lockdep_assert_held(&accounts->lock);

	if (accounts->count < ENPU_MAX_LABELS)
		return NULL;

	list_for_each_entry(label, &accounts->labels, node) {
		if (label->queues)
			continue;
		enpu_usage_add(&accounts->others, &label->past);
		list_del(&label->node);
		accounts->count--;
		return label;
	}

	return NULL;
}

/**
 * enpu_account_open() - find or make the account of a label
 * @enpu: the device
 * @name: the label
 *
 * For a queue that is about to be created: it is counted as one that is not retired,
 * which ends with enpu_account_close_locked() or, if there will be no queue, with
 * enpu_account_cancel().
 *
 * Return: the account, or NULL if there is no memory.
 */
struct enpu_label *enpu_account_open(struct enpu_device *enpu, const char *name)
{
	struct enpu_accounts *accounts = &enpu->accounts;
	struct enpu_label *label, *old, *spare;

	spare = kzalloc(sizeof(*spare), GFP_KERNEL);
	if (!spare)
		return NULL;

	spin_lock(&accounts->lock);
	label = enpu_account_find(accounts, name);
	if (label) {
		old = spare;
	} else {
		old = enpu_account_make_room(accounts);
		label = spare;
		strscpy(label->name, name, sizeof(label->name));
		list_add_tail(&label->node, &accounts->labels);
		accounts->count++;
	}
	label->queues++;
	list_move_tail(&label->node, &accounts->labels);
	spin_unlock(&accounts->lock);
	kfree(old);

	return label;
}

/**
 * enpu_account_cancel() - there will be no queue
 * @enpu: the device
 * @label: the account
 */
void enpu_account_cancel(struct enpu_device *enpu, struct enpu_label *label)
{
	spin_lock(&enpu->accounts.lock);
	label->queues--;
	spin_unlock(&enpu->accounts.lock);
}

/**
 * enpu_account_close_locked() - a queue has been retired
 * @queue: the queue, the hw_lock held
 *
 * The device counts no more for it.
 */
void enpu_account_close_locked(struct enpu_queue *queue)
{
	struct enpu_accounts *accounts = &queue->enpu->accounts;

	lockdep_assert_held(&queue->enpu->hw_lock);

	spin_lock(&accounts->lock);
	enpu_queue_add_usage(queue, &queue->account->past);
	queue->account->queues--;
	queue->account = NULL;
	spin_unlock(&accounts->lock);
}

/**
 * enpu_account_total() - how much the device was used since it was bound
 * @enpu: the device
 * @usage: filled in
 *
 * Return: how many queues are not retired.
 */
unsigned int enpu_account_total(struct enpu_device *enpu, struct enpu_usage *usage)
{
	struct enpu_accounts *accounts = &enpu->accounts;
	unsigned int i, queues = 0;
	struct enpu_label *label;

	guard(mutex)(&enpu->hw_lock);

	spin_lock(&accounts->lock);
	*usage = accounts->others;
	list_for_each_entry(label, &accounts->labels, node)
		enpu_usage_add(usage, &label->past);
	spin_unlock(&accounts->lock);

	for (i = 0; i < enpu->info.num_queues; i++) {
		struct enpu_queue *queue = enpu_device_queue_locked(enpu, i);

		if (!queue)
			continue;
		enpu_queue_add_usage(queue, usage);
		queues++;
	}

	return queues;
}

static void enpu_account_show_label(struct seq_file *m, const struct enpu_usage *usage,
				    unsigned int queues, const char *name)
{
	seq_printf(m, "%12llu %20llu %20llu %6u  %s\n", usage->jobs, usage->busy_ns,
		   usage->busy_cycles, queues, name);
}

/**
 * enpu_account_show() - print a table of all labels
 * @enpu: the device
 * @m: where to
 */
void enpu_account_show(struct enpu_device *enpu, struct seq_file *m)
{
	struct enpu_accounts *accounts = &enpu->accounts;
	struct enpu_label *label;

	seq_printf(m, "%12s %20s %20s %6s  %s\n", "jobs", "busy_ns", "busy_cycles", "queues",
		   "label");

	guard(mutex)(&enpu->hw_lock);
	guard(spinlock)(&accounts->lock);

	list_for_each_entry(label, &accounts->labels, node) {
		struct enpu_usage usage = label->past;
		unsigned int i;

		for (i = 0; i < enpu->info.num_queues; i++) {
			struct enpu_queue *queue = enpu_device_queue_locked(enpu, i);

			if (queue && queue->account == label)
				enpu_queue_add_usage(queue, &usage);
		}
		enpu_account_show_label(m, &usage, label->queues, label->name);
	}
	if (accounts->others.jobs || accounts->others.busy_ns)
		enpu_account_show_label(m, &accounts->others, 0, "(others)");
}
