/* SPDX-License-Identifier: MIT */
/* From pixels to what a float model was trained on: (pixel - mean) / std. */
#ifndef ACCEL_CLI_PREPROCESS_H
#define ACCEL_CLI_PREPROCESS_H

#include <stdint.h>

#include "picture.h"

/* Means and deviations are of pixels from 0 to 255, in the order of the model's channels. */
struct preprocess {
	float mean[3], std[3];
	int bgr;			/* the model's first channel is blue */
};

#define PREPROCESS_DEFAULT	((struct preprocess){ { 0, 0, 0 }, { 255, 255, 255 }, 0 })

/* "R,G,B" or one number for all; 0, or -1 if @text is neither */
int preprocess_numbers(const char *text, float values[3]);
/* "rgb" or "bgr"; 0, or -1 */
int preprocess_layout(const char *text, int *bgr);

/*
 * Whether a picture fits into a tensor of these dimensions: images of 1 or 3 channels,
 * which come last, or first (*@planar). Of a batch each image is the picture.
 */
int preprocess_fits(uint32_t rank, const int32_t *dims, int *planar);

/* Resize @picture and fill @values, a tensor that fits. 0, or -1 after a message */
int preprocess_picture(const struct preprocess *how, const struct picture *picture,
		       const int32_t *dims, float *values);

#endif
