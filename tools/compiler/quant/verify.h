/* SPDX-License-Identifier: MIT */
/* The compiled model against the float one, on samples that calibration did not see. */
#ifndef ENPU_VERIFY_H
#define ENPU_VERIFY_H

#include "../ir/graph.h"

/*
 * @source: the float graph as imported; @teacher: as the quantizer took it up; @made: the
 * int8 graph, nothing folded; @model: compiled from it. Fills in opts->accuracy.
 */
struct verification {
	const struct graph *source, *teacher;
	struct graph *made;
	const struct enpu_blob *model;
	const struct enpu_compile_options *opts;
	/* Compiles a graph, which is used up. */
	int (*compile)(struct verification *v, struct graph *g, struct enpu_blob *out);
	void *compile_arg;
};

int verify_model(struct verification *v);

#endif
