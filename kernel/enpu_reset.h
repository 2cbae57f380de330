/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Recovery: watchdog, ban, reset, and the end of a device that is gone.
 */
#ifndef ENPU_RESET_H
#define ENPU_RESET_H

#include "enpu_device.h"

struct enpu_queue;

extern const struct pci_error_handlers enpu_reset_pci_handlers;

void enpu_reset_init(struct enpu_device *enpu);
void enpu_reset_fini(struct enpu_device *enpu);

int enpu_reset_hw(struct enpu_device *enpu);
void enpu_reset_fail_queues_locked(struct enpu_device *enpu, int error);
void enpu_reset_gone_locked(struct enpu_device *enpu);
void enpu_reset_device_locked(struct enpu_device *enpu);

int enpu_reset_stop_queue_locked(struct enpu_queue *queue);
void enpu_reset_watch(struct enpu_queue *queue);
void enpu_reset_halted(struct enpu_queue *queue);
void enpu_reset_check_locked(struct enpu_queue *queue);
void enpu_reset_watchdog(struct work_struct *work);

#endif
