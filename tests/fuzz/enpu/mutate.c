// SPDX-License-Identifier: MIT
/*
 * Random mutations of compiled models, loaded and run on a device under the
 * sanitizers:
 *
 *     mutate DEVICE COUNT SEED FILE...
 *
 * DEVICE is one of libaccel's, or "none": load only. A mutation depends on the
 * seed and its number alone; a failure prints both. The tables, at both ends of
 * a file, and the commands behind them are hit more often than weights. A
 * mutation that takes longer than LIMIT_SECONDS counts as a hang.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "one_input.h"

#define LIMIT_SECONDS	60
#define HEAD_BYTES	8192
#define TAIL_BYTES	2048
#define LARGE_BYTES	(512u << 10)
#define LARGE_SHARE	64	/* one in so many mutations is of a large file */

struct file {
	const char *path;
	uint8_t *data;
	size_t size;
};

/* splitmix64 */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static size_t below(uint64_t *state, size_t n)
{
	return n ? next_random(state) % n : 0;
}

static size_t position(uint64_t *state, size_t size)
{
	switch (below(state, 4)) {
	case 0:
		return below(state, size);
	case 1:
		return size - 1 - below(state, size < TAIL_BYTES ? size : TAIL_BYTES);
	default:
		return below(state, size < HEAD_BYTES ? size : HEAD_BYTES);
	}
}

/* Values at which arithmetic goes wrong, of 1 to 8 bytes */
static void set_value(uint64_t *state, uint8_t *data, size_t size)
{
	static const uint64_t values[] = {
		0, 1, 2, 7, 8, 63, 64, 127, 128, 255, 256, 4095, 4096, 65535, 65536, 0x7fffffff,
		0x80000000, 0xffffffff, 0x100000000, 0x7fc00000, 0x7f800000, INT64_MAX,
		UINT64_MAX - 4095, UINT64_MAX - 7, UINT64_MAX,
	};
	uint64_t value = values[below(state, sizeof(values) / sizeof(values[0]))];
	size_t width = (size_t)1 << below(state, 4);
	size_t at = position(state, size) & ~(width - 1);

	if (at + width <= size)
		memcpy(data + at, &value, width);
}

static void copy_within(uint64_t *state, uint8_t *data, size_t size)
{
	size_t from = position(state, size), to = position(state, size);
	size_t n = 1 + below(state, 64);

	n = n > size - from ? size - from : n;
	n = n > size - to ? size - to : n;
	memmove(data + to, data + from, n);
}

/* Changes the copy in place; returns its new size. */
static size_t mutate(uint64_t *state, uint8_t *data, size_t size)
{
	size_t changes = 1 + below(state, 4);

	if (below(state, 12) == 0)
		return below(state, size);
	while (changes--) {
		switch (below(state, 4)) {
		case 0:
			copy_within(state, data, size);
			break;
		case 1:
			data[position(state, size)] = (uint8_t)next_random(state);
			break;
		case 2:
			data[position(state, size)] ^= (uint8_t)(1u << below(state, 8));
			break;
		default:
			set_value(state, data, size);
		}
	}
	return size;
}

static void read_file(struct file *file)
{
	FILE *in = fopen(file->path, "rb");
	long size = in && fseek(in, 0, SEEK_END) == 0 ? ftell(in) : -1;

	if (size < 1) {
		fprintf(stderr, "mutate: %s: %s\n", file->path, in ? "empty" : strerror(errno));
		exit(2);
	}
	file->size = (size_t)size;
	file->data = malloc(file->size);
	rewind(in);
	if (!file->data || fread(file->data, 1, file->size, in) != file->size) {
		fprintf(stderr, "mutate: %s: %s\n", file->path, strerror(errno));
		exit(2);
	}
	fclose(in);
}

static const struct file *draw(uint64_t *state, const struct file *files, size_t n)
{
	const struct file *file = &files[below(state, n)];

	for (int tries = 0; file->size > LARGE_BYTES && tries < 16 && below(state, LARGE_SHARE);
	     tries++)
		file = &files[below(state, n)];
	return file;
}

static enum outcome run_mutation(struct accel_device *dev, uint64_t seed, unsigned long number,
				 const struct file *files, size_t n, struct accel_error *why)
{
	uint64_t state = seed * 1000003 + number;
	const struct file *file = draw(&state, files, n);
	/* exactly so large that the sanitizer sees what reads past it */
	uint8_t *copy = malloc(file->size), *exact;
	enum outcome outcome;
	size_t size;

	memcpy(copy, file->data, file->size);
	size = mutate(&state, copy, file->size);
	exact = malloc(size ? size : 1);
	memcpy(exact, copy, size);
	free(copy);
	alarm(LIMIT_SECONDS);
	outcome = run_one(dev, exact, size, why);
	alarm(0);
	free(exact);
	if (outcome == OUTCOME_WRONG)
		fprintf(stderr, "mutate: seed %" PRIu64 ", mutation %lu of %s: code %d, '%s'\n",
			seed, number, file->path, why->code, why->text);
	return outcome;
}

int main(int argc, char **argv)
{
	unsigned long counts[NUM_OUTCOMES] = { 0 };
	unsigned long count = argc > 4 ? strtoul(argv[2], NULL, 0) : 0;
	uint64_t seed = argc > 4 ? strtoull(argv[3], NULL, 0) : 0;
	size_t n = argc > 4 ? (size_t)argc - 4 : 0;
	struct accel_device *dev = NULL;
	struct accel_error why;
	struct file *files;

	if (!count) {
		fprintf(stderr, "usage: mutate DEVICE COUNT SEED FILE...\n");
		return 2;
	}
	if (strcmp(argv[1], "none") && accel_device_open(argv[1], &dev, &why)) {
		fprintf(stderr, "mutate: %s\n", why.text);
		return 2;
	}
	files = calloc(n, sizeof(*files));
	for (size_t i = 0; i < n; i++) {
		files[i].path = argv[4 + i];
		read_file(&files[i]);
	}
	for (unsigned long i = 0; i < count; i++)
		counts[run_mutation(dev, seed, i, files, n, &why)]++;
	for (size_t i = 0; i < n; i++)
		free(files[i].data);
	free(files);
	accel_device_release(dev);
	printf("%lu mutations: %lu refused, %lu failed on the device, %lu accepted, %lu wrong\n",
	       count, counts[OUTCOME_REFUSED], counts[OUTCOME_FAILED], counts[OUTCOME_RAN],
	       counts[OUTCOME_WRONG]);
	return counts[OUTCOME_WRONG] ? 1 : 0;
}
