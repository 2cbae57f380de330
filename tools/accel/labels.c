// SPDX-License-Identifier: MIT
/* Label files. */
#include "labels.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli.h"

#define MAX_BYTES	(16u << 20)

/* The file, NUL-terminated, in a buffer of its own */
static char *read_text(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = file ? malloc(MAX_BYTES + 1) : NULL;
	size_t size = 0;

	if (text)
		size = fread(text, 1, MAX_BYTES + 1, file);
	if (!file || !text || ferror(file) || size > MAX_BYTES || memchr(text, '\0', size)) {
		cli_error("%s: %s", path, !text || ferror(file) ? strerror(errno) :
			  "not a text file of labels");
		free(text);
		text = NULL;
	} else {
		text[size] = '\0';
	}
	if (file)
		fclose(file);
	return text;
}

/* Labels are printed: nothing in them may control a terminal. */
static void clean(char *line)
{
	size_t length = strcspn(line, "\r");

	line[length] = '\0';
	for (; *line; line++)
		if ((unsigned char)*line < 0x20 || *line == 0x7f)
			*line = ' ';
}

static size_t count_lines(const char *text)
{
	size_t count = 0;

	while (*text) {
		count++;
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return count;
}

int labels_load(const char *path, struct labels *labels)
{
	char *at;

	*labels = (struct labels){ .text = read_text(path) };
	if (!labels->text)
		return -1;
	labels->count = count_lines(labels->text);
	labels->lines = calloc(labels->count + 1, sizeof(*labels->lines));
	if (!labels->lines) {
		cli_error("out of memory");
		labels_free(labels);
		return -1;
	}
	at = labels->text;
	for (size_t i = 0; i < labels->count; i++) {
		labels->lines[i] = strsep(&at, "\n");
		clean(labels->lines[i]);
	}
	return 0;
}

void labels_free(struct labels *labels)
{
	free(labels->lines);
	free(labels->text);
	*labels = (struct labels){ 0 };
}

int labels_check(const struct labels *labels, const char *path, size_t classes)
{
	if (!labels->count || labels->count == classes || labels->count + 1 == classes)
		return 0;
	cli_error("%s: %zu labels for %zu classes", path, labels->count, classes);
	return -1;
}

const char *labels_of_class(const struct labels *labels, size_t index, size_t classes)
{
	if (!labels->count)
		return NULL;
	if (labels->count + 1 == classes)
		return index ? labels->lines[index - 1] : "background";
	return index < labels->count ? labels->lines[index] : NULL;
}

const char *labels_of_detection(const struct labels *labels, size_t index)
{
	if (!labels->count)
		return NULL;
	if (strcmp(labels->lines[0], "???") == 0 || strcasecmp(labels->lines[0], "background") == 0)
		index++;
	return index < labels->count ? labels->lines[index] : NULL;
}
