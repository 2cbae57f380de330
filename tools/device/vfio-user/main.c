// SPDX-License-Identifier: MIT
/*
 * enpu-device: the emulated NPU as a process that stock QEMU attaches to with
 * -device vfio-user-pci. This file is the command line, signals and exit codes.
 *
 * Threads: this one serves the client; one waits for signals; one serves the
 * control socket, where there is one; the core has its own.
 */
#include "control.h"
#include "function.h"
#include "log.h"
#include "server.h"

#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../core/enpu_device.h"
#include "enpu/regs.h"

#define EXIT_USAGE 2
#define DEFAULT_CONFIG "enpu-512"

struct options {
	const char *socket;
	const char *config;
	const char *control;
	int fd;			/* -1: listen at socket */
	bool once;
};

static void print_usage(FILE *out)
{
	unsigned int i;

	fprintf(out,
		"Usage: enpu-device --socket PATH [OPTION]...\n"
		"The emulated NPU, for QEMU's -device vfio-user-pci.\n"
		"\n"
		"  --socket PATH    listen at PATH; clients are served one after another\n"
		"  --fd N           instead: serve the client at open socket N, then exit\n"
		"  --once           exit when the first client has gone\n"
		"  --config NAME    the machine to be:");
	for (i = 0; enpu_config_at(i); i++)
		fprintf(out, "%s %s%s", i ? "," : "", enpu_config_at(i)->name,
			strcmp(enpu_config_at(i)->name, DEFAULT_CONFIG) ? "" : " (default)");
	fprintf(out, "\n"
		"  --control PATH   take fault injection commands at PATH (say help there)\n"
		"  --verbose        tell what clients do wrong; twice: each memory map, interrupt\n"
		"                   and reset message too\n"
		"  --help           show this text\n"
		"  --version        show the architecture's version\n"
		"\n"
		"Exit status: 0 after SIGTERM, SIGINT, --once or --fd; 1 an error, or killed by\n"
		"the control socket; 2 bad usage.\n");
}

static void __attribute__((noreturn, format(printf, 1, 0))) usage_error(const char *format,
									const char *argument)
{
	fprintf(stderr, "enpu-device: ");
	fprintf(stderr, format, argument);
	fprintf(stderr, "\nTry 'enpu-device --help'.\n");
	exit(EXIT_USAGE);
}

static int parse_fd(const char *text)
{
	socklen_t length = sizeof(int);
	int type = 0;
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (errno || *end || end == text || n < 0 || n > 1 << 20)
		usage_error("--fd: not a descriptor: %s", text);
	if (getsockopt((int)n, SOL_SOCKET, SO_TYPE, &type, &length) < 0 || type != SOCK_STREAM)
		usage_error("--fd: no stream socket is open at %s", text);
	return (int)n;
}

static struct options parse_options(int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "fd", required_argument, NULL, 'f' },
		{ "once", no_argument, NULL, 'o' },
		{ "config", required_argument, NULL, 'c' },
		{ "control", required_argument, NULL, 'C' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	struct options options = { .config = DEFAULT_CONFIG, .fd = -1 };
	bool listens, connected;
	int verbose = LOG_ERROR;
	int c;

	while ((c = getopt_long(argc, argv, "", longopts, NULL)) != -1) {
		switch (c) {
		case 's':
			options.socket = optarg;
			break;
		case 'f':
			options.fd = parse_fd(optarg);
			break;
		case 'o':
			options.once = true;
			break;
		case 'c':
			options.config = optarg;
			break;
		case 'C':
			options.control = optarg;
			break;
		case 'v':
			verbose += verbose < LOG_DEBUG;
			break;
		case 'h':
			print_usage(stdout);
			exit(EXIT_SUCCESS);
		case 'V':
			printf("enpu-device, ENPU architecture %d.%d\n", ENPU_VERSION_1_0 >> 16,
			       ENPU_VERSION_1_0 & 0xffff);
			exit(EXIT_SUCCESS);
		default:
			fprintf(stderr, "Try 'enpu-device --help'.\n");
			exit(EXIT_USAGE);
		}
	}
	if (optind < argc)
		usage_error("unexpected argument: %s", argv[optind]);
	listens = options.socket;
	connected = options.fd >= 0;
	if (listens == connected)
		usage_error("give one of --socket and --fd%s", "");
	if (!enpu_config_find(options.config))
		usage_error("--config: no such machine: %s", options.config);
	log_set_level((enum log_level)verbose);
	return options;
}

/* What ends the process; blocked everywhere, so that only the waiting thread gets them. */
static sigset_t end_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	return set;
}

static void *signal_thread(void *opaque)
{
	struct vu_server *server = opaque;
	sigset_t set = end_signals();
	int signal;

	sigwait(&set, &signal);
	vu_server_stop(server);
	/* A second one: the orderly way out takes too long for somebody. */
	sigwait(&set, &signal);
	_exit(EXIT_FAILURE);
}

static int serve(struct vu_server *server, const struct options *options)
{
	int err;

	if (options->fd >= 0) {
		vu_server_run_connected(server, options->fd);
		return EXIT_SUCCESS;
	}
	err = vu_server_listen(server, options->socket);
	if (err) {
		log_error("--socket %s: %s", options->socket, strerror(err));
		return EXIT_FAILURE;
	}
	log_info("%s, listening at %s", options->config, options->socket);
	err = vu_server_run(server, options->once);
	if (err)
		log_error("%s: %s", options->socket, strerror(err));
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* With the function there, and signals blocked. */
static int run(const struct options *options, struct enpu_function *function)
{
	struct vu_server *server = vu_server_new(enpu_function_device(function));
	struct control *control = NULL;
	int status = EXIT_FAILURE;
	pthread_t signals;

	if (!server || pthread_create(&signals, NULL, signal_thread, server)) {
		log_error("cannot start: %s", strerror(errno));
		vu_server_free(server);
		return status;
	}
	if (options->control)
		control = control_new(options->control, enpu_function_core(function));
	if (options->control && !control)
		log_error("--control %s: %s", options->control, strerror(errno));
	else
		status = serve(server, options);
	control_free(control);
	pthread_cancel(signals);
	pthread_join(signals, NULL);
	vu_server_free(server);
	return status;
}

int main(int argc, char **argv)
{
	struct options options = parse_options(argc, argv);
	sigset_t set = end_signals();
	struct enpu_function *function;
	int status;

	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	function = enpu_function_new(enpu_config_find(options.config));
	if (!function) {
		log_error("cannot create the device: %s", strerror(errno));
		return EXIT_FAILURE;
	}
	status = run(&options, function);
	enpu_function_free(function);
	return status;
}
