// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: enpu
 *
 * DRM accel driver for the ENPU, an open NPU architecture for edge AI. One
 * concern a file:
 *
 *   enpu_drv      PCI driver, DRM driver, ioctl table, DEV_QUERY, fdinfo
 *   enpu_account  who has used the device how much
 *   enpu_debugfs  what the driver knows, for root
 *   enpu_deadline deadlines of fences, urgent queues
 *   enpu_device   registers, interrupts, TLB, end of the device
 *   enpu_gem      buffer objects
 *   enpu_shrinker BO_MADVISE, memory given back under pressure
 *   enpu_mmu      page tables
 *   enpu_pm       runtime power management, system suspend and resume
 *   enpu_vm       address spaces and VM_BIND
 *   enpu_queue    queues
 *   enpu_quota    what one user may have at most
 *   enpu_reset    recovery: watchdog, ban, reset
 *   enpu_coredump what a failure leaves for people to look at
 *   enpu_sched    drm_sched's backend, fences
 *   enpu_submit   SUBMIT
 *   enpu_sysfs    what anybody may know of the device
 *   enpu_test     KUnit
 *   enpu_trace    tracepoints
 *   enpu_user     USER queues: mmap, doorbells, QUEUE_WAIT
 *   enpu_compat   what differs between kernels
 *
 * Lock order: &enpu_vm.lock, reservations, &enpu_device.bo_lock, &enpu_device.vms_lock,
 * &enpu_user.lock, &enpu_device.hw_lock, &enpu_queue.lock. Those from hw_lock on are
 * taken where fences wait; they, the bo_lock and &enpu_mmu.lock where memory is reclaimed.
 */

#include <linux/module.h>
#include <linux/pci.h>

#include <drm/drm_accel.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_ioctl.h>
#include <drm/drm_print.h>

#include "enpu_compat.h"
#include "enpu_debugfs.h"
#include "enpu_device.h"
#include "enpu_gem.h"
#include "enpu_pm.h"
#include "enpu_queue.h"
#include "enpu_quota.h"
#include "enpu_reset.h"
#include "enpu_submit.h"
#include "enpu_sysfs.h"
#include "enpu_user.h"
#include "enpu_vm.h"

static int enpu_drv_answer(struct drm_enpu_dev_query *args, const void *answer, u32 size)
{
	if (!args->pointer) {
		args->size = size;
		return 0;
	}

	args->size = min(args->size, size);

	return copy_to_user(u64_to_user_ptr(args->pointer), answer, args->size) ? -EFAULT : 0;
}

static int enpu_ioctl_dev_query(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct enpu_device *enpu = to_enpu_device(drm);
	struct drm_enpu_dev_query *args = data;
	struct drm_enpu_dev_timestamp timestamp;
	int ret, idx;

	if (!drm_dev_enter(drm, &idx))
		return -ENODEV;

	switch (args->type) {
	case DRM_ENPU_DEV_QUERY_INFO:
		ret = enpu_drv_answer(args, &enpu->info, sizeof(enpu->info));
		break;
	case DRM_ENPU_DEV_QUERY_TIMESTAMP:
		ret = enpu_device_timestamp(enpu, &timestamp);
		if (!ret)
			ret = enpu_drv_answer(args, &timestamp, sizeof(timestamp));
		break;
	default:
		ret = -EINVAL;
	}
	drm_dev_exit(idx);

	return ret;
}

static int enpu_drv_open(struct drm_device *drm, struct drm_file *file)
{
	struct enpu_file *efile = kzalloc(sizeof(*efile), GFP_KERNEL_ACCOUNT);

	if (!efile)
		return -ENOMEM;

	efile->quota = enpu_quota_open();
	if (!efile->quota) {
		kfree(efile);
		return -ENOMEM;
	}
	efile->enpu = to_enpu_device(drm);
	xa_init_flags(&efile->vms, XA_FLAGS_ALLOC1);
	xa_init_flags(&efile->queues, XA_FLAGS_ALLOC1);
	spin_lock_init(&efile->past_lock);
	file->driver_priv = efile;

	return 0;
}

static void enpu_drv_postclose(struct drm_device *drm, struct drm_file *file)
{
	struct enpu_file *efile = file->driver_priv;

	enpu_queue_close(efile);
	enpu_vm_close(efile);
	enpu_quota_put(efile->quota);
	kfree(efile);
}

static void enpu_drv_show_queue(struct drm_printer *p, unsigned long id,
				struct enpu_queue *queue, struct enpu_usage *sum)
{
	struct enpu_usage usage = {};

	enpu_queue_add_usage(queue, &usage);
	sum->busy_ns += usage.busy_ns;
	sum->busy_cycles += usage.busy_cycles;
	drm_printf(p, "enpu-queue-%lu:\t%llu ns %llu jobs %s\n", id, usage.busy_ns, usage.jobs,
		   queue->label);
}

static void enpu_drv_show_fdinfo(struct drm_printer *p, struct drm_file *file)
{
	struct enpu_file *efile = file->driver_priv;
	struct enpu_queue *queue;
	struct enpu_usage sum;
	unsigned long id;

	/* Under xa_lock: a queue that goes moves its share to the file after that. */
	xa_lock(&efile->queues);
	spin_lock(&efile->past_lock);
	sum = efile->past;
	spin_unlock(&efile->past_lock);
	xa_for_each(&efile->queues, id, queue)
		enpu_drv_show_queue(p, id, queue, &sum);
	xa_unlock(&efile->queues);

	drm_printf(p, "drm-engine-npu:\t%llu ns\n", sum.busy_ns);
	drm_printf(p, "drm-cycles-npu:\t%llu\n", sum.busy_cycles);
	drm_printf(p, "drm-maxfreq-npu:\t%llu Hz\n", efile->enpu->info.clock_khz * 1000ull);
	drm_show_memory_stats(p, file);
}

#define ENPU_IOCTL(id, name) \
	DRM_IOCTL_DEF_DRV(ENPU_ ## id, enpu_ioctl_ ## name, 0)

static const struct drm_ioctl_desc enpu_ioctls[] = {
	ENPU_IOCTL(DEV_QUERY, dev_query),
	ENPU_IOCTL(BO_CREATE, bo_create),
	ENPU_IOCTL(BO_MMAP_OFFSET, bo_mmap_offset),
	ENPU_IOCTL(VM_CREATE, vm_create),
	ENPU_IOCTL(VM_DESTROY, vm_destroy),
	ENPU_IOCTL(VM_BIND, vm_bind),
	ENPU_IOCTL(QUEUE_CREATE, queue_create),
	ENPU_IOCTL(QUEUE_DESTROY, queue_destroy),
	ENPU_IOCTL(QUEUE_QUERY, queue_query),
	ENPU_IOCTL(SUBMIT, submit),
	ENPU_IOCTL(QUEUE_WAIT, queue_wait),
	ENPU_IOCTL(BO_MADVISE, bo_madvise),
};

/* DRM_ACCEL_FOPS, but for mmap */
static const struct file_operations enpu_drv_fops = {
	.owner = THIS_MODULE,
	.open = accel_open,
	.release = drm_release,
	.unlocked_ioctl = drm_ioctl,
	.compat_ioctl = drm_compat_ioctl,
	.poll = drm_poll,
	.read = drm_read,
	.llseek = noop_llseek,
	.mmap = enpu_user_mmap,
	.fop_flags = FOP_UNSIGNED_OFFSET,
	.show_fdinfo = drm_show_fdinfo,
};

static const struct drm_driver enpu_drm_driver = {
	.driver_features = DRIVER_COMPUTE_ACCEL | DRIVER_GEM | DRIVER_SYNCOBJ |
			   DRIVER_SYNCOBJ_TIMELINE | ENPU_DRIVER_GEM_GPUVA,
	.name = "enpu",
	.desc = "Open neural processing unit",
	ENPU_DRIVER_DATE
	.major = 1,
	.minor = 0,
	.fops = &enpu_drv_fops,
	.open = enpu_drv_open,
	.postclose = enpu_drv_postclose,
	.show_fdinfo = enpu_drv_show_fdinfo,
	.ioctls = enpu_ioctls,
	.num_ioctls = ARRAY_SIZE(enpu_ioctls),
	.gem_create_object = enpu_gem_create_object,
	.gem_prime_import_sg_table = drm_gem_shmem_prime_import_sg_table,
};

static int enpu_drv_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct enpu_device *enpu;
	int ret;

	enpu = devm_drm_dev_alloc(&pdev->dev, &enpu_drm_driver, struct enpu_device, drm);
	if (IS_ERR(enpu))
		return PTR_ERR(enpu);

	enpu->pdev = pdev;
	pci_set_drvdata(pdev, enpu);

	ret = enpu_device_init(enpu);
	if (ret)
		return ret;

	enpu_debugfs_init(enpu);
	ret = drm_dev_register(&enpu->drm, 0);
	if (ret) {
		enpu_device_off(enpu);
		enpu_reset_fini(enpu);
		return ret;
	}
	enpu_pm_init(enpu);
	drm_info(&enpu->drm, "%u MACs, %u KiB SRAM, %u queues, %u vectors\n", enpu->info.macs,
		 enpu->info.sram_bytes / 1024, enpu->info.num_queues, enpu->num_vectors);

	return 0;
}

static void enpu_drv_remove(struct pci_dev *pdev)
{
	struct enpu_device *enpu = pci_get_drvdata(pdev);

	enpu_pm_fini(enpu);
	enpu_device_unplug(enpu);
	enpu_reset_fini(enpu);
}

static const struct pci_device_id enpu_drv_ids[] = {
	{ PCI_DEVICE(ENPU_PCI_VENDOR_ID, ENPU_PCI_DEVICE_ID) },
	{}
};
MODULE_DEVICE_TABLE(pci, enpu_drv_ids);

static struct pci_driver enpu_pci_driver = {
	.name = "enpu",
	.id_table = enpu_drv_ids,
	.probe = enpu_drv_probe,
	.remove = enpu_drv_remove,
	.dev_groups = enpu_sysfs_groups,
	.driver.pm = pm_ptr(&enpu_pm_ops),
	.err_handler = &enpu_reset_pci_handlers,
};

static int __init enpu_drv_init(void)
{
	int ret;

	ret = enpu_queue_init_module();
	if (ret)
		return ret;

	ret = pci_register_driver(&enpu_pci_driver);
	if (ret)
		enpu_queue_exit_module();

	return ret;
}
module_init(enpu_drv_init);

static void __exit enpu_drv_exit(void)
{
	pci_unregister_driver(&enpu_pci_driver);
	enpu_queue_exit_module();
}
module_exit(enpu_drv_exit);

MODULE_DESCRIPTION("ENPU accelerator driver");
MODULE_LICENSE("GPL");
