/* SPDX-License-Identifier: MIT */
/* Graphs that tests put together piece by piece, and run on the float reference. */
#ifndef TEST_GRAPH_FIXTURE_H
#define TEST_GRAPH_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ir/builder.h"

struct made {
	struct arena arena;
	struct enpu_diag diag;
	struct graph graph;
	struct builder builder;
};

/* For cmocka: *state is a struct made. */
int made_setup(void **state);
int made_teardown(void **state);

/* The same inside of what is larger; made_free() frees only what the arena has. */
void made_init(struct made *m, size_t memory);
void made_free(struct made *m);

#define DIMS(...)	(int)(sizeof((int32_t[]){ __VA_ARGS__ }) / 4), (int32_t[]){ __VA_ARGS__ }
#define FLOATS(...)	((const float[]){ __VA_ARGS__ })

struct tensor *typed(struct made *m, const char *name, enum dtype type, int rank,
		     const int32_t *dims);
struct tensor *tensor(struct made *m, const char *name, int rank, const int32_t *dims);
/* Its data is not aligned. */
struct tensor *constant(struct made *m, const char *name, int rank, const int32_t *dims,
			const float *values);
/* @t becomes an input, or an output, of the model. */
struct tensor *input(struct made *m, struct tensor *t);
void output(struct made *m, struct tensor *t);

struct op *operator(struct made *m, enum op_kind kind, struct tensor *out, unsigned int n,
		    struct tensor *const *inputs);

#define OPERATOR(m, kind, out, ...)						\
	operator(m, kind, out, sizeof((struct tensor *[]){ __VA_ARGS__ }) / sizeof(void *), \
		 (struct tensor *[]){ __VA_ARGS__ })

/* The builder's graph, in m->graph. */
void finish(struct made *m);

void assert_floats(const float *is, const float *should, size_t n);
/* What the reference makes of one input: the first output, in the arena. */
const float *run_reference(struct made *m, const void *in);
/* The same compared */
void expect(struct made *m, const void *in, const float *should);

#endif
