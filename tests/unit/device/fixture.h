/* SPDX-License-Identifier: MIT */
/*
 * A job context with a small flat memory: what the tests of commands share.
 *
 * Region r of a job is [r * REGION_SIZE, (r + 1) * REGION_SIZE) of the memory,
 * at device address MEMORY_VA. The stream and the region table lie outside.
 */
#ifndef ENPU_TEST_FIXTURE_H
#define ENPU_TEST_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../tools/device/core/contexts.h"

#define REGION_SIZE	(1u << 20)
#define NUM_REGIONS	8
#define MEMORY_VA	0x10000000ull
#define STREAM_VA	0x1000ull
#define TABLE_VA	0x800ull
#define PROFILE_VA	0xf00ull
#define STREAM_MAX	(64u << 10)

struct fixture {
	struct enpu_space space;
	struct enpu_contexts *contexts;
	struct enpu_exec *exec;
	uint8_t low[STREAM_VA + STREAM_MAX];	/* device addresses from 0 */
	uint8_t *memory;
	uint32_t stream_size;
	uint64_t polls_left;			/* then commands are abandoned; UINT64_MAX: never */
};

struct fixture *fixture_new(const char *config);
void fixture_free(struct fixture *f);
/* Where a region's bytes are */
void *region(struct fixture *f, unsigned int index);
/* Append a command; cmd.size and what cmd.opcode decides is set already */
void emit(struct fixture *f, const void *cmd, size_t size);
/* Run all that was emitted, and forget it */
enum enpu_step run(struct fixture *f);
/* That one command alone, which must succeed */
void run_ok(struct fixture *f, const void *cmd, size_t size);
/* run() with any job flags */
enum enpu_step run_job(struct fixture *f, const struct enpu_job *job);
struct enpu_job job_of(const struct fixture *f);

/* A dense tile; its strides follow */
struct enpu_tile dense_tile(unsigned int region, unsigned int dtype, uint32_t height,
			    uint32_t width, uint32_t channels, int32_t zero_point);
struct enpu_cmd header(unsigned int opcode, unsigned int engine, size_t size);
struct enpu_ref ref(unsigned int region, unsigned int dtype, uint64_t offset);
struct enpu_ref no_ref(void);

/* xorshift: the same numbers everywhere */
uint32_t rnd(uint64_t *state);
int32_t rnd_range(uint64_t *state, int32_t min, int32_t max);
/* Random elements of a type */
void rnd_fill(uint64_t *state, void *dst, size_t bytes);

/* Element i of a type */
int32_t element(const void *base, unsigned int dtype, size_t i);
int32_t type_min(unsigned int dtype);
int32_t type_max(unsigned int dtype);

/* The formulas of hardware.rst, word by word, written apart from the model's */
int64_t spec_requant(int64_t x, int32_t multiplier, int shift, unsigned int mode, int wide);
int32_t spec_srdhm(int32_t a, int32_t b);
int32_t spec_rdbpot(int32_t x, int e);

#endif
