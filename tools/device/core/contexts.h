/* SPDX-License-Identifier: MIT */
/*
 * Where job contexts come from: a context for each job that was begun, and no
 * more than a few beside. What only a command in flight needs, the engines'
 * buffers, they share; so one of them executes at a time.
 *
 * The caller sees to it that no two threads are in here at once. Executing a
 * context is no entry.
 */
#ifndef ENPU_DEVICE_CONTEXTS_H
#define ENPU_DEVICE_CONTEXTS_H

#include "exec.h"

struct enpu_contexts;

/* config must outlive them. NULL: no memory. */
struct enpu_contexts *enpu_contexts_new(const struct enpu_config *config);
/* With all contexts put back */
void enpu_contexts_free(struct enpu_contexts *contexts);

/* A context to start a job in. NULL: no memory. */
struct enpu_exec *enpu_contexts_get(struct enpu_contexts *contexts);
void enpu_contexts_put(struct enpu_contexts *contexts, struct enpu_exec *x);

#endif
