// SPDX-License-Identifier: MIT
/* Loading models, compiled on the fly where they need it. */
#include "source.h"

#include <stdio.h>
#include <string.h>

#include "cli.h"

static void print_messages(const struct enpu_diag *diag)
{
	static const char *const severities[] = {
		[ENPU_NOTE] = "note: ",
		[ENPU_WARNING] = "warning: ",
		[ENPU_ERROR] = "",
	};

	for (size_t i = 0; i < diag->count; i++)
		cli_error("%s%s", severities[diag->messages[i].severity],
			  diag->messages[i].text);
}

int source_compile(const char *path, const struct enpu_compile_options *opts,
		   struct enpu_blob *blob, struct enpu_compile_stats *stats)
{
	struct enpu_diag diag = { 0 };
	int ret = enpu_compile_file(path, opts, blob, stats, &diag);

	print_messages(&diag);
	if (ret && diag.count == 0)
		cli_error("%s: %s", path, strerror(-ret));
	enpu_diag_free(&diag);
	return ret ? CLI_FAILED : CLI_OK;
}

/*
 * What the compiler takes: a TensorFlow Lite file has its identifier behind the root's
 * offset, an ONNX file begins with its first field, a small number.
 */
static int is_source(const char *path)
{
	FILE *file = fopen(path, "rbe");
	char head[8] = "";
	size_t got;

	if (!file)
		return 0;
	got = fread(head, 1, sizeof(head), file);
	fclose(file);
	return got == sizeof(head) && (memcmp(head + 4, "TFL3", 4) == 0 || head[0] == 0x08);
}

static int compile_and_load(const char *path, const char *config,
			    const struct accel_device *dev, struct accel_model **model)
{
	struct enpu_compile_options opts = { .preset = config };
	struct enpu_blob blob = { 0 };
	struct accel_error err;
	char preset[32];
	int ret;

	if (!config && dev) {
		snprintf(preset, sizeof(preset), "enpu-%u", accel_device_info(dev)->macs);
		opts.preset = preset;
		opts.sram_bytes = accel_device_info(dev)->sram_bytes;
	}
	ret = source_compile(path, &opts, &blob, NULL);
	if (ret)
		return ret;
	if (accel_model_load_memory(path, blob.data, blob.size, model, &err))
		ret = cli_error("%s", err.text);
	enpu_blob_free(&blob);
	return ret;
}

int source_load(const char *path, const char *config, const struct accel_device *dev,
		struct accel_model **model)
{
	struct accel_error err;

	if (is_source(path))
		return compile_and_load(path, config, dev, model);
	if (accel_model_load(path, model, &err))
		return cli_error("%s", err.text);
	return CLI_OK;
}
