/* SPDX-License-Identifier: MIT */
/* Passes that make a simpler graph of a graph, before anything judges it. */
#ifndef ENPU_REWRITE_H
#define ENPU_REWRITE_H

#include "../ir/graph.h"

/* Removes TRANSPOSEs: see layout.c. 0 or -errno with a message. */
int simplify_layout(struct graph *g);

#endif
