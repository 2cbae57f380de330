// SPDX-License-Identifier: MIT
/* The fake backend: one lock, jobs run by whoever submits them or lets them go on. */
#include "fake.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <enpu/cmd.h>
#include <enpu/regs.h>

#include "device.h"

#define MAX_BINDS	64
#define MAX_JOBS	64

struct accel_backend_device {
	int unused;
};

struct accel_backend_bo {
	uint64_t size;
	void *memory;
};

struct bind {
	uint64_t va;
	uint64_t size;
	char *memory;
	uint32_t flags;
};

struct accel_backend_vm {
	struct bind binds[MAX_BINDS];
	unsigned int count;
};

struct accel_backend_queue {
	struct accel_backend_vm *vm;
	struct accel_backend_job jobs[MAX_JOBS];
	int fences[MAX_JOBS];		/* eventfds, by job; -1: none */
	uint64_t submitted;
	uint64_t completed;
	struct accel_backend_fault fault;
	struct accel_backend_queue *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct fake_counts counts;
static struct accel_backend_queue *queues;
static struct { unsigned int n; int error; } failures[FAKE_CALLS];
static int held;
static unsigned int fault_in;
static struct accel_backend_fault next_fault;
static struct accel_backend_device the_device;
struct accel_backend_info fake_info;

static const struct accel_backend_info good_info = {
	.name = "fake",
	.driver = "fake 1",
	.arch_version = ENPU_VERSION_1_0,
	.caps = ENPU_CAP_PROFILE,
	.opcodes = UINT64_C(1) << ENPU_OP_DMA_COPY,
	.macs = 512,
	.sram_bytes = 1 << 20,
	.clock_khz = 1000000,
	.num_queues = 4,
	.va_start = 0x100000,
	.va_end = UINT64_C(1) << ENPU_VA_BITS,
};

void fake_reset(void)
{
	memset(&counts, 0, sizeof(counts));
	memset(failures, 0, sizeof(failures));
	held = 0;
	fault_in = 0;
	fake_info = good_info;
}

void fake_fail(enum fake_call call, unsigned int n, int error)
{
	failures[call].n = n;
	failures[call].error = error;
}

static int failing(enum fake_call call)
{
	int ret;

	pthread_mutex_lock(&lock);
	ret = failures[call].n && --failures[call].n == 0 ? failures[call].error : 0;
	pthread_mutex_unlock(&lock);
	return ret;
}

void fake_fault(unsigned int n, const struct accel_backend_fault *fault)
{
	fault_in = n;
	next_fault = *fault;
}

struct fake_counts fake_counts(void)
{
	struct fake_counts now;

	pthread_mutex_lock(&lock);
	now = counts;
	pthread_mutex_unlock(&lock);
	return now;
}

static void *translate(struct accel_backend_queue *queue, uint64_t va, uint64_t size, int write)
{
	struct accel_backend_vm *vm = queue->vm;

	for (unsigned int i = 0; i < vm->count; i++) {
		const struct bind *bind = &vm->binds[i];

		if (va < bind->va || va + size > bind->va + bind->size)
			continue;
		if (write && (bind->flags & ACCEL_BACKEND_BIND_READ_ONLY))
			break;
		return bind->memory + (va - bind->va);
	}
	queue->fault.cause = ENPU_FAULT_UNMAPPED;
	queue->fault.error = EFAULT;
	queue->fault.addr = va;
	return NULL;
}

static void copy(struct accel_backend_queue *queue, const struct accel_backend_job *job,
		 const struct enpu_cmd_dma *cmd)
{
	const struct enpu_region *table = translate(queue, job->regions_va,
						    job->num_regions * sizeof(*table), 0);
	const void *from;
	void *to;

	if (!table)
		return;
	from = translate(queue, table[cmd->src.region].va + cmd->src.offset, cmd->length, 0);
	to = translate(queue, table[cmd->dst.region].va + cmd->dst.offset, cmd->length, 1);
	if (from && to)
		memcpy(to, from, cmd->length);
}

static void run_job(struct accel_backend_queue *queue, const struct accel_backend_job *job)
{
	uint32_t at = 0;

	while (at < job->stream_size && !queue->fault.error) {
		const struct enpu_cmd_dma *cmd = translate(queue, job->stream_va + at,
							   sizeof(*cmd), 0);

		if (!cmd)
			return;
		copy(queue, job, cmd);
		at += cmd->cmd.size;
	}
	if (job->profile_va && !queue->fault.error) {
		struct enpu_profile *profile = translate(queue, job->profile_va,
							 sizeof(*profile), 1);

		*profile = (struct enpu_profile){ .start_ns = 10, .end_ns = 110, .cycles = 1000,
						  .commands = 2, .engine_cycles = { 5, 6, 7, 8 } };
	}
}

static void signal_fences(struct accel_backend_queue *queue)
{
	for (uint64_t i = 0; i < queue->submitted && i < MAX_JOBS; i++)
		if (queue->fences[i] >= 0 && (i < queue->completed || queue->fault.error))
			eventfd_write(queue->fences[i], 1);
}

static void run_queue(struct accel_backend_queue *queue)
{
	while (!held && queue->completed < queue->submitted && !queue->fault.error) {
		const struct accel_backend_job *job = &queue->jobs[queue->completed % MAX_JOBS];

		if (fault_in && --fault_in == 0)
			queue->fault = next_fault;
		else
			run_job(queue, job);
		if (queue->fault.error)
			queue->fault.job = queue->completed + 1;
		else
			queue->completed++;
	}
	signal_fences(queue);
}

void fake_hold(void)
{
	pthread_mutex_lock(&lock);
	held = 1;
	pthread_mutex_unlock(&lock);
}

void fake_continue(void)
{
	pthread_mutex_lock(&lock);
	held = 0;
	for (struct accel_backend_queue *queue = queues; queue; queue = queue->next)
		run_queue(queue);
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static int count(void)
{
	return 1;
}

static int open_device(unsigned int index, struct accel_backend_device **dev,
		       struct accel_backend_error *err)
{
	int ret = failing(FAKE_OPEN);

	if (ret)
		snprintf(err->text, sizeof(err->text), "fake open failed");
	else
		counts.devices++;
	*dev = &the_device;
	return ret;
}

static void close_device(struct accel_backend_device *dev)
{
	counts.devices--;
}

static int query(struct accel_backend_device *dev, struct accel_backend_info *info)
{
	*info = fake_info;
	return failing(FAKE_QUERY);
}

static int bo_create(struct accel_backend_device *dev, uint64_t size,
		     struct accel_backend_bo **out)
{
	int ret = failing(FAKE_BO_CREATE);
	struct accel_backend_bo *bo;

	if (ret)
		return ret;
	bo = calloc(1, sizeof(*bo));
	bo->size = size;
	bo->memory = aligned_alloc(4096, size);
	memset(bo->memory, 0, size);
	pthread_mutex_lock(&lock);
	counts.bos++;
	counts.bytes += size;
	pthread_mutex_unlock(&lock);
	*out = bo;
	return 0;
}

static void bo_destroy(struct accel_backend_bo *bo)
{
	pthread_mutex_lock(&lock);
	counts.bos--;
	counts.bytes -= bo->size;
	pthread_mutex_unlock(&lock);
	free(bo->memory);
	free(bo);
}

static void *bo_map(struct accel_backend_bo *bo)
{
	errno = -failing(FAKE_BO_MAP);
	return errno ? NULL : bo->memory;
}

static int vm_create(struct accel_backend_device *dev, struct accel_backend_vm **vm)
{
	int ret = failing(FAKE_VM_CREATE);

	if (ret)
		return ret;
	*vm = calloc(1, sizeof(**vm));
	counts.vms++;
	return 0;
}

static void vm_destroy(struct accel_backend_vm *vm)
{
	counts.vms--;
	free(vm);
}

static int vm_bind(struct accel_backend_vm *vm, uint64_t va, struct accel_backend_bo *bo,
		   uint64_t offset, uint64_t size, uint32_t flags)
{
	int ret = failing(FAKE_VM_BIND);

	if (ret)
		return ret;
	if (va % 4096 || size % 4096 || offset + size > bo->size || vm->count == MAX_BINDS)
		return -EINVAL;
	pthread_mutex_lock(&lock);
	vm->binds[vm->count++] = (struct bind){ va, size, (char *)bo->memory + offset, flags };
	counts.binds++;
	counts.read_only_binds += flags == ACCEL_BACKEND_BIND_READ_ONLY;
	counts.last_va = va;
	pthread_mutex_unlock(&lock);
	return 0;
}

static int vm_unbind(struct accel_backend_vm *vm, uint64_t va, uint64_t size)
{
	pthread_mutex_lock(&lock);
	for (unsigned int i = 0; i < vm->count; i++) {
		if (vm->binds[i].va != va)
			continue;
		counts.read_only_binds -= vm->binds[i].flags == ACCEL_BACKEND_BIND_READ_ONLY;
		vm->binds[i] = vm->binds[--vm->count];
		counts.binds--;
	}
	pthread_mutex_unlock(&lock);
	return 0;
}

static int queue_create(struct accel_backend_vm *vm, const struct accel_backend_queue_attrs *attrs,
			struct accel_backend_queue **out)
{
	int ret = failing(FAKE_QUEUE_CREATE);
	struct accel_backend_queue *queue;

	if (ret)
		return ret;
	queue = calloc(1, sizeof(*queue));
	queue->vm = vm;
	memset(queue->fences, 0xff, sizeof(queue->fences));
	pthread_mutex_lock(&lock);
	queue->next = queues;
	queues = queue;
	counts.queues++;
	counts.attrs = *attrs;
	pthread_mutex_unlock(&lock);
	*out = queue;
	return 0;
}

static void queue_destroy(struct accel_backend_queue *queue)
{
	struct accel_backend_queue **at = &queues;

	pthread_mutex_lock(&lock);
	while (*at != queue)
		at = &(*at)->next;
	*at = queue->next;
	counts.queues--;
	queue->fault.error = ECANCELED;
	signal_fences(queue);
	for (unsigned int i = 0; i < MAX_JOBS; i++)
		if (queue->fences[i] >= 0)
			close(queue->fences[i]);
	pthread_mutex_unlock(&lock);
	free(queue);
}

static int submit(struct accel_backend_queue *queue, const struct accel_backend_job *job,
		  uint64_t *point)
{
	int ret = failing(FAKE_SUBMIT);

	if (ret)
		return ret;
	pthread_mutex_lock(&lock);
	if (queue->fault.error) {
		ret = -EIO;
	} else {
		if (queue->fences[queue->submitted % MAX_JOBS] >= 0)
			close(queue->fences[queue->submitted % MAX_JOBS]);
		queue->fences[queue->submitted % MAX_JOBS] = -1;
		queue->jobs[queue->submitted % MAX_JOBS] = *job;
		*point = ++queue->submitted;
		counts.jobs++;
		run_queue(queue);
	}
	pthread_mutex_unlock(&lock);
	return ret;
}

static int wait_point(struct accel_backend_queue *queue, uint64_t point, int64_t timeout_ns)
{
	struct timespec until;
	int ret = failing(FAKE_WAIT);

	if (ret)
		return ret;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += timeout_ns > 0 ? timeout_ns % 1000000000 : 0;
	until.tv_sec += (timeout_ns > 0 ? timeout_ns / 1000000000 : 0) + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&lock);
	while (queue->completed < point && !queue->fault.error && ret != ETIMEDOUT) {
		if (timeout_ns < 0)
			pthread_cond_wait(&changed, &lock);
		else
			ret = pthread_cond_timedwait(&changed, &lock, &until);
	}
	if (queue->completed >= point)
		ret = 0;
	else
		ret = queue->fault.error ? -queue->fault.error : -ETIME;
	pthread_mutex_unlock(&lock);
	return ret;
}

static int fence_fd(struct accel_backend_queue *queue, uint64_t point)
{
	int *fence = &queue->fences[(point - 1) % MAX_JOBS];
	int ret = failing(FAKE_FENCE_FD);

	if (ret)
		return ret;
	pthread_mutex_lock(&lock);
	if (*fence < 0)
		*fence = eventfd(0, EFD_CLOEXEC);
	signal_fences(queue);
	counts.fences++;
	ret = dup(*fence);
	pthread_mutex_unlock(&lock);
	return ret;
}

static int queue_fault(struct accel_backend_queue *queue, struct accel_backend_fault *fault)
{
	pthread_mutex_lock(&lock);
	*fault = queue->fault;
	pthread_mutex_unlock(&lock);
	return 0;
}

static const struct accel_backend_ops ops = {
	.abi = ACCEL_BACKEND_ABI,
	.size = sizeof(struct accel_backend_ops),
	.name = "fake",
	.count = count,
	.open = open_device,
	.close = close_device,
	.query = query,
	.bo_create = bo_create,
	.bo_destroy = bo_destroy,
	.bo_map = bo_map,
	.vm_create = vm_create,
	.vm_destroy = vm_destroy,
	.vm_bind = vm_bind,
	.vm_unbind = vm_unbind,
	.queue_create = queue_create,
	.queue_destroy = queue_destroy,
	.submit = submit,
	.wait = wait_point,
	.fence_fd = fence_fd,
	.queue_fault = queue_fault,
};

int fake_open(struct accel_device **dev, struct accel_error *err)
{
	return accel_device_open_backend((struct accel_backend){ .ops = &ops }, 0, dev, err);
}
