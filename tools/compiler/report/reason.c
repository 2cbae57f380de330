// SPDX-License-Identifier: MIT
/* Why an operator runs where it does, in a sentence or two for a reader. */
#include "report.h"

#include "../ops/operator.h"

static const char *view_reason(const struct op *op)
{
	switch (op->kind) {
	case OP_RESHAPE:
	case OP_SQUEEZE:
	case OP_EXPAND_DIMS:
		return "no work: the same bytes with another shape";
	case OP_CONCATENATION:
	case OP_PACK:
		return "no work: its inputs are written where the whole is";
	case OP_SLICE:
	case OP_STRIDED_SLICE:
	case OP_SPLIT:
	case OP_SPLIT_V:
	case OP_UNPACK:
		return "no work: readers take their part of the input where it lies";
	default:
		return "no work: its result lies where its input does";
	}
}

static const char *folded_reason(struct arena *arena, const struct schedule *s, const struct op *op)
{
	const struct op *into = s->program->folded_into[op->index];
	const char *how = is_lookup(op) ? "one table does both" : "its clamp";

	if (!into)
		return "a neighbour does it";
	if (op->kind == OP_PAD)
		how = "the padding of its window";
	else if (s->program->follower[into->index] != op)
		how = "its clamp";
	return arena_printf(arena, "done by #%d (%s): %s", into->index,
			    shown_text(arena, into->name), how);
}

static const char *cpu_reason(struct arena *arena, const struct op *op)
{
	const struct operator_type *type = operator_type(op->kind);

	return arena_printf(arena, "the NPU has no command for it%s%s%s: libaccel does it on the host",
			    *type->restrictions ? " (" : "", type->restrictions,
			    *type->restrictions ? ")" : "");
}

static const char *kind_reason(const struct layer *l)
{
	static const char *const reasons[LAYER_KINDS] = {
		[LAYER_CONV] = "on the MAC array",
		[LAYER_DEPTHWISE] = "on the MAC array, each channel by itself",
		[LAYER_TRANSPOSE_CONV] = "on the MAC array",
		[LAYER_MATMUL] = "on the MAC array, both operands computed",
		[LAYER_POOL] = "on the vector unit",
		[LAYER_ELEMENTWISE] = "on the vector unit",
		[LAYER_LUT] = "a table of all values, on the vector unit",
		[LAYER_SOFTMAX] = "on the vector unit",
		[LAYER_REDUCE] = "on the vector unit",
		[LAYER_RESIZE] = "on the vector unit",
		[LAYER_RESCALE] = "from one scale to another, on the vector unit",
		[LAYER_COPY] = "moved by DMA: its result can't lie where its input does",
		[LAYER_FILL] = "filled by DMA",
	};

	return reasons[l->kind];
}

static const char *result_reason(const struct schedule *s, const struct layer_facts *facts,
				 size_t layer)
{
	const struct segment *seg = facts[layer].segment;
	const struct buffer *b = s->program->layers[layer].out.buffer;

	if (seg && seg->strip && layer + 1 < seg->end)
		return "its result is never whole";
	if (b->home == HOME_OUTPUT)
		return "its result is an output";
	if (b->home == HOME_HOST)
		return "its result goes to DRAM, for the CPU";
	return s->in_sram[b->index] ? "its result stays in SRAM" : "its result goes to DRAM";
}

static const char *schedule_reason(struct arena *arena, const struct schedule *s,
				   const struct layer_facts *f)
{
	const struct layer *layers = s->program->layers;
	const char *weights = f->reads_weights ?
			      "; reads its weights from DRAM: no room in SRAM in time" : "";

	if (f->segment && f->segment->strip)
		return arena_printf(arena, "; cascade from #%d to #%d in strips of %u rows",
				    layers[f->segment->first].op->index,
				    layers[f->segment->end - 1].op->index, f->segment->strip);
	if (f->units > 1)
		return arena_printf(arena, "; in %u parts of its channels, so that weights arrive "
				    "meanwhile%s", f->units, weights);
	return weights;
}

const char *placement_reason(struct arena *arena, const struct schedule *s,
			     const struct layer_facts *facts, const struct op *op,
			     enum placement place, const uint32_t *layers, size_t n_layers)
{
	uint32_t last;

	switch (place) {
	case PLACED_VIEW:
		return view_reason(op);
	case PLACED_FOLDED:
		return folded_reason(arena, s, op);
	case PLACED_CPU:
		return cpu_reason(arena, op);
	default:
		last = layers[n_layers - 1];
		return arena_printf(arena, "%s%s; %s", kind_reason(&s->program->layers[layers[0]]),
				    schedule_reason(arena, s, &facts[layers[0]]),
				    result_reason(s, facts, last));
	}
}
