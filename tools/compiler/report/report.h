/* SPDX-License-Identifier: MIT */
/*
 * What a report shows: numbers and texts of one compilation, taken from graph, program
 * and schedule, which it outlives. collect.c, lanes.c and timeline.c fill it in; page.html
 * says how it looks, and refers to the members by the names that fields.c gives them.
 *
 * Texts are printable UTF-8 of limited length, but not escaped for HTML: the template
 * does that.
 */
#ifndef ENPU_REPORT_H
#define ENPU_REPORT_H

#include "../emit/emit.h"
#include "../sched/step.h"
#include "../text.h"

#define MAX_SHOWN_TEXT	160	/* bytes of a name */

/* A list of records; a template repeats a section for each. */
struct rows {
	const void *items;
	size_t count;
};

enum placement {
	PLACED_NPU,			/* by commands */
	PLACED_VIEW,			/* nothing to do */
	PLACED_FOLDED,			/* another operator does it */
	PLACED_CPU,			/* a step of the host */
	PLACEMENTS
};

/* What keeps an operator from being faster. */
enum limit {
	LIMIT_MAC, LIMIT_VECTOR, LIMIT_SRAM, LIMIT_DRAM, LIMIT_ISSUE, LIMIT_NONE,
	LIMITS
};

struct report_op {
	uint32_t index;
	enum placement place;
	enum limit limit;
	const char *type;		/* of the source format */
	const char *name;
	const char *output;		/* "uint8 1×112×112×32" */
	const char *placement, *placement_class;
	const char *kinds;		/* "CONV", "COPY × 4" */
	const char *why;
	const char *limit_name, *limit_class;
	bool is_input, is_output;	/* an input of the model; makes an output of it */
	bool works;			/* has commands, or is a step of the host */
	uint64_t macs, commands;
	uint64_t cycles;		/* part of the schedule's time */
	uint64_t busy;			/* of its engines, alone */
	uint64_t compute_cycles, sram_cycles, dram_cycles;
	uint64_t weight_bytes;		/* as compiled */
	uint64_t dram_read, dram_written;
	double share;			/* of all cycles, percent */
	double share_of_most;		/* of the longest operator's: a bar's length */
	double utilisation;		/* of the MAC array, percent */
	const char *const *tensors;	/* names of its outputs, for errors */
	unsigned int n_tensors;
	bool has_error;
	double sqnr, cosine, least_cosine;
	/* The lane diagram: a row's picture, lines and the operator's dot. */
	const char *lines;		/* an SVG path */
	double dot;			/* percent of the diagram's width */
};

struct report_port {
	const char *name, *type, *shape;
	uint64_t bytes;
	bool quantized, per_channel;
	double scale;
	int64_t zero_point;
};

/* A bar of stacked parts, with its legend. */
struct report_part {
	const char *name, *class;
	uint64_t amount;
	double share;			/* percent */
	double at;			/* percent: where it starts */
};

/* A rectangle of the timeline: percent of the time across, of the band's height down. */
struct report_box {
	double x, y, width, height;
	const char *class, *text;
};

/* A unit of the schedule: what is executed in one go. */
struct report_unit {
	uint32_t index;
	const char *what, *live;	/* tensors in SRAM meanwhile */
	uint64_t start, end, occupied;
	double occupancy;		/* percent of the SRAM */
};

struct report_tick {
	double at;			/* percent */
	uint64_t cycles;
};

/* An output against the float model's. */
struct report_result {
	const char *name;
	double sqnr, cosine, least_cosine;
	bool has_classes;
	double agreement;		/* samples of the same class, percent */
};

struct report_message {
	const char *severity, *text;
};

struct enpu_report {
	struct arena arena;
	const char *file, *sha256, *preset, *compiler;
	const char *script_hash;	/* of the page's script, base64 */
	uint64_t source_bytes, compiled_bytes;
	uint64_t macs_per_cycle, sram_bytes;
	double sram_bandwidth, dram_bandwidth;	/* bytes a cycle */
	struct enpu_compile_stats stats;
	uint64_t microseconds;		/* at the clock of the presets */
	double utilisation;
	double sram_peak_share;
	uint64_t n_ops, counts[PLACEMENTS];
	double lanes_width;		/* of the diagram */
	bool lanes_cut;			/* there are more lanes than are drawn */
	bool has_errors;		/* some operator has one */
	bool is_verified;
	uint32_t samples, labelled;	/* that it was verified with */
	double float_correct, npu_correct;	/* percent */
	struct rows results;
	bool has_cpu, has_messages;
	struct rows ops, inputs, outputs;
	struct rows longest, worst;	/* struct report_op: most time, largest errors */
	struct rows limits, traffic, placements;	/* struct report_part */
	struct rows engine_boxes, mac_boxes, dram_boxes, sram_boxes, cpu_marks;
	struct rows ticks, units;
	struct rows messages;
};

/* @text as the report may hold it; never NULL. */
static inline const char *shown_text(struct arena *arena, const char *text)
{
	return clean_text(arena, text, MAX_SHOWN_TEXT);
}

/* lanes.c: the lane diagram of all operators, inputs first. */
void draw_lanes(struct enpu_report *r, const struct program *p, struct report_op *rows);

/* What became of a layer in the schedule. */
struct layer_facts {
	const struct segment *segment;
	uint32_t units;			/* that it was cut into */
	uint64_t time;			/* of the schedule's: all add up to it */
	struct cost cost;
	uint64_t loaded;		/* bytes of weights and parameters brought to SRAM */
	bool reads_weights;		/* from DRAM, by itself */
};

/* timeline.c: everything over time; gives the facts, by layer. */
struct layer_facts *draw_timeline(struct enpu_report *r, const struct schedule *s);

/* reason.c: why an operator is where it is; @layers are its own. */
const char *placement_reason(struct arena *arena, const struct schedule *s,
			     const struct layer_facts *facts, const struct op *op,
			     enum placement place, const uint32_t *layers, size_t n_layers);

/* collect.c: of a schedule whose model was emitted. 0 or -ENOMEM. */
int report_collect(const struct schedule *s, const struct source *source, size_t compiled_bytes,
		   const struct enpu_compile_stats *stats, struct enpu_report **report);

#endif
