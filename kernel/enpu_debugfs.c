// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: debugfs
 *
 * What the driver knows, for root, in the device's directory below accel/ of debugfs:
 *
 *   queues       all queues of all processes
 *   vms          address spaces: their mappings and the size of their page tables
 *   page_tables  what the tables say, which should be the same
 *   labels       which label has used the device how much
 *   clocks       the device's clock and ours
 *
 * Text for people: its format may change. The files go when the device is
 * unplugged, and debugfs waits for whoever reads them. All but the last show what is
 * in memory, and leave a device that sleeps asleep.
 *
 * The tables are walked within drm_dev_enter(), as unplugging frees them.
 */

#include <linux/debugfs.h>
#include <linux/pid.h>
#include <linux/seq_file.h>

#include <drm/drm_debugfs.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>

#include "enpu_account.h"
#include "enpu_debugfs.h"
#include "enpu_device.h"
#include "enpu_mmu.h"
#include "enpu_queue.h"
#include "enpu_vm.h"

static struct enpu_device *enpu_debugfs_device(struct seq_file *m)
{
	struct drm_debugfs_entry *entry = m->private;

	return to_enpu_device(entry->dev);
}

static const char *enpu_debugfs_state(u32 state)
{
	static const char *const names[] = {
		[DRM_ENPU_QUEUE_ACTIVE] = "active",
		[DRM_ENPU_QUEUE_BANNED] = "banned",
		[DRM_ENPU_QUEUE_LOST] = "lost",
	};

	return state < ARRAY_SIZE(names) ? names[state] : "?";
}

static void enpu_debugfs_show_queue(struct seq_file *m, u64 client, unsigned long id,
				    struct enpu_queue *queue)
{
	struct enpu_usage usage = {};

	enpu_queue_add_usage(queue, &usage);
	seq_printf(m, "%6llu %3lu %6llu %4d %6s %3d %4s %4u %10llu %10llu %10llu %16llu  %s\n",
		   client, id, queue->fence_context, queue->slot,
		   enpu_debugfs_state(READ_ONCE(queue->state)), READ_ONCE(queue->error),
		   queue->user ? "user" : "kern", queue->priority, READ_ONCE(queue->submitted),
		   READ_ONCE(queue->producer), usage.jobs, usage.busy_ns, queue->label);
}

static void enpu_debugfs_show_client(struct seq_file *m, struct drm_file *file)
{
	struct enpu_file *efile = file->driver_priv;
	struct enpu_queue *queue;
	struct task_struct *task;
	unsigned long id;
	struct pid *pid;

	rcu_read_lock();
	pid = rcu_dereference(file->pid);
	task = pid_task(pid, PIDTYPE_TGID);
	seq_printf(m, "client %llu: pid %d, %s\n", file->client_id, pid_nr(pid),
		   task ? task->comm : "(gone)");
	rcu_read_unlock();

	xa_lock(&efile->queues);
	xa_for_each(&efile->queues, id, queue)
		enpu_debugfs_show_queue(m, file->client_id, id, queue);
	xa_unlock(&efile->queues);
}

/* "queue" is the name that tracepoints use. */
static int enpu_debugfs_queues(struct seq_file *m, void *data)
{
	struct enpu_device *enpu = enpu_debugfs_device(m);
	struct drm_file *file;

	seq_printf(m, "%6s %3s %6s %4s %6s %3s %4s %4s %10s %10s %10s %16s  %s\n", "client", "id",
		   "queue", "slot", "state", "err", "mode", "prio", "submitted", "producer",
		   "completed", "busy_ns", "label");

	guard(mutex)(&enpu->drm.filelist_mutex);
	guard(mutex)(&enpu->hw_lock);

	list_for_each_entry(file, &enpu->drm.filelist, lhead)
		enpu_debugfs_show_client(m, file);

	return 0;
}

/* What one walk finds; runs of entries that continue one another are one line. */
struct enpu_debugfs_walk {
	/* NULL: count only */
	struct seq_file *m;
	u64 pages, blocks, tables;
	u64 start, end, entry, entries;
};

static void enpu_debugfs_end_run(struct enpu_debugfs_walk *walk)
{
	if (walk->m && walk->entries)
		seq_printf(walk->m, "  0x%010llx-0x%010llx %s %8llu %s at 0x%llx\n", walk->start,
			   walk->end - 1, walk->entry & ENPU_PTE_WRITE ? "rw" : "r-",
			   walk->entries,
			   walk->entry & ENPU_PTE_BLOCK ? "blocks of 2 MiB" : "pages of 4 KiB",
			   walk->entry & ENPU_PTE_ADDR);
	walk->entries = 0;
}

static void enpu_debugfs_visit(void *priv, u64 va, u64 size, u64 entry)
{
	struct enpu_debugfs_walk *walk = priv;

	if (!size) {
		walk->tables++;
		return;
	}

	if (entry & ENPU_PTE_BLOCK)
		walk->blocks++;
	else
		walk->pages++;

	/* physically contiguous, with the same flags */
	if (va != walk->end || entry != walk->entry + (walk->end - walk->start))
		enpu_debugfs_end_run(walk);
	if (!walk->entries) {
		walk->start = va;
		walk->entry = entry;
	}
	walk->end = va + size;
	walk->entries++;
}

static void enpu_debugfs_show_tables(struct seq_file *m, struct enpu_vm *vm)
{
	struct enpu_debugfs_walk walk = { .m = m };

	seq_printf(m, "vm %u:\n", vm->number);
	enpu_mmu_walk(&vm->mmu, enpu_debugfs_visit, &walk);
	enpu_debugfs_end_run(&walk);
}

static void enpu_debugfs_show_vm(struct seq_file *m, struct enpu_vm *vm)
{
	struct enpu_debugfs_walk walk = {};
	struct drm_gpuva *va;

	enpu_mmu_walk(&vm->mmu, enpu_debugfs_visit, &walk);
	seq_printf(m, "vm %u: %llu pages of 4 KiB, %llu blocks of 2 MiB, %llu tables\n", vm->number,
		   walk.pages, walk.blocks, walk.tables);
	drm_gpuvm_for_each_va(va, &vm->gpuvm)
		seq_printf(m, "  0x%010llx-0x%010llx offset 0x%llx of %zu bytes%s\n", va->va.addr,
			   va->va.addr + va->va.range - 1, va->gem.offset, va->gem.obj->size,
			   va->gem.obj->import_attach ? ", imported" : "");
}

static void enpu_debugfs_each_vm(struct seq_file *m,
				 void (*show)(struct seq_file *m, struct enpu_vm *vm))
{
	struct enpu_device *enpu = enpu_debugfs_device(m);
	unsigned int i;
	int idx;

	if (!drm_dev_enter(&enpu->drm, &idx))
		return;

	for (i = 0; i < enpu->info.num_vms; i++) {
		struct enpu_vm *vm;

		mutex_lock(&enpu->vms_lock);
		vm = enpu->vms[i];
		/* one that is about to go has to pass here first */
		if (vm && !kref_get_unless_zero(&vm->ref))
			vm = NULL;
		mutex_unlock(&enpu->vms_lock);
		if (!vm)
			continue;

		mutex_lock(&vm->lock);
		show(m, vm);
		mutex_unlock(&vm->lock);
		enpu_vm_put(vm);
	}
	drm_dev_exit(idx);
}

static int enpu_debugfs_vms(struct seq_file *m, void *data)
{
	enpu_debugfs_each_vm(m, enpu_debugfs_show_vm);

	return 0;
}

static int enpu_debugfs_page_tables(struct seq_file *m, void *data)
{
	enpu_debugfs_each_vm(m, enpu_debugfs_show_tables);

	return 0;
}

static int enpu_debugfs_labels(struct seq_file *m, void *data)
{
	enpu_account_show(enpu_debugfs_device(m), m);

	return 0;
}

static int enpu_debugfs_clocks(struct seq_file *m, void *data)
{
	struct enpu_device *enpu = enpu_debugfs_device(m);
	struct drm_enpu_dev_timestamp now;
	int ret, idx;

	if (!drm_dev_enter(&enpu->drm, &idx))
		return -ENODEV;

	ret = enpu_device_timestamp(enpu, &now);
	if (!ret)
		seq_printf(m, "device_ns %llu\ncpu_ns %llu\nuncertainty_ns %llu\nclock_khz %u\n",
			   now.device_ns, now.cpu_ns, now.uncertainty_ns, enpu->info.clock_khz);
	drm_dev_exit(idx);

	return ret;
}

static const struct drm_debugfs_info enpu_debugfs_files[] = {
	{ "queues", enpu_debugfs_queues },
	{ "vms", enpu_debugfs_vms },
	{ "page_tables", enpu_debugfs_page_tables },
	{ "labels", enpu_debugfs_labels },
	{ "clocks", enpu_debugfs_clocks },
};

/**
 * enpu_debugfs_init() - add our files to the device's directory
 * @enpu: the device, not registered yet
 */
void enpu_debugfs_init(struct enpu_device *enpu)
{
	drm_debugfs_add_files(&enpu->drm, enpu_debugfs_files, ARRAY_SIZE(enpu_debugfs_files));
}
