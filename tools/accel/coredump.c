// SPDX-License-Identifier: MIT
/* accel coredump: what the driver left when a job or the device failed. */
#include <errno.h>
#include <getopt.h>
#include <glob.h>
#include <libgen.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "dump.h"

#define DUMPS		"/sys/class/devcoredump/devcd*/data"
/* Far more than the driver writes; a limit for what comes through a pipe */
#define MAX_SIZE	(64u << 20)

/* Is it a device of ours that failed? @path is .../devcdN/data. */
static int is_ours(const char *path)
{
	char link[PATH_MAX], target[PATH_MAX];
	ssize_t length;

	snprintf(link, sizeof(link), "%.*s/failing_device/driver",
		 (int)(strrchr(path, '/') - path), path);
	length = readlink(link, target, sizeof(target) - 1);
	if (length < 0)
		return 0;
	target[length] = '\0';
	return strcmp(basename(target), "enpu") == 0;
}

static unsigned long number_of(const char *path)
{
	return strtoul(strstr(path, "devcd") + strlen("devcd"), NULL, 10);
}

/* The last one that a device of ours left; to be freed. NULL: there is none. */
static char *find_newest(void)
{
	const char *newest = NULL;
	unsigned long highest = 0;
	char *copy = NULL;
	glob_t found;

	if (glob(DUMPS, 0, NULL, &found))
		return NULL;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *path = found.gl_pathv[i];
		unsigned long number = number_of(path + strlen("/sys/class/devcoredump"));

		if (!is_ours(path) || (newest && number <= highest))
			continue;
		newest = path;
		highest = number;
	}
	if (newest)
		copy = strdup(newest);
	globfree(&found);
	return copy;
}

/* All of a file, whose size sysfs does not tell; to be freed. NULL: errno. */
static uint8_t *read_all(FILE *file, size_t *size)
{
	size_t room = 1 << 16;
	uint8_t *data = NULL;

	*size = 0;
	for (;;) {
		uint8_t *more = room > MAX_SIZE ? NULL : realloc(data, room);

		if (!more) {
			errno = room > MAX_SIZE ? EFBIG : ENOMEM;
			break;
		}
		data = more;
		*size += fread(data + *size, 1, room - *size, file);
		if (ferror(file))
			break;
		if (*size < room)
			return data;
		room *= 2;
	}
	free(data);
	return NULL;
}

static int show(const char *path)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "rb") : stdin;
	const char *damage;
	uint8_t *data;
	size_t size;

	if (!file)
		return cli_error("%s: %s", path, strerror(errno));
	data = read_all(file, &size);
	if (!data) {
		int ret = cli_error("%s: %s", path, strerror(errno));

		if (file != stdin)
			fclose(file);
		return ret;
	}
	if (file != stdin)
		fclose(file);
	damage = dump_print(data, size, stdout);
	free(data);
	return damage ? cli_error("%s: %s", path, damage) : CLI_OK;
}

static int run(int argc, char **argv)
{
	char *newest;
	int opt, ret;

	opterr = 0;
	opt = getopt(argc, argv, "+:");
	if (opt != -1)
		return cli_bad_option(&coredump_command, opt, argv);
	if (argc - optind > 1)
		return cli_usage(&coredump_command, "one file at a time");
	if (argc - optind == 1)
		return show(argv[optind]);

	newest = find_newest();
	if (!newest)
		return cli_error("no device has left a coredump in /sys/class/devcoredump");
	ret = show(newest);
	free(newest);
	return ret;
}

const struct command coredump_command = {
	.name = "coredump",
	.arguments = "[FILE]",
	.summary = "show what a failure left",
	.options = "Without FILE the last one that is in /sys/class/devcoredump; '-' is the\n"
		   "standard input.\n",
	.run = run,
};
