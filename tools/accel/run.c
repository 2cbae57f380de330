// SPDX-License-Identifier: MIT
/* accel run: a model, its inputs, a device; the result and how long it took. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <accel/accel.h>

#include "cli.h"
#include "input.h"
#include "json.h"
#include "labels.h"
#include "picture.h"
#include "preprocess.h"
#include "result.h"
#include "source.h"

#define DEFAULT_TOP		5
#define DEFAULT_THRESHOLD	0.5
#define MAX_REPEAT		1000000

struct options {
	const char *model;
	const char *image;
	const char *labels;
	const char *boxes;
	const char *device;
	const char *config;
	const char *save_input;
	const char *output_raw;
	struct input_list raw;
	unsigned long top;		/* 0: not asked for */
	unsigned long repeat;
	double threshold;
	struct accel_pixels pixels;
	int pixels_given;		/* by --mean or --std */
	int json;
};

struct session {
	const struct options *opts;
	struct accel_device *dev;
	struct accel_model *model;
	struct accel_instance *inst;
	struct picture picture;
	struct view view;
	struct input_list raw;
	struct labels labels;
	int pictured;			/* the input that the picture is in; -1: none */
	unsigned long runs;
	uint64_t *times;		/* ns, sorted when all runs are done */
	int profiled;
	struct accel_profile profile;	/* of the last run */
	struct accel_class *top;
	size_t num_top;
	struct detections detections;
	int detected;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* As the options say, else as this kind of detector expects it */
static void choose_view(struct session *s)
{
	enum accel_detector kind = result_detector(s->model);

	s->view.pixels = accel_detector_pixels(kind);
	s->view.letterbox = !!s->view.pixels;
	if (s->opts->pixels_given)
		s->view.pixels = &s->opts->pixels;
}

static int set_up(struct session *s)
{
	const struct options *opts = s->opts;
	struct accel_error err;

	if (opts->labels && labels_load(opts->labels, &s->labels))
		return CLI_FAILED;
	if (opts->image && picture_load(opts->image, &s->picture))
		return CLI_FAILED;
	if (accel_device_open(opts->device, &s->dev, &err))
		return cli_error("%s", err.text);
	if (source_load(opts->model, opts->config, s->dev, &s->model))
		return CLI_FAILED;
	if (accel_instance_create(s->model, s->dev, NULL, &s->inst, &err))
		return cli_error("%s", err.text);
	choose_view(s);
	s->raw = opts->raw;
	s->runs = opts->repeat;
	if (s->raw.stream && input_frames(s->model, &s->raw, &s->runs))
		return CLI_FAILED;
	if (input_fill(s->inst, s->model, &s->raw, &s->view, &s->picture, opts->image,
		       &s->pictured))
		return CLI_FAILED;
	return CLI_OK;
}

static int run_once(struct session *s, uint32_t flags, uint64_t *took)
{
	const struct accel_profile *profile;
	struct accel_error err;
	struct accel_job *job;
	uint64_t start = now_ns();

	if (accel_instance_submit(s->inst, flags, &job, &err))
		return cli_error("%s", err.text);
	if (accel_job_wait(job, ACCEL_FOREVER, &err)) {
		accel_job_release(job);
		return cli_error("%s", err.text);
	}
	*took = now_ns() - start;
	profile = accel_job_profile(job);
	if (profile) {
		s->profile = *profile;
		s->profiled = 1;
	}
	accel_job_release(job);
	return CLI_OK;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int can_profile(const struct accel_device *dev)
{
	const char *name;

	for (unsigned int bit = 0; (name = accel_cap_name(bit)); bit++)
		if (strcmp(name, "profile") == 0)
			return (accel_device_info(dev)->caps >> bit) & 1;
	return 0;
}

static int save_outputs(struct session *s, int append)
{
	const char *dir = s->opts->output_raw;
	const struct accel_tensor *tensor;
	int ret = 0;

	if (mkdir(dir, 0777) && errno != EEXIST)
		return cli_error("%s: %s", dir, strerror(errno));
	for (unsigned int i = 0; (tensor = accel_model_output(s->model, i)) && !ret; i++) {
		char *path;

		if (asprintf(&path, "%s/output%u.bin", dir, i) < 0)
			return cli_error("out of memory");
		ret = write_bytes(path, append, accel_instance_output(s->inst, i), tensor->size);
		free(path);
	}
	return ret ? CLI_FAILED : CLI_OK;
}

/* The inputs of run @i, if each run has its own */
static int next_inputs(struct session *s, unsigned long i)
{
	static const struct picture none;
	int pictured;

	s->raw.frame = i;
	if (!i || !s->raw.stream)
		return 0;
	return input_fill(s->inst, s->model, &s->raw, &s->view, &none, NULL, &pictured);
}

static int run_all(struct session *s)
{
	uint32_t flags = can_profile(s->dev) ? ACCEL_SUBMIT_PROFILE : 0;

	s->times = calloc(s->runs, sizeof(*s->times));
	if (!s->times)
		return cli_error("out of memory");
	for (unsigned long i = 0; i < s->runs; i++) {
		if (next_inputs(s, i) || run_once(s, flags, &s->times[i]))
			return CLI_FAILED;
		if (s->opts->output_raw && (s->raw.stream || i + 1 == s->runs) &&
		    save_outputs(s, s->raw.stream && i))
			return CLI_FAILED;
	}
	qsort(s->times, s->runs, sizeof(*s->times), by_value);
	return CLI_OK;
}

static int get_top(struct session *s)
{
	size_t classes = accel_model_output(s->model, 0)->elements;
	unsigned long want = s->opts->top ? s->opts->top : DEFAULT_TOP;

	if (!result_is_classes(s->model))
		return cli_error("%s: --top: the model has no single vector of scores as output",
				 s->opts->model);
	if (labels_check(&s->labels, s->opts->labels, classes))
		return CLI_FAILED;
	s->num_top = want < classes ? want : classes;
	s->top = calloc(s->num_top, sizeof(*s->top));
	if (!s->top)
		return cli_error("out of memory");
	return result_top(s->inst, s->model, s->num_top, s->top) ? CLI_FAILED : CLI_OK;
}

static int get_detections(struct session *s)
{
	struct accel_map map;
	int ret;

	if (result_detector(s->model) == ACCEL_DETECTOR_NONE)
		return cli_error("%s: --boxes: the outputs are not those of a detection model",
				 s->opts->model);
	s->detected = 1;
	if (s->pictured >= 0) {
		struct accel_values shape =
			accel_shape_of(accel_model_input(s->model, (unsigned int)s->pictured));
		uint32_t width = 1, height = 1;

		accel_input_size(&shape, &width, &height, NULL);
		input_map(&s->view, &s->picture, width, height, &map);
	}
	ret = result_detections(s->inst, s->model, s->pictured >= 0 ? &map : NULL, &s->picture,
				s->opts->threshold, &s->detections);
	if (ret)
		return CLI_FAILED;
	if (s->opts->boxes && result_draw(&s->detections, &s->labels, &s->picture, s->opts->boxes))
		return CLI_FAILED;
	return CLI_OK;
}

/* As asked for, or as the outputs look */
static int interpret(struct session *s)
{
	if (s->opts->boxes || (!s->opts->top && result_detector(s->model) != ACCEL_DETECTOR_NONE))
		return get_detections(s);
	if (s->opts->top || result_is_classes(s->model))
		return get_top(s);
	return CLI_OK;
}

static double ms(uint64_t ns)
{
	return (double)ns / 1e6;
}

static void print_text(const struct session *s)
{
	const struct accel_device_info *dev = accel_device_info(s->dev);
	const struct accel_tensor *tensor;
	unsigned long n = s->runs;

	printf("%s on %s (%s): %.2f ms", s->opts->model, dev->id, dev->name, ms(s->times[n / 2]));
	if (n > 1)
		printf(" (median of %lu runs, %.2f to %.2f)", n, ms(s->times[0]),
		       ms(s->times[n - 1]));
	if (s->profiled)
		printf(", %" PRIu64 " simulated cycles", s->profile.cycles);
	printf("\n");
	if (s->top)
		result_print_top(s->top, s->num_top, accel_model_output(s->model, 0)->elements,
				 &s->labels);
	else if (s->detected)
		result_print_detections(&s->detections, &s->labels, &s->picture);
	for (unsigned int i = 0; !s->top && !s->detected &&
	     (tensor = accel_model_output(s->model, i)); i++)
		printf("  output %u: %s, %s, %zu elements\n", i, tensor->name,
		       accel_dtype_name(tensor->dtype), tensor->elements);
}

static void json_profile(struct json *json, const struct accel_profile *profile)
{
	static const char *const engines[ACCEL_NUM_ENGINES] = {
		"dma0_cycles", "dma1_cycles", "mac_cycles", "vector_cycles",
	};

	json_open(json, "profile", '{');
	json_unsigned(json, "cycles", profile->cycles);
	for (unsigned int i = 0; i < ACCEL_NUM_ENGINES; i++)
		json_unsigned(json, engines[i], profile->engine_cycles[i]);
	json_unsigned(json, "macs", profile->macs);
	json_unsigned(json, "dram_read_bytes", profile->dram_read);
	json_unsigned(json, "dram_written_bytes", profile->dram_written);
	json_unsigned(json, "sram_read_bytes", profile->sram_read);
	json_unsigned(json, "sram_written_bytes", profile->sram_written);
	json_unsigned(json, "commands", profile->commands);
	json_double(json, "device_ms", ms(profile->device_ns));
	json_double(json, "cpu_steps_ms", ms(profile->cpu_ns));
	json_close(json, '}');
}

static void print_json(const struct session *s)
{
	const struct accel_device_info *dev = accel_device_info(s->dev);
	unsigned long n = s->runs;
	struct json json = { .to = stdout };

	json_open(&json, NULL, '{');
	json_string(&json, "model", s->opts->model);
	json_string(&json, "image", s->opts->image);
	json_string(&json, "device", dev->id);
	json_string(&json, "device_name", dev->name);
	json_unsigned(&json, "runs", n);
	json_open(&json, "wall_ms", '{');
	json_double(&json, "min", ms(s->times[0]));
	json_double(&json, "median", ms(s->times[n / 2]));
	json_double(&json, "max", ms(s->times[n - 1]));
	json_close(&json, '}');
	if (s->profiled)
		json_profile(&json, &s->profile);
	if (s->top)
		result_json_top(&json, s->top, s->num_top,
				accel_model_output(s->model, 0)->elements, &s->labels);
	if (s->detected)
		result_json_detections(&json, &s->detections, &s->labels);
	json_close(&json, '}');
}

static int work(struct session *s)
{
	const struct options *opts = s->opts;
	int ret = set_up(s);

	if (!ret && opts->save_input) {
		unsigned int input = s->pictured < 0 ? 0 : (unsigned int)s->pictured;

		ret = write_bytes(opts->save_input, 0, accel_instance_input(s->inst, input),
				  accel_model_input(s->model, input)->size) ? CLI_FAILED : CLI_OK;
	}
	if (!ret)
		ret = run_all(s);
	if (!ret)
		ret = interpret(s);
	if (!ret && opts->json)
		print_json(s);
	else if (!ret)
		print_text(s);
	return ret;
}

static void tear_down(struct session *s)
{
	free(s->detections.list);
	free(s->top);
	free(s->times);
	accel_instance_release(s->inst);
	accel_model_release(s->model);
	accel_device_release(s->dev);
	free(s->picture.rgb);
	labels_free(&s->labels);
}

enum { OPT_SAVE_INPUT = 256, OPT_INPUT_RAW, OPT_OUTPUT_RAW, OPT_THRESHOLD, OPT_MEAN,
       OPT_STD, OPT_LAYOUT, OPT_STREAM };

static int set_number(const char *name, unsigned long max, unsigned long *value)
{
	if (cli_number(optarg, 1, max, value) == 0)
		return CLI_OK;
	return cli_usage(&run_command, "run: --%s: expected a number from 1 to %lu, got '%s'", name,
			 max, optarg);
}

static int three_numbers(const char *option, float *values)
{
	if (preprocess_numbers(optarg, values) == 0)
		return CLI_OK;
	return cli_usage(&run_command, "run: --%s: expected one number or R,G,B, got '%s'", option,
			 optarg);
}

static int set_mean(struct options *opts)
{
	opts->pixels_given = 1;
	return three_numbers("mean", opts->pixels.mean);
}

static int set_std(struct options *opts)
{
	float std[3];
	int ret = three_numbers("std", std);

	opts->pixels_given = 1;
	for (int i = 0; i < 3 && !ret; i++) {
		if (!(std[i] > 0))
			ret = cli_usage(&run_command, "run: --std: expected more than 0, got '%s'",
					optarg);
		opts->pixels.scale[i] = 1 / std[i];
	}
	return ret;
}

static int set_layout(struct options *opts)
{
	opts->pixels_given = 1;
	if (preprocess_layout(optarg, &opts->pixels.bgr) == 0)
		return CLI_OK;
	return cli_usage(&run_command, "run: --layout: expected rgb or bgr, got '%s'", optarg);
}

static int add_raw(struct options *opts)
{
	if (opts->raw.count == INPUT_MAX)
		return cli_usage(&run_command, "run: --input-raw: more than %d times", INPUT_MAX);
	opts->raw.args[opts->raw.count++] = optarg;
	return CLI_OK;
}

/* Options whose value is taken as it is: where it goes. NULL: another option */
static const char **plain_option(struct options *opts, int opt)
{
	switch (opt) {
	case 'i':
		return &opts->image;
	case 'l':
		return &opts->labels;
	case 'b':
		return &opts->boxes;
	case 'd':
		return &opts->device;
	case 'c':
		return &opts->config;
	case OPT_SAVE_INPUT:
		return &opts->save_input;
	case OPT_OUTPUT_RAW:
		return &opts->output_raw;
	default:
		return NULL;
	}
}

static int set_option(struct options *opts, int opt, char **argv)
{
	const char **plain = plain_option(opts, opt);

	if (plain) {
		*plain = optarg;
		return CLI_OK;
	}
	switch (opt) {
	case 'k':
		return set_number("top", 1000000, &opts->top);
	case 'n':
		return set_number("repeat", MAX_REPEAT, &opts->repeat);
	case 'j':
		opts->json = 1;
		return CLI_OK;
	case OPT_INPUT_RAW:
		return add_raw(opts);
	case OPT_STREAM:
		opts->raw.stream = 1;
		return CLI_OK;
	case OPT_THRESHOLD:
		return cli_fraction(&run_command, "threshold", 0, &opts->threshold);
	case OPT_MEAN:
		return set_mean(opts);
	case OPT_STD:
		return set_std(opts);
	case OPT_LAYOUT:
		return set_layout(opts);
	default:
		return cli_bad_option(&run_command, opt, argv);
	}
}

static int check(const struct options *opts)
{
	if (!opts->image && !opts->raw.count)
		return cli_usage(&run_command, "run: no input: --image PHOTO or --input-raw");
	if (opts->raw.stream && (opts->image || opts->repeat > 1))
		return cli_usage(&run_command, "run: --stream takes --input-raw alone, no --image, no --repeat");
	if (opts->boxes && opts->top)
		return cli_usage(&run_command, "run: --top or --boxes, not both");
	if (opts->boxes && !opts->image)
		return cli_usage(&run_command, "run: --boxes needs --image to draw on");
	return CLI_OK;
}

static int parse(int argc, char **argv, struct options *opts)
{
	static const struct option longs[] = {
		{ "image", required_argument, NULL, 'i' },
		{ "labels", required_argument, NULL, 'l' },
		{ "top", required_argument, NULL, 'k' },
		{ "boxes", required_argument, NULL, 'b' },
		{ "device", required_argument, NULL, 'd' },
		{ "config", required_argument, NULL, 'c' },
		{ "repeat", required_argument, NULL, 'n' },
		{ "json", no_argument, NULL, 'j' },
		{ "threshold", required_argument, NULL, OPT_THRESHOLD },
		{ "mean", required_argument, NULL, OPT_MEAN },
		{ "std", required_argument, NULL, OPT_STD },
		{ "layout", required_argument, NULL, OPT_LAYOUT },
		{ "save-input", required_argument, NULL, OPT_SAVE_INPUT },
		{ "input-raw", required_argument, NULL, OPT_INPUT_RAW },
		{ "output-raw", required_argument, NULL, OPT_OUTPUT_RAW },
		{ "stream", no_argument, NULL, OPT_STREAM },
		{ 0 },
	};
	int opt, ret;

	while ((opt = getopt_long(argc, argv, ":i:l:k:b:d:c:n:j", longs, NULL)) != -1) {
		ret = set_option(opts, opt, argv);
		if (ret)
			return ret;
	}
	if (argc - optind != 1)
		return cli_usage(&run_command, "run: expected one model, got %d", argc - optind);
	opts->model = argv[optind];
	return check(opts);
}

static int run(int argc, char **argv)
{
	struct options opts = {
		.repeat = 1,
		.threshold = DEFAULT_THRESHOLD,
		.pixels = { .scale = { 1 / 255.0f, 1 / 255.0f, 1 / 255.0f } },
	};
	struct session session = { .opts = &opts };
	int ret = parse(argc, argv, &opts);

	if (ret)
		return ret;
	ret = work(&session);
	tear_down(&session);
	return ret;
}

static const struct command *const parts[] = { &run_face_command, &run_ocr_command, NULL };

const struct command run_command = {
	.name = "run",
	.arguments = "MODEL [--image PHOTO] [--input-raw INPUT=FILE]... [OPTIONS]\n"
	"       accel run face | ocr ...     see 'accel help run face', 'accel help run ocr'",
	.summary = "run a model and show the result",
	.options =
	"  MODEL               a compiled model, or a .tflite file to be compiled\n"
	"  -i, --image PHOTO   JPEG or PNG, resized to the model's input\n"
	"  -l, --labels FILE   names of the classes, one a line\n"
	"  -k, --top K         show the K likeliest classes (default 5)\n"
	"  -b, --boxes OUT.png show the objects found, and draw them\n"
	"      --threshold T   leave out objects with a lower score (default 0.5)\n"
	"      --mean R,G,B    of pixels from 0 to 255 (default 0), and\n"
	"      --std R,G,B     their deviation (default 255): the model gets (pixel - mean) / std\n"
	"      --layout ORDER  rgb (default) or bgr\n"
	"  -d, --device DEVICE drm:0, sim; default: $ACCEL_DEVICE, else the first NPU\n"
	"  -c, --config NAME   for a .tflite file: compile for that NPU, not the device's size\n"
	"  -n, --repeat N      run N times, and show the median time\n"
	"  -j, --json          print JSON\n"
	"      --input-raw I=F fill input I, a name or an index, with the bytes of file F\n"
	"      --stream        the files of --input-raw hold one input after another: run on\n"
	"                      each, in one instance, and append the outputs\n"
	"      --save-input F  write the bytes of the input that the photo became\n"
	"      --output-raw D  write the outputs' bytes to D/output0.bin, D/output1.bin, ...\n",
	.run = run,
	.parts = parts,
};
