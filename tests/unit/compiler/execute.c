// SPDX-License-Identifier: MIT
/* Run a compiled model's NPU steps on the device core: see execute.h. */
#include "execute.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../tools/device/core/contexts.h"

#define REGION_SHIFT	40
#define STREAM_VA	((uint64_t)ENPU_MAX_REGIONS << REGION_SHIFT)
#define TABLE_VA	((uint64_t)(ENPU_MAX_REGIONS + 1) << REGION_SHIFT)

/* Regions, the stream and the region table, each at its own high address. */
struct flat_space {
	struct enpu_space space;
	const struct model_file *m;
	struct execution *x;
	struct enpu_region table[ENPU_MAX_REGIONS];
};

static void nothing(struct enpu_space *space)
{
}

static void *flat_ptr(struct enpu_space *space, uint64_t va, uint64_t *len, bool write,
		      struct enpu_access_fault *fault)
{
	struct flat_space *f = (struct flat_space *)space;
	uint64_t index = va >> REGION_SHIFT, at = va & (((uint64_t)1 << REGION_SHIFT) - 1);
	uint64_t size = 0;
	uint8_t *base = NULL;

	if (index < f->m->n_regions) {
		base = f->x->regions[index];
		size = f->m->regions[index].size;
		if (write && f->m->regions[index].role == ENPU_ROLE_CONSTANT)
			base = NULL;
	} else if (index == ENPU_MAX_REGIONS && !write) {
		base = (uint8_t *)f->m->stream;
		size = f->m->stream_size;
	} else if (index == ENPU_MAX_REGIONS + 1 && !write) {
		base = (uint8_t *)f->table;
		size = sizeof(f->table);
	}
	if (!base || at >= size) {
		fault->cause = write ? ENPU_FAULT_READ_ONLY : ENPU_FAULT_UNMAPPED;
		fault->addr = va;
		return NULL;
	}
	if (*len > size - at)
		*len = size - at;
	return base + at;
}

static bool go_on(void *arg)
{
	return true;
}

void execution_init(struct execution *x, const struct model_file *m)
{
	memset(x, 0, sizeof(*x));
	for (unsigned int i = 0; i < m->n_regions; i++) {
		x->regions[i] = malloc(m->regions[i].size);
		/* what nobody has written must not matter */
		memset(x->regions[i], 0xa5, m->regions[i].size);
		if (m->contents[i])
			memcpy(x->regions[i], m->contents[i], m->content_size[i]);
	}
}

void execution_free(struct execution *x, const struct model_file *m)
{
	for (unsigned int i = 0; i < m->n_regions; i++)
		free(x->regions[i]);
}

static void add_profile(struct enpu_profile *sum, const struct enpu_profile *p)
{
	sum->cycles += p->cycles;
	for (int e = 0; e < ENPU_NUM_ENGINES; e++)
		sum->engine_cycles[e] += p->engine_cycles[e];
	sum->macs += p->macs;
	sum->dram_read += p->dram_read;
	sum->dram_written += p->dram_written;
	sum->sram_read += p->sram_read;
	sum->sram_written += p->sram_written;
	sum->commands += p->commands;
}

int execution_run(struct execution *x, const struct model_file *m, const char *preset)
{
	static const struct enpu_space_ops ops = { nothing, nothing, flat_ptr };
	static const struct enpu_exec_hooks hooks = { go_on, go_on };
	struct flat_space f = { .space = { &ops }, .m = m, .x = x };
	struct enpu_contexts *contexts = enpu_contexts_new(enpu_config_find(preset));
	struct enpu_exec *exec = enpu_contexts_get(contexts);
	enum enpu_step state = ENPU_STEP_DONE;

	for (unsigned int i = 0; i < m->n_regions; i++)
		f.table[i] = (struct enpu_region) { (uint64_t)i << REGION_SHIFT,
						    m->regions[i].size };
	for (unsigned int i = 0; i < m->n_steps && state == ENPU_STEP_DONE; i++) {
		struct enpu_job job = {
			.stream_va = STREAM_VA + m->steps[i].offset,
			.stream_size = m->steps[i].size,
			.regions_va = TABLE_VA, .num_regions = m->n_regions,
		};

		if (m->steps[i].kind != ENPU_STEP_NPU)
			continue;
		state = enpu_exec_start(exec, &f.space, &job, &hooks, NULL);
		while (state == ENPU_STEP_MORE)
			state = enpu_exec_step(exec);
		add_profile(&x->profile, enpu_exec_profile(exec));
	}
	if (state != ENPU_STEP_DONE) {
		const struct enpu_exec_fault *fault = enpu_exec_fault(exec);

		snprintf(x->error, sizeof(x->error),
			 "cause %u at command %u (opcode %u, layer %u), address %#llx",
			 fault->cause, fault->command, fault->opcode, fault->layer,
			 (unsigned long long)fault->addr);
	}
	enpu_contexts_put(contexts, exec);
	enpu_contexts_free(contexts);
	return state == ENPU_STEP_DONE ? 0 : -1;
}
