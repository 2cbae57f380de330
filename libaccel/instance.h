/* SPDX-License-Identifier: MIT */
/* Instances and jobs inside the library. */
#ifndef LIBACCEL_INSTANCE_H
#define LIBACCEL_INSTANCE_H

#include <pthread.h>
#include <stdatomic.h>

#include <accel/instance.h>

#include "buffer.h"
#include "device.h"
#include "model.h"
#include "upload.h"

/* Where a region's bytes are; regions of a model and of its instance have one index */
struct accel_place {
	void *map;
	uint64_t va;
	uint64_t size;
	struct accel_buffer *buf;	/* bound by the user, held; NULL: memory of our own */
};

struct accel_instance {
	struct accel_model *model;
	struct accel_device *dev;
	const struct accel_backend_ops *ops;
	struct accel_upload *upload;
	struct accel_backend_queue_attrs attrs;
	struct accel_memory mem;	/* scratch, inputs, outputs, profile records */
	struct accel_memory table;	/* struct enpu_region[], read only for the device */
	struct accel_place places[ENPU_MAX_REGIONS];
	uint64_t own[ENPU_MAX_REGIONS];	/* offsets in mem */
	uint64_t profiles;		/* offset in mem: struct enpu_profile[num_npu_steps] */
	struct accel_backend_queue *queue;	/* NULL: to be made by the next submit */
	struct accel_job *job;		/* the one submitted last, held */

	/* For models with steps on the CPU: the thread that carries a job on */
	pthread_mutex_t lock;		/* of todo, stop and the state of the job it has */
	pthread_cond_t changed;
	pthread_t thread;
	int has_thread;
	int stop;
	int stop_fd;			/* eventfd, readable when stop is set; -1: no thread */
	struct accel_job *todo;
};

struct accel_job {
	atomic_uint refs;
	struct accel_model *model;	/* held: names in a fault are its strings */
	struct accel_instance *inst;	/* NULL: it has been released, and the job is done */
	uint32_t flags;			/* ACCEL_SUBMIT_* */
	int threaded;			/* the instance's thread carries it on */
	uint64_t first_point;		/* of the queue, 0: nothing was submitted yet */
	uint64_t last_point;
	int event_fd;			/* -1: none was asked for */
	int done;
	int result;			/* once done: 0 or -errno */
	struct accel_error error;
	int has_fault;
	struct accel_fault fault;
	char label[32];
	struct accel_profile profile;
};

/* A job for @inst, to be run; the instance and the caller hold it. */
int accel_job_create(struct accel_instance *inst, uint32_t flags, struct accel_job **job,
		     struct accel_error *err);
/* Whether it is done, after asking the device: 0, or -ETIME */
int accel_job_settle(struct accel_job *job, int64_t timeout_ns);
/* Record the outcome. A job that failed takes its queue with it. */
void accel_job_finish(struct accel_job *job, int result);
/* 0, or how it failed */
int accel_job_report(const struct accel_job *job, struct accel_error *err);

/* Hand all steps of a model without steps on the CPU to the device; finishes the job on failure. */
void accel_steps_submit(struct accel_job *job);
/* Carry the job through all its steps, and finish it. @stop_fd: readable: abandon it; -1: never */
void accel_steps_run(struct accel_job *job, int stop_fd);

int accel_worker_start(struct accel_instance *inst, struct accel_error *err);
void accel_worker_give(struct accel_instance *inst, struct accel_job *job);
void accel_worker_stop(struct accel_instance *inst);

#endif
