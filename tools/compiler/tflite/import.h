/* SPDX-License-Identifier: MIT */
/* TensorFlow Lite files to graphs. */
#ifndef ENPU_TFLITE_IMPORT_H
#define ENPU_TFLITE_IMPORT_H

#include "../ir/graph.h"
#include "flatbuffer.h"

/*
 * Read the model in @data into @graph, whose arena, diag and file are set. The
 * graph points into @data (names, constants, quantization). Returns 0 or -errno,
 * with a message in the diag. What is well formed but cannot be run is no error
 * here: the checkers judge it.
 */
int tflite_import(struct graph *graph, const void *data, size_t size);

/*
 * variables.c: operators on variables become variables of @g, with the first values that
 * @init assigns. 0, or not 0 after a message in @fb or the diag.
 */
int tflite_link_variables(struct fb *fb, struct graph *g, const struct graph *init);

/* options.c: what kind of operator this is, and its options. */
enum op_kind tflite_op_kind(int32_t builtin, const char *custom);
const char *tflite_op_name(int32_t builtin);	/* NULL: unknown */
void tflite_read_options(struct fb_table *table, struct op *op);

#endif
