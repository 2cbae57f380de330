// SPDX-License-Identifier: MIT
/*
 * Random mutations of real files, fed to the compiler under the sanitizers:
 *
 *     mutate COUNT SEED FILE...
 *
 * Every mutation depends on the seed and its number alone; a failure prints both.
 * Small files come first in the draw, so that thousands of mutations take minutes;
 * bytes near the ends of a file, where the tables are, are hit more often than
 * weights. A mutation that takes longer than LIMIT_SECONDS counts as a hang.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "one_input.h"

#define LIMIT_SECONDS	60
#define TABLE_BYTES	4096	/* at both ends of a file */
#define LARGE_BYTES	(256u << 10)
#define LARGE_SHARE	64	/* one in so many mutations is of a large file */

struct file {
	const char *path;
	uint8_t *data;
	size_t size;
};

static uint64_t random_state;

static uint64_t next_random(void)
{
	uint64_t z;

	random_state += 0x9e3779b97f4a7c15;
	z = random_state;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static size_t below(size_t n)
{
	return n ? next_random() % n : 0;
}

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

static void read_file(struct file *f)
{
	FILE *in = fopen(f->path, "rb");

	if (!in || fseek(in, 0, SEEK_END) || ftell(in) < 1) {
		fprintf(stderr, "mutate: %s: %s\n", f->path, strerror(errno));
		exit(2);
	}
	f->size = ftell(in);
	f->data = malloc(f->size);
	rewind(in);
	if (fread(f->data, 1, f->size, in) != f->size) {
		fprintf(stderr, "mutate: %s: %s\n", f->path, strerror(errno));
		exit(2);
	}
	fclose(in);
}

static const struct file *draw(const struct file *files, int n)
{
	const struct file *f = &files[below(n)];

	while (f->size > LARGE_BYTES && below(LARGE_SHARE))
		f = &files[below(n)];
	return f;
}

static void hang(int signal)
{
	static const char text[] = "mutate: a mutation hangs\n";
	ssize_t ignored = write(2, text, sizeof(text) - 1);

	(void)ignored;
	abort();
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 3 ? strtoul(argv[1], NULL, 0) : 0;
	uint64_t seed = argc > 3 ? strtoull(argv[2], NULL, 0) : 0, outcomes[3] = { 0 };
	int n = argc - 3;
	struct file *files;
	char why[300];

	if (n < 1 || !count) {
		fprintf(stderr, "usage: mutate COUNT SEED FILE...\n");
		return 2;
	}
	files = calloc(n, sizeof(*files));
	for (int i = 0; i < n; i++) {
		files[i].path = argv[3 + i];
		read_file(&files[i]);
	}
	signal(SIGALRM, hang);
	for (uint64_t current = 0; current < count; current++) {
		const struct file *f, *other;
		enum outcome outcome;
		uint8_t *copy, *exact;
		size_t size;

		random_state = seed ^ current * 0xd1342543de82ef95;
		f = draw(files, n);
		other = draw(files, n);
		copy = malloc(f->size);
		memcpy(copy, f->data, f->size);
		size = mutate(copy, f->size, other);
		/* as large as the mutation, so that a read beyond it is seen */
		exact = malloc(size ? size : 1);
		memcpy(exact, copy, size);
		free(copy);
		alarm(LIMIT_SECONDS);
		outcome = compile_one(exact, size, why);
		alarm(0);
		free(exact);
		outcomes[outcome]++;
		if (outcome == OUTCOME_WRONG)
			printf("mutation %" PRIu64 " of %s, seed %" PRIu64 ": %s\n", current,
			       f->path, seed, why);
	}
	printf("%lu mutations: %" PRIu64 " compiled, %" PRIu64 " refused with a reason, %" PRIu64
	       " wrong\n", count, outcomes[OUTCOME_COMPILED], outcomes[OUTCOME_REFUSED],
	       outcomes[OUTCOME_WRONG]);
	for (int i = 0; i < n; i++)
		free(files[i].data);
	free(files);
	return outcomes[OUTCOME_WRONG] != 0;
}
