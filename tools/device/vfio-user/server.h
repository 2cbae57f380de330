/* SPDX-License-Identifier: MIT */
/*
 * The listening socket: clients are served one after another, so that a guest can
 * restart or another take over. The socket's file appears when clients can connect,
 * and goes with the server.
 */
#ifndef VU_SERVER_H
#define VU_SERVER_H

#include <stdbool.h>

struct vu_device;
struct vu_server;

/* device must outlive the server. NULL without memory. */
struct vu_server *vu_server_new(const struct vu_device *device);
void vu_server_free(struct vu_server *server);

/* As listen_at(). The name is removed in vu_server_free(). */
int vu_server_listen(struct vu_server *server, const char *path);

/* Serve clients until vu_server_stop(); with @once, until the first has gone. 0 or an errno. */
int vu_server_run(struct vu_server *server, bool once);
/* Serve one client that is connected already. Takes fd. */
void vu_server_run_connected(struct vu_server *server, int fd);

/* From another thread: disconnect the client; the running function returns soon. */
void vu_server_stop(struct vu_server *server);

#endif
