// SPDX-License-Identifier: MIT
/* Errors in words, and shapes in them. */
#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int task_error(struct accel_error *err, int code, const char *fmt, ...)
{
	va_list args;

	if (!err)
		return code;
	err->code = code;
	va_start(args, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	for (char *c = err->text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	return code;
}

int task_no_memory(struct accel_error *err)
{
	return task_error(err, -ENOMEM, "out of memory");
}

const char *shape_text(const struct accel_values *values, char *text)
{
	int at = snprintf(text, SHAPE_TEXT, "[");

	for (uint32_t i = 0; i < values->rank && i < ACCEL_MAX_RANK; i++)
		at += snprintf(text + at, SHAPE_TEXT - (size_t)at, "%s%u", i ? ", " : "",
			       values->dims[i]);
	snprintf(text + at, SHAPE_TEXT - (size_t)at, "]");
	return text;
}

const char *shapes_text(const struct accel_values *values, unsigned int count, char *text,
			size_t size)
{
	char shape[SHAPE_TEXT];
	size_t at = 0;

	text[0] = '\0';
	for (unsigned int i = 0; i < count && at < size; i++)
		at += (size_t)snprintf(text + at, size - at, "%s%s", i ? ", " : "",
				       shape_text(&values[i], shape));
	return text;
}

int shape_is(const struct accel_values *values, uint32_t rank, const uint32_t *dims)
{
	if (values->rank != rank)
		return 0;
	for (uint32_t i = 0; i < rank; i++)
		if (values->dims[i] == 0 || (dims[i] && values->dims[i] != dims[i]))
			return 0;
	return 1;
}
