/* SPDX-License-Identifier: MIT */
/* The passes between a checked graph and a program of layers, in order. */
#ifndef ENPU_PASSES_H
#define ENPU_PASSES_H

#include "../ir/program.h"

/*
 * Fold what needs no command of its own: activations into the operators before
 * them, paddings into the windows after them, tables into tables.
 */
void fold_operators(struct program *p, struct graph *g);

/* Give every tensor its place in a buffer, so that data moves as little as can be. */
void assign_views(struct program *p);

/* Operators to layers and CPU steps. 0 or -errno with a message. */
int lower_operators(struct program *p);

#endif
