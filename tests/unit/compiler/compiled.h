/* SPDX-License-Identifier: MIT */
/* A test model compiled, verified and, if asked for, executed. */
#ifndef TEST_COMPILED_H
#define TEST_COMPILED_H

#include <enpu-compiler.h>

#include "execute.h"
#include "tflite_model.h"
#include "verify.h"

struct compiled {
	struct enpu_blob blob;
	struct enpu_diag diag;
	struct enpu_compile_stats stats;
	struct model_file file;
};

/* Compiles and verifies; fails the test if either goes wrong. @m is not freed. */
void compile_model(struct compiled *c, const struct test_model *m, uint32_t sram_bytes);
/* Compiles what must be refused with -EOPNOTSUPP; the messages are in diag. */
void compile_refused(struct compiled *c, const struct test_model *m);
void compiled_free(struct compiled *c);

/* Commands with this opcode in all streams. */
unsigned int count_commands(const struct compiled *c, unsigned int opcode);

/* Runs it on inputs that @seed makes; @out receives the first output. */
void run_compiled(const struct compiled *c, uint32_t seed, uint8_t *out, size_t bytes);

#endif
