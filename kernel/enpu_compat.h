/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only place that knows that kernels differ. Each interface has the shape of
 * the newest kernel; enpu_config.h, made by the probes, says what is missing.
 */
#ifndef ENPU_COMPAT_H
#define ENPU_COMPAT_H

#include <linux/hrtimer.h>

#include <linux/file.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>

#include <drm/drm_drv.h>
#include <drm/drm_gem.h>
#include <drm/drm_gem.h>
#include <drm/drm_gpuvm.h>
#include <drm/gpu_scheduler.h>

#include "enpu_config.h"

#ifdef ENPU_HAVE_DRIVER_GEM_GPUVA
#define ENPU_DRIVER_GEM_GPUVA	DRIVER_GEM_GPUVA
#else
#define ENPU_DRIVER_GEM_GPUVA	0
#endif

/* Required by the kernels that have the field, which print it in the log */
#ifdef ENPU_HAVE_DRIVER_DATE
#define ENPU_DRIVER_DATE	.date = "20261122",
#else
#define ENPU_DRIVER_DATE
#endif

/*
 * One run queue, and no timeout: the queue's own watchdog is behind every fence
 * (see "Recovery" in enpu_reset.c).
 */
static inline int enpu_sched_init_one(struct drm_gpu_scheduler *sched,
				      const struct drm_sched_backend_ops *ops,
				      struct workqueue_struct *wq, u32 credits,
				      struct device *dev)
{
#ifdef ENPU_HAVE_SCHED_INIT_ARGS
	const struct drm_sched_init_args args = {
		.ops = ops,
		.submit_wq = wq,
		.num_rqs = 1,
		.credit_limit = credits,
		.timeout = MAX_SCHEDULE_TIMEOUT,
		.name = "enpu",
		.dev = dev,
	};

	return drm_sched_init(sched, &args);
#else
	return drm_sched_init(sched, ops, wq, 1, credits, 0, MAX_SCHEDULE_TIMEOUT,
			      NULL, NULL, "enpu", dev);
#endif
}

static inline int enpu_sched_job_init(struct drm_sched_job *job,
				      struct drm_sched_entity *entity, u32 credits,
				      void *owner, u64 client_id)
{
#ifdef ENPU_HAVE_SCHED_JOB_CLIENT
	return drm_sched_job_init(job, entity, credits, owner, client_id);
#else
	return drm_sched_job_init(job, entity, credits, owner);
#endif
}

static inline int enpu_gpuvm_sm_map(struct drm_gpuvm *gpuvm, void *priv,
				    u64 addr, u64 range,
				    struct drm_gem_object *obj, u64 offset)
{
#ifdef ENPU_HAVE_GPUVM_MAP_REQ
	const struct drm_gpuvm_map_req req = {
		.map.va.addr = addr,
		.map.va.range = range,
		.map.gem.obj = obj,
		.map.gem.offset = offset,
	};

	return drm_gpuvm_sm_map(gpuvm, priv, &req);
#else
	return drm_gpuvm_sm_map(gpuvm, priv, addr, range, obj, offset);
#endif
}

#ifndef ENPU_HAVE_HRTIMER_SETUP
static inline void hrtimer_setup(struct hrtimer *timer,
				 enum hrtimer_restart (*function)(struct hrtimer *),
				 clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = function;
}
#endif

/*
 * A mount whose files have huge pages where they fit and can be had. Where DRM has
 * none for a device, GEM objects have to be given a file from it one by one.
 */
#ifdef ENPU_HAVE_GEM_HUGE_MNT
static inline int enpu_huge_mnt_create(struct drm_device *drm, struct vfsmount **mnt)
{
	return drm_gem_huge_mnt_create(drm, "within_size");
}

static inline void enpu_huge_mnt_destroy(struct vfsmount *mnt)
{
}

static inline int enpu_huge_mnt_use(struct vfsmount *mnt, struct drm_gem_object *obj)
{
	return 0;
}
#else
static inline int enpu_huge_mnt_create(struct drm_device *drm, struct vfsmount **mnt)
{
	struct file_system_type *tmpfs = get_fs_type("tmpfs");
	char options[] = "huge=within_size";
	struct vfsmount *new;

	if (!tmpfs)
		return -ENODEV;
	new = vfs_kern_mount(tmpfs, SB_KERNMOUNT, tmpfs->name, options);
	if (IS_ERR(new))
		return PTR_ERR(new);
	*mnt = new;

	return 0;
}

static inline void enpu_huge_mnt_destroy(struct vfsmount *mnt)
{
	if (mnt)
		kern_unmount(mnt);
}

static inline int enpu_huge_mnt_use(struct vfsmount *mnt, struct drm_gem_object *obj)
{
	struct file *file;

	if (!mnt)
		return 0;
	file = shmem_file_setup_with_mnt(mnt, "enpu bo", obj->size, VM_NORESERVE);
	if (IS_ERR(file))
		return PTR_ERR(file);

	mapping_set_gfp_mask(file->f_mapping, mapping_gfp_mask(obj->filp->f_mapping));
	swap(obj->filp, file);
	fput(file);

	return 0;
}
#endif

#ifndef ENPU_HAVE_SYSTEM_DFL_WQ
#define system_dfl_wq	system_unbound_wq
#endif

#ifndef ENPU_HAVE_GPUVM_BO_OBTAIN_LOCKED
#define drm_gpuvm_bo_obtain_locked	drm_gpuvm_bo_obtain
#endif

#ifndef ENPU_HAVE_GEM_IS_IMPORTED
#define drm_gem_is_imported(obj)	((obj)->import_attach)
#endif

#endif
