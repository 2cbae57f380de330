// SPDX-License-Identifier: MIT
/*
 * Queues: jobs in order, one worker thread a device that executes them, waits,
 * fences. The same engines as behind the registers, without the registers, and
 * preemption between commands as there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "sim.h"

#define NS_PER_MS		1000000ull
#define NS_PER_S		1000000000ull
#define DEFAULT_TIMEOUT_MS	10000u
#define TIME_SLICE_NS		(ENPU_TIME_SLICE_DEFAULT * 1000ull)

struct job {
	struct job *next;
	struct enpu_job desc;
};

/* Signalled and freed when the queue reaches its point, or fails */
struct fence {
	struct fence *next;
	uint64_t point;
	int fd;
};

struct accel_backend_queue {
	struct accel_backend_queue *next;	/* of the device's */
	struct accel_backend_device *dev;
	struct accel_backend_vm *vm;
	uint32_t priority;
	uint64_t timeout_ns;
	struct job *first;
	struct job **end;
	uint64_t submitted;
	uint64_t completed;
	struct fence *fences;
	struct accel_backend_fault fault;	/* fault.error: why it takes no more jobs */
	uint64_t turn;				/* when it got the engines last: higher is later */
	struct enpu_exec *exec;			/* of the job that was begun; NULL: none */
	/* The worker's */
	uint64_t begun_ns;
	uint64_t left_ns;			/* that this job may have the engines */
	uint64_t deadline_ns;			/* of its turn */
	bool timed_out;
	atomic_bool destroyed;			/* what runs is to be abandoned */
};

static bool hook_poll(void *arg)
{
	struct accel_backend_queue *queue = arg;

	if (atomic_load_explicit(&queue->destroyed, memory_order_relaxed))
		return false;
	queue->timed_out = sim_now_ns() > queue->deadline_ns;
	return !queue->timed_out;
}

static const struct enpu_exec_hooks hooks = {
	.command = hook_poll,
	.poll = hook_poll,
};

static void signal_fd(int fd)
{
	const uint64_t one = 1;
	ssize_t n;

	/* A counter of 1 at most can't be full */
	n = write(fd, &one, sizeof(one));
	(void)n;
}

/* The lock is held from here on, but while a job executes */

static bool reached(const struct accel_backend_queue *queue, uint64_t point)
{
	return point <= queue->completed || queue->fault.error;
}

static void signal_fences(struct accel_backend_queue *queue)
{
	struct fence **link = &queue->fences;

	while (*link) {
		struct fence *fence = *link;

		if (!reached(queue, fence->point)) {
			link = &fence->next;
			continue;
		}
		signal_fd(fence->fd);
		close(fence->fd);
		*link = fence->next;
		free(fence);
	}
}

static void drop_jobs(struct accel_backend_queue *queue)
{
	while (queue->first) {
		struct job *job = queue->first;

		queue->first = job->next;
		free(job);
	}
	queue->end = &queue->first;
}

static void fail_queue(struct accel_backend_queue *queue, int error,
		       const struct enpu_exec_fault *fault)
{
	queue->fault = (struct accel_backend_fault) {
		.cause = error == EFAULT ? fault->cause : ENPU_FAULT_NONE,
		.error = error,
		.command = fault->command,
		.layer = fault->layer,
		.opcode = fault->opcode,
		.addr = error == EFAULT ? fault->addr : 0,
		.job = queue->completed + 1,
	};
	drop_jobs(queue);
}

static bool has_job(const struct accel_backend_queue *queue)
{
	return queue->exec || queue->first;
}

/* Highest priority first; among equals the one that has waited longest since its turn */
static struct accel_backend_queue *pick(const struct accel_backend_device *dev)
{
	struct accel_backend_queue *best = NULL, *queue;

	for (queue = dev->queues; queue; queue = queue->next)
		if (has_job(queue) &&
		    (!best || queue->priority > best->priority ||
		     (queue->priority == best->priority && queue->turn < best->turn)))
			best = queue;
	return best;
}

static void drop_context(struct accel_backend_queue *queue)
{
	if (queue->exec)
		enpu_contexts_put(queue->dev->contexts, queue->exec);
	queue->exec = NULL;
}

/* A command is complete: is another queue to go on? The lock is not held. */
static bool must_yield(struct accel_backend_queue *queue, uint64_t since_ns)
{
	struct accel_backend_device *dev = queue->dev;
	bool expired = sim_now_ns() - since_ns >= TIME_SLICE_NS, yield;
	const struct accel_backend_queue *best;

	if (!atomic_exchange(&dev->contested, false) && !expired)
		return false;
	pthread_mutex_lock(&dev->lock);
	best = pick(dev);
	yield = best && best != queue && (expired || best->priority > queue->priority);
	pthread_mutex_unlock(&dev->lock);
	return yield;
}

/* Take the next job off the list into a context of its own; ABANDONED: there is no memory */
static enum enpu_step begin(struct accel_backend_queue *queue, uint64_t now_ns)
{
	struct job *job = queue->first;
	enum enpu_step step;

	queue->exec = enpu_contexts_get(queue->dev->contexts);
	if (!queue->exec)
		return ENPU_STEP_ABANDONED;
	queue->first = job->next;
	if (!queue->first)
		queue->end = &queue->first;
	queue->begun_ns = now_ns;
	queue->left_ns = queue->timeout_ns;
	queue->timed_out = false;
	pthread_mutex_unlock(&queue->dev->lock);
	step = enpu_exec_start(queue->exec, sim_vm_space(queue->vm), &job->desc, &hooks, queue);
	free(job);
	pthread_mutex_lock(&queue->dev->lock);
	return step;
}

/* To the job's end, or until it must yield (MORE). The lock is not held. */
static enum enpu_step execute(struct accel_backend_queue *queue, uint64_t since_ns)
{
	struct enpu_exec *x = queue->exec;
	enum enpu_step step;
	uint64_t used_ns;

	queue->deadline_ns = since_ns + queue->left_ns;
	do {
		step = enpu_exec_step(x);
	} while (step == ENPU_STEP_MORE && (enpu_exec_at_end(x) || !must_yield(queue, since_ns)));

	used_ns = sim_now_ns() - since_ns;
	queue->left_ns -= used_ns < queue->left_ns ? used_ns : queue->left_ns;
	return step == ENPU_STEP_DONE ?
	       enpu_exec_finish(x, queue->begun_ns, since_ns + used_ns) : step;
}

static void end_job(struct accel_backend_queue *queue, enum enpu_step step)
{
	const struct enpu_exec_fault none = { .command = ENPU_FAULT_NO_COMMAND };

	if (step == ENPU_STEP_DONE)
		queue->completed++;
	else if (!queue->exec)
		fail_queue(queue, ENOMEM, &none);
	else if (step == ENPU_STEP_FAULT)
		fail_queue(queue, EFAULT, enpu_exec_fault(queue->exec));
	else if (queue->timed_out)
		fail_queue(queue, ETIME, enpu_exec_fault(queue->exec));
	drop_context(queue);
	signal_fences(queue);
}

/* A queue's turn, from the moment that it gets the engines until it leaves them */
static void serve(struct accel_backend_device *dev, struct accel_backend_queue *queue)
{
	uint64_t now_ns = sim_now_ns();
	enum enpu_step step = ENPU_STEP_MORE;

	dev->current = queue;
	queue->turn = ++dev->turns;
	if (!queue->exec)
		step = begin(queue, now_ns);
	if (step == ENPU_STEP_MORE) {
		pthread_mutex_unlock(&dev->lock);
		step = execute(queue, now_ns);
		pthread_mutex_lock(&dev->lock);
	}
	if (step != ENPU_STEP_MORE)
		end_job(queue, step);
	dev->current = NULL;
	pthread_cond_broadcast(&dev->progress);
}

void *sim_worker(void *arg)
{
	struct accel_backend_device *dev = arg;

	pthread_mutex_lock(&dev->lock);
	while (!dev->quit) {
		struct accel_backend_queue *queue = pick(dev);

		if (queue)
			serve(dev, queue);
		else
			pthread_cond_wait(&dev->wake, &dev->lock);
	}
	pthread_mutex_unlock(&dev->lock);
	return NULL;
}

int sim_queue_create(struct accel_backend_vm *vm, const struct accel_backend_queue_attrs *attrs,
		     struct accel_backend_queue **out)
{
	struct accel_backend_device *dev = sim_vm_device(vm);
	uint32_t timeout_ms = attrs->timeout_ms ? attrs->timeout_ms : DEFAULT_TIMEOUT_MS;
	struct accel_backend_queue *queue;

	if (attrs->priority > ENPU_PRIORITY_REALTIME)
		return -EINVAL;
	queue = calloc(1, sizeof(*queue));
	if (!queue)
		return -ENOMEM;
	queue->dev = dev;
	queue->vm = vm;
	sim_vm_ref(vm);
	queue->priority = attrs->priority;
	queue->timeout_ns = timeout_ms * NS_PER_MS;
	queue->end = &queue->first;

	pthread_mutex_lock(&dev->lock);
	queue->turn = ++dev->turns;
	queue->next = dev->queues;
	dev->queues = queue;
	pthread_mutex_unlock(&dev->lock);
	*out = queue;
	return 0;
}

static void unlink_queue(struct accel_backend_queue *queue)
{
	struct accel_backend_queue **link = &queue->dev->queues;

	while (*link != queue)
		link = &(*link)->next;
	*link = queue->next;
}

void sim_queue_destroy(struct accel_backend_queue *queue)
{
	struct accel_backend_device *dev = queue->dev;

	atomic_store(&queue->destroyed, true);
	pthread_mutex_lock(&dev->lock);
	drop_jobs(queue);
	unlink_queue(queue);
	while (dev->current == queue)
		pthread_cond_wait(&dev->progress, &dev->lock);
	drop_context(queue);
	if (queue->completed < queue->submitted && !queue->fault.error)
		queue->fault.error = ECANCELED;
	signal_fences(queue);
	pthread_mutex_unlock(&dev->lock);
	sim_vm_put(queue->vm);
	free(queue);
}

int sim_submit(struct accel_backend_queue *queue, const struct accel_backend_job *desc,
	       uint64_t *point)
{
	struct accel_backend_device *dev = queue->dev;
	struct job *job = calloc(1, sizeof(*job));
	int ret = -EIO;

	if (!job)
		return -ENOMEM;
	job->desc = (struct enpu_job) {
		.stream_va = desc->stream_va,
		.stream_size = desc->stream_size,
		.flags = desc->profile_va ? ENPU_JOB_PROFILE : 0,
		.regions_va = desc->regions_va,
		.num_regions = desc->num_regions,
		.profile_va = desc->profile_va,
	};

	pthread_mutex_lock(&dev->lock);
	if (!queue->fault.error) {
		job->desc.cookie = ++queue->submitted;
		*point = queue->submitted;
		*queue->end = job;
		queue->end = &job->next;
		atomic_store(&dev->contested, true);
		pthread_cond_signal(&dev->wake);
		ret = 0;
	}
	pthread_mutex_unlock(&dev->lock);
	if (ret)
		free(job);
	return ret;
}

static struct timespec deadline(int64_t timeout_ns)
{
	uint64_t now = sim_now_ns(), at = now + (uint64_t)timeout_ns;

	if (at > INT64_MAX)
		at = INT64_MAX;
	return (struct timespec) {
		.tv_sec = (time_t)(at / NS_PER_S),
		.tv_nsec = (long)(at % NS_PER_S),
	};
}

/* The result of a point that was reached; a timeout must not look like "not yet" */
static int result(const struct accel_backend_queue *queue, uint64_t point)
{
	if (point <= queue->completed)
		return 0;
	return queue->fault.error == ETIME ? -ETIMEDOUT : -queue->fault.error;
}

int sim_wait(struct accel_backend_queue *queue, uint64_t point, int64_t timeout_ns)
{
	struct accel_backend_device *dev = queue->dev;
	struct timespec until = deadline(timeout_ns < 0 ? 0 : timeout_ns);
	int ret = 0;

	pthread_mutex_lock(&dev->lock);
	if (!point || point > queue->submitted)
		ret = -EINVAL;
	while (!ret && !reached(queue, point)) {
		if (timeout_ns < 0)
			pthread_cond_wait(&dev->progress, &dev->lock);
		else if (!timeout_ns ||
			 pthread_cond_timedwait(&dev->progress, &dev->lock, &until) == ETIMEDOUT)
			ret = reached(queue, point) ? 0 : -ETIME;
	}
	if (!ret)
		ret = result(queue, point);
	pthread_mutex_unlock(&dev->lock);
	return ret;
}

/* A fence and its two descriptors, the caller's in *fd */
static struct fence *fence_new(uint64_t point, int *fd)
{
	struct fence *fence = calloc(1, sizeof(*fence));

	if (!fence)
		return NULL;
	fence->point = point;
	fence->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	*fd = fence->fd < 0 ? -1 : fcntl(fence->fd, F_DUPFD_CLOEXEC, 0);
	if (*fd >= 0)
		return fence;
	if (fence->fd >= 0)
		close(fence->fd);
	free(fence);
	return NULL;
}

int sim_fence_fd(struct accel_backend_queue *queue, uint64_t point)
{
	struct accel_backend_device *dev = queue->dev;
	struct fence *fence;
	bool known;
	int fd;

	pthread_mutex_lock(&dev->lock);
	known = point && point <= queue->submitted;
	pthread_mutex_unlock(&dev->lock);
	if (!known)
		return -EINVAL;
	errno = ENOMEM;
	fence = fence_new(point, &fd);
	if (!fence)
		return -errno;

	pthread_mutex_lock(&dev->lock);
	fence->next = queue->fences;
	queue->fences = fence;
	signal_fences(queue);
	pthread_mutex_unlock(&dev->lock);
	return fd;
}

int sim_queue_fault(struct accel_backend_queue *queue, struct accel_backend_fault *fault)
{
	pthread_mutex_lock(&queue->dev->lock);
	*fault = queue->fault;
	pthread_mutex_unlock(&queue->dev->lock);
	return 0;
}
