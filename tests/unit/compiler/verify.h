/* SPDX-License-Identifier: MIT */
/*
 * Is a compiled model sound? An independent check of its command streams, which
 * shares no code with the compiler or the device:
 *
 * - every command has the right size, engine and tokens that exist;
 * - every byte that a command touches lies in its region or the SRAM, and no
 *   command writes constants or inputs;
 * - every byte that is read was written before, steps on the CPU included, and all
 *   outputs are written;
 * - two commands that touch the same byte, one of them writing, are ordered by
 *   tokens: the streams are right under every timing of the engines.
 */
#ifndef TEST_VERIFY_H
#define TEST_VERIFY_H

#include "model_file.h"

struct verdict {
	char error[300];	/* empty: sound */
};

/* 0 when sound. */
int verify_streams(const struct model_file *m, struct verdict *v);

#endif
