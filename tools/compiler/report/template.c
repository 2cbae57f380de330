// SPDX-License-Identifier: MIT
/* Templates to HTML: see template.h. */
#include "template.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "report.h"

#define MAX_DEPTH	16

struct scope {
	const struct record *type;
	const char *object;
	const struct scope *outer;
	unsigned int depth;
};

/* {{sigil name:raw}} */
struct tag {
	char sigil;			/* 0: a value */
	const char *name;
	size_t length;
	bool raw;
	const char *before, *after;	/* the text around it */
};

static void write_escaped(FILE *out, const char *text)
{
	static const char *const entities[128] = {
		['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;",
		['\''] = "&#39;",
	};

	for (; *text; text++) {
		unsigned char c = *text;

		if (c < 128 && entities[c])
			fputs(entities[c], out);
		else
			fputc(c, out);
	}
}

static void write_grouped(FILE *out, uint64_t n)
{
	char digits[24];
	int length = snprintf(digits, sizeof(digits), "%" PRIu64, n);

	for (int i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			fputc(',', out);
		fputc(digits[i], out);
	}
}

static void write_bytes(FILE *out, uint64_t n)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB" };
	double value = n / 1024.0;
	size_t unit = 0;

	if (n < 1024) {
		fprintf(out, "%" PRIu64 " B", n);
		return;
	}
	for (; value >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
		value /= 1024;
	fprintf(out, value < 10 ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

static double real_of(const struct field *f, const void *at)
{
	switch (f->kind) {
	case FIELD_U32:
		return *(const uint32_t *)at;
	case FIELD_U64:
	case FIELD_BYTES:
		return *(const uint64_t *)at;
	case FIELD_S64:
		return *(const int64_t *)at;
	default:
		return *(const double *)at;
	}
}

static void write_signed(FILE *out, int64_t n)
{
	if (n < 0)
		fputs("\xe2\x88\x92", out);
	write_grouped(out, n < 0 ? -(uint64_t)n : (uint64_t)n);
}

static void write_real(FILE *out, double value, const char *format)
{
	if (isnan(value))
		fputs("\xe2\x80\x93", out);
	else if (isinf(value))
		fputs(value < 0 ? "\xe2\x88\x92\xe2\x88\x9e" : "\xe2\x88\x9e", out);
	else
		fprintf(out, format, value);
}

static void write_raw(FILE *out, const struct field *f, const void *at)
{
	if (f->kind == FIELD_TEXT)
		write_escaped(out, *(const char *const *)at);
	else if (f->kind == FIELD_U64 || f->kind == FIELD_BYTES)
		fprintf(out, "%" PRIu64, *(const uint64_t *)at);
	else if (f->kind == FIELD_U32)
		fprintf(out, "%" PRIu32, *(const uint32_t *)at);
	else if (f->kind == FIELD_S64)
		fprintf(out, "%" PRId64, *(const int64_t *)at);
	else
		fprintf(out, "%.9g", real_of(f, at));
}

static void write_value(FILE *out, const struct field *f, const void *at)
{
	switch (f->kind) {
	case FIELD_TEXT:
		write_escaped(out, *(const char *const *)at);
		break;
	case FIELD_U32:
		write_grouped(out, *(const uint32_t *)at);
		break;
	case FIELD_U64:
		write_grouped(out, *(const uint64_t *)at);
		break;
	case FIELD_S64:
		write_signed(out, *(const int64_t *)at);
		break;
	case FIELD_BYTES:
		write_bytes(out, *(const uint64_t *)at);
		break;
	case FIELD_NUMBER:
		write_real(out, *(const double *)at, "%.6g");
		break;
	case FIELD_FIXED:
		write_real(out, *(const double *)at, "%.1f");
		break;
	case FIELD_PLACE:
		write_real(out, *(const double *)at, "%.6g");
		break;
	case FIELD_BOOL:
	case FIELD_ROWS:
		break;
	}
}

static bool is_something(const struct field *f, const void *at)
{
	switch (f->kind) {
	case FIELD_TEXT:
		return **(const char *const *)at;
	case FIELD_BOOL:
		return *(const bool *)at;
	case FIELD_ROWS:
		return ((const struct rows *)at)->count;
	default:
		return real_of(f, at) != 0;
	}
}

static const struct field *find(const struct scope *scope, const struct tag *tag, const void **at)
{
	for (; scope; scope = scope->outer) {
		for (size_t i = 0; i < scope->type->n_fields; i++) {
			const struct field *f = &scope->type->fields[i];

			if (strncmp(f->name, tag->name, tag->length) || f->name[tag->length])
				continue;
			*at = scope->object + f->at;
			return f;
		}
	}
	return NULL;
}

/* The next tag from @text on; false: there is none. */
static bool next_tag(const char *text, const char *end, struct tag *tag)
{
	const char *open = memmem(text, end - text, "{{", 2), *close;

	if (!open)
		return false;
	close = memmem(open, end - open, "}}", 2);
	if (!close)
		return false;
	*tag = (struct tag) { .before = open, .after = close + 2, .name = open + 2 };
	if (strchr("#^/>", *tag->name))
		tag->sigil = *tag->name++;
	tag->length = close - tag->name;
	if (tag->length > 4 && !memcmp(close - 4, ":raw", 4)) {
		tag->raw = true;
		tag->length -= 4;
	}
	return true;
}

/* Where the section that @open opens is closed. */
static bool find_close(const struct tag *open, const char *end, struct tag *close)
{
	unsigned int depth = 1;
	const char *text = open->after;

	while (next_tag(text, end, close)) {
		text = close->after;
		if (close->sigil == '#' || close->sigil == '^')
			depth++;
		if (close->sigil == '/' && !--depth)
			return close->length == open->length &&
			       !memcmp(close->name, open->name, open->length);
	}
	return false;
}

static int write_text(const struct template *t, const char *text, const char *end,
		      const struct scope *scope);

static int write_section(const struct template *t, const struct tag *open, const char *end,
			 const struct scope *scope, const struct field *f, const void *at)
{
	const struct rows *rows = at;

	if (open->sigil == '^')
		return is_something(f, at) ? 0 : write_text(t, open->after, end, scope);
	if (f->kind != FIELD_ROWS)
		return is_something(f, at) ? write_text(t, open->after, end, scope) : 0;
	for (size_t i = 0; i < rows->count; i++) {
		struct scope inner = { f->record, (const char *)rows->items + i * f->record->bytes,
				       scope, scope->depth + 1 };
		int err = inner.depth > MAX_DEPTH ? -EINVAL :
						    write_text(t, open->after, end, &inner);

		if (err)
			return err;
	}
	return 0;
}

static int write_file(const struct template *t, const struct tag *tag)
{
	for (const struct built_in *file = t->files; file->name; file++) {
		if (strncmp(file->name, tag->name, tag->length) || file->name[tag->length])
			continue;
		fputs(file->text, t->out);
		return 0;
	}
	return -EINVAL;
}

static int write_text(const struct template *t, const char *text, const char *end,
		      const struct scope *scope)
{
	struct tag tag, close;

	while (next_tag(text, end, &tag)) {
		const struct field *f;
		const void *at;
		int err = 0;

		fwrite(text, 1, tag.before - text, t->out);
		text = tag.after;
		if (tag.sigil == '>') {
			err = write_file(t, &tag);
			if (err)
				return err;
			continue;
		}
		f = find(scope, &tag, &at);
		if (!f || tag.sigil == '/')
			return -EINVAL;
		if (tag.sigil) {
			if (!find_close(&tag, end, &close))
				return -EINVAL;
			err = write_section(t, &tag, close.before, scope, f, at);
			text = close.after;
		} else if (tag.raw) {
			write_raw(t->out, f, at);
		} else {
			write_value(t->out, f, at);
		}
		if (err)
			return err;
	}
	fwrite(text, 1, end - text, t->out);
	return 0;
}

int template_write(const struct template *t, const struct record *type, const void *object)
{
	const struct scope scope = { type, object, NULL, 0 };

	return write_text(t, t->text, t->text + strlen(t->text), &scope);
}
