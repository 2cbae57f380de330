/* SPDX-License-Identifier: MIT */
/*
 * Cascades: consecutive layers executed together, strip by strip, so that what is
 * between them never exists as a whole.
 *
 * The last layer asks for a strip of output rows; each layer before it is asked
 * for the rows that the next ones need, and computes those that it has not yet.
 * Between two layers rows live in a window of a buffer: new rows are appended,
 * and when the end of the window is reached, the rows that are still needed move
 * to its start and the window goes on from there. A window may have several writers,
 * as the result of a concatenation has; they go on row by row together.
 */
#ifndef ENPU_CASCADE_H
#define ENPU_CASCADE_H

#include "schedule.h"

#define MAX_CASCADE	16	/* layers */

struct window {
	const struct buffer *buffer;
	size_t first_writer;		/* layer of the program */
	uint32_t height;		/* rows in all */
	int64_t row_bytes;
	uint32_t capacity;		/* rows; 0: not yet known */
	uint32_t base;			/* row at the window's start */
	uint32_t longest;		/* most rows that lived at once */
	uint32_t kept;			/* most rows that were still needed when new ones came */
	bool pipelined;			/* a writer and a reader are on different engines */
	const struct object *object;
};

/* What to do with the steps of a cascade, in order. */
struct cascade_sink {
	void (*compute)(void *arg, size_t layer, struct part part);
	/* Rows [@from, @from + @count) of the window go to its start. */
	void (*move)(void *arg, const struct window *w, uint32_t from, uint32_t count);
	void *arg;
};

struct cascade {
	const struct program *program;
	size_t first, end;		/* layers */
	uint32_t strip;			/* output rows of the last layer at a time */
	unsigned int n_windows;
	struct window windows[MAX_CASCADE];
	uint32_t done[MAX_CASCADE];	/* output rows of each layer */
	uint32_t steps;			/* of all executions so far */
};

/*
 * Can layers [first, end) be a cascade? All that is written by layers before the
 * last must be written and read inside only. Fills in @c but for the strip.
 */
bool cascade_init(struct cascade *c, const struct program *p, const unsigned int *readers,
		  const unsigned int *writers, size_t first, size_t end);

/* Find the capacities of the windows for the strip; gives the bytes of all windows. */
int64_t cascade_size(struct cascade *c);

/* Execute it; capacities are known. */
void cascade_run(struct cascade *c, const struct cascade_sink *sink);

struct window *cascade_window(struct cascade *c, const struct buffer *b);
bool cascade_has(struct cascade *c, const struct buffer *b);

#endif
