/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a failure leaves for people to look at.
 */
#ifndef ENPU_COREDUMP_H
#define ENPU_COREDUMP_H

#include <enpu/coredump.h>

struct enpu_device;
struct enpu_queue;

int enpu_coredump_init(struct enpu_device *enpu);
void enpu_coredump_fini(struct enpu_device *enpu);
void enpu_coredump_take_locked(struct enpu_device *enpu, struct enpu_queue *queue,
			       enum enpu_coredump_reason reason, int error);

#endif
