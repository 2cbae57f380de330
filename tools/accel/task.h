/* SPDX-License-Identifier: MIT */
/* The command line of tasks on pictures: accel run face, accel run ocr. */
#ifndef ACCEL_CLI_TASK_H
#define ACCEL_CLI_TASK_H

#include <getopt.h>

#include "cli.h"

struct task_options {
	char **pictures;		/* at least one; with boxes one */
	int num_pictures;
	const char *boxes;		/* draw them into this file, or NULL */
	const char *device;
	const char *config;
	int json;
};

/* For a command's table of long options */
#define TASK_OPTIONS							\
	{ "boxes", required_argument, NULL, 'b' },			\
	{ "device", required_argument, NULL, 'd' },			\
	{ "config", required_argument, NULL, 'c' },			\
	{ "json", no_argument, NULL, 'j' }
#define TASK_OPTION_FIRST	256	/* of a command's own options */

/*
 * Fills in @opts; a command's own options go to @set with @arg, their values are in optarg.
 * Both return CLI_OK, or CLI_USAGE after a message.
 */
int task_parse(const struct command *command, int argc, char **argv, const struct option *longs,
	       int (*set)(void *arg, int opt), void *arg, struct task_options *opts);

#endif
