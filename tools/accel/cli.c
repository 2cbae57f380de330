// SPDX-License-Identifier: MIT
/* Messages and numbers, the same in every subcommand. */
#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int cli_error(const char *fmt, ...)
{
	va_list args;

	fputs("accel: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	return CLI_FAILED;
}

int cli_usage(const struct command *command, const char *fmt, ...)
{
	va_list args;

	fputs("accel: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "; see 'accel help%s%s'\n", command ? " " : "",
		command ? command->name : "");
	return CLI_USAGE;
}

int cli_bad_option(const struct command *command, int opt, char **argv)
{
	return cli_usage(command, "%s: %s %s", command->name,
			 opt == ':' ? "no value for" : "unknown option", argv[optind - 1]);
}

int cli_number(const char *text, unsigned long min, unsigned long max, unsigned long *value)
{
	char *end;

	if (*text < '0' || *text > '9')
		return -1;
	errno = 0;
	*value = strtoul(text, &end, 10);
	return errno || *end || *value < min || *value > max ? -1 : 0;
}

int cli_fraction(const struct command *command, const char *option, double min, double *value)
{
	char *end;

	*value = strtod(optarg, &end);
	if (end != optarg && !*end && *value >= min && *value <= 1)
		return CLI_OK;
	return cli_usage(command, "%s: --%s: expected %g to 1, got '%s'", command->name, option,
			 min, optarg);
}
