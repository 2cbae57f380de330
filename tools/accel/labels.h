/* SPDX-License-Identifier: MIT */
/* Names of classes, from a text file of one a line. */
#ifndef ACCEL_CLI_LABELS_H
#define ACCEL_CLI_LABELS_H

#include <stddef.h>

struct labels {
	char *text;			/* the file; lines point into it */
	char **lines;
	size_t count;
};

/* All zero: no labels. 0, or -1 after a message on stderr */
int labels_load(const char *path, struct labels *labels);
void labels_free(struct labels *labels);

/*
 * The name of class @index of a classifier of @classes. A file that has one
 * label less leaves out a class 0, the background. NULL: none.
 */
const char *labels_of_class(const struct labels *labels, size_t index, size_t classes);
/* 0, or -1 after a message: the file's count fits no classifier of @classes */
int labels_check(const struct labels *labels, const char *path, size_t classes);

/*
 * The name of class @index of a detector, which doesn't count a background
 * class. A file whose first line is "???" or "background" does.
 */
const char *labels_of_detection(const struct labels *labels, size_t index);

#endif
