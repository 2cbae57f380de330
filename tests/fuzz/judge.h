/* SPDX-License-Identifier: MIT */
/* What must hold for what the compiler gave, be it a model or a refusal. */
#ifndef FUZZ_JUDGE_H
#define FUZZ_JUDGE_H

#include <enpu-compiler.h>

#include "one_input.h"

struct graph;

/*
 * After enpu_compile_memory() returned @err: a sound compiled model, of which small ones
 * are verified byte by byte, or a reason. Releases both.
 */
enum outcome judge(int err, struct enpu_blob *blob, struct enpu_diag *diag, char why[300]);

enum outcome judge_refusal(const struct enpu_diag *diag, char why[300]);

/*
 * False: it would take too long to run @g on numbers, thousands of times: that many elements
 * in all of its tensors, that many multiplications in one of its operators.
 */
bool worth_running(const struct graph *g, int64_t most_elements, int64_t most_products);

#endif
