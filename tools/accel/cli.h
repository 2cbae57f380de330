/* SPDX-License-Identifier: MIT */
/* What the subcommands of accel share: exit codes and messages. */
#ifndef ACCEL_CLI_H
#define ACCEL_CLI_H

enum {
	CLI_OK = 0,
	CLI_FAILED = 1,			/* said on stderr why */
	CLI_USAGE = 2,			/* the command line makes no sense */
	CLI_DROP = 3,			/* the compiled model is less accurate than allowed */
};

struct command {
	const char *name;
	const char *arguments;
	const char *summary;
	const char *options;		/* help text, lines */
	int (*run)(int argc, char **argv);	/* argv[0] is the command; returns an exit code */
	const struct command *const *parts;	/* its own commands, "run face"; NULL ends */
};

extern const struct command compile_command;
extern const struct command coredump_command;
extern const struct command info_command;
extern const struct command run_command;
extern const struct command run_face_command;
extern const struct command run_ocr_command;

/* "accel: TEXT" on stderr; returns CLI_FAILED */
int cli_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same, with where help is; returns CLI_USAGE */
int cli_usage(const struct command *command, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* For getopt_long()'s '?' and ':', which with a leading ':' prints nothing itself */
int cli_bad_option(const struct command *command, int opt, char **argv);
/* A whole number from @min to @max; returns 0, or -1 if @text is none */
int cli_number(const char *text, unsigned long min, unsigned long max, unsigned long *value);
/* optarg as a number from @min to 1; CLI_OK, or CLI_USAGE after a message */
int cli_fraction(const struct command *command, const char *option, double min, double *value);

#endif
