// SPDX-License-Identifier: MIT
/* A test model compiled, verified and, if asked for, executed: see compiled.h. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiled.h"

static int compile(struct compiled *c, const struct test_model *m, uint32_t sram_bytes)
{
	struct enpu_compile_options opts = { .preset = "enpu-512", .sram_bytes = sram_bytes };
	size_t size;
	uint8_t *data = tm_write(m, &size);
	int err;

	memset(c, 0, sizeof(*c));
	err = enpu_compile_memory("/some/where/test.tflite", data, size, &opts, &c->blob,
				  &c->stats, &c->diag);
	free(data);
	return err;
}

void compile_model(struct compiled *c, const struct test_model *m, uint32_t sram_bytes)
{
	struct verdict verdict;
	const char *wrong;

	if (compile(c, m, sram_bytes))
		fail_msg("refused: %s", c->diag.count ? c->diag.messages[0].text : "no message");
	assert_int_equal(c->diag.count, 0);
	wrong = model_file_open(&c->file, c->blob.data, c->blob.size);
	if (wrong)
		fail_msg("the file: %s", wrong);
	if (verify_streams(&c->file, &verdict))
		fail_msg("%s", verdict.error);
}

void compile_refused(struct compiled *c, const struct test_model *m)
{
	assert_int_equal(compile(c, m, 0), -EOPNOTSUPP);
	assert_null(c->blob.data);
	assert_true(c->diag.count > 0);
}

void compiled_free(struct compiled *c)
{
	enpu_blob_free(&c->blob);
	enpu_diag_free(&c->diag);
}

unsigned int count_commands(const struct compiled *c, unsigned int opcode)
{
	unsigned int n = 0;

	for (uint64_t at = 0; at < c->file.stream_size;) {
		const struct enpu_cmd *cmd = (const void *)(c->file.stream + at);

		n += cmd->opcode == opcode;
		at += cmd->size;
	}
	return n;
}

void run_compiled(const struct compiled *c, uint32_t seed, uint8_t *out, size_t bytes)
{
	const struct enpu_model_tensor *t = c->file.tensors;
	struct execution x;

	execution_init(&x, &c->file);
	for (; t->role == ENPU_TENSOR_INPUT; t++)
		for (uint64_t i = 0; i < t->size; i++) {
			seed = seed * 1664525 + 1013904223;
			x.regions[t->region][t->offset + i] = seed >> 24;
		}
	assert_int_equal(t->role, ENPU_TENSOR_OUTPUT);
	assert_int_equal(t->size, bytes);
	if (execution_run(&x, &c->file, "enpu-512"))
		fail_msg("%s", x.error);
	memcpy(out, x.regions[t->region] + t->offset, bytes);
	execution_free(&x, &c->file);
}
