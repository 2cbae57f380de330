// SPDX-License-Identifier: MIT
/*
 * A user of libaccel that never trusts a result: it runs a compiled model
 * again and again on one input and compares every output with the expected
 * bytes. The end-to-end tests let such clients meet each other and every kind
 * of trouble. Says in one line what it saw; exit status 0: all as expected.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <accel/accel.h>

#include "mapping.h"

/* Seconds after which a client that makes no end is killed; machines may be slow */
#define TIME_LIMIT	180

static const char usage[] =
	"usage: e2e-client [OPTION...] MODEL INPUT OUTPUT...\n"
	"Run MODEL on the bytes of INPUT and compare with those of each OUTPUT.\n"
	"  --device ID     default drm:0\n"
	"  --jobs N        run N times (default 1)\n"
	"  --until FILE    run until FILE exists\n"
	"  --until-lost    run until the device is gone, and expect to be told so\n"
	"  --unmap         run a job with part of its weights unmapped, expect the fault's\n"
	"                  address, then run on with the weights back\n"
	"  --ready FILE    create FILE after the first right result\n";

struct options {
	const char *device;
	const char *ready;
	const char *until;
	uint64_t jobs;
	int until_lost;
	int unmap;
};

struct client {
	const char *name;		/* of the model's file */
	struct accel_device *dev;
	struct accel_model *model;
	struct accel_instance *inst;
	void **expected;		/* by output */
};

static void fail(const struct client *client, const char *what)
{
	printf("e2e-client: %s: %s\n", client->name, what);
	exit(1);
}

static void fail_error(const struct client *client, const struct accel_error *err)
{
	printf("e2e-client: %s: %s (%s)\n", client->name, err->text, strerror(-err->code));
	exit(1);
}

/* The bytes of a file that must have size of them */
static void *read_file(const struct client *client, const char *path, size_t size)
{
	FILE *file = fopen(path, "rb");
	char text[512];
	struct stat st;
	void *data;

	if (!file || fstat(fileno(file), &st)) {
		snprintf(text, sizeof(text), "%s: %s", path, strerror(errno));
		fail(client, text);
	}
	if ((size_t)st.st_size != size) {
		snprintf(text, sizeof(text), "%s: has %zu bytes, the tensor %zu", path,
			 (size_t)st.st_size, size);
		fail(client, text);
	}
	data = malloc(size);
	if (!data || fread(data, 1, size, file) != size) {
		snprintf(text, sizeof(text), "%s: cannot be read", path);
		fail(client, text);
	}
	fclose(file);
	return data;
}

static void set_up(struct client *client, const struct options *opts, char **paths, int num_paths)
{
	const struct accel_model_info *info;
	struct accel_error err;
	unsigned int i;
	void *input;

	if (accel_device_open(opts->device, &client->dev, &err) ||
	    accel_model_load(client->name, &client->model, &err) ||
	    accel_instance_create(client->model, client->dev, NULL, &client->inst, &err))
		fail_error(client, &err);
	info = accel_model_info(client->model);
	if (info->num_inputs != 1 || info->num_outputs != (unsigned int)num_paths - 1)
		fail(client, "needs one input file and one file for each output");

	input = read_file(client, paths[0], accel_model_input(client->model, 0)->size);
	memcpy(accel_instance_input(client->inst, 0), input,
	       accel_model_input(client->model, 0)->size);
	free(input);
	client->expected = calloc(info->num_outputs, sizeof(*client->expected));
	if (!client->expected)
		fail(client, "out of memory");
	for (i = 0; i < info->num_outputs; i++)
		client->expected[i] = read_file(client, paths[1 + i],
						accel_model_output(client->model, i)->size);
}

static void tear_down(struct client *client)
{
	unsigned int i;

	for (i = 0; i < accel_model_info(client->model)->num_outputs; i++)
		free(client->expected[i]);
	free(client->expected);
	accel_instance_release(client->inst);
	accel_model_release(client->model);
	accel_device_release(client->dev);
}

static void compare(const struct client *client, uint64_t job)
{
	unsigned int i;
	size_t at;

	for (i = 0; i < accel_model_info(client->model)->num_outputs; i++) {
		const struct accel_tensor *tensor = accel_model_output(client->model, i);
		const uint8_t *got = accel_instance_output(client->inst, i);
		const uint8_t *want = client->expected[i];
		char text[256];

		if (!memcmp(got, want, tensor->size))
			continue;
		for (at = 0; got[at] == want[at]; at++)
			;
		snprintf(text, sizeof(text),
			 "job %" PRIu64 ": output %u differs at byte %zu: %u, expected %u",
			 job, i, at, got[at], want[at]);
		fail(client, text);
	}
}

/* A job that must fail because the weights are gone, and must say where */
static void run_unmapped(struct client *client)
{
	const struct accel_fault *fault;
	struct accel_error err = { 0 };
	struct accel_job *job;
	struct mapping gone;
	char text[1024];
	int ret;

	if (mapping_take_away(&gone))
		fail(client, "cannot unmap the weights");
	if (accel_instance_submit(client->inst, 0, &job, &err))
		fail_error(client, &err);
	ret = accel_job_wait(job, ACCEL_FOREVER, &err);
	fault = accel_job_fault(job);
	if (ret != -EFAULT || !fault) {
		snprintf(text, sizeof(text), "a job with unmapped weights ended with %s, %s fault",
			 ret ? err.text : "success", fault ? "a" : "no");
		fail(client, text);
	}
	snprintf(text, sizeof(text), "0x%" PRIx64, fault->addr);
	if (fault->addr < gone.va || fault->addr - gone.va >= gone.size ||
	    !strstr(err.text, text)) {
		snprintf(text, sizeof(text), "unmapped 0x%" PRIx64 "-0x%" PRIx64
			 ", fault at 0x%" PRIx64 ", told: %s", gone.va, gone.va + gone.size,
			 fault->addr, err.text);
		fail(client, text);
	}
	printf("e2e-client: %s: told: %s\n", client->name, err.text);
	accel_job_release(job);
	if (mapping_put_back(&gone))
		fail(client, "cannot map the weights again");
}

static int device_lost(int code)
{
	return code == -ENODEV || code == -EIO || code == -ECANCELED;
}

static void run(struct client *client, const struct options *opts)
{
	struct accel_error err = { 0 };
	uint64_t job;

	if (opts->unmap)
		run_unmapped(client);
	for (job = 1; job <= opts->jobs; job++) {
		if (accel_instance_run(client->inst, &err)) {
			if (!opts->until_lost || !device_lost(err.code))
				fail_error(client, &err);
			printf("e2e-client: %s: %" PRIu64 " right results, then: %s\n",
			       client->name, job - 1, err.text);
			return;
		}
		compare(client, job);
		if (job == 1 && opts->ready) {
			FILE *file = fopen(opts->ready, "w");

			if (!file || fclose(file))
				fail(client, "cannot create the --ready file");
		}
		if (opts->until && !access(opts->until, F_OK)) {
			job++;
			break;
		}
	}
	printf("e2e-client: %s: %" PRIu64 " right results\n", client->name, job - 1);
}

static const struct option long_options[] = {
	{ "device", required_argument, NULL, 'd' },
	{ "jobs", required_argument, NULL, 'n' },
	{ "until", required_argument, NULL, 'f' },
	{ "until-lost", no_argument, NULL, 'l' },
	{ "unmap", no_argument, NULL, 'u' },
	{ "ready", required_argument, NULL, 'r' },
	{ NULL, 0, NULL, 0 }
};

int main(int argc, char **argv)
{
	struct options opts = { .device = "drm:0", .jobs = 1 };
	struct client client = { 0 };
	int opt;

	while ((opt = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (opt) {
		case 'd':
			opts.device = optarg;
			break;
		case 'n':
			opts.jobs = strtoull(optarg, NULL, 10);
			break;
		case 'f':
			opts.jobs = UINT64_MAX;
			opts.until = optarg;
			break;
		case 'l':
			opts.jobs = UINT64_MAX;
			opts.until_lost = 1;
			break;
		case 'u':
			opts.unmap = 1;
			break;
		case 'r':
			opts.ready = optarg;
			break;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (argc - optind < 3) {
		fputs(usage, stderr);
		return 2;
	}
	alarm(TIME_LIMIT);
	client.name = argv[optind];
	set_up(&client, &opts, argv + optind + 1, argc - optind - 1);
	run(&client, &opts);
	tear_down(&client);
	return 0;
}
