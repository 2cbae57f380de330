// SPDX-License-Identifier: MIT
/*
 * A reader for FlatBuffers that trusts nothing: see flatbuffer.h.
 *
 * Layout: a table starts with a signed distance back to its vtable; the vtable
 * holds its own size, the table's size, and one 16-bit offset per field.
 * Vectors, strings and child tables are reached by unsigned forward offsets.
 */
#include "flatbuffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void fb_fail(struct fb *fb, const char *format, ...)
{
	va_list args;

	if (fb_failed(fb))
		return;
	va_start(args, format);
	vsnprintf(fb->error, sizeof(fb->error), format, args);
	va_end(args);
}

static bool inside(const struct fb *fb, uint64_t pos, uint64_t bytes)
{
	return pos <= fb->size && bytes <= fb->size - pos;
}

/* Little endian, at a position that was checked. */
static uint64_t load(const struct fb *fb, uint32_t pos, unsigned int bytes)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < bytes; i++)
		value |= (uint64_t)fb->data[pos + i] << (8 * i);
	return value;
}

static float as_float(uint32_t bits)
{
	float value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static struct fb_table table_at(struct fb *fb, uint64_t pos, const char *what)
{
	struct fb_table t = { .fb = fb, .what = what };
	int64_t vtable;

	if (fb_failed(fb))
		return t;
	if (!inside(fb, pos, 4)) {
		fb_fail(fb, "byte %llu: table %s lies beyond the end of the file",
			(unsigned long long)pos, what);
		return t;
	}
	vtable = (int64_t)pos - (int32_t)load(fb, pos, 4);
	if (vtable < 0 || !inside(fb, vtable, 4)) {
		fb_fail(fb, "byte %llu: the vtable of %s lies outside the file",
			(unsigned long long)pos, what);
		return t;
	}
	t.pos = pos;
	t.vtable = vtable;
	t.vtable_bytes = load(fb, t.vtable, 2);
	t.table_bytes = load(fb, t.vtable + 2, 2);
	if (t.vtable_bytes < 4 || t.vtable_bytes % 2 || !inside(fb, vtable, t.vtable_bytes) ||
	    t.table_bytes < 4 || !inside(fb, pos, t.table_bytes)) {
		fb_fail(fb, "byte %llu: the vtable of %s is damaged", (unsigned long long)vtable,
			what);
		t.vtable_bytes = 0;
	}
	return t;
}

struct fb_table fb_root(struct fb *fb, const char *ident, const char *what)
{
	struct fb_table none = { .fb = fb, .what = what };

	if (fb->size > INT32_MAX) {
		fb_fail(fb, "a FlatBuffer is smaller than 2 GiB, this file has %zu bytes",
			fb->size);
		return none;
	}
	if (fb->size < 8) {
		fb_fail(fb, "%zu bytes are too few for a FlatBuffer", fb->size);
		return none;
	}
	if (memcmp(fb->data + 4, ident, 4)) {
		fb_fail(fb, "byte 4: file identifier '%s' expected: not such a file", ident);
		return none;
	}
	return table_at(fb, load(fb, 0, 4), what);
}

/* Position of a field of @bytes bytes, or 0 where it is absent. */
static uint32_t field_at(const struct fb_table *t, unsigned int field, unsigned int bytes)
{
	uint32_t slot = 4 + 2 * field, offset;

	if (fb_failed(t->fb) || slot + 2 > t->vtable_bytes)
		return 0;
	offset = load(t->fb, t->vtable + slot, 2);
	if (!offset)
		return 0;
	if (offset < 4 || offset + bytes > t->table_bytes) {
		fb_fail(t->fb, "byte %u: field %u of %s lies outside its table", t->vtable + slot,
			field, t->what);
		return 0;
	}
	return t->pos + offset;
}

bool fb_has(const struct fb_table *t, unsigned int field)
{
	return field_at(t, field, 1) != 0;
}

uint8_t fb_u8(const struct fb_table *t, unsigned int field, uint8_t def)
{
	uint32_t pos = field_at(t, field, 1);

	return pos ? load(t->fb, pos, 1) : def;
}

int32_t fb_i32(const struct fb_table *t, unsigned int field, int32_t def)
{
	uint32_t pos = field_at(t, field, 4);

	return pos ? (int32_t)load(t->fb, pos, 4) : def;
}

uint64_t fb_u64(const struct fb_table *t, unsigned int field, uint64_t def)
{
	uint32_t pos = field_at(t, field, 8);

	return pos ? load(t->fb, pos, 8) : def;
}

float fb_f32(const struct fb_table *t, unsigned int field, float def)
{
	uint32_t pos = field_at(t, field, 4);

	return pos ? as_float(load(t->fb, pos, 4)) : def;
}

bool fb_child(const struct fb_table *t, unsigned int field, const char *what,
	      struct fb_table *child)
{
	uint32_t pos = field_at(t, field, 4);

	if (!pos)
		return false;
	*child = table_at(t->fb, pos + load(t->fb, pos, 4), what);
	return !fb_failed(t->fb);
}

struct fb_vector fb_vector(const struct fb_table *t, unsigned int field, size_t element_bytes,
			   const char *what)
{
	struct fb_vector v = { .fb = t->fb, .what = what };
	uint32_t pos = field_at(t, field, 4), count;
	uint64_t start;

	if (!pos)
		return v;
	start = pos + load(t->fb, pos, 4);
	if (!inside(t->fb, start, 4)) {
		fb_fail(t->fb, "byte %u: vector %s lies outside the file", pos, what);
		return v;
	}
	count = load(t->fb, start, 4);
	if (!inside(t->fb, start + 4, (uint64_t)count * element_bytes)) {
		fb_fail(t->fb, "byte %llu: vector %s with %u elements passes the end of the file",
			(unsigned long long)start, what, count);
		return v;
	}
	v.pos = start + 4;
	v.count = count;
	return v;
}

/* True when element @i may be read. */
static bool element_ok(const struct fb_vector *v, uint32_t i)
{
	if (fb_failed(v->fb))
		return false;
	if (i >= v->count)
		fb_fail(v->fb, "byte %u: vector %s has %u elements, number %u is asked for", v->pos,
			v->what, v->count, i);
	return i < v->count;
}

struct fb_table fb_vector_table(const struct fb_vector *v, uint32_t i, const char *what)
{
	struct fb_table none = { .fb = v->fb, .what = what };
	uint32_t pos = v->pos + 4 * i;

	if (!element_ok(v, i))
		return none;
	return table_at(v->fb, pos + load(v->fb, pos, 4), what);
}

int32_t fb_vector_i32(const struct fb_vector *v, uint32_t i)
{
	return element_ok(v, i) ? (int32_t)load(v->fb, v->pos + 4 * i, 4) : 0;
}

int64_t fb_vector_i64(const struct fb_vector *v, uint32_t i)
{
	return element_ok(v, i) ? (int64_t)load(v->fb, v->pos + 8 * i, 8) : 0;
}

float fb_vector_f32(const struct fb_vector *v, uint32_t i)
{
	return element_ok(v, i) ? as_float(load(v->fb, v->pos + 4 * i, 4)) : 0;
}

const char *fb_string(const struct fb_table *t, unsigned int field, const char *what)
{
	struct fb_vector v = fb_vector(t, field, 1, what);

	if (!v.pos)
		return "";
	if (!inside(v.fb, v.pos, (uint64_t)v.count + 1) || v.fb->data[v.pos + v.count]) {
		fb_fail(v.fb, "byte %u: string %s has no end", v.pos, what);
		return "";
	}
	return (const char *)v.fb->data + v.pos;
}
