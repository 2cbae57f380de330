/* SPDX-License-Identifier: MIT */
/* Writing JSON: values one after another, commas and indentation by themselves. */
#ifndef ACCEL_CLI_JSON_H
#define ACCEL_CLI_JSON_H

#include <stdint.h>
#include <stdio.h>

struct json {
	FILE *to;
	unsigned int depth;
	int first;			/* nothing was written in this object or array yet */
};

/* @key: NULL in an array and at the top */
void json_open(struct json *json, const char *key, char bracket);
void json_close(struct json *json, char bracket);
void json_string(struct json *json, const char *key, const char *value);	/* NULL: null */
void json_unsigned(struct json *json, const char *key, uint64_t value);
void json_signed(struct json *json, const char *key, int64_t value);
/* Not a number, and infinity: null */
void json_double(struct json *json, const char *key, double value);
void json_bool(struct json *json, const char *key, int value);

#endif
