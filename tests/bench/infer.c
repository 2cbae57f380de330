// SPDX-License-Identifier: MIT
/*
 * How long an inference takes, as a program that uses libaccel sees it:
 *
 *	bench-infer DEVICE MODEL RUNS
 *
 * The input is all zeros: no command's time depends on values. Prints lines of
 * NAME VALUE: min_us, median_us and max_us of RUNS runs after a first one, and
 * from one more run with a profile what the NPU counted.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <accel/accel.h>

static void die(const struct accel_error *err)
{
	fprintf(stderr, "bench-infer: %s\n", err->text);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void time_runs(struct accel_instance *inst, unsigned int runs)
{
	uint64_t *took = calloc(runs, sizeof(*took));
	struct accel_error err;
	unsigned int i;

	if (!took) {
		fprintf(stderr, "bench-infer: out of memory\n");
		exit(1);
	}
	if (accel_instance_run(inst, &err))
		die(&err);
	for (i = 0; i < runs; i++) {
		uint64_t start = now_ns();

		if (accel_instance_run(inst, &err))
			die(&err);
		took[i] = now_ns() - start;
	}
	qsort(took, runs, sizeof(*took), by_value);
	printf("min_us %" PRIu64 "\nmedian_us %" PRIu64 "\nmax_us %" PRIu64 "\n",
	       took[0] / 1000, took[runs / 2] / 1000, took[runs - 1] / 1000);
	free(took);
}

static void profile_run(struct accel_instance *inst)
{
	const struct accel_profile *profile;
	struct accel_error err;
	struct accel_job *job;

	if (accel_instance_submit(inst, ACCEL_SUBMIT_PROFILE, &job, &err) ||
	    accel_job_wait(job, ACCEL_FOREVER, &err))
		die(&err);
	profile = accel_job_profile(job);
	printf("cycles %" PRIu64 "\nmac_cycles %" PRIu64 "\nvector_cycles %" PRIu64 "\n",
	       profile->cycles, profile->engine_cycles[2], profile->engine_cycles[3]);
	printf("macs %" PRIu64 "\ndram_bytes %" PRIu64 "\nsram_bytes %" PRIu64 "\n",
	       profile->macs, profile->dram_read + profile->dram_written,
	       profile->sram_read + profile->sram_written);
	printf("commands %" PRIu64 "\n", profile->commands);
	accel_job_release(job);
}

int main(int argc, char **argv)
{
	unsigned int runs = argc == 4 ? (unsigned int)strtoul(argv[3], NULL, 10) : 0;
	struct accel_instance *inst;
	struct accel_device *dev;
	struct accel_model *model;
	struct accel_error err;

	if (!runs) {
		fprintf(stderr, "usage: bench-infer DEVICE MODEL RUNS\n");
		return 2;
	}
	if (accel_device_open(argv[1], &dev, &err) ||
	    accel_model_load(argv[2], &model, &err) ||
	    accel_instance_create(model, dev, NULL, &inst, &err))
		die(&err);
	time_runs(inst, runs);
	profile_run(inst);
	printf("device_macs %" PRIu32 "\nsram_bandwidth %" PRIu32 "\ndram_bandwidth %" PRIu32 "\n",
	       accel_device_info(dev)->macs, accel_device_info(dev)->sram_bandwidth,
	       accel_device_info(dev)->dram_bandwidth);
	accel_instance_release(inst);
	accel_model_release(model);
	accel_device_release(dev);
	return 0;
}
