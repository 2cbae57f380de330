/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * USER queues: what a process needs to feed a queue by itself.
 */
#ifndef ENPU_USER_H
#define ENPU_USER_H

#include <linux/mutex.h>
#include <linux/wait.h>

#include <drm/drm_vma_manager.h>

#include "enpu_device.h"

struct enpu_queue;
struct file;
struct vm_area_struct;

/**
 * struct enpu_user - what a USER queue has beyond the others
 *
 * Lives as long as its queue.
 */
struct enpu_user {
	/** @queue: whose it is */
	struct enpu_queue *queue;
	/** @owner: the file that may map it; compared, never looked into */
	struct drm_file *owner;
	/** @node: its offsets in the device file: ring, status page, doorbell */
	struct drm_vma_offset_node node;
	/** @waiters: in QUEUE_WAIT */
	wait_queue_head_t waiters;

	/**
	 * @lock: between giving the doorbell and taking it away. Taken in page faults,
	 * so memory may be allocated under it: never taken under the hw_lock.
	 */
	struct mutex lock;
	/** @active: the process may have the doorbell, and the watchdog is armed; by @lock */
	bool active;
	/** @slot: whose doorbell the process may have, -1 if none; by the hw_lock */
	int slot;
};

int enpu_user_init_device(struct enpu_device *enpu);

int enpu_user_init(struct enpu_queue *queue, struct drm_file *owner);
void enpu_user_fini(struct enpu_queue *queue);
void enpu_user_unmap_dma(struct enpu_queue *queue);
void enpu_user_retire_locked(struct enpu_queue *queue);
void enpu_user_revoke(struct enpu_queue *queue);
void enpu_user_offsets(struct enpu_queue *queue, struct drm_enpu_queue_create *args);
bool enpu_user_all_done_locked(struct enpu_queue *queue);
u64 enpu_user_submitted(struct enpu_queue *queue);
void enpu_user_zap_all(struct enpu_device *enpu);
void enpu_user_watchdog(struct work_struct *work);

int enpu_user_mmap(struct file *filp, struct vm_area_struct *vma);
int enpu_ioctl_queue_wait(struct drm_device *drm, void *data, struct drm_file *file);

#endif
