/* SPDX-License-Identifier: MIT */
/* What goes into a model: a picture, or bytes from files. */
#ifndef ACCEL_CLI_INPUT_H
#define ACCEL_CLI_INPUT_H

#include <accel/accel.h>
#include <accel/tasks.h>

#include "picture.h"

#define INPUT_MAX	64

/* "NAME_OR_INDEX=FILE", as given */
struct input_list {
	const char *args[INPUT_MAX];
	unsigned int count;
	int stream;			/* the files hold several inputs, one after another */
	unsigned long frame;		/* which of them */
};

/* How a picture gets into an input */
struct view {
	const struct accel_pixels *pixels;	/* NULL: bytes as they are, for 8-bit inputs */
	int letterbox;				/* in its proportions; else stretched */
};

/* Where the input's pixels are in the picture */
void input_map(const struct view *view, const struct picture *picture, uint32_t width,
	       uint32_t height, struct accel_map *map);

/*
 * Fill all inputs of @inst: those that @raw names from files, and a picture
 * into the first other one that takes one. *@pictured: its index, or -1.
 * @picture: rgb NULL: none. 0, or -1 after a message.
 */
int input_fill(struct accel_instance *inst, const struct accel_model *model,
	       const struct input_list *raw, const struct view *view,
	       const struct picture *picture, const char *path, int *pictured);

/*
 * Fill an input of [1, height, width, 3 or 1], or with the channels before the
 * height. One channel is the luma. Without @view's pixels, uint8 gets the bytes
 * of the resized picture, int8 the same less 128; else their values, quantized
 * as the tensor says. 0, or -1 after a message.
 */
int input_from_picture(const struct picture *picture, const char *path, const struct view *view,
		       const struct accel_tensor *tensor, void *data);

/* How many inputs the files of a stream hold, all as many. 0, or -1 after a message */
int input_frames(const struct accel_model *model, const struct input_list *raw,
		 unsigned long *frames);

/* Whole file of bytes, or more of them at its end. 0, or -1 after a message */
int write_bytes(const char *path, int append, const void *data, size_t size);

#endif
