// SPDX-License-Identifier: MIT
/*
 * The pool of job contexts: see contexts.h. The one that was put back last is the
 * first to be taken, so that without preemption there is one, warm in the host's
 * caches.
 */
#include <stdlib.h>

#include "command.h"
#include "contexts.h"

/* How many are kept for later */
#define MAX_IDLE	4

struct enpu_contexts {
	const struct enpu_config *config;
	struct enpu_buffers buffers;
	struct enpu_exec *idle[MAX_IDLE];
	unsigned int num_idle;
};

static void context_free(struct enpu_exec *x)
{
	free(x->sram);
	free(x);
}

static struct enpu_exec *context_new(struct enpu_contexts *contexts)
{
	struct enpu_exec *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->config = contexts->config;
	x->kernels = enpu_kernels_get();
	x->buffers = &contexts->buffers;
	x->sram = malloc(contexts->config->sram_bytes);
	if (x->sram)
		return x;
	free(x);
	return NULL;
}

struct enpu_contexts *enpu_contexts_new(const struct enpu_config *config)
{
	struct enpu_contexts *contexts = calloc(1, sizeof(*contexts));

	if (contexts)
		contexts->config = config;
	return contexts;
}

void enpu_contexts_free(struct enpu_contexts *contexts)
{
	if (!contexts)
		return;
	while (contexts->num_idle)
		context_free(contexts->idle[--contexts->num_idle]);
	for (unsigned int i = 0; i < ENPU_NUM_SCRATCH; i++)
		free(contexts->buffers.scratch[i].buf);
	free(contexts);
}

struct enpu_exec *enpu_contexts_get(struct enpu_contexts *contexts)
{
	if (contexts->num_idle)
		return contexts->idle[--contexts->num_idle];
	return context_new(contexts);
}

void enpu_contexts_put(struct enpu_contexts *contexts, struct enpu_exec *x)
{
	if (contexts->num_idle < MAX_IDLE)
		contexts->idle[contexts->num_idle++] = x;
	else
		context_free(x);
}
