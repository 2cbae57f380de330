/* SPDX-License-Identifier: MIT */
/* What goes into a model: a picture, or bytes from files. */
#ifndef ACCEL_CLI_INPUT_H
#define ACCEL_CLI_INPUT_H

#include <accel/accel.h>

#include "picture.h"

#define INPUT_MAX	64

/* "NAME_OR_INDEX=FILE", as given */
struct input_list {
	const char *args[INPUT_MAX];
	unsigned int count;
};

/*
 * Fill all inputs of @inst: those that @raw names from files, and a picture
 * into the first other one that takes one. *@pictured: its index, or -1.
 * @picture: rgb NULL: none. 0, or -1 after a message.
 */
int input_fill(struct accel_instance *inst, const struct accel_model *model,
	       const struct input_list *raw, const struct picture *picture, const char *path,
	       int *pictured);

/*
 * Resize @picture to [1, height, width, 3 or 1] and write it to @data: uint8 as
 * it is, int8 less 128; a model of one channel gets the luma. 0, or -1 after a message.
 */
int input_from_picture(const struct picture *picture, const char *path,
		       const struct accel_tensor *tensor, void *data);

/* Whole file of bytes, 0, or -1 after a message */
int write_bytes(const char *path, const void *data, size_t size);

#endif
