// SPDX-License-Identifier: MIT
/*
 * The control socket: see control.h. One thread polls the listener and a few
 * clients; `commands` is the list of what they may say.
 */
#include "control.h"
#include "listen.h"
#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../core/enpu_device.h"

#define MAX_CLIENTS 8
#define MAX_LINE 128
#define MAX_ANSWER 1024

struct client {
	int fd;
	size_t used;
	char line[MAX_LINE];
};

struct control {
	struct enpu_device *device;
	char *path;
	int listener;
	int stop;		/* eventfd: readable when the thread is to end */
	pthread_t thread;
	unsigned int num_clients;
	struct client clients[MAX_CLIENTS];
};

enum argument { ARGUMENT_NONE, ARGUMENT_OPTIONAL, ARGUMENT_NEEDED };

/* n is 0 where none was given. */
typedef void (*action)(struct control *control, uint64_t n, char *answer);

static void do_hang(struct control *control, uint64_t n, char *answer)
{
	enpu_device_inject(control->device, ENPU_INJECT_HANG, n);
}

static void do_lose_irq(struct control *control, uint64_t n, char *answer)
{
	enpu_device_inject(control->device, ENPU_INJECT_LOSE_IRQ, n);
}

static void do_fault_dma(struct control *control, uint64_t n, char *answer)
{
	enpu_device_inject(control->device, ENPU_INJECT_FAULT_DMA, n);
}

static void do_die(struct control *control, uint64_t n, char *answer)
{
	if (!n) {
		log_info("dies, as the control socket asks");
		_exit(EXIT_FAILURE);
	}
	enpu_device_inject(control->device, ENPU_INJECT_DIE, n);
}

static void do_fatal(struct control *control, uint64_t n, char *answer)
{
	if (n)
		enpu_device_inject(control->device, ENPU_INJECT_FATAL, n);
	else
		enpu_device_fail(control->device);
}

static void do_stuck_queue(struct control *control, uint64_t n, char *answer)
{
	enpu_device_inject(control->device, ENPU_INJECT_STUCK_QUEUE, n);
}

static void do_status(struct control *control, uint64_t n, char *answer)
{
	struct enpu_device_stats stats;

	enpu_device_get_stats(control->device, &stats);
	snprintf(answer, MAX_ANSWER,
		 "{\"jobs\":%" PRIu64 ",\"commands\":%" PRIu64 ",\"faults\":%" PRIu64
		 ",\"resets\":%" PRIu64 ",\"interrupts\":%" PRIu64 ",\"queues\":%u}",
		 stats.jobs, stats.commands, stats.faults, stats.resets, stats.interrupts,
		 stats.queues_enabled);
}

static void do_help(struct control *control, uint64_t n, char *answer)
{
	snprintf(answer, MAX_ANSWER, "hang N (the N-th next command never completes); "
		 "lose-irq N (the next N interrupts are not raised); "
		 "fault-dma N (the N-th next DMA access of a job fails); "
		 "stuck-queue N (the N-th next stop of a queue never ends but by a reset); "
		 "0 takes one of these back; "
		 "fatal [N] (the device fails until it is reset, at once or at the N-th next "
		 "command); "
		 "die [N] (the process exits, likewise); "
		 "status; help");
}

static const struct command {
	const char *name;
	enum argument argument;
	action run;
} commands[] = {
	{ "hang", ARGUMENT_NEEDED, do_hang },
	{ "lose-irq", ARGUMENT_NEEDED, do_lose_irq },
	{ "fault-dma", ARGUMENT_NEEDED, do_fault_dma },
	{ "stuck-queue", ARGUMENT_NEEDED, do_stuck_queue },
	{ "fatal", ARGUMENT_OPTIONAL, do_fatal },
	{ "die", ARGUMENT_OPTIONAL, do_die },
	{ "status", ARGUMENT_NONE, do_status },
	{ "help", ARGUMENT_NONE, do_help },
};

static const struct command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

/* A decimal number */
static bool parse_count(const char *text, uint64_t *n)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*n = strtoull(text, &end, 10);
	return !errno && !*end;
}

static void answer_line(struct control *control, char *line, char *answer)
{
	char *rest = NULL, *name = strtok_r(line, " \t\r", &rest);
	char *argument = strtok_r(NULL, " \t\r", &rest);
	const struct command *command = name ? find_command(name) : NULL;
	uint64_t n = 0;

	if (!command) {
		snprintf(answer, MAX_ANSWER, "error: unknown command \"%s\"; try help",
			 name ? name : "");
		return;
	}
	if (argument && command->argument == ARGUMENT_NONE) {
		snprintf(answer, MAX_ANSWER, "error: %s takes no argument", name);
		return;
	}
	if ((!argument && command->argument == ARGUMENT_NEEDED) ||
	    (argument && (!parse_count(argument, &n) || strtok_r(NULL, " \t\r", &rest)))) {
		snprintf(answer, MAX_ANSWER, "error: %s takes one number", name);
		return;
	}
	snprintf(answer, MAX_ANSWER, "ok");
	command->run(control, n, answer);
}

/* False: the client is to be dropped. An answer that does not fit is its own loss. */
static bool say(const struct client *client, char *answer)
{
	size_t length = strlen(answer);

	answer[length++] = '\n';
	return send(client->fd, answer, length, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)length;
}

/* Take in what the client has sent and answer each complete line of it. */
static bool serve_client(struct control *control, struct client *client)
{
	char answer[MAX_ANSWER + 1];
	ssize_t n = recv(client->fd, client->line + client->used, MAX_LINE - client->used,
			 MSG_DONTWAIT);
	char *end;

	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	client->used += (size_t)n;
	while ((end = memchr(client->line, '\n', client->used))) {
		size_t length = (size_t)(end - client->line) + 1;

		*end = '\0';
		answer_line(control, client->line, answer);
		if (!say(client, answer))
			return false;
		client->used -= length;
		memmove(client->line, client->line + length, client->used);
	}
	if (client->used == MAX_LINE) {
		snprintf(answer, sizeof(answer), "error: line too long");
		say(client, answer);
		return false;
	}
	return true;
}

static void accept_client(struct control *control)
{
	int fd = accept4(control->listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0)
		control->clients[control->num_clients++] = (struct client){ .fd = fd };
}

static void *control_thread(void *opaque)
{
	struct control *control = opaque;
	struct pollfd fds[2 + MAX_CLIENTS];
	unsigned int i;

	for (;;) {
		unsigned int num = control->num_clients;

		fds[0] = (struct pollfd){ .fd = control->stop, .events = POLLIN };
		/* At the limit, more clients wait in the socket's queue. */
		fds[1] = (struct pollfd){ .fd = num < MAX_CLIENTS ? control->listener : -1,
					  .events = POLLIN };
		for (i = 0; i < num; i++)
			fds[2 + i] = (struct pollfd){ .fd = control->clients[i].fd,
						      .events = POLLIN };
		if (poll(fds, 2 + num, -1) < 0 && errno != EINTR)
			break;
		if (fds[0].revents)
			break;
		for (i = num; i-- > 0;) {
			if (!fds[2 + i].revents || serve_client(control, &control->clients[i]))
				continue;
			close(control->clients[i].fd);
			control->clients[i] = control->clients[--control->num_clients];
		}
		if (fds[1].revents)
			accept_client(control);
	}
	return NULL;
}

static void control_destroy(struct control *control)
{
	while (control->num_clients)
		close(control->clients[--control->num_clients].fd);
	if (control->listener >= 0) {
		close(control->listener);
		unlink(control->path);
	}
	if (control->stop >= 0)
		close(control->stop);
	free(control->path);
	free(control);
}

struct control *control_new(const char *path, struct enpu_device *device)
{
	struct control *control = calloc(1, sizeof(*control));
	int err;

	if (!control)
		return NULL;
	control->device = device;
	control->listener = -1;
	control->stop = eventfd(0, EFD_CLOEXEC);
	control->path = strdup(path);
	if (control->stop < 0 || !control->path)
		err = errno;
	else
		err = listen_at(path, &control->listener);
	if (err)
		control->listener = -1;
	else
		err = pthread_create(&control->thread, NULL, control_thread, control);
	if (err) {
		control_destroy(control);
		errno = err;
		return NULL;
	}
	return control;
}

void control_free(struct control *control)
{
	if (!control)
		return;
	eventfd_write(control->stop, 1);
	pthread_join(control->thread, NULL);
	control_destroy(control);
}
