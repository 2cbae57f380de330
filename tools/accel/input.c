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
	struct accel_values shape = accel_shape_of(tensor);
	uint32_t width, height;

	return tensor->dims[0] == 1 && !accel_input_size(&shape, &width, &height, NULL);
}

void input_map(const struct view *view, const struct picture *picture, uint32_t width,
	       uint32_t height, struct accel_map *map)
{
	struct accel_picture whole = { picture->width, picture->height, picture->rgb };

	if (view->letterbox)
		accel_map_letterbox(map, &whole, width, height, ACCEL_CENTRE);
	else
		accel_map_stretch(map, &whole, width, height);
}

/* The input's pixels as 8-bit RGB; free() */
static uint8_t *look(const struct picture *picture, const struct view *view, uint32_t width,
		     uint32_t height)
{
	struct accel_picture whole = { picture->width, picture->height, picture->rgb };
	struct picture scaled = { .width = width, .height = height };
	struct accel_map map;

	if (!view->pixels)
		return picture_resize(picture, &scaled) ? NULL : scaled.rgb;
	if (picture_alloc(&scaled, "resized picture"))
		return NULL;
	input_map(view, picture, width, height, &map);
	accel_map_sample(&map, &whole, width, height, view->pixels->fill, scaled.rgb);
	return scaled.rgb;
}

static void store(const struct view *view, const struct accel_tensor *tensor, const float *values,
		  unsigned char *to)
{
	unsigned char flip = tensor->dtype == ACCEL_S8 ? 0x80 : 0;

	if (view->pixels) {
		accel_quantize(tensor, values, to);
		return;
	}
	for (size_t i = 0; i < tensor->elements; i++)
		to[i] = flip ^ (unsigned char)values[i];
}

int input_from_picture(const struct picture *picture, const char *path, const struct view *view,
		       const struct accel_tensor *tensor, void *data)
{
	static const struct accel_pixels bytes = { .scale = { 1, 1, 1 } };
	struct accel_values shape = accel_shape_of(tensor);
	uint32_t width, height;
	float *values;
	uint8_t *rgb;

	if (!takes_picture(tensor)) {
		cli_error("%s: input %s doesn't take a picture: expected [1, height, width, 3 or 1] or [1, 3 or 1, height, width]",
			  path, tensor->name);
		return -1;
	}
	if (!view->pixels && tensor->dtype != ACCEL_U8 && tensor->dtype != ACCEL_S8) {
		cli_error("%s: input %s is %s: say by --mean and --std what values pixels have there",
			  path, tensor->name, accel_dtype_name(tensor->dtype));
		return -1;
	}
	accel_input_size(&shape, &width, &height, NULL);
	values = malloc(tensor->elements * sizeof(*values));
	if (!values)
		cli_error("out of memory");
	rgb = values ? look(picture, view, width, height) : NULL;
	if (rgb) {
		accel_pixels_place(view->pixels ? view->pixels : &bytes, &shape, rgb, values, NULL);
		store(view, tensor, values, data);
	}
	free(values);
	free(rgb);
	return rgb ? 0 : -1;
}

/* One of several inputs that a file holds */
static int read_frame(FILE *file, const char *path, const struct accel_tensor *tensor,
		      unsigned long frame, void *data)
{
	if (fseeko(file, (off_t)(frame * tensor->size), SEEK_SET) == 0 &&
	    fread(data, 1, tensor->size, file) == tensor->size)
		return 0;
	cli_error("%s: reading: %s", path, errno ? strerror(errno) : "it became shorter");
	return -1;
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

static int read_raw(const char *path, const struct accel_tensor *tensor,
		    const struct input_list *raw, void *data)
{
	FILE *file = fopen(path, "rbe");
	int ret;

	if (!file) {
		cli_error("%s: %s", path, strerror(errno));
		return -1;
	}
	ret = raw->stream ? read_frame(file, path, tensor, raw->frame, data) :
			    read_exactly(file, path, tensor, data);
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
			     raw, accel_instance_input(inst, (unsigned int)index)))
			return -1;
		filled[index] = 1;
	}
	return 0;
}

int input_frames(const struct accel_model *model, const struct input_list *raw,
		 unsigned long *frames)
{
	*frames = 0;
	for (unsigned int i = 0; i < raw->count; i++) {
		const struct accel_tensor *tensor;
		const char *path;
		struct stat st;
		int index = find_input(model, raw->args[i], &path);

		if (index < 0)
			return -1;
		tensor = accel_model_input(model, (unsigned int)index);
		if (stat(path, &st)) {
			cli_error("%s: %s", path, strerror(errno));
			return -1;
		}
		if (!S_ISREG(st.st_mode) || !st.st_size || (size_t)st.st_size % tensor->size) {
			cli_error("%s: %llu bytes, but --stream takes a multiple of input %s's %zu",
				  path, (unsigned long long)st.st_size, tensor->name, tensor->size);
			return -1;
		}
		if (*frames && *frames != (size_t)st.st_size / tensor->size) {
			cli_error("%s: %zu inputs, the file before has %lu", path,
				  (size_t)st.st_size / tensor->size, *frames);
			return -1;
		}
		*frames = (size_t)st.st_size / tensor->size;
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
			const struct view *view, const struct picture *picture,
			const char *path, char *filled)
{
	int index = choose_for_picture(model, filled);

	if (index < 0) {
		cli_error("%s: all inputs of the model are given by --input-raw", path);
		return -1;
	}
	if (input_from_picture(picture, path, view, accel_model_input(model, (unsigned int)index),
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
	       const struct input_list *raw, const struct view *view,
	       const struct picture *picture, const char *path, int *pictured)
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
		*pictured = fill_picture(inst, model, view, picture, path, filled);
		ret = *pictured < 0 ? -1 : 0;
	}
	if (!ret)
		ret = check_filled(model, filled);
	free(filled);
	return ret;
}

int write_bytes(const char *path, int append, const void *data, size_t size)
{
	FILE *file = fopen(path, append ? "abe" : "wbe");
	size_t done = file ? fwrite(data, 1, size, file) : 0;

	if (file && fclose(file) == 0 && done == size)
		return 0;
	cli_error("%s: writing: %s", path, strerror(errno));
	return -1;
}
