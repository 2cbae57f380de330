// SPDX-License-Identifier: MIT
/*
 * Devices, instances and jobs on a fake backend: results, sharing, binding,
 * asynchronous jobs, faults, each failure of the backend, and no leak after any.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include <accel/accel.h>

#include "fake.h"
#include "image.h"

struct bench {
	struct accel_device *dev;
	struct accel_model *copy;
	struct accel_model *detect;
	struct accel_error err;
};

static struct accel_model *make_model(void (*make)(struct image *))
{
	struct accel_model *model;
	struct image image;

	make(&image);
	image_build(&image);
	assert_int_equal(accel_model_load_memory("m.enpu", image.file, image.size, &model, NULL),
			 0);
	image_free(&image);
	return model;
}

static int setup(void **state)
{
	static struct bench bench;

	fake_reset();
	assert_int_equal(fake_open(&bench.dev, &bench.err), 0);
	bench.copy = make_model(image_copy);
	bench.detect = make_model(image_detect);
	*state = &bench;
	return 0;
}

/* Whatever a test did, nothing of the backend must be left. */
static int teardown(void **state)
{
	struct bench *b = *state;
	struct fake_counts counts;

	accel_model_release(b->copy);
	accel_model_release(b->detect);
	accel_device_release(b->dev);
	counts = fake_counts();
	assert_int_equal(counts.devices, 0);
	assert_int_equal(counts.vms, 0);
	assert_int_equal(counts.queues, 0);
	assert_int_equal(counts.binds, 0);
	assert_int_equal(counts.bos, 0);
	return 0;
}

static struct accel_instance *instance(struct bench *b, struct accel_model *model)
{
	struct accel_instance *inst;

	if (accel_instance_create(model, b->dev, NULL, &inst, &b->err))
		fail_msg("%s", b->err.text);
	return inst;
}

static void check_copy(struct accel_instance *inst, unsigned char first)
{
	const unsigned char *out = accel_instance_output(inst, 0);

	for (int i = 0; i < 32; i++) {
		assert_int_equal(out[i], (unsigned char)(first + i));
		assert_int_equal(out[32 + i], 100 + i);
	}
}

static void fill(struct accel_instance *inst, unsigned char first)
{
	unsigned char *in = accel_instance_input(inst, 0);

	for (int i = 0; i < COPY_SIZE; i++)
		in[i] = (unsigned char)(first + i);
}

static void test_run(void **state)
{
	struct bench *b = *state;
	struct accel_instance *inst = instance(b, b->copy);

	assert_null(accel_instance_input(inst, 1));
	assert_null(accel_instance_output(inst, 1));
	for (int i = 0; i < 3; i++) {
		fill(inst, (unsigned char)(10 * i));
		assert_int_equal(accel_instance_run(inst, &b->err), 0);
		check_copy(inst, (unsigned char)(10 * i));
	}
	accel_instance_release(inst);
}

static void test_weights_are_shared(void **state)
{
	struct bench *b = *state;
	struct accel_instance *one = instance(b, b->copy), *two;
	struct fake_counts first = fake_counts(), second;

	assert_int_equal(first.bos, 3);		/* weights, instance, region table */
	assert_int_equal(first.read_only_binds, 2);
	two = instance(b, b->copy);
	second = fake_counts();
	assert_int_equal(second.bos, 5);
	assert_int_equal(second.queues, 2);
	fill(one, 1);
	fill(two, 50);
	assert_int_equal(accel_instance_run(one, &b->err), 0);
	assert_int_equal(accel_instance_run(two, &b->err), 0);
	check_copy(one, 1);
	check_copy(two, 50);
	accel_instance_release(one);
	assert_int_equal(accel_instance_run(two, &b->err), 0);
	accel_instance_release(two);
	assert_int_equal(fake_counts().bos, 0);
}

static void test_release_in_any_order(void **state)
{
	struct bench *b = *state;
	struct accel_model *model = make_model(image_copy);
	struct accel_instance *inst = instance(b, model);
	struct accel_job *job;

	accel_model_release(model);
	accel_device_ref(b->dev);
	accel_device_release(b->dev);
	assert_int_equal(accel_instance_submit(inst, 0, &job, &b->err), 0);
	accel_instance_release(inst);
	assert_int_equal(accel_job_wait(job, ACCEL_FOREVER, &b->err), 0);
	accel_job_release(job);
}

static void test_submit(void **state)
{
	struct bench *b = *state;
	struct accel_instance *inst = instance(b, b->copy);
	struct accel_job *job, *other;

	fill(inst, 7);
	fake_hold();
	assert_int_equal(accel_instance_submit(inst, 0, &job, &b->err), 0);
	assert_int_equal(accel_job_poll(job, &b->err), -ETIME);
	assert_int_equal(accel_job_wait(job, 2000000, &b->err), -ETIME);
	assert_int_equal(accel_instance_submit(inst, 0, &other, &b->err), -EBUSY);
	assert_int_equal(accel_instance_run(inst, &b->err), -EBUSY);
	fake_continue();
	assert_int_equal(accel_job_wait(job, ACCEL_FOREVER, &b->err), 0);
	assert_int_equal(accel_job_poll(job, &b->err), 0);
	check_copy(inst, 7);
	assert_null(accel_job_profile(job));
	assert_null(accel_job_fault(job));
	assert_int_equal(accel_instance_submit(inst, 8, &other, &b->err), -EINVAL);
	accel_job_release(job);
	accel_instance_release(inst);
}

static int readable(int fd, int timeout)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };

	return poll(&pollfd, 1, timeout) == 1;
}

static void check_fence(struct bench *b, struct accel_model *model)
{
	struct accel_instance *inst = instance(b, model);
	struct accel_job *job;
	int fd, late;

	fake_hold();
	assert_int_equal(accel_instance_submit(inst, 0, &job, &b->err), 0);
	fd = accel_job_fence_fd(job, &b->err);
	assert_true(fd >= 0);
	assert_false(readable(fd, 5));
	fake_continue();
	assert_true(readable(fd, 10000));
	assert_int_equal(accel_job_poll(job, &b->err), 0);
	late = accel_job_fence_fd(job, &b->err);
	assert_true(readable(late, 0));
	close(fd);
	close(late);
	accel_job_release(job);
	accel_instance_release(inst);
}

static void test_fence_fd(void **state)
{
	struct bench *b = *state;

	check_fence(b, b->copy);
	check_fence(b, b->detect);
}

static void test_profile(void **state)
{
	struct bench *b = *state;
	struct accel_instance *inst = instance(b, b->detect);
	const struct accel_profile *profile;
	struct accel_job *job;

	assert_int_equal(accel_instance_submit(inst, ACCEL_SUBMIT_PROFILE, &job, &b->err), 0);
	assert_int_equal(accel_job_wait(job, ACCEL_FOREVER, &b->err), 0);
	profile = accel_job_profile(job);
	assert_int_equal(profile->cycles, 2000);	/* of two NPU steps */
	assert_int_equal(profile->device_ns, 200);
	assert_int_equal(profile->engine_cycles[3], 16);
	assert_int_equal(profile->commands, 4);
	assert_true(profile->cpu_ns > 0);
	accel_job_release(job);
	accel_instance_release(inst);
}

static void test_no_profile(void **state)
{
	struct bench *b = *state;
	struct accel_device *dev;
	struct accel_instance *inst;
	struct accel_job *job;

	fake_info.caps = 0;
	assert_int_equal(fake_open(&dev, &b->err), 0);
	assert_int_equal(accel_instance_create(b->copy, dev, NULL, &inst, &b->err), 0);
	assert_int_equal(accel_instance_submit(inst, ACCEL_SUBMIT_PROFILE, &job, &b->err),
			 -ENOTSUP);
	accel_instance_release(inst);
	accel_device_release(dev);
}

/* Two anchors overlap: the better one stays; a third is elsewhere; the last is too weak */
static void fill_detect(struct accel_instance *inst)
{
	static const float boxes[DETECT_ANCHORS][4] = {
		{ 0, 0, 0, 0 }, { 0.1f, 0, 0, 0 }, { 3, 3, 0, 0 }, { -3, 0, 0, 0 },
	};
	static const float scores[DETECT_ANCHORS][3] = {
		{ 1, 0.5f, 0.25f }, { 1, 0.25f, 0.75f }, { 1, 0.375f, 0 }, { 1, 0.125f, 0.1f },
	};

	memcpy(accel_instance_input(inst, 0), boxes, sizeof(boxes));
	memcpy(accel_instance_input(inst, 1), scores, sizeof(scores));
}

static void check_detect(struct accel_instance *inst)
{
	const float *boxes = accel_instance_output(inst, 0);
	const float *classes = accel_instance_output(inst, 1);
	const float *scores = accel_instance_output(inst, 2);
	const float *count = accel_instance_output(inst, 3);

	assert_true(count[0] == 2);
	assert_true(classes[0] == 1 && scores[0] == 0.75f);
	assert_true(classes[1] == 0 && scores[1] == 0.375f);
	assert_true(classes[2] == 0 && scores[2] == 0);
	assert_true(boxes[0] == 0.1f - 0.5f && boxes[1] == -0.5f && boxes[3] == 0.5f);
	assert_true(boxes[4] == 2.5f && boxes[7] == 3.5f && boxes[8] == 0);
}

static void test_cpu_step(void **state)
{
	struct bench *b = *state;
	struct accel_instance *inst = instance(b, b->detect);
	struct accel_job *job;

	fill_detect(inst);
	assert_int_equal(accel_instance_run(inst, &b->err), 0);
	check_detect(inst);
	memset(accel_instance_input(inst, 1), 0, 48);
	assert_int_equal(accel_instance_run(inst, &b->err), 0);
	fill_detect(inst);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(accel_instance_submit(inst, 0, &job, &b->err), 0);
		assert_int_equal(accel_job_wait(job, ACCEL_FOREVER, &b->err), 0);
		check_detect(inst);
		accel_job_release(job);
	}
	accel_instance_release(inst);
}

static void test_cpu_step_refuses(void **state)
{
	struct bench *b = *state;
	struct accel_instance *inst = instance(b, b->detect);
	float *boxes = accel_instance_input(inst, 0);
	struct accel_job *job;

	fill_detect(inst);
	boxes[2] = -1;		/* exp() keeps a size positive: only the anchor can turn it */
	assert_int_equal(accel_instance_run(inst, &b->err), 0);
	accel_instance_release(inst);

	struct image image;
	struct accel_model *model;

	image_detect(&image);
	((float *)(image.params + sizeof(struct enpu_detection_params)))[2] = -1;
	image_build(&image);
	assert_int_equal(accel_model_load_memory("m.enpu", image.file, image.size, &model, NULL),
			 0);
	image_free(&image);
	inst = instance(b, model);
	assert_int_equal(accel_instance_run(inst, &b->err), -EINVAL);
	assert_string_equal(b->err.text,
			    "m.enpu: step postprocess (TFLite_Detection_PostProcess, on the CPU): a box has its end before its start");
	assert_int_equal(accel_instance_submit(inst, 0, &job, &b->err), 0);
	assert_int_equal(accel_job_wait(job, ACCEL_FOREVER, &b->err), -EINVAL);
	accel_job_release(job);
	accel_instance_release(inst);
	accel_model_release(model);
}

static void test_fault(void **state)
{
	struct bench *b = *state;
	struct accel_instance *inst = instance(b, b->copy);
	const struct accel_backend_fault unmapped = {
		.cause = ENPU_FAULT_UNMAPPED, .error = EFAULT, .command = 1, .layer = 0,
		.opcode = ENPU_OP_CONV, .addr = 0xdead000,
	};
	const struct accel_fault *fault;
	struct accel_job *job;

	fake_fault(1, &unmapped);
	assert_int_equal(accel_instance_submit(inst, 0, &job, &b->err), 0);
	assert_int_equal(accel_job_wait(job, ACCEL_FOREVER, &b->err), -EFAULT);
	assert_int_equal(b->err.code, -EFAULT);
	assert_string_equal(b->err.text,
			    "m.enpu: queue hand.tflite, step npu, layer copy_out (CONV_2D, operator 7), command 1 (CONV): unmapped address: 0xdead000");
	fault = accel_job_fault(job);
	assert_string_equal(fault->cause, "unmapped address");
	assert_string_equal(fault->queue, "hand.tflite");
	assert_string_equal(fault->step, "npu");
	assert_string_equal(fault->layer, "copy_out");
	assert_string_equal(fault->layer_type, "CONV_2D");
	assert_int_equal(fault->command, 1);
	assert_int_equal(fault->opcode, ENPU_OP_CONV);
	assert_int_equal(fault->addr, 0xdead000);
	assert_int_equal(accel_job_poll(job, &b->err), -EFAULT);
	/* the next job has a new queue */
	fill(inst, 9);
	assert_int_equal(accel_instance_run(inst, &b->err), 0);
	check_copy(inst, 9);
	accel_job_release(job);
	accel_instance_release(inst);
}

static void test_fault_texts(void **state)
{
	static const struct {
		struct accel_backend_fault fault;
		int code;
		const char *text;
	} cases[] = {
		{ { .cause = ENPU_FAULT_REGION, .error = EFAULT, .layer = 99, .opcode = ENPU_OP_LUT,
		    .addr = UINT64_C(3) << 56 | 0x1000 }, -EFAULT,
		  "npu, command 0 (LUT): operand outside its region: region 3, offset 0x1000" },
		{ { .cause = ENPU_FAULT_JOB, .error = EFAULT, .command = ENPU_FAULT_NO_COMMAND },
		  -EFAULT, "queue hand.tflite, step npu: invalid job or region table" },
		{ { .error = ETIMEDOUT, .command = ENPU_FAULT_NO_COMMAND }, -ETIMEDOUT,
		  "queue hand.tflite, step npu: ran longer than the queue's timeout" },
		{ { .error = ENODEV }, -ENODEV, "queue hand.tflite: the device is gone" },
		{ { .cause = 77, .error = EFAULT, .opcode = 63 }, -EFAULT,
		  "command 0 (unknown): unknown cause" },
	};
	struct bench *b = *state;
	struct accel_instance *inst = instance(b, b->copy);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fake_fault(1, &cases[i].fault);
		assert_int_equal(accel_instance_run(inst, &b->err), cases[i].code);
		if (!strstr(b->err.text, cases[i].text))
			fail_msg("%s", b->err.text);
	}
	accel_instance_release(inst);
}

/* A fault of the second NPU step of a model, asynchronously */
static void test_fault_in_last_step(void **state)
{
	struct bench *b = *state;
	struct accel_instance *inst = instance(b, b->detect);
	const struct accel_backend_fault fault = { .cause = ENPU_FAULT_OPERAND, .error = EFAULT };
	struct accel_job *job;
	int fd;

	fake_hold();
	fake_fault(2, &fault);
	assert_int_equal(accel_instance_submit(inst, 0, &job, &b->err), 0);
	fd = accel_job_fence_fd(job, &b->err);
	fake_continue();
	assert_true(readable(fd, 10000));
	assert_int_equal(accel_job_poll(job, &b->err), -EFAULT);
	assert_string_equal(accel_job_fault(job)->step, "last");
	close(fd);
	accel_job_release(job);
	fill_detect(inst);
	assert_int_equal(accel_instance_run(inst, &b->err), 0);
	check_detect(inst);
	accel_instance_release(inst);
}

static void check_abandon(struct bench *b, struct accel_model *model)
{
	struct accel_instance *inst = instance(b, model);
	struct accel_job *job;
	int fd;

	fake_hold();
	assert_int_equal(accel_instance_submit(inst, 0, &job, &b->err), 0);
	fd = accel_job_fence_fd(job, &b->err);
	/* the instance's thread must have come as far as to wait for the device */
	for (int i = 0; i < 10000 && fake_counts().fences == 0; i++)
		usleep(1000);
	accel_instance_release(inst);
	assert_true(readable(fd, 10000));
	assert_int_equal(accel_job_wait(job, ACCEL_FOREVER, &b->err), -ECANCELED);
	assert_string_equal(b->err.text, "m.enpu: abandoned: its instance was released");
	assert_true(readable(fd, 0));
	close(fd);
	fd = accel_job_fence_fd(job, &b->err);
	assert_true(readable(fd, 0));
	close(fd);
	accel_job_release(job);
	fake_continue();
}

static void test_abandon(void **state)
{
	struct bench *b = *state;

	check_abandon(b, b->detect);
	check_abandon(b, b->copy);
}

static void test_release_job_early(void **state)
{
	struct bench *b = *state;
	struct accel_instance *inst = instance(b, b->copy);
	struct accel_job *job;

	fake_hold();
	fill(inst, 3);
	assert_int_equal(accel_instance_submit(inst, 0, &job, &b->err), 0);
	accel_job_release(job);
	fake_continue();
	check_copy(inst, 3);
	accel_instance_release(inst);
}

static void test_bind(void **state)
{
	struct bench *b = *state;
	struct accel_instance *inst = instance(b, b->copy);
	void *own = accel_instance_input(inst, 0);
	struct accel_buffer *in, *out;
	unsigned char *pixels;

	assert_int_equal(accel_buffer_create(b->dev, 200, &in, &b->err), 0);
	assert_int_equal(accel_buffer_create(b->dev, COPY_SIZE, &out, &b->err), 0);
	assert_int_equal(accel_buffer_size(in), 200);
	pixels = accel_buffer_data(in);
	for (int i = 0; i < 32; i++)
		pixels[128 + i] = (unsigned char)(60 + i);
	assert_int_equal(accel_instance_bind_input(inst, 0, in, 128, &b->err), 0);
	assert_int_equal(accel_instance_bind_output(inst, 0, out, 0, &b->err), 0);
	accel_buffer_release(in);
	assert_ptr_equal(accel_instance_input(inst, 0), pixels + 128);
	assert_int_equal(accel_instance_run(inst, &b->err), 0);
	check_copy(inst, 60);
	assert_int_equal(((unsigned char *)accel_buffer_data(out))[63], 131);
	accel_buffer_release(out);
	assert_int_equal(accel_instance_bind_input(inst, 0, NULL, 0, &b->err), 0);
	assert_ptr_equal(accel_instance_input(inst, 0), own);
	accel_instance_release(inst);
}

static void test_bind_refuses(void **state)
{
	struct bench *b = *state;
	struct accel_instance *inst = instance(b, b->copy), *detect = instance(b, b->detect);
	struct accel_device *other;
	struct accel_buffer *buf, *foreign;
	struct accel_job *job;

	assert_int_equal(accel_buffer_create(b->dev, 100, &buf, &b->err), 0);
	assert_int_equal(accel_instance_bind_input(inst, 0, buf, 32, &b->err), -EINVAL);
	assert_int_equal(accel_instance_bind_input(inst, 0, buf, 64, &b->err), -ERANGE);
	assert_string_equal(b->err.text, "tensor pixels: needs 64 bytes at offset 64 of a buffer of 100");
	assert_int_equal(accel_instance_bind_input(inst, 0, buf, SIZE_MAX - 63, &b->err), -ERANGE);
	assert_int_equal(accel_instance_bind_input(inst, 1, buf, 0, &b->err), -EINVAL);
	assert_int_equal(accel_instance_bind_output(inst, 1, buf, 0, &b->err), -EINVAL);
	assert_int_equal(accel_instance_bind_output(detect, 1, buf, 0, &b->err), -ENOTSUP);
	assert_int_equal(fake_open(&other, &b->err), 0);
	assert_int_equal(accel_buffer_create(other, 100, &foreign, &b->err), 0);
	assert_int_equal(accel_instance_bind_input(inst, 0, foreign, 0, &b->err), -EINVAL);
	fake_hold();
	assert_int_equal(accel_instance_submit(inst, 0, &job, &b->err), 0);
	assert_int_equal(accel_instance_bind_input(inst, 0, buf, 0, &b->err), -EBUSY);
	fake_continue();
	accel_job_release(job);
	accel_buffer_release(foreign);
	accel_device_release(other);
	accel_buffer_release(buf);
	accel_instance_release(inst);
	accel_instance_release(detect);
	assert_int_equal(accel_buffer_create(b->dev, 0, &buf, &b->err), -EINVAL);
	assert_int_equal(accel_buffer_create(b->dev, SIZE_MAX, &buf, &b->err), -EINVAL);
}

static void test_big_buffers_are_aligned(void **state)
{
	struct bench *b = *state;
	struct accel_buffer *small, *big;

	assert_int_equal(accel_buffer_create(b->dev, 1, &small, &b->err), 0);
	assert_int_equal(accel_buffer_create(b->dev, 3 << 20, &big, &b->err), 0);
	assert_int_equal(fake_counts().last_va % (2 << 20), 0);
	accel_buffer_release(small);
	accel_buffer_release(big);
}

static void test_model_check(void **state)
{
	struct bench *b = *state;
	static const struct {
		uint32_t version, caps, sram;
		uint64_t opcodes;
		const char *text;
	} cases[] = {
		{ 0x10001, 0, 0, 0, "needs ENPU architecture 1.1, fake:0 has 1.0" },
		{ 0x20000, 0, 0, 0, "needs ENPU architecture 2.0" },
		{ 0x10000, ENPU_CAP_INT16, 0, 0, "needs the capability int16" },
		{ 0x10000, 1u << 31, 0, 0, "needs capability bit 31" },
		{ 0x10000, 0, (1 << 20) + 1, 0,
		  "needs 1048577 bytes of SRAM (it was compiled for enpu-512), fake:0 has 10" },
		{ 0x10000, 0, 0, UINT64_C(1) << 40, "needs command opcode 40" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct accel_instance *inst;
		struct accel_model *model;
		struct image image;

		image_copy(&image);
		image.info.arch_version = cases[i].version;
		image.info.caps = cases[i].caps;
		image.info.sram_bytes = cases[i].sram;
		image.info.opcodes = cases[i].opcodes;
		image_build(&image);
		assert_int_equal(accel_model_load_memory("m.enpu", image.file, image.size, &model,
							 NULL), 0);
		image_free(&image);
		assert_int_equal(accel_instance_create(model, b->dev, NULL, &inst, &b->err),
				 -ENOTSUP);
		if (!strstr(b->err.text, cases[i].text))
			fail_msg("%s", b->err.text);
		accel_model_release(model);
	}
}

static void test_options(void **state)
{
	struct bench *b = *state;
	struct accel_instance_options opts = {
		.size = sizeof(opts), .priority = ACCEL_PRIORITY_HIGH, .timeout_ms = 77,
		.label = "a label that is longer than fits in there",
	};
	struct accel_instance *inst;

	assert_int_equal(accel_instance_create(b->copy, b->dev, &opts, &inst, &b->err), 0);
	accel_instance_release(inst);
	assert_int_equal(fake_counts().attrs.priority, ENPU_PRIORITY_HIGH);
	assert_int_equal(fake_counts().attrs.timeout_ms, 77);
	assert_string_equal(fake_counts().attrs.label, "a label that is longer than fit");
	opts.size = 0;
	assert_int_equal(accel_instance_create(b->copy, b->dev, &opts, &inst, &b->err), -EINVAL);
	opts.size = sizeof(opts);
	opts.priority = 9;
	assert_int_equal(accel_instance_create(b->copy, b->dev, &opts, &inst, &b->err), -EINVAL);
}

/* Every call of the backend fails in its turn: an error, nothing left behind, and on it goes. */
static void sweep(struct bench *b, enum fake_call call, int error, struct accel_model *model,
		  int async)
{
	int ret = -1;

	for (unsigned int n = 1; ret; n++) {
		struct accel_instance *inst;
		struct accel_job *job;

		assert_in_range(n, 1, 20);
		fake_fail(call, n, error);
		ret = accel_instance_create(model, b->dev, NULL, &inst, &b->err);
		if (ret) {
			assert_true(b->err.code == ret && b->err.text[0]);
			continue;
		}
		if (async) {
			ret = accel_instance_submit(inst, 0, &job, &b->err);
			assert_int_equal(ret, 0);
			ret = accel_job_wait(job, ACCEL_FOREVER, &b->err);
			accel_job_release(job);
		} else {
			ret = accel_instance_run(inst, &b->err);
		}
		if (ret)
			assert_true(b->err.code == ret && strstr(b->err.text, "m.enpu: "));
		fake_fail(call, 0, 0);
		assert_int_equal(accel_instance_run(inst, &b->err), 0);
		accel_instance_release(inst);
		assert_int_equal(fake_counts().bos, 0);
	}
}

static void test_failures(void **state)
{
	static const struct {
		enum fake_call call;
		int error;
	} calls[] = {
		{ FAKE_BO_CREATE, -ENOMEM }, { FAKE_BO_MAP, -EIO }, { FAKE_VM_BIND, -ENOMEM },
		{ FAKE_QUEUE_CREATE, -ENOSPC }, { FAKE_QUEUE_CREATE, -EACCES },
		{ FAKE_QUEUE_CREATE, -EIO }, { FAKE_SUBMIT, -EIO }, { FAKE_WAIT, -ENODEV },
		{ FAKE_FENCE_FD, -EMFILE },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		for (int async = 0; async < 2; async++) {
			sweep(b, calls[i].call, calls[i].error, b->copy, async);
			sweep(b, calls[i].call, calls[i].error, b->detect, async);
		}
	}
}

static void test_open_failures(void **state)
{
	struct bench *b = *state;
	struct accel_device *dev;

	fake_fail(FAKE_OPEN, 1, -EACCES);
	assert_int_equal(fake_open(&dev, &b->err), -EACCES);
	assert_string_equal(b->err.text, "fake:0: fake open failed");
	fake_fail(FAKE_VM_CREATE, 1, -ENOSPC);
	assert_int_equal(fake_open(&dev, &b->err), -ENOSPC);
	assert_string_equal(b->err.text, "fake:0: all address spaces of the device are in use");
	fake_info.arch_version = 0x20000;
	assert_int_equal(fake_open(&dev, &b->err), -ENOTSUP);
}

static void test_device_ids(void **state)
{
	static const char *const wrong[] = { ":", ":0", "drm:", "drm:x", "drm:1x", "drm:-1", "a/b:0",
					     "drm:99999999999999999999", "../x" };
	struct accel_device *dev;
	struct accel_error err;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(accel_device_open(wrong[i], &dev, &err), -EINVAL);
	assert_int_equal(accel_device_open("nosuch", &dev, &err), -ENOENT);
	assert_non_null(strstr(err.text, "no backend 'nosuch': no libaccel-nosuch.so in "));
	assert_int_equal(accel_device_open("drm:9999", &dev, &err), -ENODEV);
}

struct worker {
	struct bench *b;
	struct accel_model *model;
	unsigned char first;
	int failures;
};

static void *hammer(void *arg)
{
	struct worker *w = arg;

	for (int round = 0; round < 10; round++) {
		struct accel_instance *inst;
		struct accel_job *job;

		if (accel_instance_create(w->model, w->b->dev, NULL, &inst, NULL)) {
			w->failures++;
			continue;
		}
		memset(accel_instance_input(inst, 0), w->first, 32);
		for (int i = 0; i < 10; i++) {
			if (accel_instance_submit(inst, 0, &job, NULL) ||
			    accel_job_wait(job, ACCEL_FOREVER, NULL))
				w->failures++;
			accel_job_release(job);
			if (w->model == w->b->copy &&
			    *(const unsigned char *)accel_instance_output(inst, 0) != w->first)
				w->failures++;
		}
		accel_instance_release(inst);
	}
	return NULL;
}

static void test_threads(void **state)
{
	struct worker workers[8];
	pthread_t threads[8];

	for (int i = 0; i < 8; i++) {
		struct bench *b = *state;

		workers[i] = (struct worker){ b, i % 2 ? b->copy : b->detect,
					      (unsigned char)i, 0 };
		pthread_create(&threads[i], NULL, hammer, &workers[i]);
	}
	for (int i = 0; i < 8; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(workers[i].failures, 0);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_run),
		TEST(test_weights_are_shared),
		TEST(test_release_in_any_order),
		TEST(test_submit),
		TEST(test_fence_fd),
		TEST(test_profile),
		TEST(test_no_profile),
		TEST(test_cpu_step),
		TEST(test_cpu_step_refuses),
		TEST(test_fault),
		TEST(test_fault_texts),
		TEST(test_fault_in_last_step),
		TEST(test_abandon),
		TEST(test_release_job_early),
		TEST(test_bind),
		TEST(test_bind_refuses),
		TEST(test_big_buffers_are_aligned),
		TEST(test_model_check),
		TEST(test_options),
		TEST(test_failures),
		TEST(test_open_failures),
		TEST(test_device_ids),
		TEST(test_threads),
	};

	return cmocka_run_group_tests_name("libaccel instances", tests, NULL, NULL);
}
