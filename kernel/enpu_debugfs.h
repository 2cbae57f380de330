/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Files in debugfs.
 */
#ifndef ENPU_DEBUGFS_H
#define ENPU_DEBUGFS_H

#include "enpu_device.h"

#ifdef CONFIG_DEBUG_FS
void enpu_debugfs_init(struct enpu_device *enpu);
#else
static inline void enpu_debugfs_init(struct enpu_device *enpu) { }
#endif

#endif
