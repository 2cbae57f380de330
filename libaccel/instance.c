// SPDX-License-Identifier: MIT
/*
 * Instances: their memory, what is bound to it, and handing out jobs.
 *
 * One buffer object holds everything that the device writes, another the
 * region table, which it may only read.
 */
#include "instance.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include <enpu/regs.h>

#include "error.h"

#define PAGE	(UINT64_C(1) << ENPU_MMU_PAGE_SHIFT)

static_assert(ENPU_MAX_REGIONS * sizeof(struct enpu_region) <= PAGE,
	      "a region table is one page");

static const uint32_t priorities[] = {
	[ACCEL_PRIORITY_NORMAL] = ENPU_PRIORITY_NORMAL,
	[ACCEL_PRIORITY_LOW] = ENPU_PRIORITY_LOW,
	[ACCEL_PRIORITY_HIGH] = ENPU_PRIORITY_HIGH,
	[ACCEL_PRIORITY_REALTIME] = ENPU_PRIORITY_REALTIME,
};

static void update_table(struct accel_instance *inst, uint32_t region)
{
	struct enpu_region *table = inst->table.map;

	table[region].va = inst->places[region].va;
	table[region].size = inst->places[region].size;
}

static void place(struct accel_instance *inst, uint32_t region, const struct accel_memory *mem,
		  uint64_t offset)
{
	inst->places[region] = (struct accel_place){
		.map = (char *)mem->map + offset,
		.va = mem->va + offset,
		.size = inst->model->regions[region].size,
	};
	update_table(inst, region);
}

static void place_own(struct accel_instance *inst, uint32_t region)
{
	if (inst->model->regions[region].role == ENPU_ROLE_CONSTANT)
		place(inst, region, &inst->upload->mem, inst->upload->regions[region]);
	else
		place(inst, region, &inst->mem, inst->own[region]);
}

/* Variables, as they are before the first run */
static void fill_state(struct accel_instance *inst)
{
	for (uint32_t i = 0; i < inst->model->num_regions; i++) {
		const struct accel_region *region = &inst->model->regions[i];
		char *to = inst->places[i].map;

		if (region->role != ENPU_ROLE_STATE)
			continue;
		if (region->data_size)
			memcpy(to, region->data, region->data_size);
		memset(to + region->data_size, 0, region->size - region->data_size);
	}
}

static int create_memory(struct accel_instance *inst, struct accel_error *err)
{
	const struct accel_model *model = inst->model;
	uint64_t size = 0;
	int ret;

	for (uint32_t i = 0; i < model->num_regions; i++) {
		if (model->regions[i].role == ENPU_ROLE_CONSTANT)
			continue;
		inst->own[i] = size;
		size = (size + model->regions[i].size + PAGE - 1) & ~(PAGE - 1);
	}
	inst->profiles = size;
	size += (uint64_t)model->num_npu_steps * sizeof(struct enpu_profile);
	ret = accel_memory_create(inst->dev, size, 0, "inputs, outputs and scratch", &inst->mem,
				  err);
	if (!ret)
		ret = accel_memory_create(inst->dev, PAGE, ACCEL_BACKEND_BIND_READ_ONLY,
					  "region table", &inst->table, err);
	for (uint32_t i = 0; i < model->num_regions && !ret; i++)
		place_own(inst, i);
	if (!ret)
		fill_state(inst);
	return ret;
}

static int create_queue(struct accel_instance *inst, struct accel_error *err)
{
	struct accel_device *dev = inst->dev;
	int ret;

	pthread_mutex_lock(&dev->lock);
	ret = inst->ops->queue_create(dev->vm, &inst->attrs, &inst->queue);
	pthread_mutex_unlock(&dev->lock);
	if (ret)
		inst->queue = NULL;
	if (ret == -ENOSPC)
		return accel_fail(err, ret, "%s: all %u queues are in use", dev->info.id,
				  dev->info.num_queues);
	if (ret == -EACCES)
		return accel_fail(err, ret, "%s: no permission for a queue of that priority",
				  dev->info.id);
	if (ret)
		return accel_fail(err, ret, "%s: creating a queue: %s", dev->info.id,
				  strerror(-ret));
	return 0;
}

static int set_attrs(struct accel_instance *inst, const struct accel_instance_options *opts,
		     struct accel_error *err)
{
	const char *source = inst->model->info.source;
	struct accel_instance_options all = { 0 };
	const char *slash = strrchr(source, '/');

	if (opts && opts->size < sizeof(opts->size) + sizeof(opts->priority))
		return accel_fail(err, -EINVAL, "instance options: size: not set");
	if (opts)
		memcpy(&all, opts, opts->size < sizeof(all) ? opts->size : sizeof(all));
	if ((unsigned int)all.priority > ACCEL_PRIORITY_REALTIME)
		return accel_fail(err, -EINVAL, "instance options: priority: %d is not known",
				  (int)all.priority);
	inst->attrs.priority = priorities[all.priority];
	inst->attrs.timeout_ms = all.timeout_ms;
	snprintf(inst->attrs.label, sizeof(inst->attrs.label), "%.31s",
		 all.label ? all.label : slash ? slash + 1 : source);
	return 0;
}

static void destroy(struct accel_instance *inst)
{
	if (inst->queue) {
		pthread_mutex_lock(&inst->dev->lock);
		inst->ops->queue_destroy(inst->queue);
		pthread_mutex_unlock(&inst->dev->lock);
	}
	for (uint32_t i = 0; i < inst->model->num_regions; i++)
		accel_buffer_release(inst->places[i].buf);
	accel_memory_destroy(&inst->table);
	accel_memory_destroy(&inst->mem);
	if (inst->upload)
		accel_upload_put(inst->model, inst->upload);
	pthread_cond_destroy(&inst->changed);
	pthread_mutex_destroy(&inst->lock);
	accel_device_release(inst->dev);
	accel_model_release(inst->model);
	free(inst);
}

static struct accel_instance *alloc(struct accel_model *model, struct accel_device *dev)
{
	struct accel_instance *inst = calloc(1, sizeof(*inst));
	pthread_condattr_t attr;

	if (!inst)
		return NULL;
	inst->model = accel_model_ref(model);
	inst->dev = accel_device_ref(dev);
	inst->ops = dev->ops;
	inst->stop_fd = -1;
	pthread_mutex_init(&inst->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&inst->changed, &attr);
	pthread_condattr_destroy(&attr);
	return inst;
}

int accel_instance_create(struct accel_model *model, struct accel_device *dev,
			  const struct accel_instance_options *opts,
			  struct accel_instance **out, struct accel_error *err)
{
	struct accel_instance *inst;
	int ret = accel_model_check(model, dev, err);

	if (ret)
		return ret;
	inst = alloc(model, dev);
	if (!inst)
		return accel_fail(err, -ENOMEM, "out of memory");
	ret = set_attrs(inst, opts, err);
	if (!ret)
		ret = accel_upload_get(model, dev, &inst->upload, err);
	if (!ret)
		ret = create_memory(inst, err);
	if (!ret)
		ret = create_queue(inst, err);
	if (ret)
		destroy(inst);
	else
		*out = inst;
	return ret;
}

void accel_instance_release(struct accel_instance *inst)
{
	struct accel_job *job;

	if (!inst)
		return;
	accel_worker_stop(inst);
	job = inst->job;
	if (job) {
		accel_job_settle(job, 0);
		if (!job->done)
			accel_job_finish(job, -ECANCELED);
		job->inst = NULL;
		accel_job_release(job);
	}
	destroy(inst);
}

void *accel_instance_input(struct accel_instance *inst, unsigned int index)
{
	const struct accel_model_tensor *tensor;

	if (index >= inst->model->info.num_inputs)
		return NULL;
	tensor = inst->model->inputs[index];
	return (char *)inst->places[tensor->region].map + tensor->offset;
}

const void *accel_instance_output(struct accel_instance *inst, unsigned int index)
{
	const struct accel_model_tensor *tensor;

	if (index >= inst->model->info.num_outputs)
		return NULL;
	tensor = inst->model->outputs[index];
	return (const char *)inst->places[tensor->region].map + tensor->offset;
}

static int busy(struct accel_instance *inst)
{
	return inst->job && accel_job_settle(inst->job, 0) == -ETIME;
}

static int check_bind(struct accel_instance *inst, const struct accel_model_tensor *tensor,
		      struct accel_buffer *buf, size_t offset, struct accel_error *err)
{
	const char *name = tensor->tensor.name;

	if (busy(inst))
		return accel_fail(err, -EBUSY, "tensor %s: the instance is running a job", name);
	if (!tensor->alone)
		return accel_fail(err, -ENOTSUP, "tensor %s: shares its region with others", name);
	if (!buf)
		return 0;
	if (buf->dev != inst->dev)
		return accel_fail(err, -EINVAL, "tensor %s: the buffer is of another device", name);
	if (offset % ACCEL_BUFFER_ALIGN)
		return accel_fail(err, -EINVAL, "tensor %s: offset %zu is not a multiple of %d",
				  name, offset, ACCEL_BUFFER_ALIGN);
	if (offset > buf->size || buf->size - offset < tensor->tensor.size)
		return accel_fail(err, -ERANGE,
				  "tensor %s: needs %zu bytes at offset %zu of a buffer of %zu",
				  name, tensor->tensor.size, offset, buf->size);
	return 0;
}

static int bind(struct accel_instance *inst, const struct accel_model_tensor *tensor,
		struct accel_buffer *buf, size_t offset, struct accel_error *err)
{
	struct accel_place *at = &inst->places[tensor->region];
	struct accel_buffer *old = at->buf;
	int ret = check_bind(inst, tensor, buf, offset, err);

	if (ret)
		return ret;
	place_own(inst, tensor->region);
	if (buf) {
		place(inst, tensor->region, &buf->mem, offset);
		at->buf = accel_buffer_ref(buf);
		at->size = tensor->tensor.size;
		update_table(inst, tensor->region);
	}
	accel_buffer_release(old);
	return 0;
}

int accel_instance_bind_input(struct accel_instance *inst, unsigned int index,
			      struct accel_buffer *buf, size_t offset, struct accel_error *err)
{
	if (index >= inst->model->info.num_inputs)
		return accel_fail(err, -EINVAL, "input %u: the model has %u", index,
				  inst->model->info.num_inputs);
	return bind(inst, inst->model->inputs[index], buf, offset, err);
}

int accel_instance_bind_output(struct accel_instance *inst, unsigned int index,
			       struct accel_buffer *buf, size_t offset, struct accel_error *err)
{
	if (index >= inst->model->info.num_outputs)
		return accel_fail(err, -EINVAL, "output %u: the model has %u", index,
				  inst->model->info.num_outputs);
	return bind(inst, inst->model->outputs[index], buf, offset, err);
}

int accel_instance_reset(struct accel_instance *inst, struct accel_error *err)
{
	if (busy(inst))
		return accel_fail(err, -EBUSY, "the instance is running a job");
	fill_state(inst);
	return 0;
}

/* Whether a job may start now; forgets the one before */
static int prepare(struct accel_instance *inst, uint32_t flags, struct accel_error *err)
{
	if (flags & ~ACCEL_SUBMIT_PROFILE)
		return accel_fail(err, -EINVAL, "submit: flags 0x%x are not known", flags);
	if ((flags & ACCEL_SUBMIT_PROFILE) && !(inst->dev->info.caps & ENPU_CAP_PROFILE))
		return accel_fail(err, -ENOTSUP, "%s can't record profiles", inst->dev->info.id);
	if (busy(inst))
		return accel_fail(err, -EBUSY, "the instance is still running the job before");
	if (inst->job) {
		accel_job_release(inst->job);
		inst->job = NULL;
	}
	return inst->queue ? 0 : create_queue(inst, err);
}

int accel_instance_run(struct accel_instance *inst, struct accel_error *err)
{
	struct accel_job *job;
	int ret = prepare(inst, 0, err);

	if (!ret)
		ret = accel_job_create(inst, 0, &job, err);
	if (ret)
		return ret;
	accel_steps_run(job, -1);
	ret = accel_job_report(job, err);
	accel_job_release(job);
	return ret;
}

int accel_instance_submit(struct accel_instance *inst, uint32_t flags, struct accel_job **out,
			  struct accel_error *err)
{
	int threaded = inst->model->info.num_cpu_steps != 0;
	struct accel_job *job;
	int ret = prepare(inst, flags, err);

	if (!ret && threaded)
		ret = accel_worker_start(inst, err);
	if (!ret)
		ret = accel_job_create(inst, flags, &job, err);
	if (ret)
		return ret;
	if (threaded)
		accel_worker_give(inst, job);
	else
		accel_steps_submit(job);
	*out = job;
	return 0;
}
