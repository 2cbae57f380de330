/* SPDX-License-Identifier: MIT */
/*
 * A listening UNIX stream socket with a name in the file system.
 */
#ifndef ENPU_LISTEN_H
#define ENPU_LISTEN_H

/*
 * Listen at @path, in place of a socket that a dead process left there. The name
 * appears only when clients can connect; removing it is the caller's. 0 or an
 * errno: EADDRINUSE (somebody listens, or it is no socket), ENAMETOOLONG, ….
 */
int listen_at(const char *path, int *fd);

#endif
