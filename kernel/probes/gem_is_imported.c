// SPDX-License-Identifier: GPL-2.0-only
/* drm_gem_is_imported() knows where an object comes from */
#include <drm/drm_gem.h>

bool probe(const struct drm_gem_object *obj);
bool probe(const struct drm_gem_object *obj)
{
	return drm_gem_is_imported(obj);
}
