// SPDX-License-Identifier: MIT
/* accel compile: a model file becomes an .enpu file. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "calibrate.h"
#include "cli.h"
#include "gate.h"
#include "json.h"
#include "progress.h"
#include "shapes.h"
#include "source.h"
#include "supported.h"

struct options {
	const char *input;
	const char *output;
	const char *report;
	int json;
	int supported;
	struct enpu_compile_options compile;
	struct calibration calibration;
	struct shapes shapes;
};

/* model.tflite becomes model.enpu beside it. */
static char *default_output(const char *input)
{
	const char *end = strrchr(input, '.');
	char *output;

	if (!end || strchr(end, '/'))
		end = input + strlen(input);
	if (asprintf(&output, "%.*s.enpu", (int)(end - input), input) < 0)
		return NULL;
	return output;
}

static int write_fd(int fd, const struct enpu_blob *blob)
{
	size_t done = 0;

	while (done < blob->size) {
		ssize_t got = write(fd, (const char *)blob->data + done, blob->size - done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		done += (size_t)got;
	}
	return fchmod(fd, 0644);
}

/* The file appears whole or not at all. */
static int write_file(const char *path, const struct enpu_blob *blob)
{
	char *temporary;
	int fd, ret;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return cli_error("out of memory");
	fd = mkostemp(temporary, O_CLOEXEC);
	ret = fd < 0 ? -1 : write_fd(fd, blob);
	if (fd >= 0 && close(fd))
		ret = -1;
	if (!ret)
		ret = rename(temporary, path);
	if (ret) {
		ret = cli_error("%s: writing: %s", path, strerror(errno));
		if (fd >= 0)
			unlink(temporary);
	}
	free(temporary);
	return ret;
}

static void print_json(const struct options *opts, const char *output,
		       const struct enpu_blob *blob, const struct enpu_compile_stats *stats)
{
	struct json json = { .to = stdout };

	json_open(&json, NULL, '{');
	json_string(&json, "input", opts->input);
	json_string(&json, "output", output);
	json_unsigned(&json, "bytes", blob->size);
	json_unsigned(&json, "macs", stats->macs);
	json_unsigned(&json, "commands", stats->commands);
	json_unsigned(&json, "estimated_cycles", stats->estimated_cycles);
	json_unsigned(&json, "dram_read_bytes", stats->dram_read_bytes);
	json_unsigned(&json, "dram_write_bytes", stats->dram_write_bytes);
	json_unsigned(&json, "weight_bytes", stats->weight_bytes);
	json_unsigned(&json, "scratch_bytes", stats->scratch_bytes);
	json_unsigned(&json, "sram_peak_bytes", stats->sram_peak_bytes);
	json_unsigned(&json, "npu_operators", stats->npu_ops);
	json_unsigned(&json, "cpu_operators", stats->cpu_ops);
	if (opts->calibration.exam.dir)
		gate_json(&json, &opts->calibration.accuracy);
	json_close(&json, '}');
}

static void print_text(const char *output, const struct enpu_blob *blob,
		       const struct enpu_compile_stats *stats)
{
	printf("%s: %zu bytes, %u operators on the NPU, %u on the CPU\n", output, blob->size,
	       stats->npu_ops, stats->cpu_ops);
	printf("%" PRIu64 " MACs, %" PRIu64 " commands, %" PRIu64 " KiB of SRAM at most\n",
	       stats->macs, stats->commands, stats->sram_peak_bytes >> 10);
	printf("weights %" PRIu64 " KiB, scratch %" PRIu64 " KiB, DRAM traffic %" PRIu64
	       " KiB in, %" PRIu64 " KiB out\n", stats->weight_bytes >> 10,
	       stats->scratch_bytes >> 10, stats->dram_read_bytes >> 10,
	       stats->dram_write_bytes >> 10);
}

/* @accuracy: NULL if the model was not verified. */
static int write_report(const char *path, const struct enpu_report *report,
			const struct enpu_accuracy *accuracy)
{
	struct enpu_blob page = { 0 };
	char *text = NULL;
	FILE *out = open_memstream(&text, &page.size);
	int ret = out ? enpu_report_write(report, accuracy, out) : -ENOMEM;

	if (out && fclose(out) && !ret)
		ret = -ENOMEM;
	page.data = text;
	ret = ret ? cli_error("%s: %s", path, strerror(-ret)) : write_file(path, &page);
	free(text);
	return ret;
}

static int compile(const struct options *opts, const char *output)
{
	struct enpu_compile_options compile = opts->compile;
	struct enpu_report *report = NULL;
	struct enpu_compile_stats stats;
	struct enpu_blob blob = { 0 };
	int ret;

	if (opts->report)
		compile.report = &report;
	ret = source_compile(opts->input, &compile, &blob, &stats);
	if (!ret)
		ret = calibration_judge(&opts->calibration, opts->input, opts->json);
	if (!ret)
		ret = write_file(output, &blob);
	/* of what is refused too: it tells where accuracy is lost */
	if ((!ret || ret == CLI_DROP) && report &&
	    write_report(opts->report, report,
			 opts->calibration.exam.dir ? &opts->calibration.accuracy : NULL))
		ret = CLI_FAILED;
	enpu_report_free(report);
	if (opts->json && (!ret || ret == CLI_DROP))
		print_json(opts, output, &blob, &stats);
	else if (!ret)
		print_text(output, &blob, &stats);
	enpu_blob_free(&blob);
	return ret;
}

static int parse(int argc, char **argv, struct options *opts)
{
	static const struct option longs[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "config", required_argument, NULL, 'c' },
		{ "report", required_argument, NULL, 'r' },
		{ "json", no_argument, NULL, 'j' },
		{ "supported-ops", no_argument, NULL, 's' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "device", required_argument, NULL, 'd' },
		SHAPES_LONGS,
		CALIBRATE_LONGS,
		{ 0 },
	};
	int opt, ret;

	while ((opt = getopt_long(argc, argv, ":o:c:d:r:jv", longs, NULL)) != -1) {
		switch (opt) {
		case 'o':
			opts->output = optarg;
			break;
		case 'c':
			opts->compile.preset = optarg;
			break;
		case 'r':
			opts->report = optarg;
			break;
		case 'j':
			opts->json = 1;
			break;
		case 's':
			opts->supported = 1;
			break;
		case 'v':
			opts->compile.dump = stderr;
			break;
		case 'd':
			opts->calibration.device = optarg;
			break;
		case OPT_SHAPE:
		case OPT_VALUE:
			ret = shapes_option(&opts->shapes, opt, optarg);
			if (ret)
				return ret;
			break;
		case OPT_CALIBRATE ... OPT_NO_BIAS_CORRECTION:
			ret = calibration_option(&opts->calibration, opt);
			if (ret)
				return ret;
			break;
		default:
			return cli_bad_option(&compile_command, opt, argv);
		}
	}
	if (opts->supported)
		return argc == optind ? CLI_OK :
		       cli_usage(&compile_command, "compile: --supported-ops takes no model");
	if (argc - optind != 1)
		return cli_usage(&compile_command, "compile: expected one model, got %d",
				 argc - optind);
	opts->input = argv[optind];
	opts->compile.progress = progress_show;
	shapes_set(&opts->shapes, &opts->compile);
	return calibration_set_up(&opts->calibration, &opts->compile);
}

static int run(int argc, char **argv)
{
	struct options opts = { 0 };
	char *output = NULL;
	int ret;

	calibration_init(&opts.calibration);
	ret = parse(argc, argv, &opts);
	if (!ret && opts.supported) {
		(opts.json ? supported_print_json : supported_print)();
	} else if (!ret) {
		output = opts.output ? strdup(opts.output) : default_output(opts.input);
		ret = output ? compile(&opts, output) : cli_error("out of memory");
	}
	free(output);
	calibration_free(&opts.calibration);
	shapes_free(&opts.shapes);
	return ret;
}

const struct command compile_command = {
	.name = "compile",
	.arguments = "MODEL [-o OUT.enpu] [--calibrate DIR [--verify DIR]] [OPTIONS]",
	.summary = "compile a TensorFlow Lite or ONNX model for the NPU",
	.options =
	"  -o, --output FILE   where to; default: MODEL.enpu beside the model\n"
	"  -c, --config NAME   NPU to compile for: enpu-256, enpu-512 (default), enpu-2048\n"
	"  -r, --report FILE   an HTML page: graph, cycles, SRAM and DRAM, operator by operator\n"
	"  -j, --json          print what came out as JSON\n"
	"      --supported-ops print the operators that the compiler takes, and no more\n"
	"  -v, --verbose       print the graph and the schedule on stderr\n"
	SHAPES_HELP
	CALIBRATE_HELP,
	.run = run,
};
