// SPDX-License-Identifier: MIT
/* What a task will cost: see cost.h. */
#include "cost.h"

#define BLOCK_CHANNELS		16	/* of the MAC array */
#define BLOCK_K			4
#define ACCUMULATORS		512	/* output positions at a time */
#define INPUT_BUFFER		65536
#define VECTOR_SHARE		16	/* multiply-accumulates a vector lane */

static uint64_t div_up(uint64_t a, uint64_t b)
{
	return (a + b - 1) / b;
}

static uint64_t at_least_1(uint64_t n)
{
	return n ? n : 1;
}

int64_t weight_bytes(const struct layer *l)
{
	return l->weights ? l->weights->bytes + l->params->bytes : 0;
}

static uint64_t part_input_bytes(const struct layer *l, int i, struct part part)
{
	uint32_t first, rows;

	if (!input_rows(l, i, part.row, part.rows, &first, &rows))
		return 0;
	return (uint64_t)rows * l->in[i].width * l->in[i].channels *
	       device_dtype_bytes(l->in[i].dtype);
}

static uint64_t part_output_bytes(const struct layer *l, struct part part)
{
	return (uint64_t)part.rows * l->out.width * part.channels *
	       device_dtype_bytes(l->out.dtype);
}

uint64_t weight_passes(const struct layer *l, struct part part)
{
	uint64_t positions = (uint64_t)part.rows * l->out.width;
	uint64_t input = at_least_1(part_input_bytes(l, 0, part));
	uint64_t piece = positions * INPUT_BUFFER / input;

	if (piece > ACCUMULATORS)
		piece = ACCUMULATORS;
	return div_up(positions, at_least_1(piece));
}

/* Of the window that meet an input, for each output. */
static uint64_t taps_of(const struct layer *l)
{
	const struct enpu_window *w = &l->window;

	if (l->kind == LAYER_MATMUL)
		return 1;
	if (l->kind == LAYER_TRANSPOSE_CONV)
		return div_up(w->kernel_h, w->stride_h) * div_up(w->kernel_w, w->stride_w);
	return (uint64_t)w->kernel_h * w->kernel_w;
}

static uint64_t mac_cycles(const struct machine *m, const struct layer *l, struct part part)
{
	uint64_t positions = (uint64_t)part.rows * l->out.width;
	uint64_t taps = taps_of(l);
	uint64_t steps = l->kind == LAYER_DEPTHWISE ? taps :
						      div_up(taps * l->in[0].channels, BLOCK_K);
	uint64_t parallel = at_least_1(m->macs / (BLOCK_CHANNELS * BLOCK_K));

	return div_up(positions, parallel) * div_up(part.channels, BLOCK_CHANNELS) * steps *
	       device_dtype_bytes(l->in[0].dtype);
}

static uint64_t vector_cycles(const struct machine *m, const struct layer *l, struct part part)
{
	uint64_t elements = part_output_bytes(l, part);

	if (l->kind == LAYER_POOL)
		elements *= (uint64_t)l->window.kernel_h * l->window.kernel_w;
	return div_up(elements, at_least_1(m->macs / VECTOR_SHARE));
}

static void add_bytes(struct cost *c, bool in_sram, uint64_t bytes)
{
	*(in_sram ? &c->sram : &c->dram) += bytes;
}

struct cost part_cost(const struct machine *m, const struct layer *l, struct part part,
		      struct locations where)
{
	struct cost c = { 0 };
	uint64_t groups;

	if (l->kind == LAYER_COPY || l->kind == LAYER_FILL) {
		uint64_t bytes = l->block.length;

		for (int i = 0; i < 4; i++)
			bytes *= l->block.count[i];
		if (l->kind == LAYER_COPY)
			add_bytes(&c, where.in[0], bytes);
		add_bytes(&c, where.out, bytes);
		return c;
	}
	for (int i = 0; i < 2; i++)
		add_bytes(&c, where.in[i], part_input_bytes(l, i, part));
	add_bytes(&c, where.out, part_output_bytes(l, part));
	c.compute = layer_multiplies(l->kind) ? mac_cycles(m, l, part) : vector_cycles(m, l, part);
	if (!l->weights)
		return c;
	groups = div_up(part.channels, BLOCK_CHANNELS);
	add_bytes(&c, where.weights, weight_passes(l, part) * groups * weight_group_bytes(l) +
		  part.channels * sizeof(struct enpu_channel));
	return c;
}

static uint64_t port_cycles(uint64_t bytes, uint32_t bandwidth)
{
	return bytes * 1024 / bandwidth;
}

uint64_t dram_cycles(const struct machine *m, uint64_t bytes)
{
	return port_cycles(bytes, m->dram_bandwidth);
}

uint64_t sram_cycles(const struct machine *m, uint64_t bytes)
{
	return port_cycles(bytes, m->sram_bandwidth);
}

uint64_t cost_cycles(const struct machine *m, struct cost c)
{
	uint64_t cycles = c.compute;

	if (sram_cycles(m, c.sram) > cycles)
		cycles = sram_cycles(m, c.sram);
	if (dram_cycles(m, c.dram) > cycles)
		cycles = dram_cycles(m, c.dram);
	return cycles + ISSUE_CYCLES;
}
