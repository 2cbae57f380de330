// SPDX-License-Identifier: MIT
/* Building compiled models: tables first, then the ELF file around them. */
#include "image.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

uint32_t image_string(struct image *image, const char *string)
{
	size_t at = image->strings_size;

	memcpy(image->strings + at, string, strlen(string) + 1);
	image->strings_size += strlen(string) + 1;
	return (uint32_t)at;
}

static void append_copy(struct image *image, uint32_t layer, uint8_t from, uint64_t from_offset,
			uint8_t to, uint64_t to_offset, uint32_t length)
{
	struct enpu_cmd_dma copy = {
		.cmd = {
			.opcode = ENPU_OP_DMA_COPY,
			.engine = ENPU_ENGINE_DMA0,
			.size = sizeof(copy),
			.layer = layer,
		},
		.src = { .region = from, .offset = from_offset },
		.dst = { .region = to, .offset = to_offset },
		.length = length,
		.count = { 1, 1, 1, 1 },
	};

	memcpy(image->stream + image->stream_size, &copy, sizeof(copy));
	image->stream_size += sizeof(copy);
}

void image_add_copy(struct image *image, const char *name, uint32_t layer, uint8_t from,
		    uint64_t from_offset, uint8_t to, uint64_t to_offset, uint32_t length)
{
	struct enpu_model_step *step = &image->steps[image->num_steps++];

	step->kind = ENPU_STEP_NPU;
	step->name = image_string(image, name);
	step->offset = image->stream_size;
	append_copy(image, layer, from, from_offset, to, to_offset, length);
	step->size = image->stream_size - step->offset;
}

static void start(struct image *image)
{
	memset(image, 0, sizeof(*image));
	image_string(image, "");
	image->info = (struct enpu_model_info){
		.format = ENPU_MODEL_FORMAT,
		.format_min = 1,
		.arch_version = ENPU_VERSION_1_0,
		.opcodes = UINT64_C(1) << ENPU_OP_DMA_COPY,
		.preset = image_string(image, "enpu-512"),
		.compiler = image_string(image, "by hand 1"),
		.source = image_string(image, "dir/hand.tflite"),
		.estimated_cycles = 1234,
	};
	image->layers[0] = (struct enpu_model_layer){
		.name = image_string(image, "copy_out"),
		.type = image_string(image, "CONV_2D"),
		.source_index = 7,
	};
	image->num_layers = 1;
}

static struct enpu_model_tensor *add_tensor(struct image *image, const char *name,
					    enum enpu_tensor_role role, enum enpu_dtype dtype,
					    uint32_t region, uint64_t offset)
{
	struct enpu_model_tensor *tensor = &image->tensors[image->num_tensors++];

	tensor->name = image_string(image, name);
	tensor->role = (uint8_t)role;
	tensor->dtype = (uint8_t)dtype;
	tensor->region = region;
	tensor->offset = offset;
	for (unsigned int i = 0; i < ENPU_MAX_RANK; i++)
		tensor->dims[i] = 1;
	return tensor;
}

static void set_dims(struct enpu_model_tensor *tensor, uint8_t rank, uint32_t d1, uint32_t d2)
{
	tensor->rank = rank;
	tensor->dims[1] = d1;
	tensor->dims[2] = d2;
	tensor->size = (uint64_t)d1 * d2 * (tensor->dtype == ENPU_F32 ? 4 : 1);
}

void image_copy(struct image *image)
{
	struct enpu_model_tensor *tensor;

	start(image);
	image->num_regions = 4;
	image->regions[COPY_INPUT] = (struct enpu_model_region){ ENPU_ROLE_INPUT, 0, COPY_SIZE };
	image->regions[COPY_WEIGHTS] =
		(struct enpu_model_region){ ENPU_ROLE_CONSTANT, 0, COPY_SIZE };
	image->regions[COPY_OUTPUT] = (struct enpu_model_region){ ENPU_ROLE_OUTPUT, 0, COPY_SIZE };
	image->regions[COPY_SCRATCH] = (struct enpu_model_region){ ENPU_ROLE_SCRATCH, 0, 5000 };
	tensor = add_tensor(image, "pixels", ENPU_TENSOR_INPUT, ENPU_U8, COPY_INPUT, 0);
	set_dims(tensor, 2, COPY_SIZE, 1);
	tensor->scale = 0.5f;
	tensor->zero_point = 3;
	tensor = add_tensor(image, "result", ENPU_TENSOR_OUTPUT, ENPU_U8, COPY_OUTPUT, 0);
	set_dims(tensor, 2, COPY_SIZE, 1);
	tensor->scale = 0.5f;
	tensor->zero_point = 3;
	image->data_region = COPY_WEIGHTS;
	image->data_size = COPY_SIZE;
	for (unsigned int i = 0; i < COPY_SIZE; i++)
		image->data[i] = (unsigned char)(100 + i);
	image_add_copy(image, "npu", 0, COPY_INPUT, 0, COPY_OUTPUT, 0, 32);
	append_copy(image, 0, COPY_WEIGHTS, 0, COPY_OUTPUT, 32, 32);
	image->steps[0].size = image->stream_size;
}

static void add_detection(struct image *image)
{
	struct enpu_model_step *step = &image->steps[image->num_steps++];
	struct enpu_detection_params params = {
		.max_detections = DETECT_SLOTS,
		.max_classes_per_detection = 1,
		.num_classes = DETECT_CLASSES,
		.num_anchors = DETECT_ANCHORS,
		.score_threshold = 0.25f,
		.iou_threshold = 0.5f,
		.y_scale = 1, .x_scale = 1, .h_scale = 1, .w_scale = 1,
	};
	float *anchors = (float *)(image->params + sizeof(params));

	memcpy(image->params, &params, sizeof(params));
	for (unsigned int i = 0; i < 4 * DETECT_ANCHORS; i++)
		anchors[i] = i % 4 < 2 ? 0 : 1;
	image->params_size = sizeof(params) + 16 * DETECT_ANCHORS;
	*step = (struct enpu_model_step){
		.kind = ENPU_STEP_CPU,
		.name = image_string(image, "postprocess"),
		.op = ENPU_CPU_DETECTION_POSTPROCESS,
		.size = image->params_size,
		.num_inputs = 2,
		.num_outputs = 4,
		.inputs = { 2, 3 },
		.outputs = { 4, 5, 6, 7 },
	};
}

void image_detect(struct image *image)
{
	const uint32_t boxes = DETECT_ANCHORS * 16;
	const uint32_t scores = DETECT_ANCHORS * (DETECT_CLASSES + 1) * 4;

	start(image);
	image->num_regions = 4;
	image->regions[DETECT_BOXES] = (struct enpu_model_region){ ENPU_ROLE_INPUT, 0, boxes };
	image->regions[DETECT_SCORES] = (struct enpu_model_region){ ENPU_ROLE_INPUT, 0, scores };
	image->regions[DETECT_SCRATCH] = (struct enpu_model_region){ ENPU_ROLE_SCRATCH, 0, 256 };
	image->regions[DETECT_OUTPUT] = (struct enpu_model_region){ ENPU_ROLE_OUTPUT, 0, 128 };
	set_dims(add_tensor(image, "boxes", ENPU_TENSOR_INPUT, ENPU_F32, DETECT_BOXES, 0), 3,
		 DETECT_ANCHORS, 4);
	set_dims(add_tensor(image, "scores", ENPU_TENSOR_INPUT, ENPU_F32, DETECT_SCORES, 0), 3,
		 DETECT_ANCHORS, DETECT_CLASSES + 1);
	set_dims(add_tensor(image, "b", ENPU_TENSOR_INTERMEDIATE, ENPU_F32, DETECT_SCRATCH, 0), 3,
		 DETECT_ANCHORS, 4);
	set_dims(add_tensor(image, "s", ENPU_TENSOR_INTERMEDIATE, ENPU_F32, DETECT_SCRATCH, 128),
		 3, DETECT_ANCHORS, DETECT_CLASSES + 1);
	set_dims(add_tensor(image, "o0", ENPU_TENSOR_OUTPUT, ENPU_F32, DETECT_OUTPUT, 0), 3,
		 DETECT_SLOTS, 4);
	set_dims(add_tensor(image, "o1", ENPU_TENSOR_OUTPUT, ENPU_F32, DETECT_OUTPUT, 48), 2,
		 DETECT_SLOTS, 1);
	set_dims(add_tensor(image, "o2", ENPU_TENSOR_OUTPUT, ENPU_F32, DETECT_OUTPUT, 60), 2,
		 DETECT_SLOTS, 1);
	set_dims(add_tensor(image, "o3", ENPU_TENSOR_OUTPUT, ENPU_F32, DETECT_OUTPUT, 72), 1, 1, 1);
	image_add_copy(image, "first", 0, DETECT_BOXES, 0, DETECT_SCRATCH, 0, boxes);
	append_copy(image, 0, DETECT_SCORES, 0, DETECT_SCRATCH, 128, scores);
	image->steps[0].size = image->stream_size;
	add_detection(image);
	image_add_copy(image, "last", 0, DETECT_OUTPUT, 0, DETECT_SCRATCH, 0, 4);
}

struct layout {
	struct image *image;
	Elf64_Shdr heads[IMAGE_SECTIONS];
	char names[256];
	size_t names_size;
};

static void add(struct layout *layout, enum image_section index, const char *name, uint32_t type,
		const void *data, size_t size, size_t align)
{
	struct image *image = layout->image;
	Elf64_Shdr *head = &layout->heads[index];

	image->size = (image->size + align - 1) / align * align;
	head->sh_name = (Elf64_Word)layout->names_size;
	head->sh_type = type;
	head->sh_offset = image->size;
	head->sh_size = size;
	head->sh_addralign = align;
	memcpy(layout->names + layout->names_size, name, strlen(name) + 1);
	layout->names_size += strlen(name) + 1;
	if (size)
		memcpy(image->file + image->size, data, size);
	image->size += size;
}

static void add_note(struct layout *layout)
{
	const Elf64_Nhdr head = {
		sizeof(ENPU_NOTE_NAME), sizeof(struct enpu_model_info), ENPU_NOTE_INFO,
	};
	const size_t align = layout->image->note_align == 8 ? 8 : 4;
	const size_t body = (sizeof(head) + sizeof(ENPU_NOTE_NAME) + align - 1) / align * align;
	unsigned char note[24 + sizeof(struct enpu_model_info)] = { 0 };

	memcpy(note, &head, sizeof(head));
	memcpy(note + sizeof(head), ENPU_NOTE_NAME, sizeof(ENPU_NOTE_NAME));
	memcpy(note + body, &layout->image->info, sizeof(layout->image->info));
	add(layout, IMAGE_NOTE, ".note.enpu", SHT_NOTE, note,
	    body + sizeof(layout->image->info), align);
}

static void finish(struct layout *layout)
{
	struct image *image = layout->image;
	Elf64_Ehdr head = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ENPU_ELF_TYPE,
		.e_machine = ENPU_ELF_MACHINE,
		.e_version = EV_CURRENT,
		.e_ehsize = sizeof(head),
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = IMAGE_SECTIONS,
		.e_shstrndx = IMAGE_NAMES,
	};

	layout->heads[IMAGE_NAMES].sh_size = layout->names_size;
	memcpy(image->file + layout->heads[IMAGE_NAMES].sh_offset, layout->names,
	       layout->names_size);
	image->size = (image->size + layout->names_size + 7) / 8 * 8;
	head.e_shoff = image->size;
	memcpy(image->file + image->size, layout->heads, sizeof(layout->heads));
	image->size += sizeof(layout->heads);
	memcpy(image->file, &head, sizeof(head));
}

void image_build(struct image *image)
{
	struct layout layout = { .image = image, .names_size = 1 };

	free(image->file);
	image->file = calloc(1, 65536);
	image->size = sizeof(Elf64_Ehdr);
	add_note(&layout);
	add(&layout, IMAGE_STREAM, ".enpu.stream", ENPU_SHT_STREAM, image->stream,
	    image->stream_size, 8);
	add(&layout, IMAGE_REGIONS, ".enpu.regions", ENPU_SHT_REGIONS, image->regions,
	    image->num_regions * sizeof(image->regions[0]), 8);
	add(&layout, IMAGE_TENSORS, ".enpu.tensors", ENPU_SHT_TENSORS, image->tensors,
	    image->num_tensors * sizeof(image->tensors[0]), 8);
	add(&layout, IMAGE_STEPS, ".enpu.steps", ENPU_SHT_STEPS, image->steps,
	    image->num_steps * sizeof(image->steps[0]), 8);
	add(&layout, IMAGE_PARAMS, ".enpu.params", ENPU_SHT_PARAMS, image->params,
	    image->params_size, 8);
	add(&layout, IMAGE_LAYERS, ".enpu.layers", ENPU_SHT_LAYERS, image->layers,
	    image->num_layers * sizeof(image->layers[0]), 8);
	add(&layout, IMAGE_STRINGS, ENPU_SECTION_STRINGS, SHT_STRTAB, image->strings,
	    image->strings_size, 1);
	add(&layout, IMAGE_DATA, ".enpu.data", image->data_size ? ENPU_SHT_DATA : SHT_PROGBITS,
	    image->data, image->data_size, 4096);
	layout.heads[IMAGE_DATA].sh_info = image->data_region;
	add(&layout, IMAGE_UNKNOWN, ".later", 0x80004e77, "later", 5, 1);
	add(&layout, IMAGE_NAMES, ".shstrtab", SHT_STRTAB, NULL, 0, 1);
	finish(&layout);
}

void image_free(struct image *image)
{
	free(image->file);
	image->file = NULL;
}

void *image_header(struct image *image, enum image_section section)
{
	Elf64_Ehdr *head = (void *)image->file;

	return image->file + head->e_shoff + section * sizeof(Elf64_Shdr);
}

void *image_section(struct image *image, enum image_section section)
{
	Elf64_Shdr *head = image_header(image, section);

	return image->file + head->sh_offset;
}
