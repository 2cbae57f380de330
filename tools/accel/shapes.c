// SPDX-License-Identifier: MIT
/* --shape and --value: see shapes.h. */
#include "shapes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* Numbers between @separator; their count, or 0 if that is not what @text is. */
static unsigned int read_numbers(const char *text, char separator, double **numbers)
{
	unsigned int n = 0;
	char *end;

	*numbers = calloc(strlen(text) + 1, sizeof(**numbers));
	if (!*numbers)
		return 0;
	for (;; text = end + 1) {
		(*numbers)[n++] = strtod(text, &end);
		if (end == text || (*end && *end != separator))
			return 0;
		if (!*end)
			return n;
	}
}

/* "1x3x640x640"; "0x" would be the start of a hexadecimal number. */
static unsigned int read_dims(const char *text, int32_t **dims)
{
	unsigned int n = 0;
	char *end;

	*dims = calloc(strlen(text) + 1, sizeof(**dims));
	if (!*dims)
		return 0;
	for (;; text = end + 1) {
		long value;

		errno = 0;
		value = strtol(text, &end, 10);
		if (end == text || (*end && *end != 'x') || errno || value < 1 || value > INT32_MAX)
			return 0;
		(*dims)[n++] = value;
		if (!*end)
			return n;
	}
}

/* "NAME" of "NAME=...": the last "=", for names have them, too. NULL: no name, or no memory */
static char *read_name(const char *argument, const char **rest)
{
	const char *equal = strrchr(argument, '=');

	if (!equal || equal == argument)
		return NULL;
	*rest = equal + 1;
	return strndup(argument, equal - argument);
}

static int add_shape(struct shapes *s, const char *argument)
{
	struct enpu_input_shape *more = realloc(s->shapes, (s->n_shapes + 1) * sizeof(*more));
	const char *rest = NULL;
	unsigned int rank;
	int32_t *dims;
	char *name;

	if (!more)
		return cli_error("out of memory");
	s->shapes = more;
	name = read_name(argument, &rest);
	rank = name ? read_dims(rest, &dims) : 0;
	if (!name)
		return cli_error("--shape %s: expected NAME=1x3x640x640", argument);
	s->shapes[s->n_shapes++] = (struct enpu_input_shape){ name, rank, dims };
	if (!rank)
		return cli_error("--shape %s: expected NAME=1x3x640x640", argument);
	return CLI_OK;
}

static int add_value(struct shapes *s, const char *argument)
{
	struct enpu_input_value *more = realloc(s->values, (s->n_values + 1) * sizeof(*more));
	const char *rest = NULL;
	unsigned int count;
	double *numbers;
	char *name;

	if (!more)
		return cli_error("out of memory");
	s->values = more;
	name = read_name(argument, &rest);
	count = name ? read_numbers(rest, ',', &numbers) : 0;
	if (!name)
		return cli_error("--value %s: expected NAME=NUMBER[,NUMBER...]", argument);
	s->values[s->n_values++] = (struct enpu_input_value){ name, count, numbers };
	if (!count)
		return cli_error("--value %s: expected NAME=NUMBER[,NUMBER...]", argument);
	return CLI_OK;
}

int shapes_option(struct shapes *s, int opt, const char *argument)
{
	return opt == OPT_SHAPE ? add_shape(s, argument) : add_value(s, argument);
}

void shapes_set(const struct shapes *s, struct enpu_compile_options *opts)
{
	opts->input_shapes = s->shapes;
	opts->n_input_shapes = s->n_shapes;
	opts->input_values = s->values;
	opts->n_input_values = s->n_values;
}

void shapes_free(struct shapes *s)
{
	for (unsigned int i = 0; i < s->n_shapes; i++) {
		free((char *)s->shapes[i].name);
		free((int32_t *)s->shapes[i].dims);
	}
	for (unsigned int i = 0; i < s->n_values; i++) {
		free((char *)s->values[i].name);
		free((double *)s->values[i].values);
	}
	free(s->shapes);
	free(s->values);
}
