/* SPDX-License-Identifier: MIT */
/* Options of `accel compile` that quantize a float model and verify what comes out. */
#ifndef ACCEL_CLI_CALIBRATE_H
#define ACCEL_CLI_CALIBRATE_H

#include <accel/accel.h>
#include <getopt.h>

#include "samples.h"

enum {
	OPT_CALIBRATE = 512, OPT_VERIFY, OPT_MAX_DROP, OPT_RANGES, OPT_PERCENTILE, OPT_ROUNDING,
	OPT_MEAN, OPT_STD, OPT_LAYOUT, OPT_SAMPLES, OPT_VERIFY_SAMPLES, OPT_LAYER_SAMPLES,
	OPT_INT16, OPT_INT16_WEIGHTS, OPT_INT4, OPT_EQUALIZE, OPT_NO_BIAS_CORRECTION,
};

#define CALIBRATE_LONGS \
	{ "calibrate", required_argument, NULL, OPT_CALIBRATE }, \
	{ "verify", required_argument, NULL, OPT_VERIFY }, \
	{ "max-drop", required_argument, NULL, OPT_MAX_DROP }, \
	{ "ranges", required_argument, NULL, OPT_RANGES }, \
	{ "percentile", required_argument, NULL, OPT_PERCENTILE }, \
	{ "rounding", required_argument, NULL, OPT_ROUNDING }, \
	{ "mean", required_argument, NULL, OPT_MEAN }, \
	{ "std", required_argument, NULL, OPT_STD }, \
	{ "layout", required_argument, NULL, OPT_LAYOUT }, \
	{ "samples", required_argument, NULL, OPT_SAMPLES }, \
	{ "verify-samples", required_argument, NULL, OPT_VERIFY_SAMPLES }, \
	{ "layer-samples", required_argument, NULL, OPT_LAYER_SAMPLES }, \
	{ "int16", required_argument, NULL, OPT_INT16 }, \
	{ "int16-weights", required_argument, NULL, OPT_INT16_WEIGHTS }, \
	{ "int4", required_argument, NULL, OPT_INT4 }, \
	{ "equalize", no_argument, NULL, OPT_EQUALIZE }, \
	{ "no-bias-correction", no_argument, NULL, OPT_NO_BIAS_CORRECTION }

#define CALIBRATE_HELP \
	"      --calibrate DIR quantize a float model by what it does with the samples in DIR:\n" \
	"                      JPEG, PNG, or .npy whose first dimension counts samples\n" \
	"      --verify DIR    compare with the float model on samples that DIR has\n" \
	"      --max-drop X    fail with exit code 3 if it loses more than X points\n" \
	"      --device DEVICE to verify on (default sim)\n" \
	"      --mean R,G,B    of pixels from 0 to 255 (default 0), and\n" \
	"      --std R,G,B     their deviation (default 255): the model gets (pixel - mean) / std\n" \
	"      --layout ORDER  rgb (default) or bgr\n" \
	"      --samples N     calibrate with N of the samples\n" \
	"      --verify-samples N  verify with N of the samples\n" \
	"      --layer-samples N   compare every layer on N samples (default 4; 0: none)\n" \
	"      --ranges METHOD mse (default), minmax, percentile, kl\n" \
	"      --percentile P  for --ranges percentile (default 99.99)\n" \
	"      --rounding HOW  adaround (default), nearest\n" \
	"      --int16 PERCENT 16 bits where 8 cost most, for PERCENT of the work (default 0)\n" \
	"      --int16-weights PERCENT  weights of 16 bits, which do the work twice, where 8 cost\n" \
	"                      most, for PERCENT of the multiply-accumulates (default 0)\n" \
	"      --int4 PERCENT  4 bits for PERCENT of the weights, where they cost least (default 0)\n" \
	"      --equalize      make channels alike across layers\n" \
	"      --no-bias-correction  keep the biases as they are\n"

struct calibration {
	struct samples learn, exam;
	const char *device;
	double max_drop;		/* negative: none */
	uint32_t layer_samples;
	int asked;			/* an option says more than --calibrate */
	struct enpu_quantize_options quantize;
	struct enpu_verify_options verify;
	struct enpu_accuracy accuracy;
	struct enpu_samples sources[2];
	struct enpu_runner runner;
	struct accel_device *dev;
};

void calibration_init(struct calibration *c);
void calibration_free(struct calibration *c);
/* An option of CALIBRATE_LONGS with optarg. An exit code */
int calibration_option(struct calibration *c, int opt);
/* When all options are read: whether they fit together; fills in @opts. An exit code */
int calibration_set_up(struct calibration *c, struct enpu_compile_options *opts);
/* Shows what verification found, but not on JSON's stdout. CLI_OK, or CLI_DROP after a message */
int calibration_judge(const struct calibration *c, const char *model, int json);

#endif
