/* SPDX-License-Identifier: MIT */
/* Pictures: 8-bit RGB in memory; JPEG and PNG in files. */
#ifndef ACCEL_CLI_PICTURE_H
#define ACCEL_CLI_PICTURE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* A hostile file must not take all memory: no more than this is decoded. */
#define PICTURE_MAX_SIDE	16384
#define PICTURE_MAX_PIXELS	(64u << 20)

struct picture {
	uint32_t width;
	uint32_t height;
	unsigned char *rgb;		/* rows from the top, without padding; free() */
};

/* Functions return 0, or -1 after a message on stderr that names the file. */

/* By what the file is, not what it is called. Grey becomes RGB, alpha is ignored. */
int picture_load(const char *path, struct picture *picture);
int picture_write_png(const char *path, const struct picture *picture);

/*
 * Bilinear, with pixel centres at half coordinates, edges repeated, and
 * without antialiasing, as TensorFlow's resize with half_pixel_centers; in
 * integer arithmetic with weights of 1/2048, so that every machine gives the
 * same bytes. @to: width and height are set; rgb is allocated.
 */
int picture_resize(const struct picture *from, struct picture *to);

/* Allocates for width and height, which are within the limits */
int picture_alloc(struct picture *picture, const char *path);

int picture_read_jpeg(FILE *file, const char *path, struct picture *picture);
int picture_read_png(FILE *file, const char *path, struct picture *picture);

#endif
