// SPDX-License-Identifier: MIT
/* See given.h. */
#include "given.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int file_read(const char *path, struct file *file)
{
	FILE *f = fopen(path, "rb");
	long size = -1;

	*file = (struct file){ 0 };
	if (f && !fseek(f, 0, SEEK_END))
		size = ftell(f);
	if (size >= 0 && !fseek(f, 0, SEEK_SET)) {
		file->data = malloc(size + 1);
		file->size = size;
	}
	if (!file->data || fread(file->data, 1, file->size, f) != file->size) {
		fprintf(stderr, "%s: %s\n", path, errno ? strerror(errno) : "can't be read");
		free(file->data);
		file->data = NULL;
	}
	if (f)
		fclose(f);
	return !file->data;
}

static int parse_one(struct given *given, char *text)
{
	char *value = strchr(text, '=');
	struct enpu_input_shape *shape = &given->shapes[given->n_shapes];
	int32_t *dims = given->dims[given->n_shapes];

	if (!value || given->n_shapes == MAX_GIVEN || given->n_values == MAX_GIVEN)
		return 1;
	*value++ = 0;
	if (*value == ':') {
		given->numbers[given->n_values] = atof(value + 1);
		given->values[given->n_values] = (struct enpu_input_value){
			text, 1, &given->numbers[given->n_values],
		};
		given->n_values++;
		return 0;
	}
	*shape = (struct enpu_input_shape){ text, 0, dims };
	for (char *end = value; shape->rank < MAX_GIVEN_DIMS; value = end + 1) {
		dims[shape->rank++] = strtol(value, &end, 10);
		if (end == value || (*end && *end != 'x'))
			return 1;
		if (!*end)
			break;
	}
	given->n_shapes++;
	return 0;
}

int given_parse(struct given *given, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		if (parse_one(given, argv[i])) {
			fprintf(stderr, "%s: neither NAME=1x3x64x64 nor NAME=:VALUE\n", argv[i]);
			return 1;
		}
	}
	return 0;
}

void given_set(const struct given *given, struct enpu_compile_options *opts)
{
	opts->input_shapes = given->shapes;
	opts->n_input_shapes = given->n_shapes;
	opts->input_values = given->values;
	opts->n_input_values = given->n_values;
}
