// SPDX-License-Identifier: GPL-2.0-only
/* Compiles everywhere: shows that the probes' compiler and headers work. */
#include <linux/module.h>
#include <drm/drm_drv.h>
#include <drm/drm_gpuvm.h>
#include <drm/gpu_scheduler.h>
