/* SPDX-License-Identifier: MIT */
/*
 * Folders of samples: JPEG and PNG files, and .npy files whose first dimension counts
 * samples; for a model with several inputs, one folder for each in the folder. In folders
 * of a folder whose names are numbers, these are the samples' classes.
 */
#ifndef ACCEL_CLI_SAMPLES_H
#define ACCEL_CLI_SAMPLES_H

#include <enpu-compiler.h>

#include "preprocess.h"

struct sample {
	char *path;
	uint64_t record;		/* in an .npy file */
	int npy;
	int32_t label;			/* -1: none */
	uint8_t sha256[32];		/* of the picture's file, or of the record's bytes */
};

struct samples {
	const char *dir;
	struct preprocess preprocess;
	const struct samples *apart;	/* no sample of these may be among ours; NULL: none */
	uint32_t limit;			/* use that many, evenly spread; 0: all */
	struct sample *list;		/* in the order of names */
	size_t count;
};

/* For the compiler; @samples: dir, preprocess and apart are set, the rest is zero */
struct enpu_samples samples_source(struct samples *samples);
void samples_free(struct samples *samples);

#endif
