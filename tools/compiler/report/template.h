/* SPDX-License-Identifier: MIT */
/*
 * A small template language, so that how a report looks is a file of HTML:
 *
 *	{{name}}		a value, formatted for people and escaped
 *	{{name:raw}}		the same for machines: a plain number
 *	{{#name}} ... {{/name}}	for each record of a list; or if a value is not zero or empty
 *	{{^name}} ... {{/name}}	if a value or a list is zero or empty
 *	{{>name}}		a file that was built in, as it is
 *
 * Names are looked up in the innermost record, then outwards. Nothing but built-in files
 * is ever written without escaping.
 */
#ifndef ENPU_TEMPLATE_H
#define ENPU_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum field_kind {
	FIELD_TEXT,			/* const char * */
	FIELD_BOOL,
	FIELD_U32, FIELD_U64, FIELD_S64,	/* 1,234 */
	FIELD_BYTES,			/* uint64_t: 4.2 MiB */
	FIELD_NUMBER,			/* double: as short as it is exact enough */
	FIELD_FIXED,			/* double: one digit after the point */
	FIELD_PLACE,			/* double: for pictures */
	FIELD_ROWS,			/* struct rows of @record */
};

struct record;

struct field {
	const char *name;
	enum field_kind kind;
	size_t at;			/* in the record */
	const struct record *record;
};

struct record {
	const struct field *fields;
	size_t n_fields, bytes;
};

struct built_in {
	const char *name, *text;
};

struct template {
	const char *text;
	const struct built_in *files;	/* the last has no name */
	FILE *out;
};

/* 0, or -EINVAL if the template names what there is not, or its sections do not match. */
int template_write(const struct template *t, const struct record *type, const void *object);

#endif
