// SPDX-License-Identifier: MIT
/* Filling a model's inputs. */
#include "input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"

static int takes_picture(const struct accel_tensor *tensor)
{
	return tensor->rank == 4 && tensor->dims[0] == 1 &&
	       (tensor->dims[3] == 3 || tensor->dims[3] == 1) &&
	       (tensor->dtype == ACCEL_U8 || tensor->dtype == ACCEL_S8);
}

/* ITU-R BT.601, in 1/65536 */
static unsigned char luma(const unsigned char *rgb)
{
	return (unsigned char)((19595u * rgb[0] + 38470u * rgb[1] + 7471u * rgb[2] + 32768) >> 16);
}

int input_from_picture(const struct picture *picture, const char *path,
		       const struct accel_tensor *tensor, void *data)
{
	struct picture scaled = { .width = tensor->dims[2], .height = tensor->dims[1] };
	unsigned char flip = tensor->dtype == ACCEL_S8 ? 0x80 : 0;
	unsigned char *to = data;

	if (!takes_picture(tensor)) {
		cli_error("%s: input %s doesn't take a picture: expected uint8 or int8 [1, height, width, 3 or 1]",
			  path, tensor->name);
		return -1;
	}
	if (picture_resize(picture, &scaled))
		return -1;
	for (size_t i = 0; i < tensor->elements; i++)
		to[i] = flip ^ (tensor->dims[3] == 3 ? scaled.rgb[i] : luma(scaled.rgb + 3 * i));
	free(scaled.rgb);
	return 0;
}

static int read_exactly(FILE *file, const char *path, const struct accel_tensor *tensor,
			void *data)
{
	struct stat st;

	if (fstat(fileno(file), &st)) {
		cli_error("%s: %s", path, strerror(errno));
		return -1;
	}
	if (S_ISREG(st.st_mode) && (uint64_t)st.st_size != tensor->size) {
		cli_error("%s: %llu bytes, but input %s takes %zu", path,
			  (unsigned long long)st.st_size, tensor->name, tensor->size);
		return -1;
	}
	if (fread(data, 1, tensor->size, file) == tensor->size && fgetc(file) == EOF)
		return 0;
	cli_error("%s: %s", path, ferror(file) ? strerror(errno) :
		  "not as many bytes as the input takes");
	return -1;
}

static int read_raw(const char *path, const struct accel_tensor *tensor, void *data)
{
	FILE *file = fopen(path, "rbe");
	int ret;

	if (!file) {
		cli_error("%s: %s", path, strerror(errno));
		return -1;
	}
	ret = read_exactly(file, path, tensor, data);
	fclose(file);
	return ret;
}

/* The input that "NAME_OR_INDEX=FILE" names, and the file; -1 after a message */
static int find_input(const struct accel_model *model, const char *arg, const char **path)
{
	unsigned int count = accel_model_info(model)->num_inputs;
	const char *equals = strrchr(arg, '=');
	size_t length = equals ? (size_t)(equals - arg) : 0;
	char *end;
	unsigned long index;

	if (!length) {
		cli_error("--input-raw %s: expected NAME_OR_INDEX=FILE", arg);
		return -1;
	}
	*path = equals + 1;
	for (unsigned int i = 0; i < count; i++) {
		const char *name = accel_model_input(model, i)->name;

		if (strlen(name) == length && memcmp(name, arg, length) == 0)
			return (int)i;
	}
	index = strtoul(arg, &end, 10);
	if (end == equals && arg[0] >= '0' && arg[0] <= '9' && index < count)
		return (int)index;
	cli_error("--input-raw %s: the model has no such input; it has %u", arg, count);
	return -1;
}

static int fill_raw(struct accel_instance *inst, const struct accel_model *model,
		    const struct input_list *raw, char *filled)
{
	for (unsigned int i = 0; i < raw->count; i++) {
		const char *path;
		int index = find_input(model, raw->args[i], &path);

		if (index < 0)
			return -1;
		if (read_raw(path, accel_model_input(model, (unsigned int)index),
			     accel_instance_input(inst, (unsigned int)index)))
			return -1;
		filled[index] = 1;
	}
	return 0;
}

/* The first input that has nothing yet; preferably one that takes a picture */
static int choose_for_picture(const struct accel_model *model, const char *filled)
{
	const struct accel_tensor *tensor;
	int first = -1;

	for (unsigned int i = 0; (tensor = accel_model_input(model, i)); i++) {
		if (filled[i])
			continue;
		if (takes_picture(tensor))
			return (int)i;
		if (first < 0)
			first = (int)i;
	}
	return first;
}

static int fill_picture(struct accel_instance *inst, const struct accel_model *model,
			const struct picture *picture, const char *path, char *filled)
{
	int index = choose_for_picture(model, filled);

	if (index < 0) {
		cli_error("%s: all inputs of the model are given by --input-raw", path);
		return -1;
	}
	if (input_from_picture(picture, path, accel_model_input(model, (unsigned int)index),
			       accel_instance_input(inst, (unsigned int)index)))
		return -1;
	filled[index] = 1;
	return index;
}

static int check_filled(const struct accel_model *model, const char *filled)
{
	const struct accel_tensor *tensor;

	for (unsigned int i = 0; (tensor = accel_model_input(model, i)); i++) {
		if (filled[i])
			continue;
		cli_error("input %u (%s) is not given: use --image, or --input-raw %u=FILE", i,
			  tensor->name, i);
		return -1;
	}
	return 0;
}

int input_fill(struct accel_instance *inst, const struct accel_model *model,
	       const struct input_list *raw, const struct picture *picture, const char *path,
	       int *pictured)
{
	char *filled = calloc(accel_model_info(model)->num_inputs, 1);
	int ret;

	*pictured = -1;
	if (!filled) {
		cli_error("out of memory");
		return -1;
	}
	ret = fill_raw(inst, model, raw, filled);
	if (!ret && picture->rgb) {
		*pictured = fill_picture(inst, model, picture, path, filled);
		ret = *pictured < 0 ? -1 : 0;
	}
	if (!ret)
		ret = check_filled(model, filled);
	free(filled);
	return ret;
}

int write_bytes(const char *path, const void *data, size_t size)
{
	FILE *file = fopen(path, "wbe");
	size_t done = file ? fwrite(data, 1, size, file) : 0;

	if (file && fclose(file) == 0 && done == size)
		return 0;
	cli_error("%s: writing: %s", path, strerror(errno));
	return -1;
}
