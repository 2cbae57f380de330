// SPDX-License-Identifier: MIT
/*
 * Compiles a graph that is written down as text, for operators that no TFLite file can
 * hold: those of other formats, and attributes that TFLite lacks.
 *
 *   graph-compiler OUT.enpu < GRAPH
 *
 * One line each, in this order: tensors, then operators in order of execution.
 *
 *   tensor NAME TYPE DIMS SCALES ZERO [HEX [AXIS]]   1,2,3 or -; a constant has bytes
 *   input NAME | output NAME
 *   op KIND IN,IN OUT,OUT [FIELD=VALUE...]    fields of struct op_attrs, see below
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emit/emit.h"
#include "ir/builder.h"
#include "ops/operator.h"
#include "passes/passes.h"

#define MAX_LINE	(1 << 20)
#define MAX_FIELDS	16

enum field_type { INTEGER, REAL, FLAG };

static const struct {
	const char *name;
	size_t at;
	enum field_type type;
} fields[] = {
#define FIELD(name, type)	{ #name, offsetof(struct op_attrs, name), type }
	FIELD(padding, INTEGER), FIELD(activation, INTEGER), FIELD(stride_h, INTEGER),
	FIELD(stride_w, INTEGER), FIELD(dilation_h, INTEGER), FIELD(dilation_w, INTEGER),
	FIELD(filter_h, INTEGER), FIELD(filter_w, INTEGER), FIELD(axis, INTEGER),
	FIELD(alpha, REAL), FIELD(beta, REAL), FIELD(epsilon, REAL), FIELD(count_pads, FLAG),
	FIELD(adj_x, FLAG), FIELD(adj_y, FLAG), FIELD(keep_dims, FLAG),
	FIELD(align_corners, FLAG), FIELD(half_pixel_centers, FLAG),
	FIELD(exclusive, FLAG), FIELD(reverse, FLAG), FIELD(interpolated, FLAG),
#undef FIELD
	{ "pad_top", offsetof(struct op_attrs, pads[0]), INTEGER },
	{ "pad_left", offsetof(struct op_attrs, pads[1]), INTEGER },
	{ "pad_bottom", offsetof(struct op_attrs, pads[2]), INTEGER },
	{ "pad_right", offsetof(struct op_attrs, pads[3]), INTEGER },
};

static void die(const char *what, const char *text)
{
	fprintf(stderr, "graph-compiler: %s: %.200s\n", what, text);
	exit(1);
}

static enum dtype find_type(const char *name)
{
	for (int i = 0; i < DTYPE_COUNT; i++)
		if (!strcmp(dtype_name(i), name))
			return i;
	die("no such type", name);
	return DTYPE_F32;
}

static enum op_kind find_kind(const char *name)
{
	for (int i = 0; i < OP_KINDS; i++)
		if (operator_type(i) && !strcmp(operator_type(i)->name, name))
			return i;
	die("no such operator", name);
	return OP_UNKNOWN;
}

static struct tensor *find_tensor(const struct builder *b, const char *name)
{
	for (size_t i = 0; i < b->n_tensors; i++)
		if (!strcmp(b->tensors[i]->name, name))
			return b->tensors[i];
	die("no such tensor", name);
	return NULL;
}

static int count_items(const char *list)
{
	int n = 1;

	if (!strcmp(list, "-"))
		return 0;
	for (; *list; list++)
		n += *list == ',';
	return n;
}

static const uint8_t *read_hex(struct arena *arena, const char *text, size_t *size)
{
	uint8_t *bytes;

	*size = strlen(text) / 2;
	bytes = arena_new(arena, uint8_t, *size);
	for (size_t i = 0; i < *size; i++) {
		const char digits[] = { text[2 * i], text[2 * i + 1], 0 };

		bytes[i] = strtoul(digits, NULL, 16);
	}
	return bytes;
}

static void read_tensor(struct builder *b, char **word, unsigned int n)
{
	struct tensor *t;
	int scales;

	if (n < 6)
		die("a tensor lacks fields", word[1]);
	t = builder_tensor(b, arena_printf(b->arena, "%s", word[1]), find_type(word[2]), 0, NULL);
	t->rank = count_items(word[3]);
	for (int d = 0; d < t->rank; d++)
		t->dims[d] = strtol(word[3], &word[3], 10), word[3]++;
	scales = count_items(word[4]);
	if (scales) {
		float *scale = arena_new(b->arena, float, scales);
		int64_t *zero = arena_new(b->arena, int64_t, scales);

		for (int i = 0; i < scales; i++) {
			scale[i] = strtof(word[4], &word[4]);
			word[4]++;
			zero[i] = atoi(word[5]);
		}
		t->quant = (struct quant) { scales, n > 7 ? atoi(word[7]) : 0, scale, zero };
	}
	if (n > 6)
		t->data = read_hex(b->arena, word[6], &t->data_bytes);
}

static void set_field(struct op_attrs *a, char *text)
{
	char *value = strchr(text, '=');

	if (!value)
		die("a field without a value", text);
	*value++ = 0;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		void *at = (char *)a + fields[i].at;

		if (strcmp(fields[i].name, text))
			continue;
		if (fields[i].type == INTEGER)
			*(int32_t *)at = atoi(value);
		else if (fields[i].type == REAL)
			*(float *)at = strtof(value, NULL);
		else
			*(bool *)at = atoi(value);
		return;
	}
	die("no such field", text);
}

static void read_list(struct builder *b, char *list, struct tensor **tensors)
{
	for (char *name = strtok(list, ","); name; name = strtok(NULL, ","))
		*tensors++ = find_tensor(b, name);
}

static void read_op(struct builder *b, char **word, unsigned int n)
{
	struct op *op;

	if (n < 4)
		die("an operator lacks fields", word[1]);
	op = builder_op(b, find_kind(word[1]), operator_type(find_kind(word[1]))->name,
			count_items(word[2]), count_items(word[3]));
	read_list(b, word[2], op->inputs);
	read_list(b, word[3], op->outputs);
	for (unsigned int i = 4; i < n; i++)
		set_field(&op->attrs, word[i]);
}

static void read_line(struct builder *b, char *line)
{
	char *word[4 + MAX_FIELDS];
	unsigned int n = 0;

	line[strcspn(line, "\n")] = 0;
	for (char *w = strtok(line, " "); w && n < 4 + MAX_FIELDS; w = strtok(NULL, " "))
		word[n++] = w;
	if (n < 2)
		return;
	if (!strcmp(word[0], "tensor"))
		read_tensor(b, word, n);
	else if (!strcmp(word[0], "op"))
		read_op(b, word, n);
	else if (!strcmp(word[0], "input"))
		*arena_push(b->arena, b->inputs, b->n_inputs) = find_tensor(b, word[1]);
	else if (!strcmp(word[0], "output"))
		*arena_push(b->arena, b->outputs, b->n_outputs) = find_tensor(b, word[1]);
	else
		die("unknown line", line);
}

static int compile(struct graph *g, struct enpu_blob *blob)
{
	struct program p = { .arena = g->arena, .diag = g->diag, .graph = g };
	struct schedule s = { .program = &p, .machine = machine_find("enpu-512") };
	const struct source source = { .name = g->file };
	int err = check_operators(g);

	if (err)
		return err;
	s.sram_bytes = s.machine->sram_bytes;
	fold_operators(&p, g);
	assign_views(&p);
	err = lower_operators(&p);
	if (err)
		return err;
	schedule_program(&s);
	err = place_in_dram(&s);
	return err ? err : emit_model(&s, &source, blob);
}

int main(int argc, char **argv)
{
	static char line[MAX_LINE];
	struct arena arena = { .limit = 1 << 28 };
	struct enpu_diag diag = { 0 };
	struct graph g = { .arena = &arena, .diag = &diag, .file = "graph", .name = "main" };
	struct builder b = { .arena = &arena };
	struct enpu_blob blob = { 0 };
	FILE *out;
	int err;

	if (argc != 2)
		die("usage", "graph-compiler OUT.enpu < GRAPH");
	if (setjmp(arena.oom))
		die("no memory", argv[1]);
	while (fgets(line, sizeof(line), stdin))
		read_line(&b, line);
	err = builder_finish(&b, &g);
	if (!err)
		err = compile(&g, &blob);
	for (size_t i = 0; i < diag.count; i++)
		fprintf(stderr, "%s\n", diag.messages[i].text);
	if (!err) {
		out = fopen(argv[1], "wb");
		if (!out || fwrite(blob.data, 1, blob.size, out) != blob.size || fclose(out))
			die("can't write", argv[1]);
	}
	enpu_blob_free(&blob);
	enpu_diag_free(&diag);
	arena_free(&arena);
	return err ? 1 : 0;
}
