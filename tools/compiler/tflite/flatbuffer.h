/* SPDX-License-Identifier: MIT */
/*
 * A small reader for FlatBuffers that trusts nothing: every offset, vtable and
 * vector is checked against the buffer before it is used.
 *
 * The first defect is kept as a text in the reader and makes it fail for good:
 * from then on every read gives zero or nothing, so a caller may read a whole
 * structure and look at fb->error once. Loops stay bounded, because a vector
 * that was accepted lies inside the buffer.
 */
#ifndef ENPU_FLATBUFFER_H
#define ENPU_FLATBUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fb {
	const uint8_t *data;
	size_t size;
	char error[200];		/* empty while all is well */
};

struct fb_table {
	struct fb *fb;
	const char *what;		/* the table's name in the schema, for messages */
	uint32_t pos;
	uint32_t vtable;
	uint16_t vtable_bytes, table_bytes;
};

struct fb_vector {
	struct fb *fb;
	const char *what;
	uint32_t pos;			/* of the first element */
	uint32_t count;
};

static inline bool fb_failed(const struct fb *fb)
{
	return fb->error[0] != 0;
}

void fb_fail(struct fb *fb, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The root table of a buffer with the file identifier @ident (four characters). */
struct fb_table fb_root(struct fb *fb, const char *ident, const char *what);

/* Fields are named by their number in the schema. Absent ones give @def. */
bool fb_has(const struct fb_table *t, unsigned int field);
uint8_t fb_u8(const struct fb_table *t, unsigned int field, uint8_t def);
int32_t fb_i32(const struct fb_table *t, unsigned int field, int32_t def);
uint64_t fb_u64(const struct fb_table *t, unsigned int field, uint64_t def);
float fb_f32(const struct fb_table *t, unsigned int field, float def);

/* False when the field is absent or broken. */
bool fb_child(const struct fb_table *t, unsigned int field, const char *what,
	      struct fb_table *child);

/* Absent vectors have no elements. */
struct fb_vector fb_vector(const struct fb_table *t, unsigned int field, size_t element_bytes,
			   const char *what);
struct fb_table fb_vector_table(const struct fb_vector *v, uint32_t i, const char *what);
int32_t fb_vector_i32(const struct fb_vector *v, uint32_t i);
int64_t fb_vector_i64(const struct fb_vector *v, uint32_t i);
float fb_vector_f32(const struct fb_vector *v, uint32_t i);

/* A string with its terminating zero checked; "" when absent. */
const char *fb_string(const struct fb_table *t, unsigned int field, const char *what);

#endif
