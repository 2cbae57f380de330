// SPDX-License-Identifier: MIT
/*
 * The listening socket: see server.h. `lock` guards the two descriptors against
 * vu_server_stop(), which wakes their blocked user by shutting them down.
 */
#include "server.h"
#include "listen.h"
#include "log.h"
#include "session.h"
#include "standin.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct vu_server {
	const struct vu_device *device;
	pthread_mutex_t lock;
	int listener;
	int client;
	bool stopping;
	char *path;		/* of our socket, to be removed */
};

struct vu_server *vu_server_new(const struct vu_device *device)
{
	struct vu_server *server = calloc(1, sizeof(*server));

	if (!server)
		return NULL;
	pthread_mutex_init(&server->lock, NULL);
	server->device = device;
	server->listener = -1;
	server->client = -1;
	return server;
}

void vu_server_free(struct vu_server *server)
{
	if (!server)
		return;
	if (server->path)
		unlink(server->path);
	if (server->listener >= 0)
		close(server->listener);
	free(server->path);
	pthread_mutex_destroy(&server->lock);
	free(server);
}

int vu_server_listen(struct vu_server *server, const char *path)
{
	char *copy = strdup(path);
	int err;

	if (!copy)
		return ENOMEM;
	err = listen_at(path, &server->listener);
	if (err) {
		server->listener = -1;
		free(copy);
		return err;
	}
	server->path = copy;
	return 0;
}

/* False: stop was asked for. */
static bool set_client(struct vu_server *server, int fd)
{
	bool go;

	pthread_mutex_lock(&server->lock);
	go = !server->stopping;
	server->client = go ? fd : -1;
	pthread_mutex_unlock(&server->lock);
	return go;
}

static bool serve(struct vu_server *server, int fd)
{
	int standin = standin_engage(fd);
	bool greeted = false;

	if (standin < 0)
		log_error("nobody answers the client if this process dies: %s", strerror(errno));
	if (set_client(server, fd)) {
		log_info("client connected");
		greeted = vu_session_run(server->device, fd);
		log_info("client gone");
		set_client(server, -1);
	}
	standin_dismiss(standin);
	close(fd);
	return greeted;
}

static bool stopping(struct vu_server *server)
{
	bool yes;

	pthread_mutex_lock(&server->lock);
	yes = server->stopping;
	pthread_mutex_unlock(&server->lock);
	return yes;
}

int vu_server_run(struct vu_server *server, bool once)
{
	while (!stopping(server)) {
		int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0) {
			if (stopping(server))
				break;
			if (errno == EINTR || errno == ECONNABORTED)
				continue;
			return errno;
		}
		/* Whoever only knocks (to see whether we live) is no client. */
		if (serve(server, fd) && once)
			break;
	}
	return 0;
}

void vu_server_run_connected(struct vu_server *server, int fd)
{
	serve(server, fd);
}

void vu_server_stop(struct vu_server *server)
{
	pthread_mutex_lock(&server->lock);
	server->stopping = true;
	if (server->listener >= 0)
		shutdown(server->listener, SHUT_RDWR);
	if (server->client >= 0)
		shutdown(server->client, SHUT_RDWR);
	pthread_mutex_unlock(&server->lock);
}
