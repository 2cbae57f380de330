// SPDX-License-Identifier: MIT
/*
 * The thread of an instance whose model has steps on the CPU: it carries one
 * submitted job at a time from step to step.
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "error.h"
#include "instance.h"

static void *work(void *arg)
{
	struct accel_instance *inst = arg;

	pthread_mutex_lock(&inst->lock);
	while (!inst->stop) {
		struct accel_job *job = inst->todo;

		if (!job) {
			pthread_cond_wait(&inst->changed, &inst->lock);
			continue;
		}
		inst->todo = NULL;
		pthread_mutex_unlock(&inst->lock);
		accel_steps_run(job, inst->stop_fd);
		pthread_mutex_lock(&inst->lock);
	}
	pthread_mutex_unlock(&inst->lock);
	return NULL;
}

/* Signals are for the threads of the program. */
static int create_thread(struct accel_instance *inst)
{
	sigset_t all, before;
	int ret;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ret = pthread_create(&inst->thread, NULL, work, inst);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -ret;
}

int accel_worker_start(struct accel_instance *inst, struct accel_error *err)
{
	int ret;

	if (inst->has_thread)
		return 0;
	inst->stop_fd = eventfd(0, EFD_CLOEXEC);
	ret = inst->stop_fd < 0 ? -errno : create_thread(inst);
	if (ret) {
		if (inst->stop_fd >= 0)
			close(inst->stop_fd);
		inst->stop_fd = -1;
		return accel_fail(err, ret, "starting a thread for steps on the CPU: %s",
				  strerror(-ret));
	}
	inst->has_thread = 1;
	return 0;
}

void accel_worker_give(struct accel_instance *inst, struct accel_job *job)
{
	pthread_mutex_lock(&inst->lock);
	job->threaded = 1;
	inst->todo = job;
	pthread_cond_broadcast(&inst->changed);
	pthread_mutex_unlock(&inst->lock);
}

void accel_worker_stop(struct accel_instance *inst)
{
	if (!inst->has_thread)
		return;
	pthread_mutex_lock(&inst->lock);
	inst->stop = 1;
	eventfd_write(inst->stop_fd, 1);
	pthread_cond_broadcast(&inst->changed);
	pthread_mutex_unlock(&inst->lock);
	pthread_join(inst->thread, NULL);
	close(inst->stop_fd);
	inst->has_thread = 0;
}
