/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Arrays in user memory, whose elements may be of an older or newer version.
 */
#ifndef ENPU_UAPI_H
#define ENPU_UAPI_H

#include <linux/mm.h>
#include <linux/uaccess.h>

#include <drm/enpu_accel.h>

/**
 * enpu_check_array() - check an array's shape
 * @array: the array
 * @min_stride: size of an element when it was first specified
 * @max_count: how many there may be
 *
 * Return: 0 or -EINVAL.
 */
static inline int enpu_check_array(const struct drm_enpu_array *array, u32 min_stride,
				   u32 max_count)
{
	if (!array->count)
		return 0;
	if (array->stride < min_stride || array->stride > PAGE_SIZE || array->count > max_count)
		return -EINVAL;

	return 0;
}

/**
 * enpu_copy_element() - copy one element of an array
 * @dst: where to
 * @size: of an element as we know it; what the caller doesn't have becomes 0
 * @array: the array, checked
 * @index: which element
 *
 * Return: 0, -EFAULT, or -EINVAL if the caller uses fields that we don't know.
 */
static __always_inline int
enpu_copy_element(void *dst, size_t size, const struct drm_enpu_array *array, u32 index)
{
	const void __user *src = u64_to_user_ptr(array->array + (u64)index * array->stride);
	int ret;

	/* The same version: a copy of constant size, which costs a third. */
	if (likely(array->stride == size))
		return copy_from_user(dst, src, size) ? -EFAULT : 0;

	ret = copy_struct_from_user(dst, size, src, array->stride);

	return ret == -E2BIG ? -EINVAL : ret;
}

#endif
