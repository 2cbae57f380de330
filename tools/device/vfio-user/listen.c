// SPDX-License-Identifier: MIT
/*
 * A listening UNIX stream socket: see listen.h.
 */
#include "listen.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* 0: the path is free, or has a socket that nobody listens on. */
static int check_path(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat st;
	int fd, err = 0;

	if (strlen(path) >= sizeof(address.sun_path))
		return ENAMETOOLONG;
	strcpy(address.sun_path, path);
	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : errno;
	if (!S_ISSOCK(st.st_mode))
		return EADDRINUSE;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ||
	    errno != ECONNREFUSED)
		err = EADDRINUSE;
	close(fd);
	return err;
}

/* Bound under a private name and renamed when it listens: whoever sees it can connect. */
static int bind_and_listen(int fd, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int n, err = 0;

	n = snprintf(address.sun_path, sizeof(address.sun_path), "%s.%d", path, (int)getpid());
	if (n < 0 || (size_t)n >= sizeof(address.sun_path))
		return ENAMETOOLONG;
	unlink(address.sun_path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return errno;
	if (listen(fd, 4) < 0 || rename(address.sun_path, path) < 0) {
		err = errno;
		unlink(address.sun_path);
	}
	return err;
}

int listen_at(const char *path, int *fd)
{
	int err = check_path(path);

	if (err)
		return err;
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return errno;
	err = bind_and_listen(*fd, path);
	if (err)
		close(*fd);
	return err;
}
