// SPDX-License-Identifier: MIT
/*
 * A job context with a small flat memory, and the formulas of the specification.
 */
#include <errno.h>
#include <math.h>

#include "fixture.h"

#define MEMORY_SIZE	((uint64_t)NUM_REGIONS * REGION_SIZE)

static void space_begin(struct enpu_space *space)
{
}

static void *space_ptr(struct enpu_space *space, uint64_t va, uint64_t *len, bool write,
		       struct enpu_access_fault *fault)
{
	struct fixture *f = (struct fixture *)space;
	uint64_t room = 0;
	uint8_t *base = NULL;

	if (va < sizeof(f->low)) {
		base = f->low + va;
		room = sizeof(f->low) - va;
	} else if (va >= MEMORY_VA && va - MEMORY_VA < MEMORY_SIZE) {
		base = f->memory + (va - MEMORY_VA);
		room = MEMORY_SIZE - (va - MEMORY_VA);
	}
	if (!base) {
		fault->cause = ENPU_FAULT_UNMAPPED;
		fault->addr = va;
		return NULL;
	}
	/* Odd pieces, so that copies are put together */
	if (room > 4099)
		room = 4099;
	if (*len > room)
		*len = room;
	return base;
}

static const struct enpu_space_ops space_ops = {
	.begin = space_begin,
	.end = space_begin,
	.ptr = space_ptr,
};

static bool hook_command(void *arg)
{
	return true;
}

static bool hook_poll(void *arg)
{
	struct fixture *f = arg;

	if (f->polls_left == UINT64_MAX)
		return true;
	if (!f->polls_left)
		return false;
	f->polls_left--;
	return true;
}

static const struct enpu_exec_hooks hooks = {
	.command = hook_command,
	.poll = hook_poll,
};

struct fixture *fixture_new(const char *config)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct enpu_region *table;

	assert_non_null(f);
	f->space.ops = &space_ops;
	f->memory = calloc(1, MEMORY_SIZE);
	assert_non_null(f->memory);
	f->contexts = enpu_contexts_new(enpu_config_find(config));
	assert_non_null(f->contexts);
	f->exec = enpu_contexts_get(f->contexts);
	assert_non_null(f->exec);
	f->polls_left = UINT64_MAX;
	table = (struct enpu_region *)(f->low + TABLE_VA);
	for (unsigned int i = 0; i < NUM_REGIONS; i++) {
		table[i].va = MEMORY_VA + (uint64_t)i * REGION_SIZE;
		table[i].size = REGION_SIZE;
	}
	return f;
}

void fixture_free(struct fixture *f)
{
	enpu_contexts_put(f->contexts, f->exec);
	enpu_contexts_free(f->contexts);
	free(f->memory);
	free(f);
}

void *region(struct fixture *f, unsigned int index)
{
	return f->memory + (size_t)index * REGION_SIZE;
}

void emit(struct fixture *f, const void *cmd, size_t size)
{
	assert_true(f->stream_size + size <= STREAM_MAX);
	memcpy(f->low + STREAM_VA + f->stream_size, cmd, size);
	f->stream_size += (uint32_t)size;
}

struct enpu_job job_of(const struct fixture *f)
{
	return (struct enpu_job) {
		.stream_va = STREAM_VA,
		.stream_size = f->stream_size,
		.regions_va = TABLE_VA,
		.num_regions = NUM_REGIONS,
	};
}

enum enpu_step run_job(struct fixture *f, const struct enpu_job *job)
{
	enum enpu_step step = enpu_exec_start(f->exec, &f->space, job, &hooks, f);

	while (step == ENPU_STEP_MORE)
		step = enpu_exec_step(f->exec);
	if (step == ENPU_STEP_DONE)
		step = enpu_exec_finish(f->exec, 1, 2);
	f->stream_size = 0;
	return step;
}

enum enpu_step run(struct fixture *f)
{
	struct enpu_job job = job_of(f);

	return run_job(f, &job);
}

void run_ok(struct fixture *f, const void *cmd, size_t size)
{
	emit(f, cmd, size);
	if (run(f) != ENPU_STEP_DONE)
		fail_msg("opcode %u: fault %u", enpu_exec_fault(f->exec)->opcode,
			 enpu_exec_fault(f->exec)->cause);
}

static size_t type_size(unsigned int dtype)
{
	return dtype == ENPU_S32 ? 4 : dtype == ENPU_S16 ? 2 : 1;
}

struct enpu_tile dense_tile(unsigned int index, unsigned int dtype, uint32_t height,
			    uint32_t width, uint32_t channels, int32_t zero_point)
{
	uint32_t column = channels * (uint32_t)type_size(dtype);

	return (struct enpu_tile) {
		.region = (uint8_t)index,
		.dtype = (uint8_t)dtype,
		.zero_point = zero_point,
		.height = height,
		.width = width,
		.channels = channels,
		.row_stride = width * column,
		.col_stride = column,
	};
}

struct enpu_cmd header(unsigned int opcode, unsigned int engine, size_t size)
{
	return (struct enpu_cmd) {
		.opcode = (uint8_t)opcode,
		.engine = (uint8_t)engine,
		.size = (uint16_t)size,
	};
}

struct enpu_ref ref(unsigned int index, unsigned int dtype, uint64_t offset)
{
	return (struct enpu_ref) {
		.region = (uint8_t)index,
		.dtype = (uint8_t)dtype,
		.offset = offset,
	};
}

struct enpu_ref no_ref(void)
{
	return ref(ENPU_REGION_NONE, 0, 0);
}

uint32_t rnd(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (uint32_t)(*state >> 32);
}

int32_t rnd_range(uint64_t *state, int32_t min, int32_t max)
{
	return (int32_t)(min + (int64_t)(rnd(state) % ((uint64_t)((int64_t)max - min) + 1)));
}

void rnd_fill(uint64_t *state, void *dst, size_t bytes)
{
	uint8_t *b = dst;

	for (size_t i = 0; i < bytes; i++)
		b[i] = (uint8_t)rnd(state);
}

int32_t element(const void *base, unsigned int dtype, size_t i)
{
	switch (dtype) {
	case ENPU_U8:
		return ((const uint8_t *)base)[i];
	case ENPU_S8:
		return ((const int8_t *)base)[i];
	case ENPU_S16:
		return ((const int16_t *)base)[i];
	default:
		return ((const int32_t *)base)[i];
	}
}

int32_t type_min(unsigned int dtype)
{
	switch (dtype) {
	case ENPU_U8:
		return 0;
	case ENPU_S8:
		return -128;
	case ENPU_S16:
		return -32768;
	default:
		return INT32_MIN;
	}
}

int32_t type_max(unsigned int dtype)
{
	switch (dtype) {
	case ENPU_U8:
		return 255;
	case ENPU_S8:
		return 127;
	case ENPU_S16:
		return 32767;
	default:
		return INT32_MAX;
	}
}

static int64_t saturate32(int64_t v)
{
	return v > INT32_MAX ? INT32_MAX : v < INT32_MIN ? INT32_MIN : v;
}

int32_t spec_srdhm(int32_t a, int32_t b)
{
	int64_t ab = (int64_t)a * b;

	return (int32_t)saturate32((ab + (ab >= 0 ? 1ll << 30 : 1 - (1ll << 30))) / (1ll << 31));
}

int32_t spec_rdbpot(int32_t x, int e)
{
	int64_t mask = (1ll << e) - 1;

	return (int32_t)((x >> e) + ((x & mask) > (mask >> 1) + (x < 0)));
}

int64_t spec_requant(int64_t x, int32_t multiplier, int shift, unsigned int mode, int wide)
{
	float m, product;

	if (mode == ENPU_REQUANT_FP32) {
		memcpy(&m, &multiplier, sizeof(m));
		product = (float)x * m;
		if (product < -2147483648.0f)
			product = -2147483648.0f;
		if (product > 2147483520.0f)
			product = 2147483520.0f;
		return llrintf(product);
	}
	if (wide) {
		int64_t r = multiplier < 0x7fff0000 ? (multiplier + (1 << 15)) >> 16 : 0x7fff;
		int t = 15 - shift;

		return (x * r + (1ll << (t - 1))) >> t;
	}
	if (mode == ENPU_REQUANT_SINGLE)
		return saturate32((x * multiplier + (1ll << (30 - shift))) >> (31 - shift));
	return spec_rdbpot(spec_srdhm((int32_t)(uint32_t)((uint64_t)x << (shift > 0 ? shift : 0)),
				      multiplier), shift < 0 ? -shift : 0);
}
