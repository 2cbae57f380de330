// SPDX-License-Identifier: MIT
/*
 * Carrying a job through the steps of its model. Neighbouring steps of the NPU
 * go to the queue together, which runs them in order; a step on the CPU runs
 * when all before it are complete.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cpu.h"
#include "error.h"
#include "instance.h"

static uint64_t profile_offset(const struct accel_instance *inst, uint32_t npu_step)
{
	return inst->profiles + npu_step * sizeof(struct enpu_profile);
}

static int submit_step(struct accel_job *job, const struct accel_model_step *step,
		       uint32_t npu_step)
{
	struct accel_instance *inst = job->inst;
	struct accel_backend_job desc = {
		.stream_va = inst->upload->mem.va + inst->upload->stream + step->stream_offset,
		.stream_size = step->stream_size,
		.num_regions = inst->model->num_regions,
		.regions_va = inst->table.va,
	};
	int ret;

	if (job->flags & ACCEL_SUBMIT_PROFILE) {
		uint64_t at = profile_offset(inst, npu_step);

		memset((char *)inst->mem.map + at, 0, sizeof(struct enpu_profile));
		desc.profile_va = inst->mem.va + at;
	}
	ret = inst->ops->submit(inst->queue, &desc, &job->last_point);
	if (!ret && !job->first_point)
		job->first_point = job->last_point;
	return ret;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int run_cpu_step(struct accel_job *job, const struct accel_model_step *step)
{
	struct accel_instance *inst = job->inst;
	const void *inputs[ENPU_STEP_MAX_TENSORS];
	void *outputs[ENPU_STEP_MAX_TENSORS];
	uint64_t start = now_ns();
	const char *wrong;

	for (uint32_t i = 0; i < step->num_inputs; i++)
		inputs[i] = (const char *)inst->places[step->inputs[i]->region].map +
			    step->inputs[i]->offset;
	for (uint32_t i = 0; i < step->num_outputs; i++)
		outputs[i] = (char *)inst->places[step->outputs[i]->region].map +
			     step->outputs[i]->offset;
	wrong = step->op->run(step, inputs, outputs);
	job->profile.cpu_ns += now_ns() - start;
	if (wrong)
		return accel_fail(&job->error, -EINVAL, "%s: step %s (%s, on the CPU): %s",
				  job->model->info.file, step->step.name, step->op->name, wrong);
	return 0;
}

/* Waits until what was submitted is complete */
static int wait_npu(struct accel_job *job, int stop_fd)
{
	struct accel_instance *inst = job->inst;
	struct pollfd fds[2] = { { .events = POLLIN }, { .fd = stop_fd, .events = POLLIN } };
	int ret;

	if (stop_fd < 0)
		return inst->ops->wait(inst->queue, job->last_point, -1);
	fds[0].fd = inst->ops->fence_fd(inst->queue, job->last_point);
	if (fds[0].fd < 0)
		return fds[0].fd;
	do {
		ret = poll(fds, 2, -1);
	} while (ret < 0 && errno == EINTR);
	ret = ret < 0 ? -errno : 0;
	close(fds[0].fd);
	if (ret)
		return ret;
	if (fds[1].revents)
		return -ECANCELED;
	return inst->ops->wait(inst->queue, job->last_point, -1);
}

void accel_steps_submit(struct accel_job *job)
{
	const struct accel_model *model = job->model;
	int ret = 0;

	for (uint32_t i = 0; i < model->info.num_steps && !ret; i++)
		ret = submit_step(job, &model->steps[i], i);
	if (ret)
		accel_job_finish(job, ret);
}

void accel_steps_run(struct accel_job *job, int stop_fd)
{
	const struct accel_model *model = job->model;
	uint32_t npu_steps = 0;
	int pending = 0;
	int ret = 0;

	for (uint32_t i = 0; i < model->info.num_steps && !ret; i++) {
		const struct accel_model_step *step = &model->steps[i];

		if (!step->step.on_cpu) {
			ret = submit_step(job, step, npu_steps++);
			pending = 1;
			continue;
		}
		if (pending)
			ret = wait_npu(job, stop_fd);
		pending = 0;
		if (!ret)
			ret = run_cpu_step(job, step);
	}
	if (pending && !ret)
		ret = wait_npu(job, stop_fd);
	accel_job_finish(job, ret);
}
