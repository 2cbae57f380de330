/* SPDX-License-Identifier: MIT */
/* What the test programs here share: files, and shapes and values on the command line. */
#ifndef TESTS_ONNX_GIVEN_H
#define TESTS_ONNX_GIVEN_H

#include "include/enpu-compiler.h"

#define MAX_GIVEN	16
#define MAX_GIVEN_DIMS	8

struct file {
	void *data;
	size_t size;
};

/* 0, or 1 after a message. */
int file_read(const char *path, struct file *file);

struct given {
	struct enpu_input_shape shapes[MAX_GIVEN];
	struct enpu_input_value values[MAX_GIVEN];
	int32_t dims[MAX_GIVEN][MAX_GIVEN_DIMS];
	double numbers[MAX_GIVEN];
	unsigned int n_shapes, n_values;
};

/* NAME=1x3x64x64 fixes a shape, NAME=:VALUE a value; both change the arguments. */
int given_parse(struct given *given, int argc, char **argv);
void given_set(const struct given *given, struct enpu_compile_options *opts);

#endif
