// SPDX-License-Identifier: MIT
/* accel: the table of subcommands, and help. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <accel/accel.h>

#include "cli.h"

static const struct command help_command;

static const struct command *const commands[] = {
	&info_command, &compile_command, &run_command, &coredump_command, &help_command,
};

#define NUM_COMMANDS	(sizeof(commands) / sizeof(commands[0]))

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < NUM_COMMANDS; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

/* The part of @command that @name, if there is one, names: the name's last word */
static const struct command *find_part(const struct command *command, const char *name)
{
	for (const struct command *const *part = command->parts; name && part && *part; part++)
		if (strcmp(strrchr((*part)->name, ' ') + 1, name) == 0)
			return *part;
	return NULL;
}

static void print_overview(FILE *to)
{
	fputs("accel: run neural networks on an NPU\n\nusage: accel COMMAND [OPTIONS]\n\n", to);
	for (size_t i = 0; i < NUM_COMMANDS; i++)
		fprintf(to, "  %-9s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\n'accel help COMMAND' explains one, 'accel --version' tells the version.\n", to);
}

static int help(int argc, char **argv)
{
	const struct command *command, *part;

	if (argc < 2) {
		print_overview(stdout);
		return CLI_OK;
	}
	command = find(argv[1]);
	if (!command)
		return cli_usage(NULL, "no command '%s'", argv[1]);
	part = find_part(command, argv[2]);
	if (part)
		command = part;
	printf("%s\n\nusage: accel %s %s\n%s%s", command->summary, command->name,
	       command->arguments, command->options[0] ? "\n" : "", command->options);
	return CLI_OK;
}

static const struct command help_command = {
	.name = "help",
	.arguments = "[COMMAND]",
	.summary = "explain accel, or a command",
	.options = "",
	.run = help,
};

static int run(int argc, char **argv)
{
	const struct command *command, *part;

	if (argc < 2) {
		print_overview(stderr);
		return CLI_USAGE;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("accel %s\n", accel_version());
		return CLI_OK;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return help(1, argv);
	command = find(argv[1]);
	if (!command)
		return cli_usage(NULL, "no command '%s'", argv[1]);
	for (int i = 2; i < argc && strcmp(argv[i], "--"); i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return help(argc, argv);
	part = find_part(command, argv[2]);
	return part ? part->run(argc - 2, argv + 2) : command->run(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	int ret = run(argc, argv);

	if (fflush(stdout) || ferror(stdout)) {
		cli_error("writing the output: %s", strerror(errno));
		return ret ? ret : CLI_FAILED;
	}
	return ret;
}
