// SPDX-License-Identifier: MIT
/*
 * Programs: valid calls that build on each other, among them calls with one thing
 * wrong. For those it is known what they must give, and it is known that nothing
 * must have changed: the valid calls after them succeed.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "calls.h"

#define MAX_MAPPINGS	8

struct mapping {
	int vm, bo;
	uint64_t va, size;
};

struct generator {
	struct program *program;
	uint64_t state;
	struct mapping mappings[MAX_MAPPINGS];
	unsigned int num_mappings;
};

/* splitmix64 */
static uint64_t next(struct generator *gen)
{
	uint64_t z = gen->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

uint64_t gen_random(struct generator *gen, uint64_t below)
{
	return below ? next(gen) % below : 0;
}

#define PICK(gen, array)	((array)[gen_random(gen, COUNT(array))])

struct slot *gen_slot(struct generator *gen, int slot)
{
	return slot < 0 ? NULL : &gen->program->slots[slot];
}

/* File descriptors belong to the process, all else to a file. */
static bool reachable(const struct slot *slot, unsigned int file)
{
	return slot->file == file || slot->kind & (O_FD | O_MAP);
}

/* An object that is there if all goes as planned, or (if not PLANNED) was there. */
static int pick(struct generator *gen, uint32_t kinds, unsigned int file, bool planned)
{
	const struct program *program = gen->program;
	unsigned int i, found = 0;
	int chosen = NO_SLOT;

	for (i = 0; i < program->num_slots; i++) {
		const struct slot *slot = &program->slots[i];

		if (slot->kind & kinds && slot->planned == planned && reachable(slot, file) &&
		    !gen_random(gen, ++found))
			chosen = i;
	}
	return chosen;
}

int gen_pick(struct generator *gen, uint32_t kinds, unsigned int file)
{
	return pick(gen, kinds, file, true);
}

static struct ref *find_ref(struct call *call, unsigned int where, unsigned int offset)
{
	unsigned int i;

	for (i = 0; i < call->num_refs; i++)
		if (call->refs[i].where == where && call->refs[i].offset == offset)
			return &call->refs[i];
	return NULL;
}

int gen_ref_at(const struct call *call, unsigned int where, unsigned int offset)
{
	const struct ref *ref = find_ref((struct call *)call, where, offset);

	return ref ? ref->slot : NO_SLOT;
}

void gen_ref(struct call *call, unsigned int where, unsigned int offset, unsigned int size,
	     int slot)
{
	struct ref *ref = find_ref(call, where, offset);

	if (!ref && call->num_refs < MAX_REFS)
		ref = &call->refs[call->num_refs++];
	if (ref)
		*ref = (struct ref){ .where = where, .offset = offset, .size = size, .slot = slot };
}

static void drop_ref(struct call *call, unsigned int where, unsigned int offset)
{
	struct ref *ref = find_ref(call, where, offset);

	if (ref)
		*ref = call->refs[--call->num_refs];
}

void gen_note_mapping(struct generator *gen, int vm, uint64_t va, uint64_t size, int bo)
{
	unsigned int at = gen->num_mappings < MAX_MAPPINGS ? gen->num_mappings++ :
			  gen_random(gen, MAX_MAPPINGS);

	gen->mappings[at] = (struct mapping){ .vm = vm, .va = va, .size = size, .bo = bo };
}

uint64_t gen_mapping(struct generator *gen, int vm, uint64_t *size)
{
	unsigned int tries;

	for (tries = 0; tries < 8 && gen->num_mappings; tries++) {
		const struct mapping *mapping =
			&gen->mappings[gen_random(gen, gen->num_mappings)];

		if (vm != NO_SLOT && mapping->vm != vm)
			continue;
		*size = mapping->size;
		return mapping->va;
	}
	*size = PAGE;
	return 0x10000000;
}

static uint64_t bo_size(struct generator *gen)
{
	static const uint64_t sizes[] = {
		1, PAGE - 1, PAGE, PAGE + 1, 4 * PAGE, 16 * PAGE,
		2 << 20, (2 << 20) + PAGE, 5 << 20,
	};

	return PICK(gen, sizes);
}

static uint64_t valid_value(struct generator *gen, const struct field *field)
{
	uint32_t low = field->arg >> 32, high = (uint32_t)field->arg;

	switch (field->kind) {
	case K_OUT:
	case K_MAKES:
		return gen_random(gen, 2) ? next(gen) : 0;
	case K_ANY:
		return gen_random(gen, 2) ? next(gen) : gen_random(gen, 4);
	case K_FLAGS:
		return next(gen) & field->arg;
	case K_ENUM:
		return gen_random(gen, field->arg + 1);
	case K_RANGE:
		return gen_random(gen, 4) ? low + gen_random(gen, high - low + 1) :
		       gen_random(gen, 2) ? high : 0;
	case K_BO_SIZE:
		return bo_size(gen);
	case K_TIMEOUT:
		return gen_random(gen, 2) ? 1000000 : 0;
	default:
		return 0;
	}
}

static void fill_label(struct generator *gen, uint8_t *label, unsigned int size)
{
	unsigned int length = gen_random(gen, size), i;

	memset(label, 0, size);
	for (i = 0; i < length; i++)
		label[i] = 1 + gen_random(gen, 255);
}

/* The fields of the argument (where 0) or of one element; false: it needs what is not there. */
static bool fill_fields(struct generator *gen, struct call *call, const struct field *field,
			unsigned int where, uint8_t *start, unsigned int offset)
{
	for (; field && field->name; field++) {
		uint8_t *at = start + offset + field->offset;
		int slot;

		if (field->kind == K_LABEL) {
			fill_label(gen, at, field->size);
		} else if (field->kind == K_OBJECT) {
			slot = gen_pick(gen, field->arg, call->file);
			if (slot < 0)
				return false;
			gen_ref(call, where, offset + field->offset, field->size, slot);
		} else {
			put(at, valid_value(gen, field), field->size);
		}
	}
	return true;
}

static enum place good_place(struct generator *gen)
{
	static const enum place places[] = { P_START, P_END, P_END, P_ODD };

	return PICK(gen, places);
}

static bool fill_array(struct generator *gen, struct call *call, unsigned int index)
{
	const struct array_type *type = &call->type->arrays[index];
	struct array *array = &call->arrays[index];
	unsigned int i;

	array->place = good_place(gen);
	array->stride = type->element->size;
	if (type->stride != NO_FIELD && !gen_random(gen, 4))
		array->stride += 8 * (1 + gen_random(gen, (MAX_STRIDE - array->stride) / 8));
	array->count = type->min + gen_random(gen, MAX_ELEMENTS - type->min + 1);
	if (type->count == NO_FIELD)
		array->count = 1;
	if (type->same_count)
		array->count = call->arrays[index - 1].count;
	for (i = 0; i < array->count; i++) {
		if (!fill_fields(gen, call, type->element->fields, index + 1, array->data,
				 i * array->stride)) {
			array->count = i;
			break;
		}
	}
	if (type->count != NO_FIELD)
		put(call->bytes + type->count, array->count, 4);
	if (type->stride != NO_FIELD)
		put(call->bytes + type->stride, array->stride, 4);
	return array->count >= type->min;
}

/* Something that makes a call wrong: a field, or one of these */
enum flaw {
	FLAW_FIELD,
	FLAW_ELEMENT,
	FLAW_STRIDE,
	FLAW_COUNT,
	FLAW_POINTER,
	FLAW_TAIL,
	FLAW_ARGUMENT,
	FLAW_REQUEST,
};

struct spot {
	enum flaw flaw;
	unsigned int array;
	const struct field *field;
};

static void expect(struct call *call, uint32_t errors)
{
	call->errors |= errors;
	call->may_succeed = false;
	call->weak |= errors == ANYTHING;
}

static void anything(struct call *call)
{
	call->weak = true;
}

static void break_object(struct generator *gen, struct call *call, const struct field *field,
			 unsigned int where, unsigned int offset, uint8_t *at)
{
	static const uint32_t values[] = { 0, 0xffffffff, 0x7fffffff, 0x10000, 1000 };
	int slot = NO_SLOT;

	drop_ref(call, where, offset);
	call->wrong_kinds = field->arg;
	call->wrong = (struct ref){ .where = where, .offset = offset, .size = field->size };
	if (gen_random(gen, 3) == 0)
		slot = pick(gen, field->arg, call->file, false);
	if (slot < 0 && gen_random(gen, 3) == 0)
		slot = gen_pick(gen, ~(uint32_t)field->arg & ~O_MAP, gen_random(gen, 2));
	if (slot < 0)
		put(at, PICK(gen, values), field->size);
	else
		gen_ref(call, where, offset, field->size, slot);
	snprintf(call->broken, sizeof(call->broken), "%s is none", field->name);
	expect(call, field->errors);
}

static uint64_t wrong_value(struct generator *gen, const struct field *field, uint64_t value)
{
	static const uint64_t pads[] = { 1, UINT64_MAX, 0x80000000, 0x100 };
	static const uint32_t large[] = { 0x7fffffff, 0x80000000, 0xffffffff, 1000 };
	static const uint64_t vas[] = {
		0, 0xff000, 1ull << 39, 1ull << 40, 1ull << 63, UINT64_MAX, UINT64_MAX - 4095,
	};
	static const uint64_t offsets[] = {
		1, 4095, 4097, 1ull << 40, 1ull << 63, UINT64_MAX, UINT64_MAX - 4095,
	};
	static const uint64_t bo_sizes[] = {
		0, 1ull << 31, 1ull << 32, 1ull << 38, 1ull << 39, (1ull << 39) + 1, 1ull << 63,
		UINT64_MAX, UINT64_MAX - 4095, 0xfffff001,
	};
	static const uint64_t timeouts[] = {
		INT64_MAX, (uint64_t)INT64_MIN, UINT64_MAX, 1, 1ull << 32,
	};
	uint32_t low = field->arg >> 32, high = (uint32_t)field->arg;

	switch (field->kind) {
	case K_FLAGS:
		for (;;) {
			uint64_t bit = 1ull << gen_random(gen, 8 * field->size);

			if (!(bit & field->arg))
				return value | bit;
		}
	case K_ENUM:
		return gen_random(gen, 2) ? field->arg + 1 : PICK(gen, large);
	case K_RANGE:
		return low > 1 && gen_random(gen, 2) ? low - 1 :
		       gen_random(gen, 2) ? high + 1ull : UINT64_MAX;
	case K_VA:
		return gen_random(gen, 2) ? value | 1ull << gen_random(gen, 12) : PICK(gen, vas);
	case K_BIND_SIZE:
		return gen_random(gen, 2) ? value + (gen_random(gen, 2) ? 1 : -1) :
		       gen_random(gen, 4) ? vas[2 + gen_random(gen, 5)] : 0;
	case K_OBJECT_OR_0:
		return gen_random(gen, 2) ? 1 : PICK(gen, large);
	case K_BO_OFFSET:
		return PICK(gen, offsets);
	case K_BO_SIZE:
		return PICK(gen, bo_sizes);
	case K_ALIGNED:
		return value | 1ull << gen_random(gen, 3);
	case K_TIMEOUT:
		return PICK(gen, timeouts);
	case K_ANY:
		return gen_random(gen, 2) ? value ^ 1ull << gen_random(gen, 8 * field->size) :
		       PICK(gen, vas);
	default:
		return PICK(gen, pads);
	}
}

static void break_field(struct generator *gen, struct call *call, const struct field *field,
			unsigned int where, unsigned int offset)
{
	uint8_t *at = (where ? call->arrays[where - 1].data : call->bytes) + offset;
	const struct call_type *element = NULL;
	uint64_t value;

	if (field->kind == K_OBJECT) {
		break_object(gen, call, field, where, offset, at);
		return;
	}
	if (field->kind == K_LABEL) {
		memset(at, 'x', field->size);
		snprintf(call->broken, sizeof(call->broken), "%s has no end", field->name);
		expect(call, ERR(INVAL));
		return;
	}
	if (field->kind == K_OBJECT_OR_0) {
		drop_ref(call, where, offset);
		call->wrong_kinds = field->arg;
		call->wrong = (struct ref){ .where = where, .offset = offset, .size = field->size };
	}
	value = wrong_value(gen, field, get(at, field->size));
	if (where)
		element = call->type->arrays[where - 1].element;
	if (element && element->limit && gen_random(gen, 3) == 0) {
		uint64_t limit = element->limit(gen, call, field, at - field->offset);

		if (limit)
			value = limit + (gen_random(gen, 2) ? 0 : PAGE * gen_random(gen, 600));
	}
	put(at, value, field->size);
	snprintf(call->broken, sizeof(call->broken), "%s is 0x%llx", field->name,
		 (unsigned long long)get(at, field->size));
	if (field->kind == K_ANY || field->kind == K_TIMEOUT ||
	    (field->kind == K_BO_SIZE && value))
		anything(call);
	expect(call, field->errors ? field->errors : ERR(INVAL));
}

static void break_count(struct generator *gen, struct call *call, const struct array_type *type,
			struct array *array)
{
	uint32_t count = array->count + 1 + gen_random(gen, 1000);

	/* DRM's core warns when it cannot have that much memory: not our defect */
	if (type->stride != NO_FIELD && gen_random(gen, 2))
		count = type->limit == NO_LIMIT || gen_random(gen, 2) ? NO_LIMIT : type->limit + 1;
	else if (type->min && gen_random(gen, 3) == 0)
		count = 0;
	/* some of DRM's core take none, some do not */
	if (!count)
		anything(call);
	put(call->bytes + type->count, count, 4);
	/* what is behind the last one must not be there */
	array->place = P_END;
	snprintf(call->broken, sizeof(call->broken), "%s.count is 0x%x", type->name, count);
	expect(call, ERR(INVAL) | ERR(FAULT));
}

static void break_stride(struct generator *gen, struct call *call, const struct array_type *type)
{
	const uint32_t strides[] = { 0, 1, type->element->size - 1, PAGE + 1, 0xffffffff };
	uint32_t stride = PICK(gen, strides);

	put(call->bytes + type->stride, stride, 4);
	snprintf(call->broken, sizeof(call->broken), "%s.stride is 0x%x", type->name, stride);
	expect(call, ERR(INVAL));
}

static enum place bad_place(struct generator *gen, bool read_only)
{
	static const enum place places[] = {
		P_HALF, P_HALF, P_MISSING, P_NULL, P_KERNEL, P_NONCANONICAL, P_READ_ONLY,
	};

	return places[gen_random(gen, COUNT(places) - !read_only)];
}

static void break_request(struct generator *gen, struct call *call)
{
	unsigned long request = call->request;
	unsigned int size = _IOC_SIZE(request);
	const unsigned int sizes[] = { 0, 4, size - 4, size + 8, 256, (1 << _IOC_SIZEBITS) - 1 };

	switch (gen_random(gen, 4)) {
	case 0:
		call->request = _IOC(gen_random(gen, 4), _IOC_TYPE(request), _IOC_NR(request),
				     size);
		anything(call);
		break;
	case 1:
		/* between our ioctls and the core's later ones nothing is */
		call->request = _IOC(_IOC_DIR(request), _IOC_TYPE(request),
				     0x60 + gen_random(gen, 0x3f), size);
		break;
	default:
		call->request = _IOC(_IOC_DIR(request), _IOC_TYPE(request), _IOC_NR(request),
				     PICK(gen, sizes));
		anything(call);
		break;
	}
	snprintf(call->broken, sizeof(call->broken), "request is 0x%lx", call->request);
	expect(call, ERR(INVAL) | ERR(NOTTY) | ERR(FAULT));
}

/* All that can be wrong with a call */
static unsigned int list_spots(const struct call *call, struct spot *spots)
{
	const struct field *field;
	unsigned int i, n = 0;

	for (field = call->type->fields; field && field->name; field++)
		if (field->kind != K_OUT && field->kind != K_MAKES)
			spots[n++] = (struct spot){ FLAW_FIELD, 0, field };
	for (i = 0; call->type->arrays && call->type->arrays[i].name; i++) {
		const struct array_type *type = &call->type->arrays[i];
		const struct array *array = &call->arrays[i];

		if (type->count != NO_FIELD)
			spots[n++] = (struct spot){ FLAW_COUNT, i };
		if (!array->count)
			continue;
		spots[n++] = (struct spot){ FLAW_POINTER, i };
		if (type->stride != NO_FIELD)
			spots[n++] = (struct spot){ FLAW_STRIDE, i };
		if (type->stride != NO_FIELD && array->stride > type->element->size)
			spots[n++] = (struct spot){ FLAW_TAIL, i };
		for (field = type->element->fields; field && field->name; field++)
			spots[n++] = (struct spot){ FLAW_ELEMENT, i, field };
	}
	if (call->request) {
		spots[n++] = (struct spot){ FLAW_ARGUMENT };
		spots[n++] = (struct spot){ FLAW_REQUEST };
	}
	return n;
}

static void break_call(struct generator *gen, struct call *call)
{
	struct spot spots[64], spot;
	const struct array_type *type;
	struct array *array;
	unsigned int element, at;

	spot = spots[gen_random(gen, list_spots(call, spots))];
	type = call->type->arrays ? &call->type->arrays[spot.array] : NULL;
	array = &call->arrays[spot.array];
	element = gen_random(gen, array->count);

	switch (spot.flaw) {
	case FLAW_FIELD:
		break_field(gen, call, spot.field, 0, spot.field->offset);
		break;
	case FLAW_ELEMENT:
		break_field(gen, call, spot.field, spot.array + 1,
			    element * array->stride + spot.field->offset);
		break;
	case FLAW_STRIDE:
		break_stride(gen, call, type);
		break;
	case FLAW_COUNT:
		break_count(gen, call, type, array);
		break;
	case FLAW_POINTER:
		array->place = bad_place(gen, type->out);
		snprintf(call->broken, sizeof(call->broken), "%s are not all there", type->name);
		if (type->out || type->same_count)
			anything(call);
		expect(call, ERR(FAULT));
		break;
	case FLAW_TAIL:
		at = element * array->stride + type->element->size;
		array->data[at + gen_random(gen, array->stride - type->element->size)] = 1;
		snprintf(call->broken, sizeof(call->broken), "%s[%u] has more at its end",
			 type->name, element);
		expect(call, ERR(INVAL));
		break;
	case FLAW_ARGUMENT:
		call->place = bad_place(gen, call->request & IOC_OUT && !call->type->ends);
		snprintf(call->broken, sizeof(call->broken), "the argument is not all there");
		expect(call, ERR(FAULT));
		break;
	case FLAW_REQUEST:
		break_request(gen, call);
		break;
	}
}

/* A second thread puts something wrong into an array while the kernel reads it. */
static void race_call(struct generator *gen, struct call *call)
{
	const struct array_type *type = call->type->arrays;
	unsigned int index = type && type[0].name && type[1].name ? gen_random(gen, 2) : 0;
	struct array *array = &call->arrays[index];
	const struct field *fields = type ? type[index].element->fields : NULL, *field;
	unsigned int n = 0, offset;

	while (fields && fields[n].name)
		n++;
	if (!n || !array->count)
		return;
	field = &fields[gen_random(gen, n)];
	offset = gen_random(gen, array->count) * array->stride + field->offset;
	call->mode = M_RACE;
	call->race = (struct ref){ .where = index + 1, .offset = offset, .size = field->size };
	call->race_value = wrong_value(gen, field, get(array->data + offset, field->size));
	snprintf(call->broken, sizeof(call->broken), "%s becomes 0x%llx meanwhile", field->name,
		 (unsigned long long)call->race_value);
	anything(call);
}

static int add_slot(struct generator *gen, const struct call *call)
{
	struct program *program = gen->program;
	struct slot *slot;

	if (program->num_slots == MAX_SLOTS)
		return NO_SLOT;
	slot = &program->slots[program->num_slots];
	*slot = (struct slot){
		.kind = call->type->makes, .file = call->file, .planned = true, .of = NO_SLOT,
	};
	return program->num_slots++;
}

/* What a valid call does to what there is */
static void note_success(struct generator *gen, struct call *call)
{
	struct slot *made, *subject = call->num_refs ? gen_slot(gen, call->refs[0].slot) : NULL;

	if (call->type->ends && subject)
		subject->planned = false;
	if (!call->type->makes)
		return;

	call->makes = add_slot(gen, call);
	made = gen_slot(gen, call->makes);
	if (!made)
		return;
	made->of = call->num_refs ? call->refs[0].slot : NO_SLOT;
	switch (made->kind) {
	case O_BO:
		made->size = 4 * PAGE;		/* udmabuf's, see actions.c */
		if (!subject)
			made->size = (get(call->bytes, 8) + PAGE - 1) & ~(PAGE - 1ull);
		else if (subject->of >= 0)
			made->size = gen_slot(gen, subject->of)->size;
		if (subject && (subject->of < 0 || gen_slot(gen, subject->of)->kind == O_FOREIGN))
			made->kind = O_FOREIGN;
		break;
	case O_MAP:
		made->size = subject->size;
		break;
	case O_QUEUE:
	case O_USER_QUEUE:
		/* a time limit that an emulated machine may not keep */
		made->risky = get(call->bytes + 16, 4) && get(call->bytes + 16, 4) < 30000;
		break;
	}
}

static const struct call_type *choose(struct generator *gen)
{
	unsigned int i, sum = 0, at;

	for (i = 0; i < num_call_types; i++)
		sum += call_types[i]->weight;
	at = gen_random(gen, sum);
	for (i = 0; at >= call_types[i]->weight; i++)
		at -= call_types[i]->weight;
	return call_types[i];
}

/* Adds a call, if what it needs is there. */
static bool add_call(struct generator *gen, const struct call_type *type, bool valid)
{
	struct program *program = gen->program;
	struct call *call = &program->calls[program->num_calls];
	bool parallel = program->num_calls >= program->parallel;
	unsigned int i;

	memset(call, 0, sizeof(*call));
	call->type = type;
	call->request = type->request;
	call->makes = NO_SLOT;
	call->may_succeed = true;
	call->errors = type->valid_errors | ERR(NOMEM);
	call->place = good_place(gen);
	call->file = !valid && !gen_random(gen, 6);

	if (!fill_fields(gen, call, type->fields, 0, call->bytes, 0))
		return false;
	for (i = 0; type->arrays && type->arrays[i].name; i++)
		if (!fill_array(gen, call, i))
			return false;
	if (type->fill)
		type->fill(gen, call);
	if (program->unprivileged && type->errors & ERR(ACCES))
		call->errors |= ERR(ACCES);

	if (!valid && type->race && !gen_random(gen, 8))
		race_call(gen, call);
	/* nobody ends a wait for ever when there are two threads */
	if (!valid && call->mode == M_ONCE && !(parallel && type->errors & ERR(INTR)) &&
	    gen_random(gen, 5) < 2)
		break_call(gen, call);
	else if (!valid && type->valid_errors & ERR(NOSPC) && !gen_random(gen, 12))
		call->mode = M_REPEAT;
	if (parallel)
		anything(call);
	if (!call->broken[0])
		note_success(gen, call);
	program->num_calls++;
	return true;
}

/**
 * program_generate() - make a program
 * @program: what is made; of no use before
 * @seed: of all programs
 * @number: of this one
 */
void program_generate(struct program *program, uint64_t seed, uint64_t number)
{
	struct generator gen = { .program = program, .state = seed * 0x2545f4914f6cdd1d + number };
	unsigned int wanted, tries, i;

	memset(program, 0, sizeof(*program));
	program->seed = seed;
	program->number = number;
	next(&gen);
	wanted = 8 + gen_random(&gen, MAX_CALLS - 8);
	program->unprivileged = !gen_random(&gen, 4);
	program->parallel = gen_random(&gen, 4) ? MAX_CALLS : 6 + gen_random(&gen, wanted - 6);

	/* the first of them all, in a row: without them there is little to do */
	for (i = 0; i < 7 && gen_random(&gen, 16); i++)
		add_call(&gen, call_types[i], true);
	for (tries = 0; program->num_calls < wanted && tries < 1000; tries++)
		add_call(&gen, choose(&gen), false);
}
