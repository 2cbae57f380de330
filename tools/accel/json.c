// SPDX-License-Identifier: MIT
/* A small JSON writer. */
#include "json.h"

#include <inttypes.h>
#include <math.h>

static void quote(FILE *to, const char *text)
{
	fputc('"', to);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fprintf(to, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			fprintf(to, "\\u%04x", c);
		else
			fputc(c, to);
	}
	fputc('"', to);
}

static void start(struct json *json, const char *key)
{
	if (json->depth) {
		fputs(json->first ? "\n" : ",\n", json->to);
		fprintf(json->to, "%*s", (int)(2 * json->depth), "");
	}
	json->first = 0;
	if (key) {
		quote(json->to, key);
		fputs(": ", json->to);
	}
}

void json_open(struct json *json, const char *key, char bracket)
{
	start(json, key);
	fputc(bracket, json->to);
	json->depth++;
	json->first = 1;
}

void json_close(struct json *json, char bracket)
{
	json->depth--;
	if (!json->first)
		fprintf(json->to, "\n%*s", (int)(2 * json->depth), "");
	fputc(bracket, json->to);
	json->first = 0;
	if (!json->depth)
		fputc('\n', json->to);
}

void json_string(struct json *json, const char *key, const char *value)
{
	start(json, key);
	if (value)
		quote(json->to, value);
	else
		fputs("null", json->to);
}

void json_unsigned(struct json *json, const char *key, uint64_t value)
{
	start(json, key);
	fprintf(json->to, "%" PRIu64, value);
}

void json_signed(struct json *json, const char *key, int64_t value)
{
	start(json, key);
	fprintf(json->to, "%" PRId64, value);
}

void json_double(struct json *json, const char *key, double value)
{
	start(json, key);
	if (isfinite(value))
		fprintf(json->to, "%.9g", value);
	else
		fputs("null", json->to);
}

void json_bool(struct json *json, const char *key, int value)
{
	start(json, key);
	fputs(value ? "true" : "false", json->to);
}
