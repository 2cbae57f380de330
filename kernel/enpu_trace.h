/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: the life of every job, and what happens to queues, address spaces
 * and the device.
 *
 * A queue is named by the context of its hardware fences, which no other queue of
 * the machine ever has, and a job by its number in its queue, counted from 1 as
 * QUEUE_QUERY does. The two follow a job through all events. A submission
 * appears with its last job's number; a sync point has the number of the job
 * before it and a count of 0. Fences are context:seqno, as in the events of
 * dma_fence and gpu_scheduler: at submission the one that the user's syncobjs
 * get, from then on the hardware's.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM enpu

#if !defined(ENPU_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define ENPU_TRACE_H

#include <linux/ktime.h>
#include <linux/tracepoint.h>

#include "enpu_queue.h"
#include "enpu_sched.h"
#include "enpu_vm.h"

/* The names of enumerators mean nothing to tools that read the format: it gets their values. */
TRACE_DEFINE_ENUM(DRM_ENPU_QUEUE_ACTIVE);
TRACE_DEFINE_ENUM(DRM_ENPU_QUEUE_BANNED);
TRACE_DEFINE_ENUM(DRM_ENPU_QUEUE_LOST);

#define enpu_show_queue_state(state)				\
	__print_symbolic(state,					\
			 { DRM_ENPU_QUEUE_ACTIVE, "active" },	\
			 { DRM_ENPU_QUEUE_BANNED, "banned" },	\
			 { DRM_ENPU_QUEUE_LOST, "lost" })

TRACE_EVENT(enpu_job_submit,
	    TP_PROTO(const struct enpu_queue *queue, u64 job, u32 count,
		     const struct dma_fence *fence),
	    TP_ARGS(queue, job, count, fence),
	    TP_STRUCT__entry(__string(dev, dev_name(queue->enpu->drm.dev))
			     __string(label, queue->label)
			     __field(u64, queue)
			     __field(u64, job)
			     __field(u64, context)
			     __field(u64, seqno)
			     __field(u32, count)),
	    TP_fast_assign(__assign_str(dev);
			   __assign_str(label);
			   __entry->queue = queue->fence_context;
			   __entry->job = job;
			   __entry->context = fence->context;
			   __entry->seqno = fence->seqno;
			   __entry->count = count;),
	    TP_printk("dev=%s queue=%llu job=%llu count=%u fence=%llu:%llu label=%s",
		      __get_str(dev), __entry->queue, __entry->job, __entry->count,
		      __entry->context, __entry->seqno, __get_str(label))
);

DECLARE_EVENT_CLASS(enpu_job,
		    TP_PROTO(const struct enpu_queue *queue, const struct enpu_fence *fence),
		    TP_ARGS(queue, fence),
		    TP_STRUCT__entry(__string(dev, dev_name(queue->enpu->drm.dev))
				     __string(label, queue->label)
				     __field(u64, queue)
				     __field(u64, job)
				     __field(u64, seqno)),
		    TP_fast_assign(__assign_str(dev);
				   __assign_str(label);
				   __entry->queue = queue->fence_context;
				   __entry->job = fence->target;
				   __entry->seqno = fence->base.seqno;),
		    TP_printk("dev=%s queue=%llu job=%llu fence=%llu:%llu label=%s", __get_str(dev),
			      __entry->queue, __entry->job, __entry->queue, __entry->seqno,
			      __get_str(label))
);

/* It is in the ring and the doorbell is about to be rung. */
DEFINE_EVENT(enpu_job, enpu_job_dispatch,
	     TP_PROTO(const struct enpu_queue *queue, const struct enpu_fence *fence),
	     TP_ARGS(queue, fence)
);

DEFINE_EVENT(enpu_job, enpu_job_complete,
	     TP_PROTO(const struct enpu_queue *queue, const struct enpu_fence *fence),
	     TP_ARGS(queue, fence)
);

/* In the ring, or before: then there is no hardware fence, and its seqno is 0. */
TRACE_EVENT(enpu_job_fail,
	    TP_PROTO(const struct enpu_queue *queue, u64 job, u64 seqno, int error),
	    TP_ARGS(queue, job, seqno, error),
	    TP_STRUCT__entry(__string(dev, dev_name(queue->enpu->drm.dev))
			     __string(label, queue->label)
			     __field(u64, queue)
			     __field(u64, job)
			     __field(u64, seqno)
			     __field(int, error)),
	    TP_fast_assign(__assign_str(dev);
			   __assign_str(label);
			   __entry->queue = queue->fence_context;
			   __entry->job = job;
			   __entry->seqno = seqno;
			   __entry->error = error;),
	    TP_printk("dev=%s queue=%llu job=%llu error=%d fence=%llu:%llu label=%s",
		      __get_str(dev), __entry->queue, __entry->job, __entry->error, __entry->queue,
		      __entry->seqno, __get_str(label))
);

TRACE_EVENT(enpu_queue_create,
	    TP_PROTO(const struct enpu_queue *queue),
	    TP_ARGS(queue),
	    TP_STRUCT__entry(__string(dev, dev_name(queue->enpu->drm.dev))
			     __string(label, queue->label)
			     __field(u64, queue)
			     __field(int, slot)
			     __field(u32, vm)
			     __field(u32, priority)
			     __field(u32, ring_order)),
	    TP_fast_assign(__assign_str(dev);
			   __assign_str(label);
			   __entry->queue = queue->fence_context;
			   __entry->slot = queue->slot;
			   __entry->vm = queue->vm->number;
			   __entry->priority = queue->priority;
			   __entry->ring_order = queue->ring_order;),
	    TP_printk("dev=%s queue=%llu slot=%d vm=%u priority=%u ring_order=%u label=%s",
		      __get_str(dev), __entry->queue, __entry->slot, __entry->vm, __entry->priority,
		      __entry->ring_order, __get_str(label))
);

/* What the machine is told for a deadline's sake, and when that is over */
TRACE_EVENT(enpu_queue_priority,
	    TP_PROTO(const struct enpu_queue *queue, u32 priority),
	    TP_ARGS(queue, priority),
	    TP_STRUCT__entry(__string(dev, dev_name(queue->enpu->drm.dev))
			     __string(label, queue->label)
			     __field(u64, queue)
			     __field(u32, priority)),
	    TP_fast_assign(__assign_str(dev);
			   __assign_str(label);
			   __entry->queue = queue->fence_context;
			   __entry->priority = priority;),
	    TP_printk("dev=%s queue=%llu priority=%u label=%s", __get_str(dev), __entry->queue,
		      __entry->priority, __get_str(label))
);

/* Why a queue is about to be retired as banned; the fault is the device's record of it. */
TRACE_EVENT(enpu_queue_ban,
	    TP_PROTO(const struct enpu_queue *queue, const struct enpu_queue_status *status,
		     int error),
	    TP_ARGS(queue, status, error),
	    TP_STRUCT__entry(__string(dev, dev_name(queue->enpu->drm.dev))
			     __string(label, queue->label)
			     __field(u64, queue)
			     __field(u64, completed)
			     __field(u64, addr)
			     __field(u32, cause)
			     __field(u32, command)
			     __field(u32, layer)
			     __field(int, error)),
	    TP_fast_assign(__assign_str(dev);
			   __assign_str(label);
			   __entry->queue = queue->fence_context;
			   __entry->completed = status->completed;
			   __entry->addr = status->fault_addr;
			   __entry->cause = status->fault_cause;
			   __entry->command = status->fault_command;
			   __entry->layer = status->fault_layer;
			   __entry->error = error;),
	    TP_printk("dev=%s queue=%llu error=%d completed=%llu cause=%u command=%u layer=%u address=0x%llx label=%s",
		      __get_str(dev), __entry->queue, __entry->error, __entry->completed,
		      __entry->cause, __entry->command, __entry->layer, __entry->addr,
		      __get_str(label))
);

/* The hardware's part of it has ended, and every fence has signalled. */
TRACE_EVENT(enpu_queue_retire,
	    TP_PROTO(const struct enpu_queue *queue, u32 state, int error),
	    TP_ARGS(queue, state, error),
	    TP_STRUCT__entry(__string(dev, dev_name(queue->enpu->drm.dev))
			     __string(label, queue->label)
			     __field(u64, queue)
			     __field(u32, state)
			     __field(int, error)
			     __field(u64, completed)
			     __field(u64, busy_ns)),
	    TP_fast_assign(__assign_str(dev);
			   __assign_str(label);
			   __entry->queue = queue->fence_context;
			   __entry->state = state;
			   __entry->error = error;
			   __entry->completed = queue->last.completed;
			   __entry->busy_ns = queue->past_ns + queue->last.busy_ns;),
	    TP_printk("dev=%s queue=%llu state=%s error=%d completed=%llu busy_ns=%llu label=%s",
		      __get_str(dev), __entry->queue, enpu_show_queue_state(__entry->state),
		      __entry->error, __entry->completed, __entry->busy_ns, __get_str(label))
);

/* A process uses the doorbell of a USER queue that it did not have; not real: the dummy page */
TRACE_EVENT(enpu_doorbell_fault,
	    TP_PROTO(const struct enpu_queue *queue, bool real),
	    TP_ARGS(queue, real),
	    TP_STRUCT__entry(__string(dev, dev_name(queue->enpu->drm.dev))
			     __string(label, queue->label)
			     __field(u64, queue)
			     __field(bool, real)),
	    TP_fast_assign(__assign_str(dev);
			   __assign_str(label);
			   __entry->queue = queue->fence_context;
			   __entry->real = real;),
	    TP_printk("dev=%s queue=%llu real=%d label=%s", __get_str(dev), __entry->queue,
		      __entry->real, __get_str(label))
);

/* An address space is named by its root register, which it has while it lives. */
TRACE_EVENT(enpu_vm_map,
	    TP_PROTO(const struct enpu_vm *vm, const struct drm_enpu_vm_bind_op *op, int ret),
	    TP_ARGS(vm, op, ret),
	    TP_STRUCT__entry(__string(dev, dev_name(vm->enpu->drm.dev))
			     __field(u32, vm)
			     __field(u32, bo)
			     __field(u32, flags)
			     __field(int, ret)
			     __field(u64, va)
			     __field(u64, size)
			     __field(u64, offset)),
	    TP_fast_assign(__assign_str(dev);
			   __entry->vm = vm->number;
			   __entry->bo = op->bo_handle;
			   __entry->flags = op->flags;
			   __entry->ret = min(ret, 0);
			   __entry->va = op->va;
			   __entry->size = op->size;
			   __entry->offset = op->bo_offset;),
	    TP_printk("dev=%s vm=%u va=0x%llx size=0x%llx bo=%u offset=0x%llx %s error=%d",
		      __get_str(dev), __entry->vm, __entry->va, __entry->size, __entry->bo,
		      __entry->offset,
		      __entry->flags & DRM_ENPU_VM_BIND_READ_ONLY ? "read-only" : "writable",
		      __entry->ret)
);

TRACE_EVENT(enpu_vm_unmap,
	    TP_PROTO(const struct enpu_vm *vm, const struct drm_enpu_vm_bind_op *op, int ret),
	    TP_ARGS(vm, op, ret),
	    TP_STRUCT__entry(__string(dev, dev_name(vm->enpu->drm.dev))
			     __field(u32, vm)
			     __field(int, ret)
			     __field(u64, va)
			     __field(u64, size)),
	    TP_fast_assign(__assign_str(dev);
			   __entry->vm = vm->number;
			   __entry->ret = min(ret, 0);
			   __entry->va = op->va;
			   __entry->size = op->size;),
	    TP_printk("dev=%s vm=%u va=0x%llx size=0x%llx error=%d", __get_str(dev), __entry->vm,
		      __entry->va, __entry->size, __entry->ret)
);

TRACE_EVENT(enpu_tlb_flush,
	    TP_PROTO(const struct enpu_device *enpu, u32 vm, ktime_t began),
	    TP_ARGS(enpu, vm, began),
	    TP_STRUCT__entry(__string(dev, dev_name(enpu->drm.dev))
			     __field(u32, vm)
			     __field(s64, us)),
	    TP_fast_assign(__assign_str(dev);
			   __entry->vm = vm;
			   __entry->us = ktime_us_delta(ktime_get(), began);),
	    TP_printk("dev=%s vm=%u us=%lld", __get_str(dev), __entry->vm, __entry->us)
);

DECLARE_EVENT_CLASS(enpu_device,
		    TP_PROTO(const struct enpu_device *enpu),
		    TP_ARGS(enpu),
		    TP_STRUCT__entry(__string(dev, dev_name(enpu->drm.dev))
				     __field(u32, resets)),
		    TP_fast_assign(__assign_str(dev);
				   __entry->resets = enpu->info.reset_count;),
		    TP_printk("dev=%s resets=%u", __get_str(dev), __entry->resets)
);

/* All queues are about to be lost. */
DEFINE_EVENT(enpu_device, enpu_device_reset,
	     TP_PROTO(const struct enpu_device *enpu),
	     TP_ARGS(enpu)
);

DEFINE_EVENT(enpu_device, enpu_device_gone,
	     TP_PROTO(const struct enpu_device *enpu),
	     TP_ARGS(enpu)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE enpu_trace
#include <trace/define_trace.h>
