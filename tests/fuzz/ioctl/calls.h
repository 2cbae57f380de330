/* SPDX-License-Identifier: MIT */
/*
 * A structured fuzzer of the driver's ioctls: what is known of them (table.c),
 * programs made from that (generate.c), and what becomes of them (execute.c).
 *
 * A program is a function of a seed and a number alone, and is complete before the
 * first of its calls is made. What only the kernel knows, as handles, is in it by
 * reference to the call that makes it: an object's slot.
 */
#ifndef FUZZ_IOCTL_CALLS_H
#define FUZZ_IOCTL_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))
#define PAGE		4096u

/* Sets of errnos, of those that our ioctls or DRM's core may give */
enum error {
	E_INVAL, E_FAULT, E_NOENT, E_NOMEM, E_NOSPC, E_IO, E_ACCES, E_BADF, E_BUSY, E_TIME, E_INTR,
	E_NOTTY, E_OPNOTSUPP, E_AGAIN, E_OVERFLOW, E_MFILE, E_PERM,
	E_STALE, NUM_ERRORS
};

#define ERR(name)	(1u << E_ ## name)
#define ANYTHING	0xffffffffu
uint32_t error_bit(int code);		/* of an errno; 0: in no set */
void print_errors(FILE *out, uint32_t errors);

/* Kinds of objects, and sets of them */
enum {
	O_BO		= 1 << 0,
	O_FOREIGN	= 1 << 1,	/* a BO that is another driver's dma-buf */
	O_VM		= 1 << 2,
	O_QUEUE		= 1 << 3,
	O_USER_QUEUE	= 1 << 4,
	O_SYNCOBJ	= 1 << 5,
	O_TIMELINE	= 1 << 6,
	O_DMABUF	= 1 << 7,
	O_SYNC_FD	= 1 << 8,	/* of a syncobj */
	O_SYNC_FILE	= 1 << 9,
	O_MAP		= 1 << 10,	/* mmap() of a BO */

	O_FD		= O_DMABUF | O_SYNC_FD | O_SYNC_FILE,
	O_GEM		= O_BO | O_FOREIGN,
	O_ANY_SYNCOBJ	= O_SYNCOBJ | O_TIMELINE,
	O_ANY_QUEUE	= O_QUEUE | O_USER_QUEUE,
};

/* What a field is: how a valid value and a wrong one are found */
enum kind {
	K_OUT,			/* written by the kernel, not read */
	K_MAKES,		/* the same: the new object's handle */
	K_ANY,			/* every value is good */
	K_PAD,			/* 0 */
	K_FLAGS,		/* arg: those that there are */
	K_ENUM,			/* arg: the largest */
	K_RANGE,		/* arg: the largest; 0 is good */
	K_OBJECT,		/* arg: of these kinds */
	K_OBJECT_OR_0,
	K_VA,			/* device address of VM_BIND */
	K_BIND_SIZE,
	K_BO_OFFSET,
	K_BO_SIZE,
	K_ALIGNED,		/* a multiple of 8 */
	K_LABEL,		/* a string with its end */
	K_TIMEOUT,		/* up to 1 s: from now, in ns; else absolute */
};

struct field {
	const char *name;
	uint16_t offset;
	uint8_t size;
	enum kind kind;
	uint64_t arg;
	uint32_t errors;	/* what a wrong value gives; 0: EINVAL */
};

#define NO_FIELD	0xffff
#define NO_LIMIT	0xffffffff

/* An array that a struct points to */
struct array_type {
	const char *name;
	const struct call_type *element;
	uint16_t pointer;	/* offsets in the struct */
	uint16_t count;
	uint16_t stride;	/* NO_FIELD: elements have one size */
	uint32_t limit;		/* more elements than that are refused */
	uint8_t min;		/* elements that a valid call has */
	bool same_count;	/* as many as the array before */
	bool out;		/* the kernel writes it */
};

struct generator;
struct call;
struct run;

/* A call, or the element of an array */
struct call_type {
	const char *name;
	unsigned long request;	/* 0: not an ioctl, by perform() */
	long (*perform)(struct run *run, const struct call *call, const void *args);
	uint16_t size;
	const struct field *fields;
	const struct array_type *arrays;
	uint32_t makes;			/* kind of the object that a success makes */
	uint32_t ends;			/* kinds of objects that a success ends */
	uint32_t valid_errors;		/* besides ENOMEM, what a valid call may give */
	uint32_t errors;		/* what it may ever give */
	void (*fill)(struct generator *gen, struct call *call);
	/* of an element: the first value of a field that is too large; 0: not known */
	uint64_t (*limit)(struct generator *gen, const struct call *call,
			  const struct field *field, const uint8_t *element);
	uint8_t weight;
	bool race;			/* may be made again and again */
};

extern const struct call_type *const call_types[];
extern const unsigned int num_call_types;

/* Where an argument or an array lies in memory */
enum place {
	P_START,		/* of a page */
	P_END,			/* right before a page that is not there */
	P_ODD,			/* not aligned */
	P_HALF,			/* its second half is not there */
	P_MISSING,		/* nothing is there */
	P_NULL,
	P_KERNEL,
	P_NONCANONICAL,
	P_READ_ONLY,
};

#define MAX_ELEMENTS	4
#define MAX_STRIDE	80
#define MAX_ARRAYS	2
#define MAX_REFS	20
#define MAX_CALLS	56
#define MAX_SLOTS	96
#define NO_SLOT		-1

struct array {
	uint32_t count;		/* elements that there are */
	uint32_t stride;
	enum place place;
	uint8_t data[MAX_ELEMENTS * MAX_STRIDE];
};

/* Put the value of an object into the argument (where 0) or an array (1, 2) */
struct ref {
	uint8_t where;
	uint8_t size;
	uint16_t offset;
	int16_t slot;
};

enum mode {
	M_ONCE,
	M_REPEAT,		/* as often as a limit may be */
	M_RACE,			/* while another thread changes the memory it reads */
};

struct call {
	const struct call_type *type;
	unsigned long request;
	uint8_t file;
	enum mode mode;
	enum place place;
	uint8_t bytes[128];
	struct array arrays[MAX_ARRAYS];
	struct ref refs[MAX_REFS];
	unsigned int num_refs;
	int makes;			/* slot */
	bool may_succeed;
	bool weak;			/* anything in the type's errors, or success */
	uint32_t errors;		/* expected */
	char broken[64];		/* what is wrong with it, "": nothing */
	/* an object that is none: of these kinds, at this place */
	uint32_t wrong_kinds;
	struct ref wrong;
	/* M_RACE: what another thread writes, and where */
	struct ref race;
	uint64_t race_value;
};

struct slot {
	uint32_t kind;
	uint8_t file;
	/* as planned */
	bool planned;
	uint64_t size;			/* BO, MAP */
	int of;				/* slot: BO of a MAP or DMABUF, VM of a queue */
	bool risky;			/* queue: may be banned */
	uint64_t point;			/* syncobj: the last that is signalled, 0: none */
	/* as it came */
	bool live;
	bool has_fence;
	bool given_up;			/* BO: may be purged, or was */
	uint64_t fence_point;
	uint64_t offsets[3];		/* USER queue: ring, status page, doorbell */
	uint8_t *parts[3];		/* and where they are mapped */
	uint32_t entries;
	uint64_t value;
};

struct program {
	uint64_t seed, number;
	bool unprivileged;
	unsigned int num_calls;
	unsigned int parallel;		/* calls from here on are made by two threads at once */
	unsigned int num_slots;
	struct call calls[MAX_CALLS];
	struct slot slots[MAX_SLOTS];
};

void program_generate(struct program *program, uint64_t seed, uint64_t number);
void program_print(FILE *out, const struct program *program);
void call_print(FILE *out, const struct program *program, unsigned int index);

/* What generate.c has for the fill functions of table.c */
uint64_t gen_random(struct generator *gen, uint64_t below);
int gen_pick(struct generator *gen, uint32_t kinds, unsigned int file);
struct slot *gen_slot(struct generator *gen, int slot);
void gen_ref(struct call *call, unsigned int where, unsigned int offset, unsigned int size,
	     int slot);
int gen_ref_at(const struct call *call, unsigned int where, unsigned int offset);
/* What VM_BIND mapped: a place that a job may be at */
void gen_note_mapping(struct generator *gen, int vm, uint64_t va, uint64_t size, int bo);
uint64_t gen_mapping(struct generator *gen, int vm, uint64_t *size);

static inline void put(void *at, uint64_t value, unsigned int size)
{
	__builtin_memcpy(at, &value, size);
}

static inline uint64_t get(const void *at, unsigned int size)
{
	uint64_t value = 0;

	__builtin_memcpy(&value, at, size);
	return value;
}

/* Counts of all programs, shared by all processes */
struct counts {
	uint64_t programs, calls;
	struct {
		uint64_t good, refused, taken;
	} of[64];
};

/* Makes the calls. Returns false if something was not as expected, and has said what. */
bool program_execute(struct program *program, struct counts *counts, bool verbose);
/* All VMs and queues that the device has can be had: nothing keeps one. */
bool nothing_is_kept(void);

/* Calls that are not ioctls, actions.c */
#define ACTION(name) \
	long action_ ## name(struct run *run, const struct call *call, const void *args)
ACTION(mmap);
ACTION(munmap);
ACTION(touch);
ACTION(stream);
ACTION(fork);
ACTION(dup);
ACTION(close);
ACTION(udmabuf);
ACTION(file_ops);
ACTION(jobs);
ACTION(reclaim);

struct action_map {
	uint32_t bo;
	uint32_t flags;			/* 1: read-only, 2: populate, 4: private */
	uint64_t length;		/* 0: all */
	uint64_t offset;
};

struct action_touch {
	uint32_t map;
	uint32_t advice;		/* how to treat it besides: see actions.c */
	uint64_t offset;
};

struct action_stream {
	uint32_t bo;
	uint32_t what;			/* see actions.c */
	uint64_t va;
};

#define STREAM_REGIONS	2048u		/* where the region table is, behind the stream */
#define STREAM_SIZE	480u

struct action_jobs {
	uint32_t queue;
	uint32_t how;			/* see actions.c */
	uint64_t va;
	uint32_t doorbell;		/* added to the right value */
	uint32_t pad;
};

struct action_number {
	uint32_t number;
	uint32_t pad;
};

/* One run of a program, execute.c */
struct run {
	struct program *program;
	int files[2];
	struct counts *counts;
	bool verbose;
	bool failed;
	uint32_t untracked;		/* kinds of which there may be more than we know */
};

#endif
