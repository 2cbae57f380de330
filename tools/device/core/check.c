// SPDX-License-Identifier: MIT
/*
 * Checks of a command's fields and operands before it starts.
 *
 * Whatever passes here is safe to execute: extents are small enough that
 * products of a few of them fit 64 bits, and every byte lies in its region.
 */
#include <math.h>
#include <stdbool.h>

#include "command.h"
#include "requant.h"

const struct enpu_type enpu_types[ENPU_NUM_DTYPES] = {
	[ENPU_U8]  = { 1, 0, UINT8_MAX },
	[ENPU_S8]  = { 1, INT8_MIN, INT8_MAX },
	[ENPU_S16] = { 2, INT16_MIN, INT16_MAX },
	[ENPU_S32] = { 4, INT32_MIN, INT32_MAX },
};

int enpu_check_zero(struct enpu_exec *x, const void *field, size_t size)
{
	const uint8_t *bytes = field;

	for (size_t i = 0; i < size; i++)
		if (bytes[i])
			return enpu_exec_bad_operand(x);
	return 0;
}

int enpu_check_range(struct enpu_exec *x, unsigned int region, uint64_t offset, uint64_t size)
{
	uint64_t limit;

	if (region == ENPU_REGION_SRAM)
		limit = x->config->sram_bytes;
	else if (region < x->job.num_regions)
		limit = x->regions[region].size;
	else
		return enpu_exec_bad_operand(x);

	if (offset > limit || size > limit - offset) {
		uint64_t outside = offset > limit ? offset : limit;

		return enpu_exec_fail(x, ENPU_FAULT_REGION,
				      (uint64_t)region << 56 | (outside & ((1ull << 56) - 1)));
	}
	return 0;
}

static bool extent_ok(uint32_t extent)
{
	return extent >= 1 && extent <= ENPU_MAX_EXTENT;
}

static int check_tile(struct enpu_exec *x, const struct enpu_tile *tile, unsigned int types,
		      enum enpu_tile_use use)
{
	const struct enpu_type *type;
	uint64_t span;

	if (tile->dtype >= ENPU_NUM_DTYPES || !(types & ENPU_TYPE(tile->dtype)) ||
	    tile->reserved0 || !extent_ok(tile->height) ||
	    !extent_ok(tile->width) || !extent_ok(tile->channels) ||
	    (uint64_t)tile->height * tile->width * tile->channels > ENPU_MAX_ELEMENTS)
		return enpu_exec_bad_operand(x);

	type = &enpu_types[tile->dtype];
	if ((tile->offset | tile->row_stride | tile->col_stride) % type->size ||
	    tile->zero_point < type->min || tile->zero_point > type->max)
		return enpu_exec_bad_operand(x);
	if (use != ENPU_TILE_BROADCAST && ((tile->height > 1 && !tile->row_stride) ||
					   (tile->width > 1 && !tile->col_stride)))
		return enpu_exec_bad_operand(x);

	span = (uint64_t)(tile->height - 1) * tile->row_stride +
	       (uint64_t)(tile->width - 1) * tile->col_stride +
	       (uint64_t)tile->channels * type->size;
	return enpu_check_range(x, tile->region, tile->offset, span);
}

int enpu_check_tile(struct enpu_exec *x, const struct enpu_tile *tile, unsigned int types,
		    enum enpu_tile_use use)
{
	return tile->scale ? enpu_exec_bad_operand(x) : check_tile(x, tile, types, use);
}

int enpu_check_scaled_tile(struct enpu_exec *x, const struct enpu_tile *tile, unsigned int types,
			   enum enpu_tile_use use)
{
	float scale = enpu_float(tile->scale);

	if (!isfinite(scale) || scale <= 0)
		return enpu_exec_bad_operand(x);
	return check_tile(x, tile, types, use);
}

int enpu_check_ref(struct enpu_exec *x, const struct enpu_ref *ref, uint64_t size, uint64_t align)
{
	if (ref->reserved0 || ref->reserved1 || ref->offset % align)
		return enpu_exec_bad_operand(x);
	return enpu_check_range(x, ref->region, ref->offset, size);
}

int enpu_check_no_ref(struct enpu_exec *x, const struct enpu_ref *ref)
{
	if (ref->region != ENPU_REGION_NONE || ref->dtype || ref->reserved0 || ref->reserved1 ||
	    ref->offset)
		return enpu_exec_bad_operand(x);
	return 0;
}

int enpu_check_requant(struct enpu_exec *x, unsigned int mode)
{
	return mode <= ENPU_REQUANT_FP32 ? 0 : enpu_exec_bad_operand(x);
}

int enpu_check_multiplier(struct enpu_exec *x, int32_t multiplier, int shift, unsigned int mode,
			  int max_shift)
{
	if (mode == ENPU_REQUANT_FP32)
		return isfinite(enpu_float((uint32_t)multiplier)) ? 0 : enpu_exec_bad_operand(x);
	return shift >= -31 && shift <= max_shift ? 0 : enpu_exec_bad_operand(x);
}

int enpu_check_scale(struct enpu_exec *x, const struct enpu_scale *scale, unsigned int mode)
{
	int err = enpu_check_multiplier(x, scale->multiplier, scale->shift, mode, 30);

	return err ? err : enpu_check_zero(x, scale->reserved, sizeof(scale->reserved));
}

int enpu_check_clamp(struct enpu_exec *x, const struct enpu_clamp *clamp, unsigned int dtype)
{
	if (clamp->min > clamp->max || clamp->min < enpu_types[dtype].min ||
	    clamp->max > enpu_types[dtype].max)
		return enpu_exec_bad_operand(x);
	return 0;
}

int enpu_check_window(struct enpu_exec *x, const struct enpu_window *window)
{
	const uint16_t sides[] = {
		window->kernel_h, window->kernel_w, window->stride_h, window->stride_w,
		window->dilation_h, window->dilation_w,
	};

	for (size_t i = 0; i < sizeof(sides) / sizeof(sides[0]); i++)
		if (sides[i] < 1 || sides[i] > ENPU_MAX_KERNEL)
			return enpu_exec_bad_operand(x);
	return 0;
}

int enpu_check_work(struct enpu_exec *x, const struct enpu_tile *ofm, uint64_t depth)
{
	uint64_t outputs = (uint64_t)ofm->height * ofm->width * ofm->channels;

	return outputs <= ENPU_MAX_MACS / depth ? 0 : enpu_exec_bad_operand(x);
}

int enpu_check_same_shape(struct enpu_exec *x, const struct enpu_tile *a,
			  const struct enpu_tile *b)
{
	if (a->height != b->height || a->width != b->width || a->channels != b->channels)
		return enpu_exec_bad_operand(x);
	return 0;
}
