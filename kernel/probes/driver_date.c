// SPDX-License-Identifier: GPL-2.0-only
/* drivers have a date */
#include <drm/drm_drv.h>

const char *probe(const struct drm_driver *driver);
const char *probe(const struct drm_driver *driver)
{
	return driver->date;
}
