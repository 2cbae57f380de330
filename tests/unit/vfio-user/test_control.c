// SPDX-License-Identifier: MIT
/*
 * The two listening sockets: the control socket's commands and answers, and the
 * server's way of taking clients one after another and of stopping.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../../tools/device/vfio-user/control.h"
#include "../../../tools/device/vfio-user/function.h"
#include "../../../tools/device/vfio-user/listen.h"
#include "../../../tools/device/vfio-user/server.h"
#include "client.h"
#include "fake_core.h"

struct fixture {
	char directory[32];
	char path[64];
	struct enpu_function *function;
	struct enpu_device *core;
	struct control *control;
	int fd;
};

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	assert_true(fd >= 0);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->directory, "/tmp/enpu-test-XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	snprintf(f->path, sizeof(f->path), "%s/socket", f->directory);
	f->function = enpu_function_new(enpu_config_at(0));
	f->core = enpu_function_core(f->function);
	f->fd = -1;
	*state = f;
	return 0;
}

static int with_control(void **state)
{
	struct fixture *f;

	setup(state);
	f = *state;
	f->control = control_new(f->path, f->core);
	assert_non_null(f->control);
	f->fd = connect_to(f->path);
	assert_true(f->fd >= 0);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (f->fd >= 0)
		close(f->fd);
	control_free(f->control);
	enpu_function_free(f->function);
	assert_int_equal(access(f->path, F_OK), -1);
	assert_int_equal(rmdir(f->directory), 0);
	free(f);
	return 0;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* One line, without its end; "" when the server has hung up. */
static const char *answer(int fd)
{
	static char line[1024];
	size_t used = 0;

	while (used < sizeof(line) - 1 && recv(fd, line + used, 1, 0) == 1 && line[used] != '\n')
		used++;
	line[used] = '\0';
	return line;
}

static void assert_answer(struct fixture *f, const char *command, const char *expected)
{
	say(f->fd, command);
	say(f->fd, "\n");
	assert_string_equal(answer(f->fd), expected);
}

static void test_injections(void **state)
{
	static const struct {
		const char *command;
		enum enpu_injection what;
		uint64_t n;
	} cases[] = {
		{ "hang 1", ENPU_INJECT_HANG, 1 },
		{ "lose-irq 20", ENPU_INJECT_LOSE_IRQ, 20 },
		{ "  fault-dma\t18446744073709551615 \r", ENPU_INJECT_FAULT_DMA, UINT64_MAX },
		{ "die 7", ENPU_INJECT_DIE, 7 },
		{ "fatal 2", ENPU_INJECT_FATAL, 2 },
		{ "stuck-queue 1", ENPU_INJECT_STUCK_QUEUE, 1 },
	};
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_answer(f, cases[i].command, "ok");
		assert_int_equal(f->core->injected, cases[i].what);
		assert_int_equal(f->core->injected_n, cases[i].n);
	}
	assert_false(f->core->failed);
	assert_answer(f, "fatal", "ok");
	assert_true(f->core->failed);
}

static void test_answers(void **state)
{
	struct fixture *f = *state;

	assert_answer(f, "status", "{\"jobs\":1,\"commands\":2,\"faults\":3,\"resets\":0,"
		      "\"interrupts\":5,\"queues\":6}");
	say(f->fd, "help\n");
	assert_non_null(strstr(answer(f->fd), "status; help"));
	assert_answer(f, "", "error: unknown command \"\"; try help");
	assert_answer(f, "explode", "error: unknown command \"explode\"; try help");
	assert_answer(f, "hang", "error: hang takes one number");
	assert_answer(f, "hang 0", "ok");
	assert_answer(f, "hang -1", "error: hang takes one number");
	assert_answer(f, "hang 1x", "error: hang takes one number");
	assert_answer(f, "hang 1 2", "error: hang takes one number");
	assert_answer(f, "hang 18446744073709551616", "error: hang takes one number");
	assert_answer(f, "die now", "error: die takes one number");
	assert_answer(f, "stuck-queue", "error: stuck-queue takes one number");
	assert_answer(f, "status 1", "error: status takes no argument");
	assert_int_equal(f->core->injected_n, 0);
}

/* Lines in pieces, several at once, several clients, and one that never ends its line */
static void test_streams(void **state)
{
	struct fixture *f = *state;
	int others[10];
	char flood[200];
	size_t i;

	say(f->fd, "lose-");
	for (i = 0; i < 10; i++)
		others[i] = connect_to(f->path);
	say(others[2], "hang 3\nhang 4\nhang 5\n");
	assert_string_equal(answer(others[2]), "ok");
	assert_string_equal(answer(others[2]), "ok");
	assert_string_equal(answer(others[2]), "ok");
	assert_int_equal(f->core->injected_n, 5);
	say(f->fd, "irq 9\n");
	assert_string_equal(answer(f->fd), "ok");
	assert_int_equal(f->core->injected, ENPU_INJECT_LOSE_IRQ);

	memset(flood, 'x', sizeof(flood));
	assert_true(send(others[3], flood, sizeof(flood), MSG_NOSIGNAL) > 0);
	assert_string_equal(answer(others[3]), "error: line too long");
	assert_string_equal(answer(others[3]), "");
	/* Those past the limit have waited, and come in when others go. */
	for (i = 0; i < 9; i++)
		close(others[i]);
	say(others[9], "hang 6\n");
	assert_string_equal(answer(others[9]), "ok");
	close(others[9]);
}

static void test_die(void **state)
{
	struct fixture *f = *state;
	int status;
	pid_t pid;

	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		char path[80];
		int fd;

		snprintf(path, sizeof(path), "%s2", f->path);
		if (!control_new(path, f->core))
			_exit(99);
		fd = connect_to(path);
		unlink(path);
		say(fd, "die\n");
		answer(fd);
		pause();
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EXIT_FAILURE);
}

static void test_listen(void **state)
{
	struct fixture *f = *state;
	char long_path[200];
	int first, second;

	assert_int_equal(listen_at(f->path, &first), 0);
	assert_int_equal(listen_at(f->path, &second), EADDRINUSE);
	/* The socket that a dead process left is replaced; a file never. */
	close(first);
	assert_int_equal(listen_at(f->path, &second), 0);
	close(second);
	unlink(f->path);
	first = creat(f->path, 0600);
	close(first);
	assert_int_equal(listen_at(f->path, &second), EADDRINUSE);
	unlink(f->path);
	memset(long_path, 'x', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = '\0';
	assert_int_equal(listen_at(long_path, &second), ENAMETOOLONG);
	assert_int_equal(listen_at("/nonexistent/socket", &second), ENOENT);
}

struct runner {
	struct vu_server *server;
	bool once;
	int err;
};

static void *run_server(void *opaque)
{
	struct runner *r = opaque;

	r->err = vu_server_run(r->server, r->once);
	return NULL;
}

static int greet(const char *path)
{
	struct message m = message_version();
	int fd = connect_to(path);

	assert_true(fd >= 0);
	assert_int_equal(client_call(fd, &m, NULL), 0);
	return fd;
}

static void test_server(void **state)
{
	struct fixture *f = *state;
	struct runner r = { .server = vu_server_new(enpu_function_device(f->function)) };
	struct message m = message_new(VU_RESET, NULL, 0), reply;
	pthread_t thread;
	int fd, next;

	assert_int_equal(vu_server_listen(r.server, f->path), 0);
	assert_int_equal(pthread_create(&thread, NULL, run_server, &r), 0);
	/* The second waits for the first to go. */
	fd = greet(f->path);
	next = connect_to(f->path);
	client_send(next, &m);
	assert_int_equal(client_call(fd, &m, NULL), 0);
	close(fd);
	assert_true(client_receive(next, &reply));
	assert_int_equal(reply.header.error, EINVAL);
	close(next);
	/* Stopped in the midst of one */
	fd = greet(f->path);
	vu_server_stop(r.server);
	pthread_join(thread, NULL);
	assert_int_equal(r.err, 0);
	assert_false(client_receive(fd, &reply));
	close(fd);
	vu_server_free(r.server);
}

static void test_server_once(void **state)
{
	struct fixture *f = *state;
	struct runner r = {
		.server = vu_server_new(enpu_function_device(f->function)),
		.once = true,
	};
	pthread_t thread;

	assert_int_equal(vu_server_listen(r.server, f->path), 0);
	assert_int_equal(pthread_create(&thread, NULL, run_server, &r), 0);
	close(connect_to(f->path));	/* only knocks */
	close(greet(f->path));
	pthread_join(thread, NULL);
	assert_int_equal(r.err, 0);
	vu_server_free(r.server);
}

/* However the server dies, its client gets answers, and can still post writes. */
static void test_server_killed(void **state)
{
	struct fixture *f = *state;
	struct runner r = { .server = vu_server_new(enpu_function_device(f->function)) };
	struct message read = message_read(0, 0, 4), write = message_write(0, 0, "post", 4);
	pid_t server;
	int fd;

	assert_int_equal(vu_server_listen(r.server, f->path), 0);
	server = fork();
	assert_true(server >= 0);
	if (!server) {
		run_server(&r);
		_exit(0);
	}
	fd = greet(f->path);
	assert_int_equal(client_call(fd, &read, NULL), 0);
	assert_int_equal(kill(server, SIGKILL), 0);
	assert_int_equal(waitpid(server, NULL, 0), server);
	write.header.flags |= VU_NO_REPLY;
	client_send(fd, &write);
	assert_int_equal(client_call(fd, &read, NULL), EIO);
	close(fd);
	vu_server_free(r.server);
}

static void test_server_stopped_idle(void **state)
{
	struct fixture *f = *state;
	struct runner r = { .server = vu_server_new(enpu_function_device(f->function)) };
	pthread_t thread;

	assert_int_equal(vu_server_listen(r.server, f->path), 0);
	assert_int_equal(pthread_create(&thread, NULL, run_server, &r), 0);
	usleep(10000);
	vu_server_stop(r.server);
	pthread_join(thread, NULL);
	assert_int_equal(r.err, 0);
	vu_server_free(r.server);
}

#define CONTROL(f) cmocka_unit_test_setup_teardown(f, with_control, teardown)
#define PLAIN(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONTROL(test_injections),
		CONTROL(test_answers),
		CONTROL(test_streams),
		PLAIN(test_die),
		PLAIN(test_listen),
		PLAIN(test_server),
		PLAIN(test_server_once),
		PLAIN(test_server_killed),
		PLAIN(test_server_stopped_idle),
	};

	alarm(60);
	return cmocka_run_group_tests_name("vfio-user: control and server", tests, NULL, NULL);
}
