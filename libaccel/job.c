// SPDX-License-Identifier: MIT
/* Jobs: waiting, outcome, fault and profile of one inference. */
#include <accel/job.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <enpu/cmd.h>
#include <enpu/regs.h>

#include "error.h"
#include "instance.h"

int accel_job_create(struct accel_instance *inst, uint32_t flags, struct accel_job **out,
		     struct accel_error *err)
{
	struct accel_job *job = calloc(1, sizeof(*job));

	if (!job)
		return accel_fail(err, -ENOMEM, "out of memory");
	job->refs = 2;
	job->model = accel_model_ref(inst->model);
	job->inst = inst;
	job->flags = flags;
	job->event_fd = -1;
	memcpy(job->label, inst->attrs.label, sizeof(job->label));
	inst->job = job;
	*out = job;
	return 0;
}

void accel_job_release(struct accel_job *job)
{
	if (!job || atomic_fetch_sub(&job->refs, 1) != 1)
		return;
	if (job->event_fd >= 0)
		close(job->event_fd);
	accel_model_release(job->model);
	free(job);
}

/* The step whose stream was job number @point of the queue */
static const char *step_name(const struct accel_job *job, uint64_t point)
{
	const struct accel_model *model = job->model;
	uint64_t left = point - job->first_point;

	if (!job->first_point || point < job->first_point || point > job->last_point)
		return NULL;
	for (uint32_t i = 0; i < model->info.num_steps; i++)
		if (!model->steps[i].step.on_cpu && left-- == 0)
			return model->steps[i].step.name;
	return NULL;
}

static void set_fault(struct accel_job *job, const struct accel_backend_fault *raw)
{
	const struct accel_layer *layer = NULL;

	if (raw->command != ENPU_FAULT_NO_COMMAND)
		layer = accel_model_layer(job->model, raw->layer);
	job->has_fault = 1;
	job->fault = (struct accel_fault){
		.cause = raw->cause ? accel_fault_cause_text(raw->cause) : "timeout",
		.queue = job->label,
		.step = step_name(job, raw->job),
		.layer = layer ? layer->name : NULL,
		.layer_type = layer ? layer->type : NULL,
		.command = raw->command,
		.opcode = raw->opcode,
		.addr = raw->addr,
	};
}

/* Where a fault happened, as far as it is known */
static void place_text(const struct accel_job *job, const struct accel_backend_fault *raw,
		       char *text, size_t size)
{
	const struct accel_fault *fault = &job->fault;
	const struct accel_layer *layer = NULL;
	int at;

	at = snprintf(text, size, "%s: queue %s", job->model->info.file, fault->queue);
	if (fault->step && at >= 0 && (size_t)at < size)
		at += snprintf(text + at, size - (size_t)at, ", step %.60s", fault->step);
	if (raw->command == ENPU_FAULT_NO_COMMAND)
		return;
	layer = accel_model_layer(job->model, raw->layer);
	if (layer && at >= 0 && (size_t)at < size)
		at += snprintf(text + at, size - (size_t)at, ", layer %.100s (%.40s, operator %u)",
			       layer->name, layer->type, layer->source_index);
	if (at >= 0 && (size_t)at < size)
		snprintf(text + at, size - (size_t)at, ", command %u (%s)", raw->command,
			 accel_opcode_name(raw->opcode));
}

/* A failure without a fault: it is not about what the job did */
static const char *failure_text(int result)
{
	switch (result) {
	case -ETIMEDOUT:
		return "ran longer than the queue's timeout";
	case -ENODEV:
		return "the device is gone";
	case -EIO:
		return "the device was reset, or refused the job";
	default:
		return strerror(-result);
	}
}

static void reason_text(const struct accel_backend_fault *raw, int result, char *text, size_t size)
{
	switch (raw->cause) {
	case ENPU_FAULT_NONE:
		snprintf(text, size, "%s", failure_text(result));
		break;
	case ENPU_FAULT_UNMAPPED:
	case ENPU_FAULT_READ_ONLY:
	case ENPU_FAULT_BUS:
		snprintf(text, size, "%s: 0x%llx", accel_fault_cause_text(raw->cause),
			 (unsigned long long)raw->addr);
		break;
	case ENPU_FAULT_REGION:
		snprintf(text, size, "%s: region %u, offset 0x%llx",
			 accel_fault_cause_text(raw->cause), (unsigned int)(raw->addr >> 56),
			 (unsigned long long)raw->addr & 0xffffffffffffff);
		break;
	default:
		snprintf(text, size, "%s", accel_fault_cause_text(raw->cause));
	}
}

/* Why the device did not complete the job, in words */
static void explain(struct accel_job *job, int result)
{
	struct accel_instance *inst = job->inst;
	struct accel_backend_fault raw = { .command = ENPU_FAULT_NO_COMMAND };
	char place[384], reason[96];

	if (!inst->queue || inst->ops->queue_fault(inst->queue, &raw))
		raw = (struct accel_backend_fault){ .command = ENPU_FAULT_NO_COMMAND };
	if (raw.cause == ENPU_FAULT_NONE && result != -ETIMEDOUT)
		raw.command = ENPU_FAULT_NO_COMMAND;
	if (raw.cause != ENPU_FAULT_NONE || result == -ETIMEDOUT)
		set_fault(job, &raw);
	else
		job->fault.queue = job->label;
	place_text(job, &raw, place, sizeof(place));
	reason_text(&raw, result, reason, sizeof(reason));
	accel_fail(&job->error, result, "%s: %s", place, reason);
}

static void sum_profile(struct accel_job *job)
{
	const struct accel_instance *inst = job->inst;
	const struct enpu_profile *steps =
		(const void *)((const char *)inst->mem.map + inst->profiles);
	struct accel_profile *sum = &job->profile;

	for (uint32_t i = 0; i < job->model->num_npu_steps; i++) {
		sum->device_ns += steps[i].end_ns - steps[i].start_ns;
		sum->cycles += steps[i].cycles;
		for (uint32_t e = 0; e < ACCEL_NUM_ENGINES; e++)
			sum->engine_cycles[e] += steps[i].engine_cycles[e];
		sum->macs += steps[i].macs;
		sum->dram_read += steps[i].dram_read;
		sum->dram_written += steps[i].dram_written;
		sum->sram_read += steps[i].sram_read;
		sum->sram_written += steps[i].sram_written;
		sum->commands += steps[i].commands;
	}
}

static void drop_queue(struct accel_instance *inst)
{
	if (!inst->queue)
		return;
	pthread_mutex_lock(&inst->dev->lock);
	inst->ops->queue_destroy(inst->queue);
	pthread_mutex_unlock(&inst->dev->lock);
	inst->queue = NULL;
}

void accel_job_finish(struct accel_job *job, int result)
{
	struct accel_instance *inst = job->inst;

	if (result == -ECANCELED)
		accel_fail(&job->error, result, "%s: abandoned: its instance was released",
			   job->model->info.file);
	else if (result && !job->error.code)
		explain(job, result);
	if (result)
		drop_queue(inst);
	else if (job->flags & ACCEL_SUBMIT_PROFILE)
		sum_profile(job);

	pthread_mutex_lock(&inst->lock);
	job->result = result;
	job->done = 1;
	if (job->event_fd >= 0)
		eventfd_write(job->event_fd, 1);
	pthread_cond_broadcast(&inst->changed);
	pthread_mutex_unlock(&inst->lock);
}

static struct timespec deadline(int64_t timeout_ns)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += timeout_ns / 1000000000;
	at.tv_nsec += timeout_ns % 1000000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000;
	}
	return at;
}

static int settle_threaded(struct accel_job *job, int64_t timeout_ns)
{
	struct accel_instance *inst = job->inst;
	struct timespec until = deadline(timeout_ns < 0 ? 0 : timeout_ns);
	int ret = 0;

	pthread_mutex_lock(&inst->lock);
	while (!job->done && !ret) {
		if (timeout_ns == 0)
			ret = ETIMEDOUT;
		else if (timeout_ns < 0)
			pthread_cond_wait(&inst->changed, &inst->lock);
		else
			ret = pthread_cond_timedwait(&inst->changed, &inst->lock, &until);
	}
	ret = job->done ? 0 : -ETIME;
	pthread_mutex_unlock(&inst->lock);
	return ret;
}

int accel_job_settle(struct accel_job *job, int64_t timeout_ns)
{
	int ret;

	if (job->inst && job->threaded)
		return settle_threaded(job, timeout_ns);
	if (job->done)
		return 0;
	ret = job->inst->ops->wait(job->inst->queue, job->last_point, timeout_ns);
	if (ret == -ETIME)
		return ret;
	accel_job_finish(job, ret);
	return 0;
}

int accel_job_report(const struct accel_job *job, struct accel_error *err)
{
	if (job->result && err)
		*err = job->error;
	return job->result;
}

int accel_job_wait(struct accel_job *job, int64_t timeout_ns, struct accel_error *err)
{
	if (accel_job_settle(job, timeout_ns))
		return accel_fail(err, -ETIME, "the job is not complete yet");
	return accel_job_report(job, err);
}

int accel_job_poll(struct accel_job *job, struct accel_error *err)
{
	return accel_job_wait(job, 0, err);
}

/* A descriptor of the job's eventfd, which is readable once the job is done */
static int event_fd(struct accel_job *job)
{
	int fd;

	if (job->event_fd < 0) {
		job->event_fd = eventfd(job->done, EFD_CLOEXEC | EFD_NONBLOCK);
		if (job->event_fd < 0)
			return -errno;
	}
	fd = fcntl(job->event_fd, F_DUPFD_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

int accel_job_fence_fd(struct accel_job *job, struct accel_error *err)
{
	struct accel_instance *inst = job->inst;
	int ret;

	if (inst && job->threaded) {
		pthread_mutex_lock(&inst->lock);
		ret = event_fd(job);
		pthread_mutex_unlock(&inst->lock);
	} else if (accel_job_settle(job, 0) == 0) {
		ret = event_fd(job);
	} else {
		ret = inst->ops->fence_fd(inst->queue, job->last_point);
	}
	if (ret < 0)
		return accel_fail(err, ret, "creating a fence descriptor: %s", strerror(-ret));
	return ret;
}

const struct accel_fault *accel_job_fault(const struct accel_job *job)
{
	return job->has_fault ? &job->fault : NULL;
}

const struct accel_profile *accel_job_profile(const struct accel_job *job)
{
	return job->done && !job->result && (job->flags & ACCEL_SUBMIT_PROFILE) ? &job->profile :
		NULL;
}
