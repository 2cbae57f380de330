/* SPDX-License-Identifier: MIT */
/* From a schedule to the bytes of a compiled model. */
#ifndef ENPU_EMIT_H
#define ENPU_EMIT_H

#include "../sched/schedule.h"

struct bytes {
	uint8_t *data;
	size_t size;
};

/*
 * The command stream of one step: addresses filled in, and wait tokens derived
 * from which bytes each command reads and writes.
 */
struct bytes emit_stream(struct schedule *s, const struct step *step);

#define COMPILER	"enpu-compiler 1.0"

struct source {
	const char *name;		/* file name without folders */
	size_t bytes;
	uint8_t sha256[32];
};

/* The whole .enpu file; @out is malloc()ed. 0 or -errno. */
int emit_model(struct schedule *s, const struct source *source, struct enpu_blob *out);

#endif
