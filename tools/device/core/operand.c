// SPDX-License-Identifier: MIT
/*
 * Operand access: from regions and SRAM to dense local buffers, and back.
 */
#include <string.h>

#include "command.h"

uint32_t enpu_piece_cols(uint32_t channels)
{
	return ENPU_PIECE / channels;
}

/* What a job finds in SRAM: nothing of another one, and no zeros that it could rely on */
#define SRAM_POISON	0xa5
#define SRAM_FILL	(16u << 10)

/*
 * size bytes of the SRAM. It is filled as far as a job goes: short jobs are
 * quick, and contexts that wait for the engines take no more memory than they use.
 */
static uint8_t *sram(struct enpu_exec *x, uint64_t offset, uint64_t size)
{
	uint64_t end = enpu_round_up(offset + size, SRAM_FILL);

	if (end > x->config->sram_bytes)
		end = x->config->sram_bytes;
	if (end > x->sram_filled) {
		memset(x->sram + x->sram_filled, SRAM_POISON, end - x->sram_filled);
		x->sram_filled = end;
	}
	return x->sram + offset;
}

static void sram_copy(struct enpu_exec *x, const struct enpu_runs *runs, uint8_t *buf, bool write)
{
	uint8_t *base = sram(x, runs->va, (runs->count - 1) * runs->stride + runs->len);
	uint64_t len = runs->len, count = runs->count;

	if (runs->stride == len) {
		len *= count;
		count = 1;
	}
	for (uint64_t i = 0; i < count; i++) {
		uint8_t *place = base + i * runs->stride;

		if (write)
			memcpy(place, buf + i * len, len);
		else
			memcpy(buf + i * len, place, len);
	}
}

static int copy(struct enpu_exec *x, unsigned int region, struct enpu_runs runs, void *buf,
		bool write)
{
	struct enpu_access_fault fault;
	int err;

	if (region == ENPU_REGION_SRAM) {
		sram_copy(x, &runs, buf, write);
		return 0;
	}
	runs.va += x->regions[region].va;
	err = write ? enpu_space_write(x->space, &runs, buf, &fault) :
		      enpu_space_read(x->space, &runs, buf, &fault);
	return err ? enpu_exec_fail(x, fault.cause, fault.addr) : 0;
}

int enpu_read(struct enpu_exec *x, unsigned int region, const struct enpu_runs *runs, void *buf)
{
	return copy(x, region, *runs, buf, false);
}

int enpu_write(struct enpu_exec *x, unsigned int region, const struct enpu_runs *runs,
	       const void *buf)
{
	return copy(x, region, *runs, (void *)buf, true);
}

int enpu_read_ref(struct enpu_exec *x, const struct enpu_ref *ref, uint64_t skip, void *buf,
		  uint64_t size)
{
	struct enpu_runs run = {
		.va = ref->offset + skip, .stride = size, .len = size, .count = 1,
	};

	return enpu_read(x, ref->region, &run, buf);
}

static struct enpu_runs tile_runs(const struct enpu_tile *tile, uint32_t row, uint32_t col,
				  uint32_t step, uint32_t count)
{
	return (struct enpu_runs) {
		.va = tile->offset + (uint64_t)row * tile->row_stride +
		      (uint64_t)col * tile->col_stride,
		.stride = (uint64_t)step * tile->col_stride,
		.len = (uint64_t)tile->channels * enpu_types[tile->dtype].size,
		.count = count,
	};
}

const void *enpu_cols(struct enpu_exec *x, const struct enpu_tile *tile, uint32_t row,
		      uint32_t col, uint32_t step, uint32_t count, int *err)
{
	struct enpu_runs runs = tile_runs(tile, row, col, step, count);
	void *buf;

	if (tile->region == ENPU_REGION_SRAM && (count == 1 || runs.stride == runs.len))
		return sram(x, runs.va, runs.len * runs.count);

	buf = enpu_scratch(x, ENPU_SCRATCH_ROW, runs.len * count);
	*err = buf ? enpu_read(x, tile->region, &runs, buf) : -EFAULT;
	return *err ? NULL : buf;
}

int enpu_put_cols(struct enpu_exec *x, const struct enpu_tile *tile, uint32_t row, uint32_t col,
		  uint32_t count, const void *buf)
{
	struct enpu_runs runs = tile_runs(tile, row, col, 1, count);

	return enpu_write(x, tile->region, &runs, buf);
}

#define WIDEN_VALUES(dst, src, type, n) do {			\
	const type *_src = (src);				\
								\
	for (size_t _i = 0; _i < (n); _i++)			\
		(dst)[_i] = _src[_i];				\
} while (0)

#define NARROW_VALUES(dst, type, src, n) do {			\
	type *_dst = (dst);					\
								\
	for (size_t _i = 0; _i < (n); _i++)			\
		_dst[_i] = (type)(src)[_i];			\
} while (0)

int enpu_get_values(struct enpu_exec *x, const struct enpu_tile *tile, uint32_t row, uint32_t col,
		    uint32_t step, uint32_t count, int32_t *values)
{
	size_t n = (size_t)count * tile->channels;
	int err = 0;
	const void *raw = enpu_cols(x, tile, row, col, step, count, &err);

	if (!raw)
		return err;
	switch (tile->dtype) {
	case ENPU_U8:
		WIDEN_VALUES(values, raw, uint8_t, n);
		break;
	case ENPU_S8:
		WIDEN_VALUES(values, raw, int8_t, n);
		break;
	case ENPU_S16:
		WIDEN_VALUES(values, raw, int16_t, n);
		break;
	default:
		memcpy(values, raw, n * sizeof(*values));
	}
	return 0;
}

void enpu_narrow(void *dst, unsigned int dtype, const int32_t *values, size_t n)
{
	switch (dtype) {
	case ENPU_U8:
	case ENPU_S8:
		NARROW_VALUES(dst, uint8_t, values, n);
		break;
	case ENPU_S16:
		NARROW_VALUES(dst, int16_t, values, n);
		break;
	default:
		memcpy(dst, values, n * sizeof(*values));
	}
}

int enpu_put_values(struct enpu_exec *x, const struct enpu_tile *tile, uint32_t row, uint32_t col,
		    uint32_t count, const int32_t *values)
{
	size_t n = (size_t)count * tile->channels;
	void *buf = enpu_scratch(x, ENPU_SCRATCH_OUT, n * enpu_types[tile->dtype].size);

	if (!buf)
		return -EFAULT;
	enpu_narrow(buf, tile->dtype, values, n);
	return enpu_put_cols(x, tile, row, col, count, buf);
}

void enpu_widen(struct enpu_exec *x, const struct enpu_tile *tile, int16_t *dst, const void *src,
		size_t n)
{
	if (tile->dtype == ENPU_U8)
		x->kernels->widen_u8(dst, src, n, tile->zero_point);
	else if (tile->dtype == ENPU_S8)
		x->kernels->widen_s8(dst, src, n, tile->zero_point);
	else
		memcpy(dst, src, n * sizeof(*dst));
}

uint32_t enpu_inside(int64_t start, uint32_t step, uint32_t count, uint32_t extent,
		     uint32_t *first)
{
	int64_t lo = start < 0 ? (-start + step - 1) / step : 0;
	int64_t hi = start < extent ? (extent - start + step - 1) / step : 0;

	if (hi > count)
		hi = count;
	*first = (uint32_t)lo;
	return lo < hi ? (uint32_t)(hi - lo) : 0;
}
