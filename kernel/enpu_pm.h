/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Power: when the machine sleeps.
 */
#ifndef ENPU_PM_H
#define ENPU_PM_H

#include <linux/pm.h>

struct enpu_device;

extern const struct dev_pm_ops enpu_pm_ops;

void enpu_pm_init(struct enpu_device *enpu);
void enpu_pm_fini(struct enpu_device *enpu);

void enpu_pm_on_locked(struct enpu_device *enpu);

int enpu_pm_get(struct enpu_device *enpu);
void enpu_pm_keep(struct enpu_device *enpu);
void enpu_pm_put(struct enpu_device *enpu);

#endif
