/* SPDX-License-Identifier: MIT */
/* Arrays in NumPy's .npy files: the plain ones, little-endian, in C order. */
#ifndef ACCEL_CLI_NPY_H
#define ACCEL_CLI_NPY_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define NPY_MAX_RANK	8

struct npy {
	char type[24];			/* as the compiler calls it: "float32", "uint8", ... */
	unsigned int element_size;
	unsigned int rank;
	uint64_t dims[NPY_MAX_RANK];
	uint64_t elements;
	long offset;			/* of the first element in the file */
};

/* Reads the header of @file and checks it against the file's size. NULL, or what is wrong. */
const char *npy_read_header(FILE *file, struct npy *npy);

#endif
