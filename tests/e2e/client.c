// SPDX-License-Identifier: MIT
/*
 * A user of libaccel that never trusts a result: it runs a compiled model
 * again and again on one input and compares every output with the expected
 * bytes. The end-to-end tests let such clients meet each other and every kind
 * of trouble. Says in one line what it saw; exit status 0: all as expected.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <accel/accel.h>

#include "mapping.h"
#include "progress.h"

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
	"  --ready FILE    create FILE after the first right result\n"
	"  --storm FILE:N  whatever happens, begin anew and go on, until FILE (struct progress,\n"
	"                  where this is client N) says stop; only wrong results are fatal, and\n"
	"                  errors that nobody has promised\n";

struct options {
	const char *device;
	const char *ready;
	const char *until;
	uint64_t jobs;
	int until_lost;
	int unmap;
	struct progress *storm;
	struct client_progress *progress;
};

struct client {
	const char *name;		/* of the model's file */
	struct accel_device *dev;
	struct accel_model *model;
	struct accel_instance *inst;
	void *input;
	void **expected;		/* by output */
	unsigned int num_expected;
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

static void close_all(struct client *client)
{
	accel_instance_release(client->inst);
	accel_model_release(client->model);
	accel_device_release(client->dev);
	client->inst = NULL;
	client->model = NULL;
	client->dev = NULL;
}

/* Everything that needs the device; 0, or a negative errno and nothing is held. */
static int open_all(struct client *client, const char *device, struct accel_error *err)
{
	int ret = accel_device_open(device, &client->dev, err);

	if (!ret)
		ret = accel_model_load(client->name, &client->model, err);
	if (!ret)
		ret = accel_instance_create(client->model, client->dev, NULL, &client->inst, err);
	if (ret)
		close_all(client);
	return ret;
}

/* Input and expected output; the former is lost with the instance. */
static void read_files(struct client *client, char **paths, int num_paths)
{
	const struct accel_model_info *info = accel_model_info(client->model);
	size_t size;
	unsigned int i;

	if (info->num_inputs != 1 || info->num_outputs != (unsigned int)num_paths - 1)
		fail(client, "needs one input file and one file for each output");

	size = accel_model_input(client->model, 0)->size;
	client->input = read_file(client, paths[0], size);
	client->num_expected = info->num_outputs;
	client->expected = calloc(info->num_outputs, sizeof(*client->expected));
	if (!client->expected)
		fail(client, "out of memory");
	for (i = 0; i < info->num_outputs; i++)
		client->expected[i] = read_file(client, paths[1 + i],
						accel_model_output(client->model, i)->size);
}

static void set_input(struct client *client)
{
	memcpy(accel_instance_input(client->inst, 0), client->input,
	       accel_model_input(client->model, 0)->size);
}

static void set_up(struct client *client, const struct options *opts, char **paths, int num_paths)
{
	struct accel_error err;

	if (open_all(client, opts->device, &err))
		fail_error(client, &err);
	read_files(client, paths, num_paths);
	set_input(client);
}

static void tear_down(struct client *client)
{
	unsigned int i;

	for (i = 0; i < client->num_expected; i++)
		free(client->expected[i]);
	free(client->expected);
	free(client->input);
	close_all(client);
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

/* What may become of a job, and of a beginning, in a storm: uapi/drm/enpu_accel.h */
static int promised(int code)
{
	return code == -EFAULT || code == -ETIMEDOUT || code == -ECANCELED || code == -EIO ||
	       code == -ENODEV;
}

static void storm_error(struct client *client, const struct options *opts,
			const struct accel_error *err)
{
	if (!promised(err->code))
		fail_error(client, err);
	opts->progress->errors[-err->code]++;
	close_all(client);
}

/* One result or one error after the other. A client that has a device has an alarm too. */
static void storm(struct client *client, const struct options *opts, char **paths, int num_paths)
{
	struct accel_error err = { 0 };
	uint64_t job = 0;

	while (!opts->storm->stop) {
		alarm(TIME_LIMIT);
		if (!client->inst) {
			if (open_all(client, opts->device, &err)) {
				storm_error(client, opts, &err);
				usleep(20000);
				continue;
			}
			opts->progress->opened++;
			if (!client->expected)
				read_files(client, paths, num_paths);
			set_input(client);
		}
		/* what is left of the last result must not be taken for a right one */
		memset((void *)accel_instance_output(client->inst, 0), 0xa5,
		       accel_model_output(client->model, 0)->size);
		if (accel_instance_run(client->inst, &err)) {
			storm_error(client, opts, &err);
			continue;
		}
		compare(client, ++job);
		opts->progress->right++;
	}
}

static void map_progress(struct options *opts, char *place)
{
	char *colon = strrchr(place, ':');
	int fd;

	if (!colon || strtoul(colon + 1, NULL, 10) >= PROGRESS_CLIENTS) {
		fputs(usage, stderr);
		exit(2);
	}
	*colon = '\0';
	fd = open(place, O_RDWR | O_CLOEXEC);
	opts->storm = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*opts->storm),
						 PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (opts->storm == MAP_FAILED) {
		fprintf(stderr, "e2e-client: %s: %s\n", place, strerror(errno));
		exit(2);
	}
	close(fd);
	opts->progress = &opts->storm->clients[strtoul(colon + 1, NULL, 10)];
	opts->device = NULL;		/* any that is there */
}

static const struct option long_options[] = {
	{ "device", required_argument, NULL, 'd' },
	{ "jobs", required_argument, NULL, 'n' },
	{ "until", required_argument, NULL, 'f' },
	{ "until-lost", no_argument, NULL, 'l' },
	{ "unmap", no_argument, NULL, 'u' },
	{ "ready", required_argument, NULL, 'r' },
	{ "storm", required_argument, NULL, 's' },
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
		case 's':
			map_progress(&opts, optarg);
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
	if (opts.storm) {
		storm(&client, &opts, argv + optind + 1, argc - optind - 1);
	} else {
		set_up(&client, &opts, argv + optind + 1, argc - optind - 1);
		run(&client, &opts);
	}
	tear_down(&client);
	return 0;
}
