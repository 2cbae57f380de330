/* SPDX-License-Identifier: MIT */
/*
 * The sim backend: the device model in the caller's process, as a libaccel
 * plug-in. What its parts share.
 *
 * Objects hold references on what they are made of (queue -> VM -> device,
 * mapping -> BO), so the order in which a caller destroys them does not matter.
 */
#ifndef ENPU_SIM_H
#define ENPU_SIM_H

#include <pthread.h>
#include <stdatomic.h>

#include <accel/backend.h>

#include "../core/contexts.h"

#define SIM_PAGE	4096ull
#define SIM_VA_START	SIM_PAGE
#define SIM_VA_END	(1ull << ENPU_VA_BITS)

struct accel_backend_device {
	atomic_uint refs;
	const struct enpu_config *config;
	pthread_t worker;
	pthread_mutex_t lock;			/* guards all that follows, and the queues */
	pthread_cond_t wake;			/* for the worker */
	pthread_cond_t progress;		/* a job ended; for everybody else */
	struct enpu_contexts *contexts;
	bool quit;
	uint64_t turns;				/* given to queues so far */
	atomic_bool contested;			/* another queue may come first */
	struct accel_backend_queue *queues;
	struct accel_backend_queue *current;	/* whose job runs */
};

struct accel_backend_bo {
	atomic_uint refs;
	uint64_t size;
	void *map;
};

/* error gets the reason; both may be NULL */
void sim_error(struct accel_backend_error *error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
uint64_t sim_now_ns(void);

/* device.c */
int sim_count(void);
int sim_open(unsigned int index, struct accel_backend_device **dev,
	     struct accel_backend_error *err);
void sim_device_ref(struct accel_backend_device *dev);
void sim_device_put(struct accel_backend_device *dev);	/* also .close */
int sim_query(struct accel_backend_device *dev, struct accel_backend_info *info);

/* bo.c */
int sim_bo_create(struct accel_backend_device *dev, uint64_t size, struct accel_backend_bo **bo);
void sim_bo_ref(struct accel_backend_bo *bo);
void sim_bo_put(struct accel_backend_bo *bo);		/* also .bo_destroy */
void *sim_bo_map(struct accel_backend_bo *bo);

/* vm.c */
int sim_vm_create(struct accel_backend_device *dev, struct accel_backend_vm **vm);
void sim_vm_ref(struct accel_backend_vm *vm);
void sim_vm_put(struct accel_backend_vm *vm);		/* also .vm_destroy */
int sim_vm_bind(struct accel_backend_vm *vm, uint64_t va, struct accel_backend_bo *bo,
		uint64_t offset, uint64_t size, uint32_t flags);
int sim_vm_unbind(struct accel_backend_vm *vm, uint64_t va, uint64_t size);
struct accel_backend_device *sim_vm_device(struct accel_backend_vm *vm);
/* The engines' view of it */
struct enpu_space *sim_vm_space(struct accel_backend_vm *vm);

/* queue.c */
int sim_queue_create(struct accel_backend_vm *vm, const struct accel_backend_queue_attrs *attrs,
		     struct accel_backend_queue **queue);
void sim_queue_destroy(struct accel_backend_queue *queue);
int sim_submit(struct accel_backend_queue *queue, const struct accel_backend_job *job,
	       uint64_t *point);
int sim_wait(struct accel_backend_queue *queue, uint64_t point, int64_t timeout_ns);
int sim_fence_fd(struct accel_backend_queue *queue, uint64_t point);
int sim_queue_fault(struct accel_backend_queue *queue, struct accel_backend_fault *fault);
/* The device's worker thread; arg is the device */
void *sim_worker(void *arg);

#endif
