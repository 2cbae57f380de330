// SPDX-License-Identifier: MIT
/* Options for quantization and verification: see calibrate.h. */
#include "calibrate.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "gate.h"
#include "npu.h"

#define DEFAULT_LAYER_SAMPLES	4
#define MAX_SAMPLES		1000000

void calibration_init(struct calibration *c)
{
	*c = (struct calibration){
		.max_drop = -1, .layer_samples = DEFAULT_LAYER_SAMPLES, .device = "sim",
		.learn.preprocess = PREPROCESS_DEFAULT,
	};
}

void calibration_free(struct calibration *c)
{
	samples_free(&c->learn);
	samples_free(&c->exam);
	enpu_accuracy_free(&c->accuracy);
	accel_device_release(c->dev);
}

static int expected(const char *option, const char *what)
{
	return cli_usage(&compile_command, "compile: --%s: expected %s, got '%s'", option, what,
			 optarg);
}

static int set_real(const char *option, double max, double *value)
{
	char *end;

	*value = strtod(optarg, &end);
	if (end != optarg && !*end && *value >= 0 && *value <= max)
		return CLI_OK;
	return expected(option, "a number from 0 to 100");
}

static int set_count(const char *option, unsigned long min, uint32_t *value)
{
	unsigned long number;

	if (cli_number(optarg, min, MAX_SAMPLES, &number))
		return expected(option, "a number of samples");
	*value = (uint32_t)number;
	return CLI_OK;
}

static int choose(const char *option, const char *const *names, const char *what, int *value)
{
	for (int i = 0; names[i]; i++) {
		if (strcmp(optarg, names[i]) == 0) {
			*value = i;
			return CLI_OK;
		}
	}
	return expected(option, what);
}

static int set_ranges(struct calibration *c)
{
	static const char *const names[] = {
		[ENPU_RANGES_MSE] = "mse", [ENPU_RANGES_MINMAX] = "minmax",
		[ENPU_RANGES_PERCENTILE] = "percentile", [ENPU_RANGES_KL] = "kl", NULL,
	};
	int value = 0, ret = choose("ranges", names, "mse, minmax, percentile or kl", &value);

	c->quantize.ranges = value;
	return ret;
}

static int set_rounding(struct calibration *c)
{
	static const char *const names[] = {
		[ENPU_ROUNDING_ADAPTIVE] = "adaround", [ENPU_ROUNDING_NEAREST] = "nearest", NULL,
	};
	int value = 0, ret = choose("rounding", names, "adaround or nearest", &value);

	c->quantize.rounding = value;
	return ret;
}

static int set_numbers(const char *option, float values[3])
{
	if (preprocess_numbers(optarg, values))
		return expected(option, "one number or R,G,B");
	return CLI_OK;
}

static int set_std(struct calibration *c)
{
	int ret = set_numbers("std", c->learn.preprocess.std);

	for (int i = 0; i < 3 && !ret; i++)
		if (!(c->learn.preprocess.std[i] > 0))
			ret = expected("std", "positive numbers");
	return ret;
}

static int set_layout(struct calibration *c)
{
	return preprocess_layout(optarg, &c->learn.preprocess.bgr) ?
	       expected("layout", "rgb or bgr") : CLI_OK;
}

int calibration_option(struct calibration *c, int opt)
{
	c->asked |= opt != OPT_CALIBRATE;
	switch (opt) {
	case OPT_CALIBRATE:
		c->learn.dir = optarg;
		return CLI_OK;
	case OPT_VERIFY:
		c->exam.dir = optarg;
		return CLI_OK;
	case OPT_MAX_DROP:
		return set_real("max-drop", 100, &c->max_drop);
	case OPT_RANGES:
		return set_ranges(c);
	case OPT_PERCENTILE:
		return set_real("percentile", 100, &c->quantize.percentile);
	case OPT_ROUNDING:
		return set_rounding(c);
	case OPT_MEAN:
		return set_numbers("mean", c->learn.preprocess.mean);
	case OPT_STD:
		return set_std(c);
	case OPT_LAYOUT:
		return set_layout(c);
	case OPT_SAMPLES:
		return set_count("samples", 1, &c->learn.limit);
	case OPT_VERIFY_SAMPLES:
		return set_count("verify-samples", 1, &c->exam.limit);
	case OPT_LAYER_SAMPLES:
		return set_count("layer-samples", 0, &c->layer_samples);
	case OPT_INT16:
		return set_real("int16", 100, &c->quantize.int16_percent);
	case OPT_INT16_WEIGHTS:
		return set_real("int16-weights", 100, &c->quantize.wide_weights_percent);
	case OPT_INT4:
		return set_real("int4", 100, &c->quantize.int4_percent);
	case OPT_EQUALIZE:
		c->quantize.equalize = true;
		return CLI_OK;
	default:
		c->quantize.keep_bias = true;
		return CLI_OK;
	}
}

static int set_up_exam(struct calibration *c, struct enpu_compile_options *opts)
{
	struct accel_error err;

	if (accel_device_open(c->device, &c->dev, &err))
		return cli_error("%s", err.text);
	c->exam.preprocess = c->learn.preprocess;
	c->exam.apart = &c->learn;
	c->sources[1] = samples_source(&c->exam);
	c->runner = npu_runner(c->dev);
	c->verify = (struct enpu_verify_options){
		.samples = &c->sources[1], .runner = &c->runner,
		.layer_samples = c->layer_samples,
	};
	opts->verify = &c->verify;
	opts->accuracy = &c->accuracy;
	return CLI_OK;
}

int calibration_set_up(struct calibration *c, struct enpu_compile_options *opts)
{
	if (!c->learn.dir && c->asked)
		return cli_usage(&compile_command, "compile: options for quantization need --calibrate");
	if (c->max_drop >= 0 && !c->exam.dir)
		return cli_usage(&compile_command, "compile: --max-drop needs --verify");
	if (!c->learn.dir)
		return CLI_OK;
	c->sources[0] = samples_source(&c->learn);
	c->quantize.samples = &c->sources[0];
	opts->quantize = &c->quantize;
	return c->exam.dir ? set_up_exam(c, opts) : CLI_OK;
}

int calibration_judge(const struct calibration *c, const char *model, int json)
{
	double drop;

	if (!c->exam.dir)
		return CLI_OK;
	if (!json)
		gate_print(&c->accuracy, stdout);
	drop = gate_drop(&c->accuracy);
	if (c->max_drop < 0 || drop <= c->max_drop)
		return CLI_OK;
	cli_error("%s: the accuracy drops by %.3f points, more than the %g that are allowed: nothing is written",
		  model, drop, c->max_drop);
	return CLI_DROP;
}
