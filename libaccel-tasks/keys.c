// SPDX-License-Identifier: MIT
/* A recognizer's characters, and the text that its outputs spell. */
#include "keys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

#define MAX_BYTES	(4u << 20)

static int read_text(const char *path, char **text, struct accel_error *err)
{
	FILE *file = fopen(path, "re");
	size_t size;
	int ret = 0;

	if (!file)
		return task_error(err, -errno, "%s: %s", path, strerror(errno));
	*text = malloc(MAX_BYTES + 1);
	size = *text ? fread(*text, 1, MAX_BYTES + 1, file) : 0;
	if (!*text)
		ret = task_no_memory(err);
	else if (ferror(file))
		ret = task_error(err, -EIO, "%s: %s", path, strerror(errno));
	else if (size == 0 || size > MAX_BYTES || memchr(*text, '\0', size))
		ret = task_error(err, -EINVAL, "%s: not a text file of characters, one a line",
				 path);
	else
		(*text)[size] = '\0';
	fclose(file);
	return ret;
}

static size_t split(char *text, const char **lines)
{
	size_t count = 0;

	while (*text) {
		char *end = text + strcspn(text, "\n");
		char *next = end + (*end == '\n');

		*end = '\0';
		if (end > text && end[-1] == '\r')
			end[-1] = '\0';
		lines[count++] = text;
		text = next;
	}
	return count;
}

static size_t count_lines(const char *text)
{
	size_t count = 0;

	for (; *text; text += *text == '\n') {
		count++;
		text += strcspn(text, "\n");
	}
	return count;
}

int accel_keys_load(const char *path, struct accel_keys **keys, struct accel_error *err)
{
	struct accel_keys *made = calloc(1, sizeof(*made));
	int ret;

	if (!made)
		return task_no_memory(err);
	ret = read_text(path, &made->text, err);
	if (!ret) {
		made->lines = calloc(count_lines(made->text) + 1, sizeof(*made->lines));
		if (made->lines)
			made->count = split(made->text, made->lines);
		else
			ret = task_no_memory(err);
	}
	if (ret) {
		accel_keys_free(made);
		return ret;
	}
	*keys = made;
	return 0;
}

void accel_keys_free(struct accel_keys *keys)
{
	if (!keys)
		return;
	free(keys->lines);
	free(keys->text);
	free(keys);
}

/* NULL: no character */
static const char *spelled(const struct accel_keys *keys, size_t class)
{
	if (class == 0)
		return NULL;
	return class <= keys->count ? keys->lines[class - 1] : " ";
}

/* A character that goes on over several steps is one; "no character" ends it. */
int accel_text_decode(const float *scores, size_t steps, size_t classes,
		      const struct accel_keys *keys, char **text, float *score,
		      struct accel_error *err)
{
	size_t last = 0, count = 0, size = 0;
	double sum = 0;
	char *to = NULL;
	FILE *out;

	if (classes != keys->count + 1 && classes != keys->count + 2)
		return task_error(err, -EINVAL, "a recognizer of %zu classes with %zu keys: expected as many classes and one or two more",
				  classes, keys->count);
	out = open_memstream(&to, &size);
	if (!out)
		return task_no_memory(err);
	for (size_t i = 0; i < steps; i++) {
		struct accel_class best;
		const char *key;

		accel_top(scores + i * classes, classes, &best, 1);
		key = best.index == last ? NULL : spelled(keys, best.index);
		last = best.index;
		if (!key)
			continue;
		fputs(key, out);
		sum += (double)best.score;
		count++;
	}
	if (fclose(out)) {
		free(to);
		return task_no_memory(err);
	}
	*text = to;
	*score = count ? (float)(sum / (double)count) : 0;
	return 0;
}
