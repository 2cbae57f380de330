/* SPDX-License-Identifier: MIT */
/*
 * Compiled models built by hand. A test fills in or spoils the tables of
 * struct image, and image_build() lays them out as a file.
 */
#ifndef TEST_IMAGE_H
#define TEST_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include <enpu/cmd.h>
#include <enpu/model.h>
#include <enpu/regs.h>

#define IMAGE_MAX	8

struct image {
	struct enpu_model_info info;
	struct enpu_model_region regions[IMAGE_MAX];
	unsigned int num_regions;
	struct enpu_model_tensor tensors[IMAGE_MAX];
	unsigned int num_tensors;
	struct enpu_model_step steps[IMAGE_MAX];
	unsigned int num_steps;
	struct enpu_model_layer layers[IMAGE_MAX];
	unsigned int num_layers;
	_Alignas(8) unsigned char stream[4096];
	size_t stream_size;
	_Alignas(8) unsigned char params[4096];
	size_t params_size;
	unsigned char data[4096];	/* content of region data_region */
	size_t data_size;
	uint32_t data_region;
	char strings[512];
	size_t strings_size;
	unsigned int note_align;	/* 8; else 4 */

	/* Filled in by image_build() */
	unsigned char *file;
	size_t size;
};

/* Sections in the order of the file; the section header's index */
enum image_section {
	IMAGE_NULL, IMAGE_NOTE, IMAGE_STREAM, IMAGE_REGIONS, IMAGE_TENSORS, IMAGE_STEPS,
	IMAGE_PARAMS, IMAGE_LAYERS, IMAGE_STRINGS, IMAGE_DATA, IMAGE_UNKNOWN, IMAGE_NAMES,
	IMAGE_SECTIONS
};

/* Region indices of image_copy() */
enum { COPY_INPUT, COPY_WEIGHTS, COPY_OUTPUT, COPY_SCRATCH };
#define COPY_SIZE	64

/*
 * A model of one NPU step: output = 32 bytes of input, then 32 of weights,
 * which count from 100. Input and output are uint8 [1, 64], scale 0.5, zero point 3.
 */
void image_copy(struct image *image);

/* Region indices of image_detect() */
enum { DETECT_BOXES, DETECT_SCORES, DETECT_SCRATCH, DETECT_OUTPUT };
#define DETECT_ANCHORS	4
#define DETECT_CLASSES	2
#define DETECT_SLOTS	3

/*
 * An NPU step that copies float boxes [1, 4, 4] and scores [1, 4, 3] to scratch,
 * a detection step on the CPU, and an NPU step that does nothing.
 */
void image_detect(struct image *image);

uint32_t image_string(struct image *image, const char *string);
/* Appends a step of one DMA_COPY; @layer: for fault reports */
void image_add_copy(struct image *image, const char *name, uint32_t layer, uint8_t from,
		    uint64_t from_offset, uint8_t to, uint64_t to_offset, uint32_t length);

void image_build(struct image *image);
void image_free(struct image *image);
/* A field of a built file's section header */
void *image_header(struct image *image, enum image_section section);
void *image_section(struct image *image, enum image_section section);

#endif
