/* SPDX-License-Identifier: MIT */
/*
 * Runs compiled models for verification without computing anything: outputs are bytes of
 * the fuzzer's, which no device could promise.
 */
#ifndef FUZZ_RUNNER_H
#define FUZZ_RUNNER_H

#include <enpu-compiler.h>

#include "container.h"

/* @c stays until the last use. */
struct enpu_runner bytes_runner(const struct container *c);

#endif
