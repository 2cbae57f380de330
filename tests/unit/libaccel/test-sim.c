// SPDX-License-Identifier: MIT
/*
 * libaccel with the real simulator as a plug-in: how devices are found and
 * chosen, results, faults that the device itself reports, many threads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <accel/accel.h>

#include "image.h"

/* The plug-in is built beside the tests: BUILD/tests/THIS, BUILD/lib */
static int find_plugin(void **state)
{
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 16);

	assert_true(len > 0);
	path[len] = '\0';
	*strrchr(path, '/') = '\0';
	strcat(path, "/../lib");
	setenv("ACCEL_PLUGIN_PATH", path, 1);
	unsetenv("ACCEL_DEVICE");
	return 0;
}

static struct accel_device *open_sim(void)
{
	struct accel_device *dev;
	struct accel_error err;

	if (accel_device_open("sim", &dev, &err))
		fail_msg("%s", err.text);
	return dev;
}

static struct accel_model *make_model(void (*make)(struct image *),
				      void (*change)(struct image *))
{
	struct accel_model *model;
	struct accel_error err;
	struct image image;

	make(&image);
	if (change)
		change(&image);
	image_build(&image);
	if (accel_model_load_memory("m.enpu", image.file, image.size, &model, &err))
		fail_msg("%s", err.text);
	image_free(&image);
	return model;
}

static void test_devices(void **state)
{
	char ids[16][ACCEL_DEVICE_ID_LEN];
	int count = accel_device_list(ids, 16);
	int found = 0;

	for (int i = 0; i < count && i < 16; i++)
		found += strcmp(ids[i], "sim:0") == 0;
	assert_int_equal(found, 1);
	assert_int_equal(accel_device_list(NULL, 0), count);
}

static void test_choice(void **state)
{
	struct accel_device *dev;
	struct accel_error err;

	assert_int_equal(accel_device_open("sim:0", &dev, &err), 0);
	assert_string_equal(accel_device_info(dev)->id, "sim:0");
	assert_true(accel_device_info(dev)->macs > 0);
	accel_device_release(dev);
	assert_int_equal(accel_device_open("sim:77", &dev, &err), -ENODEV);
	setenv("ACCEL_DEVICE", "sim", 1);
	assert_int_equal(accel_device_open(NULL, &dev, &err), 0);
	assert_string_equal(accel_device_info(dev)->id, "sim:0");
	accel_device_release(dev);
	setenv("ACCEL_DEVICE", "nothing:0", 1);
	assert_int_equal(accel_device_open(NULL, &dev, &err), -ENOENT);
	unsetenv("ACCEL_DEVICE");
	if (access("/sys/class/accel", F_OK) == 0)
		return;
	assert_int_equal(accel_device_open(NULL, &dev, &err), -ENODEV);
	assert_non_null(strstr(err.text, "ACCEL_DEVICE=sim"));
}

static void test_bad_plugins(void **state)
{
	char *path = strdup(getenv("ACCEL_PLUGIN_PATH"));
	char dir[] = "/tmp/accel-plugins-XXXXXX", file[64];
	struct accel_device *dev;
	struct accel_error err;
	FILE *out;

	assert_non_null(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/libaccel-broken.so", dir);
	out = fopen(file, "w");
	fputs("not a shared object", out);
	fclose(out);
	setenv("ACCEL_PLUGIN_PATH", dir, 1);
	assert_int_equal(accel_device_open("broken", &dev, &err), -ELIBACC);
	assert_non_null(strstr(err.text, "libaccel-broken.so"));
	assert_true(accel_device_list(NULL, 0) >= 0);
	unlink(file);
	rmdir(dir);
	setenv("ACCEL_PLUGIN_PATH", path, 1);
	free(path);
}

static unsigned char *fill(struct accel_instance *inst, unsigned char first)
{
	unsigned char *in = accel_instance_input(inst, 0);

	for (int i = 0; i < COPY_SIZE; i++)
		in[i] = (unsigned char)(first + i);
	return in;
}

static void check_copy(struct accel_instance *inst, unsigned char first)
{
	const unsigned char *out = accel_instance_output(inst, 0);

	for (int i = 0; i < 32; i++) {
		assert_int_equal(out[i], (unsigned char)(first + i));
		assert_int_equal(out[32 + i], 100 + i);
	}
}

static void test_result(void **state)
{
	struct accel_device *dev = open_sim();
	struct accel_model *model = make_model(image_copy, NULL);
	struct accel_instance *inst;
	struct accel_error err;
	struct accel_job *job;
	struct pollfd fence = { .events = POLLIN };
	unsigned char *in;

	assert_int_equal(accel_instance_create(model, dev, NULL, &inst, &err), 0);
	in = fill(inst, 7);
	assert_int_equal(accel_instance_run(inst, &err), 0);
	check_copy(inst, 7);
	in[0] = 1;
	assert_int_equal(accel_instance_submit(inst, ACCEL_SUBMIT_PROFILE, &job, &err), 0);
	fence.fd = accel_job_fence_fd(job, &err);
	assert_int_equal(poll(&fence, 1, 10000), 1);
	assert_int_equal(accel_job_poll(job, &err), 0);
	assert_int_equal(*(const unsigned char *)accel_instance_output(inst, 0), 1);
	assert_int_equal(accel_job_profile(job)->commands, 2);
	assert_true(accel_job_profile(job)->cycles > 0);
	close(fence.fd);
	accel_job_release(job);
	accel_instance_release(inst);
	accel_model_release(model);
	accel_device_release(dev);
}

static void past_region(struct image *image)
{
	struct enpu_cmd_dma *copy = (void *)image->stream;

	copy[1].dst.offset = 60;	/* 32 bytes at 60 of 64 */
}

static void into_weights(struct image *image)
{
	struct enpu_cmd_dma *copy = (void *)image->stream;

	copy[1].dst = copy[1].src;
	copy[1].src.region = COPY_INPUT;
}

static void unknown_command(struct image *image)
{
	struct enpu_cmd_dma *copy = (void *)image->stream;

	copy[1].cmd.opcode = 63;
}

/* What the device reports of a bad model; another instance on it works on. */
/* The output is what the variable holds, which then becomes the input. */
static void keep_input(struct image *image)
{
	image->regions[COPY_WEIGHTS].role = ENPU_ROLE_SCRATCH;
	image->regions[COPY_SCRATCH].role = ENPU_ROLE_STATE;
	image->data_region = COPY_SCRATCH;
	image->num_steps = 0;
	image->stream_size = 0;
	image_add_copy(image, "read", 0, COPY_SCRATCH, 0, COPY_OUTPUT, 0, COPY_SIZE);
	image_add_copy(image, "assign", 0, COPY_INPUT, 0, COPY_SCRATCH, 0, COPY_SIZE);
}

static void expect_first_byte(struct accel_instance *inst, unsigned char input,
			      unsigned char expected)
{
	struct accel_error err;

	memset(accel_instance_input(inst, 0), input, COPY_SIZE);
	if (accel_instance_run(inst, &err))
		fail_msg("%s", err.text);
	assert_int_equal(*(const unsigned char *)accel_instance_output(inst, 0), expected);
}

static void test_variables(void **state)
{
	struct accel_model *model = make_model(image_copy, keep_input);
	struct accel_device *dev = open_sim();
	struct accel_instance *inst[2];

	assert_int_equal(accel_model_info(model)->state_bytes, 5000);
	for (int i = 0; i < 2; i++)
		assert_int_equal(accel_instance_create(model, dev, NULL, &inst[i], NULL), 0);
	expect_first_byte(inst[0], 1, 100);
	expect_first_byte(inst[0], 2, 1);
	expect_first_byte(inst[1], 3, 100);
	expect_first_byte(inst[0], 4, 2);
	assert_int_equal(accel_instance_reset(inst[0], NULL), 0);
	expect_first_byte(inst[0], 5, 100);
	expect_first_byte(inst[1], 6, 3);
	for (int i = 0; i < 2; i++)
		accel_instance_release(inst[i]);
	accel_device_release(dev);
	accel_model_release(model);
}

static void test_faults(void **state)
{
	static const struct {
		void (*change)(struct image *image);
		const char *cause;
	} cases[] = {
		{ past_region, "operand outside its region" },
		{ into_weights, "write to read-only memory" },
		{ unknown_command, "command not implemented" },
	};
	struct accel_device *dev = open_sim();
	struct accel_model *good = make_model(image_copy, NULL);
	struct accel_instance *healthy;
	struct accel_error err;

	assert_int_equal(accel_instance_create(good, dev, NULL, &healthy, &err), 0);
	fill(healthy, 30);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct accel_model *bad = make_model(image_copy, cases[i].change);
		struct accel_instance *inst;
		const struct accel_fault *fault;
		struct accel_job *job;

		assert_int_equal(accel_instance_create(bad, dev, NULL, &inst, &err), 0);
		assert_int_equal(accel_instance_submit(inst, 0, &job, &err), 0);
		assert_int_equal(accel_instance_run(healthy, NULL), 0);
		assert_int_equal(accel_job_wait(job, ACCEL_FOREVER, &err), -EFAULT);
		fault = accel_job_fault(job);
		assert_string_equal(fault->cause, cases[i].cause);
		assert_int_equal(fault->command, 1);
		assert_string_equal(fault->layer, "copy_out");
		assert_non_null(strstr(err.text, cases[i].cause));
		accel_job_release(job);
		accel_instance_release(inst);
		accel_model_release(bad);
	}
	assert_int_equal(accel_instance_run(healthy, NULL), 0);
	check_copy(healthy, 30);
	accel_instance_release(healthy);
	accel_model_release(good);
	accel_device_release(dev);
}

struct worker {
	struct accel_device *dev;
	struct accel_model *model;
	unsigned char first;
	int failures;
};

static void *hammer(void *arg)
{
	struct worker *w = arg;
	struct accel_instance *inst;

	for (int round = 0; round < 5; round++) {
		unsigned char *in;

		if (accel_instance_create(w->model, w->dev, NULL, &inst, NULL)) {
			w->failures++;
			continue;
		}
		in = accel_instance_input(inst, 0);
		for (int run = 0; run < 20; run++) {
			in[0] = (unsigned char)(w->first + run);
			if (accel_instance_run(inst, NULL) ||
			    *(const unsigned char *)accel_instance_output(inst, 0) != in[0])
				w->failures++;
		}
		accel_instance_release(inst);
	}
	return NULL;
}

static void test_threads(void **state)
{
	struct accel_device *dev = open_sim();
	struct accel_model *model = make_model(image_copy, NULL);
	struct worker workers[8];
	pthread_t threads[8];

	for (int i = 0; i < 8; i++) {
		workers[i] = (struct worker){ dev, model, (unsigned char)(10 * i), 0 };
		pthread_create(&threads[i], NULL, hammer, &workers[i]);
	}
	for (int i = 0; i < 8; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(workers[i].failures, 0);
	}
	accel_model_release(model);
	accel_device_release(dev);
}

/* Everything can be given back while jobs are under way. */
static void test_abandon(void **state)
{
	struct accel_model *models[] = { make_model(image_copy, NULL),
					 make_model(image_detect, NULL) };

	for (int i = 0; i < 40; i++) {
		struct accel_device *dev = open_sim();
		struct accel_instance *inst;
		struct accel_job *job;
		int ret;

		assert_int_equal(accel_instance_create(models[i % 2], dev, NULL, &inst, NULL), 0);
		assert_int_equal(accel_instance_submit(inst, 0, &job, NULL), 0);
		accel_device_release(dev);
		accel_instance_release(inst);
		ret = accel_job_wait(job, ACCEL_FOREVER, NULL);
		assert_true(ret == 0 || ret == -ECANCELED);
		accel_job_release(job);
	}
	accel_model_release(models[0]);
	accel_model_release(models[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_bad_plugins),
		cmocka_unit_test(test_result),
		cmocka_unit_test(test_variables),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_abandon),
	};

	return cmocka_run_group_tests_name("libaccel with sim", tests, find_plugin, NULL);
}
