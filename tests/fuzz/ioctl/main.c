// SPDX-License-Identifier: MIT
/*
 * ioctl-fuzz: makes programs of calls to the driver and has each executed by a
 * process of its own. What is about to be executed is written down before: to the
 * kernel's trace, which a crash prints, and to a file that the host sees.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "calls.h"

#define TRACE_MARKER	"/sys/kernel/tracing/trace_marker"
#define RECORD_SIZE	(64 * 1024)
#define ENOUGH		300	/* programs, to have used every ioctl well and badly */
/* A busy machine makes few programs, and its guest's clock runs ahead: then it takes longer. */
#define PER_SECOND	5
#define MOST_SECONDS	10	/* for one that was asked for */
#define PROGRAM_LIMIT	60	/* seconds; emulated machines are slow */

static const char usage[] =
	"usage: ioctl-fuzz [OPTION...]\n"
	"  --seed N          of the programs (default 1)\n"
	"  --seconds N       for how long (default 60)\n"
	"  --replay S:N[-M]  only program N (to M) of seed S, each call with its result\n"
	"  --keep-going      after a program that was not as expected\n"
	"  --print S:N       show a program, execute nothing\n"
	"  --record FILE     where to write what is about to be executed\n";

struct options {
	uint64_t seed, first, last;
	unsigned int seconds;
	bool replay, print, keep_going;
	const char *record;
};

static volatile sig_atomic_t child, late;

static void on_alarm(int number)
{
	late = 1;
	if (child)
		kill(child, SIGKILL);
}

static void write_down(const struct program *program, int trace, int record)
{
	static char text[RECORD_SIZE];
	FILE *out = fmemopen(text, sizeof(text), "w");
	char *line, *end;

	memset(text, '\n', sizeof(text));
	program_print(out, program);
	fclose(out);
	if (record >= 0 && (pwrite(record, text, sizeof(text), 0) < 0 || fdatasync(record)))
		perror("ioctl-fuzz: the record");
	for (line = text; trace >= 0 && *line != '\n'; line = end + 1) {
		end = strchr(line, '\n');
		if (write(trace, line, end - line) < 0)
			break;
	}
}

/* Executes a program in a process of its own. Returns whether all was as expected. */
static bool run_program(struct program *program, struct counts *counts, bool verbose)
{
	int status = 0;

	late = 0;
	alarm(PROGRAM_LIMIT);
	fflush(stdout);
	child = fork();
	if (!child) {
		signal(SIGALRM, SIG_DFL);
		_exit(program_execute(program, counts, verbose) ? 0 : 1);
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	child = 0;
	alarm(0);
	counts->programs++;
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return true;

	if (late)
		printf("no end within %d s\n", PROGRAM_LIMIT);
	else if (WIFSIGNALED(status))
		printf("its process died: %s\n", strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) > 1)
		printf("its process ended with %d\n", WEXITSTATUS(status));
	program_print(stdout, program);
	printf("replay: tests/fuzz/ioctl/run --replay %llu:%llu\n",
	       (unsigned long long)program->seed, (unsigned long long)program->number);
	return false;
}

/* What was reached, by ioctl. An ioctl without a valid call was not tested at all. */
static bool report(const struct counts *counts, bool complete)
{
	bool all = true;
	unsigned int i;

	printf("%-32s %9s %9s %9s\n", "call", "good", "refused", "taken");
	for (i = 0; i < num_call_types; i++) {
		printf("%-32s %9llu %9llu %9llu\n", call_types[i]->name,
		       (unsigned long long)counts->of[i].good,
		       (unsigned long long)counts->of[i].refused,
		       (unsigned long long)counts->of[i].taken);
		if (call_types[i]->request && (!counts->of[i].good || !counts->of[i].refused))
			all = false;
	}
	printf("%llu programs, %llu calls\n", (unsigned long long)counts->programs,
	       (unsigned long long)counts->calls);
	if (complete && !all)
		printf("an ioctl was never used both well and badly\n");
	return all || !complete;
}

static bool is_over(const struct options *options, uint64_t seconds, uint64_t programs)
{
	if (seconds < options->seconds)
		return false;
	return programs >= PER_SECOND * options->seconds ||
	       seconds >= MOST_SECONDS * options->seconds;
}

static int fuzz(const struct options *options)
{
	struct program *program = malloc(sizeof(*program));
	struct counts *counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct sigaction action = { .sa_handler = on_alarm };
	int trace = open(TRACE_MARKER, O_WRONLY | O_CLOEXEC), record = -1;
	struct timespec now;
	unsigned int bad = 0;
	uint64_t number;
	time_t begin;

	if (options->record) {
		record = open(options->record, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
		if (record < 0) {
			fprintf(stderr, "ioctl-fuzz: %s: %s\n", options->record, strerror(errno));
			return 2;
		}
	}
	if (!program || counts == MAP_FAILED)
		return 2;
	sigaction(SIGALRM, &action, NULL);
	clock_gettime(CLOCK_MONOTONIC, &now);
	begin = now.tv_sec;
	for (number = options->first; number <= options->last; number++) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (!options->replay && is_over(options, now.tv_sec - begin, counts->programs))
			break;
		program_generate(program, options->seed, number);
		write_down(program, trace, record);
		bad += !run_program(program, counts, options->replay);
		if (bad && !options->keep_going)
			return 1;
	}
	bad += !report(counts, counts->programs >= ENOUGH);
	bad += !nothing_is_kept();
	return bad ? 1 : 0;
}

static bool parse_range(struct options *options, const char *text)
{
	unsigned long long seed, first, last;
	int fields = sscanf(text, "%llu:%llu-%llu", &seed, &first, &last);

	if (fields < 2)
		return false;
	options->seed = seed;
	options->first = first;
	options->last = fields == 3 ? last : first;
	return true;
}

static const struct option long_options[] = {
	{ "seed", required_argument, NULL, 's' },
	{ "seconds", required_argument, NULL, 't' },
	{ "replay", required_argument, NULL, 'r' },
	{ "keep-going", no_argument, NULL, 'k' },
	{ "print", required_argument, NULL, 'p' },
	{ "record", required_argument, NULL, 'f' },
	{ NULL, 0, NULL, 0 }
};

int main(int argc, char **argv)
{
	struct options options = { .seed = 1, .last = UINT64_MAX, .seconds = 60 };
	static struct program program;
	bool right = true;
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (option) {
		case 's':
			options.seed = strtoull(optarg, NULL, 0);
			break;
		case 't':
			options.seconds = strtoul(optarg, NULL, 0);
			break;
		case 'r':
			options.replay = true;
			right &= parse_range(&options, optarg);
			break;
		case 'p':
			options.print = true;
			right &= parse_range(&options, optarg);
			break;
		case 'k':
			options.keep_going = true;
			break;
		case 'f':
			options.record = optarg;
			break;
		default:
			right = false;
		}
	}
	if (!right || optind < argc) {
		fputs(usage, stderr);
		return 2;
	}
	if (options.print) {
		program_generate(&program, options.seed, options.first);
		program_print(stdout, &program);
		return 0;
	}
	return fuzz(&options);
}
