/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Attributes of the PCI function in sysfs.
 */
#ifndef ENPU_SYSFS_H
#define ENPU_SYSFS_H

struct attribute_group;

extern const struct attribute_group *enpu_sysfs_groups[];

#endif
