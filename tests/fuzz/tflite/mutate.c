// SPDX-License-Identifier: MIT
/*
 * Random mutations of TensorFlow Lite files. Bytes near the ends of a file, where the
 * tables are, are hit more often than weights.
 */
#include <stdlib.h>
#include <string.h>

#include "../mutations.h"

#define TABLE_BYTES	4096	/* at both ends of a file */

static size_t position(size_t size)
{
	size_t tables = size < TABLE_BYTES ? size : TABLE_BYTES;

	switch (below(4)) {
	case 0:
		return below(size);
	case 1:
		return below(tables);
	default:
		return size - 1 - below(tables);
	}
}

/* Values at which arithmetic goes wrong. */
static uint32_t awkward(void)
{
	static const uint32_t values[] = {
		0, 1, 2, 3, 4, 7, 8, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 0x7ffffffe,
		0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff, 0x7f800000, 0x7fc00000,
	};

	return values[below(sizeof(values) / sizeof(values[0]))];
}

static void flip_bits(uint8_t *data, size_t size)
{
	for (size_t n = 1 + below(8); n; n--)
		data[position(size)] ^= 1u << below(8);
}

static void set_word(uint8_t *data, size_t size)
{
	uint32_t value = awkward();
	size_t at = position(size) & ~(size_t)3;

	for (size_t i = 0; i < 4 && at + i < size; i++)
		data[at + i] = value >> 8 * i;
}

static void copy_within(uint8_t *data, size_t size)
{
	size_t from = position(size), to = position(size), n = 1 + below(64);

	if (n > size - from)
		n = size - from;
	if (n > size - to)
		n = size - to;
	memmove(data + to, data + from, n);
}

static void splice(uint8_t *data, size_t size, const struct file *other)
{
	size_t from = position(other->size), to = position(size), n = 1 + below(4096);

	if (n > other->size - from)
		n = other->size - from;
	if (n > size - to)
		n = size - to;
	memcpy(data + to, other->data + from, n);
}

static void randomize(uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		data[i] = next_random();
	/* half of them pass for a model at first sight */
	if (size >= 8 && below(2))
		memcpy(data + 4, "TFL3", 4);
}

/* Change the copy in place; gives its new size. */
static size_t mutate(uint8_t *data, size_t size, const struct file *other)
{
	switch (below(10)) {
	case 0:
		return below(size);
	case 1:
		size = below(size < 2048 ? size : 2048);
		randomize(data, size);
		return size;
	case 2:
		splice(data, size, other);
		return size;
	case 3:
		copy_within(data, size);
		return size;
	case 4:
	case 5:
	case 6:
		for (size_t n = 1 + below(4); n; n--)
			set_word(data, size);
		return size;
	default:
		flip_bits(data, size);
		return size;
	}
}

static uint8_t *mutated(const struct file *f, const struct file *other, size_t *size)
{
	uint8_t *copy = malloc(f->size), *exact;

	memcpy(copy, f->data, f->size);
	*size = mutate(copy, f->size, other);
	exact = malloc(*size ? *size : 1);
	memcpy(exact, copy, *size);
	free(copy);
	return exact;
}

const struct mutator tflite_mutator = {
	.large_bytes = 256 << 10, .large_share = 64, .mutate = mutated,
};
