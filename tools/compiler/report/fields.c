// SPDX-License-Identifier: MIT
/* The names by which page.html refers to what is in a report. */
#include "fields.h"

#define FIELD(type, member, kind)	{ #member, kind, offsetof(struct type, member), NULL }
#define NAMED(type, name, member, kind)	{ name, kind, offsetof(struct type, member), NULL }
#define ROWS(type, member, of)		{ #member, FIELD_ROWS, offsetof(struct type, member), of }
#define RECORD(type, list)	\
	{ list, sizeof(list) / sizeof((list)[0]), sizeof(struct type) }

static const struct field op_fields[] = {
	FIELD(report_op, index, FIELD_U32),
	FIELD(report_op, type, FIELD_TEXT),
	FIELD(report_op, name, FIELD_TEXT),
	FIELD(report_op, output, FIELD_TEXT),
	FIELD(report_op, placement, FIELD_TEXT),
	FIELD(report_op, placement_class, FIELD_TEXT),
	FIELD(report_op, kinds, FIELD_TEXT),
	FIELD(report_op, why, FIELD_TEXT),
	FIELD(report_op, limit_name, FIELD_TEXT),
	FIELD(report_op, limit_class, FIELD_TEXT),
	FIELD(report_op, is_input, FIELD_BOOL),
	FIELD(report_op, is_output, FIELD_BOOL),
	FIELD(report_op, works, FIELD_BOOL),
	FIELD(report_op, macs, FIELD_U64),
	FIELD(report_op, commands, FIELD_U64),
	FIELD(report_op, cycles, FIELD_U64),
	FIELD(report_op, busy, FIELD_U64),
	FIELD(report_op, compute_cycles, FIELD_U64),
	FIELD(report_op, sram_cycles, FIELD_U64),
	FIELD(report_op, dram_cycles, FIELD_U64),
	FIELD(report_op, weight_bytes, FIELD_BYTES),
	FIELD(report_op, dram_read, FIELD_BYTES),
	FIELD(report_op, dram_written, FIELD_BYTES),
	FIELD(report_op, share, FIELD_FIXED),
	FIELD(report_op, share_of_most, FIELD_PLACE),
	FIELD(report_op, utilisation, FIELD_FIXED),
	FIELD(report_op, has_error, FIELD_BOOL),
	FIELD(report_op, sqnr, FIELD_FIXED),
	FIELD(report_op, cosine, FIELD_NUMBER),
	FIELD(report_op, least_cosine, FIELD_NUMBER),
	FIELD(report_op, lines, FIELD_TEXT),
	FIELD(report_op, dot, FIELD_PLACE),
};

static const struct field port_fields[] = {
	FIELD(report_port, name, FIELD_TEXT),
	FIELD(report_port, type, FIELD_TEXT),
	FIELD(report_port, shape, FIELD_TEXT),
	FIELD(report_port, bytes, FIELD_BYTES),
	FIELD(report_port, quantized, FIELD_BOOL),
	FIELD(report_port, per_channel, FIELD_BOOL),
	FIELD(report_port, scale, FIELD_NUMBER),
	FIELD(report_port, zero_point, FIELD_S64),
};

static const struct field part_fields[] = {
	FIELD(report_part, name, FIELD_TEXT),
	FIELD(report_part, class, FIELD_TEXT),
	FIELD(report_part, amount, FIELD_U64),
	NAMED(report_part, "amount_bytes", amount, FIELD_BYTES),
	FIELD(report_part, share, FIELD_FIXED),
	NAMED(report_part, "width", share, FIELD_PLACE),
	FIELD(report_part, at, FIELD_PLACE),
};

static const struct field box_fields[] = {
	FIELD(report_box, x, FIELD_PLACE),
	FIELD(report_box, y, FIELD_PLACE),
	FIELD(report_box, width, FIELD_PLACE),
	FIELD(report_box, height, FIELD_PLACE),
	FIELD(report_box, class, FIELD_TEXT),
	FIELD(report_box, text, FIELD_TEXT),
};

static const struct field unit_fields[] = {
	FIELD(report_unit, index, FIELD_U32),
	FIELD(report_unit, what, FIELD_TEXT),
	FIELD(report_unit, live, FIELD_TEXT),
	FIELD(report_unit, start, FIELD_U64),
	FIELD(report_unit, end, FIELD_U64),
	FIELD(report_unit, occupied, FIELD_BYTES),
	FIELD(report_unit, occupancy, FIELD_FIXED),
};

static const struct field tick_fields[] = {
	FIELD(report_tick, at, FIELD_PLACE),
	FIELD(report_tick, cycles, FIELD_U64),
};

static const struct field result_fields[] = {
	FIELD(report_result, name, FIELD_TEXT),
	FIELD(report_result, sqnr, FIELD_FIXED),
	FIELD(report_result, cosine, FIELD_NUMBER),
	FIELD(report_result, least_cosine, FIELD_NUMBER),
	FIELD(report_result, has_classes, FIELD_BOOL),
	FIELD(report_result, agreement, FIELD_FIXED),
};

static const struct field message_fields[] = {
	FIELD(report_message, severity, FIELD_TEXT),
	FIELD(report_message, text, FIELD_TEXT),
};

static const struct record op_record = RECORD(report_op, op_fields);
static const struct record port_record = RECORD(report_port, port_fields);
static const struct record part_record = RECORD(report_part, part_fields);
static const struct record box_record = RECORD(report_box, box_fields);
static const struct record unit_record = RECORD(report_unit, unit_fields);
static const struct record tick_record = RECORD(report_tick, tick_fields);
static const struct record result_record = RECORD(report_result, result_fields);
static const struct record message_record = RECORD(report_message, message_fields);

static const struct field report_fields[] = {
	FIELD(enpu_report, file, FIELD_TEXT),
	FIELD(enpu_report, sha256, FIELD_TEXT),
	FIELD(enpu_report, preset, FIELD_TEXT),
	FIELD(enpu_report, compiler, FIELD_TEXT),
	FIELD(enpu_report, script_hash, FIELD_TEXT),
	FIELD(enpu_report, source_bytes, FIELD_BYTES),
	FIELD(enpu_report, compiled_bytes, FIELD_BYTES),
	FIELD(enpu_report, macs_per_cycle, FIELD_U64),
	FIELD(enpu_report, sram_bytes, FIELD_BYTES),
	FIELD(enpu_report, sram_bandwidth, FIELD_NUMBER),
	FIELD(enpu_report, dram_bandwidth, FIELD_NUMBER),
	FIELD(enpu_report, microseconds, FIELD_U64),
	FIELD(enpu_report, utilisation, FIELD_FIXED),
	FIELD(enpu_report, sram_peak_share, FIELD_FIXED),
	FIELD(enpu_report, n_ops, FIELD_U64),
	FIELD(enpu_report, lanes_width, FIELD_PLACE),
	FIELD(enpu_report, lanes_cut, FIELD_BOOL),
	FIELD(enpu_report, has_errors, FIELD_BOOL),
	FIELD(enpu_report, is_verified, FIELD_BOOL),
	FIELD(enpu_report, samples, FIELD_U32),
	FIELD(enpu_report, labelled, FIELD_U32),
	FIELD(enpu_report, float_correct, FIELD_FIXED),
	FIELD(enpu_report, npu_correct, FIELD_FIXED),
	ROWS(enpu_report, results, &result_record),
	FIELD(enpu_report, has_cpu, FIELD_BOOL),
	FIELD(enpu_report, has_messages, FIELD_BOOL),
	NAMED(enpu_report, "total_macs", stats.macs, FIELD_U64),
	NAMED(enpu_report, "total_commands", stats.commands, FIELD_U64),
	NAMED(enpu_report, "total_cycles", stats.estimated_cycles, FIELD_U64),
	NAMED(enpu_report, "total_dram_read", stats.dram_read_bytes, FIELD_BYTES),
	NAMED(enpu_report, "total_dram_written", stats.dram_write_bytes, FIELD_BYTES),
	NAMED(enpu_report, "total_weights", stats.weight_bytes, FIELD_BYTES),
	NAMED(enpu_report, "total_scratch", stats.scratch_bytes, FIELD_BYTES),
	NAMED(enpu_report, "sram_peak", stats.sram_peak_bytes, FIELD_BYTES),
	NAMED(enpu_report, "npu_operators", stats.npu_ops, FIELD_U32),
	NAMED(enpu_report, "cpu_operators", stats.cpu_ops, FIELD_U32),
	ROWS(enpu_report, ops, &op_record),
	ROWS(enpu_report, longest, &op_record),
	ROWS(enpu_report, worst, &op_record),
	ROWS(enpu_report, inputs, &port_record),
	ROWS(enpu_report, outputs, &port_record),
	ROWS(enpu_report, limits, &part_record),
	ROWS(enpu_report, traffic, &part_record),
	ROWS(enpu_report, placements, &part_record),
	ROWS(enpu_report, engine_boxes, &box_record),
	ROWS(enpu_report, mac_boxes, &box_record),
	ROWS(enpu_report, dram_boxes, &box_record),
	ROWS(enpu_report, sram_boxes, &box_record),
	ROWS(enpu_report, cpu_marks, &box_record),
	ROWS(enpu_report, ticks, &tick_record),
	ROWS(enpu_report, units, &unit_record),
	ROWS(enpu_report, messages, &message_record),
};

const struct record report_record = RECORD(enpu_report, report_fields);
