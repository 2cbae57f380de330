// SPDX-License-Identifier: MIT
/*
 * The .enpu loader: from the sections of a file to struct accel_model.
 *
 * Nothing is trusted. First the sections are collected, each kind once; then
 * every table is read entry by entry, and each index, offset, size and string
 * is checked before anything points at it. What runs later relies on that.
 * Reserved fields that are not 0 mean something that this library doesn't know.
 */
#include <elf.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <enpu/cmd.h>

#include "cpu.h"
#include "elf.h"
#include "error.h"
#include "model.h"

#define MAX_TENSORS	65536
#define MAX_STEPS	4096
#define MAX_LAYERS	65536
#define MAX_INPUTS	256	/* and outputs */
#define MAX_STRING	4096
#define MAX_NOTES	65536	/* bytes of a section of notes */
#define DATA_ALIGN	4096

/* Sections that a model has once */
enum part {
	PART_STREAM, PART_REGIONS, PART_TENSORS, PART_STEPS, PART_PARAMS, PART_LAYERS,
	PART_STRINGS, PART_INFO, NUM_PARTS
};

struct loader {
	struct accel_model *model;
	struct accel_error *err;
	struct accel_elf elf;
	struct accel_elf_section parts[NUM_PARTS];	/* name NULL: not there */
	struct accel_elf_section data[ENPU_MAX_REGIONS];
	unsigned int num_data;
};

static const struct {
	const char *name;
	uint32_t type;
	int required;
} part_kinds[NUM_PARTS] = {
	[PART_STREAM]	= { "stream", ENPU_SHT_STREAM, 0 },
	[PART_REGIONS]	= { "regions", ENPU_SHT_REGIONS, 1 },
	[PART_TENSORS]	= { "tensors", ENPU_SHT_TENSORS, 1 },
	[PART_STEPS]	= { "steps", ENPU_SHT_STEPS, 1 },
	[PART_PARAMS]	= { "parameters of CPU steps", ENPU_SHT_PARAMS, 0 },
	[PART_LAYERS]	= { "layers", ENPU_SHT_LAYERS, 0 },
	[PART_STRINGS]	= { "strings", SHT_STRTAB, 1 },
	[PART_INFO]	= { "information note", SHT_NOTE, 1 },
};

/* "FILE: section NAME: reason" */
__attribute__((format(printf, 3, 4)))
static int refuse(struct loader *ld, const struct accel_elf_section *section,
		  const char *fmt, ...)
{
	char reason[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(reason, sizeof(reason), fmt, args);
	va_end(args);
	return accel_fail(ld->err, -EBADMSG, "%s: section %.60s: %s", ld->elf.file, section->name,
			  reason);
}

static enum part part_of(const struct loader *ld, const struct accel_elf_section *section)
{
	if (section->type == SHT_STRTAB)
		return strcmp(section->name, ENPU_SECTION_STRINGS) ? NUM_PARTS : PART_STRINGS;
	for (enum part part = 0; part < PART_STRINGS; part++)
		if (part_kinds[part].type == section->type)
			return part;
	return NUM_PARTS;
}

static int collect_note(struct loader *ld, const struct accel_elf_section *section)
{
	const unsigned char *desc;
	size_t size;
	int ret;

	if (section->size > MAX_NOTES)
		return refuse(ld, section, "sh_size: more than %u bytes of notes", MAX_NOTES);
	ret = accel_elf_note(&ld->elf, section, ENPU_NOTE_NAME, ENPU_NOTE_INFO, &desc, &size,
			     ld->err);
	if (ret || !desc)
		return ret;
	if (ld->parts[PART_INFO].name)
		return refuse(ld, section, "a second information note");
	ld->parts[PART_INFO] = *section;
	ld->parts[PART_INFO].data = desc;
	ld->parts[PART_INFO].offset = (size_t)(desc - ld->elf.data);
	ld->parts[PART_INFO].size = size;
	return 0;
}

static int collect_data(struct loader *ld, const struct accel_elf_section *section)
{
	if (ld->num_data == ENPU_MAX_REGIONS)
		return refuse(ld, section, "more than %u data sections", ENPU_MAX_REGIONS);
	if (section->offset % DATA_ALIGN)
		return refuse(ld, section, "sh_offset: not a multiple of %u", DATA_ALIGN);
	ld->data[ld->num_data++] = *section;
	return 0;
}

static int collect(struct loader *ld, const struct accel_elf_section *section)
{
	enum part part;

	if (section->type == SHT_NOTE)
		return collect_note(ld, section);
	if (section->type == ENPU_SHT_DATA)
		return collect_data(ld, section);
	part = part_of(ld, section);
	if (part == NUM_PARTS)
		return 0;
	if (ld->parts[part].name)
		return refuse(ld, section, "a second section of %s", part_kinds[part].name);
	if ((part == PART_STREAM || part == PART_PARAMS) && section->offset % 8)
		return refuse(ld, section, "sh_offset: not a multiple of 8");
	ld->parts[part] = *section;
	return 0;
}

static int overlap(const struct accel_elf_section *a, const struct accel_elf_section *b)
{
	return a->size && b->size && a->offset < b->offset + b->size &&
	       b->offset < a->offset + a->size;
}

static int check_overlaps(struct loader *ld)
{
	struct accel_elf_section *all[NUM_PARTS + ENPU_MAX_REGIONS];
	unsigned int count = 0;

	for (unsigned int i = 0; i < NUM_PARTS; i++)
		if (ld->parts[i].name)
			all[count++] = &ld->parts[i];
	for (unsigned int i = 0; i < ld->num_data; i++)
		all[count++] = &ld->data[i];
	for (unsigned int i = 0; i < count; i++)
		for (unsigned int j = 0; j < i; j++)
			if (overlap(all[i], all[j]))
				return refuse(ld, all[i], "overlaps section %.60s", all[j]->name);
	return 0;
}

static int collect_all(struct loader *ld)
{
	struct accel_elf_section section;
	int ret = 0;

	for (unsigned int i = 0; i < ld->elf.num_sections && !ret; i++) {
		ret = accel_elf_section(&ld->elf, i, &section, ld->err);
		if (!ret)
			ret = collect(ld, &section);
	}
	if (ret)
		return ret;
	for (unsigned int i = 0; i < NUM_PARTS; i++)
		if (part_kinds[i].required && !ld->parts[i].name)
			return accel_fail(ld->err, -EBADMSG, "%s: no section of %s", ld->elf.file,
					  part_kinds[i].name);
	return check_overlaps(ld);
}

/*
 * Whether @text, NUL-terminated, is UTF-8 in form and free of control
 * characters: it may be printed as it is.
 */
static int printable(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;

	while (*c) {
		int more = *c < 0x80 ? 0 : *c < 0xc2 ? -1 : *c < 0xe0 ? 1 : *c < 0xf0 ? 2 :
			   *c < 0xf5 ? 3 : -1;

		if (more < 0 || *c < 0x20 || *c == 0x7f)
			return 0;
		for (c++; more > 0; more--, c++)
			if ((*c & 0xc0) != 0x80)
				return 0;
	}
	return 1;
}

static int check_strings(struct loader *ld)
{
	const struct accel_elf_section *strings = &ld->parts[PART_STRINGS];

	if (!strings->size || strings->data[strings->size - 1] != '\0')
		return refuse(ld, strings, "not NUL-terminated");
	return 0;
}

/* @what: the field, with the entry that it is in */
static int get_string(struct loader *ld, const struct accel_elf_section *section,
		      const char *what, uint32_t entry, uint32_t offset, const char **string)
{
	const struct accel_elf_section *strings = &ld->parts[PART_STRINGS];

	if (offset >= strings->size)
		return refuse(ld, section, "%s of entry %u: outside the strings", what, entry);
	*string = (const char *)strings->data + offset;
	if (strnlen(*string, MAX_STRING) == MAX_STRING)
		return refuse(ld, section, "%s of entry %u: longer than %u bytes", what, entry,
			      MAX_STRING);
	if (!printable(*string))
		return refuse(ld, section, "%s of entry %u: control character or not UTF-8", what,
			      entry);
	return 0;
}

/* A section as an array whose elements may be longer than this library knows */
struct table {
	const struct accel_elf_section *section;
	size_t stride;
	uint32_t count;
};

static int open_table(struct loader *ld, enum part part, size_t known, uint32_t min,
		      uint32_t max, struct table *table)
{
	const struct accel_elf_section *section = &ld->parts[part];

	*table = (struct table){ .section = section, .stride = known };
	if (section->entry_size) {
		if (section->entry_size < known || section->entry_size > 4096)
			return refuse(ld, section, "sh_entsize: %llu, expected at least %zu",
				      (unsigned long long)section->entry_size, known);
		table->stride = section->entry_size;
	}
	if (section->size % table->stride)
		return refuse(ld, section, "sh_size: not a multiple of %zu", table->stride);
	if (section->size / table->stride < min || section->size / table->stride > max)
		return refuse(ld, section, "%zu entries, expected %u to %u",
			      section->size / table->stride, min, max);
	table->count = (uint32_t)(section->size / table->stride);
	return 0;
}

static void get_entry(const struct table *table, uint32_t index, void *entry, size_t size)
{
	memcpy(entry, table->section->data + (size_t)index * table->stride, size);
}

static int parse_info(struct loader *ld)
{
	const struct accel_elf_section *section = &ld->parts[PART_INFO];
	struct accel_model_info *to = &ld->model->info;
	struct enpu_model_info info;
	int ret;

	if (section->size < sizeof(info))
		return refuse(ld, section, "information note: %zu bytes, expected %zu",
			      section->size, sizeof(info));
	memcpy(&info, section->data, sizeof(info));
	if (info.format == 0 || info.format_min > info.format)
		return refuse(ld, section, "format: version %u, minimum %u", info.format,
			      info.format_min);
	if (info.format_min > ENPU_MODEL_FORMAT)
		return accel_fail(ld->err, -EPROTONOSUPPORT,
				  "%s: section %.60s: format_min: needs a loader of format %u, this libaccel has %u",
				  ld->elf.file, section->name, info.format_min, ENPU_MODEL_FORMAT);
	*to = (struct accel_model_info){
		.file = ld->model->file,
		.format = info.format,
		.arch_version = info.arch_version,
		.caps = info.caps,
		.opcodes = info.opcodes,
		.sram_bytes = info.sram_bytes,
		.estimated_cycles = info.estimated_cycles,
	};
	memcpy(to->source_sha256, info.source_sha256, sizeof(to->source_sha256));
	ret = get_string(ld, section, "preset", 0, info.preset, &to->preset);
	if (!ret)
		ret = get_string(ld, section, "compiler", 0, info.compiler, &to->compiler);
	if (!ret)
		ret = get_string(ld, section, "source", 0, info.source, &to->source);
	return ret;
}

static int parse_regions(struct loader *ld)
{
	struct accel_model *model = ld->model;
	struct enpu_model_region region;
	struct table table;
	int ret = open_table(ld, PART_REGIONS, sizeof(region), 1, ENPU_MAX_REGIONS, &table);

	if (ret)
		return ret;
	for (uint32_t i = 0; i < table.count; i++) {
		get_entry(&table, i, &region, sizeof(region));
		if (region.role > ENPU_ROLE_STATE)
			return refuse(ld, table.section, "region %u: role: %u is not known", i,
				      region.role);
		if (region.reserved)
			return refuse(ld, table.section, "region %u: reserved: not 0", i);
		if (region.size == 0 || region.size > UINT64_C(1) << ENPU_VA_BITS)
			return refuse(ld, table.section, "region %u: size: %llu bytes", i,
				      (unsigned long long)region.size);
		model->regions[i].role = region.role;
		model->regions[i].size = region.size;
		if (region.role == ENPU_ROLE_CONSTANT)
			model->info.constant_bytes += region.size;
		else if (region.role == ENPU_ROLE_SCRATCH)
			model->info.scratch_bytes += region.size;
		else if (region.role == ENPU_ROLE_STATE)
			model->info.state_bytes += region.size;
	}
	model->num_regions = table.count;
	return 0;
}

static int parse_data(struct loader *ld)
{
	struct accel_model *model = ld->model;

	for (unsigned int i = 0; i < ld->num_data; i++) {
		const struct accel_elf_section *section = &ld->data[i];
		struct accel_region *region;

		if (section->info >= model->num_regions)
			return refuse(ld, section, "sh_info: no region %u", section->info);
		region = &model->regions[section->info];
		if (region->role != ENPU_ROLE_CONSTANT && region->role != ENPU_ROLE_STATE)
			return refuse(ld, section, "sh_info: region %u has no content of its own",
				      section->info);
		if (region->data)
			return refuse(ld, section, "sh_info: a second content of region %u",
				      section->info);
		if (section->size > region->size)
			return refuse(ld, section, "sh_size: %zu bytes for region %u of %llu",
				      section->size, section->info,
				      (unsigned long long)region->size);
		region->data = section->data;
		region->data_size = section->size;
	}
	for (uint32_t i = 0; i < model->num_regions; i++)
		if (model->regions[i].role == ENPU_ROLE_CONSTANT && !model->regions[i].data)
			return refuse(ld, &ld->parts[PART_REGIONS],
				      "region %u: no data section holds its content", i);
	return 0;
}

/* What the tensor's numbers must be by its type */
static const char *check_quantization(const struct enpu_model_tensor *raw)
{
	static const struct {
		int32_t min;
		int32_t max;
	} range[] = {
		[ENPU_U8] = { 0, UINT8_MAX },
		[ENPU_S8] = { INT8_MIN, INT8_MAX },
		[ENPU_S16] = { INT16_MIN, INT16_MAX },
		[ENPU_S32] = { INT32_MIN, INT32_MAX },
		[ENPU_F32] = { 0, 0 },
		[ENPU_S64] = { INT32_MIN, INT32_MAX },
	};

	if (!isfinite(raw->scale) || raw->scale < 0)
		return "scale: not a finite positive number";
	if (raw->dtype == ENPU_F32 && raw->scale != 0)
		return "scale: not 0, but the type is float";
	if (raw->zero_point < range[raw->dtype].min || raw->zero_point > range[raw->dtype].max)
		return "zero_point: outside the range of the type";
	return NULL;
}

/* The number of elements, or 0 if the dims are not valid */
static uint64_t count_elements(const struct enpu_model_tensor *raw)
{
	uint64_t elements = 1;

	for (unsigned int d = 0; d < ENPU_MAX_RANK; d++) {
		if (raw->dims[d] == 0 || (d >= raw->rank && raw->dims[d] != 1))
			return 0;
		if (__builtin_mul_overflow(elements, raw->dims[d], &elements))
			return 0;
	}
	return elements;
}

static const char *check_region(const struct accel_model *model,
				const struct enpu_model_tensor *raw)
{
	static const enum enpu_region_role home[] = {
		[ENPU_TENSOR_INPUT] = ENPU_ROLE_INPUT,
		[ENPU_TENSOR_OUTPUT] = ENPU_ROLE_OUTPUT,
	};
	const struct accel_region *region;

	if (raw->region >= model->num_regions)
		return "region: no such region";
	region = &model->regions[raw->region];
	if (raw->role != ENPU_TENSOR_INTERMEDIATE && region->role != home[raw->role])
		return "region: its role is not the tensor's";
	if (raw->offset % accel_dtype_size((enum accel_dtype)raw->dtype))
		return "offset: not a multiple of the element's size";
	if (raw->offset > region->size || region->size - raw->offset < raw->size)
		return "offset: the tensor lies outside its region";
	return NULL;
}

static const char *check_tensor(const struct accel_model *model,
				const struct enpu_model_tensor *raw, uint64_t *elements)
{
	size_t element = accel_dtype_size((enum accel_dtype)raw->dtype);
	const char *wrong;
	uint64_t bytes;

	if (element == 0)
		return "dtype: not known, or not for the host";
	if (raw->role > ENPU_TENSOR_INTERMEDIATE)
		return "role: not known";
	if (raw->rank > ENPU_MAX_RANK)
		return "rank: more than 6";
	if (raw->reserved0 || raw->reserved1)
		return "reserved: not 0";
	*elements = count_elements(raw);
	if (*elements == 0)
		return "dims: a dimension of 0, too large, or set past the rank";
	if (__builtin_mul_overflow(*elements, element, &bytes) || bytes != raw->size)
		return "size: not that of its dims and dtype";
	wrong = check_quantization(raw);
	return wrong ? wrong : check_region(model, raw);
}

static int parse_tensor(struct loader *ld, const struct table *table, uint32_t index)
{
	struct accel_model_tensor *tensor = &ld->model->tensors[index];
	struct enpu_model_tensor raw;
	uint64_t elements;
	const char *wrong;

	get_entry(table, index, &raw, sizeof(raw));
	wrong = check_tensor(ld->model, &raw, &elements);
	if (wrong)
		return refuse(ld, table->section, "tensor %u: %s", index, wrong);
	*tensor = (struct accel_model_tensor){
		.tensor = {
			.dtype = (enum accel_dtype)raw.dtype,
			.rank = raw.rank,
			.scale = raw.scale,
			.zero_point = raw.zero_point,
			.size = raw.size,
			.elements = elements,
		},
		.role = raw.role,
		.region = raw.region,
		.offset = raw.offset,
	};
	memcpy(tensor->tensor.dims, raw.dims, sizeof(tensor->tensor.dims));
	return get_string(ld, table->section, "name", index, raw.name, &tensor->tensor.name);
}

static int tensors_overlap(const struct accel_model_tensor *a, const struct accel_model_tensor *b)
{
	return a->region == b->region && a->offset < b->offset + b->tensor.size &&
	       b->offset < a->offset + a->tensor.size;
}

/* Inputs and outputs in their order; no two of them may lie on one another. */
static int sort_tensors(struct loader *ld, enum enpu_tensor_role role, const char *what,
			const struct accel_model_tensor ***list, uint32_t *count)
{
	const struct accel_elf_section *section = &ld->parts[PART_TENSORS];
	struct accel_model *model = ld->model;

	*list = calloc(MAX_INPUTS, sizeof(**list));
	if (!*list)
		return accel_fail(ld->err, -ENOMEM, "%s: out of memory", ld->elf.file);
	for (uint32_t i = 0; i < model->num_tensors; i++) {
		const struct accel_model_tensor *tensor = &model->tensors[i];

		if (tensor->role != role)
			continue;
		if (*count == MAX_INPUTS)
			return refuse(ld, section, "more than %u %ss", MAX_INPUTS, what);
		for (uint32_t j = 0; j < *count; j++)
			if (tensors_overlap((*list)[j], tensor))
				return refuse(ld, section, "tensor %u: overlaps another %s", i,
					      what);
		(*list)[(*count)++] = tensor;
	}
	if (*count == 0)
		return refuse(ld, section, "the model has no %s", what);
	return 0;
}

static void mark_alone(struct accel_model *model)
{
	uint32_t users[ENPU_MAX_REGIONS] = { 0 };

	for (uint32_t i = 0; i < model->num_tensors; i++)
		users[model->tensors[i].region]++;
	for (uint32_t i = 0; i < model->num_tensors; i++)
		model->tensors[i].alone = users[model->tensors[i].region] == 1 &&
					  model->tensors[i].offset == 0;
}

static int parse_tensors(struct loader *ld)
{
	struct accel_model *model = ld->model;
	struct table table;
	int ret = open_table(ld, PART_TENSORS, sizeof(struct enpu_model_tensor), 1, MAX_TENSORS,
			     &table);

	if (ret)
		return ret;
	model->tensors = calloc(table.count, sizeof(*model->tensors));
	if (!model->tensors)
		return accel_fail(ld->err, -ENOMEM, "%s: out of memory", ld->elf.file);
	model->num_tensors = table.count;
	for (uint32_t i = 0; i < table.count; i++) {
		ret = parse_tensor(ld, &table, i);
		if (ret)
			return ret;
	}
	mark_alone(model);
	ret = sort_tensors(ld, ENPU_TENSOR_INPUT, "input", &model->inputs,
			   &model->info.num_inputs);
	if (!ret)
		ret = sort_tensors(ld, ENPU_TENSOR_OUTPUT, "output", &model->outputs,
				   &model->info.num_outputs);
	return ret;
}

/* The part of a section that a step names */
static const char *check_range(const struct accel_elf_section *section,
			       const struct enpu_model_step *raw)
{
	if (raw->offset % 8)
		return "offset: not a multiple of 8";
	if (raw->offset > section->size || section->size - raw->offset < raw->size)
		return "offset: outside the section that it is in";
	return NULL;
}

static const char *parse_npu_step(struct loader *ld, const struct enpu_model_step *raw,
				  struct accel_model_step *step)
{
	if (raw->op || raw->num_inputs || raw->num_outputs)
		return "op, num_inputs, num_outputs: not 0 in a step of the NPU";
	if (raw->size == 0 || raw->size % 8 || raw->size > UINT32_MAX)
		return "size: 0, not a multiple of 8, or too large";
	step->stream_offset = raw->offset;
	step->stream_size = (uint32_t)raw->size;
	ld->model->num_npu_steps++;
	return check_range(&ld->parts[PART_STREAM], raw);
}

static const char *get_step_tensors(const struct accel_model *model, const __u32 *indices,
				    uint32_t count, const struct accel_model_tensor **tensors)
{
	if (count > ENPU_STEP_MAX_TENSORS)
		return "num_inputs, num_outputs: more than 8";
	for (uint32_t i = 0; i < count; i++) {
		if (indices[i] >= model->num_tensors)
			return "inputs, outputs: no such tensor";
		tensors[i] = &model->tensors[indices[i]];
	}
	return NULL;
}

/* Operators may write outputs in any order, and read inputs until they are done. */
static const char *check_step_memory(const struct accel_model *model,
				     const struct accel_model_step *step)
{
	for (uint32_t o = 0; o < step->num_outputs; o++) {
		enum enpu_region_role role = model->regions[step->outputs[o]->region].role;

		if (role == ENPU_ROLE_CONSTANT || role == ENPU_ROLE_INPUT)
			return "outputs: a tensor in a region that must not be written";
		for (uint32_t i = 0; i < step->num_inputs; i++)
			if (tensors_overlap(step->outputs[o], step->inputs[i]))
				return "outputs: a tensor overlaps an input";
		for (uint32_t i = 0; i < o; i++)
			if (tensors_overlap(step->outputs[o], step->outputs[i]))
				return "outputs: two tensors overlap";
	}
	return NULL;
}

static const char *parse_cpu_step(struct loader *ld, const struct enpu_model_step *raw,
				  struct accel_model_step *step)
{
	struct accel_model *model = ld->model;
	const char *wrong = check_range(&ld->parts[PART_PARAMS], raw);

	if (wrong)
		return wrong;
	step->op = accel_cpu_op(raw->op);
	if (!step->op)
		return "op: not an operator that this libaccel knows";
	step->step.on_cpu = 1;
	step->params = raw->size ? ld->parts[PART_PARAMS].data + raw->offset : NULL;
	step->params_size = raw->size;
	step->num_inputs = raw->num_inputs;
	step->num_outputs = raw->num_outputs;
	wrong = get_step_tensors(model, raw->inputs, raw->num_inputs, step->inputs);
	if (!wrong)
		wrong = get_step_tensors(model, raw->outputs, raw->num_outputs, step->outputs);
	if (!wrong)
		wrong = check_step_memory(model, step);
	if (!wrong)
		wrong = step->op->check(step);
	model->info.num_cpu_steps++;
	return wrong;
}

static int parse_step(struct loader *ld, const struct table *table, uint32_t index)
{
	struct accel_model_step *step = &ld->model->steps[index];
	struct enpu_model_step raw;
	const char *wrong;

	get_entry(table, index, &raw, sizeof(raw));
	if (raw.reserved)
		wrong = "reserved: not 0";
	else if (raw.kind == ENPU_STEP_NPU)
		wrong = parse_npu_step(ld, &raw, step);
	else if (raw.kind == ENPU_STEP_CPU)
		wrong = parse_cpu_step(ld, &raw, step);
	else
		wrong = "kind: not known";
	if (wrong)
		return refuse(ld, table->section, "step %u: %s", index, wrong);
	return get_string(ld, table->section, "name", index, raw.name, &step->step.name);
}

static int parse_steps(struct loader *ld)
{
	struct accel_model *model = ld->model;
	struct table table;
	int ret = open_table(ld, PART_STEPS, sizeof(struct enpu_model_step), 1, MAX_STEPS,
			     &table);

	if (ret)
		return ret;
	model->steps = calloc(table.count, sizeof(*model->steps));
	if (!model->steps)
		return accel_fail(ld->err, -ENOMEM, "%s: out of memory", ld->elf.file);
	model->info.num_steps = table.count;
	for (uint32_t i = 0; i < table.count && !ret; i++)
		ret = parse_step(ld, &table, i);
	model->stream = ld->parts[PART_STREAM].data;
	model->stream_size = ld->parts[PART_STREAM].size;
	model->info.stream_bytes = model->stream_size;
	return ret;
}

static int parse_layers(struct loader *ld)
{
	struct accel_model *model = ld->model;
	struct enpu_model_layer raw;
	struct table table;
	int ret;

	if (!ld->parts[PART_LAYERS].name)
		return 0;
	ret = open_table(ld, PART_LAYERS, sizeof(raw), 0, MAX_LAYERS, &table);
	if (ret || table.count == 0)
		return ret;
	model->layers = calloc(table.count, sizeof(*model->layers));
	if (!model->layers)
		return accel_fail(ld->err, -ENOMEM, "%s: out of memory", ld->elf.file);
	model->info.num_layers = table.count;
	for (uint32_t i = 0; i < table.count && !ret; i++) {
		struct accel_layer *layer = &model->layers[i];

		get_entry(&table, i, &raw, sizeof(raw));
		layer->source_index = raw.source_index;
		layer->macs = raw.macs;
		layer->estimated_cycles = raw.estimated_cycles;
		ret = get_string(ld, table.section, "name", i, raw.name, &layer->name);
		if (!ret)
			ret = get_string(ld, table.section, "type", i, raw.type, &layer->type);
	}
	return ret;
}

int accel_model_parse(struct accel_model *model, const void *image, size_t size,
		      struct accel_error *err)
{
	static int (*const stages[])(struct loader *ld) = {
		collect_all, check_strings, parse_info, parse_regions, parse_data,
		parse_tensors, parse_steps, parse_layers,
	};
	struct loader ld = { .model = model, .err = err };
	int ret = accel_elf_open(&ld.elf, model->file, image, size, ENPU_ELF_TYPE,
				 ENPU_ELF_MACHINE, err);

	for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]) && !ret; i++)
		ret = stages[i](&ld);
	return ret;
}
