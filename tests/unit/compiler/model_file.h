/* SPDX-License-Identifier: MIT */
/*
 * A compiled model as the tests look at it: the tables of an .enpu file in memory,
 * found through its section headers, with every bound asserted.
 */
#ifndef TEST_MODEL_FILE_H
#define TEST_MODEL_FILE_H

#include <stddef.h>
#include <stdint.h>

#include <enpu/cmd.h>
#include <enpu/model.h>
#include <enpu/regs.h>

struct model_file {
	const uint8_t *data;
	size_t size;
	const uint8_t *stream, *params;
	uint64_t stream_size, params_size;
	const uint8_t *contents[ENPU_MAX_REGIONS];	/* of regions that have one, or NULL */
	uint64_t content_size[ENPU_MAX_REGIONS];
	const struct enpu_model_region *regions;
	const struct enpu_model_tensor *tensors;
	const struct enpu_model_step *steps;
	const struct enpu_model_layer *layers;
	unsigned int n_regions, n_tensors, n_steps, n_layers;
	const char *strings;
	uint64_t strings_size;
	const struct enpu_model_info *info;
};

/* NULL: fine; else what is wrong with the file. */
const char *model_file_open(struct model_file *m, const void *data, size_t size);

#endif
