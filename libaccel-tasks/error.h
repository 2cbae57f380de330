/* SPDX-License-Identifier: MIT */
#ifndef TASKS_ERROR_H
#define TASKS_ERROR_H

#include <accel/tasks.h>

/* Fill in @err, if there is one; returns @code */
int task_error(struct accel_error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int task_no_memory(struct accel_error *err);

#define SHAPE_TEXT	96

/* "[1, 84, 8400]" in @text of SHAPE_TEXT bytes; returns @text */
const char *shape_text(const struct accel_values *values, char *text);
/* "[1, 4, 21], [1, 80, 21]", as far as it fits in @text of @size; returns @text */
const char *shapes_text(const struct accel_values *values, unsigned int count, char *text,
			size_t size);
/* Whether the shape is @rank dimensions like @dims, where 0 stands for any */
int shape_is(const struct accel_values *values, uint32_t rank, const uint32_t *dims);

#endif
