// SPDX-License-Identifier: MIT
/*
 * Parts of a photograph as samples: squares of half to all of its shorter side, drawn by
 * lot, some mirrored, as an .npy file of floats. The same ones in every run.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "picture.h"
#include "preprocess.h"

static uint64_t lot;

static uint32_t draw(uint32_t n)
{
	lot = lot * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(((lot >> 32) * n) >> 32);
}

static int crop(const struct picture *from, struct picture *to)
{
	uint32_t shorter = from->width < from->height ? from->width : from->height;
	uint32_t side = shorter / 2 + draw(shorter - shorter / 2 + 1);
	uint32_t left = draw(from->width - side + 1), top = draw(from->height - side + 1);
	int mirrored = draw(2) == 1;

	*to = (struct picture){ .width = side, .height = side };
	if (picture_alloc(to, "part of a photograph"))
		return -1;
	for (uint32_t y = 0; y < side; y++)
		for (uint32_t x = 0; x < side; x++)
			memcpy(to->rgb + 3 * ((size_t)y * side + x),
			       from->rgb + 3 * ((size_t)(top + y) * from->width + left +
						(mirrored ? side - 1 - x : x)), 3);
	return 0;
}

static void write_header(FILE *out, int count, const int32_t *dims)
{
	char text[118 + 1];
	int used = snprintf(text, sizeof(text),
			    "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d, %d, %d), }",
			    count, dims[1], dims[2], dims[3]);

	memset(text + used, ' ', sizeof(text) - used);
	text[117] = '\n';
	fwrite("\x93NUMPY\x01\0\x76\0", 1, 10, out);
	fwrite(text, 1, 118, out);
}

/* PHOTO COUNT SEED MEAN STD OUT.npy CHANNELS-FIRST HEIGHT WIDTH */
int main(int argc, char **argv)
{
	struct preprocess how = PREPROCESS_DEFAULT;
	struct picture photo, part;
	int32_t dims[4] = { 1 };
	float *values;
	FILE *out;
	int count, planar;

	if (argc != 10) {
		fprintf(stderr, "usage: crops PHOTO COUNT SEED MEAN STD OUT.npy PLANAR HEIGHT WIDTH\n");
		return 2;
	}
	count = atoi(argv[2]);
	lot = strtoull(argv[3], NULL, 10);
	planar = atoi(argv[7]);
	dims[planar ? 1 : 3] = 3;
	dims[planar ? 2 : 1] = atoi(argv[8]);
	dims[planar ? 3 : 2] = atoi(argv[9]);
	values = calloc(3 * (size_t)atoi(argv[8]) * atoi(argv[9]), sizeof(*values));
	if (!values || preprocess_numbers(argv[4], how.mean) ||
	    preprocess_numbers(argv[5], how.std) || picture_load(argv[1], &photo))
		return 1;
	out = fopen(argv[6], "wb");
	if (!out)
		return 1;
	write_header(out, count, dims);
	for (int i = 0; i < count; i++) {
		if (crop(&photo, &part) || preprocess_picture(&how, &part, dims, values))
			return 1;
		fwrite(values, sizeof(*values), 3 * (size_t)atoi(argv[8]) * atoi(argv[9]), out);
		free(part.rgb);
	}
	free(photo.rgb);
	free(values);
	return fclose(out) ? 1 : 0;
}
