/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Deadlines of fences, and what they do to a queue's priority.
 */
#ifndef ENPU_DEADLINE_H
#define ENPU_DEADLINE_H

#include <linux/ktime.h>
#include <linux/types.h>

struct enpu_fence;
struct enpu_queue;

void enpu_deadline_init(struct enpu_queue *queue);
void enpu_deadline_fini(struct enpu_queue *queue);

void enpu_deadline_set(struct enpu_queue *queue, struct enpu_fence *fence, ktime_t deadline);
void enpu_deadline_over(struct enpu_queue *queue);
u32 enpu_deadline_priority(struct enpu_queue *queue);

#endif
