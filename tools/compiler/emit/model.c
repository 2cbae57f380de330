// SPDX-License-Identifier: MIT
/*
 * The compiled model: an ELF64 file with the sections of uapi/enpu/model.h. There
 * is no program header and nothing to relocate; constants start on a page so that
 * they can be mapped as they lie.
 */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <enpu/regs.h>

#include "../text.h"
#include "emit.h"

#define PAGE		4096
#define MAX_STRING	4000		/* loaders refuse 4096 bytes, and what can't be printed */

struct section {
	const char *name;
	uint32_t type, info;
	uint64_t align, entry_bytes;
	const void *data;		/* constants: NULL, see write_constants() */
	uint64_t bytes;
};

struct writer {
	struct schedule *s;
	struct arena *arena;
	struct section *sections;
	size_t n_sections;
	struct bytes strings, stream, params;
	struct enpu_model_tensor *tensors;
	size_t n_tensors;
	uint32_t *tensor_index;		/* by the source's index, plus one; 0: not yet listed */
	struct enpu_model_step *steps;
	size_t n_steps;
	uint64_t opcodes;
};

/* Append, at a multiple of @align; gives the offset. */
static uint64_t append(struct writer *w, struct bytes *b, const void *data, size_t size,
		       size_t align)
{
	size_t at = (b->size + align - 1) / align * align;
	size_t capacity = 64;
	uint8_t *bigger;

	while (capacity < b->size)
		capacity *= 2;
	if (!b->data || at + size > capacity) {
		while (capacity < at + size)
			capacity *= 2;
		bigger = arena_alloc(w->arena, capacity, 1);
		if (b->size)
			memcpy(bigger, b->data, b->size);
		b->data = bigger;
	}
	memcpy(b->data + at, data, size);
	b->size = at + size;
	return at;
}

static uint32_t add_string(struct writer *w, const char *text)
{
	const char *clean = clean_text(w->arena, text, MAX_STRING);

	return append(w, &w->strings, clean, strlen(clean) + 1, 1);
}

static void add_section(struct writer *w, const struct section *section)
{
	*arena_push(w->arena, w->sections, w->n_sections) = *section;
}

/* What checkers let through; a bool is a byte. */
static uint8_t host_dtype(enum dtype type)
{
	static const uint8_t dtypes[DTYPE_COUNT] = {
		[DTYPE_F32] = ENPU_F32, [DTYPE_I8] = ENPU_S8, [DTYPE_U8] = ENPU_U8,
		[DTYPE_I16] = ENPU_S16, [DTYPE_I32] = ENPU_S32, [DTYPE_I64] = ENPU_S64,
		[DTYPE_BOOL] = ENPU_U8,
	};

	return dtypes[type];
}

static uint32_t add_tensor(struct writer *w, const struct tensor *t, enum enpu_tensor_role role)
{
	const struct view *view = &w->s->program->views[t->index];
	const struct object *home = &w->s->homes[view->buffer->index];
	struct enpu_model_tensor *m;

	if (w->tensor_index[t->index])
		return w->tensor_index[t->index] - 1;
	m = arena_push(w->arena, w->tensors, w->n_tensors);
	*m = (struct enpu_model_tensor) {
		.name = add_string(w, t->name),
		.dtype = host_dtype(t->type),
		.role = role,
		.rank = t->rank,
		.region = home->region,
		.offset = home->offset + view->offset,
		.size = tensor_bytes(t),
	};
	for (int d = 0; d < ENPU_MAX_RANK; d++)
		m->dims[d] = d < t->rank ? t->dims[d] : 1;
	if (t->quant.count) {
		m->scale = t->quant.scale[0];
		m->zero_point = t->quant.zero_point[0];
	}
	w->tensor_index[t->index] = w->n_tensors;
	return w->n_tensors - 1;
}

static void add_npu_step(struct writer *w, const struct step *step)
{
	struct bytes stream = emit_stream(w->s, step);
	struct enpu_model_step *m;

	if (!stream.size)
		return;
	for (size_t i = 0; i < step->n_tasks; i++)
		w->opcodes |= 1ull << step->tasks[i].cmd.head.opcode;
	m = arena_push(w->arena, w->steps, w->n_steps);
	*m = (struct enpu_model_step) {
		.kind = ENPU_STEP_NPU,
		.name = add_string(w, w->s->program->graph->file),
		.offset = append(w, &w->stream, stream.data, stream.size, 8),
		.size = stream.size,
	};
}

static void add_cpu_step(struct writer *w, const struct cpu_step *step)
{
	struct enpu_model_step m = { .kind = ENPU_STEP_CPU, .name = add_string(w, step->op->name),
				     .op = step->kind };

	if (step->params_bytes)
		m.offset = append(w, &w->params, step->params, step->params_bytes, 8);
	m.size = step->params_bytes;
	m.num_inputs = step->n_inputs;
	for (uint32_t i = 0; i < m.num_inputs; i++)
		m.inputs[i] = add_tensor(w, step->op->inputs[i], ENPU_TENSOR_INTERMEDIATE);
	m.num_outputs = step->op->n_outputs;
	for (uint32_t i = 0; i < m.num_outputs; i++)
		m.outputs[i] = add_tensor(w, step->op->outputs[i], ENPU_TENSOR_INTERMEDIATE);
	*arena_push(w->arena, w->steps, w->n_steps) = m;
}

static void add_steps(struct writer *w)
{
	const struct program *p = w->s->program;

	for (size_t i = 0; i < w->s->n_steps; i++) {
		add_npu_step(w, &w->s->steps[i]);
		if (i < p->n_cpu_steps)
			add_cpu_step(w, &p->cpu_steps[i]);
	}
}

static void add_layers(struct writer *w)
{
	const struct program *p = w->s->program;
	struct enpu_model_layer *layers = arena_new(w->arena, struct enpu_model_layer, p->n_layers);

	for (size_t i = 0; i < p->n_layers; i++)
		layers[i] = (struct enpu_model_layer) {
			.name = add_string(w, p->layers[i].op->outputs[0]->name),
			.type = add_string(w, p->layers[i].op->name),
			.source_index = p->layers[i].op->index,
			.macs = p->layers[i].macs,
			.estimated_cycles = w->s->layer_cycles[i],
		};
	add_section(w, &(struct section) {
		".enpu.layers", ENPU_SHT_LAYERS, 0, 8, sizeof(*layers), layers,
		p->n_layers * sizeof(*layers) });
}

static void add_data(struct writer *w)
{
	if (w->s->constant_bytes)
		add_section(w, &(struct section) {
			".enpu.constants", ENPU_SHT_DATA, 0, PAGE, 0, NULL, w->s->constant_bytes });
	if (w->s->state_bytes)
		add_section(w, &(struct section) {
			".enpu.state", ENPU_SHT_DATA, w->s->state_region, PAGE, 0, NULL,
			w->s->state_bytes });
}

/* They are large: straight to the file. */
static void write_data(const struct writer *w, uint32_t region, uint8_t *to)
{
	const struct program *p = w->s->program;

	for (size_t i = 0; i < p->n_buffers; i++) {
		const struct buffer *b = p->buffers[i];
		const struct object *home = &w->s->homes[i];

		if (b->content && home->bytes && home->region == region)
			memcpy(to + home->offset, b->content, b->bytes);
	}
}

/* A loader of format 1 lacks the later CPU steps, one of format 2 floats and variables. */
static uint32_t oldest_format(const struct writer *w)
{
	uint32_t format = w->s->state_bytes ? 3 : 1;

	for (size_t i = 0; i < w->n_steps; i++) {
		if (w->steps[i].kind != ENPU_STEP_CPU)
			continue;
		if (w->steps[i].op >= ENPU_CPU_F32_MAP)
			return 3;
		if (w->steps[i].op > ENPU_CPU_QUANTIZE && format < 2)
			format = 2;
	}
	return format;
}

/* Of devices that have no such tiles or weights: libaccel refuses them then. */
static uint32_t needed_caps(const struct program *p)
{
	uint32_t caps = 0;

	for (size_t i = 0; i < p->n_layers; i++) {
		const struct layer *l = &p->layers[i];

		for (int k = 0; k < 2; k++)
			if (l->in[k].buffer && l->in[k].dtype == ENPU_S16)
				caps |= ENPU_CAP_INT16;
		if (l->out.dtype == ENPU_S16)
			caps |= ENPU_CAP_INT16;
		if (l->weights && l->weights_dtype == ENPU_S4)
			caps |= ENPU_CAP_INT4_WEIGHTS;
	}
	return caps;
}

static void add_info(struct writer *w, const struct source *source)
{
	struct {
		Elf64_Nhdr head;
		char name[8];
		struct enpu_model_info info;
	} *note = arena_alloc(w->arena, 1, sizeof(*note));

	note->head = (Elf64_Nhdr) { sizeof(ENPU_NOTE_NAME), sizeof(note->info), ENPU_NOTE_INFO };
	memcpy(note->name, ENPU_NOTE_NAME, sizeof(ENPU_NOTE_NAME));
	note->info = (struct enpu_model_info) {
		.format = ENPU_MODEL_FORMAT,
		.format_min = oldest_format(w),
		.arch_version = ENPU_VERSION_1_0,
		.opcodes = w->opcodes,
		.caps = needed_caps(w->s->program),
		.preset = add_string(w, w->s->machine->name),
		.compiler = add_string(w, COMPILER),
		.source = add_string(w, source->name),
	};
	for (size_t i = 0; i < w->s->n_steps; i++) {
		if (w->s->steps[i].sram_peak > note->info.sram_bytes)
			note->info.sram_bytes = w->s->steps[i].sram_peak;
		note->info.estimated_cycles += w->s->steps[i].cycles;
	}
	memcpy(note->info.source_sha256, source->sha256, sizeof(source->sha256));
	add_section(w, &(struct section) {
		".note.enpu", SHT_NOTE, 0, 8, 0, note, sizeof(*note) });
}

/* Section headers, contents in the order of the sections; gives the end. */
static uint64_t lay_out(struct writer *w, Elf64_Shdr *headers)
{
	uint64_t offset = sizeof(Elf64_Ehdr), name = 1;

	for (size_t i = 0; i < w->n_sections; i++) {
		const struct section *s = &w->sections[i];

		offset = (offset + s->align - 1) / s->align * s->align;
		headers[i + 1] = (Elf64_Shdr) {
			.sh_name = name,
			.sh_type = s->type, .sh_offset = offset, .sh_size = s->bytes,
			.sh_info = s->info, .sh_addralign = s->align, .sh_entsize = s->entry_bytes,
		};
		offset += s->bytes;
		name += strlen(s->name) + 1;
	}
	return (offset + 7) / 8 * 8;
}

/* All section names, each ended by a zero, after an empty one. */
static struct bytes section_names(struct writer *w)
{
	struct bytes names = { 0 };

	append(w, &names, "", 1, 1);
	for (size_t i = 0; i < w->n_sections; i++)
		append(w, &names, w->sections[i].name, strlen(w->sections[i].name) + 1, 1);
	return names;
}

static int write_file(struct writer *w, struct enpu_blob *out)
{
	struct bytes names;
	Elf64_Shdr *headers;
	Elf64_Ehdr *ehdr;
	uint64_t table;

	add_section(w, &(struct section) { ".shstrtab", SHT_STRTAB, 0, 1, 0, NULL, 0 });
	names = section_names(w);
	w->sections[w->n_sections - 1].data = names.data;
	w->sections[w->n_sections - 1].bytes = names.size;
	headers = arena_new(w->arena, Elf64_Shdr, w->n_sections + 1);
	table = lay_out(w, headers);
	out->size = table + (w->n_sections + 1) * sizeof(*headers);
	out->data = calloc(1, out->size);
	if (!out->data)
		return -ENOMEM;
	ehdr = out->data;
	*ehdr = (Elf64_Ehdr) {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ENPU_ELF_TYPE, .e_machine = ENPU_ELF_MACHINE, .e_version = EV_CURRENT,
		.e_shoff = table, .e_ehsize = sizeof(*ehdr), .e_shentsize = sizeof(*headers),
		.e_shnum = w->n_sections + 1, .e_shstrndx = w->n_sections,
	};
	for (size_t i = 0; i < w->n_sections; i++) {
		uint8_t *to = (uint8_t *)out->data + headers[i + 1].sh_offset;

		if (w->sections[i].type == ENPU_SHT_DATA)
			write_data(w, w->sections[i].info, to);
		else if (w->sections[i].bytes)
			memcpy(to, w->sections[i].data, w->sections[i].bytes);
	}
	memcpy((uint8_t *)out->data + table, headers, (w->n_sections + 1) * sizeof(*headers));
	return 0;
}

int emit_model(struct schedule *s, const struct source *source, struct enpu_blob *out)
{
	const struct graph *g = s->program->graph;
	struct writer w = { .s = s, .arena = s->program->arena };

	w.tensor_index = arena_new(w.arena, uint32_t, g->n_tensors);
	add_string(&w, "");
	for (unsigned int i = 0; i < g->n_inputs; i++)
		add_tensor(&w, g->inputs[i], ENPU_TENSOR_INPUT);
	for (unsigned int i = 0; i < g->n_outputs; i++)
		add_tensor(&w, g->outputs[i], ENPU_TENSOR_OUTPUT);
	add_steps(&w);
	add_info(&w, source);
	add_section(&w, &(struct section) {
		".enpu.regions", ENPU_SHT_REGIONS, 0, 8, sizeof(*s->regions), s->regions,
		s->n_regions * sizeof(*s->regions) });
	add_section(&w, &(struct section) {
		".enpu.tensors", ENPU_SHT_TENSORS, 0, 8, sizeof(*w.tensors), w.tensors,
		w.n_tensors * sizeof(*w.tensors) });
	add_section(&w, &(struct section) {
		".enpu.steps", ENPU_SHT_STEPS, 0, 8, sizeof(*w.steps), w.steps,
		w.n_steps * sizeof(*w.steps) });
	add_section(&w, &(struct section) {
		".enpu.stream", ENPU_SHT_STREAM, 0, 8, 0, w.stream.data, w.stream.size });
	if (w.params.size)
		add_section(&w, &(struct section) {
			".enpu.params", ENPU_SHT_PARAMS, 0, 8, 0, w.params.data, w.params.size });
	add_layers(&w);
	add_section(&w, &(struct section) {
		ENPU_SECTION_STRINGS, SHT_STRTAB, 0, 1, 0, w.strings.data, w.strings.size });
	add_data(&w);
	return write_file(&w, out);
}
