/* SPDX-License-Identifier: MIT */
/*
 * How a connection ends when this process dies, however it dies: the client first
 * reads its end, and can go on sending for a while.
 *
 * QEMU (11.1.3) survives a server that is gone when it reads the end of the stream,
 * and aborts when it meets a closed socket while it sends: a processor of the guest
 * that rings a doorbell at that moment would take the whole guest along. So a second
 * process holds the socket, and does nothing until the first one is no more.
 *
 * Not taken: QEMU's x-send-queued (it reports the same error from another thread);
 * a harness that holds the socket (nobody's QEMU but that of our tests would live).
 */
#ifndef VU_HANGUP_H
#define VU_HANGUP_H

/*
 * Watch over the connection @fd. Returns a descriptor that is to be closed before
 * the caller closes @fd, or -1 if there is no memory or process for it: then the
 * connection ends as any.
 */
int hangup_guard(int fd);

#endif
