// SPDX-License-Identifier: GPL-2.0-only
/* drivers with gpuvm say so in their features */
#include <drm/drm_drv.h>

u32 probe(void);
u32 probe(void)
{
	return DRIVER_GEM_GPUVA;
}
