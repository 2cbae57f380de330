// SPDX-License-Identifier: MIT
/*
 * The process that answers for a dead one: see standin.h. It is a grandchild, so
 * that nobody has to wait for it, and calls nothing but the kernel, as other threads
 * of its parent may have held any lock.
 */
#include "standin.h"
#include "protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where it has its two descriptors; it keeps no others. */
enum { CONNECTION, LIFE };

static bool keep_only(int connection, int life)
{
	/* either may be where the other belongs */
	int high = fcntl(life, F_DUPFD, 2);

	return high >= 0 && dup2(connection, CONNECTION) >= 0 && dup2(high, LIFE) >= 0 &&
	       !close_range(2, ~0U, 0);
}

/* The other end of the pipe is closed by its last holder's death; a byte is a dismissal. */
static bool wait_for_death(void)
{
	ssize_t n;
	char byte;

	do
		n = read(LIFE, &byte, 1);
	while (n < 0 && errno == EINTR);
	return n == 0;
}

/* Descriptors that come along are closed by the kernel, as nobody takes them. */
static bool receive(void *data, size_t size)
{
	return recv(CONNECTION, data, size, MSG_WAITALL) == (ssize_t)size;
}

static bool answer_one(void)
{
	struct vu_header header;
	char sink[4096];
	size_t left, part;

	if (!receive(&header, sizeof(header)) || header.size < sizeof(header) ||
	    header.size > sizeof(header) + VU_MAX_PAYLOAD)
		return false;
	for (left = header.size - sizeof(header); left; left -= part) {
		part = left < sizeof(sink) ? left : sizeof(sink);
		if (!receive(sink, part))
			return false;
	}
	/* replies to what the dead process had asked */
	if ((header.flags & VU_TYPE_MASK) != VU_TYPE_COMMAND || header.flags & VU_NO_REPLY)
		return true;
	header.size = sizeof(header);
	header.flags = VU_TYPE_REPLY | VU_ERROR;
	header.error = EIO;
	return send(CONNECTION, &header, sizeof(header), MSG_NOSIGNAL) == sizeof(header);
}

static void __attribute__((noreturn)) stand_in(int connection, int life)
{
	prctl(PR_SET_NAME, "enpu-standin");
	if (keep_only(connection, life) && wait_for_death())
		while (answer_one())
			;
	_exit(0);
}

int standin_engage(int fd)
{
	int life[2], status;
	pid_t child;

	if (pipe2(life, O_CLOEXEC))
		return -1;
	child = fork();
	if (!child) {
		pid_t grandchild = fork();

		if (!grandchild)
			stand_in(fd, life[0]);
		_exit(grandchild < 0);
	}
	close(life[0]);
	if (child < 0 || waitpid(child, &status, 0) < 0 || status) {
		close(life[1]);
		return -1;
	}
	return life[1];
}

void standin_dismiss(int standin)
{
	if (standin < 0)
		return;
	/* it fails if the stand-in has died before us: all the same */
	(void)!write(standin, "", 1);
	close(standin);
}
