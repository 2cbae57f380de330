// SPDX-License-Identifier: MIT
/* accel info: what devices there are, and what is in a compiled model. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <accel/accel.h>

#include "cli.h"
#include "json.h"
#include "source.h"

#define MAX_DEVICES	64

static void print_caps(uint32_t caps)
{
	for (unsigned int bit = 0; bit < 32; bit++) {
		const char *name = accel_cap_name(bit);

		if (caps & (1u << bit) && name)
			printf(" %s", name);
		else if (caps & (1u << bit))
			printf(" bit-%u", bit);
	}
}

static void print_device(const struct accel_device_info *info)
{
	printf("%s: %s, driver %s\n", info->id, info->name, info->driver);
	printf("  ENPU architecture %u.%u: %u MACs a cycle, %u KiB SRAM, %u MHz\n",
	       info->arch_version >> 16, info->arch_version & 0xffff, info->macs,
	       info->sram_bytes >> 10, info->clock_khz / 1000);
	printf("  bandwidth: SRAM %.1f, DRAM %.1f bytes a cycle; %u queues\n",
	       info->sram_bandwidth / 1024.0, info->dram_bandwidth / 1024.0, info->num_queues);
	printf("  capabilities:");
	print_caps(info->caps);
	printf("%s; opcodes 0x%" PRIx64 "\n", info->caps ? "" : " none", info->opcodes);
}

static void json_caps(struct json *json, uint32_t caps)
{
	json_open(json, "capabilities", '[');
	for (unsigned int bit = 0; bit < 32; bit++)
		if (caps & (1u << bit) && accel_cap_name(bit))
			json_string(json, NULL, accel_cap_name(bit));
	json_close(json, ']');
}

static void json_version(struct json *json, uint32_t version)
{
	char text[24];

	snprintf(text, sizeof(text), "%u.%u", version >> 16, version & 0xffff);
	json_string(json, "architecture", text);
}

static void json_device(struct json *json, const struct accel_device_info *info)
{
	json_open(json, NULL, '{');
	json_string(json, "id", info->id);
	json_string(json, "name", info->name);
	json_string(json, "driver", info->driver);
	json_version(json, info->arch_version);
	json_unsigned(json, "macs_per_cycle", info->macs);
	json_unsigned(json, "sram_bytes", info->sram_bytes);
	json_unsigned(json, "sram_bytes_per_1024_cycles", info->sram_bandwidth);
	json_unsigned(json, "dram_bytes_per_1024_cycles", info->dram_bandwidth);
	json_unsigned(json, "clock_khz", info->clock_khz);
	json_unsigned(json, "queues", info->num_queues);
	json_unsigned(json, "opcodes", info->opcodes);
	json_caps(json, info->caps);
	json_close(json, '}');
}

static int show_device(const char *id, struct json *json)
{
	struct accel_device *dev;
	struct accel_error err;

	if (accel_device_open(id, &dev, &err))
		return cli_error("%s", err.text);
	if (json)
		json_device(json, accel_device_info(dev));
	else
		print_device(accel_device_info(dev));
	accel_device_release(dev);
	return CLI_OK;
}

static int show_all(struct json *json)
{
	char ids[MAX_DEVICES][ACCEL_DEVICE_ID_LEN];
	int count = accel_device_list(ids, MAX_DEVICES);
	int ret = CLI_OK;

	for (int i = 0; i < count && i < MAX_DEVICES; i++)
		if (show_device(ids[i], json))
			ret = CLI_FAILED;
	if (count == 0)
		ret = cli_error("no device: neither an NPU with driver 'enpu', nor a plug-in such as sim");
	return ret;
}

static int show_devices(const char *device, int as_json)
{
	struct json json = { .to = stdout };
	int ret;

	if (as_json) {
		json_open(&json, NULL, '{');
		json_open(&json, "devices", '[');
	}
	ret = device ? show_device(device, as_json ? &json : NULL) :
	      show_all(as_json ? &json : NULL);
	if (as_json) {
		json_close(&json, ']');
		json_close(&json, '}');
	}
	return ret;
}

static void print_tensor(const char *what, unsigned int index, const struct accel_tensor *tensor)
{
	printf("  %s %u: %s, %s [", what, index, tensor->name, accel_dtype_name(tensor->dtype));
	for (uint32_t d = 0; d < tensor->rank; d++)
		printf("%s%u", d ? ", " : "", tensor->dims[d]);
	printf("]");
	if (tensor->scale != 0)
		printf(", scale %.9g, zero point %d", (double)tensor->scale, tensor->zero_point);
	printf("\n");
}

static void print_model(const struct accel_model *model)
{
	const struct accel_model_info *info = accel_model_info(model);
	const struct accel_tensor *tensor;

	printf("%s: compiled for %s by %s\n", info->file, info->preset, info->compiler);
	printf("  from %s, SHA-256 ", info->source);
	for (size_t i = 0; i < sizeof(info->source_sha256); i++)
		printf("%02x", info->source_sha256[i]);
	printf("\n  needs ENPU architecture %u.%u, %u KiB SRAM; capabilities:",
	       info->arch_version >> 16, info->arch_version & 0xffff, info->sram_bytes >> 10);
	print_caps(info->caps);
	printf("%s\n  constants %" PRIu64 " KiB, scratch %" PRIu64 " KiB, commands %" PRIu64
	       " KiB; %u layers\n", info->caps ? "" : " none", info->constant_bytes >> 10,
	       info->scratch_bytes >> 10, info->stream_bytes >> 10, info->num_layers);
	if (info->estimated_cycles)
		printf("  estimated cycles: %" PRIu64 "\n", info->estimated_cycles);
	for (unsigned int i = 0; (tensor = accel_model_input(model, i)); i++)
		print_tensor("input", i, tensor);
	for (unsigned int i = 0; (tensor = accel_model_output(model, i)); i++)
		print_tensor("output", i, tensor);
	for (unsigned int i = 0; i < info->num_steps; i++)
		printf("  step %u: %s, on the %s\n", i, accel_model_step(model, i)->name,
		       accel_model_step(model, i)->on_cpu ? "CPU" : "NPU");
}

static void json_tensor(struct json *json, const struct accel_tensor *tensor)
{
	json_open(json, NULL, '{');
	json_string(json, "name", tensor->name);
	json_string(json, "type", accel_dtype_name(tensor->dtype));
	json_open(json, "shape", '[');
	for (uint32_t d = 0; d < tensor->rank; d++)
		json_unsigned(json, NULL, tensor->dims[d]);
	json_close(json, ']');
	if (tensor->scale != 0) {
		json_double(json, "scale", (double)tensor->scale);
		json_signed(json, "zero_point", tensor->zero_point);
	}
	json_close(json, '}');
}

static void json_layers(struct json *json, const struct accel_model *model)
{
	const struct accel_layer *layer;

	json_open(json, "layers", '[');
	for (unsigned int i = 0; (layer = accel_model_layer(model, i)); i++) {
		json_open(json, NULL, '{');
		json_string(json, "name", layer->name);
		json_string(json, "type", layer->type);
		json_unsigned(json, "operator", layer->source_index);
		json_unsigned(json, "macs", layer->macs);
		json_unsigned(json, "estimated_cycles", layer->estimated_cycles);
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void json_steps(struct json *json, const struct accel_model *model)
{
	const struct accel_step *step;

	json_open(json, "steps", '[');
	for (unsigned int i = 0; (step = accel_model_step(model, i)); i++) {
		json_open(json, NULL, '{');
		json_string(json, "name", step->name);
		json_string(json, "runs_on", step->on_cpu ? "CPU" : "NPU");
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void json_model(const struct accel_model *model)
{
	const struct accel_model_info *info = accel_model_info(model);
	char hash[2 * sizeof(info->source_sha256) + 1];
	struct json json = { .to = stdout };
	const struct accel_tensor *tensor;

	for (size_t i = 0; i < sizeof(info->source_sha256); i++)
		snprintf(hash + 2 * i, 3, "%02x", info->source_sha256[i]);
	json_open(&json, NULL, '{');
	json_string(&json, "file", info->file);
	json_string(&json, "source", info->source);
	json_string(&json, "source_sha256", hash);
	json_string(&json, "compiler", info->compiler);
	json_string(&json, "config", info->preset);
	json_unsigned(&json, "format", info->format);
	json_version(&json, info->arch_version);
	json_caps(&json, info->caps);
	json_unsigned(&json, "opcodes", info->opcodes);
	json_unsigned(&json, "sram_bytes", info->sram_bytes);
	json_unsigned(&json, "constant_bytes", info->constant_bytes);
	json_unsigned(&json, "scratch_bytes", info->scratch_bytes);
	json_unsigned(&json, "stream_bytes", info->stream_bytes);
	json_unsigned(&json, "estimated_cycles", info->estimated_cycles);
	json_open(&json, "inputs", '[');
	for (unsigned int i = 0; (tensor = accel_model_input(model, i)); i++)
		json_tensor(&json, tensor);
	json_close(&json, ']');
	json_open(&json, "outputs", '[');
	for (unsigned int i = 0; (tensor = accel_model_output(model, i)); i++)
		json_tensor(&json, tensor);
	json_close(&json, ']');
	json_steps(&json, model);
	json_layers(&json, model);
	json_close(&json, '}');
}

static int show_model(const char *path, int json)
{
	struct accel_model *model;
	int ret = source_load(path, NULL, NULL, &model);

	if (ret)
		return ret;
	if (json)
		json_model(model);
	else
		print_model(model);
	accel_model_release(model);
	return CLI_OK;
}

static int run(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "device", required_argument, NULL, 'd' },
		{ "json", no_argument, NULL, 'j' },
		{ 0 },
	};
	const char *device = NULL;
	int json = 0;
	int opt;

	while ((opt = getopt_long(argc, argv, ":d:j", longs, NULL)) != -1) {
		if (opt == 'd')
			device = optarg;
		else if (opt == 'j')
			json = 1;
		else
			return cli_bad_option(&info_command, opt, argv);
	}
	if (argc - optind > 1)
		return cli_usage(&info_command, "info: more than one model");
	if (argc - optind == 1 && device)
		return cli_usage(&info_command, "info: a model or a device, not both");
	if (argc - optind == 1)
		return show_model(argv[optind], json);
	return show_devices(device, json);
}

const struct command info_command = {
	.name = "info",
	.arguments = "[MODEL | --device DEVICE] [--json]",
	.summary = "show the devices, or what is in a model",
	.options =
	"  MODEL               a compiled model, or a .tflite file to be compiled\n"
	"  -d, --device DEVICE only this one: drm:0, sim\n"
	"  -j, --json          print JSON\n",
	.run = run,
};
