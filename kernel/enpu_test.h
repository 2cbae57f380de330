/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What enpu_test.c tests that is otherwise nobody's business: functions that are
 * static where there is no KUnit.
 */
#ifndef ENPU_TEST_H
#define ENPU_TEST_H

#include <kunit/visibility.h>

#if IS_ENABLED(CONFIG_KUNIT)
#include <drm/enpu_accel.h>

extern uint enpu_quota_limits[];

struct enpu_device;
struct enpu_fence;
struct enpu_job;
struct enpu_queue;
struct enpu_vm;

int enpu_queue_check_args(struct enpu_device *enpu, const struct drm_enpu_queue_create *args);
bool enpu_sched_has_room(struct enpu_queue *queue, u32 count);
void enpu_sched_fill_ring(struct enpu_queue *queue, const struct enpu_job *jobs, u32 count,
			  struct enpu_fence *fence);
int enpu_submit_check_command(struct enpu_device *enpu, const struct drm_enpu_command *cmd);
int enpu_vm_check_op(struct enpu_vm *vm, const struct drm_enpu_vm_bind_op *op);
#endif

#endif
