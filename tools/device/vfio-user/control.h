/* SPDX-License-Identifier: MIT */
/*
 * The control socket: lets a test make the device misbehave. A UNIX stream socket
 * that takes commands, one a line, and answers each with one line: "ok", a result,
 * or "error: reason". `help` lists the commands.
 */
#ifndef ENPU_CONTROL_H
#define ENPU_CONTROL_H

struct control;
struct enpu_device;

/*
 * Listen at @path and serve in a thread of its own, until freed. @device must
 * outlive it. NULL: errno (as vu_server_listen()).
 */
struct control *control_new(const char *path, struct enpu_device *device);
void control_free(struct control *control);

#endif
