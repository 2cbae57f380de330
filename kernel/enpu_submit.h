/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The SUBMIT ioctl.
 */
#ifndef ENPU_SUBMIT_H
#define ENPU_SUBMIT_H

struct drm_device;
struct drm_file;

int enpu_ioctl_submit(struct drm_device *drm, void *data, struct drm_file *file);

#endif
