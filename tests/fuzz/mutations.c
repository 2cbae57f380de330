// SPDX-License-Identifier: MIT
/*
 * Mutations of real files, fed to compile_one() under the sanitizers:
 *
 *     FORMAT-mutate COUNT SEED FILE...
 *
 * Every mutation depends on the seed and its number alone; a failure prints both.
 * Small files come first in the draw, so that thousands of mutations take minutes. A
 * mutation that takes longer than LIMIT_SECONDS counts as a hang.
 */
#include "mutations.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "one_input.h"

#define LIMIT_SECONDS	60

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

	while (f->size > mutator->large_bytes && below(mutator->large_share))
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
		fprintf(stderr, "usage: %s COUNT SEED FILE...\n", argv[0]);
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
		uint8_t *data;
		size_t size;

		seed_random(seed ^ current * 0xd1342543de82ef95);
		f = draw(files, n);
		other = draw(files, n);
		data = mutator->mutate(f, other, &size);
		if (!data) {
			fprintf(stderr, "mutate: %s is no model\n", f->path);
			return 2;
		}
		alarm(LIMIT_SECONDS);
		outcome = compile_one(data, size, why);
		alarm(0);
		free(data);
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
