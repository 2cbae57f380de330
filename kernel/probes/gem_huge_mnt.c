// SPDX-License-Identifier: GPL-2.0-only
/* DRM has a mount with huge pages for a device's GEM objects */
#include <drm/drm_gem.h>

int probe(struct drm_device *drm);
int probe(struct drm_device *drm)
{
	return drm_gem_huge_mnt_create(drm, "within_size");
}
