// SPDX-License-Identifier: MIT
/* The command line of tasks on pictures: see task.h. */
#include "task.h"

#include <stddef.h>

static int set_common(struct task_options *opts, int opt)
{
	switch (opt) {
	case 'b':
		opts->boxes = optarg;
		return 1;
	case 'd':
		opts->device = optarg;
		return 1;
	case 'c':
		opts->config = optarg;
		return 1;
	case 'j':
		opts->json = 1;
		return 1;
	default:
		return 0;
	}
}

int task_parse(const struct command *command, int argc, char **argv, const struct option *longs,
	       int (*set)(void *arg, int opt), void *arg, struct task_options *opts)
{
	int opt, ret = CLI_OK;

	while (!ret && (opt = getopt_long(argc, argv, ":b:d:c:j", longs, NULL)) != -1) {
		if (opt >= TASK_OPTION_FIRST)
			ret = set(arg, opt);
		else if (!set_common(opts, opt))
			ret = cli_bad_option(command, opt, argv);
	}
	if (ret)
		return ret;
	opts->pictures = argv + optind;
	opts->num_pictures = argc - optind;
	if (!opts->num_pictures)
		return cli_usage(command, "%s: no picture", command->name);
	if (opts->boxes && opts->num_pictures != 1)
		return cli_usage(command, "%s: --boxes takes one picture, got %d", command->name,
				 opts->num_pictures);
	return CLI_OK;
}
