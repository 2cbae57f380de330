// SPDX-License-Identifier: MIT
/*
 * Makes the calls of a program and judges what they give. A judgement needs to
 * know what is there: where that is not sure (a call that may or may not have had an
 * effect, two threads) anything that the call may ever say is right.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <drm/enpu_accel.h>

#include "calls.h"
#include "execute.h"

#define REPEATS		70		/* more than there are VMs or queues */
#define RACES		40
#define PATIENCE_US	30000		/* for waits without an end */

/* For each argument: two pages, one that is never there, one that is read only */
struct arena {
	uint8_t *pages[1 + MAX_ARRAYS];
};

static bool arena_init(struct arena *arena)
{
	unsigned int i;

	for (i = 0; i < COUNT(arena->pages); i++) {
		uint8_t *pages = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (pages == MAP_FAILED || mprotect(pages + 2 * PAGE, PAGE, PROT_NONE))
			return false;
		arena->pages[i] = pages;
	}
	return true;
}

/* Puts data somewhere; readable says how much of it can be read there. */
static uint8_t *place(struct arena *arena, unsigned int where, enum place place, const void *data,
		      size_t size, size_t *readable)
{
	uint8_t *pages = arena->pages[where];
	uint8_t *at = pages;

	*readable = size;
	switch (place) {
	case P_START:
		break;
	case P_END:
		at = pages + 2 * PAGE - size;
		break;
	case P_ODD:
		at = pages + 1 + 2 * (size % 3);
		break;
	case P_HALF:
		*readable = size / 2;
		at = pages + 2 * PAGE - *readable;
		break;
	case P_READ_ONLY:
		at = pages + 3 * PAGE;
		mprotect(at, PAGE, PROT_READ | PROT_WRITE);
		memcpy(at, data, size);
		mprotect(at, PAGE, PROT_READ);
		return at;
	case P_MISSING:
		*readable = 0;
		return pages + 2 * PAGE;
	case P_NULL:
		*readable = 0;
		return NULL;
	case P_KERNEL:
		*readable = 0;
		return (uint8_t *)0xffff888000001000;
	case P_NONCANONICAL:
		*readable = 0;
		return (uint8_t *)0x8000000000001000;
	}
	memcpy(at, data, *readable);
	return at;
}

/* One thread's way through a program */
struct walker {
	struct run *run;
	struct arena arena;
	unsigned int first, turn;	/* of the calls made by two threads */
	bool alone;
	pthread_t thread;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static uint8_t *locate(struct call *call, const struct ref *ref)
{
	return (ref->where ? call->arrays[ref->where - 1].data : call->bytes) + ref->offset;
}

/* Handles, ids and descriptors are numbers of their own each. */
static bool same_space(const struct slot *slot, uint32_t kinds, unsigned int file)
{
	static const uint32_t spaces[] = { O_GEM, O_VM, O_ANY_QUEUE, O_ANY_SYNCOBJ };
	unsigned int i;

	if (slot->kind & O_FD)
		return kinds & O_FD;
	for (i = 0; i < COUNT(spaces); i++)
		if (slot->kind & spaces[i])
			return kinds & spaces[i] && slot->file == file;
	return false;
}

static bool is_live(const struct program *program, uint32_t kinds, unsigned int file,
		    uint64_t value)
{
	unsigned int i;

	for (i = 0; i < program->num_slots; i++)
		if (program->slots[i].live && program->slots[i].value == value &&
		    same_space(&program->slots[i], kinds, file))
			return true;
	return false;
}

/* Puts in what only the kernel knew; and what of it turns out not to be as planned. */
static void resolve(struct run *run, struct call *call)
{
	struct program *program = run->program;
	unsigned int i;

	for (i = 0; i < call->num_refs; i++) {
		const struct ref *ref = &call->refs[i];
		const struct slot *slot = &program->slots[ref->slot];
		bool wrong = call->wrong_kinds && ref->where == call->wrong.where &&
			     ref->offset == call->wrong.offset;

		put(locate(call, ref), slot->value, ref->size);
		if (!slot->live && !wrong)
			call->weak = true;
		if (slot->given_up)
			call->errors |= ERR(STALE) | ERR(BUSY);
		/* SUBMIT's waits want a fence */
		if (call->type->request == DRM_IOCTL_ENPU_SUBMIT && ref->where == 2 &&
		    (!slot->has_fence || run->untracked & O_ANY_SYNCOBJ ||
		     get(locate(call, ref) + offsetof(struct drm_enpu_sync, point), 8) >
		     slot->fence_point))
			call->errors |= ERR(INVAL);
	}
	if (call->wrong_kinds &&
	    (call->wrong_kinds & run->untracked ||
	     is_live(program, call->wrong_kinds, call->file,
		     get(locate(call, &call->wrong), call->wrong.size))))
		call->weak = true;
}

/* From BO_MADVISE on, whatever it says, a BO may be purged. */
static void note_given_up(struct program *program, const struct call *call)
{
	unsigned int i;

	for (i = 0; i < program->num_slots; i++) {
		struct slot *slot = &program->slots[i];

		if (slot->live && slot->value == get(call->bytes, 4) &&
		    same_space(slot, O_GEM, call->file))
			slot->given_up = true;
	}
}

/* Times are relative in programs. Returns whether the call may wait for ever. */
static bool resolve_time(struct call *call)
{
	const struct field *field;

	for (field = call->type->fields; field && field->name; field++) {
		struct timespec now;
		int64_t value;

		if (field->kind != K_TIMEOUT)
			continue;
		value = get(call->bytes + field->offset, 8);
		if (value <= 0 || value > 1000000000)
			return value > 1000000000;
		clock_gettime(CLOCK_MONOTONIC, &now);
		value += now.tv_sec * 1000000000ll + now.tv_nsec;
		put(call->bytes + field->offset, value, 8);
	}
	return false;
}

struct racer {
	uint8_t *at;
	uint64_t good, bad;
	unsigned int size;
	volatile bool stop;
};

static void *race(void *data)
{
	struct racer *racer = data;

	while (!racer->stop) {
		__builtin_memcpy(racer->at, &racer->bad, racer->size);
		__asm__ volatile("" ::: "memory");
		__builtin_memcpy(racer->at, &racer->good, racer->size);
		__asm__ volatile("" ::: "memory");
	}
	return NULL;
}

static long make(struct run *run, const struct call *call, void *args)
{
	long ret;

	if (call->type->perform)
		return call->type->perform(run, call, call->bytes);
	ret = ioctl(run->files[call->file], call->request, args);
	return ret < 0 ? -errno : ret;
}

/* The object that was made is where its field says. */
static uint64_t made_value(const struct call *call, const uint8_t *bytes)
{
	const struct field *field;

	for (field = call->type->fields; field && field->name; field++)
		if (field->kind == K_MAKES)
			return get(bytes + field->offset, field->size);
	return 0;
}

static void forget(struct program *program, const struct call *call)
{
	uint64_t value = 0;
	unsigned int i;

	/* the object to end is the first that a call names */
	for (i = 0; call->type->fields[i].name; i++) {
		if (call->type->fields[i].kind == K_OBJECT) {
			value = get(call->bytes + call->type->fields[i].offset,
				    call->type->fields[i].size);
			break;
		}
	}
	for (i = 0; i < program->num_slots; i++) {
		struct slot *slot = &program->slots[i];

		if (slot->live && slot->value == value &&
		    (call->type->ends & O_MAP ? slot->kind == O_MAP :
		     same_space(slot, call->type->ends, call->file)))
			slot->live = slot->has_fence = false;
	}
}

static void note_fences(struct program *program, const struct call *call)
{
	unsigned int i;

	for (i = 0; i < call->num_refs; i++) {
		const struct ref *ref = &call->refs[i];
		struct slot *slot = &program->slots[ref->slot];
		struct drm_enpu_sync sync;

		if (!(slot->kind & O_ANY_SYNCOBJ))
			continue;
		/* core's calls change what is in a syncobj in ways that do not matter here */
		if (call->type->request != DRM_IOCTL_ENPU_SUBMIT)
			slot->has_fence = false;
		if (call->type->request != DRM_IOCTL_ENPU_SUBMIT || ref->where != 2)
			continue;
		memcpy(&sync, call->arrays[1].data + ref->offset, sizeof(sync));
		if (!(sync.flags & DRM_ENPU_SYNC_SIGNAL))
			continue;
		slot->has_fence = true;
		if (slot->fence_point < sync.point)
			slot->fence_point = sync.point;
	}
}

/* What a call that succeeded has changed */
static void note(struct run *run, const struct call *call, long ret, const uint8_t *bytes)
{
	struct program *program = run->program;
	struct slot *slot = call->makes < 0 ? NULL : &program->slots[call->makes];

	if (call->type->ends)
		forget(program, call);
	note_fences(program, call);
	if (!call->type->makes)
		return;
	/* an import may be the same object once more */
	if (!slot || call->mode != M_ONCE || call->weak ||
	    call->type->request == DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE)
		run->untracked |= call->type->makes;
	if (!slot)
		return;

	slot->value = call->type->perform ? (uint64_t)ret : made_value(call, bytes);
	slot->live = true;
	if (slot->kind == O_USER_QUEUE) {
		const struct drm_enpu_queue_create *queue = (const void *)bytes;

		slot->offsets[0] = queue->ring_offset;
		slot->offsets[1] = queue->status_offset;
		slot->offsets[2] = queue->doorbell_offset;
		slot->entries = queue->ring_entries;
	}
	slot->has_fence = call->type->request == DRM_IOCTL_SYNCOBJ_CREATE &&
			  get(call->bytes + offsetof(struct drm_syncobj_create, flags), 4);
}

static void judge(struct run *run, const struct call *call, unsigned int index, long ret)
{
	uint32_t bit = ret < 0 ? error_bit(-ret) : 0;
	bool right;

	if (call->weak)
		right = ret >= 0 || call->type->errors & bit || call->errors & bit;
	else
		right = ret >= 0 ? call->may_succeed : !!(call->errors & bit);
	if (call->type->perform && ret < 0)
		right = call->weak || !call->may_succeed || call->errors & bit;
	if (right)
		return;

	run->failed = true;
	printf("not as expected: call %u: %s\n  expected: ", index,
	       ret < 0 ? strerror(-ret) : "success");
	if (call->may_succeed || call->weak)
		printf("success, or ");
	print_errors(stdout, call->errors | (call->weak ? call->type->errors : 0));
	printf("\n");
	fflush(stdout);
}

static void count(struct run *run, const struct call *call, long ret)
{
	unsigned int i;

	__atomic_fetch_add(&run->counts->calls, 1, __ATOMIC_RELAXED);
	for (i = 0; call_types[i] != call->type; i++)
		;
	if (call->broken[0])
		__atomic_fetch_add(ret < 0 ? &run->counts->of[i].refused :
				   &run->counts->of[i].taken, 1, __ATOMIC_RELAXED);
	else if (ret >= 0)
		__atomic_fetch_add(&run->counts->of[i].good, 1, __ATOMIC_RELAXED);
}

static void patience(unsigned int us)
{
	struct itimerval timer = { .it_value.tv_usec = us, .it_interval.tv_usec = us };

	setitimer(ITIMER_REAL, &timer, NULL);
}

/* Gives each of a call's pointers its place; returns the argument. */
static uint8_t *lay_out(struct walker *walker, struct call *call, uint8_t **arrays)
{
	size_t readable;
	unsigned int i;

	for (i = 0; call->type->arrays && call->type->arrays[i].name; i++) {
		struct array *array = &call->arrays[i];

		arrays[i] = place(&walker->arena, i + 1, array->place, array->data,
				  (size_t)array->count * array->stride, &readable);
		put(call->bytes + call->type->arrays[i].pointer, (uintptr_t)arrays[i], 8);
	}
	return place(&walker->arena, 0, call->place, call->bytes, call->type->size, &readable);
}

static long make_racing(struct run *run, const struct call *call, uint8_t *args,
			uint8_t *const *arrays)
{
	const struct array *array = &call->arrays[call->race.where - 1];
	struct racer racer = {
		.at = arrays[call->race.where - 1] + call->race.offset,
		.good = get(array->data + call->race.offset, call->race.size),
		.bad = call->race_value,
		.size = call->race.size,
	};
	pthread_t thread;
	long ret = 0;
	unsigned int i;

	if (pthread_create(&thread, NULL, race, &racer))
		return -ENOMEM;
	for (i = 0; i < RACES; i++) {
		/* the kernel has written to it */
		memcpy(args, call->bytes, call->type->size);
		ret = make(run, call, args);
		if (ret < 0 && !((call->type->errors | call->errors) & error_bit(-ret)))
			break;
	}
	racer.stop = true;
	pthread_join(thread, NULL);
	return ret;
}

static void walk_call(struct walker *walker, unsigned int index)
{
	struct run *run = walker->run;
	struct call call = run->program->calls[index];
	uint8_t *args, *arrays[MAX_ARRAYS] = { NULL };
	bool for_ever;
	unsigned int i;
	long ret;

	pthread_mutex_lock(&lock);
	resolve(run, &call);
	if (call.type->request == DRM_IOCTL_ENPU_BO_MADVISE)
		note_given_up(run->program, &call);
	pthread_mutex_unlock(&lock);
	for_ever = resolve_time(&call);
	args = lay_out(walker, &call, arrays);

	if (run->verbose) {
		call_print(stdout, run->program, index);
		fflush(stdout);
	}
	if (for_ever)
		patience(PATIENCE_US);
	if (call.mode == M_RACE) {
		ret = make_racing(run, &call, args, arrays);
	} else {
		ret = make(run, &call, args);
		for (i = 1; call.mode == M_REPEAT && i < REPEATS && ret >= 0; i++) {
			memcpy(args, call.bytes, call.type->size);
			ret = make(run, &call, args);
		}
	}
	if (for_ever)
		patience(0);
	if (run->verbose) {
		printf("     = %ld%s%s\n", ret, ret < 0 ? " " : "", ret < 0 ? strerror(-ret) : "");
		fflush(stdout);
	}

	count(run, &call, ret);
	pthread_mutex_lock(&lock);
	/* when nothing could be said of it, it may have been done all the same */
	if (call.type->makes && (call.place == P_READ_ONLY || call.mode == M_REPEAT))
		run->untracked |= call.type->makes;
	if (ret >= 0)
		note(run, &call, ret, call.type->perform ? call.bytes : args);
	judge(run, &call, index, ret);
	pthread_mutex_unlock(&lock);
}

/* Two threads make the same calls, in another order. */
static void *walk_beside(void *data)
{
	struct walker *walker = data;
	unsigned int n = walker->run->program->num_calls - walker->first, i;

	for (i = 0; i < n; i++)
		walk_call(walker, walker->first + (i + walker->turn) % n);
	return NULL;
}

static void on_alarm(int number)
{
}

static int open_device(void)
{
	return open(DEVICE, O_RDWR | O_CLOEXEC);
}

/**
 * program_execute() - make the calls of a program
 * @program: as generated
 * @counts: of all programs
 * @verbose: say what each call is and gives
 *
 * To be called in a process of its own.
 *
 * Return: false if something was not as expected.
 */
bool program_execute(struct program *program, struct counts *counts, bool verbose)
{
	struct run run = { .program = program, .counts = counts, .verbose = verbose };
	struct walker walkers[2] = { { .run = &run }, { .run = &run } };
	struct sigaction action = { .sa_handler = on_alarm };
	unsigned int i, first;

	for (i = 0; i < 2; i++) {
		run.files[i] = open_device();
		if (run.files[i] < 0 || !arena_init(&walkers[i].arena)) {
			printf("cannot open %s: %s\n", DEVICE, strerror(errno));
			return false;
		}
	}
	sigaction(SIGALRM, &action, NULL);
	actions_init();
	if (program->unprivileged && setresuid(NOBODY, NOBODY, NOBODY)) {
		printf("cannot drop privileges: %s\n", strerror(errno));
		return false;
	}

	first = program->parallel < program->num_calls ? program->parallel : program->num_calls;
	for (i = 0; i < first && !run.failed; i++)
		walk_call(&walkers[0], i);
	if (first < program->num_calls && !run.failed) {
		walkers[0].first = walkers[1].first = first;
		walkers[1].turn = (program->num_calls - first) / 2;
		if (pthread_create(&walkers[1].thread, NULL, walk_beside, &walkers[1]))
			return false;
		walk_beside(&walkers[0]);
		pthread_join(walkers[1].thread, NULL);
	}
	return !run.failed;
}

/**
 * nothing_is_kept() - all that the device has can be had
 *
 * Return: false if a VM or a queue is missing: some program's end did not free it.
 */
bool nothing_is_kept(void)
{
	struct drm_enpu_dev_info info = { 0 };
	struct drm_enpu_dev_query query = {
		.type = DRM_ENPU_DEV_QUERY_INFO, .size = sizeof(info), .pointer = (uintptr_t)&info,
	};
	struct drm_enpu_queue_create queue = { .priority = DRM_ENPU_PRIORITY_NORMAL };
	int fd = open_device();
	unsigned int i, vms = 0, queues = 0;

	if (fd < 0 || ioctl(fd, DRM_IOCTL_ENPU_DEV_QUERY, &query)) {
		printf("cannot ask %s: %s\n", DEVICE, strerror(errno));
		return false;
	}
	for (i = 0; i < info.num_vms; i++) {
		struct drm_enpu_vm_create vm = { 0 };

		vms += !ioctl(fd, DRM_IOCTL_ENPU_VM_CREATE, &vm);
		queue.vm_id = vm.id;
	}
	for (i = 0; i < info.num_queues; i++)
		queues += !ioctl(fd, DRM_IOCTL_ENPU_QUEUE_CREATE, &queue);
	close(fd);
	printf("%u of %u VMs and %u of %u queues can be had\n", vms, info.num_vms, queues,
	       info.num_queues);
	return vms == info.num_vms && queues == info.num_queues;
}
