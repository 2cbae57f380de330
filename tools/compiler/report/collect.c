// SPDX-License-Identifier: MIT
/* From a schedule to what its report shows: totals, and a row for each operator. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

#define CLOCK_MHZ	1000		/* of all presets: Documentation/cost-model.rst */
#define MEMORY_LIMIT	((size_t)1 << 30)
#define LONGEST		5		/* operators in the list of those that take most time */

struct text_pair {
	const char *name, *class;
};

static const struct text_pair placements[PLACEMENTS] = {
	[PLACED_NPU] = { "NPU", "npu" },
	[PLACED_VIEW] = { "view", "view" },
	[PLACED_FOLDED] = { "folded", "folded" },
	[PLACED_CPU] = { "CPU", "cpu" },
};

static const struct text_pair limits[LIMITS] = {
	[LIMIT_MAC] = { "MAC array", "mac" },
	[LIMIT_VECTOR] = { "vector unit", "vector" },
	[LIMIT_SRAM] = { "SRAM port", "sram" },
	[LIMIT_DRAM] = { "DRAM port", "dram" },
	[LIMIT_ISSUE] = { "commands", "issue" },
	[LIMIT_NONE] = { "", "none" },
};

struct collector {
	struct enpu_report *r;
	const struct schedule *s;
	const struct layer_facts *facts;
	struct traffic *traffic;	/* by layer */
	uint64_t *commands;		/* by layer */
	uint32_t **layers;		/* by operator */
	size_t *n_layers;
	bool *on_cpu;			/* by operator */
};

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * part / whole : 0;
}

static void count_tasks(struct collector *c)
{
	const struct schedule *s = c->s;

	c->traffic = arena_new(&c->r->arena, struct traffic, s->program->n_layers);
	c->commands = arena_new(&c->r->arena, uint64_t, s->program->n_layers);
	for (size_t i = 0; i < s->n_steps; i++) {
		for (size_t k = 0; k < s->steps[i].n_tasks; k++) {
			const struct task *t = &s->steps[i].tasks[k];

			c->commands[t->cmd.head.layer]++;
			add_traffic(&c->traffic[t->cmd.head.layer], s, t);
		}
	}
}

static void assign_layers(struct collector *c)
{
	const struct program *p = c->s->program;
	struct arena *arena = &c->r->arena;

	c->layers = arena_new(arena, uint32_t *, p->graph->n_ops);
	c->n_layers = arena_new(arena, size_t, p->graph->n_ops);
	c->on_cpu = arena_new(arena, bool, p->graph->n_ops);
	for (size_t i = 0; i < p->n_layers; i++) {
		int op = p->layers[i].op->index;

		*arena_push(arena, c->layers[op], c->n_layers[op]) = i;
	}
	for (size_t i = 0; i < p->n_cpu_steps; i++)
		c->on_cpu[p->cpu_steps[i].op->index] = true;
}

static enum placement place_of(const struct collector *c, int op)
{
	if (c->on_cpu[op])
		return PLACED_CPU;
	if (c->n_layers[op])
		return PLACED_NPU;
	return c->s->program->folded[op] ? PLACED_FOLDED : PLACED_VIEW;
}

/* "CONV", "COPY × 4", "LUT + COPY" */
static const char *kinds_of(const struct collector *c, int op)
{
	unsigned int counts[LAYER_KINDS] = { 0 };
	struct arena *arena = &c->r->arena;
	const char *text = "";

	for (size_t i = 0; i < c->n_layers[op]; i++)
		counts[c->s->program->layers[c->layers[op][i]].kind]++;
	for (unsigned int kind = 0; kind < LAYER_KINDS; kind++) {
		if (!counts[kind])
			continue;
		text = arena_printf(arena, "%s%s%s", text, *text ? " + " : "",
				    layer_kind_name(kind));
		if (counts[kind] > 1)
			text = arena_printf(arena, "%s \xc3\x97 %u", text, counts[kind]);
	}
	return text;
}

static enum limit limit_of(const struct report_op *row, uint64_t mac, uint64_t vector)
{
	const uint64_t cycles[] = {
		[LIMIT_MAC] = mac, [LIMIT_VECTOR] = vector, [LIMIT_SRAM] = row->sram_cycles,
		[LIMIT_DRAM] = row->dram_cycles, [LIMIT_ISSUE] = row->commands * ISSUE_CYCLES,
	};
	enum limit most = LIMIT_MAC;

	for (enum limit i = LIMIT_MAC; i < LIMIT_NONE; i++)
		if (cycles[i] > cycles[most])
			most = i;
	/* nothing but the DRAM port makes a unit wait */
	if (row->cycles > row->busy && row->cycles - row->busy > cycles[most])
		return LIMIT_DRAM;
	return most;
}

static void add_layers(struct collector *c, struct report_op *row, int op)
{
	const struct machine *m = c->s->machine;
	const struct buffer *counted = NULL;
	uint64_t mac = 0, vector = 0, sram = 0;

	for (size_t i = 0; i < c->n_layers[op]; i++) {
		uint32_t n = c->layers[op][i];
		const struct layer *l = &c->s->program->layers[n];

		row->macs += l->macs;
		row->commands += c->commands[n];
		row->cycles += c->facts[n].time;
		row->busy += c->s->layer_cycles[n];
		row->dram_read += c->traffic[n].read;
		row->dram_written += c->traffic[n].written;
		*(layer_multiplies(l->kind) ? &mac : &vector) += c->facts[n].cost.compute;
		sram += c->facts[n].cost.sram + c->facts[n].loaded;
		/* the images of a batch share theirs */
		if (l->weights && l->weights != counted)
			row->weight_bytes += weight_bytes(l);
		counted = l->weights ? l->weights : counted;
	}
	row->compute_cycles = mac + vector;
	row->sram_cycles = sram_cycles(m, sram);
	row->dram_cycles = dram_cycles(m, row->dram_read + row->dram_written);
	row->limit = limit_of(row, mac, vector);
	row->share = percent(row->cycles, c->r->stats.estimated_cycles);
	row->utilisation = percent(row->macs, row->cycles * m->macs);
}

static void name_outputs(struct collector *c, struct report_op *row, const struct op *op)
{
	const char **names = arena_new(&c->r->arena, const char *, op->n_outputs);

	for (unsigned int i = 0; i < op->n_outputs; i++) {
		names[i] = arena_printf(&c->r->arena, "%s", op->outputs[i]->name);
		row->is_output |= op->outputs[i]->is_output;
	}
	row->tensors = names;
	row->n_tensors = op->n_outputs;
}

static const char *tensor_shape(struct arena *arena, const struct tensor *t)
{
	char text[MAX_RANK * 14 + 1] = "";
	size_t n = 0;

	for (int i = 0; i < t->rank; i++)
		n += snprintf(text + n, sizeof(text) - n, "%s%d", i ? "\xc3\x97" : "", t->dims[i]);
	return arena_printf(arena, "%s", t->rank ? text : "scalar");
}

static const char *output_text(struct arena *arena, const struct tensor *t)
{
	return arena_printf(arena, "%s %s", dtype_name(t->type), tensor_shape(arena, t));
}

static void fill_row(struct collector *c, struct report_op *row, const struct op *op)
{
	struct arena *arena = &c->r->arena;
	const struct tensor *out = op->n_outputs ? op->outputs[0] : NULL;

	*row = (struct report_op) { .index = op->index, .limit = LIMIT_NONE };
	row->type = shown_text(arena, op->name);
	row->name = shown_text(arena, op->label && *op->label ? op->label : out ? out->name : "");
	row->output = out ? output_text(arena, out) : "";
	row->place = place_of(c, op->index);
	row->works = row->place == PLACED_NPU || row->place == PLACED_CPU;
	row->kinds = kinds_of(c, op->index);
	if (row->place == PLACED_NPU)
		add_layers(c, row, op->index);
	row->why = placement_reason(arena, c->s, c->facts, op, row->place, c->layers[op->index],
				    c->n_layers[op->index]);
	name_outputs(c, row, op);
	c->r->counts[row->place]++;
}

static void fill_input(struct collector *c, struct report_op *row, const struct tensor *t)
{
	struct arena *arena = &c->r->arena;

	*row = (struct report_op) { .limit = LIMIT_NONE, .is_input = true };
	row->type = "input";
	row->name = shown_text(arena, t->name);
	row->output = output_text(arena, t);
	row->kinds = "";
	row->why = "an input of the model";
}

static void finish_rows(struct enpu_report *r, struct report_op *rows, size_t n)
{
	uint64_t most = 0;

	for (size_t i = 0; i < n; i++)
		most = rows[i].cycles > most ? rows[i].cycles : most;
	for (size_t i = 0; i < n; i++) {
		rows[i].share_of_most = percent(rows[i].cycles, most);
		rows[i].limit_name = limits[rows[i].limit].name;
		rows[i].limit_class = limits[rows[i].limit].class;
		rows[i].placement = rows[i].is_input ? "input" : placements[rows[i].place].name;
		rows[i].placement_class = rows[i].is_input ? "input" :
						 placements[rows[i].place].class;
	}
	r->ops = (struct rows) { rows, n };
}

static int by_cycles(const void *x, const void *y)
{
	const struct report_op *a = x, *b = y;

	if (a->cycles != b->cycles)
		return a->cycles > b->cycles ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

static void find_longest(struct enpu_report *r)
{
	struct report_op *sorted = arena_new(&r->arena, struct report_op, r->ops.count);
	size_t n = 0;

	if (!r->ops.count)
		return;
	memcpy(sorted, r->ops.items, r->ops.count * sizeof(*sorted));
	qsort(sorted, r->ops.count, sizeof(*sorted), by_cycles);
	while (n < r->ops.count && n < LONGEST && sorted[n].cycles)
		n++;
	r->longest = (struct rows) { sorted, n };
}

/* Parts of a stacked bar from amounts; those of nothing are left out. */
static struct rows stack(struct arena *arena, const struct text_pair *names,
			 const uint64_t *amounts, size_t n)
{
	struct report_part *parts = arena_new(arena, struct report_part, n);
	uint64_t total = 0;
	double at = 0;
	size_t used = 0;

	for (size_t i = 0; i < n; i++)
		total += amounts[i];
	for (size_t i = 0; i < n; i++) {
		if (!amounts[i])
			continue;
		parts[used] = (struct report_part) { names[i].name, names[i].class, amounts[i],
						     percent(amounts[i], total), at };
		at += parts[used++].share;
	}
	return (struct rows) { parts, used };
}

static void stack_all(struct collector *c)
{
	static const struct text_pair moved[] = {
		{ "constants read", "weights" }, { "feature maps read", "map" },
		{ "written", "written" },
	};
	const struct traffic t = schedule_traffic(c->s);
	const uint64_t bytes[] = { t.constants, t.read - t.constants, t.written };
	const struct report_op *rows = c->r->ops.items;
	uint64_t cycles[LIMITS] = { 0 };

	for (size_t i = 0; i < c->r->ops.count; i++)
		cycles[rows[i].limit] += rows[i].cycles;
	c->r->limits = stack(&c->r->arena, limits, cycles, LIMITS);
	c->r->traffic = stack(&c->r->arena, moved, bytes, 3);
	c->r->placements = stack(&c->r->arena, placements, c->r->counts, PLACEMENTS);
}

static struct rows ports(struct arena *arena, struct tensor *const *tensors, unsigned int n)
{
	struct report_port *list = arena_new(arena, struct report_port, n);

	for (unsigned int i = 0; i < n; i++) {
		const struct tensor *t = tensors[i];

		list[i] = (struct report_port) {
			.name = shown_text(arena, t->name), .type = dtype_name(t->type),
			.shape = tensor_shape(arena, t), .bytes = tensor_bytes(t),
			.quantized = t->quant.count == 1, .per_channel = t->quant.count > 1,
		};
		if (list[i].quantized) {
			list[i].scale = t->quant.scale[0];
			list[i].zero_point = t->quant.zero_point[0];
		}
	}
	return (struct rows) { list, n };
}

static void copy_messages(struct enpu_report *r, const struct enpu_diag *diag)
{
	static const char *const severities[] = {
		[ENPU_NOTE] = "note", [ENPU_WARNING] = "warning", [ENPU_ERROR] = "error",
	};
	struct report_message *list;

	if (!diag)
		return;
	list = arena_new(&r->arena, struct report_message, diag->count);
	for (size_t i = 0; i < diag->count; i++) {
		list[i].severity = severities[diag->messages[i].severity];
		list[i].text = shown_text(&r->arena, diag->messages[i].text);
	}
	r->messages = (struct rows) { list, diag->count };
	r->has_messages = diag->count;
}

static void describe(struct enpu_report *r, const struct schedule *s)
{
	const struct machine *m = s->machine;
	uint64_t possible = r->stats.estimated_cycles * m->macs;

	r->file = shown_text(&r->arena, s->program->graph->file);
	r->preset = m->name;
	r->macs_per_cycle = m->macs;
	r->sram_bytes = s->sram_bytes;
	r->sram_bandwidth = m->sram_bandwidth / 1024.0;
	r->dram_bandwidth = m->dram_bandwidth / 1024.0;
	r->microseconds = r->stats.estimated_cycles / CLOCK_MHZ;
	r->utilisation = percent(r->stats.macs, possible);
	r->sram_peak_share = percent(r->stats.sram_peak_bytes, s->sram_bytes);
}

static void collect(struct collector *c)
{
	const struct graph *g = c->s->program->graph;
	struct enpu_report *r = c->r;
	struct report_op *rows = arena_new(&r->arena, struct report_op, g->n_inputs + g->n_ops);

	describe(r, c->s);
	count_tasks(c);
	assign_layers(c);
	c->facts = draw_timeline(r, c->s);
	for (unsigned int i = 0; i < g->n_inputs; i++)
		fill_input(c, &rows[i], g->inputs[i]);
	for (unsigned int i = 0; i < g->n_ops; i++)
		fill_row(c, &rows[g->n_inputs + i], &g->ops[i]);
	r->n_ops = g->n_ops;
	r->has_cpu = r->counts[PLACED_CPU];
	draw_lanes(r, c->s->program, rows);
	finish_rows(r, rows, g->n_inputs + g->n_ops);
	find_longest(r);
	stack_all(c);
	r->inputs = ports(&r->arena, g->inputs, g->n_inputs);
	copy_messages(r, c->s->program->diag);
	r->outputs = ports(&r->arena, g->outputs, g->n_outputs);
}

static const char *hex(struct arena *arena, const uint8_t *bytes, size_t n)
{
	char *text = arena_new(arena, char, 2 * n + 1);

	for (size_t i = 0; i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	return text;
}

int report_collect(const struct schedule *s, const struct source *source, size_t compiled_bytes,
		   const struct enpu_compile_stats *stats, struct enpu_report **report)
{
	struct enpu_report *r = calloc(1, sizeof(*r));
	struct collector c = { .r = r, .s = s };

	if (!r)
		return -ENOMEM;
	r->arena.limit = MEMORY_LIMIT;
	if (setjmp(r->arena.oom)) {
		enpu_report_free(r);
		return -ENOMEM;
	}
	r->stats = *stats;
	r->source_bytes = source->bytes;
	r->compiled_bytes = compiled_bytes;
	r->compiler = COMPILER;
	r->sha256 = hex(&r->arena, source->sha256, sizeof(source->sha256));
	collect(&c);
	*report = r;
	return 0;
}
