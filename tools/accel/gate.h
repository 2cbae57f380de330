/* SPDX-License-Identifier: MIT */
/* The accuracy gate: what verification found, shown and judged. */
#ifndef ACCEL_CLI_GATE_H
#define ACCEL_CLI_GATE_H

#include <enpu-compiler.h>

#include "json.h"

/*
 * What the compiled model loses, in points of 100: of samples with labels, the share that
 * only float classifies right; of classes without labels, the share that gets another one;
 * of other outputs, 100 * (1 - cosine). The largest of all outputs.
 */
double gate_drop(const struct enpu_accuracy *accuracy);
void gate_print(const struct enpu_accuracy *accuracy, FILE *to);
void gate_json(struct json *json, const struct enpu_accuracy *accuracy);

#endif
