// SPDX-License-Identifier: MIT
/*
 * The .enpu loader: a good file is understood; each kind of damage is refused
 * with its reason; and no mutation crashes it, under ASan and UBSan.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <elf.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <accel/accel.h>

#include "image.h"

static int load(struct image *image, struct accel_model **model, struct accel_error *err)
{
	return accel_model_load_memory("file.enpu", image->file, image->size, model, err);
}

static void test_good_file(void **state)
{
	const struct accel_model_info *info;
	const struct accel_tensor *tensor;
	struct accel_error err = { .text = "" };
	struct accel_model *model;
	struct image image;

	image_copy(&image);
	image_build(&image);
	assert_int_equal(load(&image, &model, &err), 0);
	assert_string_equal(err.text, "");
	image_free(&image);
	info = accel_model_info(model);
	assert_string_equal(info->file, "file.enpu");
	assert_string_equal(info->source, "dir/hand.tflite");
	assert_string_equal(info->compiler, "by hand 1");
	assert_string_equal(info->preset, "enpu-512");
	assert_int_equal(info->num_inputs, 1);
	assert_int_equal(info->num_outputs, 1);
	assert_int_equal(info->num_steps, 1);
	assert_int_equal(info->num_cpu_steps, 0);
	assert_int_equal(info->constant_bytes, COPY_SIZE);
	assert_int_equal(info->scratch_bytes, 5000);
	assert_int_equal(info->estimated_cycles, 1234);
	tensor = accel_model_input(model, 0);
	assert_string_equal(tensor->name, "pixels");
	assert_int_equal(tensor->dtype, ACCEL_U8);
	assert_int_equal(tensor->rank, 2);
	assert_int_equal(tensor->dims[1], COPY_SIZE);
	assert_int_equal(tensor->elements, COPY_SIZE);
	assert_int_equal(tensor->zero_point, 3);
	assert_true(tensor->scale == 0.5f);
	assert_null(accel_model_input(model, 1));
	assert_string_equal(accel_model_output(model, 0)->name, "result");
	assert_null(accel_model_output(model, 1));
	assert_string_equal(accel_model_layer(model, 0)->type, "CONV_2D");
	assert_int_equal(accel_model_layer(model, 0)->source_index, 7);
	assert_null(accel_model_layer(model, 1));
	assert_string_equal(accel_model_step(model, 0)->name, "npu");
	accel_model_release(model);
}

static void test_cpu_step(void **state)
{
	struct accel_model *model;
	struct image image;

	image_detect(&image);
	image_build(&image);
	assert_int_equal(load(&image, &model, NULL), 0);
	assert_int_equal(accel_model_info(model)->num_steps, 3);
	assert_int_equal(accel_model_info(model)->num_cpu_steps, 1);
	assert_false(accel_model_step(model, 0)->on_cpu);
	assert_true(accel_model_step(model, 1)->on_cpu);
	assert_int_equal(accel_model_info(model)->num_outputs, 4);
	accel_model_release(model);
	image_free(&image);
}

static void test_newer_file(void **state)
{
	struct accel_model *model;
	struct image image;

	image_copy(&image);
	image.info.format = ENPU_MODEL_FORMAT + 5;
	image_build(&image);
	assert_int_equal(load(&image, &model, NULL), 0);
	accel_model_release(model);
	image_free(&image);
}

/* Both ways to pad a note are in use */
static void test_note_of_8(void **state)
{
	struct accel_model *model;
	struct image image;

	image_copy(&image);
	image.note_align = 8;
	image_build(&image);
	assert_int_equal(load(&image, &model, NULL), 0);
	assert_int_equal(accel_model_info(model)->estimated_cycles, 1234);
	accel_model_release(model);
	image_free(&image);
}

/* Entries that are longer than the library knows: what is past its struct is skipped */
static void test_longer_entries(void **state)
{
	struct accel_model *model;
	struct image image;
	Elf64_Shdr *head;

	image_copy(&image);
	image_build(&image);
	head = image_header(&image, IMAGE_LAYERS);
	head->sh_entsize = sizeof(struct enpu_model_layer) + 8;
	head->sh_size = head->sh_entsize;
	/* so that it doesn't reach into the next section */
	head = image_header(&image, IMAGE_STRINGS);
	memmove(image.file + head->sh_offset + 16, image.file + head->sh_offset, head->sh_size);
	head->sh_offset += 16;
	assert_int_equal(load(&image, &model, NULL), 0);
	assert_string_equal(accel_model_layer(model, 0)->name, "copy_out");
	accel_model_release(model);
	image_free(&image);
}

struct damage {
	void (*tables)(struct image *image);	/* before the file is laid out */
	void (*file)(struct image *image);	/* after */
	int code;
	const char *reason;
};

#define TABLES(name, statement) \
	static void name(struct image *image) { statement; }
#define HEADER(name, section, statement) \
	static void name(struct image *image) \
	{ Elf64_Shdr *sh = image_header(image, section); statement; }
#define EHDR(name, statement) \
	static void name(struct image *image) \
	{ Elf64_Ehdr *eh = (void *)image->file; statement; }

EHDR(bad_magic, eh->e_ident[0] = 'E')
EHDR(bad_class, eh->e_ident[EI_CLASS] = ELFCLASS32)
EHDR(bad_order, eh->e_ident[EI_DATA] = ELFDATA2MSB)
EHDR(bad_version, eh->e_version = 2)
EHDR(bad_type, eh->e_type = ET_EXEC)
EHDR(bad_machine, eh->e_machine = EM_X86_64)
EHDR(bad_ehsize, eh->e_ehsize = 52)
EHDR(bad_shentsize, eh->e_shentsize = 40)
EHDR(bad_shnum, eh->e_shnum = 0)
EHDR(bad_shoff, eh->e_shoff += 4)
EHDR(far_shoff, eh->e_shoff = UINT64_MAX - 63)
EHDR(many_sections, eh->e_shnum = 65535)
EHDR(bad_shstrndx, eh->e_shstrndx = IMAGE_SECTIONS)
EHDR(not_strings, eh->e_shstrndx = IMAGE_DATA)
HEADER(names_open, IMAGE_NAMES, sh->sh_size--)
HEADER(name_far, IMAGE_STREAM, sh->sh_name = 0xffffff)
HEADER(far_section, IMAGE_STREAM, sh->sh_offset = image->size + 8)
HEADER(long_section, IMAGE_STREAM, sh->sh_size = UINT64_MAX)
HEADER(odd_stream, IMAGE_STREAM, sh->sh_offset += 4)
HEADER(odd_data, IMAGE_DATA, sh->sh_offset -= 8)
HEADER(overlapping, IMAGE_TENSORS,
       sh->sh_offset = ((Elf64_Shdr *)image_header(image, IMAGE_REGIONS))->sh_offset)
HEADER(twice, IMAGE_UNKNOWN, sh->sh_type = ENPU_SHT_STEPS)
HEADER(data_twice, IMAGE_UNKNOWN, *sh = *(Elf64_Shdr *)image_header(image, IMAGE_DATA);
       sh->sh_offset = 0)
HEADER(data_nowhere, IMAGE_DATA, sh->sh_info = 99)
HEADER(data_not_constant, IMAGE_DATA, sh->sh_info = COPY_INPUT)
HEADER(data_gone, IMAGE_DATA, sh->sh_type = SHT_PROGBITS)
HEADER(no_note, IMAGE_NOTE, sh->sh_type = SHT_PROGBITS)
HEADER(no_steps, IMAGE_STEPS, sh->sh_type = SHT_PROGBITS)
HEADER(no_stream, IMAGE_STREAM, sh->sh_type = SHT_PROGBITS)
HEADER(no_strings, IMAGE_STRINGS, sh->sh_name = 0)
HEADER(short_note, IMAGE_NOTE, sh->sh_size -= 8)
HEADER(strings_open, IMAGE_STRINGS, sh->sh_size--)
HEADER(ragged_table, IMAGE_STEPS, sh->sh_size -= 8)
HEADER(short_entries, IMAGE_STEPS, sh->sh_entsize = 8)
HEADER(empty_table, IMAGE_REGIONS, sh->sh_size = 0)

static void small_info(struct image *image)
{
	((Elf64_Nhdr *)image_section(image, IMAGE_NOTE))->n_descsz = 8;
}

static void truncated(struct image *image)
{
	image->size = 63;
}

TABLES(format_zero, image->info.format = 0)
TABLES(format_min, image->info.format_min = ENPU_MODEL_FORMAT + 1;
       image->info.format = ENPU_MODEL_FORMAT + 1)
TABLES(preset_far, image->info.preset = 100000)
TABLES(control_string, image->strings[image->tensors[0].name] = '\n')
TABLES(not_utf8, image->strings[image->tensors[0].name] = (char)0xff)
TABLES(region_role, image->regions[3].role = 9)
TABLES(region_reserved, image->regions[3].reserved = 1)
TABLES(region_empty, image->regions[3].size = 0)
TABLES(region_huge, image->regions[3].size = UINT64_MAX)
TABLES(region_small, image->regions[COPY_WEIGHTS].size = COPY_SIZE - 1)
TABLES(tensor_dtype, image->tensors[0].dtype = ENPU_S4)
TABLES(tensor_dtype_far, image->tensors[0].dtype = 200)
TABLES(tensor_role, image->tensors[0].role = 3)
TABLES(tensor_rank, image->tensors[0].rank = 7)
TABLES(tensor_reserved, image->tensors[0].reserved1 = 1)
TABLES(tensor_dim_zero, image->tensors[0].dims[1] = 0)
TABLES(tensor_dim_past, image->tensors[0].rank = 1)
static void tensor_overflow(struct image *image)
{
	image->tensors[0].rank = 6;
	for (int i = 0; i < 6; i++)
		image->tensors[0].dims[i] = 0x10000;
}

TABLES(tensor_size, image->tensors[0].size = 65)
TABLES(tensor_scale, image->tensors[0].scale = NAN)
TABLES(tensor_scale_negative, image->tensors[0].scale = -1)
TABLES(tensor_zero_point, image->tensors[0].zero_point = 256)
TABLES(tensor_region, image->tensors[0].region = 4)
TABLES(tensor_home, image->tensors[0].region = COPY_SCRATCH)
TABLES(tensor_outside, image->tensors[0].offset = 1)
TABLES(tensor_far, image->tensors[0].offset = UINT64_MAX)
TABLES(tensor_name, image->tensors[0].name = 0x7fffffff)
TABLES(no_input, image->tensors[0].role = ENPU_TENSOR_INTERMEDIATE)
TABLES(no_output, image->tensors[1].role = ENPU_TENSOR_INTERMEDIATE)
TABLES(outputs_overlap, image->tensors[5].offset = 44)
TABLES(tensor_unaligned, image->tensors[5].offset = 62)
TABLES(step_kind, image->steps[0].kind = 2)
TABLES(step_reserved, image->steps[0].reserved = 2)
TABLES(step_inputs, image->steps[0].num_inputs = 1)
TABLES(step_empty, image->steps[0].size = 0)
TABLES(step_odd_size, image->steps[0].size -= 4)
TABLES(step_odd, image->steps[0].offset = 4)
TABLES(step_far, image->steps[0].offset = UINT64_MAX - 7)
TABLES(step_long, image->steps[0].size += 8)
TABLES(cpu_op, image->steps[1].op = 99)
TABLES(cpu_params_far, image->steps[1].offset = image->params_size)
TABLES(cpu_params_short, image->steps[1].size -= 8)
TABLES(cpu_many_inputs, image->steps[1].num_inputs = 9)
TABLES(cpu_tensor_far, image->steps[1].inputs[1] = 8)
TABLES(cpu_writes_input, image->steps[1].outputs[0] = 0)
TABLES(cpu_overlap, image->steps[1].outputs[0] = 2)
TABLES(cpu_same_output, image->steps[1].outputs[1] = 4)
TABLES(cpu_few_outputs, image->steps[1].num_outputs = 3)
TABLES(layer_name, image->layers[0].name = 100000)

#define PARAMS(name, statement) \
	static void name(struct image *image) \
	{ struct enpu_detection_params *p = (void *)image->params; statement; }
PARAMS(detect_anchors, p->num_anchors = 0x40000004)
PARAMS(detect_classes, p->num_classes = 1)
PARAMS(detect_no_classes, p->num_classes = 0)
PARAMS(detect_slots, p->max_detections = 4)
PARAMS(detect_slots_overflow, p->max_detections = UINT32_MAX;
       p->max_classes_per_detection = UINT32_MAX)
PARAMS(detect_iou, p->iou_threshold = NAN)

#define B -EBADMSG
static const struct damage copy_damages[] = {
	{ NULL, bad_magic, -ENOEXEC, "not an ELF file" },
	{ NULL, bad_class, -ENOEXEC, "not a 64-bit one" },
	{ NULL, bad_order, -ENOEXEC, "not a little-endian one" },
	{ NULL, bad_version, -ENOEXEC, "unknown version" },
	{ NULL, bad_type, -ENOEXEC, "another type" },
	{ NULL, bad_machine, -ENOEXEC, "another machine" },
	{ NULL, truncated, B, "ELF header: truncated" },
	{ NULL, bad_ehsize, B, "e_ehsize" },
	{ NULL, bad_shentsize, B, "e_shentsize" },
	{ NULL, bad_shnum, B, "no sections" },
	{ NULL, bad_shoff, B, "e_shoff: not a multiple" },
	{ NULL, far_shoff, B, "e_shoff: section headers lie outside" },
	{ NULL, many_sections, B, "e_shoff: section headers lie outside" },
	{ NULL, bad_shstrndx, B, "e_shstrndx: no such" },
	{ NULL, not_strings, B, "e_shstrndx: not a string table" },
	{ NULL, names_open, B, "section names: not NUL-terminated" },
	{ NULL, name_far, B, "section 2: sh_name: outside" },
	{ NULL, far_section, B, "section 2 (.enpu.stream): lies outside" },
	{ NULL, long_section, B, "section 2 (.enpu.stream): lies outside" },
	{ NULL, odd_stream, B, "section .enpu.stream: sh_offset: not a multiple of 8" },
	{ NULL, odd_data, B, "section .enpu.data: sh_offset: not a multiple of 4096" },
	{ NULL, overlapping, B, "section .enpu.tensors: overlaps section .enpu.regions" },
	{ NULL, twice, B, "a second section of steps" },
	{ NULL, data_twice, B, "a second content of region 1" },
	{ NULL, data_nowhere, B, "section .enpu.data: sh_info: no region 99" },
	{ NULL, data_not_constant, B, "sh_info: region 0 has no content of its own" },
	{ NULL, data_gone, B, "region 1: no data section" },
	{ NULL, no_note, B, "no section of information note" },
	{ NULL, no_steps, B, "no section of steps" },
	{ NULL, no_stream, B, "step 0: offset: outside the section" },
	{ NULL, no_strings, B, "no section of strings" },
	{ NULL, short_note, B, "section .note.enpu: note lies outside" },
	{ NULL, small_info, B, "section .note.enpu: information note: 8 bytes" },
	{ NULL, strings_open, B, "section .enpu.strings: not NUL-terminated" },
	{ NULL, ragged_table, B, "section .enpu.steps: sh_size: not a multiple" },
	{ NULL, short_entries, B, "section .enpu.steps: sh_entsize" },
	{ NULL, empty_table, B, "section .enpu.regions: 0 entries" },
	{ format_zero, NULL, B, "format: version 0" },
	{ format_min, NULL, -EPROTONOSUPPORT, "format_min: needs a loader of format 4" },
	{ preset_far, NULL, B, "preset of entry 0: outside the strings" },
	{ control_string, NULL, B, "name of entry 0: control character" },
	{ not_utf8, NULL, B, "name of entry 0: control character or not UTF-8" },
	{ region_role, NULL, B, "section .enpu.regions: region 3: role" },
	{ region_reserved, NULL, B, "region 3: reserved" },
	{ region_empty, NULL, B, "region 3: size" },
	{ region_huge, NULL, B, "region 3: size" },
	{ region_small, NULL, B, "sh_size: 64 bytes for region 1 of 63" },
	{ tensor_dtype, NULL, B, "section .enpu.tensors: tensor 0: dtype" },
	{ tensor_dtype_far, NULL, B, "tensor 0: dtype" },
	{ tensor_role, NULL, B, "tensor 0: role" },
	{ tensor_rank, NULL, B, "tensor 0: rank" },
	{ tensor_reserved, NULL, B, "tensor 0: reserved" },
	{ tensor_dim_zero, NULL, B, "tensor 0: dims" },
	{ tensor_dim_past, NULL, B, "tensor 0: dims" },
	{ tensor_overflow, NULL, B, "tensor 0: dims" },
	{ tensor_size, NULL, B, "tensor 0: size" },
	{ tensor_scale, NULL, B, "tensor 0: scale" },
	{ tensor_scale_negative, NULL, B, "tensor 0: scale" },
	{ tensor_zero_point, NULL, B, "tensor 0: zero_point" },
	{ tensor_region, NULL, B, "tensor 0: region: no such" },
	{ tensor_home, NULL, B, "tensor 0: region: its role" },
	{ tensor_outside, NULL, B, "tensor 0: offset: the tensor lies outside" },
	{ tensor_far, NULL, B, "tensor 0: offset: the tensor lies outside" },
	{ tensor_name, NULL, B, "name of entry 0: outside" },
	{ no_input, NULL, B, "the model has no input" },
	{ no_output, NULL, B, "the model has no output" },
	{ step_kind, NULL, B, "section .enpu.steps: step 0: kind" },
	{ step_reserved, NULL, B, "step 0: reserved" },
	{ step_inputs, NULL, B, "step 0: op, num_inputs" },
	{ step_empty, NULL, B, "step 0: size" },
	{ step_odd_size, NULL, B, "step 0: size" },
	{ step_odd, NULL, B, "step 0: offset: not a multiple of 8" },
	{ step_far, NULL, B, "step 0: offset: " },
	{ step_long, NULL, B, "step 0: offset: outside" },
	{ layer_name, NULL, B, "section .enpu.layers: name of entry 0" },
};

static const struct damage detect_damages[] = {
	{ outputs_overlap, NULL, B, "tensor 5: overlaps another output" },
	{ tensor_unaligned, NULL, B, "tensor 5: offset: not a multiple" },
	{ cpu_op, NULL, B, "step 1: op: not an operator" },
	{ cpu_params_far, NULL, B, "step 1: offset: outside" },
	{ cpu_params_short, NULL, B, "step 1: detection: size" },
	{ cpu_many_inputs, NULL, B, "step 1: num_inputs" },
	{ cpu_tensor_far, NULL, B, "step 1: inputs, outputs: no such tensor" },
	{ cpu_writes_input, NULL, B, "step 1: outputs: a tensor in a region" },
	{ cpu_overlap, NULL, B, "step 1: outputs: a tensor overlaps an input" },
	{ cpu_same_output, NULL, B, "step 1: outputs: two tensors overlap" },
	{ cpu_few_outputs, NULL, B, "step 1: detection: expected 2 inputs and 4 outputs" },
	{ detect_anchors, NULL, B, "step 1: detection: size" },
	{ detect_classes, NULL, B, "step 1: detection: scores" },
	{ detect_no_classes, NULL, B, "step 1: detection: scores" },
	{ detect_slots, NULL, B, "step 1: detection: outputs" },
	{ detect_slots_overflow, NULL, B, "step 1: detection: max_detections" },
	{ detect_iou, NULL, B, "step 1: detection: use_regular_nms or iou" },
};

static void check_damages(void (*make)(struct image *), const struct damage *damages,
			  size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct accel_model *model = NULL;
		struct accel_error err = { .text = "" };
		struct image image;
		int ret;

		make(&image);
		if (damages[i].tables)
			damages[i].tables(&image);
		image_build(&image);
		if (damages[i].file)
			damages[i].file(&image);
		ret = load(&image, &model, &err);
		if (ret != damages[i].code || err.code != ret ||
		    strncmp(err.text, "file.enpu: ", 11) ||
		    !strstr(err.text, damages[i].reason))
			fail_msg("'%s': got %d, %s", damages[i].reason, ret, err.text);
		assert_null(model);
		image_free(&image);
	}
}

static void test_damages(void **state)
{
	check_damages(image_copy, copy_damages, sizeof(copy_damages) / sizeof(copy_damages[0]));
	check_damages(image_detect, detect_damages,
		      sizeof(detect_damages) / sizeof(detect_damages[0]));
}

static void test_every_truncation(void **state)
{
	struct image image;

	image_copy(&image);
	image_build(&image);
	for (size_t size = 0; size < image.size; size++) {
		/* exactly so large that reading past the end is seen */
		unsigned char *part = malloc(size ? size : 1);
		struct accel_model *model;

		memcpy(part, image.file, size);
		assert_int_not_equal(accel_model_load_memory("t", part, size, &model, NULL), 0);
		free(part);
	}
	image_free(&image);
}

static uint64_t next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* One change of a kind that is apt to find holes */
static void mutate(unsigned char *file, size_t *size, uint64_t *seed)
{
	static const uint64_t values[] = {
		0, 1, 7, 8, 63, 64, 255, 4095, 4096, 0x7fffffff, 0x80000000, 0xffffffff,
		0x80004e01, 0x80004e02, 0x7fffffffffffffff, 0xfffffffffffffff8, UINT64_MAX,
	};
	size_t at = next(seed) % *size;
	uint64_t value = values[next(seed) % (sizeof(values) / sizeof(values[0]))];
	size_t width = (size_t)1 << next(seed) % 4;

	switch (next(seed) % 6) {
	case 0:
		file[at] ^= (unsigned char)(1 << next(seed) % 8);
		break;
	case 1:
		file[at] = (unsigned char)next(seed);
		break;
	case 2:
		*size = at + 1;
		break;
	case 3:
		memmove(file + at, file + next(seed) % *size, 1);
		break;
	default:
		at &= ~(width - 1);
		if (at + width <= *size)
			memcpy(file + at, &value, width);
	}
}

/* What a mutated file that is still accepted says must be safe to read. */
static void touch(const struct accel_model *model)
{
	const struct accel_tensor *tensor;
	size_t sum = 0;

	for (unsigned int i = 0; (tensor = accel_model_input(model, i)); i++)
		sum += strlen(tensor->name) + tensor->size;
	for (unsigned int i = 0; (tensor = accel_model_output(model, i)); i++)
		sum += strlen(tensor->name) + tensor->size;
	for (unsigned int i = 0; accel_model_layer(model, i); i++)
		sum += strlen(accel_model_layer(model, i)->name);
	for (unsigned int i = 0; accel_model_step(model, i); i++)
		sum += strlen(accel_model_step(model, i)->name);
	assert_true(sum > 0);
}

static unsigned int mutations(void (*make)(struct image *), unsigned int count, uint64_t seed)
{
	unsigned int accepted = 0;
	struct image image;

	make(&image);
	image_build(&image);
	for (unsigned int i = 0; i < count; i++) {
		struct accel_model *model;
		struct accel_error err;
		size_t size = image.size;
		unsigned char *file = malloc(size);
		unsigned char *exact;
		int changes = 1 + (int)(next(&seed) % 4);

		memcpy(file, image.file, size);
		while (changes--)
			mutate(file, &size, &seed);
		exact = malloc(size);
		memcpy(exact, file, size);
		if (accel_model_load_memory("m", exact, size, &model, &err) == 0) {
			touch(model);
			accel_model_release(model);
			accepted++;
		} else {
			assert_true(err.code < 0);
			assert_true(strncmp(err.text, "m: ", 3) == 0);
		}
		free(exact);
		free(file);
	}
	image_free(&image);
	return accepted;
}

static void test_mutations(void **state)
{
	unsigned int accepted = mutations(image_copy, 5000, 1) +
				mutations(image_detect, 5000, 2);

	/* Padding and weights may be anything; most of the file may not. */
	assert_in_range(accepted, 100, 9900);
}

static void test_foreign_files(void **state)
{
	static const char png[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR", text[] = "hello\n";
	struct accel_error err;
	struct accel_model *model;

	assert_int_equal(accel_model_load_memory("p", png, sizeof(png), &model, &err), -ENOEXEC);
	assert_string_equal(err.text, "p: not a compiled model: not an ELF file");
	assert_int_equal(accel_model_load_memory("p", text, sizeof(text), &model, &err), -ENOEXEC);
	assert_int_equal(accel_model_load_memory("p", NULL, 0, &model, &err), -ENOEXEC);
	assert_int_equal(accel_model_load("/proc/self/exe", &model, &err), -ENOEXEC);
	assert_non_null(strstr(err.text, "another machine"));
	assert_int_equal(accel_model_load("/nonexistent/x.enpu", &model, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/nonexistent/x.enpu: No such file"));
	assert_int_equal(accel_model_load("/tmp", &model, &err), -EINVAL);
	assert_non_null(strstr(err.text, "not a regular file"));
}

static void test_load_file(void **state)
{
	char path[] = "/tmp/accel-test-XXXXXX";
	int fd = mkstemp(path);
	struct accel_model *model;
	struct image image;

	assert_true(fd >= 0);
	image_copy(&image);
	image_build(&image);
	assert_int_equal(write(fd, image.file, image.size), image.size);
	close(fd);
	assert_int_equal(accel_model_load(path, &model, NULL), 0);
	assert_string_equal(accel_model_info(model)->file, path);
	accel_model_release(model);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(accel_model_load(path, &model, NULL), -EINVAL);
	unlink(path);
	image_free(&image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_file),
		cmocka_unit_test(test_cpu_step),
		cmocka_unit_test(test_newer_file),
		cmocka_unit_test(test_note_of_8),
		cmocka_unit_test(test_longer_entries),
		cmocka_unit_test(test_damages),
		cmocka_unit_test(test_every_truncation),
		cmocka_unit_test(test_mutations),
		cmocka_unit_test(test_foreign_files),
		cmocka_unit_test(test_load_file),
	};

	return cmocka_run_group_tests_name("libaccel loader", tests, NULL, NULL);
}
