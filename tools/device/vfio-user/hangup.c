// SPDX-License-Identifier: MIT
/*
 * The process that holds a connection for a moment longer: see hangup.h. It is a
 * grandchild, so that nobody has to wait for it, and calls nothing but the kernel,
 * as other threads of its parent may have held any lock.
 */
#include "hangup.h"

#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINGER_MS 10000

/* Where the guard has its two descriptors; it keeps no others. */
enum { CONNECTION, LIFE };

static bool keep_only(int connection, int life)
{
	/* either may be where the other belongs */
	int high = fcntl(life, F_DUPFD, 2);

	return high >= 0 && dup2(connection, CONNECTION) >= 0 && dup2(high, LIFE) >= 0 &&
	       !close_range(2, ~0U, 0);
}

/* @life becomes readable at its end, when the process that it came from closes or dies. */
static void __attribute__((noreturn)) guard(int connection, int life)
{
	struct pollfd ready = { .fd = LIFE, .events = POLLIN };

	prctl(PR_SET_NAME, "enpu-hangup");
	if (!keep_only(connection, life))
		_exit(1);
	while (poll(&ready, 1, -1) <= 0)
		;
	shutdown(CONNECTION, SHUT_WR);
	/* no events: only that the client has hung up too */
	ready = (struct pollfd){ .fd = CONNECTION };
	poll(&ready, 1, LINGER_MS);
	_exit(0);
}

int hangup_guard(int fd)
{
	int life[2], status;
	pid_t child;

	if (pipe2(life, O_CLOEXEC))
		return -1;
	child = fork();
	if (!child) {
		pid_t grandchild = fork();

		if (!grandchild)
			guard(fd, life[0]);
		_exit(grandchild < 0);
	}
	close(life[0]);
	if (child < 0 || waitpid(child, &status, 0) < 0 || status) {
		close(life[1]);
		return -1;
	}
	return life[1];
}
