/* SPDX-License-Identifier: MIT */
/*
 * Who answers a client when this process has died, however it died: a second process
 * that holds the connection, sleeps until the first is no more, and from then on
 * answers each request with an error. The guest reads all ones, as from a card that
 * was pulled out.
 *
 * Without it QEMU (11.1.3) aborts when it meets a closed socket as it posts a write,
 * so that a processor that rings a doorbell at that moment takes the whole guest along.
 *
 * Not taken: to close only our direction (QEMU goes on asking, and waits five seconds
 * for each answer); a harness that holds the socket (only our tests' QEMU would live).
 */
#ifndef VU_STANDIN_H
#define VU_STANDIN_H

/*
 * Have somebody stand in for this process at the connection @fd. Returns what
 * standin_dismiss() takes, or -1 with errno: then the connection ends as any.
 */
int standin_engage(int fd);

/* The connection ends by our own will; before @fd is closed. -1 is fine. */
void standin_dismiss(int standin);

#endif
